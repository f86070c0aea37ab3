//! What jobs ask in the terms of the renderer, which knows no type of ours, and what it tells
//! in the terms of answers.

use noctis_render as render;
use noctis_shared::{
    explanation::{ExplainedStep, Explanation, Values},
    render::FilePixels,
    request, volume_plane,
};

/// The request in the renderer's own terms.
pub(crate) fn to_render_request(request: &request::FrameRequest) -> render::FrameRequest {
    // Taken apart, so that a new parameter is an error here until it is passed on.
    let request::FrameRequest {
        frame_number,
        voi,
        invert,
        overlays,
        region,
        fit: request::Fit { width, height, enlarge },
        flip: request::Flip { horizontal, vertical },
        format,
        icc_profile,
        best_effort,
        // Their files are read first, and are then part of the request.
        presentation_state: _,
        segmentation: _,
        annotation: request::Annotation { patient, technique },
        // In place of the frame.
        plane: _,
    } = *request;
    render::FrameRequest {
        frame_number,
        voi: to_render_voi(voi),
        invert,
        overlays,
        region: region.map(to_render_region),
        fit: render::Fit { width, height, enlarge },
        orientation: render::Orientation::of_flips(horizontal, vertical),
        format: to_render_format(format),
        icc_profile: to_render_icc_profile(icc_profile),
        best_effort,
        presentation_state: None,
        segmentation: None,
        corners: render::Corners { patient, technique },
    }
}

/// A plane, and where the slices lie that it touches.
pub(super) fn to_render_plane(plane: &volume_plane::VolumePlane) -> (render::Plane, Vec<render::SlicePlace>) {
    let &volume_plane::VolumePlane {
        ref slices,
        along,
        rows,
        columns,
        corner,
        to_right,
        to_below,
        through,
        projection,
        points,
    } = plane;
    let projection = match projection {
        volume_plane::Projection::Mean => render::Projection::Mean,
        volume_plane::Projection::Maximum => render::Projection::Maximum,
        volume_plane::Projection::Minimum => render::Projection::Minimum,
    };
    let places = slices.iter().map(|slice| render::SlicePlace { along: slice.along, moved: slice.moved });
    let plane =
        render::Plane { along, rows, columns, corner, to_right, to_below, through, projection, points };
    (plane, places.collect())
}

fn to_render_voi(voi: request::Voi) -> render::Voi {
    match voi {
        request::Voi::FromFile => render::Voi::FromFile,
        request::Voi::FromFileWith(function) => render::Voi::FromFileWith(to_render_function(function)),
        request::Voi::Window(window) => to_render_window(window),
    }
}

fn to_render_region(region: request::Region) -> render::Region {
    let request::Region { left, top, width, height } = region;
    render::Region { left: left.into(), top: top.into(), width: width.into(), height: height.into() }
}

fn to_render_format(format: request::PictureFormat) -> render::Format {
    match format {
        // What is no picture is of what comes before any file format.
        request::PictureFormat::Png
        | request::PictureFormat::Explanation { .. }
        | request::PictureFormat::Samples
        | request::PictureFormat::Codestream { .. }
        | request::PictureFormat::FileHead { .. } => render::Format::Png,
        request::PictureFormat::Png16 => render::Format::Png16,
        request::PictureFormat::Raw16 => render::Format::Raw16,
        request::PictureFormat::Jpeg { quality } => render::Format::Jpeg { quality },
        request::PictureFormat::Webp { quality: None } => render::Format::Webp,
        request::PictureFormat::Webp { quality: Some(quality) } => render::Format::WebpLossy { quality },
    }
}

/// The transfer syntax of a codec; Explicit VR Little Endian without one.
pub(super) fn to_written_syntax(codec: Option<request::LosslessCodec>) -> render::WrittenSyntax {
    match codec {
        None => render::WrittenSyntax::ExplicitLittle,
        Some(request::LosslessCodec::Rle) => render::WrittenSyntax::Rle,
        Some(request::LosslessCodec::JpegLs) => render::WrittenSyntax::JpegLs,
        Some(request::LosslessCodec::Jpeg2000) => render::WrittenSyntax::Jpeg2000,
    }
}

/// What has to follow the head of a file.
pub(super) fn to_file_pixels(pixels: render::Pixels) -> FilePixels {
    match pixels {
        render::Pixels::None => FilePixels::None,
        render::Pixels::AsStored { byte_count } => FilePixels::AsStored { byte_count },
        render::Pixels::Cells { byte_count } => FilePixels::Samples { byte_count },
        render::Pixels::Fragments => FilePixels::Fragments,
    }
}

fn to_render_icc_profile(icc_profile: request::IccProfile) -> render::IccProfile {
    match icc_profile {
        request::IccProfile::No => render::IccProfile::No,
        request::IccProfile::Yes => render::IccProfile::Yes,
        request::IccProfile::Srgb => render::IccProfile::Srgb,
        request::IccProfile::SrgbIfUsable => render::IccProfile::SrgbIfUsable,
    }
}

/// Both sides check windows by the same rules of the standard, so the conversion succeeds; were it to fail, the
/// file's own window is the honest picture.
fn to_render_window(window: request::Window) -> render::Voi {
    let function = to_render_function(window.function());
    render::Window::new(window.center(), window.width(), function)
        .map_or(render::Voi::FromFile, render::Voi::Window)
}

fn to_render_function(function: request::VoiFunction) -> render::VoiFunction {
    match function {
        request::VoiFunction::Linear => render::VoiFunction::Linear,
        request::VoiFunction::LinearExact => render::VoiFunction::LinearExact,
        request::VoiFunction::Sigmoid => render::VoiFunction::Sigmoid,
    }
}

/// What is told of a pixel in the terms of answers.
pub(crate) fn to_shared_explanation(told: render::Explanation) -> Explanation {
    let render::Explanation { frame_number, column, row, stored, modality_value, shown, steps, partial } =
        told;
    let step = |step: render::Step| ExplainedStep {
        stage: step.stage.to_owned(),
        source: step.source,
        clause: step.clause.to_owned(),
        r#in: Values::of(&step.input),
        out: Values::of(&step.output),
    };
    let shown: Vec<f64> = shown.into_iter().map(f64::from).collect();
    Explanation {
        frame: frame_number,
        row,
        column,
        stored_value: Values::of(&stored),
        modality_value: modality_value.filter(|value| value.is_finite()),
        display_value: Values::of(&shown),
        steps: steps.into_iter().map(step).collect(),
        partial,
    }
}

/// The window in the terms of answers; `None` for one beyond what answers can carry.
pub(crate) fn to_shared_window(window: render::Window) -> Option<request::Window> {
    let function = match window.function() {
        render::VoiFunction::Linear => request::VoiFunction::Linear,
        render::VoiFunction::LinearExact => request::VoiFunction::LinearExact,
        render::VoiFunction::Sigmoid => request::VoiFunction::Sigmoid,
    };
    request::Window::new(window.center(), window.width(), function).ok()
}
