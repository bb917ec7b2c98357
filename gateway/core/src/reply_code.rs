//! Reply codes (返信コード): 45 random bits as 9 signs of Crockford base32 and a check sign, one per
//! recipient and delivered item, with nothing about the patient in them (architecture.md section 4).
//! A code is only a name: whether it may act is decided from its row and the endpoint that uses it.

use std::fmt;

const SIGNS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Crockford's check signs continue the alphabet to 37.
const CHECK: &[u8; 37] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ*~$=U";

/// A well-formed reply code in canonical form: 10 upper-case signs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReplyCode(String);

impl ReplyCode {
    /// Makes a code of 45 random bits; the rest of `random` is ignored.
    ///
    /// Values whose check sign would not survive a mail address or a FAX page (`* ~ $ = U`) are
    /// skipped by counting up, which costs 5 values of 37 and nothing else.
    #[must_use]
    pub fn from_random(random: u64) -> Self {
        let mut value = random & ((1 << 45) - 1);
        while value % 37 >= 32 {
            value = (value + 1) & ((1 << 45) - 1);
        }
        let mut text = [0_u8; 10];
        for (i, slot) in text.iter_mut().take(9).enumerate() {
            let shift = 40 - 5 * i;
            *slot = SIGNS[((value >> shift) & 31) as usize];
        }
        text[9] = CHECK[(value % 37) as usize];
        Self(text.iter().map(|b| *b as char).collect())
    }

    /// Reads a code as people type it and machines print it: any case, blanks and hyphens between,
    /// `O`=0, `I`=`L`=1, full-width. `None` unless 9 signs and the right check sign are there.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let folded = crate::text::fold::narrow(text);
        let mut value: u64 = 0;
        let mut signs = Vec::with_capacity(10);
        for c in folded.chars() {
            if matches!(c, ' ' | '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | 'ー') {
                continue;
            }
            let sign = match c.to_ascii_uppercase() {
                'O' => b'0',
                'I' | 'L' => b'1',
                other if other.is_ascii() => other as u8,
                _ => return None,
            };
            if signs.len() == 10 {
                return None;
            }
            signs.push(sign);
        }
        if signs.len() != 10 {
            return None;
        }
        for sign in &signs[..9] {
            let digit = SIGNS.iter().position(|s| s == sign)?;
            value = value << 5 | digit as u64;
        }
        (CHECK[(value % 37) as usize] == signs[9]).then(|| Self(signs.iter().map(|b| *b as char).collect()))
    }

    /// Finds the first code in running text: `返信コード XXXXX-XXXXX`, `[XXXXX-XXXXX]`, a reply address
    /// or a link. Only a run of exactly ten signs (one hyphen or blank in the middle allowed), delimited
    /// on both sides, is taken, so that ordinary words and numbers are not.
    #[must_use]
    pub fn find(text: &str) -> Option<Self> {
        let folded = crate::text::fold::narrow(text);
        let is_sign = |c: char| c.is_ascii_alphanumeric();
        let chars: Vec<char> = folded.chars().take(200_000).collect();
        let mut i = 0;
        while i < chars.len() {
            if !is_sign(chars[i]) || (i > 0 && (is_sign(chars[i - 1]) || chars[i - 1] == '-')) {
                i += 1;
                continue;
            }
            let mut j = i;
            let mut signs = String::new();
            while j < chars.len() && signs.len() < 11 {
                let c = chars[j];
                if is_sign(c) {
                    signs.push(c);
                } else if !(signs.len() == 5 && matches!(c, '-' | ' ')) || signs.len() == 10 {
                    break;
                }
                j += 1;
            }
            let delimited = j >= chars.len() || !(is_sign(chars[j]) || chars[j] == '-');
            if signs.len() == 10
                && delimited
                && let Some(code) = Self::parse(&signs)
            {
                return Some(code);
            }
            i += 1;
        }
        None
    }

    /// Canonical form, 10 signs.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As printed for people: `XXXXX-XXXXX`.
    #[must_use]
    pub fn spaced(&self) -> String {
        format!("{}-{}", &self.0[..5], &self.0[5..])
    }

    /// The 16 signs of a QR on page `page` at place `place` of the first layout (fax-loop.md 4): format
    /// mark `K1`, the code, the page as three digits, and the letter of the place. Other kinds of sheets:
    /// [`crate::sheet_form::SheetCode`].
    #[must_use]
    pub fn qr_text(&self, page: u16, place: QrPlace) -> String {
        format!("K1{}{:03}{}", self.0, page.min(999), place.letter())
    }

    /// Reads the text of a QR of any kind of sheet: code, page, place. `None` if it is not one of ours.
    #[must_use]
    pub fn from_qr(text: &str) -> Option<(Self, u16, QrPlace)> {
        crate::sheet_form::SheetCode::parse(text).map(|read| (read.code, read.page, read.place))
    }
}

impl fmt::Display for ReplyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The two places of a QR on a sheet: one hit tells place and orientation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QrPlace {
    /// Top left.
    A,
    /// Bottom right.
    B,
}

impl QrPlace {
    /// The place of this letter.
    #[must_use]
    pub const fn from_letter(letter: u8) -> Option<Self> {
        match letter {
            b'A' => Some(Self::A),
            b'B' => Some(Self::B),
            _ => None,
        }
    }

    /// Its letter in the QR.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::A => 'A',
            Self::B => 'B',
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn typed_forms() {
        let code = ReplyCode::from_random(0x1234_5678_9abc);
        assert_eq!(ReplyCode::parse(&code.spaced().to_lowercase()), Some(code.clone()));
        assert_eq!(
            ReplyCode::find(&format!("<reply+{}@in.example>", code.as_str().to_lowercase())),
            Some(code.clone())
        );
        assert_eq!(ReplyCode::find(&format!("返信コード：{}。", code.spaced())), Some(code));
        assert_eq!(ReplyCode::find("電話0300000104 よろしく"), None);
    }

    proptest! {
        #[test]
        fn every_code_survives(random: u64, page in 0_u16..999) {
            let code = ReplyCode::from_random(random);
            prop_assert_eq!(ReplyCode::parse(code.as_str()), Some(code.clone()));
            let qr = code.qr_text(page, QrPlace::B);
            prop_assert_eq!(qr.len(), 16);
            prop_assert_eq!(ReplyCode::from_qr(&qr), Some((code, page, QrPlace::B)));
        }

        #[test]
        fn one_wrong_sign_is_noticed(random: u64, at in 0_usize..9, other in 0_usize..32) {
            let code = ReplyCode::from_random(random);
            let mut text = code.as_str().to_owned().into_bytes();
            prop_assume!(text[at] != SIGNS[other]);
            text[at] = SIGNS[other];
            prop_assert_eq!(ReplyCode::parse(std::str::from_utf8(&text).unwrap()), None);
        }

        #[test]
        fn reading_is_total(text in ".*") {
            let _ = ReplyCode::parse(&text);
            let _ = ReplyCode::find(&text);
            let _ = ReplyCode::from_qr(&text);
        }
    }
}
