-- How long things are kept, and who sees to it: jobs of the database with the full licence, elsewhere
-- whoever owns the store, by calling `drop_old` and `roll_up`.

-- Drop the parts of a table in which everything is older than `before`; return how many.
CREATE FUNCTION drop_old(cut text, before bigint) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    part record;
    dropped integer := 0;
BEGIN
    IF cut = 'observations' THEN
        UPDATE horizon SET event_at = before WHERE event_at < before;
    END IF;
    IF (SELECT made_for FROM edition) <> 'plain' THEN
        SELECT count(*) INTO dropped FROM drop_chunks(cut::regclass, older_than => before);
        RETURN dropped;
    END IF;
    FOR part IN
        SELECT child.oid::regclass AS name,
               substring(child.relname FROM '_(-?[0-9]+)$')::bigint
               + (SELECT part_ms FROM parts WHERE parts.name = cut) AS until
        FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid
        WHERE inhparent = cut::regclass
    LOOP
        IF part.until <= before THEN
            EXECUTE format('DROP TABLE %s', part.name);
            dropped := dropped + 1;
        END IF;
    END LOOP;
    RETURN dropped;
END $$;

-- What the jobs were last told, so that they are told again only what is new.
CREATE TABLE told (what jsonb NOT NULL);

DO $$
BEGIN
    IF (SELECT made_for FROM edition) <> 'timescale' THEN RETURN; END IF;
    -- A resident's readings lie together, in the order of time: that is how they are asked for.
    ALTER TABLE observations SET (timescaledb.compress,
        timescaledb.compress_segmentby = 'subject', timescaledb.compress_orderby = 'event_at');
    PERFORM set_integer_now_func('hazards', 'now_ms');
    PERFORM set_integer_now_func('deadletters', 'now_ms');
END $$;

-- Tell the database's own jobs how long to keep what, in milliseconds; 0 for good. Roll-ups look
-- back no further than what they are made of is kept: what was dropped must not empty them.
CREATE FUNCTION tell_jobs(
    observations_ms bigint, hazards_ms bigint, deadletters_ms bigint, minutes_ms bigint,
    compress_after_ms bigint
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    wanted jsonb := jsonb_build_array(
        observations_ms, hazards_ms, deadletters_ms, minutes_ms, compress_after_ms);
    kept record;
    rolled record;
BEGIN
    IF (SELECT made_for FROM edition) <> 'timescale' THEN RETURN false; END IF;
    PERFORM pg_advisory_xact_lock(hashtext(current_schema() || '.tell_jobs'));
    IF EXISTS (SELECT FROM told WHERE what = wanted) THEN RETURN false; END IF;
    DELETE FROM told;
    INSERT INTO told VALUES (wanted);
    PERFORM remove_compression_policy('observations', if_exists => true);
    IF compress_after_ms > 0 THEN
        PERFORM add_compression_policy('observations', compress_after => compress_after_ms);
    END IF;
    FOR kept IN SELECT * FROM (VALUES
        ('observations', observations_ms), ('hazards', hazards_ms),
        ('deadletters', deadletters_ms), ('readings_1min', minutes_ms)
    ) AS those (name, ms) LOOP
        PERFORM remove_retention_policy(kept.name::regclass, if_exists => true);
        IF kept.ms > 0 THEN
            PERFORM add_retention_policy(kept.name::regclass, drop_after => kept.ms);
        END IF;
    END LOOP;
    FOR rolled IN SELECT * FROM (VALUES
        ('readings_1min', observations_ms - 86400000, 60000, interval '1 minute'),
        ('readings_1h', minutes_ms - 604800000, 3600000, interval '10 minutes'),
        ('readings_1d', NULL, 86400000, interval '1 hour')
    ) AS those (name, back_ms, span_ms, every) LOOP
        PERFORM remove_continuous_aggregate_policy(rolled.name::regclass, if_exists => true);
        PERFORM add_continuous_aggregate_policy(
            rolled.name::regclass,
            start_offset => CASE WHEN rolled.back_ms > 0 THEN rolled.back_ms END::bigint,
            end_offset => rolled.span_ms::bigint,
            schedule_interval => rolled.every);
    END LOOP;
    RETURN true;
END $$;
