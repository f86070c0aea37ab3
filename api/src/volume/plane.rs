//! Planes through a volume: from how somebody looks at the patient (PS3.18 8.3.5.3) to the pixels of a picture.

use noctis_shared::{
    request::SIDE_PIXELS_MAX,
    volume_plane::{Projection, VolumePlane},
};

use super::{
    Volume,
    vector::{Vector, cross, dot, length, minus, plus, scaled},
};

/// Points to each side of a pixel, where the picture is smaller than its samples.
const POINTS_MAX: f64 = 4.0;
/// Directions that are farther from each other than this, as a part of their length, are two.
const ALONG: f64 = 1e-9;

/// From where the patient is seen (PS3.18 8.3.5.3.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Anterior,
    Posterior,
    Right,
    Left,
    Head,
    Feet,
}

impl Side {
    /// The way the eye looks, and what is up, in the patient, whose axes lead to the left, to the back and to the head.
    fn directions(self) -> (Vector, Vector) {
        const UP: Vector = [0.0, 0.0, 1.0];
        const FRONT: Vector = [0.0, -1.0, 0.0];
        match self {
            Self::Anterior => ([0.0, 1.0, 0.0], UP),
            Self::Posterior => (FRONT, UP),
            Self::Right => ([1.0, 0.0, 0.0], UP),
            Self::Left => ([-1.0, 0.0, 0.0], UP),
            Self::Head => ([0.0, 0.0, -1.0], FRONT),
            Self::Feet => (UP, FRONT),
        }
    }
}

/// From where, and at what, somebody looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Eye {
    /// At the plane in the middle of the volume, along the axis of the volume that is nearest to the way from this side.
    From(Side),
    /// At the plane through `at`, from `position`, both points of the patient in millimetres; `up` is a direction.
    Placed { position: Vector, at: Vector, up: Vector },
}

/// What is cut out of a volume, and shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Cut {
    pub(crate) eye: Eye,
    /// Millimetres of the slab; none of it is a plane.
    pub(crate) thickness: f64,
    pub(crate) projection: Projection,
    /// The box that the picture fills, in pixels.
    pub(crate) viewport: Option<(u32, u32)>,
}

/// Why a cut has no picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoPlane {
    /// From where it is looked at.
    Eye(&'static str),
    /// How large it is.
    Size(&'static str),
}

/// The picture of a cut, and what of the volume it is made of.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Depicted {
    /// The slices that it touches: their places in the list that the volume was made of, along the normal, and beside the first.
    pub(crate) touched: Vec<(usize, f64, [f64; 2])>,
    /// How it lies among them; their files are named by who knows them.
    pub(crate) plane: VolumePlane,
}

/// How a plane lies, in the patient: a point of it, and three directions of length one.
#[derive(Debug, Clone, Copy)]
struct Lay {
    at: Vector,
    right: Vector,
    below: Vector,
    through: Vector,
}

impl Volume {
    /// The picture of a cut; all of the volume that lies in its plane is in it.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) fn depict(&self, cut: &Cut) -> Result<Depicted, NoPlane> {
        let lay = self.lay(cut.eye)?;
        let [left, right] = self.span(lay.right, lay.at);
        let [top, bottom] = self.span(lay.below, lay.at);
        let [front, back] = self.span(lay.through, lay.at);
        let half = cut.thickness / 2.0;
        if front >= half || back <= -half {
            return Err(NoPlane::Eye("looks beside the volume"));
        }
        // What of a slab lies before and behind the volume is nothing.
        let (front, back) = (front.max(-half), back.min(half));
        let pixel = self.pixel(&lay);
        let (columns, rows, step) = size((right - left, bottom - top), pixel, cut.viewport)?;
        let corner = plus(plus(lay.at, lay.right, left), lay.below, top);
        let (corner, through) = match cut.thickness > 0.0 {
            true => {
                (plus(corner, lay.through, f64::midpoint(front, back)), scaled(lay.through, back - front))
            }
            false => (corner, [0.0; 3]),
        };
        let plane = VolumePlane {
            slices: Vec::new(),
            along: self.reach[2],
            rows,
            columns,
            corner: self.place_of(corner),
            to_right: self.along_axes(scaled(lay.right, step)),
            to_below: self.along_axes(scaled(lay.below, step)),
            through: self.along_axes(through),
            projection: cut.projection,
            // In range: 1 to 4.
            points: (step / pixel - 0.01).ceil().clamp(1.0, POINTS_MAX) as u8,
        };
        let touched = self.touched(&plane);
        match touched.is_empty() {
            true => Err(NoPlane::Eye("looks beside the volume")),
            false => Ok(Depicted { touched, plane }),
        }
    }

    fn lay(&self, eye: Eye) -> Result<Lay, NoPlane> {
        match eye {
            Eye::From(side) => Ok(self.lay_from(side)),
            Eye::Placed { position, at, up } => {
                let way = minus(at, position);
                if length(way) <= ALONG || length(up) <= ALONG {
                    let takes = "takes a place to look from, another one to look at, and what is up";
                    return Err(NoPlane::Eye(takes));
                }
                let through = scaled(way, 1.0 / length(way));
                let right = cross(through, scaled(up, 1.0 / length(up)));
                if length(right) <= 1e-6 {
                    return Err(NoPlane::Eye(
                        "takes another direction for up than the one that is looked in",
                    ));
                }
                let right = scaled(right, 1.0 / length(right));
                Ok(Lay { at, right, below: cross(through, right), through })
            }
        }
    }

    /// Along the axes of the volume that are the nearest to those of the patient, through a middle of samples. Slices of which the patient is
    /// seen from the feet stay as they were made.
    fn lay_from(&self, side: Side) -> Lay {
        let (through, up) = side.directions();
        let named = self.named_axes();
        let along = |way: Vector| {
            let of_patient = (0..3).find(|axis| way[*axis] != 0.0).unwrap_or(0);
            let (axis, sign) = named[of_patient];
            (axis, sign * way[of_patient])
        };
        let direction = |(axis, sign): (usize, f64)| scaled(self.axes[axis], sign);
        let looks = along(through);
        let is_as_acquired = side == Side::Feet && looks == (2, 1.0);
        let (right, below) = match is_as_acquired {
            true => ((0, 1.0), (1, 1.0)),
            false => (along(cross(through, up)), along(scaled(up, -1.0))),
        };
        let mut middle = self.center();
        middle[looks.0] = self.middle_of_samples(looks.0);
        let way =
            (0..3).fold([0.0; 3], |way, axis| plus(way, self.axes[axis], middle[axis] * self.units[axis]));
        Lay {
            at: plus(self.origin, way, 1.0),
            right: direction(right),
            below: direction(below),
            through: direction(looks),
        }
    }

    /// The middle of samples in the middle of an axis: of an even number the one behind it.
    fn middle_of_samples(&self, axis: usize) -> f64 {
        match axis {
            2 => self.placed[self.placed.len() / 2].along,
            _ => {
                let [first, last] = self.reach[axis];
                first.ceil() + ((last.floor() - first.ceil() + 1.0) / 2.0).floor()
            }
        }
    }

    /// The axis of the volume for each of the patient, and whether it leads the same way: those that agree the most together.
    fn named_axes(&self) -> [(usize, f64); 3] {
        const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        let agreement = |order: &[usize; 3]| -> f64 {
            order.iter().enumerate().map(|(of_patient, axis)| self.axes[*axis][of_patient].abs()).sum()
        };
        let better = |one: [usize; 3], other: [usize; 3]| {
            if agreement(&other) > agreement(&one) + ALONG { other } else { one }
        };
        let best = ORDERS.into_iter().reduce(better).unwrap_or(ORDERS[0]);
        std::array::from_fn(|of_patient| {
            let axis = best[of_patient];
            (axis, if self.axes[axis][of_patient] < 0.0 { -1.0 } else { 1.0 })
        })
    }

    /// From where to where the volume reaches in a direction, in millimetres from a point.
    fn span(&self, direction: Vector, from: Vector) -> [f64; 2] {
        let corners = (0..8).map(|nth| {
            let place: Vector = std::array::from_fn(|axis| self.reach[axis][(nth >> axis) & 1]);
            let way =
                (0..3).fold([0.0; 3], |way, axis| plus(way, self.axes[axis], place[axis] * self.units[axis]));
            dot(minus(plus(self.origin, way, 1.0), from), direction)
        });
        corners.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], at| [low.min(at), high.max(at)])
    }

    /// Millimetres of a pixel that is as large as samples are: the smaller of those along the picture, where it goes along axes.
    fn pixel(&self, lay: &Lay) -> f64 {
        let along = |direction: Vector| {
            (0..3)
                .find(|axis| 1.0 - dot(direction, self.axes[*axis]).abs() <= 1e-6)
                .map(|axis| self.spacing[axis])
        };
        match (along(lay.right), along(lay.below)) {
            (Some(right), Some(below)) => right.min(below),
            _ => self.spacing.into_iter().fold(f64::INFINITY, f64::min),
        }
    }

    /// The slices between which values of the cut lie.
    fn touched(&self, cut: &VolumePlane) -> Vec<(usize, f64, [f64; 2])> {
        let corners = (0..8).map(|nth| {
            let right = if nth & 1 == 0 { 0.0 } else { f64::from(cut.columns) * cut.to_right[2] };
            let below = if nth & 2 == 0 { 0.0 } else { f64::from(cut.rows) * cut.to_below[2] };
            let through = cut.through[2] * if nth & 4 == 0 { -0.5 } else { 0.5 };
            cut.corner[2] + right + below + through
        });
        let (first, last) =
            corners.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), at| (low.min(at), high.max(at)));
        if last < self.reach[2][0] || first > self.reach[2][1] {
            return Vec::new();
        }
        // What rounding makes of a middle touches the one beside it.
        let from = self.placed.partition_point(|slice| slice.along <= first - ALONG).saturating_sub(1);
        let to = self.placed.partition_point(|slice| slice.along < last + ALONG);
        let to = (to + 1).min(self.placed.len());
        self.placed[from..to].iter().map(|slice| (slice.nth, slice.along, slice.moved)).collect()
    }
}

/// Columns and rows of a picture of so many millimetres, and the millimetres of its pixels.
fn size(
    (wide, tall): (f64, f64),
    pixel: f64,
    viewport: Option<(u32, u32)>,
) -> Result<(u32, u32, f64), NoPlane> {
    let step = match viewport {
        Some((columns, rows)) => (wide / f64::from(columns)).max(tall / f64::from(rows)),
        None => pixel,
    };
    // A millionth of a pixel more is none.
    let count = |millimetres: f64| (millimetres / step - 1e-6).ceil().max(1.0);
    let (columns, rows) = (count(wide), count(tall));
    if columns.max(rows) > f64::from(SIDE_PIXELS_MAX) {
        return Err(NoPlane::Size("is needed: the picture would be too large"));
    }
    // In range.
    Ok((columns as u32, rows as u32, step))
}
