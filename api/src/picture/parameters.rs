//! The parameters of one image: from a query string to values that are valid.

use noctis_shared::{
    request::{
        Annotation, FileBeside, Fit, Flip, IccProfile, Region, SIDE_PIXELS_MAX, Voi, VoiFunction, Window,
    },
    submit::view,
    volume_plane::VolumePlane,
};

use super::{asked_format::AskedFormat, named_windows::NamedWindows};
use crate::{problem::Problem, query::Query};

/// What any picture takes, whichever frame it is of.
macro_rules! takes_of_any {
    () => {
        "preset, window, level, function, width, height, enlarge, region, invert, overlays, quality, format, iccprofile, \
         best_effort"
    };
}

/// The parameters, for the problem that names another.
const TAKES: &str = concat!("frame, ", takes_of_any!());
/// The same of a route that takes positions of a series in place of a frame.
pub(crate) const TAKES_OF_SERIES: &str = concat!("frames, ", takes_of_any!());

/// What was asked, before it is known in which format.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Asked {
    pub(crate) frame_number: u32,
    pub(crate) voi: Voi,
    /// The preset, for the JSON answer.
    pub(crate) preset: Option<&'static str>,
    pub(crate) fit: Fit,
    pub(crate) region: Option<Region>,
    /// DICOMweb alone asks for it.
    pub(crate) flip: Flip,
    pub(crate) invert: Option<bool>,
    pub(crate) overlays: Option<bool>,
    pub(crate) best_effort: bool,
    pub(crate) quality: Option<u8>,
    pub(crate) format: Option<AskedFormat>,
    pub(crate) icc_profile: Option<IccProfile>,
    /// The same.
    pub(crate) presentation_state: Option<FileBeside>,
    /// The same.
    pub(crate) segmentation: Option<FileBeside>,
    /// The same.
    pub(crate) annotation: Annotation,
    /// The same.
    pub(crate) plane: Option<Box<VolumePlane>>,
}

impl Asked {
    /// # Errors
    /// A problem that names the parameter which is unknown, given twice or no value of its kind.
    pub(crate) fn parse(raw: Option<&str>, windows: &NamedWindows) -> Result<Self, Problem> {
        let mut query = Query::parse(raw)?;
        let asked = Self::take(&mut query, windows)?;
        query.finish(TAKES)?;
        Ok(asked)
    }

    /// The same, and the pixel that `x` and `y` name: column and row, from 0.
    ///
    /// # Errors
    /// A problem that names the parameter, also for a pixel that is not named.
    pub(crate) fn parse_with_pixel(
        raw: Option<&str>,
        windows: &NamedWindows,
    ) -> Result<(Self, (u32, u32)), Problem> {
        let mut query = Query::parse(raw)?;
        let mut side = |name| query.take_value(name, "a number of pixels from 0", |_: &u32| true);
        let (x, y) = (side("x")?, side("y")?);
        let asked = Self::take(&mut query, windows)?;
        query.finish(&format!("x, y, {TAKES}"))?;
        let named = |name, side: Option<u32>| {
            side.ok_or_else(|| Problem::parameter(name, "is missing: x and y name the pixel"))
        };
        let pixel = (named("x", x)?, named("y", y)?);
        Ok((asked, pixel))
    }

    /// What a query asks of a picture.
    ///
    /// # Errors
    /// As [`Asked::parse`]; what is unknown is left in the query.
    pub(crate) fn take(query: &mut Query<'_>, windows: &NamedWindows) -> Result<Self, Problem> {
        let function = take_function(query)?;
        let (voi, preset) = take_voi(query, function, windows)?;
        Ok(Self {
            frame_number: query
                .take_value("frame", "a frame number from 1", |&frame| frame >= 1)?
                .unwrap_or(1),
            voi,
            preset,
            fit: take_fit(query)?,
            region: take_region(query)?,
            flip: Flip::NONE,
            invert: query.take_flag("invert")?,
            overlays: query.take_flag("overlays")?,
            best_effort: query.take_flag("best_effort")?.unwrap_or(false),
            quality: query
                .take_value("quality", "a number from 1 to 100", |quality| (1..=100).contains(quality))?,
            format: query.take_value("format", "one of png, png16, raw16, jpeg, webp, json", |_| true)?,
            icc_profile: take_icc_profile(query)?,
            presentation_state: None,
            segmentation: None,
            annotation: Annotation::NONE,
            plane: None,
        })
    }

    /// The first frame as the file has it.
    pub(crate) fn of_the_file() -> Self {
        Self {
            frame_number: 1,
            voi: Voi::FromFile,
            preset: None,
            fit: Fit::default(),
            region: None,
            flip: Flip::NONE,
            invert: None,
            overlays: None,
            best_effort: false,
            quality: None,
            format: None,
            icc_profile: None,
            presentation_state: None,
            segmentation: None,
            annotation: Annotation::NONE,
            plane: None,
        }
    }

    /// What a small picture of `size` pixels asks.
    pub(crate) fn thumbnail(size: u32) -> Self {
        Self {
            fit: Fit { width: Some(size), height: Some(size), enlarge: false },
            // The colours that a browser shows of the whole picture beside, without the bytes of a profile.
            icc_profile: Some(IccProfile::SrgbIfUsable),
            ..Self::of_the_file()
        }
    }
}

fn take_function(query: &mut Query<'_>) -> Result<Option<VoiFunction>, Problem> {
    match query.take("function").as_deref() {
        None => Ok(None),
        Some("linear") => Ok(Some(VoiFunction::Linear)),
        Some("linear_exact") => Ok(Some(VoiFunction::LinearExact)),
        Some("sigmoid") => Ok(Some(VoiFunction::Sigmoid)),
        Some(_) => Err(Problem::parameter("function", "takes linear, linear_exact or sigmoid")),
    }
}

/// `preset`, or `window` and `level`, or neither; `function` goes with each of them.
fn take_voi(
    query: &mut Query<'_>,
    function: Option<VoiFunction>,
    windows: &NamedWindows,
) -> Result<(Voi, Option<&'static str>), Problem> {
    let width: Option<f64> = query.take_value("window", "a number", |width: &f64| width.is_finite())?;
    let center: Option<f64> = query.take_value("level", "a number", |center: &f64| center.is_finite())?;
    let preset = query.take("preset");
    match (width, center, preset.as_deref()) {
        (None, None, None) => Ok((view::from_file(function), None)),
        (None, None, Some(name)) => {
            let (voi, name) = windows.view(name, function)?;
            Ok((voi, Some(name)))
        }
        (Some(width), Some(center), None) => {
            let window = Window::new(center, width, function.unwrap_or(VoiFunction::Linear))
                .map_err(|error| Problem::parameter("window", error))?;
            windows.check(&window)?;
            Ok((Voi::Window(window), None))
        }
        (Some(_), None, None) => Err(Problem::parameter("level", "is missing: window and level go together")),
        (None, Some(_), None) => {
            Err(Problem::parameter("window", "is missing: window and level go together"))
        }
        (_, _, Some(_)) => {
            Err(Problem::parameter("preset", "takes the place of window and level: give one of them"))
        }
    }
}

fn take_fit(query: &mut Query<'_>) -> Result<Fit, Problem> {
    let takes = format!("a number of pixels from 1 to {SIDE_PIXELS_MAX}");
    let mut side = |name| query.take_value(name, &takes, |side| (1..=SIDE_PIXELS_MAX).contains(side));
    let (width, height) = (side("width")?, side("height")?);
    let enlarge = query.take_flag("enlarge")?;
    if enlarge == Some(true) && width.is_none() && height.is_none() {
        return Err(Problem::parameter("enlarge", "takes a width or a height to grow to"));
    }
    Ok(Fit { width, height, enlarge: enlarge.unwrap_or(false) })
}

/// `region=left,top,width,height`, in pixels of the frame.
fn take_region(query: &mut Query<'_>) -> Result<Option<Region>, Problem> {
    let Some(text) = query.take("region") else { return Ok(None) };
    let sides: Result<Vec<u32>, _> = text.splitn(5, ',').map(str::parse).collect();
    match sides.as_deref() {
        Ok(&[left, top, width, height]) if width > 0 && height > 0 => {
            Ok(Some(Region { left, top, width, height }))
        }
        _ => {
            Err(Problem::parameter("region", "takes left,top,width,height in pixels, the last two 1 or more"))
        }
    }
}

/// The values of PS3.18 8.3.5.1.5.
pub(crate) fn take_icc_profile(query: &mut Query<'_>) -> Result<Option<IccProfile>, Problem> {
    const NAME: &str = "iccprofile";
    match query.take(NAME).as_deref() {
        None => Ok(None),
        Some("no") => Ok(Some(IccProfile::No)),
        Some("yes") => Ok(Some(IccProfile::Yes)),
        Some("srgb") => Ok(Some(IccProfile::Srgb)),
        Some(unbuilt @ ("adobergb" | "rommrgb" | "displayp3")) => {
            Err(Problem::parameter(NAME, format_args!("{unbuilt} is not built; it takes no, yes or srgb")))
        }
        Some(_) => Err(Problem::parameter(NAME, "takes no, yes or srgb")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(query: Option<&str>) -> Result<Asked, Problem> {
        Asked::parse(query, &NamedWindows::default())
    }

    fn window(center: f64, width: f64, function: VoiFunction) -> Voi {
        Voi::Window(Window::new(center, width, function).expect("valid"))
    }

    #[test]
    fn nothing_asked_is_the_first_frame_as_the_file_wants_it() {
        let asked = parse(None).expect("valid");
        assert_eq!((asked.frame_number, asked.voi, asked.preset), (1, Voi::FromFile, None));
        assert_eq!((asked.fit, asked.region, asked.best_effort), (Fit::default(), None, false));
    }

    #[test]
    fn preset_window_and_function_make_one_view() {
        use VoiFunction::{Linear, LinearExact, Sigmoid};
        let cases = [
            ("preset=lung", window(-600.0, 1500.0, Linear), Some("lung")),
            ("preset=lung&function=sigmoid", window(-600.0, 1500.0, Sigmoid), Some("lung")),
            ("preset=default", Voi::FromFile, Some("default")),
            ("window=1500&level=-600", window(-600.0, 1500.0, Linear), None),
            ("window=0.5&level=0&function=linear_exact", window(0.0, 0.5, LinearExact), None),
            ("function=sigmoid", Voi::FromFileWith(Sigmoid), None),
        ];
        for (query, voi, preset) in cases {
            let asked = parse(Some(query)).expect(query);
            assert_eq!((asked.voi, asked.preset), (voi, preset), "{query}");
        }
    }

    #[test]
    fn sizes_and_regions_are_read_in_pixels() {
        let asked = parse(Some("width=256&enlarge=true&region=1,2,3,4&frame=7")).expect("valid");
        assert_eq!(asked.fit, Fit { width: Some(256), height: None, enlarge: true });
        assert_eq!(asked.region, Some(Region { left: 1, top: 2, width: 3, height: 4 }));
        assert_eq!(asked.frame_number, 7);
    }

    #[test]
    fn the_profile_is_asked_by_the_names_of_the_standard() {
        let cases = [
            ("iccprofile=no", Some(IccProfile::No)),
            ("iccprofile=yes", Some(IccProfile::Yes)),
            ("iccprofile=srgb", Some(IccProfile::Srgb)),
            ("frame=1", None),
        ];
        for (query, icc_profile) in cases {
            assert_eq!(parse(Some(query)).expect(query).icc_profile, icc_profile, "{query}");
        }
        let problem = parse(Some("iccprofile=adobergb")).expect_err("not built");
        assert!(format!("{problem:?}").contains("adobergb is not built"), "{problem:?}");
    }

    #[test]
    fn a_wrong_parameter_is_named() {
        let cases = [
            ("preset=nose", "preset"),
            ("preset=lung&window=1&level=1", "preset"),
            ("window=400", "level"),
            ("level=40", "window"),
            ("window=0.5&level=40", "window"),
            ("window=NaN&level=40", "window"),
            ("window=0&level=40&function=sigmoid", "window"),
            ("function=cubic", "function"),
            ("frame=0", "frame"),
            ("frame=-1", "frame"),
            ("frame=4294967296", "frame"),
            ("width=0", "width"),
            ("width=8193", "width"),
            ("height=8193", "height"),
            ("enlarge=true", "enlarge"),
            ("enlarge=1&width=9", "enlarge"),
            ("invert=yes", "invert"),
            ("overlays=", "overlays"),
            ("quality=0", "quality"),
            ("quality=101", "quality"),
            ("format=gif", "format"),
            ("iccprofile=adobergb", "iccprofile"),
            ("iccprofile=rommrgb", "iccprofile"),
            ("iccprofile=srgb_if_usable", "iccprofile"),
            ("iccprofile=", "iccprofile"),
            ("region=1,2,3", "region"),
            ("region=1,2,3,0", "region"),
            ("region=1,2,3,4,5", "region"),
            ("colour=red", "colour"),
            ("frame=1&frame=1", "frame"),
        ];
        for (query, name) in cases {
            let problem = parse(Some(query)).expect_err(query);
            let shown = format!("{problem:?}");
            assert!(shown.contains(&format!("\"parameter\": String(\"{name}\")")), "{query}: {shown}");
        }
    }

    #[test]
    fn where_only_presets_may_be_asked_for_windows_without_a_name_are_refused() {
        let presets_only = NamedWindows::new(std::sync::Arc::default(), false);
        let named = [
            "preset=lung",
            "preset=default&function=sigmoid",
            "function=sigmoid",
            "window=1500&level=-600",
            "",
        ];
        for query in named {
            assert!(Asked::parse(Some(query), &presets_only).is_ok(), "{query}");
        }
        let problem = Asked::parse(Some("window=1501&level=-600"), &presets_only).expect_err("no name");
        assert_eq!(problem.kind(), crate::problem::Kind::WindowNotAllowed);
        assert!(parse(Some("window=1501&level=-600")).is_ok());
    }

    #[test]
    fn a_pixel_takes_both_of_its_sides() {
        let parsed = |query| Asked::parse_with_pixel(Some(query), &NamedWindows::default());
        let (asked, pixel) = parsed("x=3&y=0&preset=lung&frame=2").expect("valid");
        assert_eq!((pixel, asked.preset, asked.frame_number), ((3, 0), Some("lung"), 2));
        for (query, name) in [
            ("x=1", "y"),
            ("y=1", "x"),
            ("x=-1&y=0", "x"),
            ("x=0&y=1.5", "y"),
            ("x=0&y=0&z=0", "z"),
            ("z=0", "z"),
        ] {
            let shown = format!("{:?}", parsed(query).expect_err(query));
            assert!(shown.contains(&format!("\"parameter\": String(\"{name}\")")), "{query}: {shown}");
        }
    }
}
