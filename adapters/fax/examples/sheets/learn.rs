//! Trains the network that looks at boxes: back propagation with Adam, one thread, minutes. Every picture is seen
//! a little different each time. Nothing of it runs in the gateway.

use crate::rng::Rng;
use crate::steps::{Steps, Way};
use crate::vary::{self, Picture};
use kakehashi_fax::sheet::classifier::{
    CHANNELS, CLASSES, Class, FLAT, HIDDEN, INPUTS, LAYERS, Network, Patch, SIZES, Trace,
};
use std::rc::Rc;

/// A picture with what it shows.
pub(crate) struct Sample {
    pub(crate) patch: Patch,
    pub(crate) usual: Rc<Patch>,
    pub(crate) class: Class,
}

const BATCH: usize = 64;
/// Highest pace of learning.
const PACE: f32 = 0.002;
/// Whoever loses less at a picture knows it by heart.
const KNOWN: f32 = 1e-4;

fn fresh(rng: &mut Rng) -> Network {
    let [c0, c1, c2, c3] = CHANNELS;
    let inputs = [9 * INPUTS, 9 * c0, 9 * c1, 9 * c2, FLAT, HIDDEN];
    let outputs = [c0, c1, c2, c3, HIDDEN, CLASSES];
    let mut layers: [Vec<f32>; LAYERS] = Default::default();
    for n in 0..LAYERS {
        let spread = (2.0 / inputs[n] as f32).sqrt();
        layers[n] = (0..SIZES[n])
            .map(|i| if i < inputs[n] * outputs[n] { rng.normal() * spread } else { 0.0 })
            .collect();
    }
    Network { layers }
}

struct Adam {
    mean: [Vec<f32>; LAYERS],
    square: [Vec<f32>; LAYERS],
    step: i32,
}

/// Trains over the samples, from nothing or `from` a network on; tells after each round what was lost and hands the network over as it is then.
pub(crate) fn train(
    samples: &[Sample],
    rounds: usize,
    rng: &mut Rng,
    from: Option<Network>,
    keep: impl Fn(&Network) -> Result<(), String>,
) -> Result<(), String> {
    // What was trained before only has to learn what is new.
    let pace = if from.is_some() { PACE / 4.0 } else { PACE };
    let mut network = from.unwrap_or_else(|| fresh(rng));
    let zero = || SIZES.map(|n| vec![0.0_f32; n]);
    let mut adam = Adam { mean: zero(), square: zero(), step: 0 };
    let mut order: Vec<usize> = (0..samples.len()).collect();
    // What was lost at the last look at each.
    let mut losses = vec![f32::MAX; samples.len()];
    let mut steps = Steps::new();
    let mut picture = Picture::new();
    let mut way = Way::new();
    let total = (rounds * samples.len()).max(1) as f32;
    for round in 0..rounds {
        for i in (1..order.len()).rev() {
            order.swap(i, rng.below(i + 1));
        }
        let (mut lost, mut right, mut looked, mut learnt) = (0.0_f64, 0, 0, 0);
        steps.begin(&network);
        for (n, at) in order.iter().enumerate() {
            // What is known by heart is looked at every second time, and only what is not is learnt from.
            if losses[*at] < KNOWN && rng.chance(0.5) {
                continue;
            }
            let sample = &samples[*at];
            vary::vary(&sample.patch, &sample.usual, &mut picture, rng);
            steps.forward(&network, &picture, &mut way);
            let (delta, loss, best) = fault(&way.scores, sample.class);
            losses[*at] = loss;
            looked += 1;
            lost += f64::from(loss);
            right += usize::from(best == sample.class as usize);
            if loss < KNOWN {
                continue;
            }
            steps.backward(&network, &way, &delta);
            learnt += 1;
            if learnt % BATCH == 0 {
                // Rises at the very beginning, then falls to nothing along half a cosine.
                let done = (round * samples.len() + n) as f32 / total;
                let rate =
                    pace * (done * 50.0).clamp(0.01, 1.0) * 0.5 * (1.0 + (done * std::f32::consts::PI).cos());
                update(&mut network, &steps.gradient(), &mut adam, rate);
                steps.begin(&network);
            }
        }
        let count = looked.max(1) as f64;
        println!(
            "round {round}: looked at {looked}, learnt from {learnt}, loss {:.4}, right {:.4}",
            lost / count,
            right as f64 / count
        );
        agrees(&network, samples)?;
        keep(&network)?;
    }
    Ok(())
}

/// The steps here are the reader's own in another order; a difference would be a fault of this program.
fn agrees(network: &Network, samples: &[Sample]) -> Result<(), String> {
    let (mut trace, mut way, mut picture) = (Trace::default(), Way::new(), Picture::new());
    let mut steps = Steps::new();
    for sample in samples.iter().take(200) {
        picture.set(&sample.patch, &sample.usual);
        steps.forward(network, &picture, &mut way);
        network.run(&sample.patch, &sample.usual, &mut trace);
        let apart = way.scores.iter().zip(trace.scores).fold(0.0_f32, |most, (a, b)| most.max((a - b).abs()));
        if apart > 0.01 {
            return Err(format!("the reader's scores differ by {apart}"));
        }
    }
    Ok(())
}

fn update(network: &mut Network, gradient: &[Vec<f32>; LAYERS], adam: &mut Adam, rate: f32) {
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

/// What is decided weighs most: whether a box is marked, and whether nobody meant anything; which of the rest it is
/// weighs least. A false `marked` costs more than any other fault. What comes back to the scores, what was lost, and
/// the likeliest class.
fn fault(scores: &[f32; CLASSES], class: Class) -> ([f32; CLASSES], f32, usize) {
    const MARKED: [Class; 1] = [Class::Marked];
    const UNTOUCHED: [Class; 2] = [Class::Empty, Class::Dirt];
    let most = scores.iter().copied().fold(f32::MIN, f32::max);
    let powers = scores.map(|s| (s - most).exp());
    let sum: f32 = powers.iter().sum();
    let chances = powers.map(|p| p / sum);
    let truth = class as usize;
    let weight = if class == Class::Marked { 1.0 } else { 1.5 };
    let mut delta = [0.0_f32; CLASSES];
    let mut loss = 0.0;
    let own: [&[Class]; 3] = [&[class], &MARKED, &UNTOUCHED];
    for (group, share) in own.into_iter().zip([0.35, 0.75, 0.4]) {
        let inside = |n: usize| group.iter().any(|c| *c as usize == n);
        let part =
            |is: bool| (0..CLASSES).filter(|n| inside(*n) == is).map(|n| chances[n]).sum::<f32>().max(1e-9);
        // The side of the group on which the truth lies, all of which is right.
        let side = inside(truth);
        let right = part(side);
        loss -= share * right.ln();
        for (n, chance) in chances.iter().enumerate() {
            let of_right = if inside(n) == side { chance / right } else { 0.0 };
            delta[n] += weight * share * (chance - of_right);
        }
    }
    let best = (0..CLASSES).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap_or(0);
    (delta, loss, best)
}
