//! What is drawn and written over an image.

use super::{State, drawn, greys, plain, shown};
use crate::builder::{EXPLICIT_LITTLE, FileBuilder, compose};
use noctis_render::FrameRequest;

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
