//! What is written into the corners of pictures, on small files made here (PS3.18 8.3.5.1.1).

use crate::builder::{EXPLICIT_LITTLE, FileBuilder, compose};
use noctis_render::{Corners, DisplayImage, DisplaySamples, FrameRequest};

/// 240 x 240 pixels of level 100, of a patient with this name.
fn file(name: &str) -> Vec<u8> {
    FileBuilder::new(EXPLICIT_LITTLE)
        .text(0x0008, 0x0060, "CS", "CT")
        .text(0x0010, 0x0010, "PN", name)
        .text(0x0010, 0x0020, "LO", "P-1")
        .text(0x0020, 0x0013, "IS", "7")
        .monochrome(240, 240, 8, 8, false)
        .native(&[100; 240 * 240])
}

fn shown(name: &str, patient: bool, technique: bool) -> DisplayImage {
    let corners = Corners { patient, technique };
    compose(&file(name), &FrameRequest { corners, ..FrameRequest::default() }).expect("a picture")
}

/// Rows of the picture in which something is written.
fn written(image: &DisplayImage) -> Vec<usize> {
    let DisplaySamples::Grey8(levels) = &image.samples else { panic!("grey") };
    let rows = levels.chunks(240).enumerate();
    rows.filter(|(_, row)| row.iter().any(|level| *level != 100)).map(|(row, _)| row).collect()
}

#[test]
fn the_patient_is_written_above_and_the_technique_below() {
    let (patient, technique) =
        (written(&shown("Doe^Jane", true, false)), written(&shown("Doe^Jane", false, true)));
    assert!(!patient.is_empty() && patient.iter().all(|row| *row < 60), "{patient:?}");
    assert!(!technique.is_empty() && technique.iter().all(|row| *row > 160), "{technique:?}");
    assert_eq!(written(&shown("Doe^Jane", true, true)), [patient, technique].concat());
    assert!(written(&shown("Doe^Jane", false, false)).is_empty());
}

#[test]
fn another_patient_is_another_picture() {
    let [jane, joan] = ["Doe^Jane", "Doe^Joan"].map(|name| shown(name, true, false));
    assert_ne!(jane.samples, joan.samples);
    assert_eq!(shown("Doe^Jane", false, true).samples, shown("Doe^Joan", false, true).samples);
    assert!(jane.left_out.is_empty());
}

#[test]
fn what_does_not_fit_or_has_no_letters_is_said() {
    let long = shown(&"Longlonglong".repeat(4), true, false);
    assert_eq!(long.left_out, ["the annotation is larger than the picture and is cut"]);
    let boxes = shown("山田^太郎", true, false);
    assert_eq!(boxes.left_out, ["characters of the annotation that the font has not are drawn as boxes"]);
}
