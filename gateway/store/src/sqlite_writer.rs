//! The one connection that writes to SQLite, and its transactions. They are BEGIN IMMEDIATE and COMMIT
//! said by hand: a disk that is full makes SQLite roll back by itself, after which the driver's own
//! counting of transactions would refuse every later one. What is dropped without a commit is rolled
//! back before anybody else gets the connection.

use crate::StoreError;
use crate::gate::{Turn, WriteGate};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, SqliteConnection};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long opening is tried while another program opens the same new file.
const OPENING: Duration = Duration::from_secs(5);

/// The writing connection behind its gate. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Writers {
    gate: Arc<WriteGate<Writer>>,
}

/// The connection; made again when it was given up.
pub(crate) struct Writer {
    options: SqliteConnectOptions,
    connection: Option<SqliteConnection>,
    closed: bool,
}

/// A transaction with the right to write.
pub(crate) struct SqliteTx {
    /// None after the commit.
    turn: Option<Turn<Writer>>,
}

impl Writers {
    /// Opens the connection, which makes the file. Turning a new file to WAL fails at once, whatever the busy
    /// time-out, while another program does the same; then it is tried again for a while.
    pub(crate) async fn open(options: SqliteConnectOptions) -> Result<Self, StoreError> {
        let until = Instant::now() + OPENING;
        let connection = loop {
            match SqliteConnection::connect_with(&options).await.map_err(StoreError::from) {
                Err(StoreError::Unavailable { .. }) if Instant::now() < until => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                opened => break opened?,
            }
        };
        let writer = Writer { options, connection: Some(connection), closed: false };
        Ok(Self { gate: Arc::new(WriteGate::new(writer)) })
    }

    /// For everybody but the intake.
    pub(crate) async fn begin(&self) -> Result<SqliteTx, StoreError> {
        begin(self.gate.enter().await).await
    }

    /// For the intake, before all others.
    pub(crate) async fn begin_first(&self) -> Result<SqliteTx, StoreError> {
        begin(self.gate.enter_first().await).await
    }

    /// For the intake as [`Self::begin_first`], for a statement that is a transaction by itself. Until
    /// [`SqliteTx::committed`] is said, it may have failed in a way that leaves something to roll back.
    pub(crate) async fn enter_first(&self) -> Result<SqliteTx, StoreError> {
        let turn = self.gate.enter_first().await;
        if turn.closed {
            return Err(closed());
        }
        Ok(SqliteTx { turn: Some(turn) })
    }

    /// Waits for whoever writes and closes the connection.
    pub(crate) async fn close(&self) {
        let mut writer = self.gate.enter().await;
        writer.closed = true;
        if let Some(connection) = writer.connection.take()
            && let Err(fault) = connection.close().await
        {
            tracing::warn!(%fault, "the writing connection did not close well");
        }
    }
}

async fn begin(turn: Turn<Writer>) -> Result<SqliteTx, StoreError> {
    if turn.closed {
        return Err(closed());
    }
    // A transaction from here on, so that a future dropped while it begins rolls back what it began.
    let mut tx = SqliteTx { turn: Some(turn) };
    if let Some(connection) = tx.writer()?.connection.as_mut() {
        match begin_on(connection).await {
            Ok(()) => return Ok(tx),
            Err(fault) => tracing::warn!(%fault, "the writing connection is given up and opened again"),
        }
    }
    let writer = tx.writer()?;
    writer.connection = None;
    let connection = SqliteConnection::connect_with(&writer.options).await?;
    begin_on(writer.connection.insert(connection)).await?;
    Ok(tx)
}

/// Plain BEGIN would fail with "database is locked" when two readers want to become writers.
async fn begin_on(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    sqlx::query("BEGIN IMMEDIATE").execute(connection).await.map(|_| ())
}

impl SqliteTx {
    fn writer(&mut self) -> Result<&mut Writer, StoreError> {
        self.turn.as_deref_mut().ok_or_else(ended)
    }

    /// The connection inside the transaction.
    pub(crate) fn connection(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        self.writer()?.connection.as_mut().ok_or_else(ended)
    }

    /// Durable from here on.
    pub(crate) async fn commit(mut self) -> Result<(), StoreError> {
        sqlx::query("COMMIT").execute(self.connection()?).await?;
        self.committed();
        Ok(())
    }

    /// The commit stood in the statement itself: there is nothing to roll back.
    pub(crate) fn committed(&mut self) {
        self.turn = None;
    }
}

fn closed() -> StoreError {
    StoreError::Unavailable { detail: "the database is closed".to_owned() }
}

fn ended() -> StoreError {
    StoreError::Bug { detail: "a statement after the end of its transaction".to_owned() }
}

impl Drop for SqliteTx {
    fn drop(&mut self) {
        let Some(mut turn) = self.turn.take() else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            // The program is ending: closing the connection rolls back.
            turn.connection = None;
            return;
        };
        runtime.spawn(async move {
            if let Some(connection) = &mut turn.connection {
                // Refused where SQLite has rolled back by itself; begin_on tells whether all is well.
                let _ = sqlx::query("ROLLBACK").execute(connection).await;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn count(writers: &Writers) -> i64 {
        let mut tx = writers.begin().await.unwrap();
        sqlx::query_scalar("SELECT COUNT(*) FROM t").fetch_one(tx.connection().unwrap()).await.unwrap()
    }

    async fn insert(tx: &mut SqliteTx) -> Result<(), sqlx::Error> {
        let row = sqlx::query("INSERT INTO t VALUES (zeroblob(4000000))");
        row.execute(tx.connection().unwrap()).await.map(|_| ())
    }

    /// A full disk as SQLite sees it: the file may not grow. Afterwards everything goes on.
    #[tokio::test]
    async fn a_full_disk_and_a_dropped_transaction_leave_the_writer_well() {
        let folder = tempfile::tempdir().unwrap();
        let options = SqliteConnectOptions::new()
            .filename(folder.path().join("t.db"))
            .create_if_missing(true)
            .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal);
        let writers = Writers::open(options).await.unwrap();
        let mut tx = writers.begin().await.unwrap();
        sqlx::query("CREATE TABLE t (b BLOB)").execute(tx.connection().unwrap()).await.unwrap();
        tx.commit().await.unwrap();

        let mut tx = writers.begin().await.unwrap();
        insert(&mut tx).await.unwrap();
        drop(tx);
        assert_eq!(count(&writers).await, 0);

        let mut tx = writers.begin().await.unwrap();
        let limit = sqlx::query("PRAGMA max_page_count = 100").execute(tx.connection().unwrap());
        limit.await.unwrap();
        let full = StoreError::from(insert(&mut tx).await.unwrap_err());
        assert!(matches!(full, StoreError::Unavailable { .. }), "{full:?}");
        drop(tx);
        let mut tx = writers.begin().await.unwrap();
        let limit = sqlx::query("PRAGMA max_page_count = 100000").execute(tx.connection().unwrap());
        limit.await.unwrap();
        insert(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(count(&writers).await, 1);
        writers.close().await;
        assert!(matches!(writers.begin().await, Err(StoreError::Unavailable { .. })));
    }
}
