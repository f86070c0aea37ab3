//! Photometric interpretations and palettes.

use crate::case::{Colours, Palette, PaletteForm, Segment, Syntax};
use crate::random::Random;

pub(super) fn colours(syntax: &Syntax, random: &mut Random) -> Colours {
    if !random.once_in(2) {
        return Colours::Monochrome { inverted: random.once_in(3) };
    }
    let planar = random.once_in(2);
    match syntax {
        Syntax::JpegBaseline { transformed } => {
            let names: &[&str] = if *transformed { &["YBR_FULL_422", "YBR_FULL", "RGB"] } else { &["RGB"] };
            Colours::Jpeg { photometric: random.choose(names), signed: random.once_in(6) }
        }
        Syntax::Jpeg2000 { .. } => match random.index(3) {
            0 => Colours::Palette(palette(random)),
            1 => Colours::Rgb { planar: false },
            _ => Colours::YbrRct,
        },
        Syntax::JpegLossless(_) | Syntax::JpegLs { .. } => match random.index(3) {
            0 => Colours::Palette(palette(random)),
            1 => Colours::Rgb { planar: false },
            _ => Colours::YbrFull { planar: false },
        },
        Syntax::Rle { .. } => match random.index(3) {
            0 => Colours::Palette(palette(random)),
            1 => Colours::Rgb { planar },
            _ => Colours::YbrFull { planar },
        },
        _ => match random.index(7) {
            0..=2 => Colours::Palette(palette(random)),
            3 | 4 => Colours::Rgb { planar },
            5 => Colours::YbrFull { planar },
            _ => Colours::YbrFull422 { whole_pixels: random.once_in(5) },
        },
    }
}

fn palette(random: &mut Random) -> Palette {
    let first = random.choose(&[0, 0, 0, 1, 5, 100]);
    let (bits, form) = match random.index(8) {
        0 | 1 => (16, PaletteForm::Words(tables(16, random))),
        2 => (8, PaletteForm::Words(tables(8, random))),
        3 => (8, PaletteForm::Packed(tables(8, random))),
        4 => (8, PaletteForm::WiderThanSaid(tables(16, random))),
        5 => (16, PaletteForm::NarrowerThanSaid(tables(8, random))),
        6 => (16, PaletteForm::Segmented(segments(16, random))),
        _ => (8, PaletteForm::Segmented(segments(8, random))),
    };
    Palette { first, bits, form }
}

fn tables(bits: u16, random: &mut Random) -> [Vec<u16>; 3] {
    let length = match random.index(12) {
        0 => 65_536,
        1 => 1,
        2 => random.between(257, 5000) as usize,
        3..=6 => 256,
        _ => random.between(2, 256) as usize,
    };
    let largest = (1_usize << bits) - 1;
    [(); 3].map(|()| {
        let rises = random.once_in(2);
        let mut entry = |at: usize| match rises {
            true => (at * largest / length.max(2)) as u16,
            false => random.between(0, largest as i64) as u16,
        };
        let mut entries: Vec<u16> = (0..length).map(&mut entry).collect();
        // Wide entries that are all small would be taken for narrow ones.
        entries[length - 1] = largest as u16;
        entries
    })
}

/// The same segments for each channel but for their values.
fn segments(bits: u16, random: &mut Random) -> [Vec<Segment>; 3] {
    let largest = (1_i64 << bits) - 1;
    let beginning = random.between(1, 20) as usize;
    let (line, may_repeat) = (random.between(1, 100) as u16, bits == 16 && random.once_in(2));
    [(); 3].map(|()| {
        let mut discrete: Vec<u16> = (0..beginning).map(|_| random.between(0, largest) as u16).collect();
        discrete[0] = largest as u16;
        let mut segments = vec![
            Segment::Discrete(discrete),
            Segment::Linear { count: line, to: random.between(0, largest) as u16 },
        ];
        if may_repeat {
            segments.push(Segment::Indirect { count: 2 });
        }
        segments.push(Segment::Linear { count: 7, to: random.between(0, largest) as u16 });
        segments
    })
}
