//! Jobs that clients are told of.

use std::sync::Arc;

use chrono::{TimeDelta, Utc};
use noctis_shared::{
    catalog::{Again, Catalog, CatalogError, FramesOfImage, JobFilter, Ordered},
    client_job::{ClientJob, ClientWork, JobKind, JobState, Progress},
    request::{FrameRequest, PictureFormat},
};
use uuid::Uuid;

use super::{
    place::Place,
    sample::{failure, image_id, instance, key, picture, put, study_id},
};

const OPEN_MAX: u32 = 3;

fn prerender(study: u32) -> ClientJob {
    let work =
        ClientWork::Prerender { presets: vec!["default".to_owned(), "lung".to_owned()], thumbnails: true };
    ClientJob::new(Uuid::new_v4(), study_id(study), "ada", work, 12)
}

fn render(owner: &str) -> ClientJob {
    let work = ClientWork::Render {
        image_id: image_id(1, 1, 1),
        request: FrameRequest::new(PictureFormat::Jpeg { quality: 90 }),
        url: "/api/v1/dicom/images/1.2?preset=lung".to_owned(),
        patience_seconds: 30,
    };
    ClientJob::new(ClientJob::id_of_render(&key(1), owner), study_id(1), owner, work, 1)
}

async fn order(catalog: &Catalog, job: &ClientJob) -> ClientJob {
    match catalog.order_job(job, Again::Anew, OPEN_MAX).await.unwrap() {
        Ordered::Job(job) => *job,
        Ordered::TooMany => panic!("one more is not too many"),
    }
}

/// `job` as a database keeps it: times in microseconds.
fn kept(job: &ClientJob) -> ClientJob {
    let micros = |time: chrono::DateTime<Utc>| {
        chrono::DateTime::from_timestamp_micros(time.timestamp_micros()).expect("a time")
    };
    ClientJob { created_at: micros(job.created_at), updated_at: micros(job.updated_at), ..job.clone() }
}

fn list(owner: &str) -> JobFilter {
    JobFilter { owner: owner.to_owned(), limit: 100, ..JobFilter::default() }
}

pub(super) async fn a_job_reads_back_and_the_same_again_is_the_same_job(place: Arc<Place>) {
    let catalog = place.connect().await;
    for job in [prerender(1), render("ada")] {
        assert_eq!(catalog.job(job.job_id).await, Ok(None));
        assert_eq!(order(&catalog, &job).await, kept(&job));
        assert_eq!(catalog.job(job.job_id).await, Ok(Some(kept(&job))));
        let again = ClientJob { created_at: Utc::now() + TimeDelta::seconds(5), ..job.clone() };
        assert_eq!(order(&catalog, &again).await, kept(&job), "it is under way");
    }
    let job = kept(&render("ada"));
    let ended = Progress { total: 1, done: 1, ..Progress::default() };
    assert_eq!(catalog.advance_job(&job, JobState::Done, &ended).await, Ok(Some(2)));
    let Ok(Ordered::Job(stays)) = catalog.order_job(&job, Again::Never, OPEN_MAX).await else {
        panic!("a job")
    };
    assert_eq!((stays.state, stays.version, &stays.progress), (JobState::Done, 2, &ended));
    let anew = order(&catalog, &job).await;
    assert_eq!((anew.state, anew.version, anew.expires_at), (JobState::Queued, 3, None));
    assert_eq!(anew.progress, Progress { total: 1, ..Progress::default() });
}

pub(super) async fn a_job_changes_only_from_the_version_that_is_known(place: Arc<Place>) {
    let catalog = place.connect().await;
    let job = order(&catalog, &prerender(1)).await;
    let mut progress = Progress { total: 13, done: 5, ..Progress::default() };
    progress.count_failure("unrenderable");
    assert_eq!(catalog.advance_job(&job, JobState::Running, &progress).await, Ok(Some(2)));
    assert_eq!(catalog.advance_job(&job, JobState::Running, &progress).await, Ok(None), "another drives it");
    let now = catalog.job(job.job_id).await.unwrap().expect("a job");
    assert_eq!((now.state, now.version, &now.progress), (JobState::Running, 2, &progress));
    assert!(now.updated_at >= now.created_at && now.expires_at.is_none());

    assert_eq!(catalog.cancel_job(job.job_id).await, Ok(true));
    assert_eq!(catalog.cancel_job(job.job_id).await, Ok(false), "once");
    assert_eq!(catalog.cancel_job(Uuid::new_v4()).await, Ok(false));
    assert_eq!(catalog.advance_job(&now, JobState::Done, &progress).await, Ok(None));
    let cancelled = catalog.job(job.job_id).await.unwrap().expect("a job");
    assert_eq!((cancelled.state, cancelled.version), (JobState::Cancelled, 3));
    assert_eq!(
        catalog.advance_job(&cancelled, JobState::Done, &progress).await,
        Ok(None),
        "what has ended has ended, whatever version is known"
    );
    let lasts = cancelled.expires_at.expect("ended") - Utc::now();
    assert!(lasts > TimeDelta::hours(23) && lasts <= TimeDelta::hours(24), "{lasts}");
}

pub(super) async fn one_owner_has_a_bounded_number_under_way_and_old_ones_are_forgotten(place: Arc<Place>) {
    let catalog = place.connect().await;
    let began = Utc::now();
    // Each at a time of its own: several are made within one microsecond, and their order is nobody's then.
    let at = |nth: u32| began + TimeDelta::microseconds(nth.into());
    let jobs: Vec<ClientJob> =
        (0..OPEN_MAX).map(|nth| ClientJob { created_at: at(nth), ..prerender(1) }).collect();
    for job in &jobs {
        order(&catalog, job).await;
    }
    let more = prerender(2);
    assert_eq!(catalog.order_job(&more, Again::Anew, OPEN_MAX).await, Ok(Ordered::TooMany));
    assert_eq!(catalog.job(more.job_id).await, Ok(None));
    let of_eve = ClientJob { owner: "eve".to_owned(), ..more.clone() };
    order(&catalog, &of_eve).await;
    let open: Vec<Uuid> =
        catalog.open_jobs(JobKind::Prerender, 3).await.unwrap().iter().map(|job| job.job_id).collect();
    assert_eq!(open, [jobs[0].job_id, of_eve.job_id, jobs[1].job_id], "nobody waits behind all of another");
    assert_eq!(catalog.open_jobs(JobKind::Render, 3).await, Ok(Vec::new()));

    assert_eq!(catalog.cancel_job(jobs[0].job_id).await, Ok(true));
    // A day and a bit later, by the clock of who orders.
    let later = ClientJob { created_at: Utc::now() + TimeDelta::hours(25), ..prerender(3) };
    order(&catalog, &later).await;
    assert_eq!(catalog.job(jobs[0].job_id).await, Ok(None), "swept away in passing");
    assert!(catalog.job(jobs[1].job_id).await.unwrap().is_some(), "what is under way stays");
}

pub(super) async fn jobs_are_listed_newest_first_of_studies_and_for_their_owner(place: Arc<Place>) {
    let catalog = place.connect().await;
    let start = Utc::now();
    let mut ordered = Vec::new();
    for (number, job) in [prerender(1), render("ada"), render("eve"), prerender(2)].into_iter().enumerate() {
        let created_at = start + TimeDelta::seconds(number as i64);
        let job = ClientJob { created_at, updated_at: created_at, ..job };
        ordered.push(order(&catalog, &job).await);
    }
    let [first, of_ada, of_eve, last] = <[ClientJob; 4]>::try_from(ordered).expect("four");
    let listed = async |filter: JobFilter| {
        let page = catalog.jobs(&filter).await.unwrap();
        (page.jobs.iter().map(|job| job.job_id).collect::<Vec<_>>(), page.total, page.next)
    };
    assert_eq!(listed(list("ada")).await, (vec![last.job_id, of_ada.job_id, first.job_id], 3, None));
    let of_study = JobFilter { among: Some(vec![study_id(1)]), ..list("eve") };
    assert_eq!(listed(of_study).await, (vec![of_eve.job_id, first.job_id], 2, None));
    assert_eq!(listed(JobFilter { among: Some(Vec::new()), ..list("eve") }).await, (Vec::new(), 0, None));
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let (page, total, next) = listed(JobFilter { limit: 1, after, ..list("ada") }).await;
        assert_eq!(total, 3, "on every page");
        seen.extend(page);
        after = next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, [last.job_id, of_ada.job_id, first.job_id]);
    let wrong = JobFilter { after: Some("yesterday".to_owned()), ..list("ada") };
    assert!(matches!(catalog.jobs(&wrong).await, Err(CatalogError::Invalid(_))));
}

pub(super) async fn frames_of_a_study_and_what_is_kept_of_them_are_told(place: Arc<Place>) {
    let catalog = place.connect().await;
    let mut report = instance(1, 2, 1);
    report.frame_count = 0;
    report.frames.clear();
    let mut cine = instance(1, 1, 2);
    cine.frame_count = 2;
    cine.frames = vec![cine.frames[0]; 2];
    catalog.record_instances(&[report, cine, instance(1, 1, 1), instance(2, 1, 1)], false).await.unwrap();
    let frames =
        |series, number, frame_count| FramesOfImage { image_id: image_id(1, series, number), frame_count };
    assert_eq!(
        catalog.frames_of_study(study_id(1)).await,
        Ok(vec![frames(1, 1, 1), frames(1, 2, 2), frames(2, 1, 0)])
    );
    assert_eq!(catalog.frames_of_study(study_id(9)).await, Ok(Vec::new()));
    put(&catalog, 1, image_id(1, 1, 1), &picture(10)).await;
    put(&catalog, 2, image_id(1, 1, 1), &failure("damaged")).await;
    assert_eq!(catalog.pictures_there(&[key(1), key(2), key(3)]).await, Ok(vec![key(1)]));
    assert_eq!(catalog.pictures_there(&[]).await, Ok(Vec::new()));
}
