//! Answers of instances that are written anew: one alone, or each a part. What is in the transfer syntax already is sent as it is stored.

use std::{fmt::Write, sync::Arc};

use axum::{
    body::Bytes,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use futures::{Stream, StreamExt, stream};
use noctis_shared::{
    catalog::{HeaderPlace, ImageRecord, StoredInstance},
    own_id,
};
use uuid::Uuid;

use super::{
    accepted::DICOM,
    boundary,
    instances::{FILES_PER_PORTION, location, part, stored, value},
    rewritten::{Rewriter, Rewritten},
    transfer_syntax,
};
use crate::{
    allowance::Allowed,
    edge::RequestId,
    handed_out::{self, CutOff, Part},
    picture::stream::Patience,
    problem::{Kind, Problem},
    visible::Permitted,
};

/// Writes instances anew, and tells them.
pub(super) struct Rewriting {
    pub(super) rewriter: Arc<Rewriter>,
    /// The name that addresses begin with.
    pub(super) origin: String,
    pub(super) request_id: RequestId,
}

impl Rewriting {
    /// One instance, and not as a part.
    ///
    /// # Errors
    /// Those of [`Rewriter::begin`].
    pub(super) async fn alone(self, known: StoredInstance, download: Allowed) -> Result<Response, Problem> {
        let image_id = id_of(&known);
        let image = self.rewriter.api.visible_to(&self.rewriter.caller).image(image_id).await?;
        let rewritten = self.begin(image_id, image).await?;
        let content_type = content_type(&rewritten);
        let byte_count = rewritten.byte_count();
        let mut response = handed_out::body(rewritten.pieces(), download).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, value(content_type));
        if let Some(byte_count) = byte_count {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(byte_count));
        }
        Ok(response)
    }

    /// One instance as a part. One that cannot be had is a problem, and not a part that is one.
    ///
    /// # Errors
    /// Those of [`Rewriter::begin`].
    pub(super) async fn one_part(
        self,
        known: StoredInstance,
        validator: blake3::Hash,
        download: Allowed,
    ) -> Result<Response, Problem> {
        let part = self.part(known).await?;
        Ok(self.related(stream::iter([Ok(part)]), validator, download))
    }

    /// The instances at these places, each a part. Where one went or was replaced since they were listed, the body has no end.
    pub(super) fn parts(
        self,
        places: Vec<HeaderPlace>,
        validator: blake3::Hash,
        download: Allowed,
    ) -> Response {
        let rewriting = Arc::new(self);
        let portions: Vec<Vec<HeaderPlace>> = places.chunks(FILES_PER_PORTION).map(<[_]>::to_vec).collect();
        let api = Arc::clone(&rewriting.rewriter.api);
        let found = stream::iter(portions).then(move |portion| {
            let api = Arc::clone(&api);
            async move {
                match stored(&api, &portion).await {
                    Ok(Some(found)) => found.into_iter().map(Ok).collect(),
                    Ok(None) => vec![Err(CutOff::OtherBytes)],
                    Err(_) => vec![Err(CutOff::Catalog)],
                }
            }
        });
        let teller = Arc::clone(&rewriting);
        let parts = found.flat_map(stream::iter).then(move |stored| {
            let rewriting = Arc::clone(&teller);
            async move { Ok(rewriting.part_in_turn(stored?).await) }
        });
        rewriting.related(parts, validator, download)
    }

    fn related(
        &self,
        parts: impl Stream<Item = Result<Part, CutOff>> + Send + 'static,
        validator: blake3::Hash,
        download: Allowed,
    ) -> Response {
        let boundary = boundary::of(validator.as_bytes());
        let content_type = format!("multipart/related; type=\"{DICOM}\"; boundary={boundary}");
        let body = handed_out::parts(&self.rewriter.api.storage, &boundary, parts, download);
        ([(header::CONTENT_TYPE, value(content_type))], body).into_response()
    }

    /// A part of an answer that has begun: one that cannot be had says so in its place.
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
        let image_id = id_of(&stored);
        let image = self.rewriter.api.visible_to(&self.rewriter.caller).image(image_id).await?;
        if self.rewriter.keeps(syntax, image.image.frame_count > 0) {
            return Ok(Part::File(part(stored, &self.origin)));
        }
        let rewritten = self.begin(image_id, image).await?;
        let location = location(&self.origin, &stored);
        let mut head = format!("Content-Type: {}\r\n{location}", content_type(&rewritten));
        if let Some(byte_count) = rewritten.byte_count() {
            // Writing to a string cannot fail.
            let _ = write!(head, "Content-Length: {byte_count}\r\n");
        }
        Ok(Part::Made { head, pieces: rewritten.pieces().boxed() })
    }

    /// A part that says why there is no file.
    fn told(&self, problem: Problem, location: &str) -> Part {
        let body = Bytes::from(problem.document("/dicom-web", self.request_id.as_str()).body);
        let head =
            format!("Content-Type: application/problem+json\r\nContent-Length: {}\r\n{location}", body.len());
        Part::Made { head, pieces: stream::iter([Ok(body)]).boxed() }
    }

    /// The next request knows an image as it is now, if it was replaced.
    async fn begin(&self, image_id: Uuid, image: Permitted<Arc<ImageRecord>>) -> Result<Rewritten, Problem> {
        let begun = self.rewriter.begin(image).await;
        if begun.as_ref().is_err_and(|problem| problem.kind() == Kind::ImageReplaced) {
            self.rewriter.api.images.forget_with(image_id, &self.rewriter.api.cache).await;
        }
        begun
    }
}

fn id_of(StoredInstance { file, study_instance_uid, .. }: &StoredInstance) -> Uuid {
    own_id::of_image(study_instance_uid, &file.series_instance_uid, &file.sop_instance_uid)
}

fn content_type(rewritten: &Rewritten) -> String {
    transfer_syntax::named(DICOM, Some(rewritten.transfer_syntax()))
}
