-- Files that came over HTTP, by request. admits, instances: JSON. state: arriving, arrived, done. due_at: when workers are told again
-- of one that arrived and is not done.
CREATE TABLE uploads (
    event_id   BLOB PRIMARY KEY,
    owner      TEXT NOT NULL,
    admits     TEXT NOT NULL,
    state      TEXT NOT NULL,
    instances  TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    due_at     INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX uploads_by_age ON uploads (created_at);
CREATE INDEX uploads_due ON uploads (due_at) WHERE state = 'arrived';
