//! Keeps a patient's name out of everything that is not encrypted (care-network.md 6.3). A sender may
//! write the name into a title, a file name or an alias; here it is taken out again. It compares
//! without regard to blanks, and it rather takes out too much than too little.

/// What stands where a name stood.
const TAKEN_OUT: &str = "＊＊";
/// A part of a name in front of one of these is a name even if it is a single character.
const HONORIFICS: [&str; 5] = ["様", "さま", "さん", "氏", "殿"];

/// The name of one patient.
pub(crate) struct NameGuard {
    /// Full name and its parts, longest first, each without blanks.
    parts: Vec<Vec<char>>,
    /// Single characters, guarded only in front of an honorific.
    short: Vec<char>,
}

impl NameGuard {
    /// Guards this name and its parts.
    pub(crate) fn new(patient_name: &str) -> Self {
        let words: Vec<Vec<char>> =
            patient_name.split_whitespace().map(|w| w.chars().collect::<Vec<_>>()).collect();
        let mut parts: Vec<Vec<char>> = words.iter().filter(|w| w.len() > 1).cloned().collect();
        let full: Vec<char> = words.concat();
        if full.len() > 1 {
            parts.push(full);
        }
        parts.sort_by_key(|p| std::cmp::Reverse(p.len()));
        parts.dedup();
        let short = words.iter().filter(|w| w.len() == 1).map(|w| w[0]).collect();
        Self { parts, short }
    }

    /// Whether the name or a part of it stands in `text`.
    pub(crate) fn found_in(&self, text: &str) -> bool {
        let chars: Vec<char> = text.chars().collect();
        (0..chars.len()).any(|at| self.length_at(&chars, at).is_some())
    }

    /// `text` without the name.
    pub(crate) fn without(&self, text: &str) -> String {
        self.replaced(text, TAKEN_OUT)
    }

    /// `text` with these words for every name or run of its parts.
    pub(crate) fn replaced(&self, text: &str, words: &str) -> String {
        let chars: Vec<char> = text.chars().collect();
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        while at < chars.len() {
            if let Some(length) = self.length_at(&chars, at) {
                if !out.ends_with(words) {
                    out.push_str(words);
                }
                at += length;
            } else {
                out.push(chars[at]);
                at += 1;
            }
        }
        out
    }

    fn length_at(&self, chars: &[char], at: usize) -> Option<usize> {
        if chars[at].is_whitespace() {
            return None;
        }
        if let Some(length) = self.parts.iter().find_map(|part| matched(part, &chars[at..])) {
            return Some(length);
        }
        let rest: String = chars[at + 1..].iter().take(2).collect();
        (self.short.contains(&chars[at]) && HONORIFICS.iter().any(|h| rest.starts_with(h))).then_some(1)
    }
}

/// How many characters of `text` the name takes, blanks between its signs included.
fn matched(name: &[char], text: &[char]) -> Option<usize> {
    let mut wanted = name.iter();
    let mut next = wanted.next()?;
    for (at, c) in text.iter().enumerate() {
        if c.is_whitespace() && at > 0 {
            continue;
        }
        if c != next {
            return None;
        }
        match wanted.next() {
            Some(following) => next = following,
            None => return Some(at + 1),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_taken_out_however_they_are_spaced() {
        let guard = NameGuard::new("山本 千代");
        for text in ["山本千代", "山本　千代様", "山 本 千 代", "千代さんの件", "山本様退院"]
        {
            assert!(guard.found_in(text), "{text}");
            let cleaned = guard.without(text);
            assert!(!guard.found_in(&cleaned), "{cleaned}");
            assert!(cleaned.contains(TAKEN_OUT));
        }
        assert_eq!(guard.without("つばき01 退院のお知らせ"), "つばき01 退院のお知らせ");
    }

    #[test]
    fn one_character_names_need_an_honorific() {
        let guard = NameGuard::new("林 花");
        assert_eq!(guard.without("林道の花"), "林道の花");
        assert_eq!(guard.without("林様 林花"), "＊＊様 ＊＊");
    }

    proptest! {
        #[test]
        fn cleaning_is_total(name in ".{0,12}", text in ".{0,40}") {
            let guard = NameGuard::new(&name);
            let _ = guard.found_in(&text);
            let _ = guard.without(&text);
        }
    }
}
