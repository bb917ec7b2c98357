//! OBX and NTE as text and files (hl7.md 7.3): text joined in order under its headings, values as one
//! line each, embedded files to the part sink. Pointers are never followed and nothing is executed.

use super::scope::Scope;
use super::{DAMAGED, cda};
use crate::embedded::{Encoding, Kind, acceptable, decode, decode_wrapped, keep, kind_of, left_out, strip};
use crate::header::ascii;
use crate::markup;
use crate::message::{Segment, Value};
use kakehashi_core::decide::doubt::SEVERAL_PATIENTS;
use kakehashi_core::envelope::Envelope;
use kakehashi_core::port::{PartSink, ReadFault};
use kakehashi_core::text::clean;
use kakehashi_core::text::rtf::{self, Words};
use std::borrow::Cow;

/// Text of one Envelope, in characters.
const MAX_TEXT_CHARS: usize = 200_000;
/// Files of one Envelope.
const MAX_FILES: usize = 100;

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

/// One ED value as it stands in the message, not yet decoded.
struct File<'m> {
    key: (Option<String>, Option<String>),
    name: Option<String>,
    declared: [String; 2],
    encoding: Encoding,
    escape: u8,
    data: Cow<'m, [u8]>,
}

struct Files<'m> {
    found: Vec<File<'m>>,
    file_name: Option<String>,
    left_out: bool,
}

impl<'m> Files<'m> {
    fn new(file_name: Option<&str>) -> Self {
        Self { found: Vec::new(), file_name: file_name.map(str::to_owned), left_out: false }
    }

    fn take(&mut self, segment: &Segment<'m>, scope: &Scope<'_>) {
        let separators = scope.view.message().separators();
        let raw: &'m str = segment.raw(5);
        // A repetition separator that is a letter of base64 cannot separate anything here.
        let repeats = !matches!(separators.repetition, '+' | '/' | '=');
        let values: Vec<&'m str> =
            if repeats { raw.split(separators.repetition).collect() } else { vec![raw] };
        for value in values {
            if self.found.len() >= MAX_FILES {
                self.left_out = true;
                return;
            }
            let components: Vec<&'m str> = value.splitn(5, separators.component).collect();
            let (encoding, data) = match components[..] {
                [_, _, _, encoding, data] => (Encoding::read(encoding), data),
                // Senders that leave out everything but the data, or write it as a data address.
                [data] => (Encoding::Base64, after_data_address(data)),
                _ => continue,
            };
            if data.is_empty() || data == "\"\"" {
                continue;
            }
            let part =
                |at: usize| components.get(at).filter(|_| components.len() == 5).copied().unwrap_or("");
            let data = if encoding == Encoding::Literal {
                let text = crate::message::unescape::unescape(data, &separators, scope.view.message().used());
                Cow::Owned(text.into_bytes())
            } else {
                Cow::Borrowed(data.as_bytes())
            };
            self.found.push(File {
                key: (segment.text(3, 1).or_else(|| segment.coded(3)), segment.text(4, 1)),
                name: segment.coded(3),
                declared: [part(1).to_owned(), part(2).to_owned()],
                encoding,
                escape: ascii(separators.escape),
                data,
            });
        }
    }

    fn keep(
        self,
        envelope: &mut Envelope,
        parts: &mut dyn PartSink,
        content: &mut Content,
    ) -> Result<(), ReadFault> {
        if self.left_out {
            envelope.warn("too_many_files", "embedded files over the limit were left out");
            envelope.warn(DAMAGED, "embedded files over the limit were left out");
        }
        let groups = self.found.into_iter().fold(Vec::new(), by_key);
        let only = matches!(&groups[..], [one] if one.len() == 1);
        // One group after the other, so that no more than one file is in memory decoded.
        for (file, bytes) in groups.into_iter().flat_map(join) {
            let Some(bytes) = bytes else {
                envelope.warn("embedded_file_damaged", "an embedded file could not be decoded");
                envelope.warn(DAMAGED, "an embedded file could not be decoded");
                continue;
            };
            let [declared, subtype] = &file.declared;
            let kind = match acceptable(&bytes, declared, subtype) {
                Ok(kind) => kind,
                Err(refused) => {
                    envelope.warn(refused.code(), refused.to_string());
                    content.refused.push(refused.in_words());
                    continue;
                }
            };
            content.read_inside(envelope, kind, &bytes, parts)?;
            let name = name(self.file_name.as_deref().filter(|_| only), file.name.as_deref(), kind);
            keep(envelope, parts, &name, kind, &bytes)?;
        }
        Ok(())
    }
}

/// `data:application/pdf;base64,JVBE…` without what stands before the data.
fn after_data_address(data: &str) -> &str {
    let address = data.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,"));
    address.map_or(data, |(_, data)| data)
}

/// Base64 that is certainly a file: nobody writes so many letters of it into a sentence.
fn is_encoded_file(raw: &str) -> bool {
    const LEAST: usize = 64;
    let start = raw.trim_start().as_bytes().get(..LEAST);
    let Some(start) =
        start.filter(|s| s.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/')))
    else {
        return false;
    };
    let decoded = decode(start, Encoding::Base64);
    decoded.and_then(|bytes| kind_of(&bytes, "", "")).is_none_or(|kind| kind.certain)
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
    let decoded = crate::charset::decode(bytes, None, None).ok()?;
    (!decoded.text.contains('\u{fffd}')).then_some(decoded.text)
}

fn name(stated: Option<&str>, heading: Option<&str>, kind: Kind) -> String {
    match stated {
        Some(stated) => stated.to_owned(),
        None => format!("{}.{}", heading.unwrap_or("添付").replace(['/', '\\'], "・"), kind.extension),
    }
}

/// Neighbours with equal OBX-3 and OBX-4 may be parts of one file.
fn by_key<'m>(mut groups: Vec<Vec<File<'m>>>, file: File<'m>) -> Vec<Vec<File<'m>>> {
    match groups.last_mut() {
        Some(group) if group.first().is_some_and(|f| f.key == file.key && f.encoding == file.encoding) => {
            group.push(file);
        }
        _ => groups.push(vec![file]),
    }
    groups
}

/// Joins parts: a part that does not begin a file of a known kind belongs to the one before.
fn join(group: Vec<File<'_>>) -> Vec<(File<'_>, Option<Vec<u8>>)> {
    let mut parts: Vec<(File<'_>, Option<Vec<u8>>)> = Vec::new();
    for file in group {
        let bytes = decode_wrapped(&file.data, file.encoding, file.escape);
        parts.push((file, bytes));
    }
    // Where the text was cut anywhere, only the parts together decode.
    if parts.len() > 1 && parts.iter().any(|(_, bytes)| bytes.is_none()) {
        let plain: Option<Vec<Vec<u8>>> =
            parts.iter().map(|(f, _)| strip(&f.data, f.encoding, f.escape)).collect();
        let encoding = parts[0].0.encoding;
        if let Some(whole) = plain.and_then(|p| decode(&p.concat(), encoding)) {
            return parts.into_iter().next().map(|(first, _)| (first, Some(whole))).into_iter().collect();
        }
    }
    let mut wholes: Vec<(File<'_>, Option<Vec<u8>>)> = Vec::new();
    for (file, bytes) in parts {
        let continues = bytes.as_deref().is_some_and(|b| kind_of(b, "", "").is_some_and(|k| !k.certain));
        match wholes.last_mut() {
            Some((_, Some(before))) if continues => before.extend(bytes.unwrap_or_default()),
            _ => wholes.push((file, bytes)),
        }
    }
    wholes
}
