//! What every request works with: the back ends, the memory of this process, the rules.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use noctis_shared::{
    cache::{Cache, Forget, LocalCache},
    catalog::Catalog,
    coordination::Coordination,
    program::{self, BackEnds},
    queue::Queue,
    settings::{RateLimit, Settings, TrustedProxies},
    storage::Storage,
    submit::Submit,
    telemetry::PrometheusHandle,
};
use tokio::sync::broadcast::{self, error::RecvError};
use tokio_util::sync::CancellationToken;

use crate::{
    allowance::Allowance,
    audit::{self, Audit},
    auth::Auth,
    caller::Caller,
    edge::Names,
    handed_out::FRAME_BYTES_MAX,
    in_hand::InHand,
    jobs::{Jobs, Prefetches},
    machine::Machine,
    numbers::Numbers,
    outgoing::Outgoing,
    picture::NamedWindows,
    visible::{KnownImages, Visible},
};

/// Bytes of searches and metadata that are put together at a time.
const ANSWERS_BYTES_MAX: u64 = 256 << 20;

/// The API, shared by all requests.
pub struct Api {
    pub(crate) queue: Queue,
    pub(crate) cache: Cache,
    pub(crate) coordination: Coordination,
    pub(crate) catalog: Catalog,
    /// Where files lie: to hand them out as they are, to put down what is sent, and to know which are ours.
    pub(crate) storage: Storage,
    /// Where pictures are asked for.
    pub(crate) submit: Submit,
    /// What clients are told of that goes on behind.
    pub(crate) jobs: Jobs,
    pub(crate) prefetches: Prefetches,
    pub(crate) images: KnownImages,
    /// Whom tokens are of; `None` where nobody is asked for one.
    pub(crate) auth: Option<Auth>,
    pub(crate) numbers: Numbers,
    /// How everything was a moment ago.
    pub(crate) machine: Machine,
    /// Who opened what, until it is written.
    pub(crate) audit: Audit,
    /// Streams under way.
    pub(crate) streams: Allowance,
    /// What answers hold until they are read.
    pub(crate) outgoing: Outgoing,
    /// Files that are handed out now.
    pub(crate) downloads: Allowance,
    /// Uploads that are coming now.
    pub(crate) uploads: Allowance,
    /// Frames that are read now.
    pub(crate) frames_in_hand: InHand,
    /// Searches and metadata that are put together now.
    pub(crate) answers_in_hand: InHand,
    pub(crate) prometheus: PrometheusHandle,
    pub(crate) render_wait: Duration,
    pub(crate) rate_limit: Option<RateLimit>,
    pub(crate) cors_origins: Vec<String>,
    /// Under which names it answers, and to which pages.
    pub(crate) names: Names,
    /// Who is believed who asks.
    pub(crate) trusted_proxies: TrustedProxies,
    /// The windows with names.
    pub(crate) windows: NamedWindows,
    /// Cancelled when no new work should come: probes say so.
    pub(crate) drains: CancellationToken,
    /// Cancelled when those who still wait must be sent away.
    pub(crate) gives_up: CancellationToken,
}

impl Api {
    /// An API over these back ends, which reads files from `storage` and puts down there what is sent. Starts the tasks that forget what other processes changed, write
    /// what waits, and drive jobs; they end with the API.
    /// Call it inside a runtime.
    #[must_use]
    pub fn new(
        settings: &Settings,
        back_ends: BackEnds,
        storage: Storage,
        prometheus: PrometheusHandle,
    ) -> Arc<Self> {
        let submit = Submit::new(&back_ends, LocalCache::new(program::cache_limits(settings)))
            .with_presets(Arc::clone(&settings.presets));
        let BackEnds { queue, cache, coordination, catalog } = back_ends;
        let forgets = cache.forgets();
        let auth = settings.jwt.as_ref().map(|jwt| Auth::new(jwt, &catalog));
        let drains = CancellationToken::new();
        let jobs = Jobs::start(catalog.clone(), coordination.clone(), submit.clone(), drains.clone());
        let prefetches = Prefetches::new(submit.clone(), coordination.clone());
        let api = Arc::new(Self {
            queue,
            cache,
            coordination,
            catalog,
            storage,
            submit,
            jobs,
            prefetches,
            images: KnownImages::new(),
            auth,
            numbers: Numbers::default(),
            machine: Machine::default(),
            audit: Audit::default(),
            streams: Allowance::of_streams(),
            outgoing: Outgoing::default(),
            downloads: Allowance::of_files(),
            uploads: Allowance::of_uploads(),
            frames_in_hand: InHand::of(FRAME_BYTES_MAX),
            answers_in_hand: InHand::of(ANSWERS_BYTES_MAX),
            prometheus,
            render_wait: settings.render_wait,
            rate_limit: settings.rate_limit,
            cors_origins: settings.cors_origins.clone(),
            names: Names::new(settings.allowed_hosts.clone(), &settings.cors_origins),
            trusted_proxies: settings.trusted_proxies.clone(),
            windows: NamedWindows::new(Arc::clone(&settings.presets), settings.free_windows),
            drains,
            gives_up: CancellationToken::new(),
        });
        tokio::spawn(forget_with_others(forgets, Arc::downgrade(&api)));
        tokio::spawn(audit::write_behind(Arc::downgrade(&api)));
        api
    }

    /// Bytes that answers hold now, since nobody has read them yet.
    #[must_use]
    pub fn outgoing_bytes(&self) -> u64 {
        self.outgoing.bytes()
    }

    /// What there is for `caller`.
    pub(crate) fn visible_to<'a>(&'a self, caller: &'a Caller) -> Visible<'a> {
        let Self { images, cache, catalog, audit, .. } = self;
        Visible { caller, images, cache, catalog, audit }
    }

    /// Writes what waits to be written. Call it when no more requests come.
    pub async fn settle(&self) {
        self.audit.flush(&self.catalog).await;
    }

    pub(crate) fn forget(&self, forget: &Forget) {
        match forget {
            Forget::Images(image_ids) => {
                self.submit.forget_images(image_ids);
                self.images.forget(image_ids);
            }
            Forget::Everything => {
                self.submit.forget_everything();
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
