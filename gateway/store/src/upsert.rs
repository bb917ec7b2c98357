//! Insert or change one row by its key, and tell whether that changed anything. Unlike REPLACE it never
//! deletes, so references to the row stay.

use crate::StoreError;
use crate::database::Tx;
use crate::value::Value;

/// A table with its key columns and its other columns, each separated by a comma and a blank.
pub(crate) struct Upsert {
    table: &'static str,
    keys: &'static str,
    columns: &'static str,
}

impl Upsert {
    /// Values come in the order of `keys`, then `columns`.
    pub(crate) const fn new(table: &'static str, keys: &'static str, columns: &'static str) -> Self {
        Self { table, keys, columns }
    }

    /// 1 if the row is new or changed, 0 if it was so already.
    pub(crate) async fn run(&self, tx: &mut Tx, values: Vec<Value>) -> Result<u64, StoreError> {
        tx.run(self.sql(), values).await
    }

    fn sql(&self) -> String {
        let Self { table, keys, columns } = self;
        let of = |form: &dyn Fn(&str) -> String, by: &str| {
            columns.split(", ").map(form).collect::<Vec<_>>().join(by)
        };
        let places = (1..=keys.split(", ").count() + columns.split(", ").count())
            .map(|n| format!("${n}"))
            .collect::<Vec<_>>()
            .join(", ");
        let set = of(&|c| format!("{c} = excluded.{c}"), ", ");
        let differs = of(&|c| format!("{table}.{c} IS DISTINCT FROM excluded.{c}"), " OR ");
        format!(
            "INSERT INTO {table} ({keys}, {columns}) VALUES ({places}) \
             ON CONFLICT ({keys}) DO UPDATE SET {set} WHERE {differs}"
        )
    }
}
