//! A deflated file read at any offset, for a scan that goes forward and looks back a little.

use std::cell::RefCell;
use std::io::{self, ErrorKind, Read};

use super::stream::{Deflation, FromStart, Inflated, PIECE_BYTES};
use crate::file::source::ReadAt;

/// A file as it is once inflated. What lies ahead is inflated up to there; what lies further back than the window is
/// inflated from the start again.
pub(crate) struct InflatedFile<'a> {
    file: &'a dyn ReadAt,
    deflation: Deflation,
    window: RefCell<Window<'a>>,
}

impl<'a> InflatedFile<'a> {
    pub(crate) fn new(file: &'a dyn ReadAt, deflation: Deflation) -> Self {
        Self { file, deflation, window: RefCell::new(Window::at_start(file, deflation)) }
    }
}

impl ReadAt for InflatedFile<'_> {
    fn byte_count(&self) -> u64 {
        self.deflation.byte_count()
    }

    fn read_exact_at(&self, offset: u64, mut buffer: &mut [u8]) -> io::Result<()> {
        let mut window = self.window.borrow_mut();
        if offset < window.start {
            *window = Window::at_start(self.file, self.deflation);
        }
        let mut offset = offset;
        while !buffer.is_empty() {
            let there = window.from(offset);
            if there.is_empty() {
                window.advance()?;
                continue;
            }
            let count = there.len().min(buffer.len());
            let (now, later) = buffer.split_at_mut(count);
            now.copy_from_slice(&there[..count]);
            buffer = later;
            offset += count as u64;
        }
        Ok(())
    }
}

/// The last one or two pieces of the stream.
struct Window<'a> {
    stream: Inflated<FromStart<'a>>,
    /// Offset of the first of `bytes`.
    start: u64,
    bytes: Vec<u8>,
}

impl<'a> Window<'a> {
    fn at_start(file: &'a dyn ReadAt, deflation: Deflation) -> Self {
        Self { stream: deflation.inflate(FromStart::of(file)), start: 0, bytes: Vec::new() }
    }

    /// What is here from `offset` on, which must not lie before the window.
    fn from(&self, offset: u64) -> &[u8] {
        let index = usize::try_from(offset - self.start).unwrap_or(usize::MAX);
        self.bytes.get(index..).unwrap_or_default()
    }

    /// # Errors
    /// `UnexpectedEof` at the end; what the stream fails with.
    fn advance(&mut self) -> io::Result<()> {
        if self.bytes.len() >= 2 * PIECE_BYTES {
            self.bytes.drain(..PIECE_BYTES);
            self.start += PIECE_BYTES as u64;
        }
        let before = self.bytes.len();
        (&mut self.stream).take(PIECE_BYTES as u64).read_to_end(&mut self.bytes)?;
        if self.bytes.len() == before { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::Limits;

    #[test]
    fn any_part_can_be_read_in_any_order() {
        let content: Vec<u8> = (0..1_000_000_u32).flat_map(u32::to_le_bytes).collect();
        let mut encoder = flate2::write::DeflateEncoder::new(b"HEAD".to_vec(), flate2::Compression::fast());
        encoder.write_all(&content).expect("writing to memory");
        let file = encoder.finish().expect("writing to memory");
        let whole = [b"HEAD", &content[..]].concat();
        let deflation = Deflation::of(&file, 4, &Limits::default()).expect("a sound stream");
        let inflated = InflatedFile::new(&file, deflation);
        assert_eq!(inflated.byte_count(), whole.len() as u64);
        let parts = [(0, 3), (2, 500_000), (499_000, 8), (3_000_000, 100), (2_990_000, 20_000), (5, 70_000)];
        for (offset, length) in
            parts.into_iter().chain([(whole.len() - 9, 9), (whole.len(), 0), (0, whole.len())])
        {
            let mut part = vec![0; length];
            inflated.read_exact_at(offset as u64, &mut part).expect("inside");
            assert!(part == whole[offset..offset + length], "{length} bytes at {offset}");
        }
        let past = inflated.read_exact_at(whole.len() as u64 - 1, &mut [0; 2]).expect_err("past the end");
        assert_eq!(past.kind(), ErrorKind::UnexpectedEof);
    }
}
