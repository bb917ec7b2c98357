//! By what the office finds a hospital's message, kept when its intake is settled; and letting an intake be
//! read anew, which changes nothing where anything came of it. An item that nobody has touched keeps its place.

use super::{Applied, Applying};
use crate::StoreError;
use crate::value::args;
use crate::view::Wake;
use kakehashi_core::commit::{Effect, TriageOutcome};
use kakehashi_core::decide::tells_of_a_stay;
use kakehashi_core::envelope::Envelope;
use kakehashi_core::ids::{IntakeId, TriageId};
use kakehashi_core::port::Origin;
use kakehashi_core::vocabulary::Channel;
use std::collections::BTreeSet;

/// Longest term, in characters; longer values are cut, and so is what is looked for.
const TERM_CHARS: usize = 120;
/// Most terms of one intake: a batch of a day's results has many patients.
const MAX_TERMS: usize = 2_000;

impl Applying<'_> {
    pub(super) async fn index_message(&mut self, intake: &IntakeId) -> Result<(), StoreError> {
        let n = self.network;
        let row = self
            .tx
            .row(
                "SELECT sender_message_id, origin FROM intakes \
                 WHERE network_id = $1 AND intake_id = $2 AND channel = $3",
                args![n, intake, Channel::Hl7.code()],
            )
            .await?;
        let Some(row) = row else { return Ok(()) };
        let mut r = row.reader();
        let control_id = r.opt_text()?;
        let origin: Origin = r.json(("intakes", "origin"))?;
        let commit = self.commit;
        let envelopes = commit.effects.iter().filter_map(|e| match e {
            Effect::RecordReading { intake_id, envelopes, .. } if intake_id == intake => Some(envelopes),
            _ => None,
        });
        let interface = origin.interface.as_deref().unwrap_or_default();
        let mut terms: BTreeSet<String> =
            envelopes.flatten().flat_map(|e| terms_of(e, interface)).take(MAX_TERMS).collect();
        terms.extend(control_id.map(|id| term("control", &id)));
        if let Some(interface) = &origin.interface {
            terms.insert(term("interface", interface));
            let fault =
                origin.answer.as_deref().is_some_and(|a| !a.starts_with("AA") && !a.starts_with("CA"));
            terms.extend(fault.then(|| term("fault", interface)));
        }
        for term in terms {
            self.tx
                .run(
                    "INSERT INTO hl7_index (network_id, term, intake_id) VALUES ($1, $2, $3) \
                     ON CONFLICT DO NOTHING",
                    args![n, term, intake],
                )
                .await?;
        }
        Ok(())
    }

    /// Drafts of a document that wait in triage: read anew now that they are final, or closed because the
    /// final text came by itself.
    pub(super) async fn final_document(
        &mut self,
        intake: &IntakeId,
        document: &str,
        with_text: bool,
    ) -> Result<Applied, StoreError> {
        let n = self.network;
        let row = self
            .tx
            .row("SELECT origin FROM intakes WHERE network_id = $1 AND intake_id = $2", args![n, intake]);
        let Some(row) = row.await? else { return Ok(Applied::Repeated) };
        let origin: Origin = row.reader().json(("intakes", "origin"))?;
        let Some(interface) = origin.interface else { return Ok(Applied::Repeated) };
        let rows = self
            .tx
            .rows(
                "SELECT x.triage_id, x.intake_id FROM hl7_index h \
                 JOIN triage_items x ON x.network_id = h.network_id AND x.intake_id = h.intake_id \
                 WHERE h.network_id = $1 AND h.term = $2 AND h.intake_id <> $3 AND x.outcome IS NULL \
                   AND NOT EXISTS (SELECT 1 FROM posts t WHERE t.network_id = $1 AND t.intake_id = x.intake_id) \
                   AND NOT EXISTS (SELECT 1 FROM triage_items y WHERE y.network_id = $1 \
                     AND y.intake_id = x.intake_id AND y.triage_id <> x.triage_id) \
                 ORDER BY x.triage_id LIMIT 20",
                args![n, document_term("draft", &interface, document), intake],
            )
            .await?;
        let mut moved = 0;
        for row in &rows {
            let mut r = row.reader();
            let (item, draft): (TriageId, IntakeId) = (r.id()?, r.id()?);
            // Read anew, it keeps its item until it needs none any more.
            if with_text {
                let note = Some("確定版が届きました".to_owned());
                self.close_triage(&item, TriageOutcome::Discarded, &note).await?;
                moved += 1;
                continue;
            }
            moved += self
                .tx
                .run(
                    "UPDATE intakes SET state = 'accepted', attempt_count = 0, retry_at = $3, settled_at = NULL \
                     WHERE network_id = $1 AND intake_id = $2 AND state = 'triage'",
                    args![n, &draft, self.at()],
                )
                .await?;
        }
        if moved > 0 {
            self.wake(Wake::Intake);
            self.wake(Wake::Triage);
        }
        Ok(Applied::of(moved))
    }

    pub(super) async fn replay(&mut self, intake: &IntakeId) -> Result<Applied, StoreError> {
        let moved = self
            .tx
            .run(
                "UPDATE intakes SET state = 'accepted', attempt_count = 0, retry_at = $3, settled_at = NULL \
                 WHERE network_id = $1 AND intake_id = $2 AND state IN ('recorded', 'discarded', 'triage') \
                   AND NOT EXISTS (SELECT 1 FROM posts t WHERE t.network_id = $1 AND t.intake_id = $2) \
                   AND NOT EXISTS (SELECT 1 FROM triage_items x WHERE x.network_id = $1 AND x.intake_id = $2 \
                     AND (x.outcome IS NOT NULL OR x.quarantined = $4)) \
                   AND NOT EXISTS (SELECT 1 FROM acknowledgements k \
                     WHERE k.network_id = $1 AND k.intake_id = $2)",
                args![self.network, intake, self.at(), true],
            )
            .await?;
        self.wake(Wake::Intake);
        Ok(Applied::of(moved))
    }

    /// The answers to a message that are not taken are offered as if for the first time.
    pub(super) async fn owe_answer_again(&mut self, intake: &IntakeId) -> Result<Applied, StoreError> {
        let owed = self
            .tx
            .run(
                "UPDATE application_answers SET ended_at = NULL, refusal = NULL, attempts = 0, not_before = $3 \
                 WHERE network_id = $1 AND intake_id = $2 AND (refusal IS NOT NULL OR ended_at IS NULL)",
                args![self.network, intake, self.at()],
            )
            .await?;
        Ok(Applied::of(owed))
    }
}

/// How a document of an interface is looked for: `draft`, or `final` where an MDM^T03 has said so.
pub(crate) fn document_term(kind: &str, interface: &str, document: &str) -> String {
    term(kind, &format!("{interface}|{document}"))
}

/// How what an interface told of a patient's stays is looked for.
pub(crate) fn stays_term(interface: &str, identifier: &str) -> String {
    term("stays", &format!("{interface}|{}", identifier.trim()))
}

fn terms_of(envelope: &Envelope, interface: &str) -> Vec<String> {
    let identifiers = &envelope.patient.identifiers;
    let mut terms: Vec<String> = identifiers.iter().map(|i| term("patient", &i.id)).collect();
    if envelope.event.as_ref().is_some_and(tells_of_a_stay) {
        terms.extend(identifiers.iter().map(|i| stays_term(interface, &i.id)));
    }
    terms.extend(envelope.draft_document().map(|document| document_term("draft", interface, document)));
    if let Some(event) = &envelope.event {
        let said_final = event.kind.as_deref() == Some("MDM") && event.trigger.as_deref() == Some("T03");
        if let Some(document) = event.document.as_deref().filter(|_| said_final && event.is_final_document())
        {
            terms.push(document_term("final", interface, document));
        }
        terms.extend(event.control_id.as_deref().map(|id| term("control", id.trim())));
        if let Some(kind) = &event.kind {
            terms.push(term("type", kind));
            terms.extend(event.trigger.as_ref().map(|t| term("type", &format!("{kind}^{t}"))));
        }
    }
    terms
}

/// How something is looked for.
pub(crate) fn term(kind: &str, value: &str) -> String {
    let value: String = value.trim().chars().filter(|c| !c.is_control()).take(TERM_CHARS).collect();
    format!("{kind}:{value}")
}
