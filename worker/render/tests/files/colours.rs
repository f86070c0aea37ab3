//! ICC profiles of colour pictures: embedded, left out, or undone. What a conversion gives is worked out here from the
//! matrix and the curves that go into the profile (ICC.1 annex F), not by any colour library.

use std::io::Cursor;

use crate::builder::{EXPLICIT_LITTLE, FileBuilder, compose, decode, render};
use noctis_render::{DisplaySamples, Fit, Format, FrameRequest, IccProfile, RenderError, explain_pixel};

/// Red, green and blue of sRGB in the connection space (IEC 61966-2-1, adapted to D50).
const SRGB: [[f64; 3]; 3] =
    [[0.43607, 0.22249, 0.01392], [0.38515, 0.71687, 0.09708], [0.14307, 0.06061, 0.71410]];

/// A profile of three primaries and one exponent; also what its pixels are in sRGB.
struct Matrix {
    primaries: [[f64; 3]; 3],
    gamma: f64,
}

/// Red is where green should be, green where blue should be: nothing stays as it was.
const SWAPPED: Matrix = Matrix { primaries: [SRGB[2], SRGB[0], SRGB[1]], gamma: 1.8 };
/// Right primaries, no gamma: everything but black and white becomes lighter.
const LINEAR: Matrix = Matrix { primaries: SRGB, gamma: 1.0 };

impl Matrix {
    fn profile(&self) -> Vec<u8> {
        let fixed = |value: f64| ((value * 65_536.0).round() as i32).to_be_bytes();
        let xyz = |color: &[f64; 3]| [b"XYZ \0\0\0\0".to_vec(), color.map(fixed).concat()].concat();
        let gamma = ((self.gamma * 256.0).round() as u16).to_be_bytes();
        let curve = [&b"curv\0\0\0\0\0\0\0\x01"[..], &gamma, &[0, 0]].concat();
        let [red, green, blue] = self.primaries.each_ref().map(xyz);
        let tags = [
            (b"rXYZ", red),
            (b"gXYZ", green),
            (b"bXYZ", blue),
            (b"rTRC", curve.clone()),
            (b"gTRC", curve.clone()),
            (b"bTRC", curve),
        ];
        let values_start = 132 + 12 * tags.len() as u32;
        let (mut table, mut values) = ((tags.len() as u32).to_be_bytes().to_vec(), Vec::new());
        for (name, value) in &tags {
            table.extend(*name);
            table.extend((values_start + values.len() as u32).to_be_bytes());
            table.extend((value.len() as u32).to_be_bytes());
            values.extend(value);
        }
        let mut profile = vec![0; 128];
        profile[..4].copy_from_slice(&(values_start + values.len() as u32).to_be_bytes());
        profile[8..10].copy_from_slice(&[2, 0x10]);
        profile[12..24].copy_from_slice(b"scnrRGB XYZ ");
        profile[36..40].copy_from_slice(b"acsp");
        profile[68..80].copy_from_slice(&[0.9642, 1.0, 0.8249].map(fixed).concat());
        [profile, table, values].concat()
    }

    fn to_srgb(&self, pixel: [u8; 3]) -> [u8; 3] {
        let linear = pixel.map(|sample| (f64::from(sample) / 255.0).powf(self.gamma));
        let xyz = [0, 1, 2].map(|axis| (0..3).map(|from| linear[from] * self.primaries[from][axis]).sum());
        solved(SRGB, xyz).map(|linear: f64| {
            let linear = linear.clamp(0.0, 1.0);
            let encoded =
                if linear <= 0.003_130_8 { linear * 12.92 } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 };
            (encoded * 255.0).round() as u8
        })
    }
}

/// How much of each of three colours makes `target`, by Cramer's rule.
fn solved(colors: [[f64; 3]; 3], target: [f64; 3]) -> [f64; 3] {
    let determinant = |[a, b, c]: [[f64; 3]; 3]| {
        a[0] * (b[1] * c[2] - b[2] * c[1]) - a[1] * (b[0] * c[2] - b[2] * c[0])
            + a[2] * (b[0] * c[1] - b[1] * c[0])
    };
    [0, 1, 2].map(|at| {
        let mut replaced = colors;
        replaced[at] = target;
        determinant(replaced) / determinant(colors)
    })
}

/// 12 x 18 pixels: six levels of each sample, in every combination.
fn cube() -> Vec<u8> {
    let level = |step: usize| (step % 6 * 51) as u8;
    (0..216).flat_map(|index| [level(index / 36), level(index / 6), level(index)]).collect()
}

fn rgb_file(rows: u16, columns: u16, pixels: &[u8], profile: &[u8]) -> Vec<u8> {
    FileBuilder::new(EXPLICIT_LITTLE)
        .colour("RGB", rows, columns)
        .bytes(0x0028, 0x2000, "OB", &padded(profile))
        .native(pixels)
}

/// Values of OB have an even length.
fn padded(bytes: &[u8]) -> Vec<u8> {
    let mut padded = bytes.to_vec();
    padded.resize(bytes.len().next_multiple_of(2), 0);
    padded
}

fn asked(icc_profile: IccProfile) -> FrameRequest {
    FrameRequest { icc_profile, ..FrameRequest::default() }
}

fn samples(file: &[u8], request: &FrameRequest) -> Vec<u8> {
    match compose(file, request).expect("a picture").samples {
        DisplaySamples::Rgb8(pixels) => pixels,
        other => panic!("not in colour: {other:?}"),
    }
}

#[test]
fn a_picture_is_converted_to_srgb_by_the_formula() {
    for matrix in [SWAPPED, LINEAR] {
        let file = rgb_file(12, 18, &cube(), &matrix.profile());
        let shown = samples(&file, &asked(IccProfile::Srgb));
        for (stored, shown) in cube().as_chunks::<3>().0.iter().zip(shown.as_chunks::<3>().0) {
            let expected = matrix.to_srgb(*stored);
            let off = (0..3).map(|at| expected[at].abs_diff(shown[at])).max();
            assert!(off <= Some(1), "{stored:?}: {shown:?} is not {expected:?}");
        }
        assert!(compose(&file, &asked(IccProfile::Srgb)).expect("a picture").icc_profile.is_none());
        assert_eq!(samples(&file, &asked(IccProfile::SrgbIfUsable)), shown);
    }
}

#[test]
fn a_converted_pixel_is_told_as_it_is_drawn() {
    for matrix in [SWAPPED, LINEAR] {
        let file = rgb_file(12, 18, &cube(), &matrix.profile());
        for icc_profile in [IccProfile::Srgb, IccProfile::SrgbIfUsable, IccProfile::Yes, IccProfile::No] {
            let request = asked(icc_profile);
            let shown = samples(&file, &request);
            let (header, frame) = decode(&file, &request).expect("a frame");
            for (place, expected) in shown.chunks_exact(3).enumerate() {
                let at = (place as u32 % 18, place as u32 / 18);
                let told = explain_pixel(&header, &frame, &request, at).expect("told");
                assert_eq!(told.shown, expected, "{icc_profile:?} at {at:?}: {told:?}");
            }
        }
    }
}

#[test]
fn a_profile_is_embedded_or_left_out_and_the_samples_stay_as_stored() {
    let profile = SWAPPED.profile();
    let file = rgb_file(12, 18, &cube(), &profile);
    let embedded = compose(&file, &FrameRequest::default()).expect("a picture");
    assert_eq!(embedded.icc_profile, Some(profile));
    assert_eq!(embedded.samples, DisplaySamples::Rgb8(cube()));
    let padded = [SWAPPED.profile(), vec![0; 4]].concat();
    let of_padded = compose(&rgb_file(12, 18, &cube(), &padded), &FrameRequest::default());
    assert_eq!(of_padded.expect("a picture").icc_profile, Some(SWAPPED.profile()));
    let without = compose(&file, &asked(IccProfile::No)).expect("a picture");
    assert_eq!((without.icc_profile, without.samples), (None, DisplaySamples::Rgb8(cube())));
}

/// Each by a decoder that shares no code with what wrote the file, but for lossless WebP.
#[test]
fn every_format_carries_the_profile() {
    let profile = SWAPPED.profile();
    let file = rgb_file(12, 18, &cube(), &profile);
    let bytes = |format, icc_profile| {
        let request = FrameRequest { format, icc_profile, ..FrameRequest::default() };
        render(&file, &request).expect("a picture").bytes
    };
    for (icc_profile, expected) in
        [(IccProfile::Yes, Some(&profile)), (IccProfile::No, None), (IccProfile::Srgb, None)]
    {
        let png = bytes(Format::Png, icc_profile);
        let png = png::Decoder::new(Cursor::new(png)).read_info().expect("a PNG");
        assert_eq!(png.info().icc_profile.as_deref(), expected.map(Vec::as_slice), "PNG, {icc_profile:?}");
        let jpeg = bytes(Format::Jpeg { quality: 90 }, icc_profile);
        let mut jpeg = zune_jpeg::JpegDecoder::new(zune_jpeg::zune_core::bytestream::ZCursor::new(jpeg));
        jpeg.decode_headers().expect("a JPEG");
        assert_eq!(jpeg.icc_profile().as_ref(), expected, "JPEG, {icc_profile:?}");
        for format in [Format::Webp, Format::WebpLossy { quality: 80 }] {
            let webp = Cursor::new(bytes(format, icc_profile));
            let mut webp = image_webp::WebPDecoder::new(webp).expect("a WebP");
            assert_eq!(webp.icc_profile().expect("chunks").as_ref(), expected, "{format:?}, {icc_profile:?}");
        }
    }
}

/// Nobody gets colours by a profile that says nothing of them.
#[test]
fn a_profile_that_cannot_be_used_is_an_error_of_srgb_and_is_not_embedded() {
    let changed = |at: usize, by: &[u8]| {
        let mut profile = SWAPPED.profile();
        profile[at..at + by.len()].copy_from_slice(by);
        profile
    };
    let large = [changed(0, &(5_u32 << 20).to_be_bytes()), vec![0; 5 << 20]].concat();
    let damaged: [(&str, Vec<u8>); 4] = [
        ("text", b"not a profile".to_vec()),
        ("no signature", changed(36, b"acsq")),
        ("cut", SWAPPED.profile()[..200].to_vec()),
        ("of no length", changed(0, &[0; 4])),
    ];
    let other: [(&str, Vec<u8>); 3] = [
        ("of four inks", changed(16, b"CMYK")),
        ("a link of two devices", changed(12, b"link")),
        ("of no connection", changed(20, b"HSV ")),
    ];
    for (name, profile) in damaged.iter().chain(&other).chain(&[("large", large)]) {
        let file = rgb_file(12, 18, &cube(), profile);
        let error = compose(&file, &asked(IccProfile::Srgb)).expect_err(name);
        match error {
            RenderError::Corrupt { .. } => assert!(damaged.iter().any(|(of, _)| of == name), "{name}"),
            RenderError::Unsupported { .. } => assert!(other.iter().any(|(of, _)| of == name), "{name}"),
            RenderError::TooLarge { .. } => assert_eq!(*name, "large"),
            error => panic!("{name}: {error}"),
        }
        for request in [FrameRequest::default(), asked(IccProfile::SrgbIfUsable)] {
            let shown = compose(&file, &request).expect("a picture");
            assert_eq!((shown.icc_profile, shown.samples), (None, DisplaySamples::Rgb8(cube())), "{name}");
        }
    }
}

/// What only a conversion sees: a viewer meets the same and shows the samples as they are.
#[test]
fn a_profile_without_its_curves_is_an_error_of_srgb() {
    let mut profile = SWAPPED.profile();
    let at = profile.windows(4).position(|name| name == b"rTRC").expect("a curve");
    profile[at..at + 4].copy_from_slice(b"none");
    let file = rgb_file(12, 18, &cube(), &profile);
    let error = compose(&file, &asked(IccProfile::Srgb)).expect_err("no curve");
    assert!(matches!(error, RenderError::Corrupt { .. }), "{error}");
    assert_eq!(samples(&file, &asked(IccProfile::SrgbIfUsable)), cube());
}

#[test]
fn a_colour_space_that_is_only_named_is_not_taken_for_srgb() {
    let file = |name| {
        let file = FileBuilder::new(EXPLICIT_LITTLE).colour("RGB", 12, 18);
        file.text(0x0028, 0x2002, "CS", name).native(&cube())
    };
    assert_eq!(samples(&file("SRGB"), &asked(IccProfile::Srgb)), cube());
    let error = compose(&file("ADOBERGB"), &asked(IccProfile::Srgb)).expect_err("not sRGB");
    assert!(matches!(error, RenderError::Unsupported { .. }), "{error}");
    assert_eq!(samples(&file("ADOBERGB"), &FrameRequest::default()), cube());
    // Slides say it of their optical path.
    let path = FileBuilder::new(EXPLICIT_LITTLE).text(0x0028, 0x2002, "CS", "ADOBERGB");
    let slide = FileBuilder::new(EXPLICIT_LITTLE).colour("RGB", 12, 18).sequence(0x0048, 0x0105, path);
    let error = compose(&slide.native(&cube()), &asked(IccProfile::Srgb)).expect_err("not sRGB");
    assert!(matches!(error, RenderError::Unsupported { .. }), "{error}");
}

/// The profile speaks of red, green and blue, whatever is stored (PS3.3 C.11.15.1.1).
#[test]
fn palette_and_luminance_are_converted_as_the_colours_they_become() {
    let profile = LINEAR.profile();
    let channel = |at: usize| (0..216).map(|index| cube()[index * 3 + at]).collect::<Vec<u8>>();
    let palette = (0..3)
        .fold(FileBuilder::new(EXPLICIT_LITTLE).monochrome_as("PALETTE COLOR", 12, 18, 8), |file, at| {
            file.u16s(0x0028, 0x1101 + at, &[216, 0, 8])
        });
    let palette = (0..3)
        .fold(palette, |file, at| file.bytes(0x0028, 0x1201 + at, "OW", &channel(at.into())))
        .bytes(0x0028, 0x2000, "OB", &profile)
        .native(&(0..216).map(|index| index as u8).collect::<Vec<u8>>());
    let ybr = FileBuilder::new(EXPLICIT_LITTLE)
        .colour("YBR_FULL", 12, 18)
        .bytes(0x0028, 0x2000, "OB", &profile)
        .native(&cube());
    for file in [palette, ybr] {
        let stored = samples(&file, &asked(IccProfile::No));
        let as_rgb = rgb_file(12, 18, &stored, &profile);
        let shown = samples(&file, &asked(IccProfile::Srgb));
        assert_eq!(shown, samples(&as_rgb, &asked(IccProfile::Srgb)));
        assert_ne!(shown, stored);
    }
}

/// The profile of a slide is that of its optical path (PS3.3 C.8.12.5).
#[test]
fn the_profile_of_the_first_optical_path_counts() {
    let path = FileBuilder::new(EXPLICIT_LITTLE).bytes(0x0028, 0x2000, "OB", &SWAPPED.profile());
    let file = FileBuilder::new(EXPLICIT_LITTLE).colour("RGB", 12, 18).sequence(0x0048, 0x0105, path);
    let image = compose(&file.native(&cube()), &FrameRequest::default()).expect("a picture");
    assert_eq!(image.icc_profile, Some(SWAPPED.profile()));
}

#[test]
fn a_picture_is_resized_before_it_is_converted() {
    let profile = LINEAR.profile();
    let fit = Fit { width: Some(9), height: None, enlarge: false };
    let file = rgb_file(12, 18, &cube(), &profile);
    let small = samples(&file, &FrameRequest { fit, ..asked(IccProfile::No) });
    let converted = samples(&file, &FrameRequest { fit, ..asked(IccProfile::Srgb) });
    assert_eq!(converted, samples(&rgb_file(6, 9, &small, &profile), &asked(IccProfile::Srgb)));
}

#[test]
fn a_profile_says_nothing_of_grey() {
    let file = FileBuilder::new(EXPLICIT_LITTLE)
        .monochrome(2, 2, 8, 8, false)
        .bytes(0x0028, 0x2000, "OB", b"not a profile!")
        .native(&[0, 90, 180, 255]);
    for icc_profile in [IccProfile::No, IccProfile::Yes, IccProfile::Srgb] {
        let image = compose(&file, &asked(icc_profile)).expect("a picture");
        assert_eq!(image.samples, DisplaySamples::Grey8(vec![0, 90, 180, 255]));
        assert_eq!(image.icc_profile, None);
    }
}
