use noctis_shared::volume_plane::Projection;
use serde_json::json;
use uuid::Uuid;

use super::{slice::lies_of_frame, *};

const AXIAL: [Vector; 2] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]];
const SAGITTAL: [Vector; 2] = [[0.0, 1.0, 0.0], [0.0, 0.0, -1.0]];

fn slice_at(position: Vector, [row, column]: [Vector; 2]) -> Slice {
    Slice {
        image_id: Uuid::nil(),
        frame_number: 1,
        rows: 32,
        columns: 40,
        lies: Some(Lies { position, row, column, spacing: [1.5, 1.5] }),
        space: Some("1.2.3".to_owned()),
        unit: Some("HU".to_owned()),
        is_inverted: false,
        other_patient: None,
        read_of: None,
    }
}

/// Nine slices, the first at the feet, two and a half millimetres apart.
fn axial() -> Vec<Slice> {
    (0..9).map(|nth| slice_at([-30.0, -24.0, 10.0 + f64::from(nth) * 2.5], AXIAL)).collect()
}

fn cut(eye: Eye) -> Cut {
    Cut { eye, thickness: 0.0, projection: Projection::Mean, viewport: None }
}

fn assert_near(one: Vector, other: Vector) {
    assert!(length(minus(one, other)) < 1e-9, "{one:?} and {other:?}");
}

#[test]
fn slices_are_put_in_order_along_their_normal() {
    let mut slices = axial();
    slices.reverse();
    let volume = Volume::of(&slices).expect("a volume");
    assert_eq!(volume.origin, [-30.0, -24.0, 10.0]);
    assert_eq!(volume.reach, [[-0.5, 39.5], [-0.5, 31.5], [-1.25, 21.25]]);
    assert_eq!(volume.spacing, [1.5, 1.5, 2.5]);
    assert_eq!(volume.middle(), 4);
    assert_eq!((volume.placed[0].nth, volume.placed[8].nth), (8, 0));
}

#[test]
fn from_the_feet_an_axial_series_is_seen_as_it_was_made() {
    let volume = Volume::of(&axial()).expect("a volume");
    let seen = volume.depict(&cut(Eye::From(Side::Feet))).expect("a plane");
    assert_eq!((seen.plane.rows, seen.plane.columns, seen.plane.points), (32, 40, 1));
    assert_near(seen.plane.corner, [-0.5, -0.5, 10.0]);
    assert_near(seen.plane.to_right, [1.0, 0.0, 0.0]);
    assert_near(seen.plane.to_below, [0.0, 1.0, 0.0]);
    assert_eq!(seen.plane.through, [0.0; 3]);
    let touched: Vec<usize> = seen.touched.iter().map(|(nth, ..)| *nth).collect();
    assert_eq!(touched, [3, 4, 5], "the one in the middle, and those beside it");
}

#[test]
fn the_head_is_above_and_sides_are_where_the_one_who_looks_has_them() {
    let volume = Volume::of(&axial()).expect("a volume");
    let pixel = 1.5;
    for (side, right, columns) in [
        (Side::Anterior, [1.0, 0.0, 0.0], 40),
        (Side::Posterior, [-1.0, 0.0, 0.0], 40),
        (Side::Left, [0.0, 1.0, 0.0], 32),
        (Side::Right, [0.0, -1.0, 0.0], 32),
    ] {
        let seen = volume.depict(&cut(Eye::From(side))).expect("a plane");
        assert_near(seen.plane.to_right, right);
        assert_near(seen.plane.to_below, [0.0, 0.0, -pixel]);
        assert_eq!((seen.plane.rows, seen.plane.columns), (15, columns), "22.5 mm are 15 pixels: {side:?}");
        assert!((seen.plane.corner[2] - 21.25).abs() < 1e-9);
        assert_eq!(seen.touched.len(), 9);
    }
    let head = volume.depict(&cut(Eye::From(Side::Head))).expect("a plane");
    assert_near(head.plane.to_right, [-1.0, 0.0, 0.0]);
    assert_near(head.plane.to_below, [0.0, 1.0, 0.0]);
}

#[test]
fn a_viewpoint_in_the_patient_sees_what_the_side_sees() {
    for slices in
        [axial(), (0..9).map(|nth| slice_at([5.0 - f64::from(nth), -24.0, 60.0], SAGITTAL)).collect()]
    {
        let volume = Volume::of(&slices).expect("a volume");
        for (side, way, up) in [
            (Side::Anterior, [0.0, 1.0, 0.0], [0.0, 0.0, 2.0]),
            (Side::Left, [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]),
            (Side::Feet, [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]),
        ] {
            let seen = volume.depict(&cut(Eye::From(side))).expect("a plane");
            let at = {
                let place = seen.plane.corner;
                let way = (0..3).fold([0.0; 3], |way, axis| {
                    vector::plus(way, volume.axes[axis], place[axis] * volume.units[axis])
                });
                vector::plus(volume.origin, way, 1.0)
            };
            let placed = Eye::Placed { position: vector::plus(at, way, -100.0), at, up };
            let other = volume.depict(&cut(placed)).expect("a plane");
            assert_eq!((seen.plane.rows, seen.plane.columns), (other.plane.rows, other.plane.columns));
            for (one, other) in [
                (seen.plane.corner, other.plane.corner),
                (seen.plane.to_right, other.plane.to_right),
                (seen.plane.to_below, other.plane.to_below),
            ] {
                assert_near(one, other);
            }
        }
    }
}

#[test]
fn an_oblique_plane_shows_all_of_the_volume_that_lies_in_it() {
    let volume = Volume::of(&axial()).expect("a volume");
    let at = [0.0, 0.0, 20.0];
    let eye = Eye::Placed { position: [0.0, -1.0, 19.0], at, up: [0.0, -1.0, 1.0] };
    let seen = volume.depict(&cut(eye)).expect("a plane");
    assert_eq!(seen.plane.columns, 40);
    // The plane y + z = 20 of the patient.
    let y = (-24.0 + seen.plane.corner[1] * 1.5) + (10.0 + seen.plane.corner[2]);
    assert!((y - 20.0).abs() < 1e-9, "{y}");
    assert_near(seen.plane.to_right, [1.0, 0.0, 0.0]);
    assert!(seen.plane.to_below[1] > 0.0 && seen.plane.to_below[2] < 0.0);
}

#[test]
fn a_slab_is_as_thick_as_the_volume_at_most_and_a_small_picture_has_more_points() {
    let volume = Volume::of(&axial()).expect("a volume");
    let thick = |thickness| {
        volume.depict(&Cut { thickness, ..cut(Eye::From(Side::Anterior)) }).expect("a plane").plane.through
    };
    assert_near(thick(15.0), [0.0, 10.0, 0.0]);
    assert_near(thick(9_000.0), [0.0, 32.0, 0.0]);
    let slab = volume.depict(&Cut { thickness: 5.0, ..cut(Eye::From(Side::Feet)) }).expect("a slab");
    let touched: Vec<usize> = slab.touched.iter().map(|(nth, ..)| *nth).collect();
    assert_eq!(touched, [2, 3, 4, 5, 6], "to the slices at its ends, and those beside them");
    let small =
        volume.depict(&Cut { viewport: Some((20, 100)), ..cut(Eye::From(Side::Feet)) }).expect("a plane");
    assert_eq!((small.plane.columns, small.plane.rows, small.plane.points), (20, 16, 2));
    let large =
        volume.depict(&Cut { viewport: Some((400, 400)), ..cut(Eye::From(Side::Feet)) }).expect("a plane");
    assert_eq!((large.plane.columns, large.plane.rows, large.plane.points), (400, 320, 1));
}

#[test]
fn what_cannot_be_looked_at_is_refused() {
    let volume = Volume::of(&axial()).expect("a volume");
    let placed = |position, at, up| volume.depict(&cut(Eye::Placed { position, at, up }));
    let (at, up) = ([0.0, 0.0, 20.0], [0.0, 0.0, 1.0]);
    assert!(placed(at, at, up).is_err(), "no way to look");
    assert!(placed([0.0, 0.0, 10.0], at, up).is_err(), "up is where it looks");
    assert!(placed([0.0, -10.0, 20.0], at, [0.0; 3]).is_err(), "no up");
    assert!(placed([0.0, -110.0, 20.0], [0.0, -100.0, 20.0], up).is_err(), "in front of the patient");
    assert!(placed([0.0, 0.0, 190.0], [0.0, 0.0, 200.0], [0.0, -1.0, 0.0]).is_err(), "over the head");
    assert!(placed([0.0, -10.0, 20.0], at, up).is_ok());
}

#[test]
fn what_is_no_volume_says_why() {
    type Change<'a> = &'a dyn Fn(&mut Vec<Slice>);
    let refused = |change: Change<'_>| {
        let mut slices = axial();
        change(&mut slices);
        Volume::of(&slices).expect_err("no volume")
    };
    let lies = |slice: &mut Slice| slice.lies.clone().expect("a place");
    let cases: [(Change<'_>, &str); 14] = [
        (&|slices| slices.truncate(2), "it has 2 slices"),
        (&|slices| slices[3].lies = None, "slice 4 does not say where"),
        (
            &|slices| slices[3].lies = Some(Lies { row: [0.5; 3], ..lies(&mut slices[3]) }),
            "slice 4 does not say where",
        ),
        (&|slices| slices[3].lies = Some(Lies { spacing: [0.0; 2], ..lies(&mut slices[3]) }), "how large"),
        (&|slices| slices[3].rows = 31, "slices 1 and 4 differ in their size"),
        (&|slices| slices[3].space = None, "Frame of Reference"),
        (&|slices| slices[3].unit = None, "the unit"),
        (&|slices| slices[3].is_inverted = true, "white"),
        (&|slices| slices[3].other_patient = Some(Default::default()), "patient"),
        (
            &|slices| slices[3].lies = Some(Lies { spacing: [1.6; 2], ..lies(&mut slices[3]) }),
            "pixel spacing",
        ),
        (&|slices| slices[3] = slice_at([-30.0, -24.0, 17.5], SAGITTAL), "orientation"),
        (&|slices| slices[3].lies = slices[4].lies.clone(), "at one place, such as 4 and 5"),
        (&|slices| drop(slices.remove(3)), "slices are missing"),
        (
            &|slices| {
                for (nth, slice) in slices.iter_mut().enumerate() {
                    let along = nth as f64;
                    *slice = slice_at([-30.0 + 3.0 * along, -24.0, 10.0 + along], AXIAL);
                }
            },
            "beside each other",
        ),
    ];
    for (change, says) in cases {
        let reason = refused(change);
        assert!(reason.contains(says), "{reason}: {says}");
    }
}

/// Cosines as a scanner writes them, at right angles to five digits.
#[test]
fn a_series_that_lies_askew_is_cut_along_its_own_axes() {
    let (row, column) = ([0.01470, 0.99989, -0.00120], [-0.07214, -0.00012, -0.99739]);
    let normal = vector::cross(row, column);
    let slices: Vec<Slice> =
        (0..9).map(|nth| slice_at(scaled(normal, f64::from(nth) * 2.5), [row, column])).collect();
    let volume = Volume::of(&slices).expect("a volume");
    for side in [Side::Anterior, Side::Left, Side::Feet] {
        let slab = volume.depict(&Cut { thickness: 10.0, ..cut(Eye::From(side)) }).expect("a slab");
        for way in [slab.plane.to_right, slab.plane.to_below, slab.plane.through] {
            let along: Vec<f64> = way.into_iter().filter(|part| part.abs() > 1e-9).collect();
            assert_eq!(along.len(), 1, "{side:?} {way:?}");
        }
    }
}

#[test]
fn places_that_are_nowhere_near_a_patient_make_no_volume() {
    for far in [1e17, 1e308, -1e9] {
        let mut slices = axial();
        slices[1] = slice_at([far, 0.0, 12.5], AXIAL);
        assert!(Volume::of(&slices).is_err(), "{far}");
        let far: Vec<Slice> = (0..9).map(|nth| slice_at([0.0, 0.0, far * f64::from(nth)], AXIAL)).collect();
        assert!(Volume::of(&far).is_err());
    }
    for spacing in [1e-17, 1e9] {
        let mut slices = axial();
        slices.iter_mut().for_each(|slice| slice.lies.as_mut().expect("a place").spacing = [spacing; 2]);
        assert!(Volume::of(&slices).is_err(), "{spacing}");
    }
    let mut aside = axial();
    aside[4] = slice_at([400.0, -24.0, 20.0], AXIAL);
    assert!(Volume::of(&aside).is_err(), "one lies beside all others");
}

#[test]
fn a_tilted_gantry_moves_slices_beside_each_other() {
    let slices: Vec<Slice> =
        (0..5).map(|nth| slice_at([0.0, f64::from(nth) * 0.75, f64::from(nth) * 2.0], AXIAL)).collect();
    let volume = Volume::of(&slices).expect("a volume");
    assert_near([volume.placed[4].moved[0], volume.placed[4].moved[1], 0.0], [0.0, 2.0, 0.0]);
    assert_eq!(volume.reach[1], [-0.5, 33.5]);
    assert!((volume.tilt() - 20.556).abs() < 0.01);
}

#[test]
fn a_frame_of_several_lies_where_its_groups_say_and_then_where_all_do() {
    let ds = |tag: &str, values: &[f64]| json!({ tag: { "vr": "DS", "Value": values } });
    let sequence = |tag: &str, items: Vec<serde_json::Value>| json!({ tag: { "vr": "SQ", "Value": items } });
    let position = |z: f64| sequence("00209113", vec![ds("00200032", &[1.0, 2.0, z])]);
    let mut shared = sequence("00209116", vec![ds("00200037", &[1.0, 0.0, 0.0, 0.0, 1.0, 0.0])]);
    shared["00289110"] = sequence("00289110", vec![ds("00280030", &[0.5, 0.7])])["00289110"].clone();
    let mut header = sequence("52009229", vec![shared]);
    header["52009230"] = sequence("52009230", vec![position(3.0), position(4.0)])["52009230"].clone();
    let second = lies_of_frame(&header, 2).expect("a place");
    assert_eq!((second.position, second.spacing), ([1.0, 2.0, 4.0], [0.5, 0.7]));
    assert_eq!((second.row, second.column), (AXIAL[0], AXIAL[1]));
    assert_eq!(lies_of_frame(&header, 3), None, "nothing tells of a third");
    assert_eq!(lies_of_frame(&json!({}), 1), None);
}
