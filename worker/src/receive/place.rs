//! Where in the storage a received file lies: `STUDY/SERIES/INSTANCE-DIGEST.dcm`.

use noctis_shared::{catalog::NewInstance, dicom_uid::public_id};

/// The place of an instance. It holds the digest, so that a replacement never overwrites bytes that renders in hand
/// still read.
pub(super) fn of(instance: &NewInstance) -> String {
    let NewInstance { study_instance_uid, series_instance_uid, sop_instance_uid, content_digest, .. } =
        instance;
    let digest = content_digest.to_string();
    let [study, series, instance] =
        [study_instance_uid, series_instance_uid, sop_instance_uid].map(|uid| segment(uid));
    format!("{study}/{series}/{instance}-{}.dcm", &digest[..16])
}

/// The part of a place that stands for a UID: itself, or its public id where a path cannot hold it.
fn segment(uid: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if uid.chars().all(plain) && !uid.starts_with('.') { uid.to_owned() } else { public_id(uid).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uid_that_a_path_cannot_hold_is_stored_under_its_id() {
        for plain in ["1.2.3", "Site-A_7", "0123456789abcdef"] {
            assert_eq!(segment(plain), plain);
        }
        for odd in ["..", ".", "a/b", "../x", "a b", "é", "%2e"] {
            assert_eq!(segment(odd), public_id(odd).to_string());
        }
    }
}
