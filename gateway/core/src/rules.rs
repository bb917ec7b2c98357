//! Routing rules (architecture.md section 5): a TOML file of `when` and `then` that says what happens
//! to a message, with its own examples. Pure and total: the same file, message and directory give the
//! same verdict, any text can be parsed and any message decided. A rule chooses words, urgency and
//! addressees and can stop a message; it never makes a patient surer than the identity rules do.

mod check;
mod compile;
mod examples;
mod explain;
pub mod field;
pub mod language;
pub mod nearest;
mod parse;
pub mod words;

pub use check::RuleFinding;
pub use examples::{Example, ExampleResult};
pub use explain::RuleTrace;
pub use language::Rule;
pub use parse::RuleError;

use crate::decision::RuleVerdict;
use crate::envelope::Envelope;
use crate::facts::Facts;
use field::Subject;
use std::sync::Arc;

/// The rules that a network starts with.
pub const DEFAULT_RULES: &str = include_str!("../../../templates/rules/default.toml");

/// A compiled set of rules. Cheap to clone.
#[derive(Debug, Clone)]
pub struct RuleSet {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    rules: Vec<Rule>,
    examples: Vec<Example>,
    index: compile::Index,
}

impl RuleSet {
    /// Reads and compiles a rule file.
    ///
    /// # Errors
    /// Everything that is wrong with the file, in order of line; the caller shows all of it and keeps
    /// the rules it has.
    pub fn parse(toml: &str) -> Result<Self, Vec<RuleError>> {
        let (rules, examples) = parse::parse(toml)?;
        let index = compile::Index::of(&rules);
        Ok(Self { inner: Arc::new(Inner { rules, examples, index }) })
    }

    /// A set without rules: every message is handled as it says.
    #[must_use]
    pub fn empty() -> Self {
        let index = compile::Index::of(&[]);
        Self { inner: Arc::new(Inner { rules: Vec::new(), examples: Vec::new(), index }) }
    }

    /// The rules of `templates/rules/default.toml`.
    #[must_use]
    pub fn default_policy() -> Self {
        // A test holds that the file parses; if it ever did not, no rule is better than no gateway.
        Self::parse(DEFAULT_RULES).unwrap_or_else(|_| Self::empty())
    }

    /// Rules that are valid but do not do what their writer must have meant.
    #[must_use]
    pub fn check(&self) -> Vec<RuleFinding> {
        check::check(&self.inner.rules)
    }

    /// What the rules say about a message; `None` if no rule holds.
    #[must_use]
    pub fn decide(&self, envelope: &Envelope, facts: &Facts) -> Option<RuleVerdict> {
        self.verdict(&Subject::of(envelope, facts))
    }

    fn verdict(&self, subject: &Subject<'_>) -> Option<RuleVerdict> {
        compile::decide(&self.inner.rules, &self.inner.index, subject)
    }

    /// For every rule: whether it holds and which values made it so. Slower than [`Self::decide`].
    #[must_use]
    pub fn explain(&self, envelope: &Envelope, facts: &Facts) -> Vec<RuleTrace> {
        let subject = Subject::of(envelope, facts);
        self.inner.rules.iter().map(|rule| explain::trace(rule, &subject)).collect()
    }

    /// Runs the examples kept with the rules.
    #[must_use]
    pub fn run_examples(&self) -> Vec<ExampleResult> {
        self.inner.examples.iter().map(|example| example.run(self)).collect()
    }

    /// The rules in order.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.inner.rules
    }

    /// The examples in order.
    #[must_use]
    pub fn examples(&self) -> &[Example] {
        &self.inner.examples
    }

    /// The names of the rules in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.inner.rules.iter().map(|rule| rule.name.as_str())
    }
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
