//! Intakes and triage. An intake is settled once, whoever read it: a worker whose lease was taken over
//! comes too late and gets a conflict. A triage item is closed once; two people at it get one winner.

use super::{Applied, Applying};
use crate::StoreError;
use crate::row::json_text;
use crate::value::args;
use crate::view::Wake;
use kakehashi_core::commit::{Effect, TriageOutcome};
use kakehashi_core::decision::{Candidate, Decided, Decision, TriageReason};
use kakehashi_core::envelope::Envelope;
use kakehashi_core::ids::{IntakeId, TriageId};
use kakehashi_core::post::StoredAttachment;
use kakehashi_core::vocabulary::IntakeState;

/// An item about to be opened.
pub(super) struct NewItem<'e> {
    pub(super) id: &'e TriageId,
    pub(super) intake_id: &'e IntakeId,
    pub(super) envelope_index: u32,
    pub(super) reasons: &'e [TriageReason],
    pub(super) candidates: &'e [Candidate],
    pub(super) quarantined: bool,
}

impl Applying<'_> {
    pub(super) async fn open_triage(&mut self, item: &NewItem<'_>) -> Result<Applied, StoreError> {
        // Read anew and still for a person: the item stays as old as it is and says what is known now.
        let renewed = self
            .tx
            .run(
                "UPDATE triage_items SET reasons = $5, candidates = $6 \
                 WHERE network_id = $1 AND intake_id = $2 AND envelope_index = $3 AND triage_id <> $4 \
                   AND outcome IS NULL",
                args![
                    self.network,
                    item.intake_id,
                    item.envelope_index,
                    item.id,
                    json_text(&item.reasons)?,
                    json_text(&item.candidates)?,
                ],
            )
            .await?;
        if renewed > 0 {
            self.wake(Wake::Triage);
            return Ok(Applied::Changed);
        }
        let opened = self
            .tx
            .run(
                "INSERT INTO triage_items (network_id, triage_id, intake_id, envelope_index, reasons, \
                     candidates, quarantined, opened_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
                args![
                    self.network,
                    item.id,
                    item.intake_id,
                    item.envelope_index,
                    json_text(&item.reasons)?,
                    json_text(&item.candidates)?,
                    item.quarantined,
                    self.at(),
                ],
            )
            .await?;
        self.wake(Wake::Triage);
        Ok(Applied::of(opened))
    }

    pub(super) async fn close_triage(
        &mut self,
        id: &TriageId,
        outcome: TriageOutcome,
        note: &Option<String>,
    ) -> Result<Applied, StoreError> {
        let by = self.actor_name();
        // 隔離 is a place, not an end: the item stays open there for the security role.
        let changed = if outcome == TriageOutcome::Quarantined {
            self.tx
                .run(
                    "UPDATE triage_items SET quarantined = $3, note = COALESCE($4, note) \
                     WHERE network_id = $1 AND triage_id = $2 AND outcome IS NULL AND quarantined <> $3",
                    args![self.network, id, true, note],
                )
                .await?
        } else {
            self.tx
                .run(
                    "UPDATE triage_items SET outcome = $3, note = $4, closed_at = $5, closed_by = $6 \
                     WHERE network_id = $1 AND triage_id = $2 AND outcome IS NULL",
                    args![self.network, id, outcome.code(), note, self.at(), by],
                )
                .await?
        };
        if changed == 0 {
            return Err(StoreError::Conflict { what: "the triage item is closed already" });
        }
        self.settle_by_triage(id, outcome).await?;
        self.wake(Wake::Triage);
        Ok(Applied::Changed)
    }

    /// The intake follows its last open item, unless another part of it was posted.
    async fn settle_by_triage(&mut self, id: &TriageId, outcome: TriageOutcome) -> Result<(), StoreError> {
        let state = match outcome {
            TriageOutcome::Placed => IntakeState::Posted,
            TriageOutcome::Done => IntakeState::Recorded,
            TriageOutcome::Returned => IntakeState::Returned,
            TriageOutcome::Discarded => IntakeState::Discarded,
            TriageOutcome::Quarantined => IntakeState::Quarantine,
        };
        self.tx
            .run(
                "UPDATE intakes SET state = $3 WHERE network_id = $1 AND state IN ('triage', 'quarantine') \
                 AND intake_id = \
                     (SELECT x.intake_id FROM triage_items x WHERE x.network_id = $1 AND x.triage_id = $2) \
                 AND NOT EXISTS (SELECT 1 FROM triage_items o WHERE o.network_id = $1 \
                     AND o.intake_id = intakes.intake_id AND o.outcome IS NULL AND o.triage_id <> $2)",
                args![self.network, id, state.code()],
            )
            .await
            .map(|_| ())
    }

    pub(super) async fn record_reading(
        &mut self,
        intake: &IntakeId,
        envelopes: &[Envelope],
        attachments: &[StoredAttachment],
    ) -> Result<Applied, StoreError> {
        let n = self.network;
        let changed = self
            .tx
            .run(
                "UPDATE intakes SET envelopes = $3 WHERE network_id = $1 AND intake_id = $2",
                args![n, intake, json_text(&envelopes)?],
            )
            .await?;
        if changed == 0 {
            return Err(StoreError::Bug { detail: "a reading of an intake that does not exist".to_owned() });
        }
        // A second reading replaces what the first one found and nobody has posted.
        self.tx
            .run(
                "DELETE FROM attachments WHERE network_id = $1 AND intake_id = $2 AND post_id IS NULL",
                args![n, intake],
            )
            .await?;
        self.keep(attachments, &Some(intake.clone())).await?;
        Ok(Applied::Changed)
    }

    /// Rows of attachments whose blobs are stored; how many are new.
    pub(super) async fn keep(
        &mut self,
        attachments: &[StoredAttachment],
        intake: &Option<IntakeId>,
    ) -> Result<Applied, StoreError> {
        let mut kept = 0;
        for a in attachments {
            kept += self
                .tx
                .run(
                    "INSERT INTO attachments (network_id, attachment_id, intake_id, post_id, position, role, \
                         name, media_type, size_bytes, content_hash, pages) \
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING",
                    args![
                        self.network,
                        &a.id,
                        intake.as_ref().or(a.intake_id.as_ref()).map(IntakeId::as_str),
                        &a.post_id,
                        a.position,
                        a.role.code(),
                        &a.name,
                        &a.media_type,
                        a.size_bytes,
                        &a.content_hash,
                        a.pages,
                    ],
                )
                .await?;
        }
        Ok(Applied::of(kept))
    }

    /// An item that waited for a person and needs none any more, now that its message was read anew.
    async fn close_overtaken(
        &mut self,
        intake: &IntakeId,
        position: i64,
        decision: &Decision,
    ) -> Result<(), StoreError> {
        let outcome = match decision {
            Decision::Triage { .. } | Decision::Quarantine { .. } => return Ok(()),
            Decision::Post(_) | Decision::Reply(_) | Decision::Acknowledge(_) | Decision::Digest(_) => {
                TriageOutcome::Placed
            }
            Decision::Sheet(_) | Decision::Request(_) => TriageOutcome::Done,
            Decision::Return { .. } | Decision::Record { .. } | Decision::Discard { .. } => {
                TriageOutcome::Discarded
            }
        };
        // A post that a person must also look at opens its item in this very commit.
        let opens = |e: &Effect| match e {
            Effect::OpenTriage { intake_id, envelope_index, .. } => {
                intake_id == intake && i64::from(*envelope_index) == position
            }
            _ => false,
        };
        if self.commit.effects.iter().any(opens) {
            return Ok(());
        }
        let note = "もう一度読んで、人の手がいらなくなりました";
        let closed = self
            .tx
            .run(
                "UPDATE triage_items SET outcome = $4, note = $5, closed_at = $6, closed_by = $7 \
                 WHERE network_id = $1 AND intake_id = $2 AND envelope_index = $3 AND outcome IS NULL",
                args![self.network, intake, position, outcome.code(), note, self.at(), self.actor_name()],
            )
            .await?;
        if closed > 0 {
            self.wake(Wake::Triage);
        }
        Ok(())
    }

    pub(super) async fn finish_intake(
        &mut self,
        intake: &IntakeId,
        state: IntakeState,
        decided: &[Decided],
    ) -> Result<Applied, StoreError> {
        let n = self.network;
        // Whoever closes a triage item in the same commit holds the intake by that.
        let closes_triage = self.commit.effects.iter().any(|e| matches!(e, Effect::CloseTriage { .. }));
        let changed = self
            .tx
            .run(
                "UPDATE intakes SET state = $3, decided = $4, settled_at = $5, claimed_by = NULL, \
                     lease_until = NULL \
                 WHERE network_id = $1 AND intake_id = $2 AND (state = 'accepted' OR $6)",
                args![n, intake, state.code(), json_text(&decided)?, self.at(), closes_triage],
            )
            .await?;
        if changed == 0 {
            return Err(StoreError::Conflict { what: "the intake is settled already" });
        }
        self.index_message(intake).await?;
        self.tx
            .run("DELETE FROM intake_decisions WHERE network_id = $1 AND intake_id = $2", args![n, intake])
            .await?;
        for (position, one) in (0_i64..).zip(decided) {
            self.tx
                .run(
                    "INSERT INTO intake_decisions (network_id, intake_id, position, rule, decided_at) \
                     VALUES ($1, $2, $3, $4, $5)",
                    args![n, intake, position, &one.rule, self.at()],
                )
                .await?;
            if !closes_triage {
                self.close_overtaken(intake, position, &one.decision).await?;
            }
        }
        Ok(Applied::Changed)
    }
}
