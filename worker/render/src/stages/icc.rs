//! The ICC profile of the colours: judged, then embedded or undone (PS3.3 C.11.15, PS3.4 N.2.2.1).
//!
//! Only the header is judged before a profile is embedded. A conversion reads the rest too, through `moxcms`, by the
//! perceptual intent that PS3.3 C.11.15.1.1 recommends; profiles of matrix and curves have but one.

use std::panic::{AssertUnwindSafe, catch_unwind};

use dicom_dictionary_std::tags;
use moxcms::{CmsError, ColorProfile, Layout, RenderingIntent, TransformOptions};

use crate::file::parse::view::View;
use crate::request::IccProfile;
use crate::{RenderError, limits};

/// Header and number of tags (ICC.1 7.2, 7.3.1).
const BYTES_MIN: usize = 132;
/// Input devices, which is what PS3.3 asks for; and what is met in their place and converts the same way.
const CLASSES: [&[u8]; 3] = [b"scnr", b"mntr", b"spac"];

/// Does with the profile of the file what is asked: converts interleaved RGB, or gives the profile to embed.
///
/// # Errors
/// When sRGB is asked: [`RenderError::Corrupt`] for a damaged profile, [`RenderError::Unsupported`] for one of another
/// kind and for a named colour space without one, [`RenderError::TooLarge`].
pub(crate) fn apply(
    view: &View<'_>,
    asked: IccProfile,
    pixels: &mut Vec<u8>,
) -> Result<Option<Vec<u8>>, RenderError> {
    let profile = of_file(view);
    let converted = match asked {
        IccProfile::No => None,
        IccProfile::Yes => return Ok(profile.and_then(|bytes| checked(bytes).ok()).map(<[u8]>::to_vec)),
        IccProfile::Srgb => to_srgb(view, profile, pixels)?,
        IccProfile::SrgbIfUsable => to_srgb(view, profile, pixels).ok().flatten(),
    };
    if let Some(converted) = converted {
        *pixels = converted;
    }
    Ok(None)
}

/// At the top level, or of the first optical path.
fn of_file<'a>(view: &View<'a>) -> Option<&'a [u8]> {
    view.bytes(tags::ICC_PROFILE)
        .or_else(|| view.item(tags::OPTICAL_PATH_SEQUENCE, 0)?.bytes(tags::ICC_PROFILE))
}

/// The profile without padding, when its header is that of a profile from RGB to the connection space.
fn checked(bytes: &[u8]) -> Result<&[u8], RenderError> {
    limits::check("bytes of the ICC profile", bytes.len() as u64, limits::ICC_PROFILE_BYTES_MAX)?;
    let field = |at: usize| bytes.get(at..at + 4).unwrap_or_default();
    let length = field(0).iter().fold(0, |length, &byte| length << 8 | usize::from(byte));
    if field(36) != b"acsp" || length < BYTES_MIN {
        return Err(RenderError::corrupt("the ICC profile has no header"));
    }
    let profile = bytes.get(..length).ok_or_else(|| RenderError::corrupt("the ICC profile ends early"))?;
    let connects = [b"XYZ ", b"Lab "].iter().any(|space| field(20) == *space);
    if !CLASSES.contains(&field(12)) || field(16) != b"RGB " || !connects {
        return Err(RenderError::unsupported("an ICC profile that is not one of an RGB input device"));
    }
    Ok(profile)
}

/// The pixels in sRGB; `None` where the file says nothing else of them.
fn to_srgb(view: &View<'_>, profile: Option<&[u8]>, pixels: &[u8]) -> Result<Option<Vec<u8>>, RenderError> {
    let Some(profile) = profile else {
        let of_path = || view.item(tags::OPTICAL_PATH_SEQUENCE, 0)?.text(tags::COLOR_SPACE);
        return match view.text(tags::COLOR_SPACE).or_else(of_path) {
            None | Some("SRGB") => Ok(None),
            Some(_) => Err(RenderError::unsupported("a Color Space without its ICC profile")),
        };
    };
    let profile = checked(profile)?;
    // A profile that makes its reader panic is a damaged one; the panic goes no further.
    match catch_unwind(AssertUnwindSafe(|| converted(profile, pixels))) {
        Ok(Ok(converted)) => Ok(Some(converted)),
        Ok(Err(error)) => Err(RenderError::corrupt(format!("the ICC profile cannot be used: {error}"))),
        Err(_) => Err(RenderError::corrupt("the ICC profile cannot be used")),
    }
}

fn converted(profile: &[u8], pixels: &[u8]) -> Result<Vec<u8>, CmsError> {
    let options = TransformOptions { rendering_intent: RenderingIntent::Perceptual, ..Default::default() };
    let (source, srgb) = (ColorProfile::new_from_slice(profile)?, ColorProfile::new_srgb());
    let transform = source.create_transform_8bit(Layout::Rgb, &srgb, Layout::Rgb, options)?;
    let mut converted = vec![0; pixels.len()];
    transform.transform(pixels, &mut converted)?;
    Ok(converted)
}
