//! How a member wants to receive, written in words after 設定 (care-network.md 6.4): まとめ便 8:45 15:30, 即時,
//! 緊急だけ即時, 夜間不可. Read into the boxes of a 設定票, so that paper and mail mean the same. Whatever is not
//! one of these words makes the whole unreadable: a person asks then, nothing is guessed.

use crate::directory::ClockTime;
use crate::reply_words::is_courtesy_line;
use crate::text::fold::narrow;

/// Most words of one request.
const MOST: usize = 16;
/// Longest text that is read, in characters.
const MAX_CHARS: usize = 300;

/// The boxes that a text means which asks for a change of settings and for nothing else.
#[must_use]
pub fn read(text: &str) -> Option<Vec<String>> {
    if text.chars().count() > MAX_CHARS {
        return None;
    }
    let folded = narrow(text).to_lowercase();
    let mut boxes = Vec::new();
    let (mut asked, mut times) = (false, false);
    for line in folded.lines().map(str::trim).filter(|l| !l.is_empty() && !is_courtesy_line(l)) {
        let line = line.trim_start_matches(['[', '【', '「', '■', '*', ' ']);
        let line = match (asked, VERBS.iter().find_map(|v| line.strip_prefix(v))) {
            (false, Some(rest)) => rest,
            (true, None) => line,
            _ => return None,
        };
        asked = true;
        for word in words(line) {
            if boxes.len() >= MOST {
                return None;
            }
            match wish(&word)? {
                Wish::Box(name) => boxes.push(name.to_owned()),
                Wish::Digest => {
                    times = true;
                    boxes.push("prefer_digest".to_owned());
                }
                // A time says nothing without まとめ便 before it.
                Wish::At(at) if times => boxes.push(format!("digest_{:02}{:02}", at.hour(), at.minute())),
                Wish::At(_) => return None,
            }
        }
    }
    (!boxes.is_empty()).then_some(boxes)
}

/// Whether a word can stand in such a request.
pub(crate) fn is_wish(piece: &str) -> bool {
    let piece = piece.to_lowercase();
    words(&piece).iter().all(|w| wish(w).is_some())
}

const VERBS: [&str; 3] = ["設定変更", "設定", "settings"];

enum Wish {
    Box(&'static str),
    Digest,
    At(ClockTime),
}

fn wish(word: &str) -> Option<Wish> {
    Some(match word {
        "まとめ便" | "まとめ便で" | "まとめ便に" | "まとめ便希望" | "digest" => {
            Wish::Digest
        }
        "まとめ便なし" | "まとめ便不要" => Wish::Box("digest_none"),
        "即時" | "即時便" | "即時で" | "すべて即時" | "全部即時" | "instant" => {
            Wish::Box("prefer_instant")
        }
        "緊急だけ即時" | "緊急のみ即時" => Wish::Box("instant_emergency"),
        "至急から即時" | "至急以上即時" => Wish::Box("instant_urgent"),
        "夜間可" => Wish::Box("night_ok"),
        "夜間不可" | "夜間は不可" => Wish::Box("night_no"),
        time => Wish::At(clock(time)?),
    })
}

/// `8:45`, `8時`, `8時半`, `8時45分`.
fn clock(word: &str) -> Option<ClockTime> {
    let (hour, minute) = if let Some((hour, rest)) = word.split_once('時') {
        let minute = match rest.trim_end_matches('分') {
            "" => "00",
            "半" => "30",
            minute => minute,
        };
        (hour, minute)
    } else {
        word.split_once(':')?
    };
    let digits = |text: &str| !text.is_empty() && text.len() <= 2 && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(hour) || !digits(minute) || minute.len() != 2 {
        return None;
    }
    ClockTime::new(hour.parse().ok()?, minute.parse().ok()?)
}

/// The words of a line, a time parted from the word that it follows: `まとめ便:8:45` is two.
fn words(line: &str) -> Vec<String> {
    let line = line.trim_matches([']', '】', '」', ':', ' ', '。', '、']);
    let line = SENTENCE_ENDS.iter().find_map(|end| line.strip_suffix(end)).unwrap_or(line);
    let marks = [' ', '、', '。', ',', '/', '・', '(', ')', '\u{3000}'];
    let mut all = Vec::new();
    for piece in line.split(marks).filter(|p| !p.is_empty()) {
        match piece.strip_prefix("まとめ便").map(|rest| rest.trim_start_matches(':')) {
            Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => {
                all.push("まとめ便".to_owned());
                all.push(rest.to_owned());
            }
            _ => all.push(piece.to_owned()),
        }
    }
    all
}

/// What politeness puts behind.
const SENTENCE_ENDS: [&str; 10] = [
    "をお願いいたします",
    "をお願いします",
    "でお願いいたします",
    "でお願いします",
    "にしてください",
    "お願いします",
    "を希望します",
    "希望します",
    "を希望",
    "希望",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_become_boxes_of_the_sheet() {
        for (text, boxes) in [
            ("設定 まとめ便:8:45 15:30", "prefer_digest digest_0845 digest_1530"),
            ("設定　まとめ便　８時４５分、１５時半", "prefer_digest digest_0845 digest_1530"),
            ("設定変更 まとめ便でお願いします", "prefer_digest"),
            ("お世話になっております。\n設定 即時 夜間不可\nよろしくお願いします", "prefer_instant night_no"),
            ("【設定】緊急だけ即時", "instant_emergency"),
            ("設定\nまとめ便なし\n夜間可", "digest_none night_ok"),
            ("settings digest 9:00", "prefer_digest digest_0900"),
        ] {
            let read = read(text).unwrap_or_default().join(" ");
            assert_eq!(read, boxes, "{text}");
            assert_eq!(crate::requests::request(text), Some(crate::vocabulary::Intent::Preference), "{text}");
        }
        for text in [
            "",
            "設定",
            "設定変更をお願いします",
            "設定 8:45",
            "設定 まとめ便 月水 9:00",
            "設定 まとめ便 25:00",
            "設定していただいたベッドの件",
            "まとめ便 8:45",
            "設定 即時\n発熱しています",
            "状況",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn total(text in ".*", like in "設定[まとめ便即時夜間不可なし: 0-9時半分、\n]{0,30}") {
            let _ = read(&text);
            if let Some(boxes) = read(&like) {
                proptest::prop_assert!(boxes.iter().all(|b| crate::paper_request::is_setting(b)));
            }
        }
    }
}
