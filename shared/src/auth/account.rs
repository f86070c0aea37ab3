//! People and services of our own, as the catalog keeps them.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Scopes;

/// Who may log in by a secret of its own. What is printed of it has no hash in it.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// What it logs in by: the user name, or the client id.
    pub name: String,
    /// A person or a service.
    pub kind: AccountKind,
    /// Its secret as an argon2id hash in the form of PHC strings.
    pub secret_hash: String,
    /// What it may be allowed.
    pub scopes: Scopes,
    /// Study Instance UIDs that it is held to; `None` for one that may see all.
    pub studies: Option<Vec<String>>,
    /// Whether it may log in no more.
    pub disabled: bool,
    /// When it was added.
    pub created_at: DateTime<Utc>,
}

impl fmt::Debug for Account {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, kind, secret_hash: _, scopes, studies, disabled, created_at } = self;
        out.debug_struct("Account")
            .field("name", name)
            .field("kind", kind)
            .field("scopes", scopes)
            .field("studies", studies)
            .field("disabled", disabled)
            .field("created_at", created_at)
            .finish_non_exhaustive()
    }
}

/// How an account logs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountKind {
    /// By user name and password, and then by refresh tokens.
    Person,
    /// By client id and secret, each time.
    Service,
}

/// The tokens that came of one login, each refresh token in place of the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenFamily {
    /// Its id, which each access token of it names.
    pub family_id: Uuid,
    /// Whose login it was.
    pub account: String,
    /// What the login asked for.
    pub scopes: Scopes,
    /// Digest of the refresh token that works once; of nothing, for a service.
    pub refresh_digest: [u8; 32],
    /// Until when that one works, and all of it ends.
    pub expires_at: DateTime<Utc>,
}
