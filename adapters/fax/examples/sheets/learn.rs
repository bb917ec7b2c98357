//! Trains the network that looks at boxes: plain back propagation with Adam, one thread, minutes. Nothing
//! of it runs in the gateway.

use crate::rng::Rng;
use kakehashi_fax::sheet::classifier::{
    CHANNELS, CLASSES, Class, FLAT, HIDDEN, INPUTS, Network, Patch, SIDE, SIZES, Trace,
};
use std::rc::Rc;

/// A picture with what it shows.
pub(crate) struct Sample {
    pub(crate) patch: Patch,
    pub(crate) usual: Rc<Patch>,
    pub(crate) class: Class,
}

const BATCH: usize = 48;

pub(crate) fn fresh(rng: &mut Rng) -> Network {
    let inputs = [9 * INPUTS, 9 * CHANNELS[0], 9 * CHANNELS[1], FLAT, HIDDEN];
    let outputs = [CHANNELS[0], CHANNELS[1], CHANNELS[2], HIDDEN, CLASSES];
    let mut layers: [Vec<f32>; 5] = Default::default();
    for n in 0..5 {
        let spread = (2.0 / inputs[n] as f32).sqrt();
        layers[n] = (0..SIZES[n])
            .map(|i| if i < inputs[n] * outputs[n] { rng.normal() * spread } else { 0.0 })
            .collect();
    }
    Network { layers }
}

struct Adam {
    mean: [Vec<f32>; 5],
    square: [Vec<f32>; 5],
    step: i32,
}

/// Trains over the samples; tells after each round what was lost.
pub(crate) fn train(samples: &[Sample], rounds: usize, rng: &mut Rng) -> Network {
    let mut network = fresh(rng);
    let zero = || SIZES.map(|n| vec![0.0_f32; n]);
    let mut adam = Adam { mean: zero(), square: zero(), step: 0 };
    let mut order: Vec<usize> = (0..samples.len()).collect();
    let mut trace = Trace::default();
    let mut gradient = zero();
    let batches = samples.len() / BATCH;
    let total = (rounds * batches).max(1) as f32;
    for round in 0..rounds {
        for i in (1..order.len()).rev() {
            order.swap(i, rng.below(i + 1));
        }
        let (mut lost, mut right) = (0.0_f64, 0);
        for batch in order.chunks_exact(BATCH) {
            gradient.iter_mut().for_each(|g| g.fill(0.0));
            for at in batch {
                let sample = &samples[*at];
                network.run(&sample.patch, &sample.usual, &mut trace);
                let (loss, best) = backward(&network, &trace, sample.class, &mut gradient);
                lost += f64::from(loss);
                right += usize::from(best == sample.class as usize);
            }
            // Falls to nothing along half a cosine.
            let rate = 0.0015 * 0.5 * (1.0 + (adam.step as f32 / total * std::f32::consts::PI).cos());
            update(&mut network, &gradient, &mut adam, rate);
        }
        let count = (batches * BATCH).max(1);
        println!("round {round}: loss {:.4}, right {:.4}", lost / count as f64, right as f64 / count as f64);
    }
    network
}

fn update(network: &mut Network, gradient: &[Vec<f32>; 5], adam: &mut Adam, rate: f32) {
    adam.step += 1;
    let (fix1, fix2) = (1.0 - 0.9_f32.powi(adam.step), 1.0 - 0.999_f32.powi(adam.step));
    let moments = adam.mean.iter_mut().zip(&mut adam.square);
    for ((layer, gradient), (mean, square)) in network.layers.iter_mut().zip(gradient).zip(moments) {
        let values = layer.iter_mut().zip(gradient);
        let moments = mean.iter_mut().zip(square.iter_mut());
        for ((w, g), (m, s)) in values.zip(moments) {
            let g = g / BATCH as f32 + 1e-5 * *w;
            *m = 0.9 * *m + 0.1 * g;
            *s = 0.999 * *s + 0.001 * g * g;
            *w -= rate * (*m / fix1) / ((*s / fix2).sqrt() + 1e-7);
        }
    }
}

/// Cross entropy with a little smoothing; a false `marked` costs more than any other fault.
fn backward(network: &Network, trace: &Trace, class: Class, gradient: &mut [Vec<f32>; 5]) -> (f32, usize) {
    let most = trace.scores.iter().copied().fold(f32::MIN, f32::max);
    let powers = trace.scores.map(|s| (s - most).exp());
    let sum: f32 = powers.iter().sum();
    let truth = class as usize;
    let weight = if class == Class::Marked { 1.0 } else { 1.5 };
    let mut delta = [0.0_f32; CLASSES];
    for (n, power) in powers.iter().enumerate() {
        let target = if n == truth { 0.999 } else { 0.000_25 };
        delta[n] = weight * (power / sum - target);
    }
    let loss = -(powers[truth] / sum).max(1e-9).ln();
    let best = (0..CLASSES).max_by(|a, b| trace.scores[*a].total_cmp(&trace.scores[*b])).unwrap_or(0);

    let mut hidden = [0.0_f32; HIDDEN];
    plain_back::<CLASSES>(&trace.hidden, &network.layers[4], &delta, &mut gradient[4], &mut hidden);
    for (d, value) in hidden.iter_mut().zip(&trace.hidden) {
        if *value <= 0.0 {
            *d = 0.0;
        }
    }
    let mut flat = vec![0.0_f32; FLAT];
    plain_back::<HIDDEN>(&trace.flat, &network.layers[3], &hidden, &mut gradient[3], &mut flat);
    let d2 = unpool::<{ CHANNELS[2] }>(SIDE / 4, &trace.windows[2], &flat, false);
    let mut in2 = vec![0.0_f32; trace.padded[2].len()];
    window_back::<{ CHANNELS[1] }, { CHANNELS[2] }>(
        SIDE / 4,
        &trace.padded[2],
        &network.layers[2],
        &d2,
        &mut gradient[2],
        Some(&mut in2),
    );
    let d1 = unpool::<{ CHANNELS[1] }>(SIDE / 2, &trace.windows[1], &in2, true);
    let mut in1 = vec![0.0_f32; trace.padded[1].len()];
    window_back::<{ CHANNELS[0] }, { CHANNELS[1] }>(
        SIDE / 2,
        &trace.padded[1],
        &network.layers[1],
        &d1,
        &mut gradient[1],
        Some(&mut in1),
    );
    let d0 = unpool::<{ CHANNELS[0] }>(SIDE, &trace.windows[0], &in1, true);
    window_back::<INPUTS, { CHANNELS[0] }>(
        SIDE,
        &trace.padded[0],
        &network.layers[0],
        &d0,
        &mut gradient[0],
        None,
    );
    (loss, best)
}

fn plain_back<const OUT: usize>(
    values: &[f32],
    weights: &[f32],
    delta: &[f32; OUT],
    gradient: &mut [f32],
    back: &mut [f32],
) {
    let (matrix, _) = weights.split_at(values.len() * OUT);
    let (slots, biases) = gradient.split_at_mut(values.len() * OUT);
    for (bias, d) in biases.iter_mut().zip(delta) {
        *bias += d;
    }
    let rows = matrix.chunks_exact(OUT).zip(slots.chunks_exact_mut(OUT));
    for ((value, slot), (weights, grads)) in values.iter().zip(back.iter_mut()).zip(rows) {
        let mut sum = 0.0;
        for n in 0..OUT {
            sum += weights[n] * delta[n];
            grads[n] += value * delta[n];
        }
        *slot = sum;
    }
}

/// The part of each 2×2 that was the maximum gets what comes back.
fn unpool<const CH: usize>(side: usize, from: &[f32], back: &[f32], border: bool) -> Vec<f32> {
    let half = side / 2;
    let (stride, edge) = if border { (half + 2, 1) } else { (half, 0) };
    let mut out = vec![0.0_f32; side * side * CH];
    for y in 0..half {
        for x in 0..half {
            let at = ((y + edge) * stride + x + edge) * CH;
            for channel in 0..CH {
                let d = back[at + channel];
                if d == 0.0 {
                    continue;
                }
                let corner = |dx: usize, dy: usize| ((2 * y + dy) * side + 2 * x + dx) * CH + channel;
                let corners = [corner(0, 0), corner(1, 0), corner(0, 1), corner(1, 1)];
                let best = corners.into_iter().fold(corners[0], |b, c| if from[c] > from[b] { c } else { b });
                if from[best] > 0.0 {
                    out[best] = d;
                }
            }
        }
    }
    out
}

fn window_back<const IN: usize, const OUT: usize>(
    side: usize,
    padded: &[f32],
    weights: &[f32],
    delta: &[f32],
    gradient: &mut [f32],
    mut back: Option<&mut Vec<f32>>,
) {
    let kernel = &weights[..9 * IN * OUT];
    let (slots, biases) = gradient.split_at_mut(9 * IN * OUT);
    let stride = (side + 2) * IN;
    for (at, d) in delta.chunks_exact(OUT).enumerate() {
        if d.iter().all(|v| *v == 0.0) {
            continue;
        }
        for (bias, v) in biases.iter_mut().zip(d) {
            *bias += v;
        }
        let (x, y) = (at % side, at / side);
        for row in 0..3 {
            let from = (y + row) * stride + x * IN;
            let span = row * 3 * IN * OUT..(row + 1) * 3 * IN * OUT;
            let grads = slots[span.clone()].chunks_exact_mut(OUT);
            for (value, grads) in padded[from..from + 3 * IN].iter().zip(grads) {
                if *value != 0.0 {
                    for (g, v) in grads.iter_mut().zip(d) {
                        *g += value * v;
                    }
                }
            }
            if let Some(back) = back.as_deref_mut() {
                let rows = kernel[span].chunks_exact(OUT);
                for (slot, weights) in back[from..from + 3 * IN].iter_mut().zip(rows) {
                    let mut sum = 0.0;
                    for (w, v) in weights.iter().zip(d) {
                        sum += w * v;
                    }
                    *slot += sum;
                }
            }
        }
    }
}
