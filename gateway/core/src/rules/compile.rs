//! Rules compiled to an index, so that deciding costs what the matching rules cost and not what the
//! file costs: each rule is filed under values that must be there for it to hold, and only rules whose
//! value is there are evaluated. The index only leaves out; the condition itself decides.

use super::explain;
use super::field::{FIELDS, Field, Found, Kind, Subject};
use super::language::{Condition, Operator, Rule, Test, Value};
use super::parse::strongest_first;
use crate::decision::{Addressees, Ask, RuleVerdict, Then};
use std::collections::{BTreeSet, HashMap};

/// Which rules can hold for which values.
#[derive(Debug)]
pub(super) struct Index {
    /// Rules under no value: always evaluated.
    rest: Vec<u32>,
    /// Fields with exact values, each with its rules by value.
    exact: Vec<(&'static Field, HashMap<String, Vec<u32>>)>,
    /// Fields with words, each with its words.
    words: Vec<(&'static Field, Words)>,
}

/// Words sought in one text, all in one pass over it.
#[derive(Debug, Default)]
struct Words {
    /// Words by their first two signs (one-sign words: sign and NUL).
    by_head: HashMap<[char; 2], Vec<(String, Vec<u32>)>>,
    /// One bit for each last byte of a first sign: most places of a text are passed by this alone.
    first_signs: [u64; 4],
}

/// What must be there for a condition to hold: one of `values` in `field`.
#[derive(Debug, Clone)]
struct Need {
    field: &'static Field,
    words: bool,
    values: BTreeSet<String>,
}

/// More values than this and a rule is evaluated always: filing it everywhere would not pay.
const MAX_VALUES: usize = 600;

impl Index {
    /// Files rules.
    pub(super) fn of(rules: &[Rule]) -> Self {
        let mut rest = Vec::new();
        let mut exact: HashMap<usize, HashMap<String, Vec<u32>>> = HashMap::new();
        let mut words: HashMap<usize, HashMap<String, Vec<u32>>> = HashMap::new();
        for (number, rule) in rules.iter().enumerate() {
            let Ok(number) = u32::try_from(number) else { continue };
            let Some(need) = best(needs(&rule.when)) else {
                rest.push(number);
                continue;
            };
            let target = if need.words { &mut words } else { &mut exact };
            let field = target.entry(need.field.place()).or_default();
            for value in need.values {
                field.entry(value).or_default().push(number);
            }
        }
        let exact = exact.into_iter().map(|(place, values)| (&FIELDS[place], values)).collect();
        let words = words
            .into_iter()
            .map(|(place, values)| {
                let mut sought = Words::default();
                for (word, rules) in values {
                    let (at, bit) = first_sign(head(&word)[0]);
                    sought.first_signs[at] |= bit;
                    sought.by_head.entry(head(&word)).or_default().push((word, rules));
                }
                (&FIELDS[place], sought)
            })
            .collect();
        Self { rest, exact, words }
    }

    /// The rules that could hold, in order.
    pub(super) fn candidates(&self, subject: &Subject<'_>) -> Vec<u32> {
        let mut found = self.rest.clone();
        for (field, values) in &self.exact {
            for value in field.read(subject) {
                if let Found::Code(code) | Found::Text(code) = value
                    && let Some(rules) = values.get(code.as_ref())
                {
                    found.extend(rules);
                }
            }
        }
        for (field, words) in &self.words {
            for value in field.read(subject) {
                if let Found::Text(text) = value {
                    words.search(&text, &mut found);
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

fn head(word: &str) -> [char; 2] {
    let mut signs = word.chars();
    [signs.next().unwrap_or('\0'), signs.next().unwrap_or('\0')]
}

fn first_sign(sign: char) -> (usize, u64) {
    let low = sign as u32 & 255;
    ((low / 64) as usize, 1 << (low % 64))
}

impl Words {
    fn search(&self, text: &str, found: &mut Vec<u32>) {
        for (at, first) in text.char_indices() {
            let (place, bit) = first_sign(first);
            if self.first_signs[place] & bit == 0 {
                continue;
            }
            let here = &text[at..];
            let second = here[first.len_utf8()..].chars().next().unwrap_or('\0');
            for key in [[first, second], [first, '\0']] {
                for (word, rules) in self.by_head.get(&key).into_iter().flatten() {
                    if here.starts_with(word.as_str()) {
                        found.extend(rules);
                    }
                }
                if second == '\0' {
                    break;
                }
            }
        }
    }
}

/// The need that leaves out most.
fn best(needs: Vec<Need>) -> Option<Need> {
    needs
        .into_iter()
        .filter(|n| n.values.len() <= MAX_VALUES)
        .min_by_key(|n| (n.field.narrows.unwrap_or(u8::MAX), n.values.len()))
}

/// Everything that must be there for a condition to hold; empty if nothing must.
fn needs(condition: &Condition) -> Vec<Need> {
    match condition {
        Condition::Always | Condition::Not(_) => Vec::new(),
        Condition::Test(test) => need(test).into_iter().collect(),
        Condition::All(parts) => parts.iter().flat_map(needs).collect(),
        Condition::Any(parts) => {
            // A field narrows an `any` only if every branch needs it.
            let mut branches = parts.iter().map(needs);
            let mut common = branches.next().unwrap_or_default();
            for branch in branches {
                common = common
                    .into_iter()
                    .filter_map(|mut left| {
                        let right = branch
                            .iter()
                            .filter(|r| r.field.name == left.field.name && r.words == left.words)
                            .min_by_key(|r| r.values.len())?;
                        left.values.extend(right.values.iter().cloned());
                        Some(left)
                    })
                    .collect();
            }
            common
        }
    }
}

fn need(test: &Test) -> Option<Need> {
    test.field.narrows?;
    test.operators.iter().find_map(|operator| {
        let (words, values): (bool, BTreeSet<String>) = match operator {
            Operator::OneOf(wanted) => {
                let exact = wanted.iter().filter_map(|value| match value {
                    Value::Code(code) => Some(code.clone()),
                    Value::Text(text) => Some(text.folded.clone()),
                    Value::Number(_) | Value::Flag(_) => None,
                });
                (false, exact.collect())
            }
            Operator::Contains(wanted) => (true, wanted.iter().map(|w| w.folded.clone()).collect()),
            Operator::StartsWith(word) | Operator::EndsWith(word) => {
                (true, std::iter::once(word.folded.clone()).collect())
            }
            Operator::AtLeast(_) | Operator::AtMost(_) => (false, ranked(operator, test.field.kind)?),
            Operator::Exists(_) => return None,
        };
        Some(Need { field: test.field, words, values })
    })
}

/// The codes of an ordered list that pass.
fn ranked(operator: &Operator, kind: Kind) -> Option<BTreeSet<String>> {
    let Kind::Ordered(codes) = kind else { return None };
    let words = codes.words();
    let passing = words.iter().filter(|w| operator.accepts(&Found::Code(w.code.into()), kind));
    Some(passing.map(|w| w.code.to_owned()).collect())
}

/// The first rule that holds; rules that say `continue` add to what comes after them.
pub(super) fn decide(rules: &[Rule], index: &Index, subject: &Subject<'_>) -> Option<RuleVerdict> {
    let mut so_far: Option<RuleVerdict> = None;
    for number in index.candidates(subject) {
        let Some(rule) = rules.get(number as usize) else { continue };
        if !rule.when.holds(subject) {
            continue;
        }
        let verdict = RuleVerdict {
            rule: rule.name.clone(),
            then: rule.then.clone(),
            values: explain::holding(&rule.when, subject),
        };
        so_far = Some(match so_far {
            None => verdict,
            Some(earlier) => merge(earlier, verdict),
        });
        if !rule.continues {
            break;
        }
    }
    so_far
}

/// What an earlier rule stated stays; a later rule fills in what is missing and adds its questions. A
/// later rule that stops the message stops it.
fn merge(earlier: RuleVerdict, later: RuleVerdict) -> RuleVerdict {
    let (
        Then::Post { urgency, expectation, addressees, asks, document_kind },
        Then::Post {
            urgency: later_urgency,
            expectation: later_expectation,
            addressees: later_addressees,
            asks: later_asks,
            document_kind: later_kind,
        },
    ) = (earlier.then, &later.then)
    else {
        return later;
    };
    let mut all: Vec<Ask> = Vec::new();
    let first = expectation.map(|expectation| Ask { expectation, addressees });
    let second =
        later_expectation.map(|expectation| Ask { expectation, addressees: later_addressees.clone() });
    let asked = first.into_iter().chain(asks).chain(second).chain(later_asks.iter().cloned());
    for ask in asked {
        if !all.contains(&ask) {
            all.push(ask);
        }
    }
    // 返信不要 beside a question is no question.
    if all.iter().any(|ask| ask.addressees != Addressees::default()) {
        all.retain(|ask| ask.addressees != Addressees::default());
    }
    strongest_first(&mut all);
    let first = if all.is_empty() { None } else { Some(all.remove(0)) };
    let (expectation, addressees) = match first {
        Some(ask) => (Some(ask.expectation), ask.addressees),
        None => (None, Addressees::default()),
    };
    let mut values = earlier.values;
    values.extend(later.values);
    RuleVerdict {
        rule: format!("{} + {}", earlier.rule, later.rule),
        then: Then::Post {
            urgency: urgency.or(*later_urgency),
            expectation,
            addressees,
            asks: all,
            document_kind: document_kind.or_else(|| later_kind.clone()),
        },
        values,
    }
}
