//! The rules in force: the built-in policy or a file that is read again when it changes. A file with
//! errors never replaces rules that work; the errors are logged and shown by `rules check`. Every version
//! that comes into force is kept in the database, so that a decision can be understood years later.

use kakehashi_core::clock::Clock;
use kakehashi_core::rules::{DEFAULT_RULES, RuleSet};
use kakehashi_store::WorkerView;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Rules that can be replaced while the program runs.
#[derive(Clone)]
pub(crate) struct RulesInForce {
    current: Arc<RwLock<Loaded>>,
}

/// Rules with the text they were read from.
struct Loaded {
    rules: RuleSet,
    source: String,
}

/// Why a rule file cannot be used: one line per error.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {}", lines.join("; "))]
pub(crate) struct RulesFault {
    path: String,
    lines: Vec<String>,
}

impl RulesInForce {
    /// The built-in policy.
    pub(crate) fn built_in() -> Self {
        Self::of(Loaded { rules: RuleSet::default_policy(), source: DEFAULT_RULES.to_owned() })
    }

    /// From a file; errors stop the start.
    pub(crate) fn from_file(path: &Path) -> Result<Self, RulesFault> {
        read(path).map(Self::of)
    }

    fn of(loaded: Loaded) -> Self {
        Self { current: Arc::new(RwLock::new(loaded)) }
    }

    /// The rules now.
    pub(crate) fn now(&self) -> RuleSet {
        self.current.read().unwrap_or_else(PoisonError::into_inner).rules.clone()
    }

    /// Keeps the text of the rules in force; the same text again is the same version.
    pub(crate) async fn record(&self, store: &WorkerView, clock: &dyn Clock) {
        let source = self.current.read().unwrap_or_else(PoisonError::into_inner).source.clone();
        match store.record_rules(&source, clock.now()).await {
            Ok(version) => tracing::info!(version, "rules.load: rules in force"),
            Err(error) => tracing::warn!(%error, "rules.load: in force, but this version could not be kept"),
        }
    }

    /// Looks every two seconds whether the file has changed.
    pub(crate) async fn follow(
        self,
        path: PathBuf,
        store: WorkerView,
        clock: Arc<dyn Clock>,
        shutdown: CancellationToken,
    ) {
        let mut seen = modified(&path);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(Duration::from_secs(2)) => {}
            }
            let now = modified(&path);
            if now == seen {
                continue;
            }
            seen = now;
            match read(&path) {
                Ok(loaded) => {
                    *self.current.write().unwrap_or_else(PoisonError::into_inner) = loaded;
                    self.record(&store, clock.as_ref()).await;
                }
                Err(fault) => tracing::error!(%fault, "rules.load: file has errors, old rules stay in force"),
            }
        }
    }
}

fn modified(path: &Path) -> Option<std::time::SystemTime> {
    std::fs::metadata(path).and_then(|m| m.modified()).ok()
}

/// Reads and checks a rule file.
pub(crate) fn load(path: &Path) -> Result<RuleSet, RulesFault> {
    read(path).map(|loaded| loaded.rules)
}

fn read(path: &Path) -> Result<Loaded, RulesFault> {
    let fault = |lines| RulesFault { path: path.display().to_string(), lines };
    let source = std::fs::read_to_string(path).map_err(|e| fault(vec![e.to_string()]))?;
    match RuleSet::parse(&source) {
        Ok(rules) => Ok(Loaded { rules, source }),
        Err(errors) => Err(fault(errors.iter().map(ToString::to_string).collect())),
    }
}
