//! Who may write to SQLite next. SQLite has one writer; the intake goes before everybody else, because
//! a sender waits for it, while pages and workers wait only for themselves. Others that have waited
//! [`PATIENCE`] go in their turn, so that a storm of intakes cannot stop deliveries for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{Mutex, Notify, OwnedMutexGuard};

/// How long others give way.
const PATIENCE: Duration = Duration::from_millis(50);

/// The gate before the one who writes.
#[derive(Debug)]
pub(crate) struct WriteGate<W> {
    writer: Arc<Mutex<W>>,
    intake_waiting: AtomicUsize,
    calm: Notify,
}

/// The right to write, given back by dropping.
pub(crate) type Turn<W> = OwnedMutexGuard<W>;

/// Counts as waiting until dropped, also when its future is.
struct Waiting<'a, W>(&'a WriteGate<W>);

impl<W> Drop for Waiting<'_, W> {
    fn drop(&mut self) {
        if self.0.intake_waiting.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.calm.notify_waiters();
        }
    }
}

impl<W> WriteGate<W> {
    /// Before this writer.
    pub(crate) fn new(writer: W) -> Self {
        Self {
            writer: Arc::new(Mutex::new(writer)),
            intake_waiting: AtomicUsize::new(0),
            calm: Notify::new(),
        }
    }

    /// For the intake writer.
    pub(crate) async fn enter_first(&self) -> Turn<W> {
        self.intake_waiting.fetch_add(1, Ordering::AcqRel);
        let _waiting = Waiting(self);
        Arc::clone(&self.writer).lock_owned().await
    }

    /// For everybody else.
    pub(crate) async fn enter(&self) -> Turn<W> {
        let patience = tokio::time::sleep(PATIENCE);
        tokio::pin!(patience);
        loop {
            let turn = Arc::clone(&self.writer).lock_owned().await;
            let calm = self.calm.notified();
            tokio::pin!(calm);
            calm.as_mut().enable();
            if self.intake_waiting.load(Ordering::Acquire) == 0 || patience.is_elapsed() {
                return turn;
            }
            drop(turn);
            tokio::select! {
                () = &mut calm => {}
                () = &mut patience => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_intake_overtakes_those_who_wait() {
        let gate = Arc::new(WriteGate::new(()));
        let order = Arc::new(std::sync::Mutex::new(Vec::new()));
        let held = gate.enter().await;
        let mut tasks = Vec::new();
        for name in ["page", "intake"] {
            let (gate, order) = (Arc::clone(&gate), Arc::clone(&order));
            tasks.push(tokio::spawn(async move {
                let _turn = if name == "intake" { gate.enter_first().await } else { gate.enter().await };
                order.lock().unwrap().push(name);
            }));
            tokio::task::yield_now().await;
        }
        drop(held);
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), ["intake", "page"]);
    }
}
