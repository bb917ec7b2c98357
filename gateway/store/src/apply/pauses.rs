//! 休止 as effects change it: a row for each pause, and the digests that wait for its end. A digest that is moved
//! joins the one that is open at that time, so that the return is one delivery.

use super::{Applied, Applying};
use crate::StoreError;
use crate::value::args;
use crate::view::Wake;
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::commit::DigestMove;
use kakehashi_core::ids::{ChangeId, DeliveryId, EndpointId, FacilityId, GroupId, StaffId};
use kakehashi_core::pause::{Pause, PauseEnd, Paused, Substitute};
use kakehashi_core::receipt::UNDO_SECONDS;

impl Applying<'_> {
    pub(super) async fn begin_pause(
        &mut self,
        pause: &Pause,
        moves: &[DigestMove],
    ) -> Result<Applied, StoreError> {
        let (n, at, by) = (self.network, self.at(), self.actor_name());
        let (endpoint, staff, by_person): (Option<EndpointId>, Option<StaffId>, bool) = match &pause.who {
            Paused::Endpoint { endpoint_id } => (Some(endpoint_id.clone()), None, false),
            Paused::Person { staff } => (None, staff.as_ref().map(|(id, _)| id.clone()), true),
            Paused::Facility => (None, None, false),
        };
        let (colleague, facility): (Option<StaffId>, Option<FacilityId>) = match &pause.substitute {
            Some(Substitute::Colleague { staff_id, .. }) => (Some(staff_id.clone()), None),
            Some(Substitute::Facility { facility_id, .. }) => (None, Some(facility_id.clone())),
            None => (None, None),
        };
        // The newest word about the same days holds.
        self.tx
            .run(
                "UPDATE pauses SET ended_at = $3, ended_how = 'resumed' WHERE network_id = $1 \
                 AND facility_id = $2 AND ended_at IS NULL AND pause_id <> $4 AND until_at > $5 AND from_at < $6 \
                 AND COALESCE(endpoint_id, '') = $7 AND COALESCE(staff_id, '') = $8 AND by_person = $9",
                args![
                    n,
                    &pause.facility_id,
                    at,
                    &pause.id,
                    pause.from,
                    pause.until,
                    endpoint.as_ref().map_or("", EndpointId::as_str),
                    staff.as_ref().map_or("", StaffId::as_str),
                    by_person,
                ],
            )
            .await?;
        let made = self
            .tx
            .run(
                "INSERT INTO pauses (network_id, pause_id, facility_id, endpoint_id, staff_id, by_person, from_at, \
                     until_at, substitute_staff_id, substitute_facility_id, made_at, made_by) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING",
                args![
                    n,
                    &pause.id,
                    &pause.facility_id,
                    &endpoint,
                    &staff,
                    by_person,
                    pause.from,
                    pause.until,
                    &colleague,
                    &facility,
                    at,
                    &by,
                ],
            )
            .await?;
        if made == 0 {
            return Ok(Applied::Repeated);
        }
        self.move_all(moves).await?;
        self.wake(Wake::Delivery);
        Ok(Applied::Changed)
    }

    pub(super) async fn end_pause(
        &mut self,
        id: &ChangeId,
        how: PauseEnd,
        moves: &[DigestMove],
    ) -> Result<Applied, StoreError> {
        let ended = self
            .tx
            .run(
                "UPDATE pauses SET ended_at = $3, ended_how = $4 \
                 WHERE network_id = $1 AND pause_id = $2 AND ended_at IS NULL",
                args![self.network, id, self.at(), how.code()],
            )
            .await?;
        if ended > 0 {
            self.move_all(moves).await?;
            self.wake(Wake::Delivery);
        }
        Ok(Applied::of(ended))
    }

    async fn move_all(&mut self, moves: &[DigestMove]) -> Result<(), StoreError> {
        for one in moves {
            self.move_digests(one).await?;
        }
        Ok(())
    }

    /// All open digests of a span become one at another time.
    async fn move_digests(&mut self, wanted: &DigestMove) -> Result<(), StoreError> {
        let n = self.network;
        let rows = self
            .tx
            .rows(
                "SELECT delivery_id, due_at FROM deliveries WHERE network_id = $1 AND endpoint_id = $2 \
                 AND mode = 'digest' AND state = 'held' AND claimed_by IS NULL AND attempt_count = 0 \
                 AND ((due_at >= $3 AND due_at < $4) OR due_at = $5) ORDER BY due_at, delivery_id {for update}",
                args![n, &wanted.endpoint_id, wanted.from, wanted.until, wanted.to],
            )
            .await?;
        let mut open: Vec<(DeliveryId, UtcMicros)> = Vec::with_capacity(rows.len());
        for row in &rows {
            let mut r = row.reader();
            open.push((r.id()?, r.time()?));
        }
        // One that stands at that time already takes the others in.
        let keeps = open.iter().position(|(_, due)| *due == wanted.to).unwrap_or(0);
        if keeps >= open.len() {
            return Ok(());
        }
        let (kept, due) = open.remove(keeps);
        for (emptied, _) in &open {
            self.join(emptied, &kept).await?;
        }
        if due != wanted.to {
            self.tx
                .run(
                    "UPDATE deliveries SET due_at = $3 WHERE network_id = $1 AND delivery_id = $2",
                    args![n, &kept, wanted.to],
                )
                .await?;
        }
        self.tx
            .run(
                "UPDATE reply_codes SET expires_at = $3 \
                 WHERE network_id = $1 AND delivery_id = $2 AND expires_at < $3",
                args![n, &kept, wanted.to.plus_seconds(kakehashi_core::fan_out::DIGEST_CODE_SECONDS)],
            )
            .await?;
        self.tx
            .run(
                "UPDATE deliveries SET code_expires_at = $3 \
                 WHERE network_id = $1 AND delivery_id = $2 AND code_expires_at < $3",
                args![n, &kept, wanted.to.plus_seconds(kakehashi_core::fan_out::DIGEST_CODE_SECONDS)],
            )
            .await?;
        Ok(())
    }

    /// The items of one digest, with their codes, become items of another.
    async fn join(&mut self, emptied: &DeliveryId, kept: &DeliveryId) -> Result<(), StoreError> {
        let n = self.network;
        let row = self
            .tx
            .row(
                "SELECT COALESCE(MAX(position) + 1, 0) FROM delivery_items \
                 WHERE network_id = $1 AND delivery_id = $2",
                args![n, kept],
            )
            .await?;
        let after = row.map_or(Ok(0), |r| r.first_int())?;
        self.tx
            .run(
                "UPDATE delivery_items SET delivery_id = $3, position = position + $4 \
                 WHERE network_id = $1 AND delivery_id = $2",
                args![n, emptied, kept, after],
            )
            .await?;
        self.tx
            .run(
                "UPDATE reply_codes SET delivery_id = $3 \
                 WHERE network_id = $1 AND delivery_id = $2 AND post_id IS NOT NULL",
                args![n, emptied, kept],
            )
            .await?;
        self.tx
            .run(
                "UPDATE deliveries SET state = 'recalled', state_at = $3, last_detail = $4 \
                 WHERE network_id = $1 AND delivery_id = $2",
                args![n, emptied, self.at(), "休止のため、あとの便にまとめました"],
            )
            .await?;
        Ok(())
    }

    /// Within a day of leaving a membership goes on as if it had not ended.
    pub(super) async fn return_to_group(
        &mut self,
        group: &GroupId,
        facility: &FacilityId,
    ) -> Result<Applied, StoreError> {
        let at = self.at();
        let rows = self
            .tx
            .run(
                "UPDATE memberships SET ended_at = NULL WHERE network_id = $1 AND group_id = $2 \
                 AND facility_id = $3 AND ended_at IS NOT NULL AND ended_at <= $4 AND ended_at > $5",
                args![self.network, group, facility, at, at.plus_seconds(-UNDO_SECONDS)],
            )
            .await?;
        self.wake_group(group.clone());
        Ok(Applied::of(rows))
    }
}
