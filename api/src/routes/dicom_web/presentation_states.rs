//! Presentation states as rendered resources: the images that a state refers to, drawn under it (PS3.18 10.4.1.1.3, PS3.3
//! C.11.11). What a state says of them is for the renderer.

use std::{collections::HashSet, sync::Arc};

use noctis_shared::{
    catalog::ImageRecord, header_json::HeaderJson, image_facts::DataSet, own_id, request::FileBeside,
    sop_class,
};
use serde_json::Value;
use uuid::Uuid;

use super::rendered::PICTURES_MAX;
use crate::{
    back_end::catalog_problem,
    picture::Place,
    problem::{Kind, Problem},
    visible::{Permitted, Visible},
};

const REFERENCED_SERIES: u32 = 0x0008_1115;
const REFERENCED_IMAGES: u32 = 0x0008_1140;
const SERIES_INSTANCE_UID: u32 = 0x0020_000E;
const REFERENCED_SOP_INSTANCE_UID: u32 = 0x0008_1155;
const REFERENCED_FRAME_NUMBER: u32 = 0x0008_1160;

/// A presentation state, and what it refers to.
pub(super) struct State {
    pub(super) beside: FileBeside,
    /// The id of its instance, as the caller named it.
    pub(super) image_id: Uuid,
    images: Vec<Reference>,
}

/// An image that a state refers to, by the id that it has in the study of the state.
struct Reference {
    image_id: Uuid,
    /// All of its frames where none is named.
    frame_numbers: Vec<u32>,
}

impl State {
    /// The state that this instance is; `None` of an instance of another kind.
    ///
    /// # Errors
    /// 422 for a state of a kind that is not drawn, and for one whose header was too long to be kept; 503 when the catalog
    /// does not answer.
    pub(super) async fn of(
        visible: Visible<'_>,
        image_id: Uuid,
        record: &Permitted<Arc<ImageRecord>>,
    ) -> Result<Option<Self>, Problem> {
        if !sop_class::is_presentation_state(record.image.sop_class_uid.as_deref()) {
            return Ok(None);
        }
        check_kind(record)?;
        let json = visible.catalog.header_json(record.key).await.map_err(|error| catalog_problem(&error))?;
        let json = json.ok_or_else(Problem::no_such_image)?;
        if HeaderJson::new(&json).is_empty() {
            return Err(Problem::new(
                Kind::HeaderNotKept,
                "The header of this file was too long to be kept.",
            ));
        }
        let series = HeaderJson::new(&json).get(REFERENCED_SERIES).unwrap_or_default();
        let images = references(&record.metadata.study_instance_uid, series);
        Ok(Some(Self { beside: beside(record), image_id, images }))
    }

    /// The frames that it refers to, in its order: of each image the first, or those of `frame_numbers`.
    ///
    /// # Errors
    /// 404 where it refers to no such frame, 422 where it refers to nothing.
    pub(super) fn places(&self, frame_numbers: Option<&[u32]>) -> Result<Vec<Place>, Problem> {
        if self.images.is_empty() {
            return Err(Problem::new(Kind::Unrenderable, "The presentation state refers to no image."));
        }
        let mut places = Vec::new();
        for Reference { image_id, frame_numbers: own } in &self.images {
            let meant: HashSet<u32> = own.iter().copied().collect();
            let is_meant = |number: &u32| meant.is_empty() || meant.contains(number);
            let numbers: Vec<u32> = match frame_numbers {
                Some(asked) => asked.iter().copied().filter(is_meant).collect(),
                None => vec![own.first().copied().unwrap_or(1)],
            };
            // A header of a few MB names a hundred thousand images.
            if places.len() + numbers.len() > PICTURES_MAX {
                let detail = format!("One answer has {PICTURES_MAX} pictures, and these are more.");
                return Err(Problem::new(Kind::InvalidParameter, detail));
            }
            places
                .extend(numbers.into_iter().map(|frame_number| Place { image_id: *image_id, frame_number }));
        }
        if places.is_empty() {
            return Err(Problem::new(Kind::FrameNotFound, "The presentation state refers to no such frame."));
        }
        Ok(places)
    }
}

/// What a picture that this file decides, too, is asked with.
pub(super) fn beside(record: &Permitted<Arc<ImageRecord>>) -> FileBeside {
    FileBeside { image_id: record.key, content_digest: record.content_digest }
}

/// # Errors
/// 422 for a state that is not drawn: of other kinds than grayscale and color softcopy (PS3.3 A.33.1, A.33.2).
pub(super) fn check_kind(record: &ImageRecord) -> Result<(), Problem> {
    if sop_class::is_drawn_presentation_state(record.image.sop_class_uid.as_deref()) {
        return Ok(());
    }
    let detail =
        "Of presentation states, those of kind grayscale and color softcopy are drawn, and no others.";
    Err(Problem::new(Kind::Unrenderable, detail))
}

/// The images of a Referenced Series Sequence (0008,1115) as DICOM JSON, which are of the same study (PS3.3 C.11.11).
fn references(study_instance_uid: &str, series: &str) -> Vec<Reference> {
    let series: Value = serde_json::from_str(series).unwrap_or_default();
    let items = series["Value"].as_array().map(Vec::as_slice).unwrap_or_default();
    let of_series = |series: &Value| {
        let uid = series.texts(SERIES_INSTANCE_UID).into_iter().next().unwrap_or_default();
        let images = series[format!("{REFERENCED_IMAGES:08X}")]["Value"].as_array().cloned();
        let of_image = move |image: &Value| {
            let instance = image.texts(REFERENCED_SOP_INSTANCE_UID).into_iter().next()?;
            let frames = image.texts(REFERENCED_FRAME_NUMBER);
            Some(Reference {
                image_id: own_id::of_image(study_instance_uid, &uid, &instance),
                frame_numbers: frames.iter().filter_map(|number| number.trim().parse().ok()).collect(),
            })
        };
        images.unwrap_or_default().iter().filter_map(of_image).collect::<Vec<_>>()
    };
    items.iter().flat_map(of_series).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two series, the second of a multi-frame image.
    const SERIES: &str = r#"{"vr":"SQ","Value":[
        {"0020000E":{"vr":"UI","Value":["1.2"]},"00081140":{"vr":"SQ","Value":[
            {"00081155":{"vr":"UI","Value":["1.2.1"]}},{"00081150":{"vr":"UI","Value":["1"]}}]}},
        {"0020000E":{"vr":"UI","Value":["1.3"]},"00081140":{"vr":"SQ","Value":[
            {"00081155":{"vr":"UI","Value":["1.3.1"]},"00081160":{"vr":"IS","Value":[3,"5"]}}]}}]}"#;

    fn state(series: &str) -> State {
        let content_digest = noctis_shared::render_key::ContentDigest([0; 32]);
        let beside = FileBeside { image_id: Uuid::nil(), content_digest };
        State { beside, image_id: Uuid::nil(), images: references("1", series) }
    }

    #[test]
    fn images_come_in_the_order_of_the_state_each_with_a_frame_that_is_meant() {
        let state = state(SERIES);
        let place = |series, instance, frame_number| Place {
            image_id: own_id::of_image("1", series, instance),
            frame_number,
        };
        let (plain, cine) = (|frame| place("1.2", "1.2.1", frame), |frame| place("1.3", "1.3.1", frame));
        assert_eq!(state.places(None), Ok(vec![plain(1), cine(3)]));
        assert_eq!(state.places(Some(&[1])), Ok(vec![plain(1)]));
        assert_eq!(state.places(Some(&[5, 3])), Ok(vec![plain(5), plain(3), cine(5), cine(3)]));
    }

    #[test]
    fn a_state_without_images_and_a_frame_that_is_not_meant_are_said_to_be_so() {
        for nothing in ["", "{}", r#"{"Value":[{}]}"#, r#"{"Value":"x"}"#] {
            let problem = state(nothing).places(None).expect_err(nothing);
            assert_eq!(problem.kind(), Kind::Unrenderable, "{nothing}");
        }
        let cine_alone = &SERIES.replace("1.2.1\"]}}", "1.2.1\"]},\"00081160\":{\"Value\":[2]}}");
        let problem = state(cine_alone).places(Some(&[4])).expect_err("no such frame");
        assert_eq!(problem.kind(), Kind::FrameNotFound);
    }
}
