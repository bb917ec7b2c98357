//! What machine and person read on one sheet, and pages that a person turned. A sheet is kept once; a second
//! confirmation of the same intake changes nothing.

use super::{Applied, Applying};
use crate::StoreError;
use crate::row::json_text;
use crate::value::args;
use kakehashi_core::commit::SheetCheck;
use kakehashi_core::envelope::ContentHash;
use kakehashi_core::ids::AttachmentId;
use kakehashi_core::vocabulary::AttachmentRole;

impl Applying<'_> {
    pub(super) async fn set_paper(
        &mut self,
        untouched_acknowledges: bool,
        pages_a_day: u32,
        page_cost: u32,
    ) -> Result<Applied, StoreError> {
        let rows = self
            .tx
            .run(
                "INSERT INTO paper_settings (network_id, pilot_sheets, untouched_acknowledges, pages_a_day, \
                 page_cost) VALUES ($1, 300, $2, $3, $4) ON CONFLICT (network_id) DO UPDATE SET \
                 untouched_acknowledges = excluded.untouched_acknowledges, \
                 pages_a_day = excluded.pages_a_day, page_cost = excluded.page_cost",
                args![self.network, untouched_acknowledges, pages_a_day, page_cost],
            )
            .await?;
        Ok(Applied::of(rows))
    }

    pub(super) async fn check_sheet(&mut self, check: &SheetCheck) -> Result<Applied, StoreError> {
        // Nothing said is neither right nor wrong.
        let agrees = match check.agrees() {
            None => "",
            Some(true) => "yes",
            Some(false) => "no",
        };
        let rows = self
            .tx
            .run(
                "INSERT INTO sheet_checks (network_id, intake_id, envelope_index, marks, said, decided, \
                 agrees, checked_at, checked_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
                 ON CONFLICT DO NOTHING",
                args![
                    self.network,
                    &check.intake_id,
                    check.envelope_index,
                    json_text(&check.marks)?,
                    json_text(&check.said)?,
                    json_text(&check.decided)?,
                    agrees,
                    self.at(),
                    self.actor_name(),
                ],
            )
            .await?;
        Ok(Applied::of(rows))
    }

    /// Only while an item of its message waits: what a group has seen by a person's hand stays as it is.
    pub(super) async fn turn_picture(
        &mut self,
        id: &AttachmentId,
        from: &ContentHash,
        to: &ContentHash,
        size_bytes: u64,
    ) -> Result<Applied, StoreError> {
        let rows = self
            .tx
            .run(
                "UPDATE attachments SET content_hash = $4, size_bytes = $5, \
                     turned_from = COALESCE(turned_from, $3) \
                 WHERE network_id = $1 AND attachment_id = $2 AND content_hash = $3 AND role = $6 \
                   AND EXISTS (SELECT 1 FROM triage_items x WHERE x.network_id = attachments.network_id \
                       AND x.intake_id = attachments.intake_id AND x.outcome IS NULL)",
                args![self.network, id, from, to, size_bytes, AttachmentRole::PageImage.code()],
            )
            .await?;
        if rows == 0 {
            return Err(StoreError::Conflict { what: "the page was turned or placed meanwhile" });
        }
        Ok(Applied::Changed)
    }
}
