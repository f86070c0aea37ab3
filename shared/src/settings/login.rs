//! Settings of the login: the keys of tokens, and how long these are valid.

use std::{fmt, time::Duration};

use url::{Host, Url};

use super::{SettingError, Texts, value};

/// Shortest secret of HS256, in bytes: as long as its digest (RFC 7518 3.2).
const SECRET_BYTES_MIN: usize = 32;

/// How tokens are signed and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JwtSettings {
    /// The first signs, each of them checks; none where only a provider issues tokens.
    pub secrets: Vec<Secret>,
    /// Whose tokens are taken beside our own.
    pub provider: Option<ProviderSettings>,
    /// Keys by which applications sign addresses of pictures.
    pub url_signing_keys: Vec<Secret>,
    /// What tokens of our own say who issued them.
    pub issuer: String,
    /// For whom tokens of our own must be, where that is set.
    pub audience: Option<String>,
    /// How long an access token is valid.
    pub access_ttl: Duration,
    /// How long a refresh token works.
    pub refresh_ttl: Duration,
}

/// An identity provider, as `OpenID` Connect has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderSettings {
    /// Where its keys are (RFC 7517 5).
    pub jwks_url: Url,
    /// What its tokens say who issued them.
    pub issuer: String,
    /// For whom its tokens must be.
    pub audience: String,
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
    const OF_TOKENS: [&str; 5] = [
        "NOCTIS_JWT_SECRET",
        "NOCTIS_JWT_JWKS_URL",
        "NOCTIS_JWT_ISSUER",
        "NOCTIS_JWT_AUDIENCE",
        "NOCTIS_URL_SIGNING_KEYS",
    ];
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
    let provider = provider(texts)?;
    let secrets = secrets(texts, "NOCTIS_JWT_SECRET")?;
    if secrets.is_empty() && provider.is_none() {
        let reason = format!(
            "NOCTIS_AUTH=jwt takes {SECRETS}, or the keys of an identity provider in NOCTIS_JWT_JWKS_URL"
        );
        return Err(SettingError::new("NOCTIS_JWT_SECRET", reason));
    }
    // Where there is a provider, it is its issuer that is named.
    let issuer = text("NOCTIS_JWT_ISSUER").filter(|_| provider.is_none());
    Ok(Some(JwtSettings {
        secrets,
        provider,
        url_signing_keys: self::secrets(texts, "NOCTIS_URL_SIGNING_KEYS")?,
        issuer: issuer.unwrap_or_else(|| OWN_ISSUER.to_owned()),
        audience: text("NOCTIS_JWT_AUDIENCE"),
        access_ttl,
        refresh_ttl,
    }))
}

/// Who issues our own tokens, where nothing else is set.
const OWN_ISSUER: &str = "noctis";
/// What a setting of secrets takes.
const SECRETS: &str = "one secret, or several with commas between them, of 32 bytes or more each, like the output of: openssl rand -hex 32";

fn secrets(texts: &Texts, name: &str) -> Result<Vec<Secret>, SettingError> {
    let secrets: Vec<Secret> = value::list(texts.get(name)).map(|secret| Secret(secret.to_owned())).collect();
    // The text is not repeated.
    if secrets.iter().any(|secret| secret.bytes().len() < SECRET_BYTES_MIN) {
        return Err(SettingError::new(name, format!("takes {SECRETS}")));
    }
    Ok(secrets)
}

/// `None` without one. Its keys decide who comes in, so that they are not taken from the network in clear, and its tokens
/// are of no use for other services of the same provider.
fn provider(texts: &Texts) -> Result<Option<ProviderSettings>, SettingError> {
    const NAME: &str = "NOCTIS_JWT_JWKS_URL";
    if texts.get(NAME).is_empty() {
        return Ok(None);
    }
    let jwks_url = value::url(texts, NAME, &["http", "https"])?;
    let is_loopback = match jwks_url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if jwks_url.scheme() == "http" && !is_loopback {
        return Err(SettingError::new(NAME, "takes https, and http on loopback alone"));
    }
    let required = |name: &str, what: &str| match texts.get(name) {
        "" => Err(SettingError::new(name, format!("takes {what} where NOCTIS_JWT_JWKS_URL is set"))),
        text => Ok(text.to_owned()),
    };
    let issuer = required("NOCTIS_JWT_ISSUER", "what tokens of the provider have as iss")?;
    let audience = required("NOCTIS_JWT_AUDIENCE", "what tokens of the provider for Noctis have as aud")?;
    if issuer == OWN_ISSUER {
        return Err(SettingError::new(
            "NOCTIS_JWT_ISSUER",
            format!("{OWN_ISSUER} is who issues our own tokens"),
        ));
    }
    Ok(Some(ProviderSettings { jwks_url, issuer, audience }))
}

fn lasting(texts: &Texts, name: &str) -> Result<Duration, SettingError> {
    let time = value::duration(texts, name)?;
    if time.as_secs() == 0 {
        return Err(SettingError::new(name, "takes a second or more"));
    }
    Ok(time)
}
