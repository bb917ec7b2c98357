//! The 返信票 of a まとめ便, out and back: during the trial the office confirms its ticks line by line with one
//! key, what it decided becomes labelled crops that `sheet evaluate` reads, and the two sheets of a long one in one
//! FAX are an item each.

#![expect(clippy::unwrap_used, reason = "a test program: what does not hold must end it")]

use kakehashi_tests::database::Database;
use kakehashi_tests::digests::{PHARMACY, acknowledged, digest};
use kakehashi_tests::gateway::run;
use kakehashi_tests::network::Network;
use kakehashi_tests::office::{Office, between};
use kakehashi_tests::paper;

fn csrf(page: &str) -> String {
    between(page, "name=\"csrf\" value=\"", "\"").unwrap().to_owned()
}

#[test]
fn ticks_of_a_digest_are_confirmed_by_one_key_and_kept_as_crops() {
    for database in Database::all() {
        println!("on {database:?}");
        let network = Network::new(&database);
        let posts = [("G01", "残薬の件"), ("G03", "体重の件")];
        let (mut gateway, mut pages) = digest(&network, "2026-06-09", &posts, 0);
        let mut sheet = pages.pop().unwrap();
        paper::tick(&mut sheet, "acknowledge_1");
        paper::tick(&mut sheet, "call_back_2");
        network.fax(&gateway, PHARMACY, &[sheet]);
        network.settled();
        assert!(!acknowledged(&network, "G01", "残薬の件"), "試行: a person confirms");

        let mut office = Office::log_in(&gateway);
        let items = office.triage();
        assert_eq!(items.len(), 1, "one sheet to confirm");
        let (_, page) = office.get(&items[0]);
        for part in ["まとめ便の返信票(2件)", "つばき01", "なでしこ03", "残薬の件", "体重の件"]
        {
            assert!(page.contains(part), "{part}: {page}");
        }
        // What is ticked is seen enlarged; what is surely empty is not.
        assert!(page.contains("/boxes/acknowledge_1.png") && !page.contains("/boxes/wrong_recipient.png"));
        let (status, crop) = office.get_bytes(&format!("{}/boxes/acknowledge_1.png", items[0]));
        assert!(status == 200 && crop.starts_with(b"\x89PNG"), "{status}");
        let (status, _) = office.get_bytes(&format!("{}/boxes/none.png", items[0]));
        assert_eq!(status, 404);

        let token = csrf(&page);
        let ticks =
            [("csrf", token.as_str()), ("mark", "acknowledge_1"), ("mark", "call_back_2"), ("staff_id", "")];
        let (status, text) = office.post(&format!("{}/confirmation", items[0]), &ticks);
        assert!((300..400).contains(&status), "{status} {text}");
        assert!(office.triage().is_empty());
        assert!(acknowledged(&network, "G01", "残薬の件"));
        assert!(!acknowledged(&network, "G03", "体重の件"), "only what was ticked");
        let called = network.topics("G03");
        let call = &called[0]["replies"][0]["post"];
        assert_eq!((call["expectation"].as_str(), call["facility_id"].as_str()), (Some("call"), Some("F05")));
        // The page shows headings of two groups: it lies in neither.
        assert!(called[0]["replies"][0]["attachments"].as_array().unwrap().is_empty());
        gateway.stop();

        exported(&network);
    }
}

/// The export holds every box of the sheet under the person's label, and the evaluation reads all of them.
fn exported(network: &Network) {
    let folder = network.config().parent().unwrap().join("crops").display().to_string();
    let config = network.config().display().to_string();
    let output = run(&["sheet", "export", &folder, "--config", &config]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text} {}", String::from_utf8_lossy(&output.stderr));
    let counts: Vec<usize> = text.lines().nth(1).unwrap().split('\t').map(|n| n.parse().unwrap()).collect();
    let files = |label: &str| std::fs::read_dir(format!("{folder}/{label}")).unwrap().count();
    assert_eq!((counts[0], counts[2]), (1, 0), "{text}");
    assert_eq!(files("marked"), 2);
    assert_eq!(files("marked") + files("empty") + files("unsure"), counts[1]);
    assert!(counts[1] >= 6, "{text}");
    let output = run(&["sheet", "evaluate", &folder]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}");
    let line: Vec<&str> = text.lines().find(|l| l.starts_with("marked")).unwrap().split('\t').collect();
    assert_eq!((line[1], line[5]), ("2", "0"), "read exactly what was written: {text}");
    let again = run(&["sheet", "export", &folder, "--config", &config]);
    assert!(!again.status.success(), "an export never mixes with another");
}

#[test]
fn two_sheets_of_one_digest_in_one_fax_are_an_item_each() {
    for database in Database::all() {
        println!("on {database:?}");
        let network = Network::new(&database);
        let titles: Vec<String> = (1..=8).map(|n| format!("{n}件目の相談")).collect();
        let posts: Vec<(&str, &str)> = titles.iter().map(|t| ("G01", t.as_str())).collect();
        let (mut gateway, mut pages) = digest(&network, "2026-06-09", &posts, 0);
        let mut second = pages.pop().unwrap();
        let mut first = pages.pop().unwrap();
        paper::tick(&mut first, "acknowledge_all");
        paper::tick(&mut second, "call_back_8");
        network.fax(&gateway, PHARMACY, &[first, paper::upside_down(&second)]);
        network.settled();
        let mut office = Office::log_in(&gateway);
        let items = office.triage();
        assert_eq!(items.len(), 2, "each sheet by itself");
        let decided =
            [("まとめ便の返信票(6件)", "acknowledge_all"), ("まとめ便の返信票(2件)", "call_back_8")];
        for item in &items {
            let (_, page) = office.get(item);
            let mine = decided.into_iter().find(|(words, _)| page.contains(words));
            let (_, mark) = mine.unwrap_or_else(|| panic!("neither sheet: {page}"));
            assert_eq!(page.matches("<div class=\"viewer").count(), 1, "its own page only");
            let (status, crop) = office.get_bytes(&format!("{item}/boxes/{mark}.png"));
            assert!(status == 200 && crop.starts_with(b"\x89PNG"), "{mark}: {status}");
            let token = csrf(&page);
            let ticks = [("csrf", token.as_str()), ("mark", mark), ("staff_id", "")];
            let (status, text) = office.post(&format!("{item}/confirmation"), &ticks);
            assert!((300..400).contains(&status), "{status} {text}");
        }
        assert!(office.triage().is_empty());
        // Titles by the order in which the digest printed them: what was on the first sheet is acknowledged.
        let taken = titles.iter().filter(|t| acknowledged(&network, "G01", t)).count();
        assert_eq!(taken, 6, "全部了解 means the lines of its own sheet");
        let calls = network.topics("G01");
        let calls = calls.iter().flat_map(|t| t["replies"].as_array().into_iter().flatten());
        assert_eq!(calls.filter(|r| r["post"]["expectation"] == "call").count(), 1);
        gateway.stop();
    }
}
