-- What is dropped while it is rolled up anew would leave an empty roll-up, and that is all there was. So
-- one waits for the other: dropping moves the horizon first, and whoever rolls up holds it.
ALTER FUNCTION roll_up(integer) RENAME TO roll_up_notes;

CREATE FUNCTION roll_up(most integer) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM horizon FOR SHARE;
    RETURN roll_up_notes(most);
END $$;
