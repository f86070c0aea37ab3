-- Jobs that clients are told of. work and failures: JSON. version: raised with each change. expires_at: NULL until the
-- job has ended. Times in microseconds since 1970.
CREATE TABLE jobs (
    job_id     BLOB    PRIMARY KEY,
    kind       TEXT    NOT NULL,
    study_id   BLOB    NOT NULL,
    owner      TEXT    NOT NULL,
    work       TEXT    NOT NULL,
    state      TEXT    NOT NULL,
    total      INTEGER NOT NULL,
    done       INTEGER NOT NULL,
    failed     INTEGER NOT NULL,
    failures   TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    expires_at INTEGER
) WITHOUT ROWID;
CREATE INDEX jobs_by_expiry ON jobs (expires_at);
CREATE INDEX jobs_newest_first ON jobs (created_at DESC, job_id);
CREATE INDEX jobs_open ON jobs (kind, created_at) WHERE expires_at IS NULL;
CREATE INDEX jobs_open_of_owner ON jobs (owner) WHERE expires_at IS NULL;
