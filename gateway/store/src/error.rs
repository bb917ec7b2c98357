//! What can go wrong with the store, by what the caller does next. Nothing here shows a value of a
//! row: the inside goes to the log, the class decides the answer to the sender.

/// A fault of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database or the disk does not answer now: the sender must keep its message (SMTP 451, no
    /// PUBACK, HTTP 503, MLLP close).
    #[error("the store is not available: {detail}")]
    Unavailable {
        /// What the driver said.
        detail: String,
    },
    /// Somebody else was faster; read again.
    #[error("changed by somebody else meanwhile: {what}")]
    Conflict {
        /// What.
        what: &'static str,
    },
    /// A row holds what no version of the program writes.
    #[error("row {row} of {table}.{column} cannot be read; restore it from a backup")]
    Corrupt {
        /// Table.
        table: &'static str,
        /// Column.
        column: &'static str,
        /// Key of the row.
        row: String,
    },
    /// A statement or value of ours is wrong.
    #[error("internal fault of the store: {detail}")]
    Bug {
        /// What the driver said.
        detail: String,
    },
    /// The configuration cannot be used.
    #[error("{what}; {remedy}")]
    Config {
        /// What is wrong.
        what: String,
        /// What to do.
        remedy: String,
    },
}

impl StoreError {
    /// Whether the same call may succeed later.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Unavailable { .. } | Self::Conflict { .. } => true,
            Self::Corrupt { .. } | Self::Bug { .. } | Self::Config { .. } => false,
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(fault: sqlx::Error) -> Self {
        use sqlx::Error as E;
        match fault {
            E::Database(fault) => of_database(fault.as_ref()),
            E::Io(_)
            | E::Tls(_)
            | E::Protocol(_)
            | E::PoolTimedOut
            | E::PoolClosed
            | E::WorkerCrashed
            | E::BeginFailed => Self::Unavailable { detail: fault.to_string() },
            E::Configuration(_) => Self::Config {
                what: "the database url cannot be used".to_owned(),
                remedy: "write it as sqlite:<path> or postgres://user:password@host:port/database".to_owned(),
            },
            other => Self::Bug { detail: other.to_string() },
        }
    }
}

/// The two databases number their faults differently; what follows from them is the same.
fn of_database(fault: &(dyn sqlx::error::DatabaseError + 'static)) -> StoreError {
    let detail = fault.message().to_owned();
    let code = fault.code().unwrap_or_default();
    if fault.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() {
        // The low byte is the primary result code (sqlite.org/rescode.html).
        return match code.parse::<u32>().map_or(0, |c| c & 0xff) {
            // BUSY, LOCKED, READONLY, IOERR, CORRUPT, FULL, CANTOPEN, NOTADB.
            5 | 6 | 8 | 10 | 11 | 13 | 14 | 26 => StoreError::Unavailable { detail },
            _ => StoreError::Bug { detail },
        };
    }
    match code.as_ref() {
        // Serialisation failure and deadlock: the same transaction succeeds when repeated.
        "40001" | "40P01" => StoreError::Conflict { what: SERIALISATION },
        // Connection, resources, operator intervention, system error, read only, lock not available.
        c if c.starts_with("08")
            || c.starts_with("53")
            || c.starts_with("57")
            || c.starts_with("58")
            || c == "25006"
            || c == "55P03" =>
        {
            StoreError::Unavailable { detail }
        }
        "28000" | "28P01" | "3D000" => StoreError::Config {
            what: format!("the database refuses us: {detail}"),
            remedy: "check user, password and database name of database.url".to_owned(),
        },
        _ => StoreError::Bug { detail },
    }
}

/// What a conflict says that only the order of two transactions caused.
pub(crate) const SERIALISATION: &str = "two transactions at the same time";
