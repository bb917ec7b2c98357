//! Waiting for a condition with a deadline, never for a time.

use std::time::{Duration, Instant};

/// Asks until the answer is there, at most `limit`.
///
/// # Panics
/// The deadline passed; `what` says for what.
pub fn until<T>(what: &str, limit: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + limit;
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(Instant::now() < end, "waited {limit:?} in vain for {what}");
        std::thread::sleep(Duration::from_millis(25));
    }
}
