//! What a caller that is held to some studies is told of the others: that they are not there.

use noctis_shared::{
    auth::SharedThing,
    cache::CacheLimits,
    catalog::{CatalogLimits, NewInstance, OrderFacts},
    dicom_uid::public_id,
    facts::{SeriesFacts, StudyFacts},
    image_facts::ImageFacts,
    job::FrameRange,
    own_id,
    render_key::ContentDigest,
};

use super::*;

const STUDIES: [&str; 3] = ["1.2.1", "1.2.2", "1.2.3"];
/// A series of the first study alone, and one whose UIDs all three have.
const ALONE: [&str; 2] = ["1.2.1.7", "1.2.1.7.1"];
const SHARED: [&str; 2] = ["1.2.9", "1.2.9.1"];

struct Known {
    images: KnownImages,
    cache: Cache,
    catalog: Catalog,
    audit: Audit,
}

impl Known {
    async fn new() -> Self {
        let catalog = Catalog::connect("sqlite::memory:", CatalogLimits::default()).await.expect("a catalog");
        let alone = instance(STUDIES[0], ALONE);
        let shared = STUDIES.map(|study| instance(study, SHARED));
        let instances: Vec<NewInstance> = shared.into_iter().chain([alone]).collect();
        catalog.record_instances(&instances, false).await.expect("recorded");
        let cache = Cache::connect("memory:", "test", CacheLimits::default()).await.expect("a cache");
        Self { images: KnownImages::new(), cache, catalog, audit: Audit::default() }
    }

    fn to<'a>(&'a self, caller: &'a Caller) -> Visible<'a> {
        let Self { images, cache, catalog, audit } = self;
        Visible { caller, images, cache, catalog, audit }
    }
}

fn instance(study: &str, [series, image]: [&str; 2]) -> NewInstance {
    NewInstance {
        study_instance_uid: study.to_owned(),
        study: StudyFacts::default(),
        series_instance_uid: series.to_owned(),
        series: SeriesFacts::default(),
        sop_instance_uid: image.to_owned(),
        sop_class_uid: None,
        instance_number: None,
        order: OrderFacts::default(),
        rows: Some(2),
        columns: Some(2),
        samples_per_pixel: 1,
        bits_allocated: 8,
        frame_count: 1,
        transfer_syntax_uid: "1.2.840.10008.1.2.1".to_owned(),
        photometric_interpretation: None,
        window: None,
        facts: ImageFacts::default(),
        header_json: "{}".to_owned(),
        location: format!("file:///archive/{study}/{image}.dcm"),
        content_digest: digest_of(study),
        file_byte_count: 8,
        header_byte_count: 4,
        header_checksum: 0,
        deflated: false,
        bulk_values: vec![],
        frames: vec![FrameRange { offset: 4, byte_count: 4, checksum: 0 }],
    }
}

/// Bytes that differ from study to study.
fn digest_of(study: &str) -> ContentDigest {
    let mut digest = [0; 32];
    digest[..study.len()].copy_from_slice(study.as_bytes());
    ContentDigest(digest)
}

/// A caller that may see these of [`STUDIES`].
fn caller(studies: &[usize]) -> Caller {
    let study_ids = studies.iter().map(|number| public_id(STUDIES[*number])).collect();
    everybody().that_sees(Sight::Studies(study_ids))
}

fn everybody() -> Caller {
    Caller::anybody(None)
}

#[tokio::test]
async fn what_is_of_another_study_is_answered_like_what_is_not_there() {
    let known = Known::new().await;
    let [series, image] = ALONE.map(public_id);
    let owner = caller(&[0]);
    let visible = known.to(&owner);
    assert_eq!(visible.study(STUDIES[0]).expect("its own").into_inner(), public_id(STUDIES[0]));
    assert_eq!(visible.series(series).await.expect("its own").study_id(), public_id(STUDIES[0]));
    assert_eq!(visible.image(image).await.expect("its own").study_id(), public_id(STUDIES[0]));

    // Known to this process by now, which must tell nobody.
    let stranger = caller(&[1]);
    let visible = known.to(&stranger);
    let unknown = public_id("1.2.404");
    let told = |problem: Problem| format!("{problem:?}");
    assert_eq!(
        told(visible.study(STUDIES[0]).expect_err("another's")),
        told(visible.study("9").expect_err("no id"))
    );
    assert_eq!(
        told(visible.series(series).await.expect_err("another's")),
        told(visible.series(unknown).await.expect_err("not there"))
    );
    assert_eq!(
        told(visible.image(image).await.expect_err("another's")),
        told(visible.image(unknown).await.expect_err("not there"))
    );
    assert!(visible.of_study(public_id(STUDIES[0]), "a cached answer").is_none());
}

#[tokio::test]
async fn a_shared_uid_names_what_the_caller_may_see_of_it() {
    let known = Known::new().await;
    let [series, image] = SHARED.map(public_id);
    for (caller, study_count) in [(everybody(), 3), (caller(&[0, 2]), 2)] {
        for problem in [
            known.to(&caller).series(series).await.map(|_| ()).expect_err("several"),
            known.to(&caller).image(image).await.map(|_| ()).expect_err("several"),
        ] {
            let told = format!("{problem:?}");
            assert_eq!(told.matches("study_id").count(), study_count, "{told}");
            assert_eq!(told.contains(&public_id(STUDIES[1]).to_string()), study_count == 3, "{told}");
        }
    }
    for study in 0..STUDIES.len() {
        let caller = caller(&[study]);
        let visible = known.to(&caller);
        let study_id = public_id(STUDIES[study]);
        assert_eq!(visible.series(series).await.expect("one").study_id(), study_id);
        let found = visible.image(image).await.expect("one");
        assert_eq!(
            (found.study_id(), found.study_id),
            (study_id, study_id),
            "asked again for another caller"
        );
        let own = own_id::of_image(STUDIES[(study + 1) % 3], SHARED[0], SHARED[1]);
        assert!(visible.image(own).await.is_err(), "another's, by its own id");
    }
    let nobody = caller(&[]);
    assert!(known.to(&nobody).image(image).await.is_err());
}

#[tokio::test]
async fn a_list_has_and_counts_the_caller_s_studies_alone() {
    let known = Known::new().await;
    let filter = StudyFilter { limit: 1, ..StudyFilter::default() };
    for (caller, total) in [(everybody(), 3), (caller(&[0, 2]), 2), (caller(&[1]), 1), (caller(&[]), 0)] {
        let page = known.to(&caller).studies(&filter).await.expect("a page");
        assert_eq!((page.total, page.next.is_some()), (total, total > 1));
    }
}

#[tokio::test]
async fn a_part_that_is_shared_is_seen_and_nothing_around_it() {
    let known = Known::new().await;
    let study_id = public_id(STUDIES[0]);
    let [series_id, image_id] = ALONE.map(public_id);
    let own_series = own_id::of_series(STUDIES[0], SHARED[0]);
    let alone = own_id::of_series(STUDIES[0], ALONE[0]);
    let own_image = own_id::of_image(STUDIES[0], ALONE[0], ALONE[1]);
    let everybody = everybody();
    let series = |id| SharedThing::Series { study_id, series_id: id };
    for (thing, sees_series, sees_image) in
        [(series(alone), true, true), (SharedThing::Image { study_id, image_id: own_image }, false, true)]
    {
        let guest = everybody.clone().that_sees(Sight::Shared(thing));
        let visible = known.to(&guest);
        assert!(visible.study(STUDIES[0]).is_err(), "the study is not shared");
        assert_eq!(visible.series(series_id).await.is_ok(), sees_series);
        assert_eq!(visible.image(image_id).await.is_ok(), sees_image);
        for shared in SHARED.map(public_id) {
            assert!(visible.series(shared).await.is_err() && visible.image(shared).await.is_err());
        }
        let page = visible.studies(&StudyFilter::default()).await.expect("a page");
        assert_eq!((page.studies.len(), page.total), (0, 0));
    }
    let one_of_three = everybody.that_sees(Sight::Shared(series(own_series)));
    let visible = known.to(&one_of_three);
    assert_eq!(visible.series(public_id(SHARED[0])).await.expect("the shared one").study_id(), study_id);
    assert_eq!(visible.image(public_id(SHARED[1])).await.expect("its image").study_id(), study_id);
}
