//! Transfer syntaxes, sequences, fragments.

use super::numbers;
use crate::case::{Cells, FileForm, Fragments, Interleave, LosslessJpeg, OffsetTable, Spare, Syntax};
use crate::random::Random;

/// A syntax whose precision, where it has one, is decided with the cells.
pub(super) fn syntax(random: &mut Random) -> Syntax {
    match random.index(24) {
        0 | 1 => Syntax::ImplicitLittle,
        2..=6 => Syntax::ExplicitLittle,
        7..=9 => Syntax::ExplicitBig,
        10 => Syntax::Deflated,
        11 => Syntax::EncapsulatedUncompressed,
        12 => Syntax::DeflatedFrame,
        13..=15 => Syntax::Rle { surplus: random.once_in(8) },
        16 => Syntax::JpegBaseline { transformed: !random.once_in(3) },
        17..=19 => Syntax::JpegLossless(LosslessJpeg {
            predictor: random.between(1, 7) as u8,
            precision: 0,
            wraps: random.once_in(3),
            restarts: random.once_in(6),
        }),
        20 | 21 => Syntax::JpegLs {
            interleave: random.choose(&[Interleave::None, Interleave::Line, Interleave::Sample]),
            precision: 0,
            filler: random.choose(&[&[][..], &[], &[], &[], &[0xFF; 3], &[0], &[0; 3]]),
        },
        _ => Syntax::Jpeg2000 {
            levels: random.between(0, 5) as u32,
            precision: 0,
            signed: false,
            lossy_uid: random.once_in(4),
        },
    }
}

pub(super) fn form(
    mut syntax: Syntax,
    cells: &Cells,
    frame_count: usize,
    size: (u32, u32),
    random: &mut Random,
) -> FileForm {
    // Most writers code the stored bits, some the whole cell.
    let has_spare_bits = cells.spare != Spare::Zeros || cells.high_bit + 1 != cells.stored;
    let coded = if has_spare_bits || random.once_in(4) { cells.allocated } else { cells.stored };
    match &mut syntax {
        Syntax::JpegLossless(LosslessJpeg { precision, .. }) | Syntax::JpegLs { precision, .. } => {
            *precision = coded;
        }
        Syntax::Jpeg2000 { precision, signed, levels, .. } => {
            *precision = coded;
            // Some writers give the codestream another sign than the attributes.
            *signed = cells.signed != random.once_in(4);
            *levels = (*levels).min(size.0.min(size.1).ilog2());
        }
        _ => {}
    }
    let is_encapsulated = syntax.is_encapsulated();
    let omitted = frame_count == 1 && random.once_in(2);
    FileForm {
        sequences_undefined: random.once_in(2),
        items_undefined: random.once_in(2),
        sequences_unknown: random.once_in(10),
        private_elements: random.once_in(3),
        icon: random.once_in(6),
        trailing_padding: random.once_in(8),
        in_words: !is_encapsulated && random.once_in(2) || syntax == Syntax::ImplicitLittle,
        frame_count: (!omitted).then(|| numbers::integer(frame_count as i64, random).text),
        fragments: fragments(&syntax, frame_count, random),
        syntax,
    }
}

fn fragments(syntax: &Syntax, frame_count: usize, random: &mut Random) -> Fragments {
    let mut table = random.choose(&[OffsetTable::None, OffsetTable::Basic, OffsetTable::Extended]);
    let is_split =
        random.once_in(3) && !matches!(syntax, Syntax::Rle { .. }) && table != OffsetTable::Extended;
    if is_split && frame_count > 1 && !syntax.has_marker() {
        table = OffsetTable::Basic;
    }
    let per_frame =
        (0..frame_count).map(|_| if is_split { random.between(1, 4) as usize } else { 1 }).collect();
    let may_be_empty = table != OffsetTable::Extended && (frame_count == 1 || table == OffsetTable::Basic);
    Fragments {
        per_frame,
        empty_first: may_be_empty && random.once_in(16),
        empty_last: may_be_empty && random.once_in(16),
        table,
        defined_length: random.once_in(16),
    }
}
