//! Tokens of an identity provider, checked by the keys that it publishes. These are fetched when they are needed, kept
//! while the provider is away, and fetched again when they are old or a token names one that is not among them.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use jsonwebtoken::{Header, Validation, decode};
use noctis_shared::settings::ProviderSettings;
use tokio::sync::Mutex;

use super::{
    Claims, NoCaller, TokenRefused,
    key_set::KeySet,
    keys::{self, SKEW_SECONDS},
};

/// When keys are fetched again.
const HOLDS: Duration = Duration::from_secs(10 * 60);
/// How long they are believed while the provider does not answer.
const OUTLASTS_OUTAGE: Duration = Duration::from_secs(24 * 60 * 60);
/// The provider is asked so often at most: whoever makes up names of keys has us ask no more.
const PAUSE: Duration = Duration::from_secs(10);
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);
/// Longest document of keys, in bytes.
const DOCUMENT_BYTES_MAX: usize = 256 * 1024;

/// A provider whose tokens are taken.
pub(super) struct Provider(Arc<Inner>);

struct Inner {
    settings: ProviderSettings,
    client: reqwest::Client,
    known: RwLock<Known>,
    /// Held by who fetches; when it was last tried.
    fetching: Mutex<Option<Instant>>,
}

#[derive(Clone, Default)]
struct Known {
    keys: Arc<KeySet>,
    fetched_at: Option<Instant>,
}

/// Why there are no keys, for the log.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("{0}")]
    Http(#[from] reqwest::Error),
    #[error("it answered with status {0}")]
    Status(u16),
    #[error("its document of keys is longer than {DOCUMENT_BYTES_MAX} bytes")]
    Long,
    #[error("what it answered is no set of keys (RFC 7517 5)")]
    Unreadable,
    #[error("none of its keys is for RS256, ES256 or EdDSA")]
    Keyless,
}

impl Provider {
    pub(super) fn new(settings: &ProviderSettings) -> Self {
        let client = reqwest::Client::builder()
            .timeout(ANSWERS_WITHIN)
            // Keys come from where the operator said, and from nowhere else.
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap_or_default();
        let settings = settings.clone();
        Self(Arc::new(Inner { settings, client, known: RwLock::default(), fetching: Mutex::default() }))
    }

    /// What a token of the provider says, if one of its keys signed it, its time is now, and it is for us. The names of its
    /// logins are the provider's, and none of ours.
    ///
    /// # Errors
    /// [`NoCaller::Refused`], or [`NoCaller::Provider`] when there are no keys to check it by.
    pub(super) async fn claims(&self, token: &str, header: &Header) -> Result<Claims, NoCaller> {
        let inner = &self.0;
        let (mut known, id) = (inner.known(), header.kid.as_deref());
        let has_key = |known: &Known| known.keys.find(id, header.alg).next().is_some();
        let is_older_than = |known: &Known, age| known.fetched_at.is_none_or(|at| at.elapsed() > age);
        if !has_key(&known) || is_older_than(&known, OUTLASTS_OUTAGE) {
            known = self.fetched(known).await;
        } else if is_older_than(&known, HOLDS) {
            // Nobody waits for a provider that does not answer, as long as there are keys; and one asks for all.
            if inner.fetching.try_lock().is_ok() {
                drop(self.fetched(known.clone()));
            }
        }
        if is_older_than(&known, OUTLASTS_OUTAGE) {
            return Err(NoCaller::Provider);
        }
        let validation = inner.validation(header);
        let mut answer = Err(TokenRefused::Signature);
        for key in known.keys.find(id, header.alg) {
            answer = keys::decoded(decode(token, key, &validation));
            if answer != Err(TokenRefused::Signature) {
                break;
            }
        }
        let claims: Claims = answer?;
        let token_id = claims.token_id.map(|id| format!("{} {id}", inner.settings.issuer));
        Ok(Claims { family_id: None, token_id, ..claims })
    }

    /// [`Inner::fetched`] in a task of its own, which goes on when the future is dropped: keys are for all, and whoever asked
    /// first may leave.
    fn fetched(&self, before: Known) -> impl Future<Output = Known> + use<> {
        let inner = Arc::clone(&self.0);
        let stays = before.clone();
        let fetching = tokio::spawn(async move { inner.fetched(before).await });
        async move { fetching.await.unwrap_or(stays) }
    }
}

impl Inner {
    fn validation(&self, header: &Header) -> Validation {
        // A key is found by this algorithm, and is for no other.
        let mut validation = Validation::new(header.alg);
        validation.leeway = SKEW_SECONDS;
        validation.validate_nbf = true;
        validation.set_required_spec_claims(&["exp", "iss", "sub", "aud"]);
        validation.set_issuer(&[&self.settings.issuer]);
        validation.set_audience(&[&self.settings.audience]);
        validation
    }

    fn known(&self) -> Known {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The keys as the provider has them now, or else `before`: when they were fetched meanwhile, when it was asked a
    /// moment ago, and when it does not answer.
    async fn fetched(&self, before: Known) -> Known {
        let mut tried_at = self.fetching.lock().await;
        let now = self.known();
        let is_newer = now.fetched_at != before.fetched_at;
        if is_newer || tried_at.is_some_and(|at| at.elapsed() < PAUSE) {
            return now;
        }
        *tried_at = Some(Instant::now());
        match self.fetch().await {
            Ok(keys) => {
                let fetched = Known { keys: Arc::new(keys), fetched_at: Some(Instant::now()) };
                *self.known.write().unwrap_or_else(PoisonError::into_inner) = fetched.clone();
                fetched
            }
            Err(error) => {
                tracing::warn!(%error, "the keys of NOCTIS_JWT_JWKS_URL could not be fetched");
                now
            }
        }
    }

    async fn fetch(&self) -> Result<KeySet, FetchError> {
        let mut response = self.client.get(self.settings.jwks_url.clone()).send().await?;
        if !response.status().is_success() {
            return Err(FetchError::Status(response.status().as_u16()));
        }
        let mut document = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if document.len() + chunk.len() > DOCUMENT_BYTES_MAX {
                return Err(FetchError::Long);
            }
            document.extend_from_slice(&chunk);
        }
        let keys = KeySet::read(&document).map_err(|_| FetchError::Unreadable)?;
        if keys.is_empty() { Err(FetchError::Keyless) } else { Ok(keys) }
    }
}
