//! Bits to bytes, least significant first (RFC 1951 section 3.1.1).

/// Appends bits to a byte vector through a 64-bit accumulator.
pub(super) struct BitWriter<'a> {
    out: &'a mut Vec<u8>,
    pending: u64,
    pending_count: u32,
}

impl<'a> BitWriter<'a> {
    /// Starts at a byte boundary behind what `out` holds.
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, pending: 0, pending_count: 0 }
    }

    /// Appends the low `count` bits, at most 32; those above must be 0.
    pub(super) fn push(&mut self, bits: u32, count: u32) {
        self.pending |= u64::from(bits) << self.pending_count;
        self.pending_count += count;
        if self.pending_count >= 32 {
            self.out.extend_from_slice(&self.pending.to_le_bytes()[..4]);
            self.pending >>= 32;
            self.pending_count -= 32;
        }
    }

    /// Fills up the last byte with zeros and appends whole bytes.
    pub(super) fn push_bytes(&mut self, bytes: &[u8]) {
        self.align();
        self.out.extend_from_slice(bytes);
    }

    /// Fills up the last byte with zeros.
    pub(super) fn align(&mut self) {
        let used = self.pending_count.div_ceil(8) as usize;
        self.out.extend_from_slice(&self.pending.to_le_bytes()[..used]);
        self.pending = 0;
        self.pending_count = 0;
    }

    /// Appends the codes of `literals`, each entry a code with its length in bits from bit 16.
    ///
    /// `bit_count` is the sum of their lengths, no code longer than 14: the room is made once, and a word is stored
    /// for every four codes.
    pub(super) fn push_literals(&mut self, literals: &[u8], codes: &[u32; 256], bit_count: usize) {
        let start = self.out.len();
        // Each store writes 8 bytes, of which the last may be empty.
        self.out.resize(start + bit_count / 8 + 16, 0);
        let room = &mut self.out[start..];
        let (mut pending, mut pending_count, mut at) = (self.pending, self.pending_count, 0);
        let mut flush = |pending: &mut u64, pending_count: &mut u32| {
            room[at..at + 8].copy_from_slice(&pending.to_le_bytes());
            let whole = *pending_count / 8;
            at += whole as usize;
            *pending >>= whole * 8;
            *pending_count &= 7;
        };
        flush(&mut pending, &mut pending_count);
        let (quads, rest) = literals.as_chunks::<4>();
        for quad in quads {
            let [a, b, c, d] = quad.map(|literal| codes[usize::from(literal)]);
            let (ab, ab_count) = joined(a, b);
            let (cd, cd_count) = joined(c, d);
            pending |= (ab | cd << ab_count) << pending_count;
            pending_count += ab_count + cd_count;
            flush(&mut pending, &mut pending_count);
        }
        for &literal in rest {
            let entry = codes[usize::from(literal)];
            pending |= u64::from(entry & 0xffff) << pending_count;
            pending_count += entry >> 16;
            flush(&mut pending, &mut pending_count);
        }
        let written = at;
        self.out.truncate(start + written);
        self.pending = pending;
        self.pending_count = pending_count;
    }
}

/// Two codes one behind the other, and their length in bits.
#[inline(always)]
fn joined(first: u32, second: u32) -> (u64, u32) {
    let first_count = first >> 16;
    (u64::from(first & 0xffff) | u64::from(second & 0xffff) << first_count, first_count + (second >> 16))
}
