//! Counters against guessing and against forms sent twice. Kept in memory and bounded: they protect one
//! process and are no record of anything.

use kakehashi_core::clock::UtcMicros;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

/// Counted keys at most; beyond, the oldest windows are dropped.
const MAX_KEYS: usize = 20_000;
/// Remembered forms.
const MAX_FORMS: usize = 5_000;

/// Failures by key within a window.
#[derive(Debug)]
pub(crate) struct Tries {
    limit: u32,
    window_seconds: i64,
    counts: Mutex<HashMap<String, (u32, UtcMicros)>>,
}

impl Tries {
    /// `limit` failures are allowed within `window_seconds`.
    pub(crate) fn new(limit: u32, window_seconds: i64) -> Self {
        Self { limit, window_seconds, counts: Mutex::default() }
    }

    /// Whether this key has failed too often.
    pub(crate) fn exhausted(&self, key: &str, now: UtcMicros) -> bool {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.get(key).is_some_and(|(count, since)| {
            *count >= self.limit && now.seconds_since(*since) < self.window_seconds
        })
    }

    /// Counts a failure.
    pub(crate) fn failed(&self, key: &str, now: UtcMicros) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= MAX_KEYS {
            let window = self.window_seconds;
            counts.retain(|_, (_, since)| now.seconds_since(*since) < window);
            if counts.len() >= MAX_KEYS {
                counts.clear();
            }
        }
        let entry = counts.entry(key.to_owned()).or_insert((0, now));
        if now.seconds_since(entry.1) >= self.window_seconds {
            *entry = (0, now);
        }
        entry.0 = entry.0.saturating_add(1);
    }

    /// Forgets a key after success.
    pub(crate) fn succeeded(&self, key: &str) {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

/// Keys of forms that were taken.
#[derive(Debug, Default)]
pub(crate) struct SentForms(Mutex<(HashSet<String>, VecDeque<String>)>);

impl SentForms {
    /// Takes a form's key; `false` if it was taken before.
    pub(crate) fn take(&self, key: &str) -> bool {
        let mut guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (taken, order) = &mut *guard;
        if !taken.insert(key.to_owned()) {
            return false;
        }
        order.push_back(key.to_owned());
        if order.len() > MAX_FORMS
            && let Some(oldest) = order.pop_front()
        {
            taken.remove(&oldest);
        }
        true
    }

    /// Gives a key back after a fault, so that the same form can be sent again.
    pub(crate) fn give_back(&self, key: &str) {
        let mut guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        guard.0.remove(key);
        guard.1.retain(|k| k != key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_exhausted_within_its_window_only() {
        let tries = Tries::new(2, 60);
        let at = |s| UtcMicros::from_micros(0).plus_seconds(s);
        tries.failed("a", at(0));
        assert!(!tries.exhausted("a", at(1)));
        tries.failed("a", at(1));
        assert!(tries.exhausted("a", at(2)) && !tries.exhausted("b", at(2)));
        assert!(!tries.exhausted("a", at(61)));
        tries.failed("a", at(62));
        assert!(!tries.exhausted("a", at(63)));
        tries.succeeded("a");
        assert!(!tries.exhausted("a", at(63)));
    }

    #[test]
    fn a_form_is_taken_once_until_it_is_given_back() {
        let sent = SentForms::default();
        assert!(sent.take("x") && !sent.take("x"));
        sent.give_back("x");
        assert!(sent.take("x"));
    }
}
