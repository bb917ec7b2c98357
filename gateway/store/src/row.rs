//! Reading rows, the same for both databases. A [`Reader`] takes columns in the order in which the
//! statement names them; what cannot be what a program of ours wrote is [`StoreError::Corrupt`] and
//! names table, column and key, never a value.

use crate::StoreError;
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::envelope::ContentHash;
use serde::de::DeserializeOwned;
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;

/// A row of either database.
pub(crate) enum Row {
    /// Of SQLite.
    Sqlite(SqliteRow),
    /// Of PostgreSQL.
    Postgres(PgRow),
}

macro_rules! get {
    ($row:expr, $at:expr) => {
        match $row {
            Row::Sqlite(row) => row.try_get($at),
            Row::Postgres(row) => row.try_get($at),
        }
        .map_err(StoreError::from)
    };
}

impl Row {
    /// Reads from the first column on.
    pub(crate) fn reader(&self) -> Reader<'_> {
        Reader { row: self, at: 0 }
    }

    /// The first column as a number.
    pub(crate) fn first_int(&self) -> Result<i64, StoreError> {
        self.reader().int()
    }

    /// The first column as text.
    pub(crate) fn first_text(&self) -> Result<String, StoreError> {
        self.reader().text()
    }
}

/// Takes columns one after the other.
pub(crate) struct Reader<'r> {
    row: &'r Row,
    at: usize,
}

impl Reader<'_> {
    fn step(&mut self) -> usize {
        self.at += 1;
        self.at - 1
    }

    pub(crate) fn text(&mut self) -> Result<String, StoreError> {
        let at = self.step();
        get!(self.row, at)
    }

    pub(crate) fn opt_text(&mut self) -> Result<Option<String>, StoreError> {
        let at = self.step();
        get!(self.row, at)
    }

    pub(crate) fn int(&mut self) -> Result<i64, StoreError> {
        let at = self.step();
        get!(self.row, at)
    }

    pub(crate) fn opt_int(&mut self) -> Result<Option<i64>, StoreError> {
        let at = self.step();
        get!(self.row, at)
    }

    pub(crate) fn bool(&mut self) -> Result<bool, StoreError> {
        let at = self.step();
        get!(self.row, at)
    }

    pub(crate) fn opt_bytes(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        let at = self.step();
        get!(self.row, at)
    }

    /// A count or size that is never negative.
    pub(crate) fn count(&mut self) -> Result<u32, StoreError> {
        Ok(u32::try_from(self.int()?.max(0)).unwrap_or(u32::MAX))
    }

    pub(crate) fn size(&mut self) -> Result<u64, StoreError> {
        Ok(u64::try_from(self.int()?).unwrap_or(0))
    }

    pub(crate) fn time(&mut self) -> Result<UtcMicros, StoreError> {
        self.int().map(UtcMicros::from_micros)
    }

    pub(crate) fn opt_time(&mut self) -> Result<Option<UtcMicros>, StoreError> {
        Ok(self.opt_int()?.map(UtcMicros::from_micros))
    }

    /// An id or other text newtype.
    pub(crate) fn id<T: From<String>>(&mut self) -> Result<T, StoreError> {
        self.text().map(T::from)
    }

    pub(crate) fn opt_id<T: From<String>>(&mut self) -> Result<Option<T>, StoreError> {
        Ok(self.opt_text()?.map(T::from))
    }

    /// A code of a closed list.
    pub(crate) fn code<T>(
        &mut self,
        (table, column): (&'static str, &'static str),
        from: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, StoreError> {
        let text = self.text()?;
        from(&text).ok_or_else(|| self.corrupt(table, column))
    }

    /// JSON as text.
    pub(crate) fn json<T: DeserializeOwned>(
        &mut self,
        (table, column): (&'static str, &'static str),
    ) -> Result<T, StoreError> {
        let text = self.text()?;
        serde_json::from_str(&text).map_err(|_| self.corrupt(table, column))
    }

    /// JSON as text, or nothing.
    pub(crate) fn opt_json<T: DeserializeOwned>(
        &mut self,
        at: (&'static str, &'static str),
    ) -> Result<Option<T>, StoreError> {
        let Some(text) = self.opt_text()? else { return Ok(None) };
        serde_json::from_str(&text).map(Some).map_err(|_| self.corrupt(at.0, at.1))
    }

    pub(crate) fn hash(&mut self, at: (&'static str, &'static str)) -> Result<ContentHash, StoreError> {
        self.code(at, ContentHash::parse)
    }

    /// A fault that names the row by its first text column, which is a key in all our statements.
    pub(crate) fn corrupt(&self, table: &'static str, column: &'static str) -> StoreError {
        let key: Result<String, StoreError> = get!(self.row, 0);
        StoreError::Corrupt { table, column, row: key.unwrap_or_default() }
    }
}

/// JSON text of a value of ours. Our types always serialise; should one not, nothing is written.
pub(crate) fn json_text<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|e| StoreError::Bug { detail: format!("cannot write JSON: {e}") })
}
