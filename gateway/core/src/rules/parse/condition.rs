//! Conditions: `when` of a rule, down to the single test of a field.

use super::log::{Item, Log};
use super::value::{flag, items, not_a_code, number, table, text};
use crate::rules::field::{Codes, FIELDS, Field, Kind};
use crate::rules::language::{Condition, Operator, Test, Value, Wanted};
use crate::rules::nearest::nearest;
use toml::de::DeTable;

/// Most tests in one rule.
pub(in crate::rules) const MAX_TESTS: usize = 200;
/// Deepest nesting of `all`, `any` and `not`.
const MAX_DEPTH: usize = 12;

const CONDITION_KEYS: &[&str] = &[
    "always",
    "all",
    "any",
    "not",
    "field",
    "is",
    "in",
    "contains",
    "contains_any",
    "starts_with",
    "ends_with",
    "at_least",
    "at_most",
    "exists",
];

pub(in crate::rules) fn condition(
    log: &mut Log,
    value: &Item<'_>,
    depth: usize,
    budget: &mut usize,
) -> Option<Condition> {
    let table = table(log, "when", value, CONDITION_KEYS)?;
    if depth > MAX_DEPTH || *budget == 0 {
        log.say(
            value,
            (
                &format!("条件が深すぎるか多すぎます (深さ{MAX_DEPTH}、{MAX_TESTS}個まで)"),
                &format!("conditions are too deep or too many (depth {MAX_DEPTH}, {MAX_TESTS} tests)"),
            ),
            ("ルールを分けてください", "make several rules of it"),
        );
        return None;
    }
    let heads: Vec<&str> =
        ["always", "all", "any", "not", "field"].into_iter().filter(|k| table.contains_key(*k)).collect();
    let [head] = heads.as_slice() else {
        log.say(
            value,
            (
                "条件には always, all, any, not, field のどれか一つを書きます",
                "a condition has exactly one of always, all, any, not, field",
            ),
            ("いくつも要るときは all か any で包んでください", "wrap several in all or any"),
        );
        return None;
    };
    if *head != "field" && table.len() > 1 {
        log.say(
            value,
            (
                &format!("{head} と同じ表にほかの項目は書けません"),
                &format!("nothing else goes into the table of {head}"),
            ),
            ("all = [ … ] の中に移してください", "move it into all = [ … ]"),
        );
        return None;
    }
    let inner = table.get(*head)?;
    match *head {
        "always" => match flag(log, "always", inner)? {
            true => Some(Condition::Always),
            false => {
                log.say(
                    inner,
                    ("always = false は何にも当てはまりません", "always = false never holds"),
                    ("ルールを消すか条件を書いてください", "remove the rule or write a condition"),
                );
                None
            }
        },
        "not" => Some(Condition::Not(Box::new(condition(log, inner, depth + 1, budget)?))),
        "field" => {
            *budget -= 1;
            test(log, value, table, inner).map(Condition::Test)
        }
        _ => {
            // Each part is read even if an earlier one is wrong, so that all errors are seen at once.
            let parts: Vec<Option<Condition>> = items(log, head, inner)?
                .into_iter()
                .map(|item| condition(log, item, depth + 1, budget))
                .collect();
            let parts: Vec<Condition> = parts.into_iter().collect::<Option<_>>()?;
            Some(if *head == "all" { Condition::All(parts) } else { Condition::Any(parts) })
        }
    }
}

fn test(log: &mut Log, value: &Item<'_>, table: &DeTable<'_>, name: &Item<'_>) -> Option<Test> {
    let written = text(log, "field", name)?;
    let Some(field) = Field::named(&written) else {
        let remedy = match nearest(&written, FIELDS.iter().map(|f| f.name)) {
            Some(meant) => (format!("`{meant}` の誤りではありませんか"), format!("did you mean `{meant}`?")),
            None => (
                "項目の一覧は docs/rules.md にあります".to_owned(),
                "docs/rules.md lists the fields".to_owned(),
            ),
        };
        log.say(
            name,
            (&format!("`{written}` という項目はありません"), &format!("unknown field `{written}`")),
            (&remedy.0, &remedy.1),
        );
        return None;
    };
    let mut operators = Vec::new();
    let mut failed = false;
    for (key, wanted) in table.iter() {
        let operator: &str = key.get_ref();
        if operator == "field" || !CONDITION_KEYS.contains(&operator) {
            continue;
        }
        let fitting = field.kind.operators();
        if !fitting.contains(&operator) {
            let (ja, en) = field.kind.names();
            log.say(
                key,
                (
                    &format!("{} ({ja}) に {operator} は使えません", field.name),
                    &format!("{operator} does not fit {} ({en})", field.name),
                ),
                (&format!("使えるのは {}", fitting.join(" ")), &format!("use one of {}", fitting.join(" "))),
            );
            failed = true;
            continue;
        }
        match read_operator(log, field, operator, wanted) {
            Some(read) => operators.push(read),
            None => failed = true,
        }
    }
    if operators.is_empty() && !failed {
        let fitting = field.kind.operators().join(" ");
        log.say(
            value,
            (
                &format!("{} に何を求めるかがありません", field.name),
                &format!("nothing is asked of {}", field.name),
            ),
            (&format!("{fitting} のどれかを足してください"), &format!("add one of {fitting}")),
        );
    }
    let line = log.line(value);
    (!failed && !operators.is_empty()).then_some(Test { field, operators, line })
}

fn read_operator(
    log: &mut Log,
    field: &'static Field,
    operator: &str,
    wanted: &Item<'_>,
) -> Option<Operator> {
    match operator {
        "is" => Some(Operator::OneOf(vec![one_value(log, field, wanted)?])),
        "in" => {
            let values: Vec<Option<Value>> =
                items(log, operator, wanted)?.into_iter().map(|item| one_value(log, field, item)).collect();
            Some(Operator::OneOf(values.into_iter().collect::<Option<_>>()?))
        }
        "contains" => Some(Operator::Contains(vec![words(log, operator, wanted)?])),
        "contains_any" => {
            let found: Vec<Option<Wanted>> =
                items(log, operator, wanted)?.into_iter().map(|item| words(log, operator, item)).collect();
            Some(Operator::Contains(found.into_iter().collect::<Option<_>>()?))
        }
        "starts_with" => Some(Operator::StartsWith(words(log, operator, wanted)?)),
        "ends_with" => Some(Operator::EndsWith(words(log, operator, wanted)?)),
        "at_least" => Some(Operator::AtLeast(one_value(log, field, wanted)?)),
        "at_most" => Some(Operator::AtMost(one_value(log, field, wanted)?)),
        _ => Some(Operator::Exists(flag(log, operator, wanted)?)),
    }
}

fn words(log: &mut Log, what: &str, value: &Item<'_>) -> Option<Wanted> {
    let wanted = Wanted::new(&text(log, what, value)?);
    if wanted.folded.is_empty() {
        log.say(
            value,
            ("比べられる文字がありません", "nothing in it can be compared"),
            ("文字を書いてください", "write something"),
        );
        return None;
    }
    Some(wanted)
}

fn one_value(log: &mut Log, field: &Field, value: &Item<'_>) -> Option<Value> {
    match field.kind {
        Kind::Text => words(log, field.name, value).map(Value::Text),
        Kind::Number => number(log, field.name, value).map(Value::Number),
        Kind::Flag => flag(log, field.name, value).map(Value::Flag),
        Kind::Code(codes) | Kind::Ordered(codes) => {
            let written = text(log, field.name, value)?;
            if let Codes::Closed(list) = codes {
                let known: Vec<&str> = list().iter().map(|w| w.code).collect();
                if !known.contains(&written.as_str()) {
                    not_a_code(log, field.name, value, &written, &known);
                    return None;
                }
            }
            Some(Value::Code(written))
        }
    }
}
