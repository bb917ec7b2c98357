//! The plain ceiling of durable intakes: submitters that each have one record on its way, one writer that
//! commits whatever waits in one transaction, straight through the driver, with the rows, keys and
//! durability of the gateway and nothing else around it. The load tool (`tests/load`) runs it and holds
//! the gateway against it.
//!
//! `ceiling DATABASE SUBMITTERS SECONDS RECORD_BYTES` prints records per second. `DATABASE` is
//! `sqlite:PATH` or `postgres://…`; the schema is made if absent. Rows are added and stay.
#![expect(clippy::unwrap_used, reason = "a measurement may fail where it stands")]

use kakehashi_core::clock::{Clock as _, SystemClock};
use kakehashi_core::envelope::ContentHash;
use kakehashi_core::ids::IntakeId;
use kakehashi_store::{Store, StoreConfig};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, SqliteConnection};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// Most records of one transaction, as in the store.
const BATCH: usize = 512;
const COLUMNS: &str = "network_id, intake_id, dedup_key, channel, format, received_at, size_bytes, content_hash, \
    sender_message_id, origin, raw, state, attempt_count, retry_at";
/// Rows of one INSERT on SQLite, as in the store.
const CHUNK: usize = 64;
/// What an intake carries besides its bytes.
const ORIGIN: &str = r#"{"listener":"mllp","peer":"127.0.0.1","rcpt_to":[],"interface":"sakurami_ch"}"#;

/// One row, and whom to tell that it is durable.
struct Record {
    id: String,
    dedup_key: String,
    message_id: String,
    hash: String,
    bytes: Vec<u8>,
    durable: oneshot::Sender<()>,
}

/// Text as hospitals send it, so that a database that compresses has the same work with it.
fn message(id: &str, size: usize) -> Vec<u8> {
    let mut text = format!(
        "MSH|^~\\&|HIS|SAKURAMI_CH|GW|CARENET|20260609102000||ADT^A01^ADT_A01|{id}|P|2.5\rPID|0001||99{id}^^^^PI||試験^花子\r"
    );
    let mut line = 1;
    while text.len() < size {
        write!(text, "NTE|{line}||経過を記した備考の一行です。数値 120/70、体温 36.5、SpO2 97%\r").unwrap();
        line += 1;
    }
    text.into_bytes()
}

/// Hands in record after record, each when the one before is durable. Returns how many.
async fn submit(queue: mpsc::Sender<Record>, name: String, size: usize, until: Instant) -> u64 {
    let mut count = 0;
    while Instant::now() < until {
        let message_id = format!("{name}-{count:07}");
        let bytes = message(&message_id, size);
        let hash = ContentHash::of(&bytes);
        let (durable, waiting) = oneshot::channel();
        let record = Record {
            id: IntakeId::fresh(SystemClock.now(), rand::random()).as_str().to_owned(),
            dedup_key: format!("hl7:sakurami_ch|HIS|SAKURAMI_CH|{message_id}|{}", hash.hex()),
            hash: hash.as_str().to_owned(),
            message_id,
            bytes,
            durable,
        };
        queue.send(record).await.unwrap();
        waiting.await.unwrap();
        count += 1;
    }
    count
}

enum Writer {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// Commits what waits, again and again.
async fn write(mut writer: Writer, mut queue: mpsc::Receiver<Record>) {
    let mut records = Vec::new();
    while queue.recv_many(&mut records, BATCH).await > 0 {
        let told: Vec<_> = match &mut writer {
            Writer::Sqlite(connection) => on_sqlite(connection, &mut records).await,
            Writer::Postgres(connection) => on_postgres(connection, &mut records).await,
        };
        told.into_iter().for_each(|durable| durable.send(()).unwrap());
    }
}

async fn on_sqlite(connection: &mut SqliteConnection, records: &mut Vec<Record>) -> Vec<oneshot::Sender<()>> {
    let mut told = Vec::with_capacity(records.len());
    let mut tx = connection.begin_with("BEGIN IMMEDIATE").await.unwrap();
    while !records.is_empty() {
        let rows = records.len().min(CHUNK);
        let mut sql = format!("INSERT OR ROLLBACK INTO intakes ({COLUMNS}) VALUES ");
        for row in 0..rows {
            sql.push_str(if row == 0 { "(" } else { ", (" });
            for column in 1..=11 {
                write!(sql, "${}, ", row * 11 + column).unwrap();
            }
            write!(sql, "'accepted', 0, ${})", row * 11 + 6).unwrap();
        }
        sql.push_str(" ON CONFLICT (network_id, dedup_key) DO NOTHING");
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for record in records.drain(..rows) {
            told.push(record.durable);
            query = query
                .bind("ceiling")
                .bind(record.id)
                .bind(record.dedup_key)
                .bind("hl7")
                .bind("hl7v2")
                .bind(0_i64)
                .bind(i64::try_from(record.bytes.len()).unwrap())
                .bind(record.hash)
                .bind(record.message_id)
                .bind(ORIGIN)
                .bind(record.bytes);
        }
        tx.execute(query).await.unwrap();
    }
    tx.commit().await.unwrap();
    told
}

async fn on_postgres(connection: &mut PgConnection, records: &mut Vec<Record>) -> Vec<oneshot::Sender<()>> {
    let sql = format!(
        "INSERT INTO intakes ({COLUMNS}) SELECT 'ceiling', UNNEST($1::text[]), UNNEST($2::text[]), 'hl7', 'hl7v2', 0, \
         UNNEST($7::bigint[]), UNNEST($3::text[]), UNNEST($4::text[]), $6, UNNEST($5::bytea[]), 'accepted', 0, 0 \
         ON CONFLICT (network_id, dedup_key) DO NOTHING"
    );
    let (mut ids, mut keys, mut hashes) = (Vec::new(), Vec::new(), Vec::new());
    let (mut message_ids, mut all_bytes, mut told) = (Vec::new(), Vec::new(), Vec::new());
    let mut sizes = Vec::new();
    for record in records.drain(..) {
        ids.push(record.id);
        keys.push(record.dedup_key);
        hashes.push(record.hash);
        message_ids.push(record.message_id);
        sizes.push(i64::try_from(record.bytes.len()).unwrap());
        all_bytes.push(record.bytes);
        told.push(record.durable);
    }
    // A transaction by itself, as in the store.
    let query = sqlx::query(AssertSqlSafe(sql));
    let query =
        query.bind(ids).bind(keys).bind(hashes).bind(message_ids).bind(all_bytes).bind(ORIGIN).bind(sizes);
    connection.execute(query).await.unwrap();
    told
}

async fn open(database: &str) -> Writer {
    let config = StoreConfig {
        database_url: database.to_owned(),
        blob_folder: std::env::temp_dir().join("kakehashi-ceiling"),
        max_connections: 4,
    };
    Store::open(&config, Arc::new(SystemClock)).await.unwrap().close().await;
    let Some(path) = database.strip_prefix("sqlite:") else {
        return Writer::Postgres(PgConnection::connect(database).await.unwrap());
    };
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal)
        .synchronous(sqlx::sqlite::SqliteSynchronous::Full)
        .foreign_keys(true)
        .statement_cache_capacity(256)
        .pragma("temp_store", "memory")
        .pragma("cache_size", "-16384");
    Writer::Sqlite(SqliteConnection::connect_with(&options).await.unwrap())
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [database, submitters, seconds, size] = arguments.as_slice() else {
        eprintln!("usage: ceiling DATABASE SUBMITTERS SECONDS RECORD_BYTES");
        std::process::exit(2);
    };
    let (submitters, size): (usize, usize) = (submitters.parse().unwrap(), size.parse().unwrap());
    let (queue, waiting) = mpsc::channel(BATCH);
    let writer = tokio::spawn(write(open(database).await, waiting));
    let run: u32 = rand::random();
    let begun = Instant::now();
    let until = begun + Duration::from_secs_f64(seconds.parse().unwrap());
    let tasks: Vec<_> = (0..submitters)
        .map(|s| tokio::spawn(submit(queue.clone(), format!("L{run}-{s:03}"), size, until)))
        .collect();
    drop(queue);
    let mut count = 0;
    for task in tasks {
        count += task.await.unwrap();
    }
    writer.await.unwrap();
    println!("{:.0}", count as f64 / begun.elapsed().as_secs_f64());
}
