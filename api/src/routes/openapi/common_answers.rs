//! What every route may answer, as the edge does it, and what bytes are: said once for all of them.

use utoipa::openapi::{
    Content, OpenApi, RefOr, Response,
    path::Operation,
    schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type},
};

use super::refusal;
use crate::edge::policy::{self, Policy};

/// Says at each operation what the edge may answer in its place, and that pictures are bytes.
pub(super) fn state(document: &mut OpenApi) {
    for (route, item) in &mut document.paths.paths {
        let policy = policy::of(route);
        let has_body = item.post.is_some();
        let operations = [&mut item.get, &mut item.post, &mut item.put, &mut item.delete];
        for operation in operations.into_iter().flatten() {
            state_refusals(operation, policy, has_body);
            operation.responses.responses.values_mut().for_each(state_bytes);
        }
    }
}

fn state_refusals(operation: &mut Operation, policy: &Policy, has_body: bool) {
    let mut may_be = |status: &str, description: &str| {
        let answers = &mut operation.responses.responses;
        answers.entry(status.to_owned()).or_insert_with(|| refusal(description).into());
    };
    may_be("400", "A parameter is wrong, or the server does not answer under this name");
    may_be("403", "A page of this origin may not ask");
    may_be("414", "Path and query are too long");
    may_be("500", "A fault of ours; the request id finds it in the log");
    may_be("504", "A back end took too long");
    if has_body {
        may_be("413", "The body is too long");
    }
    if policy.cost > 0 {
        may_be("429", "Too many requests; `Retry-After` says when to ask again");
    }
}

/// Pictures, archives and the like are bytes, and no list of numbers.
fn state_bytes(response: &mut RefOr<Response>) {
    let RefOr::T(response) = response else { return };
    for (media_type, content) in &mut response.content {
        if is_of_bytes(media_type) {
            *content = RefOr::T(Content::new(Some(bytes())));
        }
    }
}

fn is_of_bytes(media_type: &str) -> bool {
    const KINDS: [&str; 5] =
        ["image/", "multipart/", "application/octet-stream", "application/zip", "application/dicom;"];
    KINDS.iter().any(|kind| media_type.starts_with(kind)) || media_type == "application/dicom"
}

fn bytes() -> RefOr<Schema> {
    let format = SchemaFormat::KnownFormat(KnownFormat::Binary);
    ObjectBuilder::new().schema_type(Type::String).format(Some(format)).into()
}
