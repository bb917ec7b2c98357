//! What a rule is once it has been read: conditions over typed fields and what then happens. Plain
//! values; reading is in `parse`, speed in `compile`, words in `explain`. A rule never makes a patient
//! surer than the identity rules do (care-network.md 6.2).

use super::field::{Field, Found, Kind, Subject};
use crate::decision::Then;

/// One routing rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Unique name, shown wherever the rule decided.
    pub name: String,
    /// Why the rule is there.
    pub note: Option<String>,
    /// Whether later rules are asked as well.
    pub continues: bool,
    /// When it holds.
    pub when: Condition,
    /// What then happens.
    pub then: Then,
    /// Line of its heading in the file, from 1.
    pub line: usize,
}

/// When a rule holds.
#[derive(Debug, Clone)]
pub enum Condition {
    /// Every message.
    Always,
    /// All of these.
    All(Vec<Condition>),
    /// One of these or more.
    Any(Vec<Condition>),
    /// Not this.
    Not(Box<Condition>),
    /// A test of one field.
    Test(Test),
}

/// A test of one field: one of its values passes every operator.
#[derive(Debug, Clone)]
pub struct Test {
    /// The field.
    pub field: &'static Field,
    /// What is asked of it; more than one only for ranges.
    pub operators: Vec<Operator>,
    /// Line in the file, from 1.
    pub line: usize,
}

/// What is asked of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operator {
    /// Is one of these (one for `is`).
    OneOf(Vec<Value>),
    /// Contains one of these words (one for `contains`).
    Contains(Vec<Wanted>),
    /// Begins so.
    StartsWith(Wanted),
    /// Ends so.
    EndsWith(Wanted),
    /// Is this or more.
    AtLeast(Value),
    /// Is this or less.
    AtMost(Value),
    /// Is there (`true`) or is not (`false`).
    Exists(bool),
}

/// A wanted value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Text.
    Text(Wanted),
    /// A code.
    Code(String),
    /// A number.
    Number(i64),
    /// Yes or no.
    Flag(bool),
}

/// Text as written in the rule and in comparison form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// As written.
    pub written: String,
    /// In comparison form.
    pub folded: String,
}

impl Wanted {
    /// From the words of a rule.
    #[must_use]
    pub fn new(written: &str) -> Self {
        Self { written: written.to_owned(), folded: super::field::fold_text(written) }
    }
}

impl Condition {
    /// Whether it holds for a message.
    pub(super) fn holds(&self, subject: &Subject<'_>) -> bool {
        match self {
            Self::Always => true,
            Self::All(parts) => parts.iter().all(|p| p.holds(subject)),
            Self::Any(parts) => parts.iter().any(|p| p.holds(subject)),
            Self::Not(part) => !part.holds(subject),
            Self::Test(test) => test.holds(subject),
        }
    }

    /// Every test in it.
    pub(super) fn tests(&self) -> Vec<&Test> {
        match self {
            Self::Always => Vec::new(),
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::tests).collect(),
            Self::Not(part) => part.tests(),
            Self::Test(test) => vec![test],
        }
    }
}

impl Test {
    /// Whether it holds for a message.
    pub(super) fn holds(&self, subject: &Subject<'_>) -> bool {
        let found = self.field.read(subject);
        if self.operators.iter().any(|o| matches!(o, Operator::Exists(wanted) if *wanted == found.is_empty()))
        {
            return false;
        }
        let rest: Vec<&Operator> =
            self.operators.iter().filter(|o| !matches!(o, Operator::Exists(_))).collect();
        rest.is_empty() || found.iter().any(|value| rest.iter().all(|o| o.accepts(value, self.field.kind)))
    }
}

impl Operator {
    /// Whether one value passes.
    pub(super) fn accepts(&self, found: &Found<'_>, kind: Kind) -> bool {
        match (self, found) {
            (Self::OneOf(wanted), found) => wanted.iter().any(|w| w.is(found)),
            (Self::Contains(words), Found::Text(text)) => words.iter().any(|w| text.contains(&w.folded)),
            (Self::StartsWith(word), Found::Text(text)) => text.starts_with(&word.folded),
            (Self::EndsWith(word), Found::Text(text)) => text.ends_with(&word.folded),
            (Self::AtLeast(least), found) => {
                rank_of(found, kind).zip(least.rank(kind)).is_some_and(|(a, b)| a >= b)
            }
            (Self::AtMost(most), found) => {
                rank_of(found, kind).zip(most.rank(kind)).is_some_and(|(a, b)| a <= b)
            }
            (Self::Exists(wanted), _) => *wanted,
            (Self::Contains(_) | Self::StartsWith(_) | Self::EndsWith(_), _) => false,
        }
    }
}

impl Value {
    /// Whether a found value is this one.
    pub(super) fn is(&self, found: &Found<'_>) -> bool {
        match (self, found) {
            (Self::Text(wanted), Found::Text(text)) => wanted.folded == text.as_ref(),
            (Self::Code(wanted), Found::Code(code)) => wanted == code.as_ref(),
            (Self::Number(wanted), Found::Number(number)) => wanted == number,
            (Self::Flag(wanted), Found::Flag(flag)) => wanted == flag,
            _ => false,
        }
    }

    /// The value as a message would have it.
    pub(super) fn as_found(&self) -> Found<'_> {
        match self {
            Self::Text(wanted) => Found::Text(wanted.folded.as_str().into()),
            Self::Code(code) => Found::Code(code.as_str().into()),
            Self::Number(number) => Found::Number(*number),
            Self::Flag(flag) => Found::Flag(*flag),
        }
    }

    /// Its place in an order.
    pub(super) fn rank(&self, kind: Kind) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Code(code) => rank_of_code(code, kind),
            Self::Text(_) | Self::Flag(_) => None,
        }
    }
}

fn rank_of(found: &Found<'_>, kind: Kind) -> Option<i64> {
    match found {
        Found::Number(number) => Some(*number),
        Found::Code(code) => rank_of_code(code, kind),
        Found::Text(_) | Found::Flag(_) => None,
    }
}

fn rank_of_code(code: &str, kind: Kind) -> Option<i64> {
    let Kind::Ordered(codes) = kind else { return None };
    let place = codes.words().iter().position(|w| w.code == code)?;
    i64::try_from(place).ok()
}
