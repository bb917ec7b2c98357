//! What somebody wrote, cut out and straightened for people: the writing is shown beside the post at once,
//! while the whole page stays with it. It is never read here.

use super::bitmap::Bitmap;
use super::geometry::{Area, PAGE_HEIGHT, PAGE_WIDTH};
use super::marks::Fit;

/// Dots a millimetre: a line of handwriting is legible on a telephone.
const PER_MM: f32 = 6.0;
/// Paper around the writing, in mm.
const AROUND: f32 = 2.5;

/// A grey PNG of this part of the upright sheet.
pub(super) fn crop(bitmap: &Bitmap, fit: &Fit, area: Area) -> Vec<u8> {
    let (left, top) = ((area.x - AROUND).max(0.0), (area.y - AROUND).max(0.0));
    let (right, bottom) =
        ((area.right() + AROUND).min(PAGE_WIDTH), (area.bottom() + AROUND).min(PAGE_HEIGHT));
    let dots = |from: f32, to: f32| ((to - from).max(1.0) * PER_MM) as u32;
    let (width, height) = (dots(left, right), dots(top, bottom));
    let mut grey = Vec::with_capacity((width * height) as usize);
    for y in 0..height {
        for x in 0..width {
            let mut black = 0;
            for (dx, dy) in [(0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)] {
                let (px, py) = fit.map(left + (x as f32 + dx) / PER_MM, top + (y as f32 + dy) / PER_MM);
                black += u8::from(bitmap.is_black_mm(px, py));
            }
            grey.push(255 - black * 63);
        }
    }
    crate::pages::grey_png(width, height, &grey)
}
