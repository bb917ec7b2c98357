//! Messages of hospitals by control id, patient number, type, interface and time, and how each interface does.

use crate::StoreError;
use crate::apply::messages::term;
use crate::database::Database;
use crate::value::{Value, args};
use crate::view::{InterfaceRow, MessageFilter, MessageRow, UntakenAnswer};
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::envelope::Envelope;
use kakehashi_core::ids::{IntakeId, NetworkId};
use kakehashi_core::port::Origin;
use kakehashi_core::vocabulary::{Channel, IntakeState};
use std::collections::BTreeMap;

pub(super) async fn found(
    db: &Database,
    network: &NetworkId,
    filter: &MessageFilter,
    before: Option<&IntakeId>,
    limit: u32,
) -> Result<Vec<MessageRow>, StoreError> {
    let terms = [
        ("control", &filter.control_id),
        ("patient", &filter.patient),
        ("type", &filter.kind),
        ("interface", &filter.interface),
    ];
    let mut values: Vec<Value> =
        args![network, Channel::Hl7.code(), filter.from, filter.until, before.map(IntakeId::as_str), limit];
    let mut conditions = String::new();
    for (kind, value) in terms {
        let Some(value) = value.as_deref().filter(|v| !v.trim().is_empty()) else { continue };
        values.push(Value::from(term(kind, value)));
        conditions.push_str(&format!(
            " AND n.intake_id IN (SELECT x.intake_id FROM hl7_index x WHERE x.network_id = $1 AND x.term = ${})",
            values.len()
        ));
    }
    let sql = format!(
        "SELECT n.intake_id, n.received_at, n.state, n.sender_message_id, n.origin, n.envelopes FROM intakes n \
         WHERE n.network_id = $1 AND n.channel = $2 AND n.received_at >= $3 AND n.received_at < $4 \
           AND (CAST($5 AS TEXT) IS NULL OR n.intake_id < $5){conditions} \
         ORDER BY n.intake_id DESC LIMIT $6"
    );
    let rows = db.rows(sql, values).await?;
    rows.iter()
        .map(|row| {
            let mut r = row.reader();
            let (id, received_at) = (r.id()?, r.time()?);
            let state = r.code(("intakes", "state"), IntakeState::from_code)?;
            let control_id = r.opt_text()?;
            let origin: Origin = r.json(("intakes", "origin"))?;
            let envelopes: Vec<Envelope> = r.opt_json(("intakes", "envelopes"))?.unwrap_or_default();
            let event = envelopes.first().and_then(|e| e.event.as_ref());
            let kind = event.and_then(|e| {
                let kind = e.kind.clone()?;
                Some(e.trigger.as_ref().map_or(kind.clone(), |t| format!("{kind}^{t}")))
            });
            let patients =
                envelopes.iter().filter_map(|e| e.patient.identifiers.first()).map(|i| i.id.clone());
            Ok(MessageRow {
                id,
                received_at,
                state,
                control_id,
                kind,
                patients: patients.take(3).collect(),
                interface: origin.interface,
                answer: origin.answer,
            })
        })
        .collect()
}

pub(super) async fn interfaces(
    db: &Database,
    network: &NetworkId,
    since: UtcMicros,
) -> Result<Vec<InterfaceRow>, StoreError> {
    let mut all: BTreeMap<String, InterfaceRow> = BTreeMap::new();
    let rows = db
        .rows(
            "SELECT e.address, f.name, e.settings FROM endpoints e \
             JOIN facilities f ON f.network_id = e.network_id AND f.facility_id = e.facility_id \
             WHERE e.network_id = $1 AND e.channel = 'hl7' ORDER BY e.endpoint_id",
            args![network],
        )
        .await?;
    for row in &rows {
        let mut r = row.reader();
        let name = r.text()?;
        let facility_name = Some(r.text()?);
        let settings: kakehashi_core::directory::EndpointSettings = r.json(("endpoints", "settings"))?;
        let fresh = InterfaceRow {
            name: name.clone(),
            facility_name,
            receives: settings.receives,
            ..InterfaceRow::default()
        };
        all.insert(name, fresh);
    }
    let rows = db
        .rows(
            "SELECT x.term, COUNT(*), MAX(n.received_at) FROM hl7_index x \
             JOIN intakes n ON n.network_id = x.network_id AND n.intake_id = x.intake_id \
             WHERE x.network_id = $1 AND (x.term LIKE 'interface:%' OR x.term LIKE 'fault:%') \
               AND n.received_at >= $2 GROUP BY x.term",
            args![network, since],
        )
        .await?;
    for row in &rows {
        let mut r = row.reader();
        let term = r.text()?;
        let (count, last) = (r.size()?, r.time()?);
        let Some((kind, name)) = term.split_once(':') else { continue };
        let of = all
            .entry(name.to_owned())
            .or_insert_with(|| InterfaceRow { name: name.to_owned(), ..InterfaceRow::default() });
        if kind == "fault" {
            of.fault_count = count;
        } else {
            of.message_count = count;
            of.last_at = Some(last);
        }
    }
    let rows = db
        .rows(
            "SELECT e.address, d.state, COUNT(*), MIN(d.created_at) FROM deliveries d \
             JOIN endpoints e ON e.network_id = d.network_id AND e.endpoint_id = d.endpoint_id \
             WHERE d.network_id = $1 AND d.channel = 'hl7' AND d.state IN ('held', 'failed', 'unknown') \
             GROUP BY e.address, d.state",
            args![network],
        )
        .await?;
    for row in &rows {
        let mut r = row.reader();
        let (name, state) = (r.text()?, r.text()?);
        let (count, oldest) = (r.size()?, r.time()?);
        let Some(of) = all.get_mut(&name) else { continue };
        if state == "held" {
            of.waiting_count = count;
            of.waiting_since = Some(oldest);
        } else {
            of.failed_count += count;
        }
    }
    untaken_answers(db, network, &mut all).await?;
    Ok(all.into_values().collect())
}

/// So many attempts without an answer are told; fewer are a listener that starts anew.
const TOLD_AFTER: u32 = 3;
/// Answers that are listed, oldest first.
const MAX_ANSWERS: usize = 200;

async fn untaken_answers(
    db: &Database,
    network: &NetworkId,
    all: &mut BTreeMap<String, InterfaceRow>,
) -> Result<(), StoreError> {
    let sql = format!(
        "SELECT interface, intake_id, owed_at, attempts, refusal FROM application_answers \
         WHERE network_id = $1 AND (refusal IS NOT NULL OR (ended_at IS NULL AND attempts >= {TOLD_AFTER})) \
         ORDER BY owed_at, intake_id LIMIT {MAX_ANSWERS}"
    );
    for row in &db.rows(sql, args![network]).await? {
        let mut r = row.reader();
        let name = r.text()?;
        let answer = UntakenAnswer {
            intake_id: r.id()?,
            owed_at: r.time()?,
            attempts: r.count()?,
            refusal: r.opt_text()?,
        };
        let fresh = || InterfaceRow { name: name.clone(), ..InterfaceRow::default() };
        all.entry(name.clone()).or_insert_with(fresh).answers.push(answer);
    }
    Ok(())
}
