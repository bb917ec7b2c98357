//! What a message to a hospital needs besides the post: the hospital's own number of the patient, the name
//! as its messages write it, its document and stay, and the 了解 that is told. Numbers of other institutions
//! never leave (hl7.md 14).

use super::RefusedPost;
use crate::apply::receipts::read_receipt_key;
use crate::columns::{PATIENT, read_patient};
use crate::database::Database;
use crate::value::args;
use crate::{StoreError, roster};
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::directory::Patient;
use kakehashi_core::envelope::{Envelope, NameKind};
use kakehashi_core::ids::{FacilityId, NetworkId, PostId, StaffId};
use kakehashi_core::job::{HospitalRecord, JobItem, JobReceipt};
use kakehashi_core::vocabulary::Channel;

/// Adds what only an HL7 message needs. Without a confirmed number the record stays empty and rendering
/// refuses the item.
pub(super) async fn complete(
    db: &Database,
    network: &NetworkId,
    facility: &FacilityId,
    receipt_of: &str,
    item: &mut JobItem,
) -> Result<(), StoreError> {
    item.receipt = receipt(db, network, receipt_of, item).await?;
    let sql = format!(
        "SELECT {PATIENT}, x.identifier FROM patient_groups g \
         JOIN patients p ON p.network_id = g.network_id AND p.patient_id = g.patient_id \
         JOIN patient_identifiers x ON x.network_id = g.network_id AND x.patient_id = g.patient_id \
         WHERE g.network_id = $1 AND g.group_id = $2 AND x.facility_id = $3 AND x.state = 'confirmed' \
         ORDER BY x.identifier LIMIT 20"
    );
    let (mut patient, mut identifiers) = (None, Vec::new());
    for row in &db.rows(sql, args![network, &item.post.group_id, facility]).await? {
        let mut r = row.reader();
        patient = Some(read_patient(&mut r)?);
        identifiers.push(r.text()?);
    }
    let (Some(patient), Some(first)) = (patient, identifiers.first().cloned()) else { return Ok(()) };
    let row = db
        .row(
            "SELECT t.event_key, n.envelopes FROM posts t \
             LEFT JOIN intakes n ON n.network_id = t.network_id AND n.intake_id = t.intake_id \
             WHERE t.network_id = $1 AND t.post_id = $2 AND t.facility_id = $3",
            args![network, &item.post.topic_id, facility],
        )
        .await?;
    let (mut event_key, mut envelopes) = (None, Vec::new());
    if let Some(row) = &row {
        let mut r = row.reader();
        event_key = r.opt_text()?;
        envelopes = r.opt_json::<Vec<Envelope>>(("intakes", "envelopes"))?.unwrap_or_default();
    }
    // Of several patients in one message, the one whose number is this patient's.
    let own = envelopes.iter().find_map(|e| {
        let number = e.patient.identifiers.iter().find(|i| identifiers.contains(&i.id))?;
        Some((e, number.id.clone()))
    });
    let document = event_key.as_deref().and_then(|k| k.strip_prefix("document:")).map(str::to_owned);
    let mut record = match own {
        Some((envelope, identifier)) => as_written(envelope, identifier, patient, document),
        None => registered(first, patient, document),
    };
    record.first_version = first_version(db, network, item.post.corrects.as_ref()).await?;
    record.referral = event_key.as_deref().and_then(|k| k.strip_prefix("referral:")).map(str::to_owned);
    item.hospital = Some(record);
    Ok(())
}

/// The post that a chain of corrections began with. A chain that is longer than people correct ends where it
/// is cut.
async fn first_version(
    db: &Database,
    network: &NetworkId,
    corrected: Option<&PostId>,
) -> Result<Option<PostId>, StoreError> {
    let Some(mut first) = corrected.cloned() else { return Ok(None) };
    for _ in 0..50 {
        let row = db
            .row("SELECT corrects FROM posts WHERE network_id = $1 AND post_id = $2", args![network, &first])
            .await?;
        match row.map(|row| row.reader().opt_id()).transpose()?.flatten() {
            Some(earlier) => first = earlier,
            None => break,
        }
    }
    Ok(Some(first))
}

fn registered(identifier: String, patient: Patient, document: Option<String>) -> HospitalRecord {
    HospitalRecord {
        identifier,
        name: patient.name,
        kana: Some(patient.kana).filter(|k| !k.is_empty()),
        birth_date: patient.birth_date,
        sex: patient.sex,
        visit: None,
        document,
        ..HospitalRecord::default()
    }
}

fn as_written(
    envelope: &Envelope,
    identifier: String,
    patient: Patient,
    document: Option<String>,
) -> HospitalRecord {
    let names = &envelope.patient.names;
    let of_kind = |kind: NameKind| names.iter().find(|n| n.kind == kind);
    let kanji = of_kind(NameKind::Kanji).or_else(|| names.first());
    let kana = kanji.and_then(|n| n.kana.clone()).or_else(|| of_kind(NameKind::Kana).map(|n| n.text.clone()));
    let visit = envelope.event.as_ref().and_then(|e| e.visit.as_ref()).and_then(|v| v.number.clone());
    let registered = registered(identifier, patient, document);
    HospitalRecord {
        name: kanji.map_or(registered.name, |n| n.text.clone()),
        kana: kana.or(registered.kana),
        birth_date: envelope.patient.birth_date.clone().or(registered.birth_date),
        sex: envelope.patient.sex.clone().or(registered.sex),
        visit,
        message: envelope.event.as_ref().and_then(|e| e.control_id.clone()),
        ..registered
    }
}

async fn receipt(
    db: &Database,
    network: &NetworkId,
    receipt_of: &str,
    item: &JobItem,
) -> Result<Option<JobReceipt>, StoreError> {
    let Some((facility, given)) = read_receipt_key(receipt_of) else { return Ok(None) };
    let row = db
        .row(
            "SELECT staff_id, person_name, channel FROM acknowledgements \
             WHERE network_id = $1 AND post_id = $2 AND facility_id = $3 AND acknowledged_at = $4 \
             ORDER BY person LIMIT 1",
            args![network, &item.post.id, &facility, given],
        )
        .await?;
    let (mut staff, mut person, mut channel) = (None::<StaffId>, None, Channel::Web);
    if let Some(row) = &row {
        let mut r = row.reader();
        staff = r.opt_id()?;
        person = r.opt_text()?;
        channel = r.code(("acknowledgements", "channel"), Channel::from_code)?;
    }
    let names = roster::names(db, network, [&facility]).await?;
    let people = roster::staff_names(db, network, staff.iter()).await?;
    Ok(Some(JobReceipt {
        facility_name: names.get(&facility).cloned().unwrap_or_default(),
        person: staff.and_then(|s| people.get(&s).cloned()).or(person),
        acknowledged_at: given,
        channel,
    }))
}

/// Posts of failed HL7 deliveries without a FAX beside them. A 了解 that is told goes by HL7 only.
pub(super) async fn refused(
    db: &Database,
    network: &NetworkId,
    now: UtcMicros,
) -> Result<Vec<RefusedPost>, StoreError> {
    let rows = db
        .rows(
            "SELECT i.post_id, t.group_id, e.facility_id, e.address FROM deliveries d \
             JOIN endpoints e ON e.network_id = d.network_id AND e.endpoint_id = d.endpoint_id \
             JOIN delivery_items i ON i.network_id = d.network_id AND i.delivery_id = d.delivery_id \
             JOIN posts t ON t.network_id = i.network_id AND t.post_id = i.post_id \
             WHERE d.network_id = $1 AND d.state IN ('failed', 'unknown') AND d.channel = 'hl7' \
               AND d.state_at >= $2 AND i.receipt_of = '' AND i.dropped_at IS NULL \
               AND NOT EXISTS (SELECT 1 FROM delivery_items j \
                 JOIN endpoints f ON f.network_id = j.network_id AND f.endpoint_id = j.endpoint_id \
                 WHERE j.network_id = $1 AND j.post_id = i.post_id AND f.facility_id = e.facility_id \
                   AND f.channel = 'fax') \
             ORDER BY i.post_id LIMIT 20",
            args![network, now.plus_seconds(-7 * 24 * 3600)],
        )
        .await?;
    rows.iter()
        .map(|row| {
            let mut r = row.reader();
            Ok(RefusedPost {
                post_id: r.id()?,
                group_id: r.id()?,
                facility_id: r.id()?,
                interface: r.text()?,
            })
        })
        .collect()
}
