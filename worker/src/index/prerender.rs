//! Prerenders that an event orders: a job a study, which whoever serves the API drives.

use std::collections::BTreeSet;

use noctis_shared::{
    catalog::{Again, Catalog, CatalogError, Ordered},
    client_job::{ClientJob, ClientWork},
    event::{Event, StudyNew},
    presets::Presets,
    submit::Views,
};
use tracing::{info, warn};
use uuid::Uuid;

/// Studies of one event whose pictures are made ahead. Folders hold more where nobody means them all.
const STUDIES_MAX: usize = 100;
/// Views of one event.
const PRESETS_MAX: usize = 16;
/// Jobs of one source that may be under way. Beyond, pictures are made when they are asked for.
const OPEN_MAX: u32 = 10_000;
/// Bytes of the name of a source that an owner is called by.
const SOURCE_BYTES_MAX: usize = 200;

/// Orders what `event` asks for of the studies that it brought. The same event again orders nothing more.
///
/// # Errors
/// [`CatalogError`] when the catalog does not answer.
pub(super) async fn order(
    catalog: &Catalog,
    presets: &Presets,
    event: &Event<StudyNew>,
    study_ids: &BTreeSet<Uuid>,
) -> Result<(), CatalogError> {
    let names = &event.data.prerender;
    if names.is_empty() {
        return Ok(());
    }
    let asked = &names[..names.len().min(PRESETS_MAX)];
    let views = Views::of_known(presets, asked, true);
    let names_made = views.names();
    if names_made.is_empty() {
        warn!("the event asks for a prerender of views that are none");
        return Ok(());
    }
    if names_made.len() < names.len() {
        info!(
            asked = names.len(),
            made = names_made.len(),
            "not every view that the event names is made ahead"
        );
    }
    if study_ids.len() > STUDIES_MAX {
        warn!(
            studies = study_ids.len(),
            made = STUDIES_MAX,
            "the event brought more studies than are made ahead"
        );
    }
    let owner = owner_of(&event.source);
    for study_id in study_ids.iter().take(STUDIES_MAX) {
        let images = catalog.frames_of_study(*study_id).await?;
        let Some(total) = views.count(&images) else {
            warn!("a study of the event has more pictures than are made ahead");
            continue;
        };
        let job_id = ClientJob::id_of_event(&event.source, &event.id, *study_id);
        let work = ClientWork::Prerender { presets: names_made.clone(), thumbnails: true };
        let job = ClientJob::new(job_id, *study_id, &owner, work, total);
        if let Ordered::TooMany = catalog.order_job(&job, Again::Never, OPEN_MAX).await? {
            warn!("too many prerenders of this source are under way: the event orders none");
        }
    }
    Ok(())
}

/// Whose job it is: of no caller.
fn owner_of(source: &str) -> String {
    let end = (0..=SOURCE_BYTES_MAX.min(source.len())).rev().find(|end| source.is_char_boundary(*end));
    format!("event:{}", &source[..end.unwrap_or(0)])
}

#[cfg(test)]
mod tests {
    use noctis_shared::{catalog::CatalogLimits, client_job::JobKind};

    use super::*;

    #[tokio::test]
    async fn an_event_orders_a_job_for_each_study_once_and_views_that_are_none_are_left_out() {
        let catalog = Catalog::connect("sqlite::memory:", CatalogLimits::default()).await.expect("a catalog");
        let prerender = ["lung", "nose", "default"].map(str::to_owned).to_vec();
        let data = StudyNew { prerender, ..StudyNew::default() };
        let event = Event::new("study.new.v1", "/ingest/site-a", None, data);
        let study_ids = BTreeSet::from([Uuid::from_u128(1), Uuid::from_u128(2)]);
        for _ in 0..2 {
            order(&catalog, &Presets::default(), &event, &study_ids).await.expect("ordered");
        }
        let jobs = catalog.open_jobs(JobKind::Prerender, 10).await.expect("jobs");
        assert_eq!(jobs.iter().map(|job| job.study_id).collect::<BTreeSet<_>>(), study_ids);
        assert_eq!((jobs.len(), jobs[0].owner.as_str()), (2, "event:/ingest/site-a"));
        let presets = ["lung", "default"].map(str::to_owned).to_vec();
        assert_eq!(jobs[0].work, ClientWork::Prerender { presets, thumbnails: true });

        let nothing =
            |prerender| Event::new("study.new.v1", "/b", None, StudyNew { prerender, ..StudyNew::default() });
        for prerender in [Vec::new(), vec!["nose".to_owned()]] {
            order(&catalog, &Presets::default(), &nothing(prerender), &study_ids)
                .await
                .expect("nothing to order");
        }
        assert_eq!(catalog.open_jobs(JobKind::Prerender, 10).await.expect("jobs").len(), 2);
    }

    #[test]
    fn the_name_of_an_owner_is_bounded_and_cut_between_characters() {
        assert_eq!(owner_of("/ingest/site-a"), "event:/ingest/site-a");
        let long = owner_of(&"ä".repeat(150));
        assert_eq!(long.len(), "event:".len() + 200);
        assert!(owner_of(&format!("x{}", "ä".repeat(150))).len() < long.len());
    }
}
