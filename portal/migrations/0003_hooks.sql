-- Who wants to be called when an incident changes: a hook speaks for a token, and ends with it.

CREATE TABLE hooks (
    id TEXT PRIMARY KEY,
    token TEXT NOT NULL REFERENCES tokens (hash),
    url TEXT NOT NULL,
    secret TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    ended_at INTEGER
);

-- What a hook has not taken yet. A call has the id of what it is about: called twice, it is one.
CREATE TABLE calls (
    hook TEXT NOT NULL REFERENCES hooks (id),
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    at INTEGER NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    next_at INTEGER NOT NULL,
    PRIMARY KEY (hook, id)
);
CREATE INDEX calls_next ON calls (next_at);
