//! Ink that lies unevenly, for the training only: none of it is a pen that is held back for measuring, and the more
//! ways there are, the less a network depends on any one.

use crate::paper::{HEIGHT, PER_MM, Paper, WIDTH};
use crate::rng::Rng;
use kakehashi_fax::sheet::geometry::Area;

/// A part of a page as it was before somebody wrote on it.
pub(crate) struct Before {
    left: usize,
    top: usize,
    width: usize,
    ink: Vec<u8>,
}

impl Before {
    /// The surroundings of a box.
    pub(crate) fn of(paper: &Paper, area: Area) -> Self {
        let at = |v: f32, most: usize| ((v * PER_MM).max(0.0) as usize).min(most);
        let (left, right) = (at(area.x - area.width, WIDTH), at(area.right() + area.width, WIDTH));
        let (top, bottom) = (at(area.y - area.height, HEIGHT), at(area.bottom() + area.height, HEIGHT));
        let ink = (top..bottom)
            .flat_map(|y| paper.ink[y * WIDTH + left..y * WIDTH + right].iter().copied())
            .collect();
        Self { left, top, width: right - left, ink }
    }

    /// Changes what was added since: pressure that comes and goes, places that the pen skipped, ink that the paper
    /// drew out or that dried thin.
    pub(crate) fn roughen(&self, paper: &mut Paper, rng: &mut Rng) {
        if self.width == 0 {
            return;
        }
        match rng.below(6) {
            0 | 1 => self.press(paper, rng),
            2 => self.skip(paper, rng),
            3 => self.grow(paper, rng),
            4 => self.shrink(paper, rng),
            _ => {
                self.press(paper, rng);
                self.skip(paper, rng);
            }
        }
    }

    fn height(&self) -> usize {
        self.ink.len() / self.width
    }

    /// Every dot that was added to, with its ink of before.
    fn each(&self, paper: &mut Paper, mut change: impl FnMut(usize, usize, u8, u8) -> u8) {
        for (y, row) in self.ink.chunks_exact(self.width).enumerate() {
            let from = (self.top + y) * WIDTH + self.left;
            for (x, (slot, before)) in paper.ink[from..from + self.width].iter_mut().zip(row).enumerate() {
                if *slot > *before {
                    *slot = change(x, y, *before, *slot).max(*before);
                }
            }
        }
    }

    /// Lighter and darker over some millimetres.
    fn press(&self, paper: &mut Paper, rng: &mut Rng) {
        let depth = rng.range(0.1, 0.55);
        let step = rng.range(6.0, 40.0);
        let across = (self.width as f32 / step) as usize + 2;
        let down = (self.height() as f32 / step) as usize + 2;
        let knots: Vec<f32> = (0..across * down).map(|_| rng.unit()).collect();
        self.each(paper, |x, y, _, ink| {
            let (u, v) = (x as f32 / step, y as f32 / step);
            let at = v as usize * across + u as usize;
            let (a, b) = (u.fract(), v.fract());
            let above = knots[at] + (knots[at + 1] - knots[at]) * a;
            let below = knots[at + across] + (knots[at + across + 1] - knots[at + across]) * a;
            (f32::from(ink) * (1.0 - depth * (above + (below - above) * b))) as u8
        });
    }

    /// Small places without ink, all over or in a row.
    fn skip(&self, paper: &mut Paper, rng: &mut Rng) {
        let count = 2 + rng.below(14);
        let places: Vec<(f32, f32, f32)> = (0..count)
            .map(|_| {
                let (x, y) = (rng.unit() * self.width as f32, rng.unit() * self.height() as f32);
                (x, y, rng.range(1.0, 4.5))
            })
            .collect();
        let left = rng.range(0.0, 0.5);
        self.each(paper, |x, y, _, ink| {
            let inside = |&(cx, cy, r): &(f32, f32, f32)| (x as f32 - cx).hypot(y as f32 - cy) < r;
            if places.iter().any(inside) { (f32::from(ink) * left) as u8 } else { ink }
        });
    }

    /// The paper draws the ink out.
    fn grow(&self, paper: &mut Paper, rng: &mut Rng) {
        let black = rng.range(0.4, 1.0);
        let (across, down) = (1 + rng.below(2), rng.below(2));
        let added = self.added(paper);
        for (at, ink) in added.iter().enumerate().filter(|(_, ink)| **ink > 0) {
            let (x, y) = (self.left + at % self.width, self.top + at / self.width);
            let soft = (f32::from(*ink) * black) as u8;
            for dx in 0..=across {
                for dy in 0..=down {
                    paper.darken(x + dx, y + dy, soft);
                }
            }
        }
    }

    /// The ink dries thin at its edges.
    fn shrink(&self, paper: &mut Paper, rng: &mut Rng) {
        let left = rng.range(0.0, 0.5);
        let added = self.added(paper);
        let width = self.width;
        self.each(paper, |x, y, _, ink| {
            let at = y * width + x;
            let edge = [at.checked_sub(1), Some(at + 1), at.checked_sub(width), Some(at + width)]
                .into_iter()
                .any(|n| n.and_then(|n| added.get(n)).is_none_or(|ink| *ink == 0));
            if edge { (f32::from(ink) * left) as u8 } else { ink }
        });
    }

    fn added(&self, paper: &Paper) -> Vec<u8> {
        self.ink
            .iter()
            .enumerate()
            .map(|(at, before)| {
                let now = paper.ink[(self.top + at / self.width) * WIDTH + self.left + at % self.width];
                if now > *before { now } else { 0 }
            })
            .collect()
    }
}
