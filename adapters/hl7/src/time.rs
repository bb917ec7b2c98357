//! HL7 time stamps `YYYY[MM[DD[HH[MM[SS[.S]]]]]][+ZZZZ]` (chapter 2; hl7.md section 1). Their precision
//! is kept, because a date is not midnight; the calendar is checked, because hl7-parser takes month 13.
//! Nothing here asks for the present time.

use jiff::civil::DateTime;
use jiff::tz::Offset;
use kakehashi_core::clock::UtcMicros;

/// How exactly a time was stated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Precision {
    /// Year only.
    Year,
    /// Year and month.
    Month,
    /// A date.
    Day,
    /// At least the hour.
    Time,
}

/// A stated time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// The point in time; for a date its midnight in the offset used.
    pub at: UtcMicros,
    /// How exactly it was stated.
    pub precision: Precision,
}

impl Stamp {
    /// Reads a time stamp; `None` if it is not one or no such day exists. `offset` is used where the
    /// stamp states no zone. Slashes, hyphens and colons are tolerated.
    #[must_use]
    pub fn read(text: &str, offset: Offset) -> Option<Self> {
        let text = text.trim();
        let (local, zone) = match text.rfind(['+', '-']).filter(|at| *at >= 8) {
            Some(at) if is_zone(&text[at + 1..]) => (&text[..at], zone(&text[at..])?),
            _ => (text, offset),
        };
        let whole = local.split('.').next().unwrap_or(local);
        let separators = ['/', '-', ':', ' ', 'T'];
        if whole.len() > 25 || !whole.chars().all(|c| c.is_ascii_digit() || separators.contains(&c)) {
            return None;
        }
        let digits: String = whole.chars().filter(char::is_ascii_digit).collect();
        let part = |from: usize, to: usize, least: i8| {
            digits.get(from..to).map_or(Some(least), |d| d.parse::<i8>().ok())
        };
        if !matches!(digits.len(), 4 | 6 | 8 | 10 | 12 | 14) && digits.len() < 14 {
            return None;
        }
        let year = digits.get(..4)?.parse::<i16>().ok().filter(|y| *y > 0)?;
        let second = part(12, 14, 0)?;
        let civil = DateTime::new(
            year,
            part(4, 6, 1)?,
            part(6, 8, 1)?,
            part(8, 10, 0)?,
            part(10, 12, 0)?,
            // A leap second, which some clocks write.
            if second == 60 { 59 } else { second },
            0,
        )
        .ok()?;
        let at = zone.to_timestamp(civil).ok()?;
        let precision = match digits.len() {
            0..=4 => Precision::Year,
            5..=6 => Precision::Month,
            7..=8 => Precision::Day,
            _ => Precision::Time,
        };
        Some(Self { at: UtcMicros::from_micros(at.as_microsecond()), precision })
    }

    /// As posts say it, in 日本時間: `6月5日19:40`, `6月9日`, `2026年6月`.
    #[must_use]
    pub fn in_words(self) -> String {
        let t = self.at.in_japan();
        match self.precision {
            Precision::Year => format!("{}年", t.year()),
            Precision::Month => format!("{}年{}月", t.year(), t.month()),
            Precision::Day => format!("{}月{}日", t.month(), t.day()),
            Precision::Time => format!("{}月{}日{}:{:02}", t.month(), t.day(), t.hour(), t.minute()),
        }
    }

    /// The same with the year, for dates that may be far away.
    #[must_use]
    pub fn dated_in_words(self) -> String {
        match self.precision {
            Precision::Year | Precision::Month => self.in_words(),
            Precision::Day | Precision::Time => {
                format!("{}年{}", self.at.in_japan().year(), self.in_words())
            }
        }
    }
}

fn is_zone(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    matches!(digits, 2 | 4)
        && text.bytes().all(|b| b.is_ascii_digit() || b == b':')
        && text.len() <= 5
        && text.len() >= 4
}

fn zone(text: &str) -> Option<Offset> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let hours = digits.get(..2)?.parse::<i32>().ok()?;
    let minutes = digits.get(2..4)?.parse::<i32>().ok().filter(|m| *m < 60)?;
    let seconds = hours * 3600 + minutes * 60;
    Offset::from_seconds(if text.starts_with('-') { -seconds } else { seconds }).ok()
}

/// A date `YYYY-MM-DD` out of a stamp; `None` unless it names a day that exists.
#[must_use]
pub fn date_of(text: &str) -> Option<String> {
    let plain: String = text.trim().chars().filter(|c| !matches!(c, '/' | '-')).take(8).collect();
    let stamp = Stamp::read(&plain, Offset::UTC).filter(|s| s.precision == Precision::Day)?;
    let at = jiff::Timestamp::from_microsecond(stamp.at.as_micros()).ok()?;
    Some(Offset::UTC.to_datetime(at).date().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use kakehashi_core::clock::JAPAN;
    use proptest::prelude::*;

    #[test]
    fn stamps() {
        let cases = [
            ("20260605194000", Some("2026-06-05T19:40:00+09:00"), "6月5日19:40"),
            ("20260609102000.000", Some("2026-06-09T10:20:00+09:00"), "6月9日10:20"),
            ("202606160830", Some("2026-06-16T08:30:00+09:00"), "6月16日8:30"),
            ("20260610110000+0900", Some("2026-06-10T11:00:00+09:00"), "6月10日11:00"),
            ("20260610020000Z", None, ""),
            ("20260610020000+0000", Some("2026-06-10T11:00:00+09:00"), "6月10日11:00"),
            ("20260609", Some("2026-06-09T00:00:00+09:00"), "6月9日"),
            ("2026/06/09", Some("2026-06-09T00:00:00+09:00"), "6月9日"),
            ("2026-06-09 10:20", Some("2026-06-09T10:20:00+09:00"), "6月9日10:20"),
            ("202606", Some("2026-06-01T00:00:00+09:00"), "2026年6月"),
            ("2019", Some("2019-01-01T00:00:00+09:00"), "2019年"),
            ("20261301", None, ""),
            ("20260230", None, ""),
            ("00000000", None, ""),
            ("2026060924", None, ""),
            ("", None, ""),
            ("昨日", None, ""),
        ];
        for (text, rfc3339, words) in cases {
            let stamp = Stamp::read(text, JAPAN);
            assert_eq!(stamp.map(|s| s.at.to_rfc3339()).as_deref(), rfc3339, "{text}");
            assert_eq!(stamp.map(Stamp::in_words).unwrap_or_default(), words, "{text}");
        }
        assert_eq!(date_of("19380412").as_deref(), Some("1938-04-12"));
        assert_eq!(date_of("1938/04/12").as_deref(), Some("1938-04-12"));
        assert_eq!(date_of("1938"), None);
        assert_eq!(date_of("00000000"), None);
    }

    proptest! {
        #[test]
        fn reading_is_total(text in ".{0,40}", digits in "[0-9+.:/ T-]{0,30}") {
            let _ = (Stamp::read(&text, JAPAN), Stamp::read(&digits, JAPAN), date_of(&text), date_of(&digits));
        }
    }
}
