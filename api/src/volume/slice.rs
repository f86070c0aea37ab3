//! What the catalog tells of frames that may be slices: where each lies, and what it must have in common with the others.

use noctis_shared::{answer::Image, facts::PatientFacts, image_facts::DataSet, render_key::ContentDigest};
use serde_json::Value;
use uuid::Uuid;

use super::vector::Vector;

/// Frames of a series that are looked at: nobody's volume has more.
const FRAMES_MAX: u64 = 10_000;

const SHARED_GROUPS: &str = "52009229";
const GROUPS_OF_FRAMES: &str = "52009230";
const PLANE_POSITION: u32 = 0x0020_9113;
const IMAGE_POSITION: u32 = 0x0020_0032;
const PLANE_ORIENTATION: u32 = 0x0020_9116;
const IMAGE_ORIENTATION: u32 = 0x0020_0037;
const PIXEL_MEASURES: u32 = 0x0028_9110;
const PIXEL_SPACING: u32 = 0x0028_0030;

/// A frame, as far as it says what volume it is of.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Slice {
    /// Public id of its image.
    pub(crate) image_id: Uuid,
    pub(crate) frame_number: u32,
    pub(super) rows: u32,
    pub(super) columns: u32,
    pub(super) lies: Option<Lies>,
    /// Frame of Reference UID (0020,0052).
    pub(super) space: Option<String>,
    pub(super) unit: Option<String>,
    /// Whether low values are white.
    pub(super) is_inverted: bool,
    pub(super) other_patient: Option<PatientFacts>,
    /// The file whose header said where it lies, where the facts of the image do not.
    pub(super) read_of: Option<ContentDigest>,
}

/// What the catalog keeps of a header.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Header {
    pub(crate) data_set: Value,
    /// Of the file that it was read from.
    pub(crate) content_digest: Option<ContentDigest>,
}

impl Slice {
    /// Whether it is of this image, of a file with this digest.
    pub(crate) fn is_of(&self, image: &Image, content_digest: &ContentDigest) -> bool {
        match &self.read_of {
            Some(read_of) => read_of == content_digest,
            None => self.lies == lies_of_image(image),
        }
    }
}

/// Whether the facts of an image say where its frame lies. Those of an enhanced one say what all of its frames share.
pub(crate) fn tells_its_place(image: &Image) -> bool {
    image.frame_count == 1 && image.facts.image_position.is_some()
}

/// Whether images of these kinds, all of which have frames, may make a volume, whatever lies where.
///
/// # Errors
/// A sentence about the series.
pub(crate) fn check_kind(images: &[Image]) -> Result<(), String> {
    if images.iter().any(is_coloured) {
        return Err("its pictures have colours: planes are made of grey slices".to_owned());
    }
    let frames: u64 = images.iter().map(|image| u64::from(image.frame_count)).sum();
    if frames > FRAMES_MAX {
        return Err(format!("it has {frames} frames, and {FRAMES_MAX} are the most"));
    }
    // Which slice it is, is told where nothing has to be read for it.
    let asks_headers = images.iter().any(|image| !tells_its_place(image));
    let size = |image: &Image| (image.rows, image.columns);
    if asks_headers && images.windows(2).any(|pair| size(&pair[0]) != size(&pair[1])) {
        return Err("its slices differ in their size".to_owned());
    }
    Ok(())
}

/// Whether all of these say where they lie.
///
/// # Errors
/// A sentence about the series.
pub(crate) fn check_placed(slices: &[Slice]) -> Result<(), String> {
    match slices.iter().position(|slice| slice.lies.is_none()) {
        Some(nth) => Err(placeless(nth + 1)),
        None => Ok(()),
    }
}

pub(super) fn placeless(number: usize) -> String {
    format!("slice {number} does not say where in the patient it lies")
}

fn is_coloured(image: &Image) -> bool {
    !image.photometric_interpretation.as_deref().unwrap_or_default().starts_with("MONOCHROME")
}

fn lies_of_image(image: &Image) -> Option<Lies> {
    let facts = &image.facts;
    lies_of(facts.image_position, facts.image_orientation, facts.pixel_spacing)
}

/// Where it lies in the patient, in millimetres.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Lies {
    pub(super) position: Vector,
    pub(super) row: Vector,
    pub(super) column: Vector,
    /// Between rows, then between columns.
    pub(super) spacing: [f64; 2],
}

/// The frames of an image. `header` is its header where the facts do not say where each of them lies.
pub(crate) fn slices_of(image: &Image, header: Option<&Header>) -> Vec<Slice> {
    let photometric = image.photometric_interpretation.as_deref().unwrap_or_default();
    let facts = &image.facts;
    let slice = |frame_number| Slice {
        image_id: image.image_id,
        frame_number,
        rows: image.rows.unwrap_or(0),
        columns: image.columns.unwrap_or(0),
        lies: match header {
            Some(header) => lies_of_frame(&header.data_set, frame_number),
            None => lies_of_image(image),
        },
        space: facts.frame_of_reference_uid.clone(),
        unit: facts.unit.clone(),
        is_inverted: photometric == "MONOCHROME1"
            || facts.presentation_lut_shape.as_deref() == Some("INVERSE"),
        other_patient: image.other_patient.clone(),
        read_of: header.and_then(|header| header.content_digest),
    };
    (1..=image.frame_count).map(slice).collect()
}

fn lies_of(position: Option<[f64; 3]>, cosines: Option<[f64; 6]>, spacing: Option<[f64; 2]>) -> Option<Lies> {
    let [a, b, c, d, e, f] = cosines?;
    Some(Lies { position: position?, row: [a, b, c], column: [d, e, f], spacing: spacing? })
}

/// By the groups of the frame, those that all share, and the top level (PS3.3 C.7.6.16.1.1).
pub(super) fn lies_of_frame(header: &Value, frame_number: u32) -> Option<Lies> {
    let groups = header[GROUPS_OF_FRAMES]["Value"].get(frame_number as usize - 1);
    let shared = header[SHARED_GROUPS]["Value"].get(0);
    let find = |group: u32, tag: u32| {
        let of_group = [groups, shared].into_iter().flatten().filter_map(move |item| item.item(group));
        of_group.chain([header]).map(move |place| place.texts(tag)).find(|texts| !texts.is_empty())
    };
    lies_of(
        numbers(find(PLANE_POSITION, IMAGE_POSITION)),
        numbers(find(PLANE_ORIENTATION, IMAGE_ORIENTATION)),
        numbers(find(PIXEL_MEASURES, PIXEL_SPACING)),
    )
}

fn numbers<const N: usize>(texts: Option<Vec<String>>) -> Option<[f64; N]> {
    let number = |text: String| text.trim().parse().ok().filter(|number: &f64| number.is_finite());
    let numbers: Vec<f64> = texts?.into_iter().map(number).collect::<Option<_>>()?;
    numbers.try_into().ok()
}
