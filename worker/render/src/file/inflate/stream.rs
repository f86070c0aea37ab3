//! A deflated file from its start, piece by piece, so that nobody needs room for all of it.

use std::fmt;
use std::io::{self, BufReader, ErrorKind, Read};

use flate2::bufread::{DeflateDecoder, ZlibDecoder};

use super::{DAMAGED, INFLATED_BYTES, ZLIB_START};
use crate::file::parse::start::read_start;
use crate::file::source::ReadAt;
use crate::file::transfer_syntax::DEFLATED_EXPLICIT_LITTLE;
use crate::{Limits, RenderError, limits};

/// Bytes that are inflated at a time, and deflated ones that are read ahead.
pub(super) const PIECE_BYTES: usize = 64 << 10;

/// How a deflated file inflates: found out once by [`crate::scan`], and gone by whenever the file is read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deflation {
    wrapper: Wrapper,
    data_set_start: u64,
    /// Bytes of the data set once inflated; past the limit when they were not counted.
    data_set_byte_count: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrapper {
    None,
    Zlib,
}

impl Deflation {
    /// The ways in which the deflated data set of `file` may inflate, the likelier first. Which is right tells the end of
    /// the stream, or a checksum of what was inflated.
    ///
    /// # Errors
    /// As the reading of any file up to its data set; [`RenderError::Corrupt`] for one that is not deflated.
    pub fn ways(file: &[u8], limits: &Limits) -> Result<Vec<Self>, RenderError> {
        let start = read_start(file, file.len() as u64)?;
        if start.transfer_syntax_uid != DEFLATED_EXPLICIT_LITTLE {
            return Err(RenderError::corrupt("the data set is not deflated"));
        }
        let first = file.get(start.data_set_start).copied();
        Ok(Self::ways_from(first, start.data_set_start as u64, limits))
    }

    fn ways_from(first: Option<u8>, data_set_start: u64, limits: &Limits) -> Vec<Self> {
        let in_wrapper = (first == Some(ZLIB_START)).then_some(Wrapper::Zlib);
        let wrappers = [Wrapper::None].into_iter().chain(in_wrapper);
        let data_set_byte_count = limits.inflated_bytes_max + 1;
        wrappers.map(|wrapper| Self { wrapper, data_set_start, data_set_byte_count }).collect()
    }

    /// Inflates the data set of `file` once, to its end, and keeps nothing of it.
    ///
    /// # Errors
    /// [`RenderError::Corrupt`] for a damaged stream, [`RenderError::TooLarge`], [`RenderError::Io`].
    pub(crate) fn of(file: &dyn ReadAt, data_set_start: u64, limits: &Limits) -> Result<Self, RenderError> {
        let mut first = [0];
        let first = file.read_exact_at(data_set_start, &mut first).is_ok().then_some(first[0]);
        let mut inflated = Err(RenderError::corrupt(DAMAGED));
        for way in Self::ways_from(first, data_set_start, limits) {
            inflated = drain(way.inflate(FromStart::of(file))).map(|byte_count| (way, byte_count));
            if !matches!(inflated, Err(RenderError::Corrupt { .. })) {
                break;
            }
        }
        let (way, byte_count) = inflated?;
        let data_set_byte_count = byte_count.saturating_sub(data_set_start);
        limits::check(INFLATED_BYTES, data_set_byte_count, limits.inflated_bytes_max)?;
        Ok(Self { data_set_byte_count, ..way })
    }

    /// What [`super::inflate`] makes of the bytes that `file` yields from its first, as they come.
    pub fn inflate<R: Read>(&self, file: R) -> Inflated<R> {
        let source = BufReader::with_capacity(PIECE_BYTES, Source(file));
        let decoder = match self.wrapper {
            Wrapper::None => Decoder::Raw(DeflateDecoder::new(source)),
            Wrapper::Zlib => Decoder::Zlib(ZlibDecoder::new(source)),
        };
        Inflated { decoder, plain_left: self.data_set_start, inflated_left: self.data_set_byte_count }
    }

    /// Bytes of the whole file once inflated.
    pub(super) fn byte_count(&self) -> u64 {
        self.data_set_start + self.data_set_byte_count
    }
}

/// A deflated file as [`Deflation::inflate`] reads it: its meta information as it is, then its data set, inflated.
/// It holds some 100 KB, however large the file.
pub struct Inflated<R> {
    decoder: Decoder<R>,
    plain_left: u64,
    inflated_left: u64,
}

enum Decoder<R> {
    Raw(DeflateDecoder<BufReader<Source<R>>>),
    Zlib(ZlibDecoder<BufReader<Source<R>>>),
}

impl<R: Read> Decoder<R> {
    fn source(&mut self) -> &mut BufReader<Source<R>> {
        match self {
            Self::Raw(decoder) => decoder.get_mut(),
            Self::Zlib(decoder) => decoder.get_mut(),
        }
    }

    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Raw(decoder) => decoder.read(out),
            Self::Zlib(decoder) => decoder.read(out),
        }
    }
}

impl<R: Read> Read for Inflated<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.plain_left > 0 {
            let count = self.decoder.source().take(self.plain_left).read(out)?;
            self.plain_left -= count as u64;
            return Ok(count);
        }
        let room = usize::try_from(self.inflated_left).map_or(out.len(), |left| left.min(out.len()));
        if room == 0 {
            return Ok(0);
        }
        let count = self.decoder.read(&mut out[..room])?;
        self.inflated_left -= count as u64;
        Ok(count)
    }
}

impl<R> fmt::Debug for Inflated<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { plain_left, inflated_left, .. } = self;
        f.debug_struct("Inflated")
            .field("plain_left", plain_left)
            .field("inflated_left", inflated_left)
            .finish()
    }
}

/// Reads to the end, and counts.
fn drain(mut stream: impl Read) -> Result<u64, RenderError> {
    let mut piece = vec![0; PIECE_BYTES];
    let mut byte_count = 0;
    loop {
        match stream.read(&mut piece) {
            Ok(0) => return Ok(byte_count),
            Ok(count) => byte_count += count as u64,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(to_render_error(error)),
        }
    }
}

/// A stream that cannot be inflated is damaged; one that cannot be read may be well.
fn to_render_error(error: io::Error) -> RenderError {
    match error.downcast::<SourceFailed>() {
        Ok(SourceFailed(error)) => RenderError::Io(error),
        Err(_) => RenderError::corrupt(DAMAGED),
    }
}

/// What is inflated, whose failures are told apart from those of inflating.
struct Source<R>(R);

#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct SourceFailed(io::Error);

impl<R: Read> Read for Source<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.0.read(out).map_err(|error| io::Error::new(error.kind(), SourceFailed(error)))
    }
}

/// A file that is read from its first byte on.
pub(super) struct FromStart<'a> {
    file: &'a dyn ReadAt,
    at: u64,
}

impl<'a> FromStart<'a> {
    pub(super) fn of(file: &'a dyn ReadAt) -> Self {
        Self { file, at: 0 }
    }
}

impl Read for FromStart<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let left = self.file.byte_count().saturating_sub(self.at);
        let count = usize::try_from(left).map_or(out.len(), |left| left.min(out.len()));
        self.file.read_exact_at(self.at, &mut out[..count])?;
        self.at += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, ZlibEncoder};

    use super::super::inflate_onto;
    use super::*;

    const HEAD: &[u8] = b"what comes before the data set";

    fn noise(byte_count: u32) -> Vec<u8> {
        (0..byte_count).map(|index| (index.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
    }

    fn raw(content: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(HEAD.to_vec(), Compression::fast());
        encoder.write_all(content).expect("writing to memory");
        encoder.finish().expect("writing to memory")
    }

    fn in_wrapper(content: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(HEAD.to_vec(), Compression::fast());
        encoder.write_all(content).expect("writing to memory");
        encoder.finish().expect("writing to memory")
    }

    fn limits(inflated_bytes_max: u64) -> Limits {
        Limits { inflated_bytes_max, ..Limits::default() }
    }

    fn streamed(file: &[u8], inflated_bytes_max: u64) -> Result<Vec<u8>, RenderError> {
        let file = file.to_vec();
        let deflation = Deflation::of(&file, HEAD.len() as u64, &limits(inflated_bytes_max))?;
        let mut all = Vec::new();
        deflation.inflate(&file[..]).read_to_end(&mut all)?;
        assert_eq!(all.len() as u64, deflation.byte_count());
        Ok(all)
    }

    /// Files of every kind, sound, damaged and too large: both ways say the same of each.
    #[test]
    fn what_streams_is_what_the_whole_inflates_to() {
        let stored = [&[1, 4, 0, 0xFB, 0xFF][..], b"cell"].concat();
        let like_a_wrapper = [&[0x78, 4, 0, 0xFB, 0xFF][..], b"cell", &[3, 0]].concat();
        let mut damaged = raw(&noise(100_000));
        let middle = damaged.len() / 2;
        damaged[middle] ^= 0x55;
        let mut files =
            vec![HEAD.to_vec(), [HEAD, &stored].concat(), [HEAD, &like_a_wrapper].concat(), damaged];
        for content in [&[][..], b"0", &noise(1000), &noise(300_000), &vec![0; 5 << 20]] {
            for file in [raw(content), in_wrapper(content)] {
                files.push([&file, &b"after the end"[..]].concat());
                files.push(file[..file.len() - 1].to_vec());
                files.push(file);
            }
        }
        for file in files {
            for bytes_max in [1 << 30, 1000, 0] {
                let mut whole = HEAD.to_vec();
                let expected = inflate_onto(&mut whole, &file[HEAD.len()..], bytes_max).map(|()| whole);
                match (streamed(&file, bytes_max), expected) {
                    (Ok(streamed), Ok(expected)) => assert!(streamed == expected),
                    (Err(streamed), Err(expected)) => assert_eq!(streamed.to_string(), expected.to_string()),
                    (streamed, expected) => panic!("{:?}, not {:?}", streamed.is_ok(), expected.is_ok()),
                }
            }
        }
    }

    /// A storage that is away must not make a file a damaged one.
    #[test]
    fn a_failed_read_is_no_damage() {
        struct Away(Vec<u8>);
        impl ReadAt for Away {
            fn byte_count(&self) -> u64 {
                self.0.len() as u64
            }

            fn read_exact_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
                if offset > 0 { Err(ErrorKind::TimedOut.into()) } else { self.0.read_exact_at(offset, out) }
            }
        }
        let file = Away(raw(&noise(1 << 20)));
        let away = Deflation::of(&file, HEAD.len() as u64, &Limits::default()).expect_err("it is away");
        assert!(matches!(away, RenderError::Io(error) if error.kind() == ErrorKind::TimedOut));
    }
}
