//! Pictures that another file decides, too: images under a presentation state, and under a segmentation.

use axum::response::Response;
use noctis_shared::dicom_uid::{looks_like_uid, public_id};
use uuid::Uuid;

use super::{
    asks::Asks,
    presentation_states::{self, State},
    rendered::Form,
    rendered_parameters::Rendered,
};
use crate::{
    picture::{Asked, Place},
    problem::{Kind, Problem},
};

/// What may be laid over pictures (PS3.4 B.5).
const SEGMENTATION_STORAGE: &str = "1.2.840.10008.5.1.4.1.1.66.4";

/// What a presentation state comes to.
enum Presented {
    Picture(Response),
    Parts { rendered: Rendered, form: Form, places: Vec<Place> },
}

impl Asks {
    /// With the segmentation that is named, which is of the same study as the image.
    pub(super) async fn with_segmentation(
        &self,
        rendered: Rendered,
        image_id: Uuid,
    ) -> Result<Rendered, Problem> {
        const NAME: &str = "segmentation";
        let Some(uid) = &rendered.segmentation else { return Ok(rendered) };
        let image = self.visible().image(image_id).await?;
        if !looks_like_uid(uid) {
            return Err(Problem::parameter(NAME, "takes a SOP Instance UID"));
        }
        let found = self.visible().image(public_id(uid)).await?;
        if found.study_id() != image.study_id() {
            return Err(Problem::no_such_image());
        }
        if found.image.sop_class_uid.as_deref() != Some(SEGMENTATION_STORAGE) {
            return Err(Problem::parameter(NAME, "names no segmentation"));
        }
        let segmentation = Some(presentation_states::beside(&found));
        Ok(Rendered { asked: Asked { segmentation, ..rendered.asked }, ..rendered })
    }

    /// What a presentation state refers to, drawn under it: one picture, or several as parts.
    pub(super) async fn presented(
        self,
        state: State,
        frame_numbers: Option<&[u32]>,
    ) -> Result<Response, Problem> {
        let state_id = state.image_id;
        match self.presented_once(state, frame_numbers).await {
            Ok(Presented::Picture(response)) => Ok(response),
            Ok(Presented::Parts { rendered, form, places }) => {
                // How large they are is not known here: one at a time.
                self.parts(rendered, form, u64::MAX, places).await
            }
            Err(problem) => Err(self.forgetting(state_id, problem).await),
        }
    }

    /// `problem`; the next request knows the file as it is now, if it was replaced.
    async fn forgetting(&self, image_id: Uuid, problem: Problem) -> Problem {
        if matches!(problem.kind(), Kind::ImageReplaced | Kind::FileMissing) {
            self.api.images.forget_with(image_id, &self.api.cache).await;
        }
        problem
    }

    async fn presented_once(
        &self,
        state: State,
        frame_numbers: Option<&[u32]>,
    ) -> Result<Presented, Problem> {
        let (mut query, form) = self.query()?;
        let windows = &self.api.windows;
        let mut rendered = Rendered::take_presented(&mut query, form.format, state.beside, windows)?;
        let places = state.places(frame_numbers)?;
        match places[..] {
            [Place { image_id, frame_number }] if !form.in_parts => {
                rendered.asked.frame_number = frame_number;
                self.answer(image_id, rendered).await.map(Presented::Picture)
            }
            _ => Ok(Presented::Parts { rendered, form, places }),
        }
    }

    /// A small picture of what a presentation state shows, without what is drawn and written over it, which nobody could
    /// read.
    pub(super) async fn presented_thumbnail(&self, state: &State) -> Result<Response, Problem> {
        let (mut query, Form { format, .. }) = self.query()?;
        let places = state.places(None)?;
        let Place { image_id, frame_number } = places[places.len() / 2];
        let rendered = Rendered::take_thumbnail(&mut query, frame_number, format)?;
        let presentation_state = Some(state.beside);
        let asked = Asked { overlays: Some(false), presentation_state, ..rendered.asked };
        match self.answer(image_id, Rendered { asked, ..rendered }).await {
            Err(problem) => Err(self.forgetting(state.image_id, problem).await),
            answer => answer,
        }
    }
}
