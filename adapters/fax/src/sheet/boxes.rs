//! What the boxes say and where somebody wrote (fax-loop.md sections 5 and 6). Every box is found again by
//! its own frame, because rows get lost and paper shrinks, and then judged by its picture; ink in a
//! writing area is only found, never read.

use super::bitmap::Bitmap;
use super::faint::{Grey, PENCIL_MAY_BE_LOST};
use super::foreign;
use super::geometry::{Area, SheetLayout};
use super::judge::judge;
use super::marks::Fit;
use super::patch;
use super::streaks::Streaks;
use kakehashi_core::envelope::{Handwriting, Mark, MarkState};

/// Step of sampling in mm.
const STEP: f32 = 0.2;

/// All boxes. The confidence of `marked` and `empty` says how sure that is; that of `unsure` how likely
/// somebody meant the box, which orders the proposals shown to the office.
pub(super) fn read_boxes(bitmap: &Bitmap, fit: &Fit, layout: &SheetLayout) -> Vec<Mark> {
    let views = patch::views(bitmap, fit, layout.boxes.iter().map(|b| b.area()));
    let shows_pencil = Grey::of(bitmap, fit, layout, &views).shows_pencil();
    layout
        .boxes
        .iter()
        .zip(&views)
        .map(|(b, view)| {
            let (state, mut confidence) = judge(view);
            if state == MarkState::Empty && !shows_pencil {
                confidence = confidence.min(PENCIL_MAY_BE_LOST);
            }
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

fn shrink(area: Area, by: f32) -> Area {
    Area { x: area.x + by, y: area.y + by, width: area.width - 2.0 * by, height: area.height - 2.0 * by }
}

/// The writing areas that hold more ink than dirt and printed rules leave, and strokes where nobody was asked
/// to write.
pub(super) fn handwriting(bitmap: &Bitmap, fit: &Fit, layout: &SheetLayout, page: u32) -> Vec<Handwriting> {
    let streaks = Streaks::of(bitmap, fit);
    [layout.hand, layout.name]
        .into_iter()
        .flatten()
        .filter_map(|area| written(bitmap, fit, area.area(), &streaks))
        .chain(foreign::foreign(bitmap, fit, layout, &streaks))
        .map(|a| Handwriting { page, area_mm: [a.x, a.y, a.width, a.height] })
        .collect()
}

/// The part of an area in which cells of 2 mm hold ink, printed frame and rules left out.
fn written(bitmap: &Bitmap, fit: &Fit, area: Area, streaks: &Streaks) -> Option<Area> {
    const CELL: f32 = 2.0;
    /// Less of the places looked at in a cell is no stroke.
    const LEAST: u32 = 7;
    let area = shrink(area, 1.6);
    let (columns, rows) = ((area.width / STEP) as usize, (area.height / STEP) as usize);
    let black = |column: usize, row: usize| {
        let (x, y) = fit.map(area.x + (column as f32 + 0.5) * STEP, area.y + (row as f32 + 0.5) * STEP);
        bitmap.is_black_mm(x, y) && !streaks.covers(x, y)
    };
    let per_cell = (CELL / STEP) as usize;
    let (cells_x, cells_y) = (columns / per_cell, rows / per_cell);
    let mut ink = vec![0_u32; cells_x * cells_y];
    let lines: Vec<Vec<bool>> =
        (0..rows).map(|row| (0..columns).map(|column| black(column, row)).collect()).collect();
    let dotted = Dotted::of(bitmap, fit, area, (cells_x, cells_y), CELL);
    // A row of a halftone's dots is dark to a quarter and no rule: what is written between such rows must be seen.
    let of_twenty = if dotted.is_some() { 12 } else { 5 };
    let is_rule = |row: usize| {
        let from = row.saturating_sub(2);
        let to = (row + 3).min(rows);
        (from..to).any(|r| lines[r].iter().filter(|b| **b).count() * 20 > columns * of_twenty)
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
    // Halftone strews dots over white paper: what lies above its usual measure is ink. Most of a writing
    // area is white however much is written.
    let usual = {
        let mut sorted = ink.clone();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied().unwrap_or(0)
    };
    let bar = (LEAST + usual * 8 / 5).min(40);
    // Dirt lies alone; a stroke goes on into the next cell.
    let is_dark = |x: usize, y: usize| {
        let looked_at = ink[y * cells_x + x];
        match &dotted {
            Some(dotted) => looked_at >= LEAST && dotted.stands_out(x, y),
            None => looked_at >= bar,
        }
    };
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

/// The cells of an area on a page that is strewn with dots. A halftone's dots fall into step with the places that are
/// looked at, so that whole rows of cells seem dark, or all of them do and a stroke is lost among them; there the dots
/// themselves are counted.
struct Dotted {
    columns: usize,
    shares: Vec<f32>,
    usual: f32,
}

impl Dotted {
    /// Least share of black on most of the area that makes it a halftone.
    const LEAST: f32 = 0.01;

    /// None on a page that is plainly white.
    fn of(
        bitmap: &Bitmap,
        fit: &Fit,
        area: Area,
        (columns, rows): (usize, usize),
        cell: f32,
    ) -> Option<Self> {
        let shares: Vec<f32> = (0..columns * rows)
            .map(|at| {
                let (column, row) = ((at % columns) as f32, (at / columns) as f32);
                let (x, y) = fit.map(area.x + (column + 0.5) * cell, area.y + (row + 0.5) * cell);
                let (black, all) = bitmap.square(x, y, cell / 2.0);
                black as f32 / all as f32
            })
            .collect();
        let mut sorted = shares.clone();
        sorted.sort_unstable_by(f32::total_cmp);
        let usual = sorted.get(sorted.len() / 2).copied().unwrap_or(0.0);
        (usual >= Self::LEAST).then_some(Self { columns, shares, usual })
    }

    /// Whether a cell holds more than the dots that lie everywhere.
    fn stands_out(&self, x: usize, y: usize) -> bool {
        let share = self.shares.get(y * self.columns + x).copied().unwrap_or(1.0);
        share > (0.04 + 1.5 * self.usual).min(0.35)
    }
}
