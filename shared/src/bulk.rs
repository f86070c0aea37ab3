//! Values that the catalog does not keep, and where they lie (PS3.18 F.2.6): in a header as DICOM JSON each has its place,
//! relative to the instance, which whoever tells of it writes out. What must not be here: how they are read, and sent.

use serde::{Deserialize, Serialize};

/// The member of an element that holds its place.
pub const MEMBER: &str = "BulkDataURI";
/// What stands before a place in the text of a header. In a string it never does: quotes have a backslash there.
const BEFORE_PLACE: &str = "\"BulkDataURI\":\"";

/// A long binary value of a header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkValue {
    /// Its tag, behind those of the sequences that it lies in, each with the number of the item from 1:
    /// `00480200/1/00282000`.
    pub path: String,
    /// Offset of its first byte from the start of the (inflated) file.
    pub offset: u64,
    /// Length in bytes.
    pub byte_count: u64,
    /// XXH3-64 of these bytes when the file was indexed.
    pub checksum: u64,
    /// How many bytes stand in reverse together: 2, 4 or 8 in a big-endian data set, else 1.
    pub swapped_bytes: u8,
}

/// The place of the value at `path`, relative to its instance.
#[must_use]
pub fn address(path: &str) -> String {
    format!("bulkdata/{path}")
}

/// Writes a header, or an element of one, with the places in it below `instance`, the address of what they are of.
pub fn push_located(json: &str, instance: &str, out: &mut String) {
    let mut rest = json;
    while let Some(at) = rest.find(BEFORE_PLACE) {
        let (before, place) = rest.split_at(at + BEFORE_PLACE.len());
        out.push_str(before);
        out.push_str(instance);
        out.push('/');
        rest = place;
    }
    out.push_str(rest);
}

/// Whether values of this header, or of this element of one, are not kept.
#[must_use]
pub fn is_in(json: &str) -> bool {
    json.contains(BEFORE_PLACE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_written_below_their_instance_and_text_that_looks_like_one_is_not() {
        let lookalike =
            serde_json::json!({"vr": "LT", "Value": ["\"BulkDataURI\":\"bulkdata/1\""]}).to_string();
        assert!(!is_in(&lookalike));
        let json = format!(
            r#"{{"00204000":{lookalike},"00420011":{{"vr":"OB","BulkDataURI":"{}"}},"00480105":{{"vr":"SQ","Value":[{{"00282000":{{"vr":"OB","BulkDataURI":"{}"}}}}]}}}}"#,
            address("00420011"),
            address("00480105/1/00282000")
        );
        assert!(is_in(&json));
        let mut out = String::new();
        push_located(&json, "http://h/instances/1", &mut out);
        let told: serde_json::Value = serde_json::from_str(&out).expect("JSON");
        assert_eq!(told["00420011"]["BulkDataURI"], "http://h/instances/1/bulkdata/00420011");
        let nested = &told["00480105"]["Value"][0]["00282000"]["BulkDataURI"];
        assert_eq!(nested, "http://h/instances/1/bulkdata/00480105/1/00282000");
        assert_eq!(told["00204000"]["Value"][0], "\"BulkDataURI\":\"bulkdata/1\"");
    }
}
