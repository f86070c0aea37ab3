//! CPU time of a render, stage by stage: `render_cost [--loops N] FILE [WINDOW_CENTER,WINDOW_WIDTH ...]`.
//!
//! Reads each file once, then renders its first frame over and over as a worker would, and prints the mean of each
//! stage in milliseconds. The clock of one thread on an idle core is close to CPU time; build with `--release`.

#![expect(clippy::print_stdout, reason = "a program that prints")]

use std::error::Error;
use std::time::{Duration, Instant};

use noctis_render::{
    Fit, FrameRequest, Header, Limits, Voi, VoiFunction, Window, compose_frame, decode_frame, encode_picture,
    inflate, scan,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn Error>> {
    let mut loops = 200_u32;
    let mut files = Vec::new();
    let mut views = vec![("as the file asks".to_owned(), FrameRequest::default())];
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--loops" {
            loops = arguments.next().ok_or("--loops takes a number")?.parse()?;
        } else if let Some((center, width)) = argument.split_once(',').and_then(numbers) {
            let voi = Voi::Window(Window::new(center, width, VoiFunction::Linear)?);
            views.push((format!("window {argument}"), FrameRequest { voi, ..FrameRequest::default() }));
        } else {
            files.push(argument);
        }
    }
    let fit = Fit { width: Some(128), height: Some(128), enlarge: false };
    views.push(("thumbnail 128".to_owned(), FrameRequest { fit, ..FrameRequest::default() }));
    println!("parse decode compose encode  total ms    bytes");
    for file in &files {
        println!("{file}");
        for (name, request) in &views {
            match measure(file, request, loops) {
                Ok(line) => println!("{line}  {name}"),
                Err(error) => println!("  {name}: {error}"),
            }
        }
    }
    Ok(())
}

fn numbers((center, width): (&str, &str)) -> Option<(f64, f64)> {
    Some((center.parse().ok()?, width.parse().ok()?))
}

fn measure(path: &str, request: &FrameRequest, loops: u32) -> Result<String, Box<dyn Error>> {
    let limits = Limits::default();
    let mut file = std::fs::read(path)?;
    let pixels = scan(&file, &limits)?.pixels.ok_or("no pixel data")?;
    if pixels.deflated {
        file = inflate(&file, &limits)?;
    }
    let range = pixels.frames.first().ok_or("no frames")?;
    let header_bytes = &file[..pixels.header_byte_count as usize];
    let frame_bytes = &file[range.offset as usize..][..range.byte_count as usize];
    let mut sums = [Duration::ZERO; 4];
    let mut byte_count = 0;
    for _ in 0..loops {
        let times = [Instant::now(); 5];
        let mut times = times;
        let header = Header::parse(header_bytes, &limits)?;
        times[1] = Instant::now();
        let decoded = decode_frame(&header, frame_bytes, request, &limits)?;
        times[2] = Instant::now();
        let image = compose_frame(&header, &decoded, request)?;
        times[3] = Instant::now();
        let picture = encode_picture(&image, request.format)?;
        times[4] = Instant::now();
        byte_count = picture.bytes.len();
        for (sum, pair) in sums.iter_mut().zip(times.windows(2)) {
            *sum += pair[1] - pair[0];
        }
    }
    let milliseconds = |sum: Duration| sum.as_secs_f64() * 1000.0 / f64::from(loops);
    let [parse, decode, compose, encode] = sums.map(milliseconds);
    let total = parse + decode + compose + encode;
    Ok(format!("{parse:5.3} {decode:6.3} {compose:7.3} {encode:6.3} {total:6.3} {byte_count:8}"))
}
