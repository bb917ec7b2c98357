//! Scenario S10 of care-network.md 8.11, 設定票: it goes out with the next regular delivery, its ticks become
//! settings by one key of the office, the receipt stands on the next delivery, and a day long it is undone
//! by one click; 休止 and 再開 by the same sheet, typed by the office from the handwriting. The silent provider and the fail-over of S10 are in `fax_failover`.

#![expect(clippy::unwrap_used, reason = "a test program: what does not hold must end it")]

use kakehashi_core::text::number::grouped;
use kakehashi_tests::database::Database;
use kakehashi_tests::network::Network;
use kakehashi_tests::office::{Office, between};
use kakehashi_tests::paper;

const CARE_MANAGER: &str = "0300000104";

fn csrf(page: &str) -> String {
    between(page, "name=\"csrf\" value=\"", "\"").unwrap().to_owned()
}

fn block<'p>(desk: &'p str, number: &str) -> &'p str {
    desk.split("<li").find(|b| b.contains(&format!("<b class=\"id\">{}</b>", grouped(number)))).unwrap()
}

/// Orders a 設定票 for the number at its entry of the FAX desk.
fn order_sheet(office: &mut Office) {
    let (status, desk) = office.get("/fax");
    assert_eq!(status, 200, "{desk}");
    let at = block(&desk, CARE_MANAGER).find("/fax/endpoints/").unwrap();
    let path = block(&desk, CARE_MANAGER)[at..].split(['"', '/']).take(4).collect::<Vec<_>>().join("/");
    let token = csrf(&desk);
    let (status, text) =
        office.post(&format!("{path}/sheets"), &[("csrf", token.as_str()), ("sheet", "preference")]);
    assert!((300..400).contains(&status), "{status} {text}");
}

/// The page of the only item.
fn only_item(office: &mut Office) -> (String, String) {
    let items = office.triage();
    assert_eq!(items.len(), 1, "{items:?}");
    let (_, page) = office.get(&items[0]);
    (items[0].clone(), page)
}

fn facilities(office: &mut Office) -> String {
    let (status, page) = office.get("/facilities");
    assert_eq!(status, 200, "{page}");
    page
}

#[test]
fn a_leave_by_paper_begins_and_ends() {
    for database in Database::all() {
        println!("on {database:?}");
        let network = Network::new(&database);
        let mut gateway = network.start("2026-06-25 08:59:50");
        let mut office = Office::log_in(&gateway);
        order_sheet(&mut office);
        let sent = network.relay.wait(CARE_MANAGER, 1).remove(0).read();
        network.report_arrival(&gateway, &sent, CARE_MANAGER);
        let clean = paper::reply_sheet(sent.pdf());
        let mut asks = clean.clone();
        paper::tick(&mut asks, "pause");
        paper::write(&mut asks);
        network.fax(&gateway, CARE_MANAGER, &[asks]);
        network.settled();
        assert!(!facilities(&mut office).contains("休止予定"), "no machine begins a leave from paper");
        let (item, page) = only_item(&mut office);
        assert!(page.contains("<option value=\"begin\" selected>"), "what is ticked is proposed: {page}");
        let who = between(&page, "<option value=\"staff:", "\">高梨 由美子").unwrap().to_owned();
        let who = format!("staff:{}", who.rsplit("staff:").next().unwrap_or(&who));
        let token = csrf(&page);
        let leave = |substitute: &'static str| {
            [
                ("csrf", token.as_str()),
                ("leave", "begin"),
                ("who", who.as_str()),
                ("from", "2026-06-26"),
                ("until", "2026-06-30"),
                ("substitute", substitute),
            ]
        };
        let (status, text) = office.post(&format!("{item}/request"), &leave("鈴木"));
        assert!(status == 200 && text.contains("role=\"alert\""), "{status} {text}");
        let (status, text) = office.post(&format!("{item}/request"), &leave("木下"));
        assert!((300..400).contains(&status), "{status} {text}");
        assert!(office.triage().is_empty());
        let words = "高梨 由美子 休止予定 6/26(金)–6/30(火) 代理 木下 昌平";
        assert!(facilities(&mut office).contains(words), "{}", facilities(&mut office));
        assert_eq!(network.relay.to(CARE_MANAGER).len(), 1, "the receipt waits for the next delivery");
        gateway.stop();

        // With the digest of 16:00 comes the 控え.
        let mut gateway = network.start("2026-06-25 15:59:55");
        let receipt = network.relay.wait(CARE_MANAGER, 2).remove(1).read();
        network.report_arrival(&gateway, &receipt, CARE_MANAGER);
        network.settled();
        let mut office = Office::log_in(&gateway);
        let (_, desk) = office.get("/fax");
        assert!(desk.contains("控え"), "{desk}");
        gateway.stop();

        // She is back early; the same sheet, copied clean, asks for 再開.
        let mut gateway = network.start("2026-06-28 10:00:00");
        let mut office = Office::log_in(&gateway);
        assert!(facilities(&mut office).contains("高梨 由美子 休止中"));
        let mut back = clean;
        paper::tick(&mut back, "resume");
        network.fax(&gateway, CARE_MANAGER, &[back]);
        network.settled();
        let (item, page) = only_item(&mut office);
        let end = between(&page, "<option value=\"end:", "\" selected>").unwrap();
        let end = format!("end:{end}");
        let token = csrf(&page);
        let (status, text) =
            office.post(&format!("{item}/request"), &[("csrf", token.as_str()), ("leave", end.as_str())]);
        assert!((300..400).contains(&status), "{status} {text}");
        assert!(!facilities(&mut office).contains("休止中"));
        let (_, audit) = office.get("/audit?verify=1");
        for act in ["begin_pause", "end_pause"] {
            assert!(audit.contains(&format!("<td>{act}</td>")), "{act}: {audit}");
        }
        assert!(audit.contains("すべてつながっています"), "{audit}");
        gateway.stop();
        // Monday's first digest.
        let mut gateway = network.start("2026-06-29 08:59:55");
        assert_eq!(network.relay.wait(CARE_MANAGER, 3).len(), 3);
        network.settled();
        assert_eq!(network.relay.to(CARE_MANAGER).len(), 3, "one receipt of each act");
        gateway.stop();
    }
}

#[test]
fn a_preference_sheet_sets_and_is_undone() {
    for database in Database::all() {
        println!("on {database:?}");
        let network = Network::new(&database);
        let mut gateway = network.start("2026-06-25 08:59:50");
        let mut office = Office::log_in(&gateway);
        let (status, desk) = office.get("/fax");
        assert_eq!(status, 200, "{desk}");
        let at = block(&desk, CARE_MANAGER).find("/fax/endpoints/").unwrap();
        let path = block(&desk, CARE_MANAGER)[at..].split(['"', '/']).take(4).collect::<Vec<_>>().join("/");
        let token = csrf(&desk);
        let (status, text) =
            office.post(&format!("{path}/sheets"), &[("csrf", token.as_str()), ("sheet", "preference")]);
        assert!((300..400).contains(&status), "{status} {text}");

        // With the digest of 9:00, not at once and not twice.
        let fax = network.relay.wait(CARE_MANAGER, 1).remove(0).read();
        let mut sheet = paper::reply_sheet(fax.pdf());
        // 8:45 and 15:30 have no box: they are written.
        for tick in ["instant_emergency", "night_no"] {
            paper::tick(&mut sheet, tick);
        }
        paper::write(&mut sheet);
        network.fax(&gateway, CARE_MANAGER, &[sheet]);
        network.settled();
        let (_, desk) = office.get("/fax");
        assert!(!block(&desk, CARE_MANAGER).contains("緊急だけ即時"), "no machine changes settings");
        let items = office.triage();
        assert_eq!(items.len(), 1, "{items:?}");
        let (_, page) = office.get(&items[0]);
        assert!(page.contains("受け取り方を変える"), "{page}");
        let token = csrf(&page);
        let ticks = [
            ("csrf", token.as_str()),
            ("mark", "instant_emergency"),
            ("mark", "night_no"),
            ("digest_times", "8:45 15:30"),
            ("quiet_from", "17:30"),
            ("quiet_until", "08:30"),
        ];
        let (status, text) = office.post(&format!("{}/request", items[0]), &ticks);
        assert!((300..400).contains(&status), "{status} {text}");
        assert!(office.triage().is_empty());
        let (_, desk) = office.get("/fax");
        let words = block(&desk, CARE_MANAGER);
        for part in ["緊急だけ即時", "8:45・15:30", "17:30", "8:30"] {
            assert!(words.contains(part), "{part}: {words}");
        }

        // One click takes it back within a day.
        let change = between(words, "name=\"change_id\" value=\"", "\"").unwrap().to_owned();
        let token = csrf(&desk);
        let (status, text) =
            office.post(&format!("{path}/undo"), &[("csrf", token.as_str()), ("change_id", change.as_str())]);
        assert!((300..400).contains(&status), "{status} {text}");
        let (_, desk) = office.get("/fax");
        assert!(!block(&desk, CARE_MANAGER).contains("緊急だけ即時"));
        gateway.stop();
    }
}
