//! A header as DICOM JSON (PS3.18 annex F), with a place for each value that the index does not keep.

use std::{
    cell::Cell,
    io::{self, Write},
};

use dicom_core::{VR, header::Header};
use dicom_json::DicomJson;
use dicom_object::{InMemDicomObject, mem::InMemElement};
use noctis_render::BulkValue;
use noctis_shared::bulk;
use serde::{Serialize, Serializer, ser::SerializeMap};

/// Longest header JSON that is kept, in bytes.
const JSON_BYTES_MAX: usize = 4 << 20;

/// The header as DICOM JSON, where `bulk_values`, which are in the order of the data set, have their places instead of their
/// bytes; `{}` when it cannot be written so.
pub(super) fn header_json(dataset: &InMemDicomObject, bulk_values: &[BulkValue]) -> String {
    let mut json = Bounded { written: Vec::new(), bytes_max: JSON_BYTES_MAX };
    let left = Cell::new(bulk_values);
    let written = serde_json::to_writer(&mut json, &DataSet { dataset, left: &left, path: "" });
    let json = written.ok().and_then(|()| String::from_utf8(json.written).ok());
    json.unwrap_or_else(|| "{}".to_owned())
}

/// A data set, or an item, with the values that were not written yet.
struct DataSet<'a, 'l> {
    dataset: &'a InMemDicomObject,
    left: &'l Cell<&'a [BulkValue]>,
    /// Up to its elements.
    path: &'l str,
}

impl Serialize for DataSet<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(None)?;
        for element in self.dataset {
            let tag = element.tag();
            let name = format!("{:04X}{:04X}", tag.0, tag.1);
            let path = format!("{}{name}", self.path);
            match self.left.get().split_first() {
                Some((value, left)) if value.path == path => {
                    self.left.set(left);
                    members.serialize_entry(&name, &Place(value))?;
                }
                // Only what holds such a value is written here.
                Some((value, _)) if is_within(&value.path, &path) => {
                    members.serialize_entry(&name, &Sequence { element, left: self.left, path: &path })?;
                }
                _ => members.serialize_entry(&name, &DicomJson::from(element))?,
            }
        }
        members.end()
    }
}

fn is_within(path: &str, sequence: &str) -> bool {
    path.strip_prefix(sequence).is_some_and(|rest| rest.starts_with('/'))
}

/// A sequence in whose items such values lie.
struct Sequence<'a, 'l> {
    element: &'a InMemElement,
    left: &'l Cell<&'a [BulkValue]>,
    path: &'l str,
}

impl Serialize for Sequence<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(Some(2))?;
        members.serialize_entry("vr", VR::SQ.to_string())?;
        members.serialize_entry("Value", &Items(self))?;
        members.end()
    }
}

struct Items<'a, 'l, 's>(&'s Sequence<'a, 'l>);

impl Serialize for Items<'_, '_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Sequence { element, left, path } = *self.0;
        let items = element.items().unwrap_or_default();
        let paths: Vec<String> = (1..=items.len()).map(|number| format!("{path}/{number}/")).collect();
        let with_paths = items.iter().zip(&paths);
        serializer.collect_seq(with_paths.map(|(dataset, path)| DataSet { dataset, left, path }))
    }
}

/// The place of a value.
struct Place<'a>(&'a BulkValue);

impl Serialize for Place<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(Some(2))?;
        members.serialize_entry("vr", self.0.vr.to_string())?;
        members.serialize_entry(bulk::MEMBER, &bulk::address(&self.0.path))?;
        members.end()
    }
}

/// Takes so many bytes and refuses more, before there is memory for them.
struct Bounded {
    written: Vec<u8>,
    bytes_max: usize,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > self.bytes_max - self.written.len() {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.written.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use dicom_core::{DataElement, PrimitiveValue, Tag, value::DataSetSequence};
    use dicom_dictionary_std::tags;
    use serde_json::{Value, json};

    use super::*;

    fn value(path: &str) -> BulkValue {
        BulkValue { path: path.to_owned(), vr: VR::OB, offset: 0, byte_count: 2000, swapped_bytes: 1 }
    }

    fn empty(tag: Tag, vr: VR) -> InMemElement {
        DataElement::new(tag, vr, PrimitiveValue::Empty)
    }

    fn sequence(tag: Tag, items: Vec<InMemDicomObject>) -> InMemElement {
        DataElement::new(tag, VR::SQ, DataSetSequence::from(items))
    }

    #[test]
    fn a_header_too_long_for_the_catalog_is_an_empty_one() {
        let header = |length: usize| {
            let comments = PrimitiveValue::from("x".repeat(length));
            let dataset = InMemDicomObject::from_element_iter([DataElement::new(
                tags::IMAGE_COMMENTS,
                VR::LT,
                comments,
            )]);
            header_json(&dataset, &[])
        };
        assert_eq!(header(1), r#"{"00204000":{"vr":"LT","Value":["x"]}}"#);
        let around = header(0).len();
        assert_eq!(header(JSON_BYTES_MAX), "{}");
        assert!(header(JSON_BYTES_MAX - around - 100).len() > JSON_BYTES_MAX - 200);
    }

    #[test]
    fn values_that_are_not_kept_have_their_places() {
        let with_profile = || InMemDicomObject::from_element_iter([empty(tags::ICC_PROFILE, VR::OB)]);
        let without = InMemDicomObject::from_element_iter([empty(tags::LUT_EXPLANATION, VR::LO)]);
        let dataset = InMemDicomObject::from_element_iter([
            sequence(tags::REFERENCED_STUDY_SEQUENCE, vec![without.clone()]),
            sequence(
                tags::REFERENCED_SERIES_SEQUENCE,
                vec![InMemDicomObject::from_element_iter([sequence(
                    tags::OPTICAL_PATH_SEQUENCE,
                    vec![without.clone(), with_profile()],
                )])],
            ),
            empty(tags::ENCAPSULATED_DOCUMENT, VR::OB),
            sequence(tags::OPTICAL_PATH_SEQUENCE, vec![with_profile(), without, with_profile()]),
            empty(tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DATA, VR::OW),
        ]);
        let values = [
            value("00081115/1/00480105/2/00282000"),
            value("00420011"),
            value("00480105/1/00282000"),
            value("00480105/3/00282000"),
        ];
        let json: Value = serde_json::from_str(&header_json(&dataset, &values)).expect("JSON");
        let place = |path: &str| json!({"vr": "OB", "BulkDataURI": format!("bulkdata/{path}")});
        let explained = json!({"00283003": {"vr": "LO"}});
        let expected = json!({
            "00081110": {"vr": "SQ", "Value": [explained]},
            "00081115": {"vr": "SQ", "Value": [
                {"00480105": {"vr": "SQ", "Value": [
                    explained, {"00282000": place("00081115/1/00480105/2/00282000")},
                ]}},
            ]},
            "00420011": place("00420011"),
            "00480105": {"vr": "SQ", "Value": [
                {"00282000": place("00480105/1/00282000")},
                explained,
                {"00282000": place("00480105/3/00282000")},
            ]},
            "00281201": {"vr": "OW"},
        });
        assert_eq!(json, expected);
    }
}
