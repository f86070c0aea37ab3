//! Planes through slices as a slot makes them: of files that it reads where they lie and of bytes that were fetched, of a file for each
//! slice and of frames of one file; and what becomes of slices that are not as they were.

use std::{
    fs,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use dicom_core::{DataElement, PrimitiveValue, VR};
use dicom_dictionary_std::{tags, uids};
use dicom_object::{FileMetaTableBuilder, InMemDicomObject};
use noctis_shared::{
    catalog::NewInstance,
    job::FrameSource,
    render::{FailureKind, Outcome, StageTimings},
    request::{FrameRequest, PictureFormat},
    storage::LocalPlace,
    volume_plane::{Projection, VolumePlane, VolumeSlice},
};
use noctis_worker::{
    index::{MissingUids, read_instance},
    slot::{
        FrameBytes, ReadError, ReadStep, RenderTask, decoded_frames::DecodedFrames, range_of_frame,
        ranges_to_fetch, slices::Slice, task::perform,
    },
};
use tempfile::TempDir;
use uuid::Uuid;

const SIDE: u16 = 8;
const SLICES: u16 = 5;

/// The value at a sample: another axis, or its other way, has other values everywhere.
fn value(column: u16, row: u16, slice: u16) -> u16 {
    column + 10 * row + 20 * slice
}

/// A file of frames that follow each other.
fn write(path: &Path, number: u16, frames: std::ops::Range<u16>) {
    let pixels: Vec<u16> = frames
        .clone()
        .flat_map(|slice| (0..SIDE).map(move |row| (slice, row)))
        .flat_map(|(slice, row)| (0..SIDE).map(move |column| value(column, row, slice)))
        .collect();
    let mut object = InMemDicomObject::new_empty();
    let text = |value: &str| PrimitiveValue::from(value);
    for (tag, vr, value) in [
        (tags::SOP_CLASS_UID, VR::UI, text(uids::CT_IMAGE_STORAGE)),
        (tags::SOP_INSTANCE_UID, VR::UI, text(&format!("1.2.3.{}", number + 1))),
        (tags::STUDY_INSTANCE_UID, VR::UI, text("1.2.3")),
        (tags::SERIES_INSTANCE_UID, VR::UI, text("1.2.3.0")),
        (tags::MODALITY, VR::CS, text("CT")),
        (tags::PHOTOMETRIC_INTERPRETATION, VR::CS, text("MONOCHROME2")),
        (tags::SAMPLES_PER_PIXEL, VR::US, PrimitiveValue::from(1_u16)),
        (tags::NUMBER_OF_FRAMES, VR::IS, text(&frames.len().to_string())),
        (tags::ROWS, VR::US, PrimitiveValue::from(SIDE)),
        (tags::COLUMNS, VR::US, PrimitiveValue::from(SIDE)),
        (tags::BITS_ALLOCATED, VR::US, PrimitiveValue::from(16_u16)),
        (tags::BITS_STORED, VR::US, PrimitiveValue::from(12_u16)),
        (tags::HIGH_BIT, VR::US, PrimitiveValue::from(11_u16)),
        (tags::PIXEL_REPRESENTATION, VR::US, PrimitiveValue::from(0_u16)),
        (tags::WINDOW_CENTER, VR::DS, text("128")),
        (tags::WINDOW_WIDTH, VR::DS, text("256")),
        (tags::PIXEL_DATA, VR::OW, PrimitiveValue::U16(pixels.into())),
    ] {
        object.put(DataElement::new(tag, vr, value));
    }
    let meta = FileMetaTableBuilder::new().transfer_syntax(uids::EXPLICIT_VR_LITTLE_ENDIAN);
    object.with_meta(meta).expect("a file").write_to_file(path).expect("written");
}

/// A slice: its file, and where its frame lies.
struct Stored {
    path: PathBuf,
    source: FrameSource,
    frame_number: u32,
}

fn stored(path: &Path) -> Vec<Stored> {
    let instance: NewInstance =
        read_instance(path, &format!("file://{}", path.display()), MissingUids::Refuse).expect("an instance");
    let of = |(nth, frame): (usize, &_)| Stored {
        path: path.to_owned(),
        source: FrameSource {
            location: instance.location.clone(),
            content_digest: instance.content_digest,
            file_byte_count: instance.file_byte_count,
            header_byte_count: instance.header_byte_count,
            frame: *frame,
            deflated: instance.deflated,
            header_checksum: instance.header_checksum,
        },
        frame_number: nth as u32 + 1,
    };
    instance.frames.iter().enumerate().map(of).collect()
}

fn a_file_for_each(folder: &TempDir) -> Vec<Stored> {
    let file = |slice: u16| {
        let path = folder.path().join(format!("{slice}.dcm"));
        write(&path, slice, slice..slice + 1);
        stored(&path).remove(0)
    };
    (0..SLICES).map(file).collect()
}

fn frames_of_one(folder: &TempDir) -> Vec<Stored> {
    let path = folder.path().join("all.dcm");
    write(&path, 0, 0..SLICES);
    stored(&path)
}

/// Across all slices, at row 3, the last one above; a pixel for each sample.
fn task(slices: &[Stored], is_fetched: bool) -> RenderTask {
    let ends = [-0.5, f64::from(SLICES) - 0.5];
    let plane = VolumePlane {
        slices: slices.iter().enumerate().map(named).collect(),
        along: ends,
        rows: SLICES.into(),
        columns: SIDE.into(),
        corner: [-0.5, 3.0, ends[1]],
        to_right: [1.0, 0.0, 0.0],
        to_below: [0.0, 0.0, -1.0],
        through: [0.0; 3],
        projection: Projection::Mean,
        points: 1,
    };
    let before = std::iter::once(None).chain(slices.iter().map(|slice| Some(&slice.source)));
    let with_bytes = |(slice, before): (&Stored, Option<&FrameSource>)| {
        let is_of_the_same_file = Slice::is_of_the_same_file(&slice.source, before);
        let ranges = if is_of_the_same_file {
            vec![range_of_frame(&slice.source)]
        } else {
            ranges_to_fetch(&slice.source)
        };
        Slice { source: slice.source.clone(), is_of_the_same_file, bytes: bytes(slice, ranges, is_fetched) }
    };
    let middle = &slices[slices.len() / 2];
    RenderTask {
        source: middle.source.clone(),
        request: FrameRequest {
            frame_number: middle.frame_number,
            plane: Some(Box::new(plane)),
            ..FrameRequest::new(PictureFormat::Png)
        },
        bytes: bytes(middle, ranges_to_fetch(&middle.source), is_fetched),
        presentation_state: None,
        segmentation: None,
        slices: slices.iter().zip(before).map(with_bytes).collect(),
    }
}

fn named((nth, slice): (usize, &Stored)) -> VolumeSlice {
    VolumeSlice {
        image_id: Uuid::nil(),
        content_digest: slice.source.content_digest,
        frame_number: slice.frame_number,
        along: nth as f64,
        moved: [0.0; 2],
    }
}

fn bytes(slice: &Stored, ranges: Vec<std::ops::Range<u64>>, is_fetched: bool) -> FrameBytes {
    if !is_fetched {
        return FrameBytes::Local(LocalPlace::anywhere(&slice.path));
    }
    let file = Bytes::from(fs::read(&slice.path).expect("a file"));
    FrameBytes::Fetched(
        ranges.into_iter().map(|range| file.slice(range.start as usize..range.end as usize)).collect(),
    )
}

/// The answer, and how often it was said that the reading goes on, and that it is done.
fn performed(task: &RenderTask) -> (Result<Outcome, ReadError>, [usize; 2]) {
    let mut steps = [0; 2];
    let answer = perform(task, &DecodedFrames::new(0), &mut |step| match step {
        ReadStep::GoesOn => steps[0] += 1,
        ReadStep::Done => steps[1] += 1,
    });
    (answer, steps)
}

fn picture(task: &RenderTask) -> Bytes {
    let (answer, steps) = performed(task);
    assert_eq!(steps[1], 1, "all of it is one reading");
    assert!(steps[0] >= SLICES.into());
    match answer.expect("read") {
        Outcome::Picture(mut render) => {
            assert_eq!((render.facts.rows, render.facts.columns), (SLICES.into(), SIDE.into()));
            render.facts.timings = StageTimings::default();
            render.picture
        }
        Outcome::Failure(failure) => panic!("{failure:?}"),
    }
}

fn levels(png: &[u8]) -> Vec<u8> {
    let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().expect("a PNG");
    let mut levels = vec![0; reader.output_buffer_size().expect("a small picture")];
    reader.next_frame(&mut levels).expect("a PNG");
    levels
}

#[test]
fn a_plane_is_the_same_of_files_and_of_frames_where_they_lie_and_fetched() {
    let folder = tempfile::tempdir().expect("a folder");
    let wanted: Vec<u8> = (0..SLICES)
        .rev()
        .flat_map(|slice| (0..SIDE).map(move |column| value(column, 3, slice) as u8))
        .collect();
    for slices in [a_file_for_each(&folder), frames_of_one(&folder)] {
        for is_fetched in [false, true] {
            let shown = levels(&picture(&task(&slices, is_fetched)));
            // A window of 256 shows 0 to 255 as they are.
            assert_eq!(shown, wanted);
        }
    }
}

#[test]
fn a_slice_that_is_not_as_it_was_is_no_picture() {
    let folder = tempfile::tempdir().expect("a folder");
    let slices = a_file_for_each(&folder);
    let whole = fs::read(&slices[1].path).expect("a file");
    for at in [200, whole.len() - 1] {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        fs::write(&slices[1].path, damaged).expect("written");
        for is_fetched in [false, true] {
            let Ok(Outcome::Failure(failure)) = performed(&task(&slices, is_fetched)).0 else {
                panic!("a picture")
            };
            assert_eq!(failure.kind, FailureKind::FileChanged);
        }
    }
    fs::remove_file(&slices[1].path).expect("removed");
    assert_eq!(performed(&task(&slices, false)).0, Err(ReadError::NotFound));
}

#[test]
fn a_slice_that_cannot_be_decoded_is_named_by_its_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let slices = a_file_for_each(&folder);
    let mut task = task(&slices, false);
    // Another frame than the file has, as of an index that was wrong.
    task.request.plane.as_mut().expect("a plane").slices[2].frame_number = 7;
    let Ok(Outcome::Failure(failure)) = performed(&task).0 else { panic!("a picture") };
    assert_eq!(failure.kind, FailureKind::NoSuchFrame);
    assert!(failure.reason.starts_with("slice 3 of the plane: "), "{}", failure.reason);
}

#[test]
fn a_job_without_the_files_of_its_slices_is_no_picture() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut task = task(&a_file_for_each(&folder), false);
    task.slices.pop();
    let Ok(Outcome::Failure(failure)) = performed(&task).0 else { panic!("a picture") };
    assert_eq!(failure.kind, FailureKind::InvalidRequest);
    for slice in &mut task.slices {
        slice.source.frame.byte_count = 1 << 29;
    }
    let Ok(Outcome::Failure(failure)) = performed(&task).0 else { panic!("a picture") };
    assert!(failure.reason.contains("more than the limit"), "{}", failure.reason);
}
