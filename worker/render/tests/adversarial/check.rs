//! Renders a case as a worker does, and holds the picture against the oracle.

use noctis_render::{
    Fit, Format, FrameRequest, Header, Limits, Picture, RenderError, Voi, VoiFunction, Window, compose_frame,
    decode_frame, encode_picture, inflate, scan,
};

use crate::case::Case;
use crate::oracle::{self, Band, Expected};

/// Levels by which rounding of halves may go either way.
const HALF: f64 = 0.5 + 1e-4;

/// What is wrong with a picture.
pub(crate) struct Wrong {
    pub(crate) what: String,
    /// Of all samples from what is accepted, in levels; infinite where there is no picture to compare.
    pub(crate) mean_distance: f64,
}

impl Wrong {
    /// Nothing is as it should be.
    pub(crate) fn whole(what: impl Into<String>) -> Self {
        Self { what: what.into(), mean_distance: f64::INFINITY }
    }
}

impl From<String> for Wrong {
    fn from(what: String) -> Self {
        Self::whole(what)
    }
}

/// # Errors
/// What is wrong with the picture.
pub(crate) fn check(case: &Case, file: &[u8], request: &FrameRequest) -> Result<(), Wrong> {
    let picture = render(file, request).map_err(|error| format!("refused: {error}"))?;
    if request.format == Format::Png16 {
        let (slope, offset) = picture.pixel_scale.ok_or_else(|| Wrong::whole("no scale"))?;
        let expected = oracle::values(case, request, slope.abs());
        let samples = samples(&picture, 1)?;
        return compare(
            &expected,
            &picture,
            samples.iter().map(|&sample| f64::from(sample) * slope + offset),
            0.0,
        );
    }
    let expected = oracle::levels(case, request);
    let samples = samples(&picture, expected.channels)?;
    compare(&expected, &picture, samples.iter().map(|&sample| f64::from(sample)), HALF)
}

/// Scan, take one range, render; then again from frames decoded for other requests, which a slot may hold.
fn render(file: &[u8], request: &FrameRequest) -> Result<Picture, RenderError> {
    let limits = Limits::default();
    let scan = scan(&file.to_vec(), &limits)?;
    let pixels = scan.pixels.ok_or(RenderError::NoPixelData)?;
    let inflated = if pixels.deflated { inflate(file, &limits)? } else { file.to_vec() };
    let range = pixels.frames[request.frame_number as usize - 1];
    let frame_bytes = &inflated[range.offset as usize..][..range.byte_count as usize];
    let of = |decoded_for: &FrameRequest| -> Result<Option<Picture>, RenderError> {
        let frame = decode_frame(&scan.header, frame_bytes, decoded_for, &limits)?;
        if !frame.serves(&scan.header, request) {
            return Ok(None);
        }
        let display = compose_frame(&scan.header, &frame, request)?;
        encode_picture(&display, request.format).map(Some)
    };
    let cold = of(request)?.expect("a frame serves the request that it was decoded for");
    for other in others(&scan.header, request) {
        if let Some(warm) = of(&other)?
            && warm.bytes != cold.bytes
        {
            let what = "the picture depends on what was decoded before".into();
            return Err(RenderError::InvalidRequest { parameter: "frame", reason: what });
        }
    }
    Ok(cold)
}

/// The plain request; and where a codec may leave pixels out, other sizes, in the view that is asked and in another.
fn others(header: &Header, request: &FrameRequest) -> Vec<FrameRequest> {
    let plain = FrameRequest { frame_number: request.frame_number, ..FrameRequest::default() };
    let mut others = vec![plain.clone()];
    if header.columns().min(header.rows()) >= 64 {
        let window = Window::new(100.0, 4000.0, VoiFunction::Linear).expect("a valid window");
        for by in [2, 4, 8] {
            let fit = Fit { width: Some(header.columns() / by), height: None, enlarge: false };
            others.push(FrameRequest { fit, ..request.clone() });
            others.push(FrameRequest { fit, voi: Voi::Window(window), ..plain.clone() });
        }
    }
    others
}

/// The samples of a PNG, given `channels` of each pixel.
fn samples(picture: &Picture, channels: usize) -> Result<Vec<u16>, String> {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(&picture.bytes));
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().map_err(|error| error.to_string())?;
    let mut bytes = vec![0; reader.output_buffer_size().ok_or("too large")?];
    let info = reader.next_frame(&mut bytes).map_err(|error| error.to_string())?;
    bytes.truncate(info.buffer_size());
    let samples: Vec<u16> = match info.bit_depth {
        png::BitDepth::Sixteen => {
            bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect()
        }
        png::BitDepth::Eight => bytes.iter().map(|&byte| byte.into()).collect(),
        other => return Err(format!("a PNG of {other:?}")),
    };
    match (info.color_type.samples(), channels) {
        (has, wanted) if has == wanted => Ok(samples),
        (1, 3) => Ok(samples.iter().flat_map(|&sample| [sample; 3]).collect()),
        (has, wanted) => Err(format!("{has} samples a pixel instead of {wanted}")),
    }
}

fn compare(
    expected: &Expected,
    picture: &Picture,
    shown: impl ExactSizeIterator<Item = f64>,
    half: f64,
) -> Result<(), Wrong> {
    if (picture.columns, picture.rows) != (expected.columns, expected.rows) {
        let Expected { columns, rows, .. } = expected;
        return Err(format!("{} x {} instead of {columns} x {rows}", picture.columns, picture.rows).into());
    }
    if shown.len() != expected.bands.len() {
        return Err(format!("{} samples instead of {}", shown.len(), expected.bands.len()).into());
    }
    let off = |(index, (shown, band)): (usize, (f64, &Option<Band>))| {
        let Band { low, high } = (*band)?;
        let tolerance = half + 1e-9 * low.abs().max(high.abs());
        (shown < low - tolerance || shown > high + tolerance).then_some((index, shown, low, high))
    };
    let wrong: Vec<_> = shown.zip(&expected.bands).enumerate().filter_map(off).collect();
    let distance = |shown: f64, low: f64, high: f64| (low - shown).max(shown - high);
    let Some(&(index, shown, low, high)) =
        wrong.iter().max_by(|a, b| distance(a.1, a.2, a.3).total_cmp(&distance(b.1, b.2, b.3)))
    else {
        return Ok(());
    };
    let pixel = index / expected.channels;
    let (row, column) = (pixel as u32 / expected.columns, pixel as u32 % expected.columns);
    let (count, all) = (wrong.len(), expected.bands.len());
    let mean_distance =
        wrong.iter().map(|wrong| distance(wrong.1, wrong.2, wrong.3)).sum::<f64>() / all as f64;
    let what = format!(
        "{count} of {all} samples, {mean_distance:.1} off in the mean; at row {row} column {column} channel {}: {shown} \
         instead of {low:.3} to {high:.3}",
        index % expected.channels
    );
    Err(Wrong { what, mean_distance })
}
