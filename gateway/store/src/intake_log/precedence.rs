//! Intake first: where intakes crowd or follow each other at once, the work on what was accepted shrinks to a
//! trickle, because a sender waits for the one and nobody for the other. It never stops: after [`PATIENCE`] it
//! goes on. Some hundreds a second that are answered one by one hold nothing up.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// So many that wait for their commit at one moment are a crowd: by Little's law 4,000 a second on a disk
/// that commits in two milliseconds, 800 on one that takes ten.
const CROWD: usize = 8;
/// Whoever follows sooner sends as fast as it is answered.
const AT_ONCE: Duration = Duration::from_millis(1);
/// A crowd that was answered is back within this time, if it comes back.
const LULL: Duration = Duration::from_millis(3);
/// Nobody gives way for longer.
const PATIENCE: Duration = Duration::from_millis(100);

/// What is known of the intakes.
#[derive(Debug, Default)]
struct Seen {
    /// How many wait for their commit.
    waiting: usize,
    /// When one last arrived.
    last: Option<Instant>,
    /// When a crowd was last seen.
    crowded: Option<Instant>,
}

impl Seen {
    fn note(&mut self) {
        if self.waiting >= CROWD {
            self.crowded = Some(Instant::now());
        }
    }

    /// From when on nobody is in the way, if nothing changes; none if nobody is.
    fn calm_at(&self, now: Instant) -> Option<Instant> {
        let crowd = if self.waiting >= CROWD { Some(now) } else { self.crowded };
        let calm = crowd.map(|at| at + LULL).max(self.last.map(|at| at + AT_ONCE));
        calm.filter(|at| now < *at)
    }
}

/// Who comes first.
#[derive(Debug, Default)]
pub(super) struct Precedence(Mutex<Seen>);

/// An intake that waits for its commit; it has its answer when this is dropped.
#[derive(Debug)]
pub(super) struct Here<'a>(&'a Precedence);

impl Precedence {
    /// An intake is here.
    pub(super) fn arrived(&self) -> Here<'_> {
        let mut seen = self.seen();
        seen.waiting += 1;
        seen.last = Some(Instant::now());
        seen.note();
        Here(self)
    }

    /// Waits until nobody is in the way, or until patience ends.
    pub(super) async fn give_way(&self) {
        let end = Instant::now() + PATIENCE;
        loop {
            let now = Instant::now();
            let Some(calm_at) = self.seen().calm_at(now).filter(|_| now < end) else { return };
            tokio::time::sleep_until(calm_at.min(end)).await;
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Here<'_> {
    fn drop(&mut self) {
        let mut seen = self.0.seen();
        seen.note();
        seen.waiting -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intakes_one_by_one_hold_nothing_up() {
        let then = Instant::now();
        assert_eq!(Seen::default().calm_at(then), None, "nobody has come");
        let few = Seen { waiting: CROWD - 1, last: Some(then), crowded: None };
        assert_eq!(few.calm_at(then), Some(then + AT_ONCE), "the next may follow at once");
        assert_eq!(few.calm_at(then + AT_ONCE), None, "none did, though these still wait");
    }

    #[test]
    fn a_crowd_that_waits_for_a_slow_disk_is_no_lull() {
        let then = Instant::now();
        let later = then + 10 * LULL;
        let crowd = Seen { waiting: CROWD, last: Some(then), crowded: Some(then) };
        assert_eq!(crowd.calm_at(later), Some(later + LULL));
        let answered = Seen { waiting: 0, crowded: Some(later), ..crowd };
        assert_eq!(answered.calm_at(later), Some(later + LULL), "it may come back at once");
        assert_eq!(answered.calm_at(later + LULL), None);
    }

    #[tokio::test]
    async fn one_gives_way_for_a_while_and_not_for_ever() {
        let precedence = Precedence::default();
        let crowd: Vec<Here<'_>> = (0..CROWD).map(|_| precedence.arrived()).collect();
        let began = Instant::now();
        precedence.give_way().await;
        assert!(began.elapsed() >= PATIENCE);
        drop(crowd);
        assert_eq!(precedence.seen().waiting, 0, "whoever has an answer waits no longer");
        precedence.give_way().await;
    }
}
