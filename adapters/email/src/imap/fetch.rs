//! One mail out of the mailbox. A large one is asked for piece by piece (RFC 3501 6.4.5, partial `BODY.PEEK`)
//! and goes to the desk's spool as over SMTP, so that only a piece of it is ever in memory. What the
//! server says of a mail's size is not believed: some count other line ends.

use super::session::{COMMAND, FETCH, Fault, Mailbox, within};
use crate::listen::identity::{self, Identity};
use crate::listen::large::LargeMail;
use futures::TryStreamExt as _;
use kakehashi_core::port::IntakeDesk;
use kakehashi_core::raw_bytes::RawBytes;

/// Larger mails are fetched in pieces.
const HELD_BYTES: usize = 256 * 1024;
/// What is asked for at once: a mail of 50 MB is 50 questions.
const PIECE_BYTES: usize = 1024 * 1024;
/// Largest header of a mail that is fetched in pieces; that of a listener's session is no larger.
const MAX_HEADER_BYTES: usize = PIECE_BYTES;

/// What came of asking for one mail.
pub(super) enum Fetched {
    /// All of it, in memory.
    Held(Vec<u8>),
    /// All of it, in the spool.
    Spooled(LargeMail),
    /// Somebody else moved it meanwhile.
    Gone,
    /// Larger than the limit, whatever the server said before.
    TooLarge,
}

/// Asks for a mail of about this size.
pub(super) async fn fetch(
    mailbox: &mut Mailbox,
    desk: &dyn IntakeDesk,
    uid: u32,
    size: usize,
    limit: usize,
) -> Result<Fetched, Fault> {
    let spool = if size > HELD_BYTES { desk.spool() } else { None };
    let Some(spool) = spool else {
        let whole = within(FETCH, ask(mailbox, uid, "(UID BODY.PEEK[])".to_owned())).await?;
        return Ok(match whole {
            Some(bytes) if bytes.len() > limit => Fetched::TooLarge,
            Some(bytes) if !bytes.is_empty() => Fetched::Held(bytes),
            _ => Fetched::Gone,
        });
    };
    let mut mail = LargeMail::new(spool);
    let mut at = 0;
    loop {
        let question = format!("(UID BODY.PEEK[]<{at}.{PIECE_BYTES}>)");
        let Some(piece) = within(COMMAND, ask(mailbox, uid, question)).await? else {
            return Ok(Fetched::Gone);
        };
        let got = piece.len();
        if at == 0 && got == 0 {
            return Ok(Fetched::Gone);
        }
        if got > PIECE_BYTES {
            // A server that knows no pieces gives everything, at the first question.
            return match at {
                0 if got <= limit => Ok(Fetched::Held(piece)),
                0 => Ok(Fetched::TooLarge),
                _ => Err(Fault::Unfit("the server gives more of a mail than it was asked for".to_owned())),
            };
        }
        at += got;
        if at > limit || (at == got && !has_header(&piece)) {
            return Ok(Fetched::TooLarge);
        }
        if got > 0 {
            mail.write(piece).await;
        }
        if mail.is_broken() {
            return Err(Fault::Away);
        }
        // A short piece is the last one; one short of the size as well is asked about once more.
        if got == 0 || (got < PIECE_BYTES && at >= size) {
            return Ok(Fetched::Spooled(mail));
        }
    }
}

/// Whether the first piece holds all of the header.
fn has_header(piece: &[u8]) -> bool {
    piece.len() < MAX_HEADER_BYTES || piece.windows(4).any(|four| four == b"\r\n\r\n")
}

async fn ask(
    mailbox: &mut Mailbox,
    uid: u32,
    question: String,
) -> Result<Option<Vec<u8>>, async_imap::error::Error> {
    let stream = mailbox.uid_fetch(uid.to_string(), question).await?;
    let all: Vec<_> = stream.try_collect().await?;
    let ours = || all.iter().filter(|answer| answer.uid == Some(uid));
    let found = ours().find_map(|answer| answer.body().map(<[u8]>::to_vec));
    // `NIL` behind the last byte is no byte.
    Ok(found.or_else(|| ours().next().map(|_| Vec::new())))
}

impl Fetched {
    /// Envelope sender and recipients as the header has them.
    pub(super) fn delivered(&self) -> (Option<String>, Vec<String>) {
        match self {
            Self::Held(bytes) => identity::delivered(bytes),
            Self::Spooled(mail) => identity::delivered(mail.header()),
            Self::Gone | Self::TooLarge => (None, Vec::new()),
        }
    }

    /// The bytes and by what they are known. `None` if there are none.
    pub(super) async fn finish(self, recipients: &[String]) -> Result<Option<(RawBytes, Identity)>, Fault> {
        match self {
            Self::Held(bytes) => {
                let known = identity::of(&bytes, recipients);
                Ok(Some((bytes.into(), known)))
            }
            Self::Spooled(mail) => match mail.finish(Vec::new(), recipients).await {
                Ok(finished) => Ok(Some(finished)),
                Err(error) => {
                    tracing::error!(%error, "imap: a large mail could not be written to the disk");
                    Err(Fault::Away)
                }
            },
            Self::Gone | Self::TooLarge => Ok(None),
        }
    }
}
