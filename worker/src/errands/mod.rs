//! What the catalog remembers to be done outside of it (`shared/src/catalog/errands.rs`), done by whichever worker comes
//! first: stored files of deleted instances removed, what happened to studies told, webhooks sent their messages, uploads of long
//! ago forgotten.
//!
//! Each errand may be done twice: whoever dies between doing and saying so leaves it to the next. What must not be here:
//! what makes an errand (`catalog`), and jobs (`lanes`).

mod objects;
mod outbox;
mod uploads;
mod webhooks;

use std::time::Duration;

use noctis_shared::{catalog::Catalog, catalog::CatalogError, queue::Queue, storage::Storage};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error};

pub use self::webhooks::Webhooks;

/// How often it is looked for errands.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long nobody else does an errand that was taken.
const LEASE: Duration = Duration::from_secs(60);
/// Errands of a kind that are taken at a time.
const TAKEN_MAX: u32 = 100;

/// Does errands. Cheap to clone.
#[derive(Clone)]
pub struct Errands {
    /// What remembers them.
    pub catalog: Catalog,
    /// Where files are removed.
    pub storage: Storage,
    /// Where events go.
    pub queue: Queue,
}

impl Errands {
    /// Does errands as they come, until `shutdown`.
    pub async fn run(self, shutdown: CancellationToken) {
        let webhooks = Webhooks::new().inspect_err(|error| error!(%error, "webhooks are not told")).ok();
        // Apart, since a receiver may be slow.
        tokio::join!(self.keep_doing(&shutdown), self.keep_sending(webhooks.as_ref(), &shutdown));
    }

    async fn keep_doing(&self, shutdown: &CancellationToken) {
        while goes_on(shutdown).await {
            tokio::select! {
                () = shutdown.cancelled() => return,
                done = self.all() => note(done),
            }
        }
    }

    /// What is under way at the end is sent by another when its lease is over.
    async fn keep_sending(&self, webhooks: Option<&Webhooks>, shutdown: &CancellationToken) {
        let Some(webhooks) = webhooks else { return };
        while goes_on(shutdown).await {
            tokio::select! {
                () = shutdown.cancelled() => return,
                sent = webhooks.send(&self.catalog) => note(sent),
            }
        }
    }

    /// Does what there is to do now: for a command, after which nobody else may come for long.
    ///
    /// # Errors
    /// [`CatalogError`]; what was not done stays to be done.
    pub async fn all(&self) -> Result<(), CatalogError> {
        let removed = objects::remove(&self.catalog, &self.storage).await;
        let told = outbox::tell(&self.catalog, &self.queue).await;
        let forgotten = uploads::forget(&self.catalog, &self.storage).await;
        let told_again = uploads::tell_again(&self.catalog, &self.queue).await;
        removed.and(told).and(forgotten).and(told_again)
    }
}

/// Waits until it is time to look again; `false` at `shutdown`.
async fn goes_on(shutdown: &CancellationToken) -> bool {
    tokio::select! {
        () = shutdown.cancelled() => false,
        () = tokio::time::sleep(LOOK_EVERY) => true,
    }
}

/// A catalog that is away is told by those who need it now.
fn note(done: Result<(), CatalogError>) {
    if let Err(error) = done {
        debug!(%error, "errands wait");
    }
}
