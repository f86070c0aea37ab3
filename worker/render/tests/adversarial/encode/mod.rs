//! Encoders: written out here, or libraries through thin bindings. None is of the renderer.

mod jpeg;
mod jpeg_2000;
mod jpeg_lossless;
mod jpeg_ls;
pub(crate) mod rle;

use crate::case::{Case, Syntax};
use crate::write::cells::of_frame;

pub(crate) use jpeg::read_back;

/// A picture to encode: samples of a pixel together, not negative.
pub(crate) struct Plane<'a> {
    pub(crate) columns: u32,
    pub(crate) rows: u32,
    pub(crate) components: usize,
    pub(crate) samples: &'a [u16],
}

/// The codestream of one frame.
pub(crate) fn codestream(case: &Case, index: usize) -> Vec<u8> {
    let is_lossy = matches!(case.form.syntax, Syntax::Jpeg2000 { lossy_uid: true, .. });
    let samples: Vec<u16> = if precision(case) == case.cells.allocated && !is_lossy {
        of_frame(case, index).into_iter().map(|cell| cell as u16).collect()
    } else {
        let stored = &case.frames[index];
        let mask = u16::MAX >> (16 - precision(case));
        stored.iter().map(|&value| value as i64 as u16 & mask).collect()
    };
    let plane = Plane {
        columns: case.columns,
        rows: case.rows,
        components: case.samples_per_pixel(),
        samples: &samples,
    };
    match &case.form.syntax {
        Syntax::JpegBaseline { transformed } => jpeg::encode(&plane, *transformed),
        Syntax::JpegLossless(coding) => jpeg_lossless::encode(&plane, coding),
        Syntax::JpegLs { interleave, precision, filler } => {
            let mut codestream = jpeg_ls::encode(&plane, *interleave, *precision);
            let end = codestream.len() - 2;
            codestream.splice(end..end, filler.iter().copied());
            codestream
        }
        Syntax::Jpeg2000 { levels, precision, signed, .. } => {
            let transformed = matches!(case.colours, crate::case::Colours::YbrRct);
            let form =
                jpeg_2000::Form { levels: *levels, precision: *precision, signed: *signed, transformed };
            jpeg_2000::encode(&plane, &form)
        }
        other => unreachable!("{other:?} has no codestreams"),
    }
}

/// Bits of a sample that go to the encoder.
fn precision(case: &Case) -> u16 {
    match &case.form.syntax {
        Syntax::JpegLossless(coding) => coding.precision,
        Syntax::JpegLs { precision, .. } | Syntax::Jpeg2000 { precision, .. } => *precision,
        _ => 8,
    }
}
