//! Shutters: what of an image is covered, and with what (PS3.3 C.7.6.11, C.7.6.15, C.11.12).

use dicom_core::Tag;
use dicom_dictionary_std::tags;

use super::applied::Applied;
use super::layers::level_of;
use crate::draw::{Ink, Point, polygon};
use crate::file::parse::view::Numbers;
use crate::stages::lab;
use crate::{RenderError, limits};

/// Corners of a polygon.
const CORNERS_MAX: u64 = 4096;

/// What covers an image. A pixel shows where all of these let it.
#[derive(Debug)]
pub(crate) struct Shutters {
    pub(crate) openings: Vec<Opening>,
    /// The overlay of the state whose pixels are covered.
    pub(crate) bitmap_group: Option<u16>,
    pub(crate) ink: Ink,
}

/// Where an image is not covered, in its pixels, the upper left corner of the first being 0.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Opening {
    Rectangle { left: f64, right: f64, upper: f64, lower: f64 },
    Circle { center: Point, radius: f64 },
    Polygon(Vec<Point>),
}

impl Shutters {
    /// # Errors
    /// [`RenderError::Corrupt`] for a shutter without what it is made of, [`RenderError::Unsupported`] for one of another
    /// shape: what it covers may not be seen.
    pub(crate) fn of(state: &Applied<'_>) -> Result<Self, RenderError> {
        let view = &state.view;
        let shapes = view.text(tags::SHUTTER_SHAPE).unwrap_or_default().split('\\').map(str::trim);
        let level = view.number(tags::SHUTTER_PRESENTATION_VALUE, Numbers::U16).map(level_of);
        let colour = || lab::colour_of(view, tags::SHUTTER_PRESENTATION_COLOR_CIE_LAB_VALUE).map(Ink);
        let ink = level.map(Ink::of_level).or_else(colour).unwrap_or(Ink::of_level(0));
        let mut shutters = Self { openings: Vec::new(), bitmap_group: None, ink };
        for shape in shapes.filter(|shape| !shape.is_empty()) {
            match shape {
                "RECTANGULAR" => shutters.openings.push(rectangle(state)?),
                "CIRCULAR" => shutters.openings.push(circle(state)?),
                "POLYGONAL" => shutters.openings.push(polygon(state)?),
                "BITMAP" => shutters.bitmap_group = Some(group(state)?),
                _ => return Err(RenderError::unsupported("a shutter of another shape than PS3.3 has")),
            }
        }
        Ok(shutters)
    }
}

fn damaged() -> RenderError {
    RenderError::corrupt("a shutter of the presentation state")
}

/// The edges are columns and rows, and are seen.
fn rectangle(state: &Applied<'_>) -> Result<Opening, RenderError> {
    let edge = |tag| state.view.number(tag, Numbers::Text).ok_or_else(damaged);
    Ok(Opening::Rectangle {
        left: edge(tags::SHUTTER_LEFT_VERTICAL_EDGE)? - 1.0,
        right: edge(tags::SHUTTER_RIGHT_VERTICAL_EDGE)?,
        upper: edge(tags::SHUTTER_UPPER_HORIZONTAL_EDGE)? - 1.0,
        lower: edge(tags::SHUTTER_LOWER_HORIZONTAL_EDGE)?,
    })
}

fn circle(state: &Applied<'_>) -> Result<Opening, RenderError> {
    let center = middles(state, tags::CENTER_OF_CIRCULAR_SHUTTER)?.first().copied().ok_or_else(damaged)?;
    let radius = state.view.number(tags::RADIUS_OF_CIRCULAR_SHUTTER, Numbers::Text).ok_or_else(damaged)?;
    Ok(Opening::Circle { center, radius })
}

fn polygon(state: &Applied<'_>) -> Result<Opening, RenderError> {
    let corners = middles(state, tags::VERTICES_OF_THE_POLYGONAL_SHUTTER)?;
    limits::check("corners of a shutter", corners.len() as u64, CORNERS_MAX)?;
    if corners.len() < 3 { Err(damaged()) } else { Ok(Opening::Polygon(corners)) }
}

fn group(state: &Applied<'_>) -> Result<u16, RenderError> {
    state.view.u16(tags::SHUTTER_OVERLAY_GROUP).ok_or_else(damaged)
}

/// Middles of pixels that an attribute gives as rows and columns from 1.
fn middles(state: &Applied<'_>, tag: Tag) -> Result<Vec<Point>, RenderError> {
    let numbers = state.view.numbers(tag, Numbers::Text);
    let numbers: Option<Vec<f64>> = numbers.into_iter().collect();
    let (pairs, []) = numbers.as_deref().ok_or_else(damaged)?.as_chunks::<2>() else { return Err(damaged()) };
    Ok(pairs.iter().map(|&[row, column]| Point { x: column - 0.5, y: row - 0.5 }).collect())
}

impl Opening {
    /// The parts of a line of an image at the height `y` that are seen. A pixel is `pixel_shape` times as high as wide; a
    /// radius counts widths.
    pub(crate) fn seen_at(&self, y: f64, pixel_shape: f64) -> Vec<(f64, f64)> {
        match self {
            Self::Rectangle { left, right, upper, lower } => {
                if (*upper..=*lower).contains(&y) {
                    vec![(*left, *right)]
                } else {
                    Vec::new()
                }
            }
            Self::Circle { center, radius } => {
                let away = (y - center.y) * pixel_shape;
                let half = (radius * radius - away * away).sqrt();
                if half.is_nan() { Vec::new() } else { vec![(center.x - half, center.x + half)] }
            }
            Self::Polygon(corners) => polygon::inside_at(corners, y),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pixels of an image of 6 x 4 whose middles are seen.
    fn seen(opening: &Opening) -> String {
        let row = |row: u32| {
            let parts = opening.seen_at(f64::from(row) + 0.5, 1.0);
            let is_seen = |column: u32| {
                let x = f64::from(column) + 0.5;
                parts.iter().any(|&(from, to)| (from..=to).contains(&x))
            };
            (0..6).map(|column| if is_seen(column) { '#' } else { '.' }).collect::<String>()
        };
        (0..4).map(row).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn edges_and_corners_are_seen() {
        let rectangle = Opening::Rectangle { left: 1.0, right: 4.0, upper: 1.0, lower: 3.0 };
        assert_eq!(seen(&rectangle), "...... .###.. .###.. ......");
        let corner = |x: f64, y: f64| Point { x: x - 0.5, y: y - 0.5 };
        let corners = vec![corner(2.0, 2.0), corner(4.0, 2.0), corner(4.0, 3.0), corner(2.0, 3.0)];
        assert_eq!(seen(&Opening::Polygon(corners)), "...... .###.. .###.. ......");
        let circle = Opening::Circle { center: corner(3.0, 2.0), radius: 1.0 };
        assert_eq!(seen(&circle), "..#... .###.. ..#... ......");
    }
}
