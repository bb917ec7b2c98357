//! ② Stored care note to Envelope: pure, total and the same for HTTP, form, MQTT and `inspect`. Media
//! types are decided by the bytes; what a stored note should not contain is doubted in `warnings` or
//! makes it unreadable, never repaired silently.

use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, general_purpose};
use kakehashi_core::care_note::{CareNote, CareNoteAttachment, CareNoteFault, CareNoteLimits, FaultKind};
use kakehashi_core::envelope::{Envelope, Identifier, NameKind, PatientName};
use kakehashi_core::port::{Part, PartFault, PartSink, RawIntake, ReadFault, Reader};
use kakehashi_core::text::fold::{is_kana, widen_kana};
use kakehashi_core::unreadable::{Unreadable, UnreadableCode};
use kakehashi_core::vocabulary::{AttachmentRole, Authenticity, Channel, Format, Intent};

/// Reads care notes.
#[derive(Debug, Clone, Copy, Default)]
pub struct CareNoteReader;

impl Reader for CareNoteReader {
    fn read(&self, raw: &RawIntake, parts: &mut dyn PartSink) -> Result<Vec<Envelope>, ReadFault> {
        read(raw, parts)
    }
}

/// Reads one care note.
///
/// # Errors
/// [`ReadFault::Unreadable`] is final, [`ReadFault::Part`] means try again.
pub fn read(raw: &RawIntake, parts: &mut dyn PartSink) -> Result<Vec<Envelope>, ReadFault> {
    let bytes = raw.bytes.whole()?;
    let note = CareNote::parse(&bytes, &CareNoteLimits::default()).map_err(|fault| unreadable(&fault))?;
    let mut envelope = Envelope::empty(raw.channel, Format::Json, raw.bytes.content_hash().clone());
    fill(&mut envelope, &note, raw);
    for (number, attachment) in note.attachments.iter().enumerate() {
        keep(&mut envelope, number, attachment, parts)?;
    }
    Ok(vec![envelope])
}

fn unreadable(fault: &CareNoteFault) -> Unreadable {
    let code = match fault.kind {
        FaultKind::Empty => UnreadableCode::Empty,
        FaultKind::NotJson => UnreadableCode::Damaged,
        FaultKind::NotACareNote => UnreadableCode::UnknownFormat,
        FaultKind::TooLarge => UnreadableCode::TooLarge,
    };
    // The detail is English; the path holds key names and never the note's text.
    let english = fault.reason.rsplit(" / ").next().unwrap_or("");
    let detail = if fault.path.is_empty() {
        format!("care note: {english}")
    } else {
        format!("care note, {}: {english}", fault.path)
    };
    Unreadable::new(code, detail)
}

fn fill(envelope: &mut Envelope, note: &CareNote, raw: &RawIntake) {
    let source = match raw.channel {
        Channel::Mqtt => raw.origin.interface.clone(),
        _ => raw.origin.endpoint.as_ref().map(|endpoint| endpoint.as_str().to_owned()),
    };
    envelope.message_id = note.note_id.as_ref().map(|id| match &source {
        Some(source) => format!("{source}#{id}"),
        None => id.clone(),
    });
    envelope.sender.name = note.staff_name.clone();
    envelope.sender.application = note.application.clone();
    envelope.sender.authenticity = raw.origin.authenticity.unwrap_or(Authenticity::None);
    envelope.intent = if note.acknowledge.is_some() {
        Intent::Acknowledgement
    } else if note.in_reply_to.is_some() {
        Intent::Reply
    } else {
        Intent::Topic
    };
    envelope.reply_code = note.in_reply_to.clone().or_else(|| note.acknowledge.clone());
    // A group written as an address travels as a recipient of the intake, where mails have theirs.
    envelope.patient.group_alias = note.group.clone().filter(|_| note.group_address().is_none());
    if let Some(patient) = &note.patient {
        envelope.patient.identifiers = patient
            .identifier
            .iter()
            .map(|id| Identifier { id: id.clone(), authority: None, kind: None })
            .collect();
        envelope.patient.names = names(patient.name.as_deref(), patient.kana.as_deref());
        envelope.patient.birth_date = patient.birth_date.clone();
    }
    envelope.occurred_at = note.occurred_at;
    envelope.title = note.title.clone();
    envelope.body = note.body.clone();
    envelope.urgency = note.urgency;
    envelope.reply_expectation = note.reply_expectation;
    envelope.document_kind = note.document_kind.clone();
    if let Some(occurred_at) = note.occurred_at {
        // S5: a device clock that runs fast must not put a reading into the future.
        let ahead = occurred_at.seconds_since(raw.received_at);
        if ahead > 60 {
            envelope.warn("clock_ahead", format!("occurred_at is {ahead} s later than the arrival"));
        }
    }
}

fn names(name: Option<&str>, kana: Option<&str>) -> Vec<PatientName> {
    let kana = kana.map(widen_kana);
    match (name, kana) {
        (Some(name), kana) => {
            let kind = if is_kana(name) {
                NameKind::Kana
            } else if name.is_ascii() {
                NameKind::Alphabet
            } else {
                NameKind::Kanji
            };
            vec![PatientName { text: widen_kana(name), kana, kind }]
        }
        (None, Some(kana)) => {
            vec![PatientName { text: kana.clone(), kana: Some(kana), kind: NameKind::Kana }]
        }
        (None, None) => Vec::new(),
    }
}

fn keep(
    envelope: &mut Envelope,
    number: usize,
    attachment: &CareNoteAttachment,
    parts: &mut dyn PartSink,
) -> Result<(), PartFault> {
    let Some(bytes) = decode(&attachment.data) else {
        envelope.warn("attachment_unreadable", format!("attachments[{number}].data is not valid base64"));
        return Ok(());
    };
    let decided = media_type(&bytes);
    let stated = attachment.media_type.as_deref();
    if let (Some(decided), Some(stated)) = (decided, stated)
        && decided != stated
        && !(decided == "application/zip" && stated.starts_with("application/vnd."))
    {
        let stated: String = stated.chars().filter(char::is_ascii_graphic).take(80).collect();
        envelope.warn("media_type_differs", format!("attachments[{number}]: stated {stated}, is {decided}"));
    }
    let office_file =
        stated.filter(|s| decided == Some("application/zip") && s.starts_with("application/vnd."));
    let media_type =
        office_file.or(decided).or(stated.filter(|s| plain(s))).unwrap_or("application/octet-stream");
    let entry = parts.keep(Part {
        name: attachment.name.as_deref(),
        media_type,
        pages: None,
        role: AttachmentRole::Document,
        bytes: &bytes,
    })?;
    envelope.attachments.push(entry);
    Ok(())
}

/// A stated media type that may be passed on: `type/subtype` of the allowed signs, and nothing that a
/// browser would run.
fn plain(stated: &str) -> bool {
    let sign = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+' | '_');
    let runs = ["text/html", "image/svg+xml", "application/xhtml+xml", "text/xml", "application/xml"];
    stated.split_once('/').is_some_and(|(kind, sub)| {
        !kind.is_empty() && !sub.is_empty() && kind.chars().all(sign) && sub.chars().all(sign)
    }) && !runs.contains(&stated)
}

/// What the first bytes say; `None` if they say nothing.
fn media_type(bytes: &[u8]) -> Option<&'static str> {
    let starts: &[(&[u8], &str)] = &[
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"GIF8", "image/gif"),
        (b"%PDF-", "application/pdf"),
        (b"II*\0", "image/tiff"),
        (b"MM\0*", "image/tiff"),
        (b"PK\x03\x04", "application/zip"),
    ];
    if let Some((_, kind)) = starts.iter().find(|(start, _)| bytes.starts_with(start)) {
        return Some(kind);
    }
    if bytes.len() >= 12 && bytes.starts_with(b"RIFF") && &bytes[8..12] == b"WEBP" {
        return Some("image/webp");
    }
    if bytes.len() >= 12 && &bytes[4..8] == b"ftyp" {
        let heic = [b"heic", b"heix", b"hevc", b"mif1", b"msf1"];
        return heic.iter().any(|brand| &bytes[8..12] == *brand).then_some("image/heic");
    }
    None
}

/// Standard base64 as software writes it: line ends allowed, padding optional.
fn decode(data: &str) -> Option<Vec<u8>> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    if data.bytes().any(|b| b.is_ascii_whitespace()) {
        let packed: Vec<u8> = data.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
        return LENIENT.decode(packed).ok();
    }
    general_purpose::STANDARD.decode(data).or_else(|_| LENIENT.decode(data)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kakehashi_core::clock::UtcMicros;
    use kakehashi_core::ids::EndpointId;
    use kakehashi_core::port::{HashingSink, Origin};
    use kakehashi_core::reply_code::ReplyCode;
    use kakehashi_core::vocabulary::{ReplyExpectation, Urgency};
    use proptest::prelude::*;

    fn raw(channel: Channel, json: &[u8]) -> RawIntake {
        RawIntake {
            channel,
            format: Format::Json,
            dedup_key: "k".to_owned(),
            sender_message_id: None,
            bytes: json.into(),
            received_at: UtcMicros::from_rfc3339("2026-06-11T10:20:00+09:00").unwrap(),
            origin: Origin {
                interface: (channel == Channel::Mqtt).then(|| "t-7q2m".to_owned()),
                endpoint: (channel == Channel::Api).then(|| EndpointId::new("E07")),
                authenticity: Some(Authenticity::ApiKey),
                ..Origin::default()
            },
        }
    }

    fn envelope(channel: Channel, json: &str) -> Envelope {
        read(&raw(channel, json.as_bytes()), &mut HashingSink).unwrap().remove(0)
    }

    #[test]
    fn a_note_becomes_a_topic() {
        let e = envelope(
            Channel::Api,
            r#"{"note_id":"n-1","group":"つばき01","title":"送迎","body":"8:40着","urgency":"urgent",
            "reply_expectation":"ack","staff_name":"岡本 亮","occurred_at":"2026-06-11T10:27:00+09:00",
            "patient":{"identifier":"00123","name":"山本　千代","kana":"ﾔﾏﾓﾄ ﾁﾖ","birth_date":"1938-04-12"},
            "attachments":[{"name":"../p.pdf","media_type":"image/jpeg","data":"JVBERi0xLjc="}]}"#,
        );
        assert_eq!(e.message_id.as_deref(), Some("E07#n-1"));
        assert_eq!((e.intent, e.urgency), (Intent::Topic, Some(Urgency::Urgent)));
        assert_eq!(e.reply_expectation, Some(ReplyExpectation::Ack));
        assert_eq!(e.patient.group_alias.as_deref(), Some("つばき01"));
        assert_eq!(e.patient.names[0].kana.as_deref(), Some("ヤマモト チヨ"));
        assert_eq!(e.patient.identifiers[0].id, "00123");
        assert_eq!(e.attachments[0].media_type, "application/pdf");
        assert_eq!(e.attachments[0].name.as_deref(), Some("p.pdf"));
        let codes: Vec<&str> = e.warnings.iter().map(|w| w.code.as_str()).collect();
        assert_eq!(codes, ["clock_ahead", "media_type_differs"]);
    }

    #[test]
    fn codes_make_replies_and_acknowledgements() {
        let code = ReplyCode::from_random(5);
        let reply = envelope(
            Channel::Mqtt,
            &format!(r#"{{"note_id":"9","in_reply_to":"{}","body":"x"}}"#, code.as_str()),
        );
        assert_eq!((reply.intent, reply.reply_code.as_deref()), (Intent::Reply, Some(code.as_str())));
        assert_eq!(reply.message_id.as_deref(), Some("t-7q2m#9"));
        let ack = envelope(Channel::Api, &format!(r#"{{"acknowledge":"{}"}}"#, code.as_str()));
        assert_eq!((ack.intent, ack.body), (Intent::Acknowledgement, None));
    }

    #[test]
    fn what_cannot_be_read_says_why_without_the_text() {
        for (json, code) in [
            (&b""[..], UnreadableCode::Empty),
            (b"{\"body\":", UnreadableCode::Damaged),
            (b"{\"body\":\"x\",\"secret\":\"y\"}", UnreadableCode::UnknownFormat),
            (b"not json at all", UnreadableCode::Damaged),
        ] {
            match read(&raw(Channel::Mqtt, json), &mut HashingSink) {
                Err(ReadFault::Unreadable(u)) => {
                    assert_eq!(u.code, code, "{u}");
                    assert!(u.detail.is_ascii(), "{u}");
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn nothing_that_a_browser_runs_is_named() {
        for (stated, kept) in [
            ("text/html", "application/octet-stream"),
            ("image/svg+xml", "application/octet-stream"),
            ("text/plain", "text/plain"),
            ("nonsense", "application/octet-stream"),
        ] {
            let e = envelope(
                Channel::Api,
                &format!(r#"{{"body":"x","attachments":[{{"media_type":"{stated}","data":"aGVsbG8"}}]}}"#),
            );
            assert_eq!(e.attachments[0].media_type, kept);
        }
    }

    proptest! {
        #[test]
        fn reading_is_total(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = read(&raw(Channel::Mqtt, &bytes), &mut HashingSink);
        }

        #[test]
        fn any_base64_like_data(data in "[A-Za-z0-9+/= \n-]{0,60}") {
            let _ = decode(&data);
        }
    }
}
