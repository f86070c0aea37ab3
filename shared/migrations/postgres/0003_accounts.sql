-- People and services who log in by a secret of their own. studies: JSON list of Study Instance UIDs, NULL for all.
CREATE TABLE accounts (
    name        TEXT COLLATE "C" PRIMARY KEY,
    is_service  BOOLEAN NOT NULL,
    secret_hash TEXT    NOT NULL,
    scopes      TEXT    NOT NULL,
    studies     TEXT,
    disabled    BOOLEAN NOT NULL DEFAULT FALSE,
    created_at  BIGINT  NOT NULL
);

-- The tokens of one login. refresh_digest: BLAKE3 of the one refresh token that works.
CREATE TABLE token_families (
    family_id      UUID    PRIMARY KEY,
    account        TEXT COLLATE "C" NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
    scopes         TEXT    NOT NULL,
    refresh_digest BYTEA   NOT NULL,
    expires_at     BIGINT  NOT NULL,
    revoked        BOOLEAN NOT NULL DEFAULT FALSE
);
CREATE INDEX token_families_of_account ON token_families (account);
CREATE INDEX token_families_by_expiry ON token_families (expires_at);

-- Tokens of no family that were logged out.
CREATE TABLE revoked_tokens (
    token_id   TEXT COLLATE "C" PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE INDEX revoked_tokens_by_expiry ON revoked_tokens (expires_at);
