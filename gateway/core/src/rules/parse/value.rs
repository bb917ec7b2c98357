//! Typed values of a rule file: each reader gives the value or says in the log what is wrong with it.

use super::log::{Item, Log};
use crate::rules::nearest::nearest;
use toml::de::DeTable;

/// Longest text in a rule, in characters.
const MAX_TEXT: usize = 500;
/// Most words in one list.
const MAX_WORDS: usize = 500;

/// A table whose keys are all known, or an error for each that is not.
pub(in crate::rules) fn table<'t, 'i>(
    log: &mut Log,
    what: &str,
    value: &'t Item<'i>,
    known: &[&str],
) -> Option<&'t DeTable<'i>> {
    let Some(table) = value.get_ref().as_table() else {
        log.wrong_type(value, what, ("{ … } の表", "a table { … }"));
        return None;
    };
    for key in table.keys() {
        if !known.contains(&key.get_ref().as_ref()) {
            log.unknown(key, known.iter().copied());
        }
    }
    Some(table)
}

/// A short text that is not empty.
pub(in crate::rules) fn text(log: &mut Log, what: &str, value: &Item<'_>) -> Option<String> {
    let Some(text) = value.get_ref().as_str() else {
        log.wrong_type(value, what, ("\"…\" の文字", "text in quotes"));
        return None;
    };
    let text = text.trim();
    if text.is_empty() {
        log.say(
            value,
            (&format!("{what} が空です"), &format!("{what} is empty")),
            ("文字を書いてください", "write something"),
        );
        return None;
    }
    if text.chars().count() > MAX_TEXT {
        log.say(
            value,
            (
                &format!("{what} が{MAX_TEXT}字を超えています"),
                &format!("{what} is over {MAX_TEXT} characters"),
            ),
            ("短くしてください", "make it shorter"),
        );
        return None;
    }
    Some(text.to_owned())
}

pub(in crate::rules) fn flag(log: &mut Log, what: &str, value: &Item<'_>) -> Option<bool> {
    let flag = value.get_ref().as_bool();
    if flag.is_none() {
        log.wrong_type(value, what, ("true か false", "true or false"));
    }
    flag
}

pub(in crate::rules) fn number(log: &mut Log, what: &str, value: &Item<'_>) -> Option<i64> {
    let number = value.get_ref().as_integer().and_then(|n| i64::from_str_radix(n.as_str(), n.radix()).ok());
    if number.is_none() {
        log.wrong_type(value, what, ("整数", "a whole number"));
    }
    number
}

/// A list of short texts.
pub(in crate::rules) fn texts(log: &mut Log, what: &str, value: &Item<'_>) -> Option<Vec<String>> {
    items(log, what, value)?.into_iter().map(|item| text(log, what, item)).collect()
}

pub(in crate::rules) fn items<'t, 'i>(
    log: &mut Log,
    what: &str,
    value: &'t Item<'i>,
) -> Option<Vec<&'t Item<'i>>> {
    let Some(array) = value.get_ref().as_array() else {
        log.wrong_type(value, what, ("[ … ] の並び", "a list [ … ]"));
        return None;
    };
    if array.is_empty() || array.len() > MAX_WORDS {
        log.say(
            value,
            (
                &format!("{what} は1個から{MAX_WORDS}個までです"),
                &format!("{what} takes 1 to {MAX_WORDS} entries"),
            ),
            ("数を直してください", "correct the number"),
        );
        return None;
    }
    Some(array.iter().collect())
}

/// A code of a closed list of the vocabulary.
pub(in crate::rules) fn code<T>(
    log: &mut Log,
    what: &str,
    value: &Item<'_>,
    known: &[&str],
    from: impl Fn(&str) -> Option<T>,
) -> Option<T> {
    let written = text(log, what, value)?;
    let read = from(&written);
    if read.is_none() {
        not_a_code(log, what, value, &written, known);
    }
    read
}

pub(in crate::rules) fn not_a_code(
    log: &mut Log,
    what: &str,
    value: &Item<'_>,
    written: &str,
    known: &[&str],
) {
    let list = known.join(" ");
    let remedy = match nearest(written, known.iter().copied()) {
        Some(meant) => (
            format!("`{meant}` の誤りではありませんか (使えるのは {list})"),
            format!("did you mean `{meant}`? (known are {list})"),
        ),
        None => (format!("使えるのは {list}"), format!("known are {list}")),
    };
    log.say(
        value,
        (
            &format!("{what} に `{written}` という値はありません"),
            &format!("`{written}` is no value of {what}"),
        ),
        (&remedy.0, &remedy.1),
    );
}

pub(in crate::rules) fn required<'t, 'i>(
    log: &mut Log,
    at: &Item<'i>,
    table: &'t DeTable<'i>,
    key: &str,
) -> Option<&'t Item<'i>> {
    let found = table.get(key);
    if found.is_none() {
        let remedy = match key {
            "when" => (
                "when = { … } を足してください。すべてに当てるなら when = { always = true }",
                "add when = { … }; for every message write when = { always = true }",
            ),
            "then" => ("then = { … } を足してください", "add then = { … }"),
            "expect" => ("expect = { rule = \"…\" } を足してください", "add expect = { rule = \"…\" }"),
            _ => ("足してください", "add it"),
        };
        log.say(at, (&format!("{key} がありません"), &format!("{key} is missing")), remedy);
    }
    found
}
