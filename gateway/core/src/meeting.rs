//! The one meeting that a post announces: 担当者会議, 退院前カンファレンス (care-network.md section 3 rows 4 and 9),
//! so that its day can go into the readers' calendars. Nothing is guessed: two possible times, a weekday
//! that does not fit its date, or a word of cancelling give none. It never looks at names or places.

use crate::clock::UtcMicros;
use crate::text::fold::narrow;
use jiff::ToSpan as _;
use jiff::civil::{Date, Time, Weekday};

/// Characters that are looked at.
const MAX_CHARS: usize = 4_000;
/// A day without a year is at most so far ahead.
const AHEAD_DAYS: i32 = 200;

/// A meeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meeting {
    /// What it is called, without anybody's name.
    pub kind: &'static str,
    /// Begins.
    pub starts_at: UtcMicros,
    /// Ends, if the text says so.
    pub ends_at: Option<UtcMicros>,
}

/// Words that announce a meeting, the more exact first.
const KINDS: &[(&str, &str)] = &[
    ("退院前カンファレンス", "退院前カンファレンス"),
    ("退院時カンファレンス", "退院時カンファレンス"),
    ("退院時共同指導", "退院時共同指導"),
    ("サービス担当者会議", "サービス担当者会議"),
    ("担当者会議", "サービス担当者会議"),
    ("カンファレンス", "カンファレンス"),
    ("カンファ", "カンファレンス"),
    ("地域ケア会議", "地域ケア会議"),
];
/// With one of these a person must read what became of the day.
const CANCELLED: &[&str] =
    &["中止", "延期", "取りやめ", "取り止め", "キャンセル", "候補", "いずれか", "調整中"];

/// The meeting that heading and text announce, if it is exactly one. `posted_at` gives the year.
#[must_use]
pub fn meeting_in(title: Option<&str>, body: &str, posted_at: UtcMicros) -> Option<Meeting> {
    let whole: String = format!("{}\n{body}", title.unwrap_or("")).chars().take(MAX_CHARS).collect();
    let text = narrow(&whole);
    let kind = KINDS.iter().find(|(word, _)| text.contains(word))?.1;
    if CANCELLED.iter().any(|word| text.contains(word)) {
        return None;
    }
    let today = posted_at.in_japan().date();
    let mut found: Vec<(UtcMicros, Option<UtcMicros>)> = Vec::new();
    let mut rest = text.as_str();
    let mut before = ' ';
    while let Some(c) = rest.chars().next() {
        if (c.is_ascii_digit() || matches!(c, '令' | 'R')) && !before.is_ascii_digit() {
            let mut scan = Scan { rest };
            match scan.moment(today) {
                Seen::At(from, until) => {
                    if !found.iter().any(|(known, _)| *known == from) {
                        found.push((from, until));
                    }
                }
                // A day that fits no calendar, or a weekday that belongs to another day.
                Seen::Contradicts => return None,
                Seen::Nothing => {}
            }
            let used = rest.len() - scan.rest.len();
            if used > 0 {
                before = rest[..used].chars().next_back().unwrap_or(' ');
                rest = scan.rest;
                continue;
            }
        }
        before = c;
        rest = &rest[c.len_utf8()..];
    }
    match found.as_slice() {
        [(starts_at, ends_at)] if *starts_at > posted_at => {
            Some(Meeting { kind, starts_at: *starts_at, ends_at: *ends_at })
        }
        _ => None,
    }
}

enum Seen {
    At(UtcMicros, Option<UtcMicros>),
    Contradicts,
    Nothing,
}

struct Scan<'a> {
    rest: &'a str,
}

impl Scan<'_> {
    fn blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\u{3000}']);
    }

    fn eat(&mut self, word: &str) -> bool {
        let trimmed = self.rest.trim_start_matches([' ', '\u{3000}']);
        match trimmed.strip_prefix(word) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn number(&mut self, max: usize) -> Option<i32> {
        let trimmed = self.rest.trim_start_matches([' ', '\u{3000}']);
        let digits = trimmed.bytes().take(max).take_while(u8::is_ascii_digit).count();
        let value = trimmed.get(..digits)?.parse().ok()?;
        self.rest = trimmed.get(digits..)?;
        Some(value)
    }

    /// A day with a time of day; takes what it has read even where that is none.
    fn moment(&mut self, today: Date) -> Seen {
        let Some((year, month, day)) = self.day() else { return Seen::Nothing };
        let weekday = self.weekday();
        self.eat("の");
        self.eat("、");
        self.eat(",");
        let Some(from) = self.time() else { return Seen::Nothing };
        let until = self.until(from);
        // 「6/10 12:00まで」 is a day by which an answer is wanted.
        let trimmed = self.rest.trim_start_matches([' ', '\u{3000}']);
        if until.is_none() && ["まで", "迄", "〆", "締"].iter().any(|w| trimmed.starts_with(w)) {
            return Seen::Nothing;
        }
        let Some(date) = dated(year, month, day, today) else { return Seen::Contradicts };
        if weekday.is_some_and(|w| w != date.weekday()) {
            return Seen::Contradicts;
        }
        let at = |time: Time| UtcMicros::from_japan(date.to_datetime(time));
        match at(from) {
            Some(starts) => Seen::At(starts, until.and_then(at)),
            None => Seen::Contradicts,
        }
    }

    fn day(&mut self) -> Option<(Option<i32>, i32, i32)> {
        let era = self.eat("令和") || self.eat("R");
        if era {
            self.eat(".");
        }
        let first = self.number(4)?;
        let slash = |scan: &mut Self| scan.eat("/") || scan.eat(".") || scan.eat("-");
        let year = if era { Some(first.checked_add(2018)?) } else { (first >= 1000).then_some(first) };
        let month = match year {
            Some(_) => {
                if !(self.eat("年") || slash(self)) {
                    return None;
                }
                self.number(2)?
            }
            None => first,
        };
        if !(self.eat("月") || slash(self)) {
            return None;
        }
        let day = self.number(2)?;
        self.eat("日");
        Some((year, month, day))
    }

    fn weekday(&mut self) -> Option<Weekday> {
        let before = self.rest;
        let open = self.eat("(") || self.eat("[");
        self.blanks();
        let found = match self.rest.chars().next() {
            Some('月') => Some(Weekday::Monday),
            Some('火') => Some(Weekday::Tuesday),
            Some('水') => Some(Weekday::Wednesday),
            Some('木') => Some(Weekday::Thursday),
            Some('金') => Some(Weekday::Friday),
            Some('土') => Some(Weekday::Saturday),
            Some('日') => Some(Weekday::Sunday),
            _ => None,
        };
        if found.is_none() {
            self.rest = before;
            return None;
        }
        let mut chars = self.rest.chars();
        chars.next();
        self.rest = chars.as_str();
        self.eat("曜日");
        self.eat("曜");
        if open {
            self.eat("・祝");
            let _ = self.eat(")") || self.eat("]");
        }
        found
    }

    fn time(&mut self) -> Option<Time> {
        let before = self.rest;
        let afternoon = self.eat("午後") || self.eat("PM") || self.eat("pm");
        let morning = !afternoon && (self.eat("午前") || self.eat("AM") || self.eat("am"));
        let read = self.clock();
        let Some((hour, minute)) = read else {
            self.rest = before;
            return None;
        };
        let hour = if afternoon && hour < 12 { hour + 12 } else { hour };
        // 「午前15時」 is nonsense.
        if morning && hour > 12 {
            return None;
        }
        Time::new(i8::try_from(hour).ok()?, i8::try_from(minute).ok()?, 0, 0).ok()
    }

    fn clock(&mut self) -> Option<(i32, i32)> {
        let hour = self.number(2)?;
        if self.eat(":") {
            return Some((hour, self.number(2)?));
        }
        if !self.eat("時") {
            return None;
        }
        if self.eat("半") {
            return Some((hour, 30));
        }
        let before = self.rest;
        match self.number(2) {
            Some(minute) if self.eat("分") => Some((hour, minute)),
            _ => {
                self.rest = before;
                Some((hour, 0))
            }
        }
    }

    /// `〜17:00`, `から17時まで`.
    fn until(&mut self, from: Time) -> Option<Time> {
        let before = self.rest;
        let joined = ["〜", "~", "-", "ー", "–", "―", "から", "より", "→"].iter().any(|w| self.eat(w));
        let until = if joined { self.time() } else { None };
        match until {
            Some(until) if until > from => {
                self.eat("まで");
                Some(until)
            }
            _ => {
                self.rest = before;
                None
            }
        }
    }
}

/// The day; without a year the next such day from today on.
fn dated(year: Option<i32>, month: i32, day: i32, today: Date) -> Option<Date> {
    let (month, day) = (i8::try_from(month).ok()?, i8::try_from(day).ok()?);
    if let Some(year) = year {
        return Date::new(i16::try_from(year).ok()?, month, day).ok();
    }
    let this = Date::new(today.year(), month, day).ok();
    let found = match this {
        Some(date) if date >= today => date,
        _ => Date::new(today.year().checked_add(1)?, month, day).ok()?,
    };
    let last = today.checked_add(AHEAD_DAYS.days()).ok()?;
    (found <= last).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> UtcMicros {
        UtcMicros::from_rfc3339(&format!("{text}:00+09:00")).unwrap()
    }

    fn found(text: &str) -> Option<Meeting> {
        meeting_in(None, text, at("2026-06-09T13:20"))
    }

    #[test]
    fn one_day_and_time_is_a_meeting() {
        let at16 = at("2026-06-10T16:00");
        for text in [
            "6/10(水)16時 ご自宅で担当者会議。訪看・薬局・デイは出欠を返信ください",
            "担当者会議を2026年6月10日（水）１６：００から行います",
            "サービス担当者会議 令和8年6月10日 午後4時",
            "カンファレンスのご案内\n日時: 6月10日水曜日 16:00\n場所: 5階",
            "R8.6.10 16:00 担当者会議。出欠は6/10 12:00までに",
        ] {
            assert_eq!(found(text).map(|m| m.starts_at), Some(at16), "{text}");
        }
        let until = found("6/10(水) 16:00〜17:30 退院前カンファレンス").unwrap();
        assert_eq!((until.kind, until.ends_at), ("退院前カンファレンス", Some(at("2026-06-10T17:30"))));
        let next_year = meeting_in(Some("担当者会議"), "1/12 10時半", at("2026-12-20T09:00"));
        assert_eq!(next_year.unwrap().starts_at, at("2027-01-12T10:30"));
    }

    #[test]
    fn nothing_is_guessed() {
        for text in [
            "",
            "6/10(水)16時に伺います",
            "担当者会議の日程は後日",
            "6/10(木)16時 担当者会議",
            "担当者会議は6/10 16時か6/11 10時のどちらか",
            "6/10 16時の担当者会議は中止です",
            "候補 6/10 16時 担当者会議",
            "担当者会議 6/10",
            "担当者会議 出欠は6/10 12:00まで",
            "担当者会議 13/45 16時",
            "昨日6/8 16時の担当者会議、お疲れさまでした",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn total(text in ".*", like in "(担当者会議|[0-9]{1,4}|/|月|日|時|:|\\(水\\)|令和|R|午後|〜|まで| ){0,30}") {
            let _ = found(&text);
            let _ = found(&format!("担当者会議{like}"));
        }
    }
}
