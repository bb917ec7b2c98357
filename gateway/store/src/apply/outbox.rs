//! Deliveries as effects change them: planned, joined to an open digest, reported on, retried, recalled,
//! called. Every change of state is one that core's table of a delivery's life allows and is tested
//! again in WHERE, so of two at once one wins.

use super::{Applied, Applying};
use crate::StoreError;
use crate::row::json_text;
use crate::value::args;
use crate::view::Wake;
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::commit::{Actor, DeliveryChange, NewDelivery, OnlyIf, SuspendReason};
use kakehashi_core::decision::Notice;
use kakehashi_core::delivery::{self, Event};
use kakehashi_core::directory::EndpointSettings;
use kakehashi_core::fax_cause::{self, FaxCause};
use kakehashi_core::ids::{DeliveryId, EndpointId, FacilityId, PostId};
use kakehashi_core::job::delivery_of_message_id;
use kakehashi_core::reply_code::ReplyCode;
use kakehashi_core::vocabulary::{Channel, DeliveryMode, DeliveryState};

/// The gateway says the same notice to one address once within this time.
const NOTICE_ONCE_SECONDS: i64 = 24 * 3600;

/// How long a result waits for its job.
const EARLY_KEPT_SECONDS: i64 = 24 * 3600;

/// Stands where an item of a 了解 names it: the call about a post, beside the post itself.
const CALL: &str = "call";
/// Versions of one post that are looked through.
const MOST_VERSIONS: u32 = 50;

/// A delivery found for a change.
struct Found {
    id: DeliveryId,
    channel: Channel,
    state: DeliveryState,
    claimed: bool,
    resend_possible: bool,
    attempt_count: u32,
    endpoint: Option<EndpointId>,
    route: String,
}

const FOUND: &str = "SELECT delivery_id, channel, state, claimed_by, resend_possible, attempt_count, \
    endpoint_id, route FROM deliveries";

impl Applying<'_> {
    pub(super) async fn deliver(&mut self, d: &NewDelivery) -> Result<Applied, StoreError> {
        match d.only_if {
            OnlyIf::Always => {}
            OnlyIf::TopicConcernsIt if self.topic_concerns(d).await? => {}
            OnlyIf::TopicConcernsIt => return Ok(Applied::Repeated),
            // Beside the same post for the machine.
            OnlyIf::TookCorrected if self.took_corrected(d).await? => {
                return self.deliver_item(d, CALL).await;
            }
            OnlyIf::TookCorrected => return Ok(Applied::Repeated),
        }
        self.deliver_item(d, "").await
    }

    /// Whether the facility has, or may have, what this post corrects, or what that corrected.
    async fn took_corrected(&mut self, d: &NewDelivery) -> Result<bool, StoreError> {
        let mut post = d.post_id.clone();
        for _ in 0..MOST_VERSIONS {
            let row = self
                .tx
                .row(
                    "SELECT corrects FROM posts WHERE network_id = $1 AND post_id = $2",
                    args![self.network, &post],
                )
                .await?;
            let Some(corrected) = row.map(|row| row.reader().opt_id()).transpose()?.flatten() else { break };
            let taken = self
                .tx
                .row(
                    "SELECT 1 FROM delivery_items i \
                     JOIN deliveries d ON d.network_id = i.network_id AND d.delivery_id = i.delivery_id \
                     WHERE i.network_id = $1 AND i.post_id = $2 AND d.facility_id = $3 AND i.receipt_of = '' \
                       AND i.dropped_at IS NULL AND d.state IN ('handed_off', 'delivered', 'unknown')",
                    args![self.network, &corrected, &d.facility_id],
                )
                .await?;
            if taken.is_some() {
                return Ok(true);
            }
            post = corrected;
        }
        Ok(false)
    }

    /// Whether the post's topic was written by the delivery's facility or addressed to it.
    async fn topic_concerns(&mut self, d: &NewDelivery) -> Result<bool, StoreError> {
        let row = self
            .tx
            .row(
                "SELECT 1 FROM posts t JOIN posts o ON o.network_id = t.network_id AND o.post_id = t.topic_id \
                 WHERE t.network_id = $1 AND t.post_id = $2 AND (o.facility_id = $3 OR EXISTS ( \
                     SELECT 1 FROM post_addressees a WHERE a.network_id = o.network_id \
                       AND a.post_id = o.post_id AND a.facility_id = $3))",
                args![self.network, &d.post_id, &d.facility_id],
            )
            .await?;
        Ok(row.is_some())
    }

    /// Plans one item. `receipt_of` is empty for the post itself, else names a 了解 to it.
    pub(super) async fn deliver_item(
        &mut self,
        d: &NewDelivery,
        receipt_of: &str,
    ) -> Result<Applied, StoreError> {
        let n = self.network;
        let paged = self
            .tx
            .row(
                "SELECT 1 FROM delivery_items WHERE network_id = $1 AND post_id = $2 AND endpoint_id = $3 \
                 AND receipt_of = $4",
                args![n, &d.post_id, &d.endpoint_id, receipt_of],
            )
            .await?;
        if paged.is_some() {
            return Ok(Applied::Repeated);
        }
        let delivery = match d.mode {
            DeliveryMode::Instant => self.open_delivery(d).await?,
            DeliveryMode::Digest => self.digest(d).await?,
        };
        let joined = self
            .tx
            .run(
                "INSERT INTO delivery_items \
                     (network_id, delivery_id, position, endpoint_id, post_id, code, receipt_of) \
                 SELECT $1, $2, COALESCE(MAX(i.position) + 1, 0), $3, $4, $5, $6 FROM delivery_items i \
                 WHERE i.network_id = $1 AND i.delivery_id = $2 \
                 ON CONFLICT DO NOTHING",
                args![n, &delivery, &d.endpoint_id, &d.post_id, d.item_code.as_str(), receipt_of],
            )
            .await?;
        if joined == 0 {
            return Err(StoreError::Conflict { what: "the post went to this endpoint meanwhile" });
        }
        self.code(&d.item_code, &delivery, true, d).await?;
        self.wake(Wake::Delivery);
        Ok(Applied::Changed)
    }

    /// The open digest of this endpoint and time, made if there is none. On PostgreSQL the row stays
    /// locked until the commit, so that it is not claimed while an item joins it.
    async fn digest(&mut self, d: &NewDelivery) -> Result<DeliveryId, StoreError> {
        for _ in 0..3 {
            let open = self
                .tx
                .row(
                    "SELECT delivery_id FROM deliveries WHERE network_id = $1 AND endpoint_id = $2 \
                     AND due_at = $3 AND mode = 'digest' AND state = 'held' AND attempt_count = 0 {for update}",
                    args![self.network, &d.endpoint_id, d.due_at],
                )
                .await?;
            if let Some(row) = open {
                return row.reader().id();
            }
            if self.insert_delivery(d).await? > 0 {
                self.code(&d.delivery_code, &d.id, false, d).await?;
                return Ok(d.id.clone());
            }
        }
        Err(StoreError::Conflict { what: "the digest was claimed meanwhile" })
    }

    async fn open_delivery(&mut self, d: &NewDelivery) -> Result<DeliveryId, StoreError> {
        if self.insert_delivery(d).await? == 0 {
            return Err(StoreError::Conflict { what: "the key of a delivery is taken" });
        }
        self.code(&d.delivery_code, &d.id, false, d).await?;
        Ok(d.id.clone())
    }

    /// Whether the pages wait for a 表紙: the endpoint wants it so, or its number has gone stale.
    async fn cover(&mut self, d: &NewDelivery) -> Result<Option<&'static str>, StoreError> {
        if d.channel != Channel::Fax {
            return Ok(None);
        }
        let row = self
            .tx
            .row(
                "SELECT state, settings FROM endpoints WHERE network_id = $1 AND endpoint_id = $2",
                args![self.network, &d.endpoint_id],
            )
            .await?;
        let Some(row) = row else { return Ok(None) };
        let mut r = row.reader();
        let state = r.text()?;
        let settings: EndpointSettings = r.json(("endpoints", "settings"))?;
        Ok((state == "stale" || settings.cover_first).then_some("wanted"))
    }

    async fn insert_delivery(&mut self, d: &NewDelivery) -> Result<u64, StoreError> {
        let cover = self.cover(d).await?;
        self.tx
            .run(
                "INSERT INTO deliveries (network_id, delivery_id, endpoint_id, facility_id, channel, mode, \
                     state, due_at, state_at, created_at, resend_possible, attempt_count, code, \
                     code_expires_at, cover) \
                 VALUES ($1, $2, $3, $4, $5, $6, 'held', $7, $8, $8, $9, 0, $10, $11, $12) \
                 ON CONFLICT DO NOTHING",
                args![
                    self.network,
                    &d.id,
                    &d.endpoint_id,
                    &d.facility_id,
                    d.channel.code(),
                    d.mode.code(),
                    d.due_at,
                    self.commit.at,
                    false,
                    d.delivery_code.as_str(),
                    d.code_expires_at,
                    cover,
                ],
            )
            .await
    }

    async fn code(
        &mut self,
        code: &ReplyCode,
        delivery: &DeliveryId,
        of_item: bool,
        d: &NewDelivery,
    ) -> Result<(), StoreError> {
        let post = of_item.then_some(&d.post_id);
        self.reply_code(code, delivery, post, &d.facility_id, &d.endpoint_id, d.code_expires_at).await
    }

    /// A code that answers a delivery, or one post in it.
    pub(super) async fn reply_code(
        &mut self,
        code: &ReplyCode,
        delivery: &DeliveryId,
        post: Option<&PostId>,
        facility: &FacilityId,
        endpoint: &EndpointId,
        expires_at: UtcMicros,
    ) -> Result<(), StoreError> {
        let made = self
            .tx
            .run(
                "INSERT INTO reply_codes (network_id, code, delivery_id, post_id, facility_id, endpoint_id, \
                     expires_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
                args![
                    self.network,
                    code.as_str(),
                    delivery,
                    post.map(PostId::as_str),
                    facility,
                    endpoint,
                    expires_at,
                ],
            )
            .await?;
        // One chance in 35 million million per code; the caller draws others.
        if made == 0 { Err(StoreError::Conflict { what: "a reply code is taken" }) } else { Ok(()) }
    }

    pub(super) async fn notify(
        &mut self,
        id: &DeliveryId,
        notice: Notice,
        channel: Channel,
        address: &str,
    ) -> Result<Applied, StoreError> {
        // Whatever answers our notice gets none for it: a loop ends after its first turn. What a person
        // sends by hand always goes.
        if self.commit.actor == Actor::Gateway {
            let day_ago = DeliveryId::fresh(self.at().plus_seconds(-NOTICE_ONCE_SECONDS), 0);
            let told = self
                .tx
                .row(
                    "SELECT 1 FROM deliveries WHERE network_id = $1 AND delivery_id >= $2 AND notice = $3 \
                     AND address = $4 AND channel = $5 LIMIT 1",
                    args![self.network, &day_ago, json_text(&notice)?, address, channel.code()],
                )
                .await?;
            if told.is_some() {
                return Ok(Applied::Repeated);
            }
        }
        let planned = self
            .tx
            .run(
                "INSERT INTO deliveries (network_id, delivery_id, channel, notice, address, mode, state, \
                     due_at, state_at, created_at, resend_possible, attempt_count) \
                 VALUES ($1, $2, $3, $4, $5, 'instant', 'held', $6, $6, $6, $7, 0) \
                 ON CONFLICT (network_id, delivery_id) DO NOTHING",
                args![self.network, id, channel.code(), json_text(&notice)?, address, self.at(), false],
            )
            .await?;
        self.wake(Wake::Delivery);
        Ok(Applied::of(planned))
    }

    pub(super) async fn report(
        &mut self,
        job: &str,
        route: Option<&str>,
        told: DeliveryState,
        detail: &str,
    ) -> Result<Applied, StoreError> {
        let event = match told {
            DeliveryState::Delivered => Event::ReportDelivered,
            DeliveryState::Failed => Event::ReportFailed,
            DeliveryState::Unknown => Event::TimedOut,
            // 「まだ試しています」: nothing is different.
            DeliveryState::Held | DeliveryState::HandedOff | DeliveryState::Recalled => {
                return Ok(Applied::Repeated);
            }
        };
        let Some(found) = self.of_job(job, route).await? else {
            return self.keep_early(job, route, told, detail).await;
        };
        self.tx
            .run(
                "DELETE FROM early_reports WHERE network_id = $1 AND job = $2 AND route = $3",
                args![self.network, job, route.unwrap_or_default()],
            )
            .await?;
        let Ok(next) = delivery::next(found.state, event) else { return Ok(Applied::Repeated) };
        if next == found.state {
            return Ok(Applied::Repeated);
        }
        if found.channel == Channel::Fax && found.state == DeliveryState::HandedOff {
            self.provider_spoke(&found.route).await?;
        }
        if found.channel == Channel::Fax && next == DeliveryState::Failed {
            return self.fax_failed(&found, detail).await;
        }
        self.move_to(&found, next, found.resend_possible, detail).await
    }

    /// Any report says that the provider lives: its breaker closes.
    async fn provider_spoke(&mut self, route: &str) -> Result<(), StoreError> {
        self.tx
            .run(
                "UPDATE fax_routes SET faults = 0, open_until = NULL WHERE network_id = $1 AND route = $2",
                args![self.network, route],
            )
            .await
            .map(|_| ())
    }

    /// 不達 of a FAX: each cause has its own plan. A number that nobody has is stopped.
    async fn fax_failed(&mut self, found: &Found, detail: &str) -> Result<Applied, StoreError> {
        let cause = fax_cause::cause(detail);
        if cause == FaxCause::WrongNumber
            && let Some(endpoint) = &found.endpoint
        {
            let moved = self.move_to(found, DeliveryState::Failed, found.resend_possible, detail).await?;
            self.suspend(endpoint, SuspendReason::NotInUse).await?;
            return Ok(moved);
        }
        let again =
            cause.again_after(found.attempt_count).filter(|_| found.state == DeliveryState::HandedOff);
        let Some(seconds) = again else {
            return self.move_to(found, DeliveryState::Failed, found.resend_possible, detail).await;
        };
        let resend = found.resend_possible || cause.may_have_printed();
        self.move_to(found, DeliveryState::Held, resend, detail).await?;
        let due_at = self.at().plus_seconds(seconds);
        self.tx
            .run(
                "UPDATE deliveries SET due_at = $3 WHERE network_id = $1 AND delivery_id = $2",
                args![self.network, &found.id, due_at],
            )
            .await?;
        Ok(Applied::Changed)
    }

    /// A result that was faster than the end of our own attempt: it is told again when its job is known. The
    /// deliverer looks for such ones in every round.
    async fn keep_early(
        &mut self,
        job: &str,
        route: Option<&str>,
        told: DeliveryState,
        detail: &str,
    ) -> Result<Applied, StoreError> {
        let (n, at) = (self.network, self.at());
        self.tx
            .run(
                "DELETE FROM early_reports WHERE network_id = $1 AND received_at < $2",
                args![n, at.plus_seconds(-EARLY_KEPT_SECONDS)],
            )
            .await?;
        self.tx
            .run(
                "INSERT INTO early_reports (network_id, job, route, state, detail, received_at) \
                 VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (network_id, job, route) DO UPDATE SET \
                 state = excluded.state, detail = excluded.detail, received_at = excluded.received_at",
                args![n, job, route.unwrap_or_default(), told.code(), detail, at],
            )
            .await?;
        self.wake(Wake::Delivery);
        Ok(Applied::Repeated)
    }

    /// A job as the provider or we named it, or the Message-ID of a mail of ours. A provider that is known by
    /// its signature has its own jobs only.
    async fn of_job(&mut self, job: &str, route: Option<&str>) -> Result<Option<Found>, StoreError> {
        let sql = format!(
            "{FOUND} WHERE network_id = $1 AND job = $2 AND ($3 = '' OR route = $3) \
             ORDER BY delivery_id DESC LIMIT 1 {{for update}}"
        );
        let row = self.tx.row(sql, args![self.network, job, route.unwrap_or_default()]).await?;
        if let Some(row) = row {
            return found(&row).map(Some);
        }
        if route.is_some() {
            return Ok(None);
        }
        let Some(id) = delivery_of_message_id(job) else { return Ok(None) };
        self.by_id(&id).await
    }

    async fn by_id(&mut self, id: &DeliveryId) -> Result<Option<Found>, StoreError> {
        let sql = format!("{FOUND} WHERE network_id = $1 AND delivery_id = $2 {{for update}}");
        self.tx.row(sql, args![self.network, id]).await?.map(|row| found(&row)).transpose()
    }

    pub(super) async fn change_delivery(
        &mut self,
        id: &DeliveryId,
        change: &DeliveryChange,
    ) -> Result<Applied, StoreError> {
        let found = self.by_id(id).await?;
        let found = found.ok_or(StoreError::Conflict { what: "there is no such delivery" })?;
        let (event, detail) = match change {
            DeliveryChange::Retry => (Event::Retry, String::new()),
            DeliveryChange::Recall => (Event::Recalled, String::new()),
            // Of a phone task the caller's word is the report.
            DeliveryChange::Called { listener } if found.channel == Channel::PhoneMemo => {
                (Event::ReportDelivered, listener.clone())
            }
            DeliveryChange::Called { listener } => (Event::Called, listener.clone()),
        };
        if found.claimed {
            return Err(StoreError::Conflict { what: "the delivery is being sent at this moment" });
        }
        let next = delivery::next(found.state, event).map_err(|_| StoreError::Conflict {
            what: "the delivery's state does not allow this any more",
        })?;
        let resend = found.resend_possible || delivery::may_have_arrived(found.state, event);
        self.move_to(&found, next, resend, &detail).await
    }

    async fn move_to(
        &mut self,
        found: &Found,
        next: DeliveryState,
        resend_possible: bool,
        detail: &str,
    ) -> Result<Applied, StoreError> {
        let n = self.network;
        let at = self.at();
        let due_now = (next == DeliveryState::Held).then_some(at);
        let moved = self
            .tx
            .run(
                "UPDATE deliveries SET state = $4, state_at = $5, due_at = COALESCE($6, due_at), \
                     resend_possible = $7, last_detail = CASE WHEN $8 = '' THEN last_detail ELSE $8 END, \
                     claimed_by = NULL, lease_until = NULL, report_by = NULL \
                 WHERE network_id = $1 AND delivery_id = $2 AND state = $3",
                args![n, &found.id, found.state.code(), next.code(), at, due_now, resend_possible, detail,],
            )
            .await?;
        if moved == 0 {
            return Err(StoreError::Conflict { what: "the delivery changed meanwhile" });
        }
        if next == DeliveryState::Recalled {
            // It never left, so its codes can only be guessed.
            self.tx
                .run(
                    "UPDATE reply_codes SET revoked_at = $3 \
                     WHERE network_id = $1 AND delivery_id = $2 AND revoked_at IS NULL",
                    args![n, &found.id, at],
                )
                .await?;
        }
        let groups = self
            .tx
            .rows(
                "SELECT DISTINCT t.group_id FROM delivery_items i \
                 JOIN posts t ON t.network_id = i.network_id AND t.post_id = i.post_id \
                 WHERE i.network_id = $1 AND i.delivery_id = $2",
                args![n, &found.id],
            )
            .await?;
        for row in &groups {
            self.wake_group(row.reader().id()?);
        }
        self.wake(Wake::Delivery);
        Ok(Applied::Changed)
    }
}

fn found(row: &crate::row::Row) -> Result<Found, StoreError> {
    let mut r = row.reader();
    Ok(Found {
        id: r.id()?,
        channel: r.code(("deliveries", "channel"), Channel::from_code)?,
        state: r.code(("deliveries", "state"), DeliveryState::from_code)?,
        claimed: r.opt_text()?.is_some(),
        resend_possible: r.bool()?,
        attempt_count: r.count()?,
        endpoint: r.opt_id()?,
        route: r.text()?,
    })
}
