//! Mail as people and machines use it, end to end: the doubled mail of S3, the leaver of S6, the vacation
//! mail of S10 (care-network.md 8.4, 8.7, 8.11), a tapped emoji, Outlook's wish to take a mail back, a mail that
//! comes back twice, and a loop that ends after its first turn.

#![expect(clippy::unwrap_used, reason = "a test program: what does not hold must end it")]

use kakehashi_tests::caught::{Caught, Letter};
use kakehashi_tests::database::Database;
use kakehashi_tests::gateway::Gateway;
use kakehashi_tests::letters;
use kakehashi_tests::mllp::Mllp;
use kakehashi_tests::network::{Network, hl7, receipt, send_mail};
use kakehashi_tests::office::{Office, between};
use serde_json::Value;

const GROUP: &str = "つばき01";
const NIGHT_GROUP: &str = "すずかけ02";
const NIGHT_ADDRESS: &str = "g-4x8w5a@in.kakehashi.example";
const NURSES: &str = "hinata@st.example";
const PHARMACY: &str = "0300000105";
/// The private mail of somebody who left on the last day of June.
const LEAVER: &str = "morishita.aya@private.example";
const DISCHARGE: &str = "ja02_adt_a03_discharge_iso2022jp.hl7";
const CANCEL: &str = "ja06_adt_a13_cancel_discharge_iso2022jp.hl7";

#[test]
fn people_and_machines_write() {
    for database in Database::all() {
        println!("on {database:?}");
        let network = Network::new(&database);
        let mut gateway = network.start("2026-06-09 10:19:50");
        hospital(&gateway, DISCHARGE);
        let mail = network.relay.wait(NURSES, 1).remove(0).read();
        a_vacation_mail_changes_nothing(&network, &gateway, &mail);
        the_leaver_hears_nothing_and_no_loop_begins(&network, &gateway, &mail);
        a_tapped_thumb_is_ryokai(&network, &gateway, &mail);
        a_wish_to_take_back_unmakes_nothing(&network, &gateway, &mail);
        come_back(&gateway, &mail);
        network.settled();
        assert!(stopped(&gateway).is_empty(), "one mail that came back may be a slip");
        gateway.stop();

        let mut gateway = network.start("2026-06-10 10:45:05");
        hospital(&gateway, CANCEL);
        let second = network.relay.wait(NURSES, 2).remove(1).read();
        come_back(&gateway, &second);
        network.settled();
        assert_eq!(stopped(&gateway).len(), 1, "the office gets a task");
        // The same report again is the same report.
        come_back(&gateway, &second);
        network.settled();
        assert_eq!(stopped(&gateway).len(), 1);
        gateway.stop();
    }
}

#[test]
fn a_doubled_emergency_is_one() {
    for database in Database::all() {
        println!("on {database:?}");
        let network = Network::new(&database);
        let mut gateway = network.start("2026-06-18 22:52:00");
        let text = "[緊急] 22:40 体温38.9 SpO2 88% (酸素2L) 呼吸苦あり 意識清明。救急搬送は希望されず。先生へ電話済、往診依頼中";
        let mail = letters::plain(NURSES, NIGHT_ADDRESS, "発熱", "", text);
        send_mail(&gateway, NURSES, NIGHT_ADDRESS, &mail);
        let one = |topics: &[Value]| {
            assert!(topics.len() <= 1, "{topics:#?}");
            let post = &topics.first()?["topic"]["post"];
            assert_eq!(post["urgency"], "emergency");
            Some(())
        };
        network.wait_topics("the emergency", NIGHT_GROUP, one);
        // The pharmacy wants to be woken (夜間可).
        let woken = network.relay.wait(PHARMACY, 1);
        assert_eq!(woken.len(), 1);
        // The mailer did not hear the first yes and sends again.
        send_mail(&gateway, NURSES, NIGHT_ADDRESS, &mail);
        network.settled();
        network.wait_topics("still one", NIGHT_GROUP, one);
        assert_eq!(network.relay.to(PHARMACY).len(), 1, "nobody is paged twice");
        for asleep in [NURSES, "0300000106"] {
            assert!(network.relay.to(asleep).is_empty(), "{asleep} was woken");
        }
        gateway.stop();
    }
}

/// 「状況」 by mail (care-network.md 6.4): told with the next regular delivery to whoever may ask, to nobody else.
#[test]
fn who_has_acknowledged_is_told_by_mail() {
    for database in Database::all() {
        println!("on {database:?}");
        let network = Network::new(&database);
        let mut gateway = network.start("2026-06-09 12:50:00");
        hospital(&gateway, DISCHARGE);
        let mail = network.relay.wait(NURSES, 1).remove(0).read();
        let ask = |from: &str, words: &str| {
            send_mail(&gateway, from, &mail.answer_to, &letters::answer(&mail, from, words, "大塚"));
        };
        // A verb in a sentence is a reply; a stranger's gets the notice of every wrong code.
        ask(NURSES, "状況は落ち着いています。");
        ask(LEAVER, "状況");
        send_mail(&gateway, NURSES, &mail.answer_to, &letters::absence(&mail, NURSES));
        let notice = network.relay.wait(LEAVER, 1).remove(0).read();
        assert!(!notice.in_the_open().contains("了解状況"), "{}", notice.in_the_open());
        network.settled();
        let open = Office::log_in(&gateway).triage().len();
        ask(NURSES, "状況");
        // Asked twice, told once.
        ask(NURSES, "了解状況を教えてください");
        network.settled();
        let topics = network.topics(GROUP);
        assert_eq!(topics[0]["replies"].as_array().unwrap().len(), 1, "only the sentence is a reply");
        assert_eq!(nurses(&topics)["acknowledgement"], Value::Null);
        assert_eq!(Office::log_in(&gateway).triage().len(), open, "no work for the office");
        gateway.stop();

        // The next まとめ便 of the nurses goes out at one o'clock.
        let gateway = network.start("2026-06-09 13:00:05");
        let told: Letter =
            kakehashi_tests::wait::until("the status", std::time::Duration::from_secs(40), || {
                network.relay.to(NURSES).iter().map(Caught::read).find(|m| m.subject.contains("了解状況"))
            });
        assert!(told.subject.contains(GROUP), "{}", told.subject);
        for word in ["ケアプランセンターつむぎ [返信希望] … まだ / not yet", "了解・返信 1/3"]
        {
            assert!(told.text.contains(word), "{word}: {}", told.text);
        }
        for name in ["山本", "千代"] {
            assert!(!told.in_the_open().contains(name), "{}", told.in_the_open());
        }
        network.settled();
        let all = network.relay.to(NURSES);
        let told = all.iter().map(Caught::read).filter(|m| m.subject.contains("了解状況")).count();
        assert_eq!(told, 1);
        drop(gateway);
    }
}

/// 設定 by mail: changed at once, with a receipt and a day to undo it. Nothing else changes anything.
#[test]
fn how_a_member_receives_is_changed_by_mail() {
    for database in Database::all() {
        println!("on {database:?}");
        let network = Network::new(&database);
        let mut gateway = network.start("2026-06-09 10:19:50");
        hospital(&gateway, DISCHARGE);
        let mail = network.relay.wait(NURSES, 1).remove(0).read();
        let ask = |gateway: &Gateway, from: &str, words: &str| {
            send_mail(gateway, from, &mail.answer_to, &letters::answer(&mail, from, words, "大塚"));
            network.settled();
        };
        let settings = |gateway: &Gateway| {
            let (status, page) = Office::log_in(gateway).get("/facilities");
            assert_eq!(status, 200, "{page}");
            page
        };
        let wish = "設定 まとめ便 9:15 夜間可";
        ask(&gateway, LEAVER, wish);
        ask(&gateway, NURSES, "設定していただいたベッドは夜間可でした。");
        let away = "ただいま不在にしております。\n設定 まとめ便 9:15 夜間可\n";
        let headers = "Auto-Submitted: auto-replied\r\n";
        let absence = letters::plain(NURSES, &mail.answer_to, "自動応答", headers, away);
        send_mail(&gateway, NURSES, &mail.answer_to, &absence);
        network.settled();
        assert!(!settings(&gateway).contains("9:15"), "nobody asked who may");
        ask(&gateway, NURSES, wish);
        assert!(settings(&gateway).contains("9:15"), "changed at once");
        // The receipt is a mail of its own, because an answer to it takes the change back (`mail_leave`).
        let receipt = network.relay.wait(NURSES, 2).remove(1).read();
        for word in ["設定変更の控え", "まとめ便 9:15", "元に戻ります", "takes it back"] {
            assert!(receipt.text.contains(word), "{word}: {}", receipt.text);
        }
        gateway.stop();

        let mut gateway = network.start("2026-06-09 11:45:05");
        // The office takes it back.
        let mut office = Office::log_in(&gateway);
        let page = office.get("/facilities").1;
        let undo = between(&page, "action=\"/fax/endpoints/", "\"").unwrap().to_owned();
        let change = between(&page, "name=\"change_id\" value=\"", "\"").unwrap().to_owned();
        let csrf = between(&page, "name=\"csrf\" value=\"", "\"").unwrap().to_owned();
        let path = format!("/fax/endpoints/{undo}");
        let (status, _) = office.post(&path, &[("csrf", &csrf), ("change_id", &change)]);
        assert!((300..400).contains(&status), "undo answered {status}");
        let page = settings(&gateway);
        assert!(page.contains("8:30") && !page.contains("9:15"), "{page}");
        gateway.stop();

        // A code is good for two weeks.
        let gateway = network.start("2026-07-20 10:00:00");
        ask(&gateway, NURSES, wish);
        assert!(!settings(&gateway).contains("9:15"), "an expired code");
        drop(gateway);
    }
}

fn hospital(gateway: &Gateway, name: &str) {
    let answer = Mllp::connect(gateway.mllp).unwrap().exchange(&hl7(name)).unwrap().unwrap();
    assert!(answer.contains("MSA|AA|"), "{answer}");
}

fn nurses(topics: &[Value]) -> Value {
    receipt(&topics[0]["topic"], "F03").clone()
}

/// Japanese mailers send absence notices without any header that says so.
fn a_vacation_mail_changes_nothing(network: &Network, gateway: &Gateway, mail: &Letter) {
    let before = network.relay.to(NURSES).len();
    let text = "お世話になっております。\n夏季休業のため8月16日まで不在にしております。了解しました。\nお急ぎの場合は090-0000-0000までお電話ください。\n";
    let vacation = letters::plain(NURSES, &mail.answer_to, "不在のお知らせ", "", text);
    send_mail(gateway, NURSES, &mail.answer_to, &vacation);
    send_mail(gateway, NURSES, &mail.answer_to, &letters::absence(mail, NURSES));
    network.settled();
    let topics = network.topics(GROUP);
    assert_eq!(nurses(&topics)["acknowledgement"], Value::Null);
    assert_eq!(topics[0]["replies"].as_array().unwrap().len(), 0);
    assert_eq!(network.relay.to(NURSES).len(), before, "a machine was answered");
    assert!(Office::log_in(gateway).triage().is_empty(), "a machine makes no work");
}

/// A code used from an address that is nobody's any more: nothing on the thread, the uniform notice once,
/// and whatever answers the notice gets no second one.
fn the_leaver_hears_nothing_and_no_loop_begins(network: &Network, gateway: &Gateway, mail: &Letter) {
    let words = "佐々木さんの件ですが、その後いかがでしょうか。";
    let answer = letters::answer(mail, LEAVER, words, "森下");
    send_mail(gateway, LEAVER, &mail.answer_to, &answer);
    let notice = network.relay.wait(LEAVER, 1).remove(0).read();
    for word in ["山本", "つばき", "退院", "佐々木"] {
        assert!(!notice.in_the_open().contains(word), "{word}: {}", notice.in_the_open());
    }
    for turn in 0..3 {
        let text = format!("受け取りました。担当者が確認します。({turn})");
        let echo = letters::plain(LEAVER, &mail.answer_to, &format!("Re: {}", notice.subject), "", &text);
        send_mail(gateway, LEAVER, &mail.answer_to, &echo);
    }
    network.settled();
    assert_eq!(network.relay.to(LEAVER).len(), 1, "a loop");
    let topics = network.topics(GROUP);
    assert_eq!(topics[0]["replies"].as_array().unwrap().len(), 0);
    assert_eq!(nurses(&topics)["acknowledgement"], Value::Null);
}

fn a_tapped_thumb_is_ryokai(network: &Network, gateway: &Gateway, mail: &Letter) {
    let headers = format!("In-Reply-To: <{}>\r\n", mail.message_id);
    let text = "👍 大塚 千尋 reacted to your message:\n";
    let tapped = letters::plain(NURSES, &mail.answer_to, &format!("Re: {}", mail.subject), &headers, text);
    send_mail(gateway, NURSES, &mail.answer_to, &tapped);
    network.wait_topics("了解 by a thumb", GROUP, |topics| {
        assert_eq!(topics[0]["replies"].as_array()?.len(), 0, "a thumb is no reply");
        (!nurses(topics)["acknowledgement"].is_null()).then_some(())
    });
}

/// Outlook asks for the answer that stands already: it stands on, and the office asks the nurse.
fn a_wish_to_take_back_unmakes_nothing(network: &Network, gateway: &Gateway, mail: &Letter) {
    let sent = network.relay.to(NURSES).len();
    let text = format!("大塚 千尋 would like to recall the message, \"Re: {}\".\n", mail.subject);
    let wish = letters::plain(NURSES, &mail.answer_to, &format!("Recall: Re: {}", mail.subject), "", &text);
    send_mail(gateway, NURSES, &mail.answer_to, &wish);
    network.settled();
    let topics = network.topics(GROUP);
    assert!(!nurses(&topics)["acknowledgement"].is_null(), "了解 was unmade");
    assert_eq!(topics[0]["replies"].as_array().unwrap().len(), 0, "a program's words are no reply");
    assert_eq!(network.relay.to(NURSES).len(), sent, "a machine was answered");
    assert_eq!(waiting(gateway, "メールの取り消しを求めています").len(), 1, "the office hears of it");
}

/// The far system says that nobody reads there.
fn come_back(gateway: &Gateway, mail: &Letter) {
    let bounce = format!(
        "Return-Path: <>\r\nFrom: MAILER-DAEMON@st.example\r\nTo: intake@in.kakehashi.example\r\n\
         Subject: Undelivered Mail Returned to Sender\r\nMessage-ID: <{0}.bounce@st.example>\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n\r\n\
         --b\r\nContent-Type: text/plain\r\n\r\nThe mail could not be delivered.\r\n\
         --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; st.example\r\n\r\n\
         Final-Recipient: rfc822; {NURSES}\r\nAction: failed\r\nStatus: 5.1.1\r\n\
         Diagnostic-Code: smtp; 550 5.1.1 User unknown\r\n\r\n\
         --b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <{0}>\r\nTo: {NURSES}\r\n\r\n--b--\r\n",
        mail.message_id
    );
    send_mail(gateway, "", "intake@in.kakehashi.example", bounce.as_bytes());
}

/// Items that say that an address was stopped.
fn stopped(gateway: &Gateway) -> Vec<String> {
    waiting(gateway, "メールが届かないため停止しました")
}

/// Items of the office whose page holds these words.
fn waiting(gateway: &Gateway, words: &str) -> Vec<String> {
    let mut office = Office::log_in(gateway);
    let items = office.triage();
    items.into_iter().filter(|path| office.get(path).1.contains(words)).collect()
}
