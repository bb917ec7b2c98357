//! What the FAX desk of the office shows: pages in and out, numbers and their changes, providers, and how
//! the network handles paper. Values only.

use super::OutboxItem;
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::directory::Endpoint;
use kakehashi_core::envelope::{ContentHash, Mark};
use kakehashi_core::ids::{
    AttachmentId, ChangeId, DeliveryId, EndpointId, GroupId, IntakeId, PostId, TriageId,
};
use kakehashi_core::sheet_order::SheetOrder;
use kakehashi_core::vocabulary::{DeliveryState, IntakeState};

/// A returned sheet that a person has read.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedSheet {
    /// The intake of the sheet.
    pub intake_id: IntakeId,
    /// Which Envelope of the intake, from 0.
    pub envelope_index: u32,
    /// The boxes as the machine read them.
    pub marks: Vec<Mark>,
    /// The boxes that the person found marked.
    pub decided: Vec<String>,
    /// Pictures of its pages, in order.
    pub pictures: Vec<ContentHash>,
}

/// A FAX that leaves or left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaxOut {
    /// Key.
    pub id: DeliveryId,
    /// To.
    pub facility_name: String,
    /// Number.
    pub number: String,
    /// State.
    pub state: DeliveryState,
    /// When due.
    pub due_at: UtcMicros,
    /// When the state was reached.
    pub state_at: UtcMicros,
    /// Attempts so far.
    pub attempt_count: u32,
    /// Pages of the last attempt; 0 before the first.
    pub pages: u32,
    /// The provider that took it last.
    pub route: String,
    /// Its 表紙 has not come back yet.
    pub waits_for_cover: bool,
    /// Which sheet, if it carries no post.
    pub sheet: Option<SheetOrder>,
    /// Words of the last attempt or report.
    pub last_detail: Option<String>,
    /// It may have been delivered before.
    pub resend_possible: bool,
    /// The endpoint; none for notices.
    pub endpoint_id: Option<EndpointId>,
    /// Telephone of the facility, as written.
    pub phone: Option<String>,
    /// What it carries or tells of.
    pub items: Vec<OutboxItem>,
}

/// A FAX that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaxIn {
    /// The intake.
    pub id: IntakeId,
    /// When.
    pub received_at: UtcMicros,
    /// What became of it.
    pub state: IntakeState,
    /// Picture of its first page.
    pub first_page: Option<AttachmentId>,
    /// Pages that are shown.
    pub pages: u32,
    /// An open item of it in triage.
    pub triage: Option<TriageId>,
    /// The facility in whose name it was posted.
    pub facility_name: Option<String>,
    /// Where it was posted.
    pub topic: Option<(GroupId, PostId)>,
}

/// A FAX number of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaxNumber {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// Its facility.
    pub facility_name: String,
    /// Pages sent there in the last 30 days.
    pub page_count: u64,
    /// When its handshake last came back.
    pub verified_at: Option<UtcMicros>,
    /// Another number that waits for a second person.
    pub proposed: Option<NumberChange>,
    /// A change of settings that can still be undone.
    pub settings_changed: Option<NumberChange>,
}

/// A change of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberChange {
    /// Key.
    pub id: ChangeId,
    /// The new number or settings.
    pub after: String,
    /// When.
    pub made_at: UtcMicros,
    /// By whom.
    pub made_by: String,
}

/// A FAX provider in numbers, over the last 30 days.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FaxRoute {
    /// Its name in the configuration.
    pub name: String,
    /// Jobs.
    pub job_count: u64,
    /// Pages of them.
    pub page_count: u64,
    /// 送達.
    pub delivered_count: u64,
    /// 送達不明.
    pub unknown_count: u64,
    /// 不達.
    pub failed_count: u64,
    /// When it last did something.
    pub last_at: Option<UtcMicros>,
    /// It is left alone until then.
    pub open_until: Option<UtcMicros>,
    /// Its last fault, in its own words.
    pub last_fault: Option<(UtcMicros, String)>,
}

/// How a network handles paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaperSettings {
    /// Sheets in a row that must be read as a person reads them before one acts alone.
    pub pilot_sheets: u32,
    /// 「このまま返送＝了解」.
    pub untouched_acknowledges: bool,
    /// Most pages of one facility a day.
    pub pages_a_day: u32,
    /// What a page costs, in hundredths of a yen.
    pub page_cost: u32,
}

impl Default for PaperSettings {
    fn default() -> Self {
        Self { pilot_sheets: 300, untouched_acknowledges: false, pages_a_day: 60, page_cost: 0 }
    }
}
