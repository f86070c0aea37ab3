//! Addresses of pictures that an application signed, by a key that it shares with this server: shown without a round trip
//! to either, in an `<img>`.
//!
//! What is signed is the path and the query as they are sent, up to `&signature=`, which comes last:
//! `signature = base64url(HMAC-SHA256(key, "/api/v1/…?…&expires=1764400000"))`, without padding.

use std::time::Duration;

use chrono::Utc;
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use noctis_shared::settings::Secret;

/// A signature that is valid for longer is none that one may lose, in seconds: a week.
const LASTS_MAX: i64 = 7 * 24 * 60 * 60;

/// How long it is remembered that a link is none.
pub(super) const REFUSED_FOR: Duration = Duration::from_secs(10);

/// Why a signed address lets nobody in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LinkRefused {
    /// By none of the keys, or for another address.
    #[error("the signature is not of this address by a key that is known here")]
    Signature,
    /// Its time is over, or none is said.
    #[error("the signature has expired")]
    Expired,
    /// It would be valid for too long.
    #[error("expires lies more than a week ahead")]
    Endless,
    /// Without the moment at which it ends.
    #[error("an address that is signed takes expires, a moment in seconds since 1970, before its signature")]
    NoExpiry,
}

/// The keys of applications; any of them signs.
pub(super) struct UrlKeys(Vec<DecodingKey>);

impl UrlKeys {
    pub(super) fn new(keys: &[Secret]) -> Self {
        Self(keys.iter().map(|key| DecodingKey::from_secret(key.bytes())).collect())
    }

    /// # Errors
    /// [`LinkRefused`] unless `signature` is one of the address `signed` by one of the keys, which has not expired.
    pub(super) fn check(
        &self,
        signed: &str,
        expires: Option<&str>,
        signature: &str,
    ) -> Result<(), LinkRefused> {
        let is_of = |key: &DecodingKey| {
            crypto::verify(signature, signed.as_bytes(), key, Algorithm::HS256).unwrap_or(false)
        };
        if !self.0.iter().any(is_of) {
            return Err(LinkRefused::Signature);
        }
        let expires: i64 = expires.and_then(|text| text.parse().ok()).ok_or(LinkRefused::NoExpiry)?;
        let now = Utc::now().timestamp();
        match expires.saturating_sub(now) {
            ..=0 => Err(LinkRefused::Expired),
            left if left > LASTS_MAX => Err(LinkRefused::Endless),
            _ => Ok(()),
        }
    }
}
