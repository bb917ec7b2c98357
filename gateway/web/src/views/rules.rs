//! Routing rules as sentences, with how often each decided and what the check found.

use crate::locale::Lang;
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::rules::RuleSet;
use kakehashi_core::vocabulary::Locale;
use kakehashi_store::view::RuleHits;
use serde::Serialize;

/// The page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct RulesPage {
    pub(crate) rules: Vec<RuleLine>,
    pub(crate) findings: Vec<FindingLine>,
}

/// A rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct RuleLine {
    pub(crate) name: String,
    pub(crate) note: Option<String>,
    pub(crate) says: String,
    pub(crate) hits: String,
    pub(crate) last: Option<String>,
}

/// A finding of the check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct FindingLine {
    pub(crate) place: String,
    pub(crate) what: String,
    pub(crate) remedy: String,
}

/// All rules in order.
pub(crate) fn page(lang: Lang, set: &RuleSet, hits: &[RuleHits], now: UtcMicros) -> RulesPage {
    let rules = set.rules().iter().map(|rule| {
        let hit = hits.iter().find(|h| h.rule == rule.name);
        RuleLine {
            name: rule.name.clone(),
            note: rule.note.as_deref().map(|note| spoken(lang, note)),
            says: match lang.0 {
                Locale::Ja => rule.says(),
                Locale::En => rule.says_en(),
            },
            hits: match hit {
                Some(h) => lang.tf("rules.hits", &[&h.hit_count.to_string()]),
                None => lang.t("rules.never"),
            },
            last: hit.map(|h| lang.tf("rules.last", &[&lang.near(h.last_at, now)])),
        }
    });
    let findings = set.check().into_iter().map(|f| FindingLine {
        place: lang.tf("rules.line", &[&f.line.to_string()]) + " " + &f.rule,
        what: f.reason,
        remedy: f.remedy,
    });
    RulesPage { rules: rules.collect(), findings: findings.collect() }
}

/// Notes are written `日本語 / English`; one of the two is shown.
fn spoken(lang: Lang, note: &str) -> String {
    note.split_once(" / ").map_or(note, |(ja, en)| lang.pick(ja, en)).to_owned()
}
