//! The few places where the two databases want different words. A statement is written once; these
//! marks in it are turned into what the database understands. Each mark has its reason; a statement
//! that needs more than a mark is written as a pair next to its use.

use std::borrow::Cow;

/// Which database speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

/// Mark, on SQLite, on PostgreSQL.
const MARKS: &[(&str, &str, &str)] = &[
    // SQLite has no arrays: a list travels as JSON text. PostgreSQL plans `= ANY` once for any length.
    ("{in ", "IN (SELECT value FROM json_each(", "= ANY("),
    ("}", "))", ")"),
];

/// Marks that stand alone.
const WORDS: &[(&str, &str, &str)] = &[
    // SQLite has one writer and BEGIN IMMEDIATE: whoever writes has the rows already.
    ("{skip locked}", "", "FOR UPDATE SKIP LOCKED"),
    ("{for update}", "", "FOR UPDATE"),
];

/// The statement in the words of this database.
pub(crate) fn speak(dialect: Dialect, sql: Cow<'static, str>) -> Cow<'static, str> {
    if !sql.contains('{') {
        return sql;
    }
    let mut text = sql.into_owned();
    for (mark, sqlite, postgres) in WORDS.iter().chain(MARKS) {
        let said = match dialect {
            Dialect::Sqlite => sqlite,
            Dialect::Postgres => postgres,
        };
        text = text.replace(mark, said);
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_become_words() {
        let sql = "SELECT a FROM t WHERE b {in $1} AND c = $2 {skip locked}";
        assert_eq!(
            speak(Dialect::Sqlite, sql.into()),
            "SELECT a FROM t WHERE b IN (SELECT value FROM json_each($1)) AND c = $2 "
        );
        assert_eq!(
            speak(Dialect::Postgres, sql.into()),
            "SELECT a FROM t WHERE b = ANY($1) AND c = $2 FOR UPDATE SKIP LOCKED"
        );
    }
}
