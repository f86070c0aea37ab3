//! What earlier releases left, and what becomes of it.

use std::sync::Arc;

use noctis_shared::{
    bulk::BulkValue,
    catalog::{Found, NewInstance, OrderFacts, Recorded, Scope, SearchLevel, StudyFilter},
    dicom_uid::public_id,
    own_id,
    render_key::ContentDigest,
};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};

use super::{
    place::Place,
    sample::{all, assert_counts, image_id, instance, key, picture, put, series_uid, study_id, study_uid},
    searching::search,
};

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
        r#"{{"00080090":{{"vr":"PN","Value":[{{"Alphabetic":"HOUSE^Gregory"}}]}},
        "0020000D":{{"vr":"UI","Value":["{study_instance_uid}"]}},
        "00200032":{{"vr":"DS","Value":[-100,-100,{z}]}},
        "00200037":{{"vr":"DS","Value":[1,0,0,0,1,0]}},
        "00400244":{{"vr":"DA","Value":["20261123"]}}}}"#
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

/// What the header does not keep is in the file alone: nothing is filled in until that is read again.
pub(super) async fn rows_that_know_of_no_bulk_values_get_them_when_their_files_are_read_again(
    place: Arc<Place>,
) {
    let catalog = place.connect().await;
    let batch = [instance(1, 1, 1), instance(1, 1, 2)];
    catalog.record_instances(&batch, false).await.unwrap();
    execute(&place, &["UPDATE instances SET bulk_values = NULL".to_owned()]).await;
    let key = image_id(1, 1, 1);
    assert_eq!(catalog.bulk_values(key).await, Ok(None));
    let value =
        BulkValue { path: "00420011".to_owned(), offset: 1, byte_count: 2, checksum: 3, swapped_bytes: 1 };
    let header_json = r#"{"00420011":{"vr":"OB","BulkDataURI":"bulkdata/00420011"}}"#.to_owned();
    let again = NewInstance {
        header_json: header_json.clone(),
        bulk_values: vec![value.clone()],
        ..batch[0].clone()
    };
    // Other bytes tell nothing of these.
    let other = NewInstance { content_digest: ContentDigest([77; 32]), ..again.clone() };
    assert_eq!(catalog.record_instances(&[other], false).await, Ok(vec![Recorded::Conflict]));
    assert_eq!(catalog.bulk_values(key).await, Ok(None));
    // Also beside a file that is new.
    let with_new = [again, instance(1, 1, 3)];
    let recorded = catalog.record_instances(&with_new, false).await;
    assert_eq!(recorded, Ok(vec![Recorded::Duplicate, Recorded::Accepted]));
    assert_eq!(catalog.bulk_values(key).await, Ok(Some(vec![value])));
    assert_eq!(catalog.header_json(key).await, Ok(Some(header_json)));
    assert_eq!(catalog.bulk_values(image_id(1, 1, 2)).await, Ok(None), "its file was not read");
    catalog.close().await;
}

/// The tables of the first release, and in them a study of two slices with a render of one.
macro_rules! first_release {
    ($connection:ty, $place:expr, $folder:literal) => {{
        let mut migrator = sqlx::migrate!($folder);
        migrator.migrations.to_mut().truncate(1);
        let mut connection = <$connection>::connect(&$place.url).await.unwrap();
        migrator.run(&mut connection).await.unwrap();
        let (study, series) = (study_id(1), public_id(&series_uid(1, 1)));
        let insert = "INSERT INTO studies (study_id, study_instance_uid, study_date, patient_name, study_description) \
            VALUES ($1, $2, '', 'Müller^Hans', 'Thorax nativ')";
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
    let positions: Vec<_> = images.iter().map(|image| image.facts.image_position).collect();
    assert_eq!(positions, [Some([-100.0, -100.0, 10.0]), Some([-100.0, -100.0, 20.0])]);
    for word in ["muller", "MÜLLER", "nativ"] {
        let filter = StudyFilter { q: Some(word.to_owned()), ..all() };
        assert_eq!(catalog.studies(&filter).await.unwrap().total, 1, "{word}");
    }
    for (tag, text, level) in
        [(0x0008_0090, "house*", SearchLevel::Study), (0x0040_0244, "20261123", SearchLevel::Series)]
    {
        assert_eq!(catalog.search(&search(level, &[(tag, text)])).await.unwrap().hits.len(), 1, "{text}");
    }
    assert_eq!(images[1].image_id, image_id(1, 1, 1), "ids stay");
    let own = own_id::of_image(&study_uid(1), &series_uid(1, 1), &images[1].sop_instance_uid);
    assert_eq!(catalog.find_image(own).await, Ok(Found::One(image_id(1, 1, 1))));
    let again = [instance(1, 1, 1), instance(1, 1, 2)];
    assert_eq!(catalog.record_instances(&again, false).await, Ok(vec![Recorded::Duplicate; 2]));
    assert_eq!(catalog.clear_renders(&Scope::Everything).await, Ok(1), "the render stayed");
    // And the foreign keys still hold: a render goes with its instance.
    put(catalog, 2, image_id(1, 1, 2), &picture(10)).await;
    catalog.delete(&Scope::Study(study_id(1)), &|_, _| false).await.unwrap();
    assert_eq!(catalog.render(&key(2)).await, Ok(None));
    for catalog in catalogs {
        catalog.close().await;
    }
}
