//! Pictures that were rendered here, read again for what shows several in one. It is the one place of this program that reads a
//! picture, and only ones of ours.

use std::{io::Cursor, sync::LazyLock};

use tokio::sync::Semaphore;

use crate::problem::Problem;

/// What is put together of pictures at a time, so that memory and cores stay with those who ask for one.
static PUT_TOGETHER: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(2));

/// A picture as values, row by row.
pub(super) struct Pixels {
    pub(super) width: u32,
    pub(super) height: u32,
    /// A pixel: 1 for grey, 3 for colours.
    pub(super) samples: usize,
    pub(super) values: Vec<u8>,
}

/// Why a picture of ours was not read.
#[derive(Debug, thiserror::Error)]
pub(super) enum PixelsError {
    #[error("a picture does not read: {0}")]
    Read(#[from] png::DecodingError),
    #[error("a picture is neither grey nor in colours")]
    Samples,
    #[error("a picture is too large to be read")]
    Size,
}

impl Pixels {
    pub(super) fn read(png: &[u8]) -> Result<Self, PixelsError> {
        let mut decoder = png::Decoder::new(Cursor::new(png));
        decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::STRIP_16);
        let mut reader = decoder.read_info()?;
        let mut values = vec![0; reader.output_buffer_size().ok_or(PixelsError::Size)?];
        let info = reader.next_frame(&mut values)?;
        values.truncate(info.buffer_size());
        let samples = info.color_type.samples();
        // Nothing of ours is transparent.
        if samples != 1 && samples != 3 {
            return Err(PixelsError::Samples);
        }
        Ok(Self { width: info.width, height: info.height, samples, values })
    }
}

/// Does `make` in its turn, off the threads that answer.
///
/// # Errors
/// A fault of ours, when it does not return.
pub(super) async fn put_together<T: Send + 'static>(
    make: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    // It is never closed.
    let permit = PUT_TOGETHER.acquire().await.map_err(|error| Problem::internal(&error))?;
    let made = tokio::task::spawn_blocking(move || {
        // Until it is done, whoever waits for it.
        let _permit = permit;
        make()
    });
    made.await.map_err(|error| Problem::internal(&error))
}
