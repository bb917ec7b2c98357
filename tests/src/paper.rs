//! Paper in a member's hands: a page of a FAX that came is written upon with a pen and laid into the
//! machine again.

use kakehashi_fax::pages::{Ink, Page, pdf_page_count};
use kakehashi_fax::paper::page_to_tiff_g4;
use kakehashi_fax::sheet::printed;

/// The last page of a FAX job as it lies on the desk: the reply sheet.
///
/// # Panics
/// It is no PDF with pages.
#[must_use]
pub fn reply_sheet(pdf: &[u8]) -> Page {
    let pages = pdf_page_count(pdf).unwrap_or_else(|e| panic!("not a PDF: {e}"));
    Page::from_pdf(pdf, pages - 1).unwrap_or_else(|e| panic!("page {pages}: {e}"))
}

/// Every page of a FAX job as it lies on the desk.
///
/// # Panics
/// It is no PDF.
#[must_use]
pub fn all_pages(pdf: &[u8]) -> Vec<Page> {
    let pages = pdf_page_count(pdf).unwrap_or_else(|e| panic!("not a PDF: {e}"));
    let page = |n| Page::from_pdf(pdf, n).unwrap_or_else(|e| panic!("page {n}: {e}"));
    (0..pages).map(page).collect()
}

/// The page as a machine sends it that renders grey: white paper is not quite white and gets dots at regular
/// places.
#[must_use]
pub fn as_grey(page: &Page) -> Page {
    let mut grey = page.clone();
    strew(&mut grey, (0.0, 0.0, 210.0, 297.0), 1);
    grey
}

/// Dots of a matrix of 4 × 4, so many of its 16, over an area in millimetres: left, top, right, bottom.
fn strew(page: &mut Page, (left, top, right, bottom): (f32, f32, f32, f32), of_16: usize) {
    const ORDER: [(u32, u32); 4] = [(1, 2), (3, 0), (3, 2), (1, 0)];
    let (px, py) = (page.x_dpi / 25.4, page.y_dpi / 25.4);
    for y in (top * py) as u32..((bottom * py) as u32).min(page.height) {
        for x in (left * px) as u32..((right * px) as u32).min(page.width) {
            if ORDER[..of_16.min(ORDER.len())].contains(&(x % 4, y % 4)) {
                blacken(page, x, y);
            }
        }
    }
}

/// Ticks a box with a light pencil, as a machine that renders grey sends it: dots that lie denser.
///
/// # Panics
/// The page is none of ours or has no such box.
pub fn pencil_tick(page: &mut Page, name: &str) {
    let layout = printed(page).unwrap_or_else(|| panic!("no sheet"));
    let tick = layout.boxes.iter().find(|b| b.id == name).unwrap_or_else(|| panic!("no box {name}"));
    let at = |x: f32, y: f32| (tick.x + x * tick.w, tick.y + y * tick.h);
    pencil(page, &[at(0.19, 0.51), at(0.41, 0.8), at(0.84, 0.2)]);
}

/// A few strokes of a light pencil in the writing area.
///
/// # Panics
/// The page is none of ours or has no writing area.
pub fn pencil_note(page: &mut Page) {
    let hand = printed(page).and_then(|layout| layout.hand).unwrap_or_else(|| panic!("nowhere to write"));
    for n in 0..4_u8 {
        let (x, y) = (hand.x + 15.0 + 9.0 * f32::from(n), hand.y + 4.0);
        pencil(page, &[(x, y), (x - 1.0, y + 5.0), (x + 2.0, y + 10.0)]);
        pencil(page, &[(x - 2.0, y + 4.0), (x + 5.0, y + 3.0)]);
    }
}

/// Grey of a pencil along a line in millimetres.
fn pencil(page: &mut Page, line: &[(f32, f32)]) {
    const HALF: f32 = 0.35;
    for pair in line.windows(2) {
        let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
        let steps = ((x1 - x0).hypot(y1 - y0) / 0.1).ceil().max(1.0);
        for step in 0..=steps as u16 {
            let t = f32::from(step) / steps;
            let (x, y) = (x0 + t * (x1 - x0), y0 + t * (y1 - y0));
            strew(page, (x - HALF, y - HALF, x + HALF, y + HALF), 4);
        }
    }
}

/// Ticks a box with a pen.
///
/// # Panics
/// The page is none of ours or has no such box.
pub fn tick(page: &mut Page, name: &str) {
    let layout = printed(page).unwrap_or_else(|| panic!("no sheet"));
    let tick = layout.boxes.iter().find(|b| b.id == name).unwrap_or_else(|| panic!("no box {name}"));
    let at = |x: f32, y: f32| (tick.x + x * tick.w, tick.y + y * tick.h);
    page.draw_line_mm(&[at(0.19, 0.51), at(0.41, 0.8), at(0.84, 0.2)], 0.7);
}

/// A few strokes in the writing area.
pub fn write(page: &mut Page) {
    for n in 0..5_u8 {
        let x = 34.0 + 9.0 * f32::from(n);
        page.draw_line_mm(&[(x, 217.0), (x - 1.0, 224.0), (x + 2.0, 231.0)], 0.6);
        page.draw_line_mm(&[(x - 2.0, 221.0), (x + 5.0, 220.0)], 0.6);
    }
}

/// The page as it looks when it was laid in upside down.
#[must_use]
pub fn upside_down(page: &Page) -> Page {
    let mut turned = blank(page.width, page.height, page.x_dpi, page.y_dpi);
    copy(page, &mut turned, |x, y| Some((page.width - 1 - x, page.height - 1 - y)));
    turned
}

/// The page as a machine sends it in standard resolution: every second row.
#[must_use]
pub fn standard_resolution(page: &Page) -> Page {
    let mut coarse = blank(page.width, page.height / 2, page.x_dpi, page.y_dpi / 2.0);
    let rows = coarse.height;
    copy(page, &mut coarse, |x, y| (y % 2 == 0 && y / 2 < rows).then_some((x, y / 2)));
    coarse
}

/// Pages as a machine sends them.
#[must_use]
pub fn tiff(pages: &[Page]) -> Vec<u8> {
    page_to_tiff_g4(pages)
}

fn blank(width: u32, height: u32, x_dpi: f32, y_dpi: f32) -> Page {
    let bits = vec![0; width.div_ceil(8) as usize * height as usize];
    Page { width, height, x_dpi, y_dpi, ink: Ink::Bilevel(bits), damaged: false }
}

fn copy(from: &Page, to: &mut Page, place: impl Fn(u32, u32) -> Option<(u32, u32)>) {
    for y in 0..from.height {
        for x in (0..from.width).filter(|x| from.is_black(*x, y)) {
            if let Some((x, y)) = place(x, y) {
                blacken(to, x, y);
            }
        }
    }
}

fn blacken(page: &mut Page, x: u32, y: u32) {
    let stride = page.width.div_ceil(8) as usize;
    if let Ink::Bilevel(bits) = &mut page.ink {
        bits[y as usize * stride + x as usize / 8] |= 0x80 >> (x % 8);
    }
}
