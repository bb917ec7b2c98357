//! What a short answer means: 了解 and its forms, a wish to be called back, an urgency in brackets.
//! Deliberately narrow: whatever holds more than the word, names and courtesies is a reply that a
//! person reads (care-network.md 6.2 and 8.3). It never reads a keyword out of running text.

#[cfg(test)]
mod answers;
mod composed;
mod names;
mod word_lists;

pub use self::names::without_names;

use self::names::{
    TITLES_AFTER, before_name_line, full_name, is_address, is_address_line, is_introduction, is_name,
    is_place, is_whole_place, without_opening,
};
use self::word_lists::{ACKNOWLEDGEMENTS, CALLBACKS, COURTESIES, POSTS};
use crate::text::any_of::AnyOf;
use crate::text::fold::{folded, narrow};
use crate::text::{only, start_of};
use crate::vocabulary::{ReplyExpectation, Urgency};
use std::borrow::Cow;
use std::sync::LazyLock;

/// Longest text that can be a mere 了解, in characters.
const MAX_CHARS: usize = 300;

/// What a short text says and nothing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShortAnswer {
    /// 了解.
    Acknowledgement,
    /// 折返し.
    Callback,
}

/// What a text says if it says one thing only. Quote and signature are already off.
#[must_use]
pub fn short_answer(text: &str) -> Option<ShortAnswer> {
    let pieces = pieces(text)?;
    if acknowledges(text, &pieces) {
        Some(ShortAnswer::Acknowledgement)
    } else {
        wants_a_call(&pieces).then_some(ShortAnswer::Callback)
    }
}

/// Whether a text says 了解 and nothing more. Quote and signature are already off.
#[must_use]
pub fn is_only_acknowledgement(text: &str) -> bool {
    pieces(text).is_some_and(|pieces| acknowledges(text, &pieces))
}

/// Whether a text is short enough to be a mere 了解 and asks nothing, whatever it says.
#[must_use]
pub fn may_be_short_answer(text: &str) -> bool {
    pieces(text).is_some_and(|pieces| !pieces.is_empty())
}

fn acknowledges(text: &str, pieces: &[String]) -> bool {
    let mut acknowledged = text.contains(['👍', '👌', '🙆', '🆗']);
    for (at, piece) in pieces.iter().enumerate() {
        if is_acknowledgement(piece) {
            acknowledged = true;
        } else if !(is_courtesy(piece)
            || is_address(piece)
            || is_introduction(piece, at == 0 || !acknowledged)
            || names_the_place(text, pieces, at))
        {
            return false;
        }
    }
    acknowledged
}

/// A facility beside its person (`ひなた／大塚`), or one that begins or ends the text on a line or in brackets of its
/// own: 「承知しました。さくら薬局」 in one line may answer which pharmacy.
fn names_the_place(text: &str, pieces: &[String], at: usize) -> bool {
    let beside = [at.checked_sub(1), at.checked_add(1)];
    let person = || {
        beside.iter().flatten().filter_map(|at| pieces.get(*at)).any(|piece| is_name(without_opening(piece)))
    };
    let at_an_end = at == 0 || at + 1 == pieces.len();
    (at_an_end && is_whole_place(&pieces[at]) && stands_apart(text, &pieces[at]))
        || (person() && is_place(&pieces[at]))
}

fn stands_apart(text: &str, piece: &str) -> bool {
    let plain = |line: &str| only(line, |c| !c.is_whitespace());
    let folded = folded(text);
    folded.lines().any(|line| plain(line).trim_matches(['(', ')', '【', '】', '-', '。']) == piece)
        || ["(", "【", "/"].iter().any(|mark| plain(&folded).contains(&format!("{mark}{piece}")))
}

/// Whether a text only asks to be called back, with or without a time and a number.
#[must_use]
pub fn asks_callback(text: &str) -> bool {
    pieces(text).is_some_and(|pieces| wants_a_call(&pieces))
}

fn wants_a_call(pieces: &[String]) -> bool {
    // Nearly no text asks for it, and what may stand beside it is many words.
    if !pieces.iter().any(|piece| is_callback(piece)) {
        return false;
    }
    let mut asked = false;
    for (at, piece) in pieces.iter().enumerate() {
        if is_callback(piece) {
            asked = true;
        } else if !(is_courtesy(piece)
            || is_address(piece)
            || is_time(piece)
            || is_number(piece)
            || is_acknowledgement(piece)
            || is_introduction(piece, at < 3))
        {
            return false;
        }
    }
    asked
}

/// The urgency that a writer put in brackets at the very start: `[緊急]`, `【至急】`, `【至急・了解希望】`.
/// Up to three bracketed marks may stand there.
#[must_use]
pub fn bracket_urgency(text: &str) -> Option<Urgency> {
    leading_marks(text).iter().find_map(|word| match word.as_str() {
        "緊急" | "emergency" | "緊急連絡" => Some(Urgency::Emergency),
        "至急" | "大至急" | "urgent" | "急ぎ" | "至急連絡" => Some(Urgency::Urgent),
        _ => None,
    })
}

/// The reply expectation that a writer put in brackets at the very start: `【返信希望】`.
#[must_use]
pub fn bracket_expectation(text: &str) -> Option<ReplyExpectation> {
    leading_marks(text).iter().find_map(|word| match word.as_str() {
        "返信不要" | "返信無用" => Some(ReplyExpectation::None),
        "了解希望" | "要了解" => Some(ReplyExpectation::Ack),
        "返信希望" | "要返信" => Some(ReplyExpectation::Reply),
        "折返し電話希望" | "折り返し電話希望" | "要電話" => Some(ReplyExpectation::Call),
        _ => None,
    })
}

/// The words in the brackets with which a text begins, at most three brackets, folded.
fn leading_marks(text: &str) -> Vec<String> {
    let folded = narrow(start_of(text.trim_start(), 120));
    let mut rest = folded.trim_start();
    let mut words = Vec::new();
    for _ in 0..3 {
        let Some(open) = rest.chars().next() else { break };
        let close = match open {
            '[' => ']',
            '【' => '】',
            '(' => ')',
            '〔' => '〕',
            '《' => '》',
            '〈' => '〉',
            '「' => '」',
            '『' => '』',
            '≪' => '≫',
            '<' => '>',
            '■' | '★' | '●' | '※' | '!' => open,
            _ => break,
        };
        let inner = &rest[open.len_utf8()..];
        let Some(end) = inner.find(close) else { break };
        for word in inner[..end].split(['・', '/', '、', ',', ' ', ':', '|']) {
            words.push(word.trim().trim_matches('!').to_lowercase());
        }
        rest = inner[end + close.len_utf8()..].trim_start();
    }
    words
}

/// Whether a line is only a greeting, a courtesy, an address or an introduction.
pub(crate) fn is_courtesy_line(line: &str) -> bool {
    pieces(line).is_some_and(|pieces| {
        !pieces.is_empty()
            && pieces.iter().all(|p| is_courtesy(p) || is_address(p) || is_introduction(p, true))
    })
}

/// The sentences of a short text, folded and without marks; `None` if it is too long or asks.
fn pieces(text: &str) -> Option<Vec<String>> {
    if text.chars().count() > MAX_CHARS {
        return None;
    }
    let folded = folded(text);
    if folded.contains('?') {
        return None;
    }
    let mut pieces = Vec::new();
    let ends =
        |c: char| ['\n', '。', '、', '!', '.', ',', ';', '…', '→', '/', '】'].contains(&c) || is_emoji(c);
    for sentence in folded.split(ends) {
        let plain = only(sentence, |c| !is_decoration(c));
        let whole = plain.trim();
        let piece = plain.trim_matches([
            ' ', '-', 'ー', '~', '〜', '(', ')', ':', '^', '_', '*', '\'', '"', 'm', 'v', 'o', 'w',
        ]);
        // `ok` must not lose its o to the face that people draw of brackets and letters.
        let marked = !piece.is_empty() && piece.trim().len() < whole.len() && !is_known(whole);
        let kept = if marked { piece.trim() } else { whole }.to_owned();
        if kept.chars().any(char::is_alphanumeric) && !is_face(&kept) {
            pieces.push(kept);
        }
    }
    // `了解 よろしくお願いします`: a blank ends a sentence where both sides are whole ones.
    let split = pieces.into_iter().enumerate().flat_map(|(at, piece)| {
        // `了解です(大塚)`
        if let Some((said, who)) = piece.split_once('(') {
            let who = who.replace(' ', "");
            if is_introduction(&who, false) || is_whole_place(&who) {
                return vec![said.replace(' ', ""), who];
            }
            // `大塚(看護師)`
            if POSTS.contains(&who.as_str()) && is_introduction(said, false) {
                return vec![said.to_owned()];
            }
        }
        let parts: Vec<String> = piece.split(' ').filter(|p| !p.is_empty()).map(str::to_owned).collect();
        let japanese = parts.iter().any(|p| !p.is_ascii());
        let joined = parts.concat();
        if at == 0 && is_address_line(&parts) {
            return Vec::new();
        }
        // `訪問看護ひなた 管理者 大塚 りつ子`
        if let Some(before) = before_name_line(&parts) {
            return parts.into_iter().take(before).collect();
        }
        match parts.as_slice() {
            // 「了 解」
            [_, _] if is_whole_place(&joined) || ACKNOWLEDGED.is_one(&joined) => vec![joined],
            [_, end] if full_name(&joined) || TITLES_AFTER.contains(&end.as_str()) => vec![joined],
            [_, _, ..] if japanese => parts,
            _ => vec![joined],
        }
    });
    Some(split.collect())
}

const fn is_emoji(c: char) -> bool {
    matches!(c, '\u{2600}'..='\u{27bf}' | '\u{1f000}'..='\u{1faff}')
}

fn is_known(sentence: &str) -> bool {
    let plain = only(sentence, |c| !c.is_whitespace());
    is_acknowledgement(&plain) || is_courtesy(&plain)
}

/// `m(_ _)m`, `(^o^)`, `orz`: letters that are part of a drawn face.
fn is_face(piece: &str) -> bool {
    piece.is_ascii()
        && piece.chars().count() <= 12
        && piece.contains(['(', '^', '_', ';', '>', '<', '\''])
        && !piece.chars().any(|c| c.is_ascii_digit())
}

fn is_decoration(c: char) -> bool {
    matches!(c, '\u{2600}'..='\u{27bf}' | '\u{1f000}'..='\u{1faff}' | '\u{fe0e}' | '\u{fe0f}' | '\u{200b}'..='\u{200d}'
        | '〓' | '■' | '□' | '●' | '○' | '◆' | '◇' | '※' | '「' | '」' | '『' | '』' | '【' | '】' | '[' | ']' | '・' | '゙' | '゚' | '´' | '`' | '＾' | '∀' | '艸')
}

/// A word of the list, as it stands or drawn out (了解でーす), or a stem of [`composed::acknowledges`].
fn is_acknowledgement(piece: &str) -> bool {
    let known = |piece: &str| ACKNOWLEDGED.is_one(piece) || composed::acknowledges(piece);
    if known(piece) || runs_into_courtesy(piece) {
        return true;
    }
    let draws = |c: char| matches!(c, 'ー' | '~' | '〜' | 'っ' | 'ッ');
    let short = if piece.contains(draws) {
        let short = only(piece, |c| !draws(c));
        if known(&short) {
            return true;
        }
        Cow::Owned(short)
    } else {
        Cow::Borrowed(piece)
    };
    // Half-width keyboards: 「承知ｼﾏｼﾀ」.
    short.contains(|c| matches!(c, 'ァ'..='ヶ')) && known(&short.chars().map(hiragana).collect::<String>())
}

/// A sign of katakana as hiragana.
fn hiragana(c: char) -> char {
    match c {
        'ァ'..='ヶ' => char::from_u32(c as u32 - 0x60).unwrap_or(c),
        other => other,
    }
}

/// `承知しましたよろしくお願いします`, dictated or typed without a stop. Only whole sentences join so: 「了解よろしくお願いします」
/// may ask for 了解.
fn runs_into_courtesy(piece: &str) -> bool {
    let whole = |word: &str| word.ends_with(['た', 'す']);
    let mut behind = ACKNOWLEDGED.at_start(piece).filter(|word| whole(word)).map(|word| &piece[word.len()..]);
    let mut before = ACKNOWLEDGEMENTS
        .iter()
        .filter(|word| whole(piece) && whole(word) && !piece.starts_with(**word))
        .filter_map(|word| piece.strip_suffix(word));
    let courteous = |rest: &str| !rest.is_empty() && is_courtesy(rest);
    behind.any(courteous) || before.any(courteous)
}

fn is_courtesy(piece: &str) -> bool {
    COURTEOUS.is_one(piece) || composed::is_courtesy(piece)
}

static ACKNOWLEDGED: LazyLock<AnyOf> = LazyLock::new(|| AnyOf::new(ACKNOWLEDGEMENTS));
static COURTEOUS: LazyLock<AnyOf> = LazyLock::new(|| AnyOf::new(COURTESIES));
static CALLED: LazyLock<AnyOf> = LazyLock::new(|| AnyOf::new(CALLBACKS));

fn is_callback(piece: &str) -> bool {
    // All that follows is asked of every sentence of every mail.
    if !CALLED.is_in(piece) {
        return false;
    }
    if CALLED.is_one(piece) {
        return true;
    }
    // `15時以降に折返しお電話ください`
    CALLBACKS.iter().any(|call| {
        piece.strip_suffix(call).is_some_and(|before| {
            is_time(before.trim_end_matches(['に', 'で', 'へ', 'ま', 'は', '、', ' ']))
                || is_number(before.trim_end_matches(['に', 'へ', 'ま', 'で']))
        })
    })
}

/// Nothing but times of day and dates.
fn is_time(piece: &str) -> bool {
    let mut rest = piece.to_owned();
    for word in [
        "本日中",
        "今日中",
        "明日中",
        "できるだけ早く",
        "できれば",
        "ご都合のよい時に",
        "お手すきの際に",
        "お手隙の際に",
        "お手すきの時に",
        "午前中",
        "以降",
        "以前",
        "まで",
        "から",
        "ごろ",
        "頃",
        "午前",
        "午後",
        "夕方",
        "本日",
        "今日",
        "明日",
        "朝",
        "昼",
        "夜",
        "時半",
        "時間",
        "時",
        "分",
        "月",
        "日",
        "至急",
        "大至急",
        "間",
        "に",
        "〜",
        "~",
        "-",
        ":",
        "の",
    ] {
        rest = rest.replace(word, "");
    }
    let rest = rest.trim();
    !piece.is_empty()
        && rest.chars().all(|c| {
            c.is_ascii_digit() || c == ' ' || matches!(c, '(' | ')' | '月' | '火' | '水' | '木' | '金' | '土')
        })
        && (piece.chars().any(|c| !c.is_ascii_digit()) || piece.len() <= 2)
}

fn is_number(piece: &str) -> bool {
    let digits = piece
        .trim_start_matches("tel")
        .trim_start_matches("電話")
        .trim_start_matches("携帯")
        .trim_start_matches(':');
    let count = digits.chars().filter(char::is_ascii_digit).count();
    (9..=12).contains(&count)
        && digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | ' ' | '(' | ')' | '+' | 'ー'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acknowledgements() {
        for text in [
            "了解",
            "了解です",
            "了解しました",
            "了解しました。",
            "了解しました！",
            "承知いたしました。",
            "かしこまりました",
            "確認しました",
            "拝受いたしました。",
            "OK",
            "ＯＫです",
            "👍",
            "了解👍",
            "了解です(^^)",
            "了解ですm(_ _)m",
            "お世話になっております。\n佐野です。\n了解しました。\nよろしくお願いいたします。",
            "大塚様\n\nお疲れ様です。\n承知しました。",
            "了解しました。ご連絡ありがとうございます。",
            "了解 よろしくお願いします",
            "さくら訪問看護の大塚です。承知いたしました",
            "ﾘｮｳｶｲ",
            "了解です♪",
            "はい、了解しました",
            "承知しました🙇‍♀️",
            "Noted, thanks.",
            "了解しました\n大塚",
            "了解しました\n大塚りつ子",
            "了解しました\n大塚 有紀",
            "ご丁寧にご連絡いただき、誠にありがとうございます。承知いたしました。",
            "平素より大変お世話になっております。内容確認させていただきました。何卒よろしくお願い申し上げます。",
            "早速のご対応ありがとうございます。了解でーす",
            "はい、わかりましたー！",
            "変更の件、承知いたしました。当日はどうぞよろしくお願いいたします。",
            "メール拝見しました。いつもありがとうございます。",
            "リョーカイ",
            "承知ｼﾏｼﾀ",
            "ﾘｮｳｶｲｼﾏｼﾀ",
            "おｋ",
            "了 解",
            "先日はありがとうございました。変更の件、了解です。",
            "了解です。ご自愛くださいませ。",
            "了解っす",
            "お疲れさまです、了解いたしましたm(__)m",
            "つばき連携事務局 御中\n了解しました\n大塚 りつ子",
            "了解しました\n\n訪問看護ステーションひなた 森下",
            "了解です🙆‍♀️ありがとうございます✨",
            "了解です(大塚)",
            "了解しました（訪看 大塚）",
            "ご連絡ありがとうございました。内容につきまして承知いたしました。",
            "ご連絡いただいた件、了解いたしました。当日よろしくお願い致します。",
            "承知いたしました！いつもお世話になりありがとうございます！",
            "かしこまりました。ありがとうございます。\n\nさくら訪問看護ステーション 管理者 大塚りつ子",
            "お忙しいところ恐れ入りますが、引き続きよろしくお願いいたします。承知しました。",
        ] {
            assert!(is_only_acknowledgement(text), "{text}");
        }
        for text in [
            "",
            "了解 明日臨時訪問します",
            "先生了解 23:05 往診23:30",
            "了解？",
            "了解できません",
            "確認します",
            "はい",
            "ありがとうございます",
            "了解しました。26日10時で調整します。",
            "了解\n転倒です",
            "了解 転倒",
            "中止です。了解しました",
            "デイの中止です。了解しました",
            "訪問看護の中止です。承知しました",
            "大丈夫です",
            "承知しましたが、確認させてください",
            "了解です(^^)\n明日は私が家にいます。よろしくお願いします",
            "痛みは治まったそうです🙏",
            "🙇",
            "よろしくお願いします🙇",
            "ありがとうございます🙇‍♀️",
            "了解しました。薬は？",
            "ロキソニン中止、了解しました",
            "佐野です",
            "了解しました\n山本 入院",
            "了解しました\n山本発熱",
            "了解しました 佐藤 不在",
            "承知しました。田中 急変",
            "了解しました(発熱)",
            "了解です(大塚 入院)",
            "了解 訪問看護 中止",
            "確認です",
            "先日は了解です",
            "確認いたしました。問題ありません。",
            "確認お願いします",
            "ご確認ありがとうございます",
            "中止の件、承知しました",
            "ご訪問ありがとうございます",
            "わかりましたら教えてください",
            "受け取りましたか",
            "了解を得ました",
            "了解は得られませんでした",
            "明日はよろしくお願いします",
            "何卒",
            "1",
        ] {
            assert!(!is_only_acknowledgement(text), "{text}");
        }
    }

    #[test]
    fn callbacks() {
        for text in [
            "折返し電話ください",
            "折り返しお電話ください。15時以降",
            "15時以降に折返しお電話ください",
            "お世話になっております。佐野です。お電話お願いします",
            "電話ください 03-0000-0104",
        ] {
            assert!(asks_callback(text), "{text}");
        }
        for text in ["", "熱が出ました。電話ください", "了解", "電話しました", "折返し電話しました"]
        {
            assert!(!asks_callback(text), "{text}");
        }
    }

    #[test]
    fn urgency_only_in_the_first_bracket() {
        assert_eq!(bracket_urgency("[緊急] 22:40 体温38.9"), Some(Urgency::Emergency));
        assert_eq!(bracket_urgency("【至急・了解希望】つばき01 退院"), Some(Urgency::Urgent));
        assert_eq!(bracket_urgency("［緊急］x"), Some(Urgency::Emergency));
        assert_eq!(bracket_urgency("【つばき01】【至急】x"), Some(Urgency::Urgent));
        for text in ["≪至急≫ 退院", "『至急』x", "※至急※ 発熱", "《至急》x", "＜至急＞x"]
        {
            assert_eq!(bracket_urgency(text), Some(Urgency::Urgent), "{text}");
        }
        assert_eq!(bracket_expectation("【至急・了解希望】つばき01 退院"), Some(ReplyExpectation::Ack));
        assert_eq!(bracket_expectation("[緊急][返信希望] x"), Some(ReplyExpectation::Reply));
        assert_eq!(bracket_expectation("返信希望です"), None);
        for text in ["緊急です", "昨日の[緊急]の件", "", "【", "【緊急ではない】", "転びそう"]
        {
            assert_eq!(bracket_urgency(text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn total(text in ".*", like in "[了解承知しました。、 \\n!?電話折返しください0-9\\[\\]【】緊急]{0,30}") {
            for text in [text, like] {
                let _ = is_only_acknowledgement(&text);
                let _ = asks_callback(&text);
                let _ = bracket_urgency(&text);
            }
        }
    }
}
