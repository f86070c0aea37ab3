//! What an attribute has to be, as text of a query says it (PS3.4 C.2.2.2): one value, a list, a range, wildcards.

use uuid::Uuid;

use super::{
    super::text::{fold, like_contains, pattern_of, plain},
    column::{Column, Kind},
};
use crate::dicom_uid::public_id;

/// Characters of a value that count: an address has no more.
const VALUE_CHARS_MAX: usize = 8192;
/// Values of a list that count: an address has no more.
const VALUES_MAX: usize = 5000;
/// Words of a name that count.
const WORDS_MAX: usize = 8;

/// What one attribute has to be.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchKey(pub(super) Wanted);

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Wanted {
    /// Of a column.
    InColumn(&'static Column, Test),
    /// Of what stands in the header, at the end of this path of sequences.
    InHeader { path: Vec<u32>, values: String, fuzzy: bool },
}

/// What a column has to be: one of these, where there are several.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Test {
    Ids(Vec<Uuid>),
    OneOf(Vec<String>),
    /// Patterns of LIKE.
    Like(Vec<String>),
    /// Patterns of LIKE for a whole name, or for one of its component groups.
    Name(Vec<String>),
    /// Patterns of LIKE, all of them.
    Words(Vec<String>),
    /// From and to, both included.
    Between(Vec<[Option<String>; 2]>),
    Numbers(Vec<i64>),
}

/// A value that an attribute cannot have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("takes {0}")]
pub struct NoSuchValue(&'static str);

const A_DATE: NoSuchValue =
    NoSuchValue("a date like 20261123, or a range like 20261101-20261130, 20261101- or -20261130");
const A_TIME: NoSuchValue =
    NoSuchValue("a time like 1230 or 123005.5, or a range like 0800-1200, 0800- or -1200");
const A_NUMBER: NoSuchValue = NoSuchValue("a whole number");

impl SearchKey {
    /// Whether no column answers it, so that headers have to be looked at one by one.
    #[must_use]
    pub fn is_of_headers(&self) -> bool {
        matches!(self.0, Wanted::InHeader { .. })
    }

    /// What the attribute at `path` (sequences, then an attribute of their items) has to be; `None` where `text` lets
    /// everything through (universal matching, PS3.4 C.2.2.2.3). `fuzzy`: names match by any of their words.
    ///
    /// # Errors
    /// [`NoSuchValue`] for a date, a time or a number that is none.
    pub fn parse(path: &[u32], text: &str, fuzzy: bool) -> Result<Option<Self>, NoSuchValue> {
        let text: String = text.chars().filter(|c| *c != '\0').take(VALUE_CHARS_MAX).collect();
        let is_list = |kind| {
            matches!(kind, Kind::Id | Kind::Uid | Kind::Code | Kind::OfItsSeries | Kind::OfItsInstances)
        };
        let column = Column::at(path);
        let values = values_of(&text, column.is_some_and(|column| is_list(column.kind)));
        if values.is_empty() || values.iter().any(|value| value.bytes().all(|byte| byte == b'*')) {
            return Ok(None);
        }
        let Some(column) = column else {
            return Ok(Some(Self(Wanted::InHeader { path: path.to_vec(), values: text, fuzzy })));
        };
        Ok(Some(Self(Wanted::InColumn(column, test(column.kind, &values, fuzzy)?))))
    }
}

/// The values of a list: between backslashes (PS3.5 6.2), and between commas where no value has one (PS3.18 8.3.4.1).
pub(super) fn values_of(text: &str, by_comma: bool) -> Vec<&str> {
    let values = text.split(move |c| c == '\\' || (by_comma && c == ','));
    values.map(str::trim).filter(|value| !value.is_empty()).take(VALUES_MAX).collect()
}

fn test(kind: Kind, values: &[&str], fuzzy: bool) -> Result<Test, NoSuchValue> {
    let patterns =
        |fold: &dyn Fn(&str) -> String| values.iter().map(|value| pattern_of(&fold(value))).collect();
    Ok(match kind {
        Kind::Id => Test::Ids(values.iter().map(|uid| public_id(uid)).collect()),
        Kind::Uid | Kind::OfItsInstances => Test::OneOf(values.iter().map(|&uid| uid.to_owned()).collect()),
        Kind::Code | Kind::OfItsSeries | Kind::Text => Test::Like(patterns(&|value| value.to_lowercase())),
        Kind::Folded => Test::Like(patterns(&fold)),
        Kind::FoldedLines => {
            Test::Like(values.iter().map(|value| format!("%\n{}\n%", pattern_of(&fold(value)))).collect())
        }
        Kind::Plain => Test::Like(patterns(&plain)),
        Kind::Name if fuzzy => {
            let words = plain(&values.join(" "));
            Test::Words(
                words.split(' ').filter(|word| *word != "*").take(WORDS_MAX).map(like_contains).collect(),
            )
        }
        Kind::Name => Test::Name(patterns(&plain)),
        Kind::Date => Test::Between(ranges(values, iso_date, iso_date).ok_or(A_DATE)?),
        Kind::Time => Test::Between(ranges(values, first_moment, last_moment).ok_or(A_TIME)?),
        Kind::Integer => {
            let numbers: Result<Vec<i64>, _> = values.iter().map(|value| value.parse()).collect();
            Test::Numbers(numbers.map_err(|_| A_NUMBER)?)
        }
    })
}

/// Ranges with either end open (PS3.4 C.2.2.2.5). One value is all that it may be the beginning of.
fn ranges(
    values: &[&str],
    first: fn(&str) -> Option<String>,
    last: fn(&str) -> Option<String>,
) -> Option<Vec<[Option<String>; 2]>> {
    let end = |text: &str, of: fn(&str) -> Option<String>| match text.trim() {
        "" => Some(None),
        text => of(text).map(Some),
    };
    let range = |value: &&str| {
        let (from, to) = value.split_once('-').unwrap_or((value, value));
        let range = [end(from, first)?, end(to, last)?];
        (range != [None, None]).then_some(range)
    };
    values.iter().map(range).collect()
}

/// `20261123` as `2026-11-23`.
pub(in super::super) fn iso_date(text: &str) -> Option<String> {
    let is_plain = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
    let date = chrono::NaiveDate::parse_from_str(text, "%Y%m%d").ok().filter(|_| is_plain)?;
    Some(date.to_string())
}

/// The beginning of what `1230` tells: `12:30:00`.
pub(in super::super) fn first_moment(text: &str) -> Option<String> {
    let [hours, minutes, seconds, fraction] = parts_of_time(text)?;
    let clock = format!("{hours}:{}:{}", or_zero(minutes), or_zero(seconds));
    // Without zeros at its end it stands before all that are equal.
    let fraction = fraction.trim_end_matches('0');
    Some(if fraction.is_empty() { clock } else { format!("{clock}.{fraction}") })
}

/// The end of what `1230` tells: `12:30:60.999999`, which stands behind a leap second, too.
pub(super) fn last_moment(text: &str) -> Option<String> {
    let [hours, minutes, seconds, fraction] = parts_of_time(text)?;
    Some(match (minutes, seconds, fraction) {
        ("", ..) => format!("{hours}:59:60.999999"),
        (_, "", _) => format!("{hours}:{minutes}:60.999999"),
        (_, _, "") => format!("{hours}:{minutes}:{seconds}.999999"),
        _ => format!("{hours}:{minutes}:{seconds}.{fraction:0<6}"),
    })
}

fn or_zero(part: &str) -> &str {
    if part.is_empty() { "00" } else { part }
}

/// Hours, minutes, seconds and fraction of a TM (PS3.5 table 6.2-1); those that are not told are empty.
fn parts_of_time(text: &str) -> Option<[&str; 4]> {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_time = digits(clock)
        && digits(fraction)
        && (matches!(clock.len(), 2 | 4) && fraction.is_empty() || clock.len() == 6 && fraction.len() <= 6);
    if !is_time {
        return None;
    }
    let part = |at: usize| clock.get(at..at + 2).unwrap_or_default();
    let parts = [part(0), part(2), part(4), fraction];
    (parts[0] <= "23" && parts[1] <= "59" && parts[2] <= "60").then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test_of(tag: u32, text: &str) -> Option<Test> {
        let key = SearchKey::parse(&[tag], text, false).expect("a value")?;
        match key.0 {
            Wanted::InColumn(_, test) => Some(test),
            Wanted::InHeader { .. } => panic!("it has a column"),
        }
    }

    #[test]
    fn what_lets_everything_through_is_no_key() {
        for text in ["", " ", "*", "**", "\\", "*\\CT"] {
            assert_eq!(test_of(0x0008_0060, text), None, "{text}");
            assert_eq!(SearchKey::parse(&[0x0008_0090], text, false), Ok(None), "{text}");
        }
    }

    /// PS3.4 C.2.2.2.2 and C.2.2.2.4; both separators are met in the field.
    #[test]
    fn lists_and_wildcards_are_read_as_the_attribute_has_them() {
        let uids = ["1.2", "1.3"].map(public_id).to_vec();
        for text in ["1.2,1.3", "1.2\\1.3", "1.2\\\\1.3", " 1.2 , 1.3 ,"] {
            assert_eq!(test_of(0x0020_000D, text), Some(Test::Ids(uids.clone())), "{text}");
        }
        let like = |patterns: &[&str]| Some(Test::Like(patterns.iter().map(|&it| it.to_owned()).collect()));
        assert_eq!(test_of(0x0008_0060, "CT\\MR"), like(&["ct", "mr"]));
        assert_eq!(test_of(0x0008_0061, "CT,M?"), like(&["ct", "m_"]));
        assert_eq!(
            test_of(0x0008_0050, "A-1,7*"),
            like(&["a-1,7%"]),
            "a comma is a letter of an accession number"
        );
        assert_eq!(test_of(0x0008_103E, "100%_*"), like(&["100\\%\\_%"]));
    }

    #[test]
    fn dates_and_times_are_ranges_with_open_ends() {
        let range = |from: &str, to: &str| {
            let end = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            Some(Test::Between(vec![[end(from), end(to)]]))
        };
        let dates = [
            ("20261123", "2026-11-23", "2026-11-23"),
            ("20261101-20261130", "2026-11-01", "2026-11-30"),
            ("-20261130", "", "2026-11-30"),
            ("20261101-", "2026-11-01", ""),
        ];
        for (text, from, to) in dates {
            assert_eq!(test_of(0x0008_0020, text), range(from, to), "{text}");
        }
        let times = [
            ("12", "12:00:00", "12:59:60.999999"),
            ("1230", "12:30:00", "12:30:60.999999"),
            ("0800-1200", "08:00:00", "12:00:60.999999"),
            ("123005.50-", "12:30:05.5", ""),
            ("-123005.5", "", "12:30:05.500000"),
        ];
        for (text, from, to) in times {
            assert_eq!(test_of(0x0008_0030, text), range(from, to), "{text}");
        }
        for text in ["-", "2026", "20261301", "2026-11-23", "yesterday", "20261123*"] {
            assert_eq!(SearchKey::parse(&[0x0008_0020], text, false), Err(A_DATE), "{text}");
        }
        for text in ["-", "1", "2400", "12:30", "1230.5", "123005.1234567"] {
            assert_eq!(SearchKey::parse(&[0x0008_0030], text, false), Err(A_TIME), "{text}");
        }
        assert_eq!(SearchKey::parse(&[0x0020_0011], "first", false), Err(A_NUMBER));
    }
}
