//! One CSV file: header, rows, and cells that are asked for by name. Mistakes are collected with file
//! and line, never thrown at the first.

use super::FileError;
use std::collections::BTreeMap;

/// A parsed file.
pub(crate) struct Table {
    pub(crate) rows: Vec<Row>,
}

/// One line.
pub(crate) struct Row {
    pub(crate) file: String,
    pub(crate) line: u64,
    cells: BTreeMap<String, String>,
}

impl Table {
    /// Parses `text`; the header must hold `required` and may hold `optional`.
    pub(crate) fn parse(
        file: &str,
        text: &str,
        required: &[&str],
        optional: &[&str],
        errors: &mut Vec<FileError>,
    ) -> Self {
        let mut reader = csv::ReaderBuilder::new()
            .comment(Some(b'#'))
            .trim(csv::Trim::All)
            .flexible(false)
            .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
        let mut wrong = |line: u64, reason: String, remedy: String| {
            errors.push(FileError { file: file.to_owned(), line, reason, remedy });
        };
        let header = match reader.headers() {
            Ok(header) => header.clone(),
            Err(error) => {
                wrong(1, format!("not a CSV file ({error})"), "save it as CSV in UTF-8".to_owned());
                return Self { rows: Vec::new() };
            }
        };
        for column in required {
            if !header.iter().any(|h| h == *column) {
                wrong(
                    1,
                    format!("column {column} is missing"),
                    format!("add it; the header is {}", required.join(",")),
                );
            }
        }
        for column in &header {
            if !required.contains(&column) && !optional.contains(&column) {
                let known: Vec<&str> = required.iter().chain(optional).copied().collect();
                wrong(1, format!("unknown column {column:?}"), format!("known are {}", known.join(", ")));
            }
        }
        let mut rows = Vec::new();
        for record in reader.records() {
            match record {
                Ok(record) => {
                    let line = record.position().map_or(0, csv::Position::line);
                    let cells =
                        header.iter().zip(&record).map(|(h, c)| (h.to_owned(), c.to_owned())).collect();
                    rows.push(Row { file: file.to_owned(), line, cells });
                }
                Err(error) => {
                    let line = error.position().map_or(0, csv::Position::line);
                    wrong(line, error.to_string(), "give every line as many cells as the header".to_owned());
                }
            }
        }
        Self { rows }
    }
}

impl Row {
    /// A cell's text; empty if the column is not there.
    pub(crate) fn text(&self, column: &str) -> &str {
        self.cells.get(column).map_or("", String::as_str)
    }

    /// A cell's text, or none if empty.
    pub(crate) fn optional(&self, column: &str) -> Option<String> {
        let text = self.text(column);
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// A mistake in this row.
    pub(crate) fn error(&self, reason: impl Into<String>, remedy: impl Into<String>) -> FileError {
        FileError { file: self.file.clone(), line: self.line, reason: reason.into(), remedy: remedy.into() }
    }
}
