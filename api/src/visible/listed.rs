//! Which images a series has, as they are told apart and drawn: kept as a list of numbers, so that who wants pictures of a whole
//! series does not read all that is known of each of them.

use bytes::{BufMut, Bytes, BytesMut};
use noctis_shared::{answer::Image, metadata_names};
use uuid::Uuid;

use super::{Permitted, Visible};
use crate::problem::Problem;
use noctis_shared::catalog::SeriesPlace;

/// Bytes of one in the list: id, frames and pixels.
const LISTED_BYTES: usize = 16 + 4 + 8;

/// An image of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Listed {
    /// The id under which it is listed.
    pub(crate) image_id: Uuid,
    /// Its frames; none without pixel data.
    pub(crate) frame_count: u32,
    /// Pixels of a frame.
    pub(crate) pixels: u64,
}

impl From<&Image> for Listed {
    fn from(image: &Image) -> Self {
        let pixels = u64::from(image.rows.unwrap_or(0)) * u64::from(image.columns.unwrap_or(0));
        Self { image_id: image.image_id, frame_count: image.frame_count, pixels }
    }
}

impl Visible<'_> {
    /// The images of a series, in display order.
    ///
    /// # Errors
    /// 404 for a series that is gone meanwhile; 503 when the catalog does not answer.
    pub(crate) async fn listed(&self, series: &Permitted<SeriesPlace>) -> Result<Vec<Listed>, Problem> {
        let name = metadata_names::pictures_of_series(series.own_id);
        if let Some(listed) = self.cache.metadata(&name).await.and_then(|kept| unpacked(&kept)) {
            return Ok(listed);
        }
        let listed: Vec<Listed> = self.images_of(series).await?.iter().map(Listed::from).collect();
        self.cache.put_metadata(&name, packed(&listed)).await;
        Ok(listed)
    }
}

fn packed(listed: &[Listed]) -> Bytes {
    let mut packed = BytesMut::with_capacity(listed.len() * LISTED_BYTES);
    for Listed { image_id, frame_count, pixels } in listed {
        packed.put_slice(image_id.as_bytes());
        packed.put_u32_le(*frame_count);
        packed.put_u64_le(*pixels);
    }
    packed.freeze()
}

/// `None` for what is no such list.
fn unpacked(packed: &[u8]) -> Option<Vec<Listed>> {
    let (listed, []) = packed.as_chunks::<LISTED_BYTES>() else { return None };
    let read = |bytes: &[u8; LISTED_BYTES]| {
        let (image_id, numbers) = bytes.split_first_chunk::<16>()?;
        let (frame_count, pixels) = numbers.split_first_chunk::<4>()?;
        Some(Listed {
            image_id: Uuid::from_bytes(*image_id),
            frame_count: u32::from_le_bytes(*frame_count),
            pixels: u64::from_le_bytes(pixels.try_into().ok()?),
        })
    };
    listed.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_reads_back_and_what_is_none_is_none() {
        let listed: Vec<Listed> = (0..3)
            .map(|number| Listed { image_id: Uuid::from_u128(number), frame_count: 7, pixels: 1 << 40 })
            .collect();
        let text = packed(&listed);
        assert_eq!(unpacked(&text), Some(listed));
        assert_eq!(unpacked(&text[1..]), None);
        assert_eq!(unpacked(b""), Some(Vec::new()));
    }
}
