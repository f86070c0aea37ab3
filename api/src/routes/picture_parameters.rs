//! The parameters of a picture as the OpenAPI document tells of them. They are read elsewhere (`picture/parameters.rs`); a
//! test holds the names and the limits of both against each other.

use utoipa::{IntoParams, ToSchema};

/// What any picture takes, whichever frame it is of.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it is told of, not read")]
pub(super) struct ViewParameters {
    /// A window by name, of `/api/v1/dicom/presets`; `default` is the file's own.
    #[param(example = "lung")]
    preset: Option<String>,
    /// Width of the window, in modality units, with `level`.
    #[param(example = 1500.0)]
    window: Option<f64>,
    /// Center of the window, in modality units, with `window`.
    #[param(example = -600.0)]
    level: Option<f64>,
    /// The VOI LUT function between the ends of the window (PS3.3 C.11.2.1); default the file's, or `linear`.
    #[param(inline)]
    function: Option<Function>,
    /// Fit inside this width, in pixels.
    #[param(minimum = 1, maximum = 8192, example = 512)]
    width: Option<u32>,
    /// Fit inside this height, in pixels.
    #[param(minimum = 1, maximum = 8192)]
    height: Option<u32>,
    /// Whether a smaller picture grows to width and height; default false.
    enlarge: Option<bool>,
    /// Part of the frame: `left,top,width,height` in its pixels.
    #[param(pattern = "^[0-9]{1,5},[0-9]{1,5},[1-9][0-9]{0,4},[1-9][0-9]{0,4}$", example = "0,0,256,256")]
    region: Option<String>,
    /// Whether black and white are swapped; default false.
    invert: Option<bool>,
    /// Whether overlays are shown; default true.
    overlays: Option<bool>,
    /// Of lossy formats; default 90 for JPEG, lossless for WebP.
    #[param(minimum = 1, maximum = 100)]
    quality: Option<u8>,
    /// Of colour pictures: `yes` (the default) embeds the ICC profile of the file, `no` leaves it out, `srgb` converts to
    /// sRGB, or answers 422 where the profile cannot be used (PS3.18 8.3.5.1.5).
    #[param(inline)]
    iccprofile: Option<Profile>,
    /// Whether a damaged picture is shown as far as it goes; default false.
    best_effort: Option<bool>,
}

/// What one picture takes beside.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it is told of, not read")]
pub(super) struct FrameParameters {
    /// Frame number, from 1; default 1.
    #[param(minimum = 1, example = 1)]
    frame: Option<u32>,
    /// The format; overrides `Accept`.
    #[param(inline)]
    format: Option<Format>,
}

/// What each of many pictures is sent as.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it is told of, not read")]
pub(super) struct PictureFormatParameter {
    /// The format of each picture, default `png`; `png16` for modality values, `raw16` for the same in no file.
    #[param(inline)]
    format: Option<PartFormat>,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "it is told of, not read")]
enum PartFormat {
    Png,
    Png16,
    Raw16,
    Jpeg,
    Webp,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "it is told of, not read")]
enum Function {
    Linear,
    LinearExact,
    Sigmoid,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "it is told of, not read")]
enum Format {
    Png,
    Png16,
    Raw16,
    Jpeg,
    Webp,
    Json,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "it is told of, not read")]
enum Profile {
    Yes,
    No,
    Srgb,
}
