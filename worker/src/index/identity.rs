//! Which study, series and instance a file says it is of, and what happens where it does not say.

use dicom_core::Tag;
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use noctis_shared::{
    derived_uid::{Level, derived_uid},
    dicom_uid::{UID_CHARS_MAX, looks_like_uid},
    render_key::ContentDigest,
};

use super::{dicom_text::text, rejected::Rejected};

/// What becomes of a picture without Study, Series or SOP Instance UID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MissingUids {
    /// It is rejected: what is stored or sent on has to be found again by others.
    Refuse,
    /// It is shown under UIDs made from its bytes: a folder that is looked at where it lies.
    Derive,
}

/// The UIDs of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) study_instance_uid: String,
    pub(super) series_instance_uid: String,
    pub(super) sop_instance_uid: String,
}

impl Identity {
    /// # Errors
    /// [`Rejected`] for a UID that is missing, too long, or none at all.
    pub(super) fn of(
        dataset: &InMemDicomObject,
        missing: MissingUids,
        digest: &ContentDigest,
    ) -> Result<Self, Rejected> {
        let uid_at = |level: Level, tag: Tag, name: &'static str| match (uid(dataset, tag, name), missing) {
            (Err(Rejected::WithoutUid(_)), MissingUids::Derive) => Ok(derived_uid(level, digest)),
            (stated, _) => stated,
        };
        Ok(Self {
            study_instance_uid: uid_at(Level::Study, tags::STUDY_INSTANCE_UID, "Study Instance UID")?,
            series_instance_uid: uid_at(Level::Series, tags::SERIES_INSTANCE_UID, "Series Instance UID")?,
            sop_instance_uid: uid_at(Level::Instance, tags::SOP_INSTANCE_UID, "SOP Instance UID")?,
        })
    }
}

/// A UID as it is written, however little it looks like one, as long as it can be no other.
///
/// # Errors
/// [`Rejected`], with `name` of the attribute.
pub(super) fn uid(dataset: &InMemDicomObject, tag: Tag, name: &'static str) -> Result<String, Rejected> {
    let uid = text(dataset, tag).ok_or(Rejected::WithoutUid(name))?;
    let length = uid.chars().count();
    if length > UID_CHARS_MAX {
        return Err(Rejected::UidTooLong { name, length });
    }
    if looks_like_uid(&uid) { Ok(uid) } else { Err(Rejected::NoUid(name)) }
}

#[cfg(test)]
mod tests {
    use dicom_core::{PrimitiveValue, VR};
    use dicom_object::mem::InMemElement;

    use super::*;

    const DIGEST: ContentDigest = ContentDigest([7; 32]);

    fn dataset(uids: [Option<&str>; 3]) -> InMemDicomObject {
        let tags = [tags::STUDY_INSTANCE_UID, tags::SERIES_INSTANCE_UID, tags::SOP_INSTANCE_UID];
        let elements = tags.into_iter().zip(uids).filter_map(|(tag, uid)| Some((tag, uid?)));
        let element = |(tag, uid)| InMemElement::new(tag, VR::UI, PrimitiveValue::from(uid));
        InMemDicomObject::from_element_iter(elements.map(element))
    }

    #[test]
    fn what_is_stated_is_taken_as_it_is() {
        let hexadecimal = "0123456789abcdef".repeat(4);
        let stated = ["1.2.3", &*hexadecimal, "1.2.840.Site-A_7/scan.1"];
        for missing in [MissingUids::Refuse, MissingUids::Derive] {
            let identity = Identity::of(&dataset(stated.map(Some)), missing, &DIGEST).expect("three UIDs");
            let Identity { study_instance_uid, series_instance_uid, sop_instance_uid } = identity;
            assert_eq!([study_instance_uid, series_instance_uid, sop_instance_uid], stated);
        }
    }

    #[test]
    fn what_is_missing_is_refused_by_name_or_derived_alone() {
        let cases = [
            ([None, Some("1.2"), Some("1.3")], "Study Instance UID is missing"),
            ([Some("1.1"), Some("  "), Some("1.3")], "Series Instance UID is missing"),
            ([Some("1.1"), Some("1.2"), None], "SOP Instance UID is missing"),
        ];
        for (place, (uids, reason)) in cases.into_iter().enumerate() {
            let refused = Identity::of(&dataset(uids), MissingUids::Refuse, &DIGEST).expect_err(reason);
            assert_eq!(refused.to_string(), reason);
            let shown = Identity::of(&dataset(uids), MissingUids::Derive, &DIGEST).expect("derived");
            let shown = [shown.study_instance_uid, shown.series_instance_uid, shown.sop_instance_uid];
            for (other, (shown, level)) in
                shown.iter().zip([Level::Study, Level::Series, Level::Instance]).enumerate()
            {
                let expected =
                    if other == place { derived_uid(level, &DIGEST) } else { format!("1.{}", other + 1) };
                assert_eq!(*shown, expected, "{reason}");
            }
        }
    }

    #[test]
    fn what_can_be_no_uid_is_refused_in_words_that_say_so() {
        let cases = [
            ("3".repeat(70), "SOP Instance UID is too long: it has 70 characters, a UID has 64 at most"),
            (
                "1.2\\1.3".to_owned(),
                "SOP Instance UID is no UID: it has several values, or characters without a meaning",
            ),
            (
                "1\u{1}2".to_owned(),
                "SOP Instance UID is no UID: it has several values, or characters without a meaning",
            ),
        ];
        for (uid, reason) in cases {
            for missing in [MissingUids::Refuse, MissingUids::Derive] {
                let dataset = dataset([Some("1.1"), Some("1.2"), Some(&uid)]);
                assert_eq!(Identity::of(&dataset, missing, &DIGEST).expect_err(reason).to_string(), reason);
            }
        }
    }
}
