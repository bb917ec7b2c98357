//! The fields that a rule may ask about: one table from which parsing, checking, explaining and
//! `docs/rules.md` are made (architecture.md section 5). A field only reads the Envelope, the sender's
//! directory entry and the patient match; it never looks anything up and never changes anything.

use super::words::{DOCUMENT_KINDS, FACILITY_TYPES, TRIGGERS, Word};
use crate::envelope::{Envelope, PatientName};
use crate::facts::{CodeFacts, Facts, IdentifierState, PatientCandidate};
use crate::text::fold::{fold_kana_weak, fold_name};
use crate::vocabulary::{Authenticity, Channel, EndpointState, Format, Intent, ReplyExpectation, Urgency};
use std::borrow::Cow;
use std::cell::OnceCell;
use unicode_normalization::UnicodeNormalization as _;

/// One field.
#[derive(Debug)]
pub struct Field {
    /// Name in rules: `sender.facility_type`.
    pub name: &'static str,
    /// What its values are.
    pub kind: Kind,
    /// Japanese name for pages and explanations.
    pub ja: &'static str,
    /// English name.
    pub en: &'static str,
    /// Whether a message can have several values; a test is true if one of them passes.
    pub many: bool,
    /// How well a test of it narrows rules down, for the index; 0 is best, `None` is not indexed.
    pub(super) narrows: Option<u8>,
    read: for<'s> fn(&'s Subject<'_>) -> Vec<Found<'s>>,
}

/// Type of a field's values.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Free text, compared by [`fold_text`].
    Text,
    /// A code.
    Code(Codes),
    /// A code of a list with an order, lowest first.
    Ordered(Codes),
    /// A whole number.
    Number,
    /// Yes or no.
    Flag,
}

/// Which codes there are.
#[derive(Debug, Clone, Copy)]
pub enum Codes {
    /// Only these.
    Closed(fn() -> Vec<Word>),
    /// These and whatever an association or a sender adds.
    Open(&'static [Word]),
}

impl Codes {
    /// The known codes.
    #[must_use]
    pub fn words(self) -> Vec<Word> {
        match self {
            Self::Closed(list) => list(),
            Self::Open(list) => list.to_vec(),
        }
    }
}

impl Kind {
    /// The codes of a code field.
    #[must_use]
    pub const fn codes(self) -> Option<Codes> {
        match self {
            Self::Code(codes) | Self::Ordered(codes) => Some(codes),
            Self::Text | Self::Number | Self::Flag => None,
        }
    }

    /// Operators that fit.
    #[must_use]
    pub const fn operators(self) -> &'static [&'static str] {
        match self {
            Self::Text => &["is", "in", "contains", "contains_any", "starts_with", "ends_with", "exists"],
            Self::Code(_) => &["is", "in", "exists"],
            Self::Ordered(_) => &["is", "in", "at_least", "at_most", "exists"],
            Self::Number => &["is", "in", "at_least", "at_most", "exists"],
            Self::Flag => &["is"],
        }
    }

    /// Japanese and English name of the type.
    #[must_use]
    pub const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Text => ("文字", "text"),
            Self::Code(_) => ("コード", "code"),
            Self::Ordered(_) => ("順序のあるコード", "code with an order"),
            Self::Number => ("整数", "whole number"),
            Self::Flag => ("true / false", "true or false"),
        }
    }
}

/// A value found in a message. Text is folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found<'s> {
    /// Folded text.
    Text(Cow<'s, str>),
    /// A code.
    Code(Cow<'s, str>),
    /// A number.
    Number(i64),
    /// Yes or no.
    Flag(bool),
}

/// What is known of a reply code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CodeState {
    Absent,
    Unknown,
    Known,
}

impl CodeState {
    pub(super) const WORDS: &'static [Word] = &[
        Word { code: "absent", ja: "記載なし", en: "absent" },
        Word { code: "unknown", ja: "当方以外のもの", en: "not one of ours" },
        Word { code: "known", ja: "当方のもの", en: "known" },
    ];
}

/// What the patient match says, as rules see it.
pub(super) const PATIENT_MATCH: &[Word] = &[
    Word { code: "confirmed", ja: "確定", en: "confirmed" },
    Word { code: "conflict", ja: "番号と氏名が食い違う", en: "number and name contradict" },
    Word { code: "one", ja: "候補1人", en: "one candidate" },
    Word { code: "several", ja: "候補が複数", en: "several candidates" },
    Word { code: "none", ja: "候補なし", en: "no candidate" },
];

/// What the rules look at: a message and what the directory knows of it. Made from [`Facts`] for real
/// messages and from an example's own words in tests kept with the rules.
#[derive(Debug)]
pub(super) struct Subject<'a> {
    pub(super) envelope: &'a Envelope,
    pub(super) facility_id: Option<Cow<'a, str>>,
    pub(super) facility_type: Option<Cow<'a, str>>,
    pub(super) is_network_office: bool,
    pub(super) endpoint_state: Option<EndpointState>,
    pub(super) code: CodeState,
    pub(super) in_thread: bool,
    pub(super) patient_match: &'static str,
    pub(super) group_alias: Option<Cow<'a, str>>,
    pub(super) earlier_post: bool,
    title: OnceCell<String>,
    body: OnceCell<String>,
    text: OnceCell<String>,
}

impl<'a> Subject<'a> {
    /// A message of which the directory knows nothing.
    pub(super) fn bare(envelope: &'a Envelope) -> Self {
        Self {
            envelope,
            facility_id: None,
            facility_type: None,
            is_network_office: false,
            endpoint_state: None,
            code: CodeState::Absent,
            in_thread: false,
            patient_match: "none",
            group_alias: envelope.patient.group_alias.as_deref().map(Cow::Borrowed),
            earlier_post: false,
            title: OnceCell::new(),
            body: OnceCell::new(),
            text: OnceCell::new(),
        }
    }

    /// A message with what the directory knows.
    pub(super) fn of(envelope: &'a Envelope, facts: &'a Facts) -> Self {
        let sender = facts.sender.as_ref();
        let facility = sender.map(|s| &s.facility);
        let code = match facts.code {
            CodeFacts::Absent => CodeState::Absent,
            CodeFacts::Unknown => CodeState::Unknown,
            CodeFacts::Known(_) => CodeState::Known,
        };
        let named_group = facts.addressed_group.as_ref();
        let matched = patient_match(envelope, facts);
        let only = matches!(matched, "confirmed" | "one").then(|| facts.candidates.first()).flatten();
        let group = named_group.or_else(|| only.and_then(|c| c.group.as_ref()));
        let mut subject = Self::bare(envelope);
        subject.facility_id = facility.map(|f| Cow::Borrowed(f.id.as_str()));
        subject.facility_type = facility.map(|f| Cow::Borrowed(f.facility_type.as_str()));
        subject.is_network_office = facility.is_some_and(|f| f.is_network_office);
        subject.endpoint_state = sender.map(|s| s.endpoint.state);
        subject.code = code;
        subject.in_thread = facts.thread.is_some();
        subject.patient_match = matched;
        if let Some(group) = group {
            subject.group_alias = Some(Cow::Borrowed(group.group.alias.as_str()));
        }
        subject.earlier_post = !facts.earlier_posts.is_empty();
        subject
    }

    fn title(&self) -> &str {
        self.title.get_or_init(|| fold_text(self.envelope.title.as_deref().unwrap_or("")))
    }

    fn body(&self) -> &str {
        self.body.get_or_init(|| fold_text(self.envelope.body.as_deref().unwrap_or("")))
    }

    fn text(&self) -> &str {
        self.text.get_or_init(|| format!("{}\n{}", self.title(), self.body()))
    }
}

/// How sure the patient is, by the words of the message and the directory alone. Placing is decided by
/// `decide`, which is stricter; a rule can only choose what happens besides.
fn patient_match(envelope: &Envelope, facts: &Facts) -> &'static str {
    let code_names_group = matches!(&facts.code, CodeFacts::Known(entry) if entry.group_id.is_some());
    if facts.addressed_group.is_some() || code_names_group {
        return "confirmed";
    }
    let confirmed: Vec<&PatientCandidate> = facts
        .candidates
        .iter()
        .filter(|c| matches!(c.identifier, Some((_, IdentifierState::Confirmed))))
        .collect();
    match (confirmed.as_slice(), facts.candidates.len()) {
        ([one], _) if contradicts(envelope, one) => "conflict",
        ([_], _) => "confirmed",
        (_, 0) => "none",
        (_, 1) => "one",
        _ => "several",
    }
}

fn contradicts(envelope: &Envelope, candidate: &PatientCandidate) -> bool {
    let stated = envelope.patient.birth_date.as_deref();
    let registered = candidate.patient.birth_date.as_deref();
    let dates_differ = matches!((stated, registered), (Some(a), Some(b)) if a != b);
    let name = fold_name(&candidate.patient.name);
    let kana = fold_kana_weak(&candidate.patient.kana);
    let same = |written: &PatientName| {
        fold_name(&written.text) == name
            || fold_kana_weak(&written.text) == kana
            || written.kana.as_deref().is_some_and(|k| fold_kana_weak(k) == kana)
    };
    let names = &envelope.patient.names;
    dates_differ || (!names.is_empty() && !names.iter().any(same))
}

/// Text in comparison form: NFKC, lower case, blanks between Japanese signs dropped (a mail program
/// may have broken the line inside a word), other blanks one space.
#[must_use]
pub fn fold_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut blank = false;
    let mut before: Option<char> = None;
    for c in text.nfkc().flat_map(char::to_lowercase) {
        if c.is_whitespace() {
            blank = true;
            continue;
        }
        if blank && before.is_some_and(|b| b.is_ascii() || c.is_ascii()) {
            out.push(' ');
        }
        blank = false;
        before = Some(c);
        out.push(c);
    }
    out
}

impl Field {
    /// The field of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        FIELDS.iter().find(|f| f.name == name)
    }

    /// Its values in a message.
    pub(super) fn read<'s>(&self, subject: &'s Subject<'_>) -> Vec<Found<'s>> {
        (self.read)(subject)
    }

    /// Its place in [`FIELDS`].
    pub(super) fn place(&self) -> usize {
        FIELDS.iter().position(|f| f.name == self.name).unwrap_or(0)
    }
}

fn text(value: Option<&str>) -> Vec<Found<'_>> {
    value.map(fold_text).filter(|t| !t.is_empty()).map(|t| Found::Text(Cow::Owned(t))).into_iter().collect()
}

fn folded(value: &str) -> Vec<Found<'_>> {
    if value.trim().is_empty() { Vec::new() } else { vec![Found::Text(Cow::Borrowed(value))] }
}

fn code(value: Option<&str>) -> Vec<Found<'_>> {
    value
        .map(str::trim)
        .filter(|c| !c.is_empty())
        .map(|c| Found::Code(Cow::Borrowed(c)))
        .into_iter()
        .collect()
}

fn flag(value: bool) -> Vec<Found<'static>> {
    vec![Found::Flag(value)]
}

fn number(value: Option<u64>) -> Vec<Found<'static>> {
    value.map(|n| Found::Number(i64::try_from(n).unwrap_or(i64::MAX))).into_iter().collect()
}

macro_rules! closed {
    ($list:ident) => {
        Codes::Closed(|| $list::ALL.iter().map(|c| Word { code: c.code(), ja: c.ja(), en: c.en() }).collect())
    };
}

macro_rules! fields {
    ($($name:literal, $kind:expr, $ja:literal, $en:literal, $many:literal, $narrows:expr, $read:expr;)+) => {
        &[$(Field { name: $name, kind: $kind, ja: $ja, en: $en, many: $many, narrows: $narrows, read: $read },)+]
    };
}

/// Every field. The order is that of `docs/rules.md`.
pub static FIELDS: &[Field] = fields! {
    "channel", Kind::Code(closed!(Channel)), "経路", "channel", false, Some(7),
        |s| code(Some(s.envelope.channel.code()));
    "format", Kind::Code(closed!(Format)), "形式", "format", false, Some(7),
        |s| code(Some(s.envelope.format.code()));
    "intent", Kind::Code(closed!(Intent)), "用件", "intent", false, Some(6),
        |s| code(Some(s.envelope.intent.code()));
    "title", Kind::Text, "件名", "title", false, Some(2), |s| folded(s.title());
    "body", Kind::Text, "本文", "body", false, Some(2), |s| folded(s.body());
    "text", Kind::Text, "件名か本文", "title or body", false, Some(2), |s| folded(s.text());
    "urgency", Kind::Ordered(closed!(Urgency)), "書かれた緊急度", "stated urgency", false, Some(6),
        |s| code(s.envelope.urgency.map(Urgency::code));
    "reply_expectation", Kind::Ordered(closed!(ReplyExpectation)), "書かれた返信区分", "stated reply expectation",
        false, Some(6), |s| code(s.envelope.reply_expectation.map(ReplyExpectation::code));
    "document_kind", Kind::Code(Codes::Open(DOCUMENT_KINDS)), "文書種別", "document kind", false, Some(3),
        |s| code(s.envelope.document_kind.as_deref());
    "age_hours", Kind::Number, "出来事から送信までの時間", "hours from event to sending", false, None, |s| {
        let (happened, sent) = (s.envelope.occurred_at, s.envelope.sent_at);
        match happened.zip(sent) {
            Some((happened, sent)) => {
                vec![Found::Number(sent.as_micros().saturating_sub(happened.as_micros()) / 3_600_000_000)]
            }
            None => Vec::new(),
        }
    };
    "sender.address", Kind::Text, "送信元のメールアドレス", "sender's mail address", false, Some(0),
        |s| text(s.envelope.sender.address.as_deref());
    "sender.number", Kind::Text, "送信元の番号", "sender's number", false, Some(0),
        |s| text(s.envelope.sender.number.as_deref());
    "sender.name", Kind::Text, "送信者名", "sender's name", false, Some(1),
        |s| text(s.envelope.sender.name.as_deref());
    "sender.facility", Kind::Text, "書かれた施設名", "facility as stated", false, Some(1),
        |s| text(s.envelope.sender.facility.as_deref());
    "sender.application", Kind::Text, "送信元のシステム", "sending application", false, Some(1),
        |s| text(s.envelope.sender.application.as_deref());
    "sender.authenticity", Kind::Code(closed!(Authenticity)), "送信元の証明", "what was proved of the sender",
        false, Some(6), |s| code(Some(s.envelope.sender.authenticity.code()));
    "sender.known", Kind::Flag, "登録済みの送信元", "the sender is registered", false, None,
        |s| flag(s.facility_id.is_some());
    "sender.verified", Kind::Flag, "番号確認済みの送信元", "the sender's endpoint is verified", false, None,
        |s| flag(s.endpoint_state == Some(EndpointState::Verified));
    "sender.endpoint_state", Kind::Code(closed!(EndpointState)), "送信元の番号確認", "verification of the sender's endpoint",
        false, Some(6), |s| code(s.endpoint_state.map(EndpointState::code));
    "sender.facility_id", Kind::Code(Codes::Open(&[])), "送信元の施設", "sender's facility", false, Some(0),
        |s| code(s.facility_id.as_deref());
    "sender.facility_type", Kind::Code(Codes::Open(FACILITY_TYPES)), "送信元の施設種別", "sender's facility type",
        false, Some(4), |s| code(s.facility_type.as_deref());
    "sender.is_network_office", Kind::Flag, "事務局からの連絡", "the sender is the network office", false, None,
        |s| flag(s.is_network_office);
    "event.type", Kind::Code(Codes::Open(&[])), "HL7メッセージ型", "HL7 message type", false, Some(5),
        |s| code(s.envelope.event.as_ref().and_then(|e| e.kind.as_deref()));
    "event.trigger", Kind::Code(Codes::Open(TRIGGERS)), "HL7イベント", "HL7 trigger event", false, Some(3),
        |s| code(s.envelope.event.as_ref().and_then(|e| e.trigger.as_deref()));
    "event.status", Kind::Code(Codes::Open(&[])), "文書・結果の状態", "status of document or result", false, Some(4),
        |s| code(s.envelope.event.as_ref().and_then(|e| e.status.as_deref()));
    "event.is_correction", Kind::Flag, "訂正か取消", "it corrects or cancels", false, None,
        |s| flag(s.envelope.event.as_ref().is_some_and(|e| e.corrects.is_some()));
    "visit.class", Kind::Code(Codes::Open(&[])), "受診区分", "patient class", false, Some(5),
        |s| code(visit(s).and_then(|v| v.class.as_deref()));
    "visit.ward", Kind::Code(Codes::Open(&[])), "病棟", "ward", false, Some(3),
        |s| code(visit(s).and_then(|v| v.ward.as_deref()));
    "visit.department", Kind::Code(Codes::Open(&[])), "診療科", "department", false, Some(3),
        |s| code(visit(s).and_then(|v| v.department.as_deref()));
    "visit.disposition", Kind::Code(Codes::Open(&[])), "転帰", "discharge disposition", false, Some(4),
        |s| code(visit(s).and_then(|v| v.disposition.as_deref()));
    "patient.match", Kind::Code(Codes::Closed(|| PATIENT_MATCH.to_vec())), "患者照合", "patient match", false, Some(6),
        |s| code(Some(s.patient_match));
    "patient.named", Kind::Flag, "患者を名指す連絡", "a patient is named", false, None, |s| {
        let patient = &s.envelope.patient;
        flag(!patient.names.is_empty() || !patient.identifiers.is_empty() || s.group_alias.is_some())
    };
    "patient.group_alias", Kind::Code(Codes::Open(&[])), "グループ呼称", "group alias", false, Some(1),
        |s| code(s.group_alias.as_deref());
    "has_attachment", Kind::Flag, "添付のある連絡", "it has an attachment", false, None,
        |s| flag(!s.envelope.attachments.is_empty());
    "attachment.count", Kind::Number, "添付の数", "number of attachments", false, None,
        |s| number(Some(s.envelope.attachments.len() as u64));
    "attachment.media_type", Kind::Code(Codes::Open(&[])), "添付の種類", "media type of an attachment", true, Some(5),
        |s| s.envelope.attachments.iter().flat_map(|a| code(Some(&a.media_type))).collect();
    "attachment.name", Kind::Text, "添付のファイル名", "file name of an attachment", true, Some(2),
        |s| s.envelope.attachments.iter().flat_map(|a| text(a.name.as_deref())).collect();
    "attachment.size_bytes", Kind::Number, "添付の大きさ", "size of an attachment in bytes", true, None,
        |s| s.envelope.attachments.iter().flat_map(|a| number(Some(a.size_bytes))).collect();
    "pages", Kind::Number, "ページ数", "number of pages", false, None, |s| {
        let pages: Vec<u32> = s.envelope.attachments.iter().filter_map(|a| a.pages).collect();
        number(pages.iter().max().copied().map(u64::from))
    };
    "reply_code.state", Kind::Code(Codes::Closed(|| CodeState::WORDS.to_vec())), "返信コード", "reply code", false, Some(6),
        |s| code(Some(match s.code {
            CodeState::Absent => "absent",
            CodeState::Unknown => "unknown",
            CodeState::Known => "known",
        }));
    "in_thread", Kind::Flag, "当方の投稿への返信", "it answers a post of ours", false, None, |s| flag(s.in_thread);
    "is_repeat", Kind::Flag, "同じ出来事の続報", "an earlier post of the same event exists", false, None,
        |s| flag(s.earlier_post);
    "is_sheet", Kind::Flag, "返信票", "it is a reply sheet", false, None, |s| flag(s.envelope.sheet.is_some());
    "warning", Kind::Code(Codes::Open(&[])), "読取時の注意", "warning of the reader", true, Some(3),
        |s| s.envelope.warnings.iter().flat_map(|w| code(Some(&w.code))).collect();
};

fn visit<'s>(subject: &'s Subject<'_>) -> Option<&'s crate::envelope::Visit> {
    subject.envelope.event.as_ref().and_then(|e| e.visit.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_joins_broken_japanese_words() {
        for (written, folded) in [
            ("調剤\n前です", "調剤前です"),
            ("ＡＤＴ　Ａ０３", "adt a03"),
            ("  疑 義 照会 ", "疑義照会"),
            ("two\r\nwords", "two words"),
            ("ｷﾞｷﾞ", "ギギ"),
        ] {
            assert_eq!(fold_text(written), folded, "{written}");
        }
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = FIELDS.iter().map(|f| f.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), FIELDS.len());
    }
}
