//! Opening, migrating and committing. From here one gets the handles by right; each is bound to one
//! network, and no query exists without a `NetworkId`.

use crate::columns::{NETWORK, read_network};
use crate::database::Database;
use crate::facility_view::CodeView;
use crate::value::args;
use crate::{
    Accounts, BlobStore, Directory, FacilityView, IntakeLog, LinkBook, OfficeView, StoreError, Wakes,
    WorkerView,
};
use crate::{apply, migrate};
use kakehashi_core::clock::Clock;
use kakehashi_core::commit::Commit;
use kakehashi_core::directory::Network;
use kakehashi_core::ids::{FacilityId, NetworkId};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tokio::task::JoinHandle;

/// Where the data lies.
#[derive(Clone)]
pub struct StoreConfig {
    /// `sqlite:<path>` or `postgres://…`.
    pub database_url: String,
    /// Folder of the blobs, made if absent.
    pub blob_folder: PathBuf,
    /// Connections of the pool (readers on SQLite).
    pub max_connections: u32,
}

impl std::fmt::Debug for StoreConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The url may hold a password.
        let kind = self.database_url.split(':').next().unwrap_or("");
        f.debug_struct("StoreConfig")
            .field("database", &kind)
            .field("blob_folder", &self.blob_folder)
            .field("max_connections", &self.max_connections)
            .finish()
    }
}

/// What every handle needs.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) db: Database,
    pub(crate) blobs: BlobStore,
    pub(crate) wakes: Wakes,
    pub(crate) clock: Arc<dyn Clock>,
}

/// The store. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    parts: Parts,
    intake_log: IntakeLog,
    writers: Arc<Mutex<Vec<JoinHandle<()>>>>,
    listeners: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

/// What a commit did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Committed {
    /// Effects that changed nothing because they had been applied before.
    pub repeated_count: u32,
}

impl Store {
    /// Opens the database, brings the schema up to date and starts the intake writer.
    ///
    /// # Errors
    /// [`StoreError::Config`] with its remedy if this url or folder can never work,
    /// [`StoreError::Unavailable`] if the database does not answer now.
    pub async fn open(config: &StoreConfig, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let db = database(config, false).await?;
        migrate::migrate(&db).await?;
        let blobs = BlobStore::open(config.blob_folder.clone())?;
        if let Err(fault) = blobs.sweep_staging(clock.now()) {
            tracing::warn!(%fault, "the staging folder of the blobs could not be swept");
        }
        let (wakes, listeners) = match &db {
            Database::Sqlite(_) => (Wakes::local(), Vec::new()),
            Database::Postgres(db) => Wakes::shared(db.pool.clone()),
        };
        let (intake_log, writers) = IntakeLog::start(db.clone(), blobs.clone(), wakes.clone());
        Ok(Self {
            parts: Parts { db, blobs, wakes, clock },
            intake_log,
            writers: Arc::new(Mutex::new(writers)),
            listeners: Arc::new(Mutex::new(listeners)),
        })
    }

    /// Opens an existing database for reading beside a running program; never migrates.
    ///
    /// # Errors
    /// [`StoreError::Config`] if there is none or its schema is another one.
    pub async fn open_beside(config: &StoreConfig, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let db = database(config, true).await?;
        migrate::check(&db).await?;
        let blobs = BlobStore::beside(config.blob_folder.clone());
        let intake_log = IntakeLog::beside(db.clone(), blobs.clone());
        Ok(Self {
            parts: Parts { db, blobs, wakes: Wakes::local(), clock },
            intake_log,
            writers: Arc::default(),
            listeners: Arc::default(),
        })
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.parts.db.rows("SELECT 1", args![]).await.map(|_| ())
    }

    /// Waits for what is being written and closes all connections.
    pub async fn close(&self) {
        self.intake_log.close();
        for writer in drained(&self.writers) {
            if let Err(fault) = writer.await {
                tracing::error!(%fault, "an intake writer did not end well");
            }
        }
        for listener in drained(&self.listeners) {
            listener.abort();
            // Ended by our own abort.
            let _ = listener.await;
        }
        self.parts.db.close().await;
    }

    /// Attachments and large raw messages.
    #[must_use]
    pub const fn blobs(&self) -> &BlobStore {
        &self.parts.blobs
    }

    /// Wake-ups; they carry ids only and may be lost, so everybody also looks by himself.
    #[must_use]
    pub const fn wakes(&self) -> &Wakes {
        &self.parts.wakes
    }

    /// All networks of this installation.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn networks(&self) -> Result<Vec<Network>, StoreError> {
        let sql = format!("SELECT {NETWORK} FROM networks n ORDER BY n.network_id");
        self.parts.db.rows(sql, args![]).await?.iter().map(|row| read_network(&mut row.reader())).collect()
    }

    /// ① durable, deduplicated intake.
    #[must_use]
    pub const fn intake_log(&self) -> &IntakeLog {
        &self.intake_log
    }

    /// For the pipeline.
    #[must_use]
    pub fn worker(&self, network: &NetworkId) -> WorkerView {
        WorkerView::new(self.parts.clone(), network.clone())
    }

    /// For the HL7 listeners: what their links must not forget.
    #[must_use]
    pub fn links(&self, network: &NetworkId) -> LinkBook {
        LinkBook::new(self.parts.clone(), network.clone())
    }

    /// For the network office.
    #[must_use]
    pub fn office(&self, network: &NetworkId) -> OfficeView {
        OfficeView::new(self.parts.clone(), network.clone())
    }

    /// For people of one facility.
    #[must_use]
    pub fn facility(&self, network: &NetworkId, facility: &FacilityId) -> FacilityView {
        FacilityView::new(self.parts.clone(), network.clone(), facility.clone())
    }

    /// Login users and sessions.
    #[must_use]
    pub fn accounts(&self, network: &NetworkId) -> Accounts {
        Accounts::new(self.parts.db.clone(), network.clone())
    }

    /// What a reply code opens without login.
    #[must_use]
    pub fn code(&self, network: &NetworkId) -> CodeView {
        CodeView::new(self.parts.clone(), network.clone())
    }

    /// Import of directory files.
    #[must_use]
    pub fn directory(&self, network: &NetworkId) -> Directory {
        Directory::new(self.parts.clone(), network.clone())
    }

    /// Applies effects and their audit entries in one transaction, or nothing. Afterwards wakes whom it
    /// concerns.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if something it builds on has changed; nothing was applied then.
    pub async fn commit(&self, network: &NetworkId, commit: Commit) -> Result<Committed, StoreError> {
        apply::commit(&self.parts, network, &commit).await
    }
}

fn drained(tasks: &Mutex<Vec<JoinHandle<()>>>) -> Vec<JoinHandle<()>> {
    tasks.lock().unwrap_or_else(std::sync::PoisonError::into_inner).drain(..).collect()
}

async fn database(config: &StoreConfig, beside: bool) -> Result<Database, StoreError> {
    let url = config.database_url.as_str();
    if let Some(path) = url.strip_prefix("sqlite:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        if beside && !std::path::Path::new(path).exists() {
            return Err(StoreError::Config {
                what: format!("there is no database at {path}"),
                remedy: "name the data directory with --data-dir".to_owned(),
            });
        }
        Database::open_sqlite(path, config.max_connections, beside).await
    } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        Database::open_postgres(url, config.max_connections).await
    } else {
        Err(StoreError::Config {
            what: "the database url begins with neither sqlite: nor postgres://".to_owned(),
            remedy: "write it as sqlite:<path> or postgres://user:password@host:port/database".to_owned(),
        })
    }
}
