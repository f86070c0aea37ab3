//! The order in which viewers show the instances of a series.

use std::cmp::Ordering;

/// What decides the place of an instance in its series.
pub(super) struct DisplayPlace<'a> {
    /// Along the slice normal, in mm.
    pub(super) slice_position: Option<f64>,
    pub(super) instance_number: Option<i32>,
    pub(super) sop_instance_uid: &'a str,
}

/// Sorts along the slice normal if every item has a position, else by instance number; then by UID.
///
/// One instance without geometry takes the whole series to instance numbers: two scales in one list have no order.
pub(super) fn sort<T>(items: &mut [T], place: impl Fn(&T) -> DisplayPlace<'_>) {
    let all_placed = items.iter().all(|item| place(item).slice_position.is_some());
    items.sort_by(|left, right| {
        let (left, right) = (place(left), place(right));
        let along_normal = if all_placed { by_position(&left, &right) } else { Ordering::Equal };
        along_normal
            .then_with(|| absent_last(left.instance_number, right.instance_number))
            .then_with(|| left.sop_instance_uid.cmp(right.sop_instance_uid))
    });
}

fn by_position(left: &DisplayPlace<'_>, right: &DisplayPlace<'_>) -> Ordering {
    let position = |place: &DisplayPlace<'_>| place.slice_position.unwrap_or_default();
    position(left).total_cmp(&position(right))
}

/// Smaller numbers first, absent ones last.
pub(super) fn absent_last(left: Option<i32>, right: Option<i32>) -> Ordering {
    (left.is_none(), left).cmp(&(right.is_none(), right))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Item = (Option<f64>, Option<i32>, &'static str);

    fn sorted(mut items: Vec<Item>) -> Vec<&'static str> {
        sort(&mut items, |(position, number, uid)| DisplayPlace {
            slice_position: *position,
            instance_number: *number,
            sop_instance_uid: uid,
        });
        items.into_iter().map(|(_, _, uid)| uid).collect()
    }

    #[test]
    fn the_slice_position_leads_and_ties_go_by_number_then_uid() {
        let items = vec![
            (Some(5.0), Some(1), "a"),
            (Some(-5.0), Some(9), "b"),
            (Some(0.0), Some(3), "d"),
            (Some(0.0), Some(2), "e"),
            (Some(0.0), Some(3), "c"),
        ];
        assert_eq!(sorted(items), ["b", "e", "c", "d", "a"]);
    }

    #[test]
    fn one_instance_without_geometry_takes_the_series_to_instance_numbers() {
        let items = vec![(Some(5.0), Some(1), "a"), (Some(-5.0), Some(2), "b"), (None, Some(0), "c")];
        assert_eq!(sorted(items), ["c", "a", "b"]);
    }

    #[test]
    fn instances_without_a_number_come_last_by_uid() {
        let items = vec![(None, None, "z"), (None, None, "y"), (None, Some(7), "x"), (None, Some(-1), "w")];
        assert_eq!(sorted(items), ["w", "x", "y", "z"]);
    }
}
