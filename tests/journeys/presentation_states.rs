//! A presentation state, from its file to the picture of the image under it.

use std::path::Path;

use dicom_dictionary_std::{tags, uids};
use noctis_demo::{DemoFile, DemoItem, Uids};

use super::{
    files::{SIDE, linear, slice, slice_uid, study_uid},
    http::Viewer,
    program::{Program, command},
};

const CENTER: f64 = 300.0;
const WIDTH: f64 = 400.0;

/// A state that shows the stored values of slice 1 in a window of its own, upside down.
fn state(study: &str) -> DemoFile {
    let of = Uids::named(study, "axial", 1);
    let image = || {
        DemoItem::empty()
            .set(tags::REFERENCED_SOP_CLASS_UID, uids::CT_IMAGE_STORAGE)
            .set(tags::REFERENCED_SOP_INSTANCE_UID, &of.instance)
    };
    let series = DemoItem::empty()
        .set(tags::SERIES_INSTANCE_UID, &of.series)
        .sequence(tags::REFERENCED_IMAGE_SEQUENCE, vec![image()]);
    let window = DemoItem::empty()
        .set(tags::WINDOW_CENTER, &CENTER.to_string())
        .set(tags::WINDOW_WIDTH, &WIDTH.to_string());
    DemoFile::new(uids::GRAYSCALE_SOFTCOPY_PRESENTATION_STATE_STORAGE, &Uids::named(study, "state", 1))
        .set(tags::MODALITY, "PR")
        .sequence(tags::REFERENCED_SERIES_SEQUENCE, vec![series])
        .sequence(tags::SOFTCOPY_VOILUT_SEQUENCE, vec![window])
        .number(tags::IMAGE_ROTATION, 180)
        .set(tags::IMAGE_HORIZONTAL_FLIP, "Y")
        .set(tags::PRESENTATION_LUT_SHAPE, "IDENTITY")
}

fn serve(data: &Path, study: &str) -> (Program, Viewer) {
    let files = data.join("files");
    slice(study, 1).write(&files.join("1.dcm")).expect("written");
    state(study).write(&files.join("state.dcm")).expect("written");
    let mut serve = command("noctis");
    serve.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data).arg(&files);
    let mut program = Program::start(serve.env("NOCTIS_RATE_LIMIT", "off"));
    assert_eq!(program.wait_for_line("indexed"), "indexed 2 instances, 0 rejected");
    let viewer = Viewer::new(&program.url);
    (program, viewer)
}

#[test]
fn an_image_is_shown_as_its_state_says() {
    let data = tempfile::tempdir().unwrap();
    let (_program, viewer) = serve(data.path(), "state");
    let uids = Uids::named("state", "state", 1);
    let path = format!(
        "/dicom-web/studies/{}/series/{}/instances/{}/rendered?accept=image/png",
        uids.study, uids.series, uids.instance
    );
    let shown = viewer.get(&path);
    assert_eq!(shown.status, 200, "{}", shown.text());
    // Without the rescale of the image; half a turn and a flip leave rows as they are, the last first.
    let stored = |row: u16, column: u16| f64::from(row * 10 + column + 1);
    let expected = (0..SIDE)
        .rev()
        .flat_map(|row| (0..SIDE).map(move |column| linear(stored(row, column), CENTER, WIDTH)));
    let levels: Vec<u8> = shown.picture().rgb().chunks(3).map(|pixel| pixel[0]).collect();
    assert_eq!(levels, expected.collect::<Vec<_>>());
    // The image by itself is as it was, and so is what the other API says of the state.
    let image = slice_uid("state", 1);
    assert_ne!(viewer.png(&image, "").body, shown.body);
    assert_eq!(viewer.png(&uids.instance, "").status, 422);
    assert_eq!(uids.study, study_uid("state"));
}
