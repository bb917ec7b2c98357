//! A message that goes to the disk while it arrives: a staging file, hashed on the way, that becomes a blob
//! when it is handed in. Only a chunk of it is ever in memory. Until then it is nobody's: dropped, its
//! file is gone.

use super::{BlobStore, Staged};
use kakehashi_core::envelope::ContentHash;
use kakehashi_core::port::{BoxFuture, Spool};
use kakehashi_core::raw_bytes::{FiledBytes, RawBytes};
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes in a file: a blob, or a staging file that goes with its last user.
struct InFile {
    path: PathBuf,
    len: usize,
    /// None for a blob.
    _staged: Option<Staged>,
}

impl FiledBytes for InFile {
    fn len(&self) -> usize {
        self.len
    }

    fn path(&self) -> &Path {
        &self.path
    }

    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(File::open(&self.path)?))
    }
}

/// A blob of this size as bytes that are read when they are asked for.
pub(super) fn in_blob(path: PathBuf, len: usize, hash: ContentHash) -> RawBytes {
    RawBytes::filed(Arc::new(InFile { path, len, _staged: None }), hash)
}

/// A file that is being written.
struct Open {
    staged: Staged,
    file: File,
    hash: Sha256,
    len: usize,
}

/// The spool of one message.
struct Spooled {
    blobs: BlobStore,
    /// None before the first bytes and after a fault.
    open: Option<Open>,
    failed: bool,
}

impl BlobStore {
    /// A place for a message that arrives.
    #[must_use]
    pub fn spool(&self) -> Box<dyn Spool> {
        Box::new(Spooled { blobs: self.clone(), open: None, failed: false })
    }
}

impl Spooled {
    async fn append(&mut self, bytes: Vec<u8>) -> io::Result<()> {
        if std::mem::replace(&mut self.failed, true) {
            return Err(io::Error::other("an earlier part of the message could not be written"));
        }
        let (blobs, open) = (self.blobs.clone(), self.open.take());
        let written = tokio::task::spawn_blocking(move || {
            let mut open = match open {
                Some(open) => open,
                None => {
                    let (staged, file) = blobs.stage()?;
                    Open { staged, file, hash: Sha256::new(), len: 0 }
                }
            };
            open.file.write_all(&bytes)?;
            open.hash.update(&bytes);
            open.len += bytes.len();
            io::Result::Ok(open)
        });
        self.open = Some(written.await.map_err(io::Error::other)??);
        self.failed = false;
        Ok(())
    }
}

impl Spool for Spooled {
    fn write(&mut self, bytes: Vec<u8>) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(self.append(bytes))
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, io::Result<RawBytes>> {
        Box::pin(async move {
            match self.open {
                Some(open) => {
                    let hash = ContentHash::from_digest(&open.hash.finalize().into());
                    let path = open.staged.0.clone();
                    let file = InFile { path, len: open.len, _staged: Some(open.staged) };
                    Ok(RawBytes::filed(Arc::new(file), hash))
                }
                None if self.failed => Err(io::Error::other("the message could not be written")),
                None => Ok(RawBytes::default()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_arrives_in_pieces_becomes_one_blob() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = BlobStore::open(folder.path().to_owned()).unwrap();
        let staging = || std::fs::read_dir(folder.path().join("staging")).unwrap().count();

        let mut spool = blobs.spool();
        spool.write(b"one ".to_vec()).await.unwrap();
        spool.write(b"two".to_vec()).await.unwrap();
        let bytes = spool.finish().await.unwrap();
        assert_eq!((bytes.content_hash(), bytes.len()), (&ContentHash::of(b"one two"), 7));
        blobs.keep(&bytes).unwrap();
        blobs.keep(&bytes).unwrap();
        drop(bytes);
        assert_eq!(staging(), 0);
        let hash = ContentHash::of(b"one two");
        assert_eq!(blobs.get(&hash).await.unwrap().as_deref(), Some(&b"one two"[..]));
        let raw = blobs.must_file(&hash, "intakes", "1").await.unwrap();
        assert_eq!(&*raw.whole().unwrap(), b"one two");
    }

    #[tokio::test]
    async fn a_message_that_is_given_up_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = BlobStore::open(folder.path().to_owned()).unwrap();
        let mut spool = blobs.spool();
        spool.write(vec![0; 100_000]).await.unwrap();
        drop(spool);
        let finished = blobs.spool().finish().await.unwrap();
        assert!(finished.is_empty());
        assert_eq!(std::fs::read_dir(folder.path().join("staging")).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn a_disk_that_takes_nothing_fails_every_piece() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = BlobStore::open(folder.path().to_owned()).unwrap();
        std::fs::remove_dir(folder.path().join("staging")).unwrap();
        let mut spool = blobs.spool();
        assert!(spool.write(vec![1]).await.is_err());
        assert!(spool.write(vec![2]).await.is_err());
        assert!(spool.finish().await.is_err());
    }
}
