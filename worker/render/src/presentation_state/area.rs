//! The displayed area: which part of an image is shown, how large, and of which shape its pixels are (PS3.3 C.10.4).

use dicom_dictionary_std::tags;

use super::applied::Applied;
use crate::draw::Point;
use crate::file::parse::view::{Numbers, View};
use crate::request::{Fit, Orientation, SIDE_PIXELS_MAX};
use crate::stages::geometry::{Crop, Plan, shape_of};
use crate::stages::orientation;
use crate::{Limits, RenderError, limits};

/// Longest side of an area, and of the picture of it, in pixels.
const AREA_SIDE_MAX: u64 = 65_535;

/// A rectangle of whole pixels of an image, which may reach beyond its edges.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Area {
    /// Distance of its left edge from that of the image, in pixels.
    left: i64,
    top: i64,
    columns: u32,
    rows: u32,
    /// Height of a pixel over its width, as it is to be shown.
    pub(crate) pixel_shape: f64,
    size: Mode,
}

/// Presentation Size Mode (0070,0100).
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    /// As large as the box; without one a pixel of the image is one of the picture.
    ScaleToFit,
    /// Nothing is known of the size of a pixel of the screen: one of the image, or fewer, and never more.
    TrueSize,
    /// So many pixels of the picture for one of the image, or fewer where the box is smaller.
    Magnify(f64),
}

impl Area {
    /// What the state says, else the whole image.
    ///
    /// # Errors
    /// [`RenderError::Corrupt`] for corners that are none, [`RenderError::TooLarge`],
    /// [`RenderError::Unsupported`] for corners in the whole matrix of a tiled image.
    pub(crate) fn of(
        state: &Applied<'_>,
        (columns, rows): (u32, u32),
        pixel_shape: f64,
    ) -> Result<Self, RenderError> {
        let items = state.items(tags::DISPLAYED_AREA_SELECTION_SEQUENCE)?;
        let Some(item) = items.first() else {
            return Ok(Self { left: 0, top: 0, columns, rows, pixel_shape, size: Mode::ScaleToFit });
        };
        if item.text(tags::PIXEL_ORIGIN_INTERPRETATION) == Some("VOLUME") {
            return Err(RenderError::unsupported("a displayed area of a whole tiled image"));
        }
        let damaged = || RenderError::corrupt("the displayed area of the presentation state");
        let corner = |tag| match item.numbers(tag, Numbers::I32)[..] {
            // What a signed long holds: nothing that is added to it overflows.
            [Some(column), Some(row)] => Ok((i64::from(column as i32), i64::from(row as i32))),
            _ => Err(damaged()),
        };
        // Corners as they lie when the image is turned: of the image itself either may be left of the other.
        let one = corner(tags::DISPLAYED_AREA_TOP_LEFT_HAND_CORNER)?;
        let other = corner(tags::DISPLAYED_AREA_BOTTOM_RIGHT_HAND_CORNER)?;
        let side = |one: i64, other: i64| -> Result<u32, RenderError> {
            let length = one.abs_diff(other) + 1;
            limits::check("pixels of a side of the displayed area", length, AREA_SIDE_MAX)?;
            u32::try_from(length).map_err(|_| damaged())
        };
        let shape = [tags::PRESENTATION_PIXEL_SPACING, tags::PRESENTATION_PIXEL_ASPECT_RATIO]
            .map(|tag| shape_of(item, tag));
        Ok(Self {
            left: one.0.min(other.0) - 1,
            top: one.1.min(other.1) - 1,
            columns: side(one.0, other.0)?,
            rows: side(one.1, other.1)?,
            pixel_shape: shape
                .into_iter()
                .flatten()
                .find(|shape| (0.05..=20.0).contains(shape))
                .unwrap_or(pixel_shape),
            size: Mode::of(item).ok_or_else(damaged)?,
        })
    }

    /// What is shown of an image of so many columns and rows, and where, in a picture that fits into a box before it is laid
    /// down.
    ///
    /// # Errors
    /// [`RenderError::Corrupt`] for an area beside the image, [`RenderError::TooLarge`].
    pub(crate) fn canvas(&self, (columns, rows): (u32, u32), fit: Fit) -> Result<Canvas, RenderError> {
        let beside = || RenderError::corrupt("the displayed area lies beside the image");
        let (left, shown_columns) = shared(self.left, self.columns, columns).ok_or_else(beside)?;
        let (top, shown_rows) = shared(self.top, self.rows, rows).ok_or_else(beside)?;
        let crop = Crop { left, top, columns: shown_columns, rows: shown_rows };
        let (columns, rows) = self.size_of_picture(fit)?;
        let across = Axis { first: self.left, length: self.columns, pixels: columns };
        let down = Axis { first: self.top, length: self.rows, pixels: rows };
        let (left, columns_of_image) = across.place(crop.left, crop.columns);
        let (top, rows_of_image) = down.place(crop.top, crop.rows);
        let plan = Plan { crop, columns: columns_of_image, rows: rows_of_image };
        Ok(Canvas { columns, rows, left, top, plan, across, down })
    }

    /// Columns and rows of the picture of the area, its pixels made square.
    fn size_of_picture(&self, fit: Fit) -> Result<(u32, u32), RenderError> {
        let natural_columns = f64::from(self.columns) * (1.0 / self.pixel_shape).max(1.0);
        let natural_rows = f64::from(self.rows) * self.pixel_shape.max(1.0);
        let of_side =
            |side: Option<u32>, natural: f64| side.map_or(f64::INFINITY, |side| f64::from(side) / natural);
        let of_box = of_side(fit.width, natural_columns).min(of_side(fit.height, natural_rows));
        let scale = match self.size {
            Mode::ScaleToFit if fit.enlarge && of_box.is_finite() => of_box,
            Mode::ScaleToFit | Mode::TrueSize => of_box.min(1.0),
            Mode::Magnify(ratio) => of_box.min(ratio),
        };
        // Nothing is enlarged beyond what any picture may be.
        let most = (f64::from(SIDE_PIXELS_MAX) / natural_columns.max(natural_rows)).max(1.0);
        let scale = scale.min(most);
        let side = |natural: f64| -> Result<u32, RenderError> {
            let side = (natural * scale).round().max(1.0);
            limits::check("pixels of a side of the displayed area", side as u64, AREA_SIDE_MAX)?;
            Ok(side as u32)
        };
        let (columns, rows) = (side(natural_columns)?, side(natural_rows)?);
        let pixels = u64::from(columns) * u64::from(rows);
        limits::check("pixels of the displayed area", pixels, Limits::default().pixels_max)?;
        Ok((columns, rows))
    }
}

impl Mode {
    /// `None` for a magnification that is none.
    fn of(item: &View<'_>) -> Option<Self> {
        match item.text(tags::PRESENTATION_SIZE_MODE) {
            Some("TRUE SIZE") => Some(Self::TrueSize),
            Some("MAGNIFY") => item
                .number(tags::PRESENTATION_PIXEL_MAGNIFICATION_RATIO, Numbers::F32)
                .filter(|ratio| *ratio > 0.0)
                .map(Self::Magnify),
            _ => Some(Self::ScaleToFit),
        }
    }
}

/// First and number of the pixels of a side that an area has in common with an image.
fn shared(first: i64, length: u32, side: u32) -> Option<(u32, u32)> {
    let from = first.max(0);
    let end = (first + i64::from(length)).min(side.into());
    Some((u32::try_from(from).ok()?, u32::try_from(end - from).ok().filter(|length| *length > 0)?))
}

/// The picture of an area before it is laid down, and where the image is in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Canvas {
    pub(crate) columns: u32,
    pub(crate) rows: u32,
    /// Of the image in it.
    pub(crate) left: u32,
    pub(crate) top: u32,
    pub(crate) plan: Plan,
    across: Axis,
    down: Axis,
}

impl Canvas {
    /// Where a point of the image is, which is given in its pixels, the upper left corner of the first being 0.
    pub(crate) fn of_image(&self, point: Point) -> Point {
        Point { x: self.across.of_image(point.x), y: self.down.of_image(point.y) }
    }

    /// Which point of the image the middle of a pixel of it shows, by its place in the image as it is drawn.
    pub(crate) fn middle_of(&self, column: u32, row: u32) -> Point {
        let middle = |of_image: u32, first: u32| f64::from(of_image) + f64::from(first) + 0.5;
        Point {
            x: self.across.to_image(middle(column, self.left)),
            y: self.down.to_image(middle(row, self.top)),
        }
    }

    /// Where a point is once the picture is laid down.
    pub(crate) fn laid_down(&self, point: Point, orientation: Orientation) -> Point {
        let size = (f64::from(self.columns), f64::from(self.rows));
        let (x, y) = orientation::place((point.x, point.y), size, orientation);
        Point { x, y }
    }
}

/// One direction of an area, and of its picture.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Axis {
    first: i64,
    length: u32,
    pixels: u32,
}

impl Axis {
    fn scale(self) -> f64 {
        f64::from(self.pixels) / f64::from(self.length)
    }

    fn of_image(self, place: f64) -> f64 {
        (place - self.first as f64) * self.scale()
    }

    fn to_image(self, place: f64) -> f64 {
        place / self.scale() + self.first as f64
    }

    /// First pixel and number of pixels, one at least, of a part of the image.
    fn place(self, first: u32, length: u32) -> (u32, u32) {
        let end = self.of_image(f64::from(first) + f64::from(length)).round() as u32;
        let first = (self.of_image(first.into()).round() as u32).min(self.pixels - 1);
        (first, end.clamp(first + 1, self.pixels) - first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn area(left: i64, top: i64, columns: u32, rows: u32, pixel_shape: f64, size: Mode) -> Area {
        Area { left, top, columns, rows, pixel_shape, size }
    }

    const fn a_box(width: u32, height: u32, enlarge: bool) -> Fit {
        Fit { width: Some(width), height: Some(height), enlarge }
    }

    #[test]
    fn a_picture_is_as_large_as_its_mode_and_its_box_say() {
        let none = Fit { width: None, height: None, enlarge: false };
        for (size, fit, expected) in [
            (Mode::ScaleToFit, none, (40, 20)),
            (Mode::ScaleToFit, a_box(80, 80, true), (80, 40)),
            (Mode::ScaleToFit, a_box(80, 80, false), (40, 20)),
            (Mode::ScaleToFit, a_box(20, 80, true), (20, 10)),
            (Mode::TrueSize, none, (40, 20)),
            (Mode::TrueSize, a_box(80, 80, true), (40, 20)),
            (Mode::TrueSize, a_box(20, 20, true), (20, 10)),
            (Mode::Magnify(3.0), none, (120, 60)),
            (Mode::Magnify(3.0), a_box(80, 80, true), (80, 40)),
            (Mode::Magnify(0.5), a_box(80, 80, true), (20, 10)),
            (Mode::Magnify(1e9), none, (8192, 4096)),
        ] {
            let shown = area(0, 0, 40, 20, 1.0, size).size_of_picture(fit).expect("a size");
            assert_eq!(shown, expected, "{size:?} {fit:?}");
        }
        let tall = area(0, 0, 40, 20, 2.0, Mode::ScaleToFit);
        assert_eq!(tall.size_of_picture(none).expect("a size"), (40, 40), "pixels twice as high as wide");
    }

    #[test]
    fn an_area_is_cut_where_the_image_ends_and_keeps_its_place() {
        let canvas =
            area(-2, 1, 8, 4, 1.0, Mode::ScaleToFit).canvas((4, 3), a_box(16, 8, true)).expect("a canvas");
        assert_eq!((canvas.columns, canvas.rows), (16, 8));
        assert_eq!(canvas.plan.crop, Crop { left: 0, top: 1, columns: 4, rows: 2 });
        assert_eq!((canvas.left, canvas.top, canvas.plan.columns, canvas.plan.rows), (4, 0, 8, 4));
        let corner = canvas.of_image(Point { x: 0.0, y: 1.0 });
        assert_eq!((corner.x, corner.y), (4.0, 0.0));
        let middle = canvas.middle_of(0, 0);
        assert_eq!((middle.x, middle.y), (0.25, 1.25));
    }

    #[test]
    fn an_area_beside_the_image_and_one_without_end_are_refused() {
        let none = Fit::default();
        for (left, top) in [(4, 0), (-8, 0), (0, 3), (0, -4)] {
            let beside = area(left, top, 8, 4, 1.0, Mode::ScaleToFit).canvas((4, 3), none);
            assert!(matches!(beside, Err(RenderError::Corrupt { .. })), "{left} {top}");
        }
        let endless = area(0, 0, 65_535, 65_535, 1.0, Mode::ScaleToFit).canvas((4, 3), none);
        assert!(matches!(endless, Err(RenderError::TooLarge { .. })));
        let wide = area(0, 0, 65_535, 4, 20.0, Mode::TrueSize).canvas((4, 3), none);
        assert!(wide.is_ok(), "{wide:?}");
    }
}
