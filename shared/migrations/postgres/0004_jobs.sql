-- Jobs that clients are told of. work and failures: JSON. version: raised with each change. expires_at: NULL until the
-- job has ended. Times in microseconds since 1970.
CREATE TABLE jobs (
    job_id     UUID    PRIMARY KEY,
    kind       TEXT    NOT NULL,
    study_id   UUID    NOT NULL,
    owner      TEXT COLLATE "C" NOT NULL,
    work       TEXT    NOT NULL,
    state      TEXT    NOT NULL,
    total      BIGINT NOT NULL,
    done       BIGINT NOT NULL,
    failed     BIGINT NOT NULL,
    failures   TEXT    NOT NULL,
    version    BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    expires_at BIGINT
);
CREATE INDEX jobs_by_expiry ON jobs (expires_at);
CREATE INDEX jobs_newest_first ON jobs (created_at DESC, job_id);
CREATE INDEX jobs_open ON jobs (kind, created_at) WHERE expires_at IS NULL;
CREATE INDEX jobs_open_of_owner ON jobs (owner) WHERE expires_at IS NULL;
