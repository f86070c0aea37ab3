//! A data set by keywords with plain values, as JavaScript toolkits and OHIF's own source of data have it, made of DICOM JSON.

use std::{collections::HashMap, sync::LazyLock};

use serde_json::{Map, Number, Value};

use super::dictionary;

static KEYWORDS: LazyLock<HashMap<u32, &'static str>> = LazyLock::new(dictionary::by_tag);
/// Sequences that may lie in each other; the index keeps no deeper ones than it can tell.
const DEPTH_MAX: u32 = 64;

/// The attributes of the dictionary that have a value: one alone, several as a list, sequences always as a list. Private attributes
/// and bulk data are left out; numbers are numbers whatever their VR, names are those of the alphabetic group.
pub(super) fn naturalized(data_set: &Map<String, Value>) -> Map<String, Value> {
    at_depth(data_set, 0)
}

fn at_depth(data_set: &Map<String, Value>, depth: u32) -> Map<String, Value> {
    let mut told = Map::new();
    for (tag, element) in data_set {
        let keyword = u32::from_str_radix(tag, 16).ok().and_then(|tag| KEYWORDS.get(&tag));
        let (Some(keyword), Some(values)) = (keyword, element.get("Value").and_then(Value::as_array)) else {
            continue;
        };
        let vr = element.get("vr").and_then(Value::as_str).unwrap_or_default();
        let value = match (vr, &values[..]) {
            ("SQ", _) if depth >= DEPTH_MAX => continue,
            ("SQ", items) => {
                let items = items.iter().filter_map(Value::as_object);
                items.map(|item| at_depth(item, depth + 1).into()).collect::<Vec<Value>>().into()
            }
            (_, [one]) => plain(vr, one),
            (_, several) => several.iter().map(|value| plain(vr, value)).collect::<Vec<Value>>().into(),
        };
        told.insert((*keyword).to_owned(), value);
    }
    told
}

fn plain(vr: &str, value: &Value) -> Value {
    match (vr, value) {
        ("PN", Value::Object(groups)) => groups.get("Alphabetic").cloned().unwrap_or_default(),
        // Texts, so that none of their digits is lost (PS3.18 F.2.2).
        ("DS" | "IS" | "SV" | "UV", Value::String(text)) => {
            number(text).map_or_else(|| value.clone(), Value::Number)
        }
        _ => value.clone(),
    }
}

fn number(text: &str) -> Option<Number> {
    let text = text.trim();
    let whole = text.parse::<i64>().ok().map(Number::from);
    whole.or_else(|| text.parse().ok().and_then(Number::from_f64))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn attributes_are_told_by_keyword_with_plain_values() {
        let data_set = json!({
            "00080008": {"vr": "CS", "Value": ["ORIGINAL", "PRIMARY"]},
            "00080060": {"vr": "CS", "Value": ["CT"]},
            "00081140": {"vr": "SQ", "Value": [{"00081155": {"vr": "UI", "Value": ["1.2.3"]}}]},
            "00090010": {"vr": "LO", "Value": ["A MAKER"]},
            "00100010": {"vr": "PN", "Value": [{"Alphabetic": "DOE^JANE", "Ideographic": "x"}]},
            "00100030": {"vr": "DA"},
            "00200013": {"vr": "IS", "Value": ["7"]},
            "00280010": {"vr": "US", "Value": [512]},
            "00280030": {"vr": "DS", "Value": ["0.5", "5e-1"]},
            "00281050": {"vr": "DS", "Value": ["none"]},
            "7FE00010": {"vr": "OW", "BulkDataURI": "http://localhost/x"},
        });
        let expected = json!({
            "ImageType": ["ORIGINAL", "PRIMARY"],
            "Modality": "CT",
            "ReferencedImageSequence": [{"ReferencedSOPInstanceUID": "1.2.3"}],
            "PatientName": "DOE^JANE",
            "InstanceNumber": 7,
            "Rows": 512,
            "PixelSpacing": [0.5, 0.5],
            "WindowCenter": "none",
        });
        let data_set = data_set.as_object().expect("an object");
        assert_eq!(Value::Object(naturalized(data_set)), expected);
    }
}
