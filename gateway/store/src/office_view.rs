//! What the network office may see: every group, triage, outbox, intakes with raw bytes, facilities,
//! rules and audit of its network. Never another network.

mod facilities;
mod fax;
mod intakes;
mod messages;
mod outbox;
mod sheet_checks;
mod triage;

use crate::columns::{ATTACHMENT, read_attachment};
use crate::group_list::{self, Seen};
use crate::store::Parts;
use crate::value::args;
use crate::view::{
    CheckedSheet, FacilityCard, FaxIn, FaxNumber, FaxOut, FaxRoute, GroupSummary, IntakeRow, IntakeView,
    InterfaceRow, MessageFilter, MessageRow, OutboxFilter, OutboxRow, PaperSettings, RuleHits, Timeline,
    TriageItem, TriageRow,
};
use crate::{StoreError, audit, facility_view, intake_log, roster, timeline};
use kakehashi_core::audit::AuditEntry;
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::directory::{GroupRoster, Member};
use kakehashi_core::ids::{
    AttachmentId, FacilityId, GroupId, IntakeId, LoginUserId, NetworkId, PostId, TriageId,
};
use kakehashi_core::post::StoredAttachment;
use kakehashi_core::vocabulary::Channel;
use std::collections::BTreeMap;

/// Handle of the network office.
#[derive(Clone)]
pub struct OfficeView {
    parts: Parts,
    network: NetworkId,
}

impl OfficeView {
    pub(crate) const fn new(parts: Parts, network: NetworkId) -> Self {
        Self { parts, network }
    }

    /// How far the network trusts its reading of paper.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn paper_trust(&self) -> Result<kakehashi_core::facts::PaperTrust, StoreError> {
        crate::facts::paper_trust(&self.parts.db, &self.network).await
    }

    /// All groups, by latest post.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn groups(&self, login_user: &LoginUserId) -> Result<Vec<GroupSummary>, StoreError> {
        let now = self.parts.clock.now();
        group_list::groups(&self.parts.db, &self.network, &Seen::ByOffice, login_user, now).await
    }

    /// A page of a timeline: topics older than `before`, newest first.
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
        timeline::page(&self.parts.db, &self.network, login_user, group, (before, limit), now).await
    }

    /// Group, patient, members.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn roster(&self, group: &GroupId, now: UtcMicros) -> Result<Option<GroupRoster>, StoreError> {
        roster::roster(&self.parts.db, &self.network, group, now).await
    }

    /// One group by alias or id, for the command line.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn group_by_name(&self, alias_or_id: &str) -> Result<Option<GroupId>, StoreError> {
        let row = self
            .parts
            .db
            .row(
                "SELECT group_id FROM patient_groups \
                 WHERE network_id = $1 AND (group_id = $2 OR alias = $2 OR address = $2) \
                 ORDER BY group_id LIMIT 1",
                args![&self.network, alias_or_id],
            )
            .await?;
        row.map(|row| row.reader().id()).transpose()
    }

    /// Remembers that everything up to now was seen.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn mark_read(
        &self,
        login_user: &LoginUserId,
        group: &GroupId,
        at: UtcMicros,
    ) -> Result<(), StoreError> {
        facility_view::mark_read(&self.parts, &self.network, login_user, group, at).await
    }

    /// Open items, oldest first, quarantine apart.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn triage(&self, quarantined: bool, limit: u32) -> Result<Vec<TriageRow>, StoreError> {
        triage::open_list(&self.parts.db, &self.network, quarantined, limit).await
    }

    /// Number of open items outside quarantine.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn triage_count(&self) -> Result<u32, StoreError> {
        let row = self
            .parts
            .db
            .row(
                "SELECT COUNT(*) FROM triage_items WHERE network_id = $1 AND quarantined = $2 \
                 AND outcome IS NULL",
                args![&self.network, false],
            )
            .await?;
        row.map_or(Ok(0), |row| row.reader().count())
    }

    /// One item.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn triage_item(&self, id: &TriageId) -> Result<Option<TriageItem>, StoreError> {
        triage::item(&self.parts.db, &self.network, id).await
    }

    /// Deliveries, newest first.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn outbox(&self, filter: OutboxFilter, limit: u32) -> Result<Vec<OutboxRow>, StoreError> {
        outbox::filtered(&self.parts.db, &self.network, filter, limit).await
    }

    /// Number of deliveries that need a person.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn outbox_count(&self) -> Result<u32, StoreError> {
        outbox::count(&self.parts.db, &self.network).await
    }

    /// Intakes, newest first.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn intakes(&self, before: Option<&IntakeId>, limit: u32) -> Result<Vec<IntakeRow>, StoreError> {
        intake_log::page(&self.parts.db, &self.network, before, limit).await
    }

    /// One intake with its decisions.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn intake(&self, id: &IntakeId) -> Result<Option<IntakeView>, StoreError> {
        intakes::one(&self.parts.db, &self.network, id).await
    }

    /// Messages of hospitals, newest first.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn messages(
        &self,
        filter: &MessageFilter,
        before: Option<&IntakeId>,
        limit: u32,
    ) -> Result<Vec<MessageRow>, StoreError> {
        messages::found(&self.parts.db, &self.network, filter, before, limit).await
    }

    /// How each HL7 interface did since a time: what came, with which faults, and what waits to go back.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn interfaces(&self, since: UtcMicros) -> Result<Vec<InterfaceRow>, StoreError> {
        messages::interfaces(&self.parts.db, &self.network, since).await
    }

    /// Its raw bytes.
    ///
    /// # Errors
    /// If the store does not answer or the blob is gone.
    pub async fn intake_bytes(&self, id: &IntakeId) -> Result<Option<Vec<u8>>, StoreError> {
        intakes::bytes(&self.parts, &self.network, id).await
    }

    /// Any attachment of the network with its bytes.
    ///
    /// # Errors
    /// If the store does not answer or the blob is gone.
    pub async fn attachment(
        &self,
        id: &AttachmentId,
    ) -> Result<Option<(StoredAttachment, Vec<u8>)>, StoreError> {
        let sql = format!(
            "SELECT {ATTACHMENT} FROM attachments a WHERE a.network_id = $1 AND a.attachment_id = $2"
        );
        let Some(row) = self.parts.db.row(sql, args![&self.network, id]).await? else { return Ok(None) };
        let attachment = read_attachment(&mut row.reader())?;
        let bytes = self.parts.blobs.must_get(&attachment.content_hash, "attachments", id.as_str()).await?;
        Ok(Some((attachment, bytes)))
    }

    /// One facility with its ways, people and pauses. `None` if there is no such facility.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn member(&self, facility: &FacilityId, now: UtcMicros) -> Result<Option<Member>, StoreError> {
        roster::member(&self.parts.db, &self.network, facility, now).await
    }

    /// All facilities.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn facilities(&self) -> Result<Vec<FacilityCard>, StoreError> {
        facilities::list(&self.parts.db, &self.network, self.parts.clock.now()).await
    }

    /// Sheets that a person has read, in order of their intakes, behind `after`.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn checked_sheets(
        &self,
        after: Option<(&IntakeId, u32)>,
        limit: u32,
    ) -> Result<Vec<CheckedSheet>, StoreError> {
        sheet_checks::list(&self.parts.db, &self.network, after, limit).await
    }

    /// FAX that leave or left, newest first; only those to numbers with these digits in them, if given.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn fax_out(&self, digits: Option<&str>, limit: u32) -> Result<Vec<FaxOut>, StoreError> {
        fax::outgoing(&self.parts.db, &self.network, digits, limit).await
    }

    /// FAX that came, newest first.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn fax_in(&self, limit: u32) -> Result<Vec<FaxIn>, StoreError> {
        fax::incoming(&self.parts.db, &self.network, limit).await
    }

    /// Every FAX number of the directory.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn fax_numbers(&self, now: UtcMicros) -> Result<Vec<FaxNumber>, StoreError> {
        fax::numbers(&self.parts.db, &self.network, Channel::Fax, now).await
    }

    /// The mail addresses with what was changed about them lately.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn mail_addresses(&self, now: UtcMicros) -> Result<Vec<FaxNumber>, StoreError> {
        fax::numbers(&self.parts.db, &self.network, Channel::Email, now).await
    }

    /// The FAX providers that had anything to do.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn fax_routes(&self, now: UtcMicros) -> Result<Vec<FaxRoute>, StoreError> {
        fax::routes(&self.parts.db, &self.network, now).await
    }

    /// How this network handles paper.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn paper_settings(&self) -> Result<PaperSettings, StoreError> {
        fax::settings(&self.parts.db, &self.network).await
    }

    /// One endpoint.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn endpoint(
        &self,
        id: &kakehashi_core::ids::EndpointId,
    ) -> Result<Option<kakehashi_core::directory::Endpoint>, StoreError> {
        crate::WorkerView::new(self.parts.clone(), self.network.clone()).endpoint(id).await
    }

    /// How often each rule decided in the last 30 days.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn rule_hits(&self, now: UtcMicros) -> Result<Vec<RuleHits>, StoreError> {
        let rows = self
            .parts
            .db
            .rows(
                "SELECT rule, COUNT(*), MAX(decided_at) FROM intake_decisions \
                 WHERE network_id = $1 AND decided_at >= $2 AND rule IS NOT NULL \
                 GROUP BY rule ORDER BY rule",
                args![&self.network, now.plus_seconds(-30 * 24 * 3600)],
            )
            .await?;
        // A verdict of several rules (`continue`) counts for each of them.
        let mut hits: BTreeMap<String, RuleHits> = BTreeMap::new();
        for row in &rows {
            let mut r = row.reader();
            let (rules, hit_count, last_at) = (r.text()?, r.size()?, r.time()?);
            for rule in rules.split(" + ") {
                let sum = hits.entry(rule.to_owned()).or_insert_with(|| RuleHits {
                    rule: rule.to_owned(),
                    hit_count: 0,
                    last_at,
                });
                sum.hit_count += hit_count;
                sum.last_at = sum.last_at.max(last_at);
            }
        }
        Ok(hits.into_values().collect())
    }

    /// Audit entries, newest first.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn audit(&self, before_seq: Option<i64>, limit: u32) -> Result<Vec<AuditEntry>, StoreError> {
        audit::page(&self.parts.db, &self.network, before_seq, limit).await
    }

    /// Checks the whole hash chain; the number of entries, or the first broken one.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn verify_audit(&self) -> Result<Result<u64, i64>, StoreError> {
        audit::verify(&self.parts.db, &self.network).await
    }
}
