//! The inside of a linear window as a straight line in 32-bit arithmetic, which compilers turn into vectors.
//! A table of 64 KB costs three times as much. The line is only used after it has given, for every stored value inside the
//! window, the byte that the formula gives; so it cannot differ.

/// Values inside a window at most: each is tried before the line is used.
pub(super) const WIDTH_MAX: i32 = 6_000;

/// Adding 1.5 x 2^23 leaves the rounded value in the low bits of an f32, negative ones too.
const ROUNDING: f32 = 12_582_912.0;

/// Shown value = `gain` x distance + `offset`, rounded, for the distance of a stored value from the first inside.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ramp {
    pub(super) first: i32,
    pub(super) width: i16,
    pub(super) gain: f32,
    pub(super) offset: f32,
}

impl Ramp {
    #[inline(always)]
    fn at(self, distance: i16) -> u8 {
        let shown = f32::from(distance) * self.gain + self.offset;
        ((shown + ROUNDING).to_bits() as i16).clamp(0, 255) as u8
    }

    /// Whether the line gives what `formula` gives on every stored value inside.
    pub(super) fn agrees_with(self, formula: impl Fn(i32) -> u8) -> bool {
        // Beyond this the sum would leave the range in which rounding by addition works.
        let end = f32::from(self.width) * self.gain + self.offset;
        self.offset.abs() < 30_000.0
            && end.abs() < 30_000.0
            && (0..=self.width).all(|distance| self.at(distance) == formula(self.first + i32::from(distance)))
    }

    pub(super) fn show_i16(self, values: &[i16]) -> Vec<u8> {
        show_i16(self, values)
    }

    pub(super) fn show_u16(self, values: &[u16]) -> Vec<u8> {
        show_u16(self, values)
    }
}

#[multiversion::multiversion(targets("x86_64+avx2"))]
fn show_i16(ramp: Ramp, values: &[i16]) -> Vec<u8> {
    let first = ramp.first as i16;
    values.iter().map(|value| ramp.at(value.saturating_sub(first).max(0).min(ramp.width))).collect()
}

#[multiversion::multiversion(targets("x86_64+avx2"))]
fn show_u16(ramp: Ramp, values: &[u16]) -> Vec<u8> {
    let (first, width) = (ramp.first as u16, ramp.width.cast_unsigned());
    values.iter().map(|value| ramp.at(value.saturating_sub(first).min(width).cast_signed())).collect()
}
