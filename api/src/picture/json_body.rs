//! The JSON answer of a picture as it is sent: the base64 of it is made piece by piece, as the socket takes them.
//!
//! A whole body would hold a third more than the picture once for each client that reads; this one holds the picture, which
//! all of them share, and the pieces that the server has taken ahead of the socket.

use std::{
    convert::Infallible,
    mem,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::{
    outgoing::{Permit, Recipient, carried},
    problem::Problem,
};

/// Bytes of the picture in one piece: a multiple of 3, so that only the last piece is padded. Most pictures are one piece,
/// for each is a call of the kernel, which costs more than the text of a small one.
const PIECE_BYTES: usize = 192 << 10;
/// Most text that is made ahead of the socket: what the HTTP library buffers for a connection, and a piece.
const AHEAD_BYTES_MAX: u64 = 512 << 10;

/// A picture in base64, between the text before and after it.
pub(super) struct JsonBody {
    before: Bytes,
    picture: Bytes,
    after: Bytes,
    /// Of the whole. The last piece takes it along.
    permit: Option<Permit>,
}

impl JsonBody {
    /// The body for `recipient`.
    ///
    /// # Errors
    /// 503 when too much is unread.
    pub(super) fn new(
        before: Bytes,
        picture: Bytes,
        after: Bytes,
        recipient: Recipient<'_>,
    ) -> Result<Self, Problem> {
        let permit = recipient.admit(&picture, text_bytes(&picture).min(AHEAD_BYTES_MAX))?;
        Ok(Self { before, picture, after, permit })
    }

    fn next_piece(&mut self) -> Option<Bytes> {
        if !self.before.is_empty() {
            return Some(mem::take(&mut self.before));
        }
        if self.bytes_left() == 0 {
            return None;
        }
        let part = self.picture.split_to(PIECE_BYTES.min(self.picture.len()));
        let mut piece = Vec::with_capacity(text_bytes(&part) as usize + self.after.len());
        base64_simd::STANDARD.encode_append(&part, &mut piece);
        if !self.picture.is_empty() {
            return Some(piece.into());
        }
        piece.extend_from_slice(&mem::take(&mut self.after));
        Some(carried(self.permit.take(), piece.into()))
    }

    fn bytes_left(&self) -> u64 {
        self.before.len() as u64 + text_bytes(&self.picture) + self.after.len() as u64
    }
}

/// Bytes of the base64 of `picture`.
fn text_bytes(picture: &[u8]) -> u64 {
    picture.len().div_ceil(3) as u64 * 4
}

impl Body for JsonBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.get_mut().next_piece().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes_left() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes_left())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outgoing::Outgoing;

    #[test]
    fn the_pieces_are_the_whole_and_as_long_as_was_said() {
        for length in [0, 1, 2, 3, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 5 * PIECE_BYTES + 2] {
            let picture: Vec<u8> = (0..length).map(|index| (index * 7 % 251) as u8).collect();
            let whole = format!("{{\"a\":\"{}\"}}", base64_simd::STANDARD.encode_to_string(&picture));
            let outgoing = Outgoing::default();
            let (before, after) = (Bytes::from_static(b"{\"a\":\""), Bytes::from_static(b"\"}"));
            let mut body = JsonBody::new(before, picture.into(), after, outgoing.to("a")).expect("admitted");
            let mut sent = Vec::new();
            while let Some(piece) = body.next_piece() {
                assert!(piece.len() <= PIECE_BYTES / 3 * 4 + "\"}".len(), "{} bytes at once", piece.len());
                sent.extend_from_slice(&piece);
                assert_eq!(body.size_hint().exact(), Some((whole.len() - sent.len()) as u64), "{length}");
            }
            assert!(body.is_end_stream() && sent == whole.as_bytes(), "{length}");
            assert_eq!(outgoing.bytes(), 0, "{length}: what is read is not held");
        }
    }

    #[test]
    fn it_holds_the_picture_and_some_text_and_gives_it_back_when_it_is_dropped() {
        let picture = Bytes::from(vec![7; 30 << 20]);
        let outgoing = Outgoing::default();
        let new = || JsonBody::new(Bytes::new(), picture.clone(), Bytes::from_static(b"}"), outgoing.to("a"));
        let mut bodies: Vec<_> = (0..3).map(|_| new().expect("admitted")).collect();
        for body in &mut bodies {
            body.next_piece();
        }
        assert_eq!(outgoing.bytes(), (30 << 20) + 3 * AHEAD_BYTES_MAX);
        drop(bodies);
        assert_eq!(outgoing.bytes(), 0);
    }
}
