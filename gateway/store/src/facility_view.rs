//! What people of one facility may see: the groups in which it is a member with consent, and nothing
//! else. A group it may not see does not exist here: every answer is the same as for a wrong key.

use crate::StoreError;
use crate::columns::{ATTACHMENT, ENDPOINT, FACILITY, read_attachment, read_endpoint, read_facility};
use crate::group_list::{self, Seen};
use crate::store::Parts;
use crate::value::args;
use crate::view::{CodePage, GroupSummary, Timeline};
use crate::{codes, posts, roster, timeline};
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::directory::{GroupRoster, Member};
use kakehashi_core::facts::CodeEntry;
use kakehashi_core::ids::{AttachmentId, FacilityId, GroupId, LoginUserId, NetworkId, PostId};
use kakehashi_core::post::StoredAttachment;
use kakehashi_core::reply_code::ReplyCode;

/// Handle of one facility.
#[derive(Clone)]
pub struct FacilityView {
    parts: Parts,
    network: NetworkId,
    facility: FacilityId,
}

impl FacilityView {
    pub(crate) const fn new(parts: Parts, network: NetworkId, facility: FacilityId) -> Self {
        Self { parts, network, facility }
    }

    /// Its groups, those with requests first.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn groups(&self, login_user: &LoginUserId) -> Result<Vec<GroupSummary>, StoreError> {
        let now = self.parts.clock.now();
        let seen = Seen::By(&self.facility);
        group_list::groups(&self.parts.db, &self.network, &seen, login_user, now).await
    }

    /// A page of a timeline: topics older than `before`, newest first. `None` if it may not be seen.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn timeline(
        &self,
        login_user: &LoginUserId,
        group: &GroupId,
        before: Option<&PostId>,
        limit: u32,
    ) -> Result<Option<Timeline>, StoreError> {
        let now = self.parts.clock.now();
        if !self.sees(group, now).await? {
            return Ok(None);
        }
        timeline::page(&self.parts.db, &self.network, login_user, group, (before, limit), now).await
    }

    /// Group, patient, members. `None` if it may not be seen.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn roster(&self, group: &GroupId, now: UtcMicros) -> Result<Option<GroupRoster>, StoreError> {
        if !self.sees(group, now).await? {
            return Ok(None);
        }
        roster::roster(&self.parts.db, &self.network, group, now).await
    }

    /// Remembers that everything up to now was seen. Nothing happens for a group that may not be seen.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn mark_read(
        &self,
        login_user: &LoginUserId,
        group: &GroupId,
        at: UtcMicros,
    ) -> Result<(), StoreError> {
        if !self.sees(group, at).await? {
            return Ok(());
        }
        mark_read(&self.parts, &self.network, login_user, group, at).await
    }

    /// An attachment of a visible post with its bytes.
    ///
    /// # Errors
    /// If the store does not answer or the blob is gone.
    pub async fn attachment(
        &self,
        id: &AttachmentId,
    ) -> Result<Option<(StoredAttachment, Vec<u8>)>, StoreError> {
        let sql = format!(
            "SELECT {ATTACHMENT}, t.group_id FROM attachments a \
             JOIN posts t ON t.network_id = a.network_id AND t.post_id = a.post_id \
             WHERE a.network_id = $1 AND a.attachment_id = $2"
        );
        let Some(row) = self.parts.db.row(sql, args![&self.network, id]).await? else { return Ok(None) };
        let mut r = row.reader();
        let (attachment, group) = (read_attachment(&mut r)?, r.id()?);
        if !self.sees(&group, self.parts.clock.now()).await? {
            return Ok(None);
        }
        let bytes = self.parts.blobs.must_get(&attachment.content_hash, "attachments", id.as_str()).await?;
        Ok(Some((attachment, bytes)))
    }

    /// Whether this facility may see this group now.
    async fn sees(&self, group: &GroupId, now: UtcMicros) -> Result<bool, StoreError> {
        let sql = format!(
            "SELECT 1 FROM patient_groups g WHERE g.network_id = $1 AND g.group_id = $4 AND {}",
            Seen::By(&self.facility).condition()
        );
        Ok(self.parts.db.row(sql, args![&self.network, &self.facility, now, group]).await?.is_some())
    }
}

pub(crate) async fn mark_read(
    parts: &Parts,
    network: &NetworkId,
    login_user: &LoginUserId,
    group: &GroupId,
    at: UtcMicros,
) -> Result<(), StoreError> {
    parts
        .db
        .run(
            "INSERT INTO read_marks (network_id, login_user_id, group_id, read_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (network_id, login_user_id, group_id) DO UPDATE SET read_at = excluded.read_at \
             WHERE read_marks.read_at < excluded.read_at",
            args![network, login_user, group, at],
        )
        .await
        .map(|_| ())
}

/// What a reply code opens, without login: that item and nothing else.
#[derive(Clone)]
pub struct CodeView {
    parts: Parts,
    network: NetworkId,
}

impl CodeView {
    pub(crate) const fn new(parts: Parts, network: NetworkId) -> Self {
        Self { parts, network }
    }

    /// The page of a code. `None` for unknown codes; expired and revoked ones are in `entry`.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn page(&self, code: &ReplyCode, now: UtcMicros) -> Result<Option<CodePage>, StoreError> {
        let (db, n) = (&self.parts.db, &self.network);
        let Some(entry) = codes::by_code(db, n, code.as_str(), now).await? else { return Ok(None) };
        let sql = format!(
            "SELECT {ENDPOINT}, {FACILITY} FROM endpoints e \
             JOIN facilities f ON f.network_id = e.network_id AND f.facility_id = e.facility_id \
             WHERE e.network_id = $1 AND e.endpoint_id = $2"
        );
        let Some(row) = db.row(sql, args![n, &entry.endpoint_id]).await? else { return Ok(None) };
        let mut r = row.reader();
        let (endpoint, facility) = (read_endpoint(&mut r)?, read_facility(&mut r)?);
        let staff = roster::staff(db, n, [&facility.id]).await?.remove(&facility.id).unwrap_or_default();
        // A code that acts no more shows nothing of what it stood for.
        let acts = acts(&entry, now);
        let post = match &entry.post_id {
            Some(id) if acts => posts::by_ids(db, n, [id]).await?.pop(),
            _ => None,
        };
        let group_alias = match &entry.group_id {
            Some(id) if acts => roster::group(db, n, id).await?.map(|(group, _)| group.alias),
            _ => None,
        };
        let acknowledged_at = match &entry.post_id {
            Some(post) => self.acknowledged_at(post, &entry.facility_id).await?,
            None => None,
        };
        Ok(Some(CodePage { entry, endpoint, facility, staff, group_alias, post, acknowledged_at }))
    }

    async fn acknowledged_at(
        &self,
        post: &PostId,
        facility: &FacilityId,
    ) -> Result<Option<UtcMicros>, StoreError> {
        let row = self
            .parts
            .db
            .row(
                "SELECT MIN(acknowledged_at) FROM acknowledgements \
                 WHERE network_id = $1 AND post_id = $2 AND facility_id = $3 AND withdrawn_at IS NULL",
                args![&self.network, post, facility],
            )
            .await?;
        row.map_or(Ok(None), |row| row.reader().opt_time())
    }

    /// The facility that the code was given to, with its ways, people and pauses. `None` if the code acts no more.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn member(&self, code: &ReplyCode, now: UtcMicros) -> Result<Option<Member>, StoreError> {
        let (db, n) = (&self.parts.db, &self.network);
        match codes::by_code(db, n, code.as_str(), now).await?.filter(|entry| acts(entry, now)) {
            Some(entry) => roster::member(db, n, &entry.facility_id, now).await,
            None => Ok(None),
        }
    }

    /// Group, patient, members of the code's group. `None` if the code acts no more.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn roster(&self, code: &ReplyCode, now: UtcMicros) -> Result<Option<GroupRoster>, StoreError> {
        let (db, n) = (&self.parts.db, &self.network);
        let entry = codes::by_code(db, n, code.as_str(), now).await?.filter(|entry| acts(entry, now));
        match entry.and_then(|entry| entry.group_id) {
            Some(group) => roster::roster(db, n, &group, now).await,
            None => Ok(None),
        }
    }
}

/// Whether a code may still act: in time, not revoked, and its facility still belongs there.
fn acts(entry: &CodeEntry, now: UtcMicros) -> bool {
    entry.expires_at > now && entry.revoked_at.is_none() && entry.membership_stands
}
