//! What every handler of DICOMweb takes of a request, and what paths name.

use std::{borrow::Cow, sync::Arc};

use axum::{
    Extension,
    extract::FromRequestParts,
    http::{HeaderMap, Uri, request::Parts},
};
use serde::Deserialize;
use url::form_urlencoded;

use super::address::Uids;
use crate::{
    api::Api,
    caller::Caller,
    edge::{Origin, RequestId},
    problem::Problem,
    visible::Visible,
};

/// A request, beside what its path names.
pub(super) struct Asks {
    pub(super) api: Arc<Api>,
    pub(super) caller: Arc<Caller>,
    /// The name that the client knows this server by.
    pub(super) origin: String,
    pub(super) request_id: RequestId,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
}

impl FromRequestParts<Arc<Api>> for Asks {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Problem> {
        let missing = |error| Problem::internal(&error);
        let Extension(caller) = Extension::from_request_parts(parts, api).await.map_err(missing)?;
        let Extension(request_id) = Extension::from_request_parts(parts, api).await.map_err(missing)?;
        let Ok(Origin(origin)) = Origin::from_request_parts(parts, api).await;
        let (api, uri, headers) = (Arc::clone(api), parts.uri.clone(), parts.headers.clone());
        Ok(Self { api, caller, origin, request_id, uri, headers })
    }
}

impl Asks {
    pub(super) fn visible(&self) -> Visible<'_> {
        self.api.visible_to(&self.caller)
    }

    /// The media types of `accept=` (PS3.18 8.3.3.1).
    pub(super) fn accept(&self) -> Option<Cow<'_, str>> {
        let mut pairs = form_urlencoded::parse(self.uri.query().unwrap_or_default().as_bytes());
        pairs.find(|(name, _)| name == "accept").map(|(_, value)| value)
    }
}

/// A study, a series or an instance, as a path names it.
#[derive(Debug, Deserialize)]
pub(super) struct Named {
    study: String,
    series: Option<String>,
    instance: Option<String>,
}

impl Named {
    pub(super) fn uids(&self) -> Uids<'_> {
        Uids { study: &self.study, series: self.series.as_deref(), instance: self.instance.as_deref() }
    }
}
