//! What machine and person read on one sheet. A sheet is kept once; a second confirmation of the same
//! intake changes nothing.

use super::{Applied, Applying};
use crate::StoreError;
use crate::row::json_text;
use crate::value::args;
use kakehashi_core::commit::SheetCheck;

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
}
