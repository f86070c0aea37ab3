use dicom_core::Tag;

use super::*;
use crate::file::parse::walk::Walker;
use crate::file::transfer_syntax::Encoding;

const EXPLICIT: Encoding = Encoding::EXPLICIT_LITTLE;
const NAME: Tag = tags::PATIENT_NAME;
const DESCRIPTION: Tag = tags::SERIES_DESCRIPTION;

/// The object of a data set that is written as `bytes`.
fn built(bytes: &[u8], encoding: Encoding) -> InMemDicomObject {
    built_whole(bytes, encoding).object
}

fn built_whole(bytes: &[u8], encoding: Encoding) -> DataSet {
    let limits = Limits::default();
    let layout =
        Walker::new(bytes, bytes.len() as u64, &limits).top_level(0, encoding).expect("a sound walk");
    build(&View::new(bytes, &layout.elements, encoding), BINARY_BYTES_MAX)
}

/// An element in explicit little endian.
fn element(tag: Tag, vr: &str, value: &[u8]) -> Vec<u8> {
    let length = u32::try_from(value.len()).expect("a short value");
    let mut bytes = [tag.0.to_le_bytes(), tag.1.to_le_bytes()].concat();
    bytes.extend(vr.as_bytes());
    if matches!(vr, "OB" | "SQ" | "UC" | "UN" | "UT") {
        bytes.extend([0, 0]);
        bytes.extend(length.to_le_bytes());
    } else {
        bytes.extend((length as u16).to_le_bytes());
    }
    [&bytes, value].concat()
}

fn implicit(tag: Tag, value: &[u8]) -> Vec<u8> {
    let length = u32::try_from(value.len()).expect("a short value").to_le_bytes();
    [&tag.0.to_le_bytes()[..], &tag.1.to_le_bytes(), &length, value].concat()
}

fn item(content: &[u8]) -> Vec<u8> {
    implicit(Tag(0xFFFE, 0xE000), content)
}

/// An item, and a sequence around it, of undefined length.
fn open_sequence(tag: Tag, vr: &str, content: &[u8]) -> Vec<u8> {
    let start =
        [&tag.0.to_le_bytes()[..], &tag.1.to_le_bytes(), vr.as_bytes(), &[0, 0, 0xFF, 0xFF, 0xFF, 0xFF]];
    let open_item = [0xFE, 0xFF, 0x00, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF];
    let ends = [0xFE, 0xFF, 0x0D, 0xE0, 0, 0, 0, 0, 0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0];
    [&start.concat()[..], &open_item, content, &ends].concat()
}

fn character_set(value: &str) -> Vec<u8> {
    element(tags::SPECIFIC_CHARACTER_SET, "CS", value.as_bytes())
}

fn text(object: &InMemDicomObject, tag: Tag) -> String {
    object.element(tag).expect("an element").to_str().expect("text").into_owned()
}

fn items(object: &InMemDicomObject, tag: Tag) -> &[InMemDicomObject] {
    object.element(tag).expect("an element").items().expect("a sequence")
}

#[test]
fn text_of_a_data_set_is_unicode_and_says_so() {
    let bytes = [
        character_set("\\ISO 2022 IR 87 "),
        element(DESCRIPTION, "LO", b"\x1B$B;3ED\x1B(B\\b "),
        element(NAME, "PN", b"Yamada=\x1B$B;3ED\x1B(B"),
    ];
    let object = built(&bytes.concat(), EXPLICIT);
    assert_eq!(text(&object, NAME), "Yamada=山田");
    assert_eq!(text(&object, tags::SPECIFIC_CHARACTER_SET), "ISO_IR 192");
    let values = object.element(DESCRIPTION).expect("an element").to_multi_str().expect("text");
    assert_eq!(&*values, ["山田", "b"]);
}

/// PS3.5 section 7.5.3: an item has the sets of its data set, unless it declares its own; what follows has them again.
#[test]
fn an_item_has_the_character_sets_of_its_surroundings_or_its_own() {
    let cyrillic = element(NAME, "PN", b"\xB8\xD2");
    let of_its_own = [character_set("ISO_IR 100"), element(NAME, "PN", b"\xFC ")].concat();
    let nested = [
        character_set("ISO_IR 126"),
        element(tags::OTHER_PATIENT_I_DS_SEQUENCE, "SQ", &item(&element(NAME, "PN", b"\xC4 "))),
    ];
    let items_of_all = [item(&cyrillic), item(&of_its_own), item(&cyrillic), item(&nested.concat())].concat();
    let bytes = [
        character_set("ISO_IR 144"),
        element(tags::REFERENCED_STUDY_SEQUENCE, "SQ", &items_of_all),
        cyrillic.clone(),
    ];
    let object = built(&bytes.concat(), EXPLICIT);
    let items_read = items(&object, tags::REFERENCED_STUDY_SEQUENCE);
    assert_eq!(items_read[..3].iter().map(|item| text(item, NAME)).collect::<Vec<_>>(), ["Ив", "ü", "Ив"]);
    assert_eq!(text(&items(&items_read[3], tags::OTHER_PATIENT_I_DS_SEQUENCE)[0], NAME), "Δ");
    assert_eq!(text(&object, NAME), "Ив");
    assert!(items_read[1].element(tags::SPECIFIC_CHARACTER_SET).is_err(), "said once, for the whole");
}

/// PS3.5 section 6.2.2: what a gateway did not know has the VR of the dictionary.
#[test]
fn un_is_read_by_the_dictionary() {
    let bytes = [
        element(tags::SPECIFIC_CHARACTER_SET, "UN", b"ISO_IR 144"),
        element(tags::SOP_INSTANCE_UID, "UN", b"1.2.3\0"),
        element(Tag(0x0009, 0x0010), "UN", b"A MAKER "),
        element(Tag(0x0009, 0x1001), "UN", b"\x01\x02"),
        element(NAME, "UN", b"\xB8\xD2"),
        element(tags::INSTANCE_NUMBER, "UN", b"12"),
        element(tags::ROWS, "UN", &[0, 2]),
        element(tags::PIXEL_REPRESENTATION, "UN", &[1, 0]),
        element(tags::PIXEL_PADDING_VALUE, "UN", &(-2000_i16).to_le_bytes()),
    ];
    let object = built(&bytes.concat(), EXPLICIT);
    assert_eq!(text(&object, tags::SOP_INSTANCE_UID), "1.2.3");
    assert_eq!(text(&object, NAME), "Ив");
    assert_eq!(text(&object, Tag(0x0009, 0x0010)), "A MAKER");
    let number = |tag| object.element(tag).expect("an element").to_int::<i32>().expect("a number");
    assert_eq!([tags::INSTANCE_NUMBER, tags::ROWS, tags::PIXEL_PADDING_VALUE].map(number), [12, 512, -2000]);
    let vrs: Vec<VR> = object.iter().map(|element| element.vr()).collect();
    use VR::{CS, IS, LO, PN, SS, UI, UN, US};
    assert_eq!(vrs, [CS, UI, LO, UN, PN, IS, US, US, SS]);
}

/// PS3.5 section 6.2.2, note 4: the items of a sequence as UN are implicit little endian.
#[test]
fn a_sequence_as_un_is_read_with_and_without_a_length() {
    let content =
        [implicit(tags::SPECIFIC_CHARACTER_SET, b"ISO_IR 144"), implicit(NAME, b"\xB8\xD2")].concat();
    let of_a_length = element(tags::REFERENCED_STUDY_SEQUENCE, "UN", &item(&content));
    let open = open_sequence(tags::REFERENCED_STUDY_SEQUENCE, "UN", &content);
    let private = open_sequence(Tag(0x0009, 0x1001), "UN", &content);
    for bytes in [of_a_length, open] {
        assert_eq!(text(&items(&built(&bytes, EXPLICIT), tags::REFERENCED_STUDY_SEQUENCE)[0], NAME), "Ив");
    }
    assert_eq!(text(&items(&built(&private, EXPLICIT), Tag(0x0009, 0x1001))[0], NAME), "Ив");
}

#[test]
fn each_encoding_gives_the_same_object() {
    let big = [0, 0x28, 0, 0x10, b'U', b'S', 0, 2, 2, 0, 0, 0x28, 0x10, 0x52, b'D', b'S', 0, 2, b'-', b'4'];
    let little = [implicit(tags::ROWS, &[0, 2]), implicit(tags::RESCALE_INTERCEPT, b"-4")].concat();
    for (bytes, encoding) in [(&big[..], Encoding::EXPLICIT_BIG), (&little, Encoding::IMPLICIT_LITTLE)] {
        let object = built(bytes, encoding);
        let rows = object.element(tags::ROWS).expect("an element").to_int::<u32>().expect("a number");
        let intercept = object.element(tags::RESCALE_INTERCEPT).expect("an element").to_float64();
        assert_eq!((rows, intercept.expect("a number")), (512, -4.0), "{encoding:?}");
    }
}

/// dicom-object would allocate what their lengths promise, or read on at the wrong place.
#[test]
fn of_a_damaged_sequence_nothing_is_taken_and_what_surrounds_it_stays() {
    let too_long = [0xFE, 0xFF, 0x00, 0xE0, 0xFF, 0xFF, 0xFF, 0x7F, 1, 2, 3, 4];
    let no_item = element(NAME, "PN", b"Ab");
    for content in [&too_long[..], &no_item, &[1, 2, 3]] {
        let nested = element(tags::REFERENCED_SERIES_SEQUENCE, "SQ", content);
        let bytes = [
            element(
                tags::REFERENCED_STUDY_SEQUENCE,
                "SQ",
                &item(&[nested, element(NAME, "PN", b"In")].concat()),
            ),
            element(NAME, "PN", b"Out "),
        ];
        let object = built(&bytes.concat(), EXPLICIT);
        assert_eq!(text(&object, NAME), "Out");
        let inner = &items(&object, tags::REFERENCED_STUDY_SEQUENCE)[0];
        assert_eq!(text(inner, NAME), "In");
        assert!(inner.element(tags::REFERENCED_SERIES_SEQUENCE).is_err());
    }
}

#[test]
fn half_a_number_is_none_and_an_empty_value_is_empty() {
    let bytes =
        [element(tags::SERIES_DESCRIPTION, "LO", b"  "), element(tags::EXPOSURE_TIME_INMS, "FD", &[0, 0])];
    let object = built(&bytes.concat(), EXPLICIT);
    assert!(
        object
            .element(tags::SERIES_DESCRIPTION)
            .expect("an element")
            .value()
            .to_str()
            .is_ok_and(|text| text.is_empty())
    );
    assert_eq!(
        object.element(tags::EXPOSURE_TIME_INMS).expect("an element").to_multi_float64().expect("numbers"),
        []
    );
}

#[test]
fn of_two_elements_with_one_tag_the_first_counts() {
    let object = built(&[element(NAME, "PN", b"One "), element(NAME, "PN", b"Two ")].concat(), EXPLICIT);
    assert_eq!(text(&object, NAME), "One");
}

#[test]
fn sequences_end_at_the_limit_of_their_depth() {
    let mut bytes = element(NAME, "PN", b"Deep");
    for _ in 0..100 {
        bytes = element(tags::REFERENCED_STUDY_SEQUENCE, "SQ", &item(&bytes));
    }
    let object = built(&bytes, EXPLICIT);
    let (mut inner, mut depth) = (&object, 0);
    while inner.element(tags::REFERENCED_STUDY_SEQUENCE).is_ok() {
        inner = &items(inner, tags::REFERENCED_STUDY_SEQUENCE)[0];
        depth += 1;
    }
    assert_eq!(depth, Limits::default().sequence_depth_max);
}

/// Empty items, items with one element and values of one digit have a few bytes in a file, and take many times as much
/// memory.
#[test]
fn what_takes_more_memory_than_an_object_may_is_left_out_and_the_rest_stays() {
    let of_items =
        |item: Vec<u8>, count| element(tags::REFERENCED_SERIES_SEQUENCE, "SQ", &item.repeat(count));
    let in_item = |count| of_items(item(&element(NAME, "PN", b"")), count);
    let item_counts = [(of_items(item(&[]), 6_000_000), 6_000_000), (in_item(1_000_000), 1_000_000)];
    for (sequence, count) in item_counts {
        let object = built(&[sequence, element(tags::ROWS, "US", &[0, 2])].concat(), EXPLICIT);
        let items = items(&object, tags::REFERENCED_SERIES_SEQUENCE).len();
        assert!((100_000..count).contains(&items), "{items}");
        assert!(object.element(tags::ROWS).is_ok());
    }
    let digits = element(Tag(0x0009, 0x1001), "UC", &b"1\\".repeat(7_000_000));
    let object = built(&[digits, element(NAME, "PN", b"Kept")].concat(), EXPLICIT);
    assert_eq!((text(&object, NAME), object.iter().count()), ("Kept".to_owned(), 1));
}

#[test]
fn long_binary_values_are_told_of_and_short_ones_taken_along() {
    let bytes = [
        element(Tag(0x0009, 0x1001), "OB", &[7; 1024]),
        element(Tag(0x0009, 0x1002), "OB", &[8; 1026]),
        element(Tag(0x0009, 0x1003), "UN", &[9; 70_000]),
        element(NAME, "PN", b"Kept"),
    ]
    .concat();
    let DataSet { object, bulk_values } = built_whole(&bytes, EXPLICIT);
    let lengths: Vec<u32> = object.iter().map(|element| element.header().len.0).collect();
    assert_eq!(lengths, [1024, 0, 0, 4]);
    let told: Vec<(&str, VR)> = bulk_values.iter().map(|value| (&*value.path, value.vr)).collect();
    assert_eq!(told, [("00091002", VR::OB), ("00091003", VR::UN)]);
    for (value, (byte, length)) in bulk_values.iter().zip([(8, 1026), (9, 70_000)]) {
        let (start, end) = (value.offset as usize, (value.offset + value.byte_count) as usize);
        assert_eq!(bytes[start..end], vec![byte; length], "{value:?}");
        assert_eq!(value.swapped_bytes, 1);
    }
}

/// As waveforms have them, and optical paths of slides.
#[test]
fn long_binary_values_in_items_are_told_of_by_the_path_to_them() {
    let long = element(tags::ICC_PROFILE, "OB", &[5; 2000]);
    let in_item = element(tags::OPTICAL_PATH_SEQUENCE, "SQ", &[item(&[]), item(&long)].concat());
    let outer = [open_sequence(tags::REFERENCED_STUDY_SEQUENCE, "SQ", &in_item), in_item.clone()].concat();
    let told = built_whole(&outer, EXPLICIT);
    let paths: Vec<&str> = told.bulk_values.iter().map(|value| &*value.path).collect();
    assert_eq!(paths, ["00081110/1/00480105/2/00282000", "00480105/2/00282000"]);
    for value in &told.bulk_values {
        assert_eq!(outer[value.offset as usize..][..2000], [5; 2000]);
    }
    let inner = &items(&told.object, tags::OPTICAL_PATH_SEQUENCE)[1];
    assert_eq!(inner.element(tags::ICC_PROFILE).expect("an element").vr(), VR::OB);
    // Of a damaged sequence nothing is told.
    let damaged = element(tags::OPTICAL_PATH_SEQUENCE, "SQ", &[item(&long), vec![1; 20]].concat());
    assert_eq!(built_whole(&damaged, EXPLICIT).bulk_values, []);
}

/// PS3.5 7.3: words are swapped, whatever the file is in; what nobody knows is bytes.
#[test]
fn words_of_big_endian_files_are_said_to_be_swapped() {
    let big = |element: u16, vr: &[u8; 2]| {
        let tag = [&0x0009_u16.to_be_bytes()[..], &element.to_be_bytes()].concat();
        [&tag[..], vr, &[0, 0], &1032_u32.to_be_bytes(), &[1; 1032]].concat()
    };
    let vrs = [b"OW", b"OF", b"OL", b"OD", b"OV", b"OB", b"UN"];
    let bytes: Vec<u8> = (0x1001..).zip(vrs).flat_map(|(element, vr)| big(element, vr)).collect();
    let told = built_whole(&bytes, Encoding::EXPLICIT_BIG).bulk_values;
    assert_eq!(told.iter().map(|value| value.swapped_bytes).collect::<Vec<_>>(), [2, 4, 4, 8, 8, 1, 1]);
}

#[test]
fn values_that_are_told_of_have_a_bound() {
    let bytes: Vec<u8> =
        (0..1100_u16).flat_map(|number| element(Tag(0x0009, 0x1000 + number), "OB", &[1; 1026])).collect();
    let told = built_whole(&bytes, EXPLICIT);
    assert_eq!((told.bulk_values.len(), told.object.iter().count()), (1000, 1000));
}
