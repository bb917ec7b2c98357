//! The facts for one Envelope: targeted questions, each answered by an index. What it costs depends on
//! the sender's facility and the number of candidates (at most [`MOST`] of each kind), never on the size
//! of a timeline or of the network.

mod stays;

use crate::apply::messages::document_term;
use crate::columns::{
    ENDPOINT, FACILITY, GROUP, PATIENT, consented_by, is_member, read_endpoint, read_facility, read_group,
    read_patient,
};
use crate::database::Database;
use crate::value::args;
use crate::{StoreError, codes};
use kakehashi_core::bounce::{COUNTS_FOR_SECONDS, is_hard};
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::directory::{Network, Patient};
use kakehashi_core::facts::{
    BouncedEndpoint, CodeEntry, CodeFacts, CodeItem, FactQuery, Facts, GroupFacts, IdentifierState,
    PaperTrust, PatientCandidate, SenderFacts,
};
use kakehashi_core::ids::{EndpointId, FacilityId, NetworkId, PatientId};
use kakehashi_core::job::delivery_of_message_id;
use kakehashi_core::reply_code::ReplyCode;
use kakehashi_core::vocabulary::{Channel, EndpointState};
use std::collections::HashMap;

/// Candidates of one kind that a person could still look through.
const MOST: u32 = 20;
/// Thread ids that are looked at, nearest first.
const MOST_THREAD_IDS: usize = 20;

/// Answers a query.
pub(crate) async fn gather(
    db: &Database,
    network: Network,
    query: &FactQuery,
    now: UtcMicros,
) -> Result<Facts, StoreError> {
    let n = &network.id;
    let sender = sender(db, n, query).await?;
    let facility = sender.as_ref().map(|s| &s.facility.id);
    let code = match &query.reply_code {
        None => CodeFacts::Absent,
        Some(text) => {
            let canonical = ReplyCode::parse(text).map_or_else(|| text.clone(), |c| c.as_str().to_owned());
            match codes::by_code(db, n, &canonical, now).await? {
                Some(entry) => CodeFacts::Known(Box::new(entry)),
                None => CodeFacts::Unknown,
            }
        }
    };
    let thread = thread(db, n, query, now).await?;
    let addressed_group = addressed_group(db, &network, query, facility, now).await?;
    let candidates = candidates(db, n, query, facility, now).await?;
    let (earlier_posts, heard) = match facility {
        Some(facility) => {
            let groups = stays::groups_asked(query, &candidates, addressed_group.as_ref());
            (stays::earlier_posts(db, n, query, facility, groups).await?, stays::heard(db, n, query).await?)
        }
        None => (Vec::new(), Vec::new()),
    };
    let bounced = bounced(db, n, query, now).await?;
    let paper = match query.channel {
        Some(Channel::Fax) => paper_trust(db, n).await?,
        _ => PaperTrust::default(),
    };
    let open_deliveries = match (&sender, query.channel, &query.reply_code) {
        (Some(sender), Some(Channel::Fax), None) => open_deliveries(db, n, &sender.endpoint.id, now).await?,
        _ => Vec::new(),
    };
    let made_final = made_final(db, n, query).await?;
    Ok(Facts {
        sender,
        code,
        thread,
        addressed_group,
        candidates,
        earlier_posts,
        heard,
        bounced,
        paper,
        open_deliveries,
        made_final,
        network,
    })
}

/// Deliveries of one number that a sheet without a code could answer.
const MOST_OPEN: u32 = 8;

/// What lately went to a number and can still be answered, newest first, in groups in which its facility still is.
async fn open_deliveries(
    db: &Database,
    network: &NetworkId,
    endpoint: &EndpointId,
    now: UtcMicros,
) -> Result<Vec<(CodeItem, UtcMicros)>, StoreError> {
    let sql = format!(
        "SELECT t.post_id, t.topic_id, g.group_id, g.patient_id, d.state_at FROM deliveries d \
         JOIN delivery_items i ON i.network_id = d.network_id AND i.delivery_id = d.delivery_id \
         JOIN posts t ON t.network_id = i.network_id AND t.post_id = i.post_id \
         JOIN patient_groups g ON g.network_id = t.network_id AND g.group_id = t.group_id \
         WHERE d.network_id = $1 AND d.endpoint_id = $2 AND d.sheet IS NULL AND i.dropped_at IS NULL \
           AND d.state IN ('handed_off', 'delivered', 'unknown') AND d.code_expires_at > $3 \
           AND g.state = 'open' AND {} \
         ORDER BY d.delivery_id DESC, i.position LIMIT {MOST_OPEN}",
        is_member("d.facility_id", "$3"),
    );
    let rows = db.rows(sql, args![network, endpoint, now]).await?;
    rows.iter()
        .map(|row| {
            let mut r = row.reader();
            let (post_id, topic_id) = (r.id()?, r.id()?);
            let item = CodeItem { post_id, topic_id, group_id: r.id()?, patient_id: r.id()? };
            Ok((item, r.time()?))
        })
        .collect()
}

/// Whether an MDM^T03 of the same interface has made this draft final.
async fn made_final(db: &Database, network: &NetworkId, query: &FactQuery) -> Result<bool, StoreError> {
    let (Some(interface), Some(document)) = (&query.sender_address, &query.draft) else { return Ok(false) };
    let sql = "SELECT 1 FROM hl7_index WHERE network_id = $1 AND term = $2 LIMIT 1";
    let term = document_term("final", interface, document);
    Ok(db.row(sql, args![network, term]).await?.is_some())
}

/// Failed deliveries of an endpoint that are looked through for hard bounces.
const MOST_BOUNCES: u32 = 20;

/// The endpoint of a mail that came back for good, and how often that happened to it lately. Only a
/// delivery that was really made is believed; anybody can write a report.
async fn bounced(
    db: &Database,
    network: &NetworkId,
    query: &FactQuery,
    now: UtcMicros,
) -> Result<Option<BouncedEndpoint>, StoreError> {
    let Some(delivery) = query.bounced.as_deref().and_then(delivery_of_message_id) else { return Ok(None) };
    let row = db
        .row(
            "SELECT e.endpoint_id, e.state, f.name FROM deliveries d \
             JOIN endpoints e ON e.network_id = d.network_id AND e.endpoint_id = d.endpoint_id \
             JOIN facilities f ON f.network_id = e.network_id AND f.facility_id = e.facility_id \
             WHERE d.network_id = $1 AND d.delivery_id = $2 AND d.channel = 'email' \
             AND d.attempt_count > 0",
            args![network, &delivery],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let mut r = row.reader();
    let endpoint_id: EndpointId = r.id()?;
    let state = r.code(("endpoints", "state"), EndpointState::from_code)?;
    let facility = r.text()?;
    let rows = db
        .rows(
            "SELECT last_detail FROM deliveries WHERE network_id = $1 AND endpoint_id = $2 \
             AND state = 'failed' AND delivery_id <> $3 AND state_at >= $4 \
             ORDER BY state_at DESC LIMIT $5",
            args![network, &endpoint_id, &delivery, now.plus_seconds(-COUNTS_FOR_SECONDS), MOST_BOUNCES],
        )
        .await?;
    let mut hard_before = 0;
    for row in &rows {
        let detail = row.reader().opt_text()?;
        hard_before += u32::from(detail.as_deref().is_some_and(is_hard));
    }
    Ok(Some(BouncedEndpoint { endpoint_id, state, facility, hard_before }))
}

/// How many sheets in a row were read as a person read them, and how many are needed. Only what came
/// after the last false reading counts.
pub(crate) async fn paper_trust(db: &Database, network: &NetworkId) -> Result<PaperTrust, StoreError> {
    let row = db
        .row(
            "SELECT (SELECT COUNT(*) FROM sheet_checks c WHERE c.network_id = $1 AND c.agrees = 'yes' \
             AND c.checked_at > COALESCE((SELECT MAX(f.checked_at) FROM sheet_checks f \
             WHERE f.network_id = $1 AND f.agrees = 'no'), -1)), \
             COALESCE((SELECT pilot_sheets FROM paper_settings WHERE network_id = $1), 300), \
             (SELECT COUNT(*) FROM paper_settings WHERE network_id = $1 AND untouched_acknowledges = $2)",
            args![network, true],
        )
        .await?;
    let Some(row) = row else { return Ok(PaperTrust::default()) };
    let mut cells = row.reader();
    Ok(PaperTrust {
        agreed: cells.count()?,
        needed: cells.count()?,
        untouched_acknowledges: cells.count()? > 0,
    })
}

/// The one endpoint that was proved or whose address was used. Two facilities with one number are no
/// sender at all.
async fn sender(
    db: &Database,
    network: &NetworkId,
    query: &FactQuery,
) -> Result<Option<SenderFacts>, StoreError> {
    let select = format!(
        "SELECT {ENDPOINT}, {FACILITY} FROM endpoints e \
         JOIN facilities f ON f.network_id = e.network_id AND f.facility_id = e.facility_id"
    );
    let rows = if let Some(endpoint) = &query.endpoint {
        let sql = format!("{select} WHERE e.network_id = $1 AND e.endpoint_id = $2");
        db.rows(sql, args![network, endpoint]).await?
    } else if let (Some(address), Some(channel)) = (&query.sender_address, query.channel) {
        let sql = format!("{select} WHERE e.network_id = $1 AND e.address = $2 AND e.channel = $3 LIMIT 2");
        db.rows(sql, args![network, address, channel.code()]).await?
    } else {
        return Ok(None);
    };
    let [row] = rows.as_slice() else { return Ok(None) };
    let mut r = row.reader();
    Ok(Some(SenderFacts { endpoint: read_endpoint(&mut r)?, facility: read_facility(&mut r)? }))
}

async fn thread(
    db: &Database,
    network: &NetworkId,
    query: &FactQuery,
    now: UtcMicros,
) -> Result<Option<CodeEntry>, StoreError> {
    for id in query.in_reply_to.iter().take(MOST_THREAD_IDS) {
        let Some(delivery) = delivery_of_message_id(id) else { continue };
        if let Some(entry) = codes::by_delivery(db, network, &delivery, now).await? {
            return Ok(Some(entry));
        }
    }
    Ok(None)
}

/// By group address among the recipients, else by alias, where exactly one group is meant.
async fn addressed_group(
    db: &Database,
    network: &Network,
    query: &FactQuery,
    sender: Option<&FacilityId>,
    now: UtcMicros,
) -> Result<Option<GroupFacts>, StoreError> {
    let domain = network.mail_domain.to_lowercase();
    let locals: Vec<String> = query
        .recipients
        .iter()
        .filter_map(|r| r.rsplit_once('@'))
        .filter(|(_, d)| d.to_lowercase() == domain)
        .map(|(local, _)| local.to_lowercase())
        .collect();
    let by_address = if locals.is_empty() {
        Vec::new()
    } else {
        groups(db, &network.id, "g.address {in $2}", locals, sender, query, now).await?
    };
    let found = match (&query.group_alias, by_address.is_empty()) {
        (Some(alias), true) => {
            groups(db, &network.id, "g.alias {in $2}", vec![alias.trim().to_owned()], sender, query, now)
                .await?
        }
        _ => by_address,
    };
    let mut found = found.into_iter();
    Ok(match (found.next(), found.next()) {
        (Some(one), None) => Some(one),
        _ => None,
    })
}

/// Groups that a condition over `g` selects, as the sender's facility stands to them.
async fn groups(
    db: &Database,
    network: &NetworkId,
    condition: &str,
    keys: Vec<String>,
    sender: Option<&FacilityId>,
    query: &FactQuery,
    now: UtcMicros,
) -> Result<Vec<GroupFacts>, StoreError> {
    // Without a sender nobody is a member: no facility has an empty id.
    let facility = sender.map_or("", FacilityId::as_str);
    let channel = query.channel.map_or("", kakehashi_core::vocabulary::Channel::code);
    let sql = format!(
        "SELECT {GROUP}, {}, {} FROM patient_groups g WHERE g.network_id = $1 AND {condition} \
         ORDER BY g.group_id",
        is_member("$3", "$5"),
        consented_by("$3", "$4", "$5"),
    );
    let rows = db.rows(sql, args![network, keys, facility, channel, now]).await?;
    rows.iter()
        .map(|row| {
            let mut r = row.reader();
            Ok(GroupFacts {
                group: read_group(&mut r)?,
                sender_is_member: r.bool()?,
                consent_covers_sender: r.bool()?,
            })
        })
        .collect()
}

/// Patients that could be meant: by the sender's own number, by birth date and name, by name or birth
/// date among the sender's groups, and for a name without a birth date by name alone, so that 千代 and
/// 千代子 both stand before the office (care-network.md 8.9).
async fn candidates(
    db: &Database,
    network: &NetworkId,
    query: &FactQuery,
    sender: Option<&FacilityId>,
    now: UtcMicros,
) -> Result<Vec<PatientCandidate>, StoreError> {
    let mut found: Vec<(Patient, Option<(String, IdentifierState)>)> = Vec::new();
    if let Some(facility) = sender
        && !query.identifiers.is_empty()
    {
        let ids: Vec<String> = query.identifiers.iter().map(|i| i.id.clone()).collect();
        let sql = format!(
            "SELECT {PATIENT}, x.identifier, x.state FROM patient_identifiers x \
             JOIN patients p ON p.network_id = x.network_id AND p.patient_id = x.patient_id \
             WHERE x.network_id = $1 AND x.facility_id = $2 AND x.identifier {{in $3}} \
             ORDER BY x.identifier"
        );
        for row in &db.rows(sql, args![network, facility, ids]).await? {
            let mut r = row.reader();
            let patient = read_patient(&mut r)?;
            let identifier = r.text()?;
            let state = r.code(("patient_identifiers", "state"), IdentifierState::from_code)?;
            found.push((patient, Some((identifier, state))));
        }
    }
    let named = !query.folded_names.is_empty();
    let mut questions: Vec<(String, Vec<crate::value::Value>)> = Vec::new();
    let names = || crate::value::Value::List(query.folded_names.clone());
    if let (true, Some(birth_date)) = (named, &query.birth_date) {
        questions.push((
            "p.network_id = $1 AND p.birth_date = $3 AND (p.folded_name {in $2} OR p.folded_kana {in $2})"
                .to_owned(),
            [args![network], vec![names()], args![birth_date]].concat(),
        ));
    }
    if let Some(facility) = sender.filter(|_| named || query.birth_date.is_some()) {
        // A facility has a bounded number of groups; its patients are looked through by them.
        questions.push((
            format!(
                "p.network_id = $1 AND (p.birth_date = $3 OR p.folded_name {{in $2}} \
                     OR p.folded_kana {{in $2}}) AND p.patient_id IN ( \
                     SELECT g.patient_id FROM memberships m \
                     JOIN patient_groups g ON g.network_id = m.network_id AND g.group_id = m.group_id \
                     WHERE m.network_id = $1 AND m.facility_id = $4 AND {})",
                is_member("$4", "$5")
            ),
            [args![network], vec![names()], args![&query.birth_date, facility, now]].concat(),
        ));
    }
    if named && query.birth_date.is_none() {
        questions.push((
            "p.network_id = $1 AND (p.folded_name {in $2} OR p.folded_kana {in $2})".to_owned(),
            [args![network], vec![names()]].concat(),
        ));
        // Longer names that begin so; the last character of all ends the range.
        for name in query.folded_names.iter().filter(|n| n.chars().count() >= 3).take(4) {
            questions.push((
                "p.network_id = $1 AND p.folded_name > $2 AND p.folded_name < $3".to_owned(),
                args![network, name, format!("{name}\u{10ffff}")],
            ));
        }
    }
    for (condition, values) in questions {
        let sql =
            format!("SELECT {PATIENT} FROM patients p WHERE {condition} ORDER BY p.patient_id LIMIT {MOST}");
        for row in &db.rows(sql, values).await? {
            let patient = read_patient(&mut row.reader())?;
            if !found.iter().any(|(known, _)| known.id == patient.id) {
                found.push((patient, None));
            }
        }
    }
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let keys = found.iter().map(|(p, _)| p.id.as_str().to_owned()).collect();
    let groups = groups(db, network, "g.patient_id {in $2}", keys, sender, query, now).await?;
    let mut by_patient: HashMap<PatientId, GroupFacts> = HashMap::new();
    for facts in groups {
        // A patient has one group in use; an earlier one may be closed.
        let open = facts.group.state == kakehashi_core::vocabulary::GroupState::Open;
        match by_patient.entry(facts.group.patient_id.clone()) {
            std::collections::hash_map::Entry::Occupied(mut known) => {
                if open {
                    known.insert(facts);
                }
            }
            std::collections::hash_map::Entry::Vacant(none) => {
                none.insert(facts);
            }
        }
    }
    Ok(found
        .into_iter()
        .map(|(patient, identifier)| PatientCandidate {
            group: by_patient.get(&patient.id).cloned(),
            patient,
            identifier,
        })
        .collect())
}
