-- Browsers in which somebody allowed notices. One ends with the session in which it was allowed, or
-- last seen, when that is signed out or ended, and with the account; not when a session only got old:
-- an alarm must not depend on how lately somebody looked.

CREATE TABLE subscriptions (
    id TEXT PRIMARY KEY,
    endpoint TEXT NOT NULL UNIQUE,
    p256dh TEXT NOT NULL,
    auth TEXT NOT NULL,
    account TEXT NOT NULL REFERENCES accounts (id),
    session TEXT NOT NULL REFERENCES sessions (hash),
    device TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL
);
CREATE INDEX subscriptions_account ON subscriptions (account);
