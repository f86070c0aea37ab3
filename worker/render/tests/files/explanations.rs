//! What is told of a pixel is what is drawn of it, for every pixel of files of each kind.

use noctis_render::{
    DisplaySamples, Explanation, FrameRequest, RenderError, Voi, VoiFunction, Window, explain_pixel,
};

use crate::builder::{EXPLICIT_LITTLE, FileBuilder, compose, decode};

const ROWS: u16 = 8;
const COLUMNS: u16 = 16;

/// 12 bits, signed or not, over the whole range.
fn words() -> Vec<u8> {
    let values = (0..u32::from(ROWS) * u32::from(COLUMNS)).map(|index| (index * 32) as u16 & 0x0fff);
    values.flat_map(u16::to_le_bytes).collect()
}

fn grey(signed: bool) -> FileBuilder {
    FileBuilder::new(EXPLICIT_LITTLE).monochrome(ROWS, COLUMNS, 16, 12, signed)
}

/// A table of 4 entries that does not rise evenly.
fn table(bits: u16) -> FileBuilder {
    FileBuilder::new(EXPLICIT_LITTLE).u16s(0x0028, 0x3002, &[4, 1000, bits]).u16s(
        0x0028,
        0x3006,
        &[0, 1 << (bits - 2), 3, u16::MAX >> (16 - bits)],
    )
}

fn rescaled(file: FileBuilder) -> FileBuilder {
    file.text(0x0028, 0x1052, "DS", "-1024").text(0x0028, 0x1053, "DS", "1.5")
}

/// Files by name, with the stages that a pixel of theirs goes through.
fn files() -> Vec<(&'static str, Vec<u8>, &'static [&'static str])> {
    const GREY: &[&str] = &["decode", "modality", "voi", "presentation"];
    let windowed =
        |file: FileBuilder| file.text(0x0028, 0x1050, "DS", "40").text(0x0028, 0x1051, "DS", "400");
    let one = |photometric: &str| {
        FileBuilder::new(EXPLICIT_LITTLE).monochrome_as(photometric, ROWS, COLUMNS, 8).native(&bytes(1))
    };
    let colour = |photometric: &str| {
        FileBuilder::new(EXPLICIT_LITTLE).colour(photometric, ROWS, COLUMNS).native(&bytes(3))
    };
    let palette = |number: u16, file: FileBuilder| file.u16s(0x0028, 0x1101 + number, &[128, 0, 16]);
    let channel = |number: u16, file: FileBuilder| {
        let entries: Vec<u16> = (0..128).map(|index: u16| index.wrapping_mul(300 + 77 * number)).collect();
        file.u16s(0x0028, 0x1201 + number, &entries)
    };
    let mut coloured = FileBuilder::new(EXPLICIT_LITTLE).monochrome_as("PALETTE COLOR", ROWS, COLUMNS, 8);
    for number in 0..3 {
        coloured = palette(number, coloured);
    }
    for number in 0..3 {
        coloured = channel(number, coloured);
    }
    let inverse = windowed(grey(false)).text(0x2050, 0x0020, "CS", "INVERSE").native(&words());
    let overlaid = grey(false)
        .u16s(0x6000, 0x0010, &[ROWS])
        .u16s(0x6000, 0x0011, &[COLUMNS])
        .bytes(0x6000, 0x0050, "SS", &[1, 0, 1, 0])
        .u16s(0x6000, 0x0100, &[1])
        .u16s(0x6000, 0x0102, &[0])
        .bytes(0x6000, 0x3000, "OW", &[0xff; 16]);
    let padded = FileBuilder::new(EXPLICIT_LITTLE).monochrome(ROWS, COLUMNS, 16, 12, false).u16s(
        0x0028,
        0x0120,
        &[32],
    );
    vec![
        ("rescale", rescaled(windowed_before(grey(false), "40", "400")).native(&words()), GREY),
        ("signed", windowed(grey(true)).native(&words()), GREY),
        ("no window", grey(true).native(&words()), GREY),
        ("eight bits", one("MONOCHROME2"), GREY),
        ("monochrome 1", one("MONOCHROME1"), GREY),
        ("inverse", inverse, GREY),
        ("modality table", grey(false).sequence(0x0028, 0x3000, table(16)).native(&words()), GREY),
        ("voi table", grey(false).sequence(0x0028, 0x3010, table(12)).native(&words()), GREY),
        ("padding", padded.native(&words()), GREY),
        ("overlay", overlay_file(overlaid), &["decode", "modality", "voi", "presentation", "overlay"]),
        ("palette", coloured.native(&bytes(1)), &["decode", "palette"]),
        ("rgb", colour("RGB"), &["decode", "colour_space"]),
        ("ybr", colour("YBR_FULL"), &["decode", "colour_space"]),
    ]
}

/// Window Center and Width stand before the rescale.
fn windowed_before(file: FileBuilder, center: &str, width: &str) -> FileBuilder {
    file.text(0x0028, 0x1050, "DS", center).text(0x0028, 0x1051, "DS", width)
}

/// The overlay stands before the pixel data.
fn overlay_file(file: FileBuilder) -> Vec<u8> {
    file.native(&words())
}

fn bytes(samples: usize) -> Vec<u8> {
    (0..usize::from(ROWS) * usize::from(COLUMNS) * samples).map(|index| (index * 37) as u8 & 0x7f).collect()
}

fn explain(file: &[u8], request: &FrameRequest, at: (u32, u32)) -> Result<Explanation, RenderError> {
    let (header, frame) = decode(file, request)?;
    explain_pixel(&header, &frame, request, at)
}

/// Every pixel: told as drawn, each step going on from where the one before ended.
fn assert_told_as_drawn(name: &str, file: &[u8], request: &FrameRequest) {
    let drawn = compose(file, request).expect(name);
    let (samples, channels) = match &drawn.samples {
        DisplaySamples::Grey8(samples) => (samples, 1),
        DisplaySamples::Rgb8(samples) => (samples, 3),
        DisplaySamples::Grey16(_) => panic!("{name}: 8 bits"),
    };
    let (header, frame) = decode(file, request).expect(name);
    for (place, expected) in samples.chunks_exact(channels).enumerate() {
        let at = (place as u32 % drawn.columns, place as u32 / drawn.columns);
        let told = explain_pixel(&header, &frame, request, at).expect(name);
        assert_eq!(told.shown, expected, "{name} {request:?} at {at:?}: {told:?}");
        let last = told.steps.last().expect("a step");
        assert_eq!(last.output, expected.iter().map(|&value| value.into()).collect::<Vec<f64>>(), "{name}");
        for pair in told.steps.windows(2) {
            assert_eq!(pair[0].output, pair[1].input, "{name} at {at:?}: {told:?}");
        }
        assert!(told.steps.iter().all(|step| step.clause.starts_with("PS3.") && !step.source.is_empty()));
        if let (Some(value), [stored]) = (told.modality_value, &told.stored[..]) {
            let step = told.steps.iter().find(|step| step.stage == "modality").expect("a modality step");
            assert_eq!((&step.input[..], &step.output[..]), (&[*stored][..], &[value][..]), "{name}");
        }
    }
}

#[test]
fn what_is_told_is_what_is_drawn() {
    let window = |function| Voi::Window(Window::new(300.0, 700.0, function).expect("valid"));
    let views = [
        Voi::FromFile,
        Voi::FromFileWith(VoiFunction::Sigmoid),
        Voi::FromFileWith(VoiFunction::LinearExact),
        window(VoiFunction::Linear),
        window(VoiFunction::LinearExact),
        window(VoiFunction::Sigmoid),
    ];
    for (name, file, stages) in files() {
        for voi in views {
            for (invert, overlays) in [(false, true), (true, true), (true, false)] {
                let request = FrameRequest { voi, invert, overlays, ..FrameRequest::default() };
                assert_told_as_drawn(name, &file, &request);
            }
        }
        let told = explain(&file, &FrameRequest::default(), (5, 0)).expect(name);
        assert_eq!(told.steps.iter().map(|step| step.stage).collect::<Vec<_>>(), stages, "{name}");
    }
}

#[test]
fn what_decided_is_named() {
    let cases = [
        ("rescale", 1, "Rescale Slope (0028,1053) 1.5 and Rescale Intercept (0028,1052) -1024", "C.11.1.1.2"),
        (
            "rescale",
            2,
            "Window Center (0028,1050) and Window Width (0028,1051): center 40, width 400",
            "C.11.2.1.2.1",
        ),
        ("no window", 2, "none in the file: the range of the frame", "C.11.2.1.2.1"),
        ("eight bits", 2, "Bits Stored (0028,0101): the range of the bits", "C.11.2.1.2.1"),
        ("monochrome 1", 3, "Photometric Interpretation (0028,0004) MONOCHROME1", "C.7.6.3.1.2"),
        ("inverse", 3, "Presentation LUT Shape (2050,0020) INVERSE", "C.11.6.1.2"),
        ("modality table", 1, "Modality LUT Sequence (0028,3000)", "C.11.1.1"),
        ("voi table", 2, "VOI LUT Sequence (0028,3010)", "C.11.2.1.1"),
        ("palette", 1, "Red, Green and Blue Palette Color Lookup Table Data", "C.7.6.3.1.5"),
        ("overlay", 4, "Overlay Data (60xx,3000)", "C.9.2"),
    ];
    let files = files();
    for (name, place, source, clause) in cases {
        let (_, file, _) = files.iter().find(|(file, ..)| *file == name).expect(name);
        let step = &explain(file, &FrameRequest::default(), (5, 0)).expect(name).steps[place];
        assert!(step.source.starts_with(source), "{name}: {step:?}");
        assert_eq!(step.clause, format!("PS3.3 {clause}"), "{name}");
    }
    let asked = Voi::Window(Window::new(1.0, 2.0, VoiFunction::Sigmoid).expect("valid"));
    let request = FrameRequest { voi: asked, ..FrameRequest::default() };
    let step = &explain(&files[0].1, &request, (0, 0)).expect("told").steps[2];
    assert_eq!((step.source.as_str(), step.clause), ("the request: center 1, width 2", "PS3.3 C.11.2.1.3.1"));
}

#[test]
fn padding_is_told_and_means_nothing() {
    let (_, file, _) = files().into_iter().find(|(name, ..)| *name == "padding").expect("it is there");
    let told = explain(&file, &FrameRequest::default(), (1, 0)).expect("told");
    assert_eq!((told.stored, told.modality_value, told.shown), (vec![32.0], None, vec![0]));
    assert_eq!(told.steps.last().map(|step| step.stage), Some("padding"));
}

#[test]
fn a_pixel_outside_of_the_frame_is_refused_by_name() {
    let (_, file, _) = &files()[0];
    for (at, parameter) in [((16, 0), "x"), ((0, 8), "y"), ((u32::MAX, u32::MAX), "x")] {
        let error = explain(file, &FrameRequest::default(), at).expect_err("outside");
        assert!(
            matches!(error, RenderError::InvalidRequest { parameter: named, .. } if named == parameter),
            "{error}"
        );
    }
}
