//! Where a reply code stands in a mail: in the address first, because that is what a mailer carries
//! without the writer's doing; then in the thread ids; last in words that name it. Never taken from
//! running text, attachments or the subject alone without its name (care-network.md 4.3).

use kakehashi_core::mail::Mail;
use kakehashi_core::port::Origin;
use kakehashi_core::reply_code::ReplyCode;
use kakehashi_core::text::fold::narrow;
use kakehashi_core::text::start_of;

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) code: Option<ReplyCode>,
    /// A reply address was used whose code is not well-formed.
    pub(crate) malformed: bool,
}

const ADDRESS_HEADERS: &[&str] = &[
    "To",
    "Cc",
    "Delivered-To",
    "X-Original-To",
    "Envelope-To",
    "X-Envelope-To",
    "X-Forwarded-To",
    "Resent-To",
];

/// Looks for a code.
pub(crate) fn find(mail: &Mail, origin: &Origin, quoted: Option<&str>) -> Found {
    let mut found = Found::default();
    let addresses =
        origin.rcpt_to.iter().map(String::as_str).chain(mail.to.iter().map(|a| a.address.as_str()));
    for address in addresses.take(1_000) {
        if let Some(code) = in_address(address, &mut found.malformed) {
            found.code = Some(code);
            return found;
        }
    }
    for (name, value) in &mail.headers {
        if ADDRESS_HEADERS.iter().any(|h| name.eq_ignore_ascii_case(h)) {
            let words = value.split(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | ',' | ';' | '"'));
            for word in words.filter(|w| w.contains('@')).take(500) {
                if let Some(code) = in_address(word, &mut found.malformed) {
                    found.code = Some(code);
                    return found;
                }
            }
        }
    }
    found.code = mail
        .in_reply_to
        .iter()
        .find_map(|id| in_message_id(id))
        .or_else(|| mail.subject.as_deref().and_then(named))
        .or_else(|| named(&mail.text))
        .or_else(|| quoted.and_then(named));
    found
}

/// `reply+CODE@domain`.
fn in_address(address: &str, malformed: &mut bool) -> Option<ReplyCode> {
    let (local, _) = address.rsplit_once('@')?;
    let (_, tag) = local.split_once('+')?;
    let code = ReplyCode::parse(tag);
    *malformed |= code.is_none();
    code
}

/// `CODE.attempt@domain`, the form of our own Message-IDs.
fn in_message_id(id: &str) -> Option<ReplyCode> {
    let (local, _) = id.rsplit_once('@')?;
    let (first, _) = local.split_once('.')?;
    // Ten digits are a time stamp of another program far more often than one of our codes.
    first.contains(|c: char| c.is_ascii_alphabetic()).then(|| ReplyCode::parse(first)).flatten()
}

/// `返信コード XXXXX-XXXXX`, `Reply code: …`.
fn named(text: &str) -> Option<ReplyCode> {
    let folded = narrow(start_of(text, 200_000));
    // All end in one of these, and nearly no text holds any.
    if !folded.contains("コード") && !folded.contains("ode") {
        return None;
    }
    for word in ["返信コード", "返信用コード", "Reply code", "reply code", "Reply Code"] {
        for (at, _) in folded.match_indices(word).take(50) {
            if let Some(code) = ReplyCode::find(start_of(&folded[at + word.len()..], 40)) {
                return Some(code);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::parse_mail;

    #[test]
    fn address_before_thread_before_words() {
        let [a, b, c] = [1_u64, 0x1234_5678_9abc, 0xfeed_beef].map(ReplyCode::from_random);
        let mail = |to: &str, reference: &str, text: &str| {
            parse_mail(
                format!("From: x@y.example\r\nTo: {to}\r\nIn-Reply-To: <{reference}>\r\n\r\n{text}\r\n")
                    .as_bytes(),
            )
            .unwrap()
        };
        let origin = Origin::default();
        let words = format!("返信コード：{}", c.spaced());
        let all = mail(
            &format!("reply+{}@in.example", a.as_str().to_lowercase()),
            &format!("{b}.1@in.example"),
            &words,
        );
        assert_eq!(find(&all, &origin, None).code, Some(a.clone()));
        let rcpt = Origin { rcpt_to: vec![format!("reply+{c}@in.example")], ..Origin::default() };
        assert_eq!(find(&all, &rcpt, None).code, Some(c.clone()));
        assert_eq!(
            find(&mail("office@in.example", &format!("{b}.1@in.example"), &words), &origin, None).code,
            Some(b)
        );
        assert_eq!(
            find(&mail("office@in.example", "1718000000.5@z.example", &words), &origin, None).code,
            Some(c)
        );
        let wrong = find(&mail("reply+k7m2q9x4w5a3tzbe@in.example", "x@y", "了解"), &origin, None);
        assert_eq!(wrong, Found { code: None, malformed: true });
        assert_eq!(
            find(&mail("a@in.example", "x@y", &format!("{} です", a.spaced())), &origin, None).code,
            None
        );
    }
}
