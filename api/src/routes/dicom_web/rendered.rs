//! Pictures of studies, series, instances and frames: rendered resources (PS3.18 10.4.1.1.3) and thumbnails (10.4.1.1.4).
//! The same renders, under the same keys, as the pictures of `/api/v1`.
//!
//! What must not be here: what a picture's parameters mean (`rendered_parameters`), what other files decide of it
//! (`rendered_beside`), and how it is made (`picture`).

use std::{cmp::Reverse, sync::Arc};

use axum::{
    Router,
    extract::Path,
    http::{HeaderMap, header},
    response::Response,
    routing::get,
};
use noctis_shared::{catalog::ImageRecord, dicom_uid::public_id, own_id};
use uuid::Uuid;

use super::{
    acceptable::Acceptable,
    address::{self, Uids},
    asks::Asks,
    frames::numbers,
    presentation_states::State,
    rendered_parameters::Rendered,
};
use crate::{
    api::Api,
    back_end::catalog_problem,
    edge::{self, SENT},
    picture::{
        AskedFormat, Place, Request, Shapes, answer_image, check_frame, in_format,
        stream::{self, Many, Streamed},
        warning,
    },
    problem::{Kind, Problem},
    query::Query,
    visible::{Listed, Visible},
};

/// The media types of single frames (PS3.18 8.7.4), the default first; WebP beside them.
const FORMATS: [(AskedFormat, &str); 3] =
    [(AskedFormat::Jpeg, "image/jpeg"), (AskedFormat::Png, "image/png"), (AskedFormat::Webp, "image/webp")];
/// Series whose pictures may stand for a study.
const CANDIDATES_MAX: usize = 5;
/// Pictures of one answer.
pub(super) const PICTURES_MAX: usize = 20_000;

pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/dicom-web/studies/{study}/rendered", get(study))
        .route("/dicom-web/studies/{study}/thumbnail", get(study_thumbnail))
        .route("/dicom-web/studies/{study}/series/{series}/rendered", get(series))
        .route("/dicom-web/studies/{study}/series/{series}/thumbnail", get(series_thumbnail))
        .route("/dicom-web/studies/{study}/series/{series}/instances/{instance}/rendered", get(instance))
        .route(
            "/dicom-web/studies/{study}/series/{series}/instances/{instance}/thumbnail",
            get(instance_thumbnail),
        )
        .route(
            "/dicom-web/studies/{study}/series/{series}/instances/{instance}/frames/{frames}/rendered",
            get(frames),
        )
        .route(
            "/dicom-web/studies/{study}/series/{series}/instances/{instance}/frames/{frames}/thumbnail",
            get(frame_thumbnail),
        )
}

impl Asks {
    /// The query without `accept`, and the format of the picture.
    pub(super) fn query(&self) -> Result<(Query<'_>, Form), Problem> {
        let mut query = Query::parse(self.uri.query())?;
        let in_query = query.take("accept");
        let form = Form::of(in_query.as_deref(), &self.headers).ok_or_else(not_acceptable)?;
        Ok((query, form))
    }

    /// What the query asks of a rendered frame.
    fn rendered(&self, frame_number: u32) -> Result<(Rendered, Form), Problem> {
        let (mut query, form) = self.query()?;
        Ok((Rendered::take(&mut query, frame_number, form.format, &self.api.windows)?, form))
    }

    /// One rendered frame.
    async fn picture(self, image_id: Uuid, frame_number: u32) -> Result<Response, Problem> {
        let (rendered, form) = self.rendered(frame_number)?;
        let rendered = self.with_segmentation(rendered, image_id).await?;
        if !form.in_parts {
            return self.answer(image_id, rendered).await;
        }
        let image = self.visible().image(image_id).await?;
        check_frame(&image, frame_number)?;
        let place = Place { image_id, frame_number };
        let pixels_max = stream::pixels_max(&[Listed::from(&image.image)]);
        self.parts(rendered, form, pixels_max, vec![place]).await
    }

    async fn thumbnail(&self, image_id: Uuid, frame_number: u32) -> Result<Response, Problem> {
        let (mut query, Form { format, .. }) = self.query()?;
        let rendered = Rendered::take_thumbnail(&mut query, frame_number, format)?;
        self.answer(image_id, rendered).await
    }

    /// The first of these that can be drawn.
    async fn thumbnail_of(&self, candidates: Vec<Place>) -> Result<Response, Problem> {
        let mut answer = Err(no_pictures());
        for Place { image_id, frame_number } in candidates {
            answer = self.thumbnail(image_id, frame_number).await;
            // A video, or a file that is damaged.
            let is_none = answer
                .as_ref()
                .is_err_and(|problem| matches!(problem.kind(), Kind::NotAPicture | Kind::Unrenderable));
            if !is_none {
                break;
            }
        }
        answer
    }

    pub(super) async fn answer(&self, image_id: Uuid, rendered: Rendered) -> Result<Response, Problem> {
        let Rendered { asked, left_out, .. } = rendered;
        let Self { api, caller, uri, headers, .. } = self;
        let request = Request { uri, headers, caller };
        let answer = answer_image(api, &image_id.to_string(), asked, Shapes::PicturesOnly, request).await?;
        Ok(with_warning(answer, left_out))
    }

    /// Many rendered frames.
    async fn pictures(self, images: &[Listed], places: Vec<Place>) -> Result<Response, Problem> {
        let (rendered, form) = self.rendered(1)?;
        let rendered = match places.first() {
            Some(place) => self.with_segmentation(rendered, place.image_id).await?,
            None => rendered,
        };
        self.parts(rendered, form, stream::pixels_max(images), places).await
    }

    /// Rendered frames as parts of a multipart body (PS3.18 8.6.1.2).
    pub(super) async fn parts(
        self,
        Rendered { asked, left_out, .. }: Rendered,
        form: Form,
        pixels_max: u64,
        places: Vec<Place>,
    ) -> Result<Response, Problem> {
        let request = in_format(&asked, form.format)?.request;
        if places.len() > PICTURES_MAX {
            let detail = format!("These are {} pictures, and one answer has {PICTURES_MAX}.", places.len());
            return Err(Problem::new(Kind::InvalidParameter, detail));
        }
        let Self { api, caller, request_id, .. } = self;
        let permit = api.streams.begin(&caller.name)?;
        let sent = u32::try_from(places.len()).unwrap_or(u32::MAX).saturating_mul(SENT);
        edge::pay(&api, &caller, sent).await?;
        // An image under a presentation state is found by that state alone.
        let location: Option<fn(&ImageRecord, u32) -> String> =
            request.presentation_state.is_none().then_some(location);
        let kind = Many::Related { media_type: request.format.media_type(), location };
        let streamed = Streamed { api, caller, request, kind, request_id, pixels_max };
        Ok(with_warning(stream::answer(streamed, places, permit), left_out))
    }
}

/// As what a picture is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) format: AskedFormat,
    /// Whether one picture is to be a part, too.
    pub(super) in_parts: bool,
}

impl Form {
    /// What `accept` of the query takes most, else what `Accept` does; JPEG where neither names anything (PS3.18 8.7.4, 8.7.8).
    /// `None` where both take nothing of ours.
    pub(super) fn of(in_query: Option<&str>, headers: &HeaderMap) -> Option<Self> {
        Acceptable::groups(in_query, headers).iter().find_map(|group| Self::among(group))
    }

    /// The picture that weighs most, the earlier of ours where several do.
    pub(super) fn among(entries: &[Acceptable]) -> Option<Self> {
        Self::weighed(entries).map(|(_, form)| form)
    }

    /// The same, and what it weighs.
    pub(super) fn weighed(entries: &[Acceptable]) -> Option<(u16, Self)> {
        let taking = |(nth, (format, media_type)): (usize, &(AskedFormat, &str))| {
            let entry = *Acceptable::that_take(entries, media_type).first()?;
            let form = Self { format: *format, in_parts: entry.in_parts == Some(true) };
            Some((Reverse(entry.weight), nth, form))
        };
        let best = FORMATS.iter().enumerate().filter_map(taking);
        best.min_by_key(|(weight, nth, _)| (*weight, *nth)).map(|(Reverse(weight), _, form)| (weight, form))
    }
}

/// Where the picture of a frame is.
fn location(ImageRecord { image, metadata, .. }: &ImageRecord, frame_number: u32) -> String {
    let (study, series) = (&metadata.study_instance_uid, &metadata.series_instance_uid);
    let instance = address::of("", Uids::instance(study, series, &image.sop_instance_uid));
    format!("{instance}/frames/{frame_number}/rendered")
}

pub(super) fn not_acceptable() -> Problem {
    let types: Vec<&str> = FORMATS.iter().map(|(_, media_type)| *media_type).collect();
    Problem::new(Kind::NotAcceptable, "None of the acceptable media types can be answered.")
        .with("media_types", types)
}

/// Says what was asked and is not in the answer (PS3.18 8.3.5.1.1).
pub(super) fn with_warning(mut response: Response, left_out: Option<&'static str>) -> Response {
    if let Some(warning) = left_out.and_then(warning) {
        response.headers_mut().append(header::WARNING, warning);
    }
    response
}

/// The images of a series that have pictures, in display order.
async fn images_of(visible: Visible<'_>, series_id: Uuid) -> Result<Vec<Listed>, Problem> {
    let series = visible.series(series_id).await?;
    let mut images = visible.listed(&series).await?;
    images.retain(|image| image.frame_count > 0);
    Ok(images)
}

/// The frames that may stand for others: the one in the middle, and if it cannot be drawn the first and the last.
fn candidates(images: &[Listed]) -> Vec<Place> {
    let Some(last) = images.len().checked_sub(1) else { return Vec::new() };
    let mut of = vec![images.len() / 2, 0, last];
    of.dedup();
    let in_the_middle = |nth: usize| {
        let Listed { image_id, frame_count, .. } = images[nth];
        Place { image_id, frame_number: frame_count.div_ceil(2) }
    };
    of.into_iter().map(in_the_middle).collect()
}

fn no_pictures() -> Problem {
    Problem::new(Kind::Unrenderable, "No instance of it has a picture.")
}

/// The first frame of each image.
fn first_frames(images: &[Listed]) -> Vec<Place> {
    images.iter().map(|image| Place { image_id: image.image_id, frame_number: 1 }).collect()
}

async fn instance(
    Path((study, series, instance)): Path<(String, String, String)>,
    asks: Asks,
) -> Result<Response, Problem> {
    let image_id = own_id::of_image(&study, &series, &instance);
    let image = asks.visible().image(image_id).await?;
    if let Some(state) = State::of(asks.visible(), image_id, &image).await? {
        return asks.presented(state, None).await;
    }
    if let Some(answer) = asks.as_it_is(&image).await? {
        return Ok(answer);
    }
    if asks.takes_an_animation() {
        return asks.animation(image, None).await;
    }
    asks.picture(image_id, 1).await
}

async fn instance_thumbnail(
    Path((study, series, instance)): Path<(String, String, String)>,
    asks: Asks,
) -> Result<Response, Problem> {
    let image_id = own_id::of_image(&study, &series, &instance);
    let image = asks.visible().image(image_id).await?;
    if let Some(state) = State::of(asks.visible(), image_id, &image).await? {
        return asks.presented_thumbnail(&state).await;
    }
    asks.thumbnail(image_id, image.image.frame_count.div_ceil(2).max(1)).await
}

async fn frames(
    Path((study, series, instance, frames)): Path<(String, String, String, String)>,
    asks: Asks,
) -> Result<Response, Problem> {
    let image_id = own_id::of_image(&study, &series, &instance);
    let list = numbers(&frames)?;
    let image = asks.visible().image(image_id).await?;
    if let Some(state) = State::of(asks.visible(), image_id, &image).await? {
        return asks.presented(state, Some(&list)).await;
    }
    if asks.takes_an_animation() {
        return asks.animation(image, Some(list)).await;
    }
    if let [frame_number] = list[..] {
        return asks.picture(image_id, frame_number).await;
    }
    for frame_number in &list {
        check_frame(&image, *frame_number)?;
    }
    let places = list.into_iter().map(|frame_number| Place { image_id, frame_number }).collect();
    asks.pictures(&[Listed::from(&image.image)], places).await
}

async fn frame_thumbnail(
    Path((study, series, instance, frames)): Path<(String, String, String, String)>,
    asks: Asks,
) -> Result<Response, Problem> {
    let list = numbers(&frames)?;
    // PS3.18 10.4.1.1.4: one picture, whatever it stands for.
    let frame_number = list.get(list.len() / 2).copied().unwrap_or(1);
    asks.thumbnail(own_id::of_image(&study, &series, &instance), frame_number).await
}

async fn series(Path((study, series)): Path<(String, String)>, asks: Asks) -> Result<Response, Problem> {
    let images = images_of(asks.visible(), own_id::of_series(&study, &series)).await?;
    if images.is_empty() {
        return Err(no_pictures());
    }
    let places = first_frames(&images);
    asks.pictures(&images, places).await
}

async fn series_thumbnail(
    Path((study, series)): Path<(String, String)>,
    asks: Asks,
) -> Result<Response, Problem> {
    let images = images_of(asks.visible(), own_id::of_series(&study, &series)).await?;
    asks.thumbnail_of(candidates(&images)).await
}

async fn study(Path(study): Path<String>, asks: Asks) -> Result<Response, Problem> {
    let mut images = Vec::new();
    for series_id in series_of(asks.visible(), &study).await? {
        images.extend(images_of(asks.visible(), series_id).await?);
    }
    if images.is_empty() {
        return Err(no_pictures());
    }
    let places = first_frames(&images);
    asks.pictures(&images, places).await
}

async fn study_thumbnail(Path(study): Path<String>, asks: Asks) -> Result<Response, Problem> {
    let mut of_all = Vec::new();
    for series_id in series_of(asks.visible(), &study).await?.into_iter().take(CANDIDATES_MAX) {
        of_all.extend(candidates(&images_of(asks.visible(), series_id).await?).into_iter().take(1));
    }
    asks.thumbnail_of(of_all).await
}

/// The series of a study, by number.
async fn series_of(visible: Visible<'_>, study_instance_uid: &str) -> Result<Vec<Uuid>, Problem> {
    let study = visible.study(&public_id(study_instance_uid).to_string())?;
    let series = visible.catalog.series_of_study(*study).await.map_err(|error| catalog_problem(&error))?;
    let series = series.ok_or_else(Problem::no_such_study)?;
    Ok(series.into_iter().map(|series| series.series_id).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_goes_before_the_header_and_nothing_is_a_jpeg() {
        use AskedFormat::{Jpeg, Png, Webp};
        let octets = "multipart/related; type=application/octet-stream; transfer-syntax=*";
        for (in_query, in_header, expected) in [
            (None, None, Some((Jpeg, false))),
            (None, Some(""), Some((Jpeg, false))),
            (None, Some("*/*"), Some((Jpeg, false))),
            (None, Some("image/*"), Some((Jpeg, false))),
            (None, Some("image/png"), Some((Png, false))),
            (None, Some("image/png, image/jpeg;q=0.5"), Some((Png, false))),
            (None, Some("image/webp, */*;q=0.1"), Some((Webp, false))),
            (
                None,
                Some("image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"),
                Some((Jpeg, false)),
            ),
            (None, Some("image/jpeg;q=0, image/*"), Some((Png, false))),
            // The most specific range decides (RFC 9110 12.5.1).
            (None, Some("image/jpeg;q=0.1, */*"), Some((Png, false))),
            (None, Some("image/*;q=0, */*"), None),
            (None, Some("multipart/related; type=\"image/png\""), Some((Png, true))),
            (None, Some("multipart/related; type=image/jpeg, image/png;q=0.5"), Some((Jpeg, true))),
            (None, Some("multipart/related"), Some((Jpeg, true))),
            (None, Some("image/gif"), None),
            (None, Some("application/dicom+json"), None),
            (None, Some(octets), None),
            // A default of viewers, which the query of an <img> overrides.
            (Some("image/jpeg"), Some(octets), Some((Jpeg, false))),
            (Some("image/png"), Some("image/jpeg"), Some((Png, false))),
            (Some("image/gif"), Some("image/png"), Some((Png, false))),
            (Some("image/gif"), None, None),
            (Some("*/*"), None, Some((Jpeg, false))),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(accept) = in_header {
                headers.insert(header::ACCEPT, accept.parse().expect("a header"));
            }
            let form = Form::of(in_query, &headers).map(|form| (form.format, form.in_parts));
            assert_eq!(form, expected, "{in_query:?} {in_header:?}");
        }
    }
}
