//! Scenario S7 of care-network.md 8.8: paper for the hospital reaches a private home, its householder ticks
//! 宛先違い, and no further page leaves for that number. The new number gets nothing about a patient before
//! a second person has checked it and its 番号確認票 has come back.

#![expect(clippy::unwrap_used, reason = "a test program: what does not hold must end it")]

use kakehashi_core::text::number::grouped;
use kakehashi_fax::sheet::SheetSearch;
use kakehashi_tests::database::Database;
use kakehashi_tests::gateway::{Gateway, run_at};
use kakehashi_tests::mllp::Mllp;
use kakehashi_tests::network::{Network, hl7};
use kakehashi_tests::office::{Office, between, links};
use kakehashi_tests::{digests, paper};

const PHARMACY: &str = "0300000105";
const CARE_MANAGER: &str = "0300000104";
const NEW_NUMBER: &str = "0300000121";

fn csrf(page: &str) -> String {
    between(page, "name=\"csrf\" value=\"", "\"").unwrap().to_owned()
}

fn send(office: &mut Office, path: &str, fields: &[(&str, &str)]) {
    let (_, page) = office.get("/fax");
    let token = csrf(&page);
    let mut all = vec![("csrf", token.as_str())];
    all.extend(fields);
    let (status, text) = office.post(path, &all);
    assert!((300..400).contains(&status), "{path}: {status} {text}");
}

/// Path of the card of a number at the desk.
fn card(page: &str, number: &str) -> String {
    let block =
        page.split("<li").find(|b| b.contains(&format!("<b class=\"id\">{}</b>", grouped(number)))).unwrap();
    let at = block.find("/fax/endpoints/").unwrap();
    block[at..].split(['"', '/']).take(4).collect::<Vec<_>>().join("/")
}

/// A second person at the network office.
fn second_login(network: &Network) {
    let folder = network.config().parent().unwrap().join("directory");
    let logins = folder.join("logins.csv");
    let mut text = std::fs::read_to_string(&logins).unwrap();
    let head: Vec<&str> = text.lines().find(|l| l.starts_with("login_name")).unwrap().split(',').collect();
    let cells = head.iter().map(|column| match *column {
        "login_name" => "second",
        "facility_id" => "F09",
        "role" => "office",
        "display_name" => "事務局 二人目",
        "password" => "sakurami-demo-2",
        _ => "",
    });
    let line = cells.collect::<Vec<_>>().join(",");
    if !text.ends_with('\n') {
        text.push('\n');
    }
    std::fs::write(&logins, format!("{text}{line}\n")).unwrap();
    let (folder, config) = (folder.display().to_string(), network.config().display().to_string());
    let output = run_at("2026-06-04 09:10:00", &["directory", "import", &folder, "--config", &config]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn discharge(gateway: &Gateway) {
    say(gateway, "ja02_adt_a03_discharge_iso2022jp.hl7");
}

/// The hospital takes the discharge back: urgent for every member.
fn discharge_again(gateway: &Gateway) {
    say(gateway, "ja06_adt_a13_cancel_discharge_iso2022jp.hl7");
}

fn say(gateway: &Gateway, message: &str) {
    Mllp::connect(gateway.mllp).unwrap().exchange(&hl7(message)).unwrap().unwrap();
}

#[test]
fn a_wrong_number_stops_at_once() {
    for database in Database::all() {
        println!("on {database:?}");
        let network = Network::new(&database);
        second_login(&network);
        let mut gateway = network.start("2026-06-09 10:19:50");
        discharge(&gateway);
        let fax = network.relay.wait(PHARMACY, 1).remove(0).read();

        // What waits for the digest of 14:00 is queued before anybody notices.
        let mut doctor = Office::log_in_as(&gateway, "saeki", "sakurami-demo");
        digests::post(&mut doctor, "G01", "次回の訪問の件");
        // A stranger found it in the tray at home and sends it back.
        let mut sheet = paper::reply_sheet(fax.pdf());
        paper::tick(&mut sheet, "wrong_recipient");
        network.fax(&gateway, "0311112222", &[sheet]);
        network.settled();
        let mut office = Office::log_in(&gateway);
        let items = office.triage();
        assert_eq!(items.len(), 1);
        let (_, item) = office.get(&items[0]);
        let (_, desk) = office.get("/fax");
        if !desk.contains("停止") {
            // The mark was not sure enough for a machine: one click of the office does the same.
            println!("宛先違い was left to a person");
            let path = card(&desk, PHARMACY);
            send(&mut office, &format!("{path}/wrong"), &[]);
        } else {
            assert!(item.contains("番号は止めました"), "{item}");
        }
        // What waited is recalled, and whatever comes now does not leave for that number: another member's urgent page
        // does, and the hour of its digest passes.
        let before = network.relay.to(PHARMACY).len();
        let others = network.relay.to(CARE_MANAGER).len();
        let (_, all) = office.get("/outbox?show=done");
        assert!(all.contains("取消"), "what waited is recalled: {all}");
        discharge_again(&gateway);
        assert_eq!(network.relay.wait(CARE_MANAGER, others + 1).len(), others + 1);
        gateway.stop();
        let mut gateway = network.start("2026-06-09 15:59:55");
        assert_eq!(network.relay.wait(CARE_MANAGER, others + 2).len(), others + 2);
        assert_eq!(network.relay.to(PHARMACY).len(), before, "no page after 宛先違い");
        let mut office = Office::log_in(&gateway);

        // The new number by telephone: one writes it down, the same person cannot check it.
        let (_, desk) = office.get("/fax");
        let path = card(&desk, PHARMACY);
        send(
            &mut office,
            &format!("{path}/number"),
            &[("number", "03-0000-0121"), ("again", "03-0000-0121")],
        );
        let (_, desk) = office.get("/fax");
        assert!(
            desk.contains(&grouped(NEW_NUMBER))
                && !desk.contains(&format!("{path}/check\" class=\"row\"><button"))
        );
        let change = between(&desk, &format!("{path}/check"), "</form>").unwrap();
        let change = between(change, "name=\"change_id\" value=\"", "\"").unwrap().to_owned();
        let token = csrf(&desk);
        let (status, refused) = office
            .post(&format!("{path}/check"), &[("csrf", token.as_str()), ("change_id", change.as_str())]);
        assert!(status == 200 && refused.contains("別の人が確かめます"), "{status} {refused}");
        assert!(network.relay.to(NEW_NUMBER).is_empty());
        second_person(&network, &gateway, &path, &change);
        gateway.stop();
        the_file_does_not_bring_it_back(&network);
    }
}

/// A directory file that still has the old number changes nothing, and the import says so.
fn the_file_does_not_bring_it_back(network: &Network) {
    let folder = network.config().parent().unwrap().join("directory").display().to_string();
    let config = network.config().display().to_string();
    let output = run_at("2026-06-10 09:00:00", &["directory", "import", &folder, "--config", &config]);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && told.contains("番号は画面で二人が確かめたもの"), "{told}");
    let mut gateway = network.start("2026-06-10 09:10:00");
    let (_, desk) = Office::log_in(&gateway).get("/fax");
    assert!(desk.contains(&grouped(NEW_NUMBER)) && !desk.contains(&grouped(PHARMACY)), "{desk}");
    gateway.stop();
}

/// Somebody else of the office compares it with the pharmacy's letter; the handshake goes out and comes back.
fn second_person(network: &Network, gateway: &Gateway, path: &str, change: &str) {
    let mut second = Office::log_in_as(gateway, "second", "sakurami-demo-2");
    send(&mut second, &format!("{path}/check"), &[("change_id", change)]);
    let handshake = network.relay.wait(NEW_NUMBER, 1).remove(0).read();
    let mut sheet = paper::reply_sheet(handshake.pdf());
    assert!(matches!(kakehashi_fax::sheet::read(&sheet), SheetSearch::Found(_)));
    paper::tick(&mut sheet, "confirm_number");
    network.fax(gateway, NEW_NUMBER, &[sheet]);
    network.settled();
    // A sure tick verifies by itself; otherwise the office presses one key.
    for item in second.triage() {
        let (_, page) = second.get(&item);
        if !links(&page, "/triage").is_empty() && page.contains(&format!("{item}/request")) {
            let token = csrf(&page);
            let (status, _) = second.post(&format!("{item}/request"), &[("csrf", token.as_str())]);
            assert!((300..400).contains(&status));
        }
    }
    let (_, desk) = second.get("/fax");
    let block = desk
        .split("<li")
        .find(|b| b.contains(&format!("<b class=\"id\">{}</b>", grouped(NEW_NUMBER))))
        .unwrap();
    assert!(block.contains("確認済"), "{block}");
}
