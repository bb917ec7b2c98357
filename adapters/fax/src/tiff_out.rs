//! Pages that leave as TIFF, for providers and FAX servers that take no PDF: Group 4, or Group 3 one-
//! dimensional as TIFF class F (RFC 2306 section 4) has it, 204 dots across and 196 or 98 lines an inch,
//! every tag stated. A page is drawn once; nothing here reads.

use crate::pages::{Page, pdf_page_count, scan_pdf_page};
use fax::maps::{EOL, black, white};
use fax::{BitWriter as _, Bits, Color, VecWriter, encoder::Encoder};
use kakehashi_core::unreadable::Unreadable;
use serde::{Deserialize, Serialize};

/// How the dots are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Coding {
    /// ITU-T T.4 one-dimensional: TIFF compression 3.
    Group3,
    /// ITU-T T.6: TIFF compression 4.
    Group4,
}

/// Lines an inch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lines {
    /// 204×98.
    Standard,
    /// 204×196.
    Fine,
}

/// The pages of a PDF of ours as one TIFF.
///
/// # Errors
/// [`Unreadable`] if the PDF does not open: it was not made by our renderer.
pub fn pdf_to_tiff(pdf: &[u8], coding: Coding, lines: Lines) -> Result<Vec<u8>, Unreadable> {
    let mut pages = Vec::new();
    for number in 0..pdf_page_count(pdf)? {
        let page = scan_pdf_page(pdf, number)?;
        pages.push(match lines {
            Lines::Fine => page,
            Lines::Standard => every_second_line(&page),
        });
    }
    Ok(tiff(&pages, coding))
}

/// What a machine sends in standard resolution. A line of which either neighbour is black stays black
/// where it is long: rules and frames must not fall between two lines.
fn every_second_line(page: &Page) -> Page {
    const LONG: u32 = 24;
    let mut coarse = Page::white_a4(98.0);
    for y in 0..coarse.height.min(page.height / 2) {
        for (start, end) in runs(page, 2 * y) {
            coarse.blacken(y, start, end);
        }
        for (start, end) in runs(page, 2 * y + 1) {
            if end - start >= LONG {
                coarse.blacken(y, start, end);
            }
        }
    }
    coarse
}

/// Black runs of a line: first dot and the one after the last.
fn runs(page: &Page, y: u32) -> Vec<(u32, u32)> {
    let mut found = Vec::new();
    let mut x = 0;
    while x < page.width {
        if page.is_black(x, y) {
            let start = x;
            while x < page.width && page.is_black(x, y) {
                x += 1;
            }
            found.push((start, x));
        } else {
            x += 1;
        }
    }
    found
}

/// Pages as one little-endian TIFF with all tags of class F.
#[must_use]
pub fn tiff(pages: &[Page], coding: Coding) -> Vec<u8> {
    let mut out = b"II*\0".to_vec();
    let mut link = out.len();
    out.extend_from_slice(&[0; 4]);
    for (number, page) in pages.iter().enumerate() {
        let bilevel = page.to_bilevel();
        let data = match coding {
            Coding::Group3 => group3(&bilevel),
            Coding::Group4 => group4(&bilevel),
        };
        let data_at = place(out.len());
        out.extend_from_slice(&data);
        if out.len() % 2 == 1 {
            out.push(0);
        }
        let ratios_at = place(out.len());
        for dpi in [page.x_dpi, page.y_dpi] {
            out.extend_from_slice(&((dpi * 100.0).round() as u32).to_le_bytes());
            out.extend_from_slice(&100_u32.to_le_bytes());
        }
        let directory_at = place(out.len());
        out[link..link + 4].copy_from_slice(&directory_at.to_le_bytes());
        let total = place(pages.len()).min(0xffff);
        let (compression, options_tag) = match coding {
            Coding::Group3 => (3, 292),
            Coding::Group4 => (4, 293),
        };
        // Tag, type, count, value; tags ascend (TIFF 6.0 section 2).
        let entries: [(u16, u16, u32, u32); 16] = [
            (254, 4, 1, 2),
            (256, 4, 1, bilevel.width),
            (257, 4, 1, bilevel.height),
            (258, 3, 1, 1),
            (259, 3, 1, compression),
            (262, 3, 1, 0),
            (266, 3, 1, 1),
            (273, 4, 1, data_at),
            (277, 3, 1, 1),
            (278, 4, 1, bilevel.height),
            (279, 4, 1, place(data.len())),
            (282, 5, 1, ratios_at),
            (283, 5, 1, ratios_at + 8),
            (options_tag, 4, 1, 0),
            (296, 3, 1, 2),
            (297, 3, 2, (place(number) & 0xffff) | total << 16),
        ];
        out.extend_from_slice(&(entries.len() as u16).to_le_bytes());
        for (tag, kind, count, value) in entries {
            out.extend_from_slice(&tag.to_le_bytes());
            out.extend_from_slice(&kind.to_le_bytes());
            out.extend_from_slice(&count.to_le_bytes());
            out.extend_from_slice(&value.to_le_bytes());
        }
        link = out.len();
        out.extend_from_slice(&[0; 4]);
    }
    out
}

/// TIFF knows no file over 4 GiB; fifty pages have a hundredth of it.
fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

fn group4(page: &Page) -> Vec<u8> {
    let mut encoder = Encoder::new(VecWriter::new());
    for y in 0..page.height {
        let dots = (0..page.width).map(|x| if page.is_black(x, y) { Color::Black } else { Color::White });
        // Writing into memory cannot fail: the error type has no value.
        let Ok(()) = encoder.encode_line(dots, page.width);
    }
    let Ok(writer) = encoder.finish();
    writer.finish()
}

/// Each line after its EOL; no RTC at the end, as class F asks.
fn group3(page: &Page) -> Vec<u8> {
    let mut writer = VecWriter::new();
    let mut put = |bits: Bits| {
        let Ok(()) = writer.write(bits);
    };
    for y in 0..page.height {
        put(EOL);
        let mut at = 0;
        let mut is_black = false;
        // The first run is white, if only of length 0.
        for (start, end) in runs(page, y).into_iter().chain([(page.width, page.width)]) {
            run(&mut put, is_black, start - at);
            is_black = true;
            if end > start {
                run(&mut put, is_black, end - start);
                is_black = false;
            }
            at = end;
        }
    }
    writer.pad();
    writer.finish()
}

/// Make-up codes of 2560 and of multiples of 64, then the terminating code (ITU-T T.4 tables 2 and 3).
fn run(put: &mut impl FnMut(Bits), is_black: bool, mut length: u32) {
    let table: &[(u16, Bits)] = if is_black { &black::ENTRIES } else { &white::ENTRIES };
    let mut code = |length: u32| {
        let index = if length >= 64 { 63 + length / 64 } else { length } as usize;
        if let Some((_, bits)) = table.get(index) {
            put(*bits);
        }
    };
    while length >= 2560 {
        code(2560);
        length -= 2560;
    }
    if length >= 64 {
        code(length & !63);
        length &= 63;
    }
    code(length);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::{PageLimits, read_pages};
    use crate::sheet::tests::sheet;

    #[test]
    fn our_own_reader_finds_the_same_dots() {
        for (coding, y_dpi) in
            [(Coding::Group3, 98.0), (Coding::Group3, 196.0), (Coding::Group4, 98.0), (Coding::Group4, 196.0)]
        {
            let page = sheet(y_dpi);
            let file = tiff(&[page.clone(), Page::white_a4(y_dpi), page.clone()], coding);
            let read = read_pages(&file, &PageLimits::default()).unwrap().pages;
            assert_eq!(read.len(), 3, "{coding:?}");
            for (at, expected) in [(0, &page), (2, &page)] {
                let got = &read[at];
                assert_eq!((got.width, got.height, got.y_dpi), (1728, expected.height, y_dpi), "{coding:?}");
                let differ = (0..got.height)
                    .flat_map(|y| (0..got.width).map(move |x| (x, y)))
                    .filter(|(x, y)| got.is_black(*x, *y) != expected.is_black(*x, *y))
                    .count();
                assert_eq!(differ, 0, "{coding:?} {y_dpi}");
                assert!(!got.damaged);
            }
        }
    }

    #[test]
    fn a_black_page_and_a_line_that_begins_black() {
        let mut page = Page::white_a4(98.0);
        page.fill_rect_mm(0.0, 0.0, 220.0, 300.0);
        let read = read_pages(&tiff(&[page], Coding::Group3), &PageLimits::default()).unwrap().pages;
        assert!(!read[0].damaged);
    }

    #[test]
    fn standard_resolution_keeps_frames() {
        let coarse = every_second_line(&sheet(196.0));
        let found = crate::sheet::find(&coarse).unwrap();
        assert_eq!(found.code, crate::sheet::tests::code());
        assert_eq!(coarse.y_dpi, 98.0);
    }
}
