//! The picture of one box: found again by its frame, straightened, and brought to 32×32 cells that
//! span the box and three tenths of its side around it, whatever the size of the box. Beside it stands
//! what the boxes of the same page have in common, which is what the machine leaves of an empty one. It
//! holds ink and no meaning.

use super::bitmap::Bitmap;
use super::geometry::Area;
use super::marks::Fit;

/// Cells of a side.
pub const SIDE: usize = 32;
/// What is seen around the box, as a share of its side.
pub const AROUND: f32 = 0.3;
/// How far the frame is searched, in mm.
const REACH: f32 = 1.75;
/// Beyond this distance from the frame, in mm, lie labels and lines of the print: to the right, elsewhere.
const PRINT_RIGHT: f32 = 2.0;
const PRINT_AROUND: f32 = 2.4;

/// Ink of each cell, 255 is all black; rows from the top.
#[derive(Clone, PartialEq, Eq)]
pub struct Patch([u8; SIDE * SIDE]);

impl std::fmt::Debug for Patch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for row in self.0.chunks_exact(SIDE) {
            let line: String = row.iter().map(|c| [' ', '.', 'o', '#'][usize::from(*c) / 64]).collect();
            writeln!(f, "{line}")?;
        }
        Ok(())
    }
}

/// A box that was found again.
#[derive(Debug, Clone, PartialEq)]
pub struct BoxView {
    /// Its picture.
    pub patch: Patch,
    /// What an empty box of this page looks like; the picture itself where nothing is known.
    pub usual: Patch,
    /// How much of the frame is there: 1 is all of it.
    pub frame: f32,
    /// The weakest of its four sides.
    pub weakest: f32,
    /// Share of ink well inside the frame.
    pub ink: f32,
}

impl BoxView {
    /// A crop that was cut and labelled earlier: its frame was found then.
    #[must_use]
    pub fn of_crop(patch: Patch) -> Self {
        let ink = patch.ink();
        Self { usual: patch.clone(), patch, frame: 1.0, weakest: 1.0, ink }
    }
}

impl Patch {
    /// From the ink of all cells.
    #[must_use]
    pub const fn new(cells: [u8; SIDE * SIDE]) -> Self {
        Self(cells)
    }

    /// From a grey picture of any size (0 is black) that shows the same part as a patch.
    #[must_use]
    pub fn from_grey(width: usize, height: usize, grey: &[u8]) -> Option<Self> {
        if width == 0 || height == 0 || grey.len() != width.checked_mul(height)? {
            return None;
        }
        let mut cells = [0; SIDE * SIDE];
        for (at, cell) in cells.iter_mut().enumerate() {
            let (column, row) = (at % SIDE, at / SIDE);
            let span = |n: usize, all: usize| {
                let from = n * all / SIDE;
                from..((n + 1) * all / SIDE).max(from + 1).min(all)
            };
            let (mut sum, mut count) = (0_u32, 0_u32);
            for y in span(row, height) {
                for x in span(column, width) {
                    sum += u32::from(255 - grey[y * width + x]);
                    count += 1;
                }
            }
            *cell = (sum / count.max(1)) as u8;
        }
        Some(Self(cells))
    }

    /// The cells, row by row.
    #[must_use]
    pub const fn cells(&self) -> &[u8; SIDE * SIDE] {
        &self.0
    }

    /// Moved by whole cells; what comes in from outside is white.
    #[must_use]
    pub fn moved(&self, right: i32, down: i32) -> Self {
        let mut cells = [0; SIDE * SIDE];
        let side = SIDE as i32;
        for (at, cell) in cells.iter_mut().enumerate() {
            let (x, y) = (at as i32 % side - right, at as i32 / side - down);
            if (0..side).contains(&x) && (0..side).contains(&y) {
                *cell = self.0[(y * side + x) as usize];
            }
        }
        Self(cells)
    }

    /// What most of these have in common: of every cell the ink that three quarters of them exceed.
    /// `None` of none.
    #[must_use]
    pub fn common<'a>(of: impl IntoIterator<Item = &'a Self>) -> Option<Self> {
        let all: Vec<&Self> = of.into_iter().collect();
        if all.is_empty() {
            return None;
        }
        let mut cells = [0; SIDE * SIDE];
        let mut values = Vec::with_capacity(all.len());
        for (at, cell) in cells.iter_mut().enumerate() {
            values.clear();
            values.extend(all.iter().map(|patch| patch.0[at]));
            values.sort_unstable();
            *cell = values[values.len() / 4];
        }
        Some(Self(cells))
    }

    /// Share of ink well inside the frame.
    #[must_use]
    pub fn ink(&self) -> f32 {
        let edge = SIDE as f32 * AROUND / (1.0 + 2.0 * AROUND);
        // Two cells of frame and blur are left out.
        let (from, to) = (edge.ceil() as usize + 2, SIDE - edge.ceil() as usize - 2);
        let mut sum = 0_u32;
        for y in from..to {
            for x in from..to {
                sum += u32::from(self.0[y * SIDE + x]);
            }
        }
        sum as f32 / 255.0 / ((to - from) * (to - from)) as f32
    }

    /// A grey picture, four dots a cell, for people.
    #[must_use]
    pub fn to_png(&self) -> Vec<u8> {
        const DOTS: usize = 4;
        let side = SIDE * DOTS;
        let grey: Vec<u8> =
            (0..side * side).map(|at| 255 - self.0[(at / side / DOTS) * SIDE + (at % side) / DOTS]).collect();
        crate::pages::grey_png(side as u32, side as u32, &grey)
    }
}

/// Finds all boxes of a page again and cuts their pictures.
pub(super) fn views(bitmap: &Bitmap, fit: &Fit, areas: impl IntoIterator<Item = Area>) -> Vec<BoxView> {
    let mut views: Vec<BoxView> = areas.into_iter().map(|area| view(bitmap, fit, area)).collect();
    if let Some(usual) = Patch::common(views.iter().map(|v| &v.patch)) {
        views.iter_mut().for_each(|v| v.usual.clone_from(&usual));
    }
    views
}

/// Finds a box again near its place and cuts its picture.
fn view(bitmap: &Bitmap, fit: &Fit, area: Area) -> BoxView {
    let (frame, weakest, moved) = settle(bitmap, fit, area);
    let window = Area {
        x: moved.x - area.width * AROUND,
        y: moved.y - area.height * AROUND,
        width: area.width * (1.0 + 2.0 * AROUND),
        height: area.height * (1.0 + 2.0 * AROUND),
    };
    let patch = cut(bitmap, fit, window, moved);
    let ink = patch.ink();
    BoxView { usual: patch.clone(), patch, frame, weakest, ink }
}

/// The box where its frame has most ink, first in steps of a quarter millimetre, then finer.
fn settle(bitmap: &Bitmap, fit: &Fit, area: Area) -> (f32, f32, Area) {
    let mut best = (f32::MIN, 0.0, 0.0, (0.0, 0.0));
    let mut look = |shift: (f32, f32), centre: (f32, f32)| {
        let sides = frame(bitmap, fit, area, shift);
        let mean = sides.iter().sum::<f32>() / 4.0;
        let weakest = sides.iter().copied().fold(1.0, f32::min);
        // Among equals the nearest to where it should be.
        let value = mean + weakest - 0.01 * (shift.0 - centre.0).hypot(shift.1 - centre.1);
        if value > best.0 {
            best = (value, mean, weakest, shift);
        }
        best.3
    };
    let mut around = (0.0, 0.0);
    let steps = (REACH / 0.25) as i32;
    for i in -steps..=steps {
        for j in -steps..=steps {
            around = look((i as f32 * 0.25, j as f32 * 0.25), (0.0, 0.0));
        }
    }
    let rough = around;
    for i in -3..=3 {
        for j in -3..=3 {
            look((rough.0 + i as f32 * 0.07, rough.1 + j as f32 * 0.07), rough);
        }
    }
    let (_, mean, weakest, shift) = best;
    (mean, weakest, Area { x: area.x + shift.0, y: area.y + shift.1, ..area })
}

/// For each side the share of its length where ink lies within a third of a millimetre of the line.
fn frame(bitmap: &Bitmap, fit: &Fit, area: Area, shift: (f32, f32)) -> [f32; 4] {
    let (x, y) = (area.x + shift.0, area.y + shift.1);
    let side = |length: f32, along: &dyn Fn(f32, f32) -> (f32, f32)| {
        let mut hits = 0.0;
        let steps = 20;
        for i in 0..steps {
            let t = length * (i as f32 + 0.5) / steps as f32;
            // The middle of the line counts most, so that the best place is its middle.
            let black = |across: f32| {
                let (sx, sy) = along(t, across);
                let (px, py) = fit.map(sx, sy);
                bitmap.is_black_mm(px, py)
            };
            let near = [-0.15, 0.0, 0.15].map(black);
            let count = near.iter().filter(|b| **b).count();
            hits += if count == 0 { 0.0 } else { 0.9 + 0.1 * count as f32 / 3.0 };
        }
        hits / steps as f32
    };
    [
        side(area.width, &|t, a| (x + t, y + a)),
        side(area.width, &|t, a| (x + t, y + area.height + a)),
        side(area.height, &|t, a| (x + a, y + t)),
        side(area.height, &|t, a| (x + area.width + a, y + t)),
    ]
}

fn cut(bitmap: &Bitmap, fit: &Fit, window: Area, frame: Area) -> Patch {
    const ACROSS: usize = 4;
    const DOWN: usize = 4;
    let step = (window.width / SIDE as f32, window.height / SIDE as f32);
    let mut cells = [0; SIDE * SIDE];
    for (at, cell) in cells.iter_mut().enumerate() {
        let (column, row) = ((at % SIDE) as f32, (at / SIDE) as f32);
        let (middle_x, middle_y) = (window.x + (column + 0.5) * step.0, window.y + (row + 0.5) * step.1);
        if middle_x > frame.right() + PRINT_RIGHT
            || middle_x < frame.x - PRINT_AROUND
            || middle_y < frame.y - PRINT_AROUND
            || middle_y > frame.bottom() + PRINT_AROUND
        {
            continue;
        }
        let mut black = 0;
        for i in 0..DOWN {
            for j in 0..ACROSS {
                let x = window.x + (column + (j as f32 + 0.5) / ACROSS as f32) * step.0;
                let y = window.y + (row + (i as f32 + 0.5) / DOWN as f32) * step.1;
                let (px, py) = fit.map(x, y);
                black += usize::from(bitmap.is_black_mm(px, py));
            }
        }
        *cell = (black * 255 / (ACROSS * DOWN)) as u8;
    }
    Patch(cells)
}
