//! What organisations and scanners append to every mail: confidentiality notices, virus scanners' words, the
//! plea not to print. Recognised only as whole last paragraphs that speak of the mail itself, with a
//! condition; what a person asks ("誤って送りました、削除してください") is none of them.

use kakehashi_core::text::any_of::AnyOf;
use kakehashi_core::text::fold::folded;
use kakehashi_core::text::only;
use std::sync::LazyLock;

/// How many of the last lines are such notices, blank lines and rules between them included.
pub(crate) fn trailing(lines: &[&str]) -> usize {
    let mut taken = 0;
    loop {
        let rest = &lines[..lines.len() - taken];
        // What a telephone adds may stand below.
        let Some(last) = rest.iter().rposition(|l| {
            !l.trim().is_empty() && !super::signature::is_rule(l) && !super::signature::is_device_line(l)
        }) else {
            return taken;
        };
        let start = rest[..last]
            .iter()
            .rposition(|l| l.trim().is_empty() || super::signature::is_rule(l))
            .map_or(0, |at| at + 1);
        // Something of the writer must stay above.
        let above = rest[..start].iter().any(|l| !l.trim().is_empty());
        if !above || last + 1 - start > 15 || !is_notice(&rest[start..=last].join("")) {
            return taken;
        }
        taken = lines.len() - start;
        // A rule right above belongs to it.
        while taken < lines.len() && super::signature::is_rule(lines[lines.len() - taken - 1]) {
            taken += 1;
        }
    }
}

/// Whether a paragraph is nothing but a notice about mail in general.
fn is_notice(paragraph: &str) -> bool {
    let text = only(&folded(paragraph), |c| !c.is_whitespace());
    let length = text.chars().count();
    if length > 1_500 {
        return false;
    }
    let has = |words: &[&str]| words.iter().any(|w| text.contains(w));
    let condition =
        || has(&["場合", "方以外", "際は", "ifyou", "intendedrecipient", "unauthorized", "unauthorised"]);
    let consequence = || {
        has(&[
            "削除",
            "破棄",
            "廃棄",
            "消去",
            "禁じ",
            "禁止",
            "お控え",
            "固くお断り",
            "delete",
            "destroy",
            "prohibited",
            "disclos",
        ])
    };
    if OF_MAIL.is_in(&text) && condition() && consequence() && length >= 40 {
        return true;
    }
    // One line that a scanner or an office template adds.
    length <= 160
        && (has(&[
            "ウイルスフリー",
            "ウイルスチェック済",
            "virus-free",
            "checkedforviruses",
            "ウイルス検査済",
        ]) || (has(&["environment", "環境"])
            && has(&["printing", "印刷する前", "印刷前", "印刷される前"])))
}

/// Words for the mail itself.
static OF_MAIL: LazyLock<AnyOf> = LazyLock::new(|| {
    AnyOf::new(&[
        "本メール",
        "このメール",
        "本電子メール",
        "このeメール",
        "当メール",
        "本eメール",
        "thise-mail",
        "thisemail",
        "thismessage",
        "thiscommunication",
        "thistransmission",
    ])
});

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(text: &str) -> String {
        let lines: Vec<&str> = text.lines().collect();
        lines[..lines.len() - trailing(&lines)].join("\n").trim_end().to_owned()
    }

    #[test]
    fn notices_go_and_requests_stay() {
        for notice in [
            "本メールには機密情報が含まれている場合があります。誤って受信された場合は、送信者へご連絡のうえ削除をお願いいたします。",
            "このメールは、宛先の方以外による利用・複製・開示を固く禁じます。\n心当たりのない場合は、破棄してくださいますようお願い申し上げます。",
            "This e-mail and any attachments are confidential. If you are not the intended recipient, please delete it and notify the sender.",
            "ウイルスフリー。www.avast.com",
            "Please consider the environment before printing this e-mail.",
        ] {
            assert_eq!(kept(&format!("了解しました\n\n{notice}")), "了解しました", "{notice}");
            assert_eq!(
                kept(&format!("了解しました\n\n――――――\n{notice}\n――――――")),
                "了解しました",
                "{notice}"
            );
            assert_eq!(kept(notice), notice, "nothing else would be left");
        }
        for text in [
            "お世話になります。\n\nこのメールを誤って送りました。削除してください。",
            "ご家族から\n\n先ほどのメールは山田さん宛てでした。開いた場合は教えてください。",
            "連絡です\n\n環境が変わったので印刷して渡します。",
        ] {
            assert_eq!(kept(text), text);
        }
    }

    proptest::proptest! {
        #[test]
        fn total(text in "(本メール|場合|削除|ウイルスフリー|----|あ|\n){0,40}") {
            let lines: Vec<&str> = text.lines().collect();
            proptest::prop_assert!(trailing(&lines) <= lines.len());
        }
    }
}
