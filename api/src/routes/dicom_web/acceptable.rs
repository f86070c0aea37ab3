//! Which media types and transfer syntaxes a client takes for what it retrieves (PS3.18 8.7.3, 8.7.7): `accept` of the query,
//! and `Accept`.
//!
//! What must not be here: which of them an answer has (`accepted`, `rendered`).

use axum::http::HeaderMap;

use crate::accept::{self, MediaRange};

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Acceptable {
    /// What each part is, in lower case; `*/*` where it is not said.
    pub(super) media_type: String,
    /// A UID, or `*` for whichever; without one it is the default of the media type.
    pub(super) transfer_syntax: Option<String>,
    /// Whether it is to be a part of a multipart body; `None` where it is not said.
    pub(super) in_parts: Option<bool>,
    /// Thousandths, 0 to 1000.
    pub(super) weight: u16,
}

impl Acceptable {
    /// What `accept` of the query names comes before what `Accept` does, and what weighs more before what weighs less
    /// (PS3.18 8.7.8). Anything, where neither names anything; nothing, where they are longer than is looked at.
    pub(super) fn all(in_query: Option<&str>, headers: &HeaderMap) -> Vec<Self> {
        let groups = Self::groups(in_query, headers).into_iter().flatten();
        groups.filter(|entry| entry.weight > 0).collect()
    }

    /// The same, what the query names and what `Accept` does apart, with what is not taken.
    pub(super) fn groups(in_query: Option<&str>, headers: &HeaderMap) -> [Vec<Self>; 2] {
        let (in_query, in_header) = (accept::read(in_query.as_slice()), accept::of(headers));
        let (Some(in_query), Some(in_header)) = (in_query, in_header) else {
            return [Vec::new(), Vec::new()];
        };
        let mut groups = [in_query, in_header].map(|ranges| {
            let mut entries: Vec<Self> = ranges.iter().map(Self::of).collect();
            // In their order otherwise.
            entries.sort_by_key(|entry| std::cmp::Reverse(entry.weight));
            entries
        });
        if groups.iter().all(Vec::is_empty) {
            groups[1].push(Self::anything());
        }
        groups
    }

    fn anything() -> Self {
        Self { media_type: "*/*".to_owned(), transfer_syntax: None, in_parts: None, weight: 1000 }
    }

    fn of(range: &MediaRange<'_>) -> Self {
        let of_parts = || range.parameter("type").unwrap_or("*/*").to_ascii_lowercase();
        let (media_type, in_parts) = match range.name.to_ascii_lowercase() {
            name if name == "multipart/related" => (of_parts(), Some(true)),
            name if name == "multipart/*" => ("*/*".to_owned(), Some(true)),
            name if name == "*/*" => (name, None),
            name => (name, Some(false)),
        };
        let transfer_syntax = range.parameter("transfer-syntax").map(str::to_owned);
        Self { media_type, transfer_syntax, in_parts, weight: range.weight }
    }

    /// Whether it takes this media type, by its name, its kind, or as anything.
    pub(super) fn takes(&self, media_type: &str) -> bool {
        accept::precision(&self.media_type, media_type).is_some()
    }

    /// Those of `entries` that decide of this media type, the most precise (RFC 9110 12.5.1), without those that refuse it.
    pub(super) fn that_take<'a>(entries: &'a [Self], media_type: &str) -> Vec<&'a Self> {
        let precision = |entry: &Self| accept::precision(&entry.media_type, media_type);
        let Some(most) = entries.iter().filter_map(precision).max() else { return Vec::new() };
        entries.iter().filter(|entry| entry.weight > 0 && precision(entry) == Some(most)).collect()
    }
}

#[cfg(test)]
mod tests {
    use axum::http::header;

    use super::*;

    fn all(in_query: Option<&str>, in_header: &str) -> Vec<(String, Option<String>, Option<bool>)> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, in_header.parse().expect("a header"));
        let all = Acceptable::all(in_query, &headers).into_iter();
        all.map(|entry| (entry.media_type, entry.transfer_syntax, entry.in_parts)).collect()
    }

    fn entry(
        media_type: &str,
        uid: Option<&str>,
        in_parts: Option<bool>,
    ) -> (String, Option<String>, Option<bool>) {
        (media_type.to_owned(), uid.map(str::to_owned), in_parts)
    }

    #[test]
    fn entries_are_read_whoever_wrote_them() {
        let in_parts = Some(true);
        for (accept, expected) in [
            (
                "multipart/related; type=\"application/dicom\"; transfer-syntax=*",
                entry("application/dicom", Some("*"), in_parts),
            ),
            (
                "multipart/related;type=application/dicom;transfer-syntax=1.2.840.10008.1.2.1",
                entry("application/dicom", Some("1.2.840.10008.1.2.1"), in_parts),
            ),
            ("Multipart/Related; Type=\"Image/JLS\"", entry("image/jls", None, in_parts)),
            (
                "multipart/related; transfer-syntax=\"*\"; type=\"application/octet-stream\"",
                entry("application/octet-stream", Some("*"), in_parts),
            ),
            ("application/dicom", entry("application/dicom", None, Some(false))),
            ("multipart/related", entry("*/*", None, in_parts)),
            ("*/*", entry("*/*", None, None)),
            ("", entry("*/*", None, None)),
            (" , ", entry("*/*", None, None)),
        ] {
            assert_eq!(all(None, accept), [expected], "{accept}");
        }
    }

    #[test]
    fn the_query_goes_first_and_then_what_weighs_more() {
        let accept = "multipart/related; type=\"image/jls\"; q=0.5, multipart/related; type=\"a,b;c/d\", text/html;q=0";
        let expected = [
            entry("image/jp2", None, Some(false)),
            entry("a,b;c/d", None, Some(true)),
            entry("image/jls", None, Some(true)),
        ];
        assert_eq!(all(Some("image/jp2"), accept), expected);
        assert_eq!(all(None, "text/html;q=0"), [], "nothing is taken");
        assert_eq!(all(None, &"a/b,".repeat(2000)), []);
    }
}
