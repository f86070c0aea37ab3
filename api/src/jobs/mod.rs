//! Jobs that clients are told of: what becomes of them.
//!
//! A job is a row of the catalog, which any process may drive: `driver` picks up what nobody holds, `prerender` and
//! `render` are the two kinds of work, `prefetch` is work of which nobody is told, and `told` is how a job is answered.
//! What must not be here: who may see a job (`visible`), and any way to a picture but `submit`.

mod driver;
mod prefetch;
mod prerender;
mod render;
mod told;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use noctis_shared::{
    catalog::{Again, Catalog, CatalogError, Ordered},
    client_job::{ClientJob, JobKind},
    coordination::Coordination,
    submit::Submit,
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub(crate) use self::{
    prefetch::{POSITIONS_MAX, Prefetches},
    told::{JobAnswer, accepted, path_of},
};

/// Jobs that one caller may have under way.
const OPEN_MAX: u32 = 200;

/// The jobs of this deployment, and those that this process drives. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Jobs(Arc<Inner>);

struct Inner {
    catalog: Catalog,
    coordination: Coordination,
    submit: Submit,
    /// Names this process among those that drive jobs.
    holder: Uuid,
    /// Cancelled when this process should begin nothing more.
    drains: CancellationToken,
    /// Told when a job may wait.
    nudged: Arc<Notify>,
    driven: Mutex<HashMap<Uuid, Driven>>,
}

/// A job that this process drives.
struct Driven {
    kind: JobKind,
    /// Cancelled when the job is.
    cancelled: CancellationToken,
}

impl Jobs {
    /// Starts to drive jobs, until `drains`. Call it inside a runtime.
    pub(crate) fn start(
        catalog: Catalog,
        coordination: Coordination,
        submit: Submit,
        drains: CancellationToken,
    ) -> Self {
        let (nudged, driven) = (Arc::default(), Mutex::default());
        let inner = Inner { catalog, coordination, submit, holder: Uuid::new_v4(), drains, nudged, driven };
        let jobs = Self(Arc::new(inner));
        tokio::spawn(driver::drive_all(Arc::downgrade(&jobs.0)));
        jobs
    }

    /// Orders a job; of one that has ended before, `again` tells.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the catalog does not answer: there is no job then.
    pub(crate) async fn order(&self, job: &ClientJob, again: Again) -> Result<Ordered, CatalogError> {
        let ordered = self.0.catalog.order_job(job, again, OPEN_MAX).await?;
        self.0.nudged.notify_one();
        Ok(ordered)
    }

    /// Takes a job back: nothing more of it is begun, and what waits in the queue is withdrawn. Whether it was under way.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the catalog does not answer.
    pub(crate) async fn cancel(&self, job_id: Uuid) -> Result<bool, CatalogError> {
        let was_under_way = self.0.catalog.cancel_job(job_id).await?;
        // Another process that drives it sees by the row.
        if let Some(driven) = self.0.driven().get(&job_id) {
            driven.cancelled.cancel();
        }
        Ok(was_under_way)
    }
}

impl Inner {
    fn driven(&self) -> MutexGuard<'_, HashMap<Uuid, Driven>> {
        self.driven.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
