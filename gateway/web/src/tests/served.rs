//! Routes over a real store.
