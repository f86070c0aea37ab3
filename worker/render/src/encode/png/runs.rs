//! Finds runs of zeros in filtered bytes, the one repeat that pictures with detector noise have.

use super::segments::{MATCH_MAX, MATCH_MIN, Segments};

/// Zeros that make a run worth a match.
pub(super) const RUN_MIN: usize = 8;

/// Cuts `bytes` into literals and runs of at least `run_min` zeros.
pub(super) fn split(bytes: &[u8], run_min: usize, segments: &mut Segments) {
    segments.clear();
    // Eight tables, so that equal neighbours do not wait for each other's count.
    let mut tables = [[0u32; 256]; 8];
    let (mut start, mut at, mut counted_in_runs) = (0, 0, 0);
    while let Some(word) = bytes[at..].first_chunk::<8>() {
        if u64::from_ne_bytes(*word) != 0 {
            for (table, &byte) in tables.iter_mut().zip(word) {
                table[usize::from(byte)] += 1;
            }
            at += 8;
            continue;
        }
        let before = bytes[start..at].iter().rev().take_while(|&&byte| byte == 0).count();
        let behind = zeros_at(&bytes[at..]);
        at += behind;
        if before + behind < run_min {
            segments.literals[0] += behind as u32;
            continue;
        }
        counted_in_runs += before as u32;
        start = at - push_run(at - behind - before - start, before + behind, segments);
    }
    for &byte in &bytes[at..] {
        segments.literals[usize::from(byte)] += 1;
    }
    for table in &tables {
        segments.add_literals(table);
    }
    segments.literals[0] -= counted_in_runs;
    segments.push_literals(bytes.len() - start);
}

/// Zeros that `bytes` begins with.
pub(super) fn zeros_at(bytes: &[u8]) -> usize {
    let words = bytes.as_chunks::<8>().0;
    let whole = words.iter().take_while(|word| u64::from_ne_bytes(**word) == 0).count() * 8;
    whole + bytes[whole..].iter().take_while(|&&byte| byte == 0).count()
}

/// A zero to copy from, then matches at distance 1. Gives the zeros left over, fewer than a match needs: they begin
/// the next segment as literals, and are counted already.
fn push_run(literals_before: usize, zeros: usize, segments: &mut Segments) -> usize {
    let mut literal_count = literals_before + 1;
    let mut left = zeros - 1;
    while left >= MATCH_MIN {
        let length = left.min(MATCH_MAX);
        segments.push(literal_count, length, 1);
        literal_count = 0;
        left -= length;
    }
    segments.literals[0] += 1 + left as u32;
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_found_wherever_they_begin_and_said_in_full() {
        for begin in 0..40 {
            for zeros in [15, 16, 30, 259, 260, 261, 262, 600, 2000] {
                let bytes = [vec![1; begin], vec![0; zeros], vec![1; 9]].concat();
                let mut segments = Segments::default();
                split(&bytes, RUN_MIN, &mut segments);
                assert_eq!(segments.byte_count(), bytes.len(), "{zeros} zeros from {begin}");
                assert_eq!(segments.literals[1] as usize, begin + 9, "{zeros} zeros from {begin}");
                assert!(segments.literals[0] <= 3, "{zeros} zeros from {begin}");
            }
        }
    }
}
