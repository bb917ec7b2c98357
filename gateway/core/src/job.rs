//! A delivery with everything that rendering needs, read from the store in one go. Rendering is a
//! function of this value alone, so a preview shows exactly what leaves.

use crate::clock::UtcMicros;
use crate::decision::Notice;
use crate::directory::{Endpoint, Facility, Network};
use crate::ids::{DeliveryId, PostId};
use crate::post::{Post, StoredAttachment};
use crate::reply_code::ReplyCode;
use crate::sheet_order::SheetContent;
use crate::vocabulary::{DeliveryMode, ReplyExpectation};

/// One delivery, ready to be rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryJob {
    /// Key.
    pub id: DeliveryId,
    /// Attempt number from 1.
    pub attempt: u32,
    /// The network it belongs to.
    pub network: Network,
    /// 即時便 or まとめ便.
    pub mode: DeliveryMode,
    /// It may have arrived before: the rendering says 再送の可能性があります.
    pub resend_possible: bool,
    /// When it was due; printed as the time of the digest.
    pub due_at: UtcMicros,
    /// What it carries.
    pub content: JobContent,
}

/// What a delivery carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobContent {
    /// Posts for a member.
    Posts(Box<JobPosts>),
    /// A sheet that carries no post: 番号確認票, 設定票, 状況票 and the like.
    Sheet(Box<JobSheet>),
    /// A notice without content to an address that may be in no directory.
    Notice {
        /// Which words.
        notice: Notice,
        /// Mail address or FAX number.
        address: String,
        /// Channel of the address.
        channel: crate::vocabulary::Channel,
    },
}

/// A sheet that carries no post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobSheet {
    /// To this endpoint.
    pub endpoint: Endpoint,
    /// Of this facility.
    pub facility: Facility,
    /// Names of its roster.
    pub staff_names: Vec<String>,
    /// Code that the sheet carries.
    pub code: ReplyCode,
    /// The code works until.
    pub code_expires_at: UtcMicros,
    /// Which sheet, with what it shows.
    pub content: SheetContent,
}

/// Posts for a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobPosts {
    /// To this endpoint.
    pub endpoint: Endpoint,
    /// Of this facility.
    pub facility: Facility,
    /// Names of its roster.
    pub staff_names: Vec<String>,
    /// Code of the whole delivery (the QR of the sheet).
    pub code: ReplyCode,
    /// Codes work until.
    pub code_expires_at: UtcMicros,
    /// 「このまま返送＝了解」 is in force in this network: a sheet that comes back untouched is a 了解.
    pub untouched_acknowledges: bool,
    /// One or more, in order.
    pub items: Vec<JobItem>,
    /// Receipts of what this facility asked for since its last delivery, one sentence each.
    pub notes: Vec<String>,
    /// To whom it is addressed while a person of the facility is away: `代理 木下 昌平 様 (高梨 由美子 様 休止中)`.
    pub attention: Option<String>,
}

/// One post of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobItem {
    /// The post.
    pub post: Post,
    /// Title of its topic, for replies.
    pub topic_title: Option<String>,
    /// Facility and person that posted: `若葉在宅クリニック 佐伯 直人`.
    pub author: String,
    /// グループ呼称.
    pub group_alias: String,
    /// Patient's name; only for content that may hold it.
    pub patient_name: String,
    /// Code of this item.
    pub code: ReplyCode,
    /// What is asked of this member; `None` for those who only share.
    pub asked: ReplyExpectation,
    /// 了解 so far and asked: `4/6`.
    pub acknowledged: (u32, u32),
    /// Its attachments; bytes are fetched by the renderer's caller.
    pub attachments: Vec<JobAttachment>,
    /// Message-IDs of earlier mails of this topic to this endpoint, oldest first.
    pub references: Vec<String>,
    /// Not the post is told but this 了解 to it.
    pub receipt: Option<JobReceipt>,
    /// For HL7: how the receiving hospital names patient and document.
    pub hospital: Option<HospitalRecord>,
}

/// A 了解 that is told to the author of a post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobReceipt {
    /// Whose.
    pub facility_name: String,
    /// The person who gave it, if known.
    pub person: Option<String>,
    /// When the human confirmed.
    pub acknowledged_at: UtcMicros,
    /// By this way.
    pub channel: crate::vocabulary::Channel,
}

/// Patient and document as the receiving hospital itself writes them (hl7.md 14): its own number only, the
/// name as it stands in its messages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HospitalRecord {
    /// The hospital's number of the patient.
    pub identifier: String,
    /// Name in kanji, family and given separated by one space where that is known.
    pub name: String,
    /// Name in kana.
    pub kana: Option<String>,
    /// `YYYY-MM-DD`.
    pub birth_date: Option<String>,
    /// HL7 table 0001.
    pub sex: Option<String>,
    /// The hospital's number of the stay (PV1-19), if the topic names one.
    pub visit: Option<String>,
    /// The hospital's document (TXA-12) under which the topic stands.
    pub document: Option<String>,
    /// The hospital's referral (RF1-6) that the topic is.
    pub referral: Option<String>,
    /// MSH-10 of the message that opened the topic.
    pub message: Option<String>,
    /// The first version of the post, where this is a later one.
    pub first_version: Option<PostId>,
}

/// MSH-10 of the HL7 message that carries item `position` of a delivery: `GW` and 18 digits, the same for
/// every attempt, so that a resend is recognised (hl7.md 14). Two deliveries differ as surely as their hashes.
#[must_use]
pub fn control_id(delivery: &DeliveryId, position: usize) -> String {
    let hash = crate::envelope::ContentHash::of(format!("{delivery}#{position}").as_bytes());
    let number = hash.hex().get(..15).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or(0);
    format!("GW{:018}", number % 1_000_000_000_000_000_000)
}

/// An attachment with its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobAttachment {
    /// What it is.
    pub stored: StoredAttachment,
    /// Decoded bytes; empty if over the sending limit, then only its name is printed.
    pub bytes: Vec<u8>,
}

/// Message-ID of the mail that carries this delivery, the same for every attempt. `code` is the code
/// that an answer to the whole mail carries.
#[must_use]
pub fn message_id(delivery: &DeliveryId, code: Option<&ReplyCode>, mail_domain: &str) -> String {
    match code {
        Some(code) => format!("{delivery}.{}@{mail_domain}", code.as_str().to_ascii_lowercase()),
        None => format!("{delivery}@{mail_domain}"),
    }
}

/// The delivery that a Message-ID or return path of ours names; whether there is one is for the store to
/// say.
#[must_use]
pub fn delivery_of_message_id(message_id: &str) -> Option<DeliveryId> {
    let bare = message_id.trim().trim_start_matches('<').trim_end_matches('>');
    if let Some(delivery) = delivery_of_bounce_address(bare) {
        return Some(delivery);
    }
    let (local, _) = bare.split_once('@')?;
    let id = local.split('.').next()?;
    (!id.is_empty() && id.len() <= 64).then(|| DeliveryId::from(id))
}

/// What stands before the delivery in a return path.
pub const BOUNCE_PREFIX: &str = "bounce+";

/// Return path of the mail that carries this delivery (VERP): whatever a far server writes into its
/// report, it sends it here, so the recipient address of the report alone says which delivery it speaks
/// of. A report that came in has it in `Origin::rcpt_to`; a reader that finds
/// [`delivery_of_bounce_address`] of one of those sets `Report::original` to that address, and
/// `Effect::Report` finds the delivery by it.
#[must_use]
pub fn bounce_address(delivery: &DeliveryId, mail_domain: &str) -> String {
    format!("{BOUNCE_PREFIX}{}@{mail_domain}", delivery.as_str().to_ascii_lowercase())
}

/// The delivery that a return path of ours names. Local parts come back in any case; ids have capital
/// letters.
#[must_use]
pub fn delivery_of_bounce_address(address: &str) -> Option<DeliveryId> {
    let (local, _) = address.trim().rsplit_once('@')?;
    let start = local.get(..BOUNCE_PREFIX.len())?;
    let id = local.get(BOUNCE_PREFIX.len()..)?;
    let plain = !id.is_empty() && id.len() <= 40 && id.bytes().all(|b| b.is_ascii_alphanumeric());
    (start.eq_ignore_ascii_case(BOUNCE_PREFIX) && plain)
        .then(|| DeliveryId::from(id.to_ascii_uppercase().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_id_is_the_same_for_every_attempt() {
        let delivery = DeliveryId::from("01JZZZZZZZZZZZZZZZZZZZZZZZ");
        let id = control_id(&delivery, 0);
        assert_eq!(id, control_id(&delivery, 0));
        assert_ne!(id, control_id(&delivery, 1));
        assert!(id.len() == 20 && id[2..].bytes().all(|b| b.is_ascii_digit()), "{id}");
    }

    #[test]
    fn a_message_id_leads_back_to_its_delivery() {
        let delivery = DeliveryId::from("01JZZZZZZZZZZZZZZZZZZZZZZZ");
        let code = ReplyCode::from_random(7);
        for id in
            [message_id(&delivery, Some(&code), "in.example"), message_id(&delivery, None, "in.example")]
        {
            assert_eq!(delivery_of_message_id(&format!("<{id}>")), Some(delivery.clone()));
        }
        assert_eq!(delivery_of_message_id("no mail"), None);
        let back = bounce_address(&delivery, "in.example");
        assert_eq!(back, "bounce+01jzzzzzzzzzzzzzzzzzzzzzzz@in.example");
        for form in [back.clone(), back.to_uppercase(), format!("<{back}>")] {
            assert_eq!(delivery_of_message_id(&form), Some(delivery.clone()), "{form}");
        }
        for other in ["bounce+@x", "bounce+a b@x", "bounce@x", "reply+abc@x", "bounce+ab", "バウンス+ab@x"]
        {
            assert_eq!(delivery_of_bounce_address(other), None, "{other}");
        }
    }
}
