//! ① The intake log: what waits is committed together in one transaction by multi-row inserts, small
//! raw bytes in the row itself, large ones as blobs written and synced before. Nothing returns before
//! its commit did. The writer waits for nothing but work: no delay is added to make a group larger.

mod batch;
mod list;
mod precedence;

use crate::blob::BlobStore;
use crate::database::Database;
use crate::row::json_text;
use crate::view::{IntakeRow, Wake};
use crate::{StoreError, Wakes};
use batch::{Answer, Waiting};
use kakehashi_core::ids::{IntakeId, NetworkId};
use kakehashi_core::port::RawIntake;
pub(crate) use list::page;
use precedence::Precedence;
use std::sync::{Arc, Mutex};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// Raw messages up to this size lie in the row.
pub(crate) const INLINE_BYTES: usize = 64 * 1024;
/// Most intakes of one transaction: at most 32 MiB with [`INLINE_BYTES`] each.
const BATCH: usize = 512;

/// Outcome of handing in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HandedIn {
    /// Durable now.
    New(IntakeId),
    /// Was durable before under the same key.
    Known(IntakeId),
}

/// The intake log.
#[derive(Clone)]
pub struct IntakeLog {
    db: Database,
    blobs: BlobStore,
    /// None after closing and where the database is only read.
    queue: Arc<Mutex<Option<mpsc::Sender<Waiting>>>>,
    precedence: Arc<Precedence>,
}

impl IntakeLog {
    /// Starts the writer.
    pub(crate) fn start(db: Database, blobs: BlobStore, wakes: Wakes) -> (Self, Vec<JoinHandle<()>>) {
        let (queue, waiting) = mpsc::channel(BATCH);
        // One writer on either database: what arrives while it syncs makes the next group larger.
        let tasks = vec![tokio::spawn(write(db.clone(), waiting, wakes))];
        (Self { db, blobs, queue: Arc::new(Mutex::new(Some(queue))), precedence: Arc::default() }, tasks)
    }

    /// A log that is only read.
    pub(crate) fn beside(db: Database, blobs: BlobStore) -> Self {
        Self { db, blobs, queue: Arc::default(), precedence: Arc::default() }
    }

    /// Makes one intake durable together with all that wait.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]: it is not durable as far as we know; the sender must keep it.
    pub async fn hand_in(
        &self,
        network: &NetworkId,
        id: IntakeId,
        mut intake: RawIntake,
    ) -> Result<HandedIn, StoreError> {
        let _here = self.precedence.arrived();
        let queue = self.queue.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        let queue = queue.ok_or_else(closing)?;
        let is_small = intake.bytes.len() <= INLINE_BYTES && intake.bytes.held().is_some();
        if !is_small {
            let (blobs, bytes) = (self.blobs.clone(), intake.bytes.clone());
            // The bytes come back with the hash that was taken on the way.
            intake.bytes =
                tokio::task::spawn_blocking(move || blobs.keep(&bytes).map(|()| bytes)).await.map_err(
                    |e| StoreError::Unavailable { detail: format!("writing a blob ended: {e}") },
                )??;
        }
        let (answer, answered) = oneshot::channel();
        let waiting = Waiting {
            network: network.clone(),
            id,
            origin: json_text(&intake.origin)?,
            dedup_key: intake.dedup_key,
            channel: intake.channel,
            format: intake.format,
            received_at: intake.received_at,
            size_bytes: intake.bytes.len() as u64,
            content_hash: intake.bytes.content_hash().clone(),
            sender_message_id: intake.sender_message_id,
            raw: intake.bytes.held().filter(|_| is_small).cloned(),
            answer,
        };
        queue.send(waiting).await.map_err(|_| closing())?;
        answered.await.map_err(|_| closing())?
    }

    /// Waits while intakes crowd, a tenth of a second at most: whoever works on what was accepted
    /// gives way to what still waits to be accepted.
    pub async fn give_way(&self) {
        self.precedence.give_way().await;
    }

    /// Newest first, at most `limit`, older than `before` if given.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn list(
        &self,
        network: &NetworkId,
        before: Option<&IntakeId>,
        limit: u32,
    ) -> Result<Vec<IntakeRow>, StoreError> {
        page(&self.db, network, before, limit).await
    }

    /// Every MSH-10 or Message-ID as the sender wrote it, oldest first, one for each intake that has one.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn sender_message_ids(&self, network: &NetworkId) -> Result<Vec<String>, StoreError> {
        list::sender_message_ids(&self.db, network).await
    }

    /// Takes nothing more; the writers end when what waits is written.
    pub(crate) fn close(&self) {
        self.queue.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
    }
}

fn closing() -> StoreError {
    StoreError::Unavailable { detail: "the intake log is closed".to_owned() }
}

/// Commits what waits, again and again, until nobody can hand in any more.
async fn write(db: Database, mut waiting: mpsc::Receiver<Waiting>, wakes: Wakes) {
    let mut taken = Vec::with_capacity(BATCH);
    loop {
        // Whoever was just answered runs first and may hand in again, instead of a batch of one or two
        // going to the disk alone; a turn of the scheduler, not a wait.
        tokio::task::yield_now().await;
        let count = waiting.recv_many(&mut taken, BATCH).await;
        if count == 0 {
            return;
        }
        let answers = batch::commit(&db, &mut taken).await;
        if answers.iter().any(|a| matches!(a, Ok(HandedIn::New(_)))) {
            wakes.wake(Wake::Intake);
        }
        for (one, answer) in taken.drain(..).zip(answers) {
            // A sender that gave up is told nothing; its intake stays.
            let _: Result<(), Answer> = one.answer.send(answer);
        }
    }
}
