//! Bits to bytes, least significant first (RFC 1951 section 3.1.1).

/// A code and its length in bits.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Code {
    /// The bits, first lowest; none above `count`.
    pub(super) bits: u16,
    /// How many.
    pub(super) count: u8,
}

impl Code {
    /// The bits with those of a length or distance behind them, and how many they are together.
    #[inline(always)]
    pub(super) fn with_extra(self, extra_bits: u64, extra_bit_count: u32) -> (u64, u32) {
        let count = u32::from(self.count);
        (u64::from(self.bits) | extra_bits << (count & 63), count + extra_bit_count)
    }
}

/// The codes of the 256 literals. Apart, lengths load straight to where a shift wants them.
pub(super) struct LiteralCodes {
    pub(super) bits: [u16; 256],
    pub(super) counts: [u8; 256],
}

impl LiteralCodes {
    /// Four codes one behind the other, and their length in bits.
    ///
    /// Joined in pairs of pairs: no shift waits for more than one other.
    #[inline(always)]
    fn joined(&self, literals: [u8; 4]) -> (u64, u32) {
        let [a, b, c, d] = literals.map(|literal| u64::from(self.bits[usize::from(literal)]));
        let [a_count, b_count, c_count, d_count] =
            literals.map(|literal| u32::from(self.counts[usize::from(literal)]));
        let (ab, ab_count) = (a | b << (a_count & 63), a_count + b_count);
        let (cd, cd_count) = (c | d << (c_count & 63), c_count + d_count);
        (ab | cd << (ab_count & 63), ab_count + cd_count)
    }
}

/// Most bits of one [`BitWriter::push`]: with a begun byte they fit a 64-bit word.
pub(super) const PUSH_BITS_MAX: u32 = 56;

/// Less than a byte, left over where one block ends and the next begins.
#[derive(Clone, Copy, Default)]
pub(super) struct Begun {
    bits: u64,
    count: u32,
}

impl Begun {
    /// Joins `bits` to those begun and stores them at `at`. Gives the place behind the last whole byte.
    #[inline(always)]
    fn store(&mut self, bits: u64, count: u32, room: &mut [u8], at: usize) -> usize {
        let pending = self.bits | bits << (self.count & 63);
        let pending_count = self.count + count;
        room[at..][..8].copy_from_slice(&pending.to_le_bytes());
        *self = Self { bits: pending >> (pending_count & 56), count: pending_count & 7 };
        at + (pending_count / 8) as usize
    }
}

/// Fills a slice with bits. Every push stores a whole word, so the slice needs 8 bytes more than its bits.
pub(super) struct BitWriter<'a> {
    room: &'a mut [u8],
    at: usize,
    begun: Begun,
}

impl<'a> BitWriter<'a> {
    /// Starts at the front of `room` behind the bits of `begun`.
    pub(super) fn new(room: &'a mut [u8], begun: Begun) -> Self {
        Self { room, at: 0, begun }
    }

    /// Appends the low `count` bits, at most [`PUSH_BITS_MAX`]; those above must be 0.
    #[inline(always)]
    pub(super) fn push(&mut self, bits: u64, count: u32) {
        self.at = self.begun.store(bits, count, self.room, self.at);
    }

    /// Appends one code.
    #[inline(always)]
    pub(super) fn push_code(&mut self, code: Code) {
        self.push(u64::from(code.bits), u32::from(code.count));
    }

    /// Appends the code of each literal; none is longer than a quarter of [`PUSH_BITS_MAX`].
    #[inline(always)]
    pub(super) fn push_literals(&mut self, literals: &[u8], codes: &LiteralCodes) {
        // Kept in locals, which the compiler keeps in registers.
        let (mut at, mut begun) = (self.at, self.begun);
        let (groups, rest) = literals.as_chunks::<8>();
        for &[a, b, c, d, e, f, g, h] in groups {
            let (first, first_count) = codes.joined([a, b, c, d]);
            let (second, second_count) = codes.joined([e, f, g, h]);
            // Nearly always: the codes of a picture have four or five bits.
            if first_count + second_count <= PUSH_BITS_MAX {
                let bits = first | second << (first_count & 63);
                at = begun.store(bits, first_count + second_count, self.room, at);
            } else {
                at = begun.store(first, first_count, self.room, at);
                at = begun.store(second, second_count, self.room, at);
            }
        }
        for &literal in rest {
            let (bits, count) = (codes.bits[usize::from(literal)], codes.counts[usize::from(literal)]);
            at = begun.store(u64::from(bits), u32::from(count), self.room, at);
        }
        (self.at, self.begun) = (at, begun);
    }

    /// Fills up the last byte with zeros.
    pub(super) fn align(&mut self) {
        self.push(0, self.begun.count.wrapping_neg() & 7);
    }

    /// Appends whole bytes; only where [`BitWriter::align`] came before.
    pub(super) fn push_bytes(&mut self, bytes: &[u8]) {
        self.room[self.at..][..bytes.len()].copy_from_slice(bytes);
        self.at += bytes.len();
    }

    /// Whole bytes filled, and the bits left over.
    pub(super) fn finish(self) -> (usize, Begun) {
        (self.at, self.begun)
    }
}
