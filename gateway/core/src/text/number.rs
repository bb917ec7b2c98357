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
}
