//! What is covered, and overlays.

use super::{State, drawn, plain, refusal, shown};
use crate::builder::{EXPLICIT_LITTLE, FileBuilder};
use noctis_render::RenderError;

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
fn a_polygon_shows_what_is_inside_and_its_corners() {
    let corners = |low: FileBuilder, shapes: &str| {
        low.text(0x0018, 0x1600, "CS", shapes)
            .text(0x0018, 0x1602, "IS", "4")
            .text(0x0018, 0x1604, "IS", "8")
            .text(0x0018, 0x1606, "IS", "1")
            .text(0x0018, 0x1608, "IS", "8")
            .text(0x0018, 0x1620, "IS", "2\\2\\2\\5\\4\\5\\4\\2")
    };
    let polygon = State::new().low(|low| corners(low, "POLYGONAL"));
    let seen = "xxxxxxxx x....xxx x....xxx x....xxx xxxxxxxx xxxxxxxx xxxxxxxx xxxxxxxx";
    assert_eq!(drawn(&shown(&plain(), &polygon)), seen);
    // A pixel shows where every shape lets it.
    let both = State::new().low(|low| corners(low, "RECTANGULAR\\POLYGONAL"));
    assert_eq!(drawn(&shown(&plain(), &both)), seen.replace("x....xxx", "xxx..xxx"));
    let no_area = State::new()
        .low(|low| low.text(0x0018, 0x1600, "CS", "POLYGONAL").text(0x0018, 0x1620, "IS", "2\\2\\2\\5"));
    assert!(matches!(refusal(&plain(), &no_area), RenderError::Corrupt { .. }));
}

/// PS3.3 C.7.6.15: what the overlay has is covered, and is no overlay besides.
#[test]
fn a_bitmap_covers_where_it_is_set() {
    let state = |level: u16| {
        let state = State::new().low(|low| {
            low.text(0x0018, 0x1600, "CS", "BITMAP").u16s(0x0018, 0x1622, &[level]).u16s(
                0x0018,
                0x1623,
                &[0x6002],
            )
        });
        state.high(|high| {
            high.u16s(0x6002, 0x0010, &[2])
                .u16s(0x6002, 0x0011, &[8])
                .text(0x6002, 0x0040, "CS", "G")
                .bytes(0x6002, 0x0050, "SS", &[1, 0, 1, 0])
                .u16s(0x6002, 0x0100, &[1])
                .u16s(0x6002, 0x0102, &[0])
                .bytes(0x6002, 0x3000, "OW", &[0b11, 0b1000_0000])
        })
    };
    for (level, mark) in [(0, "x"), (u16::MAX, "#")] {
        let rows = drawn(&shown(&plain(), &state(level)));
        let expected = format!("{mark}{mark}...... .......{mark}");
        assert_eq!((&rows[..17], rows[17..].contains(mark)), (expected.as_str(), false));
    }
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
