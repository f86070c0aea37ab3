//! What the attributes of the Image Pixel module say about the samples (PS3.3 C.7.6.3).

use dicom_core::Tag;
use dicom_dictionary_std::tags;

use super::parse::element::Vr;
use super::parse::view::{Numbers, View};
use crate::{Limits, RenderError, limits};

pub(crate) const FLOAT_PIXEL_DATA: Tag = Tag(0x7FE0, 0x0008);
pub(crate) const DOUBLE_FLOAT_PIXEL_DATA: Tag = Tag(0x7FE0, 0x0009);

/// How a sample is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SampleKind {
    Integer,
    Float32,
    Float64,
}

/// What the samples of a pixel mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Photometric {
    Monochrome1,
    Monochrome2,
    Palette,
    Rgb,
    YbrFull,
    YbrFull422,
    /// Chrominance subsampled both ways; only in video and JPEG, never native.
    YbrPartial420,
    /// 16 to 235 levels; retired.
    YbrPartial422,
    /// As `YbrPartial422` with chrominance for each pixel; no file says so, but some hold it.
    YbrPartial,
    YbrIct,
    YbrRct,
    Xyb,
}

impl Photometric {
    pub(crate) fn is_monochrome(self) -> bool {
        matches!(self, Self::Monochrome1 | Self::Monochrome2)
    }

    fn samples(self) -> u16 {
        if self.is_monochrome() || self == Self::Palette { 1 } else { 3 }
    }

    /// Its Defined Term (PS3.3 C.7.6.3.1.2); `None` of what no file says.
    pub(crate) fn term(self) -> Option<&'static str> {
        Some(match self {
            Self::Monochrome1 => "MONOCHROME1",
            Self::Monochrome2 => "MONOCHROME2",
            Self::Palette => "PALETTE COLOR",
            Self::Rgb => "RGB",
            Self::YbrFull => "YBR_FULL",
            Self::YbrFull422 => "YBR_FULL_422",
            Self::YbrPartial422 => "YBR_PARTIAL_422",
            Self::YbrPartial420 => "YBR_PARTIAL_420",
            Self::YbrIct => "YBR_ICT",
            Self::YbrRct => "YBR_RCT",
            Self::Xyb => "XYB",
            Self::YbrPartial => return None,
        })
    }

    fn read(text: &str) -> Option<Self> {
        Some(match text {
            "MONOCHROME1" => Self::Monochrome1,
            "MONOCHROME2" => Self::Monochrome2,
            "PALETTE COLOR" => Self::Palette,
            "RGB" => Self::Rgb,
            "YBR_FULL" => Self::YbrFull,
            "YBR_FULL_422" => Self::YbrFull422,
            "YBR_PARTIAL_422" => Self::YbrPartial422,
            "YBR_PARTIAL_420" => Self::YbrPartial420,
            "YBR_ICT" => Self::YbrIct,
            "YBR_RCT" => Self::YbrRct,
            "XYB" => Self::Xyb,
            _ => return None,
        })
    }
}

/// Shape and coding of the samples of every frame.
#[derive(Clone, Debug)]
pub(crate) struct PixelFormat {
    pub(crate) rows: u32,
    pub(crate) columns: u32,
    pub(crate) frame_count: u32,
    pub(crate) samples_per_pixel: u16,
    /// `None`: the file names one that this renderer does not know.
    pub(crate) photometric: Option<Photometric>,
    pub(crate) planar: bool,
    pub(crate) kind: SampleKind,
    pub(crate) bits_allocated: u16,
    pub(crate) bits_stored: u16,
    pub(crate) high_bit: u16,
    pub(crate) signed: bool,
    /// The value of Number of Frames is impossible.
    frame_count_is_bad: bool,
}

impl PixelFormat {
    /// Reads the attributes; what is missing is taken from what the others imply.
    pub(crate) fn read(view: &View<'_>, pixel_tag: Tag) -> Self {
        let kind = match pixel_tag {
            FLOAT_PIXEL_DATA => SampleKind::Float32,
            DOUBLE_FLOAT_PIXEL_DATA => SampleKind::Float64,
            _ => SampleKind::Integer,
        };
        let named = view.text(tags::PHOTOMETRIC_INTERPRETATION);
        let photometric = match (named, view.u16(tags::SAMPLES_PER_PIXEL)) {
            (Some(name), _) => Photometric::read(name),
            (None, Some(3)) => Some(Photometric::Rgb),
            (None, _) => Some(Photometric::Monochrome2),
        };
        let samples_per_pixel =
            view.u16(tags::SAMPLES_PER_PIXEL).unwrap_or_else(|| photometric.map_or(1, Photometric::samples));
        let bits_allocated = view.u16(tags::BITS_ALLOCATED).unwrap_or(match kind {
            SampleKind::Integer => 0,
            SampleKind::Float32 => 32,
            SampleKind::Float64 => 64,
        });
        let bits_stored = view.u16(tags::BITS_STORED).filter(|&bits| bits > 0).unwrap_or(bits_allocated);
        let high_bit = view.u16(tags::HIGH_BIT).unwrap_or(bits_stored.saturating_sub(1));
        let frames = view.number(tags::NUMBER_OF_FRAMES, Numbers::Text).unwrap_or(1.0).max(1.0);
        Self {
            rows: view.u16(tags::ROWS).unwrap_or(0).into(),
            columns: view.u16(tags::COLUMNS).unwrap_or(0).into(),
            frame_count: if frames <= f64::from(u32::MAX) { frames as u32 } else { u32::MAX },
            frame_count_is_bad: frames > f64::from(u32::MAX) || frames.fract() != 0.0,
            samples_per_pixel,
            photometric,
            planar: view.u16(tags::PLANAR_CONFIGURATION) == Some(1),
            kind,
            bits_allocated,
            bits_stored,
            high_bit,
            // Colours have no negative samples (PS3.3 C.7.6.3.1.2), whatever Pixel Representation says.
            signed: samples_per_pixel == 1 && is_signed(view),
        }
    }

    /// The format of native pixel data of `byte_count` bytes in all. Shared chrominance takes two samples a pixel
    /// (PS3.3 C.7.6.3.1.2): where three lie there, the label is wrong, and each pixel has its own.
    pub(crate) fn of_native_length(self, byte_count: u64) -> Self {
        let frame_count = u64::from(self.frame_count.max(1));
        self.of_native_frame_length(byte_count / frame_count)
    }

    /// As [`Self::of_native_length`], by the bytes of one frame.
    pub(crate) fn of_native_frame_length(self, byte_count: u64) -> Self {
        let whole = self.clone().with_whole_chrominance();
        // Twice the shared length and more is that of several frames.
        let lengths = whole.frame_bit_count().div_ceil(8)..self.frame_bit_count().div_ceil(8) * 2;
        if lengths.contains(&byte_count) { whole } else { self }
    }

    /// The format with chrominance for each pixel, whatever is shared by its label.
    pub(crate) fn with_whole_chrominance(mut self) -> Self {
        self.photometric = match self.photometric {
            Some(Photometric::YbrFull422) => Some(Photometric::YbrFull),
            Some(Photometric::YbrPartial422) => Some(Photometric::YbrPartial),
            other => other,
        };
        self
    }

    /// Samples of 16 bits, for tests of decoders.
    #[cfg(test)]
    pub(crate) fn plain(columns: u32, rows: u32, samples_per_pixel: u16) -> Self {
        Self {
            rows,
            columns,
            frame_count: 1,
            frame_count_is_bad: false,
            samples_per_pixel,
            photometric: Some(if samples_per_pixel == 1 {
                Photometric::Monochrome2
            } else {
                Photometric::YbrRct
            }),
            planar: false,
            kind: SampleKind::Integer,
            bits_allocated: 16,
            bits_stored: 16,
            high_bit: 15,
            signed: false,
        }
    }

    /// # Errors
    /// [`RenderError::Corrupt`] for values that contradict each other, [`RenderError::Unsupported`] for sample
    /// sizes and photometric interpretations that are not known, [`RenderError::TooLarge`].
    pub(crate) fn check(&self, limits: &Limits) -> Result<(), RenderError> {
        if self.rows == 0 || self.columns == 0 {
            return Err(RenderError::corrupt("Rows or Columns is missing or 0"));
        }
        if self.frame_count_is_bad {
            return Err(RenderError::corrupt("Number of Frames is not a count"));
        }
        limits::check("number of rows", self.rows.into(), limits.rows_max.into())?;
        limits::check("number of columns", self.columns.into(), limits.columns_max.into())?;
        limits::check("number of frames", self.frame_count.into(), limits.frames_max.into())?;
        limits::check("pixels of a frame", self.pixel_count(), limits.pixels_max)?;
        self.check_samples()?;
        limits::check("bytes of a frame", self.frame_bit_count().div_ceil(8), limits.frame_bytes_max)
    }

    fn check_samples(&self) -> Result<(), RenderError> {
        let sizes: &[u16] = match self.kind {
            SampleKind::Integer => &[1, 8, 16, 32],
            SampleKind::Float32 => &[32],
            SampleKind::Float64 => &[64],
        };
        if !sizes.contains(&self.bits_allocated) {
            return Err(RenderError::unsupported(format!("Bits Allocated of {}", self.bits_allocated)));
        }
        if self.kind == SampleKind::Integer
            && (self.high_bit >= self.bits_allocated || self.bits_stored > self.high_bit + 1)
        {
            return Err(RenderError::corrupt("Bits Stored and High Bit do not fit in Bits Allocated"));
        }
        let photometric =
            self.photometric.ok_or_else(|| RenderError::unsupported("this Photometric Interpretation"))?;
        if self.samples_per_pixel != photometric.samples() {
            return Err(RenderError::corrupt("Samples per Pixel contradicts the Photometric Interpretation"));
        }
        if self.bits_allocated == 1 && self.samples_per_pixel > 1 {
            return Err(RenderError::unsupported("colours of one bit a sample"));
        }
        Ok(())
    }

    /// Only after [`Self::check`], which has refused unknown ones.
    pub(crate) fn photometric(&self) -> Photometric {
        self.photometric.unwrap_or(Photometric::Monochrome2)
    }

    pub(crate) fn pixel_count(&self) -> u64 {
        u64::from(self.rows) * u64::from(self.columns)
    }

    pub(crate) fn sample_count(&self) -> u64 {
        self.pixel_count().saturating_mul(self.samples_per_pixel.into())
    }

    /// Bits of one native frame. Chrominance is shared by two pixels in 422.
    pub(crate) fn frame_bit_count(&self) -> u64 {
        let samples = if self.is_native_422() { self.pixel_count() * 2 } else { self.sample_count() };
        samples.saturating_mul(self.bits_allocated.into())
    }

    /// Whether a bit of a pixel cell is no part of the sample.
    pub(crate) fn is_spare_bit(&self, bit: u16) -> bool {
        bit > self.high_bit || bit + self.bits_stored <= self.high_bit
    }

    pub(crate) fn is_native_422(&self) -> bool {
        matches!(self.photometric, Some(Photometric::YbrFull422 | Photometric::YbrPartial422))
    }
}

/// Pixel Representation, or the representation that an attribute which shares its VR was written with.
fn is_signed(view: &View<'_>) -> bool {
    if let Some(representation) = view.u16(tags::PIXEL_REPRESENTATION) {
        return representation == 1;
    }
    [tags::SMALLEST_IMAGE_PIXEL_VALUE, tags::PIXEL_PADDING_VALUE]
        .into_iter()
        .any(|tag| view.vr(tag) == Some(Vr(*b"SS")))
}
