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

use noctis_shared::settings::TrustedProxies;

use super::{link::Linked, policy::Policy};
use crate::{
    api::Api,
    auth::{Auth, NoCaller},
    back_end::catalog_problem,
    caller::{Caller, Who},
    problem::{Kind, Problem},
};

/// When a client may try again after the provider did not answer.
const PROVIDER_PAUSE: Duration = Duration::from_secs(10);

/// Who makes a request, and what is wrong with that.
pub(super) struct Identified {
    /// Who it is counted for.
    pub(super) caller: Arc<Caller>,
    /// Why it may not come: it has no token, or none that allows it.
    pub(super) refused: Option<Problem>,
}

/// Who makes a request from `address`, whose address showed `linked`, with these headers, and whether that one may do what
/// `policy` is of. Where no token is asked for it goes by its address, and may do everything.
pub(super) async fn identify(
    api: &Api,
    policy: &Policy,
    address: Option<IpAddr>,
    linked: Result<Linked, Problem>,
    headers: &HeaderMap,
) -> Identified {
    let is = |caller, refused| Identified { caller: Arc::new(caller), refused };
    let Some(auth) = &api.auth else { return is(Caller::anybody(address), None) };
    // What is for everybody looks at no token.
    let Some(scope) = policy.scope else { return is(Caller::nobody(address), None) };
    match shown(auth, linked, address, headers).await {
        Ok(who) if who.scopes.has(scope) => is(Caller::new(who, address), None),
        Ok(who) => is(Caller::new(who, address), Some(insufficient(scope.name()))),
        Err(problem) => is(Caller::nobody(address), Some(problem)),
    }
}

/// Who comes, by the one thing that was shown.
async fn shown(
    auth: &Auth,
    linked: Result<Linked, Problem>,
    address: Option<IpAddr>,
    headers: &HeaderMap,
) -> Result<Arc<Who>, Problem> {
    let linked = linked?;
    if linked != Linked::No && headers.contains_key(header::AUTHORIZATION) {
        let detail = "A request comes by a link or with a token, not by both.";
        return Err(Problem::new(Kind::InvalidParameter, detail));
    }
    let who = match &linked {
        Linked::No => auth.who(bearer(headers)?).await,
        Linked::Share(token) => auth.guest(token).await,
        Linked::Signed { text, expires, signature } => {
            auth.by_signature(text, expires.as_deref(), signature, address)
        }
    };
    who.map_err(|error| no_caller(&error))
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
        NoCaller::Provider => {
            let detail = "The identity provider does not give the keys that this token is to be checked by.";
            Problem::new(Kind::ProviderUnavailable, detail).retry_after(PROVIDER_PAUSE)
        }
        NoCaller::Refused(_) | NoCaller::Revoked | NoCaller::Share | NoCaller::Link(_) => {
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

/// The address of the client: that of the connection; of a proxy that is trusted, the last one before such proxies that it
/// wrote into `X-Forwarded-For` or `Forwarded` (RFC 7239). Nobody else chooses what it is counted under.
pub(super) fn address(request: &Request, proxies: &TrustedProxies) -> Option<IpAddr> {
    let peer = peer(request.extensions())?;
    if !proxies.has(peer) {
        return Some(peer);
    }
    let mut known = peer;
    for hop in forwarded_for(request.headers()).iter().rev() {
        // What a trusted proxy did not understand, it vouches for no further.
        let Some(address) = *hop else { break };
        known = address;
        if !proxies.has(address) {
            break;
        }
    }
    Some(known)
}

pub(super) fn peer(extensions: &Extensions) -> Option<IpAddr> {
    extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip().to_canonical())
}

/// Who a request came from, hop by hop; `None` for what is no address.
fn forwarded_for(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let texts = |name: &str| {
        let values = headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default());
        values.flat_map(|value| value.split(',')).map(str::trim).collect::<Vec<_>>()
    };
    let hops = texts("x-forwarded-for");
    if !hops.is_empty() {
        return hops.into_iter().map(hop).collect();
    }
    texts("forwarded").into_iter().map(|element| node(element).and_then(hop)).collect()
}

/// What stands behind `for=` in an element of `Forwarded`.
fn node(element: &str) -> Option<&str> {
    element.split(';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then(|| value.trim().trim_matches('"'))
    })
}

/// An address, with or without a port.
fn hop(text: &str) -> Option<IpAddr> {
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    let in_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    text.parse().ok().or_else(with_port).or_else(in_brackets).map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use noctis_shared::settings::{Origin, Settings, Texts};

    use super::*;

    fn proxies(text: &str) -> TrustedProxies {
        let mut texts = Texts::defaults();
        texts.set("NOCTIS_TRUSTED_PROXIES", text, Origin::Flag);
        Settings::from_texts(&texts).expect("settings").trusted_proxies
    }

    #[test]
    fn only_a_proxy_that_is_trusted_may_speak_for_others() {
        let (xff, forwarded) = ("x-forwarded-for", "forwarded");
        let cases = [
            ("10.0.0.9:4000", xff, "203.0.113.7, 198.51.100.4", "198.51.100.4"),
            ("10.0.0.9:4000", xff, "198.51.100.4, 10.0.0.8", "198.51.100.4"),
            ("10.0.0.9:4000", xff, "10.0.0.7, 10.0.0.8", "10.0.0.7"),
            ("10.0.0.9:4000", xff, "198.51.100.4, unknown", "10.0.0.9"),
            ("10.0.0.9:4000", xff, "198.51.100.4:5000", "198.51.100.4"),
            ("10.0.0.9:4000", "x-nothing", "198.51.100.4", "10.0.0.9"),
            ("[::ffff:10.0.0.9]:4000", xff, "198.51.100.4", "198.51.100.4"),
            ("127.0.0.1:4000", xff, "203.0.113.7", "127.0.0.1"),
            ("192.168.0.9:4000", xff, "203.0.113.7", "192.168.0.9"),
            ("203.0.113.9:4000", xff, "198.51.100.4", "203.0.113.9"),
            (
                "10.0.0.9:4000",
                forwarded,
                "for=203.0.113.7, For=\"[2001:db8::1]:80\";proto=https",
                "2001:db8::1",
            ),
            ("10.0.0.9:4000", forwarded, "for=198.51.100.4;by=10.0.0.1, for=10.0.0.8", "198.51.100.4"),
            ("10.0.0.9:4000", forwarded, "for=198.51.100.4, for=_hidden", "10.0.0.9"),
        ];
        for (peer, name, value, expected) in cases {
            let mut request = Request::new(axum::body::Body::empty());
            request.extensions_mut().insert(ConnectInfo(peer.parse::<SocketAddr>().expect("an address")));
            request.headers_mut().insert(name, value.parse().expect("a header"));
            let found = address(&request, &proxies("10.0.0.0/8"));
            assert_eq!(found, Some(expected.parse().expect("an address")), "{peer} {value}");
        }
    }
}
