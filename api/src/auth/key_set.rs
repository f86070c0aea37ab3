//! The keys of an identity provider, as it publishes them (RFC 7517).

use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse},
};
use serde::Deserialize;

/// Keys that are looked at; providers have a handful.
const KEYS_MAX: usize = 64;
/// Shortest modulus of an RSA key, in characters of base64url: 2048 bits (RFC 7518 3.3).
const MODULUS_CHARS_MIN: usize = 341;

/// Keys that check tokens, each by one algorithm.
#[derive(Default)]
pub(super) struct KeySet(Vec<Key>);

struct Key {
    id: Option<String>,
    algorithm: Algorithm,
    checks: DecodingKey,
}

#[derive(Deserialize)]
struct Published {
    keys: Vec<serde_json::Value>,
}

impl KeySet {
    /// The keys of a document that check signatures of an algorithm that is taken here. What it has besides is for others.
    ///
    /// # Errors
    /// For what is no set of keys.
    pub(super) fn read(document: &[u8]) -> Result<Self, serde_json::Error> {
        let Published { keys } = serde_json::from_slice(document)?;
        let read = |key| serde_json::from_value::<Jwk>(key).ok().and_then(|key| Key::of(&key));
        Ok(Self(keys.into_iter().take(KEYS_MAX).filter_map(read).collect()))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The keys that may have signed a token of `algorithm` that names the key `id`, or none.
    pub(super) fn find<'a>(
        &'a self,
        id: Option<&'a str>,
        algorithm: Algorithm,
    ) -> impl Iterator<Item = &'a DecodingKey> {
        let may = move |key: &&Key| key.algorithm == algorithm && (id.is_none() || id == key.id.as_deref());
        self.0.iter().filter(may).map(|key| &key.checks)
    }
}

impl Key {
    fn of(key: &Jwk) -> Option<Self> {
        if !matches!(key.common.public_key_use, None | Some(PublicKeyUse::Signature)) {
            return None;
        }
        let (algorithm, name) = match &key.algorithm {
            AlgorithmParameters::RSA(rsa) if rsa.n.len() >= MODULUS_CHARS_MIN => {
                (Algorithm::RS256, KeyAlgorithm::RS256)
            }
            AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => {
                (Algorithm::ES256, KeyAlgorithm::ES256)
            }
            AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => {
                (Algorithm::EdDSA, KeyAlgorithm::EdDSA)
            }
            _ => return None,
        };
        if key.common.key_algorithm.is_some_and(|stated| stated != name) {
            return None;
        }
        let checks = DecodingKey::from_jwk(key).ok()?;
        Some(Self { id: key.common.key_id.clone(), algorithm, checks })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_for_something_else_are_passed_over() {
        let modulus = "A".repeat(342);
        let document = serde_json::json!({"keys": [
            {"kty": "RSA", "kid": "good", "use": "sig", "n": modulus, "e": "AQAB"},
            {"kty": "RSA", "kid": "encrypts", "use": "enc", "n": modulus, "e": "AQAB"},
            {"kty": "RSA", "kid": "other", "alg": "RS512", "n": modulus, "e": "AQAB"},
            {"kty": "RSA", "kid": "short", "n": "AQAB", "e": "AQAB"},
            {"kty": "oct", "kid": "secret", "k": "AQAB"},
            {"kty": "future", "kid": "unknown"},
            {"kty": "OKP", "kid": "ed", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
            7,
        ]});
        let keys = KeySet::read(document.to_string().as_bytes()).expect("a set");
        let ids: Vec<_> = keys.0.iter().filter_map(|key| key.id.as_deref()).collect();
        assert_eq!(ids, ["good", "ed"]);
        assert_eq!(keys.find(Some("good"), Algorithm::RS256).count(), 1);
        assert_eq!(keys.find(None, Algorithm::RS256).count(), 1);
        assert_eq!(keys.find(Some("good"), Algorithm::ES256).count(), 0, "a key is for one algorithm");
        assert_eq!(keys.find(Some("ed"), Algorithm::RS256).count(), 0);
        for none in ["", "[]", "{}", "{\"keys\": 7}"] {
            assert!(KeySet::read(none.as_bytes()).is_err(), "{none}");
        }
    }
}
