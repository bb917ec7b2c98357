//! Machines that only the training sees: other bars between black and white, other ways of making dots, light that
//! smears down the page. None of them is one of those that are held back for measuring.

use crate::machine::{Halftone, Scanner};
use crate::rng::Rng;

/// Some machine changed into one of a kind that is rarer.
pub(crate) fn rarer(from: Scanner, rng: &mut Rng) -> Scanner {
    let mut to = from;
    if rng.chance(0.4) {
        to.threshold = rng.range(65.0, 200.0);
        to.white = rng.range(to.threshold.max(185.0) + 20.0, 255.0);
        to.black = rng.range(0.0, 85.0_f32.min(to.threshold - 10.0));
    }
    if rng.chance(0.3) {
        to.halftone = match rng.below(3) {
            0 => Halftone::Noisy(rng.range(10.0, 35.0)),
            1 => Halftone::Atkinson,
            _ => Halftone::Diffusion,
        };
    }
    if rng.chance(0.3) {
        to.lag = rng.range(0.1, 0.5);
    }
    if rng.chance(0.3) {
        to.blur = true;
        to.sharpen = rng.range(0.0, 1.2);
    }
    if rng.chance(0.2) {
        to.swell =
            [(1, 0), (1, 1), (-1, 0), (2, 1), (-1, -1)][rng.below(if to.y_dpi < 150.0 { 2 } else { 5 })];
    }
    if to.swell == (0, 0) && rng.chance(0.2) {
        to.salt = (rng.unit().powi(2) * 0.01, rng.unit().powi(2) * 0.05);
    }
    to
}

/// Bill Atkinson's way of spreading the error: three quarters of it, to six neighbours.
pub(crate) fn atkinson(grey: &[f32], width: usize) -> Vec<bool> {
    let mut work = grey.to_vec();
    let mut out = vec![false; work.len()];
    for at in 0..work.len() {
        let black = work[at] < 128.0;
        out[at] = black;
        let error = (work[at] - if black { 0.0 } else { 255.0 }) / 8.0;
        for next in [at + 1, at + 2, at + width - 1, at + width, at + width + 1, at + 2 * width] {
            if let Some(slot) = work.get_mut(next) {
                *slot += error;
            }
        }
    }
    out
}

/// A bar that is another one for every dot, as scattered dots have it.
pub(crate) fn noisy(grey: &[f32], bar: f32, spread: f32, rng: &mut Rng) -> Vec<bool> {
    grey.iter().map(|g| *g < bar + spread * (rng.unit() - 0.5)).collect()
}

/// Light of the row before that is still there.
pub(crate) fn smear(grey: &mut [f32], width: usize, share: f32) {
    for at in width..grey.len() {
        grey[at] += (grey[at - width] - grey[at]) * share;
    }
}
