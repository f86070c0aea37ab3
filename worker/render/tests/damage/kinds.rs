//! Ways to damage a frame.

use crate::frame::{Damaged, Frame};

/// Bytes overwritten by a run.
const RUN_BYTES: usize = 64;
const SEEDS: u64 = 8;

/// One way to damage a frame.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The end is missing, and the item says so.
    Cut,
    /// The end is missing, and the item claims that it is not: a file cut short.
    CutFile,
    Zeroed,
    Random,
    OneBit,
    Appended,
    /// The codestream has another size than the attributes.
    OtherSize,
}

impl Kind {
    pub(crate) const ALL: [Self; 7] =
        [Self::Cut, Self::CutFile, Self::OtherSize, Self::Zeroed, Self::Random, Self::OneBit, Self::Appended];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Cut => "codestream cut",
            Self::CutFile => "file cut",
            Self::Zeroed => "64 bytes zeroed",
            Self::Random => "64 random bytes",
            Self::OneBit => "one bit flipped",
            Self::Appended => "bytes appended",
            Self::OtherSize => "another size",
        }
    }

    /// Whether this damage can always be told, so that a picture would be a fault of ours.
    pub(crate) fn must_be_refused(self) -> bool {
        matches!(self, Self::Cut | Self::CutFile | Self::OtherSize)
    }

    /// Whether a picture made with best effort must be marked as partial.
    pub(crate) fn must_be_marked(self) -> bool {
        matches!(self, Self::Cut | Self::CutFile)
    }

    /// Damaged copies of a frame, and what was done to each.
    pub(crate) fn applied_to(self, frame: &Frame) -> Vec<(String, Damaged)> {
        let length = frame.codestream.len();
        match self {
            Self::Cut => [25, 50, 75, 95, 99]
                .map(|percent| {
                    let cut = frame.with(&frame.codestream[..length * percent / 100]);
                    (format!("cut at {percent} %"), cut)
                })
                .into(),
            Self::CutFile => [25, 50, 75, 95, 99]
                .map(|percent| {
                    let mut cut = frame.with(&frame.codestream);
                    cut.frame_bytes.truncate(cut.frame_bytes.len() * percent / 100);
                    (format!("file cut at {percent} %"), cut)
                })
                .into(),
            Self::Zeroed => [30, 40, 50, 60, 70]
                .map(|percent| {
                    let zeroed = overwritten(frame, length * percent / 100, &[0; RUN_BYTES]);
                    (format!("zeroed at {percent} %"), zeroed)
                })
                .into(),
            Self::Random => seeds(|mut noise| {
                let run: Vec<u8> = (0..RUN_BYTES).map(|_| noise.next() as u8).collect();
                overwritten(frame, noise.in_the_middle(length), &run)
            }),
            Self::OneBit => seeds(|mut noise| {
                let at = noise.in_the_middle(length);
                overwritten(frame, at, &[frame.codestream[at] ^ (1 << (noise.next() % 8))])
            }),
            Self::Appended => [2, 64, 1000]
                .map(|count| {
                    let mut noise = Noise(count);
                    let tail = (0..count).map(|_| noise.next() as u8);
                    let longer: Vec<u8> = frame.codestream.iter().copied().chain(tail).collect();
                    (format!("{count} bytes more"), frame.with(&longer))
                })
                .into(),
            Self::OtherSize => other_sizes(frame),
        }
    }
}

fn overwritten(frame: &Frame, at: usize, bytes: &[u8]) -> Damaged {
    let mut codestream = frame.codestream.clone();
    let end = (at + bytes.len()).min(codestream.len());
    codestream[at..end].copy_from_slice(&bytes[..end - at]);
    frame.with(&codestream)
}

fn seeds(damage: impl Fn(Noise) -> Damaged) -> Vec<(String, Damaged)> {
    (0..SEEDS).map(|seed| (format!("seed {seed}"), damage(Noise(seed)))).collect()
}

/// The codestream under attributes of another size, and one that claims another size where it has a header to do so.
fn other_sizes(frame: &Frame) -> Vec<(String, Damaged)> {
    // Native pixel data has no size of its own: how many bytes a frame has follows from the attributes.
    if !frame.encapsulated {
        return vec![("attributes with more rows".to_owned(), frame.with_rows(|rows| rows + 8))];
    }
    let mut copies = vec![
        ("attributes with more rows".to_owned(), frame.with_rows(|rows| rows + 8)),
        ("attributes with fewer rows".to_owned(), frame.with_rows(|rows| rows / 2)),
    ];
    if let Some((at, width)) = rows_field(&frame.codestream) {
        for (what, added) in [("codestream with more rows", 8_u64), ("codestream with fewer rows", u64::MAX)]
        {
            let mut codestream = frame.codestream.clone();
            let field = &mut codestream[at..at + width];
            let rows = field.iter().fold(0_u64, |rows, &byte| rows << 8 | u64::from(byte));
            let changed = rows.wrapping_add(added).to_be_bytes();
            field.copy_from_slice(&changed[8 - width..]);
            copies.push((what.to_owned(), frame.with(&codestream)));
        }
    }
    copies
}

/// Where a codestream gives its rows, and in how many bytes: the start of frame of JPEG and JPEG-LS, the SIZ of JPEG 2000.
fn rows_field(codestream: &[u8]) -> Option<(usize, usize)> {
    if codestream.starts_with(&[0xFF, 0x4F, 0xFF, 0x51]) {
        return Some((12, 4));
    }
    if !codestream.starts_with(&[0xFF, 0xD8]) {
        return None;
    }
    let mut at = 2;
    while let &[0xFF, marker, high, low] = codestream.get(at..at + 4)? {
        if matches!(marker, 0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF | 0xF7) {
            return Some((at + 5, 2));
        }
        at += 2 + usize::from(u16::from_be_bytes([high, low]));
    }
    None
}

/// A linear congruential generator (Knuth's MMIX): the same damage on every machine.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    /// A position in the middle half.
    fn in_the_middle(&mut self, length: usize) -> usize {
        length / 4 + self.next() as usize % (length / 2)
    }
}
