//! Images under presentation states, on small files made here (PS3.3 A.33, PS3.4 N.2).

mod areas;
mod marks;
mod shutters;
mod values;

use std::sync::Arc;

use crate::builder::{EXPLICIT_LITTLE, FileBuilder, compose};
use noctis_render::{
    DisplayImage, DisplaySamples, FrameRequest, Header, Limits, PresentationState, RenderError,
};

const GRAYSCALE: &str = "1.2.840.10008.5.1.4.1.1.11.1";
const COLOR: &str = "1.2.840.10008.5.1.4.1.1.11.2";
/// The instance that [`FileBuilder::new`] writes.
const IMAGE: &str = "1.2.3.4";

/// Parts of a state in the order of their tags; what is absent is not written.
#[derive(Clone)]
struct State {
    class: &'static str,
    images: Vec<FileBuilder>,
    /// Groups 0018 and 0028.
    low: FileBuilder,
    /// Groups 0070 and above.
    high: FileBuilder,
}

impl State {
    /// Of the one image, as it is.
    fn new() -> Self {
        let (low, high) = (FileBuilder::item(), FileBuilder::item());
        Self { class: GRAYSCALE, images: vec![reference(IMAGE)], low, high }
    }

    fn low(mut self, part: impl FnOnce(FileBuilder) -> FileBuilder) -> Self {
        self.low = part(self.low);
        self
    }

    fn high(mut self, part: impl FnOnce(FileBuilder) -> FileBuilder) -> Self {
        self.high = part(self.high);
        self
    }

    fn window(self, images: &[FileBuilder], center: &str, width: &str) -> Self {
        self.windows(&[voi(images, center, width)])
    }

    fn windows(self, items: &[FileBuilder]) -> Self {
        self.low(|low| low.items(0x0028, 0x3110, items))
    }

    fn read(&self) -> Result<PresentationState, RenderError> {
        let series = FileBuilder::item().items(0x0008, 0x1140, &self.images);
        let file = FileBuilder::of_class(EXPLICIT_LITTLE, self.class)
            .items(0x0008, 0x1115, &[series])
            .and(&self.low)
            .and(&self.high)
            .file();
        PresentationState::new(Header::parse(&file, &Limits::default())?)
    }

    fn request(&self) -> FrameRequest {
        let state = self.read().expect("a state that is drawn");
        FrameRequest { presentation_state: Some(Arc::new(state)), ..FrameRequest::default() }
    }
}

fn reference(uid: &str) -> FileBuilder {
    FileBuilder::item().text(0x0008, 0x1155, "UI", uid)
}

fn frames(uid: &str, numbers: &str) -> FileBuilder {
    reference(uid).text(0x0008, 0x1160, "IS", numbers)
}

fn voi(images: &[FileBuilder], center: &str, width: &str) -> FileBuilder {
    let item = FileBuilder::item();
    let item = if images.is_empty() { item } else { item.items(0x0008, 0x1140, images) };
    item.text(0x0028, 0x1050, "DS", center).text(0x0028, 0x1051, "DS", width)
}

/// 4 x 4 pixels of 12 bits, 0 to 15, which the file itself would rescale and window otherwise.
fn image() -> Vec<u8> {
    image_of("MONOCHROME2", 1)
}

fn image_of(photometric: &str, frame_count: u8) -> Vec<u8> {
    let pixels: Vec<u8> = (0..16 * u16::from(frame_count)).flat_map(u16::to_le_bytes).collect();
    FileBuilder::new(EXPLICIT_LITTLE)
        .u16s(0x0028, 0x0002, &[1])
        .text(0x0028, 0x0004, "CS", photometric)
        .text(0x0028, 0x0008, "IS", &frame_count.to_string())
        .u16s(0x0028, 0x0010, &[4])
        .u16s(0x0028, 0x0011, &[4])
        .u16s(0x0028, 0x0100, &[16])
        .u16s(0x0028, 0x0101, &[12])
        .u16s(0x0028, 0x0102, &[11])
        .u16s(0x0028, 0x0103, &[0])
        .text(0x0028, 0x1050, "DS", "-993")
        .text(0x0028, 0x1051, "DS", "3")
        .text(0x0028, 0x1052, "DS", "-1000")
        .text(0x0028, 0x1053, "DS", "1")
        .native(&pixels)
}

/// 8 x 8 pixels of 8 bits, all of level 100.
fn plain() -> Vec<u8> {
    FileBuilder::new(EXPLICIT_LITTLE).monochrome(8, 8, 8, 8, false).native(&[100; 64])
}

fn shown(file: &[u8], state: &State) -> DisplayImage {
    compose(file, &state.request()).expect("a picture")
}

fn greys(image: &DisplayImage) -> &[u8] {
    match &image.samples {
        DisplaySamples::Grey8(levels) => levels,
        other => panic!("{other:?}"),
    }
}

/// Rows of a picture over level 100: `#` where it is white, `x` where it is black.
fn drawn(image: &DisplayImage) -> String {
    let letter = |level: &u8| match level {
        255 => '#',
        0 => 'x',
        100 => '.',
        _ => '?',
    };
    let rows = greys(image).chunks(image.columns as usize);
    rows.map(|row| row.iter().map(letter).collect::<String>()).collect::<Vec<_>>().join(" ")
}

fn refusal(file: &[u8], state: &State) -> RenderError {
    compose(file, &state.request()).expect_err("no picture")
}
