//! Spans as OpenTelemetry traces, exported to a collector. Where there is none, traces of others pass through as they came.

use std::time::Duration;

use opentelemetry::{global, trace::TracerProvider};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::{Resource, propagation::TraceContextPropagator, trace::SdkTracerProvider};
use tracing::Subscriber;
use tracing_subscriber::{Layer, filter::LevelFilter, registry::LookupSpan};

use super::TelemetryError;

/// How long one batch may take to reach the collector.
const EXPORT_MAX: Duration = Duration::from_secs(5);

/// How long the end of the program waits for the last batch.
pub(super) const SHUTDOWN_MAX: Duration = Duration::from_secs(5);

/// Makes W3C trace context the form in which this process passes traces on.
pub fn set_propagator() {
    global::set_text_map_propagator(TraceContextPropagator::new());
}

/// Makes spans that are exported to the collector at `endpoint`.
///
/// # Errors
/// [`TelemetryError::Endpoint`] for what is no URL.
pub fn provider(endpoint: &str, service_name: &'static str) -> Result<SdkTracerProvider, TelemetryError> {
    let builder = SdkTracerProvider::builder()
        .with_resource(Resource::builder().with_service_name(service_name).build());
    // Batches leave from a thread of their own, so the client is a blocking one.
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(traces_url(endpoint))
        .with_timeout(EXPORT_MAX)
        .build()?;
    Ok(builder.with_batch_exporter(exporter).build())
}

/// OTLP/HTTP adds the path of the signal to the collector's base URL.
fn traces_url(endpoint: &str) -> String {
    let endpoint = endpoint.trim_end_matches('/');
    if endpoint.ends_with("/v1/traces") { endpoint.to_owned() } else { format!("{endpoint}/v1/traces") }
}

/// Turns spans from level info up into spans of `provider`, whatever the log filter says: a quiet log must not
/// break a trace.
pub fn layer<S>(provider: &SdkTracerProvider) -> impl Layer<S> + Send + Sync + use<S>
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    tracing_opentelemetry::layer().with_tracer(provider.tracer("noctis")).with_filter(LevelFilter::INFO)
}

/// Keeps spans from level info up, whatever the log filter says, for the traces that they carry
/// ([`TraceContext`](crate::trace_context::TraceContext)): where nobody collects, that is all that is made of them.
pub fn pass_through<S>() -> impl Layer<S> + Send + Sync
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    struct PassThrough;
    impl<S: Subscriber> Layer<S> for PassThrough {}
    PassThrough.with_filter(LevelFilter::INFO)
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::TcpListener,
    };

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[test]
    fn spans_reach_the_collector_at_the_latest_when_the_program_ends() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let collector = std::thread::spawn(move || one_request(&listener));
        let provider = provider(&endpoint, "noctis-test").expect("a provider");
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer(&provider)), || {
            tracing::info_span!("a_span_to_export").in_scope(|| {});
        });
        provider.shutdown_with_timeout(SHUTDOWN_MAX).expect("sent");
        let request = collector.join().expect("no panic");
        let text = String::from_utf8_lossy(&request);
        assert!(text.starts_with("POST /v1/traces HTTP/1.1"), "{text}");
        assert!(text.contains("a_span_to_export") && text.contains("noctis-test"), "{text}");
    }

    /// Reads one request whole and answers 200.
    fn one_request(listener: &TcpListener) -> Vec<u8> {
        let (mut stream, _) = listener.accept().expect("a client");
        let (mut request, mut buffer) = (vec![], [0; 4096]);
        while !is_whole(&request) {
            let count = stream.read(&mut buffer).expect("bytes");
            assert!(count > 0, "cut short");
            request.extend_from_slice(&buffer[..count]);
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").expect("answered");
        request
    }

    fn is_whole(request: &[u8]) -> bool {
        let Some(head_end) = request.windows(4).position(|window| window == b"\r\n\r\n") else {
            return false;
        };
        let head = String::from_utf8_lossy(&request[..head_end]).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.expect("a length").trim().parse().expect("a number");
        request.len() >= head_end + 4 + length
    }

    #[test]
    fn the_path_of_the_signal_is_added_once() {
        for endpoint in ["http://collector:4318", "http://collector:4318/", "http://collector:4318/v1/traces"]
        {
            assert_eq!(traces_url(endpoint), "http://collector:4318/v1/traces");
        }
    }

    #[test]
    fn an_endpoint_that_is_no_url_names_the_setting() {
        let error = provider("not a url", "noctis-test").expect_err("refused");
        assert!(error.to_string().starts_with("NOCTIS_OTLP_ENDPOINT: "), "{error}");
    }
}
