//! Sending mails through a relay with lettre. One delivery, one attempt, an outcome that says in which
//! part of the dialogue it ended, so that nothing that may have arrived is sent twice unmarked. Never
//! retries and never writes a patient's name anywhere but into the mail itself.

mod message;
mod relay;

pub use relay::{RelayConfig, RelayTls};

use kakehashi_core::clock::Clock;
use kakehashi_core::port::{BoxFuture, Finding, FindingLevel, MailCarrier, Outcome, Outlet, SendFault};
use kakehashi_core::rendered::{RenderedContent, RenderedDelivery, RenderedMail};
use relay::Relay;
use std::sync::Arc;
use std::time::Duration;

/// Who the mails come from.
#[derive(Debug, Clone)]
pub struct SenderConfig {
    /// Address in From.
    pub from_address: String,
    /// Name in From.
    pub from_name: Option<String>,
    /// Envelope sender, where delivery reports go; the From address if absent.
    pub return_path: Option<String>,
}

/// The outlet for mails, and the carrier for FAX jobs.
pub struct EmailOutlet {
    sender: SenderConfig,
    relay: Relay,
    clock: Arc<dyn Clock>,
}

impl EmailOutlet {
    /// An outlet; connections are made when needed.
    ///
    /// # Errors
    /// [`SendFault::Unsendable`] if the sender is no address, [`SendFault::Tls`] if the TLS settings of
    /// the relay cannot be used.
    pub fn new(sender: SenderConfig, relay: RelayConfig, clock: Arc<dyn Clock>) -> Result<Self, SendFault> {
        message::mailbox(sender.from_name.as_deref(), &sender.from_address)?;
        if let Some(path) = &sender.return_path {
            message::mailbox(None, path)?;
        }
        Ok(Self { sender, relay: Relay::new(relay)?, clock })
    }

    /// Sends one mail, one attempt, within `deadline`.
    pub async fn submit(&self, mail: &RenderedMail, deadline: Duration) -> Outcome {
        match message::build(mail, &self.sender, self.clock.now()) {
            Ok(message) => self.relay.send(&message, deadline).await,
            Err(fault) => Outcome::Failed(fault),
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
                RenderedContent::Fax(_) | RenderedContent::Phone { .. } => {
                    Outcome::Failed(SendFault::Unsendable("this outlet sends mails only".to_owned()))
                }
            }
        })
    }

    fn check(&self) -> BoxFuture<'_, Vec<Finding>> {
        Box::pin(async move {
            let subject = format!("メール中継 / mail relay {}", self.relay.name());
            let finding = match self.relay.check(Duration::from_secs(10)).await {
                Ok(encrypted) if encrypted || self.relay.is_local() => Finding {
                    level: FindingLevel::Good,
                    subject,
                    detail: "接続できます / reachable".to_owned(),
                    remedy: String::new(),
                },
                Ok(_) => Finding {
                    level: FindingLevel::Warning,
                    subject,
                    detail: "暗号化なしで接続しています / reachable, but not encrypted".to_owned(),
                    remedy: "中継の tls を starttls か implicit にしてください / set the relay's tls to starttls or implicit".to_owned(),
                },
                Err(fault) => Finding {
                    level: FindingLevel::Broken,
                    subject,
                    detail: fault.to_string(),
                    remedy: "ホスト名・ポート・認証情報・TLS 設定を確かめてください / check host, port, credentials and TLS settings of the relay".to_owned(),
                },
            };
            vec![finding]
        })
    }
}
