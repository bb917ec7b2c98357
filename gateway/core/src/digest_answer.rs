//! Answers to a まとめ便 by number: 「1 了解 2 明日伺います」 as one mail for several posts
//! (care-network.md 6.4, "on digests all or per line"). Each numbered answer becomes an Envelope of its own
//! that acts on its own item. Whatever does not clearly say which item it means stays one message for a
//! person to part.

use crate::envelope::Envelope;
use crate::facts::{CodeEntry, CodeFacts, Facts};
use crate::reply_words::{asks_callback, is_only_acknowledgement};
use crate::text::fold::narrow;
use crate::vocabulary::{Channel, Intent};

/// Longest text that is taken apart, in characters.
const MAX_CHARS: usize = 20_000;
/// A number of a digest has at most two digits; 120 is a blood pressure.
const MAX_NUMBER: usize = 99;

/// Parts an answer to a digest. `None` if it is none, or says not clearly to which items it belongs.
#[must_use]
pub fn split(envelope: &Envelope, facts: &Facts) -> Option<Vec<(Envelope, Facts)>> {
    let human = matches!(envelope.intent, Intent::Reply | Intent::Acknowledgement | Intent::Callback);
    if envelope.channel != Channel::Email || !human || !envelope.attachments.is_empty() {
        return None;
    }
    let entry = match (&facts.code, &facts.thread) {
        (CodeFacts::Known(entry), _) => entry.as_ref(),
        (CodeFacts::Absent | CodeFacts::Unknown, Some(entry)) => entry,
        (CodeFacts::Absent | CodeFacts::Unknown, None) => return None,
    };
    if entry.post_id.is_some() || entry.items.len() < 2 {
        return None;
    }
    let answers = read(envelope.body.as_deref()?, entry.items.len())?;
    answers.into_iter().map(|(number, words)| part(envelope, facts, entry, number, words)).collect()
}

fn part(
    envelope: &Envelope,
    facts: &Facts,
    entry: &CodeEntry,
    number: usize,
    words: String,
) -> Option<(Envelope, Facts)> {
    let item = entry.items.get(number.checked_sub(1)?)?.clone();
    let mut own = envelope.clone();
    own.intent = if is_only_acknowledgement(&words) {
        Intent::Acknowledgement
    } else if asks_callback(&words) {
        Intent::Callback
    } else {
        Intent::Reply
    };
    own.body = Some(words);
    let narrowed = CodeEntry {
        post_id: Some(item.post_id.clone()),
        topic_id: Some(item.topic_id.clone()),
        group_id: Some(item.group_id.clone()),
        items: vec![item],
        ..entry.clone()
    };
    let mut own_facts = facts.clone();
    match own_facts.code {
        CodeFacts::Known(_) => own_facts.code = CodeFacts::Known(Box::new(narrowed)),
        CodeFacts::Absent | CodeFacts::Unknown => own_facts.thread = Some(narrowed),
    }
    Some((own, own_facts))
}

/// The numbered answers of a text to `count` items: number from 1, words. Numbers ascend; one stands at the
/// start of a line, or behind a number whose words are no more than 了解 or 折返し. 「全部了解」 answers all.
#[must_use]
pub fn read(text: &str, count: usize) -> Option<Vec<(usize, String)>> {
    if text.chars().count() > MAX_CHARS || count > MAX_NUMBER {
        return None;
    }
    let text = narrow(text);
    if let Some(rest) =
        ["全部", "すべて", "全て", "全件", "all"].iter().find_map(|w| text.trim().strip_prefix(w))
        && is_only_acknowledgement(rest.trim_start_matches(['、', ',', ' ', 'を', 'と', 'も']))
    {
        return Some((1..=count).map(|n| (n, "了解".to_owned())).collect());
    }
    let mut answers: Vec<(Vec<usize>, String)> = Vec::new();
    for line in text.lines() {
        let mut rest = line.trim();
        while !rest.is_empty() {
            if let Some((numbers, after)) = numbers(rest, count, last(&answers)) {
                let (words, next) = first_answer(after, count, numbers.last().copied().unwrap_or(0));
                answers.push((numbers, words.to_owned()));
                rest = next;
            } else {
                // A further line of the answer before it; before the first number it belongs to nobody.
                let (_, words) = answers.last_mut()?;
                words.push('\n');
                words.push_str(rest);
                rest = "";
            }
        }
    }
    let spread: Vec<(usize, String)> = answers
        .into_iter()
        .flat_map(|(numbers, words)| numbers.into_iter().map(move |n| (n, words.trim().to_owned())))
        .collect();
    (!spread.is_empty() && spread.iter().all(|(_, words)| !words.is_empty())).then_some(spread)
}

fn last(answers: &[(Vec<usize>, String)]) -> usize {
    answers.last().and_then(|(numbers, _)| numbers.last().copied()).unwrap_or(0)
}

/// `1`, `[1]`, `1.`, `(1)`, `1番`, `1,3` and the rest behind them.
fn numbers(text: &str, count: usize, after: usize) -> Option<(Vec<usize>, &str)> {
    let mut found = Vec::new();
    let mut last = after;
    let mut rest = text;
    loop {
        let inner = rest.trim_start_matches(['[', '(', '【', '#', '・']);
        let digits = inner.bytes().take_while(u8::is_ascii_digit).count();
        let number: usize = inner.get(..digits).filter(|d| (1..=2).contains(&d.len()))?.parse().ok()?;
        if number <= last || number > count {
            return None;
        }
        found.push(number);
        last = number;
        let behind = &inner[digits..];
        let behind = behind.strip_prefix("番").or_else(|| behind.strip_prefix("件目")).unwrap_or(behind);
        let closed = behind.trim_start_matches([']', ')', '】']);
        match closed.strip_prefix([',', '、', '・', '&']) {
            Some(more) if more.trim_start().starts_with(|c: char| c.is_ascii_digit()) => {
                rest = more.trim_start();
            }
            _ => {
                // Behind a number stands a mark or a blank; `1日` and `1.5` are no numbers of items.
                let marked = closed.len() != behind.len();
                let after = closed.trim_start_matches(['.', ':', ')', '、', ',', '→', ' ', '\u{3000}', '\t']);
                let parted = marked || after.len() != closed.len() || is_word(after);
                let fraction =
                    closed.starts_with(['.', ',']) && closed[1..].starts_with(|c: char| c.is_ascii_digit());
                return (parted && !fraction).then_some((found, after));
            }
        }
    }
}

fn is_word(text: &str) -> bool {
    ["了解", "承知", "確認", "折返", "拝受"].iter().any(|w| text.starts_with(w))
}

/// The words up to a further number in the same line.
fn first_answer(text: &str, count: usize, number: usize) -> (&str, &str) {
    for (at, c) in text.char_indices() {
        let starts = at > 0 && text[..at].ends_with([' ', '\u{3000}', '、', ',', '。', '/', ';']);
        if !starts || !(c.is_ascii_digit() || matches!(c, '[' | '(' | '【')) {
            continue;
        }
        let before = text[..at].trim_end_matches([' ', '\u{3000}', '、', ',', '/', ';']);
        let complete = is_only_acknowledgement(before) || asks_callback(before);
        if complete && numbers(&text[at..], count, number).is_some() {
            return (before, &text[at..]);
        }
    }
    (text, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, count: usize) -> Option<Vec<(usize, String)>> {
        read(text, count)
    }

    fn pairs(list: &[(usize, &str)]) -> Option<Vec<(usize, String)>> {
        Some(list.iter().map(|(n, w)| (*n, (*w).to_owned())).collect())
    }

    #[test]
    fn numbered_answers() {
        assert_eq!(of("1 了解 2 明日伺います", 3), pairs(&[(1, "了解"), (2, "明日伺います")]));
        assert_eq!(
            of("１　了解\n３：体重を測ります。\n46.9kgでした", 3),
            pairs(&[(1, "了解"), (3, "体重を測ります。\n46.9kgでした")])
        );
        assert_eq!(
            of("[1] 了解です\n[2] 折返しください", 2),
            pairs(&[(1, "了解です"), (2, "折返しください")])
        );
        assert_eq!(of("1了解、2了解", 2), pairs(&[(1, "了解"), (2, "了解")]));
        assert_eq!(of("1,3 了解", 3), pairs(&[(1, "了解"), (3, "了解")]));
        assert_eq!(of("全部了解です", 2), pairs(&[(1, "了解"), (2, "了解")]));
    }

    #[test]
    fn what_is_not_clear_stays_whole() {
        for (text, count) in [
            ("了解しました", 2),
            ("承知しました。1 了解", 2),
            ("1", 2),
            ("4 了解", 3),
            ("2 了解 1 了解", 0),
            ("1日3回になりました", 3),
            ("1.5mgに減量です", 3),
            ("120/80でした", 3),
            ("", 3),
        ] {
            assert_eq!(of(text, count), None, "{text}");
        }
        // A figure inside an answer is not the next item.
        assert_eq!(of("1 了解 2 体温 3 回測りました", 3), pairs(&[(1, "了解"), (2, "体温 3 回測りました")]));
    }

    proptest::proptest! {
        #[test]
        fn total_and_in_order(text: String, like in "([1-4]| |了解|、|\n|\\[|\\]|折返しください|血圧120){0,12}", count in 0_usize..5) {
            let _ = read(&text, count);
            if let Some(answers) = read(&like, count) {
                proptest::prop_assert!(answers.windows(2).all(|w| w[0].0 < w[1].0));
                proptest::prop_assert!(answers.iter().all(|(n, w)| (1..=count).contains(n) && !w.is_empty()));
            }
        }
    }
}
