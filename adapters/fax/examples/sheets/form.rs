//! The printed page before anybody wrote on it: message, marks, codes, frames and labels, with the shapes
//! of the real one but without its words. Boxes come in the sizes that are printed.

use crate::paper::{Paper, Pen};
use crate::rng::Rng;
use kakehashi_core::reply_code::QrPlace;
use kakehashi_core::sheet_form::{SheetCode, SheetForm};
use kakehashi_fax::sheet::geometry::{
    Area, LayoutBox, MARK_CENTRES, MARK_SIZE, QR_A, QR_B, QR_MODULES, SheetLayout,
};
use qrcode::bits::Bits;
use qrcode::optimize::Segment;
use qrcode::types::{Color, Mode};
use qrcode::{EcLevel, QrCode, Version};

/// Draws the page of a code with these boxes.
pub(crate) fn draw(
    code: &SheetCode,
    layout: &SheetLayout,
    line: f32,
    rng: &mut Rng,
) -> Result<Paper, String> {
    let mut paper = Paper::new();
    let ink = Pen { width: 0.35, black: 1.0, gaps: 0.0, taper: 0.0 };
    let lines = if code.form == SheetForm::First { 0 } else { 18 };
    for row in 0..lines {
        words(&mut paper, 18.0, 18.0 + row as f32 * 6.8, 60 - rng.below(25), 2.9, ink, rng);
    }
    for (x, y) in MARK_CENTRES {
        paper.rect(x - MARK_SIZE / 2.0, y - MARK_SIZE / 2.0, MARK_SIZE, MARK_SIZE);
    }
    for (area, place) in [(QR_A, QrPlace::A), (QR_B, QrPlace::B)] {
        let text = SheetCode { place, ..code.clone() }.text();
        qr(&mut paper, area, &text)?;
    }
    for area in [layout.hand, layout.name].into_iter().flatten() {
        paper.frame(area.x, area.y, area.w, area.h, 0.32);
    }
    for b in &layout.boxes {
        paper.frame(b.x, b.y, b.w, b.h, line);
        // The label begins where the white around a box ends.
        words(&mut paper, b.x + b.w + rng.range(2.4, 3.2), b.y + 1.2, 2, 3.8, ink, rng);
    }
    Ok(paper)
}

/// Some glyphs of strokes.
fn words(paper: &mut Paper, x: f32, y: f32, count: usize, size: f32, ink: Pen, rng: &mut Rng) {
    for n in 0..count {
        let left = x + n as f32 * size;
        for _ in 0..3 {
            let p = |rng: &mut Rng| (left + size * 0.85 * rng.unit(), y + size * 0.9 * rng.unit());
            let a = p(rng);
            let b = if rng.chance(0.5) {
                (left + size * 0.85 * rng.unit(), a.1)
            } else {
                (a.0, y + size * 0.9 * rng.unit())
            };
            let (from, to) = ((a.0.min(b.0), a.1.min(b.1)), (a.0.max(b.0), a.1.max(b.1)));
            paper.rect(from.0, from.1, (to.0 - from.0).max(ink.width), (to.1 - from.1).max(ink.width));
        }
    }
}

fn qr(paper: &mut Paper, area: Area, text: &str) -> Result<(), String> {
    // One alphanumeric segment, as the gateway prints it; the library's own choice may need more room.
    let segment = Segment { mode: Mode::Alphanumeric, begin: 0, end: text.len() };
    let mut bits = Bits::new(Version::Normal(1));
    bits.push_segments(text.as_bytes(), std::iter::once(segment)).map_err(|e| e.to_string())?;
    bits.push_terminator(EcLevel::Q).map_err(|e| e.to_string())?;
    let code = QrCode::with_bits(bits, EcLevel::Q).map_err(|e| e.to_string())?;
    let module = area.width / QR_MODULES as f32;
    for (i, color) in code.to_colors().iter().enumerate() {
        if *color == Color::Dark {
            let (column, row) = ((i % QR_MODULES) as f32, (i / QR_MODULES) as f32);
            paper.rect(area.x + column * module, area.y + row * module, module, module);
        }
    }
    Ok(())
}

/// A page full of boxes, for training and for counting: 7 to 10 mm, all that fits between the codes.
pub(crate) fn crowded(rng: &mut Rng) -> SheetLayout {
    let side = [7.0, 7.5, 8.0, 8.0, 10.0][rng.below(5)];
    let (pitch_x, pitch_y) = (side + rng.range(8.5, 11.0), side + rng.range(3.0, 6.0));
    let mut boxes = Vec::new();
    let mut y = 154.5;
    while y + side < 283.0 {
        let mut x = 24.0;
        while x + side < 186.0 {
            let near = |area: Area| {
                x < area.right() + 4.0
                    && x + side + 3.0 > area.x - 4.0
                    && y < area.bottom() + 3.0
                    && y + side > area.y - 3.0
            };
            if !near(QR_A) && !near(QR_B) {
                let id = format!("b{}", boxes.len());
                boxes.push(LayoutBox { id, label: String::new(), x, y, w: side, h: side });
            }
            x += pitch_x;
        }
        y += pitch_y;
    }
    SheetLayout { boxes, hand: None, name: None, ..SheetLayout::reply_sheet() }
}
