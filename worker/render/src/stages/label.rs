//! Label maps: stored values that name segments and have no order (PS3.3 C.8.20.2.3).

use dicom_dictionary_std::tags;

use crate::file::parse::view::View;

const LABEL_MAP_SEGMENTATION_STORAGE: &str = "1.2.840.10008.5.1.4.1.1.66.7";

/// Whether the values are labels, so that the average of two of them means a third.
pub(crate) fn is_label_map(view: &View<'_>) -> bool {
    view.text(tags::SEGMENTATION_TYPE) == Some("LABELMAP")
        || view.text(tags::SOP_CLASS_UID) == Some(LABEL_MAP_SEGMENTATION_STORAGE)
}
