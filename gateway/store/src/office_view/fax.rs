//! The FAX desk: what came in and went out as paper, the numbers, the providers, the pages. Everything is
//! read by key and bounded; nothing here decides.

use crate::StoreError;
use crate::columns::{ENDPOINT, read_endpoint};
use crate::database::Database;
use crate::value::{args, list};
use crate::view::{FaxIn, FaxNumber, FaxOut, FaxRoute, NumberChange, PaperSettings};
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::ids::{AttachmentId, IntakeId, NetworkId};
use kakehashi_core::sheet_order::SheetOrder;
use kakehashi_core::vocabulary::{Channel, DeliveryState, IntakeState};
use std::collections::HashMap;

/// Sums of pages are of the last 30 days.
const MONTH_SECONDS: i64 = 30 * 24 * 3600;
/// A change of settings can be undone for a day.
const DAY_SECONDS: i64 = 24 * 3600;

pub(super) async fn outgoing(
    db: &Database,
    network: &NetworkId,
    digits: Option<&str>,
    limit: u32,
) -> Result<Vec<FaxOut>, StoreError> {
    // Numbers are kept as digits; what is looked for can hold no sign of a pattern.
    let like = digits.map_or_else(
        || "%".to_owned(),
        |digits| format!("%{}%", digits.chars().filter(char::is_ascii_digit).collect::<String>()),
    );
    let rows = db
        .rows(
            "SELECT d.delivery_id, COALESCE(f.name, ''), COALESCE(d.address, e.address, ''), d.state, d.due_at, \
                    d.state_at, d.attempt_count, d.pages, d.route, d.cover, d.sheet, d.last_detail, \
                    d.resend_possible, d.endpoint_id, f.phone \
             FROM deliveries d \
             LEFT JOIN endpoints e ON e.network_id = d.network_id AND e.endpoint_id = d.endpoint_id \
             LEFT JOIN facilities f ON f.network_id = d.network_id AND f.facility_id = d.facility_id \
             WHERE d.network_id = $1 AND d.channel = 'fax' AND COALESCE(d.address, e.address, '') LIKE $3 \
             ORDER BY d.delivery_id DESC LIMIT $2",
            args![network, limit, like],
        )
        .await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        let mut r = row.reader();
        found.push(FaxOut {
            id: r.id()?,
            facility_name: r.text()?,
            number: r.text()?,
            state: r.code(("deliveries", "state"), DeliveryState::from_code)?,
            due_at: r.time()?,
            state_at: r.time()?,
            attempt_count: r.count()?,
            pages: r.count()?,
            route: r.text()?,
            waits_for_cover: r.opt_text()?.is_some_and(|c| c != "returned"),
            sheet: r.opt_json::<SheetOrder>(("deliveries", "sheet"))?,
            last_detail: r.opt_text()?,
            resend_possible: r.bool()?,
            endpoint_id: r.opt_id()?,
            phone: r.opt_text()?,
            items: Vec::new(),
        });
    }
    let mut items = super::outbox::items_of(db, network, list(found.iter().map(|f| &f.id))).await?;
    for one in &mut found {
        one.items = items.remove(&one.id).unwrap_or_default();
    }
    Ok(found)
}

pub(super) async fn incoming(
    db: &Database,
    network: &NetworkId,
    limit: u32,
) -> Result<Vec<FaxIn>, StoreError> {
    // A FAX that comes by mail is read as one only later: its posts and its pictures tell the way.
    let rows = db
        .rows(
            "SELECT i.intake_id, i.received_at, i.state FROM intakes i WHERE i.network_id = $1 \
             AND EXISTS (SELECT 1 FROM attachments a WHERE a.network_id = i.network_id \
                 AND a.intake_id = i.intake_id AND a.role = 'page_image') \
             ORDER BY i.intake_id DESC LIMIT $2",
            args![network, limit],
        )
        .await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        let mut r = row.reader();
        found.push(FaxIn {
            id: r.id()?,
            received_at: r.time()?,
            state: r.code(("intakes", "state"), IntakeState::from_code)?,
            first_page: None,
            pages: 0,
            triage: None,
            facility_name: None,
            topic: None,
        });
    }
    let ids = || list(found.iter().map(|f| &f.id));
    let mut pictures: HashMap<IntakeId, (AttachmentId, u32)> = HashMap::new();
    let rows = db
        .rows(
            "SELECT intake_id, attachment_id FROM attachments WHERE network_id = $1 AND intake_id {in $2} \
             AND role = 'page_image' ORDER BY intake_id, position",
            args![network, ids()],
        )
        .await?;
    for row in &rows {
        let mut r = row.reader();
        let (intake, picture) = (r.id()?, r.id()?);
        pictures.entry(intake).or_insert((picture, 0)).1 += 1;
    }
    let mut triage = HashMap::new();
    let rows = db
        .rows(
            "SELECT intake_id, triage_id FROM triage_items WHERE network_id = $1 AND intake_id {in $2} \
             AND outcome IS NULL AND quarantined = $3 ORDER BY triage_id DESC",
            args![network, ids(), false],
        )
        .await?;
    for row in &rows {
        let mut r = row.reader();
        let intake: IntakeId = r.id()?;
        triage.insert(intake, r.id()?);
    }
    let mut posts = HashMap::new();
    let rows = db
        .rows(
            "SELECT t.intake_id, t.group_id, t.topic_id, f.name FROM posts t \
             JOIN facilities f ON f.network_id = t.network_id AND f.facility_id = t.facility_id \
             WHERE t.network_id = $1 AND t.intake_id {in $2} ORDER BY t.post_id DESC",
            args![network, ids()],
        )
        .await?;
    for row in &rows {
        let mut r = row.reader();
        let intake: IntakeId = r.id()?;
        posts.insert(intake, ((r.id()?, r.id()?), r.text()?));
    }
    for one in &mut found {
        if let Some((picture, pages)) = pictures.remove(&one.id) {
            (one.first_page, one.pages) = (Some(picture), pages);
        }
        one.triage = triage.remove(&one.id);
        if let Some((topic, facility)) = posts.remove(&one.id) {
            (one.topic, one.facility_name) = (Some(topic), Some(facility));
        }
    }
    Ok(found)
}

pub(super) async fn numbers(
    db: &Database,
    network: &NetworkId,
    channel: Channel,
    now: UtcMicros,
) -> Result<Vec<FaxNumber>, StoreError> {
    let sql = format!(
        "SELECT {ENDPOINT}, f.name FROM endpoints e \
         JOIN facilities f ON f.network_id = e.network_id AND f.facility_id = e.facility_id \
         WHERE e.network_id = $1 AND e.channel = $2 ORDER BY e.facility_id, e.endpoint_id"
    );
    let mut found = Vec::new();
    for row in &db.rows(sql, args![network, channel.code()]).await? {
        let mut r = row.reader();
        found.push(FaxNumber {
            endpoint: read_endpoint(&mut r)?,
            facility_name: r.text()?,
            page_count: 0,
            verified_at: None,
            proposed: None,
            settings_changed: None,
        });
    }
    let mut pages: HashMap<String, u64> = HashMap::new();
    let rows = db
        .rows(
            "SELECT endpoint_id, CAST(SUM(pages) AS BIGINT) FROM deliveries WHERE network_id = $1 AND channel = 'fax' \
             AND endpoint_id IS NOT NULL AND created_at >= $2 GROUP BY endpoint_id",
            args![network, now.plus_seconds(-MONTH_SECONDS)],
        )
        .await?;
    for row in &rows {
        let mut r = row.reader();
        pages.insert(r.text()?, r.size()?);
    }
    let rows = db
        .rows(
            "SELECT change_id, endpoint_id, kind, after, made_at, made_by FROM endpoint_changes \
             WHERE network_id = $1 AND undone_at IS NULL AND (kind = 'verified' \
                 OR (kind = 'number' AND checked_at IS NULL) \
                 OR (kind = 'settings' AND made_at >= $2)) ORDER BY made_at",
            args![network, now.plus_seconds(-DAY_SECONDS)],
        )
        .await?;
    for row in &rows {
        let mut r = row.reader();
        let id = r.id()?;
        let (endpoint, kind, after) = (r.text()?, r.text()?, r.text()?);
        let change = NumberChange { id, after, made_at: r.time()?, made_by: r.text()? };
        let Some(number) = found.iter_mut().find(|n| n.endpoint.id.as_str() == endpoint) else { continue };
        match kind.as_str() {
            "verified" => number.verified_at = Some(change.made_at),
            "number" => number.proposed = Some(change),
            _ => number.settings_changed = Some(change),
        }
    }
    for number in &mut found {
        number.page_count = pages.get(number.endpoint.id.as_str()).copied().unwrap_or(0);
    }
    Ok(found)
}

pub(super) async fn routes(
    db: &Database,
    network: &NetworkId,
    now: UtcMicros,
) -> Result<Vec<FaxRoute>, StoreError> {
    let rows = db
        .rows(
            "SELECT d.route, COUNT(*), CAST(SUM(d.pages) AS BIGINT), \
                    CAST(SUM(CASE WHEN d.state = 'delivered' THEN 1 ELSE 0 END) AS BIGINT), \
                    CAST(SUM(CASE WHEN d.state = 'unknown' THEN 1 ELSE 0 END) AS BIGINT), \
                    CAST(SUM(CASE WHEN d.state = 'failed' THEN 1 ELSE 0 END) AS BIGINT), MAX(d.state_at) \
             FROM deliveries d WHERE d.network_id = $1 AND d.channel = 'fax' AND d.route <> '' \
               AND d.created_at >= $2 GROUP BY d.route ORDER BY d.route",
            args![network, now.plus_seconds(-MONTH_SECONDS)],
        )
        .await?;
    let mut found = Vec::new();
    for row in &rows {
        let mut r = row.reader();
        found.push(FaxRoute {
            name: r.text()?,
            job_count: r.size()?,
            page_count: r.size()?,
            delivered_count: r.size()?,
            unknown_count: r.size()?,
            failed_count: r.size()?,
            last_at: r.opt_time()?,
            open_until: None,
            last_fault: None,
        });
    }
    let rows = db
        .rows(
            "SELECT route, open_until, last_detail, last_fault_at FROM fax_routes WHERE network_id = $1 \
             ORDER BY route",
            args![network],
        )
        .await?;
    for row in &rows {
        let mut r = row.reader();
        let name = r.text()?;
        let at = found.iter().position(|f| f.name == name).unwrap_or_else(|| {
            found.push(FaxRoute { name: name.clone(), ..FaxRoute::default() });
            found.len() - 1
        });
        if let Some(route) = found.get_mut(at) {
            route.open_until = r.opt_time()?.filter(|until| *until > now);
            let detail = r.text()?;
            route.last_fault = r.opt_time()?.map(|at| (at, detail));
        }
    }
    Ok(found)
}

pub(super) async fn settings(db: &Database, network: &NetworkId) -> Result<PaperSettings, StoreError> {
    let row = db
        .row(
            "SELECT pilot_sheets, untouched_acknowledges, pages_a_day, page_cost FROM paper_settings \
             WHERE network_id = $1",
            args![network],
        )
        .await?;
    let Some(row) = row else { return Ok(PaperSettings::default()) };
    let mut r = row.reader();
    Ok(PaperSettings {
        pilot_sheets: r.count()?,
        untouched_acknowledges: r.bool()?,
        pages_a_day: r.count()?,
        page_cost: r.count()?,
    })
}
