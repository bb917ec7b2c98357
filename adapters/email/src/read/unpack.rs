//! Takes other programs' wrappings off the parts of a mail: winmail.dat, S/MIME signatures around the whole
//! mail, AppleDouble halves, uuencoded files in the text. What does not open stays as it came. Runs once
//! per mail and recurses only into a signed mail, at most twice.

use super::structure::parse_at;
use super::{html, signed, tnef, uuencode};
use kakehashi_core::envelope::Warning;
use kakehashi_core::mail::MailPart;
use kakehashi_core::port::clean_file_name;
use kakehashi_core::text::{clean, clean_line};

/// Signed mails within signed mails.
const MAX_SIGNED: u8 = 2;

/// Text and parts of a mail while they are unwrapped.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub(super) text: String,
    pub(super) text_from_html: bool,
    pub(super) parts: Vec<MailPart>,
    pub(super) warnings: Vec<Warning>,
}

impl Content {
    /// Unwraps everything that opens. `depth` is how many signed mails stand around this one.
    pub(super) fn unwrapped(mut self, depth: u8) -> Self {
        for part in std::mem::take(&mut self.parts) {
            self.part(part, depth);
        }
        if let Some(parted) = uuencode::part(&self.text) {
            self.text = parted.text.trim_end().to_owned();
            for (name, bytes) in parted.files {
                self.file(Some(&name), None, false, bytes);
            }
        }
        if let Some(text) = signed::clear_text(&self.text) {
            self.text = text.trim_end().to_owned();
            self.warn("signature_not_verified", "the mail is signed with PGP; the signature is not verified");
        }
        self.parts.truncate(super::MAX_PARTS);
        self
    }

    fn part(&mut self, part: MailPart, depth: u8) {
        let name = part.name.as_deref().unwrap_or("").to_lowercase();
        if tnef::is_tnef(&part.bytes)
            && (name == "winmail.dat" || name.ends_with(".dat") || part.media_type.contains("tnef"))
        {
            self.winmail(part);
        } else if part.media_type.contains("pkcs7-mime") || name == "smime.p7m" {
            self.pkcs7(part, depth);
        } else if part.media_type.contains("pkcs7-signature")
            || part.media_type == "application/pgp-signature"
        {
            self.warn("signature_not_verified", "the mail is signed; the signature is not verified");
            self.parts.push(part);
        } else if is_apple_half(&part, &name) {
            self.warn("apple_part_dropped", "a part that only macOS uses (AppleDouble) was left out");
        } else if let Some(data) = apple_single(&part.bytes) {
            let name = part.name.as_deref();
            self.file(name, None, false, data.to_vec());
        } else {
            self.parts.push(part);
        }
    }

    fn winmail(&mut self, part: MailPart) {
        let Some(found) = tnef::unpack(&part.bytes) else {
            self.parts.push(part);
            return;
        };
        if found.damaged {
            self.warn("winmail_damaged", "winmail.dat was damaged; what could be read is shown");
        }
        if self.text.trim().is_empty() {
            if let Some(text) = found.text {
                self.text = clean(&text);
            } else if let Some(page) = found.html {
                (self.text, self.text_from_html) = (html::to_text(&clean(&page)), true);
            }
        }
        if found.files.is_empty() && self.text.trim().is_empty() {
            // Nothing that anybody could read: the file itself is better than nothing.
            self.parts.push(part);
            return;
        }
        for file in found.files {
            self.file(file.name.as_deref(), file.media_type.as_deref(), file.inline, file.bytes);
        }
    }

    fn pkcs7(&mut self, part: MailPart, depth: u8) {
        let Some(signed::Wrapped::Signed(inner)) = signed::open(&part.bytes).filter(|_| depth < MAX_SIGNED)
        else {
            self.parts.push(part);
            return;
        };
        let framed = [b"MIME-Version: 1.0\r\n".as_slice(), &inner].concat();
        let Ok(mail) = parse_at(&framed, depth + 1) else {
            self.parts.push(part);
            return;
        };
        self.warn("signature_not_verified", "the mail is signed; the signature is not verified");
        if !mail.text.is_empty() {
            if !self.text.is_empty() {
                self.text.push_str("\n\n");
            }
            self.text.push_str(&mail.text);
            self.text_from_html |= mail.text_from_html;
        }
        self.parts.extend(mail.parts);
        for warning in mail.warnings {
            if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        }
    }

    fn file(&mut self, name: Option<&str>, media_type: Option<&str>, inline: bool, bytes: Vec<u8>) {
        let media_type = media_type.map(|t| clean_line(t, 100).to_lowercase()).filter(|t| t.contains('/'));
        let media_type = media_type.unwrap_or_else(|| "application/octet-stream".to_owned());
        let inline = inline && media_type.starts_with("image/");
        let name = name.map(|n| clean_file_name(&clean_line(n, 500))).filter(|n| !n.is_empty());
        self.parts.push(MailPart { name, media_type, inline, bytes });
    }

    fn warn(&mut self, code: &str, detail: &str) {
        let warning = Warning { code: code.to_owned(), detail: detail.to_owned() };
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }
}

/// The half of an AppleDouble pair that holds Finder data (RFC 1740), or its `._` shadow from a disk.
fn is_apple_half(part: &MailPart, name: &str) -> bool {
    let double = part.bytes.starts_with(&[0, 5, 0x16, 7]);
    double && (part.media_type == "application/applefile" || name.starts_with("._") || name.is_empty())
        || (part.media_type == "application/applefile" && part.bytes.len() < 4)
}

/// The data fork (entry 1) of an AppleSingle file (RFC 1740 appendix A).
fn apple_single(bytes: &[u8]) -> Option<&[u8]> {
    if !bytes.starts_with(&[0, 5, 0x16, 0]) {
        return None;
    }
    let number = |at: usize, width: usize| {
        let digits = bytes.get(at..at + width)?;
        Some(digits.iter().fold(0_usize, |n, d| n << 8 | usize::from(*d)))
    };
    let count = number(24, 2)?.min(64);
    (0..count).map(|n| 26 + n * 12).find(|at| number(*at, 4) == Some(1)).and_then(|at| {
        let (offset, length) = (number(at + 4, 4)?, number(at + 8, 4)?);
        bytes.get(offset..offset.checked_add(length)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apple_halves_go_and_singles_open() {
        let mut single = vec![0, 5, 0x16, 0, 0, 2, 0, 0];
        single.extend([0; 16]);
        single.extend([0, 1, 0, 0, 0, 1, 0, 0, 0, 38, 0, 0, 0, 4]);
        single.extend(b"%PDF");
        assert_eq!(apple_single(&single), Some(b"%PDF".as_slice()));
        let part = |name: &str, bytes: &[u8]| MailPart {
            name: Some(name.to_owned()),
            media_type: "application/applefile".to_owned(),
            inline: false,
            bytes: bytes.to_vec(),
        };
        let content = Content {
            parts: vec![part("a.pdf", &[0, 5, 0x16, 7, 0]), part("b.pdf", &single)],
            ..Content::default()
        };
        let got = content.unwrapped(0);
        assert_eq!(got.parts.len(), 1);
        assert_eq!(got.parts[0].bytes, b"%PDF");
    }

    proptest::proptest! {
        #[test]
        fn total(bytes: Vec<u8>) {
            let _ = apple_single(&[&[0, 5, 0x16, 0], bytes.as_slice()].concat());
        }
    }
}
