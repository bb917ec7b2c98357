//! The MLLP outlet (hl7.md 2, 3, 14): one note after the other to the inbox of a hospital, one in flight per
//! interface, each with the same control id for every attempt. One attempt for every call: waiting and
//! repeating is the pipeline's affair. AA says that the hospital's system stored it (送達), never 了解.

pub mod answer;
pub mod compose;
pub mod encode;
pub mod profile;

use crate::client::Connection;
use crate::dial::Dial;
use answer::{Answer, read_answer};
use kakehashi_core::port::{BoxFuture, Finding, FindingLevel, Outcome, Outlet, SendFault};
use kakehashi_core::rendered::{HospitalNote, RenderedContent, RenderedDelivery, RenderedHl7};
use kakehashi_wire::tls::TlsFault;
use profile::{Acknowledging, OutboxProfile};
use std::collections::BTreeMap;
use std::io;
use std::time::Duration;
use tokio::sync::Mutex;

/// The inbox of one interface.
struct Inbox {
    profile: OutboxProfile,
    dial: Dial,
    /// Held while a message is under way: never two in flight, whoever sends.
    turn: Mutex<()>,
}

/// Sends to the inboxes of all configured interfaces.
pub struct Hl7Outlet {
    inboxes: BTreeMap<String, Inbox>,
}

impl Hl7Outlet {
    /// An outlet for these interfaces by name.
    ///
    /// # Errors
    /// A certificate file cannot be used.
    pub fn new(interfaces: impl IntoIterator<Item = (String, OutboxProfile)>) -> Result<Self, TlsFault> {
        let mut inboxes = BTreeMap::new();
        for (name, profile) in interfaces {
            let dial = Dial::new(&profile.address, profile.tls.as_ref())?;
            inboxes.insert(name, Inbox { profile, dial, turn: Mutex::new(()) });
        }
        Ok(Self { inboxes })
    }

    async fn deliver(&self, item: &RenderedHl7, deadline: Duration) -> Outcome {
        let Some(inbox) = self.inboxes.get(&item.interface) else {
            return Outcome::Failed(SendFault::Unsendable(format!(
                "the interface {} has no [mllp.outgoing]; add it, or set the endpoint not to receive so that FAX is used",
                item.interface
            )));
        };
        let _turn = inbox.turn.lock().await;
        let mut last = Outcome::Failed(SendFault::Unsendable("the delivery holds no note".to_owned()));
        for note in &item.notes {
            last = inbox.exchange(note, deadline).await;
            // A later note never overtakes one that was not taken; repeated ones are known by their id.
            if !matches!(last, Outcome::Delivered(_) | Outcome::HandedOff { .. }) {
                return last;
            }
        }
        last
    }
}

impl Inbox {
    async fn exchange(&self, note: &HospitalNote, deadline: Duration) -> Outcome {
        let message = compose::message(note, &self.profile);
        let stream = match self.dial.connect().await {
            Ok(stream) => stream,
            // Nothing has left.
            Err(fault) => return Outcome::RetryAfter { wait: None, cause: fault },
        };
        let wait = Duration::from_secs(self.profile.answer_seconds).min(deadline);
        match Connection::new(stream).exchange(&message, wait).await {
            Ok(bytes) => self.outcome(note, &bytes),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Outcome::Unknown(SendFault::TimedOut(
                format!("no acknowledgement within {} s", wait.as_secs()),
            )),
            Err(error) => Outcome::Unknown(SendFault::TimedOut(format!("no acknowledgement: {error}"))),
        }
    }

    fn outcome(&self, note: &HospitalNote, bytes: &[u8]) -> Outcome {
        let Some(answer) = read_answer(bytes) else {
            return Outcome::Unknown(SendFault::TimedOut("the answer is no acknowledgement".to_owned()));
        };
        if answer.control_id != note.control_id {
            return Outcome::Unknown(SendFault::TimedOut(
                "the acknowledgement names another message".to_owned(),
            ));
        }
        match answer.code.as_str() {
            "CA" if self.profile.acknowledgement == Acknowledging::Application => Outcome::HandedOff {
                job: note.control_id.clone(),
                report_within_seconds: self.profile.application_answer_seconds,
            },
            "AA" | "CA" => Outcome::Delivered(format!("{} {}", answer.code, note.control_id)),
            "AE" | "CE" if answer.is_passing() => {
                Outcome::RetryAfter { wait: None, cause: SendFault::RefusedForNow(answer.words()) }
            }
            "AE" | "AR" | "CE" | "CR" => Outcome::Failed(SendFault::RefusedForGood(refused(&answer))),
            other => Outcome::Unknown(SendFault::TimedOut(format!("unknown acknowledgement code {other:?}"))),
        }
    }
}

fn refused(answer: &Answer) -> String {
    format!("{} (the hospital must mend it, or send it by FAX or telephone)", answer.words())
}

impl Outlet for Hl7Outlet {
    fn send<'a>(&'a self, item: &'a RenderedDelivery, deadline: Duration) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            match &item.content {
                RenderedContent::Hl7(notes) => self.deliver(notes, deadline).await,
                RenderedContent::Email(_) | RenderedContent::Fax(_) | RenderedContent::Phone { .. } => {
                    Outcome::Failed(SendFault::Unsendable("this outlet sends HL7 only".to_owned()))
                }
            }
        })
    }

    fn check(&self) -> BoxFuture<'_, Vec<Finding>> {
        Box::pin(async move {
            let mut findings = Vec::new();
            for (name, inbox) in &self.inboxes {
                let subject = format!("HL7 受信箱 / HL7 inbox {name}");
                findings.push(match inbox.dial.connect().await {
                    Ok(_) => Finding {
                        level: FindingLevel::Good,
                        subject,
                        detail: format!("{} に接続できます / reachable", inbox.profile.address),
                        remedy: String::new(),
                    },
                    Err(fault) => Finding {
                        level: FindingLevel::Broken,
                        subject,
                        detail: fault.to_string(),
                        remedy: "mllp.outgoing の address と tls、病院側の受信設定、経路の許可を確かめてください / \
                                 check address and tls of mllp.outgoing, the hospital's listener and the firewall"
                            .to_owned(),
                    },
                });
            }
            findings
        })
    }
}

#[cfg(test)]
mod tests;
