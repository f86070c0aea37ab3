//! The input of the `codec` target: four bytes that say how a frame is declared, then its codestream.

use crate::file::{DataSet, Shape};

/// Transfer syntaxes that hold codestreams, one for each decoder and each way it is called.
pub const SYNTAXES: [&str; 8] = [
    "1.2.840.10008.1.2.4.50",  // JPEG baseline
    "1.2.840.10008.1.2.4.70",  // JPEG lossless
    "1.2.840.10008.1.2.4.80",  // JPEG-LS
    "1.2.840.10008.1.2.4.90",  // JPEG 2000
    "1.2.840.10008.1.2.4.201", // HTJ2K
    "1.2.840.10008.1.2.4.110", // JPEG XL
    "1.2.840.10008.1.2.5",     // RLE
    "1.2.840.10008.1.2.8.1",   // deflated frames
];

/// How the attributes declare the frame. Every byte sequence means something.
pub struct Declared<'a> {
    pub syntax: &'static str,
    pub shape: Shape,
    pub best_effort: bool,
    /// A picture of at most 4 x 4 is asked, which lets decoders skip resolutions.
    pub small: bool,
    pub codestream: &'a [u8],
}

const COLOURS: [&str; 4] = ["RGB", "YBR_FULL", "YBR_ICT", "YBR_FULL_422"];

impl<'a> Declared<'a> {
    pub fn read(input: &'a [u8]) -> Option<Self> {
        let (&[codec, columns, rows, depth], codestream) = input.split_first_chunk::<4>()?;
        let (columns, rows) = (u16::from(columns) + 1, u16::from(rows) + 1);
        let (allocated, stored) = [(8, 8), (16, 12), (16, 16), (32, 32), (1, 1)][usize::from(depth & 7) % 5];
        let mut shape = Shape::grey(columns, rows, allocated, stored);
        shape.signed = depth & 8 != 0;
        if depth & 16 != 0 {
            shape.samples_per_pixel = 3;
            shape.photometric = COLOURS[usize::from(depth >> 5 & 3)];
        }
        Some(Self {
            syntax: SYNTAXES[usize::from(codec & 7)],
            shape,
            best_effort: codec & 8 != 0,
            small: codec & 16 != 0,
            codestream,
        })
    }

    /// A file of one frame of one fragment.
    pub fn file(&self) -> Vec<u8> {
        DataSet::image(self.shape).encapsulated(&[], &[self.codestream]).file(self.syntax)
    }
}
