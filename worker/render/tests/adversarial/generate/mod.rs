//! Cases at random: what vendors combine, in proportions that let every attribute meet every other.

mod colours;
mod display;
mod form;
mod numbers;
mod pixels;
mod requests;

pub(crate) use requests::{requests, window};

use crate::case::{Case, CellKind, Cells, Colours, Display, Spare, Syntax};
use crate::encode;
use crate::random::Random;

/// The case of a seed.
pub(crate) fn case(seed: u64) -> Case {
    let mut random = Random::new(seed);
    let syntax = form::syntax(&mut random);
    let colours = colours::colours(&syntax, &mut random);
    let cells = cells(&syntax, &colours, &mut random);
    let (columns, rows) = size(&syntax, &colours, &mut random);
    let frame_count = random.choose(&[1, 1, 1, 2, 3]);
    let frame_number = random.between(1, frame_count) as u32;
    let mut case = Case {
        seed,
        rows,
        columns,
        form: form::form(syntax, &cells, frame_count as usize, (columns, rows), &mut random),
        cells,
        colours,
        frames: Vec::new(),
        frame_number,
        loss: 0.0,
        display: Display::default(),
    };
    case.frames = (0..frame_count).map(|_| pixels::frame(&case, &mut random)).collect();
    if let Syntax::JpegBaseline { transformed } = case.form.syntax
        && case.is_monochrome()
    {
        // Mostly 1; where coefficients are rounded the same way, 2.
        case.loss = 2.0;
        let size = (columns, rows);
        case.frames.iter_mut().for_each(|frame| *frame = encode::read_back(frame, size, transformed));
    }
    display::complete(&mut case, &mut random);
    case
}

/// Mostly small; some large enough to be decoded at a fraction of their size.
fn size(syntax: &Syntax, colours: &Colours, random: &mut Random) -> (u32, u32) {
    let is_reducible = matches!(syntax, Syntax::JpegBaseline { .. } | Syntax::Jpeg2000 { .. });
    let ranges: &[(i64, i64)] = if is_reducible && random.once_in(2) {
        &[(64, 160)]
    } else {
        &[(1, 3), (4, 24), (4, 24), (4, 24), (8, 40), (64, 96)]
    };
    let side = |random: &mut Random| {
        let (low, high) = random.choose(ranges);
        random.between(low, high) as u32
    };
    let (columns, rows) = (side(random), side(random));
    let is_shared = matches!(colours, Colours::YbrFull422 { .. });
    (if is_shared { columns.next_multiple_of(2) } else { columns }, rows)
}

fn cells(syntax: &Syntax, colours: &Colours, random: &mut Random) -> Cells {
    let is_coded = syntax.has_marker();
    let mut cells = match colours {
        Colours::Monochrome { .. } => grey_cells(syntax, random),
        Colours::Palette(_) => {
            let (allocated, stored) = random.choose(&[(8, 8), (8, 8), (8, 6), (16, 16), (16, 12), (16, 8)]);
            let signed = random.once_in(6);
            Cells { allocated, stored, signed, ..plain() }
        }
        Colours::Rgb { .. } | Colours::YbrFull { .. } => {
            let (allocated, stored) = random.choose(&[(8, 8), (8, 8), (8, 8), (16, 16), (16, 12), (16, 10)]);
            Cells { allocated, stored, ..plain() }
        }
        Colours::YbrFull422 { .. } | Colours::YbrRct | Colours::Jpeg { .. } => plain(),
    };
    cells.high_bit = cells.stored - 1;
    let spare_bits = cells.allocated - cells.stored;
    // Some encoders code the whole cell, and what its spare bits hold; a lossy one would not keep it.
    let is_lossy = matches!(syntax, Syntax::JpegBaseline { .. } | Syntax::Jpeg2000 { lossy_uid: true, .. });
    let keeps_spare_bits = !is_coded || !is_lossy && random.once_in(4);
    if keeps_spare_bits && spare_bits > 0 && cells.kind == CellKind::Integer {
        if random.once_in(5) {
            cells.high_bit += random.between(1, spare_bits.into()) as u16;
        }
        cells.spare = random.choose(&[Spare::Zeros, Spare::Sign, Spare::Junk]);
    }
    cells
}

fn plain() -> Cells {
    Cells {
        kind: CellKind::Integer,
        allocated: 8,
        stored: 8,
        high_bit: 7,
        signed: false,
        spare: Spare::Zeros,
    }
}

fn grey_cells(syntax: &Syntax, random: &mut Random) -> Cells {
    if matches!(syntax, Syntax::JpegBaseline { .. }) {
        return plain();
    }
    let is_native = !syntax.is_encapsulated();
    let allocated = random.choose(if syntax.has_marker() {
        &[8, 16, 16][..]
    } else if is_native {
        &[1, 8, 8, 16, 16, 16, 16, 16, 32, 64][..]
    } else {
        &[1, 8, 8, 16, 16, 16, 32][..]
    });
    let whole = random.once_in(2);
    let signed = random.once_in(3);
    let stored = match allocated {
        1 => return Cells { allocated: 1, stored: 1, ..plain() },
        8 if whole => 8,
        8 => random.between(2, 8) as u16,
        16 if whole => random.choose(&[12, 16]),
        16 => random.between(2, 16) as u16,
        32 if is_native && random.once_in(3) => {
            return Cells { kind: CellKind::Float32, allocated, stored: 32, ..plain() };
        }
        32 => random.choose(&[32, 32, 24, 20]),
        _ => return Cells { kind: CellKind::Float64, allocated, stored: 64, ..plain() },
    };
    Cells { allocated, stored, signed, ..plain() }
}
