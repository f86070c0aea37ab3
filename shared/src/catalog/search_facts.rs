//! What searches match beside the facts that are told: read from the header of one instance, and folded for its columns.
//!
//! '' is what no file tells. NULL stands in rows of earlier releases until `fill_in_search` has filled them in.

use serde_json::Value;

use super::{
    search::{iso_date, iso_time, text_of},
    text::{clean, fold, plain},
};
use crate::header_json::HeaderJson;

/// Of a study.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct StudySearchFacts {
    /// Referring Physician's Name (0008,0090), plain.
    pub(super) referring_physician: String,
    /// Study ID (0020,0010), folded.
    pub(super) study_number: String,
}

/// Of a series.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct SeriesSearchFacts {
    /// Performed Procedure Step Start Date (0040,0244) and Time (0040,0245), ISO 8601.
    pub(super) performed_date: String,
    pub(super) performed_time: String,
    /// Scheduled Procedure Step ID (0040,0009) and Requested Procedure ID (0040,1001) of each item of the Request Attributes
    /// Sequence (0040,0275): folded, each between line ends.
    pub(super) scheduled_steps: String,
    pub(super) requested_procedures: String,
}

/// The columns, in the order of the fields.
pub(super) const STUDY_COLUMNS: &str = "referring_physician_plain, study_number_folded";
pub(super) const SERIES_COLUMNS: &str =
    "performed_date, performed_time, scheduled_steps, requested_procedures";

impl StudySearchFacts {
    pub(super) fn read(header: &str) -> Self {
        let header = HeaderJson::new(header);
        Self {
            referring_physician: plain(&first(header, 0x0008_0090)),
            study_number: fold(&first(header, 0x0020_0010)),
        }
    }
}

impl SeriesSearchFacts {
    pub(super) fn read(header: &str) -> Self {
        let header = HeaderJson::new(header);
        let requests = header.get(0x0040_0275).and_then(|json| serde_json::from_str::<Value>(json).ok());
        let of_requests = |tag: &str| {
            let items =
                requests.iter().flat_map(|requests| requests["Value"].as_array().into_iter().flatten());
            let values = items.filter_map(|item| text_of(&item[tag]["Value"][0])).map(|value| fold(&value));
            let listed: String =
                values.filter(|value| !value.is_empty()).map(|value| format!("\n{value}\n")).collect();
            clean(&listed)
        };
        Self {
            performed_date: iso_date(&first(header, 0x0040_0244)).unwrap_or_default(),
            performed_time: iso_time(&first(header, 0x0040_0245)).unwrap_or_default(),
            scheduled_steps: of_requests("00400009"),
            requested_procedures: of_requests("00401001"),
        }
    }
}

/// The first value of an element as text; '' where there is none.
fn first(header: HeaderJson<'_>, tag: u32) -> String {
    let element = header.get(tag).and_then(|json| serde_json::from_str::<Value>(json).ok());
    element.and_then(|element| text_of(&element["Value"][0])).unwrap_or_default()
}

/// `SET column = …` of an upsert: what is known first stays, or the newest wins; '' is nothing.
pub(super) fn merged(table: &str, columns: &str, newest_wins: bool) -> String {
    let (first, second) = if newest_wins { ("excluded", table) } else { (table, "excluded") };
    let one = |column: &str| format!("{column} = COALESCE(NULLIF({first}.{column}, ''), {second}.{column})");
    columns.split(", ").map(one).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_matched_is_read_from_the_header() {
        let header = r#"{"00080090":{"vr":"PN","Value":[{"Alphabetic":"MÜLLER^Hans"}]},"00200010":{"vr":"SH","Value":["S 1"]},"00400244":{"vr":"DA","Value":["20261123"]},"00400245":{"vr":"TM","Value":["1230"]},"00400275":{"vr":"SQ","Value":[{"00400009":{"vr":"SH","Value":["SPS-1"]}},{"00400009":{"vr":"SH","Value":["SPS-2"]},"00401001":{"vr":"SH","Value":["RP"]}}]}}"#;
        let study = StudySearchFacts::read(header);
        assert_eq!((&*study.referring_physician, &*study.study_number), ("muller hans", "s 1"));
        let series = SeriesSearchFacts::read(header);
        assert_eq!((&*series.performed_date, &*series.performed_time), ("2026-11-23", "12:30:00"));
        assert_eq!(
            (&*series.scheduled_steps, &*series.requested_procedures),
            ("\nsps-1\n\nsps-2\n", "\nrp\n")
        );
        assert_eq!(StudySearchFacts::read("{}"), StudySearchFacts::default());
        assert_eq!(SeriesSearchFacts::read("{}"), SeriesSearchFacts::default());
    }
}
