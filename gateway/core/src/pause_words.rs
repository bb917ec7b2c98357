//! 休止 in words (care-network.md 6.4): 「休止 8/12-8/16 代理:木下」 in the ways people write dates and names, and 「再開」.
//! Whatever is not fully understood is no request that a machine may act on: without an end date, with a date
//! that could be of another year, or with words besides, a person asks.

use crate::clock::UtcMicros;
use crate::reply_words::is_courtesy_line;
use crate::text::fold::narrow;
use jiff::ToSpan as _;
use jiff::civil::{Date, Time};

/// Longest text that is read, in characters.
const MAX_CHARS: usize = 300;
/// A date without a year that lies further ahead is asked about: it may be one that has passed.
const AHEAD_DAYS: i32 = 200;
/// A leave without a year began no longer ago than this.
const BEGUN_DAYS: i32 = 60;
/// Longest name of a substitute, in characters.
const MAX_NAME: usize = 20;

/// What a text asks for that speaks of 休止 and of nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PauseWish {
    /// 休止.
    Pause {
        /// From, midnight or now.
        from: UtcMicros,
        /// The midnight after the last day.
        until: UtcMicros,
        /// 代理 as written.
        substitute: Option<String>,
    },
    /// 再開, 休止の取消.
    Resume,
}

/// Reads it; `now` gives the year.
#[must_use]
pub fn read(text: &str, now: UtcMicros) -> Option<PauseWish> {
    if text.chars().count() > MAX_CHARS {
        return None;
    }
    let folded = narrow(text);
    let mut rest = String::new();
    let mut asked = false;
    for line in folded.lines().map(str::trim).filter(|l| !l.is_empty() && !is_courtesy_line(l)) {
        let line =
            line.trim_start_matches(['[', '【', '「', '■', '*', ' ']).trim_end_matches(['。', '!', ' ']);
        let lower = line.to_ascii_lowercase();
        if !asked && RESUME.contains(&lower.trim_end_matches(['」', ']', '】'])) {
            asked = true;
            rest.push_str("再開");
            continue;
        }
        let after =
            (!asked).then(|| VERBS.iter().find_map(|v| lower.starts_with(v).then(|| &line[v.len()..])));
        match after {
            Some(None) => return None,
            Some(Some(after)) => rest.push_str(after.trim_start_matches(['」', ']', '】', ':', ' '])),
            None => rest.push_str(line),
        }
        asked = true;
        rest.push('\n');
    }
    match rest.trim() {
        "再開" => Some(PauseWish::Resume),
        "" => None,
        rest => {
            let (period, substitute) = part(rest)?;
            let (from, until) = days(&period, now.in_japan().date())?;
            let midnight = |date: Date| UtcMicros::from_japan(date.to_datetime(Time::midnight()));
            let (from, until) = (midnight(from)?, midnight(until.checked_add(1.day()).ok()?)?);
            (until > now).then_some(PauseWish::Pause { from, until, substitute })
        }
    }
}

const VERBS: [&str; 5] = ["休止", "お休み", "休み", "休暇", "pause"];
const RESUME: [&str; 10] = [
    "再開",
    "再開します",
    "再開してください",
    "再開をお願いします",
    "再開お願いします",
    "休止取消",
    "休止 取消",
    "休止の取消",
    "休止を取り消します",
    "resume",
];

/// The dates and the name of the substitute.
fn part(text: &str) -> Option<(String, Option<String>)> {
    let mut period = String::new();
    let mut substitute = None;
    for line in text.lines() {
        let (dates, name) = match line.find("代理") {
            Some(at) => (&line[..at], Some(&line[at + "代理".len()..])),
            None => (line, None),
        };
        if let Some(name) = name {
            let name = name.trim_start_matches([':', ' ', 'は', '\u{3000}', '(', '=']);
            let name = ENDS.iter().find_map(|e| name.strip_suffix(e)).unwrap_or(name);
            let name = name.trim_matches([' ', ')', '。', '、', ':']);
            let name =
                ["様", "さん", "先生"].iter().find_map(|t| name.strip_suffix(t)).unwrap_or(name).trim();
            let plain = name.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | 'ー' | '々' | '・'));
            let none = matches!(name, "なし" | "無し" | "無" | "いません");
            if name.is_empty() || !plain || name.chars().count() > MAX_NAME || substitute.is_some() {
                return None;
            }
            if !none {
                substitute = Some(name.to_owned());
            }
        }
        let dates = dates.trim().trim_end_matches(['、', ',', ' ', '(']);
        for label in ["期間", "休止期間"] {
            if let Some(rest) = dates.strip_prefix(label) {
                period.push_str(rest.trim_start_matches([':', ' ']));
            }
        }
        if !dates.starts_with("期間") && !dates.starts_with("休止期間") {
            period.push_str(dates);
        }
        period.push(' ');
    }
    let mut period = period.trim().to_owned();
    for end in ENDS {
        if let Some(shorter) = period.strip_suffix(end) {
            period = shorter.trim().to_owned();
        }
    }
    Some((period, substitute))
}

/// What politeness puts behind.
const ENDS: [&str; 10] = [
    "をお願いいたします",
    "をお願いします",
    "お願いいたします",
    "お願いします",
    "いたします",
    "にします",
    "とします",
    "します",
    "です",
    "休み",
];

/// First and last day.
fn days(text: &str, today: Date) -> Option<(Date, Date)> {
    let plain = without_weekdays(text);
    let mut marks = String::new();
    let mut rest = plain.as_str();
    let mut open_start = false;
    // Everything that joins two dates becomes one mark.
    'next: while let Some(c) = rest.chars().next() {
        for word in ["から", "より", "〜", "~", "–", "—", "‐", "―", "→", "ー", "－"] {
            if let Some(after) = rest.strip_prefix(word) {
                marks.push('~');
                rest = after;
                continue 'next;
            }
        }
        if let Some(after) = rest.strip_prefix("まで") {
            open_start = true;
            rest = after;
            continue;
        }
        if let Some(after) = rest.strip_prefix("令和") {
            marks.push('R');
            rest = after.trim_start();
            continue;
        }
        match c {
            '年' | '月' | '.' => marks.push('/'),
            '日' | ' ' | '\u{3000}' => {}
            c => marks.push(c),
        }
        rest = rest.get(c.len_utf8()..)?;
    }
    let marks = iso_dates(&marks);
    let parts: Vec<&str> = marks.split(['~', '-']).filter(|p| !p.is_empty()).collect();
    let (first, last) = match parts.as_slice() {
        [one] if open_start || marks.starts_with('~') || marks.starts_with('-') => {
            (None, Written::read(one, None)?)
        }
        // An open end is no end date.
        [_] if marks.ends_with('~') || marks.ends_with('-') => return None,
        [one] => (Some(Written::read(one, None)?), Written::read(one, None)?),
        [first, last] => {
            let first = Written::read(first, None)?;
            (Some(first), Written::read(last, Some(first.month))?)
        }
        _ => return None,
    };
    let end = last.after(today)?;
    let begin = match first {
        None => today,
        // Without a year it began lately or begins: 8/16-8/12 is a slip and not a year.
        Some(first) => first.before(end).filter(|begin| {
            first.year.is_some() || begin.until(today).is_ok_and(|ago| ago.get_days() <= BEGUN_DAYS)
        })?,
    };
    let length = begin.until(end).ok()?.get_days();
    (begin <= end && (0..=366).contains(&length)).then_some((begin, end))
}

/// `2026-08-12` written with the same mark that joins dates.
fn iso_dates(text: &str) -> String {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(c) = text.get(at..).and_then(|t| t.chars().next()) {
        let year = (0..4).all(|i| digit(at + i)) && (at == 0 || !digit(at - 1));
        let iso = year && bytes.get(at + 4) == Some(&b'-') && digit(at + 5);
        if let (true, Some(day_mark)) = (iso, (at + 6..at + 8).find(|i| bytes.get(*i) == Some(&b'-'))) {
            out.push_str(&text[at..at + 4]);
            out.push('/');
            out.push_str(&text[at + 5..day_mark]);
            out.push('/');
            at = day_mark + 1;
            continue;
        }
        out.push(c);
        at += c.len_utf8();
    }
    out
}

/// `8/12(水)` without its day of the week.
fn without_weekdays(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(open) = rest.find('(') {
        let (before, after) = rest.split_at(open);
        out.push_str(before);
        match after.find(')') {
            Some(close) if after[1..close].chars().all(|c| "月火水木金土日祝・曜".contains(c)) => {
                rest = &after[close + 1..];
            }
            _ => {
                out.push('(');
                rest = &after[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// A day as written, perhaps without its year.
#[derive(Debug, Clone, Copy)]
struct Written {
    year: Option<i16>,
    month: i8,
    day: i8,
}

impl Written {
    fn read(text: &str, month: Option<i8>) -> Option<Self> {
        let (era, text) = match text.strip_prefix(['R', 'r']) {
            Some(rest) => (2018, rest),
            None => (0, text),
        };
        let text = text.trim_end_matches('/');
        let numbers: Vec<i16> = text
            .split('/')
            .map(|n| {
                (n.len() <= 4 && n.bytes().all(|b| b.is_ascii_digit())).then(|| n.parse().ok()).flatten()
            })
            .collect::<Option<_>>()?;
        let (year, month, day) = match (numbers.as_slice(), month) {
            ([y, m, d], _) => (Some(y + era), *m, *d),
            ([m, d], _) if era == 0 => (None, *m, *d),
            ([d], Some(month)) if era == 0 => (None, i16::from(month), *d),
            _ => return None,
        };
        let written = Self { year, month: i8::try_from(month).ok()?, day: i8::try_from(day).ok()? };
        // The 29th of February is a day of some year.
        (1..=12).contains(&written.month).then_some(())?;
        (1..=31).contains(&written.day).then_some(written)
    }

    fn in_year(self, year: i16) -> Option<Date> {
        Date::new(year, self.month, self.day).ok()
    }

    /// The day from `today` on.
    fn after(self, today: Date) -> Option<Date> {
        if let Some(year) = self.year {
            return self.in_year(year).filter(|d| *d >= today);
        }
        let date = [today.year(), today.year() + 1]
            .into_iter()
            .filter_map(|y| self.in_year(y))
            .find(|d| *d >= today)?;
        (today.until(date).ok()?.get_days() <= AHEAD_DAYS).then_some(date)
    }

    /// The last such day up to `end`.
    fn before(self, end: Date) -> Option<Date> {
        if let Some(year) = self.year {
            return self.in_year(year);
        }
        [end.year(), end.year() - 1].into_iter().filter_map(|y| self.in_year(y)).find(|d| *d <= end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> UtcMicros {
        UtcMicros::from_rfc3339(&format!("{text}:00+09:00")).unwrap()
    }

    fn shown(text: &str, now: &str) -> String {
        match read(text, at(now)) {
            None => "-".to_owned(),
            Some(PauseWish::Resume) => "resume".to_owned(),
            Some(PauseWish::Pause { from, until, substitute }) => format!(
                "{} {} {}",
                from.in_japan().date(),
                until.plus_seconds(-1).in_japan().date(),
                substitute.unwrap_or_default()
            ),
        }
    }

    #[test]
    fn periods_as_people_write_them() {
        for (text, want) in [
            ("休止 8/12-8/16 代理:木下", "2026-08-12 2026-08-16 木下"),
            ("休止　８／１２〜８／１６\n代理：木下", "2026-08-12 2026-08-16 木下"),
            ("休止 8月12日(水)から8月16日(日)まで 代理 木下様", "2026-08-12 2026-08-16 木下"),
            ("休止 8/12~16 代理は木下昌平です", "2026-08-12 2026-08-16 木下昌平"),
            ("休止 2026/8/12-2026/8/16", "2026-08-12 2026-08-16 "),
            ("休止 2026-08-12〜2026-08-16", "2026-08-12 2026-08-16 "),
            ("休止 令和8年8月12日〜8月16日", "2026-08-12 2026-08-16 "),
            ("休止 R8.8.12-R8.8.16 代理:なし", "2026-08-12 2026-08-16 "),
            ("休止 8/16まで", "2026-08-09 2026-08-16 "),
            ("休止 8/12", "2026-08-12 2026-08-12 "),
            (
                "お世話になっております。\n休止\n期間:8/12〜8/16\n代理:木下\nよろしくお願いします",
                "2026-08-12 2026-08-16 木下",
            ),
            ("【休止】8/12-8/16", "2026-08-12 2026-08-16 "),
            ("休止 12/28-1/4", "2026-12-28 2027-01-04 "),
            ("pause 8/12-8/16", "2026-08-12 2026-08-16 "),
            ("再開", "resume"),
            ("休止 取消", "resume"),
            ("お世話になっております。\n再開します。", "resume"),
        ] {
            assert_eq!(shown(text, "2026-08-09T10:00"), want, "{text}");
        }
        assert_eq!(
            shown("休止 8/12-8/16 代理:木下", "2026-08-13T10:00"),
            "2026-08-12 2026-08-16 木下",
            "begun"
        );
    }

    #[test]
    fn what_could_mean_something_else_is_asked() {
        for text in [
            "",
            "休止",
            "休止 8/12から",
            "休止 8/16-8/12",
            "休止 5/1-5/5",
            "休止 2/30-3/2",
            "休止 8/12-8/16-8/20",
            "休止 8/12-8/16\n発熱しています",
            "休止 8/12-8/16 代理:木下\n代理:高梨",
            "休止 8/12-8/16 代理:木下か高梨に電話で相談してください、よろしくお願いします",
            "休止 明日から",
            "休止は8/12です",
            "8/12-8/16 休止",
            "再開はいつですか",
            "休止 2025/8/12-2025/8/16",
        ] {
            assert_eq!(shown(text, "2026-08-09T10:00"), "-", "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn total_and_never_backwards(text in ".*", like in "休止[ 0-9/〜~月日年令和まで代理:木下(水)\n.R-]{0,30}") {
            let now = at("2026-08-09T10:00");
            let _ = read(&text, now);
            if let Some(PauseWish::Pause { from, until, .. }) = read(&like, now) {
                proptest::prop_assert!(from < until && until > now);
                proptest::prop_assert!(until.seconds_since(from) <= 367 * 24 * 3600);
            }
        }
    }
}
