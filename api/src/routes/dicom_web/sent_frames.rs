//! Frames on their way: each read when the one before was taken, in one body or as a part of one.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::{StreamExt, future, stream};
use noctis_shared::{catalog::ImageRecord, job::FrameRange};
use uuid::Uuid;

use super::{
    accepted::Shape,
    transfer_syntax::{self, EXPLICIT_LITTLE, OCTETS},
};
use crate::{
    allowance::Allowed,
    api::Api,
    back_end::catalog_problem,
    caller::Caller,
    handed_out,
    picture::{self, stream::Patience},
    problem::{Kind, Problem},
    visible::Permitted,
};

/// What stands before a delimiter.
const LINE_END_BYTES: usize = 2;

/// What is sent, of what, to whom.
pub(super) struct Sender {
    pub(super) api: Arc<Api>,
    pub(super) caller: Arc<Caller>,
    pub(super) image: Permitted<Arc<ImageRecord>>,
    pub(super) shape: Shape,
    /// Whether they are decoded to Explicit VR Little Endian.
    pub(super) is_decoded: bool,
    /// The element that they are the value of, one behind the other, where they are one part.
    pub(super) joined_as: Option<u32>,
    /// Of the instance.
    pub(super) address: String,
}

impl Sender {
    fn syntax(&self) -> &str {
        self.image.image.transfer_syntax_uid.as_deref().unwrap_or_default()
    }

    /// The bytes of a frame.
    async fn read(&self, number: u32) -> Result<Bytes, Problem> {
        if self.is_decoded {
            return picture::samples(&self.api, &self.image, number, None, &self.caller).await;
        }
        let range = range(&self.api, &self.image, number).await?;
        let is_of_fragments = transfer_syntax::is_encapsulated(self.syntax());
        let bytes = handed_out::frame(
            &self.api.frames_in_hand,
            &self.api.storage,
            &self.image,
            range,
            is_of_fragments,
        )
        .await?;
        let bits = bits_of(&self.image, range).filter(|_| !is_of_fragments);
        match bits {
            Some(_) if self.joined_as.is_some() => {
                let detail = "Pixels of single bits are sent frame by frame in this version.";
                Err(Problem::new(Kind::NotBuilt, detail))
            }
            Some(bits) => Ok(handed_out::aligned(&bytes, u64::from(number - 1), bits)),
            None => Ok(bytes),
        }
    }

    /// The bytes of a frame, which count until they are read.
    pub(super) async fn frame(&self, number: u32) -> Result<Bytes, Problem> {
        self.api.outgoing.to(&self.caller.name).take(self.read(number).await?)
    }

    /// The same, once its client has read enough of those before it. It holds one frame meanwhile.
    async fn frame_with_room(&self, number: u32) -> Result<Bytes, Problem> {
        let mut patience = Patience::default();
        let bytes = loop {
            match self.read(number).await {
                Ok(bytes) => break bytes,
                Err(problem) => patience.outlast(problem).await?,
            }
        };
        Ok(self.api.outgoing.to(&self.caller.name).take_in_turn(bytes).await)
    }

    fn content_type(&self) -> String {
        let media_type = self.shape.media_type;
        // The same bytes, under the name that is asked for.
        let is_renamed =
            self.is_decoded || media_type == OCTETS && transfer_syntax::is_as_explicit_little(self.syntax());
        transfer_syntax::named(media_type, Some(if is_renamed { EXPLICIT_LITTLE } else { self.syntax() }))
    }

    /// One body alone, or each frame as a part.
    pub(super) fn answer(self, numbers: Vec<u32>, first: Bytes, download: Allowed) -> Response {
        let boundary = Uuid::new_v4().simple().to_string();
        let is_multipart = self.shape.is_multipart;
        let (content_type, end) = match is_multipart {
            true => {
                let of_all =
                    format!("multipart/related; type=\"{}\"; boundary={boundary}", self.shape.media_type);
                (of_all, Bytes::from(format!("\r\n--{boundary}--\r\n")))
            }
            false => (self.content_type(), Bytes::new()),
        };
        // Nothing stands before the first delimiter: some clients look for it at the very beginning.
        let head = match is_multipart {
            true => self.head(&boundary, numbers[0], first.len()).slice(LINE_END_BYTES..),
            false => Bytes::new(),
        };
        // Of several the others are not read yet.
        let byte_count = (numbers.len() == 1).then_some(head.len() + first.len() + end.len());
        let (sender, numbers) = (Arc::new(self), numbers.into_iter().skip(1));
        let reader = Arc::clone(&sender);
        let rest = stream::iter(numbers).then(move |number| {
            let reader = Arc::clone(&reader);
            async move { reader.frame_with_room(number).await.map(|bytes| (number, bytes)) }
        });
        let rest = rest.flat_map(move |part| {
            let _until_the_last_piece = &download;
            stream::iter(match part {
                Ok((_, bytes)) if sender.joined_as.is_some() => vec![Ok(bytes)],
                Ok((number, bytes)) => vec![Ok(sender.head(&boundary, number, bytes.len())), Ok(bytes)],
                Err(problem) => vec![Err(CutOff(problem.kind()))],
            })
        });
        let pieces = stream::iter([Ok(head), Ok(first)]).chain(rest).chain(stream::once(async { Ok(end) }));
        let pieces =
            pieces.filter(|piece| future::ready(piece.as_ref().map_or(true, |piece| !piece.is_empty())));
        let pieces = pieces.inspect(|piece| {
            if let Err(error) = piece {
                tracing::warn!(%error, "frames that were sent were cut off");
            }
        });
        let mut response =
            ([(header::CONTENT_TYPE, value(content_type))], Body::from_stream(pieces)).into_response();
        if let Some(byte_count) = byte_count {
            response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(byte_count));
        }
        response
    }

    fn head(&self, boundary: &str, number: u32, byte_count: usize) -> Bytes {
        let (content_type, address) = (self.content_type(), &self.address);
        let told = match self.joined_as {
            Some(tag) => format!("Content-Location: {address}/bulkdata/{tag:08X}\r\n"),
            None => {
                format!("Content-Length: {byte_count}\r\nContent-Location: {address}/frames/{number}\r\n")
            }
        };
        format!("\r\n--{boundary}\r\nContent-Type: {content_type}\r\n{told}\r\n").into()
    }
}

/// Where a frame lies.
///
/// # Errors
/// 422 for one that the index did not find; 503 without the catalog.
pub(super) async fn range(api: &Api, image: &ImageRecord, number: u32) -> Result<FrameRange, Problem> {
    let range = match image.frame(number) {
        Some(range) => Some(range),
        None => {
            let range = api.catalog.frame_range(image.key, number).await;
            range.map_err(|error| catalog_problem(&error))?
        }
    };
    let lost =
        || Problem::new(Kind::Unrenderable, "The bytes of the frame could not be located in the file.");
    range.filter(|range| range.byte_count > 0).ok_or_else(lost)
}

/// Bits of a native frame whose samples are single bits and end inside a byte: all others take a byte or more each.
pub(super) fn bits_of(image: &ImageRecord, range: FrameRange) -> Option<u64> {
    let samples = image.render_cost;
    (!samples.is_multiple_of(8) && range.byte_count <= samples.div_ceil(8) + 1).then_some(samples)
}

/// Why an answer ends before its end.
#[derive(Debug, thiserror::Error)]
#[error("a frame could not be sent: {0:?}")]
struct CutOff(Kind);

/// Media types, UIDs and boundaries; what a file has in the place of a UID may be none.
fn value(text: String) -> HeaderValue {
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(OCTETS))
}
