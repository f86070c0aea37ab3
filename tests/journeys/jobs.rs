//! Jobs that outlive those who work on them.

use serde_json::{Value, json};

use super::{
    distributed::{Deployment, publish_event, wait_for_images},
    embedded::serve,
    files::{slice_uid, study_uid, write_study},
    http::Viewer,
    program::{Program, wait_until},
};

const VIEWS: [&str; 5] = ["default", "lung", "bone", "brain", "abdomen"];

/// Orders pictures enough to be interrupted in.
fn order(viewer: &Viewer, study: &str) -> Value {
    let path = format!("/api/v1/dicom/studies/{}/prerender", study_uid(study));
    let answer = viewer.post_json(&path, &json!({"presets": VIEWS}));
    assert_eq!(answer.status, 202, "{}", answer.text());
    answer.json()
}

fn job_of(viewer: &Viewer, job: &Value) -> Value {
    let answer = viewer.get(&format!("/api/v1/jobs/{}", job["job_id"].as_str().expect("an id")));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn wait_until_it_runs(viewer: &Viewer, job: &Value) {
    wait_until("some pictures", || {
        let now = job_of(viewer, job);
        assert_eq!(now["expires_at"], Value::Null, "it was done too soon: {now}");
        now["done"].as_u64().filter(|done| *done > 0)
    });
}

/// Waits until the job has ended well, and every picture of it is there.
fn wait_until_done(viewer: &Viewer, job: &Value, study: &str, slices: u32) {
    let end = wait_until("the end of the job", || {
        Some(job_of(viewer, job)).filter(|job| job["expires_at"].is_string())
    });
    let total = slices * (VIEWS.len() as u32 + 1);
    assert_eq!(
        (&end["state"], &end["done"], &end["total"]),
        (&"done".into(), &total.into(), &total.into()),
        "{end}"
    );
    for (number, view) in [(1, "lung"), (slices / 2, "bone"), (slices, "default")] {
        let answer = viewer.png(&slice_uid(study, number), &format!("preset={view}"));
        assert_eq!(answer.status, 200);
        assert_ne!(answer.tier(), "render", "{number} {view} was made ahead");
    }
}

#[test]
fn a_prerender_goes_on_after_its_process_was_killed() {
    const SLICES: u32 = 150;
    let data = tempfile::tempdir().unwrap();
    let files = data.path().join("files");
    write_study(&files, "killed", SLICES);
    let mut program = serve(data.path(), &["--workers", "1", files.to_str().expect("UTF-8")]);
    program.wait_for_line("indexed");
    let viewer = Viewer::new(&program.url);
    let job = order(&viewer, "killed");
    wait_until_it_runs(&viewer, &job);
    program.kill();

    let program = serve(data.path(), &["--no-index"]);
    let viewer = Viewer::new(&program.url);
    wait_until_done(&viewer, &job, "killed", SLICES);
    assert!(program.terminate().success());
}

#[test]
fn a_prerender_goes_on_when_the_api_that_drives_it_and_the_worker_are_killed() {
    const SLICES: u32 = 150;
    let deployment = Deployment::new();
    let files = tempfile::tempdir().unwrap();
    write_study(files.path(), "orphaned", SLICES);
    let apis: [Program; 2] = [(), ()].map(|()| deployment.start("noctis-api", &[]));
    let worker = deployment.start("noctis-worker", &["--workers", "1"]);
    let [first, second] = apis.each_ref().map(|api| Viewer::new(&api.url));
    deployment.ingest(files.path());
    wait_for_images(&first, "orphaned", SLICES.into());
    let job = order(&first, "orphaned");
    wait_until_it_runs(&second, &job);
    let [driver, other] = apis;
    driver.kill();
    worker.kill();

    let _worker = deployment.start("noctis-worker", &[]);
    wait_until_done(&second, &job, "orphaned", SLICES);
    assert!(other.terminate().success());
}

#[test]
fn an_event_orders_the_pictures_of_what_it_brings() {
    let deployment = Deployment::new();
    let folder = deployment.storage().join("study");
    write_study(&folder, "ahead", 3);
    let api = deployment.start("noctis-api", &[]);
    let _worker = deployment.start("noctis-worker", &[]);
    let viewer = Viewer::new(&api.url);
    let event = json!({
        "specversion": "1.0", "id": "ahead-1", "source": "/ingest/test", "type": "study.new.v1",
        "data": {"location": format!("file://{}/", folder.display()), "prerender": ["default", "nose", "lung"]},
    });
    publish_event(&deployment.namespace, "study.new.v1", &event);
    let job = wait_until("the job", || viewer.list("/api/v1/jobs", "jobs").first().cloned());
    assert_eq!((&job["kind"], &job["presets"]), (&"prerender".into(), &json!(["default", "lung"])));
    let end =
        wait_until("its end", || Some(job_of(&viewer, &job)).filter(|job| job["expires_at"].is_string()));
    assert_eq!((&end["state"], &end["done"]), (&"done".into(), &9.into()), "{end}");
    assert_ne!(viewer.png(&slice_uid("ahead", 2), "preset=lung").tier(), "render");
}
