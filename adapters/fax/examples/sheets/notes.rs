//! What is written across a box and is no tick: notes, seals, signs.

use crate::marks::{about, ellipse};
use crate::paper::{Paper, Pen};
use crate::rng::Rng;
use kakehashi_fax::sheet::geometry::Area;
use std::f32::consts::TAU;

/// A seal: a ring with dense strokes in it.
fn seal(paper: &mut Paper, area: Area, rng: &mut Rng) {
    let at = about(area, 0.3, rng);
    let r = rng.range(3.5, 6.5);
    let ink = Pen {
        width: rng.range(0.3, 0.6),
        black: rng.range(0.5, 0.95),
        gaps: rng.range(0.0, 0.4),
        taper: 0.0,
    };
    paper.stroke(&ellipse((at.x, at.y), r, r, 0.0, TAU, 0.0), ink, false, rng);
    for _ in 0..8 + rng.below(8) {
        let from = (at.x + r * rng.range(-0.6, 0.6), at.y + r * rng.range(-0.6, 0.6));
        let to = if rng.chance(0.5) {
            (at.x + r * rng.range(-0.6, 0.6), from.1)
        } else {
            (from.0, at.y + r * rng.range(-0.6, 0.6))
        };
        paper.stroke(&[from, to], ink, true, rng);
    }
}

/// A note written across the box: strokes as kanji and kana have them.
pub(crate) fn text(paper: &mut Paper, area: Area, pen: Pen, held: bool, rng: &mut Rng) {
    if rng.chance(0.2) {
        seal(paper, area, rng);
        return;
    }
    if !held && rng.chance(0.45) {
        sign(paper, area, pen, rng);
        return;
    }
    let at = about(area, 0.3, rng);
    let size = rng.range(2.5, 7.0);
    let count = 2 + rng.below(4);
    let start = at.x - size * rng.range(0.3, 0.9) * count as f32;
    for n in 0..count {
        let x = start + size * 1.1 * n as f32 + rng.normal() * 0.3;
        let y = at.y - size / 2.0 + rng.normal() * 0.4;
        let strokes = 3 + rng.below(5);
        for _ in 0..strokes {
            let p = |rng: &mut Rng| (x + size * rng.unit(), y + size * rng.unit());
            let a = p(rng);
            let path = if rng.chance(if held { 0.5 } else { 0.25 }) {
                // Round, as kana and figures are.
                let r = size * rng.range(0.15, 0.4);
                ellipse(a, r, r * 1.2, rng.range(0.0, TAU), TAU * rng.range(0.5, 1.1), 0.2)
            } else if rng.chance(0.6) {
                let level = rng.chance(0.5);
                let b = if level {
                    (a.0 + size * rng.range(0.3, 0.8), a.1 + rng.normal() * 0.2)
                } else {
                    (a.0 + rng.normal() * 0.2, a.1 + size * rng.range(0.3, 0.8))
                };
                vec![a, b]
            } else {
                vec![a, p(rng), p(rng)]
            };
            paper.stroke(&path, pen, rng.chance(0.5), rng);
        }
    }
}

type Line = &'static [(f32, f32)];

/// Signs of a few strokes in a square of side 1, none of them like a tick or a circle.
const SIGNS: [&[Line]; 16] = [
    // 1, 2, 3, 4, 5, 7, 8
    &[&[(0.3, 0.2), (0.5, 0.0), (0.5, 1.0)]],
    &[&[(0.1, 0.25), (0.4, 0.0), (0.8, 0.2), (0.6, 0.55), (0.1, 1.0), (0.9, 0.95)]],
    &[&[(0.1, 0.1), (0.6, 0.0), (0.8, 0.25), (0.4, 0.45), (0.85, 0.7), (0.5, 1.0), (0.1, 0.9)]],
    &[&[(0.55, 0.0), (0.1, 0.65), (0.9, 0.65)], &[(0.65, 0.3), (0.65, 1.0)]],
    &[
        &[(0.25, 0.0), (0.2, 0.45), (0.6, 0.4), (0.8, 0.7), (0.5, 1.0), (0.1, 0.9)],
        &[(0.25, 0.0), (0.8, 0.0)],
    ],
    &[&[(0.1, 0.25), (0.1, 0.0), (0.9, 0.0), (0.4, 1.0)]],
    &[&[(0.7, 0.15), (0.4, 0.0), (0.2, 0.2), (0.7, 0.7), (0.5, 1.0), (0.2, 0.8), (0.7, 0.25), (0.75, 0.1)]],
    // An angle, ∧, <, >, =, +, −, a triangle, a square
    &[&[(0.1, 0.0), (0.1, 1.0), (0.95, 1.0)]],
    &[&[(0.0, 0.9), (0.5, 0.1), (1.0, 0.9)]],
    &[&[(0.9, 0.0), (0.1, 0.5), (0.9, 1.0)]],
    &[&[(0.1, 0.0), (0.9, 0.5), (0.1, 1.0)]],
    &[&[(0.1, 0.35), (0.9, 0.35)], &[(0.1, 0.65), (0.9, 0.65)]],
    &[&[(0.5, 0.0), (0.5, 1.0)], &[(0.0, 0.5), (1.0, 0.5)]],
    &[&[(0.0, 0.5), (1.0, 0.5)]],
    &[&[(0.5, 0.0), (0.0, 0.95), (1.0, 0.95), (0.5, 0.0)]],
    &[&[(0.0, 0.0), (0.0, 1.0), (1.0, 1.0), (1.0, 0.0), (0.0, 0.0)]],
];

/// One sign in a box, as somebody may write it who answers with a number. Only the training sees them.
fn sign(paper: &mut Paper, area: Area, pen: Pen, rng: &mut Rng) {
    let sign = SIGNS[rng.below(SIGNS.len())];
    let high = area.height * rng.range(0.35, 0.95);
    let wide = high * rng.range(0.55, 1.1);
    let (x, y) = (
        area.x + (area.width - wide) / 2.0 + rng.normal() * 0.09 * area.width,
        area.y + (area.height - high) / 2.0 + rng.normal() * 0.09 * area.height,
    );
    let lean = rng.range(-0.15, 0.15);
    let sharp = rng.chance(0.6);
    for line in sign {
        let path: Vec<(f32, f32)> = line
            .iter()
            .map(|(u, v)| {
                let (u, v) = (u + rng.normal() * 0.04, v + rng.normal() * 0.04);
                (x + wide * (u - lean * v), y + high * v)
            })
            .collect();
        paper.stroke(&path, pen, sharp, rng);
    }
}
