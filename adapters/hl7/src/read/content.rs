//! OBX and NTE as text and files (hl7.md 7.3): text joined in order under its headings, values as one
//! line each, embedded files to the part sink. Pointers are never followed and nothing is executed.

use super::files::{Files, is_encoded_file};
use super::scope::Scope;
use super::{DAMAGED, cda};
use crate::embedded::utf16::as_utf8;
use crate::embedded::{Kind, acceptable, keep, left_out};
use crate::markup;
use crate::message::{Segment, Value};
use kakehashi_core::decide::doubt::SEVERAL_PATIENTS;
use kakehashi_core::envelope::Envelope;
use kakehashi_core::port::{PartSink, ReadFault};
use kakehashi_core::text::clean;
use kakehashi_core::text::rtf::{self, Words};

/// Text of one Envelope, in characters.
const MAX_TEXT_CHARS: usize = 200_000;

/// What the OBX of a document say.
#[derive(Default)]
pub(super) struct Content {
    /// Text without outer blank lines, or nothing.
    pub(super) text: Option<String>,
    /// Text found inside an embedded CDA, RTF or HTML file.
    pub(super) cda: Option<String>,
    /// Result status of every OBX, without repetitions.
    pub(super) statuses: Vec<String>,
    /// Every OBX tells a status.
    pub(super) all_states_told: bool,
    /// What the message held and nobody can open here, in words.
    refused: Vec<&'static str>,
}

impl Content {
    /// A line for the team about what is not attached.
    pub(super) fn left_out(&self) -> Option<String> {
        left_out(&self.refused)
    }

    /// One decoded file: its words, and itself as a document of the post, if it may be kept. `names` are the name its sender
    /// gave it and the heading above it.
    pub(super) fn keep(
        &mut self,
        envelope: &mut Envelope,
        parts: &mut dyn PartSink,
        names: (Option<&str>, Option<&str>),
        [declared, subtype]: &[String; 2],
        bytes: &[u8],
    ) -> Result<(), ReadFault> {
        let kind = match acceptable(bytes, declared, subtype) {
            Ok(kind) => kind,
            Err(refused) => {
                envelope.warn(refused.code(), refused.to_string());
                self.refused.push(refused.in_words());
                return Ok(());
            }
        };
        self.read_inside(envelope, kind, bytes, parts)?;
        keep(envelope, parts, &name(names.0, names.1, kind), kind, bytes)?;
        Ok(())
    }

    /// The words inside of a file that people can read without opening it; files inside a CDA are kept
    /// beside it.
    fn read_inside(
        &mut self,
        envelope: &mut Envelope,
        kind: Kind,
        bytes: &[u8],
        parts: &mut dyn PartSink,
    ) -> Result<(), ReadFault> {
        let found = match kind.media_type {
            "application/hl7-cda+xml" => match cda::read(bytes) {
                Ok(document) => {
                    if document.subject.contradicts(&envelope.patient) {
                        let detail = "the embedded CDA is of somebody else than the message";
                        envelope.warn(SEVERAL_PATIENTS, detail);
                    }
                    for (number, file) in document.files.iter().enumerate() {
                        let Ok(kind) = acceptable(file, "", "") else { continue };
                        let name = format!("文書{}.{}", number + 1, kind.extension);
                        keep(envelope, parts, &name, kind, file)?;
                    }
                    document.text
                }
                Err(refused) => {
                    envelope.warn("cda_not_read", refused);
                    None
                }
            },
            "application/rtf" => rtf_text(bytes),
            "text/html" => decoded_text(bytes).map(|html| markup::plain_text(&html)),
            "text/plain" => plain_file(bytes),
            _ => None,
        };
        if self.cda.is_none() {
            self.cda = found.filter(|text| !text.is_empty());
        }
        Ok(())
    }
}

/// The segments of a document into text and attachments. `title` is not repeated as heading;
/// `file_name` is the name that the sender gave to the document.
pub(super) fn gather(
    envelope: &mut Envelope,
    scope: &Scope<'_>,
    parts: &mut dyn PartSink,
    title: Option<&str>,
    file_name: Option<&str>,
) -> Result<Content, ReadFault> {
    let mut content = Content { all_states_told: true, ..Content::default() };
    let mut text = Text { title: title.map(str::to_owned), ..Text::default() };
    let mut files = Files::new(file_name);
    for segment in scope.view.segments() {
        match segment.name() {
            "OBX" => {
                let status = segment.text(11, 1);
                content.all_states_told &= status.is_some();
                // A file that was taken back is attached to nothing any more.
                let is_back = matches!(status.as_deref(), Some("D" | "W"));
                if let Some(status) = status
                    && !content.statuses.contains(&status)
                    && content.statuses.len() < 20
                {
                    content.statuses.push(status);
                }
                match segment.text(2, 1).as_deref() {
                    Some("ED") if is_back => content.refused.push("送信元が取り消した文書"),
                    Some("ED") => files.take(&segment, scope),
                    // A file that somebody put into a text field.
                    kind if is_text(kind.unwrap_or("")) && is_encoded_file(segment.raw(5)) => {
                        files.take(&segment, scope);
                    }
                    Some("RP") => {
                        envelope
                            .warn("reference_not_fetched", "OBX holds a pointer, which is never followed");
                        content.refused.push("病院内の別の場所にある文書");
                    }
                    Some("NA" | "MA") => content.refused.push("波形"),
                    kind => text.observation(&segment, kind.unwrap_or("ST"), is_back),
                }
            }
            "NTE" => text.note(&segment),
            _ => {}
        }
    }
    files.keep(envelope, parts, &mut content)?;
    if text.cut {
        envelope.warn("text_too_long", "the text was cut");
        envelope.warn(DAMAGED, "the text was cut");
    }
    content.text = text.finish();
    Ok(content)
}

#[derive(Default)]
struct Text {
    lines: String,
    chars: usize,
    heading: Option<String>,
    title: Option<String>,
    cut: bool,
}

impl Text {
    fn observation(&mut self, segment: &Segment<'_>, kind: &str, is_back: bool) {
        let mark = if is_back { "（取消）" } else { "" };
        if is_text(kind) {
            let value = text_value(segment);
            if value.trim().is_empty() {
                return;
            }
            let value = format!("{mark}{value}");
            let heading = segment.coded(3).filter(|h| Some(h) != self.title.as_ref());
            let has_own = value.trim_start().starts_with('【');
            if heading != self.heading
                && !has_own
                && let Some(heading) = &heading
            {
                self.push(&format!("【{heading}】"));
            }
            self.heading = heading;
            self.push(value.trim_end());
        } else if let Some(row) = row(segment) {
            self.push(&format!("{mark}{row}"));
        }
    }

    fn note(&mut self, segment: &Segment<'_>) {
        let note = joined(segment, 3);
        if !note.trim().is_empty() {
            self.push(note.trim_end());
        }
    }

    fn push(&mut self, line: &str) {
        let room = MAX_TEXT_CHARS.saturating_sub(self.chars);
        self.chars += line.chars().count() + 1;
        if self.chars > MAX_TEXT_CHARS {
            if !self.cut && room > 0 {
                self.lines.extend(line.chars().take(room));
                self.lines.push_str("…\n");
            }
            self.cut = true;
            return;
        }
        self.lines.push_str(line);
        self.lines.push('\n');
    }

    fn finish(self) -> Option<String> {
        let text = self.lines.trim_matches('\n').trim_end();
        (!text.is_empty()).then(|| text.to_owned())
    }
}

pub(super) fn is_text(kind: &str) -> bool {
    matches!(kind, "TX" | "FT" | "ST" | "")
}

/// OBX-5 of a text type: repetitions are lines, and separators that were not escaped stay.
pub(super) fn text_value(segment: &Segment<'_>) -> String {
    joined(segment, 5)
}

fn joined(segment: &Segment<'_>, field: usize) -> String {
    let lines: Vec<String> = segment.repeats(field).filter_map(|o| o.whole().text()).collect();
    clean(&lines.join("\n"))
}

/// Any other type as one line: name, value, unit, flag, range.
pub(super) fn row(segment: &Segment<'_>) -> Option<String> {
    let value = plain_value(segment)?;
    let name = segment.coded(3).unwrap_or_else(|| "値".to_owned());
    let mut row = format!("{name} {value}");
    if let Some(unit) = segment.text(6, 1) {
        row = format!("{row} {}", unit_in_words(&unit));
    }
    if let Some(flag) = flags(segment) {
        row = format!("{row} ({flag})");
    }
    if let Some(range) = segment.text(7, 1) {
        row = format!("{row} 基準 {range}");
    }
    Some(row)
}

/// Signs of UCUM that no helper knows, as they are written in Japan. The value is never touched.
fn unit_in_words(unit: &str) -> &str {
    match unit {
        "Cel" | "CEL" | "cel" => "℃",
        "mm[Hg]" | "mm(hg)" | "MM[HG]" => "mmHg",
        other => other,
    }
}

/// OBX-8 without `N`; what a drug does against an organism in words.
pub(super) fn flags(segment: &Segment<'_>) -> Option<String> {
    let flags: Vec<String> =
        segment.repeats(8).filter_map(|o| o.text(1)).filter(|f| f != "N").take(5).collect();
    let words = flags.iter().map(|f| match f.as_str() {
        "S" => "感性",
        "I" => "中間",
        "R" => "耐性",
        other => other,
    });
    (!flags.is_empty()).then(|| words.collect::<Vec<_>>().join(","))
}

/// The flags of table 0078 that only sensitivities have.
pub(super) fn is_sensitivity(flag: &str) -> bool {
    matches!(flag, "S" | "I" | "R" | "MS" | "VS" | "NS" | "SDD")
}

fn plain_value(segment: &Segment<'_>) -> Option<String> {
    let kind = segment.text(2, 1).unwrap_or_default();
    let values: Vec<String> = segment
        .repeats(5)
        .filter_map(|o| match kind.as_str() {
            // `<^0.5` and `1^:^128` without their separators.
            "SN" => {
                let parts: Vec<String> = (1..=4).filter_map(|c| o.text(c)).collect();
                Some(parts.concat()).filter(|v| !v.is_empty())
            }
            "CE" | "CWE" | "CNE" | "CF" => o.coded(),
            "XCN" | "XPN" => Some([o.text(2), o.text(3)].into_iter().flatten().collect::<Vec<_>>().join(" ")),
            "DT" | "TS" | "DTM" => o.text(1).map(|t| moment(&t)),
            "TM" => o.text(1).map(|t| time_of_day(&t)),
            "XAD" => {
                let parts: Vec<String> = [8, 3, 4, 1, 2].into_iter().filter_map(|c| o.sub(c, 1)).collect();
                // The whole address in one component (hl7.md section 5), else its parts.
                parts.first().filter(|_| o.sub(8, 1).is_some()).cloned().or_else(|| Some(parts.concat()))
            }
            "NM" | "ST" | "TX" | "FT" | "" => match o.whole() {
                Value::Text(text) => Some(clean(&text).replace('\n', " ").trim().to_owned()),
                Value::Null | Value::Absent => None,
            },
            _ => o.text(1),
        })
        .filter(|v| !v.is_empty())
        .take(50)
        .collect();
    (!values.is_empty()).then(|| values.join("、"))
}

/// A date or time in words where it is one.
fn moment(text: &str) -> String {
    let stamp = crate::time::Stamp::read(text, kakehashi_core::clock::JAPAN);
    stamp.map_or_else(|| text.to_owned(), |stamp| stamp.dated_in_words())
}

/// `0830` as 8:30.
fn time_of_day(text: &str) -> String {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    match (digits.get(..2).and_then(|h| h.parse::<u8>().ok()), digits.get(2..4)) {
        (Some(hour), Some(minute)) if hour < 24 => format!("{hour}:{minute}"),
        _ => text.to_owned(),
    }
}

/// The words of an RTF file; an HTML file in an RTF coat is read as HTML.
fn rtf_text(bytes: &[u8]) -> Option<String> {
    Some(match rtf::words(bytes)? {
        Words::Text(text) => clean(&text),
        Words::Html(html) => markup::plain_text(&html),
    })
}

/// A text file that people read without opening it; UTF-8 as decoded with the message, or what Windows wrote.
fn plain_file(bytes: &[u8]) -> Option<String> {
    decoded_text(bytes).map(|text| clean(&text).trim().to_owned())
}

fn decoded_text(bytes: &[u8]) -> Option<String> {
    let decoded = crate::charset::decode(&as_utf8(bytes), None, None).ok()?;
    (!decoded.text.contains('\u{fffd}')).then_some(decoded.text)
}

fn name(stated: Option<&str>, heading: Option<&str>, kind: Kind) -> String {
    match stated {
        Some(stated) => stated.replace(['/', '\\'], "・"),
        None => format!("{}.{}", heading.unwrap_or("添付").replace(['/', '\\'], "・"), kind.extension),
    }
}
