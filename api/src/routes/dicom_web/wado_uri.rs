//! The URI service (PS3.18 9): one instance by `?requestType=WADO`, as its file or as a picture. For clients from before the
//! others: all they have is a query.

use axum::response::Response;
use noctis_shared::{
    catalog::ImageRecord,
    own_id,
    request::{FileBeside, Fit, Region, SIDE_PIXELS_MAX, Voi, VoiFunction, Window},
    sop_class,
};

use super::{
    acceptable::Acceptable,
    address::Uids,
    animated,
    asks::Asks,
    instances, presentation_states,
    rendered::{Form, not_acceptable},
    rendered_parameters::{Rendered, take_annotation},
    unbuilt,
};
use crate::{
    picture::{Asked, AskedFormat, NamedWindows, check_frame},
    problem::{Kind, Problem},
    query::Query,
};

/// Answers `GET /dicom-web?requestType=WADO&…`.
pub(super) async fn wado(asks: Asks) -> Result<Response, Problem> {
    let mut query = Query::parse(asks.uri.query())?;
    match query.take("requestType").as_deref() {
        Some("WADO") => {}
        Some(_) => return Err(Problem::parameter("requestType", "takes WADO")),
        // What is asked of the root alone is its capabilities.
        None => return Err(unbuilt::say_so().await),
    }
    let mut uid = |name| {
        let uid = query.take(name).filter(|uid| !uid.is_empty());
        uid.ok_or_else(|| Problem::parameter(name, "is missing"))
    };
    let (study, series, instance) = (uid("studyUID")?, uid("seriesUID")?, uid("objectUID")?);
    // PS3.18 9.4.1.2: who asks for what names nobody must not get what does, however he says so.
    if query.take("anonymize").is_some() {
        return Err(Problem::parameter("anonymize", "is not built: files and pictures leave as they are"));
    }
    let content_type = query.take("contentType").or_else(|| query.take("accept"));
    let transfer_syntax = query.take("transferSyntax");
    let image_id = own_id::of_image(&study, &series, &instance);
    let image = asks.visible().image(image_id).await?;

    let acceptable = Acceptable::all(content_type.as_deref(), &asks.headers);
    let (format, is_moving) = match acceptable.iter().find_map(Answer::to).ok_or_else(not_acceptable)? {
        Answer::Animation => (AskedFormat::Png, true),
        Answer::Picture(format) => (format, false),
        Answer::File(named) => {
            let accept = as_file(transfer_syntax.as_deref().or(named));
            return instances::sent(&asks, Some(&accept), Uids::instance(&study, &series, &instance)).await;
        }
    };
    let state = take_state(&mut query, &asks, &study).await?;
    let frame_number = query.take_value("frameNumber", "a frame number from 1", |&frame| frame >= 1)?;
    let asked = Asked {
        presentation_state: state,
        frame_number: frame_number.unwrap_or(1),
        ..asked(&mut query, format, &image, &asks.api.windows)?
    };
    // PS3.18 9.5.2: a number that the instance does not have is a wrong parameter.
    check_frame(&image, asked.frame_number).map_err(|problem| match problem.kind() {
        Kind::FrameNotFound => Problem::parameter("frameNumber", "is past the last frame"),
        _ => problem,
    })?;
    let (annotation, left_out) = take_annotation(&mut query);
    let rendered = Rendered { asked: Asked { annotation, ..asked }, left_out, segmentation: None };
    if is_moving {
        return asks.animation_of(image, frame_number.map(|frame_number| vec![frame_number]), rendered).await;
    }
    asks.answer(image_id, rendered).await
}

/// The presentation state that `presentationUID` and `presentationSeriesUID` name, which is of the same study (PS3.18
/// 9.5.1.2.10 and 9.5.1.2.11). What it says itself is not asked beside it.
async fn take_state(query: &mut Query<'_>, asks: &Asks, study: &str) -> Result<Option<FileBeside>, Problem> {
    const INSTANCE: &str = "presentationUID";
    const SERIES: &str = "presentationSeriesUID";
    let missing = |name| Problem::parameter(name, "is missing: both UIDs name the presentation state");
    let (series, instance) = match (query.take(SERIES), query.take(INSTANCE)) {
        (None, None) => return Ok(None),
        (Some(series), Some(instance)) => (series, instance),
        (None, Some(_)) => return Err(missing(SERIES)),
        (Some(_), None) => return Err(missing(INSTANCE)),
    };
    for said_by_it in ["region", "windowCenter", "windowWidth"] {
        if query.take(said_by_it).is_some() {
            return Err(Problem::parameter(said_by_it, "does not go with a presentation state"));
        }
    }
    let record = asks.visible().image(own_id::of_image(study, &series, &instance)).await?;
    if !sop_class::is_presentation_state(record.image.sop_class_uid.as_deref()) {
        return Err(Problem::parameter(INSTANCE, "names no presentation state"));
    }
    presentation_states::check_kind(&record)?;
    Ok(Some(presentation_states::beside(&record)))
}

/// As what an instance is answered.
enum Answer<'a> {
    /// In this transfer syntax, if one is named.
    File(Option<&'a str>),
    Animation,
    Picture(AskedFormat),
}

impl<'a> Answer<'a> {
    /// What this entry takes; a picture where it takes anything (PS3.18 9.1.2.2.1).
    fn to(entry: &'a Acceptable) -> Option<Self> {
        if entry.media_type != "*/*" && entry.takes("application/dicom") {
            return Some(Answer::File(entry.transfer_syntax.as_deref()));
        }
        let entry = std::slice::from_ref(entry);
        if animated::is_wanted([entry]) {
            return Some(Answer::Animation);
        }
        Form::among(entry).map(|form| Answer::Picture(form.format))
    }
}

/// The file alone, as `Accept` has it.
fn as_file(transfer_syntax: Option<&str>) -> String {
    let named = transfer_syntax.map_or_else(String::new, |uid| format!("; transfer-syntax=\"{uid}\""));
    format!("application/dicom{named}")
}

/// The picture that a query asks for (PS3.18 9.5.1.2), but for its frame.
fn asked(
    query: &mut Query<'_>,
    format: AskedFormat,
    image: &ImageRecord,
    windows: &NamedWindows,
) -> Result<Asked, Problem> {
    let sides = format!("a number of pixels from 1 to {SIDE_PIXELS_MAX}");
    let mut side = |name| query.take_value(name, &sides, |side| (1..=SIDE_PIXELS_MAX).contains(side));
    let (height, width) = (side("rows")?, side("columns")?);
    let is_lossy = matches!(format, AskedFormat::Jpeg | AskedFormat::Webp);
    let quality =
        query.take_value("imageQuality", "a number from 1 to 100", |quality| (1..=100).contains(quality))?;
    Ok(Asked {
        voi: take_window(query, windows)?,
        fit: Fit { width, height, enlarge: width.is_some() || height.is_some() },
        region: take_region(query, image)?,
        quality: quality.filter(|_| is_lossy),
        format: Some(format),
        ..Asked::of_the_file()
    })
}

/// `windowCenter` and `windowWidth`, which go together.
fn take_window(query: &mut Query<'_>, windows: &NamedWindows) -> Result<Voi, Problem> {
    let mut number = |name| query.take_value(name, "a number", |number: &f64| number.is_finite());
    match (number("windowCenter")?, number("windowWidth")?) {
        (None, None) => Ok(Voi::FromFile),
        (Some(center), Some(width)) => {
            let window = Window::new(center, width, VoiFunction::Linear)
                .map_err(|error| Problem::parameter("windowWidth", error))?;
            windows.check(&window)?;
            Ok(Voi::Window(window))
        }
        (Some(_), None) => Err(Problem::parameter("windowWidth", "is missing: it goes with windowCenter")),
        (None, Some(_)) => Err(Problem::parameter("windowCenter", "is missing: it goes with windowWidth")),
    }
}

/// `region=xmin,ymin,xmax,ymax`, each from 0 to 1 of the frame.
fn take_region(query: &mut Query<'_>, image: &ImageRecord) -> Result<Option<Region>, Problem> {
    const NAME: &str = "region";
    let Some(text) = query.take(NAME) else { return Ok(None) };
    let wrong =
        || Problem::parameter(NAME, "takes xmin,ymin,xmax,ymax, each from 0 to 1, the first two smaller");
    let ends: Result<Vec<f64>, _> = text.split(',').map(|end| end.trim().parse()).collect();
    let Ok(&[left, top, right, bottom]) = ends.as_deref() else { return Err(wrong()) };
    let is_part = |from: f64, to: f64| from >= 0.0 && to <= 1.0 && from < to;
    if !is_part(left, right) || !is_part(top, bottom) {
        return Err(wrong());
    }
    // Within the frame, whose sides have 16 bits.
    let pixels = |from: f64, to: f64, side: Option<u32>| {
        let side = f64::from(side.unwrap_or(0));
        let first = (from * side).floor() as u32;
        (first, ((to * side).ceil() as u32).saturating_sub(first).max(1))
    };
    let ((left, width), (top, height)) =
        (pixels(left, right, image.image.columns), pixels(top, bottom, image.image.rows));
    Ok(Some(Region { left, top, width, height }))
}
