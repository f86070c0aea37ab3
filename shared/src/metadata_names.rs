//! Names of the answers about studies that the cache keeps. The API puts them; the index forgets them when it
//! changes what they tell of.

use uuid::Uuid;

/// One study.
#[must_use]
pub fn study(study_id: Uuid) -> String {
    format!("of-study:{study_id}")
}

/// The series of a study.
#[must_use]
pub fn series_of_study(study_id: Uuid) -> String {
    format!("of-study:{study_id}:series")
}

/// The images of a series.
#[must_use]
pub fn images_of_series(series_id: Uuid) -> String {
    format!("of-series:{series_id}:images")
}

/// Which pictures a series has, in display order.
#[must_use]
pub fn pictures_of_series(series_id: Uuid) -> String {
    format!("of-series:{series_id}:pictures")
}

/// The headers of a series, for DICOMweb.
#[must_use]
pub fn headers_of_series(series_id: Uuid) -> String {
    format!("of-series:{series_id}:headers")
}

/// What a render of an image takes, and what its answer tells.
#[must_use]
pub fn image(image_id: Uuid) -> String {
    format!("image:{image_id}")
}

/// Every name that tells of a study whose series and images are these.
#[must_use]
pub fn all_of_study(study_id: Uuid, series_ids: &[Uuid], image_ids: &[Uuid]) -> Vec<String> {
    let of_study = [study(study_id), series_of_study(study_id)].into_iter();
    let of_series = series_ids.iter().copied().flat_map(all_of_series);
    of_study.chain(of_series).chain(image_ids.iter().copied().map(image)).collect()
}

/// Every name that tells of a series.
pub fn all_of_series(series_id: Uuid) -> impl Iterator<Item = String> {
    [images_of_series(series_id), pictures_of_series(series_id), headers_of_series(series_id)].into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_study_with_its_series_and_images_has_every_name_once() {
        let id = |n| Uuid::from_u128(n);
        let names = all_of_study(id(1), &[id(2), id(3)], &[id(4)]);
        let distinct: std::collections::HashSet<_> = names.iter().collect();
        assert_eq!((names.len(), distinct.len()), (9, 9));
        assert!(names.contains(&headers_of_series(id(3))) && names.contains(&images_of_series(id(3))));
        assert!(names.contains(&pictures_of_series(id(2))));
        assert!(names.contains(&study(id(1))) && names.contains(&image(id(4))));
    }
}
