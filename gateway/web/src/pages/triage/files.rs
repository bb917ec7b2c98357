//! Which files of an item go along when a person places it: those that no post has taken yet, only the ticked pages
//! if several patients share one FAX, and the pages of another FAX of the same document. A picture that shows one
//! group never goes to another.

use super::find;
use crate::error::PageError;
use crate::forms::Fields;
use crate::random;
use crate::rights::Office;
use crate::views::sheet::{answer_of, digest_of};
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::ids::{AttachmentId, GroupId};
use kakehashi_core::post::StoredAttachment;
use kakehashi_core::vocabulary::AttachmentRole;
use kakehashi_store::view::TriageItem;

/// What goes along.
#[derive(Default)]
pub(super) struct Along {
    pub(super) ids: Vec<AttachmentId>,
    /// Those among them that another post shows already, to be kept once more.
    pub(super) copies: Vec<StoredAttachment>,
    /// Pages stay behind, for another patient.
    pub(super) parted: bool,
    /// The other FAX whose pages come with it.
    pub(super) joined: Vec<TriageItem>,
}

/// The files for a placement in this group. Nothing if the picture belongs to other groups and nothing that a
/// person read could stand in for it.
pub(super) async fn along(
    office: &Office,
    item: &TriageItem,
    group: &GroupId,
    fields: &Fields,
    now: UtcMicros,
) -> Result<Option<Along>, PageError> {
    let waiting = still_here(item);
    let shown_elsewhere = answer_of(item).is_some_and(|a| waiting.is_empty() && &a.group_id != group);
    // A まとめ便 shows headings of several groups.
    if shown_elsewhere || digest_of(item).is_some() {
        return Ok(fields.get("transcript").map(|_| Along::default()));
    }
    if waiting.is_empty() {
        let copies: Vec<StoredAttachment> = item.attachments.iter().map(|a| copy(a, now)).collect();
        return Ok(Some(Along {
            ids: copies.iter().map(|c| c.id.clone()).collect(),
            copies,
            ..Along::default()
        }));
    }
    let ticked: Vec<AttachmentId> =
        waiting.iter().filter(|id| fields.all("page").any(|p| p == id.as_str())).cloned().collect();
    let parted = !ticked.is_empty() && ticked.len() < waiting.len();
    let mut ids = if parted { ticked } else { waiting };
    let joined = joined(office, item, fields).await?;
    ids.extend(joined.iter().flat_map(still_here));
    Ok(Some(Along { ids, copies: Vec::new(), parted, joined }))
}

/// The same bytes for another post. They belong to no intake: there they are listed already.
fn copy(of: &StoredAttachment, now: UtcMicros) -> StoredAttachment {
    StoredAttachment {
        id: AttachmentId::fresh(now, random::bits()),
        intake_id: None,
        post_id: None,
        ..of.clone()
    }
}

/// The other FAX whose pages belong to the same document, as the person says: only such as are offered.
async fn joined(office: &Office, item: &TriageItem, fields: &Fields) -> Result<Vec<TriageItem>, PageError> {
    let mut joined = Vec::new();
    for row in item.joinable.iter().filter(|row| fields.all("join").any(|id| id == row.id.as_str())) {
        joined.push(find(office, row.id.to_string()).await?);
    }
    Ok(joined)
}

/// Files of an item that no post has taken yet.
fn still_here(item: &TriageItem) -> Vec<AttachmentId> {
    // Once pages were parted, the file as received holds another patient's pages: it goes to nobody.
    let parted = item.attachments.iter().any(|a| a.post_id.is_some());
    let open = item.attachments.iter().filter(|a| a.post_id.is_none());
    let open = open.filter(|a| !parted || a.role == AttachmentRole::PageImage);
    open.map(|a| a.id.clone()).collect()
}
