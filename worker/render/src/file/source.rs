//! Random access to the bytes of a file. The caller does the reading: this package opens nothing.

use std::io;

/// Bytes that can be read at any offset.
pub trait ReadAt {
    /// Length of the file in bytes.
    fn byte_count(&self) -> u64;

    /// Fills `buffer` from `offset`.
    ///
    /// # Errors
    /// Any I/O error; `UnexpectedEof` when the file ends before the buffer is full.
    fn read_exact_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;
}

impl ReadAt for [u8] {
    fn byte_count(&self) -> u64 {
        self.len() as u64
    }

    fn read_exact_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let end = || io::Error::from(io::ErrorKind::UnexpectedEof);
        let start = usize::try_from(offset).map_err(|_| end())?;
        let stop = start.checked_add(buffer.len()).ok_or_else(end)?;
        buffer.copy_from_slice(self.get(start..stop).ok_or_else(end)?);
        Ok(())
    }
}

impl ReadAt for Vec<u8> {
    fn byte_count(&self) -> u64 {
        self.len() as u64
    }

    fn read_exact_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.as_slice().read_exact_at(offset, buffer)
    }
}
