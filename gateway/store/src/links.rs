//! The memory of HL7 links: sequence numbers and application answers that are owed. A handle for the HL7
//! listener alone, through the port of core. It keeps and hands out; when something is owed or refused is
//! decided by the listener.

use crate::StoreError;
use crate::store::Parts;
use crate::value::args;
use kakehashi_core::ids::{IntakeId, NetworkId};
use kakehashi_core::link::{AnswerEnd, LinkFault, LinkMemory, LinkSender, OwedAnswer};
use kakehashi_core::port::BoxFuture;
use std::sync::Arc;

/// How long one attempt keeps an answer for itself; longer than connecting and waiting together.
const LEASE_SECONDS: i64 = 60;
/// Senders of one interface that are remembered.
const MAX_SENDERS: i64 = 1_000;

/// Handle of the listeners.
#[derive(Clone)]
pub struct LinkBook {
    parts: Parts,
    network: NetworkId,
}

impl LinkBook {
    pub(crate) const fn new(parts: Parts, network: NetworkId) -> Self {
        Self { parts, network }
    }

    async fn read_expected(&self, interface: &str) -> Result<Vec<(LinkSender, i64)>, StoreError> {
        let sql = "SELECT application, facility, expected FROM link_numbers \
                   WHERE network_id = $1 AND interface = $2 ORDER BY application, facility LIMIT $3";
        let rows = self.parts.db.rows(sql, args![&self.network, interface, MAX_SENDERS]).await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in &rows {
            let mut r = row.reader();
            found.push((LinkSender { application: r.text()?, facility: r.text()? }, r.int()?));
        }
        Ok(found)
    }

    async fn write_expected(
        &self,
        interface: &str,
        sender: &LinkSender,
        next: i64,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO link_numbers (network_id, interface, application, facility, expected) \
                   VALUES ($1, $2, $3, $4, $5) \
                   ON CONFLICT (network_id, interface, application, facility) \
                   DO UPDATE SET expected = excluded.expected";
        let args = args![&self.network, interface, &sender.application, &sender.facility, next];
        self.parts.db.run(sql, args).await.map(|_| ())
    }

    async fn write_owed(&self, interface: &str, intake: &IntakeId, bytes: &[u8]) -> Result<(), StoreError> {
        // A repeated message is owed the answer of the first time, and only if that one is on its way no more.
        let sql = "INSERT INTO application_answers \
                   (network_id, interface, intake_id, answer, owed_at, not_before, attempts) \
                   VALUES ($1, $2, $3, $4, $5, $5, 0) \
                   ON CONFLICT (network_id, interface, intake_id) DO UPDATE SET owed_at = excluded.owed_at, \
                   not_before = excluded.not_before, attempts = 0, ended_at = NULL, refusal = NULL \
                   WHERE application_answers.ended_at IS NOT NULL";
        let bytes: Option<Arc<[u8]>> = Some(bytes.into());
        let args = args![&self.network, interface, intake, bytes, self.parts.clock.now()];
        self.parts.db.run(sql, args).await.map(|_| ())
    }

    async fn claim_owed(&self, interface: &str) -> Result<Option<OwedAnswer>, StoreError> {
        let now = self.parts.clock.now();
        let first = "SELECT intake_id, not_before FROM application_answers \
                     WHERE network_id = $1 AND interface = $2 AND ended_at IS NULL \
                     ORDER BY owed_at, intake_id LIMIT 1";
        let Some(row) = self.parts.db.row(first, args![&self.network, interface]).await? else {
            return Ok(None);
        };
        let mut r = row.reader();
        let (intake, not_before): (IntakeId, _) = (r.id()?, r.time()?);
        if not_before > now {
            return Ok(None);
        }
        // Another program may have been faster: then the row is not ours.
        let claim = "UPDATE application_answers SET not_before = $4, attempts = attempts + 1 \
                     WHERE network_id = $1 AND interface = $2 AND intake_id = $3 AND ended_at IS NULL \
                       AND not_before <= $5 RETURNING answer, attempts";
        let mut tx = self.parts.db.begin().await?;
        let args = args![&self.network, interface, &intake, now.plus_seconds(LEASE_SECONDS), now];
        let claimed = tx.row(claim, args).await?;
        tx.commit().await?;
        let Some(row) = claimed else { return Ok(None) };
        let mut r = row.reader();
        let bytes = r.opt_bytes()?.unwrap_or_default();
        Ok(Some(OwedAnswer { intake_id: intake, bytes, attempts: r.count()?.saturating_sub(1) }))
    }

    async fn write_end(&self, interface: &str, intake: &IntakeId, end: AnswerEnd) -> Result<(), StoreError> {
        let now = self.parts.clock.now();
        let (ended_at, not_before, refusal) = match end {
            AnswerEnd::Taken => (Some(now), now, None),
            AnswerEnd::Refused(words) => (Some(now), now, Some(words)),
            AnswerEnd::Again { wait } => (None, now.plus_seconds(i64::from(wait)), None),
        };
        let sql = "UPDATE application_answers SET ended_at = $4, not_before = $5, refusal = $6 \
                   WHERE network_id = $1 AND interface = $2 AND intake_id = $3";
        let args = args![&self.network, interface, intake, ended_at, not_before, refusal];
        self.parts.db.run(sql, args).await.map(|_| ())
    }
}

fn fault(error: &StoreError) -> LinkFault {
    LinkFault(error.to_string())
}

impl LinkMemory for LinkBook {
    fn expected<'a>(
        &'a self,
        interface: &'a str,
    ) -> BoxFuture<'a, Result<Vec<(LinkSender, i64)>, LinkFault>> {
        Box::pin(async move { self.read_expected(interface).await.map_err(|e| fault(&e)) })
    }

    fn expect<'a>(
        &'a self,
        interface: &'a str,
        sender: &'a LinkSender,
        next: i64,
    ) -> BoxFuture<'a, Result<(), LinkFault>> {
        Box::pin(async move { self.write_expected(interface, sender, next).await.map_err(|e| fault(&e)) })
    }

    fn owe<'a>(
        &'a self,
        interface: &'a str,
        intake: &'a IntakeId,
        bytes: &'a [u8],
    ) -> BoxFuture<'a, Result<(), LinkFault>> {
        Box::pin(async move { self.write_owed(interface, intake, bytes).await.map_err(|e| fault(&e)) })
    }

    fn owed<'a>(&'a self, interface: &'a str) -> BoxFuture<'a, Result<Option<OwedAnswer>, LinkFault>> {
        Box::pin(async move { self.claim_owed(interface).await.map_err(|e| fault(&e)) })
    }

    fn ended<'a>(
        &'a self,
        interface: &'a str,
        intake: &'a IntakeId,
        end: AnswerEnd,
    ) -> BoxFuture<'a, Result<(), LinkFault>> {
        Box::pin(async move { self.write_end(interface, intake, end).await.map_err(|e| fault(&e)) })
    }
}
