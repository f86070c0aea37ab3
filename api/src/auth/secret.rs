//! Secrets of accounts, kept as argon2id hashes (RFC 9106).

use std::sync::LazyLock;

use argon2::{
    Argon2, PasswordHash, PasswordHasher, PasswordVerifier,
    password_hash::{
        SaltString,
        rand_core::{OsRng, RngCore},
    },
};

/// Hashes at a time: each takes 19 MiB and some 30 ms of a core, on purpose.
pub(super) const HASHED_AT_A_TIME: usize = 2;
/// Shortest secret, in bytes.
const SECRET_BYTES_MIN: usize = 12;
/// Longest secret, in bytes: what a caller has us hash is bounded.
pub(super) const SECRET_BYTES_MAX: usize = 1024;

/// Why a secret is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretRefused {
    /// Too short or too long.
    #[error("a password takes {SECRET_BYTES_MIN} to {SECRET_BYTES_MAX} bytes")]
    Length,
    /// It could not be hashed.
    #[error("the password could not be hashed: {0}")]
    Failed(String),
}

/// The argon2id hash of a new secret, as a PHC string.
///
/// # Errors
/// [`SecretRefused`].
pub fn hash_secret(secret: &str) -> Result<String, SecretRefused> {
    if !(SECRET_BYTES_MIN..=SECRET_BYTES_MAX).contains(&secret.len()) {
        return Err(SecretRefused::Length);
    }
    hash(secret)
}

/// A secret that nobody guesses, for a service.
#[must_use]
pub fn new_secret() -> String {
    let mut chance = [0; 32];
    OsRng.fill_bytes(&mut chance);
    base64_simd::URL_SAFE_NO_PAD.encode_to_string(chance)
}

fn hash(secret: &str) -> Result<String, SecretRefused> {
    let salt = SaltString::generate(&mut OsRng);
    let hash = Argon2::default().hash_password(secret.as_bytes(), &salt);
    hash.map(|hash| hash.to_string()).map_err(|error| SecretRefused::Failed(error.to_string()))
}

/// Whether `secret` is the one of `stored`. Takes as long for nobody's.
pub(super) fn is_right(secret: &str, stored: Option<&str>) -> bool {
    /// Of a secret that nobody knows.
    static NOBODY_S: LazyLock<String> =
        LazyLock::new(|| hash(&uuid::Uuid::new_v4().to_string()).unwrap_or_default());
    let right = |stored: &str| {
        let stored = PasswordHash::new(stored);
        stored.is_ok_and(|stored| Argon2::default().verify_password(secret.as_bytes(), &stored).is_ok())
    };
    match stored {
        Some(stored) => right(stored),
        None => {
            std::hint::black_box(right(&NOBODY_S));
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_known_by_its_hash_and_nobody_s_is_none() {
        let stored = hash_secret("correct horse battery").expect("hashed");
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(is_right("correct horse battery", Some(&stored)));
        for wrong in ["correct horse batterz", "", "correct horse battery "] {
            assert!(!is_right(wrong, Some(&stored)), "{wrong}");
        }
        assert!(!is_right("correct horse battery", None));
        assert!(!is_right("x", Some("no hash")));
        assert_ne!(
            stored,
            hash_secret("correct horse battery").expect("hashed"),
            "each has a salt of its own"
        );
    }

    #[test]
    fn a_secret_that_is_too_short_or_too_long_is_refused() {
        assert_eq!(hash_secret("eleven byte"), Err(SecretRefused::Length));
        assert_eq!(hash_secret(&"x".repeat(1025)), Err(SecretRefused::Length));
    }
}
