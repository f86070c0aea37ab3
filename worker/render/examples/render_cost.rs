//! CPU time of a render, stage by stage: `render_cost [OPTION…] FILE… [WINDOW_CENTER,WINDOW_WIDTH…]`.
//!
//! Options: `--loops N`, `--frame N`, `--fit PIXELS` (a square to fit inside), `--width PIXELS`, `--format png|png16|jpeg|webp`.
//! Each file is indexed once, which is not counted, as an ingest does it; then its header and the frame are read and taken
//! through every stage over and over. Prints the mean CPU time of each in milliseconds (Linux: the scheduler's account of
//! the thread, so that a busy machine hardly matters; elsewhere the clock), the size of the picture, and the most memory
//! that the process had. Build with `--release`.
//!
//! With `--fresh N` the files are taken in turn instead, N pictures in all, each under a window of its own, as a server meets
//! them: no file and no window is in the processor's caches since the picture before. Prints the mean of the whole.

#![expect(clippy::print_stdout, reason = "a program that prints")]

use std::error::Error;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::sync::Mutex;
use std::time::Instant;

use noctis_render::{
    Fit, Format, FrameRequest, Header, Limits, PixelIndex, ReadAt, Voi, VoiFunction, Window, compose_frame,
    decode_frame, encode_picture, inflate, scan,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What the command line asks for.
struct Asked {
    loops: u32,
    /// Pictures of the files in turn, in place of loops over each.
    fresh: Option<u32>,
    files: Vec<String>,
    /// Name and request of each line.
    views: Vec<(String, FrameRequest)>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let asked = Asked::read(std::env::args().skip(1))?;
    if let Some(count) = asked.fresh {
        let files = asked.files.len();
        println!(
            "{:.3} ms a fresh picture, of {count} of {files} files in turn",
            fresh(&asked.files, count)?
        );
        return Ok(());
    }
    println!(" read parse  decode compose encode   total ms    bytes    MB");
    for file in &asked.files {
        println!("{file}");
        for (name, request) in &asked.views {
            match measure(file, request, asked.loops) {
                Ok(line) => println!("{line}  {name}"),
                Err(error) => println!("  {name}: {error}"),
            }
        }
    }
    Ok(())
}

impl Asked {
    fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let (mut loops, mut files, mut windows) = (200, Vec::new(), Vec::new());
        let mut fresh = None;
        let mut request = FrameRequest::default();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} takes a value"));
            match argument.as_str() {
                "--loops" => loops = value()?.parse()?,
                "--fresh" => fresh = Some(value()?.parse()?),
                "--frame" => request.frame_number = value()?.parse()?,
                "--fit" => {
                    let side = Some(value()?.parse()?);
                    request.fit = Fit { width: side, height: side, enlarge: false };
                }
                "--width" => request.fit.width = Some(value()?.parse()?),
                "--format" => request.format = format(&value()?)?,
                _ => match argument.split_once(',').and_then(numbers) {
                    Some(window) => windows.push((argument, window)),
                    None => files.push(argument),
                },
            }
        }
        let mut views = Vec::new();
        for (name, (center, width)) in windows {
            let voi = Voi::Window(Window::new(center, width, VoiFunction::Linear)?);
            views.push((format!("window {name}"), FrameRequest { voi, ..request.clone() }));
        }
        if views.is_empty() {
            views.push(("as the file asks".to_owned(), request));
        }
        Ok(Self { loops, fresh, files, views })
    }
}

fn numbers((center, width): (&str, &str)) -> Option<(f64, f64)> {
    Some((center.parse().ok()?, width.parse().ok()?))
}

fn format(name: &str) -> Result<Format, String> {
    Ok(match name {
        "png" => Format::Png,
        "png16" => Format::Png16,
        "jpeg" => Format::Jpeg { quality: 90 },
        "webp" => Format::Webp,
        _ => return Err(format!("--format {name}: not one of png, png16, jpeg, webp")),
    })
}

fn measure(path: &str, request: &FrameRequest, loops: u32) -> Result<String, Box<dyn Error>> {
    let limits = Limits::default();
    let pixels = scan(&OnDisk::open(path)?, &limits)?.pixels.ok_or("no pixel data")?;
    let (read, (header_bytes, frame_bytes)) =
        mean_ms(loops, || bytes_of_frame(path, &pixels, request.frame_number, &limits))?;
    let (parse, header) = mean_ms(loops, || Header::parse(&header_bytes, &limits))?;
    let (decode, decoded) = mean_ms(loops, || decode_frame(&header, &frame_bytes, request, &limits))?;
    let (compose, image) = mean_ms(loops, || compose_frame(&header, &decoded, request))?;
    let (encode, picture) = mean_ms(loops, || encode_picture(&image, request.format))?;
    let total = read + parse + decode + compose + encode;
    let (byte_count, megabytes) = (picture.bytes.len(), memory_peak_mb().unwrap_or(f64::NAN));
    Ok(format!(
        "{read:5.3} {parse:5.3} {decode:7.3} {compose:7.3} {encode:6.3} {total:10.3} {byte_count:8} {megabytes:5.0}"
    ))
}

/// Milliseconds for each of `count` pictures of these files in turn, each under a window of its own.
fn fresh(files: &[String], count: u32) -> Result<f64, Box<dyn Error>> {
    let limits = Limits::default();
    let index = |path: &String| -> Result<(String, PixelIndex), Box<dyn Error>> {
        let pixels = scan(&OnDisk::open(path)?, &limits)?.pixels.ok_or("no pixel data")?;
        Ok((path.clone(), pixels))
    };
    let indexed: Vec<_> = files.iter().map(index).collect::<Result<_, _>>()?;
    let mut pictures = indexed.iter().cycle().zip(1_u32..);
    let picture = || -> Result<usize, Box<dyn Error>> {
        let ((path, pixels), number) = pictures.next().ok_or("no files")?;
        let voi = Voi::Window(Window::new(40.5, f64::from(400 + number), VoiFunction::Linear)?);
        let request = FrameRequest { voi, ..FrameRequest::default() };
        let (header_bytes, frame_bytes) = bytes_of_frame(path, pixels, request.frame_number, &limits)?;
        let header = Header::parse(&header_bytes, &limits)?;
        let decoded = decode_frame(&header, &frame_bytes, &request, &limits)?;
        let image = compose_frame(&header, &decoded, &request)?;
        Ok(encode_picture(&image, request.format)?.bytes.len())
    };
    Ok(mean_ms(count, picture)?.0)
}

/// The header and one frame, as a worker reads them that knows from the catalog where they lie.
fn bytes_of_frame(
    path: &str,
    pixels: &PixelIndex,
    frame_number: u32,
    limits: &Limits,
) -> Result<(Vec<u8>, Vec<u8>), Box<dyn Error>> {
    let range = (frame_number as usize)
        .checked_sub(1)
        .and_then(|index| pixels.frames.get(index))
        .ok_or("no such frame")?;
    let file = OnDisk::open(path)?;
    let part = |offset: u64, byte_count: u64| -> Result<Vec<u8>, Box<dyn Error>> {
        let mut bytes = Vec::with_capacity(usize::try_from(byte_count)?);
        let mut file = file.file.lock().map_err(|_| "a reader panicked")?;
        file.seek(SeekFrom::Start(offset))?;
        (&mut *file).take(byte_count).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    if pixels.deflated {
        let inflated = inflate(&part(0, file.byte_count())?, limits)?;
        let end = (range.offset + range.byte_count) as usize;
        let header = inflated[..pixels.header_byte_count as usize].to_vec();
        return Ok((header, inflated[range.offset as usize..end].to_vec()));
    }
    Ok((part(0, pixels.header_byte_count)?, part(range.offset, range.byte_count)?))
}

struct OnDisk {
    file: Mutex<File>,
    byte_count: u64,
}

impl OnDisk {
    fn open(path: &str) -> std::io::Result<Self> {
        let file = File::open(path)?;
        let byte_count = file.metadata()?.len();
        Ok(Self { file: Mutex::new(file), byte_count })
    }
}

impl ReadAt for OnDisk {
    fn byte_count(&self) -> u64 {
        self.byte_count
    }

    fn read_exact_at(&self, offset: u64, buffer: &mut [u8]) -> std::io::Result<()> {
        let mut file = self.file.lock().map_err(|_| std::io::Error::other("a reader panicked"))?;
        file.seek(SeekFrom::Start(offset))?;
        file.read_exact(buffer)
    }
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

/// The most memory that this process had, where the system tells.
fn memory_peak_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.split_whitespace().next()?.parse::<f64>().ok()? / 1000.0)
}
