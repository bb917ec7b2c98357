//! Dates as people and systems write them in Japan: 令和8年6月9日, R8.6.9, 2026/6/9, 20260609, 6月9日.
//! Only valid calendar dates are returned; nothing is completed by guessing the century.

use super::fold::narrow;
use jiff::civil::Date;

/// Reads one date that stands alone in `text`. `None` if it is not a date or not a valid one.
#[must_use]
pub fn read_date(text: &str) -> Option<Date> {
    find_date(text).filter(|found| found.1 == narrow(text).trim().len()).map(|found| found.0)
}

/// Reads the first date at the start of `text` and tells how many bytes of the folded text it took.
fn find_date(text: &str) -> Option<(Date, usize)> {
    let folded = narrow(text);
    let t = folded.trim();
    let mut scan = Scan { text: t, at: 0 };
    let year = match scan.era() {
        Some(era) => {
            let n = if scan.eat("元") { 1 } else { scan.number(1, 2)? };
            scan.eat("年");
            era.checked_add(n)?.checked_sub(1)?
        }
        None => {
            let n = scan.number(4, 4)?;
            if scan.at == 4 && scan.rest().chars().take(4).filter(char::is_ascii_digit).count() == 4 {
                let month = scan.number(2, 2)?;
                let day = scan.number(2, 2)?;
                return valid(n, month, day).map(|d| (d, scan.at));
            }
            n
        }
    };
    scan.separator();
    let month = scan.number(1, 2)?;
    if !scan.eat("月") {
        scan.separator();
    }
    let day = scan.number(1, 2)?;
    scan.eat("日");
    scan.eat("生");
    valid(year, month, day).map(|d| (d, scan.at))
}

/// Every date in a running text, left to right, at most 50.
#[must_use]
pub fn dates_in(text: &str) -> Vec<Date> {
    let folded = narrow(text);
    let mut found = Vec::new();
    let mut at = 0;
    while at < folded.len() && found.len() < 50 {
        let rest = &folded[at..];
        let first = rest.chars().next().unwrap_or(' ');
        let previous_is_digit = folded[..at].chars().next_back().is_some_and(|c| c.is_ascii_digit());
        let starts = (first.is_ascii_digit() && !previous_is_digit)
            || matches!(first, '令' | '平' | '昭' | '大' | '明')
            || (matches!(first, 'R' | 'H' | 'S' | 'T' | 'M')
                && !folded[..at].chars().next_back().is_some_and(char::is_alphanumeric));
        if starts {
            // A date never needs more than 24 characters.
            let end = rest.char_indices().nth(24).map_or(rest.len(), |(i, _)| i);
            if let Some((date, used)) = find_date(&rest[..end]) {
                found.push(date);
                at += used.max(1);
                continue;
            }
        }
        at += first.len_utf8();
    }
    found
}

fn valid(year: i32, month: i32, day: i32) -> Option<Date> {
    if !(1868..=2200).contains(&year) {
        return None;
    }
    Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
}

impl Scan<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn eat(&mut self, word: &str) -> bool {
        let blanks = self.rest().len() - self.rest().trim_start_matches(' ').len();
        if self.rest()[blanks..].starts_with(word) {
            self.at += blanks + word.len();
            true
        } else {
            false
        }
    }

    fn separator(&mut self) {
        for s in [".", "/", "-", "、"] {
            if self.eat(s) {
                return;
            }
        }
        if self.rest().starts_with('年') {
            self.at += '年'.len_utf8();
        }
    }

    /// First year of the era.
    fn era(&mut self) -> Option<i32> {
        const ERAS: &[(&str, i32)] = &[
            ("令和", 2019),
            ("平成", 1989),
            ("昭和", 1926),
            ("大正", 1912),
            ("明治", 1868),
            ("R", 2019),
            ("H", 1989),
            ("S", 1926),
            ("T", 1912),
            ("M", 1868),
        ];
        for (word, first) in ERAS {
            if self.eat(word) {
                self.eat(".");
                return Some(*first);
            }
        }
        None
    }

    fn number(&mut self, min: usize, max: usize) -> Option<i32> {
        let blanks = self.rest().len() - self.rest().trim_start_matches(' ').len();
        let digits: String =
            self.rest()[blanks..].chars().take(max).take_while(char::is_ascii_digit).collect();
        if digits.len() < min {
            return None;
        }
        self.at += blanks + digits.len();
        digits.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn eras_and_forms() {
        for text in [
            "令和8年6月9日",
            "R8.6.9",
            "Ｒ８．６．９",
            "2026/6/9",
            "2026-06-09",
            "20260609",
            "2026年6月9日",
            "令和 8年 6月 9日",
        ] {
            assert_eq!(read_date(text), Some(date(2026, 6, 9)), "{text}");
        }
        assert_eq!(read_date("S13.4.12"), Some(date(1938, 4, 12)));
        assert_eq!(read_date("昭和13年4月12日生"), Some(date(1938, 4, 12)));
        assert_eq!(read_date("令和元年5月1日"), Some(date(2019, 5, 1)));
        for text in ["昭和13年4月生", "20261301", "2026/2/30", "", "6/9", "R", "00000000", "昭"] {
            assert_eq!(read_date(text), None, "{text}");
        }
    }

    #[test]
    fn dates_in_running_text() {
        let found = dates_in("山本千代様 S13.4.12生、6/9退院。次回2026/6/16、電話03-0000-0104");
        assert_eq!(found, vec![date(1938, 4, 12), date(2026, 6, 16)]);
    }
}
