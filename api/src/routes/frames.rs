//! Pictures of a series, in one answer.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, RawQuery, State},
    http::HeaderMap,
    response::Response,
};
use noctis_shared::dicom_uid::parse_public_id;

use crate::{
    api::Api,
    caller::Caller,
    edge::{self, RequestId, SENT},
    picture::{
        Asked, AskedFormat, Place, Places, TAKES_OF_SERIES, in_format,
        stream::{self, Many, Streamed},
        takes,
    },
    problem::{Document, Kind, Problem},
    query::Query,
};

/// Pictures of one answer. A longer series takes another request.
const PLACES_MAX: usize = 20_000;
const MULTIPART: &str = "multipart/mixed";
/// Ranges in one list of positions.
const RANGES_MAX: usize = 100;

/// Streams pictures of a series in display order, each as soon as it is ready.
///
/// `multipart/mixed`: each part has `Content-Type`, `Content-Length`, `Content-Location`, `X-Image-Id`, `X-Frame` and, if it is
/// a picture, `ETag`; samples (`png16`, `raw16`) `X-Pixel-Scale`, those of `raw16` `X-Rows` and `X-Columns`. A part that cannot be rendered is a problem document. Positions count the frames of all images of the
/// series, in display order. Close the connection to stop.
#[utoipa::path(
    get,
    path = "/api/v1/dicom/series/{series_id}/frames",
    operation_id = "streamFrames",
    tag = "images",
    params(
        ("series_id" = String, Path, description = "Its UUID, or its Series Instance UID"),
        ("frames" = Option<String>, Query, description = "Positions in the series, from 1: numbers and ranges with commas between; all without", pattern = "^[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*$", example = "1-50,60"),
        super::picture_parameters::ViewParameters,
        super::picture_parameters::PictureFormatParameter,
    ),
    responses(
        (status = 200, description = "The pictures", body = String, content_type = "multipart/mixed"),
        (status = 400, description = "A parameter is wrong", body = Document, content_type = "application/problem+json"),
        (status = 404, description = "No such series, or a position that it does not have", body = Document, content_type = "application/problem+json"),
        (status = 406, description = "`Accept` does not take multipart/mixed", body = Document, content_type = "application/problem+json"),
        (status = 409, description = "Series of several studies have this UID; `details.choices` names each alone", body = Document, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests, or too many streams", body = Document, content_type = "application/problem+json"),
        (status = 503, description = "The catalog does not answer", body = Document, content_type = "application/problem+json"),
    )
)]
pub(super) async fn stream(
    State(api): State<Arc<Api>>,
    Path(segment): Path<String>,
    RawQuery(raw): RawQuery,
    Extension(caller): Extension<Arc<Caller>>,
    Extension(request_id): Extension<RequestId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut query = Query::parse(raw.as_deref())?;
    let positions = query.take("frames").map(|text| positions(&text)).transpose()?;
    if query.take("frame").is_some() {
        return Err(Problem::parameter("frame", "is no parameter of this route; frames takes positions"));
    }
    let asked = Asked::take(&mut query, &api.windows)?;
    query.finish(TAKES_OF_SERIES)?;
    if asked.format == Some(AskedFormat::Json) {
        return Err(Problem::parameter("format", "takes png, png16, raw16, jpeg or webp here"));
    }
    if !takes(&headers, MULTIPART) {
        let detail =
            "The pictures of a series are parts of a multipart/mixed body; format says what each of them is.";
        return Err(Problem::new(Kind::NotAcceptable, detail).with("media_types", vec![MULTIPART]));
    }
    let request = in_format(&asked, asked.format.unwrap_or(AskedFormat::Png))?.request;

    let series_id = parse_public_id(&segment).ok_or_else(Problem::no_such_series)?;
    let visible = api.visible_to(&caller);
    let series = visible.series(series_id).await?;
    let images = visible.listed(&series).await?;
    let pixels_max = stream::pixels_max(&images);
    let places = chosen(&Places::of(images), positions.as_deref())?;
    let permit = api.streams.begin(&caller.name)?;
    let sent = u32::try_from(places.len()).unwrap_or(u32::MAX).saturating_mul(SENT);
    edge::pay(&api, &caller, sent).await?;
    let query = query_of_each(raw.as_deref().unwrap_or_default(), asked.format.is_none());
    let streamed = Streamed { api, caller, request, kind: Many::Mixed { query }, request_id, pixels_max };
    Ok(stream::answer(streamed, places, permit))
}

/// The query by which each picture is asked for alone: the same without the positions.
fn query_of_each(raw: &str, names_no_format: bool) -> String {
    let kept = raw.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("frames="));
    kept.chain(names_no_format.then_some("format=png")).collect::<Vec<_>>().join("&")
}

/// Ranges of positions, each from 1 and ends included.
fn positions(text: &str) -> Result<Vec<(usize, usize)>, Problem> {
    let wrong = || Problem::parameter("frames", "takes positions from 1 and ranges of them, like 1-50,60");
    let number = |text: &str| text.parse::<usize>().ok().filter(|number| *number >= 1).ok_or_else(wrong);
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (number(first)?, number(last)?);
        if first <= last { Ok((first, last)) } else { Err(wrong()) }
    };
    let ranges: Vec<_> = text.split(',').take(RANGES_MAX + 1).map(range).collect::<Result<_, _>>()?;
    if ranges.len() > RANGES_MAX { Err(wrong()) } else { Ok(ranges) }
}

/// The pictures at these positions, in the order in which they are asked for; all of them without.
fn chosen(all: &Places, positions: Option<&[(usize, usize)]>) -> Result<Vec<Place>, Problem> {
    let total = all.total();
    if positions.into_iter().flatten().any(|(_, last)| *last > total) {
        let detail = format!("The series has {total} pictures.");
        return Err(Problem::new(Kind::FrameNotFound, detail).with("total", total));
    }
    let whole = [(1, total)];
    let ranges = positions.unwrap_or(&whole);
    let count = ranges.iter().fold(0_usize, |count, (first, last)| count.saturating_add(last + 1 - first));
    if count > PLACES_MAX {
        return Err(Problem::parameter("frames", format!("takes {PLACES_MAX} positions at a time")));
    }
    Ok(ranges.iter().flat_map(|(first, last)| all.between(*first..=*last)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_numbers_and_ranges_of_them() {
        assert_eq!(positions("1-50,60"), Ok(vec![(1, 50), (60, 60)]));
        for wrong in ["", "0", "0-3", "3-1", "a", "1-", "-1", "1,,2", "1-2-3", "1 - 2", &"1,".repeat(101)] {
            assert!(positions(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn each_picture_is_asked_for_by_its_own_address() {
        assert_eq!(query_of_each("window=1&frames=1-5&level=2", true), "window=1&level=2&format=png");
        assert_eq!(query_of_each("frames=1&format=jpeg", false), "format=jpeg");
        assert_eq!(query_of_each("", true), "format=png");
    }
}
