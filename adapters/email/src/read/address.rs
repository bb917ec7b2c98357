//! Mailboxes of From, To and Cc (RFC 5322 section 3.4), also those that no standard allows: keitai
//! addresses with `..` or a dot before the `@`, unquoted Japanese names, names in raw JIS. It never
//! repairs an address: what was written is what is compared.

use super::words::{HeaderText, decode_words, raw_text};
use kakehashi_core::mail::MailAddress;
use kakehashi_core::text::fold::lower;
use kakehashi_core::text::{clean_line, only, start_of};

const MAX_ADDRESSES: usize = 500;

/// Every mailbox in a raw header value, at most 500.
pub(crate) fn parse(raw: &[u8], notes: &mut HeaderText) -> Vec<MailAddress> {
    let text = raw_text(raw, notes);
    let mut found = Vec::new();
    for item in split(&text) {
        if found.len() == MAX_ADDRESSES {
            break;
        }
        found.extend(mailbox(item, notes));
    }
    found
}

/// Splits at commas and semicolons outside quotes, comments and angle brackets; a group's name goes.
fn split(text: &str) -> Vec<&str> {
    let mut items = Vec::new();
    let mut start = 0;
    let (mut quoted, mut escaped, mut angle) = (false, false, false);
    let mut comment = 0_u32;
    for (at, c) in text.char_indices() {
        if escaped {
            escaped = false;
            continue;
        }
        match c {
            '\\' if quoted || comment > 0 => escaped = true,
            '"' if comment == 0 => quoted = !quoted,
            '(' if !quoted => comment += 1,
            ')' if !quoted => comment = comment.saturating_sub(1),
            '<' if !quoted && comment == 0 => angle = true,
            '>' if !quoted && comment == 0 => angle = false,
            ',' | ';' if !quoted && comment == 0 && !angle => {
                items.push(&text[start..at]);
                start = at + 1;
            }
            ':' if !quoted && comment == 0 && !angle && !text[start..at].contains('@') => start = at + 1,
            _ => {}
        }
    }
    items.push(&text[start..]);
    items
}

fn mailbox(item: &str, notes: &mut HeaderText) -> Option<MailAddress> {
    let item = item.trim();
    if item.is_empty() {
        return None;
    }
    let (name, address) = match item.rfind('<') {
        Some(at) => {
            let after = &item[at + 1..];
            let end = after.find('>').unwrap_or(after.len());
            (item[..at].trim().to_owned(), after[..end].trim().to_owned())
        }
        None => {
            // `address (name)` or the bare address.
            let (plain, comment) = take_comment(item);
            (comment, plain)
        }
    };
    let plain = only(&address, |c| !c.is_whitespace() && !c.is_control());
    let address = start_of(&plain, 320);
    let address = match address.rsplit_once('@') {
        Some((local, domain)) if !local.is_empty() => format!("{local}@{}", lower(domain.to_owned())),
        // A name without an address says nothing that could be used.
        _ => return None,
    };
    let mut decoded = HeaderText::default();
    decode_words(&unquote(&name), &mut decoded);
    notes.repaired |= decoded.repaired;
    notes.pictograms += decoded.pictograms;
    let name = clean_line(&unquote(&decoded.text), 200);
    Some(MailAddress { name: Some(name).filter(|n| !n.is_empty() && *n != address), address })
}

fn take_comment(item: &str) -> (String, String) {
    match (item.find('('), item.rfind(')')) {
        (Some(start), Some(end)) if start < end => {
            (format!("{}{}", &item[..start], &item[end + 1..]), item[start + 1..end].to_owned())
        }
        _ => (item.to_owned(), String::new()),
    }
}

fn unquote(name: &str) -> String {
    let name = name.trim();
    let Some(inner) = name.strip_prefix('"').and_then(|n| n.strip_suffix('"')) else {
        return name.to_owned();
    };
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        out.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(raw: &str) -> Vec<(Option<String>, String)> {
        parse(raw.as_bytes(), &mut HeaderText::default()).into_iter().map(|a| (a.name, a.address)).collect()
    }

    #[test]
    fn mailboxes_as_they_come() {
        let one = |name: Option<&str>, address: &str| vec![(name.map(str::to_owned), address.to_owned())];
        assert_eq!(read("kaigo..musume.@Docomo.Example"), one(None, "kaigo..musume.@docomo.example"));
        assert_eq!(read("\"佐野, 真由\" <s@x.example>"), one(Some("佐野, 真由"), "s@x.example"));
        assert_eq!(read("\"=?utf-8?B?5LqG6Kej?=\" <a@b.example>"), one(Some("了解"), "a@b.example"));
        assert_eq!(
            read("MAILER-DAEMON@mx.example (Mail Delivery System)"),
            one(Some("Mail Delivery System"), "MAILER-DAEMON@mx.example")
        );
        assert_eq!(read("team: a@x.example, b@y.example;").len(), 2);
        assert_eq!(read("undisclosed-recipients:;"), vec![]);
        assert_eq!(read("<>"), vec![]);
    }

    proptest::proptest! {
        #[test]
        fn total(raw: Vec<u8>) {
            let _ = parse(&raw, &mut HeaderText::default());
        }
    }
}
