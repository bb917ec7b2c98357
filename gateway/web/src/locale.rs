//! Words of the pages in Japanese and English. Every sentence a person reads comes from the catalogue
//! in `locale/` or from core's vocabulary (care-network.md section 7); templates hold none. A key that
//! is missing shows itself as the key and fails a test.

mod common;
mod fax;
mod interfaces;
mod member;
mod office;
mod timeline;

use kakehashi_core::clock::UtcMicros;
use kakehashi_core::vocabulary::Locale;
use std::collections::HashMap;
use std::sync::LazyLock;

/// Key, Japanese, English. `{0}`, `{1}` stand for values.
type Message = (&'static str, &'static str, &'static str);

static CATALOGUE: LazyLock<HashMap<&'static str, (&'static str, &'static str)>> =
    LazyLock::new(|| all().map(|(key, ja, en)| (*key, (*ja, *en))).collect());

fn all() -> impl Iterator<Item = &'static Message> {
    [
        common::MESSAGES,
        timeline::MESSAGES,
        office::MESSAGES,
        interfaces::MESSAGES,
        fax::MESSAGES,
        member::MESSAGES,
    ]
    .into_iter()
    .flatten()
}

/// Every key.
#[cfg(test)]
pub(crate) fn keys() -> impl Iterator<Item = &'static str> {
    all().map(|(key, _, _)| *key)
}

/// The language of one page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lang(pub(crate) Locale);

impl Lang {
    /// Value of the `lang` attribute.
    pub(crate) const fn code(self) -> &'static str {
        self.0.code()
    }

    /// One of two.
    pub(crate) const fn pick<'a>(self, ja: &'a str, en: &'a str) -> &'a str {
        match self.0 {
            Locale::Ja => ja,
            Locale::En => en,
        }
    }

    /// The words of a key.
    pub(crate) fn t(self, key: &str) -> String {
        match CATALOGUE.get(key) {
            Some((ja, en)) => self.pick(ja, en).to_owned(),
            None => key.to_owned(),
        }
    }

    /// The words of a key with values in their places.
    pub(crate) fn tf(self, key: &str, values: &[&str]) -> String {
        fill(&self.t(key), values)
    }

    /// `6/9(火) 10:20`.
    pub(crate) fn at(self, at: UtcMicros) -> String {
        match self.0 {
            Locale::Ja => at.to_ja(),
            Locale::En => at.to_en(),
        }
    }

    /// The time alone if it is today, else with its date.
    pub(crate) fn near(self, at: UtcMicros, now: UtcMicros) -> String {
        let time = at.in_japan();
        if time.date() == now.in_japan().date() {
            format!("{}:{:02}", time.hour(), time.minute())
        } else {
            self.at(at)
        }
    }

    /// A stretch of time in its largest sensible unit.
    pub(crate) fn age(self, seconds: i64) -> String {
        let minutes = seconds.max(0) / 60;
        if minutes < 1 {
            self.t("age.now")
        } else if minutes < 90 {
            self.tf("age.minutes", &[&minutes.to_string()])
        } else if minutes < 48 * 60 {
            self.tf("age.hours", &[&(minutes / 60).to_string()])
        } else {
            self.tf("age.days", &[&(minutes / 1440).to_string()])
        }
    }

    /// A size as people say it.
    pub(crate) fn size(self, bytes: u64) -> String {
        if bytes < 1024 {
            format!("{bytes} B")
        } else if bytes < 1024 * 1024 {
            format!("{} KB", bytes.div_ceil(1024))
        } else {
            format!("{}.{} MB", bytes / 1_048_576, bytes % 1_048_576 * 10 / 1_048_576)
        }
    }

    /// A list of names.
    pub(crate) fn list(self, names: &[String]) -> String {
        names.join(self.pick("、", ", "))
    }
}

/// Puts values into `{0}`, `{1}`, … of a text; values are never searched for marks themselves.
pub(crate) fn fill(text: &str, values: &[&str]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('{') {
        out.push_str(&rest[..start]);
        let tail = &rest[start + 1..];
        let value = tail
            .find('}')
            .and_then(|end| tail[..end].parse::<usize>().ok().map(|index| (end, index)))
            .and_then(|(end, index)| values.get(index).map(|v| (end, *v)));
        if let Some((end, value)) = value {
            out.push_str(value);
            rest = &tail[end + 1..];
        } else {
            out.push('{');
            rest = tail;
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_there_once_in_both_languages_with_the_same_values() {
        let mut seen = std::collections::HashSet::new();
        for (key, ja, en) in all() {
            assert!(seen.insert(*key), "{key} is there twice");
            assert!(!ja.is_empty() && !en.is_empty(), "{key} is empty");
            assert!(!ja.contains("{}") && !en.contains("{}"), "{key}: a place for a value has a number");
            for mark in ["{0}", "{1}", "{2}"] {
                assert_eq!(ja.contains(mark), en.contains(mark), "{key}: {mark}");
            }
        }
    }

    #[test]
    fn values_are_filled_once_and_stray_braces_stay() {
        assert_eq!(fill("{0}と{1}", &["{1}", "b"]), "{1}とb");
        assert_eq!(fill("{9} { {x}", &["a"]), "{9} { {x}");
    }

    #[test]
    fn ages_and_sizes_read_well() {
        let ja = Lang(Locale::Ja);
        assert_eq!(ja.age(55 * 60), "55分");
        assert_eq!(ja.age(26 * 3600), "26時間");
        assert_eq!(ja.size(84 * 1024), "84 KB");
        assert_eq!(ja.size(1_572_864), "1.5 MB");
    }
}
