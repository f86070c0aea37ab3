//! A data set as DICOM JSON (PS3.18 annex F), read where it lies: what answers tell of a header is cut out of its text and
//! copied, never parsed and written again. What must not be here: which elements are told (`dicom_web` of the API).

/// A header as the catalog holds it: one object, a member for each element, by tag. Text that is none reads as a header
/// without elements, or as one that ends early.
#[derive(Debug, Clone, Copy)]
pub struct HeaderJson<'a>(&'a str);

/// An element: its name, and the text of its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Element<'a> {
    /// Group and element number.
    pub tag: u32,
    /// `{"vr":…}`.
    pub json: &'a str,
    /// Where its name begins in the text.
    start: usize,
    /// Where its object ends.
    end: usize,
}

impl<'a> HeaderJson<'a> {
    /// Of a header as it is kept.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Self(text.trim())
    }

    /// Whether nothing is told: the header was too long to be kept.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.elements().next().is_none()
    }

    /// The elements of the top level, in the order of the text.
    pub fn elements(self) -> impl Iterator<Item = Element<'a>> {
        let mut at = 1;
        std::iter::from_fn(move || {
            let element = self.element_at(at)?;
            at = element.end;
            Some(element)
        })
    }

    /// The object of one element.
    #[must_use]
    pub fn get(self, tag: u32) -> Option<&'a str> {
        // By tag: what is behind is not looked at.
        self.elements().take_while(|element| element.tag <= tag).find(|it| it.tag == tag).map(|it| it.json)
    }

    /// Writes the whole with `elements`, which are sorted by tag and take the place of what is there, and at the end `last`,
    /// whose tags are behind all of a header.
    pub fn write_with(self, elements: &[(u32, &str)], last: &[(u32, &str)], out: &mut String) {
        let text = self.0.strip_suffix('}').unwrap_or(self.0);
        let mut writer = Writer { out, is_first: true };
        writer.out.push('{');
        let (mut own, mut copied_to) = (self.elements().peekable(), 1);
        for (tag, json) in elements {
            while own.next_if(|element| element.tag < *tag).is_some() {}
            let place = own.peek().map_or(text.len(), |next| next.start);
            writer.copy(text.get(copied_to..place));
            writer.element(*tag, json);
            copied_to = own.next_if(|element| element.tag == *tag).map_or(place, |same| same.end);
        }
        writer.copy(text.get(copied_to..));
        for (tag, json) in last {
            writer.element(*tag, json);
        }
        writer.out.push('}');
    }

    fn element_at(self, at: usize) -> Option<Element<'a>> {
        let bytes = self.0.as_bytes();
        let start = skip(bytes, at, b" \n\r\t,")?;
        let name_end = end_of_string(bytes, start)?;
        let tag = u32::from_str_radix(self.0.get(start + 1..name_end - 1)?, 16).ok()?;
        let value = skip(bytes, name_end, b" \n\r\t:")?;
        let end = end_of_value(bytes, value)?;
        Some(Element { tag, json: self.0.get(value..end)?, start, end })
    }
}

/// Writes members with commas between them.
struct Writer<'o> {
    out: &'o mut String,
    is_first: bool,
}

impl Writer<'_> {
    fn copy(&mut self, members: Option<&str>) {
        let members = members.unwrap_or_default().trim_matches([' ', '\n', '\r', '\t', ',']);
        if !members.is_empty() {
            self.separate();
            self.out.push_str(members);
        }
    }

    fn element(&mut self, tag: u32, json: &str) {
        self.separate();
        push_name(self.out, tag);
        self.out.push_str(json);
    }

    fn separate(&mut self) {
        if !std::mem::replace(&mut self.is_first, false) {
            self.out.push(',');
        }
    }
}

/// Writes `"GGGGEEEE":`.
pub fn push_name(out: &mut String, tag: u32) {
    use std::fmt::Write as _;
    // Writing to memory cannot fail.
    let _ = write!(out, "\"{tag:08X}\":");
}

/// The first byte from `at` that is none of `these`.
fn skip(bytes: &[u8], at: usize, these: &[u8]) -> Option<usize> {
    let offset = bytes.get(at..)?.iter().position(|byte| !these.contains(byte))?;
    Some(at + offset)
}

/// Behind the string whose quote stands at `at`.
fn end_of_string(bytes: &[u8], at: usize) -> Option<usize> {
    if *bytes.get(at)? != b'"' {
        return None;
    }
    let mut at = at + 1;
    loop {
        at += bytes.get(at..)?.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
        if bytes[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// Behind the object or list that begins at `at`. An element is an object.
fn end_of_value(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    loop {
        match *bytes.get(at)? {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.checked_sub(1)?,
            b'"' => {
                at = end_of_string(bytes, at)?;
                continue;
            }
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const HEADER: &str = r#"{"00080016":{"vr":"UI","Value":["1.2"]},"00081140":{"vr":"SQ","Value":[{"00080018":{"vr":"UI","Value":["9"]}}]},"00100010":{"vr":"PN","Value":[{"Alphabetic":"a\"}],{\\"}]},"00280010":{"vr":"US","Value":[5]}}"#;

    #[test]
    fn elements_are_found_whatever_stands_in_their_strings() {
        let header = HeaderJson::new(HEADER);
        let tags: Vec<u32> = header.elements().map(|element| element.tag).collect();
        assert_eq!(tags, [0x0008_0016, 0x0008_1140, 0x0010_0010, 0x0028_0010]);
        let parsed: Value = serde_json::from_str(HEADER).expect("JSON");
        for element in header.elements() {
            let own: Value = serde_json::from_str(element.json).expect("JSON");
            assert_eq!(own, parsed[format!("{:08X}", element.tag)]);
            assert_eq!(header.get(element.tag), Some(element.json));
        }
        assert_eq!(header.get(0x0008_0018), None, "that of an item is not of the header");
    }

    #[test]
    fn what_is_added_stands_in_the_order_of_tags_and_takes_the_place_of_what_is_there() {
        let pixels = [(0x7FE0_0010, r#"{"vr":"OW","BulkDataURI":"x"}"#)];
        type Elements<'a> = &'a [(u32, &'a str)];
        let cases: [(&str, Elements<'_>, &[u32]); 4] = [
            ("{}", &[(0x0008_0018, "{}")], &[0x0008_0018, 0x7FE0_0010]),
            (HEADER, &[], &[0x0008_0016, 0x0008_1140, 0x0010_0010, 0x0028_0010, 0x7FE0_0010]),
            (
                HEADER,
                &[(0x0008_0005, "{}"), (0x0008_0016, "{}"), (0x0008_0018, "{}"), (0x0020_000D, "{}")],
                &[
                    0x0008_0005,
                    0x0008_0016,
                    0x0008_0018,
                    0x0008_1140,
                    0x0010_0010,
                    0x0020_000D,
                    0x0028_0010,
                    0x7FE0_0010,
                ],
            ),
            (
                " { \"00080016\" : {\"vr\":\"UI\"} ,\n\"00100010\":{\"vr\":\"PN\"} } ",
                &[(0x0010_0010, "{}"), (0x0020_000D, "{}")],
                &[0x0008_0016, 0x0010_0010, 0x0020_000D, 0x7FE0_0010],
            ),
        ];
        for (text, more, tags) in cases {
            let mut out = String::new();
            HeaderJson::new(text).write_with(more, &pixels, &mut out);
            let parsed: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"));
            assert_eq!(parsed.as_object().map(serde_json::Map::len), Some(tags.len()), "{out}");
            let written: Vec<u32> = HeaderJson::new(&out).elements().map(|element| element.tag).collect();
            assert_eq!(written, tags, "{out}");
            for (tag, _) in more {
                assert_eq!(parsed[format!("{tag:08X}")], json!({}), "{out}");
            }
        }
    }

    #[test]
    fn what_is_no_header_ends_early() {
        for text in [
            "",
            "{",
            "null",
            "[1]",
            "{\"x",
            "{\"0008\\",
            "{\"00080016\":",
            "{\"00080016\":{\"vr",
            "{\"é\":{}}",
        ] {
            assert!(HeaderJson::new(text).is_empty(), "{text}");
            HeaderJson::new(text).write_with(&[(1, "{}")], &[], &mut String::new());
        }
    }
}
