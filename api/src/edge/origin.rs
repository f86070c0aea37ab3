//! Scheme, name and port that a client knows this server by, for addresses that answers tell in full.

use std::{convert::Infallible, sync::Arc};

use axum::{
    extract::FromRequestParts,
    http::{header, request::Parts},
};
use noctis_shared::settings::TrustedProxies;

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
        Ok(Self(origin(parts, &api.trusted_proxies)))
    }
}

fn origin(parts: &Parts, proxies: &TrustedProxies) -> String {
    let named = parts.uri.authority().map(|authority| authority.as_str());
    let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let name = named.or(host).unwrap_or("localhost");
    format!("{}://{name}", scheme(parts, proxies))
}

/// As a proxy that is trusted says, else as the connection is.
fn scheme(parts: &Parts, proxies: &TrustedProxies) -> &'static str {
    let is_trusted = peer(&parts.extensions).is_some_and(|peer| proxies.has(peer));
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

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::{body::Body, extract::ConnectInfo, http::Request};
    use noctis_shared::settings::{Origin as Of, Settings, Texts};

    use super::*;

    #[test]
    fn the_name_and_scheme_are_those_that_the_client_used() {
        let mut texts = Texts::defaults();
        texts.set("NOCTIS_TRUSTED_PROXIES", "10.0.0.0/8", Of::Flag);
        let proxies = Settings::from_texts(&texts).expect("settings").trusted_proxies;
        let (xfp, forwarded, near, far) =
            ("x-forwarded-proto", "forwarded", "10.0.0.9:4000", "203.0.113.7:4000");
        let cases = [
            (far, false, ("x-nothing", ""), "http://viewer.example:8443"),
            (far, true, ("x-nothing", ""), "https://viewer.example:8443"),
            (near, false, (xfp, "https"), "https://viewer.example:8443"),
            (near, false, (xfp, "http, HTTPS"), "https://viewer.example:8443"),
            (near, true, (xfp, "http"), "http://viewer.example:8443"),
            (near, false, (forwarded, "for=1.2.3.4;Proto=\"https\""), "https://viewer.example:8443"),
            (near, false, (forwarded, "for=1.2.3.4"), "http://viewer.example:8443"),
            (far, false, (xfp, "https"), "http://viewer.example:8443"),
        ];
        for (peer, is_tls, (name, value), expected) in cases {
            let mut request = Request::new(Body::empty());
            request.extensions_mut().insert(ConnectInfo(peer.parse::<SocketAddr>().expect("an address")));
            if is_tls {
                request.extensions_mut().insert(OverTls);
            }
            request.headers_mut().insert(header::HOST, "viewer.example:8443".parse().expect("a header"));
            request.headers_mut().insert(name, value.parse().expect("a header"));
            let (parts, _) = request.into_parts();
            assert_eq!(origin(&parts, &proxies), expected, "{peer} {is_tls} {name}: {value}");
        }
    }
}
