//! What goes when something changes: the rows of [`Change`], over a memory cache and SQLite; and what becomes of it when
//! Redis is away.

use std::time::Duration;

use bytes::Bytes;
use noctis_shared::{
    cache::{Cache, CacheLimits, Forget},
    catalog::{Catalog, CatalogLimits, Deleted, NewInstance, Recorded, RenderRecord, Scope},
    forget::{Change, ForgetError, Forgetting},
    health::Health,
    metadata_names,
};
use uuid::Uuid;

use crate::{
    catalog::sample::{image_id, instance, key, picture, series_id, study_id},
    private_redis::PrivateRedis,
    said::Said,
    waiting::eventually,
};

struct House {
    catalog: Catalog,
    cache: Cache,
    forgetting: Forgetting,
}

/// Study 1 with one series of two instances, study 2 with one of one.
const NUMBERS: [(u32, u32, u32); 3] = [(1, 1, 1), (1, 1, 2), (2, 1, 1)];

impl House {
    /// A house that remembers everything there is to remember of its instances.
    async fn new() -> Self {
        let catalog = Catalog::connect("sqlite::memory:", CatalogLimits::default()).await.unwrap();
        let cache = Cache::connect("memory:", "test", CacheLimits::default()).await.unwrap();
        let forgetting = Forgetting::new(&catalog, &cache);
        Self::over(catalog, cache, forgetting).await
    }

    /// The same in a process that lasts, over a cache that is `redis`.
    async fn beside(redis: &PrivateRedis) -> Self {
        let catalog = Catalog::connect("sqlite::memory:", CatalogLimits::default()).await.unwrap();
        let limits = CacheLimits { response_timeout: Duration::from_millis(500), ..CacheLimits::default() };
        let cache = Cache::connect(&redis.url(), "test", limits).await.unwrap();
        eventually("redis is up", async || cache.health().await == Health::Up).await;
        let forgetting = Forgetting::lasting(&catalog, &cache);
        Self::over(catalog, cache, forgetting).await
    }

    async fn over(catalog: Catalog, cache: Cache, forgetting: Forgetting) -> Self {
        let house = Self { catalog, cache, forgetting };
        house.catalog.record_instances(&batch(), false).await.unwrap();
        house.remember().await;
        house
    }

    async fn delete(&self, study: u32) -> Result<Deleted, ForgetError> {
        self.forgetting.delete(&Scope::Study(study_id(study)), &|_, _| false).await
    }

    async fn remember(&self) {
        for name in all_names() {
            self.cache.put_metadata(&name, Bytes::from_static(b"{}")).await;
        }
        for (number, (study, series, image)) in (0..).zip(NUMBERS) {
            let (key, image_id, outcome) = (key(number), image_id(study, series, image), picture(10));
            self.cache.put_render(image_id, &key, &outcome).await.unwrap();
            let record = RenderRecord { key, image_id, outcome: &outcome, worker: "w".to_owned() };
            self.catalog.put_render(&record).await.unwrap();
        }
    }

    /// The names that are still remembered.
    async fn names(&self) -> Vec<String> {
        let mut kept = Vec::new();
        for name in all_names() {
            if self.cache.metadata(&name).await.is_some() {
                kept.push(name);
            }
        }
        kept
    }

    /// Which of the outcomes are still in the cache.
    async fn outcomes(&self) -> [bool; 3] {
        let mut kept = [false; 3];
        for (number, kept) in (0..).zip(&mut kept) {
            *kept = self.cache.render(&key(number)).await.is_some();
        }
        kept
    }
}

fn batch() -> Vec<NewInstance> {
    NUMBERS.map(|(study, series, image)| instance(study, series, image)).into()
}

fn names_of(study: u32) -> Vec<String> {
    let images: Vec<Uuid> = NUMBERS
        .iter()
        .filter(|(of_study, ..)| *of_study == study)
        .map(|(study, series, image)| image_id(*study, *series, *image))
        .collect();
    metadata_names::all_of_study(study_id(study), &[series_id(study, 1)], &images)
}

fn all_names() -> Vec<String> {
    [names_of(1), names_of(2)].concat()
}

#[tokio::test]
async fn a_recording_makes_what_tells_of_its_studies_stale_and_nothing_else() {
    let house = House::new().await;
    let (instances, recorded) = ([instance(1, 1, 3)], [Recorded::Accepted]);
    let change = Change::Recorded { instances: &instances, recorded: &recorded };
    house.forgetting.forget(change).await.unwrap();
    let kept = house.names().await;
    let image_names = NUMBERS[..2].iter().map(|(study, series, image)| {
        // What an image tells of itself is not changed by another.
        metadata_names::image(image_id(*study, *series, *image))
    });
    let expected: Vec<String> = image_names.chain(names_of(2)).collect();
    assert_eq!(kept, expected);
    assert_eq!(house.outcomes().await, [true; 3]);
}

#[tokio::test]
async fn a_replacement_takes_its_pictures_and_what_is_told_of_its_study() {
    let house = House::new().await;
    let mut forgets = house.cache.forgets();
    let replaced = image_id(1, 1, 1);
    let (instances, recorded) = ([instance(1, 1, 1)], [Recorded::Replaced { image_id: replaced }]);
    let change = Change::Recorded { instances: &instances, recorded: &recorded };
    house.forgetting.forget(change).await.unwrap();
    assert_eq!(house.outcomes().await, [false, true, true]);
    assert_eq!(house.names().await, names_of(2));
    assert_eq!(forgets.try_recv().unwrap(), Forget::Images([replaced].into()));
    let Forget::Images(told_anew) = forgets.try_recv().unwrap() else { panic!("images") };
    assert!(told_anew.contains(&image_id(1, 1, 2)) && !told_anew.contains(&image_id(2, 1, 1)));
}

#[tokio::test]
async fn a_file_that_moved_takes_what_was_remembered_while_it_was_away() {
    let house = House::new().await;
    let moved = [image_id(1, 1, 2)];
    assert_eq!(house.forgetting.forget(Change::Moved(&moved)).await.unwrap(), 1);
    assert_eq!(house.outcomes().await, [true, false, true]);
    assert_eq!(house.names().await, all_names());
}

#[tokio::test]
async fn a_deletion_takes_rows_pictures_and_names_and_the_answers_that_were_on_their_way() {
    let house = House::new().await;
    house.delete(1).await.unwrap();
    assert_eq!(house.outcomes().await, [false, false, true]);
    assert_eq!(house.names().await, names_of(2));
    assert_eq!(house.catalog.study(study_id(1)).await, Ok(None));
    assert_eq!(house.catalog.render(&key(0)).await, Ok(None));
    // An answer that was read before the rows went arrives in the cache after them.
    let late = metadata_names::study(study_id(1));
    house.cache.put_metadata(&late, Bytes::from_static(b"{}")).await;
    crate::cache::fixture::eventually(Duration::from_secs(10), "the late answer goes", async || {
        house.cache.metadata(&late).await.is_none()
    })
    .await;
    assert_eq!(house.names().await, names_of(2));
    assert_eq!(house.delete(1).await.unwrap(), Deleted::default(), "again is nothing");
}

#[tokio::test]
async fn a_deletion_of_a_part_takes_what_tells_of_its_study_and_no_other_picture() {
    let house = House::new().await;
    let deleted = house.forgetting.delete(&Scope::Image(image_id(1, 1, 1)), &|_, _| false).await.unwrap();
    assert_eq!((deleted.image_ids, deleted.renders, deleted.objects), (vec![image_id(1, 1, 1)], 1, 0));
    assert_eq!(house.outcomes().await, [false, true, true]);
    let stays = metadata_names::image(image_id(1, 1, 2));
    assert_eq!(house.names().await, [vec![stays], names_of(2)].concat());
    assert_eq!(house.catalog.study(study_id(1)).await.unwrap().map(|study| study.image_count), Some(1));
}

#[tokio::test]
async fn a_picture_that_was_drawn_while_its_image_was_deleted_does_not_come_back() {
    let house = House::new().await;
    house.delete(1).await.unwrap();
    let mut forgets = house.cache.forgets();
    let (key, image_id, outcome) = (key(9), image_id(1, 1, 1), picture(10));
    house.cache.put_render(image_id, &key, &outcome).await.unwrap();
    let record = RenderRecord { key, image_id, outcome: &outcome, worker: "late".to_owned() };
    house.catalog.put_render(&record).await.unwrap();
    assert_eq!(house.catalog.render(&key).await, Ok(None), "its image is not there");
    eventually("the late picture goes", async || house.cache.render(&key).await.is_none()).await;
    let Ok(Forget::Images(told)) = forgets.try_recv() else { panic!("images") };
    assert!(told.contains(&image_id), "processes drop what they remember, too");
}

#[tokio::test]
async fn an_order_to_clear_takes_what_its_scope_names_from_caches_and_catalog() {
    let cases = [
        (Scope::Image(image_id(1, 1, 1)), 1, [false, true, true]),
        (Scope::Series(series_id(1, 1)), 2, [false, false, true]),
        (Scope::Study(study_id(2)), 1, [true, true, false]),
        (Scope::Everything, 3, [false; 3]),
    ];
    for (scope, count, kept) in cases {
        let house = House::new().await;
        assert_eq!(house.forgetting.forget(Change::Cleared(&scope)).await.unwrap(), count, "{scope:?}");
        assert_eq!(house.outcomes().await, kept, "{scope:?}");
        for (number, kept) in (0..).zip(kept) {
            assert_eq!(house.catalog.render(&key(number)).await.unwrap().is_some(), kept, "{scope:?}");
        }
    }
}

#[tokio::test]
async fn what_another_process_had_still_to_write_is_cleared_too() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("catalog").display());
    let open = async || Catalog::connect(&url, CatalogLimits::default()).await.unwrap();
    let cache = Cache::connect("memory:", "test", CacheLimits::default()).await.unwrap();
    let (here, elsewhere) = (open().await, open().await);
    let house = House::over(here.clone(), cache.clone(), Forgetting::new(&here, &cache)).await;
    let outcome = picture(20);
    let made = |key, image_id| RenderRecord { key, image_id, outcome: &outcome, worker: "w".to_owned() };
    elsewhere.put_render_behind(&made(key(7), image_id(1, 1, 1))).await;
    house.forgetting.forget(Change::Cleared(&Scope::Study(study_id(1)))).await.unwrap();
    elsewhere.put_render(&made(key(8), image_id(1, 1, 1))).await.unwrap();
    elsewhere.flush_renders().await;
    eventually("it goes", async || house.catalog.render(&key(7)).await.unwrap().is_none()).await;
    assert_eq!(house.catalog.render(&key(8)).await, Ok(Some(picture(20))), "this was made after");
}

#[tokio::test]
async fn what_changed_while_redis_was_away_is_forgotten_once_it_is_back() {
    let redis = PrivateRedis::start(PrivateRedis::spare_port());
    let house = House::beside(&redis).await;
    let mut forgets = house.cache.forgets();
    let said = Said::from_now_on();
    // It hangs, and keeps what it has.
    redis.signal("-STOP");
    let replaced = image_id(1, 1, 1);
    let (instances, recorded) = ([instance(1, 1, 1)], [Recorded::Replaced { image_id: replaced }]);
    for _ in 0..5 {
        let change = Change::Recorded { instances: &instances, recorded: &recorded };
        assert_eq!(house.forgetting.forget(change).await.unwrap(), 0);
    }
    house.forgetting.forget(Change::Moved(&[image_id(1, 1, 2)])).await.unwrap();
    let told = forgets.try_recv().unwrap();
    assert_eq!(told, Forget::Images([replaced].into()), "this process forgets at once");
    assert!(house.delete(2).await.is_err(), "what is ordered is done or fails");

    redis.signal("-CONT");
    eventually("the cache has forgotten", async || house.outcomes().await == [false, false, true]).await;
    eventually("all is forgotten", async || house.names().await == names_of(2)).await;
    assert_eq!(said.lines_with("forgets what changes now when it is back"), 1, "{said}");
    eventually("its end is said", async || said.lines_with("has forgotten what changed") == 1).await;
}

#[tokio::test]
async fn a_process_that_ends_soon_is_told_that_the_cache_did_not_forget() {
    let house = House::new().await;
    let url = format!("redis://127.0.0.1:{}", PrivateRedis::spare_port());
    let away = Cache::connect(&url, "test", CacheLimits::default()).await.unwrap();
    let moved = [image_id(1, 1, 2)];
    assert!(Forgetting::new(&house.catalog, &away).forget(Change::Moved(&moved)).await.is_err());
    assert_eq!(Forgetting::lasting(&house.catalog, &away).forget(Change::Moved(&moved)).await.unwrap(), 0);
}
