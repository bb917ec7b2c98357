//! Whether a text holds one of many words, found in one pass over it however many they are. For closed lists of
//! phrases that every message is searched for; it never folds anything, text and words must be folded alike.

/// A closed list of words.
#[derive(Debug)]
pub struct AnyOf {
    /// First signs, sorted, and the words that begin with each.
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
        text.char_indices().any(|(at, c)| {
            let (slot, bit) = bit(c);
            self.begins[slot] & bit != 0
                && self
                    .words
                    .binary_search_by_key(&c, |(first, _)| *first)
                    .is_ok_and(|found| self.words[found].1.iter().any(|word| text[at..].starts_with(word)))
        })
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
            proptest::prop_assert_eq!(AnyOf::new(&list).is_in(&text), one_by_one);
        }
    }
}
