//! An instance in another transfer syntax than it is stored in (PS3.18 8.7.3.5): the head of its file and its frames, each made by a
//! worker, one behind the other as the client takes them.
//!
//! What must not be here: what a head and a frame are made of (the renderer), and which syntax a client takes (`accepted`).

use std::sync::Arc;

use bytes::Bytes;
use futures::{Stream, StreamExt, future, stream};
use noctis_shared::{catalog::ImageRecord, render::FilePixels, request::LosslessCodec};

use super::{
    sent_frames::{bits_of, range},
    transfer_syntax::{EXPLICIT_LITTLE, of_codec},
};
use crate::{
    api::Api,
    caller::Caller,
    edge::{self, SENT},
    handed_out::{self, CutOff},
    picture::{self, stream::Patience},
    problem::{Kind, Problem},
    visible::Permitted,
};

/// Frames that are made ahead of the one that is sent, at most, and the bytes that they hold together.
const AHEAD_MAX: u64 = 4;
const AHEAD_BYTES_MAX: u64 = 8 << 20;
/// What ends fragments: a delimiter without a length (PS3.5 A.4).
const SEQUENCE_END: &[u8] = &[0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0];
/// What begins one; its length follows.
const ITEM: &[u8] = &[0xFE, 0xFF, 0x00, 0xE0];

/// Writes instances in one transfer syntax, for one client.
pub(super) struct Rewriter {
    pub(super) api: Arc<Api>,
    pub(super) caller: Arc<Caller>,
    /// Explicit VR Little Endian without.
    pub(super) codec: Option<LosslessCodec>,
}

/// An instance that is being written: its head and its first frame are there.
pub(super) struct Rewritten {
    rewriter: Arc<Rewriter>,
    image: Permitted<Arc<ImageRecord>>,
    head: Bytes,
    pixels: FilePixels,
    first: Option<Bytes>,
}

impl Rewriter {
    /// Whether the file is sent as it is stored: it is in the syntax, or it has no pixels to be in a codec.
    pub(super) fn keeps(&self, transfer_syntax: &str, has_pixels: bool) -> bool {
        transfer_syntax == of_codec(self.codec) || !has_pixels && transfer_syntax == EXPLICIT_LITTLE
    }

    /// # Errors
    /// Those of a picture: 422 for what cannot be decoded or coded, 503 and 504 while nobody does.
    pub(super) async fn begin(
        self: &Arc<Self>,
        image: Permitted<Arc<ImageRecord>>,
    ) -> Result<Rewritten, Problem> {
        let (head, pixels) = picture::file_head(&self.api, &image, self.codec, &self.caller).await?;
        let first = match pixels {
            FilePixels::None => None,
            _ => Some(self.frame(&image, 1, pixels).await?),
        };
        Ok(Rewritten { rewriter: Arc::clone(self), image, head, pixels, first })
    }

    /// The bytes of a frame as they stand in the file; one of single bits begins at its first bit.
    async fn frame(
        &self,
        image: &Permitted<Arc<ImageRecord>>,
        number: u32,
        pixels: FilePixels,
    ) -> Result<Bytes, Problem> {
        let Self { api, caller, codec } = self;
        let (bytes, byte_count) = match pixels {
            FilePixels::None => return Ok(Bytes::new()),
            FilePixels::Fragments => {
                let frame = picture::samples(api, image, number, *codec, caller).await?;
                let length = u32::try_from(frame.len()).unwrap_or(u32::MAX).to_le_bytes();
                return Ok([ITEM, &length, &frame].concat().into());
            }
            FilePixels::Samples { byte_count } => {
                (picture::samples(api, image, number, None, caller).await?, byte_count)
            }
            FilePixels::AsStored { byte_count } => {
                let range = range(api, image, number).await?;
                let read = handed_out::frame(&api.frames_in_hand, &api.storage, image, range, false).await?;
                let bits = bits_of(image, range);
                let aligned = |bits| handed_out::aligned(&read, u64::from(number - 1), bits);
                (bits.map_or_else(|| read.clone(), aligned), byte_count)
            }
        };
        let of_all = bits_in(image, &bytes).saturating_mul(image.image.frame_count.into()).div_ceil(8);
        if of_all.saturating_add(of_all % 2) == u64::from(byte_count) {
            Ok(bytes)
        } else {
            let detail = "A frame is not as long as the attributes say.";
            Err(Problem::new(Kind::Unrenderable, detail))
        }
    }

    /// The same, of an answer that has begun: paid for, and when its client has read enough of those before it.
    async fn frame_in_turn(
        &self,
        image: &Permitted<Arc<ImageRecord>>,
        number: u32,
        pixels: FilePixels,
    ) -> Result<Bytes, Problem> {
        let mut patience = Patience::default();
        while let Err(problem) = edge::pay(&self.api, &self.caller, SENT).await {
            patience.outlast(problem).await?;
        }
        loop {
            match self.frame(image, number, pixels).await {
                Err(problem) => patience.outlast(problem).await?,
                made => return made,
            }
        }
    }
}

impl Rewritten {
    /// The transfer syntax that it comes to.
    pub(super) fn transfer_syntax(&self) -> &'static str {
        match self.pixels {
            FilePixels::None => EXPLICIT_LITTLE,
            _ => of_codec(self.rewriter.codec),
        }
    }

    /// Bytes of the whole file, where they are known before it is written.
    pub(super) fn byte_count(&self) -> Option<u64> {
        let head = self.head.len() as u64;
        match self.pixels {
            FilePixels::None => Some(head),
            FilePixels::AsStored { byte_count } | FilePixels::Samples { byte_count } => {
                Some(head + u64::from(byte_count))
            }
            FilePixels::Fragments => None,
        }
    }

    /// The file, piece by piece.
    pub(super) fn pieces(self) -> impl Stream<Item = Result<Bytes, CutOff>> + Send + use<> {
        let Self { rewriter, image, head, pixels, first } = self;
        let frame_count = if first.is_some() { image.image.frame_count } else { 0 };
        let frame_bytes = image.render_cost.saturating_mul(2).max(1);
        let ahead = (AHEAD_BYTES_MAX / frame_bytes).clamp(1, AHEAD_MAX) as usize;
        let cells = Cells { frames_left: frame_count, ..Cells::default() };
        let (recipient, shown) = (Arc::clone(&rewriter), image.clone());
        let rest = stream::iter(2..=frame_count).map(move |number| {
            let (rewriter, image) = (Arc::clone(&rewriter), image.clone());
            async move { rewriter.frame_in_turn(&image, number, pixels).await }
        });
        let frames = stream::iter(first.map(Ok)).chain(rest.buffered(ahead));
        let frames = frames.scan(cells, move |cells, frame| {
            future::ready(Some(frame.map(|frame| match pixels {
                FilePixels::Fragments => frame,
                _ => cells.put(&frame, bits_in(&shown, &frame)),
            })))
        });
        let pieces = stream::iter([Ok(head)]).chain(frames).then(move |piece| {
            let rewriter = Arc::clone(&recipient);
            async move {
                let piece = piece.map_err(CutOff::from)?;
                Ok(rewriter.api.outgoing.to(&rewriter.caller.name).take_in_turn(piece).await)
            }
        });
        let end = if pixels == FilePixels::Fragments { SEQUENCE_END } else { &[] };
        let pieces = pieces.chain(stream::iter([Ok(Bytes::from_static(end))]));
        pieces.filter(|piece| future::ready(piece.as_ref().map_or(true, |piece| !piece.is_empty())))
    }
}

/// Bits of a frame in cells: fewer than its bytes have, where it is of single bits that end inside of one.
fn bits_in(image: &ImageRecord, frame: &Bytes) -> u64 {
    let bytes = frame.len() as u64;
    let samples = image.render_cost;
    // One sample is a byte: who has pictures of one pixel has no bits.
    if samples > 1 && samples.div_ceil(8) == bytes { samples } else { bytes * 8 }
}

/// Frames in cells on their way: one behind the other, to the bit, and padded to an even number of bytes (PS3.5 8.1.1).
#[derive(Default)]
struct Cells {
    frames_left: u32,
    bits: u64,
    /// The last bits, which do not fill a byte.
    begun: u8,
}

impl Cells {
    /// What `frame`, whose first `bits` count, adds to the bytes before it.
    fn put(&mut self, frame: &Bytes, bits: u64) -> Bytes {
        let shift = (self.bits % 8) as u32;
        self.bits += bits;
        self.frames_left = self.frames_left.saturating_sub(1);
        let is_last = self.frames_left == 0;
        let is_padded = is_last && !self.bits.div_ceil(8).is_multiple_of(2);
        if shift == 0 && bits.is_multiple_of(8) && !is_padded {
            return frame.clone();
        }
        let mut bytes = Vec::with_capacity(frame.len() + 2);
        let mut left = bits;
        for byte in frame {
            let count = left.min(8) as u32;
            let byte = u16::from(*byte) & ((1 << count) - 1);
            let both = u16::from(self.begun) | byte << shift;
            left -= u64::from(count);
            bytes.push(both as u8);
            self.begun = (both >> 8) as u8;
        }
        // The last byte that was begun goes on with the next frame.
        let whole = (u64::from(shift) + bits) / 8;
        let whole = usize::try_from(whole).unwrap_or(usize::MAX);
        if whole < bytes.len() {
            self.begun = bytes[whole];
        }
        bytes.truncate(whole);
        if is_last && !self.bits.is_multiple_of(8) {
            bytes.push(self.begun);
        }
        if is_padded {
            bytes.push(0);
        }
        bytes.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes, and how many bits of them count.
    type Frame = (&'static [u8], u64);

    fn joined(frames: &[Frame]) -> Vec<u8> {
        let mut cells = Cells { frames_left: frames.len() as u32, ..Cells::default() };
        frames.iter().flat_map(|(frame, bits)| cells.put(&Bytes::from_static(frame), *bits)).collect()
    }

    #[test]
    fn frames_follow_each_other_to_the_bit_and_are_even_in_all() {
        let cases: [(&[Frame], &[u8]); 6] = [
            (&[(&[1, 2], 16), (&[3, 4], 16)], &[1, 2, 3, 4]),
            (&[(&[1], 8), (&[3], 8), (&[5], 8)], &[1, 3, 5, 0]),
            // Of ten bits each, with bits of others above them.
            (
                &[(&[0b0000_0001, 0b1111_1111], 10), (&[0b1010_1010, 0b0000_0010], 10)],
                &[0b0000_0001, 0b1010_1011, 0b0000_1010, 0],
            ),
            (&[(&[0b101], 3), (&[0b010], 3), (&[0b111], 3)], &[0b1101_0101, 0b1]),
            (&[(&[0b101], 3)], &[0b101, 0]),
            (&[(&[0b1111], 4), (&[0b0110], 4)], &[0b0110_1111, 0]),
        ];
        for (frames, expected) in cases {
            assert_eq!(joined(frames), expected, "{frames:?}");
        }
    }
}
