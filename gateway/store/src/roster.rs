//! Groups with patient, members, endpoints and people, as fan-out, pages and sheets need them.

use crate::StoreError;
use crate::columns::{
    ENDPOINT, FACILITY, GROUP, PATIENT, consented, is_member, read_endpoint, read_facility, read_group,
    read_patient,
};
use crate::database::Database;
use crate::pauses;
use crate::value::{args, list};
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::directory::{Endpoint, GroupRoster, Member, Patient, PatientGroup, StaffMember};
use kakehashi_core::ids::{FacilityId, GroupId, NetworkId, StaffId};
use std::collections::HashMap;

/// One group and its patient.
pub(crate) async fn group(
    db: &Database,
    network: &NetworkId,
    group: &GroupId,
) -> Result<Option<(PatientGroup, Patient)>, StoreError> {
    let sql = format!(
        "SELECT {GROUP}, {PATIENT} FROM patient_groups g \
         JOIN patients p ON p.network_id = g.network_id AND p.patient_id = g.patient_id \
         WHERE g.network_id = $1 AND g.group_id = $2"
    );
    let Some(row) = db.row(sql, args![network, group]).await? else { return Ok(None) };
    let mut r = row.reader();
    Ok(Some((read_group(&mut r)?, read_patient(&mut r)?)))
}

/// A group with everything that publishing a post needs.
pub(crate) async fn roster(
    db: &Database,
    network: &NetworkId,
    id: &GroupId,
    now: UtcMicros,
) -> Result<Option<GroupRoster>, StoreError> {
    let Some((group, patient)) = group(db, network, id).await? else { return Ok(None) };
    let sql = format!(
        "SELECT {FACILITY}, {} FROM memberships m \
         JOIN patient_groups g ON g.network_id = m.network_id AND g.group_id = m.group_id \
         JOIN facilities f ON f.network_id = m.network_id AND f.facility_id = m.facility_id \
         WHERE m.network_id = $1 AND m.group_id = $2 \
           AND m.since <= $3 AND (m.ended_at IS NULL OR m.ended_at > $3) \
         ORDER BY f.facility_id",
        consented("m.facility_id", "$3")
    );
    let mut members = bare_members(db, sql, network, id, now).await?;
    let sql = format!(
        "SELECT DISTINCT {FACILITY}, {consent} FROM patient_groups g \
         JOIN patient_identifiers x ON x.network_id = g.network_id AND x.patient_id = g.patient_id \
         JOIN facilities f ON f.network_id = x.network_id AND f.facility_id = x.facility_id \
         WHERE g.network_id = $1 AND g.group_id = $2 AND x.state = 'confirmed' AND NOT {member} AND {consent} \
         ORDER BY f.facility_id",
        consent = consented("x.facility_id", "$3"),
        member = is_member("x.facility_id", "$3"),
    );
    let mut correspondents = bare_members(db, sql, network, id, now).await?;
    let all = || members.iter().chain(&correspondents).map(|m| &m.facility.id);
    let (mut endpoints, mut staff) = (endpoints(db, network, all()).await?, staff(db, network, all()).await?);
    let mut pauses = pauses::of_facilities(db, network, all(), now).await?;
    for member in members.iter_mut().chain(&mut correspondents) {
        member.pauses = pauses.remove(&member.facility.id).unwrap_or_default();
        member.endpoints = endpoints.remove(&member.facility.id).unwrap_or_default();
        member.staff = staff.remove(&member.facility.id).unwrap_or_default();
    }
    Ok(Some(GroupRoster { group, patient, members, correspondents }))
}

/// One facility with its ways, people and pauses, apart from any group: nothing is consented here.
pub(crate) async fn member(
    db: &Database,
    network: &NetworkId,
    id: &FacilityId,
    now: UtcMicros,
) -> Result<Option<Member>, StoreError> {
    let sql = format!("SELECT {FACILITY} FROM facilities f WHERE f.network_id = $1 AND f.facility_id = $2");
    let Some(row) = db.row(sql, args![network, id]).await? else { return Ok(None) };
    let facility = read_facility(&mut row.reader())?;
    let one = || std::iter::once(id);
    Ok(Some(Member {
        facility,
        endpoints: endpoints(db, network, one()).await?.remove(id).unwrap_or_default(),
        staff: staff(db, network, one()).await?.remove(id).unwrap_or_default(),
        consented: false,
        pauses: pauses::of_facilities(db, network, one(), now).await?.remove(id).unwrap_or_default(),
    }))
}

/// Facilities with whether the consent covers them; endpoints and people are joined by the caller.
async fn bare_members(
    db: &Database,
    sql: String,
    network: &NetworkId,
    id: &GroupId,
    now: UtcMicros,
) -> Result<Vec<Member>, StoreError> {
    let rows = db.rows(sql, args![network, id, now]).await?;
    rows.iter()
        .map(|row| {
            let mut r = row.reader();
            Ok(Member {
                facility: read_facility(&mut r)?,
                endpoints: Vec::new(),
                staff: Vec::new(),
                consented: r.bool()?,
                pauses: Vec::new(),
            })
        })
        .collect()
}

/// Endpoints of these facilities, in every state.
pub(crate) async fn endpoints<'a>(
    db: &Database,
    network: &NetworkId,
    facilities: impl IntoIterator<Item = &'a FacilityId>,
) -> Result<HashMap<FacilityId, Vec<Endpoint>>, StoreError> {
    let sql = format!(
        "SELECT {ENDPOINT} FROM endpoints e \
         WHERE e.network_id = $1 AND e.facility_id {{in $2}} ORDER BY e.endpoint_id"
    );
    let mut all: HashMap<FacilityId, Vec<Endpoint>> = HashMap::new();
    for row in &db.rows(sql, args![network, list(facilities)]).await? {
        let endpoint = read_endpoint(&mut row.reader())?;
        all.entry(endpoint.facility_id.clone()).or_default().push(endpoint);
    }
    Ok(all)
}

/// People of these facilities without leavers.
pub(crate) async fn staff<'a>(
    db: &Database,
    network: &NetworkId,
    facilities: impl IntoIterator<Item = &'a FacilityId>,
) -> Result<HashMap<FacilityId, Vec<StaffMember>>, StoreError> {
    let rows = db
        .rows(
            "SELECT s.staff_id, s.facility_id, s.name, sp.profession FROM staff_members s \
             LEFT JOIN staff_professions sp ON sp.network_id = s.network_id AND sp.staff_id = s.staff_id \
             WHERE s.network_id = $1 AND s.facility_id {in $2} AND s.left_at IS NULL \
             ORDER BY s.facility_id, s.staff_id, sp.position",
            args![network, list(facilities)],
        )
        .await?;
    let mut all: HashMap<FacilityId, Vec<StaffMember>> = HashMap::new();
    for row in &rows {
        let mut r = row.reader();
        let person = StaffMember {
            id: r.id()?,
            facility_id: r.id()?,
            name: r.text()?,
            professions: Vec::new(),
            left_at: None,
        };
        let profession = r.opt_text()?;
        let people = all.entry(person.facility_id.clone()).or_default();
        if people.last().is_none_or(|last| last.id != person.id) {
            people.push(person);
        }
        if let (Some(last), Some(profession)) = (people.last_mut(), profession) {
            last.professions.push(profession);
        }
    }
    Ok(all)
}

/// How often people acknowledged what went to this endpoint in the last 90 days, most first.
pub(crate) async fn answered(
    db: &Database,
    network: &NetworkId,
    endpoint: &Endpoint,
    now: UtcMicros,
) -> Result<Vec<StaffId>, StoreError> {
    const DAYS: i64 = 90;
    let rows = db
        .rows(
            "SELECT a.staff_id, COUNT(*) FROM deliveries d \
             JOIN delivery_items i ON i.network_id = d.network_id AND i.delivery_id = d.delivery_id \
             JOIN acknowledgements a ON a.network_id = i.network_id AND a.post_id = i.post_id \
                 AND a.facility_id = d.facility_id \
             WHERE d.network_id = $1 AND d.endpoint_id = $2 AND d.created_at >= $3 \
               AND a.staff_id IS NOT NULL AND a.withdrawn_at IS NULL \
             GROUP BY a.staff_id ORDER BY COUNT(*) DESC, a.staff_id",
            args![network, &endpoint.id, now.plus_seconds(-DAYS * 24 * 3600)],
        )
        .await?;
    rows.iter().map(|row| row.reader().id()).collect()
}

/// Names of facilities.
pub(crate) async fn names<'a>(
    db: &Database,
    network: &NetworkId,
    facilities: impl IntoIterator<Item = &'a FacilityId>,
) -> Result<HashMap<FacilityId, String>, StoreError> {
    let rows = db
        .rows(
            "SELECT facility_id, name FROM facilities WHERE network_id = $1 AND facility_id {in $2}",
            args![network, list(facilities)],
        )
        .await?;
    rows.iter()
        .map(|row| {
            let mut r = row.reader();
            Ok((r.id()?, r.text()?))
        })
        .collect()
}

/// Names of people, leavers too: what they wrote keeps their name.
pub(crate) async fn staff_names<'a>(
    db: &Database,
    network: &NetworkId,
    staff: impl IntoIterator<Item = &'a kakehashi_core::ids::StaffId>,
) -> Result<HashMap<kakehashi_core::ids::StaffId, String>, StoreError> {
    let rows = db
        .rows(
            "SELECT staff_id, name FROM staff_members WHERE network_id = $1 AND staff_id {in $2}",
            args![network, list(staff)],
        )
        .await?;
    rows.iter()
        .map(|row| {
            let mut r = row.reader();
            Ok((r.id()?, r.text()?))
        })
        .collect()
}
