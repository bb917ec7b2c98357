//! Files as they stand in OBX-5 (hl7.md 7.3): values found, parts of one file joined, packages taken apart. They are decoded
//! one after the other, so that no more than one is in memory decoded, and what each is decides `content`.

use super::DAMAGED;
use super::content::Content;
use super::scope::Scope;
use crate::embedded::{Encoding, decode, decode_wrapped, kind_of, mime, strip};
use crate::header::ascii;
use crate::message::Segment;
use kakehashi_core::envelope::Envelope;
use kakehashi_core::port::{PartSink, ReadFault};
use std::borrow::Cow;

/// Files of one Envelope.
const MAX_FILES: usize = 100;

/// One ED value as it stands in the message, not yet decoded.
struct File<'m> {
    key: (Option<String>, Option<String>),
    name: Option<String>,
    declared: [String; 2],
    encoding: Encoding,
    escape: u8,
    data: Cow<'m, [u8]>,
}

pub(super) struct Files<'m> {
    found: Vec<File<'m>>,
    file_name: Option<String>,
    left_out: bool,
}

impl<'m> Files<'m> {
    pub(super) fn new(file_name: Option<&str>) -> Self {
        Self { found: Vec::new(), file_name: file_name.map(str::to_owned), left_out: false }
    }

    pub(super) fn take(&mut self, segment: &Segment<'m>, scope: &Scope<'_>) {
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

    pub(super) fn keep(
        self,
        envelope: &mut Envelope,
        parts: &mut dyn PartSink,
        content: &mut Content,
    ) -> Result<(), ReadFault> {
        let groups = self.found.into_iter().fold(Vec::new(), by_key);
        let only = matches!(&groups[..], [one] if one.len() == 1);
        let (mut count, mut left_out) = (0, self.left_out);
        // One group after the other, so that no more than one file is in memory decoded.
        for (file, bytes) in groups.into_iter().flat_map(join) {
            let Some(bytes) = bytes else {
                damaged(envelope, "an embedded file could not be decoded");
                continue;
            };
            let stated = self.file_name.as_deref().filter(|_| only);
            let heading = file.name.as_deref();
            let Some(packed) = mime::unpack(&bytes, &file.declared[0]) else {
                content.keep(envelope, parts, (stated, heading), &file.declared, &bytes)?;
                continue;
            };
            if packed.is_empty() {
                damaged(envelope, "an embedded MIME package holds nothing");
            }
            for one in packed {
                count += 1;
                left_out |= count > MAX_FILES;
                match one.bytes {
                    _ if count > MAX_FILES => break,
                    Some(bytes) => {
                        content.keep(
                            envelope,
                            parts,
                            (one.name.as_deref(), heading),
                            &one.declared,
                            &bytes,
                        )?;
                    }
                    None => damaged(envelope, "a file of an embedded MIME package could not be decoded"),
                }
            }
        }
        if left_out {
            envelope.warn("too_many_files", "embedded files over the limit were left out");
            envelope.warn(DAMAGED, "embedded files over the limit were left out");
        }
        Ok(())
    }
}

/// Something that was sent is not there: the message waits for the office.
fn damaged(envelope: &mut Envelope, what: &str) {
    envelope.warn("embedded_file_damaged", what);
    envelope.warn(DAMAGED, what);
}

/// `data:application/pdf;base64,JVBE…` without what stands before the data.
fn after_data_address(data: &str) -> &str {
    let address = data.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,"));
    address.map_or(data, |(_, data)| data)
}

/// Base64 that is certainly a file: nobody writes so many letters of it into a sentence.
pub(super) fn is_encoded_file(raw: &str) -> bool {
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
