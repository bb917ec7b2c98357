//! Folding of names and words for comparison (hl7.md 4.6): width, kana, variant kanji, blanks. Equal
//! after folding means candidate, never match: 斎藤 and 齋藤 may be two people.

use unicode_normalization::UnicodeNormalization as _;

/// NFKC: full-width ASCII becomes narrow, half-width kana becomes full-width.
#[must_use]
pub fn narrow(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // What is in `out` ends here; the sign before this one begins there.
    let (mut copied, mut last) = (0, 0);
    let mut folding = false;
    for (at, c) in text.char_indices() {
        let narrowed = narrow_ascii(c);
        if narrowed.is_none() && !is_narrow(c) {
            // A sign that needs folding may join the one before it, never the plain one behind it.
            if !folding {
                if last < copied {
                    out.pop();
                } else {
                    out.push_str(&text[copied..last]);
                }
                (copied, folding) = (last, true);
            }
            continue;
        }
        if folding {
            out.extend(text[copied..at].nfkc());
            (copied, folding) = (at, false);
        }
        if let Some(ascii) = narrowed {
            out.push_str(&text[copied..at]);
            out.push(ascii);
            copied = at + c.len_utf8();
        }
        last = at;
    }
    if folding {
        out.extend(text[copied..].nfkc());
    } else {
        out.push_str(&text[copied..]);
    }
    out
}

/// The form in which words are looked for: [`narrow`] and lower case.
#[must_use]
pub fn folded(text: &str) -> String {
    lower(narrow(text))
}

/// Lower case. Signs of Japanese have none, and asking a table for each is what `str::to_lowercase` does.
#[must_use]
pub fn lower(mut text: String) -> String {
    if text.chars().all(|c| c.is_ascii() || has_no_case(c)) {
        text.make_ascii_lowercase();
        text
    } else {
        text.to_lowercase()
    }
}

/// Characters that NFKC leaves alone whatever stands beside them, as long as that is one of them too: most of
/// what is written.
const fn is_narrow(c: char) -> bool {
    matches!(c, '\0'..='\u{7f}' | '、'..='〩' | 'ぁ'..='ゖ' | 'ァ'..='ー' | '一'..='\u{9fff}'
        | '\u{2500}'..='\u{27bf}')
}

/// Full-width ASCII and the blank of its width as ASCII, which joins nothing before it.
const fn narrow_ascii(c: char) -> Option<char> {
    match c {
        '\u{3000}' => Some(' '),
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0),
        _ => None,
    }
}

/// Kana, kanji, marks and pictures.
const fn has_no_case(c: char) -> bool {
    matches!(c, '\u{3000}'..='\u{9fff}' | '\u{2000}'..='\u{20ff}' | '\u{2190}'..='\u{245f}'
        | '\u{2500}'..='\u{27bf}' | '\u{1f300}'..='\u{1faff}')
}

/// Half-width kana to full-width and nothing else; for names that are shown.
#[must_use]
pub fn widen_kana(text: &str) -> String {
    let is_half = |c: char| matches!(c, '\u{ff61}'..='\u{ff9f}');
    if !text.contains(is_half) {
        return text.to_owned();
    }
    // NFKC composes the half-width voiced marks only together with their kana, so runs are folded whole.
    let mut out = String::with_capacity(text.len());
    let mut run = String::new();
    for c in text.chars() {
        if is_half(c) {
            run.push(c);
        } else {
            out.extend(run.nfkc());
            run.clear();
            out.push(c);
        }
    }
    out.extend(run.nfkc());
    out
}

/// A name in comparison form: NFKC, hiragana to katakana, variant kanji to one form, no blanks and
/// middle dots, ASCII upper case.
#[must_use]
pub fn fold_name(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let kept = |c: &char| !c.is_whitespace() && !matches!(c, '・' | '･' | '゠' | '=');
    for c in narrow(name).chars().filter(kept).map(katakana).map(plain_kanji) {
        if has_no_case(c) {
            out.push(c);
        } else {
            out.extend(c.to_uppercase());
        }
    }
    out
}

/// A folded kana name with the weak equalities of hl7.md 4.6 applied as well: long vowel mark
/// dropped, ヂ=ジ, ヅ=ズ, ヲ=オ.
#[must_use]
pub fn fold_kana_weak(name: &str) -> String {
    fold_name(name)
        .chars()
        .filter(|c| !matches!(c, 'ー' | '-' | '‐'))
        .map(|c| match c {
            'ヂ' => 'ジ',
            'ヅ' => 'ズ',
            'ヲ' => 'オ',
            other => other,
        })
        .collect()
}

/// Whether a text is kana only (blanks and the long vowel mark allowed).
#[must_use]
pub fn is_kana(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|c| {
            matches!(c, '\u{3041}'..='\u{309f}' | '\u{30a1}'..='\u{30ff}' | '\u{ff66}'..='\u{ff9f}')
                || c.is_whitespace()
        })
        && text.chars().any(|c| !c.is_whitespace())
}

fn katakana(c: char) -> char {
    match c {
        '\u{3041}'..='\u{3096}' => char::from_u32(c as u32 + 0x60).unwrap_or(c),
        other => other,
    }
}

/// Variant kanji that occur in names, each to the form it is compared by.
fn plain_kanji(c: char) -> char {
    match c {
        '髙' => '高',
        '﨑' | '嵜' | '碕' => '崎',
        '濵' | '濱' => '浜',
        '邊' | '邉' => '辺',
        '齋' | '齊' | '斉' => '斎',
        '澤' => '沢',
        '國' => '国',
        '惠' => '恵',
        '德' => '徳',
        '廣' => '広',
        '嶋' | '嶌' => '島',
        '櫻' => '桜',
        '龍' => '竜',
        '眞' => '真',
        '壽' => '寿',
        '榮' => '栄',
        '圓' => '円',
        '條' => '条',
        '淺' => '浅',
        '瀨' => '瀬',
        '塚' => '塚',
        '槇' => '槙',
        '寬' => '寛',
        '祐' => '祐',
        '靜' => '静',
        '藏' => '蔵',
        '關' => '関',
        '兒' => '児',
        '會' => '会',
        '假' => '仮',
        '黑' => '黒',
        '𠮷' => '吉',
        '𣘺' => '橋',
        '舘' => '館',
        '桒' => '桑',
        '曾' => '曽',
        '彌' => '弥',
        '禮' => '礼',
        '晧' => '皓',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_makes_the_same_of_what_people_write_differently() {
        assert_eq!(fold_name("山本　千代"), fold_name("山本 千代"));
        assert_eq!(fold_name("ﾔﾏﾓﾄ ﾁﾖ"), fold_name("やまもと ちよ"));
        assert_eq!(fold_name("髙橋"), fold_name("高橋"));
        assert_ne!(fold_name("山本千代"), fold_name("山本千代子"));
        assert_eq!(fold_kana_weak("オオツカ"), "オオツカ");
        assert_eq!(widen_kana("ｱﾑﾛｼﾞﾋﾟﾝA"), "アムロジピンA");
        assert!(is_kana("ヤマモト チヨ") && !is_kana("山本") && !is_kana(" "));
    }

    #[test]
    fn the_short_way_is_the_long_way() {
        for c in '\0'..=char::MAX {
            let same = c.to_string();
            if is_narrow(c) {
                assert_eq!(same, c.nfkc().collect::<String>());
                assert_eq!(unicode_normalization::char::canonical_combining_class(c), 0, "{c}");
            }
            if let Some(ascii) = narrow_ascii(c) {
                assert_eq!(ascii.to_string(), c.nfkc().collect::<String>());
            }
            if has_no_case(c) {
                assert_eq!((same.to_lowercase(), same.to_uppercase()), (same.clone(), same));
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn narrow_is_nfkc(text in "[ -~\\n、。「」ぁ-んァ-ンー一-龠ｱ-ﾟ\u{3099}\u{309a}\u{301}\u{3000}■①㈱Ａ-Ｚ！]{0,12}") {
            proptest::prop_assert_eq!(narrow(&text), text.nfkc().collect::<String>());
            proptest::prop_assert_eq!(folded(&text), text.nfkc().collect::<String>().to_lowercase());
        }
    }
}
