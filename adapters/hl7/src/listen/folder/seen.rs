//! What was handed in, as one mark of 16 bytes for each file and state, in a file that only grows. It saves
//! reading everything again after a start; if its last marks are lost in a crash, the intakes' own keys still
//! keep every message single.

use kakehashi_core::envelope::ContentHash;
use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::Path;

/// Bytes of a mark.
const MARK: usize = 16;

/// A file in one state.
pub(super) type Mark = [u8; MARK];

/// The mark of something: two different things share one as surely as SHA-256 is broken at 128 bits.
pub(super) fn mark(what: &str) -> Mark {
    let hash = ContentHash::of(what.as_bytes());
    let digits = hash.hex().as_bytes();
    let mut mark = [0; MARK];
    for (byte, pair) in mark.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = std::str::from_utf8(pair).ok().and_then(|p| u8::from_str_radix(p, 16).ok()).unwrap_or(0);
    }
    mark
}

/// All marks.
pub(super) struct Seen {
    marks: HashSet<Mark>,
    file: File,
}

impl Seen {
    /// Reads the marks; a torn last one is forgotten.
    pub(super) fn open(path: &Path) -> std::io::Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut file = OpenOptions::new().create(true).read(true).append(true).open(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let whole = bytes.len() - bytes.len() % MARK;
        if whole < bytes.len() {
            file.set_len(whole as u64)?;
        }
        let marks = bytes.chunks_exact(MARK).filter_map(|m| m.try_into().ok()).collect();
        Ok(Self { marks, file })
    }

    pub(super) fn knows(&self, mark: &Mark) -> bool {
        self.marks.contains(mark)
    }

    pub(super) fn keep(&mut self, mark: Mark) -> std::io::Result<()> {
        if self.marks.insert(mark) {
            self.file.write_all(&mark)?;
        }
        Ok(())
    }
}
