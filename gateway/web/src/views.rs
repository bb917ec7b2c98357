//! What each page shows, as plain words: rows of the store become structs that a template prints. Here
//! a state gets its word, shape and colour, in this order (look.md 2). Nothing here reads or decides.

pub(crate) mod board;
pub(crate) mod envelope;
pub(crate) mod facilities;
pub(crate) mod fax;
pub(crate) mod home;
pub(crate) mod intake;
pub(crate) mod interfaces;
pub(crate) mod outbox;
pub(crate) mod placing;
pub(crate) mod post;
pub(crate) mod rules;
pub(crate) mod sheet;
pub(crate) mod simple;
pub(crate) mod timeline;
pub(crate) mod triage;
pub(crate) mod words;

use crate::locale::Lang;
use kakehashi_core::vocabulary::Urgency;
use serde::Serialize;

/// A state in a few words: the class gives shape and colour, the word says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Chip {
    pub(crate) class: &'static str,
    pub(crate) mark: Option<&'static str>,
    pub(crate) word: String,
}

impl Chip {
    pub(crate) fn new(class: &'static str, mark: Option<&'static str>, word: impl Into<String>) -> Self {
        Self { class, mark, word: word.into() }
    }

    /// 緊急 or 至急; 通常 needs no chip.
    pub(crate) fn urgency(lang: Lang, urgency: Urgency) -> Option<Self> {
        let word = lang.pick(urgency.ja(), urgency.en());
        match urgency {
            Urgency::Normal => None,
            Urgency::Urgent => Some(Self::new("urgent", Some("▲"), word)),
            Urgency::Emergency => Some(Self::new("emergency", Some("■"), word)),
        }
    }
}

/// A choice of a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) word: String,
    pub(crate) chosen: bool,
}

/// A line of a two-column table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Line {
    pub(crate) label: String,
    pub(crate) value: String,
}
