-- People and services who log in by a secret of their own. studies: JSON list of Study Instance UIDs, NULL for all.
CREATE TABLE accounts (
    name        TEXT    PRIMARY KEY,
    is_service  BOOLEAN NOT NULL,
    secret_hash TEXT    NOT NULL,
    scopes      TEXT    NOT NULL,
    studies     TEXT,
    disabled    BOOLEAN NOT NULL DEFAULT FALSE,
    created_at  INTEGER NOT NULL
) WITHOUT ROWID;

-- The tokens of one login. refresh_digest: BLAKE3 of the one refresh token that works.
CREATE TABLE token_families (
    family_id      BLOB    PRIMARY KEY,
    account        TEXT    NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
    scopes         TEXT    NOT NULL,
    refresh_digest BLOB    NOT NULL,
    expires_at     INTEGER NOT NULL,
    revoked        BOOLEAN NOT NULL DEFAULT FALSE
) WITHOUT ROWID;
CREATE INDEX token_families_of_account ON token_families (account);
CREATE INDEX token_families_by_expiry ON token_families (expires_at);

-- Tokens of no family that were logged out.
CREATE TABLE revoked_tokens (
    token_id   TEXT    PRIMARY KEY,
    expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX revoked_tokens_by_expiry ON revoked_tokens (expires_at);
