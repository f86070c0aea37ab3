//! What the fuzz targets share: small files, requests, and limits that keep one execution short.

pub mod codestream;
pub mod file;

use noctis_render::{
    Fit, Format, FrameRequest, IccProfile, Limits, Orientation, Region, RenderError, Voi, VoiFunction, Window,
    compose_frame, decode_frame, encode_picture,
};
use noctis_render::{Header, Picture};

/// Limits under which every input must be answered within the seconds and bytes that the fuzzer allows. The pixels
/// are few because sound pictures of many pixels are slow, not wrong.
pub fn limits() -> Limits {
    Limits { pixels_max: 1 << 20, inflated_bytes_max: 16 << 20, frames_max: 10_000, ..Limits::default() }
}

/// Decodes a frame once for each request, and makes the picture as far as the request allows it.
pub fn render(header: &Header, frame_bytes: &[u8], request: &FrameRequest) -> Result<Picture, RenderError> {
    let frame = decode_frame(header, frame_bytes, request, &limits())?;
    let display = compose_frame(header, &frame, request)?;
    assert!(frame.serves(header, request), "a frame serves the request that it was decoded for");
    encode_picture(&display, request.format)
}

/// One request of each kind: window, VOI of the file, region, sizes, every format.
pub fn requests(frame_number: u32) -> Vec<FrameRequest> {
    let base = FrameRequest { frame_number, ..FrameRequest::default() };
    let small = Fit { width: Some(7), height: Some(9), enlarge: false };
    let large = Fit { width: Some(90), height: None, enlarge: true };
    let region = Region { left: 1.5, top: 0.0, width: 3.0, height: 1e9 };
    let window = Window::new(40.5, 400.0, VoiFunction::Sigmoid).map(Voi::Window);
    vec![
        base.clone(),
        FrameRequest {
            best_effort: true,
            overlays: false,
            fit: small,
            format: Format::Jpeg { quality: 80 },
            ..base.clone()
        },
        FrameRequest {
            best_effort: true,
            region: Some(region),
            fit: large,
            format: Format::Webp,
            ..base.clone()
        },
        FrameRequest { best_effort: true, format: Format::Png16, fit: small, ..base.clone() },
        FrameRequest {
            best_effort: true,
            invert: true,
            orientation: Orientation::new(1, true),
            voi: window.unwrap_or(Voi::FromFile),
            region: Some(region),
            ..base.clone()
        },
        FrameRequest {
            best_effort: true,
            voi: Voi::FromFileWith(VoiFunction::LinearExact),
            format: Format::WebpLossy { quality: 70 },
            icc_profile: IccProfile::Srgb,
            ..base
        },
    ]
}

/// Lets a panic end the run, as the fuzzer does, unless it comes from a library whose panics the renderer contains.
///
/// The hook of the fuzzer ends the process before any `catch_unwind`, which would report what a caller never sees.
pub fn contain_decoder_panics() {
    let fatal = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let contained = ["/jxl-", "/moxcms-"];
        let is_contained = panic
            .location()
            .is_some_and(|location| contained.iter().any(|library| location.file().contains(library)));
        if !is_contained {
            fatal(panic);
        }
    }));
}
