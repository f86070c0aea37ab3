//! What stands between the parts of a body (RFC 2046 5.1.1): the same each time, so that parts of two answers fit together.

/// The boundary of the body that `validator` is of, in which the digests of all that is sent are. A file that has its own boundary in
/// it would have to be made from its own digest.
pub(super) fn of(validator: &[u8]) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("noctis dicom-web boundary");
    hasher.update(validator).finalize().to_hex()[..32].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boundary_is_that_of_its_body_each_time() {
        assert_eq!(of(b"a"), of(b"a"));
        assert_ne!(of(b"a"), of(b"b"));
        assert_eq!(of(b"").len(), 32);
    }
}
