//! RDE and OMP: what is prescribed, as information (hl7.md section 10). Never a prescription, and the
//! text says so. Amounts, units and usage are shown as sent.

use super::scope::{Scope, patient_in_words};
use super::wording::{fill, template};
use crate::message::Segment;
use kakehashi_core::envelope::Envelope;
use kakehashi_core::vocabulary::{Intent, Urgency};

/// Drugs that are shown.
const MAX_DRUGS: usize = 200;

pub(super) fn compose(envelope: &mut Envelope, scope: &Scope<'_>) {
    envelope.intent = Intent::ClinicalEvent;
    envelope.urgency = Some(Urgency::Normal);
    envelope.occurred_at = scope.first_stamp(&[("ORC", 9, 1), ("EVN", 2, 1)]).map(|s| s.at);
    let order = scope.text("ORC", 2, 1).or_else(|| scope.text("ORC", 3, 1));
    if let Some(event) = envelope.event.as_mut() {
        event.status = scope.text("ORC", 1, 1);
        event.key = order.map(|order| format!("order:{order}"));
        // One drug of several that is stopped does not take back the others.
        let mut controls = scope.view.all("ORC").map(|orc| orc.text(1, 1)).peekable();
        let stopped = controls.peek().is_some() && controls.all(|c| c.as_deref().is_some_and(is_stopped));
        event.corrects = event.key.clone().filter(|_| stopped);
    }
    let cancelled = envelope.event.as_ref().is_some_and(|e| e.corrects.is_some());
    let purpose = purpose(scope);
    let mut title = match &purpose {
        Some(purpose) => format!("処方（{purpose}）"),
        None => "処方".to_owned(),
    };
    if cancelled {
        title.push_str("（取消）");
        envelope.urgency = Some(Urgency::Urgent);
    }
    envelope.title = Some(title);
    let drugs = drugs(scope);
    let patient = patient_in_words(envelope);
    let text = drugs.join("\n");
    let template = if cancelled { template!("prescription_cancelled") } else { template!("prescription") };
    envelope.body =
        (!text.is_empty()).then(|| fill(template, &[("patient", Some(&patient)), ("text", Some(&text))]));
}

/// What the prescription is for, the most telling repetition of RXE-27 or RXE-21 (table MR9P).
fn purpose(scope: &Scope<'_>) -> Option<String> {
    let rxe = scope.view.first("RXE")?;
    let mut kinds = Vec::new();
    for field in [21, 27] {
        kinds.extend(rxe.repeats(field).filter_map(|o| o.text(1).zip(o.text(2))));
    }
    let kind = kinds.iter().find(|(code, _)| code == "TDP").or_else(|| kinds.first())?;
    kind.1.contains("処方").then(|| kind.1.clone())
}

fn is_stopped(control: &str) -> bool {
    matches!(control, "CA" | "DC" | "OC")
}

/// One line for each drug. How it is used stands behind the drug (RDE) or before it (OMP), but always in its order.
fn drugs(scope: &Scope<'_>) -> Vec<String> {
    let all_stopped = scope.view.all("ORC").all(|orc| orc.text(1, 1).as_deref().is_some_and(is_stopped));
    let mut lines: Vec<String> = Vec::new();
    // What was told of an order before its drug; none once the drug is named.
    let mut before: Option<String> = None;
    let mut stopped = false;
    for segment in scope.view.segments() {
        match segment.name() {
            "ORC" => {
                before = Some(String::new());
                stopped = !all_stopped && segment.text(1, 1).as_deref().is_some_and(is_stopped);
            }
            "RXE" | "RXO" if lines.len() < MAX_DRUGS => {
                let told = before.take().unwrap_or_default();
                let gone = if stopped { "（取消）" } else { "" };
                lines.extend(drug(&segment).map(|line| format!("{line}{told}{gone}")));
            }
            "NTE" => {
                let note = segment.repeats(3).filter_map(|o| o.whole().text()).collect::<Vec<_>>().join(" ");
                let note = kakehashi_core::text::clean_line(&note, 500);
                if let Some(line) = lines.last_mut().filter(|_| !note.is_empty() && before.is_none()) {
                    line.push_str(&format!("\n　※ {note}"));
                }
            }
            "TQ1" => {
                let told = timing(&segment);
                match (&mut before, lines.last_mut()) {
                    (Some(before), _) => before.push_str(&told),
                    (None, Some(line)) if !line.contains(told.as_str()) => line.push_str(&told),
                    (None, _) => {}
                }
            }
            _ => {}
        }
    }
    lines
}

fn drug(segment: &Segment<'_>) -> Option<String> {
    let is_order = segment.name() == "RXO";
    let name = segment.coded(if is_order { 1 } else { 2 })?;
    let (amount, unit, usage) = if is_order { (2, 4, 7) } else { (3, 5, 7) };
    let mut line = format!("・{name}");
    // Ointments have no dose, only an amount that is handed out (hl7.md section 10).
    let (amount, unit) =
        if segment.text(amount, 1).is_none() && !is_order { (10, 11) } else { (amount, unit) };
    if let Some(amount) = segment.text(amount, 1) {
        let unit = segment.coded(unit).unwrap_or_default();
        line.push_str(&format!(" {amount}{unit}"));
    }
    let usages: Vec<String> = segment.repeats(usage).filter_map(|o| o.coded()).take(5).collect();
    for usage in usages {
        line.push_str(&format!(" {usage}"));
    }
    Some(line)
}

/// Usage (text in the second subcomponent) and days.
fn timing(segment: &Segment<'_>) -> String {
    let usage = segment.repeats(3).filter_map(|o| o.sub(1, 2).or_else(|| o.coded())).take(5);
    let mut words: Vec<String> = usage.collect();
    if let Some(count) = segment.text(6, 1) {
        let unit = segment.repeats(6).next().and_then(|o| o.sub(2, 2).or_else(|| o.text(2)));
        let unit = unit.map(|u| if u == "D" { "日".to_owned() } else { u }).unwrap_or_default();
        words.push(format!("{count}{unit}分"));
    }
    words.iter().map(|w| format!(" {w}")).collect()
}
