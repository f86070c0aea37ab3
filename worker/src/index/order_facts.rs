//! What tells the place of an instance in its series.

use dicom_core::Tag;
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use noctis_shared::catalog::{OrderFacts, Plane};

use super::dicom_text::{integer, numbers};

/// The facts that `docs/order.md` goes by, as far as the header has them.
pub(super) fn order_facts(dataset: &InMemDicomObject) -> OrderFacts {
    OrderFacts {
        plane: plane(dataset),
        temporal_position: integer(dataset, tags::TEMPORAL_POSITION_IDENTIFIER)
            .or_else(|| integer(dataset, tags::TEMPORAL_POSITION_INDEX)),
        trigger_time: number(dataset, tags::TRIGGER_TIME),
        acquisition_number: integer(dataset, tags::ACQUISITION_NUMBER),
        slice_location: number(dataset, tags::SLICE_LOCATION),
    }
}

fn plane(dataset: &InMemDicomObject) -> Option<Plane> {
    let position = numbers(dataset, tags::IMAGE_POSITION_PATIENT)?;
    let orientation = numbers(dataset, tags::IMAGE_ORIENTATION_PATIENT)?;
    Plane::new(position, orientation)
}

fn number(dataset: &InMemDicomObject, tag: Tag) -> Option<f64> {
    numbers(dataset, tag).map(|[number]| number)
}

#[cfg(test)]
mod tests {
    use dicom_core::{DataElement, PrimitiveValue, VR};

    use super::*;

    fn dataset(elements: &[(Tag, VR, &str)]) -> InMemDicomObject {
        let element = |(tag, vr, text): &(Tag, VR, &str)| {
            let values = text.split('\\').map(str::to_owned).collect();
            DataElement::new(*tag, *vr, PrimitiveValue::Strs(values))
        };
        InMemDicomObject::from_element_iter(elements.iter().map(element))
    }

    #[test]
    fn the_facts_of_a_header_are_read() {
        let facts = order_facts(&dataset(&[
            (tags::TRIGGER_TIME, VR::DS, "33.5 "),
            (tags::ACQUISITION_NUMBER, VR::IS, "4"),
            (tags::IMAGE_POSITION_PATIENT, VR::DS, "1\\2\\3"),
            (tags::IMAGE_ORIENTATION_PATIENT, VR::DS, "1\\0\\0\\0\\1\\0"),
            (tags::TEMPORAL_POSITION_IDENTIFIER, VR::IS, "2"),
            (tags::SLICE_LOCATION, VR::DS, "-7.25"),
        ]));
        let expected = OrderFacts {
            plane: Plane::new([1.0, 2.0, 3.0], [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]),
            temporal_position: Some(2),
            trigger_time: Some(33.5),
            acquisition_number: Some(4),
            slice_location: Some(-7.25),
        };
        assert_eq!(facts, expected);
    }

    #[test]
    fn absent_and_empty_facts_are_none() {
        let empty = dataset(&[
            (tags::TRIGGER_TIME, VR::DS, ""),
            (tags::ACQUISITION_NUMBER, VR::IS, ""),
            (tags::IMAGE_POSITION_PATIENT, VR::DS, "1\\2"),
            (tags::IMAGE_ORIENTATION_PATIENT, VR::DS, "1\\0\\0\\0\\1\\0"),
        ]);
        for dataset in [empty, dataset(&[])] {
            assert_eq!(order_facts(&dataset), OrderFacts::default());
        }
    }
}
