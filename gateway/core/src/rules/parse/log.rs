//! Errors as they are found: each with its line, reason and remedy in Japanese and English.

use crate::rules::nearest::nearest;
use toml::Spanned;
use toml::de::{DeString, DeValue};

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

pub(in crate::rules) type Key<'i> = Spanned<DeString<'i>>;
pub(in crate::rules) type Item<'i> = Spanned<DeValue<'i>>;

/// Errors as they are found, and where lines begin.
pub(in crate::rules) struct Log {
    starts: Vec<usize>,
    errors: Vec<RuleError>,
}

impl Log {
    pub(in crate::rules) fn new(text: &str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at + 1);
        Self { starts: std::iter::once(0).chain(breaks).collect(), errors: Vec::new() }
    }

    pub(in crate::rules) fn line_at(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset).max(1)
    }

    pub(in crate::rules) fn line<T>(&self, at: &Spanned<T>) -> usize {
        self.line_at(at.span().start)
    }

    pub(in crate::rules) fn push(&mut self, line: usize, reason: String, remedy: String) {
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(RuleError { line, reason, remedy });
        }
    }

    /// Says what is wrong: reason and remedy, each in Japanese and English.
    pub(in crate::rules) fn say<T>(&mut self, at: &Spanned<T>, reason: (&str, &str), remedy: (&str, &str)) {
        let line = self.line(at);
        self.push(line, both(reason), both(remedy));
    }

    pub(in crate::rules) fn unknown<'k>(
        &mut self,
        at: &Key<'_>,
        known: impl IntoIterator<Item = &'k str> + Clone,
    ) {
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

    pub(in crate::rules) fn wrong_type(&mut self, at: &Item<'_>, what: &str, wanted: (&str, &str)) {
        let got = at.get_ref().type_str();
        self.say(
            at,
            (&format!("{what} の型が違います ({got})"), &format!("{what} is of the wrong type ({got})")),
            (&format!("{}で書いてください", wanted.0), &format!("write {}", wanted.1)),
        );
    }

    pub(in crate::rules) fn is_empty(&self) -> bool {
        self.errors.is_empty()
    }

    pub(in crate::rules) fn finish(mut self) -> Vec<RuleError> {
        self.errors.sort_by_key(|e| e.line);
        self.errors
    }

    pub(in crate::rules) fn at_line(&mut self, line: usize, reason: (&str, &str), remedy: (&str, &str)) {
        self.push(line, both(reason), both(remedy));
    }
}

pub(in crate::rules) fn both((ja, en): (&str, &str)) -> String {
    format!("{ja} / {en}")
}
