//! What a state says of values: rescale, windows, tables, shape; and what it is of.

use super::{COLOR, IMAGE, State, frames, greys, image, image_of, reference, refusal, shown, voi};
use crate::builder::{EXPLICIT_LITTLE, FileBuilder, compose};
use noctis_render::{FrameRequest, RenderError, Voi, VoiFunction, Window};

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
