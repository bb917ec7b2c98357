//! Application answers of enhanced mode as messages of their own to the sender's listener (hl7.md 3.1): in
//! order, one in flight, the same bytes again until they are taken. What is owed lies in the memory of the
//! link before the commit answer leaves, so that a restart loses none. A refusal is kept for the office.

use crate::client::Connection;
use crate::dial::{Dial, Stream};
use crate::send::answer::read_answer;
use kakehashi_core::ids::IntakeId;
use kakehashi_core::link::{AnswerEnd, LinkFault, LinkMemory, OwedAnswer};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Longest pause between two attempts, in seconds.
const MAX_PAUSE_SECONDS: u32 = 300;
/// How long the sender's commit answer may take; with connecting below the lease of an attempt.
const ANSWER_TIME: Duration = Duration::from_secs(30);
/// Longest time without a look at what is owed: another program may have left something.
const LOOK_TIME: Duration = Duration::from_secs(30);

/// Where later answers are handed over.
#[derive(Clone)]
pub struct LaterAnswers {
    interface: String,
    memory: Arc<dyn LinkMemory>,
    news: Arc<Notify>,
}

impl LaterAnswers {
    /// Begins to deliver what is owed on an interface, until `shutdown`.
    #[must_use]
    pub fn to(dial: Dial, interface: &str, memory: Arc<dyn LinkMemory>, shutdown: CancellationToken) -> Self {
        let later = Self { interface: interface.to_owned(), memory, news: Arc::default() };
        let work = later.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = work.deliver(&dial) => {}
                () = shutdown.cancelled() => {}
            }
        });
        later
    }

    /// Keeps an answer (without framing); it leaves soon.
    ///
    /// # Errors
    /// It could not be kept: the message must not be acknowledged.
    pub async fn send(&self, intake: &IntakeId, answer: &[u8]) -> Result<(), LinkFault> {
        self.memory.owe(&self.interface, intake, answer).await?;
        self.news.notify_one();
        Ok(())
    }

    async fn deliver(&self, dial: &Dial) {
        let mut connection: Option<Connection<Box<dyn Stream>>> = None;
        loop {
            match self.memory.owed(&self.interface).await {
                Ok(Some(owed)) => {
                    let end = attempt(dial, &mut connection, &owed).await;
                    let wait = match &end {
                        AnswerEnd::Again { wait } => Some(Duration::from_secs(u64::from(*wait))),
                        AnswerEnd::Taken | AnswerEnd::Refused(_) => None,
                    };
                    if let Err(fault) = self.memory.ended(&self.interface, &owed.intake_id, end).await {
                        tracing::warn!(%fault, "mllp: what became of an application answer could not be kept");
                    }
                    if let Some(wait) = wait {
                        connection = None;
                        tokio::time::sleep(wait).await;
                    }
                }
                Ok(None) => {
                    let _ = tokio::time::timeout(LOOK_TIME, self.news.notified()).await;
                }
                Err(fault) => {
                    tracing::warn!(%fault, "mllp: owed application answers cannot be read");
                    tokio::time::sleep(LOOK_TIME).await;
                }
            }
        }
    }
}

async fn attempt(
    dial: &Dial,
    connection: &mut Option<Connection<Box<dyn Stream>>>,
    owed: &OwedAnswer,
) -> AnswerEnd {
    let wait = 1_u32.checked_shl(owed.attempts).unwrap_or(MAX_PAUSE_SECONDS).min(MAX_PAUSE_SECONDS);
    let target = dial.address();
    let open = match connection {
        Some(open) => open,
        None => match dial.connect().await {
            Ok(stream) => connection.insert(Connection::new(stream)),
            Err(fault) => {
                tracing::warn!(target, %fault, wait, "mllp: the sender's listener for application answers is away");
                return AnswerEnd::Again { wait };
            }
        },
    };
    match open.exchange(&owed.bytes, ANSWER_TIME).await {
        Ok(bytes) => match read_answer(&bytes) {
            Some(answer) if matches!(answer.code.as_str(), "AA" | "CA") => AnswerEnd::Taken,
            Some(answer) => {
                tracing::warn!(
                    target,
                    code = answer.code,
                    "mllp: the sender's listener refused an application answer"
                );
                AnswerEnd::Refused(answer.words())
            }
            None => {
                tracing::warn!(target, wait, "mllp: an application answer was answered by something else");
                AnswerEnd::Again { wait }
            }
        },
        Err(error) => {
            tracing::warn!(target, %error, wait, "mllp: an application answer could not be delivered");
            AnswerEnd::Again { wait }
        }
    }
}
