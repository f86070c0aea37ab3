//! Scheme, name and port that a client knows this server by, for addresses that answers tell in full.

use std::{convert::Infallible, sync::Arc};

use axum::{
    extract::FromRequestParts,
    http::{header, request::Parts},
};

use super::identity::peer;
use crate::api::Api;

/// Beside a request that came over TLS to this very process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OverTls;

/// `https://viewer.example:8443`, without a slash at its end. The name was held against those that are answered.
#[derive(Debug, Clone)]
pub(crate) struct Origin(pub(crate) String);

impl FromRequestParts<Arc<Api>> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Infallible> {
        let named = parts.uri.authority().map(|authority| authority.as_str());
        let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let name = named.or(host).unwrap_or("localhost");
        Ok(Self(format!("{}://{name}", scheme(parts, api))))
    }
}

/// As a proxy that is trusted says, else as the connection is.
fn scheme(parts: &Parts, api: &Api) -> &'static str {
    let is_trusted = peer(&parts.extensions).is_some_and(|peer| api.trusted_proxies.has(peer));
    let text = |name: &str| {
        let value = parts.headers.get(name).filter(|_| is_trusted)?;
        Some(value.to_str().ok()?.rsplit(',').next().unwrap_or_default().trim())
    };
    let in_forwarded = || {
        let pairs = text("forwarded")?.split(';').filter_map(|pair| pair.trim().split_once('='));
        let mut named = pairs.filter(|(name, _)| name.eq_ignore_ascii_case("proto"));
        named.next().map(|(_, proto)| proto.trim_matches('"'))
    };
    let is_tls = match text("x-forwarded-proto").or_else(in_forwarded) {
        Some(proto) => proto.eq_ignore_ascii_case("https"),
        None => parts.extensions.get::<OverTls>().is_some(),
    };
    if is_tls { "https" } else { "http" }
}
