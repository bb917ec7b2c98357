//! Reactions: mails that a program sends because somebody tapped an emoji at a mail of ours (Gmail's
//! reaction part, Outlook's "… reacted to your message"). A thumb up is what the tapper says; the words
//! around it are the program's. Never takes a quoted or forwarded reaction for one.

use kakehashi_core::mail::Mail;
use kakehashi_core::text::fold::lower;

/// Media type of Gmail's part: a JSON object with the emoji.
pub(crate) const PART: &str = "text/vnd.google.email-reaction+json";
const MAX_BYTES: usize = 4_096;
const MAX_EMOJI_CHARS: usize = 12;

/// The emoji with which a mail reacts, if it does nothing else.
pub(crate) fn emoji(mail: &Mail, own: &str) -> Option<String> {
    let part = mail.parts.iter().find(|p| p.media_type == PART);
    if let Some(found) = part.and_then(|p| in_json(&p.bytes)) {
        return Some(found);
    }
    // Programs say it in one line; a person would not.
    let mut lines = own.lines().map(str::trim).filter(|l| !l.is_empty());
    let (first, second) = (lines.next()?, lines.next());
    let told = |line: &str| {
        let lower = lower(line.to_owned());
        let lower = lower.trim_end_matches([':', '：', '.', '。']);
        lower.ends_with("reacted to your message")
            || lower.ends_with("reacted via gmail")
            || lower.contains("さんがあなたのメッセージにリアクションしました")
            || lower.contains("さんがあなたのメッセージに反応しました")
            || lower.contains("さんが gmail でリアクションしました")
            || lower.contains("さんがgmailでリアクションしました")
    };
    if told(first) {
        return leading(first).or_else(|| second.and_then(leading));
    }
    // The emoji alone, then the words of the program.
    second.filter(|s| told(s)).and_then(|_| leading(first).filter(|e| e == first))
}

/// `{"emoji":"👍","version":1}`, read without a parser: the one string that follows the one key.
fn in_json(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(&bytes[..bytes.len().min(MAX_BYTES)]).ok()?;
    let after = text.split_once("\"emoji\"")?.1.trim_start().strip_prefix(':')?.trim_start();
    let value = after.strip_prefix('"')?.split('"').next()?;
    if let Some(escaped) = value.strip_prefix("\\u") {
        let units: Vec<u16> = escaped
            .split("\\u")
            .take(MAX_EMOJI_CHARS)
            .map(|hex| u16::from_str_radix(hex.get(..4)?, 16).ok())
            .collect::<Option<_>>()?;
        return String::from_utf16(&units).ok().and_then(|t| leading(&t));
    }
    leading(value)
}

/// The emoji with which a text begins.
fn leading(text: &str) -> Option<String> {
    let sign = |c: &char| {
        matches!(*c, '\u{1f000}'..='\u{1faff}' | '\u{2600}'..='\u{27bf}' | '\u{2b00}'..='\u{2bff}'
            | '\u{fe0f}' | '\u{200d}')
    };
    let found: String = text.trim_start().chars().take_while(sign).take(MAX_EMOJI_CHARS).collect();
    (!found.is_empty()).then_some(found)
}

/// Whether the emoji says 了解 and nothing else. A heart or a tear is an answer that a person reads.
pub(crate) fn acknowledges(emoji: &str) -> bool {
    matches!(emoji.chars().next(), Some('👍' | '👌' | '🙆' | '🆗' | '✅' | '☑' | '✔'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::parse_mail;

    fn of(mail: &str) -> Option<String> {
        let mail = parse_mail(mail.as_bytes()).unwrap();
        emoji(&mail, &mail.text)
    }

    #[test]
    fn both_programs() {
        let gmail = "From: a@b.example\nMIME-Version: 1.0\nContent-Type: multipart/alternative; boundary=x\n\n--x\nContent-Type: text/plain; charset=utf-8\n\n👍 佐野さんが Gmail でリアクションしました\n--x\nContent-Type: text/vnd.google.email-reaction+json; charset=utf-8\n\n{\"emoji\":\"\\ud83d\\udc4d\",\"version\":1}\n--x--\n";
        assert_eq!(of(gmail).as_deref(), Some("👍"));
        let outlook = "From: a@b.example\nContent-Type: text/plain; charset=utf-8\n\n❤️ Mayu Sano reacted to your message:\n";
        assert_eq!(of(outlook).as_deref(), Some("❤️"));
        let two = "From: a@b.example\nContent-Type: text/plain; charset=utf-8\n\n👍\n佐野 真由 さんがあなたのメッセージにリアクションしました:\n";
        assert_eq!(of(two).as_deref(), Some("👍"));
        for text in ["👍", "了解👍", "家族がreacted to your messageと言っていました", ""] {
            assert_eq!(
                of(&format!("From: a@b.example\nContent-Type: text/plain; charset=utf-8\n\n{text}\n")),
                None
            );
        }
        assert!(acknowledges("👍🏻") && !acknowledges("❤️"));
    }

    proptest::proptest! {
        #[test]
        fn total(bytes: Vec<u8>, json in "\\{?\"emoji\" ?: ?\"(👍|\\\\u[0-9a-f]{0,4}|a){0,3}\"?") {
            let _ = in_json(&bytes);
            let _ = in_json(json.as_bytes());
        }
    }
}
