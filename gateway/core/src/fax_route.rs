//! The breaker of a FAX provider: after some faults in a row it is left alone for a while, then one job
//! tries it (care-network.md 4.1: a rejected sender may get no word at all). Pure; where it is kept, so
//! that every process of a network knows it, is the store's affair.

use crate::clock::UtcMicros;
use crate::ids::DeliveryId;
use crate::port::BoxFuture;

/// Faults in a row that open a breaker.
pub const FAULTS: u32 = 3;
/// Seconds for which an open breaker leaves a provider alone; then one job tries it.
pub const OPEN_SECONDS: i64 = 900;
/// Seconds after which a fault no longer counts.
pub const FORGOTTEN_SECONDS: i64 = 3600;

/// How a provider did lately.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Breaker {
    /// Faults in a row.
    pub faults: u32,
    /// When the last one was.
    pub last_fault: Option<UtcMicros>,
    /// It is left alone until then.
    pub open_until: Option<UtcMicros>,
}

impl Breaker {
    /// Whether it is left alone.
    #[must_use]
    pub fn is_open(self, now: UtcMicros) -> bool {
        self.open_until.is_some_and(|until| now < until)
    }

    /// One more fault; `true` if it opened now.
    pub fn fault(&mut self, now: UtcMicros) -> bool {
        // Faults of yesterday say nothing about today.
        if self.last_fault.is_some_and(|at| now.seconds_since(at) > FORGOTTEN_SECONDS) {
            self.faults = 0;
        }
        self.last_fault = Some(now);
        self.faults = self.faults.saturating_add(1);
        // After a trial that failed it stays open for another while.
        let opens = self.faults >= FAULTS && !self.is_open(now);
        if opens {
            self.open_until = Some(now.plus_seconds(OPEN_SECONDS));
        }
        opens
    }
}

/// What is remembered before a job goes out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RouteMemory {
    /// Providers that are left alone now.
    pub open: Vec<String>,
    /// The provider that took this delivery before, if one did.
    pub before: Option<String>,
}

/// Where breakers and the way of each job are kept. Never fails: a book that cannot be read is empty, so
/// that a store that is away stops no page.
pub trait RouteBook: Send + Sync {
    /// What matters for this delivery now.
    fn look<'a>(&'a self, delivery: &'a DeliveryId, now: UtcMicros) -> BoxFuture<'a, RouteMemory>;

    /// A provider failed, in its own words or ours; `true` if its breaker opened now.
    fn fault<'a>(&'a self, route: &'a str, words: &'a str, now: UtcMicros) -> BoxFuture<'a, bool>;

    /// A provider took a job of so many pages.
    fn taken<'a>(
        &'a self,
        delivery: &'a DeliveryId,
        route: &'a str,
        pages: u32,
        now: UtcMicros,
    ) -> BoxFuture<'a, ()>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_faults_open_it_for_a_while() {
        let start = UtcMicros::from_micros(1_780_000_000_000_000);
        let mut breaker = Breaker::default();
        assert!(!breaker.fault(start) && !breaker.fault(start.plus_seconds(10)));
        assert!(breaker.fault(start.plus_seconds(20)));
        assert!(breaker.is_open(start.plus_seconds(900)));
        assert!(!breaker.is_open(start.plus_seconds(921)));
        assert!(breaker.fault(start.plus_seconds(930)), "the trial failed");
        let mut slow = Breaker::default();
        for hour in 0..5 {
            assert!(!slow.fault(start.plus_seconds(hour * 2 * 3600)), "faults far apart do not add up");
        }
    }
}
