//! Images under presentation states, on small files made here (PS3.3 A.33, PS3.4 N.2).

use std::sync::Arc;

use crate::builder::{EXPLICIT_LITTLE, FileBuilder, compose};
use noctis_render::{
    DisplayImage, DisplaySamples, Fit, FrameRequest, Header, Limits, PresentationState, RenderError, Voi,
    VoiFunction, Window,
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

#[test]
fn the_window_of_the_state_takes_the_place_of_that_of_the_image() {
    let state = State::new().window(&[], "8", "16");
    let image = shown(&image(), &state);
    assert_eq!(greys(&image), (0..16).map(|step| step * 17).collect::<Vec<u8>>());
    assert_eq!(image.window, Window::new(8.0, 16.0, VoiFunction::Linear).ok());
}

/// PS3.4 N.2.1: nothing of the image is left, neither its rescale nor its window.
#[test]
fn a_state_that_says_nothing_shows_every_value_of_the_bits() {
    let image = shown(&image(), &State::new());
    assert_eq!(image.window.map(|window| (window.center(), window.width())), Some((2048.0, 4096.0)));
    assert_eq!(greys(&image)[15], 1);
}

#[test]
fn the_rescale_of_the_state_comes_before_its_window() {
    let state = State::new().low(|low| {
        low.text(0x0028, 0x1052, "DS", "-8").text(0x0028, 0x1053, "DS", "1").items(
            0x0028,
            0x3110,
            &[voi(&[], "0", "16")],
        )
    });
    assert_eq!(greys(&shown(&image(), &state)), (0..16).map(|step| step * 17).collect::<Vec<u8>>());
}

#[test]
fn a_table_of_the_state_is_its_window() {
    let table = FileBuilder::item().u16s(0x0028, 0x3002, &[16, 0, 8]).bytes(
        0x0028,
        0x3006,
        "OW",
        &(0..16_u16).flat_map(|entry| (255 - 17 * entry).to_le_bytes()).collect::<Vec<_>>(),
    );
    let state = State::new().windows(&[FileBuilder::item().items(0x0028, 0x3010, &[table])]);
    assert_eq!(greys(&shown(&image(), &state)), (0..16).rev().map(|step| step * 17).collect::<Vec<u8>>());
}

/// PS3.3 C.11.6.1.2: what is dark is said by the shape alone.
#[test]
fn the_shape_of_the_state_inverts_and_the_image_does_not() {
    let rising: Vec<u8> = (0..16).map(|step| step * 17).collect();
    let falling: Vec<u8> = rising.iter().rev().copied().collect();
    for (photometric, shape, expected) in [
        ("MONOCHROME2", "IDENTITY", &rising),
        ("MONOCHROME1", "IDENTITY", &rising),
        ("MONOCHROME2", "INVERSE", &falling),
        ("MONOCHROME1", "INVERSE", &falling),
    ] {
        let state = State::new().window(&[], "8", "16").high(|high| high.text(0x2050, 0x0020, "CS", shape));
        assert_eq!(greys(&shown(&image_of(photometric, 1), &state)), expected, "{photometric} {shape}");
    }
}

#[test]
fn items_apply_to_the_images_and_frames_that_they_name() {
    let windows = [
        voi(&[reference("9.9.9")], "1000", "10"),
        voi(&[frames(IMAGE, "2\\3")], "24", "16"),
        voi(&[frames(IMAGE, "1")], "8", "16"),
    ];
    let state = State::new().windows(&windows);
    for frame_number in [1, 2] {
        let request = FrameRequest { frame_number, ..state.request() };
        let image = compose(&image_of("MONOCHROME2", 2), &request).expect("a picture");
        assert_eq!(greys(&image), (0..16).map(|step| step * 17).collect::<Vec<u8>>(), "{frame_number}");
    }
}

#[test]
fn a_state_is_not_of_what_it_does_not_refer_to() {
    for images in [vec![], vec![reference("9.9.9")], vec![frames(IMAGE, "2")]] {
        let refused = refusal(&image_of("MONOCHROME2", 2), &State { images, ..State::new() });
        assert!(matches!(refused, RenderError::InvalidRequest { parameter: "presentation_state", .. }));
    }
    let state = State { images: vec![frames(IMAGE, "2")], ..State::new() };
    let second = FrameRequest { frame_number: 2, ..state.request() };
    assert!(compose(&image_of("MONOCHROME2", 2), &second).is_ok());
}

#[test]
fn nothing_is_asked_beside_a_state_that_it_says_itself() {
    let plain = State::new().request();
    let window = Window::new(1.0, 2.0, VoiFunction::Linear).expect("valid");
    for request in [
        FrameRequest { voi: Voi::Window(window), ..plain.clone() },
        FrameRequest { invert: true, ..plain.clone() },
        FrameRequest { format: noctis_render::Format::Png16, ..plain },
    ] {
        let refused = compose(&image(), &request).expect_err("refused");
        assert!(matches!(refused, RenderError::InvalidRequest { .. }), "{refused}");
    }
}

#[test]
fn what_would_show_something_else_is_refused() {
    for class in ["1.2.840.10008.5.1.4.1.1.11.3", "1.2.840.10008.5.1.4.1.1.11.4", "1.2.840.10008.5.1.4.1.1.2"]
    {
        let read = State { class, ..State::new() }.read();
        assert!(matches!(read, Err(RenderError::Unsupported { .. })), "{class}");
    }
    let mask = State::new().low(|low| low.items(0x0028, 0x6100, &[FileBuilder::item()]));
    assert!(matches!(mask.read(), Err(RenderError::Unsupported { .. })));
    let no_window = State::new().window(&[], "8", "0");
    assert!(matches!(refusal(&image(), &no_window), RenderError::Corrupt { .. }));
    let askew = State::new().high(|high| high.u16s(0x0070, 0x0042, &[45]));
    assert!(matches!(refusal(&image(), &askew), RenderError::Corrupt { .. }));
    let shutter = State::new().low(|low| low.text(0x0018, 0x1600, "CS", "HEART"));
    assert!(matches!(refusal(&image(), &shutter), RenderError::Unsupported { .. }));
    let no_edges = State::new().low(|low| low.text(0x0018, 0x1600, "CS", "RECTANGULAR"));
    assert!(matches!(refusal(&image(), &no_edges), RenderError::Corrupt { .. }));
    let short = FileBuilder::item().u16s(0x0028, 0x3002, &[256, 0, 8]).bytes(0x0028, 0x3006, "OW", &[0, 1]);
    let no_table = State::new().high(|high| high.items(0x2050, 0x0010, &[short]));
    assert!(matches!(refusal(&image(), &no_table), RenderError::Corrupt { .. }));
    let colours = FileBuilder::new(EXPLICIT_LITTLE).colour("RGB", 1, 2).native(&[1, 2, 3, 4, 5, 6]);
    assert!(matches!(refusal(&colours, &State::new()), RenderError::Unsupported { .. }));
    let color = State { class: COLOR, ..State::new() };
    assert!(matches!(refusal(&image(), &color), RenderError::Unsupported { .. }));
    assert!(compose(&colours, &color.request()).is_ok());
}

/// PS3.3 C.10.6: turned first, then flipped.
#[test]
fn a_picture_is_turned_and_flipped_as_the_state_says() {
    let rows = [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11], [12, 13, 14, 15]];
    let turned: Vec<u8> =
        (0..4).flat_map(|column| (0..4).rev().map(move |row| rows[row][column] * 17)).collect();
    let flipped: Vec<u8> = turned.chunks(4).flat_map(|row| row.iter().rev().copied()).collect();
    for (flip, expected) in [("N", turned), ("Y", flipped)] {
        let state = State::new()
            .window(&[], "8", "16")
            .high(|high| high.text(0x0070, 0x0041, "CS", flip).u16s(0x0070, 0x0042, &[90]));
        assert_eq!(greys(&shown(&image(), &state)), expected, "{flip}");
    }
}

fn area(corners: [[i32; 2]; 2], mode: &str) -> FileBuilder {
    FileBuilder::item()
        .i32s(0x0070, 0x0052, &corners[0])
        .i32s(0x0070, 0x0053, &corners[1])
        .text(0x0070, 0x0100, "CS", mode)
}

#[test]
fn the_displayed_area_is_the_picture_and_black_where_there_is_no_image() {
    let state = |corners| {
        let state = State::new().window(&[], "8", "16");
        state.high(|high| high.items(0x0070, 0x005A, &[area(corners, "SCALE TO FIT")]))
    };
    let part = shown(&image(), &state([[2, 3], [3, 4]]));
    assert_eq!(greys(&part), [9, 10, 13, 14].map(|step| step * 17));
    // Corners as they lie in a picture that is turned by half.
    assert_eq!(greys(&shown(&image(), &state([[3, 4], [2, 3]]))), greys(&part));
    let beyond = shown(&image(), &state([[0, 4], [2, 5]]));
    assert_eq!((beyond.columns, beyond.rows), (3, 2));
    assert_eq!(greys(&beyond), [0, 12 * 17, 13 * 17, 0, 0, 0]);
    let fit = Fit { width: Some(4), height: Some(4), enlarge: true };
    let large = FrameRequest { fit, ..state([[2, 3], [3, 4]]).request() };
    let large = compose(&image(), &large).expect("a picture");
    assert_eq!((large.columns, large.rows), (4, 4));
    assert!(matches!(refusal(&image(), &state([[9, 9], [12, 12]])), RenderError::Corrupt { .. }));
    let endless = state([[i32::MIN, i32::MIN], [i32::MAX, i32::MAX]]);
    assert!(matches!(refusal(&image(), &endless), RenderError::TooLarge { .. }));
}

#[test]
fn shutters_cover_what_is_outside_with_their_value() {
    let edges = |low: FileBuilder| {
        low.text(0x0018, 0x1600, "CS", "RECTANGULAR")
            .text(0x0018, 0x1602, "IS", "2")
            .text(0x0018, 0x1604, "IS", "7")
            .text(0x0018, 0x1606, "IS", "3")
            .text(0x0018, 0x1608, "IS", "4")
    };
    let covered = "xxxxxxxx xxxxxxxx x......x x......x xxxxxxxx xxxxxxxx xxxxxxxx xxxxxxxx";
    assert_eq!(drawn(&shown(&plain(), &State::new().low(edges))), covered);
    let white = State::new().low(|low| edges(low).u16s(0x0018, 0x1622, &[u16::MAX]));
    assert_eq!(drawn(&shown(&plain(), &white)), covered.replace('x', "#"));
    let circle = State::new().low(|low| {
        low.text(0x0018, 0x1600, "CS", "CIRCULAR")
            .text(0x0018, 0x1610, "IS", "1\\1")
            .text(0x0018, 0x1612, "IS", "2")
    });
    let corner = "...xxxxx ..xxxxxx .xxxxxxx xxxxxxxx xxxxxxxx xxxxxxxx xxxxxxxx xxxxxxxx";
    assert_eq!(drawn(&shown(&plain(), &circle)), corner);
}

#[test]
fn overlays_show_where_the_state_activates_them() {
    let overlay = |builder: FileBuilder, bits: [u8; 2]| {
        builder
            .u16s(0x6000, 0x0010, &[2])
            .u16s(0x6000, 0x0011, &[8])
            .text(0x6000, 0x0040, "CS", "G")
            .bytes(0x6000, 0x0050, "SS", &[1, 0, 1, 0])
            .u16s(0x6000, 0x0100, &[1])
            .u16s(0x6000, 0x0102, &[0])
            .bytes(0x6000, 0x3000, "OW", &bits)
    };
    let image = overlay(FileBuilder::new(EXPLICIT_LITTLE).monochrome(8, 8, 8, 8, false), [0b11, 0])
        .native(&[100; 64]);
    let first_rows = |state: &State| drawn(&shown(&image, state))[..17].to_owned();
    assert_eq!(first_rows(&State::new()), "........ ........");
    let active = State::new().high(|high| high.text(0x6000, 0x1001, "CS", "NOTES"));
    assert_eq!(first_rows(&active), "##...... ........");
    // The overlay of the state takes the place of that of the image, and has the value of its layer.
    let own = State::new().high(|high| {
        let layer = FileBuilder::item().text(0x0070, 0x0002, "CS", "NOTES").u16s(0x0070, 0x0066, &[0]);
        let high = high.items(0x0070, 0x0060, &[layer]);
        let bits = |builder: FileBuilder| {
            builder
                .u16s(0x6000, 0x0010, &[2])
                .u16s(0x6000, 0x0011, &[8])
                .bytes(0x6000, 0x0050, "SS", &[1, 0, 1, 0])
                .u16s(0x6000, 0x0100, &[1])
                .u16s(0x6000, 0x0102, &[0])
                .text(0x6000, 0x1001, "CS", "NOTES")
                .bytes(0x6000, 0x3000, "OW", &[0, 0b101])
        };
        bits(high)
    });
    assert_eq!(first_rows(&own), "........ x.x.....");
}

fn graphic(units: &str, kind: &str, points: &[f32]) -> FileBuilder {
    FileBuilder::item()
        .text(0x0070, 0x0005, "CS", units)
        .u16s(0x0070, 0x0020, &[2])
        .u16s(0x0070, 0x0021, &[points.len() as u16 / 2])
        .floats(0x0070, 0x0022, points)
        .text(0x0070, 0x0023, "CS", kind)
}

fn graphics(objects: &[FileBuilder]) -> FileBuilder {
    FileBuilder::item().text(0x0070, 0x0002, "CS", "MARKS").items(0x0070, 0x0009, objects)
}

#[test]
fn graphics_are_drawn_at_their_place_of_the_image_or_of_the_picture() {
    let drawn = |object: FileBuilder, turned: bool| {
        let state = State::new().high(|high| {
            let high = high.items(0x0070, 0x0001, &[graphics(&[object])]);
            if turned { high.text(0x0070, 0x0041, "CS", "N").u16s(0x0070, 0x0042, &[90]) } else { high }
        });
        drawn(&shown(&plain(), &state))
    };
    let rows = |marked: &[(usize, &str)]| {
        let row = |nth| marked.iter().find(|(row, _)| *row == nth).map_or("........", |(_, marks)| marks);
        (0..8).map(row).collect::<Vec<_>>().join(" ")
    };
    let in_pixels = || graphic("PIXEL", "POLYLINE", &[1.5, 2.5, 5.5, 2.5]);
    assert_eq!(drawn(in_pixels(), false), rows(&[(2, ".#####..")]));
    let column: Vec<(usize, &str)> = (1..6).map(|row| (row, ".....#..")).collect();
    assert_eq!(drawn(in_pixels(), true), rows(&column), "with the image");
    let of_display = || graphic("DISPLAY", "POLYLINE", &[0.0, 0.9, 0.99, 0.9]);
    for turned in [false, true] {
        assert_eq!(drawn(of_display(), turned), rows(&[(7, "########")]), "{turned}");
    }
    let point = graphic("PIXEL", "POINT", &[3.5, 3.5]);
    assert_eq!(drawn(point, false), rows(&[(2, "..###..."), (3, "..###..."), (4, "..###...")]));
    let filled = graphic("PIXEL", "POLYLINE", &[1.5, 1.5, 4.5, 1.5, 4.5, 3.5, 1.5, 3.5, 1.5, 1.5]);
    let filled = filled.text(0x0070, 0x0024, "CS", "Y");
    assert_eq!(drawn(filled, false), rows(&[(1, ".####..."), (2, ".####..."), (3, ".####...")]));
    let circle = drawn(graphic("PIXEL", "CIRCLE", &[4.0, 4.0, 6.4, 4.0]), false);
    let ellipse = graphic("PIXEL", "ELLIPSE", &[1.6, 4.0, 6.4, 4.0, 4.0, 1.6, 4.0, 6.4]);
    assert_eq!(drawn(ellipse, false), circle);
    assert_eq!(&circle[9..17], "..####..");
    let curve = drawn(graphic("PIXEL", "INTERPOLATED", &[0.5, 4.5, 4.5, 1.5, 7.5, 4.5]), false);
    assert!(curve.starts_with("........ ") && curve.contains('#'), "{curve}");
}

#[test]
fn a_layer_says_how_bright_it_is_and_what_lies_above() {
    let layer = |name, order, value| {
        FileBuilder::item().text(0x0070, 0x0002, "CS", name).text(0x0070, 0x0062, "IS", order).u16s(
            0x0070,
            0x0066,
            &[value],
        )
    };
    let line = |name, points: &[f32]| {
        FileBuilder::item().text(0x0070, 0x0002, "CS", name).items(
            0x0070,
            0x0009,
            &[graphic("PIXEL", "POLYLINE", points)],
        )
    };
    let state = State::new().high(|high| {
        let over = line("OVER", &[0.5, 0.5, 3.5, 0.5]);
        let under = line("UNDER", &[2.5, 0.5, 7.5, 0.5]);
        high.items(0x0070, 0x0001, &[over, under]).items(
            0x0070,
            0x0060,
            &[layer("OVER", "2", 0), layer("UNDER", "1", u16::MAX)],
        )
    });
    assert!(drawn(&shown(&plain(), &state)).starts_with("xxxx#### ........"));
}

fn text(words: &str) -> FileBuilder {
    FileBuilder::item()
        .text(0x0070, 0x0003, "CS", "PIXEL")
        .text(0x0070, 0x0004, "CS", "PIXEL")
        .text(0x0070, 0x0006, "ST", words)
        .floats(0x0070, 0x0010, &[8.0, 8.0])
        .floats(0x0070, 0x0011, &[60.0, 24.0])
        .floats(0x0070, 0x0014, &[80.0, 16.0])
        .text(0x0070, 0x0015, "CS", "Y")
}

#[test]
fn a_text_is_written_in_its_box_and_leads_to_its_anchor() {
    let file = FileBuilder::new(EXPLICIT_LITTLE).monochrome(100, 100, 8, 8, false).native(&[100; 10_000]);
    let with = |object| {
        let item = FileBuilder::item().text(0x0070, 0x0002, "CS", "NOTES").items(0x0070, 0x0008, &[object]);
        let in_unicode = State::new().low(|low| low.text(0x0008, 0x0005, "CS", "ISO_IR 192"));
        shown(&file, &in_unicode.high(|high| high.items(0x0070, 0x0001, &[item])))
    };
    let image = with(text("LUNG"));
    let marked: Vec<(usize, usize)> = (0..10_000)
        .filter(|&place| greys(&image)[place] != 100)
        .map(|place| (place % 100, place / 100))
        .collect();
    assert!(marked.iter().all(|(_, row)| (8..26).contains(row)), "in its lines");
    assert!(marked.iter().any(|(column, _)| *column < 12) && marked.iter().any(|(column, _)| *column >= 79));
    assert!(image.left_out.is_empty());
    // Letters are told apart, and those that the font has not are said to be missing.
    assert_ne!(with(text("LUNA")).samples, image.samples);
    let boxes = with(text("肺"));
    assert_eq!(boxes.left_out, ["characters that the font has not are drawn as boxes"]);
}

#[test]
fn what_cannot_be_drawn_is_said() {
    let state =
        |objects: &[FileBuilder]| State::new().high(|high| high.items(0x0070, 0x0001, &[graphics(objects)]));
    for object in [
        graphic("PIXEL", "SPIRAL", &[1.0, 1.0]),
        graphic("MATRIX", "POINT", &[1.0, 1.0]),
        graphic("PIXEL", "CIRCLE", &[1.0, 1.0]),
        graphic("PIXEL", "POLYLINE", &[1.0, 1.0, f32::NAN, 2.0]),
    ] {
        let image = shown(&plain(), &state(&[object]));
        assert_eq!(image.left_out, ["a graphic of an unknown kind, or damaged, is not drawn"]);
        assert_eq!(greys(&image), [100; 64]);
    }
    let plain_request =
        FrameRequest { overlays: false, ..state(&[graphic("PIXEL", "SPIRAL", &[])]).request() };
    assert!(compose(&plain(), &plain_request).expect("a picture").left_out.is_empty(), "none is asked for");
}

#[test]
fn places_without_measure_are_outside_and_no_harm() {
    let far = [f32::MAX, f32::MIN, 1e30, -1e30];
    for kind in ["POLYLINE", "CIRCLE", "INTERPOLATED"] {
        let object = graphic("PIXEL", kind, &far).text(0x0070, 0x0024, "CS", "Y");
        let state = State::new().high(|high| high.items(0x0070, 0x0001, &[graphics(&[object])]));
        assert_eq!((shown(&plain(), &state).columns, kind), (8, kind));
    }
}
