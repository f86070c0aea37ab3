//! A block as literals and copies, and the symbols of deflate for them (RFC 1951 section 3.2.5).

/// Symbols for literals, the end of the block, and lengths.
pub(super) const LITERAL_SYMBOLS: usize = 286;
/// The symbol that ends a block.
pub(super) const END_OF_BLOCK: usize = 256;
/// Symbols for distances.
pub(super) const DISTANCE_SYMBOLS: usize = 30;
/// Longest copy of deflate.
pub(super) const MATCH_MAX: usize = 258;
/// How far back a copy may be.
pub(super) const DISTANCE_MAX: usize = 32_768;
/// Shortest copy of deflate.
pub(super) const MATCH_MIN: usize = 3;

/// Literals, then a copy of what came before; a copy of length 0 is none.
pub(super) struct Segment {
    /// Literals before the copy.
    pub(super) literal_count: u32,
    /// 0, or 3 to 258.
    pub(super) copy_length: u16,
    /// 1 to 32,768.
    pub(super) copy_distance: u16,
}

/// A block as segments, and how often each symbol occurs in them.
pub(super) struct Segments {
    /// In order.
    pub(super) list: Vec<Segment>,
    /// Literals, end of block, lengths.
    pub(super) literals: [u32; LITERAL_SYMBOLS],
    /// Distances.
    pub(super) distances: [u32; DISTANCE_SYMBOLS],
}

impl Default for Segments {
    fn default() -> Self {
        Self { list: Vec::new(), literals: [0; LITERAL_SYMBOLS], distances: [0; DISTANCE_SYMBOLS] }
    }
}

impl Segments {
    pub(super) fn clear(&mut self) {
        self.list.clear();
        self.literals.fill(0);
        self.literals[END_OF_BLOCK] = 1;
        self.distances.fill(0);
    }

    /// Adds literals, which the caller counts, and a copy.
    #[inline(always)]
    pub(super) fn push(&mut self, literal_count: usize, length: usize, distance: usize) {
        self.count_lengths(length, 1);
        self.push_of_counted_length(literal_count, length, distance);
    }

    /// Counts copies of one length.
    #[inline(always)]
    pub(super) fn count_lengths(&mut self, length: usize, copies: u32) {
        self.literals[length_symbol(length).0] += copies;
    }

    /// As [`Segments::push`], for callers that have many copies of one length, and count them at once.
    #[inline(always)]
    pub(super) fn push_of_counted_length(&mut self, literal_count: usize, length: usize, distance: usize) {
        self.distances[distance_symbol(distance).0] += 1;
        self.list.push(Segment {
            literal_count: literal_count as u32,
            copy_length: length as u16,
            copy_distance: distance as u16,
        });
    }

    /// Adds literals without a copy, which the caller counts.
    pub(super) fn push_literals(&mut self, literal_count: usize) {
        self.list.push(Segment { literal_count: literal_count as u32, copy_length: 0, copy_distance: 0 });
    }

    /// Adds a table of counted literals.
    pub(super) fn add_literals(&mut self, table: &[u32; 256]) {
        for (count, more) in self.literals.iter_mut().zip(table) {
            *count += more;
        }
    }

    /// Bytes that the segments stand for.
    #[cfg(test)]
    pub(super) fn byte_count(&self) -> usize {
        self.list
            .iter()
            .map(|segment| segment.literal_count as usize + usize::from(segment.copy_length))
            .sum()
    }
}

/// Symbol, extra bits and their count for a match of 3 to 258 bytes (RFC 1951 section 3.2.5).
#[inline(always)]
pub(super) fn length_symbol(length: usize) -> (usize, u64, u32) {
    let offset = length - MATCH_MIN;
    match offset {
        0..8 => (257 + offset, 0, 0),
        255 => (285, 0, 0),
        _ => {
            let extra_bit_count = offset.ilog2() - 2;
            let quarter = offset >> extra_bit_count; // 4 to 7: which of the four symbols with as many extra bits.
            let symbol = 257 + 4 * extra_bit_count as usize + quarter;
            (symbol, (offset & ((1 << extra_bit_count) - 1)) as u64, extra_bit_count)
        }
    }
}

/// Symbol, extra bits and their count for a distance of 1 to 32,768 (RFC 1951 section 3.2.5).
#[inline(always)]
pub(super) fn distance_symbol(distance: usize) -> (usize, u64, u32) {
    let offset = distance - 1;
    if offset < 4 {
        return (offset, 0, 0);
    }
    let extra_bit_count = offset.ilog2() - 1;
    let half = offset >> extra_bit_count; // 2 or 3: which of the two symbols with as many extra bits.
    (2 * extra_bit_count as usize + half, (offset & ((1 << extra_bit_count) - 1)) as u64, extra_bit_count)
}

/// Extra bits behind a symbol for a length.
pub(super) fn length_extra_bit_count(symbol: usize) -> u32 {
    if (265..285).contains(&symbol) { (symbol as u32 - 261) / 4 } else { 0 }
}

/// Extra bits behind a symbol for a distance.
pub(super) fn distance_extra_bit_count(symbol: usize) -> u32 {
    (symbol as u32 / 2).saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of the table in RFC 1951 section 3.2.5: length, symbol, extra bits, their count.
    #[test]
    fn lengths_have_the_symbols_of_the_standard() {
        let cases = [
            (3, (257, 0, 0)),
            (10, (264, 0, 0)),
            (11, (265, 0, 1)),
            (12, (265, 1, 1)),
            (18, (268, 1, 1)),
            (19, (269, 0, 2)),
            (66, (276, 7, 3)),
            (130, (280, 15, 4)),
            (131, (281, 0, 5)),
            (257, (284, 30, 5)),
            (258, (285, 0, 0)),
        ];
        for (length, expected) in cases {
            assert_eq!(length_symbol(length), expected, "length {length}");
            assert_eq!(length_extra_bit_count(expected.0), expected.2, "length {length}");
        }
    }

    /// Rows of the table in RFC 1951 section 3.2.5: distance, symbol, extra bits, their count.
    #[test]
    fn distances_have_the_symbols_of_the_standard() {
        let cases = [
            (1, (0, 0, 0)),
            (4, (3, 0, 0)),
            (5, (4, 0, 1)),
            (6, (4, 1, 1)),
            (7, (5, 0, 1)),
            (9, (6, 0, 2)),
            (24, (8, 7, 3)),
            (257, (16, 0, 7)),
            (24_576, (28, 8191, 13)),
            (24_577, (29, 0, 13)),
            (32_768, (29, 8191, 13)),
        ];
        for (distance, expected) in cases {
            assert_eq!(distance_symbol(distance), expected, "distance {distance}");
            assert_eq!(distance_extra_bit_count(expected.0), expected.2, "distance {distance}");
        }
    }
}
