//! Who makes a request: known before it is counted.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::{ConnectInfo, Request},
    http::{Extensions, HeaderMap},
};

use crate::caller::{Caller, Sight};

/// The caller of `request`. Without a login it goes by its address, and may see everything.
pub(super) fn caller(request: &Request) -> Caller {
    let name = address(request).map_or_else(|| "unknown".to_owned(), |address| address.to_string());
    Caller { name, sight: Sight::Everything }
}

/// The address of the client: that of the connection; behind a proxy on a private address, the last one that the
/// proxy wrote into `X-Forwarded-For`. A client on a public address cannot choose what it is counted under.
fn address(request: &Request) -> Option<IpAddr> {
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
