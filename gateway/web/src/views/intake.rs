//! Intakes: what arrived, what became of it, and why.

use super::envelope::{Reading, reading};
use super::{Chip, Line, words};
use crate::locale::Lang;
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::decision::Decided;
use kakehashi_store::view::{IntakeRow, IntakeView};
use serde::Serialize;

/// The list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct IntakesPage {
    pub(crate) rows: Vec<IntakeLine>,
    pub(crate) older: Option<String>,
}

/// A line of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct IntakeLine {
    pub(crate) href: String,
    pub(crate) received: String,
    pub(crate) channel: &'static str,
    pub(crate) state: Chip,
    pub(crate) rule: Option<String>,
    pub(crate) message_id: Option<String>,
}

/// One intake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct IntakePage {
    pub(crate) id: String,
    pub(crate) channel: &'static str,
    pub(crate) received: String,
    pub(crate) state: Chip,
    pub(crate) raw: String,
    pub(crate) lines: Vec<Line>,
    pub(crate) readings: Vec<ReadingBlock>,
    pub(crate) posts: Vec<String>,
    pub(crate) triage: Vec<String>,
}

/// One Envelope with its decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ReadingBlock {
    pub(crate) number: Option<String>,
    pub(crate) reading: Option<Reading>,
    pub(crate) decision: Option<DecisionBlock>,
    pub(crate) json: Option<String>,
}

/// What was decided and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct DecisionBlock {
    pub(crate) what: String,
    pub(crate) rule: String,
    pub(crate) identity: &'static str,
    pub(crate) grounds: Vec<String>,
    pub(crate) reasons: Vec<String>,
}

/// The list.
pub(crate) fn list(lang: Lang, rows: &[IntakeRow], limit: u32, now: UtcMicros) -> IntakesPage {
    let full = rows.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
    IntakesPage {
        older: rows.last().filter(|_| full).map(|last| format!("/intakes?before={}", last.id)),
        rows: rows
            .iter()
            .map(|r| IntakeLine {
                href: format!("/intakes/{}", r.id),
                received: lang.near(r.received_at, now),
                channel: words::channel(lang, r.channel),
                state: Chip::new(words::intake_class(r.state), None, lang.pick(r.state.ja(), r.state.en())),
                rule: r.rule.clone(),
                message_id: r.sender_message_id.clone(),
            })
            .collect(),
    }
}

/// One intake.
pub(crate) fn page(lang: Lang, view: &IntakeView) -> IntakePage {
    IntakePage {
        id: view.id.to_string(),
        channel: words::channel(lang, view.channel),
        received: lang.at(view.received_at),
        state: Chip::new(words::intake_class(view.state), None, lang.pick(view.state.ja(), view.state.en())),
        raw: format!("/intakes/{}/raw", view.id),
        lines: lines(lang, view),
        readings: readings(lang, view),
        posts: view.posts.iter().map(|(group, post)| format!("/groups/{group}#post-{post}")).collect(),
        triage: view.triage.iter().map(|id| format!("/triage/{id}")).collect(),
    }
}

/// What was read and decided, one block for each Envelope.
pub(crate) fn readings(lang: Lang, view: &IntakeView) -> Vec<ReadingBlock> {
    let count = view.envelopes.len().max(view.decided.len());
    (0..count).map(|i| block(lang, view, i, count)).collect()
}

fn lines(lang: Lang, view: &IntakeView) -> Vec<Line> {
    let origin = &view.origin;
    let all = [
        ("read.format", Some(lang.pick(view.format.ja(), view.format.en()).to_owned())),
        ("read.message_id", view.sender_message_id.clone()),
        ("intake.size", Some(lang.size(view.size_bytes))),
        ("intake.hash", Some(view.content_hash.to_string())),
        ("intake.listener", Some(origin.listener.clone())),
        ("intake.peer", origin.peer.clone()),
        ("intake.mail_from", origin.mail_from.clone()),
        ("intake.rcpt_to", (!origin.rcpt_to.is_empty()).then(|| origin.rcpt_to.join(", "))),
    ];
    all.into_iter()
        .filter_map(|(key, value)| {
            value.filter(|v| !v.is_empty()).map(|value| Line { label: lang.t(key), value })
        })
        .collect()
}

fn block(lang: Lang, view: &IntakeView, index: usize, count: usize) -> ReadingBlock {
    let envelope = view.envelopes.get(index);
    ReadingBlock {
        number: (count > 1).then(|| lang.tf("intake.envelope", &[&(index + 1).to_string()])),
        reading: envelope.map(|e| reading(lang, e)),
        decision: view.decided.get(index).map(|d| decision(lang, d)),
        json: envelope.and_then(|e| serde_json::to_string_pretty(e).ok()),
    }
}

fn decision(lang: Lang, decided: &Decided) -> DecisionBlock {
    use kakehashi_core::decision::Decision;
    let reasons = match &decided.decision {
        Decision::Triage { reasons, .. } => reasons.iter().map(|r| words::reason(lang, r)).collect(),
        Decision::Quarantine { reason, .. } => vec![words::reason(lang, reason)],
        _ => Vec::new(),
    };
    DecisionBlock {
        what: words::decision(lang, &decided.decision),
        rule: match &decided.rule {
            Some(rule) => lang.tf("intake.why_rule", &[rule]),
            None => lang.t("intake.why_builtin"),
        },
        identity: lang.pick(decided.identity_level.ja(), decided.identity_level.en()),
        grounds: decided.grounds.clone(),
        reasons,
    }
}
