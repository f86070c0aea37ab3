//! Planes through volumes whose values follow a formula: every pixel of a plane is known.

use crate::builder::{EXPLICIT_LITTLE, FileBuilder, decode};
use noctis_render::{
    DecodedFrame, DisplayImage, DisplaySamples, Format, FrameRequest, Header, Plane, Projection, RenderError,
    SlicePlace, Voi, VoiFunction, Volume, Window, compose_plane,
};

const ROWS: u16 = 12;
const COLUMNS: u16 = 10;
/// Slices at distances of their own.
const ALONG: [f64; 5] = [0.0, 2.0, 3.0, 5.0, 8.0];
/// A level for each value, so that a picture tells values: 0 black, 255 white.
const LEVELS: f64 = 255.0;

/// Falls in no direction, and lies on lines between samples.
fn rising([x, y, z]: [f64; 3]) -> f64 {
    3.0 * x + 5.0 * y + 7.0 * z + 20.0
}

fn slice(along: f64, value: impl Fn([f64; 3]) -> f64, padding: Option<u16>) -> (Header, DecodedFrame) {
    let pixels: Vec<u8> = (0..ROWS)
        .flat_map(|row| (0..COLUMNS).map(move |column| (row, column)))
        .flat_map(|(row, column)| (value([column.into(), row.into(), along]) as u16).to_le_bytes())
        .collect();
    let mut file = FileBuilder::new(EXPLICIT_LITTLE).monochrome(ROWS, COLUMNS, 16, 16, false);
    if let Some(padding) = padding {
        file = file.u16s(0x0028, 0x0120, &[padding]);
    }
    decode(&file.native(&pixels), &FrameRequest::default()).expect("a slice")
}

/// Across the slices, at row 4, one pixel a column and one a millimetre, the last slice above.
fn coronal() -> Plane {
    Plane {
        along: [-1.0, 9.5],
        rows: 8,
        columns: COLUMNS.into(),
        corner: [-0.5, 4.0, 8.5],
        to_right: [1.0, 0.0, 0.0],
        to_below: [0.0, 0.0, -1.0],
        through: [0.0; 3],
        projection: Projection::Mean,
        points: 1,
    }
}

fn levels() -> FrameRequest {
    let window = Window::new(LEVELS / 2.0, LEVELS, VoiFunction::LinearExact).expect("a window");
    FrameRequest { voi: Voi::Window(window), ..FrameRequest::default() }
}

fn volume(plane: Plane, value: impl Fn([f64; 3]) -> f64 + Copy, padding: Option<u16>) -> (Header, Volume) {
    let places = ALONG.map(|along| SlicePlace { along, moved: [0.0; 2] });
    let mut volume = Volume::new(plane, places.to_vec()).expect("a plane");
    let mut header = None;
    for along in ALONG {
        let (own, frame) = slice(along, value, padding);
        volume.put(&own, &frame).expect("a slice");
        header = Some(own);
    }
    (header.expect("a slice"), volume)
}

fn drawn(plane: Plane, value: impl Fn([f64; 3]) -> f64 + Copy, padding: Option<u16>) -> DisplayImage {
    let (header, volume) = volume(plane, value, padding);
    compose_plane(&header, &levels(), &volume).expect("a picture")
}

fn grey(image: &DisplayImage) -> &[u8] {
    match &image.samples {
        DisplaySamples::Grey8(samples) => samples,
        other => panic!("{other:?}"),
    }
}

fn assert_follows(plane: &Plane, shown: &[u8], value: impl Fn([f64; 3]) -> f64) {
    for (nth, shown) in shown.iter().enumerate() {
        let (row, column) =
            ((nth / plane.columns as usize) as f64 + 0.5, (nth % plane.columns as usize) as f64 + 0.5);
        let place = std::array::from_fn(|axis| {
            plane.corner[axis] + column * plane.to_right[axis] + row * plane.to_below[axis]
        });
        let wanted = value(place).clamp(0.0, LEVELS);
        assert!((f64::from(*shown) - wanted).abs() <= 0.51, "{place:?}: {shown} and {wanted}");
    }
}

#[test]
fn values_between_samples_and_between_slices_lie_on_lines() {
    let plane = coronal();
    let picture = drawn(plane.clone(), rising, None);
    assert_eq!((picture.rows, picture.columns), (8, 10));
    assert_follows(&plane, grey(&picture), rising);
    let between = Plane { corner: [-0.5, 4.3, 8.5], ..coronal() };
    assert_follows(&between, grey(&drawn(between.clone(), rising, None)), rising);
}

#[test]
fn an_oblique_plane_follows_the_formula_too() {
    let oblique = Plane {
        corner: [0.5, 1.0, 7.5],
        to_right: [0.8, 0.3, 0.0],
        to_below: [0.0, 0.4, -0.9],
        rows: 7,
        columns: 8,
        ..coronal()
    };
    assert_follows(&oblique, grey(&drawn(oblique.clone(), rising, None)), rising);
    // A slab that goes along no axis, of values that rise: the mean is in its middle.
    let slab = Plane { through: [0.6, 0.5, 0.0], ..oblique };
    assert_follows(&slab, grey(&drawn(slab.clone(), rising, None)), rising);
}

#[test]
fn a_slab_has_its_mean_its_highest_and_its_lowest_value() {
    let slab = Plane { through: [0.0, 4.0, 0.0], ..coronal() };
    assert_follows(&slab, grey(&drawn(slab.clone(), rising, None)), rising);
    let highest = Plane { projection: Projection::Maximum, ..slab.clone() };
    assert_follows(&highest, grey(&drawn(highest.clone(), rising, None)), |[x, y, z]| {
        rising([x, y + 2.0, z])
    });
    let lowest = Plane { projection: Projection::Minimum, ..slab };
    assert_follows(&lowest, grey(&drawn(lowest.clone(), rising, None)), |[x, y, z]| rising([x, y - 2.0, z]));
    // Along the normal: up to the ends of the volume, beyond which nothing counts.
    let axial = Plane {
        corner: [-0.5, -0.5, 4.0],
        to_below: [0.0, 1.0, 0.0],
        rows: ROWS.into(),
        through: [0.0, 0.0, 4.0],
        ..coronal()
    };
    assert_follows(&axial, grey(&drawn(axial.clone(), rising, None)), rising);
    let highest = Plane { through: [0.0, 0.0, 100.0], projection: Projection::Maximum, ..axial };
    assert_follows(&highest, grey(&drawn(highest.clone(), rising, None)), |[x, y, _]| rising([x, y, 8.0]));
}

#[test]
fn one_bright_sample_is_found_by_the_slab_that_it_lies_in() {
    let bright = |[x, y, z]: [f64; 3]| if [x, y, z] == [6.0, 9.0, 3.0] { 250.0 } else { 10.0 };
    let at = |through| Plane { through: [0.0, through, 0.0], projection: Projection::Maximum, ..coronal() };
    // Row 5 of the picture is 3 mm along the normal.
    let far = drawn(at(8.0), bright, None);
    assert_eq!(grey(&far).iter().copied().max(), Some(10), "five rows away, and four to each side");
    let near = drawn(at(10.0), bright, None);
    assert_eq!(grey(&near)[5 * 10 + 6], 250);
    assert_eq!(grey(&near).iter().filter(|level| **level == 250).count(), 1);
}

#[test]
fn padding_and_what_is_beside_the_volume_are_black_and_darken_nothing() {
    let padded = |[x, y, z]: [f64; 3]| if x < 3.0 { 60_000.0 } else { rising([x, y, z]) };
    let plane = coronal();
    let picture = drawn(plane.clone(), padded, Some(60_000));
    for (nth, level) in grey(&picture).iter().enumerate() {
        assert_eq!(*level == 0, nth % 10 < 3, "column {}", nth % 10);
    }
    let slab = Plane { through: [0.0, 4.0, 0.0], ..plane };
    let mean = drawn(slab.clone(), padded, Some(60_000));
    let right: Vec<u8> = grey(&mean).chunks(10).flat_map(|row| row[3..].to_vec()).collect();
    let right_of = Plane { corner: [2.5, 4.0, 8.5], columns: 7, ..slab };
    assert_follows(&right_of, &right, rising);
    let beside = Plane { corner: [-5.5, 4.0, 8.5], ..coronal() };
    let picture = drawn(beside, rising, None);
    assert!(grey(&picture).iter().enumerate().all(|(nth, level)| (*level == 0) == (nth % 10 < 5)));
    // Also where black and white are swapped.
    let (header, volume) = volume(coronal(), padded, Some(60_000));
    let inverted =
        compose_plane(&header, &FrameRequest { invert: true, ..levels() }, &volume).expect("a picture");
    assert_eq!(grey(&inverted)[0], 0);
    assert_eq!(grey(&inverted)[5], 255 - grey(&drawn(coronal(), padded, Some(60_000)))[5]);
}

#[test]
fn a_picture_smaller_than_its_samples_is_the_mean_of_them() {
    let chequered = |[x, y, z]: [f64; 3]| if (x + y + z) as i64 % 2 == 0 { 200.0 } else { 0.0 };
    let axial = Plane {
        corner: [0.0, 0.0, 2.0],
        to_right: [2.0, 0.0, 0.0],
        to_below: [0.0, 2.0, 0.0],
        rows: 4,
        columns: 4,
        points: 2,
        ..coronal()
    };
    assert!(grey(&drawn(axial, chequered, None)).iter().all(|level| (*level).abs_diff(100) <= 1));
}

#[test]
fn without_a_window_the_range_of_the_plane_is_shown() {
    let (header, volume) = volume(coronal(), rising, None);
    let picture = compose_plane(&header, &FrameRequest::default(), &volume).expect("a picture");
    let (least, most) = (grey(&picture).iter().min(), grey(&picture).iter().max());
    assert_eq!((least, most), (Some(&0), Some(&255)));
}

#[test]
fn slices_that_do_not_fit_are_refused() {
    let places = || ALONG.map(|along| SlicePlace { along, moved: [0.0; 2] }).to_vec();
    let mut volume = Volume::new(coronal(), places()).expect("a plane");
    let (header, frame) = slice(0.0, rising, None);
    assert!(compose_plane(&header, &levels(), &volume).is_err(), "there are none yet");
    volume.put(&header, &frame).expect("the first");
    let small = FileBuilder::new(EXPLICIT_LITTLE).monochrome(2, 2, 16, 16, false).native(&[0; 8]);
    let (other, smaller) = decode(&small, &FrameRequest::default()).expect("a slice");
    let refused = volume.put(&other, &smaller).expect_err("of another size");
    assert!(matches!(refused, RenderError::InvalidRequest { parameter: "slices", .. }));
    let coloured = FileBuilder::new(EXPLICIT_LITTLE).colour("RGB", ROWS, COLUMNS);
    let coloured = coloured.native(&vec![0; usize::from(ROWS) * usize::from(COLUMNS) * 3]);
    let (other, coloured) = decode(&coloured, &FrameRequest::default()).expect("a picture");
    assert!(volume.put(&other, &coloured).is_err());
    for _ in 1..ALONG.len() {
        volume.put(&header, &frame).expect("a slice");
    }
    assert!(volume.put(&header, &frame).is_err(), "there is no place for it");
    for format in [Format::Png16, Format::Raw16] {
        let values = compose_plane(&header, &FrameRequest { format, ..levels() }, &volume);
        assert!(matches!(values, Err(RenderError::InvalidRequest { parameter: "format", .. })));
    }
}

#[test]
fn a_plane_that_would_take_for_ever_is_refused() {
    let endless = Plane {
        rows: 8_000,
        columns: 8_000,
        to_right: [0.001, 0.0, 0.0],
        to_below: [0.0, 0.0, -0.001],
        through: [0.0, 10.0, 0.0],
        points: 4,
        ..coronal()
    };
    let places = ALONG.map(|along| SlicePlace { along, moved: [0.0; 2] });
    let refused = Volume::new(endless, places.to_vec()).expect_err("too much");
    assert!(matches!(refused, RenderError::InvalidRequest { parameter: "plane", .. }));
}

#[test]
fn labels_and_indices_of_a_palette_have_nothing_between_them() {
    let places = || ALONG.map(|along| SlicePlace { along, moved: [0.0; 2] }).to_vec();
    let pixels = vec![1; usize::from(ROWS) * usize::from(COLUMNS) * 2];
    let labels = FileBuilder::new(EXPLICIT_LITTLE).monochrome(ROWS, COLUMNS, 16, 16, false);
    let labels = labels.text(0x0062, 0x0001, "CS", "LABELMAP").native(&pixels);
    let entries: Vec<u8> = (0..4_u16).flat_map(|entry| (entry << 12).to_le_bytes()).collect();
    let mut palette = FileBuilder::new(EXPLICIT_LITTLE)
        .text(0x0008, 0x9205, "CS", "MIXED")
        .monochrome(ROWS, COLUMNS, 16, 16, false);
    for channel in 0x1101..=0x1103 {
        palette = palette.u16s(0x0028, channel, &[4, 0, 16]);
    }
    for channel in 0x1201..=0x1203 {
        palette = palette.bytes(0x0028, channel, "OW", &entries);
    }
    for file in [labels, palette.native(&pixels)] {
        let mut volume = Volume::new(coronal(), places()).expect("a plane");
        let (header, frame) = decode(&file, &FrameRequest::default()).expect("a slice");
        assert!(matches!(volume.put(&header, &frame), Err(RenderError::Unsupported { .. })));
    }
}

#[test]
fn what_is_not_finite_is_no_value() {
    let places = ALONG.map(|along| SlicePlace { along, moved: [0.0; 2] });
    let mut volume = Volume::new(coronal(), places.to_vec()).expect("a plane");
    let mut header = None;
    for along in ALONG {
        let values = (0..ROWS).flat_map(|row| (0..COLUMNS).map(move |column| (row, column)));
        let values = values.map(|(row, column)| match (row, column) {
            (4, 2) => f32::INFINITY,
            (4, 3) => f32::NAN,
            _ => rising([column.into(), row.into(), along]) as f32,
        });
        let pixels: Vec<u8> = values.flat_map(f32::to_le_bytes).collect();
        let file = FileBuilder::new(EXPLICIT_LITTLE)
            .u16s(0x0028, 0x0002, &[1])
            .text(0x0028, 0x0004, "CS", "MONOCHROME2")
            .u16s(0x0028, 0x0010, &[ROWS])
            .u16s(0x0028, 0x0011, &[COLUMNS])
            .u16s(0x0028, 0x0100, &[32])
            .bytes(0x7FE0, 0x0008, "OF", &pixels)
            .file();
        let (own, frame) = decode(&file, &FrameRequest::default()).expect("a slice");
        volume.put(&own, &frame).expect("a slice");
        header = Some(own);
    }
    let header = header.expect("a slice");
    let picture = compose_plane(&header, &FrameRequest::default(), &volume).expect("a picture");
    assert!(picture.window.expect("a window").width() < 200.0, "of what is finite");
    for row in grey(&picture).chunks(10) {
        assert_eq!((row[2], row[3]), (0, 0));
        assert!(row[5] > row[4]);
    }
}

#[test]
fn bytes_without_a_window_are_shown_as_frames_of_them_are() {
    let places = ALONG.map(|along| SlicePlace { along, moved: [0.0; 2] });
    let mut volume = Volume::new(coronal(), places.to_vec()).expect("a plane");
    let file = FileBuilder::new(EXPLICIT_LITTLE).monochrome(ROWS, COLUMNS, 8, 8, false);
    let file = file.native(&[77; 120]);
    let (header, frame) = decode(&file, &FrameRequest::default()).expect("a slice");
    for _ in ALONG {
        volume.put(&header, &frame).expect("a slice");
    }
    let picture = compose_plane(&header, &FrameRequest::default(), &volume).expect("a picture");
    assert!(grey(&picture).iter().all(|level| *level == 77));
}

/// A series whose cosines were rounded as they were written has a ray that leads astray by parts of a sample.
#[test]
fn a_slab_that_is_a_little_askew_finds_its_highest_value_all_the_same() {
    let bright = |[x, y, z]: [f64; 3]| if [x, y, z] == [6.0, 7.0, 3.0] { 250.0 } else { 10.0 };
    let askew = Plane { through: [4.7e-4, 10.0, 0.0], projection: Projection::Maximum, ..coronal() };
    assert_eq!(grey(&drawn(askew, bright, None))[5 * 10 + 6], 250);
}

/// Their middles lie beside each other: each is looked at where it is.
#[test]
fn one_bright_sample_of_slices_that_are_moved_is_as_bright_as_it_is() {
    let places = ALONG.map(|along| SlicePlace { along, moved: [0.0, along / 5.0] });
    let highest = Plane { through: [0.0, 14.0, 0.0], projection: Projection::Maximum, ..coronal() };
    let mut volume = Volume::new(highest, places.to_vec()).expect("a plane");
    let mut header = None;
    for along in ALONG {
        let bright = move |[x, y, _]: [f64; 3]| if (x, y, along) == (6.0, 7.0, 3.0) { 250.0 } else { 10.0 };
        let (own, frame) = slice(along, bright, None);
        volume.put(&own, &frame).expect("a slice");
        header = Some(own);
    }
    let picture = compose_plane(&header.expect("a slice"), &levels(), &volume).expect("a picture");
    assert_eq!(grey(&picture)[5 * 10 + 6], 250, "3 mm along the normal, 0.6 rows beside the first slice");
}

#[test]
fn slices_that_are_moved_lie_where_they_are_moved_to() {
    let moved = |along: f64| [along / 2.0, -along / 4.0];
    let of_slice = |[x, y, z]: [f64; 3]| rising([x + moved(z)[0], y + moved(z)[1], z]);
    let places = ALONG.map(|along| SlicePlace { along, moved: moved(along) });
    let plane = Plane { corner: [4.0, 4.0, 8.0], columns: 5, ..coronal() };
    let mut volume = Volume::new(plane.clone(), places.to_vec()).expect("a plane");
    let mut header = None;
    for along in ALONG {
        let (own, frame) = slice(along, of_slice, None);
        volume.put(&own, &frame).expect("a slice");
        header = Some(own);
    }
    let picture = compose_plane(&header.expect("a slice"), &levels(), &volume).expect("a picture");
    // What is stored are whole numbers.
    for (nth, shown) in grey(&picture).iter().enumerate() {
        let place = [4.5 + (nth % 5) as f64, 4.0, 7.5 - (nth / 5) as f64];
        assert!((f64::from(*shown) - rising(place)).abs() <= 1.5, "{place:?}: {shown} and {}", rising(place));
    }
}
