//! Luminance and chrominance to red, green, blue (PS3.3 C.7.6.3.1.2).

use crate::file::pixel_format::Photometric;

/// Converts interleaved 8-bit pixels in place.
pub(crate) fn to_rgb(pixels: &mut [u8], photometric: Photometric) {
    match photometric {
        Photometric::YbrFull | Photometric::YbrFull422 | Photometric::YbrIct => full_range(pixels),
        Photometric::YbrRct => reversible(pixels),
        Photometric::YbrPartial422 | Photometric::YbrPartial | Photometric::YbrPartial420 => {
            partial_range(pixels)
        }
        _ => {}
    }
}

fn full_range(pixels: &mut [u8]) {
    for pixel in pixels.as_chunks_mut::<3>().0 {
        let [y, cb, cr] = pixel.map(f32::from);
        let (cb, cr) = (cb - 128.0, cr - 128.0);
        *pixel = [y + 1.402 * cr, y - 0.344_136 * cb - 0.714_136 * cr, y + 1.772 * cb].map(rounded);
    }
}

/// ITU-R BT.601 with 16 to 235 levels, full scale expanded to 0 to 255.
fn partial_range(pixels: &mut [u8]) {
    for pixel in pixels.as_chunks_mut::<3>().0 {
        let [y, cb, cr] = pixel.map(f32::from);
        let (y, cb, cr) = (1.164_4 * (y - 16.0), cb - 128.0, cr - 128.0);
        *pixel = [y + 1.596 * cr, y - 0.391_8 * cb - 0.813 * cr, y + 2.017_2 * cb].map(rounded);
    }
}

/// The reversible transform as 8-bit samples with chrominance around 128.
fn reversible(pixels: &mut [u8]) {
    for pixel in pixels.as_chunks_mut::<3>().0 {
        let [y, cb, cr] = pixel.map(i32::from);
        let (cb, cr) = (cb - 128, cr - 128);
        let green = y - ((cb + cr) >> 2);
        *pixel = [cr + green, green, cb + green].map(|value| value.clamp(0, 255) as u8);
    }
}

fn rounded(value: f32) -> u8 {
    (value + 0.5).floor() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Primaries by the equations of PS3.3 C.7.6.3.1.2.
    #[test]
    fn the_primaries_come_back() {
        let cases = [
            ([255, 128, 128], [255, 255, 255]),
            ([0, 128, 128], [0, 0, 0]),
            ([76, 85, 255], [254, 0, 0]),
            ([150, 44, 21], [0, 255, 1]),
            ([29, 255, 107], [0, 0, 254]),
        ];
        for (ybr, rgb) in cases {
            let mut pixel: [u8; 3] = ybr;
            to_rgb(&mut pixel, Photometric::YbrFull);
            assert_eq!(pixel, rgb, "{ybr:?}");
        }
    }
}
