//! Instances: lists in display order, single ones with all a render needs, headers, ranges of frames.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    Catalog, CatalogError,
    display_order::{self, DisplayPlace},
    frame_index,
    pool::{on_reader, on_writer},
    studies::count,
};
use crate::{
    answer::Image,
    derived_uid::{Level, is_derived},
    job::FrameRange,
    render_key::ContentDigest,
};

/// An instance with all that a render and its answer take, except the range of the frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImageRecord {
    /// The instance as lists show it.
    pub image: Image,
    /// Public id of its study.
    pub study_id: Uuid,
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
    /// Modality of its series.
    pub modality: Option<String>,
    /// What it belongs to, for answers.
    pub metadata: ImageMetadata,
}

/// What an image's JSON answer tells of its study and series.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::FromRow)]
pub struct ImageMetadata {
    /// Study Instance UID (0020,000D).
    pub study_instance_uid: String,
    /// Series Instance UID (0020,000E).
    pub series_instance_uid: String,
    /// Patient ID (0010,0020).
    pub patient_id: Option<String>,
    /// Patient's Name (0010,0010).
    pub patient_name: Option<String>,
    /// Patient's Birth Date (0010,0030), ISO 8601.
    pub patient_birth_date: Option<String>,
    /// Patient's Sex (0010,0040).
    pub patient_sex: Option<String>,
    /// Study Date (0008,0020), ISO 8601.
    pub study_date: Option<String>,
    /// Study Time (0008,0030), ISO 8601.
    pub study_time: Option<String>,
    /// Study Description (0008,1030).
    pub study_description: Option<String>,
    /// Accession Number (0008,0050).
    pub accession_number: Option<String>,
    /// Modality (0008,0060).
    pub modality: Option<String>,
    /// Series Number (0020,0011).
    pub series_number: Option<i32>,
    /// Series Description (0008,103E).
    pub series_description: Option<String>,
    /// Body Part Examined (0018,0015).
    pub body_part: Option<String>,
}

/// The columns of [`ImageRow`].
macro_rules! image_columns {
    () => {
        "image_id, sop_instance_uid, sop_class_uid, series_id, instance_number, slice_position, pixel_rows, \
         pixel_columns, frame_count, transfer_syntax_uid, photometric_interpretation, window_center, window_width, \
         content_digest"
    };
}

#[derive(sqlx::FromRow)]
struct ImageRow {
    image_id: Uuid,
    sop_instance_uid: String,
    sop_class_uid: Option<String>,
    series_id: Uuid,
    instance_number: Option<i32>,
    slice_position: Option<f64>,
    pixel_rows: Option<i64>,
    pixel_columns: Option<i64>,
    frame_count: i64,
    transfer_syntax_uid: String,
    photometric_interpretation: Option<String>,
    window_center: Option<f64>,
    window_width: Option<f64>,
    content_digest: Vec<u8>,
}

impl ImageRow {
    fn digest(&self) -> Result<ContentDigest, CatalogError> {
        let digest = <[u8; 32]>::try_from(&self.content_digest[..]);
        digest
            .map(ContentDigest)
            .map_err(|_| CatalogError::Failed("a content digest is not of 32 bytes".to_owned()))
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
        })
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
    #[sqlx(flatten)]
    metadata: ImageMetadata,
    study_id: Uuid,
    location: String,
    file_byte_count: i64,
    header_byte_count: i64,
    header_checksum: i64,
    deflated: bool,
    samples_per_pixel: i64,
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
        Ok(ImageRecord {
            study_id: row.study_id,
            location: row.location,
            content_digest,
            file_byte_count: row.file_byte_count.cast_unsigned(),
            header_byte_count: row.header_byte_count.cast_unsigned(),
            header_checksum: row.header_checksum.cast_unsigned(),
            deflated: row.deflated,
            render_cost: pixels.saturating_mul(side(Some(row.samples_per_pixel))),
            modality: row.metadata.modality.clone(),
            metadata: row.metadata,
            image: row.image.into_image(&belongs_to)?,
        })
    }
}

impl Catalog {
    /// Notes that the file of an instance lies at `location` now, with the same bytes. Nothing happens for an unknown id.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer; [`CatalogError::Invalid`] for a location with
    /// a NUL in it.
    pub async fn relocate(&self, image_id: Uuid, location: &str) -> Result<(), CatalogError> {
        if location.contains('\0') {
            return Err(CatalogError::Invalid("a location has no NUL".to_owned()));
        }
        on_writer!(&self.pool, Db, pool => {
            sqlx::query::<Db>("UPDATE instances SET location = $1 WHERE image_id = $2")
                .bind(location)
                .bind(image_id)
                .execute(pool)
                .await?;
        });
        Ok(())
    }

    /// The instances of a series in display order; `None` when the series is unknown.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn images_of_series(&self, series_id: Uuid) -> Result<Option<Vec<Image>>, CatalogError> {
        const SELECT: &str = concat!("SELECT ", image_columns!(), " FROM instances WHERE series_id = $1");
        const SELECT_ABOVE: &str = "SELECT study_instance_uid, series_instance_uid \
             FROM series JOIN studies USING (study_id) WHERE series_id = $1";
        let (rows, above): (Vec<ImageRow>, Option<UidsAbove>) = on_reader!(&self.pool, Db, pool => {
            let rows = sqlx::query_as::<Db, _>(SELECT).bind(series_id).fetch_all(pool).await?;
            (rows, sqlx::query_as::<Db, _>(SELECT_ABOVE).bind(series_id).fetch_optional(pool).await?)
        });
        let (mut rows, Some(above)) = (rows, above) else { return Ok(None) };
        display_order::sort(&mut rows, |row| DisplayPlace {
            slice_position: row.slice_position,
            instance_number: row.instance_number,
            sop_instance_uid: &row.sop_instance_uid,
        });
        // A series is there as long as it has an instance.
        if rows.is_empty() {
            return Ok(None);
        }
        rows.into_iter().map(|row| row.into_image(&above)).collect::<Result<_, _>>().map(Some)
    }

    /// One instance; `None` when it is unknown.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn image(&self, image_id: Uuid) -> Result<Option<ImageRecord>, CatalogError> {
        const SELECT: &str = concat!(
            "SELECT ",
            image_columns!(),
            ", location, file_byte_count, header_byte_count, header_checksum, deflated, \
             samples_per_pixel, study_id, study_instance_uid, series_instance_uid, patient_id, patient_name, \
             patient_birth_date, patient_sex, NULLIF(study_date, '') AS study_date, study_time, study_description, \
             accession_number, modality, series_number, series_description, body_part \
             FROM instances JOIN series USING (series_id) JOIN studies USING (study_id) WHERE image_id = $1",
        );
        let row: Option<ImageRecordRow> = on_reader!(&self.pool, Db, pool => {
            sqlx::query_as::<Db, _>(SELECT).bind(image_id).fetch_optional(pool).await?
        });
        row.map(ImageRecord::try_from).transpose()
    }

    /// Where a frame (1-based) lies; `None` for an unknown instance, a frame past the end, and where the index could
    /// not tell. Reads the 24 bytes of that frame alone.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn frame_range(
        &self,
        image_id: Uuid,
        frame_number: u32,
    ) -> Result<Option<FrameRange>, CatalogError> {
        let Some(first_byte) = frame_index::first_byte(frame_number) else { return Ok(None) };
        let bytes: Option<Vec<u8>> = on_reader!(&self.pool, Db, pool => {
            sqlx::query_scalar::<Db, _>("SELECT substr(frame_ranges, $2, $3) FROM instances WHERE image_id = $1")
                .bind(image_id)
                .bind(first_byte)
                .bind(frame_index::FRAME_BYTES)
                .fetch_optional(pool)
                .await?
        });
        Ok(bytes.and_then(|bytes| frame_index::unpack(&bytes)))
    }

    /// The header of an instance as DICOM JSON (PS3.18 annex F); `None` when it is unknown.
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
