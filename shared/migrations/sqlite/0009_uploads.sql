-- Files that came over HTTP, by request. admits, instances: JSON. state: arriving, arrived, done.
CREATE TABLE uploads (
    event_id   BLOB PRIMARY KEY,
    owner      TEXT NOT NULL,
    admits     TEXT NOT NULL,
    state      TEXT NOT NULL,
    instances  TEXT NOT NULL,
    created_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX uploads_by_age ON uploads (created_at);
