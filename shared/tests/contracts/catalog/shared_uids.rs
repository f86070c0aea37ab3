//! One UID in several studies or series, and one study of several patients.

use std::{collections::HashSet, sync::Arc};

use noctis_shared::{
    catalog::{Catalog, Choice, Found, Ids, NewInstance, OrderFacts, Plane, Recorded, Scope, StudyFilter},
    dicom_uid::public_id,
    facts::{PatientFacts, StudyFacts},
    own_id,
    render_key::ContentDigest,
};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};
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
            catalog.delete_study(study_id(study)).await.unwrap();
        }
    }
}

pub(super) async fn own_ids_name_one_alone_whatever_comes_and_goes(place: Arc<Place>) {
    let catalog = place.connect().await;
    let ids = (public_id(SHARED_SERIES), public_id(SHARED_IMAGE));
    catalog.record_instances(&[shared(1), shared(2), shared(3)], false).await.unwrap();
    for gone in [1, 3] {
        catalog.delete_study(study_id(gone)).await.unwrap();
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
        catalog.delete_study(study_id(round)).await.unwrap();
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

/// Runs statements on the database behind the catalog's back.
async fn execute(place: &Place, statements: &[String]) {
    if place.url.starts_with("sqlite:") {
        let mut connection = SqliteConnection::connect(&place.url).await.unwrap();
        for statement in statements {
            connection.execute(AssertSqlSafe(statement.clone())).await.unwrap();
        }
        connection.close().await.unwrap();
    } else {
        let mut connection = PgConnection::connect(&place.url).await.unwrap();
        for statement in statements {
            connection.execute(AssertSqlSafe(statement.clone())).await.unwrap();
        }
        connection.close().await.unwrap();
    }
}

/// A header as the index of every release keeps it.
fn header(study_instance_uid: &str, z: f64) -> String {
    format!(
        r#"{{"0020000D":{{"vr":"UI","Value":["{study_instance_uid}"]}},
        "00200032":{{"vr":"DS","Value":[-100,-100,{z}]}},
        "00200037":{{"vr":"DS","Value":[1,0,0,0,1,0]}}}}"#
    )
}

pub(super) async fn rows_of_an_earlier_release_get_what_they_lack(place: Arc<Place>) {
    let catalog = place.connect().await;
    let mut batch: Vec<NewInstance> = (1..=3).map(|number| instance(1, 1, number)).collect();
    for (instance, z) in batch.iter_mut().zip([30.0, -10.0, 20.0]) {
        instance.header_json = header(&instance.study_instance_uid, z);
        instance.order = OrderFacts::default();
    }
    // Recorded under the first study of its series, as earlier releases did.
    let mut misplaced = instance(1, 1, 4);
    misplaced.header_json = header(&study_uid(2), 0.0);
    batch.push(misplaced);
    catalog.record_instances(&batch, false).await.unwrap();
    put(&catalog, 1, image_id(1, 1, 1), &picture(10)).await;
    catalog.close().await;
    execute(
        &place,
        &["UPDATE series SET own_id = NULL".to_owned(), "UPDATE instances SET own_id = NULL".to_owned()],
    )
    .await;

    let catalog = place.connect().await;
    assert_counts(&catalog, 1, 1, 3).await;
    assert_eq!(catalog.render(&key(1)).await, Ok(Some(picture(10))));
    let images = catalog.images_of_series(public_id(&series_uid(1, 1))).await.unwrap().unwrap();
    let numbers: Vec<_> = images.iter().filter_map(|image| image.instance_number).collect();
    assert_eq!(numbers, [2, 3, 1], "by the geometry in the header");
    let own = own_id::of_image(&study_uid(1), &series_uid(1, 1), &batch[0].sop_instance_uid);
    assert_eq!(catalog.find_image(own).await, Ok(Found::One(image_id(1, 1, 1))));
    // The file that stood elsewhere is taken where it belongs.
    let mut right = batch[3].clone();
    right.study_instance_uid = study_uid(2);
    assert_eq!(catalog.record_instances(&[right], false).await, Ok(vec![Recorded::Accepted]));
    assert_counts(&catalog, 2, 2, 4).await;
    catalog.close().await;
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

/// The tables of the first release, and in them a study of two slices with a render of one.
macro_rules! first_release {
    ($connection:ty, $place:expr, $folder:literal) => {{
        let mut migrator = sqlx::migrate!($folder);
        migrator.migrations.to_mut().truncate(1);
        let mut connection = <$connection>::connect(&$place.url).await.unwrap();
        migrator.run(&mut connection).await.unwrap();
        let (study, series) = (study_id(1), public_id(&series_uid(1, 1)));
        let insert = "INSERT INTO studies (study_id, study_instance_uid, study_date) VALUES ($1, $2, '')";
        sqlx::query(insert).bind(study).bind(study_uid(1)).execute(&mut connection).await.unwrap();
        let insert = "INSERT INTO series (series_id, series_instance_uid, study_id, image_count) VALUES ($1, $2, $3, 2)";
        let insert = sqlx::query(insert).bind(series).bind(series_uid(1, 1)).bind(study);
        insert.execute(&mut connection).await.unwrap();
        for (number, z) in [(1, 20.0), (2, 10.0)] {
            let NewInstance { sop_instance_uid, content_digest, location, .. } = instance(1, 1, number);
            let insert = "INSERT INTO instances (image_id, sop_instance_uid, series_id, instance_number, \
                slice_position, samples_per_pixel, bits_allocated, frame_count, transfer_syntax_uid, content_digest, \
                file_byte_count, header_byte_count, header_checksum, deflated, location, header_json, frame_ranges) \
                VALUES ($1, $2, $3, $4, $5, 1, 16, 1, '1.2', $6, 7, 8, 9, FALSE, $7, $8, $9)";
            let insert = sqlx::query(insert)
                .bind(image_id(1, 1, number))
                .bind(sop_instance_uid)
                .bind(series)
                .bind(i32::try_from(number).unwrap())
                .bind(z)
                .bind(&content_digest.0[..])
                .bind(location)
                .bind(header(&study_uid(1), z))
                .bind(&[5_u8; 24][..]);
            insert.execute(&mut connection).await.unwrap();
        }
        let insert = "INSERT INTO renders (render_key, image_id, made_at, byte_count, is_picture, renderer_version, \
            worker, queue_ms, fetch_ms, decode_ms, render_ms, encode_ms, record) \
            VALUES ($1, $2, 1, 1, FALSE, 1, 'w', 0, 0, 0, 0, 0, $3)";
        let insert = sqlx::query(insert).bind(key(1).to_string()).bind(image_id(1, 1, 1)).bind(&[1_u8][..]);
        insert.execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }};
}

pub(super) async fn tables_of_the_first_release_keep_what_is_in_them(place: Arc<Place>) {
    if place.url.starts_with("sqlite:") {
        let folder =
            std::path::Path::new(place.url.trim_start_matches("sqlite:")).parent().unwrap().to_owned();
        std::fs::create_dir_all(folder).unwrap();
        let create = Place::new(format!("{}?mode=rwc", place.url));
        first_release!(SqliteConnection, create, "./migrations/sqlite");
    } else {
        first_release!(PgConnection, place, "./migrations/postgres");
    }
    let catalogs = futures::future::join_all((0..3).map(|_| place.connect())).await;
    let catalog = &catalogs[0];
    assert_counts(catalog, 1, 1, 2).await;
    let images = catalog.images_of_series(public_id(&series_uid(1, 1))).await.unwrap().unwrap();
    let numbers: Vec<_> = images.iter().filter_map(|image| image.instance_number).collect();
    assert_eq!(numbers, [2, 1], "by geometry");
    assert_eq!(images[1].image_id, image_id(1, 1, 1), "ids stay");
    let own = own_id::of_image(&study_uid(1), &series_uid(1, 1), &images[1].sop_instance_uid);
    assert_eq!(catalog.find_image(own).await, Ok(Found::One(image_id(1, 1, 1))));
    let again = [instance(1, 1, 1), instance(1, 1, 2)];
    assert_eq!(catalog.record_instances(&again, false).await, Ok(vec![Recorded::Duplicate; 2]));
    assert_eq!(catalog.clear_renders(&Scope::Everything).await, Ok(1), "the render stayed");
    // And the foreign keys still hold: a render goes with its instance.
    put(catalog, 2, image_id(1, 1, 2), &picture(10)).await;
    catalog.delete_study(study_id(1)).await.unwrap();
    assert_eq!(catalog.render(&key(2)).await, Ok(None));
    for catalog in catalogs {
        catalog.close().await;
    }
}
