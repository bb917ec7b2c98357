//! What a read sheet says when no person looks: one sure mark and everything else surely untouched, or
//! nothing at all (fax-loop.md sections 6 and 7). Pure and strict: whatever is doubted, written or
//! contradicts itself is left to a person. It decides nothing about who may answer.

use crate::envelope::{Mark, MarkState};
use crate::sheet_form::{DIGEST_LINES_MAX, line_of, staff_of};

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

/// How sure each box of an untouched sheet must be to act.
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

/// What one line of a まとめ便 says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LineAct {
    /// 了解.
    Acknowledge,
    /// 電話ください.
    CallBack,
}

/// Whether these boxes are those of a まとめ便.
#[must_use]
pub fn is_digest(marks: &[Mark]) -> bool {
    marks.iter().any(|m| line_of(&m.name).is_some())
}

/// The lines that are printed on a sheet of a まとめ便, ascending; empty for every other sheet.
#[must_use]
pub fn lines(marks: &[Mark]) -> Vec<u16> {
    let mut lines: Vec<u16> = marks.iter().filter_map(|m| line_of(&m.name)).collect();
    lines.sort_unstable();
    lines.dedup();
    lines
}

/// What these boxes of a まとめ便 mean, line by line. `acknowledge_all` means the lines that are printed on the
/// sheet, not those of its other pages.
#[must_use]
pub fn by_line<'a>(says: impl IntoIterator<Item = &'a str>, marks: &[Mark]) -> Vec<(u16, LineAct)> {
    let mut acts = Vec::new();
    for id in says {
        match (id, line_of(id)) {
            ("acknowledge_all", _) => {
                acts.extend(lines(marks).into_iter().map(|line| (line, LineAct::Acknowledge)));
            }
            (id, Some(line)) if id.starts_with("acknowledge") => acts.push((line, LineAct::Acknowledge)),
            (_, Some(line)) => acts.push((line, LineAct::CallBack)),
            (_, None) => {}
        }
    }
    acts.sort_unstable();
    acts.dedup();
    acts
}

/// Whether the printed lines are those of a まとめ便 with so many posts: a sheet holds
/// [`DIGEST_LINES_MAX`] lines, the last one what is left.
#[must_use]
pub fn lines_fit(marks: &[Mark], posts: usize) -> bool {
    let lines = lines(marks);
    let (Some(first), Some(last)) = (lines.first(), lines.last()) else { return false };
    let most = usize::from(DIGEST_LINES_MAX);
    let before = usize::from(first.saturating_sub(1));
    let whole = lines.len() == usize::from(last - first) + 1 && before.is_multiple_of(most);
    whole && before < posts && usize::from(*last) == posts.min(before + most)
}

/// The same box of a sheet with one post: a まとめ便 of one post has one line.
#[must_use]
pub fn of_one_post(id: &str) -> &str {
    match id {
        "acknowledge_all" | "acknowledge_1" => "acknowledge",
        "call_back_1" => "call_back",
        other => other,
    }
}

/// Whether nothing is seen on the sheet: every box empty, nothing written. A light pencil may have been lost on the
/// way, so this alone is only a proposal to a person.
#[must_use]
pub fn seems_untouched(marks: &[Mark], writing: bool) -> bool {
    !writing && !marks.is_empty() && marks.iter().all(|m| m.state == MarkState::Empty)
}

/// Whether the sheet came back so surely untouched that it may act, where a network has switched 「このまま返送＝了解」 on.
/// Nothing marked stands beside it as a second sign, so every box must be surer than on a ticked sheet.
#[must_use]
pub fn is_untouched(marks: &[Mark], writing: bool) -> bool {
    seems_untouched(marks, writing) && marks.iter().all(|m| m.confidence >= UNTOUCHED_CONFIDENCE)
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
    fn a_digest_says_something_line_by_line() {
        let sheet = |from: u16, to: u16| -> Vec<Mark> {
            let lines = (from..=to).flat_map(|n| [format!("acknowledge_{n}"), format!("call_back_{n}")]);
            let names: Vec<String> = std::iter::once("acknowledge_all".to_owned()).chain(lines).collect();
            marks(&names.iter().map(|n| (n.as_str(), Empty)).collect::<Vec<_>>())
        };
        use LineAct::{Acknowledge, CallBack};
        assert_eq!(by_line(["acknowledge_all"], &sheet(7, 8)), [(7, Acknowledge), (8, Acknowledge)]);
        let several = by_line(["call_back_2", "acknowledge_1", "wrong_recipient"], &sheet(1, 3));
        assert_eq!(several, [(1, Acknowledge), (2, CallBack)]);
        for (from, to, posts, fits) in [
            (1, 3, 3, true),
            (1, 6, 8, true),
            (7, 8, 8, true),
            (1, 6, 6, true),
            (1, 1, 1, true),
            (1, 3, 2, false),
            (1, 3, 4, false),
            (7, 8, 9, false),
            (1, 5, 8, false),
            (2, 3, 3, false),
            (7, 8, 6, false),
        ] {
            assert_eq!(lines_fit(&sheet(from, to), posts), fits, "{from}..{to} of {posts}");
        }
        assert!(!lines_fit(&marks(&[("acknowledge", Empty)]), 1));
        assert!(is_digest(&sheet(1, 1)) && !is_digest(&marks(&[("acknowledge", Empty), ("staff_1", Empty)])));
        assert_eq!(
            (of_one_post("acknowledge_all"), of_one_post("call_back_1")),
            ("acknowledge", "call_back")
        );
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
        assert!(!is_untouched(&faint, false), "hardly seen does not act");
        assert!(seems_untouched(&faint, false), "but is proposed");
        assert!(!seems_untouched(&one(Unsure), false) && !seems_untouched(&[], false));
    }
}
