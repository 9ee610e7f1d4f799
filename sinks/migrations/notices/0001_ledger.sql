-- The courier's own book: every notice with what became of it, every try on a channel, and what is
-- on its way to the journal about that. Instants are milliseconds UTC. Of a channel there is the
-- name here, and of a provider nothing: addresses stand in `body` alone, secrets nowhere.

CREATE TABLE notices (
    id TEXT PRIMARY KEY,
    grid TEXT NOT NULL,
    incident TEXT NOT NULL,
    recipient TEXT NOT NULL,
    step TEXT NOT NULL,
    severity INTEGER NOT NULL,
    at INTEGER NOT NULL,
    not_before INTEGER NOT NULL,
    body TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting',
    channel TEXT NOT NULL DEFAULT '',
    detail TEXT NOT NULL DEFAULT '',
    taken_at INTEGER NOT NULL,
    done_at INTEGER
);
CREATE INDEX notices_waiting ON notices (state, not_before);
CREATE INDEX notices_incident ON notices (incident);

-- A try is written down before it is made, so that a crash leaves a mark.
CREATE TABLE tries (
    notice TEXT NOT NULL REFERENCES notices (id),
    n INTEGER NOT NULL,
    channel TEXT NOT NULL,
    began_at INTEGER NOT NULL,
    ended_at INTEGER,
    result TEXT NOT NULL DEFAULT '',
    detail TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (notice, n)
);

-- As the portal's: what was said and is not known to be in the journal yet.
CREATE TABLE senders (
    sender TEXT PRIMARY KEY,
    boot TEXT NOT NULL,
    seq INTEGER NOT NULL
);

CREATE TABLE outbox (
    grid TEXT NOT NULL,
    device TEXT NOT NULL,
    boot TEXT NOT NULL,
    seq INTEGER NOT NULL,
    topic TEXT NOT NULL,
    payload BLOB NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (grid, device, boot, seq)
);
