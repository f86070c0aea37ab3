-- Links that show a study, a series or an image to whoever has them. series_id and image_id: ids that name one alone.
CREATE TABLE shares (
    share_id   UUID    PRIMARY KEY,
    study_id   UUID    NOT NULL,
    series_id  UUID,
    image_id   UUID,
    shared_by  TEXT COLLATE "C" NOT NULL,
    created_at BIGINT  NOT NULL,
    expires_at BIGINT  NOT NULL,
    revoked    BOOLEAN NOT NULL DEFAULT FALSE
);
CREATE INDEX shares_by_expiry ON shares (expires_at);

-- Who opened which study. token_id: by which token or link, where that has a name.
CREATE TABLE audit (
    entry_id  UUID    PRIMARY KEY,
    at        BIGINT  NOT NULL,
    subject   TEXT COLLATE "C",
    shown_by  TEXT COLLATE "C" NOT NULL,
    token_id  TEXT COLLATE "C",
    address   TEXT COLLATE "C",
    study_id  UUID    NOT NULL
);
CREATE INDEX audit_in_order ON audit (at, entry_id);
CREATE INDEX audit_of_study ON audit (study_id, at);
