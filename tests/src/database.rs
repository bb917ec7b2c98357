//! Databases for tests: an embedded one in the gateway's own folder, or one of its own on the private
//! PostgreSQL that `./tests/run` starts.

use std::process::{Command, Stdio};

/// Which database a test runs on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// Embedded.
    Sqlite,
    /// A fresh PostgreSQL database with this URL.
    Postgres(String),
}

impl Database {
    /// SQLite, and PostgreSQL where one is running; says so where none is.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut all = vec![Self::Sqlite];
        match Self::fresh_postgres() {
            Some(postgres) => all.push(postgres),
            None => println!("PostgreSQL was not tried: KAKEHASHI_TEST_POSTGRES is not set"),
        }
        all
    }

    /// A fresh database on the private PostgreSQL.
    ///
    /// # Panics
    /// The server is there but makes no database.
    #[must_use]
    pub fn fresh_postgres() -> Option<Self> {
        let server = std::env::var("KAKEHASHI_TEST_POSTGRES").ok()?;
        let name = format!("e2e_{:016x}", rand::random::<u64>());
        let made = Command::new("psql")
            .args([&server, "-q", "-c", &format!("CREATE DATABASE {name}")])
            .stdout(Stdio::null())
            .status();
        assert!(made.is_ok_and(|s| s.success()), "CREATE DATABASE {name} failed");
        let (base, _) = server.rsplit_once('/')?;
        Some(Self::Postgres(format!("{base}/{name}")))
    }
}
