//! A trace across processes: W3C trace context (`traceparent`, `tracestate`) between headers and spans.
//!
//! Headers are string maps or a look-up by name: nothing here knows HTTP or AMQP.

use std::collections::BTreeMap;

use opentelemetry::{
    Context, global,
    propagation::{Extractor, Injector},
    trace::TraceContextExt,
};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Makes W3C trace context the form of the whole process. `telemetry::init` calls it.
pub fn set_propagator() {
    global::set_text_map_propagator(TraceContextPropagator::new());
}

/// The headers that let another process continue the trace of the current span; none outside of a trace.
#[must_use]
pub fn inject() -> BTreeMap<String, String> {
    let mut headers = Sent(BTreeMap::new());
    let context = Span::current().context();
    global::get_text_map_propagator(|propagator| propagator.inject_context(&context, &mut headers));
    headers.0
}

/// Makes `span` continue the trace that `headers` tell of. To be called before the span is entered. Headers that are
/// absent or malformed leave the span the root of a new trace.
pub fn continue_from(span: &Span, headers: &BTreeMap<String, String>) {
    let context = global::get_text_map_propagator(|propagator| propagator.extract(&Received(headers)));
    if !context.span().span_context().is_valid() {
        return;
    }
    // Fails where no layer makes traces, as in programs without telemetry: then there is nothing to continue.
    let _ = span.set_parent(context);
}

/// Like [`continue_from`], for headers of any kind: `get` returns the value of the header named in lower case.
pub fn continue_with<'a>(span: &Span, get: impl Fn(&str) -> Option<&'a str>) {
    let header = |name: &str| get(name).map(|value| (name.to_owned(), value.to_owned()));
    continue_from(span, &["traceparent", "tracestate"].into_iter().filter_map(header).collect());
}

/// The trace of the current span as 32 hexadecimal digits, for log lines and answers; `None` outside of a trace.
#[must_use]
pub fn trace_id() -> Option<String> {
    trace_id_of(&Span::current().context())
}

fn trace_id_of(context: &Context) -> Option<String> {
    let span = context.span();
    let span_context = span.span_context();
    span_context.is_valid().then(|| span_context.trace_id().to_string())
}

struct Sent(BTreeMap<String, String>);

impl Injector for Sent {
    fn set(&mut self, key: &str, value: String) {
        // The propagator names `tracestate` also when it is empty; headers without a value help nobody.
        if !value.is_empty() {
            self.0.insert(key.to_owned(), value);
        }
    }
}

struct Received<'a>(&'a BTreeMap<String, String>);

impl Extractor for Received<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;
    use crate::telemetry::trace;

    const CLIENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn in_program<T>(work: impl FnOnce() -> T) -> T {
        set_propagator();
        let provider = trace::provider(None, "noctis-test").expect("a provider");
        let subscriber = tracing_subscriber::registry().with(trace::layer(&provider));
        tracing::subscriber::with_default(subscriber, work)
    }

    #[test]
    fn one_trace_id_goes_from_the_client_through_the_api_and_the_queue_to_the_worker() {
        let message = in_program(|| {
            let request = tracing::info_span!("request");
            continue_with(&request, |name| (name == "traceparent").then_some(CLIENT));
            request.in_scope(inject)
        });
        assert_ne!(message["traceparent"], CLIENT, "the API's own span is the parent");
        assert!(message["traceparent"].ends_with("-01"), "the client's wish to sample stays: {message:?}");
        let trace_id = in_program(|| {
            let job = tracing::info_span!("job");
            continue_from(&job, &message);
            job.in_scope(trace_id)
        });
        assert_eq!(trace_id.as_deref(), Some("0af7651916cd43dd8448eb211c80319c"));
    }

    #[test]
    fn headers_that_are_malformed_begin_a_new_trace() {
        let trace_id = in_program(|| {
            let request = tracing::info_span!("request");
            continue_with(&request, |name| (name == "traceparent").then_some("00-zz-zz-01"));
            request.in_scope(trace_id)
        });
        assert!(trace_id.is_some_and(|id| id != "0af7651916cd43dd8448eb211c80319c"));
    }

    #[test]
    fn outside_of_a_trace_there_is_nothing_to_pass_on() {
        assert_eq!(in_program(inject), BTreeMap::new());
        assert_eq!(in_program(trace_id), None);
    }
}
