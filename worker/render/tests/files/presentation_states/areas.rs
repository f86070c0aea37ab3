//! What is shown of an image, how it lies and how large.

use super::{State, greys, image, refusal, shown};
use crate::builder::{FileBuilder, compose};
use noctis_render::{Fit, FrameRequest, RenderError};

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

/// Nobody knows the size of a pixel of the screen; a box is never left.
#[test]
fn an_area_is_as_large_as_its_mode_says() {
    let state = |mode, ratio: Option<f32>| {
        let item = area([[2, 3], [3, 4]], mode);
        let item = ratio.map_or(item.clone(), |ratio| item.floats(0x0070, 0x0103, &[ratio]));
        State::new().window(&[], "8", "16").high(|high| high.items(0x0070, 0x005A, &[item]))
    };
    let in_box = |state: &State, side| {
        let fit = Fit { width: Some(side), height: Some(side), enlarge: true };
        compose(&image(), &FrameRequest { fit, ..state.request() }).expect("a picture")
    };
    let as_it_is = [9, 10, 13, 14].map(|step| step * 17);
    let of_true_size = state("TRUE SIZE", None);
    assert_eq!(greys(&shown(&image(), &of_true_size)), as_it_is);
    assert_eq!(greys(&in_box(&of_true_size, 8)), as_it_is);
    let twice = shown(&image(), &state("MAGNIFY", Some(2.0)));
    assert_eq!((twice.columns, twice.rows), (4, 4));
    assert_eq!(twice.samples, in_box(&state("SCALE TO FIT", None), 4).samples);
    assert_eq!(in_box(&state("MAGNIFY", Some(2.0)), 8).samples, twice.samples);
    assert_eq!(greys(&in_box(&state("MAGNIFY", Some(2.0)), 2)), as_it_is);
    assert!(matches!(refusal(&image(), &state("MAGNIFY", None)), RenderError::Corrupt { .. }));
}
