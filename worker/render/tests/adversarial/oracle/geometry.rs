//! Which pixels of the frame make which pixel of the picture: region, box, pixels that are not square, turns and flips.

use noctis_render::{FrameRequest, Orientation};

use crate::case::Case;

/// Size of the picture, before it is laid down, and the part of the frame that it shows.
pub(super) struct Geometry {
    columns: u32,
    rows: u32,
    left: u32,
    top: u32,
    from_columns: u32,
    from_rows: u32,
    stride: u32,
    orientation: Orientation,
}

/// One pixel of the frame, and its share of a pixel of the picture.
#[derive(Clone, Copy)]
pub(super) struct Contribution {
    pub(super) index: usize,
    pub(super) weight: f64,
}

impl Geometry {
    pub(super) fn of(case: &Case, request: &FrameRequest) -> Self {
        let (mut left, mut top, mut right, mut bottom) = (0, 0, case.columns, case.rows);
        if let Some(region) = request.region {
            // Clipped to the frame, rounded outwards.
            left = region.left.floor().max(0.0) as u32;
            top = region.top.floor().max(0.0) as u32;
            right = ((region.left + region.width).ceil() as u32).min(right);
            bottom = ((region.top + region.height).ceil() as u32).min(bottom);
        }
        let (from_columns, from_rows) = (right - left, bottom - top);
        let (columns, rows) = fitted(case, request, from_columns, from_rows);
        let (stride, orientation) = (case.columns, request.orientation);
        Self { columns, rows, left, top, from_columns, from_rows, stride, orientation }
    }

    pub(super) fn resizes(&self) -> bool {
        (self.columns, self.rows) != (self.from_columns, self.from_rows)
    }

    /// Columns and rows as they are looked at.
    pub(super) fn size(&self) -> (u32, u32) {
        if self.orientation.swaps_sides() { (self.rows, self.columns) } else { (self.columns, self.rows) }
    }

    pub(super) fn positions(&self) -> impl Iterator<Item = (u32, u32)> + use<> {
        let (columns, rows) = self.size();
        (0..rows).flat_map(move |row| (0..columns).map(move |column| (row, column)))
    }

    /// Row and column before the picture was turned clockwise and then flipped: all that is undone, the last first.
    fn before(&self, (row, column): (u32, u32)) -> (u32, u32) {
        let (columns, rows) = self.size();
        let (mut at, mut size) = ((row, column), (rows, columns));
        if self.orientation.is_flipped() {
            at.1 = size.1 - 1 - at.1;
        }
        for _ in 0..self.orientation.quarter_turns() {
            // A quarter turn put what was the lowest row into the first column.
            at = (size.1 - 1 - at.1, at.0);
            size = (size.1, size.0);
        }
        at
    }

    pub(super) fn sources(&self, position: (u32, u32)) -> Vec<Contribution> {
        let (row, column) = self.before(position);
        let across = shares(column, self.from_columns, self.columns);
        let down = shares(row, self.from_rows, self.rows);
        let mut sources = Vec::new();
        for &(from_row, row_share) in &down {
            for &(from_column, column_share) in &across {
                let index = (self.top + from_row) * self.stride + self.left + from_column;
                sources.push(Contribution { index: index as usize, weight: row_share * column_share });
            }
        }
        sources
    }
}

/// The largest size in the box that keeps the shape; without a box pixels stay as they are.
fn fitted(case: &Case, request: &FrameRequest, columns: u32, rows: u32) -> (u32, u32) {
    if request.fit.width.is_none() && request.fit.height.is_none() {
        return (columns, rows);
    }
    // The box is of the picture as it is looked at.
    let (width, height) = match request.orientation.swaps_sides() {
        true => (request.fit.height, request.fit.width),
        false => (request.fit.width, request.fit.height),
    };
    let shape =
        case.display.pixel_shape.as_ref().map_or(1.0, |shape| shape.vertical.value / shape.horizontal.value);
    // The longer side of a pixel is stretched.
    let natural = (f64::from(columns) * (1.0 / shape).max(1.0), f64::from(rows) * shape.max(1.0));
    let by = |side: Option<u32>, natural: f64| side.map(|side| f64::from(side) / natural);
    let scales = [by(width, natural.0), by(height, natural.1)];
    let scale = scales.into_iter().flatten().fold(f64::INFINITY, f64::min);
    let scale = if request.fit.enlarge { scale } else { scale.min(1.0) };
    let side = |natural: f64| ((natural * scale).round() as u32).max(1);
    (side(natural.0), side(natural.1))
}

/// Old positions and their shares of one new position: the area that it covers, or when there are more new than old
/// ones the two around its middle.
fn shares(position: u32, from: u32, to: u32) -> Vec<(u32, f64)> {
    let step = f64::from(from) / f64::from(to);
    if to <= from {
        let (start, end) = (u64::from(position) * u64::from(from), u64::from(position + 1) * u64::from(from));
        let to = u64::from(to);
        return (start / to..end.div_ceil(to))
            .map(|old| {
                let overlap = end.min((old + 1) * to) - start.max(old * to);
                (old as u32, overlap as f64 / f64::from(from))
            })
            .collect();
    }
    let middle = ((f64::from(position) + 0.5) * step - 0.5).clamp(0.0, f64::from(from - 1));
    let (first, share) = (middle.floor(), middle.fract());
    let first = first as u32;
    let pair = [(first, 1.0 - share), ((first + 1).min(from - 1), share)];
    pair.into_iter().filter(|&(_, share)| share > 1e-6).collect()
}
