//! From scores to a word about a box: `marked` and `empty` only where networks that were trained apart agree
//! with much to spare, `unsure` everywhere else. What the bars cost on pages that no network
//! had seen stands in docs/paper.md; raising them costs a person's look, lowering them a false 了解.

use super::network::{CLASSES, Class, Network, Trace};
use super::patch::{BoxView, Patch};
use kakehashi_core::envelope::MarkState;
use std::sync::LazyLock;

/// Least lead of `marked` over everything else, as the logarithm of odds: half of it the mean of the networks,
/// half of it the least of them. Set on boxes that no network was trained on (docs/paper.md, docs/decisions/0024, 0038, 0043).
pub const MARKED_LEAD: f32 = 4.6;
/// Least lead of `empty` and `dirt` together over every mark that a hand makes, in every network of emptiness.
pub const UNTOUCHED_LEAD: f32 = 1.3;
/// Less of the frame than this and the place of the box is not sure.
const LEAST_FRAME: f32 = 0.6;
/// A mark has some ink.
const LEAST_INK: f32 = 0.02;

/// So many of the networks, the first, say what is empty.
const OF_EMPTINESS: usize = 2;
/// Where these find a mark so much less likely than all else, the others are not asked: most boxes are empty.
const FAR_FROM_MARKED: f32 = -4.0;

/// The networks that are asked. Weights of a wrong length are a fault of the build; then every box is
/// unsure, and a test says so.
static JUDGES: LazyLock<Vec<Network>> = LazyLock::new(|| {
    let packed: [&[u8]; 3] =
        [include_bytes!("weights-1.bin"), include_bytes!("weights-2.bin"), include_bytes!("weights-3.bin")];
    packed.iter().filter_map(|bytes| Network::unpack(bytes)).collect()
});

/// What the networks say about one picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Opinion {
    /// Lead of `marked`: half the mean, half the least of the networks.
    pub marked: f32,
    /// Lead of `empty`, the least of the networks of emptiness.
    pub empty: f32,
    /// Lead of `empty` and `dirt` together, the least of the same: that nobody meant anything.
    pub untouched: f32,
    /// What the networks together find most likely, for the proposal that a person sees.
    pub class: Class,
}

impl Opinion {
    /// Of nobody who could judge.
    const NONE: Self = Self { marked: f32::MIN, empty: f32::MIN, untouched: f32::MIN, class: Class::Unsure };

    /// From the scores of networks that were trained apart; one alone is no judge.
    fn of(all: &[[f32; CLASSES]]) -> Self {
        if all.len() < 2 {
            return Self::NONE;
        }
        let mean = |class: Class| all.iter().map(|s| lead(s, class)).sum::<f32>() / all.len() as f32;
        let least = |count: usize, lead: &dyn Fn(&[f32; CLASSES]) -> f32| {
            all.iter().take(count).map(lead).fold(f32::MAX, f32::min)
        };
        let class = Class::ALL.into_iter().max_by(|a, b| mean(*a).total_cmp(&mean(*b)));
        Self {
            marked: f32::midpoint(mean(Class::Marked), least(all.len(), &|s| lead(s, Class::Marked))),
            empty: least(OF_EMPTINESS, &|s| lead(s, Class::Empty)),
            untouched: least(OF_EMPTINESS, &lead_of_both),
            class: class.unwrap_or(Class::Unsure),
        }
    }
}

/// Asks the built-in networks.
#[must_use]
pub fn opinion(view: &BoxView) -> Opinion {
    let mut trace = Trace::default();
    let (first, others) = JUDGES.split_at(JUDGES.len().min(OF_EMPTINESS));
    let mut all = scores(first, &view.patch, &view.usual, &mut trace);
    if all.iter().any(|scores| lead(scores, Class::Marked) > FAR_FROM_MARKED) {
        all.extend(scores(others, &view.patch, &view.usual, &mut trace));
    }
    Opinion::of(&all)
}

fn scores(of: &[Network], patch: &Patch, usual: &Patch, trace: &mut Trace) -> Vec<[f32; CLASSES]> {
    of.iter()
        .map(|network| {
            network.run(patch, usual, trace);
            trace.scores
        })
        .collect()
}

/// Whether the picture, moved by a cell to every side, still looks more like a mark than like anything else to the
/// networks together: what hangs on a single cell is no mark.
#[must_use]
pub fn is_steady(view: &BoxView) -> bool {
    let mut trace = Trace::default();
    [(1, 0), (-1, 0), (0, 1), (0, -1)].into_iter().all(|(x, y)| {
        let all = scores(&JUDGES, &view.patch.moved(x, y), &view.usual.moved(x, y), &mut trace);
        all.iter().map(|scores| lead(scores, Class::Marked)).sum::<f32>() > 0.0
    })
}

/// Logarithm of the odds of one class.
#[must_use]
pub fn lead(scores: &[f32; CLASSES], class: Class) -> f32 {
    let own = scores[class as usize];
    let others = scores.iter().enumerate().filter(|(n, _)| *n != class as usize).map(|(_, s)| *s);
    let most = others.clone().fold(f32::MIN, f32::max);
    own - most - others.map(|s| (s - most).exp()).sum::<f32>().ln()
}

/// Logarithm of the odds that the box is empty or only dirty.
#[must_use]
pub fn lead_of_both(scores: &[f32; CLASSES]) -> f32 {
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
    if said.marked >= MARKED_LEAD && view.ink >= LEAST_INK && is_steady(view) {
        (MarkState::Marked, chance(said.marked))
    } else if said.untouched >= UNTOUCHED_LEAD {
        (MarkState::Empty, chance(said.untouched))
    } else {
        (MarkState::Unsure, chance(said.marked))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn scores(marked: f32, empty: f32) -> [f32; CLASSES] {
        [marked, 0.0, empty, 0.0, 0.0]
    }

    #[test]
    fn the_weakest_network_weighs_as_much_as_all_together() {
        let (sure, doubting) = (scores(14.0, 0.0), scores(2.0, 6.0));
        let leads = [lead(&sure, Class::Marked), lead(&doubting, Class::Marked)];
        assert!(leads[0] > 12.0 && leads[1] < -3.5, "{leads:?}");
        let said = Opinion::of(&[sure, doubting]);
        assert!((said.marked - (0.75 * leads[1] + 0.25 * leads[0])).abs() < 1e-3, "{said:?}");
        assert!(said.marked < MARKED_LEAD, "one that doubts is enough");
        assert!(said.untouched < 0.0, "one that sees a mark is enough");
        assert_eq!(said.class, Class::Marked);
        assert!(Opinion::of(&[sure, sure]).marked > MARKED_LEAD);
    }

    #[test]
    fn one_network_is_no_judge() {
        assert_eq!(Opinion::of(&[scores(30.0, 0.0)]), Opinion::NONE);
        assert_eq!(Opinion::of(&[]), Opinion::NONE);
    }
}
