//! Every element of the data set but the pixel data.

use super::data_set::{DataSet, Value};
use super::tables;
use crate::case::{
    Case, CellKind, Colours, Display, OverlayPlace, PixelShape, Place, Rescale, Setting, ShapeAttribute,
    Table, Windows,
};
use crate::random::Random;

pub(crate) fn data_set(case: &Case) -> DataSet {
    let mut top = DataSet::default();
    identity(case, &mut top);
    image_pixel(case, &mut top);
    padding(case, &mut top);
    let display = &case.display;
    put_if(&mut top, display.rescale.top.as_ref(), rescale);
    put_if(&mut top, display.windows.top.as_ref(), windows);
    if let Some(table) = &display.voi_table.top {
        top.item(0x0028, 0x3010, tables::item(table, may_be_negative(case)));
    }
    if let Some(table) = &display.modality_table {
        let mut item = tables::item(table, case.cells.signed);
        item.text(0x0028, 0x3004, "LO", "US");
        top.item(0x0028, 0x3000, item);
    }
    if let Some(shape) = display.shape {
        top.text(0x2050, 0x0020, "CS", shape);
    }
    if let Some((_, relationship)) = display.intensity {
        top.text(0x0028, 0x1040, "CS", relationship);
    }
    put_if(&mut top, display.pixel_shape.as_ref().filter(|shape| shape.place == Place::Top), pixel_shape);
    functional_groups(case, &mut top);
    overlay(case, &mut top);
    if let Colours::Palette(palette) = &case.colours {
        tables::palette(palette, case.cells.signed, &mut top);
    }
    if case.form.private_elements {
        private(case, &mut top);
    }
    if case.form.icon {
        top.item(0x0088, 0x0200, icon());
    }
    top
}

fn put_if<T>(data_set: &mut DataSet, value: Option<&T>, put: impl Fn(&T, &mut DataSet)) {
    if let Some(value) = value {
        put(value, data_set);
    }
}

fn identity(case: &Case, top: &mut DataSet) {
    let (sop_class, modality) = match case.display.intensity {
        Some(("XA", _)) => ("1.2.840.10008.5.1.4.1.1.12.1", "XA"),
        Some((modality, _)) => ("1.2.840.10008.5.1.4.1.1.12.2", modality),
        None => ("1.2.840.10008.5.1.4.1.1.7", "OT"),
    };
    top.text(0x0008, 0x0016, "UI", sop_class);
    top.text(0x0008, 0x0018, "UI", "1.2.3.4");
    top.text(0x0008, 0x0060, "CS", modality);
    top.text(0x0010, 0x0020, "LO", "GENERATED");
    top.text(0x0020, 0x000D, "UI", "1.2.3.5");
    top.text(0x0020, 0x000E, "UI", "1.2.3.6");
}

fn image_pixel(case: &Case, top: &mut DataSet) {
    let cells = &case.cells;
    let us = |top: &mut DataSet, element, value: u16| top.words(0x0028, element, "US", &[value]);
    us(top, 0x0002, case.samples_per_pixel() as u16);
    top.text(0x0028, 0x0004, "CS", case.colours.photometric());
    if case.samples_per_pixel() > 1 {
        us(top, 0x0006, case.colours.planar().into());
    }
    if let Some(text) = &case.form.frame_count {
        top.text(0x0028, 0x0008, "IS", text);
    }
    us(top, 0x0010, case.rows as u16);
    us(top, 0x0011, case.columns as u16);
    us(top, 0x0100, cells.allocated);
    if cells.kind == CellKind::Integer {
        us(top, 0x0101, cells.stored);
        us(top, 0x0102, cells.high_bit);
        let signed = matches!(case.colours, Colours::Jpeg { signed: true, .. }) || cells.signed;
        us(top, 0x0103, signed.into());
    }
}

fn padding(case: &Case, top: &mut DataSet) {
    let Some(padding) = &case.display.padding else { return };
    let vr = if case.cells.signed == padding.other_vr { "US" } else { "SS" };
    for (element, float, value) in [(0x0120, 0x0122, Some(padding.value)), (0x0121, 0x0124, padding.limit)] {
        let Some(value) = value else { continue };
        match case.cells.kind {
            CellKind::Integer => top.words(0x0028, element, vr, &[value as i64 as u16]),
            CellKind::Float32 => top.put(0x0028, float, "FL", Value::Float(value as f32)),
            CellKind::Float64 => top.put(0x0028, float + 1, "FD", Value::Double(value)),
        }
    }
}

/// Whether a modality value can be below 0, which decides the sign of a VOI LUT Descriptor.
fn may_be_negative(case: &Case) -> bool {
    let of_rescale = case
        .display
        .rescale
        .of_frame(case.frame_number)
        .next()
        .is_some_and(|rescale| rescale.slope.value < 0.0 || rescale.intercept.value < 0.0);
    case.display.modality_table.is_none() && (case.cells.signed || of_rescale)
}

fn rescale(rescale: &Rescale, place: &mut DataSet) {
    place.text(0x0028, 0x1052, "DS", &rescale.intercept.text);
    place.text(0x0028, 0x1053, "DS", &rescale.slope.text);
    place.text(0x0028, 0x1054, "LO", "US");
}

fn windows(windows: &Windows, place: &mut DataSet) {
    let joined = |texts: Vec<&str>| texts.join("\\");
    let centers = windows.windows.iter().map(|window| window.center.text.as_str()).collect();
    let widths = windows.windows.iter().map(|window| window.width.text.as_str()).collect();
    place.text(0x0028, 0x1050, "DS", joined(centers));
    place.text(0x0028, 0x1051, "DS", joined(widths));
    if let Some(function) = windows.function {
        place.text(0x0028, 0x1056, "CS", function.name());
    }
}

fn pixel_shape(shape: &PixelShape, place: &mut DataSet) {
    let text = format!("{}\\{}", shape.vertical.text, shape.horizontal.text);
    match shape.attribute {
        ShapeAttribute::AspectRatio => place.text(0x0028, 0x0034, "IS", text),
        ShapeAttribute::PixelSpacing => place.text(0x0028, 0x0030, "DS", text),
        ShapeAttribute::ImagerPixelSpacing => place.text(0x0018, 0x1164, "DS", text),
    }
}

/// Shared and per-frame functional groups, where anything stands in one (PS3.3 C.7.6.16).
fn functional_groups(case: &Case, top: &mut DataSet) {
    let Display { rescale, windows, voi_table, pixel_shape, .. } = &case.display;
    let in_groups = rescale.is_in_groups()
        || windows.is_in_groups()
        || voi_table.is_in_groups()
        || pixel_shape.as_ref().is_some_and(|shape| shape.place != Place::Top);
    if !in_groups {
        return;
    }
    let group = |frame: Option<usize>| {
        fn of<T>(setting: &Setting<T>, frame: Option<usize>) -> Option<&T> {
            match frame {
                Some(frame) => setting.per_frame.get(frame).and_then(Option::as_ref),
                None => setting.shared.as_ref(),
            }
        }
        let place = if frame.is_some() { Place::PerFrame } else { Place::Shared };
        let shape = pixel_shape.as_ref().filter(|shape| shape.place == place);
        functional_group(case, of(rescale, frame), of(windows, frame), of(voi_table, frame), shape)
    };
    top.item(0x5200, 0x9229, group(None));
    (0..case.frames.len()).for_each(|frame| top.item(0x5200, 0x9230, group(Some(frame))));
}

fn functional_group(
    case: &Case,
    of_rescale: Option<&Rescale>,
    of_windows: Option<&Windows>,
    of_table: Option<&Table>,
    of_shape: Option<&PixelShape>,
) -> DataSet {
    let mut group = DataSet::default();
    let mut measures = DataSet::default();
    put_if(&mut measures, of_shape, pixel_shape);
    let mut voi = DataSet::default();
    put_if(&mut voi, of_windows, windows);
    if let Some(table) = of_table {
        voi.item(0x0028, 0x3010, tables::item(table, may_be_negative(case)));
    }
    let mut transformation = DataSet::default();
    put_if(&mut transformation, of_rescale, rescale);
    for (element, item) in [(0x9110, measures), (0x9132, voi), (0x9145, transformation)] {
        if !item.is_empty() {
            group.item(0x0028, element, item);
        }
    }
    // A group of something else, so that no item is empty.
    let mut content = DataSet::default();
    content.text(0x0018, 0x9074, "DT", "20200101120000");
    group.item(0x0020, 0x9111, content);
    group
}

fn overlay(case: &Case, top: &mut DataSet) {
    let Some(overlay) = &case.display.overlay else { return };
    top.words(0x6000, 0x0010, "US", &[overlay.rows as u16]);
    top.words(0x6000, 0x0011, "US", &[overlay.columns as u16]);
    top.text(0x6000, 0x0040, "CS", "G");
    top.words(0x6000, 0x0050, "SS", &[overlay.origin.0 as u16, overlay.origin.1 as u16]);
    match overlay.place {
        OverlayPlace::Bit(bit) => {
            top.words(0x6000, 0x0100, "US", &[case.cells.allocated]);
            top.words(0x6000, 0x0102, "US", &[bit]);
        }
        OverlayPlace::Plane => {
            top.words(0x6000, 0x0100, "US", &[1]);
            top.words(0x6000, 0x0102, "US", &[0]);
            let mut words = vec![0_u16; (overlay.rows * overlay.columns).div_ceil(16) as usize];
            for index in 0..overlay.rows * overlay.columns {
                if overlay.is_set(index / overlay.columns, index % overlay.columns) {
                    words[(index / 16) as usize] |= 1 << (index % 16);
                }
            }
            top.words(0x6000, 0x3000, "OW", &words);
        }
    }
}

/// Elements of a maker, with bytes that look like what a careless reader looks for.
fn private(case: &Case, top: &mut DataSet) {
    let mut random = Random::new(case.seed ^ 0x5052_4956);
    let mut bytes = vec![0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0, 0xE0, 0x7F, 0x10, 0x00, b'O', b'W', 0, 0];
    bytes.extend((0..random.between(0, 9) * 2).map(|_| random.next() as u8));
    for group in [0x0009, 0x0029, 0x7FE1] {
        top.text(group, 0x0010, "LO", "MAKER OF THINGS");
        top.put(group, 0x1010, "OB", Value::Bytes(bytes.clone()));
    }
    let mut item = DataSet::default();
    item.text(0x0028, 0x1050, "DS", "1");
    item.text(0x0028, 0x1051, "DS", "2");
    item.words(0x0028, 0x0010, "US", &[3]);
    item.put(0x7FE0, 0x0010, "OW", Value::Bytes(vec![7; 18]));
    top.item(0x0029, 0x1020, item);
}

/// A small picture inside of the header, everything in it different from the image.
fn icon() -> DataSet {
    let mut icon = DataSet::default();
    icon.words(0x0028, 0x0002, "US", &[1]);
    icon.text(0x0028, 0x0004, "CS", "PALETTE COLOR");
    icon.text(0x0028, 0x0008, "IS", "7");
    icon.words(0x0028, 0x0010, "US", &[2]);
    icon.words(0x0028, 0x0011, "US", &[2]);
    for (element, value) in [(0x0100, 8), (0x0101, 8), (0x0102, 7), (0x0103, 1)] {
        icon.words(0x0028, element, "US", &[value]);
    }
    icon.text(0x0028, 0x1050, "DS", "3");
    icon.text(0x0028, 0x1051, "DS", "1");
    icon.text(0x0028, 0x1052, "DS", "-77");
    for channel in 0..3 {
        icon.words(0x0028, 0x1101 + channel, "US", &[2, 0, 16]);
        icon.words(0x0028, 0x1201 + channel, "OW", &[0xFF00, 0x00FF]);
    }
    icon.put(0x7FE0, 0x0010, "OB", Value::Bytes(vec![1, 0, 0, 1]));
    icon
}
