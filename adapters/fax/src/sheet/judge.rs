//! From scores to a word about a box: `marked` and `empty` only where two networks that were trained apart
//! agree with much to spare, `unsure` everywhere else. What the bars cost on pages that neither network
//! had seen stands in docs/paper.md; raising them costs a person's look, lowering them a false 了解.

use super::network::{CLASSES, Class, Network, Trace};
use super::patch::{BoxView, Patch};
use kakehashi_core::envelope::MarkState;
use std::sync::LazyLock;

/// Least lead of `marked` over everything else, as the logarithm of odds, in both networks and with the
/// picture moved by a cell to every side. Of 86,000 boxes of calibration that are no tick one came above 4.5, a
/// neighbour's stroke with 4.9; ticks struck out along their own arm came up to 4.4 (docs/paper.md).
pub const MARKED_LEAD: f32 = 5.0;
/// Least lead of `empty` and `dirt` together over every mark that a hand makes.
pub const UNTOUCHED_LEAD: f32 = 1.5;
/// Less of the frame than this and the place of the box is not sure.
const LEAST_FRAME: f32 = 0.6;
/// A mark has some ink.
const LEAST_INK: f32 = 0.02;

/// The networks that are asked. Weights of a wrong length are a fault of the build; then every box is
/// unsure, and a test says so.
static JUDGES: LazyLock<Vec<Network>> = LazyLock::new(|| {
    let packed: [&[u8]; 2] = [include_bytes!("weights-1.bin"), include_bytes!("weights-2.bin")];
    packed.iter().filter_map(|bytes| Network::unpack(bytes)).collect()
});

/// What the networks say about one picture, the weaker of them for each word.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Opinion {
    /// Lead of `marked`.
    pub marked: f32,
    /// Lead of `empty`.
    pub empty: f32,
    /// Lead of `empty` and `dirt` together: that nobody meant anything.
    pub untouched: f32,
    /// What the first network finds most likely, for the proposal that a person sees.
    pub class: Class,
}

/// Asks the built-in networks.
#[must_use]
pub fn opinion(view: &BoxView) -> Opinion {
    opinion_of(&JUDGES, &view.patch, &view.usual)
}

/// Lead of `marked` that stays when the picture is moved a little: what hangs on a single cell is no mark.
#[must_use]
pub fn steady_mark(view: &BoxView) -> f32 {
    [(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)]
        .into_iter()
        .map(|(x, y)| opinion_of(&JUDGES, &view.patch.moved(x, y), &view.usual.moved(x, y)).marked)
        .fold(f32::MAX, f32::min)
}

/// Asks these networks.
#[must_use]
pub fn opinion_of(networks: &[Network], patch: &Patch, usual: &Patch) -> Opinion {
    let mut trace = Trace::default();
    let mut all = Opinion { marked: f32::MAX, empty: f32::MAX, untouched: f32::MAX, class: Class::Unsure };
    for (n, network) in networks.iter().enumerate() {
        network.run(patch, usual, &mut trace);
        all.marked = all.marked.min(lead(&trace.scores, Class::Marked));
        all.empty = all.empty.min(lead(&trace.scores, Class::Empty));
        all.untouched = all.untouched.min(lead_of_both(&trace.scores));
        if n == 0 {
            let best = (0..CLASSES).max_by(|a, b| trace.scores[*a].total_cmp(&trace.scores[*b]));
            all.class = best.and_then(|at| Class::ALL.get(at).copied()).unwrap_or(Class::Unsure);
        }
    }
    if networks.len() < 2 {
        Opinion { marked: f32::MIN, empty: f32::MIN, untouched: f32::MIN, class: Class::Unsure }
    } else {
        all
    }
}

/// Logarithm of the odds of one class.
fn lead(scores: &[f32; CLASSES], class: Class) -> f32 {
    let own = scores[class as usize];
    let others = scores.iter().enumerate().filter(|(n, _)| *n != class as usize).map(|(_, s)| *s);
    let most = others.clone().fold(f32::MIN, f32::max);
    own - most - others.map(|s| (s - most).exp()).sum::<f32>().ln()
}

/// Logarithm of the odds that the box is empty or only dirty.
fn lead_of_both(scores: &[f32; CLASSES]) -> f32 {
    let sum = |classes: &[Class]| {
        let own = classes.iter().map(|c| scores[*c as usize]);
        let most = own.clone().fold(f32::MIN, f32::max);
        most + own.map(|s| (s - most).exp()).sum::<f32>().ln()
    };
    sum(&[Class::Empty, Class::Dirt]) - sum(&[Class::Marked, Class::Corrected, Class::Unsure])
}

/// The word about a box and how sure it is; for `unsure` how likely somebody meant it.
#[must_use]
pub fn judge(view: &BoxView) -> (MarkState, f32) {
    let said = opinion(view);
    let chance = |lead: f32| 1.0 / (1.0 + (-lead.clamp(-20.0, 20.0)).exp());
    if view.frame < LEAST_FRAME || view.weakest < LEAST_FRAME {
        return (MarkState::Unsure, chance(said.marked));
    }
    if said.marked >= MARKED_LEAD && view.ink >= LEAST_INK && steady_mark(view) >= MARKED_LEAD {
        (MarkState::Marked, chance(said.marked))
    } else if said.untouched >= UNTOUCHED_LEAD {
        (MarkState::Empty, chance(said.untouched))
    } else {
        (MarkState::Unsure, chance(said.marked))
    }
}
