//! What the samples of a pixel mean.

/// Photometric Interpretation, and what it needs.
#[derive(Clone, Debug)]
pub(crate) enum Colours {
    Monochrome {
        /// MONOCHROME1.
        inverted: bool,
    },
    Palette(Palette),
    Rgb {
        planar: bool,
    },
    YbrFull {
        planar: bool,
    },
    /// Chrominance of two pixels together; the samples of a case are those of whole pixels, so that both have the same.
    YbrFull422 {
        /// Written with three samples for every pixel, against the standard.
        whole_pixels: bool,
    },
    /// Samples are red, green and blue; the codestream has transformed them.
    YbrRct,
    /// Samples are red, green and blue, coded by JPEG and named so in the attributes.
    Jpeg {
        photometric: &'static str,
        signed: bool,
    },
}

impl Colours {
    pub(crate) fn photometric(&self) -> &'static str {
        match self {
            Self::Monochrome { inverted: true } => "MONOCHROME1",
            Self::Monochrome { inverted: false } => "MONOCHROME2",
            Self::Palette(_) => "PALETTE COLOR",
            Self::Rgb { .. } => "RGB",
            Self::YbrFull { .. } => "YBR_FULL",
            Self::YbrFull422 { .. } => "YBR_FULL_422",
            Self::YbrRct => "YBR_RCT",
            Self::Jpeg { photometric, .. } => photometric,
        }
    }

    pub(crate) fn samples_per_pixel(&self) -> usize {
        if matches!(self, Self::Monochrome { .. } | Self::Palette(_)) { 1 } else { 3 }
    }

    pub(crate) fn planar(&self) -> bool {
        matches!(self, Self::Rgb { planar: true } | Self::YbrFull { planar: true })
    }
}

/// Three tables from one first index (PS3.3 C.7.6.3.1.5).
#[derive(Clone)]
pub(crate) struct Palette {
    pub(crate) first: i64,
    /// Bits of an entry by the descriptor, 8 or 16.
    pub(crate) bits: u16,
    pub(crate) form: PaletteForm,
}

#[derive(Clone)]
pub(crate) enum PaletteForm {
    /// One 16-bit word for each entry.
    Words([Vec<u16>; 3]),
    /// Two entries of 8 bits in a word.
    Packed([Vec<u16>; 3]),
    /// The descriptor says 8 bits, the entries have 16.
    WiderThanSaid([Vec<u16>; 3]),
    /// The descriptor says 16 bits, the entries have 8, packed.
    NarrowerThanSaid([Vec<u16>; 3]),
    /// PS3.3 C.7.9.2.
    Segmented([Vec<Segment>; 3]),
}

#[derive(Clone, Debug)]
pub(crate) enum Segment {
    Discrete(Vec<u16>),
    Linear {
        count: u16,
        to: u16,
    },
    /// The first `count` segments again.
    Indirect {
        count: u16,
    },
}

impl std::fmt::Debug for Palette {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (form, length) = match &self.form {
            PaletteForm::Words(channels) => ("words", channels[0].len()),
            PaletteForm::Packed(channels) => ("packed", channels[0].len()),
            PaletteForm::WiderThanSaid(channels) => ("wider than said", channels[0].len()),
            PaletteForm::NarrowerThanSaid(channels) => ("narrower than said", channels[0].len()),
            PaletteForm::Segmented(channels) => ("segments", channels[0].len()),
        };
        write!(f, "Palette {{ first: {}, bits: {}, {length} {form} }}", self.first, self.bits)
    }
}
