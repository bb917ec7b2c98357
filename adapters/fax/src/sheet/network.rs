//! A small network that looks at the picture of one box: four layers of 3×3 windows, two plain ones,
//! some sixty thousand numbers. It runs in plain Rust from weights that the program of
//! `examples/sheets` made; it only gives scores, and what may be concluded from them stands in `judge`.

use super::patch::{Patch, SIDE};
use fearless_simd::{Level, dispatch};

/// What a box can show, in the order of the network's scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// A check mark or circle that somebody meant.
    Marked,
    /// A mark that was struck out, crossed or scribbled over.
    Corrected,
    /// Nothing but the frame.
    Empty,
    /// Something that no hand meant for this box: dirt, a line of the scanner, a neighbour's stroke.
    Dirt,
    /// Anything else.
    Unsure,
}

impl Class {
    /// All, in the order of the scores.
    pub const ALL: [Self; 5] = [Self::Marked, Self::Corrected, Self::Empty, Self::Dirt, Self::Unsure];

    /// The word used for labels of crops.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Marked => "marked",
            Self::Corrected => "corrected",
            Self::Empty => "empty",
            Self::Dirt => "dirt",
            Self::Unsure => "unsure",
        }
    }

    /// From the word.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.code() == code)
    }
}

/// Number of classes.
pub const CLASSES: usize = 5;
/// Layers of 3×3 windows, each followed by the maximum of every 2×2.
pub const WINDOWS: usize = 4;
/// Channels after each of them.
pub const CHANNELS: [usize; WINDOWS] = [16, 32, 48, 64];
/// Pictures that go in: the box, and what the boxes of its page have in common.
pub const INPUTS: usize = 2;
/// Numbers that the windows hand on: 2×2 places of all channels.
pub const FLAT: usize = (SIDE >> WINDOWS) * (SIDE >> WINDOWS) * CHANNELS[WINDOWS - 1];
/// Width of the hidden plain layer.
pub const HIDDEN: usize = 64;
/// All layers: those of windows, and two plain ones.
pub const LAYERS: usize = WINDOWS + 2;
/// Number of weights of each layer with its biases behind.
pub const SIZES: [usize; LAYERS] = [
    9 * INPUTS * CHANNELS[0] + CHANNELS[0],
    9 * CHANNELS[0] * CHANNELS[1] + CHANNELS[1],
    9 * CHANNELS[1] * CHANNELS[2] + CHANNELS[2],
    9 * CHANNELS[2] * CHANNELS[3] + CHANNELS[3],
    FLAT * HIDDEN + HIDDEN,
    HIDDEN * CLASSES + CLASSES,
];
/// Number of all weights.
pub const WEIGHTS: usize = SIZES[0] + SIZES[1] + SIZES[2] + SIZES[3] + SIZES[4] + SIZES[5];

/// One trained network.
#[derive(Debug, Clone)]
pub struct Network {
    /// Weights layer by layer, each `[window place][channel in][channel out]` followed by its biases.
    pub layers: [Vec<f32>; LAYERS],
}

/// Room for what is computed for one picture.
#[derive(Debug, Clone)]
pub struct Trace {
    /// Input of each window layer with a border of one zero.
    padded: [Vec<f32>; WINDOWS],
    /// Output of a window layer before the maximum of 2×2 is taken.
    windows: Vec<f32>,
    /// What the windows hand on.
    flat: Vec<f32>,
    /// The hidden plain layer.
    hidden: [f32; HIDDEN],
    /// Scores of the classes.
    pub scores: [f32; CLASSES],
}

impl Default for Trace {
    fn default() -> Self {
        let padded = |n: usize| {
            let side = SIDE >> n;
            let channels = if n == 0 { INPUTS } else { CHANNELS[n - 1] };
            vec![0.0; (side + 2) * (side + 2) * channels]
        };
        Self {
            padded: [padded(0), padded(1), padded(2), padded(3)],
            windows: vec![0.0; SIDE * SIDE * CHANNELS[0]],
            flat: vec![0.0; FLAT],
            hidden: [0.0; HIDDEN],
            scores: [0.0; CLASSES],
        }
    }
}

impl Network {
    /// From packed weights: for each layer a scale as `f32` and its weights as `i16`, all little-endian.
    /// `None` if the length is wrong.
    #[must_use]
    pub fn unpack(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != Self::packed_len() {
            return None;
        }
        let mut at = 0;
        let mut layers: [Vec<f32>; LAYERS] = Default::default();
        for (layer, size) in layers.iter_mut().zip(SIZES) {
            let scale = f32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?);
            at += 4;
            *layer = bytes
                .get(at..at + 2 * size)?
                .chunks_exact(2)
                .map(|pair| f32::from(i16::from_le_bytes([pair[0], pair[1]])) * scale)
                .collect();
            at += 2 * size;
        }
        Some(Self { layers })
    }

    /// The reverse of [`Self::unpack`].
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(Self::packed_len());
        for layer in &self.layers {
            let most = layer.iter().fold(1e-9_f32, |most, w| most.max(w.abs()));
            let scale = most / 32767.0;
            out.extend_from_slice(&scale.to_le_bytes());
            for weight in layer {
                out.extend_from_slice(&((weight / scale).round() as i16).to_le_bytes());
            }
        }
        out
    }

    /// Bytes of packed weights.
    #[must_use]
    pub const fn packed_len() -> usize {
        2 * WEIGHTS + 4 * LAYERS
    }

    /// Looks at a picture beside the usual one of its page; the scores and all steps to them end up in
    /// `trace`.
    pub fn run(&self, patch: &Patch, usual: &Patch, trace: &mut Trace) {
        // In the widest registers that the machine has; every sum is formed in the same order on all of them.
        dispatch!(Level::new(), _simd => self.steps(patch, usual, trace));
    }

    #[inline(always)]
    fn steps(&self, patch: &Patch, usual: &Patch, trace: &mut Trace) {
        let stride = SIDE + 2;
        for (at, (cell, usual)) in patch.cells().iter().zip(usual.cells()).enumerate() {
            let slot = ((at / SIDE + 1) * stride + at % SIDE + 1) * INPUTS;
            trace.padded[0][slot] = f32::from(*cell) / 255.0;
            trace.padded[0][slot + 1] = f32::from(*usual) / 255.0;
        }
        let [l0, l1, l2, l3, l4, l5] = &self.layers;
        let Trace { padded: [p0, p1, p2, p3], windows, flat, hidden, scores } = trace;
        window::<INPUTS, { CHANNELS[0] }>(SIDE, p0, l0, windows);
        pool::<{ CHANNELS[0] }>(SIDE, windows, p1, true);
        window::<{ CHANNELS[0] }, { CHANNELS[1] }>(SIDE / 2, p1, l1, windows);
        pool::<{ CHANNELS[1] }>(SIDE / 2, windows, p2, true);
        window::<{ CHANNELS[1] }, { CHANNELS[2] }>(SIDE / 4, p2, l2, windows);
        pool::<{ CHANNELS[2] }>(SIDE / 4, windows, p3, true);
        window::<{ CHANNELS[2] }, { CHANNELS[3] }>(SIDE / 8, p3, l3, windows);
        pool::<{ CHANNELS[3] }>(SIDE / 8, windows, flat, false);
        plain(flat, l4, hidden);
        hidden.iter_mut().for_each(|v| *v = v.max(0.0));
        plain(hidden, l5, scores);
    }
}

/// A 3×3 window over a bordered picture, negative sums cut to zero.
#[inline(always)]
fn window<const IN: usize, const OUT: usize>(side: usize, padded: &[f32], weights: &[f32], out: &mut [f32]) {
    let (kernel, bias) = weights.split_at(9 * IN * OUT);
    let stride = (side + 2) * IN;
    for (at, cell) in out.chunks_exact_mut(OUT).take(side * side).enumerate() {
        let (x, y) = (at % side, at / side);
        let mut sums = [0.0_f32; OUT];
        sums.copy_from_slice(bias);
        for row in 0..3 {
            let from = (y + row) * stride + x * IN;
            let values = &padded[from..from + 3 * IN];
            let rows = &kernel[row * 3 * IN * OUT..(row + 1) * 3 * IN * OUT];
            for (value, weights) in values.iter().zip(rows.chunks_exact(OUT)) {
                // Most of a page is white; what the layers make of it is not, and there asking costs more than adding.
                if IN > INPUTS || *value != 0.0 {
                    for (sum, weight) in sums.iter_mut().zip(weights) {
                        *sum += value * weight;
                    }
                }
            }
        }
        for (slot, sum) in cell.iter_mut().zip(sums) {
            *slot = sum.max(0.0);
        }
    }
}

/// The maximum of every 2×2, into a picture with or without a border.
#[inline(always)]
fn pool<const CHANNELS: usize>(side: usize, from: &[f32], to: &mut [f32], border: bool) {
    let half = side / 2;
    let (stride, edge) = if border { (half + 2, 1) } else { (half, 0) };
    for y in 0..half {
        for x in 0..half {
            let at = ((y + edge) * stride + x + edge) * CHANNELS;
            let corner = |dx: usize, dy: usize| ((2 * y + dy) * side + 2 * x + dx) * CHANNELS;
            let corners = [corner(0, 0), corner(1, 0), corner(0, 1), corner(1, 1)];
            for channel in 0..CHANNELS {
                to[at + channel] = corners.iter().fold(0.0, |most, c| most.max(from[c + channel]));
            }
        }
    }
}

#[inline(always)]
fn plain<const OUT: usize>(values: &[f32], weights: &[f32], out: &mut [f32; OUT]) {
    let (matrix, bias) = weights.split_at(values.len() * OUT);
    out.copy_from_slice(bias);
    for (value, weights) in values.iter().zip(matrix.chunks_exact(OUT)) {
        if *value != 0.0 {
            for (sum, weight) in out.iter_mut().zip(weights) {
                *sum += value * weight;
            }
        }
    }
}
