//! The other end of MLLP, for the command line and load tools: sends one message and takes the answer.
//! One exchange at a time on a connection, as nearly every hospital does. Never resends.

use crate::framing::{Decoder, FrameEvent, frame};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// An answer is small; anything larger is not one.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// A connection on which messages are exchanged one after the other.
#[derive(Debug)]
pub struct Connection<S> {
    stream: S,
    decoder: Decoder,
    waiting: std::collections::VecDeque<FrameEvent>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Uses a stream that is connected already.
    pub fn new(stream: S) -> Self {
        let decoder = Decoder::new(MAX_ANSWER_BYTES, false);
        Self { stream, decoder, waiting: std::collections::VecDeque::new() }
    }

    /// Sends a message (without framing) and returns the answer (without framing).
    ///
    /// # Errors
    /// The connection broke, closed without an answer (`UnexpectedEof`: send the same message again
    /// later), or was silent for `timeout`.
    pub async fn exchange(&mut self, message: &[u8], timeout: Duration) -> io::Result<Vec<u8>> {
        let work = async {
            self.stream.write_all(&frame(message)).await?;
            self.stream.flush().await?;
            self.answer().await
        };
        tokio::time::timeout(timeout, work).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    /// Writes bytes as they are, framing and all.
    ///
    /// # Errors
    /// The connection broke.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// The next answer (without framing), waited for at most `timeout`.
    ///
    /// # Errors
    /// As [`Connection::exchange`].
    pub async fn next_answer(&mut self, timeout: Duration) -> io::Result<Vec<u8>> {
        tokio::time::timeout(timeout, self.answer())
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    async fn answer(&mut self) -> io::Result<Vec<u8>> {
        let mut chunk = vec![0; 8 * 1024];
        loop {
            while let Some(event) = self.waiting.pop_front() {
                match event {
                    FrameEvent::Frame { bytes, .. } => return Ok(bytes),
                    FrameEvent::TooLong { .. } | FrameEvent::NotMllp => {
                        return Err(io::Error::new(io::ErrorKind::InvalidData, "the answer is not MLLP"));
                    }
                    FrameEvent::Empty
                    | FrameEvent::CommitBlock(_)
                    | FrameEvent::MissingCarriageReturn
                    | FrameEvent::Fragment(_) => {}
                }
            }
            let taken = self.stream.read(&mut chunk).await?;
            if taken == 0 {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "closed without an answer"));
            }
            let mut events = Vec::new();
            self.decoder.feed(&chunk[..taken], &mut events);
            self.waiting.extend(events);
        }
    }
}

/// Sends one message over a fresh stream and returns the answer; both without framing.
///
/// # Errors
/// As [`Connection::exchange`].
pub async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    message: &[u8],
    timeout: Duration,
) -> io::Result<Vec<u8>> {
    Connection::new(stream).exchange(message, timeout).await
}
