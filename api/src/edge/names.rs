//! Under which names a server answers, and to which pages: the defence against DNS rebinding and forged requests.
//!
//! A page of somebody else can have a name of its own lead to this server, and a browser then takes it for that page's own
//! (rebinding); and it can have a browser send what changes something (forging). Neither knows our names.

use axum::http::{HeaderMap, HeaderValue, Method, Uri, header};
use noctis_shared::settings::AllowedHosts;
use url::Url;

use super::policy::Policy;
use crate::problem::{Kind, Problem};

/// What a browser says of the page that a request comes from (Fetch Metadata 2.1).
const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// Who may be named, and who may ask.
pub(crate) struct Names {
    hosts: AllowedHosts,
    cors_origins: Vec<String>,
    /// Whose pages may show what is answered (Fetch 3.7, `Cross-Origin-Resource-Policy`).
    pub(super) shown_by: HeaderValue,
}

impl Names {
    pub(crate) fn new(hosts: AllowedHosts, cors_origins: &[String]) -> Self {
        let shown_by = if cors_origins.is_empty() { "same-origin" } else { "cross-origin" };
        let shown_by = HeaderValue::from_static(shown_by);
        Self { hosts, cors_origins: cors_origins.to_vec(), shown_by }
    }

    /// # Errors
    /// 400 for a request without one `Host`, or to a name that is none of ours; 403 for one of a page that may not ask.
    pub(super) fn check(
        &self,
        policy: &Policy,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<(), Problem> {
        // Probes come to addresses that nobody has named.
        if policy.any_host {
            return Ok(());
        }
        if !self.allows(named(uri, headers)?) {
            let detail =
                "This server does not answer under this name; NOCTIS_ALLOWED_HOSTS lists those it does.";
            return Err(Problem::new(Kind::HostNotAllowed, detail));
        }
        self.check_page(method, headers)
    }

    fn check_page(&self, method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
        let refused = || {
            let detail = "A page of this origin may not ask; NOCTIS_CORS_ORIGINS lists those that may.";
            Err(Problem::new(Kind::OriginNotAllowed, detail))
        };
        let mut origins = headers.get_all(header::ORIGIN).iter();
        match (origins.next(), origins.next()) {
            (Some(origin), None) if self.may_ask(origin) => Ok(()),
            (Some(_), _) => refused(),
            (None, _) => match headers.get(SEC_FETCH_SITE).map(HeaderValue::as_bytes) {
                Some(b"cross-site" | b"same-site") if !method.is_safe() => refused(),
                _ => Ok(()),
            },
        }
    }

    /// Whether a page of `origin` is one of this server, or one that may ask.
    fn may_ask(&self, origin: &HeaderValue) -> bool {
        let Ok(origin) = origin.to_str() else { return false };
        let is_ours = || {
            let url = Url::parse(origin).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
            url.and_then(|url| url.host_str().map(|host| self.allows(host))).unwrap_or(false)
        };
        self.cors_origins.iter().any(|allowed| allowed == origin) || is_ours()
    }

    fn allows(&self, host: &str) -> bool {
        match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(address) => self.hosts.allow(address),
            None => self.hosts.allow(host),
        }
    }
}

/// The one name that a request is sent to, without its port (RFC 9110 7.2).
fn named<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Result<&'a str, Problem> {
    let wrong =
        || Problem::new(Kind::HostNotAllowed, "A request takes one Host, a name with or without a port.");
    let mut hosts = headers.get_all(header::HOST).iter();
    let header = match (hosts.next(), hosts.next()) {
        (Some(host), None) => Some(host.to_str().map_err(|_| wrong())?),
        (None, _) => None,
        (Some(_), Some(_)) => return Err(wrong()),
    };
    let authority = uri.authority().map(|authority| authority.as_str());
    let named = match (authority, header) {
        // Two names for one server are one too many.
        (Some(authority), Some(header)) if !authority.eq_ignore_ascii_case(header) => return Err(wrong()),
        (Some(name), _) | (None, Some(name)) => name,
        (None, None) => return Err(wrong()),
    };
    match named.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            if port.bytes().all(|byte| byte.is_ascii_digit()) {
                Ok(host)
            } else {
                Err(wrong())
            }
        }
        _ => Ok(named),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::policy, *};

    fn names() -> Names {
        let hosts = AllowedHosts::beside_loopback(["viewer.example".to_owned()]);
        Names::new(hosts, &["https://reader.example".to_owned()])
    }

    fn check(method: &str, uri: &str, headers: &[(&str, &str)]) -> Option<Kind> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name: header::HeaderName = name.parse().expect("a name");
            map.append(name, HeaderValue::from_str(value).expect("a value"));
        }
        let policy = policy::of("/api/v1/dicom/studies");
        let method = method.parse().expect("a method");
        let checked = names().check(policy, &method, &uri.parse().expect("a URI"), &map);
        checked.err().map(|problem| problem.kind())
    }

    #[test]
    fn a_server_answers_under_its_own_names_alone() {
        for host in
            ["localhost", "127.0.0.1:8080", "[::1]:8080", "[::1]", "viewer.example", "Viewer.Example:443"]
        {
            assert_eq!(check("GET", "/", &[("host", host)]), None, "{host}");
        }
        let foreign = [
            "evil.example",
            "viewer.example.evil",
            "127.0.0.1.evil.example",
            "",
            "a b",
            "viewer.example:port",
            "viewer.example@evil.example",
            "[::2]",
            "10.0.0.1",
            "localhost.",
            "xn--viewer.example",
        ];
        for host in foreign {
            assert_eq!(check("GET", "/", &[("host", host)]), Some(Kind::HostNotAllowed), "{host}");
        }
        assert_eq!(check("GET", "/", &[]), Some(Kind::HostNotAllowed), "none");
        let twice = [("host", "localhost"), ("host", "localhost")];
        assert_eq!(check("GET", "/", &twice), Some(Kind::HostNotAllowed), "twice");
        assert_eq!(check("GET", "http://localhost/", &[]), None, "as HTTP/2 has it");
        let two = [("host", "localhost")];
        assert_eq!(check("GET", "http://viewer.example/", &two), Some(Kind::HostNotAllowed), "two names");
    }

    #[test]
    fn what_changes_something_comes_from_our_pages_or_from_none() {
        let from = |method: &str, headers: &[(&str, &str)]| {
            check(method, "/", &[&[("host", "localhost")], headers].concat())
        };
        for allowed in ["http://localhost:8080", "https://viewer.example", "https://reader.example"] {
            for method in ["GET", "POST", "DELETE"] {
                assert_eq!(from(method, &[("origin", allowed)]), None, "{method} {allowed}");
            }
        }
        for foreign in
            ["https://evil.example", "null", "https://reader.example.evil", "file://localhost", "https://"]
        {
            for method in ["GET", "POST"] {
                let refused = Some(Kind::OriginNotAllowed);
                assert_eq!(from(method, &[("origin", foreign)]), refused, "{method} {foreign}");
            }
        }
        let twice = [("origin", "http://localhost"), ("origin", "http://localhost")];
        assert_eq!(from("POST", &twice), Some(Kind::OriginNotAllowed));
        for (site, get, post) in [
            ("cross-site", None, Some(Kind::OriginNotAllowed)),
            ("same-site", None, Some(Kind::OriginNotAllowed)),
            ("same-origin", None, None),
            ("none", None, None),
        ] {
            let headers = [("sec-fetch-site", site)];
            assert_eq!((from("GET", &headers), from("POST", &headers)), (get, post), "{site}");
        }
    }

    #[test]
    fn probes_are_answered_under_any_name() {
        let nobody_s = HeaderMap::new();
        for route in ["/livez", "/readyz", "/metrics", "/api/v1/health"] {
            let uri = Uri::from_static("/");
            assert!(names().check(policy::of(route), &Method::GET, &uri, &nobody_s).is_ok(), "{route}");
        }
    }
}
