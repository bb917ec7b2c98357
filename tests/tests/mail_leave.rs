//! 休止, 再開 and 担当終了 by mail, end to end (care-network.md 6.2, 6.4, 8.11): each acts by itself with a code that
//! stands, brings a receipt that takes it back, and is seen by the office and on the group's page. A machine, a
//! stranger and a word in a sentence change nothing.

#![expect(clippy::unwrap_used, reason = "a test program: what does not hold must end it")]

use kakehashi_tests::caught::{Caught, Letter};
use kakehashi_tests::database::Database;
use kakehashi_tests::gateway::Gateway;
use kakehashi_tests::letters;
use kakehashi_tests::mllp::Mllp;
use kakehashi_tests::network::{Network, hl7, receipt as receipt_at, send_mail};
use kakehashi_tests::office::{Office, between, links};
use kakehashi_tests::wait;
use std::time::Duration;

const NURSES: &str = "hinata@st.example";
/// The care managers write by mail as well, and receive by FAX.
const CARE: &str = "tsumugi@care.example";
const DAY_SERVICE: &str = "hidamari@day.example";
const STRANGER: &str = "morishita.aya@private.example";
const DISCHARGE: &str = "ja02_adt_a03_discharge_iso2022jp.hl7";
const CANCEL: &str = "ja06_adt_a13_cancel_discharge_iso2022jp.hl7";
const GROUP: &str = "g-7k2m9q@in.kakehashi.example";

fn hospital(gateway: &Gateway, name: &str) {
    let answer = Mllp::connect(gateway.mllp).unwrap().exchange(&hl7(name)).unwrap().unwrap();
    assert!(answer.contains("MSA|AA|"), "{answer}");
}

/// A mail to this address whose subject holds a word, once there are `count` of them.
fn titled(network: &Network, to: &str, word: &str, count: usize) -> Letter {
    wait::until(word, Duration::from_secs(40), || {
        let found: Vec<Letter> =
            network.relay.to(to).iter().map(Caught::read).filter(|m| m.subject.contains(word)).collect();
        assert!(found.len() <= count, "{word} came {} times", found.len());
        (found.len() == count).then(|| found.last().cloned()).flatten()
    })
}

fn answer(gateway: &Gateway, network: &Network, to: &Letter, from: &str, words: &str) {
    send_mail(gateway, from, &to.answer_to, &letters::answer(to, from, words, "大塚 千尋"));
    network.settled();
}

fn facilities(gateway: &Gateway) -> String {
    let (status, page) = Office::log_in(gateway).get("/facilities");
    assert_eq!(status, 200, "{page}");
    page
}

/// The group's page as the office sees it.
fn group_page(gateway: &Gateway) -> String {
    let mut office = Office::log_in(gateway);
    let (_, home) = office.get("/");
    let group = links(&home, "/groups/").into_iter().find(|l| l.contains("G01")).unwrap();
    let (status, page) = office.get(&group);
    assert_eq!(status, 200, "{page}");
    page
}

#[test]
fn a_leave_by_mail_holds_back_and_ends_by_itself() {
    for database in Database::all() {
        println!("on {database:?}");
        let network = Network::new(&database);
        network.register("endpoints.csv", &format!("F04,email,{CARE},verified,no,,,,,,,,"));
        let mut gateway = network.start("2026-06-09 10:19:50");
        hospital(&gateway, DISCHARGE);
        let mail = network.relay.wait(NURSES, 1).remove(0).read();
        // Nobody who may not, and no word in a sentence.
        answer(&gateway, &network, &mail, STRANGER, "休止 6/10-6/14");
        answer(&gateway, &network, &mail, NURSES, "休止になったのは訪問入浴です。");
        let away = "Auto-Submitted: auto-replied\r\n";
        let machine = letters::plain(NURSES, &mail.answer_to, "自動応答", away, "休止 6/10-6/14");
        send_mail(&gateway, NURSES, &mail.answer_to, &machine);
        network.settled();
        assert!(!facilities(&gateway).contains("休止予定"), "nobody asked who may");
        let tasks = Office::log_in(&gateway).triage().len();
        // Without an end date a person asks.
        answer(&gateway, &network, &mail, NURSES, "休止 6/10から");
        assert_eq!(Office::log_in(&gateway).triage().len(), tasks + 1);
        answer(&gateway, &network, &mail, NURSES, "休止 6/10-6/14");
        let receipt = titled(&network, NURSES, "休止の控え", 1);
        for word in ["6/10(水)–6/14(日)", "緊急のお知らせだけは", "「再開」とだけ返信", "resume"]
        {
            assert!(receipt.text.contains(word), "{word}: {}", receipt.text);
        }
        for shown in [facilities(&gateway), group_page(&gateway)] {
            assert!(shown.contains("休止予定 6/10(水)–6/14(日)"), "{shown}");
        }
        let before = network.relay.to(NURSES).len();
        gateway.stop();

        // During it nothing comes but an emergency.
        let mut gateway = network.start("2026-06-10 10:45:05");
        hospital(&gateway, CANCEL);
        network.settled();
        assert!(group_page(&gateway).contains("休止中 6/10(水)–6/14(日)"));
        assert_eq!(network.relay.to(NURSES).len(), before, "what is no emergency waits");
        // Nobody stands in, so an emergency comes all the same.
        let alarm = letters::plain(CARE, GROUP, "転倒", "", "[緊急] 10:40 転倒 意識清明");
        send_mail(&gateway, CARE, GROUP, &alarm);
        let alarm = network.relay.wait(NURSES, before + 1).remove(before).read();
        assert!(alarm.subject.contains("緊急"), "{}", alarm.subject);
        network.settled();
        let before = before + 1;
        gateway.stop();

        // On the return everything comes in one まとめ便, and the mail says that it is over.
        let mut gateway = network.start("2026-06-15 08:30:05");
        let back = wait::until("the return", Duration::from_secs(40), || {
            network.relay.to(NURSES).get(before).map(Caught::read)
        });
        assert!(back.text.contains("6/10(水)–6/14(日) の休止が終わり、再開しました"), "{}", back.text);
        assert!(back.text.contains("まとめ便"), "{}", back.text);
        network.settled();
        assert_eq!(network.relay.to(NURSES).len(), before + 1);
        assert!(!facilities(&gateway).contains("休止中"));
        gateway.stop();
    }
}

#[test]
fn a_leave_is_ended_by_a_word() {
    for database in Database::all() {
        println!("on {database:?}");
        let network = Network::new(&database);
        let mut gateway = network.start("2026-06-09 10:19:50");
        hospital(&gateway, DISCHARGE);
        let mail = network.relay.wait(NURSES, 1).remove(0).read();
        answer(&gateway, &network, &mail, NURSES, "休止 6/9〜6/14 代理:森下");
        let receipt = titled(&network, NURSES, "休止の控え", 1);
        assert!(receipt.text.contains("代理: 森下 彩 様"), "{}", receipt.text);
        // A colleague reads the same address: nothing waits, but the mail says for whom it is.
        hospital(&gateway, CANCEL);
        let second = wait::until("the second post", Duration::from_secs(40), || {
            network
                .relay
                .to(NURSES)
                .iter()
                .map(Caught::read)
                .find(|m| m.subject.contains("至急") && m.message_id != mail.message_id)
        });
        assert!(second.text.contains("代理 森下 彩 様 (大塚 千尋 様 休止中)"), "{}", second.text);
        // 了解 to the receipt changes nothing; 再開 ends it; a second 再開 is told the same.
        answer(&gateway, &network, &receipt, NURSES, "了解しました");
        assert!(facilities(&gateway).contains("休止中"));
        answer(&gateway, &network, &receipt, STRANGER, "再開");
        assert!(facilities(&gateway).contains("休止中"), "a stranger ends nothing");
        answer(&gateway, &network, &receipt, NURSES, "再開");
        let resumed = titled(&network, NURSES, "再開の控え", 1);
        assert!(resumed.text.contains("再開しました"), "{}", resumed.text);
        assert!(!facilities(&gateway).contains("休止中"));
        gateway.stop();
    }
}

/// Another facility stands in: then even emergencies wait for the one that rests, and go to the one that stands in.
#[test]
fn another_facility_stands_in() {
    for database in Database::all() {
        println!("on {database:?}");
        let network = Network::new(&database);
        network.register(
            "endpoints.csv",
            &format!("F04,email,{CARE},verified,yes,emergency,17:00,,,full_text,,,"),
        );
        network.register("endpoints.csv", &format!("F07,email,{DAY_SERVICE},verified,no,,,,,,,,"));
        let mut gateway = network.start("2026-06-09 10:19:50");
        hospital(&gateway, DISCHARGE);
        let mail = network.relay.wait(NURSES, 1).remove(0).read();
        // A facility that is no member of the group, and a name that nobody has, are asked about.
        for nobody in ["代理:桜見中央病院", "代理:すみれ訪問看護"] {
            let tasks = Office::log_in(&gateway).triage().len();
            answer(&gateway, &network, &mail, NURSES, &format!("休止 6/9〜6/14 {nobody}"));
            assert_eq!(Office::log_in(&gateway).triage().len(), tasks + 1, "{nobody}");
        }
        assert!(!facilities(&gateway).contains("休止中"));
        answer(&gateway, &network, &mail, NURSES, "休止 6/9〜6/14 代理:ケアプランセンターつむぎ");
        let receipt = titled(&network, NURSES, "休止の控え", 1);
        assert!(receipt.text.contains("代理: ケアプランセンターつむぎ 様"), "{}", receipt.text);
        for shown in [facilities(&gateway), group_page(&gateway)] {
            assert!(shown.contains("休止中 6/9(火)–6/14(日) 代理 ケアプランセンターつむぎ"), "{shown}");
        }

        // An emergency of somebody else goes to who stands in, and to nobody who rests.
        let (nurses, care) = (network.relay.to(NURSES).len(), network.relay.to(CARE).len());
        let alarm = letters::plain(DAY_SERVICE, GROUP, "転倒", "", "[緊急] 10:40 転倒 意識清明");
        send_mail(&gateway, DAY_SERVICE, GROUP, &alarm);
        let told = network.relay.wait(CARE, care + 1).remove(care).read();
        assert!(told.subject.contains("緊急"), "{}", told.subject);
        network.settled();
        assert_eq!(network.relay.to(NURSES).len(), nurses, "an emergency waits where somebody stands in");
        // 了解 of the one that stands in counts for itself.
        answer(&gateway, &network, &told, CARE, "了解しました");
        let topics = network.topics("つばき01");
        let alarm = topics.iter().find(|t| t["topic"].to_string().contains("転倒")).unwrap();
        assert!(!receipt_at(&alarm["topic"], "F04")["acknowledgement"].is_null(), "{alarm:#}");
        gateway.stop();

        // On the return the emergency comes too, in the まとめ便 that says that it is over.
        let mut gateway = network.start("2026-06-15 08:30:05");
        let back = wait::until("the return", Duration::from_secs(40), || {
            network.relay.to(NURSES).get(nurses).map(Caught::read)
        });
        assert!(back.text.contains("6/9(火)–6/14(日) の休止が終わり、再開しました"), "{}", back.text);
        assert!(back.text.contains("まとめ便"), "{}", back.text);
        network.settled();
        assert!(!facilities(&gateway).contains("休止中"));
        gateway.stop();
    }
}

#[test]
fn settings_are_undone_by_a_word() {
    for database in Database::all() {
        println!("on {database:?}");
        let network = Network::new(&database);
        let mut gateway = network.start("2026-06-09 10:19:50");
        hospital(&gateway, DISCHARGE);
        let mail = network.relay.wait(NURSES, 1).remove(0).read();
        answer(&gateway, &network, &mail, NURSES, "設定 まとめ便 9:15 夜間可");
        let receipt = titled(&network, NURSES, "設定変更の控え", 1);
        for word in ["まとめ便 9:15", "夜間可", "「取消」とだけ返信すると元に戻ります"]
        {
            assert!(receipt.text.contains(word), "{word}: {}", receipt.text);
        }
        assert!(facilities(&gateway).contains("9:15"));
        answer(&gateway, &network, &receipt, NURSES, "取消");
        let undone = titled(&network, NURSES, "設定変更の控え", 2);
        assert!(undone.text.contains("元に戻しました"), "{}", undone.text);
        let page = facilities(&gateway);
        assert!(page.contains("8:30") && !page.contains("9:15"), "{page}");
        gateway.stop();
        // After a day its code is an old one, and nothing is undone.
        let gateway = network.start("2026-06-11 10:30:00");
        answer(&gateway, &network, &receipt, NURSES, "取消");
        assert!(!facilities(&gateway).contains("9:15"));
        drop(gateway);
    }
}

#[test]
fn leaving_a_group_is_confirmed_at_the_facility_and_taken_back() {
    for database in Database::all() {
        println!("on {database:?}");
        let network = Network::new(&database);
        let mut gateway = network.start("2026-06-09 10:19:50");
        hospital(&gateway, DISCHARGE);
        let mail = network.relay.wait(NURSES, 1).remove(0).read();
        answer(&gateway, &network, &mail, NURSES, "担当終了");
        let asked = titled(&network, NURSES, "担当終了の確認", 1);
        assert!(asked.text.contains("まだ終了していません"), "{}", asked.text);
        for name in ["山本", "千代"] {
            assert!(!asked.in_the_open().contains(name), "{}", asked.in_the_open());
        }
        assert!(group_page(&gateway).contains("訪問看護ステーションひなた"));
        answer(&gateway, &network, &asked, STRANGER, "了解");
        send_mail(&gateway, NURSES, &asked.answer_to, &letters::absence(&asked, NURSES));
        network.settled();
        let members = |page: &str| between(page, "members\"><summary>", "</details>").unwrap().to_owned();
        assert!(members(&group_page(&gateway)).contains("ひなた"), "nobody has confirmed it");
        answer(&gateway, &network, &asked, NURSES, "了解");
        let left = titled(&network, NURSES, "担当終了の控え", 1);
        assert!(!members(&group_page(&gateway)).contains("ひなた"));
        // Its old codes end with it.
        let before = network.relay.to(NURSES).len();
        hospital(&gateway, CANCEL);
        network.settled();
        // Within a day the receipt takes it back.
        answer(&gateway, &network, &left, NURSES, "取消");
        titled(&network, NURSES, "担当継続の控え", 1);
        assert!(members(&group_page(&gateway)).contains("ひなた"));
        assert_eq!(network.relay.to(NURSES).len(), before + 1, "nothing came meanwhile");
        gateway.stop();
    }
}

/// The page behind a link, without login: settings and 休止 of the address that got the link, with a receipt.
#[test]
fn the_page_behind_a_link_changes_how_its_address_receives() {
    for database in Database::all() {
        println!("on {database:?}");
        let network = Network::new(&database);
        let mut gateway = network.start("2026-06-09 10:19:50");
        hospital(&gateway, DISCHARGE);
        let mail = network.relay.wait(NURSES, 1).remove(0).read();
        let link = between(&mail.text, "/r/", "\n").unwrap().trim();
        let path = format!("/r/{}", link.split(['?', ' ']).next().unwrap());
        let mut member = Office::guest(&gateway);
        let (status, page) = member.get(&path);
        assert_eq!(status, 200, "{page}");
        for word in ["受け取り方を変える", "休止する", "8:30 13:00 17:00"] {
            assert!(page.contains(word), "{word}: {page}");
        }
        let csrf = between(&page, "name=\"csrf\" value=\"", "\"").unwrap().to_owned();
        let form = |digests: &str, csrf: &str| {
            [
                ("csrf", csrf),
                ("instant", "emergency"),
                ("digests", digests),
                ("days", "weekdays"),
                ("quiet_from", "18:00"),
                ("quiet_until", "08:00"),
            ]
            .map(|(n, v)| (n.to_owned(), v.to_owned()))
        };
        let mut send = |to: &str, fields: &[(String, String)]| {
            let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            member.post(&format!("{path}/{to}"), &fields)
        };
        // A time that is none changes nothing, and neither does a form of somebody else.
        let (status, page) = send("settings", &form("朝", &csrf));
        assert_eq!(status, 200);
        assert!(page.contains("何も変えていません"), "{page}");
        let (status, _) = send("settings", &form("8:45", "wrong"));
        assert!(status >= 400, "{status}");
        assert!(!facilities(&gateway).contains("8:45"));
        let (status, page) = send("settings", &form("8:45", &csrf));
        assert!((300..400).contains(&status), "{status}: {page}");
        let receipt = titled(&network, NURSES, "設定変更の控え", 1);
        for word in ["緊急だけ即時", "平日 8:45", "休み時間帯 18:00–8:00"] {
            assert!(receipt.text.contains(word), "{word}: {}", receipt.text);
        }
        answer(&gateway, &network, &receipt, NURSES, "取消");
        titled(&network, NURSES, "設定変更の控え", 2);
        assert!(!facilities(&gateway).contains("8:45"));
        let rest =
            [("csrf", csrf.as_str()), ("from", "2026-06-10"), ("until", "2026-06-12"), ("substitute", "")];
        let rest = rest.map(|(n, v)| (n.to_owned(), v.to_owned()));
        let (status, page) = send("rest", &rest);
        assert!((300..400).contains(&status), "{status}: {page}");
        titled(&network, NURSES, "休止の控え", 1);
        assert!(facilities(&gateway).contains("休止予定 6/10(水)–6/12(金)"));
        gateway.stop();
    }
}
