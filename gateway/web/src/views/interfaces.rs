//! Hospital interfaces and their messages: how each does, and a message beside its fields, its decision and
//! its answer.

use super::intake::{ReadingBlock, readings};
use super::{Chip, Line, words};
use crate::locale::Lang;
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::port::{InterfaceStatus, MessageText};
use kakehashi_store::view::{IntakeView, InterfaceRow, MessageRow, UntakenAnswer};
use serde::Serialize;

/// Notes that wait longer than this are stuck, in seconds (hl7.md 2.3: an alarm after ten minutes).
const STUCK_SECONDS: i64 = 600;
/// A certificate that ends within this is told of, in seconds.
const SOON_SECONDS: i64 = 30 * 24 * 3600;

/// The interfaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct InterfacesPage {
    pub(crate) csrf: String,
    pub(crate) rows: Vec<InterfaceCard>,
    pub(crate) search: Search,
}

/// One interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct InterfaceCard {
    pub(crate) name: String,
    pub(crate) facility: String,
    pub(crate) lines: Vec<Line>,
    pub(crate) warnings: Vec<String>,
    pub(crate) messages: String,
    pub(crate) outbox: Option<String>,
    pub(crate) answers: Vec<AnswerLine>,
}

/// An application answer that the sender's listener did not take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct AnswerLine {
    pub(crate) message: String,
    pub(crate) since: String,
    pub(crate) cause: String,
    pub(crate) again: String,
}

/// The search form with what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Search {
    pub(crate) control_id: String,
    pub(crate) patient: String,
    pub(crate) kind: String,
    pub(crate) interface: String,
    pub(crate) from: String,
    pub(crate) until: String,
}

/// What was asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) control_id: Option<String>,
    pub(crate) patient: Option<String>,
    pub(crate) kind: Option<String>,
    pub(crate) interface: Option<String>,
    pub(crate) from: Option<String>,
    pub(crate) until: Option<String>,
    pub(crate) before: Option<String>,
}

impl Asked {
    fn form(&self) -> Search {
        let shown = |v: &Option<String>| v.clone().unwrap_or_default();
        Search {
            control_id: shown(&self.control_id),
            patient: shown(&self.patient),
            kind: shown(&self.kind),
            interface: shown(&self.interface),
            from: shown(&self.from),
            until: shown(&self.until),
        }
    }
}

/// Messages found. The next page is asked for by a form, so that no patient number stands in an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct MessagesPage {
    pub(crate) csrf: String,
    pub(crate) search: Search,
    pub(crate) rows: Vec<MessageLine>,
    pub(crate) before: Option<String>,
}

/// A message as listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct MessageLine {
    pub(crate) href: String,
    pub(crate) received: String,
    pub(crate) kind: String,
    pub(crate) control_id: String,
    pub(crate) patients: String,
    pub(crate) interface: String,
    pub(crate) answer: String,
    pub(crate) state: Chip,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct MessagePage {
    pub(crate) csrf: String,
    pub(crate) title: String,
    pub(crate) state: Chip,
    pub(crate) told: Option<String>,
    pub(crate) lines: Vec<Line>,
    pub(crate) raw: String,
    pub(crate) segments: Vec<SegmentBlock>,
    pub(crate) readings: Vec<ReadingBlock>,
    pub(crate) posts: Vec<String>,
    pub(crate) triage: Vec<String>,
    pub(crate) intake: String,
    pub(crate) replay: String,
}

/// One segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct SegmentBlock {
    pub(crate) name: String,
    pub(crate) word: String,
    pub(crate) fields: Vec<FieldLine>,
}

/// One field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct FieldLine {
    pub(crate) place: String,
    pub(crate) word: String,
    pub(crate) values: Vec<String>,
}

/// What a replay did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    Replayed,
    Unchanged,
}

/// All interfaces: those that run here, and those the directory or the store knows besides.
pub(crate) fn list(
    lang: Lang,
    csrf: &str,
    rows: &[InterfaceRow],
    running: &[InterfaceStatus],
    now: UtcMicros,
) -> InterfacesPage {
    let known = |name: &str| rows.iter().find(|r| r.name == name);
    let mut cards: Vec<InterfaceCard> =
        running.iter().map(|s| card(lang, &s.name, known(&s.name), Some(s), now)).collect();
    let others = rows.iter().filter(|r| !running.iter().any(|s| s.name == r.name));
    cards.extend(others.map(|r| card(lang, &r.name, Some(r), None, now)));
    InterfacesPage { csrf: csrf.to_owned(), rows: cards, search: Asked::default().form() }
}

fn card(
    lang: Lang,
    name: &str,
    row: Option<&InterfaceRow>,
    running: Option<&InterfaceStatus>,
    now: UtcMicros,
) -> InterfaceCard {
    let mut lines = Vec::new();
    let mut line = |key: &str, value: String| lines.push(Line { label: lang.t(key), value });
    let mut warnings = Vec::new();
    match running {
        Some(status) => {
            line("interfaces.listen", status.listen.clone());
            if let Some(count) = status.connection_count {
                line("interfaces.connections", count.to_string());
            }
        }
        None => line("interfaces.listen", lang.t("interfaces.not_running")),
    }
    let empty = InterfaceRow::default();
    let row = row.unwrap_or(&empty);
    line("interfaces.last", row.last_at.map_or_else(|| lang.t("interfaces.never"), |at| lang.near(at, now)));
    let (count, faults) = (row.message_count, row.fault_count);
    line("interfaces.count", count.to_string());
    let share = (faults * 100).checked_div(count).unwrap_or(0);
    line(
        "interfaces.faults",
        lang.tf("interfaces.share", &[&count.to_string(), &faults.to_string(), &share.to_string()]),
    );
    let outgoing = running.and_then(|s| s.outgoing.clone()).filter(|_| row.receives);
    line("interfaces.back", outgoing.unwrap_or_else(|| lang.t("interfaces.back_fax")));
    match row.waiting_since.filter(|_| row.waiting_count > 0) {
        Some(since) => {
            line(
                "interfaces.queue",
                lang.tf("interfaces.waiting", &[&row.waiting_count.to_string(), &lang.near(since, now)]),
            );
            if now.seconds_since(since) > STUCK_SECONDS {
                warnings.push(lang.t("interfaces.stuck"));
            }
        }
        None if row.receives => line("interfaces.queue", lang.t("interfaces.nothing_waits")),
        None => {}
    }
    if !row.answers.is_empty() {
        warnings.push(lang.tf("interfaces.answers", &[&row.answers.len().to_string()]));
    }
    if row.failed_count > 0 {
        warnings.push(lang.tf("interfaces.failed", &[&row.failed_count.to_string()]));
    }
    if let Some(until) = running.and_then(|s| s.certificate_until) {
        line("interfaces.certificate", lang.at(until));
        if until.seconds_since(now) < SOON_SECONDS {
            warnings.push(lang.t("interfaces.certificate_soon"));
        }
    }
    InterfaceCard {
        name: name.to_owned(),
        facility: row.facility_name.clone().unwrap_or_else(|| lang.t("interfaces.unregistered")),
        lines,
        messages: format!("/interfaces/messages?interface={}", encoded(name)),
        outbox: (row.failed_count > 0).then(|| "/outbox".to_owned()),
        answers: row.answers.iter().map(|answer| untaken(lang, answer, now)).collect(),
        warnings,
    }
}

fn untaken(lang: Lang, answer: &UntakenAnswer, now: UtcMicros) -> AnswerLine {
    let message = format!("/interfaces/messages/{}", answer.intake_id);
    AnswerLine {
        since: lang.near(answer.owed_at, now),
        cause: match &answer.refusal {
            Some(words) => lang.tf("interfaces.answer_refused", &[words]),
            None => lang.tf("interfaces.answer_untaken", &[&answer.attempts.to_string()]),
        },
        again: format!("{message}/answer"),
        message,
    }
}

/// A name in an address: what is neither letter nor digit is written in hexadecimal.
fn encoded(name: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    name.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// Messages found.
pub(crate) fn messages(
    lang: Lang,
    csrf: &str,
    asked: &Asked,
    rows: &[MessageRow],
    limit: u32,
    now: UtcMicros,
) -> MessagesPage {
    let full = rows.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
    MessagesPage {
        csrf: csrf.to_owned(),
        search: asked.form(),
        before: rows.last().filter(|_| full).map(|last| last.id.to_string()),
        rows: rows
            .iter()
            .map(|r| MessageLine {
                href: format!("/interfaces/messages/{}", r.id),
                received: lang.near(r.received_at, now),
                kind: r.kind.clone().unwrap_or_default(),
                control_id: r.control_id.clone().unwrap_or_default(),
                patients: lang.list(&r.patients),
                interface: r.interface.clone().unwrap_or_default(),
                answer: r.answer.clone().unwrap_or_else(|| lang.t("message.no_answer")),
                state: Chip::new(words::intake_class(r.state), None, lang.pick(r.state.ja(), r.state.en())),
            })
            .collect(),
    }
}

/// One message.
pub(crate) fn message(
    lang: Lang,
    csrf: &str,
    view: &IntakeView,
    text: MessageText,
    told: Option<Told>,
) -> MessagePage {
    let origin = &view.origin;
    let shown = [
        ("intakes.received", Some(lang.at(view.received_at))),
        ("messages.interface", origin.interface.clone()),
        ("intake.listener", Some(origin.listener.clone())),
        ("intake.peer", origin.peer.clone()),
        ("message.charset", Some(text.charset).filter(|c| !c.is_empty())),
        ("intake.size", Some(lang.size(view.size_bytes))),
        ("messages.answer", Some(origin.answer.clone().unwrap_or_else(|| lang.t("message.no_answer")))),
    ];
    let lines =
        shown.into_iter().filter_map(|(key, value)| value.map(|value| Line { label: lang.t(key), value }));
    MessagePage {
        csrf: csrf.to_owned(),
        title: lang.tf("message.title", &[view.sender_message_id.as_deref().unwrap_or("")]),
        state: Chip::new(words::intake_class(view.state), None, lang.pick(view.state.ja(), view.state.en())),
        told: told.map(|told| {
            lang.t(match told {
                Told::Replayed => "message.replayed",
                Told::Unchanged => "message.unchanged",
            })
        }),
        lines: lines.collect(),
        raw: text.raw,
        segments: text
            .segments
            .into_iter()
            .map(|s| SegmentBlock {
                word: lang.pick(&s.ja, &s.en).to_owned(),
                fields: s
                    .fields
                    .into_iter()
                    .map(|f| FieldLine {
                        word: lang.pick(&f.ja, &f.en).to_owned(),
                        place: f.place,
                        values: f.values,
                    })
                    .collect(),
                name: s.name,
            })
            .collect(),
        readings: readings(lang, view),
        posts: view.posts.iter().map(|(group, post)| format!("/groups/{group}#post-{post}")).collect(),
        triage: view.triage.iter().map(|id| format!("/triage/{id}")).collect(),
        intake: format!("/intakes/{}", view.id),
        replay: format!("/interfaces/messages/{}/replay", view.id),
    }
}
