//! Logins of accounts of our own: made, renewed, ended.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use noctis_shared::{
    auth::{Account, AccountKind, Scopes, TokenFamily},
    catalog::{CatalogError, Rotation},
};
use tokio::time::timeout;
use uuid::Uuid;

use super::{Auth, Claims, TokenRefused, keys::SKEW_SECONDS, secret};

/// How long a login waits for others whose secrets are being checked.
const WAITS_MAX: Duration = Duration::from_secs(3);
const SKEW: Duration = Duration::from_secs(SKEW_SECONDS);

/// What a login gives.
pub(crate) struct Tokens {
    pub(crate) access_token: String,
    /// How long that is valid.
    pub(crate) expires_in: Duration,
    /// For people: works once, for the next tokens.
    pub(crate) refresh_token: Option<String>,
    /// What was granted.
    pub(crate) scopes: Scopes,
}

/// Who logs in.
pub(crate) struct Login {
    pub(crate) kind: AccountKind,
    pub(crate) name: String,
    pub(crate) secret: String,
    /// What it asks for; all it may have without.
    pub(crate) scopes: Option<Scopes>,
}

/// Why there are no tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LoginRefused {
    /// No such account, another secret, or it is disabled: which of these nobody is told.
    Unknown,
    /// The account may not have what was asked for.
    Scope,
    /// The refresh token is none, or no longer.
    Refresh,
    /// Too many log in at once.
    Busy,
    /// Only a provider issues tokens here.
    Elsewhere,
    /// The catalog.
    Catalog(CatalogError),
    /// The tokens could not be made.
    Token(TokenRefused),
}

impl From<CatalogError> for LoginRefused {
    fn from(error: CatalogError) -> Self {
        LoginRefused::Catalog(error)
    }
}

impl From<TokenRefused> for LoginRefused {
    fn from(error: TokenRefused) -> Self {
        LoginRefused::Token(error)
    }
}

impl Auth {
    /// Tokens for who knows the secret of an account.
    ///
    /// # Errors
    /// [`LoginRefused`].
    pub(crate) async fn log_in(&self, login: Login) -> Result<Tokens, LoginRefused> {
        let Login { kind, name, secret, scopes } = login;
        let keys = self.keys.as_ref().ok_or(LoginRefused::Elsewhere)?;
        let account = self.catalog.account(&name).await?;
        let account = account.filter(|account| account.kind == kind && !account.disabled);
        let stored = account.as_ref().map(|account| account.secret_hash.clone());
        let is_right = self.secret_is_right(secret, stored).await?;
        let account = account.filter(|_| is_right).ok_or(LoginRefused::Unknown)?;
        let scopes = scopes.unwrap_or(account.scopes);
        if !account.scopes.have_all(scopes) {
            return Err(LoginRefused::Scope);
        }
        let family_id = Uuid::new_v4();
        let refresh_token = keys.refresh_token(family_id);
        // A service has its secret, and needs no other (RFC 6749 4.4.3).
        let (refresh_token, lasts) = match kind {
            AccountKind::Person => (Some(refresh_token), self.settings.refresh_ttl),
            AccountKind::Service => (None, self.settings.access_ttl + 2 * SKEW),
        };
        let family = TokenFamily {
            family_id,
            account: account.name.clone(),
            scopes,
            refresh_digest: refresh_token.as_deref().map_or([0; 32], digest),
            expires_at: Utc::now() + lasts,
        };
        if !self.catalog.start_family(&family, &account.secret_hash).await? {
            return Err(LoginRefused::Unknown);
        }
        self.tokens(&account, scopes, family_id, refresh_token)
    }

    /// The next tokens, for one refresh token.
    ///
    /// # Errors
    /// [`LoginRefused`].
    pub(crate) async fn refresh(&self, used: &str) -> Result<Tokens, LoginRefused> {
        let keys = self.keys.as_ref().ok_or(LoginRefused::Elsewhere)?;
        let family_id = keys.family_of(used).ok_or(LoginRefused::Refresh)?;
        let next = keys.refresh_token(family_id);
        let expires_at = Utc::now() + self.settings.refresh_ttl;
        match self.catalog.rotate(family_id, &digest(used), &digest(&next), expires_at).await? {
            Rotation::Rotated(account, scopes) => {
                // What the account lost since is lost here, too.
                let scopes = account.scopes.both(scopes);
                self.tokens(&account, scopes, family_id, Some(next))
            }
            Rotation::Reused => {
                tracing::warn!("a refresh token was used a second time: its login was ended");
                self.seen.forget_family(family_id);
                Err(LoginRefused::Refresh)
            }
            Rotation::Unknown => Err(LoginRefused::Refresh),
        }
    }

    /// Ends the login of a refresh token, or of an access token; one that is none has nothing to end.
    ///
    /// # Errors
    /// [`CatalogError`].
    pub(crate) async fn log_out(&self, token: &str) -> Result<(), CatalogError> {
        let claims = self.claims(token).await.ok().map(|(claims, _)| claims);
        let refreshes = self.keys.as_ref().and_then(|keys| keys.family_of(token));
        let family_id = refreshes.or(claims.as_ref().and_then(|claims| claims.family_id));
        if let Some(family_id) = family_id {
            self.catalog.revoke_family(family_id).await?;
            self.seen.forget_family(family_id);
        } else if let Some(claims) = claims
            && let Some(token_id) = &claims.token_id
        {
            // For as long as it would be taken.
            let expires_at = i64::try_from(claims.expires_at).ok();
            let expires_at = expires_at.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
            let until =
                expires_at.and_then(|at| at.checked_add_signed(TimeDelta::seconds(2 * SKEW_SECONDS as i64)));
            self.catalog.revoke_token(token_id, until.unwrap_or(DateTime::<Utc>::MAX_UTC)).await?;
            self.seen.forget_token(token_id);
        }
        Ok(())
    }

    fn tokens(
        &self,
        account: &Account,
        scopes: Scopes,
        family_id: Uuid,
        refresh_token: Option<String>,
    ) -> Result<Tokens, LoginRefused> {
        let expires_in = self.settings.access_ttl;
        let claims = Claims {
            family_id: Some(family_id),
            studies: account.studies.clone(),
            ..Claims::issued(&self.settings, &account.name, scopes, expires_in)
        };
        let access_token = self.keys.as_ref().ok_or(LoginRefused::Elsewhere)?.sign(&claims)?;
        Ok(Tokens { access_token, expires_in, refresh_token, scopes })
    }

    async fn secret_is_right(&self, secret: String, stored: Option<String>) -> Result<bool, LoginRefused> {
        if secret.len() > secret::SECRET_BYTES_MAX {
            return Ok(false);
        }
        let permit = timeout(WAITS_MAX, Arc::clone(&self.hashing).acquire_owned()).await;
        let permit = permit.map_err(|_| LoginRefused::Busy)?;
        let checked = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            secret::is_right(&secret, stored.as_deref())
        });
        Ok(checked.await.unwrap_or(false))
    }
}

fn digest(token: &str) -> [u8; 32] {
    *blake3::hash(token.as_bytes()).as_bytes()
}
