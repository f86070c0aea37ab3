//! Bits to bytes, least significant first (RFC 1951 section 3.1.1).

/// A code above its length in bits, which has the low byte: a shift takes its count from there without masking, and
/// added codes have the sum of their lengths there.
pub(super) type Code = u32;

/// `bits` as the code of `count` bits; those above must be 0.
pub(super) const fn code(bits: u32, count: u32) -> Code {
    bits << 8 | count
}

/// Length of a code, or sum of the lengths of added codes, below 64.
pub(super) const fn bit_count(code: Code) -> u32 {
    code & 63
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
        let pending = self.bits | bits << self.count;
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
        self.push(u64::from(code >> 8), bit_count(code));
    }

    /// Appends the code of each literal; none is longer than a quarter of [`PUSH_BITS_MAX`].
    #[inline(always)]
    pub(super) fn push_literals(&mut self, literals: &[u8], codes: &[Code; 256]) {
        // Kept in locals, which the compiler keeps in registers.
        let (mut at, mut begun) = (self.at, self.begun);
        let (quads, rest) = literals.as_chunks::<4>();
        for quad in quads {
            // Joined in pairs of pairs: the shifts of one quad need not wait for each other, nor for the quad before.
            let [a, b, c, d] = quad.map(|literal| codes[usize::from(literal)]);
            let bits = joined(a, b) | joined(c, d) << bit_count(a + b);
            at = begun.store(bits, bit_count(a + b + (c + d)), self.room, at);
        }
        for &literal in rest {
            let code = codes[usize::from(literal)];
            at = begun.store(u64::from(code >> 8), bit_count(code), self.room, at);
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

/// The bits of two codes, one behind the other.
#[inline(always)]
fn joined(first: Code, second: Code) -> u64 {
    u64::from(first >> 8) | u64::from(second >> 8) << bit_count(first)
}
