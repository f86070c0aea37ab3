//! The instances of a study, of a series, or one (WADO-RS, PS3.18 10.4.1.1.1): as they are stored, or in another transfer syntax for
//! clients that take nothing else.

use std::{collections::HashMap, fmt::Write, sync::Arc};

use axum::{
    body::{Body, Bytes},
    extract::Path,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::{Stream, StreamExt, stream};
use noctis_shared::{
    catalog::{HeadersOf, ImageRecord, StoredInstance},
    own_id,
    render_key::RENDERER_VERSION,
};
use uuid::Uuid;

use super::{
    accepted::{self, DICOM, Shape, Stored},
    address::{self, Uids},
    asks::{Asks, Named},
    metadata::{told, unknown, validator},
    rewritten::{Rewriter, codec_of},
    transfer_syntax,
};
use crate::{
    allowance::Allowed,
    api::Api,
    back_end::catalog_problem,
    edge::RequestId,
    entity_tag::{EntityTag, any_is_named_by},
    handed_out::{self, Content, CutOff, Part},
    picture::stream::Patience,
    problem::Problem,
    visible::Permitted,
};

/// Files that are looked up at a time.
const FILES_PER_PORTION: usize = 250;

/// All instances of a study or of a series, or one: that alone, and not as a part, to who asks for that.
pub(super) async fn instances(Path(named): Path<Named>, asks: Asks) -> Result<Response, Problem> {
    sent(&asks, asks.accept().as_deref(), named.uids()).await
}

/// What `uids` name, as `accept` takes it, else as `Accept` does.
///
/// # Errors
/// 404 for what is not there for the caller, 406, and 503 for files that are away; 422 for one instance that cannot be in
/// another transfer syntax.
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
    let (shape, rewriter) = choose(asks, accept, stored)?;
    visible.note_opened(of.study_id());
    let codec = rewriter.as_ref().map(|rewriter| (rewriter.codec, RENDERER_VERSION));
    let validator = validator(&places, &format!("{origin} {} {codec:?}", shape.is_multipart));
    let tag = || EntityTag::weak(format_args!("{validator:016x}"));
    if tag().is_named_by(headers) || any_is_named_by(headers) {
        return Ok(told(StatusCode::NOT_MODIFIED.into_response(), tag(), None));
    }
    let download = api.downloads.begin(&caller.name)?;
    // The first before the status: what fails at once is said.
    let known = api.catalog.stored_instances(&[first.key]).await.map_err(|error| catalog_problem(&error))?;
    let known = known.into_iter().next().ok_or_else(|| unknown(*of))?;
    let opened = handed_out::open(&api.storage, &known.file.location, known.file.file_byte_count).await?;
    if !shape.is_multipart {
        if let Some(rewriter) = rewriter {
            return Ok(told(rewritten_alone(&rewriter, &known, download).await?, tag(), None));
        }
        let length = HeaderValue::from(known.file.file_byte_count);
        let body = handed_out::whole(&opened, &known.file, download);
        let response = ([(header::CONTENT_LENGTH, length)], body).into_response();
        return Ok(told(
            response,
            tag(),
            Some(value(transfer_syntax::named(DICOM, known.transfer_syntax_uid.as_deref()))),
        ));
    }
    let boundary = Uuid::new_v4().simple().to_string();
    let content_type = value(format!("multipart/related; type=\"{DICOM}\"; boundary={boundary}"));
    let keys = places.iter().map(|place| place.key).collect();
    let teller = Arc::new(Teller {
        api: Arc::clone(api),
        rewriter,
        origin: origin.clone(),
        request_id: asks.request_id.clone(),
    });
    if is_one {
        // One that cannot be had is a problem, and not a part that is one.
        let part = teller.part(known).await?;
        let body = handed_out::parts(&api.storage, &boundary, stream::iter([Ok(part)]), download);
        return Ok(told(body.into_response(), tag(), Some(content_type)));
    }
    let body: Body = handed_out::parts(&api.storage, &boundary, teller.files(keys), download);
    Ok(told(body.into_response(), tag(), Some(content_type)))
}

/// In which shape instances are sent, and by whom they are written anew for it: only for who takes nothing of what is stored.
fn choose(
    asks: &Asks,
    accept: Option<&str>,
    stored: Stored<'_>,
) -> Result<(Shape, Option<Arc<Rewriter>>), Problem> {
    let refused = match accepted::choose(accept, &asks.headers, stored) {
        Ok(shape) => return Ok((shape, None)),
        Err(refused) => refused,
    };
    let written = accepted::as_written(accept, &asks.headers, stored.is_one, codec_of);
    let (shape, codec) = written.ok_or(refused)?;
    let (api, caller) = (Arc::clone(&asks.api), Arc::clone(&asks.caller));
    Ok((shape, Some(Arc::new(Rewriter { api, caller, codec }))))
}

/// One instance in another transfer syntax, and not as a part.
async fn rewritten_alone(
    rewriter: &Arc<Rewriter>,
    known: &StoredInstance,
    download: Allowed,
) -> Result<Response, Problem> {
    let rewritten = rewriter.begin(image_of(rewriter, known).await?).await?;
    let content_type = value(transfer_syntax::named(DICOM, Some(rewritten.transfer_syntax())));
    let byte_count = rewritten.byte_count();
    let mut response = handed_out::made(rewritten.pieces(), download).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    if let Some(byte_count) = byte_count {
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(byte_count));
    }
    Ok(response)
}

async fn image_of(
    rewriter: &Rewriter,
    StoredInstance { file, study_instance_uid, .. }: &StoredInstance,
) -> Result<Permitted<Arc<ImageRecord>>, Problem> {
    let image_id = own_id::of_image(study_instance_uid, &file.series_instance_uid, &file.sop_instance_uid);
    rewriter.api.visible_to(&rewriter.caller).image(image_id).await
}

/// Tells instances as parts.
struct Teller {
    api: Arc<Api>,
    /// Where they are not sent as they are stored.
    rewriter: Option<Arc<Rewriter>>,
    origin: String,
    request_id: RequestId,
}

impl Teller {
    /// The files of these instances in their order, looked up as they are needed. What went meanwhile is left out.
    fn files(self: Arc<Self>, keys: Vec<Uuid>) -> impl Stream<Item = Result<Part, CutOff>> + Send {
        let portions: Vec<Vec<Uuid>> = keys.chunks(FILES_PER_PORTION).map(<[Uuid]>::to_vec).collect();
        let api = Arc::clone(&self.api);
        let found = stream::iter(portions).then(move |keys| {
            let api = Arc::clone(&api);
            async move {
                let Ok(found) = api.catalog.stored_instances(&keys).await else {
                    return vec![Err(CutOff::Catalog)];
                };
                let mut found: HashMap<Uuid, StoredInstance> =
                    found.into_iter().map(|stored| (stored.file.key, stored)).collect();
                keys.iter().filter_map(|key| found.remove(key)).map(Ok).collect()
            }
        });
        found.flat_map(stream::iter).then(move |stored| {
            let teller = Arc::clone(&self);
            async move { Ok(teller.part_in_turn(stored?).await) }
        })
    }

    /// The same of an answer that has begun: one that cannot be had says so in its place.
    async fn part_in_turn(&self, stored: StoredInstance) -> Part {
        let mut patience = Patience::default();
        loop {
            let problem = match self.part(stored.clone()).await {
                Ok(part) => return part,
                Err(problem) => problem,
            };
            if let Err(problem) = patience.outlast(problem).await {
                return self.told(problem, &location(&self.origin, &stored));
            }
        }
    }

    async fn part(&self, stored: StoredInstance) -> Result<Part, Problem> {
        let syntax = stored.transfer_syntax_uid.as_deref().unwrap_or_default();
        let location = location(&self.origin, &stored);
        let Some(rewriter) = &self.rewriter else { return Ok(as_stored(stored, &location)) };
        let image = image_of(rewriter, &stored).await?;
        if rewriter.keeps(syntax, image.image.frame_count > 0) {
            return Ok(as_stored(stored, &location));
        }
        let rewritten = rewriter.begin(image).await?;
        let byte_count = rewritten.byte_count();
        let mut head = format!(
            "Content-Type: {}\r\n{location}",
            transfer_syntax::named(DICOM, Some(rewritten.transfer_syntax()))
        );
        if let Some(byte_count) = byte_count {
            // Writing to a string cannot fail.
            let _ = write!(head, "Content-Length: {byte_count}\r\n");
        }
        Ok(Part { head, content: Content::Made(rewritten.pieces().boxed()) })
    }

    /// A part that says why there is no file.
    fn told(&self, problem: Problem, location: &str) -> Part {
        let body = Bytes::from(problem.document("/dicom-web", self.request_id.as_str()).body);
        let head =
            format!("Content-Type: application/problem+json\r\nContent-Length: {}\r\n{location}", body.len());
        Part { head, content: Content::Made(stream::iter([Ok(body)]).boxed()) }
    }
}

/// The header field that says where an instance is.
fn location(origin: &str, StoredInstance { file, study_instance_uid, .. }: &StoredInstance) -> String {
    let uids = Uids::instance(study_instance_uid, &file.series_instance_uid, &file.sop_instance_uid);
    format!("Content-Location: {}\r\n", address::of(origin, uids))
}

fn as_stored(StoredInstance { file, transfer_syntax_uid, .. }: StoredInstance, location: &str) -> Part {
    let head = format!(
        "Content-Type: {}\r\nContent-Length: {}\r\n{location}",
        transfer_syntax::named(DICOM, transfer_syntax_uid.as_deref()),
        file.file_byte_count,
    );
    Part { head, content: Content::File(file) }
}

/// Names of ours, digits and dots are always a header value.
fn value(text: String) -> HeaderValue {
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(DICOM))
}
