//! PDF to pages. The renderer has no limits of its own, so a file is weighed before it is opened:
//! what its streams unfold to, how large its pictures are, how many pages it has. A file that opens
//! with no page is damaged (fax-loop.md section 2), and a password is never guessed.

use super::tiff::luma;
use super::{Ink, Page, PageLimits, cost, warning};
use flate2::{Decompress, FlushDecompress, Status};
use hayro::hayro_interpret::InterpreterSettings;
use hayro::hayro_syntax::object::{Object, Stream};
use hayro::hayro_syntax::{DecryptionError, LoadPdfError, Pdf};
use hayro::{PixmapSettings, RenderCache, RenderSettings};
use kakehashi_core::envelope::Warning;
use kakehashi_core::unreadable::{Unreadable, UnreadableCode};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Dots per inch at which received pages are rendered: that of a FAX.
const DPI: f32 = 204.0;
/// What one page may cost of [`PageLimits::drawing`]: some 100 MB in the renderer.
const PAGE_DRAWING: u64 = 4_000_000;
/// Longest side of a rendered page.
const LONGEST: f32 = 3000.0;

/// Number of pages.
///
/// # Errors
/// [`Unreadable`] if the file does not open, is encrypted or has no page.
pub fn pdf_page_count(pdf: &[u8]) -> Result<usize, Unreadable> {
    fenced(|| open(pdf, &PageLimits::default()).map(|pdf| pdf.pages().len()))
}

/// One page, counted from 0, as a PNG of this width (32 to 3000 dots).
///
/// # Errors
/// [`Unreadable`] if the file cannot be read or has no such page.
pub fn pdf_page_png(pdf: &[u8], page: usize, width_px: u32) -> Result<Vec<u8>, Unreadable> {
    let width_px = width_px.clamp(32, 3000) as f32;
    let limits = PageLimits::default();
    let (width, height, rgb) = fenced(|| {
        let pdf = open(pdf, &limits)?;
        let page = pdf
            .pages()
            .get(page)
            .ok_or_else(|| Unreadable::new(UnreadableCode::Damaged, format!("no page {}", page + 1)))?;
        spend(page, &mut limits.drawing.clone())?;
        let (w, h) = page.render_dimensions();
        let scale = (width_px / w.max(1.0)).min(2.0 * LONGEST / h.max(1.0));
        let (width, height, rgba) = render(page, scale, scale);
        let rgb: Vec<u8> = rgba.chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]).collect();
        Ok((width, height, rgb))
    })?;
    Ok(super::picture::encode(width, height, png::ColorType::Rgb, png::BitDepth::Eight, &rgb))
}

/// Reads all pages up to the limit.
pub(super) fn visit(
    bytes: &[u8],
    limits: &PageLimits,
    take: &mut dyn FnMut(Page),
) -> Result<Vec<Warning>, Unreadable> {
    let mut warnings = Vec::new();
    let pdf = fenced(|| open(bytes, limits))?;
    let count = pdf.pages().len();
    if count > limits.pages {
        warnings.push(warning(
            "too_many_pages",
            format!("only the first {} of {count} pages were read", limits.pages),
        ));
    }
    // A page that breaks the renderer is left out and named; the others stay.
    let mut taken = 0;
    let mut budget = limits.drawing;
    let mut first_refusal = None;
    let cache = RenderCache::new();
    for (index, page) in pdf.pages().iter().take(limits.pages).enumerate() {
        let drawn = fenced(|| {
            spend(page, &mut budget)?;
            let (w, h) = page.render_dimensions();
            let scale = (DPI / 72.0).min(LONGEST / w.max(h).max(1.0));
            Ok((scale, render_with(page, &cache, scale, scale)))
        });
        match drawn {
            Ok((scale, (width, height, rgba))) => {
                taken += 1;
                take(to_page(width, height, &rgba, scale * 72.0, scale * 72.0));
            }
            Err(refusal) => {
                warnings.push(warning("page_unreadable", format!("page {}: {}", index + 1, refusal.detail)));
                first_refusal.get_or_insert(refusal);
            }
        }
    }
    if let (0, Some(refusal)) = (taken, first_refusal) {
        return Err(refusal);
    }
    if taken == 0 {
        return Err(Unreadable::new(UnreadableCode::Damaged, "not one page of the PDF could be drawn"));
    }
    Ok(warnings)
}

/// One page, counted from 0, as a FAX machine would scan it: bilevel, 1728 dots wide, the left edge of
/// the paper at the left edge of the picture, 204×196.
pub(crate) fn scan(bytes: &[u8], index: usize) -> Result<Page, Unreadable> {
    const WIDTH: u32 = 1728;
    let limits = PageLimits::default();
    let drawn = fenced(|| {
        let pdf = open(bytes, &limits)?;
        let page = pdf
            .pages()
            .get(index)
            .ok_or_else(|| Unreadable::new(UnreadableCode::Damaged, format!("no page {}", index + 1)))?;
        spend(page, &mut limits.drawing.clone())?;
        let (w, h) = page.render_dimensions();
        let fit = (WIDTH as f32 / (w.max(1.0) * DPI / 72.0)).min(LONGEST / h.max(1.0)).min(1.0);
        Ok(render(page, fit * DPI / 72.0, fit * 196.0 / 72.0))
    })?;
    let (width, height, rgba) = drawn;
    let stride = (WIDTH as usize).div_ceil(8);
    let mut bits = vec![0_u8; stride * height as usize];
    for (y, row) in rgba.chunks_exact(width as usize * 4).enumerate() {
        for (x, p) in row.chunks_exact(4).enumerate().take(WIDTH as usize) {
            if luma(p[0], p[1], p[2]) < 150 {
                bits[y * stride + x / 8] |= 0x80 >> (x % 8);
            }
        }
    }
    Ok(Page { width: WIDTH, height, x_dpi: DPI, y_dpi: 196.0, ink: Ink::Bilevel(bits), damaged: false })
}

fn open(bytes: &[u8], limits: &PageLimits) -> Result<Pdf, Unreadable> {
    weigh(bytes, limits)?;
    let pdf = Pdf::new(bytes.to_vec()).map_err(|e| match e {
        LoadPdfError::Decryption(DecryptionError::PasswordProtected) => {
            Unreadable::new(UnreadableCode::Encrypted, "the PDF needs a password")
        }
        LoadPdfError::Decryption(_) => {
            Unreadable::new(UnreadableCode::Encrypted, "the PDF is encrypted in a way that is not known")
        }
        LoadPdfError::Invalid => Unreadable::new(UnreadableCode::Damaged, "the PDF does not open"),
    })?;
    if pdf.pages().is_empty() {
        return Err(Unreadable::new(UnreadableCode::Damaged, "the PDF has no page; it was probably cut off"));
    }
    for object in pdf.objects() {
        let Object::Stream(stream) = object else { continue };
        if picture_pixels(&stream) > limits.picture_pixels {
            return Err(Unreadable::new(UnreadableCode::TooLarge, "the PDF holds a picture over the limit"));
        }
    }
    Ok(pdf)
}

fn picture_pixels(stream: &Stream<'_>) -> u64 {
    let dict = stream.dict();
    let side = |long: &[u8], short: &[u8]| {
        dict.get::<i64>(long)
            .or_else(|| dict.get::<i64>(short))
            .map_or(0, |n| n.clamp(0, i64::from(u32::MAX)) as u64)
    };
    side(b"Width", b"W").saturating_mul(side(b"Height", b"H"))
}

/// Unfolds every Flate stream into nothing and counts, so that a small file cannot take all memory.
fn weigh(bytes: &[u8], limits: &PageLimits) -> Result<(), Unreadable> {
    let mut left = limits.unfolded_bytes;
    let mut sink = vec![0_u8; 64 << 10];
    let mut at = 0;
    while let Some(found) = find(&bytes[at..], b"stream") {
        let keyword = at + found;
        at = keyword + 6;
        if bytes[..keyword].ends_with(b"end") {
            continue;
        }
        let mut start = at;
        if bytes.get(start) == Some(&b'\r') {
            start += 1;
        }
        if bytes.get(start) == Some(&b'\n') {
            start += 1;
        }
        let Some(data) = bytes.get(start..) else { break };
        // Only what begins like zlib is tried; the rest costs what it weighs.
        if data.len() < 2 || data[0] & 0x0f != 8 || (u16::from(data[0]) << 8 | u16::from(data[1])) % 31 != 0 {
            continue;
        }
        let mut inflater = Decompress::new(true);
        let mut read = 0_usize;
        loop {
            let (before_in, before_out) = (inflater.total_in(), inflater.total_out());
            let status = inflater.decompress(&data[read..], &mut sink, FlushDecompress::None);
            let out = inflater.total_out() - before_out;
            read += (inflater.total_in() - before_in) as usize;
            if out > left {
                return Err(Unreadable::new(
                    UnreadableCode::TooLarge,
                    format!("the PDF unfolds to more than {} bytes", limits.unfolded_bytes),
                ));
            }
            left -= out;
            match status {
                Ok(Status::Ok) if out > 0 || inflater.total_in() > before_in => {}
                _ => break,
            }
        }
        at = start + read;
    }
    Ok(())
}

/// Takes the cost of a page from what is left for the file; no page may take more than its own share.
fn spend(page: &hayro::hayro_syntax::page::Page<'_>, left: &mut u64) -> Result<(), Unreadable> {
    let most = PAGE_DRAWING.min(*left);
    match cost::of(page, most) {
        Some(cost) => {
            *left -= cost;
            Ok(())
        }
        None => Err(Unreadable::new(
            UnreadableCode::TooLarge,
            "the PDF asks for more drawing than any page needs",
        )),
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|w| w == needle)
}

fn render(page: &hayro::hayro_syntax::page::Page<'_>, x: f32, y: f32) -> (u32, u32, Vec<u8>) {
    render_with(page, &RenderCache::new(), x, y)
}

fn render_with<'a>(
    page: &'a hayro::hayro_syntax::page::Page<'a>,
    cache: &RenderCache<'a>,
    x_scale: f32,
    y_scale: f32,
) -> (u32, u32, Vec<u8>) {
    let settings =
        PixmapSettings { x_scale, y_scale, bg_color: hayro::vello_cpu::color::palette::css::WHITE };
    let pixmap =
        hayro::render(page, cache, &InterpreterSettings::default(), &RenderSettings::default(), &settings);
    (u32::from(pixmap.width()), u32::from(pixmap.height()), pixmap.data_as_u8_slice().to_vec())
}

/// Bilevel where the page is black and white anyway (a scanned FAX, text), grey otherwise.
fn to_page(width: u32, height: u32, rgba: &[u8], x_dpi: f32, y_dpi: f32) -> Page {
    let grey: Vec<u8> = rgba.chunks_exact(4).map(|p| luma(p[0], p[1], p[2])).collect();
    let between = grey.iter().filter(|g| (64..192).contains(*g)).count();
    let page = Page { width, height, x_dpi, y_dpi, ink: Ink::Grey(grey), damaged: false };
    if between * 20 < (width as usize * height as usize) { page.to_bilevel() } else { page }
}

/// The renderer is large and reads hostile bytes: a panic inside it is a damaged file, not our end.
fn fenced<T>(work: impl FnOnce() -> Result<T, Unreadable>) -> Result<T, Unreadable> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(Unreadable::new(UnreadableCode::Damaged, "the PDF breaks the renderer")))
}
