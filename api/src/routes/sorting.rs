//! In which order the series of a study and the images of a series are listed. Both lists are there as a whole, so that it
//! is a matter of this process; studies are sorted by the catalog.
//!
//! What is absent comes last, whichever way; what is equal stays in the order of the whole list.

use std::{cmp::Ordering, str::FromStr};

use noctis_shared::answer::{Image, Series};

use crate::{problem::Problem, query::Query};

/// A sort of a list.
pub(super) trait Sort: Copy + 'static {
    /// What is listed.
    type Entry;
    /// Every sort by its name; the first is that of the whole list.
    const ALL: &'static [(&'static str, Self)];

    /// Whether each of two entries has something to go by, and how they stand to each other if so.
    fn compare(self, left: &Self::Entry, right: &Self::Entry) -> ([bool; 2], Ordering);
}

/// A sort, and its direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sorted<S> {
    by: S,
    descending: bool,
}

impl<S: Sort> Sorted<S> {
    /// The order that `sort=` asks for; `None` without it.
    ///
    /// # Errors
    /// A problem for a name of no sort.
    pub(super) fn take(query: &mut Query<'_>) -> Result<Option<Self>, Problem> {
        let names: Vec<&str> = S::ALL.iter().map(|(name, _)| *name).collect();
        let takes = format!("one of {}, with - before it to descend", names.join(", "));
        query.take_value("sort", &takes, |_: &Self| true)
    }

    /// Sorts a list that comes in the order of the first sort.
    pub(super) fn apply(self, entries: &mut [S::Entry]) {
        entries.sort_by(|left, right| {
            let (present, ordering) = self.by.compare(left, right);
            match present {
                [true, true] if self.descending => ordering.reverse(),
                [true, true] => ordering,
                [left, right] => right.cmp(&left),
            }
        });
    }
}

impl<S: Sort> FromStr for Sorted<S> {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (name, descending) = text.strip_prefix('-').map_or((text, false), |name| (name, true));
        let by = S::ALL.iter().find(|(known, _)| *known == name).ok_or(())?.1;
        Ok(Self { by, descending })
    }
}

/// What the series of a study are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SeriesSort {
    Number,
    Description,
    Modality,
    Images,
}

impl Sort for SeriesSort {
    type Entry = Series;
    const ALL: &'static [(&'static str, Self)] = &[
        ("number", Self::Number),
        ("description", Self::Description),
        ("modality", Self::Modality),
        ("images", Self::Images),
    ];

    fn compare(self, left: &Series, right: &Series) -> ([bool; 2], Ordering) {
        match self {
            Self::Number => by(left, right, |series| series.facts.series_number),
            Self::Description => by(left, right, |series| {
                series.facts.series_description.as_ref().map(|text| text.to_lowercase())
            }),
            Self::Modality => by(left, right, |series| series.facts.modality.clone()),
            Self::Images => by(left, right, |series| Some(series.image_count)),
        }
    }
}

/// What the images of a series are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ImageSort {
    /// Display order, which the whole list has.
    Position,
    Number,
    Uid,
}

impl Sort for ImageSort {
    type Entry = Image;
    const ALL: &'static [(&'static str, Self)] =
        &[("position", Self::Position), ("number", Self::Number), ("uid", Self::Uid)];

    fn compare(self, left: &Image, right: &Image) -> ([bool; 2], Ordering) {
        match self {
            Self::Position => ([true, true], Ordering::Equal),
            Self::Number => by(left, right, |image| image.instance_number),
            Self::Uid => by(left, right, |image| Some(image.sop_instance_uid.clone())),
        }
    }
}

fn by<T, K: Ord>(left: &T, right: &T, key: impl Fn(&T) -> Option<K>) -> ([bool; 2], Ordering) {
    let (left, right) = (key(left), key(right));
    ([left.is_some(), right.is_some()], left.cmp(&right))
}

impl Sorted<ImageSort> {
    /// Whether the list is only to be turned round.
    pub(super) fn is_reversed_position(self) -> bool {
        self.by == ImageSort::Position && self.descending
    }
}

#[cfg(test)]
mod tests {
    use noctis_shared::facts::SeriesFacts;
    use uuid::Uuid;

    use super::*;

    fn series(uid: &str, number: Option<i32>, description: Option<&str>) -> Series {
        Series {
            series_id: Uuid::nil(),
            series_instance_uid: uid.to_owned(),
            study_id: Uuid::nil(),
            facts: SeriesFacts {
                series_number: number,
                series_description: description.map(str::to_owned),
                ..SeriesFacts::default()
            },
            image_count: uid.len() as u32,
        }
    }

    #[test]
    fn absent_values_come_last_whichever_way() {
        let list =
            [series("1", Some(2), Some("b")), series("22", Some(3), None), series("333", None, Some("A"))];
        let cases = [
            ("number", ["1", "22", "333"]),
            ("-number", ["22", "1", "333"]),
            ("description", ["333", "1", "22"]),
            ("-description", ["1", "333", "22"]),
            ("modality", ["1", "22", "333"]),
            ("-images", ["333", "22", "1"]),
        ];
        for (sort, expected) in cases {
            let mut sorted = list.to_vec();
            sort.parse::<Sorted<SeriesSort>>().expect(sort).apply(&mut sorted);
            let uids: Vec<_> = sorted.iter().map(|series| series.series_instance_uid.as_str()).collect();
            assert_eq!(uids, expected, "{sort}");
        }
        for wrong in ["", "-", "name", "Number", "--number"] {
            assert!(wrong.parse::<Sorted<SeriesSort>>().is_err(), "{wrong}");
        }
    }
}
