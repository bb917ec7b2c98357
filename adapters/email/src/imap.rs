//! The IMAP source, for associations that only have a mailbox: watches one folder by IDLE, hands every
//! mail in and then moves or marks it, so that a mail is taken once whatever breaks in between. It never
//! deletes a mail and never touches another folder than its own two.

mod fetch;
mod session;

use kakehashi_core::clock::Clock;
use kakehashi_core::port::{Finding, FindingLevel, IntakeDesk};
use session::{Fault, Watch};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How the connection is encrypted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ImapTls {
    /// TLS from the first byte (port 993).
    #[default]
    Implicit,
    /// Plain at first, then STARTTLS before anything else is said (port 143); without it no login.
    Starttls,
    /// Never; for a server on the same machine.
    Plain,
}

/// What becomes of a mail that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// Moved into this folder, which is made if it does not exist.
    Move(String),
    /// Marked with the keyword `$kakehashi`; for mailboxes that people look at as well.
    Mark,
}

/// One folder of one mailbox.
#[derive(Clone)]
pub struct ImapConfig {
    /// Host name of the server, as its certificate has it.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Encryption.
    pub tls: ImapTls,
    /// A certificate authority in PEM beside those of the system.
    pub ca: Option<PathBuf>,
    /// Login name.
    pub username: String,
    /// Password.
    pub password: String,
    /// The folder that is watched.
    pub folder: String,
    /// What the folder is for: the address of ours that counts as recipient of a mail whose header
    /// names none (`fax@…` for a folder that the FAX provider fills, else `intake@…`).
    pub purpose: String,
    /// What becomes of a mail that was taken.
    pub taken: Taken,
    /// Largest mail; a larger one is left in the folder, marked and told.
    pub max_message_bytes: usize,
    /// Asked so often where the server has no IDLE, and at least so often where it has.
    pub poll: Duration,
}

impl std::fmt::Debug for ImapConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The password stays out of logs.
        f.debug_struct("ImapConfig")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

/// Pauses after a break double up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Watches the folder until `shutdown`, through any break.
pub async fn serve(
    config: ImapConfig,
    desk: Arc<dyn IntakeDesk>,
    clock: Arc<dyn Clock>,
    shutdown: CancellationToken,
) {
    let mut pause = Duration::from_secs(1);
    loop {
        let begun = tokio::time::Instant::now();
        let watch = Watch { config: &config, desk: desk.as_ref(), clock: clock.as_ref() };
        let ended = tokio::select! {
            () = shutdown.cancelled() => return,
            ended = watch.run() => ended,
        };
        let Err(fault) = ended else { continue };
        tracing::warn!(host = %config.host, folder = %config.folder, %fault, "imap: connecting again");
        if begun.elapsed() > LONGEST_PAUSE {
            pause = Duration::from_secs(1);
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// For `doctor`: logs in, looks at the folder, and leaves.
pub async fn check(config: &ImapConfig) -> Finding {
    let subject = format!("IMAP {}:{} {}", config.host, config.port, config.folder);
    let looked = tokio::time::timeout(Duration::from_secs(15), session::look(config)).await;
    match looked.unwrap_or(Err(Fault::Silent)) {
        Ok(waiting) => Finding {
            level: FindingLevel::Good,
            subject,
            detail: format!("開けます。未取込 {waiting} 通 / opens, {waiting} mails are waiting"),
            remedy: String::new(),
        },
        Err(fault) => Finding {
            level: FindingLevel::Broken,
            subject,
            detail: fault.to_string(),
            remedy: "ホスト名・ポート・ログイン・フォルダ名・証明書を確かめてください / check host, port, login, folder and certificate".to_owned(),
        },
    }
}
