//! Who opened what.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How somebody came to see a study.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShownBy {
    /// By a token.
    Token,
    /// By a link of `POST /api/v1/share`.
    Share,
    /// By an address that an application signed.
    SignedUrl,
}

impl ShownBy {
    /// Every way.
    pub const ALL: [ShownBy; 3] = [ShownBy::Token, ShownBy::Share, ShownBy::SignedUrl];

    /// Its name, in the catalog and in exports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            ShownBy::Token => "token",
            ShownBy::Share => "share",
            ShownBy::SignedUrl => "signed_url",
        }
    }
}

/// That somebody opened a study: one line of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Its name.
    pub entry_id: Uuid,
    /// When.
    pub at: DateTime<Utc>,
    /// Who, by the subject of the token; `null` for a link, whoever has it.
    pub subject: Option<String>,
    /// How.
    pub shown_by: ShownBy,
    /// By which token (`jti`, or the login that it is of) or link (`share_id`), where that has a name.
    pub token_id: Option<String>,
    /// From which address.
    pub address: Option<String>,
    /// Which study.
    pub study_id: Uuid,
}

/// Which entries are wanted; all without.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Of this moment or later.
    pub since: Option<DateTime<Utc>>,
    /// Before this moment.
    pub until: Option<DateTime<Utc>>,
    /// Of this study.
    pub study_id: Option<Uuid>,
    /// Of this subject.
    pub subject: Option<String>,
}
