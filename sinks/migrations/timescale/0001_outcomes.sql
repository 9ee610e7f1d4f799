-- Outcomes as they came, one table a kind. Instants are integer milliseconds UTC, as on the wire, and
-- stand as `event_at`. Every row names its grid and the position (journal_offset, journal_index) that
-- it follows from; `body` holds the outcome itself as JSON, of an observation only what was observed.
-- `seq` counts what is followed, over its tables, in the order of commits.
--
-- The same schema runs on three editions, and remembers for which it was made:
--   timescale  TimescaleDB with its full licence
--   apache     TimescaleDB under the Apache licence: no compression, no continuous aggregates, no jobs
--   plain      PostgreSQL alone: partitions in the place of hypertables

CREATE TABLE edition (made_for text NOT NULL);
INSERT INTO edition SELECT CASE
    WHEN EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb')
    THEN current_setting('timescaledb.license')
    ELSE 'plain'
END;

-- Which tables are cut by time, and how long a part is.
CREATE TABLE parts (
    name text PRIMARY KEY,
    time_column text NOT NULL,
    part_ms bigint NOT NULL CHECK (part_ms > 0)
);

-- Cut a new, empty table by time. Its indexes are made afterwards.
CREATE FUNCTION cut_by_time(cut text, time_column text, part_ms bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT made_for FROM edition) = 'plain' THEN
        EXECUTE format('ALTER TABLE %I RENAME TO %I', cut, cut || '_shape');
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL) PARTITION BY RANGE (%I)',
                       cut, cut || '_shape', time_column);
        EXECUTE format('DROP TABLE %I', cut || '_shape');
    ELSE
        -- No second dimension: see docs/decisions/0012-timescale.md.
        PERFORM create_hypertable(cut::regclass, by_range(time_column, part_ms),
                                  create_default_indexes => false);
    END IF;
    INSERT INTO parts VALUES (cut, time_column, part_ms);
END $$;

-- See to it that rows of these instants have a place. A hypertable does so by itself.
CREATE FUNCTION make_room(cut text, instants bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    span bigint := (SELECT part_ms FROM parts WHERE name = cut);
    start bigint;
    missing bigint[];
BEGIN
    -- Nobody drops a part between this and the rows.
    EXECUTE format('LOCK TABLE ONLY %I IN ROW EXCLUSIVE MODE', cut);
    SELECT array_agg(DISTINCT at - mod(mod(at, span) + span, span)) INTO missing
    FROM unnest(instants) AS at
    WHERE to_regclass(format('%I', cut || '_' || (at - mod(mod(at, span) + span, span)))) IS NULL;
    IF missing IS NULL THEN RETURN; END IF;
    -- One at a time: two who make the same part would both fail.
    PERFORM pg_advisory_xact_lock(hashtext(current_schema() || '.' || cut));
    FOREACH start IN ARRAY missing LOOP
        EXECUTE format('CREATE TABLE IF NOT EXISTS %I PARTITION OF %I FOR VALUES FROM (%s) TO (%s)',
                       cut || '_' || start, cut, start, start + span);
    END LOOP;
END $$;

CREATE TABLE progress (
    grid text COLLATE "C" PRIMARY KEY,
    journal_offset bigint NOT NULL,
    journal_index bigint NOT NULL
);

-- The last `seq` given out. Whoever commits what is followed holds this row until then.
CREATE TABLE followed (seq bigint NOT NULL);
INSERT INTO followed VALUES (0);

CREATE TABLE cursors (
    name text PRIMARY KEY,
    seq bigint NOT NULL
);

-- The hot path: no key; positions, committed with the rows, keep out what came before. A home's
-- observations may wait for its clock: `arrived_at` is when one reached the journal, `received_at` when
-- the record did that it follows from.
CREATE TABLE observations (
    journal_offset bigint NOT NULL,
    journal_index bigint NOT NULL,
    received_at bigint NOT NULL,
    event_at bigint NOT NULL,
    arrived_at bigint NOT NULL,
    hr_bpm double precision,
    spo2_pct double precision,
    resp_per_min double precision,
    temp_c double precision,
    sbp_mmhg double precision,
    dbp_mmhg double precision,
    value double precision,
    grid text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    device text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    household text COLLATE "C" NOT NULL,
    sensor text COLLATE "C",
    room text COLLATE "C",
    body text COLLATE "C" NOT NULL
);
SELECT cut_by_time('observations', 'event_at', 86400000);
CREATE INDEX observations_at ON observations (event_at);
CREATE INDEX observations_of_subject ON observations (subject, event_at);
CREATE INDEX observations_of_household ON observations (household, event_at);
CREATE INDEX observations_of_device ON observations (device, event_at);
-- By hash: an id is long, and only ever looked for as it is.
CREATE INDEX observations_by_id ON observations USING hash (id);
-- What was registered is looked up over all time.
CREATE INDEX observations_registered ON observations (grid, event_at) WHERE kind = 'registered';

CREATE TABLE hazards (
    grid text COLLATE "C" NOT NULL,
    journal_offset bigint NOT NULL,
    journal_index bigint NOT NULL,
    received_at bigint NOT NULL,
    event_at bigint NOT NULL,
    id text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    phase text COLLATE "C" NOT NULL,
    severity bigint NOT NULL,
    confidence double precision NOT NULL CHECK (confidence BETWEEN 0 AND 1),
    subject text COLLATE "C" NOT NULL,
    household text COLLATE "C" NOT NULL,
    body text COLLATE "C" NOT NULL
);
SELECT cut_by_time('hazards', 'event_at', 2592000000);
CREATE INDEX hazards_at ON hazards (event_at);
CREATE INDEX hazards_of_subject ON hazards (subject, event_at);
CREATE INDEX hazards_by_id ON hazards (id);

-- Dead letters are cut by their arrival. Texts beside `body` have no NUL, which PostgreSQL cannot hold.
CREATE TABLE deadletters (
    grid text COLLATE "C" NOT NULL,
    journal_offset bigint NOT NULL,
    journal_index bigint NOT NULL,
    received_at bigint NOT NULL,
    event_at bigint NOT NULL,
    id text COLLATE "C" NOT NULL,
    reason text COLLATE "C" NOT NULL,
    topic text COLLATE "C" NOT NULL,
    device text COLLATE "C" NOT NULL,
    size bigint NOT NULL,
    body text COLLATE "C" NOT NULL
);
SELECT cut_by_time('deadletters', 'event_at', 604800000);
CREATE INDEX deadletters_at ON deadletters (event_at);
CREATE INDEX deadletters_of_reason ON deadletters (reason, event_at);

-- What is followed is little and is kept for good: tables that are not cut, read by `seq`.
CREATE TABLE incident_changes (
    seq bigint PRIMARY KEY,
    grid text COLLATE "C" NOT NULL,
    journal_offset bigint NOT NULL,
    journal_index bigint NOT NULL,
    received_at bigint NOT NULL,
    event_at bigint NOT NULL,
    id text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    severity bigint NOT NULL,
    state text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    household text COLLATE "C" NOT NULL,
    body text COLLATE "C" NOT NULL
);

-- Each incident as its latest change left it.
CREATE TABLE incidents (LIKE incident_changes, PRIMARY KEY (grid, id));
CREATE INDEX incidents_at ON incidents (event_at);
CREATE INDEX incidents_by_id ON incidents (id);
CREATE INDEX incidents_of_grid ON incidents (grid, event_at);
CREATE INDEX incidents_of_state ON incidents (state, event_at);
CREATE INDEX incidents_of_subject ON incidents (subject, event_at);

CREATE TABLE tasks (
    seq bigint PRIMARY KEY,
    grid text COLLATE "C" NOT NULL,
    journal_offset bigint NOT NULL,
    journal_index bigint NOT NULL,
    received_at bigint NOT NULL,
    event_at bigint NOT NULL,
    id text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    incident text COLLATE "C" NOT NULL,
    body text COLLATE "C" NOT NULL
);
CREATE INDEX tasks_at ON tasks (event_at);
CREATE INDEX tasks_of_incident ON tasks (incident);

CREATE TABLE notices (LIKE tasks, PRIMARY KEY (seq));
CREATE INDEX notices_at ON notices (event_at);
CREATE INDEX notices_of_incident ON notices (incident);

CREATE TABLE commands (LIKE tasks, PRIMARY KEY (seq));
CREATE INDEX commands_at ON commands (event_at);
CREATE INDEX commands_of_incident ON commands (incident);

-- Latent dangers, each as its latest change left it, and all their changes.
CREATE TABLE risk_changes (
    grid text COLLATE "C" NOT NULL,
    journal_offset bigint NOT NULL,
    journal_index bigint NOT NULL,
    received_at bigint NOT NULL,
    event_at bigint NOT NULL,
    id text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    phase text COLLATE "C" NOT NULL,
    confidence double precision NOT NULL CHECK (confidence BETWEEN 0 AND 1),
    subject text COLLATE "C" NOT NULL,
    household text COLLATE "C" NOT NULL,
    body text COLLATE "C" NOT NULL
);
CREATE INDEX risk_changes_at ON risk_changes (event_at);
CREATE INDEX risk_changes_by_id ON risk_changes (id);

CREATE TABLE risks (LIKE risk_changes INCLUDING CONSTRAINTS, PRIMARY KEY (grid, id));
CREATE INDEX risks_at ON risks (event_at);
CREATE INDEX risks_of_subject ON risks (subject, event_at);

-- Each resident's day as it was last scored: late data may score a day anew.
CREATE TABLE scores (
    grid text COLLATE "C" NOT NULL,
    journal_offset bigint NOT NULL,
    journal_index bigint NOT NULL,
    received_at bigint NOT NULL,
    event_at bigint NOT NULL,
    id text COLLATE "C" NOT NULL,
    day text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    household text COLLATE "C" NOT NULL,
    score double precision NOT NULL CHECK (score BETWEEN 0 AND 100),
    low double precision NOT NULL CHECK (low BETWEEN 0 AND 100),
    high double precision NOT NULL CHECK (high BETWEEN 0 AND 100),
    coverage double precision NOT NULL CHECK (coverage BETWEEN 0 AND 1),
    body text COLLATE "C" NOT NULL,
    PRIMARY KEY (grid, id)
);
CREATE INDEX scores_at ON scores (event_at);
CREATE INDEX scores_of_subject ON scores (subject, event_at);

-- What people's word about false alarms changed, for whom, and within which bounds: an audit.
CREATE TABLE adjustments (
    grid text COLLATE "C" NOT NULL,
    journal_offset bigint NOT NULL,
    journal_index bigint NOT NULL,
    received_at bigint NOT NULL,
    event_at bigint NOT NULL,
    id text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    household text COLLATE "C" NOT NULL,
    incident text COLLATE "C" NOT NULL,
    body text COLLATE "C" NOT NULL
);
CREATE INDEX adjustments_at ON adjustments (event_at);
CREATE INDEX adjustments_of_subject ON adjustments (subject, event_at);

-- The ledger: each gap as it stands, and what agents gave up.
CREATE TABLE losses (
    grid text COLLATE "C" NOT NULL,
    journal_offset bigint NOT NULL,
    journal_index bigint NOT NULL,
    received_at bigint NOT NULL,
    event_at bigint NOT NULL,
    id text COLLATE "C" NOT NULL,
    device text COLLATE "C" NOT NULL,
    boot text COLLATE "C" NOT NULL,
    first_seq bigint NOT NULL,
    last_seq bigint NOT NULL,
    state text COLLATE "C" NOT NULL,
    body text COLLATE "C" NOT NULL,
    PRIMARY KEY (grid, id)
);
CREATE INDEX losses_at ON losses (event_at);
CREATE INDEX losses_of_device ON losses (device, event_at);
