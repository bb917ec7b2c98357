//! 仕分け待ち and 隔離 as lists and as one item with everything beside it.

use crate::StoreError;
use crate::columns::{
    ATTACHMENT, FACILITY, GROUP, PATIENT, read_attachment, read_facility, read_group, read_patient,
};
use crate::database::Database;
use crate::row::Reader;
use crate::value::{args, list};
use crate::view::{TriageCandidate, TriageClosed, TriageItem, TriageRow};
use kakehashi_core::decision::{Candidate, Decided, TriageReason};
use kakehashi_core::directory::{Facility, Patient, PatientGroup};
use kakehashi_core::envelope::{ContentHash, Envelope};
use kakehashi_core::facts::FactQuery;
use kakehashi_core::ids::{GroupId, IntakeId, NetworkId, PatientId, PostId, TriageId};
use kakehashi_core::port::Origin;
use kakehashi_core::post::StoredAttachment;
use kakehashi_core::vocabulary::Channel;
use std::collections::HashMap;

const ITEM: &str = "x.triage_id, x.intake_id, x.envelope_index, x.reasons, x.candidates, x.quarantined, \
    i.channel, i.received_at, i.origin, i.envelopes, i.decided, x.outcome, x.closed_at, x.closed_by, x.note";

/// A row as read, before names are added.
struct Raw {
    id: TriageId,
    intake_id: IntakeId,
    envelope_index: u32,
    reasons: Vec<TriageReason>,
    candidates: Vec<Candidate>,
    quarantined: bool,
    channel: Channel,
    received_at: kakehashi_core::clock::UtcMicros,
    origin: Origin,
    envelopes: Vec<Envelope>,
    decided: Vec<Decided>,
    closed: Option<TriageClosed>,
}

fn read(r: &mut Reader<'_>) -> Result<Raw, StoreError> {
    let mut raw = Raw {
        id: r.id()?,
        intake_id: r.id()?,
        envelope_index: r.count()?,
        reasons: r.json(("triage_items", "reasons"))?,
        candidates: r.json(("triage_items", "candidates"))?,
        quarantined: r.bool()?,
        channel: r.code(("intakes", "channel"), Channel::from_code)?,
        received_at: r.time()?,
        origin: r.json(("intakes", "origin"))?,
        envelopes: r.opt_json(("intakes", "envelopes"))?.unwrap_or_default(),
        decided: r.opt_json(("intakes", "decided"))?.unwrap_or_default(),
        closed: None,
    };
    let (outcome, at, by, note) = (r.opt_text()?, r.opt_time()?, r.opt_text()?, r.opt_text()?);
    if let (Some(outcome), Some(at)) = (outcome, at) {
        raw.closed = Some(TriageClosed { outcome, at, by: by.unwrap_or_default(), note });
    }
    Ok(raw)
}

impl Raw {
    fn envelope(&self) -> Option<&Envelope> {
        self.envelopes.get(self.envelope_index as usize)
    }

    fn row(&self, sender: Option<&Facility>) -> TriageRow {
        let envelope = self.envelope();
        TriageRow {
            id: self.id.clone(),
            intake_id: self.intake_id.clone(),
            // A FAX that came by mail is a FAX.
            channel: envelope.map_or(self.channel, |e| e.channel),
            sender: sender.map_or_else(|| self.stated_sender(), |f| f.name.clone()),
            title: envelope.map(kakehashi_core::placement::title_of),
            reasons: self.reasons.clone(),
            quarantined: self.quarantined,
            received_at: self.received_at,
            candidate_count: u32::try_from(self.candidates.len()).unwrap_or(u32::MAX),
        }
    }

    /// As well as it is known without the directory.
    fn stated_sender(&self) -> String {
        let stated = self.envelope().map(|e| &e.sender).and_then(|s| {
            s.number
                .clone()
                .or_else(|| s.address.clone())
                .or_else(|| s.facility.clone())
                .or_else(|| s.name.clone())
        });
        stated
            .or_else(|| self.origin.mail_from.clone())
            .or_else(|| self.origin.interface.clone())
            .or_else(|| self.origin.peer.clone())
            .unwrap_or_default()
    }

    /// Keys by which the directory knows the sender.
    fn sender_query(&self) -> FactQuery {
        let empty;
        let envelope = match self.envelope() {
            Some(envelope) => envelope,
            None => {
                let format = kakehashi_core::vocabulary::Format::Rfc5322;
                empty = Envelope::empty(self.channel, format, ContentHash::of(b""));
                &empty
            }
        };
        FactQuery::of(envelope, &self.origin)
    }
}

/// Facilities of the senders, by item. A number of several facilities is nobody's.
async fn senders(
    db: &Database,
    network: &NetworkId,
    items: &[Raw],
) -> Result<HashMap<TriageId, Facility>, StoreError> {
    let queries: Vec<(&TriageId, FactQuery)> =
        items.iter().map(|raw| (&raw.id, raw.sender_query())).collect();
    let endpoints = queries.iter().filter_map(|(_, q)| q.endpoint.as_ref());
    let addresses: Vec<String> = queries.iter().filter_map(|(_, q)| q.sender_address.clone()).collect();
    let sql = format!(
        "SELECT e.endpoint_id, e.channel, e.address, {FACILITY} FROM endpoints e \
         JOIN facilities f ON f.network_id = e.network_id AND f.facility_id = e.facility_id \
         WHERE e.network_id = $1 AND (e.endpoint_id {{in $2}} OR e.address {{in $3}})"
    );
    let mut known = Vec::new();
    for row in &db.rows(sql, args![network, list(endpoints), addresses]).await? {
        let mut r = row.reader();
        let (endpoint, channel, address) = (r.text()?, r.text()?, r.text()?);
        known.push((endpoint, channel, address, read_facility(&mut r)?));
    }
    let mut senders = HashMap::new();
    for (id, query) in queries {
        let mut fitting = known.iter().filter(|(endpoint, channel, address, _)| match &query.endpoint {
            Some(proved) => proved.as_str() == endpoint,
            None => {
                query.sender_address.as_ref() == Some(address)
                    && query.channel.is_some_and(|c| c.code() == channel)
            }
        });
        if let (Some((.., facility)), None) = (fitting.next(), fitting.next()) {
            senders.insert(id.clone(), facility.clone());
        }
    }
    Ok(senders)
}

pub(super) async fn open_list(
    db: &Database,
    network: &NetworkId,
    quarantined: bool,
    limit: u32,
) -> Result<Vec<TriageRow>, StoreError> {
    let sql = format!(
        "SELECT {ITEM} FROM triage_items x \
         JOIN intakes i ON i.network_id = x.network_id AND i.intake_id = x.intake_id \
         WHERE x.network_id = $1 AND x.quarantined = $2 AND x.outcome IS NULL \
         ORDER BY x.triage_id LIMIT $3"
    );
    let rows = db.rows(sql, args![network, quarantined, limit]).await?;
    let items: Vec<Raw> = rows.iter().map(|row| read(&mut row.reader())).collect::<Result<_, _>>()?;
    let senders = senders(db, network, &items).await?;
    Ok(items.iter().map(|raw| raw.row(senders.get(&raw.id))).collect())
}

pub(super) async fn item(
    db: &Database,
    network: &NetworkId,
    id: &TriageId,
) -> Result<Option<TriageItem>, StoreError> {
    let sql = format!(
        "SELECT {ITEM} FROM triage_items x \
         JOIN intakes i ON i.network_id = x.network_id AND i.intake_id = x.intake_id \
         WHERE x.network_id = $1 AND x.triage_id = $2"
    );
    let Some(row) = db.row(sql, args![network, id]).await? else { return Ok(None) };
    let raw = [read(&mut row.reader())?];
    let sender_facility = senders(db, network, &raw).await?.remove(id);
    let [raw] = raw;
    let candidates = named(db, network, &raw.candidates).await?;
    let attachments = of_envelope(db, network, &raw).await?;
    let companions = companions(db, network, &raw, sender_facility.as_ref()).await?;
    let joinable = joinable(db, network, &raw, sender_facility.as_ref()).await?;
    Ok(Some(TriageItem {
        row: raw.row(sender_facility.as_ref()),
        envelope_index: raw.envelope_index,
        envelope: raw.envelope().cloned(),
        attachments,
        candidates,
        sender_facility,
        decided: raw.decided.get(raw.envelope_index as usize).cloned(),
        closed: raw.closed,
        companions,
        joinable,
    }))
}

/// Two calls within this time can be one document: the line broke, or the feeder took half of it.
const JOINED_WITHIN_SECONDS: i64 = 6 * 3600;

/// Other FAX of the same number that wait, oldest first: pages of a document that came in several calls.
async fn joinable(
    db: &Database,
    network: &NetworkId,
    raw: &Raw,
    facility: Option<&Facility>,
) -> Result<Vec<TriageRow>, StoreError> {
    let Some(envelope) = raw.envelope().filter(|e| e.channel == Channel::Fax) else { return Ok(Vec::new()) };
    let sql = format!(
        "SELECT {ITEM} FROM triage_items x \
         JOIN intakes i ON i.network_id = x.network_id AND i.intake_id = x.intake_id \
         WHERE x.network_id = $1 AND x.outcome IS NULL AND x.quarantined = $2 AND x.triage_id <> $3 \
           AND i.received_at >= $4 AND i.received_at <= $5 \
         ORDER BY x.triage_id LIMIT $6"
    );
    let (from, until) = (
        raw.received_at.plus_seconds(-JOINED_WITHIN_SECONDS),
        raw.received_at.plus_seconds(JOINED_WITHIN_SECONDS),
    );
    let mut found = Vec::new();
    for row in &db.rows(sql, args![network, false, &raw.id, from, until, COMPANIONS_AMONG]).await? {
        let other = read(&mut row.reader())?;
        let same = other
            .envelope()
            .is_some_and(|e| e.channel == Channel::Fax && e.sender.number == envelope.sender.number);
        // What a sheet shows lies on its topic already.
        if same && !other.reasons.contains(&TriageReason::SheetToConfirm) {
            found.push(other.row(facility));
        }
    }
    Ok(found)
}

/// Items looked through for companions, newest first.
const COMPANIONS_AMONG: u32 = 200;

/// The other half of a locked file and its password mail (PPAP), while both wait.
async fn companions(
    db: &Database,
    network: &NetworkId,
    raw: &Raw,
    facility: Option<&Facility>,
) -> Result<Vec<TriageRow>, StoreError> {
    let wanted = if raw.reasons.contains(&TriageReason::EncryptedFile) {
        TriageReason::PasswordMail
    } else if raw.reasons.contains(&TriageReason::PasswordMail) {
        TriageReason::EncryptedFile
    } else {
        return Ok(Vec::new());
    };
    let sql = format!(
        "SELECT {ITEM} FROM triage_items x \
         JOIN intakes i ON i.network_id = x.network_id AND i.intake_id = x.intake_id \
         WHERE x.network_id = $1 AND x.outcome IS NULL AND x.triage_id <> $2 \
         ORDER BY x.triage_id DESC LIMIT $3"
    );
    let sender = raw.sender_query().sender_address;
    let mut found = Vec::new();
    for row in &db.rows(sql, args![network, &raw.id, COMPANIONS_AMONG]).await? {
        let other = read(&mut row.reader())?;
        if sender.is_some()
            && other.sender_query().sender_address == sender
            && other.reasons.contains(&wanted)
        {
            found.push(other.row(facility));
        }
    }
    Ok(found)
}

/// Attachments of the item's own Envelope: positions count through all Envelopes of the intake.
async fn of_envelope(
    db: &Database,
    network: &NetworkId,
    raw: &Raw,
) -> Result<Vec<StoredAttachment>, StoreError> {
    let sql = format!(
        "SELECT {ATTACHMENT}, a.turned_from FROM attachments a WHERE a.network_id = $1 AND a.intake_id = $2 \
         ORDER BY a.position, a.attachment_id"
    );
    let mut all = Vec::new();
    for row in &db.rows(sql, args![network, &raw.intake_id]).await? {
        let mut r = row.reader();
        let stored = read_attachment(&mut r)?;
        // As the Envelope knows it, whatever the office has turned since.
        let read_as = r.opt_text()?.unwrap_or_else(|| stored.content_hash.to_string());
        all.push((read_as, stored));
    }
    if raw.envelopes.len() <= 1 {
        return Ok(all.into_iter().map(|(_, stored)| stored).collect());
    }
    // Posting renumbers, so the Envelope's own list tells which are its.
    let Some(envelope) = raw.envelope() else { return Ok(Vec::new()) };
    let mut own: Vec<StoredAttachment> = Vec::new();
    for wanted in &envelope.attachments {
        let found = all.iter().find(|(read_as, stored)| {
            read_as.as_str() == wanted.content_hash.as_str() && !own.iter().any(|o| o.id == stored.id)
        });
        own.extend(found.map(|(_, stored)| stored.clone()));
    }
    Ok(own)
}

async fn named(
    db: &Database,
    network: &NetworkId,
    candidates: &[Candidate],
) -> Result<Vec<TriageCandidate>, StoreError> {
    let mut patients: HashMap<PatientId, Patient> = HashMap::new();
    let sql = format!("SELECT {PATIENT} FROM patients p WHERE p.network_id = $1 AND p.patient_id {{in $2}}");
    for row in &db.rows(sql, args![network, list(candidates.iter().map(|c| &c.patient_id))]).await? {
        let patient = read_patient(&mut row.reader())?;
        patients.insert(patient.id.clone(), patient);
    }
    let mut groups: HashMap<GroupId, PatientGroup> = HashMap::new();
    let sql =
        format!("SELECT {GROUP} FROM patient_groups g WHERE g.network_id = $1 AND g.group_id {{in $2}}");
    let ids = list(candidates.iter().filter_map(|c| c.group_id.as_ref()));
    for row in &db.rows(sql, args![network, ids]).await? {
        let group = read_group(&mut row.reader())?;
        groups.insert(group.id.clone(), group);
    }
    let mut titles: HashMap<PostId, Option<String>> = HashMap::new();
    let rows = db
        .rows(
            "SELECT t.post_id, o.title FROM posts t \
             JOIN posts o ON o.network_id = t.network_id AND o.post_id = t.topic_id \
             WHERE t.network_id = $1 AND t.post_id {in $2}",
            args![network, list(candidates.iter().filter_map(|c| c.post_id.as_ref()))],
        )
        .await?;
    for row in &rows {
        let mut r = row.reader();
        titles.insert(r.id()?, r.opt_text()?);
    }
    Ok(candidates
        .iter()
        .filter_map(|c| {
            Some(TriageCandidate {
                patient: patients.get(&c.patient_id)?.clone(),
                group: c.group_id.as_ref().and_then(|id| groups.get(id).cloned()),
                topic_title: c.post_id.as_ref().and_then(|id| titles.get(id).cloned().flatten()),
                candidate: c.clone(),
            })
        })
        .collect())
}
