//! What operators see of a running program: log lines, metrics, traces. One `init` at the start of each program.
//!
//! Start with [`init`]. [`TraceContext`](crate::trace_context::TraceContext) carries a trace across HTTP and
//! the queue; [`metrics`] names the metrics.

pub mod log;
pub mod metrics;
pub mod trace;

use std::sync::atomic::{AtomicBool, Ordering};

use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::{Layer, layer::SubscriberExt, util::SubscriberInitExt};

pub use self::metrics::{Metrics, PrometheusHandle};

/// What to log and where traces go.
#[derive(Debug, Clone)]
pub struct TelemetrySettings {
    /// Filter in the form of `tracing-subscriber`'s `EnvFilter`, such as `info,noctis_api=debug`.
    pub log_filter: String,
    /// Whether log lines are JSON; text otherwise.
    pub log_json: bool,
    /// URL of an OpenTelemetry collector that takes OTLP over HTTP, with or without `/v1/traces`. `None`: no export.
    pub otlp_endpoint: Option<String>,
    /// `service.name` of the traces.
    pub service_name: &'static str,
}

/// Why telemetry did not start.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The log filter is not one.
    #[error("NOCTIS_LOG: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// The collector's URL is not one.
    #[error("NOCTIS_OTLP_ENDPOINT: {0}")]
    Endpoint(#[from] opentelemetry_otlp::ExporterBuildError),
    /// Something in this process has set up telemetry before.
    #[error("telemetry is set up already: {0}")]
    AlreadySet(String),
    /// The system gave no thread.
    #[error("no thread for telemetry: {0}")]
    Thread(#[from] std::io::Error),
}

/// Keeps telemetry going; dropping it sends what traces are left and blocks for that at most a few seconds.
#[must_use = "dropping it ends the export of traces"]
pub struct Telemetry {
    /// Renders all metrics of this process for `GET /metrics`.
    pub metrics: PrometheusHandle,
    _metrics: Metrics,
    tracer_provider: Option<SdkTracerProvider>,
}

/// Whether the log lines on standard error are JSON.
static LOGS_ARE_JSON: AtomicBool = AtomicBool::new(false);

/// Whether log lines are set up, and are JSON: then whoever reads standard error takes nothing else.
#[must_use]
pub fn logs_are_json() -> bool {
    LOGS_ARE_JSON.load(Ordering::Relaxed)
}

/// Sets up logs on standard error, metrics, and traces for the whole process.
///
/// # Errors
/// [`TelemetryError`] for a setting that is wrong, and when called twice in a process.
pub fn init(settings: &TelemetrySettings) -> Result<Telemetry, TelemetryError> {
    let logs = log::layer(&settings.log_filter, settings.log_json, std::io::stderr)?;
    let endpoint = settings.otlp_endpoint.as_deref();
    let tracer_provider =
        endpoint.map(|endpoint| trace::provider(endpoint, settings.service_name)).transpose()?;
    let traces = match &tracer_provider {
        Some(provider) => trace::layer(provider).boxed(),
        None => trace::pass_through().boxed(),
    };
    tracing_subscriber::registry()
        .with(vec![logs, traces])
        .try_init()
        .map_err(|error| TelemetryError::AlreadySet(error.to_string()))?;
    LOGS_ARE_JSON.store(settings.log_json, Ordering::Relaxed);
    trace::set_propagator();
    let metrics = Metrics::install()?;
    Ok(Telemetry { metrics: metrics.handle(), _metrics: metrics, tracer_provider })
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        let Some(tracer_provider) = &self.tracer_provider else { return };
        if let Err(error) = tracer_provider.shutdown_with_timeout(trace::SHUTDOWN_MAX) {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}
