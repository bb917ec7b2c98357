//! Whom an embedded CDA document is of (recordTarget), to be held against the message around it: a document that
//! was put into the wrong envelope must not reach the group of the envelope's patient. Never matches anybody.

use crate::markup::{entities, plain_text};
use crate::time::date_of;
use kakehashi_core::envelope::Patient;
use kakehashi_core::text::fold::fold_name;

/// Names of one person that are looked at.
const MAX_NAMES: usize = 10;

/// A patient as the document names it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::read) struct Subject {
    birth_date: Option<String>,
    /// Folded.
    names: Vec<String>,
}

impl Subject {
    /// The first recordTarget of a document.
    pub(super) fn read(text: &str) -> Self {
        let Some(target) = element(text, "recordTarget").map(|(inside, _)| inside) else {
            return Self::default();
        };
        let birth_date = opening(target, "birthTime").and_then(|tag| attribute(tag, "value"));
        let mut names = Vec::new();
        // The custodian and the guardian stand outside of <patient>.
        let mut rest = element(target, "patient").map_or("", |(inside, _)| inside);
        while let Some((name, after)) = element(rest, "name").filter(|_| names.len() < MAX_NAMES) {
            let name = fold_name(&plain_text(name));
            names.extend(Some(name).filter(|name| !name.is_empty()));
            rest = after;
        }
        Self { birth_date: birth_date.and_then(|written| date_of(&entities(written))), names }
    }

    /// Whether it is clearly somebody else: by the day of birth, and where one of them tells none by the names.
    pub(in crate::read) fn contradicts(&self, patient: &Patient) -> bool {
        match (&self.birth_date, &patient.birth_date) {
            (Some(own), Some(other)) => own != other,
            _ => {
                let told = patient.names.iter();
                let told: Vec<String> = told
                    .flat_map(|n| std::iter::once(n.text.as_str()).chain(n.kana.as_deref()))
                    .map(fold_name)
                    .collect();
                !self.names.is_empty() && !told.is_empty() && !self.names.iter().any(|own| told.contains(own))
            }
        }
    }
}

/// What stands inside of the first element of this name, whatever its prefix, and what follows it.
fn element<'t>(text: &'t str, name: &str) -> Option<(&'t str, &'t str)> {
    let (tag, rest) = find_tag(text, name, false)?;
    if tag.ends_with('/') {
        return Some(("", rest));
    }
    let inside = rest;
    let mut at = 0;
    while let Some(open) = inside[at..].find("</") {
        let start = at + open;
        let (tag, after) = inside[start + 2..].split_once('>')?;
        if local(tag) == name {
            return Some((&inside[..start], after));
        }
        at = start + 2;
    }
    None
}

/// The first opening tag of this name, without its brackets.
fn opening<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    find_tag(text, name, false).map(|(tag, _)| tag)
}

fn find_tag<'t>(text: &'t str, name: &str, closes: bool) -> Option<(&'t str, &'t str)> {
    let mut rest = text;
    while let Some((_, tail)) = rest.split_once('<') {
        let (tag, after) = tail.split_once('>')?;
        if tag.starts_with('/') == closes && local(tag.trim_start_matches('/')) == name {
            return Some((tag, after));
        }
        rest = after;
    }
    None
}

fn local(tag: &str) -> &str {
    let name = tag.split(|c: char| c.is_whitespace() || c == '/').next().unwrap_or("");
    name.rsplit(':').next().unwrap_or(name)
}

pub(super) fn attribute<'t>(tag: &'t str, name: &str) -> Option<&'t str> {
    let mut rest = tag;
    while let Some(at) = rest.find(name) {
        let (before, after) = rest.split_at(at);
        let value = after[name.len()..].trim_start().strip_prefix('=').map(str::trim_start);
        if before.ends_with(char::is_whitespace)
            && let Some(value) = value
            && let Some(quote) = value.chars().next().filter(|q| matches!(q, '"' | '\''))
        {
            return value[1..].split(quote).next();
        }
        rest = &after[name.len()..];
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use kakehashi_core::envelope::{NameKind, PatientName};

    fn patient(birth: Option<&str>, name: &str) -> Patient {
        let name = PatientName { text: name.to_owned(), kana: None, kind: NameKind::Kanji };
        Patient { birth_date: birth.map(str::to_owned), names: vec![name], ..Patient::default() }
    }

    #[test]
    fn somebody_else_is_seen() {
        let of = |birth: &str| {
            Subject::read(&format!(
                "<c:ClinicalDocument><c:recordTarget><c:patientRole><c:id extension='1'/><c:patient>\
                 <c:name use=\"IDE\"><c:family>山本</c:family>\n<c:given>千代</c:given></c:name><c:name use='SYL'>ヤマモト チヨ</c:name>\
                 {birth}</c:patient></c:patientRole></c:recordTarget><c:author><c:name>藤井</c:name></c:author></c:ClinicalDocument>"
            ))
        };
        let born = of("<c:birthTime value = '19380412000000+0900'/>");
        assert_eq!(born.names, ["山本千代", "ヤマモトチヨ"]);
        assert!(!born.contradicts(&patient(Some("1938-04-12"), "山本 チヨ")), "one and the same day");
        assert!(born.contradicts(&patient(Some("1941-07-30"), "山本 千代")));
        assert!(
            !born.contradicts(&patient(None, "山本　千代")) && born.contradicts(&patient(None, "川田 幸子"))
        );
        let unborn = of("<c:birthTime nullFlavor=\"UNK\"/>");
        assert!(unborn.contradicts(&patient(Some("1941-07-30"), "川田 幸子")));
        let nobody = Subject::read("<ClinicalDocument/>");
        assert!(!nobody.contradicts(&patient(None, "川田 幸子")));
        assert!(!born.contradicts(&Patient::default()), "the message names nobody either");
    }

    proptest::proptest! {
        #[test]
        fn reading_is_total(tail in "(<patient>|</patient>|<name>|</name>|<birthTime value=|\"19380412\"|/>|<|>|/|:|山|[a-z =']){0,40}") {
            let read = Subject::read(&format!("<recordTarget>{tail}</recordTarget>"));
            let _ = read.contradicts(&Patient::default());
        }
    }
}
