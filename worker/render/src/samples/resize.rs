//! The size of a picture that fits a box, and the filter that gets it there.
//!
//! Making smaller averages the area each new pixel covers, so that no pixel of the original is skipped: a bright spot
//! of one pixel, a calcification, dims but does not vanish. Making larger is bilinear, which invents no rings.
//! Stored or modality values are resized before the window, since averages of clipped values lie.

use std::ops::Range;

/// Why a picture could not be resized.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ResizeError {
    /// The slice does not hold `columns x rows` pixels, or one of the two is 0.
    #[error("{columns} x {rows} pixels do not fit {sample_count} samples")]
    SampleCount {
        /// Width said.
        columns: u32,
        /// Height said.
        rows: u32,
        /// Length of the slice that came.
        sample_count: usize,
    },
    /// A picture of no pixels, or of more than memory can address, was asked for.
    #[error("cannot resize to {columns} x {rows} pixels")]
    Target {
        /// Asked width.
        columns: u32,
        /// Asked height.
        rows: u32,
    },
}

/// Where the samples of a plane lie in the frame that they show.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    rows: Axis,
    columns: Axis,
}

/// Samples along one direction, and the pixels of the frame that each stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Axis {
    samples: u32,
    /// Pixels of the frame.
    pixels: u32,
    /// Pixels of the frame from one sample to the next.
    step: u32,
    /// Where the first sample begins, in pixels of the frame.
    start: f64,
}

/// Where a decoder that gives one sample for 2^n pixels puts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReducedSite {
    /// In the middle of its block: averages of blocks (JPEG).
    Middle,
    /// On the first pixel of its block: the low-pass subband of a wavelet keeps the even positions (T.800 annex F).
    First,
}

impl Grid {
    /// One sample for each pixel.
    #[must_use]
    pub fn whole(rows: u32, columns: u32) -> Self {
        let axis = |length| Axis { samples: length, pixels: length, step: 1, start: 0.0 };
        Self { rows: axis(rows), columns: axis(columns) }
    }

    /// A frame of `rows x columns` pixels decoded with both sides divided by 2 to the power of `reduction`, rounded up.
    #[must_use]
    pub fn reduced(rows: u32, columns: u32, reduction: u8, site: ReducedSite) -> Self {
        let step = 1 << reduction;
        let start = match site {
            ReducedSite::Middle => 0.0,
            ReducedSite::First => 0.5 - f64::from(step) / 2.0,
        };
        let axis = |length: u32| Axis { samples: length.div_ceil(step), pixels: length, step, start };
        Self { rows: axis(rows), columns: axis(columns) }
    }

    /// Rows and columns of samples.
    pub(crate) fn size(&self) -> (u32, u32) {
        (self.rows.samples, self.columns.samples)
    }
}

/// A sample that can be averaged.
pub trait Sample: Copy + Default {
    /// The value; exact for every type here.
    fn to_f32(self) -> f32;
    /// The nearest value of the type, half up.
    fn from_f32(value: f32) -> Self;
}

impl Sample for u8 {
    #[inline(always)]
    fn to_f32(self) -> f32 {
        f32::from(self)
    }
    fn from_f32(value: f32) -> Self {
        (value + 0.5) as Self
    }
}

impl Sample for u16 {
    #[inline(always)]
    fn to_f32(self) -> f32 {
        f32::from(self)
    }
    fn from_f32(value: f32) -> Self {
        (value + 0.5) as Self
    }
}

impl Sample for i16 {
    #[inline(always)]
    fn to_f32(self) -> f32 {
        f32::from(self)
    }
    fn from_f32(value: f32) -> Self {
        // Rounding half up by truncation needs a value that is not negative.
        ((value + 32_768.5) as i32 - 32_768) as Self
    }
}

impl Sample for f32 {
    #[inline(always)]
    fn to_f32(self) -> f32 {
        self
    }
    fn from_f32(value: f32) -> Self {
        value
    }
}

/// Rows and columns of the largest picture of the same aspect inside `max_width x max_height`, never below 1.
///
/// Without `enlarge` a picture that already fits keeps its size. A missing bound does not bind. How large a caller
/// may ask is for the caller to limit.
pub fn fitted_size(
    rows: u32,
    columns: u32,
    max_width: Option<u32>,
    max_height: Option<u32>,
    enlarge: bool,
) -> (u32, u32) {
    let (rows, columns) = (rows.max(1), columns.max(1));
    let by_width = max_width.map(|width| {
        let width = width.max(1);
        (scaled(rows, width, columns), width)
    });
    let by_height = max_height.map(|height| {
        let height = height.max(1);
        (height, scaled(columns, height, rows))
    });
    let fitted = match (by_width, by_height) {
        (None, None) => return (rows, columns),
        (Some(only), None) | (None, Some(only)) => only,
        // The tighter bound: `width / columns` against `height / rows`, without dividing.
        (Some(width), Some(height)) => {
            if u64::from(width.1) * u64::from(rows) <= u64::from(height.0) * u64::from(columns) {
                (width.0.min(height.0), width.1)
            } else {
                (height.0, height.1.min(width.1))
            }
        }
    };
    if !enlarge && (fitted.0 > rows || fitted.1 > columns) { (rows, columns) } else { fitted }
}

/// `side * numerator / denominator`, rounded half up, at least 1.
fn scaled(side: u32, numerator: u32, denominator: u32) -> u32 {
    let denominator = u128::from(denominator);
    let rounded = (u128::from(side) * u128::from(numerator) * 2 + denominator) / (2 * denominator);
    u32::try_from(rounded).unwrap_or(u32::MAX).max(1)
}

/// Resizes one plane of grey samples.
///
/// # Errors
/// [`ResizeError::SampleCount`] when `pixels` is not `columns x rows`, [`ResizeError::Target`] for no pixels.
pub fn resize_grey<S: Sample>(
    pixels: &[S],
    (rows, columns): (u32, u32),
    (to_rows, to_columns): (u32, u32),
) -> Result<Vec<S>, ResizeError> {
    resize_grey_of(pixels, &Grid::whole(rows, columns), (to_rows, to_columns))
}

/// As [`resize_grey`], of samples that lie on a grid of their own.
///
/// # Errors
/// As [`resize_grey`].
pub fn resize_grey_of<S: Sample>(pixels: &[S], grid: &Grid, to: (u32, u32)) -> Result<Vec<S>, ResizeError> {
    resize::<S, S, 1>(pixels, grid, to)
}

/// As [`resize_grey_of`], the averages not rounded.
///
/// # Errors
/// As [`resize_grey`].
pub fn resize_grey_exactly<S: Sample>(
    pixels: &[S],
    grid: &Grid,
    to: (u32, u32),
) -> Result<Vec<f32>, ResizeError> {
    resize::<S, f32, 1>(pixels, grid, to)
}

/// Resizes interleaved RGB.
///
/// # Errors
/// As [`resize_grey`], for three samples a pixel.
pub fn resize_rgb8(
    pixels: &[u8],
    (rows, columns): (u32, u32),
    (to_rows, to_columns): (u32, u32),
) -> Result<Vec<u8>, ResizeError> {
    resize_rgb8_of(pixels, &Grid::whole(rows, columns), (to_rows, to_columns))
}

/// As [`resize_rgb8`], of samples that lie on a grid of their own.
///
/// # Errors
/// As [`resize_rgb8`].
pub fn resize_rgb8_of(pixels: &[u8], grid: &Grid, to: (u32, u32)) -> Result<Vec<u8>, ResizeError> {
    resize::<u8, u8, 3>(pixels, grid, to)
}

fn resize<S: Sample, T: Sample, const CHANNELS: usize>(
    pixels: &[S],
    grid: &Grid,
    (to_rows, to_columns): (u32, u32),
) -> Result<Vec<T>, ResizeError> {
    let (rows, columns) = grid.size();
    if sample_count(rows, columns, CHANNELS) != Some(pixels.len()) || pixels.is_empty() {
        return Err(ResizeError::SampleCount { columns, rows, sample_count: pixels.len() });
    }
    let resized_count = sample_count(to_rows, to_columns, CHANNELS).filter(|&count| count > 0);
    let resized_count = resized_count.ok_or(ResizeError::Target { columns: to_columns, rows: to_rows })?;
    if *grid == Grid::whole(to_rows, to_columns) {
        return Ok(pixels.iter().map(|sample| T::from_f32(sample.to_f32())).collect());
    }
    let row_samples = columns as usize * CHANNELS;
    let down = Taps::new(&grid.rows, to_rows);
    let across = Taps::new(&grid.columns, to_columns);
    let mut resized = vec![T::default(); resized_count];
    let mut blended = vec![0.0; row_samples];
    // Down first: whole rows are added up in vectors, and what remains to be done across is few pixels.
    for (target, (source_rows, weights)) in
        resized.chunks_exact_mut(to_columns as usize * CHANNELS).zip(down.iter())
    {
        blend_rows(
            &pixels[source_rows.start * row_samples..source_rows.end * row_samples],
            weights,
            &mut blended,
        );
        gather_columns::<T, CHANNELS>(&blended, &across, target);
    }
    Ok(resized)
}

fn sample_count(rows: u32, columns: u32, channels: usize) -> Option<usize> {
    usize::try_from(rows).ok()?.checked_mul(usize::try_from(columns).ok()?)?.checked_mul(channels)
}

/// Adds up rows of as many samples as `blended` has, each times its weight.
#[multiversion::multiversion(targets("x86_64+avx2"))]
fn blend_rows<S: Sample>(rows: &[S], weights: &[f32], blended: &mut [f32]) {
    let mut rows = rows.chunks_exact(blended.len());
    blended.fill(0.0);
    // Four rows at a time: one load and one store of the sum for four of the samples.
    let (fours, rest) = weights.as_chunks::<4>();
    for [wa, wb, wc, wd] in fours {
        let (Some(a), Some(b), Some(c), Some(d)) = (rows.next(), rows.next(), rows.next(), rows.next())
        else {
            return;
        };
        for ((((sum, a), b), c), d) in blended.iter_mut().zip(a).zip(b).zip(c).zip(d) {
            *sum += (wa * a.to_f32() + wb * b.to_f32()) + (wc * c.to_f32() + wd * d.to_f32());
        }
    }
    for (weight, row) in rest.iter().zip(rows) {
        for (sum, sample) in blended.iter_mut().zip(row) {
            *sum += weight * sample.to_f32();
        }
    }
}

fn gather_columns<S: Sample, const CHANNELS: usize>(blended: &[f32], across: &Taps, target: &mut [S]) {
    let pixels = blended.as_chunks::<CHANNELS>().0;
    for (samples, (columns, weights)) in target.as_chunks_mut::<CHANNELS>().0.iter_mut().zip(across.iter()) {
        let mut sums = [0.0; CHANNELS];
        for (pixel, weight) in pixels[columns].iter().zip(weights) {
            for (sum, sample) in sums.iter_mut().zip(pixel) {
                *sum += weight * sample;
            }
        }
        *samples = sums.map(S::from_f32);
    }
}

/// For each new position along one axis the old positions that make it, and their weights, which add up to 1.
struct Taps {
    ranges: Vec<(usize, Range<usize>)>,
    weights: Vec<f32>,
}

impl Taps {
    fn new(axis: &Axis, to_length: u32) -> Self {
        let length = axis.samples;
        let mut taps = Self { ranges: Vec::with_capacity(to_length as usize), weights: Vec::new() };
        let step = f64::from(length) / f64::from(to_length);
        for position in 0..to_length {
            if axis.step > 1 {
                taps.push_reduced(position, axis, to_length);
            } else if to_length <= length {
                taps.push_area(u64::from(position), u64::from(length), u64::from(to_length));
            } else {
                taps.push_bilinear((f64::from(position) + 0.5) * step - 0.5, length as usize);
            }
        }
        taps
    }

    /// Old positions and weights of each new position in turn.
    #[inline(always)]
    fn iter(&self) -> impl Iterator<Item = (Range<usize>, &[f32])> {
        self.ranges
            .iter()
            .map(|(first, weights)| (*first..*first + weights.len(), &self.weights[weights.clone()]))
    }

    /// The new position covers `length / to_length` old ones, those at the ends in part. In units of `1 / to_length`
    /// of an old position all of this is whole numbers.
    fn push_area(&mut self, position: u64, length: u64, to_length: u64) {
        let (start, end) = (position * length, (position + 1) * length);
        let first = start / to_length;
        let covered = (first..end.div_ceil(to_length)).map(|old| {
            let overlap = end.min((old + 1) * to_length) - start.max(old * to_length);
            (overlap as f64 / length as f64) as f32
        });
        self.push(first as usize, covered);
    }

    /// As [`Self::push_area`] for samples that each stand for several pixels of the frame. The first and the last also
    /// stand for what lies before and after them.
    fn push_reduced(&mut self, position: u32, axis: &Axis, to_length: u32) {
        let scale = f64::from(axis.pixels) / f64::from(to_length) / f64::from(axis.step);
        let shift = axis.start / f64::from(axis.step);
        // In samples, counted from where the first begins.
        let (start, end) = (f64::from(position) * scale - shift, f64::from(position + 1) * scale - shift);
        let last = axis.samples.saturating_sub(1);
        let index = |place: f64| (place.max(0.0) as u32).min(last);
        let (first, past) = (index(start), index((end - 1e-9).ceil() - 1.0));
        let weights = (first..=past).map(|sample| {
            let from = if sample == 0 { f64::NEG_INFINITY } else { f64::from(sample) };
            let to = if sample == last { f64::INFINITY } else { f64::from(sample + 1) };
            ((end.min(to) - start.max(from)) / scale) as f32
        });
        self.push(first as usize, weights);
    }

    /// The two old positions around `center`, counted from the middle of the first; past the ends the last one.
    fn push_bilinear(&mut self, center: f64, length: usize) {
        let center = center.clamp(0.0, (length - 1) as f64);
        let first = (center as usize).min(length.saturating_sub(2));
        let second = (center - first as f64) as f32;
        self.push(first, [1.0 - second, second].into_iter().take(length));
    }

    fn push(&mut self, first: usize, weights: impl Iterator<Item = f32>) {
        let start = self.weights.len();
        self.weights.extend(weights);
        self.ranges.push((first, start..self.weights.len()));
    }
}
