//! Reproducible randomness: a counter-based hash, smooth lattice noise, and the grain of a scanner.
//!
//! Nothing here keeps hidden state between pictures, so that every file can be made alone, in any order, on any thread.

/// A small, fast generator (splitmix64). Not for secrets.
#[derive(Debug, Clone)]
pub(crate) struct Rng(u64);

impl Rng {
    /// A generator for one purpose: the same seed and stream give the same numbers.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        Self(mix(seed ^ mix(stream.wrapping_add(0x51_7c_c1_b7))))
    }

    /// The next 64 bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// Uniform in `low..high`.
    pub(crate) fn uniform(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * ((self.bits() >> 40) as f32 / (1u64 << 24) as f32)
    }

    /// Nearly normal, mean 0 and standard deviation 1: the sum of four uniform 16-bit numbers, so within ±3.5.
    pub(crate) fn normal(&mut self) -> f32 {
        let bits = self.bits();
        let sum = (bits & 0xffff) + ((bits >> 16) & 0xffff) + ((bits >> 32) & 0xffff) + (bits >> 48);
        (sum as f32 / 65536.0 - 2.0) * 1.732
    }
}

/// The finaliser of splitmix64.
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// Smooth noise in -1..1 whose features are about one unit wide; three-dimensional, so that neighbouring slices agree.
pub(crate) fn smooth(x: f32, y: f32, z: f32, seed: u32) -> f32 {
    let ((i, x), (j, y), (k, z)) = (split(x), split(y), split(z));
    let (u, v, w) = (fade(x), fade(y), fade(z));
    // The hash of a lattice point mixes one product an axis; half of them are shared by its neighbours.
    let (x_low, x_high) = (hash_axis(i, 0x8da6_b343), hash_axis(i + 1, 0x8da6_b343));
    let edge = |j: i32, k: i32| {
        let line =
            hash_axis(j, 0xd816_3841) ^ hash_axis(k, 0xcb1a_b31f) ^ hash_axis(seed as i32, 0x9e37_79b9);
        mix_f32(lattice(x_low ^ line), lattice(x_high ^ line), u)
    };
    mix_f32(mix_f32(edge(j, k), edge(j + 1, k), v), mix_f32(edge(j, k + 1), edge(j + 1, k + 1), v), w)
}

/// The whole part, rounded down, and the rest. The casts are several times faster than `floor` without SSE 4.1.
fn split(value: f32) -> (i32, f32) {
    let truncated = value as i32;
    let whole = truncated - i32::from((truncated as f32) > value);
    (whole, value - whole as f32)
}

fn hash_axis(index: i32, factor: u32) -> u32 {
    (index as u32).wrapping_mul(factor)
}

/// A lattice point's value in -1..1.
fn lattice(mut h: u32) -> f32 {
    h = (h ^ (h >> 15)).wrapping_mul(0x2c1b_3c6d);
    h = (h ^ (h >> 13)).wrapping_mul(0x297a_2d39);
    h as i32 as f32 / 2_147_483_648.0
}

fn fade(t: f32) -> f32 {
    t * t * (3.0 - 2.0 * t)
}

fn mix_f32(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}

/// `rows x columns` of noise with standard deviation 1 and the short correlation that a reconstruction kernel or
/// a detector leaves: white noise through a binomial 3x3 filter.
pub(crate) fn grain(rows: usize, columns: usize, rng: &mut Rng) -> Vec<f32> {
    let mut white_row = || -> Vec<f32> {
        let white: Vec<f32> = (0..columns + 2).map(|_| rng.normal()).collect();
        white.windows(3).map(|w| w[0] + 2.0 * w[1] + w[2]).collect()
    };
    let (mut above, mut here) = (white_row(), white_row());
    let mut out = Vec::with_capacity(rows * columns);
    for _ in 0..rows {
        let below = white_row();
        // 1-2-1 in both directions leaves a variance of 6 * 6; divided by 6 it is 1 again.
        out.extend(above.iter().zip(&here).zip(&below).map(|((a, b), c)| (a + 2.0 * b + c) / 6.0));
        above = std::mem::replace(&mut here, below);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grain_has_unit_deviation_and_correlated_neighbours() {
        let grain = grain(128, 128, &mut Rng::new(1, 2));
        let mean_square = grain.iter().map(|v| v * v).sum::<f32>() / grain.len() as f32;
        let neighbours = grain.windows(2).map(|w| w[0] * w[1]).sum::<f32>() / grain.len() as f32;
        assert!((mean_square - 1.0).abs() < 0.1, "{mean_square}");
        assert!(neighbours > 0.5, "{neighbours}");
    }

    #[test]
    fn smooth_noise_is_continuous_and_depends_on_the_seed() {
        for step in 0..500 {
            let x = step as f32 * 0.037;
            assert!((smooth(x, 1.3, 2.9, 7) - smooth(x + 0.001, 1.3, 2.9, 7)).abs() < 0.01);
        }
        assert_ne!(smooth(0.5, 0.5, 0.5, 1), smooth(0.5, 0.5, 0.5, 2));
    }
}
