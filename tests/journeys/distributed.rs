//! Two APIs and two workers on RabbitMQ, Redis and Postgres, with the same code.

use std::{path::Path, process::Command};

use uuid::Uuid;

use super::{
    files::{slice_uid, study_uid, windowed_slice, write_study},
    http::Viewer,
    program::{Program, command, run, wait_until},
    services::{Database, Redis, amqp_url},
};

/// A deployment of its own: namespace, database, Redis, storage.
pub(crate) struct Deployment {
    database: Database,
    redis: Redis,
    storage: tempfile::TempDir,
    pub(crate) namespace: String,
}

impl Deployment {
    pub(crate) fn new() -> Self {
        Self {
            database: Database::create(),
            redis: Redis::start(),
            storage: tempfile::tempdir().unwrap(),
            namespace: format!("journey-{}", &Uuid::new_v4().simple().to_string()[..20]),
        }
    }

    pub(crate) fn command(&self, name: &str) -> Command {
        let mut command = command(name);
        command
            .env("NOCTIS_QUEUE_URL", amqp_url())
            .env("NOCTIS_CACHE_URL", self.redis.url())
            .env("NOCTIS_CATALOG_URL", &self.database.url)
            .env("NOCTIS_STORAGE_URL", format!("file://{}/", self.storage.path().display()))
            .env("NOCTIS_NAMESPACE", &self.namespace)
            .env("NOCTIS_RATE_LIMIT", "off")
            .env("NOCTIS_LISTEN", "127.0.0.1:0")
            .env("NOCTIS_METRICS_LISTEN", "127.0.0.1:0");
        command
    }

    pub(crate) fn start(&self, name: &str, arguments: &[&str]) -> Program {
        Program::start(self.command(name).args(arguments))
    }

    /// The folder of the storage.
    pub(crate) fn storage(&self) -> &Path {
        self.storage.path()
    }

    /// Listens to the events of this `kind` from now on.
    pub(crate) fn hear(&self, kind: &'static str) -> Events {
        let exchange = format!("{}.events", self.namespace);
        let (said, events) = std::sync::mpsc::channel();
        let (ready, is_ready) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let properties = lapin::ConnectionProperties::default();
                let connection = lapin::Connection::connect(&amqp_url(), properties).await.unwrap();
                let channel = connection.create_channel().await.unwrap();
                let exclusive = lapin::options::QueueDeclareOptions { exclusive: true, ..Default::default() };
                let queue = channel.queue_declare("".into(), exclusive, Default::default()).await.unwrap();
                let name = queue.name().clone();
                let bound = channel.queue_bind(
                    name.clone(),
                    exchange.into(),
                    kind.into(),
                    Default::default(),
                    Default::default(),
                );
                bound.await.unwrap();
                ready.send(()).unwrap();
                loop {
                    if let Ok(Some(message)) = channel.basic_get(name.clone(), Default::default()).await {
                        let event = serde_json::from_slice(&message.delivery.data).unwrap();
                        if said.send(event).is_err() {
                            return;
                        }
                    }
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
            });
        });
        is_ready.recv().unwrap();
        Events(events)
    }

    pub(crate) fn ingest(&self, path: &Path) {
        let output = run(self.command("noctis").arg("ingest").arg(path));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Events of one kind, as they come.
pub(crate) struct Events(std::sync::mpsc::Receiver<serde_json::Value>);

impl Events {
    pub(crate) fn next(&self) -> serde_json::Value {
        self.0.recv_timeout(super::program::PATIENCE).expect("an event")
    }
}

impl Drop for Deployment {
    /// Deletes the queues and exchanges of this namespace, which the broker would keep for ever.
    fn drop(&mut self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let url = amqp_url();
            let connection = lapin::Connection::connect(&url, lapin::ConnectionProperties::default());
            let Ok(connection) = connection.await else { return };
            let names = [
                "render.on-screen",
                "render.on-screen-heavy",
                "render.background",
                "index",
                "upload",
                "dead-letters",
            ];
            for name in names {
                let Ok(channel) = connection.create_channel().await else { return };
                let queue = format!("{}.{name}", self.namespace);
                let _not_there =
                    channel.queue_delete(queue.into(), lapin::options::QueueDeleteOptions::default()).await;
            }
            for name in ["jobs", "retry", "dead", "events"] {
                let Ok(channel) = connection.create_channel().await else { return };
                let exchange = format!("{}.{name}", self.namespace);
                let options = lapin::options::ExchangeDeleteOptions::default();
                let _not_there = channel.exchange_delete(exchange.into(), options).await;
            }
        });
    }
}

/// Waits until the study has `count` images for this viewer.
pub(crate) fn wait_for_images(viewer: &Viewer, study: &str, count: u64) {
    wait_until("the study is indexed", || {
        let answer = viewer.get(&format!("/api/v1/dicom/studies/{}", study_uid(study)));
        (answer.status == 200 && answer.json()["image_count"] == count).then_some(())
    });
}

#[test]
fn a_picture_is_rendered_once_for_two_apis_and_outlives_redis() {
    let mut deployment = Deployment::new();
    let files = tempfile::tempdir().unwrap();
    write_study(files.path(), "spread", 4);
    let apis = [deployment.start("noctis-api", &[]), deployment.start("noctis-api", &[])];
    let workers =
        [deployment.start("noctis-worker", &["--workers", "1"]), deployment.start("noctis-worker", &[])];
    let [first, second] = apis.each_ref().map(|api| Viewer::new(&api.url));
    deployment.ingest(files.path());
    wait_for_images(&first, "spread", 4);

    // Rendered through either API, by whichever worker takes it, to the letter.
    for (number, viewer) in [(1, &first), (2, &second), (3, &first), (4, &second)] {
        let answer = viewer.png(&slice_uid("spread", number), "");
        assert_eq!(answer.tier(), "render");
        assert!(answer.picture().samples == windowed_slice(number, -700.0, 600.0));
    }
    // The other API finds it in Redis.
    let image = slice_uid("spread", 1);
    let other = second.png(&image, "");
    assert_eq!(other.tier(), "redis");
    assert!(other.body == first.png(&image, "").body);

    // Equal cold requests through both APIs make one render.
    let renders = || -> f64 {
        let count =
            |worker: &Program| Viewer::new(&worker.url).metric("noctis_renders_total{outcome=\"rendered\"}");
        workers.iter().map(count).sum()
    };
    // A picture is announced before it is counted.
    wait_until("all four are counted", || (renders() == 4.0).then_some(()));
    std::thread::scope(|scope| {
        for index in 0..32 {
            let (viewer, image) = (if index % 2 == 0 { &first } else { &second }, &image);
            scope.spawn(move || assert_eq!(viewer.png(image, "preset=bone").status, 200));
        }
    });
    wait_until("the fifth is counted", || (renders() >= 5.0).then_some(()));
    assert_eq!(renders(), 5.0);

    // A Redis that lost everything loses no picture: Postgres has it.
    deployment.redis.restart();
    let third = deployment.start("noctis-api", &[]);
    let answer = Viewer::new(&third.url).png(&image, "");
    assert_eq!(answer.tier(), "postgres");
    assert!(answer.body == other.body);

    for program in apis.into_iter().chain(workers).chain([third]) {
        assert!(program.terminate().success(), "SIGTERM drains and ends with 0");
    }
}

#[test]
fn a_deleted_study_is_gone_from_every_api() {
    let deployment = Deployment::new();
    let files = tempfile::tempdir().unwrap();
    write_study(files.path(), "deleted", 2);
    let api = deployment.start("noctis-api", &[]);
    let _worker = deployment.start("noctis-worker", &[]);
    let viewer = Viewer::new(&api.url);
    deployment.ingest(files.path());
    wait_for_images(&viewer, "deleted", 2);
    let image = slice_uid("deleted", 1);
    assert_eq!(viewer.png(&image, "").status, 200);

    publish_event(
        &deployment.namespace,
        "study.deleted.v1",
        &serde_json::json!({
            "specversion": "1.0", "id": "delete-1", "source": "/ingest/test", "type": "study.deleted.v1",
            "subject": study_uid("deleted"), "data": {},
        }),
    );
    wait_until("the study is gone", || {
        (viewer.get(&format!("/api/v1/dicom/studies/{}", study_uid("deleted"))).status == 404).then_some(())
    });
    wait_until("its pictures are gone", || (viewer.png(&image, "").status == 404).then_some(()));
}

#[test]
fn an_event_that_points_elsewhere_is_dead_lettered() {
    let deployment = Deployment::new();
    let elsewhere = tempfile::tempdir().unwrap();
    write_study(elsewhere.path(), "elsewhere", 1);
    let _worker = deployment.start("noctis-worker", &[]);
    publish_event(
        &deployment.namespace,
        "study.new.v1",
        &serde_json::json!({
            "specversion": "1.0", "id": "new-1", "source": "/ingest/test", "type": "study.new.v1",
            "data": {"location": format!("file://{}/", elsewhere.path().display())},
        }),
    );
    let list = || run(deployment.command("noctis").args(["dead-letters", "list", "--json"]));
    let letter = wait_until("the event is a dead letter", || {
        let output = list();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines().next().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
    });
    assert_eq!(letter["reason"], "location_not_allowed", "{letter}");
    let dropped = run(deployment.command("noctis").args(["dead-letters", "drop", "--all"]));
    assert_eq!(String::from_utf8_lossy(&dropped.stdout), "1 dropped\n");
    assert!(list().stdout.is_empty());
}

/// Publishes as an ingest pipeline does.
pub(crate) fn publish_event(namespace: &str, kind: &str, event: &serde_json::Value) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let url = amqp_url();
        let connection = lapin::Connection::connect(&url, lapin::ConnectionProperties::default());
        let connection = connection.await.expect("RabbitMQ answers");
        let channel = connection.create_channel().await.unwrap();
        let properties = lapin::BasicProperties::default()
            .with_content_type("application/json".into())
            .with_type(kind.into())
            .with_message_id(event["id"].as_str().unwrap().into())
            .with_delivery_mode(2);
        let options = lapin::options::BasicPublishOptions::default();
        let body = event.to_string();
        let exchange = format!("{namespace}.events");
        let published =
            channel.basic_publish(exchange.into(), kind.into(), options, body.as_bytes(), properties);
        published.await.unwrap().await.unwrap();
        connection.close(200, "done".into()).await.unwrap();
    });
}
