//! Who makes a request: known before it is counted.

use std::{
    borrow::Cow,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{
    extract::{ConnectInfo, Request},
    http::{Extensions, HeaderMap, header},
};

use super::policy::Policy;
use crate::{
    api::Api,
    auth::NoCaller,
    back_end::catalog_problem,
    caller::Caller,
    problem::{Kind, Problem},
};

/// Who makes a request, and what is wrong with that.
pub(super) struct Identified {
    /// Who it is counted for.
    pub(super) caller: Arc<Caller>,
    /// Why it may not come: it has no token, or none that allows it.
    pub(super) refused: Option<Problem>,
}

/// Who makes a request from `address` with these headers, and whether that one may do what `policy` is of. Where no token
/// is asked for it goes by its address, and may do everything.
pub(super) async fn identify(
    api: &Api,
    policy: &Policy,
    address: Option<IpAddr>,
    headers: &HeaderMap,
) -> Identified {
    let address = address.map_or_else(|| "unknown".to_owned(), |address| address.to_string());
    let Some(auth) = &api.auth else {
        return Identified { caller: Arc::new(Caller::anybody(address)), refused: None };
    };
    // What is for everybody looks at no token.
    let Some(scope) = policy.scope else {
        return Identified { caller: Arc::new(Caller::nobody(address)), refused: None };
    };
    let known = match bearer(headers) {
        Ok(token) => auth.caller(token).await.map_err(|error| no_caller(&error)),
        Err(problem) => Err(problem),
    };
    match known {
        Ok(caller) if caller.scopes.has(scope) => Identified { caller, refused: None },
        Ok(caller) => Identified { caller, refused: Some(insufficient(scope.name())) },
        Err(problem) => Identified { caller: Arc::new(Caller::nobody(address)), refused: Some(problem) },
    }
}

/// The one token of a request (RFC 6750 2.1).
fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let mut sent = headers.get_all(header::AUTHORIZATION).iter();
    let Some(first) = sent.next() else {
        return Err(unauthorized("This takes a token: log in and send it as Authorization: Bearer.", None));
    };
    let token = first.to_str().ok().and_then(|text| text.split_once(' '));
    match (token, sent.next()) {
        (Some((scheme, token)), None) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim()),
        _ => Err(unauthorized("Authorization takes Bearer and one token.", Some("invalid_request"))),
    }
}

fn no_caller(error: &NoCaller) -> Problem {
    match error {
        NoCaller::Catalog(error) => catalog_problem(error).retry_after(Duration::from_secs(2)),
        NoCaller::Refused(_) | NoCaller::Revoked => {
            let mut detail = error.to_string();
            detail[..1].make_ascii_uppercase();
            unauthorized(format!("{detail}."), Some("invalid_token"))
        }
    }
}

/// RFC 6750 3.
fn unauthorized(detail: impl Into<Cow<'static, str>>, error: Option<&'static str>) -> Problem {
    let problem = Problem::new(Kind::Unauthorized, detail);
    match error {
        Some(error) => problem.with("error", error),
        None => problem,
    }
}

fn insufficient(scope: &'static str) -> Problem {
    let detail = format!("This takes a token with the scope {scope}.");
    Problem::new(Kind::InsufficientScope, detail).with("scope", scope)
}

/// The address of the client: that of the connection; behind a proxy on a private address, the last one that the
/// proxy wrote into `X-Forwarded-For`. A client on a public address cannot choose what it is counted under.
pub(super) fn address(request: &Request) -> Option<IpAddr> {
    let peer = peer(request.extensions())?;
    if is_private(peer) { Some(forwarded_for(request.headers()).unwrap_or(peer)) } else { Some(peer) }
}

fn peer(extensions: &Extensions) -> Option<IpAddr> {
    extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip().to_canonical())
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback() || address.is_private(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local(),
    }
}

fn forwarded_for(headers: &HeaderMap) -> Option<IpAddr> {
    let last = headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
    last.rsplit(',').next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_proxy_on_a_private_address_may_speak_for_others() {
        let cases = [
            ("10.0.0.9:4000", Some("203.0.113.7, 198.51.100.4"), "198.51.100.4"),
            ("127.0.0.1:4000", Some("203.0.113.7"), "203.0.113.7"),
            ("10.0.0.9:4000", None, "10.0.0.9"),
            ("10.0.0.9:4000", Some("unknown"), "10.0.0.9"),
            ("203.0.113.9:4000", Some("198.51.100.4"), "203.0.113.9"),
            ("[::ffff:203.0.113.9]:4000", Some("198.51.100.4"), "203.0.113.9"),
        ];
        for (peer, forwarded, expected) in cases {
            let mut request = Request::new(axum::body::Body::empty());
            request.extensions_mut().insert(ConnectInfo(peer.parse::<SocketAddr>().expect("an address")));
            if let Some(forwarded) = forwarded {
                request.headers_mut().insert("x-forwarded-for", forwarded.parse().expect("a header"));
            }
            assert_eq!(
                address(&request),
                Some(expected.parse().expect("an address")),
                "{peer} {forwarded:?}"
            );
        }
    }
}
