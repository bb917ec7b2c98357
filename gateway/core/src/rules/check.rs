//! Finds rules that are valid but cannot do what their writer must have meant: never reached, never
//! true, without effect, or with a code that is one slip away from a known one. Sound, not complete: what
//! is reported is so, but not every useless rule is found.

use super::explain::questions;
use super::field::{Codes, Field, Kind};
use super::language::{Condition, Operator, Rule, Test, Value};
use super::nearest::nearest;
use super::words::{DOCUMENT_KINDS, FACILITY_TYPES, PROFESSIONS, Word};
use crate::decision::Then;

/// Something to look at in a valid rule file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleFinding {
    /// Line in the file, from 1.
    pub line: usize,
    /// Name of the rule.
    pub rule: String,
    /// What was found, Japanese and English.
    pub reason: String,
    /// What to do, Japanese and English.
    pub remedy: String,
}

/// Steps of comparison for one file; what is not decided within them is not reported.
const STEPS: usize = 3_000_000;
/// Steps for one pair of rules.
const STEPS_PER_PAIR: usize = 20_000;

/// Everything to look at, in order of line.
pub(super) fn check(rules: &[Rule]) -> Vec<RuleFinding> {
    let mut findings = Vec::new();
    let mut left = STEPS;
    for (number, rule) in rules.iter().enumerate() {
        let mut add = |reason: (String, String), remedy: (&str, &str)| {
            findings.push(RuleFinding {
                line: rule.line,
                rule: rule.name.clone(),
                reason: format!("{} / {}", reason.0, reason.1),
                remedy: format!("{} / {}", remedy.0, remedy.1),
            });
        };
        if never(&rule.when) {
            add(
                (
                    format!("「{}」の条件はけっして成り立ちません", rule.name),
                    "the condition can never hold".to_owned(),
                ),
                ("互いに合わない条件を直してください", "correct the conditions that exclude each other"),
            );
        } else if let Some(earlier) = covered_by(&rules[..number], rule, &mut left) {
            add(
                (
                    format!(
                        "「{}」には届きません: {}行目の「{}」が先にすべて受け取ります",
                        rule.name, earlier.line, earlier.name
                    ),
                    format!("never reached: the rule in line {} takes everything first", earlier.line),
                ),
                (
                    "このルールを先に移すか、前のルールの条件を狭めるか continue = true を書いてください",
                    "move this rule up, narrow the earlier one, or give it continue = true",
                ),
            );
        } else if let Some(field) = covered_together(&rules[..number], rule, &mut left) {
            add(
                (
                    format!(
                        "「{}」には届きません: {}がどの値でも、前のルールのどれかが先に受け取ります",
                        rule.name, field.ja
                    ),
                    format!(
                        "never reached: for every value of {} an earlier rule takes it first",
                        field.name
                    ),
                ),
                (
                    "このルールを先に移すか、前のルールの条件を狭めてください",
                    "move this rule up or narrow the earlier rules",
                ),
            );
        }
        let stops_nothing = || rules[number + 1..].iter().all(|later| excludes(&rule.when, &later.when));
        if says_nothing(&rule.then) && (rule.continues || stops_nothing()) {
            add(
                (format!("「{}」は何も変えません", rule.name), "the rule changes nothing".to_owned()),
                ("post に中身を書くか、ルールを消してください", "say something in post or remove the rule"),
            );
        }
        for (code, meant) in slips(rule) {
            add(
                (
                    format!("コード `{code}` は一覧にありません"),
                    format!("`{code}` is not in the list of codes"),
                ),
                (&format!("`{meant}` の誤りではありませんか"), &format!("did you mean `{meant}`?")),
            );
        }
    }
    findings
}

fn covered_by<'r>(earlier: &'r [Rule], rule: &Rule, left: &mut usize) -> Option<&'r Rule> {
    earlier.iter().filter(|e| !e.continues).find(|e| {
        let mut steps = STEPS_PER_PAIR.min(*left);
        let before = steps;
        let covers = implies(&rule.when, &e.when, &mut steps);
        *left = left.saturating_sub(before - steps + 1);
        covers
    })
}

/// The field of which every value is taken by one of several earlier rules, though by none alone.
fn covered_together(earlier: &[Rule], rule: &Rule, left: &mut usize) -> Option<&'static Field> {
    let mut fields: Vec<&'static Field> = Vec::new();
    for test in earlier.iter().filter(|e| !e.continues).flat_map(|e| e.when.tests()) {
        if !test.field.many && !fields.iter().any(|f| f.name == test.field.name) {
            fields.push(test.field);
        }
    }
    fields.into_iter().find(|field| {
        let Some(cases) = cases(field) else { return false };
        cases.into_iter().all(|operator| {
            let case = Condition::Test(Test { field, operators: vec![operator], line: rule.line });
            let when = Condition::All(vec![case, rule.when.clone()]);
            never(&when)
                || earlier.iter().filter(|e| !e.continues).any(|e| {
                    let mut steps = STEPS_PER_PAIR.min(*left);
                    let before = steps;
                    let covers = implies(&when, &e.when, &mut steps);
                    *left = left.saturating_sub(before - steps + 1);
                    covers
                })
        })
    })
}

/// All that a field can be: each code of a closed list, or yes and no. `None` if that is no short list.
fn cases(field: &Field) -> Option<Vec<Operator>> {
    let one = |value| Operator::OneOf(vec![value]);
    match field.kind {
        Kind::Flag => Some(vec![one(Value::Flag(true)), one(Value::Flag(false))]),
        Kind::Code(Codes::Closed(list)) | Kind::Ordered(Codes::Closed(list)) => {
            let codes = list().into_iter().map(|w| one(Value::Code(w.code.to_owned())));
            Some(codes.chain([Operator::Exists(false)]).collect())
        }
        Kind::Code(Codes::Open(_)) | Kind::Ordered(Codes::Open(_)) | Kind::Text | Kind::Number => None,
    }
}

fn says_nothing(then: &Then) -> bool {
    match then {
        Then::Post { urgency, document_kind, .. } => {
            urgency.is_none() && document_kind.is_none() && questions(then).is_empty()
        }
        Then::Triage { .. } | Then::Return { .. } | Then::Quarantine { .. } | Then::Discard { .. } => false,
    }
}

/// Codes of extensible lists that look like a slip, with what was probably meant.
fn slips(rule: &Rule) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut look = |list: &[Word], code: &str| {
        if let Some(meant) = suspicious(list, code) {
            found.push((code.to_owned(), meant.to_owned()));
        }
    };
    for test in rule.when.tests() {
        let Some(codes) = test.field.kind.codes() else { continue };
        // Triggers differ by one sign from each other: no slip can be told from another event.
        if test.field.name == "event.trigger" {
            continue;
        }
        for operator in &test.operators {
            if let Operator::OneOf(values) = operator {
                for value in values {
                    if let Value::Code(code) = value {
                        look(&codes.words(), code);
                    }
                }
            }
        }
    }
    for ask in questions(&rule.then) {
        ask.addressees.facility_types.iter().for_each(|c| look(FACILITY_TYPES, c));
        ask.addressees.professions.iter().for_each(|c| look(PROFESSIONS, c));
    }
    if let Then::Post { document_kind: Some(kind), .. } = &rule.then {
        look(DOCUMENT_KINDS, kind);
    }
    found
}

/// The known code that an unknown one is very near to.
fn suspicious<'a>(list: &'a [Word], code: &str) -> Option<&'a str> {
    if list.iter().any(|w| w.code == code) {
        return None;
    }
    nearest(code, list.iter().map(|w| w.code))
}

/// Whether every message for which `a` holds is one for which `b` holds. `false` also if the steps
/// run out.
pub(super) fn implies(a: &Condition, b: &Condition, steps: &mut usize) -> bool {
    let Some(fewer) = steps.checked_sub(1) else { return false };
    *steps = fewer;
    match (a, b) {
        (_, Condition::Always) => true,
        (_, Condition::All(parts)) => parts.iter().all(|part| implies(a, part, steps)),
        (Condition::Any(parts), _) => parts.iter().all(|part| implies(part, b, steps)),
        (Condition::Not(x), Condition::Not(y)) => implies(y, x, steps),
        (Condition::Test(x), Condition::Test(y)) => test_implies(x, y),
        (Condition::All(parts), Condition::Any(wanted)) => {
            parts.iter().any(|part| implies(part, b, steps)) || wanted.iter().any(|w| implies(a, w, steps))
        }
        (Condition::All(parts), Condition::Not(y)) => {
            excludes(a, y) || parts.iter().any(|part| implies(part, b, steps))
        }
        (Condition::All(parts), _) => parts.iter().any(|part| implies(part, b, steps)),
        (_, Condition::Any(wanted)) => wanted.iter().any(|w| implies(a, w, steps)),
        (_, Condition::Not(y)) => excludes(a, y),
        (Condition::Always | Condition::Not(_), Condition::Test(_)) => false,
    }
}

/// Whether no message can be one for which both hold.
pub(super) fn excludes(a: &Condition, b: &Condition) -> bool {
    let mut steps = STEPS_PER_PAIR;
    excluded(a, b, &mut steps)
}

fn excluded(a: &Condition, b: &Condition, steps: &mut usize) -> bool {
    let Some(fewer) = steps.checked_sub(1) else { return false };
    *steps = fewer;
    match (a, b) {
        (Condition::Any(parts), other) | (other, Condition::Any(parts)) => {
            parts.iter().all(|part| excluded(part, other, steps))
        }
        (Condition::All(parts), other) | (other, Condition::All(parts)) => {
            parts.iter().any(|part| excluded(part, other, steps))
        }
        (Condition::Test(x), Condition::Test(y)) => tests_exclude(x, y),
        (Condition::Not(x), other) | (other, Condition::Not(x)) => {
            // Without recursion through `implies` for another `not`: two negations exclude rarely.
            !matches!(other, Condition::Not(_)) && implies(other, x, steps)
        }
        (Condition::Always, _) | (_, Condition::Always) => false,
    }
}

/// Whether a condition can never hold.
pub(super) fn never(condition: &Condition) -> bool {
    match condition {
        Condition::Always => false,
        Condition::Not(part) => matches!(part.as_ref(), Condition::Always),
        Condition::Any(parts) => parts.iter().all(never),
        Condition::All(parts) => {
            parts.iter().any(never)
                || parts.iter().enumerate().any(|(i, a)| parts[i + 1..].iter().any(|b| excludes(a, b)))
        }
        Condition::Test(test) => empty_range(test),
    }
}

fn empty_range(test: &Test) -> bool {
    let absent = test.operators.contains(&Operator::Exists(false));
    if absent && test.operators.len() > 1 {
        return true;
    }
    let kind = test.field.kind;
    let least =
        test.operators.iter().filter_map(|o| if let Operator::AtLeast(v) = o { v.rank(kind) } else { None });
    let most =
        test.operators.iter().filter_map(|o| if let Operator::AtMost(v) = o { v.rank(kind) } else { None });
    match (least.max(), most.min()) {
        (Some(least), Some(most)) => least > most,
        _ => false,
    }
}

fn test_implies(a: &Test, b: &Test) -> bool {
    let (x, y) = (a.field.name, b.field.name);
    if x != y {
        // What stands in title or body stands in both together.
        let widens = y == "text" && matches!(x, "title" | "body");
        let only_words = b.operators.iter().all(|o| matches!(o, Operator::Contains(_)));
        return widens && only_words && b.operators.iter().all(|wanted| any_implies(a, wanted));
    }
    b.operators.iter().all(|wanted| any_implies(a, wanted))
}

fn any_implies(a: &Test, wanted: &Operator) -> bool {
    a.operators.iter().any(|given| operator_implies(given, wanted, a.field.kind))
}

fn operator_implies(given: &Operator, wanted: &Operator, kind: Kind) -> bool {
    use Operator::{AtLeast, AtMost, Contains, EndsWith, Exists, OneOf, StartsWith};
    match (given, wanted) {
        (Exists(a), Exists(b)) => a == b,
        (Exists(_), _) => false,
        (_, Exists(there)) => *there,
        (OneOf(values), wanted) => values.iter().all(|value| wanted.accepts(&value.as_found(), kind)),
        (Contains(words), Contains(wanted)) => {
            words.iter().all(|word| wanted.iter().any(|w| word.folded.contains(&w.folded)))
        }
        (StartsWith(word) | EndsWith(word), Contains(wanted)) => {
            wanted.iter().any(|w| word.folded.contains(&w.folded))
        }
        (StartsWith(a), StartsWith(b)) => a.folded.starts_with(&b.folded),
        (EndsWith(a), EndsWith(b)) => a.folded.ends_with(&b.folded),
        (AtLeast(a), AtLeast(b)) => a.rank(kind).zip(b.rank(kind)).is_some_and(|(a, b)| a >= b),
        (AtMost(a), AtMost(b)) => a.rank(kind).zip(b.rank(kind)).is_some_and(|(a, b)| a <= b),
        (Contains(_) | StartsWith(_) | EndsWith(_) | AtLeast(_) | AtMost(_), _) => false,
    }
}

fn tests_exclude(a: &Test, b: &Test) -> bool {
    if a.field.name != b.field.name {
        return false;
    }
    let absent = |t: &Test| t.operators.contains(&Operator::Exists(false));
    let needs = |t: &Test| t.operators.iter().any(|o| *o != Operator::Exists(false));
    if (absent(a) && needs(b)) || (absent(b) && needs(a)) {
        return true;
    }
    if a.field.many {
        return false;
    }
    let kind = a.field.kind;
    let apart = |x: &Test, y: &Test| {
        x.operators.iter().any(|operator| match operator {
            Operator::OneOf(values) => values
                .iter()
                .all(|value| y.operators.iter().any(|other| !other.accepts(&value.as_found(), kind))),
            Operator::AtLeast(least) => y.operators.iter().any(|other| match other {
                Operator::AtMost(most) => {
                    least.rank(kind).zip(most.rank(kind)).is_some_and(|(least, most)| least > most)
                }
                _ => false,
            }),
            _ => false,
        })
    };
    apart(a, b) || apart(b, a)
}
