//! Which lane a render goes to: by why it is made, by what it costs, and by what its client has under way already.

use std::time::Duration;

use super::{cost, share::ON_SCREEN_MAX};
use crate::{catalog::ImageRecord, lane::Lane, purpose::Purpose, request::FrameRequest};

/// Renders that take longer than this share the slots of the heavy lane: about fifteen CT slices.
const HEAVY: Duration = Duration::from_millis(5);

/// The lane of a render of `image` that someone waits for. A plane reads many files, however little it decodes of them.
#[must_use]
pub fn awaited(image: &ImageRecord, request: &FrameRequest) -> Lane {
    if request.plane.is_some() || cost::of(image, request) > HEAVY {
        Lane::OnScreenHeavy
    } else {
        Lane::OnScreen
    }
}

/// The lane of a render of `image` that is made for `purpose`, by a client that has `ahead` others under way.
pub(super) fn of(image: &ImageRecord, request: &FrameRequest, purpose: &Purpose, ahead: usize) -> Lane {
    match purpose {
        Purpose::Prefetch { .. } | Purpose::Prerender { .. } => Lane::Background,
        Purpose::Awaited { .. } if ahead >= ON_SCREEN_MAX => Lane::OnScreenHeavy,
        Purpose::Awaited { .. } | Purpose::Redriven => awaited(image, request),
    }
}
