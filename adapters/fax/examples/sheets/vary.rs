//! No picture is learnt twice alike: each is moved by parts of a cell, stretched, sheared and turned a little, made
//! lighter or darker and rougher, and the usual one of its page with it. That holds for every kind of mark.

use crate::rng::Rng;
use kakehashi_fax::sheet::classifier::{INPUTS, Patch, SIDE};

/// Side with a border of one white cell.
pub(crate) const BORDERED: usize = SIDE + 2;

/// What goes into the first layer: box and usual box side by side, with a border.
pub(crate) struct Picture {
    pub(crate) cells: Vec<f32>,
}

impl Picture {
    pub(crate) fn new() -> Self {
        Self { cells: vec![0.0; BORDERED * BORDERED * INPUTS] }
    }

    /// As it is.
    pub(crate) fn set(&mut self, patch: &Patch, usual: &Patch) {
        for (n, from) in [patch, usual].into_iter().enumerate() {
            for (at, cell) in from.cells().iter().enumerate() {
                self.cells[slot(at % SIDE, at / SIDE) + n] = f32::from(*cell) / 255.0;
            }
        }
    }
}

const fn slot(x: usize, y: usize) -> usize {
    ((y + 1) * BORDERED + x + 1) * INPUTS
}

/// Another look of the same picture.
pub(crate) fn vary(patch: &Patch, usual: &Patch, out: &mut Picture, rng: &mut Rng) {
    // One of eight stays as it was cut.
    if rng.chance(0.125) {
        out.set(patch, usual);
        return;
    }
    let spread = |most: f32, rng: &mut Rng| rng.range(-most, most);
    let (right, down) = (spread(1.3, rng), spread(1.3, rng));
    let (wide, high) = (1.0 + spread(0.04, rng), 1.0 + spread(0.04, rng));
    let (shear, turn) = (spread(0.04, rng), spread(0.03, rng));
    let gain = if rng.chance(0.5) { rng.range(0.8, 1.25) } else { 1.0 };
    let rough = if rng.chance(0.3) { rng.range(0.02, 0.15) } else { 0.0 };
    let middle = (SIDE as f32 - 1.0) / 2.0;
    let line = |of: &Patch| {
        // Two white cells around, so that nothing outside is asked for.
        let mut wide = [0.0_f32; (SIDE + 4) * (SIDE + 4)];
        for (y, row) in of.cells().chunks_exact(SIDE).enumerate() {
            for (x, cell) in row.iter().enumerate() {
                wide[(y + 2) * (SIDE + 4) + x + 2] = f32::from(*cell) / 255.0;
            }
        }
        wide
    };
    let (box_, usual) = (line(patch), line(usual));
    let most = (SIDE + 2) as f32;
    for y in 0..SIDE {
        for x in 0..SIDE {
            let (dx, dy) = (x as f32 - middle, y as f32 - middle);
            let u = (dx * wide + dy * (shear + turn) + middle + right + 2.0).clamp(0.0, most);
            let v = (dy * high - dx * turn + middle + down + 2.0).clamp(0.0, most);
            let (left, top) = (u as usize, v as usize);
            let (a, b) = (u - left as f32, v - top as f32);
            let at = top * (SIDE + 4) + left;
            let mix = |from: &[f32]| {
                let (above, below) = (&from[at..at + 2], &from[at + SIDE + 4..at + SIDE + 6]);
                let above = above[0] + (above[1] - above[0]) * a;
                let below = below[0] + (below[1] - below[0]) * a;
                ((above + (below - above) * b) * gain).min(1.0)
            };
            let to = slot(x, y);
            let ink = mix(&box_);
            let grain = if rough > 0.0 && ink > 0.0 { rough * spread(1.0, rng) } else { 0.0 };
            out.cells[to] = (ink + grain).clamp(0.0, 1.0);
            out.cells[to + 1] = mix(&usual);
        }
    }
    if rng.chance(0.3) {
        swell(out, rng.range(-0.35, 0.35));
    }
    if rng.chance(0.2) {
        let power = rng.range(0.6, 1.6);
        out.cells.iter_mut().filter(|v| **v > 0.0 && **v < 1.0).for_each(|v| *v = v.powf(power));
    }
    if rng.chance(0.15) {
        for _ in 0..1 + rng.below(6) {
            let at = slot(rng.below(SIDE), rng.below(SIDE));
            out.cells[at] = rng.unit();
        }
    }
    if rng.chance(0.06) {
        lose_row(out, rng);
    }
}

/// Strokes a little broader, or thinner: part of the way to the most, or the least, of the four neighbours.
fn swell(out: &mut Picture, part: f32) {
    let from = out.cells.clone();
    for y in 0..SIDE {
        for x in 0..SIDE {
            let at = slot(x, y);
            for n in at..at + INPUTS {
                let around = [n - INPUTS, n + INPUTS, n - BORDERED * INPUTS, n + BORDERED * INPUTS];
                let most = around.iter().fold(from[n], |most, a| {
                    if part > 0.0 { most.max(from[*a]) } else { most.min(from[*a]) }
                });
                out.cells[n] += (most - from[n]) * part.abs();
            }
        }
    }
}

/// A row that the line lost: the rows below move up.
fn lose_row(out: &mut Picture, rng: &mut Rng) {
    let lost = rng.below(SIDE - 1);
    for y in lost..SIDE - 1 {
        for x in 0..SIDE {
            out.cells[slot(x, y)] = out.cells[slot(x, y + 1)];
        }
    }
}
