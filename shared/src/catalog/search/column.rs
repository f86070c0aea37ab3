//! The attributes that have a column: at which level each stands, and how its values are matched.

use super::SearchLevel::{self, Instance, Series, Study};

/// How the values of a column are told and matched (PS3.4 C.2.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// UIDs, by the ids that are made of them.
    Id,
    /// UIDs, as they stand there.
    Uid,
    /// Code strings.
    Code,
    /// Text as it stands there.
    Text,
    /// Text that is folded.
    Folded,
    /// Some texts that are folded, each between line ends.
    FoldedLines,
    /// Text without case and accents.
    Plain,
    /// A person's name without case and accents.
    Name,
    /// An ISO 8601 date; '' is none.
    Date,
    /// An ISO 8601 time.
    Time,
    /// A whole number.
    Integer,
    /// Codes of the series of a study.
    OfItsSeries,
    /// UIDs of the instances of a study.
    OfItsInstances,
}

/// An attribute that has a column.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) tag: u32,
    pub(super) level: SearchLevel,
    /// As a statement names it.
    pub(super) name: &'static str,
    pub(super) kind: Kind,
}

const fn column(tag: u32, level: SearchLevel, name: &'static str, kind: Kind) -> Column {
    Column { tag, level, name, kind }
}

/// By tag.
const COLUMNS: &[Column] = &[
    column(0x0008_0016, Instance, "instances.sop_class_uid", Kind::Uid),
    column(0x0008_0018, Instance, "instances.image_id", Kind::Id),
    column(0x0008_0020, Study, "studies.study_date", Kind::Date),
    column(0x0008_0030, Study, "studies.study_time", Kind::Time),
    column(0x0008_0050, Study, "studies.accession_number_folded", Kind::Folded),
    column(0x0008_0060, Series, "series.modality", Kind::Code),
    column(0x0008_0061, Study, "series.modality", Kind::OfItsSeries),
    column(0x0008_0062, Study, "instances.sop_class_uid", Kind::OfItsInstances),
    column(0x0008_0090, Study, "studies.referring_physician_plain", Kind::Name),
    column(0x0008_1030, Study, "studies.study_description_plain", Kind::Plain),
    column(0x0008_103E, Series, "series.series_description", Kind::Text),
    column(0x0008_3002, Instance, "instances.transfer_syntax_uid", Kind::Uid),
    column(0x0010_0010, Study, "studies.patient_name_plain", Kind::Name),
    column(0x0010_0020, Study, "studies.patient_id_folded", Kind::Folded),
    column(0x0010_0030, Study, "studies.patient_birth_date", Kind::Date),
    column(0x0010_0040, Study, "studies.patient_sex", Kind::Code),
    column(0x0018_0015, Series, "series.body_part", Kind::Code),
    column(0x0020_000D, Study, "studies.study_id", Kind::Id),
    column(0x0020_000E, Series, "series.series_id", Kind::Id),
    column(0x0020_0010, Study, "studies.study_number_folded", Kind::Folded),
    column(0x0020_0011, Series, "series.series_number", Kind::Integer),
    column(0x0020_0013, Instance, "instances.instance_number", Kind::Integer),
    column(0x0028_0008, Instance, "instances.frame_count", Kind::Integer),
    column(0x0028_0010, Instance, "instances.pixel_rows", Kind::Integer),
    column(0x0028_0011, Instance, "instances.pixel_columns", Kind::Integer),
    column(0x0028_0100, Instance, "instances.bits_allocated", Kind::Integer),
    column(0x0040_0244, Series, "series.performed_date", Kind::Date),
    column(0x0040_0245, Series, "series.performed_time", Kind::Time),
];

/// Scheduled Procedure Step ID and Requested Procedure ID, in the items of the Request Attributes Sequence.
const OF_REQUESTS: [Column; 2] = [
    column(0x0040_0009, Series, "series.scheduled_steps", Kind::FoldedLines),
    column(0x0040_1001, Series, "series.requested_procedures", Kind::FoldedLines),
];

impl Column {
    /// The column of an attribute, if it has one.
    pub(super) fn of(tag: u32) -> Option<&'static Column> {
        let place = COLUMNS.binary_search_by_key(&tag, |column| column.tag).ok()?;
        Some(&COLUMNS[place])
    }

    /// The column of an attribute at the end of a path of sequences, if it has one.
    pub(super) fn at(path: &[u32]) -> Option<&'static Column> {
        match path {
            [tag] => Self::of(*tag),
            [0x0040_0275, tag] => OF_REQUESTS.iter().find(|column| column.tag == *tag),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_in_the_order_of_their_tags() {
        assert!(COLUMNS.is_sorted_by(|left, right| left.tag < right.tag));
        for column in COLUMNS {
            assert_eq!(Column::of(column.tag), Some(column));
        }
        assert_eq!((Column::of(0x0008_0070), Column::of(0x0040_0009)), (None, None));
        assert_eq!(Column::at(&[0x0040_0275, 0x0040_0009]), Some(&OF_REQUESTS[0]));
    }
}
