-- By when each home should be visited, as it stands: the next of a home takes the place of the last.
CREATE TABLE due_visits (
    grid text COLLATE "C" NOT NULL,
    journal_offset bigint NOT NULL,
    journal_index bigint NOT NULL,
    received_at bigint NOT NULL,
    event_at bigint NOT NULL,
    id text COLLATE "C" NOT NULL,
    household text COLLATE "C" NOT NULL,
    body text COLLATE "C" NOT NULL,
    PRIMARY KEY (grid, id)
);
CREATE INDEX due_visits_at ON due_visits (event_at);
