//! Frames of an instance as one picture that moves, a GIF: for who takes that rather than a still one (PS3.18 8.7.4).

use std::{ops::RangeInclusive, sync::Arc};

use axum::response::Response;
use noctis_shared::catalog::ImageRecord;

use super::{
    acceptable::Acceptable,
    asks::Asks,
    rendered::{Form, PICTURES_MAX, with_warning},
    rendered_parameters::Rendered,
};
use crate::{
    edge::{self, SENT},
    picture::{AskedFormat, animation::Animation, check_frame, in_format},
    problem::{Kind, Problem},
    query::Query,
    visible::Permitted,
};

const GIF: &str = "image/gif";

/// Whether a GIF alone weighs more than any still picture.
pub(super) fn is_wanted<'a>(groups: impl IntoIterator<Item = &'a [Acceptable]>) -> bool {
    let decided = groups.into_iter().find_map(|entries| {
        let alone =
            Acceptable::that_take(entries, GIF).into_iter().find(|entry| entry.in_parts != Some(true));
        let (moving, still) =
            (alone.map(|entry| entry.weight), Form::weighed(entries).map(|(weight, _)| weight));
        moving.or(still).map(|_| moving > still)
    });
    decided.unwrap_or(false)
}

impl Asks {
    /// Whether the client takes a GIF rather than a still picture.
    pub(super) fn takes_an_animation(&self) -> bool {
        let groups = Acceptable::groups(self.accept().as_deref(), &self.headers);
        is_wanted(groups.iter().map(Vec::as_slice))
    }

    /// These frames of the image, all of them where none are named, as one GIF.
    pub(super) async fn animation(
        self,
        image: Permitted<Arc<ImageRecord>>,
        frame_numbers: Option<Vec<u32>>,
    ) -> Result<Response, Problem> {
        let mut query = Query::parse(self.uri.query())?;
        let rendered = Rendered::take(&mut query, 1, AskedFormat::Png, &self.api.windows)?;
        let rendered = self.with_segmentation(rendered, image.image.image_id).await?;
        self.animation_of(image, frame_numbers, rendered).await
    }

    /// The same, drawn as `rendered` says.
    pub(super) async fn animation_of(
        self,
        image: Permitted<Arc<ImageRecord>>,
        frame_numbers: Option<Vec<u32>>,
        Rendered { asked, left_out, .. }: Rendered,
    ) -> Result<Response, Problem> {
        let frame_numbers = match frame_numbers {
            Some(frame_numbers) => frame_numbers,
            None => all_frames(&image)?.collect(),
        };
        for frame_number in &frame_numbers {
            check_frame(&image, *frame_number)?;
        }
        let request = in_format(&asked, AskedFormat::Png)?.request;
        let Self { api, caller, headers, .. } = self;
        let permit = api.streams.begin(&caller.name)?;
        let sent = u32::try_from(frame_numbers.len()).unwrap_or(u32::MAX).saturating_mul(SENT);
        edge::pay(&api, &caller, sent).await?;
        let animation = Animation { api, caller, image, request, frame_numbers };
        Ok(with_warning(animation.answer(&headers, permit).await?, left_out))
    }
}

/// # Errors
/// Those of the first frame where there is none; 400 for more frames than one answer has.
fn all_frames(image: &ImageRecord) -> Result<RangeInclusive<u32>, Problem> {
    check_frame(image, 1)?;
    let frame_count = image.image.frame_count;
    if frame_count as usize > PICTURES_MAX {
        let detail = format!("These are {frame_count} frames, and one answer has {PICTURES_MAX}.");
        return Err(Problem::new(Kind::InvalidParameter, detail));
    }
    Ok(1..=frame_count)
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, header};

    use super::*;

    #[test]
    fn only_who_takes_a_gif_rather_than_a_still_picture_gets_one() {
        for (in_query, in_header, expected) in [
            (None, Some("image/gif"), true),
            (None, Some("IMAGE/GIF, image/*;q=0.8"), true),
            (None, Some("image/gif;q=0.5, application/dicom+json"), true),
            (None, Some("image/png;q=0, image/jpeg;q=0, image/webp;q=0, image/*"), true),
            (None, Some("image/gif, image/jpeg"), false),
            (None, Some("image/gif;q=0.5, image/png"), false),
            (None, Some("image/gif;q=0, */*"), false),
            (None, Some("image/*"), false),
            (None, Some("*/*"), false),
            (None, None, false),
            (None, Some("multipart/related; type=\"image/gif\""), false),
            (Some("image/gif"), Some("image/png"), true),
            (Some("image/png"), Some("image/gif"), false),
            (Some("application/dicom"), Some("image/gif"), true),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(accept) = in_header {
                headers.insert(header::ACCEPT, accept.parse().expect("a header"));
            }
            let groups = Acceptable::groups(in_query, &headers);
            assert_eq!(is_wanted(groups.iter().map(Vec::as_slice)), expected, "{in_query:?} {in_header:?}");
        }
    }
}
