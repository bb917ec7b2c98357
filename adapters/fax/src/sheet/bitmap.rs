//! A page for looking at: black and white, at most some 12 dots a millimetre, with sums that give the
//! ink of any rectangle at once. Knows nothing of sheets.

use crate::pages::{Ink, Page};

/// Dots a millimetre above which rows or columns are dropped: FAX fine is 8, scans of 300 dpi are 11.8.
const DENSEST: f32 = 12.5;

/// Black and white with running sums.
#[derive(Clone)]
pub(super) struct Bitmap {
    pub(super) width: u32,
    pub(super) height: u32,
    /// Dots a millimetre across and down.
    pub(super) x_per_mm: f32,
    pub(super) y_per_mm: f32,
    black: Vec<bool>,
    sums: Vec<u32>,
}

impl Bitmap {
    pub(super) fn of(page: &Page) -> Self {
        let owned;
        let page = if matches!(page.ink, Ink::Grey(_)) {
            owned = page.to_bilevel();
            &owned
        } else {
            page
        };
        let drop = |dpi: f32| (dpi / 25.4 / DENSEST).ceil().clamp(1.0, 8.0) as u32;
        let (dx, dy) = (drop(page.x_dpi), drop(page.y_dpi));
        let (width, height) = (page.width.div_ceil(dx), page.height.div_ceil(dy));
        let mut black = Vec::with_capacity(width as usize * height as usize);
        for y in 0..height {
            for x in 0..width {
                black.push(page.is_black(x * dx, y * dy));
            }
        }
        let per_mm = |dpi: f32, every: u32| dpi / 25.4 / every as f32;
        Self::from_dots(width, height, (per_mm(page.x_dpi, dx), per_mm(page.y_dpi, dy)), black)
    }

    fn from_dots(width: u32, height: u32, per_mm: (f32, f32), black: Vec<bool>) -> Self {
        let stride = width as usize + 1;
        let mut sums = vec![0_u32; stride * (height as usize + 1)];
        for y in 0..height as usize {
            let mut row = 0;
            for x in 0..width as usize {
                row += u32::from(black[y * width as usize + x]);
                sums[(y + 1) * stride + x + 1] = sums[y * stride + x + 1] + row;
            }
        }
        Self { width, height, x_per_mm: per_mm.0, y_per_mm: per_mm.1, black, sums }
    }

    /// Every dot with its neighbours: where black came back as few dots, areas hang together again.
    pub(super) fn thickened(&self) -> Self {
        let (width, height) = (i64::from(self.width), i64::from(self.height));
        let black = (0..width * height)
            .map(|at| {
                let (x, y) = (at % width, at / width);
                self.count(x - 1, y - 1, x + 2, y + 2) > 0
            })
            .collect();
        Self::from_dots(self.width, self.height, (self.x_per_mm, self.y_per_mm), black)
    }

    /// Outside is white.
    pub(super) fn is_black(&self, x: f32, y: f32) -> bool {
        if x < 0.0 || y < 0.0 {
            return false;
        }
        let (x, y) = (x as u32, y as u32);
        x < self.width && y < self.height && self.black[y as usize * self.width as usize + x as usize]
    }

    /// Black dots in a rectangle given by its edges in dots.
    fn count(&self, left: i64, top: i64, right: i64, bottom: i64) -> u32 {
        let cut = |v: i64, most: u32| v.clamp(0, i64::from(most)) as usize;
        let (l, r) = (cut(left, self.width), cut(right, self.width));
        let (t, b) = (cut(top, self.height), cut(bottom, self.height));
        if l >= r || t >= b {
            return 0;
        }
        let stride = self.width as usize + 1;
        self.sums[b * stride + r] + self.sums[t * stride + l]
            - self.sums[t * stride + r]
            - self.sums[b * stride + l]
    }

    /// Black dots of a whole column.
    pub(super) fn column(&self, x: u32) -> u32 {
        self.count(i64::from(x), 0, i64::from(x) + 1, i64::from(self.height))
    }

    /// Black dots and all dots of a square around a centre, given in millimetres from the top left of
    /// the picture. Dots outside the picture count as white.
    pub(super) fn square(&self, x: f32, y: f32, half: f32) -> (u32, u32) {
        let left = ((x - half) * self.x_per_mm).round() as i64;
        let right = ((x + half) * self.x_per_mm).round() as i64;
        let top = ((y - half) * self.y_per_mm).round() as i64;
        let bottom = ((y + half) * self.y_per_mm).round() as i64;
        let all = ((right - left).max(1) * (bottom - top).max(1)) as u32;
        (self.count(left, top, right, bottom), all)
    }

    /// Whether a black dot at this place, in millimetres of the picture, stands for itself, as those of a halftone do:
    /// a pen is wider than one.
    pub(super) fn is_single_mm(&self, x: f32, y: f32) -> bool {
        let (x, y) = ((x * self.x_per_mm) as i64, (y * self.y_per_mm) as i64);
        self.count(x - 1, y - 1, x + 2, y + 2) == 1
    }

    /// Whether the place in millimetres of the picture is black.
    pub(super) fn is_black_mm(&self, x: f32, y: f32) -> bool {
        self.is_black(x * self.x_per_mm, y * self.y_per_mm)
    }
}
