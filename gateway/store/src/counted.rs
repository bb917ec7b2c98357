//! Remembers which statements were compared with their number of values; used in debug builds only.

use crate::StoreError;
use std::collections::HashSet;
use std::sync::{LazyLock, Mutex};

static SEEN: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);

/// Whether this text was not counted before.
pub(crate) fn is_new(sql: &str) -> bool {
    let mut seen = SEEN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    !seen.contains(sql) && seen.insert(sql.to_owned())
}

/// Refuses a statement whose number of values is wrong.
pub(crate) fn check(sql: &str, wanted: usize, given: usize) -> Result<(), StoreError> {
    if wanted == given {
        return Ok(());
    }
    let start: String = sql.chars().take(120).collect();
    Err(StoreError::Bug { detail: format!("{wanted} parameters, {given} values: {start}") })
}
