//! All bulk data of a study, a series or an instance (WADO-RS, PS3.18 10.4.1.1.5), each value a part, one instance after the
//! other: long values in the order of the header, then pixels, as one part where they are native and frame by frame where they
//! are not.

use std::{collections::HashMap, sync::Arc};

use axum::{
    extract::Path,
    http::{HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::{
    StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use noctis_shared::{
    bulk::BulkValue,
    catalog::{HeaderPlace, HeadersOf, ImageRecord},
};
use tokio::time::sleep;

use super::{
    accepted::{self, Coding, Shape, Stored},
    address::{self, Uids},
    asks::{Asks, Named},
    boundary,
    bulk_data::{check_sent, no_such_value, part_head, pixel_tag},
    frames,
    metadata::{told, unknown},
    sent_frames::Sender,
    transfer_syntax::{self, EXPLICIT_LITTLE, OCTETS},
};
use crate::{
    api::Api,
    back_end::catalog_problem,
    caller::Caller,
    edge::RequestId,
    entity_tag::{EntityTag, any_is_named_by},
    handed_out::{self, CutOff},
    picture::video_media_type,
    problem::{Kind, Problem},
    visible::Permitted,
};

/// Raised with every change of what is told of it.
const TELLING_VERSION: u64 = 1;

type Pieces = BoxStream<'static, Result<Bytes, CutOff>>;

/// All there are.
pub(super) async fn all(Path(named): Path<Named>, asks: Asks) -> Result<Response, Problem> {
    let Asks { api, caller, origin, headers, request_id, .. } = &asks;
    let (visible, uids) = (asks.visible(), named.uids());
    let of = visible.headers_of(uids.study, uids.series, uids.instance)?;
    let places = api.catalog.header_places(*of).await.map_err(|error| catalog_problem(&error))?;
    if places.is_empty() {
        return Err(unknown(*of));
    }
    let shapes = shapes(&asks, *of).await?;
    visible.note_opened(of.study_id());
    let validator = validator(&places, &shapes, origin);
    let tag = || EntityTag::weak(validator.to_hex());
    if tag().is_named_by(headers) || any_is_named_by(headers) {
        return Ok(told(StatusCode::NOT_MODIFIED.into_response(), tag(), None));
    }
    let download = api.downloads.begin(&caller.name)?;
    let boundary = boundary::of(validator.as_bytes());
    let telling = Arc::new(Telling {
        api: Arc::clone(api),
        caller: Arc::clone(caller),
        origin: origin.clone(),
        request_id: request_id.clone(),
        of,
        shapes,
        boundary: boundary.clone(),
    });
    let mut pieces = telling.pieces(places);
    // The first before the status: what fails at once is said.
    let first = pieces.next().await.ok_or_else(no_such_value)?.map_err(CutOff::into_problem)?;
    // Nothing stands before the first delimiter: some clients look for it at the very beginning.
    let first = first.slice(LINE_END.len()..);
    let end = Bytes::from(format!("{LINE_END}--{boundary}--{LINE_END}"));
    let pieces = stream::iter([Ok(first)]).chain(pieces).chain(stream::iter([Ok(end)]));
    let content_type = format!("multipart/related; type=\"{OCTETS}\"; boundary={boundary}");
    let content_type = HeaderValue::try_from(content_type).unwrap_or(HeaderValue::from_static(OCTETS));
    Ok(told(handed_out::body(pieces, download).into_response(), tag(), Some(content_type)))
}

const LINE_END: &str = "\r\n";

/// In which shape pixels of each transfer syntax that is there are sent, and whether they are decoded for it.
///
/// # Errors
/// 406 for who takes no octets.
async fn shapes(asks: &Asks, of: HeadersOf) -> Result<HashMap<String, (Shape, Coding)>, Problem> {
    let values = Stored { media_type: OCTETS, transfer_syntax: EXPLICIT_LITTLE, is_one: false };
    accepted::choose(asks.accept().as_deref(), &asks.headers, values)?;
    let syntaxes = asks.api.catalog.transfer_syntaxes(of).await.map_err(|error| catalog_problem(&error))?;
    let shape = |syntax: String| {
        let media_type = transfer_syntax::media_type(&syntax);
        let stored = Stored { media_type, transfer_syntax: &syntax, is_one: false };
        let chosen = frames::choose(asks, stored, transfer_syntax::is_never_sent(&syntax))?;
        Ok((syntax, chosen))
    };
    syntaxes.into_iter().map(shape).collect()
}

fn validator(
    places: &[HeaderPlace],
    shapes: &HashMap<String, (Shape, Coding)>,
    origin: &str,
) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&TELLING_VERSION.to_le_bytes());
    for place in places {
        hasher.update(place.key.as_bytes()).update(&place.content_digest.0);
        // Rows of an earlier release know of more once their files are read again.
        hasher.update(&place.byte_count.to_le_bytes());
    }
    let mut told_as: Vec<String> = shapes
        .iter()
        .map(|(syntax, (shape, coding))| format!("{syntax} {} {coding:?}", shape.media_type))
        .collect();
    told_as.sort_unstable();
    hasher.update(told_as.join(",").as_bytes()).update(origin.as_bytes()).finalize()
}

/// What is told, to whom.
struct Telling {
    api: Arc<Api>,
    caller: Arc<Caller>,
    origin: String,
    request_id: RequestId,
    of: Permitted<HeadersOf>,
    shapes: HashMap<String, (Shape, Coding)>,
    boundary: String,
}

impl Telling {
    /// All parts, each with the line end before its delimiter, read as they are taken.
    fn pieces(self: &Arc<Self>, places: Vec<HeaderPlace>) -> Pieces {
        let telling = Arc::clone(self);
        let of_each = stream::iter(places).then(move |place| {
            let telling = Arc::clone(&telling);
            async move { telling.of_instance(place).await }
        });
        of_each.try_flatten().boxed()
    }

    /// The parts of one instance.
    async fn of_instance(self: Arc<Self>, place: HeaderPlace) -> Result<Pieces, CutOff> {
        let catalog = &self.api.catalog;
        let image = catalog.image(place.key).await.map_err(|_| CutOff::Catalog)?;
        let image = image.filter(|image| image.content_digest == place.content_digest);
        let image = Arc::new(image.ok_or(CutOff::OtherBytes)?);
        let values = catalog.bulk_values(place.key).await.map_err(|_| CutOff::Catalog)?;
        let (telling, of_values) = (Arc::clone(&self), Arc::clone(&image));
        let values = stream::iter(values.unwrap_or_default()).then(move |value| {
            let (telling, image) = (Arc::clone(&telling), Arc::clone(&of_values));
            async move { telling.value(&image, &value).await }
        });
        let pixels = stream::once(async move { self.pixels(image).await });
        Ok(values.try_flatten().chain(pixels.try_flatten()).boxed())
    }

    async fn value(&self, image: &ImageRecord, value: &BulkValue) -> Result<Pieces, CutOff> {
        let address = self.address(image);
        if let Err(problem) = check_sent(image) {
            return Ok(self.problem(problem));
        }
        let _until_it_is_read = self.api.frames_in_hand.begin(value.byte_count).await;
        let file = handed_out::open(&self.api.storage, &image.location, image.file_byte_count).await?;
        let bytes = loop {
            let recipient = self.api.outgoing.to(&self.caller.name);
            match handed_out::value(&file, value, 0..value.byte_count, recipient).await {
                Err(problem) if problem.kind() == Kind::AnswersUnread => sleep(problem.pause()).await,
                read => break read?,
            }
        };
        let head = format!("{LINE_END}--{}{LINE_END}{}{LINE_END}", self.boundary, part_head(value, &address));
        Ok(stream::iter([Ok(Bytes::from(head))]).chain(bytes).boxed())
    }

    /// The pixels of an instance; nothing of one that has none.
    async fn pixels(self: Arc<Self>, image: Arc<ImageRecord>) -> Result<Pieces, CutOff> {
        let syntax = image.image.transfer_syntax_uid.clone().unwrap_or_default();
        let tag = pixel_tag(&self.api, &image).await?;
        let (Some(tag), Some((shape, coding))) = (tag, self.shapes.get(&syntax).copied()) else {
            return Ok(stream::empty().boxed());
        };
        let is_joined = coding == Coding::Stored && !transfer_syntax::is_encapsulated(&syntax);
        let sender = Sender {
            api: Arc::clone(&self.api),
            caller: Arc::clone(&self.caller),
            address: self.address(&image),
            shape,
            coding,
            joined_as: is_joined.then_some(tag),
            boundary: self.boundary.clone(),
            image: self.of.told_as(Arc::clone(&image)),
        };
        // A video is one stream, however many frames it shows.
        let last = if video_media_type(&syntax).is_some() { 1 } else { image.image.frame_count.max(1) };
        let numbers: Vec<u32> = (1..=last).collect();
        let lengths = if is_joined { sender.lengths(&numbers).await? } else { None };
        // What is joined has one head, before its first byte: nothing of it is sent where a frame is missing.
        if is_joined && let Err(problem) = sender.check_joined(&numbers, lengths.is_some()).await {
            return if is_of_the_file(problem.kind()) {
                Ok(self.problem(problem))
            } else {
                Err(problem.into())
            };
        }
        let joined_bytes = lengths.map(|lengths| lengths.iter().sum());
        let sender = Arc::new(sender);
        let frames = stream::iter(numbers).then(move |number| {
            let (telling, sender) = (Arc::clone(&self), Arc::clone(&sender));
            async move { telling.frame(&sender, number, joined_bytes).await }
        });
        Ok(frames.try_flatten().boxed())
    }

    /// A frame as a part, or as one of those that are joined; a problem document in the place of one that cannot be decoded.
    async fn frame(&self, sender: &Sender, number: u32, joined_bytes: Option<u64>) -> Result<Pieces, CutOff> {
        let bytes = match sender.frame_with_room(number).await {
            Ok(bytes) => bytes,
            Err(problem) if is_of_the_file(problem.kind()) && sender.joined_as.is_none() => {
                return Ok(self.problem(problem));
            }
            Err(problem) => return Err(problem.into()),
        };
        let told_bytes = if sender.joined_as.is_some() { joined_bytes } else { Some(bytes.len() as u64) };
        let head = sender.head(number, number == 1, told_bytes);
        Ok(stream::iter([head, bytes]).map(Ok).boxed())
    }

    /// A part that says why there is no value.
    fn problem(&self, problem: Problem) -> Pieces {
        let document = problem.document("/dicom-web", self.request_id.as_str());
        let head = format!(
            "{LINE_END}--{}{LINE_END}Content-Type: application/problem+json{LINE_END}Content-Length: {}{LINE_END}{LINE_END}",
            self.boundary,
            document.body.len()
        );
        stream::iter([Ok(Bytes::from(head)), Ok(Bytes::from(document.body))]).boxed()
    }

    fn address(&self, image: &ImageRecord) -> String {
        let (study, series) = (&image.metadata.study_instance_uid, &image.metadata.series_instance_uid);
        address::of(&self.origin, Uids::instance(study, series, &image.image.sop_instance_uid))
    }
}

/// Whether asking again would help nobody.
fn is_of_the_file(kind: Kind) -> bool {
    matches!(kind, Kind::Unrenderable | Kind::NotAPicture | Kind::NotBuilt)
}
