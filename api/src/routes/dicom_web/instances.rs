//! The instances of a study, of a series, or one (WADO-RS, PS3.18 10.4.1.1.1): as they are stored, or in another transfer syntax for
//! clients that take nothing else.

use std::{collections::HashMap, sync::Arc};

use axum::{
    extract::Path,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::{Stream, StreamExt, stream};
use noctis_shared::{
    catalog::{CatalogError, HeaderPlace, HeadersOf, StoredInstance},
    render_key::RENDERER_VERSION,
    request::LosslessCodec,
    storage::StorageError,
};
use uuid::Uuid;

use super::{
    accepted::{self, DICOM, Shape, Stored},
    address::{self, Uids},
    asks::{Asks, Named},
    boundary,
    metadata::{told, unknown},
    rewritten::Rewriter,
    rewritten_parts::Rewriting,
    transfer_syntax,
};
use crate::{
    api::Api,
    back_end::{catalog_problem, file_problem},
    entity_tag::{EntityTag, any_is_named_by},
    handed_out::{self, CutOff, FilePart, Part, Sent},
    problem::Problem,
};

/// Raised with every change of what stands around the files.
const TELLING_VERSION: u64 = 1;
/// Files that are looked up at a time.
pub(super) const FILES_PER_PORTION: usize = 250;

/// All instances of a study or of a series, or one: that alone, and not as a part, to who asks for that.
pub(super) async fn instances(Path(named): Path<Named>, asks: Asks) -> Result<Response, Problem> {
    sent(&asks, asks.accept().as_deref(), named.uids()).await
}

/// What `uids` name, as `accept` takes it, else as `Accept` does.
///
/// # Errors
/// 404 for what is not there for the caller, 406, and 503 for files that are away; 422 for one instance that cannot be in another
/// transfer syntax.
pub(super) async fn sent(asks: &Asks, accept: Option<&str>, uids: Uids<'_>) -> Result<Response, Problem> {
    let Asks { api, caller, origin, headers, .. } = asks;
    let visible = asks.visible();
    let of = visible.headers_of(uids.study, uids.series, uids.instance)?;
    let places = api.catalog.header_places(*of).await.map_err(|error| catalog_problem(&error))?;
    let Some(first) = places.first() else { return Err(unknown(*of)) };
    let syntaxes = api.catalog.transfer_syntaxes(*of).await.map_err(|error| catalog_problem(&error))?;
    // Of several no one is that of all.
    let syntax = if let [syntax] = &syntaxes[..] { syntax } else { "" };
    let is_one = matches!(*of, HeadersOf::Instance(_));
    let stored = Stored { media_type: DICOM, transfer_syntax: syntax, is_one };
    let (shape, written) = choose(asks, accept, stored)?;
    visible.note_opened(of.study_id());
    // Addresses stand in what is of parts.
    let validator = validator(&places, shape.is_multipart.then_some(origin), written);
    let tag = || match written {
        None => EntityTag::strong(validator.to_hex()),
        Some(_) => EntityTag::weak(validator.to_hex()),
    };
    if tag().is_named_by(headers) || any_is_named_by(headers) {
        return Ok(told(StatusCode::NOT_MODIFIED.into_response(), tag(), None));
    }
    let download = api.downloads.begin(&caller.name)?;
    // The first before the status: what fails at once is said.
    let known = api.catalog.stored_instances(&[first.key]).await.map_err(|error| catalog_problem(&error))?;
    let known = known.into_iter().next().ok_or_else(|| unknown(*of))?;
    if known.file.content_digest != first.content_digest {
        return Err(replaced());
    }
    if let Some(codec) = written {
        let (api, caller) = (Arc::clone(api), Arc::clone(caller));
        let rewriting = Rewriting {
            rewriter: Arc::new(Rewriter { api, caller, codec }),
            origin: origin.clone(),
            request_id: asks.request_id.clone(),
        };
        let answer = match (is_one, shape.is_multipart) {
            (true, false) => rewriting.alone(known, download).await?,
            (true, true) => rewriting.one_part(known, validator, download).await?,
            (false, _) => rewriting.parts(places, validator, download),
        };
        return Ok(told(answer, tag(), None));
    }
    let opened = handed_out::open(&api.storage, &known.file.location, known.file.file_byte_count).await?;
    if !shape.is_multipart {
        let sent = Sent::of(headers, known.file.file_byte_count, &tag())?;
        let body = match sent.is_whole() {
            true => handed_out::whole(&opened, &known.file, download),
            false => handed_out::part(&opened, sent.range(), download),
        };
        let mut response = body.into_response();
        sent.put_into(&mut response);
        let content_type = transfer_syntax::named(DICOM, known.transfer_syntax_uid.as_deref());
        return Ok(told(response, tag(), Some(value(content_type))));
    }
    let boundary = boundary::of(validator.as_bytes());
    let content_type = value(format!("multipart/related; type=\"{DICOM}\"; boundary={boundary}"));
    let parts = Parts { api: Arc::clone(api), places, origin: origin.clone() };
    let byte_count = parts.byte_count(&boundary).await?;
    let files = parts.files().map(|file| file.map(Part::File));
    let body = handed_out::parts(&api.storage, &boundary, files, download);
    let length = [(header::CONTENT_LENGTH, HeaderValue::from(byte_count))];
    Ok(told((length, body).into_response(), tag(), Some(content_type)))
}

/// In which shape instances are sent, and in which codec they are written anew for it: only for who takes nothing of what is stored.
fn choose(
    asks: &Asks,
    accept: Option<&str>,
    stored: Stored<'_>,
) -> Result<(Shape, Option<Option<LosslessCodec>>), Problem> {
    match accepted::choose(accept, &asks.headers, stored) {
        Ok(shape) => Ok((shape, None)),
        Err(refused) => {
            let written =
                accepted::as_written(accept, &asks.headers, stored.is_one, transfer_syntax::codec_of);
            written.map(|(shape, codec)| (shape, Some(codec))).ok_or(refused)
        }
    }
}

/// Of what a body is made: the bytes of the files, how they are written anew, and the name that addresses in it begin with.
fn validator(
    places: &[HeaderPlace],
    origin: Option<&String>,
    written: Option<Option<LosslessCodec>>,
) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&TELLING_VERSION.to_le_bytes());
    for place in places {
        hasher.update(place.key.as_bytes()).update(&place.content_digest.0);
    }
    hasher.update(origin.map_or(b"", |origin| origin.as_bytes()));
    if let Some(codec) = written {
        hasher.update(format!("{codec:?} {RENDERER_VERSION}").as_bytes());
    }
    hasher.finalize()
}

/// The parts of a body: the files of these instances, looked up as they are needed.
struct Parts {
    api: Arc<Api>,
    places: Vec<HeaderPlace>,
    origin: String,
}

impl Parts {
    /// How long a body of them is. No file is opened for it.
    ///
    /// # Errors
    /// 503 where one went or was replaced since they were listed.
    async fn byte_count(&self, boundary: &str) -> Result<u64, Problem> {
        let mut of_parts = 0;
        for portion in self.places.chunks(FILES_PER_PORTION) {
            let files = files(&self.api, portion, &self.origin).await;
            let files = files.map_err(|error| catalog_problem(&error))?.ok_or_else(replaced)?;
            of_parts += files.iter().map(|file| file.byte_count(boundary)).sum::<u64>();
        }
        Ok(handed_out::byte_count(boundary, of_parts))
    }

    fn files(self) -> impl Stream<Item = Result<FilePart, CutOff>> + Send {
        let Self { api, places, origin } = self;
        let portions: Vec<Vec<HeaderPlace>> = places.chunks(FILES_PER_PORTION).map(<[_]>::to_vec).collect();
        let found = stream::iter(portions).then(move |portion| {
            let (api, origin) = (Arc::clone(&api), origin.clone());
            async move {
                match files(&api, &portion, &origin).await {
                    Ok(Some(files)) => files.into_iter().map(Ok).collect(),
                    Ok(None) => vec![Err(CutOff::OtherBytes)],
                    Err(_) => vec![Err(CutOff::Catalog)],
                }
            }
        });
        found.flat_map(stream::iter)
    }
}

/// The files at these places, in their order; `None` where one went or was replaced since they were listed.
async fn files(
    api: &Api,
    places: &[HeaderPlace],
    origin: &str,
) -> Result<Option<Vec<FilePart>>, CatalogError> {
    let found = stored(api, places).await?;
    Ok(found.map(|found| found.into_iter().map(|stored| part(stored, origin)).collect()))
}

/// The instances at these places, in their order; `None` where one went or was replaced since they were listed.
pub(super) async fn stored(
    api: &Api,
    places: &[HeaderPlace],
) -> Result<Option<Vec<StoredInstance>>, CatalogError> {
    let keys: Vec<Uuid> = places.iter().map(|place| place.key).collect();
    let found = api.catalog.stored_instances(&keys).await?.into_iter();
    let mut found: HashMap<Uuid, StoredInstance> = found.map(|stored| (stored.file.key, stored)).collect();
    let file = |place: &HeaderPlace| {
        let stored = found.remove(&place.key)?;
        (stored.file.content_digest == place.content_digest).then_some(stored)
    };
    Ok(places.iter().map(file).collect())
}

fn replaced() -> Problem {
    file_problem(&StorageError::Truncated)
}

/// An instance as it is stored.
pub(super) fn part(stored: StoredInstance, origin: &str) -> FilePart {
    let head = format!(
        "Content-Type: {}\r\nContent-Length: {}\r\n{}",
        transfer_syntax::named(DICOM, stored.transfer_syntax_uid.as_deref()),
        stored.file.file_byte_count,
        location(origin, &stored),
    );
    FilePart { head, file: stored.file }
}

/// The header field that says where an instance is.
pub(super) fn location(
    origin: &str,
    StoredInstance { file, study_instance_uid, .. }: &StoredInstance,
) -> String {
    let uids = Uids::instance(study_instance_uid, &file.series_instance_uid, &file.sop_instance_uid);
    format!("Content-Location: {}\r\n", address::of(origin, uids))
}

/// Names of ours, digits and dots are always a header value.
pub(super) fn value(text: String) -> HeaderValue {
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(DICOM))
}
