//! What becomes of damaged frames, codec by codec: an error, the same picture, or another picture without a word.
//! The last is what a decoder cannot see; how often it happens is printed as a table, for the conformance document.
//!
//! `NOCTIS_CORPUS` names the folder of the files. Without it the tests say that they were skipped, and fail under `CI`.

#![expect(clippy::print_stdout, reason = "the table is what one reads")]

mod frame;
mod kinds;

use std::path::PathBuf;

use frame::Frame;
use kinds::Kind;

/// Codecs, and files of the corpus that are coded with them.
const CODECS: [(&str, &[&str]); 11] = [
    ("RLE", &["cs3d__CTImage.dcm_RLELosslessTransferSyntax_1.2.840.10008.1.2.5", "dcm4che__YBR_FULL-RLE"]),
    (
        "JPEG baseline",
        &[
            "cs3d__CTImage.dcm_JPEGProcess1TransferSyntax_1.2.840.10008.1.2.4.50",
            "cs3d__TestPattern_JPEG-Baseline_YBR422",
            "pydicom__examples_ybr_color",
        ],
    ),
    ("JPEG extended, 12 bits", &["cs3d__CTImage.dcm_JPEGProcess2_4TransferSyntax_1.2.840.10008.1.2.4.51"]),
    (
        "JPEG progressive",
        &[
            "cs3d__CTImage.dcm_JPEGProcess6_8TransferSyntax_1.2.840.10008.1.2.4.53",
            "cs3d__CTImage.dcm_JPEGProcess10_12TransferSyntax_1.2.840.10008.1.2.4.55",
        ],
    ),
    (
        "JPEG lossless",
        &[
            "cs3d__CTImage.dcm_JPEGProcess14SV1TransferSyntax_1.2.840.10008.1.2.4.70",
            "cs3d__TestPattern_JPEG-Lossless_RGB",
        ],
    ),
    (
        "JPEG-LS",
        &[
            "cs3d__CTImage.dcm_JPEGLSLosslessTransferSyntax_1.2.840.10008.1.2.4.80",
            "cs3d__CTImage.dcm_JPEGLSLossyTransferSyntax_1.2.840.10008.1.2.4.81",
            "pdgh__JLSL_RGB_ILV0",
            "pdgh__JLSL_RGB_ILV2",
        ],
    ),
    (
        "JPEG 2000",
        &[
            "cs3d__CTImage.dcm_JPEG2000LosslessOnlyTransferSyntax_1.2.840.10008.1.2.4.90",
            "cs3d__CTImage.dcm_JPEG2000TransferSyntax_1.2.840.10008.1.2.4.91",
            "pydicom__examples_jpeg2k",
        ],
    ),
    ("HTJ2K", &["pdgh__HTJ2KLossless_08_RGB", "pdgh__HTJ2K_08_RGB"]),
    ("JPEG XL", &["dcm4che__will-jxl"]),
    ("deflated frame", &["pdgh__liver_deflate"]),
    (
        "none (native)",
        &[
            "cs3d__CTImage.dcm_LittleEndianExplicitTransferSyntax_1.2.840.10008.1.2.1",
            "edge/F1_encap_uncompressed",
        ],
    ),
];

/// What became of the damaged copies of one kind.
#[derive(Default)]
struct Tally {
    refused: usize,
    same: usize,
    different: usize,
}

impl Tally {
    fn text(&self) -> String {
        let count = self.refused + self.same + self.different;
        match (count, self.same) {
            (0, _) => "–".to_owned(),
            (_, 0) => format!("{} of {count}", self.refused),
            (_, same) => format!("{} of {count}, {same} harmless", self.refused),
        }
    }
}

#[test]
fn a_frame_that_is_cut_or_of_another_size_is_never_shown_as_whole() {
    let Some(corpus) = corpus() else { return };
    let mut missed = Vec::new();
    let mut rows = Vec::new();
    for (codec, names) in CODECS {
        let frames: Vec<Frame> = names.iter().map(|name| Frame::load(&corpus, name)).collect();
        let cells = Kind::ALL.map(|kind| {
            let mut tally = Tally::default();
            frames.iter().for_each(|frame| study(frame, kind, &mut tally, &mut missed));
            tally.text()
        });
        rows.push(format!("| {codec} | {} |", cells.join(" | ")));
    }
    let titles = Kind::ALL.map(Kind::title).join(" | ");
    let rule = "|---".repeat(Kind::ALL.len() + 1);
    println!("BEGIN TABLE\n| codec | {titles} |\n{rule}|\n{}\nEND TABLE", rows.join("\n"));
    assert!(missed.is_empty(), "shown as if nothing were wrong:\n{}", missed.join("\n"));
}

/// Renders every damaged copy of one kind, and notes those that must have been refused.
fn study(frame: &Frame, kind: Kind, tally: &mut Tally, missed: &mut Vec<String>) {
    for (what, damaged) in kind.applied_to(frame) {
        let picture = damaged.render(false);
        let is_missed = kind.must_be_refused() && picture.is_ok();
        match picture {
            Err(error) => {
                assert!(error.is_permanent(), "{}, {what}: would be tried again: {error}", frame.name);
                tally.refused += 1;
            }
            Ok(picture) if picture.samples == frame.intact => tally.same += 1,
            Ok(_) => tally.different += 1,
        }
        let is_passed_off =
            kind.must_be_marked() && damaged.render(true).is_ok_and(|picture| !picture.partial);
        if is_missed || is_passed_off {
            let asked = if is_missed { "strict" } else { "best effort" };
            missed.push(format!("{}, {what}, {asked}", frame.name));
        }
    }
}

fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("NOCTIS_CORPUS").map(PathBuf::from);
    if folder.is_none() {
        assert!(std::env::var_os("CI").is_none(), "NOCTIS_CORPUS must be set in CI");
        println!("SKIPPED: NOCTIS_CORPUS is not set, nothing was damaged");
    }
    folder
}
