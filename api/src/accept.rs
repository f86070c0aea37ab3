//! Lists as `Accept` has them (RFC 9110 12.5.1), read in one place and with a bound. What must not be here: what there is to
//! answer.

use axum::http::{HeaderMap, header};

/// Longest lists that are looked at together, in bytes, and their most entries.
const BYTES_MAX: usize = 4096;
const RANGES_MAX: usize = 64;

/// One entry: a media type, or a range of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MediaRange<'a> {
    /// As it was written.
    pub(crate) name: &'a str,
    parameters: Vec<(&'a str, &'a str)>,
    /// Thousandths, 0 to 1000.
    pub(crate) weight: u16,
}

impl<'a> MediaRange<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut fields = split(text, ';');
        let mut range = Self { name: fields.next()?, parameters: Vec::new(), weight: 1000 };
        for (name, value) in fields.filter_map(|field| field.split_once('=')) {
            let (name, value) = (name.trim(), value.trim().trim_matches('"').trim());
            if name.eq_ignore_ascii_case("q") {
                range.weight = thousandths(value);
            } else {
                range.parameters.push((name, value));
            }
        }
        Some(range)
    }

    /// Whether it names this media type or range.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// The value of a parameter, without quotes.
    pub(crate) fn parameter(&self, name: &str) -> Option<&'a str> {
        self.parameters.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }
}

/// How precisely `range` names `media_type`, both in lower case; `None` where it does not take it.
pub(crate) fn precision(range: &str, media_type: &str) -> Option<u8> {
    let kind = media_type.split('/').next().unwrap_or_default();
    match range {
        range if range == media_type => Some(2),
        "*/*" => Some(0),
        range => (range.strip_suffix("/*") == Some(kind)).then_some(1),
    }
}

/// The entries of `Accept`, none without it; `None` for what is not looked at.
pub(crate) fn of(headers: &HeaderMap) -> Option<Vec<MediaRange<'_>>> {
    let texts: Option<Vec<&str>> =
        headers.get_all(header::ACCEPT).iter().map(|value| value.to_str().ok()).collect();
    read(&texts?)
}

/// The entries of lists; `None` for what is too long to be looked at.
pub(crate) fn read<'a>(texts: &[&'a str]) -> Option<Vec<MediaRange<'a>>> {
    if texts.iter().map(|text| text.len()).sum::<usize>() > BYTES_MAX {
        return None;
    }
    let entries = texts.iter().flat_map(|text| split(text, ',')).take(RANGES_MAX);
    Some(entries.filter_map(MediaRange::parse).collect())
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

    #[test]
    fn entries_have_parameters_and_weights_and_a_bound() {
        let read = |text| read(&[text]).expect("short");
        let ranges = read("multipart/related; Type=\"a,b;c/d\";q=0.25, , text/html; Q = 7,*/*;q=x");
        let names: Vec<_> = ranges.iter().map(|range| (range.name, range.weight)).collect();
        assert_eq!(names, [("multipart/related", 250), ("text/html", 0), ("*/*", 0)]);
        assert_eq!((ranges[0].parameter("type"), ranges[0].parameter("depth")), (Some("a,b;c/d"), None));
        assert!(ranges[1].is("TEXT/html") && !ranges[1].is("text/*"));
        assert_eq!((read("").len(), read(" ,;").len()), (0, 0));
        assert_eq!(read(&"a/b,".repeat(100)).len(), RANGES_MAX);
        assert_eq!(super::read(&[&"a".repeat(BYTES_MAX), "b"]), None);
    }

    #[test]
    fn a_range_is_as_precise_as_it_names() {
        for (range, expected) in [
            ("image/jls", Some(2)),
            ("image/*", Some(1)),
            ("*/*", Some(0)),
            ("image/jp2", None),
            ("video/*", None),
            ("imag/*", None),
            ("image", None),
        ] {
            assert_eq!(precision(range, "image/jls"), expected, "{range}");
        }
    }
}
