//! The value of one point of a plane: between the samples around it, and through the slab.
//!
//! A value of a slice lies between the four samples around, one between slices between the two around. What of them is padding, and
//! what lies beside the volume, takes no part. Through a slab values are taken where they may turn: in the middles of samples.

use super::{Plane, Projection, RenderError, Slice, SlicePlace, Volume};

/// Places of a ray that does not go along an axis, for each sample that it passes.
const OBLIQUE_PLACES: f64 = 2.0;
/// Places of one ray.
const RAY_PLACES_MAX: usize = 8192;
/// Samples beside its axis that a ray may come to: cosines are rounded as they are written.
const ASTRAY_MAX: f64 = 1e-2;
/// Parts of a sample that are none.
const NOTHING: f64 = 1e-9;

/// A value, and how much of what it is made of is picture, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    pub(crate) value: f64,
    pub(crate) weight: f64,
}

const NONE: Point = Point { value: 0.0, weight: 0.0 };

/// Sums of values times their weights, and of weights.
#[derive(Clone, Copy, Default)]
struct Sum {
    value: f64,
    weight: f64,
}

impl Sum {
    fn add(&mut self, times: f64, other: Sum) {
        self.value += times * other.value;
        self.weight += times * other.weight;
    }

    fn point(self) -> Point {
        if self.weight > 0.0 { Point { value: self.value / self.weight, weight: self.weight } } else { NONE }
    }
}

/// The two slices around a place along the normal, and how near it is to the second.
#[derive(Clone, Copy)]
struct Around<'v> {
    before: &'v Slice,
    after: &'v Slice,
    part: f64,
}

impl Volume {
    /// What is at the pixels of the picture, row by row from the upper left.
    ///
    /// # Errors
    /// [`RenderError::InvalidRequest`] for a volume without all of its slices.
    pub(crate) fn points(&self) -> Result<Vec<Point>, RenderError> {
        if self.slices.is_empty() || self.slices.len() != self.places.len() {
            return Err(RenderError::invalid_request("slices", "are not all there"));
        }
        let Plane { rows, columns, .. } = self.plane;
        let ray = Ray::of(&self.plane, &self.places);
        let pixels = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
        Ok(pixels.map(|(row, column)| self.pixel(&ray, f64::from(row), f64::from(column))).collect())
    }

    fn pixel(&self, ray: &Ray, row: f64, column: f64) -> Point {
        let points = f64::from(self.plane.points);
        let mut sum = Sum::default();
        for y in 0..self.plane.points {
            for x in 0..self.plane.points {
                let right = column + (f64::from(x) + 0.5) / points;
                let below = row + (f64::from(y) + 0.5) / points;
                let Point { value, weight } = self.through(ray, self.plane.place(right, below));
                sum.add(1.0, Sum { value: value * weight, weight });
            }
        }
        let Point { value, weight } = sum.point();
        Point { value, weight: (weight / points.powi(2)).min(1.0) }
    }

    /// The value of the slab at a place of the plane.
    fn through(&self, ray: &Ray, middle: [f64; 3]) -> Point {
        let Some(axis) = ray.along else {
            return match ray.step_count {
                0 => self.at(middle).point(),
                steps => self.oblique(ray, middle, steps),
            };
        };
        let half = self.plane.through[axis].abs() / 2.0;
        let (mut from, mut to) = (middle[axis] - half, middle[axis] + half);
        if axis == 2 {
            (from, to) = (from.max(self.plane.along[0]), to.min(self.plane.along[1]));
            if from > to {
                return NONE;
            }
        }
        // One pair of slices for all of it, where it does not go along their normal.
        let around = if axis == 2 { None } else { self.around(middle[2]) };
        if axis != 2 && around.is_none() {
            return NONE;
        }
        let value_at = |at: f64| {
            let mut place = middle;
            place[axis] = at;
            match around {
                Some(around) => around.at([place[0], place[1]]),
                None => self.at(place),
            }
        };
        let mut gathered = Gathered::from(self.plane.projection, value_at(from));
        while from < to {
            let next = self.next_middle(axis, around, from).min(to);
            // Far beyond all numbers of samples nothing is next.
            if next <= from {
                break;
            }
            gathered.go_on(next - from, value_at(next));
            from = next;
        }
        gathered.point()
    }

    fn oblique(&self, Ray { through, .. }: &Ray, middle: [f64; 3], steps: usize) -> Point {
        let place = |nth: usize| {
            let part = nth as f64 / steps as f64 - 0.5;
            std::array::from_fn(|axis| middle[axis] + part * through[axis])
        };
        let mut gathered = Gathered::from(self.plane.projection, self.at(place(0)));
        for nth in 1..=steps {
            gathered.go_on(1.0, self.at(place(nth)));
        }
        gathered.point()
    }

    /// Between all samples around a place.
    fn at(&self, [x, y, z]: [f64; 3]) -> Sum {
        self.around(z).map(|around| around.at([x, y])).unwrap_or_default()
    }

    /// `None` beside the volume. Up to its ends it is as its outermost slices are.
    fn around(&self, along: f64) -> Option<Around<'_>> {
        let [first, last] = self.plane.along;
        if !(first..=last).contains(&along) {
            return None;
        }
        let behind = self.slices.partition_point(|slice| slice.place.along <= along);
        let before = &self.slices[behind.saturating_sub(1)];
        let after = self.slices.get(behind).unwrap_or(before);
        let gap = after.place.along - before.place.along;
        let part = if gap > 0.0 { ((along - before.place.along) / gap).clamp(0.0, 1.0) } else { 0.0 };
        Some(Around { before, after, part })
    }

    /// The next middle of samples on an axis, of either slice `around`, whose middles may lie beside each other; without these along the
    /// normal. Between two of them values lie on a line.
    fn next_middle(&self, axis: usize, around: Option<Around<'_>>, from: f64) -> f64 {
        let Some(Around { before, after, .. }) = around else {
            let behind = self.slices.partition_point(|slice| slice.place.along <= from);
            return self.slices.get(behind).map_or(f64::INFINITY, |slice| slice.place.along);
        };
        let next = |slice: &Slice| {
            let moved = slice.place.moved[axis];
            let middle = (from - moved).floor() + 1.0 + moved;
            // What rounding makes of a middle is that middle.
            if middle > from + NOTHING { middle } else { middle + 1.0 }
        };
        next(before).min(next(after))
    }
}

impl Plane {
    fn place(&self, right: f64, below: f64) -> [f64; 3] {
        std::array::from_fn(|axis| {
            self.corner[axis] + right * self.to_right[axis] + below * self.to_below[axis]
        })
    }
}

/// How the rays through a slab go.
struct Ray {
    /// The only axis of the volume that they go along.
    along: Option<usize>,
    through: [f64; 3],
    /// Equal parts of a ray that goes along none; none of a plane without a slab.
    step_count: usize,
    /// Places at which a ray takes values, at most.
    place_count: u64,
}

/// Places at which values are taken for the picture of a plane through slices in these places, at most.
pub(super) fn place_count(plane: &Plane, places: &[SlicePlace]) -> u64 {
    let Plane { rows, columns, points, .. } = plane;
    let pixels = u64::from(*rows) * u64::from(*columns) * u64::from(*points).pow(2);
    pixels.saturating_mul(Ray::of(plane, places).place_count)
}

impl Ray {
    fn of(plane: &Plane, places: &[SlicePlace]) -> Self {
        let through = plane.through;
        let gap = match places {
            [first, .., last] => (last.along - first.along) / (places.len() - 1) as f64,
            _ => plane.along[1] - plane.along[0],
        };
        let samples = [through[0].abs(), through[1].abs(), through[2].abs() / gap];
        let axes: Vec<usize> = (0..3).filter(|axis| samples[*axis] > ASTRAY_MAX).collect();
        let longest = samples.iter().fold(0.0, |longest: f64, count| longest.max(*count));
        // Casts saturate.
        let steps = ((longest * OBLIQUE_PLACES).ceil() as usize).clamp(1, RAY_PLACES_MAX);
        // Of two slices that lie beside each other the middles do, too.
        let middles = if places.iter().any(|place| place.moved != [0.0; 2]) { 2 } else { 1 };
        let straight = |axis: usize| Self { along: Some(axis), through, step_count: 0, place_count: 0 };
        match axes[..] {
            [] => Self { along: None, through, step_count: 0, place_count: 1 },
            [2] => Self { place_count: places.len() as u64 + 2, ..straight(2) },
            [axis] => Self {
                place_count: (longest as u64).saturating_mul(middles).saturating_add(2),
                ..straight(axis)
            },
            _ => Self { along: None, through, step_count: steps, place_count: steps as u64 + 1 },
        }
    }
}

impl Around<'_> {
    fn at(&self, [x, y]: [f64; 2]) -> Sum {
        let mut sum = Sum::default();
        for (slice, weight) in [(self.before, 1.0 - self.part), (self.after, self.part)] {
            if weight > 0.0 {
                sum.add(weight, slice.at(x - slice.place.moved[0], y - slice.place.moved[1]));
            }
        }
        sum
    }
}

impl Slice {
    /// Between the four samples around; nothing beside the slice.
    fn at(&self, x: f64, y: f64) -> Sum {
        let (rows, columns) = self.size;
        let is_inside = |at: f64, count: u32| (-0.5..=f64::from(count) - 0.5).contains(&at);
        if !is_inside(x, columns) || !is_inside(y, rows) {
            return Sum::default();
        }
        let (left, top) = (x.floor(), y.floor());
        let (to_right, to_below) = (x - left, y - top);
        let mut sum = Sum::default();
        for (below, tall) in [(0.0, 1.0 - to_below), (1.0, to_below)] {
            for (right, wide) in [(0.0, 1.0 - to_right), (1.0, to_right)] {
                if tall * wide > 0.0 {
                    self.weigh(left + right, top + below, tall * wide, &mut sum);
                }
            }
        }
        sum
    }

    fn weigh(&self, column: f64, row: f64, weight: f64, sum: &mut Sum) {
        let (rows, columns) = self.size;
        let inside = |at: f64, count: u32| at.clamp(0.0, f64::from(count - 1)) as usize;
        let (column, row) = (inside(column, columns), inside(row, rows));
        let (Some(x), Some(y)) = (column.checked_sub(self.held.left), row.checked_sub(self.held.top)) else {
            return;
        };
        let wide = self.held.right - self.held.left;
        if x >= wide {
            return;
        }
        if let Some(value) = self.values.get(y * wide + x).filter(|value| !value.is_nan()) {
            sum.add(weight, Sum { value: f64::from(*value), weight: 1.0 });
        }
    }
}

/// What is gathered on the way through a slab.
struct Gathered {
    projection: Projection,
    sum: Sum,
    last: Sum,
    best: Point,
}

impl Gathered {
    fn from(projection: Projection, first: Sum) -> Self {
        Self { projection, sum: Sum::default(), last: first, best: first.point() }
    }

    /// The value after this length: what lies between is on a line.
    fn go_on(&mut self, length: f64, next: Sum) {
        self.sum.add(length / 2.0, self.last);
        self.sum.add(length / 2.0, next);
        self.last = next;
        let Point { value, weight } = next.point();
        if weight <= 0.0 {
            return;
        }
        let best = match self.projection {
            _ if self.best.weight <= 0.0 => value,
            Projection::Maximum => self.best.value.max(value),
            Projection::Minimum => self.best.value.min(value),
            Projection::Mean => self.best.value,
        };
        self.best = Point { value: best, weight: self.best.weight.max(weight) };
    }

    fn point(&self) -> Point {
        match self.projection {
            Projection::Mean if self.sum.weight > 0.0 => {
                Point { value: self.sum.value / self.sum.weight, ..self.best }
            }
            _ => self.best,
        }
    }
}
