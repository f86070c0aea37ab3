-- A series belongs to its study and an instance to its series: one UID may stand in several, with a row for each.
--
-- The key of a row (series_id, image_id) is UUID version 5 of its UID as long as that is free, else its own_id.
-- own_id names the row alone, in every deployment (`shared/src/own_id.rs`). uid_id is UUID version 5 of the UID; it is
-- NULL in rows whose UID no other row ever had, where the key says the same.
--
-- own_id is NULL in rows of releases before this one until the program fills it in when it starts, and slice_position
-- stays for these releases: both run side by side during an upgrade.
ALTER TABLE series ADD COLUMN uid_id UUID;
ALTER TABLE series ADD COLUMN own_id UUID;
CREATE UNIQUE INDEX series_by_own_id ON series (own_id);
CREATE INDEX series_of_shared_uid ON series (uid_id) WHERE uid_id IS NOT NULL;

ALTER TABLE instances ADD COLUMN uid_id UUID;
ALTER TABLE instances ADD COLUMN own_id UUID;
-- Who a file is of, as JSON, where its study is another patient's: its own facts are told then.
ALTER TABLE instances ADD COLUMN other_patient TEXT;
CREATE INDEX instances_of_other_patients ON instances (series_id) WHERE other_patient IS NOT NULL;
-- What display order goes by (`docs/order.md`). plane: 9 doubles, little-endian: Image Position (Patient), then the
-- row and the column cosines of Image Orientation (Patient).
ALTER TABLE instances ADD COLUMN plane BYTEA;
ALTER TABLE instances ADD COLUMN temporal_position INTEGER;
ALTER TABLE instances ADD COLUMN trigger_time DOUBLE PRECISION;
ALTER TABLE instances ADD COLUMN acquisition_number INTEGER;
ALTER TABLE instances ADD COLUMN slice_location DOUBLE PRECISION;
CREATE UNIQUE INDEX instances_by_own_id ON instances (own_id);
CREATE INDEX instances_of_shared_uid ON instances (uid_id) WHERE uid_id IS NOT NULL;
