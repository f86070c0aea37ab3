//! What comes out: samples ready to be shown, and the file made of them.

use crate::Window;

/// A frame as it shall appear, not yet in a file format.
#[derive(Clone, Debug)]
pub struct DisplayImage {
    /// Rows of the picture.
    pub rows: u32,
    /// Columns of the picture.
    pub columns: u32,
    /// Rows x columns, row by row from the top left.
    pub samples: DisplaySamples,
    /// The window that was used; `None` for colour images and VOI LUTs.
    pub window: Option<Window>,
    /// Slope and offset that give back modality values from 16-bit samples.
    pub pixel_scale: Option<(f64, f64)>,
    /// ICC profile to embed: the samples are of the colours that it describes. `None`: of sRGB, or not said.
    pub icc_profile: Option<Vec<u8>>,
    /// The frame is damaged, and this is what could be decoded.
    pub partial: bool,
    /// What is asked that is not in the picture, in sentences without a word of the file.
    pub left_out: Vec<&'static str>,
}

/// Samples of a [`DisplayImage`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DisplaySamples {
    /// 0 black to 255 white.
    Grey8(Vec<u8>),
    /// Red, green, blue, interleaved.
    Rgb8(Vec<u8>),
    /// Modality values under [`DisplayImage::pixel_scale`].
    Grey16(Vec<u16>),
}

impl DisplaySamples {
    /// Those of 8 bits, and how many a pixel has; `None` of modality values.
    pub(crate) fn eight_bits(&mut self) -> Option<(&mut Vec<u8>, usize)> {
        match self {
            Self::Grey8(samples) => Some((samples, 1)),
            Self::Rgb8(samples) => Some((samples, 3)),
            Self::Grey16(_) => None,
        }
    }

    /// Samples of a picture of so many columns in a larger one, at a column and a row of it; zeros around them.
    pub(crate) fn placed(self, columns: u32, size: (u32, u32), place: (usize, usize)) -> Self {
        fn copied<T: Copy + Default>(
            samples: &[T],
            row_length: usize,
            (new_length, rows): (usize, usize),
            (left, top): (usize, usize),
        ) -> Vec<T> {
            let mut placed = vec![T::default(); new_length * rows];
            let new_rows = placed.chunks_exact_mut(new_length).skip(top);
            for (new_row, row) in new_rows.zip(samples.chunks_exact(row_length)) {
                new_row[left..left + row_length].copy_from_slice(row);
            }
            placed
        }
        let (columns, new_columns, rows) = (columns as usize, size.0 as usize, size.1 as usize);
        match self {
            Self::Grey8(samples) => Self::Grey8(copied(&samples, columns, (new_columns, rows), place)),
            Self::Grey16(samples) => Self::Grey16(copied(&samples, columns, (new_columns, rows), place)),
            Self::Rgb8(samples) => {
                let pixels = samples.as_chunks::<3>().0;
                Self::Rgb8(copied(pixels, columns, (new_columns, rows), place).into_flattened())
            }
        }
    }
}

/// A picture file.
#[derive(Clone, Debug)]
pub struct Picture {
    /// The whole file.
    pub bytes: Vec<u8>,
    /// `image/png`, `image/jpeg` or `image/webp`.
    pub media_type: &'static str,
    /// Rows of the picture.
    pub rows: u32,
    /// Columns of the picture.
    pub columns: u32,
    /// The window really used, also when it was the range of the frame; `None` for colour images and VOI LUTs.
    pub window: Option<Window>,
    /// For 16-bit pictures: modality value = slope x pixel + offset.
    pub pixel_scale: Option<(f64, f64)>,
    /// The frame is damaged, and this is what could be decoded.
    pub partial: bool,
    /// What is asked that is not in the picture, in sentences without a word of the file.
    pub left_out: Vec<&'static str>,
}
