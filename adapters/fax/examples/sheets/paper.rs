//! A sheet of paper with ink on it, ten dots a millimetre, and the pens that draw on it.

use crate::rng::Rng;

/// Dots a millimetre.
pub(crate) const PER_MM: f32 = 10.0;
pub(crate) const WIDTH: usize = 2100;
pub(crate) const HEIGHT: usize = 2970;

/// Ink of every dot, 0 is white paper.
pub(crate) struct Paper {
    pub(crate) ink: Vec<u8>,
}

/// What draws: width in mm, how black, how evenly.
#[derive(Clone, Copy)]
pub(crate) struct Pen {
    pub(crate) width: f32,
    pub(crate) black: f32,
    /// Share of dots that the pen leaves out, as pencil and dry ball pens do.
    pub(crate) gaps: f32,
    /// How much the width changes along a stroke, as with a brush.
    pub(crate) taper: f32,
}

impl Paper {
    pub(crate) fn new() -> Self {
        Self { ink: vec![0; WIDTH * HEIGHT] }
    }

    pub(crate) fn darken(&mut self, x: usize, y: usize, ink: u8) {
        if x < WIDTH && y < HEIGHT {
            let slot = &mut self.ink[y * WIDTH + x];
            *slot = (*slot).max(ink);
        }
    }

    /// All ink well inside an area in mm.
    pub(crate) fn ink_in(&self, area: kakehashi_fax::sheet::geometry::Area) -> u64 {
        let at = |v: f32, most: usize| ((v * PER_MM).max(0.0) as usize).min(most);
        let (left, right) = (at(area.x + 0.6, WIDTH), at(area.right() - 0.6, WIDTH));
        (at(area.y + 0.6, HEIGHT)..at(area.bottom() - 0.6, HEIGHT))
            .map(|y| self.ink[y * WIDTH + left..y * WIDTH + right].iter().map(|i| u64::from(*i)).sum::<u64>())
            .sum()
    }

    /// A disc with a soft edge, in mm.
    pub(crate) fn dab(&mut self, (x, y): (f32, f32), radius: f32, pen: Pen, rng: &mut Rng) {
        let (cx, cy, r) = (x * PER_MM, y * PER_MM, radius * PER_MM);
        let reach = r + 1.0;
        let from = |c: f32| (c - reach).max(0.0) as usize;
        let to = |c: f32, most: usize| ((c + reach).max(0.0) as usize + 1).min(most);
        for py in from(cy)..to(cy, HEIGHT) {
            for px in from(cx)..to(cx, WIDTH) {
                let distance = (px as f32 + 0.5 - cx).hypot(py as f32 + 0.5 - cy);
                let cover = (r + 0.5 - distance).clamp(0.0, 1.0);
                if cover > 0.0 && (pen.gaps == 0.0 || !rng.chance(pen.gaps)) {
                    self.darken(px, py, (cover * pen.black * 255.0) as u8);
                }
            }
        }
    }

    /// A stroke through points in mm, smoothed unless `sharp`, with a trembling hand.
    pub(crate) fn stroke(&mut self, points: &[(f32, f32)], pen: Pen, sharp: bool, rng: &mut Rng) {
        let path = if sharp { points.to_vec() } else { smooth(points) };
        let length: f32 = path.windows(2).map(|p| (p[1].0 - p[0].0).hypot(p[1].1 - p[0].1)).sum();
        let step = (pen.width * 0.3).clamp(0.05, 0.3);
        let mut done = 0.0;
        let (mut dx, mut dy) = (0.0_f32, 0.0_f32);
        for pair in path.windows(2) {
            let long = (pair[1].0 - pair[0].0).hypot(pair[1].1 - pair[0].1);
            let steps = (long / step).ceil().max(1.0) as usize;
            for i in 0..steps {
                let t = i as f32 / steps as f32;
                dx = dx * 0.97 + 0.012 * rng.normal();
                dy = dy * 0.97 + 0.012 * rng.normal();
                let place = (
                    pair[0].0 + (pair[1].0 - pair[0].0) * t + dx,
                    pair[0].1 + (pair[1].1 - pair[0].1) * t + dy,
                );
                let along = (done + long * t) / length.max(0.01);
                let wide = pen.width * (1.0 - pen.taper * (along * 2.0 - 1.0).abs().powi(2));
                self.dab(place, wide / 2.0, pen, rng);
            }
            done += long;
        }
    }

    pub(crate) fn rect(&mut self, x: f32, y: f32, width: f32, height: f32) {
        let at = |v: f32| (v * PER_MM).round().max(0.0) as usize;
        for row in at(y)..at(y + height).min(HEIGHT) {
            for column in at(x)..at(x + width).min(WIDTH) {
                self.ink[row * WIDTH + column] = 255;
            }
        }
    }

    /// A frame with its middle line at the given place.
    pub(crate) fn frame(&mut self, x: f32, y: f32, width: f32, height: f32, line: f32) {
        let half = line / 2.0;
        self.rect(x - half, y - half, width + line, line);
        self.rect(x - half, y + height - half, width + line, line);
        self.rect(x - half, y - half, line, height + line);
        self.rect(x + width - half, y - half, line, height + line);
    }
}

/// Catmull-Rom through the points.
pub(crate) fn smooth(points: &[(f32, f32)]) -> Vec<(f32, f32)> {
    if points.len() < 3 {
        return points.to_vec();
    }
    let mut out = Vec::new();
    for i in 0..points.len() - 1 {
        let p1 = points[i];
        let p2 = points[i + 1];
        let p0 = if i == 0 { p1 } else { points[i - 1] };
        let p3 = points.get(i + 2).copied().unwrap_or(p2);
        for n in 0..8 {
            let t = n as f32 / 8.0;
            let at = |a: f32, b: f32, c: f32, d: f32| {
                0.5 * (2.0 * b
                    + (c - a) * t
                    + (2.0 * a - 5.0 * b + 4.0 * c - d) * t * t
                    + (3.0 * b - a - 3.0 * c + d) * t * t * t)
            };
            out.push((at(p0.0, p1.0, p2.0, p3.0), at(p0.1, p1.1, p2.1, p3.1)));
        }
    }
    out.push(points[points.len() - 1]);
    out
}
