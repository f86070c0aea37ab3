//! A back end that is away is said where that is noticed, and not by each request that lacks it.

use std::{
    io,
    sync::{Arc, Mutex},
};

use tracing::{Level, subscriber::DefaultGuard};

use crate::house::House;

/// Warnings and worse of this thread, until the guard goes.
fn warnings() -> (Text, DefaultGuard) {
    let text = Text::default();
    let writer = text.clone();
    let subscriber = tracing_subscriber::fmt().with_max_level(Level::WARN).with_ansi(false);
    let subscriber = subscriber.with_writer(move || writer.clone()).finish();
    (text, tracing::subscriber::set_default(subscriber))
}

#[derive(Clone, Default)]
struct Text(Arc<Mutex<Vec<u8>>>);

impl Text {
    fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().expect("no panic"))).expect("UTF-8")
    }
}

impl io::Write for Text {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn requests_that_lack_a_back_end_say_nothing_each() {
    let (said, _guard) = warnings();
    let house = House::new().await;
    house.back_ends.queue.close().await;
    for frame in 1..=3 {
        house.png(&format!("?frame={frame}")).await.problem(503, "queue-unavailable");
    }
    house.back_ends.catalog.close().await;
    for _ in 0..3 {
        house.get("/api/v1/dicom/studies").await.problem(503, "catalog-unavailable");
    }
    assert_eq!(said.take(), "");
}

#[tokio::test]
async fn a_request_that_failed_for_another_reason_is_said() {
    let (said, _guard) = warnings();
    let house =
        House::with(&[("NOCTIS_RENDER_WAIT", "1s")], noctis_shared::queue::QueueLimits::default()).await;
    house.png("").await.problem(504, "render-timeout");
    let said = said.take();
    assert!(said.contains("a request failed") && said.lines().count() == 1, "{said}");
}
