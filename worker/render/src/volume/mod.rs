//! The volume that frames of a series make together, as far as one plane through it needs: where slices lie is told by the
//! caller, what they hold is read here.
//!
//! A place is `[x, y, z]`: columns and rows counted from the middle of the first pixel of the first slice, and millimetres from that
//! slice along the normal of all. [`ray`] walks through it; [`crate::compose_plane`] makes a picture of what it finds.
//!
//! What must not be here: how a file says where it lies, and whether slices make a volume.

mod ray;

pub(crate) use self::ray::Point;

use crate::decode::DecodedFrame;
use crate::file::frame_view::FrameView;
use crate::request::SIDE_PIXELS_MAX;
use crate::samples::{Samples, each_type};
use crate::stages::label::is_label_map;
use crate::stages::modality::Modality;
use crate::stages::padding::Padding;
use crate::stages::palette;
use crate::{Header, RenderError};

/// Points to each side of a pixel of a picture, at most.
const POINTS_MAX: u8 = 4;
/// Samples that are held of all slices together: 1 GiB. A plane that goes along the axes of a volume needs few of them.
const HELD_SAMPLES_MAX: u64 = 1 << 28;
/// Places at which values are taken for one picture: some ten seconds, of the thirty that a render has.
const PLACES_MAX: u64 = 3 << 26;

/// A plane, or a slab around one, and the picture of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Plane {
    /// From where to where along the normal there is a volume: half a distance beyond its outermost slices.
    pub along: [f64; 2],
    /// Rows of the picture.
    pub rows: u32,
    /// Columns of the picture.
    pub columns: u32,
    /// The upper left corner of the picture.
    pub corner: [f64; 3],
    /// From one column of the picture to the next.
    pub to_right: [f64; 3],
    /// From one row of the picture to the next.
    pub to_below: [f64; 3],
    /// From the front of the slab to its back, the plane in its middle; zeros without a slab.
    pub through: [f64; 3],
    /// What is shown of the values through the slab.
    pub projection: Projection,
    /// Points to each side of a pixel, whose values are averaged.
    pub points: u8,
}

/// What is shown of the values through a slab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Projection {
    /// Their mean.
    Mean,
    /// The highest.
    Maximum,
    /// The lowest.
    Minimum,
}

/// Where a slice lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SlicePlace {
    /// Along the normal.
    pub along: f64,
    /// Columns and rows by which it lies beside the first slice.
    pub moved: [f64; 2],
}

/// The slices that a plane touches.
#[derive(Debug)]
pub struct Volume {
    pub(crate) plane: Plane,
    places: Vec<SlicePlace>,
    slices: Vec<Slice>,
    held_samples: u64,
}

/// What a plane needs of a slice, as modality values; padding, and what is not finite, is not a number.
#[derive(Debug)]
struct Slice {
    place: SlicePlace,
    /// Rows and columns of the whole slice.
    size: (u32, u32),
    held: Rectangle,
    values: Vec<f32>,
}

/// Whole pixels of a slice, ends not included.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Rectangle {
    left: usize,
    top: usize,
    right: usize,
    bottom: usize,
}

impl Volume {
    /// Of slices that lie in `places`, which follow each other along the normal. They are [put](Self::put) in afterwards.
    ///
    /// # Errors
    /// [`RenderError::InvalidRequest`] for a plane that is none or takes too long, and for places without an order.
    pub fn new(plane: Plane, places: Vec<SlicePlace>) -> Result<Self, RenderError> {
        let refused = |reason: &'static str| Err(RenderError::invalid_request("plane", reason));
        let numbers = [plane.corner, plane.to_right, plane.to_below, plane.through];
        if !numbers.as_flattened().iter().chain(&plane.along).all(|number| number.is_finite()) {
            return refused("takes finite numbers");
        }
        let sides = 1..=SIDE_PIXELS_MAX;
        if !sides.contains(&plane.rows) || !sides.contains(&plane.columns) {
            return refused("has no picture of this size");
        }
        if !(1..=POINTS_MAX).contains(&plane.points) {
            return refused("takes 1 to 4 points to each side of a pixel");
        }
        if plane.along[0] >= plane.along[1] {
            return refused("takes a volume of some length");
        }
        let is_finite =
            |place: &SlicePlace| place.moved.iter().chain([&place.along]).all(|number| number.is_finite());
        if !places.iter().all(is_finite) || !places.is_sorted_by(|one, next| one.along < next.along) {
            return refused("takes slices that follow each other");
        }
        if ray::place_count(&plane, &places) > PLACES_MAX {
            return refused("takes too long: ask for a thinner slab, or for a smaller picture");
        }
        Ok(Self { plane, places, slices: Vec::new(), held_samples: 0 })
    }

    /// Takes the slice of the next place.
    ///
    /// # Errors
    /// [`RenderError::InvalidRequest`] for one more than there are places, one that is not as large as the first, or not grey, and for a
    /// plane that takes too much of the volume; [`RenderError::Unsupported`] for labels and indices of a palette; [`RenderError::NoPixelData`].
    pub fn put(&mut self, header: &Header, frame: &DecodedFrame) -> Result<(), RenderError> {
        let refused = |reason: &'static str| Err(RenderError::invalid_request("slices", reason));
        let format = header.declared_format().ok_or(RenderError::NoPixelData)?;
        if !frame.is_of(format) || frame.reduction > 0 {
            return refused("are whole frames of their files");
        }
        let view = FrameView::new(header.view(), frame.frame_number);
        if !frame.photometric.is_monochrome() {
            return refused("are grey");
        }
        // Between two labels, and between two indices of a palette, is a third thing.
        if is_label_map(view.top()) || palette::supplemental(view.top(), frame.samples.sign()).is_some() {
            return Err(RenderError::unsupported(
                "planes through labels, and through the indices of a palette",
            ));
        }
        let size = (frame.rows, frame.columns);
        if self.slices.first().is_some_and(|first| first.size != size) {
            return refused("have one size");
        }
        let nth = self.slices.len();
        let Some(place) = self.places.get(nth).copied() else { return refused("are more than their places") };
        let [first, last] = self.plane.along;
        let before = self.slices.last().map_or(first, |before| before.place.along);
        let after = self.places.get(nth + 1).map_or(last, |after| after.along);
        let held = self.plane.touched([before, after], place.moved, size);
        self.held_samples += held.sample_count();
        if self.held_samples > HELD_SAMPLES_MAX {
            return refused("are too large for a plane that goes through all of them");
        }
        let modality = Modality::read(&view, frame.samples.sign());
        let padding = Padding::read(view.top(), format);
        let values = values(&frame.samples, frame.columns as usize, held, &modality, padding.as_ref());
        self.slices.push(Slice { place, size, held, values });
        Ok(())
    }
}

impl Rectangle {
    fn sample_count(self) -> u64 {
        (self.right - self.left) as u64 * (self.bottom - self.top) as u64
    }
}

impl Plane {
    /// The corners of the slab, or of the plane twice.
    fn corners(&self) -> [[f64; 3]; 8] {
        std::array::from_fn(|nth| {
            let right = if nth & 1 == 0 { 0.0 } else { f64::from(self.columns) };
            let below = if nth & 2 == 0 { 0.0 } else { f64::from(self.rows) };
            let through = if nth & 4 == 0 { -0.5 } else { 0.5 };
            std::array::from_fn(|axis| {
                self.corner[axis]
                    + right * self.to_right[axis]
                    + below * self.to_below[axis]
                    + through * self.through[axis]
            })
        })
    }

    /// The samples of a slice between which values may be taken that lie from `first` to `last` along the normal.
    fn touched(&self, [first, last]: [f64; 2], moved: [f64; 2], (rows, columns): (u32, u32)) -> Rectangle {
        let corners = self.corners();
        let is_inside = |point: &[f64; 3]| (first..=last).contains(&point[2]);
        let mut points: Vec<[f64; 3]> = corners.iter().copied().filter(is_inside).collect();
        for (nth, one) in corners.iter().enumerate() {
            // The three edges that lead away from it.
            for other in [1, 2, 4].iter().filter(|bit| nth & **bit == 0).map(|bit| corners[nth | bit]) {
                points.extend([first, last].iter().filter_map(|along| crossing(one, &other, *along)));
            }
        }
        let side = |axis: usize, count: u32| {
            let ends = points.iter().map(|point| point[axis] - moved[axis]);
            let (low, high) = ends
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), end| (low.min(end), high.max(end)));
            // A sample to each side, and one more for what rounding makes of a middle. Casts saturate.
            let most = count as usize;
            let from = (low.floor() - 1.0) as usize;
            let to = if low <= high { (high.floor() + 3.0) as usize } else { 0 };
            (from.min(most), to.clamp(from.min(most), most))
        };
        let ((left, right), (top, bottom)) = (side(0, columns), side(1, rows));
        Rectangle { left, top, right, bottom }
    }
}

/// Where a line comes to a place along the normal.
fn crossing(one: &[f64; 3], other: &[f64; 3], along: f64) -> Option<[f64; 3]> {
    let part = (along - one[2]) / (other[2] - one[2]);
    (0.0..=1.0)
        .contains(&part)
        .then(|| std::array::from_fn(|axis| one[axis] + part * (other[axis] - one[axis])))
}

/// Modality values of a part of a frame; padding is not a number.
#[expect(clippy::unnecessary_cast, reason = "one arm of the macro is already f64")]
fn values(
    samples: &Samples,
    stride: usize,
    Rectangle { left, top, right, bottom }: Rectangle,
    modality: &Modality,
    padding: Option<&Padding>,
) -> Vec<f32> {
    let value = |stored: f64| match padding {
        Some(padding) if padding.contains(stored) => f32::NAN,
        // What is no number of this kind is no value.
        _ => Some(modality.value(stored) as f32).filter(|value| value.is_finite()).unwrap_or(f32::NAN),
    };
    each_type!(samples, all => {
        let rows = all.chunks_exact(stride.max(1)).take(bottom).skip(top);
        rows.flat_map(|row| row[left..right].iter().map(|&stored| value(stored as f64))).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plane() -> Plane {
        Plane {
            along: [-1.0, 21.0],
            rows: 10,
            columns: 8,
            corner: [0.0, 4.0, 20.0],
            to_right: [1.0, 0.0, 0.0],
            to_below: [0.0, 0.0, -2.0],
            through: [0.0; 3],
            projection: Projection::Mean,
            points: 1,
        }
    }

    #[test]
    fn a_plane_across_the_slices_needs_a_few_rows_of_each() {
        let touched = plane().touched([-1.0, 21.0], [0.0, 0.0], (100, 50));
        assert_eq!(touched, Rectangle { left: 0, top: 3, right: 11, bottom: 7 });
        let moved = plane().touched([-1.0, 21.0], [0.0, -20.0], (100, 50));
        assert_eq!(moved, Rectangle { left: 0, top: 23, right: 11, bottom: 27 });
        let slab = Plane { through: [0.0, 6.0, 0.0], ..plane() };
        assert_eq!(slab.touched([-1.0, 21.0], [0.0, 0.0], (100, 50)).bottom, 10);
    }

    #[test]
    fn an_oblique_plane_needs_of_a_slice_what_lies_around_it() {
        let oblique = Plane { to_below: [0.0, 1.0, -2.0], ..plane() };
        let touched = oblique.touched([8.0, 12.0], [0.0, 0.0], (100, 50));
        assert_eq!((touched.top, touched.bottom), (7, 13), "rows 8 to 10 lie between");
        assert_eq!(oblique.touched([30.0, 40.0], [0.0, 0.0], (100, 50)).sample_count(), 0);
    }

    #[test]
    fn what_is_no_plane_is_refused() {
        let refused = [
            Plane { rows: 0, ..plane() },
            Plane { columns: SIDE_PIXELS_MAX + 1, ..plane() },
            Plane { points: 0, ..plane() },
            Plane { points: 5, ..plane() },
            Plane { corner: [f64::NAN, 0.0, 0.0], ..plane() },
            Plane { through: [f64::INFINITY, 0.0, 0.0], ..plane() },
            Plane { along: [1.0, 1.0], ..plane() },
        ];
        for plane in refused {
            let error = Volume::new(plane, Vec::new()).expect_err("no plane");
            assert!(matches!(error, RenderError::InvalidRequest { parameter: "plane", .. }));
        }
        let at = |along: f64| SlicePlace { along, moved: [0.0; 2] };
        for places in [vec![at(2.0), at(1.0)], vec![at(1.0), at(1.0)], vec![at(f64::NAN)]] {
            assert!(Volume::new(plane(), places).is_err());
        }
    }
}
