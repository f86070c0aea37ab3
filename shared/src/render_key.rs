//! The name of a render: cache key, strong ETag and claim in one.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    request::{
        Annotation, Fit, Flip, FrameRequest, IccProfile, LosslessCodec, PictureFormat, Region, Voi,
        VoiFunction,
    },
    volume_plane::{Projection, VolumePlane, VolumeSlice},
};

/// The version of the renderer's output. Raised with every change that can alter a byte of any picture, so that
/// older renders are found no more. The renderer itself states the same number; a test of the worker compares the two.
pub const RENDERER_VERSION: u32 = 3;

/// Names one render: 128 bits of BLAKE3 over the content digest, the frame and every parameter that can change a byte.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RenderKey([u8; 16]);

impl RenderKey {
    /// The key of `request` on the file with `content_digest`.
    #[must_use]
    pub fn new(content_digest: &ContentDigest, request: &FrameRequest) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"noctis render 1");
        hasher.update(&RENDERER_VERSION.to_le_bytes());
        hasher.update(&content_digest.0);
        hash_request(&mut hasher, request);
        let mut key = [0; 16];
        hasher.finalize_xof().fill(&mut key);
        Self(key)
    }
}

/// Every field in a fixed order and width. The destructuring makes a new field a compile error here.
fn hash_request(hasher: &mut blake3::Hasher, request: &FrameRequest) {
    let FrameRequest {
        frame_number,
        voi,
        invert,
        overlays,
        region,
        fit,
        flip,
        format,
        icc_profile,
        best_effort,
        presentation_state,
        segmentation,
        annotation,
        plane,
    } = request;
    hasher.update(&frame_number.to_le_bytes());
    hasher.update(&[u8::from(*invert), u8::from(*overlays), u8::from(*best_effort)]);
    let function_code = |function: VoiFunction| match function {
        VoiFunction::Linear => 0,
        VoiFunction::LinearExact => 1,
        VoiFunction::Sigmoid => 2,
    };
    match voi {
        Voi::FromFile => hasher.update(&[0]),
        Voi::FromFileWith(function) => hasher.update(&[1, function_code(*function)]),
        Voi::Window(window) => hasher
            .update(&[2, function_code(window.function())])
            .update(&window.center().to_bits().to_le_bytes())
            .update(&window.width().to_bits().to_le_bytes()),
    };
    match region {
        None => {
            hasher.update(&[0]);
        }
        Some(Region { left, top, width, height }) => {
            hasher.update(&[1]);
            for side in [left, top, width, height] {
                hasher.update(&side.to_le_bytes());
            }
        }
    }
    let Fit { width, height, enlarge } = fit;
    for side in [width, height] {
        hasher.update(&side.unwrap_or(0).to_le_bytes());
    }
    // Without a box there is nothing to grow to: the flag alone changes no byte.
    hasher.update(&[u8::from(*enlarge && (width.is_some() || height.is_some()))]);
    match format {
        PictureFormat::Png => hasher.update(&[0]),
        PictureFormat::Png16 => hasher.update(&[1]),
        PictureFormat::Jpeg { quality } => hasher.update(&[2, *quality]),
        PictureFormat::Webp { quality } => hasher.update(&[3, quality.unwrap_or(0)]),
        PictureFormat::Explanation { column, row } => {
            hasher.update(&[4]).update(&column.to_le_bytes()).update(&row.to_le_bytes())
        }
        PictureFormat::Samples => hasher.update(&[5]),
        PictureFormat::Codestream { codec } => hasher.update(&[6, codec_code(*codec)]),
        PictureFormat::FileHead { codec } => hasher.update(&[7, codec.map_or(0, codec_code)]),
        PictureFormat::Raw16 => hasher.update(&[8]),
    };
    hasher.update(&[match icc_profile {
        IccProfile::No => 0,
        IccProfile::Yes => 1,
        IccProfile::Srgb => 2,
        IccProfile::SrgbIfUsable => 3,
    }]);
    // What few pictures have comes last, and only where they have it: the keys of all others stay as they were.
    if *flip != Flip::NONE {
        hasher.update(b"flip").update(&[u8::from(flip.horizontal), u8::from(flip.vertical)]);
    }
    if let Some(state) = presentation_state {
        hasher.update(b"presentation state").update(&state.content_digest.0);
    }
    if let Some(segmentation) = segmentation {
        hasher.update(b"segmentation").update(&segmentation.content_digest.0);
    }
    if *annotation != Annotation::NONE {
        hasher.update(b"annotation").update(&[u8::from(annotation.patient), u8::from(annotation.technique)]);
    }
    if let Some(plane) = plane {
        hasher.update(b"plane");
        hash_plane(hasher, plane);
    }
}

fn hash_plane(hasher: &mut blake3::Hasher, plane: &VolumePlane) {
    let VolumePlane { slices, along, rows, columns, corner, to_right, to_below, through, projection, points } =
        plane;
    hash_numbers(hasher, along);
    for place in [corner, to_right, to_below, through] {
        hash_numbers(hasher, place);
    }
    let projection = match projection {
        Projection::Mean => 0,
        Projection::Maximum => 1,
        Projection::Minimum => 2,
    };
    hasher.update(&rows.to_le_bytes()).update(&columns.to_le_bytes()).update(&[projection, *points]);
    for VolumeSlice { image_id: _, content_digest, frame_number, along, moved } in slices {
        hasher.update(&content_digest.0).update(&frame_number.to_le_bytes());
        hash_numbers(hasher, &[*along, moved[0], moved[1]]);
    }
}

fn hash_numbers(hasher: &mut blake3::Hasher, numbers: &[f64]) {
    for number in numbers {
        hasher.update(&number.to_bits().to_le_bytes());
    }
}

fn codec_code(codec: LosslessCodec) -> u8 {
    match codec {
        LosslessCodec::Rle => 1,
        LosslessCodec::JpegLs => 2,
        LosslessCodec::Jpeg2000 => 3,
    }
}

impl fmt::Display for RenderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl fmt::Debug for RenderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RenderKey({self})")
    }
}

impl FromStr for RenderKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_hex(text).map(Self)
    }
}

impl TryFrom<String> for RenderKey {
    type Error = KeyError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<RenderKey> for String {
    fn from(key: RenderKey) -> Self {
        key.to_string()
    }
}

/// BLAKE3 of a whole file as it lies in storage: the header decides a picture as much as the pixels do.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContentDigest(pub [u8; 32]);

impl fmt::Display for ContentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl fmt::Debug for ContentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentDigest({self})")
    }
}

impl TryFrom<String> for ContentDigest {
    type Error = KeyError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        parse_hex(&text).map(Self)
    }
}

impl From<ContentDigest> for String {
    fn from(digest: ContentDigest) -> Self {
        digest.to_string()
    }
}

/// Not the hexadecimal digits of a key or digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key is hexadecimal digits, two a byte")]
pub struct KeyError;

/// At once: digit by digit it is a twentieth of what a cached picture takes.
fn write_hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xF]);
    let text: String = digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect();
    f.write_str(&text)
}

fn parse_hex<const N: usize>(text: &str) -> Result<[u8; N], KeyError> {
    let mut bytes = [0; N];
    if text.len() != 2 * N || !text.is_ascii() {
        return Err(KeyError);
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let pair = std::str::from_utf8(pair).map_err(|_| KeyError)?;
        *byte = u8::from_str_radix(pair, 16).map_err(|_| KeyError)?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::request::{FileBeside, Window};

    fn request() -> FrameRequest {
        FrameRequest {
            frame_number: 1,
            voi: Voi::FromFile,
            invert: false,
            overlays: true,
            region: None,
            fit: Fit::default(),
            flip: Flip::NONE,
            format: PictureFormat::Png,
            icc_profile: IccProfile::Yes,
            best_effort: false,
            presentation_state: None,
            segmentation: None,
            annotation: Annotation::NONE,
            plane: None,
        }
    }

    fn plane() -> VolumePlane {
        let slice = |along| VolumeSlice {
            image_id: Uuid::nil(),
            content_digest: ContentDigest([1; 32]),
            frame_number: 1,
            along,
            moved: [0.0; 2],
        };
        VolumePlane {
            slices: vec![slice(0.0), slice(1.0)],
            along: [-0.5, 1.5],
            rows: 2,
            columns: 3,
            corner: [0.0; 3],
            to_right: [1.0, 0.0, 0.0],
            to_below: [0.0, 0.0, 1.0],
            through: [0.0; 3],
            projection: Projection::Mean,
            points: 1,
        }
    }

    /// The same in all but one thing.
    fn other(change: impl FnOnce(&mut VolumePlane)) -> FrameRequest {
        let mut plane = plane();
        change(&mut plane);
        FrameRequest { plane: Some(Box::new(plane)), ..request() }
    }

    fn file(digest: u8) -> Option<FileBeside> {
        Some(FileBeside { image_id: Uuid::nil(), content_digest: ContentDigest([digest; 32]) })
    }

    #[test]
    fn every_parameter_that_changes_a_byte_changes_the_key() {
        let window = |center| Voi::Window(Window::new(center, 400.0, VoiFunction::Linear).expect("valid"));
        let variants = [
            request(),
            FrameRequest { frame_number: 2, ..request() },
            FrameRequest { voi: window(40.0), ..request() },
            FrameRequest { voi: window(41.0), ..request() },
            FrameRequest { voi: Voi::FromFileWith(VoiFunction::Sigmoid), ..request() },
            FrameRequest { invert: true, ..request() },
            FrameRequest { overlays: false, ..request() },
            FrameRequest { best_effort: true, ..request() },
            FrameRequest { icc_profile: IccProfile::No, ..request() },
            FrameRequest { icc_profile: IccProfile::Srgb, ..request() },
            FrameRequest { icc_profile: IccProfile::SrgbIfUsable, ..request() },
            FrameRequest { region: Some(Region { left: 0, top: 0, width: 9, height: 9 }), ..request() },
            FrameRequest { fit: Fit { width: Some(128), ..Fit::default() }, ..request() },
            FrameRequest { fit: Fit { height: Some(128), ..Fit::default() }, ..request() },
            FrameRequest { fit: Fit { height: Some(128), enlarge: true, width: None }, ..request() },
            FrameRequest { flip: Flip { horizontal: true, ..Flip::NONE }, ..request() },
            FrameRequest { flip: Flip { vertical: true, ..Flip::NONE }, ..request() },
            FrameRequest { flip: Flip { horizontal: true, vertical: true }, ..request() },
            FrameRequest { presentation_state: file(1), ..request() },
            FrameRequest { presentation_state: file(2), ..request() },
            FrameRequest { segmentation: file(1), ..request() },
            other(|_| ()),
            other(|plane| plane.slices[1].content_digest = ContentDigest([2; 32])),
            other(|plane| plane.slices[1].frame_number = 2),
            other(|plane| plane.slices[1].along = 1.1),
            other(|plane| plane.slices[1].moved[0] = 1.0),
            other(|plane| plane.slices[1].moved[1] = 1.0),
            other(|plane| plane.slices.truncate(1)),
            other(|plane| plane.along[1] = 1.6),
            other(|plane| plane.rows = 3),
            other(|plane| plane.columns = 2),
            other(|plane| plane.corner[0] = 1.0),
            other(|plane| plane.to_right[0] = 2.0),
            other(|plane| plane.to_below[2] = 2.0),
            other(|plane| plane.through[1] = 2.0),
            other(|plane| plane.projection = Projection::Maximum),
            other(|plane| plane.projection = Projection::Minimum),
            other(|plane| plane.points = 2),
            FrameRequest { segmentation: file(2), ..request() },
            FrameRequest { annotation: Annotation { patient: true, technique: false }, ..request() },
            FrameRequest { annotation: Annotation { patient: false, technique: true }, ..request() },
            FrameRequest { format: PictureFormat::Png16, ..request() },
            FrameRequest { format: PictureFormat::Raw16, ..request() },
            FrameRequest { format: PictureFormat::Jpeg { quality: 90 }, ..request() },
            FrameRequest { format: PictureFormat::Jpeg { quality: 91 }, ..request() },
            FrameRequest { format: PictureFormat::Webp { quality: None }, ..request() },
            FrameRequest { format: PictureFormat::Samples, ..request() },
            FrameRequest { format: PictureFormat::Codestream { codec: LosslessCodec::Rle }, ..request() },
            FrameRequest { format: PictureFormat::Codestream { codec: LosslessCodec::JpegLs }, ..request() },
            FrameRequest { format: PictureFormat::FileHead { codec: None }, ..request() },
            FrameRequest { format: PictureFormat::FileHead { codec: Some(LosslessCodec::Rle) }, ..request() },
            FrameRequest { format: PictureFormat::Explanation { column: 0, row: 0 }, ..request() },
            FrameRequest { format: PictureFormat::Explanation { column: 1, row: 0 }, ..request() },
            FrameRequest { format: PictureFormat::Explanation { column: 0, row: 1 }, ..request() },
        ];
        let digest = ContentDigest([7; 32]);
        let keys: std::collections::HashSet<_> =
            variants.iter().map(|variant| RenderKey::new(&digest, variant)).collect();
        assert_eq!(keys.len(), variants.len());
        assert!(!keys.contains(&RenderKey::new(&ContentDigest([8; 32]), &request())));
    }

    #[test]
    fn a_key_reads_back_from_its_text() {
        let key = RenderKey::new(&ContentDigest([1; 32]), &request());
        assert_eq!(key.to_string().parse(), Ok(key));
        assert_eq!("zz".parse::<RenderKey>(), Err(KeyError));
    }

    #[test]
    fn growing_without_a_box_is_the_same_picture() {
        let digest = ContentDigest([1; 32]);
        let grown = FrameRequest { fit: Fit { enlarge: true, ..Fit::default() }, ..request() };
        assert_eq!(RenderKey::new(&digest, &grown), RenderKey::new(&digest, &request()));
    }
}
