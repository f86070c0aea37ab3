//! What an instance without pixel data is, in the words of those who have it.

/// SOP classes of PS3.4 B.5 whose instances hold no picture: the end of the UID behind the common root, or its beginning
/// where it ends in a dot.
const WITHOUT_PICTURE: &[(&str, &str)] = &[
    ("88.59", "a key object selection: it points to images and is none"),
    ("88.", "a structured report: it holds text and measurements"),
    ("104.1", "a PDF document in DICOM"),
    ("104.2", "a clinical document (CDA) in DICOM"),
    ("104.", "a document or model in DICOM"),
    ("11.", "a presentation state: it says how other images are shown"),
    ("481.3", "an RT structure set: it holds contours"),
    ("481.5", "an RT plan"),
    ("481.8", "an RT plan"),
    ("481.4", "a radiotherapy record"),
    ("481.6", "a radiotherapy record"),
    ("481.7", "a radiotherapy record"),
    ("481.9", "a radiotherapy record"),
    ("481.", "a radiotherapy object"),
    ("9.", "a waveform: it holds curves"),
    ("66", "raw data"),
    ("66.1", "a spatial registration"),
    ("66.3", "a spatial registration"),
    ("66.5", "a surface segmentation"),
    ("66.", "spatial data"),
    ("67", "a real world value mapping"),
    ("4.2", "a spectroscopy"),
];
const STORAGE_ROOT: &str = "1.2.840.10008.5.1.4.1.1.";

/// Whether instances of this class are presentation states.
#[must_use]
pub fn is_presentation_state(sop_class_uid: Option<&str>) -> bool {
    sop_class_uid.and_then(|uid| uid.strip_prefix(STORAGE_ROOT)).is_some_and(|class| class.starts_with("11."))
}

/// Whether they are presentation states that pictures are drawn under: grayscale and color softcopy (PS3.3 A.33.1, A.33.2).
#[must_use]
pub fn is_drawn_presentation_state(sop_class_uid: Option<&str>) -> bool {
    let class = sop_class_uid.and_then(|uid| uid.strip_prefix(STORAGE_ROOT));
    matches!(class, Some("11.1" | "11.2"))
}

/// Why an instance of this class, which has no pixel data, cannot be shown: one sentence.
#[must_use]
pub fn why_no_picture(sop_class_uid: Option<&str>) -> String {
    let class = sop_class_uid.and_then(|uid| uid.strip_prefix(STORAGE_ROOT));
    let fits =
        |end: &str| class.is_some_and(|class| class == end || (end.ends_with('.') && class.starts_with(end)));
    // A whole UID before the family it belongs to.
    let exact = WITHOUT_PICTURE.iter().find(|(end, _)| class == Some(end));
    match exact.or_else(|| WITHOUT_PICTURE.iter().find(|(end, _)| fits(end))) {
        Some((_, what)) => {
            format!("The instance is {what}. It has no pixel data, so that there is no picture of it.")
        }
        None => "The instance has no pixel data.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// UIDs of PS3.6 table A-1.
    #[test]
    fn an_instance_without_pixel_data_is_called_what_it_is() {
        let cases = [
            ("1.2.840.10008.5.1.4.1.1.88.11", "structured report"),
            ("1.2.840.10008.5.1.4.1.1.88.59", "key object selection"),
            ("1.2.840.10008.5.1.4.1.1.104.1", "PDF"),
            ("1.2.840.10008.5.1.4.1.1.11.1", "presentation state"),
            ("1.2.840.10008.5.1.4.1.1.481.3", "contours"),
            ("1.2.840.10008.5.1.4.1.1.9.1.1", "waveform"),
            ("1.2.840.10008.5.1.4.1.1.66.1", "registration"),
            ("1.2.840.10008.5.1.4.1.1.2", "The instance has no pixel data."),
            ("1.2.3", "The instance has no pixel data."),
        ];
        for (uid, words) in cases {
            assert!(why_no_picture(Some(uid)).contains(words), "{uid}: {}", why_no_picture(Some(uid)));
        }
        assert_eq!(why_no_picture(None), "The instance has no pixel data.");
    }
}
