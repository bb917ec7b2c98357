//! Closed lists of words that every message is asked for: whether a text is one of them, begins with one or holds
//! one, in one pass over it however many they are. It never folds anything, text and words must be folded alike.

/// A closed list of words.
#[derive(Debug)]
pub struct AnyOf {
    /// First signs, sorted, and the words that begin with each, in the order of the list.
    words: Vec<(char, Vec<&'static str>)>,
    /// A bit for the low byte of every first sign: most signs of a text begin no word.
    begins: [u64; 4],
}

impl AnyOf {
    /// Of these words; an empty one is in no text.
    #[must_use]
    pub fn new(list: &[&'static str]) -> Self {
        let mut words: Vec<(char, Vec<&'static str>)> = Vec::new();
        let mut begins = [0_u64; 4];
        for word in list {
            let Some(first) = word.chars().next() else { continue };
            let (slot, bit) = bit(first);
            begins[slot] |= bit;
            match words.binary_search_by_key(&first, |(c, _)| *c) {
                Ok(at) => words[at].1.push(word),
                Err(at) => words.insert(at, (first, vec![word])),
            }
        }
        Self { words, begins }
    }

    /// Whether one of them stands in `text`.
    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        text.char_indices().any(|(at, c)| self.of(c).iter().any(|word| text[at..].starts_with(word)))
    }

    /// Whether `text` is one of them.
    #[must_use]
    pub fn is_one(&self, text: &str) -> bool {
        self.at_start(text).any(|word| word.len() == text.len())
    }

    /// Those with which `text` begins, in the order of the list.
    pub fn at_start<'a>(&'a self, text: &'a str) -> impl Iterator<Item = &'static str> + 'a {
        let words = text.chars().next().map_or(&[][..], |c| self.of(c));
        words.iter().copied().filter(|word| text.starts_with(word))
    }

    /// What is left of `text` behind the longest with which it begins.
    #[must_use]
    pub fn off_start<'a>(&self, text: &'a str) -> Option<&'a str> {
        self.at_start(text).map(str::len).max().map(|length| &text[length..])
    }

    /// The words that begin with a sign.
    fn of(&self, first: char) -> &[&'static str] {
        let (slot, bit) = bit(first);
        if self.begins[slot] & bit == 0 {
            return &[];
        }
        match self.words.binary_search_by_key(&first, |(c, _)| *c) {
            Ok(at) => &self.words[at].1,
            Err(_) => &[],
        }
    }
}

const fn bit(c: char) -> (usize, u64) {
    let low = c as u32 & 0xff;
    ((low >> 6) as usize, 1 << (low & 63))
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn as_if_each_were_searched_for(text in "[自動返信aあb]{0,20}") {
            let list = ["自動返信", "自動", "返信a", "ab", "あ自", ""];
            let one_by_one = list.iter().any(|word| !word.is_empty() && text.contains(word));
            let any = AnyOf::new(&list);
            proptest::prop_assert_eq!(any.is_in(&text), one_by_one);
            let starts: Vec<&str> = list.into_iter().filter(|w| !w.is_empty() && text.starts_with(w)).collect();
            proptest::prop_assert_eq!(any.at_start(&text).collect::<Vec<_>>(), starts);
            proptest::prop_assert_eq!(any.is_one(&text), !text.is_empty() && list.contains(&text.as_str()));
            let shortest = list.iter().filter(|w| !w.is_empty()).filter_map(|w| text.strip_prefix(w));
            proptest::prop_assert_eq!(any.off_start(&text), shortest.min_by_key(|rest| rest.len()));
        }
    }
}
