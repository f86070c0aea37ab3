//! `ETag` and `If-None-Match` (RFC 9110 8.8.3 and 13.1.2).

use std::fmt::Display;

use axum::http::{HeaderMap, HeaderValue, header};

/// The validator of one representation.
pub(crate) struct EntityTag(String);

impl EntityTag {
    /// The tag of bytes that are the same wherever it is met. `opaque` has no quotes in it.
    pub(crate) fn strong(opaque: impl Display) -> Self {
        Self(format!("\"{opaque}\""))
    }

    /// The tag of what tells the same in other bytes perhaps. `opaque` has no quotes in it.
    pub(crate) fn weak(opaque: impl Display) -> Self {
        Self(format!("W/\"{opaque}\""))
    }

    /// Whether `If-None-Match` names this one; weak comparison.
    pub(crate) fn is_named_by(&self, headers: &HeaderMap) -> bool {
        if_none_match(headers)
            .flat_map(|list| list.split(','))
            .map(str::trim)
            .any(|tag| opaque(tag) == opaque(&self.0))
    }

    /// As it is sent, in quotes.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    pub(crate) fn put_into(self, headers: &mut HeaderMap) {
        // Hexadecimal digits and dashes in quotes are always a header value.
        if let Ok(value) = HeaderValue::try_from(self.0) {
            headers.insert(header::ETAG, value);
        }
    }
}

/// Whether `If-None-Match` is `*`, which names whatever there is. Ask once it is known that there is something.
pub(crate) fn any_is_named_by(headers: &HeaderMap) -> bool {
    if_none_match(headers).any(|value| value.trim() == "*")
}

fn if_none_match(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok())
}

/// A tag without its mark of weakness.
fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asking(value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_NONE_MATCH, value.parse().expect("a header"));
        headers
    }

    #[test]
    fn a_tag_is_named_from_any_place_of_the_list() {
        let cases = [
            ("\"abc\"", true),
            ("W/\"abc\"", true),
            ("\"other\", \"abc\"", true),
            ("\"abc-1\"", false),
            ("abc", false),
            ("*", false),
        ];
        for (value, named) in cases {
            for tag in [EntityTag::strong("abc"), EntityTag::weak("abc")] {
                assert_eq!(tag.is_named_by(&asking(value)), named, "{value}");
            }
        }
        assert!(!EntityTag::strong("abc").is_named_by(&HeaderMap::new()));
    }

    #[test]
    fn a_star_stands_alone() {
        for (value, any) in [("*", true), (" * ", true), ("\"*\"", false), ("*, \"abc\"", false)] {
            assert_eq!(any_is_named_by(&asking(value)), any, "{value}");
        }
        assert!(!any_is_named_by(&HeaderMap::new()));
    }
}
