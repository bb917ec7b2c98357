//! Short answers, words to the network, marks of urgency, machines without headers and returned mails, as the people
//! and programs of home care write them: one table each. Invented; where a table says `Reply`, a person reads it.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use kakehashi_core::envelope::{Envelope, ReportOutcome};
use kakehashi_core::port::{HashingSink, Origin};
use kakehashi_core::vocabulary::{Intent, Urgency};
use kakehashi_email::read::{envelope, parse_mail};

const TEXT: &str = "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8";

fn read(headers: &str, text: &str) -> Envelope {
    let mail = format!("{headers}\n{TEXT}\n\n{text}\n");
    envelope(&parse_mail(mail.as_bytes()).unwrap(), &Origin::default(), &mut HashingSink).unwrap()
}

fn written(subject: &str, text: &str) -> Envelope {
    let thread = if subject.starts_with("Re:") { "In-Reply-To: <x@in.renkei.example.jp>\n" } else { "" };
    read(&format!("From: 大塚 <otsuka@sakura.example.jp>\n{thread}Subject: {subject}"), text)
}

fn faults(table: &[(&str, Intent)], read: impl Fn(&str) -> Envelope) -> Vec<String> {
    let wrong = |(text, want): &(&str, Intent)| {
        let got = read(text).intent;
        (got != *want).then(|| format!("{text:?}: {got:?}, not {want:?}"))
    };
    table.iter().filter_map(wrong).collect()
}

#[test]
fn what_is_only_an_acknowledgement() {
    use Intent::{Acknowledgement, Reply};
    let table = [
        ("了解です！！！", Acknowledgement),
        ("りょうかいですー🙆", Acknowledgement),
        ("承知ｼﾏｼﾀ", Acknowledgement),
        ("了解致しました｡", Acknowledgement),
        ("り", Reply),
        ("りょ！", Acknowledgement),
        ("おｋ", Acknowledgement),
        ("OKです👌✨", Acknowledgement),
        ("👍👍👍", Acknowledgement),
        ("👍 ありがとうございます", Acknowledgement),
        ("🙏", Reply),
        ("了解🫡", Acknowledgement),
        ("承知しました。（さくら訪問看護　大塚）", Acknowledgement),
        ("了解です。お疲れ様です。", Acknowledgement),
        ("かしこまりました。\n\n大塚拝", Acknowledgement),
        (
            "承知しました。お忙しい中ご連絡いただきありがとうございました。当日よろしくお願いいたします。",
            Acknowledgement,
        ),
        ("了解しました。では26日に。", Reply),
        ("はい、承知しました。ご家族にも伝えます。", Reply),
        ("了解しましたが10時は難しいです", Reply),
        ("りょうかいしました♪", Acknowledgement),
        ("了解しまさた", Reply),
        ("了解しましあ", Reply),
        ("了解しましたm(_ _)m", Acknowledgement),
        ("承知致しました(*^^*)", Acknowledgement),
        ("確認いたしました。問題ありません。", Reply),
        ("問題ありません。", Reply),
        ("確認させていただきました", Acknowledgement),
        ("拝見しました。ありがとうございます😊", Acknowledgement),
        ("了解しました。\n以上、よろしくお願いします。", Acknowledgement),
        ("了 解", Acknowledgement),
        ("了解　大塚", Acknowledgement),
        ("了解・大塚", Reply),
        ("Re: 了解", Reply),
        ("「了解」", Acknowledgement),
        ("【了解】", Acknowledgement),
        ("了解(大塚 代理 木下)", Reply),
        ("ok!", Acknowledgement),
        ("Okay, thank you.", Acknowledgement),
        ("Understood. Thank you very much.", Acknowledgement),
        ("了解いたしました。\n\n高梨 由美子（ケアプラン高梨）", Acknowledgement),
        ("先日はありがとうございました。変更の件、了解です。", Acknowledgement),
        ("わかりました。", Acknowledgement),
        ("分かりました。明日。", Reply),
        ("承りました。よろしくお願いいたします。", Acknowledgement),
        (
            "ご連絡ありがとうございます。\n上記の件、承知いたしました。\nどうぞよろしくお願い申し上げます。",
            Acknowledgement,
        ),
        ("了解です。寒くなりましたのでご自愛ください。", Reply),
        ("了解しました\n\n＿＿＿＿＿＿＿＿\n大塚りつ子", Acknowledgement),
        ("既読です", Reply),
        ("見ました！", Acknowledgement),
        ("ありがとうございます！確認しました！", Acknowledgement),
        ("承知です〜", Acknowledgement),
        ("了解ですっ", Acknowledgement),
        ("了解しました。私も行きます。", Reply),
        ("了解しました？", Reply),
        ("了解", Acknowledgement),
    ];
    let faults = faults(&table, |text| written("Re: つばき01 訪問時間", text));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn words_to_the_network() {
    use Intent::{Callback, LeaveGroup, Pause, Preference, Reply, SeeReceipts};
    let table = [
        ("折返し １５：００", Callback),
        ("折り返しお電話お願いします。090-0000-0000", Callback),
        ("折返し電話希望　午後３時以降", Callback),
        ("「折返し」", Callback),
        ("折返し\n\n--\n大塚 りつ子\nTEL 03-0000-0103", Callback),
        ("　休止　８／１２－８／１６　代理：木下　", Pause),
        ("休止 ８月１２日〜８月１６日\n代理　木下", Pause),
        ("「休止 8/12-8/16 代理:木下」", Pause),
        ("『状況』", SeeReceipts),
        ("状況？", SeeReceipts),
        ("状況を教えてください。", SeeReceipts),
        ("状 況", SeeReceipts),
        ("担当終了\n\n━━━━━━\nさくら訪問看護ステーション\n大塚 りつ子\nTEL 03-0000-0103\n━━━━━━", LeaveGroup),
        ("担当終了です。よろしくお願いします。", LeaveGroup),
        ("担当終了しました。ありがとうございました", Reply),
        ("設定　まとめ便　８：４５　１５：３０", Preference),
        ("設定 緊急だけ即時", Preference),
        ("設定：夜間不可", Preference),
        ("休止になりました", Reply),
        ("デイを休止 8/12-8/16", Reply),
        ("状況に変わりありません", Reply),
        ("状況報告です。熱は下がりました。", Reply),
        ("折返し電話しました。留守でした。", Reply),
        ("再開", Pause),
        ("休止\n8/12〜8/16\n代理は木下", Pause),
        ("休 止 8/12-8/16", Pause),
        (
            "お世話になっております。さくら訪問看護の大塚です。\n状況を教えてください。\nよろしくお願いいたします。",
            SeeReceipts,
        ),
        ("設定変更 休み時間帯 ２０：００〜７：３０", Preference),
        ("電話ください", Callback),
        ("至急電話ください", Callback),
        ("> 折返し", Reply),
    ];
    let faults = faults(&table, |text| written("Re: つばき01 訪問時間", text));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn what_of_an_answer_is_the_writer_s() {
    let table = [
        (
            "了解しました。\n\n━━━━━━━━━━━━━━━━━━\n医療法人社団 桜美会\nさくら訪問看護ステーション\n看護師　大塚 りつ子\n〒154-0000 桜美市1-2-3\nTEL：03-0000-0103\nFAX：03-0000-0104\nMail：otsuka@sakura.example.jp\n━━━━━━━━━━━━━━━━━━\n\n2026年11月24日(火) 10:12 つばき連携 <office@in.renkei.example.jp>:\n\n> 26日の訪問を10時へ変更します。\n> よろしくお願いします。",
            "了解しました。",
        ),
        (
            "了解しました。\n\n> 26日の訪問を10時へ変更します。\n> よろしくお願いします。\n\n--\n大塚 りつ子\nさくら訪問看護ステーション\nTEL 03-0000-0103",
            "了解しました。",
        ),
        (
            "On Tue, 24 Nov 2026 10:12:33 +0900\nつばき連携 <office@in.renkei.example.jp> wrote:\n\n> 26日の訪問を10時へ変更します。\n> \n\n了解です。\n\n---\n大塚 りつ子 <otsuka@sakura.example.jp>\n",
            "了解です。",
        ),
        (
            "承知いたしました。\n\nOn 2026/11/24 10:12, つばき連携 wrote:\n> 変更します。\n>\n> -- \n> つばき連携事務局\n> 03-0000-0100",
            "承知いたしました。",
        ),
        (
            "伺います。\n\n\n----- Original Message -----\nFrom: \"つばき連携\" <office@in.renkei.example.jp>\nTo: \"otsuka\" <otsuka@yahoo.example.jp>\nDate: 2026/11/24 火 10:12\nSubject: つばき01 訪問時間\n\n>26日の訪問",
            "伺います。",
        ),
        (
            "わかりました\n\n2026年11月24日(火) 10:12 つばき連携 <office@in.renkei.example.jp>:\n\n> 26日の訪問\n>",
            "わかりました",
        ),
        (
            "> 2026/11/24 10:12、つばき連携 <office@in.renkei.example.jp>のメール：\n> \n> 10時でいいですか？\n\nはい、10時でお願いします\n\niPhoneから送信",
            "はい、10時でお願いします",
        ),
        (
            "＞26日は10時でよいですか\nはい。\n＞鍵はありますか\n隣に預けます。",
            "＞26日は10時でよいですか\nはい。\n＞鍵はありますか\n隣に預けます。",
        ),
        (
            "出席します。\n\n----- 元のメール -----\n差出人：つばき連携 <office@in.renkei.example.jp>\n宛先：takanashi@cm.example.jp\n送信日時：2026年11月24日 10:12\n件名：担当者会議\n\n12月2日16時から行います。",
            "出席します。",
        ),
        (
            "高梨です。\n出席します。\n\n(2026/11/24 10:12), つばき連携 さんは書きました:\n> 12月2日16時から",
            "高梨です。\n出席します。",
        ),
        (
            "了解です。\n\n\"つばき連携\" <office@in.renkei.example.jp> wrote:\n> 12月2日16時から",
            "了解です。",
        ),
        (
            "OK\n\nSent from my iPhone\n\n> On Nov 24, 2026, at 10:12 AM, つばき連携 <office@in.renkei.example.jp> wrote:\n> \n> ﻿26日",
            "OK",
        ),
        (
            "承知しました。\n\niOS 用 Outlook を取得<https://aka.ms/o0ukef>\n________________________________\n差出人: つばき連携 <office@in.renkei.example.jp>\n送信日時: 火曜日, 11月 24, 2026 10:12 午前\n宛先: 大塚 <otsuka@sakura.example.jp>\n件名: つばき01\n\n変更",
            "承知しました。",
        ),
        (
            "出席いたします。\n\nOn Tue, Nov 24, 2026 at 10:12 AM つばき連携事務局（桜美医師会） <\noffice@in.renkei.example.jp> wrote:\n\n> 出欠を",
            "出席いたします。",
        ),
        (
            "了解しました。\n\n*****************************\nひなた訪問看護\n大塚\nTEL 03-0000-0103\nhttps://hinata.example.jp\n*****************************\n★看護師募集中です！★",
            "了解しました。",
        ),
        (
            "了解しました。\n\n--\n大塚\n※このメールに心当たりがない場合は、お手数ですが削除をお願いいたします。",
            "了解しました。",
        ),
        (
            "承知しました。\n\nさくら訪問看護ステーション\n大塚 りつ子\nTEL 03-0000-0103\n\nSent from Outlook for iOS",
            "承知しました。",
        ),
        (
            "りょうかいです。ありがとうございます。\n\n-----Original Message-----\nFrom:つばき連携\nTo:kaigo@docomo.example\nSent:2026/11/24 10:12\nSub:訪問時間\n\n26日",
            "りょうかいです。ありがとうございます。",
        ),
        (
            "了解です\n\n送信元: Windows 10 版のメール\n\n差出人: つばき連携\n送信日時: 2026年11月24日 10:12\n宛先: 大塚\n件名: つばき01\n\n変更",
            "了解です",
        ),
        ("①14時\n②7日分\n③浮腫なし", "①14時\n②7日分\n③浮腫なし"),
        ("ありがとうございます。", "ありがとうございます。"),
    ];
    for (text, body) in table {
        assert_eq!(written("Re: つばき01 訪問時間", text).body.as_deref(), Some(body), "{text}");
    }
}

#[test]
fn marks_of_urgency() {
    use Urgency::{Emergency, Urgent};
    let table = [
        ("", "【至急】発熱38.5℃", Some(Urgent)),
        ("【緊急】転倒", "頭部打撲あり", Some(Emergency)),
        ("［至急］", "x", Some(Urgent)),
        ("つばき01 至急", "x", None),
        ("≪至急≫ 退院", "x", Some(Urgent)),
        ("＜緊急＞", "意識なし", Some(Emergency)),
        ("★至急★退院", "x", Some(Urgent)),
        ("《緊急》転倒", "x", Some(Emergency)),
        ("【重要】", "x", None),
        ("（至急）", "x", Some(Urgent)),
        ("【大至急】", "x", Some(Urgent)),
        ("Re: 【緊急】", "落ち着きました", None),
        ("【つばき01・緊急】転倒", "x", Some(Emergency)),
        ("[URGENT] fever", "x", Some(Urgent)),
        ("【緊急】", "", Some(Emergency)),
        ("訪問", "お世話になります。\n【至急】発熱です", None),
        ("〔至急〕", "x", Some(Urgent)),
        ("『至急』", "x", Some(Urgent)),
        ("緊急：転倒", "x", None),
        ("※至急※ 発熱", "x", Some(Urgent)),
        ("！至急！", "x", Some(Urgent)),
        ("【緊急連絡先】", "変更です", None),
        ("【緊急連絡】", "変更です", Some(Emergency)),
        ("【至急！】", "x", Some(Urgent)),
        ("【至急お願いします】", "x", None),
        ("🚨緊急🚨 転倒", "x", None),
    ];
    for (subject, text, urgency) in table {
        assert_eq!(written(subject, text).urgency, urgency, "{subject} {text}");
    }
}

#[test]
fn machines_without_headers() {
    use Intent::{Automatic, Reply, Topic};
    let table = [
        (
            "Re: つばき01",
            "メールありがとうございます。\n本日は終日外出しておりますので、ご返信は明日以降となります。",
            Reply,
        ),
        ("不在のお知らせ：Re: つばき01", "現在、出張のため不在にしております。", Automatic),
        (
            "Re: つばき01",
            "ただいま育児休業中です。お急ぎの方は代表番号(03-0000-0103)までお願いいたします。\n※このメールは自動で返信しております。",
            Automatic,
        ),
        (
            "【自動返信】お問い合わせありがとうございます",
            "お問い合わせを受け付けました。担当者よりご連絡いたします。",
            Automatic,
        ),
        (
            "Re: つばき01",
            "大塚は11月30日をもちまして退職いたしました。今後のご連絡は森下(morishita@sakura.example.jp)までお願いいたします。\nこのメールは自動応答です。",
            Automatic,
        ),
        ("Automatic reply: つばき01", "I am out of office.", Automatic),
        ("休業のお知らせ（自動返信）", "年末年始の休業", Automatic),
        (
            "Re: つばき01",
            "お世話になっております。\n誠に勝手ながら12月29日〜1月3日まで年末年始休業とさせていただきます。\n休業期間中にいただいたお問い合わせは、1月4日以降に順次対応いたします。",
            Automatic,
        ),
        (
            "Re: つばき01",
            "このたびはメールをお送りいただきありがとうございます。\nこのメールアドレスは送信専用のため、ご返信いただけません。",
            Automatic,
        ),
        ("Re: つばき01", "本日お休みをいただいています。急ぎは森下へ。26日の件は了解です。", Reply),
        (
            "メールを受信しました",
            "あなたのメールは受信されました。\n（このメールは機械的に送信しています）",
            Automatic,
        ),
        (
            "開封済み: つばき01",
            "次の宛先へのメッセージ\n\n   宛先: 大塚\n   件名: つばき01\n\nは 2026/11/24 10:20 に開封されました。",
            Automatic,
        ),
        (
            "Read: つばき01",
            "Your message\n\n To: otsuka\n Subject: つばき01\n\nwas read on Tuesday",
            Automatic,
        ),
        (
            "既読: つばき01",
            "メッセージ\n\n宛先: 大塚\n件名: つばき01\n\nは、2026年11月24日 10:20 に既読になりました。",
            Automatic,
        ),
        (
            "未読のまま削除されました: つばき01",
            "メッセージは 2026/11/24 に未開封のまま削除されました。",
            Automatic,
        ),
        (
            "受信確認（表示） - つばき01",
            "これは、あなたが次の宛先に送信したメールの受信確認です。",
            Automatic,
        ),
        (
            "開封確認 (Return Receipt) (displayed) - つばき01",
            "これは次の宛先に送信されたメールの開封確認です。\n注意：この開封確認は、受信者のコンピューターにメールが表示されたことのみを示します。",
            Automatic,
        ),
        ("Re: つばき01", "【自動応答】メールを受け取りました。休み明けに返信します。", Automatic),
        ("不在通知", "12/1まで不在", Automatic),
        (
            "容量オーバーのお知らせ",
            "メールボックスの使用量が90%を超えました。このメールはシステムより自動送信しています。",
            Automatic,
        ),
        (
            "迷惑メール隔離通知",
            "以下のメールを隔離しました。心当たりのある場合は解除してください。\n（本通知は自動的に送信されております）",
            Automatic,
        ),
        ("Re: つばき01", "[自動転送] 了解しました", Reply),
        ("【夏季休暇のお知らせ】", "8月11日〜15日は事業所を休業いたします。緊急の場合は携帯へ。", Topic),
    ];
    for (subject, text, intent) in table {
        assert_eq!(written(subject, text).intent, intent, "{subject} {text}");
    }
}

#[test]
fn returned_mails_of_many_servers() {
    use ReportOutcome::{Delayed, Failed};
    let table = [
        (
            "MAILER-DAEMON@docomo.example",
            "Undelivered Mail Returned to Sender",
            "次のあて先へのメッセージはエラーのため送信できませんでした。\n\n<kaigo@docomo.example>: host mfsmax.docomo.example[203.0.113.1] said: 550 Unknown user kaigo@docomo.example (in reply to RCPT TO command)",
            "kaigo@docomo.example",
            Failed,
        ),
        (
            "Mail Administrator <Postmaster@ezweb.example>",
            "Mail System Error - Returned Mail",
            "This Message was undeliverable due to the following reason:\n\nThe user(s) account is disabled.\n<kaigo@ezweb.example>\n\nPlease reply to Postmaster@ezweb.example",
            "kaigo@ezweb.example",
            Failed,
        ),
        (
            "MAILER-DAEMON@softbank.example",
            "Delivery Notification",
            "Your message could not be delivered to:\n kaigo@softbank.example\nReason: 550 Invalid recipient: <kaigo@softbank.example>",
            "kaigo@softbank.example",
            Failed,
        ),
        (
            "Mail Delivery System <Mailer-Daemon@mx.example>",
            "Mail delivery failed: returning message to sender",
            "This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n  otsuka@sakura.example.jp\n    host mx.sakura.example.jp [203.0.113.5]\n    SMTP error from remote mail server after RCPT TO:<otsuka@sakura.example.jp>:\n    550 5.1.1 User unknown",
            "otsuka@sakura.example.jp",
            Failed,
        ),
        (
            "MAILER-DAEMON@q.example",
            "failure notice",
            "Hi. This is the qmail-send program at q.example.\nI'm afraid I wasn't able to deliver your message to the following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n<otsuka@q.example>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n--- Below this line is a copy of the message.\n\nReturn-Path: <bounce+01j@in.renkei.example.jp>\nMessage-ID: <abc@in.renkei.example.jp>\n",
            "otsuka@q.example",
            Failed,
        ),
        (
            "Microsoft Outlook <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@hosp.example>",
            "配信不能: つばき01",
            "次の受信者またはグループへの配信に失敗しました:\n\nfujii@hosp.example (fujii@hosp.example)\n入力した電子メール アドレスは見つかりませんでした。受信者の電子メール アドレスを確認し、もう一度メッセージを送信してください。\n\n\n\n\n\n管理者向けの診断情報:\n\n生成サーバー: EX01.hosp.example\n\nfujii@hosp.example\n#550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup ##",
            "fujii@hosp.example",
            Failed,
        ),
        (
            "Mail Delivery Subsystem <mailer-daemon@googlemail.example>",
            "Delivery Status Notification (Failure)",
            "** アドレスが見つかりません **\n\notsuka@gmail.example に配信されませんでした。アドレスが見つからないか、メールを受信できません。\n\n詳細はこちら: https://support.example/?p=NoSuchUser\n\n応答:\n550 5.1.1 The email account that you tried to reach does not exist.",
            "otsuka@gmail.example",
            Failed,
        ),
        (
            "Mail Delivery Subsystem <mailer-daemon@googlemail.example>",
            "Delivery Status Notification (Delay)",
            "** メールの配信が遅れています **\n\nメールを otsuka@sakura.example.jp に配信する際に一時的な問題が発生しました。Gmail ではあと 45 時間再試行し、失敗した場合は通知します。",
            "otsuka@sakura.example.jp",
            Delayed,
        ),
        (
            "MAILER-DAEMON@mx.example",
            "Delayed Mail (still being retried)",
            "This is the mail system at host mx.example.\n\n####################################################################\n# THIS IS A WARNING ONLY.  YOU DO NOT NEED TO RESEND YOUR MESSAGE. #\n####################################################################\n\nYour message could not be delivered for more than 4 hour(s).\nIt will be retried until it is 5 day(s) old.\n\n<otsuka@sakura.example.jp>: connect to mx: Connection timed out",
            "otsuka@sakura.example.jp",
            Delayed,
        ),
        (
            "MAILER-DAEMON@mx.example",
            "Undelivered Mail Returned to Sender",
            "<otsuka@sakura.example.jp>: host mx said: 552 5.2.2 Mailbox full (in reply to end of DATA command)",
            "otsuka@sakura.example.jp",
            Failed,
        ),
        (
            "postmaster@i.softbank.example",
            "送信エラー",
            "以下のあて先にメールを送信できませんでした。\n宛先: kaigo@i.softbank.example\n理由: 宛先不明",
            "kaigo@i.softbank.example",
            Failed,
        ),
        (
            "postmaster@cybozu.example",
            "Undeliverable: つばき01",
            "The following recipient cannot be reached:\n\n  takanashi@cm.example.jp\n",
            "takanashi@cm.example.jp",
            Failed,
        ),
        (
            "mail-daemon@docomo.example",
            "メール送信エラー通知",
            "下記の宛先へのメールは、受信側の設定（指定受信/拒否設定）により送信できませんでした。\n\nkaigo@docomo.example",
            "kaigo@docomo.example",
            Failed,
        ),
        (
            "Mail Delivery Service <maildelivery@ocn.example>",
            "Delivery Status Notification (Mail Delivery Failed)",
            "宛先に指定されたメールアドレスへの配信ができませんでした。\n<x@ocn.example>",
            "x@ocn.example",
            Failed,
        ),
    ];
    for (from, subject, text, recipient, outcome) in table {
        let got = read(
            &format!(
                "Return-Path: <>\nFrom: {from}\nTo: <bounce+01j@in.renkei.example.jp>\nSubject: {subject}"
            ),
            text,
        );
        let report = got.report.unwrap_or_else(|| panic!("{subject}"));
        assert_eq!(got.intent, Intent::DeliveryReport, "{subject}");
        assert_eq!((report.recipient.as_deref(), report.outcome), (Some(recipient), outcome), "{subject}");
    }
    let told = written("Re: つばき01", "先ほどのメールが届きませんでした。もう一度お願いします。");
    assert_eq!((told.intent, told.report), (Intent::Reply, None));
}

#[test]
fn a_footer_below_base64_is_no_part_of_it() {
    let mail = "From: a@b.example\nIn-Reply-To: <x@in.renkei.example.jp>\nMIME-Version: 1.0\n\
        Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n\
        5LqG6Kej44GX44G+44GX44Gf\n\n-- \n広告 無料のメール https://mail.example/\n";
    let got = envelope(&parse_mail(mail.as_bytes()).unwrap(), &Origin::default(), &mut HashingSink).unwrap();
    assert_eq!((got.intent, got.body.as_deref()), (Intent::Acknowledgement, Some("了解しました")));
    assert_eq!(got.signature.as_deref(), Some("--\n広告 無料のメール https://mail.example/"));
}
