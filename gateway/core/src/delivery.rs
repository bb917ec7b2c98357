//! The life of a delivery (care-network.md section 7, channels and delivery): one table of what may
//! follow what. 送達 is what a far machine said and never 了解; nothing that may have arrived goes out
//! again without being marked 再送の可能性.

use crate::port::{Outcome, SendFault};
use crate::vocabulary::DeliveryState;

/// What can happen to a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A worker takes it for an attempt.
    Claimed,
    /// The attempt ended: a provider has the job.
    HandedOff,
    /// The attempt ended: the far machine took it.
    Delivered,
    /// The attempt ended: it will never arrive this way, or the last attempt failed.
    Failed,
    /// The attempt ended in a passing fault: there will be another one.
    PassingFault,
    /// No result in time, of an attempt or of a job.
    TimedOut,
    /// The worker vanished during an attempt.
    LeaseLapsed,
    /// A report says that it arrived.
    ReportDelivered,
    /// A report says that it will not arrive.
    ReportFailed,
    /// A person withdraws it.
    Recalled,
    /// A person sends it again.
    Retry,
    /// A person has called: the phone task is done.
    Called,
}

impl Event {
    /// Every event.
    pub const ALL: &'static [Self] = &[
        Self::Claimed,
        Self::HandedOff,
        Self::Delivered,
        Self::Failed,
        Self::PassingFault,
        Self::TimedOut,
        Self::LeaseLapsed,
        Self::ReportDelivered,
        Self::ReportFailed,
        Self::Recalled,
        Self::Retry,
        Self::Called,
    ];

    /// What the outcome of an attempt is, before the limit of attempts is considered.
    #[must_use]
    pub const fn of_outcome(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Delivered(_) => Self::Delivered,
            Outcome::HandedOff { .. } => Self::HandedOff,
            Outcome::RetryAfter {
                cause: SendFault::RefusedForGood(_) | SendFault::Unsendable(_), ..
            }
            | Outcome::Failed(_) => Self::Failed,
            Outcome::RetryAfter { .. } => Self::PassingFault,
            Outcome::Unknown(_) => Self::TimedOut,
        }
    }
}

/// The event cannot happen in this state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Somebody was faster, or the provider has it.
    #[error("it has left already and cannot be withdrawn; call the recipient if it must not be read")]
    TooLateToRecall,
    /// Its result is still awaited.
    #[error("its result is not known yet; wait for the report or until it counts as 送達不明")]
    ResultAwaited,
    /// It has arrived.
    #[error("it has arrived; write a new post if something must be said again")]
    HasArrived,
    /// It was withdrawn.
    #[error("it was withdrawn; write a new post if it shall go out after all")]
    WasRecalled,
    /// It ended before: only a person can send it again.
    #[error("it has ended; use もう一度送る to send it again")]
    HasEnded,
}

/// The state after `event`, or why it cannot happen. Total: every pair has an answer.
///
/// # Errors
/// [`Refused`] if the event cannot happen in this state; the state stays as it is.
pub const fn next(state: DeliveryState, event: Event) -> Result<DeliveryState, Refused> {
    use DeliveryState as S;
    use Event as E;
    match (state, event) {
        (
            S::Held,
            // A report about an earlier attempt whose job we had lost with its worker: failed means
            // that the next attempt goes out as planned.
            E::Claimed | E::PassingFault | E::LeaseLapsed | E::Retry | E::ReportFailed,
        ) => Ok(S::Held),
        (S::Held, E::HandedOff) => Ok(S::HandedOff),
        (S::Held, E::Delivered | E::ReportDelivered | E::Called) => Ok(S::Delivered),
        (S::Held, E::Failed) => Ok(S::Failed),
        (S::Held, E::TimedOut) => Ok(S::Unknown),
        (S::Held, E::Recalled) => Ok(S::Recalled),

        // A phone task is handed off to the people who call.
        (S::HandedOff, E::ReportDelivered | E::Called) => Ok(S::Delivered),
        (S::HandedOff, E::ReportFailed) => Ok(S::Failed),
        (S::HandedOff, E::TimedOut) => Ok(S::Unknown),
        (S::HandedOff, E::Recalled) => Err(Refused::TooLateToRecall),
        (
            S::HandedOff,
            E::Claimed
            | E::HandedOff
            | E::Delivered
            | E::Failed
            | E::PassingFault
            | E::LeaseLapsed
            | E::Retry,
        ) => Err(Refused::ResultAwaited),

        // A bounce may follow an accepted mail.
        (S::Delivered, E::ReportFailed) => Ok(S::Failed),
        (S::Delivered, E::ReportDelivered) => Ok(S::Delivered),
        (S::Delivered, E::Recalled) => Err(Refused::TooLateToRecall),
        (
            S::Delivered,
            E::Claimed
            | E::HandedOff
            | E::Delivered
            | E::Failed
            | E::PassingFault
            | E::TimedOut
            | E::LeaseLapsed
            | E::Retry
            | E::Called,
        ) => Err(Refused::HasArrived),

        (S::Failed | S::Unknown, E::Retry) => Ok(S::Held),
        (S::Failed | S::Unknown, E::ReportDelivered | E::Called) => Ok(S::Delivered),
        (S::Failed | S::Unknown, E::ReportFailed) => Ok(S::Failed),
        (S::Unknown, E::TimedOut) => Ok(S::Unknown),
        (S::Unknown, E::Recalled) => Err(Refused::TooLateToRecall),
        (S::Failed, E::TimedOut | E::Recalled)
        | (
            S::Failed | S::Unknown,
            E::Claimed | E::HandedOff | E::Delivered | E::Failed | E::PassingFault | E::LeaseLapsed,
        ) => Err(Refused::HasEnded),

        (
            S::Recalled,
            E::Claimed
            | E::HandedOff
            | E::Delivered
            | E::Failed
            | E::PassingFault
            | E::TimedOut
            | E::LeaseLapsed
            | E::ReportDelivered
            | E::ReportFailed
            | E::Recalled
            | E::Retry
            | E::Called,
        ) => Err(Refused::WasRecalled),
    }
}

/// Whether an attempt after this event must say 再送の可能性があります: what went before may have arrived.
#[must_use]
pub const fn may_have_arrived(state: DeliveryState, event: Event) -> bool {
    match (state, event) {
        (DeliveryState::Held, Event::LeaseLapsed | Event::TimedOut)
        | (DeliveryState::Unknown, Event::Retry) => true,
        // A definite failure, or nothing was tried.
        _ => false,
    }
}

/// Whether nothing more is expected to happen by itself.
#[must_use]
pub const fn is_settled(state: DeliveryState) -> bool {
    match state {
        DeliveryState::Held | DeliveryState::HandedOff => false,
        DeliveryState::Delivered
        | DeliveryState::Failed
        | DeliveryState::Unknown
        | DeliveryState::Recalled => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One line per state, one column per event in the order of [`Event::ALL`]: the first letter of the
    /// state that follows (h held, o handed off, d delivered, f failed, u unknown, r recalled), or `-`.
    const TABLE: &[(DeliveryState, &str)] = &[
        //                        claim hand deliv fail pass time lease repD repF recall retry called
        (DeliveryState::Held, "h o d f h u h d h r h d"),
        (DeliveryState::HandedOff, "- - - - - u - d f - - d"),
        (DeliveryState::Delivered, "- - - - - - - d f - - -"),
        (DeliveryState::Failed, "- - - - - - - d f - h d"),
        (DeliveryState::Unknown, "- - - - - u - d f - h d"),
        (DeliveryState::Recalled, "- - - - - - - - - - - -"),
    ];

    #[test]
    fn the_table() {
        assert_eq!(TABLE.len(), DeliveryState::ALL.len());
        for (state, line) in TABLE {
            let cells: Vec<&str> = line.split(' ').collect();
            assert_eq!(cells.len(), Event::ALL.len());
            for (event, cell) in Event::ALL.iter().zip(cells) {
                let expected = match cell {
                    "h" => Some(DeliveryState::Held),
                    "o" => Some(DeliveryState::HandedOff),
                    "d" => Some(DeliveryState::Delivered),
                    "f" => Some(DeliveryState::Failed),
                    "u" => Some(DeliveryState::Unknown),
                    "r" => Some(DeliveryState::Recalled),
                    _ => None,
                };
                assert_eq!(next(*state, *event).ok(), expected, "{state:?} {event:?}");
            }
        }
    }

    #[test]
    fn what_may_have_arrived_is_marked() {
        assert!(may_have_arrived(DeliveryState::Held, Event::LeaseLapsed));
        assert!(may_have_arrived(DeliveryState::Unknown, Event::Retry));
        assert!(!may_have_arrived(DeliveryState::Failed, Event::Retry));
        assert!(!may_have_arrived(DeliveryState::Held, Event::PassingFault));
    }

    #[test]
    fn outcomes_are_events() {
        let cause = SendFault::RefusedForGood("550".into());
        assert_eq!(Event::of_outcome(&Outcome::RetryAfter { wait: None, cause }), Event::Failed);
        assert_eq!(Event::of_outcome(&Outcome::Unknown(SendFault::TimedOut("".into()))), Event::TimedOut);
    }
}
