//! Claimed deliveries with everything that rendering needs: one statement per kind of row for the whole
//! claim. A preview and what leaves are made of the same value.

use super::deliveries::Claimed;
use super::{hospital, sheets};
use crate::columns::{ENDPOINT, FACILITY, read_endpoint, read_facility};
use crate::database::Database;
use crate::row::json_text;
use crate::store::Parts;
use crate::value::{args, list};
use crate::{StoreError, pauses, posts, roster};
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::decision::Notice;
use kakehashi_core::directory::{Endpoint, Facility, Network};
use kakehashi_core::ids::{DeliveryId, EndpointId, GroupId, NetworkId, PostId, StaffId};
use kakehashi_core::job::{
    DeliveryJob, JobAttachment, JobContent, JobItem, JobPosts, JobSheet, delivery_of_message_id, message_id,
};
use kakehashi_core::post::{Post, StoredAttachment};
use kakehashi_core::reply_code::ReplyCode;
use kakehashi_core::sheet_form::{REPLY_STAFF_MAX, usual_answerers_first};
use kakehashi_core::sheet_order::SheetOrder;
use kakehashi_core::vocabulary::{Channel, DeliveryMode, ReplyExpectation};
use std::collections::HashMap;

/// A delivery's row: a notice, or an endpoint with its codes.
enum Head {
    Notice { notice: Notice, address: String, channel: Channel },
    Posts(Box<PostsHead>),
}

struct PostsHead {
    sheet: Option<SheetOrder>,
    untouched_acknowledges: bool,
    endpoint: Endpoint,
    facility: Facility,
    code: ReplyCode,
    code_expires_at: UtcMicros,
}

/// Names of groups and patients, and titles, by post.
struct Around {
    posts: HashMap<PostId, Post>,
    titles: HashMap<PostId, Option<String>>,
    authors: HashMap<PostId, String>,
    groups: HashMap<GroupId, (String, String)>,
    counts: HashMap<PostId, (u32, u32)>,
    attachments: HashMap<PostId, Vec<StoredAttachment>>,
}

pub(super) async fn load(
    parts: &Parts,
    network: Network,
    claimed: &[Claimed],
    limit_bytes: u64,
    leaves: bool,
) -> Result<Vec<DeliveryJob>, StoreError> {
    let db = &parts.db;
    let mut heads = heads(db, &network.id, claimed).await?;
    let mut items = items(db, &network.id, claimed).await?;
    let around = around(db, &network.id, items.values().flatten().map(|(post, ..)| post)).await?;
    let facilities: Vec<_> = heads
        .values()
        .filter_map(|h| match h {
            Head::Posts(head) => Some(head.facility.id.clone()),
            Head::Notice { .. } => None,
        })
        .collect();
    let staff = roster::staff(db, &network.id, &facilities).await?;
    let endpoints: Vec<EndpointId> = heads
        .values()
        .filter_map(|h| match h {
            Head::Posts(head) => Some(head.endpoint.id.clone()),
            Head::Notice { .. } => None,
        })
        .collect();
    let ids: Vec<DeliveryId> = claimed.iter().map(|c| c.id.clone()).collect();
    let mut notes = sheets::notes(db, &network.id, &endpoints, &ids).await?;
    let at = claimed.iter().map(|c| c.due_at).min().unwrap_or(UtcMicros::from_micros(0));
    let pauses = pauses::of_facilities(db, &network.id, &facilities, at).await?;
    let references = references(db, &network, &heads, &items, &around).await?;
    let mut jobs = Vec::with_capacity(claimed.len());
    for one in claimed {
        let missing = || StoreError::Corrupt {
            table: "deliveries",
            column: "delivery_id",
            row: one.id.as_str().to_owned(),
        };
        let content = match heads.remove(&one.id).ok_or_else(missing)? {
            Head::Notice { notice, address, channel } => JobContent::Notice { notice, address, channel },
            Head::Posts(head) if head.sheet.as_ref().is_some_and(|s| !s.carries_posts()) => {
                let PostsHead { sheet, endpoint, facility, code, code_expires_at, .. } = *head;
                let Some(order) = sheet else { return Err(missing()) };
                let content = sheets::content(db, &network.id, &one.id, &order).await?.ok_or_else(missing)?;
                let people = staff.get(&facility.id);
                JobContent::Sheet(Box::new(JobSheet {
                    staff_names: people.into_iter().flatten().map(|s| s.name.clone()).collect(),
                    endpoint,
                    facility,
                    code,
                    code_expires_at,
                    content,
                }))
            }
            Head::Posts(head) => {
                let PostsHead { sheet, endpoint, facility, code, code_expires_at, untouched_acknowledges } =
                    *head;
                // A copy of the history says what it is; receipts wait for the next regular delivery.
                let history = sheet.as_ref().and_then(SheetOrder::history_words);
                let mut carried = Vec::new();
                for (post, code, receipt_of) in items.remove(&one.id).unwrap_or_default() {
                    let mut item = around.item(&post, code, &facility).ok_or_else(missing)?;
                    if endpoint.channel == Channel::Hl7 {
                        hospital::complete(db, &network.id, &facility.id, &receipt_of, &mut item).await?;
                    }
                    if endpoint.channel == Channel::Email {
                        let key = (endpoint.id.clone(), item.post.topic_id.clone());
                        item.references = references.get(&key).cloned().unwrap_or_default();
                        item.references.retain(|id| delivery_of_message_id(id).is_none_or(|d| d != one.id));
                    }
                    load_attachments(parts, &around, &mut item, limit_bytes).await?;
                    carried.push(item);
                }
                let mut people = staff.get(&facility.id).cloned().unwrap_or_default();
                if endpoint.channel == Channel::Fax && people.len() > usize::from(REPLY_STAFF_MAX) {
                    // Few facilities are so large.
                    let answered = roster::answered(db, &network.id, &endpoint, one.due_at).await?;
                    people = usual_answerers_first(people, &answered);
                }
                if leaves && endpoint.channel == Channel::Fax {
                    // A joiner moves the lines of a roster; the paper that is out there does not change.
                    let printed: Vec<&StaffId> = people.iter().map(|s| &s.id).collect();
                    db.run(
                        "UPDATE deliveries SET printed_staff = $3 WHERE network_id = $1 AND delivery_id = $2",
                        args![&network.id, &one.id, json_text(&printed)?],
                    )
                    .await?;
                }
                JobContent::Posts(Box::new(JobPosts {
                    staff_names: people.into_iter().map(|s| s.name).collect(),
                    facility,
                    code,
                    code_expires_at,
                    untouched_acknowledges,
                    attention: pauses
                        .get(&endpoint.facility_id)
                        .and_then(|all| all.iter().find_map(|p| p.attention(one.due_at))),
                    notes: match history {
                        Some(words) => vec![words],
                        None => notes.remove(&endpoint.id).unwrap_or_default(),
                    },
                    endpoint,
                    items: carried,
                }))
            }
        };
        jobs.push(DeliveryJob {
            id: one.id.clone(),
            attempt: one.attempt,
            network: network.clone(),
            mode: one.mode,
            resend_possible: one.resend_possible,
            due_at: one.due_at,
            content,
        });
    }
    Ok(jobs)
}

async fn heads(
    db: &Database,
    network: &NetworkId,
    claimed: &[Claimed],
) -> Result<HashMap<DeliveryId, Head>, StoreError> {
    let ids = || list(claimed.iter().map(|c| &c.id));
    let mut heads = HashMap::new();
    let notices = db
        .rows(
            "SELECT delivery_id, notice, address, channel FROM deliveries \
             WHERE network_id = $1 AND delivery_id {in $2} AND notice IS NOT NULL",
            args![network, ids()],
        )
        .await?;
    for row in &notices {
        let mut r = row.reader();
        let id = r.id()?;
        let notice = r.json(("deliveries", "notice"))?;
        let address = r.text()?;
        let channel = r.code(("deliveries", "channel"), Channel::from_code)?;
        heads.insert(id, Head::Notice { notice, address, channel });
    }
    let sql = format!(
        "SELECT d.delivery_id, d.channel, d.code, d.code_expires_at, d.sheet, d.untouched_acknowledges, {ENDPOINT}, {FACILITY} FROM deliveries d \
         JOIN endpoints e ON e.network_id = d.network_id AND e.endpoint_id = d.endpoint_id \
         JOIN facilities f ON f.network_id = e.network_id AND f.facility_id = e.facility_id \
         WHERE d.network_id = $1 AND d.delivery_id {{in $2}}"
    );
    for row in &db.rows(sql, args![network, ids()]).await? {
        let mut r = row.reader();
        let id = r.id()?;
        let channel = r.code(("deliveries", "channel"), Channel::from_code)?;
        let code = r.code(("deliveries", "code"), ReplyCode::parse)?;
        let code_expires_at = r.time()?;
        let sheet = r.opt_json(("deliveries", "sheet"))?;
        let untouched_acknowledges = r.bool()?;
        let (mut endpoint, facility) = (read_endpoint(&mut r)?, read_facility(&mut r)?);
        if channel == Channel::PhoneMemo && endpoint.channel != channel {
            // A call about what went to a machine: to its house, at no number of the machine's.
            endpoint.channel = channel;
            endpoint.address.clear();
        }
        let head = PostsHead { sheet, untouched_acknowledges, endpoint, facility, code, code_expires_at };
        heads.insert(id, Head::Posts(Box::new(head)));
    }
    Ok(heads)
}

/// A post with the code of its item, and whose 了解 is told instead of the post, if one is.
type CarriedItem = (PostId, ReplyCode, String);

async fn items(
    db: &Database,
    network: &NetworkId,
    claimed: &[Claimed],
) -> Result<HashMap<DeliveryId, Vec<CarriedItem>>, StoreError> {
    let rows = db
        .rows(
            "SELECT delivery_id, post_id, code, receipt_of FROM delivery_items \
             WHERE network_id = $1 AND delivery_id {in $2} AND dropped_at IS NULL \
             ORDER BY delivery_id, position",
            args![network, list(claimed.iter().map(|c| &c.id))],
        )
        .await?;
    let mut items: HashMap<DeliveryId, Vec<CarriedItem>> = HashMap::new();
    for row in &rows {
        let mut r = row.reader();
        let id = r.id()?;
        let post = r.id()?;
        let code = r.code(("delivery_items", "code"), ReplyCode::parse)?;
        items.entry(id).or_default().push((post, code, r.text()?));
    }
    Ok(items)
}

async fn around<'a>(
    db: &Database,
    network: &NetworkId,
    ids: impl Iterator<Item = &'a PostId>,
) -> Result<Around, StoreError> {
    let ids: Vec<&PostId> = ids.collect();
    let posts = posts::by_ids(db, network, ids.iter().copied()).await?;
    let attachments = posts::attachments(db, network, ids.iter().copied()).await?;
    let mut titles = HashMap::new();
    let rows = db
        .rows(
            "SELECT post_id, title FROM posts WHERE network_id = $1 AND post_id {in $2}",
            args![network, list(posts.iter().map(|p| &p.topic_id))],
        )
        .await?;
    for row in &rows {
        let mut r = row.reader();
        titles.insert(r.id()?, r.opt_text()?);
    }
    let names = roster::names(db, network, posts.iter().map(|p| &p.facility_id)).await?;
    let people = roster::staff_names(db, network, posts.iter().filter_map(|p| p.staff_id.as_ref())).await?;
    let mut authors = HashMap::new();
    for post in &posts {
        let facility = names.get(&post.facility_id).map_or("", String::as_str);
        let person = post.staff_id.as_ref().and_then(|s| people.get(s)).or(post.author_name.as_ref());
        let author = person.map_or_else(|| facility.to_owned(), |person| format!("{facility} {person}"));
        authors.insert(post.id.clone(), author);
    }
    let mut groups = HashMap::new();
    let rows = db
        .rows(
            "SELECT g.group_id, g.alias, p.name FROM patient_groups g \
             JOIN patients p ON p.network_id = g.network_id AND p.patient_id = g.patient_id \
             WHERE g.network_id = $1 AND g.group_id {in $2}",
            args![network, list(posts.iter().map(|p| &p.group_id))],
        )
        .await?;
    for row in &rows {
        let mut r = row.reader();
        groups.insert(r.id()?, (r.text()?, r.text()?));
    }
    // 了解 asked and given; a reply counts as having taken note.
    let mut counts = HashMap::new();
    let rows = db
        .rows(
            "SELECT post_id, COUNT(*), COUNT(answered_at) FROM post_addressees \
             WHERE network_id = $1 AND post_id {in $2} AND expectation = 'ack' \
               AND (answered_by IS NULL OR answered_by <> 'superseded') GROUP BY post_id",
            args![network, list(posts.iter().map(|p| &p.id))],
        )
        .await?;
    for row in &rows {
        let mut r = row.reader();
        let post = r.id()?;
        let asked = r.count()?;
        counts.insert(post, (r.count()?, asked));
    }
    let posts = posts.into_iter().map(|p| (p.id.clone(), p)).collect();
    Ok(Around { posts, titles, authors, groups, counts, attachments })
}

impl Around {
    fn item(&self, post: &PostId, code: ReplyCode, facility: &Facility) -> Option<JobItem> {
        let post = self.posts.get(post)?.clone();
        let (group_alias, patient_name) = self.groups.get(&post.group_id)?.clone();
        let asked = post.addressees.iter().find(|a| a.facility_id == facility.id);
        let topic_title = self.titles.get(&post.topic_id).cloned().flatten();
        Some(JobItem {
            topic_title: topic_title.filter(|_| post.topic_id != post.id),
            author: self.authors.get(&post.id).cloned().unwrap_or_default(),
            group_alias,
            patient_name,
            code,
            asked: asked.map_or(ReplyExpectation::None, |a| a.expectation),
            acknowledged: self.counts.get(&post.id).copied().unwrap_or_default(),
            attachments: Vec::new(),
            references: Vec::new(),
            receipt: None,
            hospital: None,
            post,
        })
    }
}

async fn load_attachments(
    parts: &Parts,
    around: &Around,
    item: &mut JobItem,
    limit_bytes: u64,
) -> Result<(), StoreError> {
    for stored in around.attachments.get(&item.post.id).into_iter().flatten() {
        let bytes = if stored.size_bytes <= limit_bytes {
            parts.blobs.must_get(&stored.content_hash, "attachments", stored.id.as_str()).await?
        } else {
            Vec::new()
        };
        item.attachments.push(JobAttachment { stored: stored.clone(), bytes });
    }
    Ok(())
}

/// Message-IDs of mails that left before, by endpoint and topic, oldest first.
async fn references(
    db: &Database,
    network: &Network,
    heads: &HashMap<DeliveryId, Head>,
    items: &HashMap<DeliveryId, Vec<CarriedItem>>,
    around: &Around,
) -> Result<HashMap<(EndpointId, PostId), Vec<String>>, StoreError> {
    let mails: Vec<EndpointId> = heads
        .values()
        .filter_map(|h| match h {
            Head::Posts(head) if head.endpoint.channel == Channel::Email => Some(head.endpoint.id.clone()),
            _ => None,
        })
        .collect();
    let topics: Vec<PostId> = items
        .values()
        .flatten()
        .filter_map(|(post, ..)| around.posts.get(post).map(|p| p.topic_id.clone()))
        .collect();
    let mut references: HashMap<(EndpointId, PostId), Vec<String>> = HashMap::new();
    if mails.is_empty() {
        return Ok(references);
    }
    let rows = db
        .rows(
            "SELECT d.delivery_id, d.mode, d.code, i.code, i.endpoint_id, t.topic_id FROM posts t \
             JOIN delivery_items i ON i.network_id = t.network_id AND i.post_id = t.post_id \
             JOIN deliveries d ON d.network_id = i.network_id AND d.delivery_id = i.delivery_id \
             WHERE t.network_id = $1 AND t.topic_id {in $2} AND i.endpoint_id {in $3} \
               AND d.state IN ('handed_off', 'delivered', 'unknown') AND i.dropped_at IS NULL \
             ORDER BY d.delivery_id",
            args![&network.id, list(&topics), list(&mails)],
        )
        .await?;
    for row in &rows {
        let mut r = row.reader();
        let id: DeliveryId = r.id()?;
        let mode = r.code(("deliveries", "mode"), DeliveryMode::from_code)?;
        let whole = r.code(("deliveries", "code"), ReplyCode::parse)?;
        let of_item = r.code(("delivery_items", "code"), ReplyCode::parse)?;
        let key = (r.id()?, r.id()?);
        let code = if mode == DeliveryMode::Instant { of_item } else { whole };
        let all = references.entry(key).or_default();
        let mail = message_id(&id, Some(&code), &network.mail_domain);
        if !all.contains(&mail) {
            all.push(mail);
        }
    }
    Ok(references)
}
