//! Invitations and the answers to them (RFC 5545, RFC 5546) as words: what is planned, when in 日本時間, where, by
//! whom, who comes. A person decides; nothing is entered anywhere, and the file itself stays attached. Linear in the
//! size of the file.

use super::charset;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

const MAX_BYTES: usize = 256 * 1024;
const MAX_EVENTS: usize = 5;
const MAX_VALUE_CHARS: usize = 500;
const MAX_ATTENDEES: usize = 200;

/// Heading of an answer to an invitation; what the writer says follows.
pub(crate) const ANSWER: &str = "【予定への返信】";
pub(crate) const ATTENDS: &str = "出席";
pub(crate) const TENTATIVE: &str = "出席 (仮)";
pub(crate) const DECLINES: &str = "欠席";
pub(crate) const PROPOSED: &str = "別の日時の提案";

/// What a file of a calendar is for (RFC 5546 1.4), in upper case; `None` if it does not say.
pub(crate) fn method(bytes: &[u8]) -> Option<String> {
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(4_000)]);
    method_in(start.lines())
}

fn method_in<'a>(mut lines: impl Iterator<Item = &'a str>) -> Option<String> {
    lines.find_map(|line| {
        let (name, value) = line.trim().split_once(':')?;
        name.eq_ignore_ascii_case("METHOD").then(|| value.trim().to_ascii_uppercase())
    })
}

/// The words for an invitation or an answer of `from` to one; `None` if there is no event in it.
pub(crate) fn to_text(bytes: &[u8], from: Option<&str>) -> Option<String> {
    let bytes = &bytes[..bytes.len().min(MAX_BYTES)];
    let text = charset::decode(bytes, Some("utf-8")).text;
    let lines = unfold(&text);
    let method = method_in(lines.iter().map(String::as_str));
    let mut events: Vec<String> = Vec::new();
    let mut open: Option<Event> = None;
    let mut inner = 0_usize;
    for line in &lines {
        let upper = line.trim().to_ascii_uppercase();
        if upper == "BEGIN:VEVENT" {
            (open, inner) = (Some(Event::default()), 0);
        } else if upper == "END:VEVENT" {
            if let Some(event) = open.take().filter(|_| events.len() < MAX_EVENTS) {
                events.push(event.words(method.as_deref(), from));
            }
        } else if upper.starts_with("BEGIN:") {
            inner += 1;
        } else if upper.starts_with("END:") {
            inner = inner.saturating_sub(1);
        } else if let (Some(event), 0) = (open.as_mut(), inner) {
            event.line(line);
        }
    }
    (!events.is_empty()).then(|| events.join("\n\n"))
}

/// Lines with their continuations joined.
fn unfold(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for line in text.lines() {
        match (line.strip_prefix([' ', '\t']), out.last_mut()) {
            (Some(more), Some(last)) if last.len() < 20_000 => last.push_str(more),
            _ => out.push(line.to_owned()),
        }
    }
    out
}

#[derive(Default)]
struct Event {
    summary: Option<String>,
    location: Option<String>,
    organizer: Option<String>,
    start: Option<Moment>,
    end: Option<Moment>,
    lasts_minutes: Option<i64>,
    repeats: bool,
    cancelled: bool,
    /// Address and PARTSTAT of those who are asked; an answer names its writer alone.
    attendees: Vec<(String, String)>,
    comment: Option<String>,
}

#[derive(Clone)]
enum Moment {
    Day(Date),
    /// 日本時間, or the zone that is named and unknown here.
    Time(DateTime, Option<String>),
}

impl Event {
    fn line(&mut self, line: &str) {
        let Some((name, params, value)) = property(line) else { return };
        match name.as_str() {
            "SUMMARY" => self.summary = Some(plain(value)),
            "LOCATION" => self.location = Some(plain(value)),
            "ORGANIZER" => {
                let shown = params.iter().find(|(n, _)| n == "CN").map(|(_, v)| v.clone());
                self.organizer = Some(plain(shown.as_deref().unwrap_or(address(value))));
            }
            "ATTENDEE" if self.attendees.len() < MAX_ATTENDEES => {
                let state = params.iter().find(|(n, _)| n == "PARTSTAT").map(|(_, v)| v.to_ascii_uppercase());
                self.attendees.push((address(value).to_owned(), state.unwrap_or_default()));
            }
            "COMMENT" => self.comment = Some(plain(value)),
            "DTSTART" => self.start = moment(&params, value),
            "DTEND" => self.end = moment(&params, value),
            "DURATION" => self.lasts_minutes = duration_minutes(value),
            "RRULE" | "RDATE" => self.repeats = true,
            "STATUS" => self.cancelled |= value.trim().eq_ignore_ascii_case("cancelled"),
            _ => {}
        }
    }

    fn words(&self, method: Option<&str>, from: Option<&str>) -> String {
        let answer = matches!(method, Some("REPLY" | "COUNTER"));
        let heading = match method {
            Some("REPLY") => format!("{ANSWER}{}", self.presence(from)),
            Some("COUNTER") => format!("{ANSWER}{PROPOSED}"),
            Some("CANCEL") => "【予定の取消】".to_owned(),
            _ if self.cancelled => "【予定の取消】".to_owned(),
            _ => "【予定の案内】".to_owned(),
        };
        let mut out = vec![heading];
        let filled = |v: &Option<String>| v.clone().filter(|v| !v.is_empty());
        if let Some(summary) = filled(&self.summary) {
            out.push(format!("件名: {summary}"));
        }
        if let Some(when) = self.when() {
            out.push(format!("日時: {when}"));
        }
        if let Some(location) = filled(&self.location) {
            out.push(format!("場所: {location}"));
        }
        if let Some(organizer) = filled(&self.organizer) {
            out.push(format!("主催: {organizer}"));
        }
        if let Some(comment) = filled(&self.comment).filter(|_| answer) {
            out.push(comment);
        }
        out.join("\n")
    }

    /// Whether the writer of an answer comes.
    fn presence(&self, from: Option<&str>) -> &'static str {
        let own = self.attendees.iter().find(|(a, _)| from.is_some_and(|f| f.eq_ignore_ascii_case(a)));
        match own.or(self.attendees.first()).map(|(_, state)| state.as_str()) {
            Some("ACCEPTED") => ATTENDS,
            Some("DECLINED") => DECLINES,
            Some("TENTATIVE") => TENTATIVE,
            Some("DELEGATED") => "代理に頼む",
            _ => "まだ決まっていない",
        }
    }

    fn when(&self) -> Option<String> {
        let start = self.start.as_ref()?;
        let mut text = match start {
            Moment::Day(first) => {
                let last = match &self.end {
                    // The end of a whole day is the day after it.
                    Some(Moment::Day(end)) => end.yesterday().ok().filter(|last| last > first),
                    _ => None,
                };
                match last {
                    Some(last) => format!("{}〜{} 終日", day(*first), day(last)),
                    None => format!("{} 終日", day(*first)),
                }
            }
            Moment::Time(from, zone) => {
                let until = match (&self.end, self.lasts_minutes) {
                    (Some(Moment::Time(until, other)), _) if other == zone => Some(*until),
                    (None, Some(minutes)) => from.checked_add(jiff::Span::new().minutes(minutes)).ok(),
                    _ => None,
                };
                let until = until.filter(|u| u > from).map_or(String::new(), |u| {
                    if u.date() == from.date() {
                        format!("〜{}", clock(u))
                    } else {
                        format!("〜{} {}", day(u.date()), clock(u))
                    }
                });
                let zone = zone.as_ref().map_or(String::new(), |z| format!(" ({z}の時刻)"));
                format!("{} {}{until}{zone}", day(from.date()), clock(*from))
            }
        };
        if self.repeats {
            text.push_str(" (くり返しあり)");
        }
        Some(text)
    }
}

fn address(value: &str) -> &str {
    let scheme = value.get(..7).is_some_and(|s| s.eq_ignore_ascii_case("mailto:"));
    if scheme { &value[7..] } else { value }.trim()
}

fn day(date: Date) -> String {
    let weekday = match date.weekday() {
        jiff::civil::Weekday::Monday => '月',
        jiff::civil::Weekday::Tuesday => '火',
        jiff::civil::Weekday::Wednesday => '水',
        jiff::civil::Weekday::Thursday => '木',
        jiff::civil::Weekday::Friday => '金',
        jiff::civil::Weekday::Saturday => '土',
        jiff::civil::Weekday::Sunday => '日',
    };
    format!("{}年{}月{}日({weekday})", date.year(), date.month(), date.day())
}

fn clock(at: DateTime) -> String {
    format!("{}:{:02}", at.hour(), at.minute())
}

/// Parameters of a property, names in upper case.
type Params = Vec<(String, String)>;

/// `NAME;PARAM="x":value`; a colon within quotes does not end the name.
fn property(line: &str) -> Option<(String, Params, &str)> {
    let mut quoted = false;
    let colon = line.bytes().take(4_000).position(|b| {
        quoted ^= b == b'"';
        b == b':' && !quoted
    })?;
    let (head, value) = (&line[..colon], &line[colon + 1..]);
    let mut parts = head.split(';');
    let name = parts.next()?.trim().to_ascii_uppercase();
    let params = parts
        .filter_map(|p| p.split_once('='))
        .map(|(n, v)| (n.trim().to_ascii_uppercase(), v.trim().trim_matches('"').to_owned()))
        .take(20)
        .collect();
    Some((name, params, value))
}

/// Escapes undone, one line, bounded (RFC 5545 3.3.11).
fn plain(value: &str) -> String {
    let mut out = String::new();
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n' | 'N') => out.push(' '),
                Some(other) => out.push(other),
                None => {}
            },
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out.trim().chars().take(MAX_VALUE_CHARS).collect()
}

fn moment(params: &[(String, String)], value: &str) -> Option<Moment> {
    let value = value.trim();
    let utc = value.ends_with(['Z', 'z']);
    let digits: String = value.chars().filter(char::is_ascii_digit).take(14).collect();
    let number = |from: usize, to: usize| digits.get(from..to)?.parse::<i16>().ok();
    let small = |from: usize| number(from, from + 2).and_then(|n| i8::try_from(n).ok());
    let date = Date::new(number(0, 4)?, small(4)?, small(6)?).ok()?;
    if digits.len() < 12 {
        return Some(Moment::Day(date));
    }
    let time = jiff::civil::Time::new(small(8)?, small(10)?, 0, 0).ok()?;
    let at = date.to_datetime(time);
    if utc {
        let instant = TimeZone::UTC.to_timestamp(at).ok()?;
        let japan = TimeZone::fixed(jiff::tz::offset(9)).to_datetime(instant);
        return Some(Moment::Time(japan, None));
    }
    let zone = params.iter().find(|(n, _)| n == "TZID").map(|(_, v)| plain(v));
    // A time without a zone is the reader's own.
    let here = zone.as_ref().is_none_or(|z| {
        let z = z.to_lowercase();
        z.is_empty() || ["tokyo", "japan", "jst", "osaka", "東京", "日本"].iter().any(|name| z.contains(name))
    });
    Some(Moment::Time(at, zone.filter(|_| !here)))
}

/// `PT1H30M`, `P1D`, as minutes.
fn duration_minutes(value: &str) -> Option<i64> {
    let mut total = 0_i64;
    let mut number = 0_i64;
    let mut in_time = false;
    for c in value.trim().trim_start_matches('+').strip_prefix('P')?.chars().take(30) {
        match c {
            '0'..='9' => number = number.checked_mul(10)?.checked_add(i64::from(c as u8 - b'0'))?,
            'T' => in_time = true,
            'W' => total = total.checked_add(std::mem::take(&mut number).checked_mul(7 * 24 * 60)?)?,
            'D' => total = total.checked_add(std::mem::take(&mut number).checked_mul(24 * 60)?)?,
            'H' => total = total.checked_add(std::mem::take(&mut number).checked_mul(60)?)?,
            'M' if in_time => total = total.checked_add(std::mem::take(&mut number))?,
            'S' => number = 0,
            _ => return None,
        }
    }
    (0 < total && total < 366 * 24 * 60).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(lines: &str) -> String {
        let file = format!(
            "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\n{lines}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
        );
        to_text(file.as_bytes(), None).unwrap()
    }

    #[test]
    fn time_and_place_in_words() {
        assert_eq!(
            event(
                "SUMMARY:退院前カンファレンス\r\nDTSTART;TZID=\"Tokyo Standard Time\":20261201T140000\r\n\
                 DTEND;TZID=\"Tokyo Standard Time\":20261201T150000\r\nLOCATION:みなと総合病院\\, 3階\r\n 会議室\r\n\
                 ORGANIZER;CN=\"久住 亮\":mailto:kusumi@minato.example\r\nBEGIN:VALARM\r\nSUMMARY:x\r\nEND:VALARM"
            ),
            "【予定の案内】\n件名: 退院前カンファレンス\n日時: 2026年12月1日(火) 14:00〜15:00\n\
             場所: みなと総合病院, 3階会議室\n主催: 久住 亮"
        );
        assert!(event("DTSTART:20261201T050000Z\nDURATION:PT1H30M").contains("12月1日(火) 14:00〜15:30"));
        assert!(event("DTSTART;VALUE=DATE:20261201\nDTEND;VALUE=DATE:20261202").contains("12月1日(火) 終日"));
        assert!(
            event("DTSTART;TZID=America/New_York:20261201T090000\nRRULE:FREQ=WEEKLY")
                .contains("9:00 (America/New_Yorkの時刻) (くり返しあり)")
        );
        assert!(event("STATUS:CANCELLED\nSUMMARY:x").starts_with("【予定の取消】"));
        assert_eq!(to_text(b"BEGIN:VCALENDAR\nEND:VCALENDAR", None), None);
    }

    #[test]
    fn answers_say_who_comes() {
        let answer = |method: &str, attendees: &str| {
            let file = format!(
                "BEGIN:VCALENDAR\r\nMETHOD:{method}\r\nBEGIN:VEVENT\r\nSUMMARY:担当者会議\r\n{attendees}\r\n\
                 DTSTART;TZID=Asia/Tokyo:20261202T160000\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
            );
            to_text(file.as_bytes(), Some("otsuka@sakura.example")).unwrap()
        };
        assert_eq!(
            answer("REPLY", "ATTENDEE;PARTSTAT=ACCEPTED;CN=大塚:mailto:otsuka@sakura.example"),
            "【予定への返信】出席\n件名: 担当者会議\n日時: 2026年12月2日(水) 16:00"
        );
        let both = "ATTENDEE;PARTSTAT=ACCEPTED:MAILTO:a@b.example\r\nATTENDEE;PARTSTAT=DECLINED:MAILTO:Otsuka@sakura.example\r\nCOMMENT:訪問と重なります";
        let declined = answer("reply", both);
        assert!(declined.starts_with("【予定への返信】欠席\n"), "{declined}");
        assert!(declined.ends_with("訪問と重なります"), "{declined}");
        assert!(answer("REPLY", "ATTENDEE;PARTSTAT=TENTATIVE:x").starts_with("【予定への返信】出席 (仮)\n"));
        assert!(answer("COUNTER", "ATTENDEE:x").starts_with("【予定への返信】別の日時の提案\n"));
        assert!(answer("REQUEST", "ATTENDEE;PARTSTAT=ACCEPTED:x").starts_with("【予定の案内】\n"));
        assert_eq!(method(b"BEGIN:VCALENDAR\r\nmethod: Reply\r\n").as_deref(), Some("REPLY"));
    }

    proptest::proptest! {
        #[test]
        fn total(bytes: Vec<u8>, lines in "(BEGIN:VEVENT|END:VEVENT|ATTENDEE;PARTSTAT=[A-Z]{0,9}:|DT(START|END)[:;=A-Z\"0-9TZ]{0,24}|DURATION:P[0-9TWDHM]{0,9}|[A-Z]{1,5}[:;]?|\n){0,30}") {
            let _ = to_text(&bytes, None);
            let _ = to_text(lines.as_bytes(), Some("a@b.example"));
            let _ = to_text(format!("METHOD:REPLY\nBEGIN:VEVENT\n{lines}\nEND:VEVENT").as_bytes(), None);
        }
    }
}
