//! Frames on their way: each read when the one before was taken, in one body or as a part of one.

use std::{ops::Range, sync::Arc};

use axum::{
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::{Stream, StreamExt, future, stream};
use noctis_shared::{catalog::ImageRecord, job::FrameRange};

use super::{
    accepted::{Coding, Shape},
    laid_out::{LaidOut, Place, cut},
    transfer_syntax::{self, EXPLICIT_LITTLE, OCTETS},
};
use crate::{
    allowance::Allowed,
    api::Api,
    back_end::catalog_problem,
    caller::Caller,
    edge::{self, SENT},
    entity_tag::EntityTag,
    handed_out::{self, CutOff, FRAME_BYTES_MAX, Sent},
    picture::{self, stream::Patience},
    problem::{Kind, Problem},
    visible::Permitted,
};

/// What stands before a delimiter.
const LINE_END_BYTES: usize = 2;
/// Frames whose places are looked up at once, those between the first and the last that is asked for among them.
const SPAN_MAX: u32 = 100_000;

/// What is sent, of what, to whom.
pub(super) struct Sender {
    pub(super) api: Arc<Api>,
    pub(super) caller: Arc<Caller>,
    pub(super) image: Permitted<Arc<ImageRecord>>,
    pub(super) shape: Shape,
    pub(super) coding: Coding,
    /// The element that they are the value of, one behind the other, where they are one part.
    pub(super) joined_as: Option<u32>,
    /// Of the instance.
    pub(super) address: String,
    pub(super) boundary: String,
}

impl Sender {
    fn syntax(&self) -> &str {
        self.image.image.transfer_syntax_uid.as_deref().unwrap_or_default()
    }

    /// The bytes of a frame.
    async fn read(&self, number: u32) -> Result<Bytes, Problem> {
        let codec = match self.coding {
            Coding::Stored => return self.read_as_stored(number).await,
            Coding::Samples => None,
            Coding::Codec(codec) => Some(codec),
        };
        picture::samples(&self.api, &self.image, number, codec, &self.caller).await
    }

    async fn read_as_stored(&self, number: u32) -> Result<Bytes, Problem> {
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
        match bits_of(&self.image, range).filter(|_| !is_of_fragments) {
            Some(_) if self.joined_as.is_some() => Err(of_single_bits()),
            Some(bits) => Ok(handed_out::aligned(&bytes, u64::from(number - 1), bits)),
            None => Ok(bytes),
        }
    }

    /// The bytes of a frame, which count until they are read.
    async fn frame(&self, number: u32) -> Result<Bytes, Problem> {
        self.api.outgoing.to(&self.caller.name).take(self.read(number).await?)
    }

    /// The same, once its client has read enough of those before it. It holds one frame meanwhile.
    pub(super) async fn frame_with_room(&self, number: u32) -> Result<Bytes, Problem> {
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
        match self.shape.is_multipart {
            true => {
                format!("multipart/related; type=\"{}\"; boundary={}", self.shape.media_type, self.boundary)
            }
            false => self.content_type_of_part(),
        }
    }

    fn content_type_of_part(&self) -> String {
        let media_type = self.shape.media_type;
        let syntax = match self.coding {
            Coding::Codec(codec) => transfer_syntax::of_codec(Some(codec)),
            Coding::Samples => EXPLICIT_LITTLE,
            // The same bytes, under the name that is asked for.
            Coding::Stored
                if media_type == OCTETS && transfer_syntax::is_as_explicit_little(self.syntax()) =>
            {
                EXPLICIT_LITTLE
            }
            Coding::Stored => self.syntax(),
        };
        transfer_syntax::named(media_type, Some(syntax))
    }

    /// How long the frames are, where that is known before they are read: of native ones.
    pub(super) async fn lengths(&self, numbers: &[u32]) -> Result<Option<Vec<u64>>, Problem> {
        if self.coding != Coding::Stored || transfer_syntax::is_encapsulated(self.syntax()) {
            return Ok(None);
        }
        let (Some(first), Some(last)) = (numbers.iter().min(), numbers.iter().max()) else {
            return Ok(None);
        };
        if last - first >= SPAN_MAX {
            return Ok(None);
        }
        let ranges: Vec<FrameRange> = match self.image.frame(*last) {
            Some(_) => (*first..=*last).filter_map(|number| self.image.frame(number)).collect(),
            None => {
                let ranges = self.api.catalog.frame_ranges(self.image.key, *first..=*last).await;
                ranges.map_err(|error| catalog_problem(&error))?
            }
        };
        let length = |number: &u32| {
            let range = ranges.get(usize::try_from(number - first).ok()?)?;
            let is_known = (1..=FRAME_BYTES_MAX).contains(&range.byte_count);
            is_known.then(|| match bits_of(&self.image, *range) {
                Some(bits) => range.byte_count.min(bits.div_ceil(8)),
                None => range.byte_count,
            })
        };
        Ok(numbers.iter().map(length).collect())
    }

    /// Whether all frames can be sent as one part; `lie_somewhere` where that is known of each.
    ///
    /// # Errors
    /// 422 where one lies nowhere, 501 for frames of single bits that end inside a byte.
    pub(super) async fn check_joined(&self, numbers: &[u32], lie_somewhere: bool) -> Result<(), Problem> {
        // Where all of them lie somewhere, the first tells of what they are.
        let looked_at = if lie_somewhere { 1 } else { numbers.len() };
        for number in numbers.iter().take(looked_at) {
            let range = range(&self.api, &self.image, *number).await?;
            if bits_of(&self.image, range).is_some() {
                return Err(of_single_bits());
            }
        }
        Ok(())
    }

    fn laid_out(&self, numbers: &[u32], lengths: Option<&[u64]>) -> LaidOut<u32> {
        let Some(lengths) = lengths else { return LaidOut::of_any(numbers) };
        let joined_bytes = lengths.iter().sum();
        let with_head = numbers.iter().zip(lengths).enumerate().map(|(place, (number, length))| {
            let told_bytes = if self.joined_as.is_some() { joined_bytes } else { *length };
            self.head_in_body(*number, place == 0, Some(told_bytes)).len() as u64 + length
        });
        LaidOut::of_lengths(numbers, with_head)
    }

    /// One body alone, or each frame as a part; or some bytes of that, where they are asked for and its length is known.
    ///
    /// # Errors
    /// 416, and those of the first frame that is sent: others cut the body off.
    pub(super) async fn answer(
        self,
        numbers: &[u32],
        headers: &HeaderMap,
        tag: &EntityTag,
        download: Allowed,
    ) -> Result<Response, Problem> {
        let (mut read, mut lengths) = (None, self.lengths(numbers).await?);
        if let ([number], None) = (numbers, &lengths) {
            let bytes = self.frame(*number).await?;
            lengths = Some(vec![bytes.len() as u64]);
            read = Some(bytes);
        }
        let body = self.laid_out(numbers, lengths.as_deref());
        let end = match self.shape.is_multipart {
            true => Bytes::from(format!("\r\n--{}--\r\n", self.boundary)),
            false => Bytes::new(),
        };
        let byte_count = body.byte_count.map(|byte_count| byte_count + end.len() as u64);
        let sent = byte_count.map(|byte_count| Sent::of(headers, byte_count, tag)).transpose()?;
        let range = sent.as_ref().map_or(0..u64::MAX, Sent::range);
        let end = cut(&end, body.byte_count.unwrap_or(0), &range);
        let mut places = body.within(&range).into_iter();
        // The first before the status: what fails at once is said.
        let first = match places.next() {
            Some(place) => {
                let bytes = match read {
                    Some(bytes) => bytes,
                    None => self.frame(place.part).await?,
                };
                // That one is paid for as the request.
                let more = u32::try_from(places.len()).unwrap_or(u32::MAX);
                edge::pay(&self.api, &self.caller, more.saturating_mul(SENT)).await?;
                Some((place, bytes))
            }
            None => None,
        };
        let joined_bytes = self.joined_as.and(lengths).map(|lengths| lengths.iter().sum());
        let content_type = value(self.content_type());
        let pieces = self.pieces(first, places, range, joined_bytes);
        let pieces = pieces.chain(stream::iter((!end.is_empty()).then_some(Ok(end))));
        let mut response =
            ([(header::CONTENT_TYPE, content_type)], handed_out::body(pieces, download)).into_response();
        if let Some(sent) = sent {
            sent.put_into(&mut response);
        }
        Ok(response)
    }

    /// The frames that are sent, each with what stands before it, and of that the bytes within `range`.
    fn pieces(
        self,
        first: Option<(Place<u32>, Bytes)>,
        others: impl Iterator<Item = Place<u32>> + Send + 'static,
        range: Range<u64>,
        joined_bytes: Option<u64>,
    ) -> impl Stream<Item = Result<Bytes, CutOff>> + Send + 'static {
        let sender = Arc::new(self);
        let reader = Arc::clone(&sender);
        let others = stream::iter(others).then(move |place| {
            let reader = Arc::clone(&reader);
            async move { reader.frame_with_room(place.part).await.map(|bytes| (place, bytes)) }
        });
        let parts = stream::iter(first.map(Ok)).chain(others);
        let pieces = parts.flat_map(move |part| {
            stream::iter(match part {
                Ok((place, bytes)) => {
                    let told_bytes = match sender.joined_as {
                        Some(_) => joined_bytes,
                        None => Some(bytes.len() as u64),
                    };
                    let head = sender.head_in_body(place.part, place.is_first, told_bytes);
                    let behind_it = place.offset + head.len() as u64;
                    vec![Ok(cut(&head, place.offset, &range)), Ok(cut(&bytes, behind_it, &range))]
                }
                Err(problem) => vec![Err(problem.into())],
            })
        });
        pieces.filter(|piece| future::ready(piece.as_ref().map_or(true, |piece| !piece.is_empty())))
    }

    /// What stands before a frame in the body, which is a part of `told_bytes`, or one of the frames of it. Before the first of
    /// a body no line ends: some clients look for the delimiter at the very beginning.
    pub(super) fn head(&self, number: u32, is_first: bool, told_bytes: Option<u64>) -> Bytes {
        if !self.shape.is_multipart || (self.joined_as.is_some() && !is_first) {
            return Bytes::new();
        }
        let (boundary, content_type, address) = (&self.boundary, self.content_type_of_part(), &self.address);
        let length = told_bytes.map_or_else(String::new, |bytes| format!("Content-Length: {bytes}\r\n"));
        let location = match self.joined_as {
            Some(tag) => format!("bulkdata/{tag:08X}"),
            None => format!("frames/{number}"),
        };
        let head = format!(
            "\r\n--{boundary}\r\nContent-Type: {content_type}\r\n{length}\
             Content-Location: {address}/{location}\r\n\r\n"
        );
        Bytes::from(head)
    }

    /// The same of a frame of a body.
    fn head_in_body(&self, number: u32, is_first: bool, told_bytes: Option<u64>) -> Bytes {
        let head = self.head(number, is_first, told_bytes);
        let line_end = if is_first { LINE_END_BYTES.min(head.len()) } else { 0 };
        head.slice(line_end..)
    }
}

fn of_single_bits() -> Problem {
    Problem::new(Kind::NotBuilt, "Pixels of single bits are sent frame by frame in this version.")
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

/// Names of ours, digits and dots are always a header value.
fn value(text: String) -> HeaderValue {
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(OCTETS))
}
