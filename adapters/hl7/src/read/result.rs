//! ORU and OUL: results (hl7.md section 9). A table of values with what is abnormal first, or the text
//! of a report with its files. Values and units are shown as sent; the absence of a flag says nothing.

use super::content::{flags, gather, is_text, row, text_value};
use super::document::kind_of;
use super::scope::Scope;
use super::wording::{fill, template};
use crate::message::Segment;
use crate::time::{Precision, Stamp};
use kakehashi_core::envelope::Envelope;
use kakehashi_core::port::{PartSink, ReadFault};
use kakehashi_core::vocabulary::{Intent, Urgency};

/// Core's word for a result that waits for its final form.
const NOT_FINAL: &str = kakehashi_core::decide::doubt::RESULT_NOT_FINAL;
/// Rows of a table that are shown.
const MAX_ROWS: usize = 500;

pub(super) fn compose(
    envelope: &mut Envelope,
    scope: &Scope<'_>,
    parts: &mut dyn PartSink,
) -> Result<(), ReadFault> {
    envelope.intent = Intent::ClinicalEvent;
    let trigger = envelope.event.as_ref().and_then(|e| e.trigger.clone()).unwrap_or_default();
    let order = scope.coded("OBR", 4);
    let content = gather(envelope, scope, parts, order.as_deref(), None)?;
    let stamp = occurred(scope);
    envelope.occurred_at = stamp.map(|s| s.at);
    let table = Table::read(scope);
    let status = scope.text("OBR", 25, 1).or_else(|| content.statuses.first().cloned());
    let corrected = status.as_deref() == Some("C") || content.statuses.iter().any(|s| s == "C");
    let preliminary = [status.as_deref()]
        .into_iter()
        .flatten()
        .chain(content.statuses.iter().map(String::as_str))
        .any(|s| matches!(s, "P" | "R"));
    if preliminary {
        envelope.warn(NOT_FINAL, "the result is preliminary or not verified");
    }
    if content.statuses.iter().any(|s| s == "W") {
        envelope.warn(
            kakehashi_core::decide::doubt::WRONG_PATIENT,
            "OBX-11 says that a result was sent for a wrong patient",
        );
    }
    // D strikes a row out and W says it was never this patient's: both undo what was posted.
    let undone = content.statuses.iter().any(|s| matches!(s.as_str(), "D" | "W"));
    set_event(envelope, scope, status, corrected || undone);
    if table.rows.is_empty() {
        // Documents come as results too, and must end in the same kind of post (hl7.md 7.2).
        let codes =
            [("OBX", 3), ("OBR", 4)].into_iter().filter_map(|(segment, field)| scope.text(segment, field, 1));
        envelope.document_kind = codes.into_iter().find_map(|code| kind_of(scope, &code));
    }
    let critical = table.critical || content.text.as_deref().is_some_and(|t| t.contains("パニック値"));
    envelope.urgency = Some(match (critical, corrected) {
        (true, _) => Urgency::Emergency,
        (false, true) => Urgency::Urgent,
        (false, false) => Urgency::Normal,
    });
    let name = match (trigger.as_str(), table.rows.is_empty()) {
        ("R30" | "R31" | "R32", _) => "バイタル".to_owned(),
        (_, true) => order.unwrap_or_else(|| "検査結果".to_owned()),
        (_, false) => "検体検査結果".to_owned(),
    };
    envelope.title = Some(match (corrected, critical) {
        (true, _) => format!("{name}（訂正）"),
        (false, true) => format!("{name}（緊急）"),
        (false, false) => name,
    });
    let text = if table.rows.is_empty() { content.text.or(content.cda) } else { Some(table.lines()) };
    let attached = (!envelope.attachments.is_empty()).then(|| "添付の文書をご覧ください。".to_owned());
    let text = text.or(attached);
    let at = stamp.map(Stamp::in_words);
    envelope.body =
        text.map(|text| fill(template!("result"), &[("at", at.as_deref()), ("text", Some(&text))]));
    Ok(())
}

/// Time of collection or examination: the first that is more than a date, else the first date.
fn occurred(scope: &Scope<'_>) -> Option<Stamp> {
    let places: [(&str, usize, usize); 5] =
        [("OBR", 7, 1), ("SPM", 17, 1), ("OBX", 14, 1), ("OBR", 22, 1), ("EVN", 2, 1)];
    let stamps: Vec<Stamp> = places.iter().filter_map(|place| scope.first_stamp(&[*place])).collect();
    let first = *stamps.first()?;
    // A specimen's time beats the mere date of its order; the time of reporting does not.
    let exact = stamps.iter().take(3).find(|s| s.precision == Precision::Time && is_same_day(**s, first));
    Some(exact.copied().unwrap_or(first)).filter(|s| s.precision > Precision::Month)
}

fn is_same_day(a: Stamp, b: Stamp) -> bool {
    a.at.in_japan().date() == b.at.in_japan().date()
}

fn set_event(envelope: &mut Envelope, scope: &Scope<'_>, status: Option<String>, corrected: bool) {
    let Some(event) = envelope.event.as_mut() else { return };
    event.status = status;
    let order =
        scope.text("OBR", 3, 1).or_else(|| scope.text("OBR", 2, 1)).or_else(|| scope.text("ORC", 2, 1));
    event.key = order.map(|order| format!("result:{order}"));
    event.corrects = event.key.clone().filter(|_| corrected);
}

struct Row {
    text: String,
    abnormal: bool,
}

#[derive(Default)]
struct Table {
    rows: Vec<Row>,
    critical: bool,
}

impl Table {
    /// Values with the notes that follow them. Empty for a report, whose OBX are all text or files.
    fn read(scope: &Scope<'_>) -> Self {
        let mut table = Self::default();
        let mut values = 0;
        for segment in scope.view.segments() {
            match segment.name() {
                "OBX" => {
                    let kind = segment.text(2, 1).unwrap_or_default();
                    if kind == "ED" || kind == "RP" {
                        continue;
                    }
                    values += usize::from(!is_text(&kind) || is_short(&segment));
                    table.observation(&segment);
                }
                "NTE" => table.note(&segment),
                _ => {}
            }
            if table.rows.len() >= MAX_ROWS {
                break;
            }
        }
        if values == 0 {
            table.rows.clear();
        }
        table
    }

    fn observation(&mut self, segment: &Segment<'_>) {
        let Some(mut text) = row(segment) else { return };
        if segment.text(11, 1).is_some_and(|s| matches!(s.as_str(), "D" | "W")) {
            text = format!("（取消）{text}");
        }
        let flags = flags(segment);
        self.critical |=
            segment.repeats(8).filter_map(|o| o.text(1)).any(|f| matches!(f.as_str(), "HH" | "LL" | "AA"));
        self.rows.push(Row { text, abnormal: flags.is_some() });
    }

    fn note(&mut self, segment: &Segment<'_>) {
        let note = segment.repeats(3).filter_map(|o| o.whole().text()).collect::<Vec<_>>().join(" ");
        let note = kakehashi_core::text::clean_line(&note, 1000);
        self.critical |= note.contains("パニック値");
        match self.rows.last_mut() {
            Some(row) if !note.is_empty() => {
                row.text.push_str("\n　※ ");
                row.text.push_str(&note);
            }
            _ => {}
        }
    }

    /// Abnormal rows first, else in the sender's order.
    fn lines(&self) -> String {
        let of = |abnormal| self.rows.iter().filter(move |r| r.abnormal == abnormal).map(|r| r.text.as_str());
        of(true).chain(of(false)).collect::<Vec<_>>().join("\n")
    }
}

/// A qualitative value such as `(±)` that came as text, with a unit, a range or a flag.
fn is_short(segment: &Segment<'_>) -> bool {
    let has_measure = [6, 7, 8].into_iter().any(|field| !segment.raw(field).is_empty());
    has_measure && text_value(segment).chars().count() <= 40
}
