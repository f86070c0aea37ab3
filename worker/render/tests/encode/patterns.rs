//! Sizes and pictures that encoders get wrong: single pixels, odd sides, blank fields, ramps, noise.

/// Columns and rows.
pub(crate) const SIZES: [(u32, u32); 13] = [
    (1, 1),
    (1, 2),
    (2, 1),
    (1, 300),
    (300, 1),
    (3, 3),
    (7, 5),
    (8, 8),
    (17, 31),
    (255, 257),
    (513, 129),
    (70_001, 3),
    (1024, 1024),
];

/// A sample at a position in the picture's byte order and its row.
pub(crate) type Pattern = fn(u32, u32) -> u8;

/// Each with its name.
pub(crate) const PATTERNS: [(&str, Pattern); 9] = [
    ("black", |_, _| 0),
    ("white", |_, _| 255),
    ("grey", |_, _| 77),
    ("gradient", gradient),
    ("noise", noise),
    ("quiet noise", |at, row| noise(at, row) % 9),
    ("noise in a black frame", |at, row| if (20..200).contains(&(at % 256)) { noise(at, row) } else { 0 }),
    ("stripes", |_, row| if row % 3 == 0 { 255 } else { 0 }),
    ("rare specks", |at, row| if noise(at, row) == 3 { noise(row, at) } else { 0 }),
];

/// A ramp that changes with column and row.
pub(crate) fn gradient(at: u32, row: u32) -> u8 {
    (at / 2 + row) as u8
}

/// White noise that is the same in every run.
pub(crate) fn noise(at: u32, row: u32) -> u8 {
    let mixed = (at ^ row.wrapping_mul(0x9e37_79b9)).wrapping_mul(0x85eb_ca6b);
    ((mixed ^ mixed >> 13).wrapping_mul(0xc2b2_ae35) >> 24) as u8
}

/// Samples of a whole picture.
pub(crate) fn fill(
    columns: u32,
    rows: u32,
    samples_per_pixel: u32,
    pattern: impl Fn(u32, u32) -> u8,
) -> Vec<u8> {
    let row_samples = columns * samples_per_pixel;
    let pattern = &pattern;
    (0..rows)
        .flat_map(|row| (0..row_samples).map(move |at| pattern(at + row * row_samples / 7, row)))
        .collect()
}

/// Mean difference of two pictures of the same length, in sample values.
pub(crate) fn difference_mean(a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(&a, &b)| f64::from(a.abs_diff(b))).sum::<f64>() / a.len() as f64
}
