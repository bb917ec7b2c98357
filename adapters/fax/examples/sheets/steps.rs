//! The steps of the network forth and back, written for speed: four places at a time forth, and back only from the
//! places that were the most of their four. The reader's own steps (`sheet/network.rs`) stay the plain ones; the
//! training ends with a comparison.

use crate::vary::Picture;
use kakehashi_fax::sheet::classifier::{
    CHANNELS, CLASSES, FLAT, HIDDEN, INPUTS, LAYERS, Network, SIDE, SIZES, WINDOWS,
};

const LANES: usize = 8;
/// So many lanes of channels at a time: more sums than the processor holds would go through memory.
const BLOCK: usize = 2;
type Lane = [f32; LANES];
const C0: usize = CHANNELS[0];
const C1: usize = CHANNELS[1];
const C2: usize = CHANNELS[2];
const C3: usize = CHANNELS[3];

/// What came out of every layer for one picture.
pub(crate) struct Way {
    /// What goes into each window layer, with a border of one zero.
    padded: [Vec<f32>; WINDOWS],
    /// Which of each 2×2 was the most.
    best: [Vec<u32>; WINDOWS],
    flat: Vec<f32>,
    hidden: [f32; HIDDEN],
    pub(crate) scores: [f32; CLASSES],
}

impl Way {
    pub(crate) fn new() -> Self {
        let padded = |n: usize, channels: usize| vec![0.0; ((SIDE >> n) + 2).pow(2) * channels];
        let best = |n: usize| vec![0; (SIDE >> (n + 1)).pow(2) * CHANNELS[n]];
        Self {
            padded: [padded(0, INPUTS), padded(1, C0), padded(2, C1), padded(3, C2)],
            best: [best(0), best(1), best(2), best(3)],
            flat: vec![0.0; FLAT],
            hidden: [0.0; HIDDEN],
            scores: [0.0; CLASSES],
        }
    }
}

/// Weights and sums of what comes back, those of windows by channel out, so that both are walked in rows.
pub(crate) struct Steps {
    turned: [Vec<f32>; WINDOWS],
    sums: [Vec<f32>; WINDOWS],
    plain: [Vec<f32>; 2],
    back: [Vec<f32>; WINDOWS - 1],
    flat: Vec<f32>,
}

impl Steps {
    pub(crate) fn new() -> Self {
        let windows = || [0, 1, 2, 3].map(|n| vec![0.0; SIZES[n]]);
        Self {
            turned: windows(),
            sums: windows(),
            plain: [vec![0.0; SIZES[WINDOWS]], vec![0.0; SIZES[WINDOWS + 1]]],
            back: [1, 2, 3].map(|n| vec![0.0; ((SIDE >> n) + 2).pow(2) * CHANNELS[n - 1]]),
            flat: vec![0.0; FLAT],
        }
    }

    /// Before a batch.
    pub(crate) fn begin(&mut self, network: &Network) {
        self.sums.iter_mut().chain(&mut self.plain).for_each(|s| s.fill(0.0));
        for (n, turned) in self.turned.iter_mut().enumerate() {
            let rows = (SIZES[n] - CHANNELS[n]) / CHANNELS[n];
            for (at, weight) in network.layers[n][..rows * CHANNELS[n]].iter().enumerate() {
                turned[at % CHANNELS[n] * rows + at / CHANNELS[n]] = *weight;
            }
        }
    }

    /// After a batch: the sums in the order of the network.
    pub(crate) fn gradient(&self) -> [Vec<f32>; LAYERS] {
        let window = |n: usize| {
            let rows = (SIZES[n] - CHANNELS[n]) / CHANNELS[n];
            let mut out = vec![0.0; SIZES[n]];
            for (at, slot) in out[..rows * CHANNELS[n]].iter_mut().enumerate() {
                *slot = self.sums[n][at % CHANNELS[n] * rows + at / CHANNELS[n]];
            }
            out[rows * CHANNELS[n]..].copy_from_slice(&self.sums[n][rows * CHANNELS[n]..]);
            out
        };
        [window(0), window(1), window(2), window(3), self.plain[0].clone(), self.plain[1].clone()]
    }

    pub(crate) fn forward(&mut self, network: &Network, picture: &Picture, way: &mut Way) {
        let [l0, l1, l2, l3, l4, l5] = &network.layers;
        let [p0, p1, p2, p3] = &mut way.padded;
        let [b0, b1, b2, b3] = &mut way.best;
        p0.copy_from_slice(&picture.cells);
        windows::<INPUTS, { C0 / LANES }, true>(SIDE, p0, l0, p1, b0, 1);
        windows::<C0, { C1 / LANES }, false>(SIDE / 2, p1, l1, p2, b1, 1);
        windows::<C1, { C2 / LANES }, false>(SIDE / 4, p2, l2, p3, b2, 1);
        windows::<C2, { C3 / LANES }, false>(SIDE / 8, p3, l3, &mut way.flat, b3, 0);
        plain(&way.flat, l4, &mut way.hidden);
        way.hidden.iter_mut().for_each(|v| *v = v.max(0.0));
        plain(&way.hidden, l5, &mut way.scores);
    }

    pub(crate) fn backward(&mut self, network: &Network, way: &Way, delta: &[f32; CLASSES]) {
        let mut hidden = [0.0; HIDDEN];
        plain_back(&way.hidden, &network.layers[WINDOWS + 1], delta, &mut self.plain[1], &mut hidden);
        plain_back(&way.flat, &network.layers[WINDOWS], &hidden, &mut self.plain[0], &mut self.flat);
        let [back1, back2, back3] = &mut self.back;
        let [t0, t1, t2, t3] = &self.turned;
        let [s0, s1, s2, s3] = &mut self.sums;
        let came = |n: usize, delta| Came { out: &way.padded[n + 1], best: &way.best[n], delta, edge: 1 };
        let last = Came { out: &way.flat, best: &way.best[3], delta: &self.flat, edge: 0 };
        windows_back::<C2, C3>(SIDE / 8, &way.padded[3], &last, t3, s3, Some(back3));
        windows_back::<C1, C2>(SIDE / 4, &way.padded[2], &came(2, back3), t2, s2, Some(back2));
        windows_back::<C0, C1>(SIDE / 2, &way.padded[1], &came(1, back2), t1, s1, Some(back1));
        windows_back::<INPUTS, C0>(SIDE, &way.padded[0], &came(0, back1), t0, s0, None);
    }
}

/// One rounding where the processor has it, which every one with AVX2 has.
#[inline(always)]
fn add(sum: &mut Lane, value: f32, weights: &Lane) {
    for n in 0..LANES {
        sum[n] = if cfg!(target_feature = "fma") {
            value.mul_add(weights[n], sum[n])
        } else {
            sum[n] + value * weights[n]
        };
    }
}

/// A 3×3 window and the most of every 2×2, negative ones cut to zero.
fn windows<const IN: usize, const V: usize, const WHITE: bool>(
    side: usize,
    padded: &[f32],
    weights: &[f32],
    to: &mut [f32],
    best: &mut [u32],
    edge: usize,
) {
    let (lanes, _) = weights.as_chunks::<LANES>();
    let (kernel, bias) = lanes.split_at(9 * IN * V);
    let (half, stride) = (side / 2, (side + 2) * IN);
    for block in (0..V).step_by(BLOCK) {
        for at in 0..half * half {
            let (x, y) = (at % half, at / half);
            let mut first = [[0.0; LANES]; BLOCK];
            first.copy_from_slice(&bias[block..block + BLOCK]);
            let (mut s0, mut s1, mut s2, mut s3) = (first, first, first, first);
            for row in 0..3 {
                let above = &padded[(2 * y + row) * stride + 2 * x * IN..][..4 * IN];
                let below = &padded[(2 * y + row + 1) * stride + 2 * x * IN..][..4 * IN];
                let kernel = &kernel[row * 3 * IN * V..][..3 * IN * V];
                for i in 0..3 * IN {
                    let (v0, v1, v2, v3) = (above[i], above[i + IN], below[i], below[i + IN]);
                    // Most of a page is white.
                    if WHITE && v0 == 0.0 && v1 == 0.0 && v2 == 0.0 && v3 == 0.0 {
                        continue;
                    }
                    let weights = &kernel[i * V + block..][..BLOCK];
                    for l in 0..BLOCK {
                        add(&mut s0[l], v0, &weights[l]);
                        add(&mut s1[l], v1, &weights[l]);
                        add(&mut s2[l], v2, &weights[l]);
                        add(&mut s3[l], v3, &weights[l]);
                    }
                }
            }
            let slot = (((y + edge) * (half + 2 * edge) + x + edge) * V + block) * LANES;
            let slots = to[slot..slot + BLOCK * LANES].chunks_exact_mut(LANES);
            let which = best[(at * V + block) * LANES..][..BLOCK * LANES].chunks_exact_mut(LANES);
            for (l, (slots, which)) in slots.zip(which).enumerate() {
                let (mut most, mut place) = (s0[l], [0_u32; LANES]);
                for (p, values) in [(1, &s1[l]), (2, &s2[l]), (3, &s3[l])] {
                    for n in 0..LANES {
                        place[n] = if values[n] > most[n] { p } else { place[n] };
                        most[n] = if values[n] > most[n] { values[n] } else { most[n] };
                    }
                }
                slots.copy_from_slice(&most.map(|m| if m > 0.0 { m } else { 0.0 }));
                which.copy_from_slice(&place);
            }
        }
    }
}

/// What came out of a window layer, which places it came from, and what comes back for it.
struct Came<'a> {
    out: &'a [f32],
    best: &'a [u32],
    delta: &'a [f32],
    /// Width of the border around `out` and `delta`.
    edge: usize,
}

/// From the places that were the most of their four and above zero back to what went in.
fn windows_back<const IN: usize, const OUT: usize>(
    side: usize,
    padded: &[f32],
    came: &Came,
    turned: &[f32],
    sums: &mut [f32],
    mut back: Option<&mut Vec<f32>>,
) {
    let Came { out, best, delta, edge } = *came;
    let (half, stride) = (side / 2, (side + 2) * IN);
    if let Some(back) = back.as_deref_mut() {
        back.fill(0.0);
    }
    let (slots, biases) = sums.split_at_mut(9 * IN * OUT);
    for y in 0..half {
        for x in 0..half {
            let at = ((y + edge) * (half + 2 * edge) + x + edge) * OUT;
            let which = &best[(y * half + x) * OUT..][..OUT];
            for n in 0..OUT {
                let d = delta[at + n];
                if d == 0.0 || out[at + n] <= 0.0 {
                    continue;
                }
                biases[n] += d;
                let (px, py) = (2 * x + (which[n] & 1) as usize, 2 * y + (which[n] >> 1) as usize);
                for row in 0..3 {
                    let from = (py + row) * stride + px * IN;
                    let span = (n * 3 + row) * 3 * IN;
                    for (g, v) in slots[span..span + 3 * IN].iter_mut().zip(&padded[from..from + 3 * IN]) {
                        *g += d * v;
                    }
                    if let Some(back) = back.as_deref_mut() {
                        let weights = &turned[span..span + 3 * IN];
                        for (slot, w) in back[from..from + 3 * IN].iter_mut().zip(weights) {
                            *slot += d * w;
                        }
                    }
                }
            }
        }
    }
}

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

/// Only values above zero hand on and get back.
fn plain_back<const OUT: usize>(
    values: &[f32],
    weights: &[f32],
    delta: &[f32; OUT],
    sums: &mut [f32],
    back: &mut [f32],
) {
    let (slots, biases) = sums.split_at_mut(values.len() * OUT);
    for (bias, d) in biases.iter_mut().zip(delta) {
        *bias += d;
    }
    let rows = weights.chunks_exact(OUT).zip(slots.chunks_exact_mut(OUT));
    for ((value, slot), (weights, sums)) in values.iter().zip(back.iter_mut()).zip(rows) {
        *slot = 0.0;
        if *value <= 0.0 {
            continue;
        }
        let mut parts = [0.0_f32; LANES];
        let (delta, rest) = delta.as_chunks::<LANES>();
        let (weights, more) = weights.as_chunks::<LANES>();
        let (sums, ends) = sums.as_chunks_mut::<LANES>();
        for ((sums, weights), delta) in sums.iter_mut().zip(weights).zip(delta) {
            for n in 0..LANES {
                sums[n] += value * delta[n];
                parts[n] += weights[n] * delta[n];
            }
        }
        for (((sum, weight), delta), part) in ends.iter_mut().zip(more).zip(rest).zip(&mut parts) {
            *sum += value * delta;
            *part += weight * delta;
        }
        *slot = parts.iter().sum();
    }
}
