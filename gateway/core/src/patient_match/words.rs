//! The words in which reasons are told to the office: the era of a birth date, the sign by which two
//! names differ, and why a group is closed to a sender.

use crate::decision::TriageReason;
use jiff::civil::{Date, date};

/// First day and name of each era since Meiji.
const ERAS: &[(Date, &str)] = &[
    (date(2019, 5, 1), "令和"),
    (date(1989, 1, 8), "平成"),
    (date(1926, 12, 25), "昭和"),
    (date(1912, 7, 30), "大正"),
    (date(1868, 1, 25), "明治"),
];

/// `1938-04-12` as `昭和13年4月12日`; as it is if it is no date.
pub(super) fn birth_date(text: &str) -> String {
    let Ok(day) = text.parse::<Date>() else { return text.to_owned() };
    let Some((first, era)) = ERAS.iter().find(|(first, _)| day >= *first) else { return text.to_owned() };
    let year = day.year() - first.year() + 1;
    let year = if year == 1 { "元".to_owned() } else { year.to_string() };
    format!("{era}{year}年{}月{}日", day.month(), day.day())
}

/// How a written name differs from the registered one, if they are nearly the same: one sign more, one
/// less, or one other. Both are folded.
pub(super) fn difference(written: &str, known: &str) -> Option<String> {
    let (w, k): (Vec<char>, Vec<char>) = (written.chars().collect(), known.chars().collect());
    if w.len() < 2 || k.len() < 2 || w.len() > 40 || k.len() > 40 {
        return None;
    }
    let front = w.iter().zip(&k).take_while(|(a, b)| a == b).count();
    let back = w.iter().rev().zip(k.iter().rev()).take_while(|(a, b)| a == b).count();
    let back = back.min(w.len().min(k.len()) - front);
    let (more, less) = (&w[front..w.len() - back], &k[front..k.len() - back]);
    match (more, less) {
        ([], [c]) => Some(format!("届いた名前に「{c}」がない")),
        ([c], []) => Some(format!("届いた名前には「{c}」がある")),
        ([a], [b]) if w.len() > 2 => Some(format!("名前が一字違う(届いたのは「{a}」、登録は「{b}」)")),
        _ => None,
    }
}

/// Why the group is closed to the sender.
pub(super) const fn blocked(reason: &TriageReason) -> Option<&'static str> {
    Some(match reason {
        TriageReason::NoGroup => "患者グループがありません",
        TriageReason::GroupNotOpen => "患者グループは停止または終了しています",
        TriageReason::NotConsented => "同意の範囲にありません",
        TriageReason::NotAMember => "送信元の施設はメンバーではありません",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eras() {
        for (iso, ja) in [
            ("1938-04-12", "昭和13年4月12日"),
            ("1989-01-07", "昭和64年1月7日"),
            ("1989-01-08", "平成元年1月8日"),
            ("1926-12-24", "大正15年12月24日"),
            ("2026-06-09", "令和8年6月9日"),
            ("1700-01-01", "1700-01-01"),
            ("?", "?"),
        ] {
            assert_eq!(birth_date(iso), ja);
        }
    }

    #[test]
    fn one_sign_is_named() {
        for (written, known, said) in [
            ("山本千代", "山本千代子", Some("届いた名前に「子」がない")),
            ("山本千代子", "山本千代", Some("届いた名前には「子」がある")),
            ("斎藤和子", "斎藤知子", Some("名前が一字違う(届いたのは「和」、登録は「知」)")),
            ("佐々木勇", "山本千代", None),
            ("ああ", "あああ", Some("届いた名前に「あ」がない")),
            ("山本", "川本", None),
            ("", "山本", None),
        ] {
            assert_eq!(difference(written, known).as_deref(), said, "{written} {known}");
        }
    }
}
