//! Graphics and texts of a presentation state as they are written (PS3.3 C.10.5), in the order in which they lie over each
//! other. How they are drawn is for [`crate::compose`].

use dicom_dictionary_std::tags;

use super::applied::Applied;
use super::layers::Layers;
use crate::RenderError;
use crate::draw::{Ink, Point};
use crate::file::parse::view::{Numbers, View};

/// Points of all graphics over one frame.
const POINTS_MAX: usize = 100_000;

/// What a place is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Units {
    /// Pixels of the image, the upper left corner of the first being 0.
    Pixel,
    /// The sides of the displayed area as it is looked at, each 1.
    Display,
}

/// A place, and what it is counted in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Place {
    pub(crate) units: Units,
    pub(crate) point: Point,
}

/// Something to draw.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Annotation {
    pub(crate) ink: Ink,
    pub(crate) shape: Shape,
}

/// What is drawn.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shape {
    Graphic(Graphic),
    Text(Text),
}

/// An item of the Graphic Object Sequence (0070,0009).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Graphic {
    pub(crate) kind: GraphicKind,
    pub(crate) units: Units,
    pub(crate) points: Vec<Point>,
    pub(crate) is_filled: bool,
}

/// Graphic Type (0070,0023).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GraphicKind {
    Point,
    Polyline,
    Interpolated,
    /// Its center, and a point of it.
    Circle,
    /// The ends of its major axis, then those of its minor axis.
    Ellipse,
}

/// An item of the Text Object Sequence (0070,0008).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Text {
    pub(crate) lines: Vec<String>,
    /// Two corners of its box.
    pub(crate) bounds: Option<[Place; 2]>,
    pub(crate) justification: Justification,
    pub(crate) anchor: Option<Place>,
    /// Whether a line leads to its anchor.
    pub(crate) shows_anchor: bool,
}

/// Bounding Box Text Horizontal Justification (0070,0012).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Justification {
    Left,
    Center,
    Right,
}

/// What is said of a frame that is not in its picture: sentences of ours, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LeftOut(pub(crate) Vec<&'static str>);

impl LeftOut {
    pub(crate) fn note(&mut self, what: &'static str) {
        if !self.0.contains(&what) {
            self.0.push(what);
        }
    }
}

/// All that lies over the frame, the lowest first.
///
/// # Errors
/// [`RenderError::Corrupt`] for damaged lists. What is damaged or unknown in an item is left out, and noted.
pub(crate) fn of(
    state: &Applied<'_>,
    layers: &Layers,
    left_out: &mut LeftOut,
) -> Result<Vec<Annotation>, RenderError> {
    let mut items = state.items(tags::GRAPHIC_ANNOTATION_SEQUENCE)?;
    let order = |item: &View<'_>| layers.order(item.text(tags::GRAPHIC_LAYER));
    items.sort_by(|one, other| order(one).total_cmp(&order(other)));
    let (mut annotations, mut point_count) = (Vec::new(), 0);
    for item in items {
        let ink = layers.ink(item.text(tags::GRAPHIC_LAYER));
        for object in item.all_items(tags::GRAPHIC_OBJECT_SEQUENCE)? {
            let Some(graphic) = graphic(&object) else {
                left_out.note("a graphic of an unknown kind, or damaged, is not drawn");
                continue;
            };
            point_count += graphic.points.len();
            if point_count > POINTS_MAX {
                left_out.note("graphics beyond 100,000 points are not drawn");
                break;
            }
            annotations.push(Annotation { ink, shape: Shape::Graphic(graphic) });
        }
        for object in item.all_items(tags::TEXT_OBJECT_SEQUENCE)? {
            match text(state, &object) {
                Some(text) => annotations.push(Annotation { ink, shape: Shape::Text(text) }),
                None => left_out.note("a text without a place, or damaged, is not drawn"),
            }
        }
    }
    Ok(annotations)
}

fn graphic(object: &View<'_>) -> Option<Graphic> {
    let kind = match object.text(tags::GRAPHIC_TYPE)? {
        "POINT" => GraphicKind::Point,
        "POLYLINE" => GraphicKind::Polyline,
        "INTERPOLATED" => GraphicKind::Interpolated,
        "CIRCLE" => GraphicKind::Circle,
        "ELLIPSE" => GraphicKind::Ellipse,
        _ => return None,
    };
    let points = points(object, tags::GRAPHIC_DATA)?;
    let is_whole = match kind {
        GraphicKind::Point => points.len() == 1,
        GraphicKind::Polyline | GraphicKind::Interpolated => points.len() >= 2,
        GraphicKind::Circle => points.len() == 2,
        GraphicKind::Ellipse => points.len() == 4,
    };
    let is_filled = object.text(tags::GRAPHIC_FILLED) == Some("Y");
    let units = units(object.text(tags::GRAPHIC_ANNOTATION_UNITS)?)?;
    is_whole.then_some(Graphic { kind, units, points, is_filled })
}

fn text(state: &Applied<'_>, object: &View<'_>) -> Option<Text> {
    let text = object.unicode(tags::UNFORMATTED_TEXT_VALUE, state.character_sets)?;
    let lines = text.replace("\r\n", "\n");
    let lines = lines.split(['\n', '\r', '\u{C}']).map(|line| line.trim_end().to_owned());
    let place = |tag, units_tag| {
        let units = units(object.text(units_tag)?)?;
        Some(Place { units, point: *points(object, tag)?.first()? })
    };
    let corner = |tag| place(tag, tags::BOUNDING_BOX_ANNOTATION_UNITS);
    let corners = corner(tags::BOUNDING_BOX_TOP_LEFT_HAND_CORNER)
        .zip(corner(tags::BOUNDING_BOX_BOTTOM_RIGHT_HAND_CORNER));
    let anchor = place(tags::ANCHOR_POINT, tags::ANCHOR_POINT_ANNOTATION_UNITS);
    let text = Text {
        lines: lines.collect(),
        bounds: corners.map(|(one, other)| [one, other]),
        justification: match object.text(tags::BOUNDING_BOX_TEXT_HORIZONTAL_JUSTIFICATION) {
            Some("CENTER") => Justification::Center,
            Some("RIGHT") => Justification::Right,
            _ => Justification::Left,
        },
        anchor,
        shows_anchor: object.text(tags::ANCHOR_POINT_VISIBILITY) == Some("Y"),
    };
    (text.bounds.is_some() || text.anchor.is_some()).then_some(text)
}

fn units(name: &str) -> Option<Units> {
    match name {
        "PIXEL" => Some(Units::Pixel),
        "DISPLAY" => Some(Units::Display),
        _ => None,
    }
}

/// Pairs of column and row; `None` where one is no number, or there is none.
fn points(object: &View<'_>, tag: dicom_core::Tag) -> Option<Vec<Point>> {
    let numbers: Option<Vec<f64>> = object.numbers(tag, Numbers::F32).into_iter().collect();
    let numbers = numbers?;
    let (pairs, rest) = numbers.as_chunks::<2>();
    let points = pairs.iter().map(|&[x, y]| Point { x, y });
    (rest.is_empty() && !pairs.is_empty()).then(|| points.collect())
}
