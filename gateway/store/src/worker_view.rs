//! What the pipeline may do: claim work under a lease, read facts, record ends. Several processes on one
//! PostgreSQL never claim the same row twice; a lease that lapses is taken over. Nothing here decides.

mod attempts;
mod deliveries;
mod facility;
mod hospital;
mod intakes;
mod job;
mod routes;
mod sheets;

pub use facility::MailText;

use crate::StoreError;
use crate::columns::{ENDPOINT, NETWORK, read_endpoint, read_network};
use crate::row::json_text;
use crate::store::Parts;
use crate::value::args;
use crate::view::Figures;
use crate::{facts, roster};
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::commit::{AttemptEnd, Effect};
use kakehashi_core::directory::{GroupRoster, Network};
use kakehashi_core::envelope::ContentHash;
use kakehashi_core::facts::{FactQuery, Facts};
use kakehashi_core::fax_route::RouteMemory;
use kakehashi_core::ids::{DeliveryId, FacilityId, GroupId, IntakeId, NetworkId, PostId};
use kakehashi_core::job::{DeliveryJob, delivery_of_bounce_address};
use kakehashi_core::port::{Origin, RawIntake, RecipientAnswer};
use kakehashi_core::reply_code::ReplyCode;
use kakehashi_core::vocabulary::DeliveryMode;

/// Handle of the pipeline.
#[derive(Clone)]
pub struct WorkerView {
    parts: Parts,
    network: NetworkId,
}

/// An intake under our lease.
#[derive(Debug, Clone)]
pub struct ClaimedIntake {
    /// Key.
    pub id: IntakeId,
    /// As received.
    pub raw: RawIntake,
    /// How often reading was begun, this time included.
    pub attempt: u32,
}

/// A post that a hospital's inbox did not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedPost {
    /// The post.
    pub post_id: PostId,
    /// Its group.
    pub group_id: GroupId,
    /// The hospital.
    pub facility_id: FacilityId,
    /// The interface whose inbox it was.
    pub interface: String,
}

impl WorkerView {
    pub(crate) const fn new(parts: Parts, network: NetworkId) -> Self {
        Self { parts, network }
    }

    /// The network.
    ///
    /// # Errors
    /// [`StoreError::Config`] if no directory was imported yet.
    pub async fn network(&self) -> Result<Network, StoreError> {
        let sql = format!("SELECT {NETWORK} FROM networks n WHERE n.network_id = $1");
        let row = self.parts.db.row(sql, args![&self.network]).await?;
        let row = row.ok_or_else(|| StoreError::Config {
            what: format!("there is no network {}", self.network),
            remedy: "import its directory first: kakehashi directory import DIR".to_owned(),
        })?;
        read_network(&mut row.reader())
    }

    /// Claims intakes that wait, oldest first. Raw blobs are loaded.
    ///
    /// # Errors
    /// If the store does not answer; what was claimed is claimed again when the lease is over.
    pub async fn claim_intakes(
        &self,
        worker: &str,
        limit: u32,
        lease_seconds: i64,
        now: UtcMicros,
    ) -> Result<Vec<ClaimedIntake>, StoreError> {
        intakes::claim(&self.parts, &self.network, worker, limit, lease_seconds, now).await
    }

    /// Gives an intake back after a fault; the attempt counts, and it is claimed again after `retry_at`.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn release_intake(&self, id: &IntakeId, retry_at: UtcMicros) -> Result<(), StoreError> {
        intakes::release(&self.parts, &self.network, id, 0, retry_at).await
    }

    /// Gives an intake back that the store or the disk kept from being settled: it is not the message's
    /// fault, so the attempt does not count.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn postpone_intake(&self, id: &IntakeId, retry_at: UtcMicros) -> Result<(), StoreError> {
        intakes::release(&self.parts, &self.network, id, 1, retry_at).await
    }

    /// Keeps what was found about an intake's sender, for this and every later reading.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn record_origin(&self, id: &IntakeId, origin: &Origin) -> Result<(), StoreError> {
        let text = json_text(origin)?;
        let sql = "UPDATE intakes SET origin = $3 WHERE network_id = $1 AND intake_id = $2";
        self.parts.db.run(sql, args![&self.network, id, text]).await?;
        Ok(())
    }

    /// Everything that decides about one Envelope.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn facts(&self, query: &FactQuery, now: UtcMicros) -> Result<Facts, StoreError> {
        let network = self.network().await?;
        facts::gather(&self.parts.db, network, query, now).await
    }

    /// Group, patient, members. `None` if there is no such group.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn roster(&self, group: &GroupId, now: UtcMicros) -> Result<Option<GroupRoster>, StoreError> {
        roster::roster(&self.parts.db, &self.network, group, now).await
    }

    /// Claims deliveries that are due and starts an attempt of each, ordered by due time. Attachment
    /// bytes are loaded up to `attachment_limit_bytes` each. Deliveries that may not leave any more
    /// (group not open, consent withdrawn, endpoint suspended) end here and are not returned.
    ///
    /// # Errors
    /// If the store does not answer; what was claimed is given back or lapses.
    pub async fn claim_deliveries(
        &self,
        worker: &str,
        limit: u32,
        lease_seconds: i64,
        attachment_limit_bytes: u64,
        now: UtcMicros,
    ) -> Result<Vec<DeliveryJob>, StoreError> {
        let claimed =
            deliveries::claim(&self.parts, &self.network, worker, limit, lease_seconds, now).await?;
        if claimed.is_empty() {
            return Ok(Vec::new());
        }
        let network = self.network().await;
        let jobs = match network {
            Ok(network) => job::load(&self.parts, network, &claimed, attachment_limit_bytes, true).await,
            Err(fault) => Err(fault),
        };
        if jobs.is_err() {
            // Nothing was sent: the attempts are taken back, so that they do not become 送達不明.
            deliveries::unclaim(&self.parts, &self.network, worker, &claimed).await?;
        }
        jobs
    }

    /// A delivery as it would be rendered now, without claiming it: for previews. What would be withheld at
    /// the last moment is still in it.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn preview(
        &self,
        id: &DeliveryId,
        attachment_limit_bytes: u64,
    ) -> Result<Option<DeliveryJob>, StoreError> {
        let row = self
            .parts
            .db
            .row(
                "SELECT attempt_count, mode, due_at, resend_possible FROM deliveries \
                 WHERE network_id = $1 AND delivery_id = $2",
                args![&self.network, id],
            )
            .await?;
        let Some(row) = row else { return Ok(None) };
        let mut r = row.reader();
        let one = deliveries::Claimed {
            id: id.clone(),
            attempt: r.count()?.max(1),
            mode: r.code(("deliveries", "mode"), DeliveryMode::from_code)?,
            due_at: r.time()?,
            resend_possible: r.bool()?,
        };
        let network = self.network().await?;
        let jobs = job::load(&self.parts, network, std::slice::from_ref(&one), attachment_limit_bytes, false)
            .await?;
        Ok(jobs.into_iter().next())
    }

    /// Ends an attempt that this worker holds; `false` if the lease was lost meanwhile.
    ///
    /// # Errors
    /// If the store does not answer: try again, the lease still stands.
    pub async fn finish_attempt(&self, worker: &str, end: &AttemptEnd) -> Result<bool, StoreError> {
        attempts::finish(&self.parts, &self.network, worker, end).await
    }

    /// Attempts whose worker died become 送達不明 (or due again where the channel deduplicates), and jobs
    /// without a report in time become 送達不明. Returns how many.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn lapse(&self, now: UtcMicros) -> Result<u32, StoreError> {
        attempts::lapse(&self.parts, &self.network, now).await
    }

    /// Posts that a hospital's inbox refused or did not take in the end during the last week, and that were
    /// not planned by FAX for the same hospital since.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn refused_by_hospitals(&self, now: UtcMicros) -> Result<Vec<RefusedPost>, StoreError> {
        hospital::refused(&self.parts.db, &self.network, now).await
    }

    /// FAX jobs whose report is overdue, each with its attempts so far: what [`Self::lapse`] turns into
    /// 送達不明. Bounded; the rest comes with the next call.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn silent_fax_jobs(&self, now: UtcMicros) -> Result<Vec<(DeliveryId, u32)>, StoreError> {
        let rows = self
            .parts
            .db
            .rows(
                "SELECT delivery_id, attempt_count FROM deliveries WHERE network_id = $1 \
                 AND state = 'handed_off' AND channel = 'fax' AND report_by < $2 \
                 ORDER BY report_by, delivery_id LIMIT 500",
                args![&self.network, now],
            )
            .await?;
        rows.iter()
            .map(|row| {
                let mut r = row.reader();
                Ok((r.id()?, r.count()?))
            })
            .collect()
    }

    /// Deliveries whose pages wait for a 表紙 that is still to be ordered, each with its endpoint.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn covers_wanted(
        &self,
        now: UtcMicros,
    ) -> Result<Vec<(DeliveryId, kakehashi_core::directory::Endpoint)>, StoreError> {
        let mut found = Vec::new();
        for (delivery, endpoint) in sheets::covers_wanted(&self.parts.db, &self.network, now).await? {
            if let Some(endpoint) = self.endpoint(&endpoint).await? {
                found.push((delivery, endpoint));
            }
        }
        Ok(found)
    }

    /// FAX numbers without a sign of life since this time (番号確認, care-network.md 6.1).
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn numbers_without_sign(
        &self,
        since: UtcMicros,
    ) -> Result<Vec<kakehashi_core::directory::Endpoint>, StoreError> {
        let mut found = Vec::new();
        for endpoint in sheets::without_sign(&self.parts.db, &self.network, since).await? {
            found.extend(self.endpoint(&endpoint).await?);
        }
        Ok(found)
    }

    /// Which FAX providers are left alone now, and which took this delivery before.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn route_memory(
        &self,
        delivery: &DeliveryId,
        now: UtcMicros,
    ) -> Result<RouteMemory, StoreError> {
        routes::look(&self.parts, &self.network, delivery, now).await
    }

    /// A FAX provider failed; `true` if it is left alone from now on.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn route_fault(&self, route: &str, words: &str, now: UtcMicros) -> Result<bool, StoreError> {
        routes::fault(&self.parts, &self.network, route, words, now).await
    }

    /// A FAX provider took a job of so many pages.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn route_taken(
        &self,
        delivery: &DeliveryId,
        route: &str,
        pages: u32,
        now: UtcMicros,
    ) -> Result<(), StoreError> {
        routes::taken(&self.parts, &self.network, delivery, route, pages, now).await
    }

    /// Most pages of a facility a day, how many left for this delivery's facility since a time, whatever its
    /// numbers, and whether this delivery may not wait.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn page_budget(
        &self,
        delivery: &DeliveryId,
        since: UtcMicros,
    ) -> Result<(u32, u32, bool), StoreError> {
        let row = self
            .parts
            .db
            .row("SELECT pages_a_day FROM paper_settings WHERE network_id = $1", args![&self.network])
            .await?;
        let most =
            row.map_or(Ok(crate::view::PaperSettings::default().pages_a_day), |r| r.reader().count())?;
        let (left, urgent) = routes::load_of_the_day(&self.parts, &self.network, delivery, since).await?;
        Ok((most, left, urgent))
    }

    /// Results that came before their job was known, of jobs that are known by now.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn early_reports(&self) -> Result<Vec<Effect>, StoreError> {
        routes::early_reports(&self.parts, &self.network).await
    }

    /// Gives a claimed delivery back for a later time; nothing was tried.
    ///
    /// # Errors
    /// If the store does not answer; then its lease lapses.
    pub async fn postpone_delivery(
        &self,
        worker: &str,
        delivery: &DeliveryId,
        attempt: u32,
        due_at: UtcMicros,
    ) -> Result<(), StoreError> {
        routes::postpone(&self.parts, &self.network, worker, delivery, attempt, due_at).await
    }

    /// One endpoint.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn endpoint(
        &self,
        id: &kakehashi_core::ids::EndpointId,
    ) -> Result<Option<kakehashi_core::directory::Endpoint>, StoreError> {
        let sql =
            format!("SELECT {ENDPOINT} FROM endpoints e WHERE e.network_id = $1 AND e.endpoint_id = $2");
        let row = self.parts.db.row(sql, args![&self.network, id]).await?;
        row.map(|row| read_endpoint(&mut row.reader())).transpose()
    }

    /// When the next held delivery or report deadline comes.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn next_due(&self) -> Result<Option<UtcMicros>, StoreError> {
        let row = self
            .parts
            .db
            .row(
                "SELECT MIN(at) FROM ( \
                   SELECT MIN(d.due_at) AS at FROM deliveries d \
                     WHERE d.network_id = $1 AND d.state = 'held' AND d.claimed_by IS NULL \
                       AND (d.cover IS NULL OR d.cover IN ('wanted', 'returned')) \
                       AND (d.channel <> 'hl7' OR NOT EXISTS (SELECT 1 FROM deliveries q \
                         WHERE q.network_id = d.network_id AND q.endpoint_id = d.endpoint_id \
                           AND q.channel = 'hl7' AND q.state = 'held' AND q.delivery_id <> d.delivery_id \
                           AND (q.claimed_by IS NOT NULL \
                                OR (q.delivery_id < d.delivery_id AND q.attempt_count > 0)))) \
                   UNION ALL SELECT MIN(lease_until) FROM deliveries \
                     WHERE network_id = $1 AND claimed_by IS NOT NULL \
                   UNION ALL SELECT MIN(until_at) FROM pauses WHERE network_id = $1 AND ended_at IS NULL \
                   UNION ALL SELECT MIN(report_by) FROM deliveries \
                     WHERE network_id = $1 AND state = 'handed_off' AND channel <> 'phone_memo') AS times",
                args![&self.network],
            )
            .await?;
        row.map_or(Ok(None), |row| row.reader().opt_time())
    }

    /// Whether a mail recipient is an intake, group or reply address of this network, or one that every mail server
    /// owes (RFC 5321 4.5.1, RFC 2142): what is written to the postmaster comes to the office. Codes that have
    /// expired or were revoked still are: what they bring is decided, not refused.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn accepts_recipient(
        &self,
        address: &str,
        _now: UtcMicros,
    ) -> Result<RecipientAnswer, StoreError> {
        let network = self.network().await?;
        let folded = address.trim().to_lowercase();
        if folded == "postmaster" {
            return Ok(RecipientAnswer::Ours);
        }
        let Some((local, domain)) = folded.rsplit_once('@') else { return Ok(RecipientAnswer::NotOurs) };
        if domain != network.mail_domain.to_lowercase() {
            return Ok(RecipientAnswer::NotOurs);
        }
        let ours = match local {
            "intake" | "fax" | "postmaster" | "abuse" => true,
            _ => match (local.strip_prefix("reply+"), delivery_of_bounce_address(&folded)) {
                (Some(code), _) => self.knows_code(code).await?,
                (None, Some(delivery)) => self.knows_delivery(&delivery).await?,
                (None, None) => self.knows_group(local).await?,
            },
        };
        Ok(if ours { RecipientAnswer::Ours } else { RecipientAnswer::NotOurs })
    }

    async fn knows_code(&self, text: &str) -> Result<bool, StoreError> {
        let Some(code) = ReplyCode::parse(text) else { return Ok(false) };
        let row = self
            .parts
            .db
            .row(
                "SELECT 1 FROM reply_codes WHERE network_id = $1 AND code = $2",
                args![&self.network, code.as_str()],
            )
            .await?;
        Ok(row.is_some())
    }

    async fn knows_delivery(&self, delivery: &DeliveryId) -> Result<bool, StoreError> {
        let row = self
            .parts
            .db
            .row(
                "SELECT 1 FROM deliveries WHERE network_id = $1 AND delivery_id = $2",
                args![&self.network, delivery],
            )
            .await?;
        Ok(row.is_some())
    }

    async fn knows_group(&self, local: &str) -> Result<bool, StoreError> {
        let row = self
            .parts
            .db
            .row(
                "SELECT 1 FROM patient_groups WHERE network_id = $1 AND address = $2",
                args![&self.network, local],
            )
            .await?;
        Ok(row.is_some())
    }

    /// Raw bytes again, for `replay`.
    ///
    /// # Errors
    /// If the store does not answer or the blob is gone.
    pub async fn raw(&self, id: &IntakeId) -> Result<Option<RawIntake>, StoreError> {
        intakes::raw(&self.parts, &self.network, id).await
    }

    /// Keeps a version of the rules as loaded; the same text again is the same version. Returns its
    /// number.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn record_rules(&self, source: &str, at: UtcMicros) -> Result<i64, StoreError> {
        let hash = ContentHash::of(source.as_bytes());
        let mut tx = self.parts.db.begin().await?;
        let newest = tx
            .row(
                "SELECT version, content_hash FROM rules WHERE network_id = $1 ORDER BY version DESC LIMIT 1",
                args![&self.network],
            )
            .await?;
        let mut version = 0;
        if let Some(row) = newest {
            let mut r = row.reader();
            version = r.int()?;
            if r.text()? == hash.as_str() {
                return Ok(version);
            }
        }
        version += 1;
        let kept = tx
            .run(
                "INSERT INTO rules (network_id, version, content_hash, source, loaded_at) \
                 VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
                args![&self.network, version, &hash, source, at],
            )
            .await?;
        if kept == 0 {
            return Err(StoreError::Conflict { what: "rules were loaded meanwhile" });
        }
        tx.commit().await?;
        Ok(version)
    }

    /// Figures for `/metrics`.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn figures(&self, now: UtcMicros) -> Result<Figures, StoreError> {
        let row = self
            .parts
            .db
            .row(
                "SELECT \
                   (SELECT COUNT(*) FROM intakes WHERE network_id = $1 AND state = 'accepted'), \
                   (SELECT COUNT(*) FROM triage_items WHERE network_id = $1 AND outcome IS NULL), \
                   (SELECT MIN(opened_at) FROM triage_items WHERE network_id = $1 AND outcome IS NULL), \
                   (SELECT COUNT(*) FROM deliveries WHERE network_id = $1 AND state = 'held' \
                      AND claimed_by IS NULL AND due_at <= $2), \
                   (SELECT COUNT(*) FROM deliveries WHERE network_id = $1 \
                      AND state IN ('failed', 'unknown'))",
                args![&self.network, now],
            )
            .await?;
        let Some(row) = row else { return Ok(Figures::default()) };
        let mut r = row.reader();
        Ok(Figures {
            intakes_waiting: r.size()?,
            triage_open: r.size()?,
            triage_oldest_seconds: r
                .opt_time()?
                .map_or(0, |at| u64::try_from(now.seconds_since(at)).unwrap_or(0)),
            deliveries_due: r.size()?,
            deliveries_need_action: r.size()?,
        })
    }
}
