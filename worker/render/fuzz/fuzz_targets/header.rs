//! Finding the frames of a file, its attributes, and inflating it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use noctis_render::{Header, inflate, scan};
use noctis_render_fuzz::limits;

fuzz_target!(|file: &[u8]| {
    let limits = limits();
    let inflated = inflate(file, &limits);
    if let Ok(scan) = scan(&file.to_vec(), &limits) {
        read_all(&scan.header);
        if let Some(pixels) = scan.pixels {
            let end = if pixels.deflated { inflated.as_ref().map_or(0, Vec::len) } else { file.len() };
            assert_eq!(pixels.frames.len(), scan.header.frame_count() as usize);
            for frame in pixels.frames {
                assert!(frame.offset + frame.byte_count <= end as u64, "a range past the end");
            }
        }
    }
    if let Ok(header) = inflated.and_then(|file| Header::parse(&file, &limits)) {
        read_all(&header);
    }
});

fn read_all(header: &Header) {
    std::hint::black_box(header.dataset());
    for frame_number in [0, 1, 2, u32::MAX] {
        std::hint::black_box(header.file_window(frame_number));
    }
}
