//! Why there is no picture: what the catalog alone can tell, and what a worker found out.

use std::time::Duration;

use noctis_shared::{
    catalog::ImageRecord,
    render::{FailureKind, RenderFailure},
    sop_class::why_no_picture,
};

use crate::problem::{Kind, Problem};

/// When to ask again for a picture whose file is away or was written to.
const FILE_PAUSE: Duration = Duration::from_secs(2);

/// The problem of a frame that the image does not have; `Ok` for frames it has.
///
/// # Errors
/// 404 past the last frame, 406 for a video, 422 without pixel data.
pub(crate) fn check_frame(image: &ImageRecord, frame_number: u32) -> Result<(), Problem> {
    if let Some(media_type) = video_media_type(image.image.transfer_syntax_uid.as_deref().unwrap_or_default())
    {
        return Err(of_video(media_type));
    }
    match image.image.frame_count {
        0 => Err(Problem::new(Kind::Unrenderable, why_no_picture(image.image.sop_class_uid.as_deref()))),
        frame_count if frame_number > frame_count => Err(no_such_frame(frame_number, frame_count)),
        _ => Ok(()),
    }
}

/// The problem of a frame past the last one.
pub(crate) fn no_such_frame(frame_number: u32, frame_count: u32) -> Problem {
    Problem::new(Kind::FrameNotFound, format!("The image has {frame_count} frames."))
        .with("frame", frame_number)
        .with("frame_count", frame_count)
}

fn of_video(media_type: &'static str) -> Problem {
    let detail = "The instance is a video. Single pictures of it are not rendered.";
    Problem::new(Kind::NotAPicture, detail).with("media_types", vec![media_type])
}

/// The problem that a remembered failure is.
pub(crate) fn problem(failure: &RenderFailure) -> Problem {
    let reason = failure.reason.clone();
    match failure.kind {
        FailureKind::Unrenderable => Problem::new(Kind::Unrenderable, reason),
        FailureKind::FileChanged => {
            Problem::new(Kind::Unrenderable, reason).with("changed", true).retry_after(FILE_PAUSE)
        }
        FailureKind::FileMissing => Problem::new(Kind::FileMissing, reason).retry_after(FILE_PAUSE),
        FailureKind::StorageAway => Problem::new(Kind::StorageUnavailable, reason).retry_after(FILE_PAUSE),
        FailureKind::NotAPicture => {
            Problem::new(Kind::NotAPicture, reason).with("media_types", failure.media_types.clone())
        }
        FailureKind::NoSuchFrame => Problem::new(Kind::FrameNotFound, reason),
        FailureKind::InvalidRequest => Problem::new(Kind::RequestDoesNotFit, reason),
        FailureKind::Crashed => Problem::new(Kind::Unrenderable, reason).with("crashed", true),
    }
}

/// The media type of the video syntaxes (PS3.5 10.8 to 10.13).
pub(crate) fn video_media_type(transfer_syntax_uid: &str) -> Option<&'static str> {
    let syntax = transfer_syntax_uid.strip_prefix("1.2.840.10008.1.2.4.")?;
    // Since 2022 each video syntax has a fragmentable twin with `.1` behind it.
    match syntax.strip_suffix(".1").unwrap_or(syntax) {
        "100" | "101" => Some("video/mpeg"),
        "102" | "103" | "104" | "105" | "106" | "107" | "108" => Some("video/mp4"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_failure_has_its_status() {
        let cases = [
            (FailureKind::Unrenderable, 422),
            (FailureKind::FileChanged, 422),
            (FailureKind::FileMissing, 503),
            (FailureKind::StorageAway, 503),
            (FailureKind::NotAPicture, 406),
            (FailureKind::NoSuchFrame, 404),
            (FailureKind::InvalidRequest, 400),
            (FailureKind::Crashed, 422),
        ];
        for (kind, status) in cases {
            assert_eq!(
                problem(&RenderFailure::new(kind, "a reason")).kind().status().as_u16(),
                status,
                "{kind:?}"
            );
        }
    }

    #[test]
    fn video_syntaxes_are_told_from_pictures() {
        let cases = [
            ("1.2.840.10008.1.2.4.100", Some("video/mpeg")),
            ("1.2.840.10008.1.2.4.102.1", Some("video/mp4")),
            ("1.2.840.10008.1.2.4.108", Some("video/mp4")),
            ("1.2.840.10008.1.2.4.90", None),
            ("1.2.840.10008.1.2.1", None),
        ];
        for (transfer_syntax_uid, expected) in cases {
            assert_eq!(video_media_type(transfer_syntax_uid), expected, "{transfer_syntax_uid}");
        }
    }
}
