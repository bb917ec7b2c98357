//! A page as a picture for people: square dots, upright, small enough for a phone. Also the turning,
//! scaling and thresholding that reading and sending share.

use super::{Ink, Page, ccitt};

/// Widest picture that is made.
const WIDEST: u32 = 1728;
/// Longest picture that is made.
const LONGEST: u32 = 8000;

impl Page {
    /// A grey PNG with square dots, at most 1728 wide: 16 shades for FAX pages, 256 for photographs.
    #[must_use]
    pub fn to_png(&self) -> Vec<u8> {
        let mut width = self.width.clamp(1, WIDEST);
        let stretch = (self.x_dpi / self.y_dpi).clamp(0.25, 4.0);
        let long = |width: u32| self.height as f32 * stretch * width as f32 / self.width.max(1) as f32;
        if long(width) > LONGEST as f32 {
            width = ((width as f32 * LONGEST as f32 / long(width)) as u32).max(1);
        }
        let height = (long(width).round() as u32).max(1);
        let grey = self.grey_scaled(width, height);
        if matches!(self.ink, Ink::Grey(_)) {
            return encode(width, height, png::ColorType::Grayscale, png::BitDepth::Eight, &grey);
        }
        let packed: Vec<u8> = grey
            .chunks(width as usize)
            .flat_map(|row| row.chunks(2).map(|p| (p[0] & 0xf0) | p.get(1).map_or(0, |low| low >> 4)))
            .collect();
        encode(width, height, png::ColorType::Grayscale, png::BitDepth::Four, &packed)
    }

    /// Grey dots of another size, each the mean of the dots it covers.
    #[must_use]
    pub(crate) fn grey_scaled(&self, width: u32, height: u32) -> Vec<u8> {
        let columns = spans(self.width, width);
        let rows = spans(self.height, height);
        let mut out = Vec::with_capacity(width as usize * height as usize);
        let mut sums = vec![0_f32; width as usize];
        for row in &rows {
            sums.fill(0.0);
            for (y, row_weight) in row {
                match &self.ink {
                    Ink::Bilevel(bits) => {
                        let line = &bits[*y as usize * self.stride()..][..self.stride()];
                        if line.iter().all(|b| *b == 0) {
                            sums.iter_mut().for_each(|s| *s += 255.0 * row_weight);
                            continue;
                        }
                        for (sum, column) in sums.iter_mut().zip(&columns) {
                            for (x, weight) in column {
                                if line[(*x / 8) as usize] & (0x80 >> (x % 8)) == 0 {
                                    *sum += 255.0 * weight * row_weight;
                                }
                            }
                        }
                    }
                    Ink::Grey(dots) => {
                        let line = &dots[*y as usize * self.width as usize..][..self.width as usize];
                        for (sum, column) in sums.iter_mut().zip(&columns) {
                            for (x, weight) in column {
                                *sum += f32::from(line[*x as usize]) * weight * row_weight;
                            }
                        }
                    }
                }
            }
            out.extend(sums.iter().map(|s| (s + 0.5).clamp(0.0, 255.0) as u8));
        }
        out
    }

    /// Turned clockwise by 0, 90, 180 or 270 degrees.
    #[must_use]
    pub fn turned(&self, degrees: u16) -> Self {
        let (w, h) = (self.width, self.height);
        let sideways = matches!(degrees, 90 | 270);
        let (width, height) = if sideways { (h, w) } else { (w, h) };
        let from = |x: u32, y: u32| match degrees {
            90 => (y, h - 1 - x),
            180 => (w - 1 - x, h - 1 - y),
            270 => (w - 1 - y, x),
            _ => (x, y),
        };
        let ink = match &self.ink {
            Ink::Bilevel(_) => {
                let stride = (width as usize).div_ceil(8);
                let mut bits = vec![0_u8; stride * height as usize];
                for y in 0..height {
                    for x in 0..width {
                        let (sx, sy) = from(x, y);
                        if self.is_black(sx, sy) {
                            bits[y as usize * stride + (x / 8) as usize] |= 0x80 >> (x % 8);
                        }
                    }
                }
                Ink::Bilevel(bits)
            }
            Ink::Grey(dots) => Ink::Grey(
                (0..height)
                    .flat_map(|y| (0..width).map(move |x| (x, y)))
                    .map(|(x, y)| {
                        let (sx, sy) = from(x, y);
                        dots[sy as usize * w as usize + sx as usize]
                    })
                    .collect(),
            ),
        };
        let (x_dpi, y_dpi) = if sideways { (self.y_dpi, self.x_dpi) } else { (self.x_dpi, self.y_dpi) };
        Self { width, height, x_dpi, y_dpi, ink, damaged: self.damaged }
    }

    /// Black and white by the brightness around each dot, so that shadows of a photograph fall away.
    #[must_use]
    pub fn to_bilevel(&self) -> Self {
        let Ink::Grey(dots) = &self.ink else { return self.clone() };
        let (w, h) = (self.width as usize, self.height as usize);
        let stride = w.div_ceil(8);
        let mut bits = vec![0_u8; stride * h];
        let reach = (w / 40).clamp(8, 64);
        // Sums of columns over the rows around, moved down row by row: no second picture in memory.
        let mut sums = vec![0_u32; w];
        let add = |sums: &mut Vec<u32>, y: usize, plus: bool| {
            for (sum, dot) in sums.iter_mut().zip(&dots[y * w..][..w]) {
                if plus { *sum += u32::from(*dot) } else { *sum -= u32::from(*dot) }
            }
        };
        for y in 0..reach.min(h) {
            add(&mut sums, y, true);
        }
        for y in 0..h {
            if y + reach < h {
                add(&mut sums, y + reach, true);
            }
            if y > reach {
                add(&mut sums, y - reach - 1, false);
            }
            let rows = (y + reach + 1).min(h) - y.saturating_sub(reach);
            let mut window: u64 = sums.iter().take(reach).map(|s| u64::from(*s)).sum();
            for x in 0..w {
                if x + reach < w {
                    window += u64::from(sums[x + reach]);
                }
                if x > reach {
                    window -= u64::from(sums[x - reach - 1]);
                }
                let columns = (x + reach + 1).min(w) - x.saturating_sub(reach);
                let mean = window as f32 / (rows * columns) as f32;
                let dot = f32::from(dots[y * w + x]);
                // Solid black stays black though everything around it is black too.
                if dot < 60.0 || (dot < mean * 0.8 && dot < 215.0) {
                    bits[y * stride + x / 8] |= 0x80 >> (x % 8);
                }
            }
        }
        Self { ink: Ink::Bilevel(bits), ..self.clone() }
    }

    /// The same page in another resolution, black and white.
    #[must_use]
    pub fn resampled(&self, width: u32, height: u32, x_dpi: f32, y_dpi: f32) -> Self {
        let (width, height) = (width.max(1), height.max(1));
        let grey = self.grey_scaled(width, height);
        let stride = (width as usize).div_ceil(8);
        let mut bits = vec![0_u8; stride * height as usize];
        for (y, row) in grey.chunks(width as usize).enumerate() {
            for (x, dot) in row.iter().enumerate() {
                if *dot < 140 {
                    bits[y * stride + x / 8] |= 0x80 >> (x % 8);
                }
            }
        }
        Self { width, height, x_dpi, y_dpi, ink: Ink::Bilevel(bits), damaged: self.damaged }
    }

    pub(super) fn invert(&mut self) {
        match &mut self.ink {
            Ink::Bilevel(bits) | Ink::Grey(bits) => bits.iter_mut().for_each(|b| *b = !*b),
        }
        self.clear_row_ends();
    }

    /// Bits beyond the width are white, so that counting them is harmless.
    pub(super) fn clear_row_ends(&mut self) {
        let (stride, over) = (self.stride(), self.width % 8);
        if let Ink::Bilevel(bits) = &mut self.ink
            && over != 0
        {
            for row in bits.chunks_mut(stride) {
                if let Some(last) = row.last_mut() {
                    *last &= 0xff << (8 - over);
                }
            }
        }
    }

    /// Blackens a run of a row; grey pages too.
    pub(crate) fn blacken(&mut self, y: u32, from: u32, to: u32) {
        if y >= self.height {
            return;
        }
        let (width, stride) = (self.width, self.stride());
        let (from, to) = (from.min(width), to.min(width));
        match &mut self.ink {
            Ink::Bilevel(bits) => ccitt::fill(&mut bits[y as usize * stride..][..stride], from, to),
            Ink::Grey(dots) if from < to => {
                dots[y as usize * width as usize..][from as usize..to as usize].fill(0);
            }
            Ink::Grey(_) => {}
        }
    }
}

/// For every new dot the old dots it covers with their weights, which sum to 1.
fn spans(old: u32, new: u32) -> Vec<Vec<(u32, f32)>> {
    let step = f64::from(old) / f64::from(new.max(1));
    (0..new)
        .map(|i| {
            let (start, end) = (f64::from(i) * step, f64::from(i + 1) * step);
            let first = start as u32;
            let last = (end.ceil() as u32).clamp(first + 1, old.max(first + 1));
            let mut parts: Vec<(u32, f32)> = (first..last)
                .map(|x| {
                    (
                        x.min(old.saturating_sub(1)),
                        (end.min(f64::from(x + 1)) - start.max(f64::from(x))).max(0.0) as f32,
                    )
                })
                .filter(|(_, weight)| *weight > 1e-4)
                .collect();
            if parts.is_empty() {
                parts.push((first.min(old.saturating_sub(1)), 1.0));
            }
            let sum: f32 = parts.iter().map(|p| p.1).sum();
            parts.iter_mut().for_each(|p| p.1 /= sum);
            parts
        })
        .collect()
}

/// Writes a PNG into memory; a failure there would be a bug of sizes, and gives an empty file.
pub(super) fn encode(
    width: u32,
    height: u32,
    color: png::ColorType,
    depth: png::BitDepth,
    data: &[u8],
) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, width, height);
    encoder.set_color(color);
    encoder.set_depth(depth);
    encoder.set_compression(png::Compression::Fast);
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(data));
    if let Err(fault) = written {
        tracing::error!(%fault, "a page could not be written as PNG");
        return Vec::new();
    }
    out
}
