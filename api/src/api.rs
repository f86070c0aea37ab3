//! What every request works with: the back ends, the memory of this process, the rules.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use noctis_shared::{
    cache::{Cache, Forget, LocalCache},
    catalog::Catalog,
    program::{self, BackEnds},
    queue::Queue,
    settings::{RateLimit, Settings},
    telemetry::PrometheusHandle,
};
use tokio::sync::broadcast::{self, error::RecvError};
use tokio_util::sync::CancellationToken;

use crate::{
    numbers::Numbers,
    picture::{Flights, KnownImages},
};

/// The API, shared by all requests.
pub struct Api {
    pub(crate) queue: Queue,
    pub(crate) cache: Cache,
    pub(crate) catalog: Catalog,
    /// Pictures in this process, in front of a shared cache.
    pub(crate) local: LocalCache,
    pub(crate) images: KnownImages,
    pub(crate) flights: Flights,
    pub(crate) numbers: Numbers,
    pub(crate) prometheus: PrometheusHandle,
    pub(crate) render_wait: Duration,
    pub(crate) rate_limit: Option<RateLimit>,
    pub(crate) cors_origins: Vec<String>,
    /// Cancelled when no new work should come: probes say so.
    pub(crate) drains: CancellationToken,
    /// Cancelled when those who still wait must be sent away.
    pub(crate) gives_up: CancellationToken,
}

impl Api {
    /// An API over these back ends. Starts the task that forgets what other processes changed; it ends with the API.
    /// Call it inside a runtime.
    #[must_use]
    pub fn new(settings: &Settings, back_ends: BackEnds, prometheus: PrometheusHandle) -> Arc<Self> {
        let BackEnds { queue, cache, catalog } = back_ends;
        let forgets = cache.forgets();
        let api = Arc::new(Self {
            queue,
            cache,
            catalog,
            local: LocalCache::new(program::cache_limits(settings)),
            images: KnownImages::new(),
            flights: Flights::default(),
            numbers: Numbers::default(),
            prometheus,
            render_wait: settings.render_wait,
            rate_limit: settings.rate_limit,
            cors_origins: settings.cors_origins.clone(),
            drains: CancellationToken::new(),
            gives_up: CancellationToken::new(),
        });
        tokio::spawn(forget_with_others(forgets, Arc::downgrade(&api)));
        api
    }

    pub(crate) fn forget(&self, forget: &Forget) {
        match forget {
            Forget::Images(image_ids) => {
                self.local.forget_images(image_ids);
                self.images.forget(image_ids);
            }
            Forget::Everything => {
                self.local.clear();
                self.images.clear();
            }
        }
    }
}

/// Ends when the cache or the API is gone.
async fn forget_with_others(mut forgets: broadcast::Receiver<Forget>, api: Weak<Api>) {
    loop {
        let forget = match forgets.recv().await {
            Ok(forget) => forget,
            // What was missed is unknown, so nothing here can be believed.
            Err(RecvError::Lagged(_)) => Forget::Everything,
            Err(RecvError::Closed) => return,
        };
        let Some(api) = api.upgrade() else { return };
        api.forget(&forget);
    }
}
