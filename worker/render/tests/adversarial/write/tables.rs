//! Look-up tables: descriptors and data.

use super::data_set::{DataSet, Value};
use crate::case::{Palette, PaletteForm, Segment, Table};

/// The item of a Modality or VOI LUT Sequence.
pub(crate) fn item(table: &Table, input_is_signed: bool) -> DataSet {
    let mut item = DataSet::default();
    // 65,536 entries are written as 0.
    let descriptor = [table.entries.len() as u16, table.first as u16, table.bits];
    item.words(0x0028, 0x3002, if input_is_signed { "SS" } else { "US" }, &descriptor);
    let words = if table.packed { packed(&table.entries) } else { table.entries.clone() };
    item.words(0x0028, 0x3006, "OW", &words);
    item
}

/// Entries of 8 bits, the first in the low byte of a word (PS3.3 C.11.1.1.1).
fn packed(entries: &[u16]) -> Vec<u16> {
    entries.chunks(2).map(|pair| pair[0] | pair.get(1).copied().unwrap_or(0) << 8).collect()
}

pub(crate) fn palette(palette: &Palette, index_is_signed: bool, top: &mut DataSet) {
    let vr = if index_is_signed { "SS" } else { "US" };
    for channel in 0..3 {
        let number = channel as u16;
        let (element, words, length) = match &palette.form {
            PaletteForm::Words(tables) | PaletteForm::WiderThanSaid(tables) => {
                (0x1201, tables[channel].clone(), tables[channel].len())
            }
            PaletteForm::Packed(tables) | PaletteForm::NarrowerThanSaid(tables) => {
                (0x1201, packed(&tables[channel]), tables[channel].len())
            }
            PaletteForm::Segmented(tables) => {
                let words = segments(&tables[channel]);
                let length = expanded_length(&tables[channel]);
                (0x1221, if palette.bits == 8 { packed(&words) } else { words }, length)
            }
        };
        let descriptor = [length as u16, palette.first as u16, palette.bits];
        top.words(0x0028, 0x1101 + number, vr, &descriptor);
        top.put(0x0028, element + number, "OW", Value::Words(words));
    }
}

/// PS3.3 C.7.9.2: opcode, count, values. Indirect segments give the byte offset of what they repeat.
fn segments(segments: &[Segment]) -> Vec<u16> {
    let mut words = Vec::new();
    for segment in segments {
        match segment {
            Segment::Discrete(values) => {
                words.extend([0, values.len() as u16]);
                words.extend(values);
            }
            Segment::Linear { count, to } => words.extend([1, *count, *to]),
            Segment::Indirect { count } => words.extend([2, *count, 0, 0]),
        }
    }
    words
}

fn expanded_length(segments: &[Segment]) -> usize {
    let length = |segment: &Segment| match segment {
        Segment::Discrete(values) => values.len(),
        Segment::Linear { count, .. } => usize::from(*count),
        Segment::Indirect { count } => expanded_length(&segments[..usize::from(*count)]),
    };
    segments.iter().map(length).sum()
}
