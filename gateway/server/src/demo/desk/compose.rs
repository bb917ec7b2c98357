//! Mails as the outside world would send them: a member's reply, a FAX provider's received pages and its
//! result notice. Pure: bytes out, nothing sent.

use crate::demo::FAX_PROVIDER;
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::mail::Mail;
use lettre::Message;
use lettre::message::header::ContentType;
use lettre::message::{Attachment, MultiPart, SinglePart};

/// A FAX job that a result notice speaks of.
pub(crate) struct Job<'a> {
    pub(crate) number: &'a str,
    pub(crate) message_id: &'a str,
    pub(crate) subject: &'a str,
    pub(crate) to: &'a str,
    pub(crate) at: UtcMicros,
}

fn fresh_id(domain: &str) -> Option<String> {
    Some(format!("<{:032x}@{domain}>", rand::random::<u128>()))
}

fn domain(address: &str) -> &str {
    address.rsplit_once('@').map_or("kakehashi.example", |(_, domain)| domain)
}

/// The provider's result notice: all pages were taken by the far machine.
pub(crate) fn report(job: &Job<'_>) -> Vec<u8> {
    let text = format!(
        "宛先FAX番号：{}\n件名　　　　：{}\n受付番号　　：{}\n送信結果　　：成功\n通信時間　　：42秒\n完了時刻　　：{}\n",
        job.number,
        job.subject,
        job.message_id,
        job.at.to_ja()
    );
    let message = address(FAX_PROVIDER).zip(address(job.to)).and_then(|(from, to)| {
        Message::builder()
            .from(from)
            .to(to)
            .subject(format!("FAX送信成功しました ({})", job.number))
            .message_id(fresh_id(domain(FAX_PROVIDER)))
            .in_reply_to(format!("<{}>", job.message_id))
            .header(AutoSubmitted("auto-replied".to_owned()))
            .singlepart(SinglePart::plain(text))
            .ok()
    });
    message.map(|m| m.formatted()).unwrap_or_default()
}

/// A member's answer to a caught mail, quoted and signed as a mail client does.
pub(crate) fn reply(
    caught: &Mail,
    (name, member): (&str, &str),
    to: &str,
    body: &str,
    at: UtcMicros,
) -> Result<Vec<u8>, String> {
    let quoted: String = caught.text.lines().take(40).map(|line| format!("> {line}\n")).collect();
    let from = caught.from.as_ref().map_or("", |f| f.address.as_str());
    let text = format!(
        "{}\n\n-- \n{name}\n{member}\n\n{} <{from}>:\n{quoted}",
        body.trim_end(),
        at.in_japan().strftime("%Y年%-m月%-d日 %H:%M")
    );
    let sender = address(member).ok_or_else(|| format!("{member} is not an address"))?;
    let recipient = address(to).ok_or_else(|| format!("{to} is not an address"))?;
    let mut builder = Message::builder()
        .from(sender)
        .to(recipient)
        .subject(format!("Re: {}", caught.subject.as_deref().unwrap_or("")))
        .message_id(fresh_id(domain(member)));
    if let Some(id) = &caught.message_id {
        builder = builder.in_reply_to(format!("<{id}>")).references(format!("<{id}>"));
    }
    builder.singlepart(SinglePart::plain(text)).map(|m| m.formatted()).map_err(|e| e.to_string())
}

/// Pages as the FAX provider forwards them: caller number in the subject, a TIFF attached.
pub(crate) fn received_fax(
    number: &str,
    to: &str,
    tiff: Vec<u8>,
    pages: usize,
    at: UtcMicros,
) -> Result<Vec<u8>, String> {
    let sender = address(FAX_PROVIDER).ok_or("the provider's address")?;
    let recipient = address(to).ok_or_else(|| format!("{to} is not an address"))?;
    let stamp = at.in_japan().strftime("%Y%m%d%H%M%S");
    let media_type = ContentType::parse("image/tiff").map_err(|e| e.to_string())?;
    let text =
        format!("FAXを受信しました。\n発信元番号：{number}\n枚数：{pages}枚\n受信日時：{}\n", at.to_ja());
    Message::builder()
        .from(sender)
        .to(recipient)
        .subject(format!("FAX受信 {number} {pages}枚"))
        .message_id(fresh_id(domain(FAX_PROVIDER)))
        .multipart(
            MultiPart::mixed()
                .singlepart(SinglePart::plain(text))
                .singlepart(Attachment::new(format!("{stamp}.tif")).body(tiff, media_type)),
        )
        .map(|m| m.formatted())
        .map_err(|e| e.to_string())
}

fn address(text: &str) -> Option<lettre::message::Mailbox> {
    text.parse().ok()
}

/// `Auto-Submitted` (RFC 3834): a machine wrote this.
#[derive(Clone)]
struct AutoSubmitted(String);

impl lettre::message::header::Header for AutoSubmitted {
    fn name() -> lettre::message::header::HeaderName {
        lettre::message::header::HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self(text.to_owned()))
    }

    fn display(&self) -> lettre::message::header::HeaderValue {
        lettre::message::header::HeaderValue::new(Self::name(), self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readers::Readers;
    use kakehashi_core::envelope::ReportOutcome;
    use kakehashi_core::port::{HashingSink, Origin, RawIntake, Reader as _};
    use kakehashi_core::vocabulary::{Channel, Format, Intent};

    fn read(bytes: Vec<u8>) -> kakehashi_core::envelope::Envelope {
        let raw = RawIntake {
            channel: Channel::Email,
            format: Format::Rfc5322,
            dedup_key: String::new(),
            sender_message_id: None,
            bytes: bytes.into(),
            received_at: UtcMicros::from_micros(0),
            origin: Origin::default(),
        };
        Readers::default().read(&raw, &mut HashingSink).unwrap().remove(0)
    }

    #[test]
    fn the_gateway_understands_what_the_demo_says() {
        let at = UtcMicros::from_rfc3339("2026-06-09T10:24:00+09:00").unwrap();
        let job = Job {
            number: "0300000105",
            message_id: "D1.code@in.kakehashi.example",
            subject: "kakehashi [D1.code@in.kakehashi.example]",
            to: "noreply@in.kakehashi.example",
            at,
        };
        let envelope = read(report(&job));
        assert_eq!(envelope.intent, Intent::DeliveryReport);
        let told = envelope.report.unwrap();
        assert_eq!(told.outcome, ReportOutcome::Delivered);
        assert_eq!(told.original.as_deref(), Some("D1.code@in.kakehashi.example"));

        let tiff = kakehashi_fax::paper::page_to_tiff_g4(&[kakehashi_fax::pages::Page::white_a4(196.0)]);
        let envelope = read(received_fax("03-0000-0105", "fax@in.kakehashi.example", tiff, 1, at).unwrap());
        assert_eq!(envelope.channel, Channel::Fax);
        assert_eq!(envelope.sender.number.as_deref(), Some("0300000105"));
    }
}
