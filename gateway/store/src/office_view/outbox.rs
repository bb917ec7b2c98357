//! The outbox: what waits, what is under way, what needs a person.

use crate::StoreError;
use crate::database::Database;
use crate::value::{Value, args, list};
use crate::view::{OutboxFilter, OutboxItem, OutboxRow};
use kakehashi_core::ids::{DeliveryId, NetworkId};
use kakehashi_core::vocabulary::{Channel, DeliveryMode, DeliveryState};
use std::collections::HashMap;

/// 不達, 送達不明, and phone tasks that nobody has done: a call is made by a person only.
const NEEDS_ACTION: &str =
    "(d.state IN ('failed', 'unknown') OR (d.state = 'handed_off' AND d.channel = 'phone_memo'))";

pub(super) async fn filtered(
    db: &Database,
    network: &NetworkId,
    filter: OutboxFilter,
    limit: u32,
) -> Result<Vec<OutboxRow>, StoreError> {
    let condition = match filter {
        OutboxFilter::NeedsAction => NEEDS_ACTION,
        OutboxFilter::Held => "d.state = 'held'",
        OutboxFilter::HandedOff => "d.state = 'handed_off'",
        OutboxFilter::Done => "d.state IN ('delivered', 'recalled')",
    };
    let sql = format!(
        "SELECT d.delivery_id, COALESCE(f.name, ''), d.channel, \
                CASE WHEN d.channel = 'phone_memo' AND e.channel <> 'phone_memo' THEN COALESCE(f.phone, '') \
                     ELSE COALESCE(d.address, e.address, '') END, d.mode, \
                d.state, d.due_at, d.state_at, d.attempt_count, d.last_detail, d.resend_possible, f.phone \
         FROM deliveries d \
         LEFT JOIN endpoints e ON e.network_id = d.network_id AND e.endpoint_id = d.endpoint_id \
         LEFT JOIN facilities f ON f.network_id = d.network_id AND f.facility_id = d.facility_id \
         WHERE d.network_id = $1 AND {condition} ORDER BY d.delivery_id DESC LIMIT $2"
    );
    let mut rows = Vec::new();
    for row in &db.rows(sql, args![network, limit]).await? {
        let mut r = row.reader();
        rows.push(OutboxRow {
            id: r.id()?,
            facility_name: r.text()?,
            channel: r.code(("deliveries", "channel"), Channel::from_code)?,
            address: r.text()?,
            mode: r.code(("deliveries", "mode"), DeliveryMode::from_code)?,
            state: r.code(("deliveries", "state"), DeliveryState::from_code)?,
            due_at: r.time()?,
            state_at: r.time()?,
            attempt_count: r.count()?,
            last_detail: r.opt_text()?,
            resend_possible: r.bool()?,
            phone: r.opt_text()?,
            items: Vec::new(),
        });
    }
    let mut items = items_of(db, network, list(rows.iter().map(|r| &r.id))).await?;
    for row in &mut rows {
        row.items = items.remove(&row.id).unwrap_or_default();
    }
    Ok(rows)
}

/// What these deliveries carry or tell of.
pub(super) async fn items_of(
    db: &Database,
    network: &NetworkId,
    ids: Value,
) -> Result<HashMap<DeliveryId, Vec<OutboxItem>>, StoreError> {
    let found = db
        .rows(
            "SELECT i.delivery_id, g.group_id, g.alias, o.title, t.topic_id, t.post_id FROM delivery_items i \
             JOIN posts t ON t.network_id = i.network_id AND t.post_id = i.post_id \
             JOIN posts o ON o.network_id = t.network_id AND o.post_id = t.topic_id \
             JOIN patient_groups g ON g.network_id = t.network_id AND g.group_id = t.group_id \
             WHERE i.network_id = $1 AND i.delivery_id {in $2} ORDER BY i.delivery_id, i.position",
            args![network, ids],
        )
        .await?;
    let mut items: HashMap<DeliveryId, Vec<OutboxItem>> = HashMap::new();
    for row in &found {
        let mut r = row.reader();
        let delivery = r.id()?;
        items.entry(delivery).or_default().push(OutboxItem {
            group_id: r.id()?,
            group_alias: r.text()?,
            title: r.opt_text()?,
            topic_id: r.id()?,
            post_id: r.id()?,
        });
    }
    Ok(items)
}

pub(super) async fn count(db: &Database, network: &NetworkId) -> Result<u32, StoreError> {
    let sql = format!("SELECT COUNT(*) FROM deliveries d WHERE d.network_id = $1 AND {NEEDS_ACTION}");
    db.row(sql, args![network]).await?.map_or(Ok(0), |row| row.reader().count())
}
