//! What is inside of a closed polygon, by even and odd crossings of its border.

use super::Point;

/// The parts of a line at the height `y` that are inside of a polygon, from the left to the right end of each. The border is
/// inside, corners and level edges too.
pub(crate) fn inside_at(outline: &[Point], y: f64) -> Vec<(f64, f64)> {
    let mut crossings = Vec::new();
    let mut parts = Vec::new();
    let ends = outline.iter().copied().zip(outline.iter().copied().cycle().skip(1));
    for (from, to) in ends {
        if (from.y <= y) != (to.y <= y) {
            crossings.push(from.x + (y - from.y) / (to.y - from.y) * (to.x - from.x));
        }
        if from.y == y {
            let end = if to.y == y { to.x } else { from.x };
            parts.push((from.x.min(end), from.x.max(end)));
        }
    }
    crossings.sort_by(f64::total_cmp);
    parts.extend(crossings.as_chunks::<2>().0.iter().map(|&[from, to]| (from, to)));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_inside(outline: &[(f64, f64)], x: f64, y: f64) -> bool {
        let outline: Vec<Point> = outline.iter().map(|&(x, y)| Point { x, y }).collect();
        inside_at(&outline, y).iter().any(|&(from, to)| from <= x && x <= to)
    }

    #[test]
    fn the_border_of_a_rectangle_is_inside() {
        let rectangle = [(1.0, 1.0), (5.0, 1.0), (5.0, 3.0), (1.0, 3.0)];
        for (x, y) in [(1.0, 1.0), (3.0, 1.0), (5.0, 2.0), (3.0, 2.0), (5.0, 3.0), (2.0, 3.0)] {
            assert!(is_inside(&rectangle, x, y), "{x} {y}");
        }
        for (x, y) in [(0.9, 1.0), (3.0, 0.9), (5.1, 2.0), (3.0, 3.1)] {
            assert!(!is_inside(&rectangle, x, y), "{x} {y}");
        }
    }

    #[test]
    fn a_bay_is_outside_and_a_corner_inside() {
        let bay = [(0.0, 0.0), (6.0, 0.0), (6.0, 4.0), (3.0, 1.0), (0.0, 4.0)];
        assert!(is_inside(&bay, 0.5, 3.0) && is_inside(&bay, 5.5, 3.0) && is_inside(&bay, 6.0, 4.0));
        assert!(!is_inside(&bay, 3.0, 3.0) && !is_inside(&bay, 3.0, 4.0));
    }

    #[test]
    fn what_has_no_corners_has_no_inside() {
        assert!(inside_at(&[], 0.0).is_empty());
        assert!(!is_inside(&[(1.0, 1.0)], 2.0, 1.0));
    }
}
