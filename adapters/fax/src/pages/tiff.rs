//! TIFF as FAX machines and services write it: the directory chain, the strips, and the eleven
//! repairs of fax-loop.md section 2. Tags are claims; nothing is allocated on their word alone, and
//! polarity, resolution and even the compression are doubted where machines are known to lie.

use super::ccitt::{self, Coding};
use super::{Ink, Page, PageLimits, warning};
use kakehashi_core::envelope::Warning;
use kakehashi_core::unreadable::{Unreadable, UnreadableCode};
use std::io::Read as _;

const MAX_ENTRIES: u16 = 512;
const MAX_STRIPS: u32 = 20_000;

/// Reads the chain of directories.
pub(super) fn visit(
    bytes: &[u8],
    limits: &PageLimits,
    take: &mut dyn FnMut(Page),
) -> Result<Vec<Warning>, Unreadable> {
    let file = File::open(bytes)?;
    let mut warnings = Vec::new();
    let mut seen = Vec::new();
    let mut first_refusal = None;
    let mut taken = 0_usize;
    let mut offset = file.u32_at(4).unwrap_or(0);
    while offset != 0 {
        if seen.contains(&offset) {
            warnings.push(warning("page_chain_loop", "the list of pages points back to itself"));
            break;
        }
        if seen.len() >= limits.pages {
            warnings
                .push(warning("too_many_pages", format!("only the first {} pages were read", limits.pages)));
            break;
        }
        seen.push(offset);
        let Some((directory, next)) = file.directory(offset) else {
            warnings.push(warning("page_chain_broken", "the list of pages ends in the middle"));
            break;
        };
        match file.page(&directory, limits) {
            Ok(page) => {
                taken += 1;
                if page.damaged {
                    warnings.push(warning("page_damaged", format!("page {}: rows are missing", seen.len())));
                }
                take(page);
            }
            Err(refusal) => {
                warnings.push(warning("page_unreadable", format!("page {}: {}", seen.len(), refusal.detail)));
                first_refusal.get_or_insert(refusal);
            }
        }
        offset = next;
    }
    if taken == 0 {
        return Err(first_refusal
            .unwrap_or_else(|| Unreadable::new(UnreadableCode::Damaged, "a TIFF file without a page")));
    }
    Ok(warnings)
}

struct File<'a> {
    bytes: &'a [u8],
    little: bool,
}

/// One entry of a directory: tag, type, count, and where the value lies.
#[derive(Debug, Clone, Copy)]
struct Entry {
    tag: u16,
    kind: u16,
    count: u32,
    at: usize,
}

type Directory = Vec<Entry>;

impl<'a> File<'a> {
    fn open(bytes: &'a [u8]) -> Result<Self, Unreadable> {
        let little = bytes.starts_with(b"II");
        let file = Self { bytes, little };
        match file.u16_at(2) {
            Some(42) => Ok(file),
            Some(43) => Err(Unreadable::new(UnreadableCode::Unsupported, "BigTIFF")),
            _ => Err(Unreadable::new(UnreadableCode::Damaged, "no TIFF header")),
        }
    }

    fn u16_at(&self, at: usize) -> Option<u16> {
        let raw: [u8; 2] = self.bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if self.little { u16::from_le_bytes(raw) } else { u16::from_be_bytes(raw) })
    }

    fn u32_at(&self, at: usize) -> Option<u32> {
        let raw: [u8; 4] = self.bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if self.little { u32::from_le_bytes(raw) } else { u32::from_be_bytes(raw) })
    }

    /// The entries that lie inside the file, and the offset of the next directory.
    fn directory(&self, offset: u32) -> Option<(Directory, u32)> {
        let start = offset as usize;
        let count = self.u16_at(start)?.min(MAX_ENTRIES);
        let mut entries = Vec::new();
        for i in 0..usize::from(count) {
            let at = start + 2 + 12 * i;
            let (Some(tag), Some(kind), Some(count)) =
                (self.u16_at(at), self.u16_at(at + 2), self.u32_at(at + 4))
            else {
                break;
            };
            let size = (count as usize).checked_mul(size_of_kind(kind));
            let inside = size.is_some_and(|s| s <= 4);
            let value_at = if inside { at + 8 } else { self.u32_at(at + 8).unwrap_or(0) as usize };
            entries.push(Entry { tag, kind, count, at: value_at });
        }
        if entries.is_empty() {
            return None;
        }
        let next = self.u32_at(start + 2 + 12 * usize::from(count)).unwrap_or(0);
        Some((entries, next))
    }

    fn number(&self, entry: Entry, index: u32) -> Option<u32> {
        let index = index as usize;
        match entry.kind {
            1 | 6 | 7 => self.bytes.get(entry.at.checked_add(index)?).map(|b| u32::from(*b)),
            3 | 8 => self.u16_at(entry.at.checked_add(index.checked_mul(2)?)?).map(u32::from),
            4 | 9 | 13 => self.u32_at(entry.at.checked_add(index.checked_mul(4)?)?),
            _ => None,
        }
    }

    fn first(&self, directory: &Directory, tag: u16) -> Option<u32> {
        let entry = find(directory, tag)?;
        self.number(entry, 0)
    }

    fn ratio(&self, directory: &Directory, tag: u16) -> Option<f32> {
        let entry = find(directory, tag)?;
        if entry.kind != 5 {
            return self.number(entry, 0).map(|n| n as f32);
        }
        let (above, below) = (self.u32_at(entry.at)?, self.u32_at(entry.at + 4)?);
        (below != 0).then(|| above as f32 / below as f32)
    }

    fn page(&self, directory: &Directory, limits: &PageLimits) -> Result<Page, Unreadable> {
        let damaged = |what: &str| Unreadable::new(UnreadableCode::Damaged, what);
        let width = self.first(directory, 256).ok_or_else(|| damaged("no width"))?;
        // Absent or 0: the rows are counted while they come, up to the limit.
        let stated = self.first(directory, 257).unwrap_or(0);
        if width == 0 {
            return Err(damaged("width 0"));
        }
        if width > limits.width || stated > limits.rows {
            return Err(Unreadable::new(
                UnreadableCode::TooLarge,
                format!("{width}×{stated} dots, the limit is {}×{}", limits.width, limits.rows),
            ));
        }
        if find(directory, 322).is_some() {
            return Err(Unreadable::new(UnreadableCode::Unsupported, "a TIFF in tiles"));
        }
        let rows = if stated == 0 { limits.rows } else { stated };
        let compression = self.first(directory, 259).unwrap_or(1);
        let mut page = match compression {
            2..=4 => self.fax_page(directory, width, rows, compression)?,
            1 => self.plain_page(directory, width, rows, Packing::None)?,
            8 | 32946 if self.first(directory, 317).unwrap_or(1) == 1 => {
                self.plain_page(directory, width, rows, Packing::Deflate)?
            }
            32773 => self.plain_page(directory, width, rows, Packing::PackBits)?,
            other => return Err(Unreadable::new(UnreadableCode::Unsupported, name_compression(other))),
        };
        if stated == 0 && page.height == 0 {
            return Err(damaged("no rows"));
        }
        (page.x_dpi, page.y_dpi) = self.resolution(directory, page.width, page.height);
        Ok(match self.first(directory, 274) {
            Some(3) => page.turned(180),
            Some(6) => page.turned(90),
            Some(8) => page.turned(270),
            _ => page,
        })
    }

    /// Strips with the claimed length doubted: 0 or beyond the file means the rest of the file.
    fn strips(&self, directory: &Directory) -> Result<(Vec<&'a [u8]>, bool), Unreadable> {
        let offsets = find(directory, 273)
            .ok_or_else(|| Unreadable::new(UnreadableCode::Damaged, "no data is pointed to"))?;
        let lengths = find(directory, 279);
        let mut strips = Vec::new();
        let mut doubted = false;
        for i in 0..offsets.count.min(MAX_STRIPS) {
            let Some(start) = self.number(offsets, i).map(|n| n as usize) else { break };
            let length = lengths.and_then(|l| self.number(l, i)).unwrap_or(0) as usize;
            let Some(rest) = self.bytes.get(start..) else {
                doubted = true;
                strips.push(&[][..]);
                continue;
            };
            if length == 0 || length > rest.len() {
                doubted = true;
                strips.push(rest);
            } else {
                strips.push(&rest[..length]);
            }
        }
        if strips.is_empty() {
            return Err(Unreadable::new(UnreadableCode::Damaged, "no data is pointed to"));
        }
        Ok((strips, doubted))
    }

    fn fax_page(
        &self,
        directory: &Directory,
        width: u32,
        rows: u32,
        compression: u32,
    ) -> Result<Page, Unreadable> {
        let coding = match compression {
            2 => Coding::RunLengths,
            3 => Coding::Group3 { two_dimensional: self.first(directory, 292).unwrap_or(0) & 1 != 0 },
            _ => Coding::Group4,
        };
        let turn_bits = self.first(directory, 266) == Some(2);
        let (strips, doubted) = self.strips(directory)?;
        let stated = self.first(directory, 257).unwrap_or(0);
        let per_strip = match self.first(directory, 278) {
            Some(n) if n > 0 && strips.len() > 1 => n.min(rows),
            _ => rows,
        };
        let stride = (width as usize).div_ceil(8);
        let mut bits: Vec<u8> = Vec::new();
        let mut lost = doubted;
        let mut expected = 0_u32;
        for data in strips {
            let want = per_strip.min(rows - expected);
            if want == 0 {
                break;
            }
            let turned: Vec<u8>;
            let data = if turn_bits {
                turned = data.iter().map(|b| b.reverse_bits()).collect();
                &turned
            } else {
                data
            };
            let strip = ccitt::decode(data, width, want, coding);
            expected += want;
            bits.extend_from_slice(&strip.bits);
            if strip.rows < want && stated != 0 {
                lost = true;
            }
            // Rows that are lost inside a strip must not move the strips below.
            if per_strip < rows {
                bits.resize(expected as usize * stride, 0);
            }
            lost |= strip.broken && stated == 0;
        }
        if bits.is_empty() {
            return Err(Unreadable::new(UnreadableCode::Damaged, "not one row could be decoded"));
        }
        let height = if stated == 0 { (bits.len() / stride) as u32 } else { rows };
        lost |= bits.len() < height as usize * stride;
        bits.resize(height as usize * stride, 0);
        let mut page = Page { width, height, x_dpi: 0.0, y_dpi: 0.0, ink: Ink::Bilevel(bits), damaged: lost };
        // Polarity by what is seen: PhotometricInterpretation is wrong too often in FAX data.
        if page.blackness() > 0.6 {
            page.invert();
        }
        Ok(page)
    }

    /// Uncompressed, PackBits and Deflate: bilevel, 8-bit grey, 8-bit RGB.
    fn plain_page(
        &self,
        directory: &Directory,
        width: u32,
        rows: u32,
        packing: Packing,
    ) -> Result<Page, Unreadable> {
        let samples = self.first(directory, 277).unwrap_or(1);
        let depth = self.first(directory, 258).unwrap_or(1);
        let photometric = self.first(directory, 262).unwrap_or(0);
        let per_row = match (depth, samples) {
            (1, 1) => (width as usize).div_ceil(8),
            (8, 1) => width as usize,
            (8, 3 | 4) if self.first(directory, 284).unwrap_or(1) == 1 => width as usize * samples as usize,
            _ => {
                return Err(Unreadable::new(
                    UnreadableCode::Unsupported,
                    format!("{samples} samples of {depth} bits"),
                ));
            }
        };
        let (strips, doubted) = self.strips(directory)?;
        let most = per_row * rows as usize;
        let mut data = Vec::new();
        for strip in strips {
            let room = most.saturating_sub(data.len());
            match packing {
                Packing::None => data.extend_from_slice(&strip[..strip.len().min(room)]),
                Packing::PackBits => unpack_bits(strip, room, &mut data),
                Packing::Deflate => {
                    // What came before a fault is kept; missing rows show up as such below.
                    let inflated = flate2::read::ZlibDecoder::new(strip);
                    let _ = inflated.take(room as u64).read_to_end(&mut data);
                }
            }
        }
        if data.is_empty() {
            return Err(Unreadable::new(UnreadableCode::Damaged, "not one row could be decoded"));
        }
        let stated = self.first(directory, 257).unwrap_or(0);
        let height = if stated == 0 { (data.len() / per_row) as u32 } else { rows };
        let short = data.len() < per_row * height as usize;
        let white_is_zero = photometric == 0;
        data.resize(per_row * height as usize, if white_is_zero { 0 } else { 0xff });
        let ink = match (depth, samples) {
            (1, _) => {
                if !white_is_zero {
                    data.iter_mut().for_each(|b| *b = !*b);
                }
                Ink::Bilevel(data)
            }
            (_, 1) => {
                if white_is_zero {
                    data.iter_mut().for_each(|b| *b = !*b);
                }
                Ink::Grey(data)
            }
            (_, n) => Ink::Grey(data.chunks_exact(n as usize).map(|p| luma(p[0], p[1], p[2])).collect()),
        };
        let mut page = Page { width, height, x_dpi: 0.0, y_dpi: 0.0, ink, damaged: doubted || short };
        page.clear_row_ends();
        if matches!(page.ink, Ink::Bilevel(_)) && page.blackness() > 0.6 {
            page.invert();
        }
        Ok(page)
    }

    /// Dots per inch; absent or absurd values are derived from the shape of the page.
    fn resolution(&self, directory: &Directory, width: u32, height: u32) -> (f32, f32) {
        let per_unit = if self.first(directory, 296) == Some(3) { 2.54 } else { 1.0 };
        let read =
            |tag| self.ratio(directory, tag).map(|r| r * per_unit).filter(|r| (50.0..=1300.0).contains(r));
        match (read(282), read(283)) {
            (Some(x), Some(y)) => (x, y),
            _ => derive_resolution(width, height),
        }
    }
}

/// For files without resolution tags: FAX widths are fixed, and the ratio tells the mode.
pub(super) fn derive_resolution(width: u32, height: u32) -> (f32, f32) {
    let fine = width >= 3000;
    let x = if fine { 408.0 } else { 204.0 };
    let ratio = height as f32 / width.max(1) as f32;
    let y = if ratio < 0.95 {
        98.0
    } else if ratio > 2.1 {
        391.0
    } else {
        196.0
    };
    (x, if fine { y * 2.0 } else { y })
}

/// How the strips of a page without FAX coding are packed.
#[derive(Debug, Clone, Copy)]
enum Packing {
    None,
    PackBits,
    Deflate,
}

fn find(directory: &Directory, tag: u16) -> Option<Entry> {
    directory.iter().find(|e| e.tag == tag).copied()
}

fn size_of_kind(kind: u16) -> usize {
    match kind {
        3 | 8 => 2,
        4 | 9 | 11 | 13 => 4,
        5 | 10 | 12 => 8,
        _ => 1,
    }
}

fn name_compression(number: u32) -> String {
    let name = match number {
        5 => "LZW",
        6 | 7 => "JPEG",
        8 | 32946 => "Deflate with a predictor",
        34661 => "JBIG",
        34715 => "JBIG2",
        _ => "unknown",
    };
    format!("TIFF compression {number} ({name})")
}

fn unpack_bits(data: &[u8], mut room: usize, out: &mut Vec<u8>) {
    let mut i = 0;
    while i < data.len() && room > 0 {
        let control = data[i].cast_signed();
        i += 1;
        if control >= 0 {
            let count = (usize::from(control.unsigned_abs()) + 1).min(data.len() - i).min(room);
            out.extend_from_slice(&data[i..i + count]);
            i += count;
            room -= count;
        } else if control != -128 {
            let Some(byte) = data.get(i) else { break };
            let count = (1 + usize::from(control.unsigned_abs())).min(room);
            out.resize(out.len() + count, *byte);
            i += 1;
            room -= count;
        }
    }
}

pub(super) fn luma(r: u8, g: u8, b: u8) -> u8 {
    ((u32::from(r) * 299 + u32::from(g) * 587 + u32::from(b) * 114) / 1000) as u8
}
