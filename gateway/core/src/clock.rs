//! Time as the whole program uses it: UTC microseconds, shown as 日本時間. Nothing outside
//! [`SystemClock`] may ask the machine for the time; everything else is given a [`Clock`], so that
//! tests set the time instead of sleeping.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::Offset;
use serde::{Deserialize, Serialize};

/// A point in time: microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UtcMicros(i64);

/// The offset of 日本時間. Japan has had no daylight saving time since 1951.
pub const JAPAN: Offset = jiff::tz::offset(9);

impl UtcMicros {
    /// From microseconds since the epoch.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Later by `seconds` (negative: earlier), saturating.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }

    /// Whole seconds from `earlier` to `self`.
    #[must_use]
    pub const fn seconds_since(self, earlier: Self) -> i64 {
        (self.0 - earlier.0) / 1_000_000
    }

    /// Reads RFC 3339 with any offset. `None` if it is not RFC 3339.
    #[must_use]
    pub fn from_rfc3339(text: &str) -> Option<Self> {
        text.parse::<Timestamp>().ok().map(|t| Self(t.as_microsecond()))
    }

    /// A civil time in Japan as a point in time. `None` outside the years 1–9999.
    #[must_use]
    pub fn from_japan(civil: DateTime) -> Option<Self> {
        JAPAN.to_timestamp(civil).ok().map(|t| Self(t.as_microsecond()))
    }

    /// The civil date and time in Japan.
    #[must_use]
    pub fn in_japan(self) -> DateTime {
        let stamp = Timestamp::from_microsecond(self.0).unwrap_or(Timestamp::UNIX_EPOCH);
        JAPAN.to_datetime(stamp)
    }

    /// RFC 3339 with the offset +09:00, as the public contracts print it: `2026-06-09T10:20:00+09:00`;
    /// fractions of a second are left out when zero.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        format!("{}+09:00", self.in_japan().strftime("%Y-%m-%dT%H:%M:%S%.f"))
    }

    /// As screens and sheets show it: `6/9(火) 10:20` (look.md, voice).
    #[must_use]
    pub fn to_ja(self) -> String {
        let t = self.in_japan();
        format!("{} {}:{:02}", ja_date(t.date()), t.hour(), t.minute())
    }

    /// As English screens show it: `Tue 9 Jun 10:20`.
    #[must_use]
    pub fn to_en(self) -> String {
        let t = self.in_japan();
        format!("{} {}:{:02}", t.strftime("%a %-d %b"), t.hour(), t.minute())
    }
}

/// `6/9(火)`.
#[must_use]
pub fn ja_date(date: Date) -> String {
    format!("{}/{}({})", date.month(), date.day(), ja_weekday(date.weekday()))
}

/// One kanji for the day of the week.
#[must_use]
pub const fn ja_weekday(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "月",
        Weekday::Tuesday => "火",
        Weekday::Wednesday => "水",
        Weekday::Thursday => "木",
        Weekday::Friday => "金",
        Weekday::Saturday => "土",
        Weekday::Sunday => "日",
    }
}

/// Where time comes from.
pub trait Clock: Send + Sync {
    /// The present time.
    fn now(&self) -> UtcMicros;
}

/// The machine's clock. The only place that reads it.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UtcMicros {
        #[expect(clippy::disallowed_methods, reason = "the one home of the wall clock")]
        let now = std::time::SystemTime::now();
        let since = now.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        UtcMicros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

/// A clock that stands still until it is set: for tests and dry runs.
#[derive(Debug)]
pub struct FixedClock(std::sync::atomic::AtomicI64);

impl FixedClock {
    /// Stands at `at`.
    #[must_use]
    pub const fn at(at: UtcMicros) -> Self {
        Self(std::sync::atomic::AtomicI64::new(at.0))
    }

    /// Moves the clock.
    pub fn set(&self, at: UtcMicros) {
        self.0.store(at.0, std::sync::atomic::Ordering::SeqCst);
    }
}

impl Clock for FixedClock {
    fn now(&self) -> UtcMicros {
        UtcMicros(self.0.load(std::sync::atomic::Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn japan_time_is_shown_and_read() {
        let t = UtcMicros::from_rfc3339("2026-06-09T01:20:00Z").unwrap();
        assert_eq!(t.to_ja(), "6/9(火) 10:20");
        assert_eq!(t.to_en(), "Tue 9 Jun 10:20");
        assert_eq!(t.to_rfc3339(), "2026-06-09T10:20:00+09:00");
        assert_eq!(UtcMicros::from_japan(t.in_japan()), Some(t));
    }
}
