//! One look through a folder: which files are new or have changed their state, in the order of the events.
//! Names and sizes only; files are read one by one by the caller. Follows no links, and bounds depth and count.

use super::seen::{Mark, Seen, mark};
use super::ssmix2::{Name, is_cancellation};
use super::{FolderConfig, FolderKind};
use kakehashi_core::clock::UtcMicros;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Deepest folder that is looked into; SS-MIX2 needs six.
const MAX_DEPTH: usize = 12;
/// New files of one look; the rest is found by the next.
const MAX_FOUND: usize = 10_000;

/// Why a file is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// It is a message, or valid in the storage.
    Valid,
    /// Made invalid, and never taken while it was valid: only a cancellation is of interest.
    Cancelled,
    /// Made invalid after it was taken.
    Withdrawn,
}

/// A file to take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) path: PathBuf,
    pub(super) why: Why,
    /// Of the file name, for SS-MIX2.
    pub(super) patient: Option<String>,
    /// To be remembered once it is taken.
    pub(super) mark: Mark,
    /// By what it is ordered.
    order: String,
}

pub(super) fn look(config: &FolderConfig, seen: &Seen, now: UtcMicros) -> std::io::Result<Vec<Found>> {
    let mut found = Vec::new();
    let mut folders = vec![(config.path.clone(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let Some(name) = name.to_str().filter(|n| !n.starts_with('.')) else { continue };
            let kind = entry.file_type()?;
            if kind.is_dir() {
                if depth < MAX_DEPTH {
                    folders.push((entry.path(), depth + 1));
                }
            } else if kind.is_file()
                && let Some(one) = consider(config, seen, &entry, name, now)
            {
                found.push(one);
            }
        }
        if found.len() >= MAX_FOUND {
            break;
        }
    }
    found.sort_by(|a, b| (&a.order, &a.path).cmp(&(&b.order, &b.path)));
    Ok(found)
}

fn consider(
    config: &FolderConfig,
    seen: &Seen,
    entry: &std::fs::DirEntry,
    name: &str,
    now: UtcMicros,
) -> Option<Found> {
    let parsed = match config.kind {
        FolderKind::Files if ends_as_unfinished(name) => return None,
        FolderKind::Files => None,
        // What else lies in a storage (indexes, extended documents) is not of this source.
        FolderKind::Ssmix2 => Some(Name::read(name)?),
    };
    if parsed.as_ref().is_some_and(|n| n.flag == 2) {
        return None;
    }
    // Gone since the folder was listed: the next look sees what it is now.
    let metadata = entry.metadata().ok()?;
    let size = metadata.len();
    let modified = metadata.modified().ok()?.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_micros());
    let modified = UtcMicros::from_micros(i64::try_from(modified).unwrap_or(i64::MAX));
    let day = modified.in_japan().strftime("%Y%m%d%H%M%S").to_string();
    let order = parsed.as_ref().map_or(day, |n| format!("{:0<17}", n.happened));
    if config.since.as_deref().is_some_and(|since| order.as_str() < since) {
        return None;
    }
    if size == 0 || size > config.max_file_bytes {
        return None;
    }
    let place = entry.path();
    let relative = place.strip_prefix(&config.path).unwrap_or(&place);
    let state = |class: &str| {
        // A change of state renames the file and keeps everything else.
        let stem =
            parsed.as_ref().map_or_else(|| relative.to_string_lossy().into_owned(), |n| n.stem.clone());
        mark(&format!("{class}\n{stem}\n{size}\n{}", modified.as_micros()))
    };
    let given = state("given");
    let (why, mark) = match parsed.as_ref().map_or(1, |n| n.flag) {
        0 if seen.knows(&given) => (Why::Withdrawn, state("withdrawn")),
        0 => (Why::Cancelled, state("invalid")),
        _ => (Why::Valid, given),
    };
    if seen.knows(&mark) {
        return None;
    }
    let settled = now.seconds_since(modified) >= config.stable_seconds || ends_with_cr(&place);
    settled.then(|| Found { path: place, why, patient: parsed.map(|n| n.patient), mark, order })
}

/// Whether the storage says by a message that the event of this file is cancelled: then that message is
/// taken and the file that was made invalid with it tells nothing new.
pub(super) fn is_cancelled_beside(path: &Path, max_file_bytes: u64) -> std::io::Result<bool> {
    let name = |path: &Path| path.file_name().and_then(|n| n.to_str()).and_then(Name::read);
    let (Some(own), Some(folder)) = (name(path), path.parent()) else { return Ok(false) };
    for entry in std::fs::read_dir(folder)?.take(1000) {
        let entry = entry?;
        let beside =
            name(&entry.path()).is_some_and(|n| n.flag == 0 && n.key == own.key && n.stem != own.stem);
        if beside
            && entry.metadata()?.len() <= max_file_bytes
            && is_cancellation(&std::fs::read(entry.path())?)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Names that senders give to what they are still writing.
fn ends_as_unfinished(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [".tmp", ".part", ".filepart", ".lock", "~"].iter().any(|end| name.ends_with(end))
}

/// Whether the last segment is complete; a writer of whole messages ends with it.
fn ends_with_cr(path: &Path) -> bool {
    use std::io::{Read as _, Seek as _, SeekFrom};
    let last = || -> std::io::Result<u8> {
        let mut file = std::fs::File::open(path)?;
        file.seek(SeekFrom::End(-1))?;
        let mut byte = [0];
        file.read_exact(&mut byte)?;
        Ok(byte[0])
    };
    last().is_ok_and(|byte| byte == b'\r')
}
