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

/// Whether `text` can be what a file names itself by: up to 64 printable characters without space around them. The
/// standard has digits and dots alone (PS3.5 9.1); files in the field have leading zeros, letters, slashes and worse, and
/// are taken by what they say. No backslash, which separates values, and nothing that stands for bytes without a meaning.
#[must_use]
pub fn looks_like_uid(text: &str) -> bool {
    let printable =
        |c: char| !c.is_control() && !is_invisible(c) && c != '\\' && c != char::REPLACEMENT_CHARACTER;
    !text.is_empty()
        && text.chars().count() <= UID_CHARS_MAX
        && text.chars().all(printable)
        && text.trim() == text
}

/// Characters of no width, marks of direction, separators of lines: two UIDs that look the same must be the same.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}')
        || matches!(c, '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}')
}

/// The public id that a path segment names: itself when it has the form of one, else the id of the UID it is.
/// `None` when it is neither.
///
/// Public ids are UUIDs of version 5 in groups of digits; a UID may be a UUID of another kind, or hexadecimal digits.
#[must_use]
pub fn parse_public_id(text: &str) -> Option<Uuid> {
    let uuid = Uuid::try_parse(text).ok().filter(|uuid| uuid.get_version_num() == 5);
    let in_groups = text.len() == uuid::fmt::Hyphenated::LENGTH;
    uuid.filter(|_| in_groups).or_else(|| looks_like_uid(text).then(|| public_id(text)))
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
        assert_eq!(parse_public_id(&id.to_string().to_uppercase()), Some(id));
        for neither in ["", " ", "1.2.3 ", "1.2\\1.3", "a\nb", "a\u{FFFD}", &"1".repeat(65), &"é".repeat(65)]
        {
            assert_eq!(parse_public_id(neither), None, "{neither:?}");
        }
    }

    /// Malformed but unambiguous.
    #[test]
    fn what_a_file_names_itself_by_is_taken_as_it_is() {
        let hexadecimal = "0123456789abcdef".repeat(4);
        let md5 = &hexadecimal[..32];
        let version_4 = "f47ac10b-58cc-4372-a567-0e02b2c3d479";
        for uid in
            [&*hexadecimal, md5, version_4, "1.2.840.Site-A_7/scan.1", "scan 1", "é", "..", &"é".repeat(64)]
        {
            assert_eq!(parse_public_id(uid), Some(public_id(uid)), "{uid}");
        }
    }
}
