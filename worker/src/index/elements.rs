//! A parsed header as a data set that facts of an image are read from.

use dicom_core::Tag;
use dicom_object::InMemDicomObject;
use noctis_shared::image_facts::DataSet;

/// Values of one element that are looked at: facts are few numbers, a damaged header has millions.
const VALUES_MAX: u32 = 256;

/// The elements of a header, or of an item in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Elements<'a>(pub(super) &'a InMemDicomObject);

impl DataSet for Elements<'_> {
    fn texts(self, tag: u32) -> Vec<String> {
        let element = self.0.element_opt(to_tag(tag)).ok().flatten();
        let element = element.filter(|element| element.value().multiplicity() <= VALUES_MAX);
        let texts = element.and_then(|element| element.to_multi_str().ok());
        texts.map(|texts| texts.to_vec()).unwrap_or_default()
    }

    fn item(self, tag: u32) -> Option<Self> {
        let element = self.0.element_opt(to_tag(tag)).ok().flatten()?;
        element.items()?.first().map(Elements)
    }
}

fn to_tag(tag: u32) -> Tag {
    Tag((tag >> 16) as u16, tag as u16)
}

#[cfg(test)]
mod tests {
    use dicom_core::{DataElement, PrimitiveValue, VR, value::DataSetSequence};
    use dicom_dictionary_std::tags;
    use noctis_shared::image_facts::ImageFacts;

    use super::*;
    use crate::index::header_json::header_json;

    fn strs(tag: Tag, vr: VR, values: &[&str]) -> DataElement<InMemDicomObject> {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        DataElement::new(tag, vr, PrimitiveValue::Strs(values))
    }

    /// The index reads elements, and what fills in older rows their JSON.
    #[test]
    fn a_header_tells_the_same_as_its_json() {
        let measures =
            InMemDicomObject::from_element_iter([strs(tags::PIXEL_SPACING, VR::DS, &["0.5 ", "0.25"])]);
        let shared = InMemDicomObject::from_element_iter([DataElement::new(
            tags::PIXEL_MEASURES_SEQUENCE,
            VR::SQ,
            DataSetSequence::from(vec![measures]),
        )]);
        let header = InMemDicomObject::from_element_iter([
            strs(tags::MODALITY, VR::CS, &["CT"]),
            strs(tags::IMAGE_POSITION_PATIENT, VR::DS, &["1", "-2.5", "3e1"]),
            strs(tags::WINDOW_CENTER, VR::DS, &["40", "-600"]),
            strs(tags::WINDOW_WIDTH, VR::DS, &["400 ", "1500"]),
            strs(tags::WINDOW_CENTER_WIDTH_EXPLANATION, VR::LO, &["ABDOMEN", "LUNG "]),
            DataElement::new(tags::RECOMMENDED_DISPLAY_FRAME_RATE, VR::IS, PrimitiveValue::from("30")),
            DataElement::new(
                tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE,
                VR::SQ,
                DataSetSequence::from(vec![shared]),
            ),
        ]);
        let facts = ImageFacts::read(Elements(&header));
        let json: serde_json::Value = serde_json::from_str(&header_json(&header, &[])).expect("JSON");
        assert_eq!(facts, ImageFacts::read(&json));
        assert_eq!(facts.pixel_spacing, Some([0.5, 0.25]));
        assert_eq!((facts.image_position, facts.display_frame_rate), (Some([1.0, -2.5, 30.0]), Some(30.0)));
        assert_eq!(facts.windows.len(), 2);
        assert_eq!(facts.windows[1].explanation.as_deref(), Some("LUNG"));
    }

    #[test]
    fn a_damaged_header_is_not_read_for_ever() {
        let values: Vec<&str> = vec!["1"; 1000];
        let header = InMemDicomObject::from_element_iter([strs(tags::WINDOW_CENTER, VR::DS, &values)]);
        assert!(Elements(&header).texts(0x0028_1050).is_empty());
    }
}
