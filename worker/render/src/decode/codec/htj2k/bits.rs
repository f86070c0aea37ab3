//! Bit streams of packet headers and of code blocks, each with its own way to keep clear of markers.

/// Bits of packet headers, most significant first; after 0xFF comes a stuffed zero (T.800 B.10.1).
pub(super) struct HeaderBits<'a> {
    bytes: &'a [u8],
    at: usize,
    byte: u8,
    left: u8,
}

impl<'a> HeaderBits<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at, byte: 0, left: 0 }
    }

    pub(super) fn bit(&mut self) -> Option<u32> {
        if self.left == 0 {
            self.left = if self.byte == 0xFF { 7 } else { 8 };
            self.byte = *self.bytes.get(self.at)?;
            self.at += 1;
        }
        self.left -= 1;
        Some(u32::from(self.byte >> self.left & 1))
    }

    pub(super) fn bits(&mut self, count: u32) -> Option<u32> {
        (0..count).try_fold(0_u32, |value, _| Some(value << 1 | self.bit()?))
    }

    /// Where the bytes after the header begin.
    pub(super) fn end(self) -> usize {
        self.at + usize::from(self.byte == 0xFF)
    }
}

/// Takes the stuffed bits out of bytes that are read forwards (T.814 7.1.2). What lies beyond the end reads as ones.
pub(super) fn unstuff_forwards(bytes: &[u8], out: &mut Vec<u8>) {
    out.clear();
    let (mut pending, mut count) = (0_u64, 0_u32);
    let mut after_ff = false;
    let byte_wise =
        |bytes: &[u8], pending: &mut u64, count: &mut u32, after: &mut bool, out: &mut Vec<u8>| {
            for &byte in bytes {
                *pending |= u64::from(byte) << *count;
                *count += 8 - u32::from(*after);
                *after = byte == 0xFF;
                if *count >= 8 {
                    out.push(*pending as u8);
                    *pending >>= 8;
                    *count -= 8;
                }
            }
        };
    let (chunks, rest) = bytes.as_chunks::<8>();
    for chunk in chunks {
        let word = u64::from_le_bytes(*chunk);
        if after_ff || has_ff(word) {
            byte_wise(chunk, &mut pending, &mut count, &mut after_ff, out);
        } else {
            out.extend_from_slice(&(pending | word << count).to_le_bytes());
            pending = (word >> 1) >> (63 - count);
        }
    }
    byte_wise(rest, &mut pending, &mut count, &mut after_ff, out);
    out.push((pending | u64::MAX << count) as u8);
    out.extend_from_slice(&[0xFF; 8]);
}

/// Whether any byte is 0xFF: its high bit is set, and one more than the others carries into it.
fn has_ff(word: u64) -> bool {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    ((word & !HIGH) + (HIGH >> 7)) & word & HIGH != 0
}

/// Takes the stuffed bits out of bytes that are read backwards from the last but one, whose low half is no part of
/// them (T.814 7.1.4). What lies beyond the end reads as zeros.
pub(super) fn unstuff_backwards(bytes: &[u8], out: &mut Vec<u8>) {
    out.clear();
    let Some((&[first, _], rest)) = bytes.split_last_chunk::<2>().map(|(rest, last)| (last, rest)) else {
        return;
    };
    let mut pending = u64::from(first >> 4);
    let mut count = 4 - u32::from(pending & 7 == 7);
    let mut stuffs = first | 0xF > 0x8F;
    for &byte in rest.iter().rev() {
        pending |= u64::from(byte) << count;
        count += 8 - u32::from(stuffs && byte & 0x7F == 0x7F);
        stuffs = byte > 0x8F;
        if count >= 8 {
            out.push(pending as u8);
            pending >>= 8;
            count -= 8;
        }
    }
    out.extend_from_slice(&pending.to_le_bytes());
    out.extend_from_slice(&[0; 8]);
}

/// At least 57 bits from bit `at` on, the first the least significant; `beyond` after the end.
#[inline]
pub(super) fn word_at(bytes: &[u8], at: usize, beyond: u64) -> u64 {
    match bytes.get(at >> 3..).and_then(|rest| rest.first_chunk::<8>()) {
        Some(chunk) => u64::from_le_bytes(*chunk) >> (at & 7),
        None => beyond,
    }
}

/// Runs of the adaptive run-length code that tells empty quads (T.814 7.3.3).
pub(super) struct Runs<'a> {
    bytes: &'a [u8],
    at: usize,
    pending: u64,
    count: u32,
    after_ff: bool,
    state: usize,
    /// A stuffed bit is set: decoders differ in what they make of it.
    pub(super) is_bad: bool,
    /// Twice the events left before the run ends, and one more when it ends with a hit.
    run: i32,
}

/// Bits of a run in each state.
const EXPONENTS: [u32; 13] = [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5];

impl<'a> Runs<'a> {
    /// `bytes` are those that the runs share with the variable-length code. `None` when they begin with a marker.
    pub(super) fn new(bytes: &'a [u8]) -> Option<Self> {
        let begin = &bytes[..bytes.len().saturating_sub(1).min(5)];
        if begin.windows(2).any(|pair| pair[0] == 0xFF && pair[1] > 0x8F) {
            return None;
        }
        let mut runs =
            Self { bytes, at: 0, pending: 0, count: 0, after_ff: false, state: 0, is_bad: false, run: 0 };
        runs.run = runs.next_run();
        Some(runs)
    }

    /// Whether the next event is a hit.
    #[inline]
    pub(super) fn event(&mut self) -> bool {
        self.run -= 2;
        let is_hit = self.run == -1;
        if self.run < 0 {
            self.run = self.next_run();
        }
        is_hit
    }

    fn next_run(&mut self) -> i32 {
        while self.count < 6 {
            self.fill();
        }
        let exponent = EXPONENTS[self.state];
        if self.pending >> (self.count - 1) & 1 == 1 {
            self.count -= 1;
            self.state = (self.state + 1).min(12);
            return ((1 << exponent) - 1) << 1;
        }
        self.count -= exponent + 1;
        self.state = self.state.saturating_sub(1);
        let length = (self.pending >> self.count) as i32 & ((1 << exponent) - 1);
        (length << 1) + 1
    }

    /// One more byte; the last belongs to the other code by half, and ones follow.
    fn fill(&mut self) {
        let last = self.bytes.len().saturating_sub(2);
        let byte = match self.at {
            at if at < last => self.bytes[at],
            at if at == last => self.bytes[at] | 0xF,
            _ => 0xFF,
        };
        self.at += 1;
        self.is_bad |= byte == 0xFF && self.at <= last && self.bytes[self.at] > 0x7F;
        let width = 8 - u32::from(self.after_ff);
        self.pending = self.pending << width | u64::from(byte);
        self.count += width;
        self.after_ff = byte == 0xFF;
    }
}
