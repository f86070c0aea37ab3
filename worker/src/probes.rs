//! `/livez`, `/readyz` and `/metrics` of a lone worker.

use axum::{Router, extract::State, http::StatusCode, routing::get};
use noctis_shared::{health::Health, telemetry::PrometheusHandle};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::Worker;

#[derive(Clone)]
struct Probes {
    worker: Worker,
    metrics: PrometheusHandle,
}

/// Serves the probes on `listener` until `shutdown`.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    worker: Worker,
    metrics: PrometheusHandle,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    let router = Router::new()
        .route("/livez", get(async || "alive\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(async |State(probes): State<Probes>| probes.metrics.render()))
        .with_state(Probes { worker, metrics });
    axum::serve(listener, router).with_graceful_shutdown(shutdown.cancelled_owned()).await
}

/// One line for each back end. A worker is ready while it can take jobs and store pictures somewhere that lasts.
async fn ready(State(probes): State<Probes>) -> (StatusCode, String) {
    let worker = &probes.worker;
    let (queue, cache, catalog, storage) = tokio::join!(
        worker.queue.health(),
        worker.cache.health(),
        worker.catalog.health(),
        worker.storage.health()
    );
    let word = |health: Health| if health == Health::Up { "up" } else { "down" };
    let text = format!(
        "queue {}\ncache {}\ncatalog {}\nstorage {}\n",
        word(queue),
        word(cache),
        word(catalog),
        word(storage)
    );
    let needed = [queue, catalog, storage];
    let ready = needed.iter().all(|health| *health == Health::Up);
    (if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, text)
}
