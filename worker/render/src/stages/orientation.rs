//! How a picture is laid down when all else is done: turned and flipped (PS3.3 C.10.6, PS3.18 8.3.5.1.3).

use crate::picture::{DisplayImage, DisplaySamples};
use crate::request::Orientation;

/// The picture, turned and flipped with all that is burned into it.
pub(crate) fn lay_down(image: DisplayImage, orientation: Orientation) -> DisplayImage {
    if orientation == Orientation::AS_STORED {
        return image;
    }
    let size = (image.columns as usize, image.rows as usize);
    let samples = match &image.samples {
        DisplaySamples::Grey8(pixels) => DisplaySamples::Grey8(laid_down(pixels, size, orientation)),
        DisplaySamples::Grey16(pixels) => DisplaySamples::Grey16(laid_down(pixels, size, orientation)),
        DisplaySamples::Rgb8(samples) => {
            let pixels = samples.as_chunks::<3>().0;
            DisplaySamples::Rgb8(laid_down(pixels, size, orientation).into_flattened())
        }
    };
    let (columns, rows) = match orientation.swaps_sides() {
        true => (image.rows, image.columns),
        false => (image.columns, image.rows),
    };
    DisplayImage { columns, rows, samples, ..image }
}

/// Where a place of a picture of this width and height is once that is laid down.
pub(crate) fn place((x, y): (f64, f64), (width, height): (f64, f64), orientation: Orientation) -> (f64, f64) {
    let (x, y) = match orientation.quarter_turns() {
        0 => (x, y),
        1 => (height - y, x),
        2 => (width - x, height - y),
        _ => (y, width - x),
    };
    let width = if orientation.swaps_sides() { height } else { width };
    if orientation.is_flipped() { (width - x, y) } else { (x, y) }
}

/// Pixels of so many columns and rows in their new order.
fn laid_down<T: Copy>(pixels: &[T], (columns, rows): (usize, usize), orientation: Orientation) -> Vec<T> {
    if pixels.is_empty() {
        return Vec::new();
    }
    // Of the new picture: where its first pixel was, and how far on were the next of its row and of its column.
    let (last_column, last_row) = (columns - 1, (rows - 1) * columns);
    let (first, along_row, along_column) = match orientation.quarter_turns() {
        0 => (0, Step::On(1), Step::On(columns)),
        1 => (last_row, Step::Back(columns), Step::On(1)),
        2 => (last_row + last_column, Step::Back(1), Step::Back(columns)),
        _ => (last_column, Step::On(columns), Step::Back(1)),
    };
    let (new_columns, new_rows) = if orientation.swaps_sides() { (rows, columns) } else { (columns, rows) };
    let (first, along_row) = match orientation.is_flipped() {
        true => (along_row.from(first, new_columns - 1), along_row.reversed()),
        false => (first, along_row),
    };
    let mut new = Vec::with_capacity(pixels.len());
    for row in 0..new_rows {
        let start = along_column.from(first, row);
        new.extend((0..new_columns).map(|column| pixels[along_row.from(start, column)]));
    }
    new
}

/// From one pixel to the next, in pixels of the old order.
#[derive(Clone, Copy)]
enum Step {
    On(usize),
    Back(usize),
}

impl Step {
    /// So many steps from `start`.
    fn from(self, start: usize, count: usize) -> usize {
        match self {
            Self::On(length) => start + length * count,
            Self::Back(length) => start - length * count,
        }
    }

    fn reversed(self) -> Self {
        match self {
            Self::On(length) => Self::Back(length),
            Self::Back(length) => Self::On(length),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three columns and two rows, as they read in each of the eight ways.
    #[test]
    fn a_picture_can_be_laid_down_in_eight_ways() {
        for (quarter_turns, is_flipped, expected) in [
            (0, false, "abc def"),
            (1, false, "da eb fc"),
            (2, false, "fed cba"),
            (3, false, "cf be ad"),
            (0, true, "cba fed"),
            (1, true, "ad be cf"),
            (2, true, "def abc"),
            (3, true, "fc eb da"),
            (5, false, "da eb fc"),
        ] {
            let orientation = Orientation::new(quarter_turns, is_flipped);
            let laid = laid_down(b"abcdef", (3, 2), orientation);
            let rows = laid.chunks(if orientation.swaps_sides() { 2 } else { 3 });
            let rows: Vec<&str> = rows.map(|row| std::str::from_utf8(row).expect("letters")).collect();
            assert_eq!(rows.join(" "), expected, "{orientation:?}");
        }
    }

    #[test]
    fn flips_are_among_them() {
        for (horizontal, vertical, expected) in [
            (false, false, "abcdef"),
            (true, false, "cbafed"),
            (false, true, "defabc"),
            (true, true, "fedcba"),
        ] {
            let laid = laid_down(b"abcdef", (3, 2), Orientation::of_flips(horizontal, vertical));
            assert_eq!(std::str::from_utf8(&laid), Ok(expected), "{horizontal} {vertical}");
        }
    }

    /// The middles of pixels go where the pixels go.
    #[test]
    fn a_place_is_laid_down_like_the_pixel_that_it_is_in() {
        let letters = b"abcdef";
        for (quarter_turns, is_flipped) in (0..4).flat_map(|turns| [(turns, false), (turns, true)]) {
            let orientation = Orientation::new(quarter_turns, is_flipped);
            let laid = laid_down(letters, (3, 2), orientation);
            let columns = if orientation.swaps_sides() { 2 } else { 3 };
            for (nth, letter) in letters.iter().enumerate() {
                let middle = ((nth % 3) as f64 + 0.5, (nth / 3) as f64 + 0.5);
                let (x, y) = place(middle, (3.0, 2.0), orientation);
                assert_eq!(laid[y as usize * columns + x as usize], *letter, "{orientation:?}");
            }
        }
    }

    #[test]
    fn colours_stay_together() {
        let image = DisplayImage {
            rows: 1,
            columns: 2,
            samples: DisplaySamples::Rgb8(vec![1, 2, 3, 4, 5, 6]),
            window: None,
            pixel_scale: None,
            icc_profile: None,
            partial: false,
            left_out: Vec::new(),
        };
        let turned = lay_down(image, Orientation::new(1, false));
        assert_eq!((turned.columns, turned.rows), (1, 2));
        let flipped = lay_down(turned, Orientation::of_flips(false, true));
        assert_eq!(flipped.samples, DisplaySamples::Rgb8(vec![4, 5, 6, 1, 2, 3]));
    }
}
