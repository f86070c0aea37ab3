//! Three numbers as one thing.

/// Along three axes.
pub(super) type Vector = [f64; 3];

pub(super) fn dot(one: Vector, other: Vector) -> f64 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}

pub(super) fn minus(one: Vector, other: Vector) -> Vector {
    std::array::from_fn(|axis| one[axis] - other[axis])
}

/// `one` and so many times `other`.
pub(super) fn plus(one: Vector, other: Vector, times: f64) -> Vector {
    std::array::from_fn(|axis| one[axis] + other[axis] * times)
}

pub(super) fn scaled(one: Vector, times: f64) -> Vector {
    one.map(|value| value * times)
}

pub(super) fn length(one: Vector) -> f64 {
    dot(one, one).sqrt()
}

pub(super) fn cross([a, b, c]: Vector, [d, e, f]: Vector) -> Vector {
    [b * f - c * e, c * d - a * f, a * e - b * d]
}
