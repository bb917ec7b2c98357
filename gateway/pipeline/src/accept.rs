//! ① Accepting: raw bytes become durable, and only then the sender is answered. Nothing but durability
//! happens here: no reading, no matching, no rendering (architecture.md, "Acknowledge after commit").

use kakehashi_core::clock::{Clock, UtcMicros};
use kakehashi_core::ids::{IntakeId, NetworkId};
use kakehashi_core::port::{BoxFuture, IntakeAnswer, IntakeDesk, RawIntake, RecipientAnswer, Refusal, Spool};
use kakehashi_store::{HandedIn, Store, StoreError};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// An address that was ours is taken for ours this long without asking again: a mailer that sends many
/// mails to one address would otherwise cost a query each. What has changed meanwhile is for triage.
const REMEMBERED_SECONDS: i64 = 5;
/// Addresses remembered at most.
const REMEMBERED: usize = 1_000;

/// The intake desk of one network.
pub struct Desk {
    store: Store,
    network: NetworkId,
    clock: Arc<dyn Clock>,
    limit_bytes: u64,
    /// Addresses of ours, and until when that holds.
    ours: Mutex<HashMap<String, UtcMicros>>,
}

impl Desk {
    /// A desk that takes messages up to `limit_bytes`.
    #[must_use]
    pub fn new(store: Store, network: NetworkId, clock: Arc<dyn Clock>, limit_bytes: u64) -> Self {
        Self { store, network, clock, limit_bytes, ours: Mutex::default() }
    }

    fn remembers(&self, address: &str, now: UtcMicros) -> bool {
        let ours = self.ours.lock().unwrap_or_else(PoisonError::into_inner);
        ours.get(address).is_some_and(|until| now < *until)
    }

    fn remember(&self, address: &str, now: UtcMicros) {
        let mut ours = self.ours.lock().unwrap_or_else(PoisonError::into_inner);
        if ours.len() >= REMEMBERED {
            ours.clear();
        }
        ours.insert(address.to_owned(), now.plus_seconds(REMEMBERED_SECONDS));
    }

    async fn look_up_recipient(&self, address: &str, now: UtcMicros) -> RecipientAnswer {
        match self.store.worker(&self.network).accepts_recipient(address, now).await {
            Ok(answer) => {
                if answer == RecipientAnswer::Ours {
                    self.remember(address, now);
                }
                answer
            }
            Err(error) => {
                tracing::error!(%error, "pipeline.accept: recipients cannot be looked up");
                RecipientAnswer::TryLater
            }
        }
    }

    async fn accept(&self, intake: RawIntake) -> IntakeAnswer {
        if intake.bytes.len() as u64 > self.limit_bytes {
            return IntakeAnswer::Refused(Refusal::TooLarge { limit_bytes: self.limit_bytes });
        }
        let channel = intake.channel.code();
        let id = IntakeId::fresh(intake.received_at, crate::random());
        match self.store.intake_log().hand_in(&self.network, id, intake).await {
            Ok(HandedIn::New(id)) => {
                metrics::counter!("kakehashi_intakes_total", "channel" => channel).increment(1);
                IntakeAnswer::Accepted(id)
            }
            Ok(HandedIn::Known(id)) => {
                metrics::counter!("kakehashi_intake_duplicates_total", "channel" => channel).increment(1);
                IntakeAnswer::Duplicate(id)
            }
            Err(error) => {
                // Whatever the class, the message is not durable, so its sender must keep it.
                tracing::error!(%error, channel, "pipeline.accept: intake could not be made durable");
                metrics::counter!("kakehashi_intake_faults_total", "channel" => channel).increment(1);
                IntakeAnswer::TryLater(public_words(&error).to_owned())
            }
        }
    }
}

const fn public_words(error: &StoreError) -> &'static str {
    match error {
        StoreError::Unavailable { .. } | StoreError::Conflict { .. } => "storage is not available now",
        StoreError::Corrupt { .. } | StoreError::Bug { .. } | StoreError::Config { .. } => "internal fault",
    }
}

impl IntakeDesk for Desk {
    fn hand_in(&self, intake: RawIntake) -> BoxFuture<'_, IntakeAnswer> {
        Box::pin(self.accept(intake))
    }

    fn spool(&self) -> Option<Box<dyn Spool>> {
        Some(self.store.blobs().spool())
    }

    fn accepts_recipient<'a>(&'a self, address: &'a str) -> BoxFuture<'a, RecipientAnswer> {
        let now = self.clock.now();
        // Nearly always; the way to the database is far larger than this answer.
        if self.remembers(address, now) {
            return Box::pin(std::future::ready(RecipientAnswer::Ours));
        }
        Box::pin(self.look_up_recipient(address, now))
    }
}
