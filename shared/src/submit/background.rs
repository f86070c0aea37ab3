//! Pictures that nobody looks at yet: part of a prerender, or likely to be asked for soon.
//!
//! As in `journey`, who asks registers as waiter first and claims before it publishes; but it notes no interest, gives way
//! to whoever waits at a screen, and has time: where the queue is full or a back end away it tries again. Whoever asks
//! bounds how many it asks for at once, so that a lane never holds a whole study, and drops the future when it stops.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::{sleep, timeout};
use tracing::{Instrument, Span};
use uuid::Uuid;

use super::{
    Submit, SubmitError, Wanted,
    job::{self, Files},
};
use crate::{
    catalog::FrameLookup,
    coordination::{Asked, Claimant},
    job::FrameRange,
    purpose::Purpose,
    queue::PublishError,
    render::Outcome,
    render_key::RenderKey,
};

/// How long the claim of a job stands that waits behind others. Whoever waits at a screen takes it over at once.
const PRERENDER_LEASE: Duration = Duration::from_secs(600);
/// The same of a job that is stale soon.
const PREFETCH_LEASE: Duration = Duration::from_secs(60);
/// How often a picture that is not announced is looked for.
const LOOK_PAUSE: Duration = Duration::from_secs(5);
/// When a queue that was full, or a back end that was away, is tried again.
const TRY_PAUSE: Duration = Duration::from_secs(2);
/// How often a picture is published whose jobs come to nothing: dropped with who took them over, or failed each time.
const ROUNDS_MAX: u32 = 5;

/// One who asks for pictures in the background. Cheap to clone.
#[derive(Clone)]
pub struct Background {
    submit: Submit,
    purpose: Purpose,
    /// What the ids of its jobs are made of.
    namespace: Uuid,
    in_hand: Arc<Mutex<InHand>>,
}

/// Jobs that were published and have not come to an end.
#[derive(Debug, Default)]
struct InHand {
    jobs: HashMap<RenderKey, Uuid>,
    /// Nothing more is to be published.
    ended: bool,
}

/// What came of asking.
enum Step {
    There(Outcome),
    Published(Uuid),
    Held(Uuid),
    /// Nothing can be asked for now.
    Later,
}

impl Background {
    /// Asks by `submit`, for `purpose`.
    #[must_use]
    pub fn new(submit: Submit, purpose: Purpose) -> Self {
        let namespace = match &purpose {
            Purpose::Prerender { job_id } => *job_id,
            Purpose::Awaited { .. } | Purpose::Prefetch { .. } | Purpose::Redriven => Uuid::new_v4(),
        };
        Self { submit, purpose, namespace, in_hand: Arc::default() }
    }

    /// The id of the job that is published for a picture after `rounds` others. Whoever goes on with a prerender after a
    /// process died has the same: a claim that was left behind is its own, whether or not there is a message.
    fn job_id(&self, key: &RenderKey, rounds: u32) -> Uuid {
        Uuid::new_v5(&self.namespace, format!("{key} {rounds}").as_bytes())
    }

    fn lease(&self) -> Duration {
        match &self.purpose {
            Purpose::Prefetch { .. } => PREFETCH_LEASE,
            Purpose::Awaited { .. } | Purpose::Prerender { .. } | Purpose::Redriven => PRERENDER_LEASE,
        }
    }

    /// Finds the picture or has it made, however long that takes.
    ///
    /// # Errors
    /// What does not pass: the instance is gone or another, its frame cannot be located, or no worker made it.
    pub async fn make(&self, wanted: &Wanted) -> Result<Outcome, SubmitError> {
        let mut waiter = self.submit.coordination.wakeups().register(&wanted.key);
        let mut rounds = 0;
        let made = loop {
            let job_id = match self.ask(wanted, rounds).await {
                Ok(Step::There(outcome)) => break Ok(outcome),
                Ok(Step::Published(job_id)) => {
                    rounds += 1;
                    job_id
                }
                Ok(Step::Held(job_id)) => job_id,
                Ok(Step::Later) => {
                    sleep(TRY_PAUSE).await;
                    continue;
                }
                Err(error) => break Err(error),
            };
            let _woken_or_not = timeout(LOOK_PAUSE, waiter.woken()).await;
            // Also what that job was told for now, which asking does not see.
            if let Some(outcome) = self.submit.coordination.look(&wanted.key, Some(job_id)).await {
                break Ok(outcome);
            }
        };
        self.lock().jobs.remove(&wanted.key);
        made
    }

    /// Takes back what waits in the queue, and publishes nothing more. What has begun is made.
    pub async fn withdraw(&self) {
        let jobs = {
            let mut in_hand = self.lock();
            in_hand.ended = true;
            std::mem::take(&mut in_hand.jobs)
        };
        for (key, job_id) in jobs {
            if let Err(error) = self.submit.coordination.withdraw(&key, job_id, self.lease()).await {
                tracing::debug!(%error, "a job that is no longer wanted is made all the same");
            }
        }
    }

    /// In a task of its own: whoever leaves between claim and job must not leave a claim behind for which there is no job.
    async fn ask(&self, wanted: &Wanted, rounds: u32) -> Result<Step, SubmitError> {
        let (this, wanted) = (self.clone(), wanted.clone());
        let asking = async move { this.ask_once(&wanted, rounds).await };
        let asked = tokio::spawn(asking.instrument(Span::current())).await;
        match asked.unwrap_or_else(|error| Err(SubmitError::Lost(error.to_string()))) {
            Err(SubmitError::Catalog(error)) if error.is_transient() => Ok(Step::Later),
            Err(SubmitError::Publish(PublishError::Full | PublishError::Unavailable(_))) => Ok(Step::Later),
            asked => asked,
        }
    }

    async fn ask_once(&self, wanted: &Wanted, rounds: u32) -> Result<Step, SubmitError> {
        let job_id = self.job_id(&wanted.key, rounds);
        let claimant = Claimant { job_id, may_be_promoted: self.purpose.may_be_promoted() };
        match self.submit.coordination.ask(&wanted.key, claimant, None, self.lease()).await {
            Ok(Asked::There(outcome)) => return Ok(Step::There(outcome)),
            Ok(Asked::Held { by }) => return Ok(Step::Held(by)),
            Ok(Asked::Claimed) => {}
            // Nobody would know of the job, and nobody is in a hurry.
            Err(_) => return Ok(Step::Later),
        }
        let step = self.find_or_publish(wanted, job_id, rounds < ROUNDS_MAX).await;
        if !matches!(step, Ok(Step::Published(_))) {
            self.lock().jobs.remove(&wanted.key);
            if let Err(error) = self.submit.coordination.release(&wanted.key, job_id).await {
                tracing::debug!(%error, "a claim is left to its lease");
            }
        }
        step
    }

    async fn find_or_publish(
        &self,
        wanted: &Wanted,
        job_id: Uuid,
        may_publish: bool,
    ) -> Result<Step, SubmitError> {
        let frame = match self.look_up_frame(wanted).await? {
            Ok(outcome) => {
                // Into the cache, where whoever asks soon finds it; and who waits meanwhile is told.
                let settled = self.submit.coordination.settle(wanted.image.key, &wanted.key, &outcome).await;
                if let Err(error) = settled {
                    tracing::debug!(%error, "a render of the catalog was not put back into the cache");
                }
                return Ok(Step::There(outcome));
            }
            Err(_) if !may_publish => return Err(SubmitError::NotMade),
            Err(frame) => frame,
        };
        {
            let mut in_hand = self.lock();
            if in_hand.ended {
                return Ok(Step::Later);
            }
            in_hand.jobs.insert(wanted.key, job_id);
        }
        let files = Files::of(&self.submit.catalog, wanted, frame).await?;
        let job = job::new(&self.submit.presets, wanted, files, job_id, self.purpose.clone(), 0);
        self.submit.queue.publish_job(&job).await?;
        Ok(Step::Published(job_id))
    }

    /// What the catalog has: the render itself, or else where the frame lies.
    async fn look_up_frame(&self, wanted: &Wanted) -> Result<Result<Outcome, FrameRange>, SubmitError> {
        let Wanted { image, request, key, .. } = wanted;
        let found = self.submit.catalog.look_up_frame(image.key, request.frame_number, key).await?;
        let FrameLookup { outcome, content_digest, range } = found.ok_or(SubmitError::ImageGone)?;
        if let Some(outcome) = outcome {
            return Ok(Ok(outcome));
        }
        if content_digest != image.content_digest {
            return Err(SubmitError::ImageReplaced);
        }
        range.map(Err).ok_or(SubmitError::WithoutRange)
    }

    fn lock(&self) -> MutexGuard<'_, InHand> {
        self.in_hand.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
