-- Ids are UUID version 5 of the DICOM UID, 16 bytes. Absent DICOM values are NULL, except study_date:
-- '' is undated, so that one index serves "newest first, undated last".
CREATE TABLE studies (
    study_id           BLOB NOT NULL PRIMARY KEY,
    study_instance_uid TEXT NOT NULL,
    patient_id         TEXT,
    patient_name       TEXT,
    patient_birth_date TEXT,
    patient_sex        TEXT,
    study_date         TEXT NOT NULL,
    study_time         TEXT,
    study_description  TEXT,
    accession_number   TEXT,
    -- What filters look at, folded to lower case by the writer: LIKE folds ASCII alone, and only on SQLite.
    patient_id_folded        TEXT,
    patient_name_folded      TEXT,
    study_description_folded TEXT,
    accession_number_folded  TEXT
) WITHOUT ROWID;
CREATE INDEX studies_newest_first ON studies (study_date DESC, study_id);

CREATE TABLE series (
    series_id           BLOB    NOT NULL PRIMARY KEY,
    series_instance_uid TEXT    NOT NULL,
    study_id            BLOB    NOT NULL REFERENCES studies (study_id),
    series_number       INTEGER,
    series_description  TEXT,
    modality            TEXT,
    body_part           TEXT,
    image_count         INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX series_of_study ON series (study_id, modality, image_count);

-- The wide values stand last, so that reading the others leaves their overflow pages alone.
CREATE TABLE instances (
    image_id                   BLOB    NOT NULL PRIMARY KEY,
    sop_instance_uid           TEXT    NOT NULL,
    sop_class_uid              TEXT,
    series_id                  BLOB    NOT NULL REFERENCES series (series_id),
    instance_number            INTEGER,
    slice_position             REAL,
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
CREATE INDEX instances_of_series ON instances (series_id);

CREATE TABLE renders (
    render_key       TEXT    NOT NULL PRIMARY KEY,
    image_id         BLOB    NOT NULL REFERENCES instances (image_id) ON DELETE CASCADE,
    made_at          INTEGER NOT NULL,
    byte_count       INTEGER NOT NULL,
    is_picture       BOOLEAN NOT NULL,
    media_type       TEXT,
    renderer_version INTEGER NOT NULL,
    worker           TEXT    NOT NULL,
    queue_ms         REAL    NOT NULL,
    fetch_ms         REAL    NOT NULL,
    decode_ms        REAL    NOT NULL,
    render_ms        REAL    NOT NULL,
    encode_ms        REAL    NOT NULL,
    record           BLOB    NOT NULL
);
CREATE INDEX renders_of_image ON renders (image_id);
CREATE INDEX renders_by_age ON renders (made_at DESC, render_key, byte_count);

CREATE TABLE inbox (
    source     TEXT    NOT NULL,
    event_id   TEXT    NOT NULL,
    handled_at INTEGER NOT NULL,
    summary    TEXT    NOT NULL,
    PRIMARY KEY (source, event_id)
) WITHOUT ROWID;
