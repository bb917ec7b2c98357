//! One SMTP or LMTP session over any stream, so that tests drive it in memory. Its phase says what the next
//! bytes mean; limits, shutdown and faults each have one reply. It answers 250 to a message only after
//! the desk said that it is durable, and 451 when it is not: then the sender keeps it.

use super::command::{BadCommand, Command, parse};
use super::config::{Protocol, SmtpConfig};
use super::data::{DataLimits, DataReader, refusal_of, too_large};
use super::human;
use super::identity;
use super::large::{LargeMail, PIECE_BYTES};
use kakehashi_core::clock::{Clock, UtcMicros};
use kakehashi_core::port::{IntakeAnswer, IntakeDesk, Origin, RawIntake, RecipientAnswer, Refusal};
use kakehashi_core::vocabulary::{Channel, Format};
use kakehashi_wire::bounds::{ReadEnd, Times, read_some};
use kakehashi_wire::tls;
use std::net::IpAddr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Bytes of a read, unless the one before was full.
const SMALL_READ: usize = 8 * 1024;
/// Bytes of a read at most.
const LARGE_READ: usize = 64 * 1024;

/// Bytes of a message that count as something.
const SOMETHING: usize = 1_024;

/// How a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// QUIT.
    Quit,
    /// The peer closed or the connection broke.
    Gone,
    /// Silent for too long, or the session took too long.
    TooSlow,
    /// Slow while others wait for a place.
    Crowded,
    /// Too many errors.
    TooManyErrors,
    /// We shut down.
    Shutdown,
    /// The TLS handshake failed, or commands came before it.
    Tls,
}

/// A stream that may become a TLS stream.
trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Wire for S {}

/// Serves one session. Bytes may be cut on the way anywhere; the replies are the same.
pub async fn run_session<S>(
    stream: S,
    peer: Option<IpAddr>,
    config: &SmtpConfig,
    desk: &dyn IntakeDesk,
    clock: &dyn Clock,
    shutdown: CancellationToken,
) -> Ended
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let mut session = Session {
        config,
        desk,
        clock,
        peer,
        client: peer,
        helo: None,
        shutdown,
        until: Instant::now() + config.total,
        stream: Some(Box::new(stream)),
        input: Vec::new(),
        room: SMALL_READ,
        output: Vec::new(),
        phase: Phase::Greeted,
        errors: 0,
        encrypted: false,
        smtp_utf8: false,
        done_at: Instant::now(),
        since_done: 0,
    };
    session.greet();
    let ended = match session.run().await {
        Ok(never) => match never {},
        Err(ended) => ended,
    };
    let last = match ended {
        Ended::TooSlow => "421 4.4.2 timeout, closing",
        Ended::Crowded => "421 4.3.2 many are waiting and this session is slow, try again later",
        Ended::TooManyErrors => "421 4.7.0 too many errors, closing",
        Ended::Shutdown => "421 4.3.2 service is shutting down, try again later",
        Ended::Quit | Ended::Gone | Ended::Tls => "",
    };
    if !last.is_empty() {
        session.reply(last);
    }
    let _ = session.flush().await;
    // Who said QUIT reads the answer and closes; closing here ends the connection as well.
    if let Some(mut stream) = session.stream.take().filter(|_| ended != Ended::Quit || session.encrypted) {
        let _ = tokio::time::timeout(Duration::from_secs(5), stream.shutdown()).await;
    }
    ended
}

/// What the next bytes mean.
enum Phase {
    /// A command; EHLO is still owed.
    Greeted,
    /// A command outside a transaction.
    Ready,
    /// A command within a transaction.
    Transaction(Transaction),
    /// The message.
    Data(Transaction, Box<Incoming>),
    /// The rest of a command line that is too long.
    SkipLine(Box<Phase>),
}

#[derive(Debug, Default)]
struct Transaction {
    from: String,
    to: Vec<String>,
    /// RCPT commands that were answered yes: so many answers LMTP owes.
    accepted: usize,
    smtp_utf8: bool,
}

/// A message that arrives.
struct Incoming {
    reader: DataReader,
    received_at: UtcMicros,
    /// Where it goes once it is large.
    large: Option<LargeMail>,
}

enum Never {}

struct Session<'a> {
    config: &'a SmtpConfig,
    desk: &'a dyn IntakeDesk,
    clock: &'a dyn Clock,
    peer: Option<IpAddr>,
    /// For whom the peer speaks; itself without XCLIENT.
    client: Option<IpAddr>,
    helo: Option<String>,
    shutdown: CancellationToken,
    until: Instant,
    stream: Option<Box<dyn Wire + 'a>>,
    input: Vec<u8>,
    /// Bytes that the next read of a message takes at most.
    room: usize,
    output: Vec<u8>,
    phase: Phase,
    errors: u32,
    encrypted: bool,
    /// Whether the transaction announced SMTPUTF8, so that its replies may say Japanese in Japanese.
    smtp_utf8: bool,
    /// When a command or a piece of a message was complete.
    done_at: Instant,
    /// Bytes of a message since then.
    since_done: usize,
}

impl Session<'_> {
    async fn run(&mut self) -> Result<Never, Ended> {
        loop {
            while self.step().await? {}
            self.flush().await?;
            self.read().await?;
        }
    }

    /// Works on what has arrived. False if more is needed.
    async fn step(&mut self) -> Result<bool, Ended> {
        match std::mem::replace(&mut self.phase, Phase::Ready) {
            Phase::Data(transaction, mut incoming) => match incoming.reader.take(&self.input) {
                Some(used) => {
                    self.input.drain(..used);
                    self.end_of_data(transaction, *incoming).await?;
                    Ok(true)
                }
                None => {
                    self.input.clear();
                    if incoming.reader.held() >= PIECE_BYTES {
                        if incoming.large.is_none() {
                            incoming.large = self.desk.spool().map(LargeMail::new);
                        }
                        if let Some(large) = &mut incoming.large {
                            large.take_from(&mut incoming.reader).await;
                        }
                    }
                    self.phase = Phase::Data(transaction, incoming);
                    Ok(false)
                }
            },
            Phase::SkipLine(back) => match self.input.iter().position(|b| *b == b'\n') {
                Some(at) => {
                    self.input.drain(..=at);
                    self.phase = *back;
                    self.fault("500 5.5.2 line too long")?;
                    Ok(true)
                }
                None => {
                    self.input.clear();
                    self.phase = Phase::SkipLine(back);
                    Ok(false)
                }
            },
            phase => {
                let Some(at) = self.input.iter().position(|b| *b == b'\n') else {
                    if self.input.len() > self.config.max_command_bytes {
                        self.input.clear();
                        self.phase = Phase::SkipLine(Box::new(phase));
                    } else {
                        self.phase = phase;
                    }
                    return Ok(false);
                };
                let line: Vec<u8> = self.input.drain(..=at).collect();
                self.phase = phase;
                if line.len() > self.config.max_command_bytes {
                    self.fault("500 5.5.2 line too long")?;
                    return Ok(true);
                }
                match line.strip_suffix(b"\r\n") {
                    Some(line) if !line.contains(&b'\r') => self.command(line).await?,
                    _ => self.fault("500 5.5.2 lines end in CR LF")?,
                }
                Ok(true)
            }
        }
    }

    async fn command(&mut self, line: &[u8]) -> Result<(), Ended> {
        if self.shutdown.is_cancelled() {
            return Err(Ended::Shutdown);
        }
        let command = match parse(line) {
            Ok(command) => command,
            Err(BadCommand::Unknown) => return self.fault("500 5.5.1 unknown command"),
            Err(BadCommand::OtherProtocol) => return Err(Ended::TooManyErrors),
            Err(BadCommand::Syntax) => {
                return self.fault("501 5.5.4 syntax error in the command or its argument");
            }
            Err(BadCommand::NotOffered) => return self.fault("502 5.5.1 command not offered"),
            Err(BadCommand::Parameter) => return self.fault("555 5.5.4 parameter not known"),
        };
        // Whoever only keeps the session alive does not get on.
        if !matches!(command, Command::Noop | Command::Rset | Command::Vrfy | Command::Help) {
            self.something_done();
        }
        match command {
            Command::Ehlo { name } if self.config.protocol == Protocol::Smtp => self.ehlo(name),
            Command::Lhlo { name } if self.config.protocol == Protocol::Lmtp => self.ehlo(name),
            Command::Helo { name } if self.config.protocol == Protocol::Smtp => {
                self.phase = Phase::Ready;
                self.helo = Some(name);
                self.reply(&format!("250 {}", self.config.hostname));
            }
            Command::Ehlo { .. } | Command::Helo { .. } | Command::Lhlo { .. } => {
                return self.fault("500 5.5.1 the other hello is spoken here");
            }
            Command::Xclient { attributes } => return self.xclient(attributes),
            Command::Mail { from, size, smtp_utf8 } => return self.mail(from, size, smtp_utf8),
            Command::Rcpt { to } => return self.rcpt(to).await,
            Command::Data => return self.data(),
            Command::Rset => {
                if !matches!(self.phase, Phase::Greeted) {
                    self.phase = Phase::Ready;
                }
                self.smtp_utf8 = false;
                self.reply("250 2.0.0 reset");
            }
            Command::Noop => self.reply("250 2.0.0 OK"),
            Command::Quit => {
                self.reply(&format!("221 2.0.0 {} closing", self.config.hostname));
                return Err(Ended::Quit);
            }
            Command::StartTls => return self.start_tls().await,
            // Says nothing about who is known here.
            Command::Vrfy => self.reply("252 2.5.2 cannot verify, send the message to try"),
            Command::Help => self.reply("214 2.0.0 see RFC 5321"),
        }
        Ok(())
    }

    fn greet(&mut self) {
        let protocol = match self.config.protocol {
            Protocol::Smtp => "ESMTP",
            Protocol::Lmtp => "LMTP",
        };
        self.reply(&format!("220 {} {protocol} kakehashi", self.config.hostname));
    }

    fn may_xclient(&self) -> bool {
        self.peer.is_some_and(|ip| self.config.xclient_peers.contains(&ip.to_canonical()))
    }

    /// The peer speaks for another host. The session begins anew, as if that host had connected.
    fn xclient(&mut self, attributes: Vec<(String, Option<String>)>) -> Result<(), Ended> {
        if !self.may_xclient() {
            return self.fault("550 5.7.0 XCLIENT is not for you");
        }
        if matches!(self.phase, Phase::Transaction(_)) {
            return self.fault("503 5.5.1 XCLIENT not within a transaction");
        }
        let mut client = self.client;
        let mut helo = self.helo.take();
        for (name, value) in attributes {
            match (name.as_str(), value) {
                ("ADDR", Some(text)) => {
                    let bare = text.get(..5).filter(|p| p.eq_ignore_ascii_case("IPv6:"));
                    let Ok(ip) = text[bare.map_or(0, str::len)..].parse::<IpAddr>() else {
                        return self.fault("501 5.5.4 ADDR is no address");
                    };
                    client = Some(ip.to_canonical());
                }
                ("ADDR", None) => client = None,
                ("HELO", value) => helo = value,
                _ => {}
            }
        }
        self.client = client;
        self.helo = helo;
        self.phase = Phase::Greeted;
        self.greet();
        Ok(())
    }

    fn ehlo(&mut self, name: String) {
        self.phase = Phase::Ready;
        // What XCLIENT said of the real client stands.
        if self.client == self.peer {
            self.helo = Some(name);
        }
        let mut lines = vec![
            self.config.hostname.clone(),
            format!("SIZE {}", self.config.max_message_bytes),
            "8BITMIME".to_owned(),
            "SMTPUTF8".to_owned(),
            "PIPELINING".to_owned(),
            "ENHANCEDSTATUSCODES".to_owned(),
        ];
        if self.config.tls.is_some() && !self.encrypted {
            lines.push("STARTTLS".to_owned());
        }
        if self.may_xclient() {
            lines.push("XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT".to_owned());
        }
        let last = lines.len() - 1;
        for (i, line) in lines.iter().enumerate() {
            self.reply(&format!("250{}{line}", if i == last { ' ' } else { '-' }));
        }
    }

    fn mail(&mut self, from: String, size: Option<u64>, smtp_utf8: bool) -> Result<(), Ended> {
        match self.phase {
            Phase::Ready => {}
            Phase::Greeted => return self.fault("503 5.5.1 EHLO first"),
            _ => return self.fault("503 5.5.1 a sender is given already"),
        }
        if size.is_some_and(|s| s > self.config.max_message_bytes as u64) {
            return self.fault(&too_large(self.config.max_message_bytes as u64));
        }
        self.smtp_utf8 = smtp_utf8;
        self.phase = Phase::Transaction(Transaction { from, smtp_utf8, ..Transaction::default() });
        self.reply("250 2.1.0 sender OK");
        Ok(())
    }

    async fn rcpt(&mut self, to: String) -> Result<(), Ended> {
        let Phase::Transaction(transaction) = &mut self.phase else {
            return self.fault("503 5.5.1 MAIL first");
        };
        if transaction.to.len() >= self.config.max_recipients {
            // No error of the sender's: it sends the rest in a further transaction (RFC 5321 4.5.3.1.10).
            self.reply("452 4.5.3 too many recipients");
            return Ok(());
        }
        if !to.is_ascii() && !transaction.smtp_utf8 {
            return self.fault("553 5.6.7 SMTPUTF8 was not announced");
        }
        match self.desk.accepts_recipient(&to).await {
            RecipientAnswer::Ours => {
                if !transaction.to.contains(&to) {
                    transaction.to.push(to);
                }
                transaction.accepted += 1;
                self.reply("250 2.1.5 recipient OK");
                Ok(())
            }
            // One answer for unknown, closed and foreign.
            RecipientAnswer::NotOurs => self.fault("550 5.1.1 no such recipient here"),
            RecipientAnswer::TryLater => {
                self.reply("451 4.3.0 recipient cannot be checked now, try again later");
                Ok(())
            }
        }
    }

    fn data(&mut self) -> Result<(), Ended> {
        match std::mem::replace(&mut self.phase, Phase::Ready) {
            Phase::Transaction(transaction) if !transaction.to.is_empty() => {
                let limits = DataLimits {
                    message_bytes: self.config.max_message_bytes,
                    line_bytes: self.config.max_line_bytes,
                    header_bytes: self.config.max_header_bytes,
                };
                let incoming =
                    Incoming { reader: DataReader::new(limits), received_at: self.clock.now(), large: None };
                self.phase = Phase::Data(transaction, Box::new(incoming));
                self.reply("354 end with <CR><LF>.<CR><LF>");
                Ok(())
            }
            phase @ Phase::Transaction(_) => {
                self.phase = phase;
                self.fault("554 5.5.1 no valid recipients")
            }
            phase => {
                self.phase = phase;
                self.fault("503 5.5.1 MAIL and RCPT first")
            }
        }
    }

    async fn end_of_data(&mut self, transaction: Transaction, incoming: Incoming) -> Result<(), Ended> {
        let Incoming { reader, received_at, large } = incoming;
        // RFC 2033 section 4.2: as many answers as recipients that were accepted. All of them lie in the
        // same intake, so all answers are the same.
        let answers = match self.config.protocol {
            Protocol::Smtp => 1,
            Protocol::Lmtp => transaction.accepted.max(1),
        };
        let message = match reader.finish() {
            Ok(message) => message,
            Err(fault) => {
                let limit = self.config.max_message_bytes as u64;
                return self.refuse(&refusal_of(fault, limit), answers);
            }
        };
        let (bytes, identity) = match large {
            None => {
                let identity = identity::of(&message, &transaction.to);
                (message.into(), identity)
            }
            Some(large) => match large.finish(message, &transaction.to).await {
                Ok(finished) => finished,
                Err(error) => {
                    tracing::error!(%error, "email.listen: a large mail could not be written to the disk");
                    self.repeat("451 4.3.0 not stored, try again later", answers);
                    return Ok(());
                }
            },
        };
        let intake = RawIntake {
            channel: Channel::Email,
            format: Format::Rfc5322,
            dedup_key: identity.dedup_key,
            sender_message_id: identity.message_id,
            bytes,
            received_at,
            origin: Origin {
                listener: match self.config.protocol {
                    Protocol::Smtp => "smtp".to_owned(),
                    Protocol::Lmtp => "lmtp".to_owned(),
                },
                peer: self.client.map(|ip| ip.to_string()),
                helo: self.helo.clone(),
                mail_from: Some(transaction.from),
                rcpt_to: transaction.to,
                ..Origin::default()
            },
        };
        match self.desk.hand_in(intake).await {
            IntakeAnswer::Accepted(id) | IntakeAnswer::Duplicate(id) => {
                self.repeat(&format!("250 2.0.0 accepted as {id}"), answers);
                Ok(())
            }
            IntakeAnswer::Refused(Refusal::TooLarge { limit_bytes }) => {
                self.refuse(&too_large(limit_bytes), answers)
            }
            IntakeAnswer::Refused(Refusal::Unacceptable(reason)) => {
                let reason: String =
                    reason.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').take(200).collect();
                self.refuse(&format!("554 5.6.0 {reason}"), answers)
            }
            IntakeAnswer::TryLater(_) => {
                self.repeat("451 4.3.0 not stored, try again later", answers);
                Ok(())
            }
        }
    }

    async fn start_tls(&mut self) -> Result<(), Ended> {
        let Some(config) = self.config.tls.clone().filter(|_| !self.encrypted) else {
            return self.fault("502 5.5.1 command not offered");
        };
        // Commands that came with STARTTLS were written by somebody who could not read our answer
        // encrypted; acting on them is command injection (RFC 3207 section 6).
        if !self.input.is_empty() {
            self.input.clear();
            self.reply("501 5.5.1 commands sent before the TLS handshake");
            return Err(Ended::Tls);
        }
        self.reply("220 2.0.0 ready to start TLS");
        self.flush().await?;
        let Some(stream) = self.stream.take() else { return Err(Ended::Gone) };
        match tls::accept(&config, stream).await {
            Ok(encrypted) => {
                self.stream = Some(Box::new(encrypted));
                self.encrypted = true;
                self.phase = Phase::Greeted;
                Ok(())
            }
            Err(_) => Err(Ended::Tls),
        }
    }

    fn something_done(&mut self) {
        (self.done_at, self.since_done) = (Instant::now(), 0);
    }

    fn reply(&mut self, line: &str) {
        human::write(line, self.smtp_utf8, &mut self.output);
    }

    fn repeat(&mut self, line: &str, times: usize) {
        for _ in 0..times {
            self.reply(line);
        }
    }

    /// One fault, told `answers` times.
    fn refuse(&mut self, line: &str, answers: usize) -> Result<(), Ended> {
        self.repeat(line, answers - 1);
        self.fault(line)
    }

    fn fault(&mut self, line: &str) -> Result<(), Ended> {
        self.reply(line);
        self.errors += 1;
        if self.errors >= self.config.max_errors { Err(Ended::TooManyErrors) } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<(), Ended> {
        let Some(stream) = self.stream.as_mut() else { return Err(Ended::Gone) };
        if self.output.is_empty() {
            return Ok(());
        }
        let writing = async {
            stream.write_all(&self.output).await?;
            stream.flush().await
        };
        let written = tokio::time::timeout(self.config.idle, writing).await;
        self.output.clear();
        match written {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Ended::Gone),
            Err(_) => Err(Ended::TooSlow),
        }
    }

    async fn read(&mut self) -> Result<(), Ended> {
        let Some(stream) = self.stream.as_mut() else { return Err(Ended::Gone) };
        let times = Times { idle: self.config.idle, until: Some(self.until) };
        // Twice as much after a read that was full, so that a short mail needs little memory.
        let room = match self.phase {
            Phase::Data(..) => self.room,
            _ => SMALL_READ,
        };
        let reading = read_some(stream, &mut self.input, room, times);
        // A message in progress is finished; the drain time of the accept loop bounds it.
        let in_data = matches!(self.phase, Phase::Data(..));
        let read = tokio::select! {
            read = reading => read,
            () = self.shutdown.cancelled(), if !in_data => return Err(Ended::Shutdown),
            () = self.config.crowd.presses(self.done_at, self.config.patience_in_crowd) => return Err(Ended::Crowded),
        };
        match read {
            Ok(taken) => {
                if in_data {
                    self.since_done += taken;
                    if self.since_done >= SOMETHING {
                        self.something_done();
                    }
                }
                self.room = if taken == room { (2 * room).min(LARGE_READ) } else { SMALL_READ };
                Ok(())
            }
            Err(ReadEnd::TooSlow) => Err(Ended::TooSlow),
            Err(ReadEnd::Closed | ReadEnd::Broken(_)) => Err(Ended::Gone),
        }
    }
}
