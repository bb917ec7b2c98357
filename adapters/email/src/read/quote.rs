//! What of a mail is the writer's own text and what is quoted from an earlier one. Interleaved answers
//! keep their questions, and forwarded text stays, because losing either loses meaning; the rest of
//! the quoting goes to `quoted`. Never drops a line: own text and quote together hold all of them.

mod attribution;

use attribution::{is_attribution, starts_attribution, trailing_attribution};
use kakehashi_core::text::any_of::AnyOf;
use kakehashi_core::text::fold::lower;
use kakehashi_core::text::only;
use std::sync::LazyLock;

/// Own text and quoted text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Split {
    pub(crate) own: String,
    pub(crate) quoted: Option<String>,
}

/// Lines looked at; beyond it everything belongs to what came before.
const MAX_LINES: usize = 20_000;

/// Splits a decoded text. What is forwarded is content: nothing of it is cut.
pub(crate) fn split(text: &str, forwarded: bool) -> Split {
    if forwarded || text.lines().take(MAX_LINES).any(is_forward_mark) {
        return Split { own: text.trim_matches(['\n', ' ', '\u{3000}']).to_owned(), quoted: None };
    }
    let lines: Vec<&str> = text.lines().collect();
    let looked = &lines[..lines.len().min(MAX_LINES)];
    let mut end = lines.len();
    if let Some(cut) = heading(looked) {
        let (above, below) = lines.split_at(cut);
        if passes_on(above, below) {
            return Split { own: text.trim_matches(['\n', ' ', '\u{3000}']).to_owned(), quoted: None };
        }
        if !answers_inside(above, below) {
            end = cut;
        }
    }
    let (mut own_lines, cut_lines) = lines.split_at(end);
    let mut quoted: Vec<&str> = Vec::new();
    let kinds = kinds(&own_lines[..own_lines.len().min(MAX_LINES)]);
    let blocks = quote_blocks(&kinds);
    let own: Vec<&str>;
    match blocks.as_slice() {
        [] => {
            // An attribution at the end whose quote is not marked (some phones indent or do nothing).
            if let Some(at) = trailing_attribution(own_lines, &kinds) {
                quoted.extend(&own_lines[at..]);
                own_lines = &own_lines[..at];
            }
            own = own_lines.to_vec();
        }
        blocks if is_interleaved(own_lines, blocks) => {
            // The last block may still be a mere rest of the quote below the answers.
            let last = blocks[blocks.len() - 1];
            if !has_text(&own_lines[last.1..]) {
                quoted.extend(&own_lines[last.0..]);
                own_lines = &own_lines[..last.0];
            }
            own = own_lines.to_vec();
        }
        [one] if is_shown_on_purpose(own_lines, &kinds, *one) => own = own_lines.to_vec(),
        blocks => {
            let mut kept = Vec::new();
            let mut at = 0;
            for (start, stop) in blocks {
                kept.extend(&own_lines[at..*start]);
                quoted.extend(&own_lines[*start..*stop]);
                at = *stop;
            }
            kept.extend(&own_lines[at..]);
            own = kept;
        }
    }
    quoted.extend(cut_lines);
    let own = join(&own);
    // Nothing but a quote: some type their answer behind the marks.
    if own.is_empty() {
        return Split { own: text.trim_matches(['\n', ' ', '\u{3000}']).to_owned(), quoted: None };
    }
    let quoted = join(&quoted);
    Split { own, quoted: (!quoted.is_empty()).then_some(quoted) }
}

/// Whether the writer answers inside of an unmarked quote: nothing stands above it, the words above point
/// there, or lines in it begin as answers do. Then no machine can tell whose line is whose, and all stays.
fn answers_inside(above: &[&str], below: &[&str]) -> bool {
    static POINTS: LazyLock<AnyOf> = LazyLock::new(|| {
        AnyOf::new(&[
            "青字",
            "赤字",
            "朱書",
            "文中に",
            "本文中",
            "下に書",
            "下に記",
            "下に回答",
            "下記に回答",
            "下記に記入",
            "以下に回答",
            "以下に記入",
            "引用の下",
            "引用部",
            "各項目に",
            "項目ごとに",
            "インライン",
            "太字で",
            "answers below",
            "see below",
            "inline",
            "in red",
            "in blue",
        ])
    });
    static ANSWERS: LazyLock<AnyOf> = LazyLock::new(|| {
        AnyOf::new(&[
            "→",
            "⇒",
            "➡",
            "≫",
            "＞＞",
            "【回答",
            "［回答",
            "[回答",
            "回答:",
            "回答：",
            "(回答",
            "（回答",
            "A:",
            "A：",
            "Ａ：",
            "答:",
            "答：",
        ])
    });
    if !has_text(above) {
        return below.iter().any(|l| !l.trim().is_empty());
    }
    POINTS.is_in(&lower(above.join("\n")))
        || below.iter().any(|l| ANSWERS.at_start(l.trim_start()).next().is_some())
}

/// A few marked lines without any attribution in the middle of the writer's text: shown on purpose, whether
/// they are his own list or the one question that he answers.
fn is_shown_on_purpose(lines: &[&str], kinds: &[Kind], (start, stop): (usize, usize)) -> bool {
    let marked = kinds[start..stop.min(kinds.len())].iter().filter(|k| **k == Kind::Quote).count();
    if kinds[start..stop.min(kinds.len())].contains(&Kind::Attribution) || marked > 6 {
        return false;
    }
    let above = lines[..start].join("\n");
    let (below, _) = super::signature::split(&format!("{}\n\n{}", "。", lines[stop..].join("\n")));
    has_text(&lines[..start])
        && !kakehashi_core::reply_words::is_only_acknowledgement(&above)
        && below.trim_start_matches('。').lines().any(|l| !l.trim().is_empty())
}

fn join(lines: &[&str]) -> String {
    lines.join("\n").trim_matches(['\n', ' ', '\u{3000}']).to_owned()
}

fn has_text(lines: &[&str]) -> bool {
    // What follows a signature mark is no answer, and neither is what a telephone adds.
    lines.iter().take_while(|l| !matches!(l.trim_end(), "--" | "-- ")).any(|l| {
        !l.trim().is_empty() && !super::signature::is_device_line(l) && !super::signature::is_rule(l)
    })
}

/// No mark of forwarding is longer.
const MAX_MARK_BYTES: usize = 40;

/// `---------- Forwarded message ----------` and its like, unquoted.
fn is_forward_mark(line: &str) -> bool {
    let inner = line.trim().trim_matches(['-', ' ', '=', '_', '*', ':', '：']);
    if inner.len() > MAX_MARK_BYTES {
        return false;
    }
    matches!(
        lower(inner.to_owned()).as_str(),
        "forwarded message"
            | "begin forwarded message"
            | "forwarded by"
            | "転送されたメッセージ"
            | "転送メッセージ"
            | "転送メール"
            | "以下転送"
            | "以下、転送"
            | "転送されたメール"
    )
}

/// Whether the writer says that the mail below is passed on: then it is what the mail is about. An answer to a mail
/// of ours, whose quote shows a reply address, passes nothing on.
fn passes_on(above: &[&str], below: &[&str]) -> bool {
    static WORDS: LazyLock<AnyOf> = LazyLock::new(|| {
        AnyOf::new(&[
            "転送いたします",
            "転送致します",
            "転送します",
            "転送しました",
            "転送させて",
            "転送です",
            "転送いたしました",
            "を転送",
            "forwarding",
            "fyi",
        ])
    });
    let says = above.iter().any(|l| WORDS.is_in(&lower((*l).to_owned())));
    says && !below.iter().take(40).any(|l| l.to_lowercase().contains("reply+"))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Blank,
    Quote,
    Attribution,
    Own,
}

fn kinds(lines: &[&str]) -> Vec<Kind> {
    let mut out: Vec<Kind> = lines
        .iter()
        .map(|line| match line.trim() {
            "" => Kind::Blank,
            l if is_quote_line(l) => Kind::Quote,
            l if is_attribution(l) => Kind::Attribution,
            _ => Kind::Own,
        })
        .collect();
    // A rule or a block of header lines right above marked lines is their attribution.
    for i in 0..lines.len() {
        if let Some(length) = heading_of_marked(&lines[i..]) {
            for kind in &mut out[i..i + length] {
                if *kind != Kind::Quote {
                    *kind = Kind::Attribution;
                }
            }
        }
    }
    // An address and a colon right above marked lines: `"連携" <a@b.example> さん:`.
    for i in 0..lines.len() {
        let next = (i + 1..lines.len()).take(3).find(|n| out[*n] != Kind::Blank);
        let line = lines[i].trim();
        if out[i] == Kind::Own
            && next.is_some_and(|n| out[n] == Kind::Quote)
            && line.ends_with([':', '：'])
            && line.contains('@')
            && line.chars().count() <= 120
        {
            out[i] = Kind::Attribution;
        }
    }
    // An attribution may be wrapped: `On …` and `… wrote:` on two or three lines.
    for i in 0..lines.len() {
        if out[i] != Kind::Own || !starts_attribution(lines[i].trim()) {
            continue;
        }
        for length in 2..=3 {
            if i + length > lines.len() || out[i + 1..i + length].contains(&Kind::Blank) {
                break;
            }
            let joined = lines[i..i + length].iter().map(|l| l.trim()).collect::<Vec<_>>().join(" ");
            if joined.len() < 400 && is_attribution(&joined) {
                out[i..i + length].fill(Kind::Attribution);
                break;
            }
        }
    }
    out
}

fn is_quote_line(line: &str) -> bool {
    line.starts_with(['>', '＞']) || line.starts_with("| ") || (line.starts_with('│') && line.len() > 3)
}

/// Runs of quoted lines with their attribution, as ranges of line numbers.
fn quote_blocks(kinds: &[Kind]) -> Vec<(usize, usize)> {
    let mut blocks: Vec<(usize, usize)> = Vec::new();
    let mut i = 0;
    while i < kinds.len() {
        if kinds[i] != Kind::Quote {
            i += 1;
            continue;
        }
        let mut start = i;
        // An attribution directly above, blanks between allowed, belongs to the block.
        let mut above = i;
        while above > 0 && kinds[above - 1] == Kind::Blank {
            above -= 1;
        }
        while above > 0 && kinds[above - 1] == Kind::Attribution {
            above -= 1;
            start = above;
        }
        let mut stop = i;
        while stop < kinds.len() {
            match kinds[stop] {
                Kind::Quote => stop += 1,
                Kind::Blank => {
                    let next = (stop..kinds.len()).find(|n| kinds[*n] != Kind::Blank);
                    if next.is_none_or(|n| kinds[n] == Kind::Quote) {
                        stop = next.unwrap_or(kinds.len());
                    } else {
                        break;
                    }
                }
                _ => break,
            }
        }
        if let Some(last) = blocks.last_mut().filter(|last| last.1 == start) {
            last.1 = stop;
        } else {
            blocks.push((start, stop));
        }
        i = stop;
    }
    blocks
}

/// Answers written between pieces of the quote: two blocks or more, each but the last followed by
/// own text.
fn is_interleaved(lines: &[&str], blocks: &[(usize, usize)]) -> bool {
    let answered = blocks
        .iter()
        .enumerate()
        .filter(|(i, block)| {
            let until = blocks.get(i + 1).map_or(lines.len(), |next| next.0);
            has_text(&lines[block.1..until])
        })
        .count();
    blocks.len() >= 2 && answered >= 2
}

/// The line at which an earlier mail begins with a heading: a ruled `Original Message`, or a block of
/// 差出人/送信日時/宛先/件名.
fn heading(lines: &[&str]) -> Option<usize> {
    for (i, line) in lines.iter().enumerate() {
        let bare = line.trim();
        if heading_of_marked(&lines[i..]).is_some() {
            continue;
        }
        if is_original_message_rule(bare) || is_bracketed_mark(&lines[i..]) {
            return Some(i);
        }
        if header_field(bare).is_some_and(|f| f == Field::From) && header_block(&lines[i..]) {
            // A rule or an attribution above the block belongs to it.
            let mut cut = i;
            for above in (i.saturating_sub(3)..i).rev() {
                let line = lines[above];
                if super::signature::is_rule(line) || is_attribution(line) {
                    cut = above;
                } else if !line.trim().is_empty() {
                    break;
                }
            }
            return Some(cut);
        }
    }
    None
}

/// How many lines from here are a heading whose quote is marked line by line: then the marks tell where
/// the quote ends, and answers below it are the writer's.
fn heading_of_marked(lines: &[&str]) -> Option<usize> {
    let first = lines.first()?.trim();
    let rule = is_original_message_rule(first);
    if !rule && header_field(first).is_none() {
        return None;
    }
    let fields =
        lines.iter().take(12).skip(usize::from(rule)).take_while(|l| header_field(l.trim()).is_some());
    let fields = fields.count();
    if !rule && fields < 3 {
        return None;
    }
    let length = usize::from(rule) + fields;
    let next = lines[length..].iter().take(3).find(|l| !l.trim().is_empty())?;
    is_quote_line(next.trim()).then_some(length)
}

/// `[元のメール]` of some telephones, but only with a mail's header below it.
fn is_bracketed_mark(lines: &[&str]) -> bool {
    let bare = lines.first().map_or("", |l| l.trim());
    let inner = bare
        .trim_matches(['[', ']', '【', '】', '<', '>', '＜', '＞', '(', ')', '（', '）', '■', '◆', '▼', ' ']);
    inner.len() < bare.len()
        && is_original_message(&lower(inner.to_owned()))
        && lines[1..]
            .iter()
            .take(3)
            .find(|l| !l.trim().is_empty())
            .is_some_and(|l| header_field(l.trim()).is_some())
}

fn is_original_message_rule(line: &str) -> bool {
    if !line.starts_with(['-', '－', '=', '＿', '_', '―', '─']) {
        return false;
    }
    let inner = line.trim_matches(['-', '－', ' ', '=', '＿', '_', '―', '─', '\u{3000}', '*']);
    is_original_message(&lower(inner.to_owned()))
}

fn is_original_message(inner: &str) -> bool {
    // `---- 架け橋さんは書きました ----` of some telephones.
    let wrote =
        ["さんは書きました", "さんが書きました", "さんのメッセージ"].iter().any(|w| inner.ends_with(w));
    if wrote && inner.chars().count() <= 60 {
        return true;
    }
    matches!(
        inner,
        "original message"
            | "original appointment"
            | "元の予定"
            | "元の会議"
            | "元のメッセージ"
            | "元のメール"
            | "original mail"
            | "オリジナルメッセージ"
            | "reply message"
            | "replied message"
            | "原文"
            | "ursprüngliche nachricht"
            | "message d'origine"
            | "返信元メッセージ"
            | "返信元メール"
            | "返信元"
            | "受信メール"
            | "引用"
            | "元メール"
            | "元メッセージ"
            | "以下、引用"
            | "以下引用"
            | "ここから引用"
            | "引用ここから"
            | "以下、元のメール"
            | "以下元のメール"
    )
}

/// Whether a line is a field of the Japanese heading that people paste together with another's mail.
pub(crate) fn heads_a_mail(line: &str) -> bool {
    let bare = line.trim();
    header_field(bare) == Some(Field::From) && ["差出人", "送信者", "送信元"].iter().any(|w| bare.contains(w))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    From,
    Other,
}

/// No name of a field is longer.
const MAX_FIELD_CHARS: usize = 10;

fn header_field(line: &str) -> Option<Field> {
    let line = line.trim_start_matches(['*', ' ', '\u{3000}']);
    let at = line.find([':', '：'])?;
    let is_sign = |c: &char| !matches!(c, '*' | ' ' | '\u{3000}');
    if line[..at].chars().filter(is_sign).nth(MAX_FIELD_CHARS).is_some() {
        return None;
    }
    let name = only(&line[..at], |c| is_sign(&c));
    match lower(name).as_str() {
        "from" | "差出人" | "送信者" | "送信元" | "von" | "de" | "da" | "发件人" | "發件人" => {
            Some(Field::From)
        }
        "sent" | "送信日時" | "日時" | "日付" | "date" | "to" | "宛先" | "cc" | "bcc" | "件名"
        | "subject" | "送信日" | "reply-to" | "返信先" | "gesendet" | "an" | "betreff" | "envoyé" | "à"
        | "objet" | "发送时间" | "收件人" | "主题" | "抄送" => Some(Field::Other),
        _ => None,
    }
}

/// Whether at least three of the first lines are mail header fields, a date and a subject among them.
fn header_block(lines: &[&str]) -> bool {
    let mut fields = 0;
    for line in lines.iter().take(12) {
        let line = line.trim();
        if line.is_empty() {
            if fields >= 3 { break } else { continue }
        }
        match header_field(line) {
            Some(_) => fields += 1,
            None if fields >= 3 => break,
            // A wrapped address list.
            None if line.contains('@') => {}
            None => return false,
        }
    }
    fields >= 3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(text: &str) -> String {
        split(text, false).own
    }

    #[test]
    fn headings_and_attributions() {
        assert_eq!(own("了解\n\n-----Original Message-----\nFrom: a\nx"), "了解");
        assert_eq!(own("了解\n\n---- 架け橋さんは書きました ----\n\n本文"), "了解");
        assert_eq!(
            own("了解\n\n________________________________\n差出人: a\n送信日時: b\n宛先: c\n件名: d\n\nx"),
            "了解"
        );
        assert_eq!(own("了解\n\n2026年11月24日(火) 10:00 連携 <a@b.example>:\n> x\n> y"), "了解");
        assert_eq!(own("了解\n\nOn Tue, 24 Nov 2026 at 10:00, Someone\n<a@b.example> wrote:\n\n> x"), "了解");
        assert_eq!(own("了解\n\n有馬さんは書きました (2026/11/24 21:15):\n> x\n>\n>> y"), "了解");
        assert_eq!(own("了解\n>x\n>y"), "了解");
        assert_eq!(own("> 10時でよいですか\n了解しました"), "了解しました");
        assert_eq!(own("差出人: を確認しました\nお願いします"), "差出人: を確認しました\nお願いします");
        assert_eq!(own("血圧のメール: 受け取りました"), "血圧のメール: 受け取りました");
        let text = "お世話になります。\n今日の記録は木下さんが書きました\n明日もお願いします";
        assert_eq!(own(text), text);
        assert_eq!(own("鍵は隣です\n\n[元のメール]\nFrom: a@b.example\nx"), "鍵は隣です");
        assert_eq!(own("見出しです\n【引用】\n本文のつづき"), "見出しです\n【引用】\n本文のつづき");
        assert_eq!(own("出席します\n\n \"連携\" <a@b.example> さん:\n> x"), "出席します");
        assert_eq!(own("了解\n\n 11月24日 10:12 連携さんは書きました。\n> x"), "了解");
    }

    #[test]
    fn interleaved_answers_keep_their_questions() {
        let text = "回答します。\n\nOn x, y wrote:\n> 1) か\nはい\n\n> 2) か\n不要\n\n-- \n久住";
        assert_eq!(own(text), text.trim_end());
        assert!(split("> a\nb\n> c\nd\n> e", false).own.contains("> a"));
        assert_eq!(split("> a\nb\n> c\nd\n> e", false).quoted.as_deref(), Some("> e"));
    }

    #[test]
    fn forwarded_text_stays() {
        let text = "転送します\n-----Original Message-----\nFrom: a\n本文";
        assert_eq!(split(text, true).own, text);
        let heading = "----------\nFrom: 山本恵\nDate: 2026/06/09 09:10\nSubject: 母の件\n----------\n昨夜、母が2回起きました。";
        let passed_on = format!("転送いたします。\n\n{heading}");
        assert_eq!(split(&passed_on, false).own, passed_on, "said in words");
        assert_eq!(own(&format!("了解しました。\n\n{heading}")), "了解しました。");
        let answered = "転送しました。了解です。\n\n-----Original Message-----\nFrom: 架け橋 <reply+0123456789@in.example>\nSent: x\nTo: y\nSubject: z\n\n本文";
        assert_eq!(own(answered), "転送しました。了解です。", "an answer to a mail of ours");
    }

    #[test]
    fn what_is_written_inside_an_unmarked_quote_stays() {
        let heading = "-----Original Message-----\nFrom: a\nSent: b\nTo: c\nSubject: d\n\n";
        for text in [
            format!("{heading}10時でよいですか\n\nはい、10時で。大塚"),
            format!("下に青字で書きます。\n\n{heading}1. 時間は?\n【大塚】10時"),
            format!("回答します。\n\n{heading}1. 時間は?\n→10時です"),
        ] {
            assert_eq!(split(&text, false), Split { own: text.clone(), quoted: None }, "{text}");
        }
        assert_eq!(own(&format!("了解\n\n{heading}10時でよいですか")), "了解");
    }

    #[test]
    fn a_list_marked_like_a_quote_stays() {
        let text = "以下の通りです。\n> 26日は休み\n> 27日は14時から\nご確認ください。";
        assert_eq!(own(text), text);
        assert_eq!(own("了解しました\n> 26日は10時\n\n-- \n大塚"), "了解しました\n\n-- \n大塚");
        assert_eq!(
            own("26日で\n> 26日は10時\n**********\n大塚\nTEL 03-0000-0103\n**********").lines().next(),
            Some("26日で")
        );
        assert!(!own("26日で\n> 26日は10時\n**********\n大塚\nTEL 03-0000-0103\n**********").contains('>'));
    }

    proptest::proptest! {
        #[test]
        fn no_line_is_lost(lines in proptest::collection::vec("[> あa]{0,5}|-----Original Message-----|2026/1/1 a@b:|--|差出人: x|件名: y|日時: z", 0..30)) {
            let text = lines.join("\n");
            let split = split(&text, false);
            let count = |s: &str| s.chars().filter(|c| !c.is_whitespace()).count();
            let all = count(&split.own) + split.quoted.as_deref().map_or(0, count);
            proptest::prop_assert_eq!(all, count(&text));
        }

        #[test]
        fn total(text in ".*") {
            let _ = split(&text, false);
        }
    }
}
