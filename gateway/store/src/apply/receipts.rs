//! 了解 told to the facility that wrote the post, where it has an inbox for such notes: an HL7 interface that
//! receives. Paper and mail are not used for it; there the status comes on request (care-network.md 6.4).

use super::{Applied, Applying};
use crate::StoreError;
use crate::columns::{ENDPOINT, read_endpoint};
use crate::value::args;
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::commit::{AuthorNote, NewDelivery, OnlyIf};
use kakehashi_core::ids::FacilityId;
use kakehashi_core::vocabulary::DeliveryMode;

impl Applying<'_> {
    pub(super) async fn tell_author(&mut self, note: &AuthorNote) -> Result<Applied, StoreError> {
        let n = self.network;
        let sql = format!(
            "SELECT {ENDPOINT} FROM posts t \
             JOIN endpoints e ON e.network_id = t.network_id AND e.facility_id = t.facility_id \
             WHERE t.network_id = $1 AND t.post_id = $2 AND t.facility_id <> $3 AND e.channel = 'hl7' \
               AND e.state = 'verified' ORDER BY e.endpoint_id"
        );
        let mut inbox = None;
        for row in &self.tx.rows(sql, args![n, &note.post_id, &note.facility_id]).await? {
            let endpoint = read_endpoint(&mut row.reader())?;
            if endpoint.settings.receives && inbox.is_none() {
                inbox = Some(endpoint);
            }
        }
        let Some(inbox) = inbox else { return Ok(Applied::Repeated) };
        let given = self
            .tx
            .row(
                "SELECT MIN(acknowledged_at) FROM acknowledgements WHERE network_id = $1 AND post_id = $2 \
                 AND facility_id = $3 AND withdrawn_at IS NULL",
                args![n, &note.post_id, &note.facility_id],
            )
            .await?;
        let given = given.map_or(Ok(None), |row| row.reader().opt_time())?;
        let Some(given) = given else { return Ok(Applied::Repeated) };
        let delivery = NewDelivery {
            id: note.delivery_id.clone(),
            endpoint_id: inbox.id,
            facility_id: inbox.facility_id,
            channel: inbox.channel,
            post_id: note.post_id.clone(),
            mode: DeliveryMode::Instant,
            due_at: note.due_at,
            item_code: note.item_code.clone(),
            delivery_code: note.delivery_code.clone(),
            code_expires_at: note.code_expires_at,
            only_if: OnlyIf::Always,
        };
        self.deliver_item(&delivery, &receipt_key(&note.facility_id, given)).await
    }
}

/// How an item names the 了解 it tells: whose, and when it was given.
pub(crate) fn receipt_key(facility: &FacilityId, given: UtcMicros) -> String {
    format!("{}@{}", facility.as_str(), given.as_micros())
}

/// Reads [`receipt_key`] back.
pub(crate) fn read_receipt_key(key: &str) -> Option<(FacilityId, UtcMicros)> {
    let (facility, given) = key.rsplit_once('@')?;
    Some((FacilityId::from(facility), UtcMicros::from_micros(given.parse().ok()?)))
}
