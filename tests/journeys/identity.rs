//! One UID in two studies, planes of several orientations, values that are absent.

use dicom_dictionary_std::{tags, uids};
use noctis_demo::{DemoFile, Samples, Uids, demo_uid};
use serde_json::Value;

use super::{
    embedded::serve,
    files::{slice, slice_uid, study_uid},
    http::Viewer,
};

/// A flat grey picture of `person`, whose series and SOP Instance UID everybody has.
fn copied(study: &str, person: &str, grey: u8) -> DemoFile {
    let uids = Uids { study: demo_uid(study), series: demo_uid("copied/s"), instance: demo_uid("copied/i") };
    DemoFile::new(uids::SECONDARY_CAPTURE_IMAGE_STORAGE, &uids)
        .pixels(4, 4, 1, Samples::Grey8(vec![grey; 16]))
        .set(tags::MODALITY, "OT")
        .set(tags::PATIENT_NAME, person)
        .set(tags::PATIENT_ID, "ONE-ID-FOR-ALL")
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_else(|| panic!("{member} of {value}"))
}

/// The series and the image that lists lead to, from a study.
fn only_image(viewer: &Viewer, study: &str) -> (Value, Value) {
    let series = viewer.list(&format!("/api/v1/dicom/studies/{study}/series"), "series");
    assert_eq!(series.len(), 1, "{series:?}");
    let path = format!("/api/v1/dicom/series/{}/images", text(&series[0], "series_id"));
    let images = viewer.list(&path, "images");
    assert_eq!(images.len(), 1, "{images:?}");
    (series[0].clone(), images[0].clone())
}

#[test]
fn a_picture_never_stands_under_another_patient() {
    let data = tempfile::tempdir().unwrap();
    let files = data.path().join("files");
    let people = [("copied-a", "Doe^Jane", 50_u8), ("copied-b", "Roe^Richard", 200)];
    copied("copied-a", "Doe^Jane", 50).write(&files.join("a.dcm")).unwrap();
    let mut program = serve(data.path(), &[files.to_str().unwrap()]);
    program.wait_for_line("indexed");
    // Alone: by the UID and its id. What is asked now is in every cache when the second study arrives.
    let viewer = Viewer::new(&program.url);
    let (series, image) = only_image(&viewer, &demo_uid("copied-a"));
    assert!(viewer.png(&demo_uid("copied/i"), "").picture().samples.iter().all(|sample| *sample == 50));
    let plain = [text(&series, "series_id").to_owned(), text(&image, "image_id").to_owned()];
    assert!(program.terminate().success());

    copied("copied-b", "Roe^Richard", 200).write(&files.join("b.dcm")).unwrap();
    let mut program = serve(data.path(), &[files.to_str().unwrap()]);
    assert_eq!(program.wait_for_line("indexed"), "indexed 2 instances, 0 rejected");
    let viewer = Viewer::new(&program.url);
    assert_eq!(viewer.list("/api/v1/dicom/studies?patient=one-id-for-all", "studies").len(), 2);
    for (study, person, grey) in people {
        let told = viewer.get(&format!("/api/v1/dicom/studies/{}", demo_uid(study))).json();
        assert_eq!((text(&told, "patient_name"), &told["image_count"]), (person, &1.into()));
        let (series, image) = only_image(&viewer, &demo_uid(study));
        assert!(!plain.contains(&text(&series, "series_id").to_owned()), "no study has the shared id");
        let id = text(&image, "image_id");
        let picture = viewer.png(id, "").picture();
        assert!(picture.samples.iter().all(|sample| *sample == grey), "{person}");
        let answer = viewer.get(&format!("/api/v1/dicom/images/{id}")).json();
        assert_eq!(text(&answer["metadata"], "patient_name"), person);
        assert_eq!(text(&answer, "image_id"), id);
        assert_eq!(viewer.post(&format!("/api/v1/dicom/clear-cache?image_id={id}")).status, 200);
    }
    assert_ambiguous(&viewer, &plain);
    assert!(program.terminate().success());
}

/// The shared UIDs, and the ids that were given out while the first study was alone, name nobody.
fn assert_ambiguous(viewer: &Viewer, plain: &[String; 2]) {
    let (series, image) = (demo_uid("copied/s"), demo_uid("copied/i"));
    let paths = [
        format!("/api/v1/dicom/series/{series}/images"),
        format!("/api/v1/dicom/series/{}/images", plain[0]),
        format!("/api/v1/dicom/images/{image}"),
        format!("/api/v1/dicom/images/{}", plain[1]),
        format!("/api/v1/dicom/images/{image}/thumbnail"),
    ];
    for path in paths {
        let answer = viewer.get(&path);
        assert_eq!(answer.status, 409, "{path}: {}", answer.text());
        let problem = answer.json();
        assert_eq!(text(&problem, "type"), "/api/v1/problems/ambiguous-id");
        let choices = problem["details"]["choices"].as_array().expect("choices");
        assert_eq!(choices.len(), 2, "{problem}");
        for choice in choices {
            let (series, image) = only_image(viewer, text(choice, "study_id"));
            assert_eq!(text(choice, "series_id"), text(&series, "series_id"));
            if path.contains("/images/") {
                assert_eq!(text(choice, "image_id"), text(&image, "image_id"));
            }
        }
    }
    let answer = viewer.post(&format!("/api/v1/dicom/clear-cache?series_id={series}"));
    assert_eq!(answer.status, 409, "{}", answer.text());
}

#[test]
fn a_file_of_another_patient_than_its_study_is_told_with_its_own() {
    let data = tempfile::tempdir().unwrap();
    let files = data.path().join("files");
    slice("mixed", 1).write(&files.join("1.dcm")).unwrap();
    let stranger = slice("mixed", 2).set(tags::PATIENT_NAME, "Roe^Richard").set(tags::PATIENT_ID, "OTHER");
    stranger.write(&files.join("2.dcm")).unwrap();
    let mut program = serve(data.path(), &[files.to_str().unwrap()]);
    assert_eq!(program.wait_for_line("indexed"), "indexed 2 instances, 0 rejected");
    let viewer = Viewer::new(&program.url);
    for (number, name, id) in [(1, "Journey^Test", "JOURNEY-1"), (2, "Roe^Richard", "OTHER")] {
        let answer = viewer.get(&format!("/api/v1/dicom/images/{}", slice_uid("mixed", number))).json();
        let told = &answer["metadata"];
        assert_eq!((text(told, "patient_name"), text(told, "patient_id")), (name, id));
        assert_eq!(told["other_patient"].is_null(), number == 1, "{told}");
    }
    let study = viewer.get(&format!("/api/v1/dicom/studies/{}", study_uid("mixed"))).json();
    assert_eq!((text(&study, "patient_name"), &study["other_patient_count"]), ("Journey^Test", &1.into()));
}

#[test]
fn planes_of_several_orientations_do_not_interleave() {
    let data = tempfile::tempdir().unwrap();
    let files = data.path().join("files");
    let planes = [
        ("1\\0\\0\\0\\1\\0", ["0\\0\\0", "0\\0\\20", "0\\0\\40"]),
        ("0\\1\\0\\0\\0\\-1", ["0\\0\\0", "20\\0\\0", "40\\0\\0"]),
        ("1\\0\\0\\0\\0\\-1", ["0\\0\\0", "0\\20\\0", "0\\40\\0"]),
    ];
    let placed = planes.iter().flat_map(|(plane, positions)| positions.map(|position| (*plane, position)));
    for (number, (orientation, position)) in (1..).zip(placed) {
        slice("localizer", number)
            .set(tags::IMAGE_ORIENTATION_PATIENT, orientation)
            .set(tags::IMAGE_POSITION_PATIENT, position)
            .write(&files.join(format!("{number}.dcm")))
            .unwrap();
    }
    let mut program = serve(data.path(), &[files.to_str().unwrap()]);
    program.wait_for_line("indexed");
    let series = Uids::named("localizer", "axial", 1).series;
    let images = Viewer::new(&program.url).list(&format!("/api/v1/dicom/series/{series}/images"), "images");
    let numbers: Vec<_> = images.iter().map(|image| image["instance_number"].as_i64().unwrap()).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
}

#[test]
fn values_that_a_file_does_not_have_are_null() {
    let data = tempfile::tempdir().unwrap();
    let files = data.path().join("files");
    let bare = [tags::ROWS, tags::COLUMNS, tags::INSTANCE_NUMBER, tags::WINDOW_CENTER, tags::WINDOW_WIDTH]
        .into_iter()
        .chain([tags::PHOTOMETRIC_INTERPRETATION, tags::PATIENT_NAME, tags::STUDY_DATE, tags::MODALITY])
        .fold(slice("absent", 1), DemoFile::without);
    bare.write(&files.join("1.dcm")).unwrap();
    let mut program = serve(data.path(), &[files.to_str().unwrap()]);
    assert_eq!(program.wait_for_line("indexed"), "indexed 1 instances, 0 rejected");
    let viewer = Viewer::new(&program.url);
    let study = viewer.get(&format!("/api/v1/dicom/studies/{}", study_uid("absent"))).json();
    for member in ["patient_name", "study_date", "study_time", "patient_birth_date", "accession_number"] {
        assert_eq!(study[member], Value::Null, "{member}");
    }
    let (series, image) = only_image(&viewer, text(&study, "study_id"));
    for member in ["series_number", "series_description", "modality", "body_part"] {
        assert_eq!(series[member], Value::Null, "{member}");
    }
    for member in ["rows", "columns", "instance_number", "window", "level", "photometric_interpretation"] {
        assert_eq!(image[member], Value::Null, "{member}");
    }
}
