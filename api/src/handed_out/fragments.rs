//! One stream that lies in fragments (PS3.5 A.4), as videos do: the bytes of it alone, without the headers of the items, whole or
//! in part, and never in memory. Nothing is decoded.

use std::ops::Range;

use bytes::Bytes;
use futures::{
    StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use noctis_shared::{job::FrameRange, storage::StoredFile};

use super::{
    CutOff,
    frame::{ITEM, ITEM_HEADER_BYTES},
    verified::verified_value,
};
use crate::{
    back_end::file_problem,
    problem::{Kind, Problem},
};

/// Fragments of one stream: each is looked at before any of it is sent. Writers put a stream into one, or cut it into some of
/// megabytes.
const FRAGMENTS_MAX: usize = 1000;

/// A stream, and where its pieces lie.
pub(crate) struct Fragments {
    file: StoredFile,
    all: FrameRange,
    /// In the file, in their order.
    values: Vec<Range<u64>>,
}

impl Fragments {
    /// Of the items in `all`.
    ///
    /// # Errors
    /// 422 for what is not of items, or of too many; 503 for a file that cannot be read.
    pub(crate) async fn find(file: StoredFile, all: FrameRange) -> Result<Self, Problem> {
        let damaged = || {
            Problem::new(Kind::Unrenderable, "The fragments of the stream could not be found in the file.")
        };
        let end = all.offset.checked_add(all.byte_count).ok_or_else(damaged)?;
        let (mut values, mut at) = (Vec::new(), all.offset);
        while at < end {
            let value = at + ITEM_HEADER_BYTES as u64;
            if value > end || values.len() == FRAGMENTS_MAX {
                return Err(damaged());
            }
            let header = file.bytes(at..value).await.map_err(|error| file_problem(&error))?;
            let length = header.last_chunk().filter(|_| header.starts_with(ITEM));
            let length = u64::from(u32::from_le_bytes(*length.ok_or_else(damaged)?));
            at = (value + length).min(end);
            values.push(value..at);
        }
        Ok(Self { file, all, values })
    }

    pub(crate) fn byte_count(&self) -> u64 {
        self.values.iter().map(|value| value.end - value.start).sum()
    }

    /// So many bytes of its beginning, or fewer.
    ///
    /// # Errors
    /// 503 for a file that cannot be read.
    pub(crate) async fn beginning(&self, byte_count: u64) -> Result<Bytes, Problem> {
        let first = self.values.first().cloned().unwrap_or_default();
        let end = first.end.min(first.start + byte_count);
        self.file.bytes(first.start..end).await.map_err(|error| file_problem(&error))
    }

    /// The whole, held against the checksum of the index.
    pub(crate) fn whole(self) -> BoxStream<'static, Result<Bytes, CutOff>> {
        let Self { file, all, values } = self;
        let mut at = all.offset;
        let pieces = verified_value(file.read(all.offset..all.offset + all.byte_count), all.checksum);
        let of_values = pieces.map_ok(move |piece| {
            let start = at;
            at += piece.len() as u64;
            stream::iter(within(&piece, start, &values).into_iter().map(Ok).collect::<Vec<_>>())
        });
        of_values.try_flatten().boxed()
    }

    /// The bytes within `range`, which count from the first of the stream.
    pub(crate) fn part(self, range: &Range<u64>) -> BoxStream<'static, Result<Bytes, CutOff>> {
        let mut before = 0;
        let mut places = Vec::new();
        for value in &self.values {
            let length = value.end - value.start;
            let (from, to) = (range.start.max(before), range.end.min(before + length));
            if from < to {
                places.push(value.start + from - before..value.start + to - before);
            }
            before += length;
        }
        let file = self.file;
        stream::iter(places)
            .flat_map(move |place| file.read(place))
            .map(|piece| piece.map_err(CutOff::from))
            .boxed()
    }
}

/// Those of `piece`, which lies at `start`, that are of `values`.
fn within(piece: &Bytes, start: u64, values: &[Range<u64>]) -> Vec<Bytes> {
    let end = start + piece.len() as u64;
    let first = values.partition_point(|value| value.end <= start);
    let overlapping = values[first..].iter().take_while(|value| value.start < end);
    let index = |at: u64| usize::try_from(at - start).unwrap_or(usize::MAX);
    let parts = overlapping.map(|value| index(value.start.max(start))..index(value.end.min(end)));
    parts.filter(|part| !part.is_empty()).map(|part| piece.slice(part)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_between_fragments_are_left_out_wherever_pieces_end() {
        let bytes = Bytes::from_static(b"HHabcHHdefgHH");
        let values = [12..15, 17..21, 23..23];
        for step in 1..bytes.len() + 1 {
            let pieces = (0..bytes.len()).step_by(step);
            let pieces = pieces.map(|at| (at, bytes.slice(at..(at + step).min(bytes.len()))));
            let told: Vec<u8> =
                pieces.flat_map(|(at, piece)| within(&piece, 10 + at as u64, &values).concat()).collect();
            assert_eq!(told, b"abcdefg", "{step}");
        }
    }
}
