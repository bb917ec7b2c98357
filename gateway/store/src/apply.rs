//! ④ Applying effects: in order, in one transaction with their audit entries, or not at all. Nothing is
//! decided here. What was applied before is counted as repeated; what builds on something that has
//! changed meanwhile is a conflict and the caller decides again on fresh facts.

mod conversation;
mod endpoints;
mod intakes;
pub(crate) mod messages;
mod outbox;
mod paper;
mod pauses;
pub(crate) mod receipts;
mod sheets;
mod suspend;

use crate::database::Tx;
use crate::error::SERIALISATION;
use crate::store::{Committed, Parts};
use crate::view::Wake;
use crate::{StoreError, audit};
use kakehashi_core::audit::describe;
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::commit::{Actor, Commit, Effect};
use kakehashi_core::ids::{GroupId, NetworkId};

/// How often a transaction is repeated that only ran at the wrong moment.
const TRIES: u32 = 4;

/// What an effect did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Applied {
    /// Something is different now.
    Changed,
    /// It was so before.
    Repeated,
}

impl Applied {
    const fn of(rows: u64) -> Self {
        if rows == 0 { Self::Repeated } else { Self::Changed }
    }
}

/// A transaction on its way, with whom to wake afterwards.
struct Applying<'c> {
    tx: Tx,
    network: &'c NetworkId,
    commit: &'c Commit,
    wakes: Vec<Wake>,
}

/// Applies a commit.
pub(crate) async fn commit(
    parts: &Parts,
    network: &NetworkId,
    commit: &Commit,
) -> Result<Committed, StoreError> {
    let mut tries = 1;
    loop {
        match once(parts, network, commit).await {
            Err(StoreError::Conflict { what: SERIALISATION }) if tries < TRIES => tries += 1,
            other => return other,
        }
    }
}

async fn once(parts: &Parts, network: &NetworkId, commit: &Commit) -> Result<Committed, StoreError> {
    let mut applying = Applying { tx: parts.db.begin().await?, network, commit, wakes: Vec::new() };
    let mut said = Vec::new();
    let mut repeated_count = 0;
    for effect in &commit.effects {
        match applying.effect(effect).await? {
            Applied::Changed => said.extend(describe(effect)),
            Applied::Repeated => repeated_count += 1,
        }
    }
    audit::append(&mut applying.tx, network, commit.at, &commit.actor, said).await?;
    let Applying { tx, wakes, .. } = applying;
    tx.commit().await?;
    for wake in wakes {
        parts.wakes.wake(wake);
    }
    Ok(Committed { repeated_count })
}

impl Applying<'_> {
    async fn effect(&mut self, effect: &Effect) -> Result<Applied, StoreError> {
        match effect {
            Effect::Post { post, attachments } => self.post(post, attachments).await,
            Effect::Acknowledge(acknowledgement) => self.acknowledge(acknowledgement).await,
            Effect::WithdrawAcknowledgement { post_id, facility_id } => {
                self.withdraw(post_id, facility_id).await
            }
            Effect::Deliver(delivery) => self.deliver(delivery).await,
            Effect::TellAuthor(note) => self.tell_author(note).await,
            Effect::Notify { delivery_id, notice, channel, address } => {
                self.notify(delivery_id, *notice, *channel, address).await
            }
            Effect::OpenTriage { id, intake_id, envelope_index, reasons, candidates, quarantined } => {
                let item = intakes::NewItem {
                    id,
                    intake_id,
                    envelope_index: *envelope_index,
                    reasons,
                    candidates,
                    quarantined: *quarantined,
                };
                self.open_triage(&item).await
            }
            Effect::CloseTriage { id, outcome, note } => self.close_triage(id, *outcome, note).await,
            Effect::RecordReading { intake_id, envelopes, attachments } => {
                self.record_reading(intake_id, envelopes, attachments).await
            }
            Effect::KeepAttachments { attachments } => self.keep(attachments, &None).await,
            Effect::FinishIntake { intake_id, state, decided } => {
                self.finish_intake(intake_id, *state, decided).await
            }
            Effect::ReplayIntake { intake_id } => self.replay(intake_id).await,
            Effect::OweAnswerAgain { intake_id } => self.owe_answer_again(intake_id).await,
            Effect::FinalDocument { intake_id, document, with_text } => {
                self.final_document(intake_id, document, *with_text).await
            }
            Effect::TeachIdentifier { facility_id, identifier, patient_id, state } => {
                self.teach_identifier(facility_id, identifier, patient_id, *state).await
            }
            Effect::OrderSheet(sheet) => self.order_sheet(sheet).await,
            Effect::ChangeEndpoint { endpoint_id, change } => self.change_endpoint(endpoint_id, change).await,
            Effect::ReleaseCovered { delivery_id } => self.release_covered(delivery_id).await,
            Effect::LeaveGroup { group_id, facility_id } => self.leave_group(group_id, facility_id).await,
            Effect::ReturnToGroup { group_id, facility_id } => {
                self.return_to_group(group_id, facility_id).await
            }
            Effect::BeginPause { pause, moves } => self.begin_pause(pause, moves).await,
            Effect::EndPause { id, how, moves } => self.end_pause(id, *how, moves).await,
            Effect::SetPaper { untouched_acknowledges, pages_a_day, page_cost } => {
                self.set_paper(*untouched_acknowledges, *pages_a_day, *page_cost).await
            }
            Effect::TellInNext { id, endpoint_id, words } => self.tell_in_next(id, endpoint_id, words).await,
            Effect::TurnPicture { attachment_id, from, content_hash, size_bytes } => {
                self.turn_picture(attachment_id, from, content_hash, *size_bytes).await
            }
            Effect::CheckSheet(check) => self.check_sheet(check).await,
            Effect::Report { job, route, state, detail } => {
                self.report(job, route.as_deref(), *state, detail).await
            }
            Effect::SuspendEndpoint { endpoint_id, why } => self.suspend(endpoint_id, *why).await,
            Effect::ChangeDelivery { delivery_id, change } => self.change_delivery(delivery_id, change).await,
        }
    }

    const fn at(&self) -> UtcMicros {
        self.commit.at
    }

    fn wake(&mut self, wake: Wake) {
        if !self.wakes.contains(&wake) {
            self.wakes.push(wake);
        }
    }

    fn wake_group(&mut self, group: GroupId) {
        self.wake(Wake::Group(group));
    }

    /// Who acts, as one word for a row.
    fn actor_name(&self) -> String {
        match &self.commit.actor {
            Actor::Gateway => "gateway".to_owned(),
            Actor::LoginUser { id } => id.as_str().to_owned(),
            Actor::Facility { id } => id.as_str().to_owned(),
            Actor::Operator => "operator".to_owned(),
        }
    }
}
