//! Reads a rule file. Everything that is wrong is reported at once, each with line, reason and remedy
//! in Japanese and English; nothing is guessed or skipped. Total and bounded: any text gives rules or
//! errors, and size, depth and counts have limits.

use super::examples::{self, Example};
use super::field::{Codes, FIELDS, Field, Kind};
use super::language::{Condition, Operator, Rule, Test, Value, Wanted};
use super::nearest::nearest;
use super::words::{DOCUMENT_KINDS, FACILITY_TYPES, PROFESSIONS};
use crate::decision::{Addressees, Ask, Notice, Then};
use crate::ids::FacilityId;
use crate::vocabulary::{ReplyExpectation, Urgency};
use std::collections::HashMap;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

/// Largest rule file in bytes.
pub(super) const MAX_BYTES: usize = 4 * 1024 * 1024;
/// Most rules, and most examples, in a file.
pub(super) const MAX_RULES: usize = 10_000;
/// Most tests in one rule.
pub(super) const MAX_TESTS: usize = 200;
/// Deepest nesting of `all`, `any` and `not`.
pub(super) const MAX_DEPTH: usize = 12;
/// Longest text in a rule, in characters.
pub(super) const MAX_TEXT: usize = 500;
/// Most words in one list.
pub(super) const MAX_WORDS: usize = 500;
/// More errors than this are not collected.
const MAX_ERRORS: usize = 200;

/// Something wrong with a rule file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{line}行目 (line {line}): {reason} → {remedy}")]
pub struct RuleError {
    /// Line in the file, from 1.
    pub line: usize,
    /// What is wrong, Japanese and English.
    pub reason: String,
    /// What to do, Japanese and English.
    pub remedy: String,
}

pub(super) type Key<'i> = Spanned<DeString<'i>>;
pub(super) type Item<'i> = Spanned<DeValue<'i>>;

/// Errors as they are found, and where lines begin.
pub(super) struct Log {
    starts: Vec<usize>,
    errors: Vec<RuleError>,
}

impl Log {
    fn new(text: &str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at + 1);
        Self { starts: std::iter::once(0).chain(breaks).collect(), errors: Vec::new() }
    }

    fn line_at(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset).max(1)
    }

    pub(super) fn line<T>(&self, at: &Spanned<T>) -> usize {
        self.line_at(at.span().start)
    }

    fn push(&mut self, line: usize, reason: String, remedy: String) {
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(RuleError { line, reason, remedy });
        }
    }

    /// Says what is wrong: reason and remedy, each in Japanese and English.
    pub(super) fn say<T>(&mut self, at: &Spanned<T>, reason: (&str, &str), remedy: (&str, &str)) {
        let line = self.line(at);
        self.push(line, both(reason), both(remedy));
    }

    pub(super) fn unknown<'k>(&mut self, at: &Key<'_>, known: impl IntoIterator<Item = &'k str> + Clone) {
        let wrong: &str = at.get_ref();
        let wrong: String = wrong.chars().take(80).collect();
        let list = known.clone().into_iter().collect::<Vec<_>>().join(" ");
        let remedy = match nearest(&wrong, known) {
            Some(meant) => (format!("`{meant}` の誤りではありませんか"), format!("did you mean `{meant}`?")),
            None => (format!("使えるのは {list}"), format!("known are {list}")),
        };
        self.say(
            at,
            (&format!("`{wrong}` という項目はありません"), &format!("unknown key `{wrong}`")),
            (&remedy.0, &remedy.1),
        );
    }

    fn wrong_type(&mut self, at: &Item<'_>, what: &str, wanted: (&str, &str)) {
        let got = at.get_ref().type_str();
        self.say(
            at,
            (&format!("{what} の型が違います ({got})"), &format!("{what} is of the wrong type ({got})")),
            (&format!("{}で書いてください", wanted.0), &format!("write {}", wanted.1)),
        );
    }
}

fn both((ja, en): (&str, &str)) -> String {
    format!("{ja} / {en}")
}

/// Reads rules and examples.
pub(super) fn parse(text: &str) -> Result<(Vec<Rule>, Vec<Example>), Vec<RuleError>> {
    let mut log = Log::new(text);
    if text.len() > MAX_BYTES {
        log.push(
            1,
            both((&format!("{MAX_BYTES}バイトを超えています"), &format!("more than {MAX_BYTES} bytes"))),
            both(("ルールを減らしてください", "use fewer rules")),
        );
        return Err(log.errors);
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
    if log.errors.is_empty() { Ok((rules, found)) } else { Err(log.finish()) }
}

impl Log {
    fn finish(mut self) -> Vec<RuleError> {
        self.errors.sort_by_key(|e| e.line);
        self.errors
    }

    pub(super) fn at_line(&mut self, line: usize, reason: (&str, &str), remedy: (&str, &str)) {
        self.push(line, both(reason), both(remedy));
    }
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

/// A table whose keys are all known, or an error for each that is not.
pub(super) fn table<'t, 'i>(
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
pub(super) fn text(log: &mut Log, what: &str, value: &Item<'_>) -> Option<String> {
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

pub(super) fn flag(log: &mut Log, what: &str, value: &Item<'_>) -> Option<bool> {
    let flag = value.get_ref().as_bool();
    if flag.is_none() {
        log.wrong_type(value, what, ("true か false", "true or false"));
    }
    flag
}

pub(super) fn number(log: &mut Log, what: &str, value: &Item<'_>) -> Option<i64> {
    let number = value.get_ref().as_integer().and_then(|n| i64::from_str_radix(n.as_str(), n.radix()).ok());
    if number.is_none() {
        log.wrong_type(value, what, ("整数", "a whole number"));
    }
    number
}

/// A list of short texts.
pub(super) fn texts(log: &mut Log, what: &str, value: &Item<'_>) -> Option<Vec<String>> {
    items(log, what, value)?.into_iter().map(|item| text(log, what, item)).collect()
}

fn items<'t, 'i>(log: &mut Log, what: &str, value: &'t Item<'i>) -> Option<Vec<&'t Item<'i>>> {
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
pub(super) fn code<T>(
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

fn not_a_code(log: &mut Log, what: &str, value: &Item<'_>, written: &str, known: &[&str]) {
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

fn required<'t, 'i>(log: &mut Log, at: &Item<'i>, table: &'t DeTable<'i>, key: &str) -> Option<&'t Item<'i>> {
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

pub(super) fn required_in<'t, 'i>(
    log: &mut Log,
    at: &Item<'i>,
    table: &'t DeTable<'i>,
    key: &str,
) -> Option<&'t Item<'i>> {
    required(log, at, table, key)
}

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

fn condition(log: &mut Log, value: &Item<'_>, depth: usize, budget: &mut usize) -> Option<Condition> {
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

const THEN_KEYS: &[&str] = &["post", "triage", "return", "quarantine", "discard"];
/// Notices by code.
pub(super) const NOTICES: &[(&str, Notice)] =
    &[("uniform", Notice::Uniform), ("phone_please", Notice::PhonePlease), ("too_large", Notice::TooLarge)];

fn outcome(log: &mut Log, value: &Item<'_>) -> Option<Then> {
    let table = table(log, "then", value, THEN_KEYS)?;
    let mut known = table.iter().filter(|(k, _)| THEN_KEYS.contains(&k.get_ref().as_ref()));
    let (Some((key, inner)), None) = (known.next(), known.next()) else {
        log.say(
            value,
            ("then には一つだけ書きます", "then has exactly one outcome"),
            (&format!("{} のどれか", THEN_KEYS.join(" ")), &format!("one of {}", THEN_KEYS.join(" "))),
        );
        return None;
    };
    match key.get_ref().as_ref() {
        "post" => post(log, inner),
        "triage" => Some(Then::Triage { text: text(log, "triage", inner)? }),
        "quarantine" => Some(Then::Quarantine { text: text(log, "quarantine", inner)? }),
        "discard" => Some(Then::Discard { text: text(log, "discard", inner)? }),
        _ => {
            let known: Vec<&str> = NOTICES.iter().map(|(code, _)| *code).collect();
            let notice = code(log, "return", inner, &known, |written| {
                NOTICES.iter().find(|(code, _)| *code == written).map(|(_, notice)| *notice)
            })?;
            Some(Then::Return { notice })
        }
    }
}

const POST_KEYS: &[&str] = &["urgency", "expectation", "asks", "document_kind"];

fn post(log: &mut Log, value: &Item<'_>) -> Option<Then> {
    let table = table(log, "post", value, POST_KEYS)?;
    let urgency = match table.get("urgency") {
        Some(value) => {
            Some(code(log, "urgency", value, &codes_of(Urgency::ALL, Urgency::code), Urgency::from_code)?)
        }
        None => None,
    };
    let document_kind = match table.get("document_kind") {
        Some(value) => Some(text(log, "document_kind", value)?),
        None => None,
    };
    let mut asked = match table.get("asks") {
        Some(value) => asks(log, value)?,
        None => Vec::new(),
    };
    let stated = match table.get("expectation") {
        Some(value) => Some((value, expectation(log, value)?)),
        None => None,
    };
    if let Some((value, stated)) = stated
        && (stated != ReplyExpectation::None || !asked.is_empty())
    {
        log.say(
            value,
            (
                "post の expectation は \"none\" だけです",
                "expectation beside post is \"none\" only, without asks",
            ),
            (
                "誰に求めるかは asks = [{ expectation = …, facility_types = [ … ] }] に書いてください",
                "say of whom: asks = [{ expectation = …, facility_types = [ … ] }]",
            ),
        );
        return None;
    }
    strongest_first(&mut asked);
    let first = if asked.is_empty() { None } else { Some(asked.remove(0)) };
    let (expectation, addressees) = match first {
        Some(ask) => (Some(ask.expectation), ask.addressees),
        None => (stated.map(|(_, stated)| stated), Addressees::default()),
    };
    Some(Then::Post { urgency, expectation, addressees, asks: asked, document_kind })
}

/// A list of questions.
pub(super) fn asks(log: &mut Log, value: &Item<'_>) -> Option<Vec<Ask>> {
    let read: Vec<Option<Ask>> = items(log, "asks", value)?.into_iter().map(|item| ask(log, item)).collect();
    read.into_iter().collect()
}

/// The strongest question first; otherwise in the order written.
pub(super) fn strongest_first(asks: &mut [Ask]) {
    asks.sort_by_key(|ask| std::cmp::Reverse(ask.expectation));
}

fn codes_of<T: Copy>(all: &[T], code: impl Fn(T) -> &'static str) -> Vec<&'static str> {
    all.iter().map(|v| code(*v)).collect()
}

fn expectation(log: &mut Log, value: &Item<'_>) -> Option<ReplyExpectation> {
    let known = codes_of(ReplyExpectation::ALL, ReplyExpectation::code);
    code(log, "expectation", value, &known, ReplyExpectation::from_code)
}

const ASK_KEYS: &[&str] = &["expectation", "facility_types", "professions", "facilities"];

fn ask(log: &mut Log, value: &Item<'_>) -> Option<Ask> {
    let table = table(log, "asks", value, ASK_KEYS)?;
    let expectation = required(log, value, table, "expectation").and_then(|v| expectation(log, v))?;
    let mut list = |key: &str| match table.get(key) {
        Some(value) => texts(log, key, value),
        None => Some(Vec::new()),
    };
    let facility_types = list("facility_types")?;
    let professions = list("professions")?;
    let facilities: Vec<FacilityId> = list("facilities")?.into_iter().map(FacilityId::from).collect();
    if facility_types.is_empty() && professions.is_empty() && facilities.is_empty() {
        log.say(
            value,
            ("誰に求めるかがありません", "it does not say who is asked"),
            (
                "facility_types, professions, facilities のどれかを足してください",
                "add facility_types, professions or facilities",
            ),
        );
        return None;
    }
    Some(Ask { expectation, addressees: Addressees { facility_types, professions, facilities } })
}

/// A code of an extensible list that is not in it but very near to one that is.
pub(super) fn suspicious<'a>(list: &'a [super::words::Word], code: &str) -> Option<&'a str> {
    if list.iter().any(|w| w.code == code) {
        return None;
    }
    nearest(code, list.iter().map(|w| w.code))
}

/// The extensible lists by the key that uses them.
pub(super) const LISTS: &[(&str, &[super::words::Word])] =
    &[("facility_types", FACILITY_TYPES), ("professions", PROFESSIONS), ("document_kind", DOCUMENT_KINDS)];
