//! Posts and acknowledgements. A post is immutable: a correction is a new post that names the one it
//! corrects, and both stay visible. 了解 is a fact of its own with time, person and channel, and is
//! never derived from a delivery.

use crate::clock::UtcMicros;
use crate::envelope::ContentHash;
use crate::ids::{AttachmentId, DeliveryId, FacilityId, GroupId, IntakeId, PostId, StaffId};
use crate::liaison::LiaisonDeadline;
use crate::vocabulary::{AttachmentRole, Channel, IdentityLevel, ReplyExpectation, Urgency};
use serde::{Deserialize, Serialize};

/// What a post is on its thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PostKind {
    /// 新規投稿.
    Topic,
    /// 返信.
    Reply,
    /// 訂正: a newer version of the post named in `corrects`.
    Correction,
}

impl PostKind {
    /// Database and JSON code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Topic => "topic",
            Self::Reply => "reply",
            Self::Correction => "correction",
        }
    }

    /// From the code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        match code {
            "topic" => Some(Self::Topic),
            "reply" => Some(Self::Reply),
            "correction" => Some(Self::Correction),
            _ => None,
        }
    }
}

/// An entry on a timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Post {
    /// Key; sorts by the time of posting.
    pub id: PostId,
    /// The group.
    pub group_id: GroupId,
    /// The topic it belongs to; its own id for a topic.
    pub topic_id: PostId,
    /// What it is.
    pub kind: PostKind,
    /// For corrections: the post it replaces.
    pub corrects: Option<PostId>,
    /// 1, and one more for each correction of the same post.
    pub version: u32,
    /// Posting facility.
    pub facility_id: FacilityId,
    /// Posting person, if one signed.
    pub staff_id: Option<StaffId>,
    /// Name as signed, for persons who are on no roster.
    pub author_name: Option<String>,
    /// 代筆: who wrote it down for the author.
    pub proxy: Option<String>,
    /// The way it came.
    pub channel: Channel,
    /// 緊急度.
    pub urgency: Urgency,
    /// 返信区分 for the addressees.
    pub expectation: ReplyExpectation,
    /// 期限.
    pub due_at: Option<UtcMicros>,
    /// Heading; replies have none.
    pub title: Option<String>,
    /// Text. May be empty where a picture says it all.
    pub body: String,
    /// What was quoted in the mail.
    pub quoted: Option<String>,
    /// The signature of the mail.
    pub signature: Option<String>,
    /// 文書種別.
    pub document_kind: Option<String>,
    /// When it happened.
    pub occurred_at: Option<UtcMicros>,
    /// When the raw message arrived.
    pub received_at: UtcMicros,
    /// When it was posted.
    pub posted_at: UtcMicros,
    /// From this intake.
    pub intake_id: Option<IntakeId>,
    /// Key of the clinical event, so that repetitions and corrections find it.
    pub event_key: Option<String>,
    /// Which rule decided, or who placed it: `rule discharge`, `渡部 晶`.
    pub decided_by: String,
    /// 宛先 with what is expected of each; everybody else shares.
    pub addressees: Vec<Addressee>,
    /// 連携期限 that it starts, each for one member.
    #[serde(default)]
    pub liaison: Vec<LiaisonDeadline>,
}

/// How the heading of a correction ends that takes its post back.
pub const WITHDRAWN: &str = "（取消）";

impl Post {
    /// Whether it takes back the post that it corrects, leaving nothing of it to go by.
    #[must_use]
    pub fn withdraws(&self) -> bool {
        self.kind == PostKind::Correction && self.title.as_deref().is_some_and(|t| t.ends_with(WITHDRAWN))
    }

    /// The 連携期限 of this member.
    pub fn liaison_of<'p>(&'p self, facility: &'p FacilityId) -> impl Iterator<Item = &'p LiaisonDeadline> {
        self.liaison.iter().filter(move |l| &l.facility_id == facility)
    }
}

/// One 宛先 of a post.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addressee {
    /// The member that is asked.
    pub facility_id: FacilityId,
    /// For what.
    pub expectation: ReplyExpectation,
}

/// What a reader of the timeline sees of a post, as one hash: heading, text and attachments (received
/// files left out, their order does not matter). Two messages with the same print say the same.
#[must_use]
pub fn print_of<'a>(
    title: Option<&str>,
    body: &str,
    attachments: impl IntoIterator<Item = (AttachmentRole, &'a ContentHash)>,
) -> String {
    let mut files: Vec<&str> = attachments
        .into_iter()
        .filter(|(role, _)| *role != AttachmentRole::Source)
        .map(|(_, hash)| hash.as_str())
        .collect();
    files.sort_unstable();
    files.dedup();
    let parts = [title.unwrap_or(""), body, &files.join(" ")];
    let joined: String = parts.iter().map(|p| format!("{}:{p}\n", p.len())).collect();
    ContentHash::of(joined.as_bytes()).as_str().to_owned()
}

/// An attachment that lies in the blob store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredAttachment {
    /// Key.
    pub id: AttachmentId,
    /// The intake it came with.
    pub intake_id: Option<IntakeId>,
    /// The post it is shown at; none while in triage.
    pub post_id: Option<PostId>,
    /// Order within intake or post, from 0.
    pub position: u32,
    /// Why it is there.
    pub role: AttachmentRole,
    /// File name.
    pub name: Option<String>,
    /// Media type.
    pub media_type: String,
    /// Size.
    pub size_bytes: u64,
    /// Where the bytes are.
    pub content_hash: ContentHash,
    /// Pages, if it has pages.
    pub pages: Option<u32>,
}

/// 了解 of a facility, or of one of its people, to a post.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// The topic or reply acknowledged.
    pub post_id: PostId,
    /// By this facility.
    pub facility_id: FacilityId,
    /// By this person, if known.
    pub staff_id: Option<StaffId>,
    /// Name as signed.
    pub person_name: Option<String>,
    /// By this way.
    pub channel: Channel,
    /// When the human confirmed, as far as known (time of the message).
    pub acknowledged_at: UtcMicros,
    /// Evidence.
    pub identity_level: IdentityLevel,
    /// From this intake.
    pub intake_id: Option<IntakeId>,
    /// As answer to this delivery.
    pub delivery_id: Option<DeliveryId>,
    /// 代筆.
    pub proxy: Option<String>,
}
