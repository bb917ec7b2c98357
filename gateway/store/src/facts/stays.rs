//! What was told before of the same happening, and of a patient's stays: posts by their keys, the topics of the
//! patient's latest stays with what stands under them, and messages that became no post.

use crate::apply::messages::stays_term;
use crate::database::Database;
use crate::value::{args, list};
use crate::{StoreError, posts};
use kakehashi_core::decide::doubt;
use kakehashi_core::envelope::{Envelope, Event};
use kakehashi_core::facts::{EarlierPost, FactQuery, GroupFacts, Heard, IdentifierState, PatientCandidate};
use kakehashi_core::ids::{FacilityId, GroupId, NetworkId, PostId};
use kakehashi_core::post::print_of;
use kakehashi_core::vocabulary::IntakeState;
use std::collections::{BTreeSet, HashMap};

/// Topics of stays that are looked at, newest first: a patient who comes each month for years has more, and the
/// older ones are found by their keys.
const MOST_TOPICS: u32 = 40;
/// Messages that are looked at, newest first.
const MOST_HEARD: u32 = 60;

/// The groups in which the message may be posted: that of a confirmed number, and the one that is addressed.
pub(super) fn groups_asked(
    query: &FactQuery,
    candidates: &[PatientCandidate],
    addressed: Option<&GroupFacts>,
) -> BTreeSet<GroupId> {
    if !query.stays {
        return BTreeSet::new();
    }
    let confirmed = |c: &&PatientCandidate| {
        c.identifier.as_ref().is_some_and(|(_, state)| *state == IdentifierState::Confirmed)
    };
    let of_number = candidates.iter().filter(confirmed).filter_map(|c| c.group.as_ref());
    of_number.chain(addressed).map(|g| g.group.id.clone()).collect()
}

/// Posts of the facility, newest first.
pub(super) async fn earlier_posts(
    db: &Database,
    network: &NetworkId,
    query: &FactQuery,
    facility: &FacilityId,
    groups: BTreeSet<GroupId>,
) -> Result<Vec<EarlierPost>, StoreError> {
    let mut ids: BTreeSet<PostId> = BTreeSet::new();
    if !query.event_keys.is_empty() {
        let rows = db
            .rows(
                "SELECT post_id FROM posts WHERE network_id = $1 AND facility_id = $2 AND event_key {in $3} \
                 ORDER BY post_id DESC LIMIT 50",
                args![network, facility, query.event_keys.clone()],
            )
            .await?;
        for row in &rows {
            ids.insert(row.reader().id()?);
        }
    }
    if !groups.is_empty() {
        ids.extend(of_stays(db, network, facility, &groups).await?);
    }
    let ids: Vec<PostId> = ids.into_iter().collect();
    let attachments = posts::attachments(db, network, &ids).await?;
    let mut events = match query.stays {
        true => events(db, network, query, &ids).await?,
        false => HashMap::new(),
    };
    let mut earlier: Vec<EarlierPost> = posts::by_ids(db, network, &ids)
        .await?
        .into_iter()
        .filter_map(|post| {
            let files = attachments.get(&post.id).into_iter().flatten().map(|a| (a.role, &a.content_hash));
            let body = print_of(post.title.as_deref(), &post.body, files);
            Some(EarlierPost {
                event_key: post.event_key?,
                event: events.remove(&post.id),
                post_id: post.id,
                topic_id: post.topic_id,
                group_id: post.group_id,
                urgency: post.urgency,
                corrects: post.corrects,
                version: post.version,
                body,
            })
        })
        .collect();
    earlier.reverse();
    Ok(earlier)
}

/// What stands in the topics of the latest stays in these groups.
async fn of_stays(
    db: &Database,
    network: &NetworkId,
    facility: &FacilityId,
    groups: &BTreeSet<GroupId>,
) -> Result<Vec<PostId>, StoreError> {
    let sql = format!(
        "SELECT post_id FROM posts WHERE network_id = $1 AND group_id {{in $2}} AND facility_id = $3 \
         AND kind = 'topic' AND event_key IS NOT NULL AND event_key LIKE 'stay:%' \
         ORDER BY post_id DESC LIMIT {MOST_TOPICS}"
    );
    let rows = db.rows(sql, args![network, list(groups), facility]).await?;
    let topics: Vec<PostId> = rows.iter().map(|row| row.reader().id()).collect::<Result<_, _>>()?;
    if topics.is_empty() {
        return Ok(topics);
    }
    let rows = db
        .rows(
            "SELECT post_id FROM posts WHERE network_id = $1 AND topic_id {in $2} AND facility_id = $3 \
             AND event_key IS NOT NULL ORDER BY post_id DESC LIMIT 400",
            args![network, list(&topics), facility],
        )
        .await?;
    rows.iter().map(|row| row.reader().id()).collect()
}

/// What the message behind each of these posts told of a stay, a doctor or allergies. Of several patients in one message,
/// that of the patient who is asked for.
async fn events(
    db: &Database,
    network: &NetworkId,
    query: &FactQuery,
    posts: &[PostId],
) -> Result<HashMap<PostId, Event>, StoreError> {
    if posts.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = db
        .rows(
            "SELECT t.post_id, t.event_key, n.envelopes FROM posts t \
             JOIN intakes n ON n.network_id = t.network_id AND n.intake_id = t.intake_id \
             WHERE t.network_id = $1 AND t.post_id {in $2} AND (t.event_key LIKE 'stay:%' \
               OR t.event_key LIKE 'doctor:%' OR t.event_key LIKE 'allergies:%' \
               OR t.event_key LIKE 'content:ADT:%')",
            args![network, list(posts)],
        )
        .await?;
    let mut found = HashMap::new();
    for row in &rows {
        let mut r = row.reader();
        let post = r.id()?;
        let key = r.opt_text()?;
        let envelopes: Vec<Envelope> = r.opt_json(("intakes", "envelopes"))?.unwrap_or_default();
        let of_key = |e: &&Envelope| e.event.as_ref().is_some_and(|event| event.key == key);
        let of_patient = |e: &&Envelope| e.patient.identifiers.iter().any(|i| query.identifiers.contains(i));
        let own = envelopes.iter().filter(of_key).find(of_patient);
        let own = own.or_else(|| envelopes.iter().find(of_key));
        found.extend(own.and_then(|e| e.event.clone()).map(|event| (post, event)));
    }
    Ok(found)
}

/// What the sender told of stays under the numbers of this patient, newest first.
pub(super) async fn heard(
    db: &Database,
    network: &NetworkId,
    query: &FactQuery,
) -> Result<Vec<Heard>, StoreError> {
    let (Some(interface), true) = (&query.sender_address, query.stays) else { return Ok(Vec::new()) };
    let terms: Vec<String> = query.identifiers.iter().map(|i| stays_term(interface, &i.id)).collect();
    if terms.is_empty() {
        return Ok(Vec::new());
    }
    // What is read at this moment, for the first time or anew, is no earlier message.
    let sql = format!(
        "SELECT n.state, n.envelopes FROM hl7_index h \
         JOIN intakes n ON n.network_id = h.network_id AND n.intake_id = h.intake_id \
         WHERE h.network_id = $1 AND h.term {{in $2}} AND n.state <> $3 \
         ORDER BY h.intake_id DESC LIMIT {MOST_HEARD}"
    );
    let rows = db.rows(sql, args![network, terms.clone(), IntakeState::Accepted.code()]).await?;
    let mut heard = Vec::new();
    for row in &rows {
        let mut r = row.reader();
        let state = r.code(("intakes", "state"), IntakeState::from_code)?;
        let envelopes: Vec<Envelope> = r.opt_json(("intakes", "envelopes"))?.unwrap_or_default();
        for envelope in envelopes.into_iter().rev() {
            let ids = &envelope.patient.identifiers;
            let same = ids.iter().any(|i| terms.contains(&stays_term(interface, &i.id)));
            // Another kind of message of the same file, or an outpatient's visit.
            let parked = envelope.warnings.iter().any(|w| w.code == doubt::PARKED);
            let event = envelope.event.filter(|e| same && !parked && e.kind.as_deref() == Some("ADT"));
            let to_the_office = !matches!(state, IntakeState::Posted | IntakeState::Recorded);
            let waits = matches!(state, IntakeState::Triage | IntakeState::Quarantine);
            heard.extend(event.map(|event| Heard { event, to_the_office, waits }));
        }
    }
    Ok(heard)
}
