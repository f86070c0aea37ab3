//! Curves as lines from point to point.

use super::Point;

/// Lines that a whole circle or ellipse is made of: at the size of a screen none is longer than a few pixels.
const LINES_OF_ELLIPSE: u32 = 256;
/// Lines between two points of a curve.
const LINES_OF_SPAN: u32 = 16;

/// A closed ellipse by its center and the ends of two half axes, from the center.
pub(crate) fn ellipse(center: Point, major: Point, minor: Point) -> Vec<Point> {
    let at = |step: u32| {
        let (sine, cosine) =
            (f64::from(step) / f64::from(LINES_OF_ELLIPSE) * std::f64::consts::TAU).sin_cos();
        Point {
            x: center.x + major.x * cosine + minor.x * sine,
            y: center.y + major.y * cosine + minor.y * sine,
        }
    };
    (0..=LINES_OF_ELLIPSE).map(at).collect()
}

/// A smooth curve through all points (Catmull and Rom); closed where the last is the first.
pub(crate) fn through(points: &[Point]) -> Vec<Point> {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return Vec::new() };
    let is_closed = points.len() > 3 && first == last;
    let span_count = points.len() - 1;
    let (before, behind) = match is_closed {
        true => (points[span_count - 1], points[1]),
        false => (*first, *last),
    };
    let point = |nth: usize| match nth {
        0 => before,
        nth => points.get(nth - 1).copied().unwrap_or(behind),
    };
    let mut curve = vec![*first];
    for span in 0..span_count {
        let around = [span, span + 1, span + 2, span + 3].map(point);
        curve.extend(
            (1..=LINES_OF_SPAN).map(|step| between(around, f64::from(step) / f64::from(LINES_OF_SPAN))),
        );
    }
    curve
}

/// The curve between the middle two of four points, at a part of the way.
fn between([a, b, c, d]: [Point; 4], part: f64) -> Point {
    let along = |a: f64, b: f64, c: f64, d: f64| {
        let (square, cube) = (part * part, part * part * part);
        b + 0.5
            * ((c - a) * part + (2.0 * a - 5.0 * b + 4.0 * c - d) * square + (3.0 * (b - c) + d - a) * cube)
    };
    Point { x: along(a.x, b.x, c.x, d.x), y: along(a.y, b.y, c.y, d.y) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(x: f64, y: f64) -> Point {
        Point { x, y }
    }

    #[test]
    fn each_point_of_a_circle_is_as_far_from_its_center() {
        let circle = ellipse(at(3.0, 4.0), at(2.0, 0.0), at(0.0, 2.0));
        assert!(circle.iter().all(|point| ((point.x - 3.0).hypot(point.y - 4.0) - 2.0).abs() < 1e-9));
        let (first, last) = (circle[0], circle[circle.len() - 1]);
        assert!((first.x - last.x).hypot(first.y - last.y) < 1e-9, "closed");
    }

    #[test]
    fn a_curve_goes_through_its_points() {
        let points = [at(0.0, 0.0), at(4.0, 1.0), at(6.0, 6.0), at(0.0, 9.0)];
        let curve = through(&points);
        let is_near = |point: &Point| curve.iter().any(|on| (on.x - point.x).hypot(on.y - point.y) < 1e-9);
        assert!(points.iter().all(is_near));
        assert_eq!(through(&points[..1]), points[..1]);
        assert_eq!(through(&[]), []);
    }

    #[test]
    fn a_curve_between_two_points_is_a_line() {
        let curve = through(&[at(0.0, 0.0), at(2.0, 4.0)]);
        assert!(curve.iter().all(|point| (point.y - 2.0 * point.x).abs() < 1e-9));
    }

    /// Where it closes it has no corner: it leaves the first point as it comes to the last.
    #[test]
    fn a_closed_curve_is_smooth_where_it_closes() {
        let square = [at(0.0, 0.0), at(4.0, 0.0), at(4.0, 4.0), at(0.0, 4.0), at(0.0, 0.0)];
        let curve = through(&square);
        let (second, before_last) = (curve[1], curve[curve.len() - 2]);
        assert!(second.x > 0.0 && second.y < 0.0 && before_last.x < 0.0 && before_last.y > 0.0);
    }
}
