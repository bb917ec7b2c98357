//! Who writes and to whom: facilities and persons around a short answer. A name says nothing, news of somebody
//! does, so only known words are taken for a name: two kanji alone can as well be 転倒 or 中止.

use super::word_lists::{FACILITY_WORDS, FAMILY_NAMES, NEWS, PLACE_NAMES, POSTS, RELATIVES};
use crate::text::any_of::AnyOf;
use crate::text::fold::fold_name;
use std::sync::LazyLock;

/// Longest name of a facility, in characters.
const MAX_PLACE_CHARS: usize = 25;
/// Longest name of a person, in characters.
const MAX_NAME_CHARS: usize = 8;

/// What stands behind a name after a blank.
pub(super) const TITLES_AFTER: &[&str] = &["御中", "様", "殿", "先生", "さま", "さん"];
/// Legal forms before and behind the name of a facility.
const FORMS: &[&str] = &[
    "社会福祉法人",
    "医療法人社団",
    "医療法人財団",
    "医療法人",
    "一般社団法人",
    "株式会社",
    "有限会社",
    "合同会社",
    "npo法人",
    "(株)",
    "(有)",
];
/// What no name of a facility holds, in kana: a text with it says something.
const SAID: &[&str] = &[
    "やすみ",
    "休み",
    "なし",
    "ない",
    "ません",
    "ます",
    "ました",
    "だめ",
    "ダメ",
    "むり",
    "ムリ",
    "キャンセル",
    "ください",
    "下さい",
    "まだ",
    "おくれ",
    "遅れ",
    "できず",
    "せず",
    "です",
    "から",
    "まで",
    "へ行",
    "ショート",
    "ストップ",
    "オフ",
    "ナシ",
    "アリ",
    "あり",
    "イン",
    "アウト",
];

/// `大塚様`, `各位`, `担当者様`, `先生`: whom it is for.
pub(super) fn is_address(piece: &str) -> bool {
    if matches!(
        piece,
        "各位"
            | "関係者各位"
            | "皆様"
            | "皆さま"
            | "みなさま"
            | "皆さん"
            | "先生"
            | "ご担当者様"
            | "担当者様"
            | "関係者の皆様"
    ) {
        return true;
    }
    let named = ["様", "さま", "さん", "先生", "御中", "殿"].iter().find_map(|end| piece.strip_suffix(end));
    named.is_some_and(|name| {
        let length = name.chars().count();
        (1..=24).contains(&length)
            && !name.contains(['を', 'が', 'は', 'に', 'へ', 'で', 'て', 'た', 'す', 'る'])
            // 「長男様 了解」 tells who has agreed.
            && !RELATIVES.iter().any(|relative| name.contains(relative))
    })
}

/// `佐野です`, `さくら訪問看護の大塚です`, `大塚より`: who it is from.
pub(super) fn is_introduction(piece: &str, may_open: bool) -> bool {
    let from_end = ["より", "拝", "記"].iter().find_map(|end| piece.strip_suffix(end));
    let opening = ["です", "でございます", "と申します"].iter().find_map(|end| piece.strip_suffix(end));
    match (from_end, opening) {
        (Some(who), _) => names_somebody(who),
        // 「佐藤です」 behind 了解 may answer who will come; with the facility it is who writes.
        (None, Some(who)) if !may_open => is_somebody_of_a_place(who),
        (None, Some(who)) => names_somebody(who) || is_whole_place(who),
        (None, None) => names_somebody(piece),
    }
}

/// The words between blanks that end in a facility and its person: how many stand before them.
pub(super) fn before_name_line(words: &[String]) -> Option<usize> {
    (0..words.len().saturating_sub(1)).find(|start| {
        let line = &words[*start..];
        (1..=2).filter(|person| *person < line.len()).any(|person| {
            let (places, name) = line.split_at(line.len() - person);
            is_name(without_opening(&name.concat()))
                && places.iter().any(|word| is_place(word) || is_own_post(word))
                && places.iter().all(|word| is_place(word) || OF_POST.is_one(word))
        })
    })
}

/// The words between blanks of an address: `ケアプランつむぎ 高梨様`.
pub(super) fn is_address_line(words: &[String]) -> bool {
    words.split_last().is_some_and(|(whom, places)| {
        !places.is_empty()
            && is_address(whom)
            && places.iter().all(|word| is_place(word) || OF_POST.is_one(word))
    })
}

/// `大塚です` without its verb.
pub(super) fn without_opening(who: &str) -> &str {
    ["です", "でございます", "と申します"].iter().find_map(|end| who.strip_suffix(end)).unwrap_or(who)
}

/// A person, perhaps with the facility before.
fn names_somebody(who: &str) -> bool {
    is_name(who)
        || OF_POST.at_start(who).filter(|post| !is_shared(post)).any(|post| is_name(&who[post.len()..]))
        || is_somebody_of_a_place(who)
}

/// A post by which people call themselves; 「担当 佐藤」 tells who comes.
fn is_own_post(post: &str) -> bool {
    OF_POST.is_one(post) && !is_shared(post)
}

fn is_shared(post: &str) -> bool {
    matches!(post, "担当" | "代表")
}

/// `ひなた訪問看護の大塚`, `ひなた大塚`, `さくら薬局管理薬剤師佐野`.
fn is_somebody_of_a_place(who: &str) -> bool {
    if who.chars().count() > MAX_PLACE_CHARS + MAX_NAME_CHARS {
        return false;
    }
    who.char_indices().rev().take(MAX_NAME_CHARS).any(|(at, _)| {
        let (place, name) = who.split_at(at);
        if place.is_empty() || !is_name(name) {
            return false;
        }
        let place = place.strip_suffix('の').unwrap_or(place);
        is_place(place) || POSTS.iter().filter_map(|post| place.strip_suffix(post)).any(is_place)
    })
}

/// A frequent family name, or one with a given name.
pub(super) fn is_name(name: &str) -> bool {
    FAMILY.is_one(name) || full_name(name)
}

/// A known family name and at most three signs of a given name, all kanji or kana.
pub(super) fn full_name(name: &str) -> bool {
    FAMILY.at_start(name).any(|family| {
        let given = &name[family.len()..];
        (1..=3).contains(&given.chars().count())
            && family.chars().count() >= 2
            && given.chars().all(|c| matches!(c, '\u{3041}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}'))
            && !["です", "より", "様", "さん"].contains(&given)
            && !holds_news(given)
    })
}

/// 未来 and 有紀 are names, 未 and 有 are none.
fn holds_news(given: &str) -> bool {
    static LONG: LazyLock<AnyOf> = LazyLock::new(|| {
        let long = |word: &&str| word.chars().count() > 1;
        AnyOf::new(&NEWS.iter().chain(RELATIVES).copied().filter(long).collect::<Vec<_>>())
    });
    // ありさ is a name, あり is none.
    NEWS.contains(&given)
        || RELATIVES.contains(&given)
        || LONG.is_in(given)
        || SAID.iter().any(|said| given.ends_with(said))
        || TITLES_AFTER.iter().any(|title| given.ends_with(title))
}

/// A facility with somebody of it beside: a word by which facilities are known, or the name of many of them,
/// and nothing that could be news.
pub(super) fn is_place(place: &str) -> bool {
    if place.chars().count() > MAX_PLACE_CHARS || place.chars().any(|c| c.is_ascii_digit()) {
        return false;
    }
    if !OF_FACILITY.is_in(place) && !OF_PLACE.is_in(place) {
        return false;
    }
    let (bare, known) = without_known_words(place);
    known && !TELLS.is_in(&bare)
}

/// A facility that needs nobody beside: `ひなた訪問看護`, `大塚医院`, never `訪問看護` or `デイ休み`.
pub(super) fn is_whole_place(place: &str) -> bool {
    let of_persons = ["医院", "クリニック", "薬局", "歯科", "診療所"];
    let of_doctor =
        of_persons.iter().any(|end| place.strip_suffix(end).is_some_and(|name| FAMILY.is_one(name)));
    of_doctor
        || (OF_FACILITY.is_in(place) && OF_PLACE.is_in(place) && without_known_words(place).0.is_empty())
}

/// What is left of the name of a facility without the words that many have, and whether it had any.
fn without_known_words(place: &str) -> (String, bool) {
    let mut rest = place.to_owned();
    let mut known = false;
    for (any, words) in [(&OF_FACILITY, FACILITY_WORDS), (&OF_PLACE, PLACE_NAMES)] {
        if !any.is_in(&rest) {
            continue;
        }
        // Longer ones first: 訪問看護ステーション is no ステーション of 訪問.
        let mut found: Vec<&str> = words.iter().copied().filter(|word| rest.contains(word)).collect();
        found.sort_by_key(|word| std::cmp::Reverse(word.len()));
        for word in found {
            known |= rest.contains(word);
            rest = rest.replace(word, "");
        }
    }
    if OF_FORM.is_in(&rest) {
        for word in FORMS {
            rest = rest.replace(word, "");
        }
    }
    // 有馬 is no news of 有.
    if FAMILY.is_in(&rest) {
        for name in FAMILY_NAMES {
            if name.chars().count() > 1 && rest.contains(name) {
                rest = rest.replace(name, "");
            }
        }
    }
    (rest, known)
}

static FAMILY: LazyLock<AnyOf> = LazyLock::new(|| AnyOf::new(FAMILY_NAMES));
static OF_FACILITY: LazyLock<AnyOf> = LazyLock::new(|| AnyOf::new(FACILITY_WORDS));
static OF_PLACE: LazyLock<AnyOf> = LazyLock::new(|| AnyOf::new(PLACE_NAMES));
static OF_FORM: LazyLock<AnyOf> = LazyLock::new(|| AnyOf::new(FORMS));
static OF_POST: LazyLock<AnyOf> = LazyLock::new(|| AnyOf::new(POSTS));
/// What no name of a facility holds.
static TELLS: LazyLock<AnyOf> = LazyLock::new(|| AnyOf::new(&[NEWS, SAID].concat()));

/// A text without the words that hold only a name of who writes: his own as his program shows it, or those of his
/// facility and its people as the directory has them. News is no name, whatever a facility is called.
#[must_use]
pub fn without_names(text: &str, names: &[&str]) -> String {
    let names: Vec<String> =
        names.iter().map(|name| fold_name(name)).filter(|name| name.chars().count() >= 2).collect();
    if names.is_empty() {
        return text.to_owned();
    }
    const ENDS: [char; 13] = ['\n', '/', '／', '(', ')', '（', '）', '【', '】', '[', ']', '。', '、'];
    let mut out = String::with_capacity(text.len());
    for fragment in text.split_inclusive(ENDS) {
        let said = fragment.trim_end_matches(ENDS);
        let mut words: Vec<&str> = said.split_whitespace().collect();
        let count = words.len();
        while let Some(last) = words.last()
            && is_one_of(last, &names)
        {
            words.pop();
        }
        // The facility before its person goes along: 「ひなた 木暮」.
        if words.len() < count && words.iter().all(|word| is_place(word) || is_own_post(word)) {
            words.clear();
        }
        if count > 1 && is_one_of(said, &names) {
            words.clear();
        }
        if words.len() == count {
            out.push_str(fragment);
        } else {
            out.push_str(&words.join(" "));
            out.push('\n');
        }
    }
    out.trim_end_matches('\n').to_owned()
}

/// Whether a word is one of these names or a part of one, or one with a given name behind it.
fn is_one_of(word: &str, names: &[String]) -> bool {
    let word = word.trim().trim_end_matches(['。', '.', '、', '拝']);
    let bare = ["です", "より"].iter().find_map(|end| word.strip_suffix(end)).unwrap_or(word);
    let name = fold_name(bare);
    if name.chars().count() < 2 || name.chars().any(|c| c.is_ascii()) {
        return false;
    }
    // 「デイ」 below 了解 of a デイサービス is a word, not a name.
    if OF_FACILITY.is_one(bare) || OF_POST.is_one(bare) {
        return false;
    }
    // What is no name at all is found out before it is asked what it may tell: nearly every word of a mail.
    (names_one_of(&name, names) || is_of_a_place(bare, names)) && !holds_news(&without_known_words(bare).0)
}

fn names_one_of(name: &str, names: &[String]) -> bool {
    names.iter().any(|known| {
        let given = name.strip_prefix(known.as_str());
        known.contains(name) || given.is_some_and(|given| given.chars().count() <= 3 && !holds_news(given))
    })
}

/// `ひなたの木暮`
fn is_of_a_place(bare: &str, names: &[String]) -> bool {
    if !OF_FACILITY.is_in(bare) && !OF_PLACE.is_in(bare) {
        return false;
    }
    bare.char_indices().rev().take(MAX_NAME_CHARS).skip(1).any(|(at, _)| {
        let (place, person) = bare.split_at(at);
        let place = place.strip_suffix('の').unwrap_or(place);
        is_place(place) && {
            let person = fold_name(person);
            names.iter().any(|known| known.contains(&person))
        }
    })
}
