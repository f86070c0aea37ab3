//! Keys without a column, matched on headers as they are kept.

use serde_json::Value;

use super::{
    super::text::plain,
    SearchKey,
    key::{Wanted, first_moment, last_moment, values_of},
};
use crate::header_json::HeaderJson;

/// The keys of a search that are matched on headers.
pub(super) struct HeaderMatch<'a>(Vec<HeaderKey<'a>>);

struct HeaderKey<'a> {
    path: &'a [u32],
    values: &'a str,
    fuzzy: bool,
}

impl<'a> HeaderMatch<'a> {
    pub(super) fn of(keys: &'a [SearchKey]) -> Self {
        let keys = keys.iter().filter_map(|key| match &key.0 {
            Wanted::InHeader { path, values, fuzzy } => Some(HeaderKey { path, values, fuzzy: *fuzzy }),
            Wanted::InColumn(..) => None,
        });
        Self(keys.collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a header has all that is wanted.
    pub(super) fn fits(&self, header: Option<&str>) -> bool {
        let Some(header) = header.map(HeaderJson::new) else { return false };
        self.0.iter().all(|key| {
            let [first, rest @ ..] = key.path else { return false };
            // One element is parsed, and no other.
            let element = header.get(*first).and_then(|json| serde_json::from_str::<Value>(json).ok());
            element.is_some_and(|element| key.fits(&element, rest))
        })
    }
}

impl HeaderKey<'_> {
    /// Whether an element, or one in the items of a sequence that it is, has a value that is wanted.
    fn fits(&self, element: &Value, path: &[u32]) -> bool {
        let values = element["Value"].as_array().map(Vec::as_slice).unwrap_or_default();
        match path {
            [] => {
                let vr = element["vr"].as_str().unwrap_or_default();
                values.iter().any(|value| self.is_wanted(vr, value))
            }
            [next, rest @ ..] => {
                let name = format!("{next:08X}");
                values.iter().any(|item| item.get(&name).is_some_and(|element| self.fits(element, rest)))
            }
        }
    }

    fn is_wanted(&self, vr: &str, value: &Value) -> bool {
        let Some(told) = text_of(value) else { return false };
        let mut wanted = values_of(self.values, matches!(vr, "UI" | "CS")).into_iter();
        match vr {
            "UI" | "AT" => wanted.any(|wanted| told.eq_ignore_ascii_case(wanted)),
            "DA" => wanted.any(|wanted| in_range(&told, wanted, |text| Some(text.to_owned()), upper_date)),
            "TM" => wanted.any(|wanted| {
                first_moment(&told).is_some_and(|told| in_range(&told, wanted, first_moment, last_moment))
            }),
            "DT" => wanted.any(|wanted| in_range(&told, wanted, |text| Some(text.to_owned()), upper_date)),
            "IS" | "DS" | "US" | "SS" | "UL" | "SL" | "UV" | "SV" | "FL" | "FD" => wanted.any(|wanted| {
                let number = |text: &str| text.trim().parse::<f64>().ok();
                number(wanted).is_some_and(|wanted| number(&told) == Some(wanted))
            }),
            "PN" if self.fuzzy => {
                let (told, wanted) = (plain(&told), plain(self.values));
                wanted.split([' ', '\\']).all(|word| told.contains(word.trim_matches('*')))
            }
            "PN" => wanted.any(|wanted| {
                let wanted = plain(wanted);
                told.split('=').any(|group| is_like(&plain(group), &wanted))
                    || is_like(&plain(&told), &wanted)
            }),
            _ => wanted.any(|wanted| is_like(&told.to_lowercase(), &wanted.to_lowercase())),
        }
    }
}

/// A value as text; the component groups of a name between `=` (PS3.5 6.2.1).
pub(in super::super) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Object(name) => {
            let groups = ["Alphabetic", "Ideographic", "Phonetic"];
            let groups = groups.map(|group| name.get(group).and_then(Value::as_str).unwrap_or_default());
            Some(groups.join("=").trim_end_matches('=').to_owned())
        }
        _ => None,
    }
}

/// A day or a moment to the end of what it tells.
fn upper_date(text: &str) -> Option<String> {
    Some(format!("{text}~"))
}

/// Whether `told` lies in the range, or is what it begins with.
fn in_range(
    told: &str,
    wanted: &str,
    first: fn(&str) -> Option<String>,
    last: fn(&str) -> Option<String>,
) -> bool {
    let (from, to) = wanted.split_once('-').unwrap_or((wanted, wanted));
    let from_fits = from.is_empty() || first(from).is_some_and(|from| *told >= *from);
    let to_fits = to.is_empty() || last(to).is_some_and(|to| *told <= *to);
    from_fits && to_fits
}

/// Whether `text` is `pattern`, in which `*` stands for anything and `?` for one character.
fn is_like(text: &str, pattern: &str) -> bool {
    let (text, pattern): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
    let (mut at, mut in_pattern, mut star) = (0, 0, None);
    while at < text.len() {
        match pattern.get(in_pattern) {
            Some('*') => {
                star = Some((in_pattern, at));
                in_pattern += 1;
            }
            Some(c) if *c == '?' || *c == text[at] => (at, in_pattern) = (at + 1, in_pattern + 1),
            // The last star takes one more.
            _ => match star {
                Some((place, taken)) => {
                    star = Some((place, taken + 1));
                    (at, in_pattern) = (taken + 1, place + 1);
                }
                None => return false,
            },
        }
    }
    pattern[in_pattern..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = r#"{"00080021":{"vr":"DA","Value":["20261123"]},"00080031":{"vr":"TM","Value":["123005.5"]},"00081048":{"vr":"PN","Value":[{"Alphabetic":"MÜLLER^Hans","Ideographic":"山田^太郎"}]},"00081111":{"vr":"SQ"},"00180050":{"vr":"DS","Value":["2.50"]},"00321064":{"vr":"SQ","Value":[{"00400009":{"vr":"SH","Value":["SPS 1"]}},{"00400009":{"vr":"SH","Value":["SPS 2"]},"00401001":{"vr":"SH","Value":["RP_7"]}}]}}"#;

    fn fits(path: &[u32], value: &str, fuzzy: bool) -> bool {
        let key = SearchKey::parse(path, value, fuzzy).expect("a value").expect("a key");
        let keys = [key];
        HeaderMatch::of(&keys).fits(Some(HEADER))
    }

    #[test]
    fn each_kind_of_value_is_matched_as_the_standard_has_it() {
        let cases: [(&[u32], &str, bool); 23] = [
            (&[0x0008_0021], "20261123", true),
            (&[0x0008_0021], "20261101-20261130", true),
            (&[0x0008_0021], "-20261122", false),
            (&[0x0008_0031], "1230", true),
            (&[0x0008_0031], "1231-", false),
            (&[0x0008_1048], "müller^h*", true),
            (&[0x0008_1048], "Muller^Hans", true),
            (&[0x0008_1048], "山田*", true),
            (&[0x0008_1048], "hans", false),
            (&[0x0018_0050], "2.5", true),
            (&[0x0018_0050], "25", false),
            (&[0x0032_1064, 0x0040_0009], "sps 2", true),
            (&[0x0032_1064, 0x0040_0009], "SPS ?", true),
            (&[0x0032_1064, 0x0040_0009], "SPS", false),
            (&[0x0032_1064, 0x0040_1001], "RP_7\\RP_8", true),
            (&[0x0032_1064, 0x0040_1001], "*7", true),
            (&[0x0032_1064, 0x0040_1001], "RP?8", false),
            (&[0x0032_1064, 0x0040_0100], "x", false),
            (&[0x0032_1064], "x", false),
            (&[0x0008_1111, 0x0008_1150], "1.2", false),
            (&[0x0008_0081], "x", false),
            (&[0x0008_0021], "2026", true),
            (&[0x0008_0021], "20261124-", false),
        ];
        for (path, value, expected) in cases {
            assert_eq!(fits(path, value, false), expected, "{path:X?} {value}");
        }
        assert!(fits(&[0x0008_1048], "hans mull", true));
        assert!(!fits(&[0x0008_1048], "hans peter", true));
    }

    #[test]
    fn stars_take_as_much_as_they_must() {
        for (text, pattern, expected) in [
            ("abcabd", "*ab?", true),
            ("", "*", true),
            ("abc", "a*b*c", true),
            ("abc", "a*d", false),
            ("", "?", false),
        ] {
            assert_eq!(is_like(text, pattern), expected, "{text} {pattern}");
        }
    }
}
