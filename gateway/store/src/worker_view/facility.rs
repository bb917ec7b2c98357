//! One facility as requests and the reading of its mails need it, apart from any group: its ways, people and
//! pauses, and what its latest mails said. Nothing here says that a consent covers it.

use super::WorkerView;
use crate::StoreError;
use crate::value::args;
use crate::{pauses, roster};
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::directory::Member;
use kakehashi_core::ids::FacilityId;
use kakehashi_core::pause::Pause;

/// A mail's own text and what was taken off below it.
pub type MailText = (String, Option<String>);

impl WorkerView {
    /// One facility with its ways, people and pauses; whether a consent covers it is not looked up. `None` if
    /// there is no such facility.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn member(&self, facility: &FacilityId, now: UtcMicros) -> Result<Option<Member>, StoreError> {
        roster::member(&self.parts.db, &self.network, facility, now).await
    }

    /// The texts of a facility's latest mails that became posts, and the names of its people: what stands below all of
    /// them is no part of a message.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn earlier_mails(
        &self,
        facility: &FacilityId,
    ) -> Result<(Vec<MailText>, Vec<String>), StoreError> {
        let (db, n) = (&self.parts.db, &self.network);
        let rows = db
            .rows(
                "SELECT body, signature FROM posts WHERE network_id = $1 AND facility_id = $2 AND channel = 'email' \
                 ORDER BY post_id DESC LIMIT 6",
                args![n, facility],
            )
            .await?;
        let texts = rows
            .iter()
            .map(|row| {
                let mut r = row.reader();
                Ok((r.text()?, r.opt_text()?))
            })
            .collect::<Result<_, StoreError>>()?;
        let people =
            roster::staff(db, n, std::iter::once(facility)).await?.remove(facility).unwrap_or_default();
        Ok((texts, people.into_iter().map(|p| p.name).collect()))
    }

    /// Pauses whose time is over and whose end is not recorded yet.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn pauses_over(&self, now: UtcMicros) -> Result<Vec<Pause>, StoreError> {
        pauses::over(&self.parts.db, &self.network, now).await
    }
}
