//! The four registration marks and the map they give from millimetres of the sheet to millimetres of
//! the picture (fax-loop.md section 5, steps 2 and 3). Fitted per page and never assumed: rows get
//! lost, machines shrink, pages lie askew or upside down.

use super::bitmap::Bitmap;
use super::geometry::{MARK_CENTRES, MARK_SIZE};

/// Lowest difference of ink inside and around.
const LOWEST_SCORE: f32 = 0.62;
/// The same for pages whose black came back as halftone dots.
const LOWEST_GREY: f32 = 0.3;
/// Most places that are looked at further.
const MOST_CANDIDATES: usize = 24;
/// Distance within which a candidate is a mark, in mm.
const NEAR: f32 = 3.0;

/// A map from the upright sheet to the picture, both in mm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Fit {
    pub(super) upside_down: bool,
    x: [f32; 3],
    y: [f32; 3],
    marks: usize,
    error: f32,
}

impl Fit {
    pub(super) fn map(&self, x: f32, y: f32) -> (f32, f32) {
        (self.x[0] * x + self.x[1] * y + self.x[2], self.y[0] * x + self.y[1] * y + self.y[2])
    }
}

/// The best fit of each orientation; the one with smaller error first. Since the places of the marks
/// are symmetric, a page usually has both, and the QR tells which is true.
pub(super) fn fits(bitmap: &Bitmap) -> Vec<Fit> {
    let found = fits_of(&candidates(bitmap));
    if found.is_empty() { fits_of(&places(bitmap, LOWEST_GREY)) } else { found }
}

fn fits_of(found: &[Point]) -> Vec<Fit> {
    let mut best: [Option<Fit>; 2] = [None, None];
    for (i, a) in found.iter().enumerate() {
        for (j, b) in found.iter().enumerate() {
            if i == j {
                continue;
            }
            for (m, first) in MARK_CENTRES.iter().enumerate() {
                for second in &MARK_CENTRES[m + 1..] {
                    if let Some(fit) = try_fit(found, (*a, *b), (*first, *second)) {
                        let slot = &mut best[usize::from(fit.upside_down)];
                        let better = slot.is_none_or(|old| {
                            fit.marks > old.marks || (fit.marks == old.marks && fit.error < old.error)
                        });
                        if better {
                            *slot = Some(fit);
                        }
                    }
                }
            }
        }
    }
    let mut fits: Vec<Fit> = best.into_iter().flatten().collect();
    fits.sort_by(|a, b| b.marks.cmp(&a.marks).then(a.error.total_cmp(&b.error)));
    fits
}

pub(super) type Point = (f32, f32);

/// A similarity from two pairs; if at least three candidates agree with it, the affine map through them.
fn try_fit(found: &[Point], (a, b): (Point, Point), (m, n): (Point, Point)) -> Option<Fit> {
    let (dx, dy) = (n.0 - m.0, n.1 - m.1);
    let (ex, ey) = (b.0 - a.0, b.1 - a.1);
    let square = dx * dx + dy * dy;
    let (cos, sin) = ((ex * dx + ey * dy) / square, (ey * dx - ex * dy) / square);
    let scale = cos.hypot(sin);
    if !(0.88..=1.08).contains(&scale) {
        return None;
    }
    let angle = sin.atan2(cos).to_degrees();
    let upside_down = angle.abs() > 90.0;
    let off = if upside_down { 180.0 - angle.abs() } else { angle.abs() };
    if off > 6.0 {
        return None;
    }
    let place = |p: Point| {
        let (x, y) = (p.0 - m.0, p.1 - m.1);
        (a.0 + cos * x - sin * y, a.1 + sin * x + cos * y)
    };
    let mut pairs = Vec::with_capacity(4);
    for centre in MARK_CENTRES {
        let (x, y) = place(centre);
        let nearest = found
            .iter()
            .map(|c| (*c, (c.0 - x).hypot(c.1 - y)))
            .filter(|(_, distance)| *distance <= NEAR)
            .min_by(|p, q| p.1.total_cmp(&q.1));
        if let Some((candidate, _)) = nearest {
            pairs.push((centre, candidate));
        }
    }
    if pairs.len() < 3 {
        return None;
    }
    let x = least_squares(&pairs, |c| c.0)?;
    let y = least_squares(&pairs, |c| c.1)?;
    let mut fit = Fit { upside_down, x, y, marks: pairs.len(), error: 0.0 };
    fit.error = pairs
        .iter()
        .map(|(sheet, picture)| {
            let (x, y) = fit.map(sheet.0, sheet.1);
            (x - picture.0).powi(2) + (y - picture.1).powi(2)
        })
        .sum::<f32>()
        .sqrt();
    Some(fit)
}

/// `v = a·x + b·y + c` through three or four points.
fn least_squares(pairs: &[(Point, Point)], value: impl Fn(&Point) -> f32) -> Option<[f32; 3]> {
    let n = pairs.len() as f64;
    let mean = |f: &dyn Fn(&(Point, Point)) -> f64| pairs.iter().map(f).sum::<f64>() / n;
    let (mx, my) = (mean(&|p| f64::from(p.0.0)), mean(&|p| f64::from(p.0.1)));
    let mv = mean(&|p| f64::from(value(&p.1)));
    let (mut xx, mut xy, mut yy, mut xv, mut yv) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for (sheet, picture) in pairs {
        let (x, y, v) = (f64::from(sheet.0) - mx, f64::from(sheet.1) - my, f64::from(value(picture)) - mv);
        xx += x * x;
        xy += x * y;
        yy += y * y;
        xv += x * v;
        yv += y * v;
    }
    let determinant = xx * yy - xy * xy;
    if determinant.abs() < 1.0 {
        return None;
    }
    let a = (xv * yy - yv * xy) / determinant;
    let b = (yv * xx - xv * xy) / determinant;
    Some([a as f32, b as f32, (mv - a * mx - b * my) as f32])
}

/// Places that look like a mark, best first, refined to 0.13 mm.
pub(super) fn candidates(bitmap: &Bitmap) -> Vec<Point> {
    places(bitmap, LOWEST_SCORE)
}

fn places(bitmap: &Bitmap, lowest: f32) -> Vec<Point> {
    const STEP: f32 = 0.75;
    let (width, height) = (bitmap.width as f32 / bitmap.x_per_mm, bitmap.height as f32 / bitmap.y_per_mm);
    let mut raw: Vec<(f32, Point)> = Vec::new();
    let mut y = 1.0;
    while y < height.min(700.0) {
        let mut x = 1.0;
        while x < width.min(450.0) {
            // The coarse grid misses a mark by up to half a step, so the bar is lower here.
            let value = score(bitmap, x, y);
            if value > (lowest - 0.25).max(0.1) {
                raw.push((value, (x, y)));
            }
            x += STEP;
        }
        y += STEP;
    }
    raw.sort_by(|a, b| b.0.total_cmp(&a.0));
    raw.truncate(4000);
    let mut kept: Vec<(f32, Point)> = Vec::new();
    for (_, start) in raw {
        if kept.len() >= MOST_CANDIDATES {
            break;
        }
        if kept.iter().any(|(_, k)| (k.0 - start.0).hypot(k.1 - start.1) < MARK_SIZE * 0.7) {
            continue;
        }
        let (value, place) = refine(bitmap, start);
        if value >= lowest
            && kept.iter().all(|(_, k)| (k.0 - place.0).hypot(k.1 - place.1) >= MARK_SIZE * 0.7)
        {
            kept.push((value, place));
        }
    }
    kept.into_iter().map(|(_, place)| place).collect()
}

fn refine(bitmap: &Bitmap, start: Point) -> (f32, Point) {
    let mut best = (score(bitmap, start.0, start.1), start);
    for step in [0.4, 0.25, 0.13] {
        for _ in 0..6 {
            let centre = best.1;
            for (dx, dy) in [(-1.0, 0.0), (1.0, 0.0), (0.0, -1.0), (0.0, 1.0)] {
                let place = (centre.0 + dx * step, centre.1 + dy * step);
                let value = score(bitmap, place.0, place.1);
                if value > best.0 {
                    best = (value, place);
                }
            }
            if best.1 == centre {
                break;
            }
        }
    }
    best
}

/// Ink inside the square less ink in the ring of 1.2 mm around it.
fn score(bitmap: &Bitmap, x: f32, y: f32) -> f32 {
    let half = MARK_SIZE / 2.0;
    let (inside, inside_all) = bitmap.square(x, y, half);
    let share = inside as f32 / inside_all as f32;
    if share < 0.25 {
        return 0.0;
    }
    let (outside, outside_all) = bitmap.square(x, y, half + 1.2);
    let ring = outside.saturating_sub(inside) as f32 / outside_all.saturating_sub(inside_all).max(1) as f32;
    share - ring
}
