//! Webhooks: who may have them, and what they may be. That they are told is tested with the worker.

use axum::body::Body;
use serde_json::{Value, json};

use crate::{
    house::{Answer, House},
    login,
};

const WEBHOOKS: &str = "/api/v1/webhooks";

async fn add(house: &House, body: &Value) -> Answer {
    let headers = [("content-type", "application/json")];
    house.send_body("POST", WEBHOOKS, &headers, Body::from(body.to_string())).await
}

#[tokio::test]
async fn a_webhook_shows_its_secret_once_and_is_gone_when_it_is_removed() {
    let house = House::new().await;
    assert_eq!(house.get(WEBHOOKS).await.json(), json!({"webhooks": []}));
    let events = json!(["study.deleted", "study.new", "study.new"]);
    let added = add(&house, &json!({"url": "https://example.org/hook", "events": events})).await;
    assert_eq!((added.status, added.header("cache-control")), (201, "no-store"));
    let added = added.json();
    assert!(added["secret"].as_str().is_some_and(|secret| secret.starts_with("whsec_")));
    assert_eq!(added["events"], json!(["study.new", "study.deleted"]));
    let own = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let second =
        add(&house, &json!({"url": "http://10.0.0.7/", "events": ["study.changed"], "secret": own})).await;
    assert_eq!(second.json()["secret"], own);

    let listed = house.get(WEBHOOKS).await;
    assert!(!String::from_utf8_lossy(&listed.body).contains("whsec_"), "secrets are never shown again");
    let listed = listed.json();
    assert_eq!(listed["webhooks"].as_array().map(Vec::len), Some(2));
    assert_eq!(listed["webhooks"][0]["url"], "https://example.org/hook");
    let path = format!("{WEBHOOKS}/{}", added["webhook_id"].as_str().expect("an id"));
    assert_eq!(house.send("DELETE", &path, &[]).await.status, 204);
    house.send("DELETE", &path, &[]).await.problem(404, "webhook-not-found");
    house.send("DELETE", &format!("{WEBHOOKS}/none"), &[]).await.problem(404, "webhook-not-found");
    assert_eq!(house.get(WEBHOOKS).await.json()["webhooks"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn what_cannot_be_a_webhook_is_refused_by_name() {
    let house = House::new().await;
    let url = "https://example.org/";
    let events = json!(["study.new"]);
    let cases = [
        ("url", json!({"url": "ftp://example.org/", "events": events})),
        ("url", json!({"url": "http://169.254.169.254/latest/meta-data/", "events": events})),
        ("url", json!({"url": "http://[::ffff:169.254.169.254]/", "events": events})),
        ("url", json!({"url": "hook", "events": events})),
        ("events", json!({"url": url, "events": []})),
        ("secret", json!({"url": url, "events": events, "secret": "short"})),
        ("body", json!({"url": url, "events": ["study.opened"]})),
        ("body", json!({"url": url})),
        ("body", json!({"url": url, "events": events, "colour": "red"})),
    ];
    for (parameter, body) in cases {
        let problem = add(&house, &body).await.problem(400, "invalid-parameter");
        assert_eq!(problem["details"]["parameter"], parameter, "{body}");
    }
    house.send_body("POST", WEBHOOKS, &[], Body::from("{}")).await.problem(415, "unsupported-media-type");
    let secret = "whsec_dG9vIHNob3J0";
    let refused = add(&house, &json!({"url": url, "events": events, "secret": secret})).await;
    assert!(!String::from_utf8_lossy(&refused.body).contains(secret), "no secret is repeated");
}

#[tokio::test]
async fn there_are_only_so_many_webhooks() {
    let house = House::new().await;
    let body = json!({"url": "https://example.org/", "events": ["study.new"]});
    for _ in 0..100 {
        assert_eq!(add(&house, &body).await.status, 201);
    }
    add(&house, &body).await.problem(409, "too-many-webhooks");
}

#[tokio::test]
async fn webhooks_are_for_operators_who_see_everything() {
    let house = login::house().await;
    let send = async |method: &str, scope: &str, studies: Option<Vec<String>>| {
        let token = login::token(|claims| {
            claims.scope = scope.to_owned();
            claims.studies = studies;
        });
        house.send(method, WEBHOOKS, &[("authorization", &*format!("Bearer {token}"))]).await
    };
    send("GET", "studies:read studies:write images:read", None).await.problem(403, "insufficient-scope");
    for method in ["GET", "POST"] {
        send(method, "admin", Some(vec!["1.2.3".to_owned()])).await.problem(403, "insufficient-scope");
    }
    assert_eq!(send("GET", "admin", None).await.status, 200);
}
