//! How much memory the index takes of hostile files, each in a process of its own, and what is stored and
//! drawn of sound ones.

use std::{
    env, fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use flate2::{
    Compress, Compression, FlushCompress,
    write::{DeflateEncoder, ZlibEncoder},
};
use noctis_render::{Limits, inflate, scan};
use noctis_shared::{
    cache::{Cache, CacheLimits},
    catalog::{Catalog, CatalogLimits, NewInstance},
    forget::Forgetting,
    job::FrameSource,
    render::{FailureKind, Outcome, StageTimings},
    request::{FrameRequest, PictureFormat},
    storage::{LocalPlace, Storage},
};
use noctis_worker::{
    index::{FilesInHand, IN_HAND_BYTES_MAX, Indexer, MissingUids, Rejected, read_instance},
    slot::{FrameBytes, RenderTask, decoded_frames::DecodedFrames, task::perform},
};
use tokio_util::sync::CancellationToken;
use xxhash_rust::xxh3::xxh3_64;

/// That of the programs: what another keeps for later would be measured too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const DEFLATED: &[u8] = b"1.2.840.10008.1.2.1.99\0";
const EXPLICIT: &[u8] = b"1.2.840.10008.1.2.1\0";
const MIB: usize = 1 << 20;
/// Memory that reading one file may take, whatever is in its pixel data.
const PIXELS_MIB_MAX: usize = 32;
/// Memory that reading one file may take, whatever is in its header, as `docs/operations.md` has it.
const HEADER_MIB_MAX: usize = 640;
/// As much for a header of 256 KiB.
const SMALL_HEADER_MIB_MAX: usize = 64;

/// An element in explicit little endian.
fn element(group: u16, number: u16, vr: &[u8; 2], value: &[u8]) -> Vec<u8> {
    let mut bytes = element_start(group, number, vr, value.len());
    bytes.extend(value);
    bytes
}

fn element_start(group: u16, number: u16, vr: &[u8; 2], length: usize) -> Vec<u8> {
    let mut bytes = [group.to_le_bytes(), number.to_le_bytes()].concat();
    bytes.extend(vr);
    if matches!(vr, b"OB" | b"OW" | b"SQ" | b"UC" | b"UN") {
        bytes.extend([0, 0]);
        bytes.extend((length as u32).to_le_bytes());
    } else {
        bytes.extend((length as u16).to_le_bytes());
    }
    bytes
}

fn meta(transfer_syntax_uid: &[u8]) -> Vec<u8> {
    [&[0; 128][..], b"DICM", &element(2, 0x10, b"UI", transfer_syntax_uid)].concat()
}

/// A data set of UIDs and `rest`, up to the pixel data of `frames` frames of 512 x 512.
fn header(rest: &[u8], frames: usize) -> Vec<u8> {
    header_of(1, rest, frames)
}

fn header_of(instance: usize, rest: &[u8], frames: usize) -> Vec<u8> {
    [
        element(8, 0x16, b"UI", b"1.2.840.10008.5.1.4.1.1.7\0"),
        element(8, 0x18, b"UI", format!("1.2.3.{instance:04}").as_bytes()),
        rest.to_vec(),
        element(0x20, 0x0D, b"UI", b"1.2.4\0"),
        element(0x20, 0x0E, b"UI", b"1.2.5\0"),
        element(0x28, 2, b"US", &[1, 0]),
        element(0x28, 4, b"CS", b"MONOCHROME2 "),
        element(0x28, 8, b"IS", format!("{frames:<8}").as_bytes()),
        element(0x28, 0x10, b"US", &[0, 2]),
        element(0x28, 0x11, b"US", &[0, 2]),
        element(0x28, 0x100, b"US", &[8, 0]),
        element(0x28, 0x101, b"US", &[8, 0]),
        element(0x28, 0x102, b"US", &[7, 0]),
        element(0x28, 0x103, b"US", &[0, 0]),
        element_start(0x7FE0, 0x10, b"OW", frames << 18),
    ]
    .concat()
}

fn item(content: &[u8]) -> Vec<u8> {
    [&[0xFE, 0xFF, 0x00, 0xE0][..], &(content.len() as u32).to_le_bytes(), content].concat()
}

/// A deflate stream that goes on after `bytes`: whole in itself, so that it can be repeated.
fn deflated_part(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + MIB);
    let mut compress = Compress::new(Compression::best(), false);
    compress.compress_vec(bytes, &mut out, FlushCompress::Full).expect("room for all");
    assert_eq!(compress.total_in(), bytes.len() as u64);
    out
}

/// What ends a deflate stream: an empty last block.
const END: [u8; 2] = [3, 0];

/// A deflated file whose pixel data is `frames` times the same picture of a quarter of a megabyte.
fn bomb(instance: usize, rest: &[u8], frames: usize) -> Vec<u8> {
    let mut file = meta(DEFLATED);
    file.extend(deflated_part(&header_of(instance, rest, frames)));
    file.extend(deflated_part(&vec![0; 1 << 18]).repeat(frames));
    file.extend(END);
    file
}

fn deflated(data_set: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(meta(DEFLATED), Compression::fast());
    encoder.write_all(data_set).expect("writing to memory");
    encoder.finish().expect("writing to memory")
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, bytes).expect("written");
        path
    }
}

/// Names the file or folder that [`of_a_process_of_its_own`] indexes.
const PATH: &str = "NOCTIS_TEST_PATH";

/// What a process of its own says of `path` once it has indexed it, and the most MiB of memory that it ever had.
fn indexed_apart(path: &Path) -> (String, usize) {
    let child = Command::new(env::current_exe().expect("this test"))
        .args(["--ignored", "--exact", "of_a_process_of_its_own", "--nocapture"])
        .env(PATH, path)
        .output()
        .expect("a process");
    let said = String::from_utf8_lossy(&child.stdout).into_owned();
    let line = said.lines().find_map(|line| line.split_once("RESULT "));
    let (mib, outcome) = line.and_then(|(_, line)| line.split_once(' ')).unwrap_or_else(|| panic!("{said}"));
    (outcome.to_owned(), mib.parse().expect("a number"))
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by the others, whose memory would be measured too"]
async fn of_a_process_of_its_own() {
    let path = PathBuf::from(env::var_os(PATH).expect("a path"));
    let outcome = if path.is_dir() { index(&path).await } else { read(&path) };
    let status = fs::read_to_string("/proc/self/status").expect("a process may look at itself");
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("on Linux");
    let kib: usize = most.trim().trim_end_matches(" kB").parse().expect("a number of kB");
    writeln!(std::io::stdout(), "RESULT {} {outcome}", kib / 1024).expect("written");
}

fn read(path: &Path) -> String {
    match read_instance(path, "file:///x", MissingUids::Refuse) {
        Ok(instance) => format!("{} frames", instance.frames.len()),
        Err(Rejected::BeyondLimit(_)) => "beyond a limit".to_owned(),
        Err(other) => other.to_string(),
    }
}

async fn index(folder: &Path) -> String {
    let mut storage = Storage::new(&"file:///nowhere".parse().expect("a URL"), &[]).expect("a storage");
    let location = storage.allow_local(folder).expect("a folder");
    let catalog = Catalog::connect("sqlite::memory:", CatalogLimits::default()).await.expect("a catalog");
    let cache = Cache::connect("memory:", "noctis", CacheLimits::default()).await.expect("a cache");
    let indexer = Indexer {
        forgetting: Forgetting::new(&catalog, &cache),
        catalog,
        storage,
        files: FilesInHand::new(64),
        missing_uids: MissingUids::Refuse,
        presets: Arc::default(),
    };
    let summary = indexer.index(&[location], false, &CancellationToken::new(), |_, _| {}).await;
    format!("{} accepted", summary.expect("indexed").accepted)
}

#[test]
fn pixel_data_takes_no_memory_however_much_a_deflated_file_has_of_it() {
    let folder = Folder::new();
    let expected = [(2400, "2400 frames"), (4090, "4090 frames"), (5000, "beyond a limit")];
    for (frames, expected) in expected {
        let file = bomb(1, &[], frames);
        assert!(file.len() < 2 * MIB, "{} bytes", file.len());
        let (outcome, mib) = indexed_apart(&folder.file("bomb", &file));
        say(&format!("{} KB, {} MiB of pixels", file.len() >> 10, frames >> 2), &outcome, mib);
        assert_eq!(outcome, expected);
        assert!(mib <= PIXELS_MIB_MAX, "{mib} MiB");
    }
}

#[test]
fn a_header_takes_no_more_memory_than_is_said_whatever_is_in_it() {
    let folder = Folder::new();
    let empty = element(8, 0x18, b"UI", b"");
    let elements = (0..3_900_000_u32).flat_map(|n| element(9 + 2 * (n >> 16) as u16, n as u16, b"LO", b""));
    let headers = [
        ("numbers", element(9, 0x1001, b"UC", &b"1\\".repeat(31 * MIB))),
        ("numbers in many elements", element(9, 0x1001, b"UC", &b"1\\".repeat(MIB)).repeat(30)),
        ("items", element(8, 0x1115, b"SQ", &item(&empty).repeat(3_900_000))),
        ("empty items", element(8, 0x1115, b"SQ", &item(&[]).repeat(7_800_000))),
        ("elements", elements.collect()),
        ("spaces", element(9, 0x1001, b"UC", &vec![b' '; 62 * MIB])),
        ("controls", element(9, 0x1001, b"UC", &vec![1; 62 * MIB])),
        ("binary values", element(9, 0x1001, b"UN", &vec![1; 62 * MIB])),
    ];
    let small = [
        ("few numbers", element(9, 0x1001, b"UC", &b"1\\".repeat(120_000))),
        ("few items", element(8, 0x1115, b"SQ", &item(&empty).repeat(15_000))),
        ("few empty items", element(8, 0x1115, b"SQ", &item(&[]).repeat(30_000))),
    ];
    let headers = headers.into_iter().map(|header| (header, HEADER_MIB_MAX));
    for ((what, rest), most) in small.into_iter().map(|header| (header, SMALL_HEADER_MIB_MAX)).chain(headers)
    {
        let path = folder.file(what, &deflated(&header(&rest, 1)));
        let (outcome, mib) = indexed_apart(&path);
        say(what, &outcome, mib);
        assert_eq!(outcome, "1 frames", "{what}");
        assert!(mib <= most, "{mib} MiB");
    }
}

/// They share one bound, however many readers are asked for.
#[test]
fn all_files_in_hand_take_no_more_memory_than_is_said() {
    let folder = Folder::new();
    let named = element(8, 0x18, b"UI", b"1.2.3.4 ");
    for instance in 0..60 {
        let rest = match instance % 20 {
            0 => element(9, 0x1001, b"UC", &b"1\\".repeat(5 * MIB)),
            odd if odd % 2 == 1 => element(8, 0x1115, b"SQ", &item(&named).repeat(10_000)),
            _ => element(9, 0x1001, b"UC", &b"1\\".repeat(120_000)),
        };
        folder.file(&format!("{instance}"), &bomb(instance, &rest, 400));
    }
    let (outcome, mib) = indexed_apart(folder.0.path());
    say("60 files", &outcome, mib);
    assert_eq!(outcome, "60 accepted");
    assert!(mib <= IN_HAND_BYTES_MAX as usize / MIB + HEADER_MIB_MAX, "{mib} MiB");
}

fn say(what: &str, outcome: &str, mib: usize) {
    writeln!(std::io::stderr(), "{mib} MiB: {what}: {outcome}").expect("written");
}

/// What is stored of a deflated file is what the whole of it, inflated at once, says.
#[test]
fn a_deflated_file_has_the_row_of_what_it_inflates_to() {
    let folder = Folder::new();
    for frames in [1, 7] {
        let cells = (0..frames << 18).map(|cell: usize| ((cell * 31) >> 7) as u8);
        let data_set: Vec<u8> = header(&[], frames).into_iter().chain(cells).collect();
        let mut zlib = ZlibEncoder::new(meta(DEFLATED), Compression::fast());
        zlib.write_all(&data_set).expect("writing to memory");
        for file in [deflated(&data_set), zlib.finish().expect("writing to memory")] {
            let row = instance(&folder.file("deflated", &file));
            let whole = inflate(&file, &Limits::default()).expect("a sound stream");
            let pixels = scan(&file, &Limits::default()).expect("a scan").pixels.expect("pixels");
            // The same data set as a plain file, whose ranges lie elsewhere by the difference of the meta information.
            let plain_file = [meta(EXPLICIT), data_set.clone()].concat();
            let plain = instance(&folder.file("plain", &plain_file));
            let shift = (whole.len() - plain_file.len()) as u64;
            let part = |offset: u64, byte_count: u64| &whole[offset as usize..][..byte_count as usize];
            assert_eq!(row.header_byte_count, plain.header_byte_count + shift);
            assert_eq!(row.header_byte_count, pixels.header_byte_count);
            assert_eq!(row.header_checksum, xxh3_64(part(0, row.header_byte_count)));
            assert_eq!(row.content_digest.0, *blake3::hash(&file).as_bytes());
            assert_eq!((row.file_byte_count, row.deflated), (file.len() as u64, true));
            assert_eq!((row.frames.len(), &row.header_json), (frames, &plain.header_json));
            for (frame, plain) in row.frames.iter().zip(&plain.frames) {
                assert_eq!((frame.offset, frame.byte_count), (plain.offset + shift, plain.byte_count));
                assert_eq!(frame.checksum, plain.checksum);
                assert_eq!(frame.checksum, xxh3_64(part(frame.offset, frame.byte_count)));
            }
        }
    }
}

/// What a render process makes of each frame, of a raw stream as of a wrapped one; of a stream that ends before, nothing.
#[test]
fn a_frame_of_a_deflated_file_is_drawn_as_that_of_the_plain_one() {
    let folder = Folder::new();
    let cells = (0..3_usize << 18).map(|cell| ((cell * 31) >> 7) as u8);
    let data_set: Vec<u8> = header(&[], 3).into_iter().chain(cells).collect();
    let mut zlib = ZlibEncoder::new(meta(DEFLATED), Compression::fast());
    zlib.write_all(&data_set).expect("writing to memory");
    let zlib = zlib.finish().expect("writing to memory");
    let plain = pictures(&folder.file("plain", &[meta(EXPLICIT), data_set.clone()].concat()));
    assert!(plain.iter().all(|picture| matches!(picture, Outcome::Picture(_))), "{plain:?}");
    for file in [deflated(&data_set), zlib] {
        let path = folder.file("deflated", &file);
        assert!(pictures(&path) == plain);
        let indexed = instance(&path);
        let mut damaged = file.clone();
        damaged[meta(DEFLATED).len() + 3..].fill(0);
        fs::write(&path, damaged).expect("written");
        assert!(
            matches!(picture(&path, &indexed, 2), Outcome::Failure(failure) if failure.kind == FailureKind::FileChanged)
        );
    }
}

fn pictures(path: &Path) -> Vec<Outcome> {
    let instance = instance(path);
    (0..instance.frames.len()).map(|index| picture(path, &instance, index)).collect()
}

fn picture(path: &Path, instance: &NewInstance, frame_index: usize) -> Outcome {
    let source = FrameSource {
        location: instance.location.clone(),
        content_digest: instance.content_digest,
        file_byte_count: instance.file_byte_count,
        header_byte_count: instance.header_byte_count,
        frame: instance.frames[frame_index],
        deflated: instance.deflated,
        header_checksum: instance.header_checksum,
    };
    let frame_number = frame_index as u32 + 1;
    let request = FrameRequest { frame_number, ..FrameRequest::new(PictureFormat::Png) };
    let bytes = FrameBytes::Local(LocalPlace::anywhere(path));
    let task = RenderTask {
        source,
        request,
        bytes,
        presentation_state: None,
        segmentation: None,
        slices: Vec::new(),
    };
    let mut outcome = perform(&task, &DecodedFrames::new(0), &mut |_| {}).expect("a file that can be read");
    if let Outcome::Picture(render) = &mut outcome {
        render.facts.timings = StageTimings::default();
    }
    outcome
}

fn instance(path: &Path) -> NewInstance {
    read_instance(path, "file:///x", MissingUids::Refuse).expect("an instance")
}
