-- Outcomes as they came, one table a kind. Instants are integer milliseconds UTC; `at` itself is a
-- reserved word of DuckDB, and stands here as `event_at`.
--
-- Every row names its grid and the position (journal_offset, journal_index) that it follows from,
-- and holds the outcome itself as JSON in `body`; columns beside it are for looking things up.
-- No table of the hot path has a key: positions, committed with the rows, keep out what came before.
-- `seq` counts what is followed, over its tables, in the order of commits.

CREATE TABLE progress (
    grid VARCHAR PRIMARY KEY,
    journal_offset BIGINT NOT NULL,
    journal_index BIGINT NOT NULL
);

CREATE TABLE cursors (
    name VARCHAR PRIMARY KEY,
    seq BIGINT NOT NULL
);

CREATE TABLE observations (
    grid VARCHAR NOT NULL,
    journal_offset BIGINT NOT NULL,
    journal_index BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    event_at BIGINT NOT NULL,
    id VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    device VARCHAR NOT NULL,
    subject VARCHAR NOT NULL,
    household VARCHAR NOT NULL,
    hr_bpm DOUBLE,
    spo2_pct DOUBLE,
    resp_per_min DOUBLE,
    temp_c DOUBLE,
    sbp_mmhg DOUBLE,
    dbp_mmhg DOUBLE,
    sensor VARCHAR,
    room VARCHAR,
    value DOUBLE,
    body VARCHAR NOT NULL
);

CREATE TABLE hazards (
    grid VARCHAR NOT NULL,
    journal_offset BIGINT NOT NULL,
    journal_index BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    event_at BIGINT NOT NULL,
    id VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    phase VARCHAR NOT NULL,
    severity INTEGER NOT NULL,
    confidence DOUBLE NOT NULL CHECK (confidence BETWEEN 0 AND 1),
    subject VARCHAR NOT NULL,
    household VARCHAR NOT NULL,
    body VARCHAR NOT NULL
);

CREATE TABLE incident_changes (
    seq BIGINT NOT NULL,
    grid VARCHAR NOT NULL,
    journal_offset BIGINT NOT NULL,
    journal_index BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    event_at BIGINT NOT NULL,
    id VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    severity INTEGER NOT NULL,
    state VARCHAR NOT NULL,
    subject VARCHAR NOT NULL,
    household VARCHAR NOT NULL,
    body VARCHAR NOT NULL
);

-- Each incident as its latest change left it.
CREATE TABLE incidents (
    seq BIGINT NOT NULL,
    grid VARCHAR NOT NULL,
    journal_offset BIGINT NOT NULL,
    journal_index BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    event_at BIGINT NOT NULL,
    id VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    severity INTEGER NOT NULL,
    state VARCHAR NOT NULL,
    subject VARCHAR NOT NULL,
    household VARCHAR NOT NULL,
    body VARCHAR NOT NULL,
    PRIMARY KEY (grid, id)
);

CREATE TABLE tasks (
    seq BIGINT NOT NULL,
    grid VARCHAR NOT NULL,
    journal_offset BIGINT NOT NULL,
    journal_index BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    event_at BIGINT NOT NULL,
    id VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    incident VARCHAR NOT NULL,
    body VARCHAR NOT NULL
);

CREATE TABLE notices (
    seq BIGINT NOT NULL,
    grid VARCHAR NOT NULL,
    journal_offset BIGINT NOT NULL,
    journal_index BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    event_at BIGINT NOT NULL,
    id VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    incident VARCHAR NOT NULL,
    body VARCHAR NOT NULL
);

CREATE TABLE commands (
    seq BIGINT NOT NULL,
    grid VARCHAR NOT NULL,
    journal_offset BIGINT NOT NULL,
    journal_index BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    event_at BIGINT NOT NULL,
    id VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    incident VARCHAR NOT NULL,
    body VARCHAR NOT NULL
);

-- The ledger: each gap as it stands, and what agents gave up.
CREATE TABLE losses (
    grid VARCHAR NOT NULL,
    journal_offset BIGINT NOT NULL,
    journal_index BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    event_at BIGINT NOT NULL,
    id VARCHAR NOT NULL,
    device VARCHAR NOT NULL,
    boot VARCHAR NOT NULL,
    first_seq BIGINT NOT NULL,
    last_seq BIGINT NOT NULL,
    state VARCHAR NOT NULL,
    body VARCHAR NOT NULL,
    PRIMARY KEY (grid, id)
);

CREATE TABLE deadletters (
    grid VARCHAR NOT NULL,
    journal_offset BIGINT NOT NULL,
    journal_index BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    event_at BIGINT NOT NULL,
    id VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    detail VARCHAR NOT NULL,
    topic VARCHAR NOT NULL,
    device VARCHAR NOT NULL,
    size BIGINT NOT NULL,
    payload BLOB NOT NULL
);
