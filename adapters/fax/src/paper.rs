//! Paper in both directions for the members' desk of the demo and for tests: a caught page is drawn
//! upon and sent back as a machine would send it, multi-page TIFF with Group 4 data. Nothing here
//! takes part in reading.

use crate::pages::{Ink, Page, PageLimits, read_pages};
use kakehashi_core::unreadable::{Unreadable, UnreadableCode};

impl Page {
    /// A white page of A4 in FAX resolution: 1728 dots across, `y_dpi` 98, 196 or 391.
    #[must_use]
    pub fn white_a4(y_dpi: f32) -> Self {
        let height = (297.0 / 25.4 * y_dpi).round() as u32;
        let bits = vec![0; 1728_usize.div_ceil(8) * height as usize];
        Self { width: 1728, height, x_dpi: 204.0, y_dpi, ink: Ink::Bilevel(bits), damaged: false }
    }

    /// A page from a PNG of a whole A4 sheet, as black and white in 204×196.
    ///
    /// # Errors
    /// [`Unreadable`] if it is not a picture or over the limits.
    pub fn from_png(png: &[u8]) -> Result<Self, Unreadable> {
        let mut pages = read_pages(png, &PageLimits::default())?.pages;
        let Some(page) = pages.pop() else {
            return Err(Unreadable::new(UnreadableCode::Damaged, "no page in the picture"));
        };
        let (across, down) =
            (1687.0, 2292.0_f32.min(1687.0 / page.width as f32 * page.height as f32 * 196.0 / 204.0));
        let scaled = page.to_bilevel().resampled(across as u32, down.round() as u32, 204.0, 196.0);
        let mut out = Self::white_a4(196.0);
        out.lay(&scaled);
        Ok(out)
    }

    /// A page of a PDF, counted from 0, as a machine would scan it in 204×196. The left edge of the
    /// paper is the left edge of the picture, so millimetres are those of the printed page.
    ///
    /// # Errors
    /// [`Unreadable`] if the file does not open or has no such page.
    pub fn from_pdf(pdf: &[u8], page: usize) -> Result<Self, Unreadable> {
        crate::pages::scan_pdf_page(pdf, page)
    }

    /// Blackens a rectangle given in millimetres from the top left.
    pub fn fill_rect_mm(&mut self, x: f32, y: f32, width: f32, height: f32) {
        let (px, py) = (self.x_dpi / 25.4, self.y_dpi / 25.4);
        let (left, right) = ((x * px).round().max(0.0) as u32, ((x + width) * px).round().max(0.0) as u32);
        let (top, bottom) = ((y * py).round().max(0.0) as u32, ((y + height) * py).round().max(0.0) as u32);
        for row in top..bottom.min(self.height) {
            self.blacken(row, left, right);
        }
    }

    /// Draws a stroke through points in millimetres with a round pen.
    pub fn draw_line_mm(&mut self, points: &[(f32, f32)], width_mm: f32) {
        let radius = (width_mm / 2.0).clamp(0.05, 20.0);
        match points {
            [] => {}
            [dot] => self.dot_mm(*dot, radius),
            _ => {
                for pair in points.windows(2) {
                    self.stroke_mm(pair[0], pair[1], radius);
                }
            }
        }
    }

    fn stroke_mm(&mut self, from: (f32, f32), to: (f32, f32), radius: f32) {
        let length = (to.0 - from.0).hypot(to.1 - from.1).min(1000.0);
        let steps = (length / (radius * 0.4).max(0.05)).ceil().max(1.0) as u32;
        for step in 0..=steps {
            let t = step as f32 / steps as f32;
            self.dot_mm((from.0 + (to.0 - from.0) * t, from.1 + (to.1 - from.1) * t), radius);
        }
    }

    fn dot_mm(&mut self, (x, y): (f32, f32), radius: f32) {
        let (px, py) = (self.x_dpi / 25.4, self.y_dpi / 25.4);
        let (top, bottom) =
            (((y - radius) * py).floor().max(0.0) as u32, ((y + radius) * py).ceil().max(0.0) as u32);
        for row in top..=bottom.min(self.height.saturating_sub(1)) {
            let dy = (row as f32 + 0.5) / py - y;
            // At least one dot wide, however thin the pen.
            let half = (radius * radius - dy * dy).max(0.0).sqrt().max(0.5 / px);
            if dy.abs() <= radius + 0.5 / py {
                self.blacken(
                    row,
                    ((x - half) * px).round().max(0.0) as u32,
                    ((x + half) * px).round().max(0.0) as u32,
                );
            }
        }
    }

    fn lay(&mut self, other: &Self) {
        for y in 0..other.height.min(self.height) {
            for x in 0..other.width.min(self.width) {
                if other.is_black(x, y) {
                    self.blacken(y, x, x + 1);
                }
            }
        }
    }
}

/// Pages as a machine forwards them: one TIFF, Group 4, resolution tags of each page.
#[must_use]
pub fn page_to_tiff_g4(pages: &[Page]) -> Vec<u8> {
    crate::tiff_out::tiff(pages, crate::tiff_out::Coding::Group4)
}
