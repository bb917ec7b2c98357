//! The catcher: an SMTP server in place of the relay and of the FAX provider, and an MLLP listener in place
//! of the hospital's inbox. It takes everything, keeps it as files and sends nothing on; for a FAX job it
//! reports success as a provider would, by mail to the gateway's own SMTP listener.

use super::{FAX_DOMAIN, FAX_PROVIDER};
use kakehashi_core::clock::{Clock, UtcMicros};
use kakehashi_core::ids::IntakeId;
use kakehashi_core::port::{BoxFuture, IntakeAnswer, IntakeDesk, RawIntake, RecipientAnswer};
use kakehashi_core::raw_bytes::RawBytes;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// Where caught items lie, and how the gateway is reached to answer them.
pub(crate) struct Catcher {
    folder: PathBuf,
    gateway_smtp: OnceLock<SocketAddr>,
    changed: tokio::sync::Notify,
}

/// What is known of a caught item besides its bytes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Caught {
    /// Name of the item; sorts by time.
    pub(crate) id: String,
    pub(crate) caught_at: UtcMicros,
    pub(crate) mail_from: Option<String>,
    pub(crate) rcpt_to: Vec<String>,
    /// The hospital's interface, if it is an HL7 message.
    #[serde(default)]
    pub(crate) interface: Option<String>,
}

impl Caught {
    /// The FAX number, if the item is a FAX job.
    pub(crate) fn fax_number(&self) -> Option<&str> {
        self.rcpt_to.iter().find_map(|to| to.strip_suffix(FAX_DOMAIN)?.strip_suffix('@'))
    }

    /// First recipient.
    pub(crate) fn recipient(&self) -> &str {
        let interface = self.interface.as_deref().unwrap_or("");
        self.rcpt_to.first().map_or(interface, String::as_str)
    }
}

impl Catcher {
    /// A catcher that keeps its items in `folder`.
    pub(crate) fn new(folder: PathBuf) -> std::io::Result<Arc<Self>> {
        std::fs::create_dir_all(&folder)?;
        Ok(Arc::new(Self { folder, gateway_smtp: OnceLock::new(), changed: tokio::sync::Notify::new() }))
    }

    /// Tells where the gateway's SMTP listener is.
    pub(crate) fn set_gateway(&self, smtp: SocketAddr) {
        // Set once per start; a second value would be the same.
        let _ = self.gateway_smtp.set(smtp);
    }

    /// The gateway's SMTP listener, once it is known.
    pub(crate) fn gateway_smtp(&self) -> Option<SocketAddr> {
        self.gateway_smtp.get().copied()
    }

    /// Caught items, newest first.
    pub(crate) fn list(&self) -> Vec<Caught> {
        let mut items: Vec<Caught> = std::fs::read_dir(&self.folder)
            .into_iter()
            .flatten()
            .flatten()
            .filter(|entry| entry.path().extension().is_some_and(|e| e == "json"))
            .filter_map(|entry| serde_json::from_slice(&std::fs::read(entry.path()).ok()?).ok())
            .collect();
        items.sort_by(|a, b| b.id.cmp(&a.id));
        items
    }

    /// One item with its bytes. Ids are ours; anything else is not looked for.
    pub(crate) fn get(&self, id: &str) -> Option<(Caught, Vec<u8>)> {
        if id.len() != 26 || !id.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return None;
        }
        let caught = serde_json::from_slice(&std::fs::read(self.path(id, "json")).ok()?).ok()?;
        let bytes = std::fs::read(self.path(id, "eml")).ok()?;
        Some((caught, bytes))
    }

    /// Waits until something new is caught, at most a second.
    pub(crate) async fn wait(&self) {
        let _ = tokio::time::timeout(std::time::Duration::from_secs(1), self.changed.notified()).await;
    }

    fn path(&self, id: &str, extension: &str) -> PathBuf {
        self.folder.join(format!("{id}.{extension}"))
    }

    fn keep(&self, caught: &Caught, bytes: &[u8]) -> std::io::Result<()> {
        write_synced(&self.path(&caught.id, "eml"), bytes)?;
        // The entry comes last: an item without it does not exist.
        write_synced(&self.path(&caught.id, "json"), &serde_json::to_vec(caught)?)?;
        self.changed.notify_waiters();
        Ok(())
    }
}

fn write_synced(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut file = std::fs::File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// The catcher as an SMTP desk.
pub(crate) struct CatcherDesk {
    pub(crate) catcher: Arc<Catcher>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl IntakeDesk for CatcherDesk {
    fn hand_in(&self, intake: RawIntake) -> BoxFuture<'_, IntakeAnswer> {
        Box::pin(async move {
            let at = self.clock.now();
            let id = IntakeId::fresh(at, rand::random());
            let caught = Caught {
                id: id.as_str().to_owned(),
                caught_at: at,
                mail_from: intake.origin.mail_from.clone(),
                rcpt_to: intake.origin.rcpt_to.clone(),
                interface: intake.origin.interface.clone(),
            };
            let (catcher, bytes, entry) = (Arc::clone(&self.catcher), intake.bytes.clone(), caught.clone());
            match tokio::task::spawn_blocking(move || catcher.keep(&entry, &bytes.whole()?)).await {
                Ok(Ok(())) => {
                    if caught.fax_number().is_some() {
                        let catcher = Arc::clone(&self.catcher);
                        tokio::spawn(
                            async move { report_success(&catcher, &caught, &intake.bytes, at).await },
                        );
                    }
                    IntakeAnswer::Accepted(id)
                }
                Ok(Err(error)) => IntakeAnswer::TryLater(error.to_string()),
                Err(error) => IntakeAnswer::TryLater(error.to_string()),
            }
        })
    }

    fn accepts_recipient<'a>(&'a self, _address: &'a str) -> BoxFuture<'a, RecipientAnswer> {
        Box::pin(async { RecipientAnswer::Ours })
    }
}

/// The provider's result mail for a job: all pages taken by the far machine.
async fn report_success(catcher: &Catcher, job: &Caught, mail: &RawBytes, at: UtcMicros) {
    let (Some(gateway), Some(number)) = (catcher.gateway_smtp(), job.fax_number()) else { return };
    let Ok(read) = kakehashi_email::read::parse_raw(mail) else { return };
    let (Some(message_id), Some(to)) = (&read.message_id, &read.from) else { return };
    let report = super::desk::compose::report(&super::desk::compose::Job {
        number,
        message_id,
        subject: read.subject.as_deref().unwrap_or(""),
        to: &to.address,
        at,
    });
    // A passing fault of the listener: the provider tries again, as a real one does.
    for pause in [0, 1, 5, 20] {
        tokio::time::sleep(std::time::Duration::from_secs(pause)).await;
        let recipient = super::desk::INTAKE_ADDRESS;
        match crate::commands::send::submit(gateway, FAX_PROVIDER, recipient, &report).await {
            Ok(_) => return,
            Err(error) => tracing::debug!(%error, "demo.catcher: report not taken yet"),
        }
    }
}
