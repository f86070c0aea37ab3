//! The first frame of a file, taken apart so that it can be damaged and put together again.

use std::fs;
use std::path::Path;

use noctis_render::{
    DisplayImage, DisplaySamples, FrameRequest, Header, Limits, RenderError, compose_frame, decode_frame,
    scan,
};

const ITEM: [u8; 4] = [0xFE, 0xFF, 0x00, 0xE0];
/// Rows (0028,0010), explicit little endian, without its value.
const ROWS: [u8; 8] = [0x28, 0x00, 0x10, 0x00, b'U', b'S', 2, 0];

/// The first frame of a file.
pub(crate) struct Frame {
    pub(crate) name: String,
    /// Everything before the pixel data.
    header: Vec<u8>,
    /// The bytes of its fragments, or native pixel data.
    pub(crate) codestream: Vec<u8>,
    pub(crate) encapsulated: bool,
    /// The picture of the undamaged frame.
    pub(crate) intact: DisplaySamples,
}

/// A frame to be rendered: whatever has become of it.
pub(crate) struct Damaged {
    pub(crate) header: Vec<u8>,
    pub(crate) frame_bytes: Vec<u8>,
}

impl Frame {
    /// Loads `files/{name}.dcm` of the corpus, or `edge/files/...` for names under `edge/`.
    pub(crate) fn load(corpus: &Path, name: &str) -> Self {
        let path = match name.strip_prefix("edge/") {
            Some(name) => corpus.join(format!("edge/files/{name}.dcm")),
            None => corpus.join(format!("files/{name}.dcm")),
        };
        let file = fs::read(path).expect("a file of the corpus");
        let pixels = scan(&file, &Limits::default()).expect("a sound file").pixels.expect("pixel data");
        let range = pixels.frames[0];
        let bytes = &file[range.offset as usize..][..range.byte_count as usize];
        let encapsulated = bytes.starts_with(&ITEM);
        let mut frame = Self {
            name: name.to_owned(),
            header: file[..pixels.header_byte_count as usize].to_vec(),
            codestream: if encapsulated { joined(bytes) } else { bytes.to_vec() },
            encapsulated,
            intact: DisplaySamples::Grey8(Vec::new()),
        };
        frame.intact =
            frame.with(&frame.codestream).render(false).expect("a picture of a sound frame").samples;
        frame
    }

    /// The frame with another codestream, in an item that tells its true length.
    pub(crate) fn with(&self, codestream: &[u8]) -> Damaged {
        let mut frame_bytes = Vec::new();
        if self.encapsulated {
            let length = codestream.len().next_multiple_of(2) as u32;
            frame_bytes.extend_from_slice(&ITEM);
            frame_bytes.extend_from_slice(&length.to_le_bytes());
        }
        frame_bytes.extend_from_slice(codestream);
        frame_bytes.resize(frame_bytes.len().next_multiple_of(2), 0);
        Damaged { header: self.header.clone(), frame_bytes }
    }

    /// The frame under attributes that give it another number of rows.
    pub(crate) fn with_rows(&self, change: impl Fn(u16) -> u16) -> Damaged {
        let mut damaged = self.with(&self.codestream);
        let at =
            damaged.header.windows(ROWS.len()).position(|bytes| bytes == ROWS).expect("Rows") + ROWS.len();
        let rows = u16::from_le_bytes([damaged.header[at], damaged.header[at + 1]]);
        damaged.header[at..at + 2].copy_from_slice(&change(rows).to_le_bytes());
        damaged
    }
}

impl Damaged {
    /// Renders as far as display values: what a picture file does to them is not the point here.
    pub(crate) fn render(&self, best_effort: bool) -> Result<DisplayImage, RenderError> {
        let limits = Limits::default();
        let header = Header::parse(&self.header, &limits)?;
        let request = FrameRequest { best_effort, ..FrameRequest::default() };
        let stored = decode_frame(&header, &self.frame_bytes, &request, &limits)?;
        compose_frame(&header, &stored, &request)
    }
}

/// The values of the items.
fn joined(mut items: &[u8]) -> Vec<u8> {
    let mut codestream = Vec::new();
    while let Some((header, rest)) = items.split_first_chunk::<8>() {
        let length = u32::from_le_bytes([header[4], header[5], header[6], header[7]]) as usize;
        let (value, rest) = rest.split_at(length);
        codestream.extend_from_slice(value);
        items = rest;
    }
    codestream
}
