//! In which shape the picture is sent: `format=`, else the `Accept` header (RFC 9110 12.5.1).

use axum::http::HeaderMap;
use noctis_shared::request::{FrameRequest, IccProfile, PictureFormat, Voi};

use super::{
    asked_format::AskedFormat::{self, Jpeg, Json, Png, Png16, Raw16, Webp},
    parameters::Asked,
};
use crate::{
    accept::{self, MediaRange},
    problem::{Kind, Problem},
};

/// JPEG quality when none is asked: above it files grow faster than pictures improve.
const JPEG_QUALITY: u8 = 90;

/// What is sent: which picture, and whether inside JSON.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Representation {
    pub(crate) request: FrameRequest,
    pub(crate) json: bool,
    /// Whether the route takes `format=`.
    takes_format: bool,
}

impl Representation {
    /// The value of `format=` that asks for the same; `None` where the route takes none.
    pub(crate) fn format_name(&self) -> Option<&'static str> {
        let name = match self.request.format {
            PictureFormat::Png if self.json => "json",
            PictureFormat::Png => "png",
            PictureFormat::Png16 => "png16",
            PictureFormat::Raw16 => "raw16",
            PictureFormat::Jpeg { .. } => "jpeg",
            PictureFormat::Webp { .. } => "webp",
            // Not asked for by a format.
            PictureFormat::Explanation { .. }
            | PictureFormat::Samples
            | PictureFormat::Codestream { .. }
            | PictureFormat::FileHead { .. } => return None,
        };
        self.takes_format.then_some(name)
    }
}

/// Chooses the representation and completes the request with its format.
///
/// # Errors
/// 406 when nothing we have is acceptable; 400 for parameters that contradict `format=` or 16-bit values.
pub(crate) fn choose(
    asked: &Asked,
    headers: &HeaderMap,
    pictures_only: bool,
) -> Result<Representation, Problem> {
    let chosen = match asked.format {
        Some(format) => format,
        None => negotiate(headers, pictures_only).ok_or_else(not_acceptable)?,
    };
    Ok(Representation { takes_format: !pictures_only, ..in_format(asked, chosen)? })
}

/// The representation in a format that was chosen.
///
/// # Errors
/// 400 for parameters that contradict it.
pub(crate) fn in_format(asked: &Asked, chosen: AskedFormat) -> Result<Representation, Problem> {
    let lossy = matches!(chosen, Jpeg | Webp);
    if asked.quality.is_some() && asked.format.is_some() && !lossy {
        return Err(Problem::parameter("quality", "takes a lossy format: jpeg or webp"));
    }
    let format = match chosen {
        Png | Json => PictureFormat::Png,
        Png16 => PictureFormat::Png16,
        Raw16 => PictureFormat::Raw16,
        Jpeg => PictureFormat::Jpeg { quality: asked.quality.unwrap_or(JPEG_QUALITY) },
        Webp => PictureFormat::Webp { quality: asked.quality },
    };
    let is_for_display = !chosen.is_of_modality_values();
    if !is_for_display {
        refuse_display_parameters(asked)?;
    }
    let request = FrameRequest {
        frame_number: asked.frame_number,
        voi: asked.voi,
        invert: asked.invert.unwrap_or(false),
        // Modality values have nothing burned in.
        overlays: asked.overlays.unwrap_or(true) && is_for_display,
        region: asked.region,
        fit: asked.fit,
        flip: asked.flip,
        format,
        // Nor colours: `no` and `yes` are one picture under one key.
        icc_profile: asked.icc_profile.filter(|_| is_for_display).unwrap_or_default(),
        best_effort: asked.best_effort,
        presentation_state: asked.presentation_state,
        segmentation: asked.segmentation,
        annotation: asked.annotation,
        plane: asked.plane.clone(),
    };
    Ok(Representation { request, json: chosen == Json, takes_format: true })
}

/// 16-bit modality values are what the client windows itself: a window here would be asked and not applied.
fn refuse_display_parameters(asked: &Asked) -> Result<(), Problem> {
    let refused = match asked {
        Asked { preset: Some(name), .. } if *name != "default" => "preset",
        Asked { voi: Voi::Window(_), .. } => "window",
        Asked { voi: Voi::FromFileWith(_), .. } => "function",
        Asked { invert: Some(true), .. } => "invert",
        Asked { overlays: Some(true), .. } => "overlays",
        Asked { icc_profile: Some(IccProfile::Srgb), .. } => "iccprofile",
        _ => return Ok(()),
    };
    Err(Problem::parameter(refused, "does not go with 16-bit modality values"))
}

fn not_acceptable() -> Problem {
    let types = ["application/json", "image/png", "image/png; depth=16", "image/jpeg", "image/webp"];
    Problem::new(Kind::NotAcceptable, "None of the media types in Accept can be answered.")
        .with("media_types", types.to_vec())
}

fn negotiate(headers: &HeaderMap, pictures_only: bool) -> Option<AskedFormat> {
    let entries = accept::of(headers)?;
    if entries.is_empty() {
        return Some(if pictures_only { Png } else { Json });
    }
    best(&entries, pictures_only)
}

/// Whether `Accept` takes `media_type`: by its name, its kind, or as anything.
pub(crate) fn takes(headers: &HeaderMap, media_type: &str) -> bool {
    let Some(entries) = accept::of(headers) else { return false };
    let rank = |entry: &MediaRange<'_>| accept::precision(&entry.name.to_ascii_lowercase(), media_type);
    let best = entries.iter().filter_map(|entry| Some((rank(entry)?, entry.weight))).max();
    entries.is_empty() || best.is_some_and(|(_, weight)| weight > 0)
}

/// Whether plain JSON is asked for by its name, where there is DICOM JSON too.
pub(crate) fn wants_plain_json(headers: &HeaderMap) -> bool {
    let entries = accept::of(headers).unwrap_or_default();
    let quality =
        |media_type: &str| entries.iter().find(|entry| entry.is(media_type)).map_or(0, |entry| entry.weight);
    quality("application/json") > quality("application/dicom+json")
}

/// Whether JSON is wanted where there is a PNG too: named, and no less than the PNG is, unless that is named as well.
///
/// # Errors
/// 406 where neither is acceptable.
pub(crate) fn wants_json_rather_than_png(headers: &HeaderMap) -> Result<bool, Problem> {
    let entries = accept::of(headers).unwrap_or_default();
    let (json, png) = (quality_of(&entries, Json), quality_of(&entries, Png));
    if !entries.is_empty() && json == 0 && png == 0 {
        let problem = Problem::new(Kind::NotAcceptable, "None of the media types in Accept can be answered.");
        return Err(problem.with("media_types", vec!["image/png", "application/json"]));
    }
    let names = |media_type: &str| entries.iter().any(|entry| entry.is(media_type));
    Ok(json > png || (json == png && names("application/json") && !names("image/png")))
}

/// Whether a page is wanted where there is JSON too: named, and no less than JSON is.
pub(crate) fn wants_page(headers: &HeaderMap) -> bool {
    let entries = accept::of(headers).unwrap_or_default();
    let page = entries.iter().find(|entry| entry.is("text/html")).map_or(0, |entry| entry.weight);
    page > 0 && page >= quality_of(&entries, Json)
}

/// The acceptable format of the highest quality; the earlier of equals in the order of preference below.
fn best(entries: &[MediaRange<'_>], pictures_only: bool) -> Option<AskedFormat> {
    // A list that names a page is a browser's address line: it shows a picture, whatever it says of WebP.
    let browser = entries.iter().any(|entry| entry.is("text/html"));
    let is_picture = |entry: &MediaRange<'_>| {
        entry.name.split_once('/').is_some_and(|(kind, _)| kind.eq_ignore_ascii_case("image"))
    };
    let names_pictures = entries.iter().any(is_picture);
    let preference: &[AskedFormat] = match (pictures_only, browser || names_pictures) {
        (true, _) => &[Png, Jpeg, Webp],
        (false, true) => &[Png16, Png, Jpeg, Webp, Json],
        (false, false) => &[Json, Png16, Png, Jpeg, Webp],
    };
    let quality = |format: AskedFormat| quality_of(entries, format);
    if browser && quality(Png) > 0 {
        return Some(Png);
    }
    let best = preference.iter().copied().map(quality).max().filter(|&best| best > 0)?;
    preference.iter().copied().find(|&format| quality(format) == best)
}

/// The quality that the most specific matching entry gives to `format`; 0 when none matches.
fn quality_of(entries: &[MediaRange<'_>], format: AskedFormat) -> u16 {
    let specificity = |entry: &MediaRange<'_>| -> Option<u8> {
        let exact = match format {
            Png => entry.is("image/png") && matches!(entry.parameter("depth"), None | Some("8")),
            Png16 => entry.is("image/png") && entry.parameter("depth") == Some("16"),
            // By its name alone, in the address.
            Raw16 => false,
            Jpeg => entry.is("image/jpeg"),
            Webp => entry.is("image/webp"),
            Json => entry.is("application/json"),
        };
        match (format, exact) {
            (_, true) => Some(2),
            // Nobody gets values to window by accident: only who names them.
            (Png16 | Raw16, false) => None,
            (Json, false) if entry.is("application/*") => Some(1),
            (Png | Jpeg | Webp, false) if entry.is("image/*") => Some(1),
            (_, false) => entry.is("*/*").then_some(0),
        }
    };
    let ranked = entries.iter().filter_map(|entry| Some((specificity(entry)?, entry.weight)));
    ranked.max().map_or(0, |(_, quality)| quality)
}

#[cfg(test)]
mod tests {
    use axum::http::header;
    use noctis_shared::render_key::{ContentDigest, RenderKey};
    use proptest::prelude::*;

    use super::*;
    use crate::picture::NamedWindows;

    fn parse(query: Option<&str>) -> Result<Asked, Problem> {
        Asked::parse(query, &NamedWindows::default())
    }

    fn accepting(accept: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, accept.parse().expect("a header"));
        headers
    }

    #[test]
    fn a_page_goes_to_who_names_one_and_wants_json_no_more() {
        let cases = [
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true),
            ("text/html", true),
            ("text/html;q=0.5, application/json", false),
            ("text/html;q=0", false),
            ("*/*", false),
            ("application/json", false),
        ];
        for (accept, is_page) in cases {
            assert_eq!(wants_page(&accepting(accept)), is_page, "{accept}");
        }
        assert!(!wants_page(&HeaderMap::new()));
    }

    #[test]
    fn the_most_specific_entry_says_whether_a_type_is_taken() {
        for (accept, expected) in [
            ("multipart/mixed", true),
            ("MULTIPART/*;q=0.1", true),
            ("*/*", true),
            ("image/png", false),
            ("multipart/mixed;q=0, */*", false),
            ("multipart/related", false),
        ] {
            assert_eq!(takes(&accepting(accept), "multipart/mixed"), expected, "{accept}");
        }
        assert!(takes(&HeaderMap::new(), "multipart/mixed"));
    }

    #[test]
    fn json_is_wanted_rather_than_a_png_by_who_names_it() {
        for (accept, expected) in [
            ("application/json", Some(true)),
            ("application/json, text/plain, */*", Some(true)),
            ("application/json, image/png", Some(false)),
            ("application/json, image/png;q=0.5", Some(true)),
            ("*/*", Some(false)),
            ("image/avif,image/webp,image/*,*/*;q=0.8", Some(false)),
            ("text/html", None),
        ] {
            assert_eq!(wants_json_rather_than_png(&accepting(accept)).ok(), expected, "{accept}");
        }
        assert_eq!(wants_json_rather_than_png(&HeaderMap::new()), Ok(false));
    }

    /// The lists of browsers as they send them for pages and for `<img>`.
    #[test]
    fn accept_chooses_as_the_contract_says() {
        let cases = [
            ("application/json", Some(Json)),
            ("*/*", Some(Json)),
            ("application/json, text/plain, */*", Some(Json)),
            ("application/json; charset=utf-8", Some(Json)),
            ("image/png", Some(Png)),
            ("IMAGE/PNG", Some(Png)),
            ("image/*", Some(Png)),
            ("image/png, application/json", Some(Png)),
            ("image/jpeg", Some(Jpeg)),
            ("image/webp", Some(Webp)),
            ("image/png; depth=16", Some(Png16)),
            ("image/png;depth=\"16\"", Some(Png16)),
            ("image/png;depth=16;q=0.5, image/jpeg", Some(Jpeg)),
            ("image/png;q=0.5, image/webp;q=0.9", Some(Webp)),
            ("image/png;q=0, image/*", Some(Jpeg)),
            ("application/json;q=0, */*;q=0.1", Some(Png)),
            ("image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", Some(Png)),
            ("image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5", Some(Png)),
            (
                "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8",
                Some(Png),
            ),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Some(Png)),
            ("text/html", None),
            ("image/gif", None),
            ("image/png; depth=12", None),
            ("image/png;q=0", None),
            ("image/png;q=much", None),
            ("video/mp4, image/tiff", None),
        ];
        for (accept, expected) in cases {
            assert_eq!(negotiate(&accepting(accept), false), expected, "{accept}");
        }
        assert_eq!(negotiate(&HeaderMap::new(), false), Some(Json));
    }

    #[test]
    fn a_route_of_pictures_never_answers_json() {
        let cases = [("*/*", Some(Png)), ("application/json", None), ("image/jpeg", Some(Jpeg))];
        for (accept, expected) in cases {
            assert_eq!(negotiate(&accepting(accept), true), expected, "{accept}");
        }
        assert_eq!(negotiate(&HeaderMap::new(), true), Some(Png));
    }

    #[test]
    fn format_stands_over_accept() {
        let asked = parse(Some("format=webp&quality=70")).expect("valid");
        let chosen = choose(&asked, &accepting("image/gif"), false).expect("webp");
        assert_eq!(chosen.request.format, PictureFormat::Webp { quality: Some(70) });
        assert!(!chosen.json);
    }

    #[test]
    fn quality_without_a_lossy_format_is_refused_when_the_format_was_named() {
        let asked = |query| parse(Some(query)).expect("valid");
        assert!(choose(&asked("format=png&quality=70"), &HeaderMap::new(), false).is_err());
        assert!(choose(&asked("quality=70"), &accepting("image/png"), false).is_ok());
    }

    #[test]
    fn modality_values_take_no_window() {
        for query in [
            "preset=lung",
            "window=400&level=40",
            "function=sigmoid",
            "invert=true",
            "overlays=true",
            "iccprofile=srgb",
        ] {
            for format in ["png16", "raw16"] {
                let asked = parse(Some(&format!("format={format}&{query}"))).expect(query);
                assert!(choose(&asked, &HeaderMap::new(), false).is_err(), "{format} {query}");
            }
        }
        for format in ["format=png16", "format=raw16"] {
            let asked = parse(Some(format)).expect("valid");
            assert!(!choose(&asked, &HeaderMap::new(), false).expect("chosen").request.overlays);
        }
    }

    #[test]
    fn an_accept_without_end_is_not_looked_at() {
        assert_eq!(negotiate(&accepting(&"image/png,".repeat(1000)), false), None);
    }

    /// The name of the picture that a query asks for.
    fn key(query: &str) -> RenderKey {
        let asked = parse(Some(query)).expect(query);
        let chosen = choose(&asked, &HeaderMap::new(), false).expect(query);
        RenderKey::new(&ContentDigest([7; 32]), &chosen.request)
    }

    /// Parameters that go together, one of each name.
    fn parameters() -> impl Strategy<Value = Vec<String>> {
        let view = prop_oneof![
            Just(vec![]),
            Just(vec!["preset=lung".to_owned()]),
            (1..4000_u32, -2000..2000_i32)
                .prop_map(|(width, center)| vec![format!("window={width}"), format!("level={center}")]),
        ];
        let others = [
            ("function", &["linear", "linear_exact", "sigmoid"][..]),
            ("frame", &["1", "2", "4294967295"]),
            ("width", &["1", "512"]),
            ("height", &["7", "8192"]),
            ("region", &["0,0,9,9", "1,2,3,4"]),
            ("invert", &["true", "false"]),
            ("overlays", &["true", "false"]),
            ("best_effort", &["true", "false"]),
            ("iccprofile", &["no", "yes", "srgb"]),
            ("format", &["png", "jpeg", "webp", "json"]),
        ];
        let others = others.map(|(name, values)| {
            prop::option::of(prop::sample::select(values).prop_map(move |value| format!("{name}={value}")))
        });
        (view, others.to_vec())
            .prop_map(|(view, others)| [view, others.into_iter().flatten().collect()].concat())
    }

    proptest! {
        #[test]
        fn parameters_in_any_order_ask_for_one_picture(
            (given, shuffled) in parameters().prop_flat_map(|given| (Just(given.clone()), Just(given).prop_shuffle()))
        ) {
            prop_assert_eq!(key(&given.join("&")), key(&shuffled.join("&")));
        }
    }

    #[test]
    fn equal_values_ask_for_one_picture_however_they_are_written() {
        let cases = [
            ("window=400&level=40", "window=400.0&level=4e1"),
            ("window=400&level=0", "window=%34%30%30&level=-0.0"),
            ("preset=lung", "window=1500&level=-600"),
            ("preset=default", ""),
            ("window=400&level=40", "window=400&level=40&function=linear"),
            ("width=256", "width=0256&enlarge=false"),
            ("region=0,0,9,9", "region=0%2C0%2C9%2C9"),
            ("", "frame=1&invert=false&overlays=true&best_effort=false&iccprofile=yes"),
            ("format=png", "format=json"),
            ("format=jpeg", "format=jpeg&quality=90"),
        ];
        for (one, other) in cases {
            assert_eq!(key(one), key(other), "{one} and {other}");
        }
        for (one, other) in [("window=400&level=40", "window=400&level=41"), ("", "iccprofile=srgb")] {
            assert_ne!(key(one), key(other), "{one} and {other}");
        }
    }
}
