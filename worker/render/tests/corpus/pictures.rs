//! Pictures of files, and how far two of them are apart.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use noctis_render::{
    DecodedFrame, FrameRequest, Header, Limits, Picture, RenderError, compose_frame, decode_frame,
    encode_picture, inflate, scan,
};

/// Differences between two pictures, in levels of 0 to 255.
pub(crate) struct Difference {
    pub(crate) maximum: u8,
    pub(crate) mean: f64,
    /// 99.9 % of the samples differ by at most this.
    pub(crate) p999: u8,
}

/// Renders as the worker does: scan, read one range, render.
pub(crate) fn render(path: &Path, request: &FrameRequest) -> Result<Picture, RenderError> {
    let (header, frame) = decode(path, request)?;
    encode_picture(&compose_frame(&header, &frame, request)?, request.format)
}

/// The header and the decoded frame.
pub(crate) fn decode(path: &Path, request: &FrameRequest) -> Result<(Header, DecodedFrame), RenderError> {
    let limits = Limits::default();
    let mut file = fs::read(path)?;
    let scan = scan(&file, &limits)?;
    let pixels = scan.pixels.ok_or(RenderError::NoPixelData)?;
    if pixels.deflated {
        file = inflate(&file, &limits)?;
    }
    let index = request.frame_number as usize - 1;
    let available = pixels.frames.len() as u32;
    let range = pixels
        .frames
        .get(index)
        .ok_or(RenderError::NoSuchFrame { asked: request.frame_number, available })?;
    let frame_bytes = &file[range.offset as usize..][..range.byte_count as usize];
    let frame = decode_frame(&scan.header, frame_bytes, request, &limits)?;
    Ok((scan.header, frame))
}

pub(crate) fn compare(picture: &Picture, expected: &Path) -> Result<Difference, String> {
    let ours = read_png(picture.bytes.as_slice())?;
    let theirs = read_png(fs::File::open(expected).map_err(|error| error.to_string())?)?;
    if (ours.columns, ours.rows) != (theirs.columns, theirs.rows) {
        let size = |picture: &Pixels| format!("{} x {}", picture.columns, picture.rows);
        return Err(format!("{} instead of {}", size(&ours), size(&theirs)));
    }
    let mut differences: Vec<u8> =
        ours.rgb.iter().zip(&theirs.rgb).map(|(&ours, &theirs)| ours.abs_diff(theirs)).collect();
    differences.sort_unstable();
    let count = differences.len();
    Ok(Difference {
        maximum: differences[count - 1],
        mean: differences.iter().map(|&value| f64::from(value)).sum::<f64>() / count as f64,
        p999: differences[(count - 1) * 999 / 1000],
    })
}

impl Difference {
    pub(crate) fn text(&self) -> String {
        format!("differs by up to {}, mean {:.4}, p99.9 {}", self.maximum, self.mean, self.p999)
    }
}

/// A PNG as RGB, whatever it was written as.
pub(crate) struct Pixels {
    pub(crate) columns: u32,
    pub(crate) rows: u32,
    pub(crate) rgb: Vec<u8>,
    /// Which pixels say something; all where there is no alpha.
    pub(crate) opaque: Vec<bool>,
}

pub(crate) fn read_png(source: impl std::io::Read) -> Result<Pixels, String> {
    let mut bytes = Vec::new();
    std::io::BufReader::new(source).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::STRIP_16);
    let mut reader = decoder.read_info().map_err(|error| error.to_string())?;
    let mut pixels = vec![0; reader.output_buffer_size().ok_or("a picture too large")?];
    let info = reader.next_frame(&mut pixels).map_err(|error| error.to_string())?;
    pixels.truncate(info.buffer_size());
    let samples = info.color_type.samples();
    let opaque =
        pixels.chunks_exact(samples).map(|pixel| samples % 2 == 1 || pixel[samples - 1] > 0).collect();
    let rgb = match samples {
        1 | 2 => pixels.chunks_exact(samples).flat_map(|pixel| [pixel[0]; 3]).collect(),
        _ => pixels.chunks_exact(samples).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect(),
    };
    Ok(Pixels { columns: info.width, rows: info.height, rgb, opaque })
}

/// Samples of a grey PNG of 16 bits.
pub(crate) fn read_png16(source: impl std::io::Read) -> Result<Vec<u16>, String> {
    let mut bytes = Vec::new();
    std::io::BufReader::new(source).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    let mut reader =
        png::Decoder::new(std::io::Cursor::new(bytes)).read_info().map_err(|error| error.to_string())?;
    let mut samples = vec![0; reader.output_buffer_size().ok_or("a picture too large")?];
    reader.next_frame(&mut samples).map_err(|error| error.to_string())?;
    Ok(samples.as_chunks::<2>().0.iter().map(|bytes| u16::from_be_bytes(*bytes)).collect())
}
