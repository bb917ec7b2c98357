//! One connection to the mailbox: log in, take what waits, wait for more. A mail is handed in first and
//! moved or marked afterwards; after a break in between it is fetched again and the desk knows it
//! already. Everything has a time limit but waiting itself, which ends by itself.

use super::fetch::{Fetched, fetch};
use super::{ImapConfig, ImapTls, Taken};
use crate::listen::identity::Identity;
use async_imap::extensions::idle::IdleResponse;
use async_imap::types::{Flag, UnsolicitedResponse};
use async_imap::{Client, Session};
use futures::TryStreamExt as _;
use kakehashi_core::clock::Clock;
use kakehashi_core::port::{IntakeAnswer, IntakeDesk, Origin, RawIntake, RecipientAnswer};
use kakehashi_core::raw_bytes::RawBytes;
use kakehashi_core::vocabulary::{Channel, Format};
use std::fmt::Debug;
use std::future::Future;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// Keyword of mails that were taken, where they stay in their folder.
const KEYWORD: &str = "$kakehashi";
/// Longest time for one command.
pub(super) const COMMAND: Duration = Duration::from_secs(60);
/// Longest time for fetching one mail at once.
pub(super) const FETCH: Duration = Duration::from_secs(300);
/// Before the folder is looked at again because something was told: a server may tell the same beside every answer.
const BREATH: Duration = Duration::from_secs(1);
/// Mails taken before the folder is looked at again.
const BATCH: usize = 200;

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// No connection, or it broke.
    #[error("connection: {0}")]
    Connection(#[from] std::io::Error),
    /// The server said no, or something that is no IMAP.
    #[error("server: {0}")]
    Server(#[from] async_imap::error::Error),
    /// TLS settings.
    #[error("TLS: {0}")]
    Tls(String),
    /// No answer in time.
    #[error("no answer in time")]
    Silent,
    /// The server cannot do what exactly-once needs.
    #[error("{0}")]
    Unfit(String),
    /// The desk could not make a mail durable.
    #[error("storage is away; the mail stays in the mailbox")]
    Away,
}

/// A connection, encrypted or not.
pub(super) trait Wire: AsyncRead + AsyncWrite + Unpin + Send + Debug {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send + Debug> Wire for S {}

pub(super) type Mailbox = Session<Box<dyn Wire>>;

pub(super) async fn within<T, E: Into<Fault>>(
    limit: Duration,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, Fault> {
    match tokio::time::timeout(limit, work).await {
        Ok(done) => done.map_err(Into::into),
        Err(_) => Err(Fault::Silent),
    }
}

async fn encrypted<S>(config: &ImapConfig, stream: S) -> Result<impl Wire + use<S>, Fault>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + Debug,
{
    let client = kakehashi_wire::tls::public_client_config(config.ca.as_deref())
        .map_err(|e| Fault::Tls(e.to_string()))?;
    within(Duration::from_secs(20), kakehashi_wire::tls::connect(&client, &config.host, stream)).await
}

async fn login(config: &ImapConfig) -> Result<Mailbox, Fault> {
    let connecting = TcpStream::connect((config.host.as_str(), config.port));
    let stream = within(Duration::from_secs(20), connecting).await?;
    stream.set_nodelay(true)?;
    let wire: Box<dyn Wire> = match config.tls {
        ImapTls::Plain | ImapTls::Starttls => Box::new(stream),
        ImapTls::Implicit => Box::new(encrypted(config, stream).await?),
    };
    let mut client = Client::new(wire);
    let greeting = within(COMMAND, client.read_response()).await?;
    if greeting.is_none() {
        return Err(Fault::Connection(std::io::ErrorKind::UnexpectedEof.into()));
    }
    if config.tls == ImapTls::Starttls {
        let asking = client.run_command_and_check_ok("STARTTLS", None);
        within(COMMAND, asking).await?;
        // What the far side sent in the clear after its yes is dropped with the old client.
        let wire: Box<dyn Wire> = Box::new(encrypted(config, client.into_inner()).await?);
        client = Client::new(wire);
    }
    let logging_in = async {
        client.login(&config.username, &config.password).await.map_err(|(error, _)| Fault::Server(error))
    };
    within(COMMAND, logging_in).await
}

/// What is there to be taken, for `doctor`.
pub(super) async fn look(config: &ImapConfig) -> Result<usize, Fault> {
    let mut mailbox = login(config).await?;
    within(COMMAND, mailbox.examine(&config.folder)).await?;
    let waiting = within(COMMAND, mailbox.uid_search(wanted())).await?.len();
    let _ = within(COMMAND, mailbox.logout()).await;
    Ok(waiting)
}

/// What counts as not taken yet. Not `UNSEEN`: a person who looks into the mailbox must not hide a mail
/// from us. Mails that are too large carry the keyword even where taken ones are moved.
fn wanted() -> String {
    format!("UNDELETED UNKEYWORD {KEYWORD}")
}

/// What one connection needs.
pub(super) struct Watch<'a> {
    pub(super) config: &'a ImapConfig,
    pub(super) desk: &'a dyn IntakeDesk,
    pub(super) clock: &'a dyn Clock,
}

impl Watch<'_> {
    /// Until something breaks; never ends well, because the mailbox has no end.
    pub(super) async fn run(&self) -> Result<(), Fault> {
        let mut mailbox = login(self.config).await?;
        let can = within(COMMAND, mailbox.capabilities()).await?;
        let (idle, moves) = (can.has_str("IDLE"), can.has_str("MOVE"));
        if let Taken::Move(folder) = &self.config.taken {
            // Exists already, most of the time.
            let _ = within(COMMAND, mailbox.create(folder)).await;
        }
        let selected = within(COMMAND, mailbox.select(&self.config.folder)).await?;
        let validity = selected
            .uid_validity
            .ok_or_else(|| Fault::Unfit("the server gives no UIDVALIDITY for this folder".to_owned()))?;
        if self.config.taken == Taken::Mark
            && !selected.permanent_flags.is_empty()
            && !selected
                .permanent_flags
                .iter()
                .any(|f| *f == Flag::MayCreate || *f == Flag::Custom(KEYWORD.into()))
        {
            return Err(Fault::Unfit(
                "the folder keeps no keywords; set a folder for mails that were taken instead".to_owned(),
            ));
        }
        tracing::info!(folder = %self.config.folder, validity, idle, "imap: watching");
        loop {
            while self.take(&mut mailbox, moves, validity).await? > 0 {}
            mailbox = self.wait(mailbox, idle).await?;
        }
    }

    /// Takes what waits, oldest first. Returns how many were dealt with.
    async fn take(&self, mailbox: &mut Mailbox, moves: bool, validity: u32) -> Result<usize, Fault> {
        // What was told until now, the search finds.
        while mailbox.unsolicited_responses.try_recv().is_ok() {}
        let found = within(COMMAND, mailbox.uid_search(wanted())).await?;
        let mut uids: Vec<u32> = found.into_iter().collect();
        uids.sort_unstable();
        uids.truncate(BATCH);
        let mut done = 0;
        for uid in uids {
            let size = self.size(mailbox, uid).await?;
            // Gone meanwhile: somebody else moved it.
            let Some(size) = size else { continue };
            if size as usize > self.config.max_message_bytes {
                tracing::warn!(uid, validity, size, "imap: too large, marked and left to the office");
                self.mark(mailbox, uid).await?;
                continue;
            }
            let limit = self.config.max_message_bytes;
            let fetched = fetch(mailbox, self.desk, uid, size as usize, limit).await?;
            if matches!(fetched, Fetched::TooLarge) {
                tracing::warn!(uid, validity, size, "imap: larger than said, marked and left to the office");
                self.mark(mailbox, uid).await?;
                continue;
            }
            let (mail_from, named) = fetched.delivered();
            let rcpt_to = self.ours(named).await;
            let Some((bytes, known)) = fetched.finish(&rcpt_to).await? else { continue };
            let origin = Origin {
                listener: "imap".to_owned(),
                interface: Some(format!("{}/{validity}/{uid}", self.config.folder)),
                mail_from,
                rcpt_to,
                ..Origin::default()
            };
            match self.desk.hand_in(self.intake(bytes, known, origin)).await {
                IntakeAnswer::Accepted(id) | IntakeAnswer::Duplicate(id) => {
                    tracing::debug!(uid, validity, intake = %id, "imap: taken");
                }
                IntakeAnswer::Refused(refusal) => {
                    tracing::warn!(uid, validity, ?refusal, "imap: refused, marked and left to the office");
                    self.mark(mailbox, uid).await?;
                    continue;
                }
                IntakeAnswer::TryLater(_) => return Err(Fault::Away),
            }
            self.put_away(mailbox, uid, moves).await?;
            done += 1;
        }
        Ok(done)
    }

    async fn size(&self, mailbox: &mut Mailbox, uid: u32) -> Result<Option<u32>, Fault> {
        let work = async {
            let stream = mailbox.uid_fetch(uid.to_string(), "(UID RFC822.SIZE)").await?;
            let all: Vec<_> = stream.try_collect().await?;
            let one = all.iter().find(|f| f.uid == Some(uid)).and_then(|f| f.size);
            Ok::<_, async_imap::error::Error>(one)
        };
        within(COMMAND, work).await
    }

    /// Those of our addresses to which a mail came.
    async fn ours(&self, named: Vec<String>) -> Vec<String> {
        let mut rcpt_to = Vec::new();
        for address in named {
            if self.desk.accepts_recipient(&address).await == RecipientAnswer::Ours {
                rcpt_to.push(address);
            }
        }
        if rcpt_to.is_empty() {
            rcpt_to.push(self.config.purpose.clone());
        }
        rcpt_to
    }

    fn intake(&self, bytes: RawBytes, known: Identity, origin: Origin) -> RawIntake {
        // By content, as over SMTP: the same mail that comes by both ways, or under a new UIDVALIDITY
        // after the mailbox was rebuilt, is one intake.
        RawIntake {
            channel: Channel::Email,
            format: Format::Rfc5322,
            dedup_key: known.dedup_key,
            sender_message_id: known.message_id,
            bytes,
            received_at: self.clock.now(),
            origin,
        }
    }

    async fn put_away(&self, mailbox: &mut Mailbox, uid: u32, moves: bool) -> Result<(), Fault> {
        let Taken::Move(folder) = &self.config.taken else { return self.mark(mailbox, uid).await };
        if moves {
            return within(COMMAND, mailbox.uid_mv(uid.to_string(), folder)).await;
        }
        within(COMMAND, mailbox.uid_copy(uid.to_string(), folder)).await?;
        self.store(mailbox, uid, "+FLAGS.SILENT (\\Deleted)").await?;
        let expunging = async {
            let stream = mailbox.expunge().await?;
            stream.try_for_each(|_| async { Ok(()) }).await
        };
        within::<(), async_imap::error::Error>(COMMAND, expunging).await
    }

    async fn mark(&self, mailbox: &mut Mailbox, uid: u32) -> Result<(), Fault> {
        self.store(mailbox, uid, &format!("+FLAGS.SILENT ({KEYWORD})")).await
    }

    async fn store(&self, mailbox: &mut Mailbox, uid: u32, flags: &str) -> Result<(), Fault> {
        let work = async {
            let stream = mailbox.uid_store(uid.to_string(), flags).await?;
            stream.try_for_each(|_| async { Ok(()) }).await
        };
        within::<(), async_imap::error::Error>(COMMAND, work).await
    }

    async fn wait(&self, mut mailbox: Mailbox, idle: bool) -> Result<Mailbox, Fault> {
        if !idle {
            tokio::time::sleep(self.config.poll).await;
            within(COMMAND, mailbox.noop()).await?;
            return Ok(mailbox);
        }
        let told = mailbox.unsolicited_responses.clone();
        let mut handle = mailbox.idle();
        within(COMMAND, handle.init()).await?;
        // A mail that arrived since the search was told beside the answer to some command, and IDLE does not tell of it again.
        // Of more than fits some were dropped.
        let was_full = told.is_full();
        if has_news(std::iter::from_fn(|| told.try_recv().ok())) || was_full {
            tokio::time::sleep(BREATH).await;
            return within(COMMAND, handle.done()).await;
        }
        let (news, _stop) = handle.wait_with_timeout(self.config.poll);
        let heard = news.await?;
        if let IdleResponse::NewData(data) = &heard {
            tracing::trace!(?data, "imap: news");
        }
        drop(_stop);
        within(COMMAND, handle.done()).await
    }
}

/// Whether the server told of new mails beside its answers.
fn has_news(told: impl Iterator<Item = UnsolicitedResponse>) -> bool {
    // All of them are taken: what is left would be news the next time.
    told.filter(|one| matches!(one, UnsolicitedResponse::Exists(_) | UnsolicitedResponse::Recent(_))).count()
        > 0
}
