//! Whether a page would have shown a light pencil at all. A machine that makes black and white by a threshold drops
//! pencil without a trace, so an empty box on such a page proves nothing; one that renders grey strews dots over white
//! paper, and pencil lies denser among them. Only there may emptiness act (docs/decisions/0025). Never says `marked`.

use super::bitmap::Bitmap;
use super::geometry::{Area, SheetLayout};
use super::marks::Fit;
use super::patch::BoxView;

/// Least share of black inside every single box: more than dirt and the noise of a line strew over white paper.
const LEAST_GREY: f32 = 0.03;
/// The most by which grey paper varies within a row of the writing area; pencil makes twice as much.
const MOST_UNEVEN: f32 = 0.04;
/// Side of the squares by which the writing area is looked at, in mm.
const SQUARE: f32 = 4.0;
/// Confidence of `empty` where pencil may have been lost; `core::sheet_answer` wants more to act on emptiness.
pub(super) const PENCIL_MAY_BE_LOST: f32 = 0.9;

/// What tells whether grey is there and lies evenly.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Grey {
    /// Share of black inside the whitest box.
    least: f32,
    /// The most by which a square of the writing area is darker than its row is elsewhere.
    uneven: f32,
}

impl Grey {
    /// Of a page with these boxes.
    pub(super) fn of(bitmap: &Bitmap, fit: &Fit, layout: &SheetLayout, views: &[BoxView]) -> Self {
        let least = views.iter().map(|v| v.ink).min_by(f32::total_cmp).unwrap_or(0.0);
        // Most pages have no grey, and then the writing area tells nothing.
        let uneven = match layout.hand {
            Some(area) if least >= LEAST_GREY => uneven(bitmap, fit, area.area()),
            _ => 0.0,
        };
        Self { least, uneven }
    }

    /// Whether a light pencil would have left something in the boxes, and left nothing where one writes.
    pub(super) fn shows_pencil(self) -> bool {
        self.least >= LEAST_GREY && self.uneven <= MOST_UNEVEN
    }
}

/// Rows are compared within themselves, because a rule may be printed in one.
fn uneven(bitmap: &Bitmap, fit: &Fit, area: Area) -> f32 {
    const STEP: f32 = 1.0;
    // The frame, and what printing and scanning moved.
    let edge = SQUARE / 2.0 + 2.0;
    let steps = |length: f32| ((length - 2.0 * edge) / STEP).max(0.0) as usize + 1;
    let mut most = 0.0_f32;
    for row in 0..steps(area.height) {
        let mut dark: Vec<f32> = (0..steps(area.width))
            .map(|column| {
                let (x, y) = (area.x + edge + column as f32 * STEP, area.y + edge + row as f32 * STEP);
                let (px, py) = fit.map(x, y);
                let (black, all) = bitmap.square(px, py, SQUARE / 2.0);
                black as f32 / all as f32
            })
            .collect();
        dark.sort_unstable_by(f32::total_cmp);
        if let (Some(darkest), Some(usual)) = (dark.last(), dark.get(dark.len() / 4)) {
            most = most.max(darkest - usual);
        }
    }
    most
}
