//! A segmentation, from its file to the picture of the image that it is laid over.

use dicom_dictionary_std::{tags, uids};
use noctis_demo::{DemoFile, DemoItem, Samples, Uids};

use super::{
    embedded::serve,
    files::{SIDE, slice, windowed_slice},
    http::Viewer,
};

const STUDY: &str = "segmented";
/// Of segment 1, which names no color.
const RED: [f64; 3] = [230.0, 60.0, 60.0];
/// The share of a color over what is wholly of a segment.
const SHARE: f64 = 128.0 / 255.0;

/// The left half of slice 1, as one fractional segment.
fn left_half() -> DemoFile {
    let of = Uids::named(STUDY, "axial", 1);
    let source = DemoItem::empty()
        .set(tags::REFERENCED_SOP_CLASS_UID, uids::CT_IMAGE_STORAGE)
        .set(tags::REFERENCED_SOP_INSTANCE_UID, &of.instance);
    let groups = DemoItem::empty()
        .sequence(
            tags::DERIVATION_IMAGE_SEQUENCE,
            vec![DemoItem::empty().sequence(tags::SOURCE_IMAGE_SEQUENCE, vec![source])],
        )
        .sequence(
            tags::SEGMENT_IDENTIFICATION_SEQUENCE,
            vec![DemoItem::empty().number(tags::REFERENCED_SEGMENT_NUMBER, 1)],
        );
    let inside = |pixel: u16| if pixel % SIDE < SIDE / 2 { 255 } else { 0 };
    DemoFile::new(uids::SEGMENTATION_STORAGE, &Uids::named(STUDY, "segments", 1))
        .pixels(SIDE, SIDE, 1, Samples::Grey8((0..SIDE * SIDE).map(inside).collect()))
        .set(tags::MODALITY, "SEG")
        .set(tags::NUMBER_OF_FRAMES, "1")
        .set(tags::SEGMENTATION_TYPE, "FRACTIONAL")
        .number(tags::MAXIMUM_FRACTIONAL_VALUE, 255)
        .sequence(
            tags::SEGMENT_SEQUENCE,
            vec![DemoItem::empty().number(tags::SEGMENT_NUMBER, 1).set(tags::SEGMENT_LABEL, "left")],
        )
        .sequence(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, vec![groups])
}

#[test]
fn a_segmentation_lies_over_the_image_that_it_was_made_from_and_no_other() {
    let data = tempfile::tempdir().unwrap();
    let program = serve(data.path(), &[]);
    let viewer = Viewer::new(&program.url);
    let files = [slice(STUDY, 1), slice(STUDY, 2), left_half()].map(|file| file.to_bytes().unwrap());
    assert_eq!(viewer.post_files("/dicom-web/studies", &files, &[]).status, 200);
    let segments = Uids::named(STUDY, "segments", 1).instance;
    let rendered = |number: u32, query: &str| {
        let of = Uids::named(STUDY, "axial", number);
        let path = format!(
            "/dicom-web/studies/{}/series/{}/instances/{}/rendered?accept=image/png&window=-700,600{query}",
            of.study, of.series, of.instance
        );
        viewer.get(&path)
    };
    let shown = rendered(1, &format!("&segmentation={segments}"));
    let expected = windowed_slice(1, -700.0, 600.0);
    for (pixel, (shown, level)) in shown.picture().rgb().chunks_exact(3).zip(&expected).enumerate() {
        let level = f64::from(*level);
        let is_inside = pixel as u16 % SIDE < SIDE / 2;
        for (shown, ink) in shown.iter().zip(RED) {
            let expected = if is_inside { level + (ink - level) * SHARE } else { level };
            assert!((f64::from(*shown) - expected).abs() <= 1.0, "pixel {pixel}: {shown}, not {expected}");
        }
    }
    // The image by itself is as it was, and no other is laid under it.
    let levels: Vec<u8> = rendered(1, "").picture().rgb().chunks_exact(3).map(|pixel| pixel[0]).collect();
    assert_eq!(levels, expected);
    assert_eq!(rendered(2, &format!("&segmentation={segments}")).status, 400);
    assert_eq!(
        rendered(1, &format!("&segmentation={}", Uids::named(STUDY, "axial", 2).instance)).status,
        400
    );
}
