//! 国民の祝日 by the holiday law as it stands since 2022 (国民の祝日に関する法律), computed for the years in which the
//! two equinox formulas hold. Days that a special law moves are not known here; a caller may only remind.

use jiff::ToSpan as _;
use jiff::civil::{Date, Weekday};

/// The years for which the answer is right, special laws apart.
const YEARS: std::ops::RangeInclusive<i16> = 2022..=2099;

/// The name of the holiday on this day, if it is one.
#[must_use]
pub fn holiday(day: Date) -> Option<&'static str> {
    if !YEARS.contains(&day.year()) {
        return None;
    }
    if let Some(name) = named(day) {
        return Some(name);
    }
    let before = |days: i64| day.checked_sub(days.days()).ok();
    // 振替休日: the first day after a holiday on Sunday that is none itself.
    let mut back = before(1);
    while let Some(earlier) = back.filter(|d| named(*d).is_some()) {
        if earlier.weekday() == Weekday::Sunday {
            return Some("振替休日");
        }
        back = earlier.checked_sub(1.days()).ok();
    }
    // 国民の休日: a day between two holidays.
    let between = before(1).is_some_and(|d| named(d).is_some())
        && day.checked_add(1.days()).is_ok_and(|d| named(d).is_some());
    between.then_some("国民の休日")
}

/// Holidays that have a name and a day of their own.
fn named(day: Date) -> Option<&'static str> {
    let (year, month, of_month) = (day.year(), day.month(), day.day());
    // The n-th Monday of its month.
    let monday = |n: i8| day.weekday() == Weekday::Monday && (of_month - 1) / 7 + 1 == n;
    Some(match (month, of_month) {
        (1, 1) => "元日",
        (1, _) if monday(2) => "成人の日",
        (2, 11) => "建国記念の日",
        (2, 23) => "天皇誕生日",
        (3, d) if d == equinox(year, 20.8431) => "春分の日",
        (4, 29) => "昭和の日",
        (5, 3) => "憲法記念日",
        (5, 4) => "みどりの日",
        (5, 5) => "こどもの日",
        (7, _) if monday(3) => "海の日",
        (8, 11) => "山の日",
        (9, _) if monday(3) => "敬老の日",
        (9, d) if d == equinox(year, 23.2488) => "秋分の日",
        (10, _) if monday(2) => "スポーツの日",
        (11, 3) => "文化の日",
        (11, 23) => "勤労感謝の日",
        _ => return None,
    })
}

/// Day of the month of an equinox in 1980–2099, as the almanac's approximation gives it.
fn equinox(year: i16, base: f64) -> i8 {
    let years = i32::from(year) - 1980;
    let day = base + 0.242_194 * f64::from(years) - f64::from(years.div_euclid(4));
    (1..=30).rev().find(|d| f64::from(*d) <= day).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn published_years_come_out() {
        let of = |year| -> Vec<(i8, i8)> {
            let days = date(year, 1, 1).series(1.days()).take_while(|d| d.year() == year);
            days.filter(|d| holiday(*d).is_some()).map(|d| (d.month(), d.day())).collect()
        };
        assert_eq!(
            of(2026),
            [
                (1, 1),
                (1, 12),
                (2, 11),
                (2, 23),
                (3, 20),
                (4, 29),
                (5, 3),
                (5, 4),
                (5, 5),
                (5, 6),
                (7, 20),
                (8, 11),
                (9, 21),
                (9, 22),
                (9, 23),
                (10, 12),
                (11, 3),
                (11, 23),
            ]
        );
        assert_eq!(
            of(2024),
            [
                (1, 1),
                (1, 8),
                (2, 11),
                (2, 12),
                (2, 23),
                (3, 20),
                (4, 29),
                (5, 3),
                (5, 4),
                (5, 5),
                (5, 6),
                (7, 15),
                (8, 11),
                (8, 12),
                (9, 16),
                (9, 22),
                (9, 23),
                (10, 14),
                (11, 3),
                (11, 4),
                (11, 23),
            ]
        );
        assert_eq!(holiday(date(2026, 9, 22)), Some("国民の休日"));
        assert_eq!(holiday(date(2026, 5, 6)), Some("振替休日"));
        assert_eq!(holiday(date(2025, 3, 20)), Some("春分の日"));
        assert_eq!(holiday(date(2027, 3, 21)), Some("春分の日"));
        assert_eq!(holiday(date(2028, 9, 22)), Some("秋分の日"));
        assert_eq!(holiday(date(2026, 6, 9)), None);
        assert_eq!(holiday(date(2150, 1, 1)), None);
    }
}
