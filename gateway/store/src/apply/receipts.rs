//! 了解 told to the facility that wrote the post: at once where it has an HL7 interface that receives, and as
//! 受領確認書 with the next regular delivery where it sent a document by FAX and a hospital or a member that was
//! asked has confirmed it (care-network.md section 3 row 1, 8.2 step 6). All others ask for the status.

use super::{Applied, Applying};
use crate::StoreError;
use crate::columns::{ENDPOINT, read_endpoint};
use crate::value::args;
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::commit::{AuthorNote, NewDelivery, NewSheet, OnlyIf};
use kakehashi_core::ids::FacilityId;
use kakehashi_core::schedule;
use kakehashi_core::sheet_order::SheetOrder;
use kakehashi_core::vocabulary::{DeliveryMode, Urgency};

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
        let Some(inbox) = inbox else { return self.evidence(note).await };
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

impl Applying<'_> {
    /// 受領確認書 of a document that came by FAX. Those of one day share a page: an order that still waits is
    /// not repeated, and it shows what holds when it leaves.
    async fn evidence(&mut self, note: &AuthorNote) -> Result<Applied, StoreError> {
        let sql = format!(
            "SELECT {ENDPOINT} FROM posts t \
             JOIN facilities k ON k.network_id = t.network_id AND k.facility_id = $3 \
             JOIN endpoints e ON e.network_id = t.network_id AND e.facility_id = t.facility_id \
             WHERE t.network_id = $1 AND t.post_id = $2 AND t.facility_id <> $3 AND t.channel = 'fax' \
               AND e.channel = 'fax' AND e.state = 'verified' \
               AND (k.facility_type = 'hospital' OR EXISTS (SELECT 1 FROM post_addressees a \
                   WHERE a.network_id = t.network_id AND a.post_id = t.post_id AND a.facility_id = $3)) \
             ORDER BY e.endpoint_id"
        );
        let mut number = None;
        for row in &self.tx.rows(sql, args![self.network, &note.post_id, &note.facility_id]).await? {
            let endpoint = read_endpoint(&mut row.reader())?;
            if endpoint.settings.receives && number.is_none() {
                number = Some(endpoint);
            }
        }
        let Some(number) = number else { return Ok(Applied::Repeated) };
        let due_at = schedule::plan(&number.settings, Urgency::Normal, None, note.due_at).due_at;
        let sheet = NewSheet {
            id: note.delivery_id.clone(),
            endpoint_id: number.id,
            facility_id: number.facility_id,
            channel: number.channel,
            order: SheetOrder::Evidence { post_id: note.post_id.clone() },
            due_at,
            code: note.delivery_code.clone(),
            slip_codes: Vec::new(),
            code_expires_at: note.code_expires_at,
        };
        self.order_sheet(&sheet).await
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
