//! When a failed attempt is repeated: exponential with jitter, by the class of the fault and the
//! habits of the channel, until a limit. What may have arrived is never repeated by itself on paper or
//! mail (care-network.md 6.1, page-once guard); a person decides.

use crate::clock::UtcMicros;
use crate::delivery::{Event, next};
use crate::port::{Outcome, SendFault};
use crate::vocabulary::{Channel, DeliveryState};

/// How often and how far apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// Attempts in all.
    pub attempts: u32,
    /// Pause after the first attempt, in seconds.
    pub first_seconds: i64,
    /// Every pause is this many times the one before.
    pub factor: i64,
    /// No pause is longer.
    pub longest_seconds: i64,
}

impl Schedule {
    /// The schedule of a channel for a fault. `None`: never repeated.
    #[must_use]
    pub const fn of(channel: Channel, cause: &SendFault) -> Option<Self> {
        let by_channel = match channel {
            // 75 s, 3 min 45 s, 11 min, 34 min, 1 h 41, 5 h 04, 15 h 11: about a day, as long as people
            // expect a mail to try (RFC 5321 4.5.4.1 asks for days; a discharge note is stale by then).
            Channel::Email => Self { attempts: 8, first_seconds: 75, factor: 3, longest_seconds: 16 * 3600 },
            // The provider repeats busy numbers itself; this is about handing the job over.
            Channel::Fax => Self { attempts: 4, first_seconds: 300, factor: 3, longest_seconds: 3600 },
            // Interfaces come back after a restart; they are tried longer and more evenly.
            Channel::Mqtt | Channel::Api | Channel::Web => {
                Self { attempts: 12, first_seconds: 15, factor: 3, longest_seconds: 4 * 3600 }
            }
            // What waits behind it waits too, so a queue is tried every five minutes at the latest (hl7.md
            // 2.3), and given up after a day: 8 pauses of 2 s to 4 min 16 s, then 291 of 5 min.
            Channel::Hl7 => Self { attempts: 300, first_seconds: 2, factor: 2, longest_seconds: 300 },
            // A person calls or carries paper; machines do not repeat that.
            Channel::PhoneMemo | Channel::Notebook => return None,
        };
        match cause {
            SendFault::Unreachable(_) | SendFault::TimedOut(_) => Some(by_channel),
            // Greylisting and full queues: coming back within minutes only makes it worse.
            SendFault::RefusedForNow(_) => Some(Self {
                first_seconds: if by_channel.first_seconds > 300 { by_channel.first_seconds } else { 300 },
                ..by_channel
            }),
            // Somebody must mend a certificate: a few attempts, then the office sees it.
            SendFault::Tls(_) => {
                Some(Self { attempts: 4, first_seconds: 900, factor: 3, longest_seconds: 4 * 3600 })
            }
            SendFault::RefusedForGood(_) | SendFault::Unsendable(_) => None,
        }
    }

    /// Pause after attempt number `attempt` (from 1); `jitter` of 0..=1000 moves it by −20 % to +20 %.
    #[must_use]
    pub fn pause_seconds(&self, attempt: u32, jitter: u32) -> i64 {
        let mut pause = self.first_seconds;
        for _ in 1..attempt.min(64) {
            pause = pause.saturating_mul(self.factor).min(self.longest_seconds);
        }
        let share = 800 + i64::from(jitter.min(1000)) * 400 / 1000;
        (pause.saturating_mul(share) / 1000).max(1)
    }
}

/// Shortest and longest wait that a far side may ask for, in seconds.
const ASKED_WAIT: std::ops::RangeInclusive<i64> = 1..=3600;

/// State after an attempt and, if there will be another, when.
#[must_use]
pub fn after(
    outcome: &Outcome,
    channel: Channel,
    attempt: u32,
    now: UtcMicros,
    jitter: u32,
) -> (DeliveryState, Option<UtcMicros>) {
    let settled = |event| (next(DeliveryState::Held, event).unwrap_or(DeliveryState::Failed), None);
    let (cause, wait) = match outcome {
        Outcome::RetryAfter { wait, cause } => (cause, *wait),
        // These channels deduplicate by our id, so a repetition harms nobody.
        Outcome::Unknown(cause) if matches!(channel, Channel::Hl7 | Channel::Mqtt | Channel::Api) => {
            (cause, None)
        }
        Outcome::Delivered(_) | Outcome::HandedOff { .. } | Outcome::Failed(_) | Outcome::Unknown(_) => {
            return settled(Event::of_outcome(outcome));
        }
    };
    let last = match outcome {
        Outcome::Unknown(_) => Event::TimedOut,
        _ => Event::Failed,
    };
    let Some(schedule) = Schedule::of(channel, cause).filter(|s| attempt < s.attempts) else {
        return settled(last);
    };
    let seconds = match wait {
        Some(wait) => {
            let asked = i64::try_from(wait.as_secs()).unwrap_or(i64::MAX);
            asked.clamp(*ASKED_WAIT.start(), *ASKED_WAIT.end())
        }
        None => schedule.pause_seconds(attempt, jitter),
    };
    let (state, _) = settled(Event::PassingFault);
    (state, Some(now.plus_seconds(seconds)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    const NOW: UtcMicros = UtcMicros::from_micros(1_780_000_000_000_000);

    fn passing(cause: SendFault) -> Outcome {
        Outcome::RetryAfter { wait: None, cause }
    }

    fn unreachable() -> SendFault {
        SendFault::Unreachable("connection refused".into())
    }

    #[test]
    fn mail_is_tried_for_about_a_day() {
        let mut at = NOW;
        let mut attempts = 0;
        loop {
            attempts += 1;
            match after(&passing(unreachable()), Channel::Email, attempts, at, 500) {
                (DeliveryState::Held, Some(due)) => at = due,
                (state, due) => {
                    assert_eq!((state, due), (DeliveryState::Failed, None));
                    break;
                }
            }
        }
        assert_eq!(attempts, 8);
        let hours = at.seconds_since(NOW) / 3600;
        assert!((20..=26).contains(&hours), "{hours}");
    }

    #[test]
    fn by_class_and_channel() {
        let held = |seconds| (DeliveryState::Held, Some(NOW.plus_seconds(seconds)));
        let gone = (DeliveryState::Failed, None);
        type Line = (Outcome, Channel, u32, (DeliveryState, Option<UtcMicros>));
        let table: Vec<Line> = vec![
            (passing(unreachable()), Channel::Email, 1, held(75)),
            (passing(SendFault::RefusedForNow("450".into())), Channel::Email, 1, held(300)),
            (passing(SendFault::Tls("expired".into())), Channel::Email, 1, held(900)),
            (passing(SendFault::Tls("expired".into())), Channel::Email, 4, gone),
            (passing(unreachable()), Channel::Fax, 3, held(2700)),
            (passing(unreachable()), Channel::Fax, 4, gone),
            (passing(SendFault::RefusedForGood("550".into())), Channel::Email, 1, gone),
            (Outcome::Failed(SendFault::RefusedForGood("550".into())), Channel::Email, 1, gone),
            (passing(unreachable()), Channel::PhoneMemo, 1, gone),
            (Outcome::Delivered("250".into()), Channel::Email, 1, (DeliveryState::Delivered, None)),
            (
                Outcome::HandedOff { job: "j".into(), report_within_seconds: 60 },
                Channel::Fax,
                1,
                (DeliveryState::HandedOff, None),
            ),
            (Outcome::Unknown(unreachable()), Channel::Fax, 1, (DeliveryState::Unknown, None)),
            (Outcome::Unknown(unreachable()), Channel::Email, 1, (DeliveryState::Unknown, None)),
            (Outcome::Unknown(unreachable()), Channel::Hl7, 1, held(2)),
            (Outcome::Unknown(unreachable()), Channel::Hl7, 299, held(300)),
            (Outcome::Unknown(unreachable()), Channel::Hl7, 300, (DeliveryState::Unknown, None)),
        ];
        for (outcome, channel, attempt, expected) in table {
            assert_eq!(
                after(&outcome, channel, attempt, NOW, 500),
                expected,
                "{outcome:?} {channel} {attempt}"
            );
        }
    }

    #[test]
    fn an_asked_wait_is_kept_within_bounds() {
        for (asked, kept) in [(0, 1), (30, 30), (90_000, 3600)] {
            let wait = Some(Duration::from_secs(asked));
            let outcome = Outcome::RetryAfter { wait, cause: unreachable() };
            assert_eq!(after(&outcome, Channel::Email, 1, NOW, 0).1, Some(NOW.plus_seconds(kept)));
        }
    }

    proptest! {
        #[test]
        fn a_repetition_is_always_later_and_never_endless(attempt: u32, jitter: u32, secs: Option<u64>) {
            for channel in Channel::ALL {
                let wait = secs.map(Duration::from_secs);
                let outcome = Outcome::RetryAfter { wait, cause: unreachable() };
                let (state, due) = after(&outcome, *channel, attempt, NOW, jitter);
                prop_assert_eq!(state == DeliveryState::Held, due.is_some());
                if let Some(due) = due {
                    prop_assert!(due > NOW && due.seconds_since(NOW) <= 20 * 3600 && attempt < 300);
                }
            }
        }
    }
}
