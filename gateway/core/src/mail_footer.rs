//! The footer that a facility's mail system puts below every mail (`mail_footer` of its endpoint): known word by
//! word, so it is taken off even where nothing marks it. It goes to the signature and nothing is lost; a
//! text that merely resembles it stays. The names of the facility and its people below an answer say nothing
//! either, and the directory knows them all.

use crate::envelope::Envelope;
use crate::reply_words::{is_only_acknowledgement, may_be_short_answer, without_names};
use crate::text::fold::narrow;
use crate::vocabulary::{AttachmentRole, Intent};

/// Takes the known footer off the end of the text and reads what is left anew: 「了解」 above a footer is 了解.
/// `true` if the footer was there.
pub fn take_off(envelope: &mut Envelope, footer: &str) -> bool {
    let Some(body) = envelope.body.as_deref() else { return false };
    let Some(kept) = without(body, footer) else { return false };
    let taken = body.get(kept.len()..).unwrap_or("").trim().to_owned();
    let kept = kept.trim_end().to_owned();
    envelope.signature = Some(match envelope.signature.take() {
        Some(below) => format!("{taken}\n{below}"),
        None => taken,
    });
    let files = envelope.attachments.iter().any(|a| a.role == AttachmentRole::Document);
    if matches!(envelope.intent, Intent::Reply | Intent::Topic) && !files && is_only_acknowledgement(&kept) {
        envelope.intent = Intent::Acknowledgement;
    }
    envelope.body = Some(kept).filter(|b| !b.is_empty());
    true
}

/// Whether [`know_names`] could change anything: an answer that is short and more than 了解.
#[must_use]
pub fn wants_names(envelope: &Envelope) -> bool {
    let files = envelope.attachments.iter().any(|a| a.role == AttachmentRole::Document);
    matches!(envelope.intent, Intent::Reply | Intent::Topic)
        && !files
        && envelope.body.as_deref().is_some_and(may_be_short_answer)
}

/// Reads an answer anew with the names of the sender's facility and its people: 「了解しました　ひなた 木暮」 is 了解
/// where Hinata has a Kogure, and the text stays as it was written.
pub fn know_names(envelope: &mut Envelope, names: &[&str]) {
    let only = |body: &str| is_only_acknowledgement(&without_names(body, names));
    if wants_names(envelope) && envelope.body.as_deref().is_some_and(only) {
        envelope.intent = Intent::Acknowledgement;
    }
}

/// What the facility puts below every mail although nobody has registered it: its contact lines with whatever stands
/// below them, such as a slogan, word for word as in two other mails of it (text and signature). `names` are those of
/// the facility and its people. A sentence above the contact lines never counts, however often it was written.
#[must_use]
pub fn repeated(body: &str, earlier: &[(String, Option<String>)], names: &[&str]) -> Option<String> {
    let bare = |l: &str| -> String { narrow(l).chars().filter(|c| !c.is_whitespace()).collect() };
    let lines = |text: &str| -> Vec<String> { text.lines().map(bare).filter(|l| !l.is_empty()).collect() };
    let own = lines(body);
    let mut others: Vec<(Vec<String>, Vec<String>)> = earlier
        .iter()
        .map(|(text, signature)| (lines(text), lines(signature.as_deref().unwrap_or_default())))
        .filter(|(text, signature)| *text != own && [text.as_slice(), signature].concat() != own)
        .collect();
    others.sort_unstable();
    others.dedup();
    let alike =
        |other: &[String]| other.iter().rev().zip(own.iter().rev()).take_while(|(a, b)| a == b).count();
    // What was taken off before lies in the signature.
    let mut common: Vec<usize> = others
        .iter()
        .map(|(text, signature)| alike(text).max(alike(&[text.as_slice(), signature].concat())))
        .collect();
    common.sort_unstable();
    // The second longest: two other mails end so.
    let shared = *common.iter().rev().nth(1)?;
    let tail = own.get(own.len() - shared..)?;
    let names: Vec<String> = names.iter().map(|n| bare(n)).filter(|n| n.chars().count() >= 2).collect();
    let begins = |l: &&String| {
        let rule = l.chars().count() >= 3 && !l.chars().any(char::is_alphanumeric);
        let named = names.iter().any(|n| l.contains(n.as_str()));
        rule || (named && l.chars().count() <= 40 && !l.contains(['。', '?', '!']))
    };
    let start = tail.iter().position(|l| begins(&l))?;
    let block = tail.get(start..)?;
    let writes_more = own.len() > block.len();
    (writes_more && block.iter().any(|l| is_contact(l))).then(|| block.join("\n"))
}

/// A line by which one can be reached.
fn is_contact(line: &str) -> bool {
    let digits = line.chars().filter(char::is_ascii_digit).count();
    let word = ["tel", "fax", "電話", "携帯", "直通"].iter().any(|w| line.to_lowercase().contains(w));
    line.contains('〒')
        || line.contains('@')
        || line.contains("http")
        || (digits >= 9 && (word || line.matches('-').count() >= 2))
}

/// The text above the footer, if the footer ends it. Blank lines and blanks do not matter.
fn without<'t>(body: &'t str, footer: &str) -> Option<&'t str> {
    let line = |l: &str| -> String { narrow(l).chars().filter(|c| !c.is_whitespace()).collect() };
    let mut wanted: Vec<String> = footer.lines().map(line).filter(|l| !l.is_empty()).collect();
    if wanted.is_empty() {
        return None;
    }
    let mut end = body.len();
    while let Some(last) = wanted.pop() {
        loop {
            let above = body.get(..end)?.trim_end_matches(['\n', '\r']);
            let start = above.rfind('\n').map_or(0, |at| at + 1);
            let found = line(above.get(start..)?);
            end = start;
            if found == last {
                break;
            }
            if !found.is_empty() || start == 0 {
                return None;
            }
        }
    }
    body.get(..end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::ContentHash;
    use crate::vocabulary::{Channel, Format};

    fn mail(body: &str) -> Envelope {
        let mut envelope = Envelope::empty(Channel::Email, Format::Rfc5322, ContentHash::of(body.as_bytes()));
        envelope.intent = Intent::Reply;
        envelope.body = Some(body.to_owned());
        envelope
    }

    const FOOTER: &str = "医療法人さくら会は禁煙です\n\n採用情報 https://sakura.example.jp/";

    #[test]
    fn the_known_footer_goes_and_nothing_else() {
        let mut got =
            mail("了解しました\n\n医療法人さくら会は禁煙です\n採用情報　https://sakura.example.jp/\n");
        assert!(take_off(&mut got, FOOTER));
        assert_eq!((got.body.as_deref(), got.intent), (Some("了解しました"), Intent::Acknowledgement));
        assert_eq!(
            got.signature.as_deref(),
            Some("医療法人さくら会は禁煙です\n採用情報　https://sakura.example.jp/")
        );
        let mut got = mail("26日は10時で\n医療法人さくら会は禁煙です\n採用情報 https://sakura.example.jp/");
        assert!(take_off(&mut got, FOOTER));
        assert_eq!((got.body.as_deref(), got.intent), (Some("26日は10時で"), Intent::Reply));
        for text in [
            "了解",
            "採用情報 https://sakura.example.jp/",
            "医療法人さくら会は禁煙です\n採用情報 https://sakura.example.jp/\nでした",
            "",
        ] {
            let mut got = mail(text);
            assert!(!take_off(&mut got, FOOTER), "{text}");
            assert_eq!(got.body.as_deref(), Some(text));
        }
        assert!(!take_off(&mut mail("了解"), " \n"));
    }

    #[test]
    fn a_slogan_below_the_contact_lines_is_known_by_its_repetition() {
        let block = "ケアプランセンターつむぎ　高梨 由美子\nTEL 03-0000-0104\n\n〜笑顔と真心でささえる介護〜";
        let mail = |text: &str| format!("{text}\n\n{block}\n");
        let as_sent = |text: &str| (mail(text), None);
        let earlier =
            [as_sent("明日10時に伺います。"), as_sent("承知しました。"), ("別の話です。".to_owned(), None)];
        let taken = [("明日です。".to_owned(), Some(block.to_owned())), as_sent("承知しました。")];
        let names = ["ケアプランセンターつむぎ", "高梨 由美子"];
        assert!(repeated(&mail("了解しました"), &taken, &names).is_some(), "taken off before");
        let found = repeated(&mail("了解しました"), &earlier, &names).unwrap();
        let mut got = self::mail(&mail("了解しました"));
        assert!(take_off(&mut got, &found));
        assert_eq!((got.body.as_deref(), got.intent), (Some("了解しました"), Intent::Acknowledgement));
        assert!(got.signature.unwrap().contains("笑顔と真心"));
        // What is said every day stays, above the contact lines and where there are none.
        let daily = [as_sent("朝です。\n変わりありません。"), as_sent("昼です。\n変わりありません。")];
        let found = repeated(&mail("夜です。\n変わりありません。"), &daily, &names).unwrap();
        assert!(!found.contains("変わり"), "{found}");
        for (body, earlier) in [
            (
                "夜です。\n変わりありません。",
                ["朝です。\n変わりありません。".to_owned(), "昼です。\n変わりありません。".to_owned()],
            ),
            (
                "夜です。\n高梨\n痛みなし",
                ["朝です。\n高梨\n痛みなし".to_owned(), "昼です。\n高梨\n痛みなし".to_owned()],
            ),
        ] {
            let earlier = earlier.map(|e| (e, None));
            assert_eq!(repeated(body, &earlier, &names), None, "{body}");
        }
        // Once is no habit, and the same mail twice is once.
        assert_eq!(repeated(&mail("了解"), &earlier[..1], &names), None);
        assert_eq!(repeated(&mail("了解"), &[earlier[0].clone(), earlier[0].clone()], &names), None);
        // Nothing but the block: somebody may have written nothing else on purpose.
        assert_eq!(repeated(block, &earlier, &names), None);
    }

    #[test]
    fn the_names_of_the_facility_say_nothing() {
        let names = ["訪問看護ステーション ゆずりは", "ゆずりは", "木暮 さやか", "丹羽 誠"];
        for text in [
            "了解しました\nゆずりは 木暮",
            "かしこまりました！ありがとうございます！／ゆずりは 丹羽",
            "承知しました（ゆずりは）",
            "木暮です。承知しました。",
            "了解です　木暮さやか",
            "訪問看護ステーションゆずりは\n了解しました。",
            "ゆずりはの木暮です。了解しました。",
            "承知しました。さくら訪問看護 木暮",
        ] {
            let mut got = mail(text);
            know_names(&mut got, &names);
            assert_eq!((got.intent, got.body.as_deref()), (Intent::Acknowledgement, Some(text)));
        }
        for text in [
            "了解しました\nゆずりは 中止",
            "了解しました\n木暮 不在",
            "了解しました\n木暮が伺います",
            "了解しました\n訪問",
            "木暮",
            "ゆずりは 木暮です。",
            "了解できません\nゆずりは 木暮",
            "了解しました？ 木暮",
        ] {
            let mut got = mail(text);
            know_names(&mut got, &names);
            assert_eq!(got.intent, Intent::Reply, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_repeats_is_an_end_of_the_text(
            body in "(あ|い|TEL 03-0000-0104|---|\n| ){0,12}",
            one in "(あ|い|TEL 03-0000-0104|---|\n| ){0,12}",
            two in "(あ|TEL 03-0000-0104|---|\n){0,12}",
        ) {
            if let Some(found) = repeated(&body, &[(one, None), (two, None)], &["あい"]) {
                let mut got = mail(&body);
                proptest::prop_assert!(take_off(&mut got, &found));
                proptest::prop_assert!(got.body.is_some());
            }
        }

        #[test]
        fn nothing_is_lost(body in "(あ|い|\n| ){0,20}", footer in "(あ|い|\n| ){0,8}") {
            let mut got = mail(&body);
            take_off(&mut got, &footer);
            let count = |s: Option<&str>| s.unwrap_or("").chars().filter(|c| !c.is_whitespace()).count();
            proptest::prop_assert_eq!(
                count(got.body.as_deref()) + count(got.signature.as_deref()),
                count(Some(body.as_str()))
            );
        }
    }
}
