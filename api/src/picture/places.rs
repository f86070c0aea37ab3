//! Positions in a series: pictures in display order, counted from 1, each frame of an image one.

use uuid::Uuid;

use crate::visible::Listed;

/// One picture of a series: a frame of an image, by the id under which it is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) image_id: Uuid,
    pub(crate) frame_number: u32,
}

/// Every picture of these images, in their order.
pub(crate) fn places(images: &[Listed]) -> Vec<Place> {
    let of_image = |image: &Listed| {
        let image_id = image.image_id;
        (1..=image.frame_count).map(move |frame_number| Place { image_id, frame_number })
    };
    images.iter().flat_map(of_image).collect()
}
