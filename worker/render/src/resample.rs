//! Resampling in real arithmetic, for samples of any type: area filter when shrinking, linear when growing.

use crate::samples::Samples;

/// Resizes interleaved samples; the result has the type of the source, integers rounded.
pub(crate) fn resize(
    samples: &Samples,
    channels: usize,
    (columns, rows): (u32, u32),
    (to_columns, to_rows): (u32, u32),
) -> Samples {
    let from = (columns as usize, rows as usize);
    let to = (to_columns as usize, to_rows as usize);
    let values = resample(&samples.to_f32(), channels, from, to);
    macro_rules! rounded {
        ($variant:ident) => {
            // Casts from real to integer saturate.
            Samples::$variant(values.iter().map(|value| value.round() as _).collect())
        };
    }
    match samples {
        Samples::U8(_) => rounded!(U8),
        Samples::I8(_) => rounded!(I8),
        Samples::U16(_) => rounded!(U16),
        Samples::I16(_) => rounded!(I16),
        Samples::U32(_) => rounded!(U32),
        Samples::I32(_) => rounded!(I32),
        Samples::F32(_) => Samples::F32(values),
        Samples::F64(_) => Samples::F64(values.into_iter().map(f64::from).collect()),
    }
}

/// One source sample and its share of a target sample.
struct Tap {
    source: usize,
    weight: f32,
}

/// Resamples interleaved rows of `channels` samples from `(columns, rows)` to `(to_columns, to_rows)`.
pub(crate) fn resample(
    source: &[f32],
    channels: usize,
    (columns, rows): (usize, usize),
    (to_columns, to_rows): (usize, usize),
) -> Vec<f32> {
    let across = taps(columns, to_columns);
    let down = taps(rows, to_rows);
    let stride = columns * channels;
    let mut line = vec![0.0_f32; stride];
    let mut out = Vec::with_capacity(to_columns * to_rows * channels);
    for row_taps in &down {
        line.fill(0.0);
        for tap in row_taps {
            let row = &source[tap.source * stride..][..stride];
            for (sum, value) in line.iter_mut().zip(row) {
                *sum += value * tap.weight;
            }
        }
        for column_taps in &across {
            for channel in 0..channels {
                out.push(column_taps.iter().map(|tap| line[tap.source * channels + channel] * tap.weight).sum());
            }
        }
    }
    out
}

/// For each target sample the source samples it is made of; the weights of one add up to 1.
fn taps(from: usize, to: usize) -> Vec<Vec<Tap>> {
    let scale = from as f64 / to as f64;
    // An area as wide as a target sample; a triangle of one source sample each side when growing.
    let taps_of = |target: usize| {
        let mut taps = if scale > 1.0 {
            covered(target as f64 * scale, (target + 1) as f64 * scale, from)
        } else {
            between((target as f64 + 0.5) * scale - 0.5, from)
        };
        let sum: f32 = taps.iter().map(|tap| tap.weight).sum();
        taps.iter_mut().for_each(|tap| tap.weight /= sum);
        taps
    };
    (0..to).map(taps_of).collect()
}

fn covered(start: f64, end: f64, from: usize) -> Vec<Tap> {
    let last = (end.ceil() as usize).min(from);
    (start.floor() as usize..last)
        .map(|source| {
            let overlap = end.min((source + 1) as f64) - start.max(source as f64);
            Tap { source, weight: overlap.max(1e-9) as f32 }
        })
        .collect()
}

fn between(position: f64, from: usize) -> Vec<Tap> {
    let position = position.clamp(0.0, (from - 1) as f64);
    let source = position.floor() as usize;
    let share = (position - position.floor()) as f32;
    let next = (source + 1).min(from - 1);
    vec![Tap { source, weight: 1.0 - share }, Tap { source: next, weight: share }]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shrinking_averages_what_each_pixel_covers() {
        let source: Vec<f32> = [0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0].to_vec();
        assert_eq!(resample(&source, 1, (4, 2), (2, 1)), [5.0, 9.0]);
        assert_eq!(resample(&source, 2, (2, 2), (1, 1)), [6.0, 8.0]);
    }

    #[test]
    fn a_flat_frame_stays_flat_at_every_size() {
        let source = vec![7.0_f32; 5 * 3];
        for size in [(1, 1), (2, 2), (4, 3), (5, 9), (17, 2)] {
            let out = resample(&source, 1, (5, 3), size);
            assert_eq!(out.len(), size.0 * size.1);
            assert!(out.iter().all(|value| (value - 7.0).abs() < 1e-5), "{size:?}");
        }
    }
}
