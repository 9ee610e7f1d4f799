-- Indexes of observations were more than half of their bytes, three of them copies of long names. A
-- name's hash is four bytes, and stands for it where what is looked for is one name; the question
-- names both, so that who shares a hash is left out (`sinks/asking.py`). Instants stay in order behind
-- it, so that the newest of somebody is found without reading the others.
--
-- On a full database this takes as long as reading it; meanwhile nobody writes, and what comes waits.
DROP INDEX observations_of_subject;
DROP INDEX observations_of_household;
DROP INDEX observations_of_device;
DROP INDEX observations_by_id;
CREATE INDEX observations_of_subject ON observations (hashtext(subject), event_at);
CREATE INDEX observations_of_household ON observations (hashtext(household), event_at);
CREATE INDEX observations_of_device ON observations (hashtext(device), event_at);
CREATE INDEX observations_by_id ON observations (hashtext(id));
