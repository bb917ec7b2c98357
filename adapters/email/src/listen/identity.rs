//! By what two SMTP deliveries are known to be the same mail: a relay that saw no answer sends again
//! with new trace lines, so the key is made of what it does not touch. Never reads the content.

use kakehashi_core::envelope::ContentHash;

/// The key for once-only intake and the Message-ID as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) dedup_key: String,
    pub(crate) message_id: Option<String>,
}

/// Builds the identity: Message-ID, From, everything below the headers, and the recipients. Without a
/// Message-ID the whole bytes count.
pub(crate) fn of(message: &[u8], recipients: &[String]) -> Identity {
    let (header, below) = split(message);
    build(header, recipients, |part| match part {
        Part::BelowHeader => ContentHash::of(below),
        Part::Whole => ContentHash::of(message),
    })
}

/// The same for a mail of which only the header and two hashes are at hand.
pub(super) fn of_parts(
    header: &[u8],
    below: &ContentHash,
    whole: &ContentHash,
    recipients: &[String],
) -> Identity {
    build(header, recipients, |part| match part {
        Part::BelowHeader => below.clone(),
        Part::Whole => whole.clone(),
    })
}

/// Of what a hash is wanted.
enum Part {
    BelowHeader,
    Whole,
}

fn build(header: &[u8], recipients: &[String], hash_of: impl FnOnce(Part) -> ContentHash) -> Identity {
    let id = header_value(header, b"message-id");
    let from = header_value(header, b"from").unwrap_or_default();
    let mut sorted: Vec<String> = recipients.iter().map(|r| r.to_lowercase()).collect();
    sorted.sort();
    sorted.dedup();
    let mut hashed: Vec<u8> = Vec::new();
    match &id {
        Some(id) => {
            for field in [id.as_slice(), from.as_slice()] {
                hashed.extend_from_slice(&(field.len() as u64).to_be_bytes());
                hashed.extend_from_slice(field);
            }
            hashed.extend_from_slice(hash_of(Part::BelowHeader).as_str().as_bytes());
        }
        None => hashed.extend_from_slice(hash_of(Part::Whole).as_str().as_bytes()),
    }
    for recipient in &sorted {
        hashed.extend_from_slice(&(recipient.len() as u64).to_be_bytes());
        hashed.extend_from_slice(recipient.as_bytes());
    }
    let written = id.map(|id| {
        let text = String::from_utf8_lossy(&id).into_owned();
        let start = text.find('<').map_or(0, |i| i + 1);
        let inner = &text[start..];
        let inner = inner.split('>').next().unwrap_or(inner).trim();
        inner.chars().filter(|c| !c.is_control()).take(500).collect::<String>()
    });
    Identity {
        dedup_key: format!("smtp:{}", ContentHash::of(&hashed).hex()),
        message_id: written.filter(|w| !w.is_empty()),
    }
}

/// For a mail out of a mailbox: envelope sender and the addresses it was delivered to, as the server that
/// put it there wrote them down, then those the writer named. At most 50.
pub(crate) fn delivered(message: &[u8]) -> (Option<String>, Vec<String>) {
    const TRACE: [&str; 4] = ["delivered-to", "x-original-to", "envelope-to", "x-envelope-to"];
    const WRITTEN: [&str; 2] = ["to", "cc"];
    let (header, _) = split(message);
    let text = String::from_utf8_lossy(&header[..header.len().min(256 * 1024)]).into_owned();
    let (mut from, mut trace, mut written) = (None, Vec::new(), Vec::new());
    let unfolded = text.replace("\r\n ", " ").replace("\r\n\t", " ");
    for line in unfolded.lines() {
        let Some((name, value)) = line.split_once(':') else { continue };
        let name = name.trim().to_ascii_lowercase();
        let addresses = || {
            value
                .split(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | ',' | ';' | '"' | '(' | ')'))
                .filter(|w| w.contains('@') && w.len() <= 320)
                .map(str::to_owned)
        };
        if name == "return-path" && from.is_none() {
            from = Some(addresses().next().unwrap_or_default());
        } else if TRACE.contains(&name.as_str()) {
            trace.extend(addresses());
        } else if WRITTEN.contains(&name.as_str()) {
            written.extend(addresses());
        }
        if trace.len() + written.len() > 500 {
            break;
        }
    }
    let mut all: Vec<String> = Vec::new();
    for address in trace.into_iter().chain(written) {
        if !all.iter().any(|a| a.eq_ignore_ascii_case(&address)) && all.len() < 50 {
            all.push(address);
        }
    }
    (from, all)
}

/// The header with the end of its last line, and what stands below the blank line.
pub(super) fn split(message: &[u8]) -> (&[u8], &[u8]) {
    if message.starts_with(b"\r\n") {
        return (&[], &message[2..]);
    }
    match message.windows(4).position(|w| w == b"\r\n\r\n") {
        Some(at) => (&message[..at + 2], &message[at + 4..]),
        None => (message, &[]),
    }
}

/// The first header of this lower-case name, unfolded and trimmed.
fn header_value(header: &[u8], name: &[u8]) -> Option<Vec<u8>> {
    let mut value: Option<Vec<u8>> = None;
    for line in header.split(|b| *b == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if let Some(collected) = value.as_mut() {
            if !line.first().is_some_and(|b| matches!(b, b' ' | b'\t')) {
                break;
            }
            collected.extend_from_slice(line);
        } else if let Some(colon) = line.iter().position(|b| *b == b':')
            && line[..colon].trim_ascii().eq_ignore_ascii_case(name)
        {
            value = Some(line[colon + 1..].to_vec());
        }
    }
    value.map(|v| v.trim_ascii().to_vec()).filter(|v| !v.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trace_lines_do_not_matter_and_content_does() {
        let to = ["a@x".to_owned(), "b@x".to_owned()];
        let turned = ["B@x".to_owned(), "a@x".to_owned()];
        let plain = of(b"Message-ID: <1@y>\r\nFrom: n@y\r\n\r\ntext\r\n", &to);
        assert_eq!(plain.message_id.as_deref(), Some("1@y"));
        assert_eq!(
            plain,
            of(b"Received: z\r\n\tq\r\nmessage-id:\r\n <1@y>\r\nX: 1\r\nFrom: n@y\r\n\r\ntext\r\n", &turned)
        );
        for other in [
            &b"Message-ID: <1@y>\r\nFrom: n@y\r\n\r\ntext2\r\n"[..],
            b"Message-ID: <2@y>\r\nFrom: n@y\r\n\r\ntext\r\n",
            b"Message-ID: <1@y>\r\nFrom: m@y\r\n\r\ntext\r\n",
        ] {
            assert_ne!(plain.dedup_key, of(other, &to).dedup_key);
        }
        assert_ne!(
            plain.dedup_key,
            of(b"Message-ID: <1@y>\r\nFrom: n@y\r\n\r\ntext\r\n", &to[..1]).dedup_key
        );
        let kept = b"Return-Path: <nurse@st.example>\r\nDelivered-To: intake@in.example\r\nTo: \"A, B\" <g-1@in.example>,\r\n x@y.example\r\nCc: G-1@in.example\r\n\r\nTo: not@this.example\r\n";
        assert_eq!(
            delivered(kept),
            (
                Some("nurse@st.example".to_owned()),
                ["intake@in.example", "g-1@in.example", "x@y.example"].map(str::to_owned).to_vec()
            )
        );
        assert_eq!(delivered(b"Return-Path: <>\r\n\r\n").0.as_deref(), Some(""));
        assert_eq!(of(b"x", &to), of(b"x", &to));
        assert_eq!(of(b"", &[]).message_id, None);
    }
}
