//! A FHIR document on its way to the desk (hl7.md 12.2): what can be checked while the sender still waits
//! is checked, and the raw intake says everything that reading needs later. Nothing of the document is
//! understood or kept here, and nothing of it is repeated in an answer.

use crate::clock::UtcMicros;
use crate::envelope::ContentHash;
use crate::ids::EndpointId;
use crate::port::{Origin, RawIntake};
use crate::vocabulary::{Authenticity, Channel, Format};
use serde::Deserialize;

/// Largest document in bytes.
pub const MAX_DOCUMENT_BYTES: usize = 30_000_000;
/// Longest identifier that is kept, in characters.
const MAX_IDENTIFIER_CHARS: usize = 200;

/// What the web layer knows of a document besides its bytes.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// The endpoint that the API key proved.
    pub endpoint: EndpointId,
    /// Address of the peer without port.
    pub peer: Option<String>,
    /// When the first byte was taken.
    pub received_at: UtcMicros,
}

/// Why a document is not taken. The texts go into an OperationOutcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FhirFault {
    /// Nothing was sent.
    #[error("本文がありません。Bundle を送ってください。 / The body is empty. Send a Bundle.")]
    Empty,
    /// No JSON, or deeper than is taken.
    #[error(
        "JSONとして読めません。FHIR R4のJSONで送ってください。 / This is not JSON. Send FHIR R4 as JSON."
    )]
    NotJson,
    /// Not a Bundle.
    #[error("resourceType が Bundle ではありません。 / resourceType is not Bundle.")]
    NotABundle,
    /// Not a document.
    #[error("Bundle.type が document ではありません。 / Bundle.type is not document.")]
    NotADocument,
    /// No Composition where the standard wants it.
    #[error("最初の entry が Composition ではありません。 / The first entry is not a Composition.")]
    NoComposition,
    /// Over [`MAX_DOCUMENT_BYTES`].
    #[error("大きすぎます。30 MBまでです。 / Too large. 30 MB at most.")]
    TooLarge,
}

impl FhirFault {
    /// Code of the FHIR value set issue-type.
    #[must_use]
    pub const fn issue(self) -> &'static str {
        match self {
            Self::Empty => "required",
            Self::NotJson => "structure",
            Self::NotABundle | Self::NotADocument => "not-supported",
            Self::NoComposition => "invariant",
            Self::TooLarge => "too-long",
        }
    }

    /// Where, as a FHIRPath expression.
    #[must_use]
    pub const fn expression(self) -> Option<&'static str> {
        match self {
            Self::Empty | Self::NotJson | Self::TooLarge => None,
            Self::NotABundle => Some("Bundle"),
            Self::NotADocument => Some("Bundle.type"),
            Self::NoComposition => Some("Bundle.entry[0].resource"),
        }
    }
}

#[derive(Deserialize)]
struct Head {
    #[serde(rename = "resourceType")]
    resource_type: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    identifier: Option<HeadIdentifier>,
    #[serde(default)]
    entry: Vec<HeadEntry>,
}

#[derive(Deserialize)]
struct HeadIdentifier {
    value: Option<String>,
}

#[derive(Deserialize)]
struct HeadEntry {
    resource: Option<HeadResource>,
}

#[derive(Deserialize)]
struct HeadResource {
    #[serde(rename = "resourceType")]
    resource_type: Option<String>,
}

/// Makes a raw intake of a document Bundle. The same bytes from the same endpoint are the same intake.
///
/// # Errors
/// [`FhirFault`] with words for the sender.
pub fn intake(bytes: Vec<u8>, arrival: Arrival) -> Result<RawIntake, FhirFault> {
    if bytes.len() > MAX_DOCUMENT_BYTES {
        return Err(FhirFault::TooLarge);
    }
    let json = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    if json.iter().all(u8::is_ascii_whitespace) {
        return Err(FhirFault::Empty);
    }
    let value: Head = serde_json::from_slice(json).map_err(|_| FhirFault::NotJson)?;
    if value.resource_type.as_deref() != Some("Bundle") {
        return Err(FhirFault::NotABundle);
    }
    if value.kind.as_deref() != Some("document") {
        return Err(FhirFault::NotADocument);
    }
    let first = value.entry.first().and_then(|e| e.resource.as_ref()?.resource_type.as_deref());
    if first != Some("Composition") {
        return Err(FhirFault::NoComposition);
    }
    let identifier = value.identifier.and_then(|i| i.value);
    Ok(RawIntake {
        channel: Channel::Api,
        format: Format::Fhir,
        dedup_key: format!("fhir:{}:{}", arrival.endpoint.as_str(), ContentHash::of(&bytes).hex()),
        sender_message_id: identifier.map(|i| i.chars().take(MAX_IDENTIFIER_CHARS).collect()),
        bytes: bytes.into(),
        received_at: arrival.received_at,
        origin: Origin {
            listener: "http".to_owned(),
            peer: arrival.peer,
            endpoint: Some(arrival.endpoint),
            authenticity: Some(Authenticity::ApiKey),
            ..Origin::default()
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(json: &str) -> Result<RawIntake, FhirFault> {
        let arrival =
            Arrival { endpoint: EndpointId::new("E01"), peer: None, received_at: UtcMicros::from_micros(0) };
        intake(json.as_bytes().to_vec(), arrival)
    }

    #[test]
    fn only_documents_are_taken() {
        let good = r#"{"resourceType":"Bundle","type":"document","identifier":{"value":"1310000001^2026^1"},
            "entry":[{"resource":{"resourceType":"Composition","title":"退院時サマリー"}}]}"#;
        let raw = take(good).unwrap();
        assert_eq!((raw.format, raw.sender_message_id.as_deref()), (Format::Fhir, Some("1310000001^2026^1")));
        assert_eq!(take(good).unwrap().dedup_key, raw.dedup_key);
        for (json, fault) in [
            ("", FhirFault::Empty),
            ("{", FhirFault::NotJson),
            ("[1]", FhirFault::NotJson),
            (r#"{"resourceType":"Patient"}"#, FhirFault::NotABundle),
            (r#"{"resourceType":"Bundle","type":"transaction"}"#, FhirFault::NotADocument),
            (r#"{"resourceType":"Bundle","type":"document","entry":[]}"#, FhirFault::NoComposition),
        ] {
            assert_eq!(take(json).unwrap_err(), fault, "{json}");
            assert!(fault.to_string().contains(" / "));
        }
        assert_eq!(take(&"[".repeat(200_000)).unwrap_err(), FhirFault::NotJson);
    }
}
