//! Between the lungs: airways, great vessels, heart and gullet, bedded in fat.

use super::super::canvas::{Bounds, Canvas, Oval, blend, cover, dome, profile, ramp};
use super::{AIR, FAT, Level, MUSCLE};

/// Blood with contrast agent on its way back, and on its way out, HU.
const VENOUS: f32 = 165.0;
const ARTERIAL: f32 = 225.0;

/// Paints from the fat inwards.
pub(super) fn paint(canvas: &mut Canvas, level: &Level) {
    fat(canvas, level);
    heart(canvas, level.z);
    veins(canvas, level.z);
    pulmonary_trunk(canvas, level.z);
    aorta(canvas, level.z);
    gullet(canvas, level.z);
    airways(canvas, level.z);
}

/// The bed of everything below; it also keeps the lungs apart in front and beside the spine.
fn fat(canvas: &mut Canvas, level: &Level) {
    let z = level.z;
    let middle = profile(
        z,
        &[(60.0, 20.0), (150.0, 32.0), (175.0, 44.0), (215.0, 40.0), (250.0, 36.0), (276.0, 34.0)],
    );
    let beds = [
        Oval::new(0.0, 2.0, middle, 44.0),
        Oval::new(0.0, 58.0, 27.0, 24.0),
        Oval::new(4.0, -66.0, profile(z, &[(80.0, 26.0), (150.0, 7.0), (215.0, 9.0), (250.0, 28.0)]), 24.0),
        Oval::new(17.0, 36.0, 19.0, 19.0),
    ];
    let limits = |x: f32, y: f32| level.above_diaphragm(x, y) * cover(level.cage.distance(x, y) - 6.0);
    for bed in beds {
        canvas.paint(bed.bounds(), |x, y, under| blend(under, FAT, cover(bed.distance(x, y)) * limits(x, y)));
    }
}

fn heart(canvas: &mut Canvas, z: f32) {
    let size = dome(z, 62.0, 174.0);
    if size <= 0.0 {
        return;
    }
    let outline = Oval::new(
        profile(z, &[(70.0, 28.0), (160.0, 10.0)]),
        -22.0,
        66.0 * size.powf(0.7),
        47.0 * size.powf(0.7),
    )
    .turned(24.0);
    canvas.fill(outline.grown(7.0), FAT);
    canvas.fill(outline.grown(1.6), 10.0);
    canvas.fill(outline.grown(0.6), FAT);
    canvas.fill(outline.grown(-3.0), 112.0);
    let left = dome(z, 66.0, 150.0);
    canvas.fill(Oval::new(50.0, -14.0, 33.0 * left, 20.0 * left).turned(34.0), 118.0);
    canvas.fill(Oval::new(47.0, -15.0, 25.0 * left, 11.5 * left).turned(34.0), 212.0);
    let right = dome(z, 64.0, 160.0);
    canvas.fill(Oval::new(16.0, -44.0, 36.0 * right, 15.0 * right).turned(20.0), 176.0);
    let right_atrium = dome(z, 70.0, 168.0);
    canvas.fill(Oval::new(-27.0, -20.0, 19.0 * right_atrium, 25.0 * right_atrium).turned(-12.0), 172.0);
    let left_atrium = dome(z, 112.0, 172.0);
    canvas.fill(Oval::new(8.0, 14.0, 35.0 * left_atrium, 17.0 * left_atrium), 205.0);
}

fn veins(canvas: &mut Canvas, z: f32) {
    if z > 150.0 && z < 240.0 {
        canvas.fill(Oval::new(-29.0, -20.0, 9.5, 10.5).grown(1.0), 60.0);
        canvas.fill(Oval::new(-29.0, -20.0, 9.5, 10.5), 290.0);
    }
    if z < 84.0 {
        canvas.fill(Oval::new(-23.0, 24.0, 14.0, 11.0).turned(-15.0), VENOUS);
    }
    // The left brachiocephalic vein crosses in front of the arch's branches.
    let crossing = dome(z, 228.0, 246.0);
    canvas.fill(Oval::new(4.0, -27.0, 36.0 * crossing, 6.0 * crossing).turned(-14.0), 250.0);
    if z > 240.0 {
        for side in [-1.0, 1.0] {
            let spread = profile(z, &[(240.0, 27.0), (300.0, 34.0)]);
            canvas.fill(Oval::new(spread * side, -14.0, 8.0, 7.0), 240.0);
        }
    }
}

fn pulmonary_trunk(canvas: &mut Canvas, z: f32) {
    let trunk = dome(z, 140.0, 192.0);
    canvas.fill(Oval::new(22.0, -32.0, 14.5 * trunk, 16.0 * trunk).turned(30.0), 208.0);
    let right = dome(z, 163.0, 184.0);
    canvas.fill(Oval::new(-12.0, -8.0, 40.0 * right, 9.0 * right).turned(8.0), 206.0);
    let left = dome(z, 170.0, 192.0);
    canvas.fill(Oval::new(34.0, -8.0, 15.0 * left, 22.0 * left).turned(24.0), 206.0);
}

fn aorta(canvas: &mut Canvas, z: f32) {
    let walled = |canvas: &mut Canvas, oval: Oval| {
        canvas.fill(oval.grown(1.2), 62.0);
        canvas.fill(oval, ARTERIAL);
    };
    if (144.0..218.0).contains(&z) {
        walled(
            canvas,
            Oval::new(profile(z, &[(144.0, 2.0), (180.0, -9.0), (216.0, -6.0)]), -24.0, 15.5, 15.5),
        );
    }
    if z < 214.0 {
        let x = profile(z, &[(0.0, 6.0), (60.0, 14.0), (140.0, 21.0)]);
        let y = profile(z, &[(0.0, 32.0), (120.0, 37.0), (210.0, 30.0)]);
        walled(canvas, Oval::new(x, y, 11.5, 11.5));
    }
    let arch = dome(z, 204.0, 230.0);
    if arch > 0.0 {
        walled(canvas, Oval::new(8.0, 2.0, 12.5 * arch.sqrt(), 42.0 * arch).turned(-22.0));
    }
    if z > 226.0 {
        let rise = (z - 226.0) / 60.0;
        for (x, y, dx, dy, radius) in
            [(-9.0, -16.0, -14.0, 8.0, 7.5), (5.0, -7.0, 12.0, 6.0, 5.0), (18.0, 8.0, 10.0, -2.0, 5.5)]
        {
            let narrowing = profile(z, &[(226.0, radius), (262.0, radius - 1.0), (300.0, 3.8)]);
            walled(canvas, Oval::new(x + dx * rise, y + dy * rise, narrowing, narrowing));
        }
    }
    if z > 268.0 {
        for side in [-1.0, 1.0] {
            canvas.fill(Oval::new(17.0 * side, -6.0, 9.0, 14.0).turned(-14.0 * side), 150.0);
        }
    }
}

fn gullet(canvas: &mut Canvas, z: f32) {
    let x = profile(z, &[(30.0, 22.0), (90.0, 6.0), (200.0, 4.0), (300.0, 2.0)]);
    let y = profile(z, &[(30.0, 6.0), (90.0, 26.0), (180.0, 30.0), (300.0, 26.0)]);
    if z > 50.0 {
        canvas.fill(Oval::new(x, y, 8.5, 6.0), 52.0);
        canvas.fill(Oval::new(x + 0.8, y - 0.8, 2.2, 1.2), -500.0);
    }
}

fn airways(canvas: &mut Canvas, z: f32) {
    let tube = |canvas: &mut Canvas, oval: Oval| {
        canvas.fill(oval.grown(1.8), MUSCLE);
        canvas.fill(oval, AIR + 4.0);
    };
    if z > 188.0 {
        tube(canvas, Oval::new(0.0, profile(z, &[(188.0, 13.0), (290.0, 3.0)]), 9.2, 9.8));
        return;
    }
    let drop = 188.0 - z;
    for (side, lean, end) in [(-1.0, 0.75, 46.0), (1.0, 1.05, 38.0)] {
        if drop < end {
            let x = side * (5.5 + lean * drop);
            tube(canvas, Oval::new(x, 13.0 + 0.12 * drop, 7.6 - 0.05 * drop, 7.0 - 0.06 * drop));
        }
    }
    if drop < 7.0 {
        // The carina: both openings still share one lumen.
        let width = 14.0 - drop;
        let bounds = Bounds { x: (-width, width), y: (6.0, 20.0) };
        let oval = Oval::new(0.0, 13.0, width, 6.5);
        canvas.paint(bounds, |x, y, under| {
            blend(under, AIR, cover(oval.distance(x, y)) * ramp(7.0 - drop, 0.0, 3.0))
        });
    }
}
