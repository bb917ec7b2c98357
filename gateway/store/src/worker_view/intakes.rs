//! Claiming intakes: one conditional UPDATE, so that two claimers never get the same row; a lease that
//! is over counts as free. What was claimed before and not finished may have killed its worker, so it is
//! claimed alone: its attempts are its own, and the others of a batch never pay for it.

use super::ClaimedIntake;
use crate::StoreError;
use crate::row::Row;
use crate::store::Parts;
use crate::value::{Value, args};
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::envelope::ContentHash;
use kakehashi_core::ids::{IntakeId, NetworkId};
use kakehashi_core::port::RawIntake;
use kakehashi_core::vocabulary::{Channel, Format};

const RAW: &str = "intake_id, channel, format, dedup_key, sender_message_id, received_at, origin, raw, \
    content_hash";

pub(super) async fn claim(
    parts: &Parts,
    network: &NetworkId,
    worker: &str,
    limit: u32,
    lease_seconds: i64,
    now: UtcMicros,
) -> Result<Vec<ClaimedIntake>, StoreError> {
    // A worker that looks often must not take SQLite's writer for nothing.
    let oldest = parts
        .db
        .row(
            "SELECT attempt_count FROM intakes WHERE network_id = $1 AND state = 'accepted' AND retry_at <= $2 \
             AND (claimed_by IS NULL OR lease_until < $2) ORDER BY intake_id LIMIT 1",
            args![network, now],
        )
        .await?;
    let Some(oldest) = oldest else { return Ok(Vec::new()) };
    let lease = now.plus_seconds(lease_seconds);
    if oldest.reader().count()? > 0 {
        let alone = claim_some(parts, args![network, now, worker, lease, 1_u32], "attempt_count > 0").await?;
        if !alone.is_empty() {
            return Ok(alone);
        }
    }
    claim_some(parts, args![network, now, worker, lease, limit], "attempt_count = 0").await
}

async fn claim_some(
    parts: &Parts,
    args: Vec<Value>,
    which: &'static str,
) -> Result<Vec<ClaimedIntake>, StoreError> {
    let sql = format!(
        "WITH waiting AS MATERIALIZED ( \
             SELECT intake_id FROM intakes WHERE network_id = $1 AND state = 'accepted' AND {which} \
               AND retry_at <= $2 AND (claimed_by IS NULL OR lease_until < $2) \
             ORDER BY intake_id LIMIT $5 {{skip locked}}) \
         UPDATE intakes SET claimed_by = $3, lease_until = $4, attempt_count = attempt_count + 1 \
         WHERE network_id = $1 AND intake_id IN (SELECT intake_id FROM waiting) \
         RETURNING {RAW}, attempt_count"
    );
    let mut tx = parts.db.begin().await?;
    let rows = tx.rows(sql, args).await?;
    tx.commit().await?;
    let mut claimed = Vec::with_capacity(rows.len());
    for row in &rows {
        match read(parts, row, true).await {
            Ok((id, raw, attempt)) => claimed.push(ClaimedIntake { id, raw, attempt }),
            // One row or blob that cannot be read must not keep the others of its batch waiting.
            Err(fault @ (StoreError::Corrupt { .. } | StoreError::Bug { .. })) => {
                tracing::error!(%fault, "store.intakes: a claimed intake cannot be read; it stays accepted");
            }
            Err(fault) => return Err(fault),
        }
    }
    // RETURNING comes in no order.
    claimed.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(claimed)
}

/// Gives an intake back; `taken_back` of its attempts did not take place.
pub(super) async fn release(
    parts: &Parts,
    network: &NetworkId,
    id: &IntakeId,
    taken_back: i64,
    retry_at: UtcMicros,
) -> Result<(), StoreError> {
    parts
        .db
        .run(
            "UPDATE intakes SET claimed_by = NULL, lease_until = NULL, retry_at = $3, \
                 attempt_count = attempt_count - $4 \
             WHERE network_id = $1 AND intake_id = $2 AND state = 'accepted'",
            args![network, id, retry_at, taken_back],
        )
        .await
        .map(|_| ())
}

pub(super) async fn raw(
    parts: &Parts,
    network: &NetworkId,
    id: &IntakeId,
) -> Result<Option<RawIntake>, StoreError> {
    let sql = format!("SELECT {RAW} FROM intakes WHERE network_id = $1 AND intake_id = $2");
    match parts.db.row(sql, args![network, id]).await? {
        Some(row) => read(parts, &row, false).await.map(|(_, raw, _)| Some(raw)),
        None => Ok(None),
    }
}

async fn read(
    parts: &Parts,
    row: &Row,
    with_attempt: bool,
) -> Result<(IntakeId, RawIntake, u32), StoreError> {
    let mut r = row.reader();
    let id: IntakeId = r.id()?;
    let channel = r.code(("intakes", "channel"), Channel::from_code)?;
    let format = r.code(("intakes", "format"), Format::from_code)?;
    let (dedup_key, sender_message_id, received_at) = (r.text()?, r.opt_text()?, r.time()?);
    let origin = r.json(("intakes", "origin"))?;
    let inline = r.opt_bytes()?;
    let hash: ContentHash = r.hash(("intakes", "content_hash"))?;
    let attempt = if with_attempt { r.count()? } else { 0 };
    let bytes = match inline {
        Some(bytes) => bytes.into(),
        None => parts.blobs.must_file(&hash, "intakes", id.as_str()).await?,
    };
    let raw = RawIntake { channel, format, dedup_key, sender_message_id, bytes, received_at, origin };
    Ok((id, raw, attempt))
}
