//! The state of the machine: what it tells, to whom, while a back end is away, and as it goes on.

use std::time::Duration;

use chrono::Utc;
use noctis_shared::{
    dicom_uid::public_id,
    event::{Event, STUDY_DELETED, StudyDeleted, StudyEvent},
    lane::Lane,
    presence::{Presence, RecentFailure, Stages, Worker},
    queue::QueueLimits,
    render::{FailureKind, StageTimings},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    house::{House, STUDY, Served, picture},
    login,
    waiting::wait_until,
};

const MACHINE: &str = "/api/v1/machine";
const MINUTE: Duration = Duration::from_secs(60);

/// A worker that says it is there, and could not draw an image of each of these studies.
async fn worker(house: &House, name: &str, lanes: &[Lane], pictures: u64, failed: &[&str]) {
    let timings = StageTimings { decode_ms: pictures as f64, ..StageTimings::default() };
    let worker = Worker {
        name: name.to_owned(),
        version: "0.1.0".to_owned(),
        started_at: Utc::now(),
        lanes: lanes.to_vec(),
        slots: 4,
        busy: 1,
        waiting: 0,
        rendered: pictures,
        failed: failed.len() as u64,
        stages: Stages { pictures, mean: timings, longest: timings },
    };
    let failure = |study: &&str| RecentFailure {
        at: Utc::now(),
        image_id: Uuid::nil(),
        study_id: public_id(study),
        kind: FailureKind::Unrenderable,
        reason: "it has no pixels".to_owned(),
    };
    let presence = Presence { worker, failures: failed.iter().map(failure).collect() };
    house.back_ends.coordination.be_present(Uuid::new_v4(), &presence, MINUTE).await.expect("said");
}

/// Dead-letters an event about a study; its id.
async fn bury(house: &House, study: &str) -> String {
    let event = Event::new(STUDY_DELETED, "/test", Some(study.to_owned()), StudyDeleted::default());
    let id = event.id.clone();
    house.back_ends.queue.publish_event(&StudyEvent::Deleted(event)).await.expect("published");
    let mut consumer = house.back_ends.queue.consume(Lane::Index, 1).await.expect("a consumer");
    consumer.next().await.expect("a delivery").dead_letter("invalid_event").await.expect("buried");
    consumer.stop().await;
    id
}

fn of_lane<'a>(machine: &'a Value, lane: &str) -> &'a Value {
    machine["lanes"].as_array().expect("lanes").iter().find(|it| it["lane"] == lane).expect("the lane")
}

#[tokio::test]
async fn it_tells_of_lanes_workers_tiers_stages_letters_failures_and_jobs() {
    let house = House::with(&[("NOCTIS_RENDER_WAIT", "1s")], QueueLimits::default()).await;
    house.png("?frame=2").await.problem(504, "render-timeout");
    worker(&house, "b:2", &[Lane::OnScreen], 1, &[]).await;
    worker(&house, "a:1", &[Lane::OnScreen, Lane::Background], 3, &[STUDY]).await;
    let letter = bury(&house, STUDY).await;
    let machine = house.get(MACHINE).await;
    assert_eq!((machine.status, machine.header("cache-control")), (200, "no-store"));
    let machine = machine.json();
    assert_eq!(machine["missing"], json!({}));
    assert_eq!(machine["back_ends"], json!({"queue": "up", "cache": "up", "catalog": "up"}));
    let on_screen = of_lane(&machine, "on-screen");
    assert_eq!((&on_screen["depth"], &on_screen["workers"]), (&1.into(), &2.into()));
    assert!(on_screen["queued_work_seconds"].as_f64().is_some_and(|seconds| seconds > 0.0), "{on_screen}");
    let upload = of_lane(&machine, "upload");
    assert_eq!((&upload["workers"], &upload["queued_work_seconds"]), (&0.into(), &Value::Null));
    let names: Vec<_> =
        machine["workers"].as_array().expect("workers").iter().map(|it| &it["name"]).collect();
    assert_eq!(names, ["a:1", "b:2"]);
    let stages = &machine["stages"];
    assert_eq!((&stages["pictures"], &stages["mean"]["decode_ms"]), (&4.into(), &2.5.into()));
    assert_eq!(stages["longest"]["decode_ms"], 3.0);
    let failure = &machine["failures"][0];
    assert_eq!((&failure["kind"], &failure["reason"]), (&"unrenderable".into(), &"it has no pixels".into()));
    let letters = &machine["dead_letters"];
    assert_eq!((&letters["total"], &letters["oldest"][0]["id"]), (&1.into(), &letter.into()));
    assert_eq!(
        (&letters["oldest"][0]["reason"], &letters["oldest"][0]["body"]),
        (&"invalid_event".into(), &Value::Null)
    );
    assert_eq!((&machine["jobs"][0]["kind"], &machine["jobs"][0]["total"]), (&"render".into(), &1.into()));
    assert_eq!(
        (&machine["api"]["requests_failed"], &machine["api"]["active_requests"]),
        (&1.into(), &1.into())
    );
}

#[tokio::test]
async fn it_counts_where_pictures_were() {
    let house = House::new().await;
    house.start_worker(picture()).await;
    for _ in 0..3 {
        house.png("").await;
    }
    let tiers = house.get(MACHINE).await.json()["api"]["tiers"].clone();
    let expected = [("memory", 2), ("redis", 0), ("postgres", 0), ("render", 1)];
    assert_eq!(tiers, json!(expected.map(|(tier, pictures)| json!({"tier": tier, "pictures": pictures}))));
}

/// A back end that is away takes its part with it, and nothing else.
#[tokio::test]
async fn what_could_not_be_looked_at_is_null_and_said_why() {
    let house = House::new().await;
    worker(&house, "a:1", &[Lane::OnScreen], 1, &[]).await;
    house.back_ends.queue.close().await;
    house.back_ends.catalog.close().await;
    let machine = house.get(MACHINE).await.json();
    assert_eq!(machine["back_ends"], json!({"queue": "down", "cache": "up", "catalog": "down"}));
    let missing = json!({
        "lanes": "The queue does not answer.",
        "dead_letters": "The queue does not answer.",
        "jobs": "The catalog does not answer.",
    });
    assert_eq!(machine["missing"], missing);
    for member in ["lanes", "dead_letters", "jobs"] {
        assert_eq!(machine[member], Value::Null, "{member}");
    }
    assert_eq!(machine["workers"][0]["name"], "a:1");
}

#[tokio::test]
async fn a_look_serves_all_who_ask_within_a_moment_and_the_next_sees_what_changed() {
    let house = House::new().await;
    let letters = async || house.get(MACHINE).await.json()["dead_letters"]["total"].clone();
    let first = house.get(MACHINE).await.json();
    let id = bury(&house, STUDY).await;
    let second = house.get(MACHINE).await.json();
    assert_eq!((&second["at"], &second["dead_letters"]["total"]), (&first["at"], &0.into()), "the same look");
    wait_until("the next look", async || letters().await == 1).await;
    house.send("DELETE", &format!("/api/v1/dead-letters/{id}"), &[]).await;
    assert_eq!(letters().await, 0, "what was done here is seen at once");
}

#[tokio::test]
async fn it_is_for_operators_and_tells_them_of_their_studies_alone() {
    let house = login::house().await;
    worker(&house, "a:1", &[Lane::OnScreen], 1, &["1.2.1", "1.2.2"]).await;
    bury(&house, "1.2.1").await;
    bury(&house, "1.2.2").await;
    let told = async |scope: &str, studies: Option<Vec<String>>| {
        let token = login::token(|claims| (claims.scope, claims.studies) = (scope.to_owned(), studies));
        login::get(&house, MACHINE, &token).await
    };
    for path in [MACHINE.to_owned(), format!("{MACHINE}/events")] {
        house.get(&path).await.problem(401, "unauthorized");
        let token = login::token(|claims| claims.scope = "studies:read studies:write images:read".to_owned());
        login::get(&house, &path, &token).await.problem(403, "insufficient-scope");
    }
    let seen = |machine: &Value| {
        let count = |list: &Value| list.as_array().map(Vec::len);
        (
            count(&machine["failures"]),
            count(&machine["dead_letters"]["oldest"]),
            machine["dead_letters"]["total"].clone(),
        )
    };
    assert_eq!(seen(&told("admin", None).await.json()), (Some(2), Some(2), 2.into()));
    let held = told("admin", Some(vec!["1.2.2".to_owned()])).await.json();
    assert_eq!(seen(&held), (Some(1), Some(1), 1.into()));
    assert_eq!(held["failures"][0]["study_id"], public_id("1.2.2").to_string());
}

#[tokio::test]
async fn its_events_go_on_until_the_server_ends() {
    use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

    let house = House::new().await;
    let Served { address, shutdown, serving } = house.served().await;
    let mut client = tokio::net::TcpStream::connect(address).await.expect("connected");
    let request = format!("GET {MACHINE}/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client.write_all(request.as_bytes()).await.expect("sent");
    let mut lines = BufReader::new(client).lines();
    let (mut head, mut told): (String, Vec<Value>) = Default::default();
    while told.len() < 2 {
        let line = tokio::time::timeout(MINUTE, lines.next_line()).await.expect("in time");
        let line = line.expect("readable").expect("it goes on");
        match line.strip_prefix("data: ") {
            Some(data) => told.push(serde_json::from_str(data).expect("JSON")),
            None if told.is_empty() => head = head + &line + "\n",
            None => {}
        }
        if told.len() == 1 && told[0]["workers"] == json!([]) && line.starts_with("data: ") {
            worker(&house, "a:1", &[Lane::OnScreen], 1, &[]).await;
        }
    }
    for expected in
        ["HTTP/1.1 200 OK", "content-type: text/event-stream", "x-accel-buffering: no", "event: machine"]
    {
        assert!(head.lines().any(|line| line == expected), "{expected}: {head}");
    }
    assert_eq!(told[1]["workers"][0]["name"], "a:1");
    shutdown.cancel();
    let end = async {
        lines.into_inner().read_to_end(&mut Vec::new()).await.expect("the end of it");
        serving.await.expect("no panic");
    };
    tokio::time::timeout(MINUTE / 6, end).await.expect("long before the time to drain is over");
}
