//! What an address itself says of who comes: the token of a link, or the signature of an application. It is taken out of
//! the query before anybody else reads that, so that a shared picture is the same picture.

use axum::{
    extract::Request,
    http::{Method, Uri, uri::PathAndQuery},
};

use crate::problem::{Kind, Problem};

const SHARE: &str = "share";
const EXPIRES: &str = "expires";
const SIGNATURE: &str = "signature";

/// What the address of a request shows.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Linked {
    /// Nothing.
    No,
    /// The token of a link.
    Share(String),
    /// A signature, of what stands before it.
    Signed { text: String, expires: Option<String>, signature: String },
}

/// What the address of `request` shows, and `request` without it.
///
/// # Errors
/// 400 for two links, for a signature that is not at the end, and for what changes something.
pub(super) fn take(request: &mut Request) -> Result<Linked, Problem> {
    let Some(query) = request.uri().query() else { return Ok(Linked::No) };
    let named = |name: &str| query.split('&').any(|pair| name_of(pair) == name);
    let linked = match (named(SHARE), named(SIGNATURE)) {
        (false, false) => return Ok(Linked::No),
        (true, true) => return Err(wrong("An address has a share or a signature, not both.")),
        (true, false) => {
            check_is_safe(request)?;
            Linked::Share(only(query, SHARE)?.to_owned())
        }
        (false, true) => signed(request)?,
    };
    *request.uri_mut() = without(request.uri(), &[SHARE, EXPIRES, SIGNATURE], &linked);
    Ok(linked)
}

fn signed(request: &Request) -> Result<Linked, Problem> {
    check_is_safe(request)?;
    let (path, query) = (request.uri().path(), request.uri().query().unwrap_or_default());
    only(query, SIGNATURE)?;
    let (before, last) = query.rsplit_once('&').unwrap_or(("", query));
    let Some(signature) = last.strip_prefix(SIGNATURE).and_then(|rest| rest.strip_prefix('=')) else {
        return Err(wrong("The signature of an address is the last of its parameters."));
    };
    let expires = if before.split('&').any(|pair| name_of(pair) == EXPIRES) {
        Some(only(before, EXPIRES)?.to_owned())
    } else {
        None
    };
    Ok(Linked::Signed { text: format!("{path}?{before}"), expires, signature: signature.to_owned() })
}

/// Whoever has an address has it to look.
fn check_is_safe(request: &Request) -> Result<(), Problem> {
    match *request.method() {
        Method::GET | Method::HEAD => Ok(()),
        _ => Err(wrong("A link is for GET: it changes nothing.")),
    }
}

/// The one value of `name`, as it stands there: tokens and numbers are never encoded.
fn only<'a>(query: &'a str, name: &str) -> Result<&'a str, Problem> {
    let mut pairs = query.split('&').filter(|pair| name_of(pair) == name);
    match (pairs.next(), pairs.next()) {
        (Some(pair), None) => Ok(pair.split_once('=').map_or("", |(_, value)| value)),
        _ => Err(wrong("An address has one share, or one expires and one signature.")),
    }
}

fn name_of(pair: &str) -> &str {
    pair.split_once('=').map_or(pair, |(name, _)| name)
}

/// The address without these parameters. `expires` belongs to signatures alone.
fn without(uri: &Uri, names: &[&str], linked: &Linked) -> Uri {
    let is_ours = |pair: &&str| {
        let name = name_of(pair);
        names.contains(&name) && (name != EXPIRES || matches!(linked, Linked::Signed { .. }))
    };
    let rest: Vec<&str> = uri.query().unwrap_or_default().split('&').filter(|pair| !is_ours(pair)).collect();
    let rest = rest.join("&");
    let text = if rest.is_empty() { uri.path().to_owned() } else { format!("{}?{rest}", uri.path()) };
    let mut parts = uri.clone().into_parts();
    // A part of what was an address is one.
    parts.path_and_query = PathAndQuery::try_from(text).ok().or(parts.path_and_query);
    Uri::from_parts(parts).unwrap_or_else(|_| uri.clone())
}

fn wrong(detail: &'static str) -> Problem {
    Problem::new(Kind::InvalidParameter, detail)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn taken(method: &str, uri: &str) -> Result<(Linked, String), Kind> {
        let mut request = Request::new(Body::empty());
        *request.method_mut() = method.parse().expect("a method");
        *request.uri_mut() = uri.parse().expect("an address");
        let linked = take(&mut request).map_err(|problem| problem.kind())?;
        Ok((linked, request.uri().to_string()))
    }

    #[test]
    fn what_an_address_shows_is_taken_out_of_it() {
        let rest = |uri: &str| uri.to_owned();
        assert_eq!(taken("GET", "/a?x=1&y"), Ok((Linked::No, rest("/a?x=1&y"))));
        assert_eq!(taken("GET", "/a?expires=1"), Ok((Linked::No, rest("/a?expires=1"))));
        let share = |token: &str| Linked::Share(token.to_owned());
        assert_eq!(taken("GET", "/a?share=T-_&x=1"), Ok((share("T-_"), rest("/a?x=1"))));
        assert_eq!(taken("HEAD", "/a?share=T"), Ok((share("T"), rest("/a"))));
        assert_eq!(taken("GET", "http://h:1/a?x=1&share="), Ok((share(""), rest("http://h:1/a?x=1"))));
        let signed = Linked::Signed {
            text: "/a%20b?x=%31&expires=9".to_owned(),
            expires: Some("9".to_owned()),
            signature: "S".to_owned(),
        };
        assert_eq!(taken("GET", "/a%20b?x=%31&expires=9&signature=S"), Ok((signed, rest("/a%20b?x=%31"))));
        let bare = Linked::Signed { text: "/a?".to_owned(), expires: None, signature: "S".to_owned() };
        assert_eq!(taken("HEAD", "/a?signature=S"), Ok((bare, rest("/a"))));
    }

    #[test]
    fn an_address_that_shows_two_things_shows_none() {
        for (method, uri) in [
            ("GET", "/a?share=1&share=2"),
            ("GET", "/a?share=1&signature=2"),
            ("GET", "/a?signature=2&x=1"),
            ("GET", "/a?signature=1&signature=2"),
            ("GET", "/a?expires=1&expires=2&signature=2"),
            ("POST", "/a?expires=1&signature=2"),
            ("POST", "/a?share=1"),
            ("DELETE", "/a?share=1"),
        ] {
            assert_eq!(taken(method, uri), Err(Kind::InvalidParameter), "{method} {uri}");
        }
    }
}
