//! The two databases behind one face: a pool of each driver, one SQL text for both, and the macros that
//! expand a body once per driver (examples.md section 2). Transactions on SQLite are BEGIN IMMEDIATE on
//! the one writing connection; on PostgreSQL they are read committed, so every change computes inside
//! its UPDATE or tests in WHERE what it builds on. Nothing outside this crate sees a driver's type.

use crate::StoreError;
use crate::dialect::{Dialect, speak};
use crate::row::Row;
use crate::sqlite_writer::{SqliteTx, Writers};
use crate::value::{Column, Value};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, PgPool, Postgres, Sqlite, SqlitePool, Transaction};
use std::borrow::Cow;
use std::str::FromStr as _;
use std::time::Duration;

/// How long anybody waits for a connection before the sender is told to try later.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// One of the two databases. Cheap to clone.
#[derive(Clone)]
pub(crate) enum Database {
    /// A file.
    Sqlite(SqliteDatabase),
    /// A server.
    Postgres(PostgresDatabase),
}

/// SQLite: many readers, one writer.
#[derive(Clone)]
pub(crate) struct SqliteDatabase {
    readers: SqlitePool,
    /// None where the database is only read, beside a running program.
    writer: Option<Writers>,
}

/// PostgreSQL: connections for everybody, and one on which only the intake writes. A pool hands its connections
/// out in turn; the server's process that wrote a group before knows the statement and has the pages at hand.
#[derive(Clone)]
pub(crate) struct PostgresDatabase {
    pub(crate) pool: PgPool,
    /// Of one connection, made when it is first needed.
    intake: PgPool,
}

/// A transaction; rolled back when dropped.
pub(crate) enum Tx {
    /// On the writing connection, with the right to write.
    Sqlite(SqliteTx),
    /// On a connection of the pool.
    Postgres(Transaction<'static, Postgres>),
}

/// A query with its values bound, for whichever driver the surrounding arm uses.
macro_rules! bound {
    ($sql:expr, $args:expr, $list:ident) => {{
        let mut query = sqlx::query(AssertSqlSafe($sql));
        for value in $args {
            query = match value {
                Value::Text(v) => query.bind(v),
                Value::Int(v) => query.bind(v),
                Value::Bool(v) => query.bind(v),
                Value::Bytes(v) => query.bind(v.map(|b| b.to_vec())),
                Value::List(v) => $list(query, v),
                Value::Columns(c) => columns!($list, query, c),
            };
        }
        query
    }};
}

/// Whole columns exist on PostgreSQL only.
macro_rules! columns {
    (list_as_json, $query:expr, $column:expr) => {{
        let _: Column = $column;
        $query.bind(None::<String>)
    }};
    (list_as_array, $query:expr, $column:expr) => {
        match $column {
            Column::Text(v) => $query.bind(v),
            Column::Int(v) => $query.bind(v),
            Column::Bytes(v) => $query.bind(v.into_iter().map(|b| b.map(|b| b.to_vec())).collect::<Vec<_>>()),
        }
    };
}

type SqliteQuery = sqlx::query::Query<'static, Sqlite, sqlx::sqlite::SqliteArguments>;
type PgQuery = sqlx::query::Query<'static, Postgres, sqlx::postgres::PgArguments>;

fn list_as_json(query: SqliteQuery, list: Vec<String>) -> SqliteQuery {
    query.bind(serde_json::Value::from(list).to_string())
}

fn list_as_array(query: PgQuery, list: Vec<String>) -> PgQuery {
    query.bind(list)
}

/// Compares the number of values with the number of parameters, once per statement and program. A
/// forgotten value would be NULL on SQLite and run. Only in debug builds: every statement that the
/// contract tests reach has then been prepared and counted on both databases.
macro_rules! counted {
    ($conn:expr, $sql:expr, $args:expr) => {
        if cfg!(debug_assertions) && crate::counted::is_new($sql) {
            use sqlx::{Executor as _, SqlSafeStr as _, Statement as _};
            let prepared = (&mut $conn).prepare(AssertSqlSafe($sql.to_string()).into_sql_str()).await?;
            let wanted = match prepared.parameters() {
                Some(sqlx::Either::Left(types)) => types.len(),
                Some(sqlx::Either::Right(count)) => count,
                None => $args.len(),
            };
            crate::counted::check($sql, wanted, $args.len())?;
        }
    };
}

impl Database {
    /// Opens SQLite at `path`; the file and its folder are made if absent.
    pub(crate) async fn open_sqlite(path: &str, readers: u32, beside: bool) -> Result<Self, StoreError> {
        if !beside && let Some(folder) = std::path::Path::new(path).parent() {
            std::fs::create_dir_all(folder).map_err(|e| StoreError::Config {
                what: format!("the folder {} cannot be made: {e}", folder.display()),
                remedy: "give the gateway's user the right to write there".to_owned(),
            })?;
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(!beside)
            .busy_timeout(Duration::from_secs(5))
            .foreign_keys(true)
            .statement_cache_capacity(256)
            .pragma("temp_store", "memory");
        let writer = if beside {
            None
        } else {
            // KiB. With the usual 2 MB a large group of intakes, each on an index page of its own, spills to
            // the log and is read back before it is committed; the memory is taken only when it is needed.
            let writing = options
                .clone()
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .pragma("cache_size", "-16384");
            Some(Writers::open(writing).await?)
        };
        let readers = SqlitePoolOptions::new()
            .max_connections(readers.max(1))
            .test_before_acquire(false)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_with(options.pragma("query_only", "on"))
            .await?;
        Ok(Self::Sqlite(SqliteDatabase { readers, writer }))
    }

    /// Connects to PostgreSQL.
    pub(crate) async fn open_postgres(url: &str, connections: u32) -> Result<Self, StoreError> {
        let options = PgConnectOptions::from_str(url)
            .map_err(|_| StoreError::Config {
                // The driver's words could repeat the password.
                what: "the database url cannot be read".to_owned(),
                remedy: "write it as postgres://user:password@host:port/database".to_owned(),
            })?
            .application_name("kakehashi")
            .statement_cache_capacity(256);
        let of = |connections| {
            PgPoolOptions::new()
                .max_connections(connections)
                .test_before_acquire(false)
                .acquire_timeout(ACQUIRE_TIMEOUT)
        };
        let intake = of(1).connect_lazy_with(options.clone());
        let pool = of(connections.max(4)).connect_with(options).await?;
        Ok(Self::Postgres(PostgresDatabase { pool, intake }))
    }

    /// Which words it understands.
    pub(crate) const fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// A transaction for everybody but the intake.
    pub(crate) async fn begin(&self) -> Result<Tx, StoreError> {
        match self {
            Self::Sqlite(db) => db.writer()?.begin().await.map(Tx::Sqlite),
            Self::Postgres(db) => begin_postgres(&db.pool).await,
        }
    }

    /// A transaction for the intake, before all others.
    pub(crate) async fn begin_first(&self) -> Result<Tx, StoreError> {
        match self {
            Self::Sqlite(db) => db.writer()?.begin_first().await.map(Tx::Sqlite),
            Self::Postgres(db) => begin_postgres(&db.pool).await,
        }
    }

    /// Reads rows outside a transaction.
    pub(crate) async fn rows(
        &self,
        sql: impl Into<Cow<'static, str>>,
        args: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        let sql = speak(self.dialect(), sql.into());
        // After a restart of the server every idle connection fails once, noticed by its next user.
        for _ in 0..self.idle_connections() {
            if self.idle_connections() == 0 {
                break;
            }
            match self.rows_once(sql.clone(), args.clone()).await {
                Err(StoreError::Unavailable { .. }) => {}
                other => return other,
            }
        }
        self.rows_once(sql, args).await
    }

    /// Connections that could have died unnoticed.
    fn idle_connections(&self) -> usize {
        match self {
            Self::Sqlite(_) => 0,
            Self::Postgres(db) => db.pool.num_idle(),
        }
    }

    async fn rows_once(&self, sql: Cow<'static, str>, args: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        Ok(match self {
            Self::Sqlite(db) => {
                let mut conn = db.readers.acquire().await?;
                counted!(*conn, &sql, args);
                let rows = bound!(sql, args, list_as_json).fetch_all(&mut *conn).await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            Self::Postgres(db) => {
                let mut conn = db.pool.acquire().await?;
                counted!(*conn, &sql, args);
                let rows = bound!(sql, args, list_as_array).fetch_all(&mut *conn).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// The first row, if any.
    pub(crate) async fn row(
        &self,
        sql: impl Into<Cow<'static, str>>,
        args: Vec<Value>,
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.rows(sql, args).await?.into_iter().next())
    }

    /// One changing statement in its own transaction.
    pub(crate) async fn run(
        &self,
        sql: impl Into<Cow<'static, str>>,
        args: Vec<Value>,
    ) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let changed = tx.run(sql, args).await?;
        tx.commit().await?;
        Ok(changed)
    }

    /// One changing statement of the intake that is a transaction by itself: one hand-over to the database
    /// instead of three. `fresh` says it for rows that nobody has; where one of them is known and the database refuses
    /// all, what `careful` makes of it says it again and lets the known ones be. It is sent again after a connection was lost, so the
    /// second time it must change nothing. The parameters of both are the same and stand in their order.
    pub(crate) async fn run_alone(
        &self,
        fresh: &str,
        careful: fn(&str) -> String,
        args: impl Fn() -> Vec<Value>,
    ) -> Result<u64, StoreError> {
        let pool = match self {
            Self::Postgres(db) => &db.intake,
            Self::Sqlite(db) => {
                return match alone_on_sqlite(db.writer()?, fresh, args()).await {
                    Ok(changed) => Ok(changed),
                    // Step by step, on a connection that is opened again where it must be.
                    Err(fault) => {
                        tracing::debug!(%fault, "a transaction in one piece failed");
                        let mut tx = self.begin_first().await?;
                        let changed = tx.run(careful(fresh), args()).await?;
                        tx.commit().await?;
                        Ok(changed)
                    }
                };
            }
        };
        // After a restart of the server the connection fails once, noticed by its next user.
        let may_be_stale = pool.num_idle() > 0;
        let mut said = alone_on_postgres(pool, fresh, args()).await;
        if may_be_stale && matches!(said, Err(StoreError::Unavailable { .. })) {
            said = alone_on_postgres(pool, fresh, args()).await;
        }
        match said {
            Err(StoreError::Bug { .. }) => alone_on_postgres(pool, &careful(fresh), args()).await,
            other => other,
        }
    }

    /// Closes all connections.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(db) => {
                db.readers.close().await;
                if let Some(writer) = &db.writer {
                    writer.close().await;
                }
            }
            Self::Postgres(db) => {
                db.intake.close().await;
                db.pool.close().await;
            }
        }
    }
}

impl SqliteDatabase {
    fn writer(&self) -> Result<&Writers, StoreError> {
        self.writer.as_ref().ok_or_else(|| StoreError::Config {
            what: "the database was opened for reading beside a running program".to_owned(),
            remedy: "do this with the program stopped".to_owned(),
        })
    }
}

async fn alone_on_postgres(pool: &PgPool, sql: &str, args: Vec<Value>) -> Result<u64, StoreError> {
    let mut conn = pool.acquire().await?;
    counted!(*conn, sql, args);
    Ok(bound!(sql.to_owned(), args, list_as_array).execute(&mut *conn).await?.rows_affected())
}

/// A statement outside of any transaction is one: SQLite begins, changes and commits. The driver keeps a thread for the
/// connection, and on a busy machine every answer of it waits for its turn, so three statements would take three turns.
async fn alone_on_sqlite(writers: &Writers, sql: &str, args: Vec<Value>) -> Result<u64, StoreError> {
    let mut tx = writers.enter_first().await?;
    let connection = tx.connection()?;
    counted!(*connection, sql, args);
    let done = bound!(sql.to_owned(), args, list_as_json).execute(connection).await?;
    tx.committed();
    Ok(done.rows_affected())
}

async fn begin_postgres(pool: &PgPool) -> Result<Tx, StoreError> {
    // As for reading: each idle connection may fail once.
    for _ in 0..pool.num_idle() {
        if pool.num_idle() == 0 {
            break;
        }
        match pool.begin().await {
            Ok(tx) => return Ok(Tx::Postgres(tx)),
            Err(fault @ sqlx::Error::PoolTimedOut) => return Err(fault.into()),
            Err(fault) => tracing::debug!(%fault, "a connection was lost while idle"),
        }
    }
    Ok(Tx::Postgres(pool.begin().await?))
}

impl Tx {
    /// Which words it understands.
    pub(crate) const fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Changes rows; how many.
    pub(crate) async fn run(
        &mut self,
        sql: impl Into<Cow<'static, str>>,
        args: Vec<Value>,
    ) -> Result<u64, StoreError> {
        let sql = speak(self.dialect(), sql.into());
        Ok(match self {
            Self::Sqlite(tx) => {
                let conn = tx.connection()?;
                counted!(*conn, &sql, args);
                bound!(sql, args, list_as_json).execute(&mut *conn).await?.rows_affected()
            }
            Self::Postgres(tx) => {
                counted!(**tx, &sql, args);
                bound!(sql, args, list_as_array).execute(&mut **tx).await?.rows_affected()
            }
        })
    }

    /// Rows of a query or of RETURNING.
    pub(crate) async fn rows(
        &mut self,
        sql: impl Into<Cow<'static, str>>,
        args: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        let sql = speak(self.dialect(), sql.into());
        Ok(match self {
            Self::Sqlite(tx) => {
                let conn = tx.connection()?;
                counted!(*conn, &sql, args);
                let rows = bound!(sql, args, list_as_json).fetch_all(&mut *conn).await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            Self::Postgres(tx) => {
                counted!(**tx, &sql, args);
                let rows = bound!(sql, args, list_as_array).fetch_all(&mut **tx).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// The first row, if any.
    pub(crate) async fn row(
        &mut self,
        sql: impl Into<Cow<'static, str>>,
        args: Vec<Value>,
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.rows(sql, args).await?.into_iter().next())
    }

    /// Several statements without values, as migrations are.
    pub(crate) async fn script(&mut self, sql: &'static str) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => {
                sqlx::raw_sql(sql).execute(&mut *tx.connection()?).await?;
            }
            Self::Postgres(tx) => {
                sqlx::raw_sql(sql).execute(&mut **tx).await?;
            }
        }
        Ok(())
    }

    /// Durable from here on.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => tx.commit().await,
            Self::Postgres(tx) => Ok(tx.commit().await?),
        }
    }
}
