//! One frame of a local file, without a catalog: for the command line.

use std::path::Path;

use dicom_dictionary_std::tags;
use noctis_render::{Header, Limits, RenderError};
use noctis_shared::{
    render::{StageTimings, StoredRender},
    request::FrameRequest,
    sop_class,
    storage::FILE_BYTES_MAX,
};

use super::{render_terms::to_render_request, task::stored};

/// Renders one frame of the file at `path`, by the stages that a worker takes.
///
/// # Errors
/// One sentence that says why there is no picture.
pub fn render_file(path: &Path, request: &FrameRequest) -> Result<StoredRender, String> {
    let limits = Limits::default();
    let byte_count = path.metadata().map_err(|error| error.to_string())?.len();
    if byte_count > FILE_BYTES_MAX {
        return Err(format!("{byte_count} bytes are more than a file may have"));
    }
    let mut file = std::fs::read(path).map_err(|error| error.to_string())?;
    let mut why_no_picture = None;
    let picture = (|| {
        let scan = noctis_render::scan(&file, &limits)?;
        if scan.pixels.is_none() {
            why_no_picture = Some(no_picture(&scan.header));
        }
        let pixels = scan.pixels.ok_or(RenderError::NoPixelData)?;
        if pixels.deflated {
            file = noctis_render::inflate(&file, &limits)?;
        }
        let available = scan.header.frame_count();
        let no_frame = RenderError::NoSuchFrame { asked: request.frame_number, available };
        let index = usize::try_from(request.frame_number).ok().and_then(|number| number.checked_sub(1));
        let range = index.and_then(|index| pixels.frames.get(index)).ok_or(no_frame)?;
        let bytes = |range: &noctis_render::FrameRange| {
            let start = usize::try_from(range.offset).ok()?;
            file.get(start..start.checked_add(usize::try_from(range.byte_count).ok()?)?)
        };
        let frame = bytes(range).unwrap_or_default();
        noctis_render::render_frame(&scan.header, frame, &to_render_request(request), &limits)
    })();
    let picture =
        picture.map_err(|error: RenderError| why_no_picture.unwrap_or_else(|| error.to_string()))?;
    Ok(stored(request.format, picture, StageTimings::default()))
}

fn no_picture(header: &Header) -> String {
    let sop_class_uid = header.dataset().element_opt(tags::SOP_CLASS_UID).ok().flatten();
    let sop_class_uid = sop_class_uid.and_then(|element| element.to_str().ok());
    sop_class::why_no_picture(sop_class_uid.as_deref().map(|uid| uid.trim_matches(['\0', ' '])))
}
