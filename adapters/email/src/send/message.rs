//! A rendered mail to MIME by lettre's builder: names and subject as encoded words, file names by
//! RFC 2231, one header line per header whatever the text holds. Marked as automatic (RFC 3834), so
//! that no vacation program answers it.

use super::SenderConfig;
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::port::{SendFault, clean_file_name};
use kakehashi_core::rendered::RenderedMail;
use kakehashi_core::text::{clean, clean_line};
use lettre::address::{Address, Envelope};
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, Message, MultiPart, SinglePart};
use std::time::{Duration, UNIX_EPOCH};

/// A message that is ready to leave.
#[derive(Debug)]
pub(super) struct Built {
    /// MAIL FROM and RCPT TO.
    pub(super) envelope: Envelope,
    /// Header and body, CRLF.
    pub(super) bytes: Vec<u8>,
    /// Patient data stands in the open: only over verified TLS.
    pub(super) open_content: bool,
}

/// Builds the message with its envelope.
pub(super) fn build(mail: &RenderedMail, sender: &SenderConfig, now: UtcMicros) -> Result<Built, SendFault> {
    let message = compose(mail, sender, now)?;
    let bytes = message.formatted();
    Ok(Built { envelope: message.envelope().clone(), bytes, open_content: mail.open_content })
}

fn compose(mail: &RenderedMail, sender: &SenderConfig, now: UtcMicros) -> Result<Message, SendFault> {
    let from = mailbox(sender.from_name.as_deref(), &sender.from_address)?;
    let to = mailbox(mail.to_name.as_deref(), &mail.to)?;
    let return_path = match mail.return_path.as_ref().or(sender.return_path.as_ref()) {
        Some(path) => mailbox(None, path)?.email,
        None => from.email.clone(),
    };
    let envelope = Envelope::new(Some(return_path), vec![to.email.clone()]).map_err(unsendable)?;
    let sent_at = UNIX_EPOCH + Duration::from_micros(u64::try_from(now.as_micros()).unwrap_or(0));
    let mut builder = Message::builder()
        .envelope(envelope)
        .from(from)
        .to(to)
        .subject(clean_line(&mail.subject, 500))
        .message_id(Some(bracketed(&mail.message_id)?))
        .date(sent_at)
        .raw_header(raw("Auto-Submitted", "auto-generated".to_owned()));
    if let Some(id) = &mail.list_id {
        // Auto-Submitted keeps programs that follow RFC 3834 silent, this one the older ones.
        builder = builder
            .raw_header(raw("List-Id", bracketed(id)?))
            .raw_header(raw("X-Auto-Response-Suppress", "OOF, AutoReply".to_owned()));
    }
    if let Some(address) = &mail.reply_to {
        builder = builder.reply_to(mailbox(sender.from_name.as_deref(), address)?);
    }
    let references: Vec<String> =
        mail.references.iter().rev().take(50).rev().filter_map(|id| bracketed(id).ok()).collect();
    if let Some(last) = references.last() {
        builder = builder.in_reply_to(last.clone()).references(references.join(" "));
    }
    let text = SinglePart::plain(crlf(&mail.text));
    if mail.attachments.is_empty() {
        return match &mail.html {
            None => builder.singlepart(text),
            Some(html) => builder.multipart(alternative(text, html)),
        }
        .map_err(unsendable);
    }
    let mut mixed = match &mail.html {
        None => MultiPart::mixed().singlepart(text),
        Some(html) => MultiPart::mixed().multipart(alternative(text, html)),
    };
    for file in &mail.attachments {
        let media_type = ContentType::parse(&clean_line(&file.media_type, 100))
            .or_else(|_| ContentType::parse("application/octet-stream"))
            .map_err(unsendable)?;
        let name = clean_file_name(&clean_line(&file.name, 200)).replace('"', "'");
        let name = if name.is_empty() { "attachment".to_owned() } else { name };
        mixed = mixed.singlepart(Attachment::new(name).body(file.bytes.clone(), media_type));
    }
    builder.multipart(mixed).map_err(unsendable)
}

fn raw(name: &'static str, value: String) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value)
}

fn alternative(text: SinglePart, html: &str) -> MultiPart {
    MultiPart::alternative().singlepart(text).singlepart(SinglePart::html(crlf(html)))
}

fn crlf(text: &str) -> String {
    clean(text).replace('\n', "\r\n")
}

/// A mailbox; keitai addresses that break the grammar (`a..b.@`) get the quoted local part under which
/// their carriers take mail.
pub(super) fn mailbox(name: Option<&str>, address: &str) -> Result<Mailbox, SendFault> {
    let refused = || SendFault::Unsendable("a mail address that no relay can take".to_owned());
    if address.chars().any(|c| c.is_control() || c.is_whitespace() || matches!(c, '<' | '>')) {
        return Err(refused());
    }
    let (local, domain) = address.rsplit_once('@').ok_or_else(refused)?;
    let email = Address::new(local, domain)
        .or_else(|_| Address::new(format!("\"{}\"", local.replace(['"', '\\'], "")), domain))
        .map_err(|_| refused())?;
    let name = name.map(|n| clean_line(n, 200)).filter(|n| !n.is_empty());
    Ok(Mailbox::new(name, email))
}

/// `<id>` without anything that could end the header line.
fn bracketed(id: &str) -> Result<String, SendFault> {
    let plain: String = id.chars().filter(|c| c.is_ascii_graphic() && !matches!(c, '<' | '>')).collect();
    if plain.is_empty() || plain.len() > 500 {
        return Err(SendFault::Unsendable("no usable Message-ID".to_owned()));
    }
    Ok(format!("<{plain}>"))
}

fn unsendable(error: impl std::error::Error) -> SendFault {
    SendFault::Unsendable(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::parse_mail;
    use kakehashi_core::rendered::RenderedFile;

    fn sender() -> SenderConfig {
        SenderConfig {
            from_address: "office@in.example".to_owned(),
            from_name: Some("つばき連携事務局".to_owned()),
            return_path: Some("bounce+1@in.example".to_owned()),
        }
    }

    fn mail() -> RenderedMail {
        RenderedMail {
            to: "kaigo..musume.@docomo.example".to_owned(),
            to_name: Some("介護, \"娘\"".to_owned()),
            reply_to: Some("reply+ABCDE12345@in.example".to_owned()),
            subject: "【至急・了解希望】つばき01 退院".to_owned(),
            text: "本文です。\n.\n終わり".to_owned(),
            html: Some("<p>本文です。</p>".to_owned()),
            message_id: "ABCDE12345.1@in.example".to_owned(),
            references: vec!["a@in.example".to_owned(), "b@in.example".to_owned()],
            attachments: vec![RenderedFile {
                name: "退院時サマリー（とても長い名前のため続きの行に分かれる書類）令和八年六月九日.pdf"
                    .to_owned(),
                media_type: "application/pdf".to_owned(),
                bytes: b"%PDF-1.4\r\n\0\xff".to_vec(),
            }],
            on_page: Vec::new(),
            return_path: None,
            list_id: Some("deliveries.in.example".to_owned()),
            open_content: false,
        }
    }

    #[test]
    fn what_is_built_reads_back() {
        let now = UtcMicros::from_rfc3339("2026-06-09T10:31:00+09:00").unwrap();
        let built = build(&mail(), &sender(), now).unwrap();
        assert_eq!(built.envelope.from().unwrap().to_string(), "bounce+1@in.example");
        assert_eq!(built.envelope.to()[0].to_string(), "\"kaigo..musume.\"@docomo.example");
        let bytes = built.bytes;
        assert!(bytes.is_ascii());
        assert!(bytes.split(|b| *b == b'\n').all(|l| l.len() <= 998));
        let read = parse_mail(&bytes).unwrap();
        assert_eq!(read.subject.as_deref(), Some("【至急・了解希望】つばき01 退院"));
        assert_eq!(read.text, "本文です。\n.\n終わり");
        assert_eq!(read.message_id.as_deref(), Some("ABCDE12345.1@in.example"));
        assert_eq!(read.in_reply_to, ["b@in.example", "a@in.example"]);
        assert_eq!(read.header("Auto-Submitted"), Some("auto-generated"));
        assert_eq!(read.header("List-Id"), Some("<deliveries.in.example>"));
        assert_eq!(read.date, Some(now));
        assert_eq!(read.from.unwrap().name.as_deref(), Some("つばき連携事務局"));
        assert_eq!(read.to[0].name.as_deref(), Some("介護, \"娘\""));
        assert_eq!(read.parts[0].name.as_deref(), Some(mail().attachments[0].name.as_str()));
        assert_eq!(read.parts[0].bytes, mail().attachments[0].bytes);
        assert!(read.warnings.is_empty(), "{:?}", read.warnings);
    }

    #[test]
    fn every_delivery_has_its_own_return_path() {
        let own = RenderedMail { return_path: Some("bounce+01j@in.example".to_owned()), ..mail() };
        let built = build(&own, &sender(), UtcMicros::from_micros(0)).unwrap();
        assert_eq!(built.envelope.from().unwrap().to_string(), "bounce+01j@in.example");
    }

    #[test]
    fn no_text_becomes_a_header() {
        let evil = RenderedMail {
            to: "a@b.example".to_owned(),
            to_name: Some("x\r\nBcc: evil@b.example".to_owned()),
            subject: "s\r\nBcc: evil@b.example\r\n\r\nbody".to_owned(),
            reply_to: None,
            message_id: "i@x\r\nBcc: evil@b.example".to_owned(),
            references: vec!["r@x\r\nBcc: evil@b.example".to_owned()],
            attachments: vec![RenderedFile {
                name: "f\"\r\nBcc: evil@b.example\r\n.pdf".to_owned(),
                media_type: "text/plain\r\nBcc: evil@b.example".to_owned(),
                bytes: Vec::new(),
            }],
            ..mail()
        };
        let bytes = build(&evil, &sender(), UtcMicros::from_micros(0)).unwrap().bytes;
        let text = String::from_utf8(bytes).unwrap();
        assert!(!text.to_lowercase().contains("\nbcc:"), "{text}");
        for to in ["a@b.example\r\nRCPT TO:<x@y>", "a b@c", "", "@", "a@"] {
            assert!(mailbox(None, to).is_err(), "{to}");
        }
    }
}
