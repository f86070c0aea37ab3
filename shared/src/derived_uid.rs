//! UIDs for what has none: a picture that lies in a folder without Study, Series or SOP Instance UID is shown under
//! ones made from its bytes. The same bytes have the same UIDs everywhere, and a UID can be told to be one of them.

use uuid::Uuid;

use crate::render_key::ContentDigest;

/// Arc of the UIDs that are made from a UUID (PS3.5 B.2).
const UUID_ARC: &str = "2.25.";

/// What a UID names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Study Instance UID (0020,000D).
    Study,
    /// Series Instance UID (0020,000E).
    Series,
    /// SOP Instance UID (0008,0018).
    Instance,
}

/// The UID at `level` of a file with this digest that has none: `2.25.` and a UUID of version 5 as a number.
#[must_use]
pub fn derived_uid(level: Level, digest: &ContentDigest) -> String {
    let level = match level {
        Level::Study => "study",
        Level::Series => "series",
        Level::Instance => "instance",
    };
    let uuid = Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{level} of {digest}").as_bytes());
    format!("{UUID_ARC}{}", uuid.as_u128())
}

/// Whether `uid` is what [`derived_uid`] makes.
#[must_use]
pub fn is_derived(uid: &str, level: Level, digest: &ContentDigest) -> bool {
    uid.starts_with(UUID_ARC) && uid == derived_uid(level, digest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dicom_uid::{UID_CHARS_MAX, looks_like_uid};

    #[test]
    fn the_uids_of_a_file_are_its_own_and_differ_by_level() {
        let levels = [Level::Study, Level::Series, Level::Instance];
        let uids: Vec<String> = [[1; 32], [2; 32]]
            .iter()
            .flat_map(|digest| levels.map(|level| derived_uid(level, &ContentDigest(*digest))))
            .collect();
        let distinct: std::collections::HashSet<&String> = uids.iter().collect();
        assert_eq!(distinct.len(), 6);
        assert!(uids.iter().all(|uid| looks_like_uid(uid) && uid.len() <= UID_CHARS_MAX));
        for (uid, level) in uids.iter().zip(levels) {
            assert!(is_derived(uid, level, &ContentDigest([1; 32])));
            assert!(!is_derived(uid, level, &ContentDigest([2; 32])));
        }
    }

    /// Links to such pictures must stay right: `uuid.uuid5(uuid.NAMESPACE_OID, f"study of {'00' * 32}").int` of Python.
    #[test]
    fn a_derived_uid_is_the_same_in_every_version() {
        assert_eq!(
            derived_uid(Level::Study, &ContentDigest([0; 32])),
            "2.25.152449559653591725510334989870309108523"
        );
    }
}
