//! Which frames of a segmentation lie on a frame of an image (PS3.3 C.7.6.16.2.6, C.8.20.3): those that were made from it, and
//! where none says what it was made from, those in the very same plane.

use dicom_core::Tag;
use dicom_dictionary_std::tags;

use crate::RenderError;
use crate::file::frame_view::FrameView;
use crate::file::parse::view::{Numbers, View};

/// By how much planes may be apart that are one: millimetres, and parts of a direction. Values are written with few digits.
const APART_MAX: f64 = 0.01;

/// Numbers of the frames, from 1, each with the number of its segment, by that.
///
/// # Errors
/// [`RenderError::InvalidRequest`] for a segmentation that is of another image, [`RenderError::Unsupported`] for frames made
/// from this one that lie elsewhere, [`RenderError::Corrupt`] for damaged groups.
pub(super) fn frames_on(
    segmentation: &View<'_>,
    image: &View<'_>,
    frame_number: u32,
) -> Result<Vec<(u32, u16)>, RenderError> {
    let image = Image::new(image, frame_number);
    let shared = segmentation.item(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, 0);
    let groups = segmentation.all_items(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE)?;
    let is_one_space = image.frame_of_reference.is_some()
        && segmentation.text(tags::FRAME_OF_REFERENCE_UID) == image.frame_of_reference;
    let mut frames = Vec::new();
    let mut names_image = false;
    for (number, own) in (1_u32..).zip(&groups) {
        let groups = Groups { own, shared: shared.as_ref() };
        let plane = groups.plane().filter(|_| is_one_space);
        let sources = groups.sources()?;
        let is_here = match sources.is_empty() {
            true => plane.is_some() && plane == image.plane,
            false => {
                names_image |= sources.iter().any(|source| image.has_uid_of(source));
                sources.iter().any(|source| image.is(source))
            }
        };
        if !is_here {
            continue;
        }
        if let (Some(plane), Some(of_image)) = (&plane, &image.plane)
            && !plane.is_near(of_image)
        {
            return Err(RenderError::unsupported("a segmentation in other planes than the image"));
        }
        let segment = groups.number(tags::SEGMENT_IDENTIFICATION_SEQUENCE, tags::REFERENCED_SEGMENT_NUMBER);
        let segment =
            segment.ok_or_else(|| RenderError::corrupt("a frame of the segmentation has no segment"))?;
        frames.push((number, segment));
    }
    // Frames without a pixel of any segment are often left out: then it is told by what it refers to.
    if frames.is_empty() && !names_image && !refers_to(segmentation, &image)? {
        return Err(RenderError::invalid_request("segmentation", "is not of this image"));
    }
    frames.sort_by_key(|&(number, segment)| (segment, number));
    Ok(frames)
}

/// Whether the segmentation names the image among those that it refers to (PS3.3 C.12.2).
fn refers_to(segmentation: &View<'_>, image: &Image<'_>) -> Result<bool, RenderError> {
    for series in segmentation.all_items(tags::REFERENCED_SERIES_SEQUENCE)? {
        let instances = series.all_items(tags::REFERENCED_INSTANCE_SEQUENCE)?;
        if instances.iter().any(|instance| image.has_uid_of(instance)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A frame of an image, as a segmentation may name it.
struct Image<'a> {
    sop_instance_uid: Option<&'a str>,
    frame_number: u32,
    frame_of_reference: Option<&'a str>,
    plane: Option<Plane>,
}

impl<'a> Image<'a> {
    fn new(view: &View<'a>, frame_number: u32) -> Self {
        let frame = FrameView::new(view.clone(), frame_number);
        let numbers = |group, tag| frame.places(group).find_map(|place| reals(&place, tag));
        Self {
            sop_instance_uid: view.text(tags::SOP_INSTANCE_UID),
            frame_number,
            frame_of_reference: view.text(tags::FRAME_OF_REFERENCE_UID),
            plane: Plane::of(numbers),
        }
    }

    fn has_uid_of(&self, reference: &View<'_>) -> bool {
        self.sop_instance_uid.is_some()
            && reference.text(tags::REFERENCED_SOP_INSTANCE_UID) == self.sop_instance_uid
    }

    /// Whether this frame is meant, which it is with all others where none is named.
    fn is(&self, reference: &View<'_>) -> bool {
        let frames = reference.numbers(tags::REFERENCED_FRAME_NUMBER, Numbers::Text);
        self.has_uid_of(reference)
            && (frames.is_empty() || frames.contains(&Some(f64::from(self.frame_number))))
    }
}

/// The functional groups of a frame: its own before the shared ones.
struct Groups<'a, 'b> {
    own: &'b View<'a>,
    shared: Option<&'b View<'a>>,
}

impl<'a> Groups<'a, '_> {
    fn item(&self, group: Tag) -> Option<View<'a>> {
        self.own.item(group, 0).or_else(|| self.shared?.item(group, 0))
    }

    fn number(&self, group: Tag, tag: Tag) -> Option<u16> {
        self.item(group)?.u16(tag)
    }

    fn plane(&self) -> Option<Plane> {
        Plane::of(|group, tag| reals(&self.item(group)?, tag))
    }

    /// The images that the frame was made from.
    fn sources(&self) -> Result<Vec<View<'a>>, RenderError> {
        let mut sources = Vec::new();
        for groups in [Some(self.own), self.shared].into_iter().flatten() {
            for derivation in groups.all_items(tags::DERIVATION_IMAGE_SEQUENCE)? {
                sources.extend(derivation.all_items(tags::SOURCE_IMAGE_SEQUENCE)?);
            }
            if !sources.is_empty() {
                break;
            }
        }
        Ok(sources)
    }
}

/// Where a frame lies: position of its first pixel, directions of rows and columns, spacing.
#[derive(Clone, Debug, PartialEq)]
struct Plane(Vec<f64>);

impl Plane {
    /// Three, six and two numbers; `None` where one is missing.
    fn of(numbers: impl Fn(Tag, Tag) -> Option<Vec<f64>>) -> Option<Self> {
        let parts = [
            (tags::PLANE_POSITION_SEQUENCE, tags::IMAGE_POSITION_PATIENT, 3),
            (tags::PLANE_ORIENTATION_SEQUENCE, tags::IMAGE_ORIENTATION_PATIENT, 6),
            (tags::PIXEL_MEASURES_SEQUENCE, tags::PIXEL_SPACING, 2),
        ];
        let mut plane = Vec::new();
        for (group, tag, count) in parts {
            plane.extend(numbers(group, tag).filter(|numbers| numbers.len() == count)?);
        }
        Some(Self(plane))
    }

    fn is_near(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(one, other)| (one - other).abs() <= APART_MAX)
    }
}

fn reals(view: &View<'_>, tag: Tag) -> Option<Vec<f64>> {
    let numbers = view.numbers(tag, Numbers::Text);
    numbers.into_iter().collect::<Option<Vec<f64>>>().filter(|numbers| !numbers.is_empty())
}
