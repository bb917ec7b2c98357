//! How full a listener is, told to those who serve its connections: while there is room a slow peer costs only
//! its own place, and when places run out it is the slow ones that go.

use tokio::sync::watch;

/// Shared by a listener and its connections. Never crowded until a listener says so.
#[derive(Debug, Clone)]
pub struct Crowd(watch::Sender<bool>);

impl Default for Crowd {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl Crowd {
    /// Told by the accept loop: so many of `all` places are free.
    pub fn tell(&self, free: usize, all: usize) {
        // A quarter is left for those who come while slow ones are asked to go.
        let crowded = free < all.div_ceil(4);
        self.0.send_if_modified(|now| std::mem::replace(now, crowded) != crowded);
    }

    /// Waits until it is crowded, or until it is not.
    pub async fn becomes(&self, crowded: bool) {
        let mut heard = self.0.subscribe();
        // The sender lives as long as `self`.
        let _ = heard.wait_for(|now| *now == crowded).await;
    }

    /// Ends once it is crowded at `at` or later: then whoever got nothing done until `at` has to go.
    pub async fn presses(&self, at: tokio::time::Instant) {
        loop {
            self.becomes(true).await;
            tokio::select! {
                () = tokio::time::sleep_until(at) => return,
                () = self.becomes(false) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::{Instant, timeout};

    #[tokio::test]
    async fn presses_only_while_places_are_short() {
        let crowd = Crowd::default();
        let soon = || Instant::now() + Duration::from_millis(20);
        let long = Duration::from_millis(100);
        assert!(timeout(long, crowd.presses(soon())).await.is_err(), "no listener, no crowd");
        crowd.tell(3, 10);
        assert!(timeout(long, crowd.presses(soon())).await.is_err());
        crowd.tell(2, 10);
        let at = soon();
        crowd.presses(at).await;
        assert!(Instant::now() >= at);
        crowd.tell(10, 10);
        assert!(timeout(long, crowd.presses(Instant::now())).await.is_err(), "it is over");
    }
}
