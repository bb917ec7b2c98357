//! Results of FAX jobs as a provider tells them over HTTP: one JSON object and a signature over it
//! (docs/fax-http.md). Pure: HMAC-SHA256 (RFC 2104), a window against repetition, and a strict shape.
//! Whether the provider ever took that job is for the store to say.

use crate::clock::UtcMicros;
use crate::text::clean_line;
use crate::vocabulary::DeliveryState;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

/// Longest body of a result, in bytes.
pub const BODY_BYTES: usize = 16 * 1024;
/// A signature counts for so long around its own time, in seconds.
pub const WINDOW_SECONDS: i64 = 300;
/// SHA-256 works on blocks of this size (FIPS 180-4).
const BLOCK: usize = 64;

/// HMAC-SHA256 in hexadecimal.
#[must_use]
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> String {
    let mut block = [0_u8; BLOCK];
    if key.len() > BLOCK {
        for (to, from) in block.iter_mut().zip(Sha256::digest(key)) {
            *to = from;
        }
    } else {
        for (to, from) in block.iter_mut().zip(key) {
            *to = *from;
        }
    }
    let pad = |with: u8| block.map(|b| b ^ with);
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(message).finalize();
    let outer = Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize();
    outer.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What the header `X-Fax-Signature` says for a body sent at this time.
#[must_use]
pub fn signature(key: &[u8], at: UtcMicros, body: &[u8]) -> String {
    let seconds = at.as_micros() / 1_000_000;
    let mut signed = format!("{seconds}.").into_bytes();
    signed.extend_from_slice(body);
    format!("t={seconds},v1={}", hmac_sha256(key, &signed))
}

/// Why a result is not taken. All of them get the same answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Untrusted {
    /// The header is missing or not of the form `t=…,v1=…`.
    #[error("no signature of the form t=…,v1=…; see docs/fax-http.md")]
    Malformed,
    /// Signed too long ago or in the future.
    #[error("signed outside the window of five minutes; check the clocks")]
    Late,
    /// Signed with another secret.
    #[error("the signature does not fit; compare the secrets on both sides")]
    Wrong,
}

/// Checks a signature against a body. Takes the same time for every wrong one.
///
/// # Errors
/// [`Untrusted`], for the log; the sender learns no more than that it was refused.
pub fn verify(key: &[u8], header: &str, body: &[u8], now: UtcMicros) -> Result<(), Untrusted> {
    let (time, given) = header
        .split_once(',')
        .and_then(|(t, v)| Some((t.trim().strip_prefix("t=")?, v.trim().strip_prefix("v1=")?)))
        .ok_or(Untrusted::Malformed)?;
    let seconds: i64 = time.parse().map_err(|_| Untrusted::Malformed)?;
    let at = seconds.checked_mul(1_000_000).map(UtcMicros::from_micros).ok_or(Untrusted::Malformed)?;
    let expected = signature(key, at, body);
    let expected = expected.split_once("v1=").map_or("", |(_, v)| v);
    let differs = given.len() != expected.len()
        || given.bytes().zip(expected.bytes()).fold(0, |sum, (a, b)| sum | (a ^ b)) != 0;
    if differs {
        return Err(Untrusted::Wrong);
    }
    if now.seconds_since(at).abs() > WINDOW_SECONDS { Err(Untrusted::Late) } else { Ok(()) }
}

/// What became of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaxResult {
    /// The job as the provider named it when it took it, or as we named it.
    pub job: String,
    /// 送達 or 不達; `None` while it is still trying.
    pub state: Option<DeliveryState>,
    /// The cause in the provider's words, for the plan of repetition and for people.
    pub detail: String,
}

#[derive(Deserialize)]
struct Told {
    job: String,
    state: String,
    #[serde(default)]
    cause: String,
    #[serde(default)]
    detail: String,
}

/// Reads the body of a result.
///
/// # Errors
/// Words for the log: what is missing. Unknown fields are ignored, so that a provider can say more.
pub fn read(body: &[u8]) -> Result<FaxResult, String> {
    if body.len() > BODY_BYTES {
        return Err(format!("more than {BODY_BYTES} bytes"));
    }
    let told: Told = serde_json::from_slice(body).map_err(|e| e.to_string())?;
    let job = clean_line(&told.job, 200);
    if job.is_empty() {
        return Err("`job` is empty".to_owned());
    }
    let state = match told.state.as_str() {
        "delivered" => Some(DeliveryState::Delivered),
        "failed" => Some(DeliveryState::Failed),
        "queued" | "sending" => None,
        other => {
            return Err(format!(
                "`state` {:?} is none of delivered, failed, queued, sending",
                clean_line(other, 20)
            ));
        }
    };
    // Codes of causes in words that `fax_cause` knows.
    let cause = match told.cause.as_str() {
        "busy" => "busy",
        "no_answer" => "no answer",
        "paper_out" => "out of paper",
        "wrong_number" => "wrong number",
        "line_fault" => "line fault",
        other => other,
    };
    let detail = clean_line(&[cause, told.detail.as_str()].join(" "), 300);
    Ok(FaxResult { job, state, detail })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fax_cause::{FaxCause, cause};

    #[test]
    fn hmac_as_in_rfc_4231() {
        assert_eq!(
            hmac_sha256(&[0x0b; 20], b"Hi There"),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        );
        assert_eq!(
            hmac_sha256(b"Jefe", b"what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(
            hmac_sha256(&[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First"),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }

    #[test]
    fn only_a_fresh_signature_over_this_body_counts() {
        let now = UtcMicros::from_micros(1_780_000_000_000_000);
        let body = br#"{"job":"J1","state":"delivered"}"#;
        let header = signature(b"secret", now, body);
        assert_eq!(verify(b"secret", &header, body, now.plus_seconds(299)), Ok(()));
        assert_eq!(verify(b"secret", &header, body, now.plus_seconds(301)), Err(Untrusted::Late));
        assert_eq!(verify(b"other", &header, body, now), Err(Untrusted::Wrong));
        assert_eq!(verify(b"secret", &header, b"{}", now), Err(Untrusted::Wrong));
        for wrong in ["", "t=1", "v1=00", "t=x,v1=00", "t=99999999999999999,v1=00"] {
            assert_eq!(verify(b"secret", wrong, body, now), Err(Untrusted::Malformed), "{wrong}");
        }
    }

    #[test]
    fn results_are_read() {
        let read = |text: &str| read(text.as_bytes());
        let failed = read(r#"{"job":"J1","state":"failed","cause":"paper_out","more":1}"#).unwrap();
        assert_eq!((failed.state, cause(&failed.detail)), (Some(DeliveryState::Failed), FaxCause::PaperOut));
        for (code, expected) in [
            ("busy", FaxCause::Busy),
            ("no_answer", FaxCause::NoAnswer),
            ("wrong_number", FaxCause::WrongNumber),
            ("line_fault", FaxCause::LineFault),
            ("else", FaxCause::Other),
        ] {
            let told = read(&format!(r#"{{"job":"J","state":"failed","cause":"{code}"}}"#)).unwrap();
            assert_eq!(cause(&told.detail), expected, "{code}");
        }
        assert_eq!(read(r#"{"job":"J1","state":"sending"}"#).unwrap().state, None);
        for wrong in ["", "[]", r#"{"job":"","state":"delivered"}"#, r#"{"job":"J","state":"ok"}"#] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    proptest::proptest! {
        #[test]
        fn total(body in proptest::collection::vec(0_u8.., 0..200), header in ".{0,80}") {
            let _ = read(&body);
            proptest::prop_assert!(verify(b"k", &header, &body, UtcMicros::from_micros(0)).is_err());
        }
    }
}
