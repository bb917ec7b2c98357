//! How attempts end: by their worker, or by time. Only the worker that holds the lease ends an attempt;
//! what a dead worker left may have arrived and becomes 送達不明 on paper and mail, because those cannot
//! tell a copy from a second message (care-network.md section 7).

use crate::StoreError;
use crate::row::Row;
use crate::store::Parts;
use crate::value::{args, list};
use crate::view::Wake;
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::commit::AttemptEnd;
use kakehashi_core::ids::{DeliveryId, NetworkId};
use kakehashi_core::port::Outcome;
use kakehashi_core::vocabulary::{Channel, DeliveryState};

/// How an outcome stands in the attempt's row.
fn described(outcome: &Outcome) -> (&'static str, String) {
    match outcome {
        Outcome::Delivered(evidence) => ("delivered", evidence.clone()),
        Outcome::HandedOff { job, .. } => ("handed_off", job.clone()),
        Outcome::RetryAfter { cause, .. } => ("retry", cause.to_string()),
        Outcome::Failed(cause) => ("failed", cause.to_string()),
        Outcome::Unknown(cause) => ("unknown", cause.to_string()),
    }
}

pub(super) async fn finish(
    parts: &Parts,
    network: &NetworkId,
    worker: &str,
    end: &AttemptEnd,
) -> Result<bool, StoreError> {
    let (outcome, detail) = described(&end.outcome);
    let (job, report_by) = match &end.outcome {
        Outcome::HandedOff { job, report_within_seconds } => {
            (Some(job.clone()), Some(end.at.plus_seconds(*report_within_seconds)))
        }
        _ => (None, None),
    };
    // What may have arrived is marked when it goes out again; a person's retry marks it by itself.
    let may_have_arrived =
        matches!(end.outcome, Outcome::Unknown(_)) && end.next_state == DeliveryState::Held;
    let due_at = if end.next_state == DeliveryState::Held { end.next_due_at } else { None };
    let mut tx = parts.db.begin().await?;
    let held = tx
        .run(
            "UPDATE deliveries SET state = $5, state_at = $6, due_at = COALESCE($7, due_at), \
                 job = COALESCE($8, job), report_by = $9, last_detail = $10, \
                 resend_possible = (resend_possible OR $11), claimed_by = NULL, lease_until = NULL \
             WHERE network_id = $1 AND delivery_id = $2 AND claimed_by = $3 AND attempt_count = $4",
            args![
                network,
                &end.delivery_id,
                worker,
                end.attempt,
                end.next_state.code(),
                end.at,
                due_at,
                job,
                report_by,
                &detail,
                may_have_arrived,
            ],
        )
        .await?;
    if held == 0 {
        return Ok(false);
    }
    tx.run(
        "UPDATE delivery_attempts SET ended_at = $4, outcome = $5, detail = $6 \
         WHERE network_id = $1 AND delivery_id = $2 AND attempt = $3",
        args![network, &end.delivery_id, end.attempt, end.at, outcome, &detail],
    )
    .await?;
    if matches!(end.outcome, Outcome::HandedOff { .. } | Outcome::Delivered(_)) {
        // The receipts that it carried are told; one that was made meanwhile waits for the next.
        tx.run(
            "UPDATE endpoint_notes SET delivery_id = $2 WHERE network_id = $1 AND delivery_id IS NULL \
             AND endpoint_id = (SELECT endpoint_id FROM deliveries WHERE network_id = $1 \
                 AND delivery_id = $2 AND sheet IS NULL AND channel IN ('fax', 'email')) \
             AND made_at <= (SELECT started_at FROM delivery_attempts WHERE network_id = $1 \
                 AND delivery_id = $2 AND attempt = $3)",
            args![network, &end.delivery_id, end.attempt],
        )
        .await?;
    }
    tx.commit().await?;
    wake(parts, network, std::slice::from_ref(&end.delivery_id)).await?;
    Ok(true)
}

pub(super) async fn lapse(parts: &Parts, network: &NetworkId, now: UtcMicros) -> Result<u32, StoreError> {
    let overdue = parts
        .db
        .row(
            "SELECT 1 FROM deliveries WHERE network_id = $1 AND claimed_by IS NOT NULL AND lease_until < $2 \
             UNION ALL SELECT 1 FROM deliveries WHERE network_id = $1 AND state = 'handed_off' \
               AND channel <> 'phone_memo' AND report_by < $2 LIMIT 1",
            args![network, now],
        )
        .await?;
    if overdue.is_none() {
        return Ok(0);
    }
    let mut tx = parts.db.begin().await?;
    // FAX and mail: the copy could be a second page. Everything else is recognised at the far side, or
    // is a call that nobody has made.
    let lost = tx
        .rows(
            "UPDATE deliveries SET \
                 state = CASE WHEN channel IN ('fax', 'email') THEN 'unknown' ELSE 'held' END, \
                 resend_possible = (resend_possible OR channel NOT IN ('fax', 'email', 'phone_memo')), \
                 state_at = $2, due_at = CASE WHEN channel IN ('fax', 'email') THEN due_at ELSE $2 END, \
                 last_detail = $3, claimed_by = NULL, lease_until = NULL \
             WHERE network_id = $1 AND claimed_by IS NOT NULL AND lease_until < $2 \
             RETURNING delivery_id, channel, attempt_count",
            args![network, now, "送信中に中断しました"],
        )
        .await?;
    for row in &lost {
        let mut r = row.reader();
        let id: DeliveryId = r.id()?;
        let channel = r.code(("deliveries", "channel"), Channel::from_code)?;
        let outcome = if matches!(channel, Channel::Fax | Channel::Email) { "unknown" } else { "lapsed" };
        tx.run(
            "UPDATE delivery_attempts SET ended_at = $4, outcome = $5 \
             WHERE network_id = $1 AND delivery_id = $2 AND attempt = $3 AND ended_at IS NULL",
            args![network, &id, r.int()?, now, outcome],
        )
        .await?;
    }
    let silent = tx
        .rows(
            "UPDATE deliveries SET state = 'unknown', state_at = $2, report_by = NULL, last_detail = $3 \
             WHERE network_id = $1 AND state = 'handed_off' AND channel <> 'phone_memo' AND report_by < $2 \
             RETURNING delivery_id",
            args![network, now, "期限までに結果の通知がありません"],
        )
        .await?;
    tx.commit().await?;
    let ids: Vec<DeliveryId> = lost.iter().chain(&silent).map(id).collect::<Result<_, _>>()?;
    wake(parts, network, &ids).await?;
    Ok(u32::try_from(ids.len()).unwrap_or(u32::MAX))
}

fn id(row: &Row) -> Result<DeliveryId, StoreError> {
    row.reader().id()
}

/// Whoever looks at a timeline sees the state of its deliveries.
async fn wake(parts: &Parts, network: &NetworkId, deliveries: &[DeliveryId]) -> Result<(), StoreError> {
    let groups = parts
        .db
        .rows(
            "SELECT DISTINCT t.group_id FROM delivery_items i \
             JOIN posts t ON t.network_id = i.network_id AND t.post_id = i.post_id \
             WHERE i.network_id = $1 AND i.delivery_id {in $2}",
            args![network, list(deliveries)],
        )
        .await?;
    for row in &groups {
        parts.wakes.wake(Wake::Group(row.reader().id()?));
    }
    parts.wakes.wake(Wake::Delivery);
    Ok(())
}
