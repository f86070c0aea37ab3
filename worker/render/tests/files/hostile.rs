//! Damaged and malicious files: each gets an answer, within a time, without a panic and without an end of memory.
//! The mutations are the same on every run; long hunts belong to a fuzzer.

use std::time::{Duration, Instant};

use crate::builder::{DEFLATED, EXPLICIT_LITTLE, FileBuilder, JPEG_BASELINE, RLE, render};
use noctis_render::{Fit, FrameRequest, Limits, RenderError, decode_frame, scan};

/// Mutants of each file. Enough to meet each kind of damage at each place of a small header.
const MUTANTS: u32 = 150;
/// Fewer where a decoder takes milliseconds.
const CODESTREAM_MUTANTS: u32 = 25;
/// A render of these small frames takes well under a millisecond; but `CharLS` 2.4.5 counts to 2^31 on some damaged
/// codestreams before it gives up, which is seconds.
const RENDER_TIME_MAX: Duration = Duration::from_secs(20);

#[test]
fn no_mutant_panics_or_hangs() {
    for (name, file) in seeds() {
        render(&file, &FrameRequest::default()).unwrap_or_else(|error| panic!("{name} is sound: {error}"));
        mutate(name, &file, MUTANTS);
    }
}

/// The decoders behind the compressed syntaxes, on files that the corpus has and this test cannot write.
#[test]
fn no_mutant_of_a_real_codestream_panics_or_hangs() {
    for (name, file) in codestream_seeds() {
        mutate(name, &file, CODESTREAM_MUTANTS);
    }
}

/// Decoders like to fill what is missing with grey, and say nothing.
#[test]
fn half_a_codestream_is_damage() {
    let limits = Limits::default();
    for (name, file) in codestream_seeds() {
        let scan = scan(&file, &limits).expect("a sound file");
        let range = scan.pixels.expect("pixels").frames[0];
        let frame = &file[range.offset as usize..][..range.byte_count as usize];
        let mut half = frame[..8 + (frame.len() - 8) / 4 * 2].to_vec();
        let length = (half.len() - 8) as u32;
        half[4..8].copy_from_slice(&length.to_le_bytes());
        let whole = decode_frame(&scan.header, frame, &FrameRequest::default(), &limits);
        assert!(whole.is_ok(), "{name}: {whole:?}");
        let cut = decode_frame(&scan.header, &half, &FrameRequest::default(), &limits);
        assert!(matches!(cut, Err(RenderError::Corrupt { .. })), "{name} is shown as if it were whole");
    }
}

/// Files of the corpus, one for each decoder; none without it, which CI does not accept.
fn codestream_seeds() -> Vec<(&'static str, Vec<u8>)> {
    let Some(corpus) = std::env::var_os("NOCTIS_CORPUS").map(std::path::PathBuf::from) else {
        assert!(std::env::var_os("CI").is_none(), "NOCTIS_CORPUS must be set in CI");
        eprintln!("SKIPPED: NOCTIS_CORPUS is not set, no codestream was damaged");
        return Vec::new();
    };
    let names = [
        "pdgh__HTJ2K_08_RGB",
        "pdgh__JLSL_16_15_1_1F",
        "pydicom__J2K_pixelrep_mismatch",
        "pydicom__JPGExtended",
        "plj__JPEGBaseline_1s_1f_u_08_08",
        "plj__JPEGLosslessP14SV1_1s_1f_u_16_16",
        "plj__TOSHIBA_J2K_SIZ1_PixRep0",
        "pydicom__rtdose_rle",
        "dcm4che__will-jxl",
    ];
    let read = |name| std::fs::read(corpus.join(format!("files/{name}.dcm"))).expect("a file of the corpus");
    names.into_iter().map(|name| (name, read(name))).collect()
}

#[test]
fn a_small_file_cannot_claim_a_large_picture() {
    let file = FileBuilder::new(EXPLICIT_LITTLE).monochrome(65_535, 65_535, 16, 16, false).native(&[0; 64]);
    assert!(matches!(render(&file, &FrameRequest::default()), Err(RenderError::TooLarge { .. })));
}

#[test]
fn a_declared_length_past_the_end_is_damage() {
    let mut file = FileBuilder::new(EXPLICIT_LITTLE).text(0x0010, 0x0010, "PN", "A^B").file();
    let length_at = file.len() - 6;
    file[length_at..length_at + 2].copy_from_slice(&u16::MAX.to_le_bytes());
    let scan = scan(&file, &Limits::default()).expect("what comes before is kept");
    assert!(scan.pixels.is_none());
}

#[test]
fn a_sequence_nested_too_deeply_is_refused() {
    let mut nested = Vec::new();
    for _ in 0..2000 {
        nested.extend([0x40, 0, 0x10, 0, b'S', b'Q', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]);
        nested.extend([0xFE, 0xFF, 0x00, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF]);
    }
    let mut file = FileBuilder::new(EXPLICIT_LITTLE).file();
    file.extend(nested);
    assert!(matches!(scan(&file, &Limits::default()), Err(RenderError::TooLarge { .. })));
}

#[test]
fn a_deflated_bomb_stops_at_the_limit() {
    let file = FileBuilder::new(DEFLATED).monochrome(8, 8, 16, 12, false).native(&vec![0; 80 << 20]);
    assert!(file.len() < 1 << 20);
    assert!(matches!(render(&file, &FrameRequest::default()), Err(RenderError::TooLarge { .. })));
}

/// The decoder would count zeros up to an overflow: found by fuzzing.
#[test]
fn a_jpeg_ls_codestream_without_an_end_is_refused() {
    const START: [u8; 25] = [
        0xFF, 0xD8, 0xFF, 0xF7, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 0, // 8 x 8 of 8 bits
        0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 0, 0,
    ];
    let file = |rest: &[u8]| {
        let codestream = [&START[..], rest].concat();
        FileBuilder::new("1.2.840.10008.1.2.4.80").monochrome(8, 8, 8, 8, false).encapsulated(&[&codestream])
    };
    let request = FrameRequest { best_effort: true, ..FrameRequest::default() };
    for rest in [&[61, 1, 1, 64][..], &[0, 0, 0, 0xFF, 0xD9][..]] {
        let error = render(&file(rest), &request).expect_err("zeros are not a picture");
        assert!(error.to_string().contains("JPEG-LS"), "{error}");
    }
}

#[test]
fn the_catalog_gets_what_can_be_read_of_a_damaged_file() {
    for (name, file) in seeds() {
        let mut random = Random(7);
        for _ in 0..MUTANTS {
            let mutant = mutant(&file, &mut random);
            if let Ok(scan) = scan(&mutant, &Limits::default()) {
                let count = scan.header.dataset().into_iter().count();
                assert!(count < 1000, "{name}");
            }
        }
    }
}

fn mutate(name: &str, file: &[u8], count: u32) {
    let mut random = Random(u64::from_le_bytes(*b"noctis!!"));
    let fit = Fit { width: Some(16), height: Some(16), enlarge: false };
    for index in 0..count {
        let mutant = mutant(file, &mut random);
        let request = FrameRequest {
            best_effort: index % 2 == 0,
            fit: if index % 3 == 0 { fit } else { Fit::default() },
            ..FrameRequest::default()
        };
        let start = Instant::now();
        if let Err(error) = render(&mutant, &request) {
            assert!(error.is_permanent(), "{name}, mutant {index}: {error}");
        }
        assert!(start.elapsed() < RENDER_TIME_MAX, "{name}, mutant {index} took {:?}", start.elapsed());
    }
}

/// The file with one kind of damage: bytes changed, cut out, doubled, or the end missing.
fn mutant(file: &[u8], random: &mut Random) -> Vec<u8> {
    let mut mutant = file.to_vec();
    match random.below(8) {
        0 => mutant.truncate(random.below(file.len())),
        1 => {
            let start = random.below(file.len());
            mutant.drain(start..(start + 1 + random.below(64)).min(file.len()));
        }
        2 => {
            let start = random.below(file.len());
            let piece = file[start..(start + 64).min(file.len())].to_vec();
            mutant.splice(start..start, piece);
        }
        3 => {
            // The ends of integers, where lengths and sizes are.
            let start = 132 + random.below(file.len() - 136);
            let extreme = [0, 0xFF, 0x7F, 0x80][random.below(4)];
            mutant[start..start + 4].fill(extreme);
        }
        _ => {
            for _ in 0..=random.below(8) {
                let at = random.below(file.len());
                mutant[at] = random.next() as u8;
            }
        }
    }
    mutant
}

/// Numbers that look random and are the same on every run (Knuth's MMIX generator).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

/// Sound files with a bit of everything that the parser and the stages look at.
fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let ramp: Vec<u8> = (0..32 * 32_u16).flat_map(|value| (value * 4).to_le_bytes()).collect();
    let grey: Vec<u8> = (0..32 * 32_u16).map(|value| value as u8).collect();
    let table: Vec<u8> = (0..4096_u16).flat_map(u16::to_le_bytes).collect();
    let lut = FileBuilder::new(EXPLICIT_LITTLE)
        .u16s(0x0028, 0x3002, &[4096, 0, 12])
        .bytes(0x0028, 0x3006, "OW", &table);
    let palette: Vec<u8> = (0..=255_u8).flat_map(|value| [value, value]).collect();
    let with_palette = |builder: FileBuilder| {
        [0x1101, 0x1102, 0x1103]
            .into_iter()
            .fold(builder, |builder, tag| builder.u16s(0x0028, tag, &[256, 0, 16]))
            .bytes(0x0028, 0x1201, "OW", &palette)
            .bytes(0x0028, 0x1202, "OW", &palette)
            .bytes(0x0028, 0x1203, "OW", &palette)
    };
    let colour = FileBuilder::new(EXPLICIT_LITTLE)
        .u16s(0x0028, 0x0002, &[1])
        .text(0x0028, 0x0004, "CS", "PALETTE COLOR")
        .u16s(0x0028, 0x0010, &[32])
        .u16s(0x0028, 0x0011, &[32])
        .u16s(0x0028, 0x0100, &[8])
        .u16s(0x0028, 0x0101, &[8])
        .u16s(0x0028, 0x0102, &[7])
        .u16s(0x0028, 0x0103, &[0]);
    let mut jpeg = Vec::new();
    noctis_render::encode::jpeg::encode_grey8(&grey, 32, 32, 90, &mut jpeg).expect("a sound picture");
    let mut rle = vec![0; 64];
    rle[0] = 1;
    rle[4] = 64;
    for chunk in grey.chunks(128) {
        rle.push(127);
        rle.extend(chunk);
    }
    let plain = |syntax| FileBuilder::new(syntax).monochrome(32, 32, 16, 12, false);
    let small = |syntax| FileBuilder::new(syntax).monochrome(32, 32, 8, 8, false);
    vec![
        (
            "window and overlay",
            plain(EXPLICIT_LITTLE)
                .text(0x0028, 0x1050, "DS", "100\\40")
                .text(0x0028, 0x1051, "DS", "400\\80")
                .u16s(0x6000, 0x0010, &[32])
                .u16s(0x6000, 0x0011, &[32])
                .u16s(0x6000, 0x0050, &[1, 1])
                .bytes(0x6000, 0x3000, "OW", &[0xA5; 128])
                .native(&ramp),
        ),
        ("VOI LUT", plain(EXPLICIT_LITTLE).sequence(0x0028, 0x3010, lut).native(&ramp)),
        ("deflated", plain(DEFLATED).native(&ramp)),
        ("palette", with_palette(colour).native(&grey)),
        ("RLE", small(RLE).encapsulated(&[&rle])),
        ("JPEG", small(JPEG_BASELINE).encapsulated(&[&jpeg])),
    ]
}
