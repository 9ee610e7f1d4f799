-- By when each home should be visited, as it stands: the next of a home takes the place of the last.
CREATE TABLE due_visits (
    grid VARCHAR NOT NULL,
    journal_offset BIGINT NOT NULL,
    journal_index BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    event_at BIGINT NOT NULL,
    id VARCHAR NOT NULL,
    household VARCHAR NOT NULL,
    body VARCHAR NOT NULL,
    PRIMARY KEY (grid, id)
);
