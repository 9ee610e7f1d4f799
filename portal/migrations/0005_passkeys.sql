-- Passkeys: the public halves, with how often each has signed. A challenge waits for one browser's
-- answer, and is used up by it; `holder` is a hash, or the id of a session.

CREATE TABLE passkeys (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts (id),
    public_key BLOB NOT NULL,
    sign_count INTEGER NOT NULL,
    label TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    used_at INTEGER
);
CREATE INDEX passkeys_account ON passkeys (account);

CREATE TABLE challenges (
    purpose TEXT NOT NULL CHECK (purpose IN ('register', 'sign_in')),
    holder TEXT NOT NULL,
    challenge BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (purpose, holder)
);

-- The passkey that opened a session: without it, the session ends too.
ALTER TABLE sessions ADD COLUMN passkey TEXT NOT NULL DEFAULT '';
