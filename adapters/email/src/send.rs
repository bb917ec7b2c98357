//! Sending mails through a relay with lettre. One delivery, one attempt, an outcome that says in which
//! part of the dialogue it ended, so that nothing that may have arrived is sent twice unmarked. Never
//! retries and never writes a patient's name anywhere but into the mail itself.

mod dkim;
mod message;
mod pace;
mod relay;

pub use dkim::{DkimFault, DkimKey};
pub use relay::{RelayConfig, RelayTls};

use kakehashi_core::clock::Clock;
use kakehashi_core::port::{BoxFuture, Finding, FindingLevel, MailCarrier, Outcome, Outlet, SendFault};
use kakehashi_core::rendered::{RenderedContent, RenderedDelivery, RenderedMail};
use relay::{Relay, Tried};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Who the mails come from.
#[derive(Debug, Clone)]
pub struct SenderConfig {
    /// Address in From.
    pub from_address: String,
    /// Name in From.
    pub from_name: Option<String>,
    /// Envelope sender of mails that have none of their own; the From address if absent.
    pub return_path: Option<String>,
}

/// With a second relay, connecting to the first may take so long.
const FIRST_RELAY: Duration = Duration::from_secs(12);

/// The outlet for mails, and the carrier for FAX jobs.
pub struct EmailOutlet {
    sender: SenderConfig,
    /// In the order in which they are asked; never empty.
    relays: Vec<Relay>,
    dkim: Option<Arc<DkimKey>>,
    clock: Arc<dyn Clock>,
}

impl EmailOutlet {
    /// An outlet; connections are made when needed. `relays` are asked in their order: the next one gets
    /// a mail only if the one before cannot be reached, never after it has seen the mail, so that a
    /// greylisted or refused mail is not offered around and nothing goes out twice.
    ///
    /// # Errors
    /// [`SendFault::Unsendable`] if the sender is no address, [`SendFault::Tls`] if the TLS settings of
    /// the relay cannot be used.
    pub fn new(
        sender: SenderConfig,
        relays: Vec<RelayConfig>,
        dkim: Option<Arc<DkimKey>>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SendFault> {
        message::mailbox(sender.from_name.as_deref(), &sender.from_address)?;
        if let Some(path) = &sender.return_path {
            message::mailbox(None, path)?;
        }
        let relays = relays.into_iter().map(Relay::new).collect::<Result<Vec<_>, _>>()?;
        if relays.is_empty() {
            return Err(SendFault::Unsendable("no relay is configured".to_owned()));
        }
        Ok(Self { sender, relays, dkim, clock })
    }

    /// The bytes of a mail as they would leave now, for a preview.
    ///
    /// # Errors
    /// [`SendFault::Unsendable`] as sending would say.
    pub fn preview(&self, mail: &RenderedMail) -> Result<Vec<u8>, SendFault> {
        self.build(mail).map(|built| built.bytes)
    }

    fn build(&self, mail: &RenderedMail) -> Result<message::Built, SendFault> {
        let mut built = message::build(mail, &self.sender, self.clock.now())?;
        if let Some(key) = &self.dkim {
            built.bytes =
                key.sign(&built.bytes).map_err(|e| SendFault::Unsendable(format!("DKIM signature: {e}")))?;
        }
        Ok(built)
    }

    /// Sends one mail, one attempt, within `deadline`.
    pub async fn submit(&self, mail: &RenderedMail, deadline: Duration) -> Outcome {
        let message = match self.build(mail) {
            Ok(message) => message,
            Err(fault) => return Outcome::Failed(fault),
        };
        let until = Instant::now() + deadline;
        let several = self.relays.len() > 1;
        let all_down = self.relays.iter().all(Relay::is_down);
        let mut withheld = None;
        let mut cause = SendFault::Unreachable("every relay was away a moment ago".to_owned());
        for relay in &self.relays {
            if several && !all_down && relay.is_down() {
                continue;
            }
            match relay.send(&message, if several { FIRST_RELAY } else { deadline }, until).await {
                Tried::Ended(outcome) => return outcome,
                Tried::NotBegun(fault) => cause = fault,
                // Patient data that may not leave like this will not be let out by waiting.
                Tried::Withheld(fault) => withheld = Some(fault),
            }
        }
        match withheld {
            Some(fault) => Outcome::Failed(fault),
            None => Outcome::RetryAfter { wait: None, cause },
        }
    }
}

impl MailCarrier for EmailOutlet {
    fn submit<'a>(&'a self, mail: &'a RenderedMail, deadline: Duration) -> BoxFuture<'a, Outcome> {
        Box::pin(self.submit(mail, deadline))
    }
}

impl Outlet for EmailOutlet {
    fn send<'a>(&'a self, item: &'a RenderedDelivery, deadline: Duration) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            match &item.content {
                RenderedContent::Email(mail) => self.submit(mail, deadline).await,
                RenderedContent::Fax(_) | RenderedContent::Hl7(_) | RenderedContent::Phone { .. } => {
                    Outcome::Failed(SendFault::Unsendable("this outlet sends mails only".to_owned()))
                }
            }
        })
    }

    fn check(&self) -> BoxFuture<'_, Vec<Finding>> {
        Box::pin(async move {
            let mut findings = Vec::with_capacity(self.relays.len());
            for relay in &self.relays {
                findings.push(finding(relay).await);
            }
            findings
        })
    }
}

async fn finding(relay: &Relay) -> Finding {
    let subject = format!("メール中継 / mail relay {}", relay.name());
    match relay.check(Duration::from_secs(10)).await {
        Ok(encrypted) if encrypted || relay.is_local() => Finding {
            level: FindingLevel::Good,
            subject,
            detail: "接続できます / reachable".to_owned(),
            remedy: String::new(),
        },
        Ok(_) => Finding {
            level: FindingLevel::Warning,
            subject,
            detail: "暗号化なしで接続しています。本文ありのメール(方式C)は送りません / reachable, but not encrypted: mails in mode C are withheld".to_owned(),
            remedy: "中継の tls を starttls か implicit にしてください / set the relay's tls to starttls or implicit".to_owned(),
        },
        Err(fault) => Finding {
            level: FindingLevel::Broken,
            subject,
            detail: fault.to_string(),
            remedy: "ホスト名・ポート・認証情報・TLS 設定を確かめてください / check host, port, credentials and TLS settings of the relay".to_owned(),
        },
    }
}
