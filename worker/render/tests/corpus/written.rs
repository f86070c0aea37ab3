//! Real files in another transfer syntax: each comes to the same picture, or is refused with a reason.

use std::fs;
use std::path::Path;

use dicom_core::Tag;
use noctis_render::{
    DecodedFrame, FrameRequest, Header, Limits, Pixels, RenderError, WrittenSyntax, compose_frame,
    decode_frame, encode_picture, file_head, head_needs_frame, inflate, native_frame, scan, written_frame,
};

use crate::{corpus, files_in, report};

const SYNTAXES: [WrittenSyntax; 4] =
    [WrittenSyntax::ExplicitLittle, WrittenSyntax::Rle, WrittenSyntax::JpegLs, WrittenSyntax::Jpeg2000];
const ITEM: &[u8] = &[0xFE, 0xFF, 0x00, 0xE0];
const SEQUENCE_END: &[u8] = &[0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0];
/// Frames of a file that are looked at.
const FRAMES_MAX: u32 = 3;
/// Pixels of a file that is coded, so that the slower codecs do not take minutes.
const CODED_PIXELS_MAX: usize = 4 << 20;

/// A file in memory, and where its frames lie.
struct Opened {
    bytes: Vec<u8>,
    header: Header,
    frames: Vec<std::ops::Range<usize>>,
    /// Whether its samples are single bits.
    has_bits: bool,
}

fn open(bytes: Vec<u8>) -> Result<Opened, RenderError> {
    let limits = Limits::default();
    let scan = scan(&bytes, &limits)?;
    let pixels = scan.pixels.ok_or(RenderError::NoPixelData)?;
    let bytes = if pixels.deflated { inflate(&bytes, &limits)? } else { bytes };
    let range = |offset: u64, count: u64| offset as usize..(offset + count) as usize;
    let frames = pixels.frames.iter().map(|frame| range(frame.offset, frame.byte_count)).collect();
    let bits_allocated = scan.header.dataset().element(Tag(0x0028, 0x0100));
    let has_bits = bits_allocated.is_ok_and(|bits| bits.to_int::<u16>().is_ok_and(|bits| bits == 1));
    Ok(Opened { bytes, header: scan.header, frames, has_bits })
}

impl Opened {
    fn pixel_count(&self) -> usize {
        self.header.rows() as usize * self.header.columns() as usize
    }

    fn frame(&self, number: u32) -> Result<DecodedFrame, RenderError> {
        let request = FrameRequest { frame_number: number, ..FrameRequest::default() };
        let range = self.frames[number as usize - 1].clone();
        decode_frame(&self.header, &self.bytes[range], &request, &Limits::default())
    }

    /// The picture, and the samples as a codestream, where they are of a kind that it holds.
    fn shown(&self, number: u32) -> Result<(Vec<u8>, Option<Vec<u8>>), RenderError> {
        let request = FrameRequest { frame_number: number, ..FrameRequest::default() };
        let frame = self.frame(number)?;
        let picture = encode_picture(&compose_frame(&self.header, &frame, &request)?, request.format)?;
        Ok((picture.bytes, written_frame(&self.header, &frame, WrittenSyntax::JpegLs).ok()))
    }
}

/// As a server puts it together.
fn written(file: &Opened, syntax: WrittenSyntax) -> Result<Vec<u8>, RenderError> {
    let first = head_needs_frame(&file.header, syntax)?.then(|| file.frame(1)).transpose()?;
    let head = file_head(&file.header, first.as_ref(), syntax)?;
    let mut bytes = head.bytes;
    let (start, mut bits) = (bytes.len(), Vec::new());
    for number in 1..=file.frames.len() as u32 {
        match head.pixels {
            Pixels::None => {}
            Pixels::AsStored { .. } | Pixels::Cells { .. } if file.has_bits => {
                let cells = native_frame(&file.header, &file.frame(number)?)?;
                bits.extend((0..file.pixel_count()).map(|bit| cells[bit / 8] >> (bit % 8) & 1));
            }
            Pixels::AsStored { .. } => bytes.extend(&file.bytes[file.frames[number as usize - 1].clone()]),
            Pixels::Cells { .. } => {
                bytes.extend(written_frame(&file.header, &file.frame(number)?, syntax)?);
            }
            Pixels::Fragments => {
                let frame = written_frame(&file.header, &file.frame(number)?, syntax)?;
                bytes.extend([ITEM, &(frame.len() as u32).to_le_bytes(), &frame].concat());
            }
        }
    }
    bytes.extend(bits.chunks(8).map(|bits| bits.iter().rev().fold(0, |byte, bit| byte << 1 | bit)));
    match head.pixels {
        Pixels::Fragments => bytes.extend(SEQUENCE_END),
        Pixels::AsStored { byte_count } | Pixels::Cells { byte_count } => {
            bytes.resize(bytes.len() + (bytes.len() - start) % 2, 0);
            if bytes.len() - start != byte_count as usize {
                return Err(RenderError::NoPixelData);
            }
        }
        Pixels::None => {}
    }
    Ok(bytes)
}

/// What is shown of the two files, frame by frame.
fn compare(file: &Opened, rewritten: &Opened) -> Result<(), String> {
    if rewritten.frames.len() != file.frames.len() {
        return Err(format!("{} frames of {}", rewritten.frames.len(), file.frames.len()));
    }
    for number in 1..=FRAMES_MAX.min(file.frames.len() as u32) {
        let Ok((picture, samples)) = file.shown(number) else { continue };
        let (as_picture, as_samples) =
            rewritten.shown(number).map_err(|error| format!("is none: {error}"))?;
        if picture != as_picture {
            return Err(format!("frame {number} looks otherwise"));
        }
        // Cells may be in planes, and at High Bit, in the one and not in the other; a codestream has the samples alone.
        if samples.is_some() && samples != as_samples {
            return Err(format!("frame {number} has other samples"));
        }
    }
    Ok(())
}

#[test]
fn files_in_another_transfer_syntax_show_the_same_or_are_refused() {
    let Some(corpus) = corpus() else { return };
    // NOCTIS_WRITTEN keeps what is written, for other toolkits to look at.
    let kept = std::env::var_os("NOCTIS_WRITTEN");
    let (mut count, mut refused, mut failures) = (0, Vec::new(), Vec::new());
    for path in
        ["files", "edge/files", "found/files"].iter().flat_map(|folder| files_in(&corpus.join(folder)))
    {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let Ok(file) = open(fs::read(&path).expect("read")) else { continue };
        if file.shown(1).is_err() {
            continue;
        }
        let is_large = file.pixel_count() * file.frames.len() > CODED_PIXELS_MAX;
        for syntax in &SYNTAXES[..if is_large { 1 } else { SYNTAXES.len() }] {
            let bytes = match written(&file, *syntax) {
                Ok(bytes) => bytes,
                Err(error) => {
                    refused.push(format!("{name} in {syntax:?}: {error}"));
                    continue;
                }
            };
            if let Some(folder) = &kept {
                fs::write(Path::new(folder).join(format!("{name}.{syntax:?}.dcm")), &bytes).expect("written");
            }
            count += 1;
            let compared = open(bytes).map_err(|error| error.to_string()).and_then(|it| compare(&file, &it));
            if let Err(failure) = compared {
                failures.push(format!("{name} in {syntax:?}: {failure}"));
            }
        }
    }
    println!("refused: {}\n{}", refused.len(), refused.join("\n"));
    report("files written anew", count, &failures);
    assert!(count > 500, "only {count} files");
}
