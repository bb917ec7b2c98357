//! Sheets that carry no post: ordered, released behind their 表紙, and the receipts that go out with the
//! next regular delivery. A sheet about posts has them as items, so that consent and group are tested
//! again at the moment it leaves, as for every post.

use super::{Applied, Applying};
use crate::StoreError;
use crate::row::json_text;
use crate::value::args;
use crate::view::Wake;
use kakehashi_core::commit::NewSheet;
use kakehashi_core::ids::{ChangeId, DeliveryId, EndpointId, FacilityId, GroupId, PostId};
use kakehashi_core::reply_code::ReplyCode;
use kakehashi_core::sheet_order::SheetOrder;

impl Applying<'_> {
    pub(super) async fn order_sheet(&mut self, sheet: &NewSheet) -> Result<Applied, StoreError> {
        let n = self.network;
        let order = json_text(&sheet.order)?;
        if let SheetOrder::Cover { delivery_id } = &sheet.order {
            let waits = self
                .tx
                .run(
                    "UPDATE deliveries SET cover = $3 WHERE network_id = $1 AND delivery_id = $2 \
                     AND cover = 'wanted' AND state = 'held'",
                    args![n, delivery_id, &sheet.id],
                )
                .await?;
            if waits == 0 {
                return Ok(Applied::Repeated);
            }
        } else {
            let waiting = self
                .tx
                .row(
                    // What is on its way at this moment shows what held before.
                    "SELECT 1 FROM deliveries WHERE network_id = $1 AND endpoint_id = $2 AND state = 'held' \
                     AND claimed_by IS NULL AND sheet = $3 LIMIT 1",
                    args![n, &sheet.endpoint_id, &order],
                )
                .await?;
            if waiting.is_some() {
                return Ok(Applied::Repeated);
            }
        }
        let made = self
            .tx
            .run(
                "INSERT INTO deliveries (network_id, delivery_id, endpoint_id, facility_id, channel, mode, \
                     state, due_at, state_at, created_at, resend_possible, attempt_count, code, \
                     code_expires_at, sheet, cover) \
                 VALUES ($1, $2, $3, $4, $5, 'instant', 'held', $6, $7, $7, $8, 0, $9, $10, $11, $12) \
                 ON CONFLICT DO NOTHING",
                args![
                    n,
                    &sheet.id,
                    &sheet.endpoint_id,
                    &sheet.facility_id,
                    sheet.channel.code(),
                    sheet.due_at,
                    self.at(),
                    false,
                    sheet.code.as_str(),
                    sheet.code_expires_at,
                    &order,
                    // Much about one patient at once: never without a 表紙 that came back.
                    sheet.order.carries_posts().then_some("wanted"),
                ],
            )
            .await?;
        if made == 0 {
            return Err(StoreError::Conflict { what: "the key of a delivery is taken" });
        }
        self.sheet_code(&sheet.code, None, sheet).await?;
        match &sheet.order {
            SheetOrder::Status { post_id } | SheetOrder::Evidence { post_id } => {
                self.sheet_item(0, post_id, &sheet.code, sheet).await?;
            }
            SheetOrder::History { post_ids, .. } => {
                for (position, post) in (0..).zip(post_ids) {
                    self.sheet_item(position, post, &sheet.code, sheet).await?;
                }
            }
            SheetOrder::PasteSlips { post_ids, .. } => {
                for ((position, post), code) in (0..).zip(post_ids).zip(&sheet.slip_codes) {
                    self.sheet_item(position, post, code, sheet).await?;
                    self.sheet_code(code, Some(post), sheet).await?;
                }
            }
            _ => {}
        }
        self.wake(Wake::Delivery);
        Ok(Applied::Changed)
    }

    async fn sheet_item(
        &mut self,
        position: i64,
        post: &PostId,
        code: &ReplyCode,
        sheet: &NewSheet,
    ) -> Result<(), StoreError> {
        self.tx
            .run(
                "INSERT INTO delivery_items \
                     (network_id, delivery_id, position, endpoint_id, post_id, code, receipt_of) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7)",
                args![
                    self.network,
                    &sheet.id,
                    position,
                    &sheet.endpoint_id,
                    post,
                    code.as_str(),
                    format!("sheet:{}", sheet.id),
                ],
            )
            .await
            .map(|_| ())
    }

    async fn sheet_code(
        &mut self,
        code: &ReplyCode,
        post: Option<&PostId>,
        sheet: &NewSheet,
    ) -> Result<(), StoreError> {
        let (facility, endpoint) = (&sheet.facility_id, &sheet.endpoint_id);
        self.reply_code(code, &sheet.id, post, facility, endpoint, sheet.code_expires_at).await
    }

    /// What waited for one 表紙.
    pub(super) async fn release_covered(&mut self, delivery: &DeliveryId) -> Result<Applied, StoreError> {
        let at = self.at();
        let released = self
            .tx
            .run(
                "UPDATE deliveries SET cover = 'returned', due_at = $3 \
                 WHERE network_id = $1 AND delivery_id = $2 AND state = 'held' AND claimed_by IS NULL \
                   AND cover IS NOT NULL AND cover <> 'returned'",
                args![self.network, delivery, at],
            )
            .await?;
        self.wake(Wake::Delivery);
        Ok(Applied::of(released))
    }

    /// Ends a membership. What waits for the facility is withheld when it would leave, because it is no member.
    pub(super) async fn leave_group(
        &mut self,
        group: &GroupId,
        facility: &FacilityId,
    ) -> Result<Applied, StoreError> {
        let (n, at) = (self.network, self.at());
        let others = self
            .tx
            .row(
                "SELECT 1 FROM memberships WHERE network_id = $1 AND group_id = $2 AND facility_id <> $3 \
                 AND (ended_at IS NULL OR ended_at > $4) LIMIT 1",
                args![n, group, facility, at],
            )
            .await?;
        if others.is_none() {
            return Err(StoreError::Conflict { what: "the last member cannot leave; close the group" });
        }
        let rows = self
            .tx
            .run(
                "UPDATE memberships SET ended_at = $4 WHERE network_id = $1 AND group_id = $2 \
                 AND facility_id = $3 AND (ended_at IS NULL OR ended_at > $4)",
                args![n, group, facility, at],
            )
            .await?;
        self.wake_group(group.clone());
        Ok(Applied::of(rows))
    }

    pub(super) async fn tell_in_next(
        &mut self,
        id: &ChangeId,
        endpoint: &EndpointId,
        words: &str,
    ) -> Result<Applied, StoreError> {
        let rows = self
            .tx
            .run(
                "INSERT INTO endpoint_notes (network_id, note_id, endpoint_id, words, made_at) \
                 VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
                args![self.network, id, endpoint, words, self.at()],
            )
            .await?;
        Ok(Applied::of(rows))
    }
}
