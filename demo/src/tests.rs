//! The study as its users see it: stable bytes, readable files, tissues where and as dense as they should be.

use dicom_dictionary_std::tags;
use dicom_object::{DefaultDicomObject, from_reader};

use super::chest::HEIGHT_MM;
use super::*;

const SLICES: u32 = 72;
const SIZE: u16 = 256;

fn bytes_of(picture: Picture) -> Vec<u8> {
    picture.file(|| shared_chest()).to_bytes().expect("encodes")
}

fn shared_chest() -> &'static Chest {
    static CHEST: OnceLock<Chest> = OnceLock::new();
    CHEST.get_or_init(|| Chest::new(SEED))
}

fn text(object: &DefaultDicomObject, tag: dicom_core::Tag) -> String {
    object.element(tag).expect("is there").to_str().expect("is text").into_owned()
}

fn stored(object: &DefaultDicomObject) -> Vec<u16> {
    object.element(tags::PIXEL_DATA).expect("is there").to_multi_int().expect("is numbers")
}

/// The mean of the CT over a disc of 3 mm at a place in the patient, HU.
fn mean_hu(x_mm: f32, y_mm: f32, z_mm: f32) -> f32 {
    let slice_index = (z_mm / HEIGHT_MM * SLICES as f32) as u32;
    let slice = phantom_ct::stored_slice(shared_chest(), SIZE, SIZE, slice_index, SLICES, SEED);
    let spacing_mm = phantom_ct::FIELD_MM / f32::from(SIZE);
    let middle = (f32::from(SIZE) - 1.0) / 2.0;
    let (mut sum, mut count) = (0.0, 0.0);
    for (index, value) in slice.iter().enumerate() {
        let x = ((index % usize::from(SIZE)) as f32 - middle) * spacing_mm;
        let y = ((index / usize::from(SIZE)) as f32 - middle) * spacing_mm;
        if (x - x_mm).hypot(y - y_mm) < 3.0 {
            sum += f32::from(*value) - 1024.0;
            count += 1.0;
        }
    }
    sum / count
}

#[test]
fn tissues_lie_within_their_hounsfield_ranges() {
    let cases = [
        ("air beside the patient", [-150.0, -140.0, 150.0], -1024.0..-985.0),
        ("windpipe", [0.0, 8.0, 240.0], -1010.0..-960.0),
        ("right lung", [-95.0, -10.0, 190.0], -900.0..-780.0),
        ("left ventricle", [46.0, -15.0, 110.0], 190.0..230.0),
        ("descending aorta", [21.0, 36.0, 130.0], 205.0..245.0),
        ("liver", [-120.0, 10.0, 46.0], 90.0..130.0),
        ("liver cyst", [-96.0, -16.0, 40.0], -5.0..25.0),
        ("marrow of a vertebra", [0.0, 55.0, 112.0], 140.0..260.0),
        ("spinal cord", [0.0, 77.0, 112.0], 20.0..60.0),
        ("fat between the lungs", [-22.0, 8.0, 200.0], -115.0..-80.0),
        ("nodule", [-72.0, -28.0, 198.0], 20.0..65.0),
    ];
    for (tissue, [x, y, z], range) in cases {
        let hu = mean_hu(x, y, z);
        assert!(range.contains(&hu), "{tissue}: {hu} HU, expected {range:?}");
    }
}

#[test]
fn the_same_picture_has_the_same_bytes() {
    for picture in [Picture::Ct(40), Picture::Mr(11)] {
        let again = picture.file(|| Box::leak(Box::new(Chest::new(SEED)))).to_bytes().expect("encodes");
        assert!(bytes_of(picture) == again, "{picture:?} differs");
    }
    assert_eq!(ct_slice(32, 32, 3, 24, 9), ct_slice(32, 32, 3, 24, 9));
    assert_ne!(ct_slice(32, 32, 3, 24, 9), ct_slice(32, 32, 3, 24, 10));
}

#[test]
fn neighbouring_slices_show_the_same_patient_at_other_heights() {
    let position = |index| {
        let object = from_reader(&bytes_of(Picture::Ct(index))[..]).expect("parses");
        let position = object.element(tags::IMAGE_POSITION_PATIENT).expect("is there").to_multi_float64();
        (position.expect("is numbers")[2], text(&object, tags::FRAME_OF_REFERENCE_UID))
    };
    let ((first, frame), (second, same_frame)) = (position(10), position(11));
    assert_eq!(second - first, f64::from(HEIGHT_MM) / f64::from(SLICES));
    assert_eq!(frame, same_frame);
}

#[test]
fn the_ct_offers_two_windows_with_explanations() {
    let object = from_reader(&bytes_of(Picture::Ct(30))[..]).expect("parses");
    assert_eq!(text(&object, tags::WINDOW_CENTER), r"40\-600");
    assert_eq!(text(&object, tags::WINDOW_WIDTH), r"400\1500");
    assert_eq!(text(&object, tags::WINDOW_CENTER_WIDTH_EXPLANATION), r"MEDIASTINUM\LUNG");
    assert_eq!(text(&object, tags::PATIENT_NAME), "Demo^Noctis");
}

#[test]
fn the_head_shows_white_matter_brighter_than_fluid_within_twelve_bits() {
    let object = from_reader(&bytes_of(Picture::Mr(13))[..]).expect("parses");
    let values = stored(&object);
    let at = |x_mm: f32, y_mm: f32| {
        let index = |mm: f32| (mm / (phantom_mr::FIELD_MM / 320.0) + 159.5) as usize;
        values[index(y_mm) * 320 + index(x_mm)]
    };
    assert!(values.iter().all(|value| *value < 4096));
    assert!(at(30.0, 12.0) > 2 * at(10.0, -2.0), "{} against {}", at(30.0, 12.0), at(10.0, -2.0));
}

#[test]
fn the_radiograph_is_monochrome1_with_bright_values_for_air() {
    let object = from_reader(&bytes_of(Picture::XRay)[..]).expect("parses");
    assert_eq!(text(&object, tags::PHOTOMETRIC_INTERPRETATION), "MONOCHROME1");
    let values = stored(&object);
    assert_eq!(values.len(), 2500 * 2000);
    // Rows and columns of the corner, the right lung and the heart's shadow beside the spine.
    let (air, lung, heart) = (values[40 * 2000 + 40], values[1200 * 2000 + 500], values[1300 * 2000 + 1080]);
    assert!(air > lung + 500 && lung > heart + 500, "{air} {lung} {heart}");
}

#[test]
fn the_cine_moves_in_colour_inside_its_fan() {
    let object = from_reader(&bytes_of(Picture::Ultrasound)[..]).expect("parses");
    assert_eq!(text(&object, tags::NUMBER_OF_FRAMES), "20");
    let bytes = object.element(tags::PIXEL_DATA).expect("is there").to_bytes().expect("is bytes");
    let frames: Vec<&[u8]> = bytes.chunks(480 * 640 * 3).collect();
    assert_eq!(frames.len(), 20);
    assert!(frames.windows(2).all(|pair| pair[0] != pair[1]), "two frames are equal");
    let red = frames[15].chunks(3).filter(|rgb| rgb[0] > rgb[2].saturating_add(80)).count();
    assert!(red > 500, "{red} red pixels");
    let left_of_the_fan = (200 * 640 + 30) * 3;
    assert_eq!(frames[0][left_of_the_fan..left_of_the_fan + 3], [0, 0, 0]);
}

#[test]
fn a_second_call_keeps_what_is_there_and_mends_what_is_not() {
    let folder = tempfile::tempdir().expect("makes a folder");
    let pictures = vec![Picture::Ct(0), Picture::Mr(0)];
    let first = write_missing(folder.path(), pictures.clone()).expect("writes");
    assert_eq!((first.written, first.kept), (2, 0));
    let damaged = folder.path().join(Picture::Mr(0).file_name());
    let whole = std::fs::read(&damaged).expect("reads");
    std::fs::write(&damaged, b"something else").expect("writes");
    let second = write_missing(folder.path(), pictures).expect("writes");
    assert_eq!((second.written, second.kept), (1, 1));
    assert_eq!(std::fs::read(&damaged).expect("reads"), whole);
    assert_eq!(first.study_instance_uid, second.study_instance_uid);
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error_that_names_it() {
    let file = tempfile::NamedTempFile::new().expect("makes a file");
    let error = write_missing(file.path(), vec![Picture::Mr(0)]).expect_err("a file is no folder");
    assert!(error.to_string().contains("mr-head"), "{error}");
}
