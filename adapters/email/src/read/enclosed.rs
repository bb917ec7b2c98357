//! Mails that came as attachments of a mail ("転送(添付ファイルとして)"): their words under a heading and
//! their files, so that nobody needs a mail program to read them and no file slips past the checks inside
//! a container. Bounded in depth and number; what does not read stays a file.

use super::parse_mail;
use kakehashi_core::mail::{Mail, MailPart};
use kakehashi_core::text::clean_line;

const MAX_DEPTH: u8 = 3;
const MAX_MAILS: usize = 10;
const MAX_CHARS: usize = 100_000;

/// What the enclosed mails hold.
#[derive(Debug, Default)]
pub(crate) struct Enclosed {
    /// Their words, each under a heading; empty if there are none.
    pub(crate) text: String,
    /// Their files.
    pub(crate) parts: Vec<MailPart>,
    mails: usize,
}

/// Whether a part is a whole mail.
pub(crate) fn is_mail(part: &MailPart) -> bool {
    matches!(part.media_type.as_str(), "message/rfc822" | "message/global")
        || (part.name.as_deref().is_some_and(|n| n.to_lowercase().ends_with(".eml"))
            && matches!(part.media_type.as_str(), "application/octet-stream" | "text/plain"))
}

/// Reads the enclosed mails of `mail`; `read` tells for each part whether its content was taken over.
pub(crate) fn open(mail: &Mail) -> (Enclosed, Vec<bool>) {
    let mut out = Enclosed::default();
    let read = mail.parts.iter().map(|part| is_mail(part) && out.take(part, 1)).collect();
    (out, read)
}

impl Enclosed {
    fn take(&mut self, part: &MailPart, depth: u8) -> bool {
        if depth > MAX_DEPTH || self.mails >= MAX_MAILS || self.text.len() > MAX_CHARS {
            return false;
        }
        let Ok(inner) = parse_mail(&part.bytes) else { return false };
        self.mails += 1;
        let mut heading = vec!["---------- 添付されたメール ----------".to_owned()];
        if let Some(from) = &inner.from {
            let who = match &from.name {
                Some(name) => format!("{name} <{}>", from.address),
                None => from.address.clone(),
            };
            heading.push(format!("差出人: {}", clean_line(&who, 300)));
        }
        if let Some(at) = inner.date {
            heading.push(format!("日時: {}", at.in_japan().strftime("%Y年%-m月%-d日 %-H:%M")));
        }
        if let Some(subject) = &inner.subject {
            heading.push(format!("件名: {}", clean_line(subject, 300)));
        }
        if !self.text.is_empty() {
            self.text.push_str("\n\n");
        }
        self.text.push_str(&heading.join("\n"));
        if !inner.text.is_empty() {
            self.text.push_str("\n\n");
            self.text.extend(inner.text.chars().take(MAX_CHARS));
        }
        for part in inner.parts {
            if !(is_mail(&part) && self.take(&part, depth + 1)) && self.parts.len() < super::MAX_PARTS {
                self.parts.push(part);
            }
        }
        true
    }
}
