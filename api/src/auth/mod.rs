//! Who makes a request: tokens checked, logins made and ended.
//!
//! What must not be here: which route takes which scope (`edge/policy`), and what a caller may see (`visible`).

mod claims;
mod keys;
mod login;
mod secret;
mod seen;

use std::{collections::BTreeSet, sync::Arc};

use noctis_shared::{
    catalog::{Catalog, CatalogError},
    dicom_uid::parse_public_id,
    settings::JwtSettings,
};

pub(crate) use self::login::{Login, LoginRefused, Tokens};
use self::seen::SeenTokens;
pub use self::{
    claims::{Audience, Claims},
    keys::{TokenKeys, TokenRefused},
    secret::{SecretRefused, hash_secret, new_secret},
};
use crate::caller::{Caller, Sight};

/// Why a token makes nobody a caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoCaller {
    /// It is no valid one; why, for who sent it.
    #[error(transparent)]
    Refused(#[from] TokenRefused),
    /// It was valid, and was logged out, or its account lost.
    #[error("the token was revoked")]
    Revoked,
    /// Whether it was revoked cannot be told now.
    #[error(transparent)]
    Catalog(CatalogError),
}

/// Checks tokens, and makes them for accounts of our own.
pub(crate) struct Auth {
    keys: TokenKeys,
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
    pub(crate) async fn caller(&self, token: &str) -> Result<Arc<Caller>, NoCaller> {
        let digest = *blake3::hash(token.as_bytes()).as_bytes();
        let seen = match self.seen.get(&digest) {
            Some((seen, true)) => return seen.caller.clone().ok_or(NoCaller::Revoked),
            seen => seen.map(|(seen, _)| seen),
        };
        let claims = self.keys.claims(token)?;
        let before = self.seen.before();
        let caller = match self.catalog.believes(claims.family_id, claims.token_id.as_deref()).await {
            Ok(true) => Some(Arc::new(caller_of(&claims))),
            Ok(false) => None,
            Err(error) => match seen {
                // Whom we knew a moment ago may go on while the catalog is away.
                Some(seen) => seen.caller.clone(),
                None => return Err(NoCaller::Catalog(error)),
            },
        };
        self.seen.put(digest, caller.clone(), &claims, before);
        caller.ok_or(NoCaller::Revoked)
    }
}

fn caller_of(claims: &Claims) -> Caller {
    let sight = match &claims.studies {
        None => Sight::Everything,
        // What names no study lets nobody see more.
        Some(studies) => {
            Sight::Studies(studies.iter().filter_map(|study| parse_public_id(study)).collect::<BTreeSet<_>>())
        }
    };
    Caller { name: format!("sub:{}", claims.subject), sight, scopes: claims.scopes() }
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
            auth.keys.sign(&claims).expect("signed")
        };
        let (known, unknown) = (token("known"), token("unknown"));
        assert_eq!(auth.caller(&known).await.expect("a caller").name, "sub:known");
        catalog.close().await;
        assert_eq!(auth.caller(&known).await.expect("a caller").name, "sub:known");
        assert!(matches!(auth.caller(&unknown).await, Err(NoCaller::Catalog(_))));
    }
}
