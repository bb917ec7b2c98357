//! Claiming deliveries. In one transaction the rows are claimed, what may not leave any more ends, and
//! an attempt is written for the rest: before anything is sent, so that a worker that dies leaves a
//! trace. Checked at this last moment because consent and groups change while a digest waits
//! (care-network.md 8.10). HL7 interfaces are served in order, one message in flight.

use crate::StoreError;
use crate::apply::receipts::read_receipt_key;
use crate::columns::{consented_by, corresponds, is_member};
use crate::database::Tx;
use crate::store::Parts;
use crate::value::{args, list};
use crate::view::Wake;
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::ids::{DeliveryId, FacilityId, GroupId, NetworkId, PostId};
use kakehashi_core::sheet_order::SheetOrder;
use kakehashi_core::vocabulary::{DeliveryMode, DeliveryState, EndpointState, GroupState};
use std::collections::{HashMap, HashSet};

/// A delivery under our lease.
#[derive(Debug, Clone)]
pub(super) struct Claimed {
    pub(super) id: DeliveryId,
    pub(super) attempt: u32,
    pub(super) mode: DeliveryMode,
    pub(super) due_at: UtcMicros,
    pub(super) resend_possible: bool,
}

/// Nothing stands before delivery `d` in the queue of its interface: none that is being sent, and none
/// that was planned earlier and is due (`$2`) or was tried. Other channels have no queue.
const FIRST_IN_ITS_QUEUE: &str = "(d.channel <> 'hl7' OR NOT EXISTS ( \
    SELECT 1 FROM deliveries q WHERE q.network_id = d.network_id AND q.endpoint_id = d.endpoint_id \
      AND q.channel = 'hl7' AND q.state = 'held' AND q.delivery_id <> d.delivery_id \
      AND (q.claimed_by IS NOT NULL \
           OR (q.delivery_id < d.delivery_id AND (q.attempt_count > 0 OR q.due_at <= $2)))))";

/// The pages wait for no 表紙.
pub(super) const NOT_COVERED: &str = "(d.cover IS NULL OR d.cover = 'returned')";

pub(super) async fn claim(
    parts: &Parts,
    network: &NetworkId,
    worker: &str,
    limit: u32,
    lease_seconds: i64,
    now: UtcMicros,
) -> Result<Vec<Claimed>, StoreError> {
    // A worker that looks often must not take SQLite's writer for nothing.
    let due = parts
        .db
        .row(
            format!(
                "SELECT 1 FROM deliveries d WHERE d.network_id = $1 AND d.state = 'held' \
                 AND d.claimed_by IS NULL AND d.due_at <= $2 AND {NOT_COVERED} AND {FIRST_IN_ITS_QUEUE} LIMIT 1"
            ),
            args![network, now],
        )
        .await?;
    if due.is_none() {
        return Ok(Vec::new());
    }
    let mut tx = parts.db.begin().await?;
    let sql = format!(
        "WITH due AS MATERIALIZED ( \
             SELECT d.delivery_id FROM deliveries d WHERE d.network_id = $1 AND d.state = 'held' \
               AND d.claimed_by IS NULL AND d.due_at <= $2 AND {NOT_COVERED} AND {FIRST_IN_ITS_QUEUE} \
             ORDER BY d.due_at, d.delivery_id LIMIT $5 {{skip locked}}) \
         UPDATE deliveries SET claimed_by = $3, lease_until = $4, attempt_count = attempt_count + 1, \
             untouched_acknowledges = CASE WHEN attempt_count > 0 THEN untouched_acknowledges ELSE \
                 EXISTS (SELECT 1 FROM paper_settings s WHERE s.network_id = $1 \
                     AND s.untouched_acknowledges = $6) END \
         WHERE network_id = $1 AND delivery_id IN (SELECT delivery_id FROM due) \
         RETURNING delivery_id, attempt_count, mode, due_at, resend_possible"
    );
    let rows =
        tx.rows(sql, args![network, now, worker, now.plus_seconds(lease_seconds), limit, true]).await?;
    let mut claimed = Vec::with_capacity(rows.len());
    for row in &rows {
        let mut r = row.reader();
        claimed.push(Claimed {
            id: r.id()?,
            attempt: r.count()?,
            mode: r.code(("deliveries", "mode"), DeliveryMode::from_code)?,
            due_at: r.time()?,
            resend_possible: r.bool()?,
        });
    }
    // RETURNING comes in no order.
    claimed.sort_by(|a, b| (a.due_at, &a.id).cmp(&(b.due_at, &b.id)));
    let groups = withhold(&mut tx, network, &mut claimed, now).await?;
    for one in &claimed {
        tx.run(
            "INSERT INTO delivery_attempts (network_id, delivery_id, attempt, worker, started_at) \
             VALUES ($1, $2, $3, $4, $5)",
            args![network, &one.id, one.attempt, worker, now],
        )
        .await?;
    }
    tx.commit().await?;
    for group in groups {
        parts.wakes.wake(Wake::Group(group));
    }
    Ok(claimed)
}

/// Ends or shortens what may not leave any more; returns the groups where that shows.
async fn withhold(
    tx: &mut Tx,
    network: &NetworkId,
    claimed: &mut Vec<Claimed>,
    now: UtcMicros,
) -> Result<HashSet<GroupId>, StoreError> {
    let sql = format!(
        "SELECT i.delivery_id, i.post_id, g.group_id, g.state, e.state, ({} OR {}), {}, \
             i.receipt_of FROM delivery_items i \
         JOIN posts t ON t.network_id = i.network_id AND t.post_id = i.post_id \
         JOIN patient_groups g ON g.network_id = t.network_id AND g.group_id = t.group_id \
         JOIN endpoints e ON e.network_id = i.network_id AND e.endpoint_id = i.endpoint_id \
         WHERE i.network_id = $1 AND i.delivery_id {{in $2}} AND i.dropped_at IS NULL",
        is_member("e.facility_id", "$3"),
        corresponds("e.facility_id"),
        consented_by("e.facility_id", "e.channel", "$3")
    );
    let rows = tx.rows(sql, args![network, list(claimed.iter().map(|c| &c.id)), now]).await?;
    let mut items: HashMap<DeliveryId, Vec<Item>> = HashMap::new();
    for row in &rows {
        let mut r = row.reader();
        let delivery: DeliveryId = r.id()?;
        let (post, group) = (r.id()?, r.id()?);
        let group_state = r.code(("patient_groups", "state"), GroupState::from_code)?;
        let endpoint_state = r.code(("endpoints", "state"), EndpointState::from_code)?;
        let (member, consented) = (r.bool()?, r.bool()?);
        let stands = match read_receipt_key(&r.text()?) {
            Some((facility, given)) => is_acknowledged(tx, network, &post, &facility, given).await?,
            None => true,
        };
        let may_leave = group_state == GroupState::Open && member && consented && stands;
        items.entry(delivery).or_default().push(Item { post, group, endpoint_state, may_leave });
    }
    let mut groups = HashSet::new();
    let mut stays = Vec::with_capacity(claimed.len());
    for one in claimed.drain(..) {
        // A notice has no items and no content; a handshake has none about any patient.
        let Some(items) = items.get(&one.id) else {
            match sheet_may_leave(tx, network, &one.id).await? {
                None => stays.push(one),
                Some(detail) => end_unsent(tx, network, &one.id, DeliveryState::Failed, detail, now).await?,
            }
            continue;
        };
        let endpoint = items.first().map(|i| i.endpoint_state);
        let end = if items.iter().all(|i| !i.may_leave) {
            Some((DeliveryState::Recalled, "グループの停止・同意の範囲外・了解の取下げのため取消"))
        } else {
            match endpoint {
                Some(EndpointState::Suspended) => Some((DeliveryState::Failed, "宛先は停止中です")),
                Some(EndpointState::Unverified) => Some((DeliveryState::Failed, "宛先は未確認です")),
                Some(EndpointState::Verified | EndpointState::Stale) | None => None,
            }
        };
        if let Some((state, detail)) = end {
            end_unsent(tx, network, &one.id, state, detail, now).await?;
            if state == DeliveryState::Recalled {
                revoke(tx, network, &one.id, None, now).await?;
            }
            groups.extend(items.iter().map(|i| i.group.clone()));
            continue;
        }
        for item in items.iter().filter(|i| !i.may_leave) {
            tx.run(
                "UPDATE delivery_items SET dropped_at = $4 \
                 WHERE network_id = $1 AND delivery_id = $2 AND post_id = $3",
                args![network, &one.id, &item.post, now],
            )
            .await?;
            revoke(tx, network, &one.id, Some(&item.post), now).await?;
            groups.insert(item.group.clone());
        }
        stays.push(one);
    }
    *claimed = stays;
    Ok(groups)
}

/// Ends a claim before anything was sent.
async fn end_unsent(
    tx: &mut Tx,
    network: &NetworkId,
    delivery: &DeliveryId,
    state: DeliveryState,
    detail: &str,
    now: UtcMicros,
) -> Result<(), StoreError> {
    tx.run(
        "UPDATE deliveries SET state = $3, state_at = $4, last_detail = $5, claimed_by = NULL, \
             lease_until = NULL, attempt_count = attempt_count - 1 \
         WHERE network_id = $1 AND delivery_id = $2",
        args![network, delivery, state.code(), now, detail],
    )
    .await
    .map(|_| ())
}

/// Why a sheet without items may not leave, if so: only a 番号確認票 goes to a number that is not verified.
async fn sheet_may_leave(
    tx: &mut Tx,
    network: &NetworkId,
    delivery: &DeliveryId,
) -> Result<Option<&'static str>, StoreError> {
    let row = tx
        .row(
            "SELECT d.sheet, e.state FROM deliveries d \
             JOIN endpoints e ON e.network_id = d.network_id AND e.endpoint_id = d.endpoint_id \
             WHERE d.network_id = $1 AND d.delivery_id = $2 AND d.sheet IS NOT NULL",
            args![network, delivery],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let mut r = row.reader();
    let order: SheetOrder = r.json(("deliveries", "sheet"))?;
    Ok(match r.code(("endpoints", "state"), EndpointState::from_code)? {
        EndpointState::Suspended => Some("宛先は停止中です"),
        EndpointState::Unverified if !order.may_go_unverified() => Some("宛先は未確認です"),
        EndpointState::Verified | EndpointState::Stale | EndpointState::Unverified => None,
    })
}

/// Whether a 了解 still stands; its giver may have taken it back while it waited.
async fn is_acknowledged(
    tx: &mut Tx,
    network: &NetworkId,
    post: &PostId,
    facility: &FacilityId,
    given: UtcMicros,
) -> Result<bool, StoreError> {
    let row = tx
        .row(
            "SELECT 1 FROM acknowledgements WHERE network_id = $1 AND post_id = $2 AND facility_id = $3 \
             AND acknowledged_at = $4 AND withdrawn_at IS NULL LIMIT 1",
            args![network, post, facility, given],
        )
        .await?;
    Ok(row.is_some())
}

struct Item {
    post: PostId,
    group: GroupId,
    endpoint_state: EndpointState,
    may_leave: bool,
}

/// Codes of what never left act no more.
async fn revoke(
    tx: &mut Tx,
    network: &NetworkId,
    delivery: &DeliveryId,
    post: Option<&PostId>,
    now: UtcMicros,
) -> Result<(), StoreError> {
    tx.run(
        "UPDATE reply_codes SET revoked_at = $4 WHERE network_id = $1 AND delivery_id = $2 \
         AND (CAST($3 AS TEXT) IS NULL OR post_id = $3) AND revoked_at IS NULL",
        args![network, delivery, post.map(PostId::as_str), now],
    )
    .await
    .map(|_| ())
}

/// Takes claims back whose content could not be loaded: nothing has left.
pub(super) async fn unclaim(
    parts: &Parts,
    network: &NetworkId,
    worker: &str,
    claimed: &[Claimed],
) -> Result<(), StoreError> {
    let mut tx = parts.db.begin().await?;
    for one in claimed {
        tx.run(
            "DELETE FROM delivery_attempts WHERE network_id = $1 AND delivery_id = $2 AND attempt = $3 \
             AND worker = $4 AND ended_at IS NULL",
            args![network, &one.id, one.attempt, worker],
        )
        .await?;
        tx.run(
            "UPDATE deliveries SET claimed_by = NULL, lease_until = NULL, attempt_count = attempt_count - 1 \
             WHERE network_id = $1 AND delivery_id = $2 AND claimed_by = $3 AND attempt_count = $4",
            args![network, &one.id, worker, one.attempt],
        )
        .await?;
    }
    tx.commit().await
}
