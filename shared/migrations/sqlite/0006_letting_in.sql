-- Links that show a study, a series or an image to whoever has them. series_id and image_id: ids that name one alone.
CREATE TABLE shares (
    share_id   BLOB    PRIMARY KEY,
    study_id   BLOB    NOT NULL,
    series_id  BLOB,
    image_id   BLOB,
    shared_by  TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked    BOOLEAN NOT NULL DEFAULT FALSE
) WITHOUT ROWID;
CREATE INDEX shares_by_expiry ON shares (expires_at);

-- Who opened which study. token_id: by which token or link, where that has a name.
CREATE TABLE audit (
    entry_id  BLOB    PRIMARY KEY,
    at        INTEGER NOT NULL,
    subject   TEXT,
    shown_by  TEXT    NOT NULL,
    token_id  TEXT,
    address   TEXT,
    study_id  BLOB    NOT NULL
) WITHOUT ROWID;
CREATE INDEX audit_in_order ON audit (at, entry_id);
CREATE INDEX audit_of_study ON audit (study_id, at);
