//! Puts rules and their outcome into words: the sentence on the rules page, and which values made a
//! rule hold or not. It shows the words that were sought and short values such as type or number,
//! never the text of a message.

use super::field::{Field, Found, Kind, Subject};
use super::language::{Condition, Operator, Rule, Test, Value};
use super::words::{self, DOCUMENT_KINDS, FACILITY_TYPES, PROFESSIONS, Word};
use crate::decision::{Addressees, Ask, Notice, Then};
use crate::vocabulary::ReplyExpectation;

/// What one rule makes of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleTrace {
    /// Name of the rule.
    pub rule: String,
    /// Whether it holds.
    pub matched: bool,
    /// The values that made it so, Japanese.
    pub values: Vec<String>,
}

/// What one rule makes of a message.
pub(super) fn trace(rule: &Rule, subject: &Subject<'_>) -> RuleTrace {
    let matched = rule.when.holds(subject);
    let values = if matched { holding(&rule.when, subject) } else { failing(&rule.when, subject) };
    RuleTrace { rule: rule.name.clone(), matched, values }
}

/// The values that make a condition true.
pub(super) fn holding(condition: &Condition, subject: &Subject<'_>) -> Vec<String> {
    match condition {
        Condition::Always => vec!["すべての連絡に当てはまる".to_owned()],
        Condition::All(parts) => parts.iter().flat_map(|p| holding(p, subject)).collect(),
        Condition::Any(parts) => {
            parts.iter().filter(|p| p.holds(subject)).flat_map(|p| holding(p, subject)).collect()
        }
        Condition::Not(part) => failing(part, subject),
        Condition::Test(test) => vec![seen(test, subject)],
    }
}

/// The values that make a condition false.
pub(super) fn failing(condition: &Condition, subject: &Subject<'_>) -> Vec<String> {
    match condition {
        Condition::Always => Vec::new(),
        Condition::All(parts) => {
            parts.iter().filter(|p| !p.holds(subject)).flat_map(|p| failing(p, subject)).collect()
        }
        Condition::Any(parts) => parts.iter().flat_map(|p| failing(p, subject)).collect(),
        Condition::Not(part) => holding(part, subject),
        Condition::Test(test) => {
            vec![format!("{} (条件: {})", seen(test, subject), wanted(test))]
        }
    }
}

/// What a test saw.
fn seen(test: &Test, subject: &Subject<'_>) -> String {
    let found = test.field.read(subject);
    let ja = test.field.ja;
    let sought: Vec<&super::language::Wanted> = test
        .operators
        .iter()
        .flat_map(|o| match o {
            Operator::Contains(words) => words.iter().collect(),
            Operator::StartsWith(word) | Operator::EndsWith(word) => vec![word],
            Operator::OneOf(_) | Operator::AtLeast(_) | Operator::AtMost(_) | Operator::Exists(_) => {
                Vec::new()
            }
        })
        .collect();
    if found.is_empty() {
        return format!("{ja}なし");
    }
    let is_message_text = matches!(test.field.name, "title" | "body" | "text");
    if !sought.is_empty() {
        let there = sought.iter().filter(|w| {
            found.iter().any(|f| matches!(f, Found::Text(text) if text.contains(w.folded.as_str())))
        });
        let there: Vec<String> = there.map(|w| format!("「{}」", w.written)).collect();
        if !there.is_empty() {
            return format!("{ja}に{}あり", there.concat());
        }
        if is_message_text {
            let absent: Vec<String> = sought.iter().map(|w| format!("「{}」", w.written)).collect();
            return format!("{ja}に{}なし", absent.concat());
        }
    }
    if is_message_text {
        return format!("{ja}あり");
    }
    let values: Vec<String> = found.iter().take(5).map(|f| shown(test.field, f)).collect();
    format!("{ja}: {}", values.join("、"))
}

fn shown(field: &Field, found: &Found<'_>) -> String {
    match found {
        Found::Text(text) => text.chars().take(60).collect(),
        Found::Code(code) => coded(field, code),
        Found::Number(number) => number.to_string(),
        Found::Flag(true) => "はい".to_owned(),
        Found::Flag(false) => "いいえ".to_owned(),
    }
}

fn coded(field: &Field, code: &str) -> String {
    let list = field.kind.codes().map(super::field::Codes::words).unwrap_or_default();
    let code: String = code.chars().take(60).collect();
    match list.iter().find(|w| w.code == code) {
        Some(word) if field.name == "event.trigger" => format!("{}({code})", word.ja),
        Some(word) => word.ja.to_owned(),
        None => code,
    }
}

fn coded_en(field: &Field, code: &str) -> String {
    let list = field.kind.codes().map(super::field::Codes::words).unwrap_or_default();
    list.iter().find(|w| w.code == code).map_or(code, |w| w.en).to_owned()
}

fn value_ja(field: &Field, value: &Value) -> String {
    match value {
        Value::Text(text) => format!("「{}」", text.written),
        Value::Code(code) => coded(field, code),
        Value::Number(number) => number.to_string(),
        Value::Flag(true) => "はい".to_owned(),
        Value::Flag(false) => "いいえ".to_owned(),
    }
}

fn value_en(field: &Field, value: &Value) -> String {
    match value {
        Value::Text(text) => format!("“{}”", text.written),
        Value::Code(code) => coded_en(field, code),
        Value::Number(number) => number.to_string(),
        Value::Flag(flag) => if *flag { "yes" } else { "no" }.to_owned(),
    }
}

fn wanted(test: &Test) -> String {
    let parts: Vec<String> = test.operators.iter().map(|o| operator_ja(test.field, o)).collect();
    parts.join("、")
}

fn operator_ja(field: &Field, operator: &Operator) -> String {
    match operator {
        Operator::OneOf(values) => join_ja(values.iter().map(|v| value_ja(field, v))),
        Operator::Contains(words) => format!("{}を含む", quoted_ja(words)),
        Operator::StartsWith(word) => format!("「{}」で始まる", word.written),
        Operator::EndsWith(word) => format!("「{}」で終わる", word.written),
        Operator::AtLeast(value) => format!("{}以上", value_ja(field, value)),
        Operator::AtMost(value) => format!("{}以下", value_ja(field, value)),
        Operator::Exists(true) => "あり".to_owned(),
        Operator::Exists(false) => "なし".to_owned(),
    }
}

fn quoted_ja(words: &[super::language::Wanted]) -> String {
    words.iter().map(|w| format!("「{}」", w.written)).collect::<Vec<_>>().join("または")
}

fn join_ja(words: impl Iterator<Item = String>) -> String {
    words.collect::<Vec<_>>().join("か")
}

impl Rule {
    /// The rule as a Japanese sentence for the rules page:
    /// 「保険薬局から届いたFAXかメールの件名か本文に「疑義」または「調剤前」があれば、…」.
    #[must_use]
    pub fn says(&self) -> String {
        let mut sentence = when_ja(&self.when);
        sentence.push_str(&then_ja(&self.then));
        if self.continues {
            sentence.push_str("続けて次のルールも見ます。");
        }
        sentence
    }

    /// The rule as an English sentence.
    #[must_use]
    pub fn says_en(&self) -> String {
        let mut sentence = match &self.when {
            Condition::Always => "For every message: ".to_owned(),
            Condition::All(parts) => {
                let parts: Vec<String> = parts.iter().map(clause_en).collect();
                format!("If {}: ", parts.join(" and "))
            }
            other => format!("If {}: ", clause_en(other)),
        };
        sentence.push_str(&then_en(&self.then));
        if self.continues {
            sentence.push_str(" Later rules are asked as well.");
        }
        sentence
    }
}

fn when_ja(condition: &Condition) -> String {
    let single = std::slice::from_ref(condition);
    let parts: &[Condition] = match condition {
        Condition::Always => return "どの連絡も、".to_owned(),
        Condition::All(parts) => parts,
        Condition::Any(_) | Condition::Not(_) | Condition::Test(_) => single,
    };
    let mut from = String::new();
    let mut channel = String::new();
    let mut text = String::new();
    let mut rest = Vec::new();
    let mut last_is_noun = false;
    for part in parts {
        let test = match part {
            Condition::Test(test) => Some(test),
            Condition::Always | Condition::All(_) | Condition::Any(_) | Condition::Not(_) => None,
        };
        match test.map(|t| (t, t.field.name, t.operators.as_slice())) {
            Some((t, "sender.facility_type", [Operator::OneOf(values)])) if from.is_empty() => {
                from = format!("{}から届いた", join_ja(values.iter().map(|v| value_ja(t.field, v))));
            }
            Some((t, "channel", [Operator::OneOf(values)])) if channel.is_empty() => {
                channel = join_ja(values.iter().map(|v| value_ja(t.field, v)));
            }
            Some((t, "title" | "body" | "text", [Operator::Contains(words)])) if text.is_empty() => {
                text = format!("{}に{}が", t.field.ja, quoted_ja(words));
            }
            _ => {
                rest.push(clause_ja(part));
                last_is_noun = ends_in_noun(part);
            }
        }
    }
    if channel.is_empty() && (!from.is_empty() || !text.is_empty()) {
        channel = "連絡".to_owned();
    }
    let head = format!("{from}{channel}");
    let when = if last_is_noun { "のとき" } else { "とき" };
    match (head.is_empty(), text.is_empty(), rest.is_empty()) {
        (true, _, _) => format!("{}{when}、", rest.join("、")),
        (false, true, true) => format!("{head}は、"),
        (false, true, false) => format!("{head}で、{}{when}、", rest.join("、")),
        (false, false, true) => format!("{head}の{text}あれば、"),
        (false, false, false) => format!("{head}の{text}あり、{}{when}、", rest.join("、")),
    }
}

/// Whether the clause ends in a noun, which takes の before とき.
fn ends_in_noun(condition: &Condition) -> bool {
    match condition {
        Condition::Always | Condition::Not(_) => false,
        Condition::All(_) | Condition::Any(_) => true,
        Condition::Test(test) => match test.operators.last() {
            Some(Operator::OneOf(_)) => !matches!(test.field.kind, Kind::Flag),
            Some(Operator::AtLeast(_) | Operator::AtMost(_)) => true,
            Some(
                Operator::Contains(_) | Operator::StartsWith(_) | Operator::EndsWith(_) | Operator::Exists(_),
            )
            | None => false,
        },
    }
}

fn clause_ja(condition: &Condition) -> String {
    match condition {
        Condition::Always => "いつでも当てはまる".to_owned(),
        Condition::All(parts) => {
            format!("({})", parts.iter().map(clause_ja).collect::<Vec<_>>().join("、かつ"))
        }
        Condition::Any(parts) => {
            format!("({})", parts.iter().map(clause_ja).collect::<Vec<_>>().join("、または"))
        }
        Condition::Not(part) => format!("「{}」に当たらない", clause_ja(part)),
        Condition::Test(test) => {
            let ja = test.field.ja;
            let parts: Vec<String> = test
                .operators
                .iter()
                .map(|operator| match (test.field.kind, operator) {
                    (Kind::Flag, Operator::OneOf(values)) => {
                        let yes = values.iter().any(|v| matches!(v, Value::Flag(true)));
                        format!("{ja}で{}", if yes { "ある" } else { "ない" })
                    }
                    (_, Operator::Contains(words)) => format!("{ja}に{}がある", quoted_ja(words)),
                    (_, Operator::Exists(true)) => format!("{ja}がある"),
                    (_, Operator::Exists(false)) => format!("{ja}がない"),
                    (_, other) => format!("{ja}が{}", operator_ja(test.field, other)),
                })
                .collect();
            parts.join("、")
        }
    }
}

fn clause_en(condition: &Condition) -> String {
    match condition {
        Condition::Always => "always".to_owned(),
        Condition::All(parts) => {
            format!("({})", parts.iter().map(clause_en).collect::<Vec<_>>().join(" and "))
        }
        Condition::Any(parts) => {
            format!("({})", parts.iter().map(clause_en).collect::<Vec<_>>().join(" or "))
        }
        Condition::Not(part) => format!("not ({})", clause_en(part)),
        Condition::Test(test) => {
            let parts: Vec<String> = test
                .operators
                .iter()
                .map(|operator| match (test.field.kind, operator) {
                    (Kind::Flag, Operator::OneOf(values)) => {
                        let yes = values.iter().any(|v| matches!(v, Value::Flag(true)));
                        if yes { test.field.en.to_owned() } else { format!("not ({})", test.field.en) }
                    }
                    (_, other) => format!("{} {}", test.field.en, operator_en(test.field, other)),
                })
                .collect();
            parts.join(" and ")
        }
    }
}

fn operator_en(field: &Field, operator: &Operator) -> String {
    let quoted = |words: &[super::language::Wanted]| {
        words.iter().map(|w| format!("“{}”", w.written)).collect::<Vec<_>>().join(" or ")
    };
    match operator {
        Operator::OneOf(values) => {
            format!("is {}", values.iter().map(|v| value_en(field, v)).collect::<Vec<_>>().join(" or "))
        }
        Operator::Contains(words) => format!("contains {}", quoted(words)),
        Operator::StartsWith(word) => format!("starts with “{}”", word.written),
        Operator::EndsWith(word) => format!("ends with “{}”", word.written),
        Operator::AtLeast(value) => format!("is at least {}", value_en(field, value)),
        Operator::AtMost(value) => format!("is at most {}", value_en(field, value)),
        Operator::Exists(true) => "is there".to_owned(),
        Operator::Exists(false) => "is absent".to_owned(),
    }
}

/// Every question of a post, strongest first.
pub(super) fn questions(then: &Then) -> Vec<Ask> {
    match then {
        Then::Post { expectation: Some(expectation), addressees, asks, .. } => {
            let first = Ask { expectation: *expectation, addressees: addressees.clone() };
            std::iter::once(first).chain(asks.iter().cloned()).collect()
        }
        Then::Post { asks, .. } => asks.clone(),
        Then::Triage { .. } | Then::Return { .. } | Then::Quarantine { .. } | Then::Discard { .. } => {
            Vec::new()
        }
    }
}

/// What happens, in Japanese.
pub(super) fn then_ja(then: &Then) -> String {
    match then {
        Then::Post { urgency, document_kind, .. } => {
            let mut text = match urgency {
                Some(urgency) => format!("{}で投稿", urgency.ja()),
                None => "投稿".to_owned(),
            };
            if let Some(kind) = document_kind {
                text = format!("文書種別を{}として{text}", words::ja(DOCUMENT_KINDS, kind));
            }
            let asks: Vec<String> = questions(then)
                .iter()
                .map(|ask| match ask.expectation {
                    ReplyExpectation::None => ReplyExpectation::None.ja().to_owned(),
                    other => format!("{}に{}", addressed(&ask.addressees, |w| w.ja, "・"), other.ja()),
                })
                .collect();
            if asks.is_empty() {
                format!("{text}します。")
            } else {
                format!("{text}し、{}とします。", asks.join("、"))
            }
        }
        Then::Triage { text } => format!("仕分けに回します(理由: {text})。"),
        Then::Return { notice } => format!("投稿せずに{}を返します。", notice_ja(*notice)),
        Then::Quarantine { text } => format!("隔離します(理由: {text})。"),
        Then::Discard { text } => format!("破棄します(理由: {text})。"),
    }
}

fn then_en(then: &Then) -> String {
    match then {
        Then::Post { urgency, document_kind, .. } => {
            let mut text = "post".to_owned();
            if let Some(urgency) = urgency {
                text.push_str(&format!(" as {}", urgency.en()));
            }
            if let Some(kind) = document_kind {
                text.push_str(&format!(", document kind {}", words::en(DOCUMENT_KINDS, kind)));
            }
            for ask in questions(then) {
                match ask.expectation {
                    ReplyExpectation::None => text.push_str(", no reply needed"),
                    other => text.push_str(&format!(
                        ", {} ({})",
                        other.en(),
                        addressed(&ask.addressees, |w| w.en, ", ")
                    )),
                }
            }
            format!("{text}.")
        }
        Then::Triage { text } => format!("triage ({text})."),
        Then::Return { notice } => format!("do not post, return the notice “{}”.", notice_en(*notice)),
        Then::Quarantine { text } => format!("quarantine ({text})."),
        Then::Discard { text } => format!("discard ({text})."),
    }
}

fn addressed(who: &Addressees, show: fn(&Word) -> &'static str, between: &str) -> String {
    let of = |list: &[Word], codes: &[String]| -> Vec<String> {
        codes
            .iter()
            .map(|c| list.iter().find(|w| w.code == *c).map_or_else(|| c.clone(), |w| show(w).to_owned()))
            .collect()
    };
    let mut names = of(FACILITY_TYPES, &who.facility_types);
    names.extend(of(PROFESSIONS, &who.professions));
    names.extend(who.facilities.iter().map(|f| f.as_str().to_owned()));
    names.join(between)
}

const fn notice_ja(notice: Notice) -> &'static str {
    match notice {
        Notice::Uniform => "「お受け取りできませんでした」の知らせ",
        Notice::PhonePlease => "電話のお願い",
        Notice::TooLarge => "「大きすぎます」の知らせ",
        Notice::FilesWithheld => "「添付の一部は隔離しました」の知らせ",
        Notice::PhotoUnsupported => "「写真の形式が未対応です」の知らせ",
    }
}

const fn notice_en(notice: Notice) -> &'static str {
    match notice {
        Notice::Uniform => "could not be accepted",
        Notice::PhonePlease => "please phone",
        Notice::TooLarge => "too large",
        Notice::FilesWithheld => "some files were withheld",
        Notice::PhotoUnsupported => "photograph not supported",
    }
}
