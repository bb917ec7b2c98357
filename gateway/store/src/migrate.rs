//! Brings the schema up to date: numbered files, the same numbers for both databases, each applied in
//! one transaction together with its row in `schema_migrations`. Two processes that start together are
//! fine: one holds the lock, the other finds the work done. Never goes backwards.

use crate::StoreError;
use crate::database::Database;
use crate::dialect::Dialect;
use crate::value::args;

/// Number, SQLite, PostgreSQL.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (
        1,
        include_str!("../../../migrations/sqlite/0001_schema.sql"),
        include_str!("../../../migrations/postgres/0001_schema.sql"),
    ),
    (
        2,
        include_str!("../../../migrations/sqlite/0002_back_to_the_hospital.sql"),
        include_str!("../../../migrations/postgres/0002_back_to_the_hospital.sql"),
    ),
    (
        3,
        include_str!("../../../migrations/sqlite/0003_hl7_index.sql"),
        include_str!("../../../migrations/postgres/0003_hl7_index.sql"),
    ),
    (
        4,
        include_str!("../../../migrations/sqlite/0004_paper.sql"),
        include_str!("../../../migrations/postgres/0004_paper.sql"),
    ),
    (
        5,
        include_str!("../../../migrations/sqlite/0005_hospitals.sql"),
        include_str!("../../../migrations/postgres/0005_hospitals.sql"),
    ),
    (
        6,
        include_str!("../../../migrations/sqlite/0006_paper_out.sql"),
        include_str!("../../../migrations/postgres/0006_paper_out.sql"),
    ),
    (
        7,
        include_str!("../../../migrations/sqlite/0007_no_compression_on_the_way_in.sql"),
        include_str!("../../../migrations/postgres/0007_no_compression_on_the_way_in.sql"),
    ),
    (
        8,
        include_str!("../../../migrations/sqlite/0008_pauses.sql"),
        include_str!("../../../migrations/postgres/0008_pauses.sql"),
    ),
    (
        10,
        include_str!("../../../migrations/sqlite/0010_paper_at_the_desk.sql"),
        include_str!("../../../migrations/postgres/0010_paper_at_the_desk.sql"),
    ),
];

/// Any number that nobody else takes advisory locks on.
const LOCK: &str = "SELECT pg_advisory_xact_lock(7265312001)";

/// Applies what is missing.
pub(crate) async fn migrate(db: &Database) -> Result<(), StoreError> {
    let mut tx = db.begin().await?;
    if db.dialect() == Dialect::Postgres {
        tx.rows(LOCK, args![]).await?;
    }
    tx.run("CREATE TABLE IF NOT EXISTS schema_migrations (version BIGINT NOT NULL PRIMARY KEY)", args![])
        .await?;
    let newest = newest_of(tx.row(NEWEST, args![]).await?.as_ref())?;
    for (version, sqlite, postgres) in MIGRATIONS {
        if *version <= newest {
            continue;
        }
        tx.script(match db.dialect() {
            Dialect::Sqlite => sqlite,
            Dialect::Postgres => postgres,
        })
        .await?;
        tx.run("INSERT INTO schema_migrations (version) VALUES ($1)", args![*version]).await?;
    }
    refuse_newer(newest)?;
    tx.commit().await
}

/// Checks that the schema is the one this program knows, without changing anything.
pub(crate) async fn check(db: &Database) -> Result<(), StoreError> {
    let newest = newest_of(db.row(NEWEST, args![]).await?.as_ref())?;
    if newest < latest() {
        return Err(StoreError::Config {
            what: format!("the database has schema {newest}, this program needs {}", latest()),
            remedy: "start the gateway once, which brings it up to date".to_owned(),
        });
    }
    refuse_newer(newest)
}

const NEWEST: &str = "SELECT COALESCE(MAX(version), 0) FROM schema_migrations";

fn newest_of(row: Option<&crate::row::Row>) -> Result<i64, StoreError> {
    row.map_or(Ok(0), crate::row::Row::first_int)
}

fn latest() -> i64 {
    MIGRATIONS.last().map_or(0, |m| m.0)
}

fn refuse_newer(newest: i64) -> Result<(), StoreError> {
    if newest > latest() {
        return Err(StoreError::Config {
            what: format!("the database has schema {newest}, this program knows {} at most", latest()),
            remedy: "use the newer program that wrote it".to_owned(),
        });
    }
    Ok(())
}
