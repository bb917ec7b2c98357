//! The thread on which readers run, one at a time. Pages of a FAX are large for a moment; on one thread
//! that moment's memory is used again for the next intake, where a pool would keep some for each of its
//! threads (300 MB instead of 170 MB after the test corpus, in a debug build). A reader that panics or does not come to an
//! end costs its own intake and nothing else.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::Duration;
use tokio::sync::oneshot;

/// A reader that needs longer is left alone with its intake.
const LIMIT: Duration = Duration::from_secs(60);

type Work = Box<dyn FnOnce() + Send>;

/// Why there is no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unfinished {
    /// It panicked.
    #[error("the reader failed on these bytes")]
    Panicked,
    /// There is no thread to be had now.
    #[error("there is no thread for readers now")]
    NotBegun,
    /// It did not come to an end in time.
    #[error("the reader did not come to an end in time")]
    TooSlow,
}

/// The thread; started when it is first needed, and again after it was given up.
#[derive(Debug)]
pub(crate) struct ReadingThread {
    thread: Mutex<Option<mpsc::Sender<Work>>>,
    limit: Duration,
}

impl Default for ReadingThread {
    fn default() -> Self {
        Self { thread: Mutex::default(), limit: LIMIT }
    }
}

impl ReadingThread {
    /// Runs this on the thread.
    pub(crate) async fn run<T, F>(&self, work: F) -> Result<T, Unfinished>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        self.begin(Box::new(move || {
            // Whoever gave up waiting needs no answer.
            let _ = answer.send(catch_unwind(AssertUnwindSafe(work)));
        }));
        match tokio::time::timeout(self.limit, answered).await {
            Ok(Ok(Ok(result))) => Ok(result),
            Ok(Ok(Err(_))) => Err(Unfinished::Panicked),
            Ok(Err(_)) => Err(Unfinished::NotBegun),
            Err(_) => {
                // It ends by itself when its work does.
                self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
                Err(Unfinished::TooSlow)
            }
        }
    }

    fn begin(&self, work: Work) {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = match thread.take() {
            Some(sender) => sender,
            None => match start() {
                Ok(sender) => sender,
                Err(error) => {
                    tracing::error!(%error, "pipeline.reading: no thread for readers");
                    return;
                }
            },
        };
        if sender.send(work).is_ok() {
            *thread = Some(sender);
        }
    }
}

/// Ends when its sender is dropped and its work is done.
fn start() -> std::io::Result<mpsc::Sender<Work>> {
    let (sender, waiting) = mpsc::channel::<Work>();
    let thread = std::thread::Builder::new().name("reader".to_owned());
    thread.spawn(move || waiting.into_iter().for_each(|work| work()))?;
    Ok(sender)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_costs_its_own_work_only() {
        let thread = ReadingThread::default();
        let first = thread.run(|| std::thread::current().id()).await.unwrap();
        assert_eq!(
            thread.run(|| panic!("as a reader must never do")).await,
            Err::<(), _>(Unfinished::Panicked)
        );
        assert_eq!(thread.run(|| std::thread::current().id()).await, Ok(first));
    }

    #[tokio::test]
    async fn work_without_end_is_left_alone() {
        let thread = ReadingThread { limit: Duration::from_millis(50), ..ReadingThread::default() };
        let (end, ended) = mpsc::channel::<()>();
        assert_eq!(thread.run(move || ended.recv()).await, Err(Unfinished::TooSlow));
        let patient = ReadingThread { limit: LIMIT, ..thread };
        assert_eq!(patient.run(|| 1).await, Ok(1));
        drop(end);
    }
}
