//! What mails mean: the answers and reports of the scenarios (care-network.md 8.2 to 8.7), in the forms
//! that the usual mailers give them.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use kakehashi_core::envelope::Envelope;
use kakehashi_core::port::{HashingSink, Origin};
use kakehashi_core::reply_code::ReplyCode;
use kakehashi_core::vocabulary::{Intent, ReplyExpectation, Urgency};
use kakehashi_email::read::{envelope, parse_mail};

fn read_from(mail_from: Option<&str>, rcpt: &str, headers: &str, text: &str) -> Envelope {
    let mail = format!(
        "From: nurse@f03.example\nTo: <{rcpt}>\nContent-Type: text/plain; charset=utf-8\n{headers}\n\n{text}\n"
    );
    let mail = parse_mail(mail.as_bytes()).unwrap();
    let origin = Origin {
        mail_from: mail_from.map(str::to_owned),
        rcpt_to: vec![rcpt.to_owned()],
        ..Origin::default()
    };
    envelope(&mail, &origin, &mut HashingSink).unwrap()
}

fn code() -> ReplyCode {
    ReplyCode::from_random(0x1234_5678_9abc)
}

fn answer(headers: &str, text: &str) -> Envelope {
    read_from(
        Some("nurse@f03.example"),
        &format!("reply+{}@in.example", code().as_str().to_lowercase()),
        headers,
        text,
    )
}

#[test]
fn the_answers_of_the_discharge() {
    let got = answer(
        "Subject: Re: 【至急・了解希望】つばき01 退院",
        "了解\n\n--\nさくら訪問看護ステーション\n大塚りつ子\nTEL 03-0000-0103\n\n2026年6月9日(火) 10:31 連携 <x@in.example>:\n> 退院です\n> 返信コード ABCDE-FGHJK",
    );
    assert_eq!((got.intent, got.body.as_deref()), (Intent::Acknowledgement, Some("了解")));
    assert_eq!(got.reply_code.as_deref(), Some(code().as_str()));
    // The subject repeats our own mark.
    assert_eq!((got.urgency, got.reply_expectation), (None, None));
    let got = answer(
        "Subject: Re: x",
        "了解\n\n大塚りつ子\nさくら訪問看護ステーション\nTEL 03-0000-0103\nFAX 03-0000-0104",
    );
    assert_eq!(got.intent, Intent::Acknowledgement);
    for more in ["了解 明日臨時訪問します", "先生了解 23:05 往診23:30", "了解しました。薬はどうしますか？"]
    {
        let got = answer("Subject: Re: x", more);
        assert_eq!((got.intent, got.body.as_deref()), (Intent::Reply, Some(more)));
    }
    assert_eq!(answer("Subject: Re: x", "折返しお電話ください。15時以降").intent, Intent::Callback);
    assert_eq!(answer("Subject: 了解しました", "").intent, Intent::Acknowledgement);
    assert_eq!(answer("Subject: Re: 了解しました", "").intent, Intent::Reply);
}

#[test]
fn the_night_fever() {
    let text = "[緊急] 22:40 体温38.9 SpO2 88% (酸素2L) 呼吸苦あり 意識清明。救急搬送は希望されず。先生へ電話済、往診依頼中";
    let got = read_from(None, "tsubaki02@in.example", "Subject: ", text);
    assert_eq!(
        (got.intent, got.urgency, got.body.as_deref()),
        (Intent::Topic, Some(Urgency::Emergency), Some(text))
    );
    let got = read_from(None, "tsubaki02@in.example", "Subject: 【至急・返信希望】発熱", "38度です");
    assert_eq!((got.urgency, got.reply_expectation), (Some(Urgency::Urgent), Some(ReplyExpectation::Reply)));
    assert_eq!(read_from(None, "g@in.example", "Subject: x", "転びそうでした").urgency, None);
}

#[test]
fn a_machine_never_acknowledges() {
    for headers in [
        "Auto-Submitted: auto-replied",
        "Precedence: bulk",
        "Subject: 自動応答: Re: x",
        "X-Auto-Response-Suppress: OOF",
        "Subject: 開封済み: x",
    ] {
        assert_eq!(answer(headers, "了解しました").intent, Intent::Automatic, "{headers}");
    }
    let null = read_from(Some(""), "reply+x@in.example", "Subject: Re: x", "了解しました");
    assert_eq!(null.intent, Intent::Automatic);
}

#[test]
fn names_and_birth_dates_as_written() {
    let got = read_from(
        None,
        "office@in.example",
        "Subject: トレーシングレポート",
        "山本千代様 生年月日 S13.4.12\nアムロジピン5mg 残14錠",
    );
    assert_eq!(got.patient.names[0].text, "山本千代");
    assert_eq!(got.patient.birth_date.as_deref(), Some("1938-04-12"));
}

#[test]
fn html_answers_of_the_usual_mailers() {
    let html = |body: &str| {
        let mail = format!(
            "From: a@b.example\nIn-Reply-To: <x@in.example>\nContent-Type: text/html; charset=utf-8\n\n<html><body>{body}</body></html>\n"
        );
        envelope(&parse_mail(mail.as_bytes()).unwrap(), &Origin::default(), &mut HashingSink).unwrap()
    };
    let gmail = html(
        "<div dir=\"ltr\">了解です</div><br><div class=\"gmail_quote\"><div>2026年6月9日(火) 10:31 連携 &lt;<a href=\"mailto:x@in.example\">x@in.example</a>&gt;:<br></div><blockquote>前の文<br>二行目</blockquote></div>",
    );
    assert_eq!((gmail.intent, gmail.body.as_deref()), (Intent::Acknowledgement, Some("了解です")));
    let outlook = html(
        "<div class=WordSection1><p class=MsoNormal>承知しました。<o:p></o:p></p><div style='border:none;border-top:solid #E1E1E1 1.0pt'><p class=MsoNormal><b>差出人:</b> 連携 &lt;x@in.example&gt;<br><b>送信日時:</b> 2026年6月9日 10:31<br><b>宛先:</b> a<br><b>件名:</b> 退院</p></div><p>前の文</p></div>",
    );
    assert_eq!((outlook.intent, outlook.body.as_deref()), (Intent::Acknowledgement, Some("承知しました。")));
    let iphone = html(
        "OKです<br><br><div>iPhoneから送信</div><div><br><blockquote type=\"cite\">2026/06/09 10:31、連携 &lt;x@in.example&gt;のメール:<br><br></blockquote></div><blockquote>前の文</blockquote>",
    );
    assert_eq!((iphone.intent, iphone.body.as_deref()), (Intent::Acknowledgement, Some("OKです")));
}

#[test]
fn answers_of_other_japanese_mailers() {
    for quoted in [
        "-----元のメッセージ-----\n差出人: x\n前の文",
        "----- Original Message -----\nFrom: x\n前の文",
        "On Tue, 9 Jun 2026 10:31:00 +0900\n連携 <x@in.example> wrote:\n\n> 前の文",
        "2026/06/09 10:31、連携 <x@in.example>のメール：\n\n> 前の文",
        "2026年6月9日(火) 10:31 連携ゲートウェイとても長い名前 <\nreply+abc@in.example>:\n\n> 前の文",
        "2026/06/09 10:31, 連携 wrote:\n> 前の文",
        "差出人： 連携\n送信日時： 2026年6月9日\n宛先： a\n件名： 退院\n\n前の文",
        "________________________________________\nFrom: 連携 <x@in.example>\nSent: Tuesday, June 9, 2026 10:31 AM\nTo: a\nSubject: 退院\n\n前の文",
        "＞前の文\n＞二行目",
        "連携さんからのメール (2026/06/09 10:31):\n> 前の文",
    ] {
        let got = answer("Subject: Re: x", &format!("承知いたしました。\n\n{quoted}"));
        assert_eq!(
            (got.intent, got.body.as_deref()),
            (Intent::Acknowledgement, Some("承知いたしました。")),
            "{quoted}"
        );
        assert!(got.quoted.is_some_and(|q| q.contains("前の文")), "{quoted}");
    }
}

#[test]
fn words_that_stand_only_in_the_html_are_found() {
    let mail = "From: a@ezweb.example\nContent-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain; charset=utf-8\n\n\n--b\nContent-Type: text/html; charset=utf-8\n\n<div>了解です</div>\n--b--\n";
    let got = envelope(&parse_mail(mail.as_bytes()).unwrap(), &Origin::default(), &mut HashingSink).unwrap();
    assert_eq!((got.intent, got.body.as_deref()), (Intent::Acknowledgement, Some("了解です")));
}

/// The missing pieces around mail-parser, each in a whole mail (docs: dependencies).
#[test]
fn what_a_parser_alone_reads_wrongly() {
    let read = |bytes: &[u8]| parse_mail(bytes).unwrap();
    let (sjis, _, _) = encoding_rs::SHIFT_JIS.encode("退院時サマリー①髙橋");
    let (euc, _, _) = encoding_rs::EUC_JP.encode("退院時サマリー");
    let mail = [
        b"From: a@b.example\nSubject: ".as_slice(),
        &sjis,
        b"\nContent-Type: text/plain; charset=CP932\n\n",
        &sjis,
    ]
    .concat();
    assert_eq!(
        (read(&mail).subject.as_deref(), read(&mail).text.as_str()),
        (Some("退院時サマリー①髙橋"), "退院時サマリー①髙橋")
    );
    for label in ["eucJP-ms", "CP51932", "x-euc-jp", "us-ascii", "iso-2022-jp", "nonsense"] {
        let mail =
            [format!("From: a@b.example\nContent-Type: text/plain; charset={label}\n\n").as_bytes(), &euc]
                .concat();
        assert_eq!(read(&mail).text, "退院時サマリー", "{label}");
    }
    let jis = b"From: \x1b$B;3ED\x1b(B <a@b.example>\nSubject: \x1b$BB`1!\x1b(B 1\nTo: \x1b$B;3ED\x1b(B, <c@d.example>\n\n\x1b$BB`1!\x1b(B\n";
    let mail = read(jis);
    assert_eq!(mail.from.as_ref().and_then(|f| f.name.as_deref()), Some("山田"));
    assert_eq!((mail.subject.as_deref(), mail.text.as_str(), mail.to.len()), (Some("退院 1"), "退院", 1));
    assert!(mail.warnings.iter().any(|w| w.code == "header_charset_guessed"));
    let named =
        [b"From: a@b.example\nContent-Type: application/pdf; name=\"".as_slice(), &sjis, b".pdf\"\n\nx"]
            .concat();
    assert_eq!(read(&named).parts[0].name.as_deref(), Some("退院時サマリー①髙橋.pdf"));
    assert_eq!(read("From: a@b.example\n\n\u{e63e}晴れ".as_bytes()).text, "〓晴れ");
}
