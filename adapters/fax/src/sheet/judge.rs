//! From scores to a word about a box: `marked` and `empty` only where networks that were trained apart agree
//! with much to spare, `unsure` everywhere else. What the bars cost on pages that no network
//! had seen stands in docs/paper.md; raising them costs a person's look, lowering them a false 了解.

use super::network::{CLASSES, Class, Network, Trace};
use super::patch::{BoxView, Patch};
use kakehashi_core::envelope::MarkState;
use std::sync::LazyLock;

/// Least lead of `marked` over everything else, as the logarithm of odds: in every place half the mean of the networks
/// and half the least of them, and of that half the mean and half the least of the places. Set on boxes that no network
/// was trained on (docs/paper.md, docs/decisions/0024, 0038, 0045).
pub const MARKED_LEAD: f32 = 2.6;
/// Least lead of `empty` and `dirt` together over every mark that a hand makes: of the least network, the mean of the places.
pub const UNTOUCHED_LEAD: f32 = 0.6;
/// Less of the frame than this and the place of the box is not sure.
const LEAST_FRAME: f32 = 0.6;
/// A mark has some ink.
const LEAST_INK: f32 = 0.02;

/// So many of the networks, the first, say whether a box is plainly empty: most are.
const FIRST: usize = 2;
/// What lies so far from the bars where it stands is not looked at from elsewhere: it would not cross them.
const FAR: f32 = 3.0;
/// How a picture is moved, in cells, before the networks look at it: in place first, then to each side. What hangs on a single cell is no mark, and
/// a network that errs in one place seldom errs in all.
pub const PLACES: [(i32, i32); 5] = [(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)];

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
    /// Lead of `marked` as [`MARKED_LEAD`] counts it; below zero where in any place something else is likelier.
    pub marked: f32,
    /// Lead of `empty`: of the least network, the mean of the places.
    pub empty: f32,
    /// Lead of `empty` and `dirt` together, likewise: that nobody meant anything.
    pub untouched: f32,
    /// What the networks together find most likely, for the proposal that a person sees.
    pub class: Class,
}

/// Scores of networks that were trained apart, in one place.
type Place = Vec<[f32; CLASSES]>;

impl Opinion {
    /// Of nobody who could judge.
    const NONE: Self = Self { marked: f32::MIN, empty: f32::MIN, untouched: f32::MIN, class: Class::Unsure };

    /// From what the networks say in each place; one alone is no judge.
    fn of(places: &[Place]) -> Self {
        if places.is_empty() || places.iter().any(|place| place.len() < 2) {
            return Self::NONE;
        }
        let over = |value: &dyn Fn(&Place) -> f32| -> Vec<f32> { places.iter().map(value).collect() };
        let means = over(&|place| mean(place, |s| lead(s, Class::Marked)));
        let together = over(&|place| {
            f32::midpoint(mean(place, |s| lead(s, Class::Marked)), least(place, |s| lead(s, Class::Marked)))
        });
        let doubted = means.iter().copied().fold(f32::MAX, f32::min);
        let marked = f32::midpoint(average(&together), together.iter().copied().fold(f32::MAX, f32::min));
        let likely = |class: Class| average(&over(&|place| mean(place, |s| lead(s, class))));
        let class = Class::ALL.into_iter().max_by(|a, b| likely(*a).total_cmp(&likely(*b)));
        Self {
            marked: if doubted > 0.0 { marked } else { marked.min(doubted) },
            empty: average(&over(&|place| least(place, |s| lead(s, Class::Empty)))),
            untouched: average(&over(&|place| least(place, lead_of_both))),
            class: class.unwrap_or(Class::Unsure),
        }
    }
}

fn average(values: &[f32]) -> f32 {
    values.iter().sum::<f32>() / values.len().max(1) as f32
}

fn mean(place: &Place, of: impl Fn(&[f32; CLASSES]) -> f32) -> f32 {
    place.iter().map(of).sum::<f32>() / place.len().max(1) as f32
}

fn least(place: &Place, of: impl Fn(&[f32; CLASSES]) -> f32) -> f32 {
    place.iter().map(of).fold(f32::MAX, f32::min)
}

/// Asks the built-in networks.
#[must_use]
pub fn opinion(view: &BoxView) -> Opinion {
    let mut trace = Trace::default();
    let (first, others) = JUDGES.split_at(JUDGES.len().min(FIRST));
    let mut here = scores(first, &view.patch, &view.usual, &mut trace);
    let said = Opinion::of(std::slice::from_ref(&here));
    if said.marked < -FAR && said.untouched > UNTOUCHED_LEAD + FAR {
        return said;
    }
    here.extend(scores(others, &view.patch, &view.usual, &mut trace));
    let said = Opinion::of(std::slice::from_ref(&here));
    if said.marked < MARKED_LEAD - FAR && (said.untouched - UNTOUCHED_LEAD).abs() > FAR {
        return said;
    }
    let mut places = vec![here];
    places.extend(
        PLACES[1..]
            .iter()
            .map(|(x, y)| scores(&JUDGES, &view.patch.moved(*x, *y), &view.usual.moved(*x, *y), &mut trace)),
    );
    Opinion::of(&places)
}

fn scores(of: &[Network], patch: &Patch, usual: &Patch, trace: &mut Trace) -> Vec<[f32; CLASSES]> {
    of.iter()
        .map(|network| {
            network.run(patch, usual, trace);
            trace.scores
        })
        .collect()
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
    if said.marked >= MARKED_LEAD && view.ink >= LEAST_INK {
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
    fn whoever_doubts_weighs_as_much_as_all_together() {
        let (sure, doubting) = (scores(14.0, 0.0), scores(2.0, 6.0));
        let leads = [lead(&sure, Class::Marked), lead(&doubting, Class::Marked)];
        assert!(leads[0] > 12.0 && leads[1] < -3.5, "{leads:?}");
        let here = vec![sure, doubting];
        let said = Opinion::of(std::slice::from_ref(&here));
        assert!((said.marked - (0.75 * leads[1] + 0.25 * leads[0])).abs() < 1e-3, "{said:?}");
        assert!(said.marked < MARKED_LEAD, "one that doubts is enough");
        assert!(said.untouched < 0.0, "one that sees a mark is enough");
        assert_eq!(said.class, Class::Marked);
        let agreed = vec![sure, sure];
        assert!(Opinion::of(std::slice::from_ref(&agreed)).marked > MARKED_LEAD);
        let everywhere = Opinion::of(&[agreed.clone(), agreed.clone(), agreed.clone()]).marked;
        assert!(Opinion::of(&[agreed.clone(), agreed.clone(), here]).marked < everywhere / 2.0);
        let moved = vec![scores(2.0, 6.0), scores(2.0, 6.0)];
        assert!(Opinion::of(&[agreed.clone(), agreed, moved]).marked < 0.0, "what does not stay when moved");
    }

    #[test]
    fn one_network_is_no_judge() {
        assert_eq!(Opinion::of(&[vec![scores(30.0, 0.0)]]), Opinion::NONE);
        assert_eq!(Opinion::of(&[]), Opinion::NONE);
    }
}
