//! The instances of a study, of a series, or one (WADO-RS, PS3.18 10.4.1.1.1), as they are stored: no transfer syntax is
//! changed.

use std::{collections::HashMap, sync::Arc};

use axum::{
    body::Body,
    extract::Path,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::{Stream, StreamExt, stream};
use noctis_shared::catalog::{CatalogError, HeadersOf, StoredInstance};
use uuid::Uuid;

use super::{
    accepted::{self, Stored},
    address::{self, Uids},
    asks::{Asks, Named},
    metadata::{told, unknown, validator},
    transfer_syntax,
};
use crate::{
    api::Api,
    back_end::catalog_problem,
    entity_tag::{EntityTag, any_is_named_by},
    handed_out::{self, FilePart},
    problem::Problem,
};

const DICOM: &str = "application/dicom";
/// Files that are looked up at a time.
const FILES_PER_PORTION: usize = 250;

/// All instances of a study or of a series, or one: that alone, and not as a part, to who asks for that.
pub(super) async fn instances(Path(named): Path<Named>, asks: Asks) -> Result<Response, Problem> {
    sent(&asks, asks.accept().as_deref(), named.uids()).await
}

/// What `uids` name, as `accept` takes it, else as `Accept` does.
///
/// # Errors
/// 404 for what is not there for the caller, 406, and 503 for files that are away.
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
    let shape = accepted::choose(accept, headers, stored)?;
    visible.note_opened(of.study_id());
    let validator = validator(&places, &format!("{origin} {}", shape.is_multipart));
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
    let body: Body =
        handed_out::parts(&api.storage, &boundary, files(Arc::clone(api), keys, origin.clone()), download);
    Ok(told(body.into_response(), tag(), Some(content_type)))
}

/// The files of these instances in their order, looked up as they are needed. What went meanwhile is left out.
fn files(
    api: Arc<Api>,
    keys: Vec<Uuid>,
    origin: String,
) -> impl Stream<Item = Result<FilePart, CatalogError>> + Send {
    let portions: Vec<Vec<Uuid>> = keys.chunks(FILES_PER_PORTION).map(<[Uuid]>::to_vec).collect();
    let found = stream::iter(portions).then(move |keys| {
        let api = Arc::clone(&api);
        async move {
            let found = match api.catalog.stored_instances(&keys).await {
                Ok(found) => found,
                Err(error) => return vec![Err(error)],
            };
            let mut found: HashMap<Uuid, StoredInstance> =
                found.into_iter().map(|stored| (stored.file.key, stored)).collect();
            keys.iter().filter_map(|key| found.remove(key)).map(Ok).collect()
        }
    });
    found.flat_map(stream::iter).map(move |stored| stored.map(|stored| part(stored, &origin)))
}

fn part(stored: StoredInstance, origin: &str) -> FilePart {
    let StoredInstance { file, study_instance_uid, transfer_syntax_uid } = stored;
    let uids = Uids::instance(&study_instance_uid, &file.series_instance_uid, &file.sop_instance_uid);
    let head = format!(
        "Content-Type: {}\r\nContent-Length: {}\r\nContent-Location: {}\r\n",
        transfer_syntax::named(DICOM, transfer_syntax_uid.as_deref()),
        file.file_byte_count,
        address::of(origin, uids)
    );
    FilePart { head, file }
}

/// Names of ours, digits and dots are always a header value.
fn value(text: String) -> HeaderValue {
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(DICOM))
}
