//! An Envelope for people: one line for each thing the sender stated, nothing for what is absent.

use super::{Line, words};
use crate::locale::Lang;
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::envelope::{Envelope, MarkState};
use serde::Serialize;

/// What was read, in lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Reading {
    pub(crate) title: Option<String>,
    pub(crate) body: Option<String>,
    pub(crate) quoted: Option<String>,
    pub(crate) signature: Option<String>,
    pub(crate) lines: Vec<Line>,
    pub(crate) marks: Vec<MarkLine>,
    pub(crate) warnings: Vec<String>,
}

/// A box of a sheet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct MarkLine {
    pub(crate) name: String,
    pub(crate) word: String,
    pub(crate) state: String,
    pub(crate) marked: bool,
    pub(crate) unsure: bool,
}

/// Everything that an Envelope states.
pub(crate) fn reading(lang: Lang, envelope: &Envelope) -> Reading {
    Reading {
        title: envelope.title.clone(),
        body: envelope.body.clone().filter(|b| !b.is_empty()),
        quoted: envelope.quoted.clone(),
        signature: envelope.signature.clone(),
        lines: lines(lang, envelope),
        marks: marks(lang, envelope),
        warnings: envelope.warnings.iter().map(|w| words::warning(lang, &w.code, &w.detail)).collect(),
    }
}

fn lines(lang: Lang, envelope: &Envelope) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut say = |key: &str, value: Option<String>| {
        if let Some(value) = value.filter(|v| !v.trim().is_empty()) {
            lines.push(Line { label: lang.t(key), value });
        }
    };
    let at = |t: Option<UtcMicros>| t.map(|t| lang.at(t));
    let word = |ja: &str, en: &str| Some(lang.pick(ja, en).to_owned());
    say("read.channel", word(envelope.channel.ja(), envelope.channel.en()));
    say("read.format", word(envelope.format.ja(), envelope.format.en()));
    say(
        "read.sender",
        joined(&[
            &envelope.sender.name,
            &envelope.sender.address,
            &envelope.sender.number,
            &envelope.sender.facility,
            &envelope.sender.application,
        ]),
    );
    say("read.authenticity", word(envelope.sender.authenticity.ja(), envelope.sender.authenticity.en()));
    let patient = &envelope.patient;
    let names: Vec<String> = patient
        .names
        .iter()
        .map(|n| n.kana.as_ref().map_or_else(|| n.text.clone(), |k| format!("{} ({k})", n.text)))
        .collect();
    say("read.patient", Some(lang.list(&names)));
    say("read.birth", patient.birth_date.clone());
    let numbers: Vec<String> = patient
        .identifiers
        .iter()
        .map(|i| i.authority.as_ref().map_or_else(|| i.id.clone(), |a| format!("{} ({a})", i.id)))
        .collect();
    say("read.identifier", Some(lang.list(&numbers)));
    say("read.alias", patient.group_alias.clone());
    say("read.intent", word(envelope.intent.ja(), envelope.intent.en()));
    say("read.code", envelope.reply_code.clone());
    say("read.occurred", at(envelope.occurred_at));
    say("read.sent", at(envelope.sent_at));
    say("read.urgency", envelope.urgency.and_then(|u| word(u.ja(), u.en())));
    say("read.expectation", envelope.reply_expectation.and_then(|e| word(e.ja(), e.en())));
    let kind = |code: &String| {
        let known = kakehashi_core::rules::words::DOCUMENT_KINDS.iter().find(|w| w.code == code);
        known.map_or_else(|| code.clone(), |w| lang.pick(w.ja, w.en).to_owned())
    };
    say("read.kind", envelope.document_kind.as_ref().map(kind));
    if let Some(event) = &envelope.event {
        say("read.event", joined(&[&event.kind, &event.trigger, &event.status]));
        if let Some(visit) = &event.visit {
            say("read.ward", joined(&[&visit.ward, &visit.room, &visit.bed, &visit.department]));
            say("read.attending", visit.attending.clone());
            say("read.admitted", at(visit.admitted_at));
            say("read.discharged", at(visit.discharged_at));
        }
        say("read.charset", event.charset.as_ref().map(|c| c.used.clone()));
    }
    if let Some(report) = &envelope.report {
        say("read.report", joined(&[&report.status, &report.recipient, &report.original]));
    }
    say("read.message_id", envelope.message_id.clone());
    lines
}

fn joined(parts: &[&Option<String>]) -> Option<String> {
    let some: Vec<&str> = parts.iter().filter_map(|p| p.as_deref()).filter(|p| !p.is_empty()).collect();
    (!some.is_empty()).then(|| some.join(" ・ "))
}

fn marks(lang: Lang, envelope: &Envelope) -> Vec<MarkLine> {
    let Some(sheet) = &envelope.sheet else { return Vec::new() };
    sheet
        .marks
        .iter()
        .map(|mark| MarkLine {
            name: mark.name.clone(),
            word: box_word(lang, &mark.name),
            state: lang.t(match mark.state {
                MarkState::Marked => "sheet.marked",
                MarkState::Empty => "sheet.empty",
                MarkState::Unsure => "sheet.unsure",
            }),
            marked: mark.state == MarkState::Marked,
            unsure: mark.state == MarkState::Unsure,
        })
        .collect()
}

/// What is printed beside a box.
pub(crate) fn box_word(lang: Lang, name: &str) -> String {
    use kakehashi_core::sheet_form::{box_words, line_of, staff_of};
    if let Some(number) = staff_of(name) {
        return lang.pick(&format!("お名前 {number}人目"), &format!("name {number}")).to_owned();
    }
    let word = box_words(name).map_or_else(|| name.to_owned(), |b| lang.pick(b.ja, b.en).to_owned());
    line_of(name).map_or(word.clone(), |line| format!("{line} {word}"))
}
