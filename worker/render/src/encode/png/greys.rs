//! Finds grey pixels that came before in filtered RGB, as ultrasound has them: mostly grey, some of it coloured.
//!
//! The three samples of a grey pixel leave one residual three times. As literals they cost three codes; as a copy of the
//! last pixel with the same residual they cost little more than one. Nothing is searched and nothing compared.

use super::runs::zeros_at;
use super::segments::{DISTANCE_MAX, MATCH_MAX, Segments};

/// Bytes of a pixel.
const PIXEL: usize = 3;
/// Longest run that is whole pixels.
const RUN_MAX: usize = MATCH_MAX / PIXEL * PIXEL;

/// Where each grey residual was seen last.
pub(super) struct SeenGreys {
    places: Box<[usize; 256]>,
}

impl SeenGreys {
    pub(super) fn new() -> Self {
        // So far back that nothing is copied from there.
        Self { places: Box::new([usize::MAX / 2; 256]) }
    }

    /// Cuts the rows that lie at `begin..end` of `filtered` into literals and copies. Earlier rows may be copied from.
    pub(super) fn split(
        &mut self,
        filtered: &[u8],
        (begin, end): (usize, usize),
        row_bytes: usize,
        segments: &mut Segments,
    ) {
        segments.clear();
        segments.list.reserve((end - begin) / PIXEL);
        // A table for each sample, so that equal neighbours do not wait for each other's count.
        let mut tables = [[0; 256]; PIXEL];
        let mut start = begin;
        for row in (begin..end).step_by(row_bytes) {
            let row = &filtered[..row + row_bytes];
            start = split_row(&mut self.places, row, row.len() - row_bytes, start, &mut tables, segments);
        }
        segments.push_literals(end - start);
        for table in &tables {
            segments.add_literals(table);
        }
    }
}

/// Cuts the row that begins at `row` and ends `filtered`. `start` is where the literals begin that no segment has yet;
/// gives where they begin behind the row.
#[multiversion::multiversion(targets("x86_64+avx2+bmi1+bmi2+lzcnt"))]
fn split_row(
    places: &mut [usize; 256],
    filtered: &[u8],
    row: usize,
    mut start: usize,
    tables: &mut [[u32; 256]; PIXEL],
    segments: &mut Segments,
) -> usize {
    tables[0][usize::from(filtered[row])] += 1;
    let mut at = row + 1;
    let mut copies = 0;
    while let Some(bytes) = filtered[at..].first_chunk::<8>() {
        let [a, b, c, ..] = *bytes;
        let is_grey = a == b && b == c;
        let distance = if is_grey { at.wrapping_sub(places[usize::from(a)]) } else { usize::MAX };
        if is_grey {
            places[usize::from(a)] = at;
        }
        if distance > DISTANCE_MAX {
            for (table, sample) in tables.iter_mut().zip([a, b, c]) {
                table[usize::from(sample)] += 1;
            }
            at += PIXEL;
            continue;
        }
        segments.push_of_counted_length(at - start, PIXEL, distance);
        copies += 1;
        at += PIXEL;
        if u64::from_le_bytes(*bytes) == 0 {
            at += push_run(&filtered[at..], segments);
            places[0] = at - PIXEL;
        }
        start = at;
    }
    segments.count_lengths(PIXEL, copies);
    for &literal in &filtered[at..] {
        tables[0][usize::from(literal)] += 1;
    }
    start
}

/// Copies of the pixel before, over the whole pixels of zeros that `bytes` begins with. Gives their bytes.
fn push_run(bytes: &[u8], segments: &mut Segments) -> usize {
    let run = zeros_at(bytes) / PIXEL * PIXEL;
    let mut left = run;
    while left > 0 {
        let length = left.min(RUN_MAX);
        segments.push(0, length, PIXEL);
        left -= length;
    }
    run
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two rows: a pixel is literal the first time, then a copy of where it was last, also in the row before.
    #[test]
    fn a_grey_pixel_is_a_copy_of_the_last_with_its_residual() {
        let rows = [
            [1, 9, 9, 9, 4, 5, 6, 9, 9, 9, 0, 1, 2, 3, 4, 5, 6, 7, 8],
            [1, 4, 5, 6, 9, 9, 9, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 1, 2],
        ]
        .concat();
        let mut segments = Segments::default();
        SeenGreys::new().split(&rows, (0, rows.len()), 19, &mut segments);
        let copies: Vec<_> = segments
            .list
            .iter()
            .map(|segment| (segment.literal_count, segment.copy_length, segment.copy_distance))
            .collect();
        assert_eq!(copies, [(7, 3, 6), (13, 3, 16), (12, 0, 0)]);
    }

    #[test]
    fn black_of_any_length_is_one_literal_pixel_and_runs() {
        for pixels in [3, 50, 86, 87, 300] {
            let row = [vec![4], vec![0; pixels * PIXEL], vec![1; 9]].concat();
            let mut segments = Segments::default();
            SeenGreys::new().split(&row, (0, row.len()), row.len(), &mut segments);
            assert_eq!(segments.byte_count(), row.len(), "{pixels} pixels");
            assert!(segments.list.len() <= 5 + pixels / 85, "{pixels} pixels");
        }
    }
}
