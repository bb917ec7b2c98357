//! One MLLP connection (hl7.md 2.2, 2.3, 3.2). Reading and answering run side by side, joined by a
//! bounded queue that keeps the order. Where the store cannot take a message, or not in time, the
//! connection is closed without an answer, because senders resend after silence and never after AE.

use super::key::intake_key;
use super::links::{Turn, sender};
use super::{Shared, WRITE_TIME};
use crate::acknowledgement::{Judgement, Reason, Verdict, build, build_batch, build_own_message, judge};
use crate::framing::{Decoder, FrameEvent, frame};
use crate::header::Header;
use crate::{FRAGMENT_LISTENER, batch};
use futures::FutureExt as _;
use futures::future::join_all;
use futures::stream::{FuturesOrdered, StreamExt as _};
use kakehashi_core::ids::IntakeId;
use kakehashi_core::link::{LinkFault, LinkSender};
use kakehashi_core::port::{BoxFuture, IntakeAnswer, Origin, RawIntake};
use kakehashi_core::raw_bytes::RawBytes;
use kakehashi_core::vocabulary::{Channel, Format};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

/// Bytes of one connection that are being handed in at once, in KiB.
const IN_FLIGHT_KIB: usize = 64 * 1024;
/// Bytes that are read at once on a quiet connection: an ordinary message fits.
const SMALL_CHUNK: usize = 2 * 1024;
/// The same while a message is longer than that.
const LARGE_CHUNK: usize = 16 * 1024;
/// Messages of one batch that are answered one by one; a longer one waits for the office as it came.
const MAX_BATCH: usize = 10_000;
/// Messages in a row without a usable header after which the peer is not spoken to any more.
const MAX_UNUSABLE: u32 = 3;

/// A connection.
pub struct Session {
    shared: Arc<Shared>,
    origin: Origin,
}

/// What one frame waits for: a message, or all messages of a batch.
struct Pending {
    messages: Vec<Message>,
    batch: Option<BatchHead>,
}

/// A batch, as far as its answer mirrors it.
struct BatchHead {
    /// Its headers.
    bytes: Vec<u8>,
    /// Its messages, and how many its trailer counted.
    counts: (usize, Option<usize>),
}

/// A message on its way to its answer.
struct Message {
    outcome: BoxFuture<'static, Outcome>,
    /// The answer when it is durable, without framing.
    accepted: Option<Vec<u8>>,
    /// What must be durable before that answer leaves.
    follows: Follows,
    /// Its bytes, judged once more in the rare case that the desk refuses it.
    bytes: RawBytes,
}

/// What follows from a message that is durable.
#[derive(Default)]
struct Follows {
    /// The application answer as a message of its own.
    later: Option<Vec<u8>>,
    /// Whose turn it was, and the number that is expected now.
    turn: Option<(LinkSender, i64)>,
}

/// What became of handing in.
enum Outcome {
    /// Nothing was to be handed in.
    Nothing,
    Answered(IntakeAnswer),
    TooLate,
}

/// Why reading ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Closed,
    NotMllp,
    Unusable,
    TooSlow,
    Shutdown,
}

impl Session {
    /// A session whose intakes say `origin`.
    #[must_use]
    pub const fn new(shared: Arc<Shared>, origin: Origin) -> Self {
        Self { shared, origin }
    }

    /// Serves the connection to its end.
    pub async fn run<S>(self, stream: S, shutdown: CancellationToken)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        let (mut from, mut to) = tokio::io::split(stream);
        let (queue, pending) = mpsc::channel(self.shared.config.max_in_flight.max(1));
        let end = {
            let reading = self.read(&mut from, queue, shutdown);
            let answering = self.answer(&mut to, pending);
            tokio::pin!(reading, answering);
            tokio::select! {
                // Answering ends first only when the connection must be closed.
                () = &mut answering => None,
                end = &mut reading => {
                    answering.await;
                    Some(end)
                }
            }
        };
        let peer = self.origin.peer.as_deref().unwrap_or("");
        match &end {
            Some(End::Closed | End::Shutdown) | None => tracing::debug!(peer, ?end, "mllp: connection ended"),
            Some(_) => tracing::warn!(peer, ?end, "mllp: connection closed by us"),
        }
        let _ = timeout(WRITE_TIME, to.shutdown()).await;
    }

    async fn read<S: AsyncRead>(
        &self,
        from: &mut ReadHalf<S>,
        queue: mpsc::Sender<Pending>,
        shutdown: CancellationToken,
    ) -> End {
        let config = &self.shared.config;
        let mut decoder = Decoder::new(config.max_frame_bytes, config.profile.lenient_start);
        let room = Arc::new(Semaphore::new(IN_FLIGHT_KIB));
        let mut chunk = vec![0; SMALL_CHUNK];
        let mut events = Vec::new();
        let mut unusable = 0;
        let mut limit: Option<(u64, Instant)> = None;
        loop {
            let waiting = decoder.is_waiting_for_more();
            let begun = decoder.frames_begun();
            limit = match limit {
                _ if !waiting => None,
                Some((frame, until)) if frame == begun => Some((frame, until)),
                _ => Some((begun, Instant::now() + Duration::from_secs(config.frame_seconds))),
            };
            let read = async {
                match limit {
                    Some((_, until)) => timeout_at(until, from.read(&mut chunk)).await.ok(),
                    None => Some(from.read(&mut chunk).await),
                }
            };
            let taken = tokio::select! {
                taken = read => taken,
                () = shutdown.cancelled(), if !waiting => return End::Shutdown,
            };
            let end = match taken {
                None => Some(End::TooSlow),
                Some(Ok(0) | Err(_)) => Some(End::Closed),
                Some(Ok(_)) => None,
            };
            if let Some(end) = end {
                if let Some(fragment) = decoder.finish() {
                    self.keep_fragment(fragment).await;
                }
                return end;
            }
            let count = taken.and_then(Result::ok).unwrap_or(0);
            decoder.feed(&chunk[..count], &mut events);
            // Thousands of hospitals' connections are silent most of the day: only a large message gets a
            // large buffer, and only as long as it lasts.
            if count == chunk.len() && count == SMALL_CHUNK {
                chunk = vec![0; LARGE_CHUNK];
            } else if chunk.len() > SMALL_CHUNK && !decoder.is_waiting_for_more() {
                chunk = vec![0; SMALL_CHUNK];
            }
            for event in events.drain(..) {
                if let Some(end) = self.event(event, &queue, &room, &mut unusable).await {
                    return end;
                }
            }
        }
    }

    async fn event(
        &self,
        event: FrameEvent,
        queue: &mpsc::Sender<Pending>,
        room: &Arc<Semaphore>,
        unusable: &mut u32,
    ) -> Option<End> {
        match event {
            FrameEvent::Frame { bytes, missing_start_block } => {
                if missing_start_block {
                    tracing::debug!(
                        interface = self.shared.config.interface,
                        "mllp: frame without start block"
                    );
                }
                if self.shared.config.profile.sequence_numbers
                    && let Err(fault) = self.shared.links.load().await
                {
                    tracing::warn!(%fault, "mllp: no numbers to compare with, closed without an answer");
                    return Some(End::Closed);
                }
                let batch = batch::split(&bytes);
                if batch.messages.is_empty() && batch.has_batch_segments {
                    // A sender that has nothing to say waits for an answer all the same.
                    tracing::info!(interface = self.shared.config.interface, "mllp: empty batch");
                    let counts = (0, batch.stated_count);
                    let head = BatchHead { bytes, counts };
                    let pending = Pending { messages: Vec::new(), batch: Some(head) };
                    return queue.send(pending).await.is_err().then_some(End::Closed);
                }
                let whole = [bytes.as_slice()];
                // One message is kept as it came, with what stands before its first letter.
                let is_one = batch.messages.len() <= 1 && !batch.has_batch_segments && !batch.leading_lines;
                let is_whole = is_one || batch.messages.is_empty() || batch.messages.len() > MAX_BATCH;
                let messages = if is_whole { &whole[..] } else { &batch.messages };
                if batch.has_batch_segments && !is_whole {
                    let counts = (messages.len(), batch.stated_count);
                    return self.batch(&bytes, messages, counts, queue, room, unusable).await;
                }
                for message in messages {
                    let Some(permit) = permit(room, message.len()).await else { return Some(End::Closed) };
                    let message = self.message(message, permit, unusable);
                    let pending = Pending { messages: vec![message], batch: None };
                    if queue.send(pending).await.is_err() {
                        return Some(End::Closed);
                    }
                    if *unusable >= MAX_UNUSABLE {
                        return Some(End::Unusable);
                    }
                }
                None
            }
            FrameEvent::Empty => None,
            FrameEvent::CommitBlock(committed) => {
                tracing::debug!(committed, "mllp: commit block from a peer that we sent nothing");
                None
            }
            FrameEvent::MissingCarriageReturn => {
                tracing::debug!(interface = self.shared.config.interface, "mllp: no CR after an end block");
                None
            }
            FrameEvent::Fragment(bytes) => {
                self.keep_fragment(bytes).await;
                None
            }
            FrameEvent::TooLong { head } => {
                if Header::find(&head).is_some() {
                    let mut judgement = judge(&head, &self.shared.config.profile);
                    judgement.verdict = Verdict::Rejected(Reason::TOO_LONG);
                    judgement.note = Some(format!("at most {} bytes", self.shared.config.max_frame_bytes));
                    let refused = self.immediate(&judgement);
                    let _ = queue.send(Pending { messages: vec![refused], batch: None }).await;
                }
                tracing::warn!(
                    interface = self.shared.config.interface,
                    "mllp: a message over the limit was refused"
                );
                None
            }
            FrameEvent::NotMllp => Some(End::NotMllp),
        }
    }

    /// Hands all messages of a batch in at once; one answer for all of them.
    async fn batch(
        &self,
        bytes: &[u8],
        messages: &[&[u8]],
        counts: (usize, Option<usize>),
        queue: &mpsc::Sender<Pending>,
        room: &Arc<Semaphore>,
        unusable: &mut u32,
    ) -> Option<End> {
        let Some(permit) = permit(room, bytes.len()).await else { return Some(End::Closed) };
        let permit = Arc::new(permit);
        let messages = messages.iter().map(|m| self.message(m, Arc::clone(&permit), unusable)).collect();
        let end = bytes.windows(4).position(|w| w.starts_with(b"MSH")).unwrap_or(bytes.len());
        let head = BatchHead { bytes: bytes[..end].to_vec(), counts };
        let pending = Pending { messages, batch: Some(head) };
        queue.send(pending).await.is_err().then_some(End::Closed)
    }

    /// Judges a message and prepares handing it in.
    fn message<P: Send + 'static>(&self, bytes: &[u8], permit: P, unusable: &mut u32) -> Message {
        let config = &self.shared.config;
        let mut judgement = judge(bytes, &config.profile);
        *unusable = if judgement.header.is_some() { 0 } else { *unusable + 1 };
        let turn = judgement.header.as_ref().filter(|_| config.profile.sequence_numbers);
        let turn = turn.and_then(|header| self.shared.links.see(header));
        judgement.expected = turn.map(Turn::expected);
        if matches!(turn, Some(Turn::Wrong(_))) {
            // Not stored: the sender begins again at the number that it is told.
            judgement.verdict = Verdict::Rejected(Reason::SEQUENCE);
            judgement.note = None;
        }
        if let Some(reason) = judgement.reason() {
            tracing::warn!(
                interface = config.interface,
                code = reason.code,
                reason = reason.text,
                "mllp: message with a fault"
            );
        }
        if matches!(turn, Some(Turn::Wrong(_))) {
            return self.immediate(&judgement);
        }
        let intake = self.intake(bytes, &judgement);
        let later = self.shared.later.as_ref().and_then(|_| judgement.later_answer());
        let now = self.shared.clock.now();
        let turn = match turn {
            Some(Turn::Next(next)) => judgement.header.as_ref().map(|header| (sender(header), next)),
            Some(Turn::Asked(_) | Turn::Again(_) | Turn::Wrong(_)) | None => None,
        };
        let later = later.map(|code| build_own_message(&judgement, code, &self.shared.ids.next(now), now));
        Message {
            follows: Follows { later, turn },
            bytes: intake.bytes.clone(),
            outcome: self.hand_in(intake, permit),
            accepted: judgement.answer().map(|code| self.built(&judgement, code)),
        }
    }

    fn hand_in<P: Send + 'static>(&self, intake: RawIntake, permit: P) -> BoxFuture<'static, Outcome> {
        let desk = Arc::clone(&self.shared.desk);
        let until = Instant::now() + Duration::from_secs(self.shared.config.answer_seconds);
        Box::pin(async move {
            let answer = timeout_at(until, desk.hand_in(intake)).await;
            drop(permit);
            answer.map_or(Outcome::TooLate, Outcome::Answered)
        })
    }

    fn intake(&self, bytes: &[u8], judgement: &Judgement<'_>) -> RawIntake {
        let bytes = RawBytes::from(bytes);
        let key = intake_key(&self.shared.config.interface, judgement.header.as_ref(), bytes.content_hash());
        let control_id =
            judgement.header.as_ref().map(|h| String::from_utf8_lossy(h.field(10)).trim().to_owned());
        RawIntake {
            channel: Channel::Hl7,
            format: Format::Hl7v2,
            dedup_key: key,
            sender_message_id: control_id
                .filter(|id| !id.is_empty())
                .map(|id| id.chars().take(200).collect()),
            bytes,
            received_at: self.shared.clock.now(),
            origin: Origin { answer: told(judgement), ..self.origin.clone() },
        }
    }

    /// What a broken frame left: for the office, never answered. Without a header there is nothing to
    /// look at.
    async fn keep_fragment(&self, bytes: Vec<u8>) {
        if !batch::looks_like_hl7(&bytes) {
            tracing::info!(size_bytes = bytes.len(), "mllp: a broken frame without a header was dropped");
            return;
        }
        tracing::warn!(size_bytes = bytes.len(), "mllp: a frame was broken off; its bytes are kept");
        let judgement = judge(&bytes, &self.shared.config.profile);
        let mut intake = self.intake(&bytes, &judgement);
        intake.dedup_key = intake.dedup_key.replacen("hl7:", "hl7-fragment:", 1);
        intake.origin.listener = FRAGMENT_LISTENER.to_owned();
        intake.origin.answer = None;
        if !matches!(
            self.shared.desk.hand_in(intake).await,
            IntakeAnswer::Accepted(_) | IntakeAnswer::Duplicate(_)
        ) {
            tracing::warn!("mllp: the bytes of a broken frame could not be kept");
        }
    }

    fn immediate(&self, judgement: &Judgement<'_>) -> Message {
        Message {
            outcome: Box::pin(std::future::ready(Outcome::Nothing)),
            accepted: judgement.answer().map(|code| self.built(judgement, code)),
            follows: Follows::default(),
            bytes: RawBytes::default(),
        }
    }

    fn built(&self, judgement: &Judgement<'_>, code: crate::acknowledgement::AnswerCode) -> Vec<u8> {
        let now = self.shared.clock.now();
        build(judgement, code, &self.shared.ids.next(now), now)
    }

    fn refused(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut judgement = judge(bytes, &self.shared.config.profile);
        let code = judgement.refusal()?;
        judgement.verdict = Verdict::Rejected(Reason::REFUSED);
        Some(self.built(&judgement, code))
    }

    /// Hands in all that is queued at once and writes the answers in order. Returns when all are written, or
    /// when the connection must be closed.
    async fn answer<S: AsyncWrite>(&self, to: &mut WriteHalf<S>, mut pending: mpsc::Receiver<Pending>) {
        let mut handed_in = FuturesOrdered::new();
        let mut is_open = true;
        let mut ready = None;
        let mut out = Vec::new();
        'talk: while is_open || ready.is_some() || !handed_in.is_empty() {
            let has_room = handed_in.len() < self.shared.config.max_in_flight.max(1);
            let (done, batch) = if let Some(ready) = ready.take() {
                ready
            } else {
                tokio::select! {
                    next = pending.recv(), if is_open && has_room => {
                        match next {
                            Some(Pending { messages, batch }) => {
                                handed_in.push_back(async move { (join_all(messages.into_iter().map(finished)).await, batch) });
                            }
                            None => is_open = false,
                        }
                        continue;
                    }
                    Some(done) = handed_in.next() => done,
                }
            };
            let is_empty = done.is_empty();
            let mut answers = Vec::with_capacity(done.len());
            let mut is_durable = false;
            for (outcome, message) in done {
                match outcome {
                    Outcome::Nothing => answers.extend(message.accepted),
                    Outcome::Answered(IntakeAnswer::Accepted(id) | IntakeAnswer::Duplicate(id)) => {
                        // What follows from the message must be as durable as the message.
                        if let Err(fault) = self.remember(&id, &message.follows).await {
                            tracing::warn!(%fault, "mllp: closed without an answer");
                            self.shared.links.forget();
                            break 'talk;
                        }
                        is_durable = true;
                        answers.extend(message.accepted);
                    }
                    Outcome::Answered(IntakeAnswer::Refused(_)) => {
                        // A frame is always held.
                        answers.extend(message.bytes.held().and_then(|bytes| self.refused(bytes)));
                    }
                    Outcome::Answered(IntakeAnswer::TryLater(why)) => {
                        tracing::warn!(why, "mllp: not durable, closed without an answer");
                        self.shared.links.forget();
                        break 'talk;
                    }
                    Outcome::TooLate => {
                        tracing::warn!("mllp: no answer in time, connection closed; the sender will resend");
                        self.shared.links.forget();
                        break 'talk;
                    }
                }
            }
            let answer = match batch {
                Some(BatchHead { bytes, counts }) if is_empty || !answers.is_empty() => {
                    Some(build_batch(&bytes, counts, &answers, &self.shared.ids, self.shared.clock.now()))
                }
                Some(_) => None,
                None => answers.pop(),
            };
            let answer = answer.map(|answer| frame(&answer));
            let answer = if is_durable { self.committed(answer) } else { answer };
            out.extend(answer.unwrap_or_default());
            // Answers that one commit made ready leave together.
            ready = handed_in.next().now_or_never().flatten();
            if ready.is_none() && !write(to, &mut out).await {
                return;
            }
        }
        write(to, &mut out).await;
    }

    /// Keeps the number that is expected next and the application answer that is owed.
    async fn remember(&self, intake: &IntakeId, follows: &Follows) -> Result<(), LinkFault> {
        if let Some((sender, next)) = &follows.turn {
            self.shared.links.keep(sender, *next).await?;
        }
        if let (Some(later), Some(answer)) = (&self.shared.later, &follows.later) {
            later.send(intake, answer).await?;
        }
        Ok(())
    }

    /// The answer, after the commit block where the interface wants it.
    fn committed(&self, answer: Option<Vec<u8>>) -> Option<Vec<u8>> {
        if !self.shared.config.profile.commit_block {
            return answer;
        }
        let mut block = vec![crate::framing::VT, 0x06, crate::framing::FS, crate::framing::CR];
        block.extend(answer.unwrap_or_default());
        Some(block)
    }
}

/// Writes answers. False if the connection does not take them.
async fn write<S: AsyncWrite>(to: &mut WriteHalf<S>, answers: &mut Vec<u8>) -> bool {
    if answers.is_empty() {
        return true;
    }
    let written = timeout(WRITE_TIME, async {
        to.write_all(answers).await?;
        to.flush().await
    });
    let written = matches!(written.await, Ok(Ok(())));
    answers.clear();
    written
}

/// Room for so many bytes on their way; `None` if nobody answers any more.
async fn permit(room: &Arc<Semaphore>, bytes: usize) -> Option<OwnedSemaphorePermit> {
    let kib = (bytes / 1024 + 1).min(IN_FLIGHT_KIB);
    Arc::clone(room).acquire_many_owned(u32::try_from(kib).unwrap_or(u32::MAX)).await.ok()
}

async fn finished(mut message: Message) -> (Outcome, Message) {
    let outcome = std::mem::replace(&mut message.outcome, Box::pin(std::future::ready(Outcome::Nothing)));
    (outcome.await, message)
}

/// The answer to a stored message in words for the office: `AA`, `AE 101 Required field missing`.
fn told(judgement: &Judgement<'_>) -> Option<String> {
    let code = judgement.answer()?;
    Some(match judgement.reason() {
        Some(reason) if matches!(code.code(), "AE" | "AR" | "CE" | "CR") => {
            format!("{} {} {}", code.code(), reason.code, reason.text)
        }
        _ => code.code().to_owned(),
    })
}
