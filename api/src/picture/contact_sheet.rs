//! A sheet of small pictures: one sprite, and where each stands in it.
//!
//! The small pictures are those of lists, under the same keys; here they are put side by side.

use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use noctis_shared::{
    render::{Outcome, StoredRender},
    render_key::RenderKey,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;
use xxhash_rust::xxh3::Xxh3Default;

use super::{
    asked_format::AskedFormat,
    found,
    parameters::Asked,
    pixels::{self, Pixels, PixelsError},
    representation, unrenderable,
};
use crate::{
    api::Api,
    caller::Caller,
    problem::{Kind, Problem},
};

/// Pixels of a sheet: 1,024 cells of 128, as many as a series has slices. In colours they are 48 MiB.
pub(crate) const PIXELS_MAX: usize = 16 << 20;
/// Small pictures that are asked for at a time.
const AHEAD: usize = 4;

/// What a sheet is of.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    /// Its images, in display order.
    pub(crate) images: Vec<Uuid>,
    /// The longer side of each picture, in pixels: the sides of a cell.
    pub(crate) size: u32,
    /// Cells in a row.
    pub(crate) columns: u32,
}

impl Layout {
    fn rows(&self) -> u32 {
        u32::try_from(self.images.len()).unwrap_or(u32::MAX).div_ceil(self.columns)
    }

    /// Width and height of the sheet, in pixels.
    fn sides(&self) -> (u32, u32) {
        (self.columns * self.size, self.rows() * self.size)
    }
}

/// Where the pictures of a series stand in its contact sheet.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SheetIndex {
    /// Width of the sheet, in pixels.
    width: u32,
    /// Height of the sheet, in pixels.
    height: u32,
    /// Sides of a cell, in pixels.
    size: u32,
    /// Cells in a row.
    columns: u32,
    /// One an image, in display order, row by row.
    cells: Vec<Cell>,
}

/// One picture of a sheet.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Cell {
    /// The image.
    image_id: Uuid,
    /// Left edge of the picture in the sheet, in pixels.
    left: u32,
    /// Top edge.
    top: u32,
    /// Width of the picture; 0 where there is none.
    width: u32,
    /// Height of the picture.
    height: u32,
    /// Why there is no picture: the slug of a problem; `null` where there is one.
    problem: Option<&'static str>,
}

/// The small pictures of a sheet, as they are before they stand in it.
pub(crate) struct Sheet {
    layout: Layout,
    pictures: Vec<Small>,
}

/// A small picture, or why there is none.
enum Small {
    Picture { key: RenderKey, png: Bytes, rows: u32, columns: u32 },
    None(Kind),
}

impl Sheet {
    /// Has the small pictures of `layout` made that are not there.
    ///
    /// # Errors
    /// Whatever passes: a sheet is whole, but for images of which there is no picture.
    pub(crate) async fn of(api: &Arc<Api>, caller: &Caller, layout: Layout) -> Result<Self, Problem> {
        let size = layout.size;
        let small = stream::iter(layout.images.iter().copied())
            .map(|image_id| small(api, caller, image_id, size))
            .buffered(AHEAD);
        let pictures = small.try_collect().await?;
        Ok(Self { layout, pictures })
    }

    /// Names what it shows.
    pub(crate) fn tag(&self) -> u64 {
        let mut digest = Xxh3Default::new();
        digest.update(&self.layout.columns.to_le_bytes());
        for picture in &self.pictures {
            match picture {
                Small::Picture { key, .. } => digest.update(key.to_string().as_bytes()),
                Small::None(kind) => digest.update(kind.slug().as_bytes()),
            }
        }
        digest.digest()
    }

    /// Where each stands.
    pub(crate) fn index(&self) -> SheetIndex {
        let Layout { images, size, columns } = &self.layout;
        let (width, height) = self.layout.sides();
        let cells = images.iter().zip(&self.pictures).zip(0..).map(|((image_id, small), nth)| {
            let (left, top) = ((nth % columns) * size, (nth / columns) * size);
            match small {
                Small::Picture { rows, columns, .. } => Cell {
                    image_id: *image_id,
                    // In the middle of its cell.
                    left: left + (size - columns) / 2,
                    top: top + (size - rows) / 2,
                    width: *columns,
                    height: *rows,
                    problem: None,
                },
                Small::None(kind) => {
                    Cell { image_id: *image_id, left, top, width: 0, height: 0, problem: Some(kind.slug()) }
                }
            }
        });
        SheetIndex { width, height, size: *size, columns: *columns, cells: cells.collect() }
    }

    /// The sheet as a PNG, black where there is no picture.
    ///
    /// # Errors
    /// A fault of ours.
    pub(crate) async fn png(self) -> Result<Bytes, Problem> {
        let made = pixels::put_together(move || self.put_together()).await?;
        made.map_err(|error| Problem::internal(&error))
    }

    fn put_together(&self) -> Result<Bytes, SheetError> {
        let index = self.index();
        let mut grey = vec![0; index.width as usize * index.height as usize];
        let mut colours: Option<Vec<u8>> = None;
        for (cell, small) in index.cells.iter().zip(&self.pictures) {
            let Small::Picture { png, .. } = small else { continue };
            let picture = Pixels::read(png)?;
            if (picture.width, picture.height) != (cell.width, cell.height) {
                return Err(SheetError::Size);
            }
            if picture.samples == 3 && colours.is_none() {
                colours = Some(grey.iter().flat_map(|value| [*value; 3]).collect());
            }
            match &mut colours {
                Some(sheet) => picture.put_into(sheet, 3, index.width, cell),
                None => picture.put_into(&mut grey, 1, index.width, cell),
            }
        }
        match colours {
            Some(sheet) => written(&index, png::ColorType::Rgb, &sheet),
            None => written(&index, png::ColorType::Grayscale, &grey),
        }
    }
}

/// Why no sheet was made of pictures of ours.
#[derive(Debug, thiserror::Error)]
enum SheetError {
    #[error(transparent)]
    Read(#[from] PixelsError),
    #[error("a small picture is of another size than it was said to be")]
    Size,
    #[error("the sheet was not written: {0}")]
    Write(#[from] png::EncodingError),
}

impl Pixels {
    fn put_into(&self, sheet: &mut [u8], samples: usize, sheet_width: u32, cell: &Cell) {
        let row_bytes = self.width as usize * self.samples;
        for (row, values) in (cell.top as usize..).zip(self.values.chunks_exact(row_bytes)) {
            let start = (row * sheet_width as usize + cell.left as usize) * samples;
            let target = &mut sheet[start..start + self.width as usize * samples];
            if self.samples == samples {
                target.copy_from_slice(values);
            } else {
                for (pixel, value) in target.chunks_exact_mut(samples).zip(values) {
                    pixel.fill(*value);
                }
            }
        }
    }
}

fn written(index: &SheetIndex, colours: png::ColorType, sheet: &[u8]) -> Result<Bytes, SheetError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, index.width, index.height);
    encoder.set_color(colours);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(sheet)?;
    writer.finish()?;
    Ok(bytes.into())
}

async fn small(api: &Arc<Api>, caller: &Caller, image_id: Uuid, size: u32) -> Result<Small, Problem> {
    match small_once(api, caller, image_id, size).await {
        Err(problem) if problem.kind() == Kind::ImageReplaced => {
            api.images.forget_with(image_id, &api.cache).await;
            small_once(api, caller, image_id, size).await
        }
        small => small,
    }
}

async fn small_once(api: &Arc<Api>, caller: &Caller, image_id: Uuid, size: u32) -> Result<Small, Problem> {
    let image = api.visible_to(caller).image(image_id).await?;
    let asked = Asked::thumbnail(size);
    if let Err(problem) = unrenderable::check_frame(&image, asked.frame_number) {
        return Ok(Small::None(problem.kind()));
    }
    let request = representation::in_format(&asked, AskedFormat::Png)?.request;
    let key = RenderKey::new(&image.content_digest, &request);
    match found(api, &image, key, request, caller).await?.outcome {
        Outcome::Picture(StoredRender { facts, picture }) => {
            Ok(Small::Picture { key, png: picture, rows: facts.rows, columns: facts.columns })
        }
        Outcome::Failure(failure) if !failure.kind.passes() => {
            Ok(Small::None(unrenderable::problem(&failure).kind()))
        }
        Outcome::Failure(failure) => Err(unrenderable::problem(&failure)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png_of(colours: png::ColorType, width: u32, height: u32, values: &[u8]) -> Bytes {
        let index = SheetIndex { width, height, size: 0, columns: 0, cells: vec![] };
        written(&index, colours, values).expect("written")
    }

    fn sheet(pictures: Vec<Small>, columns: u32) -> Sheet {
        let images = (0..pictures.len()).map(|number| Uuid::from_u128(number as u128)).collect();
        Sheet { layout: Layout { images, size: 4, columns }, pictures }
    }

    fn grey(value: u8, width: u32, height: u32) -> Small {
        let values = vec![value; (width * height) as usize];
        let png = png_of(png::ColorType::Grayscale, width, height, &values);
        let key = "0123456789abcdef0123456789abcdef".parse().expect("32 digits");
        Small::Picture { key, png, rows: height, columns: width }
    }

    fn red(width: u32, height: u32) -> Small {
        let values: Vec<u8> = (0..width * height).flat_map(|_| [200, 0, 0]).collect();
        let png = png_of(png::ColorType::Rgb, width, height, &values);
        let key = "f123456789abcdef0123456789abcdef".parse().expect("32 digits");
        Small::Picture { key, png, rows: height, columns: width }
    }

    #[test]
    fn each_picture_stands_where_the_index_says_and_nowhere_else() {
        let sheet = sheet(vec![grey(7, 4, 2), Small::None(Kind::Unrenderable), grey(9, 2, 4)], 2);
        let index = sheet.index();
        assert_eq!((index.width, index.height), (8, 8));
        let pixels = Pixels::read(&sheet.put_together().expect("a sheet")).expect("a picture");
        assert_eq!((pixels.width, pixels.height, pixels.samples), (8, 8, 1));
        let mut expected = vec![0_u8; 64];
        for (cell, value) in index.cells.iter().zip([7, 0, 9]) {
            for row in cell.top..cell.top + cell.height {
                for column in cell.left..cell.left + cell.width {
                    expected[(row * 8 + column) as usize] = value;
                }
            }
        }
        assert_eq!(pixels.values, expected);
        assert_eq!(
            index.cells.iter().map(|cell| (cell.left, cell.top)).collect::<Vec<_>>(),
            [(0, 1), (4, 0), (1, 4)]
        );
        assert_eq!(index.cells[1].problem, Some("unrenderable"));
    }

    #[test]
    fn one_picture_in_colours_makes_a_sheet_in_colours_in_which_grey_stays_grey() {
        let sheet = sheet(vec![grey(7, 4, 4), red(4, 4), grey(9, 4, 4)], 3);
        let pixels = Pixels::read(&sheet.put_together().expect("a sheet")).expect("a picture");
        assert_eq!(pixels.samples, 3);
        let row: Vec<[u8; 3]> =
            pixels.values.chunks_exact(3).take(12).map(|it| [it[0], it[1], it[2]]).collect();
        assert_eq!(row, [[[7; 3]; 4], [[200, 0, 0]; 4], [[9; 3]; 4]].concat());
    }

    #[test]
    fn another_picture_and_another_order_are_another_sheet() {
        let tags = [
            sheet(vec![grey(7, 4, 4), red(4, 4)], 2).tag(),
            sheet(vec![red(4, 4), grey(7, 4, 4)], 2).tag(),
            sheet(vec![grey(7, 4, 4), red(4, 4)], 1).tag(),
            sheet(vec![grey(7, 4, 4), Small::None(Kind::Unrenderable)], 2).tag(),
        ];
        assert!(tags.iter().enumerate().all(|(nth, tag)| !tags[..nth].contains(tag)), "{tags:?}");
    }
}
