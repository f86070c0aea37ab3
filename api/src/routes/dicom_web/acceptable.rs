//! Which media types and transfer syntaxes a client takes for what it retrieves (PS3.18 8.7.3, 8.7.7): `accept` of the query,
//! and `Accept`.
//!
//! What must not be here: which of them an answer has (`accepted`, `rendered`).

use axum::http::{HeaderMap, header};

/// Longest list that is looked at, in bytes, and its most entries.
const BYTES_MAX: usize = 4096;
const ENTRIES_MAX: usize = 64;

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
        let in_header = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let in_header: Vec<&str> = in_header.collect();
        let byte_count =
            in_query.map_or(0, str::len) + in_header.iter().map(|text| text.len()).sum::<usize>();
        if byte_count > BYTES_MAX {
            return [Vec::new(), Vec::new()];
        }
        let mut groups = [by_weight(in_query.into_iter()), by_weight(in_header.into_iter())];
        if groups.iter().all(Vec::is_empty) {
            groups[1].push(Self::anything());
        }
        groups
    }

    fn anything() -> Self {
        Self { media_type: "*/*".to_owned(), transfer_syntax: None, in_parts: None, weight: 1000 }
    }

    fn parse(text: &str) -> Option<Self> {
        let mut fields = split(text, ';');
        let media_type = fields.next()?.to_ascii_lowercase();
        let mut entry = Self { media_type, in_parts: Some(false), ..Self::anything() };
        let mut of_parts = None;
        for (name, value) in fields.filter_map(|field| field.split_once('=')) {
            let value = value.trim().trim_matches('"').trim();
            match name.trim().to_ascii_lowercase().as_str() {
                "type" => of_parts = Some(value.to_ascii_lowercase()),
                "transfer-syntax" => entry.transfer_syntax = Some(value.to_owned()),
                "q" => entry.weight = thousandths(value),
                _ => {}
            }
        }
        match entry.media_type.as_str() {
            "multipart/related" => {
                entry.media_type = of_parts.unwrap_or_else(|| "*/*".to_owned());
                entry.in_parts = Some(true);
            }
            "multipart/*" => (entry.media_type, entry.in_parts) = ("*/*".to_owned(), Some(true)),
            "*/*" => entry.in_parts = None,
            _ => {}
        }
        Some(entry)
    }

    /// Whether it takes this media type, by its name, its kind, or as anything.
    pub(super) fn takes(&self, media_type: &str) -> bool {
        self.precision(media_type).is_some()
    }

    /// How precisely it names this media type; `None` where it does not take it.
    fn precision(&self, media_type: &str) -> Option<u8> {
        let kind = media_type.split('/').next().unwrap_or_default();
        match self.media_type.as_str() {
            range if range == media_type => Some(2),
            "*/*" => Some(0),
            range => (range.strip_suffix("/*") == Some(kind)).then_some(1),
        }
    }

    /// Those of `entries` that decide of this media type, the most precise (RFC 9110 12.5.1), without those that refuse it.
    pub(super) fn that_take<'a>(entries: &'a [Self], media_type: &str) -> impl Iterator<Item = &'a Self> {
        let most = entries.iter().filter_map(|entry| entry.precision(media_type)).max();
        let decides = move |entry: &&Self, media_type: &str| entry.precision(media_type) == most;
        let deciding: Vec<&Self> = entries
            .iter()
            .filter(|entry| most.is_some() && entry.weight > 0 && decides(entry, media_type))
            .collect();
        deciding.into_iter()
    }
}

/// The entries of lists, the heaviest first, in their order otherwise.
fn by_weight<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<Acceptable> {
    let entries = texts.flat_map(|text| split(text, ',')).take(ENTRIES_MAX);
    let mut entries: Vec<_> = entries.filter_map(Acceptable::parse).collect();
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.weight));
    entries
}

/// The parts of a text between separators that stand outside of quotes, without blanks around them; none that is empty.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut in_quotes = false;
    let parts = text.split(move |character| {
        in_quotes ^= character == '"';
        character == separator && !in_quotes
    });
    parts.map(str::trim).filter(|part| !part.is_empty())
}

/// A weight (RFC 9110 12.4.2); what is none counts as 0.
fn thousandths(text: &str) -> u16 {
    let weight: f32 = text.parse().unwrap_or(0.0);
    // In range, so the cast loses only what a weight does not have.
    if (0.0..=1.0).contains(&weight) { (weight * 1000.0).round() as u16 } else { 0 }
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn a_media_type_is_taken_by_its_name_its_kind_or_as_anything() {
        let takes = |accept: &str| Acceptable::parse(accept).expect("an entry").takes("image/jls");
        assert!(["image/jls", "image/*", "*/*", "multipart/related; type=image/jls"].into_iter().all(takes));
        assert!(!["image/jp2", "image", "video/*", "imag/*"].into_iter().any(takes));
    }
}
