//! What the place of an instance in its series is told by, and how its columns hold it.

/// Bytes of a plane in its column: nine doubles.
const PLANE_BYTES: usize = 72;
/// Length below which a cross product of direction cosines is that of parallel or zero vectors.
const NORMAL_LENGTH_MIN: f64 = 1e-6;

/// The facts of one instance that decide its place. Absent ones are `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct OrderFacts {
    /// Where its plane lies.
    pub plane: Option<Plane>,
    /// Temporal Position Identifier (0020,0100), or Temporal Position Index (0020,9128).
    pub temporal_position: Option<i32>,
    /// Trigger Time (0018,1060), in ms.
    pub trigger_time: Option<f64>,
    /// Acquisition Number (0020,0012).
    pub acquisition_number: Option<i32>,
    /// Slice Location (0020,1041), in mm.
    pub slice_location: Option<f64>,
}

/// The plane of an instance in the patient coordinate system (PS3.3 C.7.6.2.1.1).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plane {
    position: [f64; 3],
    orientation: [f64; 6],
}

impl Plane {
    /// Of Image Position (Patient), in mm, and Image Orientation (Patient), the cosines of rows then columns. `None`
    /// for values that are not finite or span no plane.
    #[must_use]
    pub fn new(position: [f64; 3], orientation: [f64; 6]) -> Option<Self> {
        let finite = position.iter().chain(&orientation).all(|value| value.is_finite());
        let plane = Self { position, orientation };
        (finite && cross(orientation).1 >= NORMAL_LENGTH_MIN).then_some(plane)
    }

    /// Unit vector along the cross product of the row and column cosines.
    pub(super) fn normal(&self) -> [f64; 3] {
        let (normal, length) = cross(self.orientation);
        normal.map(|component| component / length)
    }

    /// Where it lies along `direction`, in mm.
    pub(super) fn position_along(&self, direction: [f64; 3]) -> f64 {
        self.position.iter().zip(direction).map(|(position, direction)| position * direction).sum()
    }

    /// Whether no direction cosine differs by more than `tolerance`.
    pub(super) fn is_oriented_as(&self, other: &Plane, tolerance: f64) -> bool {
        self.orientation.iter().zip(other.orientation).all(|(mine, other)| (mine - other).abs() <= tolerance)
    }

    /// Position, then cosines, little-endian.
    pub(super) fn pack(&self) -> Vec<u8> {
        self.position.iter().chain(&self.orientation).flat_map(|value| value.to_le_bytes()).collect()
    }

    /// `None` for bytes that [`pack`](Self::pack) did not write.
    pub(super) fn unpack(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; PLANE_BYTES] = bytes.try_into().ok()?;
        let (values, _) = bytes.as_chunks::<8>();
        let value = |at: usize| f64::from_le_bytes(values[at]);
        Self::new([0, 1, 2].map(value), [3, 4, 5, 6, 7, 8].map(value))
    }
}

/// Cross product of row and column cosines, and its length.
fn cross([rx, ry, rz, cx, cy, cz]: [f64; 6]) -> ([f64; 3], f64) {
    let product = [ry * cz - rz * cy, rz * cx - rx * cz, rx * cy - ry * cx];
    let length = product.iter().map(|component| component * component).sum::<f64>().sqrt();
    (product, length)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AXIAL: [f64; 6] = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];
    const CORONAL: [f64; 6] = [1.0, 0.0, 0.0, 0.0, 0.0, -1.0];

    #[test]
    fn a_slice_lies_where_its_normal_says() {
        for (position, orientation, along) in
            [([-180.0, -180.0, 42.5], AXIAL, 42.5), ([-180.0, 17.0, 42.5], CORONAL, 17.0)]
        {
            let plane = Plane::new(position, orientation).expect("a plane");
            assert_eq!(plane.position_along(plane.normal()), along);
        }
    }

    #[test]
    fn what_spans_no_plane_is_none() {
        assert_eq!(Plane::new([1.0, 2.0, 3.0], [0.0; 6]), None);
        assert_eq!(Plane::new([1.0, 2.0, 3.0], [1.0, 0.0, 0.0, 1.0, 0.0, 0.0]), None);
        assert_eq!(Plane::new([1.0, f64::NAN, 3.0], AXIAL), None);
    }

    #[test]
    fn a_plane_reads_back_from_its_column() {
        let plane = Plane::new([-180.25, 17.0, 1e-9], CORONAL).expect("a plane");
        let packed = plane.pack();
        assert_eq!(Plane::unpack(&packed), Some(plane));
        assert_eq!(Plane::unpack(&packed[1..]), None);
        assert_eq!(Plane::unpack(&[0; 72]), None);
    }
}
