//! What people and machines leave in and around a box: the kinds of fax-loop.md section 6. Every kind has
//! ways that the training sees and ways that are held back, so that what is measured was never learnt.

use crate::hands::Before;
use crate::notes::text;
use crate::paper::{Paper, Pen};
use crate::rng::Rng;
use crate::strikes::{self, Points};
use kakehashi_fax::sheet::classifier::Class;
use kakehashi_fax::sheet::geometry::Area;
use std::f32::consts::TAU;

/// Kinds of marks, the five that somebody may have meant first, then the twelve that are no tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Check,
    Circle,
    Felt,
    Light,
    Filled,
    Cross,
    Ring,
    Empty,
    Scribble,
    Strike1,
    Strike2,
    Overflow,
    Stray,
    Dot,
    Stain,
    Text,
    GlassLine,
}

impl Kind {
    pub(crate) const ALL: [Self; 17] = [
        Self::Check,
        Self::Circle,
        Self::Felt,
        Self::Light,
        Self::Filled,
        Self::Cross,
        Self::Ring,
        Self::Empty,
        Self::Scribble,
        Self::Strike1,
        Self::Strike2,
        Self::Overflow,
        Self::Stray,
        Self::Dot,
        Self::Stain,
        Self::Text,
        Self::GlassLine,
    ];

    /// Whether a 了解 read from it is false.
    pub(crate) fn is_no_tick(self) -> bool {
        self >= Self::Cross
    }

    /// Whether lines strike it out.
    pub(crate) fn is_struck(self) -> bool {
        matches!(self, Self::Strike1 | Self::Strike2)
    }

    /// What the classifier shall say. Pencil that has nearly gone is decided by what is left of it.
    pub(crate) const fn class(self) -> Class {
        match self {
            Self::Check | Self::Circle | Self::Felt | Self::Light => Class::Marked,
            Self::Scribble | Self::Strike1 | Self::Strike2 => Class::Corrected,
            Self::Empty => Class::Empty,
            Self::Dot | Self::Stain | Self::GlassLine => Class::Dirt,
            // A hand was here; what it meant is for a person.
            Self::Filled | Self::Cross | Self::Ring | Self::Overflow | Self::Stray | Self::Text => {
                Class::Unsure
            }
        }
    }
}

/// Draws one kind at one box. `held` chooses the ways that training never sees. Tells the places that show a mark was
/// struck out.
pub(crate) fn draw(paper: &mut Paper, kind: Kind, area: Area, held: bool, rng: &mut Rng) -> Points {
    let pen = pen(held, rng);
    let before = (!held && kind != Kind::Empty && rng.chance(0.4)).then(|| Before::of(paper, area));
    let places = match kind {
        Kind::Strike1 => strikes::struck(paper, area, pen, 1, held, rng),
        Kind::Strike2 => strikes::struck(paper, area, pen, 2, held, rng),
        _ => {
            unstruck(paper, kind, area, pen, held, rng);
            Points::new()
        }
    };
    if let Some(before) = before {
        before.roughen(paper, rng);
    }
    places
}

fn unstruck(paper: &mut Paper, kind: Kind, area: Area, pen: Pen, held: bool, rng: &mut Rng) {
    match kind {
        Kind::Empty | Kind::Strike1 | Kind::Strike2 => {}
        Kind::Check => drop(check(paper, area, pen, held, rng)),
        Kind::Circle => drop(circle(paper, area, pen, held, rng)),
        Kind::Felt => {
            let felt = Pen { width: rng.range(0.9, 1.9), black: 1.0, gaps: 0.0, taper: 0.0 };
            if rng.chance(0.75) {
                check(paper, area, felt, held, rng);
            } else {
                circle(paper, area, felt, held, rng);
            }
        }
        Kind::Light => {
            let pencil = Pen {
                width: rng.range(0.3, 0.7),
                black: rng.range(0.25, 0.6),
                gaps: rng.range(0.0, if held { 0.5 } else { 0.3 }),
                taper: 0.0,
            };
            check(paper, area, pencil, held, rng);
        }
        Kind::Filled => filled(paper, area, held, rng),
        Kind::Cross => cross(paper, area, pen, held, rng),
        Kind::Ring => ring(paper, area, pen, held, rng),
        Kind::Scribble => scribble(paper, area, pen, held, rng),
        Kind::Overflow => overflow(paper, area, pen, held, rng),
        Kind::Stray => stray(paper, area, pen, held, rng),
        Kind::Dot => dot(paper, area, pen, held, rng),
        Kind::Stain => stain(paper, area, held, rng),
        Kind::Text => text(paper, area, pen, held, rng),
        Kind::GlassLine => glass_line(paper, area, held, rng),
    }
}

/// Ball pens and gel pens; held back are dry pens and brush pens.
fn pen(held: bool, rng: &mut Rng) -> Pen {
    let even = Pen { width: rng.range(0.35, 0.85), black: rng.range(0.75, 1.0), gaps: 0.0, taper: 0.0 };
    if held {
        match rng.below(3) {
            0 => Pen { gaps: rng.range(0.1, 0.35), ..even },
            1 => Pen { width: rng.range(0.6, 1.3), taper: rng.range(0.4, 0.8), ..even },
            _ => even,
        }
    } else if rng.chance(0.2) {
        Pen { gaps: rng.range(0.0, 0.15), taper: rng.range(0.0, 0.4), ..even }
    } else if rng.chance(0.12) {
        // A broad or a fine one.
        Pen { width: if rng.chance(0.5) { rng.range(0.25, 0.4) } else { rng.range(0.8, 1.4) }, ..even }
    } else if rng.chance(0.12) {
        // A ball pen that writes grey.
        Pen { width: rng.range(0.3, 0.55), black: rng.range(0.6, 0.85), ..even }
    } else {
        even
    }
}

pub(crate) struct Place {
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) side: f32,
}

/// Somewhere about the middle of the box.
pub(crate) fn about(area: Area, slip: f32, rng: &mut Rng) -> Place {
    Place {
        x: area.x + area.width / 2.0 + rng.normal() * slip * area.width,
        y: area.y + area.height / 2.0 + rng.normal() * slip * area.height,
        side: area.width,
    }
}

/// レ and ✓: a short arm down, a longer one up to the right, which may leave the box. Tells where it runs.
pub(crate) fn check(
    paper: &mut Paper,
    area: Area,
    pen: Pen,
    held: bool,
    rng: &mut Rng,
) -> Vec<Vec<(f32, f32)>> {
    let at = about(area, 0.07, rng);
    // Hands that training sees lean and bend more than those that are measured.
    let free = !held && rng.chance(0.3);
    let size = at.side * if rng.chance(0.15) { rng.range(0.85, 1.15) } else { rng.range(0.42, 0.85) };
    let lean = if free { rng.range(-0.3, 0.3) } else { rng.range(-0.15, 0.15) };
    let point = |x: f32, y: f32| (at.x + size * (x + lean * y), at.y + size * y);
    let bottom = rng.range(0.3, 0.5);
    let vertex_x = rng.range(-0.3, 0.02);
    let left = (vertex_x - rng.range(0.12, 0.4), bottom - rng.range(0.25, 0.75));
    let right = (vertex_x + rng.range(0.45, 1.0), bottom - rng.range(0.7, 1.25));
    let right = if free { (right.0 * rng.range(0.9, 1.25), right.1 + rng.range(-0.2, 0.1)) } else { right };
    let bend = if free { rng.range(-0.15, 0.15) } else { rng.range(-0.08, 0.08) };
    let middle =
        |a: (f32, f32), b: (f32, f32), bend: f32| ((a.0 + b.0) / 2.0 + bend, (a.1 + b.1) / 2.0 + bend);
    let vertex = (vertex_x, bottom);
    if rng.chance(if held { 0.5 } else { 0.25 }) {
        // A hook before the first arm, a round bottom.
        let hook = (left.0 - rng.range(0.05, 0.15), left.1 + rng.range(0.05, 0.2));
        let round = (vertex.0 + 0.12, vertex.1 - 0.03);
        let path = [hook, left, vertex, round, middle(round, right, bend), right].map(|p| point(p.0, p.1));
        paper.stroke(&path, pen, false, rng);
        vec![path.to_vec()]
    } else if rng.chance(0.5) {
        let path = [left, vertex, right].map(|p| point(p.0, p.1));
        paper.stroke(&path, pen, true, rng);
        vec![path.to_vec()]
    } else {
        let down = [left, middle(left, vertex, bend / 2.0), vertex].map(|p| point(p.0, p.1));
        let up = [vertex, middle(vertex, right, bend), right].map(|p| point(p.0, p.1));
        paper.stroke(&down, pen, false, rng);
        paper.stroke(&up, pen, false, rng);
        vec![down.to_vec(), up.to_vec()]
    }
}

pub(crate) fn ellipse(
    centre: (f32, f32),
    rx: f32,
    ry: f32,
    from: f32,
    turn: f32,
    drift: f32,
) -> Vec<(f32, f32)> {
    (0..=20)
        .map(|i| {
            let t = i as f32 / 20.0;
            let angle = from + turn * t;
            let grow = 1.0 + drift * t;
            (centre.0 + rx * grow * angle.cos(), centre.1 + ry * grow * angle.sin())
        })
        .collect()
}

/// ○ inside the box, with a gap or an overlap where it closes. Tells where it runs.
pub(crate) fn circle(
    paper: &mut Paper,
    area: Area,
    pen: Pen,
    held: bool,
    rng: &mut Rng,
) -> Vec<Vec<(f32, f32)>> {
    let at = about(area, 0.05, rng);
    let r = at.side * rng.range(0.22, 0.42);
    let turn = if held { rng.range(0.88, 1.35) } else { rng.range(0.94, 1.15) } * TAU;
    let squeeze = rng.range(0.75, 1.25);
    let from = rng.range(-2.4, 0.4);
    let path = ellipse(
        (at.x, at.y),
        r * squeeze.min(1.1),
        r / squeeze.max(0.9),
        from,
        -turn,
        rng.range(-0.12, 0.12),
    );
    paper.stroke(&path, pen, false, rng);
    vec![path]
}

fn filled(paper: &mut Paper, area: Area, held: bool, rng: &mut Rng) {
    let pen = Pen { width: rng.range(0.7, 1.3), black: rng.range(0.8, 1.0), gaps: 0.0, taper: 0.0 };
    let inset = rng.range(0.4, 1.4);
    let (w, h) = (area.width - 2.0 * inset, area.height - 2.0 * inset);
    let rows = (h / rng.range(0.5, 0.9)) as usize;
    let slant = if held { rng.range(0.5, 1.5) } else { rng.range(0.0, 0.5) };
    let mut path = Vec::new();
    for row in 0..=rows {
        let y = area.y + inset + h * row as f32 / rows.max(1) as f32;
        let near = |x: f32| x + 0.2;
        let (l, r) = (near(area.x + inset), near(area.x + inset + w));
        path.push(if row % 2 == 0 { (l, y) } else { (r, y - slant) });
    }
    paper.stroke(&path, pen, true, rng);
}

fn cross(paper: &mut Paper, area: Area, pen: Pen, held: bool, rng: &mut Rng) {
    let at = about(area, 0.06, rng);
    let size = at.side * rng.range(0.25, 0.5);
    let turn = if held && rng.chance(0.5) { rng.range(0.6, 0.95) } else { rng.range(-0.25, 0.25) };
    let count = if held && rng.chance(0.25) { 3 } else { 2 };
    for n in 0..count {
        let angle = turn + TAU / 8.0 + TAU / 2.0 * n as f32 / count as f32;
        let (dx, dy) = (angle.cos() * size * rng.range(0.8, 1.2), angle.sin() * size * rng.range(0.8, 1.2));
        let bend = (at.x + rng.normal() * 0.15, at.y + rng.normal() * 0.15);
        paper.stroke(&[(at.x - dx, at.y - dy), bend, (at.x + dx, at.y + dy)], pen, false, rng);
    }
}

/// A circle around the box: perhaps meant, perhaps not.
fn ring(paper: &mut Paper, area: Area, pen: Pen, held: bool, rng: &mut Rng) {
    let at = about(area, 0.06, rng);
    let (rx, ry) = (at.side * rng.range(0.6, 1.1), at.side * rng.range(0.55, 0.8));
    let wide = if held && rng.chance(0.4) { at.side * 1.2 } else { 0.0 };
    let rounds = if held && rng.chance(0.4) { 2 } else { 1 };
    for _ in 0..rounds {
        let path = ellipse(
            (at.x + wide, at.y),
            rx + wide,
            ry * rng.range(0.9, 1.1),
            rng.range(0.0, TAU),
            -TAU * rng.range(0.9, 1.15),
            rng.range(-0.08, 0.08),
        );
        paper.stroke(&path, pen, false, rng);
    }
}

fn scribble(paper: &mut Paper, area: Area, pen: Pen, held: bool, rng: &mut Rng) {
    let at = about(area, 0.05, rng);
    if rng.chance(0.5) {
        check(paper, area, pen, held, rng);
    }
    let (w, h) = (at.side * rng.range(0.3, 0.65), at.side * rng.range(0.2, 0.5));
    if rng.chance(if held { 0.5 } else { 0.3 }) {
        let path: Vec<_> = (0..48)
            .map(|i| {
                let angle = i as f32 * 0.5;
                let r = 0.35 + 0.65 * (i as f32 * 0.37).sin().abs();
                (at.x + w * r * angle.cos(), at.y + h * r * angle.sin() + rng.normal() * 0.1)
            })
            .collect();
        paper.stroke(&path, pen, false, rng);
    } else {
        let count = 5 + rng.below(9);
        let path: Vec<_> = (0..count)
            .map(|i| {
                let x = at.x - w + 2.0 * w * i as f32 / (count - 1) as f32 + rng.normal() * 0.3;
                let up = if i % 2 == 0 { -1.0 } else { 1.0 };
                (x, at.y + up * h * rng.range(0.6, 1.2))
            })
            .collect();
        paper.stroke(&path, pen, rng.chance(0.5), rng);
    }
}

/// The end of a stroke that belongs to a neighbour.
fn overflow(paper: &mut Paper, area: Area, pen: Pen, held: bool, rng: &mut Rng) {
    let at = about(area, 0.12, rng);
    let side = at.side;
    // Mostly the long arm of a tick below or to the left.
    let direction = if held { rng.range(0.0, TAU) } else { TAU * rng.range(0.25, 0.55) };
    let from = (
        at.x + direction.cos() * side * rng.range(0.9, 1.6),
        at.y + direction.sin() * side * rng.range(0.9, 1.6),
    );
    let end = (at.x + rng.normal() * side * 0.15, at.y + rng.normal() * side * 0.15);
    let bend = ((from.0 + end.0) / 2.0 + rng.normal() * 0.5, (from.1 + end.1) / 2.0 + rng.normal() * 0.5);
    paper.stroke(&[from, bend, end], pen, false, rng);
    if rng.chance(0.5) {
        let tail = (from.0 - rng.range(0.8, 2.5), from.1 - rng.range(0.8, 2.5));
        paper.stroke(&[tail, from], pen, true, rng);
    }
}

/// A line that goes through and belongs to nothing.
fn stray(paper: &mut Paper, area: Area, pen: Pen, held: bool, rng: &mut Rng) {
    let at = about(area, 0.16, rng);
    let angle = rng.range(0.0, TAU);
    let reach = at.side * rng.range(0.8, 2.2);
    let inside = rng.chance(0.35);
    let bend = if held { rng.range(0.5, 2.5) } else { rng.range(0.0, 0.8) } * rng.normal().signum();
    let (dx, dy) = (angle.cos(), angle.sin());
    let start = (at.x - dx * reach, at.y - dy * reach);
    let go = if inside { rng.range(0.0, 0.3) * at.side } else { reach };
    let end = (at.x + dx * go, at.y + dy * go);
    let middle = ((start.0 + end.0) / 2.0 - dy * bend, (start.1 + end.1) / 2.0 + dx * bend);
    let ink = if held && rng.chance(0.3) { Pen { width: 0.25, black: 0.7, ..pen } } else { pen };
    paper.stroke(&[start, middle, end], ink, false, rng);
}

/// The pen rested here.
pub(crate) fn dot(paper: &mut Paper, area: Area, pen: Pen, held: bool, rng: &mut Rng) {
    let count = if held { 1 + rng.below(3) } else { 1 + rng.below(2) };
    for _ in 0..count {
        let at = about(area, 0.17, rng);
        let radius = rng.range(0.2, 0.9);
        paper.dab((at.x, at.y), radius, pen, rng);
        if held && rng.chance(0.5) || rng.chance(0.3) {
            let end = (at.x + rng.normal() * 0.7, at.y + rng.normal() * 0.7);
            paper.stroke(&[(at.x, at.y), end], pen, true, rng);
        }
    }
}

/// What was spilt or smeared.
pub(crate) fn stain(paper: &mut Paper, area: Area, held: bool, rng: &mut Rng) {
    let at = about(area, 0.25, rng);
    let black = rng.range(0.3, 0.95);
    if held && rng.chance(0.5) {
        // The rim that a cup leaves.
        let r = rng.range(8.0, 30.0);
        let angle = rng.range(0.0, TAU);
        let centre = (at.x + r * angle.cos(), at.y + r * angle.sin());
        let rim = Pen { width: rng.range(0.6, 2.0), black, gaps: rng.range(0.2, 0.6), taper: 0.0 };
        let path = ellipse(centre, r, r, angle + TAU / 2.0 - 0.8, 1.6, 0.0);
        paper.stroke(&path, rim, false, rng);
        return;
    }
    if !held && rng.chance(0.3) {
        // A finger drew wet ink along: short, soft, thin at its ends.
        let angle = rng.range(0.0, TAU);
        let (dx, dy) = (angle.cos() * rng.range(0.8, 3.0), angle.sin() * rng.range(0.8, 3.0));
        let wet =
            Pen { width: rng.range(0.5, 2.4), black, gaps: rng.range(0.0, 0.6), taper: rng.range(0.3, 0.9) };
        let bend = (at.x + rng.normal() * 0.5, at.y + rng.normal() * 0.5);
        paper.stroke(&[(at.x - dx, at.y - dy), bend, (at.x + dx, at.y + dy)], wet, false, rng);
        return;
    }
    let blobs = 2 + rng.below(7);
    let size = rng.range(0.4, 1.8);
    for _ in 0..blobs {
        let gaps = rng.range(0.0, 0.6);
        let soft = Pen { width: 1.0, black, gaps, taper: 0.0 };
        let place = (at.x + rng.normal() * size, at.y + rng.normal() * size);
        let radius = size * rng.range(0.3, 1.1);
        paper.dab(place, radius, soft, rng);
    }
}

/// Dirt on the scanner's glass draws a line down the page.
fn glass_line(paper: &mut Paper, area: Area, held: bool, rng: &mut Rng) {
    let lines = if held { 1 + rng.below(3) } else { 1 };
    for _ in 0..lines {
        let x = area.x + area.width * rng.range(-0.1, 1.1);
        let width = if held { rng.range(0.1, 1.6) } else { rng.range(0.12, 0.7) };
        let pen = Pen {
            width,
            black: rng.range(0.5, 1.0),
            gaps: if held { rng.range(0.0, 0.5) } else { 0.0 },
            taper: 0.0,
        };
        let long = rng.range(8.0, 30.0);
        paper.stroke(
            &[(x, area.y - long), (x + rng.normal() * 0.02, area.y + area.height + long)],
            pen,
            true,
            rng,
        );
    }
}
