//! Ink in the boxes and in the writing areas (fax-loop.md sections 5 and 6, the safe part of them). A
//! box is `empty` only when its frame was found and nearly nothing is inside; everything else is
//! `unsure`. `marked` is never said: the rules for that await real pages.

use super::bitmap::Bitmap;
use super::geometry::{Area, SheetLayout};
use super::marks::Fit;
use kakehashi_core::envelope::{Handwriting, Mark, MarkState};

/// Step of sampling in mm.
const STEP: f32 = 0.2;

/// All boxes. For `empty` the confidence says how clean the inside is; for `unsure` it says how much
/// ink there is (1 is a third of the area or more), which orders the proposals shown to the office.
pub(super) fn read_boxes(bitmap: &Bitmap, fit: &Fit, layout: &SheetLayout) -> Vec<Mark> {
    layout
        .boxes
        .iter()
        .map(|b| {
            let (state, confidence) = read_box(bitmap, fit, b.area());
            Mark { name: b.id.clone(), state, confidence }
        })
        .collect()
}

/// When the place of the boxes is not known.
pub(super) fn all_unsure(layout: &SheetLayout) -> Vec<Mark> {
    layout
        .boxes
        .iter()
        .map(|b| Mark { name: b.id.clone(), state: MarkState::Unsure, confidence: 0.0 })
        .collect()
}

fn read_box(bitmap: &Bitmap, fit: &Fit, area: Area) -> (MarkState, f32) {
    let mut best = (0.0_f32, 0.0_f32, (0.0_f32, 0.0_f32));
    for i in -7..=7 {
        for j in -7..=7 {
            let shift = (i as f32 * 0.25, j as f32 * 0.25);
            let sides = frame(bitmap, fit, area, shift);
            let mean = sides.iter().sum::<f32>() / 4.0;
            let weakest = sides.iter().copied().fold(1.0, f32::min);
            // Among equals the nearest to where it should be.
            let value = mean + weakest - 0.01 * shift.0.hypot(shift.1);
            if value > best.0 + best.1 - 0.01 * best.2.0.hypot(best.2.1) {
                best = (mean, weakest, shift);
            }
        }
    }
    let (mean, weakest, shift) = best;
    let moved = Area { x: area.x + shift.0, y: area.y + shift.1, ..area };
    let ink = share(bitmap, fit, shrink(moved, area.width * 0.114));
    if mean < 0.6 || weakest < 0.6 {
        return (MarkState::Unsure, (ink * 3.0).min(1.0));
    }
    let inner = shrink(moved, area.width * 0.143);
    let third = (inner.width / 3.0, inner.height / 3.0);
    let darkest = (0..9)
        .map(|n| {
            let (column, row) = ((n % 3) as f32, (n / 3) as f32);
            let ninth = Area {
                x: inner.x + column * third.0,
                y: inner.y + row * third.1,
                width: third.0,
                height: third.1,
            };
            share(bitmap, fit, ninth)
        })
        .fold(0.0_f32, f32::max);
    if ink < 0.02 && darkest <= 0.12 {
        return (MarkState::Empty, (1.0 - ink / 0.02 * 0.5 - darkest / 0.12 * 0.4).clamp(0.1, 1.0));
    }
    (MarkState::Unsure, (ink * 3.0).min(1.0))
}

/// For each side the share of its length where ink lies within a third of a millimetre of the line.
fn frame(bitmap: &Bitmap, fit: &Fit, area: Area, shift: (f32, f32)) -> [f32; 4] {
    let (x, y) = (area.x + shift.0, area.y + shift.1);
    let side = |length: f32, along: &dyn Fn(f32, f32) -> (f32, f32)| {
        let mut hits = 0;
        let steps = 20;
        for i in 0..steps {
            let t = length * (i as f32 + 0.5) / steps as f32;
            let near = [-0.15, 0.0, 0.15].iter().any(|across| {
                let (sx, sy) = along(t, *across);
                let (px, py) = fit.map(sx, sy);
                bitmap.is_black_mm(px, py)
            });
            hits += i32::from(near);
        }
        hits as f32 / steps as f32
    };
    [
        side(area.width, &|t, a| (x + t, y + a)),
        side(area.width, &|t, a| (x + t, y + area.height + a)),
        side(area.height, &|t, a| (x + a, y + t)),
        side(area.height, &|t, a| (x + area.width + a, y + t)),
    ]
}

fn shrink(area: Area, by: f32) -> Area {
    Area { x: area.x + by, y: area.y + by, width: area.width - 2.0 * by, height: area.height - 2.0 * by }
}

fn share(bitmap: &Bitmap, fit: &Fit, area: Area) -> f32 {
    let (columns, rows) = ((area.width / STEP).max(1.0) as u32, (area.height / STEP).max(1.0) as u32);
    let mut black = 0_u32;
    for row in 0..rows {
        for column in 0..columns {
            let (x, y) = fit.map(area.x + (column as f32 + 0.5) * STEP, area.y + (row as f32 + 0.5) * STEP);
            black += u32::from(bitmap.is_black_mm(x, y));
        }
    }
    black as f32 / (columns * rows) as f32
}

/// The writing areas that hold more ink than dirt and printed rules leave.
pub(super) fn handwriting(bitmap: &Bitmap, fit: &Fit, layout: &SheetLayout, page: u32) -> Vec<Handwriting> {
    [layout.hand, layout.name]
        .into_iter()
        .flatten()
        .filter_map(|area| written(bitmap, fit, area.area()))
        .map(|a| Handwriting { page, area_mm: [a.x, a.y, a.width, a.height] })
        .collect()
}

/// The part of an area in which cells of 2 mm hold ink, printed frame and rules left out.
fn written(bitmap: &Bitmap, fit: &Fit, area: Area) -> Option<Area> {
    const CELL: f32 = 2.0;
    let area = shrink(area, 1.6);
    let (columns, rows) = ((area.width / STEP) as usize, (area.height / STEP) as usize);
    let black = |column: usize, row: usize| {
        let (x, y) = fit.map(area.x + (column as f32 + 0.5) * STEP, area.y + (row as f32 + 0.5) * STEP);
        bitmap.is_black_mm(x, y)
    };
    let per_cell = (CELL / STEP) as usize;
    let (cells_x, cells_y) = (columns / per_cell, rows / per_cell);
    let mut ink = vec![0_u32; cells_x * cells_y];
    let lines: Vec<Vec<bool>> =
        (0..rows).map(|row| (0..columns).map(|column| black(column, row)).collect()).collect();
    let is_rule = |row: usize| {
        let from = row.saturating_sub(2);
        let to = (row + 3).min(rows);
        (from..to).any(|r| lines[r].iter().filter(|b| **b).count() * 4 > columns)
    };
    for row in 0..cells_y * per_cell {
        if is_rule(row) {
            continue;
        }
        for column in 0..cells_x * per_cell {
            if lines[row][column] {
                ink[row / per_cell * cells_x + column / per_cell] += 1;
            }
        }
    }
    // Dirt lies alone; a stroke goes on into the next cell.
    let is_dark = |x: usize, y: usize| ink[y * cells_x + x] >= 7;
    let goes_on = |x: usize, y: usize| {
        let around_x = x.saturating_sub(1)..(x + 2).min(cells_x);
        (y.saturating_sub(1)..(y + 2).min(cells_y))
            .any(|ny| around_x.clone().any(|nx| (nx, ny) != (x, y) && is_dark(nx, ny)))
    };
    let dark: Vec<(usize, usize)> = (0..cells_x * cells_y)
        .map(|i| (i % cells_x, i / cells_x))
        .filter(|(x, y)| is_dark(*x, *y) && goes_on(*x, *y))
        .collect();
    if dark.len() < 3 {
        return None;
    }
    let left = dark.iter().map(|c| c.0).min()? as f32;
    let right = dark.iter().map(|c| c.0).max()? as f32 + 1.0;
    let top = dark.iter().map(|c| c.1).min()? as f32;
    let bottom = dark.iter().map(|c| c.1).max()? as f32 + 1.0;
    Some(Area {
        x: area.x + left * CELL,
        y: area.y + top * CELL,
        width: (right - left) * CELL,
        height: (bottom - top) * CELL,
    })
}
