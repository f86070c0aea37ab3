//! Finds repeats of two and more pixels in filtered RGB, as captures of screens and ultrasound have them.
//!
//! A repeat begins and ends between pixels, so that a third of the places is looked at; of earlier places with the
//! same hash only the last is tried.

use super::segments::{DISTANCE_MAX, MATCH_MAX, Segments};

/// Bytes of a pixel.
const PIXEL: usize = 3;
/// Shortest repeat: two pixels. One would cost more than its literals.
const REPEAT_MIN: usize = 2 * PIXEL;
/// Longest repeat that is whole pixels.
const REPEAT_MAX: usize = MATCH_MAX / PIXEL * PIXEL;
const HASH_BITS: u32 = 15;

/// Where two pixels of each hash were seen last.
pub(super) struct Seen {
    places: Vec<u32>,
}

impl Seen {
    pub(super) fn new() -> Self {
        Self { places: vec![u32::MAX; 1 << HASH_BITS] }
    }

    /// Cuts the rows that lie at `begin..end` of `filtered` into literals and repeats. Earlier rows may be repeated.
    pub(super) fn split(
        &mut self,
        filtered: &[u8],
        (begin, end): (usize, usize),
        row_bytes: usize,
        segments: &mut Segments,
    ) {
        segments.clear();
        // A table for each sample, so that the three of a grey pixel do not wait for each other's count.
        let mut tables = [[0u32; 256]; PIXEL];
        let mut start = begin;
        for row in (begin..end).step_by(row_bytes) {
            let row_end = row + row_bytes;
            let mut at = row + 1;
            while let Some((length, distance)) = self.next_repeat(&filtered[..row_end], &mut at, &mut tables)
            {
                segments.push(at - start, length, distance);
                at += length;
                start = at;
            }
            for &literal in filtered[row..row_end].first().into_iter().chain(&filtered[at..row_end]) {
                segments.literals[usize::from(literal)] += 1;
            }
        }
        segments.push_literals(end - start);
        for table in &tables {
            segments.add_literals(table);
        }
    }

    /// Moves `at` over pixels, counted, to a repeat; gives its length and distance. `None` near the end of the row.
    #[inline(always)]
    fn next_repeat(
        &mut self,
        filtered: &[u8],
        at: &mut usize,
        tables: &mut [[u32; 256]; PIXEL],
    ) -> Option<(usize, usize)> {
        while let Some(bytes) = filtered[*at..].first_chunk::<8>() {
            if let Some(repeat) = self.repeat_at(filtered, *at) {
                return Some(repeat);
            }
            for (table, &sample) in tables.iter_mut().zip(bytes) {
                table[usize::from(sample)] += 1;
            }
            *at += PIXEL;
        }
        None
    }

    /// Length and distance of a repeat of what is at `at`; remembers the place.
    #[inline(always)]
    fn repeat_at(&mut self, filtered: &[u8], at: usize) -> Option<(usize, usize)> {
        let word = first_pixels(filtered, at)?;
        let hash = (word.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - HASH_BITS)) as usize;
        let place = std::mem::replace(&mut self.places[hash], at as u32) as usize;
        let distance = at.wrapping_sub(place);
        if distance > DISTANCE_MAX || first_pixels(filtered, place)? != word {
            return None;
        }
        let here = &filtered[at..filtered.len().min(at + REPEAT_MAX)];
        let same = same_count(here, &filtered[place..]);
        Some((same / PIXEL * PIXEL, distance)).filter(|&(length, _)| length >= REPEAT_MIN)
    }
}

/// Two pixels in the upper six bytes.
#[inline(always)]
fn first_pixels(filtered: &[u8], at: usize) -> Option<u64> {
    filtered.get(at..)?.first_chunk::<8>().map(|bytes| u64::from_le_bytes(*bytes) << 16)
}

/// Bytes that both begin with.
#[inline(always)]
fn same_count(here: &[u8], there: &[u8]) -> usize {
    let mut count = 0;
    for (a, b) in here.as_chunks::<8>().0.iter().zip(there.as_chunks::<8>().0) {
        let difference = u64::from_le_bytes(*a) ^ u64::from_le_bytes(*b);
        if difference != 0 {
            return count + (difference.trailing_zeros() / 8) as usize;
        }
        count += 8;
    }
    count + here[count..].iter().zip(&there[count..]).take_while(|(a, b)| a == b).count()
}
