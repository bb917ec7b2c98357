//! Breakers of FAX providers and the way of each job, in the store, so that all processes of a network
//! know them and a restart forgets nothing. The rule of the breaker itself is core's.

use crate::StoreError;
use crate::store::Parts;
use crate::value::args;
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::commit::Effect;
use kakehashi_core::fax_route::{Breaker, RouteMemory};
use kakehashi_core::ids::{DeliveryId, NetworkId};
use kakehashi_core::vocabulary::DeliveryState;

pub(super) async fn look(
    parts: &Parts,
    network: &NetworkId,
    delivery: &DeliveryId,
    now: UtcMicros,
) -> Result<RouteMemory, StoreError> {
    let rows = parts
        .db
        .rows("SELECT route FROM fax_routes WHERE network_id = $1 AND open_until > $2", args![network, now])
        .await?;
    let open = rows.iter().map(crate::row::Row::first_text).collect::<Result<Vec<_>, _>>()?;
    let row = parts
        .db
        .row(
            "SELECT route FROM deliveries WHERE network_id = $1 AND delivery_id = $2",
            args![network, delivery],
        )
        .await?;
    let before = row.map(|r| r.first_text()).transpose()?.filter(|r| !r.is_empty());
    Ok(RouteMemory { open, before })
}

pub(super) async fn fault(
    parts: &Parts,
    network: &NetworkId,
    route: &str,
    words: &str,
    now: UtcMicros,
) -> Result<bool, StoreError> {
    let mut tx = parts.db.begin().await?;
    tx.run(
        "INSERT INTO fax_routes (network_id, route, faults) VALUES ($1, $2, 0) ON CONFLICT DO NOTHING",
        args![network, route],
    )
    .await?;
    let row = tx
        .row(
            "SELECT faults, last_fault_at, open_until FROM fax_routes \
             WHERE network_id = $1 AND route = $2 {for update}",
            args![network, route],
        )
        .await?;
    let mut breaker = Breaker::default();
    if let Some(row) = row {
        let mut r = row.reader();
        breaker = Breaker { faults: r.count()?, last_fault: r.opt_time()?, open_until: r.opt_time()? };
    }
    let opened = breaker.fault(now);
    let words: String = words.chars().take(300).collect();
    tx.run(
        "UPDATE fax_routes SET faults = $3, last_fault_at = $4, open_until = $5, last_detail = $6 \
         WHERE network_id = $1 AND route = $2",
        args![network, route, breaker.faults, breaker.last_fault, breaker.open_until, words],
    )
    .await?;
    tx.commit().await?;
    Ok(opened)
}

pub(super) async fn taken(
    parts: &Parts,
    network: &NetworkId,
    delivery: &DeliveryId,
    route: &str,
    pages: u32,
    now: UtcMicros,
) -> Result<(), StoreError> {
    let mut tx = parts.db.begin().await?;
    tx.run(
        "UPDATE deliveries SET route = $3, pages = $4 WHERE network_id = $1 AND delivery_id = $2",
        args![network, delivery, route, pages],
    )
    .await?;
    tx.run(
        "INSERT INTO fax_routes (network_id, route, faults, last_taken_at) VALUES ($1, $2, 0, $3) \
         ON CONFLICT (network_id, route) DO UPDATE SET last_taken_at = excluded.last_taken_at",
        args![network, route, now],
    )
    .await?;
    tx.commit().await
}

/// Pages that left for a facility since a time, and whether anything of this delivery is urgent.
pub(super) async fn load_of_the_day(
    parts: &Parts,
    network: &NetworkId,
    delivery: &DeliveryId,
    since: UtcMicros,
) -> Result<(u32, bool), StoreError> {
    let row = parts
        .db
        .row(
            "SELECT (SELECT CAST(COALESCE(SUM(o.pages), 0) AS BIGINT) FROM deliveries o \
                 WHERE o.network_id = d.network_id AND o.facility_id = d.facility_id AND o.channel = 'fax' \
                   AND o.delivery_id <> d.delivery_id AND o.created_at >= $4 AND o.state_at >= $3), \
               (SELECT COUNT(*) FROM delivery_items i \
                 JOIN posts t ON t.network_id = i.network_id AND t.post_id = i.post_id \
                 WHERE i.network_id = d.network_id AND i.delivery_id = d.delivery_id \
                   AND t.urgency <> 'normal'), \
               CAST(CASE WHEN d.sheet IS NULL AND d.endpoint_id IS NOT NULL THEN 0 ELSE 1 END AS BIGINT) \
             FROM deliveries d WHERE d.network_id = $1 AND d.delivery_id = $2",
            args![network, delivery, since, since.plus_seconds(-60 * 24 * 3600)],
        )
        .await?;
    let Some(row) = row else { return Ok((0, true)) };
    let mut r = row.reader();
    let (pages, urgent, other) = (r.count()?, r.int()?, r.int()?);
    Ok((pages, urgent > 0 || other > 0))
}

/// Gives a claimed delivery back for a later time; nothing was tried.
pub(super) async fn postpone(
    parts: &Parts,
    network: &NetworkId,
    worker: &str,
    delivery: &DeliveryId,
    attempt: u32,
    due_at: UtcMicros,
) -> Result<(), StoreError> {
    let mut tx = parts.db.begin().await?;
    tx.run(
        "DELETE FROM delivery_attempts WHERE network_id = $1 AND delivery_id = $2 AND attempt = $3 \
         AND worker = $4 AND ended_at IS NULL",
        args![network, delivery, attempt, worker],
    )
    .await?;
    tx.run(
        "UPDATE deliveries SET claimed_by = NULL, lease_until = NULL, attempt_count = attempt_count - 1, \
             due_at = $5, last_detail = $6 \
         WHERE network_id = $1 AND delivery_id = $2 AND claimed_by = $3 AND attempt_count = $4",
        args![network, delivery, worker, attempt, due_at, "一日の枚数の目安を超えたため翌朝に回しました"],
    )
    .await?;
    tx.commit().await
}

/// At most so many in one round.
const EARLY_AT_ONCE: u32 = 100;

pub(super) async fn early_reports(parts: &Parts, network: &NetworkId) -> Result<Vec<Effect>, StoreError> {
    let rows = parts
        .db
        .rows(
            "SELECT r.job, r.route, r.state, r.detail FROM early_reports r \
             JOIN deliveries d ON d.network_id = r.network_id AND d.job = r.job \
             WHERE r.network_id = $1 AND (r.route = '' OR r.route = d.route) LIMIT $2",
            args![network, EARLY_AT_ONCE],
        )
        .await?;
    let mut reports = Vec::with_capacity(rows.len());
    for row in &rows {
        let mut r = row.reader();
        reports.push(Effect::Report {
            job: r.text()?,
            route: Some(r.text()?).filter(|route| !route.is_empty()),
            state: r.code(("early_reports", "state"), DeliveryState::from_code)?,
            detail: r.text()?,
        });
    }
    Ok(reports)
}
