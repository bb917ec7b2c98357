//! The bytes of an intake as they came, shared and immutable. Small ones are held in memory, large ones lie
//! in a file of the store, so that a mail of 50 MB is never in memory as a whole unless somebody asks for
//! that. Their SHA-256 is taken at most once: the source needs it for its key and the store for the row,
//! both before the sender is answered.

use crate::envelope::ContentHash;
use std::io::{self, Read};
use std::ops::Deref;
use std::path::Path;
use std::sync::{Arc, OnceLock};

/// Bytes that lie in a file of the store; implemented there.
pub trait FiledBytes: Send + Sync {
    /// How many.
    fn len(&self) -> usize;

    /// True if there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The file, for the store that made it.
    fn path(&self) -> &Path;

    /// From the first byte on. Blocking.
    ///
    /// # Errors
    /// If the disk does not give it.
    fn open(&self) -> io::Result<Box<dyn Read + Send>>;
}

/// Cheaply cloned immutable bytes that know their hash.
#[derive(Clone)]
pub struct RawBytes(Kept);

#[derive(Clone)]
enum Kept {
    Held(Arc<[u8]>, OnceLock<ContentHash>),
    Filed(Arc<dyn FiledBytes>, ContentHash),
}

impl RawBytes {
    /// Bytes in a file, of which this is the hash.
    #[must_use]
    pub fn filed(bytes: Arc<dyn FiledBytes>, hash: ContentHash) -> Self {
        Self(Kept::Filed(bytes, hash))
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.0 {
            Kept::Held(bytes, _) => bytes.len(),
            Kept::Filed(file, _) => file.len(),
        }
    }

    /// True if there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Their hash; computed when it is first asked for. Those in a file came with it.
    pub fn content_hash(&self) -> &ContentHash {
        match &self.0 {
            Kept::Held(bytes, hash) => hash.get_or_init(|| ContentHash::of(bytes)),
            Kept::Filed(_, hash) => hash,
        }
    }

    /// The bytes that are held in memory, without a copy; `None` if they lie in a file.
    #[must_use]
    pub fn held(&self) -> Option<&Arc<[u8]>> {
        match &self.0 {
            Kept::Held(bytes, _) => Some(bytes),
            Kept::Filed(..) => None,
        }
    }

    /// The file in which they lie; `None` if they are held in memory.
    #[must_use]
    pub fn file(&self) -> Option<&Arc<dyn FiledBytes>> {
        match &self.0 {
            Kept::Held(..) => None,
            Kept::Filed(file, _) => Some(file),
        }
    }

    /// All of them in memory, for as long as the result lives. Blocking where they lie in a file.
    ///
    /// # Errors
    /// If the disk does not give them.
    pub fn whole(&self) -> io::Result<Whole> {
        match &self.0 {
            Kept::Held(bytes, _) => Ok(Whole::Held(Arc::clone(bytes))),
            Kept::Filed(file, _) => {
                let mut bytes = Vec::with_capacity(file.len());
                file.open()?.take(file.len() as u64).read_to_end(&mut bytes)?;
                Ok(Whole::Read(bytes))
            }
        }
    }
}

/// All bytes of an intake in memory.
#[derive(Clone)]
pub enum Whole {
    /// Those that were held anyway.
    Held(Arc<[u8]>),
    /// Read from their file.
    Read(Vec<u8>),
}

impl Deref for Whole {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Held(bytes) => bytes,
            Self::Read(bytes) => bytes,
        }
    }
}

impl Default for RawBytes {
    fn default() -> Self {
        Self::from(Vec::new())
    }
}

impl<T: Into<Arc<[u8]>>> From<T> for RawBytes {
    fn from(bytes: T) -> Self {
        Self(Kept::Held(bytes.into(), OnceLock::new()))
    }
}

/// Says how many, never which: they may speak of a patient.
impl std::fmt::Debug for RawBytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RawBytes({} bytes)", self.len())
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
        assert_eq!((&*clone.whole().unwrap(), clone.content_hash()), (&b"MSH"[..], raw.content_hash()));
        assert_eq!(format!("{raw:?}"), "RawBytes(3 bytes)");
    }

    struct InMemory(&'static [u8]);

    impl FiledBytes for InMemory {
        fn len(&self) -> usize {
            self.0.len()
        }

        fn path(&self) -> &Path {
            Path::new("nowhere")
        }

        fn open(&self) -> io::Result<Box<dyn Read + Send>> {
            Ok(Box::new(self.0))
        }
    }

    #[test]
    fn bytes_in_a_file_are_read_when_they_are_asked_for() {
        let raw = RawBytes::filed(Arc::new(InMemory(b"mail")), ContentHash::of(b"mail"));
        assert_eq!((raw.len(), raw.held().is_none(), raw.is_empty()), (4, true, false));
        assert_eq!(&*raw.whole().unwrap(), b"mail");
        assert_eq!(raw.content_hash(), &ContentHash::of(b"mail"));
    }
}
