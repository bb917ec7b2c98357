//! Triage: what arrived at the left, where it could belong at the right, with reasons for and against.
//! A button that may not be pressed says what would enable it (look.md 6).

use super::envelope::{Reading, reading};
use super::placing::{HandForm, by_hand, facilities};
use super::post::{File, Picture, attachments};
use super::sheet::{RequestForm, SheetForm, answer_of, digest_of};
use super::{Chip, Choice, words};
use crate::forms::Fields;
use crate::locale::Lang;
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::decision::TriageReason;
use kakehashi_core::directory::Endpoint;
use kakehashi_core::facts::PaperTrust;
use kakehashi_core::post::StoredAttachment;
use kakehashi_core::text::number::grouped;
use kakehashi_core::vocabulary::AttachmentRole;
use kakehashi_store::view::{FacilityCard, GroupSummary, TriageCandidate, TriageItem, TriageRow};
use serde::Serialize;

/// After this long an item's age is shown as urgent.
const OLD_SECONDS: i64 = 30 * 60;

/// The list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct TriageListPage {
    pub(crate) quarantined: bool,
    pub(crate) rows: Vec<TriageLine>,
}

/// An item of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct TriageLine {
    pub(crate) href: String,
    pub(crate) channel: &'static str,
    pub(crate) title: String,
    pub(crate) sender: String,
    pub(crate) reasons: Vec<String>,
    pub(crate) received: String,
    pub(crate) wait: Chip,
    pub(crate) candidates: Option<String>,
}

/// One item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct TriageItemPage {
    pub(crate) csrf: String,
    pub(crate) id: String,
    pub(crate) path: String,
    pub(crate) channel: &'static str,
    pub(crate) title: String,
    pub(crate) received: String,
    pub(crate) wait: Option<Chip>,
    pub(crate) sender: String,
    pub(crate) sender_facility: Option<String>,
    pub(crate) reasons: Vec<String>,
    /// A locked file beside its password mail.
    companions: Vec<TriageLine>,
    /// Other FAX that may be pages of the same document.
    joinable: Vec<JoinLine>,
    pub(crate) problem: Option<String>,
    pub(crate) closed: Option<String>,
    pub(crate) pictures: Vec<TurnedPicture>,
    pub(crate) files: Vec<File>,
    pub(crate) reading: Option<Reading>,
    pub(crate) candidates: Vec<CandidateBlock>,
    pub(crate) sheet: Option<SheetForm>,
    pub(crate) request: Option<RequestForm>,
    /// A call that is to be made, and who answered it.
    pub(crate) call: Option<Field>,
    /// It was sent back already.
    pub(crate) sent_back: bool,
    /// Pages that can be placed apart, if there are several.
    pub(crate) pages: Vec<Choice>,
    pub(crate) groups: Vec<Choice>,
    pub(crate) facilities: Vec<Choice>,
    pub(crate) needs_facility: bool,
    pub(crate) hand: HandForm,
    pub(crate) teach: Option<String>,
    pub(crate) intake: String,
    pub(crate) raw: String,
    pub(crate) previous: Option<String>,
    pub(crate) next: Option<String>,
    pub(crate) turn_class: String,
    pub(crate) turn_href: String,
    pub(crate) larger_href: String,
    pub(crate) quarantined: bool,
    pub(crate) grounds: Vec<String>,
}

/// Another FAX of the same number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct JoinLine {
    pub(crate) id: String,
    pub(crate) href: String,
    pub(crate) word: String,
    pub(crate) chosen: bool,
}

/// A page picture as it is turned and enlarged at the moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct TurnedPicture {
    pub(crate) picture: Picture,
    pub(crate) class: String,
    /// The page to be turned for good; none once it is placed.
    pub(crate) page: Option<String>,
}

/// Where it could belong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct CandidateBlock {
    pub(crate) key: Option<usize>,
    pub(crate) alias: String,
    pub(crate) patient: String,
    pub(crate) kana: String,
    pub(crate) birth_date: Option<String>,
    pub(crate) topic: Option<String>,
    pub(crate) reasons_for: Vec<String>,
    pub(crate) reasons_against: Vec<String>,
    pub(crate) blocked: Option<String>,
    pub(crate) group_id: Option<String>,
    pub(crate) post_id: Option<String>,
    pub(crate) first: bool,
}

/// The list of items.
pub(crate) fn list(lang: Lang, rows: &[TriageRow], quarantined: bool, now: UtcMicros) -> TriageListPage {
    TriageListPage { quarantined, rows: rows.iter().map(|r| line(lang, r, now)).collect() }
}

fn line(lang: Lang, row: &TriageRow, now: UtcMicros) -> TriageLine {
    TriageLine {
        href: format!("/triage/{}", row.id),
        channel: words::channel(lang, row.channel),
        title: row.title.clone().filter(|t| !t.is_empty()).unwrap_or_else(|| lang.t("triage.no_title")),
        sender: row.sender.clone(),
        reasons: row.reasons.iter().map(|r| words::reason(lang, r)).collect(),
        received: lang.near(row.received_at, now),
        wait: wait(lang, row.received_at, now),
        candidates: (row.candidate_count > 0)
            .then(|| lang.tf("triage.candidates", &[&row.candidate_count.to_string()])),
    }
}

fn wait(lang: Lang, since: UtcMicros, now: UtcMicros) -> Chip {
    let seconds = now.seconds_since(since);
    let word = lang.tf("triage.wait", &[&lang.age(seconds)]);
    if seconds > OLD_SECONDS { Chip::new("urgent", Some("▲"), word) } else { Chip::new("wait", None, word) }
}

/// What keeps a form from being carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Missing {
    /// The field beside which it is said; none for the whole form.
    pub(crate) at: Option<&'static str>,
    /// Key of the words.
    pub(crate) key: &'static str,
}

impl Missing {
    pub(crate) const fn at(field: &'static str, key: &'static str) -> Self {
        Self { at: Some(field), key }
    }

    pub(crate) const fn of_all(key: &'static str) -> Self {
        Self { at: None, key }
    }
}

/// What is wrong with a form.
#[derive(Debug, Clone)]
pub(crate) struct Wrong {
    /// The field beside which the words stand; none for the whole form.
    pub(crate) at: Option<&'static str>,
    pub(crate) words: String,
}

/// A form that is shown again with everything that was typed: it was refused, or a draft was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Typed<'a> {
    pub(crate) fields: &'a Fields,
    pub(crate) wrong: Option<Wrong>,
    /// Why a 下書き(OCR) that was asked for is not there.
    pub(crate) no_draft: Option<String>,
}

/// Fields by which something is chosen in the placement by hand; the other forms of the page have other names.
const CHOSEN_BY_HAND: [&str; 6] = ["group_id", "facility_id", "addressee", "facility_type", "page", "join"];

impl<'a> Typed<'a> {
    /// A form that was refused.
    pub(crate) const fn refused(fields: &'a Fields, at: Option<&'static str>, words: String) -> Self {
        Self { fields, wrong: Some(Wrong { at, words }), no_draft: None }
    }

    /// What stands above the form.
    fn problem(&self, lang: Lang) -> Option<String> {
        let wrong = self.wrong.as_ref()?;
        Some(if wrong.at.is_some() { lang.t("form.refused") } else { wrong.words.clone() })
    }

    fn fault(&self, name: &str) -> Option<String> {
        self.wrong.as_ref().filter(|wrong| wrong.at == Some(name)).map(|wrong| wrong.words.clone())
    }

    /// Whether it is the placement by hand.
    fn is_by_hand(&self) -> bool {
        self.fields.0.iter().any(|(name, _)| name == "reason")
    }
}

/// A field of a form: what was typed before it was refused, and what is wrong with it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Field {
    pub(crate) value: String,
    pub(crate) fault: Option<String>,
}

/// What else the page of an item needs.
#[derive(Debug, Clone)]
pub(crate) struct Beside<'a> {
    pub(crate) csrf: &'a str,
    pub(crate) groups: &'a [GroupSummary],
    pub(crate) cards: &'a [FacilityCard],
    pub(crate) staff_of_sender: Vec<(String, String)>,
    pub(crate) previous: Option<String>,
    pub(crate) next: Option<String>,
    pub(crate) typed: Option<Typed<'a>>,
    pub(crate) turn: u16,
    pub(crate) larger: bool,
    pub(crate) paper: PaperTrust,
    /// Whose leave can be begun or ended at this item, and the number that asks.
    pub(crate) leave: Option<(&'a FacilityCard, &'a Endpoint)>,
    /// Whether an engine is configured and there is a picture that it could read.
    pub(crate) draft_offered: bool,
}

impl Beside<'_> {
    /// A field as it stands in the form.
    pub(super) fn field(&self, name: &str) -> Field {
        self.typed
            .as_ref()
            .map_or_else(Field::default, |t| Field { value: t.fields.line(name, 300), fault: t.fault(name) })
    }

    /// Whether this value of a name was chosen before the form was shown again; none if nothing was typed, or in
    /// another form of the page, which keeps what it proposes.
    pub(super) fn chosen(&self, name: &str, value: &str) -> Option<bool> {
        let typed = self.typed.as_ref()?;
        (typed.is_by_hand() == CHOSEN_BY_HAND.contains(&name))
            .then(|| typed.fields.all(name).any(|v| v == value))
    }
}

/// The page of one item.
pub(crate) fn item(lang: Lang, item: &TriageItem, beside: &Beside<'_>, now: UtcMicros) -> TriageItemPage {
    let row = &item.row;
    let path = format!("/triage/{}", row.id);
    let (pictures, files) = attachments(lang, &row.sender, &item.attachments);
    let is_sheet = answer_of(item).is_some() || digest_of(item).is_some();
    let size_class = if beside.larger { " larger" } else { "" };
    let turn_class = format!("turn-{}{size_class}", beside.turn);
    let next_turn = (beside.turn + 90) % 360;
    let larger = u8::from(!beside.larger);
    let open = item.closed.is_none();
    TriageItemPage {
        csrf: beside.csrf.to_owned(),
        id: row.id.to_string(),
        channel: words::channel(lang, row.channel),
        title: row.title.clone().filter(|t| !t.is_empty()).unwrap_or_else(|| lang.t("triage.no_title")),
        received: lang.at(row.received_at),
        wait: open.then(|| wait(lang, row.received_at, now)),
        // Beside the facility's name stands the number or address that it used.
        sender: match (&item.sender_facility, &item.envelope) {
            (Some(_), Some(envelope)) => {
                let number = envelope.sender.number.as_deref().map(grouped);
                number.or_else(|| envelope.sender.address.clone()).unwrap_or_default()
            }
            _ => row.sender.clone(),
        },
        sender_facility: item.sender_facility.as_ref().map(|f| f.name.clone()),
        reasons: row.reasons.iter().map(|r| words::reason(lang, r)).collect(),
        companions: item.companions.iter().map(|r| self::line(lang, r, now)).collect(),
        problem: beside.typed.as_ref().and_then(|t| t.problem(lang)),
        closed: item.closed.as_ref().map(|closed| {
            let outcome = lang.t(&format!("triage.outcome.{}", closed.outcome));
            let mut parts = vec![outcome, lang.at(closed.at), closed.by.clone()];
            parts.extend(closed.note.clone());
            parts.join(" ・ ")
        }),
        joinable: item
            .joinable
            .iter()
            .map(|r| JoinLine {
                id: r.id.to_string(),
                href: format!("/triage/{}", r.id),
                word: [lang.near(r.received_at, now), r.title.clone().unwrap_or_default()].join(" ・ "),
                chosen: beside.chosen("join", r.id.as_str()).unwrap_or(false),
            })
            .collect(),
        pictures: pictures
            .into_iter()
            .map(|mut picture| {
                let page = page_of(item, &picture).filter(|_| open);
                if let Some(page) = page {
                    // A turned page is another picture: the browser must not show the one it has kept.
                    let hash = page.content_hash.as_str();
                    picture.src = format!("{}?v={}", picture.src, &hash[hash.len().saturating_sub(8)..]);
                }
                TurnedPicture { page: page.map(|p| p.id.to_string()), picture, class: turn_class.clone() }
            })
            .collect(),
        files,
        reading: item.envelope.as_ref().map(|e| reading(lang, e)),
        candidates: if is_sheet { Vec::new() } else { candidates(lang, &item.candidates) },
        sheet: is_sheet.then(|| super::sheet::form(lang, item, beside)),
        request: super::sheet::request(lang, item, beside, now),
        call: call_of(item).map(|_| beside.field("listener")),
        sent_back: call_of(item) == Some(Call::Returned),
        pages: pages(lang, item, beside),
        groups: beside
            .groups
            .iter()
            .map(|g| Choice {
                value: g.group.id.to_string(),
                word: format!("{} {}", g.group.alias, g.patient.name),
                chosen: beside.chosen("group_id", g.group.id.as_str()).unwrap_or(false),
            })
            .collect(),
        facilities: facilities(beside, "facility_id"),
        needs_facility: item.sender_facility.is_none(),
        hand: by_hand(lang, beside),
        teach: item
            .envelope
            .as_ref()
            .filter(|_| item.sender_facility.is_some())
            .and_then(|e| e.patient.identifiers.first())
            .map(|i| i.id.clone()),
        intake: format!("/intakes/{}", row.intake_id),
        raw: format!("/intakes/{}/raw", row.intake_id),
        previous: beside.previous.clone(),
        next: beside.next.clone(),
        turn_class,
        turn_href: format!("{path}?turn={next_turn}&larger={}", u8::from(beside.larger)),
        larger_href: format!("{path}?turn={}&larger={larger}", beside.turn),
        quarantined: row.quarantined,
        grounds: item.decided.as_ref().map(|d| d.grounds.clone()).unwrap_or_default(),
        path,
    }
}

/// What a call is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    /// 電話依頼: the message went back with the request to phone.
    Returned,
    /// It was posted, and its sender is asked.
    Posted,
}

/// The call that an item waits for.
pub(crate) fn call_of(item: &TriageItem) -> Option<Call> {
    item.row.reasons.iter().find_map(|reason| match reason {
        TriageReason::PhoneTask => Some(Call::Returned),
        TriageReason::CallSender => Some(Call::Posted),
        _ => None,
    })
}

/// The page that a picture shows.
fn page_of<'i>(item: &'i TriageItem, picture: &Picture) -> Option<&'i StoredAttachment> {
    let mut pages = item.attachments.iter().filter(|a| a.role == AttachmentRole::PageImage);
    pages.find(|a| picture.src == format!("/attachments/{}", a.id))
}

/// The pages of a FAX that no post has taken yet.
fn pages(lang: Lang, item: &TriageItem, beside: &Beside<'_>) -> Vec<Choice> {
    let pictures = item.attachments.iter().filter(|a| a.role == AttachmentRole::PageImage);
    let open: Vec<Choice> = (1..)
        .zip(pictures)
        .filter(|(_, a)| a.post_id.is_none())
        .map(|(n, a): (u32, _)| Choice {
            value: a.id.to_string(),
            word: lang.tf("triage.page", &[&n.to_string()]),
            chosen: beside.chosen("page", a.id.as_str()).unwrap_or(false),
        })
        .collect();
    if open.len() > 1 { open } else { Vec::new() }
}

fn candidates(lang: Lang, all: &[TriageCandidate]) -> Vec<CandidateBlock> {
    let mut key = 0;
    all.iter()
        .enumerate()
        .map(|(i, c)| {
            let blocked = match (&c.candidate.blocked, &c.group) {
                (Some(reason), _) => Some(words::reason(lang, reason)),
                (None, None) => Some(words::reason(lang, &TriageReason::NoGroup)),
                (None, Some(_)) => None,
            };
            let key = (blocked.is_none() && key < 9).then(|| {
                key += 1;
                key
            });
            CandidateBlock {
                key,
                alias: c.group.as_ref().map(|g| g.alias.clone()).unwrap_or_default(),
                patient: c.patient.name.clone(),
                kana: c.patient.kana.clone(),
                birth_date: c.patient.birth_date.clone(),
                topic: c.topic_title.clone(),
                reasons_for: c.candidate.reasons_for.clone(),
                reasons_against: c.candidate.reasons_against.clone(),
                blocked,
                group_id: c.candidate.group_id.as_ref().map(ToString::to_string),
                post_id: c.candidate.post_id.as_ref().map(ToString::to_string),
                first: i == 0,
            }
        })
        .collect()
}
