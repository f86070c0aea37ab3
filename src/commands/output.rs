//! Standard output, where a closed pipe is an end and no error of ours.

use std::io::{self, Write};

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

/// Writes a line to standard error; nobody listening is fine.
pub(super) fn note(text: &str) {
    let _standard_error_is_closed = writeln!(io::stderr(), "{text}");
}
