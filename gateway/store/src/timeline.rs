//! One page of a group's timeline with everything beside it: attachments, 了解, replies and deliveries by
//! member. A page of topics costs a fixed number of statements. Whether the viewer may see the group is
//! the caller's question and is answered before.

use crate::StoreError;
use crate::columns::{ACKNOWLEDGEMENT, read_acknowledgement};
use crate::database::Database;
use crate::value::{args, list};
use crate::view::{MemberRow, PostView, Receipt, ReceiptDelivery, Timeline, TopicView};
use crate::{posts, roster};
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::directory::Member;
use kakehashi_core::ids::{FacilityId, GroupId, LoginUserId, NetworkId, PostId, StaffId};
use kakehashi_core::post::{Acknowledgement, Post, PostKind};
use kakehashi_core::vocabulary::{Channel, DeliveryMode, DeliveryState, EndpointState, ReplyExpectation};
use std::collections::{BTreeSet, HashMap};

/// Topics of one page at most.
const MOST_TOPICS: u32 = 200;

/// A page of topics older than `before`, newest first.
pub(crate) async fn page(
    db: &Database,
    network: &NetworkId,
    login_user: &LoginUserId,
    group: &GroupId,
    (before, limit): (Option<&PostId>, u32),
    now: UtcMicros,
) -> Result<Option<Timeline>, StoreError> {
    let Some(roster) = roster::roster(db, network, group, now).await? else { return Ok(None) };
    let limit = limit.clamp(1, MOST_TOPICS);
    let rows = db
        .rows(
            "SELECT post_id FROM posts WHERE network_id = $1 AND group_id = $2 AND kind = 'topic' \
             AND (CAST($3 AS TEXT) IS NULL OR post_id < $3) ORDER BY post_id DESC LIMIT $4",
            args![network, group, before.map(PostId::as_str), limit + 1],
        )
        .await?;
    let mut topics: Vec<PostId> = rows.iter().map(|row| row.reader().id()).collect::<Result<_, _>>()?;
    let more = topics.len() > limit as usize;
    topics.truncate(limit as usize);
    let older = topics.last().cloned().filter(|_| more);
    let members: Vec<FacilityId> = roster.members.iter().map(|m| m.facility.id.clone()).collect();
    let mut beside = Beside::load(db, network, login_user, group, &topics, &members).await?;
    let mut views: HashMap<PostId, Vec<PostView>> = HashMap::new();
    for post in std::mem::take(&mut beside.posts) {
        let topic = post.topic_id.clone();
        let view = beside.view(post);
        views.entry(topic).or_default().push(view);
    }
    let topics = topics.iter().filter_map(|id| views.remove(id).and_then(|posts| topic(id, posts))).collect();
    let row = |m: Member| MemberRow {
        channels: receiving(&m.endpoints),
        facility: m.facility,
        staff: m.staff,
        pauses: m.pauses,
    };
    let members = roster.members.into_iter().map(row).collect();
    let correspondents =
        roster.correspondents.into_iter().map(row).filter(|r| !r.channels.is_empty()).collect();
    let (group, patient) = (roster.group, roster.patient);
    Ok(Some(Timeline { group, patient, members, correspondents, topics, older }))
}

fn receiving(endpoints: &[kakehashi_core::directory::Endpoint]) -> Vec<Channel> {
    let channels: BTreeSet<Channel> = endpoints
        .iter()
        .filter(|e| e.settings.receives && e.state != EndpointState::Suspended)
        .map(|e| e.channel)
        .collect();
    channels.into_iter().collect()
}

fn topic(id: &PostId, posts: Vec<PostView>) -> Option<TopicView> {
    let (mut first, mut corrections, mut replies) = (None, Vec::new(), Vec::new());
    let of_topic: BTreeSet<PostId> = corrections_of(id, &posts);
    for view in posts {
        if view.post.id == *id {
            first = Some(view);
        } else if of_topic.contains(&view.post.id) {
            corrections.push(view);
        } else {
            replies.push(view);
        }
    }
    Some(TopicView { topic: first?, corrections, replies })
}

/// Corrections of the topic itself, also those that correct a correction.
fn corrections_of(topic: &PostId, posts: &[PostView]) -> BTreeSet<PostId> {
    let mut found: BTreeSet<PostId> = BTreeSet::from([topic.clone()]);
    // Posts come in the order of their making, so a correction follows what it corrects.
    for view in posts {
        let corrects_topic = view.post.corrects.as_ref().is_some_and(|c| found.contains(c));
        if view.post.kind == PostKind::Correction && corrects_topic {
            found.insert(view.post.id.clone());
        }
    }
    found.remove(topic);
    found
}

/// Everything beside the posts of a page.
struct Beside {
    posts: Vec<Post>,
    attachments: HashMap<PostId, Vec<kakehashi_core::post::StoredAttachment>>,
    acknowledgements: HashMap<(PostId, FacilityId), Acknowledgement>,
    deliveries: HashMap<(PostId, FacilityId), Vec<ReceiptDelivery>>,
    /// By topic and facility: when it replied.
    replies: HashMap<(PostId, FacilityId), Vec<UtcMicros>>,
    facility_names: HashMap<FacilityId, String>,
    staff_names: HashMap<StaffId, String>,
    members: Vec<FacilityId>,
    read_until: UtcMicros,
}

impl Beside {
    async fn load(
        db: &Database,
        network: &NetworkId,
        login_user: &LoginUserId,
        group: &GroupId,
        topics: &[PostId],
        members: &[FacilityId],
    ) -> Result<Self, StoreError> {
        let posts = posts::of_topics(db, network, topics).await?;
        let ids = || posts.iter().map(|p| &p.id);
        let attachments = posts::attachments(db, network, ids()).await?;
        let acknowledgements = acknowledgements(db, network, &posts).await?;
        let deliveries = deliveries(db, network, &posts).await?;
        let mut replies: HashMap<(PostId, FacilityId), Vec<UtcMicros>> = HashMap::new();
        for post in posts.iter().filter(|p| p.kind == PostKind::Reply) {
            let key = (post.topic_id.clone(), post.facility_id.clone());
            replies.entry(key).or_default().push(post.posted_at);
        }
        let facilities: BTreeSet<FacilityId> = members
            .iter()
            .cloned()
            .chain(posts.iter().map(|p| p.facility_id.clone()))
            .chain(posts.iter().flat_map(|p| p.addressees.iter().map(|a| a.facility_id.clone())))
            .chain(deliveries.keys().map(|(_, f)| f.clone()))
            .chain(acknowledgements.keys().map(|(_, f)| f.clone()))
            .collect();
        let people: BTreeSet<StaffId> = posts
            .iter()
            .filter_map(|p| p.staff_id.clone())
            .chain(acknowledgements.values().filter_map(|k| k.staff_id.clone()))
            .collect();
        let mark = db
            .row(
                "SELECT read_at FROM read_marks WHERE network_id = $1 AND login_user_id = $2 AND group_id = $3",
                args![network, login_user, group],
            )
            .await?;
        Ok(Self {
            attachments,
            acknowledgements,
            deliveries,
            replies,
            facility_names: roster::names(db, network, &facilities).await?,
            staff_names: roster::staff_names(db, network, &people).await?,
            members: members.to_vec(),
            read_until: UtcMicros::from_micros(mark.map_or(Ok(0), |row| row.first_int())?),
            posts,
        })
    }

    fn view(&mut self, post: Post) -> PostView {
        // Members, and whoever else was asked or received it while being one; never the author.
        let mut concerned: BTreeSet<FacilityId> = self.members.iter().cloned().collect();
        concerned.extend(post.addressees.iter().map(|a| a.facility_id.clone()));
        let of_post = |(p, f): &(PostId, FacilityId)| (*p == post.id).then(|| f.clone());
        concerned.extend(self.deliveries.keys().filter_map(of_post));
        concerned.extend(self.acknowledgements.keys().filter_map(of_post));
        concerned.remove(&post.facility_id);
        let receipts = concerned.into_iter().map(|facility| self.receipt(&post, facility)).collect();
        PostView {
            facility_name: self.facility_name(&post.facility_id),
            staff_name: post
                .staff_id
                .as_ref()
                .and_then(|s| self.staff_names.get(s).cloned())
                .or_else(|| post.author_name.clone()),
            attachments: self.attachments.remove(&post.id).unwrap_or_default(),
            receipts,
            read: post.posted_at <= self.read_until,
            post,
        }
    }

    fn facility_name(&self, id: &FacilityId) -> String {
        self.facility_names.get(id).cloned().unwrap_or_default()
    }

    fn receipt(&self, post: &Post, facility_id: FacilityId) -> Receipt {
        let key = (post.id.clone(), facility_id.clone());
        let acknowledgement = self.acknowledgements.get(&key).cloned();
        let acknowledged_by = acknowledgement.as_ref().and_then(|k| {
            let by_roster = k.staff_id.as_ref().and_then(|s| self.staff_names.get(s).cloned());
            by_roster.or_else(|| k.person_name.clone())
        });
        let replied_at = self
            .replies
            .get(&(post.topic_id.clone(), facility_id.clone()))
            .and_then(|times| times.iter().copied().filter(|at| *at >= post.posted_at).min());
        let asked = post.addressees.iter().find(|a| a.facility_id == facility_id);
        Receipt {
            facility_name: self.facility_name(&facility_id),
            asked: asked.map_or(ReplyExpectation::None, |a| a.expectation),
            acknowledgement,
            acknowledged_by,
            replied_at,
            deliveries: self.deliveries.get(&key).cloned().unwrap_or_default(),
            facility_id,
        }
    }
}

/// The first 了解 of each facility to each post.
async fn acknowledgements(
    db: &Database,
    network: &NetworkId,
    posts: &[Post],
) -> Result<HashMap<(PostId, FacilityId), Acknowledgement>, StoreError> {
    let sql = format!(
        "SELECT {ACKNOWLEDGEMENT} FROM acknowledgements k \
         WHERE k.network_id = $1 AND k.post_id {{in $2}} AND k.withdrawn_at IS NULL \
         ORDER BY k.acknowledged_at, k.person"
    );
    let mut all = HashMap::new();
    for row in &db.rows(sql, args![network, list(posts.iter().map(|p| &p.id))]).await? {
        let k = read_acknowledgement(&mut row.reader())?;
        all.entry((k.post_id.clone(), k.facility_id.clone())).or_insert(k);
    }
    Ok(all)
}

/// Deliveries by post and facility, oldest first.
async fn deliveries(
    db: &Database,
    network: &NetworkId,
    posts: &[Post],
) -> Result<HashMap<(PostId, FacilityId), Vec<ReceiptDelivery>>, StoreError> {
    let rows = db
        .rows(
            "SELECT i.post_id, d.facility_id, d.delivery_id, d.channel, d.mode, \
                    CASE WHEN i.dropped_at IS NULL THEN d.state ELSE 'recalled' END, \
                    d.due_at, d.state_at, d.resend_possible \
             FROM delivery_items i \
             JOIN deliveries d ON d.network_id = i.network_id AND d.delivery_id = i.delivery_id \
             WHERE i.network_id = $1 AND i.post_id {in $2} AND d.sheet IS NULL ORDER BY d.delivery_id",
            args![network, list(posts.iter().map(|p| &p.id))],
        )
        .await?;
    let mut all: HashMap<(PostId, FacilityId), Vec<ReceiptDelivery>> = HashMap::new();
    for row in &rows {
        let mut r = row.reader();
        let key = (r.id()?, r.id()?);
        all.entry(key).or_default().push(ReceiptDelivery {
            delivery_id: r.id()?,
            channel: r.code(("deliveries", "channel"), Channel::from_code)?,
            mode: r.code(("deliveries", "mode"), DeliveryMode::from_code)?,
            state: r.code(("deliveries", "state"), DeliveryState::from_code)?,
            due_at: r.time()?,
            state_at: r.time()?,
            resend_possible: r.bool()?,
        });
    }
    Ok(all)
}
