//! What calendars and Outlook send besides a person's words: invitations, answers to them, reminders, recalls. Each
//! with and without the headers and files that servers on the way take off.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use kakehashi_core::decide::doubt::RECALL_WANTED;
use kakehashi_core::envelope::Envelope;
use kakehashi_core::port::{HashingSink, Origin};
use kakehashi_core::reply_code::ReplyCode;
use kakehashi_core::vocabulary::Intent;
use kakehashi_email::read::{envelope, parse_mail};

fn read(rcpt: &str, headers: &str, body: &str) -> Envelope {
    let mail =
        format!("From: 大塚 <otsuka@sakura.example>\nTo: <{rcpt}>\nMIME-Version: 1.0\n{headers}\n\n{body}\n");
    let origin = Origin { rcpt_to: vec![rcpt.to_owned()], ..Origin::default() };
    envelope(&parse_mail(mail.as_bytes()).unwrap(), &origin, &mut HashingSink).unwrap()
}

fn on_thread(headers: &str, body: &str) -> Envelope {
    let code = ReplyCode::from_random(0x1234_5678_9abc).as_str().to_lowercase();
    read(&format!("reply+{code}@in.example"), headers, body)
}

fn to_group(headers: &str, body: &str) -> Envelope {
    read("tsubaki01@in.example", headers, body)
}

fn plain(subject: &str) -> String {
    format!("Subject: {subject}\nContent-Type: text/plain; charset=utf-8")
}

const MIXED: &str = "Content-Type: multipart/alternative; boundary=b";

fn with_file(text: &str, method: &str, state: &str) -> String {
    format!(
        "--b\nContent-Type: text/plain; charset=utf-8\n\n{text}\n--b\nContent-Type: text/calendar; charset=utf-8; \
         method={method}\n\nBEGIN:VCALENDAR\nMETHOD:{method}\nBEGIN:VEVENT\nSUMMARY:担当者会議\n\
         DTSTART;TZID=Tokyo Standard Time:20261202T160000\n\
         ATTENDEE;PARTSTAT={state}:mailto:otsuka@sakura.example\nEND:VEVENT\nEND:VCALENDAR\n--b--"
    )
}

#[test]
fn who_comes_to_a_meeting_is_a_reply_and_never_an_acknowledgement() {
    let headers = format!("Subject: 承諾: 担当者会議\n{MIXED}");
    for (text, state, said) in [
        ("", "ACCEPTED", "【予定への返信】出席\n件名: 担当者会議\n日時: 2026年12月2日(水) 16:00"),
        ("了解しました", "ACCEPTED", "了解しました\n\n【予定への返信】出席\n"),
        (
            "訪問と重なるため欠席します。",
            "DECLINED",
            "訪問と重なるため欠席します。\n\n【予定への返信】欠席\n",
        ),
        ("", "TENTATIVE", "【予定への返信】出席 (仮)\n"),
    ] {
        let got = on_thread(&headers, &with_file(text, "REPLY", state));
        assert_eq!(got.intent, Intent::Reply, "{text} {state}");
        assert!(got.body.as_deref().unwrap().starts_with(said), "{:?}", got.body);
    }
    let got = on_thread(&headers, &with_file("17時なら出られます", "COUNTER", "TENTATIVE"));
    assert_eq!(got.intent, Intent::Reply);
    assert!(got.body.unwrap().contains("【予定への返信】別の日時の提案\n"));
    // The file of the calendar is the whole mail.
    let alone = on_thread(
        "Subject: 承諾: 担当者会議\nContent-Type: text/calendar; charset=utf-8; method=REPLY",
        "BEGIN:VCALENDAR\nMETHOD:REPLY\nBEGIN:VEVENT\nSUMMARY:担当者会議\nATTENDEE;PARTSTAT=ACCEPTED:mailto:otsuka@sakura.example\nEND:VEVENT\nEND:VCALENDAR",
    );
    assert_eq!(
        (alone.intent, alone.body.as_deref()),
        (Intent::Reply, Some("【予定への返信】出席\n件名: 担当者会議"))
    );
}

#[test]
fn an_answer_without_its_file_is_known_by_its_subject() {
    for (subject, text, body) in [
        ("承諾: 担当者会議", "", "【予定への返信】出席\n件名: 担当者会議"),
        ("Accepted: 担当者会議", "", "【予定への返信】出席\n件名: 担当者会議"),
        ("辞退: 担当者会議", "", "【予定への返信】欠席\n件名: 担当者会議"),
        ("仮承諾: 担当者会議", "", "【予定への返信】出席 (仮)\n件名: 担当者会議"),
        ("承諾: 担当者会議", "了解しました", "了解しました"),
        (
            "承諾: 担当者会議 @ 2026年12月2日(水) 16:00 - 17:00 (JST)",
            "大塚 りつ子 さんがこの招待を承諾しました。",
            "大塚 りつ子 さんがこの招待を承諾しました。\n\n【予定への返信】出席\n件名: 担当者会議 @ 2026年12月2日(水) 16:00 - 17:00 (JST)",
        ),
    ] {
        let got = on_thread(&plain(subject), text);
        assert_eq!((got.intent, got.body.as_deref()), (Intent::Reply, Some(body)), "{subject}");
    }
    // What a machine answers by itself says nothing for anybody.
    let machine = on_thread(
        &format!("Subject: 承諾: 担当者会議\nAuto-Submitted: auto-replied\n{MIXED}"),
        &with_file("", "REPLY", "ACCEPTED"),
    );
    assert_eq!(machine.intent, Intent::Automatic);
}

#[test]
fn an_answer_that_belongs_to_nothing_is_no_topic_unless_somebody_wrote() {
    let headers = format!("Subject: 承諾: 担当者会議\n{MIXED}");
    assert_eq!(to_group(&headers, &with_file("", "REPLY", "ACCEPTED")).intent, Intent::Automatic);
    assert_eq!(to_group(&plain("Accepted: 担当者会議"), "").intent, Intent::Automatic);
    let written = to_group(&headers, &with_file("10分遅れます。先に始めてください。", "REPLY", "ACCEPTED"));
    assert_eq!(written.intent, Intent::Topic);
    assert!(written.body.unwrap().contains("【予定への返信】出席"));
    let by_hand = to_group(&plain("出席: 担当者会議"), "12月2日、佐野が出席します。");
    assert_eq!(
        (by_hand.intent, by_hand.body.as_deref()),
        (Intent::Topic, Some("12月2日、佐野が出席します。"))
    );
}

#[test]
fn a_calendar_that_reminds_is_a_machine_and_a_person_who_reminds_is_none() {
    for (from_headers, text) in [
        (
            plain("通知: 担当者会議 @ 2026年12月2日(水) 16:00 - 17:00 (JST) (otsuka@sakura.example)"),
            "担当者会議\n2026年12月2日(水) 16:00",
        ),
        (
            plain("Reminder: Care meeting @ Wed Dec 2, 2026 4pm - 5pm (JST) (otsuka@sakura.example)"),
            "Care meeting",
        ),
        (
            plain("担当者会議"),
            "担当者会議\n日時 2026年12月2日(水) 16:00\n\nカレンダー otsuka@sakura.example に関する通知の受信を登録されているため、このメールをお送りしています。",
        ),
    ] {
        assert_eq!(to_group(&from_headers, text).intent, Intent::Automatic, "{from_headers}");
    }
    for (subject, text) in [
        ("【リマインド】明日の担当者会議", "明日16時からです。出欠をご連絡ください。"),
        ("通知: 入院のお知らせ", "昨夜入院されました。"),
        ("Reminder: 担当者会議", "明日の会議のリマインドです。よろしくお願いします。"),
    ] {
        assert_eq!(to_group(&plain(subject), text).intent, Intent::Topic, "{subject}");
    }
    let invited = to_group(
        &format!("Subject: 担当者会議\n{MIXED}"),
        &with_file("ご参加ください。", "REQUEST", "NEEDS-ACTION"),
    );
    assert_eq!(invited.intent, Intent::Topic);
    assert!(
        invited.body.unwrap().ends_with("【予定の案内】\n件名: 担当者会議\n日時: 2026年12月2日(水) 16:00")
    );
}

#[test]
fn a_recall_unmakes_nothing_and_is_told() {
    let recall = on_thread(
        &plain("Recall: つばき01 訪問"),
        "大塚 りつ子 would like to recall the message, \"つばき01 訪問\".",
    );
    assert_eq!(recall.intent, Intent::Automatic);
    assert!(recall.warnings.iter().any(|w| w.code == RECALL_WANTED));
    let person = on_thread(&plain("Re: つばき01 訪問"), "先ほどのメールを取り消します。26日は伺えません。");
    assert_eq!(person.intent, Intent::Reply);
    assert!(!person.warnings.iter().any(|w| w.code == RECALL_WANTED));
}
