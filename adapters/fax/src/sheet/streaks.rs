//! Lines that a machine draws down a whole page: dirt on the glass of this scanner, upright in the picture, or of one
//! before it, parallel to the sheet and askew with it. No hand draws so straight and so far; what is under them is not
//! looked at where writing is searched. It never looks into boxes.

use super::bitmap::Bitmap;
use super::marks::Fit;

/// Share of a picture's height that such a line blackens beyond what columns of this page hold usually.
const STREAK: f32 = 0.28;
/// Rows between two that are looked at for lines that lie askew.
const EVERY: usize = 4;

/// The columns under such lines.
pub(super) struct Streaks {
    upright: Vec<bool>,
    /// By the column in which a line enters at the top, counted from `margin` columns left of the picture.
    askew: Vec<bool>,
    margin: usize,
    /// Columns that the sheet leans to the right with every row.
    lean: f32,
    /// Dots a millimetre.
    per_mm: (f32, f32),
}

impl Streaks {
    pub(super) fn of(bitmap: &Bitmap, fit: &Fit) -> Self {
        let columns: Vec<f32> =
            (0..bitmap.width).map(|x| bitmap.column(x) as f32 / bitmap.height.max(1) as f32).collect();
        // Down the middle of the sheet.
        let ((x0, y0), (x1, y1)) = (fit.map(105.0, 0.0), fit.map(105.0, 297.0));
        let rows = (y1 - y0) * bitmap.y_per_mm;
        let lean = if rows.abs() > 1.0 { (x1 - x0) * bitmap.x_per_mm / rows } else { 0.0 };
        let margin = (lean.abs() * bitmap.height as f32).ceil() as usize;
        Self {
            upright: dark(&columns, 1),
            askew: dark(&leaning(bitmap, lean, margin), 2),
            margin,
            lean,
            per_mm: (bitmap.x_per_mm, bitmap.y_per_mm),
        }
    }

    /// Whether a place, in millimetres of the picture, lies under one.
    pub(super) fn covers(&self, x: f32, y: f32) -> bool {
        let (column, row) = (x * self.per_mm.0, y * self.per_mm.1);
        let entered = column - self.lean * row + self.margin as f32;
        let at =
            |of: &[bool], column: f32| column >= 0.0 && of.get(column as usize).copied().unwrap_or(false);
        at(&self.upright, column) || at(&self.askew, entered)
    }
}

/// Share of black along the sheet's own upright lines, a column to both sides counted with it. Nothing where the sheet
/// stands straight: then they are the columns.
fn leaning(bitmap: &Bitmap, lean: f32, margin: usize) -> Vec<f32> {
    if margin < 2 {
        return Vec::new();
    }
    let rows: Vec<f32> = (0..bitmap.height as usize).step_by(EVERY).map(|row| row as f32).collect();
    (0..bitmap.width as usize + 2 * margin)
        .map(|entered| {
            let black = rows.iter().filter(|row| {
                let x = entered as f32 - margin as f32 + lean * **row;
                [x - 1.0, x, x + 1.0].into_iter().any(|x| bitmap.is_black(x, **row))
            });
            black.count() as f32 / rows.len().max(1) as f32
        })
        .collect()
}

/// Those far above what is usual, and so many beside each.
fn dark(shares: &[f32], beside: usize) -> Vec<bool> {
    let mut sorted = shares.to_vec();
    sorted.sort_unstable_by(f32::total_cmp);
    let usual = sorted.get(sorted.len() / 2).copied().unwrap_or(0.0);
    let is_dark: Vec<bool> = shares.iter().map(|share| *share > usual + STREAK).collect();
    (0..shares.len())
        .map(|x| is_dark[x.saturating_sub(beside)..(x + beside + 1).min(shares.len())].contains(&true))
        .collect()
}
