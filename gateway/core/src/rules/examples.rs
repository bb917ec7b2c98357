//! Examples kept with the rules: a few words of a message and the rule that must decide it. `rules
//! test` runs them, so that a change of the rules shows what else it changed. An example is made from
//! its own words alone and never asks the directory.

use super::RuleSet;
use super::explain::{questions, then_ja};
use super::field::{CodeState, PATIENT_MATCH, Subject};
use super::language::Rule;
use super::parse::{self, Item, Log};
use crate::decision::{Ask, Notice, RuleVerdict, Then};
use crate::envelope::{Attachment, ContentHash, Envelope, Event, NameKind, PatientName, Visit};
use crate::vocabulary::{
    AttachmentRole, Authenticity, Channel, EndpointState, Format, Intent, ReplyExpectation, Urgency,
};
use std::borrow::Cow;
use toml::de::DeTable;

/// One example.
#[derive(Debug, Clone)]
pub struct Example {
    /// Its name.
    pub name: String,
    /// Line in the file, from 1.
    pub line: usize,
    envelope: Envelope,
    known: KnownOfSender,
    expect: Expected,
}

/// What the example says of the directory.
#[derive(Debug, Clone, Default)]
struct KnownOfSender {
    facility_id: Option<String>,
    facility_type: Option<String>,
    is_network_office: bool,
    endpoint_state: Option<EndpointState>,
    code: Option<CodeState>,
    in_thread: bool,
    is_repeat: bool,
    patient_match: Option<&'static str>,
}

#[derive(Debug, Clone, Default)]
struct Expected {
    /// Name of the rule, `None` for no rule.
    rule: Option<String>,
    outcome: Option<&'static str>,
    urgency: Option<Urgency>,
    expectation: Option<ReplyExpectation>,
    document_kind: Option<String>,
    notice: Option<Notice>,
    asks: Option<Vec<Ask>>,
}

/// What became of an example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExampleResult {
    /// Its name.
    pub name: String,
    /// Line in the file, from 1.
    pub line: usize,
    /// Whether all that was expected came true.
    pub passed: bool,
    /// What the rules said, and what was expected instead; Japanese.
    pub said: String,
}

impl Example {
    /// Runs the example.
    pub(super) fn run(&self, rules: &RuleSet) -> ExampleResult {
        let verdict = rules.verdict(&self.subject());
        let said = verdict.as_ref().map_or_else(
            || "どのルールにも当てはまらない (no rule)".to_owned(),
            |v| format!("「{}」: {}", v.rule, then_ja(&v.then)),
        );
        let wrong = self.expect.wrong(verdict.as_ref());
        let passed = wrong.is_empty();
        let said = if passed { said } else { format!("{said} 期待と違う: {}", wrong.join("、")) };
        ExampleResult { name: self.name.clone(), line: self.line, passed, said }
    }

    fn subject(&self) -> Subject<'_> {
        let known = &self.known;
        let mut subject = Subject::bare(&self.envelope);
        subject.facility_id = known.facility_id.as_deref().map(Cow::Borrowed);
        subject.facility_type = known.facility_type.as_deref().map(Cow::Borrowed);
        subject.is_network_office = known.is_network_office;
        subject.endpoint_state = known.endpoint_state;
        subject.code = known.code.unwrap_or(CodeState::Absent);
        subject.in_thread = known.in_thread;
        subject.earlier_post = known.is_repeat;
        if let Some(patient_match) = known.patient_match {
            subject.patient_match = patient_match;
        }
        subject
    }
}

impl Expected {
    fn wrong(&self, verdict: Option<&RuleVerdict>) -> Vec<String> {
        let mut wrong = Vec::new();
        let rule = verdict.map(|v| v.rule.as_str());
        if rule != self.rule.as_deref() {
            wrong.push(format!("ルールは「{}」のはず", self.rule.as_deref().unwrap_or("none")));
        }
        let Some(then) = verdict.map(|v| &v.then) else { return wrong };
        if let Some(outcome) = self.outcome
            && outcome != outcome_of(then)
        {
            wrong.push(format!("結果は {outcome} のはず"));
        }
        let (urgency, expectation, kind) = match then {
            Then::Post { urgency, expectation, document_kind, .. } => {
                (*urgency, *expectation, document_kind.as_deref())
            }
            Then::Triage { .. } | Then::Return { .. } | Then::Quarantine { .. } | Then::Discard { .. } => {
                (None, None, None)
            }
        };
        if self.urgency.is_some() && self.urgency != urgency {
            wrong.push(format!("緊急度は{}のはず", self.urgency.map_or("", Urgency::ja)));
        }
        if self.expectation.is_some() && self.expectation != expectation {
            wrong.push(format!("返信区分は{}のはず", self.expectation.map_or("", ReplyExpectation::ja)));
        }
        if self.document_kind.is_some() && self.document_kind.as_deref() != kind {
            wrong.push(format!("文書種別は {} のはず", self.document_kind.as_deref().unwrap_or("")));
        }
        let notice = if let Then::Return { notice } = then { Some(*notice) } else { None };
        if self.notice.is_some() && self.notice != notice {
            wrong.push("返す知らせが違う".to_owned());
        }
        if let Some(asks) = &self.asks {
            let said = questions(then);
            let same = said.len() == asks.len() && asks.iter().all(|ask| said.contains(ask));
            if !same {
                wrong.push("求める相手が違う".to_owned());
            }
        }
        wrong
    }
}

const fn outcome_of(then: &Then) -> &'static str {
    match then {
        Then::Post { .. } => "post",
        Then::Triage { .. } => "triage",
        Then::Return { .. } => "return",
        Then::Quarantine { .. } => "quarantine",
        Then::Discard { .. } => "discard",
    }
}

const KEYS: &[&str] = &[
    "name",
    "note",
    "channel",
    "format",
    "intent",
    "title",
    "body",
    "urgency",
    "reply_expectation",
    "document_kind",
    "sender_address",
    "sender_number",
    "sender_name",
    "sender_facility",
    "sender_application",
    "sender_authenticity",
    "sender_facility_id",
    "sender_facility_type",
    "sender_endpoint_state",
    "sender_is_network_office",
    "event_type",
    "event_trigger",
    "event_status",
    "event_is_correction",
    "visit_class",
    "visit_ward",
    "visit_department",
    "visit_disposition",
    "patient_match",
    "patient_name",
    "group_alias",
    "attachments",
    "pages",
    "reply_code",
    "in_thread",
    "is_repeat",
    "warnings",
    "expect",
];

/// Reads one `[[example]]`.
pub(super) fn read(log: &mut Log, value: &Item<'_>) -> Option<Example> {
    let table = parse::table(log, "example", value, KEYS)?;
    let line = log.line(value);
    let name = parse::required(log, value, table, "name").and_then(|v| parse::text(log, "name", v));
    let channel = parse::required(log, value, table, "channel").and_then(|v| {
        parse::code(log, "channel", v, &parse::codes_of(Channel::ALL, Channel::code), Channel::from_code)
    });
    let expect = parse::required(log, value, table, "expect").and_then(|v| expected(log, v));
    let (envelope, known) = message(log, table, channel?);
    Some(Example { name: name?, line, envelope, known, expect: expect? })
}

const fn usual_format(channel: Channel) -> Format {
    match channel {
        Channel::Fax | Channel::Notebook => Format::Tiff,
        Channel::Email => Format::Rfc5322,
        Channel::Hl7 => Format::Hl7v2,
        Channel::PhoneMemo | Channel::Api | Channel::Mqtt | Channel::Web => Format::Json,
    }
}

/// Reads values of an example by key.
struct Keys<'l, 't, 'i> {
    log: &'l mut Log,
    table: &'t DeTable<'i>,
}

impl Keys<'_, '_, '_> {
    fn text(&mut self, key: &str) -> Option<String> {
        let value = self.table.get(key)?;
        parse::text(self.log, key, value)
    }

    fn flag(&mut self, key: &str) -> bool {
        self.table.get(key).and_then(|value| parse::flag(self.log, key, value)).unwrap_or(false)
    }

    fn code<T>(&mut self, key: &str, known: &[&str], from: impl Fn(&str) -> Option<T>) -> Option<T> {
        let value = self.table.get(key)?;
        parse::code(self.log, key, value, known, from)
    }

    fn texts(&mut self, key: &str) -> Vec<String> {
        self.table.get(key).and_then(|value| parse::texts(self.log, key, value)).unwrap_or_default()
    }
}

fn message(log: &mut Log, table: &DeTable<'_>, channel: Channel) -> (Envelope, KnownOfSender) {
    let mut keys = Keys { log, table };
    let format = keys
        .code("format", &parse::codes_of(Format::ALL, Format::code), Format::from_code)
        .unwrap_or_else(|| usual_format(channel));
    let mut envelope = Envelope::empty(channel, format, ContentHash::of(b""));
    envelope.intent = keys
        .code("intent", &parse::codes_of(Intent::ALL, Intent::code), Intent::from_code)
        .unwrap_or(if channel == Channel::Hl7 { Intent::ClinicalEvent } else { Intent::Topic });
    envelope.title = keys.text("title");
    envelope.body = keys.text("body");
    envelope.urgency =
        keys.code("urgency", &parse::codes_of(Urgency::ALL, Urgency::code), Urgency::from_code);
    envelope.reply_expectation = keys.code(
        "reply_expectation",
        &parse::codes_of(ReplyExpectation::ALL, ReplyExpectation::code),
        ReplyExpectation::from_code,
    );
    envelope.document_kind = keys.text("document_kind");
    envelope.sender.address = keys.text("sender_address");
    envelope.sender.number = keys.text("sender_number");
    envelope.sender.name = keys.text("sender_name");
    envelope.sender.facility = keys.text("sender_facility");
    envelope.sender.application = keys.text("sender_application");
    envelope.sender.authenticity = keys
        .code(
            "sender_authenticity",
            &parse::codes_of(Authenticity::ALL, Authenticity::code),
            Authenticity::from_code,
        )
        .unwrap_or(Authenticity::None);
    envelope.patient.group_alias = keys.text("group_alias");
    if let Some(text) = keys.text("patient_name") {
        envelope.patient.names.push(PatientName { text, kana: None, kind: NameKind::Kanji });
    }
    envelope.event = event(&mut keys);
    let pages = keys
        .table
        .get("pages")
        .and_then(|value| parse::number(keys.log, "pages", value))
        .and_then(|pages| u32::try_from(pages).ok());
    let mut media_types = keys.texts("attachments");
    if pages.is_some() && media_types.is_empty() {
        media_types.push("image/tiff".to_owned());
    }
    envelope.attachments = media_types
        .into_iter()
        .map(|media_type| Attachment {
            name: None,
            media_type,
            size_bytes: 0,
            content_hash: ContentHash::of(b""),
            pages,
            role: AttachmentRole::Document,
        })
        .collect();
    for warning in keys.texts("warnings") {
        envelope.warn(&warning, "");
    }
    let known = known(&mut keys);
    (envelope, known)
}

fn event(keys: &mut Keys<'_, '_, '_>) -> Option<Event> {
    let visit = Visit {
        class: keys.text("visit_class"),
        ward: keys.text("visit_ward"),
        department: keys.text("visit_department"),
        disposition: keys.text("visit_disposition"),
        ..Visit::default()
    };
    let visit = (visit != Visit::default()).then_some(visit);
    let event = Event {
        kind: keys.text("event_type"),
        trigger: keys.text("event_trigger"),
        status: keys.text("event_status"),
        corrects: keys.flag("event_is_correction").then(|| "example".to_owned()),
        visit,
        ..Event::default()
    };
    (event != Event::default()).then_some(event)
}

fn known(keys: &mut Keys<'_, '_, '_>) -> KnownOfSender {
    let facility_type = keys.text("sender_facility_type");
    let facility_id = keys.text("sender_facility_id");
    let is_network_office = keys.flag("sender_is_network_office");
    let registered = facility_type.is_some() || facility_id.is_some() || is_network_office;
    let stated = keys.code(
        "sender_endpoint_state",
        &parse::codes_of(EndpointState::ALL, EndpointState::code),
        EndpointState::from_code,
    );
    let code = keys.code("reply_code", &["absent", "unknown", "known"], |code| match code {
        "absent" => Some(CodeState::Absent),
        "unknown" => Some(CodeState::Unknown),
        "known" => Some(CodeState::Known),
        _ => None,
    });
    let matches: Vec<&str> = PATIENT_MATCH.iter().map(|w| w.code).collect();
    KnownOfSender {
        facility_id: facility_id.or_else(|| registered.then(|| "example".to_owned())),
        facility_type,
        is_network_office,
        endpoint_state: stated.or(registered.then_some(EndpointState::Verified)),
        code,
        in_thread: keys.flag("in_thread"),
        is_repeat: keys.flag("is_repeat"),
        patient_match: keys.code("patient_match", &matches, |code| {
            PATIENT_MATCH.iter().map(|w| w.code).find(|known| *known == code)
        }),
    }
}

const EXPECT_KEYS: &[&str] = &["rule", "then", "urgency", "expectation", "document_kind", "notice", "asks"];
const OUTCOMES: &[&str] = &["post", "triage", "return", "quarantine", "discard"];

fn expected(log: &mut Log, value: &Item<'_>) -> Option<Expected> {
    let table = parse::table(log, "expect", value, EXPECT_KEYS)?;
    let rule = parse::required(log, value, table, "rule").and_then(|v| parse::text(log, "rule", v))?;
    let asks = table.get("asks").and_then(|value| parse::asks(log, value));
    let mut keys = Keys { log, table };
    Some(Expected {
        rule: (rule != "none").then_some(rule),
        outcome: keys.code("then", OUTCOMES, |code| OUTCOMES.iter().copied().find(|known| *known == code)),
        urgency: keys.code("urgency", &parse::codes_of(Urgency::ALL, Urgency::code), Urgency::from_code),
        expectation: keys.code(
            "expectation",
            &parse::codes_of(ReplyExpectation::ALL, ReplyExpectation::code),
            ReplyExpectation::from_code,
        ),
        document_kind: keys.text("document_kind"),
        notice: keys.code(
            "notice",
            &parse::NOTICES.iter().map(|(code, _)| *code).collect::<Vec<_>>(),
            |code| parse::NOTICES.iter().find(|(known, _)| *known == code).map(|(_, notice)| *notice),
        ),
        asks,
    })
}

/// Every example names rules that are there.
pub(super) fn refer(log: &mut Log, examples: &[Example], rules: &[Rule]) {
    let names: std::collections::HashSet<&str> = rules.iter().map(|r| r.name.as_str()).collect();
    for example in examples {
        let Some(rule) = &example.expect.rule else { continue };
        if names.contains(rule.as_str()) || rule.split(" + ").all(|part| names.contains(part)) {
            continue;
        }
        let meant = super::nearest::nearest(rule, names.iter().copied());
        let remedy = match meant {
            Some(meant) => (format!("「{meant}」の誤りではありませんか"), format!("did you mean “{meant}”?")),
            None => (
                "ルールの名前か none を書いてください".to_owned(),
                "write the name of a rule or none".to_owned(),
            ),
        };
        log.at_line(
            example.line,
            (
                &format!("例「{}」の「{rule}」というルールはありません", example.name),
                &format!("the example expects an unknown rule “{rule}”"),
            ),
            (&remedy.0, &remedy.1),
        );
    }
}
