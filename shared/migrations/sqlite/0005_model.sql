-- Made again instead of altered, as before: the facts stand in front of the wide values. Foreign keys are off during
-- migrations, so the renders stay.
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
    -- What viewers measure and show with (`shared/src/image_facts.rs`), as JSON. NULL in rows of releases before this one
    -- until the program fills it in, right after this.
    facts                      TEXT,
    header_json                TEXT    NOT NULL,
    -- 24 bytes a frame: offset, byte count, checksum; little-endian.
    frame_ranges               BLOB    NOT NULL
);
INSERT INTO instances_made_again (
    image_id, uid_id, own_id, sop_instance_uid, sop_class_uid, series_id, instance_number, plane,
    temporal_position, trigger_time, acquisition_number, slice_location, other_patient, pixel_rows,
    pixel_columns, samples_per_pixel, bits_allocated, frame_count, transfer_syntax_uid,
    photometric_interpretation, window_center, window_width, content_digest, file_byte_count, header_byte_count,
    header_checksum, deflated, location, header_json, frame_ranges)
SELECT
    image_id, uid_id, own_id, sop_instance_uid, sop_class_uid, series_id, instance_number, plane,
    temporal_position, trigger_time, acquisition_number, slice_location, other_patient, pixel_rows,
    pixel_columns, samples_per_pixel, bits_allocated, frame_count, transfer_syntax_uid,
    photometric_interpretation, window_center, window_width, content_digest, file_byte_count, header_byte_count,
    header_checksum, deflated, location, header_json, frame_ranges
FROM instances;
DROP TABLE instances;
ALTER TABLE instances_made_again RENAME TO instances;
CREATE INDEX instances_of_series ON instances (series_id);
CREATE INDEX instances_of_other_patients ON instances (series_id) WHERE other_patient IS NOT NULL;
CREATE UNIQUE INDEX instances_by_own_id ON instances (own_id);
CREATE INDEX instances_of_shared_uid ON instances (uid_id) WHERE uid_id IS NOT NULL;
CREATE INDEX instances_without_facts ON instances (image_id) WHERE facts IS NULL;

-- The folded names without accents, for searches. Filled in as above.
ALTER TABLE studies ADD COLUMN patient_name_plain TEXT;
ALTER TABLE studies ADD COLUMN study_description_plain TEXT;
CREATE INDEX studies_without_plain_text ON studies (study_id)
    WHERE (patient_name IS NOT NULL AND patient_name_plain IS NULL)
       OR (study_description IS NOT NULL AND study_description_plain IS NULL);
-- When something of the study last changed, in ms since 1970; 0 where that was before this release.
ALTER TABLE studies ADD COLUMN changed_at INTEGER NOT NULL DEFAULT 0;
CREATE INDEX studies_by_change ON studies (changed_at);
