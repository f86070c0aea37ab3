//! W3C trace context on its way through a message: the two headers, and the way from and to a span.
//!
//! Where spans are collected, what is sent on names our own span. Where they are not, it is what came: a trace that a
//! client began reaches whoever collects behind us.

use std::collections::BTreeMap;

use opentelemetry::{
    global,
    propagation::{Extractor, Injector},
    trace::TraceContextExt,
};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{Registry, registry::LookupSpan};

/// Longest header taken from a message, in bytes: W3C Trace Context 3.3.1.5 asks for 512 of `tracestate`.
const HEADER_BYTES_MAX: usize = 512;

/// The headers that carry a trace (W3C Trace Context 3).
const HEADERS: [&str; 2] = ["traceparent", "tracestate"];

/// The trace a message belongs to: `traceparent` and `tracestate`, where present.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TraceContext(BTreeMap<&'static str, String>);

impl TraceContext {
    /// The context of the current tracing span.
    #[must_use]
    pub fn current() -> Self {
        let span = Span::current();
        let carried = span.with_subscriber(|(id, dispatch)| {
            let span = dispatch.downcast_ref::<Registry>()?.span(id)?;
            span.scope().find_map(|span| span.extensions().get::<Self>().cloned())
        });
        if let Some(carried) = carried.flatten() {
            return carried;
        }
        let mut context = Self::default();
        global::get_text_map_propagator(|propagator| {
            propagator.inject_context(&span.context(), &mut context);
        });
        context
    }

    /// The context that message headers carry; other headers are ignored, and so are oversized ones.
    #[must_use]
    pub fn from_headers<'a>(headers: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut context = Self::default();
        for (name, value) in headers {
            context.set(name, value.to_owned());
        }
        context
    }

    /// The headers to send: lower-case names and values.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// Whether there is no trace to continue.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Makes `span` a child of this trace. Call it before the span is entered for the first time.
    pub fn adopt(&self, span: &Span) {
        if self.is_empty() {
            return;
        }
        let parent = global::get_text_map_propagator(|propagator| propagator.extract(self));
        // Malformed headers tell of no trace: the span stays the root of a new one.
        if !parent.span().span_context().is_valid() {
            return;
        }
        if span.set_parent(parent).is_err() {
            // Nobody collects.
            self.ride_on(span);
        }
    }

    /// Lets `span` and those inside it carry this context as it is.
    fn ride_on(&self, span: &Span) {
        span.with_subscriber(|(id, dispatch)| {
            if let Some(span) = dispatch.downcast_ref::<Registry>().and_then(|registry| registry.span(id)) {
                span.extensions_mut().replace(self.clone());
            }
        });
    }
}

impl Injector for TraceContext {
    fn set(&mut self, key: &str, value: String) {
        let name = HEADERS.into_iter().find(|name| name.eq_ignore_ascii_case(key));
        if let Some(name) = name
            && !value.is_empty()
            && value.len() <= HEADER_BYTES_MAX
        {
            self.0.insert(name, value);
        }
    }
}

impl Extractor for TraceContext {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;
    use crate::telemetry::trace;

    const TRACE_ID: &str = "0af7651916cd43dd8448eb211c80319c";
    const CLIENT: (&str, &str) = ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");

    fn in_program<T>(work: impl FnOnce() -> T) -> T {
        trace::set_propagator();
        // Nobody listens there, and nothing is sent before the test has ended.
        let provider = trace::provider("http://127.0.0.1:1", "noctis-test").expect("a provider");
        let subscriber = tracing_subscriber::registry().with(trace::layer(&provider));
        tracing::subscriber::with_default(subscriber, work)
    }

    /// One without a collector.
    fn in_quiet_program<T>(work: impl FnOnce() -> T) -> T {
        trace::set_propagator();
        let subscriber = tracing_subscriber::registry().with(trace::pass_through());
        tracing::subscriber::with_default(subscriber, work)
    }

    /// What a span that continues `received` passes on.
    fn passed_on(received: &TraceContext) -> TraceContext {
        in_program(|| {
            let span = tracing::info_span!("hop");
            received.adopt(&span);
            span.in_scope(TraceContext::current)
        })
    }

    fn traceparent(context: &TraceContext) -> String {
        context
            .headers()
            .find(|(name, _)| *name == "traceparent")
            .map_or(String::new(), |(_, value)| value.to_owned())
    }

    #[test]
    fn one_trace_id_goes_from_the_client_through_the_api_and_the_queue_to_the_worker() {
        let message = passed_on(&TraceContext::from_headers([CLIENT]));
        assert_ne!(traceparent(&message), CLIENT.1, "the API's own span is the parent");
        assert!(traceparent(&message).ends_with("-01"), "the client's wish to sample stays");
        assert!(traceparent(&passed_on(&message)).contains(TRACE_ID));
    }

    #[test]
    fn without_a_collector_a_trace_passes_through_as_it_came() {
        let sent = TraceContext::from_headers([CLIENT, ("tracestate", "vendor=1")]);
        in_quiet_program(|| {
            let span = tracing::info_span!("hop");
            sent.adopt(&span);
            let inside = span.in_scope(|| tracing::info_span!("step").in_scope(TraceContext::current));
            assert_eq!((&inside, span.in_scope(TraceContext::current)), (&sent, sent.clone()));
            let malformed = tracing::info_span!("hop");
            TraceContext::from_headers([("traceparent", "00-zz-zz-01")]).adopt(&malformed);
            assert!(malformed.in_scope(TraceContext::current).is_empty());
            assert!(TraceContext::current().is_empty());
        });
    }

    #[test]
    fn headers_that_are_malformed_begin_a_new_trace() {
        let message = passed_on(&TraceContext::from_headers([("traceparent", "00-zz-zz-01")]));
        assert!(!traceparent(&message).contains(TRACE_ID) && !message.is_empty());
    }

    #[test]
    fn outside_of_a_trace_there_is_nothing_to_pass_on() {
        assert!(in_program(TraceContext::current).is_empty());
    }

    #[test]
    fn only_trace_headers_of_a_sane_length_are_taken() {
        let long = "x".repeat(HEADER_BYTES_MAX + 1);
        let context = TraceContext::from_headers([
            ("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
            ("tracestate", long.as_str()),
            ("x-noctis-attempt", "3"),
        ]);
        assert_eq!(
            context.headers().collect::<Vec<_>>(),
            [("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]
        );
    }
}
