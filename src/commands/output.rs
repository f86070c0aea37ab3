//! Standard output, where a closed pipe is an end and no error of ours; and words on standard error.

use std::io::{self, Write};

use noctis_shared::{program, telemetry};

/// Writes a line to standard output.
///
/// # Errors
/// When standard output is gone.
pub(super) fn line(text: &str) -> anyhow::Result<()> {
    bytes(format!("{text}\n").as_bytes())
}

/// Writes bytes to standard output.
///
/// # Errors
/// When standard output is gone.
pub(super) fn bytes(bytes: &[u8]) -> anyhow::Result<()> {
    let mut output = io::stdout().lock();
    match output.write_all(bytes).and_then(|()| output.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Names a file that was not taken. Its name may be that of a patient, so that it is told to whoever runs the command
/// and never becomes a log line: where logs are JSON, standard error is theirs alone, and it goes to standard output.
pub(super) fn rejected(location: &str, reason: &str) {
    let text = format!("rejected {location}: {reason}");
    if telemetry::logs_are_json() {
        // The summary is written to the same place, and tells when that is gone.
        let _standard_output_is_gone = line(&text);
    } else {
        program::say(&text);
    }
}
