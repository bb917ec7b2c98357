//! The bytes of an intake as they came, shared and immutable. Their SHA-256 is taken at most once: the
//! source needs it for its key and the store for the row, both before the sender is answered.

use crate::envelope::ContentHash;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

/// Cheaply cloned immutable bytes that know their hash.
#[derive(Clone, Default)]
pub struct RawBytes {
    bytes: Arc<[u8]>,
    hash: OnceLock<ContentHash>,
}

impl RawBytes {
    /// Their hash; computed when it is first asked for.
    pub fn content_hash(&self) -> &ContentHash {
        self.hash.get_or_init(|| ContentHash::of(&self.bytes))
    }

    /// The bytes alone, without a copy.
    #[must_use]
    pub fn share(&self) -> Arc<[u8]> {
        Arc::clone(&self.bytes)
    }
}

impl Deref for RawBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl<T: Into<Arc<[u8]>>> From<T> for RawBytes {
    fn from(bytes: T) -> Self {
        Self { bytes: bytes.into(), hash: OnceLock::new() }
    }
}

/// The same bytes, whether the hash was asked for or not.
impl PartialEq for RawBytes {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for RawBytes {}

/// Says how many, never which: they may speak of a patient.
impl std::fmt::Debug for RawBytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RawBytes({} bytes)", self.bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clone_keeps_bytes_and_hash() {
        let raw = RawBytes::from(b"MSH".to_vec());
        assert_eq!(raw.content_hash(), &ContentHash::of(b"MSH"));
        let clone = raw.clone();
        assert_eq!((&*clone, clone.content_hash()), (&b"MSH"[..], raw.content_hash()));
        assert_eq!(format!("{raw:?}"), "RawBytes(3 bytes)");
    }
}
