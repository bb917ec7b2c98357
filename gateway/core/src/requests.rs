//! Requests to the network itself that a member writes in a word: 休止, 了解状況, 担当終了, 設定変更
//! (care-network.md 6.2 and 6.4). Read only where the whole text is the request; a word inside a sentence
//! is no request. Nothing is changed here: who may ask for what is decided from the identity level.

use crate::mail_wishes::is_wish;
use crate::text::fold::{lower, narrow};
use crate::vocabulary::Intent;
use std::borrow::Cow;

/// Longest text that can be a request, in characters.
const MAX_CHARS: usize = 300;

/// What a text asks for, if it asks for nothing else.
#[must_use]
pub fn request(text: &str) -> Option<Intent> {
    if text.chars().count() > MAX_CHARS {
        return None;
    }
    let folded = narrow(text);
    // Most texts ask for nothing, and whether a line is a mere courtesy is asked of many words.
    if !folded.lines().any(|line| verb(&bare(line.trim())).is_some()) {
        return None;
    }
    let mut asked = None;
    for line in folded.lines().map(str::trim).filter(|l| !l.is_empty()) {
        if crate::reply_words::is_courtesy_line(line) {
            continue;
        }
        let line = bare(line);
        match (asked, verb(&line)) {
            // 「状況?」 asks for what the word asks for; 「休止?」 asks a person.
            (None, Some((Intent::SeeReceipts, rest)))
                if is_detail(rest.trim_end_matches(['?', '」', '』'])) =>
            {
                asked = Some(Intent::SeeReceipts);
            }
            (None, Some((found, rest))) if is_detail(rest) => asked = Some(found),
            // Dates, the substitute and the like may stand on lines of their own.
            (Some(_), None) if is_detail(&line) => {}
            _ => return None,
        }
    }
    asked
}

/// A line without what opens it and with its verb closed up.
fn bare(line: &str) -> Cow<'_, str> {
    let line = line.trim_start_matches(['[', '【', '「', '『', '"', '\'', '“', '(', '<', '■', '*', '※', ' ']);
    closed_up(line).map_or(Cow::Borrowed(line), Cow::Owned)
}

/// `休 止 8/12-8/16` as 「休止 8/12-8/16」: two signs set apart to look well.
fn closed_up(line: &str) -> Option<String> {
    let mut words = line.split(' ');
    let (first, second) = (words.next()?, words.next()?);
    let apart = first.chars().count() == 1 && second.chars().count() == 1;
    if !apart {
        return None;
    }
    let word = format!("{first}{second}");
    let known = verb(&word).is_some_and(|(_, rest)| rest.is_empty());
    known.then(|| std::iter::once(word.as_str()).chain(words).collect::<Vec<_>>().join(" "))
}

/// The verb at the start of a line and what follows it.
fn verb(line: &str) -> Option<(Intent, &str)> {
    const VERBS: &[(&str, Intent)] = &[
        ("了解状況希望", Intent::SeeReceipts),
        ("了解状況", Intent::SeeReceipts),
        ("既読状況", Intent::SeeReceipts),
        ("状況", Intent::SeeReceipts),
        ("status", Intent::SeeReceipts),
        ("担当終了", Intent::LeaveGroup),
        ("担当を終了します", Intent::LeaveGroup),
        ("担当をはずれます", Intent::LeaveGroup),
        ("担当を外れます", Intent::LeaveGroup),
        ("休止", Intent::Pause),
        ("再開", Intent::Pause),
        ("resume", Intent::Pause),
        ("お休み", Intent::Pause),
        ("pause", Intent::Pause),
        ("設定変更", Intent::Preference),
        ("設定", Intent::Preference),
        ("settings", Intent::Preference),
    ];
    let lower = lower(line.to_owned());
    VERBS.iter().find_map(|(word, intent)| {
        lower.starts_with(word).then(|| (*intent, line.get(word.len()..).unwrap_or("")))
    })
}

/// Nothing but particulars: dates, times, numbers, a substitute, a courtesy. A sentence is none.
fn is_detail(rest: &str) -> bool {
    let marks = [']', '】', '」', '』', '"', '\'', '”', ')', '>', '※', '*', ':', ' ', '。', '、'];
    let mut rest = rest.trim().trim_start_matches(marks).to_owned();
    // 「代理 木下」 says what 「代理:木下」 says.
    rest = rest.replace("代理 ", "代理:");
    for word in [
        "。よろしくお願いいたします",
        "。よろしくお願いします",
        "。よろしくお願い致します",
        "。宜しくお願いいたします",
        "。宜しくお願いします",
        "。宜しくお願い致します",
        "をお願いいたします",
        "をお願いします",
        "お願いいたします",
        "お願いします",
        "を希望します",
        "を希望",
        "希望",
        "します",
        "です",
        "ください",
        "を取り消します",
        "の取消",
        "取消",
        "を教えて",
        "教えて",
    ] {
        if let Some(shorter) = rest.trim_end_matches(['。', '!', ' ']).strip_suffix(word) {
            rest = shorter.to_owned();
        }
    }
    rest.split([' ', '、', ',', '/', '(', ')']).all(|piece| {
        let piece = piece.trim_matches(['。', '!', '」', '』', '"', '\'', '”']);
        let named =
            ["代理", "期間", "開始", "終了", "いつから", "いつまで", "まとめ便", "即時便", "夜間", "時刻"];
        piece.is_empty()
            || named
                .iter()
                .any(|n| piece.strip_prefix(n).is_some_and(|v| is_value(v.trim_start_matches([':', 'は']))))
            || is_period(piece)
            || is_wish(piece)
    })
}

/// A name or a short value: no particle that makes a sentence of it.
fn is_value(value: &str) -> bool {
    value.chars().count() <= 20 && !value.contains(['を', 'が', 'は', 'に', 'て', '。', '?'])
}

/// Dates, times and what joins them.
fn is_period(piece: &str) -> bool {
    piece.chars().all(|c| {
        c.is_ascii_digit()
            || matches!(
                c,
                '-' | '~'
                    | '〜'
                    | ':'
                    | '.'
                    | '月'
                    | '日'
                    | '年'
                    | '時'
                    | '分'
                    | 'か'
                    | 'ら'
                    | 'ま'
                    | 'で'
                    | 'よ'
                    | 'り'
                    | '→'
                    | '―'
                    | '令'
                    | '和'
                    | 'R'
                    | 'ー'
                    | '–'
                    | '火'
                    | '水'
                    | '木'
                    | '金'
                    | '土'
            )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_requests_and_sentences() {
        for (text, want) in [
            ("休止 8/12-8/16 代理:木下", Intent::Pause),
            ("休止　８／１２〜８／１６\n代理：木下", Intent::Pause),
            ("お世話になっております。\n休止 8/12-8/16\nよろしくお願いします", Intent::Pause),
            ("再開します", Intent::Pause),
            ("休止 取消", Intent::Pause),
            ("休止 8月12日(水)から8月16日(日)まで 代理は木下です", Intent::Pause),
            ("状況", Intent::SeeReceipts),
            ("了解状況を教えてください", Intent::SeeReceipts),
            ("担当終了", Intent::LeaveGroup),
            ("担当終了 6月30日", Intent::LeaveGroup),
            ("【担当終了】", Intent::LeaveGroup),
            ("設定 まとめ便:8:45 15:30", Intent::Preference),
            ("設定変更をお願いします", Intent::Preference),
            ("『状況』", Intent::SeeReceipts),
            ("\"状況\"", Intent::SeeReceipts),
            ("状況？", Intent::SeeReceipts),
            ("状 況", Intent::SeeReceipts),
            ("休　止 8/12-8/16 代理:木下", Intent::Pause),
            ("休止 ８月１２日〜８月１６日\n代理　木下", Intent::Pause),
            ("「休止 8/12-8/16 代理:木下」", Intent::Pause),
            ("担当終了です。よろしくお願いします。", Intent::LeaveGroup),
        ] {
            assert_eq!(request(text), Some(want), "{text}");
        }
        for text in [
            "",
            "休止になったのは入浴です",
            "状況は落ち着いています",
            "状況 38.5℃です。受診しますか",
            "8/12から休止です",
            "再開は8/12です",
            "担当終了の件ですが、明日うかがいます",
            "設定していただいたベッドの件",
            "休止 8/12-8/16\n発熱しています",
            "休止？",
            "休 止めました",
            "状況は？",
            "担当終了しました。ありがとうございました",
            "代理 木下が伺います",
            "リハビリ休止",
            "了解",
        ] {
            assert_eq!(request(text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn total(text in ".*", like in "[休止状況設定担当終了代理: 0-9/\\-月日\n。まで]{0,30}") {
            let _ = request(&text);
            let _ = request(&like);
        }
    }
}
