//! The nearest word of a list for one that is not in it, so that an error can say what was probably
//! meant. Used for field names, keys and codes; it suggests and never corrects.

/// The word of `known` that `wrong` was probably meant to be; `None` if nothing is near enough.
#[must_use]
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Longer than any word of ours: not worth comparing.
    if wrong.chars().count() > 64 {
        return None;
    }
    let wrong = wrong.to_lowercase();
    let last = |word: &str| word.rsplit('.').next().map(str::to_owned);
    let mut best: Option<(usize, &str)> = None;
    for word in known {
        let reach = (wrong.chars().count().max(word.chars().count()) / 3).max(1);
        let mut far = distance(&wrong, word);
        // `facility_type` for `sender.facility_type`: the right word without its prefix.
        if far > reach && last(word).as_deref() == Some(wrong.as_str()) {
            far = 1;
        }
        if far <= reach && best.is_none_or(|(least, _)| far < least) {
            best = Some((far, word));
        }
    }
    best.map(|(_, word)| word)
}

/// Edits (insert, delete, replace, swap of neighbours) between two words.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let same = usize::from(a[i - 1] != b[j - 1]);
            let mut least = (above[j - 1] + same).min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before[j - 2] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggestions() {
        let known = ["sender.facility_type", "channel", "contains", "contains_any", "urgency"];
        for (wrong, meant) in [
            ("sender.facilty_type", Some("sender.facility_type")),
            ("facility_type", Some("sender.facility_type")),
            ("chanel", Some("channel")),
            ("conatins", Some("contains")),
            ("URGENCY", Some("urgency")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(wrong, known), meant, "{wrong}");
        }
    }
}
