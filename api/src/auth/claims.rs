//! What a token says (RFC 7519 4.1, RFC 9068 2.2).

use std::time::Duration;

use chrono::Utc;
use noctis_shared::{auth::Scopes, settings::JwtSettings};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The claims of an access token. Times are seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who issued it.
    #[serde(rename = "iss")]
    pub issuer: String,
    /// For whom it is, where that is set.
    #[serde(rename = "aud", default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<Audience>,
    /// Whose it is.
    #[serde(rename = "sub")]
    pub subject: String,
    /// When it was issued.
    #[serde(rename = "iat", default)]
    pub issued_at: u64,
    /// From when it is valid, where that is not at once.
    #[serde(rename = "nbf", default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<u64>,
    /// Until when.
    #[serde(rename = "exp")]
    pub expires_at: u64,
    /// Its name, by which it alone can be revoked.
    #[serde(rename = "jti", default, skip_serializing_if = "Option::is_none")]
    pub token_id: Option<String>,
    /// The login that it came of, by which it is revoked with the others.
    #[serde(rename = "sid", default, skip_serializing_if = "Option::is_none", deserialize_with = "of_ours")]
    pub family_id: Option<Uuid>,
    /// What it allows: names with blanks between them.
    #[serde(default)]
    pub scope: String,
    /// The studies that it is held to, by UID or id; all without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub studies: Option<Vec<String>>,
}

/// One name, or several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Audience {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

impl Claims {
    /// Those of an access token that a deployment with these settings issues now, of no login and held to no study.
    #[must_use]
    pub fn issued(settings: &JwtSettings, subject: &str, scopes: Scopes, lasts: Duration) -> Self {
        let now = Utc::now().timestamp().cast_unsigned();
        Self {
            issuer: settings.issuer.clone(),
            audience: settings.audience.clone().map(Audience::One),
            subject: subject.to_owned(),
            issued_at: now,
            not_before: None,
            expires_at: now.saturating_add(lasts.as_secs().max(1)),
            token_id: Some(Uuid::new_v4().to_string()),
            family_id: None,
            scope: scopes.to_string(),
            studies: None,
        }
    }

    /// The scopes of ours that it names.
    #[must_use]
    pub fn scopes(&self) -> Scopes {
        Scopes::known_in(&self.scope)
    }
}

/// A provider's session has a name in its own form, and is no login of ours.
fn of_ours<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Uuid>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    Ok(text.and_then(|text| text.parse().ok()))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Of a script that may see pictures, for a minute.
    pub(in super::super) fn claims() -> Claims {
        let now = chrono::Utc::now().timestamp().cast_unsigned();
        Claims {
            issuer: "noctis".to_owned(),
            audience: None,
            subject: "script".to_owned(),
            issued_at: now,
            not_before: None,
            expires_at: now + 60,
            token_id: None,
            family_id: None,
            scope: "images:read".to_owned(),
            studies: None,
        }
    }
}
