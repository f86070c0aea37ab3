//! `noctis render`: one frame of a file, without a server.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::ValueEnum;
use noctis_shared::{
    presets::Presets,
    program::{self, Failure},
    request::{Fit, FrameRequest, IccProfile, PictureFormat, SIDE_PIXELS_MAX, Voi, VoiFunction, Window},
};
use noctis_worker::slot::file::render_file;

use super::output;

/// What `noctis render` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A DICOM file.
    file: PathBuf,
    /// Where the picture goes; `-` is standard output. Its ending (png, jpg, jpeg, webp) says what the picture is.
    /// Default: the name of the file and the ending of the format.
    #[arg(short, value_name = "OUT")]
    output: Option<PathBuf>,
    /// Frame number, from 1.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    frame: u32,
    /// A preset by name, like lung.
    #[arg(long, conflicts_with = "window", value_parser = preset)]
    preset: Option<Window>,
    /// Center and width, and linear, `linear_exact` or sigmoid.
    #[arg(long, value_name = "C,W[,FUNCTION]", value_parser = window, allow_hyphen_values = true)]
    window: Option<Window>,
    /// The box the picture is fitted into.
    #[arg(long, value_name = "WxH", value_parser = fit)]
    fit: Option<Fit>,
    /// What the picture is; default what the ending of OUT says, else png.
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Quality of JPEG and of lossy WebP.
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=100))]
    quality: Option<u8>,
    /// Colour pictures: whether the ICC profile is embedded, or undone by a conversion to sRGB.
    #[arg(long, value_enum, default_value_t = Profile::Yes)]
    iccprofile: Profile,
    /// Leaves overlays out.
    #[arg(long)]
    no_overlays: bool,
    /// Swaps black and white.
    #[arg(long)]
    invert: bool,
    /// Shows a damaged frame as far as it goes.
    #[arg(long)]
    best_effort: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Png,
    Png16,
    Jpeg,
    Webp,
}

/// The endings of picture files, and what they stand for first.
const ENDINGS: [(&str, &[Format]); 4] = [
    ("png", &[Format::Png, Format::Png16]),
    ("jpg", &[Format::Jpeg]),
    ("jpeg", &[Format::Jpeg]),
    ("webp", &[Format::Webp]),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Profile {
    No,
    Yes,
    Srgb,
}

/// Quality of a JPEG without one, as the API has it.
const JPEG_QUALITY: u8 = 90;

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let format = arguments.format()?;
    arguments.refuse_what_does_not_go_together(format)?;
    let request = arguments.request(format);
    let render = render_file(&arguments.file, &request)
        .map_err(|reason| anyhow::anyhow!("{}: {reason}", arguments.file.display()))?;
    if render.facts.partial {
        program::say("the frame is damaged: this is what could be decoded");
    }
    let target = arguments.target(request.format);
    if target == Path::new("-") {
        output::bytes(&render.picture)?;
    } else if target.canonicalize().ok() == arguments.file.canonicalize().ok() {
        return Err(Failure::usage("-o", "the picture would take the place of the file"));
    } else {
        std::fs::write(&target, &render.picture).with_context(|| target.display().to_string())?;
    }
    Ok(())
}

impl Arguments {
    /// What the picture is: as asked, else as the ending of the output says. The two must not contradict each other,
    /// since viewers go by the ending.
    fn format(&self) -> Result<Format, Failure> {
        let Some(ending) = self.output.as_deref().and_then(ending) else {
            return Ok(self.format.unwrap_or(Format::Png));
        };
        let Some((_, formats)) = ENDINGS.iter().find(|(known, _)| *known == ending) else {
            let known = ENDINGS.map(|(known, _)| known).join(", ");
            return Err(Failure::usage("-o", &format!("the ending {ending:?} is not one of {known}")));
        };
        let format = self.format.unwrap_or(formats[0]);
        if formats.contains(&format) {
            return Ok(format);
        }
        Err(Failure::usage("--format", &format!("is not what the ending {ending:?} of -o stands for")))
    }

    fn refuse_what_does_not_go_together(&self, format: Format) -> Result<(), Failure> {
        let lossless = matches!(format, Format::Png | Format::Png16);
        if lossless && self.quality.is_some() {
            return Err(Failure::usage("--quality", "a PNG has none: it takes --format jpeg or webp"));
        }
        let display =
            self.preset.is_some() || self.window.is_some() || self.invert || self.iccprofile == Profile::Srgb;
        if display && format == Format::Png16 {
            return Err(Failure::usage(
                "--format",
                "png16 shows modality values: it takes no preset, window, invert or iccprofile srgb",
            ));
        }
        Ok(())
    }

    fn request(&self, format: Format) -> FrameRequest {
        let window = self.preset.or(self.window);
        FrameRequest {
            frame_number: self.frame,
            voi: window.map_or(Voi::FromFile, Voi::Window),
            invert: self.invert,
            overlays: !self.no_overlays,
            fit: self.fit.unwrap_or_default(),
            icc_profile: match self.iccprofile {
                Profile::No => IccProfile::No,
                Profile::Yes => IccProfile::Yes,
                Profile::Srgb => IccProfile::Srgb,
            },
            best_effort: self.best_effort,
            ..FrameRequest::new(match format {
                Format::Png => PictureFormat::Png,
                Format::Png16 => PictureFormat::Png16,
                Format::Jpeg => PictureFormat::Jpeg { quality: self.quality.unwrap_or(JPEG_QUALITY) },
                Format::Webp => PictureFormat::Webp { quality: self.quality },
            })
        }
    }

    fn target(&self, format: PictureFormat) -> PathBuf {
        self.output.clone().unwrap_or_else(|| {
            let ending = format.media_type().trim_start_matches("image/");
            // Appended, not replaced: what stands behind the last dot of a UID is no ending.
            let mut name = self.file.clone().into_os_string();
            name.push(format!(".{ending}"));
            name.into()
        })
    }
}

/// The ending of a file name, in lower case; `None` without one. Digits behind the last dot are the end of a UID.
fn ending(path: &Path) -> Option<String> {
    let ending = path.extension()?.to_string_lossy().to_lowercase();
    (!ending.bytes().all(|byte| byte.is_ascii_digit())).then_some(ending)
}

fn preset(name: &str) -> Result<Window, String> {
    let presets = Presets::default();
    let found = presets.find(name).and_then(|preset| preset.to_window(VoiFunction::Linear));
    found.ok_or_else(|| {
        let names: Vec<&str> = presets.list().iter().map(|preset| preset.name).collect();
        format!("not one of {}", names.join(", "))
    })
}

fn window(text: &str) -> Result<Window, String> {
    let mut parts = text.split(',').map(str::trim);
    let mut number = || parts.next().and_then(|part| part.parse::<f64>().ok());
    let (center, width) = number().zip(number()).ok_or("takes a center and a width, like -600,1500")?;
    let function = match parts.next() {
        None | Some("linear") => VoiFunction::Linear,
        Some("linear_exact") => VoiFunction::LinearExact,
        Some("sigmoid") => VoiFunction::Sigmoid,
        Some(other) => return Err(format!("function {other:?} is not one of linear, linear_exact, sigmoid")),
    };
    if parts.next().is_some() {
        return Err("takes a center, a width and a function, no more".to_owned());
    }
    Window::new(center, width, function).map_err(|error| error.to_string())
}

fn fit(text: &str) -> Result<Fit, String> {
    let side = |side: &str| side.parse::<u32>().ok().filter(|side| (1..=SIDE_PIXELS_MAX).contains(side));
    let (width, height) = text
        .split_once('x')
        .and_then(|(width, height)| side(width).zip(side(height)))
        .ok_or_else(|| format!("takes a width and a height from 1 to {SIDE_PIXELS_MAX}, like 512x512"))?;
    Ok(Fit { width: Some(width), height: Some(height), enlarge: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_a_center_a_width_and_perhaps_a_function() {
        assert_eq!(window("-600,1500"), Ok(Window::new(-600.0, 1500.0, VoiFunction::Linear).expect("valid")));
        assert_eq!(
            window("40,0.5,sigmoid"),
            Ok(Window::new(40.0, 0.5, VoiFunction::Sigmoid).expect("valid"))
        );
        for wrong in ["", "40", "40,x", "40,0", "40,80,cubic", "40,80,linear,1"] {
            assert!(window(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn an_ending_is_what_stands_behind_the_last_dot_unless_that_is_of_a_uid() {
        let cases = [
            ("slice.PNG", Some("png")),
            ("out/1.2.840.jpg", Some("jpg")),
            ("picture", None),
            ("out.d/picture", None),
            ("1.2.840.10008", None),
            ("picture.", None),
            (".png", None),
            ("-", None),
        ];
        for (path, expected) in cases {
            assert_eq!(ending(Path::new(path)).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn a_fit_has_two_sides_that_are_there() {
        assert_eq!(fit("512x256").map(|fit| (fit.width, fit.height)), Ok((Some(512), Some(256))));
        assert!(fit("8192x8192").is_ok());
        for wrong in ["512", "0x5", "x", "5x8193"] {
            assert!(fit(wrong).is_err(), "{wrong:?}");
        }
    }
}
