//! What the API counts: in the metrics registry for Prometheus, and in plain atomics for `/api/v1/metrics`.

use std::{
    sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use axum::http::{Method, StatusCode};
use metrics::{counter, gauge, histogram};
use noctis_shared::{
    lane::Lane,
    render::{Outcome, StageTimings},
    submit::Tier,
    telemetry::metrics::HTTP_REQUESTS_TOTAL,
};

/// Seconds of a render before any was seen, on the light and on the heavy lane.
const RENDER_SECONDS_ASSUMED: [f64; 2] = [0.03, 0.5];
/// How much the newest render counts in the running mean.
const NEWEST_WEIGHT: f64 = 0.1;

/// Numbers of this process since it started.
#[derive(Default)]
pub(crate) struct Numbers {
    requests: AtomicU64,
    failed: AtomicU64,
    microseconds: AtomicU64,
    active: AtomicI64,
    /// Pictures by where they were, as `Tier::ALL` has them.
    pictures: [AtomicU64; Tier::ALL.len()],
    /// Bits of the mean seconds, light and heavy; 0 before the first render.
    render_seconds: [AtomicU64; 2],
}

/// A request under way; counted down when it ends, however it ends.
pub(crate) struct Active<'a>(&'a Numbers);

impl Drop for Active<'_> {
    fn drop(&mut self) {
        self.0.active.fetch_sub(1, Relaxed);
        gauge!("noctis_http_requests_active").decrement(1.0);
    }
}

/// What one moment's numbers say.
pub(crate) struct Seen {
    pub(crate) requests: u64,
    pub(crate) failed: u64,
    pub(crate) active: i64,
    pub(crate) mean_seconds: f64,
    pub(crate) success_rate: f64,
    pub(crate) hit_rate: f64,
    /// Pictures by where they were.
    pub(crate) tiers: [(Tier, u64); Tier::ALL.len()],
}

impl Numbers {
    pub(crate) fn begin(&self) -> Active<'_> {
        self.active.fetch_add(1, Relaxed);
        gauge!("noctis_http_requests_active").increment(1.0);
        Active(self)
    }

    /// Counts an answered request; `route` is the matched route, never the path.
    pub(crate) fn count_request(&self, method: &Method, route: &str, status: StatusCode, took: Duration) {
        self.requests.fetch_add(1, Relaxed);
        self.failed.fetch_add(u64::from(is_failure(status)), Relaxed);
        self.microseconds.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Relaxed);
        let (method, route) = (method_label(method), route.to_owned());
        histogram!("noctis_http_request_seconds", "method" => method, "route" => route.clone())
            .record(took.as_secs_f64());
        counter!(HTTP_REQUESTS_TOTAL, "method" => method, "route" => route, "status" => status_label(status))
            .increment(1);
    }

    /// Counts where a picture was when it was asked for.
    pub(crate) fn count_picture(&self, tier: Tier) {
        self.pictures[tier as usize].fetch_add(1, Relaxed);
    }

    /// Learns from a fresh render how long its lane takes.
    pub(crate) fn count_render(&self, lane: Lane, outcome: &Outcome) {
        let Outcome::Picture(render) = outcome else { return };
        let StageTimings { queue_ms: _, slot_ms: _, fetch_ms, decode_ms, render_ms, encode_ms } =
            render.facts.timings;
        let seconds = (fetch_ms + decode_ms + render_ms + encode_ms) / 1000.0;
        if seconds.is_finite() && seconds > 0.0 {
            let mean = self.render_seconds(lane).mul_add(1.0 - NEWEST_WEIGHT, seconds * NEWEST_WEIGHT);
            // Two renders at once may lose one of the two: a mean forgives that.
            self.render_seconds[heavy(lane)].store(mean.to_bits(), Relaxed);
        }
    }

    /// Mean seconds that a worker takes for a render of `lane`.
    pub(crate) fn render_seconds(&self, lane: Lane) -> f64 {
        let seconds = f64::from_bits(self.render_seconds[heavy(lane)].load(Relaxed));
        if seconds > 0.0 { seconds } else { RENDER_SECONDS_ASSUMED[heavy(lane)] }
    }

    /// Seconds of one worker's work that so many jobs of `lane` are.
    pub(crate) fn work_seconds(&self, lane: Lane, depth: u64) -> f64 {
        // Depths are far below 2^53.
        depth as f64 * self.render_seconds(lane)
    }

    pub(crate) fn seen(&self) -> Seen {
        let (requests, failed) = (self.requests.load(Relaxed), self.failed.load(Relaxed));
        let microseconds = self.microseconds.load(Relaxed);
        let tiers = Tier::ALL.map(|tier| (tier, self.pictures[tier as usize].load(Relaxed)));
        let pictures: u64 = tiers.iter().map(|(_, count)| count).sum();
        let made = self.pictures[Tier::Render as usize].load(Relaxed).min(pictures);
        Seen {
            requests,
            failed,
            active: self.active.load(Relaxed),
            mean_seconds: ratio(microseconds, requests).unwrap_or(0.0) / 1e6,
            success_rate: 1.0 - ratio(failed, requests).unwrap_or(0.0),
            hit_rate: ratio(pictures - made, pictures).unwrap_or(0.0),
            tiers,
        }
    }
}

/// Whether an answer of this status is a fault of ours. What is not built answers as it should.
pub(crate) fn is_failure(status: StatusCode) -> bool {
    status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED
}

fn heavy(lane: Lane) -> usize {
    usize::from(lane == Lane::OnScreenHeavy)
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    // Counts far below 2^53 are exact.
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Methods as labels and in the log: an invented method must not make a series of its own, nor say anything.
pub(crate) fn method_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

/// Statuses as labels without an allocation for the frequent ones.
fn status_label(status: StatusCode) -> metrics::SharedString {
    match status.as_u16() {
        200 => "200".into(),
        304 => "304".into(),
        404 => "404".into(),
        429 => "429".into(),
        other => other.to_string().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_server_errors_and_rates_are_fractions() {
        let numbers = Numbers::default();
        for status in [200, 404, 503, 501] {
            let status = StatusCode::from_u16(status).expect("a status");
            numbers.count_request(&Method::GET, "/", status, Duration::from_millis(10));
        }
        for tier in [Tier::Memory, Tier::Postgres, Tier::Render, Tier::Render] {
            numbers.count_picture(tier);
        }
        let seen = numbers.seen();
        assert_eq!((seen.requests, seen.failed, seen.active), (4, 1, 0));
        assert!((seen.success_rate - 0.75).abs() < 1e-9 && (seen.hit_rate - 0.5).abs() < 1e-9);
        assert!((seen.mean_seconds - 0.01).abs() < 1e-9);
        assert_eq!(
            seen.tiers.map(|(tier, count)| (tier.name(), count)),
            [("memory", 1), ("redis", 0), ("postgres", 1), ("render", 2)]
        );
    }

    #[test]
    fn an_active_request_is_counted_until_it_is_dropped() {
        let numbers = Numbers::default();
        let active = numbers.begin();
        assert_eq!(numbers.seen().active, 1);
        drop(active);
        assert_eq!(numbers.seen().active, 0);
    }
}
