//! How files are called that we put into the storage ourselves: `STUDY/SERIES/INSTANCE-DIGEST.dcm`.
//!
//! The name is how a file of ours is told from one that a pipeline put beside it: nobody else names a file by the digest
//! of its bytes. What must not be here: where the storage is.

use uuid::Uuid;

use crate::{dicom_uid::public_id, own_id, render_key::ContentDigest};

/// What a stored file is named by.
#[derive(Debug, Clone, Copy)]
pub struct Stored<'a> {
    /// Study Instance UID.
    pub study_instance_uid: &'a str,
    /// Series Instance UID.
    pub series_instance_uid: &'a str,
    /// SOP Instance UID.
    pub sop_instance_uid: &'a str,
    /// Digest of its bytes.
    pub content_digest: &'a ContentDigest,
}

impl Stored<'_> {
    /// Its name in the storage. It holds the digest, so that a replacement never overwrites bytes that renders in hand
    /// still read.
    #[must_use]
    pub fn name(&self) -> String {
        let digest = self.content_digest.to_string();
        let [study, series, instance] =
            [self.study_instance_uid, self.series_instance_uid, self.sop_instance_uid].map(segment);
        format!("{study}/{series}/{instance}-{}.dcm", &digest[..16])
    }
}

/// The own id that the end of a location tells, as [`Stored::name`] makes them: `None` for what is not named so. Of UIDs that a
/// path cannot hold it is the id of nothing.
#[must_use]
pub fn named_in(location: &str) -> Option<Uuid> {
    let mut segments = location.rsplit('/');
    let (file, series, study) = (segments.next()?, segments.next()?, segments.next()?);
    let (instance, digest) = file.strip_suffix(".dcm")?.rsplit_once('-')?;
    let is_digest =
        digest.len() == 16 && digest.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'));
    (is_digest && !instance.is_empty()).then(|| own_id::of_image(study, series, instance))
}

/// The part of a path that stands for a UID: itself, or its public id where a path cannot hold it.
#[must_use]
pub fn segment(uid: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if uid.chars().all(plain) && !uid.starts_with('.') { uid.to_owned() } else { public_id(uid).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_whose_file_it_is_and_other_names_tell_nothing() {
        let digest = ContentDigest([0xAB; 32]);
        let stored = Stored {
            study_instance_uid: "1.2",
            series_instance_uid: "1.3",
            sop_instance_uid: "1.4-5",
            content_digest: &digest,
        };
        let location = format!("s3://bucket/store/{}", stored.name());
        assert_eq!(named_in(&location), Some(own_id::of_image("1.2", "1.3", "1.4-5")));
        for other in [
            "file:///a/1.2/1.3/1.4.dcm",
            "1.4-0123456789abcdef.dcm",
            "/a/b/1.4-0123456789ABCDEF.dcm",
            "/a/b/-0123456789abcdef.dcm",
            "",
        ] {
            assert_eq!(named_in(other), None, "{other}");
        }
    }

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
