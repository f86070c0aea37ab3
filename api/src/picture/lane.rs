//! Which lane a render goes to: someone waits for all of them, so only its cost decides.

use noctis_shared::{catalog::ImageRecord, lane::Lane};

/// Weighted samples above which a render takes a slot of the heavy lane: an uncompressed frame of 2048 x 2048 is
/// the heaviest that still goes with CT slices.
const WEIGHTED_SAMPLES_MAX: u64 = 5_000_000;

/// How much longer a sample takes to decode than one that is not compressed (PS3.5 table 10-1 names the syntaxes).
fn weight(transfer_syntax_uid: &str) -> u64 {
    match transfer_syntax_uid.strip_prefix("1.2.840.10008.1.2.4.") {
        None => 1,
        // JPEG 2000 part 1, part 2 and high-throughput.
        Some("90" | "91" | "92" | "93" | "201" | "202" | "203") => 8,
        // JPEG-LS and JPEG XL.
        Some("80" | "81" | "110" | "111" | "112") => 4,
        Some(_) => 3,
    }
}

/// The lane of a render that someone waits for.
pub(crate) fn of(image: &ImageRecord) -> Lane {
    let transfer_syntax_uid = image.image.transfer_syntax_uid.as_deref().unwrap_or_default();
    let cost = image.render_cost.saturating_mul(weight(transfer_syntax_uid));
    if cost > WEIGHTED_SAMPLES_MAX { Lane::OnScreenHeavy } else { Lane::OnScreen }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wavelet_costs_more_than_an_uncompressed_sample() {
        let cases = [
            ("1.2.840.10008.1.2.1", 1),
            ("1.2.840.10008.1.2.5", 1),
            ("1.2.840.10008.1.2.4.50", 3),
            ("1.2.840.10008.1.2.4.80", 4),
            ("1.2.840.10008.1.2.4.90", 8),
        ];
        for (transfer_syntax_uid, expected) in cases {
            assert_eq!(weight(transfer_syntax_uid), expected, "{transfer_syntax_uid}");
        }
    }
}
