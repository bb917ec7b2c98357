//! What arrived in the hospital's inbox, as its screen would show it: read by our own reader and shown like
//! a mail, with the message itself beneath. Never answers; a hospital answers by FAX, telephone or a new message.

use kakehashi_core::clock::UtcMicros;
use kakehashi_core::envelope::{Attachment, ContentHash};
use kakehashi_core::mail::{Mail, MailPart};
use kakehashi_core::port::{Origin, Part, PartFault, PartSink, RawIntake};
use kakehashi_core::vocabulary::{Channel, Format};

/// Longest line of the message that is shown; embedded files are longer.
const LINE_CHARS: usize = 400;

/// Keeps parts in memory.
#[derive(Default)]
struct Parts(Vec<MailPart>);

impl PartSink for Parts {
    fn keep(&mut self, part: Part<'_>) -> Result<Attachment, PartFault> {
        self.0.push(MailPart {
            name: part.name.map(str::to_owned),
            media_type: part.media_type.to_owned(),
            inline: false,
            bytes: part.bytes.to_vec(),
        });
        Ok(part.describe())
    }
}

/// The message as something to read.
pub(super) fn read(bytes: &[u8], at: UtcMicros) -> Mail {
    let raw = RawIntake {
        channel: Channel::Hl7,
        format: Format::Hl7v2,
        dedup_key: String::new(),
        sender_message_id: None,
        bytes: bytes.into(),
        received_at: at,
        origin: Origin::default(),
    };
    let mut parts = Parts::default();
    let envelope = kakehashi_hl7::read::read(&raw, &mut parts, None).ok().and_then(|e| e.into_iter().next());
    let (title, body, control_id) = envelope
        .map_or((None, None, None), |e| (e.title, e.body, e.event.and_then(|event| event.control_id)));
    let shown: Vec<String> = as_text(bytes)
        .split(['\r', '\n'])
        .filter(|line| !line.is_empty())
        .map(|line| match line.char_indices().nth(LINE_CHARS) {
            Some((end, _)) => format!("{}…", &line[..end]),
            None => line.to_owned(),
        })
        .collect();
    Mail {
        content_hash: ContentHash::of(bytes),
        message_id: control_id,
        from: None,
        to: Vec::new(),
        subject: title,
        date: None,
        in_reply_to: Vec::new(),
        headers: Vec::new(),
        text: format!("{}\n\n――――――――――\n{}", body.unwrap_or_default(), shown.join("\n")),
        text_from_html: false,
        parts: parts.0,
        warnings: Vec::new(),
    }
}

fn as_text(bytes: &[u8]) -> String {
    let declared = kakehashi_hl7::header::Header::find(bytes).and_then(|h| h.declared_charset());
    kakehashi_hl7::charset::decode(bytes, declared.as_deref(), None).map(|d| d.text).unwrap_or_default()
}
