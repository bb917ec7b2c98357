//! What a returned sheet asks a person: its boxes with the machine's proposal and, where that is not surely
//! nothing, the box enlarged. Only a sure mark is proposed as ticked; whatever is unsure stays empty for the eye.

use super::envelope::{MarkLine, box_word, reading};
use super::triage::{Beside, Field};
use super::{Choice, words};
use crate::locale::Lang;
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::decision::{Answer, Decision, DigestAnswer, TriageReason};
use kakehashi_core::envelope::{Envelope, MarkState};
use kakehashi_core::ids::{FacilityId, StaffId};
use kakehashi_core::paper_request;
use kakehashi_core::sheet_answer::{is_digest, lines};
use kakehashi_core::vocabulary::AttachmentRole;
use kakehashi_store::view::{FacilityCard, TriageItem};
use serde::Serialize;

/// Confirmation of a reply sheet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct SheetForm {
    pub(crate) alias: String,
    pub(crate) topic: String,
    pub(crate) boxes: Vec<SheetBox>,
    /// Lines of a まとめ便, each with its own boxes.
    pub(crate) lines: Vec<SheetLine>,
    /// Lines to which what was written can be given; empty if nothing was.
    pub(crate) written: Vec<Choice>,
    pub(crate) people: Vec<Choice>,
    /// 試行 and how far it is.
    pub(crate) trial: String,
    /// 担当終了 can be ticked: then the manager's word is asked for.
    pub(crate) leaves: bool,
    /// The manager's word.
    pub(crate) listener: Field,
    /// 「このまま返送＝了解」 stands on it and nothing is seen on it: 了解 is proposed.
    pub(crate) untouched: Option<Choice>,
}

/// One post on the sheet of a まとめ便.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct SheetLine {
    pub(crate) number: u16,
    pub(crate) alias: String,
    pub(crate) topic: String,
    pub(crate) boxes: Vec<SheetBox>,
}

/// What a sheet without a post asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct RequestForm {
    pub(crate) title: String,
    pub(crate) boxes: Vec<SheetBox>,
    /// What can be written on it besides the ticks.
    pub(crate) written: Option<WrittenForm>,
    /// 休止 and 再開, where the sheet can ask for them.
    pub(crate) leave: Option<LeaveForm>,
    /// Who answered, where the office must call first.
    pub(crate) call: Option<Field>,
}

/// Other times of the まとめ便 and 休み時間帯 as the office types them from the handwriting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct WrittenForm {
    pub(crate) times: Field,
    pub(crate) from: Field,
    pub(crate) until: Field,
}

/// 休止 and 再開 as the office types them from the handwriting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct LeaveForm {
    /// Begin one, or end one of those that are open.
    pub(crate) what: Vec<Choice>,
    pub(crate) what_fault: Option<String>,
    pub(crate) who: Vec<Choice>,
    pub(crate) who_fault: Option<String>,
    pub(crate) from: Field,
    pub(crate) until: Field,
    pub(crate) substitute: Field,
    pub(crate) today: String,
    /// Something of it is ticked on the sheet, or was typed.
    pub(crate) asked: bool,
}

/// A box to confirm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct SheetBox {
    pub(crate) name: String,
    pub(crate) word: String,
    pub(crate) proposal: String,
    pub(crate) checked: bool,
    /// The box enlarged, where there is something to see.
    pub(crate) picture: Option<String>,
}

fn decision(item: &TriageItem) -> Option<&Decision> {
    let waits = item.row.reasons.contains(&TriageReason::SheetToConfirm);
    item.decided.as_ref().map(|d| &d.decision).filter(|_| waits)
}

/// What the code of a reply sheet stands for, where the item is a sheet to confirm.
pub(crate) fn answer_of(item: &TriageItem) -> Option<&Answer> {
    match decision(item)? {
        Decision::Reply(answer) | Decision::Acknowledge(answer) => Some(answer),
        _ => None,
    }
}

/// The same of the sheet of a まとめ便.
pub(crate) fn digest_of(item: &TriageItem) -> Option<&DigestAnswer> {
    match decision(item)? {
        Decision::Digest(answer) => Some(answer),
        _ => None,
    }
}

/// Whose sheet it is.
pub(crate) fn answering_facility(item: &TriageItem) -> Option<&FacilityId> {
    answer_of(item).map(|a| &a.facility_id).or_else(|| digest_of(item).map(|d| &d.facility_id))
}

/// Boxes of a reply sheet that the office confirms, in printed order.
const CONFIRMED: [&str; 14] = [
    "acknowledge",
    "acknowledge_all",
    "acknowledge_1",
    "attend",
    "absent",
    "call_back",
    "call_back_1",
    "call_back_morning",
    "call_back_afternoon",
    "see_receipts",
    "prefer_digest",
    "prefer_instant",
    "leave_group",
    "wrong_recipient",
];

/// The form of a sheet to confirm.
pub(super) fn form(lang: Lang, item: &TriageItem, beside: &Beside<'_>) -> SheetForm {
    let place = item.candidates.first();
    let marks = item.envelope.as_ref().map(|e| reading(lang, e).marks).unwrap_or_default();
    let seen = |name: &str| marks.iter().find(|m| m.name == name);
    let digest = digest_of(item);
    let of_lines = item.envelope.as_ref().and_then(|e| e.sheet.as_ref()).is_some_and(|s| is_digest(&s.marks));
    // Sheets of the first layout have two of them, and a photograph without marks none.
    let printed =
        |name: &str| seen(name).is_some() || (!of_lines && matches!(name, "acknowledge" | "call_back"));
    let whole_page = ["acknowledge_all", "wrong_recipient"];
    let boxes: Vec<SheetBox> = CONFIRMED
        .into_iter()
        .filter(|name| printed(name) && (digest.is_none() || whole_page.contains(name)))
        .map(|name| sheet_box(lang, item, beside, name, seen(name)))
        .collect();
    // Whose name is surely marked, by the roster that was printed.
    let named: Option<&StaffId> = answer_of(item)
        .and_then(|a| a.staff_id.as_ref())
        .or_else(|| digest.and_then(|d| d.staff_id.as_ref()));
    let untouched = answer_of(item).is_some_and(|a| a.untouched) || digest.is_some_and(|d| d.untouched);
    let counts = [beside.paper.agreed.to_string(), beside.paper.needed.to_string()];
    let key = if beside.paper.is_earned() { "sheet.trusted" } else { "sheet.trial" };
    let lines = digest.map(|d| digest_lines(lang, item, beside, d, &marks)).unwrap_or_default();
    SheetForm {
        trial: lang.tf(key, &[&counts[0], &counts[1]]),
        alias: match digest {
            Some(_) => lang.tf("sheet.digest", &[&lines.len().to_string()]),
            None => place.and_then(|p| p.group.as_ref()).map(|g| g.alias.clone()).unwrap_or_default(),
        },
        topic: place.filter(|_| digest.is_none()).and_then(|p| p.topic_title.clone()).unwrap_or_default(),
        leaves: boxes.iter().any(|b| b.name == "leave_group"),
        listener: beside.field("listener"),
        untouched: untouched.then(|| Choice {
            value: "yes".to_owned(),
            word: lang.t("sheet.untouched"),
            chosen: beside.chosen("untouched", "yes").unwrap_or(true),
        }),
        boxes,
        written: match item.attachments.iter().any(|a| a.role == AttachmentRole::Inline) {
            true => lines
                .iter()
                .map(|l| Choice {
                    value: l.number.to_string(),
                    word: format!("{} {} {}", l.number, l.alias, l.topic),
                    chosen: beside.chosen("written_line", &l.number.to_string()).unwrap_or(false),
                })
                .collect(),
            false => Vec::new(),
        },
        lines,
        people: beside
            .staff_of_sender
            .iter()
            .map(|(id, name)| Choice {
                value: id.clone(),
                word: name.clone(),
                chosen: beside
                    .chosen("staff_id", id)
                    .unwrap_or_else(|| named.is_some_and(|n| n.as_str() == id)),
            })
            .collect(),
    }
}

/// The printed lines with the posts that they stand for.
fn digest_lines(
    lang: Lang,
    item: &TriageItem,
    beside: &Beside<'_>,
    digest: &DigestAnswer,
    marks: &[MarkLine],
) -> Vec<SheetLine> {
    let read = item.envelope.as_ref().and_then(|e| e.sheet.as_ref()).map(|s| s.marks.as_slice());
    lines(read.unwrap_or_default())
        .into_iter()
        .filter_map(|number| {
            let post = &digest.items.get(usize::from(number).checked_sub(1)?)?.post_id;
            let place = item.candidates.iter().find(|c| c.candidate.post_id.as_ref() == Some(post));
            let boxes = [format!("acknowledge_{number}"), format!("call_back_{number}")];
            Some(SheetLine {
                number,
                alias: place.and_then(|p| p.group.as_ref()).map(|g| g.alias.clone()).unwrap_or_default(),
                topic: place.and_then(|p| p.topic_title.clone()).unwrap_or_default(),
                boxes: boxes
                    .iter()
                    .map(|name| sheet_box(lang, item, beside, name, marks.iter().find(|m| &m.name == name)))
                    .collect(),
            })
        })
        .collect()
}

/// What a sheet without a post asks for.
pub(super) fn request(
    lang: Lang,
    item: &TriageItem,
    beside: &Beside<'_>,
    now: UtcMicros,
) -> Option<RequestForm> {
    let (verb, proved) = crate::pages::requested(item)?;
    let read = reading(lang, item.envelope.as_ref()?);
    let settings = verb == "preference";
    let boxes = read
        .marks
        .iter()
        .filter(|m| settings && paper_request::is_setting(&m.name))
        .map(|m| sheet_box(lang, item, beside, &m.name, Some(m)))
        .collect();
    Some(RequestForm {
        title: lang.t(match verb {
            "preference" => "request.preference",
            "confirm_number" => "request.confirm_number",
            "staff_change" => "request.staff_change",
            _ => return None,
        }),
        boxes,
        written: settings.then(|| WrittenForm {
            times: beside.field("digest_times"),
            from: beside.field("quiet_from"),
            until: beside.field("quiet_until"),
        }),
        leave: beside.leave.filter(|_| settings).map(|(card, _)| leave(lang, item, beside, card, now)),
        call: (!proved).then(|| beside.field("listener")),
    })
}

/// The boxes 休止 and 再開 choose what is proposed; days and names are only ever typed by a person.
fn leave(
    lang: Lang,
    item: &TriageItem,
    beside: &Beside<'_>,
    card: &FacilityCard,
    now: UtcMicros,
) -> LeaveForm {
    let sheet = item.envelope.as_ref().and_then(|e| e.sheet.as_ref());
    let marked = |name: &str| sheet.is_some_and(|s| paper_request::is_marked(s, name));
    let (pauses, resumes) = (marked("pause"), marked("resume"));
    let alone = card.pauses.len() == 1;
    let choice = |name: &str, value: String, word: String, proposed: bool| {
        let chosen = beside.chosen(name, &value).unwrap_or(proposed);
        Choice { value, word, chosen }
    };
    let begin = choice("leave", "begin".to_owned(), lang.t("pause.begin"), pauses && !resumes);
    let ends = card.pauses.iter().map(|p| {
        let word = format!("{}: {}", lang.t("pause.end"), words::pause(lang, p, now));
        choice("leave", format!("end:{}", p.id), word, resumes && !pauses && alone)
    });
    let who = super::facilities::who(lang, card);
    let fields = ["from", "until", "substitute"].map(|name| beside.field(name));
    let typed = fields.iter().any(|f| !f.value.is_empty() || f.fault.is_some());
    let [from, until, substitute] = fields;
    LeaveForm {
        what: std::iter::once(begin).chain(ends).collect(),
        what_fault: beside.field("leave").fault,
        who: who.into_iter().map(|w| choice("who", w.value, w.name, false)).collect(),
        who_fault: beside.field("who").fault,
        from,
        until,
        substitute,
        today: now.in_japan().date().to_string(),
        asked: pauses || resumes || typed || beside.typed.is_some(),
    }
}

fn sheet_box(
    lang: Lang,
    item: &TriageItem,
    beside: &Beside<'_>,
    name: &str,
    mark: Option<&MarkLine>,
) -> SheetBox {
    let something = mark.is_some() && item.envelope.as_ref().is_some_and(|e| to_be_seen(e, name));
    SheetBox {
        name: name.to_owned(),
        word: box_word(lang, name),
        proposal: mark.map(|m| m.state.clone()).unwrap_or_default(),
        // Only a mark that is sure is proposed; whatever is unsure stays empty for the eye to decide.
        checked: beside.chosen("mark", name).unwrap_or_else(|| mark.is_some_and(|m| m.marked)),
        picture: something.then(|| format!("/triage/{}/boxes/{name}.png", item.row.id)),
    }
}

/// Whether the place of the box is known and it is not surely empty. A page whose marks were not found has no
/// boxes to cut: all of them are unsure with no confidence at all.
fn to_be_seen(envelope: &Envelope, name: &str) -> bool {
    let Some(sheet) = &envelope.sheet else { return false };
    let placed = sheet.marks.iter().any(|m| m.state != MarkState::Unsure || m.confidence > 0.0);
    placed && sheet.marks.iter().any(|m| m.name == name && m.state != MarkState::Empty)
}
