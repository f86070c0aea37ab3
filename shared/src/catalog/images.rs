//! Instances: lists in display order, single ones with all a render needs, headers, ranges of frames.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    Catalog, CatalogError, OrderFacts, Plane,
    display_order::{self, DisplayPlace},
    fact_columns::{series_columns, study_columns},
    frame_index, other_facts,
    pool::{on_held, on_reader},
    studies::{count, shown_series_id},
};
use crate::{
    answer::Image,
    derived_uid::{Level, is_derived},
    facts::{SeriesFacts, StudyFacts},
    image_facts::ImageFacts,
    job::{FrameRange, FrameSource, WholeFile},
    render::Outcome,
    render_key::{ContentDigest, RenderKey},
};

/// Frames whose places come along with their instance. Those of longer ones are looked up one by one.
const FIRST_FRAMES: i32 = 4;

/// An instance with all that a render and its answer take.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImageRecord {
    /// The instance as lists show it.
    pub image: Image,
    /// Key of its row, by which renders, jobs and caches go: the public id, unless its UID is shared.
    pub key: Uuid,
    /// Public id of its study.
    pub study_id: Uuid,
    /// Ids that name it and its series alone.
    #[serde(default)]
    pub own: OwnIds,
    /// URL of the file.
    pub location: String,
    /// BLAKE3 of the whole file when it was indexed.
    pub content_digest: ContentDigest,
    /// Bytes of the whole file when it was indexed.
    pub file_byte_count: u64,
    /// Bytes from the start of the (inflated) file up to the pixel data value.
    pub header_byte_count: u64,
    /// XXH3-64 of the header bytes when the file was indexed.
    pub header_checksum: u64,
    /// Whether the data set is deflated as a whole (PS3.5 A.5).
    pub deflated: bool,
    /// Samples of one frame, rows x columns x samples per pixel: how heavy a render is.
    pub render_cost: u64,
    /// What it belongs to, for answers.
    pub metadata: ImageMetadata,
    /// Where its first frames lie: all of them, for most instances.
    #[serde(default)]
    pub first_frames: Vec<FrameRange>,
}

/// Public ids that name one thing each, whatever else comes. Nil where an earlier release kept what is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnIds {
    /// Of the series.
    pub series_id: Uuid,
    /// Of the instance.
    pub image_id: Uuid,
}

impl ImageRecord {
    /// Where a frame (1-based) lies, if that is known here.
    #[must_use]
    pub fn frame(&self, frame_number: u32) -> Option<FrameRange> {
        let frame_index = usize::try_from(frame_number.checked_sub(1)?).ok()?;
        self.first_frames.get(frame_index).copied()
    }

    /// Where the whole file lies, of an instance without pixel data ([`FrameSource::is_whole_file`]).
    #[must_use]
    pub fn range_without_pixels(&self) -> Option<FrameRange> {
        let is_without_pixels = self.image.frame_count == 0 && self.header_byte_count == 0;
        is_without_pixels.then_some(FrameRange { offset: 0, byte_count: self.file_byte_count, checksum: 0 })
    }

    /// Where a frame that lies in `frame` is to be read.
    #[must_use]
    pub fn source(&self, frame: FrameRange) -> FrameSource {
        FrameSource {
            location: self.location.clone(),
            content_digest: self.content_digest,
            file_byte_count: self.file_byte_count,
            header_byte_count: self.header_byte_count,
            frame,
            deflated: self.deflated,
            header_checksum: self.header_checksum,
        }
    }

    /// Its file, to be read as a whole.
    #[must_use]
    pub fn whole_file(&self) -> WholeFile {
        WholeFile {
            location: self.location.clone(),
            content_digest: self.content_digest,
            byte_count: self.file_byte_count,
        }
    }
}

/// What [`Catalog::look_up_frame`] finds.
#[derive(Debug, Clone, PartialEq)]
pub struct FrameLookup {
    /// The render, should it be there.
    pub outcome: Option<Outcome>,
    /// The digest of the file in which the frame lies there. The caller knows the instance from an earlier look: by the
    /// digest it sees whether that was before the file was replaced, and a range of the new bytes must not be drawn
    /// under the name of the old.
    pub content_digest: ContentDigest,
    /// Where the frame lies; `None` for one past the end, and where the index could not tell.
    pub range: Option<FrameRange>,
}

/// What an image's JSON answer tells of its study and series.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::FromRow)]
pub struct ImageMetadata {
    /// Study Instance UID (0020,000D).
    pub study_instance_uid: String,
    /// Series Instance UID (0020,000E).
    pub series_instance_uid: String,
    /// What is told of the study; the file's own facts, where the study is another patient's.
    #[serde(flatten)]
    #[sqlx(flatten)]
    pub study: StudyFacts,
    /// What is told of the series.
    #[serde(flatten)]
    #[sqlx(flatten)]
    pub series: SeriesFacts,
}

/// The columns of [`ImageRow`], except `series_id`. An instance whose UID other rows have now is called by its own id.
macro_rules! image_columns {
    () => {
        "CASE WHEN instances.uid_id IS NULL THEN instances.image_id \
         WHEN EXISTS (SELECT 1 FROM instances AS other WHERE other.uid_id = instances.uid_id \
         AND other.image_id <> instances.image_id) THEN COALESCE(instances.own_id, instances.image_id) \
         ELSE instances.uid_id END AS image_id, \
         sop_instance_uid, sop_class_uid, instance_number, pixel_rows, pixel_columns, frame_count, \
         NULLIF(transfer_syntax_uid, '') AS transfer_syntax_uid, photometric_interpretation, window_center, \
         window_width, content_digest, other_patient, facts"
    };
}

#[derive(sqlx::FromRow)]
struct ImageRow {
    image_id: Uuid,
    sop_instance_uid: String,
    sop_class_uid: Option<String>,
    series_id: Uuid,
    instance_number: Option<i32>,
    pixel_rows: Option<i64>,
    pixel_columns: Option<i64>,
    frame_count: i64,
    transfer_syntax_uid: Option<String>,
    photometric_interpretation: Option<String>,
    window_center: Option<f64>,
    window_width: Option<f64>,
    content_digest: Vec<u8>,
    /// As JSON, both.
    other_patient: Option<String>,
    facts: Option<String>,
}

impl ImageRow {
    fn digest(&self) -> Result<ContentDigest, CatalogError> {
        content_digest(self.content_digest.clone())
    }

    /// The instance as a file of the study and the series with these UIDs.
    fn into_image(self, belongs_to: &UidsAbove) -> Result<Image, CatalogError> {
        let digest = self.digest()?;
        let uids = [
            (&belongs_to.study_instance_uid, Level::Study),
            (&belongs_to.series_instance_uid, Level::Series),
            (&self.sop_instance_uid, Level::Instance),
        ];
        let uids_derived = uids.iter().any(|(uid, level)| is_derived(uid, *level, &digest));
        let row = self;
        Ok(Image {
            image_id: row.image_id,
            sop_instance_uid: row.sop_instance_uid,
            sop_class_uid: row.sop_class_uid,
            series_id: row.series_id,
            instance_number: row.instance_number,
            rows: row.pixel_rows.map(count),
            columns: row.pixel_columns.map(count),
            frame_count: count(row.frame_count),
            transfer_syntax_uid: row.transfer_syntax_uid,
            photometric_interpretation: row.photometric_interpretation,
            window: row.window_width,
            level: row.window_center,
            uids_derived,
            facts: ImageFacts::from_json(row.facts.as_deref()),
            other_patient: row.other_patient.map(|json| other_facts::from_json(&json).patient),
        })
    }
}

/// An instance of a list, with what its place is told by.
#[derive(sqlx::FromRow)]
struct ListedRow {
    #[sqlx(flatten)]
    image: ImageRow,
    plane: Option<Vec<u8>>,
    temporal_position: Option<i32>,
    trigger_time: Option<f64>,
    acquisition_number: Option<i32>,
    slice_location: Option<f64>,
}

impl ListedRow {
    fn place(&self) -> DisplayPlace<'_> {
        DisplayPlace {
            facts: OrderFacts {
                plane: self.plane.as_deref().and_then(Plane::unpack),
                temporal_position: self.temporal_position,
                trigger_time: self.trigger_time,
                acquisition_number: self.acquisition_number,
                slice_location: self.slice_location,
            },
            instance_number: self.image.instance_number,
            sop_instance_uid: &self.image.sop_instance_uid,
        }
    }
}

/// UIDs of what an instance belongs to.
#[derive(sqlx::FromRow)]
struct UidsAbove {
    study_instance_uid: String,
    series_instance_uid: String,
}

#[derive(sqlx::FromRow)]
struct ImageRecordRow {
    #[sqlx(flatten)]
    image: ImageRow,
    key: Uuid,
    #[sqlx(flatten)]
    metadata: ImageMetadata,
    study_id: Uuid,
    series_own_id: Uuid,
    image_own_id: Uuid,
    location: String,
    file_byte_count: i64,
    header_byte_count: i64,
    header_checksum: i64,
    deflated: bool,
    samples_per_pixel: i64,
    first_ranges: Vec<u8>,
}

impl TryFrom<ImageRecordRow> for ImageRecord {
    type Error = CatalogError;

    fn try_from(row: ImageRecordRow) -> Result<Self, Self::Error> {
        let content_digest = row.image.digest()?;
        let belongs_to = UidsAbove {
            study_instance_uid: row.metadata.study_instance_uid.clone(),
            series_instance_uid: row.metadata.series_instance_uid.clone(),
        };
        let side = |side: Option<i64>| u64::from(count(side.unwrap_or_default()));
        let pixels = side(row.image.pixel_rows).saturating_mul(side(row.image.pixel_columns));
        let metadata = match row.image.other_patient.as_deref() {
            Some(json) => ImageMetadata { study: other_facts::from_json(json), ..row.metadata },
            None => row.metadata,
        };
        let image = row.image.into_image(&belongs_to)?;
        Ok(ImageRecord {
            key: row.key,
            study_id: row.study_id,
            own: OwnIds { series_id: row.series_own_id, image_id: row.image_own_id },
            location: row.location,
            content_digest,
            file_byte_count: row.file_byte_count.cast_unsigned(),
            header_byte_count: row.header_byte_count.cast_unsigned(),
            header_checksum: row.header_checksum.cast_unsigned(),
            deflated: row.deflated,
            render_cost: pixels.saturating_mul(side(Some(row.samples_per_pixel))),
            metadata,
            first_frames: frame_index::unpack_all(&row.first_ranges),
            image,
        })
    }
}

pub(super) fn content_digest(bytes: Vec<u8>) -> Result<ContentDigest, CatalogError> {
    let digest =
        bytes.try_into().map_err(|_| CatalogError::Failed("a content digest is not of 32 bytes".to_owned()));
    digest.map(ContentDigest)
}

impl Catalog {
    /// The instances of the series with this key, in display order; `None` when it is unknown.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn images_of_series(&self, series_id: Uuid) -> Result<Option<Vec<Image>>, CatalogError> {
        const SELECT: &str = concat!(
            "SELECT ",
            image_columns!(),
            ", (SELECT ",
            shown_series_id!(),
            " FROM series WHERE series_id = $1) AS series_id, \
             plane, temporal_position, trigger_time, acquisition_number, slice_location \
             FROM instances WHERE series_id = $1"
        );
        const SELECT_ABOVE: &str = "SELECT study_instance_uid, series_instance_uid \
             FROM series JOIN studies USING (study_id) WHERE series_id = $1";
        let (rows, above): (Vec<ListedRow>, Option<UidsAbove>) = on_reader!(&self.pool, Db, pool => {
            let rows = sqlx::query_as::<Db, _>(SELECT).bind(series_id).fetch_all(pool).await?;
            (rows, sqlx::query_as::<Db, _>(SELECT_ABOVE).bind(series_id).fetch_optional(pool).await?)
        });
        let (mut rows, Some(above)) = (rows, above) else { return Ok(None) };
        display_order::sort(&mut rows, ListedRow::place);
        // A series is there as long as it has an instance.
        if rows.is_empty() {
            return Ok(None);
        }
        rows.into_iter().map(|row| row.image.into_image(&above)).collect::<Result<_, _>>().map(Some)
    }

    /// The instance with this key; `None` when it is unknown.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn image(&self, image_id: Uuid) -> Result<Option<ImageRecord>, CatalogError> {
        const SELECT: &str = concat!(
            "SELECT ",
            image_columns!(),
            ", ",
            shown_series_id!(),
            " AS series_id, COALESCE(series.own_id, series.series_id) AS series_own_id, \
             COALESCE(instances.own_id, instances.image_id) AS image_own_id, instances.image_id AS key, location, file_byte_count, header_byte_count, header_checksum, deflated, \
             samples_per_pixel, substr(frame_ranges, 1, $2) AS first_ranges, study_id, study_instance_uid, \
             series_instance_uid, ",
            study_columns!(read),
            ", ",
            series_columns!(),
            " FROM instances JOIN series ON series.series_id = instances.series_id JOIN studies USING (study_id) \
             WHERE instances.image_id = $1",
        );
        let row: Option<ImageRecordRow> = on_held!(&self.pool, Db, pool => {
            sqlx::query_as::<Db, _>(SELECT)
                .bind(image_id)
                .bind(FIRST_FRAMES * frame_index::FRAME_BYTES)
                .fetch_optional(pool)
                .await?
        });
        row.map(ImageRecord::try_from).transpose()
    }

    /// What a render of a frame (1-based) of the instance with this key takes, in one look: the render itself under
    /// `key`, should it be there; else where the frame lies. `None` for an unknown instance. Reads the 24 bytes of that
    /// frame alone.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn look_up_frame(
        &self,
        image_id: Uuid,
        frame_number: u32,
        key: &RenderKey,
    ) -> Result<Option<FrameLookup>, CatalogError> {
        const SELECT: &str = "SELECT (SELECT record FROM renders WHERE render_key = $4), content_digest, \
             substr(frame_ranges, $2, $3) FROM instances WHERE image_id = $1";
        type Row = (Option<Vec<u8>>, Vec<u8>, Vec<u8>);
        let first_byte = frame_index::first_byte(frame_number);
        let row: Option<Row> = on_held!(&self.pool, Db, pool => {
            sqlx::query_as::<Db, _>(SELECT)
                .bind(image_id)
                .bind(first_byte.unwrap_or(1))
                .bind(first_byte.map_or(0, |_| frame_index::FRAME_BYTES))
                .bind(key.to_string())
                .fetch_optional(pool)
                .await?
        });
        let Some((record, digest, range)) = row else { return Ok(None) };
        Ok(Some(FrameLookup {
            outcome: record.and_then(|record| Outcome::from_record(record.into()).ok()),
            content_digest: content_digest(digest)?,
            range: frame_index::unpack(&range),
        }))
    }

    /// Where a frame (1-based) of the instance with this key lies; `None` for an unknown instance or frame, and where the
    /// index could not tell.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn frame_range(
        &self,
        image_id: Uuid,
        frame_number: u32,
    ) -> Result<Option<FrameRange>, CatalogError> {
        const SELECT: &str = "SELECT substr(frame_ranges, $2, $3) FROM instances WHERE image_id = $1";
        let Some(first_byte) = frame_index::first_byte(frame_number) else { return Ok(None) };
        let range: Option<Vec<u8>> = on_held!(&self.pool, Db, pool => {
            sqlx::query_scalar::<Db, _>(SELECT)
                .bind(image_id)
                .bind(first_byte)
                .bind(frame_index::FRAME_BYTES)
                .fetch_optional(pool)
                .await?
        });
        Ok(range.and_then(|range| frame_index::unpack(&range)))
    }

    /// Where these frames (1-based) of the instance with this key lie, up to the last that there is and the index could tell of.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn frame_ranges(
        &self,
        image_id: Uuid,
        frame_numbers: RangeInclusive<u32>,
    ) -> Result<Vec<FrameRange>, CatalogError> {
        const SELECT: &str = "SELECT substr(frame_ranges, $2, $3) FROM instances WHERE image_id = $1";
        let first_byte = frame_index::first_byte(*frame_numbers.start());
        let end_byte = frame_numbers.end().checked_add(1).and_then(frame_index::first_byte);
        let (Some(first_byte), Some(end_byte)) = (first_byte, end_byte) else { return Ok(Vec::new()) };
        let ranges: Option<Vec<u8>> = on_reader!(&self.pool, Db, pool => {
            sqlx::query_scalar::<Db, _>(SELECT)
                .bind(image_id)
                .bind(first_byte)
                .bind((end_byte - first_byte).max(0))
                .fetch_optional(pool)
                .await?
        });
        Ok(frame_index::unpack_all(&ranges.unwrap_or_default()))
    }

    /// The header of the instance with this key as DICOM JSON (PS3.18 annex F); `None` when it is unknown.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn header_json(&self, image_id: Uuid) -> Result<Option<String>, CatalogError> {
        on_reader!(&self.pool, Db, pool => {
            let select = sqlx::query_scalar::<Db, _>("SELECT header_json FROM instances WHERE image_id = $1");
            Ok(select.bind(image_id).fetch_optional(pool).await?)
        })
    }
}
