//! Who makes a request: tokens checked, logins made and ended.
//!
//! What must not be here: which route takes which scope (`edge/policy`), and what a caller may see (`visible`).

mod claims;
mod key_set;
mod keys;
mod links;
mod login;
mod provider;
mod secret;
mod seen;

use std::{collections::BTreeSet, net::IpAddr, sync::Arc, time::SystemTime};

use jsonwebtoken::Algorithm;
use noctis_shared::{
    auth::{Scopes, Share, SharedThing},
    catalog::{Catalog, CatalogError},
    dicom_uid::parse_public_id,
    settings::JwtSettings,
};
use uuid::Uuid;

pub use self::{
    claims::{Audience, Claims},
    keys::{TokenKeys, TokenRefused},
    secret::{SecretRefused, hash_secret, new_secret},
};
pub(crate) use self::{
    links::LinkRefused,
    login::{Login, LoginRefused, Tokens},
};
use self::{
    links::UrlKeys,
    provider::Provider,
    seen::{Life, SeenTokens},
};
use crate::caller::{By, Sight, Who};

/// Why a token makes nobody a caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoCaller {
    /// It is no valid one; why, for who sent it.
    #[error(transparent)]
    Refused(#[from] TokenRefused),
    /// It was valid, and was logged out, or its account lost.
    #[error("the token was revoked")]
    Revoked,
    /// The link of no share that works.
    #[error("the link is none, or no longer")]
    Share,
    /// The address is not one that somebody signed for now.
    #[error(transparent)]
    Link(#[from] LinkRefused),
    /// There are no keys to check the tokens of the provider by.
    #[error("the keys of the identity provider are not known now")]
    Provider,
    /// Whether it was revoked cannot be told now.
    #[error(transparent)]
    Catalog(CatalogError),
}

/// Checks tokens, and makes them for accounts of our own.
pub(crate) struct Auth {
    /// Where tokens of our own are taken.
    keys: Option<TokenKeys>,
    provider: Option<Provider>,
    url_keys: UrlKeys,
    seen: SeenTokens,
    catalog: Catalog,
    settings: JwtSettings,
    /// Secrets that are hashed at a time: each takes memory on purpose.
    hashing: Arc<tokio::sync::Semaphore>,
}

impl Auth {
    pub(crate) fn new(settings: &JwtSettings, catalog: &Catalog) -> Self {
        Self {
            keys: TokenKeys::new(settings),
            provider: settings.provider.as_ref().map(Provider::new),
            url_keys: UrlKeys::new(&settings.url_signing_keys),
            seen: SeenTokens::default(),
            catalog: catalog.clone(),
            settings: settings.clone(),
            hashing: Arc::new(tokio::sync::Semaphore::new(secret::HASHED_AT_A_TIME)),
        }
    }

    /// Whom `token` is of.
    ///
    /// # Errors
    /// [`NoCaller`].
    pub(crate) async fn who(&self, token: &str) -> Result<Arc<Who>, NoCaller> {
        let digest = *blake3::hash(token.as_bytes()).as_bytes();
        let seen = match self.seen.get(&digest) {
            Some((seen, true)) => return seen.who.clone().ok_or(NoCaller::Revoked),
            seen => seen.map(|(seen, _)| seen),
        };
        let (claims, issuer) = self.claims(token).await?;
        let before = self.seen.before();
        let who = match self.catalog.believes(claims.family_id, claims.token_id.as_deref()).await {
            Ok(true) => Some(Arc::new(who_of(&claims, issuer))),
            Ok(false) => None,
            Err(error) => match seen {
                // Whom we knew a moment ago may go on while the catalog is away.
                Some(seen) => seen.who.clone(),
                None => return Err(NoCaller::Catalog(error)),
            },
        };
        self.seen.put(digest, who.clone(), Life::of(&claims), before);
        who.ok_or(NoCaller::Revoked)
    }

    /// Who comes with the token of a link.
    ///
    /// # Errors
    /// [`NoCaller`].
    pub(crate) async fn guest(&self, token: &str) -> Result<Arc<Who>, NoCaller> {
        let share_id = self.keys.as_ref().and_then(|keys| keys.share_of(token)).ok_or(NoCaller::Share)?;
        let digest = *blake3::hash(share_id.as_bytes()).as_bytes();
        let seen = match self.seen.get(&digest) {
            Some((seen, true)) => return seen.who.clone().ok_or(NoCaller::Share),
            seen => seen.map(|(seen, _)| seen),
        };
        let before = self.seen.before();
        let (who, expires_at) = match self.catalog.share(share_id).await {
            Ok(Some(share)) => (Some(Arc::new(guest_of(&share))), share.expires_at.into()),
            Ok(None) => (None, SystemTime::now() + links::REFUSED_FOR),
            Err(error) => return seen.and_then(|seen| seen.who.clone()).ok_or(NoCaller::Catalog(error)),
        };
        let life = Life { family_id: None, token_id: Some(share_name(share_id)), expires_at };
        self.seen.put(digest, who.clone(), life, before);
        who.ok_or(NoCaller::Share)
    }

    /// The token of the link of this name; `None` where there is no secret to sign it by.
    pub(crate) fn share_token(&self, share_id: Uuid) -> Option<String> {
        self.keys.as_ref().map(|keys| keys.share_token(share_id))
    }

    /// Forgets a link that was revoked, in this process.
    pub(crate) fn forget_share(&self, share_id: Uuid) {
        self.seen.forget_token(&share_name(share_id));
    }

    /// Who comes by an address that an application signed: nobody in particular, who may have the one answer.
    ///
    /// # Errors
    /// [`NoCaller::Link`].
    pub(crate) fn by_signature(
        &self,
        signed: &str,
        expires: Option<&str>,
        signature: &str,
        address: Option<IpAddr>,
    ) -> Result<Arc<Who>, NoCaller> {
        self.url_keys.check(signed, expires, signature)?;
        // Each counts for itself: whoever has one such address must not keep the others from theirs.
        let name = match address {
            Some(address) => format!("signed-url {address}"),
            None => "signed-url".to_owned(),
        };
        Ok(Arc::new(Who { name, sight: Sight::Everything, scopes: Scopes::READ, by: By::SignedUrl }))
    }

    async fn claims(&self, token: &str) -> Result<(Claims, Issuer), NoCaller> {
        let header = keys::header_of(token)?;
        // A secret of ours checks what is signed by secrets, and a key that is public what is signed by its other half: never
        // one in the place of the other.
        let (claims, issuer) = match (header.alg, &self.keys, &self.provider) {
            (Algorithm::HS256, Some(keys), _) => (keys.claims(token)?, Issuer::Ourselves),
            (Algorithm::RS256 | Algorithm::ES256 | Algorithm::EdDSA, _, Some(provider)) => {
                (provider.claims(token, &header).await?, Issuer::Provider)
            }
            _ => return Err(TokenRefused::Algorithm.into()),
        };
        // They are written into the catalog, and no database has to take what is no text.
        if [Some(&claims.subject), claims.token_id.as_ref()]
            .into_iter()
            .flatten()
            .any(|name| !is_a_name(name))
        {
            return Err(TokenRefused::Claims.into());
        }
        Ok((claims, issuer))
    }
}

/// Longest name in a token, in bytes.
const NAME_BYTES_MAX: usize = 512;

fn is_a_name(text: &str) -> bool {
    text.len() <= NAME_BYTES_MAX && !text.chars().any(char::is_control)
}

/// Who made a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Issuer {
    Ourselves,
    Provider,
}

/// What a link is revoked by in this process: no token has a name like it.
fn share_name(share_id: Uuid) -> String {
    format!("share {share_id}")
}

fn guest_of(share: &Share) -> Who {
    let sight = match share.thing {
        SharedThing::Study { study_id } => Sight::Studies([study_id].into()),
        part => Sight::Shared(part),
    };
    let share_id = share.share_id;
    Who { name: format!("share:{share_id}"), sight, scopes: Scopes::READ, by: By::Share(share_id) }
}

fn who_of(claims: &Claims, issuer: Issuer) -> Who {
    let sight = match &claims.studies {
        None => Sight::Everything,
        // What names no study lets nobody see more.
        Some(studies) => {
            Sight::Studies(studies.iter().filter_map(|study| parse_public_id(study)).collect::<BTreeSet<_>>())
        }
    };
    let name = match issuer {
        Issuer::Ourselves => format!("sub:{}", claims.subject),
        // Of another's people one may be called as one of ours.
        Issuer::Provider => format!("idp:{}", claims.subject),
    };
    let token_id = claims.token_id.clone().or_else(|| claims.family_id.map(|id| id.to_string()));
    let by = By::Token { subject: claims.subject.clone(), token_id };
    Who { name, sight, scopes: claims.scopes(), by }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use noctis_shared::{
        catalog::CatalogLimits,
        settings::{Origin, Settings, Texts},
    };

    use super::*;

    #[tokio::test]
    async fn whom_we_knew_goes_on_while_the_catalog_is_away_and_nobody_else_comes_in() {
        let mut texts = Texts::defaults();
        for (name, text) in
            [("NOCTIS_AUTH", "jwt"), ("NOCTIS_JWT_SECRET", "0123456789abcdef0123456789abcdef")]
        {
            texts.set(name, text, Origin::Flag);
        }
        let settings = Settings::from_texts(&texts).expect("settings").jwt.expect("a login");
        let catalog = Catalog::connect("sqlite::memory:", CatalogLimits::default()).await.expect("a catalog");
        let auth = Auth { seen: SeenTokens::that_holds(Duration::ZERO), ..Auth::new(&settings, &catalog) };
        let token = |subject: &str| {
            let claims = Claims { subject: subject.to_owned(), ..claims::tests::claims() };
            auth.keys.as_ref().expect("keys").sign(&claims).expect("signed")
        };
        let (known, unknown) = (token("known"), token("unknown"));
        assert_eq!(auth.who(&known).await.expect("a caller").name, "sub:known");
        catalog.close().await;
        assert_eq!(auth.who(&known).await.expect("a caller").name, "sub:known");
        assert!(matches!(auth.who(&unknown).await, Err(NoCaller::Catalog(_))));
    }
}
