//! Ids that name one series or instance alone, where its UID names several: copies and bad anonymizers give one
//! Series or SOP Instance UID to files of several studies.
//!
//! An own id is made of what the thing belongs to, level by level, so it is the same in every deployment and does not
//! depend on which file came first. `docs/decisions/one-uid-in-two-studies.md` has the reasons.

use uuid::Uuid;

use crate::dicom_uid::public_id;

/// UUID version 5 of the Series Instance UID in the namespace of its study's public id.
#[must_use]
pub fn of_series(study_instance_uid: &str, series_instance_uid: &str) -> Uuid {
    Uuid::new_v5(&public_id(study_instance_uid), series_instance_uid.as_bytes())
}

/// UUID version 5 of the SOP Instance UID in the namespace of its series' own id.
#[must_use]
pub fn of_image(study_instance_uid: &str, series_instance_uid: &str, sop_instance_uid: &str) -> Uuid {
    Uuid::new_v5(&of_series(study_instance_uid, series_instance_uid), sop_instance_uid.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Python gives: `uuid5(uuid5(uuid5(NAMESPACE_OID, "1.2.3"), "1.2.3.4"), "1.2.3.4.5")`.
    #[test]
    fn an_own_id_is_the_same_everywhere() {
        assert_eq!(of_series("1.2.3", "1.2.3.4").to_string(), "83b442b3-607a-5c14-b38f-4a91bd70003e");
        assert_eq!(
            of_image("1.2.3", "1.2.3.4", "1.2.3.4.5").to_string(),
            "53f8b013-14a3-5f9a-baee-b56efe6e50fc"
        );
    }

    #[test]
    fn one_uid_has_an_own_id_in_each_study_and_series() {
        assert_ne!(of_series("1.2.3", "1.9"), of_series("1.2.4", "1.9"));
        assert_ne!(of_image("1.2.3", "1.9", "1.9.1"), of_image("1.2.4", "1.9", "1.9.1"));
        assert_ne!(of_image("1.2.3", "1.9", "1.9.1"), of_image("1.2.3", "1.8", "1.9.1"));
    }
}
