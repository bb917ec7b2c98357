//! What machines do to a page: printing what arrived, scanning what was written on, making black and white
//! of it, and losing rows on the line. Ways of scanning are held back from the training as well.

use crate::machines;
use crate::paper::{HEIGHT, PER_MM, Paper, WIDTH};
use crate::rng::Rng;
use kakehashi_fax::pages::{Ink, Page};

/// How grey becomes black and white.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Halftone {
    /// One threshold for the page.
    Threshold,
    /// A threshold against the neighbourhood.
    Adaptive,
    /// Bayer's matrix of 4×4 or 8×8.
    Ordered(usize),
    /// Dots that grow, as laser printers make them.
    Clustered,
    /// Floyd and Steinberg.
    Diffusion,
    /// Atkinson.
    Atkinson,
    /// A threshold that differs from dot to dot by so much.
    Noisy(f32),
}

/// One scanner with one page in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scanner {
    pub(crate) x_dpi: f32,
    pub(crate) y_dpi: f32,
    pub(crate) scale: (f32, f32),
    pub(crate) degrees: f32,
    pub(crate) shift: (f32, f32),
    pub(crate) halftone: Halftone,
    pub(crate) threshold: f32,
    /// Grey of white paper and of full ink, 0 is black.
    pub(crate) white: f32,
    pub(crate) black: f32,
    pub(crate) noise: f32,
    pub(crate) blur: bool,
    pub(crate) sharpen: f32,
    pub(crate) dirt: usize,
    pub(crate) lost_rows: usize,
    /// Rows that are gone at one place, as when the paper slips.
    pub(crate) gap: usize,
    /// How far the paper's pace sways, in mm, and over what length.
    pub(crate) sway: (f32, f32),
    /// Share of dots that turn black or white.
    pub(crate) salt: (f32, f32),
    /// Dots by which black grows across and down; below 0 it shrinks.
    pub(crate) swell: (i32, i32),
    /// Lines down the page, black or white, as dirt on the glass draws them.
    pub(crate) streaks: usize,
    /// Share of the row before that each row keeps.
    pub(crate) lag: f32,
    /// Above this, in mm, nothing is scanned: training looks at boxes only.
    pub(crate) from_mm: f32,
}

impl Scanner {
    /// A machine that scans without faults, as the gateway's own pages are made.
    pub(crate) const fn clean(y_dpi: f32) -> Self {
        Self {
            x_dpi: 204.0,
            y_dpi,
            scale: (1.0, 1.0),
            degrees: 0.0,
            shift: (0.0, 0.0),
            halftone: Halftone::Threshold,
            threshold: 128.0,
            white: 255.0,
            black: 0.0,
            noise: 0.0,
            blur: false,
            sharpen: 0.0,
            dirt: 0,
            lost_rows: 0,
            gap: 0,
            sway: (0.0, 100.0),
            salt: (0.0, 0.0),
            swell: (0, 0),
            streaks: 0,
            lag: 0.0,
            from_mm: 0.0,
        }
    }

    /// Some member's machine. Four of five make black and white by a threshold.
    pub(crate) fn some(y_dpi: f32, held: bool, rng: &mut Rng) -> Self {
        let halftone = match rng.below(100) {
            0..=77 if held && rng.chance(0.3) => Halftone::Adaptive,
            0..=77 => Halftone::Threshold,
            78..=87 if held && rng.chance(0.5) => Halftone::Clustered,
            78..=87 => Halftone::Ordered(if rng.chance(0.5) { 4 } else { 8 }),
            _ => Halftone::Diffusion,
        };
        let scale = rng.range(0.94, 1.03);
        let standard = y_dpi < 150.0;
        let most_lost = if rng.chance(0.3) { 25 } else { 5 };
        let some = Self {
            x_dpi: if (190.0..210.0).contains(&y_dpi) && y_dpi != 196.0 || y_dpi == 300.0 {
                y_dpi
            } else {
                204.0
            },
            y_dpi,
            scale: (scale * rng.range(0.996, 1.004), scale * rng.range(0.996, 1.004)),
            degrees: (rng.normal() * 1.0).clamp(-3.2, 3.2),
            shift: (rng.normal() * 1.8, rng.normal() * 2.0),
            halftone,
            threshold: rng.range(85.0, 175.0),
            white: rng.range(222.0, 252.0),
            black: rng.range(5.0, 60.0),
            noise: rng.range(1.0, if held { 16.0 } else { 12.0 }),
            blur: rng.chance(0.4),
            sharpen: if rng.chance(0.3) { rng.range(0.2, 0.8) } else { 0.0 },
            dirt: if rng.chance(0.4) { rng.below(250) } else { rng.below(25) },
            lost_rows: if rng.chance(0.12) { 1 + rng.below(most_lost) } else { 0 },
            gap: if rng.chance(0.04) { 2 + rng.below(if standard { 6 } else { 12 }) } else { 0 },
            sway: if rng.chance(0.15) {
                (rng.range(0.1, if held { 0.5 } else { 0.35 }), rng.range(25.0, 150.0))
            } else {
                (0.0, 100.0)
            },
            salt: if rng.chance(0.2) {
                (rng.unit().powi(2) * 0.012, rng.unit().powi(2) * 0.03)
            } else {
                (0.0, 0.0)
            },
            swell: match rng.below(if standard { 14 } else { 10 }) {
                0 => (1, 0),
                1 if held => (0, 1),
                1 => (1, 1),
                2 if !standard => (-1, 0),
                2 if held => (0, -1),
                3 if !standard => (-1, -1),
                _ => (0, 0),
            },
            streaks: if rng.chance(0.08) { 1 + rng.below(3) } else { 0 },
            lag: 0.0,
            from_mm: 0.0,
        };
        if !held && rng.chance(0.35) { machines::rarer(some, rng) } else { some }
    }
}

/// Prints a received page: scaled to the paper, a little fatter or thinner.
pub(crate) fn print(page: &Page, scale: f32, shift: (f32, f32), fat: bool, from_mm: f32) -> Paper {
    let mut paper = Paper::new();
    let (px, py) = (page.x_dpi / 25.4, page.y_dpi / 25.4);
    let columns: Vec<u32> = (0..WIDTH)
        .map(|x| ((((x as f32 + 0.5) / PER_MM - shift.0 - 105.0) / scale + 105.0) * px).max(0.0) as u32)
        .collect();
    for y in (from_mm * PER_MM) as usize..HEIGHT {
        let v = ((y as f32 + 0.5) / PER_MM - shift.1 - 148.0) / scale + 148.0;
        if v < 0.0 {
            continue;
        }
        let row = (v * py) as u32;
        let line = &mut paper.ink[y * WIDTH..(y + 1) * WIDTH];
        for (slot, column) in line.iter_mut().zip(&columns) {
            if page.is_black(*column, row) {
                *slot = 255;
            }
        }
        if fat {
            for x in (1..WIDTH).rev() {
                line[x] = line[x].max(line[x - 1]);
            }
        }
    }
    paper
}

/// Scans a sheet of paper.
pub(crate) fn scan(paper: &Paper, scanner: &Scanner, rng: &mut Rng) -> Page {
    let width = if scanner.x_dpi == 204.0 { 1728 } else { (210.0 / 25.4 * scanner.x_dpi).round() as usize };
    let height = (297.0 / 25.4 * scanner.y_dpi).round() as usize;
    let mut grey = sample(paper, scanner, width, height);
    if scanner.blur {
        for row in grey.chunks_exact_mut(width) {
            let mut before = row[0];
            for x in 1..width - 1 {
                let here = row[x];
                row[x] = 0.25 * before + 0.5 * here + 0.25 * row[x + 1];
                before = here;
            }
        }
    }
    if scanner.sharpen > 0.0 {
        for row in grey.chunks_exact_mut(width) {
            let mut before = row[0];
            for x in 1..width - 1 {
                let here = row[x];
                row[x] = here + scanner.sharpen * (here - 0.5 * (before + row[x + 1]));
                before = here;
            }
        }
    }
    if scanner.noise > 0.0 {
        let slope = rng.range(-8.0, 8.0) / width as f32;
        let first = (scanner.from_mm * scanner.y_dpi / 25.4) as usize;
        for row in grey.chunks_exact_mut(width).skip(first) {
            for (x, g) in row.iter_mut().enumerate() {
                let n = rng.next();
                let spread = ((n & 0xffff) + (n >> 16 & 0xffff) + (n >> 32 & 0xffff)) as f32 / 65_536.0 - 1.5;
                *g += spread * 2.0 * scanner.noise + slope * x as f32;
            }
        }
    }
    if scanner.lag > 0.0 {
        machines::smear(&mut grey, width, scanner.lag);
    }
    let mut black = match scanner.halftone {
        Halftone::Noisy(spread) => machines::noisy(&grey, scanner.threshold, spread, rng),
        _ => to_bilevel(&grey, width, scanner),
    };
    for _ in 0..scanner.dirt {
        let (x, y) = (rng.below(width - 4), rng.below(height - 3));
        let (w, h) = (1 + rng.below(3), 1 + rng.below(2));
        for row in y..y + h {
            black[row * width + x..row * width + x + w].fill(true);
        }
    }
    swell(&mut black, width, scanner.swell);
    strew(&mut black, scanner.salt, rng);
    streak(&mut black, width, scanner, rng);
    lose_rows(&mut black, width, height, scanner.lost_rows, rng);
    if scanner.gap > 0 {
        let at = (height / 2 + rng.below(height / 2 - 40)) * width;
        black.copy_within(at + scanner.gap * width.., at);
    }
    let stride = width.div_ceil(8);
    let mut bits = vec![0_u8; stride * height];
    for (y, row) in black.chunks_exact(width).enumerate() {
        for (x, dot) in row.iter().enumerate() {
            if *dot {
                bits[y * stride + x / 8] |= 0x80 >> (x % 8);
            }
        }
    }
    Page {
        width: width as u32,
        height: height as u32,
        x_dpi: scanner.x_dpi,
        y_dpi: scanner.y_dpi,
        ink: Ink::Bilevel(bits),
        damaged: false,
    }
}

/// Grey of every dot: the mean of some places of the paper below it.
fn sample(paper: &Paper, scanner: &Scanner, width: usize, height: usize) -> Vec<f32> {
    let down = if scanner.y_dpi < 150.0 { 3 } else { 2 };
    let across = 2;
    let (sin, cos) = scanner.degrees.to_radians().sin_cos();
    let (px, py) = (scanner.x_dpi / 25.4, scanner.y_dpi / 25.4);
    let sway = |v: f32| scanner.sway.0 * (v / scanner.sway.1 * std::f32::consts::TAU).sin();
    let (kx, ky) = (scanner.scale.0, scanner.scale.1);
    let per_ink = (scanner.white - scanner.black) / 255.0 / (across * down) as f32;
    let mut grey = Vec::with_capacity(width * height);
    // What lies far above the marks is never looked at.
    let first = ((scanner.from_mm * py) as usize).min(height);
    grey.resize(first * width, scanner.white);
    // Along a row both places grow evenly: whole numbers, in parts of a dot.
    const PARTS: u32 = 14;
    let parts = |mm: f32| (mm * PER_MM * (1 << PARTS) as f32) as i32;
    let step = 1.0 / (px * across as f32);
    let (right, down_by) = (parts(cos * step / kx), parts(-sin * step / ky));
    let mut row = vec![0_u32; width];
    for y in first..height {
        row.fill(0);
        for i in 0..down {
            let v = (y as f32 + (i as f32 + 0.5) / down as f32) / py - scanner.shift.1 - 148.0;
            let v = v + sway(v);
            let u = 0.5 * step - scanner.shift.0 - 105.0;
            let mut at = (parts((cos * u + sin * v) / kx + 105.0), parts((cos * v - sin * u) / ky + 148.0));
            for ink in &mut row {
                for _ in 0..across {
                    let (cx, cy) = ((at.0 >> PARTS) as usize, (at.1 >> PARTS) as usize);
                    if cx < WIDTH && cy < HEIGHT {
                        *ink += u32::from(paper.ink[cy * WIDTH + cx]);
                    }
                    at = (at.0 + right, at.1 + down_by);
                }
            }
        }
        grey.extend(row.iter().map(|ink| scanner.white - *ink as f32 * per_ink));
    }
    grey
}

const BAYER4: [u8; 16] = [0, 8, 2, 10, 12, 4, 14, 6, 3, 11, 1, 9, 15, 7, 13, 5];
const CLUSTER: [u8; 16] = [12, 5, 6, 13, 4, 0, 1, 7, 11, 3, 2, 8, 15, 10, 9, 14];

fn to_bilevel(grey: &[f32], width: usize, scanner: &Scanner) -> Vec<bool> {
    let matrix = |cell: u8, of: f32| (f32::from(cell) + 0.5) / of * 255.0;
    match scanner.halftone {
        Halftone::Threshold | Halftone::Noisy(_) => grey.iter().map(|g| *g < scanner.threshold).collect(),
        Halftone::Adaptive => {
            let mut out = Vec::with_capacity(grey.len());
            for row in grey.chunks_exact(width) {
                let mut mean = scanner.white;
                for g in row {
                    mean += (g - mean) * 0.06;
                    out.push(*g < mean.max(120.0) * (scanner.threshold / 175.0));
                }
            }
            out
        }
        Halftone::Ordered(size) => grey
            .iter()
            .enumerate()
            .map(|(i, g)| {
                let (x, y) = (i % width, i / width);
                let bar = if size == 4 {
                    matrix(BAYER4[y % 4 * 4 + x % 4], 16.0)
                } else {
                    let fine = BAYER4[y / 2 % 4 * 4 + x / 2 % 4];
                    let coarse = [0_u8, 2, 3, 1][y % 2 * 2 + x % 2];
                    matrix(fine + coarse * 16, 64.0)
                };
                *g < bar
            })
            .collect(),
        Halftone::Clustered => grey
            .iter()
            .enumerate()
            .map(|(i, g)| *g < matrix(CLUSTER[i / width % 4 * 4 + i % width % 4], 16.0))
            .collect(),
        Halftone::Atkinson => machines::atkinson(grey, width),
        Halftone::Diffusion => {
            let mut work = grey.to_vec();
            let mut out = vec![false; work.len()];
            for i in 0..work.len() {
                let value = work[i];
                let black = value < 128.0;
                out[i] = black;
                let error = value - if black { 0.0 } else { 255.0 };
                let x = i % width;
                if x + 1 < width {
                    work[i + 1] += error * 7.0 / 16.0;
                }
                if i + width < work.len() {
                    if x > 0 {
                        work[i + width - 1] += error * 3.0 / 16.0;
                    }
                    work[i + width] += error * 5.0 / 16.0;
                    if x + 1 < width {
                        work[i + width + 1] += error / 16.0;
                    }
                }
            }
            out
        }
    }
}

/// Black that grows or shrinks, as toner and thresholds make it.
fn swell(black: &mut [bool], width: usize, (across, down): (i32, i32)) {
    // Two dots are one dot twice.
    let both = [(across, 1), (down, width)];
    for (by, step) in
        both.into_iter().flat_map(|(by, step)| std::iter::repeat_n((by, step), by.unsigned_abs() as usize))
    {
        for i in (step..black.len()).rev() {
            black[i] = if by > 0 { black[i] || black[i - step] } else { black[i] && black[i - step] };
        }
    }
}

/// Single dots that are black or white by chance.
fn strew(black: &mut [bool], (dark, light): (f32, f32), rng: &mut Rng) {
    for (share, value) in [(dark, true), (light, false)] {
        for _ in 0..(share * black.len() as f32) as usize {
            let at = rng.below(black.len());
            black[at] = value;
        }
    }
}

/// Lines that run down the whole page or a part of it.
fn streak(black: &mut [bool], width: usize, scanner: &Scanner, rng: &mut Rng) {
    let height = black.len() / width;
    for _ in 0..scanner.streaks {
        let most = if rng.chance(0.2) { 8 } else { 3 };
        let wide = 1 + rng.below(most);
        let x = rng.below(width - wide);
        let dark = rng.chance(0.7);
        let gaps = if rng.chance(0.4) { rng.range(0.0, 0.6) } else { 0.0 };
        let from = if rng.chance(0.7) { 0 } else { rng.below(height) };
        for y in from..height {
            if gaps == 0.0 || !rng.chance(gaps) {
                black[y * width + x..y * width + x + wide].fill(dark);
            }
        }
    }
}

/// Rows that the line lost: gone, repeated, white, or wrong from some place on.
fn lose_rows(black: &mut [bool], width: usize, height: usize, count: usize, rng: &mut Rng) {
    for _ in 0..count {
        let y = 2 + rng.below(height - 4);
        let at = y * width;
        match rng.below(4) {
            0 => black.copy_within(at + width.., at),
            1 => black.copy_within(at - width..at, at),
            2 => black[at..at + width].fill(false),
            _ => {
                let from = rng.below(width - 100);
                let moved = 1 + rng.below(60);
                black.copy_within(at + from..at + width - moved, at + from + moved);
            }
        }
    }
}
