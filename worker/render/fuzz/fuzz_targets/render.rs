//! A whole file to pictures: scan, up to three frames, one request of each kind, every format.
#![no_main]

use libfuzzer_sys::fuzz_target;
use noctis_render::{inflate, scan};
use noctis_render_fuzz::{contain_decoder_panics, limits, render, requests};

fuzz_target!(init: contain_decoder_panics(), |file: &[u8]| {
    let Ok(scan) = scan(&file.to_vec(), &limits()) else { return };
    let Some(pixels) = scan.pixels else { return };
    let inflated = if pixels.deflated { inflate(file, &limits()) } else { Ok(file.to_vec()) };
    let inflated = inflated.expect("it was inflated before");
    for (frame_number, range) in (1..).zip(pixels.frames.iter().take(3)) {
        let bytes = &inflated[range.offset as usize..][..range.byte_count as usize];
        for request in requests(frame_number) {
            match render(&scan.header, bytes, &request) {
                Ok(picture) => assert!(!picture.bytes.is_empty()),
                Err(error) => assert!(error.is_permanent(), "{error}"),
            }
        }
    }
});
