//! Log lines: text for people, JSON for machines.

use tracing::Subscriber;
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::Directive,
    fmt::{self, MakeWriter},
    registry::LookupSpan,
};

use super::TelemetryError;

/// A layer that writes what `filter` lets pass. A JSON line has `timestamp`, `level`, `target`, the event's own
/// fields, and `span` with the fields of the innermost span.
///
/// # Errors
/// [`TelemetryError::Filter`].
pub fn layer<S, W>(
    filter: &str,
    json: bool,
    writer: W,
) -> Result<Box<dyn Layer<S> + Send + Sync>, TelemetryError>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    // The AMQP library warns of unroutable messages with their whole body, and a body may name a patient's files.
    let quiet: Directive = "lapin=error".parse()?;
    let filter = if filter.contains("lapin") {
        EnvFilter::try_new(filter)?
    } else {
        EnvFilter::try_new(filter)?.add_directive(quiet)
    };
    let lines = fmt::layer().with_writer(writer);
    Ok(if json {
        lines
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .with_filter(filter)
            .boxed()
    } else {
        lines.with_ansi(false).with_filter(filter).boxed()
    })
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        sync::{Arc, Mutex},
    };

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("no panic").write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(json: bool) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let layer = layer("info,quiet=error", json, move || writer.clone()).expect("a filter");
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let _span = tracing::info_span!("render", job.id = "j-1").entered();
            tracing::info!(attempt = 2, "rendered");
            tracing::debug!("not at this level");
            tracing::warn!(target: "quiet", "not of this target");
        });
        let bytes = lines.0.lock().expect("no panic").clone();
        String::from_utf8(bytes).expect("UTF-8")
    }

    #[test]
    fn a_json_line_tells_level_message_fields_and_span() {
        let text = logged(true);
        assert_eq!(text.lines().count(), 1, "{text}");
        let line: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(
            (&line["level"], &line["message"], &line["attempt"]),
            (&"INFO".into(), &"rendered".into(), &2.into())
        );
        assert_eq!(line["span"]["job.id"], "j-1");
        assert!(line["timestamp"].is_string());
    }

    #[test]
    fn a_text_line_has_no_colour_codes() {
        let text = logged(false);
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.contains("rendered attempt=2") && !text.contains('\x1b'), "{text}");
    }

    #[test]
    fn a_filter_that_is_none_names_the_setting() {
        let error = layer::<tracing_subscriber::Registry, _>("noctis=loud", false, std::io::stderr).err();
        assert!(error.expect("refused").to_string().starts_with("NOCTIS_LOG: "));
    }
}
