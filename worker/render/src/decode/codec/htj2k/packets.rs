//! Packets: which code blocks there are, and where their bytes lie (T.800 B.10, T.814 Annex B).

use super::bits::HeaderBits;
use super::block::Place;
use super::header::Frame;

/// A subband and the bytes of its blocks.
pub(super) struct Band<'a> {
    pub(super) columns: usize,
    pub(super) rows: usize,
    pub(super) blocks: Vec<(Place, &'a [u8])>,
}

/// Bands of each resolution of each component. The packets must use up the tile to the last byte.
pub(super) fn blocks<'a>(frame: &Frame<'_>, body: &'a [u8]) -> Option<Vec<Vec<Vec<Band<'a>>>>> {
    let mut components: Vec<Vec<_>> = (0..frame.components).map(|_| Vec::new()).collect();
    let mut at = 0;
    let resolutions = 0..=frame.levels;
    // One precinct each: the five orders come down to two, and each puts resolutions of a component in order.
    if frame.component_first {
        for component in &mut components {
            for resolution in resolutions.clone() {
                component.push(packet(frame, body, &mut at, resolution)?);
            }
        }
    } else {
        for resolution in resolutions {
            for component in &mut components {
                component.push(packet(frame, body, &mut at, resolution)?);
            }
        }
    }
    (at == body.len()).then_some(components)
}

/// Bands of one packet: the lowest one, or the three that double the size.
fn packet<'a>(frame: &Frame<'_>, body: &'a [u8], at: &mut usize, resolution: u8) -> Option<Vec<Band<'a>>> {
    let (columns, rows) = frame.size_at(resolution);
    let shapes = match resolution {
        0 => vec![(columns, rows)],
        _ => vec![(columns / 2, rows.div_ceil(2)), (columns.div_ceil(2), rows / 2), (columns / 2, rows / 2)],
    };
    let mut bits = HeaderBits::new(body, *at);
    let is_empty = bits.bit()? == 0;
    let mut found = Vec::new();
    for (i, &(columns, rows)) in shapes.iter().enumerate() {
        let plane = 3 * usize::from(resolution) + i - if resolution == 0 { 0 } else { 2 };
        let bit_planes = *frame.bit_planes.get(plane)?;
        found.push(if is_empty { Vec::new() } else { lengths(frame, columns, rows, bit_planes, &mut bits)? });
    }
    *at = bits.end();
    let mut bands = Vec::with_capacity(shapes.len());
    for ((columns, rows), found) in shapes.into_iter().zip(found) {
        let mut blocks = Vec::with_capacity(found.len());
        for (place, length) in found {
            blocks.push((place, body.get(*at..)?.get(..length)?));
            *at += length;
        }
        bands.push(Band { columns, rows, blocks });
    }
    Some(bands)
}

/// The part of a packet header that tells a band's blocks, and how long each is.
fn lengths(
    frame: &Frame<'_>,
    columns: usize,
    rows: usize,
    bit_planes: u32,
    bits: &mut HeaderBits<'_>,
) -> Option<Vec<(Place, usize)>> {
    let (wide, high) = (1 << frame.block.0, 1 << frame.block.1);
    let (across, down) = (columns.div_ceil(wide), rows.div_ceil(high));
    if columns == 0 || rows == 0 {
        return Some(Vec::new());
    }
    let (mut inclusion, mut missing) = (TagTree::new(across, down), TagTree::new(across, down));
    let mut blocks = Vec::new();
    for y in 0..down {
        for x in 0..across {
            if !inclusion.is_below(x, y, 1, bits)? {
                continue;
            }
            let length = single_pass(x, y, bit_planes, &mut missing, bits)?;
            let (left, top) = (x * wide, y * high);
            let (width, height) = ((columns - left).min(wide), (rows - top).min(high));
            blocks.push((Place { left, top, width, height, bit_planes }, length));
        }
    }
    Some(blocks)
}

/// The length of a block that is one cleanup pass with every bit in it: all planes but one are missing.
fn single_pass(
    x: usize,
    y: usize,
    bit_planes: u32,
    missing: &mut TagTree,
    bits: &mut HeaderBits<'_>,
) -> Option<usize> {
    let is_all_but_one =
        !missing.is_below(x, y, bit_planes - 1, bits)? && missing.is_below(x, y, bit_planes, bits)?;
    if !is_all_but_one || bits.bit()? != 0 {
        return None;
    }
    let mut length_bits = 3;
    while bits.bit()? == 1 {
        length_bits += 1;
    }
    if length_bits <= 31 { bits.bits(length_bits).map(|length| length as usize) } else { None }
}

/// A tag tree (T.800 B.10.2): each node is at most the least of the four below it.
struct TagTree {
    /// From the leaves to the root: how many nodes lie across, and the nodes.
    levels: Vec<(usize, Vec<Node>)>,
}

#[derive(Clone, Copy, Default)]
struct Node {
    /// The value, when it is known; else what it cannot be less than.
    low: u32,
    is_known: bool,
}

impl TagTree {
    fn new(mut across: usize, mut down: usize) -> Self {
        let mut levels = vec![(across, vec![Node::default(); across * down])];
        while across * down > 1 {
            (across, down) = (across.div_ceil(2), down.div_ceil(2));
            levels.push((across, vec![Node::default(); across * down]));
        }
        Self { levels }
    }

    /// Whether a leaf is less than `bound`, after as many bits as that takes.
    fn is_below(&mut self, x: usize, y: usize, bound: u32, bits: &mut HeaderBits<'_>) -> Option<bool> {
        let mut low = 0;
        let mut is_known = false;
        for (level, (across, nodes)) in self.levels.iter_mut().enumerate().rev() {
            let node = nodes.get_mut((y >> level) * *across + (x >> level))?;
            node.low = node.low.max(low);
            while node.low < bound && !node.is_known {
                match bits.bit()? {
                    0 => node.low += 1,
                    _ => node.is_known = true,
                }
            }
            (low, is_known) = (node.low, node.is_known);
        }
        Some(is_known && low < bound)
    }
}
