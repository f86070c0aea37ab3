//! Dead letters over HTTP.

use noctis_shared::{
    dicom_uid::public_id,
    event::{Event, STUDY_DELETED, StudyDeleted, StudyEvent},
    lane::Lane,
};

use crate::{house::House, login};

const LETTERS: &str = "/api/v1/dead-letters";
const STUDIES: [&str; 3] = ["1.2.1", "1.2.2", "1.2.3"];

/// Dead-letters an event about each of three studies; their ids.
async fn bury(house: &House) -> Vec<String> {
    let mut ids = Vec::new();
    for study in STUDIES {
        let event = Event::new(STUDY_DELETED, "/test", Some(study.to_owned()), StudyDeleted::default());
        ids.push(event.id.clone());
        house.back_ends.queue.publish_event(&StudyEvent::Deleted(event)).await.expect("published");
    }
    let mut consumer = house.back_ends.queue.consume(Lane::Index, 1).await.expect("a consumer");
    for (number, _) in STUDIES.iter().enumerate() {
        let delivery = consumer.next().await.expect("a delivery");
        let reason = if number == 0 { "invalid_event" } else { "location_unreadable" };
        delivery.dead_letter(reason).await.expect("buried");
    }
    consumer.stop().await;
    ids
}

async fn total(house: &House, query: &str) -> u64 {
    house.get(&format!("{LETTERS}{query}")).await.json()["total"].as_u64().expect("a total")
}

#[tokio::test]
async fn dead_letters_are_listed_by_choice_and_shown_whole() {
    let house = House::new().await;
    assert_eq!(house.get(LETTERS).await.json(), serde_json::json!({"dead_letters": [], "total": 0}));
    let ids = bury(&house).await;
    let all = house.get(LETTERS).await.json();
    assert_eq!((&all["total"], &all["dead_letters"][0]["id"]), (&3.into(), &ids[0].as_str().into()));
    assert_eq!(all["dead_letters"][0]["lane"], "index");
    assert!(all["dead_letters"][0]["body"].is_null());
    let first = house.get(&format!("{LETTERS}?limit=1")).await.json();
    assert_eq!((first["dead_letters"].as_array().map(Vec::len), &first["total"]), (Some(1), &3.into()));
    assert_eq!(total(&house, "?reason=location_unreadable").await, 2);
    assert_eq!(total(&house, "?study=1.2.2").await, 1);
    assert_eq!(total(&house, &format!("?study={}&reason=invalid_event", public_id("1.2.2"))).await, 0);
    assert_eq!(total(&house, "?older_than=1h").await, 0);
    let one = house.get(&format!("{LETTERS}/{}", ids[1])).await.json();
    assert_eq!((&one["reason"], &one["body"]["subject"]), (&"location_unreadable".into(), &"1.2.2".into()));
    house.get(&format!("{LETTERS}/none")).await.problem(404, "dead-letter-not-found");
    for wrong in ["?limit=0", "?limit=1001", "?older_than=soon", "?study=", "?id=1", "?all=true"] {
        house.get(&format!("{LETTERS}{wrong}")).await.problem(400, "invalid-parameter");
    }
}

#[tokio::test]
async fn dead_letters_are_sent_back_and_dropped_by_id_and_by_choice() {
    let house = House::new().await;
    let ids = bury(&house).await;
    let send = async |method: &str, path: &str| house.send(method, &format!("{LETTERS}{path}"), &[]).await;
    let waiting = async || {
        let depths = house.back_ends.queue.depths().await.expect("depths");
        depths.into_iter().find(|(lane, _)| *lane == Lane::Index).map_or(0, |(_, depth)| depth)
    };
    for (method, path) in [("POST", "/redrive"), ("DELETE", ""), ("POST", "/redrive?all=false")] {
        send(method, path).await.problem(400, "invalid-parameter");
    }
    let one = send("POST", &format!("/{}/redrive", ids[0])).await;
    assert_eq!((one.json(), waiting().await), (serde_json::json!({"redriven": 1}), 1));
    send("POST", &format!("/{}/redrive", ids[0])).await.problem(404, "dead-letter-not-found");
    let dropped = send("DELETE", &format!("/{}", ids[1])).await;
    assert_eq!(dropped.json(), serde_json::json!({"dropped": 1}));
    send("DELETE", &format!("/{}", ids[1])).await.problem(404, "dead-letter-not-found");
    let chosen = send("POST", "/redrive?reason=location_unreadable").await;
    assert_eq!((chosen.json(), waiting().await), (serde_json::json!({"redriven": 1}), 2));
    assert_eq!(send("DELETE", "?all=true").await.json(), serde_json::json!({"dropped": 0}));
    house.back_ends.queue.close().await;
}

#[tokio::test]
async fn a_held_operator_sees_the_letters_of_its_studies_alone() {
    let house = login::house().await;
    let ids = bury(&house).await;
    let send = async |method: &str, path: &str, scope: &str| {
        let token = login::token(|claims| {
            claims.studies = Some(vec!["1.2.2".to_owned()]);
            claims.scope = scope.to_owned();
        });
        let headers = [("authorization", &*format!("Bearer {token}"))];
        house.send(method, &format!("{LETTERS}{path}"), &headers).await
    };
    send("GET", "", "studies:read studies:write images:read").await.problem(403, "insufficient-scope");
    assert_eq!(send("GET", "", "admin").await.json()["total"], 1);
    for (method, path) in [
        ("GET", format!("/{}", ids[0])),
        ("POST", format!("/{}/redrive", ids[0])),
        ("DELETE", format!("/{}", ids[0])),
    ] {
        send(method, &path, "admin").await.problem(404, "dead-letter-not-found");
    }
    assert_eq!(send("DELETE", "?all=true", "admin").await.json(), serde_json::json!({"dropped": 1}));
    assert_eq!(house.back_ends.queue.dead_letter_count().await.expect("a count"), 2);
}
