//! Asking for pictures that nobody looks at yet.

use std::{sync::Arc, time::Duration};

use noctis_shared::{
    cache::{Cache, CacheLimits, LocalCache},
    catalog::{Catalog, CatalogLimits, Scope},
    coordination::{Begun, Claimant, Coordination},
    job::RenderJob,
    lane::Lane,
    program::BackEnds,
    purpose::Purpose,
    queue::{Consumer, Queue, QueueLimits, Work},
    render::{FailureKind, Outcome, RenderFailure},
    render_key::RenderKey,
    request::{FrameRequest, PictureFormat},
    submit::{Background, Submit, SubmitError, Wanted},
};
use uuid::Uuid;

use crate::{
    catalog::sample::{image_id, instance, picture},
    waiting::in_time,
};

const PURPOSE: Purpose = Purpose::Prerender { job_id: Uuid::from_u128(7) };

struct House {
    back_ends: BackEnds,
    submit: Submit,
    wanted: Wanted,
}

impl House {
    async fn new() -> Self {
        let cache = Cache::connect("memory:", "test", CacheLimits::default()).await.unwrap();
        let back_ends = BackEnds {
            queue: Queue::connect("memory:", "test", QueueLimits::default()).await.unwrap(),
            coordination: Coordination::beside(&cache),
            cache,
            catalog: Catalog::connect("sqlite::memory:", CatalogLimits::default()).await.unwrap(),
        };
        back_ends.catalog.record_instances(&[instance(1, 1, 1)], false).await.unwrap();
        let image = Arc::new(back_ends.catalog.image(image_id(1, 1, 1)).await.unwrap().expect("recorded"));
        let request = FrameRequest::new(PictureFormat::Png);
        let key = RenderKey::new(&image.content_digest, &request);
        let wanted = Wanted { image, key, request, client: "viewer".to_owned() };
        let submit = Submit::new(&back_ends, LocalCache::new(CacheLimits::default()));
        Self { back_ends, submit, wanted }
    }

    fn background(&self) -> Background {
        Background::new(self.submit.clone(), PURPOSE)
    }

    async fn jobs(&self, lane: Lane) -> Consumer {
        self.back_ends.queue.consume(lane, 1).await.unwrap()
    }

    async fn begin(&self, job: &RenderJob) -> Begun {
        let claimant = Claimant { job_id: job.job_id, may_be_promoted: job.purpose.may_be_promoted() };
        let lease = Duration::from_secs(60);
        self.back_ends.coordination.begin(&job.render_key, claimant, false, lease).await.unwrap()
    }

    async fn settle(&self, job: &RenderJob) {
        self.back_ends.coordination.settle(job.image_id, &job.render_key, &picture(10)).await.unwrap();
    }
}

async fn next(jobs: &mut Consumer) -> RenderJob {
    let delivery = in_time("a job", jobs.next()).await.expect("an open queue");
    let Work::Render(job) = delivery.work.clone() else { panic!("a render job") };
    delivery.ack().await.unwrap();
    job
}

#[tokio::test]
async fn a_picture_is_made_in_the_background_and_then_it_is_there() {
    let house = House::new().await;
    let mut jobs = house.jobs(Lane::Background).await;
    let background = house.background();
    let work = async {
        let job = next(&mut jobs).await;
        assert_eq!((&job.purpose, job.lane), (&PURPOSE, Lane::Background));
        assert_eq!(house.begin(&job).await, Begun::Ours { before: 0 });
        house.settle(&job).await;
    };
    let (made, ()) = tokio::join!(in_time("the picture", background.make(&house.wanted)), work);
    assert_eq!(made.unwrap(), picture(10));
    assert_eq!(in_time("the same", background.make(&house.wanted)).await.unwrap(), picture(10));
}

#[tokio::test]
async fn whoever_waits_at_a_screen_goes_first_and_the_picture_serves_both() {
    let house = House::new().await;
    let (mut behind, mut on_screen) = (house.jobs(Lane::Background).await, house.jobs(Lane::OnScreen).await);
    let background = house.background();
    let work = async {
        let promoted = next(&mut behind).await;
        let seat = house.submit.board(house.wanted.clone(), Duration::from_secs(10));
        let made = async {
            let job = next(&mut on_screen).await;
            assert_eq!(house.begin(&promoted).await, Begun::Theirs, "a worker drops it");
            assert_eq!(house.begin(&job).await, Begun::Ours { before: 0 });
            house.settle(&job).await;
        };
        let (landing, ()) = tokio::join!(in_time("the picture on screen", seat.landing()), made);
        assert_eq!(landing.unwrap().outcome, picture(10));
    };
    let (made, ()) = tokio::join!(in_time("the picture", background.make(&house.wanted)), work);
    assert_eq!(made.unwrap(), picture(10));
}

#[tokio::test]
async fn a_failure_that_passes_reaches_who_asked_for_that_very_job() {
    let house = House::new().await;
    let mut jobs = house.jobs(Lane::Background).await;
    let background = house.background();
    let work = async {
        let job = next(&mut jobs).await;
        let failure = RenderFailure {
            job_id: Some(job.job_id),
            ..RenderFailure::new(FailureKind::FileMissing, "for this test")
        };
        house.back_ends.coordination.tell(&job.render_key, &failure).await.unwrap();
    };
    let (made, ()) = tokio::join!(in_time("the failure", background.make(&house.wanted)), work);
    let Ok(Outcome::Failure(failure)) = made else { panic!("{made:?}") };
    assert_eq!(failure.kind, FailureKind::FileMissing);
}

#[tokio::test]
async fn what_is_taken_back_is_dropped_by_workers_and_made_for_who_asks_then() {
    let house = House::new().await;
    let mut jobs = house.jobs(Lane::Background).await;
    let background = house.background();
    let taken = {
        let mut making = Box::pin(background.make(&house.wanted));
        tokio::select! {
            made = &mut making => panic!("{made:?}"),
            job = next(&mut jobs) => job,
        }
    };
    background.withdraw().await;
    assert_eq!(house.begin(&taken).await, Begun::Theirs);
    let another = Purpose::Prerender { job_id: Uuid::from_u128(8) };
    let other = Background::new(house.submit.clone(), another);
    let work = async {
        let job = next(&mut jobs).await;
        assert_eq!(house.begin(&taken).await, Begun::Theirs);
        assert_eq!(house.begin(&job).await, Begun::Ours { before: 0 });
        house.settle(&job).await;
    };
    let (made, ()) = tokio::join!(in_time("the picture", other.make(&house.wanted)), work);
    assert_eq!(made.unwrap(), picture(10));
}

/// The process that asked died between claim and message.
#[tokio::test]
async fn whoever_goes_on_with_a_prerender_does_not_wait_for_a_claim_without_a_job() {
    let house = House::new().await;
    let mut jobs = house.jobs(Lane::Background).await;
    let dead = house.background();
    let lost = {
        let mut making = Box::pin(dead.make(&house.wanted));
        tokio::select! {
            made = &mut making => panic!("{made:?}"),
            job = next(&mut jobs) => job,
        }
    };
    let heir = house.background();
    let work = async {
        let job = next(&mut jobs).await;
        assert_eq!(job.job_id, lost.job_id, "its own claim");
        assert_eq!(house.begin(&job).await, Begun::Ours { before: 0 });
        house.settle(&job).await;
    };
    let (made, ()) = tokio::join!(in_time("the picture", heir.make(&house.wanted)), work);
    assert_eq!(made.unwrap(), picture(10));
}

#[tokio::test]
async fn a_picture_whose_jobs_come_to_nothing_is_given_up() {
    let house = House::new().await;
    let mut jobs = house.jobs(Lane::Background).await;
    let background = house.background();
    let work = async {
        // As a worker that gives a job up without an answer.
        loop {
            let job = next(&mut jobs).await;
            house.back_ends.coordination.release(&job.render_key, job.job_id).await.unwrap();
            house.back_ends.coordination.announce(&job.render_key).await.unwrap();
        }
    };
    let made = tokio::select! {
        made = in_time("the end", background.make(&house.wanted)) => made,
        () = work => unreachable!("it ends with the other"),
    };
    assert!(matches!(made, Err(SubmitError::NotMade)), "{made:?}");
}

#[tokio::test]
async fn an_instance_that_is_gone_or_another_is_said_so() {
    let house = House::new().await;
    let mut other = house.wanted.clone();
    other.key = "0123456789abcdef0123456789abcdef".parse().unwrap();
    let image = Arc::make_mut(&mut other.image);
    image.content_digest = noctis_shared::render_key::ContentDigest([9; 32]);
    let made = in_time("the answer", house.background().make(&other)).await;
    assert!(matches!(made, Err(SubmitError::ImageReplaced)), "{made:?}");
    let study = Scope::Study(house.wanted.image.study_id);
    house.back_ends.catalog.delete(&study, &|_, _| false).await.unwrap();
    let made = in_time("the answer", house.background().make(&house.wanted)).await;
    assert!(matches!(made, Err(SubmitError::ImageGone)), "{made:?}");
}
