//! One pixel through the stages of its picture, by the formulas that draw it, with the attribute that decided each.
//!
//! What must not be here: a formula of its own. A stage that the picture has and this has not is a lie.

use super::colour::to_8_bits;
use super::composer::Composer;
use crate::decode::DecodedFrame;
use crate::draw::Ink;
use crate::explanation::{Explanation, Step};
use crate::file::pixel_format::Photometric;
use crate::file::windows;
use crate::request::{FrameRequest, IccProfile, Voi};
use crate::samples::{Samples, each_type};
use crate::stages::grey::{BACKGROUND, Transfer};
use crate::stages::modality::{self, Modality};
use crate::stages::overlay;
use crate::stages::palette::Palette;
use crate::stages::voi::{VoiTransform, fixed_range};
use crate::stages::{icc, ybr};
use crate::{Header, RenderError, VoiFunction};

/// Explains one pixel of a frame, `column` and `row` counted from 0 in the frame as it is stored: what the request shows of
/// it in an 8-bit picture of the size of the frame.
///
/// # Errors
/// [`RenderError::InvalidRequest`] for a pixel outside of the frame, and for a frame that was decoded smaller;
/// [`RenderError::Unsupported`] under a presentation state; otherwise as [`super::compose_frame`].
pub fn explain_pixel(
    header: &Header,
    frame: &DecodedFrame,
    request: &FrameRequest,
    (column, row): (u32, u32),
) -> Result<Explanation, RenderError> {
    let composer = Composer::new(header, frame, request)?;
    if composer.stated.is_some() || request.segmentation.is_some() {
        return Err(RenderError::unsupported("explanations of what other files make of a picture"));
    }
    if frame.reduction > 0 {
        return Err(RenderError::invalid_request("frame", "was decoded smaller than it is stored"));
    }
    if column >= frame.columns || row >= frame.rows {
        let size = format!("the frame has {} columns and {} rows", frame.columns, frame.rows);
        return Err(RenderError::invalid_request(if column < frame.columns { "y" } else { "x" }, size));
    }
    let mut pixel = Pixel { composer: &composer, column, row, steps: Vec::new() };
    pixel.decoded(header);
    let stored = pixel.stored();
    let (modality_value, shown) = match frame.photometric.is_monochrome() {
        true => pixel.monochrome()?,
        false => (None, pixel.colour()?),
    };
    let shown = pixel.overlaid(shown)?;
    let steps = pixel.steps;
    let (frame_number, partial) = (frame.frame_number, frame.partial);
    Ok(Explanation { frame_number, column, row, stored, modality_value, shown, steps, partial })
}

/// A pixel on its way.
struct Pixel<'a> {
    composer: &'a Composer<'a>,
    column: u32,
    row: u32,
    steps: Vec<Step>,
}

impl Pixel<'_> {
    fn step(
        &mut self,
        stage: &'static str,
        source: impl Into<String>,
        clause: &'static str,
        (input, output): (&[f64], &[f64]),
    ) {
        let (input, output) = (input.to_vec(), output.to_vec());
        self.steps.push(Step { stage, source: source.into(), clause, input, output });
    }

    /// Its samples, as the frame has them.
    fn samples(&self) -> Samples {
        let frame = self.composer.frame;
        let count = frame.samples.len() / (frame.rows as usize * frame.columns as usize).max(1);
        let (column, row) = (self.column as usize, self.row as usize);
        frame.samples.crop(frame.columns as usize * count, column * count, count, row, 1)
    }

    #[expect(clippy::unnecessary_cast, reason = "one arm of the macro is already f64")]
    fn stored(&self) -> Vec<f64> {
        each_type!(self.samples(), values => values.iter().map(|&value| value as f64).collect())
    }

    fn decoded(&mut self, header: &Header) {
        let clause = if header.is_encapsulated() { "PS3.5 A.4" } else { "PS3.5 8.1" };
        let source = format!("Transfer Syntax UID (0002,0010) {}", header.transfer_syntax_uid());
        let stored = self.stored();
        self.step("decode", source, clause, (&[], &stored));
    }

    /// The modality value, and what is shown before overlays.
    fn monochrome(&mut self) -> Result<(Option<f64>, Vec<u8>), RenderError> {
        let stored = self.stored().first().copied().unwrap_or(f64::NAN);
        if let Some(palette) = self.composer.supplemental_palette().filter(|palette| palette.covers(stored)) {
            let colour = palette.colour(stored);
            let clause = "PS3.3 C.8.13.3.1.2";
            let source = "Red, Green and Blue Palette Color Lookup Table Data (0028,1201) to (0028,1203)";
            self.step("palette", source, clause, (&[stored], &colour.map(f64::from)));
            let colour = self.in_srgb(colour)?;
            return Ok((None, colour.to_vec()));
        }
        let transfer = self.composer.transfer();
        let shown = transfer.shown(stored);
        let is_nothing = stored.is_nan();
        if is_nothing || transfer.padding.as_ref().is_some_and(|padding| padding.contains(stored)) {
            let source = if is_nothing { "not a number" } else { "Pixel Padding Value (0028,0120)" };
            self.step("padding", source, "PS3.3 C.7.5.1.1.2", (&[stored], &[BACKGROUND.into()]));
            return Ok((None, vec![shown]));
        }
        let modality_value = self.by_modality(&transfer, stored);
        let display_value = self.by_voi(&transfer, modality_value);
        self.by_presentation(&transfer, display_value);
        if self.composer.supplemental_palette().is_some() {
            let colour = self.in_srgb([shown; 3])?;
            return Ok((Some(modality_value), colour.to_vec()));
        }
        Ok((Some(modality_value), vec![shown]))
    }

    fn by_modality(&mut self, transfer: &Transfer, stored: f64) -> f64 {
        let value = transfer.modality.value(stored);
        let (source, clause) = match &transfer.modality {
            Modality::Table(_) => ("Modality LUT Sequence (0028,3000)".to_owned(), "PS3.3 C.11.1.1"),
            Modality::Linear { .. } if modality::is_for_intensity(&self.composer.frame_view) => {
                let source =
                    "Pixel Intensity Relationship (0028,1040): a rescale would lead back to intensity";
                (source.to_owned(), "PS3.3 C.8.7.1.1.2")
            }
            Modality::Linear { slope, intercept } => {
                let source = format!(
                    "Rescale Slope (0028,1053) {slope} and Rescale Intercept (0028,1052) {intercept}"
                );
                (source, "PS3.3 C.11.1.1.2")
            }
        };
        self.step("modality", source, clause, (&[stored], &[value]));
        value
    }

    fn by_voi(&mut self, transfer: &Transfer, modality_value: f64) -> f64 {
        let value = transfer.voi.display_value(modality_value);
        let clause = match &transfer.voi {
            VoiTransform::Table(_) => "PS3.3 C.11.2.1.1",
            VoiTransform::Window(window) => match window.function() {
                VoiFunction::Linear => "PS3.3 C.11.2.1.2.1",
                VoiFunction::LinearExact => "PS3.3 C.11.2.1.3.2",
                VoiFunction::Sigmoid => "PS3.3 C.11.2.1.3.1",
            },
        };
        let mut source = self.voi_source(transfer).to_owned();
        if let VoiTransform::Window(window) = &transfer.voi {
            source = format!("{source}: center {}, width {}", window.center(), window.width());
        }
        if matches!(self.composer.request.voi, Voi::FromFileWith(_)) {
            source.push_str(", under the function of the request");
        }
        self.step("voi", source, clause, (&[modality_value], &[value]));
        value
    }

    /// As [`VoiTransform::named`] and the range after it decide.
    fn voi_source(&self, transfer: &Transfer) -> &'static str {
        let composer = self.composer;
        match &transfer.voi {
            _ if matches!(composer.request.voi, Voi::Window(_)) => "the request",
            VoiTransform::Table(_) => "VOI LUT Sequence (0028,3010)",
            _ if !windows::of_frame(&composer.frame_view).is_empty() => {
                "Window Center (0028,1050) and Window Width (0028,1051)"
            }
            _ if fixed_range(composer.format, &transfer.modality, transfer.padding.as_ref()).is_some() => {
                "Bits Stored (0028,0101): the range of the bits"
            }
            _ => "none in the file: the range of the frame",
        }
    }

    fn by_presentation(&mut self, transfer: &Transfer, display_value: f64) {
        let shown = transfer.presentation.shown(display_value);
        let view = self.composer.frame_view.top();
        let (source, clause) = transfer.presentation.decided_by(view, self.composer.frame.photometric);
        let mut source = source.to_owned();
        if self.composer.request.invert {
            source.push_str(", and invert of the request");
        }
        self.step("presentation", source, clause, (&[display_value], &[shown.into()]));
    }

    /// Red, green, blue before overlays.
    fn colour(&mut self) -> Result<Vec<u8>, RenderError> {
        let composer = self.composer;
        let samples = self.samples();
        let stored = self.stored();
        let rgb = if composer.frame.photometric == Photometric::Palette {
            let palette = Palette::read(composer.frame_view.top(), samples.sign())
                .ok_or_else(|| RenderError::corrupt("the palette is missing or damaged"))?;
            let index = stored.first().copied().unwrap_or_default();
            let colour = palette.colour(index);
            let source = "Red, Green and Blue Palette Color Lookup Table Data (0028,1201) to (0028,1203)";
            self.step("palette", source, "PS3.3 C.7.6.3.1.5", (&[index], &colour.map(f64::from)));
            colour
        } else {
            let mut pixel = to_8_bits(&samples, composer.frame.depth)?;
            if composer.frame.depth != 8 {
                let source = format!("Bits Stored (0028,0101) {}", composer.frame.depth);
                self.step("eight_bits", source, "PS3.3 C.7.6.3.1.1", (&stored, &real(&pixel)));
            }
            let before = real(&pixel);
            ybr::to_rgb(&mut pixel, composer.frame.photometric);
            let source = format!(
                "Photometric Interpretation (0028,0004), decoded as {:?}",
                composer.frame.photometric
            );
            self.step("colour_space", source, "PS3.3 C.7.6.3.1.2", (&before, &real(&pixel)));
            <[u8; 3]>::try_from(pixel)
                .map_err(|_| RenderError::unsupported("colours of other than three samples"))?
        };
        let mut rgb = self.in_srgb(rgb)?;
        if composer.request.invert {
            let before = real(&rgb);
            rgb.iter_mut().for_each(|sample| *sample = 255 - *sample);
            self.step("presentation", "invert of the request", "PS3.18 8.3.5.1", (&before, &real(&rgb)));
        }
        Ok(rgb.to_vec())
    }

    /// The colour in sRGB, where that is asked for and the file says which other colours its samples are.
    fn in_srgb(&mut self, colour: [u8; 3]) -> Result<[u8; 3], RenderError> {
        let asked = self.composer.request.icc_profile;
        if !matches!(asked, IccProfile::Srgb | IccProfile::SrgbIfUsable) {
            return Ok(colour);
        }
        let mut converted = colour.to_vec();
        icc::apply(self.composer.frame_view.top(), asked, &mut converted)?;
        let converted = <[u8; 3]>::try_from(converted)
            .map_err(|_| RenderError::corrupt("the ICC profile cannot be used"))?;
        if converted != colour {
            self.step("icc", "ICC Profile (0028,2000)", "PS3.3 C.11.15", (&real(&colour), &real(&converted)));
        }
        Ok(converted)
    }

    fn overlaid(&mut self, mut shown: Vec<u8>) -> Result<Vec<u8>, RenderError> {
        let place = self.row as usize * self.composer.frame.columns as usize + self.column as usize;
        let mask = self.composer.overlay_mask().and_then(|mask| mask.get(place).copied()).unwrap_or(0);
        if mask > 0 {
            let before = real(&shown);
            let samples = shown.len();
            overlay::burn_in(&mut shown, samples, &[mask], Ink::WHITE);
            self.step("overlay", "Overlay Data (60xx,3000)", "PS3.3 C.9.2", (&before, &real(&shown)));
        }
        Ok(shown)
    }
}

fn real(samples: &[u8]) -> Vec<f64> {
    samples.iter().map(|&sample| sample.into()).collect()
}
