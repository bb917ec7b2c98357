//! Any other valid message in plain words: what is ordered, given or found, one line each, with text
//! and files (issue of the hospitals: kept and routable, never an error). It only lists what the sender
//! wrote; persons of contact, insurance and money are left out, because no care team needs them.

use super::content::gather;
use super::scope::{Scope, patient_in_words};
use super::wording::{fill, template};
use crate::message::Segment;
use crate::time::{Precision, Stamp};
use kakehashi_core::clinical_event;
use kakehashi_core::envelope::Envelope;
use kakehashi_core::port::{PartSink, ReadFault};
use kakehashi_core::vocabulary::{Intent, Urgency};

/// Fields with an amount and its unit.
type Measure = Option<(usize, usize)>;

/// Lines that are shown.
const MAX_LINES: usize = 200;
/// What the segments that make a line are: name, field with the words, fields with amount and unit.
const LINES: &[(&str, usize, Measure)] = &[
    ("OBR", 4, None),
    ("RXO", 1, Some((2, 4))),
    ("RXE", 2, Some((3, 5))),
    ("RXD", 2, Some((4, 5))),
    ("RXG", 4, Some((5, 7))),
    ("RXA", 5, Some((6, 7))),
    ("ODS", 3, None),
    ("PRB", 3, None),
    ("DG1", 3, None),
    ("GOL", 3, None),
    ("PR1", 3, None),
    ("AL1", 3, None),
    ("IAM", 3, None),
    ("AIS", 3, None),
    ("SCH", 7, None),
];

pub(super) fn compose(
    envelope: &mut Envelope,
    scope: &Scope<'_>,
    parts: &mut dyn PartSink,
) -> Result<(), ReadFault> {
    envelope.intent = Intent::ClinicalEvent;
    envelope.urgency = Some(Urgency::Normal);
    envelope.warn(super::PARKED, "messages of this type become no post unless a rule says so");
    let event = envelope.event.clone().unwrap_or_default();
    let (kind, trigger) = (event.kind.unwrap_or_default(), event.trigger.unwrap_or_default());
    let control_id = event.control_id;
    let content = gather(envelope, scope, parts, None, None)?;
    let places = [("ORC", 9, 1), ("OBR", 7, 1), ("RXA", 3, 1), ("PRB", 2, 1), ("EVN", 6, 1), ("EVN", 2, 1)];
    let stamp = scope.first_stamp(&places);
    envelope.occurred_at = stamp.filter(|s| s.precision > Precision::Month).map(|s| s.at);
    let order = [("ORC", 2), ("ORC", 3), ("OBR", 2), ("OBR", 3)]
        .into_iter()
        .find_map(|(segment, field)| scope.text(segment, field, 1));
    if let Some(event) = envelope.event.as_mut() {
        event.status = scope.text("ORC", 1, 1).or(event.status.take());
        let key = order.map(|order| format!("order:{order}"));
        let stopped = event.status.as_deref().is_some_and(is_stopped);
        event.corrects = key.clone().filter(|_| stopped);
        event.key = key.or_else(|| control_id.map(|id| format!("message:{}", id.trim())));
    }
    let row = clinical_event::find(&kind, &trigger);
    let name = row.map_or_else(|| format!("{kind} {trigger}").trim().to_owned(), |row| row.ja.to_owned());
    let cancelled = envelope.event.as_ref().is_some_and(|e| e.corrects.is_some());
    let name = if cancelled { format!("{name}（取消）") } else { name };
    let mut lines = lines(scope, &kind);
    lines.extend(content.text.or(content.cda));
    let patient = patient_in_words(envelope);
    let (at, text, facility) = (stamp.map(Stamp::in_words), lines.join("\n"), scope.facility());
    let fields = [
        ("patient", Some(patient.as_str())),
        ("name", Some(name.as_str())),
        ("at", at.as_deref()),
        ("text", Some(text.as_str())),
        ("facility", facility.as_deref()),
    ];
    envelope.body = Some(fill(template!("plain"), &fields));
    envelope.title = Some(name);
    Ok(())
}

/// One line for each thing, with what happened to it where the message tells several.
fn lines(scope: &Scope<'_>, kind: &str) -> Vec<String> {
    let several = scope.view.all("ORC").nth(1).is_some();
    let mut stopped = false;
    let mut lines = Vec::new();
    for segment in scope.view.segments() {
        if segment.name() == "ORC" {
            stopped = several && segment.text(1, 1).as_deref().is_some_and(is_stopped);
        }
        let Some(mut line) = line(&segment) else { continue };
        let mut details = details(&segment, scope, kind);
        if stopped {
            details.push("取消".to_owned());
        }
        if !details.is_empty() {
            line.push_str(&format!("（{}）", details.join("、")));
        }
        lines.push(line);
        if lines.len() >= MAX_LINES {
            break;
        }
    }
    lines
}

/// ORC-1 of an order that is not carried out.
fn is_stopped(control: &str) -> bool {
    matches!(control, "CA" | "OC" | "DC" | "OD" | "CR")
}

/// When it was, and what became of it.
fn details(segment: &Segment<'_>, scope: &Scope<'_>, kind: &str) -> Vec<String> {
    let time = |field: usize, suffix: &str| {
        let stamp = segment.text(field, 1).and_then(|text| scope.stamp(&text));
        stamp.map(|stamp| format!("{}{suffix}", stamp.dated_in_words()))
    };
    let coded = |field: usize, known: &[(&str, &str)]| {
        let code = segment.text(field, 1)?;
        known.iter().find(|(own, _)| *own == code).map(|(_, words)| (*words).to_owned())
    };
    let found = match segment.name() {
        // A record of vaccinations goes back for years.
        "RXA" => vec![
            time(3, "").filter(|_| kind == "VXU"),
            coded(20, &[("RE", "拒否"), ("NA", "未実施"), ("PA", "一部だけ実施")]),
            coded(21, &[("D", "取消")]),
        ],
        "PRB" => vec![time(7, "から"), time(9, "に解決"), coded(1, &[("DE", "削除")])],
        "DG1" => vec![time(5, ""), coded(21, &[("D", "削除")])],
        _ => Vec::new(),
    };
    found.into_iter().flatten().collect()
}

fn line(segment: &Segment<'_>) -> Option<String> {
    let (_, words, measure) = LINES.iter().find(|(name, _, _)| *name == segment.name())?;
    let mut line = format!("・{}", segment.coded(*words)?);
    // 999 is how senders of vaccinations write that nobody knows the amount.
    if let Some((amount, unit)) = measure
        && let Some(amount) = segment.text(*amount, 1).filter(|a| segment.name() != "RXA" || a != "999")
    {
        line.push_str(&format!(" {amount}{}", segment.coded(*unit).unwrap_or_default()));
    }
    Some(line)
}
