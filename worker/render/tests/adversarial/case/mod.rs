//! What a generated file shall say, apart from how it says it: true samples, attributes, and the form of the file.
//! The writer makes bytes of it, the oracle a picture; neither knows the other.

mod colours;
mod display;
mod file_form;

pub(crate) use colours::{Colours, Palette, PaletteForm, Segment};
pub(crate) use display::{
    Display, FileWindow, Function, Number, Overlay, OverlayPlace, Padding, PixelShape, Place, Rescale,
    Setting, ShapeAttribute, Table, Windows,
};
pub(crate) use file_form::{FileForm, Fragments, Interleave, LosslessJpeg, OffsetTable, Syntax};

/// One file and the frame of it that is looked at.
#[derive(Clone)]
pub(crate) struct Case {
    /// Decides everything that is not described: spare bits, where fragments are cut, bytes of private elements.
    pub(crate) seed: u64,
    pub(crate) rows: u32,
    pub(crate) columns: u32,
    pub(crate) cells: Cells,
    pub(crate) colours: Colours,
    /// Stored values of each frame, samples of a pixel together, rows from the top.
    pub(crate) frames: Vec<Vec<f64>>,
    /// Counted from 1.
    pub(crate) frame_number: u32,
    /// By how much a lossy codec may change a stored value.
    pub(crate) loss: f64,
    pub(crate) display: Display,
    pub(crate) form: FileForm,
}

/// How a sample lies in its cell (PS3.5 8.1.1).
#[derive(Clone, Debug)]
pub(crate) struct Cells {
    pub(crate) kind: CellKind,
    pub(crate) allocated: u16,
    pub(crate) stored: u16,
    pub(crate) high_bit: u16,
    pub(crate) signed: bool,
    pub(crate) spare: Spare,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CellKind {
    Integer,
    Float32,
    Float64,
}

/// What the bits of a cell hold that are not stored bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spare {
    Zeros,
    /// Above the sample its sign, below zeros.
    Sign,
    Junk,
}

impl Case {
    pub(crate) fn stored(&self) -> &[f64] {
        &self.frames[self.frame_number as usize - 1]
    }

    pub(crate) fn samples_per_pixel(&self) -> usize {
        self.colours.samples_per_pixel()
    }

    pub(crate) fn is_monochrome(&self) -> bool {
        matches!(self.colours, Colours::Monochrome { .. })
    }
}

impl Cells {
    /// Smallest and largest value that the stored bits can hold.
    pub(crate) fn limits(&self) -> (i64, i64) {
        if self.signed {
            (-(1 << (self.stored - 1)), (1 << (self.stored - 1)) - 1)
        } else {
            (0, (1 << self.stored) - 1)
        }
    }
}

/// All but the samples, which would fill pages.
impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let beginning = |frame: &Vec<f64>| frame[..frame.len().min(12)].to_vec();
        f.debug_struct("Case")
            .field("seed", &self.seed)
            .field("columns x rows", &(self.columns, self.rows))
            .field("cells", &self.cells)
            .field("colours", &self.colours)
            .field("frame", &(self.frame_number, self.frames.len()))
            .field("first samples", &beginning(&self.frames[self.frame_number as usize - 1]))
            .field("display", &self.display)
            .field("form", &self.form)
            .finish()
    }
}
