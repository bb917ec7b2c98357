//! Scenario S10 of care-network.md 8.11, 設定票: it goes out with the next regular delivery, its ticks become
//! settings by one key of the office, the receipt stands on the next delivery, and a day long it is undone
//! by one click. The silent provider and the fail-over of S10 are in `fax_failover`.

#![expect(clippy::unwrap_used, reason = "a test program: what does not hold must end it")]

use kakehashi_tests::database::Database;
use kakehashi_tests::network::Network;
use kakehashi_tests::office::{Office, between};
use kakehashi_tests::paper;

const CARE_MANAGER: &str = "0300000104";

fn csrf(page: &str) -> String {
    between(page, "name=\"csrf\" value=\"", "\"").unwrap().to_owned()
}

fn block<'p>(desk: &'p str, number: &str) -> &'p str {
    desk.split("<li").find(|b| b.contains(&format!("<b class=\"id\">{number}</b>"))).unwrap()
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
        for tick in ["instant_emergency", "digest_0900", "digest_1500", "night_no"] {
            paper::tick(&mut sheet, tick);
        }
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
            ("mark", "digest_0900"),
            ("mark", "digest_1500"),
            ("quiet_from", "17:30"),
            ("quiet_until", "8:30"),
        ];
        let (status, text) = office.post(&format!("{}/request", items[0]), &ticks);
        assert!((300..400).contains(&status), "{status} {text}");
        assert!(office.triage().is_empty());
        let (_, desk) = office.get("/fax");
        let words = block(&desk, CARE_MANAGER);
        for part in ["緊急だけ即時", "9:00・15:00", "17:30", "8:30"] {
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
