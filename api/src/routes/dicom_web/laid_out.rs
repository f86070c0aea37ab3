//! Where the parts of a body lie in it, so that some of its bytes can be sent without those that they stand behind.

use std::ops::Range;

use bytes::Bytes;

/// A part, with what stands before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place<T> {
    pub(super) part: T,
    /// Whether no part stands before it.
    pub(super) is_first: bool,
    /// Where it begins, in bytes of the body; 0 where that is not known.
    pub(super) offset: u64,
}

/// A body.
#[derive(Debug)]
pub(super) struct LaidOut<T> {
    pub(super) places: Vec<Place<T>>,
    /// How long it is, without what ends it; `None` where that is not known before it is read.
    pub(super) byte_count: Option<u64>,
}

impl<T: Copy> LaidOut<T> {
    /// Of parts whose lengths are not known.
    pub(super) fn of_any(parts: &[T]) -> Self {
        let place = |(place, part): (usize, &T)| Place { part: *part, is_first: place == 0, offset: 0 };
        Self { places: parts.iter().enumerate().map(place).collect(), byte_count: None }
    }

    /// Of parts that are so long, with what stands before them.
    pub(super) fn of_lengths(parts: &[T], lengths: impl Iterator<Item = u64>) -> Self {
        let (mut laid_out, mut end) = (Self::of_any(parts), 0);
        for (place, length) in laid_out.places.iter_mut().zip(lengths) {
            place.offset = end;
            end += length;
        }
        laid_out.byte_count = Some(end);
        laid_out
    }

    /// The places that have some of these bytes; all, where it is not known.
    pub(super) fn within(&self, range: &Range<u64>) -> Vec<Place<T>> {
        let Some(byte_count) = self.byte_count else { return self.places.clone() };
        let ends = self.places.iter().skip(1).map(|place| place.offset).chain([byte_count]);
        let with_ends = self.places.iter().zip(ends);
        let within = with_ends.filter(|(place, end)| place.offset.max(range.start) < range.end.min(*end));
        within.map(|(place, _)| *place).collect()
    }
}

/// Those of `bytes`, which begin at `offset`, that are within `range`.
pub(super) fn cut(bytes: &Bytes, offset: u64, range: &Range<u64>) -> Bytes {
    let place = |at: u64| {
        let within = usize::try_from(at.saturating_sub(offset)).unwrap_or(usize::MAX);
        within.min(bytes.len())
    };
    bytes.slice(place(range.start)..place(range.end.max(range.start)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_have_none_of_the_bytes_are_left_out() {
        let body = LaidOut::of_lengths(&['a', 'b', 'c'], [10, 0, 5].into_iter());
        assert_eq!(body.byte_count, Some(15));
        let within = |range| body.within(&range).iter().map(|place| place.part).collect::<String>();
        for (range, expected) in [(0..15, "ac"), (0..10, "a"), (9..11, "ac"), (10..11, "c"), (15..17, "")] {
            assert_eq!(within(range.clone()), expected, "{range:?}");
        }
        assert_eq!(body.within(&(0..1))[0], Place { part: 'a', is_first: true, offset: 0 });
        assert_eq!(body.within(&(12..13))[0], Place { part: 'c', is_first: false, offset: 10 });
        assert_eq!(LaidOut::of_any(&['a', 'b']).within(&(50..60)).len(), 2, "they may be any length");
    }

    #[test]
    fn bytes_are_cut_at_both_ends() {
        let bytes = Bytes::from_static(b"abcdef");
        for (range, expected) in
            [(0..100, "abcdef"), (10..16, "abcdef"), (12..14, "cd"), (0..10, ""), (16..20, ""), (15..15, "")]
        {
            assert_eq!(cut(&bytes, 10, &range), expected.as_bytes(), "{range:?}");
        }
    }
}
