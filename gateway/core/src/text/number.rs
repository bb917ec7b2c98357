//! Telephone and FAX numbers. Compared by digits only; written in full-width, with brackets, with
//! country code and with an internal mark they are the same number.

use super::fold::narrow;

/// Folds a number to digits with a leading 0 (`+81 3-…` and `81-3-…` become `03…`); foreign numbers
/// keep `+`. `None` if fewer than 6 or more than 15 digits are in it.
#[must_use]
pub fn fold_number(text: &str) -> Option<String> {
    let narrow = narrow(text);
    let plus = narrow.trim_start().starts_with('+');
    let digits: String = narrow.chars().filter(char::is_ascii_digit).collect();
    if !(6..=15).contains(&digits.len()) {
        return None;
    }
    if plus {
        return Some(match digits.strip_prefix("81") {
            Some(rest) => format!("0{}", rest.trim_start_matches('0')),
            None => format!("+{digits}"),
        });
    }
    if digits.len() >= 11 && digits.starts_with("81") {
        return Some(format!("0{}", digits[2..].trim_start_matches('0')));
    }
    Some(digits)
}

/// Area codes of two and three digits that no longer code begins with: behind them the groups are certain.
const WHOLE_AREA_CODES: [&str; 8] = ["03", "06", "011", "044", "045", "052", "075", "078"];

/// A number as people write it, `03-1234-5678`: in groups only where their lengths can be told from the number
/// itself, else as it is. Elsewhere an area code has two to five digits, and wrong groups are worse than none.
#[must_use]
pub fn grouped(number: &str) -> String {
    if !number.bytes().all(|b| b.is_ascii_digit()) {
        return number.to_owned();
    }
    let begins = |codes: &[&str]| codes.iter().find(|code| number.starts_with(**code)).map(|code| code.len());
    let lengths = match number.len() {
        10 => match (begins(&["0120", "0570", "0990"]), begins(&WHOLE_AREA_CODES)) {
            (Some(_), _) => [4, 3, 3],
            (None, Some(code)) => [code, 6 - code, 4],
            (None, None) => return number.to_owned(),
        },
        11 => match (begins(&["0800"]), begins(&["050", "060", "070", "080", "090"])) {
            (Some(_), _) => [4, 3, 4],
            (None, Some(_)) => [3, 4, 4],
            (None, None) => return number.to_owned(),
        },
        _ => return number.to_owned(),
    };
    let mut rest = number;
    let groups = lengths.map(|length| {
        let (group, after) = rest.split_at(length);
        rest = after;
        group
    });
    groups.join("-")
}

/// The digits by which somebody looks for a number, whole or in part, however they are written; none if they are too
/// few to say anything.
#[must_use]
pub fn looked_for(text: &str) -> Option<String> {
    let digits = || narrow(text).chars().filter(char::is_ascii_digit).collect();
    let found: String =
        fold_number(text).unwrap_or_else(digits).chars().filter(char::is_ascii_digit).collect();
    (found.len() >= 3).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_number_in_many_hands() {
        for written in [
            "03-0000-0104",
            "０３（００００）０１０４",
            "+81 3 0000 0104",
            "+81-(0)3-0000-0104",
            "0300000104",
        ] {
            assert_eq!(fold_number(written).as_deref(), Some("0300000104"), "{written}");
        }
        assert_eq!(fold_number("非通知"), None);
        assert_eq!(fold_number("+1 212 555 0100").as_deref(), Some("+12125550100"));
    }

    #[test]
    fn a_number_is_grouped_only_where_its_groups_can_be_told() {
        for (digits, shown) in [
            ("0312345678", "03-1234-5678"),
            ("0612345678", "06-1234-5678"),
            ("0451234567", "045-123-4567"),
            ("0120123456", "0120-123-456"),
            ("0570012345", "0570-012-345"),
            ("08001234567", "0800-123-4567"),
            ("09012345678", "090-1234-5678"),
            ("05012345678", "050-1234-5678"),
            // 042-2xx in one town, 0422-xx in the next.
            ("0422123456", "0422123456"),
            ("031234567", "031234567"),
            ("+12125550100", "+12125550100"),
            ("03-1234-5678", "03-1234-5678"),
            ("非通知", "非通知"),
            ("", ""),
        ] {
            assert_eq!(grouped(digits), shown);
            assert_eq!(fold_number(shown), fold_number(digits), "grouping changes no number");
        }
    }

    #[test]
    fn a_number_is_found_by_its_digits_in_any_hand() {
        for typed in ["0300000104", "03-0000-0104", "０３（００００）０１０４", "+81 3 0000 0104"]
        {
            assert_eq!(looked_for(typed).as_deref(), Some("0300000104"), "{typed}");
        }
        assert_eq!(looked_for("0-104").as_deref(), Some("0104"));
        assert_eq!((looked_for("04"), looked_for("薬局")), (None, None));
    }
}
