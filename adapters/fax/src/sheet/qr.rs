//! Our QR in two ways: sampled at a place that is known, which survives what a FAX does to a page, and
//! searched freely, which needs no marks (fax-loop.md section 5, steps 4 and 5). A text that is not a
//! well-formed code of ours is nothing.

use super::bitmap::Bitmap;
use super::corners::is_affordable;
use super::geometry::{Area, QR_A, QR_B, QR_MODULES};
use super::marks::Fit;
use kakehashi_core::reply_code::QrPlace;
use kakehashi_core::sheet_form::{SheetCode, SheetForm};
use rqrr::{Grid, PreparedImage, SimpleGrid};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Shifts in modules that are tried when the exact place does not decode.
const SHIFTS: [(f32, f32); 13] = [
    (0.0, 0.0),
    (0.3, 0.0),
    (-0.3, 0.0),
    (0.0, 0.3),
    (0.0, -0.3),
    (0.3, 0.3),
    (-0.3, -0.3),
    (0.3, -0.3),
    (-0.3, 0.3),
    (0.6, 0.0),
    (-0.6, 0.0),
    (0.0, 0.6),
    (0.0, -0.6),
];

/// A freely found code.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Hit {
    pub(super) code: SheetCode,
    pub(super) orientation: u16,
    /// In millimetres of the picture: top left of the code as it is printed, then clockwise.
    pub(super) corners: [(f32, f32); 4],
}

/// Reads the code at a known place: the majority of 5×5 points of each module.
pub(super) fn sample(bitmap: &Bitmap, fit: &Fit, area: Area) -> Option<SheetCode> {
    // Most of the points, and few or very few of them where black came back as halftone dots or as their edges.
    [12, 6, 3].into_iter().find_map(|bar| sample_over(bitmap, fit, area, bar))
}

fn sample_over(bitmap: &Bitmap, fit: &Fit, area: Area, bar: i32) -> Option<SheetCode> {
    let module = area.width / QR_MODULES as f32;
    SHIFTS.iter().find_map(|(dx, dy)| {
        let black = |column: usize, row: usize| {
            let mut votes = 0;
            for i in 0..5 {
                for j in 0..5 {
                    let inside = |k: i32| 0.18 + 0.16 * k as f32;
                    let x = area.x + (column as f32 + inside(i) + dx) * module;
                    let y = area.y + (row as f32 + inside(j) + dy) * module;
                    let (px, py) = fit.map(x, y);
                    votes += i32::from(bitmap.is_black_mm(px, py));
                }
            }
            votes > bar
        };
        let grid = SimpleGrid::from_func(QR_MODULES, black);
        decode(|| Grid::new(grid.clone()).decode().ok().map(|(_, text)| text))
    })
}

/// All our codes on the page, wherever they are. The picture is made of square dots first: without
/// that hardly any is found.
pub(super) fn search(bitmap: &Bitmap) -> Vec<Hit> {
    let per_mm = bitmap.x_per_mm.max(bitmap.y_per_mm).min(8.5);
    let width = (bitmap.width as f32 / bitmap.x_per_mm * per_mm).round() as usize;
    let height = (bitmap.height as f32 / bitmap.y_per_mm * per_mm).round() as usize;
    if width < 60 || height < 60 || width.saturating_mul(height) > 40_000_000 {
        return Vec::new();
    }
    let (sx, sy) = (bitmap.width as f32 / width as f32, bitmap.height as f32 / height as f32);
    let mut dots: Vec<bool> = (0..width * height)
        .map(|at| bitmap.is_black(((at % width) as f32 + 0.5) * sx, ((at / width) as f32 + 0.5) * sy))
        .collect();
    if !is_affordable(&dots, width) {
        dots = smoothed(&dots, width);
        if !is_affordable(&dots, width) {
            return Vec::new();
        }
    }
    let found =
        catch_unwind(AssertUnwindSafe(|| {
            let mut prepared = PreparedImage::prepare_from_greyscale(width, height, |x, y| {
                if dots[y * width + x] { 0 } else { 255 }
            });
            let grids = prepared.detect_grids();
            grids
                .iter()
                .take(16)
                .filter_map(|grid| {
                    let (_, text) = grid.decode().ok()?;
                    Some((text, grid.bounds.map(|p| (p.x as f32 / per_mm, p.y as f32 / per_mm))))
                })
                .collect::<Vec<_>>()
        }));
    let size = (width as f32 / per_mm, height as f32 / per_mm);
    found
        .unwrap_or_default()
        .into_iter()
        .filter_map(|(text, bounds)| {
            let code = SheetCode::parse(&text)?;
            let orientation = orientation(bounds[0], bounds[1]);
            // A slip may be pasted anywhere.
            let free = code.form == SheetForm::PasteSlip;
            (free || fits_place(code.place, orientation, bounds, size)).then_some(Hit {
                code,
                orientation,
                corners: bounds,
            })
        })
        .collect()
}

/// What most of the nine places around each one are: dots of a halftone or of noise go, modules of a code stay.
fn smoothed(dots: &[bool], width: usize) -> Vec<bool> {
    let mut out = vec![false; dots.len()];
    for (n, rows) in dots.chunks_exact(width).collect::<Vec<_>>().windows(3).enumerate() {
        for x in 1..width - 1 {
            let black = rows.iter().flat_map(|row| &row[x - 1..x + 2]).filter(|d| **d).count();
            out[(n + 1) * width + x] = black >= 5;
        }
    }
    out
}

/// From the direction of the upper edge, to the nearest quarter.
fn orientation(top_left: (f32, f32), top_right: (f32, f32)) -> u16 {
    let angle = (top_right.1 - top_left.1).atan2(top_right.0 - top_left.0).to_degrees();
    // A page that was turned by `angle` must be turned back.
    match ((-angle / 90.0).round() as i32).rem_euclid(4) {
        1 => 90,
        2 => 180,
        3 => 270,
        _ => 0,
    }
}

/// Whether the letter belongs where the QR lies. Loose, since pages are cut and photographed: it only
/// has to be nearer to its own place than the other letter would be.
fn fits_place(place: QrPlace, orientation: u16, bounds: [(f32, f32); 4], size: (f32, f32)) -> bool {
    let centre = bounds.iter().fold((0.0, 0.0), |sum, p| (sum.0 + p.0 / 4.0, sum.1 + p.1 / 4.0));
    let (x, y, width, height) = match orientation {
        90 => (size.1 - centre.1, centre.0, size.1, size.0),
        180 => (size.0 - centre.0, size.1 - centre.1, size.0, size.1),
        270 => (centre.1, size.0 - centre.0, size.1, size.0),
        _ => (centre.0, centre.1, size.0, size.1),
    };
    // Only a whole page of about A4 can tell.
    if !(185.0..=235.0).contains(&width) || !(260.0..=330.0).contains(&height) {
        return true;
    }
    let distance = |area: Area| (area.x + area.width / 2.0 - x).hypot(area.y + area.height / 2.0 - y);
    let (own, other) = match place {
        QrPlace::A => (QR_A, QR_B),
        QrPlace::B => (QR_B, QR_A),
    };
    distance(own) <= distance(other)
}

/// The decoder reads dirt; should it ever panic, the page has no code.
fn decode(read: impl FnOnce() -> Option<String>) -> Option<SheetCode> {
    let text = catch_unwind(AssertUnwindSafe(read)).ok().flatten()?;
    SheetCode::parse(&text)
}
