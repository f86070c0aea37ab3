//! What there is for a caller: the one place where it is asked who may see what, before a document or a picture is
//! looked up, held against a validator or taken from a cache.
//!
//! Of several with one UID a caller is told those that it may see. Whatever tells of a study takes a [`Permitted`], and only this room makes one. What a caller may not see is answered
//! like what is not there, also among the choices of a shared UID. What must not be here: who a caller is (`edge`), and
//! what is told of a thing (`routes`, `picture`).

mod ambiguous;
mod by_uids;
mod known_images;
mod listed;
#[cfg(test)]
mod tests;

use std::{ops::Deref, sync::Arc};

use noctis_shared::{
    answer::Image,
    auth::Scope,
    cache::Cache,
    catalog::{
        Catalog, CatalogError, Choice, Found, ImageRecord, JobFilter, SeriesPlace, StudyFilter, StudyPage,
    },
    client_job::{ClientJob, JobKind},
    dicom_uid::parse_public_id,
    upload::Upload,
};
use uuid::Uuid;

pub(crate) use self::{known_images::KnownImages, listed::Listed};
use crate::{
    audit::Audit,
    back_end::catalog_problem,
    caller::{Caller, Sight},
    problem::Problem,
};

/// Something of a study that was found, and that the caller may see.
#[derive(Debug, Clone)]
pub(crate) struct Permitted<T> {
    study_id: Uuid,
    thing: T,
}

impl<T> Permitted<T> {
    /// The study it belongs to.
    pub(crate) fn study_id(&self) -> Uuid {
        self.study_id
    }

    /// What is told of it, to the same caller.
    pub(crate) fn told_as<U>(&self, told: U) -> Permitted<U> {
        Permitted { study_id: self.study_id, thing: told }
    }

    pub(crate) fn into_inner(self) -> T {
        self.thing
    }
}

impl<T> Deref for Permitted<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.thing
    }
}

/// What is known, through the eyes of one caller.
#[derive(Clone, Copy)]
pub(crate) struct Visible<'a> {
    pub(crate) caller: &'a Caller,
    pub(crate) images: &'a KnownImages,
    pub(crate) cache: &'a Cache,
    pub(crate) catalog: &'a Catalog,
    pub(crate) audit: &'a Audit,
}

impl<'a> Visible<'a> {
    /// `thing` of the study with this id; `None` when the caller may not see that study.
    pub(crate) fn of_study<T>(&self, study_id: Uuid, thing: T) -> Option<Permitted<T>> {
        self.caller.sight.reaches(study_id).then_some(Permitted { study_id, thing })
    }

    /// The study that `segment` (UUID or Study Instance UID) names. Whether there is one its documents tell.
    ///
    /// # Errors
    /// 404 for what is no id, and for a study that the caller may not see.
    pub(crate) fn study(&self, segment: &str) -> Result<Permitted<Uuid>, Problem> {
        let study_id = parse_public_id(segment).ok_or_else(Problem::no_such_study)?;
        self.of_study(study_id, study_id).ok_or_else(Problem::no_such_study)
    }

    /// The studies that `filter` lets through.
    ///
    /// # Errors
    /// [`CatalogError`], also for a page that is none.
    pub(crate) async fn studies(&self, filter: &StudyFilter) -> Result<StudyPage, CatalogError> {
        match &self.caller.sight {
            Sight::Everything => self.catalog.studies(filter).await,
            Sight::Studies(study_ids) => {
                let among = Some(study_ids.iter().copied().collect());
                self.catalog.studies(&StudyFilter { among, ..filter.clone() }).await
            }
            Sight::Shared(_) => {
                self.catalog.studies(&StudyFilter { among: Some(vec![]), ..filter.clone() }).await
            }
        }
    }

    /// Notes for the audit that the caller was shown something of this study.
    pub(crate) fn note_opened(&self, study_id: Uuid) {
        self.audit.note(self.caller, study_id);
    }

    /// The job that `segment` names.
    ///
    /// # Errors
    /// 404 for what is no id, for an unknown job, for one of a study that the caller may not see, and for another's single
    /// picture, as in lists; 503 when the catalog does not answer.
    pub(crate) async fn job(&self, segment: &str) -> Result<Permitted<ClientJob>, Problem> {
        let job_id = Uuid::try_parse(segment).map_err(|_| Problem::no_such_job())?;
        let job = self.catalog.job(job_id).await.map_err(|error| catalog_problem(&error))?;
        let is_told = |job: &ClientJob| {
            job.work.kind() == JobKind::Prerender
                || job.owner == self.caller.name
                || self.caller.scopes.has(Scope::StudiesWrite)
        };
        let job = job.filter(is_told).and_then(|job| self.of_study(job.study_id, job));
        job.ok_or_else(Problem::no_such_job)
    }

    /// The upload that `segment` names.
    ///
    /// # Errors
    /// 404 for what is no id, for an unknown upload, and for another's but to operators; 503 when the catalog does not answer.
    pub(crate) async fn upload(&self, segment: &str) -> Result<Upload, Problem> {
        let event_id = Uuid::try_parse(segment).map_err(|_| Problem::no_such_upload())?;
        let upload = self.catalog.upload(event_id).await.map_err(|error| catalog_problem(&error))?;
        let sight = &self.caller.sight;
        let is_operator = sight.is_everything() && self.caller.scopes.has(Scope::Admin);
        // A narrower token of the same subject is told of no study that it does not reach.
        let reaches_all = |upload: &Upload| match &upload.admits.study_ids {
            None => sight.is_everything(),
            Some(study_ids) => study_ids.iter().all(|study_id| sight.reaches(*study_id)),
        };
        let is_own = |upload: &Upload| upload.owner == self.caller.name && reaches_all(upload);
        let upload = upload.filter(|upload| is_operator || is_own(upload));
        upload.ok_or_else(Problem::no_such_upload)
    }

    /// One page of the jobs of studies that the caller may see: its own, and prerenders whoever ordered them.
    ///
    /// # Errors
    /// [`CatalogError`], also for a page that is none.
    pub(crate) async fn jobs(
        &self,
        limit: u32,
        after: Option<String>,
    ) -> Result<(Vec<Permitted<ClientJob>>, u64, Option<String>), CatalogError> {
        let among = match &self.caller.sight {
            Sight::Everything => None,
            Sight::Studies(study_ids) => Some(study_ids.iter().copied().collect()),
            Sight::Shared(_) => Some(vec![]),
        };
        let filter = JobFilter { owner: self.caller.name.clone(), among, limit, after };
        let page = self.catalog.jobs(&filter).await?;
        let jobs = page.jobs.into_iter().filter_map(|job| self.of_study(job.study_id, job));
        Ok((jobs.collect(), page.total, page.next))
    }

    /// The series with this public id.
    ///
    /// # Errors
    /// 404 for one that is not there for the caller; 409 for a UID of several; 503 when the catalog does not answer.
    pub(crate) async fn series(&self, series_id: Uuid) -> Result<Permitted<SeriesPlace>, Problem> {
        let mut found = self.find_series(series_id).await?;
        if let Found::Several(choices) = &mut found {
            choices.retain(|it| self.caller.sight.reaches_series(it.study_id, it.series_id));
            if let [only] = choices[..] {
                found = self.find_series(only.series_id).await?;
            }
        }
        let place = one(found, Problem::no_such_series)?;
        let study_id = place.study_id;
        if !self.caller.sight.reaches_series(study_id, place.own_id) {
            return Err(Problem::no_such_series());
        }
        self.note_opened(study_id);
        Ok(Permitted { study_id, thing: place })
    }

    /// The images of a series, in display order.
    ///
    /// # Errors
    /// 404 for a series that is gone meanwhile; 503 when the catalog does not answer.
    pub(crate) async fn images_of(&self, series: &Permitted<SeriesPlace>) -> Result<Vec<Image>, Problem> {
        let images = self.catalog.images_of_series(series.key).await;
        images.map_err(|error| catalog_problem(&error))?.ok_or_else(Problem::no_such_series)
    }

    /// The image with this public id.
    ///
    /// # Errors
    /// 404 for one that is not there for the caller; 409 for a UID of several; 503 when only the catalog could tell and
    /// does not answer.
    pub(crate) async fn image(&self, image_id: Uuid) -> Result<Permitted<Arc<ImageRecord>>, Problem> {
        let reaches =
            |study_id, series_id, image_id| self.caller.sight.reaches_image(study_id, series_id, image_id);
        let mut found = self.images.find(image_id, self.cache, self.catalog).await?;
        if let Found::Several(choices) = &mut found {
            choices.retain(|it| it.image_id.is_some_and(|id| reaches(it.study_id, it.series_id, id)));
            if let [Choice { image_id: Some(own_id), .. }] = choices[..] {
                found = self.images.find(own_id, self.cache, self.catalog).await?;
            }
        }
        let image = one(found, Problem::no_such_image)?;
        let study_id = image.study_id;
        if !reaches(study_id, image.own.series_id, image.own.image_id) {
            return Err(Problem::no_such_image());
        }
        self.note_opened(study_id);
        Ok(Permitted { study_id, thing: image })
    }

    /// Whether what is known of an image is of a file that another has taken the place of. `false` when nobody can tell.
    pub(crate) async fn was_replaced(&self, image: &Permitted<Arc<ImageRecord>>) -> bool {
        let now = self.catalog.image(image.key).await;
        now.is_ok_and(|now| {
            now.is_none_or(|now| {
                (&now.location, now.content_digest) != (&image.location, image.content_digest)
            })
        })
    }

    async fn find_series(&self, series_id: Uuid) -> Result<Found<SeriesPlace>, Problem> {
        self.catalog.find_series(series_id).await.map_err(|error| catalog_problem(&error))
    }
}

fn one<T>(found: Found<T>, unknown: impl FnOnce() -> Problem) -> Result<T, Problem> {
    match found {
        Found::One(thing) => Ok(thing),
        Found::Several(choices) if !choices.is_empty() => Err(ambiguous::problem(&choices)),
        Found::Nothing | Found::Several(_) => Err(unknown()),
    }
}
