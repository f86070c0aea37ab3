//! Row filters (ISO/IEC 15948 clause 9): what is left of a pixel once its neighbours have predicted it.
//!
//! Written on bytes only, so that the compiler makes vectors of 16 or 32 of them out of each loop.

/// The filter-type byte of Paeth.
const PAETH: u8 = 4;
/// The filter-type byte of None.
const NONE: u8 = 0;

/// Appends one filtered row, filter-type byte first. `above` is the row before, or zeros for the first.
///
/// `BPP` is the bytes of a pixel; `row` and `above` have the same length.
pub(super) fn append_row<const BPP: usize>(row: &[u8], above: &[u8], filtered: &mut Vec<u8>) {
    let start = filtered.len();
    filtered.resize(start + 1 + row.len(), 0);
    let (kind, residuals) = filtered[start..].split_at_mut(1);
    // A black row is all zeros in every filter; the zero of None keeps the run of zeros whole across rows.
    if row[0] == 0 && row.iter().all(|&byte| byte == 0) && above.iter().all(|&byte| byte == 0) {
        kind[0] = NONE;
        return;
    }
    kind[0] = PAETH;
    paeth::<BPP>(row, above, residuals);
}

fn paeth<const BPP: usize>(row: &[u8], above: &[u8], residuals: &mut [u8]) {
    let first = BPP.min(row.len());
    for ((residual, &x), &up) in residuals.iter_mut().zip(row).zip(above).take(first) {
        *residual = x.wrapping_sub(up); // Without left neighbours Paeth predicts the pixel above.
    }
    let left = row.iter().zip(above);
    let here = row[first..].iter().zip(&above[first..]);
    for ((residual, (&x, &up)), (&left, &up_left)) in residuals[first..].iter_mut().zip(here).zip(left) {
        *residual = x.wrapping_sub(paeth_predictor(left, up, up_left));
    }
}

/// The predictor of ISO/IEC 15948 9.4 without leaving bytes.
///
/// The distance to the upper left, `|left + up - 2 up_left|`, needs more than a byte only where both others lie on the
/// same side of it; there it is the largest of the three and cannot win, which 255 says as well.
#[inline(always)]
fn paeth_predictor(left: u8, up: u8, up_left: u8) -> u8 {
    let to_left = up.abs_diff(up_left);
    let to_up = left.abs_diff(up_left);
    let between = left.min(up) < up_left && up_left < left.max(up);
    let to_up_left = if between { to_left.abs_diff(to_up) } else { 255 };
    let nearer = if to_left <= to_up { left } else { up };
    if to_left.min(to_up) <= to_up_left { nearer } else { up_left }
}
