//! What DICOMweb names by the UIDs of all its levels, which name one thing alone: nothing has to be looked up to know
//! whether the caller may see it.

use noctis_shared::{
    auth::SharedThing,
    catalog::{Among, CatalogError, HeadersOf, Hits, Search},
    dicom_uid::{looks_like_uid, public_id},
    own_id,
};

use super::{Permitted, Visible};
use crate::{caller::Sight, problem::Problem};

impl Visible<'_> {
    /// Whose headers these UIDs name. Whether there are any the catalog tells.
    ///
    /// # Errors
    /// 404 for what is no UID, and for what the caller may not see.
    pub(crate) fn headers_of(
        &self,
        study: &str,
        series: Option<&str>,
        instance: Option<&str>,
    ) -> Result<Permitted<HeadersOf>, Problem> {
        let sight = &self.caller.sight;
        let study_id = public_id(study);
        let are_uids = [Some(study), series, instance].into_iter().flatten().all(looks_like_uid);
        let (of, is_seen, unknown): (_, _, fn() -> Problem) = match (series, instance) {
            (None, _) => (HeadersOf::Study(study_id), sight.reaches(study_id), Problem::no_such_study),
            (Some(series), None) => {
                let own_id = own_id::of_series(study, series);
                (HeadersOf::Series(own_id), sight.reaches_series(study_id, own_id), Problem::no_such_series)
            }
            (Some(series), Some(instance)) => {
                let (of_series, own_id) =
                    (own_id::of_series(study, series), own_id::of_image(study, series, instance));
                let is_seen = sight.reaches_image(study_id, of_series, own_id);
                (HeadersOf::Instance(own_id), is_seen, Problem::no_such_image)
            }
        };
        if are_uids && is_seen { Ok(Permitted { study_id, thing: of }) } else { Err(unknown()) }
    }

    /// The matches of a search, among what the caller may see.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub(crate) async fn search(&self, search: &Search) -> Result<Hits, CatalogError> {
        let among = match &self.caller.sight {
            Sight::Everything => Among::Everything,
            Sight::Studies(study_ids) => Among::Studies(study_ids.iter().copied().collect()),
            Sight::Shared(SharedThing::Study { study_id }) => Among::Studies(vec![*study_id]),
            Sight::Shared(SharedThing::Series { series_id, .. }) => Among::Series(*series_id),
            Sight::Shared(SharedThing::Image { image_id, .. }) => Among::Instance(*image_id),
        };
        self.catalog.search(&Search { among, ..search.clone() }).await
    }
}
