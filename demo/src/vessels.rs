//! Branching vessels that fill a space: grown once in three dimensions, cut by every slice.

use super::canvas::{Bounds, Canvas, blend, cover};
use super::noise::Rng;

/// A point in the patient, mm.
pub(crate) type Point = [f32; 3];

/// A piece of vessel between two points.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Segment {
    pub(crate) from: Point,
    pub(crate) to: Point,
    pub(crate) radius_mm: f32,
}

/// Grows a tree from `root` so that its tips reach every one of `targets`: each branch walks towards the middle of
/// its targets, then splits them in two along their widest axis.
pub(crate) fn grow(root: Point, targets: &mut [Point], radius_mm: f32, rng: &mut Rng) -> Vec<Segment> {
    let mut segments = Vec::with_capacity(2 * targets.len());
    branch(root, targets, radius_mm, rng, &mut segments);
    segments
}

fn branch(from: Point, targets: &mut [Point], radius_mm: f32, rng: &mut Rng, out: &mut Vec<Segment>) {
    let middle = centroid(targets);
    if targets.len() <= 1 {
        out.extend(targets.first().map(|tip| Segment { from, to: *tip, radius_mm }));
        return;
    }
    let step = rng.uniform(0.35, 0.55);
    let jitter = distance(from, middle) * 0.08;
    let to: Point =
        std::array::from_fn(|axis| blend(from[axis], middle[axis], step) + rng.uniform(-jitter, jitter));
    out.push(Segment { from, to, radius_mm });

    let axis = widest_axis(targets, middle);
    targets.sort_by(|a, b| a[axis].total_cmp(&b[axis]));
    let count = targets.len() as f32;
    let cut = (count * rng.uniform(0.35, 0.65)).clamp(1.0, count - 1.0) as usize;
    let (low, high) = targets.split_at_mut(cut);
    for half in [low, high] {
        // Murray's law: the cubes of the branches' radii add up to the cube of the stem's.
        let share = half.len() as f32 / count;
        let child_mm = (radius_mm * share.cbrt()).max(0.35);
        branch(to, half, child_mm, rng, out);
    }
}

fn centroid(points: &[Point]) -> Point {
    std::array::from_fn(|axis| points.iter().map(|p| p[axis]).sum::<f32>() / points.len().max(1) as f32)
}

fn widest_axis(points: &[Point], middle: Point) -> usize {
    let spread = |axis: usize| points.iter().map(|p| (p[axis] - middle[axis]).powi(2)).sum::<f32>();
    (0..3).max_by(|a, b| spread(*a).total_cmp(&spread(*b))).unwrap_or(0)
}

fn distance(a: Point, b: Point) -> f32 {
    (0..3).map(|axis| (a[axis] - b[axis]).powi(2)).sum::<f32>().sqrt()
}

/// Paints where the plane at `z_mm` cuts the vessels. `thickness_mm` is the slice's: what is thinner shows fainter.
pub(crate) fn paint_cut(
    canvas: &mut Canvas,
    segments: &[Segment],
    z_mm: f32,
    thickness_mm: f32,
    shade: impl Fn(f32, f32) -> f32,
) {
    for segment in segments {
        let reach = segment.radius_mm + thickness_mm / 2.0;
        let (low, high) = (segment.from[2].min(segment.to[2]), segment.from[2].max(segment.to[2]));
        if z_mm < low - reach || z_mm > high + reach {
            continue;
        }
        let z_closest = z_mm.clamp(low, high);
        let pad = segment.radius_mm + 1.0;
        let span = |axis: usize| {
            let (a, b) = (segment.from[axis], segment.to[axis]);
            (a.min(b) - pad, a.max(b) + pad)
        };
        let bounds = Bounds { x: span(0), y: span(1) };
        let faint = (2.0 * segment.radius_mm / thickness_mm).clamp(0.25, 1.0);
        canvas.paint(bounds, |x, y, under| {
            let d = distance_to([x, y, z_mm + 0.3 * (z_closest - z_mm)], segment);
            if d > pad { under } else { blend(under, shade(x, y), faint * cover(d - segment.radius_mm)) }
        });
    }
}

/// Millimetres from a point to the middle line of a segment.
fn distance_to(point: Point, segment: &Segment) -> f32 {
    let along: Point = std::array::from_fn(|axis| segment.to[axis] - segment.from[axis]);
    let offset: Point = std::array::from_fn(|axis| point[axis] - segment.from[axis]);
    let dot = |a: &Point, b: &Point| a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
    let t = (dot(&along, &offset) / dot(&along, &along).max(1e-6)).clamp(0.0, 1.0);
    let nearest: Point = std::array::from_fn(|axis| segment.from[axis] + t * along[axis]);
    distance(point, nearest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_reaches_every_target_and_thins_towards_its_tips() {
        let mut rng = Rng::new(3, 3);
        let targets: Vec<Point> =
            (0..60).map(|_| std::array::from_fn(|_| rng.uniform(-50.0, 50.0))).collect();
        let segments = grow([0.0; 3], &mut targets.clone(), 6.0, &mut rng);
        for target in &targets {
            let tip = segments.iter().find(|s| s.to == *target);
            assert!(tip.is_some_and(|s| s.radius_mm < 3.0), "no thin tip at {target:?}");
        }
    }
}
