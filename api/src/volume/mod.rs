//! The volume that frames of one series make together (PS3.3 C.7.6.2.1.1), or the sentence that says why they make none, and planes
//! through it. By the rules that the page has, which tests hold against it.
//!
//! A place in a volume is `[x, y, z]`: columns and rows counted from the middle of the first pixel of the first slice, and millimetres
//! from this slice along the normal. Each slice lies where its file says: neither equal distances nor one line through all are taken for
//! granted.
//!
//! What must not be here: samples (`worker::slot::slices`), who may see what, and HTTP.

mod plane;
mod slice;
mod vector;

pub(crate) use self::{
    plane::{Cut, Depicted, Eye, NoPlane, Side},
    slice::{Header, Slice, check_kind, check_placed, slices_of, tells_its_place},
};
use self::{
    slice::{Lies, placeless},
    vector::{Vector, dot, length, minus, scaled},
};

/// Of less nobody makes a volume.
const SLICES_MIN: usize = 3;
/// By which cosines of one orientation may differ, and lengths of one spacing, as a part of them.
const COSINE_APART_MAX: f64 = 1e-3;
const SPACING_APART_MAX: f64 = 1e-4;
/// Of the usual distance: nearer slices are at one place, farther ones have lost what was between them.
const NEAR_PART: f64 = 0.05;
const FAR_PART: f64 = 1.9;
/// Millimetres below which distances are none.
const NEAR_MM: f64 = 0.01;
/// Pixels by which positions may be off their line as they are written.
const ROUNDING_PIXELS: f64 = 0.01;
/// Degrees from which slices lie beside each other rather than one behind the other.
const TILT_MAX: f64 = 45.0;
/// The same from one slice to the next: some are moved by hand.
const TILT_STEP_MAX: f64 = 80.0;
/// Millimetres from the origin in which there are patients, and of which pixels are.
const FAR_MM: f64 = 1e6;
const PIXEL_MM: std::ops::RangeInclusive<f64> = 1e-4..=1e4;

/// Slices that lie one behind the other.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Volume {
    /// By their place along the normal.
    placed: Vec<Placed>,
    /// Middle of the first pixel of the first slice, in the patient.
    origin: Vector,
    /// Directions of rows, of columns, and the normal, each of length one.
    axes: [Vector; 3],
    /// Millimetres for one of each coordinate.
    units: Vector,
    /// Millimetres between samples.
    spacing: Vector,
    /// From where to where there are samples: half a pixel, and half a distance, beyond the middles of the outermost.
    reach: [[f64; 2]; 3],
}

/// Where a slice lies.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Placed {
    /// Its place in the list that the volume was made of.
    nth: usize,
    along: f64,
    /// Columns and rows beside the first slice.
    moved: [f64; 2],
}

impl Volume {
    /// The volume of these slices.
    ///
    /// # Errors
    /// Why they make none.
    pub(crate) fn of(slices: &[Slice]) -> Result<Self, String> {
        if slices.len() < SLICES_MIN {
            return Err(format!("it has {} slices, and {SLICES_MIN} are the least", slices.len()));
        }
        let lies = slices.iter().enumerate().map(|(nth, slice)| lies_of(slice, nth));
        let lies: Vec<Lies> = lies.collect::<Result<_, _>>()?;
        for (nth, other) in slices.iter().enumerate().skip(1) {
            check_like((&slices[0], &lies[0]), (other, &lies[nth]), nth)?;
        }
        let axes = axes_of(&lies[0]);
        let mut placed: Vec<Placed> =
            lies.iter().enumerate().map(|(nth, other)| placed_by(&lies[0], other, &axes, nth)).collect();
        placed.sort_by(|one, other| one.along.total_cmp(&other.along));
        check_gaps(&placed)?;
        let first = placed[0];
        for slice in &mut placed {
            slice.along -= first.along;
            slice.moved = [slice.moved[0] - first.moved[0], slice.moved[1] - first.moved[1]];
        }
        let volume = Self::built(placed, &slices[first.nth], &lies[first.nth], axes);
        let steps = volume.placed.windows(2).map(|pair| tilt(&pair[0], &pair[1], &volume.units));
        if volume.tilt() > TILT_MAX || steps.into_iter().any(|tilt| tilt > TILT_STEP_MAX) {
            return Err("its slices lie beside each other rather than one behind the other".to_owned());
        }
        Ok(volume)
    }

    fn built(mut placed: Vec<Placed>, first: &Slice, lies: &Lies, axes: [Vector; 3]) -> Self {
        if placed.iter().all(|slice| slice.moved[0].hypot(slice.moved[1]) <= ROUNDING_PIXELS) {
            placed.iter_mut().for_each(|slice| slice.moved = [0.0; 2]);
        }
        let last = placed[placed.len() - 1].along;
        let gap_at = |nth: usize| placed[nth + 1].along - placed[nth].along;
        let [tall, wide] = lies.spacing;
        let ends = |axis: usize, count: u32| {
            let moved = placed.iter().map(|slice| slice.moved[axis]);
            let (low, high) =
                moved.fold((0.0, 0.0), |(low, high): (f64, f64), at| (low.min(at), high.max(at)));
            [low - 0.5, high + f64::from(count) - 0.5]
        };
        let reach = [
            ends(0, first.columns),
            ends(1, first.rows),
            [-gap_at(0) / 2.0, last + gap_at(placed.len() - 2) / 2.0],
        ];
        let spacing = [wide, tall, last / (placed.len() - 1) as f64];
        Self { origin: lies.position, axes, units: [wide, tall, 1.0], spacing, reach, placed }
    }

    /// Degrees between the normal and the line from the first slice to the last.
    fn tilt(&self) -> f64 {
        tilt(&self.placed[0], &self.placed[self.placed.len() - 1], &self.units)
    }

    /// The slice in the middle, by its place in the list that the volume was made of.
    pub(crate) fn middle(&self) -> usize {
        self.placed[self.placed.len() / 2].nth
    }

    /// The place in the middle of all samples.
    fn center(&self) -> Vector {
        self.reach.map(|[first, last]| f64::midpoint(first, last))
    }

    /// A point of the patient, in millimetres, as a place.
    fn place_of(&self, point: Vector) -> Vector {
        self.along_axes(minus(point, self.origin))
    }

    /// A way in the patient, in millimetres, in columns, rows, and millimetres along the normal.
    fn along_axes(&self, way: Vector) -> Vector {
        std::array::from_fn(|axis| dot(way, self.axes[axis]) / self.units[axis])
    }
}

/// Degrees between the normal and the way from one slice to another.
fn tilt(one: &Placed, other: &Placed, units: &Vector) -> f64 {
    let beside = |axis: usize| (other.moved[axis] - one.moved[axis]) * units[axis];
    beside(0).hypot(beside(1)).atan2(other.along - one.along).to_degrees()
}

/// Rows, columns and normal, each of length one, and at right angles where cosines are rounded as they are written.
fn axes_of(lies: &Lies) -> [Vector; 3] {
    let unit = |axis: Vector| scaled(axis, 1.0 / length(axis));
    let row = unit(lies.row);
    let normal = unit(vector::cross(row, lies.column));
    [row, vector::cross(normal, row), normal]
}

fn lies_of(slice: &Slice, nth: usize) -> Result<Lies, String> {
    let number = nth + 1;
    let lies = slice.lies.as_ref();
    let lies = lies.ok_or_else(|| placeless(number))?;
    let off =
        [dot(lies.row, lies.row) - 1.0, dot(lies.column, lies.column) - 1.0, dot(lies.row, lies.column)];
    if off.iter().any(|off| off.abs() > COSINE_APART_MAX) {
        return Err(placeless(number));
    }
    if lies.position.iter().any(|millimetres| millimetres.abs() > FAR_MM) {
        return Err(placeless(number));
    }
    if lies.spacing.iter().any(|millimetres| !PIXEL_MM.contains(millimetres)) {
        return Err(format!("slice {number} does not say how large its pixels are"));
    }
    Ok(lies.clone())
}

/// Why the slice at `nth` is not of the volume that the first one is of.
fn check_like(
    (one, lies): (&Slice, &Lies),
    (other, others): (&Slice, &Lies),
    nth: usize,
) -> Result<(), String> {
    let is_apart = |one: &[f64], other: &[f64], most: f64| {
        one.iter().zip(other).any(|(one, other)| (one - other).abs() > most)
    };
    let spacing_most = SPACING_APART_MAX * lies.spacing[0];
    let differs = if is_apart(&lies.row, &others.row, COSINE_APART_MAX)
        || is_apart(&lies.column, &others.column, COSINE_APART_MAX)
    {
        "their orientation"
    } else if (one.rows, one.columns) != (other.rows, other.columns) {
        "their size"
    } else if is_apart(&lies.spacing, &others.spacing, spacing_most) {
        "their pixel spacing"
    } else if one.space != other.space {
        "their Frame of Reference UID"
    } else if one.unit.as_deref().unwrap_or_default() != other.unit.as_deref().unwrap_or_default() {
        "the unit of their values"
    } else if one.is_inverted != other.is_inverted {
        "what of them is white"
    } else if one.other_patient != other.other_patient {
        "their patient"
    } else {
        return Ok(());
    };
    Err(format!("slices 1 and {} differ in {differs}", nth + 1))
}

/// From one slice to another, with one normal for all: what is written of it differs in its last digit, which counts far from the origin.
fn placed_by(one: &Lies, other: &Lies, axes: &[Vector; 3], nth: usize) -> Placed {
    let way = minus(other.position, one.position);
    let [tall, wide] = one.spacing;
    Placed { nth, along: dot(way, axes[2]), moved: [dot(way, axes[0]) / wide, dot(way, axes[1]) / tall] }
}

fn check_gaps(placed: &[Placed]) -> Result<(), String> {
    let gaps: Vec<f64> = placed.windows(2).map(|pair| pair[1].along - pair[0].along).collect();
    let mut sorted = gaps.clone();
    sorted.sort_by(f64::total_cmp);
    let usual = sorted[sorted.len() / 2];
    let between = |at: usize| {
        let (one, other) = (placed[at].nth + 1, placed[at + 1].nth + 1);
        (one.min(other), one.max(other))
    };
    if let Some(at) = gaps.iter().position(|gap| *gap <= (NEAR_PART * usual).max(NEAR_MM)) {
        let (one, other) = between(at);
        return Err(format!("several slices lie at one place, such as {one} and {other}"));
    }
    if let Some(at) = gaps.iter().position(|gap| *gap > FAR_PART * usual) {
        let (one, other) = between(at);
        let gap = gaps[at];
        return Err(format!(
            "between slices {one} and {other} are {gap:.2} mm, where {usual:.2} mm are usual: slices are missing"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
