//! What becomes of an endpoint: verified, stale, set anew, another number. Every change leaves a row, so
//! that it can be told, compared and undone; a number is changed by two persons or not at all.

use super::{Applied, Applying};
use crate::StoreError;
use crate::row::json_text;
use crate::value::args;
use crate::view::Wake;
use kakehashi_core::commit::{EndpointChange, UNDO_SETTINGS_SECONDS};
use kakehashi_core::directory::EndpointSettings;
use kakehashi_core::ids::{ChangeId, EndpointId};

/// A row of `endpoint_changes` that has happened.
struct Done<'a> {
    id: String,
    kind: &'a str,
    before: String,
    after: String,
}

impl Applying<'_> {
    pub(super) async fn change_endpoint(
        &mut self,
        endpoint: &EndpointId,
        change: &EndpointChange,
    ) -> Result<Applied, StoreError> {
        match change {
            EndpointChange::Verified => self.verify(endpoint).await,
            EndpointChange::Stale => self.stale(endpoint).await,
            EndpointChange::Settings { id, settings } => self.set(endpoint, id, settings).await,
            EndpointChange::UndoSettings { id } => self.undo(endpoint, id).await,
            EndpointChange::UndoSettingsIfPossible { id } => match self.undo(endpoint, id).await {
                // Nothing is written before it is refused.
                Err(StoreError::Conflict { .. }) => Ok(Applied::Repeated),
                other => other,
            },
            EndpointChange::ProposeNumber { id, address } => self.propose(endpoint, id, address).await,
            EndpointChange::CheckNumber { id } => self.check(endpoint, id).await,
        }
    }

    /// A number that was stopped stays so: only another number, checked by two, begins anew.
    async fn verify(&mut self, endpoint: &EndpointId) -> Result<Applied, StoreError> {
        let n = self.network;
        let at = self.at();
        let row = self
            .tx
            .row(
                "SELECT state FROM endpoints WHERE network_id = $1 AND endpoint_id = $2 {for update}",
                args![n, endpoint],
            )
            .await?;
        let before = row.map_or(Ok(String::new()), |r| r.first_text())?;
        if before.is_empty() || before == "suspended" {
            return Err(StoreError::Conflict { what: "the endpoint is stopped; give it a new number first" });
        }
        self.state(endpoint, "verified").await?;
        self.done(
            endpoint,
            Done {
                id: format!("{}-{endpoint}", at.as_micros()),
                kind: "verified",
                before,
                after: String::new(),
            },
        )
        .await?;
        self.tx
            .run(
                "UPDATE deliveries SET cover = 'returned', due_at = CASE WHEN due_at < $3 THEN $3 ELSE due_at END \
                 WHERE network_id = $1 AND endpoint_id = $2 AND state = 'held' AND claimed_by IS NULL \
                   AND cover IS NOT NULL AND cover <> 'returned'",
                args![n, endpoint, at],
            )
            .await?;
        self.wake(Wake::Delivery);
        Ok(Applied::Changed)
    }

    async fn stale(&mut self, endpoint: &EndpointId) -> Result<Applied, StoreError> {
        let rows = self
            .tx
            .run(
                "UPDATE endpoints SET state = 'stale' \
                 WHERE network_id = $1 AND endpoint_id = $2 AND state = 'verified'",
                args![self.network, endpoint],
            )
            .await?;
        if rows > 0 {
            let id = format!("{}-{endpoint}", self.at().as_micros());
            let (before, after) = ("verified".to_owned(), String::new());
            self.done(endpoint, Done { id, kind: "stale", before, after }).await?;
            // What waits for a later time now waits for the number as well.
            self.tx
                .run(
                    "UPDATE deliveries SET cover = 'wanted' WHERE network_id = $1 AND endpoint_id = $2 \
                     AND state = 'held' AND claimed_by IS NULL AND sheet IS NULL AND cover IS NULL",
                    args![self.network, endpoint],
                )
                .await?;
        }
        Ok(Applied::of(rows))
    }

    async fn settings_of(&mut self, endpoint: &EndpointId) -> Result<String, StoreError> {
        let row = self
            .tx
            .row(
                "SELECT settings FROM endpoints WHERE network_id = $1 AND endpoint_id = $2 {for update}",
                args![self.network, endpoint],
            )
            .await?;
        row.ok_or(StoreError::Conflict { what: "there is no such endpoint" })?.first_text()
    }

    async fn set(
        &mut self,
        endpoint: &EndpointId,
        id: &ChangeId,
        settings: &EndpointSettings,
    ) -> Result<Applied, StoreError> {
        let before = self.settings_of(endpoint).await?;
        let after = json_text(settings)?;
        if before == after {
            return Ok(Applied::Repeated);
        }
        self.write_settings(endpoint, &after).await?;
        self.done(endpoint, Done { id: id.to_string(), kind: "settings", before, after }).await?;
        Ok(Applied::Changed)
    }

    async fn write_settings(&mut self, endpoint: &EndpointId, settings: &str) -> Result<(), StoreError> {
        self.tx
            .run(
                "UPDATE endpoints SET settings = $3 WHERE network_id = $1 AND endpoint_id = $2",
                args![self.network, endpoint, settings],
            )
            .await
            .map(|_| ())
    }

    async fn undo(&mut self, endpoint: &EndpointId, id: &ChangeId) -> Result<Applied, StoreError> {
        let (n, at) = (self.network, self.at());
        let row = self
            .tx
            .row(
                "SELECT before, after, made_at FROM endpoint_changes WHERE network_id = $1 \
                 AND change_id = $2 AND endpoint_id = $3 AND kind = 'settings' AND undone_at IS NULL {for update}",
                args![n, id, endpoint],
            )
            .await?;
        let Some(row) = row else { return Ok(Applied::Repeated) };
        let mut r = row.reader();
        let (before, after, made_at) = (r.text()?, r.text()?, r.time()?);
        if at.seconds_since(made_at) > UNDO_SETTINGS_SECONDS {
            return Err(StoreError::Conflict { what: "the day in which it can be undone is over" });
        }
        if self.settings_of(endpoint).await? != after {
            return Err(StoreError::Conflict { what: "the settings were changed again meanwhile" });
        }
        self.write_settings(endpoint, &before).await?;
        self.tx
            .run(
                "UPDATE endpoint_changes SET undone_at = $3 WHERE network_id = $1 AND change_id = $2",
                args![n, id, at],
            )
            .await?;
        Ok(Applied::Changed)
    }

    async fn propose(
        &mut self,
        endpoint: &EndpointId,
        id: &ChangeId,
        address: &str,
    ) -> Result<Applied, StoreError> {
        let row = self
            .tx
            .row(
                "SELECT address FROM endpoints WHERE network_id = $1 AND endpoint_id = $2",
                args![self.network, endpoint],
            )
            .await?;
        let before = row.ok_or(StoreError::Conflict { what: "there is no such endpoint" })?.first_text()?;
        if before == address {
            return Ok(Applied::Repeated);
        }
        let after = address.to_owned();
        self.insert_change(endpoint, &Done { id: id.to_string(), kind: "number", before, after }, false)
            .await?;
        Ok(Applied::Changed)
    }

    /// The second person. Whoever wrote the number down cannot check it.
    async fn check(&mut self, endpoint: &EndpointId, id: &ChangeId) -> Result<Applied, StoreError> {
        let (n, at, actor) = (self.network, self.at(), self.actor_name());
        let row = self
            .tx
            .row(
                "SELECT after, made_by FROM endpoint_changes WHERE network_id = $1 AND change_id = $2 \
                 AND endpoint_id = $3 AND kind = 'number' AND checked_at IS NULL AND undone_at IS NULL \
                 {for update}",
                args![n, id, endpoint],
            )
            .await?;
        let Some(row) = row else { return Ok(Applied::Repeated) };
        let mut r = row.reader();
        let (address, made_by) = (r.text()?, r.text()?);
        if made_by == actor {
            return Err(StoreError::Conflict { what: "a changed number is checked by a second person" });
        }
        self.tx
            .run(
                "UPDATE endpoint_changes SET checked_at = $3, checked_by = $4 \
                 WHERE network_id = $1 AND change_id = $2",
                args![n, id, at, &actor],
            )
            .await?;
        self.tx
            .run(
                "UPDATE endpoints SET address = $3, state = 'unverified' \
                 WHERE network_id = $1 AND endpoint_id = $2",
                args![n, endpoint, &address],
            )
            .await?;
        // Codes that lie at the old number open nothing any more, and nothing more goes there.
        self.tx
            .run(
                "UPDATE reply_codes SET revoked_at = $3 \
                 WHERE network_id = $1 AND endpoint_id = $2 AND revoked_at IS NULL",
                args![n, endpoint, at],
            )
            .await?;
        self.tx
            .run(
                "UPDATE deliveries SET state = 'recalled', state_at = $3, last_detail = $4 \
                 WHERE network_id = $1 AND endpoint_id = $2 AND state = 'held' AND claimed_by IS NULL",
                args![n, endpoint, at, "番号が変わりました"],
            )
            .await?;
        self.wake(Wake::Delivery);
        Ok(Applied::Changed)
    }

    async fn state(&mut self, endpoint: &EndpointId, state: &str) -> Result<(), StoreError> {
        self.tx
            .run(
                "UPDATE endpoints SET state = $3 WHERE network_id = $1 AND endpoint_id = $2",
                args![self.network, endpoint, state],
            )
            .await
            .map(|_| ())
    }

    async fn done(&mut self, endpoint: &EndpointId, done: Done<'_>) -> Result<(), StoreError> {
        self.insert_change(endpoint, &done, true).await
    }

    async fn insert_change(
        &mut self,
        endpoint: &EndpointId,
        done: &Done<'_>,
        checked: bool,
    ) -> Result<(), StoreError> {
        let (at, by) = (self.at(), self.actor_name());
        self.tx
            .run(
                "INSERT INTO endpoint_changes (network_id, change_id, endpoint_id, kind, before, after, \
                     made_at, made_by, checked_at, checked_by) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING",
                args![
                    self.network,
                    &done.id,
                    endpoint,
                    done.kind,
                    &done.before,
                    &done.after,
                    at,
                    &by,
                    checked.then_some(at),
                    checked.then(|| by.clone()),
                ],
            )
            .await
            .map(|_| ())
    }
}
