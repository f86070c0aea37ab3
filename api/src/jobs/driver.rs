//! Who drives which job: whichever process holds it, by a lease that it prolongs. One that dies loses its jobs to others,
//! which go on from what the rows tell.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use noctis_shared::{
    catalog::CatalogError,
    client_job::{ClientJob, ClientWork, JobKind, JobState, Progress},
    purpose::Purpose,
    submit::{Background, Views},
};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, debug, info_span, warn};
use uuid::Uuid;

use super::{Driven, Inner, prerender, render};

/// How often a process looks for jobs that nobody drives.
const LOOK_PAUSE: Duration = Duration::from_secs(2);
/// How long a job stays with a process that gives no sign.
const LEASE: Duration = Duration::from_secs(15);
/// How often a process gives one, and looks whether the job was taken back elsewhere.
const SIGN_PAUSE: Duration = Duration::from_secs(3);
/// Jobs of a kind that are looked at: of each owner the oldest, of which some may be free.
const LOOKED_AT_MAX: u32 = 200;

/// How many jobs of a kind a process drives at a time. A prerender has so many pictures in the queue that two keep any
/// worker busy; a render is one picture that is waited for.
fn driven_max(kind: JobKind) -> usize {
    match kind {
        JobKind::Render => 64,
        JobKind::Prerender => 2,
    }
}

/// Why a job is driven no further here.
#[derive(Debug)]
pub(super) enum Stop {
    /// It has ended, or somebody else drives it.
    Lost,
    /// The catalog did not tell what it takes, or did not take what was told.
    Catalog(CatalogError),
}

impl From<CatalogError> for Stop {
    fn from(error: CatalogError) -> Self {
        Stop::Catalog(error)
    }
}

/// A job in the hands of this process.
pub(super) struct Drive {
    pub(super) inner: Arc<Inner>,
    pub(super) job: ClientJob,
    /// Where its pictures are asked for.
    pub(super) background: Background,
}

impl Drive {
    /// Writes how far it is.
    pub(super) async fn advance(&mut self, state: JobState, progress: &Progress) -> Result<(), Stop> {
        let version = self.inner.catalog.advance_job(&self.job, state, progress).await?;
        self.job.version = version.ok_or(Stop::Lost)?;
        self.job.state = state;
        self.job.progress.clone_from(progress);
        if state.is_final() {
            count_end(self.job.work.kind(), state);
        }
        Ok(())
    }

    async fn work(&mut self) -> Result<(), Stop> {
        match self.job.work.clone() {
            ClientWork::Render { image_id, request, url: _, patience_seconds } => {
                let patience = Duration::from_secs(patience_seconds.into());
                render::run(self, image_id, request, patience).await
            }
            ClientWork::Prerender { presets, thumbnails } => {
                let views = Views::of_known(self.inner.submit.presets(), &presets, thumbnails);
                prerender::run(self, &views).await
            }
        }
    }

    /// Gives signs, and ends when the job is not this process's any more.
    async fn is_lost(inner: Arc<Inner>, job_id: Uuid) -> Lost {
        let mut sign_given = Instant::now();
        loop {
            sleep(SIGN_PAUSE).await;
            match inner.coordination.hold(job_id, inner.holder, LEASE).await {
                Ok(true) => sign_given = Instant::now(),
                Ok(false) => return Lost::ToAnother,
                Err(_) if sign_given.elapsed() < LEASE => {}
                Err(_) => return Lost::ToAnother,
            }
            if let Ok(job) = inner.catalog.job(job_id).await
                && job.is_none_or(|job| job.state.is_final())
            {
                return Lost::Ended;
            }
        }
    }
}

/// Counts a job that has ended.
fn count_end(kind: JobKind, state: JobState) {
    metrics::counter!("noctis_jobs_ended_total", "kind" => kind.name(), "state" => state.name()).increment(1);
}

enum Lost {
    ToAnother,
    Ended,
}

/// Ends when the jobs are no more, or nothing more should begin.
pub(super) async fn drive_all(jobs: Weak<Inner>) {
    loop {
        let Some(inner) = jobs.upgrade() else { return };
        let (nudged, drains) = (Arc::clone(&inner.nudged), inner.drains.clone());
        if let Err(error) = pick_up(&inner).await {
            debug!(%error, "jobs were not looked for");
        }
        drop(inner);
        tokio::select! {
            () = drains.cancelled() => return,
            () = nudged.notified() => {}
            () = sleep(LOOK_PAUSE) => {}
        }
    }
}

async fn pick_up(inner: &Arc<Inner>) -> Result<(), CatalogError> {
    for kind in [JobKind::Render, JobKind::Prerender] {
        let driven = inner.driven().values().filter(|driven| driven.kind == kind).count();
        let mut room = driven_max(kind).saturating_sub(driven);
        if room == 0 {
            continue;
        }
        for job in inner.catalog.open_jobs(kind, LOOKED_AT_MAX).await? {
            if inner.driven().contains_key(&job.job_id) {
                continue;
            }
            match inner.coordination.hold(job.job_id, inner.holder, LEASE).await {
                Ok(true) => begin(inner, job),
                Ok(false) => continue,
                // Nobody knows who drives what.
                Err(_) => return Ok(()),
            }
            room -= 1;
            if room == 0 {
                break;
            }
        }
    }
    Ok(())
}

fn begin(inner: &Arc<Inner>, job: ClientJob) {
    let cancelled = CancellationToken::new();
    let driven = Driven { kind: job.work.kind(), cancelled: cancelled.clone() };
    inner.driven().insert(job.job_id, driven);
    let span = info_span!("client_job", job.id = %job.job_id);
    tokio::spawn(drive(Arc::clone(inner), job, cancelled).instrument(span));
}

async fn drive(inner: Arc<Inner>, job: ClientJob, cancelled: CancellationToken) {
    let job_id = job.job_id;
    let _driven = Entry { inner: Arc::clone(&inner), job_id };
    let background = Background::new(inner.submit.clone(), Purpose::Prerender { job_id });
    let mut drive = Drive { inner: Arc::clone(&inner), job, background: background.clone() };
    tokio::select! {
        biased;
        () = cancelled.cancelled() => background.withdraw().await,
        lost = Drive::is_lost(Arc::clone(&inner), job_id) => match lost {
            Lost::Ended => background.withdraw().await,
            // Who has it now waits for what lies in the queue.
            Lost::ToAnother => {}
        },
        () = inner.drains.cancelled() => {}
        worked = drive.work() => note(&worked),
    }
    if let Err(error) = inner.coordination.let_go(job_id, inner.holder).await {
        debug!(%error, "a job is left to its lease");
    }
}

fn note(worked: &Result<(), Stop>) {
    match worked {
        Ok(()) | Err(Stop::Lost) => {}
        Err(Stop::Catalog(error)) if error.is_transient() => {
            debug!(%error, "a job waits for the catalog");
        }
        Err(Stop::Catalog(error)) => warn!(%error, "a job does not get on"),
    }
}

/// Takes the job off the list of those that this process drives, however that ends.
struct Entry {
    inner: Arc<Inner>,
    job_id: Uuid,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.inner.driven().remove(&self.job_id);
        self.inner.nudged.notify_one();
    }
}
