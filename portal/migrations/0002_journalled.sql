-- Visits and what residents share with their families are in the journal by now. Of visits, only
-- the ids stay here, so that one which a phone brings twice is handed on once.

CREATE TABLE visits_said (
    entry TEXT PRIMARY KEY,
    at INTEGER NOT NULL
);
INSERT INTO visits_said SELECT id, received_at FROM visits;
DROP TABLE visits;
DROP TABLE sharing;
