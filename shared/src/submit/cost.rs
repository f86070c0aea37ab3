//! How long a render will take: a prediction in seconds of one core, from the codec and the samples of a frame.
//!
//! Measured by `scripts/bench` (`docs/benchmarks.md`, "Pictures"): what a 512 x 512 CT and the larger pictures took,
//! decoding, drawing and encoding together, by sample. It decides lanes, so that a third more or less does no harm.

use std::time::Duration;

use crate::{catalog::ImageRecord, request::FrameRequest};

/// Nanoseconds for each sample of a frame, beyond those for decoding: window, filters, PNG.
const DRAWING_NS: u64 = 1;
/// What a render takes before its first sample.
const BASE: Duration = Duration::from_micros(100);

/// Nanoseconds to decode a sample (PS3.5 table 10-1 names the syntaxes).
fn decoding_ns(transfer_syntax_uid: &str) -> u64 {
    match transfer_syntax_uid.strip_prefix("1.2.840.10008.1.2.") {
        Some("4.90" | "4.91" | "4.92" | "4.93") => 87,
        // High-throughput JPEG 2000.
        Some("4.201" | "4.202" | "4.203") => 6,
        // JPEG-LS.
        Some("4.80" | "4.81") => 14,
        // JPEG XL.
        Some("4.110" | "4.111" | "4.112") => 40,
        // JPEG lossless.
        Some("4.57" | "4.70") => 6,
        // JPEG baseline and extended.
        Some("4.50" | "4.51") => 3,
        // RLE.
        Some("5") => 1,
        // Deflated, as a whole or by frame: inflating one frame may mean inflating all before it.
        Some("1.99" | "8.1") => 4,
        _ => 0,
    }
}

/// What a render of one frame of `image` is expected to take on one core, or of a plane through frames that are like it.
#[must_use]
pub fn of(image: &ImageRecord, request: &FrameRequest) -> Duration {
    let transfer_syntax_uid = image.image.transfer_syntax_uid.as_deref().unwrap_or_default();
    let of_a_frame = of_samples(image.render_cost, transfer_syntax_uid);
    match &request.plane {
        Some(plane) => of_a_frame.saturating_mul(u32::try_from(plane.slices.len()).unwrap_or(u32::MAX)),
        None => of_a_frame,
    }
}

fn of_samples(samples: u64, transfer_syntax_uid: &str) -> Duration {
    let sample_ns = DRAWING_NS + decoding_ns(transfer_syntax_uid);
    BASE + Duration::from_nanos(samples.saturating_mul(sample_ns))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Predictions beside what `docs/benchmarks.md` has, in milliseconds.
    #[test]
    fn predictions_are_within_a_factor_of_two_of_what_was_measured() {
        const CT: u64 = 512 * 512;
        const CR: u64 = 2_500 * 2_000;
        const EXPLICIT_LE: &str = "1.2.840.10008.1.2.1";
        let cases = [
            (CT, EXPLICIT_LE, 0.34),
            (CT, "1.2.840.10008.1.2.5", 0.55),
            (CT, "1.2.840.10008.1.2.4.70", 1.9),
            (CT, "1.2.840.10008.1.2.4.80", 4.1),
            (CT, "1.2.840.10008.1.2.4.90", 23.0),
            (CT, "1.2.840.10008.1.2.4.201", 1.9),
            (CR, EXPLICIT_LE, 7.1),
        ];
        for (samples, transfer_syntax_uid, measured_ms) in cases {
            let predicted_ms = of_samples(samples, transfer_syntax_uid).as_secs_f64() * 1000.0;
            let ratio = predicted_ms / measured_ms;
            assert!((0.5..2.0).contains(&ratio), "{samples} {transfer_syntax_uid}: {predicted_ms} ms");
        }
    }
}
