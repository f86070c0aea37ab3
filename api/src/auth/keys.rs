//! Signing tokens and checking who signed them.

use argon2::password_hash::rand_core::{OsRng, RngCore};
use base64_simd::URL_SAFE_NO_PAD;
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, TokenData, Validation, decode, decode_header, encode,
    errors::ErrorKind,
};
use noctis_shared::settings::JwtSettings;
use uuid::Uuid;

use super::Claims;

/// Clocks may differ by so much.
pub(super) const SKEW_SECONDS: u64 = 30;
/// What a token is for (RFC 9068 2.1): other tokens under the same secret let nobody in.
const ACCESS_TOKEN: &str = "at+jwt";
/// Longest token that is looked at, in bytes.
const TOKEN_BYTES_MAX: usize = 16 * 1024;

/// Why a token is refused, in words for who sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefused {
    /// No three parts that read.
    #[error("the token does not read")]
    Malformed,
    /// Signed by us, for something else.
    #[error("this is no access token")]
    Kind,
    /// Another algorithm than its key is for; `none` among them.
    #[error("the token is signed by an algorithm that is not taken here")]
    Algorithm,
    /// By none of our keys.
    #[error("the signature of the token is not of a key that is known here")]
    Signature,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Its time has not come.
    #[error("the token is not valid yet")]
    NotYet,
    /// Of another issuer.
    #[error("the token is of another issuer")]
    Issuer,
    /// For somebody else.
    #[error("the token is for another audience")]
    Audience,
    /// A claim is missing or is none.
    #[error("a claim of the token is missing or does not read")]
    Claims,
}

/// The keys of a deployment. The first secret signs; each of them checks, so that secrets can be changed one by one.
pub struct TokenKeys {
    signing: EncodingKey,
    checking: Vec<DecodingKey>,
    validation: Validation,
    /// Of refresh tokens.
    refreshing: MacKeys,
    /// Of links that are shown around.
    sharing: MacKeys,
}

const ID_BYTES: usize = 16;
const CHANCE_BYTES: usize = 32;
const MAC_BYTES: usize = 16;

/// Keys for one purpose, each of a secret, in their order.
struct MacKeys(Vec<[u8; 32]>);

impl MacKeys {
    fn derived<'a>(secrets: impl Iterator<Item = &'a [u8]>, purpose: &str) -> Self {
        Self(secrets.map(|secret| blake3::derive_key(purpose, secret)).collect())
    }

    /// `said` with the first key's word for it, as text.
    fn vouched(&self, mut said: Vec<u8>) -> String {
        if let Some(key) = self.0.first() {
            let mac = blake3::keyed_hash(key, &said);
            said.extend_from_slice(&mac.as_bytes()[..MAC_BYTES]);
        }
        URL_SAFE_NO_PAD.encode_to_string(said)
    }

    /// The id at the start of the `byte_count` bytes that one of the keys vouched for.
    fn id_of(&self, token: &str, byte_count: usize) -> Option<Uuid> {
        let bytes = URL_SAFE_NO_PAD.decode_to_vec(token).ok()?;
        let (said, mac) = bytes.split_at_checked(byte_count).filter(|(_, mac)| mac.len() == MAC_BYTES)?;
        let is_ours = |key: &[u8; 32]| {
            let right = blake3::keyed_hash(key, said);
            // In the time of a whole hash, wherever they differ.
            let mut shown = *right.as_bytes();
            shown[..MAC_BYTES].copy_from_slice(mac);
            right == shown
        };
        self.0.iter().any(is_ours).then(|| Uuid::from_slice(said.get(..ID_BYTES)?).ok()).flatten()
    }
}

impl TokenKeys {
    /// The keys of `settings`; `None` where there is no secret, and another issues tokens.
    #[must_use]
    pub fn new(settings: &JwtSettings) -> Option<Self> {
        let secrets = settings.secrets.iter().map(|secret| secret.bytes());
        let signing = EncodingKey::from_secret(secrets.clone().next()?);
        Some(Self {
            signing,
            checking: secrets.clone().map(DecodingKey::from_secret).collect(),
            validation: validation(settings),
            refreshing: MacKeys::derived(secrets.clone(), "noctis 2026-11 refresh tokens"),
            sharing: MacKeys::derived(secrets, "noctis 2026-11 share links"),
        })
    }

    /// A new refresh token of a family.
    pub(super) fn refresh_token(&self, family_id: Uuid) -> String {
        let mut said = family_id.as_bytes().to_vec();
        said.resize(ID_BYTES + CHANCE_BYTES, 0);
        OsRng.fill_bytes(&mut said[ID_BYTES..]);
        self.refreshing.vouched(said)
    }

    /// The family of a refresh token that we made; `None` for what is none.
    pub(super) fn family_of(&self, token: &str) -> Option<Uuid> {
        self.refreshing.id_of(token, ID_BYTES + CHANCE_BYTES)
    }

    /// The token of the link of this name.
    pub(super) fn share_token(&self, share_id: Uuid) -> String {
        self.sharing.vouched(share_id.as_bytes().to_vec())
    }

    /// The name of the link whose token it is; `None` for what is none.
    pub(super) fn share_of(&self, token: &str) -> Option<Uuid> {
        self.sharing.id_of(token, ID_BYTES)
    }

    /// `claims` as a signed token (RFC 7515, HS256).
    ///
    /// # Errors
    /// [`TokenRefused::Claims`] for what does not serialise.
    pub fn sign(&self, claims: &Claims) -> Result<String, TokenRefused> {
        let header = Header { typ: Some(ACCESS_TOKEN.to_owned()), ..Header::new(Algorithm::HS256) };
        encode(&header, claims, &self.signing).map_err(|_| TokenRefused::Claims)
    }

    /// What a token says, if one of the keys signed it, its time is now, and it is of our issuer and for us.
    ///
    /// # Errors
    /// [`TokenRefused`].
    pub fn claims(&self, token: &str) -> Result<Claims, TokenRefused> {
        let header = header_of(token)?;
        if header.alg == Algorithm::HS256 && header.typ.as_deref() != Some(ACCESS_TOKEN) {
            return Err(TokenRefused::Kind);
        }
        let mut answer = Err(TokenRefused::Signature);
        for key in &self.checking {
            answer = decoded(decode(token, key, &self.validation));
            if answer != Err(TokenRefused::Signature) {
                break;
            }
        }
        answer
    }
}

/// What a token says of itself, unchecked.
///
/// # Errors
/// [`TokenRefused`] for what is none, or asks for more than is understood here.
pub(super) fn header_of(token: &str) -> Result<Header, TokenRefused> {
    if token.len() > TOKEN_BYTES_MAX {
        return Err(TokenRefused::Malformed);
    }
    let header = decode_header(token).map_err(|error| refused(error.kind()))?;
    // Extensions that must be understood, and are not (RFC 7515 4.1.11).
    if header.crit.is_some() { Err(TokenRefused::Malformed) } else { Ok(header) }
}

/// What a key made of a token.
pub(super) fn decoded(
    checked: jsonwebtoken::errors::Result<TokenData<Claims>>,
) -> Result<Claims, TokenRefused> {
    checked.map(|data| data.claims).map_err(|error| match error.kind() {
        // Its signature was right, so that these are claims.
        ErrorKind::Json(_) => TokenRefused::Claims,
        kind => refused(kind),
    })
}

fn validation(settings: &JwtSettings) -> Validation {
    // The algorithm is that of the key, whatever a token says.
    let mut validation = Validation::new(Algorithm::HS256);
    validation.leeway = SKEW_SECONDS;
    validation.validate_nbf = true;
    validation.set_required_spec_claims(&["exp", "iss", "sub"]);
    validation.set_issuer(&[&settings.issuer]);
    match &settings.audience {
        Some(audience) => {
            validation.set_audience(&[audience]);
            validation.required_spec_claims.insert("aud".to_owned());
        }
        None => validation.validate_aud = false,
    }
    validation
}

fn refused(error: &ErrorKind) -> TokenRefused {
    match error {
        ErrorKind::InvalidSignature => TokenRefused::Signature,
        ErrorKind::ExpiredSignature => TokenRefused::Expired,
        ErrorKind::ImmatureSignature => TokenRefused::NotYet,
        ErrorKind::InvalidIssuer => TokenRefused::Issuer,
        ErrorKind::InvalidAudience => TokenRefused::Audience,
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName | ErrorKind::MissingAlgorithm => {
            TokenRefused::Algorithm
        }
        ErrorKind::MissingRequiredClaim(_) | ErrorKind::InvalidClaimFormat(_) => TokenRefused::Claims,
        _ => TokenRefused::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use noctis_shared::settings::{Origin, Settings, Texts};

    use super::*;
    use crate::auth::claims::tests::claims;

    fn keys(secrets: &str) -> TokenKeys {
        let mut texts = Texts::defaults();
        for (name, text) in [("NOCTIS_AUTH", "jwt"), ("NOCTIS_JWT_SECRET", secrets)] {
            texts.set(name, text, Origin::Flag);
        }
        TokenKeys::new(&Settings::from_texts(&texts).expect("settings").jwt.expect("a login")).expect("keys")
    }

    const OLD: &str = "0123456789abcdef0123456789abcdef";
    const NEW: &str = "fedcba9876543210fedcba9876543210";

    #[test]
    fn a_refresh_token_names_its_family_while_its_secret_is_known_and_nothing_else_does() {
        let (family_id, old, both) = (Uuid::new_v4(), keys(OLD), keys(&format!("{NEW},{OLD}")));
        let (one, other) = (old.refresh_token(family_id), old.refresh_token(family_id));
        assert_ne!(one, other);
        for keys in [&old, &both] {
            assert_eq!((keys.family_of(&one), keys.family_of(&other)), (Some(family_id), Some(family_id)));
        }
        assert_eq!(keys(NEW).family_of(&one), None);
        assert_eq!(keys(NEW).family_of(&both.refresh_token(family_id)), Some(family_id), "the first signs");
        let mut changed = one.clone().into_bytes();
        changed[3] ^= 1;
        let changed = String::from_utf8(changed).expect("text");
        for none in ["", "x", &one[1..], &format!("{one}AAAA"), "a.b.c", &changed] {
            assert_eq!(old.family_of(none), None, "{none}");
        }
    }

    #[test]
    fn the_token_of_a_link_names_it_and_is_no_refresh_token() {
        let (share_id, old) = (Uuid::new_v4(), keys(OLD));
        let token = old.share_token(share_id);
        assert_eq!(token.len(), 43, "short enough to be sent around: {token}");
        assert_eq!(old.share_of(&token), Some(share_id));
        assert_eq!(keys(&format!("{NEW},{OLD}")).share_of(&token), Some(share_id));
        assert_eq!((keys(NEW).share_of(&token), old.family_of(&token)), (None, None));
        assert_eq!(old.share_of(&old.refresh_token(share_id)), None);
        let mut changed = token.clone().into_bytes();
        changed[7] ^= 1;
        let changed = String::from_utf8(changed).expect("text");
        for none in [&changed, &token[..42], &format!("{token}AAAA"), ""] {
            assert_eq!(old.share_of(none), None, "{none}");
        }
    }

    #[test]
    fn what_we_sign_for_something_else_is_no_access_token() {
        let keys = keys(OLD);
        let other = Header { typ: Some("share+jwt".to_owned()), ..Header::new(Algorithm::HS256) };
        let signed = encode(&other, &claims(), &keys.signing).expect("signed");
        assert_eq!(keys.claims(&signed), Err(TokenRefused::Kind));
        let of_nobody = serde_json::json!({"iss": "noctis", "exp": claims().expires_at});
        let header = Header { typ: Some(ACCESS_TOKEN.to_owned()), ..Header::new(Algorithm::HS256) };
        let signed = encode(&header, &of_nobody, &keys.signing).expect("signed");
        assert_eq!(keys.claims(&signed), Err(TokenRefused::Claims));
    }
}
