//! Where a slice lies along the normal of its plane.

use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;

use super::dicom_text::numbers;

/// Image Position (Patient) projected on the normal of Image Orientation (Patient), in mm (PS3.3 C.7.6.2.1.1).
/// `None` without a geometry.
pub(super) fn slice_position(dataset: &InMemDicomObject) -> Option<f64> {
    let position: [f64; 3] = numbers(dataset, tags::IMAGE_POSITION_PATIENT)?;
    let orientation: [f64; 6] = numbers(dataset, tags::IMAGE_ORIENTATION_PATIENT)?;
    along_normal(position, orientation)
}

fn along_normal(position: [f64; 3], orientation: [f64; 6]) -> Option<f64> {
    let [rx, ry, rz, cx, cy, cz] = orientation;
    let normal = [ry * cz - rz * cy, rz * cx - rx * cz, rx * cy - ry * cx];
    let length = normal.iter().map(|component| component * component).sum::<f64>().sqrt();
    // Parallel or zero direction cosines span no plane.
    if length < 1e-6 {
        return None;
    }
    let projected: f64 = position.iter().zip(normal).map(|(p, n)| p * n).sum();
    Some(projected / length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_lies_where_its_normal_says() {
        let axial = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];
        let coronal = [1.0, 0.0, 0.0, 0.0, 0.0, -1.0];
        assert_eq!(along_normal([-180.0, -180.0, 42.5], axial), Some(42.5));
        assert_eq!(along_normal([-180.0, 17.0, 42.5], coronal), Some(17.0));
        assert_eq!(along_normal([1.0, 2.0, 3.0], [0.0; 6]), None);
    }
}
