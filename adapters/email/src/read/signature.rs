//! Signatures: what a mailer puts under the text. Taken off only where a mark, a rule or a block of
//! contact lines shows one, and only from the end; the lines are kept beside the body.

use kakehashi_core::text::any_of::AnyOf;
use kakehashi_core::text::fold::{folded, lower, narrow};
use std::sync::LazyLock;

/// Own text without signature, and the signature.
pub(crate) fn split(text: &str) -> (String, Option<String>) {
    let all: Vec<&str> = text.lines().collect();
    let (lines, notices) = all.split_at(all.len() - super::notice::trailing(&all));
    // What a telephone adds below a signature must not hide it.
    let own_end =
        lines.iter().rposition(|l| !l.trim().is_empty() && !is_device_line(l)).map_or(0, |at| at + 1);
    let (lines, added) = lines.split_at(own_end);
    let lines = lines.to_vec();
    let at = delimiter(&lines).or_else(|| ruled(&lines)).or_else(|| contact_block(&lines));
    let (body, signature) = lines.split_at(at.unwrap_or(lines.len()));
    let mut body = body.to_vec();
    // 追伸 below the signature is the writer's.
    let (signature, postscript) = signature.split_at(signature.len() - postscript(signature));
    let mut taken: Vec<&str> = signature.iter().chain(added).chain(notices).copied().collect();
    // Lines that a telephone adds stand above or without a signature.
    while let Some(last) = body.last() {
        if last.trim().is_empty() {
            body.pop();
        } else if is_device_line(last) || (is_rule(last) && !taken.is_empty()) {
            if let Some(line) = body.pop() {
                taken.insert(0, line);
            }
        } else {
            break;
        }
    }
    if !postscript.is_empty() {
        body.push("");
        body.extend(postscript);
    }
    let body = body.join("\n").trim_matches(['\n', ' ', '\u{3000}']).to_owned();
    let signature = taken.join("\n").trim().to_owned();
    (body, (!signature.is_empty()).then_some(signature))
}

/// `iPhoneから送信` and its like.
pub(crate) fn is_device_line(line: &str) -> bool {
    let bare = line.trim().trim_matches(['*', '_', ' ', '<', '>', '-']);
    if bare.is_empty() || bare.chars().count() > 120 {
        return false;
    }
    let bare = lower(bare.to_owned());
    // `Sparkから送信`, `Windows 版のメールから送信`: a brand and nothing said.
    let branded = (bare.ends_with("から送信") || bare.ends_with("から送信されました"))
        && bare.chars().any(|c| c.is_ascii_alphabetic())
        && bare.chars().count() <= 30
        && !bare.contains(['は', 'を', 'に', 'が', '、', '。']);
    branded || STARTS.at_start(&bare).next().is_some() || (ENDS.is_in(&bare) && DEVICES.is_in(&bare))
}

/// How lines begin that a device adds.
static STARTS: LazyLock<AnyOf> = LazyLock::new(|| {
    AnyOf::new(&[
        "sent from my ",
        "sent from a ",
        "sent from [",
        "sent from the ",
        "sent by galaxy",
        "sent using ",
        "(sent from ",
        "from my iphone",
        "from my ipad",
        "diese nachricht wurde von meinem ",
        "von meinem mobilgerät gesendet",
        "get [outlook",
        "sent from mail for",
        "sent from outlook",
        "sent from yahoo",
        "sent via ",
        "get outlook for",
        "envoyé de mon",
        "von meinem iphone gesendet",
        "von meinem ipad gesendet",
        "yahoo!メール - ",
        "yahoo! メール - ",
        "yahoo!メールアプリ",
        "sent from windows mail",
        "sent from mailbox",
        "sent with ",
        "envoyé depuis mon ",
        "verzonden met ",
        "從我的 ",
    ])
});
/// What others of them say, and
static ENDS: LazyLock<AnyOf> = LazyLock::new(|| {
    AnyOf::new(&[
        "から送信",
        "から送信されました",
        "から送信しています",
        "を入手",
        "を取得",
        "を使用して送信",
        "で送信",
        "より送信",
    ])
});
/// what they name.
static DEVICES: LazyLock<AnyOf> = LazyLock::new(|| {
    AnyOf::new(&[
        "iphone",
        "ipad",
        "android",
        "outlook",
        "スマートフォン",
        "スマホ",
        "携帯",
        "yahoo",
        "gmail",
        "galaxy",
        "xperia",
        "mailアプリ",
        "らくらく",
    ])
});

/// A line of nothing but rule signs.
pub(crate) fn is_rule(line: &str) -> bool {
    let mut signs = line.chars().filter(|c| !c.is_whitespace());
    let few = signs.clone().nth(2).is_none();
    !few && signs.all(is_rule_sign)
}

const fn is_rule_sign(c: char) -> bool {
    matches!(
        c,
        '-' | '='
            | '_'
            | '*'
            | '~'
            | '+'
            | '#'
            | '―'
            | '─'
            | '━'
            | '－'
            | '＝'
            | '＿'
            | '＊'
            | '～'
            | '〜'
            | '・'
            | '…'
            | '◆'
            | '◇'
            | '■'
            | '□'
            | '●'
            | '○'
            | '☆'
            | '★'
            | '┏'
            | '┓'
            | '┗'
            | '┛'
            | '┌'
            | '┐'
            | '└'
            | '┘'
            | '├'
            | '┤'
            | '∞'
            | '♪'
            | '.'
            | '：'
            | ':'
            | '|'
            | '＋'
            | '☎'
            | '･'
            | 'ﾟ'
            | '゜'
            | '°'
            | '∴'
            | '⌒'
            | '♡'
            | '♥'
            | '❤'
            | '✿'
            | '❀'
            | '☘'
            | '✦'
            | '✧'
            | '⋆'
            | '※'
            | '＃'
            | '═'
            | '║'
            | '╔'
            | '╗'
            | '╚'
            | '╝'
            | '▼'
            | '▽'
            | '▲'
            | '△'
            | '◎'
            | '｜'
            | '│'
            | '┃'
            | '￣'
    )
}

/// The mark of RFC 3676 section 4.3, with or without its blank; the last one counts. Without its blank people
/// use it as a rule as well: nothing but figures and sentences below is no signature.
fn delimiter(lines: &[&str]) -> Option<usize> {
    let at = lines.iter().rposition(|l| matches!(*l, "--" | "-- " | "--\u{3000}" | "ーー"))?;
    let below = || lines[at + 1..].iter().filter(|l| !l.trim().is_empty());
    let loose = lines[at] != "-- " && below().next().is_some() && below().all(|l| is_content(l));
    (lines.len() - at <= 25 && !loose).then_some(at)
}

/// How many of the last lines of a signature are words of the writer after all: below its closing rule, or a
/// last paragraph of whole sentences.
fn postscript(signature: &[&str]) -> usize {
    let Some(end) = signature.iter().rposition(|l| !l.trim().is_empty() && !is_device_line(l)) else {
        return 0;
    };
    let start =
        signature[..=end].iter().rposition(|l| l.trim().is_empty() || is_rule(l)).map_or(0, |at| at + 1);
    // The signature itself begins at its first line.
    if start == 0
        || start > end
        || signature[..start].iter().all(|l| l.trim().is_empty() || is_rule(l) || *l == "-- " || *l == "--")
    {
        return 0;
    }
    let told = signature[start..=end].iter().all(|l| is_sentence(l) && !is_contact(l) && !is_facility(l));
    let marked = ["追伸", "p.s", "ps:", "ps ", "ｐｓ", "※"]
        .iter()
        .any(|m| signature[start].trim_start().to_lowercase().starts_with(m));
    if told || (marked && !signature[start..=end].iter().any(|l| is_contact(l))) {
        signature.len() - start
    } else {
        0
    }
}

/// Whether a line says something: a sentence, particles of one, or a figure that is no address and number.
fn is_content(line: &str) -> bool {
    if is_sentence(line) {
        return true;
    }
    if is_facility(line) {
        return false;
    }
    let narrow = narrow(line);
    let bare = narrow.trim();
    let figures = bare.chars().any(|c| c.is_ascii_digit());
    // A short line without figures may be a name: 「佐藤 はるか」.
    if bare.chars().count() <= 10
        && !figures
        && !["を", "のみ", "なし", "あり", "中止", "変更"].iter().any(|p| bare.contains(p))
    {
        return false;
    }
    let telling = ["は", "が", "を", "のみ", "から", "まで", "なし", "あり", "中止", "変更"]
        .iter()
        .any(|p| bare.contains(p));
    if is_contact(line) {
        // 「電話 03-… は家族」 tells whose number it is.
        return bare.contains(" は") || bare.ends_with('は') || bare.contains("です");
    }
    telling || (figures && !is_place(bare))
}

/// A line of an address: a place with figures.
fn is_place(line: &str) -> bool {
    const PLACES: &[&str] = &[
        "都", "道", "府", "県", "市", "区", "町", "村", "丁目", "番地", "号", "ビル", "階", "〒", "no.",
        "No.",
    ];
    let narrow = narrow(line);
    narrow.chars().any(|c| c.is_ascii_digit()) && PLACES.iter().any(|p| narrow.contains(p))
}

/// A rule near the end with contact lines below it, or with a closing rule.
fn ruled(lines: &[&str]) -> Option<usize> {
    let first = lines.len().saturating_sub(20);
    for at in first..lines.len() {
        if !is_rule(lines[at]) {
            continue;
        }
        let below: Vec<&str> =
            lines[at + 1..].iter().copied().filter(|l| !l.trim().is_empty() && !is_rule(l)).collect();
        let closed = lines[at + 1..].iter().rev().find(|l| !l.trim().is_empty()).is_some_and(|l| is_rule(l));
        // Between this rule and a later one stands a part of the text, not of the signature.
        let next = (at + 1..lines.len()).find(|n| is_rule(lines[*n]));
        if let Some(next) = next
            && lines[next..].iter().any(|l| !l.trim().is_empty() && !is_rule(l))
            && lines[at + 1..next].iter().any(|l| is_content(l))
        {
            continue;
        }
        let contacts = below.iter().filter(|l| is_contact(l)).count();
        // In a box with the facility's name stands whose number it is: 「大塚千尋 03-0000-0103」.
        let boxed = closed && below.iter().any(|l| is_facility(l));
        let content = below.iter().filter(|l| is_content(l) && !(boxed && is_named_number(l))).count();
        if below.is_empty()
            || (contacts >= 1 && content * 2 <= below.len())
            || (closed && content == 0 && below.len() <= 8)
        {
            return Some(at);
        }
    }
    None
}

/// A last paragraph of contact lines without any mark.
fn contact_block(lines: &[&str]) -> Option<usize> {
    let end = lines.iter().rposition(|l| !l.trim().is_empty())? + 1;
    let start = lines[..end].iter().rposition(|l| l.trim().is_empty())? + 1;
    let block = &lines[start..end];
    let contacts = block.iter().filter(|l| is_contact(l)).count();
    let plain = !block.iter().any(|l| is_sentence(l) && !is_slogan(l));
    // Addresses and numbers that the text announces are its content.
    let above = lines[..start].iter().rev().find(|l| !l.trim().is_empty())?.trim_end();
    let announced = above.ends_with([':', '：'])
        || ["下記", "以下", "次のとおり", "次の通り", "連絡先", "番号は", "住所は", "変更"]
            .iter()
            .any(|w| above.contains(w));
    if announced {
        return None;
    }
    // The contact lines may stand in a second paragraph below name and facility.
    let named_above = |at: usize| {
        let above_end = lines[..at].iter().rposition(|l| !l.trim().is_empty())? + 1;
        let above_start = lines[..above_end].iter().rposition(|l| l.trim().is_empty())? + 1;
        let above = &lines[above_start..above_end];
        let names = above.len() <= 3
            && above.iter().all(|l| !is_sentence(l) && l.trim().chars().count() <= 30)
            && above.iter().any(|l| is_facility(l));
        (names && above_start > 0).then_some(above_start)
    };
    if !(plain && block.len() <= 10) {
        return None;
    }
    let strong = contacts >= 2 || (contacts == 1 && block.len() >= 2 && block.iter().any(|l| is_facility(l)));
    if strong {
        // Numbers and an address without anybody's name are what the mail tells.
        let named = block.iter().any(|l| !is_contact(l) && !is_place(l));
        return named_above(start).or(named.then_some(start)).filter(|at| *at > 0);
    }
    if contacts == 1 {
        return named_above(start).filter(|at| *at > 0);
    }
    // Facility and name, nothing else: `さくら訪問看護ステーション\n大塚りつ子`.
    let facility_only = block.len() >= 2
        && block.len() <= 3
        && block.iter().filter(|l| is_facility(l)).count() == 1
        && block.iter().all(|l| {
            l.trim().chars().count() <= 25
                && !l.contains(|c: char| c.is_ascii_digit())
                && !l.contains(['。', '、'])
        });
    (facility_only && start > 0).then_some(start)
}

/// `〜あなたらしい毎日を、ご自宅で〜`: a sentence between two flourishes that tells no change and no figure.
fn is_slogan(line: &str) -> bool {
    let bare = line.trim();
    let flourish =
        |c: char| matches!(c, '〜' | '～' | '~' | '★' | '☆' | '♪' | '*' | '＊' | '◆' | '◇' | '✿' | '♡');
    let told = ["休", "中止", "変更", "移転", "閉", "停止", "終了", "募集"].iter().any(|w| bare.contains(w));
    bare.starts_with(flourish)
        && bare.ends_with(flourish)
        && bare.chars().count() <= 40
        && !told
        && !bare.chars().any(char::is_numeric)
}

fn is_contact(line: &str) -> bool {
    static WORDS: LazyLock<AnyOf> = LazyLock::new(|| {
        AnyOf::new(&[
            "tel", "fax", "e-mail", "email", "mail:", "http://", "https://", "www.", "〒", "住所", "電話:",
            "携帯:", "℡", "直通", "内線", "mobile", "phone",
        ])
    });
    let narrow = folded(line);
    let reached = || {
        let digits = narrow.bytes().filter(u8::is_ascii_digit).count();
        digits >= 4 || narrow.contains('@') || narrow.contains("http") || narrow.contains("www.")
    };
    (WORDS.is_in(&narrow) && reached())
        || (narrow.contains('@') && !narrow.contains(' ') && narrow.len() < 80)
        || is_named_address(&narrow)
        || is_telephone(&narrow)
}

/// `大塚 りつ子 <otsuka@sakura.example>`, as Becky! and older programs put it.
fn is_named_address(narrow: &str) -> bool {
    narrow.trim().strip_suffix('>').and_then(|line| line.rsplit_once('<')).is_some_and(|(name, address)| {
        address.contains('@')
            && !address.contains(char::is_whitespace)
            && (1..=25).contains(&name.trim().chars().count())
            && !name.contains(['。', '、', ':'])
    })
}

/// `電話 03-0000-0120`, `携帯090-0000-0000`, `☎03-0000-0110`: a number and nothing said of it.
fn is_telephone(narrow: &str) -> bool {
    let number = narrow.trim().trim_start_matches([
        '電', '話', '番', '号', '携', '帯', '直', '通', '代', '表', '夜', '間', '緊', '急', '連', '絡', '先',
        '☎', '📞', '(', ')', ':', ' ', '・', '/',
    ]);
    let digits = number.chars().filter(char::is_ascii_digit).count();
    number.len() < narrow.trim().len()
        && (9..=24).contains(&digits)
        && number.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | ' ' | '(' | ')' | '+' | '/' | 'ー'))
}

/// A short name and a number, nothing else.
fn is_named_number(line: &str) -> bool {
    let narrow = narrow(line);
    let bare = narrow.trim();
    let name: String = bare.chars().take_while(|c| !c.is_ascii_digit()).collect();
    let (name, number) = (name.trim(), &bare[name.len()..]);
    (2..=12).contains(&name.chars().count())
        && number.starts_with('0')
        && (9..=13).contains(&number.chars().filter(char::is_ascii_digit).count())
        && number.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | '(' | ')'))
        && !["は", "が", "を", "に", "変更", "新"].iter().any(|p| name.contains(p))
}

fn is_sentence(line: &str) -> bool {
    let bare = line.trim().trim_end_matches([')', '）', '」', '!', '！', '?', '？']);
    bare.ends_with('。')
        || [
            "です",
            "ます",
            "ました",
            "ません",
            "ください",
            "下さい",
            "でした",
            "でしょうか",
            "ですか",
            "ますか",
            "願います",
            "中",
            "あり",
            "なし",
        ]
        .iter()
        .any(|end| bare.ends_with(end))
        || bare.contains('。')
        || bare.contains("、")
}

fn is_facility(line: &str) -> bool {
    static WORDS: LazyLock<AnyOf> = LazyLock::new(|| {
        AnyOf::new(&[
            "訪問看護",
            "薬局",
            "クリニック",
            "医院",
            "病院",
            "診療所",
            "ステーション",
            "ケアプラン",
            "居宅",
            "デイサービス",
            "包括",
            "センター",
            "事業所",
            "株式会社",
            "有限会社",
            "医療法人",
            "社会福祉法人",
            "歯科",
            "連携室",
            "(株)",
            "（株）",
            "㈱",
        ])
    });
    WORDS.is_in(line)
}

#[cfg(test)]
mod tests;
