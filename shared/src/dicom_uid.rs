//! Ids of the HTTP edge, made from DICOM UIDs.

use uuid::Uuid;

/// Longest UID the standard allows, in characters (PS3.5 9.1).
pub const UID_CHARS_MAX: usize = 64;

/// The public id of a study, series or instance: UUID version 5 of its DICOM UID in the OID namespace
/// (RFC 9562 6.5), so that the same study has the same id in every deployment.
#[must_use]
pub fn public_id(uid: &str) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, uid.as_bytes())
}

/// Whether `text` has the characters and the length of a DICOM UID (PS3.5 9.1), components unchecked:
/// files in the field have leading zeros and worse.
#[must_use]
pub fn looks_like_uid(text: &str) -> bool {
    !text.is_empty() && text.len() <= UID_CHARS_MAX && text.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

/// The public id that a path segment names: itself when it is a UUID, else the id of the UID it is.
/// `None` when it is neither.
#[must_use]
pub fn parse_public_id(text: &str) -> Option<Uuid> {
    if looks_like_uid(text) {
        return Some(public_id(text));
    }
    Uuid::try_parse(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value that Python's `uuid.uuid5(uuid.NAMESPACE_OID, "1.2.840.10008.1.2")` gives.
    #[test]
    fn a_uid_has_the_same_id_everywhere() {
        assert_eq!(public_id("1.2.840.10008.1.2").to_string(), "64ca5fab-2f25-596a-8caf-29abb01066a0");
    }

    #[test]
    fn a_path_segment_names_a_uid_or_an_id_and_nothing_else() {
        let id = public_id("1.2.3");
        assert_eq!(parse_public_id("1.2.3"), Some(id));
        assert_eq!(parse_public_id(&id.to_string()), Some(id));
        assert_eq!(parse_public_id("study-1"), None);
        assert_eq!(parse_public_id(&"1".repeat(65)), None);
    }
}
