//! An image under its presentation state, in the order of PS3.4 N.2: its grey values are drawn, and here are shutters,
//! overlays, the displayed area, the way it is laid down, then graphics and texts, which stay readable so.

use super::composer::Composer;
use super::stated::{Stated, activation_layer};
use crate::RenderError;
use crate::draw::letters::Letters;
use crate::draw::{Ink, Point, Sheet, curve};
use crate::picture::DisplayImage;
use crate::presentation_state::annotation::{
    Graphic, GraphicKind, Justification, LeftOut, Place, Shape, Text, Units,
};
use crate::stages::{orientation, overlay};

/// Shorter sides of pictures, in pixels, for which lines get one more of width.
const SIDE_OF_A_LINE: u32 = 1024;

impl Composer<'_> {
    /// The picture with all that the state puts over it; as it is without a state.
    pub(super) fn presented(&self, mut image: DisplayImage) -> Result<DisplayImage, RenderError> {
        let Some(stated) = &self.stated else { return Ok(image) };
        let mut pixels = image.samples.eight_bits().ok_or_else(not_of_eight_bits)?;
        self.cover(&mut pixels, stated)?;
        self.burn_activated(&mut pixels, stated)?;
        let image = orientation::lay_down(on_canvas(image, stated), stated.orientation);
        self.annotated(image, stated)
    }

    /// Lays shutters over the image.
    fn cover(
        &self,
        (pixels, samples_per_pixel): &mut Pixels<'_>,
        stated: &Stated<'_>,
    ) -> Result<(), RenderError> {
        let (shutters, canvas) = (&stated.shutters, &stated.canvas);
        if !shutters.openings.is_empty() {
            let rows = pixels.chunks_exact_mut(self.plan.columns as usize * *samples_per_pixel);
            for (row, pixels) in (0..).zip(rows) {
                let y = canvas.middle_of(0, row).y;
                let seen: Vec<_> =
                    shutters.openings.iter().map(|opening| opening.seen_at(y, stated.pixel_shape)).collect();
                for (column, pixel) in (0..).zip(pixels.chunks_exact_mut(*samples_per_pixel)) {
                    let x = canvas.middle_of(column, row).x;
                    let is_seen =
                        seen.iter().all(|parts| parts.iter().any(|(from, to)| (*from..=*to).contains(&x)));
                    if !is_seen {
                        pixel.copy_from_slice(&shutters.ink.0[..*samples_per_pixel]);
                    }
                }
            }
        }
        let Some(group) = shutters.bitmap_group else { return Ok(()) };
        let view = &stated.applied.view;
        let mut mask = vec![0; self.format.pixel_count() as usize];
        let overlays = overlay::of_frame(view, self.frame.frame_number);
        let overlay = overlays.iter().find(|overlay| overlay.group() == group);
        let overlay = overlay.ok_or_else(|| RenderError::corrupt("the overlay of the shutter is missing"))?;
        overlay.draw(view, &mut mask, self.format.columns);
        self.burn_mask(pixels, *samples_per_pixel, mask, shutters.ink)
    }

    /// Draws the overlays that the state activates: its own, and those of the image whose group it has not (PS3.3 C.11.7).
    fn burn_activated(
        &self,
        (pixels, samples_per_pixel): &mut Pixels<'_>,
        stated: &Stated<'_>,
    ) -> Result<(), RenderError> {
        if !self.request.overlays {
            return Ok(());
        }
        let (state, image) = (&stated.applied.view, self.frame_view.top());
        let of_state = overlay::of_frame(state, self.frame.frame_number);
        let of_image = overlay::of_frame(image, self.frame.frame_number);
        let mut embedded = self.frame.embedded_overlays.iter();
        let mut masks = Vec::new();
        for overlay in of_image {
            // Those in the cells were taken out of them in this order, whether or not they are shown.
            let bit = overlay.embedded_bit(image);
            let is_taken_out =
                |bit: &u16| *bit < self.format.bits_allocated && self.format.is_spare_bit(*bit);
            let in_cells = bit.filter(is_taken_out).and_then(|_| embedded.next());
            if !of_state.iter().any(|own| own.group() == overlay.group()) {
                let mut mask =
                    in_cells.cloned().unwrap_or_else(|| vec![0; self.format.pixel_count() as usize]);
                overlay.draw(image, &mut mask, self.format.columns);
                masks.push((overlay.group(), mask));
            }
        }
        for overlay in of_state {
            let mut mask = vec![0; self.format.pixel_count() as usize];
            overlay.draw(state, &mut mask, self.format.columns);
            masks.push((overlay.group(), mask));
        }
        for (group, mask) in masks {
            if let Some(layer) = activation_layer(&stated.applied, group) {
                self.burn_mask(pixels, *samples_per_pixel, mask, stated.layers.ink(Some(layer)))?;
            }
        }
        Ok(())
    }

    /// Draws graphics and texts into the picture as it is looked at.
    fn annotated(&self, mut image: DisplayImage, stated: &Stated<'_>) -> Result<DisplayImage, RenderError> {
        let (columns, rows) = (image.columns, image.rows);
        let mut left_out = stated.left_out.clone();
        let (pixels, samples_per_pixel) = image.samples.eight_bits().ok_or_else(not_of_eight_bits)?;
        let mut drawing = Drawing {
            sheet: Sheet::new(pixels, samples_per_pixel, columns),
            size: (f64::from(columns), f64::from(rows)),
            line_width: 1 + columns.min(rows) / SIDE_OF_A_LINE,
            letters: Letters::for_picture(columns, rows),
            stated,
            left_out: &mut left_out,
        };
        for annotation in &stated.annotations {
            match &annotation.shape {
                Shape::Graphic(graphic) => drawing.graphic(graphic, annotation.ink),
                Shape::Text(text) => drawing.text(text, annotation.ink),
            }
        }
        image.left_out = left_out.0;
        Ok(image)
    }
}

/// Samples, and how many a pixel has.
type Pixels<'a> = (&'a mut Vec<u8>, usize);

fn not_of_eight_bits() -> RenderError {
    RenderError::invalid_request("format", "does not go with a presentation state")
}

/// The image at its place in the displayed area, which is black around it.
fn on_canvas(image: DisplayImage, stated: &Stated<'_>) -> DisplayImage {
    let canvas = &stated.canvas;
    if (image.columns, image.rows) == (canvas.columns, canvas.rows) {
        return image;
    }
    let place = (canvas.left as usize, canvas.top as usize);
    let samples = image.samples.placed(image.columns, (canvas.columns, canvas.rows), place);
    DisplayImage { columns: canvas.columns, rows: canvas.rows, samples, ..image }
}

/// A picture that graphics are drawn into.
struct Drawing<'a> {
    sheet: Sheet<'a>,
    size: (f64, f64),
    line_width: u32,
    letters: Letters,
    stated: &'a Stated<'a>,
    left_out: &'a mut LeftOut,
}

impl Drawing<'_> {
    fn place(&self, Place { units, point }: Place) -> Point {
        match units {
            Units::Pixel => {
                let canvas = &self.stated.canvas;
                canvas.laid_down(canvas.of_image(point), self.stated.orientation)
            }
            Units::Display => Point { x: point.x * self.size.0, y: point.y * self.size.1 },
        }
    }

    fn graphic(&mut self, graphic: &Graphic, ink: Ink) {
        let units = graphic.units;
        let points: Vec<Point> =
            graphic.points.iter().map(|&point| self.place(Place { units, point })).collect();
        let outline = match (graphic.kind, points.as_slice()) {
            (GraphicKind::Point, &[at]) => return self.sheet.dot(at, self.line_width + 2, ink),
            (GraphicKind::Circle, &[center, on_it]) => {
                let radius = (on_it.x - center.x).hypot(on_it.y - center.y);
                curve::ellipse(center, Point { x: radius, y: 0.0 }, Point { x: 0.0, y: radius })
            }
            (GraphicKind::Ellipse, &[a, b, c, d]) => {
                let center = Point { x: f64::midpoint(a.x, b.x), y: f64::midpoint(a.y, b.y) };
                let half =
                    |from: Point, to: Point| Point { x: (to.x - from.x) / 2.0, y: (to.y - from.y) / 2.0 };
                curve::ellipse(center, half(a, b), half(c, d))
            }
            (GraphicKind::Interpolated, points) => curve::through(points),
            (_, points) => points.to_vec(),
        };
        if graphic.is_filled {
            self.sheet.fill(&outline, ink);
        }
        self.sheet.lines(&outline, self.line_width, ink);
    }

    /// Texts are drawn upright, however the image lies.
    fn text(&mut self, text: &Text, ink: Ink) {
        let line_height = self.letters.height() as f64;
        let width_of = |line: &str| (line.chars().count() * self.letters.width()) as f64;
        let width = text.lines.iter().map(|line| width_of(line)).fold(0.0, f64::max);
        let height = line_height * text.lines.len() as f64;
        let anchor = text.anchor.map(|anchor| self.place(anchor));
        let bounds = text.bounds.map(|corners| corners.map(|corner| self.place(corner)));
        let (left, right, top) = match (bounds, anchor) {
            (Some([one, other]), _) => (one.x.min(other.x), one.x.max(other.x), one.y.min(other.y)),
            // Beside what it speaks of.
            (None, Some(anchor)) => {
                let left = anchor.x + line_height;
                (left, left + width, anchor.y - height / 2.0)
            }
            (None, None) => return,
        };
        let left = match text.justification {
            Justification::Left => left,
            Justification::Center => f64::midpoint(left, right) - width / 2.0,
            Justification::Right => right - width,
        };
        let (left, top) = (moved_inside(left, width, self.size.0), moved_inside(top, height, self.size.1));
        if width > self.size.0 || height > self.size.1 {
            self.left_out.note("a text is larger than the picture and is cut");
        }
        if let Some(anchor) = anchor.filter(|_| text.shows_anchor) {
            let nearest = |place: f64, from: f64, length: f64| place.max(from).min(from + length);
            let from = Point { x: nearest(anchor.x, left, width), y: nearest(anchor.y, top, height) };
            self.sheet.line(from, anchor, self.line_width, ink);
        }
        for (nth, line) in text.lines.iter().enumerate() {
            if !self.letters.have_all_of(line) {
                self.left_out.note("characters that the font has not are drawn as boxes");
            }
            let indent = match text.justification {
                Justification::Left => 0.0,
                Justification::Center => (width - width_of(line)) / 2.0,
                Justification::Right => width - width_of(line),
            };
            let at = Point { x: left + indent, y: top + nth as f64 * line_height };
            self.sheet.text(at, line, self.letters, ink);
        }
    }
}

/// The beginning of something of this length, which ends inside of the picture where it begins there.
fn moved_inside(from: f64, length: f64, side: f64) -> f64 {
    if (0.0..side).contains(&from) { from.min(side - length).max(0.0) } else { from }
}
