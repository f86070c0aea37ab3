//! Row filters (ISO/IEC 15948 clause 9): what is left of a pixel once its neighbours have predicted it.
//!
//! Written on bytes only, so that the compiler makes vectors of 16 of them on any machine.

/// How a row is predicted; the discriminant is the filter-type byte.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    None = 0,
    Sub = 1,
    Up = 2,
    Average = 3,
    Paeth = 4,
}

/// The filter-type byte of rows that are left as they are.
pub(super) const NONE: u8 = Kind::None as u8;

/// All rows of a picture, filtered.
pub(super) fn all_rows<const BPP: usize>(pixels: &[u8], row_bytes: usize) -> Vec<u8> {
    let mut filtered = Vec::with_capacity(pixels.len() / row_bytes * (row_bytes + 1));
    let first_above = vec![0; row_bytes];
    let mut above = first_above.as_slice();
    for row in pixels.chunks_exact(row_bytes) {
        append_row::<BPP>(row, above, &mut filtered);
        above = row;
    }
    filtered
}

/// Appends one filtered row, filter-type byte first. `above` is the row before, or zeros for the first.
///
/// `BPP` is the bytes of a pixel; `row` and `above` have the same length.
#[multiversion::multiversion(targets("x86_64+avx2+bmi1+bmi2+lzcnt"))]
pub(super) fn append_row<const BPP: usize>(row: &[u8], above: &[u8], filtered: &mut Vec<u8>) {
    let kind = if is_black(row) { Kind::None } else { cheapest::<BPP>(row, above) };
    filtered.push(kind as u8);
    match kind {
        // All zeros in any filter; the zero of None keeps the run of zeros whole across rows.
        Kind::None => filtered.extend_from_slice(row),
        Kind::Sub => append_residuals::<BPP>(row, above, filtered, |left, _, _| left),
        Kind::Up => append_residuals::<BPP>(row, above, filtered, |_, up, _| up),
        Kind::Average => append_residuals::<BPP>(row, above, filtered, |left, up, _| average(left, up)),
        Kind::Paeth => append_residuals::<BPP>(row, above, filtered, paeth),
    }
}

#[inline(always)]
fn is_black(row: &[u8]) -> bool {
    row[0] == 0 && row.iter().fold(0, |any, byte| any | byte) == 0
}

#[inline(always)]
fn append_residuals<const BPP: usize>(
    row: &[u8],
    above: &[u8],
    filtered: &mut Vec<u8>,
    predict: impl Fn(u8, u8, u8) -> u8 + Copy,
) {
    let first = BPP.min(row.len());
    filtered
        .extend(row[..first].iter().zip(&above[..first]).map(|(&x, &up)| x.wrapping_sub(predict(0, up, 0))));
    let (here, up) = (&row[first..], &above[first..]);
    let (left, up_left) = (&row[..here.len()], &above[..here.len()]);
    let start = filtered.len();
    filtered.resize(start + here.len(), 0);
    let residuals = &mut filtered[start..];
    let groups = residuals.as_chunks_mut().0.iter_mut().zip(here.as_chunks().0).zip(up.as_chunks().0);
    for (((residuals, here), up), (left, up_left)) in
        groups.zip(left.as_chunks().0.iter().zip(up_left.as_chunks().0))
    {
        *residuals = residuals_of_group(here, left, up, up_left, predict);
    }
    // The rest of the row together with some that is done already: a whole group is cheaper than single bytes.
    if let (Some(residuals), Some(here), Some(up), Some(left), Some(up_left)) = (
        residuals.last_chunk_mut(),
        here.last_chunk(),
        up.last_chunk(),
        left.last_chunk(),
        up_left.last_chunk(),
    ) {
        *residuals = residuals_of_group(here, left, up, up_left, predict);
        return;
    }
    let neighbours = left.iter().zip(up).zip(up_left);
    for ((residual, &x), ((&left, &up), &up_left)) in residuals.iter_mut().zip(here).zip(neighbours) {
        *residual = x.wrapping_sub(predict(left, up, up_left));
    }
}

#[inline(always)]
fn residuals_of_group(
    here: &[u8; LANES],
    left: &[u8; LANES],
    up: &[u8; LANES],
    up_left: &[u8; LANES],
    predict: impl Fn(u8, u8, u8) -> u8,
) -> [u8; LANES] {
    let mut residuals = [0; LANES];
    for lane in 0..LANES {
        residuals[lane] = here[lane].wrapping_sub(predict(left[lane], up[lane], up_left[lane]));
    }
    residuals
}

#[inline(always)]
fn average(left: u8, up: u8) -> u8 {
    (left & up) + ((left ^ up) >> 1) // Half the sum, rounded down, without a ninth bit.
}

/// The predictor of ISO/IEC 15948 9.4 without leaving bytes.
///
/// The distance to the upper left, `|left + up - 2 up_left|`, needs more than a byte only where both others lie on the
/// same side of it; there it is the largest of the three and cannot win, which 255 says as well.
#[inline(always)]
fn paeth(left: u8, up: u8, up_left: u8) -> u8 {
    let to_left = distance(up, up_left);
    let to_up = distance(left, up_left);
    let between = left.min(up) < up_left && up_left < left.max(up);
    let to_up_left = if between { distance(to_left, to_up) } else { 255 };
    let nearer = if to_left <= to_up { left } else { up };
    if to_left.min(to_up) <= to_up_left { nearer } else { up_left }
}

/// `abs_diff` goes through 32 bits and takes four times the vectors.
#[inline(always)]
fn distance(a: u8, b: u8) -> u8 {
    a.max(b) - a.min(b)
}

/// Bytes that are looked at together.
const LANES: usize = 32;
/// Of as many bytes in a row one group of [`LANES`] is looked at.
const SAMPLE_STEP: usize = 64;
/// Residuals count up to here. A cap, since the price of a residual grows like its logarithm: one edge must not
/// outweigh the noise of a whole row.
const RESIDUAL_CAP: u8 = 8;
/// Groups that a byte can sum up.
const GROUPS_MAX: usize = 255 / RESIDUAL_CAP as usize;

/// The filter that leaves the least on a sample of the row. Ties go to Paeth, then to the cheaper to undo.
#[inline(always)]
fn cheapest<const BPP: usize>(row: &[u8], above: &[u8]) -> Kind {
    let mut costs = [0u32; 4];
    for (row, above) in row.chunks(SAMPLE_STEP * GROUPS_MAX).zip(above.chunks(SAMPLE_STEP * GROUPS_MAX)) {
        add_sampled_costs::<BPP>(row, above, &mut costs);
    }
    let kinds = [Kind::Paeth, Kind::Up, Kind::Sub, Kind::Average];
    kinds.into_iter().zip(costs).min_by_key(|&(_, cost)| cost).map_or(Kind::Paeth, |(kind, _)| kind)
}

#[inline(always)]
fn add_sampled_costs<const BPP: usize>(row: &[u8], above: &[u8], costs: &mut [u32; 4]) {
    let mut sums = [[0u8; LANES]; 4];
    let samples = row.chunks_exact(SAMPLE_STEP).zip(above.chunks_exact(SAMPLE_STEP));
    for (row, above) in samples {
        for lane in 0..LANES {
            let (x, up) = (row[lane + BPP], above[lane + BPP]);
            let (left, up_left) = (row[lane], above[lane]);
            sums[0][lane] += cost(x, paeth(left, up, up_left));
            sums[1][lane] += cost(x, up);
            sums[2][lane] += cost(x, left);
            sums[3][lane] += cost(x, average(left, up));
        }
    }
    for (cost, lanes) in costs.iter_mut().zip(sums) {
        *cost += lanes.iter().map(|&lane| u32::from(lane)).sum::<u32>();
    }
}

#[inline(always)]
fn cost(x: u8, predicted: u8) -> u8 {
    let residual = x.wrapping_sub(predicted);
    residual.min(residual.wrapping_neg()).min(RESIDUAL_CAP)
}
