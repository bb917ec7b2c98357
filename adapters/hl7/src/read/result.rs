//! ORU and OUL: results (hl7.md section 9). A table of values with what is abnormal first, or the text
//! of a report with its files. Values and units are shown as sent; the absence of a flag says nothing.

use super::DAMAGED;
use super::content::{flags, gather, is_sensitivity, is_text, row, text_value};
use super::document::kind_of;
use super::scope::Scope;
use super::wording::{fill, template};
use crate::message::Segment;
use crate::time::{Precision, Stamp};
use kakehashi_core::envelope::Envelope;
use kakehashi_core::port::{PartSink, ReadFault};
use kakehashi_core::text::fold::widen_kana;
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
    if table.is_empty() {
        // Documents come as results too, and must end in the same kind of post (hl7.md 7.2).
        let codes =
            [("OBX", 3), ("OBR", 4)].into_iter().filter_map(|(segment, field)| scope.text(segment, field, 1));
        envelope.document_kind = codes.into_iter().find_map(|code| kind_of(scope, &code));
    }
    let critical = table.critical || content.text.as_deref().is_some_and(tells_panic);
    envelope.urgency = Some(match (critical, corrected || undone) {
        (true, _) => Urgency::Emergency,
        (false, true) => Urgency::Urgent,
        (false, false) => Urgency::Normal,
    });
    let name = match (trigger.as_str(), table.is_empty()) {
        ("R30" | "R31" | "R32", _) if order.is_none() || tells_vitals(scope) => "バイタル".to_owned(),
        ("R30" | "R31" | "R32", _) => order.unwrap_or_else(|| "検査結果".to_owned()),
        (_, true) => order.unwrap_or_else(|| "検査結果".to_owned()),
        (_, false) if table.is_examination() => order.unwrap_or_else(|| "検査結果".to_owned()),
        (_, false) => "検体検査結果".to_owned(),
    };
    // Every row taken back, or no row left to show: nothing of it stands any more.
    let withdrawn = undone && content.statuses.iter().all(|s| matches!(s.as_str(), "D" | "W" | "X"));
    envelope.title = Some(match (withdrawn, corrected || undone, critical) {
        (true, _, _) => format!("{name}（取消）"),
        (false, true, _) => format!("{name}（訂正）"),
        (false, false, true) => format!("{name}（緊急）"),
        (false, false, false) => name,
    });
    let left_out = content.left_out();
    let text = if table.is_empty() { content.text.or(content.cda) } else { Some(table.lines()) };
    let attached = (!envelope.attachments.is_empty()).then(|| "添付の文書をご覧ください。".to_owned());
    let text = text.or(attached);
    let text = [text, left_out].into_iter().flatten().collect::<Vec<_>>().join("\n");
    if text.is_empty() {
        envelope.warn("result_empty", "the result has no value, no text and no file");
        envelope.warn(DAMAGED, "the result has no value, no text and no file");
    }
    let at = stamp.map(Stamp::in_words);
    let template = if withdrawn { template!("result_cancelled") } else { template!("result") };
    envelope.body =
        (!text.is_empty()).then(|| fill(template, &[("at", at.as_deref()), ("text", Some(&text))]));
    Ok(())
}

/// Blood pressure, pulse, temperature and the like, by code (JLAC10 class 9, LOINC) or by name. What else is
/// measured at the bedside, such as blood glucose, is called what was ordered.
fn tells_vitals(scope: &Scope<'_>) -> bool {
    const LOINC: [&str; 8] =
        ["8480-6", "8462-4", "8867-4", "8310-5", "9279-1", "59408-5", "2708-6", "85354-9"];
    const NAMES: [&str; 7] = ["血圧", "脈拍", "心拍", "体温", "SpO2", "ＳｐＯ２", "呼吸数"];
    scope.view.all("OBX").any(|obx| {
        let code = obx.text(3, 1).unwrap_or_default();
        let name = obx.coded(3).unwrap_or_default();
        (code.len() == 17 && code.starts_with('9'))
            || LOINC.contains(&code.as_str())
            || NAMES.iter().any(|vital| name.contains(vital))
    })
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

/// The rows of one order.
#[derive(Default)]
struct Group {
    /// What was ordered.
    name: Option<String>,
    specimen: Option<String>,
    rows: Vec<Row>,
    /// Longer texts between the values, each under its name.
    texts: Vec<String>,
    /// Organisms and their sensitivities belong together: nothing may be moved.
    keeps_order: bool,
    /// The last OBX was not shown, so that its notes are not shown either.
    skipped: bool,
}

#[derive(Default)]
struct Table {
    groups: Vec<Group>,
    count: usize,
    critical: bool,
}

impl Table {
    /// Values with the notes that follow them. Empty for a report, whose OBX are texts or files and at most
    /// some dates or names beside them.
    fn read(scope: &Scope<'_>) -> Self {
        let mut table = Self::default();
        let (mut values, mut others, mut texts) = (0, 0, 0);
        let mut specimen = None;
        for segment in scope.view.segments() {
            match segment.name() {
                "SPM" => specimen = segment.coded(4),
                "OBR" => {
                    let specimen = specimen.take().or_else(|| segment.coded(15));
                    table.groups.push(Group { name: segment.coded(4), specimen, ..Group::default() });
                }
                "OBX" => {
                    let kind = segment.text(2, 1).unwrap_or_default();
                    // Files, pointers and waveforms are no values.
                    if matches!(kind.as_str(), "ED" | "RP" | "NA" | "MA") {
                        continue;
                    }
                    match (is_text(&kind), is_measure(&segment)) {
                        (true, false) => texts += 1,
                        (true, true) if !is_short(&segment) => texts += 1,
                        (_, true) => values += 1,
                        (false, false) => match kind.as_str() {
                            "NM" | "SN" => values += 1,
                            _ => others += 1,
                        },
                    }
                    table.observation(&segment, &kind);
                }
                "NTE" => table.note(&segment),
                _ => {}
            }
            if table.count >= MAX_ROWS {
                break;
            }
        }
        if values == 0 && (texts > 0 || others == 0) {
            table.groups.clear();
        }
        table.groups.retain(|g| !g.rows.is_empty() || !g.texts.is_empty());
        table
    }

    fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// One examination with its findings, such as an echocardiogram, and no list of values.
    fn is_examination(&self) -> bool {
        matches!(self.groups.as_slice(), [one] if !one.texts.is_empty() && !one.keeps_order && one.rows.len() <= 20)
    }

    fn group(&mut self) -> Option<&mut Group> {
        if self.groups.is_empty() {
            self.groups.push(Group::default());
        }
        self.groups.last_mut()
    }

    fn observation(&mut self, segment: &Segment<'_>, kind: &str) {
        let status = segment.text(11, 1);
        let withdrawn = matches!(status.as_deref(), Some("D" | "W"));
        let found: Vec<String> = segment.repeats(8).filter_map(|o| o.text(1)).collect();
        // What was taken back is no danger any more.
        let is_critical = |f: &String| matches!(f.to_ascii_uppercase().as_str(), "HH" | "LL" | "AA");
        self.critical |= !withdrawn && found.iter().any(is_critical);
        let abnormal = flags(segment).is_some();
        let sensitivity = found.iter().any(|f| is_sensitivity(f));
        let long = is_text(kind) && !is_short(segment);
        let text = if long { long_text(segment) } else { row(segment) };
        let text = text.or_else(|| {
            // Asked for and without a result: said, because silence would read as normal.
            (status.as_deref() == Some("X"))
                .then(|| format!("{} （結果なし）", segment.coded(3).unwrap_or_else(|| "値".to_owned())))
        });
        let Some(group) = self.group() else { return };
        group.keeps_order |= sensitivity;
        group.skipped = text.is_none();
        let Some(text) = text else { return };
        let text = if withdrawn { format!("（取消）{text}") } else { text };
        if long && text.contains('\n') {
            group.texts.push(text);
        } else {
            group.rows.push(Row { text, abnormal });
        }
        self.count += 1;
    }

    fn note(&mut self, segment: &Segment<'_>) {
        let note = segment.repeats(3).filter_map(|o| o.whole().text()).collect::<Vec<_>>().join(" ");
        let note = kakehashi_core::text::clean_line(&note, 1000);
        self.critical |= tells_panic(&note);
        let Some(group) = self.groups.last_mut().filter(|g| !note.is_empty() && !g.skipped) else { return };
        match group.rows.last_mut() {
            Some(row) => {
                row.text.push_str("\n　※ ");
                row.text.push_str(&note);
            }
            // Before the first value it speaks of the whole order.
            None => group.texts.push(format!("※ {note}")),
        }
    }

    /// The orders one after the other, each with its name where there are several; abnormal rows first,
    /// else in the sender's order.
    fn lines(&self) -> String {
        let several = self.groups.len() > 1;
        let mut lines: Vec<&str> = Vec::new();
        let heads: Vec<Option<String>> = self.groups.iter().map(|g| g.heading(several)).collect();
        for (group, head) in self.groups.iter().zip(&heads) {
            lines.extend(head.as_deref());
            if group.keeps_order {
                lines.extend(group.rows.iter().map(|r| r.text.as_str()));
            } else {
                let of = |abnormal| {
                    group.rows.iter().filter(move |r| r.abnormal == abnormal).map(|r| r.text.as_str())
                };
                lines.extend(of(true).chain(of(false)));
            }
            lines.extend(group.texts.iter().map(String::as_str));
        }
        lines.join("\n")
    }
}

impl Group {
    /// What was examined: `【一般細菌培養】材料: 喀痰`.
    fn heading(&self, several: bool) -> Option<String> {
        let specimen = self.specimen.as_deref().map(|s| format!("材料: {s}"));
        match (&self.name, specimen) {
            (Some(name), Some(specimen)) if several || self.keeps_order => {
                Some(format!("【{name}】{specimen}"))
            }
            (Some(name), _) if several || self.keeps_order => Some(format!("【{name}】")),
            _ => None,
        }
    }
}

/// 「パニック値」, in half-width kana too; not where the words say that it is none.
fn tells_panic(text: &str) -> bool {
    let text = widen_kana(text);
    const NONE: [&str; 7] =
        ["なし", "無し", "ではな", "ではありませ", "に該当しな", "に該当しませ", "該当なし"];
    let mut found = text.match_indices("パニック値").map(|(at, word)| &text[at + word.len()..]);
    found.any(|after| !NONE.iter().any(|none| after.starts_with(none)))
}

/// A unit, a range or a flag.
fn is_measure(segment: &Segment<'_>) -> bool {
    [6, 7, 8].into_iter().any(|field| !segment.raw(field).is_empty())
}

/// A text that fits into a row, such as `(±)` or `3+`.
fn is_short(segment: &Segment<'_>) -> bool {
    let value = text_value(segment);
    !value.trim().contains('\n') && value.chars().count() <= 40
}

/// A longer text under the name of its OBX, lines kept.
fn long_text(segment: &Segment<'_>) -> Option<String> {
    let value = text_value(segment);
    let value = value.trim();
    let name = segment.coded(3);
    (!value.is_empty()).then(|| match name {
        Some(name) if !value.starts_with('【') => format!("【{name}】\n{value}"),
        _ => value.to_owned(),
    })
}
