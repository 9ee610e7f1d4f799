-- The portal's own book: who may sign in, what was looked at, and what is on its way to the
-- journal. Nothing here says how an incident stands: that is the store's word alone.
-- Keys of sessions, invitations and tokens are kept as hashes; instants are milliseconds UTC.

CREATE TABLE accounts (
    id TEXT PRIMARY KEY,
    role TEXT NOT NULL CHECK (role IN ('family', 'resident', 'staff', 'operator', 'office')),
    person TEXT NOT NULL,
    name TEXT NOT NULL,
    language TEXT NOT NULL DEFAULT 'zh',
    password TEXT NOT NULL,
    totp_secret TEXT NOT NULL DEFAULT '',
    totp_step INTEGER NOT NULL DEFAULT 0,
    made_at INTEGER NOT NULL,
    closed_at INTEGER
);

CREATE TABLE sessions (
    hash TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts (id),
    device TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    ended_at INTEGER
);

CREATE TABLE invitations (
    hash TEXT PRIMARY KEY,
    role TEXT NOT NULL,
    person TEXT NOT NULL,
    name TEXT NOT NULL,
    made_by TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER
);

CREATE TABLE tokens (
    hash TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts (id),
    label TEXT NOT NULL,
    scopes TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ended_at INTEGER
);

CREATE TABLE failures (
    about TEXT NOT NULL,
    at INTEGER NOT NULL
);
CREATE INDEX failures_about ON failures (about, at);

CREATE TABLE links_used (
    nonce TEXT PRIMARY KEY,
    at INTEGER NOT NULL
);

-- Each line holds the hash of the line before it, so that none can be changed or taken out unseen.
CREATE TABLE audit (
    n INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    role TEXT NOT NULL,
    action TEXT NOT NULL,
    about TEXT NOT NULL,
    purpose TEXT NOT NULL,
    hash TEXT NOT NULL
);

-- What was said and is not known to be in the journal yet; numbers go on where they ended.
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

CREATE TABLE reports (
    receipt TEXT PRIMARY KEY,
    hash TEXT NOT NULL,
    observation TEXT NOT NULL,
    grid TEXT NOT NULL,
    account TEXT NOT NULL,
    category TEXT NOT NULL,
    text TEXT NOT NULL,
    place TEXT NOT NULL,
    photo TEXT NOT NULL,
    at INTEGER NOT NULL,
    rating INTEGER
);

-- Visits are only ever added: one written twice is one, two that differ are both kept.
CREATE TABLE visits (
    id TEXT PRIMARY KEY,
    staff TEXT NOT NULL,
    grid TEXT NOT NULL,
    household TEXT NOT NULL,
    at INTEGER NOT NULL,
    found TEXT NOT NULL,
    note TEXT NOT NULL,
    received_at INTEGER NOT NULL
);
CREATE INDEX visits_household ON visits (grid, household, at);

-- How much of her day a resident lets her family see.
CREATE TABLE sharing (
    resident TEXT PRIMARY KEY,
    level TEXT NOT NULL CHECK (level IN ('rooms', 'hours', 'nothing')),
    said_by TEXT NOT NULL,
    at INTEGER NOT NULL
);
