//! Positions in a series: pictures in display order, counted from 1, each frame of an image one.

use std::ops::RangeInclusive;

use uuid::Uuid;

use crate::visible::Listed;

/// One picture of a series: a frame of an image, by the id under which it is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) image_id: Uuid,
    pub(crate) frame_number: u32,
}

/// The pictures of a series, found by position: an image may say that it has a million.
pub(crate) struct Places {
    images: Vec<Listed>,
    /// Pictures before each image.
    before: Vec<usize>,
    total: usize,
}

impl Places {
    pub(crate) fn of(images: Vec<Listed>) -> Self {
        let mut total = 0_usize;
        let before = images.iter().map(|image| {
            let before = total;
            total = total.saturating_add(image.frame_count as usize);
            before
        });
        Self { before: before.collect(), images, total }
    }

    pub(crate) fn total(&self) -> usize {
        self.total
    }

    /// The picture at a position from 1.
    fn at(&self, position: usize) -> Option<Place> {
        let index = position.checked_sub(1).filter(|index| *index < self.total)?;
        // The last image that begins there or before; those without pictures begin where the next one does.
        let nth = self.before.partition_point(|before| *before <= index) - 1;
        let frame_number = u32::try_from(index - self.before[nth] + 1).ok()?;
        Some(Place { image_id: self.images[nth].image_id, frame_number })
    }

    /// The pictures at these positions, in order.
    pub(crate) fn between(&self, positions: RangeInclusive<usize>) -> impl Iterator<Item = Place> {
        positions.map_while(|position| self.at(position))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_every_frame_and_nothing_that_has_none() {
        let listed =
            |(number, frame_count)| Listed { image_id: Uuid::from_u128(number), frame_count, pixels: 1 };
        let places = Places::of([(1, 0), (2, 2), (3, 0), (4, 1), (5, u32::MAX), (6, 0)].map(listed).to_vec());
        let place = |number, frame_number| Place { image_id: Uuid::from_u128(number), frame_number };
        let all: Vec<Place> = places.between(1..=5).collect();
        assert_eq!(all, [place(2, 1), place(2, 2), place(4, 1), place(5, 1), place(5, 2)]);
        assert_eq!(places.total(), 3 + u32::MAX as usize);
        assert_eq!(places.between(0..=3).count(), 0);
        assert_eq!(
            places.between(places.total()..=places.total() + 5).collect::<Vec<_>>(),
            [place(5, u32::MAX)]
        );
        assert_eq!(Places::of(Vec::new()).between(1..=1).count(), 0);
    }
}
