//! Studies, series and images.

use noctis_shared::{catalog::Scope, dicom_uid::public_id, own_id};

use crate::house::{FRAMES, House, IMAGE, SERIES, STUDY};

#[tokio::test]
async fn studies_are_listed_and_filtered() {
    let house = House::new().await;
    let all = house.get("/api/v1/dicom/studies").await.json();
    assert_eq!(
        (&all["studies"][0]["study_instance_uid"], &all["next"]),
        (&STUDY.into(), &serde_json::Value::Null)
    );
    assert_eq!(all["studies"][0]["study_description"], serde_json::Value::Null, "absent values are null");
    let count = async |query: &str| {
        let page = house.get(&format!("/api/v1/dicom/studies?{query}")).await.json();
        page["studies"].as_array().map(Vec::len)
    };
    assert_eq!(count("patient=doe*&modality=CT&from=2026-11-01&to=2026-11-30&q=jane").await, Some(1));
    assert_eq!(count("modality=MR").await, Some(0));
    assert_eq!(count("to=2026-11-22").await, Some(0));
    let wrong = house.get("/api/v1/dicom/studies?cursor=here").await.problem(400, "invalid-parameter");
    assert_eq!(wrong["details"]["parameter"], "cursor");
}

#[tokio::test]
async fn a_study_leads_to_its_series_and_these_to_their_images() {
    let house = House::new().await;
    for study in [STUDY.to_owned(), public_id(STUDY).to_string()] {
        let one = house.get(&format!("/api/v1/dicom/studies/{study}")).await.json();
        assert_eq!((&one["patient_id"], &one["image_count"]), (&"P-1".into(), &2.into()));
        let series = house.get(&format!("/api/v1/dicom/studies/{study}/series")).await.json();
        assert_eq!(series["series"][0]["series_instance_uid"], SERIES);
    }
    let images = house.get(&format!("/api/v1/dicom/series/{SERIES}/images")).await.json();
    assert_eq!(images["images"][0]["sop_instance_uid"], IMAGE);
    assert_eq!(images["images"][0]["frame_count"], FRAMES);
}

#[tokio::test]
async fn unknown_studies_and_series_are_404_problems() {
    let house = House::new().await;
    for study in ["9.9.9", "nobody"] {
        house.get(&format!("/api/v1/dicom/studies/{study}")).await.problem(404, "study-not-found");
        house.get(&format!("/api/v1/dicom/studies/{study}/series")).await.problem(404, "study-not-found");
        house.get(&format!("/api/v1/dicom/series/{study}/images")).await.problem(404, "series-not-found");
    }
}

#[tokio::test]
async fn each_list_comes_in_pages_that_tell_the_total_and_the_next() {
    let house = House::new().await;
    house.record_copy("1.2.826.0.1.3680043.10.2").await;
    let series = own_id::of_series(STUDY, SERIES);
    let lists = [
        ("/api/v1/dicom/studies".to_owned(), "studies", "study_id", 2),
        (format!("/api/v1/dicom/studies/{STUDY}/series"), "series", "series_id", 1),
        (format!("/api/v1/dicom/series/{series}/images"), "images", "image_id", 2),
    ];
    for (path, name, id, total) in lists {
        let ids = |list: &serde_json::Value| -> Vec<String> {
            let entries = list[name].as_array().expect("a list").iter();
            entries.map(|entry| entry[id].as_str().expect("an id").to_owned()).collect()
        };
        let whole = house.get(&path).await.json();
        assert_eq!((&whole["total"], &whole["next"]), (&total.into(), &serde_json::Value::Null), "{path}");
        let (mut paged, mut query) = (Vec::new(), "limit=1".to_owned());
        for page in 1..=total {
            let list = house.get(&format!("{path}?{query}")).await.json();
            assert_eq!(list["total"], total, "{path}?{query}");
            paged.extend(ids(&list));
            match list["next"].as_str() {
                Some(next) => query = format!("limit=1&cursor={next}"),
                None => assert_eq!(page, total, "{path}?{query}"),
            }
        }
        assert_eq!(paged, ids(&whole), "{path}");
    }
}

#[tokio::test]
async fn a_part_of_a_list_that_is_none_is_named() {
    let house = House::new().await;
    let paths = [
        "/api/v1/dicom/studies".to_owned(),
        format!("/api/v1/dicom/studies/{STUDY}/series"),
        format!("/api/v1/dicom/series/{SERIES}/images"),
    ];
    for path in paths {
        for (query, parameter) in [
            ("limit=0", "limit"),
            ("limit=501", "limit"),
            ("limit=all", "limit"),
            ("cursor=here", "cursor"),
            ("sort=colour", "sort"),
        ] {
            let problem = house.get(&format!("{path}?{query}")).await.problem(400, "invalid-parameter");
            assert_eq!(problem["details"]["parameter"], parameter, "{path}?{query}");
        }
    }
}

#[tokio::test]
async fn a_list_is_a_304_to_who_has_it() {
    let house = House::new().await;
    let paths = [
        "/api/v1/dicom/studies".to_owned(),
        format!("/api/v1/dicom/studies/{STUDY}"),
        format!("/api/v1/dicom/studies/{STUDY}/series"),
        format!("/api/v1/dicom/series/{SERIES}/images"),
        "/api/v1/dicom/presets".to_owned(),
    ];
    for path in paths {
        let first = house.get(&path).await;
        let tag = first.header("etag").to_owned();
        assert!(first.status == 200 && tag.starts_with("W/\""), "{path}: {tag}");
        for (sent, status) in [(&*tag, 304), ("*", 304), ("\"another\"", 200)] {
            let answer = house.send("GET", &path, &[("if-none-match", sent)]).await;
            assert_eq!((answer.status, answer.body.is_empty()), (status, status == 304), "{path} {sent}");
            let told = ["etag", "cache-control", "vary"].map(|name| answer.header(name));
            assert_eq!(told, [&*tag, "private, no-cache", "Authorization"], "{path} {sent}");
        }
    }
    let unknown = house.send("GET", "/api/v1/dicom/studies/9.9.9", &[("if-none-match", "*")]).await;
    unknown.problem(404, "study-not-found");
}

#[tokio::test]
async fn a_list_that_changed_has_another_tag() {
    let house = House::new().await;
    let before = house.get("/api/v1/dicom/studies").await.header("etag").to_owned();
    house.record_copy("1.2.826.0.1.3680043.10.2").await;
    let after = house.send("GET", "/api/v1/dicom/studies", &[("if-none-match", &before)]).await;
    assert_eq!(after.status, 200);
    assert_ne!(after.header("etag"), before);
}

#[tokio::test]
async fn an_answer_about_a_study_is_kept_until_the_index_forgets_it() {
    let house = House::new().await;
    let path = format!("/api/v1/dicom/studies/{STUDY}");
    assert_eq!(house.get(&path).await.status, 200);
    house.back_ends.catalog.delete(&Scope::Study(public_id(STUDY)), &|_, _| false).await.expect("deleted");
    assert_eq!(house.get(&path).await.status, 200);
    let names = noctis_shared::metadata_names::all_of_study(public_id(STUDY), &[], &[]);
    house.back_ends.cache.forget_metadata(&names).await.expect("forgotten");
    assert_eq!(house.get(&path).await.status, 404);
}

#[tokio::test]
async fn a_uid_of_two_studies_is_a_409_that_names_both() {
    let house = House::new().await;
    // Known to this process, and in the cache, before the second study comes.
    assert_eq!(house.get(&format!("/api/v1/dicom/series/{SERIES}/images")).await.status, 200);
    let other = "1.2.826.0.1.3680043.10.2";
    house.record_copy(other).await;
    let series = house.get(&format!("/api/v1/dicom/studies/{other}/series")).await.json();
    let own = own_id::of_series(other, SERIES).to_string();
    assert_eq!(series["series"][0]["series_id"], own.as_str());
    let images = house.get(&format!("/api/v1/dicom/series/{own}/images")).await.json();
    assert_eq!(images["images"][0]["image_id"], own_id::of_image(other, SERIES, IMAGE).to_string());
    for path in [
        format!("/api/v1/dicom/images/{IMAGE}"),
        format!("/api/v1/dicom/images/{}/thumbnail", public_id(IMAGE)),
        format!("/api/v1/dicom/images/{}", public_id(IMAGE)),
    ] {
        let problem = house.get(&path).await.problem(409, "ambiguous-id");
        let choices = problem["details"]["choices"].as_array().expect("choices");
        let named: Vec<_> = choices.iter().map(|choice| choice["study_id"].clone()).collect();
        assert!(named.contains(&public_id(other).to_string().into()), "{problem}");
        assert!(named.contains(&public_id(STUDY).to_string().into()), "{problem}");
        assert_eq!(choices.len(), 2);
    }
    house
        .send("POST", &format!("/api/v1/dicom/clear-cache?image_id={IMAGE}"), &[])
        .await
        .problem(409, "ambiguous-id");
    house
        .send("POST", &format!("/api/v1/dicom/clear-cache?series_id={SERIES}"), &[])
        .await
        .problem(409, "ambiguous-id");
    let cleared = house.send("POST", &format!("/api/v1/dicom/clear-cache?series_id={own}"), &[]).await;
    assert_eq!(cleared.status, 200);
}

#[tokio::test]
async fn what_is_forgotten_is_forgotten_under_every_id_it_was_asked_by() {
    let house = House::new().await;
    let own = own_id::of_image(STUDY, SERIES, IMAGE);
    for id in [own, public_id(IMAGE)] {
        // A frame past the end: known image, no render.
        house.get(&format!("/api/v1/dicom/images/{id}?frame=99")).await.problem(404, "frame-not-found");
    }
    house.back_ends.catalog.delete(&Scope::Study(public_id(STUDY)), &|_, _| false).await.expect("deleted");
    let names = [own, public_id(IMAGE)].map(noctis_shared::metadata_names::image);
    house.back_ends.cache.forget_metadata(&names).await.expect("forgotten");
    let forget = noctis_shared::cache::Forget::Images([public_id(IMAGE)].as_slice().into());
    house.back_ends.cache.broadcast_forget(forget).await.expect("told");
    for id in [own, public_id(IMAGE)] {
        let path = format!("/api/v1/dicom/images/{id}?frame=99");
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while house.get(&path).await.json()["type"] != "/api/v1/problems/image-not-found" {
            assert!(std::time::Instant::now() < deadline, "{id} is still known");
            tokio::task::yield_now().await;
        }
    }
}
