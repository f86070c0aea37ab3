//! Values of a header as the catalog wants them: trimmed text, ISO 8601 dates.

use dicom_core::Tag;
use dicom_object::InMemDicomObject;

/// Characters of a text that is shown: more than the catalog keeps.
const SHOWN_CHARS_MAX: usize = 2048;

/// The value as text, several with the backslash between them, trimmed; `None` when absent or empty.
pub(super) fn text(dataset: &InMemDicomObject, tag: Tag) -> Option<String> {
    let element = dataset.element_opt(tag).ok().flatten()?;
    let values = element.to_str().ok()?;
    let value = values.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    (!value.is_empty()).then(|| value.to_owned())
}

/// [`text`] to be shown, of which a damaged header can have megabytes.
pub(super) fn short_text(dataset: &InMemDicomObject, tag: Tag) -> Option<String> {
    text(dataset, tag).map(|text| text.chars().take(SHOWN_CHARS_MAX).collect())
}

/// The first value as a number; fractions as they come in faulty files are cut.
pub(super) fn integer(dataset: &InMemDicomObject, tag: Tag) -> Option<i32> {
    let element = dataset.element_opt(tag).ok().flatten()?;
    element.to_int::<i32>().ok().or_else(|| {
        let values = element.to_str().ok()?;
        let value: f64 = values.split('\\').next()?.trim().parse().ok()?;
        (value.abs() <= f64::from(i32::MAX)).then_some(value as i32)
    })
}

/// Every value as a number; `None` unless there are `count`, all finite.
pub(super) fn numbers<const N: usize>(dataset: &InMemDicomObject, tag: Tag) -> Option<[f64; N]> {
    let element = dataset.element_opt(tag).ok().flatten()?;
    let values = element.to_multi_float64().ok()?;
    let values: [f64; N] = values.try_into().ok()?;
    values.iter().all(|value| value.is_finite()).then_some(values)
}

/// A DA value (PS3.5 6.2) as `2026-11-23`; also the older `2026.11.23`. `None` for anything else.
pub(super) fn date(dataset: &InMemDicomObject, tag: Tag) -> Option<String> {
    iso_date(&text(dataset, tag)?)
}

fn iso_date(value: &str) -> Option<String> {
    let digits: String = value.chars().filter(|c| *c != '.' && *c != '-').collect();
    let date = chrono::NaiveDate::parse_from_str(&digits, "%Y%m%d").ok()?;
    (digits.len() == 8).then(|| date.to_string())
}

/// A TM value (PS3.5 6.2) as `12:30:05` or `12:30:05.123`; shorter ones are filled with zeros.
pub(super) fn time(dataset: &InMemDicomObject, tag: Tag) -> Option<String> {
    iso_time(&text(dataset, tag)?)
}

fn iso_time(value: &str) -> Option<String> {
    let plain = value.replace(':', "");
    let (whole, fraction) = plain.split_once('.').map_or((plain.as_str(), None), |(w, f)| (w, Some(f)));
    let digits_only = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if !matches!(whole.len(), 2 | 4 | 6) || !digits_only(whole) || fraction.is_some_and(|f| !digits_only(f)) {
        return None;
    }
    let filled = format!("{whole:0<6}");
    // 60 is a leap second.
    if &filled[..2] > "23" || &filled[2..4] > "59" || &filled[4..] > "60" {
        return None;
    }
    let clock = format!("{}:{}:{}", &filled[..2], &filled[2..4], &filled[4..]);
    Some(match fraction {
        Some(fraction) if !fraction.is_empty() => format!("{clock}.{fraction}"),
        _ => clock,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// PS3.5 table 6.2-1, DA.
    #[test]
    fn dates_become_iso_8601_or_nothing() {
        let cases = [
            ("20261123", Some("2026-11-23")),
            ("2026.11.23", Some("2026-11-23")),
            ("20261301", None),
            ("2026", None),
            ("yesterday", None),
        ];
        for (value, iso) in cases {
            assert_eq!(iso_date(value).as_deref(), iso, "{value}");
        }
    }

    /// PS3.5 table 6.2-1, TM.
    #[test]
    fn times_become_iso_8601_or_nothing() {
        let cases = [
            ("12", Some("12:00:00")),
            ("1230", Some("12:30:00")),
            ("123005", Some("12:30:05")),
            ("123005.123000", Some("12:30:05.123000")),
            ("12:30:05", Some("12:30:05")),
            ("2460", None),
            ("noon", None),
        ];
        for (value, iso) in cases {
            assert_eq!(iso_time(value).as_deref(), iso, "{value}");
        }
    }
}
