//! The prediction of lossless JPEG, done again where the decoder's own is not enough (ITU-T T.81 H.1.2, H.2.1).
//!
//! Prediction plus difference is taken modulo 65,536, and vendors' encoders count on the precision to cut what is above
//! it. libjpeg-turbo keeps all 16 bits in its predictions. Cutting its result is right for predictors that add and
//! subtract alone, since that commutes with a modulus; predictors 5 to 7 halve, which does not. For those the
//! differences are recovered from a decode at 16 bits, and added up again under the right modulus.

use super::jpeg_markers::{LosslessScan, lossless_scans};
use crate::RenderError;

/// Cuts samples to the precision, where it is right to do so after prediction.
pub(crate) fn cut<T: Copy + std::ops::BitAndAssign + TryFrom<u32>>(samples: &mut [T], precision: u8) {
    if let Ok(mask) = T::try_from((1_u32 << precision.min(31)) - 1) {
        samples.iter_mut().for_each(|sample| *sample &= mask);
    }
}

/// A codestream whose prediction must be done again.
pub(crate) struct Prediction {
    precision: u8,
    scans: Vec<LosslessScan>,
}

impl Prediction {
    /// `None` where the decoder's own prediction will do.
    ///
    /// # Errors
    /// [`RenderError::Corrupt`] for scans that cannot be read, [`RenderError::Unsupported`] for components of several sizes.
    pub(crate) fn of(codestream: &[u8], precision: u8) -> Result<Option<Self>, RenderError> {
        let scans = lossless_scans(codestream);
        if scans.is_empty() {
            return Err(RenderError::corrupt("JPEG: no scan that can be read"));
        }
        // At 16 bits of samples the modulus is the decoder's own.
        let differs = |scan: &LosslessScan| precision.saturating_sub(scan.point_transform) < 16;
        let halves = |scan: &LosslessScan| (5..=7).contains(&scan.predictor);
        if !scans.iter().any(|scan| halves(scan) && differs(scan)) {
            return Ok(None);
        }
        if !scans.iter().all(|scan| scan.is_even) {
            return Err(RenderError::unsupported("lossless JPEG with components of several sizes"));
        }
        Ok(Some(Self { precision, scans }))
    }

    /// The codestream as one of 16 bits without point transform: its decoder cuts nothing.
    pub(crate) fn uncut(&self, codestream: &[u8]) -> Vec<u8> {
        let mut uncut = codestream.to_vec();
        for scan in &self.scans {
            uncut[scan.precision_at] = 16;
            uncut[scan.point_transform_at] &= 0xF0;
        }
        uncut
    }

    /// Replaces interleaved samples of [`Self::uncut`] by those of the codestream.
    pub(crate) fn redo(&self, samples: &mut [u16], columns: usize, component_count: usize) {
        for scan in &self.scans {
            for &component in scan.components.iter().filter(|&&component| component < component_count) {
                let precision = self.precision.saturating_sub(scan.point_transform).max(1);
                let mut plane = Plane::new(columns, scan, precision);
                for (row, samples) in samples.chunks_exact_mut(columns * component_count).enumerate() {
                    plane.redo_row(row, samples, component, component_count);
                }
            }
        }
    }
}

/// One component, a row at a time: the row before as the decoder has it, and as it should be.
struct Plane<'a> {
    scan: &'a LosslessScan,
    precision: u8,
    uncut: Vec<i32>,
    right: Vec<i32>,
}

impl<'a> Plane<'a> {
    fn new(columns: usize, scan: &'a LosslessScan, precision: u8) -> Self {
        Self { scan, precision, uncut: vec![0; columns], right: vec![0; columns] }
    }

    fn redo_row(&mut self, row: usize, samples: &mut [u16], component: usize, component_count: usize) {
        let restart_rows = self.scan.restart_interval / self.uncut.len().max(1);
        let is_first = if restart_rows == 0 { row == 0 } else { row.is_multiple_of(restart_rows) };
        let mask = (1 << self.precision) - 1;
        // Left and upper left, as the decoder has them and as they should be.
        let (mut uncut_a, mut uncut_c) = (1 << 15, 0);
        let (mut right_a, mut right_c) = (1 << (self.precision - 1), 0);
        let column_samples = samples.iter_mut().skip(component).step_by(component_count);
        for (column, sample) in column_samples.enumerate() {
            let (uncut_b, right_b) = (self.uncut[column], self.right[column]);
            let predictor = match (is_first, column) {
                (true, _) => 1,
                (false, 0) => 2,
                (false, _) => self.scan.predictor,
            };
            let uncut = i32::from(*sample);
            let difference = uncut - predicted(predictor, uncut_a, uncut_b, uncut_c);
            let right = (predicted(predictor, right_a, right_b, right_c) + difference) & mask;
            (uncut_a, uncut_c) = (uncut, uncut_b);
            (right_a, right_c) = (right, right_b);
            (self.uncut[column], self.right[column]) = (uncut, right);
            *sample = (right as u16) << self.scan.point_transform;
        }
    }
}

/// Table H.1 of T.81.
fn predicted(predictor: u8, a: i32, b: i32, c: i32) -> i32 {
    match predictor {
        1 => a,
        2 => b,
        3 => c,
        4 => a + b - c,
        5 => a + ((b - c) >> 1),
        6 => b + ((a - c) >> 1),
        _ => (a + b) >> 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_cut_to_the_precision() {
        let mut words = [0xF123_u16, 0x0FFF];
        cut(&mut words, 12);
        assert_eq!(words, [0x0123, 0x0FFF]);
        let mut bytes = [0xFF_u8, 0x1F];
        cut(&mut bytes, 5);
        assert_eq!(bytes, [0x1F, 0x1F]);
        let mut whole = [0xFFFF_u16];
        cut(&mut whole, 16);
        assert_eq!(whole, [0xFFFF]);
    }
}
