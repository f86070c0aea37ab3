//! Webhooks against a receiver that is not always ready.

mod sample;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use chrono::Utc;
use noctis_shared::{
    catalog::{Catalog, CatalogLimits, Scope},
    dicom_uid::public_id,
    queue::{Queue, QueueLimits},
    storage::Storage,
    webhook::{Secret, StudyNews, Webhook},
};
use noctis_worker::errands::{Errands, Webhooks};
use tokio::net::TcpListener;
use url::Url;
use uuid::Uuid;

use sample::{STUDY, instance};

/// What came, and what is answered to the first ones.
#[derive(Clone, Default)]
struct Receiver {
    came: Arc<Mutex<Vec<(HeaderMap, String)>>>,
    answers: Arc<Mutex<Vec<StatusCode>>>,
}

impl Receiver {
    /// Listens; its URL.
    async fn start(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/hook?of=noctis", listener.local_addr().expect("an address"));
        let take = async |State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes| {
            let text = String::from_utf8(body.to_vec()).expect("text");
            receiver.came.lock().expect("a lock").push((headers, text));
            let answer = receiver.answers.lock().expect("a lock").pop();
            (answer.unwrap_or(StatusCode::NO_CONTENT), [("location", "http://127.0.0.1:1/")])
        };
        let router = Router::new().route("/hook", post(take)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }

    fn came(&self) -> Vec<(HeaderMap, String)> {
        self.came.lock().expect("a lock").clone()
    }
}

struct House {
    catalog: Catalog,
    errands: Errands,
    webhooks: Webhooks,
    _folder: tempfile::TempDir,
}

impl House {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url = Url::from_directory_path(folder.path()).expect("a URL");
        let catalog = Catalog::connect("sqlite::memory:", CatalogLimits::default()).await.expect("a catalog");
        let errands = Errands {
            catalog: catalog.clone(),
            storage: Storage::new(&url, &[]).expect("a storage"),
            queue: Queue::connect("memory:", "test", QueueLimits::default()).await.expect("a queue"),
        };
        Self { catalog, errands, webhooks: Webhooks::new().expect("a client"), _folder: folder }
    }

    async fn subscribe(&self, url: String, events: &[StudyNews]) -> (Uuid, Secret) {
        let (webhook_id, secret) = (Uuid::new_v4(), Secret::random());
        let webhook = Webhook { webhook_id, url, events: events.to_vec(), created_at: Utc::now() };
        assert!(self.catalog.add_webhook(&webhook, &secret).await.expect("added"));
        (webhook_id, secret)
    }

    async fn delete_a_study(&self) {
        self.catalog.record_instances(&[instance(1, 1, b"DICM")], false).await.expect("recorded");
        let scope = Scope::Study(public_id(STUDY));
        self.catalog.delete(&scope, &|_, _| false).await.expect("deleted");
        self.errands.all().await.expect("told");
    }

    async fn send(&self) {
        self.webhooks.send(&self.catalog).await.expect("sent");
    }
}

#[tokio::test]
async fn a_receiver_that_fails_twice_gets_the_same_message_signed_until_it_takes_it() {
    let (house, receiver) = (House::new().await, Receiver::default());
    // The last one first. A redirection is a failure: it is not followed.
    *receiver.answers.lock().expect("a lock") =
        vec![StatusCode::TEMPORARY_REDIRECT, StatusCode::INTERNAL_SERVER_ERROR];
    let (_, secret) = house.subscribe(receiver.start().await, &[StudyNews::Deleted]).await;
    house.delete_a_study().await;
    for _ in 0..100 {
        house.send().await;
        if receiver.came().len() == 3 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    house.send().await;
    let came = receiver.came();
    assert_eq!(came.len(), 3, "taken once it was taken");
    for (headers, body) in &came {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let event: serde_json::Value = serde_json::from_str(body).expect("a CloudEvent");
        assert_eq!((&event["type"], &event["subject"]), (&"study.deleted.v1".into(), &STUDY.into()));
        assert_eq!(header("content-type"), "application/cloudevents+json");
        assert_eq!(header("webhook-id"), event["id"]);
        assert_eq!(header("webhook-id"), came[0].0["webhook-id"], "the same message");
        let timestamp: i64 = header("webhook-timestamp").parse().expect("seconds");
        assert!((Utc::now().timestamp() - timestamp).abs() < 60);
        assert_eq!(header("webhook-signature"), secret.sign(header("webhook-id"), timestamp, body));
    }
}

#[tokio::test]
async fn each_webhook_is_told_what_it_wants_and_nothing_after_it_was_removed() {
    let house = House::new().await;
    let receivers = [Receiver::default(), Receiver::default(), Receiver::default()];
    house.subscribe(receivers[0].start().await, &[StudyNews::Deleted, StudyNews::New]).await;
    house.subscribe(receivers[1].start().await, &[StudyNews::New, StudyNews::Changed]).await;
    let (removed, _) = house.subscribe(receivers[2].start().await, &StudyNews::ALL).await;
    house.delete_a_study().await;
    assert!(house.catalog.remove_webhook(removed).await.expect("removed"));
    house.send().await;
    assert_eq!(receivers.each_ref().map(|receiver| receiver.came().len()), [1, 0, 0]);
}

#[tokio::test]
async fn no_message_goes_where_no_receiver_may_be() {
    let house = House::new().await;
    // It got into the catalog by another way than the API.
    house.subscribe("http://169.254.169.254/latest/".to_owned(), &[StudyNews::Deleted]).await;
    house.delete_a_study().await;
    let started = std::time::Instant::now();
    house.send().await;
    assert!(started.elapsed() < Duration::from_secs(5), "nobody was asked");
    let waiting = house.catalog.take_webhook_messages(10, Duration::ZERO).await.expect("messages");
    assert!(waiting.is_empty(), "it is tried later: {waiting:?}");
}
