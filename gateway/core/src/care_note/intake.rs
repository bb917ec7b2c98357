//! A care note on its way to the desk: what can be checked while the sender still waits is checked, and
//! the raw intake says everything that reading needs later. HTTP and the web form use this one function;
//! the socket is theirs, durability the desk's.

use super::{CareNote, CareNoteFault, CareNoteLimits, FaultKind};
use crate::clock::UtcMicros;
use crate::ids::{EndpointId, LoginUserId};
use crate::port::{Origin, RawIntake};
use crate::vocabulary::{Authenticity, Channel, Format};

/// Longest idempotency key in bytes.
const IDEMPOTENCY_KEY_BYTES: usize = 200;

/// What the web layer knows of a care note besides its bytes.
#[derive(Debug, Clone)]
pub struct Arrival<'a> {
    /// [`Channel::Api`], or [`Channel::Web`] for the form.
    pub channel: Channel,
    /// The endpoint that the API key or the login proved.
    pub endpoint: EndpointId,
    /// The person who was logged in.
    pub login_user: Option<LoginUserId>,
    /// [`Authenticity::ApiKey`] or [`Authenticity::Login`].
    pub authenticity: Authenticity,
    /// Address of the peer without port.
    pub peer: Option<String>,
    /// Value of the Idempotency-Key header, or the form's own key.
    pub idempotency_key: Option<&'a str>,
    /// When the first byte was taken.
    pub received_at: UtcMicros,
}

/// Makes a raw intake of a care note. The deduplication key names endpoint and idempotency key only: the
/// desk finds the earlier intake and can tell by its content hash whether the key was used for something
/// else (409).
///
/// # Errors
/// [`CareNoteFault`] with path and remedy for the sender: 413 for [`FaultKind::TooLarge`], else 422.
pub fn intake(
    bytes: Vec<u8>,
    arrival: Arrival<'_>,
    limits: &CareNoteLimits,
) -> Result<RawIntake, CareNoteFault> {
    let key = arrival.idempotency_key.map(str::trim).filter(|key| !key.is_empty());
    if key.is_some_and(|key| key.len() > IDEMPOTENCY_KEY_BYTES) {
        return Err(CareNoteFault::new(
            FaultKind::NotACareNote,
            "Idempotency-Key",
            &format!("{IDEMPOTENCY_KEY_BYTES}バイトを超えています"),
            &format!("more than {IDEMPOTENCY_KEY_BYTES} bytes"),
        ));
    }
    let note = CareNote::parse(&bytes, limits)?;
    if let Some(number) = note.attachments.iter().position(|a| !is_base64(&a.data)) {
        return Err(CareNoteFault::new(
            FaultKind::NotACareNote,
            format!("attachments[{number}].data"),
            "base64として読めません",
            "not valid base64",
        ));
    }
    let dedup_key = CareNote::dedup_key(arrival.endpoint.as_str(), key, note.note_id.as_deref(), &bytes);
    let listener = if arrival.channel == Channel::Web { "web" } else { "http" };
    Ok(RawIntake {
        channel: arrival.channel,
        format: Format::Json,
        dedup_key,
        sender_message_id: note.note_id.clone().or_else(|| key.map(str::to_owned)),
        bytes: bytes.into(),
        received_at: arrival.received_at,
        origin: Origin {
            listener: listener.to_owned(),
            peer: arrival.peer,
            rcpt_to: note.group_address().map(str::to_ascii_lowercase).into_iter().collect(),
            endpoint: Some(arrival.endpoint),
            login_user: arrival.login_user,
            authenticity: Some(arrival.authenticity),
            ..Origin::default()
        },
    })
}

/// Whether text has the shape of standard base64: its signs, blanks and line ends between, padding only
/// at the end and no lone last sign. Decoding is ②'s work.
fn is_base64(data: &str) -> bool {
    let mut signs = 0_usize;
    let mut padding = 0_usize;
    for byte in data.bytes().filter(|b| !b.is_ascii_whitespace()) {
        match byte {
            b'=' => padding += 1,
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' if padding == 0 => signs += 1,
            _ => return false,
        }
    }
    signs % 4 != 1 && (padding == 0 || ((signs + padding).is_multiple_of(4) && padding <= 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrival(key: Option<&str>) -> Arrival<'_> {
        Arrival {
            channel: Channel::Api,
            endpoint: EndpointId::new("E07"),
            login_user: None,
            authenticity: Authenticity::ApiKey,
            peer: Some("127.0.0.1".to_owned()),
            idempotency_key: key,
            received_at: UtcMicros::from_micros(0),
        }
    }

    fn key_of(json: &str, key: Option<&str>) -> String {
        intake(json.as_bytes().to_vec(), arrival(key), &CareNoteLimits::default()).unwrap().dedup_key
    }

    #[test]
    fn one_note_has_one_key() {
        let note = r#"{"note_id":"n-1","body":"x"}"#;
        assert_eq!(key_of(note, Some("k1")), "care_note:E07:key:k1");
        assert_eq!(key_of(r#"{"body":"other"}"#, Some("k1")), "care_note:E07:key:k1");
        assert_eq!(key_of(note, None), "care_note:E07:note:n-1");
        assert!(key_of(r#"{"body":"x"}"#, None).starts_with("care_note:E07:sha256:"));
        let long = format!(r#"{{"note_id":"{}","body":"x"}}"#, "長い番号".repeat(40));
        assert!(key_of(&long, None).len() <= 200);
        // A note's own id and an idempotency key of the same text are two things.
        assert_ne!(key_of(r#"{"note_id":"k1","body":"x"}"#, None), key_of(note, Some("k1")));
    }

    #[test]
    fn the_sender_is_told_what_is_wrong() {
        let limits = CareNoteLimits::default();
        let bad = br#"{"body":"x","attachments":[{"data":"@@@"}]}"#.to_vec();
        assert_eq!(intake(bad, arrival(None), &limits).unwrap_err().path, "attachments[0].data");
        let long = "k".repeat(201);
        let fault = intake(br#"{"body":"x"}"#.to_vec(), arrival(Some(&long)), &limits).unwrap_err();
        assert_eq!(fault.path, "Idempotency-Key");
    }

    #[test]
    fn a_group_written_as_an_address_is_a_recipient() {
        let note = br#"{"body":"x","group":"G-7Q2M@in.sakurami.example"}"#.to_vec();
        let raw = intake(note, arrival(None), &CareNoteLimits::default()).unwrap();
        assert_eq!(raw.origin.rcpt_to, ["g-7q2m@in.sakurami.example"]);
    }

    #[test]
    fn shapes_of_base64() {
        for (data, ok) in [
            ("", true),
            ("aGVq", true),
            ("aGVqcA==", true),
            ("aGVqcA", true),
            ("aGVq\r\ncA==\n", true),
            ("aGVqc", false),
            ("aGVqcA=", false),
            ("aG=qcA==", false),
            ("aGV_", false),
            ("====", false),
        ] {
            assert_eq!(is_base64(data), ok, "{data:?}");
        }
    }
}
