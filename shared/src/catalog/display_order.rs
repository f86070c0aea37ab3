//! The order in which viewers show the instances of a series. `docs/order.md` states it for users; its table is the
//! test of this module.

use std::{cmp::Ordering, collections::HashMap};

use super::order_facts::{OrderFacts, Plane};

/// Direction cosines that differ by no more are one orientation: what rounding of decimal strings leaves, and a
/// sixteenth of a degree.
const COSINE_TOLERANCE: f64 = 0.001;
/// Planes that lie no further apart along their normal, in mm, are at one position.
const POSITION_TOLERANCE_MM: f64 = 0.001;
/// Groups, from the newest, among which the one of an instance is looked for. Localizers have three; where each slice
/// is turned a little further, no group is worth a search among thousands.
const GROUPS_SEARCHED_MAX: usize = 64;

/// What decides the place of an instance in its series.
#[derive(Debug, Clone, Copy)]
pub(super) struct DisplayPlace<'a> {
    pub(super) facts: OrderFacts,
    pub(super) instance_number: Option<i32>,
    pub(super) sop_instance_uid: &'a str,
}

/// Sorts into display order, which depends on the items alone and not on the order they come in.
pub(super) fn sort<T>(items: &mut Vec<T>, place: impl Fn(&T) -> DisplayPlace<'_>) {
    let order = {
        let mut places: Vec<Entry<'_>> = items.iter().map(&place).enumerate().map(Entry::new).collect();
        places.sort_by(by_number);
        ordered(places).into_iter().map(|entry| entry.index).collect::<Vec<usize>>()
    };
    let mut taken: Vec<Option<T>> = items.drain(..).map(Some).collect();
    items.extend(order.into_iter().filter_map(|index| taken[index].take()));
}

/// An item on its way to its place.
#[derive(Clone, Copy)]
struct Entry<'a> {
    index: usize,
    place: DisplayPlace<'a>,
    /// Along the normal of its group, in mm.
    position: f64,
    /// Number of its position in the group; equal for items that lie at one position.
    position_rank: usize,
}

impl<'a> Entry<'a> {
    fn new((index, place): (usize, DisplayPlace<'a>)) -> Self {
        Self { index, place, position: 0.0, position_rank: 0 }
    }
}

/// Entries, sorted by number, as groups of one orientation each, one after the other: by the smallest number in each.
fn ordered(entries: Vec<Entry<'_>>) -> Vec<Entry<'_>> {
    let mut groups = grouped(entries);
    let orientations = groups.iter().filter(|group| group.plane.is_some()).count();
    let all_placed = groups.iter().all(|group| group.plane.is_some());
    if orientations <= 1 && !all_placed {
        // Planes and others in one list have no common scale but their numbers.
        let mut entries: Vec<Entry<'_>> = groups.into_iter().flat_map(|group| group.entries).collect();
        entries.sort_by(by_number);
        return entries;
    }
    groups.iter_mut().for_each(|group| group.lay_out(orientations > 1));
    groups.into_iter().flat_map(Group::in_order).collect()
}

/// Instances of one orientation, or those without a plane, sorted by number.
struct Group<'a> {
    plane: Option<Plane>,
    entries: Vec<Entry<'a>>,
}

/// The first entry of a group speaks for its orientation.
fn grouped(entries: Vec<Entry<'_>>) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for entry in entries {
        let plane = entry.place.facts.plane;
        let fits = |group: &&mut Group<'_>| match (&group.plane, &plane) {
            (Some(group), Some(plane)) => group.is_oriented_as(plane, COSINE_TOLERANCE),
            (None, None) => true,
            _ => false,
        };
        // From the end: neighbours by number mostly belong together.
        match groups.iter_mut().rev().take(GROUPS_SEARCHED_MAX).find(fits) {
            Some(group) => group.entries.push(entry),
            None => groups.push(Group { plane, entries: vec![entry] }),
        }
    }
    groups
}

impl<'a> Group<'a> {
    /// Finds each entry's place along the normal. With `as_numbered`, the direction is the one in which instance
    /// numbers rise.
    fn lay_out(&mut self, as_numbered: bool) {
        let Some(plane) = self.plane else { return };
        let normal = plane.normal();
        for entry in &mut self.entries {
            entry.position = entry.place.facts.plane.map_or(0.0, |plane| plane.position_along(normal));
        }
        if as_numbered && falls_with_numbers(&self.entries) {
            self.entries.iter_mut().for_each(|entry| entry.position = -entry.position);
        }
        self.entries.sort_by(|left, right| left.position.total_cmp(&right.position));
        let (mut rank, mut start) = (0, f64::NEG_INFINITY);
        for (place, entry) in self.entries.iter_mut().enumerate() {
            if entry.position - start > POSITION_TOLERANCE_MM {
                rank += usize::from(place > 0);
                start = entry.position;
            }
            entry.position_rank = rank;
        }
    }

    fn in_order(self) -> Vec<Entry<'a>> {
        match self.plane {
            Some(_) => phase_after_phase(self.entries, &PHASE_KEYS),
            None => self.entries,
        }
    }
}

/// Whether positions fall where instance numbers rise: the sign of their covariance.
fn falls_with_numbers(entries: &[Entry<'_>]) -> bool {
    let numbered: Vec<(f64, f64)> = entries
        .iter()
        .filter_map(|entry| Some((f64::from(entry.place.instance_number?), entry.position)))
        .collect();
    let count = numbered.len().max(1) as f64;
    let mean_number = numbered.iter().map(|(number, _)| number).sum::<f64>() / count;
    let mean_position = numbered.iter().map(|(_, position)| position).sum::<f64>() / count;
    let covariance = |(number, position): &(f64, f64)| (number - mean_number) * (position - mean_position);
    numbered.iter().map(covariance).sum::<f64>() < 0.0
}

/// Reads what may tell one time point from another.
type PhaseKey = fn(&OrderFacts) -> Option<f64>;

/// The first that is there for all and differs at some position tells phases; the others tell phases within these.
const PHASE_KEYS: [PhaseKey; 3] = [
    |facts| facts.temporal_position.map(f64::from),
    |facts| facts.trigger_time,
    |facts| facts.acquisition_number.map(f64::from),
];

/// Stack after stack where several instances lie at one position and a key tells them apart, else one stack.
fn phase_after_phase<'a>(mut entries: Vec<Entry<'a>>, keys: &[PhaseKey]) -> Vec<Entry<'a>> {
    entries.sort_by(|left, right| left.position_rank.cmp(&right.position_rank).then(by_number(left, right)));
    let is_one_stack = entries.windows(2).all(|pair| pair[0].position_rank != pair[1].position_rank);
    let Some((key, other_keys)) = keys.split_first().filter(|_| !is_one_stack) else { return entries };
    match phases(&entries, *key) {
        None => phase_after_phase(entries, other_keys),
        Some(phase_of) => {
            let mut stacks: Vec<Vec<Entry<'a>>> = Vec::new();
            stacks.resize_with(phase_of.iter().max().map_or(0, |last| last + 1), Vec::new);
            for (entry, phase) in entries.into_iter().zip(phase_of) {
                stacks[phase].push(entry);
            }
            stacks.into_iter().flat_map(|stack| phase_after_phase(stack, other_keys)).collect()
        }
    }
}

/// The phase of each entry, counted from 0; `None` when `key` does not tell phases. `entries` are sorted by position.
///
/// Where positions share their values (temporal positions, acquisitions), each value is a phase. Where every position
/// has values of its own (trigger times of a gated slice), the first value of each position is the first phase.
fn phases(entries: &[Entry<'_>], key: PhaseKey) -> Option<Vec<usize>> {
    let values: Vec<f64> =
        entries.iter().map(|entry| key(&entry.place.facts)).collect::<Option<Vec<f64>>>()?;
    let all = distinct(&values);
    let mut at_position: HashMap<usize, Vec<f64>> = HashMap::new();
    for (entry, value) in entries.iter().zip(&values) {
        at_position.entry(entry.position_rank).or_default().push(*value);
    }
    at_position.values_mut().for_each(|values| *values = distinct(values));
    let most = at_position.values().map(Vec::len).max().unwrap_or(0);
    if most < 2 {
        return None;
    }
    let phase = |(entry, value): (&Entry<'_>, &f64)| {
        let values = if all.len() == most { &all } else { &at_position[&entry.position_rank] };
        values.partition_point(|other| other < value)
    };
    Some(entries.iter().zip(&values).map(phase).collect())
}

/// Sorted, each value once.
fn distinct(values: &[f64]) -> Vec<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values.dedup();
    values
}

/// By instance number, then by slice location, then by acquisition number, absent ones last; then by UID.
fn by_number(left: &Entry<'_>, right: &Entry<'_>) -> Ordering {
    let (left, right) = (&left.place, &right.place);
    absent_last(left.instance_number.as_ref(), right.instance_number.as_ref(), Ord::cmp)
        .then_with(|| {
            let (left, right) = (left.facts.slice_location, right.facts.slice_location);
            absent_last(left.as_ref(), right.as_ref(), f64::total_cmp)
        })
        .then_with(|| {
            let (left, right) = (left.facts.acquisition_number, right.facts.acquisition_number);
            absent_last(left.as_ref(), right.as_ref(), Ord::cmp)
        })
        .then_with(|| left.sop_instance_uid.cmp(right.sop_instance_uid))
}

/// Smaller ones first, absent ones last.
fn absent_last<T>(left: Option<&T>, right: Option<&T>, compare: impl Fn(&T, &T) -> Ordering) -> Ordering {
    match (left, right) {
        (Some(left), Some(right)) => compare(left, right),
        (left, right) => left.is_none().cmp(&right.is_none()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AXIAL: [f64; 6] = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];
    const CORONAL: [f64; 6] = [1.0, 0.0, 0.0, 0.0, 0.0, -1.0];
    /// Its normal points to the right: positions fall where x rises.
    const SAGITTAL: [f64; 6] = [0.0, 1.0, 0.0, 0.0, 0.0, -1.0];
    /// Rows of a gantry that is tilted by 15 degrees.
    const TILTED: [f64; 6] = [1.0, 0.0, 0.0, 0.0, 0.965_926, 0.258_819];

    #[derive(Clone, Default)]
    struct Item {
        facts: OrderFacts,
        number: Option<i32>,
        uid: String,
    }

    fn number(number: i32) -> Item {
        Item { number: Some(number), uid: number.to_string(), ..Item::default() }
    }

    fn unnumbered(uid: &str) -> Item {
        Item { uid: uid.to_owned(), ..Item::default() }
    }

    impl Item {
        fn at(mut self, orientation: [f64; 6], position: [f64; 3]) -> Self {
            self.facts.plane = Plane::new(position, orientation);
            self
        }

        fn axial(self, z: f64) -> Self {
            self.at(AXIAL, [-100.0, -100.0, z])
        }

        fn uid(mut self, uid: &str) -> Self {
            uid.clone_into(&mut self.uid);
            self
        }

        fn temporal(mut self, position: i32) -> Self {
            self.facts.temporal_position = Some(position);
            self
        }

        fn trigger(mut self, milliseconds: f64) -> Self {
            self.facts.trigger_time = Some(milliseconds);
            self
        }

        fn acquisition(mut self, number: i32) -> Self {
            self.facts.acquisition_number = Some(number);
            self
        }

        fn location(mut self, millimetres: f64) -> Self {
            self.facts.slice_location = Some(millimetres);
            self
        }
    }

    /// UIDs in display order, whatever order the items come in.
    fn sorted(items: Vec<Item>) -> String {
        let place = |item: &Item| (item.facts, item.number, item.uid.clone());
        let order = |mut items: Vec<Item>| {
            sort(&mut items, |item| DisplayPlace {
                facts: item.facts,
                instance_number: item.number,
                sop_instance_uid: &item.uid,
            });
            items
        };
        let mut reversed = items.clone();
        reversed.reverse();
        let mut turned = items.clone();
        turned.rotate_left(items.len() / 2);
        let first = order(items);
        for other in [order(reversed), order(turned)] {
            assert!(first.iter().map(place).eq(other.iter().map(place)), "the order of arrival shows");
        }
        first.into_iter().map(|item| item.uid).collect::<Vec<_>>().join(" ")
    }

    fn localizer() -> Vec<Item> {
        let planes = [
            (AXIAL, [[0.0, 0.0, 0.0], [0.0, 0.0, 20.0], [0.0, 0.0, 40.0]]),
            (SAGITTAL, [[0.0, 0.0, 0.0], [20.0, 0.0, 0.0], [40.0, 0.0, 0.0]]),
            (CORONAL, [[0.0, 0.0, 0.0], [0.0, 20.0, 0.0], [0.0, 40.0, 0.0]]),
        ];
        let placed =
            planes.iter().flat_map(|(plane, positions)| positions.map(|position| (*plane, position)));
        (1..).zip(placed).map(|(n, (plane, position))| number(n).at(plane, position)).collect()
    }

    /// Two stacks of discs, both numbered on, the second tilted.
    fn concatenated() -> Vec<Item> {
        let first = (1..=3).map(|n| number(n).axial(f64::from(n) * 4.0));
        let second = (4..=6).map(|n| number(n).at(TILTED, [-100.0, -100.0, f64::from(n - 3) * 4.0 + 1.0]));
        first.chain(second).collect()
    }

    /// `phases` times over three positions, numbered position by position.
    fn phases(phases: i32, with: impl Fn(Item, i32, i32) -> Item) -> Vec<Item> {
        let item = |position: i32, phase: i32| {
            let item = number(position * phases + phase).axial(f64::from(position) * 5.0);
            with(item.uid(&format!("{position}.{phase}")), position, phase)
        };
        (0..3)
            .flat_map(|position| (0..phases).map(move |phase| (position, phase)))
            .map(|(position, phase)| item(position, phase))
            .collect()
    }

    /// The table of `docs/order.md`, a row or more for each of its rules.
    #[test]
    fn a_series_is_shown_in_the_order_that_the_documentation_states() {
        const STACK_AFTER_STACK: &str = "0.0 1.0 2.0 0.1 1.1 2.1";
        let cases: Vec<(&str, Vec<Item>, &str)> = vec![
            (
                "one orientation: along the normal, against the numbers too",
                (1..=4).map(|n| number(n).axial(f64::from(-n))).collect(),
                "4 3 2 1",
            ),
            (
                "a normal that points to the right",
                (1..=3).map(|n| number(n).at(SAGITTAL, [f64::from(n), 0.0, 0.0])).collect(),
                "3 2 1",
            ),
            (
                "a tilted gantry: along its own normal",
                (1..=3).map(|n| number(n).at(TILTED, [0.0, 50.0 - f64::from(n), f64::from(n)])).collect(),
                "1 2 3",
            ),
            ("several orientations: one after the other", localizer(), "1 2 3 4 5 6 7 8 9"),
            (
                "several orientations, acquired in turns: the planes still stay together",
                vec![
                    number(1).at(CORONAL, [0.0, 9.0, 0.0]),
                    number(2).axial(3.0),
                    number(3).at(CORONAL, [0.0, 12.0, 0.0]),
                    number(4).axial(6.0),
                ],
                "1 3 2 4",
            ),
            ("concatenated stacks", concatenated(), "1 2 3 4 5 6"),
            (
                "cosines that differ by rounding are one orientation",
                (1..=4)
                    .map(|n| {
                        let mut orientation = AXIAL;
                        orientation[1] = f64::from(n % 2) * 0.0004;
                        number(n).at(orientation, [-200.0, -200.0, f64::from(-n)])
                    })
                    .collect(),
                "4 3 2 1",
            ),
            (
                "an instance without a plane among planes of one orientation: all by number",
                vec![number(2).axial(10.0), number(3).axial(-10.0), number(1)],
                "1 2 3",
            ),
            (
                "instances without a plane among several orientations: a group of their own",
                [vec![number(10), number(0)], localizer()].concat(),
                "0 10 1 2 3 4 5 6 7 8 9",
            ),
            (
                "temporal positions: phase after phase",
                phases(2, |item, _, phase| item.temporal(phase + 1)),
                STACK_AFTER_STACK,
            ),
            (
                "trigger times that the positions share",
                phases(2, |item, _, phase| item.trigger(f64::from(phase) * 40.0)),
                STACK_AFTER_STACK,
            ),
            (
                "trigger times of each position's own heart beats",
                phases(2, |item, position, phase| {
                    item.trigger(f64::from(phase) * 40.0 + f64::from(position) * 1.5)
                }),
                STACK_AFTER_STACK,
            ),
            (
                "acquisition numbers",
                phases(2, |item, _, phase| item.acquisition(7 - phase)),
                "0.1 1.1 2.1 0.0 1.0 2.0",
            ),
            (
                "a temporal position that is the same everywhere leaves it to the acquisition",
                phases(2, |item, _, phase| item.temporal(1).acquisition(phase)),
                STACK_AFTER_STACK,
            ),
            (
                "a key that one instance lacks tells nothing",
                phases(2, |item, position, phase| {
                    let item = item.acquisition(phase);
                    if position == 0 { item } else { item.temporal(2 - phase) }
                }),
                STACK_AFTER_STACK,
            ),
            (
                "acquisitions within temporal positions",
                phases(4, |item, _, phase| item.temporal(phase % 2).acquisition(phase / 2)),
                "0.0 1.0 2.0 0.2 1.2 2.2 0.1 1.1 2.1 0.3 1.3 2.3",
            ),
            (
                "a slice that a phase lacks",
                phases(3, |item, _, phase| item.temporal(phase))
                    .into_iter()
                    .filter(|item| item.uid != "1.0")
                    .collect(),
                "0.0 2.0 0.1 1.1 2.1 0.2 1.2 2.2",
            ),
            (
                "acquisition numbers of a stack without repetition split nothing",
                (1..=3).map(|n| number(n).axial(f64::from(n)).acquisition(-n)).collect(),
                "1 2 3",
            ),
            (
                "several at one position and nothing that tells: by position, then number",
                phases(2, |item, _, _| item),
                "0.0 0.1 1.0 1.1 2.0 2.1",
            ),
            (
                "no planes: by number, absent ones last, then UID",
                vec![unnumbered("z"), unnumbered("y"), number(7), number(-1)],
                "-1 7 y z",
            ),
            (
                "equal numbers without planes: by slice location, absent ones last",
                vec![
                    number(1).uid("a").location(10.0),
                    number(1).uid("b").location(-2.5),
                    number(1).uid("c"),
                    number(1).uid("d").location(3.0),
                    number(0).uid("e").location(99.0),
                ],
                "e b d a c",
            ),
            (
                "no numbers at all: by slice location",
                vec![unnumbered("a").location(3.0), unnumbered("b").location(1.0)],
                "b a",
            ),
        ];
        for (name, items, expected) in cases {
            assert_eq!(sorted(items), expected, "{name}");
        }
    }

    #[test]
    fn a_series_where_every_slice_is_turned_is_sorted_in_bounded_time() {
        let turned = |n: i32| {
            let angle = f64::from(n) * 0.01;
            number(n).at([angle.cos(), angle.sin(), 0.0, 0.0, 0.0, -1.0], [0.0; 3])
        };
        let mut items: Vec<Item> = (0..20_000).rev().map(turned).collect();
        let start = std::time::Instant::now();
        sort(&mut items, |item| DisplayPlace {
            facts: item.facts,
            instance_number: item.number,
            sop_instance_uid: &item.uid,
        });
        assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
        assert_eq!((items[0].number, items.len()), (Some(0), 20_000));
    }
}
