-- Ids are UUID version 5 of the DICOM UID. Absent DICOM values are NULL, except study_date:
-- '' is undated, so that one index serves "newest first, undated last".
-- Collation "C" where order or prefix matters: the same order as SQLite, and no surprise after a library upgrade.
CREATE TABLE studies (
    study_id           UUID NOT NULL PRIMARY KEY,
    study_instance_uid TEXT COLLATE "C" NOT NULL,
    patient_id         TEXT,
    patient_name       TEXT,
    patient_birth_date TEXT,
    patient_sex        TEXT,
    study_date         TEXT COLLATE "C" NOT NULL,
    study_time         TEXT,
    study_description  TEXT,
    accession_number   TEXT,
    -- What filters look at, folded to lower case by the writer, so that both back ends fold alike.
    patient_id_folded        TEXT COLLATE "C",
    patient_name_folded      TEXT COLLATE "C",
    study_description_folded TEXT COLLATE "C",
    accession_number_folded  TEXT COLLATE "C"
);
CREATE INDEX studies_newest_first ON studies (study_date DESC, study_id);

CREATE TABLE series (
    series_id           UUID   NOT NULL PRIMARY KEY,
    series_instance_uid TEXT COLLATE "C" NOT NULL,
    study_id            UUID   NOT NULL REFERENCES studies (study_id),
    series_number       INTEGER,
    series_description  TEXT,
    modality            TEXT COLLATE "C",
    body_part           TEXT,
    image_count         BIGINT NOT NULL
);
CREATE INDEX series_of_study ON series (study_id, modality);

CREATE TABLE instances (
    image_id                   UUID    NOT NULL PRIMARY KEY,
    sop_instance_uid           TEXT COLLATE "C" NOT NULL,
    sop_class_uid              TEXT,
    series_id                  UUID    NOT NULL REFERENCES series (series_id),
    instance_number            INTEGER,
    slice_position             DOUBLE PRECISION,
    pixel_rows                 BIGINT,
    pixel_columns              BIGINT,
    samples_per_pixel          BIGINT  NOT NULL,
    bits_allocated             BIGINT  NOT NULL,
    frame_count                BIGINT  NOT NULL,
    transfer_syntax_uid        TEXT    NOT NULL,
    photometric_interpretation TEXT,
    window_center              DOUBLE PRECISION,
    window_width               DOUBLE PRECISION,
    content_digest             BYTEA   NOT NULL,
    file_byte_count            BIGINT  NOT NULL,
    header_byte_count          BIGINT  NOT NULL,
    header_checksum            BIGINT  NOT NULL,
    deflated                   BOOLEAN NOT NULL,
    location                   TEXT    NOT NULL,
    header_json                TEXT    NOT NULL,
    -- 24 bytes a frame: offset, byte count, checksum; little-endian.
    frame_ranges               BYTEA   NOT NULL
);
-- Uncompressed, so that substr() fetches the chunks of one frame alone.
ALTER TABLE instances ALTER COLUMN frame_ranges SET STORAGE EXTERNAL;
CREATE INDEX instances_of_series ON instances (series_id);

CREATE TABLE renders (
    render_key       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    image_id         UUID    NOT NULL REFERENCES instances (image_id) ON DELETE CASCADE,
    made_at          BIGINT  NOT NULL,
    byte_count       BIGINT  NOT NULL,
    is_picture       BOOLEAN NOT NULL,
    media_type       TEXT,
    renderer_version INTEGER NOT NULL,
    worker           TEXT    NOT NULL,
    queue_ms         DOUBLE PRECISION NOT NULL,
    fetch_ms         DOUBLE PRECISION NOT NULL,
    decode_ms        DOUBLE PRECISION NOT NULL,
    render_ms        DOUBLE PRECISION NOT NULL,
    encode_ms        DOUBLE PRECISION NOT NULL,
    record           BYTEA   NOT NULL
);
-- Pictures are compressed already.
ALTER TABLE renders ALTER COLUMN record SET STORAGE EXTERNAL;
CREATE INDEX renders_of_image ON renders (image_id);
CREATE INDEX renders_by_age ON renders (made_at DESC, render_key) INCLUDE (byte_count);

CREATE TABLE inbox (
    source     TEXT COLLATE "C" NOT NULL,
    event_id   TEXT COLLATE "C" NOT NULL,
    handled_at BIGINT NOT NULL,
    summary    TEXT   NOT NULL,
    PRIMARY KEY (source, event_id)
);
