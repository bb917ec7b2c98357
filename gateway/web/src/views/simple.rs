//! Pages with little on them: login, settings, faults, enlarged pictures, audit, the page behind a reply
//! code, the care note form, the API page.

use super::{Chip, Choice};
use crate::locale::Lang;
use kakehashi_core::audit::AuditEntry;
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::directory::{ClockTime, EndpointSettings};
use kakehashi_core::vocabulary::{ReplyExpectation, Urgency};
use serde::Serialize;

/// Login.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct LoginPage {
    pub(crate) csrf: String,
    pub(crate) next: String,
    pub(crate) login_name: String,
    pub(crate) problem: Option<String>,
    pub(crate) help: Option<String>,
}

/// Something went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct FaultPage {
    pub(crate) status: u16,
    pub(crate) title: String,
    pub(crate) help: String,
    pub(crate) case: Option<String>,
}

/// Settings of the login user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct SettingsPage {
    pub(crate) csrf: String,
    pub(crate) saved: bool,
    pub(crate) languages: Vec<Choice>,
    pub(crate) sizes: Vec<Choice>,
    pub(crate) facility: String,
    pub(crate) login_name: String,
    pub(crate) name: String,
    pub(crate) role: String,
}

/// An enlarged picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ZoomPage {
    pub(crate) back: String,
    pub(crate) src: String,
    pub(crate) alt: String,
    pub(crate) file: String,
    pub(crate) class: String,
    pub(crate) turn_href: String,
    pub(crate) larger_href: String,
    pub(crate) is_larger: bool,
    pub(crate) page: Option<String>,
    pub(crate) previous: Option<String>,
    pub(crate) next: Option<String>,
}

/// 操作記録.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct AuditPage {
    pub(crate) checked: bool,
    pub(crate) good: Option<String>,
    pub(crate) broken: Option<String>,
    pub(crate) rows: Vec<AuditLine>,
    pub(crate) older: Option<String>,
}

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct AuditLine {
    pub(crate) seq: i64,
    pub(crate) at: String,
    pub(crate) actor: String,
    pub(crate) action: String,
    pub(crate) subject: String,
    pub(crate) detail: String,
}

/// The page behind a reply code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct CodePage {
    pub(crate) csrf: String,
    pub(crate) office: String,
    pub(crate) path: String,
    pub(crate) urgency: Option<Chip>,
    pub(crate) ask: Option<String>,
    pub(crate) alias: Option<String>,
    pub(crate) title: Option<String>,
    pub(crate) body: Option<String>,
    pub(crate) due: Option<String>,
    pub(crate) acknowledged: Option<String>,
    pub(crate) people: Vec<Choice>,
    pub(crate) reply_id: String,
    pub(crate) call_id: String,
    pub(crate) until: String,
    pub(crate) hurry: String,
    pub(crate) thanks: Option<String>,
    pub(crate) problem: Option<String>,
    pub(crate) call_first: bool,
    pub(crate) settings: Option<Receiving>,
}

/// How an endpoint receives, as fields of a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Receiving {
    pub(crate) words: String,
    pub(crate) instant: Vec<Choice>,
    pub(crate) digests: String,
    pub(crate) days: Vec<Choice>,
    pub(crate) quiet_from: String,
    pub(crate) quiet_until: String,
    pub(crate) night_ok: bool,
    pub(crate) today: String,
}

impl Receiving {
    pub(crate) fn of(lang: Lang, now: &EndpointSettings, at: UtcMicros) -> Self {
        let instant = [Urgency::Normal, Urgency::Urgent, Urgency::Emergency].map(|u| Choice {
            value: u.code().to_owned(),
            word: lang.t(&format!("code.set.instant.{}", u.code())),
            chosen: now.instant_threshold == u,
        });
        let times: Vec<String> = now.digests.iter().map(|d| d.at.to_string()).collect();
        let every = now.digests.iter().all(|d| d.days.is_empty());
        let weekdays = !every && now.digests.iter().all(|d| d.days.len() == 5);
        let choice = |value: &str, chosen| Choice {
            value: value.to_owned(),
            word: lang.t(&format!("code.set.days.{value}")),
            chosen,
        };
        let mut days = vec![choice("every", every), choice("weekdays", weekdays)];
        if !every && !weekdays {
            days.push(choice("same", true));
        }
        // A time field takes two digits of an hour.
        let time = |t: ClockTime| format!("{:02}:{:02}", t.hour(), t.minute());
        Self {
            words: kakehashi_core::paper_request::words(now),
            instant: instant.to_vec(),
            digests: times.join(" "),
            days,
            quiet_from: now.quiet_hours.map_or_else(String::new, |q| time(q.from)),
            quiet_until: now.quiet_hours.map_or_else(String::new, |q| time(q.until)),
            night_ok: now.night_ok,
            today: at.in_japan().date().to_string(),
        }
    }
}

/// The same page for every code that opens nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct CodeGonePage {
    pub(crate) thanks: Option<String>,
    pub(crate) office: String,
    pub(crate) hurry: String,
}

/// Files behind a reply code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct CodeFilesPage {
    pub(crate) office: String,
    pub(crate) back: String,
    pub(crate) files: Vec<CodeFileLine>,
    pub(crate) until: String,
    pub(crate) hurry: String,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct CodeFileLine {
    pub(crate) href: String,
    pub(crate) name: String,
    pub(crate) size: String,
}

/// The care note form.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct NotePage {
    pub(crate) csrf: String,
    pub(crate) problem: Option<String>,
    pub(crate) note_id: String,
    pub(crate) group_alias: String,
    pub(crate) patient_name: String,
    pub(crate) birth_date: String,
    pub(crate) title: String,
    pub(crate) body: String,
    pub(crate) author: String,
    pub(crate) urgencies: Vec<Choice>,
    pub(crate) expectations: Vec<Choice>,
}

/// A care note was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct NoteSentPage {
    pub(crate) intake_id: String,
}

/// The API page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ApiPage {
    pub(crate) example: String,
    pub(crate) answers: Vec<ApiAnswer>,
}

/// An answer of the API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ApiAnswer {
    pub(crate) code: &'static str,
    pub(crate) meaning: String,
    pub(crate) act: String,
}

/// Choices of 緊急度.
pub(crate) fn urgencies(lang: Lang, chosen: Urgency) -> Vec<Choice> {
    let choice = |u: &Urgency| Choice {
        value: u.code().to_owned(),
        word: lang.pick(u.ja(), u.en()).to_owned(),
        chosen: *u == chosen,
    };
    Urgency::ALL.iter().map(choice).collect()
}

/// Choices of 返信区分.
pub(crate) fn expectations(lang: Lang, chosen: ReplyExpectation) -> Vec<Choice> {
    let choice = |e: &ReplyExpectation| Choice {
        value: e.code().to_owned(),
        word: lang.pick(e.ja(), e.en()).to_owned(),
        chosen: *e == chosen,
    };
    ReplyExpectation::ALL.iter().map(choice).collect()
}

/// An audit entry in words.
pub(crate) fn audit_line(lang: Lang, entry: &AuditEntry) -> AuditLine {
    let actor: serde_json::Value = serde_json::from_str(&entry.actor).unwrap_or_default();
    let id = actor.get("id").and_then(|v| v.as_str()).unwrap_or_default();
    let actor = match actor.get("kind").and_then(|v| v.as_str()) {
        Some("gateway") => lang.t("audit.actor.gateway"),
        Some("operator") => lang.t("audit.actor.operator"),
        _ => id.to_owned(),
    };
    AuditLine {
        seq: entry.seq,
        at: lang.at(entry.at),
        actor,
        action: action(lang, &entry.action),
        subject: entry.subject.clone(),
        detail: if entry.detail == "{}" { String::new() } else { entry.detail.clone() },
    }
}

fn action(lang: Lang, code: &str) -> String {
    let (ja, en) = match code {
        "open_topic" => ("新規投稿", "posted a topic"),
        "reply" => ("返信", "replied"),
        "correct" => ("訂正", "corrected"),
        "acknowledge" => ("了解", "acknowledged"),
        "withdraw_acknowledgement" => ("了解の取消", "took back an acknowledgement"),
        "deliver" | "plan_delivery" => ("配信を予定", "planned a delivery"),
        "notify" => ("お知らせを送信", "sent a notice"),
        "open_triage" => ("仕分け待ちへ", "sent to triage"),
        "close_triage" => ("仕分けを完了", "closed a triage item"),
        "finish_intake" => ("取込を処理", "settled an intake"),
        "teach_identifier" => ("患者番号を登録", "learned a patient number"),
        "report" => ("配信結果を記録", "recorded a report"),
        "retry_delivery" => ("もう一度送る", "sent again"),
        "recall_delivery" => ("配信を取消", "recalled a delivery"),
        "finish_phone_task" => ("電話を完了", "finished a phone task"),
        other => return other.to_owned(),
    };
    lang.pick(ja, en).to_owned()
}
