//! Jobs: prerenders, pictures that are not waited for, events, cancellation, and who sees what of them.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use futures::StreamExt;
use noctis_shared::{
    coordination::{Asked, Begun, Claimant},
    dicom_uid::public_id,
    job::RenderJob,
    lane::Lane,
    queue::{QueueLimits, Work},
    render::FailureKind,
};
use serde_json::{Value, json};
use tower::ServiceExt;
use uuid::Uuid;

use crate::{
    house::{Answer, FRAMES, House, IMAGE, PICTURE, STUDY, Served, failure, picture},
    login,
    waiting::{depth, wait_until},
};

const CINE: &str = "1.2.826.0.1.3680043.10.1.1.9";

fn prerender_path() -> String {
    format!("/api/v1/dicom/studies/{STUDY}/prerender")
}

pub(crate) async fn post(house: &House, path: &str, body: &Value) -> Answer {
    let headers = [("content-type", "application/json")];
    house.send_body("POST", path, &headers, Body::from(body.to_string())).await
}

async fn prerender(house: &House) -> Value {
    let answer = house.send("POST", &prerender_path(), &[]).await;
    assert_eq!(answer.status, 202, "{}", String::from_utf8_lossy(&answer.body));
    let job = answer.json();
    assert_eq!(answer.header("location"), job_path(&job));
    job
}

fn job_path(job: &Value) -> String {
    format!("/api/v1/jobs/{}", job["job_id"].as_str().expect("an id"))
}

/// The job when it has ended.
pub(crate) async fn ended(house: &House, job_id: &str) -> Value {
    let mut job = Value::Null;
    wait_until("the end of the job", async || {
        job = house.get(&format!("/api/v1/jobs/{job_id}")).await.json();
        !["queued", "running"].map(Value::from).contains(&job["state"])
    })
    .await;
    job
}

async fn end_of(house: &House, job: &Value) -> Value {
    ended(house, job["job_id"].as_str().expect("an id")).await
}

/// The next job of a lane, which is then settled as done.
pub(crate) async fn next_job(consumer: &mut noctis_shared::queue::Consumer) -> RenderJob {
    let delivery = tokio::time::timeout(Duration::from_secs(10), consumer.next()).await;
    let delivery = delivery.expect("in time").expect("an open queue");
    let Work::Render(job) = delivery.work.clone() else { panic!("a render job") };
    delivery.ack().await.expect("acked");
    job
}

/// What a worker that takes the job is told.
pub(crate) async fn begin(house: &House, job: &RenderJob) -> Begun {
    let claimant = Claimant { job_id: job.job_id, may_be_promoted: job.purpose.may_be_promoted() };
    let begun = house.back_ends.coordination.begin(&job.render_key, claimant, false, Duration::from_secs(60));
    begun.await.expect("begun")
}

/// Waits until the claim of a job that has not begun is free for others. It is gone then.
pub(crate) async fn taken_back(house: &House, job: &RenderJob) {
    wait_until("it to be taken back", async || {
        let other = Claimant { job_id: Uuid::new_v4(), may_be_promoted: true };
        let asked = house.back_ends.coordination.ask(&job.render_key, other, None, Duration::from_millis(1));
        asked.await.expect("asked") == Asked::Claimed
    })
    .await;
}

#[tokio::test]
async fn a_prerendered_study_is_shown_without_a_render_and_what_is_kept_counts_at_once() {
    let house = House::new().await;
    house.start_worker(picture()).await;
    let job = prerender(&house).await;
    let total = FRAMES + 1;
    assert_eq!(
        (&job["kind"], &job["total"], &job["thumbnails"]),
        (&"prerender".into(), &total.into(), &true.into())
    );
    assert_eq!(
        (&job["presets"], &job["study_id"]),
        (&json!(["default"]), &public_id(STUDY).to_string().into())
    );
    let end = end_of(&house, &job).await;
    assert_eq!(
        (&end["state"], &end["done"], &end["failed"]),
        (&"done".into(), &total.into(), &0.into()),
        "{end}"
    );
    assert!(end["expires_at"].is_string());
    assert_eq!(house.jobs(), total);
    let answer = house.png("?frame=2").await;
    assert_eq!(
        (answer.status, &answer.body[..], answer.header("server-timing")),
        (200, PICTURE, "cache;desc=memory")
    );

    house.back_ends.cache.clear().await.expect("cleared");
    let again = end_of(&house, &prerender(&house).await).await;
    assert_eq!((&again["state"], &again["done"]), (&"done".into(), &total.into()));
    assert_eq!(house.jobs(), total, "the catalog has them all");
}

#[tokio::test]
async fn the_views_that_are_ordered_are_made_and_others_are_named() {
    let house = House::new().await;
    house.start_worker(picture()).await;
    let order = json!({"presets": ["lung", "bone", "lung"], "thumbnails": false});
    let job = post(&house, &prerender_path(), &order).await.json();
    assert_eq!((&job["total"], &job["presets"]), (&(2 * FRAMES).into(), &json!(["lung", "bone"])));
    assert_eq!(end_of(&house, &job).await["done"], 2 * FRAMES);
    for (wrong, parameter) in [
        (json!({"presets": ["nose"]}), "presets"),
        (json!({"presets": [], "thumbnails": false}), "presets"),
        (json!({"presets": vec!["lung"; 17]}), "presets"),
        (json!({"preset": ["lung"]}), "body"),
        (json!(["lung"]), "body"),
    ] {
        let problem = post(&house, &prerender_path(), &wrong).await.problem(400, "invalid-parameter");
        assert_eq!(problem["details"]["parameter"], parameter, "{wrong}");
    }
    let text = house.send_body("POST", &prerender_path(), &[], Body::from("{}")).await;
    text.problem(415, "unsupported-media-type");
    house.send("POST", "/api/v1/dicom/studies/1.2.3/prerender", &[]).await.problem(404, "study-not-found");
    house.send("POST", "/api/v1/dicom/studies/no-id/prerender", &[]).await.problem(404, "study-not-found");
}

#[tokio::test]
async fn pictures_that_cannot_be_made_are_counted_by_their_reason() {
    for (kind, reason) in
        [(FailureKind::Unrenderable, "unrenderable"), (FailureKind::FileMissing, "file_missing")]
    {
        let house = House::new().await;
        house.start_worker(failure(kind)).await;
        let end = end_of(&house, &prerender(&house).await).await;
        assert_eq!((&end["state"], &end["done"]), (&"failed".into(), &0.into()), "{end}");
        assert_eq!(end["failures"], json!([{"reason": reason, "count": FRAMES + 1}]));
    }
}

#[tokio::test]
async fn a_study_is_never_in_the_queue_as_a_whole() {
    let house = House::new().await;
    house.record_cine(CINE, 100).await;
    let total = 100 + FRAMES + 2;
    let job = prerender(&house).await;
    assert_eq!(job["total"], total);
    wait_until("a portion", async || depth(&house, Lane::Background).await == 32).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(depth(&house, Lane::Background).await, 32);
    house.start_worker(picture()).await;
    let end = end_of(&house, &job).await;
    assert_eq!((&end["state"], &end["done"]), (&"done".into(), &total.into()));
    assert_eq!(house.jobs(), total);
}

#[tokio::test]
async fn a_full_lane_is_waited_for() {
    let house = House::with(&[], QueueLimits { lane_jobs_max: 2, ..QueueLimits::default() }).await;
    let job = prerender(&house).await;
    wait_until("a full lane", async || depth(&house, Lane::Background).await == 2).await;
    house.start_worker(picture()).await;
    assert_eq!(end_of(&house, &job).await["done"], FRAMES + 1);
}

#[tokio::test]
async fn a_cancelled_job_stays_so_and_its_work_is_taken_back() {
    let house = House::new().await;
    let job = prerender(&house).await;
    let waiting = u64::from(FRAMES + 1);
    wait_until("its work in the queue", async || depth(&house, Lane::Background).await == waiting).await;
    let mut consumer = house.back_ends.queue.consume(Lane::Background, 1).await.expect("a consumer");
    let first = next_job(&mut consumer).await;
    assert_eq!(begin(&house, &first).await, Begun::Ours { before: 0 });

    let cancelled = house.send("DELETE", &job_path(&job), &[]).await;
    assert_eq!((cancelled.status, &cancelled.json()["state"]), (200, &"cancelled".into()));
    taken_back(&house, &next_job(&mut consumer).await).await;
    for _ in 2..waiting {
        let job = next_job(&mut consumer).await;
        assert_eq!(begin(&house, &job).await, Begun::Theirs, "a worker drops it");
    }
    let again = house.send("DELETE", &job_path(&job), &[]).await;
    assert_eq!((again.status, &again.json()["state"]), (200, &"cancelled".into()), "it has ended");
    consumer.stop().await;
    house.start_worker(picture()).await;
    assert_eq!(house.png("?frame=3").await.status, 200, "whoever asks has it made");
    assert_eq!(house.get(&job_path(&job)).await.json()["state"], "cancelled");
}

#[tokio::test]
async fn a_job_that_another_process_holds_and_gives_up_is_gone_on_with() {
    let house = House::new().await;
    house.start_worker(picture()).await;
    let work = noctis_shared::client_job::ClientWork::Prerender {
        presets: vec!["default".to_owned()],
        thumbnails: true,
    };
    let job_id = Uuid::new_v4();
    let (other, lease) = (Uuid::new_v4(), Duration::from_secs(60));
    assert!(house.back_ends.coordination.hold(job_id, other, lease).await.expect("held"));
    let job =
        noctis_shared::client_job::ClientJob::new(job_id, public_id(STUDY), "unknown", work, FRAMES + 1);
    let again = noctis_shared::catalog::Again::Never;
    house.back_ends.catalog.order_job(&job, again, 10).await.expect("ordered");
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let path = format!("/api/v1/jobs/{job_id}");
    assert_eq!(house.get(&path).await.json()["state"], "queued", "another drives it");
    house.back_ends.coordination.let_go(job_id, other).await.expect("let go");
    assert_eq!(ended(&house, &job_id.to_string()).await["done"], FRAMES + 1);
}

#[tokio::test]
async fn one_who_prefers_not_to_wait_is_told_of_a_job_and_a_picture_that_is_there_is_sent() {
    let house = House::new().await;
    let path = format!("/api/v1/dicom/images/{IMAGE}?frame=2&preset=lung");
    let headers = [("prefer", "respond-async, wait=0"), ("accept", "image/jpeg")];
    let told = house.send("GET", &path, &headers).await;
    assert_eq!(told.status, 202, "{}", String::from_utf8_lossy(&told.body));
    assert_eq!(told.header("preference-applied"), "respond-async, wait=0");
    let job = told.json();
    assert_eq!(told.header("location"), job_path(&job));
    assert_eq!((&job["kind"], &job["total"]), (&"render".into(), &1.into()));
    let again = house.send("GET", &path, &headers).await.json();
    assert_eq!(again["job_id"], job["job_id"], "one picture, one job");

    house.start_worker(picture()).await;
    let end = end_of(&house, &job).await;
    assert_eq!((&end["state"], &end["done"]), (&"done".into(), &1.into()));
    assert_eq!(end["url"], format!("{path}&format=jpeg"));
    let shown = house.get(end["url"].as_str().expect("a path")).await;
    assert_eq!((shown.status, house.jobs()), (200, 1));
    let there = house.send("GET", &path, &headers).await;
    assert_eq!((there.status, &there.body[..]), (200, PICTURE));
    let waited = [("prefer", "respond-async, wait=5"), ("accept", "image/png")];
    assert_eq!(house.send("GET", &path, &waited).await.status, 200, "it was ready in time");
    let small = format!("/api/v1/dicom/images/{IMAGE}/thumbnail?size=64");
    let told = house.send("GET", &small, &[("prefer", "respond-async")]).await;
    assert_eq!((told.status, told.header("preference-applied")), (202, "respond-async"));
    let end = end_of(&house, &told.json()).await;
    assert_eq!((&end["state"], &end["url"]), (&"done".into(), &small.into()));
}

#[tokio::test]
async fn a_picture_that_cannot_be_made_is_a_job_that_failed_and_one_may_order_it_anew() {
    let house = House::new().await;
    house.start_worker(failure(FailureKind::StorageAway)).await;
    let headers = [("prefer", "respond-async"), ("accept", "image/png")];
    let path = format!("/api/v1/dicom/images/{IMAGE}");
    for _ in 0..2 {
        let job = house.send("GET", &path, &headers).await;
        assert_eq!(job.status, 202);
        let end = end_of(&house, &job.json()).await;
        assert_eq!((&end["state"], &end["done"]), (&"failed".into(), &0.into()));
        assert_eq!(end["failures"], json!([{"reason": "storage_away", "count": 1}]));
    }
    assert!(house.jobs() >= 2, "it was tried again");
}

#[tokio::test]
async fn a_job_for_one_picture_is_cancelled_with_its_render() {
    let house = House::new().await;
    let headers = [("prefer", "respond-async"), ("accept", "image/png")];
    let job = house.send("GET", &format!("/api/v1/dicom/images/{IMAGE}"), &headers).await.json();
    wait_until("its work", async || depth(&house, Lane::OnScreen).await == 1).await;
    let state = async || house.get(&job_path(&job)).await.json()["state"].clone();
    wait_until("it to run", async || state().await == "running").await;
    assert_eq!(house.send("DELETE", &job_path(&job), &[]).await.json()["state"], "cancelled");
    let mut consumer = house.back_ends.queue.consume(Lane::OnScreen, 1).await.expect("a consumer");
    let render = next_job(&mut consumer).await;
    assert!(render.purpose.may_be_dropped(noctis_shared::purpose::Interest::None, chrono::Utc::now()));
}

/// Events of a stream: their ids and data.
async fn read_events(mut body: BodyDataStream) -> Vec<(u64, Value)> {
    let mut text = String::new();
    while let Some(piece) = body.next().await {
        text.push_str(std::str::from_utf8(&piece.expect("a piece")).expect("UTF-8"));
    }
    let field = |event: &str, name: &str| {
        let start = format!("{name}: ");
        event.lines().find_map(|line| line.strip_prefix(&start).map(str::to_owned))
    };
    let events = text.split("\n\n").filter(|event| event.contains("data: "));
    events
        .map(|event| {
            assert_eq!(field(event, "event").as_deref(), Some("job"), "{event}");
            let id = field(event, "id").expect("an id").parse().expect("a number");
            (id, serde_json::from_str(&field(event, "data").expect("data")).expect("JSON"))
        })
        .collect()
}

async fn listen(house: &House, path: &str) -> axum::response::Response {
    let request = axum::http::Request::get(path).header("host", "localhost");
    let request = request.body(Body::empty()).expect("a request");
    house.router.clone().oneshot(request).await.expect("infallible")
}

#[tokio::test]
async fn events_tell_of_a_job_up_to_its_end_and_go_on_where_a_client_stopped() {
    let house = House::new().await;
    house.record_cine(CINE, 100).await;
    let job = prerender(&house).await;
    let path = format!("{}/events", job_path(&job));
    let stream = listen(&house, &path).await;
    assert_eq!(stream.status(), 200);
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    house.start_worker(picture()).await;
    let events =
        tokio::time::timeout(Duration::from_secs(20), read_events(stream.into_body().into_data_stream()));
    let events = events.await.expect("it ends with the job");
    assert!(events.len() >= 2, "{events:?}");
    assert!(events.is_sorted_by(|(first, _), (second, _)| first < second), "{events:?}");
    let (last_id, last) = events.last().expect("an event");
    assert_eq!((&last["state"], &last["done"]), (&"done".into(), &job["total"]));
    assert_eq!(last, &house.get(&job_path(&job)).await.json());

    let heard = house.send("GET", &path, &[("last-event-id", &last_id.to_string())]).await;
    assert_eq!((heard.status, heard.body.len()), (204, 0));
    let missed = house.send("GET", &path, &[("last-event-id", "1")]).await;
    assert_eq!(missed.status, 200);
    let text = String::from_utf8(missed.body.to_vec()).expect("UTF-8");
    assert_eq!(text.matches("data: ").count(), 1, "the job as it is now: {text}");
}

#[tokio::test]
async fn a_stream_ends_with_its_server_and_the_job_does_not() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let house = House::new().await;
    let job = prerender(&house).await;
    let Served { address, shutdown, serving } = house.served().await;
    let mut client = tokio::net::TcpStream::connect(address).await.expect("connected");
    let request = format!("GET {}/events HTTP/1.1\r\nHost: localhost\r\n\r\n", job_path(&job));
    client.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = vec![0; 4096];
    let read = client.read(&mut answer).await.expect("the start of an answer");
    assert!(answer[..read].starts_with(b"HTTP/1.1 200"));
    shutdown.cancel();
    let end = async {
        client.read_to_end(&mut answer).await.expect("the end of it");
        serving.await.expect("no panic");
    };
    tokio::time::timeout(Duration::from_secs(5), end).await.expect("long before the time to drain is over");
    house.start_worker(picture()).await;
    let other = house.beside();
    assert_eq!(end_of(&other, &job).await["state"], "done", "another process goes on with it");
}

#[tokio::test]
async fn a_client_listens_to_so_many_jobs_at_a_time() {
    let house = House::new().await;
    let path = format!("{}/events", job_path(&prerender(&house).await));
    let mut streams = Vec::new();
    for _ in 0..16 {
        streams.push(listen(&house, &path).await);
    }
    assert!(streams.iter().all(|stream| stream.status() == 200));
    let refused = house.get(&path).await;
    refused.problem(429, "too-many-streams");
    assert_eq!(refused.header("retry-after"), "2");
    streams.pop();
    assert_eq!(listen(&house, &path).await.status(), 200);
}

#[tokio::test]
async fn a_caller_has_so_many_jobs_under_way() {
    let house = House::with(&[("NOCTIS_RENDER_WAIT", "1s")], QueueLimits::default()).await;
    for _ in 0..200 {
        prerender(&house).await;
    }
    let refused = house.send("POST", &prerender_path(), &[]).await;
    refused.problem(429, "too-many-jobs");
    assert_eq!(refused.header("retry-after"), "5");
    let prefers = [("prefer", "respond-async"), ("accept", "image/png")];
    let image = format!("/api/v1/dicom/images/{IMAGE}?invert=true");
    house.send("GET", &image, &prefers).await.problem(429, "too-many-jobs");
    let late = house.png("?invert=true").await.problem(504, "render-timeout");
    assert_eq!(late["details"]["job_id"], Value::Null, "there is none");
}

#[tokio::test]
async fn jobs_are_listed_in_pages() {
    let house = House::new().await;
    let mut ordered = Vec::new();
    for _ in 0..3 {
        ordered.push(prerender(&house).await["job_id"].clone());
    }
    ordered.reverse();
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = house.get(&format!("/api/v1/jobs?limit=2{cursor}")).await.json();
        assert_eq!(page["total"], 3);
        let jobs = page["jobs"].as_array().expect("jobs");
        seen.extend(jobs.iter().map(|job| job["job_id"].clone()));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ordered);
    let wrong = house.get("/api/v1/jobs?cursor=yesterday").await.problem(400, "invalid-parameter");
    assert_eq!(wrong["details"]["parameter"], "cursor");
    for unknown in ["17", &Uuid::new_v4().to_string()] {
        house.get(&format!("/api/v1/jobs/{unknown}")).await.problem(404, "job-not-found");
    }
}

#[tokio::test]
async fn a_job_of_a_study_that_one_may_not_see_is_not_there() {
    let house = login::house().await;
    let bearer = |studies: &[&str], subject: &str, scope: &str| {
        let token = login::token(|claims| {
            claims.studies = Some(studies.iter().map(|study| (*study).to_owned()).collect());
            claims.subject = subject.to_owned();
            claims.scope = scope.to_owned();
        });
        format!("Bearer {token}")
    };
    let all = "images:read studies:read studies:write";
    let mine = bearer(&[STUDY], "ada", all);
    let others = bearer(&["1.2.3"], "eve", all);
    let send = async |method: &str, path: &str, token: &str| {
        house.send(method, path, &[("authorization", token)]).await
    };
    let job = send("POST", &prerender_path(), &mine).await;
    assert_eq!(job.status, 202);
    let path = job_path(&job.json());
    let told = |answer: Answer| {
        let mut problem = answer.json();
        for member in ["instance", "timestamp", "path"] {
            problem[member] = Value::Null;
        }
        (answer.status, problem)
    };
    let unknown = format!("/api/v1/jobs/{}", Uuid::new_v4());
    for (method, end) in [("GET", ""), ("DELETE", ""), ("GET", "/events")] {
        let hidden = send(method, &format!("{path}{end}"), &others).await;
        hidden.problem(404, "job-not-found");
        let nowhere = send(method, &format!("{unknown}{end}"), &others).await;
        assert_eq!(told(hidden), told(nowhere), "{method} {end}");
    }
    // Nor by a validator.
    let shown = send("GET", &path, &mine).await;
    let conditional = [("authorization", &*others), ("if-none-match", shown.header("etag"))];
    house.send("GET", &path, &conditional).await.problem(404, "job-not-found");
    assert_eq!(send("GET", "/api/v1/jobs", &others).await.json()["jobs"], json!([]));
    assert_eq!(send("GET", "/api/v1/jobs", &mine).await.json()["jobs"].as_array().map(Vec::len), Some(1));
    send("POST", &prerender_path(), &others).await.problem(404, "study-not-found");

    // Who may see the study may hear of the job, and takes back only its own.
    let reader = bearer(&[STUDY], "bob", "images:read studies:read");
    assert_eq!(send("GET", &path, &reader).await.status, 200);
    let refused = send("DELETE", &path, &reader).await.problem(403, "insufficient-scope");
    assert_eq!(refused["details"]["scope"], "studies:write");
    let owner = bearer(&[STUDY], "ada", "studies:read");
    assert_eq!(send("DELETE", &path, &owner).await.json()["state"], "cancelled");
}

#[tokio::test]
async fn a_picture_that_is_awaited_is_listed_for_who_waits_alone() {
    let house = login::house().await;
    let bearer =
        |subject: &str| format!("Bearer {}", login::token(|claims| claims.subject = subject.to_owned()));
    let (ada, bob) = (bearer("ada"), bearer("bob"));
    let image = format!("/api/v1/dicom/images/{IMAGE}");
    let asked = house.send("GET", &image, &[("authorization", &ada), ("prefer", "respond-async")]).await;
    assert_eq!(asked.status, 202);
    let count = async |token: &str| {
        let list = house.send("GET", "/api/v1/jobs", &[("authorization", token)]).await.json();
        list["jobs"].as_array().map(Vec::len)
    };
    assert_eq!((count(&ada).await, count(&bob).await), (Some(1), Some(0)));
}

#[tokio::test]
async fn who_may_not_ask_for_a_job_is_told_of_none() {
    let settings = [
        ("NOCTIS_AUTH", "jwt"),
        ("NOCTIS_JWT_SECRET", "0123456789abcdef0123456789abcdef"),
        ("NOCTIS_JWT_AUDIENCE", "viewers"),
        ("NOCTIS_RENDER_WAIT", "1s"),
    ];
    let house = House::with(&settings, QueueLimits::default()).await;
    let image = format!("/api/v1/dicom/images/{IMAGE}");
    let ask = async |scope: &str| {
        let token = login::token(|claims| claims.scope = scope.to_owned());
        let bearer = format!("Bearer {token}");
        house.send("GET", &image, &[("authorization", &bearer), ("prefer", "respond-async")]).await
    };
    let problem = ask("images:read").await.problem(504, "render-timeout");
    assert_eq!(problem["details"]["job_id"], Value::Null, "{problem}");
    assert_eq!(ask("images:read studies:read").await.status, 202);
}
