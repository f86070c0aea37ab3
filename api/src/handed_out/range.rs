//! Which part of a file, or of another body whose length is known, is asked for and sent (RFC 9110 14.2 and 13.1.5). One range is
//! understood; of several the whole is sent, as a server may.

use std::ops::Range;

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};

use crate::{
    entity_tag::EntityTag,
    problem::{Kind, Problem},
};

/// Which bytes are sent, of how many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sent {
    range: Range<u64>,
    byte_count: u64,
    is_whole: bool,
}

impl Sent {
    /// What these headers ask for of `byte_count` bytes under a strong tag.
    ///
    /// # Errors
    /// 416 for bytes that there are not.
    pub(crate) fn of(headers: &HeaderMap, byte_count: u64, tag: &EntityTag) -> Result<Self, Problem> {
        match Asked::of(headers, byte_count, tag.text()) {
            Asked::Whole => Ok(Self { range: 0..byte_count, byte_count, is_whole: true }),
            Asked::Part(range) => Ok(Self { range, byte_count, is_whole: false }),
            Asked::Nothing => {
                let detail = format!("There are {byte_count} bytes.");
                Err(Problem::new(Kind::RangeNotSatisfiable, detail).with("byte_count", byte_count))
            }
        }
    }

    pub(crate) fn range(&self) -> Range<u64> {
        self.range.clone()
    }

    /// Whether it is all of them because no part was asked for.
    pub(crate) fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Makes the answer one of these bytes.
    pub(crate) fn put_into(&self, response: &mut Response) {
        let Range { start, end } = self.range;
        let headers = response.headers_mut();
        headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(end - start));
        if self.is_whole {
            return;
        }
        let range = format!("bytes {start}-{}/{}", end - 1, self.byte_count);
        if let Ok(range) = HeaderValue::try_from(range) {
            headers.insert(header::CONTENT_RANGE, range);
        }
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
}

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    /// All of it.
    Whole,
    /// These bytes, at least one.
    Part(Range<u64>),
    /// Bytes that it does not have.
    Nothing,
}

impl Asked {
    /// What these headers ask for of `byte_count` bytes whose strong tag is `etag`, in quotes.
    fn of(headers: &HeaderMap, byte_count: u64, etag: &str) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        // A part of other bytes would be mixed with what the client has.
        if headers.contains_key(header::IF_RANGE) && text(header::IF_RANGE) != Some(etag) {
            return Asked::Whole;
        }
        let sent = headers.get_all(header::RANGE).iter().count();
        let range = text(header::RANGE).filter(|_| sent == 1).and_then(|text| text.split_once('='));
        match range {
            Some((unit, range)) if unit.trim().eq_ignore_ascii_case("bytes") => {
                one(range.trim(), byte_count).unwrap_or(Asked::Whole)
            }
            _ => Asked::Whole,
        }
    }
}

/// `first-last`, `first-` or `-count`; `None` for what is none of them.
fn one(range: &str, byte_count: u64) -> Option<Asked> {
    let (first, last) = range.split_once('-')?;
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().unwrap_or(u64::MAX))
    };
    let range = match (first, last) {
        ("", count) => byte_count.saturating_sub(number(count)?)..byte_count,
        (first, "") => number(first)?..byte_count,
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if last < first {
                return None;
            }
            first..last.saturating_add(1).min(byte_count)
        }
    };
    Some(if range.is_empty() { Asked::Nothing } else { Asked::Part(range) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_understood_and_what_is_none_asks_for_the_whole() {
        let cases = [
            ("bytes=0-0", Asked::Part(0..1)),
            ("bytes=2-", Asked::Part(2..10)),
            ("Bytes=2-99999999999999999999999", Asked::Part(2..10)),
            ("bytes=-3", Asked::Part(7..10)),
            ("bytes=-99", Asked::Part(0..10)),
            ("bytes=10-", Asked::Nothing),
            ("bytes=-0", Asked::Nothing),
            ("bytes=99-100", Asked::Nothing),
            ("bytes=3-2", Asked::Whole),
            ("bytes=0-1,3-4", Asked::Whole),
            ("bytes=+1-2", Asked::Whole),
            ("bytes=-", Asked::Whole),
            ("bytes=", Asked::Whole),
            ("frames=1-2", Asked::Whole),
            ("", Asked::Whole),
        ];
        for (value, asked) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(header::RANGE, value.parse().expect("a header"));
            assert_eq!(Asked::of(&headers, 10, "\"a\""), asked, "{value:?}");
            headers.insert(header::IF_RANGE, "\"b\"".parse().expect("a header"));
            assert_eq!(Asked::of(&headers, 10, "\"a\""), Asked::Whole, "{value:?} of other bytes");
        }
        assert_eq!(Asked::of(&HeaderMap::new(), 10, "\"a\""), Asked::Whole);
    }
}
