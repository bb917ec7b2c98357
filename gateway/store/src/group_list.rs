//! The list of groups with what is unread and what is asked. Only open requests are counted, by an index
//! that holds nothing else, so the list costs the same after ten years of posts.

use crate::StoreError;
use crate::columns::{GROUP, PATIENT, consented, is_member, read_group, read_patient};
use crate::database::Database;
use crate::value::{args, list};
use crate::view::{GroupSummary, Request};
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::ids::{FacilityId, GroupId, LoginUserId, NetworkId, PostId};
use kakehashi_core::vocabulary::{ReplyExpectation, Urgency};
use std::collections::HashMap;

/// Unread posts are counted up to here; a page says 99+.
const MOST_UNREAD: u32 = 100;

/// Which groups.
pub(crate) enum Seen<'v> {
    /// All of the network.
    ByOffice,
    /// Where this facility is a member with consent and the group is open.
    By(&'v FacilityId),
}

impl Seen<'_> {
    /// A condition over `g` with the facility in `$2` and the time in `$3`; both are always bound.
    pub(crate) fn condition(&self) -> String {
        match self {
            Self::ByOffice => "(CAST($2 AS TEXT) = '' AND CAST($3 AS BIGINT) IS NOT NULL)".to_owned(),
            Self::By(_) => {
                format!("g.state = 'open' AND {} AND {}", is_member("$2", "$3"), consented("$2", "$3"))
            }
        }
    }

    /// Value of `$2`.
    pub(crate) fn facility(&self) -> &str {
        match self {
            Self::ByOffice => "",
            Self::By(facility) => facility.as_str(),
        }
    }
}

/// The groups, those with requests first.
pub(crate) async fn groups(
    db: &Database,
    network: &NetworkId,
    seen: &Seen<'_>,
    login_user: &LoginUserId,
    now: UtcMicros,
) -> Result<Vec<GroupSummary>, StoreError> {
    let sql = format!(
        "SELECT {GROUP}, {PATIENT}, \
           (SELECT COUNT(*) FROM (SELECT 1 FROM posts t WHERE t.network_id = g.network_id \
              AND t.group_id = g.group_id AND t.posted_at > COALESCE( \
                (SELECT r.read_at FROM read_marks r WHERE r.network_id = g.network_id \
                   AND r.login_user_id = $4 AND r.group_id = g.group_id), 0) \
              LIMIT {MOST_UNREAD}) AS unread), \
           (SELECT t.title FROM posts t WHERE t.network_id = g.network_id AND t.group_id = g.group_id \
              AND t.kind = 'topic' ORDER BY t.post_id DESC LIMIT 1), \
           (SELECT MAX(t.posted_at) FROM posts t WHERE t.network_id = g.network_id \
              AND t.group_id = g.group_id) \
         FROM patient_groups g \
         JOIN patients p ON p.network_id = g.network_id AND p.patient_id = g.patient_id \
         WHERE g.network_id = $1 AND {} ORDER BY g.group_id",
        seen.condition()
    );
    let rows = db.rows(sql, args![network, seen.facility(), now, login_user]).await?;
    let mut all = Vec::with_capacity(rows.len());
    for row in &rows {
        let mut r = row.reader();
        all.push(GroupSummary {
            group: read_group(&mut r)?,
            patient: read_patient(&mut r)?,
            unread_count: r.count()?,
            latest_title: r.opt_text()?,
            latest_at: r.opt_time()?,
            urgency: Urgency::Normal,
            answered_count: 0,
            asked_count: 0,
            requests: Vec::new(),
        });
    }
    add_requests(db, network, seen, &mut all).await?;
    all.sort_by_key(order);
    Ok(all)
}

/// Groups in which the viewer is asked by the soonest due, then by the latest post.
fn order(group: &GroupSummary) -> (bool, i64, i64) {
    let due = group.requests.iter().filter_map(|r| r.due_at).min().map_or(i64::MAX, UtcMicros::as_micros);
    let latest = group.latest_at.map_or(i64::MAX, |at| -at.as_micros());
    (group.requests.is_empty(), due, latest)
}

async fn add_requests(
    db: &Database,
    network: &NetworkId,
    seen: &Seen<'_>,
    groups: &mut [GroupSummary],
) -> Result<(), StoreError> {
    let open = db
        .rows(
            "SELECT DISTINCT topic_id FROM post_addressees \
             WHERE network_id = $1 AND group_id {in $2} AND answered_at IS NULL",
            args![network, list(groups.iter().map(|g| &g.group.id))],
        )
        .await?;
    if open.is_empty() {
        return Ok(());
    }
    let topics: Vec<PostId> = open.iter().map(|row| row.reader().id()).collect::<Result<_, _>>()?;
    let rows = db
        .rows(
            "SELECT x.post_id, x.topic_id, x.group_id, x.facility_id, x.expectation, x.answered_at, \
                    t.urgency, t.due_at, o.title \
             FROM post_addressees x \
             JOIN posts t ON t.network_id = x.network_id AND t.post_id = x.post_id \
             JOIN posts o ON o.network_id = x.network_id AND o.post_id = x.topic_id \
             WHERE x.network_id = $1 AND x.topic_id {in $2} \
               AND (x.answered_by IS NULL OR x.answered_by <> 'superseded') \
             ORDER BY x.post_id, x.facility_id",
            args![network, list(&topics)],
        )
        .await?;
    let mut by_id: HashMap<GroupId, &mut GroupSummary> =
        groups.iter_mut().map(|g| (g.group.id.clone(), g)).collect();
    for row in &rows {
        let mut r = row.reader();
        let (post_id, topic_id, group_id): (PostId, PostId, GroupId) = (r.id()?, r.id()?, r.id()?);
        let facility: FacilityId = r.id()?;
        let expectation = r.code(("post_addressees", "expectation"), ReplyExpectation::from_code)?;
        let answered = r.opt_int()?.is_some();
        let urgency = r.code(("posts", "urgency"), Urgency::from_code)?;
        let (due_at, title) = (r.opt_time()?, r.opt_text()?);
        let Some(group) = by_id.get_mut(&group_id) else { continue };
        group.asked_count += 1;
        if answered {
            group.answered_count += 1;
            continue;
        }
        group.urgency = group.urgency.max(urgency);
        if facility.as_str() == seen.facility() {
            group.requests.push(Request { post_id, topic_id, group_id, title, urgency, expectation, due_at });
        }
    }
    for group in groups {
        group.requests.sort_by_key(|r| (r.due_at.map_or(i64::MAX, UtcMicros::as_micros), r.post_id.clone()));
    }
    Ok(())
}
