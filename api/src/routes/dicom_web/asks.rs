//! What a handler of pictures takes of a request beside its path.

use std::sync::Arc;

use axum::{
    Extension,
    extract::FromRequestParts,
    http::{HeaderMap, Uri, request::Parts},
};

use crate::{api::Api, caller::Caller, edge::RequestId, problem::Problem, visible::Visible};

/// What every handler here takes beside its path.
pub(super) struct Asks {
    pub(super) api: Arc<Api>,
    pub(super) caller: Arc<Caller>,
    pub(super) request_id: RequestId,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
}

impl FromRequestParts<Arc<Api>> for Asks {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Problem> {
        let extension = |error| Problem::internal(&error);
        let Extension(caller) = Extension::from_request_parts(parts, api).await.map_err(extension)?;
        let Extension(request_id) = Extension::from_request_parts(parts, api).await.map_err(extension)?;
        let (api, uri, headers) = (Arc::clone(api), parts.uri.clone(), parts.headers.clone());
        Ok(Self { api, caller, request_id, uri, headers })
    }
}

impl Asks {
    pub(super) fn visible(&self) -> Visible<'_> {
        self.api.visible_to(&self.caller)
    }
}
