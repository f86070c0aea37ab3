//! Links: of `POST /api/v1/share`, and addresses that an application signed. And who is noted to have opened what.

use axum::body::Body;
use chrono::Utc;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use noctis_api::auth::{Claims, TokenKeys};
use noctis_shared::{
    auth::{AuditFilter, Scopes, ShownBy},
    dicom_uid::public_id,
    queue::QueueLimits,
    settings::{Origin, Settings, Texts},
};
use serde_json::{Value, json};

use crate::house::{Answer, House, IMAGE, PICTURE, SERIES, STUDY, picture};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const URL_KEY: &str = "00112233445566778899aabbccddeeff";
const OTHER_STUDY: &str = "1.2.826.0.1.3680043.10.2";

const LOGIN: [(&str, &str); 3] =
    [("NOCTIS_AUTH", "jwt"), ("NOCTIS_JWT_SECRET", SECRET), ("NOCTIS_URL_SIGNING_KEYS", URL_KEY)];

/// With a picture that is rendered already.
async fn house() -> House {
    let house = House::with(&LOGIN, QueueLimits::default()).await;
    house.start_worker(picture()).await;
    let token = token("ada", |_| {});
    let answer = house.send("GET", &image(""), &[("accept", "image/png"), ("authorization", &token)]).await;
    assert_eq!((answer.status, &answer.body[..]), (200, PICTURE));
    house
}

/// `Authorization` of a script that may see, with what `change` makes of its claims.
fn token(subject: &str, change: impl FnOnce(&mut Claims)) -> String {
    let mut texts = Texts::defaults();
    for (name, text) in LOGIN {
        texts.set(name, text, Origin::Flag);
    }
    let settings = Settings::from_texts(&texts).expect("settings").jwt.expect("a login");
    let mut claims = Claims::issued(&settings, subject, Scopes::READ, std::time::Duration::from_secs(60));
    change(&mut claims);
    format!("Bearer {}", TokenKeys::new(&settings).expect("keys").sign(&claims).expect("signed"))
}

fn image(query: &str) -> String {
    format!("/api/v1/dicom/images/{}{query}", public_id(IMAGE))
}

async fn share(house: &House, authorization: &str, body: Value) -> Answer {
    let headers = [("content-type", "application/json"), ("authorization", authorization)];
    house.send_body("POST", "/api/v1/share", &headers, Body::from(body.to_string())).await
}

/// The token of a link to what `body` names.
async fn linked(house: &House, body: Value) -> (String, String) {
    let answer = share(house, &token("ada", |_| {}), body).await;
    assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
    let made = answer.json();
    let (share_id, token) =
        (made["share_id"].as_str().expect("an id"), made["token"].as_str().expect("a token"));
    assert_eq!(answer.header("location"), format!("/api/v1/share/{share_id}"));
    assert!(made["url"].as_str().expect("a page").starts_with(&format!("/?share={token}#")));
    (share_id.to_owned(), token.to_owned())
}

#[tokio::test]
async fn a_link_shows_what_it_is_of_and_nothing_around_it() {
    let house = house().await;
    house.record_copy(OTHER_STUDY).await;
    let study = format!("/api/v1/dicom/studies/{STUDY}");
    let (series, images) = (format!("{study}/series"), format!("/api/v1/dicom/series/{SERIES}/images"));
    let other = format!("/api/v1/dicom/studies/{OTHER_STUDY}");
    let paths = [&study, &series, &images, &image(""), &other];
    let own_series = own(&house, &series, "series_id").await;
    let own_image = own(&house, &format!("/api/v1/dicom/series/{own_series}/images"), "image_id").await;
    let picture = |id: &str| format!("/api/v1/dicom/images/{id}?format=png");
    for (body, seen) in [
        (json!({"study_id": STUDY}), [200, 200, 200, 200, 404]),
        (json!({"series_id": own_series}), [404, 404, 200, 200, 404]),
        (json!({"image_id": own_image, "ttl": 60}), [404, 404, 404, 200, 404]),
    ] {
        let (_, token) = linked(&house, body.clone()).await;
        for (path, status) in paths.iter().zip(seen) {
            assert_eq!(house.get(&format!("{path}?share={token}")).await.status, status, "{body} {path}");
        }
        let list = house.get(&format!("/api/v1/dicom/studies?share={token}")).await.json();
        assert_eq!(list["total"], u32::from(seen[0] == 200), "{body}");
        let shown = house.get(&format!("{}&share={token}", picture(&own_image))).await;
        assert_eq!((shown.status, &shown.body[..]), (200, PICTURE));
        assert!(shown.header("server-timing").contains("memory"), "the same picture as that of a token");
        let tag = shown.header("etag").to_owned();
        let linked = format!("{}&share={token}", picture(&own_image));
        assert_eq!(house.send("GET", &linked, &[("if-none-match", &tag)]).await.status, 304);
        house.get(&format!("/api/v1/audit?share={token}")).await.problem(403, "insufficient-scope");
        share_by_link(&house, &token).await.problem(400, "invalid-parameter");
    }
}

/// The id of the first entry of a list.
async fn own(house: &House, path: &str, name: &str) -> String {
    let answer = house.send("GET", path, &[("authorization", &token("ada", |_| {}))]).await.json();
    let list = if name == "series_id" { "series" } else { "images" };
    answer[list][0][name].as_str().expect("an id").to_owned()
}

async fn share_by_link(house: &House, token: &str) -> Answer {
    let body = Body::from(json!({"study_id": STUDY}).to_string());
    let path = format!("/api/v1/share?share={token}");
    house.send_body("POST", &path, &[("content-type", "application/json")], body).await
}

#[tokio::test]
async fn a_link_that_is_none_shows_nothing() {
    let house = house().await;
    let (share_id, good) = linked(&house, json!({"study_id": STUDY})).await;
    let uuid = base64_simd::URL_SAFE_NO_PAD.encode_to_string(uuid_bytes(&share_id));
    let mut changed = good.clone().into_bytes();
    changed[2] ^= 1;
    let changed = String::from_utf8_lossy(&changed).into_owned();
    for none in ["", "x", &share_id, &uuid, &changed, &format!("{good}A"), &good[1..]] {
        house.get(&image(&format!("?share={none}"))).await.problem(401, "unauthorized");
    }
    house.get(&image(&format!("?share={good}&share={good}"))).await.problem(400, "invalid-parameter");
    let headers = [("authorization", &*token("ada", |_| {}))];
    house.send("GET", &image(&format!("?share={good}")), &headers).await.problem(400, "invalid-parameter");
}

fn uuid_bytes(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b'-').collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).expect("hex"), 16).expect("hex"))
        .collect()
}

#[tokio::test]
async fn a_link_is_told_of_and_revoked_by_who_made_it_and_by_operators_alone() {
    let house = house().await;
    let (share_id, link) = linked(&house, json!({"study_id": STUDY})).await;
    let path = format!("/api/v1/share/{share_id}");
    let ask = async |method: &str, path: &str, authorization: &str| {
        house.send(method, path, &[("authorization", authorization)]).await
    };
    let (ada, eve) = (token("ada", |_| {}), token("eve", |_| {}));
    let elsewhere = token("ada", |claims| claims.studies = Some(vec![OTHER_STUDY.to_owned()]));
    let told = ask("GET", &path, &ada).await.json();
    assert_eq!((&told["study_id"], &told["token"]), (&json!(public_id(STUDY)), &Value::Null));
    let unknown = format!("/api/v1/share/{}", public_id("1.2.404"));
    let of_nobody = ask("GET", &unknown, &ada).await.problem(404, "share-not-found");
    for stranger in [&eve, &elsewhere] {
        for method in ["GET", "DELETE"] {
            let refused = ask(method, &path, stranger).await.problem(404, "share-not-found");
            assert_eq!(refused["detail"], of_nobody["detail"]);
        }
    }
    assert_eq!(house.get(&image(&format!("?share={link}"))).await.status, 200);
    let operator = token("op", |claims| claims.scope = Scopes::ALL.to_string());
    assert_eq!(ask("GET", &path, &operator).await.status, 200);
    assert_eq!(ask("DELETE", &path, &ada).await.status, 204);
    house.get(&image(&format!("?share={link}"))).await.problem(401, "unauthorized");
    ask("DELETE", &path, &ada).await.problem(404, "share-not-found");
    ask("GET", "/api/v1/share/1.2", &ada).await.problem(404, "share-not-found");
}

#[tokio::test]
async fn what_one_may_not_see_one_cannot_share() {
    let house = house().await;
    let held = token("ada", |claims| claims.studies = Some(vec![OTHER_STUDY.to_owned()]));
    for (mine, unknown, slug) in [
        (json!({"study_id": STUDY}), json!({"study_id": "1.2.404"}), "study-not-found"),
        (json!({"series_id": SERIES}), json!({"series_id": "1.2.404"}), "series-not-found"),
        (json!({"image_id": IMAGE}), json!({"image_id": "1.2.404"}), "image-not-found"),
    ] {
        let foreign = share(&house, &held, mine).await.problem(404, slug);
        let missing = share(&house, &token("ada", |_| {}), unknown).await.problem(404, slug);
        assert_eq!(foreign["detail"], missing["detail"]);
    }
    let ada = token("ada", |_| {});
    for wrong in [
        json!({}),
        json!({"study_id": STUDY, "image_id": IMAGE}),
        json!({"study_id": STUDY, "ttl": 59}),
        json!({"study_id": STUDY, "ttl": 90 * 86_400 + 1}),
        json!({"study_id": STUDY, "ttl": "1h"}),
        json!({"study_id": STUDY, "colour": "red"}),
    ] {
        share(&house, &ada, wrong).await.problem(400, "invalid-parameter");
    }
    let lists_only = token("ada", |claims| claims.scope = "studies:read".to_owned());
    share(&house, &lists_only, json!({"study_id": STUDY})).await.problem(403, "insufficient-scope");
    let open = House::new().await;
    share(&open, "", json!({"study_id": STUDY})).await.problem(404, "route-not-found");
}

/// The address with its signature by `key`.
fn signed(path: &str, expires: i64, key: &str) -> String {
    let join = if path.contains('?') { '&' } else { '?' };
    let text = format!("{path}{join}expires={expires}");
    let signature =
        crypto::sign(text.as_bytes(), &EncodingKey::from_secret(key.as_bytes()), Algorithm::HS256);
    format!("{text}&signature={}", signature.expect("signed"))
}

#[tokio::test]
async fn an_address_that_an_application_signed_shows_its_picture_and_no_other() {
    let house = house().await;
    let soon = Utc::now().timestamp() + 60;
    let good = signed(&image("?format=png"), soon, URL_KEY);
    let shown = house.get(&good).await;
    assert_eq!((shown.status, &shown.body[..]), (200, PICTURE));
    assert!(shown.header("server-timing").contains("memory"), "the same picture as that of a token");
    assert_eq!(
        house.get(&signed(&format!("/api/v1/dicom/studies/{STUDY}"), soon, URL_KEY)).await.status,
        200
    );
    for (what, address) in [
        ("another key", signed(&image(""), soon, SECRET)),
        ("another picture", good.replace(&public_id(IMAGE).to_string(), IMAGE)),
        ("another format", good.replace("format=png", "format=jpeg")),
        ("more of it", good.replace("format=png", "format=png&invert=true")),
        ("another time", good.replace(&soon.to_string(), &(soon + 1).to_string())),
        ("expired", signed(&image(""), soon - 120, URL_KEY)),
        ("for years", signed(&image(""), soon + 400 * 86_400, URL_KEY)),
        ("cut", good[..good.len() - 1].to_owned()),
    ] {
        let answer = house.get(&address).await;
        assert_eq!(answer.status, 401, "{what}");
        answer.problem(401, "unauthorized");
    }
    let endless = crypto::sign(
        format!("{}?", image("")).as_bytes(),
        &EncodingKey::from_secret(URL_KEY.as_bytes()),
        Algorithm::HS256,
    );
    let endless = image(&format!("?signature={}", endless.expect("signed")));
    house.get(&endless).await.problem(401, "unauthorized");
    house.send("POST", &signed("/api/v1/share", soon, URL_KEY), &[]).await.problem(400, "invalid-parameter");
    house.get(&signed("/api/v1/metrics", soon, URL_KEY)).await.problem(403, "insufficient-scope");
}

#[tokio::test]
async fn who_opened_what_is_written_and_told_to_operators() {
    let house = house().await;
    let (share_id, link) = linked(&house, json!({"image_id": IMAGE})).await;
    for _ in 0..3 {
        assert_eq!(house.get(&image(&format!("?share={link}"))).await.status, 200);
    }
    assert_eq!(house.get(&signed(&image(""), Utc::now().timestamp() + 60, URL_KEY)).await.status, 200);
    let held = token("eve", |claims| claims.studies = Some(vec![OTHER_STUDY.to_owned()]));
    house.send("GET", &image(""), &[("authorization", &held)]).await.problem(404, "image-not-found");
    house.get(&image("")).await.problem(401, "unauthorized");
    house.api.settle().await;

    let written = house.back_ends.catalog.audit(&AuditFilter::default(), None, 100).await.expect("read");
    let ways: Vec<_> = written.iter().map(|entry| (entry.subject.as_deref(), entry.shown_by)).collect();
    assert!(written.iter().all(|entry| entry.study_id == public_id(STUDY)), "{written:?}");
    assert_eq!(ways.iter().filter(|way| **way == (None, ShownBy::Share)).count(), 1);
    assert_eq!(ways.iter().filter(|way| **way == (None, ShownBy::SignedUrl)).count(), 1);
    assert!(ways.contains(&(Some("ada"), ShownBy::Token)));
    assert!(!ways.iter().any(|(subject, _)| *subject == Some("eve")), "who saw nothing opened nothing");

    let operator = token("op", |claims| claims.scope = "admin".to_owned());
    let export = async |query: &str| {
        house.send("GET", &format!("/api/v1/audit{query}"), &[("authorization", &operator)]).await
    };
    let all = export("").await;
    assert_eq!((all.status, all.header("content-type")), (200, "application/x-ndjson"));
    let lines: Vec<Value> = String::from_utf8_lossy(&all.body)
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lines.len(), written.len());
    let of_link = lines.iter().find(|line| line["shown_by"] == "share").expect("the link");
    assert_eq!((&of_link["token_id"], &of_link["subject"]), (&json!(share_id), &Value::Null));
    let count = async |query: &str| export(query).await.body.iter().filter(|byte| **byte == b'\n').count();
    assert_eq!(count("?study_id=1.2.404").await, 0);
    assert_eq!(count("?subject=ada").await, ways.iter().filter(|way| way.0 == Some("ada")).count());
    assert_eq!(count("?since=2999-01-01T00:00:00Z").await, 0);
    assert_eq!(count("?until=2999-01-01T00:00:00Z").await, written.len());
    export("?since=yesterday").await.problem(400, "invalid-parameter");
    export("?colour=red").await.problem(400, "invalid-parameter");
    // An operator of one study is told of that alone.
    let held = token("op", |claims| {
        claims.scope = "admin".to_owned();
        claims.studies = Some(vec![OTHER_STUDY.to_owned()]);
    });
    let answer = house.send("GET", "/api/v1/audit", &[("authorization", &held)]).await;
    assert_eq!((answer.status, answer.body.len()), (200, 0));
}
