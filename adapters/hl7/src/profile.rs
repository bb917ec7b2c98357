//! What the office agreed with one hospital interface: names for its codes, its character set, its
//! habits (hl7.md 2.3, 3.2, 4.4, 6). Data only; without a profile every reader works with what the
//! message itself states.

use crate::charset::Used;
use jiff::tz::Offset;
use kakehashi_core::clock::JAPAN;
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

    /// Whether messages with this MSH-11.1 are taken.
    #[must_use]
    pub fn accepts_processing_id(&self, id: &str) -> bool {
        let id = id.trim();
        id.is_empty() || self.accepted_processing_ids.iter().any(|a| a.eq_ignore_ascii_case(id))
    }
}
