//! Writes the first inputs of every target below `corpus/`: small files of each kind, made here, and with
//! `NOCTIS_CORPUS` set the small files of that folder for `header` and `render`.

mod jpeg_ls;

use std::path::Path;
use std::{env, fs, io};

use noctis_render::encode::jpeg::encode_grey8;
use noctis_render_fuzz::codestream::SYNTAXES;
use noctis_render_fuzz::file::{DataSet, Shape, deflated};

const EXPLICIT: &str = "1.2.840.10008.1.2.1";
const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
const SIDE: u16 = 16;
/// Larger files make each execution slow, and hold nothing that small ones do not.
const FILE_BYTES_MAX: u64 = 64 << 10;

fn main() -> io::Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for (name, file) in files() {
        write(&corpus.join("render"), name, &file)?;
        write(&corpus.join("header"), name, &file)?;
    }
    for (codec, codestream) in codestreams() {
        for (suffix, flags) in [("", 0), ("_small", 8 | 16)] {
            let declared = [codec as u8 | flags, SIDE as u8 - 1, SIDE as u8 - 1, 0];
            let input = [&declared[..], &codestream].concat();
            write(&corpus.join("codec"), &format!("codec_{codec}{suffix}"), &input)?;
        }
    }
    for kind in 0..16 {
        write(&corpus.join("png"), &format!("kind_{kind}"), &[&[kind, 15, 3][..], &grey()].concat())?;
    }
    if let Some(folder) = env::var_os("NOCTIS_CORPUS") {
        copy_small(Path::new(&folder), &corpus)?;
    }
    Ok(())
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join(name), bytes)
}

fn copy_small(folder: &Path, corpus: &Path) -> io::Result<()> {
    for part in ["files", "edge/files"] {
        for entry in fs::read_dir(folder.join(part))? {
            let entry = entry?;
            if entry.metadata()?.len() <= FILE_BYTES_MAX {
                let bytes = fs::read(entry.path())?;
                let name = entry.file_name();
                write(&corpus.join("render"), &name.to_string_lossy(), &bytes)?;
                write(&corpus.join("header"), &name.to_string_lossy(), &bytes)?;
            }
        }
    }
    Ok(())
}

fn grey() -> Vec<u8> {
    (0..SIDE * SIDE).map(|value| (value * 7) as u8).collect()
}

fn words() -> Vec<u8> {
    (0..SIDE * SIDE).flat_map(|value| (value * 16).to_le_bytes()).collect()
}

/// A codestream of the grey picture for each entry of [`SYNTAXES`] with an encoder at hand; that of HTJ2K was made with `ojph_compress`. Those of JPEG lossless,
/// JPEG 2000 and JPEG XL come from the folder of `NOCTIS_CORPUS`, as whole files.
fn codestreams() -> Vec<(usize, Vec<u8>)> {
    let mut jpeg = Vec::new();
    encode_grey8(&grey(), SIDE.into(), SIDE.into(), 90, &mut jpeg).expect("a sound picture");
    vec![
        (0, jpeg),
        (4, include_bytes!("grey.j2c").to_vec()),
        (2, jpeg_ls::encode(&grey(), SIDE.into(), SIDE.into())),
        (6, rle()),
        (7, deflated(&grey())),
    ]
}

/// One segment of literal runs.
fn rle() -> Vec<u8> {
    let mut frame = vec![0; 64];
    (frame[0], frame[4]) = (1, 64);
    for run in grey().chunks(128) {
        frame.push(run.len() as u8 - 1);
        frame.extend(run);
    }
    frame
}

fn files() -> Vec<(&'static str, Vec<u8>)> {
    let image = |allocated, stored| DataSet::image(Shape::grey(SIDE, SIDE, allocated, stored));
    let native = |data_set: DataSet, pixels: &[u8]| data_set.bytes(0x7FE0, 0x0010, "OW", pixels);
    let windowed = || {
        image(16, 12)
            .text(0x0028, 0x1050, "DS", "100\\40")
            .text(0x0028, 0x1051, "DS", "400\\80")
            .text(0x0028, 0x1052, "DS", "-1024")
            .text(0x0028, 0x1053, "DS", "1.5")
    };
    let colour = |photometric| DataSet::image(Shape::colour(SIDE, SIDE, photometric));
    let overlay = windowed()
        .u16s(0x6000, 0x0010, &[SIDE])
        .u16s(0x6000, 0x0011, &[SIDE])
        .text(0x6000, 0x0040, "CS", "G")
        .u16s(0x6000, 0x0050, &[1, 1])
        .u16s(0x6000, 0x0100, &[1])
        .bytes(0x6000, 0x3000, "OW", &[0xA5; 32]);
    let signed = DataSet::image(Shape { signed: true, ..Shape::grey(SIDE, SIDE, 16, 12) });
    let single_bits = DataSet::image(Shape { frames: 3, ..Shape::grey(SIDE, SIDE, 1, 1) });
    let mut files = vec![
        ("bits", native(single_bits, &[0x5A; 96]).file(EXPLICIT)),
        ("native_8", native(image(8, 8), &grey()).file(EXPLICIT)),
        ("native_16", native(windowed(), &words()).file(EXPLICIT)),
        ("native_32", native(image(32, 32), &words().repeat(2)).file(EXPLICIT)),
        ("signed", native(signed, &words()).file(EXPLICIT)),
        ("float", image(32, 32).bytes(0x7FE0, 0x0008, "OF", &words().repeat(2)).file(EXPLICIT)),
        ("double", image(64, 64).bytes(0x7FE0, 0x0009, "OD", &words().repeat(4)).file(EXPLICIT)),
        ("rgb", native(colour("RGB"), &grey().repeat(3)).file(EXPLICIT)),
        ("ybr_422", native(colour("YBR_FULL_422"), &grey().repeat(2)).file(EXPLICIT)),
        ("overlay", native(overlay, &words()).file(EXPLICIT)),
        ("deflated", native(windowed(), &words()).file(DEFLATED)),
        ("voi_lut", native(with_lut(image(16, 12), 0x3010), &words()).file(EXPLICIT)),
        ("modality_lut", native(with_lut(image(16, 12), 0x3000), &words()).file(EXPLICIT)),
        ("palette", native(palette(), &grey()).file(EXPLICIT)),
        ("groups", native(functional_groups(), &words().repeat(2)).file(EXPLICIT)),
    ];
    for (codec, codestream) in codestreams() {
        files.push((SYNTAXES[codec], image(8, 8).encapsulated(&[], &[&codestream]).file(SYNTAXES[codec])));
    }
    files.extend(offset_tables());
    files
}

/// Three frames of RLE behind a basic and behind an extended offset table.
fn offset_tables() -> [(&'static str, Vec<u8>); 2] {
    let frame = rle();
    let step = 8 + frame.len().next_multiple_of(2) as u32;
    let image = DataSet::image(Shape { frames: 3, ..Shape::grey(SIDE, SIDE, 8, 8) });
    let fragments = [&frame[..]; 3];
    let basic = image.clone().encapsulated(&[0, step, 2 * step], &fragments);
    let offsets = [0, step.into(), 2 * u64::from(step)];
    let extended = image
        .u64s(0x7FE0, 0x0001, &offsets)
        .u64s(0x7FE0, 0x0002, &[frame.len() as u64; 3])
        .encapsulated(&[], &fragments);
    [("basic_table", basic.file(SYNTAXES[6])), ("extended_table", extended.file(SYNTAXES[6]))]
}

fn with_lut(image: DataSet, element: u16) -> DataSet {
    let table: Vec<u8> = (0..1024_u16).flat_map(u16::to_le_bytes).collect();
    let lut = DataSet::default().u16s(0x0028, 0x3002, &[1024, 0, 10]).bytes(0x0028, 0x3006, "OW", &table);
    image.sequence(0x0028, element, &[lut])
}

fn palette() -> DataSet {
    let table: Vec<u8> = (0..=255_u8).flat_map(|value| [value, value]).collect();
    let image = DataSet::image(Shape { photometric: "PALETTE COLOR", ..Shape::grey(SIDE, SIDE, 8, 8) });
    let described = [0x1101, 0x1102, 0x1103]
        .into_iter()
        .fold(image, |image, element| image.u16s(0x0028, element, &[256, 0, 16]));
    [0x1201, 0x1202, 0x1203]
        .into_iter()
        .fold(described, |image, element| image.bytes(0x0028, element, "OW", &table))
}

/// A shared rescale, and a window for each of two frames.
fn functional_groups() -> DataSet {
    let item = DataSet::default;
    let rescale = item().text(0x0028, 0x1052, "DS", "-10").text(0x0028, 0x1053, "DS", "2");
    let window = |center| {
        let window = item().text(0x0028, 0x1050, "DS", center).text(0x0028, 0x1051, "DS", "300");
        item().sequence(0x0028, 0x9132, &[window])
    };
    DataSet::image(Shape { frames: 2, ..Shape::grey(SIDE, SIDE, 16, 12) })
        .sequence(0x5200, 0x9229, &[item().sequence(0x0028, 0x9145, &[rescale])])
        .sequence(0x5200, 0x9230, &[window("40"), window("400")])
}
