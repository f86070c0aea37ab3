//! PNG files of ours, read back by two decoders that share no code with the encoder.

use noctis_render::encode::EncodeError;
use noctis_render::encode::png::{encode_grey8, encode_grey16, encode_rgb8};
use proptest::prelude::*;
use zune_png::PngDecoder;
use zune_png::zune_core::bytestream::ZCursor;
use zune_png::zune_core::options::DecoderOptions;

use crate::patterns::{self, PATTERNS, SIZES};

#[test]
fn grey_of_every_size_and_pattern_reads_back() {
    for (columns, rows) in SIZES {
        for (name, pattern) in PATTERNS {
            let pixels = patterns::fill(columns, rows, 1, pattern);
            let file = grey8(&pixels, columns, rows);
            assert_eq!(read_by_png(&file), (columns, rows, pixels.clone()), "{name} {columns} x {rows}, png");
            assert_eq!(read_by_zune(&file), (columns, rows, pixels), "{name} {columns} x {rows}, zune");
        }
    }
}

#[test]
fn colour_of_every_size_and_pattern_reads_back() {
    for (columns, rows) in SIZES {
        for (name, pattern) in PATTERNS {
            let pixels = patterns::fill(columns, rows, 3, pattern);
            let file = rgb8(&pixels, columns, rows);
            assert_eq!(
                shown(&file, read_by_png),
                (columns, rows, pixels.clone()),
                "{name} {columns} x {rows}, png"
            );
            assert_eq!(
                shown(&file, read_by_zune),
                (columns, rows, pixels),
                "{name} {columns} x {rows}, zune"
            );
        }
    }
}

#[test]
fn sixteen_bits_of_every_size_and_pattern_read_back() {
    for (columns, rows) in SIZES {
        for (name, pattern) in PATTERNS {
            let bytes = patterns::fill(columns * 2, rows, 1, pattern);
            let file = grey16(&samples(&bytes), columns, rows);
            assert_eq!(read_by_png(&file), (columns, rows, bytes.clone()), "{name} {columns} x {rows}, png");
            assert_eq!(read_by_zune(&file), (columns, rows, bytes), "{name} {columns} x {rows}, zune");
        }
    }
}

proptest! {
    #[test]
    fn any_grey_reads_back((columns, pixels) in few_values()) {
        let rows = pixels.len() as u32 / columns;
        let pixels = &pixels[..(columns * rows) as usize];
        let file = grey8(pixels, columns, rows);
        prop_assert_eq!(read_by_png(&file).2, pixels);
        prop_assert_eq!(read_by_zune(&file).2, pixels);
    }

    #[test]
    fn any_sixteen_bits_read_back((columns, bytes) in few_values()) {
        let rows = bytes.len() as u32 / columns;
        let bytes = [&bytes[..(columns * rows) as usize]; 2].concat();
        let file = grey16(&samples(&bytes), columns, rows);
        prop_assert_eq!(&read_by_png(&file).2, &bytes);
        prop_assert_eq!(&read_by_zune(&file).2, &bytes);
    }

    #[test]
    fn any_colour_reads_back((columns, pixels) in few_values()) {
        let rows = pixels.len() as u32 / columns;
        let pixels = [&pixels[..(columns * rows) as usize]; 3].concat();
        let file = rgb8(&pixels, columns, rows);
        prop_assert_eq!(&shown(&file, read_by_png).2, &pixels);
        prop_assert_eq!(&shown(&file, read_by_zune).2, &pixels);
    }
}

/// A width and at least one row of runs of few to many values, so that runs, skewed codes and noise all come.
fn few_values() -> impl Strategy<Value = (u32, Vec<u8>)> {
    let run = (any::<u8>(), prop_oneof![Just(1usize), 1..4usize, 1..700usize]);
    (1..300u32, prop::collection::vec(run, 1..300), 1..=255u8).prop_map(|(columns, runs, mask)| {
        let mut pixels: Vec<u8> =
            runs.iter().flat_map(|&(value, count)| std::iter::repeat_n(value & mask, count)).collect();
        pixels.resize(pixels.len().max(columns as usize), 7);
        (columns, pixels)
    })
}

#[test]
fn the_same_pixels_give_the_same_bytes_whatever_the_buffer_held() {
    let pixels = patterns::fill(300, 200, 1, patterns::noise);
    let mut reused = vec![0xaa; 1_000_000];
    encode_grey8(&pixels, 300, 200, None, &mut reused).expect("a valid picture");
    assert_eq!(reused, grey8(&pixels, 300, 200));
}

#[test]
fn a_colour_picture_that_is_all_grey_is_written_as_grey() {
    let grey = patterns::fill(64, 48, 1, patterns::noise);
    let rgb: Vec<u8> = grey.iter().flat_map(|&value| [value; 3]).collect();
    assert_eq!(rgb8(&rgb, 64, 48), grey8(&grey, 64, 48));
}

#[test]
fn few_colours_take_a_palette_and_one_more_takes_rgb() {
    for (color_count, color_type) in
        [(2, png::ColorType::Indexed), (256, png::ColorType::Indexed), (257, png::ColorType::Rgb)]
    {
        let pixels: Vec<u8> = (0..300 * 40u32)
            .flat_map(|at| [(at % color_count) as u8, (at % color_count / 256) as u8, 9])
            .collect();
        let file = rgb8(&pixels, 300, 40);
        let reader = png::Decoder::new(std::io::Cursor::new(&file)).read_info().expect("a PNG");
        assert_eq!(reader.info().color_type, color_type, "{color_count} colours");
        assert_eq!(read_by_png(&file), (300, 40, pixels.clone()), "{color_count} colours");
        assert_eq!(read_by_zune(&file), (300, 40, pixels), "{color_count} colours");
    }
}

#[test]
fn colour_that_repeats_and_colour_that_does_not_both_read_back() {
    let noisy = patterns::fill(300, 200, 3, patterns::noise);
    let tile = &noisy[..900];
    for pixels in [tile.repeat(200), noisy.clone()] {
        let file = rgb8(&pixels, 300, 200);
        assert_eq!(read_by_png(&file), (300, 200, pixels.clone()));
        assert_eq!(read_by_zune(&file), (300, 200, pixels));
    }
}

#[test]
fn repeats_as_far_as_deflate_can_say_are_found_and_read_back() {
    // Two rows of noise in turn: each is like the one two before, 32,768 filtered bytes back, and one pixel further.
    for (columns, shrinks) in [(5461, true), (5462, false)] {
        let two = patterns::fill(columns, 2, 3, patterns::noise);
        let pixels = two.repeat(20);
        let file = rgb8(&pixels, columns, 40);
        assert_eq!(file.len() < pixels.len() / 4, shrinks, "{columns} columns, {} bytes", file.len());
        assert_eq!(read_by_png(&file), (columns, 40, pixels.clone()));
        assert_eq!(read_by_zune(&file), (columns, 40, pixels));
    }
}

proptest! {
    #[test]
    fn colour_made_of_pieces_of_itself_reads_back(
        columns in 3..400u32, pieces in prop::collection::vec((1..900usize, any::<u16>(), any::<bool>()), 1..200),
    ) {
        let mut pixels = patterns::fill(300, 1, 3, patterns::noise);
        for (length, from, is_new) in pieces {
            let source = if is_new {
                patterns::fill(length as u32, 1, 3, |at, row| patterns::noise(at + u32::from(from), row))
            } else {
                let start = usize::from(from) % pixels.len();
                pixels[start..(start + length).min(pixels.len())].to_vec()
            };
            pixels.extend(source);
        }
        let rows = pixels.len() as u32 / (3 * columns);
        prop_assume!(rows > 0);
        pixels.truncate((rows * columns * 3) as usize);
        let file = rgb8(&pixels, columns, rows);
        prop_assert_eq!(&shown(&file, read_by_png).2, &pixels);
        prop_assert_eq!(&shown(&file, read_by_zune).2, &pixels);
    }
}

#[test]
fn one_coloured_pixel_keeps_the_picture_in_colour() {
    let mut rgb = vec![90; 64 * 48 * 3];
    rgb[64 * 48 * 3 - 1] = 91;
    let file = rgb8(&rgb, 64, 48);
    assert_eq!(read_by_png(&file), (64, 48, rgb));
}

#[test]
fn noise_costs_no_more_than_storing_it() {
    let pixels = patterns::fill(512, 512, 1, patterns::noise);
    let stored = 512 * 513;
    assert!(grey8(&pixels, 512, 512).len() < stored + stored / 1000);
}

#[test]
fn a_blank_picture_costs_next_to_nothing() {
    for value in [0, 255] {
        assert!(grey8(&vec![value; 2048 * 2048], 2048, 2048).len() < 20_000);
    }
}

#[test]
fn the_profile_is_embedded() {
    let profile = patterns::fill(999, 1, 1, patterns::gradient);
    let mut file = Vec::new();
    encode_grey8(&[1, 2, 3, 4], 2, 2, Some(&profile), &mut file).expect("a valid picture");
    let reader = png::Decoder::new(std::io::Cursor::new(&file)).read_info().expect("a PNG");
    assert_eq!(reader.info().icc_profile.as_deref(), Some(profile.as_slice()));
    assert_eq!(read_by_zune(&file), (2, 2, vec![1, 2, 3, 4]));
}

#[test]
fn pixels_that_do_not_fill_the_picture_are_refused() {
    let mut out = Vec::new();
    for (columns, rows, sample_count) in [(2, 2, 3), (2, 2, 5), (0, 2, 0), (2, 0, 0), (u32::MAX, u32::MAX, 9)]
    {
        let pixels = vec![0; sample_count];
        let refused = EncodeError::SampleCount { columns, rows, samples_per_pixel: 1, sample_count };
        assert_eq!(encode_grey8(&pixels, columns, rows, None, &mut out), Err(refused));
    }
    let refused = EncodeError::SampleCount { columns: 2, rows: 2, samples_per_pixel: 3, sample_count: 4 };
    assert_eq!(encode_rgb8(&[0; 4], 2, 2, None, &mut out), Err(refused));
}

fn grey8(pixels: &[u8], columns: u32, rows: u32) -> Vec<u8> {
    let mut file = Vec::new();
    encode_grey8(pixels, columns, rows, None, &mut file).expect("a valid picture");
    file
}

fn rgb8(pixels: &[u8], columns: u32, rows: u32) -> Vec<u8> {
    let mut file = Vec::new();
    encode_rgb8(pixels, columns, rows, None, &mut file).expect("a valid picture");
    file
}

fn grey16(pixels: &[u16], columns: u32, rows: u32) -> Vec<u8> {
    let mut file = Vec::new();
    encode_grey16(pixels, columns, rows, None, &mut file).expect("a valid picture");
    file
}

fn samples(bytes: &[u8]) -> Vec<u16> {
    bytes.as_chunks().0.iter().map(|&pair| u16::from_be_bytes(pair)).collect()
}

type Picture = (u32, u32, Vec<u8>);

/// Columns, rows and bytes as the `png` crate reads them, every checksum verified, palettes expanded.
fn read_by_png(file: &[u8]) -> Picture {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(file));
    decoder.ignore_checksums(false);
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().expect("a PNG");
    let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
    let frame = reader.next_frame(&mut pixels).expect("pixels");
    reader.finish().expect("a whole file");
    pixels.truncate(frame.buffer_size());
    (frame.width, frame.height, pixels)
}

fn read_by_zune(file: &[u8]) -> Picture {
    let options =
        DecoderOptions::new_cmd().set_strict_mode(true).set_max_width(1 << 20).set_max_height(1 << 20);
    let mut decoder = PngDecoder::new_with_options(ZCursor::new(file), options);
    let pixels = decoder.decode_raw().expect("pixels");
    let (columns, rows) = decoder.dimensions().expect("dimensions");
    (columns as u32, rows as u32, pixels)
}

/// The picture as RGB, whether the file holds RGB or grey.
fn shown(file: &[u8], read: impl Fn(&[u8]) -> Picture) -> Picture {
    let (columns, rows, pixels) = read(file);
    if pixels.len() == (columns * rows * 3) as usize {
        return (columns, rows, pixels);
    }
    (columns, rows, pixels.iter().flat_map(|&grey| [grey; 3]).collect())
}

proptest! {
    /// Ultrasound: speckle in a black frame with a patch of colour. Three samples cost less than two of grey.
    #[test]
    fn mostly_grey_colour_reads_back_and_takes_less_than_twice_its_grey(columns in 200..700u32, patch in 1..60usize) {
        let speckle = |at, row| if (20..180).contains(&(at % 256)) { patterns::noise(at, row) / 16 } else { 0 };
        let grey = patterns::fill(columns, 200, 1, speckle);
        let mut pixels: Vec<u8> = grey.iter().flat_map(|&value| [value; 3]).collect();
        for row in 60..60 + patch {
            let start = (row * columns as usize + 90) * 3;
            pixels[start..start + patch * 3].iter_mut().step_by(3).for_each(|red| *red = red.wrapping_add(90));
        }
        let file = rgb8(&pixels, columns, 200);
        prop_assert!(file.len() < 2 * grey8(&grey, columns, 200).len() + 3 * patch * patch);
        prop_assert_eq!(read_by_png(&file), (columns, 200, pixels.clone()));
        prop_assert_eq!(read_by_zune(&file), (columns, 200, pixels));
    }
}
