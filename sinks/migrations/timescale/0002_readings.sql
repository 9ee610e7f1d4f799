-- Roll-ups of observations, by minute, hour and day (UTC; local days are sums of hours). For each
-- value that is measured: how many there were, their sum, the least and the greatest.
--
-- With the full licence these are continuous aggregates. Elsewhere they are tables: whoever keeps an
-- observation notes its minute in `stale`, in the same transaction, and `roll_up` makes those minutes
-- anew from what is there; so late data re-opens what it belongs to, however late it is.

-- The columns of a roll-up, out of observations or out of a finer roll-up.
CREATE FUNCTION rolled(out_of_observations boolean) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN out_of_observations THEN 'count(*) AS n' ELSE 'sum(n)::bigint AS n' END
        || string_agg(format(
            CASE WHEN out_of_observations
            THEN ', count(%1$s) AS %1$s_n, sum(%1$s) AS %1$s_sum, min(%1$s) AS %1$s_min,'
                 ' max(%1$s) AS %1$s_max'
            ELSE ', sum(%1$s_n)::bigint AS %1$s_n, sum(%1$s_sum) AS %1$s_sum,'
                 ' min(%1$s_min) AS %1$s_min, max(%1$s_max) AS %1$s_max'
            END, name), '' ORDER BY place)
    FROM unnest(ARRAY[
        'hr_bpm', 'spo2_pct', 'resp_per_min', 'temp_c', 'sbp_mmhg', 'dbp_mmhg', 'value'
    ]) WITH ORDINALITY AS measured (name, place)
$$;

-- A roll-up as a query: `bucket` and what it is about, then the columns above.
CREATE FUNCTION roll_up_of(source text, bucket text, out_of_observations boolean, which text)
RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT format(
        'SELECT %s AS bucket, grid, subject, household, kind, sensor, room, %s FROM %I %s'
        ' GROUP BY 1, grid, subject, household, kind, sensor, room',
        bucket, rolled(out_of_observations), source, which)
$$;

-- Minutes of which something was kept since they were last rolled up. Rows are only ever added and
-- removed: a row that stands for two writers could be removed by who has seen only one of them.
CREATE TABLE stale (grid text COLLATE "C" NOT NULL, minute bigint NOT NULL);

-- What is older than this may be gone, and is not rolled up again: the roll-up is all there is.
CREATE TABLE horizon (event_at bigint NOT NULL);
INSERT INTO horizon VALUES (0);

CREATE FUNCTION now_ms() RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT (extract(epoch FROM now()) * 1000)::bigint
$$;

DO $$
DECLARE
    level record;
    own boolean := (SELECT made_for FROM edition) <> 'timescale';
BEGIN
    FOR level IN SELECT * FROM (VALUES
        (1, 'readings_1min', 'observations', 'event_at', 60000, 604800000),
        (2, 'readings_1h', 'readings_1min', 'bucket', 3600000, 7776000000),
        (3, 'readings_1d', 'readings_1h', 'bucket', 86400000, 31536000000)
    ) AS levels (place, name, source, time_column, span_ms, part_ms) ORDER BY place LOOP
        IF own THEN
            EXECUTE format('CREATE TABLE %I AS %s WITH NO DATA', level.name, roll_up_of(
                level.source, format('%s - mod(%1$s, %s::bigint)', level.time_column, level.span_ms),
                level.place = 1, ''));
            EXECUTE format('ALTER TABLE %I ALTER COLUMN bucket SET NOT NULL', level.name);
            PERFORM cut_by_time(level.name, 'bucket', level.part_ms);
            EXECUTE format('CREATE INDEX %I ON %I (bucket)', level.name || '_at', level.name);
            EXECUTE format('CREATE INDEX %I ON %I (subject, bucket)', level.name || '_of_subject', level.name);
            EXECUTE format('CREATE INDEX %I ON %I (household, bucket)', level.name || '_of_household', level.name);
        ELSE
            IF level.place = 1 THEN PERFORM set_integer_now_func('observations', 'now_ms'); END IF;
            EXECUTE format(
                'CREATE MATERIALIZED VIEW %I WITH (timescaledb.continuous,'
                ' timescaledb.materialized_only = false, timescaledb.create_group_indexes = false)'
                ' AS %s WITH NO DATA', level.name, roll_up_of(
                level.source, format('time_bucket(%s::bigint, %s)', level.span_ms, level.time_column),
                level.place = 1, ''));
            EXECUTE format('CREATE INDEX ON %I (subject, bucket)', level.name);
            EXECUTE format('CREATE INDEX ON %I (household, bucket)', level.name);
        END IF;
    END LOOP;
    IF own THEN
        -- What an older version kept has not been rolled up yet.
        INSERT INTO stale SELECT DISTINCT grid, event_at - mod(event_at, 60000) FROM observations;
    END IF;
END $$;

-- Roll up one level for the buckets in `rolling`, an hour's or a day's worth at a time.
CREATE FUNCTION roll_up_level(
    target text, source text, time_column text, span_ms bigint, step_ms bigint
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    step record;
BEGIN
    FOR step IN
        SELECT min(bucket) AS since, max(bucket) + span_ms AS until
        FROM rolling GROUP BY bucket - mod(bucket, step_ms)
    LOOP
        IF (SELECT made_for FROM edition) = 'plain' THEN
            PERFORM make_room(target, ARRAY(
                SELECT bucket FROM rolling WHERE bucket >= step.since AND bucket < step.until));
        END IF;
        EXECUTE format(
            'DELETE FROM %I AS old USING rolling WHERE old.bucket >= %s AND old.bucket < %s'
            ' AND old.bucket = rolling.bucket AND old.grid = rolling.grid',
            target, step.since, step.until);
        EXECUTE format('INSERT INTO %I %s', target, roll_up_of(
            source, format('%s - mod(%1$s, %s::bigint)', time_column, span_ms),
            source = 'observations',
            format('WHERE %1$s >= %2$s AND %1$s < %3$s AND (grid, %1$s - mod(%1$s, %4$s::bigint)) IN'
                   ' (SELECT grid, bucket FROM rolling)', time_column, step.since, step.until, span_ms)));
    END LOOP;
END $$;

-- Roll up what is stale, at most so many notes of it; return how many notes were done with.
CREATE FUNCTION roll_up(most integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    done integer;
BEGIN
    IF (SELECT made_for FROM edition) = 'timescale' THEN RETURN 0; END IF;
    -- One at a time; another who asks has nothing to do.
    IF NOT pg_try_advisory_xact_lock(hashtext(current_schema() || '.roll_up')) THEN RETURN 0; END IF;
    CREATE TEMPORARY TABLE IF NOT EXISTS taken (grid text COLLATE "C", minute bigint);
    CREATE TEMPORARY TABLE IF NOT EXISTS rolling (grid text COLLATE "C", bucket bigint);
    TRUNCATE taken, rolling;
    WITH those AS (
        DELETE FROM stale WHERE ctid = ANY (ARRAY(SELECT ctid FROM stale LIMIT most))
        RETURNING grid, minute
    ) INSERT INTO taken SELECT grid, minute FROM those;
    GET DIAGNOSTICS done = ROW_COUNT;
    IF done = 0 THEN RETURN 0; END IF;
    INSERT INTO rolling SELECT DISTINCT grid, minute FROM taken
        WHERE minute >= (SELECT event_at FROM horizon);
    -- Each level reads what the one before it has just written, and what others have kept meanwhile.
    PERFORM roll_up_level('readings_1min', 'observations', 'event_at', 60000, 3600000);
    CREATE TEMPORARY TABLE coarser ON COMMIT DROP AS
        SELECT DISTINCT grid, bucket - mod(bucket, 3600000) AS bucket FROM rolling;
    TRUNCATE rolling;
    INSERT INTO rolling SELECT grid, bucket FROM coarser;
    PERFORM roll_up_level('readings_1h', 'readings_1min', 'bucket', 3600000, 86400000);
    TRUNCATE coarser;
    INSERT INTO coarser SELECT DISTINCT grid, bucket - mod(bucket, 86400000) FROM rolling;
    TRUNCATE rolling;
    INSERT INTO rolling SELECT grid, bucket FROM coarser;
    PERFORM roll_up_level('readings_1d', 'readings_1h', 'bucket', 86400000, 2678400000);
    RETURN done;
END $$;
