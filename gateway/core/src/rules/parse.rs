//! Reads a rule file. Everything that is wrong is reported at once, each with line, reason and remedy
//! in Japanese and English; nothing is guessed or skipped. Total and bounded: any text gives rules or
//! errors, and size, depth and counts have limits.

mod condition;
mod log;
mod outcome;
mod value;

pub use log::RuleError;
pub(super) use log::{Item, Log};
pub(super) use outcome::{NOTICES, asks, codes_of, strongest_first};
pub(super) use value::{code, flag, number, required, table, text, texts};

use super::examples::{self, Example};
use super::language::Rule;
use crate::decision::Then;
use condition::{MAX_TESTS, condition};
use log::both;
use outcome::outcome;
use std::collections::HashMap;
use toml::de::DeTable;

/// Largest rule file in bytes.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// Most rules, and most examples, in a file.
const MAX_RULES: usize = 10_000;

/// Reads rules and examples.
pub(super) fn parse(text: &str) -> Result<(Vec<Rule>, Vec<Example>), Vec<RuleError>> {
    let mut log = Log::new(text);
    if text.len() > MAX_BYTES {
        log.push(
            1,
            both((&format!("{MAX_BYTES}バイトを超えています"), &format!("more than {MAX_BYTES} bytes"))),
            both(("ルールを減らしてください", "use fewer rules")),
        );
        return Err(log.finish());
    }
    let (document, faults) = DeTable::parse_recoverable(text);
    if !faults.is_empty() {
        for fault in faults {
            let line = fault.span().map_or(1, |span| log.line_at(span.start));
            let message = fault.message().replace('\n', " ");
            log.push(
                line,
                both(("TOMLとして読めません", &format!("not valid TOML: {message}"))),
                both((
                    "引用符、かっこ、= を確かめてください",
                    "look at quotes, brackets and equals signs in this line",
                )),
            );
        }
        return Err(log.finish());
    }
    let mut rules = Vec::new();
    let mut found = Vec::new();
    for (key, value) in document.get_ref().iter() {
        match key.get_ref().as_ref() {
            "rule" => {
                for table in tables(&mut log, "rule", value) {
                    rules.extend(rule(&mut log, table));
                }
            }
            "example" => {
                for table in tables(&mut log, "example", value) {
                    found.extend(examples::read(&mut log, table));
                }
            }
            _ => log.unknown(key, ["rule", "example"]),
        }
    }
    unique(&mut log, &rules);
    examples::refer(&mut log, &found, &rules);
    if log.is_empty() { Ok((rules, found)) } else { Err(log.finish()) }
}

fn unique(log: &mut Log, rules: &[Rule]) {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for rule in rules {
        if let Some(first) = seen.insert(&rule.name, rule.line) {
            log.push(
                rule.line,
                both((
                    &format!("「{}」は{first}行目のルールと同じ名前です", rule.name),
                    &format!("the name is used by the rule in line {first}"),
                )),
                both(("別の名前を付けてください", "give it another name")),
            );
        }
    }
}

fn tables<'t, 'i>(log: &mut Log, what: &str, value: &'t Item<'i>) -> Vec<&'t Item<'i>> {
    let Some(array) = value.get_ref().as_array() else {
        log.say(
            value,
            (&format!("{what} は表の並びで書きます"), &format!("{what} is a list of tables")),
            (&format!("[[{what}]] と書いてください"), &format!("write [[{what}]]")),
        );
        return Vec::new();
    };
    if array.len() > MAX_RULES {
        log.say(
            value,
            (&format!("{what} が{MAX_RULES}を超えています"), &format!("more than {MAX_RULES} {what}s")),
            ("減らしてください", "use fewer"),
        );
        return Vec::new();
    }
    array.iter().collect()
}

const RULE_KEYS: &[&str] = &["name", "note", "continue", "when", "then"];

fn rule(log: &mut Log, value: &Item<'_>) -> Option<Rule> {
    let table = table(log, "rule", value, RULE_KEYS)?;
    let line = log.line(value);
    let name = required(log, value, table, "name").and_then(|v| text(log, "name", v));
    if name.as_deref() == Some("none") {
        log.say(
            value,
            ("名前 none は使えません", "the name none is reserved"),
            ("別の名前を付けてください", "give it another name"),
        );
    }
    let note = match table.get("note") {
        Some(value) => text(log, "note", value),
        None => None,
    };
    let continues = match table.get("continue") {
        Some(value) => flag(log, "continue", value).unwrap_or(false),
        None => false,
    };
    let mut budget = MAX_TESTS;
    let when = required(log, value, table, "when").and_then(|v| condition(log, v, 0, &mut budget));
    let then = required(log, value, table, "then").and_then(|v| outcome(log, v));
    if continues && then.as_ref().is_some_and(|t| !matches!(t, Then::Post { .. })) {
        log.say(
            value,
            ("continue は post のルールにだけ書けます", "continue goes with post only"),
            ("continue を消してください", "remove continue"),
        );
    }
    Some(Rule { name: name?, note, continues, when: when?, then: then?, line })
}
