//! Probes: whether this process lives, and whether it can serve.

use std::{fmt::Write, sync::Arc};

use axum::{
    Extension, Json,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use noctis_shared::health::Health;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{api::Api, edge::Complete, machine::BackEndsHealth, problem::Document, query::NoParameters};

/// Whether requests can be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    /// All of them.
    Ok,
    /// Some of them: a back end is away.
    Degraded,
    /// None, or the process is about to end.
    Unavailable,
}

/// How the API is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HealthReport {
    /// Whether requests can be served.
    status: Status,
    /// The version that runs.
    version: &'static str,
    /// How each back end is.
    back_ends: BackEndsHealth,
}

impl BackEndsHealth {
    /// Cached pictures go on without the queue; known images without the catalog, as long as a cache has them;
    /// renders go on without the cache. Only without both of cache and catalog nothing is left to serve from.
    fn status(self) -> Status {
        match self {
            Self { cache: Health::Down, catalog: Health::Down, .. } => Status::Unavailable,
            Self { queue: Health::Up, cache: Health::Up, catalog: Health::Up } => Status::Ok,
            _ => Status::Degraded,
        }
    }

    fn lines(self, status: Status) -> String {
        let mut lines = format!("{}\n", word(&status));
        for (name, health) in [("queue", self.queue), ("cache", self.cache), ("catalog", self.catalog)] {
            // Writing to a string cannot fail.
            let _ = writeln!(lines, "{name}: {}", word(&health));
        }
        lines
    }
}

fn word(value: &impl std::fmt::Debug) -> String {
    format!("{value:?}").to_lowercase()
}

async fn report(api: &Api) -> HealthReport {
    let back_ends = BackEndsHealth::of(api).await;
    let status = if api.drains.is_cancelled() { Status::Unavailable } else { back_ends.status() };
    HealthReport { status, version: env!("CARGO_PKG_VERSION"), back_ends }
}

fn status_code(status: Status) -> StatusCode {
    match status {
        Status::Ok | Status::Degraded => StatusCode::OK,
        Status::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    }
}

const NO_STORE: [(header::HeaderName, HeaderValue); 1] =
    [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];

// The three routes outside `/api/v1` (these two and `/metrics`) take whatever parameters probes and scrapers add.

/// Says that the process lives. Asks no back end: a restart would heal none.
#[utoipa::path(
    get,
    path = "/livez",
    operation_id = "isAlive",
    tag = "operation",
    responses((status = 200, description = "It lives", body = String, content_type = "text/plain"))
)]
pub(super) async fn live() -> impl IntoResponse {
    (NO_STORE, "ok\n")
}

/// Says whether requests can be served: the status, then one line for each back end.
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "isReady",
    tag = "operation",
    responses(
        (status = 200, description = "`ok` or `degraded`, and the back ends", body = String, content_type = "text/plain"),
        (status = 503, description = "`unavailable`, and the back ends", body = String, content_type = "text/plain"),
    )
)]
pub(super) async fn ready(State(api): State<Arc<Api>>) -> Response {
    let report = report(&api).await;
    let lines = report.back_ends.lines(report.status);
    (status_code(report.status), Extension(Complete), NO_STORE, lines).into_response()
}

/// Says the same as `/readyz`, in JSON.
#[utoipa::path(
    get,
    path = "/api/v1/health",
    operation_id = "getHealth",
    tag = "operation",
    responses(
        (status = 200, description = "`ok` or `degraded`", body = HealthReport),
        (status = 400, description = "It takes no parameter", body = Document, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = HealthReport),
    )
)]
pub(super) async fn health(State(api): State<Arc<Api>>, _: NoParameters) -> Response {
    let report = report(&api).await;
    (status_code(report.status), Extension(Complete), NO_STORE, Json(report)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use Health::{Down, Up};

    #[test]
    fn the_api_serves_until_both_cache_and_catalog_are_away() {
        let cases = [
            ((Up, Up, Up), Status::Ok),
            ((Down, Up, Up), Status::Degraded),
            ((Up, Down, Up), Status::Degraded),
            ((Up, Up, Down), Status::Degraded),
            ((Down, Down, Up), Status::Degraded),
            ((Up, Down, Down), Status::Unavailable),
        ];
        for ((queue, cache, catalog), expected) in cases {
            let back_ends = BackEndsHealth { queue, cache, catalog };
            assert_eq!(back_ends.status(), expected, "{back_ends:?}");
        }
    }

    #[test]
    fn a_probe_has_one_line_for_each_back_end() {
        let back_ends = BackEndsHealth { queue: Down, cache: Up, catalog: Up };
        assert_eq!(back_ends.lines(Status::Degraded), "degraded\nqueue: down\ncache: up\ncatalog: up\n");
    }
}
