//! Reply codes with what they stand for. A code is only a name; whether it may act is decided elsewhere
//! from this entry.

use crate::StoreError;
use crate::columns::{consented, corresponds, is_member};
use crate::database::Database;
use crate::row::Row;
use crate::value::args;
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::facts::{CodeEntry, CodeItem};
use kakehashi_core::ids::{DeliveryId, NetworkId, PostId};
use kakehashi_core::sheet_order::SheetOrder;

const CODE: &str = "SELECT c.code, c.delivery_id, c.post_id, c.facility_id, c.endpoint_id, c.expires_at, \
    c.revoked_at, s.sheet, s.untouched_acknowledges, s.printed_staff, f.name, \
    (s.attempt_count > 1 AND EXISTS (SELECT 1 FROM delivery_items x WHERE x.network_id = c.network_id \
        AND x.delivery_id = c.delivery_id AND x.dropped_at IS NOT NULL)) \
    FROM reply_codes c \
    JOIN deliveries s ON s.network_id = c.network_id AND s.delivery_id = c.delivery_id \
    JOIN facilities f ON f.network_id = c.network_id AND f.facility_id = c.facility_id";

/// By the code itself, canonical.
pub(crate) async fn by_code(
    db: &Database,
    network: &NetworkId,
    code: &str,
    now: UtcMicros,
) -> Result<Option<CodeEntry>, StoreError> {
    let sql = format!("{CODE} WHERE c.network_id = $1 AND c.code = $2");
    match db.row(sql, args![network, code]).await? {
        Some(row) => entry(db, network, &row, now).await.map(Some),
        None => Ok(None),
    }
}

/// By the delivery that a Message-ID names: the code of the whole.
pub(crate) async fn by_delivery(
    db: &Database,
    network: &NetworkId,
    delivery: &DeliveryId,
    now: UtcMicros,
) -> Result<Option<CodeEntry>, StoreError> {
    let sql = format!(
        "{CODE} JOIN deliveries d ON d.network_id = c.network_id AND d.code = c.code \
         WHERE d.network_id = $1 AND d.delivery_id = $2"
    );
    match db.row(sql, args![network, delivery]).await? {
        Some(row) => entry(db, network, &row, now).await.map(Some),
        None => Ok(None),
    }
}

async fn entry(
    db: &Database,
    network: &NetworkId,
    row: &Row,
    now: UtcMicros,
) -> Result<CodeEntry, StoreError> {
    let mut r = row.reader();
    let code = r.text()?;
    let delivery_id: DeliveryId = r.id()?;
    let post_id: Option<PostId> = r.opt_id()?;
    let mut entry = CodeEntry {
        code,
        delivery_id,
        post_id,
        topic_id: None,
        group_id: None,
        facility_id: r.id()?,
        endpoint_id: r.id()?,
        expires_at: r.time()?,
        revoked_at: r.opt_time()?,
        membership_stands: false,
        items: Vec::new(),
        sheet: r.opt_json(("deliveries", "sheet"))?,
        untouched_acknowledges: r.bool()?,
        printed_staff: r.opt_json(("deliveries", "printed_staff"))?.unwrap_or_default(),
        facility_name: r.text()?,
        lines_moved: r.bool()?,
    };
    let sql = format!(
        "SELECT t.post_id, t.topic_id, g.group_id, g.patient_id, (g.state = 'open' AND ({} OR {}) AND {}) \
         FROM delivery_items i \
         JOIN posts t ON t.network_id = i.network_id AND t.post_id = i.post_id \
         JOIN patient_groups g ON g.network_id = t.network_id AND g.group_id = t.group_id \
         WHERE i.network_id = $1 AND i.delivery_id = $2 AND (CAST($3 AS TEXT) IS NULL OR i.post_id = $3) \
           AND i.dropped_at IS NULL \
         ORDER BY i.position",
        is_member("$4", "$5"),
        corresponds("$4"),
        consented("$4", "$5")
    );
    let wanted = entry.post_id.as_ref().map(PostId::as_str);
    let rows = db.rows(sql, args![network, &entry.delivery_id, wanted, &entry.facility_id, now]).await?;
    for row in &rows {
        let mut r = row.reader();
        entry.items.push(CodeItem {
            post_id: r.id()?,
            topic_id: r.id()?,
            group_id: r.id()?,
            patient_id: r.id()?,
        });
        entry.membership_stands |= r.bool()?;
    }
    // What belongs to no group stands by itself; what it asks for is decided on the facts of that moment.
    entry.membership_stands |=
        matches!(entry.sheet, Some(SheetOrder::Receipt { .. } | SheetOrder::LeaveConfirmation { .. }));
    // The code of a delivery with one item can only mean that item.
    if let [only] = entry.items.as_slice() {
        entry.post_id = Some(only.post_id.clone());
        entry.topic_id = Some(only.topic_id.clone());
        entry.group_id = Some(only.group_id.clone());
    }
    Ok(entry)
}
