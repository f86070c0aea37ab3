//! Sizes that fit a box, and the area filter against a plain sum over the area in double precision.

use noctis_render::resize::{ResizeError, Sample, fitted_size, resize_grey, resize_rgb8};
use proptest::prelude::*;

#[test]
fn a_picture_fits_its_box_and_keeps_its_aspect() {
    // Rows, columns, width, height, enlarge; expected rows, columns.
    let cases = [
        ((512, 512, Some(128), Some(128), false), (128, 128)),
        ((512, 512, Some(128), None, false), (128, 128)),
        ((512, 512, None, None, true), (512, 512)),
        ((400, 200, Some(100), Some(100), false), (100, 50)),
        ((200, 400, Some(100), Some(100), false), (50, 100)),
        ((200, 400, Some(100), Some(20), false), (20, 40)),
        ((3, 2, Some(1), None, false), (2, 1)),
        ((100, 100, Some(300), Some(200), false), (100, 100)),
        ((100, 100, Some(300), Some(200), true), (200, 200)),
        ((100, 100, Some(300), Some(50), true), (50, 50)),
        ((1, 10_000, Some(100), Some(100), false), (1, 100)),
        ((10_000, 1, Some(100), Some(100), false), (100, 1)),
        ((10, 10, Some(0), Some(0), false), (1, 1)),
        ((0, 0, Some(10), None, false), (1, 1)),
    ];
    for ((rows, columns, width, height, enlarge), expected) in cases {
        let fitted = fitted_size(rows, columns, width, height, enlarge);
        assert_eq!(fitted, expected, "{rows} x {columns} in {width:?} x {height:?}, enlarge {enlarge}");
    }
}

proptest! {
    #[test]
    fn the_fitted_size_is_inside_and_as_large_as_can_be(
        rows in 1..70_000u32, columns in 1..70_000u32, width in 1..70_000u32, height in 1..70_000u32, enlarge: bool,
    ) {
        let (fitted_rows, fitted_columns) = fitted_size(rows, columns, Some(width), Some(height), enlarge);
        prop_assert!((1..=height).contains(&fitted_rows) || fitted_rows == rows && !enlarge && rows <= height);
        prop_assert!((1..=width).contains(&fitted_columns));
        let touches = fitted_rows == height || fitted_columns == width;
        prop_assert!(touches || !enlarge && (fitted_rows, fitted_columns) == (rows, columns));
    }

    #[test]
    fn smaller_is_the_mean_of_the_area(
        (rows, columns) in (1..40u32, 1..40u32), (to_rows, to_columns) in (1..40u32, 1..40u32), seed: u32,
    ) {
        let (to_rows, to_columns) = (to_rows.min(rows), to_columns.min(columns));
        let pixels: Vec<u16> =
            (0..rows * columns).map(|at| (at ^ seed).wrapping_mul(0x9e37_79b1) as u16).collect();
        let resized = resize_grey(&pixels, (rows, columns), (to_rows, to_columns)).expect("valid sizes");
        for (at, &value) in resized.iter().enumerate() {
            let (row, column) = (at as u32 / to_columns, at as u32 % to_columns);
            let exact = area_mean(&pixels, (rows, columns), (to_rows, to_columns), (row, column));
            prop_assert!((f64::from(value) - exact).abs() <= 0.52, "{value} for {exact}");
        }
    }

    #[test]
    fn any_resize_stays_within_the_values_it_had(
        (rows, columns) in (1..20u32, 1..20u32), to in (1..60u32, 1..60u32), low: i16, high: i16,
    ) {
        let (low, high) = (low.min(high), low.max(high));
        let pixels: Vec<i16> = (0..rows * columns).map(|at| if at % 3 == 0 { high } else { low }).collect();
        let resized = resize_grey(&pixels, (rows, columns), to).expect("valid sizes");
        prop_assert_eq!(resized.len() as u32, to.0 * to.1);
        prop_assert!(resized.iter().all(|value| (low..=high).contains(value)));
    }
}

/// The mean over the area of one new pixel, each old one weighed by its share.
fn area_mean(pixels: &[u16], (rows, columns): (u32, u32), to: (u32, u32), at: (u32, u32)) -> f64 {
    let share = |old: u32, length: u32, to_length: u32, position: u32| {
        let step = f64::from(length) / f64::from(to_length);
        let (start, end) = (f64::from(position) * step, f64::from(position + 1) * step);
        (end.min(f64::from(old + 1)) - start.max(f64::from(old))).max(0.0) / step
    };
    (0..rows * columns)
        .map(|index| {
            let (row, column) = (index / columns, index % columns);
            f64::from(pixels[index as usize])
                * share(row, rows, to.0, at.0)
                * share(column, columns, to.1, at.1)
        })
        .sum()
}

#[test]
fn a_single_bright_pixel_dims_but_stays() {
    let mut pixels = vec![0u16; 64 * 64];
    pixels[37 * 64 + 21] = 64_000;
    let resized = resize_grey(&pixels, (64, 64), (8, 8)).expect("valid sizes");
    assert_eq!(resized[4 * 8 + 2], 1000);
    assert_eq!(resized.iter().filter(|&&value| value > 0).count(), 1);
}

#[test]
fn a_constant_stays_itself_in_every_type() {
    fn check<S: Sample + PartialEq + std::fmt::Debug>(value: S) {
        for to in [(1, 1), (3, 5), (50, 47), (99, 131), (300, 200)] {
            let resized = resize_grey(&[value; 99 * 131], (99, 131), to).expect("valid sizes");
            assert!(resized.iter().all(|&other| other == value), "{value:?} to {to:?}");
        }
    }
    check(0u8);
    check(255u8);
    check(65_535u16);
    check(i16::MIN);
    check(-1i16);
    check(i16::MAX);
}

#[test]
fn larger_is_bilinear_between_pixel_centres() {
    let resized = resize_grey(&[0u8, 100], (1, 2), (1, 4)).expect("valid sizes");
    assert_eq!(resized, [0, 25, 75, 100]);
}

#[test]
fn colours_do_not_mix_channels() {
    let pixels = [[200, 10, 0], [100, 20, 0], [0, 30, 0], [100, 40, 0]].concat();
    assert_eq!(resize_rgb8(&pixels, (2, 2), (1, 1)), Ok(vec![100, 25, 0]));
    assert_eq!(resize_rgb8(&pixels, (2, 2), (1, 2)), Ok(vec![100, 20, 0, 100, 30, 0]));
}

#[test]
fn float_values_are_averaged_without_rounding() {
    assert_eq!(resize_grey(&[0.25f32, 0.5, -1.0, 4.0], (2, 2), (1, 1)), Ok(vec![0.9375]));
}

#[test]
fn wrong_sizes_are_refused() {
    let short = ResizeError::SampleCount { columns: 2, rows: 2, sample_count: 3 };
    assert_eq!(resize_grey(&[0u8; 3], (2, 2), (1, 1)), Err(short));
    let none = ResizeError::SampleCount { columns: 0, rows: 2, sample_count: 0 };
    assert_eq!(resize_grey::<u8>(&[], (2, 0), (1, 1)), Err(none));
    assert_eq!(resize_grey(&[0u8; 4], (2, 2), (0, 1)), Err(ResizeError::Target { columns: 1, rows: 0 }));
}
