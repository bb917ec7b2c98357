//! Directory files: one folder of CSV files and `network.toml`, as an office keeps them in a
//! spreadsheet. Reading is pure: all errors of all files at once, each with file and line, and nothing is
//! changed unless there is none.

mod table;
mod tables;

use kakehashi_core::clock::UtcMicros;
use kakehashi_store::DirectoryChange;
use std::collections::BTreeMap;
use std::path::Path;

/// The master lists of care-network.md 2.3, part of every network.
const FACILITY_TYPES: &str = include_str!("../demo/facility_types.csv");
const PROFESSIONS: &str = include_str!("../demo/professions.csv");

/// The files of a folder, by name.
pub(crate) type Files = BTreeMap<String, String>;

/// A mistake in a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}, line {line}: {reason}; {remedy}")]
pub(crate) struct FileError {
    pub(crate) file: String,
    pub(crate) line: u64,
    pub(crate) reason: String,
    pub(crate) remedy: String,
}

/// Reads the files of a folder that belong to a directory.
pub(crate) fn load(folder: &Path) -> std::io::Result<Files> {
    let mut files = Files::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".csv") || name.ends_with(".toml") {
            files.insert(name, std::fs::read_to_string(entry.path())?);
        }
    }
    Ok(files)
}

/// Turns files into changes, in an order in which every reference is already there.
pub(crate) fn read(files: &Files, now: UtcMicros) -> Result<Vec<DirectoryChange>, Vec<FileError>> {
    let mut reading = tables::Reading::new(now);
    reading.network(files);
    reading.lists(FACILITY_TYPES, PROFESSIONS);
    for (name, text) in files {
        if !tables::KNOWN.contains(&name.as_str()) {
            reading.unknown_file(name, text);
        }
    }
    for name in tables::KNOWN {
        if let Some(text) = files.get(*name) {
            reading.table(name, text);
        }
    }
    reading.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::network;

    #[test]
    fn the_demo_network_is_a_directory() {
        let changes = read(&network::files(), UtcMicros::from_micros(0)).unwrap();
        let count = |f: fn(&DirectoryChange) -> bool| changes.iter().filter(|c| f(c)).count();
        assert_eq!(count(|c| matches!(c, DirectoryChange::Facility(_))), 9);
        assert_eq!(count(|c| matches!(c, DirectoryChange::Group(_))), 4);
        assert_eq!(count(|c| matches!(c, DirectoryChange::FacilityType { .. })), 28);
        assert_eq!(count(|c| matches!(c, DirectoryChange::Profession { .. })), 44);
        assert_eq!(count(|c| matches!(c, DirectoryChange::Membership { .. })), 7 + 5 + 3 + 3);
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let mut files = network::files();
        let endpoints = files.get_mut("endpoints.csv").unwrap();
        *endpoints = endpoints.replace("0300000104", "12").replace("F05,fax", "F77,fax");
        files.insert("patints.csv".to_owned(), "x\n".to_owned());
        let errors = read(&files, UtcMicros::from_micros(0)).unwrap_err();
        let text = errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        assert!(text.contains("did you mean patients.csv"), "{text}");
        assert!(text.contains("F77"), "{text}");
        assert!(text.contains("endpoints.csv, line"), "{text}");
        assert!(errors.len() >= 3, "{text}");
    }
}
