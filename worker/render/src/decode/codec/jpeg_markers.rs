//! What the marker segments of a JPEG say about its colours, and a way to overrule them (ITU-T T.81 annex B).

/// Marker segments before the first scan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Markers {
    /// A JFIF header, which promises luminance and chrominance.
    pub(crate) jfif: bool,
    /// An Adobe segment, and whether it says that a colour transform was used.
    pub(crate) adobe_transform: Option<bool>,
    /// The start of frame is of a lossless process (SOF3, SOF11).
    pub(crate) lossless: bool,
    pub(crate) component_ids: Vec<u8>,
}

const SOI: u8 = 0xD8;
const SOS: u8 = 0xDA;
const DRI: u8 = 0xDD;
const APP0: u8 = 0xE0;
const APP14: u8 = 0xEE;
const APP15: u8 = 0xEF;

/// Reads the segments up to the first scan; a damaged one ends the search, and the decoder will complain.
pub(crate) fn read(codestream: &[u8]) -> Markers {
    let mut markers = Markers::default();
    for (marker, start, end) in segments(codestream) {
        let content = &codestream[start..end];
        match marker {
            APP0 if content.starts_with(b"JFIF\0") => markers.jfif = true,
            APP14 if content.starts_with(b"Adobe") => {
                markers.adobe_transform = content.get(11).map(|&transform| transform != 0);
            }
            0xC0..=0xCF if !matches!(marker, 0xC4 | 0xC8 | 0xCC) => {
                markers.lossless = matches!(marker, 0xC3 | 0xC7 | 0xCB | 0xCF);
                let count = content.get(5).copied().unwrap_or(0);
                markers.component_ids =
                    (0..usize::from(count)).filter_map(|index| content.get(6 + index * 3).copied()).collect();
            }
            _ => {}
        }
    }
    markers
}

/// The codestream with a note to the decoder that its components must not be converted.
pub(crate) fn without_colour_transform(codestream: &[u8]) -> Vec<u8> {
    /// APP14 of 12 bytes content: version 100, flags 0, transform 0.
    const ADOBE_RAW: [u8; 16] = [0xFF, APP14, 0, 14, b'A', b'd', b'o', b'b', b'e', 0, 100, 0, 0, 0, 0, 0];
    let mut noted = Vec::with_capacity(codestream.len() + ADOBE_RAW.len());
    let (start, rest) = codestream.split_at(codestream.len().min(2));
    noted.extend_from_slice(start);
    noted.extend_from_slice(&ADOBE_RAW);
    noted.extend_from_slice(rest);
    // What the other segments claim is taken out of their mouths: an APP15 means nothing to the decoder.
    for (marker, content_start, _) in segments(codestream) {
        if matches!(marker, APP0 | APP14) {
            noted[content_start - 3 + ADOBE_RAW.len()] = APP15;
        }
    }
    noted
}

/// A scan of a lossless process, and what its prediction depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LosslessScan {
    /// Positions of its components in the start of frame.
    pub(crate) components: Vec<usize>,
    /// 1 to 7 (T.81 table H.1).
    pub(crate) predictor: u8,
    pub(crate) point_transform: u8,
    /// Samples of a component between restarts; 0 without.
    pub(crate) restart_interval: usize,
    /// Where the byte of the precision lies in the codestream.
    pub(crate) precision_at: usize,
    /// Where the byte lies whose lower half is the point transform.
    pub(crate) point_transform_at: usize,
    /// Its components lie sample by sample beside each other, as large as all others of the frame.
    pub(crate) is_even: bool,
}

/// The scans of a lossless codestream with Huffman codes; none when it is damaged or of another process.
pub(crate) fn lossless_scans(codestream: &[u8]) -> Vec<LosslessScan> {
    let mut scans = Vec::new();
    let (mut restart_interval, mut frame) = (0, None);
    let mut position = 2;
    while let Some((marker, start, end)) = segment_at(codestream, position) {
        let content = &codestream[start..end];
        position = end;
        match marker {
            DRI => {
                restart_interval =
                    content.first_chunk().map_or(0, |bytes| usize::from(u16::from_be_bytes(*bytes)));
            }
            0xC3 => frame = Some((start, content)),
            SOS => {
                let Some((frame_start, frame)) = frame else { return Vec::new() };
                let Some(scan) = lossless_scan(content, frame) else { return Vec::new() };
                scans.push(LosslessScan {
                    restart_interval,
                    precision_at: frame_start,
                    point_transform_at: end - 1,
                    ..scan
                });
                // Coded samples are only gone through where another scan must follow.
                let coded: usize = scans.iter().map(|scan: &LosslessScan| scan.components.len()).sum();
                if coded >= frame.get(6..).map_or(0, |components| components.len() / 3) {
                    return scans;
                }
                position = end_of_scan(codestream, end);
            }
            _ => {}
        }
    }
    scans
}

/// Identifier, sampling factors and table of each component.
fn are_sampled_evenly(components: &[u8], in_one_scan: bool) -> bool {
    let components = components.as_chunks::<3>().0;
    let first = components.first().map(|component| component[1]);
    let are_equal = components.iter().all(|component| Some(component[1]) == first);
    are_equal && (!in_one_scan || first == Some(0x11))
}

fn lossless_scan(content: &[u8], frame: &[u8]) -> Option<LosslessScan> {
    let (&count, rest) = content.split_first()?;
    let (selectors, parameters) = rest.split_at_checked(2 * usize::from(count))?;
    let &[predictor, _, transforms] = parameters else { return None };
    let position =
        |id: u8| frame.get(6..)?.as_chunks::<3>().0.iter().position(|component| component[0] == id);
    Some(LosslessScan {
        components: selectors
            .as_chunks::<2>()
            .0
            .iter()
            .map(|selector| position(selector[0]))
            .collect::<Option<_>>()?,
        predictor,
        point_transform: transforms & 0x0F,
        restart_interval: 0,
        precision_at: 0,
        point_transform_at: 0,
        is_even: frame.get(6..).is_some_and(|components| are_sampled_evenly(components, count > 1)),
    })
}

/// Where the coded samples end: at a marker that is neither a stuffed byte nor a restart.
fn end_of_scan(codestream: &[u8], start: usize) -> usize {
    let ends = |pair: &[u8]| pair[0] == 0xFF && !matches!(pair[1], 0 | 0xD0..=0xD7 | 0xFF);
    let rest = codestream.get(start..).unwrap_or_default();
    rest.windows(2).position(ends).map_or(codestream.len(), |position| start + position)
}

/// Marker, start and end of the content of the segment at `position`.
fn segment_at(codestream: &[u8], mut position: usize) -> Option<(u8, usize, usize)> {
    // Fill bytes may stand before a marker; anything else there is passed over, as the decoder does.
    let is_marker = |pair: &[u8]| pair[0] == 0xFF && !matches!(pair[1], 0 | 0xFF);
    position += codestream.get(position..)?.windows(2).position(is_marker)?;
    let &[0xFF, marker, high, low] = codestream.get(position..position + 4)? else { return None };
    let start = position + 4;
    let end = position + 2 + usize::from(u16::from_be_bytes([high, low]));
    (codestream.starts_with(&[0xFF, SOI]) && end >= start && end <= codestream.len())
        .then_some((marker, start, end))
}

/// Marker, start and end of the content of each segment before the first scan.
fn segments(codestream: &[u8]) -> impl Iterator<Item = (u8, usize, usize)> + '_ {
    let mut position = 2;
    std::iter::from_fn(move || {
        let segment = segment_at(codestream, position).filter(|(marker, ..)| *marker != SOS)?;
        position = segment.2;
        Some(segment)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RGB_IDS: [u8; 40] = [
        0xFF, 0xD8, // SOI
        0xFF, 0xE0, 0, 7, b'J', b'F', b'I', b'F', 0, // APP0
        0xFF, 0xC0, 0, 17, 8, 0, 1, 0, 1, 3, b'R', 0x11, 0, b'G', 0x11, 0, b'B', 0x11, 0, // SOF0
        0xFF, 0xDA, 0, 6, 0, 0, 0, 0, 0xFF, 0xD9,
    ];

    #[test]
    fn the_segments_tell_about_colours() {
        let markers = read(&RGB_IDS);
        assert!(markers.jfif && !markers.lossless);
        assert_eq!(markers.component_ids, b"RGB");
        assert_eq!(markers.adobe_transform, None);
    }

    #[test]
    fn the_note_to_the_decoder_overrules_them() {
        let markers = read(&without_colour_transform(&RGB_IDS));
        assert_eq!((markers.jfif, markers.adobe_transform), (false, Some(false)));
        assert_eq!(markers.component_ids, b"RGB");
    }

    #[test]
    fn a_segment_that_goes_past_the_end_ends_the_search() {
        assert_eq!(read(&[0xFF, 0xD8, 0xFF, 0xE0, 0xFF, 0xFF, 1]), Markers::default());
    }
}
