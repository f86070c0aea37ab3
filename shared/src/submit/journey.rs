//! The way of one picture that is in no memory of this process: ask, look in the catalog, publish, wait.
//!
//! In the order of the steps: register as waiter, *then* ask, which looks, notes the interest and claims in one step;
//! then the catalog, where the picture may be and where its frame lies; then publish. Who lost the claim waits only.
//! Wake-ups are at-most-once, so a waiter also polls. Truth is in the catalog: every outcome is there in the end.

use std::{sync::Arc, time::Duration};

use chrono::{TimeDelta, Utc};
use tokio::time::{Instant, timeout};
use tracing::{Instrument, Span};
use uuid::Uuid;

use super::{
    Submit, SubmitError, Wanted, cost,
    flight::{Board, Landing},
    job::{self, Files},
    keeping, look,
    look::{Found, Tier},
};
use crate::{
    catalog::FrameLookup,
    coordination::{Asked, Claimant, Interest, Waiter},
    job::FrameRange,
    purpose::Purpose,
    render_key::RenderKey,
    request::PictureFormat,
};

/// How long a claim stands without a sign of the worker.
const CLAIM_LEASE: Duration = Duration::from_secs(30);
/// How often one flight asks workers for its picture.
const ROUNDS_MAX: u32 = 3;
/// The first pause between polls; it doubles.
const POLL_PAUSE_MIN: Duration = Duration::from_millis(250);
/// The longest pause between polls.
const POLL_PAUSE_MAX: Duration = Duration::from_secs(1);
/// How long the interest outlasts the patience of those who wait: they are told to come back, and soon do.
const COMES_BACK_WITHIN: Duration = Duration::from_secs(5);

/// One picture to be had.
pub(super) struct Journey {
    submit: Submit,
    wanted: Wanted,
    patience: Duration,
    board: Arc<Board>,
    interest: InterestNoted,
}

/// What came of asking workers for the picture.
enum Round {
    /// It was there by now.
    Found(Found),
    /// A job is on its way, and the claim is ours.
    Published,
    /// A job is on its way; the coordination took no claim, so nobody else knows.
    PublishedUnclaimed,
    /// Another job makes it.
    Held(Uuid),
}

/// What the catalog has.
enum Located {
    /// The picture itself.
    Picture(Found),
    /// Where the frame lies.
    Frame(FrameRange),
}

/// What ended a wait.
enum Waited {
    /// It is there.
    Found(Found),
    /// An announcement after which it was not there.
    WokenInVain,
    /// Some pauses without a word.
    ForLong,
}

impl Journey {
    pub(super) fn new(submit: Submit, wanted: Wanted, patience: Duration, board: Arc<Board>) -> Self {
        let interest = InterestNoted {
            submit: submit.clone(),
            key: wanted.key,
            waiter_id: Uuid::new_v4(),
            board: Arc::clone(&board),
            landed: false,
        };
        Self { submit, wanted, patience, board, interest }
    }

    /// Finds the picture or has it made.
    ///
    /// # Errors
    /// For all who wait: no frame to read, catalog or queue away, queue full.
    pub(super) async fn land(mut self) -> Landing {
        let landing = self.find_or_ask().await;
        self.interest.landed = true;
        landing.map_err(Arc::new)
    }

    async fn find_or_ask(&self) -> Result<Found, SubmitError> {
        let mut waiter = self.submit.coordination.wakeups().register(&self.wanted.key);
        let mut asks_again_at = Instant::now();
        let mut rounds = 0;
        let mut found_elsewhere = false;
        loop {
            if rounds < ROUNDS_MAX && Instant::now() >= asks_again_at {
                match self.ask_workers().await? {
                    Round::Found(found) => {
                        return Ok(Found { tier: self.tier_after(rounds, found.tier), ..found });
                    }
                    Round::Published => rounds += 1,
                    Round::PublishedUnclaimed => {
                        rounds += 1;
                        found_elsewhere = true;
                        // A claim that fails now and is won in a moment would publish the same job again.
                        asks_again_at = Instant::now() + self.time_unclaimed();
                    }
                    Round::Held(job_id) => self.board.set_job(job_id),
                }
            }
            match self.wait(&mut waiter, found_elsewhere).await {
                Waited::Found(found) => return Ok(Found { tier: Tier::Render, ..found }),
                // The job was dropped, since a worker knew of nobody's interest, or was made for others who had gone.
                Waited::WokenInVain => asks_again_at = Instant::now(),
                Waited::ForLong => {}
            }
        }
    }

    /// How long a job without a claim may take before its picture counts as lost. No lease ends it, nor does anybody tell:
    /// each round gets its part of the patience, so that the last one is still waited for. A worker that takes a job
    /// twice finds the picture in the catalog.
    fn time_unclaimed(&self) -> Duration {
        (self.patience / ROUNDS_MAX).max(cost::of(&self.wanted.image, &self.wanted.request) * 2)
    }

    /// What is found before any job was published was made for somebody else.
    fn tier_after(&self, rounds: u32, tier: Tier) -> Tier {
        if rounds == 0 { tier } else { Tier::Render }
    }

    /// Asks and publishes in a task of its own: a client that leaves between the two must not leave a claim behind for
    /// which there is no job.
    async fn ask_workers(&self) -> Result<Round, SubmitError> {
        let asking = Asking {
            submit: self.submit.clone(),
            wanted: self.wanted.clone(),
            board: Arc::clone(&self.board),
            job_id: Uuid::new_v4(),
            is_first: self.board.job().is_none(),
            interest: Interest {
                waiter_id: self.interest.waiter_id,
                lasts: self.patience + COMES_BACK_WITHIN,
            },
        };
        let round = tokio::spawn(asking.ask().instrument(Span::current())).await;
        round.unwrap_or_else(|error| Err(SubmitError::Lost(error.to_string())))
    }

    /// Polls with growing pauses and at each wake-up, until the picture is there or it may be time to ask again.
    async fn wait(&self, waiter: &mut Waiter, look_in_catalog: bool) -> Waited {
        let (image_id, key) = (self.wanted.image.key, &self.wanted.key);
        let mut pause = POLL_PAUSE_MIN;
        loop {
            let woken = timeout(pause, waiter.woken()).await.is_ok();
            if let Some(found) = look::in_cache(&self.submit, image_id, key, self.board.job()).await {
                return Waited::Found(found);
            }
            if (woken || look_in_catalog)
                && let Some(found) = look::in_catalog(&self.submit, image_id, key).await
            {
                return Waited::Found(found);
            }
            if woken {
                return Waited::WokenInVain;
            }
            if pause >= POLL_PAUSE_MAX {
                return Waited::ForLong;
            }
            pause = (pause * 2).min(POLL_PAUSE_MAX);
        }
    }
}

/// One round of asking, which runs to its end whoever leaves.
struct Asking {
    submit: Submit,
    wanted: Wanted,
    board: Arc<Board>,
    job_id: Uuid,
    interest: Interest,
    /// Whether the flight has had no job yet.
    is_first: bool,
}

impl Asking {
    async fn ask(self) -> Result<Round, SubmitError> {
        let purpose = self.purpose();
        let claimant = Claimant { job_id: self.job_id, may_be_promoted: purpose.may_be_promoted() };
        let (image_id, key) = (self.wanted.image.key, &self.wanted.key);
        let asked = self.submit.coordination.ask(key, claimant, Some(self.interest), CLAIM_LEASE).await;
        if self.board.is_left() {
            // Everybody left while this was on its way, and their leaving may have come before it.
            self.leave().await;
            return Err(SubmitError::Lost("nobody waits any more".to_owned()));
        }
        let (claimed, there) = match asked {
            Ok(Asked::There(outcome)) => (false, Some(outcome)),
            Ok(Asked::Claimed) => (true, None),
            Ok(Asked::Held { by }) => return Ok(Round::Held(by)),
            Err(error) => {
                tracing::debug!(%error, "a render is made without a claim");
                (false, None)
            }
        };
        if let Some(found) = look::from_cache(&self.submit, image_id, key, there) {
            return Ok(Round::Found(found));
        }
        let round = self.find_or_publish(purpose, claimed).await;
        if round.is_err() {
            // Also a claim whose confirmation was lost: nobody else may wait for a job that is not there.
            self.release().await;
        }
        round
    }

    fn purpose(&self) -> Purpose {
        let lasts = TimeDelta::from_std(self.interest.lasts).unwrap_or(TimeDelta::MAX);
        let now = Utc::now();
        Purpose::Awaited { until: now.checked_add_signed(lasts).unwrap_or(now) }
    }

    async fn find_or_publish(&self, purpose: Purpose, claimed: bool) -> Result<Round, SubmitError> {
        // Where no cache takes what passes, the catalog has it: without a claim, and when it was made before in vain.
        let frame = match self.passing_frame().filter(|_| claimed && self.is_first) {
            Some(frame) => frame,
            None => match self.look_up_frame().await? {
                Located::Picture(found) => {
                    self.put_back(&found).await;
                    return Ok(Round::Found(found));
                }
                Located::Frame(frame) => frame,
            },
        };
        self.publish(frame, purpose).await?;
        Ok(if claimed { Round::Published } else { Round::PublishedUnclaimed })
    }

    /// Where the frame lies of a picture that the catalog does not keep, when it was asked for this image just now.
    fn passing_frame(&self) -> Option<FrameRange> {
        let Wanted { image, request, .. } = &self.wanted;
        if keeping::is_kept(&self.submit.presets, image, request) || !self.submit.confirmed.has(image) {
            return None;
        }
        image.frame(request.frame_number)
    }

    async fn look_up_frame(&self) -> Result<Located, SubmitError> {
        let Wanted { image, request, key, .. } = &self.wanted;
        let found = self.submit.catalog.look_up_frame(image.key, request.frame_number, key).await?;
        let FrameLookup { outcome, content_digest, range } = found.ok_or(SubmitError::ImageGone)?;
        if let Some(found) = look::from_catalog(&self.submit, image.key, key, outcome) {
            return Ok(Located::Picture(found));
        }
        if content_digest != image.content_digest {
            return Err(SubmitError::ImageReplaced);
        }
        self.submit.confirmed.note(image);
        let of_the_file = matches!(request.format, PictureFormat::FileHead { .. });
        let range = range.or_else(|| image.range_without_pixels().filter(|_| of_the_file));
        range.map(Located::Frame).ok_or(SubmitError::WithoutRange)
    }

    async fn publish(&self, frame: FrameRange, purpose: Purpose) -> Result<(), SubmitError> {
        let files = Files::of(&self.submit.catalog, &self.wanted, frame).await?;
        let ahead = self.board.count_for(|| self.submit.shares.begin(&self.wanted.client));
        let job = job::new(&self.submit.presets, &self.wanted, files, self.job_id, purpose, ahead);
        self.board.set_job(self.job_id);
        Ok(self.submit.queue.publish_job(&job).await?)
    }

    /// What the catalog had goes into the cache, and who waits meanwhile is told.
    async fn put_back(&self, found: &Found) {
        let (image_id, key) = (self.wanted.image.key, &self.wanted.key);
        let settled = self.submit.coordination.settle(image_id, key, &found.outcome).await;
        if let Err(error) = settled {
            tracing::debug!(%error, "a render of the catalog was not put back into the cache");
        }
    }

    async fn leave(&self) {
        let (coordination, key) = (&self.submit.coordination, &self.wanted.key);
        let left = coordination.leave(key, self.interest.waiter_id).await;
        if let Err(error) = left.and(coordination.release(key, self.job_id).await) {
            tracing::debug!(%error, "an interest and a claim are left to their time");
        }
    }

    async fn release(&self) {
        let (coordination, key) = (&self.submit.coordination, &self.wanted.key);
        if let Err(error) = coordination.release(key, self.job_id).await {
            tracing::debug!(%error, "a claim is left to its lease");
        }
    }
}

/// The interest of those who wait for one flight. When the last of them has left before it landed, it is taken back,
/// so that no worker makes what nobody wants; unless they were told to come back.
struct InterestNoted {
    submit: Submit,
    key: RenderKey,
    waiter_id: Uuid,
    board: Arc<Board>,
    landed: bool,
}

impl Drop for InterestNoted {
    fn drop(&mut self) {
        if self.landed || self.board.is_kept() {
            return;
        }
        self.board.set_left();
        // Without a runtime the process ends, and the interest by itself a little later.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let (coordination, key, waiter_id) = (self.submit.coordination.clone(), self.key, self.waiter_id);
        runtime.spawn(async move {
            if let Err(error) = coordination.leave(&key, waiter_id).await {
                tracing::debug!(%error, "an interest is left to its time");
            }
        });
    }
}
