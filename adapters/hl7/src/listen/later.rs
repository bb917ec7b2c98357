//! Application answers of enhanced mode as messages of their own to the sender's listener (hl7.md 3.1): in
//! order, one in flight, the same bytes again until they are taken. They are kept in memory only; what
//! they speak of is durable, and a sender that misses one sends again and is answered again.

use crate::client::Connection;
use crate::header::Header;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Answers that wait; more are dropped with a warning.
const MAX_WAITING: usize = 10_000;
/// Longest pause between two attempts, in seconds.
const MAX_PAUSE_SECONDS: u64 = 300;
/// How long connecting may take.
const CONNECT_TIME: Duration = Duration::from_secs(10);
/// How long the sender's commit answer may take.
const ANSWER_TIME: Duration = Duration::from_secs(30);

/// Where later answers are handed over.
#[derive(Debug, Clone)]
pub struct LaterAnswers(mpsc::Sender<Vec<u8>>);

impl LaterAnswers {
    /// Begins to deliver to `host:port` until `shutdown`.
    #[must_use]
    pub fn to(target: String, shutdown: CancellationToken) -> Self {
        let (queue, waiting) = mpsc::channel(MAX_WAITING);
        tokio::spawn(async move {
            tokio::select! {
                () = deliver(&target, waiting) => {}
                () = shutdown.cancelled() => {}
            }
        });
        Self(queue)
    }

    /// Hands an answer (without framing) over. Never waits.
    pub fn send(&self, answer: Vec<u8>) {
        if self.0.try_send(answer).is_err() {
            tracing::warn!(
                "mllp: too many application answers wait for the sender's listener; one is dropped"
            );
        }
    }
}

async fn deliver(target: &str, mut waiting: mpsc::Receiver<Vec<u8>>) {
    let mut connection: Option<Connection<TcpStream>> = None;
    while let Some(answer) = waiting.recv().await {
        let mut pause = 1;
        loop {
            match attempt(target, &mut connection, &answer).await {
                Ok(taken) => {
                    if !is_taken(&taken) {
                        tracing::warn!(target, "mllp: the sender's listener refused an application answer");
                    }
                    break;
                }
                Err(error) => {
                    connection = None;
                    tracing::warn!(target, %error, pause, "mllp: an application answer could not be delivered");
                    tokio::time::sleep(Duration::from_secs(pause)).await;
                    pause = (pause * 2).min(MAX_PAUSE_SECONDS);
                }
            }
        }
    }
}

async fn attempt(
    target: &str,
    connection: &mut Option<Connection<TcpStream>>,
    answer: &[u8],
) -> std::io::Result<Vec<u8>> {
    let open = match connection {
        Some(open) => open,
        None => {
            let connecting = tokio::time::timeout(CONNECT_TIME, TcpStream::connect(target));
            let stream = connecting.await.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))?;
            stream.set_nodelay(true)?;
            connection.insert(Connection::new(stream))
        }
    };
    open.exchange(answer, ANSWER_TIME).await
}

/// CA or AA in MSA-1.
fn is_taken(answer: &[u8]) -> bool {
    let Some(header) = Header::find(answer) else { return false };
    let separator = crate::header::ascii(header.separators.field);
    let mut lines = answer.split(|b| matches!(*b, b'\r' | b'\n'));
    lines.any(|line| matches!(line, [b'M', b'S', b'A', s, b'C' | b'A', b'A', ..] if *s == separator))
}
