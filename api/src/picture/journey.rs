//! The way of one picture that is in no memory of this process: look, claim, publish, wait.
//!
//! In the order of the steps: register as waiter, *then* claim, look again, publish. Who lost the claim waits only.
//! Wake-ups are at-most-once, so a waiter also polls. Truth is in the catalog: every outcome is there in the end.

use std::{sync::Arc, time::Duration};

use chrono::Utc;
use noctis_shared::{
    cache::{Claim, Waiter},
    catalog::ImageRecord,
    job::{FrameRange, FrameSource, RenderJob},
    render_key::RenderKey,
    request::FrameRequest,
};
use tokio::time::{Instant, timeout};
use tracing::{Instrument, Span};
use uuid::Uuid;

use super::{
    flight::{CurrentJob, Landing},
    known_image::no_such_image,
    lane,
    look::{self, Found, Tier},
    unrenderable,
};
use crate::{
    api::Api,
    back_end::{catalog_problem, publish_problem},
    problem::{Kind, Problem},
};

/// How long a claim stands without a sign of the worker.
const CLAIM_LEASE: Duration = Duration::from_secs(30);
/// How often one flight asks workers for its picture.
const ROUNDS_MAX: u32 = 3;
/// The first pause between polls; it doubles.
const POLL_PAUSE_MIN: Duration = Duration::from_millis(250);
/// The longest pause between polls.
const POLL_PAUSE_MAX: Duration = Duration::from_secs(1);

/// One picture to be had.
pub(crate) struct Journey {
    pub(crate) api: Arc<Api>,
    pub(crate) image: Arc<ImageRecord>,
    pub(crate) key: RenderKey,
    pub(crate) request: FrameRequest,
    pub(crate) job: Arc<CurrentJob>,
}

/// What came of asking workers for the picture.
enum Round {
    /// It was there by now.
    Found(Found),
    /// A job is on its way, and the claim is ours.
    Published,
    /// A job is on its way; the cache took no claim, so nobody else knows.
    PublishedUnclaimed,
    /// Another job makes it.
    Held(Uuid),
}

impl Journey {
    /// Finds the picture or has it made.
    ///
    /// # Errors
    /// The problem for all who wait: no frame to read, catalog or queue away, queue full.
    pub(crate) async fn land(self) -> Landing {
        let found = self.find_or_ask().await?;
        if found.tier == Tier::Render {
            self.api.numbers.count_render(lane::of(&self.image), &found.outcome);
        }
        Ok(found)
    }

    async fn find_or_ask(&self) -> Landing {
        let image_id = self.image.key;
        if let Some(found) = look::in_cache(&self.api, image_id, &self.key, None).await {
            return Ok(found);
        }
        if let Some(found) = look::in_catalog(&self.api, image_id, &self.key).await {
            return Ok(found);
        }
        let frame = self.frame_range().await?;
        let mut waiter = self.api.cache.wakeups().register(&self.key);
        let mut claims_again_at = Instant::now();
        let mut rounds = 0;
        let mut found_elsewhere = false;
        loop {
            if rounds < ROUNDS_MAX && Instant::now() >= claims_again_at {
                match self.ask_workers(frame).await? {
                    Round::Found(found) => {
                        return Ok(Found { tier: self.tier_after(rounds, found.tier), ..found });
                    }
                    Round::Published => rounds += 1,
                    Round::PublishedUnclaimed => {
                        rounds += 1;
                        found_elsewhere = true;
                        // A claim that fails now and is won in a moment would publish the same job again.
                        claims_again_at = Instant::now() + CLAIM_LEASE;
                    }
                    Round::Held(job_id) => self.job.set(job_id),
                }
            }
            if let Some(found) = self.wait(&mut waiter, found_elsewhere).await {
                return Ok(Found { tier: Tier::Render, ..found });
            }
        }
    }

    /// What is found before any job was published was made for somebody else.
    fn tier_after(&self, rounds: u32, tier: Tier) -> Tier {
        if rounds == 0 { tier } else { Tier::Render }
    }

    async fn frame_range(&self) -> Result<FrameRange, Problem> {
        let image_id = self.image.key;
        let frame = self.api.catalog.frame_range(image_id, self.request.frame_number).await;
        let Some((content_digest, range)) = frame.map_err(|error| catalog_problem(&error))? else {
            return Err(no_such_image());
        };
        if content_digest != self.image.content_digest {
            return Err(replaced());
        }
        range.ok_or_else(unrenderable::without_range)
    }

    /// Claims and publishes in a task of its own: a client that leaves between the two must not leave a claim behind
    /// for which there is no job.
    async fn ask_workers(&self, frame: FrameRange) -> Result<Round, Problem> {
        let job = self.job(frame);
        let (api, current) = (Arc::clone(&self.api), Arc::clone(&self.job));
        let round = async move { claim_and_publish(&api, &job, &current).await }.instrument(Span::current());
        tokio::spawn(round).await.unwrap_or_else(|error| Err(Problem::internal(&error)))
    }

    fn job(&self, frame: FrameRange) -> RenderJob {
        let image = &self.image;
        let published_at = Utc::now();
        RenderJob {
            job_id: Uuid::new_v4(),
            render_key: self.key,
            lane: lane::of(image),
            image_id: image.key,
            study_id: image.study_id,
            source: FrameSource {
                location: image.location.clone(),
                content_digest: image.content_digest,
                file_byte_count: image.file_byte_count,
                header_byte_count: image.header_byte_count,
                frame,
                deflated: image.deflated,
                header_checksum: image.header_checksum,
            },
            request: self.request.clone(),
            published_at,
            deadline: chrono::TimeDelta::from_std(self.api.render_wait).ok().map(|wait| published_at + wait),
        }
    }

    /// Polls with growing pauses and at each wake-up, until the picture is there (`Some`) or the claim should be
    /// tried again (`None`).
    async fn wait(&self, waiter: &mut Waiter, look_in_catalog: bool) -> Option<Found> {
        let image_id = self.image.key;
        let mut pause = POLL_PAUSE_MIN;
        loop {
            let woken = timeout(pause, waiter.woken()).await.is_ok();
            if let Some(found) = look::in_cache(&self.api, image_id, &self.key, self.job.get()).await {
                return Some(found);
            }
            if (woken || look_in_catalog)
                && let Some(found) = look::in_catalog(&self.api, image_id, &self.key).await
            {
                return Some(found);
            }
            if !woken && pause >= POLL_PAUSE_MAX {
                return None;
            }
            pause = (pause * 2).min(POLL_PAUSE_MAX);
        }
    }
}

/// The image is known here with the bytes it had before. A frame of the new ones must not be drawn under their name.
fn replaced() -> Problem {
    let detail = "The file was replaced just now; the same request again shows the new one.";
    Problem::new(Kind::ImageReplaced, detail).retry_after(Duration::from_secs(1))
}

async fn claim_and_publish(api: &Api, job: &RenderJob, current: &CurrentJob) -> Result<Round, Problem> {
    if let Err(error) = api.cache.mark_waiting(&job.render_key, api.render_wait).await {
        tracing::debug!(%error, "workers could not be told that someone waits");
    }
    let claimed = match api.cache.claim(&job.render_key, job.job_id, CLAIM_LEASE).await {
        Ok(Claim::Won) => true,
        Ok(Claim::Held { by }) => return Ok(Round::Held(by)),
        Err(error) => {
            tracing::debug!(%error, "a render is made without a claim");
            false
        }
    };
    // Between the first look and the claim another process may have had it made.
    if claimed && let Some(found) = look::in_cache(api, job.image_id, &job.render_key, None).await {
        release(api, job).await;
        return Ok(Round::Found(found));
    }
    current.set(job.job_id);
    match api.queue.publish_job(job).await {
        Ok(()) if claimed => Ok(Round::Published),
        Ok(()) => Ok(Round::PublishedUnclaimed),
        Err(error) => {
            if claimed {
                release(api, job).await;
            }
            Err(publish_problem(&error))
        }
    }
}

async fn release(api: &Api, job: &RenderJob) {
    if let Err(error) = api.cache.release_claim(&job.render_key, job.job_id).await {
        tracing::debug!(%error, "a claim is left to its lease");
    }
}
