//! The file around the pixels: signature, `IHDR`, `iCCP`, one `IDAT`, `IEND` (ISO/IEC 15948 clauses 5 and 11).

use libdeflater::{CompressionLvl, Compressor};

const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";

/// What `IHDR` says about the picture.
pub(super) struct Header {
    columns: u32,
    rows: u32,
    bit_depth: u8,
    color_type: u8,
    palette: Vec<u8>,
}

impl Header {
    /// Grey samples of 8 or 16 bits.
    pub(super) fn grey(columns: u32, rows: u32, bit_depth: u8) -> Self {
        Self { columns, rows, bit_depth, color_type: 0, palette: Vec::new() }
    }

    /// RGB samples of 8 bits.
    pub(super) fn rgb(columns: u32, rows: u32) -> Self {
        Self { columns, rows, bit_depth: 8, color_type: 2, palette: Vec::new() }
    }

    /// Indices of 8 bits into at most 256 colours.
    pub(super) fn palette(columns: u32, rows: u32, colors: &[[u8; 3]]) -> Self {
        Self { columns, rows, bit_depth: 8, color_type: 3, palette: colors.concat() }
    }

    fn bytes(&self) -> [u8; 13] {
        let mut bytes = [0; 13];
        bytes[..4].copy_from_slice(&self.columns.to_be_bytes());
        bytes[4..8].copy_from_slice(&self.rows.to_be_bytes());
        bytes[8] = self.bit_depth;
        bytes[9] = self.color_type;
        bytes // Compression, filter and interlace methods are 0.
    }
}

/// Writes a whole file into `out`, emptied first. `zlib_stream` appends the pixels' zlib stream.
pub(super) fn write(
    out: &mut Vec<u8>,
    header: Header,
    icc: Option<&[u8]>,
    zlib_stream: impl FnOnce(&mut Vec<u8>),
) {
    out.clear();
    out.extend_from_slice(&SIGNATURE);
    chunk(out, *b"IHDR", |out| out.extend_from_slice(&header.bytes()));
    if let Some(profile) = icc {
        chunk(out, *b"iCCP", |out| {
            out.extend_from_slice(b"ICC\0\0"); // Profile name and compression method 0.
            append_zlib(profile, SMALL, out);
        });
    }
    if !header.palette.is_empty() {
        chunk(out, *b"PLTE", |out| out.extend_from_slice(&header.palette));
    }
    chunk(out, *b"IDAT", zlib_stream);
    chunk(out, *b"IEND", |_| ());
}

fn chunk(out: &mut Vec<u8>, kind: [u8; 4], body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&kind);
    body(out);
    let length = u32::try_from(out.len() - start - 8).unwrap_or(u32::MAX);
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    let checksum = crc32fast::hash(&out[start + 4..]);
    out.extend_from_slice(&checksum.to_be_bytes());
}

/// Level of libdeflate for pixels: each further one takes longer than it saves on the way to a viewer.
pub(super) const FAST: i32 = 1;
/// Level of libdeflate for what is small anyway.
const SMALL: i32 = 6;

/// Appends `bytes` as a zlib stream made by libdeflate.
pub(super) fn append_zlib(bytes: &[u8], level: i32, out: &mut Vec<u8>) {
    let mut compressor = Compressor::new(CompressionLvl::new(level).unwrap_or_default());
    let start = out.len();
    out.resize(start + compressor.zlib_compress_bound(bytes.len()), 0);
    // The only error is lack of room, and the bound rules it out.
    let written = compressor.zlib_compress(bytes, &mut out[start..]).unwrap_or(0);
    out.truncate(start + written);
}
