//! Changes that paper brings besides posts and 了解: a sheet is ordered, an endpoint is verified, set
//! anew or gets another number (care-network.md 6.2 and 6.4). Values only; what may be asked by whom is
//! decided before.

use crate::clock::UtcMicros;
use crate::directory::{Endpoint, EndpointSettings};
use crate::ids::{ChangeId, DeliveryId, EndpointId, FacilityId};
use crate::reply_code::ReplyCode;
use crate::schedule;
use crate::sheet_order::SheetOrder;
use crate::vocabulary::{Channel, Urgency};
use serde::{Deserialize, Serialize};

/// A sheet that carries no post, on its way to an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSheet {
    /// Key of the delivery.
    pub id: DeliveryId,
    /// To this endpoint.
    pub endpoint_id: EndpointId,
    /// Of this facility.
    pub facility_id: FacilityId,
    /// 経路; only FAX has sheets.
    pub channel: Channel,
    /// Which sheet.
    pub order: SheetOrder,
    /// Goes out at.
    pub due_at: UtcMicros,
    /// Code of the sheet.
    pub code: ReplyCode,
    /// Codes of its slips, one a post; empty for every other sheet.
    pub slip_codes: Vec<ReplyCode>,
    /// The codes work until.
    pub code_expires_at: UtcMicros,
}

impl NewSheet {
    /// Plans a sheet. What waits for a handshake goes at once; everything else with the next regular
    /// delivery (care-network.md 6.1, 6).
    #[must_use]
    pub fn plan(
        endpoint: &Endpoint,
        order: SheetOrder,
        now: UtcMicros,
        random: &mut dyn FnMut() -> u128,
    ) -> Self {
        let due_at = match &order {
            SheetOrder::Verification | SheetOrder::Cover { .. } | SheetOrder::LeaveConfirmation { .. } => now,
            _ => schedule::plan(&endpoint.settings, Urgency::Normal, None, now).due_at,
        };
        let mut code = || ReplyCode::from_random((random() & u128::from(u64::MAX)) as u64);
        let slips = match &order {
            SheetOrder::PasteSlips { post_ids, .. } => post_ids.len(),
            _ => 0,
        };
        let slip_codes = (0..slips).map(|_| code()).collect();
        let (code, seconds) = (code(), order.code_seconds());
        Self {
            id: DeliveryId::fresh(now, random()),
            endpoint_id: endpoint.id.clone(),
            facility_id: endpoint.facility_id.clone(),
            channel: endpoint.channel,
            order,
            due_at,
            code,
            slip_codes,
            code_expires_at: due_at.plus_seconds(seconds),
        }
    }
}

/// What becomes of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndpointChange {
    /// 番号確認: its code came back from the number itself, or the office was told at that number. What
    /// waited for its 表紙 leaves.
    Verified,
    /// 確認切れ: no sign of life for too long.
    Stale,
    /// 設定変更; the settings before are kept for a day.
    Settings {
        /// Key of the change.
        id: ChangeId,
        /// All settings from now on.
        settings: Box<EndpointSettings>,
    },
    /// The settings before come back, within a day.
    UndoSettings {
        /// The change that is undone.
        id: ChangeId,
    },
    /// As [`Self::UndoSettings`], but where it cannot be undone any more nothing happens: a mail asked for it and
    /// nobody sits before a page. The receipt says what holds.
    UndoSettingsIfPossible {
        /// The change that is undone.
        id: ChangeId,
    },
    /// Another number, written down by one person. Nothing changes before a second one has checked it.
    ProposeNumber {
        /// Key of the change.
        id: ChangeId,
        /// Folded digits.
        address: String,
    },
    /// A second person has compared the number with the source document: it is in the directory now, and
    /// not verified.
    CheckNumber {
        /// The change that was checked.
        id: ChangeId,
    },
}

/// Digests of an endpoint that are due in a span of time leave at another, all as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestMove {
    /// Of this endpoint.
    pub endpoint_id: EndpointId,
    /// Due from.
    pub from: UtcMicros,
    /// Due before.
    pub until: UtcMicros,
    /// They leave at.
    pub to: UtcMicros,
}

/// How long a change of settings can be undone, in seconds (care-network.md 6.2).
pub const UNDO_SETTINGS_SECONDS: i64 = 24 * 3600;

impl EndpointChange {
    /// Code in the audit.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Verified => "verify_endpoint",
            Self::Stale => "endpoint_stale",
            Self::Settings { .. } => "change_preferences",
            Self::UndoSettings { .. } | Self::UndoSettingsIfPossible { .. } => "undo_preferences",
            Self::ProposeNumber { .. } => "propose_number",
            Self::CheckNumber { .. } => "check_number",
        }
    }
}

/// An act of a sheet that needs no post (care-network.md 6.4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum SheetAct {
    /// 番号確認票 came back from its number.
    NumberConfirmed {
        /// The endpoint.
        endpoint_id: EndpointId,
    },
    /// 表紙 came back: the pages may follow.
    CoverReturned {
        /// What waited.
        delivery_id: DeliveryId,
        /// The endpoint.
        endpoint_id: EndpointId,
    },
}
