//! What a sheet that carries no post shows, loaded when it leaves, so that it always tells what holds
//! then (care-network.md 6.4). 送達 and 了解 are loaded from their own tables and never merged.

use crate::StoreError;
use crate::database::Database;
use crate::pauses;
use crate::posts;
use crate::roster;
use crate::value::{args, list};
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::ids::{DeliveryId, EndpointId, FacilityId, NetworkId, PostId};
use kakehashi_core::receipt::{Receipt, ReceiptOf};
use kakehashi_core::reply_code::ReplyCode;
use kakehashi_core::sheet_order::{
    PasteSlip, PasteSlips, ReceiptLine, ReceiptTable, SheetContent, SheetOrder,
};
use kakehashi_core::vocabulary::{Channel, DeliveryState, ReplyExpectation, Urgency};
use std::collections::HashMap;

/// Loads what the order names. `None` if it is gone: then nothing leaves.
pub(super) async fn content(
    db: &Database,
    network: &NetworkId,
    delivery: &DeliveryId,
    order: &SheetOrder,
) -> Result<Option<SheetContent>, StoreError> {
    Ok(match order {
        SheetOrder::Contact => Some(SheetContent::Contact),
        SheetOrder::Preference => Some(SheetContent::Preference),
        SheetOrder::Verification => Some(SheetContent::Verification),
        SheetOrder::StaffChange => Some(SheetContent::StaffChange),
        SheetOrder::Cover { delivery_id } => Some(cover(db, network, delivery_id).await?),
        SheetOrder::Status { post_id } => {
            table(db, network, post_id).await?.map(|t| SheetContent::Status(Box::new(t)))
        }
        SheetOrder::Evidence { post_id } => {
            table(db, network, post_id).await?.map(|t| SheetContent::Evidence(Box::new(t)))
        }
        SheetOrder::Receipt { receipt: of } => {
            receipt(db, network, delivery, of).await?.map(|r| SheetContent::Receipt(Box::new(r)))
        }
        SheetOrder::LeaveConfirmation { group_id } => {
            let alias = roster::group(db, network, group_id).await?.map(|(group, _)| group.alias);
            alias.map(|alias| SheetContent::LeaveConfirmation { alias })
        }
        SheetOrder::PasteSlips { post_ids, .. } => slips(db, network, delivery, post_ids)
            .await?
            .map(|slips| SheetContent::PasteSlips(Box::new(slips))),
        // Carries posts as an ordinary delivery does.
        SheetOrder::History { .. } => None,
    })
}

/// What holds now of an act, for the facility of the delivery.
async fn receipt(
    db: &Database,
    network: &NetworkId,
    delivery: &DeliveryId,
    of: &ReceiptOf,
) -> Result<Option<Receipt>, StoreError> {
    Ok(match of {
        ReceiptOf::Pause { id } => pauses::by_id(db, network, id)
            .await?
            .map(|(pause, ended)| Receipt::Pause { pause: Box::new(pause), ended }),
        ReceiptOf::Settings { id } => {
            let row = db
                .row(
                    "SELECT e.settings, c.undone_at, c.made_at FROM endpoint_changes c \
                     JOIN endpoints e ON e.network_id = c.network_id AND e.endpoint_id = c.endpoint_id \
                     WHERE c.network_id = $1 AND c.change_id = $2 AND c.kind = 'settings'",
                    args![network, id],
                )
                .await?;
            row.map(|row| {
                let mut r = row.reader();
                Ok::<_, StoreError>(Receipt::Settings {
                    settings: Box::new(r.json(("endpoints", "settings"))?),
                    undone: r.opt_time()?.is_some(),
                    made_at: r.time()?,
                })
            })
            .transpose()?
        }
        ReceiptOf::Leave { group_id } => {
            let row = db
                .row(
                    "SELECT g.alias, m.ended_at FROM deliveries d \
                     JOIN memberships m ON m.network_id = d.network_id AND m.facility_id = d.facility_id \
                     JOIN patient_groups g ON g.network_id = m.network_id AND g.group_id = m.group_id \
                     WHERE d.network_id = $1 AND d.delivery_id = $2 AND m.group_id = $3",
                    args![network, delivery, group_id],
                )
                .await?;
            row.map(|row| {
                let mut r = row.reader();
                Ok::<_, StoreError>(Receipt::Leave { alias: r.text()?, left_at: r.opt_time()? })
            })
            .transpose()?
        }
    })
}

async fn cover(db: &Database, network: &NetworkId, waiting: &DeliveryId) -> Result<SheetContent, StoreError> {
    let rows = db
        .rows(
            "SELECT t.urgency FROM delivery_items i \
             JOIN posts t ON t.network_id = i.network_id AND t.post_id = i.post_id \
             WHERE i.network_id = $1 AND i.delivery_id = $2 AND i.dropped_at IS NULL",
            args![network, waiting],
        )
        .await?;
    let mut urgency = Urgency::Normal;
    for row in &rows {
        urgency = urgency.max(row.reader().code(("posts", "urgency"), Urgency::from_code)?);
    }
    Ok(SheetContent::Cover { urgency, posts: rows.len() })
}

/// Alias and name of a post's group.
async fn group(
    db: &Database,
    network: &NetworkId,
    post: &PostId,
) -> Result<Option<(String, String, Option<String>)>, StoreError> {
    let row = db
        .row(
            "SELECT g.alias, p.name, o.title FROM posts t \
             JOIN posts o ON o.network_id = t.network_id AND o.post_id = t.topic_id \
             JOIN patient_groups g ON g.network_id = t.network_id AND g.group_id = t.group_id \
             JOIN patients p ON p.network_id = g.network_id AND p.patient_id = g.patient_id \
             WHERE t.network_id = $1 AND t.post_id = $2",
            args![network, post],
        )
        .await?;
    row.map(|row| {
        let mut r = row.reader();
        Ok((r.text()?, r.text()?, r.opt_text()?))
    })
    .transpose()
}

async fn author(
    db: &Database,
    network: &NetworkId,
    post: &kakehashi_core::post::Post,
) -> Result<String, StoreError> {
    let names = roster::names(db, network, std::iter::once(&post.facility_id)).await?;
    let people = roster::staff_names(db, network, post.staff_id.iter()).await?;
    let facility = names.get(&post.facility_id).map_or("", String::as_str);
    let person = post.staff_id.as_ref().and_then(|s| people.get(s)).or(post.author_name.as_ref());
    Ok(person.map_or_else(|| facility.to_owned(), |person| format!("{facility} {person}")))
}

async fn table(db: &Database, network: &NetworkId, id: &PostId) -> Result<Option<ReceiptTable>, StoreError> {
    let Some(post) = posts::by_ids(db, network, std::iter::once(id)).await?.into_iter().next() else {
        return Ok(None);
    };
    let Some((group_alias, patient_name, topic_title)) = group(db, network, id).await? else {
        return Ok(None);
    };
    let mut lines: Vec<(FacilityId, ReceiptLine)> = Vec::new();
    let asked = |facility: &FacilityId| {
        let of = post.addressees.iter().find(|a| &a.facility_id == facility);
        of.map_or(ReplyExpectation::None, |a| a.expectation)
    };
    let empty = |facility: &FacilityId| ReceiptLine {
        facility: String::new(),
        asked: asked(facility),
        delivery: None,
        acknowledged: None,
        replied_at: None,
    };
    let at = |lines: &mut Vec<(FacilityId, ReceiptLine)>, facility: FacilityId| {
        lines.iter().position(|(f, _)| *f == facility).unwrap_or_else(|| {
            let line = empty(&facility);
            lines.push((facility, line));
            lines.len() - 1
        })
    };
    for addressee in &post.addressees {
        at(&mut lines, addressee.facility_id.clone());
    }
    // The best way of each member: a delivered one before all others, else the newest.
    let rows = db
        .rows(
            "SELECT d.facility_id, d.channel, d.state, d.state_at FROM delivery_items i \
             JOIN deliveries d ON d.network_id = i.network_id AND d.delivery_id = i.delivery_id \
             WHERE i.network_id = $1 AND i.post_id = $2 AND i.receipt_of = '' AND i.dropped_at IS NULL \
             ORDER BY d.delivery_id",
            args![network, id],
        )
        .await?;
    for row in &rows {
        let mut r = row.reader();
        let facility: FacilityId = r.id()?;
        let way: (Channel, DeliveryState, UtcMicros) = (
            r.code(("deliveries", "channel"), Channel::from_code)?,
            r.code(("deliveries", "state"), DeliveryState::from_code)?,
            r.time()?,
        );
        let place = at(&mut lines, facility);
        if let Some((_, line)) = lines.get_mut(place)
            && line.delivery.is_none_or(|(_, state, _)| state != DeliveryState::Delivered)
        {
            line.delivery = Some(way);
        }
    }
    let rows = db
        .rows(
            "SELECT facility_id, acknowledged_at, person_name FROM acknowledgements \
             WHERE network_id = $1 AND post_id = $2 AND withdrawn_at IS NULL ORDER BY acknowledged_at",
            args![network, id],
        )
        .await?;
    for row in &rows {
        let mut r = row.reader();
        let facility: FacilityId = r.id()?;
        let given = (r.time()?, r.opt_text()?);
        let place = at(&mut lines, facility);
        if let Some((_, line)) = lines.get_mut(place) {
            line.acknowledged.get_or_insert(given);
        }
    }
    let rows = db
        .rows(
            "SELECT facility_id, MIN(posted_at) FROM posts WHERE network_id = $1 AND topic_id = $2 \
             AND kind = 'reply' AND posted_at > $3 GROUP BY facility_id",
            args![network, &post.topic_id, post.posted_at],
        )
        .await?;
    for row in &rows {
        let mut r = row.reader();
        let facility: FacilityId = r.id()?;
        let replied = r.time()?;
        if let Some((_, line)) = lines.iter_mut().find(|(f, _)| *f == facility) {
            line.replied_at = Some(replied);
        }
    }
    let names = roster::names(db, network, lines.iter().map(|(f, _)| f)).await?;
    let author = author(db, network, &post).await?;
    Ok(Some(ReceiptTable {
        group_alias,
        patient_name,
        title: post.title.clone().or(topic_title).unwrap_or_else(|| "返信".to_owned()),
        author,
        channel: post.channel,
        posted_at: post.posted_at,
        lines: lines
            .into_iter()
            .filter(|(facility, _)| *facility != post.facility_id)
            .map(|(facility, line)| ReceiptLine {
                facility: names.get(&facility).cloned().unwrap_or_default(),
                ..line
            })
            .collect(),
    }))
}

async fn slips(
    db: &Database,
    network: &NetworkId,
    delivery: &DeliveryId,
    ids: &[PostId],
) -> Result<Option<PasteSlips>, StoreError> {
    let rows = db
        .rows(
            "SELECT post_id, position, code FROM delivery_items WHERE network_id = $1 AND delivery_id = $2 \
             AND dropped_at IS NULL ORDER BY position",
            args![network, delivery],
        )
        .await?;
    let mut codes: HashMap<PostId, (u16, ReplyCode)> = HashMap::new();
    for row in &rows {
        let mut r = row.reader();
        let post = r.id()?;
        let number = u16::try_from(r.int()? + 1).unwrap_or(u16::MAX);
        codes.insert(post, (number, r.code(("delivery_items", "code"), ReplyCode::parse)?));
    }
    let mut slips = Vec::new();
    let mut around = None;
    for post in posts::by_ids(db, network, ids.iter()).await? {
        let Some((number, code)) = codes.remove(&post.id) else { continue };
        if around.is_none() {
            around = group(db, network, &post.id).await?;
        }
        slips.push(PasteSlip {
            number,
            code,
            author: author(db, network, &post).await?,
            posted_at: post.posted_at,
            text: post.title.iter().chain([&post.body]).map(String::as_str).collect::<Vec<_>>().join("\n"),
        });
    }
    slips.sort_by_key(|s| s.number);
    Ok(around.filter(|_| !slips.is_empty()).map(|(group_alias, patient_name, _)| PasteSlips {
        group_alias,
        patient_name,
        slips,
    }))
}

/// Receipts that wait for the next regular delivery of these endpoints. Those of an attempt before, by the
/// same delivery, are told again: it did not arrive then.
pub(super) async fn notes(
    db: &Database,
    network: &NetworkId,
    endpoints: &[EndpointId],
    delivery: &[DeliveryId],
) -> Result<HashMap<EndpointId, Vec<String>>, StoreError> {
    let rows = db
        .rows(
            "SELECT endpoint_id, words FROM endpoint_notes WHERE network_id = $1 AND endpoint_id {in $2} \
             AND (delivery_id IS NULL OR delivery_id {in $3}) ORDER BY note_id",
            args![network, list(endpoints), list(delivery)],
        )
        .await?;
    let mut notes: HashMap<EndpointId, Vec<String>> = HashMap::new();
    for row in &rows {
        let mut r = row.reader();
        let endpoint = r.id()?;
        let of = notes.entry(endpoint).or_default();
        if of.len() < MOST_NOTES {
            of.push(r.text()?);
        }
    }
    Ok(notes)
}

/// Most receipts of one delivery; a member who asks for more is told by the office.
const MOST_NOTES: usize = 30;

/// Deliveries whose pages wait for a 表紙 that nobody has ordered yet, with their endpoint.
pub(super) async fn covers_wanted(
    db: &Database,
    network: &NetworkId,
    now: UtcMicros,
) -> Result<Vec<(DeliveryId, EndpointId)>, StoreError> {
    let rows = db
        .rows(
            "SELECT delivery_id, endpoint_id FROM deliveries WHERE network_id = $1 AND cover = 'wanted' \
             AND state = 'held' AND claimed_by IS NULL AND due_at <= $2 \
             ORDER BY due_at, delivery_id LIMIT 100",
            args![network, now],
        )
        .await?;
    rows.iter()
        .map(|row| {
            let mut r = row.reader();
            Ok((r.id()?, r.id()?))
        })
        .collect()
}

/// FAX numbers that were in use longer than `since` ago and have given no sign of life after it: no 了解, no
/// FAX of their facility, no handshake.
pub(super) async fn without_sign(
    db: &Database,
    network: &NetworkId,
    since: UtcMicros,
) -> Result<Vec<EndpointId>, StoreError> {
    let rows = db
        .rows(
            "SELECT e.endpoint_id FROM endpoints e WHERE e.network_id = $1 AND e.channel = 'fax' \
             AND e.state = 'verified' \
             AND EXISTS (SELECT 1 FROM deliveries d WHERE d.network_id = e.network_id \
                 AND d.endpoint_id = e.endpoint_id AND d.state = 'delivered' AND d.created_at < $2) \
             AND NOT EXISTS (SELECT 1 FROM acknowledgements k JOIN deliveries d \
                 ON d.network_id = k.network_id AND d.delivery_id = k.delivery_id \
                 WHERE k.network_id = e.network_id AND k.facility_id = e.facility_id \
                   AND d.endpoint_id = e.endpoint_id AND k.acknowledged_at >= $2) \
             AND NOT EXISTS (SELECT 1 FROM posts t WHERE t.network_id = e.network_id \
                 AND t.facility_id = e.facility_id AND t.channel = 'fax' AND t.posted_at >= $2) \
             AND NOT EXISTS (SELECT 1 FROM endpoint_changes c WHERE c.network_id = e.network_id \
                 AND c.endpoint_id = e.endpoint_id AND c.kind = 'verified' AND c.made_at >= $2) \
             ORDER BY e.endpoint_id LIMIT 100",
            args![network, since],
        )
        .await?;
    rows.iter().map(|row| row.reader().id()).collect()
}
