//! Facilities as cards.

use crate::StoreError;
use crate::columns::{FACILITY, read_facility};
use crate::database::Database;
use crate::pauses;
use crate::roster;
use crate::value::args;
use crate::view::FacilityCard;
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::ids::NetworkId;

pub(super) async fn list(
    db: &Database,
    network: &NetworkId,
    now: UtcMicros,
) -> Result<Vec<FacilityCard>, StoreError> {
    let sql = format!(
        "SELECT {FACILITY}, COALESCE(y.ja, f.facility_type), COALESCE(y.en, f.facility_type), \
           (SELECT COUNT(*) FROM memberships m WHERE m.network_id = f.network_id \
              AND m.facility_id = f.facility_id AND m.ended_at IS NULL) \
         FROM facilities f \
         LEFT JOIN facility_types y ON y.network_id = f.network_id AND y.code = f.facility_type \
         WHERE f.network_id = $1 ORDER BY f.facility_id"
    );
    let mut cards = Vec::new();
    for row in &db.rows(sql, args![network]).await? {
        let mut r = row.reader();
        cards.push(FacilityCard {
            facility: read_facility(&mut r)?,
            facility_type_name: (r.text()?, r.text()?),
            endpoints: Vec::new(),
            staff: Vec::new(),
            group_count: r.count()?,
            pauses: Vec::new(),
        });
    }
    let mut endpoints = roster::endpoints(db, network, cards.iter().map(|c| &c.facility.id)).await?;
    let mut staff = roster::staff(db, network, cards.iter().map(|c| &c.facility.id)).await?;
    let mut pauses = pauses::of_facilities(db, network, cards.iter().map(|c| &c.facility.id), now).await?;
    for card in &mut cards {
        card.pauses = pauses.remove(&card.facility.id).unwrap_or_default();
        card.endpoints = endpoints.remove(&card.facility.id).unwrap_or_default();
        card.staff = staff.remove(&card.facility.id).unwrap_or_default();
    }
    Ok(cards)
}
