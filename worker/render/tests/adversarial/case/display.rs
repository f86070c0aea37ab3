//! Attributes that decide how stored values are shown.

/// A number and the text that stands for it in the file; the text was made from the number, never read back.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Number {
    pub(crate) value: f64,
    pub(crate) text: String,
}

/// An attribute that may stand in functional groups and at the top level; the nearest counts (PS3.3 C.7.6.16).
#[derive(Clone, Debug)]
pub(crate) struct Setting<T> {
    pub(crate) top: Option<T>,
    pub(crate) shared: Option<T>,
    /// One for each frame, or none at all.
    pub(crate) per_frame: Vec<Option<T>>,
}

impl<T> Default for Setting<T> {
    fn default() -> Self {
        Self { top: None, shared: None, per_frame: Vec::new() }
    }
}

impl<T> Setting<T> {
    /// All that a frame has, nearest first.
    pub(crate) fn of_frame(&self, frame_number: u32) -> impl Iterator<Item = &T> {
        let own = self.per_frame.get(frame_number as usize - 1).and_then(Option::as_ref);
        own.into_iter().chain(&self.shared).chain(&self.top)
    }

    pub(crate) fn is_in_groups(&self) -> bool {
        self.shared.is_some() || !self.per_frame.is_empty()
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Display {
    pub(crate) rescale: Setting<Rescale>,
    pub(crate) modality_table: Option<Table>,
    pub(crate) windows: Setting<Windows>,
    pub(crate) voi_table: Setting<Table>,
    /// Presentation LUT Shape.
    pub(crate) shape: Option<&'static str>,
    pub(crate) padding: Option<Padding>,
    pub(crate) pixel_shape: Option<PixelShape>,
    /// Pixel Intensity Relationship of an X-ray angiogram or fluoroscopy.
    pub(crate) intensity: Option<(&'static str, &'static str)>,
    pub(crate) overlay: Option<Overlay>,
}

#[derive(Clone, Debug)]
pub(crate) struct Rescale {
    pub(crate) slope: Number,
    pub(crate) intercept: Number,
}

#[derive(Clone, Debug)]
pub(crate) struct Windows {
    pub(crate) windows: Vec<FileWindow>,
    /// VOI LUT Function; absent means LINEAR.
    pub(crate) function: Option<Function>,
}

#[derive(Clone, Debug)]
pub(crate) struct FileWindow {
    pub(crate) center: Number,
    pub(crate) width: Number,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    Linear,
    LinearExact,
    Sigmoid,
}

impl Function {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Linear => "LINEAR",
            Self::LinearExact => "LINEAR_EXACT",
            Self::Sigmoid => "SIGMOID",
        }
    }
}

/// A Modality or VOI LUT (PS3.3 C.11.1.1, C.11.2.1.1).
#[derive(Clone)]
pub(crate) struct Table {
    pub(crate) first: i64,
    pub(crate) entries: Vec<u16>,
    pub(crate) bits: u16,
    /// Entries of 8 bits, two in a word.
    pub(crate) packed: bool,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { first, bits, packed, .. } = self;
        write!(
            f,
            "Table {{ first: {first}, bits: {bits}, packed: {packed}, {} entries }}",
            self.entries.len()
        )
    }
}

/// Pixel Padding Value and Pixel Padding Range Limit (PS3.3 C.7.5.1.1.2).
#[derive(Clone, Debug)]
pub(crate) struct Padding {
    pub(crate) value: f64,
    pub(crate) limit: Option<f64>,
    /// Written with the VR of the other sign.
    pub(crate) other_vr: bool,
}

impl Padding {
    pub(crate) fn contains(&self, stored: f64) -> bool {
        let limit = self.limit.unwrap_or(self.value);
        (self.value.min(limit)..=self.value.max(limit)).contains(&stored)
    }
}

/// Height and width of a pixel, in any unit.
#[derive(Clone, Debug)]
pub(crate) struct PixelShape {
    pub(crate) attribute: ShapeAttribute,
    pub(crate) place: Place,
    pub(crate) vertical: Number,
    pub(crate) horizontal: Number,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ShapeAttribute {
    AspectRatio,
    PixelSpacing,
    ImagerPixelSpacing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Top,
    Shared,
    PerFrame,
}

/// One overlay of group 6000.
#[derive(Clone, Debug)]
pub(crate) struct Overlay {
    /// Row and column of its first pixel, counted from 1.
    pub(crate) origin: (i32, i32),
    pub(crate) rows: u32,
    pub(crate) columns: u32,
    pub(crate) place: OverlayPlace,
    /// Every so manieth pixel is set.
    pub(crate) every: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OverlayPlace {
    /// Overlay Data of its own.
    Plane,
    /// This bit of each pixel cell (retired).
    Bit(u16),
}

impl Overlay {
    pub(crate) fn is_set(&self, row: u32, column: u32) -> bool {
        (row * self.columns + column).is_multiple_of(self.every)
    }
}
