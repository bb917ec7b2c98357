//! Raw bytes to a [`Mail`]: MIME structure by mail-parser, everything that it decodes wrongly for
//! Japanese mail decoded again from the raw bytes (charsets, encoded words, RFC 2231, broken base64).
//! Total and bounded: nesting, parts, headers and text have limits, and what exceeds the structural
//! ones is refused before a structure is built. It never interprets the text.

use super::address;
use super::charset;
use super::detached::{self, Detached};
use super::flowed;
use super::html;
use super::params::{self, Params};
use super::transfer::{self, Transfer};
use super::unpack::Content;
use super::words::{HeaderText, decode_header};
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::envelope::{ContentHash, Warning};
use kakehashi_core::mail::{Mail, MailAddress, MailPart};
use kakehashi_core::port::{ReadFault, clean_file_name};
use kakehashi_core::raw_bytes::RawBytes;
use kakehashi_core::text::{clean, clean_line};
use kakehashi_core::unreadable::{Unreadable, UnreadableCode};
use mail_parser::{Encoding, Header, MessageParser, MessagePart, PartType};
use std::sync::LazyLock;

/// Largest mail that is read.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;
/// Most attached and inline parts that are kept.
pub const MAX_PARTS: usize = 200;
/// Multipart and enclosed-message headings in one mail; more is an attack on readers.
const MAX_CONTAINERS: usize = 100;
/// Runs of `--`, each of which could be a boundary.
const MAX_BOUNDARY_LIKE: usize = 200_000;
/// Containers times bytes.
const MAX_SEARCH_STEPS: u64 = 2_000_000_000;
const MAX_HEADERS: usize = 1_000;
const MAX_HEADER_BYTES: usize = 64 * 1024;
const MAX_ALL_HEADERS_BYTES: usize = 1024 * 1024;
const MAX_TEXT_BYTES: usize = 1024 * 1024;
const MAX_WARNINGS: usize = 50;

/// Decodes one mail.
///
/// # Errors
/// [`Unreadable`] if there are no bytes, no header of a mail, or a structure beyond our limits.
pub fn parse_mail(bytes: &[u8]) -> Result<Mail, Unreadable> {
    parse_at(bytes, 0)
}

/// [`parse_mail`] for the bytes of an intake: those of a large mail stay on the disk, and its files are
/// decoded while it is read from there.
///
/// # Errors
/// As [`parse_mail`], and [`ReadFault::Part`] if the disk does not give the bytes.
pub fn parse_raw(raw: &RawBytes) -> Result<Mail, ReadFault> {
    if let Some(held) = raw.held() {
        return Ok(parse_mail(held)?);
    }
    refuse_size(raw.len())?;
    let (rest, detached) = detached::detach(raw)?;
    parse_around(&rest, raw.content_hash().clone(), detached, 0)
}

/// [`parse_mail`] with the number of signed mails that stand around this one.
pub(super) fn parse_at(bytes: &[u8], depth: u8) -> Result<Mail, Unreadable> {
    refuse_size(bytes.len())?;
    parse_around(bytes, ContentHash::of(bytes), Detached::default(), depth).map_err(|fault| match fault {
        ReadFault::Unreadable(unreadable) => unreadable,
        // Nothing was detached, so nothing is asked of a disk.
        ReadFault::Part(fault) => Unreadable::new(UnreadableCode::Damaged, fault.0),
    })
}

fn refuse_size(bytes: usize) -> Result<(), Unreadable> {
    if bytes > MAX_BYTES {
        return Err(Unreadable::new(UnreadableCode::TooLarge, format!("more than {MAX_BYTES} bytes")));
    }
    Ok(())
}

/// The mail of which these bytes are the structure, with the files that were taken out of it before.
fn parse_around(
    bytes: &[u8],
    content_hash: ContentHash,
    detached: Detached,
    depth: u8,
) -> Result<Mail, ReadFault> {
    let start = start_of_mail(bytes);
    let raw = &bytes[start..];
    if raw.trim_ascii().is_empty() {
        return Err(Unreadable::new(UnreadableCode::Empty, "no bytes of a mail").into());
    }
    refuse_bombs(raw)?;
    let Some(mut message) = structure(raw)? else {
        return Err(Unreadable::new(UnreadableCode::UnknownFormat, "no mail header at the start").into());
    };
    let mut reading = Reading {
        raw,
        detached,
        fault: None,
        warnings: Vec::new(),
        text: String::new(),
        text_from_html: false,
        parts: Vec::new(),
    };
    if start > 0 {
        reading.warn("leading_bytes_dropped", "lines before the first header were ignored");
    }
    let headers = reading.headers(&message.root_part().headers);
    if !headers.iter().any(|(name, _)| is_mail_header(name)) {
        return Err(Unreadable::new(UnreadableCode::UnknownFormat, "no header that mails have").into());
    }
    refuse_fragment(&headers)?;
    reading.body(&mut message);
    if let Some(fault) = reading.fault.take() {
        return Err(fault.into());
    }
    let root = message.root_part();
    let mut notes = HeaderText::default();
    let from = reading
        .raw_header(&root.headers, "From")
        .map(|raw| address::parse(raw, &mut notes))
        .filter(|list| !list.is_empty())
        .or_else(|| reading.raw_header(&root.headers, "Sender").map(|raw| address::parse(raw, &mut notes)));
    if from.as_ref().is_some_and(|list| list.len() > 1) {
        reading.warn("several_authors", "From names more than one address; the first is taken");
    }
    let to: Vec<MailAddress> = root
        .headers
        .iter()
        .filter(|h| h.name().eq_ignore_ascii_case("To") || h.name().eq_ignore_ascii_case("Cc"))
        .filter_map(|h| reading.value_of(h))
        .flat_map(|raw| address::parse(raw, &mut notes))
        .take(500)
        .collect();
    reading.note(&notes);
    let find =
        |name: &str| headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str());
    let subject = find("Subject").map(|s| clean_line(s, 1_000)).filter(|s| !s.is_empty());
    let message_id = find("Message-ID").and_then(|v| message_ids(v).into_iter().next());
    let date = message.date().filter(|d| d.is_valid()).and_then(|d| {
        let at = d.to_timestamp().checked_mul(1_000_000).map(UtcMicros::from_micros)?;
        // Years that no database and no calendar of ours can show.
        (1970..=2200).contains(&d.year).then_some(at)
    });
    if date.is_none() && find("Date").is_some() {
        reading.warn("date_unreadable", "the Date header is not a date");
    }
    let mut in_reply_to: Vec<String> = find("In-Reply-To").map(message_ids).unwrap_or_default();
    in_reply_to.extend(find("References").map(message_ids).unwrap_or_default().into_iter().rev());
    let mut seen = std::collections::HashSet::new();
    in_reply_to.retain(|id| seen.insert(id.clone()));
    in_reply_to.truncate(100);
    let Reading { warnings, text, text_from_html, parts, .. } = reading;
    let Content { text, text_from_html, parts, warnings } =
        Content { text, text_from_html, parts, warnings }.unwrapped(depth);
    Ok(Mail {
        content_hash,
        message_id,
        from: from.and_then(|list| list.into_iter().next()),
        to,
        subject,
        date,
        in_reply_to,
        headers,
        text,
        text_from_html,
        parts,
        warnings,
    })
}

/// Refuses a piece of a mail (`message/partial`, RFC 2046 5.2.2): pieces are an old way around scanners,
/// and no mailer in use makes them. A body that lies elsewhere (5.2.3) is never fetched.
fn refuse_fragment(headers: &[(String, String)]) -> Result<(), Unreadable> {
    let kind = headers.iter().find(|(n, _)| n.eq_ignore_ascii_case("Content-Type"));
    let kind = kind.map(|(_, v)| params::value(v.as_bytes())).unwrap_or_default();
    match kind.as_str() {
        "message/partial" => Err(Unreadable::new(
            UnreadableCode::Unsupported,
            "a piece of a mail (message/partial); the sender must send it whole",
        )),
        "message/external-body" => Err(Unreadable::new(
            UnreadableCode::Unsupported,
            "the mail only points to a text elsewhere (message/external-body), which is never fetched",
        )),
        _ => Ok(()),
    }
}

/// The MIME structure. mail-parser is fenced: a mail on which it stumbles is refused like any other
/// damage and does not take the reader along.
fn structure(raw: &[u8]) -> Result<Option<mail_parser::Message<'_>>, Unreadable> {
    /// Only what the structure needs is interpreted by it: names, addresses and words are decoded here.
    static PARSER: LazyLock<MessageParser> =
        LazyLock::new(|| MessageParser::new().with_mime_headers().with_date_headers().default_header_raw());
    std::panic::catch_unwind(|| PARSER.parse(raw))
        .map_err(|_| Unreadable::new(UnreadableCode::Damaged, "the MIME structure contradicts itself"))
}

/// Skips a byte order mark, blank lines and an mbox `From ` line.
fn start_of_mail(bytes: &[u8]) -> usize {
    let mut at = if bytes.starts_with(&[0xef, 0xbb, 0xbf]) { 3 } else { 0 };
    while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    let rest = &bytes[at..];
    if rest.starts_with(b"From ") || rest.starts_with(b">From ") {
        return at + rest.iter().position(|b| *b == b'\n').map_or(rest.len(), |i| i + 1);
    }
    at
}

/// Refuses what would cost a structural parser depth or quadratic time. One linear pass.
fn refuse_bombs(raw: &[u8]) -> Result<(), Unreadable> {
    let (mut containers, mut boundaries, mut run, mut after_run) = (0_usize, 0_usize, 0_usize, 0_usize);
    for i in memchr::memchr2_iter(b'-', b'/', raw) {
        if i != after_run || raw[i] == b'/' {
            if run >= 2 {
                boundaries += 1.max(run / 3);
            }
            run = 0;
        }
        if raw[i] == b'-' {
            run += 1;
            after_run = i + 1;
        } else {
            let before = &raw[i.saturating_sub(9)..i];
            if ends_with_ignoring_case(before, b"multipart") || ends_with_ignoring_case(before, b"message") {
                containers += 1;
            }
        }
    }
    // Each container may cost the parser one search to the end for a boundary that is not there.
    let steps = (containers as u64).saturating_mul(raw.len() as u64);
    if containers > MAX_CONTAINERS || boundaries > MAX_BOUNDARY_LIKE || steps > MAX_SEARCH_STEPS {
        return Err(Unreadable::new(
            UnreadableCode::TooLarge,
            format!("MIME structure beyond {MAX_CONTAINERS} containers or {MAX_BOUNDARY_LIKE} boundaries"),
        ));
    }
    Ok(())
}

fn ends_with_ignoring_case(bytes: &[u8], suffix: &[u8]) -> bool {
    bytes.len() >= suffix.len() && bytes[bytes.len() - suffix.len()..].eq_ignore_ascii_case(suffix)
}

fn is_mail_header(name: &str) -> bool {
    const KNOWN: &[&str] = &[
        "from",
        "to",
        "cc",
        "subject",
        "date",
        "message-id",
        "received",
        "mime-version",
        "content-type",
        "return-path",
        "sender",
        "reply-to",
        "delivered-to",
        "x-mailer",
        "in-reply-to",
        "references",
    ];
    KNOWN.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Message-IDs of a header without brackets; without any brackets, words with an `@` in them.
pub(crate) fn message_ids(value: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = value;
    while let Some(start) = rest.find('<') {
        let Some(end) = rest[start..].find('>') else { break };
        found.extend(message_id(&rest[start + 1..start + end]));
        rest = &rest[start + end + 1..];
        if found.len() == 200 {
            return found;
        }
    }
    if found.is_empty() {
        found.extend(
            value.split([' ', ',', '\t']).filter(|w| w.contains('@')).take(200).filter_map(message_id),
        );
    }
    found
}

fn message_id(text: &str) -> Option<String> {
    let id: String =
        text.chars().filter(|c| !c.is_whitespace() && !c.is_control() && !matches!(c, '<' | '>')).collect();
    (!id.is_empty() && id.len() <= 500).then_some(id)
}

struct Reading<'a> {
    raw: &'a [u8],
    detached: Detached,
    /// The disk did not give what was taken out.
    fault: Option<std::io::Error>,
    warnings: Vec<Warning>,
    text: String,
    text_from_html: bool,
    parts: Vec<MailPart>,
}

impl<'a> Reading<'a> {
    fn warn(&mut self, code: &str, detail: &str) {
        let known = self.warnings.iter().any(|w| w.code == code && w.detail == detail);
        if !known && self.warnings.len() < MAX_WARNINGS {
            self.warnings.push(Warning { code: code.to_owned(), detail: detail.to_owned() });
        }
    }

    fn note(&mut self, notes: &HeaderText) {
        if notes.raw_bytes {
            self.warn("header_charset_guessed", "a header holds bytes without a declared character set");
        }
        if notes.repaired {
            self.warn("header_repaired", "an encoded word was cut, mislabelled or damaged");
        }
        if notes.pictograms > 0 {
            self.warn("pictogram_replaced", "characters that only the sender's device knows are shown as 〓");
        }
    }

    fn value_of(&self, header: &Header<'_>) -> Option<&'a [u8]> {
        let (start, end) = (header.offset_start as usize, header.offset_end as usize);
        self.raw.get(start..end.min(start + MAX_HEADER_BYTES))
    }

    fn raw_header(&self, headers: &[Header<'_>], name: &str) -> Option<&'a [u8]> {
        headers.iter().find(|h| h.name().eq_ignore_ascii_case(name)).and_then(|h| self.value_of(h))
    }

    fn headers(&mut self, headers: &[Header<'_>]) -> Vec<(String, String)> {
        let mut out = Vec::new();
        let mut size = 0;
        for header in headers {
            let Some(raw) = self.value_of(header) else { continue };
            size += raw.len();
            if out.len() == MAX_HEADERS || size > MAX_ALL_HEADERS_BYTES {
                self.warn("headers_dropped", "too many or too large headers; the rest was ignored");
                break;
            }
            if header.offset_end as usize - header.offset_start as usize > MAX_HEADER_BYTES {
                self.warn("header_shortened", "a header was longer than 64 KiB");
            }
            let name =
                self.raw.get(header.offset_field as usize..(header.offset_start as usize).saturating_sub(1));
            let plain = |n: &[u8]| n.len() <= 100 && n.iter().all(u8::is_ascii_graphic);
            let name = match name {
                Some(name) if plain(name) => String::from_utf8_lossy(name).into_owned(),
                Some(name) => clean_line(&String::from_utf8_lossy(name), 100),
                None => header.name().to_owned(),
            };
            let text = decode_header(raw);
            self.note(&text);
            out.push((name, text.text));
        }
        out
    }

    fn body(&mut self, message: &mut mail_parser::Message<'_>) {
        for id in message.text_body.iter().take(MAX_PARTS) {
            self.readable(message, *id);
        }
        if self.text.is_empty() {
            // Some telephones send an empty plain text beside the HTML that holds the words.
            for id in message.html_body.iter().filter(|id| !message.text_body.contains(id)).take(MAX_PARTS) {
                self.readable(message, *id);
            }
        }
        for id in std::mem::take(&mut message.attachments) {
            if self.parts.len() == MAX_PARTS {
                self.warn("parts_dropped", "more than 200 parts; the rest was ignored");
                break;
            }
            // A text part that mail-parser lists on both sides has been taken as text already.
            let taken = message.text_body.contains(&id);
            let Some(part) = message.parts.get_mut(id as usize) else { continue };
            if taken && part.is_text() {
                continue;
            }
            if part.is_text() && self.content_type(part).value.starts_with("multipart/") {
                self.warn(
                    "multipart_without_boundary",
                    "a part says that it has parts, but none could be told apart",
                );
                self.text_part(part, false);
            } else {
                self.attached(part);
            }
        }
        let text = clean(&self.text);
        let trimmed = text.trim_end().trim_start_matches('\n');
        self.text = trimmed.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    }

    fn readable(&mut self, message: &mail_parser::Message<'_>, id: u32) {
        let Some(part) = message.part(id) else { return };
        match &part.body {
            PartType::Text(_) => self.text_part(part, false),
            PartType::Html(_) => self.text_part(part, true),
            _ => {}
        }
    }

    fn content_type(&self, part: &MessagePart<'_>) -> Params {
        self.raw_header(&part.headers, "Content-Type").map(params::parse).unwrap_or_default()
    }

    fn transfer(&self, part: &MessagePart<'_>) -> Transfer {
        self.raw_header(&part.headers, "Content-Transfer-Encoding")
            .map_or(Transfer::Plain, |raw| Transfer::from_header(&String::from_utf8_lossy(raw)))
    }

    fn body_of(&self, part: &MessagePart<'_>) -> &'a [u8] {
        let (start, end) = (part.offset_body as usize, part.offset_end as usize);
        self.raw.get(start..end.max(start)).unwrap_or_default()
    }

    fn decoded(&mut self, part: &MessagePart<'_>) -> Vec<u8> {
        let body = self.body_of(part);
        let transfer = self.transfer(part);
        let sent = match transfer {
            Transfer::Base64 => Ok(None),
            Transfer::Plain | Transfer::QuotedPrintable => self.detached.put_back_sent(body),
        };
        let sent = self.of_disk(sent);
        let (bytes, repaired) = transfer::decode(sent.as_deref().unwrap_or(body), transfer);
        drop(sent);
        if repaired {
            self.warn(
                "transfer_encoding_repaired",
                "a part is damaged in its base64 or quoted-printable form",
            );
        }
        if transfer == Transfer::Base64 { self.put_back(part, bytes) } else { bytes }
    }

    fn put_back(&mut self, part: &MessagePart<'_>, bytes: Vec<u8>) -> Vec<u8> {
        let put_back = self.detached.put_back_decoded(self.body_of(part), bytes);
        self.of_disk(put_back)
    }

    fn of_disk<T: Default>(&mut self, given: std::io::Result<T>) -> T {
        given.unwrap_or_else(|fault| {
            self.fault.get_or_insert(fault);
            T::default()
        })
    }

    /// Bytes of a file. What mail-parser decoded without trouble is moved, not decoded twice.
    fn file_bytes(&mut self, part: &mut MessagePart<'_>) -> Vec<u8> {
        let agreed = match part.encoding {
            Encoding::None => Transfer::Plain,
            Encoding::Base64 => Transfer::Base64,
            Encoding::QuotedPrintable => Transfer::QuotedPrintable,
        } == self.transfer(part);
        match &mut part.body {
            PartType::Binary(bytes) | PartType::InlineBinary(bytes)
                if agreed && !part.is_encoding_problem && part.encoding != Encoding::QuotedPrintable =>
            {
                let bytes = std::mem::take(bytes).into_owned();
                if part.encoding == Encoding::Base64 {
                    self.put_back(part, bytes)
                } else {
                    let sent = self.detached.put_back_sent(&bytes);
                    self.of_disk(sent).unwrap_or(bytes)
                }
            }
            _ => self.decoded(part),
        }
    }

    fn text_part(&mut self, part: &MessagePart<'_>, is_html: bool) {
        let content_type = self.content_type(part);
        let body = self.body_of(part);
        let footer = match self.transfer(part) {
            Transfer::Base64 => transfer::footer(body),
            Transfer::Plain | Transfer::QuotedPrintable => None,
        };
        let (mut bytes, added) = match footer {
            Some(at) => (
                transfer::decode(&body[..at], Transfer::Base64).0,
                charset::decode(&body[at..body.len().min(at + MAX_TEXT_BYTES)], None).text,
            ),
            None => (self.decoded(part), String::new()),
        };
        if bytes.len() > MAX_TEXT_BYTES {
            bytes.truncate(MAX_TEXT_BYTES);
            self.warn("text_shortened", "a text part was longer than 1 MiB");
        }
        let declared = content_type
            .get("charset")
            .map(str::to_owned)
            .or_else(|| is_html.then(|| meta_charset(&bytes)).flatten());
        let decoded = charset::decode(&bytes, declared.as_deref());
        if decoded.guessed && decoded.used != "US-ASCII" {
            self.warn(
                "charset_guessed",
                &format!("text read as {}, which was not or wrongly declared", decoded.used),
            );
        }
        if decoded.broken > 0 {
            self.warn("charset_damaged", "some characters could not be decoded");
        }
        if decoded.pictograms > 0 {
            self.warn("pictogram_replaced", "characters that only the sender's device knows are shown as 〓");
        }
        let text = clean(&decoded.text);
        let text = if is_html {
            self.text_from_html = true;
            html::to_text(&text)
        } else if content_type.get("format").is_some_and(|f| f.eq_ignore_ascii_case("flowed")) {
            flowed::unflow(&text, content_type.get("delsp").is_some_and(|d| d.eq_ignore_ascii_case("yes")))
        } else {
            text
        };
        let text = if added.is_empty() { text } else { format!("{}\n\n{}", text.trim_end(), clean(&added)) };
        if !text.trim().is_empty() {
            if !self.text.is_empty() {
                self.text.push_str("\n\n");
            }
            self.text.push_str(&text);
        }
    }

    fn attached(&mut self, part: &mut MessagePart<'_>) {
        let content_type = self.content_type(part);
        let disposition =
            self.raw_header(&part.headers, "Content-Disposition").map(params::parse).unwrap_or_default();
        if content_type.repaired || disposition.repaired {
            self.warn("file_name_repaired", "a file name was not or wrongly encoded");
        }
        let name = disposition
            .get("filename")
            .or_else(|| content_type.get("name"))
            .map(|n| clean_file_name(&clean_line(n, 500)))
            .filter(|n| !n.is_empty());
        let bytes = self.file_bytes(part);
        let media_type = if content_type.value.contains('/') {
            clean_line(&content_type.value, 100)
        } else if matches!(part.body, PartType::Message(_)) {
            "message/rfc822".to_owned()
        } else if part.is_text() {
            "text/plain".to_owned()
        } else {
            "application/octet-stream".to_owned()
        };
        let referenced =
            self.raw_header(&part.headers, "Content-ID").is_some() && media_type.starts_with("image/");
        let inline = disposition.value != "attachment"
            && media_type.starts_with("image/")
            && (disposition.value == "inline" || referenced);
        if bytes.is_empty() && name.is_none() {
            return;
        }
        self.parts.push(MailPart { name, media_type, inline, bytes });
    }
}

fn meta_charset(html: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(&html[..html.len().min(2_048)]).to_ascii_lowercase();
    let at = head.find("charset=")? + 8;
    let label: String = head[at..]
        .trim_start_matches(['"', '\''])
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        .collect();
    (!label.is_empty()).then_some(label)
}
