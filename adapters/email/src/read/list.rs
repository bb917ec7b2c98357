//! Mailing lists that say so by nothing but a number in the subject, as older Japanese list servers do:
//! `[kaigo:00123]`, `[kaigo 123]`. A person who writes of a ticket with a number is none: answers must go
//! elsewhere than to the writer, and the list must stand among the recipients.

use super::address;
use super::words::HeaderText;
use kakehashi_core::mail::{Mail, MailAddress};
use kakehashi_core::text::fold::folded;

/// Longest name of a list.
const MAX_NAME: usize = 40;
/// No list has sent more mails than fit into so many digits.
const MAX_DIGITS: usize = 7;

/// Whether a mail came through such a list.
pub(crate) fn numbers_its_mails(mail: &Mail) -> bool {
    let (Some(from), Some(subject)) = (&mail.from, &mail.subject) else { return false };
    if !is_numbered(&folded(subject)) {
        return false;
    }
    let answers = mail.header("Reply-To").unwrap_or("");
    let answers = address::parse(answers.as_bytes(), &mut HeaderText::default());
    let same = |a: &MailAddress, b: &MailAddress| a.address.eq_ignore_ascii_case(&b.address);
    // A list names itself in Reply-To, or in From and then the writer in Reply-To.
    let elsewhere: Vec<_> = answers.iter().filter(|a| !same(a, from)).collect();
    let is_list = |to: &MailAddress| same(to, from) || elsewhere.iter().any(|a| same(a, to));
    !elsewhere.is_empty() && mail.to.iter().any(is_list)
}

/// Whether a folded subject begins with the name of a list and a number in brackets, also in an answer.
fn is_numbered(subject: &str) -> bool {
    /// What numbers tickets and not mails.
    const OTHERS: &[&str] = &[
        "ticket", "case", "issue", "id", "no", "no.", "ref", "req", "request", "incident", "task", "job",
        "order", "page", "vol", "vol.",
    ];
    let mut rest = subject.trim_start();
    while let Some(answered) = rest.strip_prefix("re:") {
        rest = answered.trim_start();
    }
    let Some((inner, _)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) else { return false };
    let Some((name, number)) = inner.rsplit_once([':', ' ', ',']) else { return false };
    let name = name.trim_end();
    (1..=MAX_DIGITS).contains(&number.len())
        && number.bytes().all(|b| b.is_ascii_digit())
        && (2..=MAX_NAME).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        && !OTHERS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::parse_mail;

    fn list(from: &str, to: &str, reply_to: &str, subject: &str) -> bool {
        let mail = format!("From: {from}\nTo: {to}\n{reply_to}Subject: {subject}\n\n了解しました\n");
        numbers_its_mails(&parse_mail(mail.as_bytes()).unwrap())
    }

    #[test]
    fn lists_and_tickets() {
        let (nurse, ml) = ("otsuka@sakura.example", "kaigo@ml.example");
        let to_list = "Reply-To: kaigo@ML.example\n";
        for subject in ["[kaigo:00123] 訪問", "[kaigo 123] 訪問", "Re: [Kaigo:00124] Re: 訪問", "[kaigo,7] x"]
        {
            assert!(list(nurse, ml, to_list, subject), "{subject}");
        }
        // The list writes in its own name (DMARC).
        assert!(list(ml, ml, "Reply-To: otsuka@sakura.example\n", "[kaigo:00123] 訪問"));
        assert!(list(nurse, "kaigo@ml.example, in@renkei.example", to_list, "[kaigo:00123] 訪問"));
        for (from, to, reply_to, subject) in [
            (nurse, ml, "", "[kaigo:00123] 訪問"),
            (nurse, ml, "Reply-To: otsuka@sakura.example\n", "[kaigo:00123] 訪問"),
            (nurse, "in@renkei.example", "Reply-To: support@sakura.example\n", "[support:123] 訪問"),
            (nurse, "office@sakura.example", "Reply-To: office@sakura.example\n", "[Ticket 123] 訪問"),
            (nurse, ml, to_list, "[至急] 訪問"),
            (nurse, ml, to_list, "[kaigo] 訪問"),
            (nurse, ml, to_list, "[12:30] 訪問"),
            (nurse, ml, to_list, "[訪問 12] 変更"),
            (nurse, ml, to_list, "[#123] 訪問"),
            (nurse, ml, to_list, "訪問 [kaigo:00123]"),
        ] {
            assert!(!list(from, to, reply_to, subject), "{from} {to} {reply_to} {subject}");
        }
    }

    proptest::proptest! {
        #[test]
        fn total(subject in ".*", like in "(re:|\\[|\\]|:| |[a-z0-9]{0,4}){0,9}") {
            let _ = is_numbered(&subject);
            let _ = is_numbered(&like);
        }
    }
}
