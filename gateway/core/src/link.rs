//! What a link with a hospital's system must not forget when the program ends: the sequence number that is
//! expected next (MSH-13) and the application answers that its listener has not taken yet. Only the shapes;
//! the store keeps them, the HL7 listener asks. Nothing here decides or waits.

use crate::ids::IntakeId;
use crate::port::BoxFuture;

/// One sending application of an interface, by MSH-3 and MSH-4 as written.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkSender {
    /// MSH-3.
    pub application: String,
    /// MSH-4.
    pub facility: String,
}

/// An application answer on its way to the sender's listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwedAnswer {
    /// The message that it answers; with the interface its key.
    pub intake_id: IntakeId,
    /// The message, without framing. The same bytes at every attempt.
    pub bytes: Vec<u8>,
    /// Attempts before this one.
    pub attempts: u32,
}

/// What became of one attempt to deliver an application answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnswerEnd {
    /// The sender's listener took it.
    Taken,
    /// The sender's listener refused it; in its words, for the office. It is not offered again.
    Refused(String),
    /// It could not be delivered; it is offered again after so many seconds.
    Again {
        /// Seconds.
        wait: u32,
    },
}

/// The memory of a link does not answer; whoever asked goes on as if the message were not durable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the memory of the link does not answer ({0}); the sender has to send again")]
pub struct LinkFault(pub String);

/// The memory of all links; implemented by the store. Every call is for one interface.
pub trait LinkMemory: Send + Sync {
    /// The numbers that are expected next, of all senders of the interface.
    fn expected<'a>(&'a self, interface: &'a str)
    -> BoxFuture<'a, Result<Vec<(LinkSender, i64)>, LinkFault>>;

    /// From now on `next` is expected of this sender.
    fn expect<'a>(
        &'a self,
        interface: &'a str,
        sender: &'a LinkSender,
        next: i64,
    ) -> BoxFuture<'a, Result<(), LinkFault>>;

    /// Keeps an application answer until it is taken. A message that was answered before is owed the same
    /// bytes once more.
    fn owe<'a>(
        &'a self,
        interface: &'a str,
        intake: &'a IntakeId,
        bytes: &'a [u8],
    ) -> BoxFuture<'a, Result<(), LinkFault>>;

    /// The oldest answer that is owed, for this caller alone during the next minute; later ones wait behind
    /// it. `None` if there is none now.
    fn owed<'a>(&'a self, interface: &'a str) -> BoxFuture<'a, Result<Option<OwedAnswer>, LinkFault>>;

    /// Records what became of the attempt.
    fn ended<'a>(
        &'a self,
        interface: &'a str,
        intake: &'a IntakeId,
        end: AnswerEnd,
    ) -> BoxFuture<'a, Result<(), LinkFault>>;
}
