-- A part is made whole and then attached: that lets others write and read meanwhile. `CREATE TABLE ...
-- PARTITION OF` shuts out all of them, and waited for a writer that waited for it in turn.
CREATE OR REPLACE FUNCTION make_room(cut text, instants bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    span bigint := (SELECT part_ms FROM parts WHERE name = cut);
    start bigint;
    missing bigint[];
    part text;
BEGIN
    -- Nobody drops a part between this and the rows.
    EXECUTE format('LOCK TABLE ONLY %I IN ROW EXCLUSIVE MODE', cut);
    SELECT array_agg(DISTINCT at - mod(mod(at, span) + span, span)) INTO missing
    FROM unnest(instants) AS at
    WHERE to_regclass(format('%I', cut || '_' || (at - mod(mod(at, span) + span, span)))) IS NULL;
    IF missing IS NULL THEN RETURN; END IF;
    -- One at a time: two who make the same part would both fail. Writers do not mind this lock, and
    -- to get it is to hear of parts that others have made.
    EXECUTE format('LOCK TABLE ONLY %I IN SHARE UPDATE EXCLUSIVE MODE', cut);
    FOREACH start IN ARRAY missing LOOP
        part := cut || '_' || start;
        CONTINUE WHEN to_regclass(format('%I', part)) IS NOT NULL;
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL EXCLUDING INDEXES)', part, cut);
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
                       cut, part, start, start + span);
    END LOOP;
END $$;
