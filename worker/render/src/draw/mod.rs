//! Lines, surfaces and letters drawn into a picture of 8-bit samples. What is drawn, and where, is for who draws it.
//!
//! [`curve`] makes lines of circles and curves, [`polygon`] knows what is inside, [`letters`] has the font.

pub(crate) mod curve;
pub(crate) mod letters;
pub(crate) mod polygon;

use self::letters::Letters;

/// A place in a picture: pixels from its left and from its upper edge. The middle of the first pixel is half a pixel from both.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    pub(crate) x: f64,
    pub(crate) y: f64,
}

/// What is drawn with: red, green and blue, which are one level in a grey picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ink(pub(crate) [u8; 3]);

impl Ink {
    pub(crate) const WHITE: Self = Self([255; 3]);

    pub(crate) fn of_level(level: u8) -> Self {
        Self([level; 3])
    }

    /// Black beside light inks and white beside dark ones.
    fn opposite(self) -> Self {
        let sum: u32 = self.0.iter().map(|&level| u32::from(level)).sum();
        Self::of_level(if sum > 3 * 127 { 0 } else { 255 })
    }
}

/// Moves a sample to a level, by a share of 255.
pub(crate) fn blend(sample: &mut u8, level: u8, share: u8) {
    let way = u32::from(level.abs_diff(*sample)) * u32::from(share) / 255;
    // No more than the distance between two levels.
    *sample = if level >= *sample { *sample + way as u8 } else { *sample - way as u8 };
}

/// A picture that is drawn into.
pub(crate) struct Sheet<'a> {
    samples: &'a mut [u8],
    samples_per_pixel: usize,
    columns: usize,
    rows: usize,
}

impl<'a> Sheet<'a> {
    /// Over samples of a picture of so many columns, one or three of each pixel.
    pub(crate) fn new(samples: &'a mut [u8], samples_per_pixel: usize, columns: u32) -> Self {
        let columns = columns as usize;
        let rows = samples.len() / (columns * samples_per_pixel).max(1);
        Self { samples, samples_per_pixel, columns, rows }
    }

    /// Puts `ink` on a pixel, by a share of 255; nothing where there is no such pixel.
    fn mark(&mut self, (column, row): (i64, i64), ink: Ink, share: u8) {
        let (Ok(column), Ok(row)) = (usize::try_from(column), usize::try_from(row)) else { return };
        if column >= self.columns || row >= self.rows {
            return;
        }
        let first = (row * self.columns + column) * self.samples_per_pixel;
        let pixel = &mut self.samples[first..first + self.samples_per_pixel];
        pixel.iter_mut().zip(ink.0).for_each(|(sample, level)| blend(sample, level, share));
    }

    /// A square of `width` pixels around a place.
    pub(crate) fn dot(&mut self, at: Point, width: u32, ink: Ink) {
        let before = i64::from(width / 2);
        // Casts saturate: what is far outside stays outside.
        let (left, top) = (at.x.floor() as i64, at.y.floor() as i64);
        for row in 0..i64::from(width) {
            for column in 0..i64::from(width) {
                let place = (left.saturating_add(column - before), top.saturating_add(row - before));
                self.mark(place, ink, 255);
            }
        }
    }

    /// A straight line of `width` pixels.
    pub(crate) fn line(&mut self, from: Point, to: Point, width: u32, ink: Ink) {
        let Some((from, to)) = self.clipped(from, to, f64::from(width) + 1.0) else { return };
        let (across, down) = (to.x - from.x, to.y - from.y);
        let steps = across.abs().max(down.abs()).ceil().max(1.0);
        for step in 0..=steps as u32 {
            let part = f64::from(step) / steps;
            self.dot(Point { x: from.x + across * part, y: from.y + down * part }, width, ink);
        }
    }

    /// Lines from each point to the next.
    pub(crate) fn lines(&mut self, points: &[Point], width: u32, ink: Ink) {
        points.windows(2).for_each(|pair| self.line(pair[0], pair[1], width, ink));
    }

    /// All pixels whose middle is inside of a closed polygon.
    pub(crate) fn fill(&mut self, outline: &[Point], ink: Ink) {
        for row in 0..self.rows {
            for (from, to) in polygon::inside_at(outline, row as f64 + 0.5) {
                let first = (from - 0.5).ceil().max(0.0) as usize;
                // A span that ends before the picture begins ends at no pixel.
                let end = ((to - 0.5).floor() + 1.0).clamp(0.0, self.columns as f64) as usize;
                (first..end).for_each(|column| self.mark((column as i64, row as i64), ink, 255));
            }
        }
    }

    /// One line of text whose upper left corner is at `at`, with a shadow that keeps it readable over what has its level.
    pub(crate) fn text(&mut self, at: Point, text: &str, letters: Letters, ink: Ink) {
        let (left, top) = (at.x.round() as i64, at.y.round() as i64);
        for (offset, ink) in [(1, ink.opposite()), (0, ink)] {
            for (nth, letter) in text.chars().enumerate() {
                let first = left.saturating_add(offset + (nth * letters.width()) as i64);
                if first > self.columns as i64 {
                    break;
                }
                for (row, column, share) in letters.pixels(letter) {
                    let place = (first.saturating_add(column), top.saturating_add(offset + row));
                    self.mark(place, ink, share);
                }
            }
        }
    }

    /// The part of a line that is on the picture or within `margin` of it (Liang and Barsky); `None` where there is none.
    fn clipped(&self, from: Point, to: Point, margin: f64) -> Option<(Point, Point)> {
        let (across, down) = (to.x - from.x, to.y - from.y);
        let sides = [
            (-across, from.x + margin),
            (across, self.columns as f64 + margin - from.x),
            (-down, from.y + margin),
            (down, self.rows as f64 + margin - from.y),
        ];
        let (mut first, mut last) = (0.0_f64, 1.0_f64);
        for (step, distance) in sides {
            if step == 0.0 && distance < 0.0 {
                return None;
            }
            let at = distance / step;
            match step {
                ..0.0 => first = first.max(at),
                0.0 => {}
                _ => last = last.min(at),
            }
        }
        let at = |part: f64| Point { x: from.x + across * part, y: from.y + down * part };
        let ends = [at(first), at(last)];
        let is_a_line = first <= last && ends.iter().all(|end| end.x.is_finite() && end.y.is_finite());
        is_a_line.then_some((ends[0], ends[1]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(x: f64, y: f64) -> Point {
        Point { x, y }
    }

    /// What `draw` leaves on a black sheet of 6 x 4, `#` where it is white.
    fn drawn(draw: impl FnOnce(&mut Sheet<'_>)) -> String {
        let mut samples = vec![0; 24];
        draw(&mut Sheet::new(&mut samples, 1, 6));
        let rows = samples.chunks(6).map(|row| row.iter().map(|&level| if level > 127 { '#' } else { '.' }));
        rows.map(|row| row.collect::<String>()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_line_goes_from_pixel_to_pixel_and_ends_at_the_edge() {
        let line = |from, to| drawn(|sheet| sheet.line(from, to, 1, Ink::WHITE));
        assert_eq!(line(at(1.5, 1.5), at(4.5, 1.5)), "...... .####. ...... ......");
        assert_eq!(line(at(0.5, 0.5), at(3.5, 3.5)), "#..... .#.... ..#... ...#..");
        assert_eq!(line(at(-1e9, 2.5), at(1e9, 2.5)), "...... ...... ###### ......");
        assert_eq!(line(at(-1e300, -5.0), at(1e300, -5.0)), "...... ...... ...... ......");
        assert_eq!(line(at(f64::MAX, 0.0), at(f64::MIN, 0.0)), "...... ...... ...... ......", "no number");
    }

    #[test]
    fn a_surface_covers_the_pixels_whose_middle_it_holds() {
        let outline = [at(1.0, 1.0), at(4.0, 1.0), at(4.0, 3.0), at(1.0, 3.0)];
        assert_eq!(drawn(|sheet| sheet.fill(&outline, Ink::WHITE)), "...... .###.. .###.. ......");
        let outside = [at(-9.0, 1.0), at(-4.0, 1.0), at(-4.0, 3.0)];
        assert_eq!(drawn(|sheet| sheet.fill(&outside, Ink::WHITE)), "...... ...... ...... ......");
    }

    #[test]
    fn a_dot_is_a_square_around_its_place() {
        assert_eq!(drawn(|sheet| sheet.dot(at(1.5, 1.5), 3, Ink::WHITE)), "###... ###... ###... ......");
        assert_eq!(drawn(|sheet| sheet.dot(at(1e300, 0.0), 3, Ink::WHITE)), "...... ...... ...... ......");
    }

    #[test]
    fn a_share_of_an_ink_goes_so_far_from_what_was_there() {
        for (sample, level, share, expected) in
            [(0, 255, 255, 255), (100, 200, 127, 149), (200, 100, 127, 151), (7, 200, 0, 7)]
        {
            let mut blended = sample;
            blend(&mut blended, level, share);
            assert_eq!(blended, expected, "{sample} {level} {share}");
        }
    }

    #[test]
    fn letters_are_drawn_with_a_shadow_and_stay_on_the_sheet() {
        let mut samples = vec![128; 40 * 20];
        let letters = Letters::for_picture(40, 20);
        Sheet::new(&mut samples, 1, 40).text(at(2.0, 1.0), "H", letters, Ink::WHITE);
        assert!(samples.iter().any(|&level| level > 220) && samples.iter().any(|&level| level < 30));
        let far = |samples: &mut Vec<u8>, x, y| {
            Sheet::new(samples, 1, 40).text(at(x, y), "HHHHHHHHHH", letters, Ink::WHITE);
        };
        let before = samples.clone();
        for (x, y) in [(-1e9, 0.0), (1e300, 0.0), (0.0, 1e300), (0.0, -1e300)] {
            far(&mut samples, x, y);
        }
        assert_eq!(samples, before);
    }
}
