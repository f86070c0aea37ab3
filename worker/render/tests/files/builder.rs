//! Writes small DICOM files for tests: explicit little endian, any transfer syntax for the pixel data.

/// A file under construction; elements are added in the order of their tags.
#[derive(Clone)]
pub(crate) struct FileBuilder {
    transfer_syntax_uid: String,
    data_set: Vec<u8>,
}

pub(crate) const EXPLICIT_LITTLE: &str = "1.2.840.10008.1.2.1";
pub(crate) const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
pub(crate) const RLE: &str = "1.2.840.10008.1.2.5";
pub(crate) const JPEG_BASELINE: &str = "1.2.840.10008.1.2.4.50";

impl FileBuilder {
    pub(crate) fn new(transfer_syntax_uid: &str) -> Self {
        Self::of_class(transfer_syntax_uid, "1.2.840.10008.5.1.4.1.1.7").text(0x0008, 0x0018, "UI", "1.2.3.4")
    }

    /// An instance of another class than Secondary Capture, without a UID of its own.
    pub(crate) fn of_class(transfer_syntax_uid: &str, sop_class_uid: &str) -> Self {
        Self::item_of(transfer_syntax_uid).text(0x0008, 0x0016, "UI", sop_class_uid)
    }

    /// Nothing yet: an item of a sequence.
    pub(crate) fn item() -> Self {
        Self::item_of("")
    }

    fn item_of(transfer_syntax_uid: &str) -> Self {
        Self { transfer_syntax_uid: transfer_syntax_uid.to_owned(), data_set: Vec::new() }
    }

    /// The Image Pixel module of a monochrome image.
    pub(crate) fn monochrome(
        self,
        rows: u16,
        columns: u16,
        bits_allocated: u16,
        bits_stored: u16,
        signed: bool,
    ) -> Self {
        self.u16s(0x0028, 0x0002, &[1])
            .text(0x0028, 0x0004, "CS", "MONOCHROME2")
            .u16s(0x0028, 0x0010, &[rows])
            .u16s(0x0028, 0x0011, &[columns])
            .u16s(0x0028, 0x0100, &[bits_allocated])
            .u16s(0x0028, 0x0101, &[bits_stored])
            .u16s(0x0028, 0x0102, &[bits_stored - 1])
            .u16s(0x0028, 0x0103, &[signed.into()])
    }

    /// The Image Pixel module of one unsigned sample a pixel under another photometric interpretation.
    pub(crate) fn monochrome_as(self, photometric: &str, rows: u16, columns: u16, bits: u16) -> Self {
        self.u16s(0x0028, 0x0002, &[1])
            .text(0x0028, 0x0004, "CS", photometric)
            .u16s(0x0028, 0x0010, &[rows])
            .u16s(0x0028, 0x0011, &[columns])
            .u16s(0x0028, 0x0100, &[bits])
            .u16s(0x0028, 0x0101, &[bits])
            .u16s(0x0028, 0x0102, &[bits - 1])
            .u16s(0x0028, 0x0103, &[0])
    }

    /// The Image Pixel module of three 8-bit samples a pixel, interleaved.
    pub(crate) fn colour(self, photometric: &str, rows: u16, columns: u16) -> Self {
        self.u16s(0x0028, 0x0002, &[3])
            .text(0x0028, 0x0004, "CS", photometric)
            .u16s(0x0028, 0x0006, &[0])
            .u16s(0x0028, 0x0010, &[rows])
            .u16s(0x0028, 0x0011, &[columns])
            .u16s(0x0028, 0x0100, &[8])
            .u16s(0x0028, 0x0101, &[8])
            .u16s(0x0028, 0x0102, &[7])
            .u16s(0x0028, 0x0103, &[0])
    }

    pub(crate) fn text(self, group: u16, element: u16, vr: &str, value: &str) -> Self {
        let mut value = value.as_bytes().to_vec();
        if value.len() % 2 == 1 {
            value.push(if vr == "UI" { 0 } else { b' ' });
        }
        self.bytes(group, element, vr, &value)
    }

    pub(crate) fn u16s(self, group: u16, element: u16, values: &[u16]) -> Self {
        let value: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.bytes(group, element, "US", &value)
    }

    pub(crate) fn bytes(mut self, group: u16, element: u16, vr: &str, value: &[u8]) -> Self {
        write_element(&mut self.data_set, group, element, vr, value);
        self
    }

    /// A sequence of one item.
    pub(crate) fn sequence(self, group: u16, element: u16, item: FileBuilder) -> Self {
        let item = &item.data_set[item_start()..];
        let mut value = vec![0xFE, 0xFF, 0x00, 0xE0];
        value.extend((item.len() as u32).to_le_bytes());
        value.extend(item);
        self.bytes(group, element, "SQ", &value)
    }

    /// With the elements of another behind.
    pub(crate) fn and(mut self, other: &FileBuilder) -> Self {
        self.data_set.extend(&other.data_set);
        self
    }

    /// A sequence of items that were begun with [`Self::item`].
    pub(crate) fn items(self, group: u16, element: u16, items: &[FileBuilder]) -> Self {
        let mut value = Vec::new();
        for FileBuilder { data_set, .. } in items {
            value.extend([0xFE, 0xFF, 0x00, 0xE0]);
            value.extend((data_set.len() as u32).to_le_bytes());
            value.extend(data_set);
        }
        self.bytes(group, element, "SQ", &value)
    }

    pub(crate) fn floats(self, group: u16, element: u16, values: &[f32]) -> Self {
        let value: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.bytes(group, element, "FL", &value)
    }

    pub(crate) fn i32s(self, group: u16, element: u16, values: &[i32]) -> Self {
        let value: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.bytes(group, element, "SL", &value)
    }

    pub(crate) fn native(self, pixels: &[u8]) -> Vec<u8> {
        self.bytes(0x7FE0, 0x0010, "OW", pixels).file()
    }

    pub(crate) fn encapsulated(mut self, fragments: &[&[u8]]) -> Vec<u8> {
        self.data_set.extend([0xE0, 0x7F, 0x10, 0x00, b'O', b'B', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]);
        for fragment in std::iter::once(&&[][..]).chain(fragments) {
            let padded = fragment.len().next_multiple_of(2);
            self.data_set.extend([0xFE, 0xFF, 0x00, 0xE0]);
            self.data_set.extend((padded as u32).to_le_bytes());
            self.data_set.extend(*fragment);
            self.data_set.resize(self.data_set.len() + padded - fragment.len(), 0);
        }
        self.data_set.extend([0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0]);
        self.file()
    }

    /// The file as it is so far, deflated where the transfer syntax says so.
    pub(crate) fn file(self) -> Vec<u8> {
        let mut meta = Vec::new();
        write_element(&mut meta, 0x0002, 0x0010, "UI", padded_uid(&self.transfer_syntax_uid).as_bytes());
        let mut file = vec![0; 128];
        file.extend(b"DICM");
        write_element(&mut file, 0x0002, 0x0000, "UL", &(meta.len() as u32).to_le_bytes());
        file.extend(meta);
        if self.transfer_syntax_uid == DEFLATED {
            let mut encoder = flate2::write::DeflateEncoder::new(file, flate2::Compression::fast());
            std::io::Write::write_all(&mut encoder, &self.data_set).expect("writing to memory");
            return encoder.finish().expect("writing to memory");
        }
        file.extend(self.data_set);
        file
    }
}

/// Length of what [`FileBuilder::new`] writes by itself, which an item of a sequence does without.
fn item_start() -> usize {
    FileBuilder::new(EXPLICIT_LITTLE).data_set.len()
}

fn padded_uid(uid: &str) -> String {
    if uid.len() % 2 == 1 { format!("{uid}\0") } else { uid.to_owned() }
}

fn write_element(out: &mut Vec<u8>, group: u16, element: u16, vr: &str, value: &[u8]) {
    out.extend(group.to_le_bytes());
    out.extend(element.to_le_bytes());
    out.extend(vr.as_bytes());
    if matches!(vr, "OB" | "OW" | "OF" | "OD" | "OV" | "SQ" | "UN" | "UT") {
        out.extend([0, 0]);
        out.extend((value.len() as u32).to_le_bytes());
    } else {
        out.extend((value.len() as u16).to_le_bytes());
    }
    out.extend(value);
}

/// Scan, take one range, render: what a worker does.
pub(crate) fn render(
    file: &[u8],
    request: &noctis_render::FrameRequest,
) -> Result<noctis_render::Picture, noctis_render::RenderError> {
    noctis_render::encode_picture(&compose(file, request)?, request.format)
}

/// As [`render`], without a file format.
pub(crate) fn compose(
    file: &[u8],
    request: &noctis_render::FrameRequest,
) -> Result<noctis_render::DisplayImage, noctis_render::RenderError> {
    let (header, frame) = decode(file, request)?;
    noctis_render::compose_frame(&header, &frame, request)
}

/// The header and the decoded frame.
pub(crate) fn decode(
    file: &[u8],
    request: &noctis_render::FrameRequest,
) -> Result<(noctis_render::Header, noctis_render::DecodedFrame), noctis_render::RenderError> {
    use noctis_render::{Limits, RenderError, decode_frame, inflate, scan};
    let limits = Limits { pixels_max: 4_000_000, inflated_bytes_max: 64 << 20, ..Limits::default() };
    let scan = scan(&file.to_vec(), &limits)?;
    let pixels = scan.pixels.ok_or(RenderError::NoPixelData)?;
    let inflated = if pixels.deflated { inflate(file, &limits)? } else { file.to_vec() };
    let available = pixels.frames.len() as u32;
    let index = (request.frame_number as usize).wrapping_sub(1);
    let range = pixels
        .frames
        .get(index)
        .ok_or(RenderError::NoSuchFrame { asked: request.frame_number, available })?;
    let frame_bytes = &inflated[range.offset as usize..][..range.byte_count as usize];
    let frame = decode_frame(&scan.header, frame_bytes, request, &limits)?;
    Ok((scan.header, frame))
}
