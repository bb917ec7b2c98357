//! 休止 as decisions, pages and deliveries read it: pauses that run or are to come, with the names of today. A pause
//! whose time is over is none, whether or not its end was recorded yet.

use crate::StoreError;
use crate::database::Database;
use crate::row::Reader;
use crate::value::{args, list};
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::ids::{ChangeId, EndpointId, FacilityId, NetworkId, StaffId};
use kakehashi_core::pause::{Pause, PauseEnd, Paused, Substitute};
use std::collections::HashMap;

const PAUSE: &str = "u.pause_id, u.facility_id, u.endpoint_id, u.staff_id, a.name, u.by_person, u.from_at, u.until_at, \
    u.substitute_staff_id, b.name, u.substitute_facility_id, f.name FROM pauses u \
    LEFT JOIN staff_members a ON a.network_id = u.network_id AND a.staff_id = u.staff_id \
    LEFT JOIN staff_members b ON b.network_id = u.network_id AND b.staff_id = u.substitute_staff_id \
    LEFT JOIN facilities f ON f.network_id = u.network_id AND f.facility_id = u.substitute_facility_id";

fn read_pause(r: &mut Reader<'_>) -> Result<Pause, StoreError> {
    let (id, facility_id) = (r.id()?, r.id()?);
    let endpoint: Option<EndpointId> = r.opt_id()?;
    let (staff, name): (Option<StaffId>, Option<String>) = (r.opt_id()?, r.opt_text()?);
    let by_person = r.bool()?;
    let (from, until) = (r.time()?, r.time()?);
    let (colleague, colleague_name): (Option<StaffId>, _) = (r.opt_id()?, r.opt_text()?);
    let (facility, facility_name): (Option<FacilityId>, _) = (r.opt_id()?, r.opt_text()?);
    let who = match (endpoint, by_person) {
        (Some(endpoint_id), _) => Paused::Endpoint { endpoint_id },
        (None, true) => Paused::Person { staff: staff.zip(name) },
        (None, false) => Paused::Facility,
    };
    let colleague =
        colleague.zip(colleague_name).map(|(staff_id, name)| Substitute::Colleague { staff_id, name });
    let other =
        facility.zip(facility_name).map(|(facility_id, name)| Substitute::Facility { facility_id, name });
    Ok(Pause { id, facility_id, who, from, until, substitute: colleague.or(other) })
}

/// Of these facilities, running or to come.
pub(crate) async fn of_facilities<'a>(
    db: &Database,
    network: &NetworkId,
    facilities: impl IntoIterator<Item = &'a FacilityId>,
    now: UtcMicros,
) -> Result<HashMap<FacilityId, Vec<Pause>>, StoreError> {
    let sql = format!(
        "SELECT {PAUSE} WHERE u.network_id = $1 AND u.facility_id {{in $2}} AND u.ended_at IS NULL \
         AND u.until_at > $3 ORDER BY u.from_at, u.pause_id"
    );
    let mut all: HashMap<FacilityId, Vec<Pause>> = HashMap::new();
    for row in &db.rows(sql, args![network, list(facilities), now]).await? {
        let pause = read_pause(&mut row.reader())?;
        all.entry(pause.facility_id.clone()).or_default().push(pause);
    }
    Ok(all)
}

/// One pause and how it ended, if it has.
pub(crate) async fn by_id(
    db: &Database,
    network: &NetworkId,
    id: &ChangeId,
) -> Result<Option<(Pause, Option<PauseEnd>)>, StoreError> {
    let sql = "SELECT ended_how FROM pauses WHERE network_id = $1 AND pause_id = $2";
    let Some(row) = db.row(sql, args![network, id]).await? else { return Ok(None) };
    let ended = row.reader().opt_text()?.and_then(|how| PauseEnd::from_code(&how));
    let sql = format!("SELECT {PAUSE} WHERE u.network_id = $1 AND u.pause_id = $2");
    let Some(row) = db.row(sql, args![network, id]).await? else { return Ok(None) };
    Ok(Some((read_pause(&mut row.reader())?, ended)))
}

/// Pauses whose time is over and whose end is not recorded.
pub(crate) async fn over(
    db: &Database,
    network: &NetworkId,
    now: UtcMicros,
) -> Result<Vec<Pause>, StoreError> {
    let sql = format!(
        "SELECT {PAUSE} WHERE u.network_id = $1 AND u.ended_at IS NULL AND u.until_at <= $2 \
         ORDER BY u.until_at, u.pause_id LIMIT 100"
    );
    let rows = db.rows(sql, args![network, now]).await?;
    rows.iter().map(|row| read_pause(&mut row.reader())).collect()
}
