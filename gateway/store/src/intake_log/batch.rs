//! One transaction of the intake log. A batch stands or falls together; if a row in it is bad, each is
//! tried alone, so that one sender cannot stop the others.

use super::HandedIn;
use crate::StoreError;
use crate::database::{Database, Tx};
use crate::dialect::Dialect;
use crate::value::{Column, Value, args};
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::envelope::ContentHash;
use kakehashi_core::ids::{IntakeId, NetworkId};
use kakehashi_core::vocabulary::{Channel, Format};
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::oneshot;

/// Rows of one INSERT on SQLite: 64 were as fast as any larger number (docs/decisions/0003).
const CHUNK: usize = 64;

/// What a sender gets.
pub(super) type Answer = Result<HandedIn, StoreError>;

/// An intake that waits for its transaction.
pub(super) struct Waiting {
    pub(super) network: NetworkId,
    pub(super) id: IntakeId,
    pub(super) dedup_key: String,
    pub(super) channel: Channel,
    pub(super) format: Format,
    pub(super) received_at: UtcMicros,
    pub(super) size_bytes: u64,
    pub(super) content_hash: ContentHash,
    pub(super) sender_message_id: Option<String>,
    pub(super) origin: String,
    /// None if the bytes lie in a blob.
    pub(super) raw: Option<Arc<[u8]>>,
    pub(super) answer: oneshot::Sender<Answer>,
}

/// Commits all, and answers in the same order. May reorder `waiting`.
pub(super) async fn commit(db: &Database, waiting: &mut [Waiting]) -> Vec<Answer> {
    // Batches that insert the same keys in the same order wait for each other and never in a circle.
    waiting.sort_by(|a, b| (&a.network, &a.dedup_key).cmp(&(&b.network, &b.dedup_key)));
    match together(db, waiting).await {
        Ok(answers) => answers.into_iter().map(Ok).collect(),
        Err(StoreError::Unavailable { detail }) => {
            waiting.iter().map(|_| Err(StoreError::Unavailable { detail: detail.clone() })).collect()
        }
        Err(_) => {
            let mut answers = Vec::with_capacity(waiting.len());
            for one in waiting.iter() {
                let alone = together(db, std::slice::from_ref(one)).await;
                answers.push(alone.and_then(|mut a| {
                    a.pop().ok_or_else(|| StoreError::Bug { detail: "no answer for an intake".to_owned() })
                }));
            }
            answers
        }
    }
}

async fn together(db: &Database, waiting: &[Waiting]) -> Result<Vec<HandedIn>, StoreError> {
    let inserted = match db.dialect() {
        Dialect::Postgres => db.run_alone(&insert_columns(waiting), careful, || columns(waiting)).await?,
        Dialect::Sqlite if waiting.len() <= CHUNK => {
            db.run_alone(&insert_values(waiting.len()), careful, || values(waiting)).await?
        }
        Dialect::Sqlite => {
            let mut tx = db.begin_first().await?;
            let mut inserted = 0;
            for chunk in waiting.chunks(CHUNK) {
                inserted += tx.run(careful(&insert_values(chunk.len())), values(chunk)).await?;
            }
            tx.commit().await?;
            inserted
        }
    };
    let known = if inserted == waiting.len() as u64 {
        HashMap::new()
    } else {
        owners(&mut db.begin_first().await?, waiting).await?
    };
    Ok(waiting
        .iter()
        .map(|w| match known.get(&(w.network.as_str(), w.dedup_key.as_str())) {
            Some(owner) if *owner != w.id => HandedIn::Known(owner.clone()),
            _ => HandedIn::New(w.id.clone()),
        })
        .collect())
}

const COLUMNS: &str = "network_id, intake_id, dedup_key, channel, format, received_at, size_bytes, \
    content_hash, sender_message_id, origin, raw, state, attempt_count, retry_at";

/// The same insert, which lets rows be whose key is known. Messages seldom come twice, so each group is first tried
/// without: on PostgreSQL a row that may be known costs a quarter more, on SQLite a twentieth.
fn careful(insert: &str) -> String {
    format!("{insert} ON CONFLICT (network_id, dedup_key) DO NOTHING")
}

/// SQLite: VALUES lists, because UNNEST does not exist there. Parameters without a name: SQLite looks for
/// the name of each in a list, which takes longer than the rest of binding.
fn insert_values(rows: usize) -> String {
    const ROW: &str = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'accepted', 0, ?)";
    // A row that cannot stand rolls all back, as whoever asked would: so SQLite keeps no copy of every page for undoing
    // this statement alone.
    format!("INSERT OR ROLLBACK INTO intakes ({COLUMNS}) VALUES {}", vec![ROW; rows].join(", "))
}

/// The values of [`insert_values`].
fn values(waiting: &[Waiting]) -> Vec<Value> {
    let row = |w: &Waiting| {
        args![
            &w.network,
            &w.id,
            &w.dedup_key,
            w.channel.code(),
            w.format.code(),
            w.received_at,
            w.size_bytes,
            &w.content_hash,
            &w.sender_message_id,
            &w.origin,
            w.raw.clone(),
            w.received_at,
        ]
    };
    waiting.iter().flat_map(row).collect()
}

/// PostgreSQL: one short statement for any number of rows, planned once. COPY costs a round trip of 40 ms
/// on TCP (dependencies.md). What all rows share, as nearly always, is said once: every further column of a
/// batch is an array that both sides take apart. The arrays stand in the list of columns and not under FROM, where the
/// server would first write each of them to a store of its own: a sixth of the time of a group of 16.
fn insert_columns(waiting: &[Waiting]) -> String {
    let [network, channel, format] = if is_uniform(waiting) {
        ["$9", "$10", "$11"]
    } else {
        ["UNNEST($9::text[])", "UNNEST($10::text[])", "UNNEST($11::text[])"]
    };
    format!(
        "INSERT INTO intakes ({COLUMNS}) \
         SELECT {network}, UNNEST($1::text[]), UNNEST($2::text[]), {channel}, {format}, UNNEST($3::bigint[]), \
                UNNEST($4::bigint[]), UNNEST($5::text[]), UNNEST($6::text[]), UNNEST($7::text[]), \
                UNNEST($8::bytea[]), 'accepted', 0, UNNEST($3::bigint[])"
    )
}

/// Whether all come into one network on one channel in one format.
fn is_uniform(waiting: &[Waiting]) -> bool {
    let of = |w: &'_ Waiting| (w.channel, w.format);
    waiting.windows(2).all(|w| w[0].network == w[1].network && of(&w[0]) == of(&w[1]))
}

/// The values of [`insert_columns`].
fn columns(waiting: &[Waiting]) -> Vec<Value> {
    let text = |of: &dyn Fn(&Waiting) -> Option<String>| {
        Value::Columns(Column::Text(waiting.iter().map(of).collect()))
    };
    let mut values = vec![
        text(&|w| Some(w.id.as_str().to_owned())),
        text(&|w| Some(w.dedup_key.clone())),
        Value::Columns(Column::Int(waiting.iter().map(|w| w.received_at.as_micros()).collect())),
        Value::Columns(Column::Int(
            waiting.iter().map(|w| i64::try_from(w.size_bytes).unwrap_or(i64::MAX)).collect(),
        )),
        text(&|w| Some(w.content_hash.as_str().to_owned())),
        text(&|w| w.sender_message_id.clone()),
        text(&|w| Some(w.origin.clone())),
        Value::Columns(Column::Bytes(waiting.iter().map(|w| w.raw.clone()).collect())),
    ];
    match waiting.first().filter(|_| is_uniform(waiting)) {
        Some(first) => values.extend(args![&first.network, first.channel.code(), first.format.code()]),
        None => values.extend([
            text(&|w| Some(w.network.as_str().to_owned())),
            text(&|w| Some(w.channel.code().to_owned())),
            text(&|w| Some(w.format.code().to_owned())),
        ]),
    }
    values
}

/// Who holds the keys of this batch. On PostgreSQL a statement of its own sees what another batch
/// committed while ours waited for it.
async fn owners<'w>(
    tx: &mut Tx,
    waiting: &'w [Waiting],
) -> Result<HashMap<(&'w str, &'w str), IntakeId>, StoreError> {
    let mut owners = HashMap::new();
    for of_network in waiting.chunk_by(|a, b| a.network == b.network) {
        let Some(first) = of_network.first() else { continue };
        let keys: Vec<String> = of_network.iter().map(|w| w.dedup_key.clone()).collect();
        let rows = tx
            .rows(
                "SELECT dedup_key, intake_id FROM intakes WHERE network_id = $1 AND dedup_key {in $2}",
                args![&first.network, keys],
            )
            .await?;
        let mut found = HashMap::new();
        for row in &rows {
            let mut r = row.reader();
            found.insert(r.text()?, r.id::<IntakeId>()?);
        }
        for w in of_network {
            if let Some(owner) = found.get(&w.dedup_key) {
                owners.insert((w.network.as_str(), w.dedup_key.as_str()), owner.clone());
            }
        }
    }
    Ok(owners)
}
