//! How fast one relay is fed: so many connections at once and so many mails a minute, as its operator
//! allows. A mail waits for its turn within its deadline and is otherwise tried again later; nothing is
//! dropped.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until, timeout_at};

/// What one relay allows.
#[derive(Debug)]
pub(super) struct Pace {
    places: Semaphore,
    /// Between two mails; none if only the connections are limited.
    gap: Option<Duration>,
    next: Mutex<Option<Instant>>,
}

impl Pace {
    pub(super) fn new(connections: usize, mails_per_minute: Option<u32>) -> Self {
        let gap = mails_per_minute.map(|n| Duration::from_secs(60) / n.max(1));
        Self { places: Semaphore::new(connections.max(1)), gap, next: Mutex::new(None) }
    }

    /// Waits for this mail's turn. The error says how long its turn is away, if it does not come by
    /// `latest`.
    pub(super) async fn turn(&self, latest: Instant) -> Result<SemaphorePermit<'_>, Duration> {
        let now = Instant::now();
        let Ok(Ok(place)) = timeout_at(latest, self.places.acquire()).await else {
            return Err(latest.saturating_duration_since(now));
        };
        if let Some(at) = self.slot(now, latest)? {
            sleep_until(at).await;
        }
        Ok(place)
    }

    fn slot(&self, now: Instant, latest: Instant) -> Result<Option<Instant>, Duration> {
        let Some(gap) = self.gap else { return Ok(None) };
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let at = next.map_or(now, |next| next.max(now));
        if at > latest {
            return Err(at.saturating_duration_since(now));
        }
        *next = Some(at + gap);
        Ok(Some(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mails_keep_their_distance() {
        let pace = Pace::new(4, Some(60));
        let now = Instant::now();
        let latest = now + Duration::from_secs(3);
        let turns: Vec<_> = (0..5).map(|_| pace.slot(now, latest)).collect();
        let second = |n| Ok(Some(now + Duration::from_secs(n)));
        assert_eq!(turns, [second(0), second(1), second(2), second(3), Err(Duration::from_secs(4))]);
        // Time that nobody used is not saved up for a burst.
        let later = now + Duration::from_secs(60);
        assert_eq!(pace.slot(later, later), Ok(Some(later)));
        assert!(pace.slot(later, later).is_err());
    }

    #[tokio::test]
    async fn connections_are_counted() {
        let pace = Pace::new(1, None);
        let held = pace.turn(Instant::now() + Duration::from_secs(60)).await;
        assert!(held.is_ok());
        assert!(pace.turn(Instant::now()).await.is_err());
        drop(held);
        assert!(pace.turn(Instant::now() + Duration::from_secs(60)).await.is_ok());
    }
}
