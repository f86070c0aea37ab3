//! The frames of a cine as one GIF.

use dicom_dictionary_std::{tags, uids};
use noctis_demo::{DemoFile, Samples, Uids};

use super::{
    embedded::serve,
    http::{Picture, Viewer},
};

const ROWS: u16 = 24;
const COLUMNS: u16 = 32;
const FRAMES: u32 = 5;

/// Ultrasound of 25 frames a second, each lighter than the one before.
fn cine() -> DemoFile {
    let pixels = u32::from(ROWS) * u32::from(COLUMNS);
    let values = (0..FRAMES).flat_map(|frame| (0..pixels).map(move |pixel| (frame * 40 + pixel % 32) as u8));
    DemoFile::new(uids::ULTRASOUND_MULTI_FRAME_IMAGE_STORAGE, &Uids::named("cine", "loop", 1))
        .pixels(ROWS, COLUMNS, FRAMES, Samples::Grey8(values.collect()))
        .set(tags::MODALITY, "US")
        .set(tags::FRAME_TIME, "40")
}

#[test]
fn a_gif_shows_each_frame_as_it_is_alone_at_the_pace_of_the_file() {
    let data = tempfile::tempdir().unwrap();
    let program = serve(data.path(), &[]);
    let viewer = Viewer::new(&program.url);
    let file = cine().to_bytes().unwrap();
    assert_eq!(viewer.post_files("/dicom-web/studies", &[file], &[]).status, 200);
    let of = Uids::named("cine", "loop", 1);
    let instance = format!("/dicom-web/studies/{}/series/{}/instances/{}", of.study, of.series, of.instance);
    let moving = viewer.get_with(&format!("{instance}/rendered"), &[("accept", "image/gif")]);
    assert_eq!((moving.status, moving.header("content-type")), (200, "image/gif"), "{}", moving.text());

    let mut options = gif::DecodeOptions::new();
    options.set_color_output(gif::ColorOutput::RGBA);
    let mut decoder = options.read_info(moving.body.as_slice()).expect("a GIF");
    for number in 1..=FRAMES {
        let alone = viewer.get(&format!("{instance}/frames/{number}/rendered?accept=image/png"));
        let frame = decoder.read_next_frame().expect("readable").expect("a frame");
        assert_eq!(frame.delay, 4);
        let rgb: Vec<u8> = frame.buffer.chunks_exact(4).flat_map(|pixel| pixel[..3].to_vec()).collect();
        assert!(rgb == Picture::decode(&alone.body).rgb(), "frame {number} looks otherwise");
    }
    assert!(decoder.read_next_frame().expect("readable").is_none());
}
