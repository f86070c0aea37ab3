//! What a request can ask for, on small files made here.

use crate::builder::{EXPLICIT_LITTLE, FileBuilder, JPEG_BASELINE, decode, render};
use noctis_render::{
    Fit, Format, FrameRequest, Limits, Orientation, Region, RenderError, Voi, VoiFunction, Window,
    compose_frame, decode_frame, explain_pixel, scan,
};

/// 4 x 4 pixels, 0 to 15, signed, -1000 + 2 x stored.
fn sample_file() -> Vec<u8> {
    let pixels: Vec<u8> = (0..16_i16).flat_map(|value| (value - 8).to_le_bytes()).collect();
    FileBuilder::new(EXPLICIT_LITTLE)
        .monochrome(4, 4, 16, 16, true)
        .text(0x0028, 0x1052, "DS", "-1000")
        .text(0x0028, 0x1053, "DS", "2")
        .native(&pixels)
}

struct Png {
    size: (u32, u32),
    samples: Vec<u8>,
}

fn picture(file: &[u8], request: &FrameRequest) -> Png {
    let picture = render(file, request).expect("a picture");
    let decoder = png::Decoder::new(std::io::Cursor::new(picture.bytes));
    let mut reader = decoder.read_info().expect("a PNG");
    let mut samples = vec![0; reader.output_buffer_size().expect("a small picture")];
    let info = reader.next_frame(&mut samples).expect("a PNG");
    samples.truncate(info.buffer_size());
    Png { size: (info.width, info.height), samples }
}

#[test]
fn without_a_window_the_range_of_the_frame_is_shown() {
    let shown = picture(&sample_file(), &FrameRequest::default());
    assert_eq!(shown.samples, (0..16).map(|step| step * 17).collect::<Vec<u8>>());
    let told = render(&sample_file(), &FrameRequest::default()).expect("a picture").window.expect("a window");
    assert_eq!((told.center(), told.width()), (-1000.5, 31.0));
}

#[test]
fn inversion_mirrors_every_level() {
    let inverted = FrameRequest { invert: true, ..FrameRequest::default() };
    let shown = picture(&sample_file(), &inverted);
    assert_eq!(shown.samples, (0..16).rev().map(|step| step * 17).collect::<Vec<u8>>());
}

#[test]
fn an_asked_window_is_used_and_told() {
    let window = Window::new(-1000.0, 2.0, VoiFunction::LinearExact).expect("a valid window");
    let request = FrameRequest { voi: Voi::Window(window), ..FrameRequest::default() };
    let shown = picture(&sample_file(), &request);
    assert_eq!(shown.samples[..7], [0; 7]);
    assert_eq!(shown.samples[8], 128);
    assert_eq!(shown.samples[9..], [255; 7]);
    assert_eq!(render(&sample_file(), &request).expect("a picture").window, Some(window));
}

#[test]
fn a_region_is_cut_out_and_a_box_filled() {
    let region = Some(Region { left: 2.0, top: 1.0, width: 2.0, height: 2.0 });
    let cut = picture(&sample_file(), &FrameRequest { region, ..FrameRequest::default() });
    assert_eq!((cut.size, cut.samples.as_slice()), ((2, 2), [6, 7, 10, 11].map(|step| step * 17).as_slice()));
    let fit = Fit { width: Some(2), height: Some(9), enlarge: false };
    let small = picture(&sample_file(), &FrameRequest { fit, ..FrameRequest::default() });
    assert_eq!(small.size, (2, 2));
}

/// Four rows of four, and a bit of an overlay in the corner at the top left.
fn marked_file() -> Vec<u8> {
    let pixels: Vec<u8> = (0..16_u8).map(|step| step * 10).collect();
    FileBuilder::new(EXPLICIT_LITTLE)
        .monochrome(4, 4, 8, 8, false)
        .u16s(0x6000, 0x0010, &[4])
        .u16s(0x6000, 0x0011, &[4])
        .text(0x6000, 0x0040, "CS", "G")
        .bytes(0x6000, 0x0050, "SS", &[1, 0, 1, 0])
        .u16s(0x6000, 0x0100, &[1])
        .u16s(0x6000, 0x0102, &[0])
        .bytes(0x6000, 0x3000, "OW", &[1, 0])
        .native(&pixels)
}

#[test]
fn a_picture_is_laid_down_with_what_is_burned_in() {
    let laid = |orientation, region| {
        let request = FrameRequest { orientation, region, ..FrameRequest::default() };
        picture(&marked_file(), &request).samples
    };
    let stored = laid(Orientation::AS_STORED, None);
    assert_eq!(stored[..4], [255, 10, 20, 30]);
    let row = |row: usize| stored[row * 4..][..4].to_vec();
    let backwards = |row: Vec<u8>| row.into_iter().rev().collect::<Vec<_>>();
    let flipped = laid(Orientation::of_flips(true, false), None);
    assert_eq!(flipped, (0..4).flat_map(|nth| backwards(row(nth))).collect::<Vec<_>>());
    let upside_down = laid(Orientation::of_flips(false, true), None);
    assert_eq!(upside_down, (0..4).rev().flat_map(row).collect::<Vec<_>>());
    // The region is of the frame as it is stored.
    let region = Some(Region { left: 0.0, top: 0.0, width: 2.0, height: 1.0 });
    assert_eq!(laid(Orientation::of_flips(true, false), region), [10, 255]);
    assert_eq!(laid(Orientation::new(1, false), region), [255, 10]);
}

#[test]
fn the_box_is_of_the_picture_as_it_is_laid_down() {
    let region = Some(Region { left: 0.0, top: 0.0, width: 4.0, height: 2.0 });
    let fit = Fit { width: Some(4), height: Some(8), enlarge: true };
    let size = |quarter_turns| {
        let orientation = Orientation::new(quarter_turns, false);
        picture(&marked_file(), &FrameRequest { region, fit, orientation, ..FrameRequest::default() }).size
    };
    assert_eq!((size(0), size(1), size(2), size(3)), ((4, 2), (4, 8), (4, 2), (4, 8)));
}

#[test]
fn a_pixel_is_named_by_its_place_in_the_file_however_the_picture_is_laid_down() {
    let plain = FrameRequest::default();
    let turned = FrameRequest { orientation: Orientation::new(1, true), ..plain.clone() };
    let (header, frame) = decode(&marked_file(), &plain).expect("a frame");
    for pixel in [(0, 0), (3, 1)] {
        let explained = |request| explain_pixel(&header, &frame, request, pixel).expect("explained");
        assert_eq!(explained(&turned), explained(&plain));
    }
}

#[test]
fn sixteen_bits_come_with_the_scale_that_gives_modality_values_back() {
    let request = FrameRequest { format: Format::Png16, ..FrameRequest::default() };
    let (slope, offset) = render(&sample_file(), &request).expect("a picture").pixel_scale.expect("a scale");
    let shown = picture(&sample_file(), &request);
    let values: Vec<f64> = shown
        .samples
        .as_chunks::<2>()
        .0
        .iter()
        .map(|bytes| f64::from(u16::from_be_bytes(*bytes)) * slope + offset)
        .collect();
    assert_eq!(values, (0..16).map(|step| f64::from(step - 8) * 2.0 - 1000.0).collect::<Vec<f64>>());
}

#[test]
fn bare_samples_are_those_of_the_png_with_their_low_byte_first() {
    let of = |format| {
        render(&sample_file(), &FrameRequest { format, ..FrameRequest::default() }).expect("a picture")
    };
    let (raw, png) = (of(Format::Raw16), of(Format::Png16));
    let in_png =
        picture(&sample_file(), &FrameRequest { format: Format::Png16, ..FrameRequest::default() }).samples;
    let turned: Vec<u8> = in_png.as_chunks::<2>().0.iter().flat_map(|&[high, low]| [low, high]).collect();
    assert_eq!(raw.bytes, turned);
    assert_eq!((raw.rows, raw.columns, raw.pixel_scale), (png.rows, png.columns, png.pixel_scale));
    assert_eq!(raw.media_type, "application/octet-stream");
}

#[test]
fn a_frame_that_ends_early_is_damage_or_a_partial_picture() {
    let file = sample_file();
    let cut = &file[..file.len() - 4];
    assert!(matches!(render(cut, &FrameRequest::default()), Err(RenderError::Corrupt { .. })));
    let request = FrameRequest { best_effort: true, ..FrameRequest::default() };
    assert!(render(cut, &request).expect("a partial picture").partial);
}

#[test]
fn a_frame_past_the_end_is_told_with_the_number_there_is() {
    let limits = Limits::default();
    let file = sample_file();
    let scan = scan(&file, &limits).expect("a sound file");
    let request = FrameRequest { frame_number: 2, ..FrameRequest::default() };
    let error = decode_frame(&scan.header, &[], &request, &limits).expect_err("there is one frame");
    assert!(matches!(error, RenderError::NoSuchFrame { asked: 2, available: 1 }));
}

#[test]
fn a_video_is_answered_with_the_media_types_it_has() {
    let file = FileBuilder::new("1.2.840.10008.1.2.4.102")
        .monochrome(4, 4, 8, 8, false)
        .encapsulated(&[&[0, 0, 1, 9]]);
    let error = render(&file, &FrameRequest::default()).expect_err("a video");
    assert!(matches!(error, RenderError::Video { media_types: ["video/mp4"], .. }), "{error}");
}

/// A cut codestream that its decoder would fill with grey.
#[test]
fn a_truncated_jpeg_is_damage() {
    let grey: Vec<u8> = (0..64 * 64_u32).map(|value| (value * 7 % 251) as u8).collect();
    let mut jpeg = Vec::new();
    noctis_render::encode::jpeg::encode_grey8(&grey, 64, 64, 90, &mut jpeg).expect("a sound picture");
    let file = |codestream: &[u8]| {
        FileBuilder::new(JPEG_BASELINE).monochrome(64, 64, 8, 8, false).encapsulated(&[codestream])
    };
    assert!(render(&file(&jpeg), &FrameRequest::default()).is_ok());
    let cut = file(&jpeg[..jpeg.len() / 2]);
    assert!(matches!(render(&cut, &FrameRequest::default()), Err(RenderError::Corrupt { .. })));
    let request = FrameRequest { best_effort: true, ..FrameRequest::default() };
    assert!(render(&cut, &request).expect("a partial picture").partial);
}

#[test]
fn a_frame_decoded_small_serves_no_larger_request() {
    let grey = vec![90; 64 * 64];
    let mut jpeg = Vec::new();
    noctis_render::encode::jpeg::encode_grey8(&grey, 64, 64, 90, &mut jpeg).expect("a sound picture");
    let file = FileBuilder::new(JPEG_BASELINE).monochrome(64, 64, 8, 8, false).encapsulated(&[&jpeg]);
    let limits = Limits::default();
    let scan = scan(&file, &limits).expect("a sound file");
    let range = scan.pixels.expect("pixels").frames[0];
    let bytes = &file[range.offset as usize..][..range.byte_count as usize];
    let fit = Fit { width: Some(16), height: Some(16), enlarge: false };
    let thumbnail = FrameRequest { fit, ..FrameRequest::default() };
    let frame = decode_frame(&scan.header, bytes, &thumbnail, &limits).expect("a frame");
    assert!(frame.byte_count() < 64 * 64);
    assert!(frame.serves(&scan.header, &thumbnail));
    assert!(!frame.serves(&scan.header, &FrameRequest::default()));
    let image = compose_frame(&scan.header, &frame, &thumbnail).expect("a picture");
    assert_eq!((image.columns, image.rows), (16, 16));
}

#[test]
fn the_catalog_reads_the_header_without_the_pixels() {
    let scan = scan(&sample_file(), &Limits::default()).expect("a sound file");
    let uid = scan.header.dataset().element_by_name("SOPInstanceUID").expect("a UID").to_str().expect("text");
    assert_eq!(uid.trim_end_matches('\0'), "1.2.3.4");
    assert_eq!((scan.header.rows(), scan.header.columns(), scan.header.frame_count()), (4, 4, 1));
}

/// PS3.5 8.2.5: fragments of a video follow each other without regard to frames.
#[test]
fn a_video_is_one_stream_in_the_place_of_its_first_frame() {
    for fragments in [&[&[7; 100][..]][..], &[&[7; 40], &[8; 60]]] {
        let file = FileBuilder::new("1.2.840.10008.1.2.4.102")
            .monochrome(4, 4, 8, 8, false)
            .text(0x0028, 0x0008, "IS", "3 ")
            .encapsulated(fragments);
        let frames = scan(&file, &Limits::default()).expect("a sound file").pixels.expect("pixels").frames;
        let (start, end) = (frames[0].offset as usize, (frames[0].offset + frames[0].byte_count) as usize);
        assert_eq!(frames[0].byte_count as usize, 100 + 8 * fragments.len());
        assert_eq!(
            (&file[start..start + 4], file[end - 1]),
            (&[0xFE, 0xFF, 0, 0xE0][..], fragments.concat()[99])
        );
        assert!(frames.len() == 3 && frames[1..].iter().all(|frame| frame.byte_count == 0));
    }
}
