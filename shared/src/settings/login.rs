//! Settings of the login: the keys of tokens, and how long these are valid.

use std::{fmt, time::Duration};

use super::{SettingError, Texts, value};

/// Shortest secret of HS256, in bytes: as long as its digest (RFC 7518 3.2).
const SECRET_BYTES_MIN: usize = 32;

/// How tokens are signed and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JwtSettings {
    /// The first signs, each of them checks.
    pub secrets: Vec<Secret>,
    /// What tokens say who issued them.
    pub issuer: String,
    /// For whom tokens must be, where that is set.
    pub audience: Option<String>,
    /// How long an access token is valid.
    pub access_ttl: Duration,
    /// How long a refresh token works.
    pub refresh_ttl: Duration,
}

/// What nobody may read, in no log either.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("***")
    }
}

/// `None` for `off`.
pub(super) fn jwt(texts: &Texts) -> Result<Option<JwtSettings>, SettingError> {
    const OF_TOKENS: [&str; 3] = ["NOCTIS_JWT_SECRET", "NOCTIS_JWT_ISSUER", "NOCTIS_JWT_AUDIENCE"];
    if value::one_of(texts, "NOCTIS_AUTH", &["off", "jwt"])? == "off" {
        // Whoever sets one believes that a login is asked for.
        return match OF_TOKENS.into_iter().find(|name| !texts.get(name).is_empty()) {
            Some(name) => Err(SettingError::new(name, "is for NOCTIS_AUTH=jwt, and that is off")),
            None => Ok(None),
        };
    }
    let access_ttl = lasting(texts, "NOCTIS_JWT_ACCESS_TTL")?;
    let refresh_ttl = lasting(texts, "NOCTIS_JWT_REFRESH_TTL")?;
    if refresh_ttl < access_ttl {
        let reason = "takes as long as NOCTIS_JWT_ACCESS_TTL or longer: what it renews would outlive it";
        return Err(SettingError::new("NOCTIS_JWT_REFRESH_TTL", reason));
    }
    let text = |name: &str| Some(texts.get(name).to_owned()).filter(|text| !text.is_empty());
    Ok(Some(JwtSettings {
        secrets: secrets(texts)?,
        issuer: text("NOCTIS_JWT_ISSUER").unwrap_or_else(|| "noctis".to_owned()),
        audience: text("NOCTIS_JWT_AUDIENCE"),
        access_ttl,
        refresh_ttl,
    }))
}

fn secrets(texts: &Texts) -> Result<Vec<Secret>, SettingError> {
    const NAME: &str = "NOCTIS_JWT_SECRET";
    let secrets: Vec<Secret> = value::list(texts.get(NAME)).map(|secret| Secret(secret.to_owned())).collect();
    // The text is not repeated.
    if secrets.is_empty() || secrets.iter().any(|secret| secret.bytes().len() < SECRET_BYTES_MIN) {
        let reason = format!(
            "NOCTIS_AUTH=jwt takes one secret, or several with commas between them, of {SECRET_BYTES_MIN} bytes or more \
             each, like the output of: openssl rand -hex 32"
        );
        return Err(SettingError::new(NAME, reason));
    }
    Ok(secrets)
}

fn lasting(texts: &Texts, name: &str) -> Result<Duration, SettingError> {
    let time = value::duration(texts, name)?;
    if time.as_secs() == 0 {
        return Err(SettingError::new(name, "takes a second or more"));
    }
    Ok(time)
}
