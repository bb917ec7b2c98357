//! What calendars send about a meeting besides the invitation: a person's answer to it (RFC 5546 REPLY and COUNTER,
//! 承諾:, Accepted:) and a program's reminder. An answer tells who comes and is never 了解 of a post; a reminder is
//! nobody's mail. Never takes the words of a person who reminds by hand for a program's.

use super::calendar::{self, ANSWER, ATTENDS, DECLINES, PROPOSED, TENTATIVE};
use kakehashi_core::mail::{Mail, MailPart};
use kakehashi_core::text::any_of::AnyOf;
use kakehashi_core::text::fold::{folded, lower, narrow};
use kakehashi_core::text::{only, start_of};
use std::sync::LazyLock;

/// A person's answer to an invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Words for it where the mail has no file of a calendar that says the same.
    pub(crate) words: Option<String>,
    /// Whether the writer wrote something himself.
    pub(crate) own_words: bool,
}

/// Whether a part is a file of a calendar.
pub(crate) fn is_calendar(part: &MailPart) -> bool {
    matches!(part.media_type.as_str(), "text/calendar" | "application/ics")
        || part.name.as_deref().is_some_and(|n| n.to_lowercase().ends_with(".ics"))
}

/// The answer to an invitation that a mail is; `own` is its text without quote and signature.
pub(crate) fn answer(mail: &Mail, own: &str) -> Option<Answer> {
    let own_words = || !own.trim().is_empty() && !is_written_by_calendar(own);
    let by_file =
        mail.parts.iter().filter(|part| is_calendar(part)).any(|part| {
            calendar::method(&part.bytes).is_some_and(|m| matches!(m.as_str(), "REPLY" | "COUNTER"))
        });
    if by_file {
        return Some(Answer { words: None, own_words: own_words() });
    }
    // A server on the way may have taken the file off, or the program sent none.
    let subject = narrow(mail.subject.as_deref().unwrap_or(""));
    let (said, rest) = by_subject(&subject)?;
    let own_words = own_words();
    let words = (!own_words).then(|| match rest {
        "" => format!("{ANSWER}{said}"),
        rest => format!("{ANSWER}{said}\n件名: {rest}"),
    });
    Some(Answer { words, own_words })
}

/// The word that Outlook, Google and Apple put before the subject of an invitation that is answered.
fn by_subject(subject: &str) -> Option<(&'static str, &str)> {
    const PREFIXES: &[(&str, &str)] = &[
        ("承諾", ATTENDS),
        ("承諾済み", ATTENDS),
        ("承諾されました", ATTENDS),
        ("出席", ATTENDS),
        ("accepted", ATTENDS),
        ("仮承諾", TENTATIVE),
        ("仮の承諾", TENTATIVE),
        ("仮承諾済み", TENTATIVE),
        ("未定", TENTATIVE),
        ("tentative", TENTATIVE),
        ("tentatively accepted", TENTATIVE),
        ("辞退", DECLINES),
        ("辞退済み", DECLINES),
        ("辞退されました", DECLINES),
        ("欠席", DECLINES),
        ("不参加", DECLINES),
        ("declined", DECLINES),
        ("新しい時間の提案", PROPOSED),
        ("新しい日時の提案", PROPOSED),
        ("新しい時刻の提案", PROPOSED),
        ("新しい時間帯の提案", PROPOSED),
        ("new time proposed", PROPOSED),
        ("proposed new time", PROPOSED),
    ];
    let (word, rest) = subject.trim_start().split_once(':')?;
    let word = lower(word.trim().to_owned());
    PREFIXES.iter().find(|(prefix, _)| *prefix == word).map(|(_, said)| (*said, rest.trim()))
}

/// Whether the text of an answer is the program's: Google and Apple say in a sentence what the file says.
fn is_written_by_calendar(own: &str) -> bool {
    static WORDS: LazyLock<AnyOf> = LazyLock::new(|| {
        AnyOf::new(&[
            "この招待を承諾しました",
            "この招待を辞退しました",
            "この招待を仮承諾しました",
            "への招待を承諾しました",
            "への招待を辞退しました",
            "への招待を仮承諾しました",
            "出席依頼を承諾しました",
            "出席依頼を辞退しました",
            "出席依頼を仮承諾しました",
            "参加依頼を承諾しました",
            "参加依頼を辞退しました",
            "hasacceptedthisinvitation",
            "hasdeclinedthisinvitation",
            "hasacceptedyourinvitation",
            "hasdeclinedyourinvitation",
            "hasrepliedmaybetothisinvitation",
            "hastentativelyacceptedthisinvitation",
        ])
    });
    WORDS.is_in(&plain(own))
}

/// Whether a calendar reminds of a meeting by itself.
pub(crate) fn is_reminder(mail: &Mail, own: &str) -> bool {
    let from = mail.from.as_ref().map(|f| f.address.to_lowercase()).unwrap_or_default();
    if from.starts_with("calendar-notification@") || from.starts_with("calendar-server@") {
        return true;
    }
    let subject = folded(mail.subject.as_deref().unwrap_or(""));
    // 「通知: 担当者会議 @ 2026年12月2日 16:00 - 17:00 (JST) (otsuka@…)」 is Google's form; a person who reminds writes none.
    let reminds =
        ["通知:", "notification:", "reminder:", "リマインダー:"].iter().any(|p| subject.starts_with(p));
    if reminds && subject.contains(" @ ") && subject.trim_end().ends_with(')') {
        return true;
    }
    static WORDS: LazyLock<AnyOf> = LazyLock::new(|| {
        AnyOf::new(&[
            "通知の受信を登録されている",
            "通知を受信するように登録されて",
            "通知を受信するように設定されて",
            "通知を受け取るように設定されて",
            "通知を受け取る設定になっている",
            "subscribedfornotificationsoncalendar",
            "becauseyousetanotificationforthisevent",
            "becauseyouhavesetareminder",
            "becauseyousetareminder",
            "リマインダーが設定されているため",
            "リマインダーを設定されているため",
        ])
    });
    WORDS.is_in(&plain(own))
}

fn plain(text: &str) -> String {
    folded(&only(start_of(text, 3_000), |c| !c.is_whitespace()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_before_the_subject_of_an_invitation() {
        assert_eq!(by_subject("承諾: 担当者会議"), Some((ATTENDS, "担当者会議")));
        assert_eq!(by_subject("Declined: Care meeting @ Wed"), Some((DECLINES, "Care meeting @ Wed")));
        assert_eq!(by_subject("仮承諾:"), Some((TENTATIVE, "")));
        for subject in ["Re: 承諾: 担当者会議", "承諾書: 送付", "担当者会議", "出席の件: 26日", ""]
        {
            assert_eq!(by_subject(subject), None, "{subject}");
        }
    }

    proptest::proptest! {
        #[test]
        fn total(subject in ".*", like in "(承諾|Accepted|:|：| |会議){0,6}") {
            let _ = by_subject(&narrow(&subject));
            let _ = by_subject(&narrow(&like));
        }
    }
}
