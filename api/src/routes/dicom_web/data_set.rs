//! A data set as DICOM JSON (PS3.18 annex F), put together element by element; written in the order of tags.

use std::collections::BTreeMap;

use noctis_shared::header_json::push_name;
use serde_json::{Value, json};

/// The elements of a data set, each as the text of its object.
///
/// What has no value is written as its VR alone (F.2.5): `Value` is not an empty list, and an attribute that an answer must
/// have is never left out.
#[derive(Debug, Default)]
pub(super) struct DataSet(BTreeMap<u32, String>);

impl DataSet {
    /// An element as it stands in a header.
    pub(super) fn put(&mut self, tag: u32, json: &str) {
        self.0.insert(tag, json.to_owned());
    }

    /// An element that must be there, without a value, unless it is there.
    pub(super) fn put_absent(&mut self, tag: u32, vr: &str) {
        self.0.entry(tag).or_insert_with(|| json!({"vr": vr}).to_string());
    }

    /// Text of one value.
    pub(super) fn text(&mut self, tag: u32, vr: &str, value: Option<&str>) {
        self.values(tag, vr, value.into_iter());
    }

    /// Text of some values.
    pub(super) fn values<'a>(&mut self, tag: u32, vr: &str, values: impl Iterator<Item = &'a str>) {
        self.insert(tag, vr, values.filter(|value| !value.is_empty()).map(Value::from).collect());
    }

    /// A number, of which no VR here has more than 32 bits.
    pub(super) fn number(&mut self, tag: u32, vr: &str, value: Option<impl Into<i64>>) {
        self.insert(tag, vr, value.map(|value| Value::from(value.into())).into_iter().collect());
    }

    /// A name, component group by component group (F.2.2).
    pub(super) fn name(&mut self, tag: u32, value: Option<&str>) {
        let groups = |name: &str| {
            let named = ["Alphabetic", "Ideographic", "Phonetic"].into_iter().zip(name.split('='));
            let named = named.filter(|(_, group)| !group.is_empty());
            Value::Object(named.map(|(group, text)| (group.to_owned(), text.into())).collect())
        };
        self.insert(tag, "PN", value.filter(|name| !name.is_empty()).map(groups).into_iter().collect());
    }

    /// An ISO 8601 date or time, without what stands between its digits (PS3.5 6.2).
    pub(super) fn moment(&mut self, tag: u32, vr: &str, value: Option<&str>) {
        let digits: Option<String> = value.map(|value| value.replace(['-', ':'], ""));
        self.text(tag, vr, digits.as_deref());
    }

    /// Where something lies.
    pub(super) fn bulk(&mut self, tag: u32, vr: &str, address: &str) {
        self.0.insert(tag, json!({"vr": vr, "BulkDataURI": address}).to_string());
    }

    fn insert(&mut self, tag: u32, vr: &str, values: Vec<Value>) {
        let element = if values.is_empty() { json!({"vr": vr}) } else { json!({"vr": vr, "Value": values}) };
        self.0.insert(tag, element.to_string());
    }

    /// Its elements, by tag.
    pub(super) fn elements(&self) -> Vec<(u32, &str)> {
        self.0.iter().map(|(tag, json)| (*tag, &**json)).collect()
    }

    pub(super) fn write(&self, out: &mut String) {
        out.push('{');
        for (place, (tag, json)) in self.0.iter().enumerate() {
            if place > 0 {
                out.push(',');
            }
            push_name(out, *tag);
            out.push_str(json);
        }
        out.push('}');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_written_as_the_annex_has_them() {
        let mut row = DataSet::default();
        row.number(0x0020_0011, "IS", Some(7));
        row.name(0x0010_0010, Some("Yamada^Tarou=山田^太郎=やまだ^たろう"));
        row.name(0x0008_0090, None);
        row.moment(0x0008_0020, "DA", Some("2026-11-23"));
        row.moment(0x0008_0030, "TM", Some("12:30:05.5"));
        row.values(0x0008_0061, "CS", ["CT", "", "SR"].into_iter());
        row.text(0x0008_1030, "LO", Some("\"q\\\n"));
        row.put(0x0020_0010, r#"{"vr":"SH"}"#);
        let mut text = String::new();
        row.write(&mut text);
        let parsed: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(
            parsed,
            json!({
                "00080020": {"vr": "DA", "Value": ["20261123"]},
                "00080030": {"vr": "TM", "Value": ["123005.5"]},
                "00080061": {"vr": "CS", "Value": ["CT", "SR"]},
                "00080090": {"vr": "PN"},
                "00081030": {"vr": "LO", "Value": ["\"q\\\n"]},
                "00100010": {"vr": "PN", "Value": [
                    {"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎", "Phonetic": "やまだ^たろう"}
                ]},
                "00200010": {"vr": "SH"},
                "00200011": {"vr": "IS", "Value": [7]},
            })
        );
        assert!(text.starts_with("{\"00080020\":") && text.contains(",\"00200011\":"), "{text}");
    }
}
