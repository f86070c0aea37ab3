//! Which pixels of the frame make which pixel of the picture: region, box, pixels that are not square.

use noctis_render::FrameRequest;

use crate::case::Case;

/// Size of the picture, and the part of the frame that it shows.
pub(super) struct Geometry {
    pub(super) columns: u32,
    pub(super) rows: u32,
    left: u32,
    top: u32,
    from_columns: u32,
    from_rows: u32,
    stride: u32,
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
        Self { columns, rows, left, top, from_columns, from_rows, stride: case.columns }
    }

    pub(super) fn resizes(&self) -> bool {
        (self.columns, self.rows) != (self.from_columns, self.from_rows)
    }

    pub(super) fn positions(&self) -> impl Iterator<Item = (u32, u32)> + use<> {
        let columns = self.columns;
        (0..self.rows).flat_map(move |row| (0..columns).map(move |column| (row, column)))
    }

    pub(super) fn sources(&self, (row, column): (u32, u32)) -> Vec<Contribution> {
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
    let shape =
        case.display.pixel_shape.as_ref().map_or(1.0, |shape| shape.vertical.value / shape.horizontal.value);
    // The longer side of a pixel is stretched.
    let natural = (f64::from(columns) * (1.0 / shape).max(1.0), f64::from(rows) * shape.max(1.0));
    let by = |side: Option<u32>, natural: f64| side.map(|side| f64::from(side) / natural);
    let scales = [by(request.fit.width, natural.0), by(request.fit.height, natural.1)];
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
