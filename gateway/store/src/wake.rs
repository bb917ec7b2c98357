//! Wake-ups between writers and those who wait: in the process on SQLite, LISTEN/NOTIFY besides on
//! PostgreSQL. A wake-up carries ids only and is a hint; whoever is woken reads the database. It is
//! sent after the commit and never keeps a commit waiting.

use crate::view::Wake;
use kakehashi_core::ids::GroupId;
use sqlx::PgPool;
use sqlx::postgres::PgListener;
use std::time::Duration;
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinHandle;

/// Name of the notification channel.
const CHANNEL: &str = "kakehashi";
/// Wake-ups within this time go to the other processes as one notification.
const GATHER: Duration = Duration::from_millis(20);
/// Wait after a lost connection.
const AGAIN: Duration = Duration::from_secs(1);

/// The wake-ups of this process.
#[derive(Clone)]
pub struct Wakes {
    here: broadcast::Sender<Wake>,
    elsewhere: Option<mpsc::UnboundedSender<Wake>>,
}

impl Wakes {
    /// All wake-ups from now on. A receiver that lags must reread everything.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Wake> {
        self.here.subscribe()
    }

    /// Within this process only.
    pub(crate) fn local() -> Self {
        Self { here: broadcast::channel(1024).0, elsewhere: None }
    }

    /// Together with all processes on this database. The tasks end when they are aborted.
    pub(crate) fn shared(pool: PgPool) -> (Self, Vec<JoinHandle<()>>) {
        let here = broadcast::channel(1024).0;
        let (elsewhere, waiting) = mpsc::unbounded_channel();
        let me = format!("{:016x}", rand::random::<u64>());
        let tasks = vec![
            tokio::spawn(tell(pool.clone(), waiting, me.clone())),
            tokio::spawn(listen(pool, here.clone(), me)),
        ];
        (Self { here, elsewhere: Some(elsewhere) }, tasks)
    }

    pub(crate) fn wake(&self, wake: Wake) {
        if let Some(elsewhere) = &self.elsewhere {
            // The other end is gone only while closing.
            let _ = elsewhere.send(wake.clone());
        }
        // Nobody listening is no fault.
        let _ = self.here.send(wake);
    }
}

async fn tell(pool: PgPool, mut waiting: mpsc::UnboundedReceiver<Wake>, me: String) {
    let mut gathered = Vec::new();
    while waiting.recv_many(&mut gathered, 4096).await > 0 {
        let mut texts: Vec<String> = gathered.drain(..).map(|w| format!("{me} {}", written(&w))).collect();
        texts.sort_unstable();
        texts.dedup();
        // A hint need not reach the disk, and must not make the intake's commit wait for its own.
        const TELL: &str = "SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, t) \
            FROM UNNEST($2::text[]) AS t";
        let sent = sqlx::query(TELL).bind(CHANNEL).bind(texts).execute(&pool).await;
        if let Err(fault) = sent {
            tracing::debug!(%fault, "wake-ups were not sent; the others look by themselves");
        }
        tokio::time::sleep(GATHER).await;
    }
}

async fn listen(pool: PgPool, here: broadcast::Sender<Wake>, me: String) {
    loop {
        if let Err(fault) = forward(&pool, &here, &me).await {
            tracing::debug!(%fault, "not listening for wake-ups; trying again");
        }
        if pool.is_closed() {
            return;
        }
        tokio::time::sleep(AGAIN).await;
    }
}

async fn forward(pool: &PgPool, here: &broadcast::Sender<Wake>, me: &str) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    loop {
        let Some(told) = listener.try_recv().await? else {
            // The connection was lost and made again: something may have been missed.
            for wake in [Wake::Intake, Wake::Delivery, Wake::Triage] {
                let _ = here.send(wake);
            }
            continue;
        };
        if let Some((from, text)) = told.payload().split_once(' ')
            && from != me
            && let Some(wake) = read(text)
        {
            let _ = here.send(wake);
        }
    }
}

fn written(wake: &Wake) -> String {
    match wake {
        Wake::Intake => "intake".to_owned(),
        Wake::Delivery => "delivery".to_owned(),
        Wake::Triage => "triage".to_owned(),
        Wake::Group(id) => format!("group {id}"),
    }
}

fn read(text: &str) -> Option<Wake> {
    match text {
        "intake" => Some(Wake::Intake),
        "delivery" => Some(Wake::Delivery),
        "triage" => Some(Wake::Triage),
        _ => text.strip_prefix("group ").map(|id| Wake::Group(GroupId::from(id))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wake_ups_are_read_as_written() {
        for wake in [Wake::Intake, Wake::Delivery, Wake::Triage, Wake::Group("G01".into())] {
            assert_eq!(read(&written(&wake)), Some(wake));
        }
        assert_eq!(read("else"), None);
    }
}
