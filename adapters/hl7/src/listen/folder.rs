//! Folder intake (hl7.md 11): plain files, or an SS-MIX2 standardised storage tree, looked through again and
//! again. Every message becomes an intake once: what was handed in is remembered in a file of our own, and
//! what is handed in a second time after a crash is known by its key. Never writes into the folder.

mod scan;
mod seen;
mod ssmix2;

use super::key::intake_key;
use crate::acknowledgement::judge;
use crate::{FOLDER_LISTENER, HELD_LISTENER, InterfaceProfile, batch};
use kakehashi_core::clock::Clock;
use kakehashi_core::port::{IntakeAnswer, IntakeDesk, Origin, RawIntake};
use kakehashi_core::raw_bytes::RawBytes;
use kakehashi_core::vocabulary::{Authenticity, Channel, Format};
use scan::{Found, Why};
use seen::Seen;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// What a folder holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FolderKind {
    /// HL7 files: one message, several, or a batch in each.
    #[default]
    Files,
    /// An SS-MIX2 standardised storage; condition flags in file names say what is valid.
    Ssmix2,
}

/// One watched folder.
#[derive(Debug, Clone)]
pub struct FolderConfig {
    /// The folder, or the root of the storage.
    pub path: PathBuf,
    /// What it holds.
    pub kind: FolderKind,
    /// The interface of the hospital.
    pub profile: InterfaceProfile,
    /// File in which is remembered what was handed in.
    pub seen_file: PathBuf,
    /// Seconds between two looks.
    pub every_seconds: u64,
    /// A file that does not end with CR is taken when it did not change for so many seconds.
    pub stable_seconds: i64,
    /// Nothing older, as `YYYYMMDD` of 発生日時 or of the file's time; a storage may hold years.
    pub since: Option<String>,
    /// Largest file.
    pub max_file_bytes: u64,
}

/// Watches until `shutdown`.
pub async fn serve(
    config: FolderConfig,
    desk: Arc<dyn IntakeDesk>,
    clock: Arc<dyn Clock>,
    shutdown: CancellationToken,
) {
    let mut watcher: Option<Watcher> = None;
    loop {
        if watcher.is_none() {
            match Watcher::open(config.clone(), Arc::clone(&desk), Arc::clone(&clock)).await {
                Ok(opened) => watcher = Some(opened),
                Err(error) => {
                    tracing::error!(interface = config.profile.name, %error, "hl7.folder: what was seen cannot be kept");
                }
            }
        }
        if let Some(watcher) = &watcher {
            match watcher.round(&shutdown).await {
                Ok(Round { given: 0, .. }) => {}
                Ok(round) => {
                    tracing::info!(
                        interface = config.profile.name,
                        given = round.given,
                        held = round.held,
                        "hl7.folder: taken"
                    );
                }
                Err(error) => {
                    tracing::warn!(interface = config.profile.name, %error, "hl7.folder: cannot be looked through now");
                }
            }
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(config.every_seconds.max(1))) => {}
            () = shutdown.cancelled() => return,
        }
    }
}

/// What one look brought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Round {
    /// Messages that are intakes now.
    pub given: usize,
    /// Of these, for the office.
    pub held: usize,
    /// The store could not take something; the rest waits for the next look.
    pub put_off: bool,
}

/// A folder with what was taken from it before.
pub struct Watcher {
    config: Arc<FolderConfig>,
    seen: Arc<Mutex<Seen>>,
    desk: Arc<dyn IntakeDesk>,
    clock: Arc<dyn Clock>,
}

impl Watcher {
    /// Reads what was seen before.
    ///
    /// # Errors
    /// The file cannot be read or made.
    pub async fn open(
        config: FolderConfig,
        desk: Arc<dyn IntakeDesk>,
        clock: Arc<dyn Clock>,
    ) -> std::io::Result<Self> {
        let file = config.seen_file.clone();
        let seen = blocking(move || Seen::open(&file)).await?;
        Ok(Self { config: Arc::new(config), seen: Arc::new(Mutex::new(seen)), desk, clock })
    }

    /// One look: everything new, in the order of the events.
    ///
    /// # Errors
    /// The folder or a file in it cannot be read; what was read before is taken.
    pub async fn round(&self, shutdown: &CancellationToken) -> std::io::Result<Round> {
        let (config, seen, now) = (Arc::clone(&self.config), Arc::clone(&self.seen), self.clock.now());
        let found = blocking(move || {
            let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            scan::look(&config, &seen, now)
        })
        .await?;
        let mut round = Round::default();
        for one in found {
            if shutdown.is_cancelled() {
                break;
            }
            let path = one.path.clone();
            let bytes = match blocking(move || std::fs::read(path)).await {
                Ok(bytes) => bytes,
                // Renamed or removed since: the next look sees what it is now.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            let told = one.why == Why::Withdrawn && {
                let (path, limit) = (one.path.clone(), self.config.max_file_bytes);
                blocking(move || scan::is_cancelled_beside(&path, limit)).await?
            };
            if !told && !self.take(&one, &bytes, &mut round).await {
                round.put_off = true;
                break;
            }
            let (seen, mark) = (Arc::clone(&self.seen), one.mark);
            blocking(move || seen.lock().unwrap_or_else(PoisonError::into_inner).keep(mark)).await?;
        }
        Ok(round)
    }

    /// Hands the messages of a file in; `false` if the store must be asked again later.
    async fn take(&self, one: &Found, bytes: &[u8], round: &mut Round) -> bool {
        let held = match one.why {
            Why::Valid => one.patient.as_deref().is_some_and(|id| !ssmix2::names_patient(bytes, id)),
            Why::Cancelled if !ssmix2::is_cancellation(bytes) => return true,
            Why::Cancelled => one.patient.as_deref().is_some_and(|id| !ssmix2::names_patient(bytes, id)),
            Why::Withdrawn => true,
        };
        let whole = [bytes];
        let split = batch::split(bytes);
        let messages = if split.messages.len() > 1 || split.has_batch_segments {
            split.messages.as_slice()
        } else {
            &whole[..]
        };
        for message in messages {
            let intake = self.intake(message, held);
            match self.desk.hand_in(intake).await {
                IntakeAnswer::Accepted(_) => {
                    round.given += 1;
                    round.held += usize::from(held);
                }
                IntakeAnswer::Duplicate(_) => {}
                IntakeAnswer::Refused(_) => {
                    tracing::warn!(
                        interface = self.config.profile.name,
                        "hl7.folder: a file can never be taken"
                    );
                }
                IntakeAnswer::TryLater(why) => {
                    tracing::warn!(
                        interface = self.config.profile.name,
                        why,
                        "hl7.folder: not durable, tried again"
                    );
                    return false;
                }
            }
        }
        true
    }

    fn intake(&self, message: &[u8], held: bool) -> RawIntake {
        let judgement = judge(message, &self.config.profile);
        let bytes = RawBytes::from(message);
        let key = intake_key(&self.config.profile.name, judgement.header.as_ref(), bytes.content_hash());
        let control_id =
            judgement.header.as_ref().map(|h| String::from_utf8_lossy(h.field(10)).trim().to_owned());
        RawIntake {
            channel: Channel::Hl7,
            format: match self.config.kind {
                FolderKind::Files => Format::Hl7v2,
                FolderKind::Ssmix2 => Format::Ssmix2,
            },
            dedup_key: if held { key.replacen("hl7:", "hl7-held:", 1) } else { key },
            sender_message_id: control_id
                .filter(|id| !id.is_empty())
                .map(|id| id.chars().take(200).collect()),
            bytes,
            received_at: self.clock.now(),
            origin: Origin {
                listener: if held { HELD_LISTENER } else { FOLDER_LISTENER }.to_owned(),
                interface: Some(self.config.profile.name.clone()),
                authenticity: Some(Authenticity::Network),
                ..Origin::default()
            },
        }
    }
}

/// File systems block, network shares for long.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> std::io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|e| Err(std::io::Error::other(e)))
}

/// Whether a folder can be watched, for `doctor`: it is there and can be listed.
///
/// # Errors
/// What the system says.
pub fn check(path: &Path) -> std::io::Result<usize> {
    Ok(std::fs::read_dir(path)?.take(1000).count())
}

#[cfg(test)]
mod tests;
