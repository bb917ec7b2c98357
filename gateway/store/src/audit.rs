//! The append-only, hash-chained audit. Entries are written in the transaction of the act itself, as its
//! last step: the head of the chain is locked then, which puts the acts of one network in a line for
//! the shortest possible time. Triggers refuse every change of an entry (migrations).

use crate::StoreError;
use crate::database::{Database, Tx};
use crate::row::Row;
use crate::value::args;
use kakehashi_core::audit::{AuditEntry, BrokenAt, GENESIS, Said, verify_after};
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::commit::Actor;
use kakehashi_core::ids::NetworkId;

/// Entries read at once while a chain is checked.
const PAGE: u32 = 1000;

const ENTRY: &str = "seq, at, actor, action, subject, detail, prev_hash, hash";

/// Adds what was said to the network's chain.
pub(crate) async fn append(
    tx: &mut Tx,
    network: &NetworkId,
    at: UtcMicros,
    actor: &Actor,
    said: Vec<Said>,
) -> Result<(), StoreError> {
    if said.is_empty() {
        return Ok(());
    }
    // Makes the row, or locks it on PostgreSQL, where a plain INSERT … DO NOTHING would not.
    tx.run(
        "INSERT INTO audit_heads (network_id, seq, hash) VALUES ($1, 0, $2) \
         ON CONFLICT (network_id) DO UPDATE SET seq = audit_heads.seq",
        args![network, GENESIS],
    )
    .await?;
    let head = tx.row("SELECT seq, hash FROM audit_heads WHERE network_id = $1", args![network]).await?;
    let head = head.ok_or_else(|| StoreError::Bug { detail: "the audit has no head".to_owned() })?;
    let mut r = head.reader();
    let (mut seq, mut hash) = (r.int()?, r.text()?);
    for said in said {
        let entry = AuditEntry::after(Some((seq, &hash)), at, actor, said);
        tx.run(
            format!(
                "INSERT INTO audit_entries (network_id, {ENTRY}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
            ),
            args![
                network,
                entry.seq,
                entry.at,
                entry.actor,
                entry.action,
                entry.subject,
                entry.detail,
                entry.prev_hash,
                &entry.hash,
            ],
        )
        .await?;
        (seq, hash) = (entry.seq, entry.hash);
    }
    tx.run("UPDATE audit_heads SET seq = $2, hash = $3 WHERE network_id = $1", args![network, seq, hash])
        .await
        .map(|_| ())
}

/// Entries before `before`, newest first.
pub(crate) async fn page(
    db: &Database,
    network: &NetworkId,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<AuditEntry>, StoreError> {
    let sql = format!(
        "SELECT {ENTRY} FROM audit_entries WHERE network_id = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3"
    );
    let rows = db.rows(sql, args![network, before.unwrap_or(i64::MAX), limit]).await?;
    rows.iter().map(read).collect()
}

/// Number of entries, or the number of the first that does not hold.
pub(crate) async fn verify(db: &Database, network: &NetworkId) -> Result<Result<u64, i64>, StoreError> {
    let sql =
        format!("SELECT {ENTRY} FROM audit_entries WHERE network_id = $1 AND seq > $2 ORDER BY seq LIMIT $3");
    let (mut seq, mut hash) = (0, GENESIS.to_owned());
    loop {
        let rows = db.rows(sql.clone(), args![network, seq, PAGE]).await?;
        if rows.is_empty() {
            break;
        }
        let entries: Vec<AuditEntry> = rows.iter().map(read).collect::<Result<_, _>>()?;
        match verify_after(seq, &hash, &entries) {
            Ok(last) => (seq, hash) = last,
            Err(
                BrokenAt::Gap { expected: at, .. }
                | BrokenAt::Link { seq: at }
                | BrokenAt::Content { seq: at },
            ) => return Ok(Err(at)),
        }
    }
    // Entries cut off at the end leave a head that nothing reaches.
    let head = db.row("SELECT seq FROM audit_heads WHERE network_id = $1", args![network]).await?;
    let head = head.map_or(Ok(0), |row| row.first_int())?;
    Ok(if head == seq { Ok(u64::try_from(seq).unwrap_or(0)) } else { Err(seq + 1) })
}

fn read(row: &Row) -> Result<AuditEntry, StoreError> {
    let mut r = row.reader();
    Ok(AuditEntry {
        seq: r.int()?,
        at: r.time()?,
        actor: r.text()?,
        action: r.text()?,
        subject: r.text()?,
        detail: r.text()?,
        prev_hash: r.text()?,
        hash: r.text()?,
    })
}
