//! What the office agreed with one hospital interface: names for its codes, its character set, its
//! habits (hl7.md 2.3, 3.2, 4.4, 6). Data only; without a profile every reader works with what the
//! message itself states.

use crate::charset::Used;
use crate::dial::Dial;
use crate::send::profile::OutboxTls;
use jiff::tz::Offset;
use kakehashi_core::clock::JAPAN;
use kakehashi_core::envelope::ContentHash;
use kakehashi_wire::tls::TlsFault;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What to do with a well-formed message of a type that nothing here knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownType {
    /// Store it and answer AA; it becomes no post.
    #[default]
    Park,
    /// Answer AR with error 200.
    Reject,
}

/// One interface of a hospital.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InterfaceProfile {
    /// Name of the interface; part of the key by which resends are recognised.
    pub name: String,
    /// The hospital as posts name it; absent: MSH-4 as written.
    pub facility_name: Option<String>,
    /// Ward code (PV1-3.1) to the name shown; unknown codes are shown as written.
    pub ward_names: BTreeMap<String, String>,
    /// Local document type (TXA-2.1) to a 文書種別 of care-network.md section 3.
    pub document_kinds: BTreeMap<String, String>,
    /// Character set that a human confirmed for this interface; beats MSH-18 where the bytes can be it.
    pub charset: Option<Used>,
    /// Offset of times without a zone, minutes east of UTC.
    pub utc_offset_minutes: i32,
    /// Types that nothing here knows.
    pub unknown_type: UnknownType,
    /// MSH-11.1 values that are taken; an empty MSH-11 always is.
    pub accepted_processing_ids: Vec<String>,
    /// Take a frame that starts with MSH, FHS or BHS without the start block.
    pub lenient_start: bool,
    /// Send the commit block of MLLP release 2 before the answer.
    pub commit_block: bool,
    /// `host:port` of the sender's listener for application answers in enhanced mode; without it only the
    /// commit answer is given.
    pub application_answers_to: Option<String>,
    /// TLS to that listener; absent only on loopback or inside a VPN.
    pub application_answers_tls: Option<OutboxTls>,
    /// Follow the sequence number protocol (MSH-13, MSA-4): a number out of turn is refused.
    pub sequence_numbers: bool,
    /// SHA-256 fingerprints of the client certificates that may use this interface; empty: any that the
    /// listener's authority signed.
    pub client_certificates: Vec<String>,
}

impl Default for InterfaceProfile {
    fn default() -> Self {
        Self {
            name: "hl7".to_owned(),
            facility_name: None,
            ward_names: BTreeMap::new(),
            document_kinds: BTreeMap::new(),
            charset: None,
            utc_offset_minutes: 540,
            unknown_type: UnknownType::Park,
            accepted_processing_ids: vec!["P".to_owned()],
            lenient_start: true,
            commit_block: false,
            application_answers_to: None,
            application_answers_tls: None,
            sequence_numbers: false,
            client_certificates: Vec::new(),
        }
    }
}

impl InterfaceProfile {
    /// Offset of times without a zone; 日本時間 if the configured one is impossible.
    #[must_use]
    pub fn offset(&self) -> Offset {
        self.utc_offset_minutes
            .checked_mul(60)
            .and_then(|seconds| Offset::from_seconds(seconds).ok())
            .unwrap_or(JAPAN)
    }

    /// The sender's listener for application answers, if one was agreed.
    ///
    /// # Errors
    /// A certificate file cannot be used.
    pub fn answers_to(&self) -> Result<Option<Dial>, TlsFault> {
        let address = self.application_answers_to.as_deref();
        address.map(|address| Dial::new(address, self.application_answers_tls.as_ref())).transpose()
    }

    /// Whether a peer with this certificate (DER; `None` for none) may use the interface.
    #[must_use]
    pub fn admits(&self, certificate: Option<&[u8]>) -> bool {
        if self.client_certificates.is_empty() {
            return true;
        }
        let Some(certificate) = certificate else { return false };
        let shown = ContentHash::of(certificate);
        self.client_certificates.iter().any(|known| {
            let plain: String = known.chars().filter(char::is_ascii_hexdigit).collect();
            plain.eq_ignore_ascii_case(shown.hex())
        })
    }

    /// Whether messages with this MSH-11.1 are taken.
    #[must_use]
    pub fn accepts_processing_id(&self, id: &str) -> bool {
        let id = id.trim();
        id.is_empty() || self.accepted_processing_ids.iter().any(|a| a.eq_ignore_ascii_case(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_is_bound_to_its_certificates() {
        let open = InterfaceProfile::default();
        assert!(open.admits(None) && open.admits(Some(b"anybody")));
        let hex = ContentHash::of(b"the hospital").hex().to_ascii_uppercase();
        let pairs: Vec<&str> = hex.as_bytes().chunks(2).map(|p| std::str::from_utf8(p).unwrap()).collect();
        let bound = InterfaceProfile { client_certificates: vec![pairs.join(":")], ..open };
        assert!(bound.admits(Some(b"the hospital")));
        assert!(!bound.admits(Some(b"anybody")) && !bound.admits(None));
    }
}
