//! Numbers: for Prometheus, and a few for people.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, header},
    response::IntoResponse,
};
use metrics::gauge;
use noctis_shared::{
    lane::Lane,
    telemetry::metrics::{DEAD_LETTERS, QUEUE_DEPTH, QUEUED_WORK_SECONDS},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    api::Api,
    machine::{dead_letter_count, depths},
    problem::Document,
    query::NoParameters,
};

/// Numbers of this process since it started, and of the queue now.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Summary {
    /// Requests answered.
    requests_total: u64,
    /// Those answered with a status of 500 or more, without 501 of routes that are not built.
    requests_failed: u64,
    /// Requests under way.
    active_requests: i64,
    /// Mean, in seconds.
    avg_response_time: f64,
    /// Share that did not fail, 0 to 1.
    success_rate: f64,
    /// Share of pictures that were there when asked for, 0 to 1.
    cache_hit_rate: f64,
    /// Render jobs that wait; `null` when the queue does not answer.
    queue_depth: Option<u64>,
    /// Seconds of one worker's work that these jobs are, estimated from recent renders.
    queued_work_seconds: Option<f64>,
}

/// Every metric, in the text format of Prometheus.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "getPrometheusMetrics",
    tag = "operation",
    responses((status = 200, description = "Metrics", body = String, content_type = "text/plain"))
)]
pub(super) async fn prometheus(State(api): State<Arc<Api>>) -> impl IntoResponse {
    refresh_queue_gauges(&api).await;
    gauge!("noctis_renders_awaited").set(api.submit.flight_count() as f64);
    // Far below 2^53.
    gauge!("noctis_answer_bytes_unread").set(api.outgoing_bytes() as f64);
    let content_type = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    ([(header::CONTENT_TYPE, content_type)], api.prometheus.render())
}

/// A few numbers for people and scripts.
#[utoipa::path(
    get,
    path = "/api/v1/metrics",
    operation_id = "getMetrics",
    tag = "operation",
    responses(
        (status = 200, description = "Numbers", body = Summary),
        (status = 400, description = "It takes no parameter", body = Document, content_type = "application/problem+json"),
    )
)]
pub(super) async fn summary(State(api): State<Arc<Api>>, _: NoParameters) -> Json<Summary> {
    let seen = api.numbers.seen();
    let renders: Option<Vec<(Lane, u64)>> = depths(&api.queue)
        .await
        .map(|depths| depths.into_iter().filter(|(lane, _)| lane.is_of_renders()).collect());
    Json(Summary {
        requests_total: seen.requests,
        requests_failed: seen.failed,
        active_requests: seen.active,
        avg_response_time: seen.mean_seconds,
        success_rate: seen.success_rate,
        cache_hit_rate: seen.hit_rate,
        queue_depth: renders.as_ref().map(|renders| renders.iter().map(|(_, depth)| depth).sum()),
        queued_work_seconds: renders
            .map(|renders| renders.iter().map(|&(lane, depth)| api.numbers.work_seconds(lane, depth)).sum()),
    })
}

/// A gauge that cannot be read says so by being no number, instead of keeping its last value for ever.
async fn refresh_queue_gauges(api: &Api) {
    let depths = depths(&api.queue).await;
    let depth_of =
        |lane: Lane| depths.as_ref()?.iter().find(|(known, _)| *known == lane).map(|(_, depth)| *depth);
    for lane in Lane::ALL {
        let depth = depth_of(lane);
        gauge!(QUEUE_DEPTH, "lane" => lane.name()).set(depth.map_or(f64::NAN, |depth| depth as f64));
        if lane.is_of_renders() {
            let seconds = depth.map_or(f64::NAN, |depth| api.numbers.work_seconds(lane, depth));
            gauge!(QUEUED_WORK_SECONDS, "lane" => lane.name()).set(seconds);
        }
    }
    let dead_letters = dead_letter_count(&api.queue).await;
    gauge!(DEAD_LETTERS).set(dead_letters.map_or(f64::NAN, |count| count as f64));
}
