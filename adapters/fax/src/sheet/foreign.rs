//! Strokes where nobody was asked to write: a ring around a label, a line through it, a note across the sheet.
//! What they mean is for a person, so the sheet must not close on its ticks. Print is small beside them; this
//! finds only what is too large for print, and it never looks into boxes and writing areas.

use super::bitmap::Bitmap;
use super::geometry::{Area, MARK_CENTRES, MARK_SIZE, QR_A, QR_B, SheetLayout};
use super::marks::Fit;
use super::streaks::Streaks;

/// Side of a cell in mm.
const CELL: f32 = 0.25;
/// What is looked at: the part that comes back, without the edges of the paper.
const REGION: Area = Area { x: 7.0, y: 150.5, width: 196.0, height: 136.0 };
/// Higher than any sign or number that is printed there, in mm.
const HIGHEST_PRINT: f32 = 8.5;
/// Longer than any line of a sign, and of two that have run together.
const LONGEST_LINE: f32 = 14.0;
/// Share of cells with single dots that makes a page a halftone.
const HALFTONE: f32 = 0.01;

/// Whether sheets of this kind have nothing but signs outside of boxes and areas.
fn is_plain(layout: &SheetLayout) -> bool {
    matches!(layout.kind.as_str(), "reply" | "digest" | "verification")
}

/// The largest stroke outside of everything that is meant for pens.
pub(super) fn foreign(bitmap: &Bitmap, fit: &Fit, layout: &SheetLayout, streaks: &Streaks) -> Option<Area> {
    if !is_plain(layout) {
        return None;
    }
    let (columns, rows) = ((REGION.width / CELL) as usize, (REGION.height / CELL) as usize);
    let mut ink = sampled(bitmap, fit, streaks, columns, rows);
    for (area, around) in quiet(layout) {
        let from = |v: f32, start: f32, most: usize| (((v - start) / CELL).max(0.0) as usize).min(most);
        let (left, right) =
            (from(area.x - around, REGION.x, columns), from(area.right() + around, REGION.x, columns));
        for y in from(area.y - around, REGION.y, rows)..from(area.bottom() + around, REGION.y, rows) {
            ink[y * columns + left..y * columns + right].fill(false);
        }
    }
    long_line(&ink, columns).or_else(|| tall_shape(&mut ink, columns))
}

/// What is not looked at, with the white around it.
fn quiet(layout: &SheetLayout) -> Vec<(Area, f32)> {
    let mut all: Vec<(Area, f32)> = layout.boxes.iter().map(|b| (b.area(), 2.4)).collect();
    all.extend([layout.hand, layout.name].into_iter().flatten().map(|a| (a.area(), 2.0)));
    all.extend([(QR_A, 2.0), (QR_B, 2.0)]);
    let half = MARK_SIZE / 2.0;
    all.extend(
        MARK_CENTRES
            .map(|(x, y)| (Area { x: x - half, y: y - half, width: MARK_SIZE, height: MARK_SIZE }, 2.0)),
    );
    all
}

fn sampled(bitmap: &Bitmap, fit: &Fit, streaks: &Streaks, columns: usize, rows: usize) -> Vec<bool> {
    let mut ink = vec![false; columns * rows];
    let mut single = Vec::new();
    for (at, cell) in ink.iter_mut().enumerate() {
        let x = REGION.x + (at % columns) as f32 * CELL + CELL / 2.0;
        let y = REGION.y + (at / columns) as f32 * CELL + CELL / 2.0;
        let (px, py) = fit.map(x, y);
        if bitmap.is_black_mm(px, py) {
            *cell = !streaks.covers(px, py);
            if *cell && bitmap.is_single_mm(px, py) {
                single.push(at);
            }
        }
    }
    // The dots of a halftone fall into step with the cells and seem to be lines. Few single dots are dirt or the end of
    // a stroke and stay.
    if single.len() as f32 > HALFTONE * ink.len() as f32 {
        for at in single {
            ink[at] = false;
        }
    }
    ink
}

/// A line that goes on to the right, at most one cell up or down a step.
fn long_line(ink: &[bool], columns: usize) -> Option<Area> {
    let rows = ink.len() / columns;
    let most = (LONGEST_LINE / CELL) as u16;
    let mut before = vec![0_u16; rows + 2];
    let mut here = vec![0_u16; rows + 2];
    for x in 0..columns {
        for y in 0..rows {
            here[y + 1] =
                if ink[y * columns + x] { 1 + before[y].max(before[y + 1]).max(before[y + 2]) } else { 0 };
            if here[y + 1] >= most {
                return Some(Area {
                    x: REGION.x + (x + 1 - usize::from(most)) as f32 * CELL,
                    y: REGION.y + y as f32 * CELL - 1.0,
                    width: LONGEST_LINE,
                    height: 2.0,
                });
            }
        }
        std::mem::swap(&mut before, &mut here);
    }
    None
}

/// Ink that hangs together and is higher than print. The cells are used up.
fn tall_shape(ink: &mut [bool], columns: usize) -> Option<Area> {
    let rows = ink.len() / columns;
    let mut open = Vec::new();
    for start in 0..ink.len() {
        if !ink[start] {
            continue;
        }
        ink[start] = false;
        open.push(start);
        let (mut left, mut right) = (start % columns, start % columns);
        let (top, mut bottom) = (start / columns, start / columns);
        while let Some(at) = open.pop() {
            let (x, y) = (at % columns, at / columns);
            left = left.min(x);
            right = right.max(x);
            bottom = bottom.max(y);
            let mut visit = |next: usize| {
                if ink[next] {
                    ink[next] = false;
                    open.push(next);
                }
            };
            if x > 0 {
                visit(at - 1);
            }
            if x + 1 < columns {
                visit(at + 1);
            }
            if y > 0 {
                visit(at - columns);
            }
            if y + 1 < rows {
                visit(at + columns);
            }
        }
        let (width, height) = ((right - left + 1) as f32 * CELL, (bottom - top + 1) as f32 * CELL);
        if height > HIGHEST_PRINT {
            return Some(Area {
                x: REGION.x + left as f32 * CELL,
                y: REGION.y + top as f32 * CELL,
                width,
                height,
            });
        }
    }
    None
}
