//! One codestream behind generated attributes: every decoder, whole and reduced, strict and best effort.
#![no_main]

use libfuzzer_sys::fuzz_target;
use noctis_render::{Fit, FrameRequest, decode_frame, scan};
use noctis_render_fuzz::codestream::Declared;
use noctis_render_fuzz::{contain_decoder_panics, limits};

fuzz_target!(init: contain_decoder_panics(), |input: &[u8]| {
    let Some(declared) = Declared::read(input) else { return };
    let file = declared.file();
    let scan = scan(&file, &limits()).expect("the header is generated");
    let frame = scan.pixels.expect("so is the pixel data").frames[0];
    let bytes = &file[frame.offset as usize..][..frame.byte_count as usize];
    let side = declared.small.then_some(4);
    let request = FrameRequest {
        best_effort: declared.best_effort,
        fit: Fit { width: side, height: side, enlarge: false },
        ..FrameRequest::default()
    };
    if let Err(error) = decode_frame(&scan.header, bytes, &request, &limits()) {
        assert!(error.is_permanent(), "{error}");
    }
});
