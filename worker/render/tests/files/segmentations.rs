//! Segmentations laid over the images that they are of, on small files made here (PS3.3 A.51, C.8.20).

use std::sync::Arc;

use crate::builder::{EXPLICIT_LITTLE, FileBuilder, compose};
use noctis_render::{DisplaySamples, Fit, FrameRequest, Limits, Orientation, RenderError, Segmentation};

/// The instance that [`FileBuilder::new`] writes.
const IMAGE: &str = "1.2.3.4";
const SPACE: &str = "1.2.9";
const RED: [u8; 3] = [230, 60, 60];
const GREEN: [u8; 3] = [60, 180, 75];

/// 4 x 2 pixels of 8 bits, all of level 100, in the plane at this height.
fn image(height: &str) -> Vec<u8> {
    FileBuilder::new(EXPLICIT_LITTLE)
        .text(0x0020, 0x0032, "DS", &format!("0\\0\\{height}"))
        .text(0x0020, 0x0037, "DS", "1\\0\\0\\0\\1\\0")
        .text(0x0020, 0x0052, "UI", SPACE)
        .monochrome(2, 4, 8, 8, false)
        .text(0x0028, 0x0030, "DS", "1\\1")
        .native(&[100; 8])
}

/// A frame of a segmentation: its segment, what it was made from, where it lies.
#[derive(Clone)]
struct Frame {
    segment: u16,
    source: Option<FileBuilder>,
    height: Option<&'static str>,
}

impl Frame {
    fn of(segment: u16, uid: &str) -> Self {
        Self { segment, source: Some(FileBuilder::item().text(0x0008, 0x1155, "UI", uid)), height: None }
    }

    fn at(segment: u16, height: &'static str) -> Self {
        Self { segment, source: None, height: Some(height) }
    }

    fn groups(&self) -> FileBuilder {
        let mut groups = FileBuilder::item();
        if let Some(source) = &self.source {
            let derivation = FileBuilder::item().items(0x0008, 0x2112, std::slice::from_ref(source));
            groups = groups.items(0x0008, 0x9124, &[derivation]);
        }
        if let Some(height) = self.height {
            let position = FileBuilder::item().text(0x0020, 0x0032, "DS", &format!("0\\0\\{height}"));
            groups = groups.items(0x0020, 0x9113, &[position]);
        }
        let segment = FileBuilder::item().u16s(0x0062, 0x000B, &[self.segment]);
        groups.items(0x0062, 0x000A, &[segment])
    }
}

/// What a segmentation is made of beside its frames.
struct Shape {
    kind: &'static str,
    rows: u16,
    bits: u16,
    refers_to: Option<&'static str>,
    space: &'static str,
}

const BINARY: Shape = Shape { kind: "BINARY", rows: 2, bits: 1, refers_to: None, space: SPACE };

fn file(shape: &Shape, frames: &[Frame], pixels: &[u8]) -> Vec<u8> {
    let groups: Vec<FileBuilder> = frames.iter().map(Frame::groups).collect();
    let shared = FileBuilder::item()
        .items(0x0020, 0x9116, &[FileBuilder::item().text(0x0020, 0x0037, "DS", "1\\0\\0\\0\\1\\0")])
        .items(0x0028, 0x9110, &[FileBuilder::item().text(0x0028, 0x0030, "DS", "1\\1")]);
    let segment = |number| FileBuilder::item().u16s(0x0062, 0x0004, &[number]);
    // Segment 3 has a colour of its own: the green of sRGB in CIELab.
    let lab = [87.82 / 100.0, (128.0 - 79.29) / 255.0, (128.0 + 80.99) / 255.0];
    let own = segment(3).u16s(0x0062, 0x000D, &lab.map(|part: f64| (part * 65_535.0).round() as u16));
    let mut file = FileBuilder::of_class(EXPLICIT_LITTLE, "1.2.840.10008.5.1.4.1.1.66.4");
    if let Some(uid) = shape.refers_to {
        let instance = FileBuilder::item().text(0x0008, 0x1155, "UI", uid);
        let series = FileBuilder::item().items(0x0008, 0x114A, &[instance]);
        file = file.items(0x0008, 0x1115, &[series]);
    }
    file.text(0x0020, 0x0052, "UI", shape.space)
        .u16s(0x0028, 0x0002, &[1])
        .text(0x0028, 0x0004, "CS", "MONOCHROME2")
        .text(0x0028, 0x0008, "IS", &frames.len().to_string())
        .u16s(0x0028, 0x0010, &[shape.rows])
        .u16s(0x0028, 0x0011, &[4])
        .u16s(0x0028, 0x0100, &[shape.bits])
        .u16s(0x0028, 0x0101, &[shape.bits])
        .u16s(0x0028, 0x0102, &[shape.bits - 1])
        .u16s(0x0028, 0x0103, &[0])
        .text(0x0062, 0x0001, "CS", shape.kind)
        .items(0x0062, 0x0002, &[segment(1), segment(2), own])
        .u16s(0x0062, 0x000E, &[200])
        .items(0x5200, 0x9229, &[shared])
        .items(0x5200, 0x9230, &groups)
        .native(pixels)
}

fn request(file: &[u8]) -> FrameRequest {
    let segmentation = Segmentation::new(file.to_vec(), &Limits::default()).expect("a segmentation");
    FrameRequest { segmentation: Some(Arc::new(segmentation)), ..FrameRequest::default() }
}

fn colours(image: &[u8], request: &FrameRequest) -> Result<Vec<[u8; 3]>, RenderError> {
    match compose(image, request)?.samples {
        DisplaySamples::Rgb8(pixels) => Ok(pixels.as_chunks::<3>().0.to_vec()),
        other => panic!("{other:?}"),
    }
}

/// A colour over level 100, of which it has so many parts of 255.
fn over(ink: [u8; 3], share: i32) -> [u8; 3] {
    ink.map(|level| (100 + (i32::from(level) - 100) * share / 255) as u8)
}

#[test]
fn segments_lie_on_the_image_that_they_were_made_from() {
    let frames = [Frame::of(1, IMAGE), Frame::of(2, "9.9.9"), Frame::of(2, IMAGE), Frame::of(3, IMAGE)];
    // A byte a frame, the first pixel in its lowest bit.
    let file = file(&BINARY, &frames, &[0b0000_0001, 0xFF, 0b1000_0000, 0b0000_0100]);
    let pixels = colours(&image("0"), &request(&file)).expect("a picture");
    let mut expected = [[100; 3]; 8];
    (expected[0], expected[7]) = (over(RED, 128), over(GREEN, 128));
    let own = pixels[2];
    expected[2] = own;
    assert_eq!(pixels, expected);
    assert!(own[1] > 150 && own[0] < 60 && own[2] < 60, "{own:?}");
}

#[test]
fn parts_of_a_pixel_are_parts_of_a_colour() {
    let shape = Shape { kind: "FRACTIONAL", bits: 8, ..BINARY };
    let file = file(&shape, &[Frame::of(1, IMAGE)], &[0, 100, 200, 255, 0, 0, 0, 0]);
    let pixels = colours(&image("0"), &request(&file)).expect("a picture");
    assert_eq!(pixels[..4], [[100; 3], over(RED, 64), over(RED, 128), over(RED, 128)]);
}

#[test]
fn frames_that_do_not_say_what_they_were_made_from_lie_in_their_plane() {
    let file_in =
        |space| file(&Shape { space, ..BINARY }, &[Frame::at(1, "5"), Frame::at(2, "6")], &[0xFF, 0xFF]);
    let shown = |height| colours(&image(height), &request(&file_in(SPACE)));
    assert_eq!(shown("5").expect("a picture"), [over(RED, 128); 8]);
    assert_eq!(shown("6.0").expect("a picture"), [over(GREEN, 128); 8]);
    let elsewhere = [shown("5.001"), colours(&image("5"), &request(&file_in("1.2.8")))];
    for refused in elsewhere {
        let refused = refused.expect_err("another plane, another space");
        assert!(
            matches!(refused, RenderError::InvalidRequest { parameter: "segmentation", .. }),
            "{refused}"
        );
    }
}

#[test]
fn an_image_whose_frame_is_left_out_is_shown_as_it_is_and_another_is_not_shown() {
    let of_another = [Frame::of(1, "9.9.9")];
    let known = file(&Shape { refers_to: Some(IMAGE), ..BINARY }, &of_another, &[0xFF, 0]);
    assert_eq!(colours(&image("0"), &request(&known)).expect("a picture"), [[100; 3]; 8]);
    let refused =
        colours(&image("0"), &request(&file(&BINARY, &of_another, &[0xFF, 0]))).expect_err("another");
    assert!(matches!(refused, RenderError::InvalidRequest { parameter: "segmentation", .. }), "{refused}");
}

#[test]
fn what_does_not_fit_the_image_is_refused() {
    let taller = file(&Shape { rows: 4, ..BINARY }, &[Frame::of(1, IMAGE)], &[0xFF, 0xFF]);
    assert!(matches!(colours(&image("0"), &request(&taller)), Err(RenderError::Unsupported { .. })));
    let apart = [Frame { height: Some("7"), ..Frame::of(1, IMAGE) }];
    let apart = file(&BINARY, &apart, &[0xFF, 0]);
    assert!(matches!(colours(&image("0"), &request(&apart)), Err(RenderError::Unsupported { .. })));
    assert!(colours(&image("7"), &request(&apart)).is_ok());
    for no_segmentation in [image("0"), file(&Shape { kind: "LABELMAP", ..BINARY }, &[], &[0; 2])] {
        let read = Segmentation::new(no_segmentation, &Limits::default());
        assert!(matches!(read, Err(RenderError::Unsupported { .. })));
    }
}

#[test]
fn segments_are_cut_resized_and_laid_down_with_the_picture() {
    let file = file(&BINARY, &[Frame::of(1, IMAGE)], &[0b0011_0011, 0]);
    let flipped = FrameRequest { orientation: Orientation::of_flips(true, false), ..request(&file) };
    let pixels = colours(&image("0"), &flipped).expect("a picture");
    assert_eq!(pixels[..4], [[100; 3], [100; 3], over(RED, 128), over(RED, 128)]);
    let fit = Fit { width: Some(2), height: None, enlarge: false };
    let small = colours(&image("0"), &FrameRequest { fit, ..request(&file) }).expect("a picture");
    assert_eq!(small, [over(RED, 128), [100; 3]]);
}
