//! JPEG-LS through the encoder of `CharLS`.

#![expect(unsafe_code, reason = "binding to the encoder of CharLS, which no safe crate has in this version")]

use charls_sys as charls;

use super::Plane;
use crate::case::Interleave;

struct Encoder(*mut charls::charls_jpegls_encoder);

impl Drop for Encoder {
    fn drop(&mut self) {
        // SAFETY: the handle came from create and is destroyed only here.
        unsafe { charls::charls_jpegls_encoder_destroy(self.0) }
    }
}

pub(super) fn encode(plane: &Plane<'_>, interleave: Interleave, precision: u16) -> Vec<u8> {
    // One component is a scan of its own in any case.
    let interleave = if plane.components == 1 { Interleave::None } else { interleave };
    let samples = ordered(plane, interleave);
    let source: Vec<u8> = if precision <= 8 {
        samples.iter().map(|&sample| sample as u8).collect()
    } else {
        samples.iter().flat_map(|sample| sample.to_ne_bytes()).collect()
    };
    let info = charls::charls_frame_info {
        width: plane.columns,
        height: plane.rows,
        bits_per_sample: precision.into(),
        component_count: plane.components as i32,
    };
    let mode = match interleave {
        Interleave::None => charls::charls_interleave_mode_none,
        Interleave::Line => charls::charls_interleave_mode_line,
        Interleave::Sample => charls::charls_interleave_mode_sample,
    };
    let mut out = vec![0; source.len() * 4 + 4096];
    let mut written = 0;
    // SAFETY: takes no pointer.
    let encoder = Encoder(unsafe { charls::charls_jpegls_encoder_create() });
    assert!(!encoder.0.is_null(), "an encoder");
    // SAFETY: the handle is valid; `info`, `source` and `out` outlive the calls and have the lengths that are said.
    let statuses = unsafe {
        [
            charls::charls_jpegls_encoder_set_frame_info(encoder.0, &raw const info),
            charls::charls_jpegls_encoder_set_interleave_mode(encoder.0, mode),
            charls::charls_jpegls_encoder_set_destination_buffer(
                encoder.0,
                out.as_mut_ptr().cast(),
                out.len(),
            ),
            charls::charls_jpegls_encoder_encode_from_buffer(
                encoder.0,
                source.as_ptr().cast(),
                source.len(),
                0,
            ),
            charls::charls_jpegls_encoder_get_bytes_written(encoder.0, &raw mut written),
        ]
    };
    assert_eq!(statuses, [charls::charls_jpegls_errc_success; 5], "JPEG-LS of {precision} bits");
    out.truncate(written);
    out
}

/// Samples as the encoder wants them: planes where components are scans of their own.
fn ordered(plane: &Plane<'_>, interleave: Interleave) -> Vec<u16> {
    if interleave != Interleave::None {
        return plane.samples.to_vec();
    }
    (0..plane.components)
        .flat_map(|component| plane.samples.iter().skip(component).step_by(plane.components).copied())
        .collect()
}
