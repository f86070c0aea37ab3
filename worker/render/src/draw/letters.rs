//! The font: Noto Sans Mono as pixels, for Latin letters; whatever else is shown as a box.

use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};

const WEIGHT: FontWeight = FontWeight::Bold;
/// Pixels of the shorter side from which letters are larger.
const MEDIUM_FROM: u32 = 700;
const LARGE_FROM: u32 = 1400;

/// Letters of one size, each as wide as the others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Letters(RasterHeight);

impl Letters {
    /// Of a size that can be read in a picture of so many columns and rows.
    pub(crate) fn for_picture(columns: u32, rows: u32) -> Self {
        Self(match columns.min(rows) {
            LARGE_FROM.. => RasterHeight::Size32,
            MEDIUM_FROM.. => RasterHeight::Size24,
            _ => RasterHeight::Size16,
        })
    }

    /// Pixels from one letter to the next.
    pub(crate) fn width(self) -> usize {
        get_raster_width(WEIGHT, self.0)
    }

    /// Pixels from one line to the next.
    pub(crate) fn height(self) -> usize {
        self.0.val()
    }

    /// Whether there is a letter for each character of a line.
    pub(crate) fn have_all_of(self, line: &str) -> bool {
        line.chars().all(|letter| get_raster(letter, WEIGHT, self.0).is_some())
    }

    /// Row, column and share of 255 of each pixel of a letter; of a box where there is no such letter.
    pub(crate) fn pixels(self, letter: char) -> Vec<(i64, i64, u8)> {
        let Some(raster) = get_raster(letter, WEIGHT, self.0) else { return self.missing() };
        let rows = (0..).zip(raster.rows());
        let pixels = rows
            .flat_map(|(row, shares)| (0..).zip(shares).map(move |(column, &share)| (row, column, share)));
        pixels.filter(|(_, _, share)| *share > 0).collect()
    }

    /// The border of a box.
    fn missing(self) -> Vec<(i64, i64, u8)> {
        let (right, bottom) = (self.width() as i64 - 2, self.height() as i64 - 4);
        let all = (2..=bottom).flat_map(|row| (0..=right).map(move |column| (row, column)));
        let border = all.filter(|&(row, column)| row == 2 || row == bottom || column == 0 || column == right);
        border.map(|(row, column)| (row, column, 255)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latin_letters_are_there_and_others_are_boxes() {
        let letters = Letters::for_picture(512, 512);
        assert!(letters.have_all_of("Right: 12.5 mm²  Å É ß ő"));
        for missing in ["山", "Ж", "\u{FFFD}\t"] {
            assert!(!letters.have_all_of(missing), "{missing}");
        }
        assert_eq!(letters.pixels('山'), letters.pixels('Ж'));
        assert!(letters.pixels(' ').is_empty());
    }

    #[test]
    fn letters_grow_with_the_picture() {
        let heights = [64, 700, 4000].map(|side| Letters::for_picture(side, 5000).height());
        assert_eq!(heights, [16, 24, 32]);
    }
}
