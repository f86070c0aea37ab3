//! Where an attribute of one frame is found: its own functional group, the shared one, the top level (PS3.3 C.7.6.16).

use dicom_core::Tag;
use dicom_dictionary_std::tags;

use super::parse::view::View;

/// The data set as one frame sees it.
pub(crate) struct FrameView<'a> {
    top: View<'a>,
    per_frame: Option<View<'a>>,
    shared: Option<View<'a>>,
}

impl<'a> FrameView<'a> {
    /// The item of the frame is found by its position in the sequence, whether or not its neighbours are complete.
    pub(crate) fn new(top: View<'a>, frame_number: u32) -> Self {
        let index = frame_number.saturating_sub(1) as usize;
        let per_frame = top.item(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, index);
        let shared = top.item(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, 0);
        Self { top, per_frame, shared }
    }

    pub(crate) fn top(&self) -> &View<'a> {
        &self.top
    }

    /// The places to look for attributes of the group `macro_sequence`, nearest first.
    pub(crate) fn places(&self, macro_sequence: Tag) -> impl Iterator<Item = View<'a>> + '_ {
        [self.per_frame.as_ref(), self.shared.as_ref()]
            .into_iter()
            .flatten()
            .filter_map(move |group| group.item(macro_sequence, 0))
            .chain(std::iter::once_with(|| self.top.clone()))
    }
}
