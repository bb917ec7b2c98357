//! ②–④ Reading, deciding and committing one intake. Readers run behind a panic fence on a thread of their
//! own; facts, rules and time go into core's pure decision; everything that follows is committed in one
//! transaction. An intake that was taken over meanwhile is settled once.

use crate::parts::{BlobSink, TOO_MANY_PARTS};
use crate::reading::{ReadingThread, Unfinished};
use crate::worker::{Drain, Stopping};
use kakehashi_core::clock::{Clock, UtcMicros};
use kakehashi_core::commit::{Actor, Commit, Effect};
use kakehashi_core::decide::{decide, make_final};
use kakehashi_core::decision::{Decided, Decision, Notice, TriageReason};
use kakehashi_core::digest_answer;
use kakehashi_core::envelope::{Attachment, Envelope};
use kakehashi_core::facts::{EarlierPost, FactQuery};
use kakehashi_core::ids::{AttachmentId, FacilityId, GroupId, IntakeId, NetworkId, TriageId};
use kakehashi_core::mail_footer;
use kakehashi_core::placement::{self, Arrival};
use kakehashi_core::port::{BoxFuture, PartFault, RawIntake, ReadFault, Reader, SenderCheck};
use kakehashi_core::post::StoredAttachment;
use kakehashi_core::rules::RuleSet;
use kakehashi_core::unreadable::{Unreadable, UnreadableCode};
use kakehashi_core::vocabulary::{Channel, IdentityLevel, IntakeState};
use kakehashi_store::view::Wake;
use kakehashi_store::{ClaimedIntake, Store, StoreError, WorkerView};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The rules in force, asked anew for each intake so that a reload takes effect at once.
pub type CurrentRules = Arc<dyn Fn() -> RuleSet + Send + Sync>;

/// Intakes claimed at once.
const BATCH: u32 = 32;
/// A worker that needs longer than this for one batch is taken for dead.
const LEASE_SECONDS: i64 = 120;
/// After so many begun readings the intake goes to triage as unreadable: it kills readers.
const MAX_ATTEMPTS: u32 = 5;
/// The attempt with which an unanswered look-up of the sender is taken as it is.
const LAST_LOOK: u32 = 3;
/// Time between two looks at a sender whose DNS is away; an urgent mail must not wait long for it.
const LOOK_AGAIN_SECONDS: i64 = 20;

/// Settles intakes.
pub struct Settler {
    store: Store,
    network: NetworkId,
    clock: Arc<dyn Clock>,
    reader: Arc<dyn Reader>,
    reading: ReadingThread,
    rules: CurrentRules,
    /// Checks who sent a mail, if it is configured.
    senders: Option<Arc<dyn SenderCheck>>,
    worker: String,
    /// Claimed and not settled: given back as soon as the store answers, not only when the lease lapses.
    owed: Mutex<Vec<Owed>>,
}

/// An intake to be given back.
struct Owed {
    id: IntakeId,
    retry_at: UtcMicros,
    /// Whether its attempt took place, or the store was away.
    counts: bool,
}

impl Settler {
    /// A settler that claims under the name `worker`.
    #[must_use]
    pub fn new(
        store: Store,
        network: NetworkId,
        clock: Arc<dyn Clock>,
        reader: Arc<dyn Reader>,
        rules: CurrentRules,
        worker: String,
    ) -> Self {
        let (reading, owed) = (ReadingThread::default(), Mutex::default());
        Self { store, network, clock, reader, reading, rules, senders: None, worker, owed }
    }

    /// With a check of who sent a mail. Its answer is kept with the intake, so that settling it again
    /// gives the same.
    #[must_use]
    pub fn with_sender_check(mut self, senders: Option<Arc<dyn SenderCheck>>) -> Self {
        self.senders = senders;
        self
    }

    /// Checks the senders of a batch side by side, so that one slow domain does not hold up the others. A
    /// mail whose sender's DNS is away is looked at once or twice again before that is the answer.
    async fn prove(&self, view: &WorkerView, claimed: &mut [ClaimedIntake]) -> Result<(), StoreError> {
        let Some(senders) = &self.senders else { return Ok(()) };
        let open = claimed.iter_mut().filter(|c| c.raw.origin.proof.is_none());
        futures::future::join_all(open.map(|c| async {
            c.raw.origin.proof = senders.check(&c.raw).await;
            match &c.raw.origin.proof {
                Some(proof) if proof.try_again && c.attempt < LAST_LOOK => Ok(()),
                Some(_) => view.record_origin(&c.id, &c.raw.origin).await,
                None => Ok(()),
            }
        }))
        .await
        .into_iter()
        .collect()
    }

    async fn round(&self) -> Result<u32, StoreError> {
        let view = self.store.worker(&self.network);
        self.give_back(&view).await?;
        let claimed = view.claim_intakes(&self.worker, BATCH, LEASE_SECONDS, self.clock.now()).await?;
        let count = u32::try_from(claimed.len()).unwrap_or(BATCH);
        let mut claimed = claimed;
        if let Err(error) = self.prove(&view, &mut claimed).await {
            let retry_at = self.clock.now().plus_seconds(10);
            claimed.into_iter().for_each(|c| self.owe(Owed { id: c.id, retry_at, counts: false }));
            return Err(error);
        }
        let mut claimed = claimed.into_iter();
        while let Some(intake) = claimed.next() {
            let id = intake.id.clone();
            if intake.attempt < LAST_LOOK && intake.raw.origin.proof.as_ref().is_some_and(|p| p.try_again) {
                let retry_at = self.clock.now().plus_seconds(LOOK_AGAIN_SECONDS);
                self.owe(Owed { id, retry_at, counts: true });
                continue;
            }
            self.store.intake_log().give_way().await;
            let Err(fault) = self.settle(intake).await else { continue };
            tracing::warn!(intake = %id, error = %fault, "pipeline.settle: intake put back");
            let retry_at = self.clock.now().plus_seconds(fault.retry_seconds());
            let away = fault.is_of_the_store();
            self.owe(Owed { id, retry_at, counts: !away });
            if away {
                // The rest of the batch would fare no better, each after its own time-out.
                claimed.by_ref().for_each(|rest| self.owe(Owed { id: rest.id, retry_at, counts: false }));
            }
        }
        self.give_back(&view).await?;
        Ok(count)
    }

    fn owe(&self, owed: Owed) {
        self.owed.lock().unwrap_or_else(PoisonError::into_inner).push(owed);
    }

    async fn give_back(&self, view: &WorkerView) -> Result<(), StoreError> {
        loop {
            let Some(owed) = self.owed.lock().unwrap_or_else(PoisonError::into_inner).pop() else {
                return Ok(());
            };
            let given = if owed.counts {
                view.release_intake(&owed.id, owed.retry_at).await
            } else {
                view.postpone_intake(&owed.id, owed.retry_at).await
            };
            if let Err(error) = given {
                self.owe(owed);
                return Err(error);
            }
        }
    }

    /// Reads, decides and commits one intake.
    async fn settle(&self, intake: ClaimedIntake) -> Result<(), SettleFault> {
        let ClaimedIntake { id, raw, attempt } = intake;
        let read = if attempt > MAX_ATTEMPTS {
            Err(ReadFault::Unreadable(Unreadable::new(
                UnreadableCode::Damaged,
                format!("given up after {MAX_ATTEMPTS} attempts to read"),
            )))
        } else {
            self.read(raw.clone()).await
        };
        let now = self.clock.now();
        let (mut effects, decided) = match read {
            Ok(envelopes) => self.decide_all(&id, &raw, envelopes, now).await?,
            Err(ReadFault::Unreadable(unreadable)) => unreadable_effects(&id, &unreadable, now),
            Err(ReadFault::Part(fault)) => return Err(SettleFault::Part(fault.0)),
        };
        let state = state_of(&decided);
        metrics::counter!("kakehashi_intakes_settled_total", "state" => state.code()).increment(1);
        effects.push(Effect::FinishIntake { intake_id: id.clone(), state, decided });
        let commit = Commit { at: now, actor: Actor::Gateway, effects };
        self.store.commit(&self.network, commit).await?;
        Ok(())
    }

    async fn read(&self, raw: RawIntake) -> Result<Vec<Envelope>, ReadFault> {
        let reader = Arc::clone(&self.reader);
        let mut sink = BlobSink::new(self.store.blobs().clone());
        let finished = self.reading.run(move || reader.read(&raw, &mut sink)).await;
        match finished {
            Ok(Err(ReadFault::Part(fault))) if fault.0 == TOO_MANY_PARTS => {
                Err(Unreadable::new(UnreadableCode::TooLarge, TOO_MANY_PARTS).into())
            }
            Ok(read) => read,
            Err(unfinished @ Unfinished::NotBegun) => Err(PartFault(unfinished.to_string()).into()),
            Err(unfinished) => {
                metrics::counter!("kakehashi_reader_panics_total").increment(1);
                Err(Unreadable::new(UnreadableCode::Damaged, unfinished.to_string()).into())
            }
        }
    }

    async fn decide_all(
        &self,
        id: &kakehashi_core::ids::IntakeId,
        raw: &RawIntake,
        envelopes: Vec<Envelope>,
        now: UtcMicros,
    ) -> Result<(Vec<Effect>, Vec<Decided>), SettleFault> {
        let view = self.store.worker(&self.network);
        let rules = (self.rules)();
        let mut stored = Vec::new();
        let mut own_effects = Vec::new();
        let mut all_decided = Vec::new();
        let mut read = Vec::with_capacity(envelopes.len());
        for mut envelope in envelopes {
            let facts = view.facts(&FactQuery::of(&envelope, &raw.origin), now).await?;
            let footer = facts.sender.as_ref().and_then(|s| s.endpoint.settings.mail_footer.as_deref());
            if let Some(footer) = footer.filter(|_| envelope.channel == Channel::Email) {
                mail_footer::take_off(&mut envelope, footer);
            }
            if let (Channel::Email, Some(sender), Some(body)) =
                (envelope.channel, &facts.sender, envelope.body.as_deref())
                && (body.lines().filter(|l| !l.trim().is_empty()).count() > 2
                    || mail_footer::wants_names(&envelope))
            {
                let (earlier, people) = view.earlier_mails(&sender.facility.id).await?;
                let names: Vec<&str> = [&sender.facility.name, &sender.facility.short_name]
                    .into_iter()
                    .chain(&people)
                    .map(String::as_str)
                    .collect();
                if let Some(footer) = mail_footer::repeated(body, &earlier, &names) {
                    mail_footer::take_off(&mut envelope, &footer);
                }
                mail_footer::know_names(&mut envelope, &names);
            }
            if facts.made_final {
                make_final(&mut envelope);
            }
            match digest_answer::split(&envelope, &facts) {
                Some(parts) => read.extend(parts),
                None => read.push((envelope, facts)),
            }
        }
        // A file tells of an admission and, some lines further, takes it back: what was posted from it is known too.
        let mut posted: Vec<(FacilityId, EarlierPost)> = Vec::new();
        for (index, (envelope, facts)) in read.iter_mut().enumerate() {
            let by = facts.sender.as_ref().map(|s| &s.facility.id);
            let own =
                posted.iter().rev().filter(|(facility, _)| Some(facility) == by).map(|(_, p)| p.clone());
            facts.earlier_posts.splice(0..0, own.collect::<Vec<_>>());
            let (envelope, facts) = (&*envelope, &*facts);
            let verdict = rules.decide(envelope, facts);
            let decided = decide(envelope, facts, verdict.as_ref(), now);
            let mut rosters = Vec::new();
            for group in groups_of(&decided.decision) {
                rosters.extend(view.roster(group, now).await?);
            }
            let facility = match &decided.decision {
                Decision::Request(request) => view.member(&request.facility_id, now).await?,
                _ => None,
            };
            let attachments: Vec<AttachmentId> = envelope
                .attachments
                .iter()
                .map(|attachment| {
                    let position = u32::try_from(stored.len()).unwrap_or(u32::MAX);
                    let entry = stored_attachment(id, attachment, position, now);
                    let id = entry.id.clone();
                    stored.push(entry);
                    id
                })
                .collect();
            let arrival = Arrival {
                intake_id: id,
                index: u32::try_from(index).unwrap_or(u32::MAX),
                received_at: raw.received_at,
                now,
                envelope,
                decided: &decided,
                facility: facility.as_ref(),
            };
            let effects = placement::effects(&arrival, &rosters, attachments, &mut crate::random);
            posted.extend(effects.iter().filter_map(|effect| match effect {
                Effect::Post { post, .. } => {
                    EarlierPost::of(post, envelope).map(|earlier| (post.facility_id.clone(), earlier))
                }
                _ => None,
            }));
            own_effects.extend(effects);
            all_decided.push(decided);
        }
        let envelopes = read.into_iter().map(|(envelope, _)| envelope).collect();
        let mut effects =
            vec![Effect::RecordReading { intake_id: id.clone(), envelopes, attachments: stored }];
        effects.append(&mut own_effects);
        Ok((effects, all_decided))
    }
}

/// Why an intake could not be settled now.
#[derive(Debug, thiserror::Error)]
enum SettleFault {
    #[error("store")]
    Store(#[from] StoreError),
    #[error("a part could not be kept: {0}")]
    Part(String),
}

impl SettleFault {
    /// Whether store or disk are away, so that no intake can be settled now.
    const fn is_of_the_store(&self) -> bool {
        matches!(self, Self::Store(StoreError::Unavailable { .. }) | Self::Part(_))
    }

    /// A conflict means that the facts changed between reading and committing: look again at once.
    const fn retry_seconds(&self) -> i64 {
        match self {
            Self::Store(StoreError::Conflict { .. }) => 0,
            Self::Store(_) | Self::Part(_) => 10,
        }
    }
}

fn stored_attachment(
    intake: &kakehashi_core::ids::IntakeId,
    attachment: &Attachment,
    position: u32,
    now: UtcMicros,
) -> StoredAttachment {
    StoredAttachment {
        id: AttachmentId::fresh(now, crate::random()),
        intake_id: Some(intake.clone()),
        post_id: None,
        position,
        role: attachment.role,
        name: attachment.name.clone(),
        media_type: attachment.media_type.clone(),
        size_bytes: attachment.size_bytes,
        content_hash: attachment.content_hash.clone(),
        pages: attachment.pages,
    }
}

fn unreadable_effects(
    id: &kakehashi_core::ids::IntakeId,
    unreadable: &Unreadable,
    now: UtcMicros,
) -> (Vec<Effect>, Vec<Decided>) {
    let code = serde_json::to_value(unreadable.code)
        .ok()
        .and_then(|v| v.as_str().map(str::to_owned))
        .unwrap_or_default();
    let reasons = vec![TriageReason::Unreadable { code }];
    let decided = Decided {
        decision: Decision::Triage { reasons: reasons.clone(), candidates: Vec::new() },
        rule: None,
        identity_level: IdentityLevel::I0,
        grounds: vec![format!("読み取れませんでした: {}", unreadable.detail)],
    };
    let effect = Effect::OpenTriage {
        id: TriageId::fresh(now, crate::random()),
        intake_id: id.clone(),
        envelope_index: 0,
        reasons,
        candidates: Vec::new(),
        quarantined: false,
    };
    (vec![effect], vec![decided])
}

/// The groups whose members must be known to carry a decision out.
fn groups_of(decision: &Decision) -> Vec<&GroupId> {
    match decision {
        Decision::Post(placement) => vec![&placement.group_id],
        Decision::Reply(answer) | Decision::Acknowledge(answer) => vec![&answer.group_id],
        Decision::Request(request) => request.group_id.iter().collect(),
        Decision::Digest(answer) => {
            let mut groups: Vec<&GroupId> = answer.items.iter().map(|i| &i.group_id).collect();
            groups.sort_unstable();
            groups.dedup();
            groups
        }
        Decision::Triage { .. }
        | Decision::Quarantine { .. }
        | Decision::Return { .. }
        | Decision::Discard { .. }
        | Decision::Sheet(_)
        | Decision::Record { .. } => Vec::new(),
    }
}

/// The state of an intake: what a person must still do goes before what is done.
fn state_of(decided: &[Decided]) -> IntakeState {
    let rank = |d: &Decided| match &d.decision {
        Decision::Triage { .. } => (0, IntakeState::Triage),
        Decision::Quarantine { .. } => (1, IntakeState::Quarantine),
        Decision::Post(_) | Decision::Reply(_) | Decision::Acknowledge(_) => (2, IntakeState::Posted),
        // The call is still to come.
        Decision::Return { notice: Notice::PhonePlease } => (0, IntakeState::Triage),
        Decision::Return { .. } => (3, IntakeState::Returned),
        Decision::Digest(answer) if answer.says.is_empty() => (0, IntakeState::Triage),
        Decision::Digest(_) => (2, IntakeState::Posted),
        Decision::Sheet(_) | Decision::Request(_) | Decision::Record { .. } => (4, IntakeState::Recorded),
        Decision::Discard { .. } => (5, IntakeState::Discarded),
    };
    decided.iter().map(rank).min_by_key(|(rank, _)| *rank).map_or(IntakeState::Recorded, |(_, state)| state)
}

impl Drain for Settler {
    fn name(&self) -> &'static str {
        "settle"
    }

    fn wakes_on(&self, wake: &Wake) -> bool {
        matches!(wake, Wake::Intake)
    }

    fn drain<'a>(&'a self, stopping: &'a Stopping) -> BoxFuture<'a, Duration> {
        Box::pin(async move {
            while !stopping.now() {
                match self.round().await {
                    Ok(0) => return Duration::from_secs(5),
                    Ok(_) => {}
                    Err(error) => {
                        tracing::warn!(%error, "pipeline.settle: store does not answer, waiting");
                        return Duration::from_secs(2);
                    }
                }
            }
            Duration::ZERO
        })
    }
}
