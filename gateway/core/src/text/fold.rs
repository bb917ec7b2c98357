//! Folding of names and words for comparison (hl7.md 4.6): width, kana, variant kanji, blanks. Equal
//! after folding means candidate, never match: 斎藤 and 齋藤 may be two people.

use unicode_normalization::UnicodeNormalization as _;

/// NFKC: full-width ASCII becomes narrow, half-width kana becomes full-width.
#[must_use]
pub fn narrow(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // A sign that needs folding may join the one before it, never the plain one behind it.
    let (mut copied, mut last_plain) = (0, 0);
    let mut folding = false;
    for (at, c) in text.char_indices() {
        match (is_narrow(c), folding) {
            (true, true) => {
                out.extend(text[copied..at].nfkc());
                (copied, last_plain, folding) = (at, at, false);
            }
            (true, false) => last_plain = at,
            (false, true) => {}
            (false, false) => {
                out.push_str(&text[copied..last_plain]);
                (copied, folding) = (last_plain, true);
            }
        }
    }
    if folding {
        out.extend(text[copied..].nfkc());
    } else {
        out.push_str(&text[copied..]);
    }
    out
}

/// Characters that NFKC leaves alone whatever stands beside them, as long as that is one of them too: most of
/// what is written.
const fn is_narrow(c: char) -> bool {
    matches!(c, '\0'..='\u{7f}' | '、' | '。' | '「' | '」' | 'ぁ'..='ゖ' | 'ァ'..='ヺ' | 'ー' | '一'..='\u{9fff}')
}

/// Half-width kana to full-width and nothing else; for names that are shown.
#[must_use]
pub fn widen_kana(text: &str) -> String {
    // NFKC composes the half-width voiced marks only together with their kana, so runs are folded whole.
    let mut out = String::with_capacity(text.len());
    let mut run = String::new();
    for c in text.chars() {
        if matches!(c, '\u{ff61}'..='\u{ff9f}') {
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
    name.nfkc()
        .filter(|c| !c.is_whitespace() && !matches!(c, '・' | '･' | '゠' | '='))
        .map(katakana)
        .map(plain_kanji)
        .flat_map(char::to_uppercase)
        .collect()
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
        for c in ('\0'..=char::MAX).filter(|c| is_narrow(*c)) {
            assert_eq!(c.to_string(), c.nfkc().collect::<String>());
            assert_eq!(unicode_normalization::char::canonical_combining_class(c), 0, "{c}");
        }
    }

    proptest::proptest! {
        #[test]
        fn narrow_is_nfkc(text in "[ -~\\n、。「」ぁ-んァ-ンー一-龠ｱ-ﾟ\u{3099}\u{309a}①㈱Ａ-Ｚ]{0,12}") {
            proptest::prop_assert_eq!(narrow(&text), text.nfkc().collect::<String>());
        }
    }
}
