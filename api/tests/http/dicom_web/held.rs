//! What a token that is held to some studies, and a link to a part of one, are told: nothing of the rest.

use noctis_shared::own_id;
use serde_json::json;

use crate::{
    house::{Answer, House},
    login::{LOGIN, token},
};

use super::archive::{HANS, JANE, JOHN, ROOT, house_with, series_uid, told, uid};

async fn get(house: &House, path: &str, token: &str) -> Answer {
    house.send("GET", &format!("{ROOT}{path}"), &[("authorization", &format!("Bearer {token}"))]).await
}

fn held_to(study: &str) -> String {
    token(|claims| claims.studies = Some(vec![study.to_owned()]))
}

#[tokio::test]
async fn a_search_finds_what_is_of_the_studies_of_a_token_at_every_level() {
    let house = house_with(&LOGIN).await;
    let (mine, nothing) = (held_to(HANS), token(|claims| claims.studies = Some(vec![])));
    for (path, tag, count) in [
        ("/studies", "0020000D", 1),
        ("/series", "0020000E", 1),
        ("/instances", "00080018", 1),
        ("/studies?Manufacturer=Maker", "0020000D", 1),
        ("/instances?00080018=&limit=1", "00080018", 1),
        ("/series?Modality=SEG", "0020000E", 0),
        ("/studies?PatientID=P-1", "0020000D", 0),
    ] {
        let answer = get(&house, path, &mine).await;
        let found = told(&answer, tag);
        assert_eq!(found.len(), count, "{path}");
        assert!(found.iter().all(|uid| uid.as_str().is_some_and(|uid| uid.starts_with(HANS))), "{path}");
        assert_eq!(answer.header("warning"), "", "nobody is told how much there is of others: {path}");
        assert_eq!(get(&house, path, &nothing).await.body, "[]", "{path}");
    }
    for path in [
        format!("/studies?StudyInstanceUID={JANE}"),
        format!("/series?SeriesInstanceUID={}", series_uid(JANE, 1)),
        format!("/instances?SOPInstanceUID={}", uid(JANE, 1, 1)),
        format!("/studies/{JANE}/series"),
        format!("/studies/{JANE}/instances"),
        format!("/studies/{JANE}/series/{}/instances", series_uid(JANE, 1)),
    ] {
        let answer = get(&house, &path, &mine).await;
        assert_eq!((answer.status, &answer.body[..]), (200, &b"[]"[..]), "{path}");
    }
}

/// Unknown and not for the caller are one, also to who guesses a validator.
#[tokio::test]
async fn metadata_of_other_studies_are_not_there() {
    let house = house_with(&LOGIN).await;
    let mine = held_to(JOHN);
    let paths = |study: &str| {
        let of_series = format!("/studies/{study}/series/{}", series_uid(study, 1));
        [
            format!("/studies/{study}/metadata"),
            format!("{of_series}/metadata"),
            format!("{of_series}/instances/{}/metadata", uid(study, 1, 1)),
        ]
    };
    for (own, (foreign, unknown)) in paths(JOHN).iter().zip(paths(JANE).iter().zip(paths("1.2.404").iter())) {
        // In the cache, for whoever may see it.
        assert_eq!(get(&house, foreign, &held_to(JANE)).await.status, 200, "{foreign}");
        assert_eq!(get(&house, own, &mine).await.status, 200, "{own}");
        let ask = async |path: &str| {
            let headers = [("authorization", &*format!("Bearer {mine}")), ("if-none-match", "*")];
            house.send("GET", &format!("{ROOT}{path}"), &headers).await
        };
        let (foreign, unknown) = (ask(foreign).await, ask(unknown).await);
        assert_eq!((foreign.status, unknown.status), (404, 404), "{own}");
        for member in ["type", "detail", "details"] {
            assert_eq!(foreign.json()[member], unknown.json()[member], "{own}");
        }
    }
}

#[tokio::test]
async fn searches_and_metadata_take_the_scopes_of_lists_and_pictures() {
    let house = house_with(&LOGIN).await;
    let metadata = format!("/studies/{JANE}/metadata");
    for (path, takes, other) in
        [("/studies", "studies:read", "images:read"), (&*metadata, "images:read", "studies:read")]
    {
        let of = |scope: &str| token(|claims| claims.scope = scope.to_owned());
        assert_eq!(get(&house, path, &of(takes)).await.status, 200, "{path}");
        get(&house, path, &of(other)).await.problem(403, "insufficient-scope");
        house.get(&format!("{ROOT}{path}")).await.problem(401, "unauthorized");
        house.get(&format!("{ROOT}/{path}")).await.problem(401, "unauthorized");
    }
}

#[tokio::test]
async fn a_link_to_a_series_shows_that_series() {
    let house = house_with(&LOGIN).await;
    let series_id = own_id::of_series(JANE, &series_uid(JANE, 2));
    let body = json!({"series_id": series_id, "ttl": 3600}).to_string();
    let all = format!("Bearer {}", token(|_| {}));
    let headers = [("authorization", &*all), ("content-type", "application/json")];
    let made = house.send_body("POST", "/api/v1/share", &headers, body.into()).await.json();
    let shared = made["token"].as_str().expect("a link").to_owned();
    let ask = async |path: &str| {
        let sign = if path.contains('?') { '&' } else { '?' };
        house.get(&format!("{ROOT}{path}{sign}share={shared}")).await
    };
    assert_eq!(ask("/studies").await.body, "[]");
    assert_eq!(told(&ask("/series").await, "0020000E"), [series_uid(JANE, 2)]);
    assert_eq!(told(&ask("/instances?Modality=CT").await, "00080018"), [uid(JANE, 2, 1)]);
    let of_series = |series| format!("/studies/{JANE}/series/{}/metadata", series_uid(JANE, series));
    assert_eq!(ask(&of_series(2)).await.status, 200);
    ask(&of_series(1)).await.problem(404, "series-not-found");
    ask(&format!("/studies/{JANE}/metadata")).await.problem(404, "study-not-found");
}

#[tokio::test]
async fn who_opened_a_study_by_dicom_web_is_in_the_audit() {
    let house = house_with(&LOGIN).await;
    let paths =
        [format!("/studies/{JANE}/series"), format!("/studies/{HANS}/metadata"), "/studies".to_owned()];
    for path in &paths {
        let viewer = token(|claims| claims.subject = "viewer".to_owned());
        assert_eq!(get(&house, path, &viewer).await.status, 200);
    }
    house.api.settle().await;
    let admin = format!("Bearer {}", token(|_| {}));
    let audit = house.send("GET", "/api/v1/audit?subject=viewer", &[("authorization", &admin)]).await;
    let text = String::from_utf8_lossy(&audit.body).into_owned();
    let opened = |study: &str| text.contains(&noctis_shared::dicom_uid::public_id(study).to_string());
    assert_eq!((opened(JANE), opened(HANS), opened(JOHN)), (true, true, false), "{text}");
}
