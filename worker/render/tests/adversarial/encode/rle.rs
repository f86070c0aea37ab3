//! RLE (PS3.5 annex G), by a writer that uses every kind of run at whim.

use crate::case::Case;
use crate::random::Random;
use crate::write::cells::{little_endian, of_frame};

/// Header and segments of one frame.
pub(crate) fn frame(case: &Case, index: usize, surplus: bool) -> Vec<u8> {
    let mut random = Random::new(case.seed ^ 0x0052_4C45 ^ index as u64);
    let mut header = vec![0_u32];
    let mut body = Vec::new();
    for segment in segments(case, index) {
        header[0] += 1;
        header.push(64 + body.len() as u32);
        pack(&segment, &mut random, &mut body);
        if surplus && case.columns > 1 && case.cells.allocated >= 8 {
            // Less than another row (PS3.5 G.3.2).
            let surplus = (case.columns as usize - 1).min(3);
            body.extend(std::iter::once(surplus as u8 - 1).chain([0xAA; 3]).take(surplus + 1));
        }
        if body.len() % 2 == 1 {
            body.push(0);
        }
    }
    header.resize(16, 0);
    let header: Vec<u8> = header.iter().flat_map(|word| word.to_le_bytes()).collect();
    [header, body].concat()
}

/// The bytes of each sample, most significant first.
fn segments(case: &Case, index: usize) -> Vec<Vec<u8>> {
    let (cells, samples) = (of_frame(case, index), case.samples_per_pixel());
    let mut segments = Vec::new();
    for sample in 0..samples {
        let plane: Vec<u64> = if case.colours.planar() {
            cells.chunks(cells.len() / samples).nth(sample).expect("three planes").to_vec()
        } else {
            cells.iter().skip(sample).step_by(samples).copied().collect()
        };
        let bytes = little_endian(&plane, case.cells.allocated);
        let size = usize::from(case.cells.allocated).div_ceil(8);
        segments.extend((0..size).rev().map(|byte| bytes.iter().skip(byte).step_by(size).copied().collect()));
    }
    segments
}

fn pack(mut bytes: &[u8], random: &mut Random, out: &mut Vec<u8>) {
    while let Some(&first) = bytes.first() {
        if random.once_in(9) {
            out.push(128);
        }
        let run = bytes.iter().take(128).take_while(|&&byte| byte == first).count();
        let length = if run > 1 && !random.once_in(5) {
            out.extend([(257 - run) as u8, first]);
            run
        } else {
            let length = 1 + random.index(bytes.len().min(128));
            out.push((length - 1) as u8);
            out.extend(&bytes[..length]);
            length
        };
        bytes = &bytes[length..];
    }
}
