//! Asking for a render while Redis is away: nobody claims, nobody is woken, and the catalog alone tells what was made.

use std::{sync::Arc, time::Duration};

use noctis_shared::{
    cache::{Cache, CacheLimits, LocalCache},
    catalog::{Catalog, CatalogLimits, RenderRecord},
    coordination::Coordination,
    job::RenderJob,
    lane::Lane,
    program::BackEnds,
    queue::{Consumer, Queue, QueueLimits, Work},
    render_key::RenderKey,
    request::{FrameRequest, PictureFormat},
    submit::{Submit, Tier, Wanted},
};

use crate::{
    catalog::sample::{image_id, instance, picture},
    private_redis::PrivateRedis,
    waiting::in_time,
};

struct House {
    back_ends: BackEnds,
    submit: Submit,
    wanted: Wanted,
}

impl House {
    async fn without_redis() -> Self {
        let url = format!("redis://127.0.0.1:{}", PrivateRedis::spare_port());
        let cache = Cache::connect(&url, "test", CacheLimits::default()).await.unwrap();
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

    async fn jobs(&self) -> Consumer {
        self.back_ends.queue.consume(Lane::OnScreen, 1).await.unwrap()
    }

    async fn record(&self, job: &RenderJob) {
        let outcome = picture(10);
        let (key, image_id) = (job.render_key, job.image_id);
        let record = RenderRecord { key, image_id, outcome: &outcome, worker: "w".to_owned() };
        self.back_ends.catalog.put_render(&record).await.unwrap();
    }
}

async fn next(jobs: &mut Consumer) -> RenderJob {
    let delivery = in_time("a job", jobs.next()).await.expect("an open queue");
    let Work::Render(job) = delivery.work.clone() else { panic!("a render job") };
    delivery.ack().await.unwrap();
    job
}

#[tokio::test]
async fn a_picture_that_a_worker_could_only_record_is_found_by_looking() {
    let house = House::without_redis().await;
    let seat = house.submit.board(house.wanted.clone(), Duration::from_secs(10));
    let mut jobs = house.jobs().await;
    let work = async { house.record(&next(&mut jobs).await).await };
    let (landing, ()) = tokio::join!(in_time("the picture", seat.landing()), work);
    assert_eq!(landing.unwrap().tier, Tier::Render);
}

/// Cleared before it was seen, or lost with its worker: nobody can say so, and whoever waits must not wait for nothing.
#[tokio::test]
async fn a_picture_that_is_lost_is_asked_for_again_while_somebody_waits() {
    const PATIENCE: Duration = Duration::from_secs(10);
    let house = House::without_redis().await;
    let seat = house.submit.board(house.wanted.clone(), PATIENCE);
    let mut jobs = house.jobs().await;
    let work = async {
        let lost = next(&mut jobs).await;
        let again = next(&mut jobs).await;
        assert_ne!(lost.job_id, again.job_id);
        assert_eq!(lost.render_key, again.render_key);
        house.record(&again).await;
    };
    let patient = tokio::time::timeout(PATIENCE, seat.landing());
    let (landing, ()) = tokio::join!(patient, work);
    assert_eq!(landing.expect("before the patience of a client ends").unwrap().tier, Tier::Render);
}

#[tokio::test]
async fn nobody_asks_more_than_three_times() {
    let house = House::without_redis().await;
    let seat = house.submit.board(house.wanted.clone(), Duration::from_secs(3));
    let mut jobs = house.jobs().await;
    let mut asked = 0;
    let count = async {
        loop {
            next(&mut jobs).await;
            asked += 1;
        }
    };
    let landed = async { seat.landing().await.is_ok() };
    let watched = async { tokio::join!(landed, count) };
    assert!(tokio::time::timeout(Duration::from_secs(9), watched).await.is_err(), "nothing is made");
    assert_eq!(asked, 3);
}
