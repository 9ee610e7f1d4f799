-- Latent dangers and health scores. As elsewhere, `event_at` is the outcome's own `at`, in
-- milliseconds UTC, and `body` is the outcome itself.

-- Each latent danger as its latest change left it, and all its changes.
CREATE TABLE risks (
    grid VARCHAR NOT NULL,
    journal_offset BIGINT NOT NULL,
    journal_index BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    event_at BIGINT NOT NULL,
    id VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    phase VARCHAR NOT NULL,
    confidence DOUBLE NOT NULL CHECK (confidence BETWEEN 0 AND 1),
    subject VARCHAR NOT NULL,
    household VARCHAR NOT NULL,
    body VARCHAR NOT NULL,
    PRIMARY KEY (grid, id)
);

CREATE TABLE risk_changes (
    grid VARCHAR NOT NULL,
    journal_offset BIGINT NOT NULL,
    journal_index BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    event_at BIGINT NOT NULL,
    id VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    phase VARCHAR NOT NULL,
    confidence DOUBLE NOT NULL CHECK (confidence BETWEEN 0 AND 1),
    subject VARCHAR NOT NULL,
    household VARCHAR NOT NULL,
    body VARCHAR NOT NULL
);

-- Each resident's day as it was last scored: late data may score a day anew.
CREATE TABLE scores (
    grid VARCHAR NOT NULL,
    journal_offset BIGINT NOT NULL,
    journal_index BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    event_at BIGINT NOT NULL,
    id VARCHAR NOT NULL,
    day VARCHAR NOT NULL,
    subject VARCHAR NOT NULL,
    household VARCHAR NOT NULL,
    score DOUBLE NOT NULL CHECK (score BETWEEN 0 AND 100),
    low DOUBLE NOT NULL CHECK (low BETWEEN 0 AND 100),
    high DOUBLE NOT NULL CHECK (high BETWEEN 0 AND 100),
    coverage DOUBLE NOT NULL CHECK (coverage BETWEEN 0 AND 1),
    body VARCHAR NOT NULL,
    PRIMARY KEY (grid, id)
);
