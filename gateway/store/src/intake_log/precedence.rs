//! Intake first: in a storm of intakes the work on what was accepted shrinks to a trickle, because a
//! sender waits for the one and nobody for the other. It never stops: after [`PATIENCE`] it goes on.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Between the intakes of a storm there is no such pause.
const LULL: Duration = Duration::from_millis(3);
/// Nobody gives way for longer.
const PATIENCE: Duration = Duration::from_millis(50);

/// When the last intake arrived.
#[derive(Debug, Default)]
pub(super) struct Precedence(Mutex<Option<Instant>>);

impl Precedence {
    /// An intake is here.
    pub(super) fn arrived(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Waits for a lull, or until patience ends.
    pub(super) async fn give_way(&self) {
        let end = Instant::now() + PATIENCE;
        loop {
            let last = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(calm_at) = last.map(|at| at + LULL) else { return };
            let now = Instant::now();
            if now >= calm_at || now >= end {
                return;
            }
            tokio::time::sleep_until(calm_at.min(end)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_gives_way_for_a_while_and_not_for_ever() {
        let precedence = Precedence::default();
        // Nobody has come: it does not wait for anybody.
        precedence.give_way().await;
        let arrived = Instant::now();
        precedence.arrived();
        precedence.give_way().await;
        assert!(arrived.elapsed() >= LULL);
        // The storm never ends; that giving way does is the whole assertion.
        let storm = async {
            loop {
                precedence.arrived();
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::select! {
            () = storm => {}
            () = precedence.give_way() => {}
        }
    }
}
