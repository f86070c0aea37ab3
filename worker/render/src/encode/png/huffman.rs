//! Length-limited canonical Huffman codes (RFC 1951 section 3.2.2), and how a block says which it uses (3.2.7).

use super::bits::{BitWriter, Code, LiteralCodes, PUSH_BITS_MAX};
use super::segments::{
    DISTANCE_SYMBOLS, LITERAL_SYMBOLS, Segments, distance_extra_bit_count, length_extra_bit_count,
};

/// Longest code of a literal or length: four of them go into one push. Deflate would allow 15.
const CODE_BITS_MAX: usize = (PUSH_BITS_MAX / 4) as usize;
/// Longest code of the alphabet of code lengths.
const META_BITS_MAX: usize = 7;
/// Order in which the lengths of that alphabet are sent.
const META_ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// Room for the largest alphabet of deflate.
const SYMBOLS_MAX: usize = 288;

/// Code lengths for `counts`, none above `length_max` bits; 0 for a symbol that does not occur.
///
/// Moffat and Katajainen's in-place construction, then the tree is flattened until no code is too long, which costs
/// next to nothing at the limits of deflate. A lone symbol gets one bit.
fn code_lengths(counts: &[u32], length_max: usize, lengths: &mut [u8]) {
    lengths.fill(0);
    // Count above symbol in one word: a plain sort orders by count, and ties by symbol, so that it is deterministic.
    let mut order = [0u64; SYMBOLS_MAX];
    let mut used = 0;
    for (symbol, &count) in counts.iter().enumerate() {
        if count > 0 {
            order[used] = u64::from(count) << 16 | symbol as u64;
            used += 1;
        }
    }
    let order = &mut order[..used];
    order.sort_unstable();
    if let [only] = order {
        lengths[symbol_of(*only)] = 1;
        return;
    }
    if order.is_empty() {
        return;
    }
    let mut with_length = count_of_each_length(order);
    limit(&mut with_length, length_max);
    let mut rarest_first = order.iter();
    for length in (1..=length_max).rev() {
        for &symbol in rarest_first.by_ref().take(with_length[length]) {
            lengths[symbol_of(symbol)] = length as u8;
        }
    }
}

fn symbol_of(entry: u64) -> usize {
    (entry & 0xffff) as usize
}

/// How many symbols have codes of each length in the optimal tree, for at least two entries sorted by count.
fn count_of_each_length(order: &[u64]) -> [usize; SYMBOLS_MAX] {
    let n = order.len();
    // Holds weights, then parents, then depths of the inner nodes: Moffat and Katajainen (1995).
    let mut node = [0usize; SYMBOLS_MAX];
    for (weight, &entry) in node.iter_mut().zip(order) {
        *weight = (entry >> 16) as usize;
    }
    let (mut leaf, mut root) = (0, 0);
    for next in 0..n - 1 {
        let mut weight = 0;
        for _ in 0..2 {
            if leaf >= n || (root < next && node[root] < node[leaf]) {
                weight += node[root];
                node[root] = next;
                root += 1;
            } else {
                weight += node[leaf];
                leaf += 1;
            }
        }
        node[next] = weight;
    }
    node[n - 2] = 0;
    for inner in (0..n - 2).rev() {
        node[inner] = node[node[inner]] + 1;
    }
    let mut with_length = [0usize; SYMBOLS_MAX];
    let (mut available, mut inner) = (1usize, n - 1);
    let mut depth = 0;
    let mut left = n;
    while left > 0 {
        let mut inner_here = 0;
        while inner > 0 && node[inner - 1] == depth {
            inner -= 1;
            inner_here += 1;
        }
        let leaves = (available - inner_here).min(left);
        with_length[depth] = leaves;
        left -= leaves;
        available = 2 * inner_here;
        depth += 1;
    }
    with_length
}

/// Moves codes longer than `length_max` up and pays for them with the longest of the others (Kraft's sum stays 1).
fn limit(with_length: &mut [usize; SYMBOLS_MAX], length_max: usize) {
    let too_long: usize = with_length[length_max + 1..].iter().sum();
    if too_long == 0 {
        return;
    }
    with_length[length_max] += too_long;
    with_length[length_max + 1..].fill(0);
    let mut sum: usize = (1..=length_max).map(|length| with_length[length] << (length_max - length)).sum();
    while sum > 1 << length_max {
        with_length[length_max] -= 1;
        if let Some(length) = (1..length_max).rev().find(|&length| with_length[length] > 0) {
            with_length[length] -= 1;
            with_length[length + 1] += 2;
        }
        sum -= 1;
    }
}

/// The codes of one block and what its head says of them.
pub(super) struct BlockCode {
    /// Codes of literals, the end, and lengths.
    pub(super) symbols: [Code; LITERAL_SYMBOLS],
    /// The codes of literals again, in tables that a byte cannot miss.
    pub(super) literals: LiteralCodes,
    /// Codes of distances.
    pub(super) distances: [Code; DISTANCE_SYMBOLS],
    /// Highest symbol of each alphabet with a code, plus 1.
    used: (usize, usize),
    meta: MetaCode,
}

impl BlockCode {
    /// The best codes for the symbols of `segments`.
    pub(super) fn new(segments: &Segments) -> Self {
        let mut lengths = [0; LITERAL_SYMBOLS];
        code_lengths(&segments.literals, CODE_BITS_MAX, &mut lengths);
        let mut distance_lengths = [0; DISTANCE_SYMBOLS];
        code_lengths(&segments.distances, CODE_BITS_MAX, &mut distance_lengths);
        if segments.distances.iter().all(|&count| count == 0) {
            distance_lengths[0] = 1; // There must be one, used or not.
        }
        let symbols = canonical_codes(&lengths);
        let literals = LiteralCodes {
            bits: std::array::from_fn(|symbol| symbols[symbol].bits),
            counts: std::array::from_fn(|symbol| symbols[symbol].count),
        };
        let used = (used(&lengths), used(&distance_lengths));
        let meta = MetaCode::new(&[&lengths[..used.0], &distance_lengths[..used.1]].concat());
        Self { symbols, literals, distances: canonical_codes(&distance_lengths), used, meta }
    }

    /// Bits of a block of `segments`.
    pub(super) fn bit_count(&self, segments: &Segments) -> usize {
        let of_symbols = bits_of(&segments.literals, &self.symbols, length_extra_bit_count);
        let of_distances = bits_of(&segments.distances, &self.distances, distance_extra_bit_count);
        of_symbols + of_distances + self.meta.bit_count() + 17
    }

    /// Writes the code lengths, which is all a decoder needs to make the codes.
    pub(super) fn write_lengths(&self, bits: &mut BitWriter<'_>) {
        bits.push((self.used.0 - 257) as u64, 5);
        bits.push((self.used.1 - 1) as u64, 5);
        self.meta.write(bits);
    }
}

fn used(lengths: &[u8]) -> usize {
    lengths.iter().rposition(|&length| length > 0).map_or(0, |last| last + 1)
}

fn bits_of(counts: &[u32], codes: &[Code], extra_bit_count: impl Fn(usize) -> u32) -> usize {
    let each = counts.iter().zip(codes).enumerate();
    each.map(|(symbol, (&count, code))| {
        count as usize * (u32::from(code.count) + extra_bit_count(symbol)) as usize
    })
    .sum()
}

/// A run in the list of code lengths: symbol of the meta alphabet, extra bits, their count.
type MetaSymbol = (u8, u8, u8);

/// The list of code lengths, itself coded.
struct MetaCode {
    list: Vec<MetaSymbol>,
    lengths: [u8; 19],
    /// Lengths of this alphabet that are sent.
    sent: usize,
}

impl MetaCode {
    fn new(code_lengths_used: &[u8]) -> Self {
        let mut list = Vec::with_capacity(code_lengths_used.len());
        for run in code_lengths_used.chunk_by(|a, b| a == b) {
            push_run(run[0], run.len(), &mut list);
        }
        let mut counts = [0u32; 19];
        for &(symbol, ..) in &list {
            counts[usize::from(symbol)] += 1;
        }
        let mut lengths = [0u8; 19];
        code_lengths(&counts, META_BITS_MAX, &mut lengths);
        let sent = 1 + META_ORDER.iter().rposition(|&symbol| lengths[symbol] > 0).unwrap_or(0).max(3);
        Self { list, lengths, sent }
    }

    fn bit_count(&self) -> usize {
        let of_symbol =
            |&(symbol, _, extra): &MetaSymbol| usize::from(self.lengths[usize::from(symbol)] + extra);
        self.sent * 3 + self.list.iter().map(of_symbol).sum::<usize>()
    }

    fn write(&self, bits: &mut BitWriter<'_>) {
        bits.push((self.sent - 4) as u64, 4);
        for &symbol in &META_ORDER[..self.sent] {
            bits.push(u64::from(self.lengths[symbol]), 3);
        }
        let codes = canonical_codes(&self.lengths);
        for &(symbol, extra_bits, extra_bit_count) in &self.list {
            bits.push_code(codes[usize::from(symbol)]);
            bits.push(u64::from(extra_bits), u32::from(extra_bit_count));
        }
    }
}

/// Appends `count` times the code length `value`: 16 repeats the one before, 17 and 18 are zeros.
fn push_run(value: u8, count: usize, list: &mut Vec<MetaSymbol>) {
    let mut left = count;
    if value == 0 {
        while left >= 11 {
            let taken = left.min(138);
            list.push((18, (taken - 11) as u8, 7));
            left -= taken;
        }
        if left >= 3 {
            list.push((17, (left - 3) as u8, 3));
            left = 0;
        }
    } else {
        list.push((value, 0, 0));
        left -= 1;
        while left >= 3 {
            let taken = left.min(6);
            list.push((16, (taken - 3) as u8, 2));
            left -= taken;
        }
    }
    list.extend(std::iter::repeat_n((value, 0, 0), left));
}

/// Canonical codes for `lengths`, first bit lowest as deflate sends them.
fn canonical_codes<const SYMBOLS: usize>(lengths: &[u8; SYMBOLS]) -> [Code; SYMBOLS] {
    let mut with_length = [0u32; 16];
    for &length in lengths {
        with_length[usize::from(length)] += 1;
    }
    with_length[0] = 0;
    let mut next = [0u32; 16];
    for length in 1..16 {
        next[length] = (next[length - 1] + with_length[length - 1]) << 1;
    }
    let mut codes = [Code::default(); SYMBOLS];
    for (code, &length) in codes.iter_mut().zip(lengths) {
        if length > 0 {
            let value = &mut next[usize::from(length)];
            *code = Code { bits: (value.reverse_bits() >> (32 - u32::from(length))) as u16, count: length };
            *value += 1;
        }
    }
    codes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts that grow like Fibonacci's numbers make the deepest tree there is.
    fn steep_counts<const SYMBOLS: usize>() -> [u32; SYMBOLS] {
        let (mut a, mut b) = (1u32, 1u32);
        std::array::from_fn(|_| {
            (a, b) = (b, a.saturating_add(b).min(50_000_000));
            a
        })
    }

    #[test]
    fn no_code_is_too_long_and_every_pattern_of_bits_is_one() {
        for length_max in [7, 9, 14] {
            let mut lengths = [0u8; 40];
            code_lengths(&steep_counts::<40>(), length_max, &mut lengths);
            assert!(lengths.iter().all(|&length| (1..=length_max as u8).contains(&length)));
            let taken: u32 = lengths.iter().map(|&length| 1 << (length_max - usize::from(length))).sum();
            assert_eq!(taken, 1 << length_max, "Kraft's sum is 1");
        }
    }

    #[test]
    fn the_rarer_symbol_never_has_the_shorter_code() {
        let counts = steep_counts::<40>();
        let mut lengths = [0u8; 40];
        code_lengths(&counts, 9, &mut lengths);
        assert!(lengths.is_sorted_by(|rare, frequent| rare >= frequent), "{lengths:?}");
    }

    /// The example of RFC 1951 section 3.2.2, codes written there first bit first.
    #[test]
    fn codes_are_those_of_the_standard() {
        let codes = canonical_codes(&[3, 3, 3, 3, 3, 2, 4, 4]).map(|code| (code.bits, code.count));
        let written = [0b010, 0b011, 0b100, 0b101, 0b110, 0b00, 0b1110, 0b1111u16];
        let expected = written.iter().zip([3, 3, 3, 3, 3, 2, 4, 4u8]);
        for ((bits, count), (&first_bit_first, length)) in codes.into_iter().zip(expected) {
            assert_eq!(count, length);
            assert_eq!(bits, first_bit_first.reverse_bits() >> (16 - u32::from(length)));
        }
    }

    #[test]
    fn a_lone_symbol_has_one_bit_and_none_have_none() {
        let mut lengths = [9u8; 3];
        code_lengths(&[0, 5, 0], 14, &mut lengths);
        assert_eq!(lengths, [0, 1, 0]);
        code_lengths(&[0, 0, 0], 14, &mut lengths);
        assert_eq!(lengths, [0, 0, 0]);
    }
}
