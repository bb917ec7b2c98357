//! By what the office finds a hospital's message, kept when its intake is settled; and letting an intake be
//! read anew, which changes nothing where anything came of it.

use super::{Applied, Applying};
use crate::StoreError;
use crate::value::args;
use crate::view::Wake;
use kakehashi_core::commit::Effect;
use kakehashi_core::envelope::Envelope;
use kakehashi_core::ids::IntakeId;
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
        let mut terms: BTreeSet<String> = envelopes.flatten().flat_map(terms_of).take(MAX_TERMS).collect();
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

    pub(super) async fn replay(&mut self, intake: &IntakeId) -> Result<Applied, StoreError> {
        let moved = self
            .tx
            .run(
                "UPDATE intakes SET state = 'accepted', attempt_count = 0, retry_at = $3, settled_at = NULL \
                 WHERE network_id = $1 AND intake_id = $2 AND state IN ('recorded', 'discarded') \
                   AND NOT EXISTS (SELECT 1 FROM posts t WHERE t.network_id = $1 AND t.intake_id = $2) \
                   AND NOT EXISTS (SELECT 1 FROM triage_items x WHERE x.network_id = $1 AND x.intake_id = $2) \
                   AND NOT EXISTS (SELECT 1 FROM acknowledgements k \
                     WHERE k.network_id = $1 AND k.intake_id = $2)",
                args![self.network, intake, self.at()],
            )
            .await?;
        self.wake(Wake::Intake);
        Ok(Applied::of(moved))
    }
}

fn terms_of(envelope: &Envelope) -> Vec<String> {
    let mut terms: Vec<String> =
        envelope.patient.identifiers.iter().map(|i| term("patient", &i.id)).collect();
    if let Some(event) = &envelope.event {
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
