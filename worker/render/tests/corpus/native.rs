//! Frames of real files in Explicit VR Little Endian.

use std::{collections::BTreeMap, path::Path};

use noctis_render::{FrameRequest, native_frame};

use crate::{corpus, files_in, pictures::decode, report};

fn native(file: &Path) -> Option<Vec<u8>> {
    let (header, frame) = decode(file, &FrameRequest::default()).ok()?;
    native_frame(&header, &frame).ok()
}

/// The same slice, written by one toolkit in each transfer syntax: what is lossless comes to the bytes that are there in the file which is
/// not compressed.
#[test]
fn one_slice_in_every_lossless_syntax_comes_to_the_same_bytes() {
    const NAME: &str = "cs3d__CTImage.dcm_";
    const EXPLICIT: &str = "LittleEndianExplicit";
    let Some(corpus) = corpus() else { return };
    let mut frames = BTreeMap::new();
    for file in files_in(&corpus.join("files")) {
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        if let Some(syntax) = name.strip_prefix(NAME) {
            frames.insert(syntax.to_owned(), native(&file).unwrap_or_else(|| panic!("{name} has no frame")));
        }
    }
    let explicit =
        frames.iter().find(|(syntax, _)| syntax.starts_with(EXPLICIT)).expect("one that is plain").1;
    let of_file = files_in(&corpus.join("files")).into_iter().find(|file| {
        file.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&format!("{NAME}{EXPLICIT}")))
    });
    let whole = std::fs::read(of_file.expect("a file")).expect("read");
    assert!(whole.windows(explicit.len()).any(|bytes| bytes == explicit.as_slice()), "as the file has it");
    let lossless = ["Lossless", "Deflated", "Endian", "Process14"];
    let compared: Vec<_> =
        frames.iter().filter(|(syntax, _)| lossless.iter().any(|word| syntax.contains(word))).collect();
    let failures: Vec<String> = compared
        .iter()
        .filter(|(_, frame)| *frame != explicit)
        .map(|(syntax, _)| (*syntax).clone())
        .collect();
    report("syntaxes", compared.len(), &failures);
    assert!(compared.len() >= 7, "only {} syntaxes", compared.len());
}

/// Each frame has the length that its attributes say.
#[test]
fn frames_of_all_files_fill_their_cells() {
    let Some(corpus) = corpus() else { return };
    let (mut count, mut failures) = (0, Vec::new());
    for folder in ["files", "edge/files"] {
        for file in files_in(&corpus.join(folder)) {
            let Ok((header, frame)) = decode(&file, &FrameRequest::default()) else { continue };
            let Ok(bytes) = native_frame(&header, &frame) else { continue };
            let cells = u64::from(header.rows()) * u64::from(header.columns());
            // Bits Allocated times samples.
            let is_whole = [1, 8, 16, 24, 32, 48, 64, 96]
                .iter()
                .any(|bits| bytes.len() as u64 == (cells * bits).div_ceil(8));
            count += 1;
            if !is_whole {
                failures.push(format!("{}: {} bytes", file.display(), bytes.len()));
            }
        }
    }
    report("frames", count, &failures);
    assert!(count > 100, "only {count} frames");
}
