//! The headers of a study, a series or an instance, as DICOMweb hands them out (PS3.18 10.4.1.1.2): first which there are,
//! then some at a time.

use std::collections::HashMap;

use sqlx::QueryBuilder;
use uuid::Uuid;

use super::{Catalog, CatalogError, frame_index, images::content_digest, pool::on_reader, studies::count};
use crate::{job::FrameRange, render_key::ContentDigest};

/// Bytes of headers that are read at a time, unless one is longer.
const BYTES_PER_PORTION: u64 = 4 << 20;
/// Headers that are read at a time.
const HEADERS_PER_PORTION: usize = 250;

/// Whose headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeadersOf {
    /// Of all instances of the study with this id.
    Study(Uuid),
    /// Of all instances of the series with this own id.
    Series(Uuid),
    /// Of the instance with this own id.
    Instance(Uuid),
}

impl HeadersOf {
    /// Up to its parameter, and that.
    fn condition(self) -> (&'static str, Uuid) {
        match self {
            HeadersOf::Study(study_id) => ("series.study_id = ", study_id),
            HeadersOf::Series(own_id) => ("series.own_id = ", own_id),
            HeadersOf::Instance(own_id) => ("instances.own_id = ", own_id),
        }
    }
}

/// A header that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderPlace {
    /// Key of its row.
    pub key: Uuid,
    /// Digest of the file it was read from.
    pub content_digest: ContentDigest,
    /// How long it is.
    pub byte_count: u64,
}

/// A header, and the facts of its instance that are told beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct InstanceHeader {
    /// Study Instance UID (0020,000D).
    pub study_instance_uid: String,
    /// Series Instance UID (0020,000E).
    pub series_instance_uid: String,
    /// SOP Instance UID (0008,0018).
    pub sop_instance_uid: String,
    /// SOP Class UID (0008,0016).
    pub sop_class_uid: Option<String>,
    /// Modality (0008,0060) of its series.
    pub modality: Option<String>,
    /// Instance Number (0020,0013).
    pub instance_number: Option<i32>,
    /// Rows (0028,0010).
    pub rows: Option<u32>,
    /// Columns (0028,0011).
    pub columns: Option<u32>,
    /// Bits Allocated (0028,0100); 0 where the file does not say.
    pub bits_allocated: u32,
    /// Frames; 0 without pixel data.
    pub frame_count: u32,
    /// Transfer Syntax UID (0002,0010).
    pub transfer_syntax_uid: Option<String>,
    /// Where its first frame lies, if that is known.
    pub first_frame: Option<FrameRange>,
    /// The header as DICOM JSON (PS3.18 annex F).
    pub header_json: String,
}

#[derive(sqlx::FromRow)]
struct PlaceRow {
    key: Uuid,
    content_digest: Vec<u8>,
    byte_count: i64,
}

#[derive(sqlx::FromRow)]
struct HeaderRow {
    key: Uuid,
    study_instance_uid: String,
    series_instance_uid: String,
    sop_instance_uid: String,
    sop_class_uid: Option<String>,
    modality: Option<String>,
    instance_number: Option<i32>,
    pixel_rows: Option<i64>,
    pixel_columns: Option<i64>,
    bits_allocated: i64,
    frame_count: i64,
    transfer_syntax_uid: Option<String>,
    first_range: Vec<u8>,
    header_json: String,
}

impl From<HeaderRow> for InstanceHeader {
    fn from(row: HeaderRow) -> Self {
        Self {
            study_instance_uid: row.study_instance_uid,
            series_instance_uid: row.series_instance_uid,
            sop_instance_uid: row.sop_instance_uid,
            sop_class_uid: row.sop_class_uid,
            modality: row.modality,
            instance_number: row.instance_number,
            rows: row.pixel_rows.map(count),
            columns: row.pixel_columns.map(count),
            bits_allocated: count(row.bits_allocated),
            frame_count: count(row.frame_count),
            transfer_syntax_uid: row.transfer_syntax_uid,
            first_frame: frame_index::unpack(&row.first_range),
            header_json: row.header_json,
        }
    }
}

impl Catalog {
    /// Which headers there are, by number of series and instance, then UID; none of what is unknown. No header is read.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn header_places(&self, of: HeadersOf) -> Result<Vec<HeaderPlace>, CatalogError> {
        let (condition, id) = of.condition();
        let rows: Vec<PlaceRow> = on_reader!(&self.pool, Db, pool => {
            let mut query: QueryBuilder<Db> = QueryBuilder::new(
                "SELECT image_id AS key, content_digest, CAST(octet_length(header_json) AS BIGINT) AS byte_count \
                 FROM instances JOIN series ON series.series_id = instances.series_id WHERE ",
            );
            query.push(condition).push_bind(id).push(
                " ORDER BY series_number IS NULL, series_number, series_instance_uid, instance_number IS NULL, \
                 instance_number, sop_instance_uid, image_id",
            );
            query.build_query_as().fetch_all(pool).await?
        });
        let place = |row: PlaceRow| {
            let (content_digest, byte_count) =
                (content_digest(row.content_digest)?, row.byte_count.cast_unsigned());
            Ok(HeaderPlace { key: row.key, content_digest, byte_count })
        };
        rows.into_iter().map(place).collect()
    }

    /// The transfer syntaxes of these instances, each once, in no order; '' of those that say none.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn transfer_syntaxes(&self, of: HeadersOf) -> Result<Vec<String>, CatalogError> {
        let (condition, id) = of.condition();
        on_reader!(&self.pool, Db, pool => {
            let mut query: QueryBuilder<Db> = QueryBuilder::new(
                "SELECT DISTINCT transfer_syntax_uid FROM instances \
                 JOIN series ON series.series_id = instances.series_id WHERE ",
            );
            query.push(condition).push_bind(id);
            Ok(query.build_query_scalar().fetch_all(pool).await?)
        })
    }

    /// The headers at these places, in their order; those that went meanwhile are left out. Give it a portion
    /// ([`portion`]).
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn headers(&self, places: &[HeaderPlace]) -> Result<Vec<InstanceHeader>, CatalogError> {
        if places.is_empty() {
            return Ok(Vec::new());
        }
        let rows: Vec<HeaderRow> = on_reader!(&self.pool, Db, pool => {
            let mut query: QueryBuilder<Db> = QueryBuilder::new(
                "SELECT image_id AS key, study_instance_uid, series_instance_uid, sop_instance_uid, sop_class_uid, \
                 modality, instance_number, pixel_rows, pixel_columns, bits_allocated, frame_count, \
                 NULLIF(transfer_syntax_uid, '') AS transfer_syntax_uid, substr(frame_ranges, 1, 24) AS first_range, \
                 header_json FROM instances JOIN series ON series.series_id = instances.series_id \
                 JOIN studies ON studies.study_id = series.study_id WHERE image_id IN (",
            );
            let mut list = query.separated(", ");
            for place in places {
                list.push_bind(place.key);
            }
            query.push(")");
            query.build_query_as().persistent(places.len() == HEADERS_PER_PORTION).fetch_all(pool).await?
        });
        let mut headers: HashMap<Uuid, InstanceHeader> =
            rows.into_iter().map(|row| (row.key, row.into())).collect();
        Ok(places.iter().filter_map(|place| headers.remove(&place.key)).collect())
    }
}

/// How many of these are read at a time, from the first on.
#[must_use]
pub fn portion(places: &[HeaderPlace]) -> usize {
    let mut bytes = 0;
    let fits = |place: &&HeaderPlace| {
        bytes += place.byte_count;
        bytes <= BYTES_PER_PORTION
    };
    let fitting = places.iter().take(HEADERS_PER_PORTION).take_while(fits).count();
    fitting.max(1).min(places.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_portion_holds_few_bytes_or_one_header() {
        let place =
            |byte_count| HeaderPlace { key: Uuid::nil(), content_digest: ContentDigest([0; 32]), byte_count };
        let of = |byte_counts: &[u64]| portion(&byte_counts.iter().map(|it| place(*it)).collect::<Vec<_>>());
        assert_eq!((of(&[]), of(&[1]), of(&[BYTES_PER_PORTION * 2, 1])), (0, 1, 1));
        assert_eq!(of(&[BYTES_PER_PORTION / 2; 5]), 2);
        assert_eq!(of(&[10; 1000]), HEADERS_PER_PORTION);
    }
}
