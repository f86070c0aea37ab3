//! One UID in several studies or series, and one study of several patients.

use std::{collections::HashSet, sync::Arc};

use noctis_shared::{
    catalog::{Catalog, Choice, Found, Ids, NewInstance, Recorded, Scope, StudyFilter},
    dicom_uid::public_id,
    facts::{PatientFacts, StudyFacts},
    own_id,
    render_key::ContentDigest,
};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::{
    place::Place,
    sample::{all, assert_counts, image_id, instance, key, picture, put, series_uid, study_id, study_uid},
};

const SHARED_SERIES: &str = "1.2.826.0.1.77";
const SHARED_IMAGE: &str = "1.2.826.0.1.77.1";

/// Instance 1 of study `study`, under a Series and a SOP Instance UID that every study has.
fn shared(study: u32) -> NewInstance {
    let mut shared = instance(study, 1, 1);
    shared.series_instance_uid = SHARED_SERIES.to_owned();
    shared.sop_instance_uid = SHARED_IMAGE.to_owned();
    shared
}

fn own_series(study: u32) -> Uuid {
    own_id::of_series(&study_uid(study), SHARED_SERIES)
}

fn own_image(study: u32) -> Uuid {
    own_id::of_image(&study_uid(study), SHARED_SERIES, SHARED_IMAGE)
}

fn choice(study: u32) -> Choice {
    Choice { study_id: study_id(study), series_id: own_series(study), image_id: Some(own_image(study)) }
}

fn sorted_choices<T: std::fmt::Debug>(found: Found<T>) -> Vec<Choice> {
    let Found::Several(mut choices) = found else { panic!("{found:?}") };
    choices.sort_by_key(|choice| choice.study_id);
    choices
}

fn choices(studies: &[u32]) -> Vec<Choice> {
    let mut choices: Vec<Choice> = studies.iter().copied().map(choice).collect();
    choices.sort_by_key(|choice| choice.study_id);
    choices
}

/// What lists tell of the shared series and instance in a study, and the digest and patient behind them.
async fn assert_listed(catalog: &Catalog, study: u32, series_id: Uuid, image_id: Uuid) {
    let series = catalog.series_of_study(study_id(study)).await.unwrap().expect("a study");
    assert_eq!((series.len(), series[0].image_count), (1, 1), "study {study}");
    assert_eq!((series[0].series_id, series[0].study_id), (series_id, study_id(study)));
    let key = catalog.find_series(series_id).await.unwrap().one().expect("one series").key;
    let images = catalog.images_of_series(key).await.unwrap().expect("images");
    assert_eq!(images.len(), 1);
    assert_eq!((images[0].image_id, images[0].series_id), (image_id, series_id));
    let key = catalog.find_image(images[0].image_id).await.unwrap().one().expect("one image");
    let record = catalog.image(key).await.unwrap().expect("an image");
    assert_eq!(
        (record.key, record.image.clone(), record.study_id),
        (key, images[0].clone(), study_id(study))
    );
    assert_eq!(record.metadata.study_instance_uid, study_uid(study));
    assert_eq!(record.metadata.study.patient.patient_id, shared(study).study.patient.patient_id);
    assert_eq!(record.content_digest, shared(study).content_digest);
}

pub(super) async fn one_uid_in_two_studies_is_a_series_in_each(place: Arc<Place>) {
    let ids = (public_id(SHARED_SERIES), public_id(SHARED_IMAGE));
    for order in [[1, 2], [2, 1]] {
        let catalog = place.connect().await;
        for study in order {
            assert_eq!(catalog.record_instances(&[shared(study)], false).await, Ok(vec![Recorded::Accepted]));
            if study == order[0] {
                assert_listed(&catalog, study, ids.0, ids.1).await;
            }
        }
        assert_counts(&catalog, 2, 2, 2).await;
        for study in order {
            assert_listed(&catalog, study, own_series(study), own_image(study)).await;
        }
        let series = sorted_choices(catalog.find_series(ids.0).await.unwrap());
        let expected: Vec<Choice> =
            choices(&[1, 2]).into_iter().map(|choice| Choice { image_id: None, ..choice }).collect();
        assert_eq!(series, expected);
        assert_eq!(sorted_choices(catalog.find_image(ids.1).await.unwrap()), choices(&[1, 2]));
        let again = catalog.record_instances(&[shared(1), shared(2)], false).await;
        assert_eq!(again, Ok(vec![Recorded::Duplicate; 2]));
        for study in order {
            catalog.delete(&Scope::Study(study_id(study)), &|_, _| false).await.unwrap();
        }
    }
}

pub(super) async fn own_ids_name_one_alone_whatever_comes_and_goes(place: Arc<Place>) {
    let catalog = place.connect().await;
    let ids = (public_id(SHARED_SERIES), public_id(SHARED_IMAGE));
    catalog.record_instances(&[shared(1), shared(2), shared(3)], false).await.unwrap();
    for gone in [1, 3] {
        catalog.delete(&Scope::Study(study_id(gone)), &|_, _| false).await.unwrap();
        assert_eq!(catalog.find_image(own_image(gone)).await, Ok(Found::Nothing));
        assert_eq!(catalog.find_series(own_series(gone)).await, Ok(Found::Nothing));
    }
    // Alone again: called as if it always had been, and by its own id all the same.
    assert_listed(&catalog, 2, ids.0, ids.1).await;
    let by_own_id = catalog.find_image(own_image(2)).await.unwrap();
    assert_eq!(by_own_id, catalog.find_image(ids.1).await.unwrap());
    assert!(by_own_id.one().is_some());
    // The first comes back.
    catalog.record_instances(&[shared(1)], false).await.unwrap();
    for study in [1, 2] {
        assert_listed(&catalog, study, own_series(study), own_image(study)).await;
    }
    assert_eq!(sorted_choices(catalog.find_image(ids.1).await.unwrap()), choices(&[1, 2]));
    // A UID that is not shared has an own id as well.
    catalog.record_instances(&[instance(9, 1, 1)], false).await.unwrap();
    let own = own_id::of_image(&study_uid(9), &series_uid(9, 1), &instance(9, 1, 1).sop_instance_uid);
    assert_eq!(catalog.find_image(own).await, Ok(Found::One(image_id(9, 1, 1))));
}

pub(super) async fn one_instance_uid_in_two_series_is_an_instance_in_each(place: Arc<Place>) {
    let catalog = place.connect().await;
    let (first, mut second) = (instance(1, 1, 1), instance(1, 2, 1));
    second.sop_instance_uid.clone_from(&first.sop_instance_uid);
    let recorded = catalog.record_instances(&[first.clone(), second.clone()], false).await;
    assert_eq!(recorded, Ok(vec![Recorded::Accepted; 2]));
    assert_counts(&catalog, 1, 2, 2).await;
    for one in [&first, &second] {
        let own = own_id::of_image(&one.study_instance_uid, &one.series_instance_uid, &one.sop_instance_uid);
        let key = catalog.find_image(own).await.unwrap().one().expect("one");
        let record = catalog.image(key).await.unwrap().expect("an image");
        assert_eq!(record.content_digest, one.content_digest);
        assert_eq!(record.metadata.series_instance_uid, one.series_instance_uid);
    }
    assert!(matches!(catalog.find_image(image_id(1, 1, 1)).await, Ok(Found::Several(_))));
    // Each is a duplicate of itself, and a conflict with other bytes under all three UIDs.
    let mut other = second.clone();
    other.content_digest = ContentDigest([3; 32]);
    let recorded = catalog.record_instances(&[second, other], false).await;
    assert_eq!(recorded, Ok(vec![Recorded::Duplicate, Recorded::Conflict]));
}

pub(super) async fn a_replacement_stays_in_its_study_and_series(place: Arc<Place>) {
    let catalog = place.connect().await;
    catalog.record_instances(&[shared(1), shared(2)], false).await.unwrap();
    for study in [1, 2] {
        let key = catalog.find_image(own_image(study)).await.unwrap().one().expect("one");
        put(&catalog, study, key, &picture(10)).await;
    }
    let mut newer = shared(2);
    newer.content_digest = ContentDigest([9; 32]);
    let key_of_second = catalog.find_image(own_image(2)).await.unwrap().one().expect("one");
    let recorded = catalog.record_instances(&[newer], true).await;
    assert_eq!(recorded, Ok(vec![Recorded::Replaced { image_id: key_of_second }]));
    assert_eq!(catalog.render(&key(1)).await, Ok(Some(picture(10))), "of the other study");
    assert_eq!(catalog.render(&key(2)).await, Ok(None), "of the old bytes");
    assert_listed(&catalog, 1, own_series(1), own_image(1)).await;
    assert_counts(&catalog, 2, 2, 2).await;
}

/// No study locks another: the same UIDs come under four studies at once.
pub(super) async fn writers_of_one_uid_under_many_studies_lose_nothing(place: Arc<Place>) {
    let catalog = place.connect().await;
    let mut writers = JoinSet::new();
    for study in 1..=4_u32 {
        let catalog = catalog.clone();
        writers.spawn(async move {
            let mut batch: Vec<NewInstance> = (0..40).map(|number| instance(9, 9, number)).collect();
            for instance in &mut batch {
                instance.study_instance_uid = study_uid(study);
                instance.content_digest.0[0] ^= u8::try_from(study).unwrap();
            }
            if study % 2 == 0 {
                batch.reverse();
            }
            for part in batch.chunks(5) {
                let recorded = catalog.record_instances(part, false).await.unwrap();
                assert!(recorded.iter().all(|recorded| *recorded == Recorded::Accepted), "{recorded:?}");
            }
        });
    }
    writers.join_all().await;
    assert_counts(&catalog, 4, 4, 160).await;
    let mut listed = HashSet::new();
    for study in 1..=4 {
        for series in catalog.series_of_study(study_id(study)).await.unwrap().unwrap() {
            let key = catalog.find_series(series.series_id).await.unwrap().one().expect("one series").key;
            for image in catalog.images_of_series(key).await.unwrap().unwrap() {
                let key = catalog.find_image(image.image_id).await.unwrap().one().expect("one image");
                let record = catalog.image(key).await.unwrap().unwrap();
                assert_eq!(record.study_id, study_id(study));
                listed.insert(image.image_id);
            }
        }
    }
    assert_eq!(listed.len(), 160, "each by an id of its own");
}

pub(super) async fn ids_that_go_stale_are_told(place: Arc<Place>) {
    let catalog = place.connect().await;
    let uids = Ids { series: vec![public_id(SHARED_SERIES)], images: vec![public_id(SHARED_IMAGE)] };
    catalog.record_instances(&[shared(1), instance(5, 1, 1)], false).await.unwrap();
    assert_eq!(catalog.sharing(&uids).await, Ok(noctis_shared::catalog::Sharing::default()));
    catalog.record_instances(&[shared(2)], false).await.unwrap();
    let sharing = catalog.sharing(&uids).await.unwrap();
    let set = |ids: &[Uuid]| ids.iter().copied().collect::<HashSet<Uuid>>();
    assert_eq!(set(&sharing.studies), set(&[study_id(1), study_id(2)]));
    assert_eq!(set(&sharing.ids.series), set(&[uids.series[0], own_series(1), own_series(2)]));
    assert_eq!(set(&sharing.ids.images), set(&[uids.images[0], own_image(1), own_image(2)]));
    let ids = catalog.ids(&Scope::Study(study_id(2))).await.unwrap();
    assert_eq!(set(&ids.series), set(&[uids.series[0], own_series(2)]));
    assert_eq!(set(&ids.images), set(&[uids.images[0], own_image(2)]));
}

pub(super) async fn a_file_of_another_patient_is_told_with_its_own(place: Arc<Place>) {
    let catalog = place.connect().await;
    let person = |number: u32, id: &str, name: &str| {
        let mut person = instance(1, 1, number);
        let patient = &mut person.study.patient;
        (patient.patient_id, patient.patient_name) = (Some(id.to_owned()), Some(name.to_owned()));
        person
    };
    let mut stranger = person(2, "P-2", "Roe^Richard");
    stranger.study.patient.patient_birth_date = Some("1950-01-01".to_owned());
    // In one batch, and in the next; nothing of the stranger becomes the study's.
    let recorded = catalog.record_instances(&[person(1, "P-1", "Doe^Jane"), stranger], false).await;
    assert_eq!(recorded, Ok(vec![Recorded::Accepted, Recorded::OtherPatient]));
    let recorded = catalog.record_instances(&[person(4, "P-4", "Poe^Edgar")], false).await;
    assert_eq!(recorded, Ok(vec![Recorded::OtherPatient]));
    // One person, written otherwise.
    let recorded = catalog.record_instances(&[person(3, "p-1", "DOE^JANE^^DR")], false).await;
    assert_eq!(recorded, Ok(vec![Recorded::Accepted]));
    assert_counts(&catalog, 1, 1, 4).await;
    let study = catalog.study(study_id(1)).await.unwrap().unwrap();
    let patient = study.facts.patient;
    assert_eq!((patient.patient_name.as_deref(), patient.patient_birth_date), (Some("Doe^Jane"), None));
    assert_eq!(study.other_patient_count, 2);
    let listed = catalog.images_of_series(public_id(&series_uid(1, 1))).await.unwrap().unwrap();
    let names = [
        (1, "Doe^Jane", None),
        (2, "Roe^Richard", Some("1950-01-01")),
        (3, "Doe^Jane", None),
        (4, "Poe^Edgar", None),
    ];
    for ((number, name, born), listed) in names.into_iter().zip(listed) {
        let record = catalog.image(image_id(1, 1, number)).await.unwrap().unwrap();
        let told = record.metadata.study.patient;
        assert_eq!((told.patient_name.as_deref(), told.patient_birth_date.as_deref()), (Some(name), born));
        assert_eq!(record.image, listed);
        let other = listed.other_patient.and_then(|other| other.patient_name);
        assert_eq!(other.as_deref(), (name != "Doe^Jane").then_some(name));
    }
}

/// A correction in several batches: as long as a file is of the first patient the study is, and each file tells its own.
pub(super) async fn a_study_is_of_the_patient_of_all_its_files(place: Arc<Place>) {
    let catalog = place.connect().await;
    let file = |number: u32, name: &str, digest: u8| {
        let mut file = instance(1, 1, number);
        let patient = &mut file.study.patient;
        (patient.patient_id, patient.patient_name) = (Some(name.to_owned()), Some(name.to_owned()));
        patient.patient_birth_date = (name == "Doe^Jane").then(|| "1970-01-01".to_owned());
        file.study.accession_number = (name == "Roe^Richard").then(|| "ACC-R".to_owned());
        file.content_digest = ContentDigest([digest; 32]);
        file
    };
    let jane = [file(1, "Doe^Jane", 1), file(2, "Doe^Jane", 2)];
    catalog.record_instances(&jane, false).await.unwrap();
    let some = |StudyFacts { patient, accession_number, .. }| {
        let PatientFacts { patient_name, patient_birth_date, .. } = patient;
        (patient_name.unwrap(), patient_birth_date, accession_number)
    };
    let told = async |number: u32| {
        some(catalog.image(image_id(1, 1, number)).await.unwrap().unwrap().metadata.study)
    };
    let of_jane = ("Doe^Jane".to_owned(), Some("1970-01-01".to_owned()), None);
    let of_richard = ("Roe^Richard".to_owned(), None, Some("ACC-R".to_owned()));
    for (number, count) in [(1, 1), (2, 0)] {
        let recorded = catalog.record_instances(&[file(number, "Roe^Richard", 9)], true).await.unwrap();
        assert!(matches!(recorded[..], [Recorded::Replaced { .. }]), "{recorded:?}");
        let study = catalog.study(study_id(1)).await.unwrap().unwrap();
        assert_eq!(study.other_patient_count, count);
        let expected = if count > 0 { &of_jane } else { &of_richard };
        assert_eq!(&some(study.facts), expected, "nothing is mixed");
        assert_eq!(told(1).await, of_richard);
        assert_eq!(&told(2).await, expected);
    }
    let filter = StudyFilter { patient: Some("roe".to_owned()), ..all() };
    assert_eq!(catalog.studies(&filter).await.unwrap().studies.len(), 1);
}

/// Both see an empty catalog; the study is of whoever comes first, and the other one is told with its own facts.
pub(super) async fn two_writers_of_two_patients_mix_no_facts(place: Arc<Place>) {
    for round in 1..=8_u32 {
        let catalog = place.connect().await;
        let mut writers = JoinSet::new();
        for person in [1_u32, 2] {
            let catalog = catalog.clone();
            writers.spawn(async move {
                let mut one = instance(round, person, person);
                let patient = &mut one.study.patient;
                (patient.patient_id, patient.patient_name) = (Some(format!("P-{person}")), None);
                // Facts that only one of them has must not show under the other.
                patient.patient_birth_date = (person == 2).then(|| "1950-01-01".to_owned());
                catalog.record_instances(&[one], false).await.unwrap()[0]
            });
        }
        let recorded = writers.join_all().await;
        assert!(recorded.contains(&Recorded::Accepted) && recorded.contains(&Recorded::OtherPatient));
        let born = |id: Option<&str>| (id == Some("P-2")).then(|| "1950-01-01".to_owned());
        let study = catalog.study(study_id(round)).await.unwrap().unwrap();
        assert_eq!((study.image_count, study.other_patient_count), (2, 1));
        let patient = study.facts.patient;
        assert_eq!(patient.patient_birth_date, born(patient.patient_id.as_deref()));
        for person in [1, 2] {
            let record = catalog.image(image_id(round, person, person)).await.unwrap().unwrap();
            let told = record.metadata.study.patient;
            assert_eq!(told.patient_id, Some(format!("P-{person}")));
            assert_eq!(told.patient_birth_date, born(told.patient_id.as_deref()));
        }
        catalog.delete(&Scope::Study(study_id(round)), &|_, _| false).await.unwrap();
    }
}

pub(super) async fn an_id_of_two_people_lists_each_with_their_own_name(place: Arc<Place>) {
    let catalog = place.connect().await;
    let person = |study: u32, name: &str, born: &str| {
        let mut person = instance(study, 1, 1);
        let patient = &mut person.study.patient;
        (patient.patient_id, patient.patient_name) = (Some("SHARED".to_owned()), Some(name.to_owned()));
        patient.patient_birth_date = Some(born.to_owned());
        person
    };
    let batch = [person(1, "Doe^Jane", "1970-01-01"), person(2, "Roe^Richard", "1950-05-05")];
    assert_eq!(catalog.record_instances(&batch, false).await, Ok(vec![Recorded::Accepted; 2]));
    let filter = StudyFilter { patient: Some("shared".to_owned()), ..all() };
    let studies = catalog.studies(&filter).await.unwrap().studies;
    let mut told: Vec<_> = studies
        .iter()
        .map(|study| &study.facts.patient)
        .map(|patient| (patient.patient_name.as_deref(), patient.patient_birth_date.as_deref()))
        .collect();
    told.sort_unstable();
    let expected = [(Some("Doe^Jane"), Some("1970-01-01")), (Some("Roe^Richard"), Some("1950-05-05"))];
    assert_eq!(told, expected);
    let record = catalog.image(image_id(2, 1, 1)).await.unwrap().unwrap();
    assert_eq!(record.metadata.study.patient.patient_name.as_deref(), Some("Roe^Richard"));
}
