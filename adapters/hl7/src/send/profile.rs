//! What the office agreed with a hospital about its inbox: where it is, which event it takes, in which
//! characters, and what stands in which field (hl7.md 14). Data only, with a check that explains itself.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The message in which notes travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutboxEvent {
    /// MDM^T02, a new document for each note.
    #[default]
    MdmT02,
    /// MDM^T06, an addendum to the hospital's document where there is one, else MDM^T02.
    MdmT06,
    /// ORU^R01, for hospitals whose only open door is the result interface.
    OruR01,
    /// ORU^R30, for those that take notes from home as point-of-care results.
    OruR30,
    /// RRI^I12 for a reply to the hospital's referral (REF^I12); anything else as MDM^T02.
    RriI12,
}

impl OutboxEvent {
    /// Whether notes travel as results.
    #[must_use]
    pub const fn is_result(self) -> bool {
        matches!(self, Self::OruR01 | Self::OruR30)
    }
}

/// Characters on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutboxEncoding {
    /// `~ISO IR87`, as nearly every Japanese hospital.
    #[default]
    Iso2022Jp,
    /// `UNICODE UTF-8`.
    Utf8,
    /// Shift_JIS, for which HL7 table 0211 has no name: MSH-18 stays empty unless `fields` says otherwise.
    ShiftJis,
}

/// How the hospital acknowledges (hl7.md 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Acknowledging {
    /// MSH-15 and 16 empty: one AA, AE or AR.
    #[default]
    Original,
    /// MSH-15 AL, MSH-16 NE: CA is the end.
    Accept,
    /// MSH-15 and 16 AL: after CA the application answers by a message of its own to our listener.
    Application,
}

/// Files of the TLS connection to an inbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutboxTls {
    /// PEM authority of the hospital's certificate.
    pub authority: PathBuf,
    /// PEM chain that we show, if the hospital asks for one.
    pub certificate: Option<PathBuf>,
    /// Its key.
    pub key: Option<PathBuf>,
    /// Name in the hospital's certificate; absent: the host of `address`.
    pub host: Option<String>,
}

/// The inbox of one interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OutboxProfile {
    /// `HOST:PORT`.
    pub address: String,
    /// TLS from the first byte; absent only on loopback or inside a VPN.
    pub tls: Option<OutboxTls>,
    /// Message.
    pub event: OutboxEvent,
    /// Characters.
    pub encoding: OutboxEncoding,
    /// Answers.
    pub acknowledgement: Acknowledging,
    /// Seconds until a missing acknowledgement counts as none; Mirth waits 5, slow systems need 30.
    pub answer_seconds: u64,
    /// Seconds until a missing application answer makes the delivery 送達不明.
    pub application_answer_seconds: i64,
    /// MSH-3.
    pub sending_application: String,
    /// MSH-4.
    pub sending_facility: String,
    /// MSH-5.
    pub receiving_application: String,
    /// MSH-6.
    pub receiving_facility: String,
    /// MSH-11.
    pub processing_id: String,
    /// MSH-12.
    pub version: String,
    /// PID-3.4, if the hospital wants its numbers with an authority.
    pub assigning_authority: String,
    /// TXA-2 and OBX-3 by kind of note (`topic`, `reply`, `correction`, `acknowledgement`), as `code^text^system`.
    pub document_types: BTreeMap<String, String>,
    /// FAX number (digits) of the 地域連携室, to which a post goes once when this inbox refuses it or cannot be
    /// reached in the end; it must be a verified FAX endpoint of the hospital. Absent: the office is asked.
    pub fallback_fax: Option<String>,
    /// Whether files go along as OBX of type ED.
    pub files: bool,
    /// Fields that the hospital wants otherwise, by place: `"TXA-18" = "R"`, `"MSH-18" = "SHIFT_JIS"`,
    /// `"OBR-4" = "99REPLY^連携^99CN"`. In the value `{author}`, `{title}` and `{document_id}` are filled in.
    pub fields: BTreeMap<String, String>,
}

impl Default for OutboxProfile {
    fn default() -> Self {
        Self {
            address: String::new(),
            tls: None,
            event: OutboxEvent::MdmT02,
            encoding: OutboxEncoding::Iso2022Jp,
            acknowledgement: Acknowledging::Original,
            answer_seconds: 30,
            application_answer_seconds: 3600,
            sending_application: "GW".to_owned(),
            sending_facility: "CARENET".to_owned(),
            receiving_application: String::new(),
            receiving_facility: String::new(),
            processing_id: "P".to_owned(),
            version: "2.5".to_owned(),
            assigning_authority: String::new(),
            document_types: BTreeMap::new(),
            fallback_fax: None,
            files: true,
            fields: BTreeMap::new(),
        }
    }
}

/// A place in a profile that cannot work: the key, what is wrong and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileFault {
    /// The key as written in the configuration.
    pub key: String,
    /// What is wrong.
    pub reason: String,
    /// What to do.
    pub remedy: &'static str,
}

/// Segments that a note consists of.
const SEGMENTS: &[&str] = &["MSH", "EVN", "PID", "PV1", "TXA", "OBR", "OBX", "RF1"];
/// Fields that hold together what we send and must not be replaced.
const FIXED: &[&str] =
    &["MSH-1", "MSH-2", "MSH-7", "MSH-9", "MSH-10", "MSH-15", "MSH-16", "PID-3", "OBX-1", "OBX-2", "OBX-5"];

impl OutboxProfile {
    /// Everything that cannot work.
    #[must_use]
    pub fn faults(&self) -> Vec<ProfileFault> {
        let mut faults = Vec::new();
        let mut fault = |key: &str, reason: String, remedy| {
            faults.push(ProfileFault { key: key.to_owned(), reason, remedy });
        };
        let port = self.address.rsplit_once(':').filter(|(host, _)| !host.is_empty());
        if port.is_none_or(|(_, port)| port.parse::<u16>().is_err()) {
            fault(
                "address",
                format!("{:?} is not an address to connect to", self.address),
                "write it as HOST:PORT, for example \"10.20.0.5:2576\"",
            );
        }
        if self.receiving_application.is_empty() && self.receiving_facility.is_empty() {
            fault(
                "receiving_application",
                "neither receiving_application nor receiving_facility is set".to_owned(),
                "set what the hospital's interface expects in MSH-5 and MSH-6; most refuse a message for nobody",
            );
        }
        if !(1..=50).contains(&self.answer_seconds) {
            fault(
                "answer_seconds",
                format!("answer_seconds is {}", self.answer_seconds),
                "choose 1 to 50 seconds; an attempt as a whole ends after 60",
            );
        }
        if self.fallback_fax.as_deref().is_some_and(|n| n.len() < 9 || !n.bytes().all(|b| b.is_ascii_digit()))
        {
            fault(
                "fallback_fax",
                format!("{:?} is not a FAX number", self.fallback_fax.as_deref().unwrap_or_default()),
                "write the digits as in endpoints.csv, for example \"0300000101\"",
            );
        }
        if let Some(tls) = &self.tls
            && tls.certificate.is_some() != tls.key.is_some()
        {
            fault(
                "certificate",
                "certificate and key of the client belong together, one is missing".to_owned(),
                "give both, or none if the hospital asks for no certificate",
            );
        }
        for kind in self.document_types.keys() {
            if !["topic", "reply", "correction", "acknowledgement"].contains(&kind.as_str()) {
                fault(
                    kind,
                    format!("document_types knows no kind {kind:?}"),
                    "use topic, reply, correction or acknowledgement",
                );
            }
        }
        for place in self.fields.keys() {
            if FIXED.contains(&place.as_str()) {
                fault(
                    place,
                    format!("{place} cannot be replaced: the note would not be understood or answered"),
                    "remove it; sender, receiver, version and characters have keys of their own",
                );
            } else if field_place(place).is_none() {
                fault(
                    place,
                    format!("{place:?} names no field of a note"),
                    "write SEGMENT-NUMBER with a segment of MSH, EVN, PID, PV1, TXA, OBR, OBX, for example \"TXA-18\"",
                );
            }
        }
        faults
    }
}

/// Reads `TXA-18`.
#[must_use]
pub fn field_place(place: &str) -> Option<(&str, usize)> {
    let (segment, number) = place.split_once('-')?;
    let number: usize = number.parse().ok()?;
    (SEGMENTS.contains(&segment) && (1..=60).contains(&number)).then_some((segment, number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_explains_what_is_wrong_with_it() {
        let good = OutboxProfile {
            address: "10.20.0.5:2576".to_owned(),
            receiving_application: "HIS".to_owned(),
            fields: [("TXA-18".to_owned(), "R".to_owned())].into(),
            ..OutboxProfile::default()
        };
        assert_eq!(good.faults(), []);
        let keys = |profile: &OutboxProfile| profile.faults().into_iter().map(|f| f.key).collect::<Vec<_>>();
        assert_eq!(keys(&OutboxProfile::default()), ["address", "receiving_application"]);
        let odd = OutboxProfile {
            answer_seconds: 90,
            tls: Some(OutboxTls {
                authority: "ca.pem".into(),
                certificate: Some("own.pem".into()),
                key: None,
                host: None,
            }),
            document_types: [("answer".to_owned(), String::new())].into(),
            fields: [("PID-3", "x"), ("ZZZ-1", "x"), ("TXA-0", "x")]
                .map(|(k, v)| (k.to_owned(), v.to_owned()))
                .into(),
            ..good
        };
        assert_eq!(keys(&odd), ["answer_seconds", "certificate", "answer", "PID-3", "TXA-0", "ZZZ-1"]);
    }
}
