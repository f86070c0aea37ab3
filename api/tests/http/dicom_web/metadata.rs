//! Metadata of a study, a series and an instance.

use noctis_shared::{
    catalog::{NewInstance, Scope},
    dicom_uid::public_id,
    forget::{Change, Forgetting},
    render_key::ContentDigest,
};
use serde_json::{Value, json};

use crate::house::{Answer, House};

use super::archive::{HANS, JANE, ROOT, found, house, part, series_uid, told, uid};

fn of_series(study: &str, series: u32) -> String {
    format!("{ROOT}/studies/{study}/series/{}/metadata", series_uid(study, series))
}

async fn record(house: &House, parts: &[NewInstance], replace: bool) {
    let catalog = &house.back_ends.catalog;
    let recorded = catalog.record_instances(parts, replace).await.expect("recorded");
    let change = Change::Recorded { instances: parts, recorded: &recorded };
    Forgetting::new(catalog, &house.back_ends.cache).forget(change).await.expect("forgotten");
}

fn uids(answer: &Answer) -> Vec<Value> {
    told(answer, "00080018")
}

#[tokio::test]
async fn each_level_tells_the_headers_of_its_instances() {
    let house = house().await;
    let study = house.get(&format!("{ROOT}/studies/{JANE}/metadata")).await;
    assert_eq!(study.header("content-type"), "application/dicom+json");
    let all = [uid(JANE, 1, 1), uid(JANE, 1, 2), uid(JANE, 1, 10), uid(JANE, 2, 1), uid(JANE, 3, 1)];
    assert_eq!(uids(&study), all, "by number of series and instance");
    assert_eq!(uids(&house.get(&of_series(JANE, 1)).await), all[..3]);
    let path = format!(
        "{ROOT}/studies/{JANE}/series/{}/instances/{}/metadata",
        series_uid(JANE, 2),
        uid(JANE, 2, 1)
    );
    let instance = house.get(&path).await;
    assert_eq!(uids(&instance), all[3..4]);
    let told = &instance.json()[0];
    let pixels =
        format!("http://localhost{}/bulkdata/7FE00010", path.strip_suffix("/metadata").expect("a path"));
    assert_eq!(told["7FE00010"], json!({"vr": "OB", "BulkDataURI": pixels}));
    assert_eq!(told["00083002"]["Value"][0], "1.2.840.10008.1.2.1");
    assert_eq!(told["00400275"]["Value"][0]["00401001"]["Value"][0], "RP-1");
    let without_pixels = &house.get(&of_series(JANE, 3)).await.json()[0];
    assert!(without_pixels.get("7FE00010").is_none(), "{without_pixels}");
}

#[tokio::test]
async fn what_is_not_there_is_a_404_of_its_level() {
    let house = house().await;
    let series = series_uid(JANE, 1);
    for (path, slug) in [
        ("/studies/1.2.404/metadata".to_owned(), "study-not-found"),
        ("/studies/%20/metadata".to_owned(), "study-not-found"),
        (format!("/studies/{JANE}/series/1.2.404/metadata"), "series-not-found"),
        (format!("/studies/{HANS}/series/{series}/metadata"), "series-not-found"),
        (format!("/studies/{JANE}/series/{series}/instances/1.2.404/metadata"), "image-not-found"),
        (
            format!("/studies/{JANE}/series/{series}/instances/{}/metadata", uid(JANE, 2, 1)),
            "image-not-found",
        ),
    ] {
        for headers in [&[][..], &[("if-none-match", "*")]] {
            house.send("GET", &format!("{ROOT}{path}"), headers).await.problem(404, slug);
        }
    }
}

#[tokio::test]
async fn seven_hundred_instances_are_one_answer() {
    let house = house().await;
    let parts: Vec<NewInstance> = (1..=700).map(|number| part("1.2.7", 1, number, |_| {})).collect();
    record(&house, &parts, false).await;
    let expected: Vec<String> = (1..=700).map(|number| uid("1.2.7", 1, number)).collect();
    for path in [of_series("1.2.7", 1), of_series("1.2.7", 1), format!("{ROOT}/studies/1.2.7/metadata")] {
        let answer = house.get(&path).await;
        assert_eq!(uids(&answer), expected, "{path}");
    }
    let listed =
        found(&house, &format!("/studies/1.2.7/series/{}/instances", series_uid("1.2.7", 1)), "00080018")
            .await;
    assert_eq!(listed, expected);
}

/// What is too long to be put together is sent piece by piece.
#[tokio::test]
async fn long_headers_are_told_in_the_same_order() {
    let house = house().await;
    let mut parts: Vec<NewInstance> = (1..=12).map(|number| part("1.2.7", 1, number, |_| {})).collect();
    let comments = format!(",\"00204000\":{{\"vr\":\"LT\",\"Value\":[\"{}\"]}}", "x".repeat(1 << 20));
    for part in &mut parts {
        let at = part.header_json.find(",\"00280010\"").expect("rows");
        part.header_json.insert_str(at, &comments);
    }
    record(&house, &parts, false).await;
    let answer = house.get(&of_series("1.2.7", 1)).await;
    let expected: Vec<String> = (1..=12).map(|number| uid("1.2.7", 1, number)).collect();
    assert_eq!(uids(&answer), expected);
    assert!(answer.body.len() > 12 << 20);
    assert_eq!(answer.header("content-type"), "application/dicom+json");
    let again = house.send("GET", &of_series("1.2.7", 1), &[("if-none-match", answer.header("etag"))]).await;
    assert_eq!(again.status, 304);
}

#[tokio::test]
async fn a_client_that_has_it_is_told_so_until_a_file_changes() {
    let house = house().await;
    let path = of_series(JANE, 1);
    let first = house.get(&path).await;
    let tag = first.header("etag").to_owned();
    assert!(tag.starts_with("W/\""), "{tag}");
    assert_eq!(first.header("vary"), "Accept, Authorization");
    assert_eq!(first.header("cache-control"), "private, no-cache");
    let ask = async |tag: &str| house.send("GET", &path, &[("if-none-match", tag)]).await;
    assert_eq!((ask(&tag).await.status, ask("*").await.status), (304, 304));
    // Addresses are of the name that is asked under.
    let elsewhere = house.send("GET", &path, &[("if-none-match", &tag), ("host", "127.0.0.1")]).await;
    assert_eq!(elsewhere.status, 200);
    let changed = part(JANE, 1, 2, |part| {
        part.content_digest = ContentDigest([9; 32]);
        part.series.modality = Some("PT".to_owned());
    });
    record(&house, &[changed], true).await;
    let now = ask(&tag).await;
    assert_eq!(told(&now, "00080060"), ["CT", "PT", "CT"]);
    assert_ne!(now.header("etag"), tag);
    let kept = house.get(&path).await;
    assert_eq!((kept.header("etag"), &kept.body), (now.header("etag"), &now.body), "from the cache");
}

#[tokio::test]
async fn what_is_deleted_stays_in_no_cache() {
    let house = house().await;
    let path = of_series(HANS, 1);
    assert_eq!(house.get(&path).await.status, 200);
    let name = noctis_shared::metadata_names::headers_of_series(noctis_shared::own_id::of_series(
        HANS,
        &series_uid(HANS, 1),
    ));
    assert!(house.back_ends.cache.metadata(&name).await.is_some());
    let forgetting = Forgetting::new(&house.back_ends.catalog, &house.back_ends.cache);
    forgetting.delete(&Scope::Study(public_id(HANS)), &|_, _| false).await.expect("deleted");
    assert!(house.back_ends.cache.metadata(&name).await.is_none());
    house.get(&path).await.problem(404, "series-not-found");
}

/// One UID in two studies names one thing in each: the path has both.
#[tokio::test]
async fn a_uid_of_two_studies_is_told_in_each() {
    let house = house().await;
    let mut copy = part(HANS, 5, 1, |_| {});
    copy.series_instance_uid = series_uid(JANE, 1);
    copy.sop_instance_uid = uid(JANE, 1, 1);
    copy.header_json = copy.header_json.replace(&uid(HANS, 5, 1), &copy.sop_instance_uid);
    record(&house, &[copy], false).await;
    let series = series_uid(JANE, 1);
    for (study, count) in [(JANE, 3), (HANS, 1)] {
        let answer = house.get(&format!("{ROOT}/studies/{study}/series/{series}/metadata")).await;
        assert_eq!(uids(&answer).len(), count, "{study}");
        let listed = house.get(&format!("{ROOT}/studies/{study}/series/{series}/instances")).await;
        assert_eq!(uids(&listed).len(), count, "{study}");
        let instance =
            format!("{ROOT}/studies/{study}/series/{series}/instances/{}/metadata", uid(JANE, 1, 1));
        assert_eq!(house.get(&instance).await.json()[0]["0020000D"]["Value"][0], study);
    }
    let both = house.get(&format!("{ROOT}/instances?SOPInstanceUID={}", uid(JANE, 1, 1))).await;
    assert_eq!(told(&both, "0020000D"), [JANE, HANS]);
    let both = house.get(&format!("{ROOT}/series?SeriesInstanceUID={series}")).await;
    assert_eq!(told(&both, "0020000D"), [JANE, HANS]);
}

#[tokio::test]
async fn a_header_that_was_too_long_to_be_kept_is_told_by_what_is_known() {
    let house = house().await;
    let mut long = part("1.2.7", 1, 1, |_| {});
    long.header_json = "{}".to_owned();
    record(&house, &[long], false).await;
    let told = &house.get(&of_series("1.2.7", 1)).await.json()[0];
    assert_eq!(told["00080018"]["Value"][0], uid("1.2.7", 1, 1));
    assert_eq!((&told["00280011"]["Value"][0], &told["7FE00010"]["vr"]), (&512.into(), &"OW".into()));
}

#[tokio::test]
async fn a_catalog_that_is_away_is_a_503() {
    let house = house().await;
    house.back_ends.catalog.close().await;
    for path in [of_series(JANE, 1), format!("{ROOT}/studies")] {
        house.get(&path).await.problem(503, "catalog-unavailable");
    }
}
