//! The element Pixel Data: native, or items of encapsulated frames (PS3.5 8, A.4).

use std::io::Write as _;

use super::cells;
use super::data_set::{DataSet, Encoding, Value};
use crate::case::{Case, CellKind, OffsetTable, Syntax};
use crate::encode;
use crate::random::Random;

/// The element, which comes last; an extended offset table goes to the data set before it.
pub(crate) fn element(case: &Case, encoding: Encoding, data_set: &mut DataSet) -> Vec<u8> {
    if case.form.syntax.is_encapsulated() {
        return encapsulated(case, encoding, data_set);
    }
    let frames = 0..case.frames.len();
    let all: Vec<u64> = frames.flat_map(|frame| cells::of_frame(case, frame)).collect();
    let mut value = cells::little_endian(&all, case.cells.allocated);
    if case.form.syntax == Syntax::ExplicitBig {
        value = cells::big_endian(&value, case.cells.allocated, is_in_words(case));
    }
    if value.len() % 2 == 1 {
        value.push(0);
    }
    let (tag, vr) = match case.cells.kind {
        CellKind::Integer => (0x0010, if is_in_words(case) { "OW" } else { "OB" }),
        CellKind::Float32 => (0x0008, "OF"),
        CellKind::Float64 => (0x0009, "OD"),
    };
    let mut out = Vec::new();
    encoding.header(&mut out, 0x7FE0, tag, vr, value.len() as u32);
    out.extend(value);
    out
}

fn is_in_words(case: &Case) -> bool {
    case.cells.allocated > 8 || case.form.in_words
}

fn encapsulated(case: &Case, encoding: Encoding, data_set: &mut DataSet) -> Vec<u8> {
    let form = &case.form.fragments;
    let (mut items, mut offsets, mut lengths) = (Vec::new(), Vec::new(), Vec::new());
    if form.empty_first {
        item(&mut items, &[]);
    }
    for index in 0..case.frames.len() {
        let codestream = codestream(case, index);
        offsets.push(if index == 0 { 0 } else { items.len() as u64 });
        lengths.push(codestream.len() as u64);
        let mut random = Random::new(case.seed ^ 0x4652_4147 ^ index as u64);
        cut(&codestream, form.per_frame[index], &mut random).iter().for_each(|piece| item(&mut items, piece));
    }
    if form.empty_last {
        item(&mut items, &[]);
    }
    let mut table = Vec::new();
    match form.table {
        OffsetTable::None => {}
        OffsetTable::Basic => {
            table = offsets.iter().flat_map(|&offset| (offset as u32).to_le_bytes()).collect();
        }
        OffsetTable::Extended => {
            data_set.put(0x7FE0, 0x0001, "OV", Value::VeryLongs(offsets));
            data_set.put(0x7FE0, 0x0002, "OV", Value::VeryLongs(lengths));
        }
    }
    let mut value = Vec::new();
    item(&mut value, &table);
    value.extend(items);
    value.extend([0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0]);
    let mut out = Vec::new();
    let length = if form.defined_length { value.len() as u32 } else { u32::MAX };
    encoding.header(&mut out, 0x7FE0, 0x0010, "OB", length);
    out.extend(value);
    out
}

fn item(out: &mut Vec<u8>, value: &[u8]) {
    let padded = value.len().next_multiple_of(2);
    out.extend([0xFE, 0xFF, 0x00, 0xE0]);
    out.extend((padded as u32).to_le_bytes());
    out.extend(value);
    out.resize(out.len() + padded - value.len(), 0);
}

/// Pieces of even length, but for the last.
fn cut<'a>(mut codestream: &'a [u8], count: usize, random: &mut Random) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    while pieces.len() + 1 < count && codestream.len() > 8 {
        let at = 4 + 2 * random.index((codestream.len() - 4) / 2 - 1);
        let (piece, rest) = codestream.split_at(at);
        pieces.push(piece);
        codestream = rest;
    }
    pieces.push(codestream);
    pieces
}

fn codestream(case: &Case, index: usize) -> Vec<u8> {
    let native = || cells::little_endian(&cells::of_frame(case, index), case.cells.allocated);
    match &case.form.syntax {
        Syntax::EncapsulatedUncompressed => native(),
        Syntax::DeflatedFrame => {
            let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(&native()).expect("writing to memory");
            encoder.finish().expect("writing to memory")
        }
        Syntax::Rle { surplus } => encode::rle::frame(case, index, *surplus),
        _ => encode::codestream(case, index),
    }
}
