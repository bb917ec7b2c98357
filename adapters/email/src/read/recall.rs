//! Outlook's wish to take a sent mail back ("Recall: …", 「取り消し: …」). Nothing that arrived is unmade by it: it is a
//! program's mail that never acts, and the office hears of the wish. A person who takes back what he wrote in his own
//! words writes an answer like any other.

use kakehashi_core::mail::Mail;
use kakehashi_core::text::fold::folded;
use kakehashi_core::text::only;

const MAX_CHARS: usize = 400;

/// Whether a mail asks to take another back; `own` is its text without quote and signature.
pub(crate) fn is_recall(mail: &Mail, own: &str) -> bool {
    if mail.header("Content-Class").is_some_and(|v| v.to_lowercase().contains("recall")) {
        return true;
    }
    let subject = folded(mail.subject.as_deref().unwrap_or(""));
    const PREFIXES: &[&str] = &[
        "recall",
        "取り消し",
        "取消し",
        "取消",
        "回収",
        "メッセージの取り消し",
        "メッセージの取消し",
        "メッセージの取消",
        "メッセージの回収",
        "送信の取り消し",
        "送信取り消し",
        "送信取消",
    ];
    let headed = subject.split_once(':').is_some_and(|(word, _)| PREFIXES.contains(&word.trim()));
    if !headed && !own.contains("メッセージ") && !own.contains("recall") {
        return false;
    }
    let text = only(&folded(own), |c| !c.is_whitespace());
    if text.chars().count() > MAX_CHARS {
        return false;
    }
    if text.is_empty() {
        // Only Outlook's own words are sure enough without a text.
        return headed && subject.starts_with("recall:");
    }
    let quoted = text.contains(['"', '「', '“', '\'']);
    let english = text.contains("wouldliketorecallthemessage") || text.contains("wantstorecallthemessage");
    let japanese = text.contains("メッセージ")
        && [
            "を取り消します",
            "を取り消したい",
            "を取り消そうと",
            "の取り消しを",
            "を取消します",
            "を回収したい",
            "を回収しようと",
        ]
        .iter()
        .any(|w| text.contains(w));
    let one_sentence = text.trim_end_matches(['。', '.']).chars().filter(|c| matches!(c, '。')).count() == 0;
    (english && (headed || quoted)) || (japanese && (headed || (quoted && one_sentence)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::parse_mail;

    fn recall(subject: &str, text: &str) -> bool {
        let mail = format!(
            "From: a@b.example\nSubject: {subject}\nContent-Type: text/plain; charset=utf-8\n\n{text}\n"
        );
        let mail = parse_mail(mail.as_bytes()).unwrap();
        is_recall(&mail, &mail.text)
    }

    #[test]
    fn the_program_and_the_person() {
        for (subject, text) in [
            ("Recall: つばき01 訪問", "大塚 りつ子 would like to recall the message, \"つばき01 訪問\"."),
            ("メッセージの取り消し: 訪問", "大塚 りつ子 さんはメッセージ \"訪問\" を取り消します。"),
            ("取り消し: 訪問", "大塚 りつ子 は、メッセージ「訪問」を取り消したいと考えています。"),
            ("Recall: 訪問", ""),
            ("訪問", "大塚 りつ子 さんはメッセージ「訪問」の取り消しを求めています。"),
        ] {
            assert!(recall(subject, text), "{subject} {text}");
        }
        for (subject, text) in [
            ("Re: 訪問", "先ほどのメールを取り消します。26日は伺えません。"),
            ("取り消し: 26日の訪問", "26日の訪問は取り消してください。"),
            ("取り消し: 26日の訪問", ""),
            ("Re: 訪問", "先ほどのメッセージを取り消します。「10時」は誤りで14時です。"),
            ("Recall: 訪問", "26日は休みます"),
        ] {
            assert!(!recall(subject, text), "{subject} {text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn total(subject in "(Recall|取り消し|:|あ|\\PC){0,8}", text in "(メッセージ|を取り消します|「|」|。|\\PC){0,20}") {
            let _ = parse_mail(format!("From: a@b.example\nSubject: {subject}\n\n").as_bytes()).map(|m| is_recall(&m, &text));
        }
    }
}
