//! How full a listener is, told to those who serve its connections: while there is room a slow peer costs only
//! its own place, when places run out it is the slow ones that go, and the sooner where none is left at all.

use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// So many times shorter is the patience with the slow once no place is free: who comes then waits for one.
const SHORTER_WHEN_FULL: u32 = 5;

/// How many places are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Room {
    Enough,
    /// Less than a quarter.
    Short,
    /// None.
    Gone,
}

/// Shared by a listener and its connections. Never crowded until a listener says so.
#[derive(Debug, Clone)]
pub struct Crowd(watch::Sender<Room>);

impl Default for Crowd {
    fn default() -> Self {
        Self(watch::Sender::new(Room::Enough))
    }
}

impl Crowd {
    /// Told by the accept loop: so many of `all` places are free.
    pub fn tell(&self, free: usize, all: usize) {
        // A quarter is left for those who come while slow ones are asked to go.
        let room = match free {
            0 => Room::Gone,
            free if free < all.div_ceil(4) => Room::Short,
            _ => Room::Enough,
        };
        self.0.send_if_modified(|now| std::mem::replace(now, room) != room);
    }

    /// Ends once places are short and nothing was done for `patience` since `since`, or for a part of it and none is
    /// free: then whoever got nothing done has to go.
    pub async fn presses(&self, since: Instant, patience: Duration) {
        let mut heard = self.0.subscribe();
        loop {
            let room = *heard.borrow_and_update();
            let at = match room {
                Room::Enough => None,
                Room::Short => Some(since + patience),
                Room::Gone => Some(since + patience / SHORTER_WHEN_FULL),
            };
            let over = async {
                match at {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = over => return,
                // The sender lives as long as `self`.
                _ = heard.changed() => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::timeout;

    #[tokio::test]
    async fn presses_only_while_places_are_short() {
        let crowd = Crowd::default();
        let patience = Duration::from_millis(20);
        let long = Duration::from_millis(100);
        let pressed = |crowd: Crowd| async move {
            timeout(long, crowd.presses(Instant::now(), patience)).await.is_ok()
        };
        assert!(!pressed(crowd.clone()).await, "no listener, no crowd");
        crowd.tell(3, 10);
        assert!(!pressed(crowd.clone()).await);
        crowd.tell(2, 10);
        let since = Instant::now();
        crowd.presses(since, patience).await;
        assert!(Instant::now() >= since + patience);
        crowd.tell(10, 10);
        assert!(!pressed(crowd.clone()).await, "it is over");
    }

    #[tokio::test]
    async fn presses_sooner_when_no_place_is_left() {
        let crowd = Crowd::default();
        // Long past the shorter time and long before the longer one.
        let since = Instant::now() - Duration::from_secs(30);
        let patience = Duration::from_secs(100);
        let short = Duration::from_millis(50);
        crowd.tell(1, 10);
        assert!(timeout(short, crowd.presses(since, patience)).await.is_err());
        crowd.tell(0, 10);
        crowd.presses(since, patience).await;
        crowd.tell(1, 10);
        assert!(timeout(short, crowd.presses(since, patience)).await.is_err(), "a place is free again");
        let fills = async {
            tokio::task::yield_now().await;
            crowd.tell(0, 10);
        };
        tokio::join!(crowd.presses(since, patience), fills);
    }
}
