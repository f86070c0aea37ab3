//! What each encoder costs and gives: `cargo run --release -p noctis-render --example encode_cost -- [PICTURE…]`.
//!
//! A picture is a binary PGM (8 or 16 bits) or PPM; without one a synthetic grey of 512 x 512 with detector-like noise
//! is encoded. Times are the least of many runs, so that a busy machine does not show; beside ours stand the `png`
//! crate and zlib level 6 on the same pixels.

use std::error::Error;
use std::io::Write as _;
use std::time::{Duration, Instant};

use noctis_render::encode::{jpeg, png as ours, webp};
use noctis_render::resize;

type Outcome = Result<(), Box<dyn Error>>;

/// Pixels as a netpbm file holds them.
struct Picture {
    name: String,
    columns: u32,
    rows: u32,
    samples: Samples,
}

enum Samples {
    Grey(Vec<u8>),
    Rgb(Vec<u8>),
    Grey16(Vec<u16>),
}

fn main() -> Outcome {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    let pictures = if paths.is_empty() {
        vec![synthetic()]
    } else {
        paths.iter().map(|path| read(path)).collect::<Result<_, _>>()?
    };
    for picture in &pictures {
        say(&format!("{} {} x {}", picture.name, picture.columns, picture.rows));
        match &picture.samples {
            Samples::Grey(pixels) => measure_grey(pixels, picture.columns, picture.rows)?,
            Samples::Rgb(pixels) => measure_rgb(pixels, picture.columns, picture.rows)?,
            Samples::Grey16(pixels) => measure_grey16(pixels, picture.columns, picture.rows)?,
        }
    }
    Ok(())
}

fn measure_grey(pixels: &[u8], columns: u32, rows: u32) -> Outcome {
    row("png, ours", |out| Ok(ours::encode_grey8(pixels, columns, rows, None, out)?))?;
    measure_other_png(pixels, columns, rows, png::ColorType::Grayscale, png::BitDepth::Eight)?;
    row("jpeg 90", |out| Ok(jpeg::encode_grey8(pixels, columns, rows, 90, out)?))?;
    row("webp lossless", |out| Ok(webp::encode_lossless_grey8(pixels, columns, rows, out)?))?;
    row("webp 80", |out| Ok(webp::encode_lossy_grey8(pixels, columns, rows, 80, out)?))?;
    let to = resize::fitted_size(rows, columns, Some(128), Some(128), false);
    row("thumbnail 128, resize and png", |out| {
        let small = resize::resize_grey(pixels, (rows, columns), to)?;
        Ok(ours::encode_grey8(&small, to.1, to.0, None, out)?)
    })
}

fn measure_rgb(pixels: &[u8], columns: u32, rows: u32) -> Outcome {
    row("png, ours", |out| Ok(ours::encode_rgb8(pixels, columns, rows, None, out)?))?;
    measure_other_png(pixels, columns, rows, png::ColorType::Rgb, png::BitDepth::Eight)?;
    row("jpeg 90", |out| Ok(jpeg::encode_rgb8(pixels, columns, rows, 90, None, out)?))?;
    row("webp lossless", |out| Ok(webp::encode_lossless_rgb8(pixels, columns, rows, None, out)?))?;
    row("webp 80", |out| Ok(webp::encode_lossy_rgb8(pixels, columns, rows, 80, None, out)?))?;
    let to = resize::fitted_size(rows, columns, Some(128), Some(128), false);
    row("thumbnail 128, resize and png", |out| {
        let small = resize::resize_rgb8(pixels, (rows, columns), to)?;
        Ok(ours::encode_rgb8(&small, to.1, to.0, None, out)?)
    })
}

fn measure_grey16(pixels: &[u16], columns: u32, rows: u32) -> Outcome {
    let bytes: Vec<u8> = pixels.iter().flat_map(|sample| sample.to_be_bytes()).collect();
    row("png, ours", |out| Ok(ours::encode_grey16(pixels, columns, rows, None, out)?))?;
    measure_other_png(&bytes, columns, rows, png::ColorType::Grayscale, png::BitDepth::Sixteen)?;
    let to = resize::fitted_size(rows, columns, Some(128), Some(128), false);
    row("resize to 128", |out| {
        out.clear();
        let small = resize::resize_grey(pixels, (rows, columns), to)?;
        out.extend(small.iter().flat_map(|sample| sample.to_be_bytes()));
        Ok(())
    })
}

/// The same pixels through the `png` crate, and through zlib level 6 behind its Paeth filter.
fn measure_other_png(
    pixels: &[u8],
    columns: u32,
    rows: u32,
    color: png::ColorType,
    depth: png::BitDepth,
) -> Outcome {
    let write = |out: &mut Vec<u8>, set: &dyn Fn(&mut png::Encoder<'_, &mut Vec<u8>>)| -> Outcome {
        out.clear();
        let mut encoder = png::Encoder::new(out, columns, rows);
        encoder.set_color(color);
        encoder.set_depth(depth);
        set(&mut encoder);
        encoder.write_header()?.write_image_data(pixels)?;
        Ok(())
    };
    row("png crate, Fast", |out| write(out, &|encoder| encoder.set_compression(png::Compression::Fast)))?;
    row("png crate, Balanced", |out| {
        write(out, &|encoder| encoder.set_compression(png::Compression::Balanced))
    })?;
    row("zlib 6, adaptive filter", |out| {
        write(out, &|encoder| {
            encoder.set_deflate_compression(png::DeflateCompression::Level(6));
            encoder.set_filter(png::Filter::Adaptive);
        })
    })?;
    row("zlib 6, no filter", |out| {
        write(out, &|encoder| {
            encoder.set_deflate_compression(png::DeflateCompression::Level(6));
            encoder.set_filter(png::Filter::NoFilter);
        })
    })
}

/// Runs `encode` for a quarter of a second or five times, and prints the least time and the bytes.
fn row(name: &str, mut encode: impl FnMut(&mut Vec<u8>) -> Outcome) -> Outcome {
    let (mut out, mut least, mut runs) = (Vec::new(), Duration::MAX, 0);
    let begun = Instant::now();
    while runs < 5 || begun.elapsed() < Duration::from_millis(250) {
        let start = Instant::now();
        encode(&mut out)?;
        least = least.min(start.elapsed());
        runs += 1;
    }
    say(&format!("  {name:<30} {:>9.3} ms {:>9} bytes", least.as_secs_f64() * 1e3, out.len()));
    Ok(())
}

fn say(line: &str) {
    // A closed pipe is the reader's way to say that it has seen enough.
    writeln!(std::io::stdout(), "{line}").ok();
}

/// A disc with a gradient and noise on black, as a CT slice is.
fn synthetic() -> Picture {
    let mut state = 0x2545_f491_u32;
    let mut noise = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state % 17) as i32 - 8
    };
    let pixels = (0..512 * 512).map(|at| {
        let (x, y) = (at % 512 - 256, at / 512 - 256);
        if x * x + y * y > 220 * 220 { 0 } else { (110 + x / 4 + y / 8 + noise()).clamp(0, 255) as u8 }
    });
    Picture { name: "synthetic".into(), columns: 512, rows: 512, samples: Samples::Grey(pixels.collect()) }
}

/// Reads a binary PGM or PPM without comments.
fn read(path: &str) -> Result<Picture, Box<dyn Error>> {
    let file = std::fs::read(path)?;
    let mut fields = file.splitn(5, |byte| byte.is_ascii_whitespace());
    let mut field = || fields.next().ok_or("a netpbm header ends early");
    let kind = field()?.to_vec();
    let mut number = || -> Result<u32, Box<dyn Error>> { Ok(std::str::from_utf8(field()?)?.parse()?) };
    let (columns, rows, largest) = (number()?, number()?, number()?);
    let body = field()?.to_vec();
    let samples = match (kind.as_slice(), largest) {
        (b"P5", 255) => Samples::Grey(body),
        (b"P5", 65_535) => {
            Samples::Grey16(body.as_chunks().0.iter().map(|&pair| u16::from_be_bytes(pair)).collect())
        }
        (b"P6", 255) => Samples::Rgb(body),
        _ => return Err(format!("{path}: not a binary PGM or PPM").into()),
    };
    Ok(Picture { name: path.into(), columns, rows, samples })
}
