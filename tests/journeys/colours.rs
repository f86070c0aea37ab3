//! The `iccprofile` parameter (PS3.18 8.3.5.1.5), from a request to the bytes of a picture.

use std::path::Path;

use dicom_dictionary_std::{tags, uids};
use noctis_demo::{DemoFile, Samples, Uids};

use super::{
    files::slice_uid,
    http::{Answer, Viewer},
    program::{Program, command, run},
};

/// A profile in which red is the blue of sRGB, green its red, and blue its green; values are linear light.
fn profile() -> Vec<u8> {
    let fixed = |value: f64| ((value * 65_536.0).round() as i32).to_be_bytes();
    let xyz = |color: [f64; 3]| [b"XYZ \0\0\0\0".to_vec(), color.map(fixed).concat()].concat();
    let tags = [
        (b"rXYZ", xyz([0.14307, 0.06061, 0.71410])),
        (b"gXYZ", xyz([0.43607, 0.22249, 0.01392])),
        (b"bXYZ", xyz([0.38515, 0.71687, 0.09708])),
        (b"rTRC", b"curv\0\0\0\0\0\0\0\0".to_vec()),
        (b"gTRC", b"curv\0\0\0\0\0\0\0\0".to_vec()),
        (b"bTRC", b"curv\0\0\0\0\0\0\0\0".to_vec()),
    ];
    let start = 132 + 12 * tags.len();
    let (mut table, mut values) = (vec![0, 0, 0, 6], Vec::new());
    for (name, value) in tags {
        table.extend(name);
        table.extend(((start + values.len()) as u32).to_be_bytes());
        table.extend((value.len() as u32).to_be_bytes());
        values.extend(value);
    }
    let mut header = vec![0; 128];
    header[..4].copy_from_slice(&((start + values.len()) as u32).to_be_bytes());
    header[8..10].copy_from_slice(&[2, 0x10]);
    header[12..24].copy_from_slice(b"scnrRGB XYZ ");
    header[36..40].copy_from_slice(b"acsp");
    header[68..80].copy_from_slice(&[0.9642, 1.0, 0.8249].map(fixed).concat());
    [header, table, values].concat()
}

/// Serves a red picture of 16 x 16 under a profile.
fn serve(data: &Path, study: &str, profile: &[u8]) -> (Program, Viewer) {
    let files = data.join("files");
    std::fs::create_dir_all(&files).expect("a folder");
    DemoFile::new(uids::SECONDARY_CAPTURE_IMAGE_STORAGE, &Uids::named(study, "axial", 1))
        .pixels(16, 16, 1, Samples::Rgb8([255, 0, 0].repeat(256)))
        .set(tags::MODALITY, "OT")
        .bytes(tags::ICC_PROFILE, profile)
        .write(&files.join("1.dcm"))
        .expect("written");
    let mut serve = command("noctis");
    serve.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data).arg(&files);
    let mut program = Program::start(serve.env("NOCTIS_RATE_LIMIT", "off"));
    assert_eq!(program.wait_for_line("indexed"), "indexed 1 instances, 0 rejected");
    let viewer = Viewer::new(&program.url);
    (program, viewer)
}

fn embedded(answer: &Answer) -> Option<Vec<u8>> {
    let reader = png::Decoder::new(std::io::Cursor::new(&answer.body)).read_info().expect("a PNG");
    reader.info().icc_profile.as_ref().map(|profile| profile.to_vec())
}

#[test]
fn colours_are_embedded_left_out_or_converted_as_asked() {
    let data = tempfile::tempdir().unwrap();
    let (_program, viewer) = serve(data.path(), "colours", &profile());
    let image = slice_uid("colours", 1);
    let thumbnail = viewer.get(&format!("/api/v1/dicom/images/{image}/thumbnail?size=16"));
    let cases = [
        (viewer.png(&image, ""), [255, 0, 0], Some(profile())),
        (viewer.png(&image, "iccprofile=yes"), [255, 0, 0], Some(profile())),
        (viewer.png(&image, "iccprofile=no"), [255, 0, 0], None),
        (viewer.png(&image, "iccprofile=srgb"), [0, 0, 255], None),
        (thumbnail, [0, 0, 255], None),
    ];
    for (answer, color, profile) in &cases {
        assert_eq!(answer.picture().rgb()[..3], *color);
        assert_eq!(embedded(answer), *profile);
    }
    assert_eq!(cases[0].0.header("etag"), cases[1].0.header("etag"));
    assert_ne!(cases[1].0.header("etag"), cases[2].0.header("etag"));
    let mut render = command("noctis");
    render.arg("render").arg(data.path().join("files/1.dcm")).args(["--iccprofile", "srgb", "-o", "-"]);
    assert!(run(&mut render).stdout == cases[3].0.body);
}

#[test]
fn a_colour_space_that_is_not_built_says_so() {
    let data = tempfile::tempdir().unwrap();
    let (_program, viewer) = serve(data.path(), "unbuilt", &profile());
    for space in ["adobergb", "rommrgb"] {
        let answer = viewer.png(&slice_uid("unbuilt", 1), &format!("iccprofile={space}"));
        assert_eq!(answer.status, 400);
        assert!(answer.text().contains(&format!("{space} is not built")), "{}", answer.text());
    }
}

#[test]
fn a_damaged_profile_is_a_422_of_srgb_and_no_harm_to_the_others() {
    let data = tempfile::tempdir().unwrap();
    let (_program, viewer) = serve(data.path(), "damaged", &profile()[..200]);
    let image = slice_uid("damaged", 1);
    let refused = viewer.png(&image, "iccprofile=srgb");
    assert_eq!(refused.status, 422);
    assert!(refused.text().contains("the ICC profile ends early"), "{}", refused.text());
    let thumbnail = viewer.get(&format!("/api/v1/dicom/images/{image}/thumbnail?size=16"));
    for answer in [viewer.png(&image, ""), thumbnail] {
        assert_eq!(answer.picture().rgb()[..3], [255, 0, 0]);
        assert_eq!(embedded(&answer), None);
    }
}
