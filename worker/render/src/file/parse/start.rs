//! The beginning of a file: preamble, file meta information (PS3.10 section 7.1), and how the data set is written.

use dicom_dictionary_std::tags;

use super::element::{Vr, read_header};
use super::stop::Stop;
use crate::file::transfer_syntax::{self, Encoding};

/// Preamble and the letters `DICM`.
const PREAMBLE_BYTES: usize = 132;

/// What comes before the data set.
#[derive(Clone, Debug)]
pub(crate) struct FileStart {
    /// Empty when the file does not say.
    pub(crate) transfer_syntax_uid: String,
    /// What it says of the instance, class and UID: the same as the data set, which some files leave out there.
    pub(crate) media_storage_uids: [String; 2],
    pub(crate) encoding: Encoding,
    /// Offset of the first element of the data set.
    pub(crate) data_set_start: usize,
}

/// Reads what comes before the data set. Files without preamble, without meta information or with a wrong
/// group length are read by what their elements look like, as other toolkits do.
pub(crate) fn read_start(bytes: &[u8], byte_count: u64) -> Result<FileStart, Stop> {
    let mut position = meta_start(bytes, byte_count)?;
    let mut transfer_syntax_uid = String::new();
    let mut media_storage_uids = [String::new(), String::new()];
    while position as u64 + 8 <= byte_count {
        let header = read_header(bytes, position, Encoding::EXPLICIT_LITTLE)?;
        if header.tag.0 != 0x0002 {
            break;
        }
        let length = header.length.ok_or(Stop::Broken("file meta information of undefined length"))?;
        let end = header.value_start + length as usize;
        if end as u64 > byte_count {
            return Err(Stop::Broken("a declared length goes past the end"));
        }
        let value = || bytes.get(header.value_start..end).ok_or(Stop::Starved { needed: end });
        match header.tag {
            tags::TRANSFER_SYNTAX_UID => transfer_syntax_uid = uid(value()?),
            tags::MEDIA_STORAGE_SOP_CLASS_UID => media_storage_uids[0] = uid(value()?),
            tags::MEDIA_STORAGE_SOP_INSTANCE_UID => media_storage_uids[1] = uid(value()?),
            _ => {}
        }
        position = end;
    }
    let encoding = data_set_encoding(bytes, byte_count, position, &transfer_syntax_uid)?;
    Ok(FileStart { transfer_syntax_uid, media_storage_uids, encoding, data_set_start: position })
}

fn meta_start(bytes: &[u8], byte_count: u64) -> Result<usize, Stop> {
    let needed = PREAMBLE_BYTES.min(usize::try_from(byte_count).unwrap_or(PREAMBLE_BYTES));
    if bytes.len() < needed {
        return Err(Stop::Starved { needed });
    }
    if bytes.get(128..PREAMBLE_BYTES) == Some(b"DICM") {
        return Ok(PREAMBLE_BYTES);
    }
    if bytes.get(..4) == Some(b"DICM") {
        return Ok(4);
    }
    // No preamble: the file begins with group 2, or with a data set, whose first group is 8 in practice.
    let group = bytes.get(..2).map(|group| [group[0], group[1]]);
    match group {
        Some([2 | 8, 0] | [0, 8]) => Ok(0),
        _ => Err(Stop::Broken(NOT_DICOM)),
    }
}

/// Marks the one [`Stop::Broken`] that means "not DICOM at all".
pub(crate) const NOT_DICOM: &str = "neither the letters DICM nor a first data element";

/// The transfer syntax decides, unless the first element plainly looks otherwise: a VR where there should be none, or the reverse.
fn data_set_encoding(bytes: &[u8], byte_count: u64, start: usize, uid: &str) -> Result<Encoding, Stop> {
    let mut encoding = transfer_syntax::encoding(uid);
    if uid == transfer_syntax::DEFLATED_EXPLICIT_LITTLE || start as u64 + 8 > byte_count {
        return Ok(encoding);
    }
    let first = bytes.get(start..start + 8).ok_or(Stop::Starved { needed: start + 8 })?;
    let looks_explicit = Vr([first[4], first[5]]).is_known();
    if uid.is_empty() && first[..2] == [0, 8] {
        encoding.big_endian = true;
    }
    encoding.explicit = looks_explicit;
    Ok(encoding)
}

fn uid(value: &[u8]) -> String {
    let value = String::from_utf8_lossy(value);
    let trimmed = value.trim_matches(|c: char| c == '\0' || c.is_whitespace());
    trimmed.chars().filter(|c| c.is_ascii_digit() || *c == '.').take(64).collect()
}
