//! The corpora: the project's own in `tests/corpus`, and the shared one beside the repository, which
//! holds other people's messages and is there on some machines only.

use std::path::{Path, PathBuf};

/// Every file of the project's own corpus and, where it is present, of the shared one. Says what is
/// missing.
#[must_use]
pub fn files() -> Vec<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    let mut found = Vec::new();
    collect(&own, &mut found);
    if shared.is_dir() {
        collect(&shared, &mut found);
    } else {
        println!("the shared corpus is not on this machine: only tests/corpus was tried");
    }
    found.retain(|p| extension(p) != "md");
    found.sort();
    found
}

/// The ending of a name in small letters.
#[must_use]
pub fn extension(path: &Path) -> String {
    path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default()
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, found);
        } else {
            found.push(path);
        }
    }
}
