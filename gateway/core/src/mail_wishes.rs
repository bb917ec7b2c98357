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
    let (mut asked, mut times, mut quiet) = (false, false, false);
    let mut days = String::new();
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
            if quiet {
                let (from, until) = span(&word)?;
                boxes.push(format!("quiet_{}_{}", digits(from), digits(until)));
                quiet = false;
                continue;
            }
            match wish(&word)? {
                Wish::Box(name) => boxes.push(name.to_owned()),
                Wish::Digest => {
                    times = true;
                    boxes.push("prefer_digest".to_owned());
                }
                // A time or a day says nothing without まとめ便 before it.
                Wish::At(_) | Wish::Days(_) if !times => return None,
                Wish::Days(more) => {
                    // 月・水・金 is one list; after a time a new one begins.
                    let last_is_time = boxes.last().is_some_and(|b| b.starts_with("digest_"));
                    if last_is_time || more == EVERY_DAY {
                        days.clear();
                    }
                    days.push_str(&more);
                }
                Wish::At(at) => boxes.push(format!("digest_{}{days}", digits(at))),
                Wish::Quiet => quiet = true,
            }
        }
    }
    let dangling = boxes.last().is_some_and(|b| b == "prefer_digest") && !days.is_empty();
    (!boxes.is_empty() && !quiet && !dangling).then_some(boxes)
}

/// Whether a word can stand in such a request.
pub(crate) fn is_wish(piece: &str) -> bool {
    let piece = piece.to_lowercase();
    words(&piece).iter().all(|w| wish(w).is_some() || span(w).is_some())
}

const VERBS: [&str; 3] = ["設定変更", "設定", "settings"];

enum Wish {
    Box(&'static str),
    Digest,
    Days(String),
    At(ClockTime),
    Quiet,
}

const EVERY_DAY: &str = "_mon_tue_wed_thu_fri_sat_sun";

/// `平日`, `月水金`, `月曜`, as the days of a box.
fn days_of(word: &str) -> Option<String> {
    match word {
        "毎日" => return Some(EVERY_DAY.to_owned()),
        "平日" => return Some("_mon_tue_wed_thu_fri".to_owned()),
        "土日" => return Some("_sat_sun".to_owned()),
        _ => {}
    }
    let mut days = String::new();
    for c in word.replace("曜日", "").replace('曜', "").chars() {
        days.push_str(match c {
            '月' => "_mon",
            '火' => "_tue",
            '水' => "_wed",
            '木' => "_thu",
            '金' => "_fri",
            '土' => "_sat",
            '日' => "_sun",
            _ => return None,
        });
    }
    (!days.is_empty()).then_some(days)
}

fn digits(at: ClockTime) -> String {
    format!("{:02}{:02}", at.hour(), at.minute())
}

/// `20:00-7:30`.
fn span(word: &str) -> Option<(ClockTime, ClockTime)> {
    let (from, until) = word.split_once(['-', '~', '〜', '–'])?;
    Some((clock(from.trim_end_matches("から"))?, clock(until.trim_end_matches("まで"))?))
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
        "休み時間帯" => Wish::Quiet,
        "休み時間帯なし" | "休み時間帯不要" => Wish::Box("quiet_none"),
        days if days_of(days).is_some() => Wish::Days(days_of(days)?),
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
        if let Some(rest) = piece.strip_prefix("休み時間帯:") {
            all.extend(["休み時間帯", rest].map(str::to_owned));
            continue;
        }
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
            (
                "設定 まとめ便 平日 9:00 15:00",
                "prefer_digest digest_0900_mon_tue_wed_thu_fri digest_1500_mon_tue_wed_thu_fri",
            ),
            ("設定 まとめ便 月・水 9:00 金曜 15:00", "prefer_digest digest_0900_mon_wed digest_1500_fri"),
            ("設定 休み時間帯 20:00-7:30", "quiet_2000_0730"),
            ("設定 休み時間帯:20時〜7時半 夜間不可", "quiet_2000_0730 night_no"),
            ("設定 休み時間帯なし", "quiet_none"),
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
            "設定 月水 9:00",
            "設定 まとめ便 月水",
            "設定 休み時間帯",
            "設定 休み時間帯 夜",
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
