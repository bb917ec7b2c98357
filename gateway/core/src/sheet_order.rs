//! Sheets that carry no post: what was ordered, as the delivery's row keeps it, and what the page shows,
//! as the store loads it (care-network.md 6.4). An order names things by key only, so that a sheet
//! always shows what holds when it leaves; the page itself never holds more than its reader may know.

use crate::clock::UtcMicros;
use crate::ids::{DeliveryId, GroupId, PostId};
use crate::receipt::{Receipt, ReceiptOf, UNDO_SECONDS};
use crate::reply_code::ReplyCode;
use crate::vocabulary::{Channel, DeliveryState, ReplyExpectation, Urgency};
use serde::{Deserialize, Serialize};

/// How long the code of a sheet works that lies in a drawer or a notebook until it is needed: 連絡票, 設定票, 異動届,
/// 貼付票.
pub const DRAWER_CODE_SECONDS: i64 = 400 * 24 * 3600;
/// How long the code of a 番号確認票 or 表紙 works.
pub const HANDSHAKE_CODE_SECONDS: i64 = 14 * 24 * 3600;

/// Which sheet a delivery is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "sheet", rename_all = "snake_case", deny_unknown_fields)]
pub enum SheetOrder {
    /// 連絡票.
    Contact,
    /// 設定票.
    Preference,
    /// 番号確認票.
    Verification,
    /// 異動届.
    StaffChange,
    /// 表紙 for a delivery that waits until its code comes back.
    Cover {
        /// What waits.
        delivery_id: DeliveryId,
    },
    /// 状況票 of a post.
    Status {
        /// The post.
        post_id: PostId,
    },
    /// 受領確認書 of a post.
    Evidence {
        /// The post.
        post_id: PostId,
    },
    /// 貼付票 of some posts of one group.
    PasteSlips {
        /// The group.
        group_id: GroupId,
        /// In order.
        post_ids: Vec<PostId>,
    },
    /// 履歴の写し: earlier posts of one group on request, behind a 表紙. Asked for with a reason and confirmed by a
    /// call to the registered number (I3), so this row is the entry of the disclosure ledger.
    History {
        /// The group.
        group_id: GroupId,
        /// In order, as many as some twenty pages hold.
        post_ids: Vec<PostId>,
        /// Which part, from 1.
        part: u16,
        /// Of so many.
        parts: u16,
        /// First day: `2026-06-01`.
        from: String,
        /// Last day.
        until: String,
        /// Why, as the office wrote it.
        reason: String,
        /// Who answered the call.
        listener: String,
    },
    /// 控え of an act: what holds now, and the code that takes it back.
    Receipt {
        /// Of what.
        receipt: ReceiptOf,
    },
    /// 担当終了の確認: the facility is asked whether it really leaves a group.
    LeaveConfirmation {
        /// The group.
        group_id: GroupId,
    },
}

/// Pages of one part of a history (care-network.md 6.4).
pub const HISTORY_PART_PAGES: u32 = 20;

/// Parts of a history: indices of posts, given how many pages each is likely to take.
#[must_use]
pub fn history_parts(pages: &[u32]) -> Vec<std::ops::Range<usize>> {
    let mut parts = Vec::new();
    let (mut start, mut sum) = (0, 0_u32);
    for (at, pages) in pages.iter().enumerate() {
        if at > start && sum.saturating_add(*pages) > HISTORY_PART_PAGES {
            parts.push(start..at);
            (start, sum) = (at, 0);
        }
        sum = sum.saturating_add(*pages);
    }
    if start < pages.len() {
        parts.push(start..pages.len());
    }
    parts
}

impl SheetOrder {
    /// Whether it prints the posts themselves, as an ordinary delivery does.
    #[must_use]
    pub const fn carries_posts(&self) -> bool {
        matches!(self, Self::History { .. })
    }

    /// The line at the top of a part of a history.
    #[must_use]
    pub fn history_words(&self) -> Option<String> {
        match self {
            Self::History { part, parts, from, until, .. } => {
                Some(format!("ご依頼の履歴の写しです({from} から {until} まで、{parts}通のうち{part}通目)。"))
            }
            _ => None,
        }
    }

    /// Its code, as in the order's JSON.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Contact => "contact",
            Self::Preference => "preference",
            Self::Verification => "verification",
            Self::StaffChange => "staff_change",
            Self::Cover { .. } => "cover",
            Self::Status { .. } => "status",
            Self::Evidence { .. } => "evidence",
            Self::PasteSlips { .. } => "paste_slips",
            Self::History { .. } => "history",
            Self::Receipt { .. } => "receipt",
            Self::LeaveConfirmation { .. } => "leave_confirmation",
        }
    }

    /// Its name for people.
    #[must_use]
    pub const fn ja(&self) -> &'static str {
        match self {
            Self::Contact => "連絡票",
            Self::Preference => "設定票",
            Self::Verification => "番号確認票",
            Self::StaffChange => "異動届",
            Self::Cover { .. } => "表紙",
            Self::Status { .. } => "状況票",
            Self::Evidence { .. } => "受領確認書",
            Self::PasteSlips { .. } => "貼付票",
            Self::History { .. } => "履歴の写し",
            Self::Receipt { .. } => "控え",
            Self::LeaveConfirmation { .. } => "担当終了の確認",
        }
    }

    /// The same in English.
    #[must_use]
    pub const fn en(&self) -> &'static str {
        match self {
            Self::Contact => "contact sheet",
            Self::Preference => "preference sheet",
            Self::Verification => "verification sheet",
            Self::StaffChange => "staff change notice",
            Self::Cover { .. } => "cover page",
            Self::Status { .. } => "who has acknowledged",
            Self::Evidence { .. } => "evidence of receipt",
            Self::PasteSlips { .. } => "paste-in slips",
            Self::History { .. } => "copy of the history",
            Self::Receipt { .. } => "receipt",
            Self::LeaveConfirmation { .. } => "leave confirmation",
        }
    }

    /// Whether it may go to a number that is not yet verified: it must show nothing about any patient.
    #[must_use]
    pub const fn may_go_unverified(&self) -> bool {
        match self {
            Self::Verification => true,
            Self::Contact
            | Self::Preference
            | Self::StaffChange
            | Self::Cover { .. }
            | Self::Status { .. }
            | Self::Evidence { .. }
            | Self::PasteSlips { .. }
            | Self::History { .. }
            | Self::Receipt { .. }
            | Self::LeaveConfirmation { .. } => false,
        }
    }

    /// How long its code works, in seconds.
    #[must_use]
    pub const fn code_seconds(&self) -> i64 {
        match self {
            Self::Contact | Self::Preference | Self::StaffChange | Self::PasteSlips { .. } => {
                DRAWER_CODE_SECONDS
            }
            // 設定 and 担当終了 are taken back within a day, 休止 is ended as long as it lasts.
            Self::Receipt { receipt: ReceiptOf::Settings { .. } | ReceiptOf::Leave { .. } } => UNDO_SECONDS,
            Self::Receipt { receipt: ReceiptOf::Pause { .. } } => DRAWER_CODE_SECONDS,
            Self::Verification
            | Self::Cover { .. }
            | Self::Status { .. }
            | Self::Evidence { .. }
            | Self::History { .. }
            | Self::LeaveConfirmation { .. } => HANDSHAKE_CODE_SECONDS,
        }
    }
}

/// What a sheet shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SheetContent {
    /// 連絡票.
    Contact,
    /// 設定票; the settings in force are those of the job's endpoint.
    Preference,
    /// 番号確認票.
    Verification,
    /// 異動届; the roster is that of the job.
    StaffChange,
    /// 表紙.
    Cover {
        /// Highest urgency of what waits.
        urgency: Urgency,
        /// How many posts wait.
        posts: usize,
    },
    /// 状況票.
    Status(Box<ReceiptTable>),
    /// 受領確認書.
    Evidence(Box<ReceiptTable>),
    /// 貼付票.
    PasteSlips(Box<PasteSlips>),
    /// 控え.
    Receipt(Box<Receipt>),
    /// 担当終了の確認 of the group with this グループ呼称.
    LeaveConfirmation {
        /// グループ呼称.
        alias: String,
    },
}

/// Who got a post and who took note of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptTable {
    /// グループ呼称.
    pub group_alias: String,
    /// Patient's name: guarded on a 状況票, printed on a 受領確認書, which is filed.
    pub patient_name: String,
    /// Title of the post.
    pub title: String,
    /// Facility and person that posted.
    pub author: String,
    /// By which way it came to the gateway.
    pub channel: Channel,
    /// When it was posted.
    pub posted_at: UtcMicros,
    /// One line for each member.
    pub lines: Vec<ReceiptLine>,
}

/// One member's line: 送達 and 了解 are two facts with two times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptLine {
    /// Facility.
    pub facility: String,
    /// What is asked of it.
    pub asked: ReplyExpectation,
    /// The way it went and how far it came.
    pub delivery: Option<(Channel, DeliveryState, UtcMicros)>,
    /// 了解: when, and by whom if signed.
    pub acknowledged: Option<(UtcMicros, Option<String>)>,
    /// When it replied.
    pub replied_at: Option<UtcMicros>,
}

/// Slips for the notebook of one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasteSlips {
    /// グループ呼称.
    pub group_alias: String,
    /// Patient's name, which is taken out of every text.
    pub patient_name: String,
    /// In order.
    pub slips: Vec<PasteSlip>,
}

/// One slip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasteSlip {
    /// Number, which with the page's code finds the post.
    pub number: u16,
    /// Code of the slip.
    pub code: ReplyCode,
    /// Facility that posted.
    pub author: String,
    /// When.
    pub posted_at: UtcMicros,
    /// Family-safe wording.
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_kept_as_json() {
        let orders = [
            SheetOrder::Contact,
            SheetOrder::Preference,
            SheetOrder::Verification,
            SheetOrder::StaffChange,
            SheetOrder::Cover { delivery_id: "D1".into() },
            SheetOrder::Status { post_id: "P1".into() },
            SheetOrder::Evidence { post_id: "P1".into() },
            SheetOrder::PasteSlips { group_id: "G1".into(), post_ids: vec!["P1".into()] },
            SheetOrder::History {
                group_id: "G1".into(),
                post_ids: vec!["P1".into()],
                part: 1,
                parts: 2,
                from: "2026-06-01".into(),
                until: "2026-06-09".into(),
                reason: "担当者会議".into(),
                listener: "高梨".into(),
            },
            SheetOrder::Receipt { receipt: ReceiptOf::Pause { id: "C1".into() } },
            SheetOrder::Receipt { receipt: ReceiptOf::Settings { id: "C1".into() } },
            SheetOrder::Receipt { receipt: ReceiptOf::Leave { group_id: "G1".into() } },
            SheetOrder::LeaveConfirmation { group_id: "G1".into() },
        ];
        for order in orders {
            let json = serde_json::to_value(&order).unwrap();
            assert_eq!(json["sheet"], order.code());
            assert_eq!(serde_json::from_value::<SheetOrder>(json).unwrap(), order);
            assert_eq!(order.may_go_unverified(), order == SheetOrder::Verification);
        }
    }

    #[test]
    fn a_history_goes_in_parts_of_twenty_pages() {
        assert_eq!(history_parts(&[]), []);
        let one = history_parts(&[1; 20]);
        assert_eq!((one.len(), one.first()), (1, Some(&(0..20))));
        assert_eq!(history_parts(&[1; 21]), [0..20, 20..21]);
        assert_eq!(history_parts(&[5, 30, 1, 19, 1]), [0..1, 1..2, 2..4, 4..5], "one long post is a part");
    }
}
