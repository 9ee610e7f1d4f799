-- What vital signs and home sensors say stands in columns whole. `body` holds, as JSON, only what of an
-- observation has no column, without defaults; it is empty where the columns tell all. Rows from before
-- hold the whole observation in `body`, and stay as they are.
ALTER TABLE observations
    ADD COLUMN skin_temp_c double precision,
    ADD COLUMN glucose_mmol_l double precision,
    ADD COLUMN weight_kg double precision,
    ADD COLUMN battery_pct double precision,
    ADD COLUMN steps bigint,
    ADD COLUMN worn boolean,
    ADD COLUMN moving boolean,
    ADD COLUMN on_oxygen boolean,
    ADD COLUMN consciousness text COLLATE "C";
