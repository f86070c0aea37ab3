//! RLE (PS3.5 annex G): a segment for each byte of each sample, the most significant first, packed row by row like `PackBits`.

use super::stored::StoredSamples;
use crate::RenderError;

const HEADER_BYTES: usize = 64;
const SEGMENTS_MAX: usize = 15;
/// Bytes that one code can stand for (G.3.1).
const RUN_MAX: usize = 128;
/// A run that is shorter takes no less as literals.
const RUN_MIN: usize = 3;

/// A frame of `cells`, one plane of samples after the other, little endian.
///
/// # Errors
/// [`RenderError::Unsupported`] for more segments than a header has room for.
pub(super) fn encode(cells: &[u8], stored: &StoredSamples<'_>) -> Result<Vec<u8>, RenderError> {
    let cell_bytes = usize::from(stored.bits_allocated / 8);
    let (columns, rows) = (stored.columns as usize, stored.rows as usize);
    let segment_count = cell_bytes * usize::from(stored.samples_per_pixel);
    if segment_count > SEGMENTS_MAX {
        return Err(RenderError::unsupported("more than 15 segments of RLE"));
    }
    let mut frame = vec![0; HEADER_BYTES];
    let put_word = |frame: &mut Vec<u8>, place: usize, word: usize| {
        let word = u32::try_from(word).map_err(|_| RenderError::unsupported("4 GiB of RLE"))?;
        frame[place * 4..][..4].copy_from_slice(&word.to_le_bytes());
        Ok::<_, RenderError>(())
    };
    put_word(&mut frame, 0, segment_count)?;
    let mut row = Vec::with_capacity(columns);
    for segment in 0..segment_count {
        let start = frame.len();
        put_word(&mut frame, segment + 1, start)?;
        let (sample, byte) = (segment / cell_bytes, cell_bytes - 1 - segment % cell_bytes);
        let plane = &cells[sample * columns * rows * cell_bytes..][..columns * rows * cell_bytes];
        for cells in plane.chunks_exact(columns * cell_bytes) {
            row.clear();
            row.extend(cells.iter().skip(byte).step_by(cell_bytes));
            pack(&row, &mut frame);
        }
        if !frame.len().is_multiple_of(2) {
            frame.push(0);
        }
    }
    Ok(frame)
}

/// One row: runs of equal bytes, and between them bytes as they are.
fn pack(row: &[u8], out: &mut Vec<u8>) {
    let (mut literals, mut at) = (0, 0);
    while at < row.len() {
        let run = row[at..].iter().take(RUN_MAX).take_while(|byte| **byte == row[at]).count();
        if run >= RUN_MIN {
            put_literals(&row[literals..at], out);
            // -(run - 1) as a byte.
            out.extend([(257 - run) as u8, row[at]]);
            literals = at + run;
        }
        at += run;
    }
    put_literals(&row[literals..], out);
}

fn put_literals(bytes: &[u8], out: &mut Vec<u8>) {
    for piece in bytes.chunks(RUN_MAX) {
        out.push((piece.len() - 1) as u8);
        out.extend_from_slice(piece);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_packed_as_runs_and_literals() {
        let packed = |row: &[u8]| {
            let mut out = Vec::new();
            pack(row, &mut out);
            out
        };
        assert_eq!(packed(&[]), []);
        assert_eq!(packed(&[7]), [0, 7]);
        assert_eq!(packed(&[7, 7]), [1, 7, 7]);
        assert_eq!(packed(&[7, 7, 7]), [254, 7]);
        assert_eq!(packed(&[1, 2, 7, 7, 7, 3]), [1, 1, 2, 254, 7, 0, 3]);
        assert_eq!(packed(&[9; 129]), [129, 9, 0, 9]);
        let literals: Vec<u8> = (0..130).collect();
        let expected = [&[127][..], &literals[..128], &[1, 128, 129]].concat();
        assert_eq!(packed(&literals), expected);
    }
}
