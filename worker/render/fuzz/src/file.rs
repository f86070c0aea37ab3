//! Small DICOM files, element by element, sound or not: explicit little endian, whatever the syntax of the pixels.

/// A data set under construction; elements are written in the order they are added.
#[derive(Clone, Default)]
pub struct DataSet {
    bytes: Vec<u8>,
}

/// What the Image Pixel module says; nothing is checked.
#[derive(Clone, Copy)]
pub struct Shape {
    pub rows: u16,
    pub columns: u16,
    pub samples_per_pixel: u16,
    pub photometric: &'static str,
    pub bits_allocated: u16,
    pub bits_stored: u16,
    pub signed: bool,
    pub planar: bool,
    pub frames: u32,
}

impl Shape {
    pub fn grey(columns: u16, rows: u16, bits_allocated: u16, bits_stored: u16) -> Self {
        Self {
            rows,
            columns,
            samples_per_pixel: 1,
            photometric: "MONOCHROME2",
            bits_allocated,
            bits_stored,
            signed: false,
            planar: false,
            frames: 1,
        }
    }

    pub fn colour(columns: u16, rows: u16, photometric: &'static str) -> Self {
        Self { samples_per_pixel: 3, photometric, ..Self::grey(columns, rows, 8, 8) }
    }
}

impl DataSet {
    /// The Image Pixel module; add what stands between groups 0028 and 7FE0 afterwards.
    pub fn image(shape: Shape) -> Self {
        let mut data_set = Self::default().u16s(0x0028, 0x0002, &[shape.samples_per_pixel]).text(
            0x0028,
            0x0004,
            "CS",
            shape.photometric,
        );
        if shape.samples_per_pixel > 1 {
            data_set = data_set.u16s(0x0028, 0x0006, &[shape.planar.into()]);
        }
        if shape.frames > 1 {
            data_set = data_set.text(0x0028, 0x0008, "IS", &shape.frames.to_string());
        }
        data_set
            .u16s(0x0028, 0x0010, &[shape.rows])
            .u16s(0x0028, 0x0011, &[shape.columns])
            .u16s(0x0028, 0x0100, &[shape.bits_allocated])
            .u16s(0x0028, 0x0101, &[shape.bits_stored])
            .u16s(0x0028, 0x0102, &[shape.bits_stored.saturating_sub(1)])
            .u16s(0x0028, 0x0103, &[shape.signed.into()])
    }

    pub fn text(self, group: u16, element: u16, vr: &str, value: &str) -> Self {
        let mut value = value.as_bytes().to_vec();
        if value.len() % 2 == 1 {
            value.push(if vr == "UI" { 0 } else { b' ' });
        }
        self.bytes(group, element, vr, &value)
    }

    pub fn u16s(self, group: u16, element: u16, values: &[u16]) -> Self {
        let value: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.bytes(group, element, "US", &value)
    }

    pub fn u64s(self, group: u16, element: u16, values: &[u64]) -> Self {
        let value: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.bytes(group, element, "OV", &value)
    }

    pub fn bytes(mut self, group: u16, element: u16, vr: &str, value: &[u8]) -> Self {
        write_element(&mut self.bytes, group, element, vr, value);
        self
    }

    /// A sequence of these items.
    pub fn sequence(self, group: u16, element: u16, items: &[DataSet]) -> Self {
        let mut value = Vec::new();
        items.iter().for_each(|item| write_item(&mut value, &item.bytes));
        self.bytes(group, element, "SQ", &value)
    }

    /// Pixel data of undefined length: the basic offset table, then the fragments.
    pub fn encapsulated(mut self, offsets: &[u32], fragments: &[&[u8]]) -> Self {
        self.bytes.extend([0xE0, 0x7F, 0x10, 0x00, b'O', b'B', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]);
        let table: Vec<u8> = offsets.iter().flat_map(|offset| offset.to_le_bytes()).collect();
        write_item(&mut self.bytes, &table);
        fragments.iter().for_each(|fragment| write_item(&mut self.bytes, fragment));
        self.bytes.extend([0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0]);
        self
    }

    /// A whole file; its data set is deflated where the transfer syntax says so.
    pub fn file(self, transfer_syntax_uid: &str) -> Vec<u8> {
        let mut uid = transfer_syntax_uid.as_bytes().to_vec();
        uid.resize(uid.len().next_multiple_of(2), 0);
        let mut file = vec![0; 128];
        file.extend(b"DICM");
        write_element(&mut file, 0x0002, 0x0000, "UL", &(uid.len() as u32 + 8).to_le_bytes());
        write_element(&mut file, 0x0002, 0x0010, "UI", &uid);
        let is_deflated = transfer_syntax_uid == "1.2.840.10008.1.2.1.99";
        file.extend(if is_deflated { deflated(&self.bytes) } else { self.bytes });
        file
    }
}

/// A raw deflate stream.
pub fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut encoder, bytes).expect("writing to memory");
    encoder.finish().expect("writing to memory")
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

fn write_item(out: &mut Vec<u8>, value: &[u8]) {
    let length = value.len().next_multiple_of(2);
    out.extend([0xFE, 0xFF, 0x00, 0xE0]);
    out.extend((length as u32).to_le_bytes());
    out.extend(value);
    out.resize(out.len() + length - value.len(), 0);
}
