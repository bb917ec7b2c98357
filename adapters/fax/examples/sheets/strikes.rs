//! Marks that were struck out, so that one can see it: a line that lies in an arm of the tick is a broader
//! tick to everybody, and calling it struck teaches and measures what nobody could tell (docs/decisions/0030).
//! The ways of training are more than those that are held back for measuring.

use crate::marks::{self, Place, about};
use crate::paper::{Paper, Pen, smooth};
use crate::rng::Rng;
use kakehashi_fax::sheet::classifier::{AROUND, BoxView, Patch, SIDE};
use kakehashi_fax::sheet::geometry::Area;
use std::f32::consts::TAU;

pub(crate) type Points = Vec<(f32, f32)>;

/// So much of a side of the box, all lines together, has to lie clear of the mark before a line counts as seen.
const CLEAR: f32 = 0.22;
/// White that the eye needs between two strokes, in mm.
const GAP: f32 = 0.2;
/// How far apart lines are looked at, in mm.
const STEP: f32 = 0.1;
/// How often a line is drawn anew; the clearest of all is taken where none is clear.
const TRIES: usize = 40;

/// A mark with one or two lines through it or clearly beside it. Tells the places that show it was struck.
pub(crate) fn struck(
    paper: &mut Paper,
    area: Area,
    pen: Pen,
    count: usize,
    held: bool,
    rng: &mut Rng,
) -> Points {
    let (mark, wide) = if held {
        (marks::check(paper, area, pen, held, rng), pen.width)
    } else {
        some_mark(paper, area, pen, rng)
    };
    let mark: Vec<Points> = mark.iter().map(|path| smooth(path)).collect();
    // Another pen is at least as dark: a scan that drops the line shows a tick.
    let ink = match held {
        false if rng.chance(0.2) => {
            Pen { width: rng.range(0.4, 1.4), black: rng.range(0.9, 1.0), gaps: 0.0, taper: 0.0 }
        }
        _ => Pen { width: (pen.width * rng.range(0.8, 1.2)).max(0.3), ..pen },
    };
    let enough = (CLEAR * area.width / STEP) as usize;
    let mut best: (Points, Vec<(Points, bool)>) = Default::default();
    for n in 0..TRIES {
        let lines = if held { through(area, count, true, rng) } else { some_lines(area, &mark, count, rng) };
        let clear: Points = lines
            .iter()
            .flat_map(|(line, sharp)| {
                let line = if *sharp { line.clone() } else { smooth(line) };
                clear(&line, &mark, f32::midpoint(wide, ink.width) + GAP, area)
            })
            .collect();
        if n == 0 || clear.len() > best.0.len() {
            best = (clear, lines);
        }
        if best.0.len() >= enough {
            break;
        }
    }
    for (line, sharp) in &best.1 {
        paper.stroke(line, ink, *sharp, rng);
    }
    if !held && rng.chance(0.15) {
        if rng.chance(0.5) {
            marks::dot(paper, area, pen, false, rng)
        } else {
            marks::stain(paper, area, false, rng)
        }
    }
    best.0
}

/// Share of the places of a struck mark, in sides of the box from its upper left corner, at which its picture has more
/// ink than is usual: a scan that drops thin lines drops a strike and leaves the tick. `inside` counts those within the
/// frame alone, because beside it labels are printed.
pub(crate) fn shown(places: &[(f32, f32)], view: &BoxView, inside: bool) -> f32 {
    let within = |v: f32| (0.0..=1.0).contains(&v);
    let places: Vec<(f32, f32)> =
        places.iter().copied().filter(|(x, y)| !inside || (within(*x) && within(*y))).collect();
    const MORE: u8 = 50;
    let span = 1.0 + 2.0 * AROUND;
    let ink = |(x, y): (f32, f32), right: i32, down: i32| {
        let cell = |v: f32| ((v + AROUND) / span * SIDE as f32).floor() as i32;
        let (column, row) = (cell(x) + right, cell(y) + down);
        let at = |of: &Patch| of.cells()[(row * SIDE as i32 + column) as usize];
        let inside = (0..SIDE as i32).contains(&column) && (0..SIDE as i32).contains(&row);
        inside && at(&view.patch) >= at(&view.usual).saturating_add(MORE)
    };
    // The frame was found again to a cell or so.
    let count = |right, down| places.iter().filter(|p| ink(**p, right, down)).count();
    let most = (-1..=1).flat_map(|right| (-1..=1).map(move |down| (right, down)));
    let most = most.map(|(right, down)| count(right, down)).max().unwrap_or(0);
    most as f32 / places.len().max(1) as f32
}

/// What training strikes out: mostly ticks, also circles and ticks of a felt pen.
fn some_mark(paper: &mut Paper, area: Area, pen: Pen, rng: &mut Rng) -> (Vec<Points>, f32) {
    match rng.below(10) {
        0 => {
            let felt = Pen { width: rng.range(0.9, 1.6), black: 1.0, gaps: 0.0, taper: 0.0 };
            (marks::check(paper, area, felt, false, rng), felt.width)
        }
        1 => (marks::circle(paper, area, pen, false, rng), pen.width),
        _ => (marks::check(paper, area, pen, false, rng), pen.width),
    }
}

/// Places of a line that lie clear of the mark and the frame, and near enough to the box to be seen with it.
fn clear(line: &[(f32, f32)], mark: &[Points], apart: f32, area: Area) -> Points {
    let edge = 0.2 * area.width;
    let seen = |(x, y): (f32, f32)| {
        (area.x - edge..area.right() + edge).contains(&x)
            && (area.y - edge..area.bottom() + edge).contains(&y)
    };
    let framed = |(x, y): (f32, f32)| {
        let line = |a: f32, b: f32| (a - b).abs() < 2.0 * GAP;
        line(x, area.x) || line(x, area.right()) || line(y, area.y) || line(y, area.bottom())
    };
    let mut places = Vec::new();
    for pair in line.windows(2) {
        let long = (pair[1].0 - pair[0].0).hypot(pair[1].1 - pair[0].1);
        let steps = (long / STEP).ceil().max(1.0) as usize;
        for i in 0..steps {
            let t = (i as f32 + 0.5) / steps as f32;
            let at = (pair[0].0 + (pair[1].0 - pair[0].0) * t, pair[0].1 + (pair[1].1 - pair[0].1) * t);
            let near =
                || mark.iter().flat_map(|path| path.windows(2)).any(|p| distance(at, p[0], p[1]) < apart);
            if seen(at) && !framed(at) && !near() {
                places.push(at);
            }
        }
    }
    places
}

/// From a point to a piece of a line.
fn distance(at: (f32, f32), a: (f32, f32), b: (f32, f32)) -> f32 {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let t = (((at.0 - a.0) * dx + (at.1 - a.1) * dy) / (dx * dx + dy * dy).max(1e-6)).clamp(0.0, 1.0);
    (at.0 - a.0 - t * dx).hypot(at.1 - a.1 - t * dy)
}

/// Lines more or less level through the middle.
fn through(area: Area, count: usize, held: bool, rng: &mut Rng) -> Vec<(Points, bool)> {
    let at = about(area, 0.04, rng);
    let slope = if held { rng.range(-1.1, 1.1) } else { rng.range(-0.95, 0.95) };
    let half = at.side * rng.range(0.45, 0.95);
    (0..count)
        .map(|n| {
            let apart = (n as f32 - (count as f32 - 1.0) / 2.0) * rng.range(0.9, 1.8);
            let wave = if rng.chance(if held { 0.4 } else { 0.2 }) { rng.range(0.3, 0.8) } else { 0.0 };
            let path = (0..7)
                .map(|i| {
                    let t = i as f32 / 3.0 - 1.0;
                    let lift = wave * if i % 2 == 0 { -1.0 } else { 1.0 };
                    (at.x + half * t, at.y + apart + slope * half * t + lift)
                })
                .collect();
            (path, wave == 0.0)
        })
        .collect()
}

/// The ways of training.
fn some_lines(area: Area, mark: &[Points], count: usize, rng: &mut Rng) -> Vec<(Points, bool)> {
    match rng.below(10) {
        0..=3 => through(area, count, false, rng),
        // At any angle, bowed.
        4 | 5 => {
            let at = about(area, 0.08, rng);
            let angle = rng.range(0.0, TAU);
            let bow = rng.normal() * 0.5;
            (0..count)
                .map(|n| {
                    (bowed(&at, angle + rng.normal() * 0.05, n as f32 * rng.range(0.9, 1.8), bow, rng), false)
                })
                .collect()
        }
        // Crossed.
        6 => {
            let at = about(area, 0.08, rng);
            let angle = rng.range(0.0, TAU);
            let other = angle + rng.range(0.6, 2.5);
            [angle, other].map(|angle| (bowed(&at, angle, 0.0, rng.normal() * 0.2, rng), false)).to_vec()
        }
        // A wave of many turns.
        7 => {
            let at = about(area, 0.06, rng);
            let angle = rng.normal() * 0.5;
            let (turns, high) = (6 + rng.below(8), rng.range(0.3, 1.1));
            let half = at.side * rng.range(0.4, 0.9);
            let path = (0..=turns)
                .map(|i| {
                    let t = (2.0 * i as f32 / turns as f32 - 1.0) * half;
                    let lift = high * if i % 2 == 0 { -1.0 } else { 1.0 } * rng.range(0.6, 1.2);
                    (at.x + t * angle.cos() - lift * angle.sin(), at.y + t * angle.sin() + lift * angle.cos())
                })
                .collect();
            vec![(path, rng.chance(0.4))]
        }
        // Short, across an arm.
        8 => (0..count)
            .filter_map(|_| {
                let (at, along) = somewhere(mark, rng)?;
                let at = Place { x: at.0, y: at.1, side: area.width };
                let half = area.width * rng.range(0.2, 0.45);
                let angle = along + TAU / 4.0 + rng.normal() * 0.35;
                let end = (half * angle.cos(), half * angle.sin());
                Some((vec![(at.x - end.0, at.y - end.1), (at.x, at.y), (at.x + end.0, at.y + end.1)], true))
            })
            .collect(),
        // Along an arm and beside it, or out of it at a small angle.
        _ => (0..count)
            .filter_map(|_| {
                let (at, along) = somewhere(mark, rng)?;
                let aside = rng.range(0.7, 1.8) * rng.normal().signum();
                let at =
                    Place { x: at.0 - aside * along.sin(), y: at.1 + aside * along.cos(), side: area.width };
                Some((bowed(&at, along + rng.normal() * 0.2, 0.0, rng.normal() * 0.2, rng), false))
            })
            .collect(),
    }
}

/// A line through a place, moved aside and bowed.
fn bowed(at: &Place, angle: f32, aside: f32, bow: f32, rng: &mut Rng) -> Points {
    let (cos, sin) = (angle.cos(), angle.sin());
    let (before, after) = (at.side * rng.range(0.35, 0.95), at.side * rng.range(0.35, 0.95));
    [(-before, 0.0), (0.0, bow), (after, 0.0)]
        .map(|(t, lift)| (at.x + t * cos - (aside + lift) * sin, at.y + t * sin + (aside + lift) * cos))
        .to_vec()
}

/// A place on the mark and the way it runs there.
fn somewhere(mark: &[Points], rng: &mut Rng) -> Option<((f32, f32), f32)> {
    let path = mark.get(rng.below(mark.len()))?;
    let n = rng.below(path.len().checked_sub(1)?);
    let (a, b) = (path[n], path[n + 1]);
    let t = rng.unit();
    Some(((a.0 + (b.0 - a.0) * t, a.1 + (b.1 - a.1) * t), (b.1 - a.1).atan2(b.0 - a.0)))
}
