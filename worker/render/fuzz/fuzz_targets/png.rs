//! What our PNG encoder writes reads back as the same pixels in another decoder.
#![no_main]

use libfuzzer_sys::fuzz_target;
use noctis_render::encode::png::{encode_grey8, encode_grey16, encode_rgb8};
use png::{ColorType, Decoder, Transformations};

fuzz_target!(|input: &[u8]| {
    let Some((&[kind, width, times], seed)) = input.split_first_chunk::<3>() else { return };
    if seed.is_empty() {
        return;
    }
    // Repeats make pictures of several blocks out of small inputs.
    let pixels = seed.repeat(1 + usize::from(times));
    let icc = (kind & 4 != 0).then_some(seed);
    let columns = 1 + u32::from(width) * if kind & 8 == 0 { 1 } else { 33 };
    match kind & 3 {
        0 => grey8(&pixels, columns, icc),
        1 => grey16(&pixels, columns, icc),
        _ => rgb8(&pixels, columns, icc),
    }
});

fn grey8(pixels: &[u8], columns: u32, icc: Option<&[u8]>) {
    let rows = pixels.len() as u32 / columns;
    let pixels = &pixels[..(rows * columns) as usize];
    let mut file = Vec::new();
    let written = encode_grey8(pixels, columns, rows, icc, &mut file);
    assert_eq!(written.is_ok(), rows > 0);
    if rows > 0 {
        assert!(read_back(&file, columns, rows, ColorType::Grayscale) == pixels);
    }
}

fn grey16(pixels: &[u8], columns: u32, icc: Option<&[u8]>) {
    let rows = pixels.len() as u32 / 2 / columns;
    let bytes = &pixels[..(rows * columns * 2) as usize];
    let values: Vec<u16> = bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
    let mut file = Vec::new();
    let written = encode_grey16(&values, columns, rows, icc, &mut file);
    assert_eq!(written.is_ok(), rows > 0);
    if rows > 0 {
        assert!(read_back(&file, columns, rows, ColorType::Grayscale) == bytes);
    }
}

fn rgb8(pixels: &[u8], columns: u32, icc: Option<&[u8]>) {
    let rows = pixels.len() as u32 / 3 / columns;
    let pixels = &pixels[..(rows * columns * 3) as usize];
    let mut file = Vec::new();
    let written = encode_rgb8(pixels, columns, rows, icc, &mut file);
    assert_eq!(written.is_ok(), rows > 0);
    if rows > 0 {
        assert!(read_back(&file, columns, rows, ColorType::Rgb) == pixels);
    }
}

/// The samples of a file; grey becomes RGB where that was written.
fn read_back(file: &[u8], columns: u32, rows: u32, wanted: ColorType) -> Vec<u8> {
    let mut decoder = Decoder::new(std::io::Cursor::new(file));
    decoder.set_transformations(Transformations::EXPAND);
    let mut reader = decoder.read_info().expect("a sound header");
    let mut samples = vec![0; reader.output_buffer_size().expect("a small picture")];
    let info = reader.next_frame(&mut samples).expect("sound rows");
    reader.finish().expect("a sound end");
    assert_eq!((info.width, info.height), (columns, rows));
    if info.color_type == ColorType::Grayscale && wanted == ColorType::Rgb {
        return samples.iter().flat_map(|&grey| [grey; 3]).collect();
    }
    assert_eq!(info.color_type, wanted);
    samples
}
