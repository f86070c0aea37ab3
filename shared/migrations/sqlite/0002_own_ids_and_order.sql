-- A series belongs to its study and an instance to its series: one UID may stand in several, with a row for each.
--
-- The key of a row (series_id, image_id) is UUID version 5 of its UID as long as that is free, else its own_id.
-- own_id names the row alone, in every deployment (`shared/src/own_id.rs`). uid_id is UUID version 5 of the UID; it is
-- NULL in rows whose UID no other row ever had, where the key says the same.
--
-- own_id is NULL in rows of releases before this one until the program fills it in, right after this.
ALTER TABLE series ADD COLUMN uid_id BLOB;
ALTER TABLE series ADD COLUMN own_id BLOB;
CREATE UNIQUE INDEX series_by_own_id ON series (own_id);
CREATE INDEX series_of_shared_uid ON series (uid_id) WHERE uid_id IS NOT NULL;

-- Made again instead of altered: a column that is added stands behind the wide values, and reading it would read
-- their overflow pages. Foreign keys are off during migrations, so the renders stay.
CREATE TABLE instances_made_again (
    image_id                   BLOB    NOT NULL PRIMARY KEY,
    uid_id                     BLOB,
    own_id                     BLOB,
    sop_instance_uid           TEXT    NOT NULL,
    sop_class_uid              TEXT,
    series_id                  BLOB    NOT NULL REFERENCES series (series_id),
    instance_number            INTEGER,
    -- What display order goes by (`docs/order.md`). plane: 9 doubles, little-endian: Image Position (Patient), then
    -- the row and the column cosines of Image Orientation (Patient).
    plane                      BLOB,
    temporal_position          INTEGER,
    trigger_time               REAL,
    acquisition_number         INTEGER,
    slice_location             REAL,
    -- Who a file is of, as JSON, where its study is another patient's: its own facts are told then.
    other_patient              TEXT,
    pixel_rows                 INTEGER,
    pixel_columns              INTEGER,
    samples_per_pixel          INTEGER NOT NULL,
    bits_allocated             INTEGER NOT NULL,
    frame_count                INTEGER NOT NULL,
    transfer_syntax_uid        TEXT    NOT NULL,
    photometric_interpretation TEXT,
    window_center              REAL,
    window_width               REAL,
    content_digest             BLOB    NOT NULL,
    file_byte_count            INTEGER NOT NULL,
    header_byte_count          INTEGER NOT NULL,
    header_checksum            INTEGER NOT NULL,
    deflated                   BOOLEAN NOT NULL,
    location                   TEXT    NOT NULL,
    header_json                TEXT    NOT NULL,
    -- 24 bytes a frame: offset, byte count, checksum; little-endian.
    frame_ranges               BLOB    NOT NULL
);
INSERT INTO instances_made_again (
    image_id, sop_instance_uid, sop_class_uid, series_id, instance_number, pixel_rows, pixel_columns,
    samples_per_pixel, bits_allocated, frame_count, transfer_syntax_uid, photometric_interpretation, window_center,
    window_width, content_digest, file_byte_count, header_byte_count, header_checksum, deflated, location,
    header_json, frame_ranges)
SELECT image_id, sop_instance_uid, sop_class_uid, series_id, instance_number, pixel_rows, pixel_columns,
    samples_per_pixel, bits_allocated, frame_count, transfer_syntax_uid, photometric_interpretation, window_center,
    window_width, content_digest, file_byte_count, header_byte_count, header_checksum, deflated, location,
    header_json, frame_ranges
FROM instances;
DROP TABLE instances;
ALTER TABLE instances_made_again RENAME TO instances;
CREATE INDEX instances_of_series ON instances (series_id);
CREATE INDEX instances_of_other_patients ON instances (series_id) WHERE other_patient IS NOT NULL;
CREATE UNIQUE INDEX instances_by_own_id ON instances (own_id);
CREATE INDEX instances_of_shared_uid ON instances (uid_id) WHERE uid_id IS NOT NULL;
