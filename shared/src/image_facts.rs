//! The facts of one image that viewers measure and show with: geometry, timing, what the values mean, the windows that
//! the file offers. Each is spelled here once: read from a header, kept by the catalog as JSON, shown in answers.
//!
//! Absent DICOM values are `None`, in JSON `null`. What an enhanced multi-frame image tells of all of its frames at once
//! (Shared Functional Groups) is told here; what it tells of each frame alone is not. A new fact is a field here, and a
//! line in [`ImageFacts::read`]; rows that were kept before it have it once their `facts` column is cleared.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::request::{VoiFunction, Window};

/// Windows of one file that are told: more is a damaged header, and each process remembers thousands of images.
const WINDOWS_MAX: usize = 16;
/// Characters of a text that are told: as many as CS, LO and UI have at most (PS3.5 table 6.2-1).
const TEXT_CHARS_MAX: usize = 64;

/// What a header tells of its image. Lengths are in mm.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct ImageFacts {
    /// Pixel Spacing (0028,0030): between rows, then between columns, in mm in the patient.
    #[schema(example = json!([0.7, 0.7]))]
    pub pixel_spacing: Option<[f64; 2]>,
    /// Imager Pixel Spacing (0018,1164): the same in mm at the detector, for projections.
    pub imager_pixel_spacing: Option<[f64; 2]>,
    /// Image Position (Patient) (0020,0032): x, y, z of the first pixel's center.
    #[schema(example = json!([-180.0, -180.0, 42.5]))]
    pub image_position: Option<[f64; 3]>,
    /// Image Orientation (Patient) (0020,0037): direction cosines of the rows, then of the columns.
    #[schema(example = json!([1.0, 0.0, 0.0, 0.0, 1.0, 0.0]))]
    pub image_orientation: Option<[f64; 6]>,
    /// Slice Thickness (0018,0050).
    pub slice_thickness: Option<f64>,
    /// Slice Location (0020,1041).
    pub slice_location: Option<f64>,
    /// Frame of Reference UID (0020,0052): images with the same one share their coordinates.
    pub frame_of_reference_uid: Option<String>,
    /// Frame Time (0018,1063), in ms from one frame to the next.
    pub frame_time: Option<f64>,
    /// Rescale Slope (0028,1053).
    pub rescale_slope: Option<f64>,
    /// Rescale Intercept (0028,1052).
    pub rescale_intercept: Option<f64>,
    /// What the modality values are in: Rescale Type (0028,1054), Modality LUT Type (0028,3004) or Units (0054,1001) as
    /// the file writes it; `HU` for a CT that rescales and says nothing (PS3.3 C.8.2.1).
    #[schema(example = "HU")]
    pub unit: Option<String>,
    /// Image Laterality (0020,0062), else Laterality (0020,0060): `R`, `L`, `U` or `B`.
    #[schema(example = "L")]
    pub laterality: Option<String>,
    /// Presentation LUT Shape (2050,0020): `IDENTITY` or `INVERSE`.
    pub presentation_lut_shape: Option<String>,
    /// Recommended Display Frame Rate (0008,2144), in frames a second.
    pub display_frame_rate: Option<f64>,
    /// The windows that the file offers, as far as they are valid; the first is that of `preset=default`.
    pub windows: Vec<FileWindow>,
}

/// A window that a file offers (PS3.3 C.11.2.1.2).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FileWindow {
    /// Window Width (0028,1051).
    #[schema(example = 400.0)]
    pub window: f64,
    /// Window Center (0028,1050).
    #[schema(example = 40.0)]
    pub level: f64,
    /// VOI LUT Function (0028,1056).
    pub function: VoiFunction,
    /// Window Center & Width Explanation (0028,1055).
    #[schema(example = "ABDOMEN")]
    pub explanation: Option<String>,
}

/// A data set to read facts from, in whichever form; a reference to it.
pub trait DataSet: Copy {
    /// The values of an element as text, in their order; none for an element that is absent or no text nor number.
    fn texts(self, tag: u32) -> Vec<String>;
    /// The first item of a sequence.
    fn item(self, tag: u32) -> Option<Self>;
}

/// DICOM JSON (PS3.18 annex F), as the catalog holds headers.
impl DataSet for &Value {
    fn texts(self, tag: u32) -> Vec<String> {
        let values = self[format!("{tag:08X}")]["Value"].as_array().map(Vec::as_slice).unwrap_or_default();
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => String::new(),
        };
        values.iter().map(text).collect()
    }

    fn item(self, tag: u32) -> Option<Self> {
        self[format!("{tag:08X}")]["Value"].get(0).filter(|item| item.is_object())
    }
}

const SHARED_FUNCTIONAL_GROUPS: u32 = 0x5200_9229;
const PIXEL_MEASURES: u32 = 0x0028_9110;
const PLANE_POSITION: u32 = 0x0020_9113;
const PLANE_ORIENTATION: u32 = 0x0020_9116;
const PIXEL_VALUE_TRANSFORMATION: u32 = 0x0028_9145;
const FRAME_VOI_LUT: u32 = 0x0028_9132;
const FRAME_ANATOMY: u32 = 0x0020_9071;
const FRAME_LATERALITY: u32 = 0x0020_9072;
const MODALITY_LUT: u32 = 0x0028_3000;

impl ImageFacts {
    /// The facts of a header, as far as it has them and they make sense.
    #[must_use]
    pub fn read(header: impl DataSet) -> Self {
        let measures = group(header, PIXEL_MEASURES);
        let transformation = group(header, PIXEL_VALUE_TRANSFORMATION);
        Self {
            pixel_spacing: numbers(measures, 0x0028_0030).filter(is_spacing),
            imager_pixel_spacing: numbers(header, 0x0018_1164).filter(is_spacing),
            image_position: numbers(group(header, PLANE_POSITION), 0x0020_0032),
            image_orientation: numbers(group(header, PLANE_ORIENTATION), 0x0020_0037),
            slice_thickness: number(measures, 0x0018_0050),
            slice_location: number(header, 0x0020_1041),
            frame_of_reference_uid: text(header, 0x0020_0052),
            frame_time: number(header, 0x0018_1063).filter(|time| *time > 0.0),
            rescale_slope: number(transformation, 0x0028_1053),
            rescale_intercept: number(transformation, 0x0028_1052),
            unit: unit(header, transformation),
            laterality: laterality(header),
            presentation_lut_shape: text(header, 0x2050_0020),
            display_frame_rate: number(header, 0x0008_2144).filter(|rate| *rate > 0.0),
            windows: windows(group(header, FRAME_VOI_LUT)),
        }
    }

    /// As its column holds it.
    pub(crate) fn to_json(&self) -> String {
        // Numbers and texts: serialisation cannot fail, and an empty text reads as nothing.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// From its column; nothing is known of a row that has none yet.
    pub(crate) fn from_json(json: Option<&str>) -> Self {
        json.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
    }
}

/// Where the attributes of a functional group stand: in the shared groups of an enhanced image, else at the top.
fn group<D: DataSet>(header: D, sequence: u32) -> D {
    shared_group(header, sequence).unwrap_or(header)
}

fn shared_group<D: DataSet>(header: D, sequence: u32) -> Option<D> {
    header.item(SHARED_FUNCTIONAL_GROUPS)?.item(sequence)
}

/// What the modality values are in; `US`, unspecified, is nothing (PS3.3 C.11.1.1.2).
fn unit<D: DataSet>(header: D, transformation: D) -> Option<String> {
    let of_table = || text(header.item(MODALITY_LUT)?, 0x0028_3004);
    let told = text(transformation, 0x0028_1054).or_else(of_table);
    if told.is_some() {
        return told.filter(|unit| unit != "US");
    }
    let is_rescaled = number(transformation, 0x0028_1053).is_some();
    let modality = text(header, 0x0008_0060);
    match modality.as_deref() {
        Some("CT") if is_rescaled => Some("HU".to_owned()),
        _ => text(header, 0x0054_1001),
    }
}

fn laterality(header: impl DataSet) -> Option<String> {
    let of_all_frames = || text(shared_group(header, FRAME_ANATOMY)?, FRAME_LATERALITY);
    text(header, 0x0020_0062).or_else(|| text(header, 0x0020_0060)).or_else(of_all_frames)
}

fn windows(place: impl DataSet) -> Vec<FileWindow> {
    let function = match text(place, 0x0028_1056).as_deref() {
        Some("LINEAR_EXACT") => VoiFunction::LinearExact,
        Some("SIGMOID") => VoiFunction::Sigmoid,
        _ => VoiFunction::Linear,
    };
    let explanations = place.texts(0x0028_1055);
    let pairs = place.texts(0x0028_1050).into_iter().zip(place.texts(0x0028_1051));
    let window = |(index, (center, width)): (usize, (String, String))| {
        let window = Window::new(parsed(&center)?, parsed(&width)?, function).ok()?;
        let explanation = explanations.get(index).and_then(|text| told(text));
        Some(FileWindow { window: window.width(), level: window.center(), function, explanation })
    };
    pairs.enumerate().take(WINDOWS_MAX).filter_map(window).collect()
}

fn is_spacing(spacing: &[f64; 2]) -> bool {
    spacing.iter().all(|length| *length > 0.0)
}

fn number(place: impl DataSet, tag: u32) -> Option<f64> {
    place.texts(tag).first().and_then(|text| parsed(text))
}

/// Every value as a number; `None` unless there are `N`, all finite.
fn numbers<const N: usize>(place: impl DataSet, tag: u32) -> Option<[f64; N]> {
    let values: Vec<f64> = place.texts(tag).iter().map(|text| parsed(text)).collect::<Option<_>>()?;
    values.try_into().ok()
}

fn parsed(text: &str) -> Option<f64> {
    trimmed(text).parse().ok().filter(|number: &f64| number.is_finite())
}

fn text(place: impl DataSet, tag: u32) -> Option<String> {
    place.texts(tag).first().and_then(|text| told(text))
}

fn told(text: &str) -> Option<String> {
    let text: String = trimmed(text).chars().filter(|c| *c != '\0').take(TEXT_CHARS_MAX).collect();
    (!text.is_empty()).then_some(text)
}

fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || c == '\0')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_slice_tells_where_it_lies_and_what_its_values_are() {
        let facts = ImageFacts::read(&json!({
            "00080060": {"vr": "CS", "Value": ["CT"]},
            "00180050": {"vr": "DS", "Value": [2.5]},
            "00200032": {"vr": "DS", "Value": ["-180 ", -180.5, "42"]},
            "00200037": {"vr": "DS", "Value": [1, 0, 0, 0, 1, 0]},
            "00200052": {"vr": "UI", "Value": ["1.2.3"]},
            "00280030": {"vr": "DS", "Value": ["0.7", "0.8"]},
            "00281050": {"vr": "DS", "Value": ["40", "x", "-600"]},
            "00281051": {"vr": "DS", "Value": [400, 100, 1500]},
            "00281052": {"vr": "DS", "Value": ["-1024"]},
            "00281053": {"vr": "DS", "Value": ["1"]},
            "00281055": {"vr": "LO", "Value": ["ABDOMEN", null, "LUNG"]},
        }));
        let window = |window, level, explanation: &str| FileWindow {
            window,
            level,
            function: VoiFunction::Linear,
            explanation: Some(explanation.to_owned()),
        };
        let expected = ImageFacts {
            pixel_spacing: Some([0.7, 0.8]),
            image_position: Some([-180.0, -180.5, 42.0]),
            image_orientation: Some([1.0, 0.0, 0.0, 0.0, 1.0, 0.0]),
            slice_thickness: Some(2.5),
            frame_of_reference_uid: Some("1.2.3".to_owned()),
            rescale_slope: Some(1.0),
            rescale_intercept: Some(-1024.0),
            unit: Some("HU".to_owned()),
            windows: vec![window(400.0, 40.0, "ABDOMEN"), window(1500.0, -600.0, "LUNG")],
            ..ImageFacts::default()
        };
        assert_eq!(facts, expected);
        assert_eq!(ImageFacts::from_json(Some(&facts.to_json())), facts);
    }

    #[test]
    fn an_enhanced_image_tells_what_all_of_its_frames_share() {
        let item = |inner: Value| json!({"vr": "SQ", "Value": [inner]});
        let shared = json!({
            "00289110": item(json!({"00280030": {"vr": "DS", "Value": [1.5, 1.5]}, "00180050": {"vr": "DS", "Value": [3]}})),
            "00289145": item(json!({
                "00281052": {"vr": "DS", "Value": [0]},
                "00281053": {"vr": "DS", "Value": [2]},
                "00281054": {"vr": "LO", "Value": ["US"]},
            })),
            "00289132": item(json!({
                "00281050": {"vr": "DS", "Value": [1]},
                "00281051": {"vr": "DS", "Value": [0.5]},
                "00281056": {"vr": "CS", "Value": ["SIGMOID"]},
            })),
            "00209071": item(json!({"00209072": {"vr": "CS", "Value": ["R"]}})),
        });
        let facts = ImageFacts::read(&json!({"52009229": item(shared)}));
        assert_eq!((facts.pixel_spacing, facts.slice_thickness), (Some([1.5, 1.5]), Some(3.0)));
        assert_eq!((facts.rescale_slope, facts.unit.as_deref()), (Some(2.0), None), "unspecified is none");
        assert_eq!(facts.windows.first().map(|window| window.function), Some(VoiFunction::Sigmoid));
        assert_eq!((facts.laterality.as_deref(), facts.image_position), (Some("R"), None));
    }

    #[test]
    fn what_makes_no_sense_is_nothing() {
        let facts = ImageFacts::read(&json!({
            "00280030": {"vr": "DS", "Value": [0, 1]},
            "00200032": {"vr": "DS", "Value": [1, 2]},
            "00180050": {"vr": "DS", "Value": ["NaN"]},
            "00181063": {"vr": "DS", "Value": [0]},
            "00281050": {"vr": "DS", "Value": [40]},
            "00281051": {"vr": "DS", "Value": [0]},
            "00200060": {"vr": "CS", "Value": [" "]},
        }));
        assert_eq!(facts, ImageFacts::default());
        assert_eq!(ImageFacts::read(&Value::Null), ImageFacts::default());
        let units = json!({"00080060": {"Value": ["PT"]}, "00541001": {"Value": ["BQML"]}});
        assert_eq!(ImageFacts::read(&units).unit.as_deref(), Some("BQML"));
        let long = json!({"00200052": {"Value": ["1".repeat(1000)]}});
        assert_eq!(ImageFacts::read(&long).frame_of_reference_uid.map(|uid| uid.len()), Some(64));
    }
}
