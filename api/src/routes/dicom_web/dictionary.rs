//! Keywords of the data dictionary (PS3.6 chapter 6), by which queries name attributes, and tags in hexadecimal.

use std::collections::HashMap;

/// A line for each keyword of a standard attribute, by keyword: it, and its tag. Groups of a data set alone.
pub(in crate::routes) const KEYWORDS: &str = include_str!("keywords.txt");
/// Sequences that an attribute may be nested in, and itself.
const PATH_MAX: usize = 8;

/// The tag of an attribute that is named by its keyword or by 8 hexadecimal digits; `None` for what is neither.
pub(super) fn tag(name: &str) -> Option<u32> {
    let is_tag = name.len() == 8 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_tag { u32::from_str_radix(name, 16).ok() } else { by_keyword(name) }
}

/// The tags of an attribute and the sequences that it is nested in, which stand before it with dots between them
/// (PS3.18 8.3.4.1).
pub(super) fn path(name: &str) -> Option<Vec<u32>> {
    name.split('.')
        .map(tag)
        .take(PATH_MAX + 1)
        .collect::<Option<Vec<u32>>>()
        .filter(|path| path.len() <= PATH_MAX)
}

/// The keyword of each tag that has one.
pub(super) fn by_tag() -> HashMap<u32, &'static str> {
    let line = |line: &'static str| {
        let (keyword, tag) = line.split_once(' ')?;
        Some((u32::from_str_radix(tag, 16).ok()?, keyword))
    };
    KEYWORDS.lines().filter_map(line).collect()
}

/// By halves: lines differ in length, so each half is looked at from the beginning of a line.
fn by_keyword(keyword: &str) -> Option<u32> {
    let mut rest = KEYWORDS;
    while !rest.is_empty() {
        let start = rest[..rest.len() / 2].rfind('\n').map_or(0, |end| end + 1);
        let (line, behind) = rest[start..].split_once('\n')?;
        let (known, tag) = line.split_once(' ')?;
        match keyword.cmp(known) {
            std::cmp::Ordering::Equal => return u32::from_str_radix(tag, 16).ok(),
            std::cmp::Ordering::Less => rest = &rest[..start],
            std::cmp::Ordering::Greater => rest = behind,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_keyword_of_the_list_is_found_and_nothing_else() {
        let mut before = "";
        for line in KEYWORDS.lines() {
            let (keyword, number) = line.split_once(' ').expect("a keyword and a tag");
            assert!(keyword > before, "{keyword}");
            assert_eq!(tag(keyword), u32::from_str_radix(number, 16).ok(), "{keyword}");
            before = keyword;
        }
        for unknown in
            ["", "Patient", "patientname", "PatientNameX", "~", "limit", "0010001", "0010001G", "é"]
        {
            assert_eq!(tag(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn a_path_leads_through_sequences() {
        assert_eq!(
            path("RequestAttributesSequence.ScheduledProcedureStepID"),
            Some(vec![0x0040_0275, 0x0040_0009])
        );
        assert_eq!(path("00400275.00400009"), path("RequestAttributesSequence.ScheduledProcedureStepID"));
        assert_eq!(path("0040a730"), Some(vec![0x0040_A730]));
        for none in ["", ".", "PatientName.", "a.b", &["00400275"; 9].join(".")] {
            assert_eq!(path(none), None, "{none}");
        }
    }
}
