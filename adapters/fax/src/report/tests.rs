use super::*;
use crate::provider::tests::{mail, toml_profiles};

fn report(from: &str, subject: &str, text: &str) -> Option<Report> {
    let mut mail = mail((None, from), subject, text, None);
    mail.headers.push(("Auto-Submitted".to_owned(), "auto-replied".to_owned()));
    read_report(&mail, &[])
}

/// The facts of ja20 and ja21.
#[test]
fn usual_reports() {
    let failed = report(
        "no-reply@cloudfax.example.jp",
        "FAX送信が失敗しました -> (0467000031)",
        "宛先FAX番号：0467000031\n件名　　　　：[post-00332] 三好カズ様 転倒のご報告\n受付番号　　：7719\n送信結果　　：6017-話中\n送信枚数　　：0／2枚\n送信回数　　：4回\n最終送信日時：2026年11月24日 11時30分12秒\n",
    )
    .unwrap();
    assert_eq!(failed.outcome, ReportOutcome::Failed);
    assert_eq!(failed.recipient.as_deref(), Some("0467000031"));
    assert_eq!(failed.original.as_deref(), Some("post-00332"));
    assert_eq!(failed.status.as_deref(), Some("6017-話中"));

    let delivered = report(
        "no-reply@cloudfax.example.jp",
        "FAX送信が成功しました -> (0450000021)",
        "宛先FAX番号：0450000021\n件名　　　　：[post-00333] 残薬の件\n受付番号　　：7720\n送信結果　　：成功\n送信枚数　　：2／2枚\n相手先CSI　 ：045 000 0021\n通信時間　　：58秒\n",
    )
    .unwrap();
    assert_eq!(delivered.outcome, ReportOutcome::Delivered);
    assert_eq!(delivered.recipient.as_deref(), Some("0450000021"));
    assert_eq!(delivered.original.as_deref(), Some("post-00333"));
}

#[test]
fn other_wordings() {
    use ReportOutcome::{Delayed, Delivered, Failed};
    let cases: &[(&str, &str, ReportOutcome)] = &[
        (
            "Fax transmission report: Successful",
            "Fax number: 03-0000-0104\nStatus: OK\nPages: 2/2\nSubject: kakehashi [01J@gw.example]",
            Delivered,
        ),
        (
            "Your fax could not be sent",
            "Recipient: 0300000104\nResult: No answer\nSubject: kakehashi [01J@gw.example]",
            Failed,
        ),
        (
            "FAX送信完了のお知らせ",
            "送信先：03-0000-0104\n件名：kakehashi [01J@gw.example]\n結果：正常終了",
            Delivered,
        ),
        (
            "FAX送信完了のお知らせ",
            "送信先：03-0000-0104\n件名：kakehashi [01J@gw.example]\n結果：正常終了\n送信枚数：1/2",
            Failed,
        ),
        (
            "FAX送信結果",
            "送信先\t03-0000-0104\n件名\tkakehashi [01J@gw.example]\n結果\tリダイヤル中",
            Delayed,
        ),
        (
            "FAX delivery report",
            "To: 0300000104\nSubject: kakehashi [01J@gw.example]\nStatus: unsuccessful",
            Failed,
        ),
    ];
    for (subject, text, outcome) in cases {
        let report = report("no-reply@f.example", subject, text).unwrap_or_else(|| panic!("{subject}"));
        assert_eq!(report.outcome, *outcome, "{subject}");
        assert_eq!(report.recipient.as_deref(), Some("0300000104"), "{subject}");
        assert_eq!(report.original.as_deref(), Some("01J@gw.example"), "{subject}");
    }
}

#[test]
fn words_that_deny_success_or_failure() {
    use ReportOutcome::{Delivered, Failed};
    for (text, outcome) in [
        ("正常終了（エラーなし）", Some(Delivered)),
        ("成功:1件 失敗:0件", Some(Delivered)),
        ("completed with no errors", Some(Delivered)),
        ("your fax could not be sent", Some(Failed)),
        ("fax was not delivered", Some(Failed)),
        ("送信できませんでした", Some(Failed)),
        ("faxを送信できなかったため終了", Some(Failed)),
        ("001 ok", Some(Delivered)),
        ("book of tokens", None),
    ] {
        assert_eq!(classify(text), outcome, "{text}");
    }
}

#[test]
fn the_job_is_named_in_many_ways() {
    let text = "宛先FAX番号：0450000021\n送信結果：成功\n";
    let mut threaded = mail((None, "a@b.example"), "FAX送信が成功しました", text, None);
    threaded.in_reply_to = vec!["01J@gw.example".to_owned()];
    assert_eq!(read_report(&threaded, &[]).unwrap().original.as_deref(), Some("01J@gw.example"));
    let by_file = format!("{text}添付：fax-01JABCDEF.pdf\n");
    assert_eq!(
        report("a@b.example", "FAX送信が成功しました", &by_file).unwrap().original.as_deref(),
        Some("01JABCDEF")
    );
    let by_number = format!("{text}受付番号：7720\n");
    assert_eq!(
        report("a@b.example", "FAX送信が成功しました", &by_number).unwrap().original.as_deref(),
        Some("7720")
    );
}

#[test]
fn what_is_no_report() {
    for (subject, text) in [
        ("【FAX受信】050-0000-0099 宛（発信元：非通知 1枚）", "FAXを受信しました。\n受信枚数：1枚"),
        ("Re: FAX送信が失敗しました", "電話しました。"),
        ("FAXの件", "先ほどFAXを送信しました。ご確認ください。\nFAX: 03-0000-0104"),
        ("ご報告", "本日の訪問結果：問題なし"),
    ] {
        assert_eq!(read_report(&mail((None, "a@b.example"), subject, text, None), &[]), None, "{subject}");
    }
}

#[test]
fn the_envelope_of_a_report() {
    let profiles = toml_profiles("[[p]]\nname = \"cloudfax\"\nfrom = [\"cloudfax.example.jp\"]");
    let mail = mail(
        (None, "no-reply@cloudfax.example.jp"),
        "FAX送信が成功しました -> (0450000021)",
        "送信結果：成功\n受付番号：7720",
        None,
    );
    let report = read_report(&mail, &profiles).unwrap();
    let known = envelope(&mail, &Origin::default(), report.clone(), &profiles);
    assert_eq!((known.intent, known.warnings.len()), (Intent::DeliveryReport, 0));
    assert_eq!(known.sender.application.as_deref(), Some("cloudfax"));
    assert_eq!(known.report, Some(report.clone()));
    let guessed = envelope(&mail, &Origin::default(), report, &[]);
    assert_eq!(guessed.warnings[0].code, "report_guessed");
}
