//! Reading with bounds: how many bytes, how long idle, how long in all. A slow or endless sender
//! costs its own connection and nothing else. Never interprets what it reads.

use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::time::{Instant, timeout_at};

/// Time limits of one exchange.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// Longest silence.
    pub idle: Duration,
    /// End of the exchange however lively it is; `None` for no end.
    pub until: Option<Instant>,
}

/// Why reading ended.
#[derive(Debug, thiserror::Error)]
pub enum ReadEnd {
    /// The peer closed in order.
    #[error("closed by the peer")]
    Closed,
    /// Silent for too long, or the exchange took too long.
    #[error("too slow")]
    TooSlow,
    /// The connection broke.
    #[error("connection broken")]
    Broken(#[source] io::Error),
}

/// Appends what arrives next to `buffer`, at most `room` bytes. Returns the number of bytes, never 0.
///
/// # Errors
/// [`ReadEnd`]; nothing was appended then.
pub async fn read_some<R: AsyncRead + Unpin>(
    stream: &mut R,
    buffer: &mut Vec<u8>,
    room: usize,
    times: Times,
) -> Result<usize, ReadEnd> {
    let idle = Instant::now() + times.idle;
    let end = times.until.map_or(idle, |until| until.min(idle));
    let room = room.clamp(1, 64 * 1024);
    // Into memory that is not cleared before: most messages fill a small part of the room.
    buffer.reserve(room);
    let read = timeout_at(end, stream.take(room as u64).read_buf(buffer)).await;
    match read {
        Err(_) => Err(ReadEnd::TooSlow),
        Ok(Err(error)) => Err(ReadEnd::Broken(error)),
        Ok(Ok(0)) => Err(ReadEnd::Closed),
        Ok(Ok(n)) => Ok(n),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt as _;

    #[tokio::test]
    async fn bounds_hold() {
        let (mut near, mut far) = tokio::io::duplex(64);
        let times = Times { idle: Duration::from_millis(50), until: None };
        far.write_all(b"hello").await.unwrap();
        let mut buffer = b"> ".to_vec();
        assert_eq!(read_some(&mut near, &mut buffer, 3, times).await.unwrap(), 3);
        assert_eq!(buffer, b"> hel");
        assert_eq!(read_some(&mut near, &mut buffer, 100, times).await.unwrap(), 2);
        assert!(matches!(read_some(&mut near, &mut buffer, 1, times).await, Err(ReadEnd::TooSlow)));
        drop(far);
        assert!(matches!(read_some(&mut near, &mut buffer, 1, times).await, Err(ReadEnd::Closed)));
        assert_eq!(buffer, b"> hello");
    }
}
