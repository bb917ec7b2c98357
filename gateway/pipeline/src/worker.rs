//! The one supervised loop: register for wake-ups, drain the work, wait for a wake-up or a tick with
//! jitter, start again after a panic. A lost wake-up, a restart and a second process are the same code
//! path: the work is always found by reading the store.

use kakehashi_core::port::BoxFuture;
use kakehashi_store::Wakes;
use kakehashi_store::view::Wake;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinSet;

/// Work that a loop drains.
pub trait Drain: Send + Sync + 'static {
    /// Name in logs and metrics.
    fn name(&self) -> &'static str;

    /// Whether a wake-up concerns it.
    fn wakes_on(&self, wake: &Wake) -> bool;

    /// Does what there is to do, or until `stopping`. Returns how long to wait at most before looking again.
    fn drain<'a>(&'a self, stopping: &'a Stopping) -> BoxFuture<'a, Duration>;
}

/// Tells a drain that it should end after what it holds.
#[derive(Debug, Clone)]
pub struct Stopping(tokio::sync::watch::Receiver<bool>);

impl Stopping {
    /// Whether the program is about to stop.
    #[must_use]
    pub fn now(&self) -> bool {
        *self.0.borrow()
    }
}

/// Runs drains until told to stop; what has been begun is finished.
#[derive(Debug)]
pub struct Supervisor {
    tasks: JoinSet<()>,
    stop: tokio::sync::watch::Sender<bool>,
}

impl Default for Supervisor {
    fn default() -> Self {
        Self { tasks: JoinSet::new(), stop: tokio::sync::watch::Sender::new(false) }
    }
}

impl Supervisor {
    /// Starts a loop.
    pub fn start(&mut self, work: Arc<dyn Drain>, wakes: &Wakes) {
        let wakes = wakes.clone();
        let mut stop = self.stop.subscribe();
        self.tasks.spawn(async move {
            let mut failures: u32 = 0;
            loop {
                let mut wake = wakes.subscribe();
                // A panic of one round must not take the other loops with it.
                let round = Arc::clone(&work);
                let stopping = Stopping(stop.clone());
                let drained = tokio::spawn(async move { round.drain(&stopping).await }).await;
                let pause = match drained {
                    Ok(pause) => {
                        failures = 0;
                        pause
                    }
                    Err(error) => {
                        failures += 1;
                        tracing::error!(worker = work.name(), %error, failures, "pipeline.worker: round failed");
                        metrics::counter!("kakehashi_worker_panics_total", "worker" => work.name()).increment(1);
                        Duration::from_secs(u64::from(failures.min(30)))
                    }
                };
                if *stop.borrow() {
                    return;
                }
                let until = tokio::time::Instant::now() + with_jitter(pause);
                loop {
                    tokio::select! {
                        _ = stop.changed() => return,
                        () = tokio::time::sleep_until(until) => break,
                        woken = wake.recv() => match woken {
                            Ok(wake) if failures == 0 && work.wakes_on(&wake) => break,
                            Ok(_) => {}
                            Err(RecvError::Lagged(_)) => break,
                            Err(RecvError::Closed) => {
                                tokio::time::sleep_until(until).await;
                                break;
                            }
                        },
                    }
                }
            }
        });
    }

    /// Tells all loops to stop and waits until what they hold is finished, at most `limit`.
    pub async fn stop(mut self, limit: Duration) {
        let _ = self.stop.send(true);
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(limit, all).await.is_err() {
            tracing::warn!("pipeline.worker: a worker did not finish in time; its lease will lapse");
        }
    }
}

/// Up to a tenth longer, so that several processes do not look at the same moment.
fn with_jitter(pause: Duration) -> Duration {
    pause + pause.mul_f64(f64::from(rand::random::<u8>()) / 2550.0)
}
