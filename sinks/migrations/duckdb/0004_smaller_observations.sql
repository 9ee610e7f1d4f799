-- What vital signs and home sensors say stands in columns whole. `body` holds, as JSON, only what of an
-- observation has no column, without defaults; it is empty where the columns tell all. Rows from before
-- hold the whole outcome in `body` and no `arrived_at`, and stay as they are.
ALTER TABLE observations ADD COLUMN skin_temp_c DOUBLE;
ALTER TABLE observations ADD COLUMN glucose_mmol_l DOUBLE;
ALTER TABLE observations ADD COLUMN weight_kg DOUBLE;
ALTER TABLE observations ADD COLUMN battery_pct DOUBLE;
ALTER TABLE observations ADD COLUMN steps BIGINT;
ALTER TABLE observations ADD COLUMN worn BOOLEAN;
ALTER TABLE observations ADD COLUMN moving BOOLEAN;
ALTER TABLE observations ADD COLUMN on_oxygen BOOLEAN;
ALTER TABLE observations ADD COLUMN consciousness VARCHAR;
ALTER TABLE observations ADD COLUMN arrived_at BIGINT;
