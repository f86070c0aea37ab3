//! Files that are not DICOM, by how they begin, so that a refusal can say what somebody holds in hand.

use super::start::NOT_DICOM;

/// Offset and bytes that give a format away, and the words for it. The first that fits counts.
const MARKS: &[(usize, &[u8], &str)] = &[
    (0, b"\x1f\x8b", "it is compressed with gzip; unpack it and give what is inside"),
    (0, b"BZh", "it is compressed with bzip2; unpack it and give what is inside"),
    (0, b"\xfd7zXZ\0", "it is compressed with xz; unpack it and give what is inside"),
    (0, b"\x28\xb5\x2f\xfd", "it is compressed with zstd; unpack it and give what is inside"),
    (0, b"PK\x03\x04", "it is a zip archive; unpack it and give the files inside"),
    (0, b"PK\x05\x06", "it is an empty zip archive"),
    (0, b"7z\xbc\xaf\x27\x1c", "it is a 7z archive; unpack it and give the files inside"),
    (0, b"Rar!\x1a\x07", "it is a rar archive; unpack it and give the files inside"),
    (257, b"ustar", "it is a tar archive; unpack it and give the files inside"),
    (0, b"%PDF-", "it is a PDF document"),
    (0, b"\xff\xd8\xff", "it is a JPEG picture without DICOM around it"),
    (0, b"\x89PNG\r\n\x1a\n", "it is a PNG picture"),
    (0, b"II*\0", "it is a TIFF picture"),
    (0, b"MM\0*", "it is a TIFF picture"),
    (0, b"GIF8", "it is a GIF picture"),
    (0, b"\0\0\0\x0cjP  ", "it is a JPEG 2000 picture without DICOM around it"),
    (0, b"\xff\x4f\xff\x51", "it is a JPEG 2000 picture without DICOM around it"),
    (8, b"WEBP", "it is a WebP picture"),
    (4, b"ftyp", "it is an MP4 video without DICOM around it"),
    (0, b"\0\0\x01\xba", "it is an MPEG video without DICOM around it"),
    (0, b"\0\0\x01\xb3", "it is an MPEG video without DICOM around it"),
    (8, b"AVI ", "it is an AVI video"),
    (344, b"n+1\0", "it is a NIfTI volume"),
    (344, b"ni1\0", "it is a NIfTI volume"),
    (0, b"NRRD", "it is an NRRD volume"),
    (0, b"\x89HDF\r\n\x1a\n", "it is an HDF5 file"),
    (0, b"<!DOCTYPE html", "it is an HTML page, perhaps one that a server sent in place of the file"),
    (0, b"<!doctype html", "it is an HTML page, perhaps one that a server sent in place of the file"),
    (0, b"<html", "it is an HTML page, perhaps one that a server sent in place of the file"),
    (0, b"<?xml", "it is an XML document"),
];

/// Bytes of the beginning that are looked at to tell text from other bytes.
const TEXT_BYTES: usize = 512;

/// What the file that begins with `prefix` is, as far as can be told, for one that is no DICOM file.
pub(crate) fn what_it_is(prefix: &[u8]) -> &'static str {
    if prefix.is_empty() {
        return "it is empty";
    }
    let fits = |(offset, mark, _): &&(usize, &[u8], &str)| {
        prefix.get(*offset..).is_some_and(|rest| rest.starts_with(mark))
    };
    if let Some((_, _, words)) = MARKS.iter().find(fits) {
        return words;
    }
    // Two letters are few; after them come the length of the file and four zeros.
    if prefix.starts_with(b"BM") && prefix.get(6..10) == Some(&[0; 4]) {
        return "it is a BMP picture";
    }
    let beginning = &prefix[..prefix.len().min(TEXT_BYTES)];
    if beginning.iter().all(|byte| *byte == 0) {
        return "it begins with nothing but zeros, as a copy that did not end";
    }
    if beginning.iter().all(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~' | 0x80..)) {
        return "it is a text file";
    }
    NOT_DICOM
}
