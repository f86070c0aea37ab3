//! Reading instances.

use std::sync::Arc;

use noctis_shared::{
    bulk::BulkValue,
    catalog::{CatalogError, Found, FrameLookup, NewInstance, OrderFacts, Plane, Scope},
    dicom_uid::public_id,
    facts::{PatientFacts, SeriesFacts, StudyFacts},
    image_facts::{FileWindow, ImageFacts},
    job::FrameRange,
    render_key::ContentDigest,
    request::VoiFunction,
};
use uuid::Uuid;

use super::{
    place::Place,
    sample::{axial, image_id, instance, key, series_id, series_uid, study_id, study_uid},
};

pub(super) async fn images_come_in_display_order(place: Arc<Place>) {
    let catalog = place.connect().await;
    let placed = |series, number: u32, position: Option<f64>, instance_number| {
        let mut placed = instance(1, series, number);
        placed.order.plane = position.and_then(axial);
        placed.instance_number = instance_number;
        placed
    };
    let batch = [
        // By position.
        placed(1, 1, Some(10.0), Some(1)),
        placed(1, 2, Some(-3.5), Some(2)),
        placed(1, 3, Some(0.0), Some(3)),
        // One without: by number, absent numbers last, by UID.
        placed(2, 1, Some(10.0), Some(3)),
        placed(2, 2, None, Some(2)),
        placed(2, 4, Some(5.0), None),
        placed(2, 3, Some(5.0), None),
    ];
    catalog.record_instances(&batch, false).await.unwrap();
    for (series, expected) in [(1, vec![2, 3, 1]), (2, vec![2, 1, 3, 4])] {
        let images = catalog.images_of_series(series_id(1, series)).await.unwrap().unwrap();
        let ids: Vec<Uuid> = images.iter().map(|image| image.image_id).collect();
        let expected: Vec<Uuid> = expected.into_iter().map(|number| image_id(1, series, number)).collect();
        assert_eq!(ids, expected, "series {series}");
    }
}

pub(super) async fn planes_of_several_orientations_do_not_interleave(place: Arc<Place>) {
    let catalog = place.connect().await;
    let plane = |number: u32, position: [f64; 3], orientation: [f64; 6]| {
        let mut placed = instance(1, 1, number);
        placed.order = OrderFacts { plane: Plane::new(position, orientation), ..OrderFacts::default() };
        placed
    };
    let (axial, coronal) = ([1.0, 0.0, 0.0, 0.0, 1.0, 0.0], [1.0, 0.0, 0.0, 0.0, 0.0, -1.0]);
    let batch = [
        plane(4, [0.0, 10.0, 0.0], coronal),
        plane(1, [0.0, 0.0, 0.0], axial),
        plane(3, [0.0, 0.0, 0.0], coronal),
        plane(2, [0.0, 0.0, 10.0], axial),
    ];
    // One at a time, as an index that goes on finds them.
    for one in batch {
        catalog.record_instances(&[one], false).await.unwrap();
    }
    let mut phased: Vec<NewInstance> = (1..=4).map(|number| instance(2, 1, number)).collect();
    for (instance, (z, trigger_time)) in
        phased.iter_mut().zip([(0.0, 0.0), (0.0, 40.0), (5.0, 0.5), (5.0, 40.5)])
    {
        let plane = Plane::new([0.0, 0.0, z], axial);
        instance.order = OrderFacts { plane, trigger_time: Some(trigger_time), ..OrderFacts::default() };
    }
    catalog.record_instances(&phased, false).await.unwrap();
    for (study, expected) in [(1, [1, 2, 3, 4]), (2, [1, 3, 2, 4])] {
        let images = catalog.images_of_series(public_id(&series_uid(study, 1))).await.unwrap().unwrap();
        let numbers: Vec<_> = images.iter().filter_map(|image| image.instance_number).collect();
        assert_eq!(numbers, expected, "study {study}");
    }
}

pub(super) async fn an_image_reads_back_as_recorded(place: Arc<Place>) {
    let catalog = place.connect().await;
    let mut recorded = instance(3, 2, 1);
    recorded.samples_per_pixel = 3;
    recorded.facts = ImageFacts {
        pixel_spacing: Some([0.5, 0.25]),
        unit: Some("HU".to_owned()),
        windows: vec![FileWindow {
            window: 400.0,
            level: 40.0,
            function: VoiFunction::LinearExact,
            explanation: Some("ABDOMEN".to_owned()),
        }],
        ..ImageFacts::default()
    };
    recorded.deflated = true;
    let mut bare = instance(3, 2, 2);
    (bare.rows, bare.columns, bare.window, bare.frame_count) = (None, None, None, 0);
    bare.transfer_syntax_uid = String::new();
    (bare.sop_class_uid, bare.instance_number, bare.photometric_interpretation) = (None, None, None);
    bare.frames.clear();
    catalog.record_instances(&[recorded.clone(), bare], false).await.unwrap();

    let record = catalog.image(image_id(3, 2, 1)).await.unwrap().unwrap();
    assert_eq!((record.study_id, record.image.series_id), (study_id(3), series_id(3, 2)));
    assert_eq!(record.image.sop_instance_uid, recorded.sop_instance_uid);
    assert_eq!(record.image.sop_class_uid, recorded.sop_class_uid);
    assert_eq!(record.image.instance_number, Some(1));
    assert_eq!(
        (record.image.rows, record.image.columns, record.image.frame_count),
        (Some(512), Some(256), 1)
    );
    assert_eq!(record.image.transfer_syntax_uid, Some(recorded.transfer_syntax_uid));
    assert_eq!(record.image.photometric_interpretation.as_deref(), Some("MONOCHROME2"));
    assert_eq!((record.image.window, record.image.level), (Some(400.0), Some(40.0)));
    assert_eq!(record.image.facts, recorded.facts);
    assert_eq!(record.location, recorded.location);
    assert_eq!(record.content_digest, recorded.content_digest);
    assert_eq!((record.file_byte_count, record.header_byte_count), (263_000, 856));
    assert_eq!(record.header_checksum, u64::MAX - 1, "above the range of signed columns");
    assert!(record.deflated);
    assert_eq!(record.render_cost, 512 * 256 * 3);
    assert_eq!(record.metadata.study_instance_uid, study_uid(3));
    assert_eq!(record.metadata.series_instance_uid, series_uid(3, 2));
    assert_eq!(catalog.header_json(image_id(3, 2, 1)).await, Ok(Some(recorded.header_json)));

    let bare = catalog.image(image_id(3, 2, 2)).await.unwrap().unwrap();
    assert_eq!(
        (bare.image.rows, bare.image.columns, bare.image.window, bare.image.level),
        (None, None, None, None)
    );
    assert_eq!((bare.image.frame_count, bare.render_cost), (0, 0));
    assert_eq!((bare.image.sop_class_uid, bare.image.instance_number), (None, None));
    assert_eq!(bare.image.transfer_syntax_uid, None);
    let listed = catalog.images_of_series(series_id(3, 2)).await.unwrap().unwrap();
    assert_eq!(listed[0], record.image, "the list tells the same");
}

/// Every fact there is, each with a value of its own: none is lost, none stands for another.
pub(super) async fn every_fact_reads_back_wherever_it_is_told(place: Arc<Place>) {
    let catalog = place.connect().await;
    let value = |text: &str| Some(text.to_owned());
    let patient = PatientFacts {
        patient_id: value("P-7"),
        patient_name: value("Sample^Patient"),
        patient_birth_date: value("1970-12-31"),
        patient_sex: value("F"),
    };
    let study = StudyFacts {
        patient,
        study_date: value("2026-11-23"),
        study_time: value("12:30:05"),
        study_description: value("Thorax"),
        accession_number: value("ACC-7"),
    };
    let series = SeriesFacts {
        series_number: Some(9),
        series_description: value("Lung"),
        modality: value("CT"),
        body_part: value("CHEST"),
    };
    // As a study tells them, and as a file does whose study is another patient's, or is so no longer.
    let undated = StudyFacts { study_date: None, ..study.clone() };
    let mut stranger = study.clone();
    stranger.patient.patient_id = value("P-8");
    let file = |number: u32, study: &StudyFacts| NewInstance {
        study: study.clone(),
        series: series.clone(),
        ..instance(1, 1, number)
    };
    let told = async |number: u32| {
        let told = catalog.image(image_id(1, 1, number)).await.unwrap().unwrap().metadata;
        assert_eq!(told.series, series);
        told.study
    };
    let of_study = async || catalog.study(study_id(1)).await.unwrap().unwrap().facts;
    catalog.record_instances(&[file(1, &undated), file(2, &stranger)], false).await.unwrap();
    assert_eq!(
        (of_study().await, told(1).await, told(2).await),
        (undated.clone(), undated, stranger.clone())
    );
    catalog.record_instances(&[file(3, &study)], false).await.unwrap();
    assert_eq!((of_study().await, told(1).await, told(2).await), (study.clone(), study, stranger.clone()));
    let listed = catalog.series_of_study(study_id(1)).await.unwrap().unwrap();
    assert_eq!(listed[0].facts, series);
    // A correction of all files makes the study the other patient's.
    let corrected = [1, 3].map(|number| {
        let content_digest = ContentDigest([number as u8; 32]);
        NewInstance { content_digest, ..file(number, &stranger) }
    });
    catalog.record_instances(&corrected, true).await.unwrap();
    assert_eq!(
        (of_study().await, told(1).await, told(2).await),
        (stranger.clone(), stranger.clone(), stranger)
    );
}

pub(super) async fn one_frame_is_read_alone(place: Arc<Place>) {
    let catalog = place.connect().await;
    let frame = |number: u64| FrameRange { offset: number << 33, byte_count: number, checksum: !number };
    let mut many = instance(1, 1, 1);
    many.frame_count = 20_000;
    many.frames = (1..=20_000).map(frame).collect();
    let digest = many.content_digest;
    let mut none = instance(1, 1, 2);
    none.frames.clear();
    let digest_of_none = none.content_digest;
    catalog.record_instances(&[many, none], false).await.unwrap();
    for number in [1, 2, 10_007, 20_000] {
        let found = catalog.look_up_frame(image_id(1, 1, 1), number, &key(1)).await;
        assert_eq!(found, lookup(digest, Some(frame(u64::from(number)))), "frame {number}");
        assert_eq!(catalog.frame_range(image_id(1, 1, 1), number).await, Ok(Some(frame(u64::from(number)))));
    }
    for number in [0, 20_001, u32::MAX] {
        let found = catalog.look_up_frame(image_id(1, 1, 1), number, &key(1)).await;
        assert_eq!(found, lookup(digest, None), "frame {number}");
        assert_eq!(catalog.frame_range(image_id(1, 1, 1), number).await, Ok(None), "frame {number}");
    }
    let found = catalog.look_up_frame(image_id(1, 1, 2), 1, &key(1)).await;
    assert_eq!(found, lookup(digest_of_none, None));
}

pub(super) async fn frames_one_after_the_other_are_read_at_once(place: Arc<Place>) {
    let catalog = place.connect().await;
    let frame = |number: u64| FrameRange { offset: number << 33, byte_count: number, checksum: !number };
    let mut many = instance(1, 1, 1);
    many.frames = (1..=20_000).map(frame).collect();
    catalog.record_instances(&[many], false).await.unwrap();
    for (numbers, there) in [
        (1..=1, 1..=1),
        (7..=10_007, 7..=10_007),
        (19_999..=20_005, 19_999..=20_000),
        (1..=20_000, 1..=20_000),
    ] {
        let expected: Vec<FrameRange> = there.map(frame).collect();
        assert_eq!(
            catalog.frame_ranges(image_id(1, 1, 1), numbers.clone()).await,
            Ok(expected),
            "{numbers:?}"
        );
    }
    for none in [20_001..=20_002, 0..=1, u32::MAX..=u32::MAX] {
        assert_eq!(catalog.frame_ranges(image_id(1, 1, 1), none.clone()).await, Ok(vec![]), "{none:?}");
    }
    assert_eq!(catalog.frame_ranges(image_id(1, 1, 404), 1..=2).await, Ok(vec![]));
}

pub(super) async fn long_values_are_told_by_where_they_lie(place: Arc<Place>) {
    let catalog = place.connect().await;
    let value = |path: &str| BulkValue {
        path: path.to_owned(),
        offset: 1 << 40,
        byte_count: 2000,
        checksum: u64::MAX,
        swapped_bytes: 2,
    };
    let values = vec![value("00420011"), value("00480105/2/00282000")];
    let with = NewInstance { bulk_values: values.clone(), ..instance(1, 1, 1) };
    catalog.record_instances(&[with, instance(1, 1, 2)], false).await.unwrap();
    assert_eq!(catalog.bulk_values(image_id(1, 1, 1)).await, Ok(Some(values)));
    assert_eq!(catalog.bulk_values(image_id(1, 1, 2)).await, Ok(Some(vec![])));
    assert_eq!(catalog.bulk_values(image_id(1, 1, 404)).await, Ok(None));
}

fn lookup(
    content_digest: ContentDigest,
    range: Option<FrameRange>,
) -> Result<Option<FrameLookup>, CatalogError> {
    Ok(Some(FrameLookup { outcome: None, content_digest, range }))
}

pub(super) async fn unknown_ids_are_none(place: Arc<Place>) {
    let catalog = place.connect().await;
    catalog.record_instances(&[instance(1, 1, 1)], false).await.unwrap();
    let unknown = Uuid::nil();
    assert_eq!(catalog.study(unknown).await, Ok(None));
    assert_eq!(catalog.series_of_study(unknown).await, Ok(None));
    assert_eq!(catalog.images_of_series(unknown).await, Ok(None));
    assert_eq!(catalog.image(unknown).await, Ok(None));
    assert_eq!(catalog.find_image(unknown).await, Ok(Found::Nothing));
    assert_eq!(catalog.find_series(unknown).await, Ok(Found::Nothing));
    assert_eq!(catalog.look_up_frame(unknown, 1, &key(1)).await, Ok(None));
    assert_eq!(catalog.header_json(unknown).await, Ok(None));
    // An id of another level is unknown too.
    assert_eq!(catalog.image(study_id(1)).await, Ok(None));
}

pub(super) async fn the_images_of_a_scope_are_listed(place: Arc<Place>) {
    let catalog = place.connect().await;
    let batch = [instance(1, 1, 1), instance(1, 1, 2), instance(1, 2, 1), instance(2, 1, 1)];
    catalog.record_instances(&batch, false).await.unwrap();
    let scopes = [
        (Scope::Everything, 4),
        (Scope::Study(study_id(1)), 3),
        (Scope::Series(series_id(1, 1)), 2),
        (Scope::Image(image_id(2, 1, 1)), 1),
        (Scope::Study(Uuid::nil()), 0),
    ];
    for (scope, count) in scopes {
        assert_eq!(catalog.image_ids(&scope).await.unwrap().len(), count, "{scope:?}");
    }
    let mut ids = catalog.image_ids(&Scope::Series(series_id(1, 1))).await.unwrap();
    ids.sort_unstable();
    let mut expected = [image_id(1, 1, 1), image_id(1, 1, 2)];
    expected.sort_unstable();
    assert_eq!(ids, expected);
}

pub(super) async fn the_files_of_all_instances_come_in_portions(place: Arc<Place>) {
    let catalog = place.connect().await;
    let batch =
        [instance(1, 1, 1), instance(1, 1, 2), instance(1, 2, 1), instance(2, 1, 1), instance(2, 1, 2)];
    catalog.record_instances(&batch, false).await.unwrap();
    let (mut locations, mut after) = (Vec::new(), None);
    loop {
        let portion = catalog.files(after, 2).await.unwrap();
        let Some(last) = portion.last() else { break };
        after = Some(last.key);
        locations.extend(portion.into_iter().map(|file| file.location));
    }
    locations.sort();
    let mut expected: Vec<String> = batch.iter().map(|instance| instance.location.clone()).collect();
    expected.sort();
    assert_eq!(locations, expected);
    assert_eq!(catalog.accounts_for(&batch[0].location).await, Ok(true));
    assert_eq!(catalog.accounts_for("file:///nobody/knows.dcm").await, Ok(false));
    let deleted = catalog.delete(&Scope::Study(study_id(1)), &|_, _| true).await.unwrap();
    assert_eq!(
        (deleted.objects, catalog.accounts_for(&batch[0].location).await),
        (3, Ok(true)),
        "it is owed"
    );
}
