//! Blobs outside the database, content-addressed by SHA-256: written to a staging file, synced, renamed,
//! folder synced, and only then named by a row. A crash in between leaves a file that the sweep removes.
//! A blob is never changed and its name never comes from outside: only a parsed hash is a path.

mod spool;

use crate::StoreError;
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::envelope::ContentHash;
use kakehashi_core::raw_bytes::RawBytes;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Staging files older than this belong to nobody any more.
const STAGING_SECONDS: i64 = 3600;

/// The blob store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct BlobStore {
    folder: Arc<Path>,
}

impl BlobStore {
    /// In this folder, made if absent.
    pub(crate) fn open(folder: PathBuf) -> Result<Self, StoreError> {
        fs::create_dir_all(folder.join("staging")).map_err(|e| StoreError::Config {
            what: format!("the blob folder {} cannot be made: {e}", folder.display()),
            remedy: "give the gateway's user the right to write there".to_owned(),
        })?;
        Ok(Self { folder: folder.into() })
    }

    /// In this folder, only to read.
    pub(crate) fn beside(folder: PathBuf) -> Self {
        Self { folder: folder.into() }
    }

    /// Writes and syncs; storing the same bytes twice writes once. Blocking: call from a blocking task.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the disk does not take it; nothing names the blob then.
    pub fn put(&self, bytes: &[u8]) -> Result<ContentHash, StoreError> {
        let hash = ContentHash::of(bytes);
        let path = self.path(&hash);
        if !is_there(&path, bytes.len()) {
            self.write(&path, bytes).map_err(|e| unavailable(&e))?;
        }
        Ok(hash)
    }

    /// As [`Self::put`] for the bytes of an intake. A message that was spooled here is only synced and named.
    pub(crate) fn keep(&self, bytes: &RawBytes) -> Result<(), StoreError> {
        let path = self.path(bytes.content_hash());
        if is_there(&path, bytes.len()) {
            return Ok(());
        }
        let kept = match (bytes.held(), bytes.file()) {
            (Some(held), _) => self.write(&path, held),
            (None, Some(file)) if file.path().starts_with(&self.folder) => self.name(file.path(), &path),
            // A file of somebody else's.
            (None, _) => bytes.whole().and_then(|whole| self.write(&path, &whole)),
        };
        kept.map_err(|e| unavailable(&e))
    }

    fn stage(&self) -> io::Result<(Staged, File)> {
        let staging = self.folder.join("staging");
        let staged = Staged(staging.join(format!("{:032x}", rand::random::<u128>())));
        let file = File::create_new(&staged.0)?;
        Ok((staged, file))
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let (staged, mut file) = self.stage()?;
        file.write_all(bytes)?;
        drop(file);
        self.name(&staged.0, path)
    }

    /// Syncs a staging file and gives it its final name.
    fn name(&self, staged: &Path, path: &Path) -> io::Result<()> {
        File::open(staged)?.sync_all()?;
        let folder = path.parent().unwrap_or(&self.folder);
        if !folder.is_dir() {
            fs::create_dir_all(folder)?;
            if let Some(above) = folder.parent() {
                sync_folder(above)?;
            }
            sync_folder(&self.folder)?;
        }
        fs::rename(staged, path)?;
        sync_folder(folder)
    }

    /// Reads a blob and checks nothing; `None` if there is none.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the disk does not answer.
    pub async fn get(&self, hash: &ContentHash) -> Result<Option<Vec<u8>>, StoreError> {
        match tokio::fs::read(self.path(hash)).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(unavailable(&e)),
        }
    }

    /// A blob that a row names, so that its absence is a fault.
    pub(crate) async fn must_get(
        &self,
        hash: &ContentHash,
        table: &'static str,
        row: &str,
    ) -> Result<Vec<u8>, StoreError> {
        let found = self.get(hash).await?;
        found.ok_or_else(|| StoreError::Corrupt { table, column: "content_hash", row: row.to_owned() })
    }

    /// A blob that a row names, to be read when its bytes are asked for.
    pub(crate) async fn must_file(
        &self,
        hash: &ContentHash,
        table: &'static str,
        row: &str,
    ) -> Result<RawBytes, StoreError> {
        let path = self.path(hash);
        match tokio::fs::metadata(&path).await {
            Ok(found) => {
                let len = usize::try_from(found.len()).unwrap_or(usize::MAX);
                Ok(spool::in_blob(path, len, hash.clone()))
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                Err(StoreError::Corrupt { table, column: "content_hash", row: row.to_owned() })
            }
            Err(e) => Err(unavailable(&e)),
        }
    }

    /// Removes what crashed writers left, so that a full disk does not stay full.
    pub(crate) fn sweep_staging(&self, now: UtcMicros) -> io::Result<u32> {
        let mut removed = 0;
        for entry in fs::read_dir(self.folder.join("staging"))? {
            let entry = entry?;
            let since = entry.metadata()?.modified()?.duration_since(std::time::UNIX_EPOCH);
            let micros = since.map_or(0, |d| i64::try_from(d.as_micros()).unwrap_or(i64::MAX));
            let old = now.seconds_since(UtcMicros::from_micros(micros)) > STAGING_SECONDS;
            if old && fs::remove_file(entry.path()).is_ok() {
                removed += 1;
            }
        }
        Ok(removed)
    }

    fn path(&self, hash: &ContentHash) -> PathBuf {
        let hex = hash.hex();
        self.folder.join(&hex[..2]).join(&hex[2..4]).join(hex)
    }
}

/// A staging file that is removed unless it was renamed.
struct Staged(PathBuf);

impl Drop for Staged {
    fn drop(&mut self) {
        // After the rename there is nothing under this name; before, the sweep would find it.
        let _ = fs::remove_file(&self.0);
    }
}

/// What lies under its final name was synced before it got that name.
fn is_there(path: &Path, len: usize) -> bool {
    fs::metadata(path).is_ok_and(|m| m.len() == len as u64)
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn unavailable(fault: &io::Error) -> StoreError {
    StoreError::Unavailable { detail: format!("blob folder: {fault}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bytes_come_back_and_nothing_stays_in_staging() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = BlobStore::open(folder.path().to_owned()).unwrap();
        let hash = blobs.put(b"page").unwrap();
        assert_eq!(blobs.put(b"page").unwrap(), hash);
        assert_eq!(blobs.get(&hash).await.unwrap().as_deref(), Some(&b"page"[..]));
        assert_eq!(blobs.get(&ContentHash::of(b"other")).await.unwrap(), None);
        assert_eq!(fs::read_dir(folder.path().join("staging")).unwrap().count(), 0);
    }

    #[test]
    fn only_old_staging_files_are_swept() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = BlobStore::open(folder.path().to_owned()).unwrap();
        fs::write(folder.path().join("staging/left"), b"half").unwrap();
        assert_eq!(blobs.sweep_staging(UtcMicros::from_micros(0)).unwrap(), 0);
        assert_eq!(blobs.sweep_staging(UtcMicros::from_micros(i64::MAX / 2)).unwrap(), 1);
    }
}
