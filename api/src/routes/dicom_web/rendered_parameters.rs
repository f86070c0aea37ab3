//! The query parameters of rendered resources and thumbnails (PS3.18 8.3.5.1), and which picture they ask for.
//!
//! Unknown parameters are let be (PS3.18 8.3); what is known and not built is an error, or a warning where the standard
//! has the server go on without it.

use noctis_shared::request::{
    Annotation, FileBeside, Fit, Flip, Region, SIDE_PIXELS_MAX, Voi, VoiFunction, Window,
};

use crate::{
    picture::{Asked, AskedFormat, NamedWindows, take_icc_profile},
    problem::Problem,
    query::Query,
};

/// The longer side of a thumbnail in pixels when none is asked.
const THUMBNAIL_PIXELS: u32 = 128;
/// A side of a source region that reaches to the end of any frame (PS3.5: Rows and Columns have 16 bits).
const TO_THE_END: u32 = 65_535;

/// The picture that a query asks for, and what it asks that is left out.
#[derive(Debug, PartialEq)]
pub(super) struct Rendered {
    pub(super) asked: Asked,
    /// In words, for a `Warning` field.
    pub(super) left_out: Option<&'static str>,
    /// SOP Instance UID of the segmentation that is laid over the frames: a parameter of ours.
    pub(super) segmentation: Option<String>,
}

impl Rendered {
    /// What a query asks of a rendered resource; `frame_number` is of the path.
    ///
    /// # Errors
    /// 400 that names the parameter.
    pub(super) fn take(
        query: &mut Query<'_>,
        frame_number: u32,
        format: AskedFormat,
        windows: &NamedWindows,
    ) -> Result<Self, Problem> {
        let viewport = take_viewport(query)?;
        let quality =
            query.take_value("quality", "a number from 1 to 100", |quality| (1..=100).contains(quality))?;
        let (annotation, left_out) = take_annotation(query);
        let segmentation = query.take("segmentation").map(|uid| uid.into_owned());
        let asked = Asked {
            frame_number,
            voi: take_window(query, windows)?,
            fit: viewport.map_or_else(Fit::default, |viewport| viewport.fit),
            region: viewport.and_then(|viewport| viewport.region),
            flip: viewport.map_or(Flip::NONE, |viewport| viewport.flip),
            // PS3.18 8.3.5.1.2: of media types with lossy compression; with others it means nothing.
            quality: quality.filter(|_| format == AskedFormat::Jpeg || format == AskedFormat::Webp),
            format: Some(format),
            icc_profile: take_icc_profile(query)?,
            annotation,
            ..Asked::of_the_file()
        };
        Ok(Self { asked, left_out, segmentation })
    }

    /// The same of images under a presentation state, which says itself what is seen of them: a box is all that `viewport`
    /// is then, and there is no `window`.
    ///
    /// # Errors
    /// 400 that names the parameter.
    pub(super) fn take_presented(
        query: &mut Query<'_>,
        format: AskedFormat,
        state: FileBeside,
        windows: &NamedWindows,
    ) -> Result<Self, Problem> {
        if query.take("window").is_some() {
            return Err(Problem::parameter(
                "window",
                "does not go with a presentation state, which has its own",
            ));
        }
        let viewport = take_box(query, "takes vw,vh of a presentation state, which shows its own area")?;
        let rendered = Self::take(query, 1, format, windows)?;
        if rendered.segmentation.is_some() {
            return Err(Problem::parameter("segmentation", "does not go with a presentation state"));
        }
        let fit = viewport.map_or_else(Fit::default, |viewport| viewport.fit);
        let asked = Asked { fit, presentation_state: Some(state), ..rendered.asked };
        Ok(Self { asked, ..rendered })
    }

    /// The same of a plane through a series, which is shown whole, as large as its box, and which nothing lies over.
    ///
    /// # Errors
    /// 400 that names the parameter.
    pub(super) fn take_plane(
        query: &mut Query<'_>,
        format: AskedFormat,
        windows: &NamedWindows,
    ) -> Result<Self, Problem> {
        let viewport = take_box(query, "takes vw,vh of a plane, which is shown whole")?;
        let rendered = Self::take(query, 1, format, windows)?;
        if rendered.segmentation.is_some() {
            return Err(Problem::parameter("segmentation", "does not go with a plane"));
        }
        let left_out = match rendered.asked.annotation {
            Annotation::NONE => rendered.left_out,
            _ => Some("nothing is written into the corners of planes"),
        };
        let fit = viewport.map_or_else(Fit::default, |viewport| viewport.fit);
        let asked = Asked { fit, overlays: Some(false), annotation: Annotation::NONE, ..rendered.asked };
        Ok(Self { asked, left_out, ..rendered })
    }

    /// The same of a thumbnail, which takes `viewport` alone (PS3.18 10.4.1.2.2).
    ///
    /// # Errors
    /// 400 that names the parameter.
    pub(super) fn take_thumbnail(
        query: &mut Query<'_>,
        frame_number: u32,
        format: AskedFormat,
    ) -> Result<Self, Problem> {
        let viewport = take_box(query, "takes vw,vh of a thumbnail")?;
        let small = Asked::thumbnail(THUMBNAIL_PIXELS);
        let fit = viewport.map_or(small.fit, |viewport| Fit { enlarge: false, ..viewport.fit });
        let asked = Asked { frame_number, fit, format: Some(format), ..small };
        Ok(Self { asked, left_out: None, segmentation: None })
    }
}

/// The box that the picture fills, the part of the frame that it shows, and whether that is flipped.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Viewport {
    fit: Fit,
    region: Option<Region>,
    flip: Flip,
}

/// `viewport=vw,vh[,sx,sy,sw,sh]` (PS3.18 8.3.5.1.3): the picture is scaled to fit the box, up or down, its aspect kept;
/// what is left empty of the source is its default. Parts of pixels are rounded; a negative `sw` or `sh` flips.
fn take_viewport(query: &mut Query<'_>) -> Result<Option<Viewport>, Problem> {
    const NAME: &str = "viewport";
    let wrong = |says: String| Problem::parameter(NAME, says);
    let Some(text) = query.take(NAME) else { return Ok(None) };
    let numbers: Option<Vec<Option<f64>>> = text.split(',').map(number).collect();
    let takes = || wrong("takes vw,vh or vw,vh,sx,sy,sw,sh in pixels".to_owned());
    let numbers = numbers.ok_or_else(takes)?;
    let (&[Some(width), Some(height)], source) = numbers.split_first_chunk::<2>().ok_or_else(takes)? else {
        return Err(takes());
    };
    let side = |side: f64| {
        let whole = side.round();
        let is_one = (1.0..=f64::from(SIDE_PIXELS_MAX)).contains(&whole);
        // In range: the cast cuts nothing.
        is_one
            .then_some(whole as u32)
            .ok_or_else(|| wrong(format!("takes sides from 1 to {SIDE_PIXELS_MAX}")))
    };
    let fit = Fit { width: Some(side(width)?), height: Some(side(height)?), enlarge: true };
    let (region, flip) = match *source {
        [] => (None, Flip::NONE),
        [left, top, width, height] => {
            let is_negative = |side: Option<f64>| side.is_some_and(|side| side < 0.0);
            let flip = Flip { horizontal: is_negative(width), vertical: is_negative(height) };
            (region([left, top, width.map(f64::abs), height.map(f64::abs)])?, flip)
        }
        _ => return Err(takes()),
    };
    Ok(Some(Viewport { fit, region, flip }))
}

/// `annotation`, or what the URI service calls `imageAnnotation`: a list of keywords (PS3.18 8.3.5.1.1). Those that are not
/// known are left out, in words.
pub(super) fn take_annotation(query: &mut Query<'_>) -> (Annotation, Option<&'static str>) {
    let keywords = [query.take("annotation"), query.take("imageAnnotation")];
    let keywords = keywords.iter().flatten().flat_map(|list| list.split(',')).map(str::trim);
    let (mut annotation, mut left_out) = (Annotation::NONE, None);
    for keyword in keywords.filter(|keyword| !keyword.is_empty()) {
        match keyword {
            "patient" => annotation.patient = true,
            "technique" => annotation.technique = true,
            _ => left_out = Some("of annotations patient and technique are drawn, and no others"),
        }
    }
    (annotation, left_out)
}

/// A `viewport` without a part of the source.
fn take_box(query: &mut Query<'_>, takes: &str) -> Result<Option<Viewport>, Problem> {
    let viewport = take_viewport(query)?;
    match viewport {
        Some(Viewport { region: Some(_), .. }) => Err(Problem::parameter("viewport", takes)),
        Some(viewport) if viewport.flip != Flip::NONE => Err(Problem::parameter("viewport", takes)),
        viewport => Ok(viewport),
    }
}

/// The part of the source; `None` for all of it.
fn region(sides: [Option<f64>; 4]) -> Result<Option<Region>, Problem> {
    if sides.iter().all(Option::is_none) {
        return Ok(None);
    }
    let [left, top, width, height] = sides;
    let place = |place: Option<f64>| {
        let whole = place.unwrap_or(0.0).round();
        (0.0..=f64::from(TO_THE_END)).contains(&whole).then_some(whole as u32)
    };
    let length = |length: Option<f64>| {
        let whole = length.unwrap_or(f64::from(TO_THE_END)).round();
        (1.0..=f64::from(TO_THE_END)).contains(&whole).then_some(whole as u32)
    };
    match (place(left), place(top), length(width), length(height)) {
        (Some(left), Some(top), Some(width), Some(height)) => Ok(Some(Region { left, top, width, height })),
        _ => Err(Problem::parameter("viewport", "takes a source of one pixel or more, inside of the frame")),
    }
}

/// A decimal number; `Some(None)` where there is none, `None` for other text.
fn number(text: &str) -> Option<Option<f64>> {
    let text = text.trim();
    if text.is_empty() {
        return Some(None);
    }
    text.parse().ok().filter(|number: &f64| number.is_finite()).map(Some)
}

/// `window=center,width,function` (PS3.18 8.3.5.1.4).
fn take_window(query: &mut Query<'_>, windows: &NamedWindows) -> Result<Voi, Problem> {
    const NAME: &str = "window";
    let Some(text) = query.take(NAME) else { return Ok(Voi::FromFile) };
    let takes = || Problem::parameter(NAME, "takes center,width,function: linear, linear-exact or sigmoid");
    let parts: Vec<&str> = text.split(',').map(str::trim).collect();
    let (center, width, function) = match *parts.as_slice() {
        [center, width, function] => (center, width, function),
        // What clients send that were made for an older edition.
        [center, width] => (center, width, "linear"),
        _ => return Err(takes()),
    };
    let function = match function.to_ascii_lowercase().replace('_', "-").as_str() {
        "linear" => VoiFunction::Linear,
        "linear-exact" => VoiFunction::LinearExact,
        "sigmoid" => VoiFunction::Sigmoid,
        _ => return Err(takes()),
    };
    let number = |text: &str| text.parse::<f64>().map_err(|_| takes());
    let window = Window::new(number(center)?, number(width)?, function)
        .map_err(|error| Problem::parameter(NAME, error))?;
    windows.check(&window)?;
    Ok(Voi::Window(window))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(query: &str, format: AskedFormat) -> Result<Rendered, Problem> {
        let mut query = Query::parse(Some(query)).expect("a query");
        Rendered::take(&mut query, 1, format, &NamedWindows::default())
    }

    fn jpeg(query: &str) -> Asked {
        rendered(query, AskedFormat::Jpeg).expect(query).asked
    }

    #[test]
    fn a_viewport_is_a_box_and_a_part_of_the_source() {
        let fit = |width, height| Fit { width: Some(width), height: Some(height), enlarge: true };
        let region = |left, top, width, height| Some(Region { left, top, width, height });
        for (viewport, expected) in [
            ("512,256", (fit(512, 256), None)),
            ("512,512,,,,", (fit(512, 512), None)),
            ("100,100,10,20,30,40", (fit(100, 100), region(10, 20, 30, 40))),
            ("100,100,10.4,0.5,29.6,40.2", (fit(100, 100), region(10, 1, 30, 40))),
            ("100,100,10,,,", (fit(100, 100), region(10, 0, 65_535, 65_535))),
        ] {
            let asked = jpeg(&format!("viewport={viewport}"));
            assert_eq!((asked.fit, asked.region), expected, "{viewport}");
        }
        for wrong in [
            "",
            "512",
            ",",
            "512,",
            "0,10",
            "9000,10",
            "-1,1",
            "1,2,3",
            "1,2,3,4,5",
            "1,2,3,4,5,6,7",
            "a,b",
            "1,2,0,0,-0.4,5",
            "1,2,0,0,5,-0",
            "1,2,-1,0,5,5",
            "1,2,0,0,0,5",
            "NaN,1",
            "1e999,1",
        ] {
            assert!(rendered(&format!("viewport={wrong}"), AskedFormat::Jpeg).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_negative_width_or_height_of_the_source_flips_it() {
        for (source, (horizontal, vertical)) in [
            ("10,20,30,40", (false, false)),
            ("10,20,-30,40", (true, false)),
            ("10,20,30,-40", (false, true)),
            ("10,20,-30,-40", (true, true)),
        ] {
            let asked = jpeg(&format!("viewport=100,100,{source}"));
            assert_eq!(asked.flip, Flip { horizontal, vertical }, "{source}");
            assert_eq!(asked.region, Some(Region { left: 10, top: 20, width: 30, height: 40 }), "{source}");
        }
        assert_eq!(jpeg("viewport=100,100").flip, Flip::NONE);
    }

    #[test]
    fn a_thumbnail_is_of_the_whole_frame() {
        let thumbnail = |query: &'static str| {
            let mut query = Query::parse(Some(query)).expect("a query");
            Rendered::take_thumbnail(&mut query, 1, AskedFormat::Png).map(|rendered| rendered.asked.fit)
        };
        assert_eq!(
            thumbnail("viewport=64,32"),
            Ok(Fit { width: Some(64), height: Some(32), enlarge: false })
        );
        assert_eq!(thumbnail("window=1"), Ok(Asked::thumbnail(THUMBNAIL_PIXELS).fit));
        assert!(thumbnail("viewport=64,32,0,0,8,8").is_err());
        assert!(thumbnail("viewport=64,32,,,-8,").is_err());
    }

    #[test]
    fn a_window_has_its_center_first() {
        let window =
            |center, width, function| Voi::Window(Window::new(center, width, function).expect("valid"));
        for (text, expected) in [
            ("40,400,linear", window(40.0, 400.0, VoiFunction::Linear)),
            ("-600.5,1500,LINEAR-EXACT", window(-600.5, 1500.0, VoiFunction::LinearExact)),
            ("40,400,linear_exact", window(40.0, 400.0, VoiFunction::LinearExact)),
            ("40,0.5,sigmoid", window(40.0, 0.5, VoiFunction::Sigmoid)),
            ("40,400", window(40.0, 400.0, VoiFunction::Linear)),
        ] {
            assert_eq!(jpeg(&format!("window={text}")).voi, expected, "{text}");
        }
        for wrong in ["", "40", "40,400,cubic", "40,0,linear", "a,b,linear", "1,2,linear,3", "inf,2,linear"] {
            assert!(rendered(&format!("window={wrong}"), AskedFormat::Jpeg).is_err(), "{wrong}");
        }
        assert_eq!(jpeg("").voi, Voi::FromFile);
    }

    #[test]
    fn a_quality_is_of_lossy_pictures_and_what_is_not_drawn_is_said() {
        assert_eq!(jpeg("quality=50").quality, Some(50));
        assert_eq!(rendered("quality=50", AskedFormat::Png).expect("taken").asked.quality, None);
        assert!(rendered("quality=0", AskedFormat::Png).is_err());
        let annotated = rendered("annotation=patient,technique&unknown=1", AskedFormat::Jpeg).expect("taken");
        assert_eq!(annotated.asked.annotation, Annotation { patient: true, technique: true });
        assert_eq!(annotated.left_out, None);
        let other = rendered("annotation=technique,%20scale", AskedFormat::Jpeg).expect("taken");
        assert_eq!(other.asked.annotation, Annotation { patient: false, technique: true });
        assert!(other.left_out.is_some());
        assert_eq!(rendered("", AskedFormat::Jpeg).expect("taken").left_out, None);
    }
}
