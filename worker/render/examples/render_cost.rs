//! CPU time of a render, stage by stage: `render_cost [--loops N] [--width PIXELS] FILE [WINDOW_CENTER,WINDOW_WIDTH ...]`.
//!
//! Reads each file once, then takes its first frame through each stage over and over, and prints the mean CPU time of
//! each in milliseconds (Linux: the scheduler's account of the thread, so that a busy machine hardly matters; elsewhere
//! the clock). Build with `--release`.

#![expect(clippy::print_stdout, reason = "a program that prints")]

use std::error::Error;
use std::time::Instant;

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
        } else if argument == "--width" {
            let width: u32 = arguments.next().ok_or("--width takes a number")?.parse()?;
            let fit = Fit { width: Some(width), height: None, enlarge: false };
            views.push((format!("{width} wide"), FrameRequest { fit, ..FrameRequest::default() }));
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
    let (parse, header) = mean_ms(loops, || Header::parse(header_bytes, &limits))?;
    let (decode, decoded) = mean_ms(loops, || decode_frame(&header, frame_bytes, request, &limits))?;
    let (compose, image) = mean_ms(loops, || compose_frame(&header, &decoded, request))?;
    let (encode, picture) = mean_ms(loops, || encode_picture(&image, request.format))?;
    let total = parse + decode + compose + encode;
    let byte_count = picture.bytes.len();
    Ok(format!("{parse:5.3} {decode:6.3} {compose:7.3} {encode:6.3} {total:6.3} {byte_count:8}"))
}

/// Milliseconds a turn, and the result of the last one.
fn mean_ms<T, E>(loops: u32, mut stage: impl FnMut() -> Result<T, E>) -> Result<(f64, T), E> {
    let mut result = stage()?;
    let (start, clock) = (cpu_seconds(), Instant::now());
    for _ in 0..loops {
        result = stage()?;
    }
    let spent = match (start, cpu_seconds()) {
        (Some(start), Some(end)) => end - start,
        _ => clock.elapsed().as_secs_f64(),
    };
    Ok((spent * 1000.0 / f64::from(loops), result))
}

/// CPU time of this thread so far, where the system tells.
fn cpu_seconds() -> Option<f64> {
    // Giving way brings the account up to date.
    std::thread::yield_now();
    let account = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanoseconds: f64 = account.split_whitespace().next()?.parse().ok()?;
    Some(nanoseconds / 1e9)
}
