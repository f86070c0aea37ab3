//! A slice being painted: values on a millimetre grid, and the soft-edged ovals that organs are made of.
//!
//! Coordinates follow the patient (PS3.3 C.7.6.2.1.1): x grows to the patient's left, y to the back, in mm.

/// One slice, row-major, each pixel's value in the unit of the modality.
pub(crate) struct Canvas {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) spacing_mm: f32,
    pub(crate) values: Vec<f32>,
    /// Added to x, one value a row, and to y, one value a column: bends the ovals into something grown.
    bend_x: Vec<f32>,
    bend_y: Vec<f32>,
}

/// The rectangle of a slice that a shape can touch, mm.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) x: (f32, f32),
    pub(crate) y: (f32, f32),
}

impl Canvas {
    /// A canvas of one value; (0, 0) mm lies in its middle.
    pub(crate) fn new(rows: usize, columns: usize, spacing_mm: f32, value: f32) -> Self {
        Self {
            rows,
            columns,
            spacing_mm,
            values: vec![value; rows * columns],
            bend_x: vec![0.0; rows],
            bend_y: vec![0.0; columns],
        }
    }

    /// Bends everything painted from now on: `amplitude_mm` slow waves that drift with `phase`.
    pub(crate) fn bend(&mut self, amplitude_mm: f32, phase: f32) {
        let wave = |mm: f32, shift: f32| {
            amplitude_mm
                * (0.6 * (mm * 0.047 + phase + shift).sin() + 0.4 * (mm * 0.113 - phase + 2.0 * shift).sin())
        };
        self.bend_x = (0..self.rows).map(|row| wave(self.y_mm(row), 0.4)).collect();
        self.bend_y = (0..self.columns).map(|column| wave(self.x_mm(column), 1.9)).collect();
    }

    /// Millimetres to the patient's left of the middle.
    pub(crate) fn x_mm(&self, column: usize) -> f32 {
        (column as f32 - (self.columns as f32 - 1.0) / 2.0) * self.spacing_mm
    }

    /// Millimetres behind the middle.
    pub(crate) fn y_mm(&self, row: usize) -> f32 {
        (row as f32 - (self.rows as f32 - 1.0) / 2.0) * self.spacing_mm
    }

    /// Replaces each pixel in `bounds` by `paint(x, y, what is there)`, with x and y bent.
    pub(crate) fn paint(&mut self, bounds: Bounds, paint: impl Fn(f32, f32, f32) -> f32) {
        // Bends move a point by a few millimetres at most; the margin keeps soft edges inside the bounds.
        const MARGIN_MM: f32 = 7.0;
        let to_index = |mm: f32, count: usize| {
            (mm / self.spacing_mm + (count as f32 - 1.0) / 2.0).clamp(0.0, count as f32) as usize
        };
        let rows = to_index(bounds.y.0 - MARGIN_MM, self.rows)
            ..to_index(bounds.y.1 + MARGIN_MM + self.spacing_mm, self.rows);
        let columns = to_index(bounds.x.0 - MARGIN_MM, self.columns)
            ..to_index(bounds.x.1 + MARGIN_MM + self.spacing_mm, self.columns);
        for row in rows {
            let (y, bend_x) = (self.y_mm(row), self.bend_x[row]);
            for column in columns.clone() {
                let x = self.x_mm(column) + bend_x;
                let value = &mut self.values[row * self.columns + column];
                *value = paint(x, y + self.bend_y[column], *value);
            }
        }
    }

    /// Fills an oval with one value.
    pub(crate) fn fill(&mut self, oval: Oval, value: f32) {
        self.paint(oval.bounds(), |x, y, under| blend(under, value, oval.cover(x, y)));
    }
}

/// An ellipse, or with `square` towards 1 a rounded rectangle (a squircle), turned by `angle` radians.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Oval {
    center: (f32, f32),
    radius: (f32, f32),
    turn: (f32, f32),
    square: f32,
}

/// An organ whose radius shrinks to this has ended above or below the slice.
const VANISHED_MM: f32 = 0.1;
/// Farther than anything in a slice.
const FAR_MM: f32 = 1e5;

impl Oval {
    /// An upright ellipse, center and radii in mm.
    pub(crate) fn new(x: f32, y: f32, radius_x: f32, radius_y: f32) -> Self {
        Self {
            center: (x, y),
            radius: (radius_x.max(0.01), radius_y.max(0.01)),
            turn: (1.0, 0.0),
            square: 0.0,
        }
    }

    /// The same, turned clockwise on the screen.
    pub(crate) fn turned(self, degrees: f32) -> Self {
        Self { turn: (degrees.to_radians().cos(), degrees.to_radians().sin()), ..self }
    }

    /// The same with fuller corners, 0 to 1.
    pub(crate) fn squared(self, square: f32) -> Self {
        Self { square, ..self }
    }

    /// The same with both radii `mm` longer.
    pub(crate) fn grown(self, mm: f32) -> Self {
        Self { radius: ((self.radius.0 + mm).max(0.01), (self.radius.1 + mm).max(0.01)), ..self }
    }

    /// Millimetres outside (positive) or inside the edge: exact on the edge, a good guess near it.
    pub(crate) fn distance(&self, x: f32, y: f32) -> f32 {
        let (dx, dy) = (x - self.center.0, y - self.center.1);
        let u = (dx * self.turn.0 + dy * self.turn.1) / self.radius.0;
        let v = (dy * self.turn.0 - dx * self.turn.1) / self.radius.1;
        if self.radius.0.min(self.radius.1) <= VANISHED_MM {
            return FAR_MM;
        }
        let r = (u * u + v * v - self.square * (u * u).min(1.0) * (v * v).min(1.0)).max(0.0).sqrt();
        let slope = ((u / self.radius.0).powi(2) + (v / self.radius.1).powi(2)).sqrt();
        if slope < 1e-6 { -self.radius.0.min(self.radius.1) } else { (r - 1.0) * r / slope }
    }

    /// How much of a pixel there lies inside, 0 to 1; the edge is as soft as the scanner's point spread.
    pub(crate) fn cover(&self, x: f32, y: f32) -> f32 {
        cover(self.distance(x, y))
    }

    /// The rectangle around it.
    pub(crate) fn bounds(&self) -> Bounds {
        let reach_x = (self.radius.0 * self.turn.0).hypot(self.radius.1 * self.turn.1);
        let reach_y = (self.radius.0 * self.turn.1).hypot(self.radius.1 * self.turn.0);
        // A squircle leaves the ellipse's box at its corners only, but a turned one may pass its sides.
        let slack = 1.0 + 0.2 * self.square;
        Bounds {
            x: (self.center.0 - reach_x * slack, self.center.0 + reach_x * slack),
            y: (self.center.1 - reach_y * slack, self.center.1 + reach_y * slack),
        }
    }
}

/// 1 well inside (negative distance, mm), 0 well outside, with an edge 1.2 mm soft.
pub(crate) fn cover(distance_mm: f32) -> f32 {
    ramp(-distance_mm, -0.6, 0.6)
}

/// 0 up to `from`, 1 from `to`, smooth in between.
pub(crate) fn ramp(value: f32, from: f32, to: f32) -> f32 {
    let t = ((value - from) / (to - from)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// From `a` to `b` as `t` goes from 0 to 1.
pub(crate) fn blend(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}

/// A smooth curve through `(position, value)` knots in rising order, constant beyond the ends.
pub(crate) fn profile(position: f32, knots: &[(f32, f32)]) -> f32 {
    let next = knots.partition_point(|knot| knot.0 < position);
    match (next.checked_sub(1).and_then(|i| knots.get(i)), knots.get(next)) {
        (Some(before), Some(after)) => blend(before.1, after.1, ramp(position, before.0, after.0)),
        (Some(end), None) | (None, Some(end)) => end.1,
        (None, None) => 0.0,
    }
}

/// The radius factor of a rounded body that spans `from..to`: 0 outside, 1 in the middle.
pub(crate) fn dome(position: f32, from: f32, to: f32) -> f32 {
    let t = (2.0 * position - from - to) / (to - from);
    (1.0 - t * t).max(0.0).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filled_oval_covers_its_area() {
        let mut canvas = Canvas::new(200, 200, 1.0, 0.0);
        canvas.fill(Oval::new(10.0, -5.0, 60.0, 30.0).turned(30.0), 1.0);
        let area: f32 = canvas.values.iter().sum();
        let expected = std::f32::consts::PI * 60.0 * 30.0;
        assert!((area - expected).abs() < expected * 0.02, "{area} mm2 against {expected}");
    }

    #[test]
    fn a_profile_passes_through_its_knots_and_stays_between_them() {
        let knots = [(0.0, 5.0), (10.0, 9.0), (20.0, -1.0)];
        for (position, value) in knots {
            assert_eq!(profile(position, &knots), value);
        }
        assert_eq!(profile(-3.0, &knots), 5.0);
        assert_eq!(profile(99.0, &knots), -1.0);
        assert!((5.0..9.0).contains(&profile(4.0, &knots)));
    }
}
