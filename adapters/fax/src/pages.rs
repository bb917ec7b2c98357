//! Received files to pages (fax-loop.md section 2): TIFF by our own directory reader and a lenient
//! CCITT decoder, PDF by a renderer, photographs as they are. Every size is checked before memory is
//! taken, and whatever had to be repaired is marked on the page: a damaged page always goes to a person.

mod ccitt;
mod cost;
mod pdf;
mod photo;
mod picture;
mod tiff;

pub(crate) use pdf::scan as scan_pdf_page;
pub use pdf::{pdf_page_count, pdf_page_png};

use kakehashi_core::envelope::Warning;
use kakehashi_core::unreadable::{Unreadable, UnreadableCode};

/// What a received file may cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageLimits {
    /// Pages that are read; the rest is left in the received file with a warning.
    pub pages: usize,
    /// Widest page in pixels (A3 at 400 dpi is 4864).
    pub width: u32,
    /// Longest page in rows; long paper is real.
    pub rows: u32,
    /// Bytes of the file.
    pub file_bytes: usize,
    /// Bytes to which the streams of one PDF may unfold.
    pub unfolded_bytes: u64,
    /// What drawing one PDF may cost; filling a whole page counts 1000, a small operator 5.
    pub drawing: u64,
    /// Pixels of one picture, inside a PDF or a photograph.
    pub picture_pixels: u64,
}

impl Default for PageLimits {
    fn default() -> Self {
        Self {
            pages: 200,
            width: 5200,
            rows: 14_000,
            file_bytes: 64 << 20,
            unfolded_bytes: 384 << 20,
            drawing: 20_000_000,
            picture_pixels: 80_000_000,
        }
    }
}

/// What became of a file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pages {
    /// In order.
    pub pages: Vec<Page>,
    /// What was repaired, dropped or doubted.
    pub warnings: Vec<Warning>,
}

/// The dots of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ink {
    /// One bit a dot, rows padded to bytes, most significant bit first, 1 is black.
    Bilevel(Vec<u8>),
    /// One byte a dot, 0 is black.
    Grey(Vec<u8>),
}

/// One page in the resolution in which it came; dots need not be square.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Dots across.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Dots per inch across.
    pub x_dpi: f32,
    /// Rows per inch.
    pub y_dpi: f32,
    /// The dots.
    pub ink: Ink,
    /// Rows were lost or the data ended early.
    pub damaged: bool,
}

impl Page {
    /// Bytes of one bilevel row.
    #[must_use]
    pub(crate) fn stride(&self) -> usize {
        (self.width as usize).div_ceil(8)
    }

    /// Whether the dot is black; outside is white.
    #[must_use]
    pub fn is_black(&self, x: u32, y: u32) -> bool {
        if x >= self.width || y >= self.height {
            return false;
        }
        match &self.ink {
            Ink::Bilevel(bits) => {
                bits[y as usize * self.stride() + (x / 8) as usize] & (0x80 >> (x % 8)) != 0
            }
            Ink::Grey(dots) => dots[y as usize * self.width as usize + x as usize] < 128,
        }
    }

    /// Share of black dots.
    #[must_use]
    pub fn blackness(&self) -> f32 {
        let total = f64::from(self.width) * f64::from(self.height);
        let black: u64 = match &self.ink {
            Ink::Bilevel(bits) => bits.iter().map(|b| u64::from(b.count_ones())).sum(),
            Ink::Grey(dots) => dots.iter().filter(|d| **d < 128).count() as u64,
        };
        if total > 0.0 { (black as f64 / total) as f32 } else { 0.0 }
    }
}

/// Reads a whole file into memory. For many pages use [`visit_pages`], which holds one at a time.
///
/// # Errors
/// [`Unreadable`] if not one page could be read; the file itself stays with the caller.
pub fn read_pages(bytes: &[u8], limits: &PageLimits) -> Result<Pages, Unreadable> {
    let mut pages = Vec::new();
    let warnings = visit_pages(bytes, limits, &mut |page| pages.push(page))?;
    Ok(Pages { pages, warnings })
}

/// Reads a file page by page; gives what was repaired, dropped or doubted.
///
/// # Errors
/// [`Unreadable`] if not one page could be read. `take` has not been called then.
pub fn visit_pages(
    bytes: &[u8],
    limits: &PageLimits,
    take: &mut dyn FnMut(Page),
) -> Result<Vec<Warning>, Unreadable> {
    if bytes.is_empty() {
        return Err(Unreadable::new(UnreadableCode::Empty, "the file is empty"));
    }
    if bytes.len() > limits.file_bytes {
        return Err(Unreadable::new(
            UnreadableCode::TooLarge,
            format!("{} bytes, the limit is {}", bytes.len(), limits.file_bytes),
        ));
    }
    match kind(bytes) {
        Some(FileKind::Tiff) => tiff::visit(bytes, limits, take),
        Some(FileKind::Pdf) => pdf::visit(bytes, limits, take),
        Some(FileKind::Photo) => photo::visit(bytes, limits, take),
        None => Err(Unreadable::new(UnreadableCode::UnknownFormat, name_the_stranger(bytes))),
    }
}

/// What a file of pages is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileKind {
    Tiff,
    Pdf,
    Photo,
}

impl FileKind {
    pub(crate) fn media_type(self, bytes: &[u8]) -> &'static str {
        match self {
            Self::Tiff => "image/tiff",
            Self::Pdf => "application/pdf",
            Self::Photo if bytes.starts_with(b"\x89PNG") => "image/png",
            Self::Photo => "image/jpeg",
        }
    }
}

/// By the first bytes; a PDF may have up to 1 KB of something else in front.
pub(crate) fn kind(bytes: &[u8]) -> Option<FileKind> {
    if bytes.starts_with(b"II*\0")
        || bytes.starts_with(b"MM\0*")
        || bytes.starts_with(b"II+\0")
        || bytes.starts_with(b"MM\0+")
    {
        return Some(FileKind::Tiff);
    }
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") || bytes.starts_with(b"\xff\xd8\xff") {
        return Some(FileKind::Photo);
    }
    let head = &bytes[..bytes.len().min(1024)];
    head.windows(5).any(|w| w == b"%PDF-").then_some(FileKind::Pdf)
}

fn name_the_stranger(bytes: &[u8]) -> String {
    let head: Vec<u8> = bytes.iter().take(512).map(u8::to_ascii_lowercase).collect();
    let has = |what: &[u8]| head.windows(what.len()).any(|w| w == what);
    if has(b"<html") || has(b"<!doctype") {
        "an HTML page, not a picture: often the error page of a service".to_owned()
    } else if bytes.starts_with(b"PK\x03\x04") {
        "a ZIP archive, not a picture".to_owned()
    } else {
        "neither TIFF nor PDF nor a photograph".to_owned()
    }
}

pub(crate) fn warning(code: &str, detail: impl Into<String>) -> Warning {
    Warning { code: code.to_owned(), detail: detail.into() }
}

/// A grey picture for people.
pub(crate) fn grey_png(width: u32, height: u32, grey: &[u8]) -> Vec<u8> {
    picture::encode(width, height, png::ColorType::Grayscale, png::BitDepth::Eight, grey)
}

#[cfg(test)]
mod tests;
