//! The rules in force: the built-in policy or a file that is read again when it changes. A file with
//! errors never replaces rules that work; the errors are logged and shown by `rules check`.

use kakehashi_core::rules::RuleSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Rules that can be replaced while the program runs.
#[derive(Clone)]
pub(crate) struct RulesInForce {
    current: Arc<RwLock<RuleSet>>,
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
        Self { current: Arc::new(RwLock::new(RuleSet::default_policy())) }
    }

    /// From a file; errors stop the start.
    pub(crate) fn from_file(path: &Path) -> Result<Self, RulesFault> {
        let rules = load(path)?;
        Ok(Self { current: Arc::new(RwLock::new(rules)) })
    }

    /// The rules now.
    pub(crate) fn now(&self) -> RuleSet {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks every two seconds whether the file has changed.
    pub(crate) async fn follow(self, path: PathBuf, shutdown: CancellationToken) {
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
            match load(&path) {
                Ok(rules) => {
                    *self.current.write().unwrap_or_else(PoisonError::into_inner) = rules;
                    tracing::info!("rules.reload: new rules in force");
                }
                Err(fault) => {
                    tracing::error!(%fault, "rules.reload: file has errors, old rules stay in force")
                }
            }
        }
    }
}

fn modified(path: &Path) -> Option<std::time::SystemTime> {
    std::fs::metadata(path).and_then(|m| m.modified()).ok()
}

/// Reads and checks a rule file.
pub(crate) fn load(path: &Path) -> Result<RuleSet, RulesFault> {
    let fault = |lines| RulesFault { path: path.display().to_string(), lines };
    let text = std::fs::read_to_string(path).map_err(|e| fault(vec![e.to_string()]))?;
    RuleSet::parse(&text).map_err(|errors| fault(errors.iter().map(ToString::to_string).collect()))
}
