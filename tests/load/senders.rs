//! Closed-loop senders: every connection has one message on its way, and a message counts only when it
//! was acknowledged. They speak MLLP and SMTP as engines and mailers do, with commands pipelined where the
//! protocol allows it, and run on one thread so that they take as little of the machine as possible.

use crate::messages::{Numbered, opening};
use std::cell::Cell;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

/// How messages are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// MLLP, connections stay.
    Mllp,
    /// MLLP, connections stay; the next messages are sent before the first is answered.
    MllpPipelined,
    /// SMTP, sessions stay; a mail and the commands of the next go as one group (RFC 2920 section 3.1).
    Smtp,
    /// SMTP, sessions stay; each transaction begins when the one before is answered.
    SmtpTwoTurns,
    /// SMTP, a connection for each message.
    SmtpPerMessage,
}

impl Way {
    /// In the order of the report.
    pub(crate) const ALL: [Self; 5] =
        [Self::Mllp, Self::MllpPipelined, Self::Smtp, Self::SmtpTwoTurns, Self::SmtpPerMessage];

    /// Messages on their way over one connection.
    pub(crate) const fn depth(self) -> usize {
        if matches!(self, Self::MllpPipelined) { 4 } else { 1 }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Mllp => "MLLP",
            Self::MllpPipelined => "MLLP, four on their way",
            Self::Smtp => "SMTP",
            Self::SmtpTwoTurns => "SMTP, two round trips a mail",
            Self::SmtpPerMessage => "SMTP, one connection per message",
        }
    }
}

/// What a run showed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measured {
    /// Acknowledged messages per second.
    pub(crate) per_second: f64,
    /// Milliseconds from the first byte to the acknowledgement.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    /// Acknowledged in all, the warm-up included.
    pub(crate) acknowledged: usize,
    /// Connections that broke and messages that were not taken.
    pub(crate) faults: usize,
}

/// Sends over `connections` for a second of warm-up and `seconds` that count.
pub(crate) fn run(
    way: Way,
    address: SocketAddr,
    connections: usize,
    seconds: u64,
    name: &str,
) -> std::io::Result<Measured> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = LocalSet::new();
    Ok(local.block_on(&runtime, measure(way, address, connections, seconds, name)))
}

async fn measure(way: Way, address: SocketAddr, connections: usize, seconds: u64, name: &str) -> Measured {
    let over = Rc::new(Cell::new(false));
    let mut senders = Vec::with_capacity(connections);
    for connection in 0..connections {
        let (over, name) = (Rc::clone(&over), format!("{name}-{connection:03}"));
        senders.push(tokio::task::spawn_local(async move {
            let mut waits = Vec::new();
            let mut faults = 0;
            let mut messages = match way {
                Way::Mllp | Way::MllpPipelined => Numbered::adt(&name),
                Way::Smtp => Numbered::grouped_mail(&name),
                Way::SmtpTwoTurns | Way::SmtpPerMessage => Numbered::mail(&name),
            };
            let mut accepted = Numbered::accepted(&name);
            while !over.get() {
                let ended = match way {
                    Way::Mllp => mllp(address, &mut messages, &mut accepted, &mut waits, &over).await,
                    Way::MllpPipelined => {
                        mllp_pipelined(address, &mut messages, &mut accepted, &mut waits, &over, way.depth())
                            .await
                    }
                    Way::Smtp => smtp_grouped(address, &mut messages, &mut waits, &over).await,
                    Way::SmtpTwoTurns => smtp(address, &mut messages, &mut waits, &over, false).await,
                    Way::SmtpPerMessage => smtp(address, &mut messages, &mut waits, &over, true).await,
                };
                if ended.is_err() {
                    faults += 1;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
            (waits, faults)
        }));
    }
    let begun = Instant::now();
    let (from, until) = (begun + Duration::from_secs(1), begun + Duration::from_secs(1 + seconds));
    tokio::time::sleep_until(until.into()).await;
    over.set(true);
    let (mut counted, mut acknowledged, mut faults) = (Vec::new(), 0, 0);
    for sender in senders {
        let Ok((waits, faulty)) = sender.await else { continue };
        acknowledged += waits.len();
        faults += faulty;
        counted.extend(waits.into_iter().filter(|(at, _)| *at >= from && *at < until).map(|(_, wait)| wait));
    }
    counted.sort_unstable();
    let at = |share: usize| {
        counted.get(counted.len() * share / 100).map_or(f64::NAN, |w: &Duration| w.as_secs_f64() * 1000.0)
    };
    Measured {
        per_second: counted.len() as f64 / (until - from).as_secs_f64(),
        p50: at(50),
        p99: at(99),
        acknowledged,
        faults,
    }
}

/// When a message was acknowledged, and how long that took.
type Waits = Vec<(Instant, Duration)>;

async fn mllp(
    address: SocketAddr,
    messages: &mut Numbered,
    accepted: &mut Numbered,
    waits: &mut Waits,
    over: &Cell<bool>,
) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut answer = Vec::with_capacity(1024);
    while !over.get() {
        let (message, wanted) = (messages.next(), accepted.next());
        let begun = Instant::now();
        stream.write_all(message).await?;
        answer.clear();
        while !answer.ends_with(b"\x1c\r") {
            if stream.read_buf(&mut answer).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        }
        if !answer.windows(wanted.len()).any(|w| w == wanted) {
            return Err(std::io::ErrorKind::InvalidData.into());
        }
        let now = Instant::now();
        waits.push((now, now - begun));
    }
    Ok(())
}

async fn mllp_pipelined(
    address: SocketAddr,
    messages: &mut Numbered,
    accepted: &mut Numbered,
    waits: &mut Waits,
    over: &Cell<bool>,
    depth: usize,
) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut sending, mut answers, mut on_their_way) = (Vec::new(), Vec::new(), VecDeque::new());
    loop {
        sending.clear();
        while !over.get() && on_their_way.len() < depth {
            sending.extend_from_slice(messages.next());
            on_their_way.push_back(Instant::now());
        }
        if on_their_way.is_empty() {
            return Ok(());
        }
        stream.write_all(&sending).await?;
        if stream.read_buf(&mut answers).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        while let Some(end) = answers.windows(2).position(|w| w == b"\x1c\r") {
            let wanted = accepted.next();
            let begun = on_their_way.pop_front().ok_or(std::io::ErrorKind::InvalidData)?;
            if !answers[..end].windows(wanted.len()).any(|w| w == wanted) {
                return Err(std::io::ErrorKind::InvalidData.into());
            }
            let now = Instant::now();
            waits.push((now, now - begun));
            answers.drain(..end + 2);
        }
    }
}

async fn smtp(
    address: SocketAddr,
    messages: &mut Numbered,
    waits: &mut Waits,
    over: &Cell<bool>,
    once: bool,
) -> std::io::Result<()> {
    let mut began = Instant::now();
    let mut session = Session { stream: TcpStream::connect(address).await?, got: Vec::with_capacity(1024) };
    session.stream.set_nodelay(true)?;
    session.replies(1, "220").await?;
    session.stream.write_all(b"EHLO load.example\r\n").await?;
    session.replies(1, "250").await?;
    let opening = opening();
    while !over.get() {
        let message = messages.next();
        if !once {
            began = Instant::now();
        }
        session.stream.write_all(opening.as_bytes()).await?;
        session.replies(3, "354").await?;
        session.stream.write_all(message).await?;
        session.replies(1, "250").await?;
        let now = Instant::now();
        waits.push((now, now - began));
        if once {
            session.stream.write_all(b"QUIT\r\n").await?;
            return Ok(());
        }
    }
    Ok(())
}

/// The last bytes of a mail and the commands of the next are one group; the standard allows it, so that a
/// mail costs one round trip.
async fn smtp_grouped(
    address: SocketAddr,
    messages: &mut Numbered,
    waits: &mut Waits,
    over: &Cell<bool>,
) -> std::io::Result<()> {
    let mut session = Session { stream: TcpStream::connect(address).await?, got: Vec::with_capacity(1024) };
    session.stream.set_nodelay(true)?;
    session.replies(1, "220").await?;
    session.stream.write_all(b"EHLO load.example\r\n").await?;
    session.replies(1, "250").await?;
    session.stream.write_all(opening().as_bytes()).await?;
    session.replies(3, "354").await?;
    while !over.get() {
        let message = messages.next();
        let begun = Instant::now();
        session.stream.write_all(message).await?;
        session.replies(1, "250").await?;
        let now = Instant::now();
        waits.push((now, now - begun));
        session.replies(3, "354").await?;
    }
    Ok(())
}

struct Session {
    stream: TcpStream,
    got: Vec<u8>,
}

impl Session {
    /// Reads this many replies; the last must begin so.
    async fn replies(&mut self, mut count: u32, last: &str) -> std::io::Result<()> {
        loop {
            while let Some(end) = self.got.iter().position(|b| *b == b'\n') {
                let is_last_line = self.got.get(3) != Some(&b'-');
                if is_last_line {
                    count -= 1;
                    if count == 0 {
                        let fits = self.got.starts_with(last.as_bytes());
                        self.got.drain(..=end);
                        return if fits { Ok(()) } else { Err(std::io::ErrorKind::InvalidData.into()) };
                    }
                }
                self.got.drain(..=end);
            }
            if self.stream.read_buf(&mut self.got).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}
