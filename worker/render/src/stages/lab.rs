//! Colours that attributes give as `CIELab` values of the connection space of ICC profiles (PS3.3 C.10.7.1.1).

use dicom_core::Tag;

use crate::file::parse::view::{Numbers, View};

/// The white of the connection space, D50.
const WHITE: [f64; 3] = [0.9642, 1.0, 0.8249];
/// From XYZ under D50 to the linear red, green and blue of sRGB, whose white is D65, by the transform of Bradford.
const TO_LINEAR: [[f64; 3]; 3] = [
    [3.134_186, -1.617_209, -0.490_694],
    [-0.978_765, 1.916_141, 0.033_454],
    [0.071_971, -0.228_994, 1.405_754],
];

/// The colour of an attribute of three values in sRGB; `None` where it is absent.
pub(crate) fn colour_of(view: &View<'_>, tag: Tag) -> Option<[u8; 3]> {
    lab_of(view, tag).map(to_srgb)
}

/// The grey that is as light as the colour of an attribute.
pub(crate) fn grey_of(view: &View<'_>, tag: Tag) -> Option<[u8; 3]> {
    lab_of(view, tag).map(|[lightness, _, _]| to_srgb([lightness, 0.0, 0.0]))
}

fn lab_of(view: &View<'_>, tag: Tag) -> Option<[f64; 3]> {
    match view.numbers(tag, Numbers::U16)[..] {
        [Some(lightness), Some(a), Some(b)] => {
            let of_opponents = |value: f64| value * 255.0 / 65_535.0 - 128.0;
            Some([lightness * 100.0 / 65_535.0, of_opponents(a), of_opponents(b)])
        }
        _ => None,
    }
}

/// Lightness from 0 to 100, a and b from -128 to 127; what sRGB has not is the nearest it has in each channel.
fn to_srgb([lightness, a, b]: [f64; 3]) -> [u8; 3] {
    let y = (lightness + 16.0) / 116.0;
    let of_root = |root: f64| {
        if root > 6.0 / 29.0 { root.powi(3) } else { (root - 16.0 / 116.0) * 3.0 * (6.0_f64 / 29.0).powi(2) }
    };
    let [x, y, z] = [y + a / 500.0, y, y - b / 200.0].map(of_root);
    let xyz = [x * WHITE[0], y * WHITE[1], z * WHITE[2]];
    TO_LINEAR.map(|row| {
        let linear: f64 = row.iter().zip(xyz).map(|(factor, value)| factor * value).sum();
        let shown =
            if linear <= 0.003_130_8 { linear * 12.92 } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 };
        // The cast saturates.
        (shown * 255.0).round() as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Colours of sRGB and what they are in `CIELab` under D50, as other software converts them.
    #[test]
    fn known_colours_come_back() {
        for (lab, expected) in [
            ([0.0, 0.0, 0.0], [0, 0, 0]),
            ([100.0, 0.0, 0.0], [255, 255, 255]),
            ([53.585, 0.0, 0.0], [128, 128, 128]),
            ([54.29, 80.81, 69.89], [255, 0, 0]),
            ([87.82, -79.29, 80.99], [0, 255, 0]),
            ([29.57, 68.30, -112.03], [0, 0, 255]),
        ] {
            let shown = to_srgb(lab);
            let distance =
                shown.iter().zip(expected).map(|(shown, expected): (&u8, u8)| shown.abs_diff(expected));
            assert!(distance.max() <= Some(1), "{lab:?}: {shown:?} instead of {expected:?}");
        }
    }
}
