//! What a read sheet says when no person looks: one sure mark and everything else surely untouched, or
//! nothing at all (fax-loop.md sections 6 and 7). Pure and strict: whatever is doubted, written or
//! contradicts itself is left to a person. It decides nothing about who may answer.

use crate::envelope::{Mark, MarkState};
use crate::sheet_form::{line_of, staff_of};

/// Boxes that may act by themselves. The others change settings or end something; a person confirms them.
const ACTS: [&str; 8] = [
    "acknowledge",
    "acknowledge_all",
    "attend",
    "absent",
    "call_back",
    "wrong_recipient",
    "question",
    "confirm_number",
];

/// How sure each box of an untouched sheet must be.
const UNTOUCHED_CONFIDENCE: f32 = 0.95;

/// What this page alone says: the boxes to act on in printed order, one on most sheets, one a line on a
/// まとめ便; empty if a person must look. Exactly one answer is surely marked, at most one name beside it,
/// every other box is surely empty and nothing is written. All boxes empty is never an answer.
#[must_use]
pub fn closes_as(marks: &[Mark], writing: bool) -> Vec<&str> {
    if writing || marks.iter().any(|m| m.state == MarkState::Unsure) {
        return Vec::new();
    }
    let marked = marks.iter().filter(|m| m.state == MarkState::Marked).map(|m| m.name.as_str());
    let (names, answers): (Vec<&str>, Vec<&str>) = marked.partition(|id| staff_of(id).is_some());
    if names.len() > 1 {
        return Vec::new();
    }
    match answers.as_slice() {
        [one] if ACTS.contains(one) || line_of(one).is_some() => answers,
        // A time of day belongs to the wish to be called.
        ["call_back", "call_back_morning" | "call_back_afternoon"] => vec!["call_back"],
        lines if lines.len() > 1 => {
            let numbers: Vec<u16> = lines.iter().filter_map(|id| line_of(id)).collect();
            let mut once = numbers.clone();
            once.sort_unstable();
            once.dedup();
            if numbers.len() == lines.len() && once.len() == lines.len() { answers } else { Vec::new() }
        }
        _ => Vec::new(),
    }
}

/// The name that is marked beside the answer: 2 for `staff_2`.
#[must_use]
pub fn named(marks: &[Mark]) -> Option<u8> {
    let mut names = marks.iter().filter(|m| m.state == MarkState::Marked).filter_map(|m| staff_of(&m.name));
    let one = names.next()?;
    names.next().is_none().then_some(one)
}

/// Whether the sheet came back surely untouched: every box empty, nothing written. Only a network that
/// has switched 「このまま返送＝了解」 on may take that as 了解. Nothing marked stands beside it as a second sign, so
/// every box must be surer than on a ticked sheet.
#[must_use]
pub fn is_untouched(marks: &[Mark], writing: bool) -> bool {
    !writing
        && !marks.is_empty()
        && marks.iter().all(|m| m.state == MarkState::Empty && m.confidence >= UNTOUCHED_CONFIDENCE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use MarkState::{Empty, Marked, Unsure};

    fn marks(states: &[(&str, MarkState)]) -> Vec<Mark> {
        states
            .iter()
            .map(|(name, state)| Mark { name: (*name).to_owned(), state: *state, confidence: 1.0 })
            .collect()
    }

    #[test]
    fn one_answer_and_nothing_else_closes() {
        let sheet =
            |ack, call, staff| marks(&[("acknowledge", ack), ("call_back", call), ("staff_2", staff)]);
        assert_eq!(closes_as(&sheet(Marked, Empty, Empty), false), ["acknowledge"]);
        assert_eq!(closes_as(&sheet(Marked, Empty, Marked), false), ["acknowledge"]);
        assert_eq!(named(&sheet(Marked, Empty, Marked)), Some(2));
        assert!(closes_as(&sheet(Marked, Empty, Empty), true).is_empty(), "a note may contradict");
        assert!(closes_as(&sheet(Marked, Unsure, Empty), false).is_empty());
        assert!(closes_as(&sheet(Marked, Marked, Empty), false).is_empty(), "two contradict");
        assert!(closes_as(&sheet(Empty, Empty, Marked), false).is_empty(), "a name alone says nothing");
        assert!(closes_as(&sheet(Empty, Empty, Empty), false).is_empty(), "all empty is no answer");
        assert!(closes_as(&marks(&[("leave_group", Marked)]), false).is_empty(), "a person confirms");
        assert!(closes_as(&[], false).is_empty());
        let time = marks(&[("call_back", Marked), ("call_back_morning", Marked)]);
        assert_eq!(closes_as(&time, false), ["call_back"]);
    }

    #[test]
    fn lines_of_a_digest_close_one_by_one() {
        let lines = marks(&[("acknowledge_1", Marked), ("acknowledge_2", Empty), ("call_back_3", Marked)]);
        assert_eq!(closes_as(&lines, false), ["acknowledge_1", "call_back_3"]);
        let twice = marks(&[("acknowledge_1", Marked), ("call_back_1", Marked)]);
        assert!(closes_as(&twice, false).is_empty());
        let all = marks(&[("acknowledge_all", Marked), ("call_back_1", Marked)]);
        assert!(closes_as(&all, false).is_empty());
    }

    #[test]
    fn untouched_is_only_what_is_surely_untouched() {
        let one = |state| marks(&[("acknowledge", Empty), ("call_back", state)]);
        assert!(is_untouched(&one(Empty), false));
        assert!(!is_untouched(&one(Unsure), false));
        assert!(!is_untouched(&one(Empty), true));
        assert!(!is_untouched(&[], false), "a page without boxes asks nothing");
        let mut faint = one(Empty);
        faint[1].confidence = 0.9;
        assert!(!is_untouched(&faint, false), "hardly seen is not untouched");
    }
}
