//! The progress of files, on a terminal only, and only where no JSON is to be kept clean.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use noctis_shared::telemetry;
use noctis_worker::index::FileOutcome;

use super::output;

/// Counts files; draws a line on a terminal; names every rejected file.
pub(super) struct FileProgress {
    bar: ProgressBar,
    accepted: u64,
    duplicate: u64,
    rejected: u64,
}

impl FileProgress {
    pub(super) fn new(what: &'static str) -> Self {
        let bar = ProgressBar::no_length();
        if std::io::stderr().is_terminal() && !telemetry::logs_are_json() {
            let style = ProgressStyle::with_template("{spinner} {prefix} {pos} files, {per_sec}, {msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.set_prefix(what);
        } else {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        Self { bar, accepted: 0, duplicate: 0, rejected: 0 }
    }

    /// Hears of one file.
    pub(super) fn file(&mut self, location: &str, outcome: &FileOutcome) {
        self.bar.inc(1);
        match outcome {
            FileOutcome::Accepted => self.accepted += 1,
            FileOutcome::Duplicate => self.duplicate += 1,
            FileOutcome::Conflict => {
                self.reject(location, "its SOP Instance UID is known with other bytes; the first stays");
            }
            FileOutcome::Rejected(reason) | FileOutcome::Away(reason) => self.reject(location, reason),
        }
        self.bar.set_message(format!("{} rejected", self.rejected));
    }

    fn reject(&mut self, location: &str, reason: &str) {
        self.rejected += 1;
        self.bar.suspend(|| output::rejected(location, reason));
    }

    /// Ends the line.
    pub(super) fn finish(self) -> Totals {
        self.bar.finish_and_clear();
        Totals { accepted: self.accepted, duplicate: self.duplicate, rejected: self.rejected }
    }
}

/// What files came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) accepted: u64,
    pub(super) duplicate: u64,
    pub(super) rejected: u64,
}
