-- Files that came over HTTP, by request. admits, instances: JSON. state: arriving, arrived, done. due_at: when workers are told again
-- of one that arrived and is not done.
CREATE TABLE uploads (
    event_id   UUID PRIMARY KEY,
    owner      TEXT NOT NULL,
    admits     TEXT NOT NULL,
    state      TEXT NOT NULL,
    instances  TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    due_at     BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX uploads_by_age ON uploads (created_at);
CREATE INDEX uploads_due ON uploads (due_at) WHERE state = 'arrived';
