-- Stored files of ours whose instances are gone, until somebody removed them. taken_until: until when somebody is at it.
CREATE TABLE objects_owed (
    location    TEXT COLLATE "C" PRIMARY KEY,
    owed_at     BIGINT NOT NULL,
    taken_until BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX objects_owed_by_age ON objects_owed (owed_at);

-- What happened to studies, until it was told. body: a CloudEvent, as JSON; study_id: of what is gathered until due_at.
CREATE TABLE outbox (
    event_id    UUID PRIMARY KEY,
    event_type  TEXT NOT NULL,
    study_id    UUID,
    body        TEXT NOT NULL,
    made_at     BIGINT NOT NULL,
    due_at      BIGINT NOT NULL,
    taken_until BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX outbox_by_time ON outbox (due_at);
CREATE INDEX outbox_of_study ON outbox (study_id) WHERE study_id IS NOT NULL;

-- Who is told over HTTP. events: names with a blank on both sides of each. secret: as receivers take it, since messages
-- are signed with it.
CREATE TABLE webhooks (
    webhook_id UUID PRIMARY KEY,
    url        TEXT NOT NULL,
    events     TEXT NOT NULL,
    secret     TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

-- What is on its way to them.
CREATE TABLE webhook_messages (
    event_id    UUID NOT NULL,
    webhook_id  UUID NOT NULL REFERENCES webhooks (webhook_id) ON DELETE CASCADE,
    body        TEXT NOT NULL,
    attempt     BIGINT NOT NULL DEFAULT 0,
    due_at      BIGINT NOT NULL,
    taken_until BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (event_id, webhook_id)
);
CREATE INDEX webhook_messages_by_time ON webhook_messages (due_at);
CREATE INDEX webhook_messages_of_webhook ON webhook_messages (webhook_id);
