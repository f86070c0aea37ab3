//! Length-limited canonical Huffman codes (RFC 1951 section 3.2.2).

/// Room for the largest alphabet of deflate.
const SYMBOLS_MAX: usize = 288;

/// Code lengths for `counts`, none above `length_max` bits; 0 for a symbol that does not occur.
///
/// Moffat and Katajainen's in-place construction, then the tree is flattened until no code is too long, which costs
/// next to nothing at the limits of deflate. A lone symbol gets one bit.
pub(super) fn code_lengths(counts: &[u32], length_max: usize, lengths: &mut [u8]) {
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

/// Canonical codes for `lengths`, bits reversed for the bit order of deflate, with the length from bit 16.
pub(super) fn codes(lengths: &[u8], codes: &mut [u32]) {
    let mut with_length = [0u32; 17];
    for &length in lengths {
        with_length[usize::from(length)] += 1;
    }
    with_length[0] = 0;
    let mut next = [0u32; 17];
    for length in 1..=16 {
        next[length] = (next[length - 1] + with_length[length - 1]) << 1;
    }
    for (code, &length) in codes.iter_mut().zip(lengths) {
        let count = u32::from(length);
        *code = if count == 0 {
            0
        } else {
            next[usize::from(length)].reverse_bits() >> (32 - count) | count << 16
        };
        next[usize::from(length)] += 1;
    }
}
