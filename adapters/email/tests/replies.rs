//! Replies as the mail programs and people of a home-care network write them: what is kept, what the whole
//! mail means. Written for this project; every person, number and address is invented. Lines are few so that
//! a fault shows at once; a failing case prints all three parts.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use kakehashi_core::envelope::Envelope;
use kakehashi_core::port::{HashingSink, Origin};
use kakehashi_core::vocabulary::Intent;
use kakehashi_email::read::{envelope, parse_mail};

fn read(headers: &str, body: &str) -> Envelope {
    let mail = format!(
        "From: 大塚 <otsuka@sakura.example.jp>\nTo: reply@in.renkei.example.jp\nMessage-ID: <1@sakura.example.jp>\n\
         MIME-Version: 1.0\n{headers}\n\n{body}\n"
    );
    envelope(&parse_mail(mail.as_bytes()).unwrap(), &Origin::default(), &mut HashingSink).unwrap()
}

const REPLY: &str = "Subject: Re: つばき01 訪問時間\nIn-Reply-To: <x@in.renkei.example.jp>\nContent-Type: text/plain; charset=utf-8";
const HTML: &str = "Subject: Re: つばき01 訪問時間\nIn-Reply-To: <x@in.renkei.example.jp>\nContent-Type: text/html; charset=utf-8";

struct Case {
    name: &'static str,
    headers: &'static str,
    written: &'static str,
    body: &'static str,
    intent: Intent,
}

const fn plain(name: &'static str, written: &'static str, body: &'static str, intent: Intent) -> Case {
    Case { name, headers: REPLY, written, body, intent }
}

const fn html(name: &'static str, written: &'static str, body: &'static str, intent: Intent) -> Case {
    Case { name, headers: HTML, written, body, intent }
}

use Intent::{Acknowledgement as Ack, Automatic, Callback, Reply};

const CASES: &[Case] = &[
    plain(
        "outlook, heading without rule, four fields",
        "木下です。\n26日は14時以降なら伺えます。\n\n差出人: つばき連携 <office@in.renkei.example.jp>\n送信日時: 2026年11月24日火曜日 10:12\n宛先: 'ケアプラン高梨' <takanashi@cm.example.jp>\nCC: otsuka@sakura.example.jp\n件名: 【了解希望】つばき01 訪問時間\n\n11月26日の訪問を10時へ変更します。",
        "木下です。\n26日は14時以降なら伺えます。",
        Reply,
    ),
    plain(
        "new outlook for windows",
        "承知しました。\n\nさくら訪問看護ステーション\n大塚\n\n________________________________\n差出人: つばき連携 <office@in.renkei.example.jp>\n送信日時: 2026年11月24日 10:12\n宛先: 大塚 <otsuka@sakura.example.jp>\n件名: つばき01\n\n変更します。",
        "承知しました。",
        Ack,
    ),
    plain(
        "outlook for ios",
        "確認しました。薬は7日分残っています。\n\nOutlook for iOS を入手<https://aka.ms/o0ukef>\n________________________________\nFrom: つばき連携 <office@in.renkei.example.jp>\nSent: Tuesday, November 24, 2026 10:12:00 AM\nTo: 大塚 <otsuka@sakura.example.jp>\nSubject: つばき01\n\n残薬を教えてください。",
        "確認しました。薬は7日分残っています。",
        Reply,
    ),
    plain(
        "outlook for android",
        "了解です\n\nAndroid 版 Outlook を入手<https://aka.ms/AAb9ysg>\n________________________________\nFrom: つばき連携 <office@in.renkei.example.jp>\nSent: Tuesday, November 24, 2026 10:12:00 AM\nTo: 大塚 <otsuka@sakura.example.jp>\nSubject: つばき01\n\n変更します。",
        "了解です",
        Ack,
    ),
    plain(
        "gmail ja wraps the address",
        "金曜の15時でお願いします。\n\n2026年11月24日(火) 10:12 つばき連携事務局（桜美医師会） <\nreply+abcde12345@in.renkei.example.jp>:\n\n> ご都合はいかがですか。\n> \n> --\n> つばき連携事務局\n",
        "金曜の15時でお願いします。",
        Reply,
    ),
    plain(
        "gmail ja with am/pm",
        "了解しました。\n\n2026年11月24日(火) 午前10:12 つばき連携 <office@in.renkei.example.jp>:\n> 変更します。\n",
        "了解しました。",
        Ack,
    ),
    plain(
        "gmail app below the quote",
        "2026年11月24日(火) 10:12 つばき連携 <office@in.renkei.example.jp>:\n> 10時でよいですか。\n\n10時で結構です。",
        "10時で結構です。",
        Reply,
    ),
    plain(
        "iphone ja, weekday and comma",
        "夕方に電話します。\n\niPhoneから送信\n\n> 2026/11/24 10:12、つばき連携 <office@in.renkei.example.jp>のメール：\n> \n> ﻿お電話ください。\n",
        "夕方に電話します。",
        Reply,
    ),
    plain(
        "iphone, new attribution",
        "わかりました！\n\niPhoneから送信\n\n2026/11/24 10:12、つばき連携 <office@in.renkei.example.jp>のメール：\n\n﻿変更します。\n",
        "わかりました！",
        Ack,
    ),
    plain(
        "apple mail with year words",
        "明日の朝、体重を測ります。\n\n> 2026年11月24日 10:12、つばき連携 <office@in.renkei.example.jp>のメール:\n> \n> 浮腫はどうですか。\n",
        "明日の朝、体重を測ります。",
        Reply,
    ),
    plain(
        "apple mail english",
        "Will do.\n\nOn Nov 24, 2026, at 10:12, Tsubaki <office@in.renkei.example.jp> wrote:\n\nplease\n",
        "Will do.",
        Reply,
    ),
    plain(
        "thunderbird, answers between",
        "On 2026/11/24 10:12, つばき連携 wrote:\n> 1) 26日は何時がよいですか。\n14時です。\n\n> 2) 残薬はありますか。\nありません。\n\n> よろしくお願いします。\n",
        "On 2026/11/24 10:12, つばき連携 wrote:\n> 1) 26日は何時がよいですか。\n14時です。\n\n> 2) 残薬はありますか。\nありません。",
        Reply,
    ),
    plain(
        "thunderbird ja",
        "了解\n\nOn 2026年11月24日 10:12, つばき連携 wrote:\n> 変更します。\n",
        "了解",
        Ack,
    ),
    plain(
        "yahoo mail ja app",
        "承知いたしました。よろしくお願いいたします。\n\nYahoo!メール - どこからでもアクセス\n\n2026年11月24日(火) 10:12、つばき連携 <office@in.renkei.example.jp> のメール:\n\n変更します。\n",
        "承知いたしました。よろしくお願いいたします。",
        Ack,
    ),
    plain(
        "yahoo web",
        "27日に変更できますか。\n\n----- Original Message -----\nFrom: つばき連携 <office@in.renkei.example.jp>\nTo: otsuka@sakura.example.jp\nDate: 2026/11/24 火 10:12\nSubject: つばき01\n\n変更します。\n",
        "27日に変更できますか。",
        Reply,
    ),
    plain(
        "docomo",
        "はい、了解です😊\n\n-----元のメッセージ-----\n差出人: つばき連携\n送信日時: 2026/11/24 (火) 10:12\n宛先: kaigo..musume.@docomo.example\n件名: つばき01\n\n変更します。",
        "はい、了解です😊",
        Ack,
    ),
    plain(
        "docomo, plain marks",
        "母は今朝も食べませんでした。\n\n> -----Original Message-----\n> From: つばき連携\n> 食事はどうですか。",
        "母は今朝も食べませんでした。",
        Reply,
    ),
    plain(
        "au",
        "了解しました(^-^)/\n---元のメール---\nFrom:つばき連携\nDate:2026/11/24 10:12\nSub:つばき01\n\n変更します。",
        "了解しました(^-^)/",
        Ack,
    ),
    plain(
        "softbank",
        "鍵は隣の家です\n\n[元のメール]\nFrom: office@in.renkei.example.jp\n10時に行きます。",
        "鍵は隣の家です",
        Reply,
    ),
    plain(
        "becky",
        "大塚です。\n\nOn Tue, 24 Nov 2026 10:12:00 +0900\nつばき連携 <office@in.renkei.example.jp> wrote:\n\n> 26日10時でよいですか。\n\nはい、お願いします。鍵を忘れずに。\n\n> 浮腫は？\n\n軽いです。\n\n----------------------\nさくら訪問看護ステーション\n 大塚 りつ子\n mailto:otsuka@sakura.example.jp\n----------------------\n",
        "大塚です。\n\nOn Tue, 24 Nov 2026 10:12:00 +0900\nつばき連携 <office@in.renkei.example.jp> wrote:\n\n> 26日10時でよいですか。\n\nはい、お願いします。鍵を忘れずに。\n\n> 浮腫は？\n\n軽いです。",
        Reply,
    ),
    plain(
        "becky, one answer below",
        "On Tue, 24 Nov 2026 10:12:00 +0900\nつばき連携 <office@in.renkei.example.jp> wrote:\n\n> 26日10時でよいですか。\n\n10時でお願いします。\n",
        "10時でお願いします。",
        Reply,
    ),
    plain(
        "garoon",
        "高梨です。出席します。\n\n-------- 元のメッセージ --------\n件名: 担当者会議\n差出人: つばき連携 <office@in.renkei.example.jp>\n日時: 2026/11/24 10:12\n宛先: takanashi@cm.example.jp\n\n出欠をお知らせください。",
        "高梨です。出席します。",
        Reply,
    ),
    plain(
        "cybozu",
        "出席いたします。\n\n \"つばき連携\" <office@in.renkei.example.jp> さん:\n> 出欠をお知らせください。\n",
        "出席いたします。",
        Reply,
    ),
    plain(
        "shuriken",
        "了解致しました。\n\n 11月24日 10:12 つばき連携さんは書きました。\n> 変更します。\n",
        "了解致しました。",
        Ack,
    ),
    plain(
        "hidemaru names the writer",
        "つばき連携 さん、こんにちは。大塚です。\n\n火曜日に変更してください。\n\n> ご都合は？\n",
        "つばき連携 さん、こんにちは。大塚です。\n\n火曜日に変更してください。",
        Reply,
    ),
    plain(
        "full signature, wide rule of ＊",
        "お世話になっております。\nあおぞら薬局の三浦です。\n\n残薬は10日分です。\n\n＊＊＊＊＊＊＊＊＊＊＊＊＊＊＊＊＊＊＊＊\nあおぞら薬局\n管理薬剤師　三浦 健\n〒154-0000 桜美市一丁目2-3\nTEL：03-0000-0105\nFAX：03-0000-0106\n＊＊＊＊＊＊＊＊＊＊＊＊＊＊＊＊＊＊＊＊\n",
        "お世話になっております。\nあおぞら薬局の三浦です。\n\n残薬は10日分です。",
        Reply,
    ),
    plain(
        "signature of decorated rules",
        "承知しました。\n\n☆..:*･ﾟ☆..:*･ﾟ☆..:*･ﾟ☆\n桜美ヘルパーステーション\n田村 洋子\n☎03-0000-0110\n☆..:*･ﾟ☆..:*･ﾟ☆..:*･ﾟ☆",
        "承知しました。",
        Ack,
    ),
    plain(
        "signature in a drawn box",
        "了解です。\n\n┏━━━━━━━━━━━━━┓\n　若葉在宅クリニック\n　佐伯 直人\n　tel 03-0000-0102\n┗━━━━━━━━━━━━━┛",
        "了解です。",
        Ack,
    ),
    plain(
        "signature of equals and name only",
        "明日確認します。\n\n==========\n三浦\n==========",
        "明日確認します。",
        Reply,
    ),
    plain(
        "facility and job title without rule",
        "参加します。\n\n社会福祉法人 桜美会\n地域包括支援センター\n主任介護支援専門員 渡部 恵子\n電話 03-0000-0120",
        "参加します。",
        Reply,
    ),
    plain(
        "confidentiality below signature",
        "承知いたしました。\n\n--\n桜美中央病院 地域連携室\n藤井 貴\n内線 2345\n\n【機密保持】このメールには個人情報が含まれている場合があります。お心当たりのない場合は直ちに破棄し、内容の開示・複写はご遠慮ください。",
        "承知いたしました。",
        Ack,
    ),
    plain(
        "english confidentiality",
        "了解しました。\n\nCONFIDENTIALITY NOTICE: This e-mail message is for the sole use of the intended recipient(s). Any unauthorized review, use, disclosure or distribution is prohibited. If you are not the intended recipient, please destroy all copies.\n",
        "了解しました。",
        Ack,
    ),
    plain(
        "with names above and below",
        "つばき連携事務局　御中\n渡部様\n\nいつもお世話になっております。\nさくら訪問看護ステーションの大塚です。\n\nご連絡ありがとうございます。\n承知いたしました。\n何卒よろしくお願い申し上げます。\n\n大塚",
        "つばき連携事務局　御中\n渡部様\n\nいつもお世話になっております。\nさくら訪問看護ステーションの大塚です。\n\nご連絡ありがとうございます。\n承知いたしました。\n何卒よろしくお願い申し上げます。\n\n大塚",
        Ack,
    ),
    plain("ok letters", "OKです！", "OKです！", Ack),
    plain("roger emoji", "了解です🫡", "了解です🫡", Ack),
    plain("thumb alone", "👍🏻", "👍🏻", Ack),
    plain("ryo", "りょ", "りょ", Ack),
    plain("rare name of the sender", "了解しました\n\n大塚 りつ子", "了解しました\n\n大塚 りつ子", Ack),
    plain("rare name of somebody else", "了解しました\n\n喜屋武", "了解しました\n\n喜屋武", Reply),
    plain(
        "sure, with content kept",
        "了解です。ただ、26日は休みです。",
        "了解です。ただ、26日は休みです。",
        Reply,
    ),
    plain("question is none", "了解しましたでしょうか", "了解しましたでしょうか", Reply),
    plain("not yet", "まだ了解できていません", "まだ了解できていません", Reply),
    plain("negated", "承知しておりません", "承知しておりません", Reply),
    plain("conditional", "10時なら了解です", "10時なら了解です", Reply),
    plain("third person", "先生が了解しました", "先生が了解しました", Reply),
    plain(
        "outlook, answered below its heading",
        "-----Original Message-----\nFrom: 連携 <a@in.example>\nSent: Tuesday, November 24, 2026 10:00 AM\nTo: 大塚\nSubject: つばき01\n\n10時でよいですか。\n\n→はい、10時でお願いします。大塚",
        "-----Original Message-----\nFrom: 連携 <a@in.example>\nSent: Tuesday, November 24, 2026 10:00 AM\nTo: 大塚\nSubject: つばき01\n\n10時でよいですか。\n\n→はい、10時でお願いします。大塚",
        Reply,
    ),
    plain(
        "outlook, answered inside in blue",
        "下に青字で書きます。\n\n-----Original Message-----\nFrom: 連携 <a@in.example>\nSent: Tuesday, November 24, 2026 10:00 AM\nTo: 大塚\nSubject: つばき01\n\n1. 時間は？\n【大塚】10時で\n2. 残薬は？\n【大塚】なし",
        "下に青字で書きます。\n\n-----Original Message-----\nFrom: 連携 <a@in.example>\nSent: Tuesday, November 24, 2026 10:00 AM\nTo: 大塚\nSubject: つばき01\n\n1. 時間は？\n【大塚】10時で\n2. 残薬は？\n【大塚】なし",
        Reply,
    ),
    plain(
        "a list marked like a quote",
        "以下の通りです。\n> 26日は休み\n> 27日は14時から\nご確認ください。",
        "以下の通りです。\n> 26日は休み\n> 27日は14時から\nご確認ください。",
        Reply,
    ),
    plain(
        "an answer typed behind the mark",
        "> 26日10時でよいですか\n>はい、大丈夫です",
        "> 26日10時でよいですか\n>はい、大丈夫です",
        Reply,
    ),
    plain(
        "figures between rules",
        "本日の様子\n==========\n体温 37.2\n血圧 120/80\n==========\nよろしくお願いします",
        "本日の様子\n==========\n体温 37.2\n血圧 120/80\n==========\nよろしくお願いします",
        Reply,
    ),
    plain(
        "a rule of two dashes in the text",
        "時間は以下です\n--\n10時\n14時",
        "時間は以下です\n--\n10時\n14時",
        Reply,
    ),
    plain(
        "numbers of the family",
        "緊急連絡先をお送りします。\n\n長男 山本一郎\n携帯 090-0000-0001\n\n長女 山本恵\n携帯 090-0000-0002",
        "緊急連絡先をお送りします。\n\n長男 山本一郎\n携帯 090-0000-0001\n\n長女 山本恵\n携帯 090-0000-0002",
        Reply,
    ),
    plain(
        "a new address",
        "転居先です。\n\n〒154-0000\n桜美市二丁目1-1\n電話 03-0000-0190",
        "転居先です。\n\n〒154-0000\n桜美市二丁目1-1\n電話 03-0000-0190",
        Reply,
    ),
    plain(
        "a sentence like an attribution",
        "お世話になります。\n今日の記録は木下さんが書きました\n明日もお願いします",
        "お世話になります。\n今日の記録は木下さんが書きました\n明日もお願いします",
        Reply,
    ),
    plain(
        "figures of a day",
        "血圧\n朝 130/80\n夕 142/88\n\n体温\n36.5",
        "血圧\n朝 130/80\n夕 142/88\n\n体温\n36.5",
        Reply,
    ),
    plain(
        "postscript",
        "了解しました。\n\n--\n大塚\nTEL 03-0000-0103\n\n追伸 残薬は3日分です。",
        "了解しました。\n\n追伸 残薬は3日分です。",
        Reply,
    ),
    plain(
        "a note below the closing rule",
        "了解しました。\n**********\nさくら訪問看護\n大塚\nTEL 03-0000-0103\n**********\n※26日は休診です。",
        "了解しました。\n\n※26日は休診です。",
        Reply,
    ),
    plain(
        "cut mark in words",
        "承知しました。当日は息子も同席します。\n\n---------------------- 以下、引用 ----------------------\n26日10時へ変更します",
        "承知しました。当日は息子も同席します。",
        Reply,
    ),
    plain(
        "parts between rules, then a signature",
        "1点目\n血圧は落ち着いています。\n\n-----\n\n2点目\n26日は休みます。\n\n-----\n大塚 りつ子\n訪問看護ひなた\nTEL 03-0000-0103",
        "1点目\n血圧は落ち着いています。\n\n-----\n\n2点目\n26日は休みます。",
        Reply,
    ),
    plain("nothing but 了解, 1", "了解です🙆‍♀️ありがとうございます✨", "了解です🙆‍♀️ありがとうございます✨", Ack),
    plain("nothing but 了解, 2", "了解しました（訪看 大塚）", "了解しました（訪看 大塚）", Ack),
    plain(
        "nothing but 了解, 3",
        "かしこまりました。ありがとうございます。\n\nさくら訪問看護ステーション 管理者 大塚りつ子",
        "かしこまりました。ありがとうございます。\n\nさくら訪問看護ステーション 管理者 大塚りつ子",
        Ack,
    ),
    plain("more than 了解, 1", "了解しました。26日ですね", "了解しました。26日ですね", Reply),
    plain("more than 了解, 2", "確認しました、薬が違います", "確認しました、薬が違います", Reply),
    plain("more than 了解, 3", "了解しました\n山本 入院", "了解しました\n山本 入院", Reply),
    plain("more than 了解, 4", "1番のみ了解です", "1番のみ了解です", Reply),
    plain(
        "callback with time",
        "お世話になります。大塚です。\n15時以降に折り返しお電話ください。",
        "お世話になります。大塚です。\n15時以降に折り返しお電話ください。",
        Callback,
    ),
    html(
        "gmail html ja",
        "<div dir=\"ltr\">26日、伺います。</div><br><div class=\"gmail_quote gmail_quote_container\"><div dir=\"ltr\" class=\"gmail_attr\">2026年11月24日(火) 10:12 つばき連携 &lt;<a href=\"mailto:office@in.renkei.example.jp\">office@in.renkei.example.jp</a>&gt;:<br></div><blockquote class=\"gmail_quote\"><div>変更します。</div></blockquote></div>",
        "26日、伺います。",
        Reply,
    ),
    html(
        "outlook web html without ids",
        "<div style=\"font-family:Calibri\">了解しました。</div><div><br></div><hr style=\"width:98%\"><div><font face=\"Calibri\"><b>差出人:</b> つばき連携 &lt;office@in.renkei.example.jp&gt;<br><b>送信日時:</b> 2026年11月24日 10:12<br><b>宛先:</b> 大塚<br><b>件名:</b> つばき01</font></div><div>変更します。</div>",
        "了解しました。",
        Ack,
    ),
    html(
        "yahoo html",
        "<div>木曜なら大丈夫です。</div><div class=\"yahoo_quoted\"><div>2026年11月24日(火) 10:12、つばき連携 &lt;office@in.renkei.example.jp&gt; のメール:</div><div>ご都合は？</div></div>",
        "木曜なら大丈夫です。",
        Reply,
    ),
    html(
        "apple html, quote between answers",
        "<div>大塚です。</div><blockquote type=\"cite\"><div>10時でよいですか。</div></blockquote><div>はい、10時で。</div><blockquote type=\"cite\"><div>残薬は？</div></blockquote><div>7日分です。</div>",
        "大塚です。\n> 10時でよいですか。\nはい、10時で。\n> 残薬は？\n7日分です。",
        Reply,
    ),
    Case {
        name: "vacation without headers",
        headers: "Subject: 【不在】Re: つばき01\nContent-Type: text/plain; charset=utf-8",
        written: "お世話になっております。高梨です。\n8月12日から16日まで夏季休暇のため不在にしております。\nお急ぎの方は木下(03-0000-0111)までご連絡ください。",
        body: "お世話になっております。高梨です。\n8月12日から16日まで夏季休暇のため不在にしております。\nお急ぎの方は木下(03-0000-0111)までご連絡ください。",
        intent: Automatic,
    },
    Case {
        name: "vacation that says 了解",
        headers: "Subject: 自動返信: つばき01\nContent-Type: text/plain; charset=utf-8",
        written: "メールを拝受しました。休暇中のため、17日以降にご返信いたします。",
        body: "メールを拝受しました。休暇中のため、17日以降にご返信いたします。",
        intent: Automatic,
    },
    Case {
        name: "receipt by a shop system",
        headers: "Subject: お問い合わせを受け付けました\nContent-Type: text/plain; charset=utf-8",
        written: "お問い合わせありがとうございます。\n※本メールは自動的に配信しています。ご返信いただいてもお答えできません。",
        body: "お問い合わせありがとうございます。\n※本メールは自動的に配信しています。ご返信いただいてもお答えできません。",
        intent: Automatic,
    },
    Case {
        name: "read receipt of Outlook without a report",
        headers: "Subject: 開封確認: つばき01\nContent-Type: text/plain; charset=utf-8",
        written: "次の宛先にあてたメッセージは 2026/11/24 10:20 に開封されました。",
        body: "次の宛先にあてたメッセージは 2026/11/24 10:20 に開封されました。",
        intent: Automatic,
    },
    Case {
        name: "a list numbers its subject",
        headers: "Subject: [renkei:00123] Re: つばき01\nX-ML-Name: renkei\nContent-Type: text/plain; charset=utf-8",
        written: "了解しました",
        body: "了解しました",
        intent: Automatic,
    },
];

#[test]
fn replies_are_read_as_they_were_meant() {
    let mut faults = Vec::new();
    for case in CASES {
        let got = read(case.headers, case.written);
        let body = got.body.as_deref().unwrap_or("");
        if body != case.body || got.intent != case.intent {
            faults.push(format!(
                "{}\n  body      {body:?}\n  expected  {:?}\n  intent    {:?}, expected {:?}\n  quoted    {:?}\n  signature {:?}",
                case.name, case.body, got.intent, case.intent, got.quoted, got.signature
            ));
        }
    }
    assert!(faults.is_empty(), "{} of {}:\n{}", faults.len(), CASES.len(), faults.join("\n"));
}
