//! What the 返信票 of a まとめ便 changes: 了解 and wishes to be called, each in its own group, whoever read the
//! ticks. The page shows headings of several groups and is posted in none of them; what was written on it
//! goes, cut out, to the one post that a person names. A line whose group ended meanwhile does nothing.

use super::by_hand::{close, said, ticked};
use super::{Arrival, Blocked, ReturnedSheet, SheetConfirmation, triage};
use crate::commit::Effect;
use crate::decision::{Candidate, DigestAnswer, TriageReason};
use crate::directory::GroupRoster;
use crate::fan_out::publish;
use crate::ids::{AttachmentId, GroupId, PostId, TriageId};
use crate::sheet_answer::{LineAct, by_line};
use crate::vocabulary::{GroupState, ReplyExpectation};

/// What a person read on the sheet of a まとめ便.
#[derive(Debug, Clone)]
pub struct DigestConfirmation<'a> {
    /// The sheet.
    pub returned: &'a ReturnedSheet<'a>,
    /// What the code stands for.
    pub answer: &'a DigestAnswer,
    /// What is ticked, line by line.
    pub acts: Vec<(u16, LineAct)>,
    /// The line that the handwriting answers, and its cut-out pictures.
    pub written: Option<(u16, Vec<AttachmentId>)>,
}

/// Everything that was ticked, and the item closed.
///
/// # Errors
/// [`Blocked`] if a ticked line belongs to a group that is not open any more, or in which the facility takes no
/// part any more.
pub fn confirm_digest(
    digest: &DigestConfirmation<'_>,
    rosters: &[GroupRoster],
    random: &mut dyn FnMut() -> u128,
) -> Result<Vec<Effect>, Blocked> {
    let DigestConfirmation { returned, answer, .. } = *digest;
    let mut effects = Vec::new();
    for (line, act) in digest.acts.iter().copied() {
        let Some(line) = answer.line(line) else { continue };
        let roster = usable(answer, &line.group_id, rosters)?;
        let sheet = SheetConfirmation {
            returned,
            answer: &line,
            acknowledged: act == LineAct::Acknowledge,
            call_back: act == LineAct::CallBack,
            call_window: None,
            attendance: None,
        };
        effects.extend(said(&sheet, roster, random));
    }
    if let Some((line, pictures)) = &digest.written
        && let Some(line) = answer.line(*line)
    {
        let roster = usable(answer, &line.group_id, rosters)?;
        let words = "まとめ便の返信票に手書きの返信がありました。".to_owned();
        let id = PostId::fresh(returned.now, random());
        let post = ticked(returned, &line, roster, ReplyExpectation::None, words, id);
        effects.extend(publish(post, pictures.clone(), roster, returned.now, random));
    }
    effects.push(close(returned.triage_id));
    Ok(effects)
}

/// The group, if it is open and the facility still takes part in it with consent.
fn usable<'r>(
    answer: &DigestAnswer,
    group: &GroupId,
    rosters: &'r [GroupRoster],
) -> Result<&'r GroupRoster, Blocked> {
    let roster = rosters.iter().find(|r| &r.group.id == group && r.group.state == GroupState::Open);
    let roster = roster.ok_or(Blocked::GroupNotOpen)?;
    match roster.addressable(&answer.facility_id) {
        Some(member) if member.consented => Ok(roster),
        _ => Err(Blocked::NotConsented),
    }
}

/// The effects of a sheet as the machine read it: done if it may act alone, else an item for the office.
pub(super) fn effects(
    arrival: &Arrival<'_>,
    answer: &DigestAnswer,
    rosters: &[GroupRoster],
    random: &mut dyn FnMut() -> u128,
) -> Vec<Effect> {
    let marks = arrival.envelope.sheet.as_ref().map(|s| s.marks.as_slice()).unwrap_or_default();
    let acts = by_line(answer.says.iter().map(String::as_str), marks);
    let item = TriageId::new("");
    let returned = ReturnedSheet {
        triage_id: &item,
        intake_id: arrival.intake_id,
        received_at: arrival.received_at,
        now: arrival.now,
        channel: arrival.envelope.channel,
        identity_level: arrival.decided.identity_level,
        staff_id: answer.staff_id.clone(),
        person_name: name_of(answer, rosters),
        actor_name: String::new(),
    };
    let digest = DigestConfirmation { returned: &returned, answer, acts, written: None };
    if !digest.acts.is_empty()
        && let Ok(mut done) = confirm_digest(&digest, rosters, random)
    {
        done.retain(|effect| !matches!(effect, Effect::CloseTriage { .. }));
        for effect in &mut done {
            if let Effect::Post { post, .. } = effect {
                // Nobody stood between the pen and the post.
                post.proxy = None;
                "組込み規則".clone_into(&mut post.decided_by);
            }
        }
        return done;
    }
    let candidates = answer.items.iter().map(|item| Candidate {
        patient_id: item.patient_id.clone(),
        group_id: Some(item.group_id.clone()),
        post_id: Some(item.post_id.clone()),
        reasons_for: vec!["このまとめ便で届けた投稿です".to_owned()],
        reasons_against: Vec::new(),
        blocked: None,
    });
    let candidates = candidates.take(50).collect();
    vec![triage(arrival, vec![TriageReason::SheetToConfirm], candidates, false, random)]
}

/// The name of whoever is marked, as one of the rosters knows it today.
fn name_of(answer: &DigestAnswer, rosters: &[GroupRoster]) -> Option<String> {
    let id = answer.staff_id.as_ref()?;
    let mut people = rosters.iter().filter_map(|r| r.addressable(&answer.facility_id)).flat_map(|m| &m.staff);
    people.find(|s| &s.id == id && s.left_at.is_none()).map(|s| s.name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cast::{at, code, facts, roster, sender};
    use crate::decide::decide;
    use crate::decision::{Decided, Decision};
    use crate::envelope::{ContentHash, Envelope, Mark, MarkState, Sheet};
    use crate::facts::{CodeFacts, CodeItem, Facts, PaperTrust};
    use crate::vocabulary::{Channel, Format, Intent};

    fn counter() -> impl FnMut() -> u128 {
        let mut n = 0;
        move || {
            n += 1;
            n
        }
    }

    fn back(marked: &[&str], closes: &[&str]) -> Envelope {
        let mut e = Envelope::empty(Channel::Fax, Format::Tiff, ContentHash::of(b"page"));
        e.intent = Intent::Reply;
        e.sender.number = Some("0300000103".to_owned());
        let names = ["acknowledge_all", "wrong_recipient", "acknowledge_1", "call_back_1", "acknowledge_2"];
        let marks = names.into_iter().chain(["call_back_2"]).map(|name| Mark {
            name: name.to_owned(),
            state: if marked.contains(&name) { MarkState::Marked } else { MarkState::Empty },
            confidence: 1.0,
        });
        e.sheet = Some(Sheet {
            reply_code: None,
            code_source: None,
            marks: marks.collect(),
            handwriting: Vec::new(),
            orientation: 0,
            page_of: None,
            closes: closes.iter().map(|c| (*c).to_owned()).collect(),
        });
        e
    }

    fn of_two(trusted: bool) -> Facts {
        let mut entry = code("F03");
        entry.post_id = None;
        let item = |post: &str| CodeItem {
            post_id: post.into(),
            topic_id: post.into(),
            group_id: roster().group.id,
            patient_id: roster().patient.id,
        };
        entry.items = vec![item("P1"), item("P2")];
        let mut f = facts(Some(sender("F03", Channel::Fax)));
        f.code = CodeFacts::Known(Box::new(entry));
        f.paper = PaperTrust { agreed: if trusted { 300 } else { 0 }, needed: 300, ..PaperTrust::default() };
        f
    }

    fn run(e: &Envelope, f: &Facts, rosters: &[GroupRoster]) -> (Decided, Vec<Effect>) {
        let now = at("2026-06-09T10:20");
        let decided = decide(e, f, None, now);
        let arrival = Arrival {
            facility: None,
            intake_id: &"I1".into(),
            index: 0,
            received_at: now,
            now,
            envelope: e,
            decided: &decided,
        };
        let effects = super::super::effects(&arrival, rosters, vec!["A1".into()], &mut counter());
        (decided, effects)
    }

    fn said_of(effects: &[Effect]) -> Vec<String> {
        effects
            .iter()
            .filter_map(|e| match e {
                Effect::Acknowledge(k) => Some(format!("了解 {}", k.post_id)),
                Effect::Post { post, attachments } => {
                    assert!(attachments.is_empty(), "the page shows other groups");
                    Some(format!("{} {:?}", post.topic_id, post.expectation))
                }
                Effect::OpenTriage { reasons, candidates, .. } => {
                    Some(format!("{} {}", reasons[0].code(), candidates.len()))
                }
                _ => None,
            })
            .collect()
    }

    #[test]
    fn during_the_trial_a_person_reads_it() {
        let e = back(&["acknowledge_all"], &["acknowledge_all"]);
        let (decided, effects) = run(&e, &of_two(false), &[roster()]);
        assert!(matches!(decided.decision, Decision::Digest(_)), "{decided:?}");
        assert_eq!(said_of(&effects), ["sheet_to_confirm 2"]);
    }

    #[test]
    fn once_trusted_it_acts_line_by_line() {
        let all = back(&["acknowledge_all"], &["acknowledge_all"]);
        assert_eq!(said_of(&run(&all, &of_two(true), &[roster()]).1), ["了解 P1", "了解 P2"]);
        let each = back(&["acknowledge_1", "call_back_2"], &["acknowledge_1", "call_back_2"]);
        assert_eq!(said_of(&run(&each, &of_two(true), &[roster()]).1), ["了解 P1", "P2 Call"]);
        // What the reader left open waits, whatever is marked.
        let open = back(&["acknowledge_1"], &[]);
        assert_eq!(said_of(&run(&open, &of_two(true), &[roster()]).1), ["sheet_to_confirm 2"]);
    }

    #[test]
    fn a_group_that_ended_stops_the_sheet() {
        let all = back(&["acknowledge_all"], &["acknowledge_all"]);
        let mut frozen = roster();
        frozen.group.state = GroupState::Frozen;
        assert_eq!(said_of(&run(&all, &of_two(true), &[frozen]).1), ["sheet_to_confirm 2"]);
        let mut left = roster();
        left.members.retain(|m| m.facility.id.as_str() != "F03");
        assert_eq!(said_of(&run(&all, &of_two(true), &[left]).1), ["sheet_to_confirm 2"]);
    }

    #[test]
    fn numbers_that_moved_mean_nothing() {
        let all = back(&["acknowledge_all"], &["acknowledge_all"]);
        let change = |change: &dyn Fn(&mut crate::facts::CodeEntry)| {
            let mut f = of_two(true);
            if let CodeFacts::Known(entry) = &mut f.code {
                change(entry);
            }
            said_of(&run(&all, &f, &[roster()]).1)
        };
        assert_eq!(change(&|e| e.lines_moved = true), ["which_item 2"]);
        assert_eq!(change(&|e| e.items.push(e.items[0].clone())), ["which_item 3"]);
        // One post is left, but two lines are printed.
        let left = |e: &mut crate::facts::CodeEntry| {
            e.items.truncate(1);
            (e.post_id, e.topic_id) = (Some("P1".into()), Some("P1".into()));
        };
        assert_eq!(change(&left), ["which_item 1"]);
    }

    #[test]
    fn an_untouched_digest_acknowledges_where_it_said_so() {
        let says = |printed: bool, on: bool| {
            let mut f = of_two(true);
            f.paper.untouched_acknowledges = on;
            if let CodeFacts::Known(entry) = &mut f.code {
                entry.untouched_acknowledges = printed;
            }
            said_of(&run(&back(&[], &[]), &f, &[roster()]).1)
        };
        assert_eq!(says(true, true), ["了解 P1", "了解 P2"]);
        assert_eq!(says(false, true), ["sheet_to_confirm 2"]);
        assert_eq!(says(true, false), ["sheet_to_confirm 2"]);
    }

    #[test]
    fn the_office_confirms_and_gives_the_writing_to_one_post() {
        let (decided, _) = run(&back(&["acknowledge_1"], &[]), &of_two(false), &[roster()]);
        let Decision::Digest(answer) = &decided.decision else { panic!("{decided:?}") };
        let (item, intake, now) = ("X1".into(), "I1".into(), at("2026-06-09T11:00"));
        let returned = ReturnedSheet {
            triage_id: &item,
            intake_id: &intake,
            received_at: now,
            now,
            channel: Channel::Fax,
            identity_level: decided.identity_level,
            staff_id: None,
            person_name: None,
            actor_name: "渡部 晶".to_owned(),
        };
        let digest = DigestConfirmation {
            returned: &returned,
            answer,
            acts: vec![(1, LineAct::Acknowledge), (9, LineAct::Acknowledge)],
            written: Some((2, vec!["A7".into()])),
        };
        let effects = confirm_digest(&digest, &[roster()], &mut counter()).unwrap();
        let posts: Vec<_> = effects
            .iter()
            .filter_map(|e| match e {
                Effect::Post { post, attachments } => Some((post.topic_id.as_str(), attachments.len())),
                _ => None,
            })
            .collect();
        assert_eq!(posts, [("P2", 1)]);
        assert_eq!(effects.iter().filter(|e| matches!(e, Effect::Acknowledge(_))).count(), 1);
        assert!(matches!(effects.last(), Some(Effect::CloseTriage { .. })));
        assert_eq!(confirm_digest(&digest, &[], &mut counter()), Err(Blocked::GroupNotOpen));
    }
}
