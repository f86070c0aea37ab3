//! Size and shape: which part of the frame is shown, and how large (PS3.18 8.3.5.1.3, PS3.3 C.7.6.3.1.7).

use dicom_core::Tag;
use dicom_dictionary_std::tags;

use crate::RenderError;
use crate::file::frame_view::FrameView;
use crate::file::parse::view::{Numbers, View};
use crate::request::{Fit, Region, SIDE_PIXELS_MAX};

/// A rectangle of whole pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Crop {
    pub(crate) left: u32,
    pub(crate) top: u32,
    pub(crate) columns: u32,
    pub(crate) rows: u32,
}

/// What to cut out of a frame, and the size of the picture made of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) crop: Crop,
    pub(crate) columns: u32,
    pub(crate) rows: u32,
}

impl Plan {
    /// # Errors
    /// [`RenderError::InvalidRequest`] for a region outside the frame and for sizes of 0 or too large.
    pub(crate) fn new(
        (columns, rows): (u32, u32),
        pixel_shape: f64,
        region: Option<Region>,
        fit: Fit,
    ) -> Result<Self, RenderError> {
        let crop = match region {
            Some(region) => crop_of(region, columns, rows)?,
            None => Crop { left: 0, top: 0, columns, rows },
        };
        let (columns, rows) = fitted(crop.columns, crop.rows, pixel_shape, fit)?;
        Ok(Self { crop, columns, rows })
    }

    pub(crate) fn crops(&self, columns: u32, rows: u32) -> bool {
        (self.crop.columns, self.crop.rows) != (columns, rows)
    }

    pub(crate) fn resizes(&self) -> bool {
        (self.crop.columns, self.crop.rows) != (self.columns, self.rows)
    }
}

fn crop_of(region: Region, columns: u32, rows: u32) -> Result<Crop, RenderError> {
    let invalid = |reason: &'static str| RenderError::invalid_request("region", reason);
    let Region { left, top, width, height } = region;
    let sides_are_valid = [left, top, width, height].iter().all(|side| side.is_finite());
    if !sides_are_valid || width <= 0.0 || height <= 0.0 {
        return Err(invalid("width and height must be more than 0"));
    }
    let (first_column, first_row) = (left.floor().max(0.0), top.floor().max(0.0));
    let last_column = (left + width).ceil().min(columns.into());
    let last_row = (top + height).ceil().min(rows.into());
    if first_column >= last_column || first_row >= last_row {
        return Err(invalid("lies outside the frame"));
    }
    Ok(Crop {
        left: first_column as u32,
        top: first_row as u32,
        columns: (last_column - first_column) as u32,
        rows: (last_row - first_row) as u32,
    })
}

/// Size inside the box. `pixel_shape` is the height of a pixel over its width.
pub(crate) fn fitted(columns: u32, rows: u32, pixel_shape: f64, fit: Fit) -> Result<(u32, u32), RenderError> {
    for (parameter, side) in [("width", fit.width), ("height", fit.height)] {
        if side == Some(0) {
            return Err(RenderError::invalid_request(parameter, "must be at least 1"));
        }
        if fit.enlarge && side.is_some_and(|side| side > SIDE_PIXELS_MAX) {
            let reason = format!("must be at most {SIDE_PIXELS_MAX} when enlarging");
            return Err(RenderError::invalid_request(parameter, reason));
        }
    }
    if fit.width.is_none() && fit.height.is_none() {
        return Ok((columns, rows));
    }
    // The shorter side of a pixel keeps its samples; the longer one is stretched.
    let natural_columns = f64::from(columns) * (1.0 / pixel_shape).max(1.0);
    let natural_rows = f64::from(rows) * pixel_shape.max(1.0);
    let scale_of =
        |side: Option<u32>, natural: f64| side.map_or(f64::INFINITY, |side| f64::from(side) / natural);
    let scale = scale_of(fit.width, natural_columns).min(scale_of(fit.height, natural_rows));
    let scale = if fit.enlarge { scale } else { scale.min(1.0) };
    let side = |natural: f64| (natural * scale).round().clamp(1.0, 65_535.0) as u32;
    let (columns, rows) = (side(natural_columns), side(natural_rows));
    // A narrow frame that grows to a width may grow without end in the other direction.
    if scale > 1.0 && columns.max(rows) > SIDE_PIXELS_MAX {
        let reason = format!("makes a picture of more than {SIDE_PIXELS_MAX} rows or columns");
        return Err(RenderError::invalid_request("enlarge", reason));
    }
    Ok((columns, rows))
}

/// Height of a pixel over its width: Pixel Aspect Ratio, else the first spacing that the file gives for the frame, in its
/// functional groups or at the top level (PS3.3 C.7.6.16.2.1, C.8.19.6.4); 1 when in doubt.
pub(crate) fn pixel_shape(frame: &FrameView<'_>) -> f64 {
    const SPACINGS: [(Tag, Tag); 3] = [
        (tags::PIXEL_SPACING, tags::PIXEL_MEASURES_SEQUENCE),
        (tags::IMAGER_PIXEL_SPACING, tags::FRAME_PIXEL_DATA_PROPERTIES_SEQUENCE),
        (tags::NOMINAL_SCANNED_PIXEL_SPACING, tags::PIXEL_MEASURES_SEQUENCE),
    ];
    let aspect_ratio = || shape_of(frame.top(), tags::PIXEL_ASPECT_RATIO);
    let spacing = |(tag, group)| frame.places(group).find_map(|place| shape_of(&place, tag));
    // Beyond 20 it is a slip of the writer rather than a pixel.
    aspect_ratio()
        .or_else(|| SPACINGS.into_iter().find_map(spacing))
        .filter(|shape| (0.05..=20.0).contains(shape))
        .unwrap_or(1.0)
}

/// The same by one attribute of two values, vertical and horizontal.
pub(crate) fn shape_of(view: &View<'_>, tag: Tag) -> Option<f64> {
    match view.numbers(tag, Numbers::Text)[..] {
        [Some(vertical), Some(horizontal)] if vertical > 0.0 && horizontal > 0.0 => {
            Some(vertical / horizontal)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strip_does_not_grow_without_end() {
        let fit = |width| Fit { width: Some(width), height: None, enlarge: true };
        let of_strip = |width| Plan::new((8, 60_000), 1.0, None, fit(width));
        assert!(matches!(of_strip(16), Err(RenderError::InvalidRequest { parameter: "enlarge", .. })));
        assert!(of_strip(8).is_ok(), "a size that is there already");
    }

    fn size(
        frame: (u32, u32),
        shape: f64,
        width: Option<u32>,
        height: Option<u32>,
        enlarge: bool,
    ) -> (u32, u32) {
        let plan = Plan::new(frame, shape, None, Fit { width, height, enlarge }).expect("a valid request");
        (plan.columns, plan.rows)
    }

    #[test]
    fn a_picture_fits_inside_the_box_and_keeps_its_shape() {
        assert_eq!(size((512, 256), 1.0, Some(128), Some(128), false), (128, 64));
        assert_eq!(size((256, 512), 1.0, Some(128), Some(128), false), (64, 128));
        assert_eq!(size((512, 512), 1.0, Some(100), None, false), (100, 100));
        assert_eq!(size((3000, 2), 1.0, Some(30), Some(30), false), (30, 1));
    }

    #[test]
    fn a_picture_grows_only_when_asked() {
        assert_eq!(size((64, 32), 1.0, Some(128), Some(128), false), (64, 32));
        assert_eq!(size((64, 32), 1.0, Some(128), Some(128), true), (128, 64));
    }

    #[test]
    fn pixels_are_made_square_when_fitting() {
        assert_eq!(size((64, 64), 2.0, Some(64), Some(64), false), (32, 64));
        assert_eq!(size((64, 64), 0.5, Some(64), Some(64), false), (64, 32));
        assert_eq!(size((64, 64), 2.0, None, None, false), (64, 64));
    }

    #[test]
    fn a_region_is_clipped_to_the_frame() {
        let region = Region { left: -5.0, top: 10.5, width: 20.0, height: 100.0 };
        let plan = Plan::new((64, 64), 1.0, Some(region), Fit::default()).expect("a valid request");
        assert_eq!(plan.crop, Crop { left: 0, top: 10, columns: 15, rows: 54 });
        assert_eq!((plan.columns, plan.rows), (15, 54));
    }

    #[test]
    fn a_region_outside_the_frame_and_a_box_without_size_are_refused() {
        let outside = Region { left: 64.0, top: 0.0, width: 5.0, height: 5.0 };
        assert!(Plan::new((64, 64), 1.0, Some(outside), Fit::default()).is_err());
        let fit = Fit { width: Some(0), height: None, enlarge: false };
        assert!(Plan::new((64, 64), 1.0, None, fit).is_err());
    }
}
