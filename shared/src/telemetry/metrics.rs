//! The metrics of a process, in the form of Prometheus, and their names.

use std::{sync::mpsc, time::Duration};

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
pub use metrics_exporter_prometheus::PrometheusHandle;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusRecorder};

use super::TelemetryError;

/// HTTP requests answered; labels of the API.
pub const HTTP_REQUESTS_TOTAL: &str = "noctis_http_requests_total";
/// Looks for a render, by `tier` and `outcome`.
pub const CACHE_LOOKUPS_TOTAL: &str = "noctis_cache_lookups_total";
/// Calls that the cache could not serve, by `operation`.
pub const CACHE_FAULTS_TOTAL: &str = "noctis_cache_faults_total";
/// Renders really made, by `outcome`.
pub const RENDERS_TOTAL: &str = "noctis_renders_total";
/// Seconds of each `stage` of a render.
pub const RENDER_STAGE_SECONDS: &str = "noctis_render_stage_seconds";
/// Jobs that wait, by `lane`.
pub const QUEUE_DEPTH: &str = "noctis_queue_depth";
/// Seconds of work that wait, by `lane`: what autoscaling looks at.
pub const QUEUED_WORK_SECONDS: &str = "noctis_queued_work_seconds";
/// Entries of the dead-letter queue.
pub const DEAD_LETTERS: &str = "noctis_dead_letters";

/// Upper bounds of all `…_seconds` histograms: from a cached thumbnail to a request's patience.
const SECONDS_BUCKETS: [f64; 15] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// How often samples are folded into buckets when nobody scrapes.
const UPKEEP: Duration = Duration::from_secs(5);

/// The recorder of this process; dropping it ends its upkeep.
pub struct Metrics {
    handle: PrometheusHandle,
    _upkeep: mpsc::Sender<()>,
}

impl Metrics {
    /// Makes this the recorder of the process. Once per process.
    ///
    /// # Errors
    /// [`TelemetryError::AlreadySet`] the second time.
    pub fn install() -> Result<Self, TelemetryError> {
        let recorder = recorder();
        let handle = recorder.handle();
        ::metrics::set_global_recorder(recorder)
            .map_err(|error| TelemetryError::AlreadySet(error.to_string()))?;
        describe();
        let (upkeep, ended) = mpsc::channel();
        let metrics = Self { handle: handle.clone(), _upkeep: upkeep };
        std::thread::Builder::new()
            .name("metrics-upkeep".to_owned())
            .spawn(move || keep_up(&handle, &ended))?;
        Ok(metrics)
    }

    /// Renders the metrics.
    #[must_use]
    pub fn handle(&self) -> PrometheusHandle {
        self.handle.clone()
    }
}

/// A recorder with the buckets of this house, for the process or for one test.
#[must_use]
pub fn recorder() -> PrometheusRecorder {
    let seconds = Matcher::Suffix("_seconds".to_owned());
    let builder = PrometheusBuilder::new();
    // Fails for no buckets at all only; then histograms are summaries, which is still right.
    builder.set_buckets_for_metric(seconds, &SECONDS_BUCKETS).unwrap_or_default().build_recorder()
}

/// Samples pile up until somebody scrapes; a process that nobody scrapes must not grow.
fn keep_up(handle: &PrometheusHandle, ended: &mpsc::Receiver<()>) {
    while ended.recv_timeout(UPKEEP) == Err(mpsc::RecvTimeoutError::Timeout) {
        handle.run_upkeep();
    }
}

fn describe() {
    describe_counter!(HTTP_REQUESTS_TOTAL, "HTTP requests answered");
    describe_counter!(CACHE_LOOKUPS_TOTAL, "Looks for a render, by tier and outcome");
    describe_counter!(CACHE_FAULTS_TOTAL, "Calls that the cache could not serve, by operation");
    describe_counter!(RENDERS_TOTAL, "Renders really made, by outcome");
    describe_histogram!(RENDER_STAGE_SECONDS, Unit::Seconds, "Time of each stage of a render");
    describe_gauge!(QUEUE_DEPTH, "Jobs that wait, by lane");
    describe_gauge!(QUEUED_WORK_SECONDS, Unit::Seconds, "Work that waits, by lane");
    describe_gauge!(DEAD_LETTERS, "Entries of the dead-letter queue");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_a_histogram_and_descriptions_are_help_lines() {
        let recorder = recorder();
        ::metrics::with_local_recorder(&recorder, || {
            describe();
            ::metrics::histogram!(RENDER_STAGE_SECONDS, "stage" => "decode").record(0.004);
            ::metrics::counter!(RENDERS_TOTAL, "outcome" => "picture").increment(3);
            ::metrics::gauge!(QUEUE_DEPTH, "lane" => "on-screen").set(2.0);
        });
        let page = recorder.handle().render();
        for line in [
            "# HELP noctis_render_stage_seconds Time of each stage of a render",
            "# TYPE noctis_render_stage_seconds histogram",
            "noctis_render_stage_seconds_bucket{stage=\"decode\",le=\"0.0025\"} 0",
            "noctis_render_stage_seconds_bucket{stage=\"decode\",le=\"0.005\"} 1",
            "noctis_renders_total{outcome=\"picture\"} 3",
            "noctis_queue_depth{lane=\"on-screen\"} 2",
        ] {
            assert!(page.lines().any(|found| found == line), "{line} is not in\n{page}");
        }
    }
}
