//! The patient as a mail names her: a full name before 様, a labelled name, a birth date that says it
//! is one. Conservative: two different names or dates give none, because nothing is guessed about the
//! patient (care-network.md 6.1 rule 4). It never matches anybody.

use kakehashi_core::envelope::{NameKind, Patient, PatientName};
use kakehashi_core::text::date::dates_in;
use kakehashi_core::text::fold::{fold_name, is_kana, narrow, widen_kana};
use kakehashi_core::text::start_of;

const MAX_CHARS: usize = 20_000;

/// What subject and own text say of the patient.
pub(crate) fn read(subject: Option<&str>, body: &str) -> Patient {
    let body = start_of(body, MAX_CHARS);
    let mut names: Vec<String> = Vec::new();
    if let Some(subject) = subject {
        names_before_sama(subject, &mut names);
    }
    for (number, line) in body.lines().enumerate() {
        // The first lines greet: a line that is only a name with 様 is whom the mail is for.
        let greets = number < 4 && line.trim_end_matches([' ', '\u{3000}', '、', ',', '。']).ends_with('様');
        if !greets {
            names_before_sama(line, &mut names);
        }
    }
    labelled(body, &mut names);
    let mut distinct: Vec<(String, String)> = Vec::new();
    for name in names {
        let folded = fold_name(&name);
        if !distinct.iter().any(|(f, _)| *f == folded) {
            distinct.push((folded, name));
        }
    }
    let mut patient = Patient::default();
    if let [(_, name)] = distinct.as_slice() {
        let kind = if is_kana(name) { NameKind::Kana } else { NameKind::Kanji };
        patient.names.push(PatientName { text: name.clone(), kana: phonetic(body), kind });
    }
    let all = format!("{}\n{body}", subject.unwrap_or(""));
    patient.birth_date = birth_date(&all);
    patient
}

/// Words before 様 that are no patient's name.
const NOBODY: &[&str] = &[
    "皆",
    "各位",
    "利用者",
    "患者",
    "家族",
    "奥",
    "旦那",
    "娘",
    "息子",
    "お客",
    "担当",
    "先生",
    "関係者",
    "本人",
    "父",
    "母",
    "祖父",
    "祖母",
    "主",
    "御一同",
    "一同",
    "同",
    "有",
    "仕",
    "王",
    "神",
    "殿",
    "薬局",
    "病院",
    "医院",
    "クリニック",
    "診療所",
    "センター",
    "ステーション",
    "事業所",
    "デイ",
    "ケア",
    "株式会社",
    "有限会社",
    "法人",
    "歯科",
    "訪問",
    "連携",
    "包括",
    "事務局",
    "看護師",
    "主任",
    "院長",
    "所長",
    "部長",
    "課長",
    "会社",
    "サービス",
    "ヘルパー",
    "マネージャー",
    "以下",
    "方",
];

fn names_before_sama(line: &str, names: &mut Vec<String>) {
    for (at, _) in line.match_indices('様').take(20) {
        // 様子, 様式, 様々, 同様 are words.
        if line[at + '様'.len_utf8()..].starts_with(['子', '式', '々', '態', '相', '変']) {
            continue;
        }
        let before = &line[..at];
        let segment = before
            .rsplit([
                '、', '。', ',', '.', '「', '」', '『', '』', '【', '】', '[', ']', '(', ')', '（', '）',
                ':', '：', '/', '／', '>', '・', '!', '！', '?', '\t', '<', '"', '★', '■',
            ])
            .next()
            .unwrap_or("")
            .trim();
        if let Some(name) = full_name(segment)
            && names.len() < 50
        {
            names.push(name);
        }
    }
}

/// The name at the end of a segment: kanji and katakana, family and given name with or without a
/// blank, at least three signs in all.
fn full_name(segment: &str) -> Option<String> {
    let particle =
        |c: char| matches!(c, 'の' | 'は' | 'が' | 'を' | 'に' | 'へ' | 'と' | 'で' | 'も' | 'や' | 'か');
    let tail = segment.rsplit(particle).next().unwrap_or(segment).trim();
    let is_name_sign = |c: char| matches!(c, '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{30a1}'..='\u{30fa}' | 'ー' | '々' | '〆' | '\u{20000}'..='\u{2ffff}');
    let words: Vec<&str> = tail.split([' ', '\u{3000}']).filter(|w| !w.is_empty()).collect();
    let joined = match words.as_slice() {
        [.., family, given]
            if words.len() <= 2 && family.chars().count() <= 5 && given.chars().count() <= 6 =>
        {
            format!("{family} {given}")
        }
        [only] => (*only).to_owned(),
        _ => return None,
    };
    let signs: Vec<char> = joined.chars().filter(|c| *c != ' ').collect();
    let given_is_hiragana = || {
        let kanji = signs.iter().take_while(|c| is_name_sign(**c)).count();
        kanji >= 2
            && signs[kanji..].iter().all(|c| matches!(c, '\u{3041}'..='\u{3096}'))
            && (2..=4).contains(&(signs.len() - kanji))
    };
    let plausible =
        (3..=9).contains(&signs.len()) && (signs.iter().all(|c| is_name_sign(*c)) || given_is_hiragana());
    let somebody = !NOBODY
        .iter()
        .any(|word| if word.chars().count() == 1 { joined.ends_with(word) } else { joined.contains(word) });
    (plausible && somebody).then_some(joined)
}

fn labelled(body: &str, names: &mut Vec<String>) {
    const LABELS: &[&str] = &[
        "患者氏名",
        "患者名",
        "利用者氏名",
        "利用者名",
        "患者様氏名",
        "ご利用者名",
        "患者様名",
        "ご利用者様名",
        "被保険者氏名",
    ];
    for line in body.lines().take(2_000) {
        let line = line.trim_start_matches(['・', '■', '●', '○', '◇', '◆', '【', '[', ' ', '\u{3000}']);
        let Some(rest) = LABELS.iter().find_map(|label| line.strip_prefix(label)) else { continue };
        let Some(value) = rest.trim_start_matches(['】', ']', ' ', '\u{3000}']).strip_prefix([':', '：'])
        else {
            continue;
        };
        let value = value.split(['(', '（', '、', ',', '/', '\t']).next().unwrap_or("").trim();
        let value = value.trim_end_matches(['様', '殿', ' ', '\u{3000}']);
        if let Some(name) = full_name(value) {
            names.push(name);
        }
    }
}

/// The phonetic form, where a line names it as such.
fn phonetic(body: &str) -> Option<String> {
    const LABELS: &[&str] = &["フリガナ", "ふりがな", "カナ氏名", "氏名カナ", "カナ"];
    body.lines().take(2_000).find_map(|line| {
        let line = widen_kana(line);
        let rest = LABELS.iter().find_map(|label| line.trim_start().strip_prefix(label))?;
        let value = rest.trim_start().strip_prefix([':', '：'])?.trim().trim_end_matches('様').trim();
        (is_kana(value) && value.chars().count() <= 30).then(|| value.to_owned())
    })
}

/// A date that is called a birth date: `生年月日 S13.4.12`, `昭和13年4月12日生`.
fn birth_date(text: &str) -> Option<String> {
    let folded = narrow(text);
    if !folded.contains('生') {
        return None;
    }
    let mut found = Vec::new();
    for (at, word) in folded.match_indices("生年月日").take(20) {
        let after: String = folded[at + word.len()..].chars().take(30).collect();
        let after = after.split('\n').next().unwrap_or("").to_owned();
        found.extend(dates_in(&after).into_iter().next());
    }
    for (at, _) in folded.match_indices('生').take(200) {
        if folded[at..].starts_with("生年月日") {
            continue;
        }
        let next = folded[at + '生'.len_utf8()..].chars().next();
        let ends = next.is_none_or(|c| !matches!(c, '\u{4e00}'..='\u{9fff}') || c == '男' || c == '女');
        let before: Vec<char> = folded[..at].chars().rev().take(16).collect();
        let before: String = before.into_iter().rev().collect();
        if ends && before.ends_with(|c: char| c.is_ascii_digit() || c == '日') {
            let line = before.rsplit('\n').next().unwrap_or("");
            found.extend(dates_in(line).into_iter().last());
        }
    }
    found.sort();
    found.dedup();
    match found.as_slice() {
        [one] => Some(one.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Option<String> {
        read(None, text).names.first().map(|n| n.text.clone())
    }

    #[test]
    fn names_that_are_surely_names() {
        assert_eq!(name("山本千代様 アムロジピン残14錠"), Some("山本千代".into()));
        assert_eq!(name("明日の山本　千代様の訪問について"), Some("山本 千代".into()));
        assert_eq!(
            name("長谷部ミツ様の訪問看護は26日です。\nデイサービスこもれび様は通常どおり"),
            Some("長谷部ミツ".into())
        );
        assert_eq!(name("患者氏名：山本千代"), Some("山本千代".into()));
        assert_eq!(read(Some("長谷部ミツ様 訪問"), "関係者各位").names[0].text, "長谷部ミツ");
        for text in [
            "関係者の皆様",
            "大塚りつ子様\n\nお世話になります",
            "高橋様の担当分",
            "ご家族様へ",
            "様子を見ます",
            "同様です",
            "山本千代様と川端節子様",
            "あおぞら薬局様",
            "担当看護師様",
        ] {
            assert_eq!(name(text), None, "{text}");
        }
    }

    #[test]
    fn birth_dates_that_say_so() {
        let date = |text: &str| read(None, text).birth_date;
        assert_eq!(date("山本千代様 生年月日 S13.4.12"), Some("1938-04-12".into()));
        assert_eq!(date("生年月日：昭和13年4月12日"), Some("1938-04-12".into()));
        assert_eq!(date("昭和13年4月12日生"), Some("1938-04-12".into()));
        for text in [
            "6/9退院",
            "2026/6/9 発生",
            "昭和13年4月生",
            "生年月日 S13.4.12 生年月日 S13.4.21",
            "2026年6月9日生活状況",
        ] {
            assert_eq!(date(text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn total(text in ".*", like in "[山本千代様のは生年月日昭和0-9.:： \\n]{0,30}") {
            let _ = read(Some(&text), &like);
            let _ = read(Some(&like), &text);
        }
    }
}
