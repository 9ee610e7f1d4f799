-- What follows from a stretch of the journal is looked for by its offset (the lake is filled so). Rows
-- come nearly in that order: an index of block ranges is enough, and is next to nothing to keep.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'observations', 'hazards', 'deadletters', 'incident_changes', 'risk_changes', 'tasks',
        'notices', 'commands', 'adjustments'
    ] LOOP
        EXECUTE format('CREATE INDEX %I ON %I USING brin (journal_offset) WITH (autosummarize = on)',
                       name || '_by_offset', name);
    END LOOP;
END $$;
