//! At which level an attribute stands (PS3.3 A.1.2, PS3.4 C.6.2.1): what is told of a study is told by each of its
//! instances alike, and what one instance tells of itself is not told of its study.

use noctis_shared::catalog::SearchLevel;

/// Attributes of the modules of patient, study, and clinical trial that stand in groups of others.
const OF_STUDIES: &[u32] = &[
    0x0008_0005, // Specific Character Set
    0x0008_0020, // Study Date
    0x0008_0030, // Study Time
    0x0008_0050, // Accession Number
    0x0008_0051, // Issuer of Accession Number Sequence
    0x0008_0054, // Retrieve AE Title
    0x0008_0056, // Instance Availability
    0x0008_0061, // Modalities in Study
    0x0008_0062, // SOP Classes in Study
    0x0008_0090, // Referring Physician's Name
    0x0008_0096, // Referring Physician Identification Sequence
    0x0008_009C, // Consulting Physician's Name
    0x0008_009D, // Consulting Physician Identification Sequence
    0x0008_0201, // Timezone Offset From UTC
    0x0008_1030, // Study Description
    0x0008_1032, // Procedure Code Sequence
    0x0008_1048, // Physician(s) of Record
    0x0008_1049, // Physician(s) of Record Identification Sequence
    0x0008_1060, // Name of Physician(s) Reading Study
    0x0008_1062, // Physician(s) Reading Study Identification Sequence
    0x0008_1080, // Admitting Diagnoses Description
    0x0008_1084, // Admitting Diagnoses Code Sequence
    0x0008_1110, // Referenced Study Sequence
    0x0008_1120, // Referenced Patient Sequence
    0x0020_000D, // Study Instance UID
    0x0020_0010, // Study ID
    0x0020_1200, // Number of Patient Related Studies
    0x0020_1202, // Number of Patient Related Series
    0x0020_1204, // Number of Patient Related Instances
    0x0020_1206, // Number of Study Related Series
    0x0020_1208, // Number of Study Related Instances
    0x0040_1012, // Reason For Performed Procedure Code Sequence
];

/// Attributes of the modules of series, equipment and frame of reference.
const OF_SERIES: &[u32] = &[
    0x0008_0021, // Series Date
    0x0008_0031, // Series Time
    0x0008_0060, // Modality
    0x0008_0068, // Presentation Intent Type
    0x0008_0070, // Manufacturer
    0x0008_0080, // Institution Name
    0x0008_0081, // Institution Address
    0x0008_1010, // Station Name
    0x0008_103E, // Series Description
    0x0008_103F, // Series Description Code Sequence
    0x0008_1040, // Institutional Department Name
    0x0008_1050, // Performing Physician's Name
    0x0008_1052, // Performing Physician Identification Sequence
    0x0008_1070, // Operators' Name
    0x0008_1072, // Operator Identification Sequence
    0x0008_1090, // Manufacturer's Model Name
    0x0008_1111, // Referenced Performed Procedure Step Sequence
    0x0008_1250, // Related Series Sequence
    0x0012_0060, // Clinical Trial Coordinating Center Name
    0x0012_0071, // Clinical Trial Series ID
    0x0012_0072, // Clinical Trial Series Description
    0x0018_0015, // Body Part Examined
    0x0018_1000, // Device Serial Number
    0x0018_1020, // Software Versions
    0x0018_1030, // Protocol Name
    0x0018_5100, // Patient Position
    0x0020_000E, // Series Instance UID
    0x0020_0011, // Series Number
    0x0020_0052, // Frame of Reference UID
    0x0020_0060, // Laterality
    0x0020_1040, // Position Reference Indicator
    0x0020_1209, // Number of Series Related Instances
    0x0040_0244, // Performed Procedure Step Start Date
    0x0040_0245, // Performed Procedure Step Start Time
    0x0040_0250, // Performed Procedure Step End Date
    0x0040_0251, // Performed Procedure Step End Time
    0x0040_0253, // Performed Procedure Step ID
    0x0040_0254, // Performed Procedure Step Description
    0x0040_0260, // Performed Protocol Code Sequence
    0x0040_0275, // Request Attributes Sequence
    0x0040_0280, // Comments on the Performed Procedure Step
];

/// Group by group, all about the patient, the trial, the request, the visit.
const GROUPS_OF_STUDIES: [u32; 4] = [0x0010, 0x0012, 0x0032, 0x0038];

/// The highest level at which the attribute is told.
pub(super) fn of(tag: u32) -> SearchLevel {
    if OF_SERIES.binary_search(&tag).is_ok() {
        SearchLevel::Series
    } else if GROUPS_OF_STUDIES.contains(&(tag >> 16)) || OF_STUDIES.binary_search(&tag).is_ok() {
        SearchLevel::Study
    } else {
        SearchLevel::Instance
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_stand_at_the_level_that_they_tell_of() {
        assert!(OF_STUDIES.is_sorted() && OF_SERIES.is_sorted());
        for (tag, level) in [
            (0x0010_1010, SearchLevel::Study),
            (0x0008_1030, SearchLevel::Study),
            (0x0012_0071, SearchLevel::Series),
            (0x0008_0060, SearchLevel::Series),
            (0x0008_0018, SearchLevel::Instance),
            (0x0020_0032, SearchLevel::Instance),
        ] {
            assert_eq!(of(tag), level, "{tag:08X}");
        }
    }
}
